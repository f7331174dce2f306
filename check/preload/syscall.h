/* SPDX-License-Identifier: MIT */
/* The library's system calls (check/abi/call.h). They return >= 0 or -errno. */
#ifndef CHECK_PRELOAD_SYSCALL_H
#define CHECK_PRELOAD_SYSCALL_H

#include "check/abi/call.h"

static inline s64 chk_syscall5(enum chk_call op, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	register u64 r10 __asm__("r10") = d;
	register u64 r8 __asm__("r8") = e;
	s64 ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"((u64)CHK_CALL_BASE + op), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline s64 chk_syscall4(enum chk_call op, u64 a, u64 b, u64 c, u64 d)
{
	return chk_syscall5(op, a, b, c, d, 0);
}

/* System calls of Linux. */
static inline s64 chk_linux_call3(u64 number, u64 a, u64 b, u64 c)
{
	s64 ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline s64 chk_linux_call0(u64 number)
{
	s64 ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(number) : "rcx", "r11", "memory");
	return ret;
}

static inline s64 chk_syscall1(enum chk_call op, u64 a)
{
	return chk_syscall4(op, a, 0, 0, 0);
}

#endif
