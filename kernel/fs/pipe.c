// SPDX-License-Identifier: MIT
/*
 * Pipes. The guest kernel keeps a pipe's bytes and its sleepers, so that processes of the sandbox
 * communicate without the host.
 *
 * Only the host can send an end to another process in a message, splice it to a host file, or send
 * SIGIO for it. When a pipe needs one of these for the first time, it moves: the kernel makes a
 * pipe on the host, writes the bytes into it, and gives a handle to each open file of the pipe
 * (move). From then on the kernel passes all requests to the host, and the pipe never moves back.
 * The inode number stays the kernel's, also for an end that is sent away and comes back
 * (pipe_arrived). So programs notice only that the host keeps the times.
 *
 * A write copies the bytes into pages, and a read copies them out; an offer saves one of the
 * copies. No page fault happens with the lock held: a writer fills pages, and a reader pins its
 * buffer, before it takes the lock.
 */
#include <asm/ioctls.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/io.h"
#include "kernel/fs/movable.h"
#include "kernel/fs/pipe.h"
#include "kernel/fs/pipe_ring.h"
#include "kernel/fs/waitq.h"
#include "kernel/mm/frame.h"
#include "kernel/time/clock.h"

#define SLOTS_DEFAULT 16	/* pipe(7): 65,536 bytes */
#define SIZE_MAX_USER (1 << 20) /* most bytes for F_SETPIPE_SZ without CAP_SYS_RESOURCE */
#define SIZE_MAX_ROOT (1U << 31)
#define BATCH	      16		   /* pages that a writer fills at a time */
#define OFFER_MIN     (4 * (s64)PAGE_SIZE) /* pinning fewer bytes costs more than a copy */
#define OFFER_MAX     (1UL << 20)

#define READABLE      (POLLIN | POLLRDNORM)
#define WRITABLE      (POLLOUT | POLLWRNORM)

/* Flags of F_SETFL that the kernel keeps for a pipe: fcntl(2). O_ASYNC moves the pipe. */
#define SETTABLE      (MOVABLE_FLAGS | O_DIRECT)

#define ON_HOST	      (-EREMOTE) /* the pipe has moved: the host has the answer */

struct pipe {
	LIST_ENTRY(pipe) link; /* of moved, if on_host; pipes_lock */
	struct mutex lock;     /* guards all below */
	LIST_HEAD(, pipe_file) files;
	u32 readers, writers;	/* number of files that can read, write */
	bool on_host;		/* has moved, for good; ring and waiters are empty then */
	u64 host_dev, host_ino; /* of the host's pipe, if on_host */
	struct pipe_ring ring;
	TAILQ_HEAD(, offer) offers;
	struct waitq waiters; /* READABLE, WRITABLE, and POLLHUP, POLLERR when an end is gone */
	u64 ino;
	u32 uid, gid;
	u64 atime, mtime, ctime; /* CLOCK_REALTIME */
};

/*
 * A large write that waits while readers take the bytes from the writer's pinned buffer. A reader
 * that has emptied the ring copies offered bytes directly into its own buffer, and then fills the
 * ring with more of them. So the ring is full as long as an offer has bytes left, as if the writer
 * had woken each time, and no other write comes in between.
 */
struct offer {
	TAILQ_ENTRY(offer) link; /* of pipe->offers */
	struct segs_cursor at;	 /* position in the pinned buffer */
	u64 left;		 /* bytes of the buffer that were not taken yet */
	bool queued;		 /* is in pipe->offers */
	struct wait_entry entry;
};

struct pipe_file {
	struct ofile file;
	LIST_ENTRY(pipe_file) link; /* of pipe->files */
	struct pipe *pipe;
	s32 moved; /* during move: the handle that the file gets */
};

/*
 * Guards the list, and keeps pipe_arrived from finding a pipe that is being freed. Taken before
 * pipe.lock.
 */
static struct mutex pipes_lock = MUTEX_INIT(LOCK_PIPES);
static LIST_HEAD(, pipe) moved = LIST_HEAD_INITIALIZER(moved);

static const struct file_ops pipe_ops;

static struct pipe_file *file_of(struct ofile *f)
{
	_Static_assert(offsetof(struct pipe_file, file) == 0, "the cast is right");
	return (struct pipe_file *)f;
}

static struct pipe *pipe_of(struct ofile *f)
{
	return file_of(f)->pipe;
}

static bool reads(const struct ofile *f)
{
	return (f->flags & O_ACCMODE) != O_WRONLY;
}

