// SPDX-License-Identifier: MIT
/*
 * See patch.h. Records of sites and pages are added but never removed while the address space
 * lives, because threads that leave the kernel read them without a lock. A site that is no longer
 * patched keeps its stub until the address space ends, because a thread may be in the stub.
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

#define BUCKETS	      64
#define SITES_MAX     2048 /* most records of an address space */
#define PATCH_AT_CALL 2	   /* a site is patched at this call: a patch costs several SYSCALLs */
#define NR_SIGRETURN  15   /* unwinders recognize the caller by its bytes: never patched */

enum site_state {
	SITE_SEEN,    /* executed, not patched */
	SITE_REFUSED, /* cannot be patched with its present neighbours */
	SITE_PATCHED,
	SITE_GONE, /* was patched; the record keeps the stub */
};

struct patch_site {
	struct patch_site *next; /* of the same page */
	u64 at;			 /* address of the SYSCALL */
	u32 slot;		 /* of the stub: SITE_PATCHED and SITE_GONE hold a reference */
	u32 calls;
	struct call_site site;
	u8 state; /* enum site_state */
};

struct patch_page {
	struct patch_page *next;
	u64 va;
	struct patch_site *sites;
	u64 copy;     /* GPA of the copy that is mapped; 0: the original is mapped */
	u64 original; /* if copy is not 0: the original's leaf, whose reference this holds */
};

struct patch_table {
	struct patch_page *bucket[BUCKETS];
	u32 sites;
	u32 busy; /* text is being changed: threads wait in patch_resume */
};

static struct patch_page **bucket_of(struct patch_table *t, u64 va)
{
	return &t->bucket[(va >> PAGE_SHIFT) % BUCKETS];
}

static struct patch_page *page_find(struct patch_table *t, u64 va)
{
	struct patch_page *p;

	va = ALIGN_DOWN(va, PAGE_SIZE);
	for (p = __atomic_load_n(bucket_of(t, va), __ATOMIC_ACQUIRE); p; p = p->next)
		if (p->va == va)
			return p;
	return NULL;
}

static struct patch_site *first_site(struct patch_page *p)
{
	return __atomic_load_n(&p->sites, __ATOMIC_ACQUIRE);
}

static u8 state_of(const struct patch_site *s)
{
	return __atomic_load_n(&s->state, __ATOMIC_ACQUIRE);
}

static void set_state(struct patch_site *s, enum site_state state)
{
	__atomic_store_n(&s->state, state, __ATOMIC_RELEASE);
}

/* Returns the site whose SYSCALL is at this address, or NULL. Skips those that are SITE_GONE. */
static struct patch_site *site_find(struct patch_table *t, u64 at)
{
	struct patch_page *p = page_find(t, at);

	for (struct patch_site *s = p ? first_site(p) : NULL; s; s = s->next)
		if (s->at == at && state_of(s) != SITE_GONE)
			return s;
	return NULL;
}

/*
 * The _get functions and site_add find or make a record. mm.lock is held. NULL: no memory, or
 * SITES_MAX is reached.
 */
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

static struct patch_page *page_get(struct patch_table *t, u64 va)
{
	struct patch_page *p = page_find(t, va), **bucket;

	if (p)
		return p;
	p = kzalloc(sizeof(*p));
	if (!p)
		return NULL;
	p->va = ALIGN_DOWN(va, PAGE_SIZE);
	bucket = bucket_of(t, p->va);
	p->next = *bucket;
	__atomic_store_n(bucket, p, __ATOMIC_RELEASE);
	return p;
}

static struct patch_site *site_add(struct patch_table *t, struct patch_page *p,
				   const struct patch_site *what)
{
	struct patch_site *s = t->sites < SITES_MAX ? kmalloc(sizeof(*s)) : NULL;

	if (!s)
		return NULL;
	t->sites++;
	*s = *what;
	s->next = p->sites;
	__atomic_store_n(&p->sites, s, __ATOMIC_RELEASE);
	return s;
}

