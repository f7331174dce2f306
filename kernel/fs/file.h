/* SPDX-License-Identifier: MIT */
/*
 * Files of programs: a descriptor names a struct ofile (an open file, shared by dup and fork). Most
 * open files have a host handle: the host then keeps position, status flags and content. Other
 * kinds keep these in the kernel, see fs/file_ops.h.
 */
#ifndef KERNEL_FS_FILE_H
#define KERNEL_FS_FILE_H

#include <bsd/sys/queue.h>
#include "common/types.h"
#include "kernel/lock.h"

struct window;
struct epoll_item;
struct async;
struct file_ops;
struct lock_file;
struct cookie;

/* What open files of all kinds have. A kind's own struct begins with this one: fs/file_ops.h. */
struct ofile {
	const struct file_ops *ops; /* the kind: each has one table */
	u32 refs;		    /* atomic */
	s32 handle;		    /* host handle; owned. < 0: none */
	u32 flags;		    /* O_* without O_CLOEXEC: as opened, then as F_SETFL set them */
	u32 mode;		    /* st_mode & S_IFMT of the file; 0: not known yet */
	struct window *window;	    /* the last one made for the file; a reference. mapping_lock */
	struct lock_file *locks;    /* record locks: ipc/locks.c. NULL: never locked */
	struct async *async;	    /* O_ASYNC, owner, leases: fs/fasync.c. Owned */
	LIST_HEAD(, epoll_item) watched; /* items of epolls: fs/epoll.c. epoll_lock */
};

#define FD_LIMIT (1 << 20) /* most descriptors a process can have, whatever RLIMIT_NOFILE says */
#define FD_CHUNK 512	   /* descriptors per chunk of the table: their pointers fill a page */

/*
 * The descriptors of a process. Growth copies the two bitmaps but never moves a chunk. Invariant: a
 * bit of open is set exactly where the chunk's pointer is not NULL.
 */
struct files {
	u32 users;	   /* atomic */
	bool has_locked;   /* a process set a record lock through this table: ipc/locks.c */
	struct mutex lock; /* guards all below */
	u32 size;	   /* capacity in descriptors: a multiple of FD_CHUNK */
	u32 next;	   /* no descriptor below is free */
	u64 *open, *cloexec;
	struct ofile **chunk[FD_LIMIT / FD_CHUNK]; /* NULL: all free */
};

/* These three return a table with one user, or NULL when there is no memory. */
struct files *files_new(void);		  /* empty */
struct files *files_boot(void);		  /* for the first process: stdio from boot info */
struct files *files_dup(struct files *f); /* a copy of f, for fork. Takes f->lock */
/* Gives the running process a copy of its table if it shares that. Returns 0 or -ENOMEM. */
int files_unshare(void);
/* Drops a user. The last one closes all descriptors and frees the table. */
void files_put(struct files *f);
void files_close_on_exec(struct files *f);

/*
 * The table itself (fs/fdtable.c), for any process. The functions take f->lock and check fd.
 */

/* Returns a reference to the file of fd, or NULL if fd is not open. */
struct ofile *fdtable_get(struct files *f, s32 fd);
/*
 * Makes the lowest free descriptor in [min, limit) name file, and returns that descriptor. Takes
 * the caller's reference unless it fails. -EMFILE: none is free. -EINVAL: min is negative, or it is
 * not 0 and not below limit. -ENOMEM.
 */
s32 fdtable_install(struct files *f, struct ofile *file, s32 min, u64 limit, bool cloexec);
/*
 * Makes fd name file. *old gets what fd named before, or NULL; the caller passes it to file_close.
 * Returns 0, or -EBADF (fd is not below FD_LIMIT) or -ENOMEM, and then the caller keeps its
 * reference to file.
 */
int fdtable_replace(struct files *f, s32 fd, struct ofile *file, bool cloexec, struct ofile **old);
/* Frees fd. Returns what it named, for file_close; NULL: fd was not open. */
struct ofile *fdtable_remove(struct files *f, s32 fd);
/* Returns the lowest open descriptor >= fd, or -1 if there is none. */
s32 fdtable_next(struct files *f, s32 fd);
int fdtable_get_cloexec(struct files *f, s32 fd);	   /* 0, 1 or -EBADF */
int fdtable_set_cloexec(struct files *f, s32 fd, bool on); /* 0 or -EBADF */
u32 fdtable_size(struct files *f); /* the capacity, for FDSize of /proc/self/status */

/*
 * Makes an open file of a kind, with one reference. It has ops->size bytes; those beyond struct
 * ofile are 0. The file owns handle (-1: it has none). Returns NULL when there is no memory; the
 * caller then keeps handle.
 */
struct ofile *ofile_new(const struct file_ops *ops, s32 handle, u32 flags);
/* The same for a host file: fs/host_file.h. */
struct ofile *host_file_new(s32 handle, u32 flags);
struct ofile *ofile_get(struct ofile *f);
/* Returns an inode number for a pipe or socket that the kernel keeps: none of the host's. */
u64 ofile_new_inode(void);
/* Drops a reference; the last one closes the handle. NULL is allowed. task_lock is not held. */
void ofile_put(struct ofile *f);

/*
 * Ends what a descriptor of files did with f, after fdtable_remove or fdtable_replace has returned
 * f (NULL is allowed): removes the record locks of files on that file, and puts the reference.
 */
void file_close(struct files *files, struct ofile *f);

/*
 * Returns a reference to the file that the running process's descriptor fd names. NULL: EBADF, also
 * for a descriptor of O_PATH, which names a file and does not open it. fd_get_any is for the few
 * calls that take such a descriptor, too.
 */
struct ofile *fd_get(s32 fd);
struct ofile *fd_get_any(s32 fd);
/*
 * Returns the host handle (>= 0) of fd. *file gets a reference that the caller puts after its use
 * of the handle. -EBADF: as for fd_get. Other errors are those of ofile_handle. fd_handle_any takes
 * descriptors of O_PATH, too.
 */
s32 fd_handle(s32 fd, struct ofile **file);
s32 fd_handle_any(s32 fd, struct ofile **file);
/* fdtable_install for the running process, with RLIMIT_NOFILE as the limit. */
s32 fd_install(struct ofile *file, s32 min, bool cloexec);

/*
 * Opens a path as open(2) does, names in our /proc included. dirfd: AT_FDCWD or a descriptor of the
 * running process. path lies in kernel memory. Returns the open file, or NULL with -errno in *err.
 */
struct ofile *file_open(s32 dirfd, const char *path, u32 flags, u32 mode, int *err);
/*
 * Reads from a host file into kernel memory, for exec. Returns how many bytes, less than len at the
 * end of the file or after an error; -errno if there is not one.
 */
s64 file_pread(struct ofile *f, void *buf, u64 len, u64 offset);

#endif
