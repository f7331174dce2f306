// SPDX-License-Identifier: MIT
/* Unix sockets as open files: how they begin and end, poll, and what they show. See unix.h. */
#include <linux/poll.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/movable.h"
#include "kernel/fs/socket.h"
#include "kernel/fs/unix.h"

bool unix_has_messages(const struct unix_pair *p)
{
	return p->type != SOCK_STREAM;
}

bool unix_is_writable(const struct unix_end *e)
{
	return (u64)e->charge * 4 <= e->sndbuf;
}

void unix_uncharge(struct unix_end *e, u32 charge, struct wakeups *w)
{
	ASSERT_HELD(&e->pair->lock);
	e->charge -= MIN(e->charge, charge); /* a pair that has moved counts nothing any more */
	if (unix_is_writable(e))
		waitq_wake(&e->waiters, UNIX_WRITABLE, true, w);
}

/* -- Beginning and end --------------------------------------------------------------------------
 */

struct ofile *unix_file_new(struct unix_end *e, u32 flags, s32 handle)
{
	struct ofile *f = ofile_new(&unix_ops, handle, flags);

	ASSERT_HELD(&e->pair->lock);
	if (!f)
		return NULL;
	f->mode = S_IFSOCK;
	unix_file_of(f)->end = e;
	e->held = -1;
	LIST_INSERT_HEAD(&e->files, unix_file_of(f), link);
	e->open = true;
	return f;
}

void unix_set_peer(struct unix_end *e)
{
	const struct creds *c = current_creds();
	struct unix_peer *peer = &e->peer;

	e->has_peer = true;
	peer->cred = (struct unix_cred){current_process()->pid, c->euid, c->egid};
	peer->ngroups = MIN(c->ngroups, (u32)UNIX_GROUPS_MAX);
	memcpy(peer->groups, c->groups, peer->ngroups * sizeof(*peer->groups));
}

void unix_end_init(struct unix_end *e, struct unix_pair *p)
{
	const struct creds *c = current_creds();

	*e = (struct unix_end){.pair = p, .uid = c->fsuid, .gid = c->fsgid, .held = -1};
	LIST_INIT(&e->files);
	TAILQ_INIT(&e->queue);
	waitq_init(&e->waiters);
	e->rcvlowat = 1;
	e->send_ns = e->receive_ns = FS_FOREVER;
}

static struct unix_pair *pair_new(u32 type)
{
	struct unix_pair *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	mutex_init(&p->lock, LOCK_UNIX);
	p->type = type;
	for (int i = 0; i < 2; i++)
		unix_end_init(&p->end[i], p);
	return p;
}

struct ofile *unix_new(u32 type, u32 flags)
{
	struct unix_pair *p = pair_new(type);
	struct ofile *f;

	if (!p)
		return NULL;
	mutex_lock(&p->lock);
	f = unix_file_new(&p->end[0], flags, -1);
	mutex_unlock(&p->lock);
	if (!f)
		kfree(p);
	return f;
}

int unix_pair_new(u32 type, u32 flags, struct ofile *file[2])
{
	struct unix_pair *p = pair_new(type);

	if (!p)
		return -ENOMEM;
	for (int i = 0; i < 2; i++) {
		p->end[i].connected = true;
		unix_set_peer(&p->end[i]);
	}
	mutex_lock(&p->lock);
	file[0] = unix_file_new(&p->end[0], flags, -1);
	file[1] = file[0] ? unix_file_new(&p->end[1], flags, -1) : NULL;
	mutex_unlock(&p->lock);
	if (file[1])
		return 0;
	if (file[0])
		ofile_put(file[0]); /* frees the pair, too */
	else
		kfree(p);
	return -ENOMEM;
}

/*
 * Closes e: the other end learns it. *lost gets the messages that e has not received. Returns true
 * if both ends are closed.
 */
