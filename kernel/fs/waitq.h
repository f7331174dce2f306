/* SPDX-License-Identifier: MIT */
/*
 * How threads wait for objects of the guest kernel, such as pipes, that have no host file.
 *
 * An object has a struct waitq, which the object's lock guards. A waiting thread has one struct
 * sleeper on its kernel stack, and one struct wait_entry in the queue of each object that it waits
 * for, because poll(2) may wait for many. A thread that changes an object wakes the entries that
 * wait for this change, under the object's lock. A sleeper's entry then leaves the queue, so it is
 * woken once.
 *
 * A thread that waits: locks the object, looks at it, calls waitq_add, unlocks, calls
 * sleeper_sleep, locks, calls waitq_remove, and looks again. It calls waitq_remove also after a
 * wake-up: with the lock taken, the waker does not use the sleeper any more.
 */
#ifndef KERNEL_FS_WAITQ_H
#define KERNEL_FS_WAITQ_H

#include <bsd/sys/queue.h>
#include "common/types.h"

#define SLEEP_FOREVER (~0UL)

struct sleeper {
	u32 woken; /* atomic; 1 after a wake-up */
	s32 bell;  /* handle of an eventfd that the waker writes to; -1: the thread is parked */
};
#define SLEEPER_INIT                                                                               \
	{                                                                                          \
		.bell = -1                                                                         \
	}

struct wakeups;

struct wait_entry {
	TAILQ_ENTRY(wait_entry) link;
	struct sleeper *sleeper; /* NULL for an entry with .changed */
	/*
	 * Not NULL: a wake-up calls this, and the entry stays in the queue. The object's lock is
	 * held, and the function may take locks below it.
	 */
	void (*changed)(struct wait_entry *e, u32 events, struct wakeups *w);
	u32 events;	/* POLL*: the events that wake this entry */
	bool exclusive; /* waitq_wake wakes only one such entry */
	bool queued;
};

struct waitq {
	TAILQ_HEAD(, wait_entry) entries;
};

/*
 * Woken threads that are still to be unparked. wakeups_send does that after the object's lock is
 * free, because the threads take that lock first. Zeros: none.
 */
struct wakeups {
	u32 count;
	const u32 *word[8];
};

void waitq_init(struct waitq *q);

/* The caller of the next five holds the object's lock. */

/*
 * Adds an entry, in which the caller has set sleeper or changed, events and exclusive. As on Linux
 * the last entry with .changed that is not exclusive comes first of all: epoll_wait(2) names the
 * files that one wake-up made ready in this order.
 */
void waitq_add(struct waitq *q, struct wait_entry *e);
/* Removes an entry, if a wake-up has not removed it already. */
void waitq_remove(struct waitq *q, struct wait_entry *e);
/*
 * Wakes the entries that wait for one of these events, in the order of the queue; of the exclusive
 * sleepers only the first, unless all is true. The caller calls wakeups_send, once for all its uses
 * of w, after it has released the lock.
 */
void waitq_wake(struct waitq *q, u32 events, bool all, struct wakeups *w);
/* Wakes one more exclusive entry, because the one that was woken has not used up the change. */
void waitq_wake_next(struct waitq *q, u32 events, struct wakeups *w);
/* Wakes this entry, if it is still in the queue. */
void waitq_wake_one(struct waitq *q, struct wait_entry *e, struct wakeups *w);

/* Unparks the threads of w. The caller does not hold the object's lock. */
void wakeups_send(const struct wakeups *w);

/*
 * Sleeps until the sleeper is woken, and returns 0. -EINTR: a signal is pending, or the thread has
 * to end. -ETIMEDOUT: the deadline has passed (clock_monotonic_ns, or SLEEP_FOREVER). The caller
 * holds no lock.
 */
s64 sleeper_sleep(struct sleeper *s, u64 deadline);

/*
 * For a thread that sleeps in the host's poll: bell_get returns the handle of an eventfd that
 * becomes readable when the sleeper is woken, or -errno. The thread sets sleeper.bell before its
 * first waitq_add, and returns the bell with bell_put after its last waitq_remove. bell_put takes
 * -1, too.
 */
s32 bell_get(void);
void bell_put(s32 bell);
/*
 * Makes the eventfd readable, or not readable. Neither function sleeps. bell_silence returns false
 * if the read was interrupted: the bell may still be readable.
 */
void bell_ring(s32 bell);
bool bell_silence(s32 bell);

#endif
