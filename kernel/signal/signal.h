/* Signals: what is pending, who handles it, and how a handler is entered and left. */
#ifndef KERNEL_SIGNAL_H
#define KERNEL_SIGNAL_H

#include "kernel/task/task.h"

struct sigaction_k { /* the kernel's struct sigaction, as rt_sigaction(2) passes it */
	u64 handler;
	u64 flags;
	u64 restorer;
	sigset mask;
};

struct sighand {
	u32 users;
	struct mutex lock;
	struct sigaction_k action[NSIG];
};

/* Queues a signal for a thread (thread != NULL) or process. Kicks whoever should take it. */
int signal_send(struct process *p, struct thread *t, const siginfo_t *info);

/* A fault of the running instruction: delivered at once; kills when blocked or ignored. */
void signal_fault(int sig, int code, u64 addr, u64 trapno, u64 error);

/* Some unblocked signal waits for the running thread. */
bool signal_pending(void);

/*
 * Last thing before the program goes on: looks at the upcall reasons (timers, signals from
 * outside), restarts or fails an interrupted system call, builds handler frames, takes default
 * actions. restart: the trap was a system call whose result is in frame->rax.
 */
void signal_deliver(struct trapframe *frame);

#endif
