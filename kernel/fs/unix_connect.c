// SPDX-License-Identifier: MIT
/*
 * Connections between unix sockets of the sandbox by name. The host has the names: its socket
 * files, with their permissions and the queue of who waits for accept(2), so that processes outside
 * connect as to any other program. But a connection within the sandbox is a pair of the kernel's.
 *
 * The kernel knows the names of its listening sockets. A connect to one of them makes a pair, and
 * connects a socket of the host's to the name all the same: the host checks the permission, and the
 * listener becomes readable. This socket is only a token. It has a name that the host chose
 * (autobind of unix(7)), by which accept(2) finds the pair, and it is closed then. If the host does
 * not allow such a name, the connection is the host's.
 *
 * A name in the file system is known by device and inode, which stay while the socket is open, also
 * when the file is renamed or removed.
 */
#include <linux/poll.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/socket.h"
#include "kernel/fs/unix.h"
#include "kernel/time/clock.h"

#define PATH_MOST (ADDR_MAX - sizeof(u16))

struct unix_listener {
	LIST_ENTRY(unix_listener) link; /* of listeners, if listening */
	struct unix_pair *pair;
	bool listening;
	u64 dev, ino;	     /* of the socket file; 0: an abstract name */
	struct address name; /* as the host shows it */
	struct unix_peer peer;
	TAILQ_HEAD(, unix_pair) waiting; /* for accept(2), in the order of their connects */
};

/* Guards the list, all of struct unix_listener, and the pairs' fields for it. */
static struct mutex unix_listen_lock = MUTEX_INIT(LOCK_UNIX_LISTEN);
static LIST_HEAD(, unix_listener) listeners = LIST_HEAD_INITIALIZER(listeners);

/* -- Names ----------------------------------------------------------------------------------------
 */

static bool is_abstract(const struct address *a)
{
	return a->len > sizeof(u16) && !a->bytes[sizeof(u16)];
}

/* Fills in device and inode of the socket file with this name below dir. Returns 0 or -errno. */
static s64 find_file(s32 dir, const struct address *a, u64 *dev, u64 *ino)
{
	char path[PATH_MOST + 1] = {0};
	struct stat st;
	s64 r;

	memcpy(path, a->bytes + sizeof(u16), MIN((u64)a->len, (u64)ADDR_MAX) - sizeof(u16));
	r = hc_newfstatat(dir, path, &st, sizeof(st), 0);
	if (r < 0)
		return r;
	*dev = st.st_dev;
	*ino = st.st_ino;
	return 0;
}

void unix_bound(struct ofile *f, s32 dir, const struct address *a)
{
	struct unix_pair *p = unix_file_of(f)->end->pair;
	struct unix_listener *l;
	u64 dev = 0, ino = 0;

	if (p->type == SOCK_DGRAM) {
		unix_dgram_bound(f);
		return;
	}
	if (a->len <= sizeof(u16) || (!is_abstract(a) && find_file(dir, a, &dev, &ino) < 0))
		return;
	l = kzalloc(sizeof(*l));
	if (!l)
		return; /* connections to it are the host's */
	*l = (struct unix_listener){.pair = p, .dev = dev, .ino = ino};
	TAILQ_INIT(&l->waiting);
	mutex_lock(&unix_listen_lock);
	if (!p->listener) {
		p->listener = l;
		l = NULL;
	}
	mutex_unlock(&unix_listen_lock);
	kfree(l);
}

void unix_listens(struct ofile *f)
{
	struct unix_end *e = unix_file_of(f)->end;
	struct unix_listener *l;
	struct address name;

	if (hc_getsockname(f->handle, &name, sizeof(name)) < 0)
		return;
	/* As on Linux the peer of a connection is who called listen(2). */
	mutex_lock(&e->pair->lock);
	unix_set_peer(e);
	mutex_unlock(&e->pair->lock);
	mutex_lock(&unix_listen_lock);
	l = e->pair->listener;
	if (l) {
		l->name = name;
		l->peer = e->peer;
		if (!l->listening)
			LIST_INSERT_HEAD(&listeners, l, link);
		l->listening = true;
	}
	mutex_unlock(&unix_listen_lock);
}

/* -- Connecting -----------------------------------------------------------------------------------
 */

/* Returns who listens at this name, or NULL. dev, ino: of the socket file, unless it is abstract.
 */
static struct unix_listener *find(const struct unix_pair *p, const struct address *a, u64 dev,
				  u64 ino)
{
	struct unix_listener *l;

	ASSERT_HELD(&unix_listen_lock);
	LIST_FOREACH (l, &listeners, link) {
		const bool same =
			is_abstract(a) ? is_abstract(&l->name) && l->name.len == a->len &&
						 !memcmp(l->name.bytes, a->bytes, a->len)
				       : !is_abstract(&l->name) && l->dev == dev && l->ino == ino;

		if (same && l->pair->type == p->type)
			return l;
	}
	return NULL;
}

