/* SPDX-License-Identifier: MIT */
/*
 * The functions of the malloc family, declared as in <stdlib.h> and <malloc.h>, which are headers
 * of a C library and not available here. malloc is declared in library.h.
 */
#ifndef CHECK_PRELOAD_MALLOC_H
#define CHECK_PRELOAD_MALLOC_H

#include "check/preload/library.h"

typedef __SIZE_TYPE__ size_t;

CHK_EXPORT void *calloc(size_t count, size_t size);
CHK_EXPORT void *realloc(void *p, size_t size);
CHK_EXPORT void *reallocarray(void *p, size_t count, size_t size);
CHK_EXPORT int posix_memalign(void **out, size_t align, size_t size);
CHK_EXPORT void *memalign(size_t align, size_t size);
CHK_EXPORT void *aligned_alloc(size_t align, size_t size);
CHK_EXPORT void *valloc(size_t size);
CHK_EXPORT void *pvalloc(size_t size);
CHK_EXPORT void free(void *p);
CHK_EXPORT void cfree(void *p);
CHK_EXPORT size_t malloc_usable_size(void *p);

#endif
