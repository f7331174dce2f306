// SPDX-License-Identifier: MIT
/*
 * A pair of unix sockets moves to the host: the kernel makes a pair there with the same options,
 * sends the messages that are on their way into it, with their files, and gives each open file a
 * handle of its end. From then on the kernel passes all requests to the host, but for what only the
 * kernel knows: who the peer is (fs/unix_option.c), and the inode number.
 */
#include <asm/ioctls.h>
#include <linux/poll.h>
#include <linux/sockios.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/movable.h"
#include "kernel/fs/socket.h"
#include "kernel/fs/unix.h"
#include "kernel/time/clock.h"

#define DEPTH_MAX  4	     /* of sockets in messages of sockets in messages: as on Linux */
#define SPACE_MOST (1 << 30) /* for the messages on their way; the host takes less if it has to */

struct mutex unix_moved_lock = MUTEX_INIT(LOCK_UNIX_MOVED);
static LIST_HEAD(, unix_pair) moved = LIST_HEAD_INITIALIZER(moved);

/* -- The files on their way ---------------------------------------------------------------------
 */

static s64 move_pair(struct unix_pair *p, u32 depth);

/* Returns a reference to the file number n of those on their way; NULL: there are fewer. */
static struct ofile *nth_file(struct unix_pair *p, u32 n)
{
	struct ofile *found = NULL;
	struct unix_message *m;

	mutex_lock(&p->lock);
	for (int i = 0; i < 2; i++) {
		TAILQ_FOREACH (m, &p->end[i].queue, link) {
			const u32 count = m->files ? m->files->count : 0;

			if (!found && n < count)
				found = ofile_get(m->files->file[n]);
			n -= MIN(n, count);
		}
	}
	mutex_unlock(&p->lock);
	return found;
}

/*
 * Makes all files on their way ready for the host. A socket among them moves, too; one that is on
 * its way in its own queue cannot. Returns 0 or -errno.
 */
static s64 files_to_host(struct unix_pair *p, u32 depth)
{
	struct ofile *f;
	s64 r = 0;

	for (u32 n = 0; r >= 0 && (f = nth_file(p, n)); n++) {
		epoll_leaves(f);
		if (unix_file_of(f))
			unix_leaves(f);
		if (f->handle >= 0)
			r = 0;
		else if (!unix_file_of(f))
			r = ofile_handle(f);
		else if (depth == DEPTH_MAX)
			r = -ETOOMANYREFS;
		else
			r = move_pair(unix_file_of(f)->end->pair, depth + 1);
		ofile_put(f);
	}
	return MIN(r, 0L);
}

/* -- The messages -------------------------------------------------------------------------------
 */

/* A message as hc_sendmsg takes it. */
struct outgoing {
	struct segs segs;
	struct hostcall_seg seg[HOSTCALL_SEGS_MAX];
	u32 control_len;
	struct {
		u64 len;
		s32 level, type;
		s32 handle[UNIX_FILES_MAX + 1]; /* one more for the alignment */
	} control;
};

static s64 describe_bytes(struct outgoing *o, const struct unix_message *m)
{
	s64 r = 0;
	u64 n;

	o->segs = (struct segs){.seg = o->seg};
	for (u32 at = m->read; r >= 0 && at < m->len; at += (u32)n) {
		const char *bytes = unix_message_bytes(m, at, m->len - at, &n);
		struct segs part;

		r = kernel_segs(o->seg + o->segs.count, HOSTCALL_SEGS_MAX - o->segs.count, bytes, n,
				&part);
		o->segs.count += r >= 0 ? part.count : 0;
	}
	return r;
}

