// SPDX-License-Identifier: MIT
/*
 * Is the VMA tree right? Random insertions, removals, splits, merges and resizes are done to it
 * and to a naive model, an array of VMAs sorted by address; every query is compared, and the
 * augmentation is checked from the outside by the searches for space that rely on it.
 * sources: kernel/mm/vma.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/mm/backing.h"
#include "kernel/mm/mm.h"

#define PAGES 4096 /* of the playground */
#define BASE  0x10000000UL
#define END   (BASE + PAGES * PAGE_SIZE)

/* Stands in for what vma.c needs of the kernel. */
void panic(const char *fmt, ...) __attribute__((noreturn));
void *kmalloc(u64 size);
void kfree(void *p);

static unsigned allocated;
static u64 backing_refs;

void panic(const char *fmt, ...)
{
	fprintf(stderr, "panic: %s\n", fmt);
	abort();
}

void *kmalloc(u64 size)
{
	allocated++;
	return malloc(size);
}

void kfree(void *p)
{
	allocated--;
	free(p);
}

static void counted_get(struct vm_backing *b)
{
	(void)b;
	backing_refs++;
}

static void counted_put(struct vm_backing *b)
{
	(void)b;
	backing_refs--;
}

static const struct vm_backing_ops counted_ops = {.get = counted_get, .put = counted_put};
static const struct vm_backing_ops separate_ops = {
	.traits = VM_SEPARATE, .get = counted_get, .put = counted_put};
static struct vm_backing counted = {.ops = &counted_ops}, separate = {.ops = &separate_ops};

static struct mm mm;
static struct vma *model[PAGES]; /* by page; NULL: free */

static struct vma *vma_make(u64 start, u64 end, u32 prot, u32 flags)
{
	struct vma *v = kmalloc(sizeof(*v));

	*v = (struct vma){.start = start, .end = end, .prot = prot, .flags = flags};
	return v;
}

static void model_set(u64 start, u64 end, struct vma *v)
{
	for (u64 a = start; a < end; a += PAGE_SIZE)
		model[(a - BASE) / PAGE_SIZE] = v;
}

static u64 guard(const struct vma *v)
{
	return v && (v->flags & VMA_GROWSDOWN) ? MM_STACK_GAP : 0;
}

/* Returns whether [addr, addr + len) is free, including the guard of a stack above it. */
static bool model_fits(u64 addr, u64 len)
{
	u64 a = addr;

	for (; a < addr + len; a += PAGE_SIZE)
		if (model[(a - BASE) / PAGE_SIZE])
			return false;
	for (; a < END && !model[(a - BASE) / PAGE_SIZE]; a += PAGE_SIZE)
		;
	return a >= END || addr + len + guard(model[(a - BASE) / PAGE_SIZE]) <= a;
}

static u64 model_gap(u64 low, u64 high, u64 len, u64 align, bool down)
{
	u64 first = ALIGN_UP(low, align), last;

	if (high - low < len)
		return 0;
	last = ALIGN_DOWN(high - len, align);
	for (u64 n = 0; first + n * align <= last; n++) {
		u64 addr = down ? last - n * align : first + n * align;

		if (model_fits(addr, len))
			return addr;
	}
	return 0;
}

static void compare(void)
{
	u32 n = 0;
	u64 pages = 0;
	struct vma *prev = NULL;

	for (struct vma *v = vma_first(&mm); v; v = vma_next(v)) {
		u64 space = v->start - (prev ? prev->end : 0);
		u64 gap = space > guard(v) ? space - guard(v) : 0;
		u64 left = RB_LEFT(v, link) ? RB_LEFT(v, link)->max_gap : 0;
		u64 right = RB_RIGHT(v, link) ? RB_RIGHT(v, link)->max_gap : 0;

		assert_ptr_equal(vma_prev(v), prev);
		assert_int_equal(v->gap, gap);
		assert_int_equal(v->max_gap, MAX(gap, MAX(left, right)));
		for (u64 a = v->start; a < v->end; a += PAGE_SIZE)
			assert_ptr_equal(model[(a - BASE) / PAGE_SIZE], v);
		n++;
		pages += (v->end - v->start) / PAGE_SIZE;
		prev = v;
	}
	assert_int_equal(n, mm.vma_count);
	assert_int_equal(pages, mm.total_pages);
	for (u64 i = 0; i < PAGES; i++)
		pages -= model[i] != NULL;
	assert_int_equal(pages, 0);
}

static u64 random_page(void)
{
	return BASE + (u64)(rand() % PAGES) * PAGE_SIZE;
}

static void insert_random(void)
{
	u64 start = random_page(), end = start;
	u64 most = start + (1 + rand() % 200) * PAGE_SIZE;

	while (end < most && end < END && !model[(end - BASE) / PAGE_SIZE])
		end += PAGE_SIZE;
	if (end == start)
		return;
	struct vma *v = vma_make(start, end, rand() % 3, rand() % 8 ? 0 : VMA_GROWSDOWN);

	if (rand() % 4 == 0) {
		v->backing = &counted;
		v->offset = start - BASE;
		backing_refs++;
	}
	vma_insert(&mm, v);
	model_set(start, end, v);
}

