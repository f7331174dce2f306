// SPDX-License-Identifier: MIT
/*
 * Which programs get the heap library through their loader, with what string, and does every trace
 * of it go again? The program's memory is an array here.
 * The file is compiled into this one, so that current() can be a thread of the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define BUFFERVM_CHECK
#include "kernel/arch/x86_64/arch.h"

static struct thread *test_thread(void);
#define current test_thread

#include "kernel/check/inject.c"

static struct boot_info info;
const struct boot_info *boot = &info;
static struct check_mm check;
static struct mm mm = {.check = &check};
static struct process process = {.mm = &mm};
static struct thread thread = {.proc = &process};
static u64 memory[16]; /* of the program; its addresses are indices * 8 */
static u32 library_asked;
static struct ofile file;

static struct thread *test_thread(void)
{
	return &thread;
}

void mutex_lock(struct mutex *m)
{
	(void)m;
}

void mutex_unlock(struct mutex *m)
{
	(void)m;
}

void *kmalloc(u64 size)
{
	return __builtin_malloc(size);
}

struct ofile *host_file_new(s32 handle, u32 flags)
{
	file = (struct ofile){.refs = 1, .handle = handle, .flags = flags};
	return &file;
}

struct ofile *ofile_get(struct ofile *f)
{
	f->refs++;
	return f;
}

s64 hostcall_make(enum hostcall_nr nr, const struct hostcall_param *params, unsigned count)
{
	(void)params, (void)count;
	assert_int_equal(nr, HC_check_library);
	library_asked++;
	return 7;
}

int copy_from_user(void *dst, u64 src, u64 len)
{
	if (src + len > sizeof(memory))
		return -EFAULT;
	memcpy(dst, (u8 *)memory + src, len);
	return 0;
}

int copy_to_user(u64 dst, const void *src, u64 len)
{
	if (dst + len > sizeof(memory))
		return -EFAULT;
	memcpy((u8 *)memory + dst, src, len);
	return 0;
}

static void loaders_are_known_by_name(void **state)
{
	(void)state;
	assert_true(chk_is_loader("/lib64/ld-linux-x86-64.so.2"));
	assert_true(chk_is_loader("/nix/store/x/lib/ld-linux-x86-64.so.2"));
	assert_true(chk_is_loader("/lib/ld-musl-x86_64.so.1"));
	assert_true(chk_is_loader("ld.so"));
	assert_true(chk_is_loader("/lib/x86_64-linux-gnu/ld-2.31.so"));
	assert_false(chk_is_loader("/usr/bin/ld"));
	assert_false(chk_is_loader("/usr/bin/ld.gold"));
	assert_false(chk_is_loader("/ld-linux/interp"));
	assert_false(chk_is_loader(""));
}

static void expect_preload(const char *strings, u64 size, u32 argc, const char *wanted)
{
	/* Two extents, to see that the count continues from one to the next. */
	u64 first = strlen(strings) + 1;
	struct exec_chunk chunk[] = {{strings, first}, {strings + first, size - first}};
	char *got = chk_preload(chunk, 2, argc);

	if (wanted)
		assert_string_equal(got, wanted);
	else
		assert_null(got);
	__builtin_free(got);
}

static void the_programs_own_preload_is_kept_behind_ours(void **state)
{
	static const char none[] = "prog\0LD_PRELOAD=/argument\0A=1";
	static const char own[] = "prog\0A=1\0LD_PRELOAD=/a.so:/b.so\0LD_PRELOAD=/c.so";
	static const char empty[] = "prog\0LD_PRELOAD=";
	static const char ldd[] = "prog\0LD_TRACE_LOADED_OBJECTS=1\0LD_PRELOAD=/a.so";

	(void)state;
	expect_preload(none, sizeof(none), 2, "LD_PRELOAD=" CHK_LIBRARY_PATH);
	expect_preload(own, sizeof(own), 1, "LD_PRELOAD=" CHK_LIBRARY_PATH ":/a.so:/b.so");
	expect_preload(empty, sizeof(empty), 1, "LD_PRELOAD=" CHK_LIBRARY_PATH);
	expect_preload(ldd, sizeof(ldd), 1, NULL);
}

static void every_trace_goes(void **state)
{
	(void)state;
	/* envp = {own, ours, ours, NULL}, then a vector of one entry. */
	memcpy(memory, (u64[]){0, 100, 100, 100, 0, AT_PAGESZ, 4096, AT_NULL, 0}, 9 * sizeof(u64));
	check.preload =
		(struct exec_preload){.string = 100, .slot = 8, .slot_value = 50, .added = 16};
	chk_inject_undo();
	assert_memory_equal(memory, ((u64[]){0, 50, 0, AT_IGNORE, 0, AT_PAGESZ, 4096}),
			    7 * sizeof(u64));
	/* Only once: what the program puts there later is its own. */
	memory[1] = 100;
	chk_inject_undo();
	assert_int_equal(memory[1], 100);
}

static void what_the_program_changed_stays(void **state)
{
	(void)state;
	memcpy(memory, (u64[]){0, 100, 77, 100, 0}, 5 * sizeof(u64));
	check.preload =
		(struct exec_preload){.string = 100, .slot = 8, .slot_value = 50, .added = 16};
	chk_inject_undo();
	assert_memory_equal(memory, ((u64[]){0, 50, 77, AT_IGNORE, 0}), 5 * sizeof(u64));
	/* ld.so, run by its name, has moved envp and the vector down over its own arguments. */
	memcpy(memory, (u64[]){1, 100, 100, 100, 0, AT_PAGESZ, 4096}, 7 * sizeof(u64));
	check.preload =
		(struct exec_preload){.string = 100, .slot = 32, .slot_value = 50, .added = 40};
	chk_inject_undo();
	assert_memory_equal(memory, ((u64[]){1, 50, 0, AT_IGNORE, 0, AT_PAGESZ}), 6 * sizeof(u64));
	/* A stack that is unmapped. */
	check.preload = (struct exec_preload){.string = 100, .added = sizeof(memory) - 8};
	chk_inject_undo();
}

static void the_library_is_there_for_checks_only(void **state)
{
	(void)state;
	assert_null(check_path(CHK_LIBRARY_PATH));
	info.check.flags = CHECK_ON;
	assert_null(check_path("/proc/self/buffervm"));
	assert_ptr_equal(check_path(CHK_LIBRARY_PATH), &file);
	assert_ptr_equal(check_path(CHK_LIBRARY_PATH), &file);
	info.check.flags = 0;
	assert_int_equal(library_asked, 1);
	assert_int_equal(file.refs, 3);
	assert_int_equal(file.handle, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loaders_are_known_by_name),
		cmocka_unit_test(the_programs_own_preload_is_kept_behind_ours),
		cmocka_unit_test(every_trace_goes),
		cmocka_unit_test(what_the_program_changed_stays),
		cmocka_unit_test(the_library_is_there_for_checks_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
