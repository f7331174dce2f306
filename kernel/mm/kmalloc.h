/* SPDX-License-Identifier: MIT */
/* The kernel's own heap: size classes on frames, larger blocks straight from frames. */
#ifndef KERNEL_MM_KMALLOC_H
#define KERNEL_MM_KMALLOC_H

#include "common/types.h"

/* 16-byte aligned (from 4096 bytes on: page-aligned); NULL when memory is gone. At most 4 MiB. */
void *kmalloc(u64 size);
void *kzalloc(u64 size);
void *krealloc(void *p, u64 size); /* p may be NULL; on failure p stays */
void kfree(void *p);		   /* p may be NULL */
char *kstrdup(const char *s);

#endif