static bool writes(const struct ofile *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY;
}

static char *page_new(void)
{
	u64 gpa = frame_alloc(0, FRAME_USER);

	return gpa ? phys_to_virt(gpa) : NULL;
}

static void page_free(const void *page)
{
	if (page)
		frame_put(virt_to_phys(page));
}

/* -- Beginning and end ---------------------------------------------------------------------- */

static struct pipe *pipe_new(void)
{
	const struct creds *c = current_creds();
	struct pipe *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	if (ring_init(&p->ring, SLOTS_DEFAULT)) {
		kfree(p);
		return NULL;
	}
	mutex_init(&p->lock, LOCK_PIPE);
	LIST_INIT(&p->files);
	waitq_init(&p->waiters);
	TAILQ_INIT(&p->offers);
	p->ino = ofile_new_inode();
	p->uid = c->fsuid;
	p->gid = c->fsgid;
	p->atime = p->mtime = p->ctime = clock_realtime_ns();
	return p;
}

static void pipe_free(struct pipe *p)
{
	for (u32 i = 0; i < ring_used(&p->ring); i++)
		page_free(ring_slot(&p->ring, i)->page);
	ring_destroy(&p->ring);
	kfree(p);
}

/*
 * Makes another open file of the pipe, which owns handle (-1: none). Returns NULL when there is no
 * memory; the caller then keeps handle.
 */
static struct ofile *file_new(struct pipe *p, u32 flags, s32 handle)
{
	struct ofile *f = ofile_new(&pipe_ops, handle, flags);

	ASSERT_HELD(&p->lock);
	if (!f)
		return NULL;
	f->mode = S_IFIFO;
	file_of(f)->pipe = p;
	LIST_INSERT_HEAD(&p->files, file_of(f), link);
	p->readers += reads(f);
	p->writers += writes(f);
	return f;
}

static void pipe_release(struct ofile *f)
{
	struct wakeups w = {0};
	struct pipe *p = pipe_of(f);
	bool last;

	mutex_lock(&pipes_lock);
	mutex_lock(&p->lock);
	LIST_REMOVE(file_of(f), link);
	p->readers -= reads(f);
	p->writers -= writes(f);
	if (!p->writers)
		waitq_wake(&p->waiters, READABLE | POLLHUP, true, &w);
	if (!p->readers)
		waitq_wake(&p->waiters, WRITABLE | POLLERR, true, &w);
	last = LIST_EMPTY(&p->files);
	if (last && p->on_host)
		LIST_REMOVE(p, link);
	mutex_unlock(&p->lock);
	mutex_unlock(&pipes_lock);
	wakeups_send(&w);
	if (last)
		pipe_free(p);
}

/* -- To the host ---------------------------------------------------------------------------- */

/*
 * Writes the ring's bytes into the host's pipe, packets as packets. Returns >= 0, or -errno, which
 * is -ENFILE if they do not fit.
 */
static s64 write_bytes(struct pipe *p, s32 handle)
{
	bool packet = false;
	s64 r = 0;

	ASSERT_HELD(&p->lock);
	/* The host may refuse the size because of its own limit. The bytes may fit all the same. */
	if (p->ring.size != SLOTS_DEFAULT)
		hc_fcntl(handle, F_SETPIPE_SZ, p->ring.size * PAGE_SIZE);
	for (u32 i = 0; r >= 0 && i < ring_used(&p->ring); i++) {
		const struct pipe_slot *s = ring_slot(&p->ring, i);
		struct hostcall_seg seg[2];
		struct segs segs;

		if (s->packet != packet) {
			packet = s->packet;
			hc_fcntl(handle, F_SETFL, O_NONBLOCK | (packet ? O_DIRECT : 0));
		}
		r = kernel_segs(seg, 2, s->page + s->offset, s->len, &segs);
		if (r >= 0)
			r = hc_writev(handle, &segs);
		if (r >= 0 && r != s->len)
			r = -ENFILE;
	}
	return r == -EAGAIN ? -ENFILE : r;
}

/*
 * Returns a handle of the host's pipe for f. The first file for each end takes that handle of
 * end[], which becomes -1. Other files were opened by name, so they reopen spare, a handle of the
 * pipe.
 */
static s64 take_end(const struct ofile *f, s32 end[2], s32 spare)
{
	const bool write = writes(f);
	s64 r = end[write];

	if ((f->flags & O_ACCMODE) != O_RDWR && end[write] >= 0)
		end[write] = -1;
	else
		r = hc_reopen(spare, f->flags & (O_ACCMODE | O_NONBLOCK));
	if (r >= 0) /* open(2) takes no O_DIRECT */
		hc_fcntl((s32)r, F_SETFL, f->flags & SETTABLE);
	return r;
}

