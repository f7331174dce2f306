// SPDX-License-Identifier: MIT
/*
 * See patch.h. What is known of a page's call sites is a text (patch_text.h). An address space has
 * a record of each page whose text it has used. Records are added but never removed while the
 * address space lives, because threads that leave the kernel read them without a lock, and because
 * a thread may still be in a stub of a page that is no longer patched. For the same reason an
 * address space shows a text at one address only.
 *
 * Text changes only while no other vCPU runs the program (stop_others). A thread that was between
 * two of the instructions that the jump replaces goes on in the stub when it leaves the kernel.
 */
#include <linux/mman.h>
#include "kernel/kernel.h"
#include "kernel/stats.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/arch/x86_64/stubs.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/pagetable.h"
#include "kernel/mm/patch.h"
#include "kernel/mm/patch_text.h"
#include "kernel/mm/text_cache.h"

#define BUCKETS	      64
#define RECORDS_MAX   2048 /* most records of an address space */
#define SITES_MAX     2048 /* most sites in private texts that an address space adds */
#define PATCH_AT_CALL 2	   /* a site is patched at this call: a patch costs several SYSCALLs */
#define NR_SIGRETURN  15   /* unwinders recognize the caller by its bytes: never patched */

struct patch_page {
	struct patch_page *next_va, *next_text; /* of the same bucket */
	u64 va;
	struct patch_text *text; /* holds a reference */
	u64 copy;     /* GPA of the page with jumps that is mapped; 0: the original is mapped */
	u64 original; /* if copy is not 0: the original's leaf, whose reference this holds */
	u32 version;  /* of copy */
	bool dead;    /* the page is another one now; only threads in stubs need the record */
};

struct patch_table {
	struct patch_page *by_va[BUCKETS], *by_text[BUCKETS];
	u32 records, sites;
	u32 busy;     /* text is being changed: threads wait in patch_resume */
	bool stopped; /* nothing more is patched: patch_stop */
};

static struct patch_page **va_bucket(struct patch_table *t, u64 va)
{
	return &t->by_va[(va >> PAGE_SHIFT) % BUCKETS];
}

static struct patch_page **text_bucket(struct patch_table *t, const void *text)
{
	return &t->by_text[((u64)text >> 6) % BUCKETS];
}

/* Returns the record of the page with jumps that is mapped at va, or NULL. */
static struct patch_page *patched_at(struct patch_table *t, u64 va)
{
	struct patch_page *p = __atomic_load_n(va_bucket(t, va), __ATOMIC_ACQUIRE);

	va = ALIGN_DOWN(va, PAGE_SIZE);
	while (p && (p->va != va || !READ_ONCE(p->copy)))
		p = p->next_va;
	return p;
}

static struct patch_page *page_of_text(struct patch_table *t, const void *text)
{
	struct patch_page *p = __atomic_load_n(text_bucket(t, text), __ATOMIC_ACQUIRE);

	while (p && p->text != text)
		p = p->next_text;
	return p;
}

/* Returns the record's site at address at, or NULL, if the page that is mapped has its jump. */
static struct patch_site *patched_site(struct patch_page *p, u64 at)
{
	struct patch_site *s = p ? patch_site_find(p->text, at) : NULL;

	return s && patch_site_state(s) == SITE_PATCHED && s->since <= p->version ? s : NULL;
}

static struct patch_table *table_of(struct mm *mm)
{
	return __atomic_load_n(&mm->patches, __ATOMIC_ACQUIRE);
}

/* Makes the table if there is none. mm.lock is held. NULL: no memory. */
static struct patch_table *table_get(struct mm *mm)
{
	struct patch_table *t = mm->patches;

	ASSERT_HELD(&mm->lock);
	if (!t) {
		t = kzalloc(sizeof(*t));
		__atomic_store_n(&mm->patches, t, __ATOMIC_RELEASE);
	}
	return t;
}

/* Adds a record of the text for address va, with a reference. NULL: no memory, or too many. */
static struct patch_page *record_add(struct patch_table *t, u64 va, struct patch_text *text)
{
	struct patch_page *p = t->records < RECORDS_MAX ? kmalloc(sizeof(*p)) : NULL;

