// SPDX-License-Identifier: MIT
/*
 * Sending and receiving through the unix sockets that the guest kernel keeps. The order of checks
 * is Linux's (net/unix/af_unix.c), because programs see it: which error a call returns when there
 * are two, and what a call has done when it fails.
 *
 * A sender copies its bytes into a message before it takes the lock. A receiver of a stream pins
 * its buffer before it takes the lock, because concurrent receivers share the bytes of one message.
 * A receiver of messages takes the message as a whole, or a reference when it peeks, and copies
 * without the lock.
 */
#include <linux/fs.h>
#include <linux/poll.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/socket.h"
#include "kernel/fs/unix.h"

/* -- Waiting ------------------------------------------------------------------------------------
 */

/* Returns the deadline of a call: 0 if it must not wait. */
static u64 deadline_of(const struct ofile *f, u64 limit_ns, u32 flags, u32 rwf)
{
	if (flags & MSG_DONTWAIT || f->flags & O_NONBLOCK || rwf & RWF_NOWAIT)
		return 0;
	return limit_ns == FS_FOREVER ? FS_FOREVER : fs_deadline(limit_ns);
}

/*
 * Waits until one of these events may have happened. Releases pair.lock, which the caller holds,
 * during the wait. Returns 0, or what the call fails with: -EAGAIN after the deadline, -ERESTARTSYS
 * or -EINTR after a signal.
 */
UNCHECKED_LOCKING static s64 wait_for(struct unix_end *e, u32 events, u64 deadline)
{
	struct sleeper s = SLEEPER_INIT;
	struct wait_entry entry = {.sleeper = &s, .events = events, .exclusive = true};
	s64 r;

	ASSERT_HELD(&e->pair->lock);
	if (!deadline)
		return -EAGAIN;
	waitq_add(&e->waiters, &entry);
	mutex_unlock(&e->pair->lock);
	r = sleeper_sleep(&s, deadline == FS_FOREVER ? SLEEP_FOREVER : deadline);
	mutex_lock(&e->pair->lock);
	waitq_remove(&e->waiters, &entry);
	/* No other thread was woken instead, so a wake-up counts even if a signal came, too. */
	if (r == 0 || s.woken)
		return 0;
	if (r == -ETIMEDOUT)
		return -EAGAIN;
	return deadline == FS_FOREVER ? -ERESTARTSYS : -EINTR;
}

static s64 take_error(struct unix_end *e)
{
	s64 r = -e->error;

	ASSERT_HELD(&e->pair->lock);
	e->error = 0;
	return r;
}

/* -- Sending ------------------------------------------------------------------------------------
 */

/*
 * Waits until the end may send, and counts charge against it. Returns 0 or -errno. The caller sends
 * a message with this charge, or calls unreserve.
 */
static s64 reserve(struct unix_end *e, u32 charge, u64 deadline)
{
	s64 r = 0;

	mutex_lock(&e->pair->lock);
	for (;;) {
		if (e->pair->on_host)
			r = ON_HOST;
		else if (e->error)
			r = take_error(e);
		else if (e->shutdown & UNIX_NO_SEND)
			r = -EPIPE;
		else if (e->charge >= e->sndbuf)
			r = wait_for(e, UNIX_WRITABLE, deadline);
		else
			break;
		if (r < 0)
			break;
	}
	if (r == 0)
		e->charge += charge;
	mutex_unlock(&e->pair->lock);
	return r;
}

static void unreserve(struct unix_end *e, u32 charge)
{
	struct wakeups w = {0};

	mutex_lock(&e->pair->lock);
	unix_uncharge(e, charge, &w);
	mutex_unlock(&e->pair->lock);
	wakeups_send(&w);
}

/* A datagram socket finds its peer closed: what the peer sent is lost. Returns the error. */
static s64 peer_is_closed(struct unix_end *e, struct unix_queue *lost)
{
	ASSERT_HELD(&e->pair->lock);
	TAILQ_CONCAT(lost, &e->queue, link);
	e->unread = 0;
	e->connected = false;
	return -ECONNREFUSED;
}

