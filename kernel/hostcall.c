// SPDX-License-Identifier: MIT
/*
 * Marshalling of hostcalls into this vCPU's area (common/hostcall.h has the format). Buffers lie
 * one after another in the area, 8-byte aligned. The results of out and inout parameters are copied
 * back from there.
 */
#include "common/boot_info.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/park.h"
#include "kernel/stats.h"
#include "kernel/trace.h"

/*
 * Reserves len bytes at *at, the next free offset in the area, and advances it. *arg: the argument
 * that describes the buffer to the monitor. Returns NULL if the area is full.
 */
static u8 *reserve(struct hostcall_frame *frame, u32 *at, u64 len, u64 *arg)
{
	u8 *p = (u8 *)frame + *at;

	if (len > HOSTCALL_AREA_SIZE - *at)
		return NULL;
	*arg = (u64)*at << 32 | len;
	*at = ALIGN_UP(*at + (u32)len, 8u);
	return p;
}

_Static_assert(HOSTCALL_AGAIN == ERESTARTNOINTR, "such a result needs no translation");

/*
 * How long to wait until the worker takes an exitless call (TAKE_) and for its result (SERVE_): a
 * number of microseconds, or a share or multiple of what the doorbell costs, whichever is longer.
 * So a call that no worker takes costs little more than an exit.
 */
#define TAKE_US	    3
#define TAKE_SHARE  6
#define SERVE_US    200
#define SERVE_RINGS 12

static u64 least; /* TSC cycles of the shortest call that rang the doorbell; 0: none did */

static const bool nonblocking[HC_MAX] = {
#define X(name, how) [HC_##name] = true,
	HOSTCALL_NONBLOCKING(X)
#undef X
};

/*
 * Hostcalls whose result does not depend on the identity of the caller. The others are made with
 * the running thread's identity: they open, make, change or look up names, or the host stores who
 * made the call.
 */
static const bool for_anybody[HC_MAX] = {
	[HC_exit] = true,
	[HC_panic] = true,
	[HC_boot_failed] = true,
	[HC_log] = true,
	[HC_trace] = true,
	[HC_ready] = true,
	[HC_stats] = true,
	[HC_end_info] = true,
	[HC_executed] = true,
	[HC_tick] = true,
	[HC_ram_grow] = true,
	[HC_ram_discard] = true,
	[HC_window_map] = true,
	[HC_window_unmap] = true,
	[HC_release] = true,
	[HC_window_file_size] = true,
	[HC_window_sync] = true,
	[HC_window_advise] = true,
	[HC_window_resident] = true,
	[HC_vcpu_start] = true,
	[HC_vcpu_kick] = true,
	[HC_wait] = true,
	[HC_wake] = true,
	[HC_sched_yield] = true,
	[HC_sched_getaffinity] = true,
	[HC_cpu_time] = true,
	[HC_ids] = true,
	[HC_getcpu] = true,
	[HC_clock_read] = true,
	[HC_clock_gettime] = true,
	[HC_clock_getres] = true,
	[HC_clock_nanosleep] = true,
	[HC_timer_settime] = true,
	[HC_timer_gettime] = true,
	[HC_timer_delete] = true,
	[HC_close] = true,
	[HC_dup] = true,
	[HC_handle_path] = true,
	[HC_fstat] = true,
	[HC_fstatfs] = true,
	[HC_readv] = true,
	[HC_preadv2] = true,
	[HC_lseek] = true,
	[HC_getdents64] = true,
	[HC_fsync] = true,
	[HC_fdatasync] = true,
	[HC_flock] = true,
	[HC_fcntl_lock] = true,
	[HC_same_file] = true,
	[HC_sync] = true,
	[HC_timerfd_settime] = true,
	[HC_timerfd_gettime] = true,
	[HC_inotify_rm_watch] = true,
	[HC_poll] = true,
	[HC_epoll_ctl] = true,
	[HC_epoll_wait] = true,
	[HC_poll_many] = true,
	[HC_accept4] = true,
	[HC_getsockname] = true,
	[HC_getpeername] = true,
	[HC_shutdown] = true,
	[HC_recvmsg] = true,
	[HC_getrandom] = true,
	[HC_uname] = true,
	[HC_sysinfo] = true,
	[HC_membarrier] = true,
	[HC_check_report] = true,
	[HC_check_summary] = true,
	[HC_check_library] = true,
	[HC_gdb_stub] = true,
};

static const bool sleeping[HC_MAX] = {
#define X(name) [HC_##name] = true,
	HOSTCALL_SLEEPING(X)
#undef X
};

