// SPDX-License-Identifier: MIT
/*
 * What does the worker do with a corrupt ELF file? An input is the file of a program that crashed:
 * symbols, DWARF and frame tables of it are asked for, and its end is decoded as code. Whatever it
 * finds, its answer must be one that the reporter understands.
 *
 * sources: check/report/analyse.c check/report/analysis.c check/report/decode.c
 * sources: check/report/maps.c check/report/source.c check/report/symbols.c check/report/unwind.c
 * sources: check/report/validate.c check/report/units.c check/report/scopes.c
 * sources: check/report/dwp.c check/report/elf_open.c check/report/zstd.c
 * libraries: dw elf iberty Zydis
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "check/report/analysis.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
const char *__asan_default_options(void);
const char *__lsan_default_suppressions(void);

#define BASE  0x400000UL
#define STACK 0x7ffd00000000UL

struct report {
	struct check_report head;
	u64 alloc[CHECK_DEPTH_MAX];
	u64 stack[64];
	char maps[512];
};

/*
 * elfutils leaks a few bytes where a file's frame tables are corrupt. A worker does not live long.
 */
const char *__lsan_default_suppressions(void)
{
	return "leak:libdw.so\n";
}

/* Without frame pointers, which libc does not keep, the stack would often not lead there. */
const char *__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}

/* The file of this run. Its name changes each time, so that nothing is cached. */
static const char *write_file(const u8 *data, size_t size)
{
	static char path[64];
	static u32 number;
	int fd;

	if (path[0])
		unlink(path);
	snprintf(path, sizeof(path), "/tmp/buffervm-fuzz-%d-%u", getpid(), number++);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
	return path;
}

static void remove_file(void)
{
	write_file((const u8 *)"", 0);
	/* The file just made is removed when the next name is made. */
	unlink(write_file((const u8 *)"", 0));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const struct report_analysis_options opt = {.depth = 40};
	static bool once;
	struct report r = {
		.head =
			{
				.kind = CHECK_USE_AFTER_FREE,
				.flags = CHECK_REPORT_REGS,
				.stack_at = STACK,
				.part =
					{
						[CHECK_PART_ALLOC] = {offsetof(struct report,
									       alloc),
								      sizeof(r.alloc)},
						[CHECK_PART_STACK] = {offsetof(struct report,
									       stack),
								      sizeof(r.stack)},
						[CHECK_PART_MAPS] = {offsetof(struct report, maps),
								     sizeof(r.maps)},
					},
			},
	};
	struct report_analysis a;
	struct report_input in;
	char *answer = NULL;
	size_t len, step = size / CHECK_DEPTH_MAX + 1;
	FILE *out;

	if (!once)
		atexit(remove_file);
	once = true;
	if (size > 1 << 20)
		return 0;
	snprintf(r.maps, sizeof(r.maps),
		 "%lx-%lx r-xp 00000000 08:01 12 %s\n%lx-%lx rw-p 00000000 00:00 0 [stack]\n", BASE,
		 ALIGN_UP(BASE + size + 1, 4096), write_file(data, size), STACK, STACK + 4096);
	/* Addresses all over the file, and a stack full of them. */
	for (u32 i = 0; i < CHECK_DEPTH_MAX; i++)
		r.alloc[i] = BASE + i * step;
	for (u32 i = 0; i < ARRAY_SIZE(r.stack); i++)
		r.stack[i] = i & 1 ? STACK + 8 * (i + 2) : BASE + 0x1000 + i;
	r.head.reg[USER_RIP] = size > 32 ? BASE + data[24] + 256U * data[25] : BASE;
	r.head.reg[USER_RSP] = STACK;
	r.head.insn_len = (u32)MIN(size, sizeof(r.head.insn));
	memcpy(r.head.insn, data + size - r.head.insn_len, r.head.insn_len);
	r.head.reg[USER_RBP] = STACK + 16;
	if (report_input(&in, &r, sizeof(r)))
		abort();
	out = open_memstream(&answer, &len);
	report_analyse(&in, &opt, out);
	fclose(out);
	if (report_analysis_parse(&a, answer, len))
		abort();
	report_analysis_free(&a);
	return 0;
}
