// SPDX-License-Identifier: MIT
/*
 * Are the functions found that a symbol table names, by their whole name and no other, and are
 * tables refused that lie? The files are made here; one is this test itself.
 * sources: kernel/check/symbols.c
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/layout.h"
#include "kernel/check/symbols.h"

/* A file with a symbol table, as fields that a test may spoil before the file is written. */
struct made {
	Elf64_Ehdr e;
	Elf64_Shdr section[3]; /* null, symbols, strings */
	Elf64_Sym symbol[64];
	u32 symbols;
	char *strings;
	u64 strings_size;
	u8 *file;
	u64 size;
};

static char buffer[SYMBOL_BUFFER];

static int read_made(void *arg, void *to, u64 len, u64 offset)
{
	const struct made *m = arg;

	assert_true(len <= SYMBOL_BUFFER);
	if (offset > m->size || len > m->size - offset)
		return -EIO;
	memcpy(to, m->file + offset, len);
	return 0;
}

static struct made *made(const char *strings, u64 size)
{
	struct made *m = calloc(1, sizeof(*m));

	m->strings = malloc(size);
	memcpy(m->strings, strings, size);
	m->strings_size = size;
	m->e = (Elf64_Ehdr){.e_shoff = sizeof(Elf64_Ehdr),
			    .e_shentsize = sizeof(Elf64_Shdr),
			    .e_shnum = ARRAY_SIZE(m->section)};
	m->section[1] =
		(Elf64_Shdr){.sh_type = SHT_SYMTAB, .sh_link = 2, .sh_entsize = sizeof(Elf64_Sym)};
	m->section[2].sh_type = SHT_STRTAB;
	return m;
}

static void add(struct made *m, u32 name, u8 type, u8 bind, u16 section, u64 value)
{
	m->symbol[m->symbols++] = (Elf64_Sym){.st_name = name,
					      .st_info = ELF64_ST_INFO(bind, type),
					      .st_shndx = section,
					      .st_value = value};
}

static void put_together(struct made *m)
{
	u64 at = m->e.e_shoff + sizeof(m->section);

	m->section[1].sh_offset = at;
	m->section[1].sh_size = m->symbols * sizeof(Elf64_Sym);
	m->section[2].sh_offset = at + m->section[1].sh_size;
	m->section[2].sh_size = m->strings_size;
	m->size = m->section[2].sh_offset + m->strings_size;
	m->file = malloc(m->size);
}

/* Writes the file from its fields, and looks the names up. */
static int find(struct made *m, struct symbol *wanted, u32 count)
{
	struct symbol_file f = {read_made, m, m->size};

	memcpy(m->file, &m->e, sizeof(m->e));
	memcpy(m->file + sizeof(m->e), m->section, sizeof(m->section));
	memcpy(m->file + sizeof(m->e) + sizeof(m->section), m->symbol,
	       m->symbols * sizeof(Elf64_Sym));
	memcpy(m->file + m->size - m->strings_size, m->strings, m->strings_size);
	return symbols_find(&f, wanted, count, buffer);
}

static void free_made(struct made *m)
{
	free(m->strings);
	free(m->file);
	free(m);
}

static void whole_names_are_found_in_shared_strings(void **state)
{
	static const char strings[] = "\0__libc_malloc\0xfree\0free_it\0calloc";
	struct symbol w[] = {{.name = "malloc"}, {.name = "free"}, {.name = "calloc"}};
	struct made *m = made(strings, sizeof(strings));

	(void)state;
	add(m, 1, STT_FUNC, STB_GLOBAL, 1, 0x1000);	  /* __libc_malloc */
	add(m, 1 + 7, STT_FUNC, STB_WEAK, 1, 0x1000);	  /* malloc */
	add(m, 15, STT_FUNC, STB_GLOBAL, 1, 0x2000);	  /* xfree */
	add(m, 21, STT_FUNC, STB_GLOBAL, 1, 0x3000);	  /* free_it */
	add(m, 29, STT_GNU_IFUNC, STB_GLOBAL, 1, 0x1003); /* calloc */
	put_together(m);
	assert_int_equal(find(m, w, 3), 0);
	assert_int_equal(w[0].state, SYMBOL_FUNCTION);
	assert_int_equal(w[0].value, 0x1000);
	assert_int_equal(w[0].space, 3);
	assert_int_equal(w[1].state, SYMBOL_MISSING); /* only as the end of xfree */
	assert_int_equal(w[2].state, SYMBOL_ODD);
	free_made(m);
}

