// SPDX-License-Identifier: MIT
/*
 * The frame allocator: a buddy system behind a frontier.
 *
 * RAM below the frontier was handed out before, or skipped for alignment; its free blocks are in
 * the free lists. RAM from the frontier on was never touched. It is zero, and so are its struct
 * frames, which are not touched either, so that a large RAM costs the host nothing until it is
 * used.
 *
 * Invariants: two buddies of an order below FRAME_ORDER_MAX are never both free (they are merged).
 * A free block is in the list of its order, and only its first frame is marked free. A frame below
 * the frontier that lies in no free block is in use: it has references, or it lies in an unsplit
 * block whose first frame has.
 *
 * frame_lock guards everything but reference counts, which are atomic.
 */
#include "common/boot_info.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/lock.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/arch/x86_64/arch_needs.h"
#include "kernel/mm/frame.h"

/* refs and pins: of a frame in use. zero and the links: of the first frame of a free block. */
struct frame {
	u32 refs;
	u8 free;      /* first frame of a free block */
	u8 order;     /* of that block, or of the block in use that begins here */
	u8 zero;      /* the free block's content is zero */
	u8 rewritten; /* frame_note_rewritten */
	union {
		u32 pins; /* how many of the references are the host's, during a call */
		u32 next; /* with prev: index + 1 of neighbours in the free list; 0: none */
	};
	u32 prev;
};
_Static_assert(sizeof(struct frame) <= FRAME_STRUCT_SIZE, "the monitor sizes the array by this");

#define NONE		((u64)-1)

/* Frames between the frontier and the end of RAM that only FRAME_RESERVE may take. */
#define RESERVE		16

/*
 * Frames that programs' pages leave to the kernel, so that system calls of other processes do not
 * fail while the process that used up the RAM is ending: a share of all RAM, at most
 * USER_KEEP_MAX.
 */
#define USER_KEEP_SHARE 64
#define USER_KEEP_MAX	512

#define GROW_MIN	(64UL << 20)
#define GROW_MAX	(1UL << 30)

/* Limit of backed_frames: with more, the host gets the pages behind large free blocks back. */
#define DISCARD_LIMIT	((64UL << 20) / PAGE_SIZE)

static struct mutex frame_lock = MUTEX_INIT(LOCK_FRAME);
static struct frame *frames;
static u64 frontier, limit; /* indices of the first unused and the first nonexistent frame */
static u64 free_frames;	    /* below the frontier */
static u64 backed_frames;   /* of free_frames: in blocks of at least 2 MiB that are not zero */
static u32 free_list[FRAME_ORDER_MAX + 1]; /* index + 1 of the first block */

/* Held while RAM is added; taken before frame_lock. */
static struct mutex grow_lock = MUTEX_INIT(LOCK_GROW);

static u64 index_of(u64 gpa)
{
	u64 i = (gpa - RAM_BASE) >> PAGE_SHIFT;

	KASSERT(gpa >= RAM_BASE && i < frontier && IS_ALIGNED(gpa, PAGE_SIZE));
	return i;
}

static u64 gpa_of(u64 index)
{
	return RAM_BASE + (index << PAGE_SHIFT);
}

void frame_init(void)
{
	frames = phys_to_virt(boot->frames_gpa);
	frontier = 0;
	limit = boot->ram_size >> PAGE_SHIFT;
	free_frames = backed_frames = 0;
	memset(free_list, 0, sizeof(free_list));
}

static void count_free(u64 i, unsigned order, s64 sign)
{
	s64 n = sign * (1L << order);

	free_frames += n;
	if (order >= FRAME_ORDER_HUGE && !frames[i].zero)
		backed_frames += n;
}

static void list_add(u64 i, unsigned order, bool zero)
{
	struct frame *f = &frames[i];

	*f = (struct frame){.free = 1, .order = order, .zero = zero, .next = free_list[order]};
	if (f->next)
		frames[f->next - 1].prev = i + 1;
	free_list[order] = i + 1;
	count_free(i, order, 1);
}

static void list_remove(u64 i)
{
	struct frame *f = &frames[i];

	count_free(i, f->order, -1);
	if (f->prev)
		frames[f->prev - 1].next = f->next;
	else
		free_list[f->order] = f->next;
	if (f->next)
		frames[f->next - 1].prev = f->prev;
	f->free = 0;
	f->next = f->prev = 0;
}

static void free_block(u64 i, unsigned order, bool zero)
{
	while (order < FRAME_ORDER_MAX) {
		u64 buddy = i ^ (1UL << order);

		if (buddy >= frontier || !frames[buddy].free || frames[buddy].order != order)
			break;
		zero = zero && frames[buddy].zero;
		list_remove(buddy);
		i = MIN(i, buddy);
		order++;
	}
	list_add(i, order, zero);
}

