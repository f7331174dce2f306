// SPDX-License-Identifier: MIT
/*
 * See seccomp_notify.h. A question lies on the stack of the thread that asks, which sleeps on
 * question.word until the question is answered, and does itself what the supervisor asks of it:
 * taking a descriptor. So does the request for that on the supervisor's stack.
 */
#include "kernel/task/seccomp_notify.h"
#include <asm/ioctl.h>
#include <bsd/sys/queue.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/resource.h>
#include "kernel/define_syscall.h"
#include "kernel/fs/file.h"
#include "kernel/fs/file_ops.h"
#include "kernel/fs/result.h"
#include "kernel/fs/waitq.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/park.h"
#include "kernel/signal/signal.h"
#include "kernel/task/process.h"
#include "kernel/time/clock.h"

/* Not in linux/seccomp.h of Linux 6.1. */
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS	   SECCOMP_IOW(4, __u64)
#endif
/* As headers before Linux 5.17 have it, with the wrong direction. */
#define ID_VALID_OLD SECCOMP_IOR(2, __u64)

/* A descriptor that the asking thread is to take. */
struct handover {
	TAILQ_ENTRY(handover) link;
	struct ofile *file; /* a reference; NULL once the descriptor has it */
	s32 fd;		    /* the descriptor to take; -1: any */
	bool cloexec;
	bool answers; /* SECCOMP_ADDFD_FLAG_SEND: the descriptor is the answer */
	s64 result;
	u32 done; /* the word that the supervisor sleeps on */
};

enum state { UNREAD, READ, ANSWERED };

struct question {
	TAILQ_ENTRY(question) link;
	u64 id;
	enum state state;
	s32 tid;
	const struct seccomp_data *data;
	struct seccomp_notif_resp answer;
	TAILQ_HEAD(, handover) handovers;
	u32 word; /* changes with each piece of news */
};

struct seccomp_notify {
	u32 users;	   /* the filter and the open file; atomic */
	struct mutex lock; /* guards all below, and the questions */
	bool filter_gone, listener_gone;
	u64 next_id;
	TAILQ_HEAD(, question) questions; /* the oldest first */
	struct waitq waiters; /* POLLIN: unread questions; POLLOUT: unanswered ones; POLLHUP */
};

struct listener {
	struct ofile file;
	struct seccomp_notify *notify;
};

static struct seccomp_notify *notify_of(struct ofile *f)
{
	_Static_assert(offsetof(struct listener, file) == 0, "the cast is right");
	return ((struct listener *)f)->notify;
}

static void notify_put(struct seccomp_notify *n)
{
	if (__atomic_sub_fetch(&n->users, 1, __ATOMIC_ACQ_REL) == 0)
		kfree(n);
}

/* Tells the thread that asks, or the supervisor. n->lock is held. */
static void ring(u32 *word)
{
	(*word)++;
	unpark(word, 1);
}

/* -- The thread that asks ---------------------------------------------------------------------- */

/* Returns true if the thread must not sleep on. */
static bool is_interrupted(bool killable)
{
	signal_upcall();
	return killable ? signal_deadly_pending() : signal_pending();
}

/* Makes the descriptor. Returns it or -errno. */
static s64 take_descriptor(struct handover *h)
{
	struct process *p = current_process();
	struct ofile *old = NULL;
	s64 fd = h->fd;

	if (fd < 0)
		fd = fd_install(h->file, 0, h->cloexec);
	else if ((u64)fd >= p->rlimit[RLIMIT_NOFILE].cur)
		fd = -EBADF;
	else
		fd = fdtable_replace(p->files, h->fd, h->file, h->cloexec, &old);
	file_close(p->files, old);
	if (fd < 0)
		return fd;
	h->file = NULL;
	return h->fd < 0 ? fd : h->fd;
}

/* Takes the descriptors that wait. Releases n->lock, which is held, meanwhile. */
UNCHECKED_LOCKING static void take_descriptors(struct seccomp_notify *n, struct question *q)
{
	struct handover *h;

	ASSERT_HELD(&n->lock);
	while ((h = TAILQ_FIRST(&q->handovers))) {
		/* The supervisor stays until .done, as h is not in its list any more. */
		TAILQ_REMOVE(&q->handovers, h, link);
		mutex_unlock(&n->lock);
		h->result = take_descriptor(h);
		mutex_lock(&n->lock);
		if (h->answers && h->result >= 0 && q->state == READ) {
			q->state = ANSWERED;
			q->answer = (struct seccomp_notif_resp){.val = h->result};
		}
		ring(&h->done);
	}
}

