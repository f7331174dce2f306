/* SPDX-License-Identifier: MIT */
/*
 * Files of programs: descriptor -> struct ofile (open file, shared by dup and fork) -> host handle.
 * The host has the position, the status flags and the content; the kernel has who may name it.
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
	u32 flags;		    /* O_* at open */
	u32 mode;		    /* st_mode & S_IFMT of the file, 0 unknown yet */
	struct window *window;	    /* last one made for it: most files are mapped several times */
	struct lock_file *locks;    /* if it was locked: ipc/locks.c */
	struct async *async;	    /* if its input is to send a signal: fs/fasync.c. Owned */
	LIST_HEAD(, epoll_item) watched; /* epolls that wait for it: fs/epoll.c, epoll_lock */
};

#define FD_LIMIT (1 << 20) /* most descriptors a process can have, whatever RLIMIT_NOFILE says */
#define FD_CHUNK 512	   /* descriptors per chunk of the table: pointers of one page */

/*
 * The descriptors of a process. Chunks never move, so a table grows without copying; the bitmaps
 * do. A bit of open is set exactly where file is not NULL.
 */
struct files {
	u32 users;
	bool has_locked;   /* with F_SETLK, once: a close has to look for locks */
	struct mutex lock; /* guards all below */
	u32 size;	   /* descriptors there is room for now: a multiple of FD_CHUNK */
	u32 next;	   /* no descriptor below is free */
	u64 *open, *cloexec;
	struct ofile **chunk[FD_LIMIT / FD_CHUNK]; /* NULL: all free */
};

struct files *files_new(void);		  /* empty; NULL: no memory */
struct files *files_boot(void);		  /* the first process's: stdio from boot info */
struct files *files_dup(struct files *f); /* for fork */
/* The running process gets a table of its own, a copy of what it shared. 0 or -ENOMEM. */
int files_unshare(void);
void files_put(struct files *f);
void files_close_on_exec(struct files *f);

/*
 * The table itself (fs/fdtable.c), for any process. fds are checked: outside the table is EBADF.
 * get: a reference or NULL. install: lowest free descriptor in [min, limit); takes the caller's
 * reference, on failure (-EMFILE, -EINVAL, -ENOMEM) the caller keeps it. replace: fd names file
 * (takes the reference) and *old is what it named before, to be put by the caller. remove: what
 * fd named, to be put by the caller, or NULL. next: lowest descriptor >= fd in use, -1: none.
 */
struct ofile *fdtable_get(struct files *f, s32 fd);
s32 fdtable_install(struct files *f, struct ofile *file, s32 min, u64 limit, bool cloexec);
int fdtable_replace(struct files *f, s32 fd, struct ofile *file, bool cloexec, struct ofile **old);
struct ofile *fdtable_remove(struct files *f, s32 fd);
s32 fdtable_next(struct files *f, s32 fd);
int fdtable_get_cloexec(struct files *f, s32 fd); /* 0, 1 or -EBADF */
int fdtable_set_cloexec(struct files *f, s32 fd, bool on);
u32 fdtable_size(struct files *f); /* for FDSize of /proc/self/status */

/*
 * A new open file of the kind: refs 1, ops->size bytes, which are 0 beyond struct ofile. Takes
 * handle, unless the result is NULL (no memory).
 */
struct ofile *ofile_new(const struct file_ops *ops, s32 handle, u32 flags);
/* The same for a file of the host's: fs/host_file.h. */
struct ofile *host_file_new(s32 handle, u32 flags);
struct ofile *ofile_get(struct ofile *f);
void ofile_put(struct ofile *f); /* last one closes the handle; NULL is allowed */

/*
 * What a descriptor in files named before it was closed or replaced (NULL is allowed): record locks
 * go and so does the descriptor's reference. fdtable_remove's result comes here, always.
 */
void file_close(struct files *files, struct ofile *f);

/* The open file of a descriptor of the running process; a reference. NULL: EBADF. */
struct ofile *fd_get(s32 fd);
/*
 * Host handle of fd (>= 0), *file gets the reference to put later. -EBADF; -EINVAL: the file has no
 * handle.
 */
s32 fd_handle(s32 fd, struct ofile **file);
/* Lowest free descriptor >= min now names file (takes the caller's reference). -EMFILE, -EINVAL. */
s32 fd_install(struct ofile *file, s32 min, bool cloexec);

/*
 * Opens a path as open(2) would (our /proc included) and returns the open file or -errno in *err.
 * dirfd: AT_FDCWD or a descriptor of the running process. path in kernel memory.
 */
struct ofile *file_open(s32 dirfd, const char *path, u32 flags, u32 mode, int *err);
/* Whole or partial read into kernel memory at an offset; bytes or -errno. For exec. */
s64 file_pread(struct ofile *f, void *buf, u64 len, u64 offset);

#endif