/* Returns 0 if the other end takes a message, or -errno. */
static s64 may_arrive(struct unix_end *e, struct unix_queue *lost)
{
	const struct unix_end *to = unix_other(e);

	ASSERT_HELD(&e->pair->lock);
	if (e->pair->on_host)
		return ON_HOST;
	if (!to->open && e->pair->type == SOCK_DGRAM)
		return e->connected ? peer_is_closed(e, lost) : -ENOTCONN;
	return !to->open || to->shutdown & UNIX_NO_RECEIVE ? -EPIPE : 0;
}

/* Fills in the sender of m, if one of the two ends wants to know it. */
static void sign(struct unix_message *m, struct unix_end *e, const struct unix_scm *scm)
{
	const struct unix_end *to = unix_other(e);
	const struct creds *c = current_creds();
	/* Who will accept the connection may want it, too. */
	const bool wanted = e->pass_cred || to->pass_cred || e->pass_pidfd || to->pass_pidfd ||
			    LIST_EMPTY(&to->files);

	m->has_cred = scm->has_cred;
	m->cred = scm->cred;
	if (!m->has_cred && wanted) {
		m->has_cred = true;
		m->cred = (struct unix_cred){current_process()->pid, c->ruid, c->rgid};
	}
}

/*
 * Puts m into the other end's queue. Takes m unless it returns an error. If m has files, the
 * caller holds unix_inflight_lock.
 */
static s64 put_message(struct unix_end *e, struct unix_message *m, const struct unix_scm *scm,
		       struct unix_queue *lost)
{
	struct unix_end *to = unix_other(e);
	struct wakeups w = {0};
	s64 r;

	mutex_lock(&e->pair->lock);
	r = may_arrive(e, lost);
	if (r == 0 && m->files)
		r = unix_inflight_add(m->files);
	if (r == 0) {
		sign(m, e, scm);
		TAILQ_INSERT_TAIL(&to->queue, m, link);
		to->unread += m->len;
		waitq_wake(&to->waiters, UNIX_READABLE, false, &w);
	}
	mutex_unlock(&e->pair->lock);
	wakeups_send(&w);
	return r;
}

/* Sends the message, with the files of scm. Takes m in any case, and the files if it succeeds. */
UNCHECKED_LOCKING static s64 post(struct unix_end *e, struct unix_message *m, struct unix_scm *scm)
{
	struct unix_queue lost = TAILQ_HEAD_INITIALIZER(lost);
	const bool files = scm->files != NULL;
	const u32 charge = m->charge;
	s64 r;

	m->files = scm->files;
	if (files)
		mutex_lock(&unix_inflight_lock);
	r = put_message(e, m, scm, &lost);
	if (files)
		mutex_unlock(&unix_inflight_lock);
	unix_queue_put(&lost);
	if (r == 0) {
		scm->files = NULL;
		return 0;
	}
	m->files = NULL;
	unix_message_put(m);
	unreserve(e, charge);
	return r;
}

/* Sends the next len bytes as one message. Returns len, or -errno with rq as it was. */
static s64 send_one(struct unix_end *e, struct io_request *rq, u64 len, u64 before,
		    struct unix_scm *scm, u64 deadline)
{
	const u32 charge = unix_charge(len, !unix_has_messages(e->pair));
	const struct io_request whole = *rq;
	struct unix_message *m;
	s64 r = reserve(e, charge, deadline);
	int err;

	if (r < 0)
		return r;
	m = unix_message_new(rq, len, before, &err);
	if (m) {
		m->charge = charge;
		r = post(e, m, scm);
	} else {
		unreserve(e, charge);
		r = err;
	}
	if (r < 0)
		*rq = whole;
	return r < 0 ? r : (s64)len;
}

