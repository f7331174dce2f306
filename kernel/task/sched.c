// SPDX-License-Identifier: MIT
/*
 * CPU affinity, getcpu(2), membarrier(2). CPUs are the host's: the mask of a thread is set for the
 * host thread of the vCPU that it runs on. Policies and nice values are in policy.c; schedule.c has
 * the effect of nice values.
 */
#include "kernel/define_syscall.h"
#include "kernel/kernel.h"
#include "kernel/hostcall.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/creds.h"
#include "kernel/task/process.h"
#include "kernel/task/vcpu.h"

#include <linux/capability.h>
#include <linux/membarrier.h>

#ifndef MEMBARRIER_CMD_GET_REGISTRATIONS /* Linux 6.3 */
#define MEMBARRIER_CMD_GET_REGISTRATIONS (1 << 9)
#endif

DEFINE_SYSCALL0(sched_yield)
{
	/* The thread that the caller waits for may be a thread of the host, or on another vCPU. */
	return sched_give_way() ? 0 : hc_sched_yield(HC_NONE);
}

s64 affinity_of(const struct thread *t, u64 *mask, u32 size)
{
	const struct cpu_mask *m = &t->cpus;

	if (!READ_ONCE(m->bytes))
		m = vcpu_cpus_at_start();
	if (!m)
		return -EINVAL;
	/* On Linux the size has to be enough for all CPUs; here for those in the mask. */
	for (u32 i = size / sizeof(u64); i < m->bytes / sizeof(u64); i++)
		if (m->mask[i])
			return -EINVAL;
	size = MIN(size, m->bytes);
	memcpy(mask, m->mask, size);
	return size;
}

DEFINE_SYSCALL3(sched_getaffinity, int, tid, u32, size, uva, user_mask)
{
	u64 mask[CPU_MASK_BYTES / sizeof(u64)];
	struct thread *t;
	s64 len = -ESRCH;

	if (size % sizeof(u64))
		return -EINVAL;
	mutex_lock(&task_lock);
	t = tid < 0 ? NULL : thread_find(tid);
	if (t)
		len = affinity_of(t, mask, MIN(size, CPU_MASK_BYTES));
	mutex_unlock(&task_lock);
	if (len > 0 && copy_to_user(user_mask, mask, (u64)len))
		return -EFAULT;
	return len;
}

/*
 * Reduces the mask to what the host allows, by trying it on the running vCPU. Returns 0 or -errno.
 */
static s64 try_cpus(struct cpu_mask *m)
{
	u32 vcpu = current()->vcpu;
	s64 len = hc_sched_setaffinity(vcpu, m->mask, m->bytes);

	if (len == 0)
		len = hc_sched_getaffinity(vcpu, m->mask, sizeof(m->mask));
	if (len > 0)
		m->bytes = (u32)len;
	vcpu_affinity_changed(vcpu);
	return MIN(len, 0);
}

/*
 * If the thread to bind runs on another vCPU, that vCPU is bound, too. If the thread leaves that
 * vCPU just then, vcpu_affinity corrects both at their next switch.
 */
DEFINE_SYSCALL3(sched_setaffinity, int, tid, u32, size, uva, user_mask)
{
	struct cpu_mask m = {.bytes = MIN(size, CPU_MASK_BYTES)};
	struct thread *t;
	s64 err;

	if (copy_from_user(m.mask, user_mask, m.bytes))
		return -EFAULT;
	if (!vcpu_cpus_at_start())
		return -EINVAL;
	mutex_lock(&task_lock);
	t = tid < 0 ? NULL : thread_find(tid);
	err = !t ? process_missing(tid) : !creds_may_change(t->proc, CAP_SYS_NICE) ? -EPERM : 0;
	mutex_unlock(&task_lock);
	if (err)
		return err;
	err = try_cpus(&m);
	if (err == 0) {
		mutex_lock(&task_lock);
		t = thread_find(tid);
		if (t)
			t->cpus = m;
		if (t && t != current() && READ_ONCE(t->sched.state) == THREAD_RUNNING) {
			hc_sched_setaffinity(t->vcpu, m.mask, m.bytes);
			vcpu_affinity_changed(t->vcpu);
		}
		mutex_unlock(&task_lock);
	}
	vcpu_affinity(&current()->cpus);
	return err;
}

DEFINE_SYSCALL3(getcpu, uva, cpu, uva, node, uva, cache)
{
	u32 where[2];
	s64 err = hc_getcpu(&where[0], sizeof(u32), &where[1], sizeof(u32), 0);

	(void)cache; /* unused since Linux 2.6.24 */
	if (err)
		return err;
	if ((cpu && put_user(where[0], cpu)) || (node && put_user(where[1], node)))
		return -EFAULT;
	return 0;
}

#define MEMBARRIER_REGISTRATIONS                                                                   \
	(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |    \
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)
#define MEMBARRIER_BARRIERS                                                                        \
	(MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |                                 \
	 MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE)

/*
 * membarrier(2). All vCPUs are threads of one host process, so the host's barrier does the work: it
 * interrupts each CPU that runs one of them. Registrations are kept for each guest process.
 */
DEFINE_SYSCALL3(membarrier, int, cmd, u32, flags, int, cpu)
{
	struct process *p = current_process();

	if (flags)
		return -EINVAL;
	switch (cmd) {
	case MEMBARRIER_CMD_QUERY:
		return MEMBARRIER_REGISTRATIONS | MEMBARRIER_BARRIERS |
		       MEMBARRIER_CMD_GET_REGISTRATIONS;
	case MEMBARRIER_CMD_GET_REGISTRATIONS:
		return READ_ONCE(p->membarrier);
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
		__atomic_or_fetch(&p->membarrier, (u32)cmd, __ATOMIC_RELAXED);
		return hc_membarrier((u64)cmd, 0, (u64)(s64)cpu);
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
		/* The registration of a command is the next bit. */
		if (!(p->membarrier & (u32)cmd << 1))
			return -EPERM;
		if (p->nthreads == 1)
			return 0;
		return hc_membarrier((u64)cmd, 0, (u64)(s64)cpu);
	case MEMBARRIER_CMD_GLOBAL:
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
		return hc_membarrier((u64)cmd, 0, (u64)(s64)cpu);
	default:
		return -EINVAL;
	}
}
_Static_assert(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED == MEMBARRIER_CMD_PRIVATE_EXPEDITED << 1 &&
		       MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE ==
			       MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE << 1,
	       "the registration of a command is the next bit");
