// SPDX-License-Identifier: MIT
/*
 * Asynchronous I/O: io_setup(2) to io_getevents(2). io_submit performs each request at once, which
 * the interface allows, and which Linux does, too, for everything but direct I/O. Only
 * IOCB_CMD_POLL waits: the threads in io_getevents poll its file.
 *
 * A context is the backing of a mapping, as on Linux: its number is the mapping's address. So it
 * moves with mremap(2), ends with munmap(2) or with the address space, and a child of fork(2) does
 * not have it. The mapping's page is empty. Libraries that know Linux's ring look for its magic
 * number there, and make the system call if it is missing.
 */
#include <linux/aio_abi.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/time_types.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/io.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/mm.h"

#define EVENTS_LIMIT 65536 /* most events of a context: the default of fs.aio-max-nr */
#define KEY	     0	   /* the value that io_submit writes to aio_key */

/* A request that waits (polled), or that is done and whose event was not fetched yet. */
struct aio_request {
	TAILQ_ENTRY(aio_request) link; /* of context.done or .polled */
	struct io_event event;
	struct ofile *poll; /* IOCB_CMD_POLL: the file, a reference; else NULL */
	struct ofile *tell; /* IOCB_FLAG_RESFD: the eventfd, a reference; else NULL */
	u16 poll_events;
};

TAILQ_HEAD(aio_requests, aio_request);

struct aio_context {
	struct vm_backing backing;
	u32 refs; /* atomic: mappings, and calls under way */
	u32 limit;
	s32 wake; /* host handle of an eventfd that wakes the threads that sleep for events */

	struct mutex lock; /* guards all below */
	bool dead;	   /* io_destroy(2) was called */
	u32 count;	   /* requests in both lists, and those that io_submit performs now */
	u32 waiting;	   /* threads that sleep on .wake */
	struct aio_requests done, polled;
};

static struct aio_context *context_of(struct vm_backing *b)
{
	_Static_assert(offsetof(struct aio_context, backing) == 0, "the cast is right");
	return (struct aio_context *)b;
}

static void request_free(struct aio_request *rq)
{
	ofile_put(rq->poll);
	ofile_put(rq->tell);
	kfree(rq);
}

static void free_all(struct aio_requests *list)
{
	struct aio_request *rq;

	while ((rq = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, rq, link);
		request_free(rq);
	}
}

static void context_get(struct vm_backing *b)
{
	__atomic_add_fetch(&context_of(b)->refs, 1, __ATOMIC_RELAXED);
}

static void context_put(struct vm_backing *b)
{
	struct aio_context *c = context_of(b);

	if (__atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL))
		return;
	free_all(&c->done);
	free_all(&c->polled);
	hc_close(c->wake);
	kfree(c);
}

static void context_name(const struct vma *v, char *buf, u32 size)
{
	(void)v;
	strlcpy(buf, "/[aio] (deleted)", size);
}

static const struct vm_backing_ops context_ops = {
	.traits = VM_SEPARATE | VM_SPECIAL,
	.get = context_get,
	.put = context_put,
	.name = context_name,
};

/* Returns a reference to the running process's context with this number; NULL: EINVAL. */
static struct aio_context *find(u64 id)
{
	struct mm *mm = current_mm();
	struct aio_context *c = NULL;
	struct vma *v;

	mutex_lock(&mm->lock);
	v = vma_find(mm, id);
	if (v && v->start == id && v->backing && v->backing->ops == &context_ops) {
		c = context_of(v->backing);
		context_get(v->backing);
	}
	mutex_unlock(&mm->lock);
	return c;
}

static void put(struct aio_context *c)
{
	context_put(&c->backing);
}

/* -- Contexts ------------------------------------------------------------------------------ */

static struct aio_context *context_new(u32 limit, s64 *err)
{
	s64 wake = fs_nointr(hc_eventfd2(0, O_NONBLOCK));
	struct aio_context *c;

	*err = wake;
	if (wake < 0)
		return NULL;
	c = kzalloc(sizeof(*c));
	*err = -ENOMEM;
	if (!c) {
		hc_close((s32)wake);
		return NULL;
	}
	c->backing.ops = &context_ops;
	c->refs = 1;
	c->limit = limit;
	c->wake = (s32)wake;
	mutex_init(&c->lock, LOCK_AIO);
	TAILQ_INIT(&c->done);
	TAILQ_INIT(&c->polled);
	return c;
}

