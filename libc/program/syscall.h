/* SPDX-License-Identifier: MIT */
/* A system call of Linux on x86-64, as the architecture defines it (syscall(2), "Architecture
 * calling conventions"): for the freestanding programs. */
#ifndef LIBC_PROGRAM_SYSCALL_H
#define LIBC_PROGRAM_SYSCALL_H

#include <asm/unistd.h>

/* Returns what the kernel returned: >= 0 or -errno. */
static inline long raw_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#endif
