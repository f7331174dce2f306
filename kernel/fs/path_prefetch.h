/* SPDX-License-Identifier: MIT */
/*
 * Path prefetch: the host makes lookups (readlink, stat, access, an open that fails) before the
 * program asks for them. path_prefetch.c says why no program can tell. All functions are for the
 * running thread, or for a thread that does not run.
 */
#ifndef KERNEL_FS_PATH_PREFETCH_H
#define KERNEL_FS_PATH_PREFETCH_H

#include "common/types.h"
#include "kernel/task/thread.h"

struct fs_path;
struct ofile;
struct stat;

/*
 * Called when the running thread's system call is a lookup (kind: HOSTCALL_LOOKUP_*) of p. Returns
 * true if the host has answered the lookup, in an earlier lookup batch or in one made now. *result
 * is then what the single hostcall would return, and data (size bytes, enough for the kind) has
 * what it would write. Returns false if the caller has to make the single hostcall.
 */
bool path_prefetch(const struct fs_path *p, u8 kind, void *data, u64 size, s64 *result);

/*
 * For open(2) without O_CREAT. path_prefetch_missing returns true if the open is known to fail,
 * with the error in *result. Otherwise the caller makes the hostcall, and passes its result to
 * path_prefetch_opened, which learns an ENOENT or ENOTDIR as a lookup.
 */
bool path_prefetch_missing(const struct fs_path *p, s64 *result);
void path_prefetch_opened(const struct fs_path *p, s64 result);

/*
 * A caller for which path_prefetch returned false passes what the single hostcall has answered, for
 * the case that the program's next system call is the same lookup.
 */
void path_prefetch_answered(const struct fs_path *p, u8 kind, const void *data, u64 size,
			    s64 result);

/*
 * path_prefetch_open returns the moment (TSC) at which the hostcall that opens a file begins, or 0
 * if another thread or process shares what the process has; the caller takes it before that
 * hostcall. path_prefetch_stat stores the attributes of f, which the hostcall that began at start
 * has opened; it stores none if start is 0.
 *
 * From then on the thread's next system calls have answers, as long as each of them is one of
 * these: fstat(2)          path_prefetch_fstat: the attributes; not after a read(2) lseek(2)
 * path_prefetch_seek: to where the file is already, a regular one read(2) path_prefetch_read: 0
 * after a read that came to the end of a regular file. Otherwise path_prefetch_reads returns the
 * moment at which the hostcall begins (0: no answers), and path_prefetch_has_read gets its result
 *   a call without an effect or an answer that could change: path_prefetch_still
 * The functions return true if they have answered.
 */
u64 path_prefetch_open(void);
void path_prefetch_stat(struct ofile *f, const struct stat *st, u64 start);
bool path_prefetch_fstat(const struct ofile *f, struct stat *st);
bool path_prefetch_seek(const struct ofile *f, s64 offset, u32 whence, s64 *result);
bool path_prefetch_read(const struct ofile *f);
u64 path_prefetch_reads(const struct ofile *f);
void path_prefetch_has_read(u64 start, u64 wanted, s64 result);
void path_prefetch_still(const struct ofile *f);

/*
 * Called before the handle of a file is closed because the file's last reference has gone. Returns
 * true if it has closed the handle, in one hostcall with lookups that probably follow. Returns
 * false if the caller has to close the handle.
 */
bool path_prefetch_close(s32 handle);

/* Called when t, which has a record (t->prefetch), made a system call that is no lookup. */
void path_prefetch_break(struct thread *t);
/* Called when t may have learned of a change of the host's files: drops the answers of t. */
void path_prefetch_drop(struct thread *t);
/* Called when t ends or executes another program: frees the record of t. */
void path_prefetch_free(struct thread *t);

/* The system-call dispatcher calls these before and after each system call. */
static inline void path_prefetch_enter(struct thread *t)
{
	t->is_lookup = false;
	t->calls++;
}
static inline void path_prefetch_leave(struct thread *t)
{
	if (t->prefetch && !t->is_lookup)
		path_prefetch_break(t);
}

#endif
