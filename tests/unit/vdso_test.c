// SPDX-License-Identifier: MIT
/*
 * Can a C library use our vDSO, and are its answers right? build/vdso.so is put into memory as the
 * kernel does it, behind a page of clock data made here. Symbols are looked up as the C libraries
 * do (through either hash table, with the version), then called.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/layout.h"
#include "kernel/vdso/data.h"

static struct vdso_data *data;
static const u8 *image;
static u64 image_size;

static const Elf64_Sym *symtab;
static const char *strtab;
static const u32 *hash, *gnu_hash;
static const u16 *versym;
static const Elf64_Verdef *verdef;
static const char *soname;

static int map_vdso(void **state)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	struct stat st;
	u8 *memory;
	int fd;

	(void)state;
	if (n <= 0)
		return -1;
	path[n] = '\0';
	for (int up = 0; up < 3; up++) /* build/tests/unit/vdso_test */
		*strrchr(path, '/') = '\0';
	strncat(path, "/vdso.so", sizeof(path) - strlen(path) - 1);
	fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st) < 0) {
		print_error("%s: not built\n", path);
		return -1;
	}
	image_size = (u64)st.st_size;
	memory = mmap(NULL, PAGE_SIZE + image_size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || read(fd, memory + PAGE_SIZE, image_size) != st.st_size)
		return -1;
	close(fd);
	data = (struct vdso_data *)memory;
	image = memory + PAGE_SIZE;
	return mprotect(memory + PAGE_SIZE, image_size, PROT_READ | PROT_EXEC);
}

static const Elf64_Phdr *header(u32 type)
{
	const Elf64_Ehdr *e = (const Elf64_Ehdr *)image;
	const Elf64_Phdr *p = (const Elf64_Phdr *)(image + e->e_phoff);

	for (u32 i = 0; i < e->e_phnum; i++)
		if (p[i].p_type == type)
			return &p[i];
	return NULL;
}

static void the_file_can_be_mapped_as_it_lies(void **state)
{
	const Elf64_Ehdr *e = (const Elf64_Ehdr *)image;
	const Elf64_Phdr *load = header(PT_LOAD), *p = header(PT_DYNAMIC);
	u32 loads = 0;

	(void)state;
	assert_memory_equal(e->e_ident, ELFMAG, SELFMAG);
	assert_int_equal(e->e_type, ET_DYN);
	for (u32 i = 0; i < e->e_phnum; i++)
		loads += ((const Elf64_Phdr *)(image + e->e_phoff))[i].p_type == PT_LOAD;
	assert_int_equal(loads, 1);
	assert_int_equal(load->p_offset, 0);
	assert_int_equal(load->p_vaddr, 0);
	assert_int_equal(load->p_filesz, load->p_memsz);
	assert_int_equal(load->p_flags, PF_R | PF_X);
	assert_non_null(header(PT_GNU_EH_FRAME));

	assert_non_null(p);
	for (const Elf64_Dyn *d = (const Elf64_Dyn *)(image + p->p_vaddr); d->d_tag != DT_NULL;
	     d++) {
		const void *at = image + d->d_un.d_ptr;

		switch (d->d_tag) {
		case DT_SYMTAB:
			symtab = at;
			break;
		case DT_STRTAB:
			strtab = at;
			break;
		case DT_HASH:
			hash = at;
			break;
		case DT_GNU_HASH:
			gnu_hash = at;
			break;
		case DT_VERSYM:
			versym = at;
			break;
		case DT_VERDEF:
			verdef = at;
			break;
		case DT_SONAME:
			soname = (const char *)d->d_un.d_val;
			break;
		case DT_RELA:
		case DT_REL:
		case DT_JMPREL:
		case DT_NEEDED:
		case DT_INIT:
			fail_msg("nobody relocates or initializes a vDSO");
		}
	}
	assert_true(symtab && strtab && hash && gnu_hash && versym && verdef);
	assert_string_equal(strtab + (u64)soname, "linux-vdso.so.1");
}

static bool has_version(u32 symbol, const char *version)
{
	const u8 *p = (const u8 *)verdef;

	for (;;) {
		const Elf64_Verdef *v = (const Elf64_Verdef *)p;
		const Elf64_Verdaux *aux = (const Elf64_Verdaux *)(p + v->vd_aux);

		if (v->vd_ndx == (versym[symbol] & 0x7fff))
			return strcmp(strtab + aux->vda_name, version) == 0 &&
			       v->vd_hash == 0x3ae75f6; /* sysv hash of LINUX_2.6 */
		if (v->vd_next == 0)
			return false;
		p += v->vd_next;
	}
}

static const void *symbol_at(u32 i, const char *name)
{
	if (strcmp(strtab + symtab[i].st_name, name) != 0 || symtab[i].st_shndx == SHN_UNDEF)
		return NULL;
	assert_true(has_version(i, "LINUX_2.6"));
	assert_int_equal(ELF64_ST_TYPE(symtab[i].st_info), STT_FUNC);
	return image + symtab[i].st_value;
}

/* System V ABI, "Hash Table". */
static const void *sysv_lookup(const char *name)
{
	u32 h = 0;

	for (const char *c = name; *c; c++) {
		u32 high;

		h = (h << 4) + (u8)*c;
		high = h & 0xf0000000;
		h = (h ^ high >> 24) & ~high;
	}
	for (u32 i = hash[2 + h % hash[0]]; i; i = hash[2 + hash[0] + i]) {
		const void *found = symbol_at(i, name);

		if (found)
			return found;
	}
	return NULL;
}

