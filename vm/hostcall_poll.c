// SPDX-License-Identifier: MIT
/* Hostcalls that wait for files. Timeouts are relative, in nanoseconds; -1 is no limit. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include "vm/handle.h"
#include "vm/hostcall.h"

#define POLL_MAX 2032 /* most struct pollfd in a hostcall's buffer */

/* Converts a timeout for the host call. Returns NULL for no limit. */
static const struct timespec *limit(struct timespec *ts, u64 timeout_ns)
{
	if ((s64)timeout_ns < 0)
		return NULL;
	ts->tv_sec = (time_t)(timeout_ns / 1000000000);
	ts->tv_nsec = (long)(timeout_ns % 1000000000);
	return ts;
}

/*
 * ppoll(2) of the monitor's own copy of the array; holds references to the handles meanwhile.
 * number has space for count entries.
 */
static s64 poll_handles(struct call *c, struct pollfd *pfd, s32 *number, u32 count, u64 timeout_ns)
{
	struct timespec ts;
	s64 ret = 0;
	u32 held;

	for (held = 0; held < count; held++) {
		number[held] = pfd[held].fd;
		if (number[held] < 0)
			continue; /* poll(2) ignores it */
		ret = handle_get((u64)number[held]);
		if (ret < 0)
			break;
	}
	if (ret >= 0)
		ret = HOST_SLEEP(c, ppoll, (u64)pfd, count, (u64)limit(&ts, timeout_ns), 0, 0);
	while (held-- > 0)
		if (number[held] >= 0)
			handle_put(number[held]);
	return ret;
}

s64 hc_do_poll(struct call *c, void *fds, u32 fds_len, u64 timeout_ns)
{
	u32 count = fds_len / sizeof(struct pollfd);
	s32 number[POLL_MAX];

	_Static_assert(HOSTCALL_AREA_SIZE / sizeof(struct pollfd) <= POLL_MAX + 16,
		       "POLL_MAX covers a whole area");
	if (fds_len % sizeof(struct pollfd) != 0 || count > POLL_MAX)
		return -EINVAL;
	return poll_handles(c, fds, number, count, timeout_ns);
}

s64 hc_do_poll_many(struct call *c, const struct iovec *fds, u32 fds_count, u64 timeout_ns)
{
	u64 bytes = iov_bytes(fds, fds_count), count = bytes / sizeof(struct pollfd);
	struct iovec local = {NULL, bytes};
	u64 pid = (u64)getpid();
	struct pollfd *pfd;
	s64 ret;

	if (bytes % sizeof(*pfd) != 0 || count > HANDLE_MAX)
		return -EINVAL;
	/* The numbers of the handles lie behind the array. */
	local.iov_base = pfd = malloc(bytes + count * sizeof(s32) + 1);
	if (!pfd)
		return -ENOMEM;
	ret = HOST_CALL(process_vm_readv, pid, (u64)&local, 1, (u64)fds, fds_count, 0);
	ret = ret == (s64)bytes ? 0 : -EFAULT;
	if (ret == 0)
		ret = poll_handles(c, pfd, (s32 *)(pfd + count), (u32)count, timeout_ns);
	if (ret > 0 &&
	    HOST_CALL(process_vm_writev, pid, (u64)&local, 1, (u64)fds, fds_count, 0) != (s64)bytes)
		ret = -EFAULT;
	free(pfd);
	return ret;
}

s64 hc_do_epoll_wait(struct call *c, int epoll, void *events, u32 events_len, u64 timeout_ns)
{
	u64 max = events_len / sizeof(struct epoll_event);
	struct timespec ts;
	s64 ret, ms;

	ret = HOST_SLEEP(c, epoll_pwait2, (u64)epoll, (u64)events, max, (u64)limit(&ts, timeout_ns),
			 0, 0);
	if (ret == -ENOSYS) { /* Linux before 5.11: milliseconds, rounded up */
		ms = (s64)timeout_ns < 0
			     ? -1
			     : (s64)MIN((timeout_ns + 999999) / 1000000, (u64)INT32_MAX);
		ret = HOST_SLEEP(c, epoll_wait, (u64)epoll, (u64)events, max, (u64)ms);
	}
	c->out_bytes = ret > 0 ? (u32)((u64)ret * sizeof(struct epoll_event)) : 0;
	return ret;
}
