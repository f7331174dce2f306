// SPDX-License-Identifier: MIT
/*
 * Does an address space keep to the contract of mm/backing.h? A made-up backing counts its get and
 * put: after each call, whatever splits, merges, copies, moves or frees VMAs, it has exactly one
 * reference for each VMA that shows it, and none comes after the last put.
 *
 * sources: tests/fake/ram.c kernel/mm/frame.c kernel/mm/kmalloc.c
 * sources: kernel/mm/vma.c kernel/mm/pagetable.c kernel/mm/fault.c kernel/mm/mmap.c kernel/mm/mm.c
 * sources: kernel/mm/spare.c kernel/mm/table_page.c
 * sources: kernel/mm/advise.c kernel/mm/window.c kernel/mm/text_cache.c kernel/mm/patch.c
 * sources: kernel/mm/patch_text.c kernel/mm/patch_plan.c
 * sources: kernel/arch/x86_64/call_site.c kernel/arch/x86_64/insn_length.c tests/fake/stubs.c
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "kernel/arch/x86_64/arch.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/pagetable.h"
#include "kernel/stats.h"
#include "tests/fake/ram.h"

#define MIB    0x100000UL
#define BASE   0x10000000UL
#define PAGES  64
#define P      PAGE_SIZE
#define R      PROT_READ
#define W      PROT_WRITE
#define SPACES 3 /* address spaces that can exist at once */

/* Stands in for what the files under test need of the kernel. */
static struct kernel_stats stats;

struct kernel_stats *stats_mine(void)
{
	return &stats;
}

u64 mm_rlimit(unsigned which)
{
	(void)which;
	return -1UL;
}

bool oom_make_space(void)
{
	return false;
}

void vcpu_evict(struct mm *mm)
{
	(void)mm;
}

void mm_flush(struct mm *mm, u64 start, u64 end)
{
	(void)mm, (void)start, (void)end;
}

/* ---- the made-up backing --------------------------------------------------------------------- */

/*
 * One object of the backing. Widening gives another object, as for a larger window on the same
 * file. Its pages are those of the first made-up file.
 */
struct made_up {
	struct vm_backing backing;
	s64 refs;
	bool dead;    /* the last reference went */
	u64 size;     /* bytes that populate serves */
	u64 reach;    /* widening beyond this gives another object */
	int fails;    /* what populate returns, 0: it serves */
	bool refuses; /* may_change refuses */
	bool keeps;   /* discard reports that it has handled the pages */
	u32 discards, forks;
};

#define OBJECTS 4096
static struct made_up object[OBJECTS];
static unsigned objects;

static struct made_up *made_up_of(const struct vm_backing *b)
{
	return container_of(b, struct made_up, backing);
}

static void made_up_get(struct vm_backing *b)
{
	assert_false(made_up_of(b)->dead);
	made_up_of(b)->refs++;
}

static void made_up_put(struct vm_backing *b)
{
	assert_false(made_up_of(b)->dead);
	made_up_of(b)->dead = --made_up_of(b)->refs == 0;
}

static u64 offset_of(const struct vma *v, u64 va)
{
	return v->offset + (va - v->start);
}

static int made_up_populate(struct vm_fault *f)
{
	struct made_up *m = made_up_of(f->vma->backing);
	u64 offset = offset_of(f->vma, f->page), *entry;

	assert_in_range(f->page, f->vma->start, f->vma->end - 1);
	if (m->fails)
		return m->fails;
	if (offset >= m->size)
		return -EIO;
	entry = pt_alloc(f->mm, f->page);
	assert_non_null(entry);
	pt_set(f->mm, entry, pt_value(f->vma, virt_to_phys(fake_file(1)) + offset, 0));
	return 0;
}

static struct made_up *make(const struct vm_backing_ops *ops, u64 reach);

static int made_up_widen(struct vm_backing *b, u64 offset, u64 len, struct vm_backing **wider)
{
	struct made_up *m;

	assert_false(made_up_of(b)->dead);
	if (offset + len <= made_up_of(b)->reach)
		return 0;
	m = make(b->ops, offset + len);
	made_up_get(&m->backing);
	*wider = &m->backing;
	return 0;
}

