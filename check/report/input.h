/* SPDX-License-Identifier: MIT */
/*
 * A report as it comes from the guest kernel, checked once. The rest of the reporter relies on the
 * result: enums are in range, counts fit their arrays, strings end with NUL, and comm is printable
 * UTF-8. report_maps_parse makes the lines of maps printable. Addresses and numbers may still be
 * forged.
 */
#ifndef REPORT_INPUT_H
#define REPORT_INPUT_H

#include "check/abi/check.h"

#define REPORT_AROUND_MAX  256
#define REPORT_SAMPLES_MAX 4096

struct report_pcs {
	const u64 *pc;
	u32 count; /* at most CHECK_DEPTH_MAX */
};

struct report_input {
	struct check_report head; /* comm ends with NUL */
	const u8 *stack;
	u32 stack_len; /* head.stack_at + stack_len does not wrap */
	const char *maps;
	u32 maps_len;
	struct report_pcs access, alloc, free;
	struct report_pcs created[CHECK_THREADS];
	const struct check_object *around;
	u32 around_count;
	const struct check_sample *samples;
	u32 samples_count;
	const struct check_caller *callers;
	u32 callers_count;
};

/*
 * Checks len bytes at blob, which is 8-aligned. blob stays the caller's, and its last byte of maps
 * becomes NUL; in points into it. Returns 0, -EINVAL (malformed) or -EMSGSIZE.
 */
int report_input(struct report_input *in, void *blob, size_t len);

/*
 * Makes len bytes printable UTF-8 in place: control characters and bytes that are not UTF-8 become
 * '?'. Newlines and tabs stay if keep_lines is set.
 */
void report_printable(char *text, size_t len, bool keep_lines);

#endif