/* The sleeping ones that usually wait for an event, and not for a disk. */
static const bool waits[HC_MAX] = {
	[HC_wait] = true,      [HC_clock_nanosleep] = true, [HC_readv] = true,
	[HC_flock] = true,     [HC_fcntl_lock] = true,	    [HC_poll] = true,
	[HC_poll_many] = true, [HC_epoll_wait] = true,	    [HC_connect] = true,
	[HC_accept4] = true,   [HC_sendmsg] = true,	    [HC_recvmsg] = true,
};

static const bool served[HC_MAX] = {
#define X(name) [HC_##name] = true,
	HOSTCALL_SERVED(X)
#undef X
};

static void ring(void)
{
	struct vcpu_data *d = arch_vcpu_data();
	u64 start = arch_rdtsc(), took;

	/* Set before the monitor reads the upcall word: arch_vcpu_notify. */
	__atomic_exchange_n(&d->in_hostcall, 1, __ATOMIC_SEQ_CST);
	arch_doorbell();
	__atomic_store_n(&d->in_hostcall, 0, __ATOMIC_RELEASE);
	took = arch_rdtsc() - start;
	if (!least || took < READ_ONCE(least))
		WRITE_ONCE(least, took);
}

u64 hostcall_cost(void)
{
	return READ_ONCE(least);
}

u64 hostcall_cost_ns(void)
{
	return boot->tsc_khz ? hostcall_cost() * 1000000 / boot->tsc_khz : 0;
}

