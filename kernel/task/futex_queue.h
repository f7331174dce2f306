/* SPDX-License-Identifier: MIT */
/*
 * The queues of futex(2), shared by the files futex*.c only.
 *
 * A waiter stands in the queue of its key's bucket and sleeps, in the host, on a word of the
 * kernel's; whoever takes it out of the queue sets that word and wakes it. The bucket's lock makes
 * "compare, then queue" one step for every waker. Keys: a word in a shared mapping is named by file
 * and offset, any other by address space and address, so both are the same whatever page is behind
 * them at the moment (copy-on-write changes it).
 *
 * Lock order: task_lock > a bucket (the lower address first where two are taken) > mm.lock.
 */
#ifndef KERNEL_TASK_FUTEX_QUEUE_H
#define KERNEL_TASK_FUTEX_QUEUE_H

#include <bsd/sys/queue.h>
#include "common/types.h"
#include "kernel/define_syscall.h"
#include "kernel/lock.h"

struct thread;
struct user_segs;

struct futex_key {
	u64 space; /* struct mm *, or inode */
	u64 dev;   /* of a shared mapping's file; 0 with an mm */
	u64 at;	   /* address (+ 1: of a shared futex), or offset in the file */
};

struct futex_bucket {
	struct mutex lock;
	TAILQ_HEAD(, futex_waiter) waiters;
};

/* A thread that sleeps; mostly on its kernel stack. All but the last five: the bucket's lock. */
struct futex_waiter {
	TAILQ_ENTRY(futex_waiter) link;
	struct futex_key key;
	struct futex_bucket *bucket; /* where it stands; changed by requeueing, under both locks */
	bool queued;
	bool pi;     /* waits to own the word: futex_pi.c */
	bool to_pi;  /* FUTEX_WAIT_REQUEUE_PI: will be moved to target, and wait to own that */
	bool orphan; /* pi: the owner died, and this waiter is next */
	s32 owner;   /* pi: the number of the thread that owns the word; 0: it died */
	struct futex_key target;
	u32 bitset;
	u32 woken;	 /* the word it sleeps on: 1 when it was taken out of the queue ... */
	u32 *sleeps_on;	 /* ... or this one, if several waiters are one thread's; or NULL */
	s32 tid;	 /* pi, to_pi: whose the word will be */
	u32 rt_priority; /* pi: the highest owns the word next */
};

/*
 * The key of a word. -EINVAL: not aligned; -EFAULT: not the program's. A private key needs no
 * mapping there; a shared one a page that can be read.
 */
int futex_key_of(struct futex_key *k, uva addr, bool shared);
bool futex_same_key(const struct futex_key *a, const struct futex_key *b);
struct futex_bucket *futex_bucket_of(const struct futex_key *k);
/* Calls fn on every bucket, with its lock. */
void futex_each_bucket(void (*fn)(struct futex_bucket *b, void *arg), void *arg);
/* Two buckets, which may be the same one. */
void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b);

/* w->key's bucket is b, whose lock is held: w stands at its end. */
void futex_queue(struct futex_bucket *b, struct futex_waiter *w);
/* Compares and queues. 0, -EAGAIN where the word has another value, -EFAULT. */
int futex_enqueue(struct futex_waiter *w, uva addr, u32 value);
/* w, which stands in from, waits for key in to: the locks of both are held. */
void futex_move(struct futex_bucket *from, struct futex_bucket *to, struct futex_waiter *w,
		const struct futex_key *key);
/* The bucket where w stands, or stood last, locked. */
struct futex_bucket *futex_lock_bucket(struct futex_waiter *w);
/* Takes w out of the queue it is in; false: a waker did. */
bool futex_dequeue(struct futex_waiter *w);
/* Out of the queue and awake. The lock of b is held and keeps w alive until both is done. */
void futex_take_out(struct futex_bucket *b, struct futex_waiter *w);
/* Awake, wherever it stands; the bucket's lock is held. */
void futex_rouse(struct futex_waiter *w);
/*
 * Sleeps until the word is not 0: 0; until the deadline (clock_monotonic_ns; 0: none): -ETIMEDOUT;
 * until a signal is there: -EINTR. No lock is held.
 */
s64 futex_sleep(u32 *word, u64 deadline);

/*
 * The moment of CLOCK_MONOTONIC that the program's timeout means: a span, or a moment of that clock
 * or of CLOCK_REALTIME. A realtime clock that is set meanwhile is not followed. -EFAULT, -EINVAL.
 */
int futex_deadline(u64 *deadline, u64 timeout, bool absolute, bool realtime);
/*
 * A word of the program that is written in one step with other threads' accesses: its page is
 * pinned, and used through the physmap. NULL: it cannot be written. Undo with user_segs_put.
 */
u32 *futex_pin(uva addr, struct user_segs **segs);

/* Two words of one call, and whether each is a shared futex. */
struct futex_pair {
	uva from, to;
	bool from_shared, to_shared;
};

/* The operations, as futex(2) has them: futex.c. */
s64 futex_wait(uva addr, bool shared, u32 value, u64 deadline, u32 bitset);
s64 futex_wake(uva addr, bool shared, u32 count, u32 bitset);
s64 futex_requeue(const struct futex_pair *pair, s32 wake, s32 requeue, const u32 *expected);
/* futex_pi.c. */
s64 futex_lock_pi(uva addr, bool shared, u64 deadline, bool only_try);
s64 futex_unlock_pi(uva addr, bool shared);
s64 futex_wait_requeue_pi(const struct futex_pair *pair, u32 value, u64 deadline);
s64 futex_cmp_requeue_pi(const struct futex_pair *pair, s32 wake, s32 requeue, u32 expected);
/* The running thread ends or executes another program: what it owns goes to who waits for it. */
void futex_pi_exit(struct thread *t);

#endif
