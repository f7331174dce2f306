// SPDX-License-Identifier: MIT
/*
 * Accesses beside an object: past its end and before its start, by one byte and by many, at even
 * and at odd sizes. Objects are aligned to 16 bytes, so that an access to the bytes between an odd
 * size and the next 16 is found when the object is released (a write), or with --align=1 at once.
 */
#include "bug.h"

#include <emmintrin.h>
#include <wchar.h>

BUG(write_int_past, "heap-overflow write 4 at 64 of 64")
{
	int n = bad ? 17 : 16, *p = malloc(64);
	for (int i = 0; i < n; i++)
		((volatile int *)p)[i] = i;
	free(p);
}

BUG(read_int_past, "heap-overflow read 4 at 64 of 64")
{
	int n = bad ? 17 : 16, *p = calloc(16, 4);
	for (int i = 0; i < n; i++)
		sink += ((volatile int *)p)[i];
	free(p);
}

BUG(read_byte_past, "heap-overflow read 1 at 16 of 16")
{
	char *p = calloc(1, 16);
	sink = ((volatile char *)hide(p))[bad ? 16 : 15];
	free(p);
}

BUG(write_long_past, "heap-overflow write 8 at 32 of 32")
{
	long *p = malloc(32);
	((volatile long *)hide(p))[bad ? 4 : 3] = 1;
	free(p);
}

BUG(write_far_past, "heap-overflow write 4 at 1600 of 160")
{
	int *p = malloc(160);
	((volatile int *)hide(p))[bad ? 400 : 39] = 1;
	free(p);
}

BUG(read_vector_past, "heap-overflow read 16 at 48 of 48")
{
	char *p = calloc(1, 48);
	sink = _mm_cvtsi128_si32(*(volatile __m128i *)((char *)hide(p) + (bad ? 48 : 32)));
	free(p);
}

BUG(write_vector_past, "heap-overflow write 16 at 32 of 32")
{
	char *p = malloc(32);
	*(volatile __m128i *)((char *)hide(p) + (bad ? 32 : 16)) = _mm_setzero_si128();
	free(p);
}

BUG(read_across_end, "heap-overflow read 8 at 60 of 64")
{
	char *p = calloc(1, 64);
	sink = *(volatile long *)((char *)hide(p) + (bad ? 60 : 56));
	free(p);
}

BUG(write_across_end, "heap-overflow write 4 at 30 of 32")
{
	char *p = malloc(32);
	*(volatile int *)((char *)hide(p) + (bad ? 30 : 28)) = 1;
	free(p);
}

BUG(fill_past, "heap-overflow write ? at ? of 80")
{
	char *p = hide(malloc(80)), *to = p;
	size_t count = bad ? 96 : 80;
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(0) : "memory");
	free(p);
}

BUG(page_past, "heap-overflow read 1 at 4096 of 4096")
{
	char *p = calloc(1, 4096);
	sink = ((volatile char *)hide(p))[bad ? 4096 : 4095];
	free(p);
}

BUG(megabyte_past, "heap-overflow write 8 at 1048576 of 1048576")
{
	long *p = malloc(1 << 20);
	((volatile long *)hide(p))[bad ? 1 << 17 : 0] = 1;
	free(p);
}

BUG(page_before, "heap-underflow read 1 at -1 of 4096")
{
	char *p = calloc(1, 4096);
	sink = ((volatile char *)hide(p))[bad ? -1 : 0];
	free(p);
}

BUG(int_before, "heap-underflow write 4 at -4 of 64; with --guard=before")
{
	int *p = malloc(64);
	((volatile int *)hide(p))[bad ? -1 : 0] = 1;
	free(p);
}

BUG(read_before, "heap-underflow read 8 at -16 of 40; with --guard=before")
{
	long *p = calloc(5, 8);
	sink = ((volatile long *)hide(p))[bad ? -2 : 0];
	free(p);
}

BUG(scan_backwards, "heap-underflow read 1 at -1 of 10; with --guard=before")
{
	char *p = malloc(10), *end;
	memset(p, ' ', 10);
	if (!bad)
		p[0] = 'x';
	for (end = p + 9; *(volatile char *)end == ' '; end--)
		sink++;
	free(p);
}

BUG(both_guards_after, "heap-overflow write 1 at 16384 of 16384; with --guard=both")
{
	char *p = malloc(16384);
	((volatile char *)hide(p))[bad ? 16384 : 16383] = 1;
	free(p);
}

BUG(both_guards_before, "heap-underflow write 1 at -1 of 16384; with --guard=both")
{
	char *p = malloc(16384);
	((volatile char *)hide(p))[bad ? -1 : 0] = 1;
	free(p);
}