/* Marks the context's mapping, so that a child of fork(2) does not get it. */
static void keep_from_children(u64 id)
{
	struct mm *mm = current_mm();
	struct vma *v;

	mutex_lock(&mm->lock);
	v = vma_find(mm, id);
	if (v && v->start == id && v->backing && v->backing->ops == &context_ops)
		v->flags |= VMA_DONTFORK;
	mutex_unlock(&mm->lock);
}

DEFINE_SYSCALL2(io_setup, u32, events, uva, user_id)
{
	struct aio_context *c;
	u64 id;
	s64 r;

	if (get_user(&id, user_id))
		return -EFAULT;
	if (id || events == 0)
		return -EINVAL;
	if (events > EVENTS_LIMIT)
		return events > 0x10000000U / sizeof(struct io_event) ? -EINVAL : -EAGAIN;
	c = context_new(events, &r);
	if (!c)
		return r;
	r = mm_map_backing(current_mm(), 0, PAGE_SIZE, PROT_READ | PROT_WRITE, &c->backing);
	put(c); /* the mapping has a reference */
	if (r < 0)
		return r;
	keep_from_children((u64)r);
	if (put_user((u64)r, user_id)) {
		mm_unmap(current_mm(), (u64)r, PAGE_SIZE);
		return -EFAULT;
	}
	return 0;
}

/* Wakes the threads that sleep for events of c. */
static void wake_sleepers(struct aio_context *c)
{
	static u64 one = 1;
	struct hostcall_seg seg[2];
	struct segs segs;

	ASSERT_HELD(&c->lock);
	if (c->waiting && kernel_segs(seg, 2, &one, sizeof(one), &segs) >= 0)
		hc_writev(c->wake, &segs);
}

DEFINE_SYSCALL1(io_destroy, u64, id)
{
	struct aio_context *c = find(id);
	bool was_dead;

	if (!c)
		return -EINVAL;
	mutex_lock(&c->lock);
	was_dead = c->dead;
	c->dead = true;
	wake_sleepers(c);
	mutex_unlock(&c->lock);
	if (!was_dead)
		mm_unmap(current_mm(), id, PAGE_SIZE);
	put(c);
	return was_dead ? -EINVAL : 0;
}

/* -- Requests ------------------------------------------------------------------------------ */

/* Makes rq, which is done, an event, and writes to its eventfd. */
static void complete(struct aio_context *c, struct aio_request *rq, s64 result)
{
	static u64 one = 1;
	struct hostcall_seg seg[2];
	struct segs segs;

	ASSERT_HELD(&c->lock);
	/* No request is restarted after a signal. */
	if (result <= -ERESTARTSYS)
		result = -EINTR;
	rq->event.res = result;
	TAILQ_INSERT_TAIL(&c->done, rq, link);
	if (rq->tell && rq->tell->handle >= 0 && kernel_segs(seg, 2, &one, sizeof(one), &segs) >= 0)
		hc_writev(rq->tell->handle, &segs);
	wake_sleepers(c);
}

/*
 * Finds the program's buffers of a read or write: *count iovecs at *iov. *iov is one, or the caller
 * frees it, also after an error. Returns 0 or -errno.
 */
static s64 buffers(const struct iocb *cb, struct iovec *one, struct iovec **iov, u32 *count)
{
	bool vector =
		cb->aio_lio_opcode == IOCB_CMD_PREADV || cb->aio_lio_opcode == IOCB_CMD_PWRITEV;

	*iov = one;
	*count = 1;
	*one = (struct iovec){(void *)cb->aio_buf, cb->aio_nbytes};
	if (!vector)
		return 0;
	if (cb->aio_nbytes > UIO_MAXIOV)
		return -EINVAL;
	*count = (u32)cb->aio_nbytes;
	*iov = kmalloc(MAX(*count, 1U) * sizeof(**iov));
	if (!*iov)
		return -ENOMEM;
	if (copy_from_user(*iov, cb->aio_buf, *count * sizeof(**iov)))
		return -EFAULT;
	for (u32 i = 0; i < *count; i++)
		if ((s64)(*iov)[i].iov_len < 0)
			return -EINVAL;
	return 0;
}

/* Returns true if only a kick ended the call: the caller then repeats it. */
static bool only_kicked(s64 result)
{
	if (result != -EINTR && result > -ERESTARTSYS)
		return false;
	signal_upcall();
	return !signal_pending();
}

