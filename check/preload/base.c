// SPDX-License-Identifier: MIT
/*
 * See base.h. The tables are memory of the guarded range; the kernel maps a page of them when it is
 * touched.
 *
 * Invariants, under the arena's lock: a span with a slot that is free or fresh is in the list of
 * its arena and size, unless base_give_back has retired the span. A slot below .fresh is in its
 * span's free list exactly when its state is CHK_SLOT_FREE, or when it is CHK_SLOT_FILLED and the
 * slot is not in quarantine. The order of stores is such that a fork between any two of them loses
 * a slot at worst.
 *
 * A slot without an alias is filled when it is released. It then waits in its arena's quarantine,
 * so that a write through an old pointer hits the pattern and not a new object. The pattern is
 * checked when the slot is given out again, and by the kernel when the process ends.
 */
#include "check/preload/base.h"
#include "check/preload/credit.h"
#include "check/preload/policy.h"
#include "check/preload/syscall.h"
#include "libc/string.h"

#define IMMEDIATE	64   /* the first releases of aliases of an arena are not delayed */
#define DEAD_LEAST	64   /* released aliases that make a batch if releases are rare */
#define DEAD_PAGES	1024 /* most pages of released aliases that may wait in an arena */
#define FREED_FILL_MAX	256
#define QUARANTINE	512	    /* released slots that wait in an arena ... */
#define QUARANTINE_MAX	(1UL << 20) /* ... and their bytes, at most */
#define SLACK_MAX	0xffff	    /* bytes: struct chk_slot */

#define SYS_sched_yield 24

/* clang-format off */
static const u32 sizes[] = {
	16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 816, 1024, 1360,
	2048, 3072, 4096, 6144, 8192, 12288, 16384, 21840, 32768,
	40960, 49152, 57344, 65536, 81920, 98304, 114688, 131072, 163840, 196608, 229376, 262144,
};
/* clang-format on */
#define SIZES		ARRAY_SIZE(sizes)

/* Aliases that were made in advance: of slot[next], which is at address alias, and those behind. */
struct magazine {
	u64 alias;
	u32 next, count, batch;
	u64 slot[CHK_ALIAS_BATCH];
};

struct arena {
	u64 owner; /* the lock. 0: free; else the thread pointer of the holder, | 1 */
	u32 forks; /* chk_changes.forks when the lock was last taken */
	u32 releases;
	void *later;	 /* objects that the lock's holder will free; linked by their first words */
	u32 list[SIZES]; /* spans with free or fresh slots: number + 1 */
	struct magazine magazine[SIZES + 1]; /* the last: of edge objects */
	u64 held[QUARANTINE];		     /* addresses of slots: a ring */
	u32 held_first, held_count;
	u64 held_bytes;
	u64 pending_since; /* TSC when the first of .pending was released */
	u64 batch;	   /* cycles that the last flush took */
	u32 pending_count, pending_pages;
	u32 unchecked; /* how many of .pending, from the first on, may be torn copies of a fork */
	struct chk_dead pending[CHK_DEAD_BATCH];
	u64 ending[CHK_DEAD_BATCH]; /* flush: the slots of .pending */
};

static struct arena arenas[CHK_ARENAS];
static u32 spans; /* spans with lower numbers may be in use */
static u32 edges; /* live objects with a page of their own */

static u64 thread_pointer(void)
{
	u64 tp;

	__asm__("rdfsbase %0" : "=r"(tp));
	return tp | 1;
}

static struct arena *my_arena(void)
{
	u64 tp = thread_pointer();

	return &arenas[(tp >> 6 ^ tp >> 12 ^ tp >> 23) % CHK_ARENAS];
}

