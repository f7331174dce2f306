/* SPDX-License-Identifier: MIT */
/* The kernel's own heap: size classes in slabs of one frame, larger blocks from frame_alloc. */
#ifndef KERNEL_MM_KMALLOC_H
#define KERNEL_MM_KMALLOC_H

#include "common/types.h"

/*
 * Allocates at most 4 MiB, 16-byte aligned; from 4096 bytes on, page-aligned. Returns NULL if there
 * is no memory. kzalloc clears the memory.
 */
void *kmalloc(u64 size);
void *kzalloc(u64 size);
void *krealloc(void *p, u64 size); /* p may be NULL; on failure returns NULL and p stays valid */
void kfree(void *p);		   /* p may be NULL */
char *kstrdup(const char *s);

#endif