static void what_is_not_defined_for_all_does_not_count(void **state)
{
	static const char strings[] = "\0malloc\0free\0calloc\0realloc";
	struct symbol w[] = {
		{.name = "malloc"}, {.name = "free"}, {.name = "calloc"}, {.name = "realloc"}};
	struct made *m = made(strings, sizeof(strings));

	(void)state;
	add(m, 1, STT_FUNC, STB_GLOBAL, SHN_UNDEF, 0);
	add(m, 8, STT_OBJECT, STB_LOCAL, 1, 0x1000);
	add(m, 13, STT_FUNC, STB_GLOBAL, SHN_ABS, 0x2000);
	add(m, 20, STT_FUNC, STB_GLOBAL, 1, 0x3000);
	add(m, 0, STT_OBJECT, STB_LOCAL, SHN_ABS, 0x3001);
	put_together(m);
	assert_int_equal(find(m, w, 4), 0);
	assert_int_equal(w[0].state, SYMBOL_MISSING);
	assert_int_equal(w[1].state, SYMBOL_MISSING);
	assert_int_equal(w[2].state, SYMBOL_ODD);
	assert_int_equal(w[3].state, SYMBOL_FUNCTION);
	assert_int_equal(w[3].space, UINT64_MAX); /* an absolute symbol is no neighbour */
	free_made(m);
}

static void local_functions_count_where_there_is_no_global_one(void **state)
{
	static const char strings[] = "\0malloc\0free\0calloc";
	struct symbol w[] = {{.name = "malloc"}, {.name = "free"}, {.name = "calloc"}};
	struct made *m = made(strings, sizeof(strings));

	(void)state;
	add(m, 1, STT_FUNC, STB_LOCAL, 1, 0x1000);
	add(m, 8, STT_FUNC, STB_LOCAL, 1, 0x2000);
	add(m, 13, STT_FUNC, STB_LOCAL, 1, 0x3000);
	add(m, 13, STT_FUNC, STB_LOCAL, 1, 0x3000);
	add(m, 13, STT_FUNC, STB_LOCAL, 1, 0x4000);
	add(m, 8, STT_FUNC, STB_GLOBAL, 1, 0x5000);
	add(m, 8, STT_FUNC, STB_LOCAL, 1, 0x6000);
	put_together(m);
	assert_int_equal(find(m, w, 3), 0);
	assert_int_equal(w[0].state, SYMBOL_FUNCTION);
	assert_int_equal(w[0].value, 0x1000);
	assert_int_equal(w[1].state, SYMBOL_FUNCTION);
	assert_int_equal(w[1].value, 0x5000);
	assert_int_equal(w[2].state, SYMBOL_ODD);
	free_made(m);
}

/* The string table is read in blocks, and a name may cross from one to the next. */
static void names_are_found_wherever_reads_begin(void **state)
{
	enum { SIZE = SYMBOL_BUFFER + 1000 };
	char *strings = malloc(SIZE);

	(void)state;
	for (u64 at = SYMBOL_BUFFER / 2 - 100; at < SYMBOL_BUFFER / 2 + 20; at++) {
		struct symbol w = {.name = "malloc"};
		struct made *m;

		memset(strings, 'x', SIZE);
		memcpy(strings + at, "malloc", 7);
		m = made(strings, SIZE);
		add(m, (u32)at, STT_FUNC, STB_GLOBAL, 1, 0x1000);
		put_together(m);
		assert_int_equal(find(m, &w, 1), 0);
		assert_int_equal(w.state, SYMBOL_FUNCTION);
		free_made(m);
	}
	free(strings);
}