static bool end_closes(struct unix_end *e, struct unix_queue *lost, struct wakeups *w)
{
	struct unix_end *peer = unix_other(e);
	struct unix_message *m;

	ASSERT_HELD(&e->pair->lock);
	e->open = false;
	if (e->pair->on_host)
		return !peer->open;
	if (e->pair->type != SOCK_DGRAM) {
		peer->shutdown = UNIX_NO_RECEIVE | UNIX_NO_SEND;
		if (!TAILQ_EMPTY(&e->queue))
			peer->error = ECONNRESET;
		waitq_wake(&peer->waiters, ~0U, true, w);
	}
	TAILQ_FOREACH (m, &e->queue, link)
		unix_uncharge(peer, m->charge, w);
	TAILQ_CONCAT(lost, &e->queue, link);
	e->unread = 0;
	return !peer->open;
}

void unix_close(struct unix_end *e, struct unix_file *f)
{
	struct unix_queue lost = TAILQ_HEAD_INITIALIZER(lost);
	struct unix_pair *p = e->pair;
	struct wakeups w = {0};
	bool last = false;
	s32 held;

	mutex_lock(&unix_moved_lock);
	mutex_lock(&p->lock);
	held = e->held;
	e->held = -1;
	if (f)
		LIST_REMOVE(f, link);
	else
		unix_other(e)->error = ECONNRESET;
	if (LIST_EMPTY(&e->files))
		last = end_closes(e, &lost, &w);
	if (last && p->on_host)
		LIST_REMOVE(p, link);
	mutex_unlock(&p->lock);
	mutex_unlock(&unix_moved_lock);
	wakeups_send(&w);
	unix_queue_put(&lost);
	if (held >= 0)
		hc_close(held);
	if (last) {
		unix_listener_closes(p);
		for (int i = 0; i < 2; i++)
			unix_dgram_closes(&p->end[i]);
		kfree(p);
	}
}

static void unix_release(struct ofile *f)
{
	unix_close(unix_file_of(f)->end, unix_file_of(f));
	unix_collect();
}

/* -- Waiting ------------------------------------------------------------------------------------
 */

static s64 unix_poll(struct ofile *f, struct wait_entry *entry)
{
	struct unix_end *e = unix_file_of(f)->end;
	s64 r = 0;

	mutex_lock(&e->pair->lock);
	if (e->pair->on_host) {
		r = ON_HOST;
	} else {
		unix_know_sizes(e);
		if (e->error)
			r |= POLLERR;
		if (!e->connected && e->pair->type != SOCK_DGRAM)
			r |= POLLHUP;
		if (e->shutdown == (UNIX_NO_RECEIVE | UNIX_NO_SEND))
			r |= POLLHUP;
		if (e->shutdown & UNIX_NO_RECEIVE)
			r |= POLLRDHUP | UNIX_READABLE;
		if (!TAILQ_EMPTY(&e->queue))
			r |= UNIX_READABLE;
		if (unix_is_writable(e))
			r |= UNIX_WRITABLE;
		if (entry)
			waitq_add(&e->waiters, entry);
	}
	mutex_unlock(&e->pair->lock);
	return r;
}

static void unix_unpoll(struct ofile *f, struct wait_entry *entry)
{
	struct unix_end *e = unix_file_of(f)->end;

	mutex_lock(&e->pair->lock);
	waitq_remove(&e->waiters, entry);
	mutex_unlock(&e->pair->lock);
}

s64 unix_shutdown(struct ofile *f, u32 how)
{
	struct unix_end *e = unix_file_of(f)->end, *peer = unix_other(e);
	const u32 bits = how + 1; /* SHUT_RD, SHUT_WR, SHUT_RDWR */
	struct wakeups w = {0};
	s64 r = 0;

	if (how > 2)
		return -EINVAL;
	mutex_lock(&e->pair->lock);
	if (e->pair->on_host) {
		r = ON_HOST;
	} else {
		e->shutdown |= bits;
		if (e->pair->type != SOCK_DGRAM) {
			if (bits & UNIX_NO_RECEIVE)
				peer->shutdown |= UNIX_NO_SEND;
			if (bits & UNIX_NO_SEND)
				peer->shutdown |= UNIX_NO_RECEIVE;
			waitq_wake(&peer->waiters, ~0U, true, &w);
		}
		waitq_wake(&e->waiters, ~0U, true, &w);
	}
	mutex_unlock(&e->pair->lock);
	wakeups_send(&w);
	return r;
}