	ASSERT_HELD(&patch_lock);
	if (!p)
		return NULL;
	t->records++;
	patch_text_get(text);
	*p = (struct patch_page){
		.next_va = *va_bucket(t, va),
		.next_text = *text_bucket(t, text),
		.va = ALIGN_DOWN(va, PAGE_SIZE),
		.text = text,
	};
	__atomic_store_n(text_bucket(t, text), p, __ATOMIC_RELEASE);
	__atomic_store_n(va_bucket(t, va), p, __ATOMIC_RELEASE);
	return p;
}

/* v contains text of the kind that is patched: see patch.h. */
static bool is_suitable(const struct vma *v, u64 at)
{
	return v && v->start <= at && vma_window(v) && !(v->flags & VMA_SHARED) &&
	       !(vma_traits(v) & (VM_MANAGED | VM_SPECIAL | VM_ALIASED)) &&
	       (v->prot & (PROT_EXEC | PROT_WRITE)) == PROT_EXEC;
}

/* Returns the live record at va of the page whose GPA, in the page table, is gpa; or NULL. */
static struct patch_page *record_find(struct patch_table *t, u64 va, u64 gpa)
{
	struct patch_page *p = __atomic_load_n(va_bucket(t, va), __ATOMIC_ACQUIRE);

	va = ALIGN_DOWN(va, PAGE_SIZE);
	while (p && (p->va != va || READ_ONCE(p->dead) ||
		     gpa != (p->copy ? p->copy : READ_ONCE(p->text->original))))
		p = p->next_va;
	return p;
}

/*
 * Makes the record of a page of original text. The text is shared if the page belongs to a text
 * copy, and if this address space does not have the text at another address.
 */
static struct patch_page *record_new(struct patch_table *t, const struct vma *v, u64 va, u64 gpa)
{
	u64 page = ALIGN_DOWN(va, PAGE_SIZE), cached = 0, low, high;
	struct patch_text *text = NULL;
	struct patch_page *p;

	ASSERT_HELD(&patch_lock);
	patch_plan_range(v, page, &low, &high);
	if (text_fits(v))
		cached = text_peek(v, v->offset + (page - v->start));
	if (cached == gpa) {
		text = patch_text_find(gpa, low, high);
		if (!text)
			text = patch_text_new(gpa, low, high, true);
		if (text && page_of_text(t, text)) {
			patch_text_put(text);
			text = NULL;
		}
	}
	if (cached)
		frame_put(cached);
	if (!text)
		text = patch_text_new(gpa, low, high, false);
	if (!text)
		return NULL;
	p = record_add(t, page, text);
	patch_text_put(text);
	return p;
}

/* Returns the GPA of the 4 KiB page at va that is mapped, or 0. mm.lock is held. */
static u64 mapped_page(struct mm *mm, u64 va)
{
	struct pt_leaf leaf;

	if (!pt_find(mm, va, &leaf) || !(*leaf.entry & PTE_P))
		return 0;
	return leaf.size == PAGE_SIZE
		       ? pt_gpa(*leaf.entry)
		       : pt_gpa(*leaf.entry & ~PTE_PS) + (ALIGN_DOWN(va, PAGE_SIZE) - leaf.va);
}

/*
 * Stops the program's other threads until go_on: their vCPUs come into the kernel and wait in
 * patch_resume before they leave it. mm.lock is held.
 */
static void stop_others(struct mm *mm)
{
	__atomic_store_n(&mm->patches->busy, 1, __ATOMIC_SEQ_CST);
	mm_stop_others(mm);
}

static void go_on(struct mm *mm)
{
	__atomic_store_n(&mm->patches->busy, 0, __ATOMIC_SEQ_CST);
}

/* Maps the text's newest page. entry: the leaf. Other threads are stopped. */
static void show(struct mm *mm, const struct vma *v, struct patch_page *p, u64 *entry)
{
	u64 old = p->copy;

	ASSERT_HELD(&patch_lock);
	frame_get(p->text->copy);
	if (!old)
		p->original = *entry;
	p->version = p->text->version;
	WRITE_ONCE(p->copy, p->text->copy);
	pt_set(mm, entry, pt_value(v, p->copy, PTE_OWNED));
	mm_flush(mm, p->va, p->va + PAGE_SIZE);
	if (old)
		frame_put(old);
}