/* Sleeps until the question is answered. Returns 0 or -ERESTARTSYS. n->lock is held. */
UNCHECKED_LOCKING static int wait_for_answer(struct seccomp_notify *n, struct question *q,
					     bool killable)
{
	ASSERT_HELD(&n->lock);
	while (q->state != ANSWERED) {
		bool deaf = killable && q->state == READ;
		u32 seen = q->word;

		mutex_unlock(&n->lock);
		if (is_interrupted(deaf)) {
			mutex_lock(&n->lock);
			/* Between the two it may have become deaf, or been answered. */
			if (q->state != ANSWERED && deaf == (killable && q->state == READ))
				return -ERESTARTSYS;
			continue;
		}
		WRITE_ONCE(current()->seccomp.deaf, deaf);
		park(&q->word, seen, PARK_FOREVER);
		WRITE_ONCE(current()->seccomp.deaf, false);
		mutex_lock(&n->lock);
		take_descriptors(n, q);
	}
	return 0;
}

enum seccomp_answer seccomp_notify_ask(struct seccomp_notify *n, const struct seccomp_data *data,
				       bool killable, s64 *result)
{
	struct question q = {.tid = current()->tid, .data = data};
	struct wakeups w = {0};
	struct handover *h;
	int err;

	*result = -ENOSYS;
	if (!n)
		return SECCOMP_ANSWERED;
	TAILQ_INIT(&q.handovers);
	mutex_lock(&n->lock);
	if (n->listener_gone) {
		mutex_unlock(&n->lock);
		return SECCOMP_ANSWERED;
	}
	q.id = n->next_id++;
	TAILQ_INSERT_TAIL(&n->questions, &q, link);
	waitq_wake(&n->waiters, POLLIN, false, &w);
	mutex_unlock(&n->lock);
	wakeups_send(&w);

	mutex_lock(&n->lock);
	err = wait_for_answer(n, &q, killable);
	TAILQ_REMOVE(&n->questions, &q, link);
	while ((h = TAILQ_FIRST(&q.handovers))) {
		TAILQ_REMOVE(&q.handovers, h, link);
		h->result = -ESRCH;
		ring(&h->done);
	}
	mutex_unlock(&n->lock);
	if (err)
		return SECCOMP_INTERRUPTED;
	if (q.answer.flags & SECCOMP_USER_NOTIF_FLAG_CONTINUE)
		return SECCOMP_CONTINUE;
	*result = q.answer.error ? q.answer.error : q.answer.val;
	return SECCOMP_ANSWERED;
}

void seccomp_notify_end(struct seccomp_notify *n)
{
	struct wakeups w = {0};

	if (!n)
		return;
	mutex_lock(&n->lock);
	n->filter_gone = true;
	waitq_wake(&n->waiters, POLLIN | POLLHUP, true, &w);
	mutex_unlock(&n->lock);
	wakeups_send(&w);
	notify_put(n);
}

/* -- The supervisor ---------------------------------------------------------------------------- */

static struct question *find(struct seccomp_notify *n, u64 id)
{
	struct question *q;

	ASSERT_HELD(&n->lock);
	TAILQ_FOREACH (q, &n->questions, link)
		if (q->id == id)
			return q;
	return NULL;
}

static struct question *first_unread(struct seccomp_notify *n)
{
	struct question *q;

	ASSERT_HELD(&n->lock);
	TAILQ_FOREACH (q, &n->questions, link)
		if (q->state == UNREAD)
			return q;
	return NULL;
}

/*
 * Sleeps until a question is unread. Returns it, or NULL with *err: -ENOENT if no thread has the
 * filter any more, or -ERESTARTSYS. n->lock is held.
 */
UNCHECKED_LOCKING static struct question *wait_for_question(struct seccomp_notify *n, s64 *err)
{
	struct question *q;

	ASSERT_HELD(&n->lock);
	*err = 0;
	while (!(q = first_unread(n)) && !n->filter_gone && *err >= 0) {
		struct sleeper s = SLEEPER_INIT;
		struct wait_entry entry = {
			.sleeper = &s, .events = POLLIN | POLLHUP, .exclusive = true};

		waitq_add(&n->waiters, &entry);
		mutex_unlock(&n->lock);
		*err = sleeper_sleep(&s, SLEEP_FOREVER) < 0 ? -ERESTARTSYS : 0;
		mutex_lock(&n->lock);
		waitq_remove(&n->waiters, &entry);
	}
	if (!q && *err >= 0)
		*err = -ENOENT;
	return q;
}

static bool is_zero(const void *p, u64 len)
{
	const char *c = p;

	while (len && !c[len - 1])
		len--;
	return !len;
}

