// SPDX-License-Identifier: MIT
/*
 * Hostcalls on sockets. A jailed guest has unix sockets with names in the view, but no abstract
 * names, which belong to the host's network namespace. net.h decides about other families.
 *
 * To connect is to write to the socket's file, so its rule has to allow that. The host gets another
 * spelling of each name than the guest: a name in a directory that the thread enters, or a name in
 * /proc of the socket's descriptor. The kernel keeps the first of these as the socket's address, so
 * this file remembers which name of the guest's it stands for.
 */
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "vm/handle.h"
#include "vm/jail/calls.h"
#include "vm/jail/inside.h"

#define UN_PATH	  offsetof(struct sockaddr_un, sun_path)
#define NAMES_MAX 1024

/* An address as accept4, getsockname and getpeername have it. */
struct named {
	u32 len;
	u8 addr[sizeof(struct sockaddr_storage)];
};

/* ---- names of bound sockets ----------------------------------------------------------------- */

struct bound {
	ino_t ino; /* of the socket */
	char host[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	char guest[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
};

/* The newest names; the oldest gives way. lock protects all of it. */
static struct {
	pthread_mutex_t lock;
	struct bound name[NAMES_MAX];
	u32 next;
} bound = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void remember(int file, const char *host, const char *guest)
{
	struct stat st;
	struct bound *b;

	if (HOST_CALL(fstat, (u64)file, (u64)&st) < 0)
		return;
	pthread_mutex_lock(&bound.lock);
	b = &bound.name[bound.next++ % NAMES_MAX];
	b->ino = st.st_ino;
	strcpy(b->host, host);
	strcpy(b->guest, guest);
	pthread_mutex_unlock(&bound.lock);
}

/*
 * Replaces the name in an address by the guest's. file: the socket whose own address it is, or -1.
 * An address has at most sizeof(struct sockaddr_storage) bytes of space.
 */
static void to_guest(int file, void *addr, u32 *len)
{
	struct sockaddr_un *un = addr;
	const struct bound *found = NULL;
	char host[sizeof(un->sun_path) + 1] = "";
	struct stat st = {0};

	if (*len <= UN_PATH || un->sun_family != AF_UNIX || un->sun_path[0] == '\0')
		return;
	memcpy(host, un->sun_path, MIN((size_t)*len - UN_PATH, sizeof(un->sun_path)));
	if (file >= 0)
		HOST_CALL(fstat, (u64)file, (u64)&st);
	pthread_mutex_lock(&bound.lock);
	for (u32 i = 0; i < NAMES_MAX && (!found || found->ino != st.st_ino); i++) {
		const struct bound *b = &bound.name[(bound.next - 1 - i) % NAMES_MAX];

		if (b->host[0] && !strcmp(b->host, host) && (!found || b->ino == st.st_ino))
			found = b;
	}
	if (found) {
		size_t n = strlen(found->guest);

		memcpy(un->sun_path, found->guest, n + 1);
		*len = (u32)(UN_PATH + n + 1);
	}
	pthread_mutex_unlock(&bound.lock);
}

/* ---- addresses from the guest --------------------------------------------------------------- */

/*
 * Copies the path of a unix address. Returns 0, -EPERM for an abstract or missing name, or -EINVAL.
 */
static s64 unix_path(const void *addr, u32 len, char path[static 109])
{
	const struct sockaddr_un *un = addr;

	if (len <= UN_PATH || un->sun_path[0] == '\0')
		return -EPERM;
	if (len > sizeof(*un))
		return -EINVAL;
	memcpy(path, un->sun_path, len - UN_PATH);
	path[len - UN_PATH] = '\0';
	return 0;
}

static socklen_t fill(struct sockaddr_un *un, const char *path)
{
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, path);
	return (socklen_t)(UN_PATH + strlen(path) + 1);
}

/*
 * Finds the socket that an address names. Returns 0, and its name for the host in *un and *len,
 * good until view_put(at); or -errno.
 */
static s64 find_socket(int dir, const void *addr, u32 addr_len, struct view_at *at,
		       struct sockaddr_un *un, u32 *len)
{
	char path[109];
	s64 err = unix_path(addr, addr_len, path);