static void set_moved(struct pipe *p, const struct stat *st, struct wakeups *w)
{
	struct pipe_file *file;
	struct pipe_slot *s;

	ASSERT_HELD(&p->lock);
	LIST_FOREACH (file, &p->files, link)
		__atomic_store_n(&file->file.handle, file->moved, __ATOMIC_RELEASE);
	while (!ring_empty(&p->ring)) {
		s = ring_slot(&p->ring, 0);
		page_free(ring_consume(&p->ring, s->len));
	}
	p->host_dev = st->st_dev;
	p->host_ino = st->st_ino;
	p->on_host = true;
	LIST_INSERT_HEAD(&moved, p, link);
	/* The sleeping threads go on in the host. */
	waitq_wake(&p->waiters, ~0U, true, w);
}

/* Moves the pipe to the host. Returns 0 or -errno; after an error nothing has changed. */
static s64 move(struct pipe *p, struct wakeups *w)
{
	struct pipe_file *file;
	struct stat st;
	s32 end[2], spare;
	s64 r = hc_pipe2(O_NONBLOCK, end, sizeof(end));

	ASSERT_HELD(&pipes_lock);
	ASSERT_HELD(&p->lock);
	if (r < 0)
		return r;
	LIST_FOREACH (file, &p->files, link)
		file->moved = -1;
	r = write_bytes(p, end[1]);
	if (r >= 0)
		r = hc_fstat(end[0], &st, sizeof(st));
	spare = r < 0 ? -1 : (s32)(r = hc_dup(end[0])); /* for take_end */
	LIST_FOREACH (file, &p->files, link) {
		if (r >= 0)
			r = take_end(&file->file, end, spare);
		if (r >= 0)
			file->moved = (s32)r;
	}
	if (r >= 0)
		set_moved(p, &st, w);
	else
		LIST_FOREACH (file, &p->files, link)
			if (file->moved >= 0)
				hc_close(file->moved);
	for (int i = 0; i < 2; i++)
		if (end[i] >= 0)
			hc_close(end[i]);
	if (spare >= 0)
		hc_close(spare);
	return MIN(r, 0L);
}

static s64 pipe_to_host(struct ofile *f)
{
	struct wakeups w = {0};
	struct pipe *p = pipe_of(f);
	s64 r = 0;

	mutex_lock(&pipes_lock);
	mutex_lock(&p->lock);
	if (!p->on_host)
		r = move(p, &w);
	mutex_unlock(&p->lock);
	mutex_unlock(&pipes_lock);
	wakeups_send(&w);
	return fs_nointr(r);
}

struct ofile *pipe_arrived(s32 handle)
{
	struct ofile *f = NULL;
	struct pipe *p;
	struct stat st;
	s64 flags;

	if (LIST_EMPTY(&moved))
		return NULL;
	flags = movable_arrives(handle, S_IFIFO, &st);
	if (flags < 0)
		return NULL;
	mutex_lock(&pipes_lock);
	LIST_FOREACH (p, &moved, link) {
		if (p->host_dev == st.st_dev && p->host_ino == st.st_ino) {
			mutex_lock(&p->lock);
			f = file_new(p, (u32)flags, handle);
			mutex_unlock(&p->lock);
			break;
		}
	}
	mutex_unlock(&pipes_lock);
	return f;
}

/* -- Reading -------------------------------------------------------------------------------- */

/*
 * Waits for one of these events. Releases p->lock, which the caller holds, during the wait. Returns
 * 0 or -ERESTARTSYS.
 */
UNCHECKED_LOCKING static s64 wait_for(struct pipe *p, u32 events)
{
	struct sleeper s = SLEEPER_INIT;
	struct wait_entry e = {.sleeper = &s, .events = events, .exclusive = true};
	s64 r;

	ASSERT_HELD(&p->lock);
	waitq_add(&p->waiters, &e);
	mutex_unlock(&p->lock);
	r = sleeper_sleep(&s, SLEEP_FOREVER);
	mutex_lock(&p->lock);
	waitq_remove(&p->waiters, &e);
	/* No other thread was woken instead, so a wake-up counts even if a signal came, too. */
	return r < 0 && !s.woken ? -ERESTARTSYS : 0;
}