static u64 made_up_truncate(const struct vma *v)
{
	u64 size = made_up_of(v->backing)->size;

	return v->offset >= size ? 0 : MIN(size - v->offset, v->end - v->start);
}

static int made_up_fork(struct mm *child, struct mm *src, const struct vma *v,
			struct pt_flush *flush)
{
	made_up_of(v->backing)->forks++;
	return pt_copy(child, src, v, flush);
}

static bool made_up_may_change(struct mm *mm, u64 start, u64 end)
{
	const struct vma *v = vma_find(mm, start);

	assert_true(v->start <= start && end <= v->end);
	return !made_up_of(v->backing)->refuses;
}

static bool made_up_discard(struct mm *mm, u64 start, u64 end)
{
	const struct vma *v = vma_find(mm, start);

	assert_true(v->start <= start && end <= v->end);
	made_up_of(v->backing)->discards++;
	return made_up_of(v->backing)->keeps;
}

static void made_up_name(const struct vma *v, char *buf, u32 size)
{
	snprintf(buf, size, "made up at %lx", v->offset);
}

#define MADE_UP_OPS                                                                                \
	.get = made_up_get, .put = made_up_put, .populate = made_up_populate,                      \
	.widen = made_up_widen, .truncate = made_up_truncate, .fork = made_up_fork,                \
	.may_change = made_up_may_change, .discard = made_up_discard, .name = made_up_name

static const struct vm_backing_ops made_up = {MADE_UP_OPS};
static const struct vm_backing_ops separate = {MADE_UP_OPS, .traits = VM_SEPARATE};
static const struct vm_backing_ops special = {MADE_UP_OPS, .traits = VM_SPECIAL};
static const struct vm_backing_ops managed = {MADE_UP_OPS, .traits = VM_MANAGED};

static struct made_up *make(const struct vm_backing_ops *ops, u64 reach)
{
	struct made_up *m = &object[objects++];

	assert_in_range(objects, 1, OBJECTS);
	*m = (struct made_up){.backing.ops = ops, .size = FAKE_FILE_MAX, .reach = reach};
	return m;
}

/* mmap(2) of an object. */
struct made_up_source {
	struct vm_source source;
	struct made_up *m; /* NULL: without a backing, as for /dev/zero */
	int fails;
};

static int open_made_up(const struct vm_source *s, u64 offset, u64 len, u32 prot, bool shared,
			struct vm_opened *out)
{
	const struct made_up_source *from = (const struct made_up_source *)s;

	(void)len, (void)prot, (void)shared;
	if (from->fails)
		return from->fails;
	if (!from->m)
		return 0;
	made_up_get(&from->m->backing);
	out->backing = &from->m->backing;
	out->offset = offset;
	return 0;
}

static s64 map(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags, struct made_up *m, u64 offset)
{
	const struct made_up_source s = {.source = {.open = open_made_up}, .m = m};

	return mm_map(mm, addr, len, prot, flags | MAP_FIXED, &s.source, offset);
}

/* ---- address spaces, and what holds for them at any time ------------------------------------- */

static struct mm *space[SPACES];

static void check_refs(void)
{
	s64 shown[OBJECTS] = {0};

	for (unsigned i = 0; i < SPACES; i++)
		for (struct vma *v = space[i] ? vma_first(space[i]) : NULL; v; v = vma_next(v))
			if (v->backing)
				shown[made_up_of(v->backing) - object]++;
	for (unsigned i = 0; i < objects; i++)
		assert_int_equal(object[i].refs, shown[i]);
}

static struct mm *begin(void)
{
	objects = 0;
	memset(space, 0, sizeof(space));
	space[0] = mm_new();
	assert_non_null(space[0]);
	for (u64 off = 0; off < FAKE_FILE_MAX; off += P)
		*(u64 *)((char *)fake_file(1) + off) = off;
	return space[0];
}

/* Empties an address space, as exit(2) and execve(2) do. */
static void leave(unsigned i)
{
	struct mm *mm = space[i];

	space[i] = NULL;
	if (mm)
		mm_put(mm);
	check_refs();
}

