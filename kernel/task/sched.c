// SPDX-License-Identifier: MIT
/*
 * CPUs and affinity, which are the host's: its scheduler runs the vCPUs' threads. Policies and nice
 * values are in policy.c.
 */
#include "kernel/define_syscall.h"
#include "kernel/kernel.h"
#include "kernel/hostcall.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/creds.h"
#include "kernel/task/process.h"

#include <linux/capability.h>
#include <linux/membarrier.h>

#define AFFINITY_MAX 1024 /* bytes of a mask; hostcall sched_*affinity */

DEFINE_SYSCALL0(sched_yield)
{
	return hc_sched_yield(HC_NONE);
}

/* Somebody set an affinity: new threads have to be given their parent's. */
static bool affinity_used;

/*
 * The vCPU of a thread, or -ESRCH, -EPERM. It may have another thread a moment later: who asks for
 * a thread that ends gets what Linux would give for one that took its number.
 */
static s64 vcpu_of(s32 tid, bool change)
{
	struct thread *t;
	s64 vcpu = -ESRCH;

	if (tid < 0)
		return -ESRCH;
	mutex_lock(&task_lock);
	t = thread_find(tid);
	if (t && change && !creds_may_change(t->proc, CAP_SYS_NICE))
		vcpu = -EPERM;
	else if (t)
		vcpu = t->vcpu;
	mutex_unlock(&task_lock);
	return vcpu;
}

void affinity_inherit(const struct thread *child)
{
	u64 mask[AFFINITY_MAX / sizeof(u64)];
	s64 len;

	if (!READ_ONCE(affinity_used))
		return;
	len = hc_sched_getaffinity(current()->vcpu, mask, sizeof(mask));
	/* A vCPU that is just being made has it already. */
	if (len > 0)
		hc_sched_setaffinity(child->vcpu, mask, (u32)len);
}

DEFINE_SYSCALL3(sched_getaffinity, int, tid, u32, size, uva, user_mask)
{
	u64 mask[AFFINITY_MAX / sizeof(u64)];
	u32 bytes = MIN(size, AFFINITY_MAX);
	s64 len, vcpu = vcpu_of(tid, false);

	if (size % sizeof(u64))
		return -EINVAL;
	if (vcpu < 0)
		return vcpu;
	len = hc_sched_getaffinity((u64)vcpu, mask, bytes);
	if (len < 0)
		return len;
	if (copy_to_user(user_mask, mask, MIN((u64)len, (u64)bytes)))
		return -EFAULT;
	return len;
}

DEFINE_SYSCALL3(sched_setaffinity, int, tid, u32, size, uva, user_mask)
{
	u64 mask[AFFINITY_MAX / sizeof(u64)];
	u32 bytes = MIN(size, AFFINITY_MAX);
	s64 vcpu;

	if (copy_from_user(mask, user_mask, bytes))
		return -EFAULT;
	vcpu = vcpu_of(tid, true);
	if (vcpu < 0)
		return vcpu;
	WRITE_ONCE(affinity_used, true);
	return hc_sched_setaffinity((u64)vcpu, mask, bytes);
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
 * membarrier(2). All vCPUs are threads of one host process, so the host's own barrier does the
 * work: it interrupts every CPU that runs one of them. Registration is kept per guest process.
 */
DEFINE_SYSCALL3(membarrier, int, cmd, u32, flags, int, cpu)
{
	struct process *p = current_process();

	if (flags)
		return -EINVAL;
	switch (cmd) {
	case MEMBARRIER_CMD_QUERY:
		return MEMBARRIER_REGISTRATIONS | MEMBARRIER_BARRIERS;
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
