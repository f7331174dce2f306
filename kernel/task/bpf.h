/* SPDX-License-Identifier: MIT */
/*
 * Classic BPF, the language of seccomp(2)'s filters: a checker and an interpreter as pure logic,
 * which tests/unit/bpf_test.c tests. A program has an accumulator, an index register and
 * BPF_MEMWORDS words of memory; jumps only go forward, so a program always ends.
 */
#ifndef KERNEL_TASK_BPF_H
#define KERNEL_TASK_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include "common/types.h"

/* Most instructions of a program: BPF_MAXINSNS of linux/bpf_common.h. */
#define BPF_LENGTH_MAX BPF_MAXINSNS

/*
 * Checks a program of len instructions, which is at least 1 and at most BPF_LENGTH_MAX. Returns 0
 * if Linux accepts it as a filter of seccomp(2), otherwise -EINVAL. scratch has len elements, of
 * any content.
 */
int bpf_check(const struct sock_filter *program, u32 len, u16 *scratch);

/*
 * Returns how many instructions Linux makes of a checked program: it translates each filter into
 * another instruction set and limits the length of that.
 */
u32 bpf_translated_len(const struct sock_filter *program, u32 len);

/* Runs a checked program over *data. Returns its result, SECCOMP_RET_*. */
u32 bpf_run(const struct sock_filter *program, const struct seccomp_data *data);

#endif
