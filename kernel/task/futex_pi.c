// SPDX-License-Identifier: MIT
/*
 * Futexes with an owner: the PI operations of futex(2), which POSIX mutexes with
 * PTHREAD_PRIO_INHERIT use. The word is 0 or the owner's thread number, with FUTEX_WAITERS if only
 * the kernel can release it, and FUTEX_OWNER_DIED.
 *
 * The owner hands the word to the first waiter: FUTEX_UNLOCK_PI writes the waiter's number and
 * removes it from the queue. If the owner died, the first waiter is told (.orphan) and writes its
 * number itself, because it may be in another address space. All waiters of a word are pi and have
 * the same .owner. The priority of the waiters decides which is the first. The priority of an owner
 * is not raised, because priorities do not reach the host (policy.c).
 *
 * Looking up an owner and queueing its waiter is one step under task_lock. A thread that ends sets
 * .owns_nothing under task_lock before it looks for its waiters. So either the waiter sees that the
 * owner has ended, or the owner finds the waiter.
 */
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/futex_queue.h"
#include "kernel/task/process.h"

#include <linux/futex.h>

static u32
	pi_waiters; /* how many are in all queues; atomic: 0 saves the search when a thread ends */

/*
 * Returns the first of the key's waiters in b: the one that came first of those with the highest
 * priority. Returns NULL if there is none.
 */
static struct futex_waiter *first_waiter(struct futex_bucket *b, const struct futex_key *k)
{
	struct futex_waiter *w, *first = NULL;

	ASSERT_HELD(&b->lock);
	TAILQ_FOREACH (w, &b->waiters, link)
		if (futex_same_key(&w->key, k) && (!first || w->rt_priority > first->rt_priority))
			first = w;
	return first;
}

/* Sets the owner that the key's waiters in b wait for. */
static void set_owner(struct futex_bucket *b, const struct futex_key *k, s32 owner)
{
	struct futex_waiter *w;

	ASSERT_HELD(&b->lock);
	TAILQ_FOREACH (w, &b->waiters, link) {
		if (w->pi && futex_same_key(&w->key, k)) {
			w->owner = owner;
			w->orphan = false;
		}
	}
}

static bool can_own(s32 tid)
{
	struct thread *t = thread_find(tid);

	return t && t->tid == tid && !t->owns_nothing;
}

/*
 * The thread tid takes the word, whose waiters are in b with key k. Returns 0 if tid owns it now,
 * with FUTEX_WAITERS if waiters is true; 1 if it has to wait for *owner, who will find
 * FUTEX_WAITERS; -EDEADLK; -EINVAL if the word is also used in another way; -ESRCH if the owner is
 * not a thread. task_lock and b->lock are held.
 */