/* Takes the arena's lock. Returns false if the running thread already holds it. */
static bool lock(struct arena *a)
{
	u64 self = thread_pointer();
	u32 forks = READ_ONCE(chk_changes.forks);

	/* In a child of fork(2) the parent's other threads do not exist: release their locks. */
	if (a->forks != forks) {
		u32 old = a->forks;

		if (__atomic_compare_exchange_n(&a->forks, &old, forks, false, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED)) {
			a->unchecked = a->pending_count;
			if (a->owner != self)
				__atomic_store_n(&a->owner, 0, __ATOMIC_RELEASE);
		}
	}
	for (u32 spins = 1;; spins++) {
		u64 owner = 0;

		if (__atomic_compare_exchange_n(&a->owner, &owner, self, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
		if (owner == self)
			return false;
		if (spins % 64 == 0)
			chk_linux_call0(SYS_sched_yield);
		__builtin_ia32_pause();
	}
}

static void check_filled(const struct chk_span *s, const struct chk_slot *slot, u64 addr);
static enum base_result find_and_release(struct arena *a, void *p, u32 fn,
					 const struct chk_frame *from);

/* The unlocking thread performs the frees that were queued in a->later. */
static void unlock(struct arena *a)
{
	static const struct chk_frame nowhere;

	for (;;) {
		void *p;

		__atomic_store_n(&a->owner, 0, __ATOMIC_RELEASE);
		if (__builtin_expect(!__atomic_load_n(&a->later, __ATOMIC_ACQUIRE), 1) || !lock(a))
			return;
		p = __atomic_exchange_n(&a->later, NULL, __ATOMIC_ACQ_REL);
		while (p) {
			void *next = *(void **)p;

			find_and_release(a, p, CHK_FN_FREE, &nowhere);
			p = next;
		}
	}
}

static struct chk_span *span_at(u64 number)
{
	return (struct chk_span *)CHK_SPAN_TABLE + number;
}

static struct chk_slot *slots_of(u64 number)
{
	return (struct chk_slot *)CHK_SLOT_TABLE + number * CHK_SPAN_SLOTS;
}

static u64 *alias_entry(u64 alias)
{
	return (u64 *)CHK_ALIAS_TABLE + ((alias - CHK_ALIAS_AREA) >> 12);
}

static u32 size_class(u64 size, u64 align)
{
	/* Index of the first size above 128 and above each further power of two. */
	static const u8 above[] = {8, 12, 16, 19, 21, 23, 25, 27, 29, 33, 37};
	u32 c;

	/* A slot whose size is a power of two is aligned to its size. */
	if (align > 16) {
		u64 power = 32;

		while (power < MAX(size, align))
			power <<= 1;
		size = power;
	}
	if (size <= 128)
		return (u32)((size + 15) / 16) - (size > 0);
	if (size > CHK_SLOT_MAX)
		return SIZES;
	c = above[63 - __builtin_clzl(size - 1) - 7];
	while (sizes[c] < size)
		c++;
	return c;
}

static struct chk_span *span_new(struct arena *a, u32 class)
{
	u32 size = sizes[class], count = (u32)(ALIGN_UP(size, CHK_SPAN_SIZE) >> CHK_SPAN_SHIFT);
	s64 number = chk_syscall1(CHK_CALL_BASE_GROW, count);
	struct chk_span *s;

	if (number < 0)
		return NULL;
	s = span_at((u64)number);
	for (u32 i = 1; i < count; i++)
		s[i].slots = i;
	s->per_page = size <= CHK_PAGED_MAX ? 4096 / size : 0;
	s->slots =
		s->per_page ? s->per_page * (CHK_SPAN_SIZE / 4096) : MAX(CHK_SPAN_SIZE / size, 1U);
	s->arena = (u16)(a - arenas);
	s->inverse = (u32)(((1UL << 32) + size - 1) / size);
	s->listed = 1;
	s->next = a->list[class];
	__atomic_store_n(&s->size, size, __ATOMIC_RELEASE);
	a->list[class] = (u32)number + 1;
	if ((u64)number >= __atomic_load_n(&spans, __ATOMIC_RELAXED))
		__atomic_store_n(&spans, (u32)number + count, __ATOMIC_RELEASE);
	return s;
}

/* Takes a free or fresh slot. Returns its address, with its entry in *slot; 0 without memory. */
static u64 take_slot(struct arena *a, u32 class, struct chk_slot **slot)
{
	for (;;) {
		struct chk_span *s =
			a->list[class] ? span_at(a->list[class] - 1) : span_new(a, class);
		u64 number;
		u32 n;

		if (!s)
			return 0;
		number = (u64)(s - span_at(0));
		if (s->free) {
			n = s->free - 1;
			*slot = slots_of(number) + n;
			s->free = (*slot)->seq;
		} else if (s->fresh < s->slots) {
			n = s->fresh++;
			*slot = slots_of(number) + n;
		} else {
			a->list[class] = s->next;
			s->listed = 0;
			continue;
		}
		if ((*slot)->state == CHK_SLOT_FILLED)
			check_filled(s, *slot, chk_slot_addr(s, number, n));
		return chk_slot_addr(s, number, n);
	}
}

static void free_slot(struct arena *a, u64 number, u32 n, enum chk_slot_state state)
{
	struct chk_span *s = span_at(number);
	struct chk_slot *slot = slots_of(number) + n;
	u32 class;

	slot->seq = s->free;
	slot->state = (u8)state;
	s->free = n + 1;
	if (s->listed)
		return;
	class = size_class(s->size, 1);
	s->listed = 1;
	s->next = a->list[class];
	a->list[class] = number + 1;
}

/* Returns the slot that begins at addr, or -1. Multiplies by the inverse instead of dividing. */
static s64 slot_number(const struct chk_span *s, u64 addr)
{
	u32 at = addr & (CHK_SPAN_SIZE - 1), first = 0, n;

	if (s->per_page) {
		first = (at >> PAGE_SHIFT) * s->per_page;
		at &= PAGE_MASK;
	}
	n = (u32)((u64)at * s->inverse >> 32);
	if (n * s->size != at || (s->per_page && n >= s->per_page) || first + n >= s->slots)
		return -1;
	return first + n;
}

#define WORDS(byte) ((byte)*0x0101010101010101UL)

static u64 word_at(const u8 *p)
{
	u64 word;

	__builtin_memcpy(&word, p, sizeof(word));
	return word;
}

/* Returns the index of the first of n bytes that differs from byte; n if none does. */
static u64 first_other(const u8 *p, u8 byte, u64 n)
{
	u64 i = 0;

	while (i + 8 <= n && word_at(p + i) == WORDS(byte))
		i += 8;
	while (i < n && p[i] == byte)
		i++;
	return i;
}

/* Returns the number of canary bytes in a slot with this slack. */
static u64 canaries(u64 slack)
{
	return MIN(slack, (u64)CHK_CANARY_MAX);
}

static void fill(u8 *p, u8 byte, u64 n)
{
	const u64 word = WORDS(byte);

	if (n < 8 || n > 64) {
		memset(p, byte, n);
		return;
	}
	for (u64 i = 0; i + 8 < n; i += 8)
		__builtin_memcpy(p + i, &word, sizeof(word));
	__builtin_memcpy(p + n - 8, &word, sizeof(word));
}

/* -- Aliases ----------------------------------------------------------------------------------- */

static bool refill(struct arena *a, struct magazine *m, u32 class, bool edge)
{
	u64 since = __builtin_ia32_rdtsc();
	struct chk_slot *slot;
	u32 pages = 0;
	s64 alias;

	m->batch = MIN(MAX(m->batch * 2, 4), CHK_ALIAS_BATCH);
	m->next = m->count = 0;
	while (m->count < m->batch && pages < CHK_ALIAS_BATCH) {
		u64 base = take_slot(a, class, &slot);

		if (!base)
			break;
		slot->state = CHK_SLOT_PREPARED;
		m->slot[m->count++] = base;
		pages += chk_slot_pages(base, sizes[class]) + edge;
	}
	alias = m->count ? chk_syscall4(CHK_CALL_ALIAS, (u64)m->slot, m->count, edge, 0) : -1;
	policy_spent(CHK_COST_ALIAS, since, MAX(m->count, 1U));
	if (alias < 0) {
		/* The slots stay PREPARED and are lost: memory is short anyway. */
		m->count = 0;
		return false;
	}
	m->alias = (u64)alias;
	for (u32 n = 0; n < m->count; n++) {
		*alias_entry((u64)alias) = m->slot[n];
		alias += (chk_slot_pages(m->slot[n], sizes[class]) + edge) * PAGE_SIZE;
	}
	return true;
}

static u64 span_number(u64 addr)
{
	return (addr - CHK_BASE_AREA) >> CHK_SPAN_SHIFT;
}

static struct chk_slot *slot_at(u64 addr)
{
	u64 number = span_number(addr);

	return slots_of(number) + slot_number(span_at(number), addr);
}

static void *take_alias(struct arena *a, u32 class, bool edge, struct chk_slot **slot)
{
	struct magazine *m = &a->magazine[edge ? SIZES : class];
	u64 base, alias;

	if (m->next == m->count && !refill(a, m, class, edge))
		return NULL;
	base = m->slot[m->next];
	alias = m->alias + (base & 4095);
	m->alias += (chk_slot_pages(base, sizes[class]) + edge) * PAGE_SIZE;
	m->next++;
	*slot = slot_at(base);
	return (void *)alias;
}

/* Reports the object if the program wrote to it after its release. */
static void check_freed(const struct chk_dead *d, u64 size)
{
	u64 filled = MIN(size, FREED_FILL_MAX);
	u64 other = first_other((const u8 *)d->alias, CHK_FREED, filled);
	struct chk_bug bug = {
		.kind = CHECK_FREED_OVERWRITTEN,
		.fn = d->fn & CHK_FN_MASK,
		.stack = d->stack,
		.addr = d->alias + other,
		.size = 1,
	};

	if (other < filled)
		chk_syscall1(CHK_CALL_BUG, (u64)&bug);
}

static void flush(struct arena *a)
{
	u64 since = __builtin_ia32_rdtsc();
	u32 count = a->pending_count;

	for (u32 i = 0; i < count; i++) {
		struct chk_dead *d = &a->pending[i];
		u64 base = *alias_entry(d->alias);

		/* The kernel may drop the table's page when the last of its aliases has ended. */
		a->ending[i] = base;
		if (i >= a->unchecked && d->filled)
			check_freed(d, span_at(span_number(base))->size - slot_at(base)->slack);
	}
	if (count)
		chk_syscall4(CHK_CALL_UNALIAS, (u64)a->pending, count, 0, 0);
	policy_spent(count > 1 ? CHK_COST_BATCH : CHK_COST_END, since, MAX(count, 1U));
	a->batch = __builtin_ia32_rdtsc() - since;
	a->pending_count = a->pending_pages = a->unchecked = 0;
	for (u32 i = 0; i < count; i++) {
		u64 base = a->ending[i], number = span_number(base);

		*alias_entry(a->pending[i].alias) = 0;
		free_slot(a, number, (u32)slot_number(span_at(number), base), CHK_SLOT_FREE);
	}
}

void base_flush(void)
{
	for (u32 i = 0; i < CHK_ARENAS; i++) {
		struct arena *a = &arenas[i];

		if (!a->pending_count || !lock(a))
			continue;
		flush(a);
		unlock(a);
	}
}

/* -- Objects ----------------------------------------------------------------------------------- */

/* Finds the slot of the object that begins at addr, an address that the program passed. */
static struct chk_slot *find(u64 addr, u64 *base, u64 *number)
{
	struct chk_slot *slot;
	struct chk_span *s;
	u64 offset;
	s64 n;

	*base = addr;
	if (addr - CHK_ALIAS_AREA < CHK_ALIAS_SIZE) {
		*base = *alias_entry(addr);
		if (!*base)
			return NULL;
	}
	if (*base - CHK_BASE_AREA >= CHK_BASE_SIZE)
		return NULL;
	*number = span_number(*base);
	if (*number >= __atomic_load_n(&spans, __ATOMIC_ACQUIRE))
		return NULL;
	s = span_at(*number);
	n = __atomic_load_n(&s->size, __ATOMIC_ACQUIRE) ? slot_number(s, *base) : -1;
	if (n < 0)
		return NULL;
	slot = slots_of(*number) + n;
	offset = *base & 4095;
	if (slot->state == CHK_SLOT_EDGE)
		offset = chk_edge_offset(s->size - slot->slack, chk_started()->config.align);
	return (addr & 4095) == offset ? slot : NULL;
}

static bool canary_intact(const u8 *object, u64 size, u64 slot_size)
{
	u64 count = canaries(slot_size - size);

	return first_other(object + size, CHK_CANARY, count) == count;
}

/* Returns the number of canary bytes before an edge object. */
static u64 front(u64 object)
{
	return MIN(object & 4095, CHK_EDGE_FRONT);
}

/* Returns the number of canary bytes behind an edge object, up to the end of its page. */
static u64 rest(u64 object, u64 size)
{
	return 4096 - (object & 4095) - size;
}

static bool edge_intact(const u8 *object, u64 size)
{
	u64 before = front((u64)object), behind = rest((u64)object, size);

	return first_other(object - before, CHK_CANARY, before) == before &&
	       first_other(object + size, CHK_CANARY, behind) == behind;
}

/* Returns whether the slot has the live object that the program sees at addr. */
static bool is_live(const struct chk_slot *slot, u64 addr)
{
	if (addr - CHK_ALIAS_AREA >= CHK_ALIAS_SIZE)
		return slot->state == CHK_SLOT_LIVE;
	return slot->state == CHK_SLOT_ALIASED || slot->state == CHK_SLOT_EDGE;
}

/* Takes a slot, and the address at which the program sees it. */
static void *take(struct arena *a, u32 class, enum base_how how, struct chk_slot **slot)
{
	if (how == BASE_PLAIN)
		return (void *)take_slot(a, class, slot);
	return take_alias(a, class, how == BASE_BEFORE || how == BASE_AFTER, slot);
}

/* Returns where in its slot the object begins, and writes the canaries around it. */
static void *place(u8 *slot, u64 size, u64 slot_size, enum base_how how)
{
	if (how != BASE_AFTER) {
		fill(slot + size, CHK_CANARY, canaries(slot_size - size));
		return slot;
	}
	slot += chk_edge_offset(size, chk_started()->config.align);
	memset(slot - front((u64)slot), CHK_CANARY, front((u64)slot));
	memset(slot + size, CHK_CANARY, rest((u64)slot, size));
	return slot;
}

static enum chk_slot_state new_state(enum base_how how)
{
	if (how == BASE_PLAIN)
		return CHK_SLOT_LIVE;
	return how == BASE_AFTER ? CHK_SLOT_EDGE : CHK_SLOT_ALIASED;
}

/* Returns how, or BASE_ALIAS if the object does not fit the edge of a page. */
static enum base_how fitting(u64 size, u64 align, enum base_how how)
{
	if (how == BASE_AFTER && chk_fits_edge(size) && align <= chk_started()->config.align)
		return how;
	if (how == BASE_BEFORE && chk_fits_edge(size + CHK_CANARY_LEAST))
		return how;
	return how == BASE_PLAIN ? how : BASE_ALIAS;
}

void *base_alloc(u64 size, u64 align, u32 fn, enum base_how how, const struct chk_frame *from)
{
	bool alias = how != BASE_PLAIN;
	struct arena *a = my_arena();
	struct chk_made *made;
	struct chk_slot *slot;
	u32 class, stack;
	void *p;

	how = fitting(size, align, how);
	if (how == BASE_AFTER || how == BASE_BEFORE)
		class = size_class(4096, 1);
	else
		class = size_class(size + CHK_CANARY_LEAST, align);
	/* The slack of a large, aligned object may exceed what struct chk_slot can hold. */
	if (class == SIZES || sizes[class] - size > SLACK_MAX)
		return NULL;
	stack = alias ? chk_stack_id(from) : policy_stack(from);
	if (!lock(a))
		return NULL;
	p = take(a, class, how, &slot);
	if (p) {
		/*
		 * The canary comes before the state: the check at exit may read the slot anytime.
		 */
		p = place(p, size, sizes[class], how);
		if (alias && sizes[class] == 4096)
			__atomic_fetch_add(&edges, 1, __ATOMIC_RELAXED);
		slot->stack = stack;
		slot->tid = chk_tid();
		slot->seq = chk_operation();
		slot->slack = (u16)(sizes[class] - size);
		slot->fn = (u8)fn;
		made = &chk_changes.made[a - arenas];
		*(alias ? &made->alias : &made->none) += 1;
		*(alias ? &made->alias_bytes : &made->none_bytes) += size;
		__atomic_store_n(&slot->state, new_state(how), __ATOMIC_RELEASE);
	}
	unlock(a);
	return p;
}

/*
 * Returns whether the aliases that wait should end now. A waiting object is filled with CHK_FREED
 * but not unmapped, because unmapping is expensive and cheaper for many at once. A batch becomes
 * larger than DEAD_LEAST only if releases are so frequent that no alias waits long.
 */
static bool ripe(const struct arena *a)
{
	if (a->pending_count == CHK_DEAD_BATCH || a->pending_pages >= DEAD_PAGES)
		return true;
	return a->pending_count % DEAD_LEAST == 0 &&
	       credit_batch_is_due(__builtin_ia32_rdtsc() - a->pending_since, a->batch);
}

/*
 * Queues an alias for a flush that ends many. at_once: the flush is now, so that the next access
 * faults.
 */
static void end_alias(struct arena *a, u64 addr, u64 size, u32 fn, bool moved, bool at_once,
		      u32 stack)
{
	if (!a->pending_count)
		a->pending_since = __builtin_ia32_rdtsc();
	a->pending_pages += chk_slot_pages(addr, (u32)size);
	a->pending[a->pending_count++] = (struct chk_dead){
		.alias = addr,
		.stack = stack,
		.tid = chk_tid(),
		.seq = chk_operation(),
		.fn = (u8)fn,
		.moved = moved,
		.filled = !at_once,
	};
	if (!at_once)
		fill((u8 *)addr, CHK_FREED, MIN(size, FREED_FILL_MAX));
	if (at_once || ripe(a))
		flush(a);
}

/* -- Quarantine -------------------------------------------------------------------------------- */

/* Reports the released object in a slot if the program wrote to it. */
static void check_filled(const struct chk_span *s, const struct chk_slot *slot, u64 addr)
{
	u64 filled = MIN((u64)s->size - slot->slack, (u64)CHK_FILL_MAX);
	u64 other = first_other((const u8 *)addr, CHK_FREED, filled);
	const struct chk_bug bug = {
		.kind = CHECK_FREED_OVERWRITTEN, .addr = addr + other, .size = 1};

	if (other < filled)
		chk_syscall1(CHK_CALL_BUG, (u64)&bug);
}

/* Gives the slot that has waited longest to its span's free list. */
static void release_held(struct arena *a)
{
	u64 addr = a->held[a->held_first], number = span_number(addr);
	struct chk_span *s = span_at(number);

	a->held_first = (a->held_first + 1) % QUARANTINE;
	a->held_count--;
	a->held_bytes -= s->size;
	free_slot(a, number, (u32)slot_number(s, addr), CHK_SLOT_FILLED);
}

/* Fills a released slot and holds it back. */
static void hold(struct arena *a, u64 addr, struct chk_slot *slot, u64 size, u32 stack)
{
	u64 bytes = span_at(span_number(addr))->size;

	fill((u8 *)addr, CHK_FREED, MIN(size, (u64)CHK_FILL_MAX));
	slot->tid = (s32)stack;
	__atomic_store_n(&slot->state, CHK_SLOT_FILLED, __ATOMIC_RELEASE);
	while (a->held_count &&
	       (a->held_count == QUARANTINE || a->held_bytes + bytes > QUARANTINE_MAX))
		release_held(a);
	a->held[(a->held_first + a->held_count++) % QUARANTINE] = addr;
	a->held_bytes += bytes;
}

/*
 * Returns whether an alias ends with the release: all do at the level packed, which promises to
 * find each use at the instruction, and the first ones of an arena.
 */
static bool at_once(struct arena *a)
{
	if (chk_started()->config.level == CHK_LEVEL_ALIAS)
		return true;
	if (a->releases == IMMEDIATE)
		return false;
	a->releases++;
	return true;
}

/* Where find has found an object. */
struct found {
	struct chk_slot *slot;
	u64 base, number;
};

/*
 * Called with the arena's lock held. See base_free. The object was found without the lock; a slot
 * keeps its place, but another thread may have released the object since.
 */
static enum base_result release(struct arena *a, void *p, const struct found *at, u32 fn,
				bool moved, bool force, const struct chk_frame *from)
{
	u64 base = at->base, number = at->number, slot_size = span_at(number)->size, size;
	struct chk_slot *slot = at->slot;
	bool edge, own_page;

	/* An alias is never used again, but its slot may have another one by now. */
	if (!is_live(slot, (u64)p) ||
	    ((u64)p - CHK_ALIAS_AREA < CHK_ALIAS_SIZE && find((u64)p, &base, &number) != slot))
		return BASE_NOT_MINE;
	size = slot_size - slot->slack;
	edge = slot->state == CHK_SLOT_EDGE;
	if (!force && (!chk_releases(fn, slot->fn) ||
		       !(edge ? edge_intact(p, size) : canary_intact(p, size, slot_size))))
		return BASE_NOT_MINE;
	chk_changes.made[a - arenas].gone++;
	chk_changes.made[a - arenas].gone_bytes += size;
	if (slot->state == CHK_SLOT_LIVE) {
		hold(a, base, slot, size, from->rip ? policy_stack(from) : 0);
		return BASE_DONE;
	}
	own_page = edge || (slot->state == CHK_SLOT_ALIASED && span_at(number)->size == 4096);
	if (own_page)
		__atomic_fetch_sub(&edges, 1, __ATOMIC_RELAXED);
	slot->state = edge ? CHK_SLOT_EDGE_PENDING : CHK_SLOT_PENDING;
	end_alias(a, (u64)p, size, fn, moved, own_page || at_once(a),
		  from->rip ? chk_stack_id(from) : 0);
	return BASE_DONE;
}

static enum base_result find_and_release(struct arena *a, void *p, u32 fn,
					 const struct chk_frame *from)
{
	struct found at;

	at.slot = find((u64)p, &at.base, &at.number);
	return at.slot ? release(a, p, &at, fn, false, true, from) : BASE_NOT_MINE;
}

enum base_result base_free(void *p, u32 fn, bool moved, bool force, const struct chk_frame *from)
{
	enum base_result ret;
	struct found at;
	struct arena *a;

	at.slot = find((u64)p, &at.base, &at.number);
	if (!at.slot || !is_live(at.slot, (u64)p))
		return BASE_NOT_MINE;
	a = &arenas[span_at(at.number)->arena % CHK_ARENAS];
	if (!lock(a)) {
		/*
		 * A signal handler interrupted the holder of the lock in the same thread. Queue the
		 * object for unlock, linked by its first word.
		 */
		void *first = __atomic_load_n(&a->later, __ATOMIC_RELAXED);

		do
			*(void **)p = first;
		while (!__atomic_compare_exchange_n(&a->later, &first, p, false, __ATOMIC_RELEASE,
						    __ATOMIC_RELAXED));
		return BASE_DONE;
	}
	ret = release(a, p, &at, fn, moved, force, from);
	unlock(a);
	return ret;
}

u32 base_edges(void)
{
	return __atomic_load_n(&edges, __ATOMIC_RELAXED);
}

bool base_size(const void *p, u64 *size)
{
	u64 base, number;
	struct chk_slot *slot = find((u64)p, &base, &number);

	if (!slot || !is_live(slot, (u64)p))
		return false;
	*size = span_at(number)->size - slot->slack;
	return true;
}

bool base_resize(void *p, u64 size, const struct chk_frame *from)
{
	u64 base, number, old, slot_size;
	struct chk_slot *slot = find((u64)p, &base, &number);

	if (!slot || slot->state != CHK_SLOT_LIVE || base != (u64)p)
		return false;
	slot_size = span_at(number)->size;
	old = slot_size - slot->slack;
	if (size + CHK_CANARY_LEAST > slot_size || size < slot_size / 2 ||
	    slot_size - size > SLACK_MAX || !chk_releases(CHK_FN_REALLOC, slot->fn) ||
	    !canary_intact(p, old, slot_size))
		return false;
	/* Counts as the release of the difference, which may be negative. */
	__atomic_fetch_add(&chk_changes.made[span_at(number)->arena % CHK_ARENAS].gone_bytes,
			   old - size, __ATOMIC_RELAXED);
	slot->stack = policy_stack(from);
	slot->seq = chk_operation();
	slot->slack = (u16)(slot_size - size);
	slot->fn = CHK_FN_REALLOC;
	fill((u8 *)p + size, CHK_CANARY, canaries(slot_size - size));
	return true;
}

/* -- Out of memory ----------------------------------------------------------------------------- */

static bool is_empty(u64 number)
{
	const struct chk_span *s = span_at(number);

	for (u32 n = 0; n < s->fresh; n++)
		if (slots_of(number)[n].state != CHK_SLOT_FREE &&
		    slots_of(number)[n].state != CHK_SLOT_FILLED)
			return false;
	return s->fresh > 0;
}

/*
 * Takes the span out of its list, for good: .listed stays set, so free_slot never inserts it again.
 * Its slots stay released, so that a second release of an object in them is found. Returns
 * false if the span is not in the list.
 */
static bool retire(struct arena *a, u64 number)
{
	u32 *link = &a->list[size_class(span_at(number)->size, 1)];

	while (*link && *link != number + 1)
		link = &span_at(*link - 1)->next;
	if (!*link)
		return false;
	*link = span_at(number)->next;
	return true;
}

bool base_give_back(void)
{
	u32 count = __atomic_load_n(&spans, __ATOMIC_ACQUIRE);
	bool any = false;

	base_flush();
	for (u32 number = 0; number < count; number++) {
		struct arena *a = &arenas[span_at(number)->arena % CHK_ARENAS];

		if (!span_at(number)->size || !is_empty(number) || !lock(a))
			continue;
		while (a->held_count)
			release_held(a);
		/* The check without the lock may be outdated. */
		if (is_empty(number) && retire(a, number)) {
			for (u64 n = 0; n * CHK_SPAN_SIZE < span_at(number)->size; n++)
				chk_syscall1(CHK_CALL_BASE_SHRINK, number + n);
			any = true;
		}
		unlock(a);
	}
	return any;
}
