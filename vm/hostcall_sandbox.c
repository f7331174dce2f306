// SPDX-License-Identifier: MIT
/* Hostcalls on the sandbox itself: its end, its log, its memory, its vCPUs and their threads. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "vm/handle.h"
#include "vm/host_kernel.h"
#include "vm/hostcall.h"
#include "vm/jail/policy.h"
#include "vm/window.h"
#include "vm/word.h"

#define TEXT_MAX	      4096
#define GROUPS_MAX	      1024

/* The number of the clock of a thread's CPU time: linux/posix-timers.h. */
#define THREAD_CPU_CLOCK(tid) ((s32)(~(u32)(tid) << 3 | 6))

/*
 * Writes the kernel's text to `to` as one printable line, because the kernel may be hostile and the
 * text may go to a terminal. Returns the length of the line.
 */
static size_t one_line(char to[TEXT_MAX + 1], const void *text, u32 len)
{
	size_t n = text ? strnlen(text, MIN(len, TEXT_MAX)) : 0;

	while (n > 0 && ((const char *)text)[n - 1] == '\n')
		n--;
	for (size_t i = 0; i < n; i++) {
		u8 ch = ((const u8 *)text)[i];

		to[i] = (char)((ch < ' ' && ch != '\t') || ch == 0x7f ? '?' : ch);
	}
	to[n] = '\0';
	return n;
}

s64 hc_do_exit(struct call *c, u64 status)
{
	if (WIFSIGNALED((int)status & 0xffff) && !outside_deadly(WTERMSIG((int)status))) {
		message("the guest ended with status %#lx, which is none", status & 0xffff);
		sandbox_end(c->s, SANDBOX_END_ERROR | EXIT_INTERNAL);
		return 0;
	}
	sandbox_end(c->s, (int)(status & 0xffff));
	return 0;
}

s64 hc_do_panic(struct call *c, const void *text, u32 text_len)
{
	char line[TEXT_MAX + 1];

	one_line(line, text, text_len);
	message("kernel panic: %s", line);
	sandbox_end(c->s, SANDBOX_END_ERROR | EXIT_INTERNAL);
	return 0;
}

s64 hc_do_boot_failed(struct call *c, const void *failure, u32 failure_len)
{
	struct hostcall_boot_failure f = {0};
	char line[TEXT_MAX + 1];
	const char *program = c->s->opt.argc > 0 ? c->s->opt.argv[0] : "program";

	if (failure_len > sizeof(f) || failure_len <= offsetof(struct hostcall_boot_failure, text))
		return -EINVAL;
	memcpy(&f, failure, failure_len);
	one_line(line, f.text, sizeof(f.text));
	if (f.error > 0)
		message("%s: %s%s%s", program, line, line[0] ? ": " : "", host_error((int)f.error));
	else
		message("%s: %s", program, line);
	if (f.status == 0 || f.status > 255)
		f.status = EXIT_INTERNAL;
	sandbox_end(c->s, SANDBOX_END_ERROR | (int)f.status);
	return 0;
}

/*
 * Returns true if the guest's log may have one more line: LOG_BURST lines at once, then LOG_RATE
 * per second. The lines that were left out are counted; *lost is their number if this line passes,
 * else 0.
 */
#define LOG_BURST 1000
#define LOG_RATE  20

static bool log_passes(u64 *lost)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static u64 left = LOG_BURST, filled_ns, dropped;
	struct timespec now;
	u64 ns, more;
	bool passes;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
	pthread_mutex_lock(&lock);
	more = (ns - filled_ns) / (1000000000 / LOG_RATE);
	if (more > 0) {
		left = MIN(left + more, (u64)LOG_BURST);
		filled_ns = ns;
	}
	passes = left > 0;
	left -= passes;
	dropped += !passes;
	*lost = passes ? dropped : 0;
	dropped = passes ? 0 : dropped;
	pthread_mutex_unlock(&lock);
	return passes;
}

/* Prefixes each line with "kernel: ", so that the user does not take it for the monitor's. */
s64 hc_do_log(struct call *c, u64 level, const void *text, u32 text_len)
{
	char line[TEXT_MAX + 1];
	u64 lost;

	if (level != 0 && !c->s->opt.verbose)
		return 0;
	if (!log_passes(&lost))
		return 0;
	if (lost > 0)
		message("kernel: (%lu lines left out)", lost);
	one_line(line, text, text_len);
	message("kernel: %s", line);
	return 0;
}

