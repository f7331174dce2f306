// SPDX-License-Identifier: MIT
/*
 * Do address spaces keep what mmap(2) and its relatives promise? Random calls are made on one and
 * on a naive model, a description of each page. A made-up CPU then reads, writes and executes: it
 * walks the page tables as hardware does and, as hardware does, keeps translations until they are
 * flushed or fault, so a flush that is missing shows as a wrong value or a missing signal.
 *
 * sources: tests/fake/ram.c kernel/mm/frame.c kernel/mm/kmalloc.c kernel/mm/vma.c
 * sources: kernel/mm/pagetable.c kernel/mm/fault.c kernel/mm/mmap.c kernel/mm/mm.c
 * sources: kernel/mm/advise.c kernel/mm/window.c kernel/mm/uaccess.c kernel/mm/text_cache.c
 * sources: kernel/fs/mapping.c kernel/mm/spare.c kernel/mm/patch.c
 * sources: kernel/mm/patch_text.c kernel/mm/patch_plan.c
 * sources: kernel/arch/x86_64/call_site.c
 * sources: kernel/mm/table_page.c
 * sources: kernel/arch/x86_64/insn_length.c tests/fake/stubs.c
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "common/x86.h"
#include "kernel/fs/file.h"
#include "kernel/fs/file_ops.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/mapping.h"
#include "kernel/stats.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/pagetable.h"
#include "kernel/mm/patch.h"
#include "kernel/mm/spare.h"
#include "kernel/mm/text_cache.h"
#include "kernel/mm/uaccess.h"
#include "kernel/mm/window.h"
#include "tests/fake/ram.h"
#include "tests/fake/stubs.h"

#define MIB   0x100000UL
#define PAGES 2048 /* of the playground: 8 MiB, aligned to 2 MiB */
#define BASE  0x10000000UL
#define END   (BASE + PAGES * PAGE_SIZE)
#define R     PROT_READ
#define W     PROT_WRITE
#define X     PROT_EXEC

/* Stands in for what the files under test need of the kernel. */
static struct kernel_stats stats;

struct kernel_stats *stats_mine(void)
{
	return &stats;
}
static u64 stack_limit = 8 * MIB, as_limit = -1UL;
static int file_refs;
static struct ofile file[FAKE_FILES];

int ofile_mmap(struct ofile *f, u64 offset, u64 len, u32 prot, bool shared, struct vm_opened *out)
{
	return host_mmap(f, offset, len, prot, shared, out);
}

u64 mm_rlimit(unsigned which)
{
	return which == 3 /* RLIMIT_STACK */ ? stack_limit : which == 9 ? as_limit : -1UL;
}

static u64 space_asked_for;

bool oom_make_space(void)
{
	space_asked_for++;
	return false;
}

/* Only the made-up CPU exists. */
void vcpu_evict(struct mm *mm)
{
	(void)mm;
}

struct ofile *ofile_get(struct ofile *f)
{
	file_refs++;
	return f;
}

s64 file_pread(struct ofile *f, void *buf, u64 len, u64 offset)
{
	(void)f, (void)buf, (void)len, (void)offset;
	return -EIO;
}

void ofile_put(struct ofile *f)
{
	(void)f;
	file_refs--;
}

/* ---- the CPU -------------------------------------------------------------------------------- */

/* The translations that the CPU has cached, of one address space, for the playground only. */
static struct {
	struct mm *mm;
	u64 entry[PAGES];
	unsigned flushes;
} tlb;

static void tlb_load(struct mm *mm)
{
	tlb.mm = mm;
	memset(tlb.entry, 0, sizeof(tlb.entry));
}

static bool in_playground(u64 va)
{
	return va >= BASE && va < END;
}

void mm_flush(struct mm *mm, u64 start, u64 end)
{
	assert_true(start < end);
	if (mm != tlb.mm)
		return;
	tlb.flushes++;
	for (u64 va = start; va < end && va < END; va += PAGE_SIZE) {
		u64 huge = ALIGN_DOWN(va, HUGE_SIZE);

		if (!in_playground(va))
			continue;
		tlb.entry[(va - BASE) / PAGE_SIZE] = 0;
		/* A 2 MiB translation is dropped as a whole. */
		for (u64 a = huge; a < huge + HUGE_SIZE; a += PAGE_SIZE)
			if (tlb.entry[(a - BASE) / PAGE_SIZE] & PTE_PS)
				tlb.entry[(a - BASE) / PAGE_SIZE] = 0;
	}
}

/* Returns the entry that translates va, as the CPU finds it, or 0. */
static u64 walk(struct mm *mm, u64 va)
{
	u64 table = mm->pml4;

	for (int shift = 39;; shift -= 9) {
		u64 e = ((u64 *)fake_phys(table))[va >> shift & 511];

		if (!(e & PTE_P))
			return 0;
		assert_true((e & (PTE_U | PTE_A)) == (PTE_U | PTE_A));
		if (shift == 12)
			return e;
		if (e & PTE_PS)
			return e + (va & HUGE_MASK & ~PAGE_MASK);
		assert_true(e & PTE_W);
		table = e & PTE_ADDR;
	}
}

static bool permits(u64 e, enum mm_access access)
{
	return (e & PTE_P) && !(access == MM_WRITE && !(e & PTE_W)) &&
	       !(access == MM_EXEC && (e & PTE_NX));
}

/*
 * Accesses va. Returns the signal, or 0 and the memory in *p. A fault keeps the cached translation:
 * real CPUs drop it (SDM volume 3, 4.10.4.1), but shadow page tables and emulated CPUs do not.
 */
static int cpu_access(struct mm *mm, u64 va, enum mm_access access, struct mm_fault_info *info,
		      u64 **p)
{
	u64 no_cache = 0;
	u64 *cached =
		mm == tlb.mm && in_playground(va) ? &tlb.entry[(va - BASE) / PAGE_SIZE] : &no_cache;

	for (unsigned tries = 0; !permits(*cached, access); tries++) {
		*cached = walk(mm, va);
		if (permits(*cached, access))
			break;
		if (cached == &no_cache)
			*cached = 0;
		assert_in_range(tries, 0, 1);
		if (mm_fault(mm, va, access, info) < 0)
			return info->signal;
		/* A signal's handler may read there before the access is repeated. */
		if (*cached)
			assert_int_equal(*cached & PTE_ADDR, walk(mm, va) & PTE_ADDR);
	}
	*p = (u64 *)((char *)fake_phys(*cached & PTE_ADDR) + (va & PAGE_MASK));
	return 0;
}

static int cpu_write(struct mm *mm, u64 va, u64 value)
{
	struct mm_fault_info info;
	u64 *p;
	int sig = cpu_access(mm, va, MM_WRITE, &info, &p);

	if (!sig)
		*p = value;
	return sig;
}

/* Returns the value at va. A signal fails the test. */
static u64 cpu_read(struct mm *mm, u64 va)
{
	struct mm_fault_info info;
	u64 *p;

	assert_int_equal(cpu_access(mm, va, MM_READ, &info, &p), 0);
	return *p;
}

/* ---- helpers -------------------------------------------------------------------------------- */

static u64 used_frames(void)
{
	struct frame_stats s;

	frame_stats(&s);
	return s.total - s.free;
}

static s64 map(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags)
{
	return mm_map(mm, addr, len, prot, flags | MAP_ANONYMOUS, NULL, 0);
}

static void check_signal(struct mm *mm, u64 va, enum mm_access access, int signal, int code)
{
	struct mm_fault_info info = {0};
	u64 *p;

	assert_int_equal(cpu_access(mm, va, access, &info, &p), signal);
	assert_int_equal(info.code, code);
	assert_int_equal(info.addr, va);
}

/* The kernel heap keeps a slab for each class; everything else is given back. */
static void end(struct mm *mm, u64 before)
{
	mm_put(mm);
	text_shrink();
	assert_in_range(used_frames(), 0, before + 14);
	for (unsigned i = 0; i < FAKE_FILES; i++) {
		if (file[i].window)
			window_put(file[i].window);
		file[i].window = NULL;
	}
	assert_int_equal(fake_ram.windows, 0);
	assert_int_equal(file_refs, 0);
}

