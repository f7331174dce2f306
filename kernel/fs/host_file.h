/* SPDX-License-Identifier: MIT */
/*
 * Host files: open files whose content is the host's, such as regular files, directories, FIFOs,
 * sockets, terminals and epolls. Each has a handle from its start to its end.
 */
#ifndef KERNEL_FS_HOST_FILE_H
#define KERNEL_FS_HOST_FILE_H

#include "kernel/fs/file.h"

struct vm_opened;

/* Character devices 1:3, 1:5 and 1:7 in st_rdev: Linux, devices.txt. */
#define DEV_NULL 0x103
#define DEV_ZERO 0x105
#define DEV_FULL 0x107

struct host_file {
	struct ofile file;
	s64 tty_device;	 /* device number of a terminal, or -ENOTTY; 0: not known yet. fs/tty.c */
	bool tty_master; /* true for the master of a pseudo-terminal; known with tty_device */
	bool records;	 /* inotify(7): a read puts only whole records into each segment */
	LIST_HEAD(, cookie) cookies;	 /* of mq_notify, in this socket: ipc/mq_notify.c */
	LIST_HEAD(, epoll_item) watches; /* of an epoll: its items; epoll_lock */
	LIST_ENTRY(host_file) writer;	 /* fs/busy.c, if ino is not 0 */
	u64 dev, ino;			 /* of a regular file that is open for writing; else 0 */
	struct epoll *epoll;		 /* fs/epoll.c; owned. NULL: no epoll, or from a message */
};

extern const struct file_ops host_file_ops;

/*
 * Called before a thread waits on the host for f, which may be an epoll: from then on the host's
 * epoll is readable when one of the kernel's files in the epoll is ready. Does nothing for other
 * files. May take epoll_lock. fs/epoll.c
 */
void epoll_is_polled(struct ofile *f);
/*
 * Called before f, which may be an epoll, goes into a message: the host polls all files of the
 * epoll from then on. Does nothing for other files. Takes epoll_lock. fs/epoll.c
 */
void epoll_leaves(struct ofile *f);

/*
 * The .info of host files: for an epoll, replaces the host's list of files by the program's. Takes
 * epoll_lock. fs/epoll.c
 */
struct file_info;
void epoll_info(struct ofile *f, struct file_info *info);

/* Returns f as a host file; NULL: f is of another kind. */
static inline struct host_file *host_file_of(struct ofile *f)
{
	return f->ops == &host_file_ops ? (struct host_file *)f : NULL;
}

/*
 * Makes an open file for the result of a hostcall that opens a file with these O_* flags. The file
 * owns the handle. On failure, returns NULL with -errno in *err, and closes the handle if there is
 * one. -EINTR becomes -ERESTARTSYS.
 */
struct ofile *host_file_of_result(s64 handle, u32 flags, int *err);

/* File operations for kinds whose position, status flags and readiness are those of the handle. */
s64 host_seek(struct ofile *f, s64 offset, u32 whence);
s64 host_poll_handle(struct ofile *f);
s64 host_get_flags(struct ofile *f);
s64 host_set_flags(struct ofile *f, s32 fd, u64 flags);
s64 host_ioctl(struct ofile *f, u32 nr, u64 arg); /* fs/ioctl.c */
/* fs/mapping.c */
int host_mmap(struct ofile *f, u64 offset, u64 len, u32 prot, bool shared, struct vm_opened *out);

/*
 * Returns how many of len bytes RLIMIT_FSIZE allows for a write with these RWF_* flags at offset
 * (IO_AT_POS: the file's position). If it allows none, sends SIGXFSZ and returns -EFBIG. Makes no
 * hostcall if there is no limit.
 */
s64 host_file_room(struct ofile *f, s64 offset, u32 rwf, u64 len);

#endif