/* Returns a frame with the text's newest bytes that nothing maps, to write a jump into. 0: none. */
static u64 newest_copy(const struct patch_text *t, u64 leaf)
{
	u64 from = t->copy ? t->copy : pt_gpa(leaf), gpa = frame_alloc(0, FRAME_USER);

	if (gpa && arch_copy(phys_to_virt(gpa), phys_to_virt(from), PAGE_SIZE)) {
		frame_put(gpa);
		return 0;
	}
	return gpa;
}

/*
 * Writes the jump into the text's newest page if only this address space shows it, else into a
 * copy, which becomes the newest page; and maps that. Returns false if there is no memory.
 */
static bool write_jump(struct mm *mm, const struct vma *v, struct patch_page *p,
		       struct patch_site *s, const struct call_site *site, u32 slot)
{
	struct patch_text *t = p->text;
	u64 *entry = pt_alloc(mm, p->va), gpa;
	/* References: the text's, and that of this address space's leaf. */
	bool alone = t->copy && p->copy == t->copy && frame_refs(t->copy) == 2;

	ASSERT_HELD(&patch_lock);
	if (!entry || !(*entry & PTE_P))
		return false;
	gpa = alone ? t->copy : newest_copy(t, *entry);
	if (!gpa)
		return false;
	stop_others(mm);
	call_site_jump(site, slot, (u8 *)phys_to_virt(gpa) + s->offset - site->before);
	s->site = *site;
	s->slot = slot;
	s->since = ++t->version;
	__atomic_store_n(&s->state, SITE_PATCHED, __ATOMIC_RELEASE);
	if (alone) {
		p->version = t->version;
	} else {
		u64 old = t->copy;

		t->copy = gpa;
		show(mm, v, p, entry);
		if (old)
			frame_put(old);
	}
	go_on(mm);
	return true;
}

/* Returns whether the plan for s would write over the jump of another site of the text. */
static bool overlaps(const struct patch_text *t, const struct patch_site *s,
		     const struct call_site *site)
{
	u32 start = s->offset - site->before;

	for (struct patch_site *o = patch_sites(t); o; o = o->next) {
		u32 other = o->offset - o->site.before;

		if (patch_site_state(o) == SITE_PATCHED && start < other + o->site.size &&
		    other < start + site->size)
			return true;
	}
	return false;
}

static void patch(struct mm *mm, const struct vma *v, struct patch_page *p, struct patch_site *s)
{
	u64 at = p->va + s->offset;
	struct call_site site;
	u32 slot = patch_plan(mm, v, p->text, at, &site);

	if (slot && !overlaps(p->text, s, &site) && write_jump(mm, v, p, s, &site, slot)) {
		STATS_INC(sites_patched);
		return;
	}
	if (slot)
		stub_free(slot);
	__atomic_store_n(&s->state, SITE_REFUSED, __ATOMIC_RELEASE);
	STATS_INC(sites_refused);
	klog(1, "the instruction at %#lx, SYSCALL or CPUID, stays", at);
}

/* Maps the text's newest page, without a flush. entry: the leaf of p, which has another page. */
static void show_newest(struct mm *mm, const struct vma *v, struct patch_page *p, u64 *entry)
{
	ASSERT_HELD(&patch_lock);
	if (p->copy)
		frame_put(p->copy);
	else
		p->original = *entry;
	frame_get(p->text->copy);
	p->version = p->text->version;
	WRITE_ONCE(p->copy, p->text->copy);
	pt_set(mm, entry, pt_value(v, p->copy, PTE_OWNED));
}

/*
 * Returns the record of a page of original text that a leaf of v shows, if other address spaces
 * have made jumps in it: an old or a new record. NULL: there are no jumps to take, or there is no
 * memory.
 */
static struct patch_page *record_with_jumps(struct mm *mm, const struct vma *v,
					    const struct pt_leaf *leaf)
{
	u64 gpa = pt_gpa(*leaf->entry), low, high;
	struct patch_page *p = NULL;
	struct patch_text *text;
	struct patch_table *t;

	patch_plan_range(v, leaf->va, &low, &high);
	text = patch_text_find(gpa, low, high);
	if (!text)
		return NULL;
	t = text->copy ? table_get(mm) : NULL;
	if (t && !t->stopped)
		p = record_find(t, leaf->va, gpa);
	if (t && !t->stopped && !p && !page_of_text(t, text))
		p = record_add(t, leaf->va, text);
	if (p && p->text != text)
		p = NULL;
	patch_text_put(text);
	return p;
}

