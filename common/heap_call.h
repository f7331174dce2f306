/*
 * Private system calls of the heap library (heap/) to the guest kernel (kernel/heap/). Numbers that
 * Linux does not use; ENOSYS unless the sandbox checks. Results are Linux's: >= 0 or -errno.
 */
#ifndef COMMON_HEAP_CALL_H
#define COMMON_HEAP_CALL_H

#include "types.h"
#include "check.h"

#define HEAP_CALL_BASE 0x42560000

enum heap_call {
	HEAP_CALL_START, /* struct heap_start *: the library is there; once per program */
	HEAP_CALLS,
};

struct heap_start {
	struct check_config config; /* OUT */
};

#endif
