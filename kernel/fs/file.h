/*
 * Files of programs: descriptor -> struct ofile (open file, shared by dup and fork) -> host handle.
 * The host has the position, the status flags and the content; the kernel has who may name it.
 */
#ifndef KERNEL_FS_FILE_H
#define KERNEL_FS_FILE_H

#include "common/types.h"
#include "kernel/lock.h"

struct window;

enum ofile_kind {
	OFILE_HOST,	/* everything but: */
	OFILE_PROC,	/* a file of our /proc: content is a sealed host memfd made at open */
	OFILE_PROC_DIR, /* a directory of our /proc: entries made by fs/proc.c */
	OFILE_SIGNALFD,
	OFILE_PIDFD,
};

struct ofile {
	u32 refs;
	enum ofile_kind kind;
	s32 handle;  /* host handle; -1 for OFILE_PROC_DIR and others without one */
	u32 flags;   /* O_* as F_GETFL reports them (access mode, status) */
	u32 mode;    /* st_mode & S_IFMT of the file, 0 unknown yet */
	char *path;  /* of /proc files; else NULL */
	u64 pos;     /* OFILE_PROC_DIR */
	void *data;  /* by kind */
	struct window *window; /* last one made for it: most files are mapped several times */
};

#define FD_LIMIT (1 << 20) /* most descriptors a process can have, whatever RLIMIT_NOFILE says */

struct fd_entry {
	struct ofile *file;
	bool cloexec;
};
struct files {
	u32 users;
	struct mutex lock;
	u32 size, next; /* entries; lowest that may be free */
	struct fd_entry *fd;
};

struct files *files_new(void);
struct files *files_dup(struct files *f); /* for fork */
void files_put(struct files *f);
void files_close_on_exec(struct files *f);

struct ofile *ofile_new(enum ofile_kind kind, s32 handle, u32 flags); /* refs 1; takes handle */
struct ofile *ofile_get(struct ofile *f);
void ofile_put(struct ofile *f); /* last one closes the handle */

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
