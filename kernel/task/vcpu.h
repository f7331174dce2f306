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

/* Most vCPUs; the host's KVM may give fewer. */
#define VCPUS_MAX 1024

struct vcpu {
	u32 id;
	struct thread *running;	  /* NULL: it is in its idle loop; sched_lock */
	struct thread *dead;	  /* ended here; to be freed by what runs next */
	struct arch_context idle; /* its own stack */

	/* sched_lock */
	LIST_ENTRY(vcpu) link; /* in the list of idle ones, with .listed */
	bool listed;
	u32 order;   /* the word that it sleeps on while it is idle */
	bool leaves; /* it is to load the kernel's own page tables */

	struct mm *mm;	      /* whose page tables are loaded; NULL: the kernel's own */
	struct cpu_mask cpus; /* where its host thread may run */
};

/* Once: the vCPU that boots runs this thread, whose .context has a stack. */
void vcpu_boot(struct thread *t);

struct vcpu *vcpu_self(void);
/* More vCPUs run than there are CPUs: the running one should stop. sched_lock held. */
bool vcpu_too_many(void);

/*
 * A vCPU for ready threads, if there is a CPU for it: wakes an idle one or starts another. Where
 * there is no CPU, the monitor is asked to look after them from time to time. No lock is held.
 */
void vcpu_spread(void);
/* The monitor looks after ready threads at each tick now. */
bool vcpu_ticks(void);
/* Somebody looks when the first sleeper is due: an idle vCPU, or the monitor. */
bool vcpu_watches_deadline(void);
/* It sleeps in the host for its thread. A hint. */
bool vcpu_in_host(u32 id);

/* The running vCPU goes over to mm; NULL: to the kernel's own tables. mm.cpus follows. */
void vcpu_enter_mm(struct mm *mm);

/*
 * Where threads may run that nobody bound. First called before the first is bound. NULL: the host
 * has more CPUs than a mask.
 */
const struct cpu_mask *vcpu_cpus_at_start(void);
/* The running vCPU's host thread goes where a thread with this mask may run. */
void vcpu_affinity(const struct cpu_mask *m);
/* Somebody else bound that vCPU's host thread: vcpu_affinity sets it again. */
void vcpu_affinity_changed(u32 id);

#endif
