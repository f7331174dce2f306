// SPDX-License-Identifier: MIT
/* See patch_text.h. */
#include "kernel/mm/patch_text.h"
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/stubs.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/kmalloc.h"

#define BUCKETS	   1024
#define SITES_MAX  256	 /* most sites of a page */
#define SHARED_MAX 65536 /* most sites of all shared texts */

struct mutex patch_lock = MUTEX_INIT(LOCK_PATCH);
static struct patch_text *buckets[BUCKETS];
static u32 shared_sites GUARDED_BY(patch_lock);

static struct patch_text **bucket_of(u64 gpa)
{
	return &buckets[(gpa >> PAGE_SHIFT) % BUCKETS];
}

/* Returns false if no shared text has its original among count pages from gpa on. Needs no lock. */
static bool perhaps(u64 gpa, u64 count)
{
	for (u64 i = 0; i < MIN(count, BUCKETS); i++)
		if (__atomic_load_n(bucket_of(gpa + i * PAGE_SIZE), __ATOMIC_ACQUIRE))
			return true;
	return false;
}

struct patch_text *patch_text_find(u64 original, u64 low, u64 high)
{
	ASSERT_HELD(&patch_lock);
	for (struct patch_text *t = *bucket_of(original); t; t = t->next)
		if (t->original == original && t->low == low && t->high == high) {
			patch_text_get(t);
			return t;
		}
	return NULL;
}

struct patch_text *patch_text_new(u64 original, u64 low, u64 high, bool shared)
{
	struct patch_text *t = kmalloc(sizeof(*t)), **bucket = bucket_of(original);

	ASSERT_HELD(&patch_lock);
	if (!t)
		return NULL;
	*t = (struct patch_text){
		.original = original,
		.low = low,
		.high = high,
		.refs = 1,
		.shared = shared,
	};
	if (shared) {
		t->refs++;
		t->next = *bucket;
		__atomic_store_n(bucket, t, __ATOMIC_RELEASE);
	}
	return t;
}

void patch_text_get(struct patch_text *t)
{
	ASSERT_HELD(&patch_lock);
	t->refs++;
}

void patch_text_put(struct patch_text *t)
{
	struct patch_site *next;

	ASSERT_HELD(&patch_lock);
	if (--t->refs)
		return;
	for (struct patch_site *s = t->sites; s; s = next) {
		next = s->next;
		if (s->slot)
			stub_free(s->slot);
		kfree(s);
	}
	if (t->shared)
		shared_sites -= t->count;
	if (t->copy)
		frame_put(t->copy);
	kfree(t);
}

static void retire_page(u64 gpa)
{
	struct patch_text **link = bucket_of(gpa), *t;

	ASSERT_HELD(&patch_lock);
	while ((t = *link)) {
		if (t->original != gpa) {
			link = &t->next;
			continue;
		}
		__atomic_store_n(link, t->next, __ATOMIC_RELEASE);
		t->original = 0; /* address spaces that have shown the page keep the text */
		patch_text_put(t);
	}
}

void patch_text_retire(u64 gpa, u64 count)
{
	if (!perhaps(gpa, count))
		return;
	mutex_lock(&patch_lock);
	for (u64 i = 0; i < count; i++)
		retire_page(gpa + i * PAGE_SIZE);
	mutex_unlock(&patch_lock);
}

struct patch_site *patch_site_find(struct patch_text *t, u64 at)
{
	struct patch_site *s = patch_sites(t);

	while (s && s->offset != (at & PAGE_MASK))
		s = s->next;
	return s;
}

struct patch_site *patch_site_add(struct patch_text *t, u64 at)
{
	struct patch_site *s;

	ASSERT_HELD(&patch_lock);
	if (t->count == SITES_MAX || (t->shared && shared_sites == SHARED_MAX))
		return NULL;
	s = kmalloc(sizeof(*s));
	if (!s)
		return NULL;
	*s = (struct patch_site){.next = t->sites, .offset = (u16)(at & PAGE_MASK)};
	__atomic_store_n(&t->sites, s, __ATOMIC_RELEASE);
	t->count++;
	shared_sites += t->shared;
	return s;
}