/*
 * Returns how many bytes the pipe and its offers have; wait: waits for the first. Returns 0 if
 * there are no writers, or without wait no bytes. ON_HOST: the pipe has moved.
 */
static s64 available(struct ofile *f, const struct io_request *rq, bool wait)
{
	struct pipe *p = pipe_of(f);
	const struct offer *o;
	s64 r = 0;

	mutex_lock(&p->lock);
	while (r >= 0 && !p->on_host && ring_empty(&p->ring) && p->writers && wait)
		r = io_nonblocking(f, rq) ? -EAGAIN : wait_for(p, READABLE);
	if (p->on_host)
		r = ON_HOST;
	else if (r >= 0 || p->ring.bytes)
		r = (s64)p->ring.bytes;
	if (r > 0)
		TAILQ_FOREACH (o, &p->offers, link)
			r += (s64)o->left;
	mutex_unlock(&p->lock);
	return r;
}

/* Removes an offer and wakes its writer: all bytes were taken, or the writer has to go on. */
static void offer_ends(struct pipe *p, struct offer *o, struct wakeups *w)
{
	ASSERT_HELD(&p->lock);
	TAILQ_REMOVE(&p->offers, o, link);
	o->queued = false;
	waitq_wake_one(&p->waiters, &o->entry, w);
}

/*
 * Copies up to max bytes of the offers into a reader's buffer. Returns bytes, or -EFAULT if the
 * first cannot be copied.
 */
static s64 take_offered(struct pipe *p, struct segs_cursor *to, u64 max, struct wakeups *w)
{
	struct offer *o;
	u64 done = 0, n;
	int err = 0;

	ASSERT_HELD(&p->lock);
	while (done < max && !err && (o = TAILQ_FIRST(&p->offers))) {
		struct segs_cursor before = o->at;
		const void *from = segs_next(&o->at, MIN(max - done, o->left), &n);

		err = segs_write(to, from, n);
		if (err) {
			o->at = before;
			break;
		}
		done += n;
		o->left -= n;
		if (!o->left)
			offer_ends(p, o, w);
	}
	return done ? (s64)done : err;
}

/* Fills the ring with bytes of the offers. */
static void refill(struct pipe *p, struct wakeups *w)
{
	struct offer *o;

	ASSERT_HELD(&p->lock);
	while (!ring_full(&p->ring) && (o = TAILQ_FIRST(&p->offers))) {
		const u32 len = (u32)MIN(o->left, PAGE_SIZE);
		char *page = page_new();
		u64 n;

		if (!page) { /* the writer allocates pages itself, and handles their lack */
			offer_ends(p, o, w);
			break;
		}
		for (u32 done = 0; done < len; done += (u32)n) {
			const void *from = segs_next(&o->at, len - done, &n);

			memcpy(page + done, from, n);
		}
		ring_append(&p->ring, page, len, false);
		o->left -= len;
		if (!o->left)
			offer_ends(p, o, w);
	}
}

/*
 * Moves bytes of the pipe into the pinned buffer. Returns bytes, or -EFAULT if the first page of
 * the buffer has gone. Sets *packet if it has read a packet.
 */
static s64 drain(struct pipe *p, struct user_segs *to, bool *packet)
{
	struct wakeups w = {0};
	struct segs_cursor at = {.segs = to};
	bool was_full;
	u64 done = 0;
	int err = 0;

	mutex_lock(&p->lock);
	was_full = ring_full(&p->ring);
	while (done < to->bytes && !ring_empty(&p->ring) && !*packet) {
		const struct pipe_slot *s = ring_slot(&p->ring, 0);
		const u32 n = (u32)MIN(to->bytes - done, (u64)s->len);

		err = segs_write(&at, s->page + s->offset, n);
		if (err)
			break;
		*packet = s->packet;
		page_free(ring_consume(&p->ring, n));
		done += n;
	}
	if (!err && !*packet && done < to->bytes && !TAILQ_EMPTY(&p->offers)) {
		s64 more = take_offered(p, &at, to->bytes - done, &w);

		done += (u64)MAX(more, 0L);
		err = MIN((int)more, 0);
	}
	refill(p, &w);
	if (done) {
		p->atime = clock_realtime_ns();
		if (was_full && !ring_full(&p->ring))
			waitq_wake(&p->waiters, WRITABLE, false, &w);
	}
	if (!ring_empty(&p->ring))
		waitq_wake_next(&p->waiters, READABLE, &w);
	mutex_unlock(&p->lock);
	wakeups_send(&w);
	return done ? (s64)done : err;
}