static struct mm *begin(u64 *before)
{
	struct mm *mm;

	*before = used_frames();
	mm = mm_new();
	assert_non_null(mm);
	tlb_load(mm);
	as_limit = -1UL;
	for (unsigned i = 0; i < FAKE_FILES; i++) {
		file[i] = (struct ofile){
			.refs = 1, .handle = (s32)i + 1, .flags = i % 2 ? O_RDWR : O_RDONLY};
		fake_ram.file_size[i] = FAKE_FILE_MAX;
		fake_ram.version[i] = 1;
		for (u64 off = 0; off < FAKE_FILE_MAX; off += PAGE_SIZE)
			*(u64 *)((char *)fake_file((s32)i + 1) + off) = (i + 1UL) << 32 | off;
	}
	return mm;
}

/* ---- single promises ------------------------------------------------------------------------ */

static void placement(void **state)
{
	u64 before;
	struct mm *mm = begin(&before);
	s64 a, b;

	(void)state;
	a = map(mm, 0, 3 * PAGE_SIZE, R | W, MAP_PRIVATE);
	assert_int_equal(a, USER_TOP - 3 * PAGE_SIZE);
	b = map(mm, 0, 100, R, MAP_PRIVATE);
	assert_int_equal(b, a - PAGE_SIZE);
	/* A hint that is free is taken; one that is not free is ignored. */
	assert_int_equal(map(mm, BASE + 5, PAGE_SIZE, R, MAP_PRIVATE), BASE + PAGE_SIZE);
	assert_true(map(mm, BASE + PAGE_SIZE, PAGE_SIZE, R, MAP_PRIVATE) > (s64)END);
	assert_int_equal(map(mm, BASE + PAGE_SIZE, PAGE_SIZE, R, MAP_PRIVATE | MAP_FIXED_NOREPLACE),
			 -EEXIST);
	assert_int_equal(map(mm, BASE + 1, PAGE_SIZE, R, MAP_PRIVATE | MAP_FIXED), -EINVAL);
	assert_int_equal(map(mm, USER_TOP, PAGE_SIZE, R, MAP_PRIVATE | MAP_FIXED), -ENOMEM);
	assert_int_equal(map(mm, 0, 0, R, MAP_PRIVATE), -EINVAL);
	assert_int_equal(map(mm, 0, -1UL, R, MAP_PRIVATE), -ENOMEM);
	assert_int_equal(map(mm, PHYSMAP_RING3, PAGE_SIZE, R, MAP_PRIVATE | MAP_FIXED), -ENOMEM);
	assert_in_range(map(mm, 0, PAGE_SIZE, R, MAP_PRIVATE | MAP_32BIT), 0x40000000, 0x7fffffff);
	/* A huge reservation is placed around the kernel's part of the lower half. */
	a = map(mm, 0, 0x3f0000000000, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);
	b = map(mm, 0, 0x300000000000, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);
	assert_in_range(a, MM_MIN_ADDR, PHYSMAP_RING3 - 0x3f0000000000);
	assert_in_range(b, PHYSMAP_RING3 + PHYSMAP_SIZE, USER_TOP - 0x300000000000);
	/* Writable memory that could never exist is refused, unless MAP_NORESERVE is given. */
	assert_int_equal(map(mm, 0, 64UL << 30, R | W, MAP_PRIVATE), -ENOMEM);
	a = map(mm, 0, 64UL << 30, R | W, MAP_PRIVATE | MAP_NORESERVE);
	assert_int_equal(cpu_write(mm, a + (33UL << 30), 7), 0);
	assert_int_equal(cpu_read(mm, a + (33UL << 30)), 7);
	assert_int_equal(cpu_read(mm, a + (60UL << 30)), 0);
	end(mm, before);
}

/*
 * A mapping without access may cover the kernel's part of the lower half. It shows nothing of that
 * part.
 */
static void reservations_lie_over_the_physmap(void **state)
{
	const u64 end_of_physmap = PHYSMAP_RING3 + PHYSMAP_SIZE, len = PHYSMAP_SIZE + 4 * MIB;
	const u64 start = PHYSMAP_RING3 - 2 * MIB;
	u64 before, *slot, planted;
	struct mm *mm = begin(&before), *child;
	struct pt_leaf leaf;
	s64 a;

	(void)state;
	/* The tables below the physmap's top-level entry must not be taken for the program's. */
	slot = (u64 *)phys_to_virt(mm->pml4) + (PHYSMAP_RING3 >> 39);
	planted = *slot = arch_pte_table(frame_alloc(0, FRAME_ZERO));
	a = map(mm, start, len, PROT_NONE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE);
	assert_int_equal(a, start);
	check_signal(mm, PHYSMAP_RING3, MM_READ, SIGSEGV, SEGV_ACCERR);
	assert_false(pt_next(mm, start, start + len, &leaf));
	assert_int_equal(mm_protect(mm, PHYSMAP_RING3, PAGE_SIZE, R | W), -ENOMEM);
	assert_int_equal(mm_protect(mm, PHYSMAP_RING3, PAGE_SIZE, PROT_NONE), 0);
	assert_int_equal(mm_protect(mm, PHYSMAP_RING3 - PAGE_SIZE, 2 * PAGE_SIZE, R), -ENOMEM);
	check_signal(mm, PHYSMAP_RING3, MM_READ, SIGSEGV, SEGV_ACCERR);
	/* Outside of the physmap it is memory like any other. */
	assert_int_equal(mm_protect(mm, start, 2 * MIB, R | W), 0);
	assert_int_equal(mm_protect(mm, end_of_physmap, 2 * MIB, R | W), 0);
	assert_int_equal(cpu_write(mm, PHYSMAP_RING3 - 8, 5), 0);
	assert_int_equal(cpu_write(mm, end_of_physmap, 6), 0);
	child = mm_dup(mm, true);
	assert_non_null(child);
	assert_int_equal(cpu_read(child, PHYSMAP_RING3 - 8), 5);
	assert_int_equal(cpu_read(child, end_of_physmap), 6);
	mm_put(child);
	assert_int_equal(mm_unmap(mm, start, len), 0);
	assert_int_equal(*slot, planted);
	frame_put(planted & PTE_ADDR);
	*slot = 0;
	/* Shared memory and files are no reservations. */
	assert_int_equal(map(mm, PHYSMAP_RING3, MIB, PROT_NONE, MAP_SHARED | MAP_FIXED), -ENOMEM);
	/* Where no other range is large enough, the kernel chooses such a place itself. */
	a = map(mm, 0, 70UL << 40, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);
	assert_in_range(a, MM_MIN_ADDR, USER_TOP - (70UL << 40));
	assert_int_equal(map(mm, 0, 70UL << 40, R, MAP_PRIVATE | MAP_NORESERVE), -ENOMEM);
	end(mm, before);
}

