// SPDX-License-Identifier: MIT
/*
 * mq_notify(3) with SIGEV_THREAD. The C library passes 32 bytes, the cookie, to the kernel, and
 * starts a thread that receives them from a netlink socket. The last byte says why the cookie was
 * sent.
 *
 * The socket is the host kernel's and its reader sleeps there, so only the host kernel can put a
 * message into it. The guest kernel makes the host kernel send one: it writes a request that does
 * nothing (NLMSG_NOOP) and asks for an acknowledgement. The acknowledgement arrives in the same
 * socket and carries the number of the request. It wakes the reader or makes poll(2) return, as any
 * message does. When the guest kernel finds such a number in a received message, it replaces the
 * message by the cookie.
 *
 * A program that makes such requests itself, or that registers a socket which it also uses
 * otherwise, may receive wrong messages. A socket that has UNREAD_MAX unread cookies accepts no
 * further registration.
 */
#include <linux/netlink.h>
#include "kernel/define_syscall.h"
#include "kernel/fs/bounce.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs_needs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/result.h"
#include "kernel/fs/unix.h"
#include "kernel/hostcall.h"
#include "kernel/ipc/mq_notify.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"

/* Linux's ipc/mqueue.c. */
#define COOKIE_LEN  32
#define COOKIE_WHY  (COOKIE_LEN - 1)

#define UNREAD_MAX  128	       /* so many answers fill half of a socket's default buffer */
#define FIRST_ASKED 0x6d710000 /* before the first request's number; programs begin with others */

/* Linux does not export these in its headers for user space: recv(2), socket(7). */
#define MSG_PEEK    0x2
#define MSG_TRUNC   0x20
#define SOL_SOCKET  1
#define SO_PROTOCOL 38
#define SO_DOMAIN   39
#define AF_NETLINK  16

struct cookie {
	LIST_ENTRY(cookie) link; /* in the socket's list of unread cookies */
	struct ofile *socket;	 /* a reference, dropped when the cookie is sent */
	u32 asked;		 /* nlmsg_seq of the request; 0 before it is sent */
	u8 bytes[COOKIE_LEN];
};

/* Guards host_file.cookies and the variables below. Only the heap's lock is taken inside. */
static struct mutex cookie_lock = MUTEX_INIT(LOCK_COOKIE);
static u32 last_asked = FIRST_ASKED;

/* Returns the unread cookie with that number, or NULL. cookie_lock is held. */
static struct cookie *find(struct ofile *f, u32 number)
{
	struct cookie *c;

	ASSERT_HELD(&cookie_lock);
	LIST_FOREACH (c, &host_file_of(f)->cookies, link)
		if (c->asked == number)
			return c;
	return NULL;
}

static s64 option(s32 handle, u32 name)
{
	s32 value = 0;
	s64 r = hc_getsockopt(handle, SOL_SOCKET, name, &value, sizeof(value));

	return r < 0 ? fs_nointr(r) : value;
}

static int check_socket(struct ofile *f)
{
	s64 domain = option(f->handle, SO_DOMAIN), protocol = option(f->handle, SO_PROTOCOL);
	struct cookie *c;
	u32 unread = 0;

	if (domain < 0 || protocol < 0)
		return (int)MIN(domain, protocol);
	/* Other protocols may not acknowledge requests, or have no listener in the kernel. */
	if (domain != AF_NETLINK || protocol != NETLINK_ROUTE)
		return -EINVAL;
	mutex_lock(&cookie_lock);
	LIST_FOREACH (c, &host_file_of(f)->cookies, link)
		unread++;
	mutex_unlock(&cookie_lock);
	return unread < UNREAD_MAX ? 0 : -ENOMEM;
}

int cookie_new(struct cookie **cookie, s32 fd, uva bytes)
{
	struct cookie *c = kzalloc(sizeof(*c));
	int err;

	*cookie = c;
	if (!c)
		return -ENOMEM;
	err = copy_from_user(c->bytes, bytes, COOKIE_LEN);
	if (!err) {
		c->socket = fd_get(fd);
		err = !c->socket		? -EBADF
		      : host_file_of(c->socket) ? check_socket(c->socket)
		      /* A socket, but of the wrong kind. */
		      : unix_file_of(c->socket) ? -EINVAL
						: -ENOTSOCK;
	}
	if (err)
		cookie_put(c);
	return err;
}