/*
 * Takes, for the text of v in [start, end), the pages with jumps that other address spaces have
 * made, where the original is mapped. Adds their addresses to flush.
 */
static void take_jumps(struct mm *mm, const struct vma *v, u64 start, u64 end,
		       struct pt_flush *flush)
{
	struct pt_leaf leaf;

	ASSERT_HELD(&patch_lock);
	for (u64 va = start; pt_next(mm, va, end, &leaf); va = leaf.va + leaf.size) {
		struct patch_page *p;

		if (leaf.size != PAGE_SIZE ||
		    (*leaf.entry & (PTE_P | PTE_OWNED)) != (PTE_P | PTE_OWNED))
			continue;
		p = record_with_jumps(mm, v, &leaf);
		if (!p)
			continue;
		show_newest(mm, v, p, leaf.entry);
		pt_flush_add(flush, leaf.va, leaf.va + PAGE_SIZE);
		STATS_INC(pages_adopted);
	}
}

void patch_exec(struct mm *mm)
{
	struct pt_flush flush = PT_FLUSH_INIT;

	ASSERT_HELD(&mm->lock);
	mutex_lock(&patch_lock);
	for (struct vma *v = vma_first(mm); v; v = vma_next(v))
		if (is_suitable(v, v->start) && text_fits(v))
			take_jumps(mm, v, v->start, v->end, &flush);
	mutex_unlock(&patch_lock);
}

void patch_mapped(struct mm *mm, u64 va, u64 size)
{
	struct pt_flush flush = PT_FLUSH_INIT; /* nothing: no CPU has seen the entries */
	const struct vma *v = vma_find(mm, va);

	ASSERT_HELD(&mm->lock);
	mutex_lock(&patch_lock);
	if (is_suitable(v, va) && text_fits(v))
		take_jumps(mm, v, va, va + size, &flush);
	mutex_unlock(&patch_lock);
}

/*
 * Another address space has patched the site: maps the page that has its jump, and with it the
 * other pages of the text that have some, because one flush is cheaper than a SYSCALL and a flush
 * for each.
 */
static void adopt(struct mm *mm, const struct vma *v, struct patch_page *p)
{
	struct pt_flush flush = PT_FLUSH_INIT;
	u64 *entry = pt_alloc(mm, p->va);

	ASSERT_HELD(&patch_lock);
	if (!entry || !(*entry & PTE_P))
		return;
	stop_others(mm);
	if (text_fits(v))
		take_jumps(mm, v, v->start, v->end, &flush);
	pt_flush_now(mm, &flush);
	if (p->copy != p->text->copy) {
		show(mm, v, p, entry);
		STATS_INC(pages_adopted);
	}
	go_on(mm);
}

/* Finds or makes the record and the site of a SYSCALL that v contains. Returns NULL: none. */
static struct patch_site *site_get(struct mm *mm, const struct vma *v, u64 at,
				   struct patch_page **page)
{
	u64 gpa = mapped_page(mm, at);
	struct patch_table *t = table_get(mm);
	struct patch_page *p = t && gpa ? record_find(t, at, gpa) : NULL;
	struct patch_site *s;

	if (t && gpa && !p)
		p = record_new(t, v, at, gpa);
	s = p ? patch_site_find(p->text, at) : NULL;
	if (p && !s && (p->text->shared || t->sites < SITES_MAX)) {
		s = patch_site_add(p->text, at);
		if (s && !p->text->shared)
			t->sites++;
	}
	*page = p;
	return s;
}

