// SPDX-License-Identifier: MIT
/*
 * Scheduling: the host's scheduler runs the vCPUs' threads, so CPUs and affinity are the host's.
 * Policies and nice values are kept and reported but do not reach the host; real-time policies
 * are refused as they are to any user without privilege.
 */
#include "kernel/define_syscall.h"
#include "kernel/kernel.h"
#include "kernel/hostcall.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/creds.h"
#include "kernel/task/process.h"

#include <linux/capability.h>
#include <linux/membarrier.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <linux/time.h>

#define AFFINITY_MAX	1024 /* bytes of a mask; hostcall sched_*affinity */

#define NICE_MIN	(-20)
#define NICE_MAX	19

#define RT_PRIORITY_MAX 99
#define SLICE_NS	4000000 /* what sched_rr_get_interval(2) says of SCHED_OTHER */

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

/* Highest and lowest static priority; -EINVAL for an unknown policy. */
static int priority_limit(int policy, bool highest)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return highest ? RT_PRIORITY_MAX : 1;
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
	case SCHED_DEADLINE:
		return 0;
	default:
		return -EINVAL;
	}
}

DEFINE_SYSCALL1(sched_get_priority_max, int, policy)
{
	return priority_limit(policy, true);
}

DEFINE_SYSCALL1(sched_get_priority_min, int, policy)
{
	return priority_limit(policy, false);
}

static s64 set_policy(s32 tid, int policy, int priority)
{
	struct thread *t;
	s64 result = 0;

	policy &= ~SCHED_RESET_ON_FORK;
	if (tid < 0 || priority_limit(policy, true) < 0 || policy == SCHED_DEADLINE)
		return -EINVAL;
	if (priority < priority_limit(policy, false) || priority > priority_limit(policy, true))
		return -EINVAL;
	mutex_lock(&task_lock);
	t = thread_find(tid);
	if (!t)
		result = -ESRCH;
	else if (policy == SCHED_FIFO || policy == SCHED_RR ||
		 !creds_may_change(t->proc, CAP_SYS_NICE))
		result = -EPERM;
	else
		t->policy = policy;
	mutex_unlock(&task_lock);
	return result;
}

/* Policy or nice value of a thread; -ESRCH. The nice value is shifted to be positive: 20 - nice. */
static s64 get_policy(s32 tid, s32 *nice)
{
	struct thread *t;
	s64 result = -ESRCH;

	if (tid < 0)
		return -EINVAL;
	/* Of the processes outside only the parent is known, and it is an ordinary one. */
	if (tid != 0 && tid == init_process->ppid_outside) {
		*nice = 0;
		return SCHED_NORMAL;
	}
	mutex_lock(&task_lock);
	t = thread_find(tid);
	if (t) {
		result = t->policy;
		*nice = t->nice;
	}
	mutex_unlock(&task_lock);
	return result;
}

DEFINE_SYSCALL3(sched_setscheduler, int, tid, int, policy, uva, param)
{
	s32 priority;

	if (policy < 0 || param == 0)
		return -EINVAL;
	if (get_user(&priority, param))
		return -EFAULT;
	return set_policy(tid, policy, priority);
}

DEFINE_SYSCALL2(sched_setparam, int, tid, uva, param)
{
	s32 priority, nice;
	s64 policy;

	if (param == 0)
		return -EINVAL;
	if (get_user(&priority, param))
		return -EFAULT;
	policy = get_policy(tid, &nice);
	return policy < 0 ? policy : set_policy(tid, (int)policy, priority);
}

DEFINE_SYSCALL1(sched_getscheduler, int, tid)
{
	s32 nice;

	return get_policy(tid, &nice);
}

DEFINE_SYSCALL2(sched_getparam, int, tid, uva, param)
{
	s32 nice;
	s64 policy = get_policy(tid, &nice);

	if (param == 0)
		return -EINVAL;
	return policy < 0 ? policy : put_user((s32)0, param);
}

DEFINE_SYSCALL2(sched_rr_get_interval, int, tid, uva, interval)
{
	struct __kernel_timespec ts = {.tv_nsec = SLICE_NS};
	s32 nice;
	s64 policy = get_policy(tid, &nice);

	return policy < 0 ? policy : put_user(ts, interval);
}

DEFINE_SYSCALL4(sched_getattr, int, tid, uva, to, u32, size, u32, flags)
{
	struct sched_attr attr = {.size = SCHED_ATTR_SIZE_VER0};
	s32 nice = 0;
	s64 policy;

	if (to == 0 || tid < 0 || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE || flags)
		return -EINVAL;
	policy = get_policy(tid, &nice);
	if (policy < 0)
		return policy;
	attr.sched_policy = (u32)policy;
	attr.sched_nice = nice;
	return copy_to_user(to, &attr, SCHED_ATTR_SIZE_VER0);
}

DEFINE_SYSCALL3(sched_setattr, int, tid, uva, from, u32, flags)
{
	struct sched_attr attr = {0};

	if (from == 0 || tid < 0 || flags)
		return -EINVAL;
	if (copy_from_user(&attr, from, SCHED_ATTR_SIZE_VER0))
		return -EFAULT;
	if (attr.size && attr.size < SCHED_ATTR_SIZE_VER0)
		return -E2BIG;
	return set_policy(tid, (int)attr.sched_policy, (int)attr.sched_priority);
}

/* getpriority(2): the threads that (which, who) names. */
static bool priority_selects(const struct thread *t, int which, s32 who)
{
	const struct process *p = t->proc;

	switch (which) {
	case PRIO_PROCESS:
		return who ? t->tid == who : t == current();
	case PRIO_PGRP:
		return p->pgid == (who ? who : current_process()->pgid);
	default:
		return p->creds.ruid == (who ? (u32)who : current_process()->creds.ruid);
	}
}

DEFINE_SYSCALL2(getpriority, int, which, int, who)
{
	struct process *p;
	struct thread *t;
	s64 result = -ESRCH;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	mutex_lock(&task_lock);
	LIST_FOREACH (p, &all_processes, all) {
		TAILQ_FOREACH (t, &p->threads, link) {
			if (priority_selects(t, which, who))
				result = MAX(result, (s64)(20 - t->nice));
		}
	}
	mutex_unlock(&task_lock);
	return result;
}

static s64 set_nice(struct thread *t, s32 nice)
{
	u64 limit = t->proc->rlimit[RLIMIT_NICE].cur;

	if (!creds_may_change(t->proc, CAP_SYS_NICE))
		return -EPERM;
	if (nice < t->nice && (u64)(20 - nice) > limit && !capable(CAP_SYS_NICE))
		return -EACCES;
	t->nice = nice;
	return 0;
}

DEFINE_SYSCALL3(setpriority, int, which, int, who, int, nice)
{
	struct process *p;
	struct thread *t;
	s64 result = -ESRCH;

	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	nice = MIN(MAX(nice, NICE_MIN), NICE_MAX);
	mutex_lock(&task_lock);
	LIST_FOREACH (p, &all_processes, all) {
		TAILQ_FOREACH (t, &p->threads, link) {
			if (priority_selects(t, which, who)) {
				s64 err = set_nice(t, nice);

				if (err || result == -ESRCH)
					result = err;
			}
		}
	}
	mutex_unlock(&task_lock);
	return result;
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