static void end(void)
{
	for (unsigned i = 0; i < SPACES; i++)
		leave(i);
	for (unsigned i = 0; i < objects; i++)
		assert_int_equal(object[i].refs, 0);
}

static void check_page(struct mm *mm, u64 va, enum mm_access access, int signal, int code)
{
	struct mm_fault_info info = {0};
	struct pt_leaf leaf;
	struct vma *v;

	assert_int_equal(mm_fault(mm, va, access, &info), signal ? -EFAULT : 0);
	assert_int_equal(info.signal, signal);
	assert_int_equal(info.code, code);
	if (signal)
		return;
	v = vma_find(mm, va);
	assert_true(pt_find(mm, va, &leaf));
	assert_int_equal(*(u64 *)fake_phys(pt_gpa(*leaf.entry)), offset_of(v, ALIGN_DOWN(va, P)));
}

/* ---- single promises ------------------------------------------------------------------------- */

static void each_vma_has_a_reference(void **state)
{
	struct mm *mm = begin();
	struct made_up *m = make(&made_up, MIB), *other = make(&made_up, MIB);

	(void)state;
	assert_int_equal(map(mm, BASE, 16 * P, R, MAP_PRIVATE, m, 0), BASE);
	assert_int_equal(m->refs, 1);
	/*
	 * A mapping that continues another one is merged with it: the same object at the right
	 * offset.
	 */
	map(mm, BASE + 16 * P, 16 * P, R, MAP_PRIVATE, m, 16 * P);
	assert_int_equal(m->refs, 1);
	map(mm, BASE + 32 * P, 16 * P, R, MAP_PRIVATE, m, 0);
	assert_int_equal(m->refs, 2);
	map(mm, BASE + 48 * P, 16 * P, R, MAP_PRIVATE, other, 16 * P);
	assert_int_equal(mm->vma_count, 3);
	check_refs();
	/* The middle gets another protection, then the old one again. */
	assert_int_equal(mm_protect(mm, BASE + 4 * P, 4 * P, PROT_NONE), 0);
	assert_int_equal(m->refs, 4);
	assert_int_equal(mm_protect(mm, BASE + 4 * P, 4 * P, R), 0);
	assert_int_equal(m->refs, 2);
	check_refs();
	/* A hole; then another mapping over a part; then everything is unmapped. */
	assert_int_equal(mm_unmap(mm, BASE + 4 * P, 4 * P), 0);
	map(mm, BASE + 8 * P, 48 * P, R, MAP_PRIVATE, other, 0);
	check_refs();
	assert_int_equal(m->refs, 1);
	assert_int_equal(mm_unmap(mm, BASE, PAGES * P), 0);
	check_refs();
	assert_true(m->dead && other->dead);
	end();
}

static void a_separate_backing_keeps_its_vmas_apart(void **state)
{
	struct mm *mm = begin();
	struct made_up *m = make(&separate, MIB);

	(void)state;
	map(mm, BASE, 8 * P, R, MAP_PRIVATE, m, 0);
	map(mm, BASE + 8 * P, 8 * P, R, MAP_PRIVATE, m, 8 * P);
	assert_int_equal(m->refs, 2);
	end();
}

