// SPDX-License-Identifier: MIT
/*
 * Options of unix sockets: socket(7), unix(7). Those that the kernel does not know move the pair to
 * the host. Who the peer is, only the kernel knows, also of a pair that has moved.
 */
#include <asm/ioctls.h>
#include <linux/poll.h>
#include <linux/sockios.h>
#include <linux/time_types.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/fs_needs.h"
#include "kernel/fs/movable.h"
#include "kernel/fs/socket.h"
#include "kernel/fs/unix.h"
#include "kernel/time/clock.h"

/* Limits of Linux, include/net/sock.h: a smaller size is raised to these. */
#define SNDBUF_LEAST 4608
#define RCVBUF_LEAST 2304

/* -- Sizes --------------------------------------------------------------------------------------
 */

/* What the host gives a new socket, and the largest that SO_SNDBUF and SO_RCVBUF set there. */
static struct sizes {
	u32 sndbuf, rcvbuf;
	u32 sndbuf_most, rcvbuf_most;
} sizes;
static u32 sizes_known; /* atomic */

static u32 get_int(s32 handle, s32 name)
{
	s32 value = 0;

	hc_getsockopt(handle, SOL_SOCKET, name, &value, sizeof(value));
	return value > 0 ? (u32)value : 0;
}

/* Sets the size to the largest, and returns that. */
static u32 most(s32 handle, s32 name)
{
	const s32 huge = INT32_MAX / 2;

	hc_setsockopt(handle, SOL_SOCKET, name, &huge, sizeof(huge), HC_NONE);
	return get_int(handle, name);
}

/*
 * Asks the host once. Threads that ask at the same time get the same answers. A host that does not
 * answer leaves Linux's own default.
 */
static void learn_sizes(void)
{
	struct sizes s = {212992, 212992, 2 * 212992, 2 * 212992};
	s64 handle;

	if (__atomic_load_n(&sizes_known, __ATOMIC_ACQUIRE))
		return;
	handle = hc_socket(AF_UNIX, SOCK_DGRAM, 0);
	if (handle >= 0) {
		s.sndbuf = get_int((s32)handle, SO_SNDBUF);
		s.rcvbuf = get_int((s32)handle, SO_RCVBUF);
		s.sndbuf_most = most((s32)handle, SO_SNDBUF);
		s.rcvbuf_most = most((s32)handle, SO_RCVBUF);
		hc_close((s32)handle);
	}
	sizes = s;
	__atomic_store_n(&sizes_known, 1, __ATOMIC_RELEASE);
}

void unix_know_sizes(struct unix_end *e)
{
	if (e->sndbuf)
		return;
	learn_sizes();
	e->sndbuf = MAX(sizes.sndbuf, (u32)SNDBUF_LEAST);
	e->rcvbuf = MAX(sizes.rcvbuf, (u32)RCVBUF_LEAST);
}

/* Returns the size for an asked one: Linux doubles it. limit: the largest result. */
static u32 size_of(s32 asked, u32 least, u32 limit)
{
	u32 most_asked = limit / 2, size = MIN((u32)asked, most_asked) * 2;

	return MAX(size, least);
}

/* -- Setting ------------------------------------------------------------------------------------
 */

/* SO_RCVTIMEO and SO_SNDTIMEO. */
static s64 set_limit(u64 *limit, const void *value, u32 len)
{
	struct __kernel_old_timeval t;

	if (len < sizeof(t))
		return -EINVAL;
	memcpy(&t, value, sizeof(t));
	if (t.tv_usec < 0 || t.tv_usec >= 1000000)
		return -EDOM;
	if (t.tv_sec < 0)
		*limit = 0;
	else if (t.tv_sec == 0 && t.tv_usec == 0)
		*limit = FS_FOREVER;
	else if ((u64)t.tv_sec >= FS_FOREVER / NSEC_PER_SEC - 1)
		*limit = FS_FOREVER;
	else
		*limit = (u64)t.tv_sec * NSEC_PER_SEC + (u64)t.tv_usec * 1000;
	return 0;
}

