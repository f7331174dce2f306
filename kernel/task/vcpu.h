/* SPDX-License-Identifier: MIT */
/* The vCPUs that threads run on: kept when a thread ends, for the next one. */
#ifndef KERNEL_TASK_VCPU_H
#define KERNEL_TASK_VCPU_H

#include "common/types.h"

struct mm;
struct thread;
struct vcpu;

/* Most threads in the sandbox; the host's KVM may give fewer vCPUs. */
#define VCPUS_MAX 1024

/* Once: the vCPU that boots is this thread's, which has a kernel stack. */
void vcpu_boot(struct thread *t, void *kstack);

/*
 * A vCPU for t, which gets .vcpu and .kstack from it; the trap frame at the top of the stack is the
 * caller's to fill. One whose page tables are mm's (may be NULL) is preferred. -EAGAIN: no more.
 * Then either vcpu_run, and it goes on in thread_begin(t), or vcpu_give_back.
 */
int vcpu_take(struct thread *t, const struct mm *mm);
void vcpu_run(struct thread *t);
void vcpu_give_back(struct thread *t);

/* The running vCPU has no thread any more: waits for the next one. current() is gone already. */
__attribute__((noreturn)) void vcpu_retire(u32 id);

/* The running vCPU goes over to mm; NULL: to the kernel's own tables. mm.cpus follows. */
void vcpu_enter_mm(struct mm *mm);

#endif
