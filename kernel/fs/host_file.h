/* SPDX-License-Identifier: MIT */
/*
 * Open files that are the host's: files, directories, pipes, sockets, terminals, epolls and all
 * else of which the kernel has no more than a handle.
 */
#ifndef KERNEL_FS_HOST_FILE_H
#define KERNEL_FS_HOST_FILE_H

#include "kernel/fs/file.h"

struct vm_opened;

struct host_file {
	struct ofile file;
	s64 tty_device;	 /* fs/tty.c: of the terminal it is, -ENOTTY; 0 unknown yet */
	bool tty_master; /* it is the terminal's master */
	bool records;	 /* the host reads it iovec by iovec, records whole: inotify(7) */
	LIST_HEAD(, cookie) cookies;	 /* of mq_notify, in this socket: ipc/mq_notify.c */
	LIST_HEAD(, epoll_item) watches; /* if it is an epoll: what it waits for; epoll_lock */
	struct epoll *epoll;		 /* if this struct made it: fs/epoll.c; owned */
};

extern const struct file_ops host_file_ops;

/*
 * Somebody is to wait for the epoll f on the host, or has it from a message: it is readable there
 * when one of the kernel's files in it is, from now on. Nothing for other files. fs/epoll.c
 */
void epoll_is_polled(struct ofile *f);
/* The epoll f goes into a message: all its files become the host's. Nothing for other files. */
void epoll_leaves(struct ofile *f);

/* NULL: f is of another kind. */
static inline struct host_file *host_file_of(struct ofile *f)
{
	return f->ops == &host_file_ops ? (struct host_file *)f : NULL;
}

/*
 * For the result of a hostcall that opens, with these O_* flags: the open file, which owns the
 * handle; or NULL and *err, the handle being closed where there was one.
 */
struct ofile *host_file_of_result(s64 handle, u32 flags, int *err);

/* File operations of all whose position, status flags and readiness are those of their handle. */
s64 host_seek(struct ofile *f, s64 offset, u32 whence);
s64 host_poll_handle(struct ofile *f);
s64 host_get_flags(struct ofile *f);
s64 host_set_flags(struct ofile *f, s32 fd, u64 flags);
s64 host_ioctl(struct ofile *f, u32 nr, u64 arg); /* fs/ioctl.c */
/* fs/mapping.c */
int host_mmap(struct ofile *f, u64 offset, u64 len, u32 prot, bool shared, struct vm_opened *out);

/*
 * RLIMIT_FSIZE: how many of len bytes a write with these RWF_* flags at offset (IO_AT_POS: the
 * file's position) may have. -EFBIG, with SIGXFSZ, when none. Costs nothing without a limit.
 */
s64 host_file_room(struct ofile *f, s64 offset, u32 rwf, u64 len);

#endif
