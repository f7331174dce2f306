// SPDX-License-Identifier: MIT
/*
 * Does stack capture see the same callers as libgcc's unwinder, which has the same tables but no
 * need to be fast? Both look from one place: below recursion, libc's callbacks, signal handlers on
 * either stack, functions that end in one that does not return. And does it stop, without reading
 * what is not there, when the stack or the tables are nonsense?
 *
 * sources: check/preload/unwind.c check/preload/unwind_memo.c check/preload/modules.c
 * sources: check/preload/guess.c check/preload/cfi.c tests/fake/peek.c tests/fake/modules.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <search.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>
#include "common/layout.h"
#include "check/preload/unwind.h"
#include "check/preload/unwind_kernel.h"
#include "tests/fake/modules.h"

#define FRAMES	 64
#define NOINLINE __attribute__((noinline))

static u64 ours[FRAMES], theirs[FRAMES];
static u32 our_count, their_count;

static _Unwind_Reason_Code note(struct _Unwind_Context *context, void *arg)
{
	int before = 0;
	u64 ip = _Unwind_GetIPInfo(context, &before);

	(void)arg;
	if (ip == 0)
		return _URC_END_OF_STACK;
	theirs[their_count++] = ip + (before ? 1 : 0);
	return their_count == FRAMES ? _URC_END_OF_STACK : _URC_NO_REASON;
}

/* Captures both stacks from here. libgcc's begins with this function, ours with its caller. */
NOINLINE static void look(void)
{
	their_count = 0;
	_Unwind_Backtrace(note, NULL);
	our_count = UNWIND_CALLERS(ours, FRAMES);
}

static void same_as_libgcc(u32 at_least)
{
	assert_true(our_count >= at_least);
	if (their_count < FRAMES)
		assert_int_equal(our_count, their_count - 1);
	for (u32 i = 0; i + 1 < their_count; i++)
		assert_int_equal(ours[i], theirs[i + 1]);
}

static volatile int sink;

NOINLINE static void recurse(int depth)
{
	if (depth == 0)
		look();
	else
		recurse(depth - 1);
	sink++;
}

static void recursion(void **state)
{
	(void)state;
	recurse(20);
	same_as_libgcc(22);
	for (int i = 1; i < 20; i++) /* one call site */
		assert_int_equal(ours[i], ours[1]);
	recurse(3 * FRAMES);
	assert_int_equal(our_count, FRAMES);
	same_as_libgcc(FRAMES);
}

static void a_limit_is_kept(void **state)
{
	u64 pcs[4] = {0, 0, 0, 0x5555};

	(void)state;
	assert_int_equal(UNWIND_CALLERS(pcs, 3), 3);
	assert_true(pcs[0] && pcs[1] && pcs[2]);
	assert_int_equal(pcs[3], 0x5555);
	assert_int_equal(UNWIND_CALLERS(pcs, 0), 0);
}

static int compare(const void *a, const void *b)
{
	look();
	return *(const int *)a - *(const int *)b;
}

static void callbacks_of_libc(void **state)
{
	int numbers[] = {3, 1, 2}, key = 2;
	void *root = NULL;

	(void)state;
	qsort(numbers, 3, sizeof(int), compare);
	same_as_libgcc(5);
	assert_non_null(bsearch(&key, numbers, 3, sizeof(int), compare));
	same_as_libgcc(4);
	for (int i = 0; i < 3; i++)
		tsearch(&numbers[i], &root, compare);
	same_as_libgcc(4);
	while (root)
		tdelete(*(int **)root, &root, compare);
}

/* A frame of a size that is known only at run time: CFA by RBP. */
NOINLINE static void variable_frame(size_t n)
{
	volatile char array[n];

	array[0] = 1;
	look();
	sink += array[0];
}

static void frames_of_variable_size(void **state)
{
	(void)state;
	for (size_t n = 16; n < 10000; n *= 3) {
		variable_frame(n);
		same_as_libgcc(3);
	}
}

/* A frame aligned to more than the ABI gives: CFA by an expression in gcc's code. */
NOINLINE static void aligned_frame(void)
{
	__attribute__((aligned(256))) volatile char array[256];

	array[0] = 1;
	look();
	sink += array[0];
}

static void aligned_frames(void **state)
{
	(void)state;
	aligned_frame();
	same_as_libgcc(3);
}

static jmp_buf way_out;

__attribute__((noreturn)) NOINLINE static void leave(void)
{
	look();
	longjmp(way_out, 1);
}

/* Nothing follows the call, so its return address lies in the next function. */
__attribute__((noreturn)) NOINLINE static void ends_in_noreturn(int i)
{
	sink += i;
	leave();
}

static void functions_that_do_not_return(void **state)
{
	(void)state;
	if (!setjmp(way_out))
		ends_in_noreturn(1);
	same_as_libgcc(4);
}

static void handler(int sig)
{
	(void)sig;
	look();
}

