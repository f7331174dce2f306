/* SPDX-License-Identifier: MIT */
/*
 * The texts of our /proc. Each function writes the whole content of one file; proc.c has the table
 * of the files. The formats are those of proc(5) and of Linux 6.
 */
#ifndef KERNEL_PROC_PROC_TEXT_H
#define KERNEL_PROC_PROC_TEXT_H

#include "common/types.h"

struct ofile;
struct process;
struct thread;

/* The writer of a text: a buffer that text_flush writes out whenever it is full. */
struct text {
	s32 handle; /* text_flush writes to this file, if memory is NULL */
	u8 *memory; /* not NULL: text_flush writes here, and drops what does not fit */
	u64 memory_size;
	u64 written; /* bytes in the file, or in memory */
	s64 error;   /* the first error, after which text is dropped */
	u64 len;     /* bytes in buf */
	char buf[4096];
};

void text_bytes(struct text *t, const void *p, u64 len);
void text_printf(struct text *t, const char *fmt, ...) __printf(2, 3);
/* Writes the buffer to the handle or the memory. proc.c defines it; the unit test has its own. */
void text_flush(struct text *t);

/*
 * The subject of a file. task_lock is held, so p and t stay. For a file outside of /proc/PID, p is
 * the running process. A process that ends has no mm, files, fs and sighand any more, and a zombie
 * has no thread.
 */
struct proc_ctx {
	struct process *p;
	struct thread *t; /* the task of the file, or p's first thread; NULL: none is left */
	s32 tid;
	bool whole;	    /* the file is about p as a whole, not about t */
	s32 fd;		    /* number of fd/N and fdinfo/N */
	u64 map;	    /* of map_files/START-END: START */
	struct ofile *file; /* a reference to the file of fd; NULL: not open, or no such name */
	bool running;	    /* t runs, or is ready to */
	bool self;	    /* t is the running thread */
};

/* The scale of oom_adj, which is older than oom_score_adj's: proc(5). */
#define OOM_ADJ_MIN (-17)
#define OOM_ADJ_MAX 15

/* There is one function for each file: proc_text_NAME. */
#define PROC_TEXTS(X)                                                                              \
	X(auxv)                                                                                    \
	X(children)                                                                                \
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