/* Frees [i, end) in the largest aligned blocks there are. */
static void free_run(u64 i, u64 end, bool zero)
{
	while (i < end) {
		unsigned order = i ? (unsigned)__builtin_ctzl(i) : FRAME_ORDER_MAX;

		if (order > FRAME_ORDER_MAX)
			order = FRAME_ORDER_MAX;
		while (i + (1UL << order) > end)
			order--;
		free_block(i, order, zero);
		i += 1UL << order;
	}
}

/*
 * Gives the host the pages behind large free blocks back. frame_lock stays held during the
 * hostcalls, so that no block is handed out meanwhile.
 */
static void discard_backed(void)
{
	ASSERT_HELD(&frame_lock);
	for (unsigned order = FRAME_ORDER_HUGE; order <= FRAME_ORDER_MAX; order++) {
		for (u32 link = free_list[order]; link; link = frames[link - 1].next) {
			struct frame *f = &frames[link - 1];

			if (f->zero || hc_ram_discard(gpa_of(link - 1), PAGE_SIZE << order) < 0)
				continue;
			f->zero = 1;
			backed_frames -= 1UL << order;
		}
	}
}

static u64 take_free(unsigned order, bool *zero)
{
	unsigned o = order;
	u64 i;

	ASSERT_HELD(&frame_lock);
	while (o <= FRAME_ORDER_MAX && !free_list[o])
		o++;
	if (o > FRAME_ORDER_MAX)
		return NONE;
	i = free_list[o] - 1;
	*zero = frames[i].zero;
	list_remove(i);
	while (o > order) {
		o--;
		list_add(i + (1UL << o), o, *zero);
	}
	return i;
}

static u64 take_fresh(unsigned order, u64 end)
{
	u64 i = ALIGN_UP(frontier, 1UL << order), skipped = frontier;

	ASSERT_HELD(&frame_lock);
	if (i + (1UL << order) > end)
		return NONE;
	frontier = i + (1UL << order);
	free_run(skipped, i, true);
	return i;
}

/*
 * Adds RAM, unless the limit is no longer the seen one because another thread added some. Returns
 * true if an allocation of this order is worth another try.
 */
static bool grow(u64 seen, unsigned order)
{
	struct hostcall_ram ram;
	u64 present, bytes;
	bool done = true;
	s64 ret;

	mutex_lock(&grow_lock);
	if (limit != seen)
		goto unlock;
	present = limit << PAGE_SHIFT;
	bytes = MIN(MAX(GROW_MIN, present / 2), GROW_MAX);
	if (present + bytes > boot->ram_max)
		bytes = boot->ram_max > present ? boot->ram_max - present : 0;
	bytes = ALIGN_DOWN(bytes, HUGE_SIZE);
	done = false;
	if (bytes < PAGE_SIZE << order)
		goto unlock;
	ret = hc_ram_grow(bytes, &ram, sizeof(ram));
	if (ret < 0 && bytes > GROW_MIN)
		ret = hc_ram_grow(GROW_MIN, &ram, sizeof(ram));
	if (ret < 0)
		goto unlock;
	KASSERT(ram.gpa == gpa_of(limit) && ram.size && IS_ALIGNED(ram.size, HUGE_SIZE));
	if (arch_physmap(ram.gpa, ram.size) < 0)
		goto unlock;
	mutex_lock(&frame_lock);
	limit += ram.size >> PAGE_SHIFT;
	mutex_unlock(&frame_lock);
	done = true;
unlock:
	mutex_unlock(&grow_lock);
	return done;
}

/* A program's block of this order leaves the kernel's frames free. frame_lock is held. */
static bool left_for_user(unsigned order)
{
	u64 keep = MIN((boot->ram_max >> PAGE_SHIFT) / USER_KEEP_SHARE, USER_KEEP_MAX);

	ASSERT_HELD(&frame_lock);
	return limit - frontier + free_frames >= keep + (1UL << order);
}

bool frame_left_for_user(void)
{
	bool left;

	mutex_lock(&frame_lock);
	left = left_for_user(0);
	mutex_unlock(&frame_lock);
	return left;
}

u64 frame_alloc(unsigned order, unsigned flags)
{
	u64 keep = flags & FRAME_RESERVE ? 0 : RESERVE;
	bool zero;
	u64 i, seen;

	KASSERT(order <= FRAME_ORDER_MAX);
	for (;;) {
		mutex_lock(&frame_lock);
		zero = true;
		i = NONE;
		if (!(flags & FRAME_USER) || left_for_user(order)) {
			i = take_free(order, &zero);
			if (i == NONE)
				i = take_fresh(order, MAX(limit, keep) - keep);
		}
		if (i != NONE)
			frames[i] = (struct frame){.refs = 1, .order = order};
		seen = limit;
		mutex_unlock(&frame_lock);
		if (i != NONE)
			break;
		if ((flags & FRAME_RESERVE) || !grow(seen, order))
			return 0;
	}
	if ((flags & FRAME_ZERO) && !zero)
		memset(phys_to_virt(gpa_of(i)), 0, PAGE_SIZE << order);
	return gpa_of(i);
}

