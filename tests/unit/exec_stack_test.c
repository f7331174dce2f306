// SPDX-License-Identifier: MIT
/*
 * Does a new program find its arguments, environment and vector where the System V ABI says, and
 * is too much of them refused as on Linux? The stack is written into a buffer instead of an
 * address space and then read as a program's start code would read it.
 * sources: kernel/exec/stack.c
 */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/layout.h"
#include "common/types.h"
#include "kernel/exec/stack.h"

#define TOP  0x7ffffffff000UL
#define SIZE (16UL << 20)

/* Stands in for what the stack's code needs of the kernel. */
int mm_copy_to(struct mm *mm, u64 dst, const void *src, u64 len);
void *kmalloc(u64 size);
void kfree(void *p);
void panic(const char *fmt, ...);

static u64 lowest; /* address written to */
static u64 copies;

int mm_copy_to(struct mm *mm, u64 dst, const void *src, u64 len)
{
	assert_true(dst >= TOP - SIZE && len <= TOP - dst);
	memcpy((u8 *)mm + (dst - (TOP - SIZE)), src, len);
	lowest = dst < lowest ? dst : lowest;
	copies++;
	return 0;
}

void *kmalloc(u64 size)
{
	return malloc(size);
}

void kfree(void *p)
{
	free(p);
}

void panic(const char *fmt, ...)
{
	fail_msg("panic: %s", fmt);
	abort();
}

static u8 *memory;

static const void *at(u64 addr)
{
	assert_true(addr >= TOP - SIZE && addr < TOP);
	return memory + (addr - (TOP - SIZE));
}

static u64 word(u64 addr)
{
	u64 w;

	memcpy(&w, at(addr), sizeof(w));
	return w;
}

static int set_up(void **state)
{
	(void)state;
	memory = calloc(1, SIZE);
	return memory ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	free(memory);
	return 0;
}

static struct exec_stack stack_of(const struct exec_chunk *chunk, u32 chunks, u32 argc, u32 envc)
{
	struct exec_stack s = {
		.chunk = chunk,
		.chunks = chunks,
		.argc = argc,
		.envc = envc,
		.execfn = "/usr/bin/program",
		.platform = "x86_64",
		.random = "0123456789abcde",
		.top = TOP,
		.aux = {{AT_PAGESZ, 4096}, {AT_UID, 1000}},
		.aux_count = 2,
	};

	return s;
}

static void write_stack(struct exec_stack *s)
{
	lowest = TOP;
	copies = 0;
	assert_int_equal(exec_stack_check(s, 8UL << 20), 0);
	assert_int_equal(exec_stack_write(s, (struct mm *)memory), 0);
	assert_int_equal(s->sp % 16, 0);
	assert_int_equal(lowest, s->sp);
	assert_true(TOP - s->sp <= exec_stack_size(s));
}

static u64 aux_value(u64 vector, u64 type)
{
	for (; word(vector) != AT_NULL; vector += 16)
		if (word(vector) == type)
			return word(vector + 8);
	fail_msg("no entry %lu", type);
	return 0;
}