static const void *gnu_lookup(const char *name)
{
	u32 buckets = gnu_hash[0], first = gnu_hash[1], bloom = gnu_hash[2];
	const u32 *bucket = gnu_hash + 4 + 2 * bloom, *chain = bucket + buckets;
	u32 h = 5381;

	for (const char *c = name; *c; c++)
		h = h * 33 + (u8)*c;
	for (u32 i = bucket[h % buckets]; i >= first; i++) {
		const void *found = (chain[i - first] | 1) == (h | 1) ? symbol_at(i, name) : NULL;

		if (found || (chain[i - first] & 1))
			return found;
	}
	return NULL;
}

static void every_function_is_found_under_both_names(void **state)
{
	static const char *const names[] = {"clock_gettime", "clock_getres", "gettimeofday", "time",
					    "getcpu"};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		char prefixed[64];
		const void *f = sysv_lookup(names[i]);

		snprintf(prefixed, sizeof(prefixed), "__vdso_%s", names[i]);
		assert_non_null(f);
		assert_ptr_equal(f, sysv_lookup(prefixed));
		assert_ptr_equal(f, gnu_lookup(names[i]));
		assert_ptr_equal(f, gnu_lookup(prefixed));
	}
	assert_null(sysv_lookup("__vdso_sgx_enter_enclave"));
	assert_null(gnu_lookup("__vdso_sgx_enter_enclave"));
}

/* Seconds that may pass between two lines of a test, because other programs may have the CPU. */
#define LATE 60

/* One tick of the TSC is 1 ns, and it is 1000 s after the start now. */
static void set_clock(void)
{
	*data = (struct vdso_data){
		.tsc_base = __builtin_ia32_rdtsc(),
		.max_ticks = 1000000000000UL,
		.mult = 1UL << 32,
		.monotonic_ns = 1000 * 1000000000UL,
		.realtime_offset = 500 * 1000000000UL,
		.boottime_offset = 7 * 1000000000UL,
	};
}

typedef int (*clock_fn)(clockid_t, struct timespec *);

static clock_fn vdso_clock(const char *name)
{
	const void *p = sysv_lookup(name);
	clock_fn f;

	memcpy(&f, &p, sizeof(f));
	return f;
}

static s64 seconds_of(clockid_t clock)
{
	struct timespec ts;

	assert_int_equal(vdso_clock("clock_gettime")(clock, &ts), 0);
	assert_in_range(ts.tv_nsec, 0, 999999999);
	return ts.tv_sec;
}

static void clocks_follow_the_data_page(void **state)
{
	struct timespec a, b;
	struct timeval tv;
	u64 ticks, before;

	(void)state;
	set_clock();
	assert_in_range(seconds_of(CLOCK_MONOTONIC), 1000, 1000 + LATE);
	assert_in_range(seconds_of(CLOCK_REALTIME), 1500, 1500 + LATE);
	assert_in_range(seconds_of(CLOCK_BOOTTIME), 1007, 1007 + LATE);
	assert_in_range(seconds_of(CLOCK_MONOTONIC_COARSE), 999, 1000 + LATE);

	set_clock();
	before = __builtin_ia32_rdtsc();
	vdso_clock("clock_gettime")(CLOCK_MONOTONIC, &a);
	ticks = __builtin_ia32_rdtsc();
	while (__builtin_ia32_rdtsc() - ticks < 1000000)
		;
	vdso_clock("clock_gettime")(CLOCK_MONOTONIC, &b);
	assert_in_range((b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec, 1000000,
			__builtin_ia32_rdtsc() - before);

	{
		const void *p = sysv_lookup("gettimeofday"), *q = sysv_lookup("time");
		int (*get)(struct timeval *, void *);
		time_t (*get_time)(time_t *);
		time_t t = 0;

		memcpy(&get, &p, sizeof(get));
		memcpy(&get_time, &q, sizeof(get_time));
		assert_int_equal(get(&tv, NULL), 0);
		assert_in_range(tv.tv_sec, 1500, 1500 + LATE);
		assert_in_range(tv.tv_usec, 0, 999999);
		assert_in_range(get_time(&t), 1499, 1500 + LATE);
		assert_in_range(t, 1499, 1500 + LATE);
	}
}

static void precise_clocks_have_a_resolution_of_1_ns(void **state)
{
	struct timespec ts;

	(void)state;
	assert_int_equal(vdso_clock("clock_getres")(CLOCK_MONOTONIC, &ts), 0);
	assert_int_equal(ts.tv_sec, 0);
	assert_int_equal(ts.tv_nsec, 1);
	assert_int_equal(vdso_clock("clock_getres")(CLOCK_REALTIME, NULL), 0);
	assert_int_equal(vdso_clock("clock_getres")(99, &ts), -EINVAL);
}

/* In this test the host's kernel answers in place of ours. */
static void old_data_and_other_clocks_go_to_the_kernel(void **state)
{
	struct timespec ts, host;

	(void)state;
	set_clock();
	data->max_ticks = 0;
	clock_gettime(CLOCK_REALTIME, &host);
	assert_in_range(seconds_of(CLOCK_REALTIME), host.tv_sec, host.tv_sec + LATE);
	set_clock();
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &host);
	assert_in_range(seconds_of(CLOCK_PROCESS_CPUTIME_ID), host.tv_sec, host.tv_sec + LATE);
	assert_int_equal(vdso_clock("clock_gettime")(99, &ts), -EINVAL);
	assert_int_equal(vdso_clock("clock_gettime")(-1, &ts), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_can_be_mapped_as_it_lies),
		cmocka_unit_test(every_function_is_found_under_both_names),
		cmocka_unit_test(clocks_follow_the_data_page),
		cmocka_unit_test(precise_clocks_have_a_resolution_of_1_ns),
		cmocka_unit_test(old_data_and_other_clocks_go_to_the_kernel),
	};

	return cmocka_run_group_tests(tests, map_vdso, NULL);
}