u64 hostcall_cpu_ns(const struct vcpu_data *d)
{
	u64 ns, tsc;
	u32 seq;

	do {
		seq = __atomic_load_n(&d->time_seq, __ATOMIC_ACQUIRE);
		ns = READ_ONCE(d->cpu_ns);
		tsc = READ_ONCE(d->cpu_tsc);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (seq & 1 || seq != READ_ONCE(d->time_seq));
	tsc = arch_rdtsc() - tsc;
	/* The TSC of the monitor's CPU may be ahead of this CPU's, so the difference can be < 0. */
	return boot->tsc_khz && (s64)tsc > 0 ? ns + tsc * 1000000 / boot->tsc_khz : ns;
}

/* Waits while .state is state, for a limited time. Returns the last value that it saw. */
static u32 wait_while(struct hostcall_frame *frame, u32 state, u32 us, u64 cycles)
{
	u64 end = arch_rdtsc() + MAX((u64)us * (boot->tsc_khz / 1000), cycles);
	u32 now;

	while ((now = __atomic_load_n(&frame->state, __ATOMIC_ACQUIRE)) == state) {
		if (arch_rdtsc() > end)
			break;
		arch_pause();
	}
	return now;
}

/*
 * Gives the CPU to another vCPU. The scheduler's lock may need hostcalls of its own, to wait for it
 * or to wake its next owner. These use all of the frame but the data, so the frame is kept here.
 */
static void sleep_begin(struct hostcall_frame *frame)
{
	const struct hostcall_frame mine = *frame;
	u64 wakes = host_sleep_begin();

	*frame = mine;
	frame->wakes = wakes;
}

/* Rings the doorbell: the vCPU's own host thread serves the call in the frame. */
static void ring_for(struct hostcall_frame *frame, bool sleeps)
{
	frame->wakes = 0;
	if (!sleeps) {
		ring();
		return;
	}
	/* While the worker serves the call the frame is the worker's, and the worker does not
	 * sleep. */
	while (__atomic_load_n(&frame->state, __ATOMIC_ACQUIRE) == HOSTCALL_TAKEN)
		arch_pause();
	if (__atomic_load_n(&frame->state, __ATOMIC_ACQUIRE) == HOSTCALL_DONE)
		return;
	sleep_begin(frame);
	ring();
	host_sleep_end();
}

/* Tries the exitless path. Returns false if the caller has to ring the doorbell. */
static bool exitless(struct hostcall_frame *frame, enum hostcall_nr nr)
{
	struct vcpu_data *shared = arch_exitless_data();
	u32 id = arch_vcpu_data()->id, state;

	if (!shared || !READ_ONCE(shared->worker_on) || id >= HOSTCALL_EXITLESS_VCPUS ||
	    !nonblocking[nr])
		return false;
	__atomic_store_n(&frame->state, HOSTCALL_SUBMITTED, __ATOMIC_RELEASE);
	__atomic_fetch_or(&shared->submitted, 1UL << id, __ATOMIC_SEQ_CST);
	state = wait_while(frame, HOSTCALL_SUBMITTED, TAKE_US, hostcall_cost() / TAKE_SHARE);
	if (state == HOSTCALL_SUBMITTED &&
	    __atomic_compare_exchange_n(&frame->state, &state, HOSTCALL_IDLE, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		WRITE_ONCE(shared->worker_on, 0); /* until the worker sets it again */
		return false;
	}
	state = wait_while(frame, HOSTCALL_TAKEN, SERVE_US, hostcall_cost() * SERVE_RINGS);
	STATS_ADD(exitless, state == HOSTCALL_DONE);
	return state == HOSTCALL_DONE;
}

/*
 * Lets the Linux module serve the call, if there is one and it can. Returns false if the caller has
 * to ring the doorbell.
 */
static bool module_served(struct hostcall_frame *frame, enum hostcall_nr nr)
{
	struct vcpu_data *d = arch_vcpu_data();

	if (!READ_ONCE(d->module_serves) || !served[nr])
		return false;
	frame->wakes = 0;
	__atomic_store_n(&frame->state, HOSTCALL_SUBMITTED, __ATOMIC_RELEASE);
	__atomic_exchange_n(&d->in_hostcall, 1, __ATOMIC_SEQ_CST); /* as in ring() */
	arch_module_doorbell();
	__atomic_store_n(&d->in_hostcall, 0, __ATOMIC_RELEASE);
	return __atomic_load_n(&frame->state, __ATOMIC_ACQUIRE) == HOSTCALL_DONE;
}

s64 hostcall_make(enum hostcall_nr nr, const struct hostcall_param *params, unsigned count)
{
	struct hostcall_frame *frame = arch_hostcall_frame();
	u32 at = HOSTCALL_DATA_OFFSET;
	u8 *buffer[HOSTCALL_ARGS + 1];
	unsigned n = 0;
	s64 ret;
	bool sleeps = sleeping[nr] && !(nr == HC_wait && params[2].value == HOSTCALL_WAIT_LOCK);
	struct vcpu_data *d;
	u64 start, cpu, now;

	if (sleeps)
		host_sleep_prepare();
	if (sleeps && waits[nr])
		trace_flush();
	if (!for_anybody[nr]) {
		ret = host_ids_settle();
		if (ret < 0)
			return ret;
	}
	frame->nr = nr;
	for (unsigned i = 0; i < count; i++) {
		const struct hostcall_param *p = &params[i];
		const struct segs *segs = (const struct segs *)p->value;
		const void *data = (const void *)p->value;
		u64 len = p->len;

		switch (p->kind) {
		case HC_KIND_none:
		case HC_KIND_len:
			continue;
		case HC_KIND_int:
		case HC_KIND_handle:
			frame->arg[n++] = p->value;
			continue;
		case HC_KIND_path:
			len = strlen(data) + 1;
			break;
		case HC_KIND_segs_in:
		case HC_KIND_segs_out:
			data = segs->seg;
			len = segs->count * sizeof(*segs->seg);
			break;
		case HC_KIND_in:
		case HC_KIND_out:
		case HC_KIND_inout:
			break;
		}
		buffer[i] = reserve(frame, &at, len, &frame->arg[n++]);
		if (!buffer[i])
			return -EINVAL;
		if (p->kind != HC_KIND_out && len)
			memcpy(buffer[i], data, len);
	}

	d = arch_vcpu_data();
	cpu = hostcall_cpu_ns(d);
	start = arch_rdtsc();
	if (!exitless(frame, nr) && !module_served(frame, nr))
		ring_for(frame, sleeps);
	now = hostcall_cpu_ns(d);
	d->system_ns += now - MIN(cpu, now);
	WRITE_ONCE(frame->state, HOSTCALL_IDLE);
	ret = READ_ONCE(frame->ret);
	STATS_INC(hostcalls);
	STATS_INC(hostcall[nr].calls);
	STATS_ADD(hostcall[nr].cycles, arch_rdtsc() - start);

	for (unsigned i = 0; i < count; i++)
		if ((params[i].kind == HC_KIND_out || params[i].kind == HC_KIND_inout) &&
		    params[i].len)
			memcpy((void *)params[i].value, buffer[i], params[i].len);
	return ret;
}

static void release_now(struct release *r)
{
	if (r->count)
		hc_release(r->what, r->count * (u32)sizeof(r->what[0]));
	r->count = 0;
}

void release_begin(struct release *r)
{
	KASSERT(!arch_vcpu_data()->release);
	r->count = 0;
	arch_vcpu_data()->release = (u64)r;
}

void release_end(struct release *r)
{
	KASSERT(arch_vcpu_data()->release == (u64)r);
	arch_vcpu_data()->release = 0;
	release_now(r);
}

bool release_later(bool window, u32 number)
{
	struct release *r = (struct release *)arch_vcpu_data()->release;

	if (!r)
		return false;
	r->what[r->count++] = (struct hostcall_release){window, number};
	if (r->count == HOSTCALL_RELEASE_MAX)
		release_now(r);
	return true;
}