static void in_handlers(int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	same_as_libgcc(6);
	signal(SIGUSR1, SIG_DFL);
}

static void signal_handlers(void **state)
{
	static char memory[65536];
	stack_t stack = {.ss_sp = memory, .ss_size = sizeof(memory)},
		none = {.ss_flags = SS_DISABLE};

	(void)state;
	in_handlers(0);
	in_handlers(SA_SIGINFO);
	sigaltstack(&stack, NULL);
	in_handlers(SA_ONSTACK);
	sigaltstack(&none, NULL);
}

/*
 * The first instruction of a function: its interrupted pc must not be taken for a return address.
 */
extern const char trapping[], trapping_end[];
__asm__(".pushsection .text\n"
	".type trapping, @function\n"
	"trapping: .cfi_startproc\n"
	"ud2\n"
	"ret\n"
	".cfi_endproc\n"
	"trapping_end:\n"
	".size trapping, . - trapping\n"
	".popsection\n");

static void skip_it(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	(void)sig, (void)info;
	look();
	u->uc_mcontext.gregs[REG_RIP] += 2;
}

static void a_first_instruction(void **state)
{
	struct sigaction action = {.sa_sigaction = skip_it, .sa_flags = SA_SIGINFO};
	bool seen = false;

	(void)state;
	sigaction(SIGILL, &action, NULL);
	((void (*)(void))trapping)();
	signal(SIGILL, SIG_DFL);
	same_as_libgcc(4);
	for (u32 i = 0; i < our_count; i++)
		seen |= ours[i] == (u64)trapping + 1;
	assert_true(seen);
}

static void *thread(void *arg)
{
	(void)arg;
	recurse(3);
	return NULL;
}

static void a_thread_ends_where_it_began(void **state)
{
	pthread_t t;

	(void)state;
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, NULL);
	same_as_libgcc(6);
}

static u64 seed;

static u32 random_below(u32 n)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (u32)((seed >> 33) % n);
}

NOINLINE static void look_theirs(void)
{
	their_count = 0;
	_Unwind_Backtrace(note, NULL);
	sink++; /* no tail call */
}

/* From the same function, but another call. */
NOINLINE static void look_ours(u32 limit)
{
	our_count = UNWIND_CALLERS(ours, limit);
	assert_int_equal(our_count, MIN(limit, their_count - 1));
	for (u32 i = 1; i < our_count; i++)
		assert_int_equal(ours[i], theirs[i + 1]);
}

NOINLINE static void look_below(u32 limit)
{
	look_theirs();
	look_ours(limit);
	sink++;
}

static void wander(u32 depth);

NOINLINE static void wander_large(u32 depth)
{
	volatile char array[300];

	array[depth] = 1;
	wander(depth);
	sink += array[depth];
}

NOINLINE static void wander_variable(u32 depth)
{
	volatile char array[32 + 16 * random_below(4)];

	array[0] = 1;
	wander(depth);
	sink += array[0];
}

static int wander_back(const void *a, const void *b)
{
	(void)b;
	wander(*(const u32 *)a);
	return 0;
}

/* Up and down through several kinds of frames. The memo of a short capture serves a long one. */
NOINLINE static void wander(u32 depth)
{
	u32 same[2] = {depth + 1, depth + 1};

	for (u32 i = random_below(3); depth < 40 && i; i--) {
		switch (random_below(8)) {
		case 0 ... 1:
			wander(depth + 1);
			break;
		case 2 ... 3: /* the same except for the return address */
			wander(depth + 1);
			sink--;
			break;
		case 4:
			wander_large(depth + 1);
			break;
		case 5 ... 6:
			wander_variable(depth + 1);
			break;
		default:
			bsearch(same, same, 1, sizeof(*same), wander_back);
		}
	}
	for (volatile u32 i = random_below(2); i < 2; i++)
		look_below(i ? FRAMES - 1 : 1 + random_below(3));
}

/*
 * The memo of one call, shortened by a short capture from another call: the result must not mix
 * both.
 */
static void a_short_walk_by_other_frames(void **state)
{
	(void)state;
	for (u32 limit = 1; limit < 5; limit++) {
		look_below(FRAMES - 1);
		for (volatile u32 i = 0; i < 2; i++) /* one call, whatever the optimizer does */
			look_below(i ? FRAMES - 1 : limit);
	}
}

static void ways_that_change(void **state)
{
	(void)state;
	for (u32 i = 0; i < 500; i++) {
		seed = i;
		wander(0);
	}
}

static void modules_are_asked_for_once(void **state)
{
	unsigned before;

	(void)state;
	recurse(5);
	before = fake_modules_asked;
	recurse(5);
	assert_int_equal(fake_modules_asked, before);
	unwind_generation++;
	recurse(5);
	assert_true(fake_modules_asked > before);
	same_as_libgcc(6);
}

