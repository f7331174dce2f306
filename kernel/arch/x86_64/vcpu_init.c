// SPDX-License-Identifier: MIT
/*
 * A vCPU's area (descriptor tables, entry data), kernel stacks, and switches between contexts.
 *
 * The monitor filled the GDT and set GDTR, IDTR, TR, STAR, LSTAR and SFMASK for the area. The
 * kernel fills the IDT, the TSS and the entry data.
 */
#include "common/boot_info.h"
#include "kernel/kernel.h"
#include "kernel/arch/x86_64/arch_needs.h"
#include "kernel/arch/x86_64/ring.h"
#include "kernel/hostcall.h"
#include "kernel/stats.h"

#define VCPU_AREA_ORDER 3
_Static_assert(PAGE_SIZE << VCPU_AREA_ORDER >= VCPU_AREA_PAGES * PAGE_SIZE, "the block fits");

void arch_kstack_bind(void *kstack, struct thread *t, u32 vcpu)
{
	struct kstack_head *head = kstack;

	head->thread = t;
	head->vcpu = (struct vcpu_data *)(ring_area(vcpu) + PAGE_SIZE);
}

struct hostcall_frame *arch_hostcall_frame(void)
{
	return (struct hostcall_frame *)((u64)arch_vcpu_data() + PAGE_SIZE);
}

static void kstack_use(struct vcpu_data *d, void *kstack)
{
	u64 top = (u64)kstack + KSTACK_SIZE;

	d->kstack_top = top;
	d->kstack_top_gpa = virt_to_phys((void *)(top - 1)) + 1;
	if (ring3_mode)
		for (unsigned v = 0; v < ARRAY_SIZE(d->stub_exit); v++)
			d->stub_exit[v].rsp = top;
	else
		d->tss.rsp[0] = top;
}

void arch_kstack_use(void *kstack)
{
	kstack_use(((struct kstack_head *)kstack)->vcpu, kstack);
}

void arch_context_init(struct arch_context *c, void (*fn)(void))
{
	/* switch_stack pops six registers and returns into fn, whose own return address is 0. */
	u64 *sp = (u64 *)((struct trapframe *)((char *)c->kstack + KSTACK_SIZE) - 1) - 2;

	*sp = 0;
	*--sp = (u64)fn;
	for (int i = 0; i < 6; i++)
		*--sp = 0;
	c->sp = sp;
}

/* Ring-0 mode: CR4.TSD decides whether ring 3 may read the TSC (Intel SDM, volume 3, 2.5). */
static void load_tsd(bool forbid)
{
	u64 cr4;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	cr4 = forbid ? cr4 | X86_CR4_TSD : cr4 & ~(u64)X86_CR4_TSD;
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4));
}

int arch_forbid_tsc(struct arch_context *c, bool forbid)
{
	if (ring3_mode)
		return forbid ? -EINVAL : 0;
	c->no_tsc = forbid;
	load_tsd(forbid);
	return 0;
}

void arch_context_switch(struct arch_context *from, struct arch_context *to)
{
	struct vcpu_data *d = arch_vcpu_data();

	if (from->fpu) {
		arch_fpu_save(from->fpu);
		from->fsbase = arch_get_fsbase();
		from->gsbase = arch_get_gsbase();
	}
	((struct kstack_head *)to->kstack)->vcpu = d;
	kstack_use(d, to->kstack);
	if (to->fpu) {
		arch_fpu_load(to->fpu);
		arch_set_fsbase(to->fsbase);
		arch_set_gsbase(to->gsbase);
	}
	if (from->no_tsc != to->no_tsc)
		load_tsd(to->no_tsc);
	switch_stack(&from->sp, to->sp);
}

static void idt_set(struct idt_gate *gate, u64 handler, u8 ist, u8 dpl)
{
	*gate = (struct idt_gate){
		.offset_low = handler,
		.offset_mid = handler >> 16,
		.offset_high = handler >> 32,
		.selector = SEL_KERNEL_CS,
		.ist = ist,
		.type = 0x8e | dpl << 5, /* present, 64-bit interrupt gate */
	};
}

/* Prepares the IRETQ of a stub in ring-3 mode: to rip, in ring 3; kstack_use sets the stack. */
static void stub_exit_set(struct iret_frame *exit, u64 rip)
{
	exit->rip = rip;
	exit->cs = SEL_USER_CS;
	exit->ss = SEL_USER_DS;
	exit->rflags = RFLAGS_FIXED | RFLAGS_IF;
}