static int take_word(struct futex_bucket *b, const struct futex_key *k, u32 *word, s32 tid,
		     bool waiters, s32 *owner)
{
	const struct futex_waiter *first = first_waiter(b, k);
	u32 old = __atomic_load_n(word, __ATOMIC_RELAXED), new;

	ASSERT_HELD(&task_lock);
	do {
		s32 holder = old & FUTEX_TID_MASK;

		if (holder == tid)
			return -EDEADLK;
		if (first) {
			*owner = first->owner;
			return first->pi && (!holder || !*owner || holder == *owner) ? 1 : -EINVAL;
		}
		new = holder ? old | FUTEX_WAITERS
			     : (old & FUTEX_OWNER_DIED) | (u32)tid | (waiters ? FUTEX_WAITERS : 0);
		*owner = holder;
	} while (!__atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	if (!*owner)
		return 0;
	return can_own(*owner) ? 1 : -ESRCH;
}

static void queue_pi(struct futex_bucket *b, struct futex_waiter *w, s32 owner)
{
	w->pi = true;
	w->owner = owner;
	futex_queue(b, w);
	__atomic_add_fetch(&pi_waiters, 1, __ATOMIC_RELAXED);
}

/* Removes w, which is pi, from the queue of b. */
static void unqueue_pi(struct futex_bucket *b, struct futex_waiter *w)
{
	ASSERT_HELD(&b->lock);
	TAILQ_REMOVE(&b->waiters, w, link);
	w->queued = false;
	__atomic_sub_fetch(&pi_waiters, 1, __ATOMIC_RELAXED);
}

/* The owner of the key has died: tells the first waiter, if there is one. */
static void orphan_first(struct futex_bucket *b, const struct futex_key *k)
{
	struct futex_waiter *first = first_waiter(b, k);

	if (!first || !first->pi)
		return;
	set_owner(b, k, 0);
	first->orphan = true;
	futex_rouse(first);
}

/* The owner of w's word died, and w's thread takes the word: futex(2), FUTEX_OWNER_DIED. */
static void take_over(struct futex_bucket *b, struct futex_waiter *w, u32 *word)
{
	unqueue_pi(b, w);
	__atomic_store_n(word, FUTEX_OWNER_DIED | FUTEX_WAITERS | (u32)w->tid, __ATOMIC_SEQ_CST);
	set_owner(b, &w->key, w->tid);
}

/*
 * Called when a waiter was woken, or gave up with given_up = -errno. Returns 0 if its thread owns
 * the word, 1 if it has to wait on in the queue, or -errno if it has left the queue.
 */
UNCHECKED_LOCKING static s64 look(struct futex_waiter *w, uva addr, s64 given_up)
{
	struct user_segs *segs = NULL;
	u32 *word = futex_pin(addr, &segs);
	struct futex_bucket *b = futex_lock_bucket(w);
	s64 result = given_up < 0 ? given_up : 1;

	if (!word)
		result = -EFAULT;
	if (!w->queued) {
		result = 0;
	} else if (w->orphan && word) {
		take_over(b, w, word);
		result = 0;
	} else if (result < 0) {
		bool orphan = w->orphan;

		unqueue_pi(b, w);
		if (orphan)
			orphan_first(b, &w->key);
	} else {
		w->woken = 0;
	}
	mutex_unlock(&b->lock);
	if (word)
		user_segs_put(segs);
	return result;
}

/* Sleeps until w's thread owns the word at addr. Returns 0, -ETIMEDOUT, -EINTR or -EFAULT. */
static s64 wait_to_own(struct futex_waiter *w, uva addr, u64 deadline)
{
	s64 r;

	do
		r = look(w, addr, futex_sleep(&w->woken, deadline));
	while (r > 0);
	return r;
}

s64 futex_lock_pi(uva addr, bool shared, u64 deadline, bool only_try)
{
	struct thread *t = current();
	struct futex_waiter w = {.tid = t->tid, .rt_priority = t->rt_priority};
	struct user_segs *segs;
	struct futex_bucket *b;
	s32 owner;
	u32 *word;
	s64 r = futex_key_of(&w.key, addr, shared);

	if (r)
		return r;
	word = futex_pin(addr, &segs);
	if (!word)
		return -EFAULT;
	b = futex_bucket_of(&w.key);
	mutex_lock(&task_lock);
	mutex_lock(&b->lock);
	r = take_word(b, &w.key, word, t->tid, false, &owner);
	if (r > 0 && only_try)
		r = -EAGAIN;
	if (r > 0)
		queue_pi(b, &w, owner);
	mutex_unlock(&b->lock);
	mutex_unlock(&task_lock);
	user_segs_put(segs);
	if (r > 0)
		r = wait_to_own(&w, addr, deadline);
	return r == -EINTR ? -ERESTARTNOINTR : r;
}

/*
 * The owner tid releases the word to the first waiter, or to nobody. Returns 0, -EINVAL or -EPERM.
 * b->lock is held.
 */
static s64 release_word(struct futex_bucket *b, const struct futex_key *k, u32 *word, s32 tid)
{
	struct futex_waiter *first = first_waiter(b, k);
	u32 new = first ? FUTEX_WAITERS | (u32)first->tid : 0;
	u32 old = __atomic_load_n(word, __ATOMIC_RELAXED);

	if (first && !first->pi)
		return -EINVAL;
	do {
		if ((s32)(old & FUTEX_TID_MASK) != tid)
			return -EPERM;
	} while (!__atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	if (!first)
		return 0;
	unqueue_pi(b, first);
	set_owner(b, k, first->tid);
	futex_rouse(first);
	return 0;
}

s64 futex_unlock_pi(uva addr, bool shared)
{
	struct user_segs *segs;
	struct futex_bucket *b;
	struct futex_key k;
	u32 *word;
	s64 r = futex_key_of(&k, addr, shared);

	if (r)
		return r;
	word = futex_pin(addr, &segs);
	if (!word)
		return -EFAULT;
	b = futex_bucket_of(&k);
	mutex_lock(&b->lock);
	r = release_word(b, &k, word, current()->tid);
	mutex_unlock(&b->lock);
	user_segs_put(segs);
	return r;
}

/* -- Moving waiters of a plain word to one with an owner --------------------------------------- */

/*
 * w waits for a plain word until it is moved. Returns 1 if it is in the other queue, as pi; 0 if it
 * owns the other word; or -errno.
 */
UNCHECKED_LOCKING static s64 wait_to_be_moved(struct futex_waiter *w, u64 deadline)
{
	s64 given_up = futex_sleep(&w->woken, deadline);
	struct futex_bucket *b = futex_lock_bucket(w);
	s64 result = 1;

	if (!w->queued) {
		result = 0;
	} else if (!w->pi) {
		TAILQ_REMOVE(&b->waiters, w, link);
		w->queued = false;
		result = given_up == -EINTR ? -ERESTARTNOINTR : given_up;
	}
	mutex_unlock(&b->lock);
	return result;
}

s64 futex_wait_requeue_pi(const struct futex_pair *pair, u32 value, u64 deadline)
{
	struct thread *t = current();
	struct futex_waiter w = {.tid = t->tid,
				 .rt_priority = t->rt_priority,
				 .to_pi = true,
				 .bitset = FUTEX_BITSET_MATCH_ANY};
	s64 r;

	if (pair->from == pair->to)
		return -EINVAL;
	r = futex_key_of(&w.key, pair->from, pair->from_shared);
	if (!r)
		r = futex_key_of(&w.target, pair->to, pair->to_shared);
	if (!r && futex_same_key(&w.key, &w.target))
		r = -EINVAL;
	if (!r)
		r = futex_enqueue(&w, pair->from, value);
	if (r)
		return r;
	r = wait_to_be_moved(&w, deadline);
	if (r > 0)
		r = wait_to_own(&w, pair->to, deadline);
	/*
	 * The program does not know which word the thread waits for, so it has to look at its word
	 * again.
	 */
	return r == -EINTR ? -EAGAIN : r;
}

/*
 * Moves at most `most` waiters from one word to another. The first of them may own the other word,
 * *word_to, at once. Returns how many were moved, or -errno. task_lock and both buckets' locks are
 * held.
 */
static s64 move_waiters(struct futex_bucket *bf, struct futex_bucket *bt,
			const struct futex_key *from, const struct futex_key *to, u32 *word_to,
			s32 most)
{
	struct futex_waiter *w = TAILQ_FIRST(&bf->waiters), *next;
	bool first = true;
	s32 owner = 0;
	s64 moved = 0;

	for (; w && moved < most; w = next) {
		int r = 1;

		next = TAILQ_NEXT(w, link);
		if (!futex_same_key(&w->key, from))
			continue;
		if (!w->to_pi || w->pi || !futex_same_key(&w->target, to))
			return -EINVAL;
		if (first)
			r = take_word(bt, to, word_to, w->tid, most > 1, &owner);
		if (r < 0)
			return r;
		if (r == 0) {
			owner = w->tid;
			futex_take_out(bf, w);
		} else {
			w->pi = true;
			w->owner = owner;
			futex_move(bf, bt, w, to);
			__atomic_add_fetch(&pi_waiters, 1, __ATOMIC_RELAXED);
		}
		first = false;
		moved++;
	}
	return moved;
}

s64 futex_cmp_requeue_pi(const struct futex_pair *pair, s32 wake, s32 requeue, u32 expected)
{
	struct user_segs *segs, *segs_to;
	struct futex_bucket *bf, *bt;
	struct futex_key from, to;
	u32 *word, *word_to;
	s64 r;

	if (wake != 1 || requeue < 0 || pair->from == pair->to)
		return -EINVAL;
	r = futex_key_of(&from, pair->from, pair->from_shared);
	if (!r)
		r = futex_key_of(&to, pair->to, pair->to_shared);
	if (!r && futex_same_key(&from, &to))
		r = -EINVAL;
	if (r)
		return r;
	word = futex_pin(pair->from, &segs);
	if (!word)
		return -EFAULT;
	word_to = futex_pin(pair->to, &segs_to);
	if (!word_to) {
		user_segs_put(segs);
		return -EFAULT;
	}
	bf = futex_bucket_of(&from);
	bt = futex_bucket_of(&to);
	mutex_lock(&task_lock);
	futex_lock_two(bf, bt);
	r = __atomic_load_n(word, __ATOMIC_RELAXED) != expected
		    ? -EAGAIN
		    : move_waiters(bf, bt, &from, &to, word_to, MIN(requeue, INT32_MAX - 1) + 1);
	futex_unlock_two(bf, bt);
	mutex_unlock(&task_lock);
	user_segs_put(segs_to);
	user_segs_put(segs);
	return r;
}

/* -- Dead owners ------------------------------------------------------------------------------- */

static void orphan_all(struct futex_bucket *b, void *tid)
{
	struct futex_waiter *w;

	TAILQ_FOREACH (w, &b->waiters, link)
		if (w->pi && w->owner == *(const s32 *)tid)
			orphan_first(b, &w->key);
}

void futex_pi_exit(struct thread *t)
{
	s32 tid = t->tid;

	mutex_lock(&task_lock);
	t->owns_nothing = true;
	mutex_unlock(&task_lock);
	if (__atomic_load_n(&pi_waiters, __ATOMIC_SEQ_CST))
		futex_each_bucket(orphan_all, &tid);
}
