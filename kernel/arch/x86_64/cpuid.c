// SPDX-License-Identifier: MIT
/* See cpuid.h. */
#include "kernel/arch/x86_64/cpuid.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/arch/x86_64/arch_needs.h"
#include "kernel/arch/x86_64/call_site.h"
#include "kernel/arch/x86_64/operand.h"
#include "kernel/kernel.h"

enum { EAX, EBX, ECX, EDX };

#define LEAF_FEATURES	 0x1
#define LEAF_TOPOLOGY	 0xb
#define LEAF_TOPOLOGY_V2 0x1f
#define LEAF_EXTENDED	 0x80000000U

/* "Auth", "Hygo": vendors whose CPUs answer zeros for leaves above the highest one. */
#define VENDOR_AMD	 0x68747541
#define VENDOR_HYGON	 0x6f677948

static const struct boot_cpuid *find(const struct boot_cpuid *table, u32 count, u32 leaf,
				     u32 subleaf)
{
	for (u32 i = 0; i < count; i++)
		if (table[i].leaf == leaf &&
		    (!table[i].has_subleaves || table[i].subleaf == subleaf))
			return &table[i];
	return NULL;
}

/* The leaf is above the highest one of its range, which EAX of the range's first leaf names. */
static bool is_behind_last(const struct boot_cpuid *table, u32 count, u32 leaf)
{
	u32 first = leaf >> 28 == CPUID_HYPERVISOR >> 28 ? CPUID_HYPERVISOR : leaf & LEAF_EXTENDED;
	const struct boot_cpuid *range = find(table, count, first, 0);

	return !range || leaf > range->reg[EAX];
}

void cpuid_answer(const struct boot_cpuid *table, u32 count, u32 apic_id, u32 leaf, u32 subleaf,
		  u32 reg[4])
{
	const struct boot_cpuid *basic = find(table, count, 0, 0), *found;

	memset(reg, 0, 4 * sizeof(reg[0]));
	if (basic && basic->reg[EBX] != VENDOR_AMD && basic->reg[EBX] != VENDOR_HYGON &&
	    is_behind_last(table, count, leaf))
		leaf = basic->reg[EAX];
	found = find(table, count, leaf, subleaf);
	if (found)
		memcpy(reg, found->reg, sizeof(found->reg));
	switch (leaf) {
	case LEAF_FEATURES:
		reg[EBX] = (reg[EBX] & 0xffffff) | apic_id << 24;
		break;
	case LEAF_TOPOLOGY:
	case LEAF_TOPOLOGY_V2:
		/* Every subleaf contains the APIC id and its own number. */
		if (find(table, count, leaf, 0)) {
			reg[ECX] = (reg[ECX] & ~0xffu) | (subleaf & 0xff);
			reg[EDX] = apic_id;
		}
		break;
	default:
		break;
	}
}

void cpuid_read(u32 leaf, u32 subleaf, u32 reg[4])
{
	if (boot->cpuid_count) {
		cpuid_answer(phys_to_virt(boot->cpuid_gpa), boot->cpuid_count, arch_vcpu_data()->id,
			     leaf, subleaf, reg);
		return;
	}
	reg[EAX] = leaf;
	reg[ECX] = subleaf;
	__asm__ volatile("cpuid" : "+a"(reg[EAX]), "=b"(reg[EBX]), "+c"(reg[ECX]), "=d"(reg[EDX]));
}

static bool is_prefix(u8 byte)
{
	switch (byte) {
	case 0x26: /* segments */
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64:
	case 0x65:
	case 0x66: /* operand size, address size */
	case 0x67:
	case 0xf2: /* repetition */
	case 0xf3:
		return true;
	default:
		return (byte & 0xf0) == 0x40; /* REX */
	}
}

u32 cpuid_length(const u8 *insn, u32 len)
{
	u32 at = 0;

	while (at < len && is_prefix(insn[at]))
		at++;
	return at + 2 <= len && insn[at] == 0x0f && insn[at + 1] == 0xa2 ? at + 2 : 0;
}

static void answer(struct trapframe *f)
{
	u32 reg[4];

	cpuid_read((u32)f->rax, (u32)f->rcx, reg);
	f->rax = reg[EAX];
	f->rbx = reg[EBX];
	f->rcx = reg[ECX];
	f->rdx = reg[EDX];
}

void cpuid_by_stub(struct trapframe *f)
{
	f->vector = VEC_GP; /* no system call that could be restarted */
	f->rax = f->orig_rax;
	f->orig_rax = (u64)-1;
	answer(f);
}

bool cpuid_emulate(struct trapframe *f)
{
	u8 insn[INSN_MAX];
	u32 len;

	/* A fault of CPUID has error code 0, as most others of programs. */
	if (!boot->cpuid_count || f->error)
		return false;
	len = cpuid_length(insn, arch_needs_user_bytes(insn, f->rip, sizeof(insn)));
	if (!len)
		return false;
	answer(f);
	if (len == SYSCALL_SIZE)
		arch_needs_cpuid_noted(f->rip);
	f->rip += len;
	return true;
}
