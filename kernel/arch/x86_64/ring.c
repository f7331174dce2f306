// SPDX-License-Identifier: MIT
/*
 * The two ring modes: finding out which one it is, and the privileged operations in each.
 *
 * In the ring-0 mode an operation is its instruction. In the ring-3 mode stubs of entry.S execute
 * the instructions that need ring 0, after an INT3. Where the host emulates ring 0, an instruction
 * of a stub costs more than a microsecond. So the stubs do not find out whose INT3 it was: the
 * kernel changes this vCPU's gate of INT3 for the time of the call.
 */
#include "common/boot_info.h"
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/ring.h"
#include "kernel/arch/x86_64/stubs.h"
#include "kernel/hostcall.h"
#include "kernel/stats.h"

#define FLUSH_SPINS 1000

bool ring3_mode;
u64 physmap_base;
const struct boot_info *boot;

static void ring0_protect(void)
{
	u32 eax = 7, ebx, ecx = 0, edx;
	u64 cr4;

	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	__asm__("mov %%cr4, %0" : "=r"(cr4));
	if (ebx & (1 << 7))
		cr4 |= X86_CR4_SMEP;
	if (ebx & (1 << 20))
		cr4 |= X86_CR4_SMAP;
	if (ecx & (1 << 2))
		cr4 |= X86_CR4_UMIP;
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4));
}

void arch_init(u64 boot_info_gpa)
{
	u16 cs;

	__asm__("mov %%cs, %0" : "=r"(cs));
	ring3_mode = (cs & 3) == 3;
	physmap_base = ring3_mode ? PHYSMAP_RING3 : PHYSMAP_RING0;
	boot = phys_to_virt(boot_info_gpa);
	if (!ring3_mode)
		ring0_protect();
}

u64 virt_to_phys(const void *p)
{
	u64 va = (u64)p;

	if (va - boot->kernel_va < boot->kernel_size)
		return (va - boot->kernel_va) % KERNEL_DATA_SHIFT + boot->kernel_gpa;
	KASSERT(va - physmap_base < PHYSMAP_SIZE);
	return va - physmap_base;
}

u64 arch_fault_address(void)
{
	u64 cr2;

	if (ring3_mode)
		return arch_vcpu_data()->cr2;
	__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	return cr2;
}

/*
 * Ring-3 mode: lets a stub do its operation in ring 0. Nothing else runs on this vCPU before the
 * gate is restored, and no other vCPU uses this gate. The stubs lie in one page, so the gates
 * differ in the lowest 16 bits only. The stub takes as many of the arguments as it needs.
 */
static void ring0_does(const char *stub, u64 a, u64 b, u64 c, u64 d)
{
	u16 *gate = &arch_vcpu_data()->idt[VEC_BP].offset_low, own = *gate;

	WRITE_ONCE(*gate, (u16)((own & ~PAGE_MASK) + (u64)(stub - entry_page_start)));
	ring3_ask(a, b, c, d);
	WRITE_ONCE(*gate, own);
}