/* Counts a call of the SYSCALL at address at. Returns whether the site is to be patched. */
static bool count(struct mm *mm, const struct vma *v, u64 at, u64 nr)
{
	struct patch_page *p;
	struct patch_site *s;
	bool ready = false;

	mutex_lock(&patch_lock);
	s = site_get(mm, v, at, &p);
	if (s && s->state == SITE_SEEN && nr == NR_SIGRETURN)
		s->state = SITE_REFUSED;
	if (s && s->state == SITE_SEEN)
		ready = ++s->calls >= PATCH_AT_CALL;
	else if (s && s->state == SITE_PATCHED && !(p->copy && s->since <= p->version))
		adopt(mm, v, p);
	mutex_unlock(&patch_lock);
	return ready;
}

/* Returns whether the SYSCALL at address at is one that stays. Without a lock. */
static bool is_refused(struct patch_table *t, u64 at)
{
	struct patch_page *p = __atomic_load_n(va_bucket(t, at), __ATOMIC_ACQUIRE);
	u64 va = ALIGN_DOWN(at, PAGE_SIZE);
	struct patch_site *s;

	while (p && (p->va != va || READ_ONCE(p->dead)))
		p = p->next_va;
	s = p ? patch_site_find(p->text, at) : NULL;
	return s && patch_site_state(s) == SITE_REFUSED;
}

void patch_note(struct mm *mm, u64 at, u64 nr)
{
	struct patch_table *t = table_of(mm);
	struct patch_page *p;
	struct patch_site *s;
	struct vma *v;

	if (t && (READ_ONCE(t->stopped) || is_refused(t, at))) {
		STATS_ADD(calls_refused, nr != PATCH_CPUID);
		return;
	}
	mutex_lock(&mm->lock);
	v = vma_find(mm, at);
	if (is_suitable(v, at) && count(mm, v, at, nr)) {
		patch_plan_prepare(mm, v, at);
		mutex_lock(&patch_lock);
		s = site_get(mm, v, at, &p);
		if (s && s->state == SITE_SEEN)
			patch(mm, v, p, s);
		mutex_unlock(&patch_lock);
	}
	mutex_unlock(&mm->lock);
}

u64 patch_resume(struct mm *mm, u64 rip, u64 *end)
{
	struct patch_table *t = table_of(mm);
	struct patch_page *p;

	if (!t)
		return rip;
	if (__atomic_load_n(&t->busy, __ATOMIC_SEQ_CST)) {
		mutex_lock(&mm->lock);
		mutex_unlock(&mm->lock);
	}
	p = patched_at(t, rip);
	for (struct patch_site *s = p ? patch_sites(p->text) : NULL; s; s = s->next) {
		u64 offset;

		if (patch_site_state(s) != SITE_PATCHED || s->since > p->version)
			continue;
		offset = rip - (p->va + s->offset - s->site.before);
		/* At the SYSCALL itself, the stub is faster even if the SYSCALL is still there. */
		if (!offset || (offset >= s->site.size && offset != s->site.before))
			continue;
		*end = p->va + s->offset + SYSCALL_SIZE + s->site.after;
		return stub_address(s->slot, &s->site, (u32)offset);
	}
	return rip;
}

bool patch_has(struct mm *mm, u64 at)
{
	struct patch_table *t = table_of(mm);

	return t && patched_site(patched_at(t, at), at);
}

u64 patch_address(struct mm *mm, const void *text)
{
	struct patch_table *t = table_of(mm);
	struct patch_page *p = t ? page_of_text(t, text) : NULL;

	return p ? p->va : 0;
}

u64 patch_original(struct mm *mm, u64 va, u64 entry)
{
	struct patch_page *p;

	if (!mm->patches || (entry & (PTE_NX | PTE_PS)))
		return entry;
	p = patched_at(mm->patches, va);
	return p && p->copy == pt_gpa(entry) ? p->original : entry;
}

/*
 * The page at the record's address will be another one. A shared text may be shown there again; a
 * private one has no page any more.
 */
static void forget(struct patch_page *p)
{
	struct patch_text *t = p->text;

	ASSERT_HELD(&patch_lock);
	WRITE_ONCE(p->copy, 0);
	if (t->shared)
		return;
	WRITE_ONCE(p->dead, true);
	if (t->refs == 1 && t->copy) {
		frame_put(t->copy);
		t->copy = 0;
	}
}

