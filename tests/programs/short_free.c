// SPDX-License-Identifier: MIT
/*
 * A static program with an allocator that calls itself the C library's, whose free is one byte
 * long: a jump does not fit over it. It ends with status 4, checked or not.
 * options: -static
 */
#include <stddef.h>
#include <stdlib.h>

static _Alignas(16) char pool[4096];
static size_t used;

__asm__(".pushsection .text\n"
	".globl free, behind_free, __libc_malloc\n"
	".set __libc_malloc, malloc\n"
	".type free, @function\n"
	".type behind_free, @function\n"
	"free: ret\n"
	"behind_free: ret\n"
	".popsection");

void *malloc(size_t size)
{
	void *p = pool + used;

	used += (size + 15) & ~(size_t)15;
	return used <= sizeof(pool) ? p : NULL;
}

void *calloc(size_t count, size_t size)
{
	return malloc(count * size);
}

void *realloc(void *p, size_t size)
{
	return p ? NULL : malloc(size);
}

int main(void)
{
	void *volatile p = malloc(3);

	free(p);
	return p ? 4 : 1;
}
