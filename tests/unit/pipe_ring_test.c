// SPDX-License-Identifier: MIT
/*
 * Does a pipe's ring give back the bytes in their order, is every page given back once, and do
 * slots fill as Linux fills them?
 * sources: kernel/fs/pipe_ring.c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/fs/pipe_ring.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"

#define PAGE 4096

static bool no_memory;

void *kmalloc(u64 size)
{
	return no_memory ? NULL : malloc(size);
}

void kfree(void *p)
{
	free(p);
}

void panic(const char *fmt, ...)
{
	(void)fmt;
	abort();
}

static struct pipe_ring r;

static int set_up(void **state)
{
	(void)state;
	return ring_init(&r, 16);
}

static int tear_down(void **state)
{
	(void)state;
	while (!ring_empty(&r))
		free(ring_consume(&r, ring_slot(&r, 0)->len));
	ring_destroy(&r);
	return 0;
}

/* Does what a write of n <= PAGE bytes does. Returns false if it does not fit. */
static bool put(const char *bytes, u32 n, bool packet)
{
	char *at = ring_merge(&r, n);

	if (!at) {
		if (ring_full(&r))
			return false;
		at = malloc(PAGE);
		assert_non_null(at);
		ring_append(&r, at, n, packet);
	}
	memcpy(at, bytes, n);
	return true;
}

/* Does what a read of at most n bytes does: takes one packet, or as many bytes as there are. */
static u32 get(char *bytes, u32 n)
{
	u32 done = 0;

	while (done < n && !ring_empty(&r)) {
		const struct pipe_slot *s = ring_slot(&r, 0);
		u32 part = MIN(n - done, (u32)s->len);
		bool packet = s->packet;

		memcpy(bytes + done, s->page + s->offset, part);
		free(ring_consume(&r, part));
		done += part;
		if (packet)
			break;
	}
	return done;
}

static void small_writes_share_a_page(void **state)
{
	char page[PAGE];
	u32 n = 0;

	(void)state;
	while (put("x", 1, false))
		n++;
	assert_int_equal(n, 16 * PAGE);
	assert_int_equal(r.bytes, n);
	/* A byte that was read frees no space as long as its page has others. */
	assert_int_equal(get(page, 1), 1);
	assert_false(put("x", 1, false));
	assert_int_equal(get(page, PAGE - 1), PAGE - 1);
	assert_true(put("x", 1, false));
}

static void what_does_not_fit_begins_a_slot(void **state)
{
	static char page[PAGE];
	u32 n = 0;

	(void)state;
	while (put(page, 3000, false))
		n++;
	assert_int_equal(n, 16);
	assert_true(put(page, PAGE - 3000, false)); /* behind the last */
	assert_false(put(page, 1, false));
}

static void nothing_is_added_to_a_packet(void **state)
{
	char out[100];

	(void)state;
	put("one", 3, true);
	put("two", 3, false);
	put("three", 5, true);
	assert_int_equal(ring_used(&r), 2); /* three goes behind two, which is no packet */
	assert_int_equal(get(out, 2), 2);   /* the third byte is lost */
	assert_int_equal(r.bytes, 8);
	assert_int_equal(get(out, 100), 8);
	assert_memory_equal(out, "twothree", 8);
}

static void resizing_keeps_the_bytes(void **state)
{
	char out[PAGE];

	(void)state;
	/* Moves on, so that the slots in use wrap around the end of the array. */
	for (int i = 0; i < 13; i++) {
		put("a", 1, true);
		get(out, 1);
	}
	for (int i = 0; i < 8; i++)
		assert_true(put((char[]){(char)('0' + i)}, 1, true));
	assert_int_equal(ring_resize(&r, 4), -EBUSY);
	assert_int_equal(ring_resize(&r, 8), 0);
	assert_true(ring_full(&r));
	no_memory = true;
	assert_int_equal(ring_resize(&r, 64), -ENOMEM);
	no_memory = false;
	assert_int_equal(ring_resize(&r, 64), 0);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(get(out, PAGE), 1);
		assert_int_equal(out[0], '0' + i);
	}
	assert_true(ring_empty(&r));
}

/*
 * Compares with a queue of bytes. ASan sees a page that is freed twice, LSan one that is not freed.
 */
static void random_traffic(void **state)
{
	static char model[64 * PAGE], in[PAGE], out[64 * PAGE];
	u64 have = 0;
	char next = 0;

	(void)state;
	srand(1);
	for (int i = 0; i < 200000; i++) {
		u32 n = (u32)(rand() % 7 ? rand() % 64 : rand() % PAGE) + 1;

		switch (rand() % 16) {
		case 0:
			ring_resize(&r, 1U << rand() % 7);
			break;
		case 1 ... 8:
			for (u32 k = 0; k < n; k++)
				in[k] = next++;
			if (put(in, n, false)) {
				memcpy(model + have, in, n);
				have += n;
			} else {
				next = (char)(next - (char)n);
			}
			break;
		default:
			n = get(out, n);
			assert_memory_equal(out, model, n);
			have -= n;
			memmove(model, model + n, have);
			break;
		}
		assert_int_equal(r.bytes, have);
		assert_true(ring_used(&r) <= r.size);
		assert_true(have <= (u64)r.size * PAGE);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(small_writes_share_a_page),
		TEST(what_does_not_fit_begins_a_slot),
		TEST(nothing_is_added_to_a_packet),
		TEST(resizing_keeps_the_bytes),
		TEST(random_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
