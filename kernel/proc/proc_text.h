/* SPDX-License-Identifier: MIT */
/*
 * The texts of our /proc. Each function writes one file's whole content; proc.c says which file
 * that is. Formats: proc(5), and what Linux 6 prints.
 */
#ifndef KERNEL_PROC_PROC_TEXT_H
#define KERNEL_PROC_PROC_TEXT_H

#include "common/types.h"

struct ofile;
struct process;
struct thread;

/* Text on its way into a file: a buffer that is written out whenever it is full. */
struct text {
	s32 handle; /* where text_flush writes to ... */
	u8 *memory; /* ... or, not NULL: this, up to .memory_size bytes, the rest is dropped */
	u64 memory_size;
	u64 written; /* bytes there already */
	s64 error;   /* first error; the rest is dropped */
	u64 len;
	char buf[4096];
};

void text_bytes(struct text *t, const void *p, u64 len);
void text_printf(struct text *t, const char *fmt, ...) __printf(2, 3);
/* Writes the buffer to the handle; provided by proc.c, and by the unit test. */
void text_flush(struct text *t);

/*
 * What a file is about. task_lock is held, so p and t stay; for files that belong to no process
 * they are the running ones. A process on its way out has no mm, files, fs, sighand any more, a
 * zombie no thread either.
 */
struct proc_ctx {
	struct process *p;
	struct thread *t; /* NULL: none is left */
	s32 tid;
	bool whole;	    /* it is about the process, not about t */
	s32 fd;		    /* of fd/N and fdinfo/N ... */
	struct ofile *file; /* ... and its file; NULL: there is none, or the name is another */
	bool running;	    /* t runs, or would if it had a CPU */
	bool self;	    /* t is the caller */
};

/* The scale of oom_adj, which is older than oom_score_adj's: proc(5). */
#define OOM_ADJ_MIN (-17)
#define OOM_ADJ_MAX 15

/* One function per file, proc_text_NAME. */
#define PROC_TEXTS(X)                                                                              \
	X(auxv)                                                                                    \
	X(clear_refs)                                                                              \
	X(cmdline)                                                                                 \
	X(comm)                                                                                    \
	X(coredump_filter)                                                                         \
	X(environ)                                                                                 \
	X(fdinfo)                                                                                  \
	X(limits)                                                                                  \
	X(maps)                                                                                    \
	X(meminfo)                                                                                 \
	X(msg)                                                                                     \
	X(numa_maps)                                                                               \
	X(oom_adj)                                                                                 \
	X(oom_score)                                                                               \
	X(oom_score_adj)                                                                           \
	X(personality)                                                                             \
	X(schedstat)                                                                               \
	X(sem)                                                                                     \
	X(shm)                                                                                     \
	X(smaps)                                                                                   \
	X(smaps_rollup)                                                                            \
	X(stack)                                                                                   \
	X(stat)                                                                                    \
	X(statm)                                                                                   \
	X(status)                                                                                  \
	X(syscall)                                                                                 \
	X(timers)                                                                                  \
	X(timerslack_ns)                                                                           \
	X(wchan)

#define X(name) void proc_text_##name(struct text *t, const struct proc_ctx *c);
PROC_TEXTS(X)
#undef X

#endif
