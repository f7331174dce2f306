// SPDX-License-Identifier: MIT
/*
 * The guarded heap of an address space: created for the library, copied by fork, freed.
 */
#include <linux/mman.h>
#include "common/boot_info.h"
#include "kernel/check/gone.h"
#include "kernel/check/heap.h"
#include "kernel/check/internal.h"
#include "kernel/check/leak.h"
#include "kernel/check/threads.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/task.h"

/* The dead leaves of each area take one part in DEAD_RAM_SHARE of RAM, within these limits ... */
#define DEAD_RAM_SHARE 64
#define DEAD_LEAST     64
/* ... and one part in KEEP_SHARE of what the program has resident, or KEEP_LEAST if that is more.
 */
#define KEEP_SHARE     4
#define KEEP_LEAST     256
/* Page level may use one part in BUDGET_SHARE of RAM, unless the user gives a limit. */
#define BUDGET_SHARE   4
#define DEAD_MOST      (1UL << 18)

static u32 dead_max(void)
{
	u64 leaf = CHK_LEAF_SLOTS * sizeof(struct chk_record);
	u64 n = boot->ram_max / DEAD_RAM_SHARE / leaf;

	return (u32)MIN(MAX(n, DEAD_LEAST), DEAD_MOST);
}

void chk_limit_records(const struct mm *mm, struct chk_records *r)
{
	u64 leaf_pages = CHK_LEAF_SLOTS * sizeof(struct chk_record) / PAGE_SIZE;

	r->keep = (u32)MIN(MAX(mm->resident_pages / KEEP_SHARE / leaf_pages, KEEP_LEAST),
			   r->dead_max);
}

static struct chk_heap *new_heap(void)
{
	struct chk_heap *h = kzalloc(sizeof(*h));

	if (!h)
		return NULL;
	h->config = boot->check;
	h->large_cursor = CHK_LARGE_AREA;
	h->sample_every = 1;
	RB_INIT(&h->large);
	return h;
}

static void chk_destroy(struct chk_heap *h)
{
	if (!h)
		return;
	if (h->records.group)
		records_free(&h->records);
	if (h->aliases.group)
		records_free(&h->aliases);
	large_free(h);
	if (h->depot)
		depot_put(h->depot);
	kfree(h);
}

/* The heap's own VMAs, by address. All have chk_areas from offset 0 on, so they never merge. */
static const struct {
	u64 start, size;
} areas[] = {
	{CHK_PAGE_AREA, CHK_PAGE_AREA_SIZE},
	{CHK_BASE_AREA, CHK_BASE_SIZE},
	{CHK_SLOT_TABLE, CHK_ALIAS_AREA - CHK_SLOT_TABLE}, /* all tables */
	{CHK_ALIAS_AREA, CHK_ALIAS_SIZE},
};

static int add_areas(struct mm *mm)
{
	struct vma *v[ARRAY_SIZE(areas)];

	for (u32 i = 0; i < ARRAY_SIZE(areas); i++) {
		v[i] = kzalloc(sizeof(*v[i]));
		if (v[i])
			continue;
		while (i)
			kfree(v[--i]);
		return -ENOMEM;
	}
	for (u32 i = 0; i < ARRAY_SIZE(areas); i++) {
		*v[i] = (struct vma){
			.start = areas[i].start,
			.end = areas[i].start + areas[i].size,
			.prot = PROT_READ | PROT_WRITE,
			.max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
			.flags = VMA_NORESERVE | VMA_NOHUGE,
			.backing = &chk_areas,
		};
		vma_insert(mm, v[i]);
	}
	return 0;
}

int chk_begin(struct mm *mm)
{
	struct chk_heap *h;

	if (mm->check->heap)
		return 0;
	h = new_heap();
	if (!h)
		return -ENOMEM;
	h->budget =
		(h->config.budget ? h->config.budget : boot->ram_max / BUDGET_SHARE) >> PAGE_SHIFT;
	h->depot = depot_new();
	if (!h->depot ||
	    records_init(&h->records, CHK_PAGE_AREA_SIZE >> CHK_SLOT_SHIFT, dead_max()) < 0 ||
	    records_init(&h->aliases, CHK_ALIAS_SIZE >> PAGE_SHIFT, dead_max()) < 0 ||
	    add_areas(mm) < 0) {
		chk_destroy(h);
		return -ENOMEM;
	}
	mm->check->heap = h;
	return 0;
}