void frame_split(u64 gpa, unsigned order)
{
	u64 i = index_of(gpa);

	KASSERT(frames[i].order == order && frames[i].refs == 1);
	for (u64 n = 0; n < 1UL << order; n++)
		frames[i + n] = (struct frame){.refs = 1};
}

void frame_get(u64 gpa)
{
	u32 before = __atomic_fetch_add(&frames[index_of(gpa)].refs, 1, __ATOMIC_RELAXED);

	KASSERT(before > 0);
}

void frame_get_range(u64 gpa, u64 count)
{
	for (u64 n = 0; n < count; n++)
		frame_get(gpa + (n << PAGE_SHIFT));
}

static bool put_ref(u64 i)
{
	u32 before = __atomic_fetch_sub(&frames[i].refs, 1, __ATOMIC_ACQ_REL);

	KASSERT(before > 0);
	return before == 1;
}

RELEASES(frame_lock) static void free_unlock(u64 i, u64 end)
{
	free_run(i, end, false);
	if (backed_frames > DISCARD_LIMIT)
		discard_backed();
	mutex_unlock(&frame_lock);
}

void frame_put_block(u64 gpa, unsigned order)
{
	u64 i = index_of(gpa);

	KASSERT(frames[i].order == order);
	if (!put_ref(i))
		return;
	mutex_lock(&frame_lock);
	free_unlock(i, i + (1UL << order));
}

u64 arch_needs_pages(unsigned order)
{
	return frame_alloc(order, FRAME_ZERO);
}

void arch_needs_pages_freed(u64 gpa, unsigned order)
{
	frame_put_block(gpa, order);
}

void frame_put(u64 gpa)
{
	frame_put_block(gpa, 0);
}

void frame_put_range(u64 gpa, u64 count)
{
	u64 i = index_of(gpa), end = i + count;

	while (i < end) {
		u64 first;

		if (!put_ref(i)) {
			i++;
			continue;
		}
		for (first = i++; i < end && put_ref(i); i++)
			KASSERT(frames[i].order == 0);
		mutex_lock(&frame_lock);
		free_unlock(first, i);
		i++; /* the frame that ended the run was put by the loop's condition */
	}
}

void frame_pin_range(u64 gpa, u64 count)
{
	frame_get_range(gpa, count);
	for (u64 i = index_of(gpa), end = i + count; i < end; i++)
		__atomic_fetch_add(&frames[i].pins, 1, __ATOMIC_RELAXED);
}

void frame_unpin_range(u64 gpa, u64 count)
{
	/* Pins go before references, so that there are never more pins than references. */
	for (u64 i = index_of(gpa), end = i + count; i < end; i++)
		__atomic_fetch_sub(&frames[i].pins, 1, __ATOMIC_RELEASE);
	frame_put_range(gpa, count);
}

bool frame_range_pinned(u64 gpa, u64 count)
{
	for (u64 i = index_of(gpa), end = i + count; i < end; i++)
		if (__atomic_load_n(&frames[i].pins, __ATOMIC_ACQUIRE))
			return true;
	return false;
}

u32 frame_refs(u64 gpa)
{
	return __atomic_load_n(&frames[index_of(gpa)].refs, __ATOMIC_ACQUIRE);
}

bool frame_range_unshared(u64 gpa, u64 count)
{
	for (u64 i = index_of(gpa), end = i + count; i < end; i++) {
		u32 pins = __atomic_load_n(&frames[i].pins, __ATOMIC_ACQUIRE);

		if (__atomic_load_n(&frames[i].refs, __ATOMIC_ACQUIRE) - pins != 1)
			return false;
	}
	return true;
}

void frame_note_rewritten(u64 gpa)
{
	__atomic_store_n(&frames[index_of(gpa)].rewritten, 1, __ATOMIC_RELAXED);
}

bool frame_rewritten(u64 gpa)
{
	return __atomic_load_n(&frames[index_of(gpa)].rewritten, __ATOMIC_RELAXED);
}

unsigned frame_order(u64 gpa)
{
	return frames[index_of(gpa)].order;
}

bool frame_is_ram(u64 gpa)
{
	return gpa >= RAM_BASE && (gpa - RAM_BASE) >> PAGE_SHIFT < READ_ONCE(limit);
}

void frame_stats(struct frame_stats *s)
{
	mutex_lock(&frame_lock);
	s->total = MAX(boot->ram_max >> PAGE_SHIFT, limit);
	s->free = s->total - frontier + free_frames;
	mutex_unlock(&frame_lock);
}

bool frame_scarce(void)
{
	u64 total = boot->ram_max >> PAGE_SHIFT;
	u64 used = READ_ONCE(frontier) - READ_ONCE(free_frames);

	return used > total - total / 8;
}
