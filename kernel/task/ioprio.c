// SPDX-License-Identifier: MIT
/*
 * I/O priorities, ioprio_set(2). They are kept for each thread and reported, but do not reach the
 * host: all that the monitor reads and writes has the priority that the monitor was started with.
 * The first process begins with that one.
 */
#include "kernel/define_syscall.h"
#include "kernel/kernel.h"
#include "kernel/task/creds.h"
#include "kernel/task/process.h"

#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/sched.h>

/*
 * Returns the priority in effect: a thread without one has one that follows from its nice value.
 * Linux reports that for groups only.
 */
static s64 in_effect(const struct thread *t)
{
	if (IOPRIO_PRIO_CLASS(t->ioprio) != IOPRIO_CLASS_NONE)
		return t->ioprio;
	return IOPRIO_PRIO_VALUE(t->policy == SCHED_IDLE ? IOPRIO_CLASS_IDLE : IOPRIO_CLASS_BE,
				 (t->nice + 20) / 5);
}

static s64 check(s32 ioprio)
{
	u64 level = ioprio & (IOPRIO_NR_LEVELS - 1); /* above it is a hint to the device */

	switch (IOPRIO_PRIO_CLASS(ioprio)) {
	case IOPRIO_CLASS_RT:
		if (!capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE))
			return -EPERM;
		return 0;
	case IOPRIO_CLASS_BE:
	case IOPRIO_CLASS_IDLE:
		return 0;
	case IOPRIO_CLASS_NONE:
		return level ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

static s64 set(struct thread *t, s32 ioprio)
{
	const struct creds *c = current_creds();
	u32 owner = t->proc->creds.ruid;

	if (owner != c->euid && owner != c->ruid && !capable(CAP_SYS_NICE))
		return -EPERM;
	t->ioprio = (u16)ioprio;
	return 0;
}

/* Returns true if (which, who), which names a group or a user, selects the threads of p. */
static bool selects(const struct process *p, int which, s32 who)
{
	if (which == IOPRIO_WHO_PGRP)
		return p->pgid == (who ? who : current_process()->pgid);
	return p->creds.ruid == (who ? (u32)who : current_creds()->ruid);
}

/* Returns the highest priority of the selected threads, or -ESRCH. task_lock is held. */
static s64 get_best(int which, s32 who)
{
	struct process *p;
	struct thread *t;
	s64 best = -ESRCH;

	ASSERT_HELD(&task_lock);
	LIST_FOREACH (p, &all_processes, all) {
		if (!selects(p, which, who))
			continue;
		TAILQ_FOREACH (t, &p->threads, link)
			best = best < 0 ? in_effect(t) : MIN(best, in_effect(t));
	}
	return best;
}

/*
 * Sets the priority of all selected threads. Stops at the first one that is refused. task_lock is
 * held.
 */
static s64 set_all(int which, s32 who, s32 ioprio)
{
	struct process *p;
	struct thread *t;
	s64 result = -ESRCH;

	ASSERT_HELD(&task_lock);
	LIST_FOREACH (p, &all_processes, all) {
		if (!selects(p, which, who))
			continue;
		TAILQ_FOREACH (t, &p->threads, link) {
			result = set(t, ioprio);
			if (result)
				return result;
		}
	}
	return result;
}

static bool is_known(int which)
{
	return which >= IOPRIO_WHO_PROCESS && which <= IOPRIO_WHO_USER;
}

DEFINE_SYSCALL2(ioprio_get, int, which, int, who)
{
	struct thread *t;
	s64 result = -ESRCH;

	if (!is_known(which))
		return -EINVAL;
	mutex_lock(&task_lock);
	if (which != IOPRIO_WHO_PROCESS) {
		result = get_best(which, who);
	} else {
		t = thread_find(who);
		if (t)
			result = t->ioprio;
	}
	mutex_unlock(&task_lock);
	return result;
}

DEFINE_SYSCALL3(ioprio_set, int, which, int, who, int, ioprio)
{
	struct thread *t;
	s64 result = check(ioprio);

	if (result)
		return result;
	if (!is_known(which))
		return -EINVAL;
	result = -ESRCH;
	mutex_lock(&task_lock);
	if (which != IOPRIO_WHO_PROCESS) {
		result = set_all(which, who, ioprio);
	} else {
		t = thread_find(who);
		if (t)
			result = set(t, ioprio);
	}
	mutex_unlock(&task_lock);
	return result;
}