static s64 transfer(struct ofile *f, const struct iocb *cb, enum io_direction dir, s64 *result)
{
	u32 type = ofile_type(f), need = dir == IO_READ ? O_RDONLY : O_WRONLY;
	bool has_place = type == S_IFREG || type == S_IFBLK;
	struct io_request rq = {.dir = dir, .flags = (u32)cb->aio_rw_flags};
	struct iovec one, *iov = &one;
	s64 r;

	if ((f->flags & O_ACCMODE) != need && (f->flags & O_ACCMODE) != O_RDWR)
		return -EBADF;
	if (type == S_IFDIR || (has_place && cb->aio_offset < 0))
		return -EINVAL;
	r = buffers(cb, &one, &iov, &rq.count);
	for (u32 i = 0; r == 0 && i < rq.count; i++)
		rq.left = MIN(rq.left + iov[i].iov_len, 0x7ffff000UL);
	if (r == 0) {
		rq.iov = iov;
		rq.offset = has_place ? cb->aio_offset : IO_AT_POS;
		do {
			struct io_request whole = rq;

			*result = dir == IO_READ ? ofile_read(f, &whole) : ofile_write(f, &whole);
		} while (only_kicked(*result));
		/* Unknown flags are an error of io_submit, as on Linux, and not of the event. */
		r = *result == -EOPNOTSUPP ? *result : 0;
	}
	if (iov != &one)
		kfree(iov);
	return r;
}

/*
 * Performs a request. Returns 0 with the result of the event in *result, 1 if rq waits (poll), or
 * -errno if the request is invalid.
 */
static s64 perform(struct aio_request *rq, struct ofile *f, const struct iocb *cb, s64 *result)
{
	bool only_buf = !cb->aio_offset && !cb->aio_nbytes && !cb->aio_rw_flags;

	switch (cb->aio_lio_opcode) {
	case IOCB_CMD_PREAD:
	case IOCB_CMD_PREADV:
		return transfer(f, cb, IO_READ, result);
	case IOCB_CMD_PWRITE:
	case IOCB_CMD_PWRITEV:
		return transfer(f, cb, IO_WRITE, result);
	case IOCB_CMD_FSYNC:
	case IOCB_CMD_FDSYNC:
		if (!only_buf || cb->aio_buf || f->handle < 0)
			return -EINVAL;
		do
			*result = cb->aio_lio_opcode == IOCB_CMD_FSYNC ? hc_fsync(f->handle)
								       : hc_fdatasync(f->handle);
		while (only_kicked(*result));
		return *result == -EINVAL ? -EINVAL : 0;
	case IOCB_CMD_POLL:
		if (!only_buf || cb->aio_buf > UINT16_MAX)
			return -EINVAL;
		/* This moves the file to the host now, and not in collect with the lock held. */
		if (ofile_poll_handle(f) < 0)
			return -EINVAL;
		rq->poll_events = (u16)cb->aio_buf;
		rq->poll = ofile_get(f);
		return 1;
	default:
		return -EINVAL;
	}
}

/* Finds the file of IOCB_FLAG_RESFD, which has to be an eventfd: its name says so. */
static s64 eventfd_of(s32 fd, struct ofile **f)
{
	char name[32] = "";
	s64 len;

	*f = fd_get(fd);
	if (!*f)
		return -EBADF;
	len = ofile_name(*f, name, sizeof(name) - 1);
	if (len > 0 && len < (s64)sizeof(name) && !strncmp(name, "anon_inode:[eventfd]", 20) &&
	    ofile_handle(*f) >= 0)
		return 0;
	ofile_put(*f);
	*f = NULL;
	return -EINVAL;
}

/* Counts another request of c. Returns false, for EAGAIN, if c has as many as io_setup allowed. */
static bool begin(struct aio_context *c)
{
	bool room;

	mutex_lock(&c->lock);
	room = c->count < c->limit;
	c->count += room;
	mutex_unlock(&c->lock);
	return room;
}

static void end(struct aio_context *c, struct aio_request *rq, s64 r, s64 result)
{
	mutex_lock(&c->lock);
	if (r < 0) {
		c->count--;
	} else if (r == 0) {
		complete(c, rq, result);
	} else {
		TAILQ_INSERT_TAIL(&c->polled, rq, link);
		wake_sleepers(c);
	}
	mutex_unlock(&c->lock);
}