static s64 send_message(struct unix_end *e, struct io_request *rq, struct unix_scm *scm,
			u64 deadline)
{
	s64 r = 0;

	mutex_lock(&e->pair->lock);
	if (e->pair->on_host)
		r = ON_HOST;
	else
		unix_know_sizes(e);
	if (!r && !e->connected)
		r = -ENOTCONN;
	else if (!r && rq->left > e->sndbuf - 32)
		r = -EMSGSIZE;
	mutex_unlock(&e->pair->lock);
	return r < 0 ? r : send_one(e, rq, rq->left, 0, scm, deadline);
}

/* Returns how many bytes of a stream go into one message, or -errno. */
static s64 stream_part(struct unix_end *e, u64 left)
{
	s64 r;

	mutex_lock(&e->pair->lock);
	unix_know_sizes(e);
	r = (s64)MIN(left, MIN((u64)UNIX_STREAM_PART_MAX, (u64)(e->sndbuf / 2 - 64)));
	if (e->pair->on_host)
		r = ON_HOST;
	else if (!e->connected)
		r = -ENOTCONN;
	else if (e->shutdown & UNIX_NO_SEND)
		r = -EPIPE;
	mutex_unlock(&e->pair->lock);
	return r;
}

/* Sends to a stream. Sends the rest through the host if the pair moves meanwhile. */
static s64 send_stream(struct ofile *f, struct io_request *rq, struct unix_scm *scm, u32 flags,
		       u64 deadline)
{
	struct unix_end *e = unix_file_of(f)->end;
	s64 total = 0, r;

	do {
		r = stream_part(e, rq->left);
		if (r > 0) {
			user_segs_continue((u64)total);
			r = send_one(e, rq, (u64)r, (u64)total, scm, deadline);
		}
		if (r > 0)
			total += r;
	} while (r > 0 && rq->left);
	if (r == ON_HOST && total && deadline) {
		r = io_transfer(f, rq); /* which sends SIGPIPE itself */
		return r > 0 ? total + r : total;
	}
	if (r == -EPIPE && !total && !(flags & MSG_NOSIGNAL))
		fs_signal(SIGPIPE);
	return total ? total : r;
}

s64 unix_send(struct ofile *f, struct io_request *rq, struct unix_scm *scm, u32 flags)
{
	struct unix_end *e = unix_file_of(f)->end;
	const u64 deadline = deadline_of(f, READ_ONCE(e->send_ns), flags, rq->flags);
	s64 r;

	if (scm->files && scm->files->sockets)
		unix_collect_if_many();
	if (unix_has_messages(e->pair))
		r = send_message(e, rq, scm, deadline);
	else
		r = send_stream(f, rq, scm, flags, deadline);
	/* An empty write to a stream sends no message. */
	if (r >= 0 && scm->files) {
		unix_files_put(scm->files);
		scm->files = NULL;
	}
	return r;
}

s64 unix_write(struct ofile *f, struct io_request *rq)
{
	struct unix_scm none = {0};
	s64 r;

	if (rq->offset != IO_AT_POS)
		return -ESPIPE;
	if (rq->flags & ~(u32)IO_FLAGS_KNOWN) {
		r = unix_to_host(f);
		return r < 0 ? r : io_transfer(f, rq);
	}
	r = unix_send(f, rq, &none, 0);
	if (r != ON_HOST)
		return r;
	unix_note_sender(f, NULL);
	return io_transfer(f, rq);
}

/* -- Receiving ----------------------------------------------------------------------------------
 */

/* Returns a copy of the list with references of its own; NULL: no memory. */
static struct unix_files *list_dup(const struct unix_files *files)
{
	struct unix_files *copy = kmalloc(sizeof(*copy) + files->count * sizeof(*copy->file));

	if (!copy)
		return NULL;
	copy->count = files->count;
	copy->sockets = files->sockets;
	copy->counted = false;
	for (u32 i = 0; i < files->count; i++)
		copy->file[i] = ofile_get(files->file[i]);
	return copy;
}

