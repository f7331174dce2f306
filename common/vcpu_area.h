/* SPDX-License-Identifier: MIT */
/*
 * The area of a vCPU: entry code, descriptor tables, and the pages by which it makes hostcalls. An
 * area has 6 pages at guest-virtual VCPU_AREA_BASE + id * VCPU_AREA_STRIDE:
 *
 *   page 0     entry code: one physical page of kernel.elf, mapped in every vCPU's area
 *   page 1     struct vcpu_data. The entry code addresses it relative to RIP: so an entry that has
 *              neither a free register nor a stack finds its own vCPU, in both ring modes.
 *   page 2..5  hostcall area: struct hostcall_frame, then its data
 *
 * Pages 1 to 5 (VCPU_AREA_PAGES) are contiguous in guest-physical memory. vCPU 0's are at GPA_VCPU0
 * in the boot slot; the kernel provides those of further vCPUs with hostcall vcpu_start.
 */
#ifndef COMMON_VCPU_AREA_H
#define COMMON_VCPU_AREA_H

#include "layout.h"
#include "x86.h"

#define VCPU_AREA_STRIDE    UL(0x8000)
#define VCPU_AREA_PAGES	    5

/*
 * Offsets of the two SYSCALL entries in the entry page. ENTRY_SYSCALL is for kernels that run in
 * the ring that SYSCALL leads to; ENTRY_SYSCALL_LOWER is for a kernel that runs in ring 3 although
 * SYSCALL leads to ring 0.
 */
#define ENTRY_SYSCALL	    0
#define ENTRY_SYSCALL_LOWER 64

#ifndef __ASSEMBLER__
#include "hostcall_frame.h"
#include "types.h"

/* The states of a vCPU for the kernel's scheduler (.state). */
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
 * The data page of a vCPU: what the entry code reads and writes, and what kernel and monitor tell
 * each other. The guest kernel fills it once (kernel/arch/x86_64/vcpu_init.c). The monitor writes
 * the fields that are marked IN; it trusts nothing that it reads here.
 */
struct vcpu_data {
	/* Used by the entry code. */
	u64 user_rsp;	   /* scratch of the system-call entry */
	u64 kstack_top;	   /* guest-virtual; the end of the trap frame */
	u64 syscall_entry; /* where the system-call entry jumps to */
	u64 scratch_rax;   /* scratch of the ring-0 exception stubs (ring-3 mode) */
	u64 trap_entry;	   /* ring-3 mode: where the code of entry_trap_N jumps to */
	u64 cr2;	   /* ring-3 mode: the faulting address */

	/* The monitor reads it when it makes an upcall. */
	u64 kstack_top_gpa;
	u32 id;

	/*
	 * IN: the upcall word. Whatever kicks this vCPU, the monitor or another vCPU's kernel, sets
	 * it to 1 first; the kernel clears it before it looks for the reasons. The kernel does not
	 * return to a program while the word is set.
	 */
	u32 upcall;
	/* IN, vCPU 0 only. Bit n: timer n of hostcall timer_create expired. */
	u64 timers_expired;
	/* IN, vCPU 0 only. Bit n: signal n+1 reached the monitor from outside. */
	u64 signals_arrived;
	/* IN: KVM_RUN failed with EFAULT because the file behind a window was truncated. */
	u32 window_fault;
	/*
	 * 1: a program runs on this vCPU, or will run before the kernel reads the upcall word
	 * again.
	 */
	u32 in_program;
	/* IN, vCPU 0 only. Bit n: signal n+1 came from the terminal, or is a file's SIGIO. */
	u64 signals_terminal;
	/*
	 * Another vCPU changed the page tables: this vCPU flushes its TLB before the program
	 * continues.
	 */
	u32 flush_wanted;
	/*
	 * IN, ring-3 mode: the program entered the kernel's text or touched the doorbell, and gets
	 * SIGSEGV.
	 */
	u32 stray;

