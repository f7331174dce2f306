// SPDX-License-Identifier: MIT
/*
 * The C side of the interface: what the program calls instead of its C library's functions.
 * Contracts: malloc(3), posix_memalign(3), malloc_usable_size(3).
 */
#include <asm/errno.h>
#include "common/layout.h"
#include "check/preload/malloc.h"

static bool power_of_two(u64 n)
{
	return n && !(n & (n - 1));
}

/* Computes count * size for a call of fn. After an overflow reports the bug and returns false. */
static bool product(size_t count, size_t size, enum chk_function fn, u64 *bytes,
		    const struct chk_frame *from)
{
	if (!__builtin_mul_overflow(count, size, bytes))
		return true;
	chk_bad_size(count, fn, from);
	chk_set_errno(ENOMEM);
	return false;
}

CHK_EXPORT void *malloc(size_t size)
{
	const struct chk_frame from = CHK_CALLER;

	return chk_alloc(size, 1, CHK_FN_MALLOC, &from);
}

CHK_EXPORT void free(void *p)
{
	const struct chk_frame from = CHK_CALLER;

	if (p)
		chk_release(p, CHK_FN_FREE, CHK_SIZE_UNKNOWN, &from);
}

CHK_EXPORT void *calloc(size_t count, size_t size)
{
	const struct chk_frame from = CHK_CALLER;
	u64 bytes;

	if (!product(count, size, CHK_FN_CALLOC, &bytes, &from))
		return NULL;
	/* Fresh pages are zero; chk_alloc clears objects in base slots for CHK_FN_CALLOC. */
	return chk_alloc(bytes, 1, CHK_FN_CALLOC, &from);
}

static void *resize(void *p, size_t size, const struct chk_frame *from)
{
	if (!p)
		return chk_alloc(size, 1, CHK_FN_REALLOC, from);
	/* musl's realloc makes an object without bytes; glibc's releases. */
	if (size || chk_started()->musl)
		return chk_resize(p, size, from);
	chk_release(p, CHK_FN_REALLOC, CHK_SIZE_UNKNOWN, from);
	return NULL;
}

CHK_EXPORT void *realloc(void *p, size_t size)
{
	const struct chk_frame from = CHK_CALLER;

	return resize(p, size, &from);
}

CHK_EXPORT void *reallocarray(void *p, size_t count, size_t size)
{
	const struct chk_frame from = CHK_CALLER;
	u64 bytes;

	return product(count, size, CHK_FN_REALLOC, &bytes, &from) ? resize(p, bytes, &from) : NULL;
}

CHK_EXPORT int posix_memalign(void **out, size_t align, size_t size)
{
	const struct chk_frame from = CHK_CALLER;
	void *p;

	if (!power_of_two(align) || align % sizeof(void *)) {
		chk_bad_size(align, CHK_FN_MEMALIGN, &from);
		return EINVAL;
	}
	/* chk_alloc sets errno when it fails, which posix_memalign need not do, but may. */
	p = chk_alloc(size, align, CHK_FN_MEMALIGN, &from);
	if (!p)
		return ENOMEM;
	*out = p;
	return 0;
}

/*
 * memalign and aligned_alloc round the alignment up to a power of two, as glibc does. musl's refuse
 * one that is none; 0 counts as one there.
 */
static void *aligned(size_t align, size_t size, const struct chk_frame *from)
{
	u64 power = 1;

	while (power < align && power << 1)
		power <<= 1;
	if (power < align || (power > align && align && chk_started()->musl)) {
		chk_set_errno(EINVAL);
		return NULL;
	}
	return chk_alloc(size, power, CHK_FN_MEMALIGN, from);
}

CHK_EXPORT void *memalign(size_t align, size_t size)
{
	const struct chk_frame from = CHK_CALLER;

	return aligned(align, size, &from);
}

CHK_EXPORT void *aligned_alloc(size_t align, size_t size)
{
	const struct chk_frame from = CHK_CALLER;

	return aligned(align, size, &from);
}

CHK_EXPORT void *valloc(size_t size)
{
	const struct chk_frame from = CHK_CALLER;

	return chk_alloc(size, PAGE_SIZE, CHK_FN_MEMALIGN, &from);
}

CHK_EXPORT void *pvalloc(size_t size)
{
	const struct chk_frame from = CHK_CALLER;

	return chk_alloc(ALIGN_UP(size, PAGE_SIZE), PAGE_SIZE, CHK_FN_MEMALIGN, &from);
}

CHK_EXPORT void cfree(void *p)
{
	const struct chk_frame from = CHK_CALLER;

	if (p)
		chk_release(p, CHK_FN_FREE, CHK_SIZE_UNKNOWN, &from);
}

CHK_EXPORT size_t malloc_usable_size(void *p)
{
	const struct chk_frame from = CHK_CALLER;

	return p ? chk_size(p, &from) : 0;
}