/* Fills in scm from m; a message that stays (peek) keeps its files. Returns 0 or -ENOMEM. */
static s64 receive_scm(struct unix_message *m, struct unix_scm *scm, bool peek)
{
	scm->has_cred = m->has_cred;
	scm->cred = m->cred;
	if (!m->files)
		return 0;
	if (peek) {
		scm->files = list_dup(m->files);
		return scm->files ? 0 : -ENOMEM;
	}
	unix_inflight_remove(m->files);
	scm->files = m->files;
	m->files = NULL;
	return 0;
}

/* Takes m, which is the first, out of the queue. The queue's reference becomes the caller's. */
static void take_message(struct unix_end *e, struct unix_message *m, struct wakeups *w)
{
	ASSERT_HELD(&e->pair->lock);
	TAILQ_REMOVE(&e->queue, m, link);
	unix_uncharge(unix_other(e), m->charge, w);
	if (!TAILQ_EMPTY(&e->queue))
		waitq_wake_next(&e->waiters, UNIX_READABLE, w);
}

/*
 * Takes the lock for a receiver, and before it unix_inflight_lock if there are messages with files,
 * which a receiver may take only with both. Returns true if it has taken both.
 */
UNCHECKED_LOCKING static bool receive_lock(struct unix_end *e)
{
	bool both = unix_inflight_any();

	if (both)
		mutex_lock(&unix_inflight_lock);
	mutex_lock(&e->pair->lock);
	/* Such a message may have come meanwhile, but none comes with the lock held. */
	if (!both && unix_inflight_any()) {
		mutex_unlock(&e->pair->lock);
		mutex_lock(&unix_inflight_lock);
		mutex_lock(&e->pair->lock);
		both = true;
	}
	return both;
}

UNCHECKED_LOCKING static void receive_unlock(struct unix_end *e, bool both)
{
	mutex_unlock(&e->pair->lock);
	if (both)
		mutex_unlock(&unix_inflight_lock);
}

/*
 * Waits until there is something to receive. Returns the bytes in the queue, or 1 if these are
 * empty messages; 0 at the end of the connection; or -errno.
 */
static s64 await(struct unix_end *e, u64 deadline)
{
	const bool messages = unix_has_messages(e->pair);
	s64 r = 0;

	mutex_lock(&e->pair->lock);
	while (r == 0) {
		const bool any = !TAILQ_EMPTY(&e->queue);

		if (e->pair->on_host)
			r = ON_HOST;
		else if (!e->connected && e->pair->type != SOCK_DGRAM)
			r = messages ? -ENOTCONN : -EINVAL;
		else if (e->error && (messages || !any))
			r = take_error(e);
		else if (any)
			r = MAX((s64)e->unread, 1L);
		else if (e->shutdown & UNIX_NO_RECEIVE)
			break;
		else
			r = wait_for(e, UNIX_READABLE, deadline);
	}
	if (r == 0 && !deadline && e->pair->type == SOCK_DGRAM)
		r = -EAGAIN;
	mutex_unlock(&e->pair->lock);
	return r;
}

/* -- Messages -- */

/*
 * Returns the first message with a reference for the caller, and fills in scm. NULL: *err is why,
 * -EAGAIN if another thread was faster.
 */
static struct unix_message *first_message(struct unix_end *e, struct unix_scm *scm, bool peek,
					  s64 *err)
{
	const bool both = receive_lock(e);
	struct unix_message *m = TAILQ_FIRST(&e->queue);
	struct wakeups w = {0};

	*err = m ? receive_scm(m, scm, peek) : -EAGAIN;
	if (*err) {
		m = NULL;
	} else if (peek) {
		__atomic_add_fetch(&m->refs, 1, __ATOMIC_RELAXED);
	} else {
		e->unread -= m->len;
		take_message(e, m, &w);
	}
	receive_unlock(e, both);
	wakeups_send(&w);
	return m;
}