static s64 describe_files(struct outgoing *o, const struct unix_message *m)
{
	const u32 count = m->files ? m->files->count : 0;
	s64 r = 0;
	u32 i;

	for (i = 0; r >= 0 && i < count; i++) {
		r = travel_list(m->files->file[i]);
		o->control.handle[i] = m->files->file[i]->handle;
	}
	if (r < 0)
		while (--i > 0)
			travel_cancel(m->files->file[i - 1]);
	o->control.level = SOL_SOCKET;
	o->control.type = SCM_RIGHTS;
	o->control.len = offsetof(typeof(o->control), handle) + count * sizeof(s32);
	o->control_len = count ? (u32)ALIGN_UP(o->control.len, sizeof(u64)) : 0;
	return r;
}

/* Sends a message into the host's pair, as a whole. Returns >= 0 or -errno. */
static s64 send_to_host(s32 handle, const struct unix_message *m, struct outgoing *o)
{
	s64 r = describe_bytes(o, m);

	if (r >= 0)
		r = describe_files(o, m);
	if (r < 0)
		return r;
	r = hc_sendmsg(handle, handle, NULL, 0, &o->segs, &o->control, o->control_len,
		       MSG_DONTWAIT);
	if (r >= 0 && (u64)r == m->len - m->read)
		return 0;
	for (u32 i = 0; m->files && i < m->files->count; i++)
		travel_cancel(m->files->file[i]);
	return r < 0 && r != -EAGAIN ? r : -ENOBUFS;
}

static s64 send_queue(struct unix_end *e, s32 handle, struct outgoing *o)
{
	struct unix_message *m;
	s64 r = 0;

	TAILQ_FOREACH (m, &e->queue, link) {
		r = send_to_host(handle, m, o);
		if (r < 0)
			break;
	}
	return r;
}

/* -- The options --------------------------------------------------------------------------------
 */

static void set_int(s32 handle, s32 name, s32 value)
{
	hc_setsockopt(handle, SOL_SOCKET, name, &value, sizeof(value), HC_NONE);
}

static void set_limit(s32 handle, s32 name, u64 ns)
{
	const struct __kernel_old_timeval t = {(s64)(ns / NSEC_PER_SEC),
					       (s64)(ns % NSEC_PER_SEC / 1000)};

	if (ns != FS_FOREVER)
		hc_setsockopt(handle, SOL_SOCKET, name, &t, sizeof(t), HC_NONE);
}

/* Gives the host's socket what the program sees of e. The messages are sent already. */
static void set_options(const struct unix_end *e, s32 handle)
{
	if (e->sndbuf) {
		set_int(handle, SO_SNDBUF, (s32)(e->sndbuf / 2)); /* doubled: socket(7) */
		set_int(handle, SO_RCVBUF, (s32)(e->rcvbuf / 2));
	}
	if (e->rcvlowat != 1)
		set_int(handle, SO_RCVLOWAT, e->rcvlowat);
	set_limit(handle, SO_SNDTIMEO, e->send_ns);
	set_limit(handle, SO_RCVTIMEO, e->receive_ns);
	if (e->pass_cred)
		set_int(handle, SO_PASSCRED, 1);
	if (e->pass_pidfd)
		set_int(handle, SO_PASSPIDFD, 1);
}

/* Makes the host's socket fail and end as e does. */
static void set_end(const struct unix_end *e, s32 handle)
{
	struct hostcall_seg seg[2];
	struct segs segs;
	char byte = 0;

	/* The host sets the error itself when a socket is closed that has something to receive. */
	if (e->error == ECONNRESET && kernel_segs(seg, 2, &byte, 1, &segs) == 0)
		hc_writev(handle, &segs);
	if (e->shutdown & UNIX_NO_RECEIVE)
		hc_shutdown(handle, 0); /* SHUT_RD */
	if (e->shutdown & UNIX_NO_SEND)
		hc_shutdown(handle, 1); /* SHUT_WR */
}

/* -- The move -----------------------------------------------------------------------------------
 */

static s64 note_inode(struct unix_end *e, s32 handle)
{
	struct stat st;
	s64 r = hc_fstat(handle, &st, sizeof(st));

	if (r >= 0) {
		e->host_dev = st.st_dev;
		e->host_ino = st.st_ino;
	}
	return r;
}

