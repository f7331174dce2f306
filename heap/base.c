/*
 * See base.h. The tables are memory of the guarded range that comes into being when it is touched.
 *
 * Invariants, under the arena's lock: a span with a slot that is free or fresh is in the list of
 * its arena and size; a slot is in its span's free list exactly when its state says so. Each
 * change is made so that a fork between any two stores leaves at worst a slot that nobody uses.
 */
#include "heap/base.h"
#include "heap/policy.h"
#include "heap/syscall.h"
#include "libc/string.h"

#define ARENAS		16
#define IMMEDIATE	64 /* releases of aliases of an arena that are not put off */
#define FREED_FILL_MAX	256

#define SYS_sched_yield 24

/* clang-format off */
static const u16 sizes[] = {
	16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 816, 1024, 1360,
	2048, 3072, 4096, 6144, 8192, 12288, 16384, 21840, 32768,
};
/* clang-format on */
#define SIZES		ARRAY_SIZE(sizes)

/* Aliases that were made in advance: alias + n * page shows slot[n]. */
struct magazine {
	u64 alias;
	u32 next, count, batch;
	u64 slot[HEAP_ALIAS_BATCH];
};

struct arena {
	u64 owner; /* 0: free; else the thread pointer of who holds it, | 1 */
	u32 forks; /* that this process has known */
	u32 releases;
	void *later;	 /* objects to be freed by who holds it; linked through their first word */
	u32 list[SIZES]; /* spans with room: number + 1 */
	struct magazine magazine[SIZES];
	u32 pending_count;
	u32 unchecked; /* the first ones, whose content a fork may have copied half-way */
	struct heap_dead pending[HEAP_ALIAS_BATCH];
};

static struct arena arenas[ARENAS];
static u32 spans; /* in use, all arenas */

static u64 thread_pointer(void)
{
	u64 tp;

	__asm__("rdfsbase %0" : "=r"(tp));
	return tp | 1;
}

static struct arena *my_arena(void)
{
	u64 tp = thread_pointer();

	return &arenas[(tp >> 6 ^ tp >> 12 ^ tp >> 23) % ARENAS];
}

/* False: this very thread holds it already. */
static bool lock(struct arena *a)
{
	u64 self = thread_pointer();
	u32 forks = heap_changes.forks;

	/* A child of fork(2) has none of the threads that may have held it. */
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
			heap_linux_call0(SYS_sched_yield);
		__builtin_ia32_pause();
	}
}

static void free_slot(struct arena *a, u64 number, u32 slot);
static enum base_result release(struct arena *a, void *p, enum heap_function fn, bool moved,
				bool force, const struct heap_frame *from);

/* What came meanwhile is done by who lets go. */
static void unlock(struct arena *a)
{
	static const struct heap_frame nowhere;

	for (;;) {
		void *p;

		__atomic_store_n(&a->owner, 0, __ATOMIC_RELEASE);
		if (__builtin_expect(!__atomic_load_n(&a->later, __ATOMIC_ACQUIRE), 1) || !lock(a))
			return;
		p = __atomic_exchange_n(&a->later, NULL, __ATOMIC_ACQ_REL);
		while (p) {
			void *next = *(void **)p;

			release(a, p, HEAP_FN_FREE, false, true, &nowhere);
			p = next;
		}
	}
}

static struct heap_span *span_at(u64 number)
{
	return (struct heap_span *)HEAP_SPAN_TABLE + number;
}

static struct heap_slot *slots_of(u64 number)
{
	return (struct heap_slot *)HEAP_SLOT_TABLE + number * HEAP_SPAN_SLOTS;
}

static u64 *alias_entry(u64 alias)
{
	return (u64 *)HEAP_ALIAS_TABLE + ((alias - HEAP_ALIAS_AREA) >> 12);
}

static u32 size_class(u64 size, u64 align)
{
	u32 c = 0;

	/* A slot of a power of two is aligned to it. */
	if (align > 16) {
		u64 power = 32;

		while (power < MAX(size, align))
			power <<= 1;
		size = power;
	}
	while (c < SIZES && sizes[c] < size)
		c++;
	return c;
}

static struct heap_span *span_new(struct arena *a, u32 class)
{
	s64 number = heap_syscall1(HEAP_CALL_BASE_GROW, 1);
	struct heap_span *s;
	u32 size = sizes[class];

