// SPDX-License-Identifier: MIT
/*
 * Does leaf 2, as the guest sees it, name exactly the caches of leaf 4? Looked at as programs do:
 * bytes in order, up to 0xff, in registers whose highest bit is clear.
 * sources: vm/cpuid_caches.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/types.h"
#include "vm/cpuid_caches.h"

#define DATA	1
#define CODE	2
#define UNIFIED 3

struct cpu {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[16];
};

static void add(struct cpu *c, struct kvm_cpuid_entry2 e)
{
	c->entry[c->head.nent++] = e;
}

static void add_cache(struct cpu *c, u32 index, u32 level, u32 type, u32 ways, u32 kib)
{
	add(c, (struct kvm_cpuid_entry2){
		       .function = 4,
		       .index = index,
		       .eax = level << 5 | type,
		       .ebx = (ways - 1) << 22 | 63,
		       .ecx = kib * 1024 / 64 / ways - 1,
	       });
}

static void add_leaf2(struct cpu *c, u32 eax, u32 ebx, u32 ecx, u32 edx)
{
	add(c, (struct kvm_cpuid_entry2){
		       .function = 2, .eax = eax, .ebx = ebx, .ecx = ecx, .edx = edx});
}

/*
 * Finds the descriptors as a program does, and returns how many there are. The count of rounds is
 * 1.
 */
static u32 read_leaf2(const struct cpu *c, u8 *byte)
{
	const struct kvm_cpuid_entry2 *e = NULL;
	u32 n = 0;

	for (u32 i = 0; i < c->head.nent; i++)
		if (c->entry[i].function == 2)
			e = &c->entry[i];
	assert_non_null(e);
	assert_int_equal(e->eax & 0xff, 1);
	for (u32 at = 1; at < 16; at++) {
		const u32 reg[] = {e->eax, e->ebx, e->ecx, e->edx};

		if (!(reg[at / 4] >> 31) && (reg[at / 4] >> at % 4 * 8 & 0xff))
			byte[n++] = (u8)(reg[at / 4] >> at % 4 * 8);
	}
	return n;
}

/* Checks that programs find these descriptors after cpuid_describe_caches. */
static void expect_leaf2(struct cpu *c, const u8 *expected, u32 count)
{
	u8 byte[16];

	cpuid_describe_caches(&c->head);
	assert_int_equal(read_leaf2(c, byte), count);
	assert_memory_equal(byte, expected, count);
}

static void caches_that_all_have_names_need_no_leaf_4(void **state)
{
	static const u8 expected[] = {0x2c, 0x30, 0x21, 0x4b, 0x63, 0x76};
	struct cpu c = {0};

	(void)state;
	add_leaf2(&c, 0x76ff6301, 0, 0, 0);
	add_cache(&c, 0, 1, DATA, 8, 32);
	add_cache(&c, 1, 1, CODE, 8, 32);
	add_cache(&c, 2, 2, UNIFIED, 8, 256);
	add_cache(&c, 3, 3, UNIFIED, 16, 8192);
	add_cache(&c, 4, 0, 0, 1, 1);
	expect_leaf2(&c, expected, sizeof(expected));
}

static void a_cache_without_a_name_is_asked_for_after_the_names(void **state)
{
	static const u8 expected[] = {0x30, 0xff, 0xfe, 0xf0};
	struct cpu c = {0};

	(void)state;
	add_leaf2(&c, 0x00feff01, 0xf0, 0, 0);
	add_cache(&c, 0, 1, DATA, 12, 48);
	add_cache(&c, 1, 1, CODE, 8, 32);
	add_cache(&c, 2, 2, UNIFIED, 16, 2048);
	add_cache(&c, 3, 3, UNIFIED, 20, 307200);
	expect_leaf2(&c, expected, sizeof(expected));
}

static void unchanged(struct cpu *c)
{
	struct cpu before = *c;

	cpuid_describe_caches(&c->head);
	assert_memory_equal(c, &before, sizeof(before));
}

static void what_does_not_ask_leaf_4_stays_as_it_is(void **state)
{
	struct cpu none = {0}, amd = {0}, old = {0}, rounds = {0}, full = {0}, other = {0};

	(void)state;
	unchanged(&none);
	add_cache(&amd, 0, 1, DATA, 8, 32);
	unchanged(&amd);
	add_leaf2(&old, 0x665b5001, 0, 0, 0x007a7040);
	add_cache(&old, 0, 1, DATA, 8, 32);
	unchanged(&old);
	add_leaf2(&rounds, 0x00ff0002, 0, 0, 0);
	add_cache(&rounds, 0, 1, DATA, 8, 32);
	unchanged(&rounds);
	add_leaf2(&full, 0x765aff01, 0x01020304, 0x05060708, 0x090a0b0c);
	add_cache(&full, 0, 1, DATA, 12, 48);
	add_cache(&full, 1, 1, CODE, 8, 32);
	unchanged(&full);
	add_leaf2(&other, 0x00ff0001, 0, 0, 0);
	add_cache(&other, 0, 1, DATA, 12, 48);
	unchanged(&other);
}

/* A register with its highest bit set has no descriptors, so 0xff must not end up there. */
static void high_descriptors_stay_out_of_the_highest_byte(void **state)
{
	static const u8 expected[] = {0x2c, 0x30, 0xff, 0x63};
	struct cpu c = {0};

	(void)state;
	add_leaf2(&c, 0x0063ff01, 0, 0, 0);
	add_cache(&c, 0, 1, DATA, 8, 32);
	add_cache(&c, 1, 1, CODE, 8, 32);
	add_cache(&c, 2, 2, UNIFIED, 16, 2048);
	expect_leaf2(&c, expected, sizeof(expected));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caches_that_all_have_names_need_no_leaf_4),
		cmocka_unit_test(a_cache_without_a_name_is_asked_for_after_the_names),
		cmocka_unit_test(what_does_not_ask_leaf_4_stays_as_it_is),
		cmocka_unit_test(high_descriptors_stay_out_of_the_highest_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