static s64 set_known(struct unix_end *e, s32 name, s32 value, struct wakeups *w)
{
	ASSERT_HELD(&e->pair->lock);
	unix_know_sizes(e);
	switch (name) {
	case SO_SNDBUF:
		e->sndbuf = size_of(value, SNDBUF_LEAST, sizes.sndbuf_most);
		waitq_wake(&e->waiters, UNIX_WRITABLE, true, w);
		return 0;
	case SO_RCVBUF:
		e->rcvbuf = size_of(value, RCVBUF_LEAST, sizes.rcvbuf_most);
		return 0;
	case SO_RCVLOWAT:
		e->rcvlowat = value < 0 ? INT32_MAX : MAX(value, 1);
		return 0;
	case SO_PASSCRED:
		e->pass_cred = value;
		return 0;
	case SO_PASSPIDFD:
		e->pass_pidfd = value;
		return 0;
	default:
		return ON_HOST;
	}
}

s64 unix_set_option(struct ofile *f, s32 level, s32 name, const void *value, u32 len)
{
	struct unix_end *e = unix_file_of(f)->end;
	struct wakeups w = {0};
	s32 number;
	s64 r;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (len < sizeof(number))
		return -EINVAL;
	memcpy(&number, value, sizeof(number));
	if (name == SO_PASSCRED && number && e->pair->type == SOCK_DGRAM)
		unix_dgram_wants();
	mutex_lock(&e->pair->lock);
	if (e->pair->on_host && name != SO_PASSCRED && name != SO_PASSPIDFD)
		r = ON_HOST;
	else if (name == SO_SNDTIMEO || name == SO_RCVTIMEO)
		r = set_limit(name == SO_SNDTIMEO ? &e->send_ns : &e->receive_ns, value, len);
	else
		r = set_known(e, name, number, &w);
	if (e->pair->on_host)
		r = ON_HOST; /* which has to know it, too: accept(2) asks the kernel for these two
			      */
	mutex_unlock(&e->pair->lock);
	wakeups_send(&w);
	return r;
}

/* -- Getting ------------------------------------------------------------------------------------
 */

static s64 give(void *value, u32 len, const void *from, u32 from_len)
{
	const u32 n = MIN(len, from_len);

	memcpy(value, from, n);
	return n;
}

static s64 give_limit(void *value, u32 len, u64 ns)
{
	struct __kernel_old_timeval t = {0};

	if (ns != FS_FOREVER)
		t = (struct __kernel_old_timeval){(s64)(ns / NSEC_PER_SEC),
						  (s64)(ns % NSEC_PER_SEC / 1000)};
	return give(value, len, &t, sizeof(t));
}

#define IS_NUMBER 1

/* Fills in the value of an option that is an int. Returns IS_NUMBER or ON_HOST. The lock is held.
 */
static s64 get_number(struct unix_end *e, s32 name, s32 *value)
{
	ASSERT_HELD(&e->pair->lock);
	unix_know_sizes(e);
	switch (name) {
	case SO_TYPE:
		*value = (s32)e->pair->type;
		return IS_NUMBER;
	case SO_DOMAIN:
		*value = AF_UNIX;
		return IS_NUMBER;
	case SO_PROTOCOL:
	case SO_ACCEPTCONN:
		*value = 0;
		return IS_NUMBER;
	case SO_ERROR:
		*value = e->error;
		e->error = 0;
		return IS_NUMBER;
	case SO_SNDBUF:
		*value = (s32)e->sndbuf;
		return IS_NUMBER;
	case SO_RCVBUF:
		*value = (s32)e->rcvbuf;
		return IS_NUMBER;
	case SO_RCVLOWAT:
		*value = e->rcvlowat;
		return IS_NUMBER;
	case SO_PASSCRED:
		*value = e->pass_cred;
		return IS_NUMBER;
	case SO_PASSPIDFD:
		*value = e->pass_pidfd;
		return IS_NUMBER;
	default:
		return ON_HOST;
	}
}

