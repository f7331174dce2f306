/*
 * The library is in the program: it says so to the guest kernel before the program's own code can
 * ask for it in another way. Its init function runs first of all (DF_1_INITFIRST) in programs that
 * an ld.so has put together.
 */
#include "common/heap_call.h"
#include "heap/syscall.h"

__attribute__((constructor)) static void start(void)
{
	struct heap_start s;

	heap_syscall1(HEAP_CALL_START, (u64)&s);
}
