// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Sleep until a word changes: sleep.h. */
#include <linux/hrtimer.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include "host_kernel/sleep.h"

#define SLEEPERS_MAX 8192 /* more than a VM has vCPUs: the list is searched under a spinlock */

/* On the stack of the thread that sleeps, which takes it out of the list itself. */
struct sleeper {
	struct list_head node; /* empty: somebody woke the thread */
	struct task_struct *task;
	u64 word;
};

void sleepers_init(struct sleepers *s)
{
	spin_lock_init(&s->lock);
	INIT_LIST_HEAD(&s->list);
	s->count = 0;
}

/* Sleeps until somebody takes me out of the list, or a signal or the time comes. */
static long sleep(struct sleeper *me, s64 timeout_ns)
{
	ktime_t end =
		timeout_ns < 0 ? 0 : ktime_add_safe(ktime_get(), ns_to_ktime((u64)timeout_ns));
	long ret;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (list_empty_careful(&me->node)) {
			ret = 0;
			break;
		}
		if (signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		if (!schedule_hrtimeout(timeout_ns < 0 ? NULL : &end, HRTIMER_MODE_ABS)) {
			ret = -ETIMEDOUT;
			break;
		}
	}
	__set_current_state(TASK_RUNNING);
	return ret;
}

long sleepers_wait(struct sleepers *s, u64 word, u32 value, s64 timeout_ns)
{
	struct sleeper me = {.task = current, .word = word};
	long ret;
	u32 seen;

	if (word % sizeof(u32))
		return -EINVAL;
	spin_lock(&s->lock);
	if (s->count == SLEEPERS_MAX) {
		spin_unlock(&s->lock);
		return -ENOSPC;
	}
	list_add_tail(&me.node, &s->list);
	s->count++;
	spin_unlock(&s->lock);

	/* The lock orders the list before the word: a waker that did not find this thread has
	 * changed the word before. */
	smp_mb();
	if (get_user(seen, (u32 __user *)word))
		ret = -EFAULT;
	else
		ret = seen != value ? -EAGAIN : sleep(&me, timeout_ns);

	spin_lock(&s->lock);
	if (list_empty(&me.node)) {
		ret = 0; /* whatever else came: a wake that was counted is not lost */
	} else {
		list_del_init(&me.node);
		s->count--;
	}
	spin_unlock(&s->lock);
	return ret;
}

long sleepers_wake(struct sleepers *s, u64 word, u32 most)
{
	struct sleeper *at, *next;
	u32 woken = 0;

	/* As in sleepers_wait, and the caller's change of the word comes first. */
	smp_mb();
	spin_lock(&s->lock);
	list_for_each_entry_safe(at, next, &s->list, node)
	{
		struct task_struct *task = at->task;

		if (woken == most)
			break;
		if (at->word != word)
			continue;
		/* The task exists while the lock is held: it takes the lock before it goes on. */
		list_del_init_careful(&at->node);
		s->count--;
		woken++;
		wake_up_process(task);
	}
	spin_unlock(&s->lock);
	return woken;
}
