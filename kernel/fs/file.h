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
struct lock_file;
struct cookie;

enum ofile_kind {
	OFILE_HOST,	/* everything but: */
	OFILE_PROC,	/* a file of our /proc: content was rendered into a host memfd */
	OFILE_PROC_DIR, /* a directory of our /proc: the handle is the host's /proc, entries ours */
	OFILE_SIGNALFD,
	OFILE_PIDFD,
	OFILE_MQUEUE,
};

struct ofile {
	u32 refs; /* atomic */
	enum ofile_kind kind;
	s32 handle;		 /* host handle; owned */
	u32 flags;		 /* O_* at open */
	u32 mode;		 /* st_mode & S_IFMT of the file, 0 unknown yet */
	char *path;		 /* of /proc files; else NULL. Owned */
	u64 pos;		 /* OFILE_PROC_DIR: index of the next entry */
	void *data;		 /* by kind; OFILE_PROC*: struct proc_file. Owned */
	struct window *window;	 /* last one made for it: most files are mapped several times */
	s64 tty_device;		 /* fs/tty.c: of the terminal it is, -ENOTTY; 0 unknown yet */
	bool tty_master;	 /* it is the terminal's master */
	bool records;		 /* the host reads it iovec by iovec, records whole: inotify(7) */
	struct lock_file *locks; /* if it was locked: ipc/locks.c */
	struct async *async;	 /* if its input is to send a signal: fs/async.c. Owned */
	LIST_HEAD(, cookie) cookies;	 /* of mq_notify, in this socket: ipc/cookie.c */
	LIST_HEAD(, epoll_item) watched; /* epolls that wait for it: fs/epoll.c, epoll_lock */
	LIST_HEAD(, epoll_item) watches; /* if it is an epoll: what it waits for */
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

struct ofile *ofile_new(enum ofile_kind kind, s32 handle, u32 flags); /* refs 1; takes handle */
struct ofile *ofile_get(struct ofile *f);
void ofile_put(struct ofile *f); /* last one closes the handle; NULL is allowed */

/*
 * What a descriptor in files named before it was closed or replaced (NULL is allowed): record locks
 * go and so does the descriptor's reference. fdtable_remove's result comes here, always.
 */
void file_close(struct files *files, struct ofile *f);

/* The open file of a descriptor of the running process; a reference. NULL: EBADF. */
struct ofile *fd_get(s32 fd);
/* Host handle of fd (>= 0) or -EBADF; *file gets the reference to put later. */
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
