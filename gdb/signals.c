// SPDX-License-Identifier: MIT
/* See signals.h. */
#include <signal.h>
#include "common/types.h"
#include "gdb/signals.h"

#define GDB_UNKNOWN 143
#define GDB_RT_33   45 /* the real-time signals from 33 to 63 are in a row */
#define GDB_RT_32   77
#define GDB_RT_64   78

static const u8 numbers[] = {
	[SIGHUP] = 1,	[SIGINT] = 2,	 [SIGQUIT] = 3,	 [SIGILL] = 4,	 [SIGTRAP] = 5,
	[SIGABRT] = 6,	[SIGFPE] = 8,	 [SIGKILL] = 9,	 [SIGBUS] = 10,	 [SIGSEGV] = 11,
	[SIGSYS] = 12,	[SIGPIPE] = 13,	 [SIGALRM] = 14, [SIGTERM] = 15, [SIGURG] = 16,
	[SIGSTOP] = 17, [SIGTSTP] = 18,	 [SIGCONT] = 19, [SIGCHLD] = 20, [SIGTTIN] = 21,
	[SIGTTOU] = 22, [SIGIO] = 23,	 [SIGXCPU] = 24, [SIGXFSZ] = 25, [SIGVTALRM] = 26,
	[SIGPROF] = 27, [SIGWINCH] = 28, [SIGUSR1] = 30, [SIGUSR2] = 31, [SIGPWR] = 32,
};

int signal_to_gdb(int sig)
{
	if (sig <= 0)
		return 0;
	if (sig < (int)ARRAY_SIZE(numbers) && numbers[sig])
		return numbers[sig];
	if (sig >= 33 && sig <= 63)
		return sig - 33 + GDB_RT_33;
	return sig == 32 ? GDB_RT_32 : sig == 64 ? GDB_RT_64 : GDB_UNKNOWN;
}

int signal_from_gdb(int number)
{
	for (int sig = 1; sig <= 64; sig++)
		if (number && number != GDB_UNKNOWN && signal_to_gdb(sig) == number)
			return sig;
	return 0;
}