#define ODD_WRITE(size, name)                                                                      \
	BUG(name, "heap-overflow write 1 at " #size " of " #size "; with --align=1")               \
	{                                                                                          \
		char *p = malloc(size);                                                            \
		((volatile char *)hide(p))[bad ? size : size - 1] = 1;                             \
		free(p);                                                                           \
	}
#define ODD_READ(size, name)                                                                       \
	BUG(name, "heap-overflow read 1 at " #size " of " #size "; with --align=1")                \
	{                                                                                          \
		char *p = calloc(1, size);                                                         \
		sink = ((volatile char *)hide(p))[bad ? size : size - 1];                          \
		free(p);                                                                           \
	}
ODD_WRITE(1, odd_1_write)
ODD_WRITE(3, odd_3_write)
ODD_WRITE(13, odd_13_write)
ODD_WRITE(100, odd_100_write)
ODD_WRITE(4097, odd_4097_write)
ODD_READ(1, odd_1_read)
ODD_READ(7, odd_7_read)
ODD_READ(33, odd_33_read)
ODD_READ(1000, odd_1000_read)

#define SLACK(size, at, name)                                                                      \
	BUG(name, "heap-slack-overwritten at " #at " of " #size)                                   \
	{                                                                                          \
		char *p = malloc(size);                                                            \
		((volatile char *)hide(p))[bad ? at : size - 1] = 1;                               \
		free(p);                                                                           \
	}
SLACK(1, 1, slack_1)
SLACK(10, 10, slack_10)
SLACK(10, 15, slack_10_last)
SLACK(100, 103, slack_100)
SLACK(4090, 4090, slack_4090)

static char *volatile kept;

BUG(slack_at_exit, "heap-slack-overwritten at 5 of 5; in=-")
{
	kept = malloc(5);
	((volatile char *)kept)[bad ? 5 : 4] = 0;
}

BUG(slack_at_realloc, "heap-slack-overwritten at 20 of 20")
{
	char *p = malloc(20);
	((volatile char *)p)[bad ? 20 : 19] = 1;
	p = realloc(p, 2000);
	free(p);
}

BUG(zero_size_write, "heap-overflow write 1 at 0 of 0; with --align=1")
{
	char *p = malloc(bad ? 0 : 1);
	*(volatile char *)hide(p) = 1;
	free(p);
}

BUG(size_of_pointer, "heap-overflow write 8 at 16 of 8")
{
	struct record {
		long id, group, length;
	} *r = malloc(bad ? sizeof(r) : sizeof(*r));
	((volatile struct record *)hide(r))->length = 3;
	free(r);
}

BUG(flexible_array, "heap-overflow write 8 at 32 of 32")
{
	struct message {
		long length;
		long words[];
	} *m = malloc(sizeof(*m) + (bad ? 3 : 4) * sizeof(long));
	m->length = 4;
	for (int i = 0; i < m->length; i++)
		((volatile long *)m->words)[i] = i;
	free(m);
}

BUG(rows_for_columns, "heap-overflow read 4 at 192 of 192")
{
	enum { ROWS = 4, COLUMNS = 12 };
	int *matrix = calloc(ROWS * COLUMNS, 4), row = bad ? COLUMNS - 8 : ROWS - 1;
	sink = ((volatile int *)hide(matrix))[row * COLUMNS];
	free(matrix);
}

BUG(shrunk, "heap-overflow write 1 at 64 of 64")
{
	char *p = malloc(4000);
	p = realloc(p, bad ? 64 : 4000);
	((volatile char *)hide(p))[64] = 1;
	free(p);
}

BUG(cleared_array, "heap-overflow read 8 at 80 of 80; alloc=cleared_array")
{
	long *p = calloc(10, 8);
	sink = ((volatile long *)hide(p))[bad ? 10 : 9];
	free(p);
}

BUG(aligned_past, "heap-overflow write 1 at 256 of 256")
{
	char *p = aligned_alloc(128, 256);
	((volatile char *)hide(p))[bad ? 256 : 255] = 1;
	free(p);
}

BUG(wide_characters, "heap-overflow write 4 at 32 of 32")
{
	wchar_t *p = malloc(bad ? 32 : 32 * sizeof(*p));
	for (int i = 0; i < 32; i++)
		((volatile wchar_t *)p)[i] = L'x';
	free(p);
}

BUG(bit_past, "heap-overflow read 1 at 32 of 32")
{
	unsigned char *map = calloc(1, 32);
	int bit = bad ? 256 : 255;
	sink = ((volatile unsigned char *)hide(map))[bit / 8] >> bit % 8 & 1;
	free(map);
}

BUG(ring_without_wrap, "heap-overflow write 2 at 128 of 128")
{
	short *ring = malloc(128);
	for (int head = 60; head < 70; head++)
		((volatile short *)ring)[bad ? head : head % 64] = head;
	free(ring);
}

BUG(three_objects, "heap-overflow write 4 at 160 of 160")
{
	for (int i = 0; i < 3; i++) {
		int *p = malloc(160);
		((volatile int *)p)[bad ? 40 : 39] = 1;
		free(p);
	}
}

BUG(grown_index, "heap-overflow read 4 at 2048 of 2048; alloc=grown_index")
{
	int *p = NULL, size = 1;
	for (; size <= 512; size *= 2)
		p = realloc(p, size * sizeof(*p));
	memset(p, 0, 2048);
	sink = ((volatile int *)hide(p))[bad ? 512 : 511];
	free(p);
}