	if (number < 0)
		return NULL;
	s = span_at((u64)number);
	s->per_page = size <= HEAP_ALIAS_MAX ? 4096 / size : 0;
	s->slots = s->per_page ? s->per_page * (HEAP_SPAN_SIZE / 4096) : HEAP_SPAN_SIZE / size;
	s->arena = (u32)(a - arenas);
	s->listed = 1;
	s->next = a->list[class];
	__atomic_store_n(&s->size, size, __ATOMIC_RELEASE);
	a->list[class] = (u32)number + 1;
	if ((u64)number >= __atomic_load_n(&spans, __ATOMIC_RELAXED))
		__atomic_store_n(&spans, (u32)number + 1, __ATOMIC_RELEASE);
	return s;
}

/* A slot that was free: its address, *slot what is known of it. 0: no memory. */
static u64 take_slot(struct arena *a, u32 class, struct heap_slot **slot)
{
	for (;;) {
		struct heap_span *s =
			a->list[class] ? span_at(a->list[class] - 1) : span_new(a, class);
		u64 number;
		u32 n;

		if (!s)
			return 0;
		number = (u64)(s - span_at(0));
		if (s->free) {
			n = s->free - 1;
			*slot = slots_of(number) + n;
			s->free = (*slot)->stack;
		} else if (s->fresh < s->slots) {
			n = s->fresh++;
			*slot = slots_of(number) + n;
		} else {
			a->list[class] = s->next;
			s->listed = 0;
			continue;
		}
		return heap_slot_addr(s, number, n);
	}
}

static void free_slot(struct arena *a, u64 number, u32 n)
{
	struct heap_span *s = span_at(number);
	struct heap_slot *slot = slots_of(number) + n;
	u32 class;

	slot->stack = s->free;
	slot->state = HEAP_SLOT_FREE;
	s->free = n + 1;
	if (s->listed)
		return;
	class = size_class(s->size, 1);
	s->listed = 1;
	s->next = a->list[class];
	a->list[class] = number + 1;
}

static void fill_canary(u8 *object, u64 size, u64 slot_size)
{
	memset(object + size, HEAP_CANARY, slot_size - size);
}

static bool canary_intact(const u8 *object, u64 size, u64 slot_size)
{
	for (; size < slot_size; size++)
		if (object[size] != HEAP_CANARY)
			return false;
	return true;
}

/* -- Aliases ----------------------------------------------------------------------------------- */

static bool refill(struct arena *a, u32 class)
{
	struct magazine *m = &a->magazine[class];
	struct heap_slot *slot;
	s64 alias;

	m->batch = MIN(MAX(m->batch * 2, 4), HEAP_ALIAS_BATCH);
	m->next = m->count = 0;
	for (u32 n = 0; n < m->batch; n++) {
		m->slot[n] = take_slot(a, class, &slot);
		if (!m->slot[n])
			break;
		slot->state = HEAP_SLOT_PREPARED;
		m->count++;
	}
	alias = m->count ? heap_syscall4(HEAP_CALL_ALIAS, (u64)m->slot, m->count, 0, 0) : -1;
	if (alias < 0) {
		/* Slots that have no alias stay PREPARED for ever: there is no memory anyway. */
		m->count = 0;
		return false;
	}
	m->alias = (u64)alias;
	for (u32 n = 0; n < m->count; n++)
		*alias_entry(m->alias + n * 4096UL) = m->slot[n];
	return true;
}

static u64 span_number(u64 addr)
{
	return (addr - HEAP_BASE_AREA) >> HEAP_SPAN_SHIFT;
}

static struct heap_slot *slot_at(u64 addr)
{
	u64 number = span_number(addr);

	return slots_of(number) + heap_slot_number(span_at(number), addr, false);
}

static void *take_alias(struct arena *a, u32 class, struct heap_slot **slot)
{
	struct magazine *m = &a->magazine[class];
	u64 base, alias;

	if (m->next == m->count && !refill(a, class))
		return NULL;
	base = m->slot[m->next];
	alias = m->alias + m->next * 4096UL + (base & 4095);
	m->next++;
	*slot = slot_at(base);
	return (void *)alias;
}