static void signals(void **state)
{
	u64 before;
	struct mm *mm = begin(&before);

	(void)state;
	map(mm, BASE, 8 * PAGE_SIZE, R, MAP_PRIVATE | MAP_FIXED);
	map(mm, BASE + PAGE_SIZE, PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_FIXED);
	check_signal(mm, BASE - 8, MM_READ, SIGSEGV, SEGV_MAPERR);
	check_signal(mm, BASE + 8 * PAGE_SIZE, MM_READ, SIGSEGV, SEGV_MAPERR);
	check_signal(mm, BASE + 24, MM_WRITE, SIGSEGV, SEGV_ACCERR);
	check_signal(mm, BASE, MM_EXEC, SIGSEGV, SEGV_ACCERR);
	check_signal(mm, BASE + PAGE_SIZE, MM_READ, SIGSEGV, SEGV_ACCERR);
	check_signal(mm, 0xffff800000000000, MM_READ, SIGSEGV, SEGV_MAPERR);
	check_signal(mm, PHYSMAP_RING3, MM_READ, SIGSEGV, SEGV_MAPERR);

	/* The last page of a file can be read, the next one cannot until the file grows. */
	fake_ram.file_size[1] = PAGE_SIZE + 1;
	assert_int_equal(
		file_map(mm, BASE, 4 * PAGE_SIZE, R | W, MAP_SHARED | MAP_FIXED, &file[1], 0),
		BASE);
	assert_int_equal(cpu_read(mm, BASE + PAGE_SIZE), 2UL << 32 | PAGE_SIZE);
	check_signal(mm, BASE + 2 * PAGE_SIZE, MM_READ, SIGBUS, BUS_ADRERR);
	fake_ram.file_size[1] = 3 * PAGE_SIZE;
	assert_int_equal(cpu_read(mm, BASE + 2 * PAGE_SIZE), 2UL << 32 | 2 * PAGE_SIZE);
	check_signal(mm, BASE + 3 * PAGE_SIZE, MM_WRITE, SIGBUS, BUS_ADRERR);
	fake_ram.file_size[1] = PAGE_SIZE;
	mm_revalidate_windows(mm);
	check_signal(mm, BASE + PAGE_SIZE, MM_READ, SIGBUS, BUS_ADRERR);
	assert_int_equal(cpu_read(mm, BASE), 2UL << 32);

	/* A private page that was present when another process saw the file shrink. */
	fake_ram.file_size[1] = 2 * PAGE_SIZE;
	file_map(mm, BASE, 4 * PAGE_SIZE, R | W, MAP_PRIVATE | MAP_FIXED, &file[1], 0);
	assert_int_equal(cpu_read(mm, BASE + PAGE_SIZE), 2UL << 32 | PAGE_SIZE);
	fake_ram.file_size[1] = PAGE_SIZE;
	window_refresh(file[1].window);
	check_signal(mm, BASE + PAGE_SIZE, MM_WRITE, SIGBUS, BUS_ADRERR);
	end(mm, before);
}

static void files(void **state)
{
	u64 before;
	struct mm *mm = begin(&before);
	u64 *content = fake_file(2);

	(void)state;
	assert_int_equal(file_map(mm, BASE, 2 * MIB, R | W, MAP_SHARED | MAP_FIXED, &file[0], 0),
			 -EACCES);
	assert_int_equal(file_map(mm, BASE, 2 * MIB, R, MAP_SHARED | MAP_FIXED, &file[0], 0), BASE);
	assert_int_equal(mm_protect(mm, BASE, PAGE_SIZE, R | W), -EACCES);
	assert_int_equal(
		file_map(mm, BASE, 2 * MIB, R | W, MAP_SHARED | MAP_FIXED, &file[1], PAGE_SIZE),
		BASE);
	cpu_write(mm, BASE + 16, 99);
	assert_int_equal(content[PAGE_SIZE / 8 + 2], 99);

	assert_int_equal(
		file_map(mm, BASE + 4 * MIB, 2 * MIB, R | W, MAP_PRIVATE | MAP_FIXED, &file[1], 0),
		BASE + 4 * MIB);
	/*
	 * Private: changes of the file are seen until the page is written, and the file never
	 * changes.
	 */
	assert_int_equal(cpu_read(mm, BASE + 4 * MIB + PAGE_SIZE + 16), 99);
	cpu_write(mm, BASE + 16, 100);
	assert_int_equal(cpu_read(mm, BASE + 4 * MIB + PAGE_SIZE + 16), 100);
	cpu_write(mm, BASE + 4 * MIB + PAGE_SIZE + 24, 5);
	cpu_write(mm, BASE + 16, 101);
	assert_int_equal(cpu_read(mm, BASE + 4 * MIB + PAGE_SIZE + 16), 100);
	assert_int_equal(content[PAGE_SIZE / 8 + 3], 0);
	/* Until the page is discarded. */
	assert_int_equal(mm_advise(mm, BASE + 4 * MIB, 2 * MIB, MADV_DONTNEED), 0);
	assert_int_equal(cpu_read(mm, BASE + 4 * MIB + PAGE_SIZE + 16), 101);
	assert_int_equal(cpu_read(mm, BASE + 4 * MIB + PAGE_SIZE + 24), 0);
	end(mm, before);
}

/* The file is opened again, and has changed. */
static void changed(unsigned i, u64 version)
{
	if (file[i].window)
		window_put(file[i].window);
	file[i].window = NULL;
	fake_ram.version[i] = version;
}

static u64 frame_at(struct mm *mm, u64 va)
{
	cpu_read(mm, va);
	return walk(mm, va) & PTE_ADDR;
}

static void map_text(struct mm *mm, u64 addr, u64 len, u64 offset)
{
	assert_int_equal(file_map(mm, addr, len, R | X, MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE,
				  &file[0], offset),
			 addr);
}

static void processes_share_text(void **state)
{
	u64 before, huge = stats.huge_mapped, *content = fake_file(1);
	struct mm *mm = begin(&before), *other = mm_new();
	u64 gpa, one = 1UL << 32, used;

	(void)state;
	map_text(mm, BASE, 4 * MIB, 0);
	map_text(other, BASE + MIB, MIB, MIB);
	gpa = frame_at(mm, BASE);
	assert_true(frame_is_ram(gpa));
	assert_int_equal(stats.huge_mapped, huge + 2);
	used = used_frames();
	assert_int_equal(frame_at(other, BASE + MIB), gpa + MIB);
	assert_int_equal(cpu_read(other, BASE + 2 * MIB - PAGE_SIZE), one | (2 * MIB - PAGE_SIZE));
	assert_in_range(used_frames(), used, used + 3); /* tables */
	assert_false(text_shrink());

	/* A process that writes has a page of its own. */
	mm_protect(mm, BASE, 2 * MIB, R | W);
	assert_int_equal(cpu_write(mm, BASE + MIB, 7), 0);
	assert_int_equal(cpu_read(mm, BASE + MIB), 7);
	assert_int_equal(cpu_read(other, BASE + MIB), one | MIB);
	assert_int_equal(cpu_read(mm, BASE + MIB + PAGE_SIZE), one | (MIB + PAGE_SIZE));
	assert_int_equal(content[MIB / 8], one | MIB);

	/* Old mappings may show the old content; a new one shows the new content. */
	content[0] = 42;
	changed(0, 2);
	map_text(mm, BASE + 4 * MIB, MIB, 0);
	assert_int_equal(cpu_read(mm, BASE + 4 * MIB), 42);
	assert_true(frame_is_ram(frame_at(mm, BASE + 4 * MIB)));
	changed(0, 0); /* and may change again at any time */
	map_text(mm, BASE + 6 * MIB, MIB, 0);
	content[0] = 43;
	assert_int_equal(cpu_read(mm, BASE + 6 * MIB), 43);
	assert_false(frame_is_ram(frame_at(mm, BASE + 6 * MIB)));

	/* Up to the end of the file, but not beyond. */
	fake_ram.file_size[0] = PAGE_SIZE + 8;
	changed(0, 3);
	map_text(other, BASE + 4 * MIB, MIB, 0);
	assert_int_equal(cpu_read(other, BASE + 4 * MIB + PAGE_SIZE), one | PAGE_SIZE);
	assert_int_equal(cpu_read(other, BASE + 4 * MIB + PAGE_SIZE + 8), 0);
	check_signal(other, BASE + 4 * MIB + 2 * PAGE_SIZE, MM_READ, SIGBUS, BUS_ADRERR);

	mm_put(other);
	assert_true(text_shrink());
	end(mm, before);
}

static u64 read_by_kernel(struct mm *mm, u64 va)
{
	u64 value = 0;

	assert_int_equal(mm_copy_from(mm, &value, va, sizeof(value)), 0);
	return value;
}

/* mov $110, %eax; syscall; ret at FUNCTION, the SYSCALL at SITE: offsets in the text of file[0]. */
#define FUNCTION (3 * PAGE_SIZE + 1024)
#define SITE	 (FUNCTION + 5)
#define OTHER	 (FUNCTION + 64) /* another such function */

static void write_functions(void)
{
	static const u8 code[] = {0xb8, 110, 0, 0, 0, 0x0f, 0x05, 0xc3};
	u8 *text = (u8 *)fake_file(1);

	memset(text + 3 * PAGE_SIZE, 0x90, PAGE_SIZE);
	memcpy(text + FUNCTION, code, sizeof(code));
	memcpy(text + OTHER, code, sizeof(code));
}