static void a_mapping_that_fails_leaves_no_reference(void **state)
{
	struct mm *mm = begin();
	struct made_up *m = make(&made_up, MIB), *other = make(&made_up, MIB);
	const struct made_up_source refused = {.source = {.open = open_made_up}, .fails = -EACCES};
	u32 more;

	(void)state;
	assert_int_equal(mm_map(mm, BASE, P, R, MAP_PRIVATE | MAP_FIXED, &refused.source, 0),
			 -EACCES);
	assert_null(vma_first(mm));
	/* The address is searched for first. */
	assert_int_equal(map(mm, USER_TOP, P, R, MAP_PRIVATE, m, 0), -ENOMEM);
	assert_int_equal(map(mm, BASE, P, R, MAP_PRIVATE, m, -P), -EOVERFLOW);
	assert_int_equal(m->refs, 0);
	/*
	 * The file was opened, but the old mapping cannot be split in three: there are too many
	 * VMAs.
	 */
	map(mm, BASE, 16 * P, R, MAP_PRIVATE, m, 0);
	more = MM_MAP_COUNT_MAX - 1 - mm->vma_count;
	mm->vma_count += more;
	made_up_get(&other->backing); /* It is kept, so that the put can be seen. */
	assert_int_equal(map(mm, BASE + 4 * P, 4 * P, R, MAP_PRIVATE, other, 0), -ENOMEM);
	mm->vma_count -= more;
	assert_int_equal(other->refs, 1);
	made_up_put(&other->backing);
	check_refs();
	/* No backing is no error: the memory is anonymous. */
	assert_int_equal(map(mm, BASE, P, R, MAP_PRIVATE, NULL, P), BASE);
	assert_null(vma_find(mm, BASE)->backing);
	assert_int_equal(vma_find(mm, BASE)->offset, 0);
	end();
}

static void children_hold_references_of_their_own(void **state)
{
	struct mm *mm = begin();
	struct made_up *m = make(&made_up, MIB);

	(void)state;
	map(mm, BASE, 16 * P, R, MAP_PRIVATE, m, 0);
	map(mm, BASE + 32 * P, 16 * P, R, MAP_PRIVATE, m, 0);
	assert_int_equal(mm_advise(mm, BASE + 32 * P, 8 * P, MADV_DONTFORK), 0);
	check_page(mm, BASE + P, MM_READ, 0, 0);
	space[1] = mm_dup(mm, false);
	assert_int_equal(m->refs, 5); /* three here, two there */
	assert_int_equal(m->forks, 2);
	check_refs();
	check_page(space[1], BASE + P, MM_READ, 0, 0);
	check_page(space[1], BASE + 41 * P, MM_READ, 0, 0);
	leave(0);
	assert_int_equal(m->refs, 2);
	check_page(space[1], BASE + 2 * P, MM_READ, 0, 0);
	leave(1);
	assert_true(m->dead);
	end();
}