static void change_random(struct vma *v)
{
	u64 start = v->start, end = v->end, addr;
	struct vma *next;

	switch (rand() % 4) {
	case 0:
		vma_remove(&mm, v);
		vma_free(v);
		model_set(start, end, NULL);
		break;
	case 1:
		if (end - start == PAGE_SIZE)
			break;
		addr = start + (1 + (u64)rand() % ((end - start) / PAGE_SIZE - 1)) * PAGE_SIZE;
		assert_int_equal(vma_split(&mm, v, addr), 0);
		assert_int_equal(v->end, addr);
		next = vma_next(v);
		assert_true(next->start == addr && next->end == end && next->prot == v->prot);
		assert_int_equal(next->offset, v->backing ? addr - BASE : 0);
		model_set(addr, end, next);
		break;
	case 2:
		v = vma_merge(&mm, v);
		assert_true(v->start <= start && v->end >= end);
		model_set(v->start, v->end, v);
		break;
	case 3:
		next = vma_next(v);
		end = next ? next->start : END;
		end = v->start + (1 + (u64)rand() % ((end - v->start) / PAGE_SIZE)) * PAGE_SIZE;
		model_set(v->start, v->end, NULL);
		vma_resize(&mm, v, v->start, end);
		model_set(v->start, end, v);
		break;
	}
}

static void query_random(void)
{
	u64 addr = random_page(), low = random_page(), high = random_page() + PAGE_SIZE;
	u64 len = (1 + rand() % 100) * PAGE_SIZE;
	u64 align = rand() % 4 ? PAGE_SIZE : 16 * PAGE_SIZE;
	struct vma *v = vma_find(&mm, addr);
	u64 a = addr;

	while (a < END && !model[(a - BASE) / PAGE_SIZE])
		a += PAGE_SIZE;
	assert_ptr_equal(v, a < END ? model[(a - BASE) / PAGE_SIZE] : NULL);
	if (low >= high)
		return;
	assert_int_equal(vma_gap_down(&mm, low, high, len, align),
			 model_gap(low, high, len, align, true));
	assert_int_equal(vma_gap_up(&mm, low, high, len, align),
			 model_gap(low, high, len, align, false));
}

static void empty(void)
{
	struct vma *v;

	while ((v = vma_first(&mm))) {
		vma_remove(&mm, v);
		vma_free(v);
	}
	memset(model, 0, sizeof(model));
	assert_int_equal(mm.total_pages, 0);
	assert_int_equal(mm.vma_count, 0);
	assert_int_equal(backing_refs, 0);
	assert_int_equal(allocated, 0);
}

static void random_changes_match_the_model(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 20; seed++) {
		srand(seed);
		for (unsigned round = 0; round < 3000; round++) {
			struct vma *v = vma_find(&mm, random_page());

			if (!v || rand() % 3 == 0)
				insert_random();
			else
				change_random(v);
			query_random();
			if (round % 50 == 0)
				compare();
		}
		empty();
	}
}

static void only_what_continues_is_merged(void **state)
{
	struct vma *a = vma_make(BASE, BASE + 0x4000, 3, 0);
	struct vma *b = vma_make(BASE + 0x4000, BASE + 0x8000, 3, 0);
	struct vma *c = vma_make(BASE + 0x8000, BASE + 0xc000, 1, 0);

	(void)state;
	vma_insert(&mm, a);
	vma_insert(&mm, b);
	vma_insert(&mm, c);
	assert_ptr_equal(vma_merge(&mm, c), c);
	assert_ptr_equal(vma_merge(&mm, b), a);
	assert_int_equal(a->end, BASE + 0x8000);
	assert_int_equal(mm.vma_count, 2);
	c->prot = 3;
	assert_ptr_equal(vma_merge(&mm, a), a);
	assert_int_equal(a->end, BASE + 0xc000);

	/* The same backing, but not the next offset of it. */
	b = vma_make(BASE + 0xc000, BASE + 0xd000, 3, 0);
	b->backing = &counted;
	c = vma_make(BASE + 0xd000, BASE + 0xe000, 3, 0);
	c->backing = &counted;
	c->offset = 0x2000;
	backing_refs += 2;
	vma_insert(&mm, b);
	vma_insert(&mm, c);
	assert_ptr_equal(vma_merge(&mm, b), b);
	assert_int_equal(mm.vma_count, 3);
	c->offset = 0x1000;
	assert_ptr_equal(vma_merge(&mm, c), b);
	assert_int_equal(mm.vma_count, 2);
	assert_int_equal(backing_refs, 1);

	/* A backing that counts its VMAs keeps them as they were made. */
	b->backing = &separate;
	assert_int_equal(vma_split(&mm, b, BASE + 0xd000), 0);
	assert_int_equal(backing_refs, 2);
	assert_ptr_equal(vma_merge(&mm, b), b);
	assert_int_equal(mm.vma_count, 3);
	empty();
}

static void a_split_too_many_is_refused(void **state)
{
	struct vma *v = vma_make(BASE, BASE + 0x4000, 3, 0);

	(void)state;
	vma_insert(&mm, v);
	mm.vma_count += MM_MAP_COUNT_MAX - 1;
	assert_int_equal(vma_split(&mm, v, BASE + 0x1000), -ENOMEM);
	mm.vma_count -= MM_MAP_COUNT_MAX - 1;
	assert_int_equal(v->end, BASE + 0x4000);
	empty();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_changes_match_the_model),
		cmocka_unit_test(only_what_continues_is_merged),
		cmocka_unit_test(a_split_too_many_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