	struct tss64 tss;
	u64 gdt[GDT_ENTRIES];
	struct idt_gate idt[VEC_COUNT];
	/* Ring-3 mode: the frame with which each vector's stub, and SYSCALL's, executes IRETQ. */
	struct iret_frame stub_exit[VEC_COUNT + 1];
	/*
	 * The stack on which the CPU pushes exception frames; in ring-0 mode only a double fault's.
	 */
	u64 ring0_stack[32] __attribute__((aligned(16)));

	/*
	 * Exitless calls (hostcall.h), for all vCPUs on vCPU 0's page. IN: 1 while the worker polls
	 * .submitted. The kernel clears it, too, if the worker does not take a call.
	 */
	u32 worker_on __attribute__((aligned(64)));
	u64 submitted __attribute__((aligned(64))); /* bit n: vCPU n has submitted a call */

	u64 cr3;   /* the value that the kernel loaded on this vCPU */
	u64 stats; /* guest-virtual: the kernel's counters of this vCPU (kernel/stats.h) */

	u64 exit_work; /* the function that the way out calls first: exit_work or exit_work_ring3 */
	u64 stub_entry; /* ring-3 mode: where the stubs of patched call sites enter the kernel */
	u64 resume;	/* ring-3 mode: the target of the jump on the way out without IRETQ */
	u64 stub_end;	/* ring-3 mode: where a stub that the program continues in goes back to */

	/* The monitor's tick (vm/tick.c) reads them to choose the vCPUs that it kicks. */
	u32 state;    /* enum vcpu_state */
	u32 switches; /* changes when the vCPU switches to another thread */

	u32 in_hostcall; /* 1: in the doorbell or about to ring; a kick has to reach the thread */
	/*
	 * IN: the CPU time (ns) that the vCPU's host thread had at TSC .cpu_tsc. The monitor writes
	 * both after a time in which the thread may not have had its CPU. .time_seq is odd while
	 * the monitor writes them.
	 */
	u32 time_seq;
	u64 cpu_ns, cpu_tsc;
	u64 system_ns; /* kernel only: CPU time in hostcalls (ns) */

	/* The running thread, for the jail's report on what was refused. */
	u64 comm_gpa; /* guest-physical: its name, 16 bytes with a NUL */
	u32 pid;      /* of its process */
	u64 release;  /* kernel only: the struct release in use; 0: none (kernel/hostcall.h) */
	/* IN: 1: the Linux module serves hostcalls of this vCPU (HOSTCALL_SERVED_PORT). */
	u32 module_serves;
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
#define VD_UPCALL	 60
#define VD_IN_PROGRAM	 84
#define VD_GDT		 208
#define VD_STUB_EXIT	 800
#define VD_RING0_TOP	 2384 /* end of ring0_stack */
#define VD_EXIT_WORK	 2520
#define VD_STUB_ENTRY	 2528
#define VD_RESUME	 2536
#define VD_STUB_END	 2544
#define IRET_FRAME_SIZE	 40
#ifndef __ASSEMBLER__
VD_OFFSET(VD_USER_RSP, user_rsp);
VD_OFFSET(VD_KSTACK_TOP, kstack_top);
VD_OFFSET(VD_SYSCALL_ENTRY, syscall_entry);
VD_OFFSET(VD_SCRATCH_RAX, scratch_rax);
VD_OFFSET(VD_TRAP_ENTRY, trap_entry);
VD_OFFSET(VD_CR2, cr2);
VD_OFFSET(VD_UPCALL, upcall);
VD_OFFSET(VD_IN_PROGRAM, in_program);
VD_OFFSET(VD_GDT, gdt);
VD_OFFSET(VD_STUB_EXIT, stub_exit);
VD_OFFSET(VD_RING0_TOP, ring0_stack[32]);
VD_OFFSET(VD_EXIT_WORK, exit_work);
VD_OFFSET(VD_STUB_ENTRY, stub_entry);
VD_OFFSET(VD_RESUME, resume);
VD_OFFSET(VD_STUB_END, stub_end);
_Static_assert(sizeof(struct iret_frame) == IRET_FRAME_SIZE, "used in assembly");
#endif

#endif
