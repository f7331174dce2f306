// SPDX-License-Identifier: MIT
/*
 * Starts the library: at the first call of one of its functions, or in its init function, which in
 * programs that an ld.so loads runs before the program's (DF_1_INITFIRST). The guest kernel then
 * makes the guarded heap, and removes the traces of LD_PRELOAD.
 */
#include <asm/errno.h>
#include "check/preload/library.h"
#include "check/preload/policy.h"
#include "check/preload/syscall.h"
#include "check/preload/takeover.h"
#include "check/preload/unwind.h"

#define SYS_gettid 186
#define THREADS	   64 /* threads whose TIDs are cached */

struct chk_changes chk_changes;

struct chk_start chk_said;
u32 chk_begun;

__attribute__((noinline)) const struct chk_start *chk_start_now(void)
{
	struct chk_start s = {.changes = (u64)&chk_changes};

	/* Two threads, or a thread and its signal handler, may both get here: that is harmless. */
	if (chk_syscall1(CHK_CALL_START, (u64)&s) < 0)
		return &chk_said;
	chk_said = s;
	policy_begin(&s.tree);
	unwind_init();
	__atomic_store_n(&chk_begun, 1, __ATOMIC_RELEASE);
	return &chk_said;
}

/* Asks for a thread's TID once, and again after new threads have started. */
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

		/* Two threads may share an entry. While it changes, its pointer matches neither. */
		WRITE_ONCE(memory[i].pointer, 0);
		WRITE_ONCE(memory[i].tid, tid);
		WRITE_ONCE(memory[i].threads, threads);
		WRITE_ONCE(memory[i].pointer, tp);
		return tid;
	}
	return READ_ONCE(memory[i].tid);
}

/* The numbers only order operations: simultaneous calls of two threads may get the same one. */
u32 chk_operation(void)
{
	static u32 operations;
	u32 n = READ_ONCE(operations) + 1;

	WRITE_ONCE(operations, n);
	return n;
}

__attribute__((noinline)) static void note_creation(u64 rip, u64 rsp, u64 rbp)
{
	const struct chk_frame from = {rip, rsp, rbp};

	chk_syscall1(CHK_CALL_CREATES, chk_stack_id(&from));
}

CHK_EXPORT int pthread_create(void *thread, const void *attributes, void *(*run)(void *),
			      void *arg);

/*
 * Tells the kernel where the thread is created, for reports. The last statement has to be a jump,
 * so that this library is in no stack of the program.
 */
CHK_EXPORT int pthread_create(void *thread, const void *attributes, void *(*run)(void *), void *arg)
{
	static int (*next)(void *, const void *, void *(*)(void *), void *);
	const struct chk_frame from = CHK_CALLER;

	if (!__atomic_load_n(&next, __ATOMIC_RELAXED))
		__atomic_store_n(&next, chk_symbol_next("pthread_create", NULL), __ATOMIC_RELAXED);
	if (!next)
		return EAGAIN;
	note_creation(from.rip, from.rsp, from.rbp);
	return next(thread, attributes, run, arg);
}

/* Tells the kernel if the program uses a malloc of its own, in its file or an earlier library. */
__attribute__((constructor)) static void start(void)
{
	const void *used;

	chk_started();
	takeover_libc();
	used = chk_symbol("malloc");
	if (used && used != (const void *)malloc)
		chk_syscall1(CHK_CALL_OWN_MALLOC, 0);
}
