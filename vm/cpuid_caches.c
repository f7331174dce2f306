// SPDX-License-Identifier: MIT
/* See cpuid_caches.h. */
#include <cpuid.h>
#include <stdbool.h>
#include <string.h>
#include "common/types.h"
#include "vm/cpuid_caches.h"

#define ASK_LEAF_4 0xff

/* Cache types of leaf 4, EAX bits 4 to 0. */
enum { TYPE_NONE, TYPE_DATA, TYPE_CODE, TYPE_UNIFIED };

/*
 * Caches with lines of 64 bytes, from Intel SDM 2A, CPUID, table "Encoding of CPUID Leaf 2
 * Descriptors". Descriptors that glibc reads differently (0x78, 0xdc to 0xde) or does not know
 * (0x24) are left out.
 */
static const struct {
	u8 descriptor, level, type, ways;
	u32 kib;
} known[] = {
	{0x0d, 1, TYPE_DATA, 4, 16},	    {0x0e, 1, TYPE_DATA, 6, 24},
	{0x2c, 1, TYPE_DATA, 8, 32},	    {0x60, 1, TYPE_DATA, 8, 16},
	{0x30, 1, TYPE_CODE, 8, 32},	    {0x21, 2, TYPE_UNIFIED, 8, 256},
	{0x48, 2, TYPE_UNIFIED, 12, 3072},  {0x4e, 2, TYPE_UNIFIED, 24, 6144},
	{0x7d, 2, TYPE_UNIFIED, 8, 2048},   {0x7f, 2, TYPE_UNIFIED, 2, 512},
	{0x80, 2, TYPE_UNIFIED, 8, 512},    {0x86, 2, TYPE_UNIFIED, 4, 512},
	{0x87, 2, TYPE_UNIFIED, 8, 1024},   {0xd0, 3, TYPE_UNIFIED, 4, 512},
	{0xd1, 3, TYPE_UNIFIED, 4, 1024},   {0xd2, 3, TYPE_UNIFIED, 4, 2048},
	{0xd6, 3, TYPE_UNIFIED, 8, 1024},   {0xd7, 3, TYPE_UNIFIED, 8, 2048},
	{0xd8, 3, TYPE_UNIFIED, 8, 4096},   {0x46, 3, TYPE_UNIFIED, 4, 4096},
	{0x47, 3, TYPE_UNIFIED, 8, 8192},   {0x4a, 3, TYPE_UNIFIED, 12, 6144},
	{0x4b, 3, TYPE_UNIFIED, 16, 8192},  {0x4c, 3, TYPE_UNIFIED, 12, 12288},
	{0x4d, 3, TYPE_UNIFIED, 16, 16384}, {0xe2, 3, TYPE_UNIFIED, 16, 2048},
	{0xe3, 3, TYPE_UNIFIED, 16, 4096},  {0xe4, 3, TYPE_UNIFIED, 16, 8192},
	{0xea, 3, TYPE_UNIFIED, 24, 12288}, {0xeb, 3, TYPE_UNIFIED, 24, 18432},
	{0xec, 3, TYPE_UNIFIED, 24, 24576},
};

/* Returns the descriptor of exactly the cache of this subleaf of leaf 4, or 0 if there is none. */
static u8 descriptor_of(const struct kvm_cpuid_entry2 *e)
{
	u64 line = (e->ebx & 0xfff) + 1, partitions = (e->ebx >> 12 & 0x3ff) + 1;
	u64 ways = (e->ebx >> 22) + 1, sets = (u64)e->ecx + 1;

	if (line != 64)
		return 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].type == (e->eax & 0x1f) && known[i].level == (e->eax >> 5 & 7) &&
		    known[i].ways == ways &&
		    known[i].kib * 1024UL == line * partitions * ways * sets)
			return known[i].descriptor;
	return 0;
}

/*
 * Writes the descriptors to the bytes of leaf 2; its lowest byte is a count and stays. A register
 * whose highest bit is set has no descriptors, so only descriptors below 0x80 go to a register's
 * highest byte. Returns false, and changes nothing, if there is no space.
 */