/* The end's one open file gets the handle, or the one that accept(2) will make. */
static void set_file(struct unix_end *e, s32 handle)
{
	struct unix_file *f = LIST_FIRST(&e->files);

	if (!f) {
		e->held = handle;
		return;
	}
	hc_fcntl(handle, F_SETFL, f->file.flags & MOVABLE_FLAGS);
	__atomic_store_n(&f->file.handle, handle, __ATOMIC_RELEASE);
}

static void set_moved(struct unix_pair *p, struct unix_queue *lost, struct wakeups *w)
{
	p->on_host = true;
	LIST_INSERT_HEAD(&moved, p, link);
	for (int i = 0; i < 2; i++) {
		const struct unix_message *m = TAILQ_LAST(&p->end[!i].queue, unix_queue);

		if (m && m->has_cred)
			p->end[i].sent = m->cred;
	}
	for (int i = 0; i < 2; i++) {
		TAILQ_CONCAT(lost, &p->end[i].queue, link);
		p->end[i].unread = 0;
		p->end[i].charge = 0;
		/* The sleeping threads go on in the host. */
		waitq_wake(&p->end[i].waiters, ~0U, true, w);
	}
}

/* Makes the host's pair, or its socket for one that is not connected. Returns >= 0 or -errno. */
static s64 make_sockets(const struct unix_pair *p, s32 handle[2])
{
	s64 r;

	if (p->type == SOCK_DGRAM || p->end[0].connected)
		return hc_socketpair(AF_UNIX, p->type | SOCK_NONBLOCK, 0, handle,
				     2 * sizeof(*handle));
	r = hc_socket(AF_UNIX, p->type | SOCK_NONBLOCK, 0);
	handle[0] = (s32)MAX(r, -1L);
	return r;
}

/* Moves the pair, whose files on their way have handles. -EAGAIN: a file without one has come. */
static s64 move(struct unix_pair *p, struct outgoing *o, struct unix_queue *lost, struct wakeups *w)
{
	s32 handle[2] = {-1, -1};
	s64 r;

	ASSERT_HELD(&unix_moved_lock);
	ASSERT_HELD(&p->lock);
	if (p->connecting)
		return -EALREADY;
	r = make_sockets(p, handle);
	for (int i = 0; r >= 0 && i < 2 && handle[1] >= 0; i++) {
		set_int(handle[i], SO_SNDBUF, SPACE_MOST);
		unix_know_sizes(&p->end[i]);
		r = send_queue(&p->end[!i], handle[i], o);
	}
	for (int i = 0; r >= 0 && i < 2; i++) {
		if (handle[i] >= 0)
			set_options(&p->end[i], handle[i]);
		if (p->end[i].open)
			set_end(&p->end[i], handle[i]);
	}
	for (int i = 0; r >= 0 && i < 2; i++)
		if (handle[i] >= 0)
			r = note_inode(&p->end[i], handle[i]);
	for (int i = 0; i < 2; i++) {
		if (r >= 0 && p->end[i].open)
			set_file(&p->end[i], handle[i]);
		else if (handle[i] >= 0)
			hc_close(handle[i]);
	}
	if (r >= 0)
		set_moved(p, lost, w);
	return r;
}

static bool all_have_handles(struct unix_pair *p)
{
	struct unix_message *m;

	for (int i = 0; i < 2; i++)
		TAILQ_FOREACH (m, &p->end[i].queue, link)
			for (u32 k = 0; m->files && k < m->files->count; k++)
				if (READ_ONCE(m->files->file[k]->handle) < 0)
					return false;
	return true;
}