/* Reads what the pipe has, at most max bytes. As drain. */
static s64 read_some(struct pipe *p, struct io_request *rq, u64 max, bool *packet)
{
	struct user_segs *segs = user_segs_new();
	s64 r;

	if (!segs)
		return -ENOMEM;
	r = io_pin(rq, max, segs);
	if (r > 0)
		r = drain(p, segs, packet);
	user_segs_put(segs);
	return r;
}

static s64 pipe_read(struct ofile *f, struct io_request *rq)
{
	struct pipe *p = pipe_of(f);
	bool packet = false;
	s64 total = 0, r = 0;

	if (rq->offset != IO_AT_POS)
		return -ESPIPE;
	if (!reads(f))
		return -EBADF;
	if (rq->flags & ~(u32)IO_FLAGS_KNOWN)
		r = pipe_to_host(f);
	while (r >= 0 && rq->left && !packet) {
		r = available(f, rq, !total);
		if (r <= 0)
			break;
		user_segs_continue((u64)total);
		r = read_some(p, rq, (u64)r, &packet);
		if (r > 0) {
			io_advance(rq, (u64)r);
			total += r;
		}
	}
	if (r == ON_HOST && !total)
		return io_transfer(f, rq);
	return total ? total : r;
}

/* -- Writing -------------------------------------------------------------------------------- */

/* Pages that a writer has filled. */
struct batch {
	u32 count;
	bool merge; /* the bytes of the first page may be added to the newest slot */
	struct {
		char *page;
		u32 len;
	} chunk[BATCH];
};

/*
 * Waits until a page can be written, and returns how many can. If tail bytes (> 0) fit into the
 * newest slot's page, sets *merge and counts that as one more page. Linux tries that only once in a
 * write, so later calls have tail 0.
 */
static s64 pipe_space(struct ofile *f, const struct io_request *rq, u32 tail, bool *merge)
{
	struct pipe *p = pipe_of(f);
	s64 r = 0;

	mutex_lock(&p->lock);
	*merge = tail && !p->on_host && ring_can_merge(&p->ring, tail);
	while (r >= 0 && !p->on_host && p->readers && ring_full(&p->ring) && !*merge)
		r = io_nonblocking(f, rq) ? -EAGAIN : wait_for(p, WRITABLE);
	if (p->on_host)
		r = ON_HOST;
	else if (!p->readers)
		r = -EPIPE;
	else if (r >= 0)
		r = p->ring.size - ring_used(&p->ring) + *merge;
	mutex_unlock(&p->lock);
	return r;
}

/*
 * Fills pages with the first bytes of rq, without changing rq. A page is filled as a whole or not
 * at all, as on Linux. Returns 0, or -errno if no page was filled.
 */
static int batch_fill(struct batch *b, const struct io_request *rq, u32 pages, u32 tail)
{
	struct io_request at = *rq;
	u64 before = 0;
	int err = 0;

	b->count = 0;
	while (at.left && b->count < MIN(pages, (u32)BATCH)) {
		u32 len = b->merge && !b->count ? tail : (u32)MIN(at.left, PAGE_SIZE);
		char *page = page_new();

		err = page ? io_copy_in(&at, page, len, before) : -ENOMEM;
		if (err) {
			page_free(page);
			break;
		}
		b->chunk[b->count].page = page;
		b->chunk[b->count++].len = len;
		before += len;
	}
	return b->count ? 0 : err;
}

/* Puts as many pages into the pipe as it has space for, and frees the others. Returns bytes. */
static s64 batch_commit(struct ofile *f, struct batch *b)
{
	struct wakeups w = {0};
	struct pipe *p = pipe_of(f);
	u32 i = 0;
	s64 done = 0;

	mutex_lock(&p->lock);
	for (; i < b->count && !p->on_host && p->readers; i++) {
		const u32 len = b->chunk[i].len;
		char *behind = b->merge && !i ? ring_merge(&p->ring, len) : NULL;

		if (behind)
			memcpy(behind, b->chunk[i].page, len);
		else if (ring_full(&p->ring))
			break;
		else
			ring_append(&p->ring, b->chunk[i].page, len, f->flags & O_DIRECT);
		if (!behind)
			b->chunk[i].page = NULL; /* the ring's */
		done += len;
	}
	if (done) {
		p->mtime = p->ctime = clock_realtime_ns();
		waitq_wake(&p->waiters, READABLE, false, &w);
		if (!ring_full(&p->ring))
			waitq_wake_next(&p->waiters, WRITABLE, &w);
	}
	mutex_unlock(&p->lock);
	wakeups_send(&w);
	for (i = 0; i < b->count; i++)
		page_free(b->chunk[i].page);
	return done;
}