void cookie_put(struct cookie *c)
{
	if (!c)
		return;
	ofile_put(c->socket);
	kfree(c);
}

/* Removes and frees the cookie with that number, unless another thread has removed it already. */
static void withdraw(struct ofile *f, u32 number)
{
	struct cookie *c;

	mutex_lock(&cookie_lock);
	c = find(f, number);
	if (c)
		LIST_REMOVE(c, link);
	mutex_unlock(&cookie_lock);
	kfree(c);
}

/* Sends the request. When this returns no error, the answer is in the socket. */
static s64 ask(struct ofile *f, u32 number)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct nlmsghdr request = {
		.nlmsg_len = sizeof(request),
		.nlmsg_type = NLMSG_NOOP,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		.nlmsg_seq = number,
	};
	struct hostcall_seg seg[2];
	struct segs segs;
	s64 err = kernel_segs(seg, ARRAY_SIZE(seg), &request, sizeof(request), &segs);

	/* The second handle is for addresses that are paths, and is not used here. */
	return err < 0 ? err
		       : hc_sendmsg(f->handle, f->handle, &kernel, sizeof(kernel), &segs, NULL, 0,
				    0);
}

void cookie_send(struct cookie *c, enum cookie_reason why)
{
	struct ofile *socket = c->socket;
	u32 number;

	c->bytes[COOKIE_WHY] = (u8)why;
	mutex_lock(&cookie_lock);
	c->asked = number = ++last_asked;
	LIST_INSERT_HEAD(&host_file_of(socket)->cookies, c, link);
	mutex_unlock(&cookie_lock);
	if (ask(socket, number) < 0)
		withdraw(socket, number);
	ofile_put(socket);
}

/*
 * Copies the cookie that this answer stands for to bytes, and removes the cookie unless it stays
 * (MSG_PEEK). Returns false if the message is not the answer to a request of this file.
 */
static bool exchange(struct ofile *f, const struct nlmsghdr *answer, bool stays, u8 *bytes)
{
	struct cookie *c;

	if (answer->nlmsg_type != NLMSG_ERROR)
		return false;
	mutex_lock(&cookie_lock);
	c = find(f, answer->nlmsg_seq);
	if (c)
		memcpy(bytes, c->bytes, COOKIE_LEN);
	mutex_unlock(&cookie_lock);
	if (c && !stays)
		withdraw(f, answer->nlmsg_seq);
	return c;
}

s64 cookie_received(struct ofile *f, const struct iovec *iov, u32 count, s64 bytes, u32 flags,
		    u32 *message_flags)
{
	u8 cookie[COOKIE_LEN];
	struct bounce b;
	u64 space = 0;
	s64 r;

	if (bytes <= 0 || !host_file_of(f) || !READ_ONCE(LIST_FIRST(&host_file_of(f)->cookies)))
		return bytes;
	for (u32 i = 0; i < count && space < COOKIE_LEN; i++)
		space += MIN(iov[i].iov_len, (u64)COOKIE_LEN);
	space = MIN(space, MIN((u64)bytes, (u64)COOKIE_LEN));
	if (space < sizeof(struct nlmsghdr))
		return bytes;
	r = bounce_get(&b, iov, count, space, true);
	if (r < 0)
		return r;
	r = bytes;
	if (exchange(f, (const struct nlmsghdr *)b.chunk[0], flags & MSG_PEEK, cookie)) {
		memcpy(b.chunk[0], cookie, space);
		r = bounce_scatter(&b, (s64)space);
		if (r >= 0 && flags & MSG_TRUNC)
			r = COOKIE_LEN;
		if (message_flags && space == COOKIE_LEN)
			*message_flags &= ~MSG_TRUNC; /* the host's answer is longer */
	}
	bounce_put(&b);
	return r;
}

void cookie_forget(struct ofile *f)
{
	struct cookie *c;

	while ((c = LIST_FIRST(&host_file_of(f)->cookies))) {
		LIST_REMOVE(c, link);
		kfree(c);
	}
}