static void a_program_finds_its_arguments(void **state)
{
	static const char strings[] = "prog\0-l\0\0HOME=/root\0TERM=vt100";
	struct exec_chunk chunk[] = {{strings, 5}, {strings + 5, sizeof(strings) - 5}};
	struct exec_stack s = stack_of(chunk, 2, 3, 2);
	u64 p, vector;

	(void)state;
	write_stack(&s);
	p = s.sp;
	assert_int_equal(word(p), 3);
	assert_string_equal(at(word(p + 8)), "prog");
	assert_string_equal(at(word(p + 16)), "-l");
	assert_string_equal(at(word(p + 24)), "");
	assert_int_equal(word(p + 32), 0);
	assert_string_equal(at(word(p + 40)), "HOME=/root");
	assert_string_equal(at(word(p + 48)), "TERM=vt100");
	assert_int_equal(word(p + 56), 0);
	vector = p + 64;
	assert_int_equal(aux_value(vector, AT_PAGESZ), 4096);
	assert_int_equal(aux_value(vector, AT_UID), 1000);
	assert_string_equal(at(aux_value(vector, AT_EXECFN)), "/usr/bin/program");
	assert_string_equal(at(aux_value(vector, AT_PLATFORM)), "x86_64");
	assert_memory_equal(at(aux_value(vector, AT_RANDOM)), s.random, 16);
	assert_int_equal(s.aux_count, 5);

	/* /proc/self/cmdline and environ are these ranges. */
	assert_int_equal(s.arg_end - s.arg_start, 9);
	assert_memory_equal(at(s.arg_start), strings, 9);
	assert_int_equal(s.env_end - s.arg_end, sizeof(strings) - 9);
	assert_memory_equal(at(s.arg_end), strings + 9, sizeof(strings) - 9);
	/* On Linux the path follows the environment, and 8 zero bytes follow the path. */
	assert_int_equal(aux_value(vector, AT_EXECFN), s.env_end);
	assert_int_equal(TOP - s.env_end, sizeof("/usr/bin/program") + 8);
}

#define PRELOAD "LD_PRELOAD=/library:/own"

/* Reads argv and envp as a program does, and finds the auxiliary vector. */
static u64 pointers_end(u64 p, u32 *count)
{
	for (*count = 0; word(p); p += 8)
		++*count;
	return p + 8;
}

static void a_preload_is_outside_of_the_environment(void **state)
{
	static const char strings[] = "prog\0A=1\0LD_PRELOAD=/own\0LD_PRELOAD=/b\0B=2";
	struct exec_chunk chunk = {strings, sizeof(strings)};
	u64 envp, vector, old;
	u32 count;

	(void)state;
	for (u32 argc = 1; argc <= 2; argc++) { /* an odd and an even number of pointers */
		struct exec_stack s = stack_of(&chunk, 1, argc, 5 - argc);
		struct exec_preload inject;

		s.preload = PRELOAD;
		s.inject = &inject;
		write_stack(&s);
		envp = pointers_end(s.sp + 8, &count);
		assert_int_equal(count, argc);
		vector = pointers_end(envp, &count);
		assert_int_equal(count, 5 - argc + EXEC_PRELOADS);
		assert_int_equal(aux_value(vector, AT_PAGESZ), 4096);

		/* The first replaces the program's own entry, the last two are added. */
		old = envp + 8 * (2 - argc);
		assert_int_equal(inject.slot, old);
		assert_string_equal(at(inject.slot_value), "LD_PRELOAD=/own");
		assert_int_equal(word(old), inject.string);
		assert_string_equal(at(word(old + 8)), "LD_PRELOAD=/b");
		assert_int_equal(inject.added, vector - 24);
		assert_int_equal(word(vector - 24), inject.string);
		assert_int_equal(word(vector - 16), inject.string);
		assert_string_equal(at(inject.string), PRELOAD);
		assert_true(inject.string < s.arg_start);
		assert_memory_equal(at(s.arg_start), strings, sizeof(strings));
		assert_int_equal(s.env_end - s.arg_start, sizeof(strings));
	}
}

static void without_a_preload_nothing_is_put_back(void **state)
{
	struct exec_chunk chunk = {"prog\0LD_PRELOAD=/own", 21};
	struct exec_stack s = stack_of(&chunk, 1, 1, 1);

	(void)state;
	write_stack(&s);
	assert_null(s.inject);
	assert_string_equal(at(word(s.sp + 24)), "LD_PRELOAD=/own");
	assert_int_equal(word(s.sp + 32), 0);
}

static void an_empty_environment_is_a_null(void **state)
{
	struct exec_chunk chunk = {"prog", 5};
	struct exec_stack s = stack_of(&chunk, 1, 1, 0);

	(void)state;
	write_stack(&s);
	assert_int_equal(word(s.sp), 1);
	assert_int_equal(word(s.sp + 16), 0);
	assert_int_equal(word(s.sp + 24), 0);
	assert_int_equal(word(s.sp + 32), AT_PAGESZ);
	assert_int_equal(s.arg_end, s.env_end);
}

