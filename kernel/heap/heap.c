/*
 * The life of an address space's guarded heap: begun by the library, copied by fork, ended.
 */
#include <linux/mman.h>
#include "common/boot_info.h"
#include "kernel/heap/heap.h"
#include "kernel/heap/internal.h"
#include "kernel/heap/leak.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/task/task.h"

/* Leaves of records of the dead: this part of RAM, at least so many. */
#define DEAD_RAM_PART 32
#define DEAD_LEAST    64
#define DEAD_MOST     (1UL << 18)

static u32 dead_max(void)
{
	u64 leaf = HEAP_LEAF_SLOTS * sizeof(struct heap_record);
	u64 n = boot->ram_max / DEAD_RAM_PART / leaf;

	return (u32)MIN(MAX(n, DEAD_LEAST), DEAD_MOST);
}

static struct heap *heap_alloc(void)
{
	struct heap *h = kzalloc(sizeof(*h));

	if (!h)
		return NULL;
	h->config = boot->check;
	h->large_cursor = HEAP_LARGE_AREA;
	h->sample_every = 1;
	RB_INIT(&h->large);
	return h;
}

static void heap_destroy(struct heap *h)
{
	if (!h)
		return;
	if (h->records.group)
		records_free(&h->records);
	large_free(h);
	if (h->depot)
		depot_put(h->depot);
	kfree(h);
}

int heap_begin(struct mm *mm)
{
	struct heap *h;
	struct vma *v;

	if (mm->heap)
		return 0;
	h = heap_alloc();
	v = kzalloc(sizeof(*v));
	if (!h || !v)
		goto fail;
	h->depot = depot_new();
	if (!h->depot ||
	    records_init(&h->records, HEAP_PAGE_AREA_SIZE >> HEAP_SLOT_SHIFT, dead_max()) < 0)
		goto fail;
	*v = (struct vma){
		.start = HEAP_PAGE_AREA,
		.end = HEAP_PAGE_AREA + HEAP_PAGE_AREA_SIZE,
		.prot = PROT_READ | PROT_WRITE,
		.max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
		.flags = VMA_GUARDED | VMA_NORESERVE | VMA_NOHUGE,
	};
	vma_insert(mm, v);
	mm->heap = h;
	return 0;
fail:
	heap_destroy(h);
	kfree(v);
	return -ENOMEM;
}

int heap_dup(struct mm *child, struct mm *mm)
{
	const struct heap *h = mm->heap;
	struct heap *copy;

	if (!h)
		return 0;
	copy = heap_alloc();
	if (!copy)
		return -ENOMEM;
	*copy = *h;
	copy->depot = NULL;
	copy->records.group = NULL;
	RB_INIT(&copy->large);
	if (records_dup(&copy->records, &h->records) < 0 || large_dup(copy, h) < 0) {
		heap_destroy(copy);
		return -ENOMEM;
	}
	depot_get(h->depot);
	copy->depot = h->depot;
	child->total_pages += h->pages;
	child->heap = copy;
	return 0;
}

void heap_free(struct mm *mm)
{
	leak_free(mm);
	heap_destroy(mm->heap);
	mm->heap = NULL;
}

/* Every sample that is not needed any more goes when there is no room: every second one. */
static void sample(struct heap *h)
{
	if (h->samples == HEAP_SAMPLES) {
		for (u32 i = 0; i < HEAP_SAMPLES / 2; i++)
			h->sample[i] = h->sample[2 * i + 1];
		h->samples = HEAP_SAMPLES / 2;
		h->sample_every *= 2;
		if (h->seq % h->sample_every)
			return;
	}
	h->sample[h->samples++] = (struct check_sample){h->seq, h->sum.live_bytes, h->sum.live};
}

u64 heap_operation(struct heap *h)
{
	h->seq++;
	if ((h->config.flags & CHECK_TIMELINE) && h->seq % h->sample_every == 0)
		sample(h);
	return h->seq;
}

bool heap_find(struct mm *mm, u64 addr, struct check_object *object)
{
	struct heap_object obj;

	if (!mm->heap || !heap_object_of(mm, addr, &obj))
		return false;
	*object = obj.o;
	return true;
}

bool heap_next_live(struct mm *mm, u64 addr, struct check_object *object, u32 *alloc_stack)
{
	struct heap_object obj;

	if (!mm->heap || !heap_object_next(mm, addr, true, &obj))
		return false;
	*object = obj.o;
	*alloc_stack = obj.alloc_stack;
	return true;
}

u32 heap_stack(struct mm *mm, u32 id, const u64 **pc)
{
	return depot_stack(mm->heap->depot, id, pc);
}
