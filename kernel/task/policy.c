// SPDX-License-Identifier: MIT
/*
 * Scheduling policies and nice values: sched(7). The guest kernel keeps them, checks which threads
 * may change them, and reports them. Nice values and SCHED_IDLE weight the guest's threads against
 * each other (schedule.c). Nothing of this reaches the host, whose scheduler runs all vCPUs alike,
 * and a real-time thread gets no CPU before other threads do. SCHED_DEADLINE promises CPU time that
 * nothing here could guarantee, so its admission test always fails (EBUSY).
 */
#include "kernel/define_syscall.h"
#include "kernel/kernel.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/creds.h"
#include "kernel/task/process.h"

#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <linux/time.h>

#define NICE_MIN	(-20)
#define NICE_MAX	19

#define RT_PRIORITY_MAX 99
#define SLICE_NS	4000000	  /* what sched_rr_get_interval(2) reports for SCHED_OTHER */
#define RR_SLICE_NS	100000000 /* and for SCHED_RR: the default sched_rr_timeslice_ms of Linux */

#define POLICY_KEEP	(-1) /* for change(): the thread keeps its policy */

static bool is_real_time(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

/* Returns the highest or lowest static priority, or -EINVAL for an unknown policy. */
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

/*
 * setpriority(2): returns true if RLIMIT_NICE of t's process allows this nice value, whatever t has
 * now.
 */
static bool nice_within_limit(const struct thread *t, s32 nice)
{
	return (u64)(20 - nice) <= t->proc->rlimit[RLIMIT_NICE].cur;
}

/*
 * Returns true if an unprivileged thread may make this change of t: sched(7), "Privileges and
 * resource limits".
 */
static bool is_unprivileged(const struct thread *t, int policy, const struct sched_attr *attr)
{
	u64 most = t->proc->rlimit[RLIMIT_RTPRIO].cur;
	bool reset = attr->sched_flags & SCHED_FLAG_RESET_ON_FORK;

	if (policy == SCHED_DEADLINE)
		return false;
	if (is_real_time(policy)) {
		if (policy != t->policy && most == 0)
			return false;
		if (attr->sched_priority > t->rt_priority && attr->sched_priority > most)
			return false;
	} else if (attr->sched_nice < t->nice && !nice_within_limit(t, attr->sched_nice)) {
		return false;
	}
	if (t->policy == SCHED_IDLE && policy != SCHED_IDLE && !nice_within_limit(t, t->nice))
		return false;
	return creds_may_change(t->proc, CAP_SYS_NICE) && (!t->reset_on_fork || reset);
}

/*
 * Gives t this policy (or POLICY_KEEP) and the parameters of attr. Returns 0 or -errno. task_lock
 * is held.
 */
static s64 change(struct thread *t, int policy, struct sched_attr *attr)
{
	ASSERT_HELD(&task_lock);
	if (policy == POLICY_KEEP) {
		policy = t->policy;
		attr->sched_flags &= ~(u64)SCHED_FLAG_RESET_ON_FORK;
		attr->sched_flags |= t->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	} else if (priority_limit(policy, true) < 0) {
		return -EINVAL;
	}
	if ((attr->sched_flags & ~(u64)SCHED_FLAG_ALL) || attr->sched_priority > RT_PRIORITY_MAX ||
	    is_real_time(policy) != (attr->sched_priority != 0))
		return -EINVAL;
	if (policy == SCHED_DEADLINE &&
	    (attr->sched_runtime == 0 || attr->sched_runtime > attr->sched_deadline ||
	     (attr->sched_period && attr->sched_deadline > attr->sched_period)))
		return -EINVAL;
	if (!is_unprivileged(t, policy, attr) && !capable(CAP_SYS_NICE))
		return -EPERM;
	if (attr->sched_flags & SCHED_FLAG_UTIL_CLAMP)
		return -EOPNOTSUPP; /* as on a kernel without CONFIG_UCLAMP_TASK */
	if (policy == SCHED_DEADLINE)
		return -EBUSY;
	t->reset_on_fork = attr->sched_flags & SCHED_FLAG_RESET_ON_FORK;
	if (attr->sched_flags & SCHED_FLAG_KEEP_PARAMS)
		return 0; /* these include the policy */
	t->policy = policy;
	t->rt_priority = attr->sched_priority;
	if (!is_real_time(policy))
		t->nice = attr->sched_nice;
	return 0;
}

/* Fills in the priority or nice value that t has: sched_getattr(2). task_lock is held. */
static void get_parameters(const struct thread *t, struct sched_attr *attr)
{
	ASSERT_HELD(&task_lock);
	if (is_real_time(t->policy))
		attr->sched_priority = t->rt_priority;
	else
		attr->sched_nice = t->nice;
}

void policy_inherit(struct thread *child, const struct thread *parent)
{
	bool reset = parent->reset_on_fork;

	child->policy = parent->policy;
	child->rt_priority = parent->rt_priority;
	child->nice = parent->nice;
	if (reset && is_real_time(parent->policy)) {
		child->policy = SCHED_NORMAL;
		child->rt_priority = 0;
		child->nice = 0;
	} else if (reset) {
		child->nice = MAX(parent->nice, 0);
	}
}

/*
 * For sched_setscheduler(2) and sched_setparam(2). policy: with SCHED_RESET_ON_FORK, or
 * POLICY_KEEP.
 */
static s64 set_scheduler(s32 tid, int policy, uva param)
{
	struct sched_attr attr = {0};
	struct thread *t;
	s64 result;

	if (param == 0 || tid < 0)
		return -EINVAL;
	if (get_user(&attr.sched_priority, param))
		return -EFAULT;
	if (policy != POLICY_KEEP && (policy & SCHED_RESET_ON_FORK)) {
		attr.sched_flags = SCHED_FLAG_RESET_ON_FORK;
		policy &= ~SCHED_RESET_ON_FORK;
	}
	mutex_lock(&task_lock);
	t = thread_find(tid);
	if (t)
		attr.sched_nice = t->nice;
	result = t ? change(t, policy, &attr) : process_missing(tid);
	mutex_unlock(&task_lock);
	return result;
}

DEFINE_SYSCALL3(sched_setscheduler, int, tid, int, policy, uva, param)
{
	return policy < 0 ? -EINVAL : set_scheduler(tid, policy, param);
}

DEFINE_SYSCALL2(sched_setparam, int, tid, uva, param)
{
	return set_scheduler(tid, POLICY_KEEP, param);
}

/* What the reading calls report of a thread. */
struct scheduling {
	int policy;
	struct sched_attr attr;
};

/* Returns 0, -EINVAL or -ESRCH. */
static s64 scheduling_of(s32 tid, struct scheduling *s)
{
	struct thread *t;

	*s = (struct scheduling){.policy = SCHED_NORMAL};
	if (tid < 0)
		return -EINVAL;
	/* The parent and init are the known processes outside; they are reported as ordinary ones.
	 */
	if (tid == 1 || (tid != 0 && tid == init_process->ppid_outside))
		return 0;
	mutex_lock(&task_lock);
	t = thread_find(tid);
	if (t) {
		s->policy = t->policy;
		s->attr.sched_flags = t->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
		get_parameters(t, &s->attr);
	}
	mutex_unlock(&task_lock);
	return t ? 0 : -ESRCH;
}

DEFINE_SYSCALL1(sched_getscheduler, int, tid)
{
	struct scheduling s;
	s64 err = scheduling_of(tid, &s);

	if (err)
		return err;
	return s.policy | (s.attr.sched_flags & SCHED_FLAG_RESET_ON_FORK ? SCHED_RESET_ON_FORK : 0);
}

DEFINE_SYSCALL2(sched_getparam, int, tid, uva, param)
{
	struct scheduling s;
	s64 err = param ? scheduling_of(tid, &s) : -EINVAL;

	return err ? err : put_user(s.attr.sched_priority, param);
}

DEFINE_SYSCALL2(sched_rr_get_interval, int, tid, uva, interval)
{
	struct __kernel_timespec ts = {0};
	struct scheduling s;
	s64 err = scheduling_of(tid, &s);

	if (s.policy != SCHED_FIFO)
		ts.tv_nsec = s.policy == SCHED_RR ? RR_SLICE_NS : SLICE_NS;
	return err ? err : put_user(ts, interval);
}

DEFINE_SYSCALL4(sched_getattr, int, tid, uva, to, u32, size, u32, flags)
{
	struct scheduling s;
	s64 err;

	if (to == 0 || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE || flags)
		return -EINVAL;
	err = scheduling_of(tid, &s);
	if (err)
		return err;
	s.attr.size = MIN(size, (u32)sizeof(s.attr));
	s.attr.sched_policy = (u32)s.policy;
	if (copy_to_user(to, &s.attr, s.attr.size) ||
	    clear_user(to + s.attr.size, size - s.attr.size))
		return -EFAULT;
	return 0;
}

/*
 * Reads the program's struct sched_attr of any version: sched_setattr(2). With -E2BIG, the program
 * finds the size of this kernel's struct in its .size.
 */
static s64 read_attr(struct sched_attr *attr, uva from)
{
	u32 size;
	s64 err;

	if (get_user(&size, from + offsetof(struct sched_attr, size)))
		return -EFAULT;
	if (size == 0)
		size = SCHED_ATTR_SIZE_VER0;
	err = size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE
		      ? -E2BIG
		      : copy_struct_from_user(attr, sizeof(*attr), from, size);
	if (err == -E2BIG && put_user((u32)sizeof(*attr), from + offsetof(struct sched_attr, size)))
		return -EFAULT;
	if (err)
		return err;
	if ((attr->sched_flags & SCHED_FLAG_UTIL_CLAMP) && size < SCHED_ATTR_SIZE_VER1)
		return -EINVAL;
	attr->sched_nice = MIN(MAX(attr->sched_nice, NICE_MIN), NICE_MAX);
	return 0;
}

DEFINE_SYSCALL3(sched_setattr, int, tid, uva, from, u32, flags)
{
	struct sched_attr attr;
	struct thread *t;
	s64 result;
	int policy;

	if (from == 0 || tid < 0 || flags)
		return -EINVAL;
	result = read_attr(&attr, from);
	if (result)
		return result;
	if ((s32)attr.sched_policy < 0)
		return -EINVAL;
	policy = attr.sched_flags & SCHED_FLAG_KEEP_POLICY ? POLICY_KEEP : (int)attr.sched_policy;
	mutex_lock(&task_lock);
	t = thread_find(tid);
	if (t && (attr.sched_flags & SCHED_FLAG_KEEP_PARAMS))
		get_parameters(t, &attr);
	result = t ? change(t, policy, &attr) : process_missing(tid);
	mutex_unlock(&task_lock);
	return result;
}

/* getpriority(2): returns true if (which, who) selects the thread. */
static bool priority_selects(const struct thread *t, int which, s32 who)
{
	const struct process *p = t->proc;

	switch (which) {
	case PRIO_PROCESS:
		return who ? t->tid == who : t == current();
	case PRIO_PGRP:
		return p->pgid == (who ? who : current_process()->pgid);
	default:
		return p->creds.ruid == (who ? (u32)who : current_creds()->ruid);
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
	return result == -ESRCH && which == PRIO_PROCESS && who == 1 ? 20 : result;
}

static s64 set_nice(struct thread *t, s32 nice)
{
	if (!creds_may_change(t->proc, CAP_SYS_NICE))
		return -EPERM;
	if (nice < t->nice && !nice_within_limit(t, nice) && !capable(CAP_SYS_NICE))
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
	return result == -ESRCH && which == PRIO_PROCESS ? process_missing(who) : result;
}