static void tables_that_lie_are_refused(void **state)
{
	static const char strings[] = "\0malloc";
	struct symbol w = {.name = "malloc"};
	struct made *m = made(strings, sizeof(strings)), good;

	(void)state;
	add(m, 1, STT_FUNC, STB_GLOBAL, 1, 0x1000);
	put_together(m);
	good = *m;
	assert_int_equal(find(m, &w, 1), 0);
#define SPOILT(field, value, error)                                                                \
	do {                                                                                       \
		m->field = value;                                                                  \
		assert_int_equal(find(m, &w, 1), error);                                           \
		m->field = good.field;                                                             \
	} while (0)
	SPOILT(e.e_shoff, 0, -ENOENT);
	SPOILT(e.e_shnum, 0, -ENOENT);
	SPOILT(e.e_shoff, UINT64_MAX, -ENOEXEC);
	SPOILT(e.e_shoff, m->size - 10, -ENOEXEC);
	SPOILT(e.e_shnum, 0xffff, -ENOEXEC);
	SPOILT(e.e_shentsize, 32, -ENOEXEC);
	SPOILT(section[1].sh_type, SHT_NOBITS, -ENOENT);
	SPOILT(section[1].sh_link, 3, -ENOEXEC);
	SPOILT(section[1].sh_entsize, 0, -ENOEXEC);
	SPOILT(section[1].sh_size, UINT64_MAX - 15, -ENOEXEC);
	SPOILT(section[1].sh_offset, UINT64_MAX - 7, -ENOEXEC);
	SPOILT(section[2].sh_type, SHT_PROGBITS, -ENOEXEC);
	SPOILT(section[2].sh_size, 1UL << 40, -ENOEXEC);
	SPOILT(section[2].sh_offset, m->size, -ENOEXEC);
	SPOILT(symbol[0].st_name, UINT32_MAX, 0);
	assert_int_equal(find(m, &w, 1), 0);
	m->size = 10;
	assert_int_equal(symbols_find(&(struct symbol_file){read_made, m, 10}, &w, 1, buffer),
			 -ENOEXEC);
	free_made(m);
}

static void too_many_candidates_are_refused(void **state)
{
	enum { COUNT = SYMBOL_BUFFER / 16 + 1 };
	struct symbol w = {.name = "f"};
	struct made *m;
	char *strings = malloc(COUNT * 2);

	(void)state;
	for (u32 i = 0; i < COUNT; i++)
		memcpy(strings + 2UL * i, "f", 2);
	m = made(strings, COUNT * 2);
	add(m, 2, STT_FUNC, STB_GLOBAL, 1, 0x1000);
	put_together(m);
	assert_int_equal(find(m, &w, 1), -ENOEXEC);
	free_made(m);
	free(strings);
}

static int read_fd(void *arg, void *to, u64 len, u64 offset)
{
	return pread(*(int *)arg, to, len, (off_t)offset) == (ssize_t)len ? 0 : -EIO;
}

int main(void);
int symbols_test_function(int x);

__attribute__((noinline, used)) int symbols_test_function(int x)
{
	return x + 1;
}

static void a_real_program_has_its_functions(void **state)
{
	struct symbol w[] = {
		{.name = "symbols_test_function"}, {.name = "main"}, {.name = "no_such_function"}};
	int fd = open("/proc/self/exe", O_RDONLY);
	struct symbol_file f = {read_fd, &fd, 0};
	struct stat st;

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	f.size = (u64)st.st_size;
	assert_int_equal(symbols_find(&f, w, 3, buffer), 0);
	assert_int_equal(w[0].state, SYMBOL_FUNCTION);
	assert_int_equal(w[1].state, SYMBOL_FUNCTION);
	assert_int_equal(w[2].state, SYMBOL_MISSING);
	/* Wherever the program was loaded, their distance is the file's. */
	assert_int_equal((u64)symbols_test_function - (u64)main, w[0].value - w[1].value);
	close(fd);
}

static void a_library_tells_what_it_offers(void **state)
{
	static struct symbol s[4096];
	int fd = open("/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY);
	struct symbol_file f = {read_fd, &fd, 0};
	struct stat st;
	bool found = false;
	int n;

	(void)state;
	if (fd < 0)
		skip();
	assert_int_equal(fstat(fd, &st), 0);
	f.size = (u64)st.st_size;
	n = symbols_exported(&f, s, ARRAY_SIZE(s));
	assert_true(n > 1000);
	for (int i = 0; i < n; i++)
		found |= !strcmp(s[i].name, "malloc") && s[i].state == SYMBOL_FUNCTION;
	assert_true(found);
	assert_int_equal(symbols_exported(&f, s, 5), 5);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_names_are_found_in_shared_strings),
		cmocka_unit_test(what_is_not_defined_for_all_does_not_count),
		cmocka_unit_test(local_functions_count_where_there_is_no_global_one),
		cmocka_unit_test(names_are_found_wherever_reads_begin),
		cmocka_unit_test(tables_that_lie_are_refused),
		cmocka_unit_test(too_many_candidates_are_refused),
		cmocka_unit_test(a_real_program_has_its_functions),
		cmocka_unit_test(a_library_tells_what_it_offers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
