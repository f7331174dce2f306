// SPDX-License-Identifier: MIT
/*
 * Which program files are accepted, and what is said of the others? Small headers are built by
 * hand, one thing is made wrong in each, and the class of the refusal is compared.
 * sources: kernel/exec/elf.c kernel/exec/script.c
 */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "common/exit_status.h"
#include "common/layout.h"
#include "kernel/exec/elf.h"
#include "kernel/exec/script.h"

#define HEADERS 4

/* A valid file: text, data with bss, PT_GNU_STACK, and PT_INTERP with its name. */
struct file {
	Elf64_Ehdr e;
	Elf64_Phdr p[HEADERS];
	char interp[16];
};

static struct file good(void)
{
	return (struct file){
		.e = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				  EV_CURRENT},
		      .e_type = ET_DYN,
		      .e_machine = EM_X86_64,
		      .e_version = EV_CURRENT,
		      .e_entry = 0x1010,
		      .e_phoff = offsetof(struct file, p),
		      .e_ehsize = sizeof(Elf64_Ehdr),
		      .e_phentsize = sizeof(Elf64_Phdr),
		      .e_phnum = HEADERS},
		.p = {{.p_type = PT_LOAD,
		       .p_flags = PF_R | PF_X,
		       .p_filesz = 0x2000,
		       .p_memsz = 0x2000,
		       .p_align = 0x1000},
		      {.p_type = PT_LOAD,
		       .p_flags = PF_R | PF_W,
		       .p_offset = 0x2800,
		       .p_vaddr = 0x3800,
		       .p_filesz = 0x100,
		       .p_memsz = 0x5000,
		       .p_align = 0x200000},
		      {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W},
		      {.p_type = PT_INTERP,
		       .p_offset = offsetof(struct file, interp),
		       .p_filesz = sizeof("/lib/ld.so")}},
		.interp = "/lib/ld.so",
	};
}

static struct elf_image image;
static struct elf_segment segment[HEADERS];
static struct elf_error why;

static int read_file(const struct file *f, u64 len)
{
	int ret = elf_read_header(&image, f, len, len, &why);

	if (ret < 0)
		return ret;
	assert_true(image.table_offset + image.table_size <= len);
	if (image.headers > HEADERS)
		return 0;
	return elf_read_segments(&image, (const char *)f + image.table_offset, segment, &why);
}

static void accepted(const struct file *f)
{
	assert_int_equal(read_file(f, sizeof(*f)), 0);
}

static void refused(const struct file *f, u32 status, const char *part_of_text)
{
	assert_int_equal(read_file(f, sizeof(*f)), -ENOEXEC);
	assert_int_equal(why.status, status);
	assert_non_null(strstr(why.text, part_of_text));
	assert_false(why.late);
}

static void refused_late(const struct file *f, const char *part_of_text)
{
	assert_int_equal(read_file(f, sizeof(*f)), -ENOEXEC);
	assert_int_equal(why.status, EXIT_BAD_ELF);
	assert_non_null(strstr(why.text, part_of_text));
	assert_true(why.late);
}

static void good_file_is_described(void **state)
{
	struct file f = good();

	(void)state;
	accepted(&f);
	assert_false(image.fixed);
	assert_int_equal(image.entry, 0x1010);
	assert_int_equal(image.segments, 2);
	assert_int_equal(image.start, 0);
	assert_int_equal(image.end, 0x9000);
	assert_int_equal(image.align, 0x200000);
	assert_int_equal(image.phdr, offsetof(struct file, p));
	assert_int_equal(image.code_end, 0x2000);
	assert_int_equal(image.data_start, 0x3800);
	assert_int_equal(image.data_end, 0x3900);
	assert_true(image.interp);
	assert_int_equal(image.interp_offset, offsetof(struct file, interp));
	assert_int_equal(image.interp_len, sizeof("/lib/ld.so"));
	assert_false(image.exec_stack);
	assert_int_equal(segment[0].prot, PROT_READ | PROT_EXEC);
	assert_int_equal(segment[1].prot, PROT_READ | PROT_WRITE);
	assert_int_equal(segment[1].memsz, 0x5000);

	f.e.e_type = ET_EXEC;
	f.p[0].p_vaddr = 0x400000;
	f.p[1].p_vaddr = 0x403800;
	f.p[2].p_flags |= PF_X;
	f.p[3].p_type = PT_NULL;
	accepted(&f);
	assert_true(image.fixed);
	assert_true(image.exec_stack);
	assert_false(image.interp);
	assert_int_equal(image.start, 0x400000);
	assert_int_equal(image.end, 0x409000);
}