static s64 submit(struct aio_context *c, uva user_cb)
{
	struct aio_request *rq;
	struct ofile *f = NULL;
	struct iocb cb;
	s64 r = 0, result = 0;

	if (get_user(&cb, user_cb))
		return -EFAULT;
	if (cb.aio_reserved2 || (s64)cb.aio_nbytes < 0)
		return -EINVAL;
	if (!begin(c))
		return -EAGAIN;
	rq = kzalloc(sizeof(*rq));
	if (!rq) {
		r = -EAGAIN;
		goto out;
	}
	rq->event = (struct io_event){.data = cb.aio_data, .obj = user_cb};
	f = fd_get((s32)cb.aio_fildes);
	if (!f)
		r = -EBADF;
	else if (cb.aio_flags & IOCB_FLAG_RESFD)
		r = eventfd_of((s32)cb.aio_resfd, &rq->tell);
	if (!r && put_user((u32)KEY, user_cb + offsetof(struct iocb, aio_key)))
		r = -EFAULT;
	if (!r)
		r = perform(rq, f, &cb, &result);
out:
	ofile_put(f);
	end(c, rq, r, result);
	if (r < 0 && rq)
		request_free(rq);
	return MIN(r, 0L);
}

DEFINE_SYSCALL3(io_submit, u64, id, s64, count, uva, user_cbs)
{
	struct aio_context *c;
	s64 done = 0, r = 0;

	if (count < 0)
		return -EINVAL;
	c = find(id);
	if (!c)
		return -EINVAL;
	for (; done < MIN(count, (s64)c->limit) && !r; done += !r) {
		uva cb;

		r = get_user(&cb, user_cbs + (u64)done * sizeof(cb)) ? -EFAULT : submit(c, cb);
	}
	put(c);
	return done ? done : r;
}

/* Cancels a request that waits. The request then ends with an event whose result is 0. */
DEFINE_SYSCALL3(io_cancel, u64, id, uva, user_cb, uva, result)
{
	struct aio_context *c;
	struct aio_request *rq;
	u32 key;

	(void)result; /* unused since Linux 3.11 */
	if (get_user(&key, user_cb + offsetof(struct iocb, aio_key)))
		return -EFAULT;
	if (key != KEY)
		return -EINVAL;
	c = find(id);
	if (!c)
		return -EINVAL;
	mutex_lock(&c->lock);
	TAILQ_FOREACH (rq, &c->polled, link)
		if (rq->event.obj == user_cb)
			break;
	if (rq) {
		TAILQ_REMOVE(&c->polled, rq, link);
		complete(c, rq, 0);
	}
	mutex_unlock(&c->lock);
	put(c);
	return rq ? -EINPROGRESS : -EINVAL;
}

/* -- Events -------------------------------------------------------------------------------- */

#define POLLS_MAX 64 /* most waiting requests in one hc_poll */

/* What a thread sleeps on: the context's eventfd, and the files of waiting requests. */
struct sleep {
	struct pollfd fds[1 + POLLS_MAX];
	struct aio_request *rq[POLLS_MAX]; /* for comparisons only: they may have been freed */
	u32 count;
};

/* Fills in s. c->lock is held. */
static void collect(struct aio_context *c, struct sleep *s)
{
	struct aio_request *rq;

	ASSERT_HELD(&c->lock);
	s->fds[0] = (struct pollfd){.fd = c->wake, .events = POLLIN};
	s->count = 0;
	TAILQ_FOREACH (rq, &c->polled, link) {
		s64 handle = ofile_poll_handle(rq->poll);

		if (s->count == POLLS_MAX)
			break;
		s->rq[s->count++] = rq;
		s->fds[s->count] =
			(struct pollfd){.fd = (s32)handle, .events = (short)rq->poll_events};
	}
}

/* Completes those requests of s that are still there and whose files are ready. */
static void take_results(struct aio_context *c, const struct sleep *s)
{
	struct aio_request *rq, *next;

	ASSERT_HELD(&c->lock);
	for (rq = TAILQ_FIRST(&c->polled); rq; rq = next) {
		next = TAILQ_NEXT(rq, link);
		for (u32 i = 0; i < s->count; i++) {
			if (s->rq[i] != rq || !s->fds[i + 1].revents)
				continue;
			TAILQ_REMOVE(&c->polled, rq, link);
			complete(c, rq, (u16)s->fds[i + 1].revents);
			break;
		}
	}
}