/* Fills the data page of vCPU id; d is any address that the page is mapped at. */
static void fill_data(struct vcpu_data *d, u32 id)
{
	u64 entry_page = ring_area(id);
	u64 ring0_top = entry_page + PAGE_SIZE + VD_RING0_TOP;

	d->syscall_entry = ring3_mode ? (u64)syscall_entry_ring3 : (u64)syscall_entry;
	d->stub_entry = (u64)stub_entry;
	d->exit_work = ring3_mode ? (u64)exit_work_ring3 : (u64)exit_work;
	d->trap_entry = (u64)trap_entry;
	d->tss.iomap_base = sizeof(d->tss);
	d->stats = (u64)stats_of(id);

	for (unsigned v = 0; v < VEC_COUNT; v++) {
		/* Programs may execute INT3 and INTO; any other INT n is a #GP. */
		u8 dpl = v == VEC_BP || v == VEC_OF ? 3 : 0;

		if (ring3_mode) {
			idt_set(&d->idt[v], entry_page + entry_stub_offset[v], 0, dpl);
			stub_exit_set(&d->stub_exit[v], entry_page + entry_trap_offset[v]);
		} else {
			idt_set(&d->idt[v], (u64)isr_start + isr_offset[v], v == VEC_DF ? 1 : 0,
				dpl);
		}
	}
	stub_exit_set(&d->stub_exit[STUB_SYSCALL],
		      entry_page + (u64)(entry_syscall_on_stack - entry_page_start));
	d->cr3 = pagetable_kernel();
	if (ring3_mode)
		d->tss.rsp[0] = ring0_top;
	else
		d->tss.ist[0] = ring0_top;
}

void arch_vcpu_init(void)
{
	arch_kstack_bind(arch_kstack_head(), NULL, 0); /* binds the boot stack to vCPU 0 */
	fill_data(arch_vcpu_data(), 0);
}

int arch_vcpu_start(u32 id, void *kstack, void (*fn)(void *), void *arg)
{
	u64 gpa = arch_needs_pages(VCPU_AREA_ORDER);
	struct vcpu_data *d = phys_to_virt(gpa);
	u64 *sp;
	s64 ret;

	if (!gpa)
		return -ENOMEM;
	ret = pagetable_map_vcpu(id, gpa);
	if (ret)
		goto free;
	fill_data(d, id);
	kstack_use(d, kstack);
	/* vcpu_entry pops fn and arg. */
	sp = (u64 *)((struct trapframe *)((char *)kstack + KSTACK_SIZE) - 1) - 2;
	sp[0] = (u64)fn;
	sp[1] = (u64)arg;
	ret = hc_vcpu_start(id, gpa, (u64)vcpu_entry, (u64)sp, pagetable_kernel());
	if (!ret)
		return 0;
free:
	arch_needs_pages_freed(gpa, VCPU_AREA_ORDER);
	return (int)ret;
}

struct vcpu_data *arch_vcpu_data_of(u32 id)
{
	return (struct vcpu_data *)(ring_area(id) + PAGE_SIZE);
}

void arch_vcpu_kick(u32 id)
{
	__atomic_store_n(&arch_vcpu_data_of(id)->upcall, 1, __ATOMIC_SEQ_CST);
	hc_vcpu_kick(id);
}

bool arch_vcpu_notify(u32 id)
{
	struct vcpu_data *d = arch_vcpu_data_of(id);

	/*
	 * A vCPU sets in_program or in_hostcall by XCHG before it or the monitor reads the word:
	 * entry.S, hostcall.c. So if both are 0 here, the word is read after this write.
	 */
	__atomic_exchange_n(&d->upcall, 1, __ATOMIC_SEQ_CST);
	return READ_ONCE(d->in_program) || READ_ONCE(d->in_hostcall);
}

void arch_announce(void)
{
	const struct hostcall_kernel_info info = {
		.text_start = boot->kernel_va,
		.text_end = boot->kernel_va + boot->kernel_size,
		.upcall_entry = (u64)upcall_entry,
		.exit_start = (u64)exit_start,
		.exit_end = (u64)exit_end,
		.exit_restart = (u64)exit_restart,
		.copy_start = (u64)copy_start,
		.copy_end = (u64)copy_end,
		.copy_fixup = (u64)copy_fixup,
		.entry_head = (u64)(entry_syscall_on_stack - entry_page_start),
	};

	hc_ready(&info, sizeof(info));
}

void arch_frame_init(struct trapframe *frame, u64 rip, u64 rsp)
{
	*frame = (struct trapframe){
		.orig_rax = -1UL,
		.vector = TRAP_SYSCALL,
		.rip = rip,
		.cs = SEL_USER_CS,
		.rflags = RFLAGS_FIXED | RFLAGS_IF,
		.rsp = rsp,
		.ss = SEL_USER_DS,
	};
}
