/* SPDX-License-Identifier: MIT */
/*
 * The state of a thread as a tracee and as a tracer: ptrace(2). task_lock guards all of it. A
 * tracee is in a ptrace-stop while .stopped is set.
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

/* How far a tracee runs. */
enum ptrace_run {
	PTRACE_RUN,	    /* until the next signal or event */
	PTRACE_RUN_SYSCALL, /* ... or system call, with a stop before and after it */
	PTRACE_RUN_SYSEMU,  /* ... or system call, with a stop instead of it */
};

/* The registers of a stopped tracee besides its trap frame. Lies on that thread's stack. */
struct ptrace_regs {
	struct xsave_area *fpu; /* NULL: there was no memory for it */
	u64 fsbase, gsbase;
};

struct ptrace_state {
	/* As a tracee. */
	struct thread *tracer;	  /* NULL: not traced, and the other fields mean nothing */
	TAILQ_ENTRY(thread) link; /* in .tracees of tracer */
	bool seized;		  /* by PTRACE_SEIZE, not by PTRACE_ATTACH or _TRACEME */
	u32 options;		  /* PTRACE_O_* */
	bool trap;		  /* a stop is due: PTRACE_INTERRUPT, or its process stopped */
	bool notify;		  /* a stop is due: SIGCONT continued its process; SEIZE only */

	bool stopped;
	bool listening; /* stopped, and PTRACE_LISTEN was called */
	bool ending;	/* in PTRACE_EVENT_EXIT: even SIGKILL does not end this stop */
	u32 word;	/* changes when the tracee has to look; it sleeps on this word */
	/*
	 * In a stop: bits 8 and up of the status for wait(2), or 0 once that was told. When the
	 * tracee goes on: the signal that it goes on with, or 0.
	 */
	u32 code;
	u64 message; /* PTRACE_GETEVENTMSG */
	bool has_info;
	siginfo_t info; /* PTRACE_GETSIGINFO */
	struct ptrace_regs *regs;

	enum ptrace_run run;
	bool step;	   /* PTRACE_SINGLESTEP: stops after an instruction */
	bool flag_is_ours; /* RFLAGS.TF of the trap frame is set for a step: PEEKUSER hides it */

	bool zombie; /* it has ended, but its tracer has not waited for it */
	int status;  /* of the end, as wait(2) has it */
	s32 pgid;
	u32 uid;

	u64 debug[DEBUG_REGS];
	bool watched; /* stepped because of a breakpoint in .debug: task/ptrace_debug.c */
	u64 seen[4];  /* content at the addresses of DR0 to DR3 before the instruction ... */
	u8 may_store; /* ... and one bit for each: whether the instruction may store there */

	/* As a tracer. */
	TAILQ_HEAD(, thread) tracees;
};

#endif
