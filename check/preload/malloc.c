// SPDX-License-Identifier: MIT
/*
 * The C side of the interface: what the program calls instead of its C library's functions.
 * Contracts: malloc(3), posix_memalign(3), malloc_usable_size(3).
 */
#include <asm/errno.h>
#include "common/layout.h"
#include "check/preload/library.h"

typedef __SIZE_TYPE__ size_t;

/* As <stdlib.h> and <malloc.h> have them, which are headers of a C library: there is none here.
 * malloc is in library.h. */
HEAP_EXPORT void *calloc(size_t count, size_t size);
HEAP_EXPORT void *realloc(void *p, size_t size);
HEAP_EXPORT void *reallocarray(void *p, size_t count, size_t size);
HEAP_EXPORT int posix_memalign(void **out, size_t align, size_t size);
HEAP_EXPORT void *memalign(size_t align, size_t size);
HEAP_EXPORT void *aligned_alloc(size_t align, size_t size);
HEAP_EXPORT void *valloc(size_t size);
HEAP_EXPORT void *pvalloc(size_t size);
HEAP_EXPORT void free(void *p);
HEAP_EXPORT void cfree(void *p);
HEAP_EXPORT size_t malloc_usable_size(void *p);

static bool power_of_two(u64 n)
{
	return n && !(n & (n - 1));
}

/* count * size, as the function fn was asked for it. False: no object has so many bytes. */
static bool product(size_t count, size_t size, enum heap_function fn, u64 *bytes,
		    const struct heap_frame *from)
{
	if (!__builtin_mul_overflow(count, size, bytes))
		return true;
	heap_bad_size(count, fn, from);
	heap_set_errno(ENOMEM);
	return false;
}

HEAP_EXPORT void *malloc(size_t size)
{
	const struct heap_frame from = HEAP_CALLER;

	return heap_alloc(size, 1, HEAP_FN_MALLOC, &from);
}

HEAP_EXPORT void free(void *p)
{
	const struct heap_frame from = HEAP_CALLER;

	if (p)
		heap_release(p, HEAP_FN_FREE, &from);
}

HEAP_EXPORT void *calloc(size_t count, size_t size)
{
	const struct heap_frame from = HEAP_CALLER;
	u64 bytes;

	if (!product(count, size, HEAP_FN_CALLOC, &bytes, &from))
		return NULL;
	/* Fresh pages are zero. */
	return heap_alloc(bytes, 1, HEAP_FN_CALLOC, &from);
}

static void *resize(void *p, size_t size, const struct heap_frame *from)
{
	if (!p)
		return heap_alloc(size, 1, HEAP_FN_REALLOC, from);
	if (size)
		return heap_resize(p, size, from);
	heap_release(p, HEAP_FN_REALLOC, from);
	return NULL;
}

HEAP_EXPORT void *realloc(void *p, size_t size)
{
	const struct heap_frame from = HEAP_CALLER;

	return resize(p, size, &from);
}

HEAP_EXPORT void *reallocarray(void *p, size_t count, size_t size)
{
	const struct heap_frame from = HEAP_CALLER;
	u64 bytes;

	return product(count, size, HEAP_FN_REALLOC, &bytes, &from) ? resize(p, bytes, &from)
								    : NULL;
}

HEAP_EXPORT int posix_memalign(void **out, size_t align, size_t size)
{
	const struct heap_frame from = HEAP_CALLER;
	void *p;

	if (!power_of_two(align) || align % sizeof(void *)) {
		heap_bad_size(align, HEAP_FN_MEMALIGN, &from);
		return EINVAL;
	}
	/* It sets no errno, which heap_alloc does only where it fails: nobody relies on that. */
	p = heap_alloc(size, align, HEAP_FN_MEMALIGN, &from);
	if (!p)
		return ENOMEM;
	*out = p;
	return 0;
}

/* The others round an alignment up, as glibc does. */
static void *aligned(size_t align, size_t size, const struct heap_frame *from)
{
	u64 power = 1;

	while (power < align && power << 1)
		power <<= 1;
	if (power < align) {
		heap_set_errno(EINVAL);
		return NULL;
	}
	return heap_alloc(size, power, HEAP_FN_MEMALIGN, from);
}

HEAP_EXPORT void *memalign(size_t align, size_t size)
{
	const struct heap_frame from = HEAP_CALLER;

	return aligned(align, size, &from);
}

HEAP_EXPORT void *aligned_alloc(size_t align, size_t size)
{
	const struct heap_frame from = HEAP_CALLER;

	return aligned(align, size, &from);
}

HEAP_EXPORT void *valloc(size_t size)
{
	const struct heap_frame from = HEAP_CALLER;

	return heap_alloc(size, PAGE_SIZE, HEAP_FN_MEMALIGN, &from);
}

HEAP_EXPORT void *pvalloc(size_t size)
{
	const struct heap_frame from = HEAP_CALLER;

	return heap_alloc(ALIGN_UP(size, PAGE_SIZE), PAGE_SIZE, HEAP_FN_MEMALIGN, &from);
}

HEAP_EXPORT void cfree(void *p)
{
	const struct heap_frame from = HEAP_CALLER;

	if (p)
		heap_release(p, HEAP_FN_FREE, &from);
}

HEAP_EXPORT size_t malloc_usable_size(void *p)
{
	const struct heap_frame from = HEAP_CALLER;

	return p ? heap_size(p, &from) : 0;
}
