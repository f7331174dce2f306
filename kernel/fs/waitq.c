// SPDX-License-Identifier: MIT
/* See waitq.h. */
#include <linux/fcntl.h>
#include "kernel/fs/waitq.h"
#include "kernel/fs/fs.h"
#include "kernel/park.h"

/* -- Queues --------------------------------------------------------------------------------- */

void waitq_init(struct waitq *q)
{
	TAILQ_INIT(&q->entries);
}

void waitq_add(struct waitq *q, struct wait_entry *e)
{
	if (e->changed && !e->exclusive)
		TAILQ_INSERT_HEAD(&q->entries, e, link);
	else
		TAILQ_INSERT_TAIL(&q->entries, e, link);
	e->queued = true;
}

void waitq_remove(struct waitq *q, struct wait_entry *e)
{
	if (e->queued)
		TAILQ_REMOVE(&q->entries, e, link);
	e->queued = false;
}

void bell_ring(s32 bell)
{
	struct hostcall_seg seg[2];
	struct segs segs;
	u64 one = 1;

	if (kernel_segs(seg, 2, &one, sizeof(one), &segs) == 0)
		hc_writev(bell, &segs);
}

/*
 * The thread may have left its sleeper before wakeups_send unparks the word. Then no thread sleeps
 * on that word, or one that park lets look again. The handle of a bell could belong to another file
 * by then, so the bell rings at once.
 */
static void wake(struct sleeper *s, struct wakeups *w)
{
	if (__atomic_exchange_n(&s->woken, 1, __ATOMIC_RELEASE))
		return;
	if (s->bell >= 0)
		bell_ring(s->bell);
	else if (w->count < ARRAY_SIZE(w->word))
		w->word[w->count++] = &s->woken;
	else
		unpark(&s->woken, 1);
}

void wakeups_send(const struct wakeups *w)
{
	for (u32 i = 0; i < w->count; i++)
		unpark(w->word[i], 1);
}

void waitq_wake_one(struct waitq *q, struct wait_entry *e, struct wakeups *w)
{
	if (e->queued)
		wake(e->sleeper, w);
	waitq_remove(q, e);
}

void waitq_wake(struct waitq *q, u32 events, bool all, struct wakeups *w)
{
	struct wait_entry *e = TAILQ_FIRST(&q->entries), *next;
	bool served = false; /* an exclusive entry was woken */

	for (; e; e = next) {
		next = TAILQ_NEXT(e, link);
		if (!(e->events & events))
			continue;
		if (e->changed) {
			e->changed(e, events, w);
		} else if (!e->exclusive || !served || all) {
			served |= e->exclusive;
			waitq_wake_one(q, e, w);
		}
	}
}

void waitq_wake_next(struct waitq *q, u32 events, struct wakeups *w)
{
	struct wait_entry *e;

	TAILQ_FOREACH (e, &q->entries, link) {
		if (e->exclusive && e->events & events) {
			waitq_wake_one(q, e, w);
			break;
		}
	}
}

/* -- Sleeping ------------------------------------------------------------------------------- */

s64 sleeper_sleep(struct sleeper *s, u64 deadline)
{
	while (!__atomic_load_n(&s->woken, __ATOMIC_ACQUIRE)) {
		s64 left, err;

		signal_upcall();
		if (signal_pending())
			return -EINTR;
		left = fs_time_left(deadline);
		if (left == 0)
			return -ETIMEDOUT;
		err = park(&s->woken, 0, (u64)left);
		if (err < 0 && err != -EINTR && err != -EAGAIN && err != -ETIMEDOUT)
			return err;
	}
	return 0;
}

/* -- Bells ---------------------------------------------------------------------------------- */

#define BELLS_IDLE 16 /* unused bells that are kept */

static struct mutex bells_lock = MUTEX_INIT(LOCK_BELLS);
static s32 idle[BELLS_IDLE] GUARDED_BY(bells_lock);
static u32 idle_count GUARDED_BY(bells_lock);

s32 bell_get(void)
{
	s32 bell = -1;

	mutex_lock(&bells_lock);
	if (idle_count)
		bell = idle[--idle_count];
	mutex_unlock(&bells_lock);
	return bell >= 0 ? bell : (s32)fs_nointr(hc_eventfd2(0, O_NONBLOCK));
}

bool bell_silence(s32 bell)
{
	struct hostcall_seg seg[2];
	struct segs segs;
	u64 rung = 0;
	s64 r;

	if (kernel_segs(seg, 2, &rung, sizeof(rung), &segs))
		return false;
	r = hc_readv(bell, &segs);
	return r == (s64)sizeof(rung) || r == -EAGAIN;
}

void bell_put(s32 bell)
{
	if (bell < 0)
		return;
	/* The bell may have rung. One that may still be readable is not kept. */
	if (bell_silence(bell)) {
		mutex_lock(&bells_lock);
		if (idle_count < BELLS_IDLE) {
			idle[idle_count++] = bell;
			bell = -1;
		}
		mutex_unlock(&bells_lock);
	}
	if (bell >= 0)
		hc_close(bell);
}