static void moves_and_growth_carry_the_reference(void **state)
{
	struct mm *mm = begin();
	struct made_up *m = make(&made_up, 24 * P);
	u64 to = BASE + MIB;

	(void)state;
	map(mm, BASE, 16 * P, R, MAP_SHARED, m, 0);
	check_page(mm, BASE + 3 * P, MM_READ, 0, 0);
	/* Up to the object's end it is the same object, beyond that another one. */
	assert_int_equal(mm_remap(mm, BASE, 16 * P, 24 * P, 0, 0), BASE);
	assert_int_equal(m->refs, 1);
	assert_int_equal(mm_remap(mm, BASE, 24 * P, 32 * P, 0, 0), BASE);
	assert_true(m->dead);
	m = &object[objects - 1];
	assert_int_equal(m->refs, 1);
	check_page(mm, BASE + 31 * P, MM_READ, 0, 0);
	check_refs();
	/* A part moves, a part stays, a copy is made, and the rest shrinks. */
	assert_int_equal(
		mm_remap(mm, BASE + 8 * P, 8 * P, 8 * P, MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
	assert_int_equal(m->refs, 3);
	check_page(mm, to + P, MM_READ, 0, 0);
	assert_int_equal(vma_find(mm, to)->offset, 8 * P);
	assert_true(mm_remap(mm, to, 8 * P, 8 * P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0) > 0);
	assert_int_equal(m->refs, 4);
	assert_true(mm_remap(mm, BASE, 0, 4 * P, MREMAP_MAYMOVE, 0) > 0);
	check_refs();
	assert_int_equal(mm_remap(mm, BASE, 8 * P, 4 * P, 0, 0), BASE);
	check_refs();
	/* Moved over a mapping of the same object. */
	assert_int_equal(mm_remap(mm, BASE, 4 * P, 4 * P, MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
	check_refs();
	end();
}

static void a_static_backing_needs_no_counting(void **state)
{
	static const struct vm_backing_ops ops = {.name = made_up_name};
	static struct vm_backing fixed = {.ops = &ops};
	struct mm *mm = begin();
	char name[32];

	(void)state;
	assert_int_equal(mm_map_backing(mm, BASE, 8 * P, R, &fixed), BASE);
	assert_int_equal(mm_protect(mm, BASE, P, R | W), -EACCES);
	assert_int_equal(mm_unmap(mm, BASE, P), 0);
	mm_vma_name(mm, vma_first(mm), name, sizeof(name));
	assert_string_equal(name, "made up at 1000");
	/* Only the name is special. */
	check_page(mm, BASE + 2 * P, MM_WRITE, SIGSEGV, SEGV_ACCERR);
	mm_put(mm);
	space[0] = NULL;
	end();
}

static void populate_decides_about_the_signal(void **state)
{
	struct mm *mm = begin();
	struct made_up *m = make(&made_up, MIB);

	(void)state;
	map(mm, BASE, 16 * P, R | W, MAP_SHARED, m, 4 * P);
	m->size = 8 * P;
	check_page(mm, BASE + 3 * P, MM_WRITE, 0, 0);
	check_page(mm, BASE + 4 * P, MM_READ, SIGBUS, BUS_ADRERR);
	m->fails = -EFAULT;
	check_page(mm, BASE, MM_READ, SIGSEGV, SEGV_MAPERR);
	m->fails = -ENOMEM;
	check_page(mm, BASE, MM_READ, SIGKILL, SI_KERNEL);
	m->fails = 0;
	check_page(mm, BASE, MM_READ, 0, 0);
	/* The file shrinks: its pages behind the new end go. */
	m->size = 5 * P;
	assert_int_equal(mm->resident_pages, 2);
	mm_revalidate_windows(mm);
	assert_int_equal(mm->resident_pages, 1);
	check_page(mm, BASE + 3 * P, MM_READ, SIGBUS, BUS_ADRERR);
	end();
}

static void a_backing_may_forbid_changes(void **state)
{
	struct mm *mm = begin();
	struct made_up *free = make(&made_up, MIB), *m = make(&made_up, MIB);

	(void)state;
	map(mm, BASE, 4 * P, R, MAP_SHARED, free, 0);
	map(mm, BASE + 4 * P, 4 * P, R, MAP_SHARED, m, 0);
	m->refuses = true;
	assert_int_equal(mm_protect(mm, BASE, 8 * P, R | W), -ENOMEM);
	assert_int_equal(vma_find(mm, BASE)->prot, R);
	assert_int_equal(mm_protect(mm, BASE, 4 * P, R | W), 0);
	m->refuses = false;
	assert_int_equal(mm_protect(mm, BASE, 8 * P, R | W), 0);
	/* Pages that the backing handles itself stay. */
	check_page(mm, BASE + 4 * P, MM_READ, 0, 0);
	m->keeps = true;
	assert_int_equal(mm_advise(mm, BASE + 4 * P, P, MADV_DONTNEED), 0);
	assert_int_equal(mm->resident_pages, 1);
	m->keeps = false;
	assert_int_equal(mm_advise(mm, BASE + 4 * P, P, MADV_DONTNEED), 0);
	assert_int_equal(mm->resident_pages, 0);
	assert_int_equal(m->discards, 2);
	end();
}

static void traits_do_what_they_say(void **state)
{
	struct mm *mm = begin();
	struct made_up *s = make(&special, MIB), *m = make(&managed, MIB);
	u64 pages;

	(void)state;
	map(mm, BASE, 4 * P, R, MAP_PRIVATE, s, 0);
	assert_int_equal(mm_remap(mm, BASE, 4 * P, 8 * P, MREMAP_MAYMOVE, 0), -EFAULT);
	assert_int_equal(mm_advise(mm, BASE, P, MADV_DONTNEED), -EINVAL);
	assert_int_equal(mm_advise(mm, BASE, P, MADV_NORMAL), 0);
	pages = mm->total_pages;
	map(mm, BASE + 8 * P, 4 * P, R | W, MAP_PRIVATE, m, 0);
	assert_int_equal(mm->total_pages, pages);
	assert_int_equal(mm_data_pages(mm), 0);
	assert_int_equal(mm_advise(mm, BASE + 8 * P, P, MADV_WIPEONFORK), -EINVAL);
	assert_int_equal(mm_advise(mm, BASE + 8 * P, P, MADV_DONTFORK), 0);
	assert_int_equal(vma_find(mm, BASE + 8 * P)->flags & VMA_DONTFORK, 0);
	m->refuses = true;
	assert_int_equal(mm_advise(mm, BASE + 8 * P, P, MADV_NORMAL), -ENOMEM);
	assert_int_equal(m->refs, 1);
	end();
	assert_true(s->dead && m->dead);
}

/* ---- everything at random -------------------------------------------------------------------- */

static void random_call(struct mm *mm)
{
	static const struct vm_backing_ops *const kinds[] = {&made_up, &separate, &special,
							     &managed};
	u64 first = (u64)(rand() % PAGES), len = (1 + (u64)rand() % (PAGES - first)) * P;
	u64 start = BASE + first * P, to = BASE + (u64)(rand() % PAGES) * P;
	struct mm_fault_info info;
	struct made_up *m;

	switch (rand() % 8) {
	case 0:
		m = &object[(unsigned)rand() % MAX(objects, 1U)];
		if (objects < 4 || rand() % 4 == 0 || m->dead)
			m = make(kinds[rand() % ARRAY_SIZE(kinds)], 32 * P);
		/* Neighbours often continue each other. */
		map(mm, start, len, R, rand() % 2 ? MAP_SHARED : MAP_PRIVATE, m,
		    rand() % 2 ? first * P : 0);
		break;
	case 1:
		mm_unmap(mm, start, len);
		break;
	case 2:
		mm_protect(mm, start, len, rand() % 2 ? R : PROT_NONE);
		break;
	case 3:
		mm_remap(mm, start, len, (1 + (u64)rand() % PAGES) * P, MREMAP_MAYMOVE, 0);
		break;
	case 4:
		mm_remap(mm, start, len, (1 + (u64)rand() % 8) * P, MREMAP_MAYMOVE | MREMAP_FIXED,
			 to);
		break;
	case 5:
		mm_remap(mm, start, rand() % 2 ? 0 : len, len,
			 MREMAP_MAYMOVE | (rand() % 2 ? MREMAP_DONTUNMAP : 0), 0);
		break;
	case 6:
		mm_advise(mm, start, len, rand() % 2 ? MADV_DONTFORK : MADV_DOFORK);
		break;
	case 7:
		mm_fault(mm, start, MM_READ, &info);
		break;
	}
}

static void random_calls_keep_the_count(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 20; seed++) {
		srand(seed);
		begin();
		for (unsigned round = 0; round < 1000 && objects < OBJECTS - 2; round++) {
			unsigned i = (unsigned)rand() % SPACES, from = (unsigned)rand() % SPACES;

			if (space[i] && rand() % 50) {
				random_call(space[i]);
			} else {
				/* exit, then fork of another or execve */
				leave(i);
				space[i] = i != from && space[from]
						   ? mm_dup(space[from], rand() % 2)
						   : mm_new();
				assert_non_null(space[i]);
			}
			check_refs();
		}
		end();
	}
}

static int group_setup(void **state)
{
	(void)state;
	fake_ram_init(32 * MIB, 128 * MIB);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_vma_has_a_reference),
		cmocka_unit_test(a_separate_backing_keeps_its_vmas_apart),
		cmocka_unit_test(a_mapping_that_fails_leaves_no_reference),
		cmocka_unit_test(children_hold_references_of_their_own),
		cmocka_unit_test(moves_and_growth_carry_the_reference),
		cmocka_unit_test(a_static_backing_needs_no_counting),
		cmocka_unit_test(populate_decides_about_the_signal),
		cmocka_unit_test(a_backing_may_forbid_changes),
		cmocka_unit_test(traits_do_what_they_say),
		cmocka_unit_test(random_calls_keep_the_count),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
