// SPDX-License-Identifier: MIT
/* Sleepers at words of the guest's memory: word.h. */
#include <errno.h>
#include <linux/futex.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "common/host_kernel.h"
#include "vm/host_kernel.h"
#include "vm/word.h"

static u64 private_flag(struct word w)
{
	return w.shared ? 0 : FUTEX_PRIVATE_FLAG;
}

s64 word_wait(struct vcpu *v, struct word w, u32 value, u64 timeout_ns)
{
	bool steady = timeout_ns == HOSTCALL_WAIT_LOCK;
	s64 limit = steady ? -1 : (s64)timeout_ns;
	const struct timespec ts = {limit / 1000000000, limit % 1000000000};
	const struct host_kernel_wait wait = {
		.word = (u64)w.at, .value = value, .timeout_ns = limit};
	const u64 futex[6] = {(u64)w.at, FUTEX_WAIT | private_flag(w), value,
			      limit < 0 ? 0 : (u64)&ts};
	const u64 module[6] = {(u64)host_kernel_device(), HOST_KERNEL_WAIT, (u64)&wait};
	bool in_module = !w.shared && host_kernel_device() >= 0;
	long nr = in_module ? SYS_ioctl : SYS_futex;
	const u64 *arg = in_module ? module : futex;

	return steady ? vcpu_syscall_steady(v, nr, arg) : vcpu_syscall(v, nr, arg);
}

s64 word_wake(struct word w, u32 count)
{
	const struct host_kernel_wait wake = {.word = (u64)w.at, .value = count};
	long ret;

	if (!w.shared && host_kernel_device() >= 0)
		ret = ioctl(host_kernel_device(), HOST_KERNEL_WAKE, &wake);
	else
		ret = syscall(SYS_futex, w.at, FUTEX_WAKE | private_flag(w), count, NULL, NULL, 0);
	return ret < 0 ? -errno : ret;
}