s64 hc_do_ready(struct call *c, const void *info, u32 info_len)
{
	struct hostcall_kernel_info i;

	if (info_len < sizeof(i))
		return -EINVAL;
	if (atomic_load(&c->s->ready))
		return -EALREADY;
	if (!boot_settle_ring_mode(c->s)) {
		sandbox_end(c->s, SANDBOX_END_ERROR | EXIT_KVM_LACKS);
		return -ENODEV;
	}
	if (vcpu_remember(c->v) < 0)
		return -EIO;
	memcpy(&i, info, sizeof(i));
	c->s->kernel = i;
	host_kernel_open(c->s);
	host_kernel_vcpu(c->v);
	atomic_store(&c->s->ready, true);
	/*
	 * Without the watchdog, a stray program is found only when another thread kicks its vCPU.
	 */
	if (c->s->ring_mode == RING_MODE_3 && watchdog_start(c->s) < 0)
		verbose(c->s, "no watch over programs that stray into the kernel");
	return 0;
}

s64 hc_do_stats(struct call *c, void *counters, u32 counters_len)
{
	u64 value[HOSTCALL_STATS] = {0};
	u32 len = MIN(counters_len, (u32)sizeof(value));

	for (u32 id = 0; id < VCPU_MAX; id++) {
		struct vcpu *v = c->s->vcpu[id];

		if (!v)
			continue;
		value[HOSTCALL_STAT_exits] += READ_ONCE(v->exits);
		value[HOSTCALL_STAT_hostcalls] += READ_ONCE(v->hostcalls);
	}
	value[HOSTCALL_STAT_handles] = handle_count();
	window_count(&value[HOSTCALL_STAT_windows], &value[HOSTCALL_STAT_windows_made]);
	value[HOSTCALL_STAT_ram] = READ_ONCE(c->s->mem.ram_size);
	if (len > 0)
		memcpy(counters, value, len);
	return len / (s64)sizeof(u64);
}

s64 hc_do_ram_grow(struct call *c, u64 bytes, void *ram, u32 ram_len)
{
	struct hostcall_ram added = {0};
	int err;

	if (ram_len < sizeof(added))
		return -EINVAL;
	err = memory_grow(c->s, bytes, &added);
	if (err < 0)
		return err;
	memcpy(ram, &added, sizeof(added));
	return 0;
}

static bool is_ram(struct sandbox *s, u64 gpa, u64 len)
{
	u64 size = __atomic_load_n(&s->mem.ram_size, __ATOMIC_ACQUIRE);

	return gpa >= RAM_BASE && gpa - RAM_BASE <= size && len <= size - (gpa - RAM_BASE);
}

s64 hc_do_ram_discard(struct call *c, u64 gpa, u64 len)
{
	u8 *host;

	if (!IS_ALIGNED(gpa | len, PAGE_SIZE) || !is_ram(c->s, gpa, len))
		return -EINVAL;
	host = memory_at(c->s, (gpa_t){gpa}, len);
	if (!host)
		return -EFAULT;
	return HOST_CALL(madvise, (u64)host, len, MADV_DONTNEED);
}

s64 hc_do_vcpu_start(struct call *c, u64 id, u64 area_gpa, u64 rip, u64 rsp, u64 cr3)
{
	/*
	 * The area has to be in RAM, because the monitor itself reads and writes it. Behind a
	 * window an access could fault.
	 */
	if (id == 0 || id >= VCPU_MAX || !IS_ALIGNED(area_gpa, PAGE_SIZE) ||
	    !is_ram(c->s, area_gpa, VCPU_AREA_PAGES * PAGE_SIZE))
		return -EINVAL;
	return vcpu_start(c->s, (u32)id, (gpa_t){area_gpa}, rip, rsp, cr3);
}

s64 hc_do_vcpu_kick(struct call *c, u64 id)
{
	struct vcpu *v;

	if (id >= VCPU_MAX)
		return -EINVAL;
	v = __atomic_load_n(&c->s->vcpu[id], __ATOMIC_ACQUIRE);
	if (!v)
		return -ESRCH;
	vcpu_kick(v);
	return 0;
}