	if (err == 0)
		err = view_find(dir, path, VIEW_FOLLOW, 0, at);
	if (err < 0)
		return err;
	if (!S_ISSOCK(at->st.st_mode))
		return -ECONNREFUSED;
	if (!at->rule || jail_may_change(at) < 0)
		return -EACCES;
	*len = fill(un, jail_link(at->fd).path);
	return 0;
}

/* ---- calls ---------------------------------------------------------------------------------- */

static s64 jail_socket(struct call *c)
{
	s64 ret = net_may_make(c->arg[0].value, c->arg[1].value, c->arg[2].value);

	/* The name server is asked by UDP, which the host has none of for this sandbox. */
	if (inside_socket(c, c->arg[0].value, c->arg[1].value, c->arg[2].value, &ret))
		return ret;
	return hc_do_socket(c, c->arg[0].value, c->arg[1].value, c->arg[2].value);
}

static s64 jail_setsockopt(struct call *c)
{
	s64 ret;

	if (inside_set_option(c->arg[0].fd, c->arg[1].value, c->arg[2].value, &ret))
		return ret;
	return hc_do_setsockopt(c, c->arg[0].fd, c->arg[1].value, c->arg[2].value, c->arg[3].buf,
				c->arg[3].len, c->arg[4].value);
}

static s64 jail_getsockopt(struct call *c)
{
	s64 ret;

	if (inside_get_option(c->arg[0].fd, c->arg[1].value, c->arg[2].value, c->arg[3].buf,
			      c->arg[3].len, &ret)) {
		c->out_bytes = ret < 0 ? 0 : (u32)ret;
		return ret;
	}
	return hc_do_getsockopt(c, c->arg[0].fd, c->arg[1].value, c->arg[2].value, c->arg[3].buf,
				c->arg[3].len);
}

/* Returns true for an address that is none of a unix socket: net.h decides about it. */
static bool is_foreign(const void *addr, u32 len)
{
	const struct sockaddr *a = addr;

	return len < sizeof(a->sa_family) || a->sa_family != AF_UNIX;
}

static s64 jail_bind(struct call *c)
{
	int file = c->arg[0].fd;
	struct view_at at = {.fd = -1, .dir = -1};
	struct sockaddr_un un;
	char path[109];
	s64 err;

	if (inside_bind(file, c->arg[2].buf, c->arg[2].len, &err))
		return err;
	if (is_foreign(c->arg[2].buf, c->arg[2].len))
		return hc_do_bind(c, file, -1, c->arg[2].buf, c->arg[2].len);
	err = unix_path(c->arg[2].buf, c->arg[2].len, path);
	if (err == 0)
		err = jail_find_new(c->arg[1].fd, path, false, &at);
	if (err == -EEXIST)
		err = -EADDRINUSE;
	else if (err == -EROFS)
		err = -EACCES;
	else if (err == 0 && strlen(at.name) >= sizeof(un.sun_path))
		err = -ENAMETOOLONG;
	if (err == 0)
		err = hc_do_bind(c, file, at.dir, &un, fill(&un, at.name));
	if (err == 0)
		remember(file, at.name, path);
	view_put(&at);
	return err;
}

static s64 jail_connect(struct call *c)
{
	const void *addr = c->arg[2].buf;
	u32 addr_len = c->arg[2].len, len;
	struct view_at at = {.fd = -1, .dir = -1};
	struct sockaddr_un un;
	s64 err;

	if (inside_connect(c, c->arg[0].fd, addr, addr_len, &err))
		return err;
	if (is_foreign(addr, addr_len))
		return hc_do_connect(c, c->arg[0].fd, -1, addr, addr_len);
	err = find_socket(c->arg[1].fd, addr, addr_len, &at, &un, &len);
	if (err == 0)
		err = hc_do_connect(c, c->arg[0].fd, -1, &un, len);
	view_put(&at);
	return err;
}

static s64 jail_sendmsg(struct call *c)
{
	const void *addr = c->arg[2].buf;
	u32 len = c->arg[2].len;
	struct view_at at = {.fd = -1, .dir = -1};
	struct sockaddr_un un;
	s64 ret = 0;

	/* Without control messages, which a pair of unix sockets understands otherwise. */
	if (inside_may_send(c->arg[0].fd, addr, len, &ret))
		return ret < 0 ? ret
			       : hc_do_sendmsg(c, c->arg[0].fd, -1, NULL, 0, c->arg[3].iov,
					       c->arg[3].len, NULL, 0, c->arg[5].value);
	if (len > 0 && !is_foreign(addr, len)) {
		ret = find_socket(c->arg[1].fd, addr, len, &at, &un, &len);
		addr = &un;
	}
	if (ret == 0)
		ret = hc_do_sendmsg(c, c->arg[0].fd, -1, addr, len, c->arg[3].iov, c->arg[3].len,
				    c->arg[4].buf, c->arg[4].len, c->arg[5].value);
	view_put(&at);
	return ret;
}

static s64 jail_recvmsg(struct call *c)
{
	struct hostcall_recv *recv = c->arg[2].buf;
	s64 ret = hc_do_recvmsg(c, c->arg[0].fd, c->arg[1].iov, c->arg[1].len, c->arg[2].buf,
				c->arg[2].len, c->arg[3].value);

	if (ret >= 0 && !inside_source(c->arg[0].fd, recv->addr, &recv->addr_len))
		to_guest(-1, recv->addr, &recv->addr_len);
	return ret;
}

static s64 jail_accept4(struct call *c)
{
	struct named *named = c->arg[2].buf;
	s64 fd = hc_do_accept4(c, c->arg[0].fd, c->arg[1].value, named, c->arg[2].len);

	if (fd >= 0 && named)
		to_guest(-1, named->addr, &named->len);
	return fd;
}

static s64 jail_getsockname(struct call *c)
{
	struct named *named = c->arg[1].buf;
	s64 err = hc_do_getsockname(c, c->arg[0].fd, named, c->arg[1].len);

	if (err != -EINVAL && inside_name(c->arg[0].fd, false, named->addr, &named->len, &err))
		return err;
	if (err == 0)
		to_guest(c->arg[0].fd, named->addr, &named->len);
	return err;
}

static s64 jail_getpeername(struct call *c)
{
	struct named *named = c->arg[1].buf;
	s64 err = hc_do_getpeername(c, c->arg[0].fd, named, c->arg[1].len);

	if (err != -EINVAL && inside_name(c->arg[0].fd, true, named->addr, &named->len, &err))
		return err;
	if (err == 0)
		to_guest(-1, named->addr, &named->len);
	return err;
}

/* Processes outside are out of reach; stopping the monitor only stops the sandbox. */
static s64 jail_kill_outside(struct call *c)
{
	if ((s32)c->arg[0].value != getpid())
		return -EPERM;
	return hc_do_kill_outside(c, c->arg[0].value, c->arg[1].value);
}

jail_call *jail_socket_call(u32 nr)
{
	switch (nr) {
	case HC_socket:
		return jail_socket;
	case HC_setsockopt:
		return jail_setsockopt;
	case HC_getsockopt:
		return jail_getsockopt;
	case HC_bind:
		return jail_bind;
	case HC_connect:
		return jail_connect;
	case HC_sendmsg:
		return jail_sendmsg;
	case HC_recvmsg:
		return jail_recvmsg;
	case HC_accept4:
		return jail_accept4;
	case HC_getsockname:
		return jail_getsockname;
	case HC_getpeername:
		return jail_getpeername;
	case HC_kill_outside:
		return jail_kill_outside;
	default:
		return NULL;
	}
}