/*
 * As in musl's functions: no tables and no frame pointer; RBP is saved, used, and not restored yet.
 */
void without_tables(void (*f)(void));
__asm__(".pushsection .text\n"
	".type without_tables, @function\n"
	"without_tables:\n"
	"push %rbp\n"
	"push %rbx\n"
	"mov $1, %ebp\n"
	"sub $40, %rsp\n"
	"call *%rdi\n"
	"add $40, %rsp\n"
	"pop %rbx\n"
	"pop %rbp\n"
	"ret\n"
	".size without_tables, . - without_tables\n"
	".popsection\n");

NOINLINE static void caller_with_frame_pointer(size_t n)
{
	volatile char array[n];

	array[0] = 1;
	without_tables(look);
	sink += array[0];
}

static void code_of_a_module_without_tables(void **state)
{
	(void)state;
	unwind_program = (u64)look;
	for (size_t n = 16; n < 5000; n *= 3) {
		caller_with_frame_pointer(n);
		assert_true(ours[0] - (u64)without_tables < 64);
		assert_true(ours[1] - (u64)caller_with_frame_pointer < 256);
		/* From there on the tables are used. */
		assert_true(ours[2] - (u64)code_of_a_module_without_tables < 4096);
		assert_true(our_count > 5);
	}
}

/* Static programs have no .eh_frame_hdr. */
static void without_a_search_table(void **state)
{
	fake_modules_without_header = true;
	unwind_generation++;
	recursion(state);
	callbacks_of_libc(state);
	functions_that_do_not_return(state);
	a_thread_ends_where_it_began(state);
	fake_modules_without_header = false;
	unwind_generation++;
}

/* Registers that no program has: the capture ends, and the frames before that are right. */
static void nonsense_registers(void **state)
{
	static const u64 values[] = {
		0,    1,    8,	       0x1000, USER_TOP - 8, USER_TOP, PHYSMAP_RING3,
		-1UL, -8UL, 1UL << 63, 0x7ff8};
	u64 here = (u64)look, pcs[FRAMES];

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(values); i++)
		for (u32 j = 0; j < ARRAY_SIZE(values); j++) {
			assert_true(unwind_stack(pcs, FRAMES, here + 8, values[i], values[j]) <=
				    FRAMES);
			assert_true(unwind_stack(pcs, FRAMES, values[i], values[j], 0) <= FRAMES);
		}
}

/* Any words on the stack. */
static void a_corrupt_stack(void **state)
{
	u64 words[512], pcs[FRAMES];

	(void)state;
	seed = 1;
	look();
	for (u32 round = 0; round < 2000; round++) {
		for (u32 i = 0; i < ARRAY_SIZE(words); i++) {
			seed = seed * 6364136223846793005 + 1442695040888963407;
			switch (seed >> 61) {
			case 0 ... 3:
				words[i] = ours[(seed >> 40) % our_count];
				break;
			case 4:
				words[i] = (u64)&words[(seed >> 40) % ARRAY_SIZE(words)];
				break;
			case 5:
				words[i] = seed;
				break;
			default:
				words[i] = 0;
			}
		}
		assert_true(unwind_stack(pcs, FRAMES, ours[round % our_count], (u64)words,
					 (u64)(words + 8)) <= FRAMES);
	}
}

/* Code without tables may still keep frame pointers. */
static void code_without_tables(void **state)
{
	u8 *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	static const u8 code[] = {
		0x55,		  /* push %rbp */
		0x48, 0x89, 0xe5, /* mov %rsp, %rbp */
		0xff, 0xd7,	  /* call *%rdi */
		0x5d,		  /* pop %rbp */
		0xc3,		  /* ret */
	};

	(void)state;
	memcpy(page, code, sizeof(code));
	((void (*)(void (*)(void)))page)(look);
	/* libgcc stops here. */
	assert_true(our_count >= 3);
	assert_int_equal(ours[0], (u64)page + 6);
	assert_true(ours[1] - (u64)code_without_tables < 1024);
	munmap(page, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recursion),
		cmocka_unit_test(a_limit_is_kept),
		cmocka_unit_test(callbacks_of_libc),
		cmocka_unit_test(frames_of_variable_size),
		cmocka_unit_test(aligned_frames),
		cmocka_unit_test(functions_that_do_not_return),
		cmocka_unit_test(signal_handlers),
		cmocka_unit_test(a_first_instruction),
		cmocka_unit_test(a_thread_ends_where_it_began),
		cmocka_unit_test(a_short_walk_by_other_frames),
		cmocka_unit_test(ways_that_change),
		cmocka_unit_test(modules_are_asked_for_once),
		cmocka_unit_test(without_a_search_table),
		cmocka_unit_test(code_of_a_module_without_tables),
		cmocka_unit_test(nonsense_registers),
		cmocka_unit_test(a_corrupt_stack),
		cmocka_unit_test(code_without_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
