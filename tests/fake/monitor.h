/* SPDX-License-Identifier: MIT */
/*
 * A sandbox without KVM, for tests of the monitor's hostcalls. Guest memory is a range of the
 * test's own memory, and a vCPU is the thread that calls hostcall_dispatch.
 */
#ifndef TESTS_FAKE_MONITOR_H
#define TESTS_FAKE_MONITOR_H

#include "vm/vm.h"

#define FAKE_RAM   (1UL << 20)	 /* bytes of RAM, from RAM_BASE */
#define FAKE_FILES (256UL << 20) /* most bytes of files in memory */
#define FAKE_ARENA (4UL << 20)	 /* bytes of a window arena, unless more are asked for */

/* What the other parts of the monitor were asked to do. */
struct fake_monitor {
	int ended;	 /* argument of sandbox_end, or -1 */
	char said[4200]; /* last message, without its prefix */
	u32 kicks;
	bool kicked; /* vcpu_syscall returns -EINTR at once */
};

extern struct fake_monitor fake;

/* The sandbox, new at the first call. vCPU 0 is this thread. */
struct sandbox *fake_sandbox(void);

#endif