static void patch_site_at(struct mm *mm, u64 at)
{
	patch_note(mm, at, 110);
	patch_note(mm, at, 110);
	assert_true(patch_has(mm, at));
}

/* A thread at SYSCALL is led to the stub, one behind it is not. */
static void check_resume(struct mm *mm, u64 site, bool patched)
{
	u64 end = 0, to = patch_resume(mm, site, &end);

	if (patched) {
		assert_true(to >= PATCH_IN_BASE);
		assert_int_equal(end, site + 2);
	} else {
		assert_int_equal(to, site);
	}
	assert_int_equal(patch_resume(mm, site - 5, &end), site - 5);
	assert_int_equal(patch_resume(mm, site + 2, &end), site + 2);
}

/*
 * A call site that is executed twice becomes a jump for the CPU. All other readers see the
 * original, after fork too, until the program may write the page. In the end no stub is left.
 */
static void patched_text_keeps_its_original(void **state)
{
	const u64 start = BASE + FUNCTION, site = BASE + SITE;
	u64 before, original, jump;
	struct mm *mm = begin(&before), *child;

	(void)state;
	write_functions();
	map_text(mm, BASE, 2 * MIB, 0);
	original = cpu_read(mm, start);
	patch_note(mm, site, 110);
	assert_false(patch_has(mm, site));
	patch_note(mm, site, 110);
	assert_true(patch_has(mm, site));
	jump = cpu_read(mm, start);
	assert_int_not_equal(jump, original);
	assert_int_equal(read_by_kernel(mm, start), original);
	check_resume(mm, site, true);

	child = mm_dup(mm, false);
	assert_non_null(child);
	assert_int_equal(mm_protect(mm, BASE, 4 * PAGE_SIZE, R | W), 0);
	assert_int_equal(cpu_read(mm, start), original);
	assert_false(patch_has(mm, site));
	assert_int_equal(cpu_write(mm, start, 7), 0);
	assert_int_equal(read_by_kernel(mm, start), 7);
	assert_int_equal(cpu_read(child, start), jump);
	assert_int_equal(read_by_kernel(child, start), original);
	assert_true(patch_has(child, site));

	/* Executable again, the page is another one than its text is about. */
	assert_int_equal(mm_protect(mm, BASE, 4 * PAGE_SIZE, R | X), 0);
	patch_note(mm, site, 110);
	assert_false(patch_has(mm, site));
	assert_int_equal(cpu_read(mm, start), 7);

	assert_int_equal(mm_unmap(child, BASE + 3 * PAGE_SIZE, PAGE_SIZE), 0);
	assert_false(patch_has(child, site));
	check_resume(child, site, false);
	mm_put(child);
	end(mm, before);
	assert_int_equal(fake_stubs_left(), 0);
}

/*
 * A process that executes one site of a text has the jumps of its other pages, too, and one that
 * execve makes has them from the start. Each reader sees the original.
 */
static void jumps_are_taken_together(void **state)
{
	const u64 first = BASE + SITE, second = first + 2 * PAGE_SIZE;
	const u64 start = BASE + FUNCTION, other = start + 2 * PAGE_SIZE;
	u64 before, original, jump;
	struct mm *mm = begin(&before), *next = mm_new(), *fresh = mm_new();
	u8 *text = (u8 *)fake_file(1);

	(void)state;
	write_functions();
	memcpy(text + 5 * PAGE_SIZE, text + 3 * PAGE_SIZE, PAGE_SIZE);
	map_text(mm, BASE, MIB, 0);
	original = cpu_read(mm, other);
	patch_site_at(mm, first);
	patch_site_at(mm, second);
	jump = cpu_read(mm, other);
	assert_int_not_equal(jump, original);

	map_text(next, BASE, MIB, 0);
	assert_int_equal(cpu_read(next, start), original);
	assert_int_equal(cpu_read(next, other), original);
	patch_note(next, first, 110);
	assert_true(patch_has(next, first));
	assert_true(patch_has(next, second));
	assert_int_equal(cpu_read(next, other), jump);
	assert_int_equal(read_by_kernel(next, other), original);
	check_resume(next, second, true);
	mm_put(next);

	next = mm_new();
	map_text(next, BASE, MIB, 0);
	mutex_lock(&next->lock);
	assert_int_equal(mm_populate_locked(next, BASE, BASE + MIB, MM_READ), 0);
	patch_mapped(next, BASE, MIB);
	mutex_unlock(&next->lock);
	assert_true(patch_has(next, second));
	assert_int_equal(cpu_read(next, other), jump);
	mm_put(next);

	map_text(fresh, BASE, MIB, 0);
	map_text(fresh, BASE + 4 * MIB, MIB, 0); /* a text has jumps at one address only */
	mutex_lock(&fresh->lock);
	assert_int_equal(mm_populate_locked(fresh, BASE, BASE + MIB, MM_READ), 0);
	patch_exec(fresh);
	patch_mapped(fresh, BASE + 4 * MIB, MIB);
	mutex_unlock(&fresh->lock);
	assert_false(patch_has(fresh, first + 4 * MIB));
	assert_true(patch_has(fresh, first));
	assert_true(patch_has(fresh, second));
	assert_int_equal(cpu_read(fresh, other), jump);
	assert_int_equal(read_by_kernel(fresh, start), original);
	assert_int_equal(mm_protect(fresh, BASE, MIB, R | W), 0);
	assert_int_equal(cpu_read(fresh, other), original);
	mm_put(fresh);
	end(mm, before);
	assert_int_equal(fake_stubs_left(), 0);
}

/*
 * What one process has patched is patched for the next that executes it, at whatever address, and
 * each reader of either process sees the original. A site that one of them patches later becomes
 * the other's when it executes it.
 */
static void processes_share_patches(void **state)
{
	const u64 elsewhere = BASE + 2 * MIB;
	u64 before, original, jump;
	struct mm *mm = begin(&before), *next = mm_new(), *reader = mm_new(), *child;

	(void)state;
	write_functions();
	map_text(mm, BASE, MIB, 0);
	original = cpu_read(mm, BASE + FUNCTION);
	patch_site_at(mm, BASE + SITE);
	jump = cpu_read(mm, BASE + FUNCTION);

	/* A binary translator reads text that it does not execute: it sees the original. */
	map_text(reader, elsewhere, MIB, 0);
	assert_int_equal(cpu_read(reader, elsewhere + FUNCTION), original);
	mm_put(reader);

	map_text(next, elsewhere, MIB, 0);
	patch_note(next, elsewhere + SITE, 110);
	assert_int_equal(cpu_read(next, elsewhere + FUNCTION), jump);
	assert_int_equal(frame_at(next, elsewhere + FUNCTION), frame_at(mm, BASE + FUNCTION));
	assert_int_equal(read_by_kernel(next, elsewhere + FUNCTION), original);
	assert_true(patch_has(next, elsewhere + SITE));
	check_resume(next, elsewhere + SITE, true);

	/* The other site: a new page for one of them, until the other executes it. */
	patch_site_at(mm, BASE + OTHER + 5);
	assert_true(patch_has(mm, BASE + SITE));
	assert_int_equal(cpu_read(next, elsewhere + OTHER), original);
	assert_false(patch_has(next, elsewhere + OTHER + 5));
	patch_note(next, elsewhere + OTHER + 5, 110);
	assert_true(patch_has(next, elsewhere + OTHER + 5));
	assert_int_equal(frame_at(next, elsewhere + FUNCTION), frame_at(mm, BASE + FUNCTION));

	/* What one does to its page is its own affair. */
	assert_int_equal(mm_protect(next, elsewhere, MIB, R | W), 0);
	assert_int_equal(cpu_write(next, elsewhere + FUNCTION, 9), 0);
	assert_int_equal(cpu_read(mm, BASE + FUNCTION), jump);
	assert_int_equal(read_by_kernel(mm, BASE + FUNCTION), original);

	/* A child begins with all jumps that there are, also where its parent has none. */
	mm_put(next);
	assert_int_equal(mm_protect(mm, BASE, MIB, R), 0);
	assert_int_equal(mm_protect(mm, BASE, MIB, R | X), 0);
	assert_int_equal(cpu_read(mm, BASE + FUNCTION), original);
	child = mm_dup(mm, false);
	assert_non_null(child);
	assert_int_equal(cpu_read(child, BASE + FUNCTION), jump);
	assert_true(patch_has(child, BASE + OTHER + 5));
	assert_int_equal(read_by_kernel(child, BASE + OTHER), original);
	mm_put(child);
	assert_int_not_equal(fake_stubs_left(), 0);
	end(mm, before);
	assert_int_equal(fake_stubs_left(), 0);
}

