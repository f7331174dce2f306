// SPDX-License-Identifier: MIT
/*
 * Takes call stacks and finds their numbers. The kernel stores each stack once (CHK_CALL_STACK).
 * A cache here has the numbers of recent stacks, by a hash of the stack.
 *
 * An entry of the cache is one word with hash and number, which is stored with one access. So no
 * lock is needed: a signal handler or another thread finds either the old entry or the new one.
 */
#include "check/preload/library.h"
#include "check/preload/syscall.h"
#include "check/preload/unwind.h"

#define REMEMBERED 65536u /* stacks; a compiler has tens of thousands */

static u64 memory[REMEMBERED]; /* upper half: of the hash; lower half: number; 0: free */

u32 chk_stack_id(const struct chk_frame *from)
{
	u32 depth = chk_started()->config.depth, count;
	u64 pc[CHECK_DEPTH_MAX], hash = 0, seen;
	s64 id;

	count = unwind_stack(pc, MIN(depth, CHECK_DEPTH_MAX), from->rip, from->rsp, from->rbp);
	for (u32 i = 0; i < count; i++)
		hash = (hash ^ pc[i]) * 0x9e3779b97f4a7c15UL;
	seen = __atomic_load_n(&memory[hash % REMEMBERED], __ATOMIC_RELAXED);
	if (seen && seen >> 32 == hash >> 32)
		return (u32)seen;
	id = chk_syscall4(CHK_CALL_STACK, (u64)pc, count, 0, 0);
	if (id <= 0)
		return 0;
	seen = (hash >> 32 << 32) | (u32)id;
	__atomic_store_n(&memory[hash % REMEMBERED], seen, __ATOMIC_RELAXED);
	return (u32)id;
}
