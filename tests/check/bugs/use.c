// SPDX-License-Identifier: MIT
/*
 * Objects used after they were released, by each kind of instruction and through the shapes that
 * stale pointers have in programs: lists, tables, caches, reference counts.
 */
#include "bug.h"

#include <emmintrin.h>

struct node {
	struct node *next;
	long value;
	char name[48];
};

static int load(const volatile int *p)
{
	return *p;
}

static void store(volatile int *p, int value)
{
	*p = value;
}

BUG(read_int, "heap-use-after-free read 4 at 0 of 64; in=load,read_int")
{
	int *p = calloc(16, sizeof(*p));
	if (bad)
		free(p);
	sink = load(hide(p));
	if (!bad)
		free(p);
}

BUG(write_int, "heap-use-after-free write 4 at 8 of 64; in=store,write_int")
{
	int *p = malloc(64);
	if (bad)
		free(p);
	store((int *)hide(p) + 2, 1);
	if (!bad)
		free(p);
}

BUG(read_byte, "heap-use-after-free read 1 at 15 of 16")
{
	char *p = strcpy(malloc(16), "fifteen letters");
	if (bad)
		free(p);
	sink = ((volatile char *)hide(p))[15];
	if (!bad)
		free(p);
}

BUG(write_byte, "heap-use-after-free write 1 at 31 of 32")
{
	char *p = malloc(32);
	if (bad)
		free(p);
	((volatile char *)hide(p))[31] = 1;
	if (!bad)
		free(p);
}

BUG(read_short, "heap-use-after-free read 2 at 6 of 16")
{
	short *p = calloc(8, 2);
	if (bad)
		free(p);
	sink = ((volatile short *)hide(p))[3];
	if (!bad)
		free(p);
}

BUG(read_long, "heap-use-after-free read 8 at 4088 of 4096")
{
	long *p = calloc(512, 8);
	if (bad)
		free(p);
	sink = ((volatile long *)hide(p))[511];
	if (!bad)
		free(p);
}

BUG(write_double, "heap-use-after-free write 8 at 16 of 48")
{
	double *p = malloc(48);
	if (bad)
		free(p);
	((volatile double *)hide(p))[2] = 1.5;
	if (!bad)
		free(p);
}

BUG(read_vector, "heap-use-after-free read 16 at 16 of 64")
{
	char *p = calloc(1, 64);
	if (bad)
		free(p);
	sink = _mm_cvtsi128_si32(*(volatile __m128i *)((char *)hide(p) + 16));
	if (!bad)
		free(p);
}

BUG(write_vector, "heap-use-after-free write 16 at 48 of 64")
{
	char *p = malloc(64);
	if (bad)
		free(p);
	*(volatile __m128i *)((char *)hide(p) + 48) = _mm_setzero_si128();
	if (!bad)
		free(p);
}

BUG(increment, "heap-use-after-free write 4 at 4 of 16")
{
	int *p = hide(calloc(4, 4));
	if (bad)
		free(p);
	__asm__ volatile("incl 4(%0)" ::"r"(p) : "memory");
	if (!bad)
		free(p);
}

BUG(atomic_add, "heap-use-after-free write 8 at 8 of 32")
{
	long *p = calloc(4, 8);
	if (bad)
		free(p);
	sink = __atomic_fetch_add((long *)hide(p) + 1, 1, __ATOMIC_SEQ_CST);
	if (!bad)
		free(p);
}

BUG(string_fill, "heap-use-after-free write ? at 0 of 48")
{
	char *p = hide(malloc(48)), *to = p;
	size_t count = 48;
	if (bad)
		free(p);
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(0) : "memory");
	if (!bad)
		free(p);
}

BUG(push_memory, "heap-use-after-free read 8 at 24 of 32")
{
	long *p = hide(calloc(4, 8)), value;
	if (bad)
		free(p);
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "push 24(%1)\n\t"
			 "pop %0\n\t"
			 "lea 128(%%rsp), %%rsp"
			 : "=&r"(value)
			 : "r"(p)
			 : "memory");
	sink = value;
	if (!bad)
		free(p);
}

