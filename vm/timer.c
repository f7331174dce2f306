// SPDX-License-Identifier: MIT
/*
 * Timers and clocks. A guest's timer is a POSIX timer of the host that sends the kick signal, with
 * the timer's number, to vCPU 0's thread. The host queues at most one signal for each timer.
 *
 * The guest names a timer by an index of this file's table, never by the host's timer id.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <x86intrin.h>
#include "vm/hostcall.h"
#include "vm/timer.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define TIMERS	   64
#define BOUNDED_NS 2000000

static struct {
	pthread_mutex_t lock; /* of all fields; held over host calls, which do not sleep */
	u64 used;	      /* bit n: timer n exists */
	int id[TIMERS];	      /* the host's timer ids */
} timers = {.lock = PTHREAD_MUTEX_INITIALIZER};

void timer_expired(struct sandbox *s, int n)
{
	struct vcpu *v = s->vcpu[0];

	if (!v || n < 0 || n >= TIMERS)
		return;
	__atomic_fetch_or(&v->data->timers_expired, 1UL << n, __ATOMIC_SEQ_CST);
	__atomic_store_n(&v->data->upcall, 1, __ATOMIC_SEQ_CST);
}

s64 hc_do_timer_create(struct call *c, u64 clock)
{
	struct sigevent event;
	struct vcpu *v = c->s->vcpu[0];
	s64 ret = -EAGAIN;
	int n;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
		break;
	default:
		return -EINVAL;
	}
	if (!v)
		return -EINVAL;
	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_THREAD_ID;
	event.sigev_signo = VCPU_KICK_SIGNAL;
	event.sigev_notify_thread_id = v->tid;

	pthread_mutex_lock(&timers.lock);
	if (~timers.used) {
		n = __builtin_ctzll(~timers.used);
		event.sigev_value.sival_int = n;
		ret = HOST_CALL(timer_create, clock, (u64)&event, (u64)&timers.id[n]);
		if (ret >= 0) {
			timers.used |= 1UL << n;
			ret = n;
		}
	}
	pthread_mutex_unlock(&timers.lock);
	return ret;
}

s64 host_call_bounded(struct call *c, long nr, const u64 arg[6])
{
	const struct itimerspec soon = {{0, BOUNDED_NS}, {0, BOUNDED_NS}};
	struct sigevent event;
	int id;
	s64 ret;

	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_THREAD_ID;
	event.sigev_signo = VCPU_KICK_SIGNAL;
	event.sigev_notify_thread_id = c->v->tid;
	event.sigev_value.sival_int = -1; /* not a timer of the guest */
	ret = HOST_CALL(timer_create, CLOCK_MONOTONIC, (u64)&event, (u64)&id);
	if (ret < 0)
		return -EINTR;
	/* Periodic, because the first signal may come before the call sleeps. */
	ret = HOST_CALL(timer_settime, (u64)id, 0, (u64)&soon, 0);
	if (ret == 0)
		ret = host_syscall(nr, arg);
	HOST_CALL(timer_delete, (u64)id);
	return ret;
}

/*
 * Locks and returns the host's id of timer n. Returns -EINVAL without the lock if there is no timer
 * n.
 */
static s64 lock_timer(u64 n)
{
	pthread_mutex_lock(&timers.lock);
	if (n < TIMERS && (timers.used >> n & 1))
		return timers.id[n];
	pthread_mutex_unlock(&timers.lock);
	return -EINVAL;
}

s64 hc_do_timer_settime(struct call *c, u64 timer, u64 flags, const void *value, u32 value_len,
			void *old, u32 old_len)
{
	s64 id, ret;

	(void)c, (void)value_len, (void)old_len; /* buffers of a fixed size: see hostcall.c */
	id = lock_timer(timer);
	if (id < 0)
		return id;
	ret = HOST_CALL(timer_settime, (u64)id, flags, (u64)value, (u64)old);
	pthread_mutex_unlock(&timers.lock);
	return ret;
}

s64 hc_do_timer_gettime(struct call *c, u64 timer, void *value, u32 value_len)
{
	s64 id, ret;

	(void)c, (void)value_len;
	id = lock_timer(timer);
	if (id < 0)
		return id;
	ret = HOST_CALL(timer_gettime, (u64)id, (u64)value);
	pthread_mutex_unlock(&timers.lock);
	return ret;
}

s64 hc_do_timer_delete(struct call *c, u64 timer)
{
	s64 id = lock_timer(timer);
	s64 ret;

	(void)c;
	if (id < 0)
		return id;
	ret = HOST_CALL(timer_delete, (u64)id);
	timers.used &= ~(1UL << timer);
	pthread_mutex_unlock(&timers.lock);
	return ret;
}

static u64 now_ns(clockid_t clock)
{
	struct timespec ts = {0, 0};

	clock_gettime(clock, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

s64 hc_do_clock_read(struct call *c, void *clock, u32 clock_len)
{
	struct hostcall_clock best = {0};
	s64 khz = HOST_CALL(ioctl, (u64)c->v->fd, KVM_GET_TSC_KHZ);
	u64 spread = UINT64_MAX;

	if (clock_len < sizeof(best))
		return -EINVAL;
	/*
	 * An interrupt between the readings makes them lie far apart, so the closest ones of five
	 * tries count.
	 */
	for (int i = 0; i < 5; i++) {
		struct hostcall_clock r = {0};
		u64 start = __rdtsc();
		u64 end;

		r.monotonic_ns = now_ns(CLOCK_MONOTONIC);
		r.realtime_ns = now_ns(CLOCK_REALTIME);
		r.boottime_ns = now_ns(CLOCK_BOOTTIME);
		end = __rdtsc();
		r.tsc = start + (end - start) / 2;
		if (end - start < spread) {
			spread = end - start;
			best = r;
		}
	}
	best.tsc_khz = khz > 0 ? (u32)khz : 0;
	memcpy(clock, &best, sizeof(best));
	return 0;
}

s64 hc_do_clock_nanosleep(struct call *c, u64 clock, u64 flags, const void *req, u32 req_len,
			  void *rem, u32 rem_len)
{
	(void)req_len, (void)rem_len;
	/* If a kick comes before the host call begins, all of the time is left. */
	if (req && rem && !(flags & TIMER_ABSTIME))
		memcpy(rem, req, sizeof(struct timespec));
	return HOST_SLEEP(c, clock_nanosleep, clock, flags, (u64)req, (u64)rem);
}
