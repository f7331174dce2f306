// SPDX-License-Identifier: MIT
/*
 * See stubs.h. The memory of slots is mapped page by page when slots are first used, and is never
 * freed. Free slots are linked through their records.
 */
#include <linux/mman.h>
#include "common/boot_info.h"
#include "kernel/kernel.h"
#include "kernel/lock.h"
#include "kernel/arch/x86_64/arch_needs.h"
#include "kernel/arch/x86_64/ring.h"
#include "kernel/arch/x86_64/stubs.h"

struct stub {
	const void *text; /* the page of text that has the site: stub_new */
	u16 start;	  /* offset of the region in it */
	u16 next_free;
	struct call_site site;
};

#define RECORDS (PAGE_SIZE / sizeof(struct stub)) /* records in a page */

bool stubs_on;
static struct mutex stub_lock = MUTEX_INIT(LOCK_STUBS);
static struct stub *records[PATCH_SLOTS / RECORDS];
static u32 first_free GUARDED_BY(stub_lock), used GUARDED_BY(stub_lock);

_Static_assert(PATCH_SLOTS - 1 <= 0xffff, "next_free is a slot");
_Static_assert(PAGE_SIZE % PATCH_IN_SIZE == 0 && PAGE_SIZE % PATCH_OUT_SIZE == 0, "none crosses");
_Static_assert((PATCH_JUMPS >> 16 & 0xff) == 6 && PATCH_BANK * sizeof(u64) == 0x10000,
	       "a pointer's third byte is 06");

static struct stub *record(u32 slot)
{
	return &records[slot / RECORDS][slot % RECORDS];
}

static u64 in_address(u32 slot)
{
	return PATCH_IN_BASE + (u64)slot * PATCH_IN_SIZE;
}

static u64 out_address(u32 slot)
{
	return PATCH_OUT_BASE + (u64)slot * PATCH_OUT_SIZE;
}

/* Takes a free slot and maps its memory. Returns 0 if there is no slot or no memory. */
static u32 slot_new(void)
{
	u32 slot;

	ASSERT_HELD(&stub_lock);
	slot = first_free;
	if (slot) {
		first_free = record(slot)->next_free;
		return slot;
	}
	slot = used;
	if (slot == PATCH_SLOTS)
		return 0;
	if (!records[slot / RECORDS]) {
		u64 gpa = arch_needs_pages(0);

		if (!gpa)
			return 0;
		records[slot / RECORDS] = phys_to_virt(gpa);
	}
	if (!pagetable_map_stubs(call_site_pointer(slot), false) ||
	    !pagetable_map_stubs(in_address(slot), true) ||
	    !pagetable_map_stubs(out_address(slot), true))
		return 0;
	used++;
	return slot;
}

u32 stub_new(const void *text, u32 start, const struct call_site *s, const u8 *region)
{
	u32 slot;

	mutex_lock(&stub_lock);
	slot = slot_new();
	if (slot) {
		*record(slot) = (struct stub){.text = text, .start = (u16)start, .site = *s};
		call_site_stub_in(s, slot, region, pagetable_map_stubs(in_address(slot), true));
		call_site_stub_out(s, region, pagetable_map_stubs(out_address(slot), true));
		*(u64 *)pagetable_map_stubs(call_site_pointer(slot), false) = in_address(slot);
	}
	mutex_unlock(&stub_lock);
	return slot;
}

void stub_free(u32 slot)
{
	mutex_lock(&stub_lock);
	__atomic_store_n(&record(slot)->text, NULL, __ATOMIC_RELAXED);
	record(slot)->next_free = (u16)first_free;
	first_free = slot;
	mutex_unlock(&stub_lock);
}

u64 stub_address(u32 slot, const struct call_site *s, u32 offset)
{
	/* offset == before: the moved instructions are done, and `in` goes on to the kernel. */
	if (offset <= s->before)
		return in_address(slot) + offset;
	return out_address(slot) + offset - s->before - SYSCALL_SIZE;
}

/* The record of a slot that a program may name at will. NULL: it never was in use. */
static const struct stub *record_of(u64 slot)
{
	return slot >= PATCH_IN_SHARED && slot < PATCH_SLOTS && records[slot / RECORDS]
		       ? record((u32)slot)
		       : NULL;
}

/* Where the running process has the first byte of the stub's region; 0: nowhere. */
static u64 region_start(const struct stub *s)
{
	const void *text = s ? __atomic_load_n(&s->text, __ATOMIC_RELAXED) : NULL;
	u64 page = text ? arch_needs_text(text) : 0;

	return page ? page + s->start : 0;
}

bool stub_native(u64 rip, u64 *native)
{
	bool in = rip - PATCH_IN_BASE < PATCH_SLOTS * PATCH_IN_SIZE;
	u64 base = in ? PATCH_IN_BASE : PATCH_OUT_BASE, size = in ? PATCH_IN_SIZE : PATCH_OUT_SIZE;
	u32 offset = (u32)((rip - base) % size);
	const struct stub *s = record_of((rip - base) / size);
	u64 start = region_start(s);

	if (!start)
		return false;
	if (!in)
		*native = start + s->site.before + SYSCALL_SIZE + MIN(offset, s->site.after);
	else if (offset >= STUB_OWN_END)
		*native = start + s->site.before + SYSCALL_SIZE;
	else
		*native = start + MIN(offset, s->site.before);
	return true;
}

bool stub_is_cpuid(u64 slot)
{
	const struct stub *s = record_of(slot);

	return s && s->site.cpuid;
}

u64 stub_return(u64 slot)
{
	const struct stub *s = record_of(slot);
	u64 start = region_start(s);

	return start ? start + s->site.before + SYSCALL_SIZE : 0;
}

bool stub_entered(u64 rip)
{
	return rip - in_address(PATCH_IN_SHARED) <
		       (PATCH_SLOTS - PATCH_IN_SHARED) * PATCH_IN_SIZE &&
	       rip % PATCH_IN_SIZE == 0;
}

void stubs_init(void)
{
	void *shared;

	if (!ring3_mode || (boot->flags & BOOT_NO_PATCH))
		return;
	KASSERT(stub_shared_end - stub_shared_start <= PATCH_IN_SHARED * PATCH_IN_SIZE);
	mutex_lock(&stub_lock);
	shared = pagetable_map_stubs(PATCH_IN_BASE, true);
	used = PATCH_IN_SHARED;
	mutex_unlock(&stub_lock);
	if (!shared)
		return;
	memcpy(shared, stub_shared_start, (u64)(stub_shared_end - stub_shared_start));
	stubs_on = true;
}
