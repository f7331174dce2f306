/* SPDX-License-Identifier: MIT */
/*
 * The queues of futex(2), which only the files futex*.c share.
 *
 * A waiter is in the queue of its key's bucket and sleeps (kernel/park.h) on a word of the
 * kernel's. The thread that removes it from the queue sets that word and wakes it. The lock of the
 * bucket makes "compare, then queue" atomic for all wakers. The key of a word in a shared mapping
 * is its file and offset; that of any other word is its address space and address. So a key does
 * not depend on the page that is mapped at the moment, which copy-on-write changes.
 *
 * Lock order: task_lock > bucket (the lower address first if two are taken) > mm.lock.
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
	u64 space; /* address of the struct mm, or inode */
	u64 dev;   /* the device of a shared mapping's file; 0 with an mm */
	u64 at;	   /* address (+ 1 for a shared futex), or offset in the file */
};

struct futex_bucket {
	struct mutex lock;
	TAILQ_HEAD(, futex_waiter) waiters;
};

/*
 * A thread that sleeps, mostly on its kernel stack. The bucket's lock guards all fields but the
 * last five.
 */
struct futex_waiter {
	TAILQ_ENTRY(futex_waiter) link;
	struct futex_key key;
	struct futex_bucket *bucket; /* of its queue; requeueing changes it under both locks */
	bool queued;
	bool pi;     /* waits to own the word (futex_pi.c) */
	bool to_pi;  /* FUTEX_WAIT_REQUEUE_PI: will be moved to target, and wait to own that word */
	bool orphan; /* pi: the owner died, and this waiter is the next owner */
	s32 owner;   /* pi: number of the thread that owns the word; 0: it died */
	struct futex_key target;
	u32 bitset;
	u32 woken;	 /* the word it sleeps on, set to 1 when it is removed from the queue ... */
	u32 *sleeps_on;	 /* ... or this one, if a thread has several waiters; else NULL */
	s32 tid;	 /* pi, to_pi: the thread that will own the word */
	u32 rt_priority; /* pi: the waiter with the highest becomes the next owner */
};

/*
 * Computes the key of a word. Returns 0, -EINVAL if addr is not aligned, or -EFAULT if it is not a
 * program's address. A private word need not be mapped; a shared one must be readable. Takes
 * mm.lock.
 */
int futex_key_of(struct futex_key *k, uva addr, bool shared);
bool futex_same_key(const struct futex_key *a, const struct futex_key *b);
struct futex_bucket *futex_bucket_of(const struct futex_key *k);
/* Calls fn for every bucket, with the bucket's lock held. */
void futex_each_bucket(void (*fn)(struct futex_bucket *b, void *arg), void *arg);
/* Locks and unlocks two buckets, which may be the same one. */
void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b);

/* Adds w to the end of the queue of b, which is the bucket of w->key. The lock of b is held. */
void futex_queue(struct futex_bucket *b, struct futex_waiter *w);
/*
 * Queues w if the word at addr has this value. Returns 0, -EAGAIN if it has another value, or
 * -EFAULT. Takes the lock of the key's bucket; no other lock is held.
 */
int futex_enqueue(struct futex_waiter *w, uva addr, u32 value);
/*
 * Moves w from the queue of one bucket to that of another, where it waits for key. Both locks are
 * held.
 */
void futex_move(struct futex_bucket *from, struct futex_bucket *to, struct futex_waiter *w,
		const struct futex_key *key);
/* Locks and returns the bucket of w's queue, or of the last queue that w was in. */
struct futex_bucket *futex_lock_bucket(struct futex_waiter *w);
/* Removes w from its queue. Returns false if a waker has removed it already. */
bool futex_dequeue(struct futex_waiter *w);
/*
 * Removes w from the queue of b and wakes it. The lock of b is held; it keeps w alive until both is
 * done.
 */
void futex_take_out(struct futex_bucket *b, struct futex_waiter *w);
/* Wakes w and leaves it in its queue, if it is in one. The bucket's lock is held. */
void futex_rouse(struct futex_waiter *w);
/*
 * Sleeps until the word is not 0. Returns 0, -ETIMEDOUT at the deadline (clock_monotonic_ns; 0:
 * none), or -EINTR if a signal is pending. No lock is held.
 */
s64 futex_sleep(u32 *word, u64 deadline);

/*
 * Converts the program's timeout to a moment of CLOCK_MONOTONIC. The timeout is a time span, or
 * with absolute a moment of CLOCK_MONOTONIC or CLOCK_REALTIME. Setting the clock later does not
 * move the deadline. Returns 0, -EFAULT or -EINVAL.
 */
int futex_deadline(u64 *deadline, u64 timeout, bool absolute, bool realtime);
/*
 * Pins the page of a program's word and returns the word's address in the physmap, for atomic
 * accesses. The caller releases it with user_segs_put. Returns NULL if the word cannot be written.
 */
u32 *futex_pin(uva addr, struct user_segs **segs);

/* Two words of one call, and for each whether it is a shared futex. */
struct futex_pair {
	uva from, to;
	bool from_shared, to_shared;
};

/* futex.c: the operations, with the results that futex(2) has. */
s64 futex_wait(uva addr, bool shared, u32 value, u64 deadline, u32 bitset);
s64 futex_wake(uva addr, bool shared, u32 count, u32 bitset);
s64 futex_requeue(const struct futex_pair *pair, s32 wake, s32 requeue, const u32 *expected);
/* futex_pi.c. */
s64 futex_lock_pi(uva addr, bool shared, u64 deadline, bool only_try);
s64 futex_unlock_pi(uva addr, bool shared);
s64 futex_wait_requeue_pi(const struct futex_pair *pair, u32 value, u64 deadline);
s64 futex_cmp_requeue_pi(const struct futex_pair *pair, s32 wake, s32 requeue, u32 expected);
/*
 * The running thread ends or executes another program: the words that it owns go to their waiters.
 * No lock is held.
 */
void futex_pi_exit(struct thread *t);

#endif