/*
 * Offers the pinned bytes to the readers if the pipe is full, and sleeps until they are taken or
 * the writer has to look at the pipe. Returns the bytes taken, or -ERESTARTSYS.
 */
UNCHECKED_LOCKING static s64 offer_to_readers(struct pipe *p, struct user_segs *segs)
{
	struct sleeper s = SLEEPER_INIT;
	struct offer o = {.at.segs = segs,
			  .left = segs->bytes,
			  .entry = {.sleeper = &s, .events = WRITABLE, .exclusive = true}};
	s64 r = 0;

	mutex_lock(&p->lock);
	if (!p->on_host && p->readers && ring_full(&p->ring)) {
		TAILQ_INSERT_TAIL(&p->offers, &o, link);
		o.queued = true;
		waitq_add(&p->waiters, &o.entry);
		mutex_unlock(&p->lock);
		r = sleeper_sleep(&s, SLEEP_FOREVER);
		mutex_lock(&p->lock);
		waitq_remove(&p->waiters, &o.entry);
		if (o.queued)
			TAILQ_REMOVE(&p->offers, &o, link);
	}
	mutex_unlock(&p->lock);
	if (o.left < segs->bytes)
		return (s64)(segs->bytes - o.left);
	return r < 0 && !s.woken ? -ERESTARTSYS : 0;
}

static bool looks_full(struct pipe *p)
{
	bool full;

	mutex_lock(&p->lock);
	full = ring_full(&p->ring);
	mutex_unlock(&p->lock);
	return full;
}

/* Returns the bytes written by an offer, 0 if the caller has to fill pages, or -ERESTARTSYS. */
static s64 write_by_offer(struct ofile *f, const struct io_request *rq)
{
	struct user_segs *segs;
	s64 r = 0;

	if (rq->left < (u64)OFFER_MIN || f->flags & O_DIRECT || io_nonblocking(f, rq) ||
	    !looks_full(pipe_of(f)))
		return 0;
	segs = user_segs_new();
	if (!segs)
		return 0;
	/* A page of a mapped file may go during the wait. Such bytes are not offered. */
	if (io_pin(rq, OFFER_MAX, segs) >= OFFER_MIN && segs_plain(segs))
		r = offer_to_readers(pipe_of(f), segs);
	user_segs_put(segs);
	return r;
}

static s64 pipe_write(struct ofile *f, struct io_request *rq)
{
	s64 total = 0, r = 0;
	u32 tail = rq->left % PAGE_SIZE; /* bytes beyond whole pages */

	if (rq->offset != IO_AT_POS)
		return -ESPIPE;
	if (!writes(f))
		return -EBADF;
	if (rq->flags & ~(u32)IO_FLAGS_KNOWN)
		r = pipe_to_host(f);
	while (r >= 0 && rq->left) {
		struct batch b;

		user_segs_continue((u64)total);
		r = write_by_offer(f, rq);
		if (r < 0)
			break;
		if (r > 0) {
			io_advance(rq, (u64)r);
			total += r;
			continue;
		}
		r = pipe_space(f, rq, tail, &b.merge);
		if (r < 0)
			break;
		r = batch_fill(&b, rq, (u32)r, tail);
		if (r < 0)
			break;
		r = batch_commit(f, &b);
		io_advance(rq, (u64)r);
		total += r;
		tail = 0;
	}
	if (r == ON_HOST) {
		r = io_transfer(f, rq); /* which sends SIGPIPE itself */
		return r < 0 ? (total ? total : r) : total + r;
	}
	if (r == -EPIPE)
		fs_signal(SIGPIPE);
	return total ? total : r;
}

/* -- Waiting -------------------------------------------------------------------------------- */

static s64 pipe_poll(struct ofile *f, struct wait_entry *e)
{
	struct pipe *p = pipe_of(f);
	s64 r = 0;

	mutex_lock(&p->lock);
	if (p->on_host) {
		r = ON_HOST;
	} else {
		if (reads(f) && !ring_empty(&p->ring))
			r |= READABLE;
		if (reads(f) && !p->writers)
			r |= POLLHUP;
		if (writes(f) && !ring_full(&p->ring))
			r |= WRITABLE;
		if (writes(f) && !p->readers)
			r |= POLLERR;
		if (e)
			waitq_add(&p->waiters, e);
	}
	mutex_unlock(&p->lock);
	return r;
}

