/* SPDX-License-Identifier: MIT */
/*
 * How threads wait for objects of the guest kernel: pipes and what else has no host file behind it.
 *
 * An object has a struct waitq, which the object's lock guards. A waiting thread is a struct
 * sleeper on its kernel stack; it stands in the queue of each object that it waits for with a
 * struct wait_entry, as poll(2) may wait for many. Whoever changes an object wakes the entries that
 * wait for this change, under the object's lock. A woken entry leaves the queue, so that it is
 * woken once.
 *
 * The order of a thread that waits: lock the object, look at it, waitq_add, unlock, sleeper_sleep,
 * lock, waitq_remove, look again. waitq_remove is needed also after a wake-up: the lock makes sure
 * that the waker does not use the sleeper any more.
 */
#ifndef KERNEL_FS_WAITQ_H
#define KERNEL_FS_WAITQ_H

#include <bsd/sys/queue.h>
#include "common/types.h"

#define SLEEP_FOREVER (~0UL)

struct sleeper {
	u32 woken; /* atomic; becomes 1 */
	s32 bell;  /* an eventfd of the host's that rings, too; -1: none */
};
#define SLEEPER_INIT                                                                               \
	{                                                                                          \
		.bell = -1                                                                         \
	}

struct wakeups;

struct wait_entry {
	TAILQ_ENTRY(wait_entry) link;
	struct sleeper *sleeper; /* NULL: changed is called, and the entry stays in the queue */
	/* The object's lock is held, and locks below it may be taken. */
	void (*changed)(struct wait_entry *e, u32 events, struct wakeups *w);
	u32 events;	/* POLL*: a wake-up for one of these is for this entry */
	bool exclusive; /* of such entries a wake-up takes one: waitq_wake */
	bool queued;
};

struct waitq {
	TAILQ_HEAD(, wait_entry) entries;
};

/*
 * Threads that were woken and may still sleep in the host: to be told when the object's lock is
 * free again, because they take it first of all. Zeros: nobody.
 */
struct wakeups {
	u32 count;
	const u32 *word[8];
};

void waitq_init(struct waitq *q);

/* The object's lock is held in these five. e->sleeper, .events and .exclusive are set. */
void waitq_add(struct waitq *q, struct wait_entry *e);
/* Also allowed, and needed, for an entry that was woken. */
void waitq_remove(struct waitq *q, struct wait_entry *e);
/*
 * Wakes the entries that wait for one of these events, in the order in which they came; of the
 * exclusive ones only the first, unless it is to be all. The caller calls
 * wakeups_send, once for all its uses of w, after it has released the lock.
 */
void waitq_wake(struct waitq *q, u32 events, bool all, struct wakeups *w);
/* The same for sleepers alone: nothing has changed, but the one that was woken left something. */
void waitq_wake_next(struct waitq *q, u32 events, struct wakeups *w);
/* The same for one entry, which may have been woken already. */
void waitq_wake_one(struct waitq *q, struct wait_entry *e, struct wakeups *w);
void wakeups_send(const struct wakeups *w);

/*
 * Sleeps until woken: 0. -EINTR: a signal is there, or the thread is to end. -ETIMEDOUT: the
 * deadline (clock_monotonic_ns, or SLEEP_FOREVER) has passed. No lock may be held.
 */
s64 sleeper_sleep(struct sleeper *s, u64 deadline);

/*
 * For a thread that sleeps in the host's poll: the handle of an eventfd that becomes readable when
 * the sleeper is woken. Set it before the first waitq_add. -errno. bell_put takes it back, after
 * the last waitq_remove; -1 is allowed.
 */
s32 bell_get(void);
void bell_put(s32 bell);
/* Rings it; makes it silent again. Neither sleeps. */
void bell_ring(s32 bell);
void bell_silence(s32 bell);

#endif
