// SPDX-License-Identifier: MIT
/* See stubs.h. */
#include "tests/fake/stubs.h"
#include <stdlib.h>
#include "kernel/mm/internal.h"

unsigned fake_stub_refs[FAKE_SLOTS];
static u32 last_slot;

u32 stub_new(const void *text, u32 start, const struct call_site *s, const u8 *region)
{
	(void)text, (void)start, (void)s, (void)region;
	if (last_slot + 1 == FAKE_SLOTS)
		return 0;
	fake_stub_refs[++last_slot] = 1;
	return last_slot;
}

void stub_free(u32 slot)
{
	if (!fake_stub_refs[slot]--)
		abort();
}

u64 stub_address(u32 slot, const struct call_site *s, u32 offset)
{
	return (offset <= s->before ? PATCH_IN_BASE + (u64)slot * PATCH_IN_SIZE
				    : PATCH_OUT_BASE + (u64)slot * PATCH_OUT_SIZE) +
	       offset;
}

unsigned fake_stubs_left(void)
{
	unsigned n = 0;

	for (u32 slot = 1; slot <= last_slot; slot++)
		n += fake_stub_refs[slot] != 0;
	return n;
}

void mm_stop_others(struct mm *mm)
{
	(void)mm;
}