static s64 receive_message(struct unix_end *e, struct io_request *rq, struct unix_scm *scm,
			   u32 *flags, u64 deadline)
{
	const u32 asked = *flags;
	struct unix_message *m = NULL;
	s64 r = 0;

	while (!m) {
		r = await(e, deadline);
		if (r <= 0)
			break;
		m = first_message(e, scm, asked & MSG_PEEK, &r);
		if (!m && r != -EAGAIN) /* that is: another thread was faster */
			break;
	}
	*flags = 0;
	if (!m)
		return r;
	if (rq->left < m->len)
		*flags |= MSG_TRUNC;
	r = asked & MSG_TRUNC ? (s64)m->len : (s64)MIN(rq->left, (u64)m->len);
	if (unix_message_copy_out(m, rq, MIN(rq->left, (u64)m->len)) < 0)
		r = -EFAULT;
	unix_message_put(m);
	return r;
}

/* -- Streams -- */

/* How far a receive from a stream is. */
struct stream_read {
	struct unix_scm *scm;
	bool peek;
	u64 skip;	/* bytes at the queue's head that a peek has copied */
	bool signed_by; /* scm has the sender of the bytes so far */
	bool stop;	/* the bytes that follow are for the next call */
	const struct user_segs *to;
	struct segs_cursor at;
	u64 space;   /* bytes of to that are left */
	bool faulty; /* the program's buffer ends behind to */
};

/* Bytes of different senders are not mixed if the receiver asks who the sender is. */
static bool same_sender(const struct unix_message *m, const struct unix_scm *scm)
{
	return m->has_cred == scm->has_cred && m->cred.pid == scm->cred.pid &&
	       m->cred.uid == scm->cred.uid && m->cred.gid == scm->cred.gid;
}

/* Copies n bytes of m to the pinned buffer. Returns 0 or -EFAULT. */
static int copy_part(struct stream_read *s, const struct unix_message *m, u64 n)
{
	u32 at = m->read + (u32)s->skip;
	u64 part;
	int err = 0;

	for (u64 done = 0; !err && done < n; done += part, at += (u32)part) {
		const char *from = unix_message_bytes(m, at, n - done, &part);

		err = segs_write(&s->at, from, part);
	}
	return err;
}

/* Ends the receive of n bytes of m, which is the first in the queue unless this is a peek. */
static s64 consume(struct unix_end *e, struct unix_message *m, struct stream_read *s, u64 n,
		   struct wakeups *w)
{
	const bool files = m->files != NULL;
	s64 err = 0;

	ASSERT_HELD(&e->pair->lock);
	if (!s->signed_by || files)
		err = receive_scm(m, s->scm, s->peek);
	if (err)
		return err;
	s->signed_by = true;
	s->stop |= files;
	if (s->peek)
		return 0;
	m->read += (u32)n;
	e->unread -= n;
	if (m->read == m->len) {
		take_message(e, m, w);
		unix_message_put(m);
	}
	return 0;
}

/*
 * Receives at most want bytes of the queue into the pinned buffer. The caller holds the locks.
 * Returns bytes, -EAGAIN if there are none, or another -errno.
 */
static s64 drain_queue(struct unix_end *e, struct stream_read *s, u64 want, struct wakeups *w)
{
	struct unix_message *m = TAILQ_FIRST(&e->queue), *next;
	u64 skip = s->skip, done = 0;
	s64 err = -EAGAIN;

	for (; m && !s->stop; m = next) {
		u64 n = m->len - m->read;

		next = TAILQ_NEXT(m, link);
		if (skip >= n) {
			skip -= n;
			continue;
		}
		if (s->signed_by && (e->pass_cred || e->pass_pidfd) && !same_sender(m, s->scm)) {
			s->stop = true;
			break;
		}
		n = MIN(n - skip, want - done);
		if (n > s->space && s->faulty) {
			err = -EFAULT;
			s->stop = true;
			break;
		}
		n = MIN(n, s->space);
		s->skip = skip;
		err = copy_part(s, m, n);
		if (!err)
			err = consume(e, m, s, n, w);
		if (err) {
			s->stop = true;
			break;
		}
		skip = 0;
		s->space -= n;
		done += n;
		if (done == want || !s->space)
			break;
	}
	return done ? (s64)done : err;
}

