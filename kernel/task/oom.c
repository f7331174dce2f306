// SPDX-License-Identifier: MIT
/*
 * Killing a process when RAM is used up, as Linux's mm/oom_kill.c does: the process with the most
 * pages gets SIGKILL (its page tables count, oom_score_adj shifts), and the thread that needed a
 * page tries again when memory was freed. One process is killed at a time: while a victim, or any
 * process that ends, still has memory, no other is chosen. If that takes too long, one is, because
 * the victim's thread may sleep in the host where no signal wakes it.
 */
#include "kernel/mm/mm_needs.h"
#include "kernel/task/oom.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/spare.h"
#include "kernel/mm/text_cache.h"
#include "kernel/signal/signal.h"
#include "kernel/task/process.h"
#include "kernel/time/clock.h"

#define ADJ_NEVER      (-1000) /* oom_score_adj: never kill this process */
#define NO_VICTIM      INT64_MIN
#define SLEEP_NS       20000000UL

/* How long a victim may take to end: a time, and a number of hostcalls where these are slow. */
#define PATIENCE_NS    2000000000UL
#define PATIENCE_CALLS 20000

u64 oom_kills;

static u32 going;    /* address spaces that are being freed */
static u32 freed;    /* changes when one was freed; the word that ... */
static u32 sleepers; /* ... so many threads sleep on */

/* Returns true if its memory is that of a parent that waits in vfork(2). task_lock is held. */
static bool has_lent_memory(const struct process *p)
{
	const struct thread *t;

	TAILQ_FOREACH (t, &p->threads, link)
		if (t->vfork_wait)
			return true;
	return false;
}

/* Returns about how many pages its end would free. task_lock is held. */
static s64 badness(const struct process *p, u64 total)
{
	const struct mm *mm = p->mm;

	ASSERT_HELD(&task_lock);
	/* A vfork(2) child has its parent's memory, which counts for the parent. */
	if (!mm || has_lent_memory(p) || p->oom_score_adj == ADJ_NEVER)
		return NO_VICTIM;
	return (s64)(mm->resident_pages + mm->page_tables) +
	       (s64)p->oom_score_adj * (s64)(total / 1000);
}

static u64 total_frames(void)
{
	struct frame_stats f;

	frame_stats(&f);
	return f.total;
}

s64 oom_score(const struct process *p)
{
	s64 total = (s64)total_frames(), points = badness(p, (u64)total);

	ASSERT_HELD(&task_lock);
	if (points == NO_VICTIM)
		return 0;
	return MAX((1000 + points * 1000 / total) * 2 / 3, 0);
}

/* Returns true if the process has to end. task_lock is held. */
static bool ends(const struct process *p)
{
	ASSERT_HELD(&task_lock);
	return p->group_exit || p->exiting || (p->pending.set & SIGBIT(SIGKILL));
}

/* Returns true if some process will free its memory soon. task_lock is held. */
static bool somebody_goes(void)
{
	u64 now = clock_monotonic_ns();
	u64 patience = MAX(PATIENCE_NS, PATIENCE_CALLS * hostcall_cost_ns());
	struct process *p;

	ASSERT_HELD(&task_lock);
	if (__atomic_load_n(&going, __ATOMIC_RELAXED))
		return true;
	LIST_FOREACH (p, &all_processes, all) {
		if (!p->mm || !ends(p))
			continue;
		if (!p->end_seen_ns)
			p->end_seen_ns = now;
		if (now - p->end_seen_ns < patience)
			return true;
	}
	return false;
}

/*
 * Returns the process to kill, or NULL if none may be killed or all are ending. task_lock is held.
 */
static struct process *choose(void)
{
	u64 total = total_frames();
	struct process *p, *worst = NULL;
	s64 most = NO_VICTIM;

	ASSERT_HELD(&task_lock);
	LIST_FOREACH (p, &all_processes, all) {
		s64 points = ends(p) ? NO_VICTIM : badness(p, total);

		if (points > most) {
			most = points;
			worst = p;
		}
	}
	return worst;
}

/* Kills the victim and all processes that have the same memory. task_lock is held. */
static void kill_for_memory(struct process *victim)
{
	const struct mm *mm = victim->mm;
	struct process *p;
	siginfo_t info;

	ASSERT_HELD(&task_lock);
	klog(0, "out of memory: killed process %d (%s), which had %lu KiB; oom_score_adj %d",
	     victim->pid, victim->comm, mm->resident_pages * (PAGE_SIZE / 1024),
	     victim->oom_score_adj);
	oom_kills++;
	memset(&info, 0, sizeof(info));
	info.si_signo = SIGKILL;
	info.si_code = SI_KERNEL;
	LIST_FOREACH (p, &all_processes, all) {
		if (p->mm != mm)
			continue;
		p->oom_killed = true;
		signal_send_locked(p, NULL, &info);
	}
}

bool oom_make_space(void)
{
	u32 seen = __atomic_load_n(&freed, __ATOMIC_ACQUIRE);
	struct thread *t = current();
	bool lost;

	if (text_shrink() || spare_shrink())
		return true;
	mutex_lock(&task_lock);
	if (!frame_left_for_user() && !ends(t->proc) && !somebody_goes()) {
		struct process *victim = choose();

		kill_for_memory(victim ? victim : t->proc);
	}
	lost = ends(t->proc) || t->dying || (t->pending.set & SIGBIT(SIGKILL));
	mutex_unlock(&task_lock);
	if (lost)
		return false;
	/*
	 * Not by park(), because the fault may have come under a lock, such as a futex's
	 * (kernel/park.h).
	 */
	__atomic_add_fetch(&sleepers, 1, __ATOMIC_SEQ_CST);
	if (!frame_left_for_user())
		hc_wait(virt_to_phys(&freed), seen, SLEEP_NS);
	__atomic_sub_fetch(&sleepers, 1, __ATOMIC_SEQ_CST);
	signal_upcall();
	return true;
}

void oom_memory_goes(void)
{
	__atomic_add_fetch(&going, 1, __ATOMIC_RELAXED);
}

void oom_memory_gone(void)
{
	__atomic_sub_fetch(&going, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&freed, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&sleepers, __ATOMIC_SEQ_CST))
		hc_wake(virt_to_phys(&freed), INT32_MAX);
}
