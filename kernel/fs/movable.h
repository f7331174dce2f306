/* SPDX-License-Identifier: MIT */
/*
 * What is the same for all files that the kernel keeps until the host has to know them: pipes,
 * eventfds, timerfds, unix sockets. Such a file has no handle until it moves (.to_host of struct
 * file_ops), and has it then for good. It moves with the lock of its object held.
 */
#ifndef KERNEL_FS_MOVABLE_H
#define KERNEL_FS_MOVABLE_H

#include <linux/fcntl.h>
#include "kernel/fs/file.h"

struct io_request;
struct stat;

/* Flags of F_SETFL that the kernel keeps for each of them: fcntl(2). */
#define MOVABLE_FLAGS (O_APPEND | O_NONBLOCK | O_NOATIME)

/* Returns true if the file has moved. With the object's lock held that is certain, else a hint. */
static inline bool movable_on_host(const struct ofile *f)
{
	return __atomic_load_n(&f->handle, __ATOMIC_ACQUIRE) >= 0;
}

/* Passes a request to the host, which moves the file there if it is not. As io_transfer. */
s64 movable_pass_on(struct ofile *f, struct io_request *rq);

/* The operations .seek and .get_flags. */
s64 movable_seek(struct ofile *f, s64 offset, u32 whence);
s64 movable_get_flags(struct ofile *f);
/*
 * The operation .set_flags. lock: of the object. settable: the flags that the kernel keeps; of the
 * others, O_ASYNC and O_DIRECT move the file.
 */
s64 movable_set_flags(struct ofile *f, s32 fd, u64 flags, struct mutex *lock, u32 settable);

/* The operation .ioctl, but for what only one kind has. */
s64 movable_ioctl(struct ofile *f, u32 nr, u64 arg);

/* For the operation .stat of a file with these attributes that has not moved. */
struct stat movable_stat(u64 dev, u64 ino, u32 mode, u32 uid, u32 gid);
/*
 * For a handle that a message brought. If it may be of a file that has moved, of this type (S_IF*),
 * returns its O_* flags, and *st tells which file. Else returns -errno.
 */
s64 movable_arrives(s32 handle, u32 type, struct stat *st);

/* For the operation .name: puts the text, without its end, into buf, and returns its length. */
s64 movable_name(const char *text, char *buf, u64 size);
/* The same for the name with an inode number that pipes and sockets have: "kind:[ino]". */
s64 movable_name_ino(const char *kind, u64 ino, char *buf, u64 size);

#endif