BUG(x87_load, "heap-use-after-free read 10 at 16 of 32")
{
	char *p = calloc(1, 32);
	if (bad)
		free(p);
	sink = (long)*(volatile long double *)((char *)hide(p) + 16);
	if (!bad)
		free(p);
}

BUG(call_released, "heap-use-after-free exec at 0 of 64; in=..,call_released")
{
	char *p = malloc(64);
	void (*call)(void) = bad ? (void (*)(void))hide(p) : (void (*)(void))rand;
	free(p);
	call();
}

BUG(call_through_released, "heap-use-after-free read 8 at 8 of 16")
{
	struct {
		long id;
		int (*handler)(void);
	} *p = malloc(sizeof(*p));
	p->handler = rand;
	if (bad)
		free(p);
	p = hide(p);
	sink = p->handler();
	if (!bad)
		free(p);
}

BUG(middle_of_a_megabyte, "heap-use-after-free write 1 at 500000 of 1048576")
{
	char *p = malloc(1 << 20);
	if (bad)
		free(p);
	((volatile char *)hide(p))[500000] = 1;
	if (!bad)
		free(p);
}

BUG(four_megabytes, "heap-use-after-free read 4 at 4194300 of 4194304")
{
	int *p = calloc(1 << 20, 4);
	if (bad)
		free(p);
	sink = ((volatile int *)hide(p))[(1 << 20) - 1];
	if (!bad)
		free(p);
}

static struct node *make_list(int length)
{
	struct node *head = NULL;
	while (length-- > 0) {
		struct node *n = malloc(sizeof(*n));
		n->next = head;
		n->value = length;
		head = n;
	}
	return head;
}

BUG(list_loop, "heap-use-after-free read 8 at 0 of 64; alloc=make_list,list_loop")
{
	struct node *n, *next;
	for (n = make_list(5); n; n = next) {
		next = n->next;
		free(n);
		if (bad)
			next = ((struct node *)hide(n))->next;
	}
}

static struct node *table[8];

static void table_drop(int i)
{
	free(table[i]);
	if (!bad)
		table[i] = NULL;
}

BUG(table_entry_left, "heap-use-after-free read 8 at 8 of 64; alloc=table_entry_left; "
		      "free=table_drop,table_entry_left")
{
	for (int i = 0; i < 8; i++)
		table[i] = calloc(1, sizeof(*table[i]));
	table_drop(5);
	for (int i = 0; i < 8; i++)
		if (table[i])
			sink += ((volatile struct node *)table[i])->value;
	for (int i = 0; i < 8; i++)
		if (i != 5)
			table_drop(i);
}

struct counted {
	long count;
	long payload[3];
};

static void put(struct counted *c)
{
	if (--c->count == 0)
		free(c);
}

BUG(one_reference_too_few, "heap-use-after-free read 8 at 0 of 32; in=put,one_reference_too_few; "
			   "free=put,one_reference_too_few")
{
	struct counted *c = calloc(1, sizeof(*c));
	c->count = bad ? 1 : 2;
	put(c);
	put(hide(c));
}

struct tree {
	struct tree *parent, *left, *right;
	long depth;
};

BUG(parent_pointer, "heap-use-after-free read 8 at 24 of 32")
{
	struct tree *root = calloc(1, sizeof(*root)), *leaf = calloc(1, sizeof(*leaf));
	root->left = leaf;
	leaf->parent = root;
	if (bad)
		free(root);
	sink = ((volatile struct tree *)leaf->parent)->depth;
	if (!bad)
		free(root);
	free(leaf);
}

static char *cache;

static const char *cached(const char *text)
{
	free(cache);
	cache = malloc(32);
	return strcpy(cache, text);
}

BUG(result_of_the_call_before, "heap-use-after-free read 1 at 0 of 32; "
			       "alloc=cached,result_of_the_call_before; "
			       "free=cached,result_of_the_call_before")
{
	const char *first = cached("first");
	const char *second = cached("second");
	sink = *(const volatile char *)(bad ? first : second);
	free(cache);
}