static s64 move_pair(struct unix_pair *p, u32 depth)
{
	struct unix_queue lost = TAILQ_HEAD_INITIALIZER(lost);
	struct outgoing *o = kzalloc(sizeof(*o));
	struct wakeups w = {0};
	s64 r;

	if (!o)
		return -ENOMEM;
	do {
		r = files_to_host(p, depth);
		if (r < 0)
			break;
		mutex_lock(&unix_moved_lock);
		mutex_lock(&p->lock);
		if (!p->on_host)
			r = all_have_handles(p) ? move(p, o, &lost, &w) : -EAGAIN;
		mutex_unlock(&p->lock);
		mutex_unlock(&unix_moved_lock);
	} while (r == -EAGAIN);
	wakeups_send(&w);
	unix_queue_put(&lost);
	kfree(o);
	return fs_nointr(MIN(r, 0L));
}

s64 unix_adopt(struct ofile *f, s32 handle)
{
	struct unix_queue none = TAILQ_HEAD_INITIALIZER(none);
	struct unix_end *e = unix_file_of(f)->end;
	struct wakeups w = {0};
	s64 r;

	mutex_lock(&unix_moved_lock);
	mutex_lock(&e->pair->lock);
	r = e->pair->on_host ? -EISCONN : note_inode(e, handle);
	if (r >= 0) {
		set_options(e, handle);
		set_end(e, handle);
		set_file(e, handle);
		set_moved(e->pair, &none, &w);
	}
	mutex_unlock(&e->pair->lock);
	mutex_unlock(&unix_moved_lock);
	wakeups_send(&w);
	return fs_nointr(MIN(r, 0L));
}

/* -- Senders ------------------------------------------------------------------------------------
 */

static bool same_cred(const struct unix_cred *a, const struct unix_cred *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

void unix_note_sender(struct ofile *f, const struct unix_cred *claim)
{
	const struct unix_cred own = {current_process()->pid, current_creds()->ruid,
				      current_creds()->rgid};
	const struct unix_cred *new = claim ? claim : &own;
	struct unix_end *e = unix_file_of(f)->end;
	s32 waiting = 0;

	unix_dgram_sends(f);
	mutex_lock(&e->pair->lock);
	/* Messages of the last sender that the receiver does not have yet would change theirs. */
	if (e->mixed || (e->sent.pid && !same_cred(&e->sent, new)))
		e->mixed =
			hc_ioctl(f->handle, SIOCOUTQ, &waiting, sizeof(waiting), 0) < 0 || waiting;
	e->sent = *new;
	mutex_unlock(&e->pair->lock);
}

void unix_show_sender(struct ofile *f, const struct address *from, struct unix_cred *cred)
{
	struct unix_end *e = unix_file_of(f)->end;

	if (cred->pid != (s32)boot->pid || unix_dgram_sender(from, cred))
		return;
	mutex_lock(&e->pair->lock);
	if (unix_other(e)->sent.pid && !unix_other(e)->mixed)
		*cred = unix_other(e)->sent;
	mutex_unlock(&e->pair->lock);
}

/* -- Handles ------------------------------------------------------------------------------------
 */

s64 unix_to_host(struct ofile *f)
{
	return move_pair(unix_file_of(f)->end->pair, 0);
}

static struct unix_end *find_moved(const struct stat *st)
{
	struct unix_pair *p;

	ASSERT_HELD(&unix_moved_lock);
	LIST_FOREACH (p, &moved, link)
		for (int i = 0; i < 2; i++)
			if (p->end[i].open && p->end[i].host_dev == st->st_dev &&
			    p->end[i].host_ino == st->st_ino)
				return &p->end[i];
	return NULL;
}

struct ofile *unix_arrived(s32 handle)
{
	struct ofile *f = NULL;
	struct unix_end *e;
	struct stat st;
	s64 flags;

	if (LIST_EMPTY(&moved))
		return NULL;
	flags = movable_arrives(handle, S_IFSOCK, &st);
	if (flags < 0)
		return NULL;
	mutex_lock(&unix_moved_lock);
	e = find_moved(&st);
	if (e) {
		mutex_lock(&e->pair->lock);
		f = unix_file_new(e, (u32)flags, handle);
		mutex_unlock(&e->pair->lock);
	}
	mutex_unlock(&unix_moved_lock);
	return f;
}