/* Sets the counter of the context's eventfd to 0. */
static void drain(struct aio_context *c)
{
	struct hostcall_seg seg[2];
	struct segs segs;
	u64 count;

	if (kernel_segs(seg, 2, &count, sizeof(count), &segs) >= 0)
		hc_readv(c->wake, &segs);
}

/*
 * Sleeps until the deadline, a signal, or a possible event. Releases c->lock, which the caller
 * holds, during the sleep. Returns as hc_poll, or -ENOMEM.
 */
UNCHECKED_LOCKING static s64 sleep_for_events(struct aio_context *c, u64 deadline)
{
	struct sleep *s = kmalloc(sizeof(*s));
	u32 size;
	s64 r;

	ASSERT_HELD(&c->lock);
	if (!s)
		return -ENOMEM;
	collect(c, s);
	size = (1 + s->count) * sizeof(s->fds[0]);
	c->waiting++;
	mutex_unlock(&c->lock);
	r = FS_WAIT(timeout, deadline, hc_poll(s->fds, size, timeout));
	mutex_lock(&c->lock);
	c->waiting--;
	if (r > 0) {
		if (s->fds[0].revents)
			drain(c);
		take_results(c, s);
	}
	kfree(s);
	return r;
}

/*
 * Moves at most most events to the program, and returns how many. Sets *bad if one cannot be
 * written. c->lock is held, but released for each write.
 */
UNCHECKED_LOCKING static s64 fetch(struct aio_context *c, uva to, s64 most, bool *bad)
{
	struct aio_request *rq;
	s64 n = 0;

	ASSERT_HELD(&c->lock);
	while (n < most && !*bad && (rq = TAILQ_FIRST(&c->done))) {
		TAILQ_REMOVE(&c->done, rq, link);
		mutex_unlock(&c->lock);
		*bad = put_user(rq->event, to + (u64)n * sizeof(rq->event)) != 0;
		if (!*bad)
			request_free(rq);
		mutex_lock(&c->lock);
		if (*bad) {
			TAILQ_INSERT_HEAD(&c->done, rq, link);
		} else {
			c->count--;
			n++;
		}
	}
	return n;
}

/* Polls the waiting requests, then waits for at least min events and moves at most max. */
static s64 get_events(struct aio_context *c, s64 min, s64 max, uva to, u64 deadline)
{
	bool bad = false;
	s64 n = 0, r = 0;

	mutex_lock(&c->lock);
	if (!TAILQ_EMPTY(&c->polled))
		r = sleep_for_events(c, 0);
	for (;;) {
		n += fetch(c, to + (u64)n * sizeof(struct io_event), max - n, &bad);
		if (n >= min || bad || r == -EINTR || c->dead)
			break;
		r = sleep_for_events(c, deadline);
		if (r == 0 || (r < 0 && r != -EINTR)) { /* the deadline */
			n += fetch(c, to + (u64)n * sizeof(struct io_event), max - n, &bad);
			break;
		}
	}
	if (n == 0 && c->dead)
		r = -EINVAL;
	if (!TAILQ_EMPTY(&c->done))
		wake_sleepers(c);
	mutex_unlock(&c->lock);
	return n ? n : bad ? -EFAULT : MIN(r, 0L);
}

static s64 get_events_of(u64 id, s64 min, s64 max, uva to, uva timeout)
{
	struct aio_context *c;
	u64 deadline;
	s64 r = fs_deadline_of_user(timeout, 1, &deadline);

	if (r)
		return r;
	c = find(id);
	if (!c)
		return -EINVAL;
	r = min > max || min < 0 ? -EINVAL : get_events(c, min, max, to, deadline);
	put(c);
	return r;
}

DEFINE_SYSCALL5(io_getevents, u64, id, s64, min, s64, max, uva, events, uva, timeout)
{
	return get_events_of(id, min, max, events, timeout);
}

DEFINE_SYSCALL6(io_pgetevents, u64, id, s64, min, s64, max, uva, events, uva, timeout, uva, user)
{
	struct {
		uva mask;
		u64 size;
	} sig = {0};
	int err;

	if (user && get_user(&sig, user))
		return -EFAULT;
	err = signal_block_meanwhile(sig.mask, sig.size);
	return err ? err : fs_unblock(get_events_of(id, min, max, events, timeout));
}
