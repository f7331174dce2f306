/* SPDX-License-Identifier: MIT */
/*
 * How a system call is defined. kernel/syscall/syscall.def has a row per number. The reference to a
 * row's function is weak: a call without a function returns ENOSYS and is listed at exit.
 *
 * DEFINE_SYSCALL3(name, type, arg, ...) { body } defines the function of a row. Arguments arrive as
 * 64-bit registers and are converted to the types given, as on Linux.
 */
#ifndef KERNEL_DEFINE_SYSCALL_H
#define KERNEL_DEFINE_SYSCALL_H

#include "common/types.h"
#include "kernel/kernel.h"

typedef u64 uva; /* an address in the program's memory: never dereferenced, see mm/uaccess.h */

struct syscall_args {
	u64 a[6];
};
typedef s64 (*syscall_fn)(const struct syscall_args *);

#define SYSCALL(nr, name, ...) s64 sys_##name(const struct syscall_args *) __attribute__((weak));
#include "kernel/syscall/syscall.def"

#define DEFINE_SYSCALL0(name) s64 sys_##name(__attribute__((unused)) const struct syscall_args *s_)
#define SC_BODY(name, call, ...)                                                                   \
	static inline s64 do_##name(__VA_ARGS__);                                                  \
	s64 sys_##name(const struct syscall_args *s_)                                              \
	{                                                                                          \
		return call;                                                                       \
	}                                                                                          \
	static inline s64 do_##name(__VA_ARGS__)
#define SC_A(t, i)		      (t) s_->a[i]
#define DEFINE_SYSCALL1(name, t0, a0) SC_BODY(name, do_##name(SC_A(t0, 0)), t0 a0)
#define DEFINE_SYSCALL2(name, t0, a0, t1, a1)                                                      \
	SC_BODY(name, do_##name(SC_A(t0, 0), SC_A(t1, 1)), t0 a0, t1 a1)
#define DEFINE_SYSCALL3(name, t0, a0, t1, a1, t2, a2)                                              \
	SC_BODY(name, do_##name(SC_A(t0, 0), SC_A(t1, 1), SC_A(t2, 2)), t0 a0, t1 a1, t2 a2)
#define DEFINE_SYSCALL4(name, t0, a0, t1, a1, t2, a2, t3, a3)                                      \
	SC_BODY(name, do_##name(SC_A(t0, 0), SC_A(t1, 1), SC_A(t2, 2), SC_A(t3, 3)), t0 a0, t1 a1, \
		t2 a2, t3 a3)
#define DEFINE_SYSCALL5(name, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4)                              \
	SC_BODY(name, do_##name(SC_A(t0, 0), SC_A(t1, 1), SC_A(t2, 2), SC_A(t3, 3), SC_A(t4, 4)),  \
		t0 a0, t1 a1, t2 a2, t3 a3, t4 a4)
#define DEFINE_SYSCALL6(name, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5)                      \
	SC_BODY(name,                                                                              \
		do_##name(SC_A(t0, 0), SC_A(t1, 1), SC_A(t2, 2), SC_A(t3, 3), SC_A(t4, 4),         \
			  SC_A(t5, 5)),                                                            \
		t0 a0, t1 a1, t2 a2, t3 a3, t4 a4, t5 a5)

#endif