/* Makes a socket of the host's, which waits in connect as f does. Returns its handle or -errno. */
static s64 host_socket(struct ofile *f)
{
	const struct unix_end *e = unix_file_of(f)->end;
	s64 handle = hc_socket(AF_UNIX, e->pair->type | (f->flags & O_NONBLOCK), 0);
	struct __kernel_old_timeval t = {(s64)(e->send_ns / NSEC_PER_SEC),
					 (s64)(e->send_ns % NSEC_PER_SEC / 1000)};

	if (handle >= 0 && e->send_ns != FS_FOREVER)
		hc_setsockopt((s32)handle, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t), HC_NONE);
	return handle;
}

/* Makes the token: a socket with a name of its own. Returns its handle, or ON_HOST. */
static s64 token_new(struct ofile *f, struct address *name)
{
	const u16 family = AF_UNIX;
	s64 handle = host_socket(f);

	if (handle < 0)
		return ON_HOST;
	if (hc_bind((s32)handle, (s32)handle, &family, sizeof(family)) >= 0 &&
	    hc_getsockname((s32)handle, name, sizeof(*name)) >= 0 && is_abstract(name))
		return handle;
	hc_close((s32)handle);
	return ON_HOST;
}

/* Returns 0 if p, whose end[0] the caller has, may be connected now. */
static s64 begin(struct unix_pair *p)
{
	s64 r = 0;

	mutex_lock(&p->lock);
	if (p->on_host || p->end[0].connected || p->type == SOCK_DGRAM)
		r = ON_HOST;
	else if (p->connecting)
		r = -EALREADY;
	else
		p->connecting = true;
	mutex_unlock(&p->lock);
	return r;
}

static void end(struct unix_pair *p)
{
	mutex_lock(&p->lock);
	p->connecting = false;
	mutex_unlock(&p->lock);
}

/* Connects p's ends, and queues p at the listener l. Both locks are held. */
static void join(struct unix_pair *p, struct unix_listener *l, const struct address *token)
{
	ASSERT_HELD(&unix_listen_lock);
	ASSERT_HELD(&p->lock);
	unix_end_init(&p->end[1], p);
	unix_set_peer(&p->end[1]); /* the client, which is the running thread */
	p->end[0].peer = l->peer;
	p->end[0].has_peer = true;
	p->end[0].connected = p->end[1].connected = true;
	p->end[1].open = true;
	unix_know_sizes(&p->end[1]);
	p->name = l->name;
	p->token = *token;
	p->at = l;
	TAILQ_INSERT_TAIL(&l->waiting, p, of_listener);
}

/* Takes join back, after the host has refused the connection. */
static void part(struct unix_pair *p)
{
	struct unix_queue lost = TAILQ_HEAD_INITIALIZER(lost);

	mutex_lock(&unix_listen_lock);
	if (p->at)
		TAILQ_REMOVE(&p->at->waiting, p, of_listener);
	p->at = NULL;
	mutex_unlock(&unix_listen_lock);
	mutex_lock(&p->lock);
	p->end[0].connected = p->end[0].has_peer = p->end[1].open = false;
	p->end[0].shutdown = 0;
	p->end[0].error = 0;
	p->end[0].charge = 0;
	p->name.len = 0;
	TAILQ_CONCAT(&lost, &p->end[1].queue, link);
	mutex_unlock(&p->lock);
	unix_queue_put(&lost);
}

/* Returns true if the token is connected to the name of the listener that p was queued at. */
static bool is_right(s32 token, const struct unix_pair *p)
{
	struct address name;

	return hc_getpeername(token, &name, sizeof(name)) >= 0 && name.len == p->name.len &&
	       !memcmp(name.bytes, p->name.bytes, MIN(name.len, (u32)ADDR_MAX));
}

/* Connects to a server outside, to which the socket moves then. */
static s64 connect_outside(struct ofile *f, s32 dir, const struct address *a)
{
	s64 handle = host_socket(f), r;

	if (handle < 0)
		return fs_nointr(handle);
	r = hc_connect((s32)handle, dir, a->bytes, a->len);
	r = r < 0 ? fs_restart_socket((s32)handle, true, r) : unix_adopt(f, (s32)handle);
	if (r < 0)
		hc_close((s32)handle);
	return r;
}