/*
 * Two SYSCALLs a few bytes apart, whose plans would both move the bytes between them: the second
 * stays.
 */
static void jumps_do_not_overlap(void **state)
{
	static const u8 code[] = {
		0x90, 0x0f, 0x05,		       /* nop; syscall */
		0x48, 0x89, 0xc2, 0xb8, 0x6e, 0, 0, 0, /* mov %rax,%rdx; mov $110,%eax */
		0x0f, 0x05, 0xc3,		       /* syscall; ret */
	};
	const u64 first = BASE + 3 * PAGE_SIZE + 0x401, second = first + 10;
	u64 before;
	struct mm *mm = begin(&before);
	u8 *text = (u8 *)fake_file(1);

	(void)state;
	memset(text + 3 * PAGE_SIZE, 0x90, PAGE_SIZE);
	memcpy(text + 3 * PAGE_SIZE + 0x400, code, sizeof(code));
	map_text(mm, BASE, MIB, 0);
	for (int i = 0; i < 2; i++) {
		patch_note(mm, first, 110);
		patch_note(mm, second, 110);
	}
	assert_true(patch_has(mm, first));
	assert_false(patch_has(mm, second));
	end(mm, before);
	assert_int_equal(fake_stubs_left(), 0);
}

/* Where a text's stubs would lead to another address, or its plan may be wrong, it is not used. */
static void patches_not_shared(void **state)
{
	u64 before, original;
	struct mm *mm = begin(&before), *next = mm_new();

	(void)state;
	write_functions();
	map_text(mm, BASE, MIB, 0);
	original = cpu_read(mm, BASE + FUNCTION);
	patch_site_at(mm, BASE + SITE);

	/* A second address in the same process: its sites have stubs of their own. */
	map_text(mm, BASE + 4 * MIB, MIB, 0);
	assert_int_equal(cpu_read(mm, BASE + 4 * MIB + FUNCTION), original);
	patch_site_at(mm, BASE + 4 * MIB + SITE);
	assert_int_not_equal(patch_resume(mm, BASE + SITE, &(u64){0}),
			     patch_resume(mm, BASE + 4 * MIB + SITE, &(u64){0}));

	/* Less of the file: what it would have branched from may be something else. */
	map_text(next, BASE, 4 * PAGE_SIZE, 0);
	patch_note(next, BASE + SITE, 110);
	assert_int_equal(cpu_read(next, BASE + FUNCTION), original);
	/* Pages that the program does not execute. */
	assert_int_equal(file_map(next, BASE + 2 * MIB, MIB, R,
				  MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE, &file[0], 0),
			 BASE + 2 * MIB);
	assert_int_equal(cpu_read(next, BASE + 2 * MIB + FUNCTION), original);
	/* Another version of the file. */
	changed(0, 2);
	map_text(next, BASE + 4 * MIB, MIB, 0);
	patch_note(next, BASE + 4 * MIB + SITE, 110);
	assert_int_equal(cpu_read(next, BASE + 4 * MIB + FUNCTION), original);
	mm_put(next);
	end(mm, before);
	assert_int_equal(fake_stubs_left(), 0);
}

static void stacks_grow(void **state)
{
	u64 before, top = BASE + 6 * MIB;
	struct mm *mm = begin(&before);

	(void)state;
	stack_limit = 4 * MIB;
	map(mm, top - 4 * PAGE_SIZE, 4 * PAGE_SIZE, R | W, MAP_PRIVATE | MAP_FIXED | MAP_GROWSDOWN);
	for (u64 va = top - 8; va > top - 4 * MIB; va -= PAGE_SIZE)
		assert_int_equal(cpu_write(mm, va, va), 0);
	for (u64 va = top - 8; va > top - 4 * MIB; va -= PAGE_SIZE)
		assert_int_equal(cpu_read(mm, va), va);
	assert_in_range(stats.pages_mapped, 1024, 1100);
	check_signal(mm, top - 4 * MIB - 8, MM_WRITE, SIGSEGV, SEGV_MAPERR);

	/*
	 * The stack grows no closer than the guard gap to another mapping, and no mapping is placed
	 * in the gap.
	 */
	stack_limit = -1UL;
	map(mm, BASE, PAGE_SIZE, R, MAP_PRIVATE | MAP_FIXED);
	assert_int_equal(cpu_write(mm, BASE + PAGE_SIZE + MM_STACK_GAP, 1), 0);
	check_signal(mm, BASE + MM_STACK_GAP, MM_WRITE, SIGSEGV, SEGV_MAPERR);
	assert_true(map(mm, BASE + 16 * PAGE_SIZE, PAGE_SIZE, R, MAP_PRIVATE) > (s64)END);
	/* A mapping without access does not count. */
	mm_protect(mm, BASE, PAGE_SIZE, PROT_NONE);
	assert_int_equal(cpu_write(mm, BASE + PAGE_SIZE, 1), 0);
	check_signal(mm, BASE, MM_WRITE, SIGSEGV, SEGV_ACCERR);
	stack_limit = 8 * MIB;
	end(mm, before);
}

static void walking_through_memory_takes_few_faults(void **state)
{
	u64 before, faults = 0, size = 64 * MIB, addr;
	struct mm *mm = begin(&before);

	(void)state;
	addr = map(mm, 0, size, R | W, MAP_PRIVATE);
	assert_true(IS_ALIGNED(addr, HUGE_SIZE));
	for (u64 va = addr; va < addr + size; va += PAGE_SIZE) {
		struct mm_fault_info info;

		if (!walk(mm, va)) {
			faults++;
			assert_int_equal(mm_fault(mm, va, MM_WRITE, &info), 0);
		}
	}
	assert_in_range(faults, 32, 40);
	assert_in_range(stats.huge_mapped, 31, 31);
	assert_int_equal(mm->resident_pages, size / PAGE_SIZE);
	end(mm, before);
}

/* A thread that uses little of its stack gets little; one that goes down it takes few faults. */
static void stacks_of_threads_are_small_at_first(void **state)
{
	u64 before, top, size = MIB;
	struct mm *mm = begin(&before);

	(void)state;
	top = (u64)map(mm, 0, size, R | W, MAP_PRIVATE | MAP_STACK) + size;
	assert_int_equal(cpu_write(mm, top - 8, 1), 0);
	assert_int_equal(mm->resident_pages, 2);
	assert_int_equal(cpu_write(mm, top - PAGE_SIZE - 8, 1), 0);
	assert_int_equal(mm->resident_pages, 2);
	assert_int_equal(cpu_write(mm, top - 2 * PAGE_SIZE - 8, 1), 0);
	assert_int_equal(mm->resident_pages, 10);
	assert_int_equal(cpu_write(mm, top - size, 1), 0);
	assert_int_equal(mm->resident_pages, 11); /* the VMA begins here */
	assert_int_equal(cpu_read(mm, top - 8), 1);
	end(mm, before);
}

static void memory_ends_with_a_kill(void **state)
{
	u64 before, addr, size, last, word;
	struct mm *mm = begin(&before);
	struct mm_fault_info info;
	u64 *p;
	int sig = 0;
	struct frame_stats s;

	(void)state;
	frame_stats(&s);
	size = s.total * PAGE_SIZE;
	addr = map(mm, 0, size, R | W, MAP_PRIVATE);
	for (u64 va = addr; va < addr + size && !sig; va += PAGE_SIZE)
		sig = cpu_access(mm, va, MM_WRITE, &info, &p);
	assert_int_equal(sig, SIGKILL);
	/* Under some locks the kernel may not wait for memory: it gets an error at once. */
	last = addr + size - sizeof(word);
	space_asked_for = 0;
	mm->unborn = true; /* as if it were the running process's */
	assert_int_equal(mm_copy_from_nowait(mm, &word, last, sizeof(word)), -ENOMEM);
	assert_int_equal(space_asked_for, 0);
	assert_int_equal(mm_copy_from(mm, &word, last, sizeof(word)), -EFAULT);
	assert_int_equal(space_asked_for, 1);
	assert_int_equal(mm_copy_from_nowait(mm, &word, addr, sizeof(word)), 0);
	assert_int_equal(mm_copy_from_nowait(mm, &word, addr + size, sizeof(word)), -EFAULT);
	assert_int_equal(mm_unmap(mm, addr, size), 0);
	assert_int_equal(mm->resident_pages, 0);
	assert_int_equal(mm->page_tables, 0);
	end(mm, before);
}

