/*
 * The library begins: with the first call of one of its functions, or in its own init function,
 * which runs before the program's (DF_1_INITFIRST) in programs that an ld.so has put together. Then
 * the guest kernel makes the guarded heap, and undoes what brought the library in.
 */
#include "heap/library.h"
#include "heap/syscall.h"
#include "heap/unwind.h"

static struct heap_start started;
static u32 begun; /* 1: started is filled in */

const struct heap_start *heap_started(void)
{
	struct heap_start s;

	if (__builtin_expect(__atomic_load_n(&begun, __ATOMIC_ACQUIRE), 1))
		return &started;
	/* Two threads or a signal handler at once: the kernel answers all alike. */
	if (heap_syscall1(HEAP_CALL_START, (u64)&s) < 0)
		return &started;
	started = s;
	unwind_init();
	__atomic_store_n(&begun, 1, __ATOMIC_RELEASE);
	return &started;
}

__attribute__((constructor)) static void start(void)
{
	heap_started();
}
