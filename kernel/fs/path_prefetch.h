/* SPDX-License-Identifier: MIT */
/*
 * Path lookups (readlink, stat, access, an open that fails) that the host makes before the program
 * asks for them: path_prefetch.c says why nobody can tell.
 */
#ifndef KERNEL_FS_PATH_PREFETCH_H
#define KERNEL_FS_PATH_PREFETCH_H

#include "common/types.h"
#include "kernel/task/thread.h"

struct fs_path;
struct ofile;
struct stat;

/*
 * The running thread's system call is this lookup (HOSTCALL_LOOKUP_*) about p. True: the host has
 * answered it, a moment ago or now, together with what may come next; *result is what the hostcall
 * for it alone would return, what it would write is in data (size bytes, enough for the kind's).
 * False: make that hostcall.
 */
bool path_prefetch(const struct fs_path *p, u8 kind, void *data, u64 size, s64 *result);

/*
 * For open(2) without O_CREAT. Before: true if it is known to fail, with *result. After a hostcall
 * that gave this result: it counts as a lookup if it failed so.
 */
bool path_prefetch_missing(const struct fs_path *p, s64 *result);
void path_prefetch_opened(const struct fs_path *p, s64 result);

/*
 * What fstat(2) says of the file that the system call under way has opened, by a hostcall that
 * began at start (TSC). The next system call may be that fstat: true, and *st is filled in.
 */
void path_prefetch_stat(struct ofile *f, const struct stat *st, u64 start);
bool path_prefetch_fstat(const struct ofile *f, struct stat *st);

/*
 * The running thread closes the last descriptor of a file: with the hostcall for it go lookups
 * that may come next. False: there are none, close the handle.
 */
bool path_prefetch_close(s32 handle);

/* The running thread, which has a record, did something else. */
void path_prefetch_break(struct thread *t);
/* It could have heard of something: answers that it has are not used any more. */
void path_prefetch_drop(struct thread *t);
/* It ends or becomes another program: nothing is known of it any more. */
void path_prefetch_free(struct thread *t);

/* Around each system call. */
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