static void files_of_another_kind_are_refused(void **state)
{
	struct file f = good();

	(void)state;
	assert_int_equal(read_file(&f, 0), -ENOEXEC);
	assert_int_equal(why.status, EXIT_NOT_EXECUTABLE);
	f.e.e_ident[0] = 'x';
	refused(&f, EXIT_NOT_EXECUTABLE, "neither an ELF file");
	f = good();
	f.e.e_ident[EI_CLASS] = ELFCLASS32;
	accepted(&f);
	f.e.e_machine = EM_386;
	refused(&f, EXIT_FOREIGN_ELF, "32-bit");
	f = good();
	f.e.e_ident[EI_CLASS] = ELFCLASS32;
	f.e.e_phentsize = 32; /* x32 */
	refused(&f, EXIT_FOREIGN_ELF, "32-bit");
	f = good();
	f.e.e_ident[EI_DATA] = ELFDATA2MSB;
	accepted(&f);
	f.e.e_machine = EM_PPC64 << 8;
	refused(&f, EXIT_FOREIGN_ELF, "big-endian");
	f = good();
	f.e.e_machine = EM_AARCH64;
	refused(&f, EXIT_FOREIGN_ELF, "architecture");
	f = good();
	f.e.e_type = ET_REL;
	refused(&f, EXIT_NOT_EXECUTABLE, "object file");
	f.e.e_type = ET_CORE;
	refused(&f, EXIT_NOT_EXECUTABLE, "core dump");
	f.e.e_type = 77;
	refused(&f, EXIT_BAD_ELF, "type");
}

static void truncated_headers_are_refused(void **state)
{
	struct file f = good();

	(void)state;
	for (u64 len = 1; len < offsetof(struct file, interp); len++) {
		assert_int_equal(read_file(&f, len), -ENOEXEC);
		assert_int_equal(why.status, len < SELFMAG ? EXIT_NOT_EXECUTABLE : EXIT_BAD_ELF);
	}
	f.e.e_phoff = UINT64_MAX - 8;
	refused(&f, EXIT_BAD_ELF, "truncated");
}

static void absurd_counts_are_refused(void **state)
{
	struct file f = good();

	(void)state;
	f.e.e_phnum = 0;
	refused(&f, EXIT_BAD_ELF, "no program headers");
	f.e.e_phnum = 1171;
	refused(&f, EXIT_BAD_ELF, "too many");
	f.e.e_phnum = 0xffff;
	refused(&f, EXIT_BAD_ELF, "too many");
	f = good();
	f.e.e_phentsize = 32;
	refused(&f, EXIT_BAD_ELF, "wrong size");
	f = good();
	f.p[0].p_type = f.p[1].p_type = PT_NULL;
	refused_late(&f, "nothing to load");
}

static void segments_must_lie_in_user_memory(void **state)
{
	struct file f = good();

	(void)state;
	f.p[1].p_vaddr = UINT64_MAX - 0x7ff;
	refused_late(&f, "wraps");
	f.p[1].p_vaddr = USER_TOP - 0x1800;
	refused_late(&f, "outside user memory");
	f.p[1].p_memsz = 0x1800;
	accepted(&f);
	assert_int_equal(image.end, USER_TOP);
	f.p[1].p_memsz = UINT64_MAX;
	refused_late(&f, "wraps");
	f = good();
	f.e.e_type = ET_EXEC;
	refused_late(&f, "lowest");
	f = good();
	f.e.e_entry = USER_TOP;
	refused_late(&f, "entry");
}