/* Connects to a server of the sandbox. ON_HOST: there is none at the name. */
static s64 connect_pair(struct ofile *f, s32 dir, const struct address *a, u64 dev, u64 ino)
{
	struct unix_pair *p = unix_file_of(f)->end->pair;
	struct unix_listener *l;
	struct address token;
	s64 handle = token_new(f, &token), r;

	if (handle < 0)
		return handle;
	mutex_lock(&unix_listen_lock);
	l = find(p, a, dev, ino);
	if (l) {
		mutex_lock(&p->lock);
		join(p, l, &token);
		mutex_unlock(&p->lock);
	}
	mutex_unlock(&unix_listen_lock);
	r = l ? hc_connect((s32)handle, dir, a->bytes, a->len) : ON_HOST;
	if (l && r >= 0 && !is_right((s32)handle, p))
		r = ON_HOST; /* the name belongs to another socket by now */
	if (l && r < 0)
		part(p);
	if (r != ON_HOST)
		r = fs_restart_socket((s32)handle, true, r);
	hc_close((s32)handle);
	return r;
}

/* Returns true if a process of the sandbox listens at the name; *dev, *ino: of its socket file. */
static bool is_ours(const struct unix_pair *p, s32 dir, const struct address *a, u64 *dev, u64 *ino)
{
	u16 family;
	bool found;

	memcpy(&family, a->bytes, sizeof(family));
	if (LIST_EMPTY(&listeners) || a->len <= sizeof(family) || family != AF_UNIX)
		return false;
	if (!is_abstract(a) && find_file(dir, a, dev, ino) < 0)
		return false;
	mutex_lock(&unix_listen_lock);
	found = find(p, a, *dev, *ino);
	mutex_unlock(&unix_listen_lock);
	return found;
}

s64 unix_connect(struct ofile *f, s32 dir, const struct address *a)
{
	struct unix_pair *p = unix_file_of(f)->end->pair;
	u64 dev = 0, ino = 0;
	s64 r = begin(p);

	if (r < 0)
		return r;
	r = is_ours(p, dir, a, &dev, &ino) ? connect_pair(f, dir, a, dev, ino) : ON_HOST;
	if (r == ON_HOST)
		r = connect_outside(f, dir, a);
	end(p);
	return r;
}

/* -- Accepting ------------------------------------------------------------------------------------
 */

/* Takes the pair with this token out of the listener's queue; NULL: there is none. */
static struct unix_pair *take(struct unix_listener *l, const struct address *client)
{
	struct unix_pair *p;

	ASSERT_HELD(&unix_listen_lock);
	TAILQ_FOREACH (p, &l->waiting, of_listener)
		if (p->token.len == client->len &&
		    !memcmp(p->token.bytes, client->bytes, MIN(client->len, (u32)ADDR_MAX)))
			break;
	if (p) {
		TAILQ_REMOVE(&l->waiting, p, of_listener);
		p->at = NULL;
	}
	return p;
}

struct ofile *unix_accepted(struct ofile *listener, s32 handle, const struct address *client,
			    u32 flags)
{
	const struct unix_end *from = unix_file_of(listener)->end;
	struct unix_pair *p = NULL;
	struct ofile *f;
	struct unix_end *e;

	mutex_lock(&unix_listen_lock);
	if (from->pair->listener)
		p = take(from->pair->listener, client);
	mutex_unlock(&unix_listen_lock);
	if (!p)
		return NULL;
	e = &p->end[1];
	mutex_lock(&p->lock);
	f = unix_file_new(e, flags, e->held);
	if (f) {
		e->held = -1;
		e->pass_cred = from->pass_cred; /* as Linux passes them on */
		e->pass_pidfd = from->pass_pidfd;
	}
	mutex_unlock(&p->lock);
	if (!f) {
		unix_close(e, NULL);
		return NULL;
	}
	hc_close(handle);
	return f;
}

/* -- The end of a listener ------------------------------------------------------------------------
 */

void unix_leaves(struct ofile *f)
{
	struct unix_listener *l;

	mutex_lock(&unix_listen_lock);
	l = unix_file_of(f)->end->pair->listener;
	if (l && l->listening)
		LIST_REMOVE(l, link);
	if (l)
		l->listening = false;
	mutex_unlock(&unix_listen_lock);
}

void unix_listener_closes(struct unix_pair *p)
{
	struct unix_listener *l = p->listener;
	struct unix_pair *waiting;

	if (!l)
		return;
	mutex_lock(&unix_listen_lock);
	if (l->listening)
		LIST_REMOVE(l, link);
	while ((waiting = TAILQ_FIRST(&l->waiting))) {
		TAILQ_REMOVE(&l->waiting, waiting, of_listener);
		waiting->at = NULL;
		mutex_unlock(&unix_listen_lock);
		unix_close(&waiting->end[1], NULL);
		mutex_lock(&unix_listen_lock);
	}
	mutex_unlock(&unix_listen_lock);
	kfree(l);
}