/* Options about the peer. ON_HOST: only the host knows it. The lock is held. */
static s64 get_peer(const struct unix_end *e, s32 name, void *value, u32 len, u32 *needed)
{
	static const struct unix_cred nobody = {0, ~0U, ~0U};
	const struct unix_peer *peer = &e->peer;

	ASSERT_HELD(&e->pair->lock);
	if (!e->has_peer && e->pair->on_host)
		return ON_HOST;
	if (name == SO_PEERSEC)
		return -ENOPROTOOPT; /* as without a security module */
	if (!e->has_peer)
		return name == SO_PEERCRED ? give(value, len, &nobody, sizeof(nobody)) : -ENODATA;
	if (name == SO_PEERCRED)
		return give(value, len, &peer->cred, sizeof(peer->cred));
	*needed = peer->ngroups * (u32)sizeof(*peer->groups);
	return len < *needed ? -ERANGE : give(value, *needed, peer->groups, *needed);
}

/* SO_PEERPIDFD, without the lock. */
static s64 get_pidfd(struct unix_end *e, void *value, u32 len)
{
	struct unix_cred cred = {0};
	u32 needed;
	s64 r;

	mutex_lock(&e->pair->lock);
	r = !e->has_peer && !e->pair->on_host
		    ? -ENODATA
		    : get_peer(e, SO_PEERCRED, &cred, sizeof(cred), &needed);
	mutex_unlock(&e->pair->lock);
	if (r >= 0)
		r = pidfd_of_number(cred.pid);
	return r < 0 ? r : give(value, len, &(s32){(s32)r}, sizeof(s32));
}

s64 unix_get_option(struct ofile *f, s32 level, s32 name, void *value, u32 len, u32 *needed)
{
	struct unix_end *e = unix_file_of(f)->end;
	s32 number = 0;
	s64 r;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (name == SO_PEERPIDFD)
		return get_pidfd(e, value, len);
	mutex_lock(&e->pair->lock);
	if (name == SO_PEERCRED || name == SO_PEERGROUPS || name == SO_PEERSEC)
		r = get_peer(e, name, value, len, needed);
	else if (e->pair->on_host)
		r = ON_HOST;
	else if (name == SO_SNDTIMEO || name == SO_RCVTIMEO)
		r = give_limit(value, len, name == SO_SNDTIMEO ? e->send_ns : e->receive_ns);
	else
		r = get_number(e, name, &number);
	if (r == IS_NUMBER)
		r = give(value, len, &number, sizeof(number));
	mutex_unlock(&e->pair->lock);
	return r;
}

/* -- ioctl(2) -----------------------------------------------------------------------------------
 */

/* Returns the bytes for SIOCINQ, which is FIONREAD, and SIOCOUTQ. ON_HOST: the pair has moved. */
static s64 count_bytes(struct unix_end *e, u32 nr)
{
	const struct unix_message *first;
	s64 r;

	mutex_lock(&e->pair->lock);
	first = TAILQ_FIRST(&e->queue);
	if (e->pair->on_host)
		r = ON_HOST;
	else if (nr == SIOCOUTQ)
		r = e->charge;
	else if (e->pair->type == SOCK_DGRAM)
		r = first ? first->len : 0;
	else
		r = (s64)e->unread;
	mutex_unlock(&e->pair->lock);
	return r;
}

s64 unix_ioctl(struct ofile *f, u32 nr, u64 arg)
{
	s64 r = ON_HOST;

	if (nr == FIONREAD || nr == SIOCOUTQ)
		r = count_bytes(unix_file_of(f)->end, nr);
	if (r >= 0)
		r = put_user((s32)r, arg);
	return r == ON_HOST ? movable_ioctl(f, nr, arg) : r;
}
