// SPDX-License-Identifier: MIT
/*
 * A program with an allocator of its own under the names of the C library's. The program's choice
 * holds, and `buffervm check` leaves it alone.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static _Alignas(16) char arena[1 << 22];
static size_t used;
static int calls;

void *malloc(size_t size)
{
	size_t need = (size + 31) & ~(size_t)15;
	if (need < size || used + need > sizeof(arena))
		return NULL;
	char *p = arena + used + 16;
	*(size_t *)(p - 16) = size;
	used += need;
	calls++;
	return p;
}

void free(void *p)
{
	(void)p;
}

void *calloc(size_t count, size_t size)
{
	return malloc(count * size); /* The arena is zero and nothing is used twice. */
}

void *realloc(void *old, size_t size)
{
	char *p = malloc(size);
	if (p && old) {
		size_t before = *(size_t *)((char *)old - 16);
		memcpy(p, old, before < size ? before : size);
	}
	return p;
}

int main(void)
{
	char *p = malloc(100), *q = realloc(p, 1000);

	if (p < arena || q < arena || q > arena + sizeof(arena) || calls < 2)
		return 1;
	free(p);
	free(q);
	free(q); /* This allocator does not check it. */
	printf("own allocator\n");
	return 0;
}