static void undo(struct mm *mm, struct patch_page *p)
{
	struct vma *v = vma_find(mm, p->va);
	u64 copy = p->copy, *entry;

	if (copy) {
		entry = pt_alloc(mm, p->va);
		/* The leaf exists, so pt_alloc makes no tables and cannot fail. */
		KASSERT(entry && v && pt_gpa(*entry) == copy);
		pt_set(mm, entry, pt_value(v, pt_gpa(p->original), p->original & PTE_OWNED));
	}
	forget(p);
	if (copy) {
		mm_flush(mm, p->va, p->va + PAGE_SIZE);
		frame_put(copy);
	}
}

static void drop(struct mm *mm, struct patch_page *p)
{
	bool original = p->copy && (p->original & PTE_OWNED);

	(void)mm;
	forget(p);
	if (original)
		frame_put(pt_gpa(p->original));
}

static void for_pages(struct mm *mm, u64 start, u64 end,
		      void (*fn)(struct mm *mm, struct patch_page *p))
{
	ASSERT_HELD(&mm->lock);
	if (!mm->patches)
		return;
	mutex_lock(&patch_lock);
	for (u32 i = 0; i < BUCKETS; i++)
		for (struct patch_page *p = mm->patches->by_va[i]; p; p = p->next_va)
			if (p->va >= ALIGN_DOWN(start, PAGE_SIZE) && p->va < end && !p->dead)
				fn(mm, p);
	mutex_unlock(&patch_lock);
}

void patch_undo(struct mm *mm, u64 start, u64 end)
{
	for_pages(mm, start, end, undo);
}

void patch_undo_at(struct mm *mm, u64 rip)
{
	mutex_lock(&mm->lock);
	patch_undo(mm, rip, rip + 1);
	mutex_unlock(&mm->lock);
}

void patch_stop(struct mm *mm, u64 rip)
{
	mutex_lock(&mm->lock);
	if (mm->patches)
		WRITE_ONCE(mm->patches->stopped, true);
	patch_undo(mm, rip, rip + 1);
	mutex_unlock(&mm->lock);
}

void patch_forget(struct mm *mm, u64 start, u64 end)
{
	for_pages(mm, start, end, drop);
}

/*
 * Gives the child a record of a page whose text it maps too. The child begins with the text's
 * newest page: the jumps that the parent lacks are probably those that other children have made.
 */
static int fork_page(struct mm *child, const struct patch_page *from, struct pt_leaf *leaf)
{
	const struct vma *v = vma_find(child, from->va);
	struct patch_page *p = record_add(child->patches, from->va, from->text);

	if (!p)
		return -ENOMEM;
	if (from->copy && (from->original & PTE_OWNED))
		frame_get(pt_gpa(from->original));
	p->original = from->original;
	p->version = from->version;
	p->copy = from->copy;
	if (from->text->copy && from->text->copy != from->copy && is_suitable(v, from->va))
		show_newest(child, v, p, leaf->entry);
	return 0;
}

int patch_fork(struct mm *child, struct mm *mm)
{
	struct patch_table *t;
	struct pt_leaf leaf = {0};
	int err = 0;

	ASSERT_HELD(&mm->lock);
	if (!mm->patches)
		return 0;
	t = child->patches = kzalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->stopped = mm->patches->stopped;
	mutex_lock(&patch_lock);
	for (u32 i = 0; i < BUCKETS && !err; i++)
		for (struct patch_page *p = mm->patches->by_va[i]; p && !err; p = p->next_va)
			if (!p->dead && pt_find(child, p->va, &leaf) && leaf.size == PAGE_SIZE &&
			    pt_gpa(*leaf.entry) == (p->copy ? p->copy : p->text->original))
				err = fork_page(child, p, &leaf);
	mutex_unlock(&patch_lock);
	return err;
}

void patch_free(struct mm *mm)
{
	struct patch_table *t = mm->patches;

	if (!t)
		return;
	mutex_lock(&patch_lock);
	for (u32 i = 0; i < BUCKETS; i++) {
		struct patch_page *p = t->by_va[i], *next;

		for (; p; p = next) {
			next = p->next_va;
			patch_text_put(p->text);
			if (p->copy && (p->original & PTE_OWNED))
				frame_put(pt_gpa(p->original));
			kfree(p);
		}
	}
	mutex_unlock(&patch_lock);
	kfree(t);
	mm->patches = NULL;
}
