// SPDX-License-Identifier: MIT
/*
 * Objects released twice, releases of pointers to no object, and sizes that no object can have.
 */
#include "bug.h"

#include <pthread.h>
#include <malloc.h>
#include <sys/mman.h>

static void release(void *p)
{
	free(p);
}

BUG(twice, "double-free at 0 of 64; in=twice; free=twice")
{
	char *p = malloc(64), *again = hide(p);
	free(p);
	if (bad)
		free(again);
}

BUG(twice_small, "double-free at 0 of 1; in=release,twice_small; free=release,twice_small")
{
	char *p = malloc(1);
	release(p);
	if (bad)
		release(hide(p));
}

BUG(twice_empty, "double-free at 0 of 0")
{
	char *p = malloc(0), *again = hide(p);
	free(p);
	if (bad)
		free(again);
}

BUG(twice_large, "double-free at 0 of 8388608")
{
	char *p = malloc(8 << 20), *again = hide(p);
	free(p);
	if (bad)
		free(again);
}

BUG(twice_with_others_between, "double-free at 0 of 48; free=release,twice_with_others_between")
{
	void *p = malloc(48), *again = hide(p), *others[100];
	release(p);
	for (int i = 0; i < 100; i++)
		others[i] = malloc(48);
	if (bad)
		free(again);
	for (int i = 0; i < 100; i++)
		free(others[i]);
}

BUG(twice_aligned, "double-free at 0 of 100")
{
	void *p = memalign(256, 100), *again = hide(p);
	free(p);
	if (bad)
		free(again);
}

BUG(after_realloc, "double-free at 0 of 24; free=after_realloc")
{
	char *p = malloc(24), *old = hide(p);
	p = realloc(p, 100000);
	if (bad)
		free(old);
	free(p);
}

BUG(realloc_of_released, "double-free at 0 of 32; in=realloc_of_released")
{
	char *p = malloc(32), *again = hide(p);
	free(p);
	if (!bad)
		again = NULL;
	p = realloc(again, 64);
	free(p);
}

BUG(realloc_twice, "double-free at 0 of 32; free=realloc_twice")
{
	char *p = malloc(32), *old = hide(p), *first = realloc(p, 5000);
	char *second = realloc(bad ? old : first, 9000);
	free(second);
}

static void *release_in_thread(void *p)
{
	free(p);
	return NULL;
}

BUG(two_threads, "double-free at 0 of 32; free=release_in_thread,..")
{
	void *p = malloc(32), *again = hide(p);
	pthread_t thread;
	pthread_create(&thread, NULL, release_in_thread, p);
	pthread_join(thread, NULL);
	if (bad)
		free(again);
}

struct pair {
	char *name, *value;
};

static void drop_pair(struct pair *p)
{
	free(p->name);
	free(p->value);
	free(p);
}

BUG(shared_by_two, "double-free at 0 of 8; in=drop_pair,shared_by_two; "
		   "alloc=shared_by_two; free=drop_pair,shared_by_two")
{
	struct pair *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
	a->name = malloc(8);
	a->value = malloc(8);
	*b = *a;
	if (!bad) {
		b->name = malloc(8);
		b->value = malloc(8);
	}
	drop_pair(a);
	drop_pair(b);
}

BUG(interior, "invalid-free interior at 16 of 64")
{
	char *p = malloc(64);
	free(hide(bad ? p + 16 : p));
}

BUG(interior_by_one, "invalid-free interior at 1 of 30")
{
	char *p = strcpy(malloc(30), " text");
	char *start = p;
	while (bad && *start == ' ')
		start++;
	free(hide(start));
}

BUG(interior_far, "invalid-free interior at 131072 of 1048576")
{
	char *p = malloc(1 << 20);
	free(hide(bad ? p + 131072 : p));
}

BUG(interior_realloc, "invalid-free interior at 8 of 64; in=interior_realloc")
{
	char *p = malloc(64);
	p = realloc(hide(bad ? p + 8 : p), 128);
	free(p);
}

BUG(array_on_stack, "invalid-free stack")
{
	char array[64];
	array[0] = 0;
	free(bad ? hide(array) : NULL);
}

static char global[256];

BUG(global_array, "invalid-free global")
{
	free(bad ? hide(global) : NULL);
}

static int global_fill[64] = {1, 2, 3};

BUG(inside_global_array, "invalid-free global")
{
	free(bad ? hide(global_fill + 4) : NULL);
}

BUG(string_literal, "invalid-free global")
{
	free(bad ? hide("no object of the heap") : NULL);
}

BUG(function, "invalid-free code")
{
	free(bad ? hide((void *)(uintptr_t)release) : NULL);
}

BUG(environment, "invalid-free stack")
{
	extern char **environ;
	free(bad && environ[0] ? hide(environ[0]) : NULL);
}

BUG(wild, "invalid-free unmapped")
{
	free(bad ? hide((void *)0x123456789000) : NULL);
}

BUG(small_number, "invalid-free unmapped")
{
	free(bad ? hide((void *)16) : NULL);
}

BUG(not_canonical, "invalid-free unmapped")
{
	free(bad ? hide((void *)0xdeadbeefdeadbee0) : NULL);
}

BUG(mapped_file_memory, "invalid-free mapped")
{
	void *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bad)
		free(hide(map));
	munmap(map, 8192);
}

BUG(realloc_of_stack, "invalid-free stack")
{
	char array[32];
	array[0] = 0;
	free(realloc(bad ? hide(array) : NULL, 64));
}

BUG(usable_size_of_released, "heap-use-after-free at 0 of 40; in=usable_size_of_released")
{
	char *p = malloc(40), *old = hide(p);
	if (bad)
		free(p);
	sink = malloc_usable_size(old);
	if (!bad)
		free(p);
}

/* Negative lengths as sizes. The twins ask for what was meant. */
BUG(negative_size, "bad-size")
{
	ptrdiff_t length = bad ? -2 : 2;
	free(malloc((size_t)length));
}

BUG(negative_difference, "bad-size")
{
	size_t used = 10, size = bad ? 8 : 18;
	free(malloc(size - used));
}

BUG(calloc_product, "bad-size")
{
	free(calloc(bad ? (size_t)-4 : 4, 16));
}

BUG(reallocarray_product, "bad-size")
{
	free(reallocarray(NULL, bad ? (size_t)-1 : 1 << 10, 8));
}

BUG(realloc_negative, "bad-size")
{
	char *p = malloc(16), *q = realloc(hide(p), bad ? (size_t)-16 : 32);
	free(q ? q : hide(p));
}

BUG(alignment_not_a_power, "bad-size")
{
	void *p = NULL;
	if (posix_memalign(&p, bad ? 24 : 32, 64) == 0)
		free(p);
}