/* Was anything written to an object that was released? Reported. */
static void check_freed(const struct heap_dead *d, u64 size)
{
	const u8 *p = (const u8 *)d->alias;

	for (u64 i = 0; i < MIN(size, FREED_FILL_MAX); i++) {
		const struct heap_bug bug = {
			.kind = CHECK_FREED_OVERWRITTEN,
			.fn = d->fn,
			.stack = d->stack,
			.addr = d->alias + i,
			.size = 1,
		};

		if (p[i] == HEAP_FREED)
			continue;
		heap_syscall1(HEAP_CALL_BUG, (u64)&bug);
		return;
	}
}

static void flush(struct arena *a)
{
	u32 count = a->pending_count;

	for (u32 i = 0; i < count; i++) {
		struct heap_dead *d = &a->pending[i];
		u64 base = *alias_entry(d->alias);

		if (i >= a->unchecked)
			check_freed(d, span_at(span_number(base))->size - slot_at(base)->slack);
	}
	if (count)
		heap_syscall4(HEAP_CALL_UNALIAS, (u64)a->pending, count, 0, 0);
	a->pending_count = a->unchecked = 0;
	for (u32 i = 0; i < count; i++) {
		u64 *entry = alias_entry(a->pending[i].alias), base = *entry;
		u64 number = span_number(base);

		*entry = 0;
		free_slot(a, number, (u32)heap_slot_number(span_at(number), base, false));
	}
}

void base_flush(void)
{
	for (u32 i = 0; i < ARENAS; i++) {
		struct arena *a = &arenas[i];

		if (!a->pending_count || !lock(a))
			continue;
		flush(a);
		unlock(a);
	}
}

/* -- Objects ----------------------------------------------------------------------------------- */

/* The slot behind an address that the program gave, if it begins a slot's object. */
static struct heap_slot *find(u64 addr, u64 *base, u64 *number)
{
	struct heap_span *s;
	s64 n;

	*base = addr;
	if (addr - HEAP_ALIAS_AREA < HEAP_ALIAS_SIZE) {
		*base = *alias_entry(addr);
		if (!*base || ((*base ^ addr) & 4095))
			return NULL;
	}
	if (*base - HEAP_BASE_AREA >= HEAP_BASE_SIZE)
		return NULL;
	*number = span_number(*base);
	if (*number >= __atomic_load_n(&spans, __ATOMIC_ACQUIRE))
		return NULL;
	s = span_at(*number);
	n = __atomic_load_n(&s->size, __ATOMIC_ACQUIRE) ? heap_slot_number(s, *base, false) : -1;
	return n < 0 ? NULL : slots_of(*number) + n;
}

static u32 state_of(u64 addr)
{
	return addr - HEAP_ALIAS_AREA < HEAP_ALIAS_SIZE ? HEAP_SLOT_ALIASED : HEAP_SLOT_LIVE;
}

void *base_alloc(u64 size, u64 align, enum heap_function fn, bool alias,
		 const struct heap_frame *from)
{
	u32 class = size_class(size + HEAP_CANARY_LEAST, align), stack;
	struct arena *a = my_arena();
	struct heap_slot *slot;
	void *p;

	if (class == SIZES || (alias && sizes[class] > HEAP_ALIAS_MAX))
		return NULL;
	stack = alias ? heap_stack_id(from) : policy_stack(from);
	if (!lock(a))
		return NULL;
	p = alias ? take_alias(a, class, &slot) : (void *)take_slot(a, class, &slot);
	if (p) {
		/* Before it counts as an object: who looks at all of them at exit sees no other. */
		fill_canary(p, size, sizes[class]);
		slot->stack = stack;
		slot->tid = heap_tid();
		slot->seq = heap_operation();
		slot->slack = (u16)(sizes[class] - size);
		slot->fn = fn;
		__atomic_fetch_add(alias ? &heap_changes.alias : &heap_changes.none, 1,
				   __ATOMIC_RELAXED);
		__atomic_fetch_add(alias ? &heap_changes.alias_bytes : &heap_changes.none_bytes,
				   size, __ATOMIC_RELAXED);
		__atomic_store_n(&slot->state, alias ? HEAP_SLOT_ALIASED : HEAP_SLOT_LIVE,
				 __ATOMIC_RELEASE);
	}
	unlock(a);
	return p;
}

