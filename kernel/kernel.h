/* SPDX-License-Identifier: MIT */
/* For every part of the kernel: panic, log, assertions, error numbers. */
#ifndef KERNEL_H
#define KERNEL_H

#include <asm/errno.h>
#include "common/types.h"
#include "common/layout.h"
#include "libc/string.h"
#include "libc/stdio.h"

/*
 * Error classes. Functions return >= 0, or -errno for an error of the program's or the host's. A
 * violated invariant of the kernel is a panic. Restart codes, which never reach a program:
 */
#define ERESTARTSYS	      512 /* restart if SA_RESTART or no handler ran, else EINTR */
#define ERESTARTNOINTR	      513 /* restart always: a call that cannot fail with EINTR was kicked */
#define ERESTARTNOHAND	      514 /* restart if no handler ran, else EINTR */
#define ERESTART_RESTARTBLOCK 516 /* restart_syscall with the time that is left */

/* Ends the sandbox with a message. May be called in any context. */
__attribute__((noreturn)) void panic(const char *fmt, ...) __printf(1, 2);

/* Logs a line. The user sees level 0 always, level 1 with -v. Makes a hostcall. */
void klog(int level, const char *fmt, ...) __printf(2, 3);

/* Asserts an invariant of the kernel: if it is false, the panic names it. */
#define KASSERT(cond)                                                                              \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0))                                                  \
			panic("%s:%d: %s does not hold", __FILE__, __LINE__, #cond);               \
	} while (0)

extern const struct boot_info *boot;

#endif