static void moved_mappings_keep_their_pages(void **state)
{
	u64 before, size = 4 * MIB;
	struct mm *mm = begin(&before);
	s64 a;

	(void)state;
	map(mm, BASE, size, R | W, MAP_PRIVATE | MAP_FIXED);
	for (u64 va = BASE; va < BASE + size; va += PAGE_SIZE)
		cpu_write(mm, va, va);
	/* Grown in place, then up to another mapping, then moved. */
	assert_int_equal(mm_remap(mm, BASE, size, size + MIB, 0, 0), BASE);
	map(mm, BASE + size + MIB, PAGE_SIZE, R, MAP_PRIVATE | MAP_FIXED);
	assert_int_equal(mm_remap(mm, BASE, size + MIB, size + 2 * MIB, 0, 0), -ENOMEM);
	a = mm_remap(mm, BASE, size + MIB, size + 2 * MIB, MREMAP_MAYMOVE, 0);
	assert_true(a > 0 && a != (s64)BASE);
	for (u64 off = 0; off < size; off += PAGE_SIZE)
		assert_int_equal(cpu_read(mm, a + off), BASE + off);
	check_signal(mm, BASE, MM_READ, SIGSEGV, SEGV_MAPERR);
	/* Odd distances split 2 MiB pages. */
	assert_int_equal(
		mm_remap(mm, a, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, BASE + 3 * PAGE_SIZE),
		BASE + 3 * PAGE_SIZE);
	for (u64 off = 0; off < size; off += PAGE_SIZE)
		assert_int_equal(cpu_read(mm, BASE + 3 * PAGE_SIZE + off), BASE + off);
	/* The old range stays mapped, but empty. */
	a = mm_remap(mm, BASE + 3 * PAGE_SIZE, size, size, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	assert_int_equal(cpu_read(mm, a), BASE);
	assert_int_equal(cpu_read(mm, BASE + 3 * PAGE_SIZE), 0);
	assert_int_equal(mm_remap(mm, a, size, size, MREMAP_FIXED, BASE), -EINVAL);
	assert_int_equal(mm_remap(mm, a, size, 0, 0, 0), -EINVAL);
	assert_int_equal(mm_remap(mm, a + size, 2 * MIB + PAGE_SIZE, 8 * MIB, MREMAP_MAYMOVE, 0),
			 -EFAULT);
	end(mm, before);
}

static void children_get_copies(void **state)
{
	u64 before;
	struct mm *mm = begin(&before), *child, *grandchild;

	(void)state;
	map(mm, BASE, 4 * MIB, R | W, MAP_PRIVATE | MAP_FIXED);
	map(mm, BASE + 4 * MIB, MIB, R | W, MAP_SHARED | MAP_FIXED);
	map(mm, BASE + 5 * MIB, MIB, R | W, MAP_PRIVATE | MAP_FIXED);
	map(mm, BASE + 6 * MIB, MIB, R | W, MAP_PRIVATE | MAP_FIXED);
	mm_advise(mm, BASE + 5 * MIB, MIB, MADV_WIPEONFORK);
	mm_advise(mm, BASE + 6 * MIB, MIB, MADV_DONTFORK);
	for (u64 va = BASE; va < BASE + 7 * MIB; va += PAGE_SIZE)
		cpu_write(mm, va, va);
	mm_protect(mm, BASE + MIB, MIB, PROT_NONE);
	child = mm_dup(mm, true);
	assert_non_null(child);
	for (u64 va = BASE; va < BASE + MIB; va += PAGE_SIZE)
		cpu_write(mm, va, 1);
	for (u64 va = BASE; va < BASE + MIB; va += PAGE_SIZE)
		assert_int_equal(cpu_read(child, va), va);
	mm_protect(child, BASE + MIB, MIB, R | W);
	grandchild = mm_dup(child, true);
	for (u64 va = BASE + MIB; va < BASE + 2 * MIB; va += PAGE_SIZE)
		assert_int_equal(cpu_write(child, va, 2), 0);
	mm_protect(mm, BASE + MIB, MIB, R);
	for (u64 va = BASE + MIB; va < BASE + 2 * MIB; va += PAGE_SIZE) {
		assert_int_equal(cpu_read(grandchild, va), va);
		assert_int_equal(cpu_read(mm, va), va);
	}
	cpu_write(child, BASE + 4 * MIB, 77);
	assert_int_equal(cpu_read(mm, BASE + 4 * MIB), 77);
	assert_int_equal(cpu_read(grandchild, BASE + 4 * MIB), 77);
	assert_int_equal(cpu_read(child, BASE + 5 * MIB), 0);
	check_signal(child, BASE + 6 * MIB, MM_READ, SIGSEGV, SEGV_MAPERR);
	mm_put(grandchild);
	mm_put(child);
	for (u64 va = BASE + 2 * MIB; va < BASE + 4 * MIB; va += PAGE_SIZE)
		cpu_write(mm, va, 3);
	end(mm, before);
}

/*
 * Pages that parent or child wrote after a fork are copied eagerly by the next fork and stay
 * writable, but only in a process with one thread: another thread could be in the middle of a
 * write.
 */
static void pages_rewritten_after_a_fork_are_copied_by_the_next(void **state)
{
	u64 before, mine = BASE, childs = BASE + PAGE_SIZE, nobodys = BASE + 2 * PAGE_SIZE;
	struct mm *mm = begin(&before), *child;

	(void)state;
	map(mm, BASE, MIB, R | W, MAP_PRIVATE | MAP_FIXED);
	for (u64 va = BASE; va <= nobodys; va += PAGE_SIZE)
		cpu_write(mm, va, 1);
	child = mm_dup(mm, true);
	assert_non_null(child);
	for (u64 va = BASE; va <= nobodys; va += PAGE_SIZE)
		assert_false(walk(mm, va) & PTE_W);
	cpu_write(mm, mine, 2);
	cpu_write(child, childs, 3);
	mm_put(child);

	child = mm_dup(mm, false);
	assert_non_null(child);
	assert_false(walk(mm, mine) & PTE_W);
	cpu_write(mm, mine, 2);
	mm_put(child);

	child = mm_dup(mm, true);
	assert_non_null(child);
	assert_true(walk(mm, mine) & walk(child, mine) & PTE_W);
	assert_true(walk(child, childs) & PTE_W);
	assert_false((walk(mm, nobodys) | walk(child, nobodys)) & PTE_W);
	assert_true((walk(mm, mine) ^ walk(child, mine)) & PTE_ADDR);
	assert_true((walk(mm, childs) ^ walk(child, childs)) & PTE_ADDR);
	cpu_write(mm, mine, 4);
	cpu_write(child, childs, 5);
	assert_int_equal(cpu_read(child, mine), 2);
	assert_int_equal(cpu_read(mm, childs), 1);
	mm_put(child);
	end(mm, before);
}

/* A child gets the page tables of the one before, and nothing else of it. */
static void tables_of_a_child_serve_the_next(void **state)
{
	u64 before, pml4, tables;
	struct mm *mm = begin(&before), *child, *other;

	(void)state;
	map(mm, BASE, 4 * MIB, R | W, MAP_PRIVATE | MAP_FIXED);
	cpu_write(mm, BASE, 1);
	child = mm_dup(mm, true);
	assert_non_null(child);
	map(child, BASE + 8 * MIB, MIB, R | W, MAP_PRIVATE | MAP_FIXED);
	cpu_write(child, BASE, 2);
	cpu_write(child, BASE + 8 * MIB, 3);
	pml4 = child->pml4;
	tables = child->page_tables;
	mm_put(child);

	child = mm_dup(mm, true);
	other = mm_dup(mm, true);
	assert_non_null(child);
	assert_non_null(other);
	assert_int_equal(child->pml4, pml4);
	assert_int_equal(child->page_tables, tables);
	assert_int_not_equal(other->pml4, pml4);
	assert_int_equal(cpu_read(child, BASE), 1);
	check_signal(child, BASE + 8 * MIB, MM_READ, SIGSEGV, SEGV_MAPERR);
	assert_int_equal(child->resident_pages, other->resident_pages);
	mm_put(child);
	mm_put(other);

	/* An empty table is left where the next child may want a 2 MiB page. */
	mm_unmap(mm, BASE, 4 * MIB);
	map(mm, BASE, 4 * MIB, R | W, MAP_PRIVATE | MAP_FIXED);
	mm_advise(mm, BASE, 4 * MIB, MADV_HUGEPAGE);
	cpu_write(mm, BASE, 4);
	assert_true(walk(mm, BASE) & PTE_PS);
	child = mm_dup(mm, true);
	assert_non_null(child);
	assert_int_equal(child->pml4, pml4);
	assert_int_equal(cpu_read(child, BASE), 4);
	assert_int_equal(cpu_write(child, BASE, 5), 0);
	assert_int_equal(cpu_read(mm, BASE), 4);
	mm_put(child);
	assert_true(spare_shrink());
	assert_false(spare_shrink());
	end(mm, before);
}

/* While the host reads or writes a page for the parent, a fork must not replace that page. */
static void pinned_pages_stay_the_parents(void **state)
{
	u64 before, gpa;
	struct mm *mm = begin(&before), *child;

	(void)state;
	for (unsigned huge = 0; huge < 2; huge++) {
		map(mm, BASE, 4 * MIB, R | W, MAP_PRIVATE | MAP_FIXED);
		if (huge)
			mm_advise(mm, BASE, 4 * MIB, MADV_HUGEPAGE);
		cpu_write(mm, BASE, 1);
		cpu_write(mm, BASE + PAGE_SIZE, 2);
		gpa = walk(mm, BASE) & PTE_ADDR;
		frame_pin_range(gpa, 1);
		child = mm_dup(mm, true);
		assert_non_null(child);
		assert_true(walk(mm, BASE) & PTE_W);
		assert_int_equal(walk(mm, BASE) & PTE_ADDR, gpa);
		assert_false(walk(mm, BASE + PAGE_SIZE) & PTE_W);
		*(u64 *)fake_phys(gpa) = 3; /* the host */
		assert_int_equal(cpu_read(mm, BASE), 3);
		assert_int_equal(cpu_read(child, BASE), 1);
		assert_int_equal(cpu_read(child, BASE + PAGE_SIZE), 2);
		frame_unpin_range(gpa, 1);
		mm_put(child);
		assert_int_equal(cpu_write(mm, BASE + PAGE_SIZE, 4), 0);
	}
	end(mm, before);
}

static void advice(void **state)
{
	u64 before;
	struct mm *mm = begin(&before);

	(void)state;
	map(mm, BASE, MIB, R | W, MAP_PRIVATE | MAP_FIXED);
	cpu_write(mm, BASE, 1);
	assert_int_equal(mm_advise(mm, BASE, PAGE_SIZE, MADV_DONTNEED), 0);
	assert_int_equal(cpu_read(mm, BASE), 0);
	assert_int_equal(mm_advise(mm, BASE + 1, PAGE_SIZE, MADV_DONTNEED), -EINVAL);
	assert_int_equal(mm_advise(mm, BASE, 2 * MIB, MADV_DONTNEED), -ENOMEM);
	assert_int_equal(mm_advise(mm, BASE, PAGE_SIZE, 12345), -EINVAL);
	assert_int_equal(mm_advise(mm, BASE, 0, MADV_NORMAL), 0);
	assert_int_equal(mm_advise(mm, BASE, PAGE_SIZE, MADV_REMOVE), -EINVAL);
	assert_int_equal(mm_advise(mm, BASE, MIB, MADV_HUGEPAGE), 0);
	assert_int_equal(mm->vma_count, 1);
	assert_int_equal(mm_advise(mm, BASE, PAGE_SIZE, MADV_NOHUGEPAGE), 0);
	assert_int_equal(mm->vma_count, 2);
	assert_int_equal(mm_advise(mm, BASE, MIB, 23 /* MADV_POPULATE_WRITE */), 0);
	assert_int_equal(mm->resident_pages, MIB / PAGE_SIZE);
	file_map(mm, BASE + MIB, MIB, R, MAP_PRIVATE | MAP_FIXED, &file[0], 0);
	assert_int_equal(mm_advise(mm, BASE + MIB, MIB, MADV_FREE), -EINVAL);
	assert_int_equal(mm_advise(mm, BASE + MIB, MIB, MADV_REMOVE), -EACCES);
	assert_int_equal(mm_advise(mm, BASE + MIB, MIB, 23), -EINVAL);
	end(mm, before);
}

/* ---- everything at random ------------------------------------------------------------------- */

/* What a page of the playground should contain. */
struct page {
	bool mapped, shared;
	u32 prot;
	s32 handle; /* 0: anonymous */
	u64 offset; /* in the file */
	bool own;   /* written since: content is value */
	u64 value;
};
static struct page model[PAGES];

static struct page *at(u64 va)
{
	return &model[(va - BASE) / PAGE_SIZE];
}

static u64 expected(const struct page *p)
{
	if (p->own)
		return p->value;
	return p->handle ? *(u64 *)((char *)fake_file(p->handle) + p->offset) : 0;
}

static u64 next_value = 1;

static void written(struct page *p, u64 value)
{
	if (p->shared)
		return; /* the file has it now */
	p->own = true;
	p->value = value;
}

/* The kernel touches the page in a system call of the program. */
static void check_by_kernel(struct mm *mm, u64 va, struct page *p)
{
	u64 value = 0;
	int ret;

	if (rand() % 2) {
		ret = mm_copy_from(mm, &value, va, sizeof(value));
		assert_int_equal(ret, p->mapped && p->prot ? 0 : -EFAULT);
		assert_int_equal(value, ret ? 0 : expected(p));
		return;
	}
	value = ++next_value;
	ret = mm_copy_to(mm, va, &value, sizeof(value));
	assert_int_equal(ret, p->mapped && (p->prot & W) ? 0 : -EFAULT);
	if (!ret)
		written(p, value);
}

static void check_page(struct mm *mm, u64 va, struct page *p)
{
	enum mm_access access = (enum mm_access)(rand() % 3);
	u32 need = access == MM_WRITE ? W : access == MM_EXEC ? X : R | W | X;
	struct mm_fault_info info = {0};
	u64 *word = NULL;
	int sig;

	if (rand() % 4 == 0) {
		check_by_kernel(mm, va, p);
		return;
	}
	sig = cpu_access(mm, va, access, &info, &word);
	if (!p->mapped || !(p->prot & need)) {
		assert_int_equal(sig, SIGSEGV);
		assert_int_equal(info.code, p->mapped ? SEGV_ACCERR : SEGV_MAPERR);
		return;
	}
	assert_int_equal(sig, 0);
	assert_int_equal(*word, expected(p));
	if (access != MM_WRITE)
		return;
	*word = ++next_value;
	written(p, next_value);
}

static void random_range(u64 *start, u64 *len)
{
	u64 most = rand() % 4 ? 40 : 1200;

	*start = BASE + (u64)(rand() % PAGES) * PAGE_SIZE;
	*len = (1 + (u64)rand() % most) * PAGE_SIZE;
	*len = MIN(*len, END - *start);
	if (rand() % 12 == 0) { /* where 2 MiB pages are possible */
		*start = BASE;
		*len = END - BASE;
	}
}

static u32 random_prot(void)
{
	static const u32 prot[] = {PROT_NONE, R, R | W, R | W, R | W, R | X, R | W | X};

	return prot[rand() % ARRAY_SIZE(prot)];
}

static void random_map(struct mm *mm)
{
	u64 start, len, offset = 0;
	u32 prot = random_prot(), flags = MAP_FIXED;
	struct ofile *f = NULL;

	random_range(&start, &len);
	if (rand() % 2) {
		f = &file[rand() % FAKE_FILES];
		offset = (u64)rand() % ((FAKE_FILE_MAX - len) / PAGE_SIZE + 1) * PAGE_SIZE;
		/*
		 * Not both of one file: a write to a private page copies its neighbours too, and
		 * mmap(2) leaves open whether those show later changes of the file.
		 */
		flags |= f->flags == O_RDWR ? MAP_SHARED : MAP_PRIVATE;
		flags |= rand() % 2 ? MAP_DENYWRITE : 0;
	} else {
		flags |= MAP_PRIVATE | MAP_ANONYMOUS;
	}
	if (f)
		assert_int_equal(file_map(mm, start, len, prot, flags, f, offset), start);
	else
		assert_int_equal(map(mm, start, len, prot, flags), start);
	if (rand() % 2)
		mm_advise(mm, start, len, MADV_HUGEPAGE);
	for (u64 va = start; va < start + len; va += PAGE_SIZE)
		*at(va) = (struct page){
			.mapped = true,
			.shared = (flags & MAP_TYPE) == MAP_SHARED,
			.prot = prot,
			.handle = f ? f->handle : 0,
			.offset = offset + (va - start),
		};
}

static void random_unmap(struct mm *mm)
{
	u64 start, len;

	random_range(&start, &len);
	assert_int_equal(mm_unmap(mm, start, len), 0);
	memset(at(start), 0, len / PAGE_SIZE * sizeof(struct page));
}

static void random_protect(struct mm *mm)
{
	u32 prot = random_prot();
	u64 start, len;
	s64 want = 0;

	random_range(&start, &len);
	for (u64 va = start; va < start + len && !want; va += PAGE_SIZE) {
		if (!at(va)->mapped)
			want = -ENOMEM;
		else
			at(va)->prot = prot;
	}
	assert_int_equal(mm_protect(mm, start, len, prot), want);
}

static void random_dontneed(struct mm *mm)
{
	u64 start, len;
	s64 want = 0;

	random_range(&start, &len);
	for (u64 va = start; va < start + len; va += PAGE_SIZE) {
		if (!at(va)->mapped)
			want = -ENOMEM;
		at(va)->own = false;
	}
	assert_int_equal(mm_advise(mm, start, len, MADV_DONTNEED), want);
}

static void random_huge(struct mm *mm)
{
	u64 start, len;

	random_range(&start, &len);
	mm_advise(mm, start, len, rand() % 3 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

/* Returns whether mremap(2) takes [start, start + len) for one mapping. */
static bool one_vma(struct mm *mm, u64 start, u64 len)
{
	struct vma *v = vma_find(mm, start);

	return v && v->start <= start && v->end >= start + len;
}

static void random_remap(struct mm *mm)
{
	u64 from, to, len, to_len;
	static struct page old[PAGES];
	s64 ret;

	random_range(&from, &len);
	random_range(&to, &to_len);
	len = MIN(len, to_len);
	ret = mm_remap(mm, from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	if (!at(from)->mapped) {
		assert_int_equal(ret, -EFAULT);
		return;
	}
	if (from + len > to && to + len > from) {
		assert_int_equal(ret, -EINVAL);
		return;
	}
	/* The target is unmapped even if the rest of the source is invalid: mremap(2), BUGS. */
	memcpy(old, at(from), len / PAGE_SIZE * sizeof(struct page));
	memset(at(to), 0, len / PAGE_SIZE * sizeof(struct page));
	if (ret < 0) {
		assert_int_equal(ret, -EFAULT);
		assert_false(one_vma(mm, from, len));
		return;
	}
	assert_int_equal(ret, to);
	memset(at(from), 0, len / PAGE_SIZE * sizeof(struct page));
	memcpy(at(to), old, len / PAGE_SIZE * sizeof(struct page));
}

/* VMAs, tables and counters agree. */
static void check_invariants(struct mm *mm)
{
	u64 resident = 0, covered = 0;
	struct pt_leaf leaf;

	for (u64 va = 0; pt_next(mm, va, USER_TOP, &leaf); va = leaf.va + leaf.size)
		resident += leaf.size / PAGE_SIZE;
	assert_int_equal(resident, mm->resident_pages);
	for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
		struct mm_resident r;

		mm_vma_resident(mm, v, &r);
		covered += r.rss / PAGE_SIZE;
		assert_int_equal(r.rss, r.private + r.shared);
	}
	assert_int_equal(covered, resident);
}

static void random_calls_match_the_model(void **state)
{
	void (*const call[])(struct mm *) = {random_map,      random_map,   random_unmap,
					     random_protect,  random_huge,  random_protect,
					     random_dontneed, random_remap, random_remap};
	static struct page saved[PAGES];
	u64 before;

	(void)state;
	for (unsigned seed = 0; seed < 30; seed++) {
		struct mm *mm = begin(&before), *child = NULL;

		srand(seed);
		memset(model, 0, sizeof(model));
		for (unsigned round = 0; round < 400; round++) {
			u64 start = BASE + (u64)(rand() % PAGES) * PAGE_SIZE;
			u64 stop = start + (u64)(rand() % 700) * PAGE_SIZE;

			call[rand() % ARRAY_SIZE(call)](mm);
			for (unsigned i = 0; i < 200; i++) {
				u64 va = BASE + (u64)(rand() % PAGES) * PAGE_SIZE;

				check_page(mm, va, at(va));
			}
			for (u64 va = start; va < MIN(stop, END); va += PAGE_SIZE)
				check_page(mm, va, at(va));
			/*
			 * Forks now and then. One of the two processes goes on, the other one ends.
			 */
			if (round % 40 == 10) {
				child = mm_dup(mm, true);
				assert_non_null(child);
				memcpy(saved, model, sizeof(model));
			} else if (round % 40 == 20) {
				if (seed % 2) {
					mm_put(mm);
					mm = child;
					tlb_load(mm);
					memcpy(model, saved, sizeof(model));
				} else {
					mm_put(child);
				}
				check_invariants(mm);
			}
		}
		if (400 % 40 > 10 && 400 % 40 <= 20)
			mm_put(child);
		check_invariants(mm);
		end(mm, before);
	}
	assert_true(stats.huge_mapped > 20);
}

static int setup(void **state)
{
	(void)state;
	memset(&stats, 0, sizeof(stats));
	return 0;
}

static int group_setup(void **state)
{
	(void)state;
	fake_ram_init(32 * MIB, 512 * MIB);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(placement, setup),
		cmocka_unit_test_setup(reservations_lie_over_the_physmap, setup),
		cmocka_unit_test_setup(signals, setup),
		cmocka_unit_test_setup(files, setup),
		cmocka_unit_test_setup(processes_share_text, setup),
		cmocka_unit_test_setup(patched_text_keeps_its_original, setup),
		cmocka_unit_test_setup(processes_share_patches, setup),
		cmocka_unit_test_setup(jumps_are_taken_together, setup),
		cmocka_unit_test_setup(jumps_do_not_overlap, setup),
		cmocka_unit_test_setup(patches_not_shared, setup),
		cmocka_unit_test_setup(stacks_grow, setup),
		cmocka_unit_test_setup(walking_through_memory_takes_few_faults, setup),
		cmocka_unit_test_setup(moved_mappings_keep_their_pages, setup),
		cmocka_unit_test_setup(children_get_copies, setup),
		cmocka_unit_test_setup(pages_rewritten_after_a_fork_are_copied_by_the_next, setup),
		cmocka_unit_test_setup(tables_of_a_child_serve_the_next, setup),
		cmocka_unit_test_setup(pinned_pages_stay_the_parents, setup),
		cmocka_unit_test_setup(advice, setup),
		cmocka_unit_test_setup(random_calls_match_the_model, setup),
		cmocka_unit_test_setup(stacks_of_threads_are_small_at_first, setup),
		cmocka_unit_test_setup(memory_ends_with_a_kill, setup),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