/* SECCOMP_IOCTL_NOTIF_RECV */
static s64 read_question(struct seccomp_notify *n, uva to)
{
	struct wakeups w = {0};
	struct seccomp_notif notif;
	struct question *q;
	s64 err;

	if (get_user(&notif, to))
		return -EFAULT;
	if (!is_zero(&notif, sizeof(notif)))
		return -EINVAL;
	mutex_lock(&n->lock);
	q = wait_for_question(n, &err);
	if (q) {
		q->state = READ;
		notif.id = q->id;
		notif.pid = (u32)q->tid;
		notif.data = *q->data;
		ring(&q->word); /* it may be deaf to signals from now on */
		waitq_wake(&n->waiters, POLLOUT, false, &w);
	}
	mutex_unlock(&n->lock);
	wakeups_send(&w);
	if (!q)
		return err;
	if (put_user(notif, to) == 0)
		return 0;
	w = (struct wakeups){0};
	mutex_lock(&n->lock);
	q = find(n, notif.id);
	if (q && q->state == READ) {
		q->state = UNREAD;
		waitq_wake(&n->waiters, POLLIN, false, &w);
	}
	mutex_unlock(&n->lock);
	wakeups_send(&w);
	return -EFAULT;
}

/* Returns the question that was read and is not answered, or NULL with *err. n->lock is held. */
static struct question *find_read(struct seccomp_notify *n, u64 id, s64 *err)
{
	struct question *q = find(n, id);

	ASSERT_HELD(&n->lock);
	*err = q ? -EINPROGRESS : -ENOENT;
	return q && q->state == READ ? q : NULL;
}

/* SECCOMP_IOCTL_NOTIF_SEND */
static s64 write_answer(struct seccomp_notify *n, uva from)
{
	struct seccomp_notif_resp answer;
	struct question *q;
	s64 err;

	if (get_user(&answer, from))
		return -EFAULT;
	if (answer.flags & ~(u32)SECCOMP_USER_NOTIF_FLAG_CONTINUE)
		return -EINVAL;
	if (answer.flags && (answer.error || answer.val))
		return -EINVAL;
	mutex_lock(&n->lock);
	q = find_read(n, answer.id, &err);
	if (q) {
		q->state = ANSWERED;
		q->answer = answer;
		ring(&q->word);
	}
	mutex_unlock(&n->lock);
	return q ? 0 : err;
}

/* SECCOMP_IOCTL_NOTIF_ID_VALID */
static s64 is_asked(struct seccomp_notify *n, uva from)
{
	struct question *q;
	u64 id;
	s64 err;

	if (get_user(&id, from))
		return -EFAULT;
	mutex_lock(&n->lock);
	q = find_read(n, id, &err);
	mutex_unlock(&n->lock);
	return q ? 0 : -ENOENT;
}

/*
 * Sleeps until the asking thread has taken h or its question is over. Returns the descriptor, or
 * -errno. n->lock is held.
 */
UNCHECKED_LOCKING static s64 wait_for_handover(struct seccomp_notify *n, u64 id, struct handover *h)
{
	struct question *q;
	struct handover *other = NULL;

	ASSERT_HELD(&n->lock);
	while (!h->done) {
		bool interrupted;

		mutex_unlock(&n->lock);
		interrupted = is_interrupted(false);
		if (!interrupted)
			park(&h->done, 0, PARK_FOREVER);
		mutex_lock(&n->lock);
		q = interrupted && !h->done ? find(n, id) : NULL;
		if (!q)
			continue;
		TAILQ_FOREACH (other, &q->handovers, link)
			if (other == h)
				break;
		if (other) { /* nobody has begun with it */
			TAILQ_REMOVE(&q->handovers, h, link);
			return -ERESTARTSYS;
		}
		/* The asking thread is about to finish. */
		mutex_unlock(&n->lock);
		park_steady(&h->done, 0);
		mutex_lock(&n->lock);
	}
	return h->result;
}

/* SECCOMP_IOCTL_NOTIF_ADDFD. size: of the program's structure. */
static s64 add_descriptor(struct seccomp_notify *n, uva from, u64 size)
{
	struct seccomp_notif_addfd add;
	struct handover h = {0};
	struct question *q;
	s64 ret;
	int err;

	if (size < sizeof(add) || size >= PAGE_SIZE)
		return -EINVAL;
	err = copy_struct_from_user(&add, sizeof(add), from, size);
	if (err)
		return err;
	if ((add.newfd_flags & ~(u32)O_CLOEXEC) ||
	    (add.flags & ~(u32)(SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND)) ||
	    (add.newfd && !(add.flags & SECCOMP_ADDFD_FLAG_SETFD)))
		return -EINVAL;
	h.file = fd_get((s32)add.srcfd);
	if (!h.file)
		return -EBADF;
	h.fd = add.flags & SECCOMP_ADDFD_FLAG_SETFD ? (s32)add.newfd : -1;
	h.cloexec = add.newfd_flags & O_CLOEXEC;
	h.answers = add.flags & SECCOMP_ADDFD_FLAG_SEND;
	h.result = -ESRCH;
	mutex_lock(&n->lock);
	q = find_read(n, add.id, &ret);
	if (q && h.answers && !TAILQ_EMPTY(&q->handovers)) {
		q = NULL;
		ret = -EBUSY;
	}
	if (q) {
		TAILQ_INSERT_TAIL(&q->handovers, &h, link);
		ring(&q->word);
		ret = wait_for_handover(n, add.id, &h);
	}
	mutex_unlock(&n->lock);
	ofile_put(h.file);
	return ret;
}

