/*
 * Reading memory that may not be there: peek.S, with the kernel's help (HEAP_CALL_UNWIND). Unit
 * tests and the fuzzer have a peek_words of their own.
 */
#ifndef HEAP_PEEK_H
#define HEAP_PEEK_H

#include "common/layout.h"
#include "common/types.h"

/*
 * to[0] = the word at a, to[1] = that at b; false: one is not readable. Both lie in user addresses
 * and not in the physmap of the ring-3 home, where a read beyond the end of memory ends the VM.
 */
bool peek_words(u64 a, u64 b, u64 to[2]);

static inline bool peek_allowed(u64 at)
{
	return at < USER_TOP - sizeof(u64) &&
	       at + sizeof(u64) - PHYSMAP_RING3 >= PHYSMAP_SIZE + sizeof(u64);
}

static inline bool peek(u64 at, u64 *value)
{
	u64 words[2];

	if (!peek_allowed(at) || !peek_words(at, at, words))
		return false;
	*value = words[0];
	return true;
}

#endif