BUG(grown_vector, "heap-use-after-realloc write 4 at 0 of 64; free=grown_vector")
{
	int *vector = calloc(16, sizeof(*vector)), *first = hide(vector);
	vector = realloc(vector, 65536);
	if (!bad)
		first = vector;
	*(volatile int *)first = 7;
	free(vector);
}

BUG(read_of_moved, "heap-use-after-realloc read 8 at 120 of 128")
{
	long *p = calloc(16, 8), *old = hide(p);
	for (int i = 0; i < 12; i++)
		p = realloc(p, 128 << i);
	if (!bad)
		old = p;
	sink = ((volatile long *)old)[15];
	free(p);
}

BUG(freed_by_realloc_to_zero,
    "heap-use-after-free|heap-use-after-realloc read 4 at 0 of 32; only dynamic static")
{
	int *p = calloc(8, 4), *old = hide(p);
	if (bad)
		p = realloc(p, 0);
	sink = *(volatile int *)old;
	free(p);
}

BUG(memalign_released, "heap-use-after-free write 1 at 0 of 192")
{
	void *p = NULL;
	if (posix_memalign(&p, 64, 192))
		abort();
	if (bad)
		free(p);
	*(volatile char *)hide(p) = 1;
	if (!bad)
		free(p);
}

BUG(aligned_alloc_released, "heap-use-after-free read 1 at 4095 of 8192")
{
	char *p = aligned_alloc(4096, 8192);
	memset(p, 1, 8192);
	if (bad)
		free(p);
	sink = ((volatile char *)hide(p))[4095];
	if (!bad)
		free(p);
}

BUG(duplicate_released, "heap-use-after-free read 1 at 2 of 6; alloc=..,duplicate_released")
{
	char *p = strdup("hello");
	if (bad)
		free(p);
	sink = ((volatile char *)hide(p))[2];
	if (!bad)
		free(p);
}

BUG(resized_hash, "heap-use-after-free read 8 at 40 of 64; free=resized_hash")
{
	long *buckets = calloc(8, 8), *bucket = hide(buckets + 5);
	long *larger = calloc(16, 8);
	memcpy(larger, buckets, 64);
	if (!bad)
		bucket = larger + 5;
	free(buckets);
	sink = *(volatile long *)bucket;
	free(larger);
}

/* A careless allocator gives the block to another user. */
BUG(reused_by_another, "heap-use-after-free write 8 at 0 of 64")
{
	long *old = malloc(64), *stale = hide(old), *mine;
	free(old);
	mine = calloc(8, 8);
	if (!bad)
		stale = mine;
	*(volatile long *)stale = 42;
	sink = mine[0];
	free(mine);
}

static void traffic(size_t bytes)
{
	enum { SIZE = 4000, KEEP = 4 };
	static void *kept[1 << 16];
	size_t n = 0, keep = 0;
	for (; bytes > SIZE; bytes -= SIZE, n++) {
		char *p = malloc(SIZE);
		*p = 1;
		if (n % KEEP == 0 && keep < COUNT_OF(kept))
			kept[keep++] = p;
		else
			free(p);
	}
	while (keep)
		free(kept[--keep]);
}

static void release_early(void *p)
{
	free(p);
}

BUG(after_64_megabytes,
    "heap-use-after-free read 8 at 8 of 64; free=release_early,after_64_megabytes")
{
	long *p = calloc(8, 8);
	if (bad)
		release_early(p);
	traffic(64 << 20);
	sink = ((volatile long *)hide(p))[1];
	if (!bad)
		free(p);
}

BUG(after_a_gigabyte,
    "heap-use-after-free read 8 at 8 of 64; free=release_early,after_a_gigabyte; only dynamic")
{
	long *p = calloc(8, 8);
	if (bad)
		release_early(p);
	traffic(1 << 30);
	sink = ((volatile long *)hide(p))[1];
	if (!bad)
		free(p);
}