/* v contains text of the kind that is patched: see patch.h. */
static bool is_suitable(const struct vma *v, u64 at)
{
	return v && v->start <= at && vma_window(v) && !(v->flags & VMA_SHARED) &&
	       !(vma_traits(v) & (VM_MANAGED | VM_SPECIAL | VM_ALIASED)) &&
	       (v->prot & (PROT_EXEC | PROT_WRITE)) == PROT_EXEC;
}

/* Returns the leaf of a page of text as readers see it; faults it in. 0: the page is missing. */
static u64 leaf_of(struct mm *mm, u64 va)
{
	struct mm_fault_info info;
	struct pt_leaf leaf;

	if (!pt_find(mm, va, &leaf) && mm_fault_locked(mm, va, MM_READ, &info) < 0)
		return 0;
	if (!pt_find(mm, va, &leaf) || !(*leaf.entry & PTE_P))
		return 0;
	if (leaf.size == PAGE_SIZE)
		return patch_original(mm, va, *leaf.entry);
	return (*leaf.entry & ~PTE_PS) + (va - leaf.va);
}

/* A copy of the text around a SYSCALL. */
struct text_window {
	u8 *bytes;
	u64 start, end;
};

/*
 * Copies the text from side bytes before at to side bytes after it, or the part around at that can
 * be read. Returns false if the SYSCALL cannot be read.
 */
static bool read_window(struct mm *mm, const struct vma *v, u64 at, u64 side, struct text_window *w)
{
	u64 low = MAX(v->start, at - side), high = MIN(v->end, at + side);

	w->start = w->end = low;
	while (w->end < high) {
		u64 page = ALIGN_DOWN(w->end, PAGE_SIZE), leaf = leaf_of(mm, page);
		u64 n = MIN(high, page + PAGE_SIZE) - w->end;

		if (leaf && arch_copy(w->bytes + (w->end - w->start),
				      (char *)phys_to_virt(pt_gpa(leaf)) + (w->end - page), n) == 0)
			w->end += n;
		else if (page >= ALIGN_DOWN(at, PAGE_SIZE))
			break;
		else
			w->start = w->end = page + PAGE_SIZE;
	}
	return w->end >= at + SYSCALL_SIZE;
}

/* Plans the jump from side bytes of text on each side, and makes its stub. Slot, or 0: none. */
static u32 make_stub(struct mm *mm, const struct vma *v, u64 at, u64 side, struct call_site *site)
{
	struct text_window w = {.bytes = kmalloc(2 * side)};
	u64 page = ALIGN_DOWN(at, PAGE_SIZE);
	bool near = side == SITE_NEAR_SIDE;
	u32 slot = 0;

	if (w.bytes && read_window(mm, v, at, side, &w)) {
		u32 size = (u32)(w.end - w.start), offset = (u32)(at - w.start);
		u32 low = (u32)(MAX(page, w.start) - w.start);
		u32 high = (u32)(MIN(page + PAGE_SIZE, w.end) - w.start);

		if (near ? call_site_plan_near(w.bytes, size, offset, low, high, site)
			 : call_site_plan(w.bytes, size, offset, low, high, site))
			slot = stub_new(at - site->before, site, w.bytes + offset - site->before);
	}
	kfree(w.bytes);
	return slot;
}