int chk_mm_new(struct mm *mm)
{
	mm->check = kzalloc(sizeof(*mm->check));
	return mm->check ? 0 : -ENOMEM;
}

int chk_mm_fork(struct mm *child, struct mm *mm)
{
	const struct chk_heap *h = mm->check->heap;
	struct chk_heap *copy;

	gone_dup(child, mm);
	child->check->unwind = mm->check->unwind;
	child->check->preload = mm->check->preload;
	child->check->musl = mm->check->musl;
	child->check->errno_location = mm->check->errno_location;
	if (!h)
		return 0;
	copy = new_heap();
	if (!copy)
		return -ENOMEM;
	*copy = *h;
	copy->depot = NULL;
	copy->records.group = copy->aliases.group = NULL;
	memset(copy->sum.objects, 0, sizeof(copy->sum.objects));
	copy->sum.bytes = copy->sum.faults = copy->sum.flushes = copy->sum.calls = 0;
	RB_INIT(&copy->large);
	if (records_dup(&copy->records, &h->records) < 0 ||
	    records_dup(&copy->aliases, &h->aliases) < 0 || large_dup(copy, h) < 0) {
		chk_destroy(copy);
		return -ENOMEM;
	}
	copy->forked = true;
	copy->torn = h->torn || current_process()->nthreads > 1;
	depot_get(h->depot);
	copy->depot = h->depot;
	child->total_pages += h->pages + (h->spans - h->spans_back) * (CHK_SPAN_SIZE / PAGE_SIZE);
	child->check->heap = copy;
	return 0;
}

void chk_mm_free(struct mm *mm)
{
	leak_free(mm);
	gone_free(mm);
	threads_free(mm);
	chk_destroy(mm->check->heap);
	kfree(mm->check);
	mm->check = NULL;
}

/*
 * Adds a sample. When the array is full, every second sample is dropped, and the interval doubles.
 */
static void sample(struct chk_heap *h)
{
	if (h->samples == CHK_SAMPLES) {
		for (u32 i = 0; i < CHK_SAMPLES / 2; i++)
			h->sample[i] = h->sample[2 * i + 1];
		h->samples = CHK_SAMPLES / 2;
		h->sample_every *= 2;
		if (h->seq % h->sample_every)
			return;
	}
	h->sample[h->samples++] = (struct check_sample){h->seq, h->sum.live_bytes, h->sum.live};
}

u64 chk_operation(struct chk_heap *h)
{
	h->seq++;
	if ((h->config.flags & CHECK_TIMELINE) && h->seq % h->sample_every == 0)
		sample(h);
	return h->seq;
}

bool chk_find(struct mm *mm, u64 addr, struct check_object *object)
{
	struct chk_object obj;

	ASSERT_HELD(&mm->lock);
	if (!mm->check->heap || !chk_object_of(mm, addr, &obj))
		return false;
	*object = obj.o;
	return true;
}

bool chk_next_live(struct mm *mm, u64 addr, struct check_object *object, u32 *alloc_stack)
{
	struct chk_object obj;

	ASSERT_HELD(&mm->lock);
	if (!mm->check->heap || !chk_object_next(mm, addr, true, &obj))
		return false;
	*object = obj.o;
	*alloc_stack = obj.alloc_stack;
	return true;
}

u32 chk_stack(struct mm *mm, u32 id, const u64 **pc)
{
	return depot_stack(mm->check->heap->depot, id, pc);
}

static struct mutex threads_lock = MUTEX_INIT(LOCK_CHECK_THREADS);

void chk_thread_begins(void)
{
	struct mm *mm = current_mm();
	u64 at = mm->check->heap ? mm->check->heap->changes : 0;
	u64 threads_at = at + offsetof(struct chk_changes, threads);
	u64 forks_at = at + offsetof(struct chk_changes, forks);
	u32 threads, forks;

	if (!at)
		return;
	/* Several threads may begin at once, and each counts. */
	mutex_lock(&threads_lock);
	/* Write only these words: other threads write to the rest of struct chk_changes. */
	if (get_user(&threads, threads_at) >= 0 && get_user(&forks, forks_at) >= 0) {
		put_user(threads + 1, threads_at);
		/* The first thread of a child counts the fork in the child's copy. */
		if (mm->check->heap->forked)
			put_user(forks + 1, forks_at);
		if (mm->check->heap->forked && mm->check->heap->torn)
			mm->check->heap->left_at = current()->tid;
		mm->check->heap->forked = false;
	}
	mutex_unlock(&threads_lock);
}
