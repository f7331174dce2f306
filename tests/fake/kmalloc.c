// SPDX-License-Identifier: MIT
/*
 * The kernel's heap is the host's, so that the sanitizers see each object. Locks are only checked
 * for being taken twice. For tests of logic that needs no frames.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/lock.h"
#include "kernel/mm/kmalloc.h"

void panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

void panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	abort();
}

void *kmalloc(u64 size)
{
	return malloc(size);
}

void *kzalloc(u64 size)
{
	return calloc(1, size);
}

void *krealloc(void *p, u64 size)
{
	return realloc(p, size);
}

void kfree(void *p)
{
	free(p);
}

void mutex_lock(struct mutex *m)
{
	if (m->word++)
		panic("a lock is taken twice");
}

void mutex_unlock(struct mutex *m)
{
	if (m->word-- != 1)
		panic("a lock is not held");
}