static void the_stack_is_aligned_whatever_the_gap(void **state)
{
	struct exec_chunk chunk = {"prog\0a\0b", 9};

	(void)state;
	for (u32 argc = 1; argc <= 3; argc++) {
		for (u64 gap = 0; gap < STACK_RANDOM_GAP; gap += 97) {
			static const u64 size[] = {0, 5, 7, 9};
			struct exec_stack s;

			chunk.size = size[argc];
			s = stack_of(&chunk, 1, argc, 0);
			s.gap = gap;
			write_stack(&s);
			assert_int_equal(word(s.sp), argc);
		}
	}
}

static void ten_thousand_arguments_take_few_copies(void **state)
{
	enum { COUNT = 10000, LEN = 8 };
	char *strings = malloc((size_t)COUNT * LEN);
	struct exec_chunk chunk = {strings, (u64)COUNT * LEN};
	struct exec_stack s;

	(void)state;
	for (u64 i = 0; i < COUNT; i++)
		snprintf(strings + i * LEN, LEN, "a%06lu", i);
	s = stack_of(&chunk, 1, COUNT, 0);
	write_stack(&s);
	assert_int_equal(word(s.sp), COUNT);
	for (u64 i = 0; i < COUNT; i++)
		assert_string_equal(at(word(s.sp + 8 + 8 * i)), strings + i * LEN);
	assert_int_equal(word(s.sp + 8 + 8UL * COUNT), 0);
	assert_true(copies < 50);
	free(strings);
}

/* Returns the check's result for one argument of this many bytes with its NUL. */
static int check_argument(u64 size, u64 rlimit)
{
	char *strings = malloc(size);
	struct exec_chunk chunk = {strings, size};
	struct exec_stack s;
	int ret;

	memset(strings, 'x', size);
	strings[size - 1] = '\0';
	s = stack_of(&chunk, 1, 1, 0);
	ret = exec_stack_check(&s, rlimit);
	free(strings);
	return ret;
}

static void one_argument_has_at_most_128_kib(void **state)
{
	(void)state;
	assert_int_equal(check_argument(131072, 8UL << 20), 0);
	assert_int_equal(check_argument(131073, 8UL << 20), -E2BIG);
	assert_int_equal(check_argument(2UL << 20, UINT64_MAX), -E2BIG);
}

/* Returns the check's result for this many strings of 64 KiB. */
static int check_total(u32 count, u64 rlimit)
{
	enum { LEN = 65536 };
	char *strings = malloc((u64)count * LEN);
	struct exec_chunk chunk = {strings, (u64)count * LEN};
	struct exec_stack s;
	int ret;

	memset(strings, 'x', (u64)count * LEN);
	for (u32 i = 1; i <= count; i++)
		strings[(u64)i * LEN - 1] = '\0';
	s = stack_of(&chunk, 1, 1, count - 1);
	ret = exec_stack_check(&s, rlimit);
	free(strings);
	return ret;
}

static void all_arguments_have_a_quarter_of_the_stack(void **state)
{
	(void)state;
	assert_int_equal(check_total(31, 8UL << 20), 0);
	assert_int_equal(check_total(32, 8UL << 20), -E2BIG); /* the pointers count as well */
	assert_int_equal(check_total(95, UINT64_MAX), 0);
	assert_int_equal(check_total(96, UINT64_MAX), -E2BIG); /* 6 MiB whatever the stack */
	assert_int_equal(check_total(1, 4096), 0);	       /* 128 KiB whatever the stack */
	assert_int_equal(check_total(2, 4096), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_finds_its_arguments),
		cmocka_unit_test(a_preload_is_outside_of_the_environment),
		cmocka_unit_test(without_a_preload_nothing_is_put_back),
		cmocka_unit_test(an_empty_environment_is_a_null),
		cmocka_unit_test(the_stack_is_aligned_whatever_the_gap),
		cmocka_unit_test(ten_thousand_arguments_take_few_copies),
		cmocka_unit_test(one_argument_has_at_most_128_kib),
		cmocka_unit_test(all_arguments_have_a_quarter_of_the_stack),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
