/* SPDX-License-Identifier: MIT */
/* The pool of vCPUs that threads run on (schedule.h). */
#ifndef KERNEL_TASK_VCPU_H
#define KERNEL_TASK_VCPU_H

#include <bsd/sys/queue.h>
#include "common/types.h"
#include "kernel/arch/x86_64/arch.h"

#include "kernel/task/cpu_mask.h"

struct mm;
struct thread;

/* Limit of vCPUs; the host's KVM may allow fewer. */
#define VCPUS_MAX 1024

struct vcpu {
	u32 id;
	struct thread *running;	  /* NULL: the vCPU is in its idle loop; sched_lock */
	struct thread *dead;	  /* a thread that ended here; the next one frees it */
	struct arch_context idle; /* its own stack */

	/* sched_lock */
	LIST_ENTRY(vcpu) link; /* in the list of idle vCPUs, if .listed */
	bool listed;
	u32 order;   /* the word that it sleeps on while idle */
	bool leaves; /* it has to load the kernel's own page tables */

	struct mm *mm;	      /* whose page tables are loaded; NULL: the kernel's own */
	struct cpu_mask cpus; /* where its host thread may run */
};

/* Called once: the vCPU that boots runs this thread, whose .context has a stack. */
void vcpu_boot(struct thread *t);

struct vcpu *vcpu_self(void);
/*
 * Returns true if more vCPUs run than there are CPUs, so that the running one should stop.
 * sched_lock is held.
 */
bool vcpu_too_many(void);

/*
 * Gets a vCPU for ready threads, if there is a CPU for it: wakes an idle one or starts another. If
 * there is no CPU, asks the monitor to look after the threads from time to time. No lock is held.
 */
void vcpu_spread(void);
/* Returns true if the monitor now looks after ready threads at each tick. */
bool vcpu_ticks(void);
/* Returns true if an idle vCPU or the monitor looks when the first sleeper is due. */
bool vcpu_watches_deadline(void);
/* Returns true if the vCPU sleeps in the host for its thread. A hint. */
bool vcpu_in_host(u32 id);

/* The running vCPU loads the page tables of mm (NULL: the kernel's own), and updates mm.cpus. */
void vcpu_enter_mm(struct mm *mm);

/*
 * Returns the CPUs that a thread may run on if its mask was never changed. The first call must come
 * before the first change. Returns NULL if the host has more CPUs than a mask.
 */
const struct cpu_mask *vcpu_cpus_at_start(void);
/* Binds the running vCPU's host thread to the CPUs of this mask. */
void vcpu_affinity(const struct cpu_mask *m);
/*
 * The host thread of that vCPU was bound by another call: the next vcpu_affinity there sets it
 * again.
 */
void vcpu_affinity_changed(u32 id);

#endif
