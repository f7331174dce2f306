/* SPDX-License-Identifier: MIT */
/*
 * The memory that belongs to one vCPU: entry code, descriptor tables, and the page through which it
 * makes hostcalls. 6 pages at guest-virtual VCPU_AREA_BASE + id * VCPU_AREA_STRIDE:
 *
 *   page 0     entry code (one physical page of kernel.elf, mapped at every vCPU's area)
 *   page 1     struct vcpu_data, found by the entry code RIP-relative: an entry that has no free
 *              register and no stack finds its own vCPU so, in both ring modes
 *   page 2..5  hostcall area: struct hostcall_frame, then its data
 *
 * Guest-physical memory holds pages 1..5 contiguously (VCPU_AREA_PAGES). The monitor allocates
 * nothing here: vCPU 0's lies at GPA_VCPU0, the kernel provides the others (hostcall vcpu_start).
 */
#ifndef COMMON_VCPU_AREA_H
#define COMMON_VCPU_AREA_H

#include "layout.h"
#include "x86.h"

#define VCPU_AREA_STRIDE    UL(0x8000)
#define VCPU_AREA_PAGES	    5
#define HOSTCALL_AREA_SIZE  (4 * PAGE_SIZE)

/*
 * Entry points of SYSCALL in the entry page: where the kernel runs in the ring that SYSCALL leads
 * to, and where the kernel runs in ring 3 though SYSCALL raises the privilege.
 */
#define ENTRY_SYSCALL	    0
#define ENTRY_SYSCALL_LOWER 64

#ifndef __ASSEMBLER__
#include "types.h"

/* What a vCPU does, as the kernel's scheduler sees it. */
enum vcpu_state { VCPU_RUNS, VCPU_IDLE, VCPU_IN_HOST };

struct tss64 {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 iomap_base;
} __attribute__((packed));

struct idt_gate {
	u16 offset_low;
	u16 selector;
	u8 ist;
	u8 type;
	u16 offset_mid;
	u32 offset_high;
	u32 reserved;
};

struct iret_frame {
	u64 rip, cs, rflags, rsp, ss;
};

/*
 * Everything the entry code reads or writes. The guest kernel fills it once
 * (arch/x86_64/vcpu_init.c); IN fields are written by the monitor.
 */
struct vcpu_data {
	/* Used by the entry code. */
	u64 user_rsp;	   /* scratch of the system-call entry */
	u64 kstack_top;	   /* guest-virtual; the trap frame ends here */
	u64 syscall_entry; /* where the system-call entry jumps to */
	u64 scratch_rax;   /* scratch of the ring-0 exception stubs (ring-3 mode) */
	u64 trap_entry;	   /* where the ring-3 ends of the exception entries jump to */
	u64 cr2;	   /* ring-3 mode: the faulting address */
	u64 flush_rip;	   /* ring-3 mode: an INT3 that ends here asks for INVLPG (%rdi) */
	u64 switch_rip;	   /* ring-3 mode: an UD2 here asks for MOV %rdi, CR3 */

	/* Read by the monitor when it makes an upcall. */
	u64 kstack_top_gpa;
	u32 id;

	/*
	 * IN, set to 1 by whoever kicks this vCPU; cleared by the kernel when it has looked at
	 * the reasons. The kernel does not return to a program while it is set.
	 */
	u32 upcall;
	/* IN: bit n = host timer n of this sandbox expired (hostcall timer_*). vCPU 0 only. */
	u64 timers_expired;
	/* IN: bit n = signal n+1 reached the monitor from outside. vCPU 0 only. */
	u64 signals_arrived;
	/* IN: the monitor saw EFAULT from KVM_RUN: a file under a window was truncated. */
	u32 window_fault;
	/* A program runs on this vCPU, or will without another look at the upcall word. */
	u32 in_program;
	/* IN: bit n = signal n+1 came from the terminal, or SIGIO from a file. vCPU 0. */
	u64 signals_terminal;
	/* Another vCPU changed the page tables: forget translations before the program goes on. */
	u32 flush_wanted;
	/* IN, ring-3 mode: the program strayed into what is the kernel's, and gets SIGSEGV. */
	u32 stray;

