/* SPDX-License-Identifier: MIT */
/*
 * What ptrace(2) keeps of a thread: as a tracee and as a tracer. task_lock guards all of it. The
 * words are those of ptrace(2): a tracee is in a ptrace-stop while .stopped is set.
 */
#ifndef KERNEL_TASK_PTRACE_STATE_H
#define KERNEL_TASK_PTRACE_STATE_H

#include <bsd/sys/queue.h>
#include <asm/siginfo.h>
#include "common/types.h"

struct thread;
struct xsave_area;

/* DR0 to DR7, as PTRACE_PEEKUSER shows them. */
#define DEBUG_REGS 8

/* How a tracee goes on. */
enum ptrace_run {
	PTRACE_RUN,	    /* to the next signal or event */
	PTRACE_RUN_SYSCALL, /* ... or system call: a stop before it and one after it */
	PTRACE_RUN_SYSEMU,  /* ... or system call: a stop, and the call is left out */
};

/* What a stopped tracee's vCPU has of it, beside the trap frame. On that thread's stack. */
struct ptrace_regs {
	struct xsave_area *fpu; /* NULL: no memory for it */
	u64 fsbase, gsbase;
};

struct ptrace_state {
	/* The tracee. */
	struct thread *tracer;	  /* NULL: nobody traces it, and the rest means nothing */
	TAILQ_ENTRY(thread) link; /* of tracer's .tracees */
	bool seized;		  /* by PTRACE_SEIZE, not by PTRACE_ATTACH or _TRACEME */
	u32 options;		  /* PTRACE_O_* */
	bool trap;		  /* a stop is due: PTRACE_INTERRUPT, or its process stopped */
	bool notify;		  /* a stop is due: its process goes on (SIGCONT), SEIZE only */

	bool stopped;
	bool listening; /* stopped, and PTRACE_LISTEN was called */
	bool ending;	/* in PTRACE_EVENT_EXIT: not even SIGKILL ends this stop */
	u32 word;	/* changes whenever the tracee is to look; it sleeps on it */
	/*
	 * In a stop: bits 8 and up of what wait(2) is to tell, or 0 once it was told. When the
	 * tracee goes on: the signal that it goes on with.
	 */
	u32 code;
	u64 message; /* PTRACE_GETEVENTMSG */
	bool has_info;
	siginfo_t info; /* PTRACE_GETSIGINFO */
	struct ptrace_regs *regs;

	enum ptrace_run run;
	bool step;	   /* PTRACE_SINGLESTEP: stops after an instruction */
	bool flag_is_ours; /* RFLAGS.TF of the trap frame was set for that: hidden from PEEKUSER */
	bool skip_call;	   /* SYSEMU: the call of this entry stop is not made */

	bool zombie; /* it has ended, and its tracer has not waited for it */
	int status;  /* of the end, as wait(2) has it */
	s32 pgid;
	u32 uid;

	u64 debug[DEBUG_REGS];
	bool watched; /* for a breakpoint in .debug the thread is stepped: task/ptrace_debug.c */
	u64 seen[4];  /* what was at the addresses of DR0 to DR3 before the instruction ... */
	u8 may_store; /* ... which may store there: one bit for each */

	/* The tracer. */
	TAILQ_HEAD(, thread) tracees;
};

#endif
