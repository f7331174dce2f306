// SPDX-License-Identifier: MIT
/*
 * The system calls of the reporter and its worker (seccomp(2)). The worker is the one to distrust,
 * because it reads files that the guest made. It can read what the user can read, and send bytes to
 * the reporter. It can write to files in memory of its own. It cannot open a file for writing, make
 * a process or a socket, or map executable memory. It has tgkill(2), which abort(3) needs, for its
 * own threads only.
 */
#include <errno.h>
#include <fcntl.h>
#include <asm/termbits.h>
#include <asm/ioctls.h>
#include <seccomp.h>
#include <stddef.h>
#include <unistd.h>
#include "common/types.h"
#include "check/report/confine.h"

/* Calls of both: memory, their socket, reading files, time, exit. */
static const int common_calls[] = {
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(sendto),
	SCMP_SYS(recvfrom),
	SCMP_SYS(poll),
	SCMP_SYS(close),
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(exit_group),
	SCMP_SYS(exit),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(lseek),
	SCMP_SYS(writev),
	SCMP_SYS(getrandom),
	SCMP_SYS(sched_yield),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(pread64),
	SCMP_SYS(fcntl),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(access),
	SCMP_SYS(getcwd),
	SCMP_SYS(getdents64),
	SCMP_SYS(faccessat2),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(sysinfo),
	SCMP_SYS(readv),
	SCMP_SYS(memfd_create),
	SCMP_SYS(dup),
	SCMP_SYS(pwrite64),
	SCMP_SYS(ftruncate),
};

/* Calls of the reporter only: they start and end the worker, and complete output files. */
static const int reporter_calls[] = {
	SCMP_SYS(clone),	   SCMP_SYS(fork),	 SCMP_SYS(wait4),	SCMP_SYS(kill),
	SCMP_SYS(tgkill),	   SCMP_SYS(socketpair), SCMP_SYS(prctl),	SCMP_SYS(prlimit64),
	SCMP_SYS(setrlimit),	   SCMP_SYS(dup2),	 SCMP_SYS(close_range), SCMP_SYS(seccomp),
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq),	 SCMP_SYS(fsync),
};

static bool allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0))
			return false;
	return true;
}

/* Allows memory that is not executable, and opening files for reading. */
static bool allow_harmless(scmp_filter_ctx filter)
{
	const u64 not_to_read = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;

	/* stdio asks whether an output is a terminal. */
	return !seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				 SCMP_A1(SCMP_CMP_EQ, TCGETS)) &&
	       !seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				 SCMP_A2(SCMP_CMP_MASKED_EQ, 4, 0)) &&
	       !seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				 SCMP_A2(SCMP_CMP_MASKED_EQ, 4, 0)) &&
	       !seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				 SCMP_A2(SCMP_CMP_MASKED_EQ, not_to_read, O_RDONLY)) &&
	       !seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
				 SCMP_A1(SCMP_CMP_MASKED_EQ, not_to_read, O_RDONLY));
}

/* The reporter's own filter allows tgkill(2) for any process, because the worker inherits it. */
static bool allow_abort(scmp_filter_ctx filter)
{
	return !seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				 SCMP_A0(SCMP_CMP_EQ, (u64)getpid()));
}

bool report_confine(enum report_confine role)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	bool done = filter && allow(filter, common_calls, ARRAY_SIZE(common_calls)) &&
		    allow_harmless(filter) &&
		    (role == REPORT_CONFINE_REPORTER
			     ? allow(filter, reporter_calls, ARRAY_SIZE(reporter_calls))
			     : allow_abort(filter)) &&
		    !seccomp_load(filter);

	seccomp_release(filter);
	return done;
}