void arch_flush_pages(u64 va, u64 count)
{
	static const char *const stub[ARCH_FLUSH_PAGES] = {stub_flush_1, stub_flush_2, stub_flush_3,
							   stub_flush_4};

	KASSERT(count && count <= ARCH_FLUSH_PAGES);
	STATS_ADD(page_flushes, count);
	if (ring3_mode) {
		ring0_does(stub[count - 1], va, va + PAGE_SIZE, va + 2 * PAGE_SIZE,
			   va + 3 * PAGE_SIZE);
		return;
	}
	for (u64 end = va + count * PAGE_SIZE; va < end; va += PAGE_SIZE)
		__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static void load_cr3(u64 pml4_gpa)
{
	arch_vcpu_data()->cr3 = pml4_gpa;
	if (ring3_mode)
		ring0_does(stub_switch, pml4_gpa, 0, 0, 0);
	else
		__asm__ volatile("mov %0, %%cr3" : : "r"(pml4_gpa) : "memory");
}

void arch_switch(u64 pml4_gpa)
{
	STATS_INC(switches);
	load_cr3(pml4_gpa);
}

void arch_switch_kernel(void)
{
	arch_switch(pagetable_kernel());
}

void arch_flush_all(u64 pml4_gpa)
{
	STATS_INC(full_flushes);
	load_cr3(pml4_gpa);
}

/*
 * If SYSCALL stays in ring 3, the CPU uses shadow page tables that the host makes from the
 * kernel's, one set for all vCPUs of an address space. INVLPG or MOV CR3 on one vCPU changes the
 * shadow tables for all, and the host flushes the CPUs that use them before that vCPU continues
 * (kvm_flush_remote_tlbs in Linux's mmu/paging_tmpl.h: invlpg, sync_page).
 */
bool arch_flush_is_shared(void)
{
	return ring3_mode && !boot->syscall_raises;
}

void arch_flush_request(u32 vcpu)
{
	struct vcpu_data *d = arch_vcpu_data_of(vcpu);

	__atomic_store_n(&d->flush_wanted, 1, __ATOMIC_SEQ_CST);
	__atomic_exchange_n(&d->upcall, 1, __ATOMIC_SEQ_CST);
	/* A vCPU in the kernel reads the word on its way out: exit_to_program in entry.S. */
	if (__atomic_load_n(&d->in_program, __ATOMIC_SEQ_CST))
		arch_vcpu_kick(vcpu);
}

void arch_flush_wait(u32 vcpu)
{
	struct vcpu_data *d = arch_vcpu_data_of(vcpu);

	for (unsigned i = 1; READ_ONCE(d->in_program) && READ_ONCE(d->flush_wanted); i++) {
		/* The vCPU's host thread may need the CPU that this one runs on. */
		if (i % FLUSH_SPINS == 0)
			hc_sched_yield(HC_NONE);
		arch_pause();
	}
}

void arch_stop_request(u32 vcpu)
{
	struct vcpu_data *d = arch_vcpu_data_of(vcpu);

	__atomic_exchange_n(&d->upcall, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&d->in_program, __ATOMIC_SEQ_CST))
		arch_vcpu_kick(vcpu);
}

void arch_stop_wait(u32 vcpu)
{
	struct vcpu_data *d = arch_vcpu_data_of(vcpu);

	for (unsigned i = 1; READ_ONCE(d->in_program); i++) {
		if (i % FLUSH_SPINS == 0)
			hc_sched_yield(HC_NONE);
		arch_pause();
	}
}

void arch_upcall_taken(void)
{
	struct vcpu_data *d = arch_vcpu_data();

	/* Clear the word before reading the reasons: a later reason sets the word again. */
	if (READ_ONCE(d->upcall))
		__atomic_exchange_n(&d->upcall, 0, __ATOMIC_SEQ_CST);
	if (READ_ONCE(d->flush_wanted)) {
		__atomic_store_n(&d->flush_wanted, 0, __ATOMIC_SEQ_CST);
		load_cr3(d->cr3);
	}
}

void arch_doorbell(void)
{
	if (ring3_mode)
		__asm__ volatile("movl %0, (%1)" : : "r"(1), "r"(DOORBELL_VA) : "memory");
	else
		__asm__ volatile("outl %0, %1" : : "a"(1), "d"((u16)HOSTCALL_PORT) : "memory");
}

void arch_module_doorbell(void)
{
	u16 port = (u16)(HOSTCALL_SERVED_PORT + arch_vcpu_data()->id);

	__asm__ volatile("outl %0, %1" : : "a"(1), "d"(port) : "memory");
}

struct vcpu_data *arch_exitless_data(void)
{
	return ring3_mode ? arch_vcpu_data_of(0) : NULL;
}

/*
 * FSGSBASE instructions work in both rings, because the monitor sets CR4.FSGSBASE.
 *
 * If call sites are patched, GS is the kernel's until the program sets a base: GS.base is the
 * vCPU's data, where a stub finds the kernel stack. The program is told a base of 0.
 */
u64 arch_get_fsbase(void)
{
	u64 base;

	__asm__ volatile("rdfsbase %0" : "=r"(base));
	return base;
}

u64 arch_get_gsbase(void)
{
	u64 base;

	__asm__ volatile("rdgsbase %0" : "=r"(base));
	return stubs_on && base >= KERNEL_BASE ? 0 : base;
}

bool arch_gs_is_kernels(void)
{
	u64 base;

	__asm__ volatile("rdgsbase %0" : "=r"(base));
	return base == (u64)arch_vcpu_data();
}

int arch_set_fsbase(u64 base)
{
	if (base >= USER_TOP)
		return -EPERM;
	__asm__ volatile("wrfsbase %0" : : "r"(base));
	return 0;
}

int arch_set_gsbase(u64 base)
{
	if (base >= USER_TOP)
		return -EPERM;
	if (stubs_on && !base)
		base = (u64)arch_vcpu_data();
	__asm__ volatile("wrgsbase %0" : : "r"(base));
	return 0;
}

u64 arch_rdtsc(void)
{
	return __builtin_ia32_rdtsc();
}