/* As drain_queue, with the locks; total: how many bytes this call has received before. */
static s64 drain(struct unix_end *e, struct stream_read *s, u64 want, u64 total)
{
	const bool both = receive_lock(e);
	struct wakeups w = {0};
	s64 r;

	s->skip = s->peek ? total : 0;
	r = e->pair->on_host ? ON_HOST : drain_queue(e, s, want, &w);
	receive_unlock(e, both);
	wakeups_send(&w);
	return r;
}

/* Pins the part of the buffer for the next avail bytes, and receives as many of them. */
static s64 receive_part(struct unix_end *e, struct io_request *rq, struct stream_read *s, u64 avail,
			u64 total)
{
	const u64 want = MIN(rq->left, avail);
	struct user_segs *segs = user_segs_new();
	s64 r = 0;

	if (!segs)
		return -ENOMEM;
	user_segs_continue(total);
	if (want)
		r = io_pin(rq, want, segs);
	if (r >= 0) {
		s->at = (struct segs_cursor){.segs = segs};
		s->space = segs->bytes;
		s->faulty = segs->bytes < want && segs->segs.count < HOSTCALL_SEGS_MAX;
		r = drain(e, s, want, total);
	}
	user_segs_put(segs);
	if (r > 0)
		io_advance(rq, (u64)r);
	return r;
}

/* Returns the bytes of the queue that a receive with total bytes so far can still get. */
static s64 more(struct unix_end *e, const struct stream_read *s, u64 total)
{
	s64 r;

	mutex_lock(&e->pair->lock);
	r = (s64)e->unread - (s64)(s->peek ? total : 0);
	mutex_unlock(&e->pair->lock);
	return MAX(r, 0L);
}

static s64 receive_stream(struct unix_end *e, struct io_request *rq, struct unix_scm *scm,
			  u32 *flags, u64 deadline)
{
	struct stream_read s = {.scm = scm, .peek = *flags & MSG_PEEK};
	u64 target = *flags & MSG_WAITALL ? rq->left : MIN(rq->left, (u64)READ_ONCE(e->rcvlowat));
	s64 total = 0, r;

	*flags = 0;
	target = MAX(target, 1UL);
	do {
		/* A peek does not wait for more than the first bytes. */
		if ((u64)total >= target || (s.peek && total))
			r = more(e, &s, (u64)total);
		else
			r = await(e, deadline);
		if (r <= 0)
			break;
		r = receive_part(e, rq, &s, (u64)r, (u64)total);
		if (r == -EAGAIN && (u64)total < target && !s.peek)
			continue; /* another thread was faster */
		if (r < 0)
			break;
		total += r;
	} while (rq->left && !s.stop);
	return total ? total : r;
}

s64 unix_receive(struct ofile *f, struct io_request *rq, struct unix_scm *scm, u32 *flags)
{
	struct unix_end *e = unix_file_of(f)->end;
	const u64 deadline = deadline_of(f, READ_ONCE(e->receive_ns), *flags, rq->flags);
	s64 r;

	*scm = (struct unix_scm){0};
	if (unix_has_messages(e->pair))
		r = receive_message(e, rq, scm, flags, deadline);
	else
		r = receive_stream(e, rq, scm, flags, deadline);
	if (r < 0) {
		unix_files_put(scm->files);
		scm->files = NULL;
	}
	return r;
}

/* A read takes no files along: they are closed. */
s64 unix_read(struct ofile *f, struct io_request *rq)
{
	struct unix_scm scm;
	u32 flags = 0;
	s64 r;

	if (rq->offset != IO_AT_POS)
		return -ESPIPE;
	if (!rq->left)
		return 0;
	if (rq->flags & ~(u32)IO_FLAGS_KNOWN) {
		r = unix_to_host(f);
		return r < 0 ? r : io_transfer(f, rq);
	}
	r = unix_receive(f, rq, &scm, &flags);
	if (r == ON_HOST)
		return io_transfer(f, rq);
	if (r >= 0)
		unix_files_put(scm.files);
	return r;
}