static void inconsistent_segments_are_refused(void **state)
{
	struct file f = good();

	(void)state;
	f.p[1].p_filesz = 0x5001;
	refused_late(&f, "larger in the file");
	f = good();
	f.p[1].p_offset++;
	refused_late(&f, "aligned");
	f = good();
	f.p[1].p_offset = UINT64_MAX - 0x7ff;
	refused_late(&f, "out of range");
	f = good();
	/* A later segment may lie over an earlier one. */
	f.p[1].p_vaddr = 0x1800;
	accepted(&f);
	/* Two segments on one page are common: data right behind text. */
	f.p[1].p_vaddr = 0x2800;
	f.p[0].p_memsz = f.p[0].p_filesz = 0x2800;
	accepted(&f);
}

static void an_empty_segment_is_no_segment(void **state)
{
	struct file f = good();

	(void)state;
	f.p[0].p_filesz = f.p[0].p_memsz = 0;
	accepted(&f);
	assert_int_equal(image.segments, 1);
	assert_int_equal(image.start, 0x3000);
	assert_int_equal(image.phdr, 0);
}

static void interpreter_name_has_bounds(void **state)
{
	struct file f = good();

	(void)state;
	f.p[3].p_filesz = 1;
	refused(&f, EXIT_BAD_ELF, "interpreter");
	f.p[3].p_filesz = 4097;
	refused(&f, EXIT_BAD_ELF, "interpreter");
	f.p[3].p_filesz = 4096;
	accepted(&f);
}

/* Returns what script_parse makes of a file with exactly this text. */
static void script(const char *text, int result, const char *interp, const char *arg)
{
	struct script_line line;

	assert_int_equal(script_parse(&line, text, strlen(text)), result);
	if (result != 1)
		return;
	assert_string_equal(line.interp, interp);
	assert_int_equal(line.has_arg, arg != NULL);
	if (arg)
		assert_string_equal(line.arg, arg);
}

static void script_lines_are_split_as_on_linux(void **state)
{
	(void)state;
	script("", 0, NULL, NULL);
	script("#", 0, NULL, NULL);
	script("\177ELF", 0, NULL, NULL);
	script("#!/bin/sh\n", 1, "/bin/sh", NULL);
	script("#!/bin/sh", 1, "/bin/sh", NULL);
	script("#! \t/bin/sh \t\nnext", 1, "/bin/sh", NULL);
	script("#!/usr/bin/env python3 -u\n", 1, "/usr/bin/env", "python3 -u");
	script("#!/bin/sh\t -e\t \n", 1, "/bin/sh", "-e");
	script("#!/bin/sh\r\n", 1, "/bin/sh\r", NULL);
	script("#!\n", -ENOEXEC, NULL, NULL);
	script("#!  \t \n/bin/sh\n", -ENOEXEC, NULL, NULL);
	script("#!", -ENOEXEC, NULL, NULL);
}

static void long_script_lines_lose_argument_but_not_path(void **state)
{
	char text[2 * SCRIPT_LINE_MAX], interp[100] = {0}, arg[SCRIPT_LINE_MAX] = {0};

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "#!/", 3);
	script(text, -ENOEXEC, NULL, NULL);

	/*
	 * A blank follows the path, so the path is whole, and the argument ends where the line is
	 * cut.
	 */
	text[100] = ' ';
	memcpy(interp, text + 2, 98);
	memcpy(arg, text + 101, SCRIPT_LINE_MAX - 1 - 101);
	script(text, 1, interp, arg);

	memset(text + 2, ' ', sizeof(text) - 3);
	script(text, -ENOEXEC, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_file_is_described),
		cmocka_unit_test(files_of_another_kind_are_refused),
		cmocka_unit_test(truncated_headers_are_refused),
		cmocka_unit_test(absurd_counts_are_refused),
		cmocka_unit_test(segments_must_lie_in_user_memory),
		cmocka_unit_test(inconsistent_segments_are_refused),
		cmocka_unit_test(an_empty_segment_is_no_segment),
		cmocka_unit_test(interpreter_name_has_bounds),
		cmocka_unit_test(script_lines_are_split_as_on_linux),
		cmocka_unit_test(long_script_lines_lose_argument_but_not_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
