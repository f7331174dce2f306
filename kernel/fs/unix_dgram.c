// SPDX-License-Identifier: MIT
/*
 * Datagram sockets that socketpair(2) has not made. They are the host's from the start: a datagram
 * goes to a name, and processes outside have names, too. What the host cannot tell is which guest
 * process has sent a datagram, because for the host each of them is the monitor. The kernel knows
 * it by the socket that sent: the receiver gets the name of that socket from the host.
 *
 * A socket without a name gets one from the host (autobind of unix(7)) before its first send, once
 * a process of the sandbox has asked for credentials (SO_PASSCRED). The kernel does not show such a
 * name to the program that sends, nor to one that receives in the sandbox.
 */
#include <linux/poll.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/socket.h"
#include "kernel/fs/unix.h"

struct unix_name {
	LIST_ENTRY(unix_name) link; /* of names */
	struct unix_end *end;	    /* which has the name */
	struct address name;	    /* as the host shows it */
	bool hidden;		    /* no program has asked for it */
};

/* Guards the list, and unix_end.named. Taken before pair.lock. */
static struct mutex names_lock = MUTEX_INIT(LOCK_UNIX_NAMES);
static LIST_HEAD(, unix_name) names = LIST_HEAD_INITIALIZER(names);
static u32 wanted; /* atomic: 1 after a process asked for credentials */

struct ofile *unix_dgram_new(u32 flags, int *err)
{
	struct ofile *f = unix_new(SOCK_DGRAM, flags);
	s64 handle, r;

	*err = -ENOMEM;
	if (!f)
		return NULL;
	handle = fs_nointr(hc_socket(AF_UNIX, SOCK_DGRAM | (flags & O_NONBLOCK), 0));
	r = handle < 0 ? handle : unix_adopt(f, (s32)handle);
	if (r < 0 && handle >= 0)
		hc_close((s32)handle);
	if (r < 0)
		ofile_put(f);
	*err = (int)r;
	return r < 0 ? NULL : f;
}

void unix_dgram_wants(void)
{
	__atomic_store_n(&wanted, 1, __ATOMIC_RELEASE);
}

/* Notes the name that the host's socket has, if it has one. */
static void note_name(struct ofile *f, bool hidden)
{
	struct unix_end *e = unix_file_of(f)->end;
	struct unix_name *n = kzalloc(sizeof(*n));

	/* Without memory, receivers see the monitor's process number. */
	if (!n)
		return;
	n->end = e;
	n->hidden = hidden;
	mutex_lock(&names_lock);
	if (!e->named && hc_getsockname(f->handle, &n->name, sizeof(n->name)) >= 0 &&
	    n->name.len > sizeof(u16)) {
		LIST_INSERT_HEAD(&names, n, link);
		e->named = n;
		n = NULL;
	}
	mutex_unlock(&names_lock);
	kfree(n);
}

void unix_dgram_bound(struct ofile *f)
{
	note_name(f, false);
}

void unix_dgram_sends(struct ofile *f)
{
	struct unix_end *e = unix_file_of(f)->end;
	const u16 family = AF_UNIX;

	if (e->pair->type != SOCK_DGRAM || unix_other(e)->connected || READ_ONCE(e->named) ||
	    !__atomic_load_n(&wanted, __ATOMIC_ACQUIRE) || f->handle < 0)
		return;
	/* It fails if the socket has a name already, or if the rules for the network forbid it. */
	hc_bind(f->handle, f->handle, &family, sizeof(family));
	/* Linux itself gives a sender with this option a name. */
	note_name(f, !READ_ONCE(e->pass_cred));
}

static bool same_name(const struct unix_name *n, const struct address *a)
{
	return n->name.len == a->len && a->len <= ADDR_MAX &&
	       !memcmp(n->name.bytes, a->bytes, a->len);
}

/*
 * Returns what has this name. NULL: nothing in the sandbox; or several sockets, because names in
 * the file system may be relative, or remain after the file was removed.
 */
static struct unix_name *find(const struct address *a)
{
	struct unix_name *n, *found = NULL;

	ASSERT_HELD(&names_lock);
	LIST_FOREACH (n, &names, link) {
		if (!same_name(n, a))
			continue;
		if (found)
			return NULL;
		found = n;
	}
	return found;
}

bool unix_dgram_sender(const struct address *from, struct unix_cred *cred)
{
	struct unix_name *n;
	bool known = false;

	if (from->len <= sizeof(u16) || LIST_EMPTY(&names))
		return false;
	mutex_lock(&names_lock);
	n = find(from);
	if (n) {
		mutex_lock(&n->end->pair->lock);
		known = n->end->sent.pid && !n->end->mixed;
		if (known)
			*cred = n->end->sent;
		mutex_unlock(&n->end->pair->lock);
	}
	mutex_unlock(&names_lock);
	return known;
}

bool unix_dgram_hidden(const struct address *a)
{
	const struct unix_name *n;
	bool hidden;

	if (a->len <= sizeof(u16) || LIST_EMPTY(&names))
		return false;
	mutex_lock(&names_lock);
	n = find(a);
	hidden = n && n->hidden;
	mutex_unlock(&names_lock);
	return hidden;
}

bool unix_dgram_is_hidden(struct unix_end *e)
{
	bool hidden;

	if (!READ_ONCE(e->named))
		return false;
	mutex_lock(&names_lock);
	hidden = e->named && e->named->hidden;
	mutex_unlock(&names_lock);
	return hidden;
}

void unix_dgram_closes(struct unix_end *e)
{
	if (!READ_ONCE(e->named))
		return;
	mutex_lock(&names_lock);
	LIST_REMOVE(e->named, link);
	kfree(e->named);
	e->named = NULL;
	mutex_unlock(&names_lock);
}