/* -- Attributes ---------------------------------------------------------------------------------
 */

/* Of a unix socket without a name: only the family. */
static const struct address unnamed = {.len = sizeof(u16), .bytes = {AF_UNIX}};

s64 unix_get_name(struct ofile *f, bool peer, struct address *a)
{
	struct unix_end *e = unix_file_of(f)->end;
	struct unix_pair *p = e->pair;
	const struct unix_end *asked = peer ? unix_other(e) : e;
	s64 r = 0;

	if (!peer && unix_dgram_is_hidden(e)) {
		*a = unnamed;
		return 0;
	}

	mutex_lock(&p->lock);
	*a = asked == &p->end[1] && p->name.len ? p->name : unnamed;
	if (p->on_host && !p->name.len)
		r = ON_HOST;
	else if (peer && !e->connected)
		r = -ENOTCONN;
	mutex_unlock(&p->lock);
	return r;
}

void unix_sender(struct ofile *f, struct address *a)
{
	struct unix_end *e = unix_file_of(f)->end;

	*a = (struct address){0};
	mutex_lock(&e->pair->lock);
	if (e == &e->pair->end[0])
		*a = e->pair->name;
	mutex_unlock(&e->pair->lock);
}

/* Returns the inode number. What a program has seen stays when the pair moves. */
static u64 inode_of(struct unix_end *e)
{
	u64 ino;

	mutex_lock(&e->pair->lock);
	if (!e->ino)
		e->ino = e->pair->on_host ? e->host_ino : ofile_new_inode();
	ino = e->ino;
	mutex_unlock(&e->pair->lock);
	return ino;
}

/* Returns the device number of the host's sockets, which stat shows; 0: the host does not say. */
static u64 socket_device(void)
{
	static u64 device;
	struct stat st;
	s64 handle;

	if (READ_ONCE(device))
		return device;
	handle = hc_socket(AF_UNIX, SOCK_DGRAM, 0);
	if (handle >= 0) {
		if (hc_fstat((s32)handle, &st, sizeof(st)) >= 0)
			__atomic_store_n(&device, st.st_dev, __ATOMIC_RELAXED);
		hc_close((s32)handle);
	}
	return READ_ONCE(device);
}

static s64 unix_stat(struct ofile *f, struct stat *st)
{
	struct unix_end *e = unix_file_of(f)->end;
	const u64 ino = inode_of(e);
	s64 r;

	if (READ_ONCE(e->pair->on_host)) {
		r = hc_fstat(f->handle, st, sizeof(*st));
		st->st_ino = ino;
		return r;
	}
	*st = movable_stat(socket_device(), ino, S_IFSOCK | 0777, e->uid, e->gid);
	return 0;
}

static s64 unix_name(struct ofile *f, char *buf, u64 size)
{
	return movable_name_ino("socket", inode_of(unix_file_of(f)->end), buf, size);
}

static s64 unix_set_flags(struct ofile *f, s32 fd, u64 flags)
{
	return movable_set_flags(f, fd, flags, &unix_file_of(f)->end->pair->lock, MOVABLE_FLAGS);
}

const struct file_ops unix_ops = {
	.size = sizeof(struct unix_file),
	.all_on_host = true, /* it moves before it goes into a message of the host's */
	.read = unix_read,
	.write = unix_write,
	.stat = unix_stat,
	.poll = unix_poll,
	.unpoll = unix_unpoll,
	.poll_handle = ofile_handle,
	.to_host = unix_to_host,
	.ioctl = unix_ioctl,
	.get_flags = movable_get_flags,
	.set_flags = unix_set_flags,
	.name = unix_name,
	.release = unix_release,
};