/* Puts the end of an alias off, for a flush that ends many; the first ones end at once. */
static void end_alias(struct arena *a, u64 addr, u64 size, enum heap_function fn, bool moved,
		      u32 stack)
{
	a->pending[a->pending_count++] = (struct heap_dead){
		.alias = addr,
		.stack = stack,
		.tid = heap_tid(),
		.seq = heap_operation(),
		.fn = fn,
		.moved = moved,
	};
	memset((void *)addr, HEAP_FREED, MIN(size, FREED_FILL_MAX));
	if (a->releases < IMMEDIATE)
		a->releases++;
	if (a->releases < IMMEDIATE || a->pending_count == HEAP_ALIAS_BATCH)
		flush(a);
}

/* With the lock held. */
static enum base_result release(struct arena *a, void *p, enum heap_function fn, bool moved,
				bool force, const struct heap_frame *from)
{
	u64 base, number, size, slot_size;
	struct heap_slot *slot = find((u64)p, &base, &number);

	if (!slot || slot->state != state_of((u64)p))
		return BASE_NOT_MINE;
	slot_size = span_at(number)->size;
	size = slot_size - slot->slack;
	if (!force && (!heap_releases(fn, slot->fn) || !canary_intact(p, size, slot_size)))
		return BASE_NOT_MINE;
	if (slot->state == HEAP_SLOT_LIVE) {
		heap_operation();
		free_slot(a, number, (u32)(slot - slots_of(number)));
		return BASE_DONE;
	}
	slot->state = HEAP_SLOT_PENDING;
	end_alias(a, (u64)p, size, fn, moved, from->rip ? heap_stack_id(from) : 0);
	return BASE_DONE;
}

enum base_result base_free(void *p, enum heap_function fn, bool moved, bool force,
			   const struct heap_frame *from)
{
	u64 base, number;
	struct heap_slot *slot = find((u64)p, &base, &number);
	enum base_result ret;
	struct arena *a;

	if (!slot || slot->state != state_of((u64)p))
		return BASE_NOT_MINE;
	a = &arenas[span_at(number)->arena % ARENAS];
	if (!lock(a)) {
		/* It interrupted itself: the object waits, reachable through its own first word. */
		void *first = __atomic_load_n(&a->later, __ATOMIC_RELAXED);

		do
			*(void **)p = first;
		while (!__atomic_compare_exchange_n(&a->later, &first, p, false, __ATOMIC_RELEASE,
						    __ATOMIC_RELAXED));
		return BASE_DONE;
	}
	ret = release(a, p, fn, moved, force, from);
	unlock(a);
	return ret;
}

bool base_size(const void *p, u64 *size)
{
	u64 base, number;
	struct heap_slot *slot = find((u64)p, &base, &number);

	if (!slot || slot->state != state_of((u64)p))
		return false;
	*size = span_at(number)->size - slot->slack;
	return true;
}

bool base_resize(void *p, u64 size, const struct heap_frame *from)
{
	u64 base, number, old, slot_size;
	struct heap_slot *slot = find((u64)p, &base, &number);

	if (!slot || slot->state != HEAP_SLOT_LIVE || base != (u64)p)
		return false;
	slot_size = span_at(number)->size;
	old = slot_size - slot->slack;
	if (size + HEAP_CANARY_LEAST > slot_size || size < slot_size / 2 ||
	    slot->fn == HEAP_FN_NEW || slot->fn == HEAP_FN_NEW_ARRAY ||
	    !canary_intact(p, old, slot_size))
		return false;
	slot->stack = policy_stack(from);
	slot->seq = heap_operation();
	slot->slack = (u16)(slot_size - size);
	slot->fn = HEAP_FN_REALLOC;
	fill_canary(p, size, slot_size);
	return true;
}

/* -- Out of memory ----------------------------------------------------------------------------- */

static bool is_empty(u64 number)
{
	const struct heap_span *s = span_at(number);

	for (u32 n = 0; n < s->fresh; n++)
		if (slots_of(number)[n].state != HEAP_SLOT_FREE)
			return false;
	return s->fresh > 0;
}

/*
 * Takes the span out of its list. It still counts as listed, and its slots as free: it is never put
 * there again, and a second release of what was there is found. False: it is out already.
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
		struct arena *a = &arenas[span_at(number)->arena % ARENAS];

		if (!span_at(number)->size || !is_empty(number) || !lock(a))
			continue;
		/* Without the lock it was a guess. */
		if (is_empty(number) && retire(a, number)) {
			heap_syscall1(HEAP_CALL_BASE_SHRINK, number);
			any = true;
		}
		unlock(a);
	}
	return any;
}
