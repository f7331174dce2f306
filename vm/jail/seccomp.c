// SPDX-License-Identifier: MIT
/* Loads one of the filters that seccomp_filter.c made. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "vm/jail/seccomp.h"
#include "vm/vm.h"

extern const u8 seccomp_offline_start[], seccomp_offline_end[];
extern const u8 seccomp_tcp_start[], seccomp_tcp_end[];
extern const u8 seccomp_online_start[], seccomp_online_end[];
extern const u8 seccomp_proxy_start[], seccomp_proxy_end[];

/* Puts the process number into the comparisons with it. Returns how many there were. */
static u32 set_own_pid(struct sock_filter *code, size_t count)
{
	const u32 self = (u32)getpid();
	u32 found = 0;

	for (size_t i = 0; i < count; i++) {
		if (code[i].code != (BPF_JMP | BPF_JEQ | BPF_K) || code[i].k != SECCOMP_OWN_PID)
			continue;
		code[i].k = self;
		found++;
	}
	return found;
}

/* Loads a copy of a filter. own_pid: it has the process's number in it. Returns 0 or -errno. */
static int load(const u8 *start, const u8 *end, bool own_pid)
{
	size_t size = (size_t)(end - start);
	struct sock_filter *code = malloc(size);
	struct sock_fprog program = {(unsigned short)(size / sizeof(*code)), code};
	long ret = -1;

	if (!code)
		return -ENOMEM;
	memcpy(code, start, size);
	errno = EINVAL;
	if (!own_pid || set_own_pid(code, program.len))
		ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
			      &program);
	free(code);
	/* A positive result is a thread that could not be restricted. */
	return ret < 0 ? -errno : ret > 0 ? -ESRCH : 0;
}

int seccomp_confine(enum net_mode network)
{
	static const struct {
		const u8 *start, *end;
	} filters[] = {
		[NET_OFF] = {seccomp_offline_start, seccomp_offline_end},
		[NET_RULES] = {seccomp_tcp_start, seccomp_tcp_end},
		[NET_PROXY] = {seccomp_offline_start, seccomp_offline_end},
		[NET_HOST] = {seccomp_online_start, seccomp_online_end},
	};

	if (FILE_SIGNAL != SECCOMP_FILE_SIGNAL)
		return -EINVAL;
	return load(filters[network].start, filters[network].end, true);
}

int seccomp_confine_proxy(void)
{
	return load(seccomp_proxy_start, seccomp_proxy_end, false);
}
