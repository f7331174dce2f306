// SPDX-License-Identifier: MIT
/*
 * Can frame tables make stack capture read anything but themselves? The input is the tables (with
 * .eh_frame_hdr somewhere in them), addresses to look up, and registers; the tables lie in a block
 * of exactly their size, so that the sanitizer sees a byte too many.
 * sources: check/preload/cfi.c
 */
#include <stdlib.h>
#include <string.h>

#include "check/preload/cfi.h"
#include "check/preload/peek.h"

#define LOOKUPS 4

int LLVMFuzzerTestOneInput(const u8 *input, size_t size);

/* The input begins with this. The tables follow. */
struct head {
	u32 hdr;	 /* offset of .eh_frame_hdr; upper bit: of .eh_frame instead */
	s32 pc[LOOKUPS]; /* from the address of .eh_frame_hdr */
	u64 rsp, rbp;
};

/* The stack: every word can be read, except some. */
bool peek_words(u64 a, u64 b, u64 to[2])
{
	if (!peek_allowed(a) || !peek_allowed(b))
		abort(); /* The caller checks that. */
	to[0] = a * 0x9e3779b97f4a7c15;
	to[1] = b ^ 0x5555;
	return a % 7 != 0;
}

/* What a caller that trusts the frame would read. */
static void check_frame(const struct cfi_tables *t, const struct cfi_frame *f)
{
	const struct cfi_expression e[] = {f->cfa, f->rbp.expression, f->ra.expression};

	for (u32 i = 0; i < ARRAY_SIZE(e); i++)
		if (e[i].at != e[i].end &&
		    (e[i].at < t->low || e[i].end > t->high || e[i].at > e[i].end))
			abort();
}

int LLVMFuzzerTestOneInput(const u8 *input, size_t size)
{
	struct head h;
	u8 *tables;

	if (size <= sizeof(h))
		return 0;
	memcpy(&h, input, sizeof(h));
	size -= sizeof(h);
	tables = malloc(size);
	memcpy(tables, input + sizeof(h), size);
	for (u32 i = 0; i < LOOKUPS; i++) {
		u64 start = (u64)tables + (h.hdr & INT32_MAX);
		u64 rest = size - (h.hdr & INT32_MAX) % size;
		struct cfi_tables t = {.low = (u64)tables, .high = (u64)tables + size};
		u64 pc = start + (u64)(s64)h.pc[i];
		struct cfi_registers r = {pc, h.rsp, h.rbp};
		struct cfi_frame frame;

		if (h.hdr >> 31) {
			t.frames = start;
			t.frames_size = rest;
		} else {
			t.hdr = start;
			t.hdr_size = rest;
		}
		if (!cfi_find(&t, pc, &frame))
			continue;
		check_frame(&t, &frame);
		cfi_apply(&frame, &r);
	}
	free(tables);
	return 0;
}
