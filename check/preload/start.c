// SPDX-License-Identifier: MIT
/*
 * The library begins: with the first call of one of its functions, or in its own init function,
 * which runs before the program's (DF_1_INITFIRST) in programs that an ld.so has put together. Then
 * the guest kernel makes the guarded heap, and undoes what brought the library in.
 */
#include "check/preload/library.h"
#include "check/preload/syscall.h"
#include "check/preload/unwind.h"

#define SYS_gettid 186
#define THREADS	   64 /* whose numbers are remembered */

struct chk_changes chk_changes;

static struct chk_start started;
static u32 begun; /* 1: started is filled in */

const struct chk_start *chk_started(void)
{
	struct chk_start s = {.changes = (u64)&chk_changes};

	if (__builtin_expect(__atomic_load_n(&begun, __ATOMIC_ACQUIRE), 1))
		return &started;
	/* Two threads or a signal handler at once: the kernel answers all alike. */
	if (chk_syscall1(CHK_CALL_START, (u64)&s) < 0)
		return &started;
	started = s;
	unwind_init();
	__atomic_store_n(&begun, 1, __ATOMIC_RELEASE);
	return &started;
}

/* A thread's number is asked for once, and again when there are new threads. */
s32 chk_tid(void)
{
	static struct {
		u64 pointer; /* the thread pointer, | 1 */
		u32 threads;
		s32 tid;
	} memory[THREADS];
	u32 threads = READ_ONCE(chk_changes.threads);
	u64 tp, i;

	__asm__("rdfsbase %0" : "=r"(tp));
	tp |= 1;
	i = (tp >> 6 ^ tp >> 12) % THREADS;
	if (READ_ONCE(memory[i].pointer) != tp || READ_ONCE(memory[i].threads) != threads) {
		s32 tid = (s32)chk_linux_call0(SYS_gettid);

		/* Threads that share the place overwrite each other's: no reader must mix them. */
		WRITE_ONCE(memory[i].pointer, 0);
		WRITE_ONCE(memory[i].tid, tid);
		WRITE_ONCE(memory[i].threads, threads);
		WRITE_ONCE(memory[i].pointer, tp);
		return tid;
	}
	return READ_ONCE(memory[i].tid);
}

/* An order, not a sum: two threads at once may get the same number. */
u32 chk_operation(void)
{
	static u32 operations;
	u32 n = READ_ONCE(operations) + 1;

	WRITE_ONCE(operations, n);
	return n;
}

/* The program's own malloc, in the file or a library that comes before this one, is what is used.
 */
__attribute__((constructor)) static void start(void)
{
	const void *used;

	chk_started();
	used = chk_symbol("malloc");
	if (used && used != (const void *)malloc)
		chk_syscall1(CHK_CALL_OWN_MALLOC, 0);
}
