// SPDX-License-Identifier: MIT
/*
 * The bodies of exitless calls (common/hostcall.h). The worker serves all vCPUs, so it must not
 * sleep. A call that may sleep is made in a nonblocking form. If that form says that the call would
 * have to wait, or if it could do only a part of the work, the vCPU's own thread makes the call
 * instead.
 *
 * Regular files do not count as sleeping, because only the disk has to answer. A regular file of
 * size 0 does count, because the files of /proc and of tracefs have that size, and some of these
 * make a reader wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "vm/hostcall.h"

#define MEM_MAJOR 1 /* /dev/null, /dev/zero and others: Linux's devices.txt */

enum how { MAY_BLOCK, NEVER_SLEEPS, READS, WRITES, WAITS, CLOSES };

static const u8 nonblocking[HC_MAX] = {
#define X(name, how) [HC_##name] = how,
	HOSTCALL_NONBLOCKING(X)
#undef X
};

bool hostcall_is_nonblocking(u32 nr)
{
	return nr < HC_MAX && nonblocking[nr];
}

static bool is_memory(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && major(st->st_rdev) == MEM_MAJOR;
}

/* Reads an option of a socket. Returns 0, or a negative number on failure. */
static int option(u64 file, int name, void *value, socklen_t len)
{
	return (int)HOST_CALL(getsockopt, file, SOL_SOCKET, (u64)name, (u64)value, (u64)&len);
}

/* Returns true if a reader of this socket waits for more than one byte (SO_RCVLOWAT). */
static bool wants_more(u64 file)
{
	int least = 1;

	return option(file, SO_RCVLOWAT, &least, sizeof(least)) == 0 && least > 1;
}

/*
 * A transfer between memory and a pipe or socket. A write that may be partial is made only on a
 * nonblocking file, whose program expects that. A write of at most PIPE_BUF bytes to a pipe is
 * never partial.
 */
static s64 transfer(struct call *c, const struct stat *st)
{
	bool writes = nonblocking[c->nr] == WRITES;
	bool placed = c->nr == HC_preadv2 || c->nr == HC_pwritev2;
	const struct hc_arg *a = c->arg;
	u64 raw[6] = {a[0].value, (u64)a[1].iov, a[1].len, -1UL, 0, RWF_NOWAIT};
	s64 ret;

	if (placed && (a[2].value != -1UL || a[3].value))
		return -HOSTCALL_SLEEPS;
	if (writes && !(S_ISFIFO(st->st_mode) && iov_bytes(a[1].iov, a[1].len) <= PIPE_BUF)) {
		ret = HOST_CALL(fcntl, a[0].value, F_GETFL);
		if (ret < 0 || !(ret & O_NONBLOCK))
			return -HOSTCALL_SLEEPS;
	}
	if (!writes && S_ISSOCK(st->st_mode) && wants_more(a[0].value))
		return -HOSTCALL_SLEEPS;
	ret = host_syscall(writes ? SYS_pwritev2 : SYS_preadv2, raw);
	return ret == -EAGAIN || ret == -EOPNOTSUPP ? -HOSTCALL_SLEEPS : ret;
}

static s64 read_or_write(struct call *c, s64 (*run)(struct call *c))
{
	struct stat st;

	if (c->arg[0].fd < 0 || HOST_CALL(fstat, c->arg[0].value, (u64)&st) < 0)
		return -HOSTCALL_SLEEPS;
	if ((S_ISREG(st.st_mode) && st.st_size > 0) || is_memory(&st))
		return run(c);
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
		return transfer(c, &st);
	return -HOSTCALL_SLEEPS;
}

/*
 * The last close of a terminal may wait until its output is sent. That of a socket may wait, too,
 * if SO_LINGER is set.
 */
static s64 close_file(struct call *c, s64 (*run)(struct call *c))
{
	const struct hc_arg *file = &c->arg[c->nr == HC_lookup ? 1 : 0];
	struct linger linger = {0};
	struct stat st;

	if (file->fd < 0)
		return run(c);
	if (HOST_CALL(fstat, file->value, (u64)&st) < 0)
		return -HOSTCALL_SLEEPS;
	if (S_ISCHR(st.st_mode) && !is_memory(&st))
		return -HOSTCALL_SLEEPS;
	if (S_ISSOCK(st.st_mode) &&
	    (option(file->value, SO_LINGER, &linger, sizeof(linger)) < 0 || linger.l_onoff))
		return -HOSTCALL_SLEEPS;
	return run(c);
}

/*
 * Polls with a timeout of 0. "Nothing is ready" is an answer only if the caller's own timeout is 0.
 */
static s64 wait_not(struct call *c, s64 (*run)(struct call *c))
{
	struct hc_arg *timeout = &c->arg[c->nr == HC_poll ? 1 : 2];
	bool waits = timeout->value != 0;
	s64 ret;

	timeout->value = 0;
	ret = run(c);
	return (ret == 0 && waits) || ret == -EINTR ? -HOSTCALL_SLEEPS : ret;
}

s64 hostcall_nonblocking(struct call *c, s64 (*run)(struct call *c))
{
	switch ((enum how)nonblocking[c->nr]) {
	case NEVER_SLEEPS:
		return run(c);
	case READS:
	case WRITES:
		return read_or_write(c, run);
	case WAITS:
		return wait_not(c, run);
	case CLOSES:
		return close_file(c, run);
	case MAY_BLOCK:
		break;
	}
	return -HOSTCALL_SLEEPS;
}
