// SPDX-License-Identifier: MIT
/* See input.h. Checks a report from the guest, which may be forged. */
#include <errno.h>
#include <string.h>
#include "check/report/input.h"

/* Returns the length, 1 to 4, of the UTF-8 character at p (RFC 3629); 0 if it is not valid. */
static size_t utf8_length(const u8 *p, size_t left)
{
	static const struct {
		u8 first, last, low, high; /* range of the first byte, of the second */
		u8 length;
	} rows[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	if (p[0] < 0x80)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (p[0] < rows[i].first || p[0] > rows[i].last)
			continue;
		if (left < rows[i].length || p[1] < rows[i].low || p[1] > rows[i].high)
			return 0;
		for (size_t k = 2; k < rows[i].length; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return rows[i].length;
	}
	return 0;
}

/*
 * Returns whether a terminal or a browser would act on the character: C0 and C1 controls, line
 * separators, and characters that change the direction of the text (Unicode TR 36).
 */
static bool is_control(const u8 *p, size_t length)
{
	if (length == 1)
		return p[0] < ' ' || p[0] == 0x7f;
	if (length == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	if (length == 3 && p[0] == 0xe2)
		return (p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f || p[2] >= 0xa8)) ||
		       (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
	return false;
}

void report_printable(char *text, size_t len, bool keep_lines)
{
	u8 *p = (u8 *)text;

	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_length(p + i, len - i);
		if (n && !is_control(p + i, n))
			continue;
		if (n == 1 && keep_lines && (p[i] == '\n' || p[i] == '\t'))
			continue;
		n = n ? n : 1;
		memset(p + i, '?', n);
	}
}

/* Finds a part; *bytes is NULL if it is empty. Returns false if it lies outside of the blob. */
static bool find_part(const struct check_report *head, u32 part, size_t len, u8 *blob, u8 **bytes,
		      u32 *bytes_len)
{
	u32 offset = head->part[part].offset, n = head->part[part].len;

	*bytes = NULL;
	*bytes_len = 0;
	if (!n)
		return true;
	if (offset < sizeof(*head) || !IS_ALIGNED(offset, 8) || offset > len || n > len - offset)
		return false;
	*bytes = blob + offset;
	*bytes_len = n;
	return true;
}

/*
 * Finds a part that is an array. Elements beyond most_count are ignored. Returns false if the part
 * is not a whole number of elements, or lies outside of the blob.
 */
static bool find_array(const struct check_report *head, u32 part, size_t len, u8 *blob,
		       size_t element, u32 most_count, const void **array, u32 *count)
{
	u32 bytes;
	u8 *p;

	if (!find_part(head, part, len, blob, &p, &bytes) || bytes % element)
		return false;
	*array = p;
	*count = MIN((u32)(bytes / element), most_count);
	return true;
}

static bool find_pcs(const struct check_report *head, u32 part, size_t len, u8 *blob,
		     struct report_pcs *pcs)
{
	return find_array(head, part, len, blob, sizeof(u64), CHECK_DEPTH_MAX,
			  (const void **)&pcs->pc, &pcs->count);
}

static bool object_is_sane(const struct check_object *o)
{
	return o->state <= CHK_STATE_REALLOCATED && o->level <= CHK_LEVEL_NONE &&
	       o->alloc_fn < CHK_FUNCTIONS && o->free_fn < CHK_FUNCTIONS &&
	       o->align_code < CHK_ALIGN_CODES && o->size <= UINT64_MAX - o->start;
}

static bool head_is_sane(const struct check_report *h)
{
	return h->kind > 0 && h->kind < CHECK_KINDS && h->access <= CHECK_ACCESS_SYSCALL_WRITE &&
	       h->where <= CHECK_WHERE_OLD_HEAP && h->fn < CHK_FUNCTIONS &&
	       h->align_code < CHK_ALIGN_CODES && h->indirect <= h->count &&
	       h->indirect_bytes <= h->object.size && h->insn_len <= sizeof(h->insn) &&
	       object_is_sane(&h->object);
}

int report_input(struct report_input *in, void *blob, size_t len)
{
	u8 *bytes = blob, *p;

	memset(in, 0, sizeof(*in));
	if (len > CHECK_REPORT_MAX)
		return -EMSGSIZE;
	if (len < sizeof(in->head))
		return -EINVAL;
	memcpy(&in->head, blob, sizeof(in->head));
	in->head.comm[sizeof(in->head.comm) - 1] = '\0';
	report_printable(in->head.comm, strlen(in->head.comm), false);
	if (!head_is_sane(&in->head))
		return -EINVAL;

	if (!find_part(&in->head, CHECK_PART_STACK, len, bytes, &p, &in->stack_len))
		return -EINVAL;
	in->stack = p;
	if (in->stack_len > UINT64_MAX - in->head.stack_at)
		in->stack_len = 0;
	if (!find_part(&in->head, CHECK_PART_MAPS, len, bytes, &p, &in->maps_len))
		return -EINVAL;
	if (p) {
		/* The NUL replaces the last byte: the kernel's text ends with a newline. */
		p[--in->maps_len] = '\0';
		in->maps_len = (u32)strlen((char *)p);
		in->maps = (char *)p;
	} else {
		in->maps = "";
	}

	if (!find_pcs(&in->head, CHECK_PART_ACCESS, len, bytes, &in->access) ||
	    !find_pcs(&in->head, CHECK_PART_ALLOC, len, bytes, &in->alloc) ||
	    !find_pcs(&in->head, CHECK_PART_FREE, len, bytes, &in->free) ||
	    !find_array(&in->head, CHECK_PART_AROUND, len, bytes, sizeof(*in->around),
			REPORT_AROUND_MAX, (const void **)&in->around, &in->around_count) ||
	    !find_array(&in->head, CHECK_PART_SAMPLES, len, bytes, sizeof(*in->samples),
			REPORT_SAMPLES_MAX, (const void **)&in->samples, &in->samples_count) ||
	    !find_array(&in->head, CHECK_PART_CALLERS, len, bytes, sizeof(*in->callers),
			CHECK_CALLERS_MAX, (const void **)&in->callers, &in->callers_count))
		return -EINVAL;
	for (u32 i = 0; i < CHECK_THREADS; i++) {
		char *name = in->head.thread[i].name;

		name[sizeof(in->head.thread[i].name) - 1] = '\0';
		report_printable(name, strlen(name), false);
		if (!find_pcs(&in->head, CHECK_PART_CREATED + i, len, bytes, &in->created[i]))
			return -EINVAL;
	}
	for (u32 i = 0; i < in->around_count; i++)
		if (!object_is_sane(&in->around[i]))
			return -EINVAL;
	return 0;
}