static bool fill(struct kvm_cpuid_entry2 *leaf2, const u8 *descriptor, u32 count)
{
	u32 *const reg[] = {&leaf2->eax, &leaf2->ebx, &leaf2->ecx, &leaf2->edx};
	u32 value[4] = {leaf2->eax & 0xff}, at = 1;

	for (u32 i = 0; i < count; at++) {
		if (at == sizeof(value))
			return false;
		if (at % 4 == 3 && descriptor[i] >= 0x80)
			continue;
		value[at / 4] |= (u32)descriptor[i++] << at % 4 * 8;
	}
	for (u32 r = 0; r < 4; r++)
		*reg[r] = value[r];
	return true;
}

void cpuid_describe_caches(struct kvm_cpuid2 *cpuid)
{
	/* At most 8 caches, 0xff, and the other bytes of leaf 2, of which there are 15. */
	u8 descriptor[32];
	u32 count = 0, named;
	struct kvm_cpuid_entry2 *leaf2 = NULL;
	bool asks = false, all = true;

	for (u32 i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function == 2)
			leaf2 = e;
		if (e->function != 4 || (e->eax & 0x1f) == TYPE_NONE || count == 8)
			continue;
		descriptor[count] = descriptor_of(e);
		if (descriptor[count])
			count++;
		else
			all = false;
	}
	/* Only processors without leaf 4 have to be asked for leaf 2 more than once. */
	if (!leaf2 || !count || (leaf2->eax & 0xff) != 1)
		return;
	named = count;
	for (u32 at = 1; at < 16; at++) {
		const u32 reg[] = {leaf2->eax, leaf2->ebx, leaf2->ecx, leaf2->edx};
		u8 byte = (u8)(reg[at / 4] >> at % 4 * 8);

		if (!byte || reg[at / 4] >> 31)
			continue;
		if (byte == ASK_LEAF_4) {
			asks = true;
			if (all)
				continue;
		}
		/* glibc stops at 0xff, so it goes directly behind the new descriptors. */
		if (byte == ASK_LEAF_4) {
			memmove(descriptor + named + 1, descriptor + named, count - named);
			descriptor[named] = byte;
			count++;
		} else {
			descriptor[count++] = byte;
		}
	}
	if (asks)
		fill(leaf2, descriptor, count);
}

#define LEAF_EXTENDED 0x80000000
#define SUBLEAVES_MAX 8

/* AMD's cache leaves, which KVM may lack. */
static const struct {
	u32 leaf;
	bool has_subleaves; /* they end with the first of TYPE_NONE */
} amd_leaves[] = {{0x80000005, false}, {0x8000001d, true}};

/* Returns true if KVM has an entry of the leaf that is not all zeros. Removes an entry of zeros. */
static bool is_told(struct kvm_cpuid2 *cpuid, u32 leaf)
{
	for (u32 i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function != leaf)
			continue;
		if (e->eax || e->ebx || e->ecx || e->edx)
			return true;
		*e = cpuid->entries[--cpuid->nent];
		return false;
	}
	return false;
}

void cpuid_add_amd_caches(struct kvm_cpuid2 *cpuid, u32 max)
{
	for (size_t i = 0; i < ARRAY_SIZE(amd_leaves); i++) {
		bool more = amd_leaves[i].has_subleaves;
		struct kvm_cpuid_entry2 e = {
			.function = amd_leaves[i].leaf,
			.flags = more ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
		};

		if (__get_cpuid_max(LEAF_EXTENDED, NULL) < e.function || is_told(cpuid, e.function))
			continue;
		do {
			if (cpuid->nent == max)
				return;
			__cpuid_count(e.function, e.index, e.eax, e.ebx, e.ecx, e.edx);
			cpuid->entries[cpuid->nent++] = e;
			more = more && (e.eax & 0x1f) != TYPE_NONE;
		} while (more && ++e.index < SUBLEAVES_MAX);
	}
}