static void pipe_unpoll(struct ofile *f, struct wait_entry *e)
{
	struct pipe *p = pipe_of(f);

	mutex_lock(&p->lock);
	waitq_remove(&p->waiters, e);
	mutex_unlock(&p->lock);
}

/* -- Attributes ----------------------------------------------------------------------------- */

/* Returns the device number of the host's pipes, which stat shows; 0: the host does not say. */
static u64 pipe_device(void)
{
	static u64 device;
	struct stat st;
	s32 end[2];

	if (!READ_ONCE(device) && hc_pipe2(0, end, sizeof(end)) >= 0) {
		if (hc_fstat(end[0], &st, sizeof(st)) >= 0)
			__atomic_store_n(&device, st.st_dev, __ATOMIC_RELAXED);
		hc_close(end[0]);
		hc_close(end[1]);
	}
	return READ_ONCE(device);
}

static void time_to_stat(u64 ns, u64 *seconds, u64 *nanoseconds)
{
	*seconds = ns / NSEC_PER_SEC;
	*nanoseconds = ns % NSEC_PER_SEC;
}

static s64 pipe_stat(struct ofile *f, struct stat *st)
{
	struct pipe *p = pipe_of(f);
	s64 r = 0;

	if (READ_ONCE(p->on_host)) {
		r = hc_fstat(f->handle, st, sizeof(*st));
		st->st_ino = p->ino;
		return r;
	}
	*st = movable_stat(pipe_device(), p->ino, S_IFIFO | 0600, p->uid, p->gid);
	mutex_lock(&p->lock);
	time_to_stat(p->atime, &st->st_atime, &st->st_atime_nsec);
	time_to_stat(p->mtime, &st->st_mtime, &st->st_mtime_nsec);
	time_to_stat(p->ctime, &st->st_ctime, &st->st_ctime_nsec);
	mutex_unlock(&p->lock);
	return r;
}

static s64 pipe_name(struct ofile *f, char *buf, u64 size)
{
	return movable_name_ino("pipe", pipe_of(f)->ino, buf, size);
}

static s64 pipe_get_flags(struct ofile *f)
{
	s64 r;

	if (!READ_ONCE(pipe_of(f)->on_host))
		return f->flags;
	/* The host sets O_LARGEFILE for a handle opened by name, not for one of pipe(2). */
	r = host_get_flags(f);
	return r < 0 ? r : (r & ~(s64)O_LARGEFILE) | (f->flags & O_LARGEFILE);
}

static s64 pipe_set_flags(struct ofile *f, s32 fd, u64 flags)
{
	return movable_set_flags(f, fd, flags, &pipe_of(f)->lock, SETTABLE);
}

