/* SPDX-License-Identifier: MIT */
/*
 * Libraries that the program has closed. Call stacks of objects may lead into their code, where
 * nothing or another library lies by now. The kernel remembers the mappings that are unmapped, and
 * moves such addresses of a report to a range that no program has (CHECK_GONE_BASE): the report's
 * mappings show the closed library there, so the reporter finds its file and offsets as any
 * other's.
 *
 * A stack that was stored before its library was unmapped is the library's. A later one is that of
 * whatever lies at the address now. A stack that is stored again, after another library was mapped
 * at the same addresses, keeps its number and is taken for the first library's.
 */
#ifndef KERNEL_CHECK_GONE_H
#define KERNEL_CHECK_GONE_H

#include "common/types.h"

struct mm;

/*
 * Returns pc of the stored stack id, or its address in the range of closed libraries. mm.lock is
 * held.
 */
u64 gone_address(struct mm *mm, u32 id, u64 pc);
/*
 * Writes the mappings of closed libraries in the format of /proc/pid/maps, at most len bytes of
 * whole lines. Returns the number of bytes. mm.lock is held.
 */
u64 gone_maps(struct mm *mm, char *to, u64 len);
/* Copies the libraries for fork(2); without memory some are missing. mm.lock is held. */
void gone_dup(struct mm *child, struct mm *mm);
/* Frees all of them, at the end of the address space. */
void gone_free(struct mm *mm);

#endif
