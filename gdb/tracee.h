/* SPDX-License-Identifier: MIT */
/*
 * The processes and threads that the stub traces, over ptrace(2). In the all-stop mode that the
 * stub speaks, every thread is stopped while the debugger looks, and everything that happens
 * meanwhile waits in struct thread as an event until the debugger resumes and is told.
 */
#ifndef GDB_TRACEE_H
#define GDB_TRACEE_H

#include <signal.h>
#include <sys/queue.h>
#include "common/types.h"
#include "gdb/protocol.h"
#include "gdb/registers.h"

/* Numbers of system calls that can be caught. */
#define SYSCALLS_MAX 1024
#define DEBUG_SLOTS  4

enum event {
	EVENT_NONE,
	EVENT_SIGNAL,	      /* value: the signal (Linux's number) */
	EVENT_STEPPED,	      /* a step is done */
	EVENT_BREAKPOINT,     /* a software breakpoint; RIP is at it */
	EVENT_HARDWARE,	      /* a hardware breakpoint */
	EVENT_WATCH,	      /* value: the watched address; slot */
	EVENT_FORK,	      /* value: the child's number */
	EVENT_VFORK,	      /* the same */
	EVENT_VFORK_DONE,     /* the child gave the memory back */
	EVENT_EXEC,	      /* execve(2) succeeded */
	EVENT_SYSCALL_ENTRY,  /* value: the system call's number */
	EVENT_SYSCALL_RETURN, /* the same */
	EVENT_INTERRUPTED,    /* the debugger asked for a stop; also a new tracee's first stop */
	EVENT_BUG,	      /* `buffervm check` has reported a bug of the thread */
};

struct breakpoint {
	LIST_ENTRY(breakpoint) link;
	u64 addr;
	u8 covered; /* the byte that belongs there */
};

/* An address space. After vfork(2), parent and child have the same. */
struct space {
	u32 users;
	int mem; /* /proc/PID/mem */
	LIST_HEAD(, breakpoint) breakpoints;
};

/* A part of a hardware breakpoint or watchpoint, in DR0 to DR3. */
struct debug_slot {
	u32 users; /* 0: free */
	u64 addr;
	u8 kind; /* R/W and LEN of DR7: bits 0-1 and 2-3 */
};

struct process;
struct thread {
	TAILQ_ENTRY(thread) link;
	struct process *proc;
	s32 tid;
	bool stopped;	 /* in a ptrace-stop that was waited for */
	bool in_group;	 /* that stop is the group-stop of a stopped process */
	bool made_vfork; /* it is at PTRACE_EVENT_VFORK */
	bool in_vfork;	 /* resumed, and waits for its vfork(2) child: it cannot be stopped */
	bool resumed;	 /* by the debugger: its events are told. Others wait */
	bool ending;	 /* it is past PTRACE_EVENT_EXIT: the debugger does not see it any more */
	bool in_call;	 /* of syscall-stops: the last was an entry */
	struct action action; /* what it was resumed with */
	enum event event;     /* not yet told */
	u64 value;
	u8 slot;
};

struct process {
	TAILQ_ENTRY(process) link;
	TAILQ_HEAD(, thread) threads;
	s32 pid;
	bool was_running; /* it ran before the debugger came: leaving is detaching */
	bool of_vfork;	  /* a vfork(2) child that has neither executed nor ended */
	bool ended, told; /* ended; and the debugger knows */
	int status;	  /* of the end, as wait(2) has it */
	s32 holder;	  /* its last thread, which is stopped before it ends; or 0 */
	struct space *space;
	struct debug_slot slots[DEBUG_SLOTS];
	bool catches; /* system calls: all of them, or those in .caught */
	bool catches_all;
	u64 caught[SYSCALLS_MAX / 64];
};
TAILQ_HEAD(process_list, process);
extern struct process_list processes; /* the oldest first */

/* What the debugger understands and wants; set by server.c. */
struct tracee_options {
	bool forks, vforks, execs;
	sigset_t passed; /* signals that stop nothing: QPassSignals */
};
extern struct tracee_options tracee_options;

struct process *process_of(s32 pid);
struct thread *thread_of(s32 tid);
/* Returns the first thread that the debugger sees, of a process or (NULL) of all; or NULL. */
struct thread *thread_first(const struct process *p);

/* The kernel has attached us to this thread, which will stop by itself. */
struct thread *tracee_add(s32 pid, s32 tid);
/* Attaches to all threads of a process and stops them. Returns 0 or an errno. */
int tracee_attach(s32 pid);
/* Lets a process go on untraced, without our breakpoints. */
void tracee_detach(struct process *p);
/* Ends a process and takes note of its end. */
void tracee_kill(struct process *p);

/* Takes what has happened to tracees. Returns without waiting. */
void tracee_collect(void);
/* Stops every thread and returns when all are stopped. */
void tracee_stop_all(void);
/*
 * Resumes threads by a valid vCont text, unless one of those that would run has an event to tell.
 */
void tracee_resume(const char *actions);
/* Resumes all that is stopped, and drops events that are no signals. For when no debugger is there.
 */
void tracee_resume_all(void);
/* Returns a thread with an event that has to be told now, or NULL. */
struct thread *tracee_news(void);
/* Returns a process that has ended and whose .told is as given, or NULL. */
struct process *tracee_end(bool told);
/* Lets a process that has ended go, and forgets it. If it is the first, the sandbox ends now. */
void tracee_forget(struct process *p);
/* After an event was told: no thread counts as resumed. */
void tracee_all_halted(void);
/* Returns true if some thread that the debugger has resumed runs. */
bool tracee_running(void);

/* Memory, with what belongs there in place of breakpoints. Return bytes done, from 0 on. */
u64 tracee_read(struct process *p, u64 addr, void *to, u64 len);
u64 tracee_write(struct process *p, u64 addr, const void *from, u64 len);

/* Registers of a stopped thread. Return false if they cannot be accessed. */
bool tracee_registers(const struct thread *t, struct registers *r);
bool tracee_set_registers(const struct thread *t, struct registers *r);

/* Sets or removes a breakpoint or watchpoint: Z and z. Return 0 or an errno. */
int point_set(struct process *p, const struct point *z);
int point_remove(struct process *p, const struct point *z);

/* points.c, for tracee.c: */
struct breakpoint *breakpoint_at(const struct space *s, u64 addr);
struct space *space_new(s32 pid);
struct space *space_copy(const struct space *from, s32 pid);
void space_put(struct space *s);
/* Takes the breakpoints out of memory. */
void space_clear(struct space *s);
/* Writes the process's debug registers into a stopped thread. */
void debug_load(const struct thread *t);
/* Finds which slot stopped the thread, and clears DR6. Returns false if none did. */
bool debug_hit(const struct thread *t, u8 *slot);
#define DEBUG_KIND_EXEC 0

#endif