/* F_SETPIPE_SZ: pipe(7), "/proc files". Returns the new size. */
static s64 set_size(struct pipe *p, u64 asked, struct wakeups *w)
{
	u64 size = PAGE_SIZE;
	s64 r;

	ASSERT_HELD(&p->lock);
	if (asked > SIZE_MAX_ROOT)
		return -EINVAL;
	while (size < asked)
		size *= 2;
	if (size / PAGE_SIZE > p->ring.size && size > SIZE_MAX_USER && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	r = ring_resize(&p->ring, (u32)(size / PAGE_SIZE));
	if (r < 0)
		return r;
	if (!ring_full(&p->ring))
		waitq_wake(&p->waiters, WRITABLE, true, w);
	return (s64)size;
}

static s64 pipe_fcntl(struct ofile *f, u32 cmd, u64 arg)
{
	struct wakeups w = {0};
	struct pipe *p = pipe_of(f);
	s64 r = ON_HOST;

	mutex_lock(&p->lock);
	if (!p->on_host && cmd == F_GETPIPE_SZ)
		r = p->ring.size * (s64)PAGE_SIZE;
	else if (!p->on_host && cmd == F_SETPIPE_SZ)
		r = set_size(p, (u32)arg, &w);
	mutex_unlock(&p->lock);
	wakeups_send(&w);
	if (r != ON_HOST)
		return r;
	r = ofile_handle(f);
	return r < 0 ? r : fs_nointr(hc_fcntl((s32)r, cmd, arg));
}

static s64 unread(struct ofile *f, uva out)
{
	struct pipe *p = pipe_of(f);
	s32 bytes;

	mutex_lock(&p->lock);
	bytes = (s32)p->ring.bytes;
	mutex_unlock(&p->lock);
	return put_user(bytes, out);
}

static s64 pipe_ioctl(struct ofile *f, u32 nr, u64 arg)
{
	if (nr == FIONREAD && !READ_ONCE(pipe_of(f)->on_host))
		return unread(f, arg);
	return movable_ioctl(f, nr, arg);
}

static s64 pipe_allocate(struct ofile *f, u32 mode, s64 offset, s64 len)
{
	s64 handle = ofile_handle(f);

	return handle < 0 ? handle : fs_restart(hc_fallocate((s32)handle, mode, offset, len));
}

/* -- Opening -------------------------------------------------------------------------------- */

/* pipe_reopen of a pipe that has moved. */
static struct ofile *reopen_host(struct ofile *f, u32 flags, int *err)
{
	struct pipe *p = pipe_of(f);
	struct ofile *new;
	s64 handle = hc_reopen(f->handle, flags);

	if (handle < 0) {
		*err = (int)fs_restart(handle);
		return NULL;
	}
	mutex_lock(&p->lock);
	new = file_new(p, flags | O_LARGEFILE, (s32)handle);
	mutex_unlock(&p->lock);
	if (!new) {
		hc_close((s32)handle);
		*err = -ENOMEM;
	}
	return new;
}

/* Opens /proc/PID/fd/N, for reading, writing or both. The open does not wait for another end. */
static struct ofile *pipe_reopen(struct ofile *f, u32 flags, int *err)
{
	struct pipe *p = pipe_of(f);
	struct ofile *new = NULL;

	*err = 0;
	if (flags & (O_PATH | O_DIRECTORY | O_EXCL)) {
		*err = (int)pipe_to_host(f);
		return *err ? NULL : host_file_of_result(hc_reopen(f->handle, flags), flags, err);
	}
	if (current_creds()->fsuid != p->uid && !capable(CAP_DAC_OVERRIDE))
		*err = -EACCES;
	else if (flags & O_DIRECT)
		*err = -EINVAL;
	if (*err)
		return NULL;
	mutex_lock(&p->lock);
	if (!p->on_host) {
		new = file_new(p, (flags & (O_ACCMODE | SETTABLE)) | O_LARGEFILE, -1);
		*err = new ? 0 : -ENOMEM;
	}
	mutex_unlock(&p->lock);
	return new || *err ? new : reopen_host(f, flags, err);
}

static const struct file_ops pipe_ops = {
	.size = sizeof(struct pipe_file),
	.all_on_host = true, /* it moves before it goes into a message */
	.read = pipe_read,
	.write = pipe_write,
	.stat = pipe_stat,
	.poll = pipe_poll,
	.unpoll = pipe_unpoll,
	.poll_handle = ofile_handle,
	.to_host = pipe_to_host,
	.ioctl = pipe_ioctl,
	.fcntl = pipe_fcntl,
	.get_flags = pipe_get_flags,
	.set_flags = pipe_set_flags,
	.allocate = pipe_allocate,
	.reopen = pipe_reopen,
	.name = pipe_name,
	.release = pipe_release,
};

/* Makes a pipe with flags that only the host handles: O_NOTIFICATION_PIPE, which is O_EXCL. */
static s64 host_pipe(uva out, u32 flags)
{
	const u32 modes[2] = {O_RDONLY | flags, O_WRONLY | flags};
	s32 handle[2];
	s64 r = fs_nointr(hc_pipe2(flags & ~O_CLOEXEC, handle, sizeof(handle)));

	return r < 0 ? r : fd_new_pair(handle, modes, flags & O_CLOEXEC, out);
}

DEFINE_SYSCALL2(pipe2, uva, out, u32, flags)
{
	struct ofile *end[2] = {NULL, NULL};
	struct pipe *p;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return host_pipe(out, flags);
	p = pipe_new();
	if (!p)
		return -ENOMEM;
	mutex_lock(&p->lock);
	end[0] = file_new(p, O_RDONLY | (flags & O_NONBLOCK), -1);
	if (end[0])
		end[1] = file_new(p, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)), -1);
	mutex_unlock(&p->lock);
	if (!end[0]) {
		pipe_free(p);
		return -ENOMEM;
	}
	if (!end[1]) {
		ofile_put(end[0]); /* frees the pipe, too */
		return -ENOMEM;
	}
	return fd_install_pair(end, flags & O_CLOEXEC, out);
}

DEFINE_SYSCALL1(pipe, uva, out)
{
	return do_pipe2(out, 0);
}