/* Returns a frame with the page's bytes that nothing else maps, to write a jump into. 0: none. */
static u64 own_copy(const struct patch_page *p, u64 leaf)
{
	u64 from = p->copy ? p->copy : pt_gpa(leaf), gpa;

	if (p->copy && frame_range_unshared(p->copy, 1))
		return p->copy;
	gpa = frame_alloc(0, FRAME_USER);
	if (gpa && arch_copy(phys_to_virt(gpa), phys_to_virt(from), PAGE_SIZE)) {
		frame_put(gpa);
		return 0;
	}
	return gpa;
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

/*
 * Writes the jump into a copy of the page and maps the copy. Returns true with the other threads
 * stopped; the caller calls go_on. Returns false if there is no memory.
 */
static bool write_jump(struct mm *mm, const struct vma *v, struct patch_page *p,
		       const struct call_site *site, u64 at, u32 slot)
{
	u64 *entry = pt_alloc(mm, p->va), gpa, old;

	if (!entry || !(*entry & PTE_P))
		return false;
	gpa = own_copy(p, *entry);
	if (!gpa)
		return false;
	stop_others(mm);
	call_site_jump(site, slot, (u8 *)phys_to_virt(gpa) + (at - p->va) - site->before);
	if (gpa != p->copy) {
		old = p->copy;
		if (!old)
			p->original = *entry;
		WRITE_ONCE(p->copy, gpa);
		pt_set(mm, entry, pt_value(v, gpa, PTE_OWNED));
		mm_flush(mm, p->va, p->va + PAGE_SIZE);
		if (old)
			frame_put(old);
	}
	return true;
}

static void patch(struct mm *mm, struct patch_page *p, struct patch_site *s)
{
	struct vma *v = vma_find(mm, s->at);
	u32 slot = 0;

	if (is_suitable(v, s->at)) {
		slot = make_stub(mm, v, s->at, SITE_NEAR_SIDE, &s->site);
		if (!slot)
			slot = make_stub(mm, v, s->at, SITE_WINDOW_SIDE, &s->site);
	}
	if (slot && !write_jump(mm, v, p, &s->site, s->at, slot)) {
		stub_put(slot);
		slot = 0;
	}
	if (!slot) {
		set_state(s, SITE_REFUSED);
		STATS_INC(sites_refused);
		klog(1, "the system call at %#lx stays a SYSCALL", s->at);
		return;
	}
	s->slot = slot;
	set_state(s, SITE_PATCHED);
	go_on(mm);
	STATS_INC(sites_patched);
}

void patch_note(struct mm *mm, u64 at, u64 nr)
{
	struct patch_table *t = __atomic_load_n(&mm->patches, __ATOMIC_ACQUIRE);
	struct patch_site *s = t ? site_find(t, at) : NULL;
	struct patch_page *p;

	if (s && state_of(s) != SITE_SEEN) {
		if (state_of(s) == SITE_REFUSED)
			STATS_INC(calls_refused);
		return;
	}
	mutex_lock(&mm->lock);
	t = table_get(mm);
	p = t ? page_get(t, at) : NULL;
	s = p ? site_find(t, at) : NULL;
	if (p && !s)
		s = site_add(t, p, &(struct patch_site){.at = at});
	if (s && nr == NR_SIGRETURN)
		set_state(s, SITE_REFUSED);
	if (s && s->state == SITE_SEEN && ++s->calls >= PATCH_AT_CALL)
		patch(mm, p, s);
	mutex_unlock(&mm->lock);
}

u64 patch_resume(struct mm *mm, u64 rip)
{
	struct patch_table *t = __atomic_load_n(&mm->patches, __ATOMIC_ACQUIRE);
	struct patch_page *p;

	if (!t)
		return rip;
	if (__atomic_load_n(&t->busy, __ATOMIC_SEQ_CST)) {
		mutex_lock(&mm->lock);
		mutex_unlock(&mm->lock);
	}
	p = page_find(t, rip);
	if (!p || !READ_ONCE(p->copy))
		return rip;
	for (struct patch_site *s = first_site(p); s; s = s->next) {
		u64 offset = rip - (s->at - s->site.before);

		/* At the SYSCALL itself, the stub is faster even if the SYSCALL is still there. */
		if (offset && (offset < s->site.size || offset == s->site.before) &&
		    state_of(s) == SITE_PATCHED)
			return stub_address(s->slot, &s->site, (u32)offset);
	}
	return rip;
}

bool patch_has(struct mm *mm, u64 at)
{
	struct patch_table *t = __atomic_load_n(&mm->patches, __ATOMIC_ACQUIRE);
	struct patch_site *s = t ? site_find(t, at) : NULL;

	return s && state_of(s) == SITE_PATCHED;
}

u64 patch_original(struct mm *mm, u64 va, u64 entry)
{
	struct patch_page *p;

	if (!mm->patches || (entry & (PTE_NX | PTE_PS)))
		return entry;
	p = page_find(mm->patches, va);
	return p && p->copy && p->copy == pt_gpa(entry) ? p->original : entry;
}

/* Makes the page's sites as if they had never been executed. */
static void forget_sites(struct patch_page *p)
{
	for (struct patch_site *s = p->sites; s; s = s->next) {
		if (s->state == SITE_PATCHED)
			set_state(s, SITE_GONE);
		if (s->state == SITE_REFUSED)
			set_state(s, SITE_SEEN);
	}
}

static void undo(struct mm *mm, struct patch_page *p)
{
	struct vma *v = vma_find(mm, p->va);
	u64 copy = p->copy, *entry;

	forget_sites(p);
	if (!copy)
		return;
	entry = pt_alloc(mm, p->va);
	/* The leaf exists, so pt_alloc makes no tables and cannot fail. */
	KASSERT(entry && v && pt_gpa(*entry) == copy);
	pt_set(mm, entry, pt_value(v, pt_gpa(p->original), p->original & PTE_OWNED));
	WRITE_ONCE(p->copy, 0);
	mm_flush(mm, p->va, p->va + PAGE_SIZE);
	frame_put(copy);
}

static void drop(struct mm *mm, struct patch_page *p)
{
	(void)mm;
	forget_sites(p);
	if (!p->copy)
		return;
	WRITE_ONCE(p->copy, 0);
	if (p->original & PTE_OWNED)
		frame_put(pt_gpa(p->original));
}

static void for_pages(struct mm *mm, u64 start, u64 end,
		      void (*fn)(struct mm *mm, struct patch_page *p))
{
	ASSERT_HELD(&mm->lock);
	if (!mm->patches)
		return;
	for (u32 i = 0; i < BUCKETS; i++)
		for (struct patch_page *p = mm->patches->bucket[i]; p; p = p->next)
			if (p->va >= ALIGN_DOWN(start, PAGE_SIZE) && p->va < end)
				fn(mm, p);
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

void patch_forget(struct mm *mm, u64 start, u64 end)
{
	for_pages(mm, start, end, drop);
}

/* Gives the child's table a record of a patched page that the child maps too. */
static int fork_page(struct patch_table *t, const struct patch_page *from)
{
	struct patch_page *p = page_get(t, from->va);

	if (!p)
		return -ENOMEM;
	if (from->original & PTE_OWNED)
		frame_get(pt_gpa(from->original));
	p->original = from->original;
	p->copy = from->copy;
	for (const struct patch_site *s = from->sites; s; s = s->next) {
		if (s->state == SITE_GONE)
			continue;
		if (!site_add(t, p, s))
			return -ENOMEM;
		if (s->state == SITE_PATCHED)
			stub_get(s->slot);
	}
	return 0;
}

int patch_fork(struct mm *child, struct mm *mm)
{
	struct patch_table *t;
	struct pt_leaf leaf;
	int err = 0;

	ASSERT_HELD(&mm->lock);
	if (!mm->patches)
		return 0;
	t = child->patches = kzalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	for (u32 i = 0; i < BUCKETS && !err; i++)
		for (struct patch_page *p = mm->patches->bucket[i]; p && !err; p = p->next)
			if (p->copy && pt_find(child, p->va, &leaf) && leaf.size == PAGE_SIZE &&
			    pt_gpa(*leaf.entry) == p->copy)
				err = fork_page(t, p);
	return err;
}

void patch_free(struct mm *mm)
{
	struct patch_table *t = mm->patches;

	if (!t)
		return;
	for (u32 i = 0; i < BUCKETS; i++) {
		struct patch_page *p = t->bucket[i], *next_page;

		for (; p; p = next_page) {
			struct patch_site *s = p->sites, *next;

			next_page = p->next;
			for (; s; s = next) {
				next = s->next;
				if (s->slot)
					stub_put(s->slot);
				kfree(s);
			}
			if (p->copy && (p->original & PTE_OWNED))
				frame_put(pt_gpa(p->original));
			kfree(p);
		}
	}
	kfree(t);
	mm->patches = NULL;
}
