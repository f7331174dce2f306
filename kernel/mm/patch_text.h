/* SPDX-License-Identifier: MIT */
/*
 * Texts: what is known about the SYSCALL instructions of one page of code, and the page with the
 * jumps in it.
 *
 * A text is shared or private. A shared one belongs to a page of a text copy (text_cache.h), and
 * all address spaces that map this page as the same part of a program or library use it: a process
 * that executes a site that another one has patched gets the page with all jumps. A private one
 * belongs to one address space, and to the children that it forks: its page is in no text copy, or
 * the address space shows the page at a second address.
 *
 * A page with jumps is not changed while more than one address space may show it. The next site
 * goes into a copy of it, and the text's version grows: an address space has all sites that are
 * not newer than the version it shows.
 */
#ifndef KERNEL_MM_PATCH_TEXT_H
#define KERNEL_MM_PATCH_TEXT_H

#include "kernel/arch/x86_64/call_site.h"
#include "kernel/lock.h"

struct mm;
struct vma;

enum site_state {
	SITE_SEEN,    /* executed, not patched */
	SITE_REFUSED, /* cannot be patched with its neighbours */
	SITE_PATCHED,
};

struct patch_site {
	struct patch_site *next;
	u16 offset; /* of the SYSCALL in the page */
	u8 state;   /* enum site_state */
	u32 calls;  /* how often it was seen, in all address spaces */
	/* Set before the state becomes SITE_PATCHED, and never again. */
	u32 slot;  /* of the stub */
	u32 since; /* the text's first version that has the jump */
	struct call_site site;
};

struct patch_text {
	struct patch_text *next;  /* shared: of the same bucket */
	struct patch_site *sites; /* only added to, and read without a lock */
	u64 original;		  /* GPA of the page without jumps */
	u64 low, high;		  /* bytes of the file that a plan may look at */
	u64 copy;		  /* GPA of the newest page with jumps: a reference; 0: none */
	u32 version;		  /* of copy */
	u32 refs;		  /* one for each address space, and one while it can be found */
	u32 count;		  /* of sites */
	bool shared;
};

/* Protects texts and what leads to them, except for readers of sites. */
extern struct mutex patch_lock;

/* The _find and _new functions return a reference for the caller, or NULL. patch_lock is held. */
struct patch_text *patch_text_find(u64 original, u64 low, u64 high);
/* Makes a text; a shared one can be found from then on. */
struct patch_text *patch_text_new(u64 original, u64 low, u64 high, bool shared);
void patch_text_get(struct patch_text *t);
/* At the last put, no thread may be in a stub of the text. patch_lock is held. */
void patch_text_put(struct patch_text *t);

/* Count frames from gpa on are about to be freed: shared texts of them are not found any more. */
void patch_text_retire(u64 gpa, u64 count);

/* The text's first site, or NULL. No lock is needed. */
static inline struct patch_site *patch_sites(const struct patch_text *t)
{
	return __atomic_load_n(&t->sites, __ATOMIC_ACQUIRE);
}

/* Returns the site whose SYSCALL is at this offset in the page, or NULL. No lock is needed. */
struct patch_site *patch_site_find(struct patch_text *t, u64 at);
/* Adds such a site, with state SITE_SEEN. NULL: no memory, or too many. patch_lock is held. */
struct patch_site *patch_site_add(struct patch_text *t, u64 at);

static inline u8 patch_site_state(const struct patch_site *s)
{
	return __atomic_load_n(&s->state, __ATOMIC_ACQUIRE);
}

/*
 * Plans the jump for a SYSCALL at address at in v, and makes its stub. Reads the text of the file
 * if t is shared, else the memory of mm. mm.lock and patch_lock are held. Returns the slot, or 0 if
 * no form fits or no slot or memory is left.
 */
u32 patch_plan(struct mm *mm, const struct vma *v, struct patch_text *t, u64 at,
	       struct call_site *site);
/*
 * Faults in what patch_plan may read, and brings it into the text cache. mm.lock is held, and
 * patch_lock is not.
 */
void patch_plan_prepare(struct mm *mm, const struct vma *v, u64 at);

/* Sets the range of v's file that a plan for a site in the page at va may look at. */
void patch_plan_range(const struct vma *v, u64 va, u64 *low, u64 *high);

#endif