static s64 listener_ioctl(struct ofile *f, u32 nr, u64 arg)
{
	struct seccomp_notify *n = notify_of(f);

	switch (nr) {
	case SECCOMP_IOCTL_NOTIF_RECV:
		return read_question(n, arg);
	case SECCOMP_IOCTL_NOTIF_SEND:
		return write_answer(n, arg);
	case SECCOMP_IOCTL_NOTIF_ID_VALID:
	case ID_VALID_OLD:
		return is_asked(n, arg);
	case SECCOMP_IOCTL_NOTIF_SET_FLAGS:
		/* Who wakes on which CPU makes no difference here. */
		return arg & ~SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP ? -EINVAL : 0;
	default:
		break;
	}
	/* This structure may grow: any size; the direction does not count. */
	if (_IOC_TYPE(nr) == SECCOMP_IOC_MAGIC && _IOC_NR(nr) == _IOC_NR(SECCOMP_IOCTL_NOTIF_ADDFD))
		return add_descriptor(n, arg, _IOC_SIZE(nr));
	return -EINVAL;
}

static s64 listener_poll(struct ofile *f, struct wait_entry *entry)
{
	struct seccomp_notify *n = notify_of(f);
	struct question *q;
	s64 events = 0;

	mutex_lock(&n->lock);
	TAILQ_FOREACH (q, &n->questions, link)
		events |= q->state == UNREAD ? POLLIN | POLLRDNORM
			  : q->state == READ ? POLLOUT | POLLWRNORM
					     : 0;
	if (n->filter_gone)
		events |= POLLHUP;
	if (entry)
		waitq_add(&n->waiters, entry);
	mutex_unlock(&n->lock);
	return events;
}

static void listener_unpoll(struct ofile *f, struct wait_entry *entry)
{
	struct seccomp_notify *n = notify_of(f);

	mutex_lock(&n->lock);
	waitq_remove(&n->waiters, entry);
	mutex_unlock(&n->lock);
}

static s64 listener_name(struct ofile *f, char *buf, u64 size)
{
	(void)f;
	return strlcpy(buf, "anon_inode:seccomp notify", size);
}

/* A listener gets a handle only to go into a message, in which the host has to know it. */
static s64 listener_to_host(struct ofile *f)
{
	struct seccomp_notify *n = notify_of(f);
	s64 handle = 0;

	mutex_lock(&n->lock);
	if (f->handle < 0) {
		handle = hc_eventfd2(0, 0);
		if (handle >= 0)
			__atomic_store_n(&f->handle, (s32)handle, __ATOMIC_RELEASE);
	}
	mutex_unlock(&n->lock);
	return fs_nointr(MIN(handle, 0L));
}

/* The listener is closed: nobody will answer. */
static void listener_release(struct ofile *f)
{
	struct seccomp_notify *n = notify_of(f);
	struct question *q;

	mutex_lock(&n->lock);
	n->listener_gone = true;
	TAILQ_FOREACH (q, &n->questions, link) {
		if (q->state == ANSWERED)
			continue;
		q->state = ANSWERED;
		q->answer = (struct seccomp_notif_resp){.error = -ENOSYS};
		ring(&q->word);
	}
	mutex_unlock(&n->lock);
	notify_put(n);
}

static const struct file_ops listener_ops = {
	.size = sizeof(struct listener),
	.poll = listener_poll,
	.unpoll = listener_unpoll,
	.to_host = listener_to_host,
	.ioctl = listener_ioctl,
	.name = listener_name,
	.release = listener_release,
};

struct ofile *seccomp_listener_new(struct seccomp_notify **out)
{
	struct seccomp_notify *n = kzalloc(sizeof(*n));
	struct ofile *f = n ? ofile_new(&listener_ops, -1, O_RDWR) : NULL;

	if (!f) {
		kfree(n);
		return NULL;
	}
	n->users = 2;
	mutex_init(&n->lock, LOCK_SECCOMP);
	n->next_id = clock_monotonic_ns();
	TAILQ_INIT(&n->questions);
	waitq_init(&n->waiters);
	((struct listener *)f)->notify = *out = n;
	return f;
}