/*
 * Finds the word at gpa. Returns false if it is not there or not aligned. Behind a window the host
 * identifies a futex by file and offset, so that sleepers of two windows of one file, and those of
 * processes outside, meet there.
 */
static bool word_at(struct call *c, u64 gpa, struct word *w)
{
	if (!IS_ALIGNED(gpa, sizeof(u32)))
		return false;
	w->shared = gpa >= c->s->mem.window_base;
	w->at = memory_at(c->s, (gpa_t){gpa}, sizeof(u32));
	return w->at;
}

s64 hc_do_wait(struct call *c, u64 gpa, u64 value, u64 timeout_ns)
{
	struct word w;

	return word_at(c, gpa, &w) ? word_wait(c->v, w, (u32)value, timeout_ns) : -EFAULT;
}

s64 hc_do_wake(struct call *c, u64 gpa, u64 count)
{
	struct word w;

	return word_at(c, gpa, &w) ? word_wake(w, (u32)MIN(count, (u64)INT32_MAX)) : -EFAULT;
}

/* Returns the host thread of a vCPU, or -ESRCH if the vCPU has none yet. */
static s64 thread_of(struct call *c, u64 vcpu)
{
	struct vcpu *v = NULL;

	if (vcpu < VCPU_MAX)
		v = __atomic_load_n(&c->s->vcpu[vcpu], __ATOMIC_ACQUIRE);
	return v && v->tid ? v->tid : -ESRCH;
}

s64 hc_do_sched_getaffinity(struct call *c, u64 vcpu, void *mask, u32 mask_len)
{
	s64 tid = thread_of(c, vcpu);

	return tid < 0 ? tid : HOST_CALL(sched_getaffinity, (u64)tid, mask_len, (u64)mask);
}

s64 hc_do_sched_setaffinity(struct call *c, u64 vcpu, const void *mask, u32 mask_len)
{
	s64 tid = thread_of(c, vcpu);
	cpu_set_t own;

	if (tid >= 0 && c->s->opt.policy) { /* never more CPUs than --cpus has left */
		CPU_ZERO(&own);
		memcpy(&own, mask, MIN(mask_len, (u32)sizeof(own)));
		CPU_AND(&own, &own, &c->s->cpus);
		mask = &own;
		mask_len = sizeof(own);
	}
	return tid < 0 ? tid : HOST_CALL(sched_setaffinity, (u64)tid, mask_len, (u64)mask);
}

s64 hc_do_cpu_time(struct call *c, u64 who, void *usage, u32 usage_len)
{
	struct timespec ts;
	s64 ret;

	if (usage_len < sizeof(struct rusage))
		return -EINVAL;
	if (who >= 2) {
		ret = thread_of(c, who - 2);
		if (ret < 0)
			return ret;
		ret = HOST_CALL(clock_gettime, (u64)(s64)THREAD_CPU_CLOCK(ret), (u64)&ts);
		if (ret == 0)
			((struct rusage *)usage)->ru_utime =
				(struct timeval){ts.tv_sec, ts.tv_nsec / 1000};
		return ret;
	}
	return HOST_CALL(getrusage, who == 0 ? (u64)RUSAGE_SELF : RUSAGE_THREAD, (u64)usage);
}

/*
 * The values affect only the guest, because KVM keeps a vCPU's debug registers apart from the
 * host's. The guest may set neither GD and reserved bits of DR7 nor breakpoints outside programs'
 * addresses.
 */
s64 hc_do_debug_regs(struct call *c, void *regs, u32 regs_len)
{
	struct kvm_debugregs now, new;
	u64 *dr = regs;

	if (regs_len != 8 * sizeof(u64) || dr[7] & ~DR7_GUEST || dr[6] >> 32)
		return -EINVAL;
	if (ioctl(c->v->fd, KVM_GET_DEBUGREGS, &now) < 0)
		return -errno;
	new = (struct kvm_debugregs){.dr6 = dr[6], .dr7 = dr[7]};
	memcpy(new.db, dr, sizeof(new.db));
	for (unsigned i = 0; i < sizeof(new.db) / sizeof(new.db[0]); i++)
		if (new.db[i] >= USER_TOP)
			return -EINVAL;
	if (ioctl(c->v->fd, KVM_SET_DEBUGREGS, &new) < 0)
		return -errno;
	memcpy(dr, now.db, sizeof(now.db));
	dr[6] = now.dr6;
	dr[7] = now.dr7;
	return 0;
}

