/* SPDX-License-Identifier: MIT */
/* Fixed-width integers and the few macros that both sides of the VM share. */
#ifndef COMMON_TYPES_H
#define COMMON_TYPES_H

#ifdef MODULE /* host_kernel/: Linux has all of it */
#include <linux/kernel.h>
#include <linux/types.h>
#else

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#define ARRAY_SIZE(a)	      (sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a)	      (((x) + ((a)-1)) & ~((__typeof__(x))(a)-1))
#define ALIGN_DOWN(x, a)      ((x) & ~((__typeof__(x))(a)-1))
#define IS_ALIGNED(x, a)      (((x) & ((__typeof__(x))(a)-1)) == 0)
/* These evaluate an argument twice: no call that waits or changes something. */
#define MIN(a, b)	      ((a) < (b) ? (a) : (b))
#define MAX(a, b)	      ((a) > (b) ? (a) : (b))
#define container_of(p, t, m) ((t *)((char *)(p)-offsetof(t, m)))
/*
 * Removes const, for functions that do not write through the pointer but lack const in their
 * prototype.
 */
#define UNCONST(p)	      ((void *)(uintptr_t)(p))
#define __printf(f, a)	      __attribute__((format(printf, f, a)))

/*
 * Single accesses without ordering, for words that another vCPU or the monitor may write meanwhile.
 */
#define READ_ONCE(x)	      (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)      (*(volatile __typeof__(x) *)&(x) = (v))

#endif
#endif