	struct tss64 tss;
	u64 gdt[GDT_ENTRIES];
	struct idt_gate idt[VEC_COUNT];
	/* Ring-3 mode: what the stub of each vector, and of SYSCALL, hands to IRETQ. */
	struct iret_frame stub_exit[VEC_COUNT + 1];
	/* The stack that the CPU pushes an exception frame on; ring-0 mode: a double fault's. */
	u64 ring0_stack[32] __attribute__((aligned(16)));

	/*
	 * vCPU 0's serves all: exitless calls (hostcall.h). IN: the worker looks at the submitted
	 * ones; cleared by the kernel, too, when the worker did not come.
	 */
	u32 worker_on __attribute__((aligned(64)));
	u64 submitted __attribute__((aligned(64))); /* bit n: vCPU n has submitted a call */

	u64 cr3;   /* of this vCPU, as the kernel loaded it */
	u64 stats; /* guest-virtual: what the kernel counts on this vCPU (kernel/stats.h) */

	u64 exit_work;	/* what the way out calls first: exit_work, or the ring-3 mode's */
	u64 stub_entry; /* ring-3 mode: where the stubs of patched call sites go */
	u64 resume;	/* ring-3 mode: where the way out without IRETQ jumps to */

	/* Read by the monitor's tick (vm/tick.c), which decides whom to kick by them. */
	u32 state;    /* enum vcpu_state */
	u32 switches; /* changes when the vCPU goes on in another thread */

	u32 in_hostcall; /* it rang, or is about to: a kick has to reach the host thread */
	/*
	 * IN: the CPU time of the vCPU's host thread (ns) at a moment (TSC), where it lags behind
	 * the TSC since the last such moment. .time_seq is odd while the monitor writes them.
	 */
	u32 time_seq;
	u64 cpu_ns, cpu_tsc;
	u64 system_ns; /* the kernel's own: CPU time in hostcalls */
};
_Static_assert(sizeof(struct vcpu_data) <= PAGE_SIZE, "vcpu_data is one page");

#define VD_OFFSET(asm_name, field)                                                                 \
	_Static_assert(offsetof(struct vcpu_data, field) == (asm_name), "offset used in assembly")
#endif

/* Offsets for the entry code. */
#define VD_USER_RSP	 0
#define VD_KSTACK_TOP	 8
#define VD_SYSCALL_ENTRY 16
#define VD_SCRATCH_RAX	 24
#define VD_TRAP_ENTRY	 32
#define VD_CR2		 40
#define VD_FLUSH_RIP	 48
#define VD_SWITCH_RIP	 56
#define VD_UPCALL	 76
#define VD_IN_PROGRAM	 100
#define VD_GDT		 224
#define VD_STUB_EXIT	 816
#define VD_RING0_TOP	 2400 /* end of ring0_stack */
#define VD_EXIT_WORK	 2520
#define VD_STUB_ENTRY	 2528
#define VD_RESUME	 2536
#define IRET_FRAME_SIZE	 40
#ifndef __ASSEMBLER__
VD_OFFSET(VD_USER_RSP, user_rsp);
VD_OFFSET(VD_KSTACK_TOP, kstack_top);
VD_OFFSET(VD_SYSCALL_ENTRY, syscall_entry);
VD_OFFSET(VD_SCRATCH_RAX, scratch_rax);
VD_OFFSET(VD_TRAP_ENTRY, trap_entry);
VD_OFFSET(VD_CR2, cr2);
VD_OFFSET(VD_FLUSH_RIP, flush_rip);
VD_OFFSET(VD_SWITCH_RIP, switch_rip);
VD_OFFSET(VD_UPCALL, upcall);
VD_OFFSET(VD_IN_PROGRAM, in_program);
VD_OFFSET(VD_GDT, gdt);
VD_OFFSET(VD_STUB_EXIT, stub_exit);
VD_OFFSET(VD_RING0_TOP, ring0_stack[32]);
VD_OFFSET(VD_EXIT_WORK, exit_work);
VD_OFFSET(VD_STUB_ENTRY, stub_entry);
VD_OFFSET(VD_RESUME, resume);
_Static_assert(sizeof(struct iret_frame) == IRET_FRAME_SIZE, "used in assembly");
#endif

#endif