/*
 * Sets the calling thread's effective capabilities to those in caps that are permitted. The thread
 * keeps its permitted ones as long as one of its user IDs is that of the monitor's start, which its
 * saved user ID always is.
 */
static s64 set_capabilities(u64 caps)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct set[_LINUX_CAPABILITY_U32S_3];
	s64 ret = HOST_CALL(capget, (u64)&head, (u64)set);

	for (u32 i = 0; ret >= 0 && i < ARRAY_SIZE(set); i++)
		set[i].effective = (u32)(caps >> 32 * i) & set[i].permitted;
	return ret < 0 ? ret : HOST_CALL(capset, (u64)&head, (u64)set);
}

static s64 set_groups(const void *groups, u32 count)
{
	u32 present[GROUPS_MAX];
	s64 n = HOST_CALL(getgroups, ARRAY_SIZE(present), (u64)present);

	if (n == count && (count == 0 || memcmp(present, groups, count * sizeof(gid_t)) == 0))
		return 0;
	return HOST_CALL(setgroups, count, (u64)groups);
}

/*
 * Makes the system calls directly, because glibc's functions change the IDs of all threads. A
 * change of a user ID can remove effective capabilities that the next step needs. setfsuid(2) and
 * setfsgid(2) do not report failure; a second call with an impossible ID returns the present one.
 */
s64 hc_do_ids(struct call *c, const void *ids, u32 ids_len, const void *groups, u32 groups_len)
{
	struct hostcall_ids want;
	s64 ret;

	if (ids_len != sizeof(want))
		return -EINVAL;
	memcpy(&want, ids, sizeof(want));
	WRITE_ONCE(c->v->own_ids, true);
	ret = set_capabilities(~0UL);
	if (ret >= 0)
		ret = set_groups(groups, groups_len / sizeof(gid_t));
	if (ret >= 0)
		ret = HOST_CALL(setresgid, want.rgid, want.egid, (u64)-1);
	if (ret >= 0)
		ret = HOST_CALL(setresuid, want.ruid, want.euid, (u64)-1);
	if (ret >= 0)
		ret = set_capabilities(~0UL);
	if (ret < 0)
		return ret;
	HOST_CALL(setfsgid, want.fsgid);
	HOST_CALL(setfsuid, want.fsuid);
	if ((u32)HOST_CALL(setfsgid, (u64)-1) != want.fsgid ||
	    (u32)HOST_CALL(setfsuid, (u64)-1) != want.fsuid)
		return -EPERM;
	return set_capabilities(want.caps);
}

s64 hc_do_getrandom(struct call *c, const struct iovec *data, u32 data_count, u64 flags)
{
	s64 sum = 0;

	for (u32 i = 0; i < data_count; i++) {
		size_t done = 0;

		while (done < data[i].iov_len) {
			s64 n = HOST_SLEEP(c, getrandom, (u64)data[i].iov_base + done,
					   data[i].iov_len - done, flags);

			if (n <= 0)
				return sum > 0 ? sum : n;
			done += (size_t)n;
			sum += n;
		}
	}
	return sum;
}

/*
 * A program may signal its parent and its own process group, and may stop the monitor itself: the
 * whole sandbox then stops, and a shell sees that.
 */
s64 hc_do_kill_outside(struct call *c, u64 pid, u64 signal)
{
	s32 target = (s32)pid;

	/* A sandbox has nobody outside: its parent and its group are the user's. */
	if (c->s->opt.policy && c->s->opt.policy->walls.up & WALL_BIT(WALL_policy) &&
	    target != getpid())
		return -EPERM;
	/*
	 * Signals the own group as 0, because -1 means every process if the number of the group is
	 * 1.
	 */
	if (target == -getpgrp())
		target = 0;
	if (target == getpid())
		return outside_stop((int)MIN(signal, (u64)NSIG));
	if (target != getppid() && target != 0)
		return -EPERM;
	return HOST_CALL(kill, (u64)(s64)target, signal);
}
