/* SPDX-License-Identifier: MIT */
/*
 * What the rest of the kernel knows of the machine. Nothing outside kernel/arch/x86_64/ knows
 * which ring mode (ring 0 or ring 3) it is in.
 */
#ifndef ARCH_H
#define ARCH_H

#include "common/types.h"
#include "common/user_regs.h"
#include "common/layout.h"
#include "common/x86.h"
#include "common/vcpu_area.h"
#include "kernel/arch/x86_64/asm.h"

/*
 * Registers of a program while it is in the kernel. Always ends at the top of the thread's kernel
 * stack. Pushed by entry.S in this order, from the end.
 */
struct trapframe {
	u64 r15, r14, r13, r12, rbp, rbx; /* callee-saved */
	u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 orig_rax; /* system call number, or -1 when a trap brought us here */
	u64 vector;   /* VEC_*, or TRAP_SYSCALL */
	u64 error;    /* the CPU's error code, or 0 */
	u64 rip, cs, rflags, rsp, ss;
};

/* The same in the order of Linux's struct user_regs_struct; DS to GS are 0. reg: OUT. */
void arch_user_regs(const struct trapframe *f, u64 fsbase, u64 gsbase, u64 reg[USER_REGS]);

/* The word of the frame that has this register; NULL: it is none of the frame's (FS_BASE, DS...).
 */
u64 *arch_user_reg(struct trapframe *f, u32 reg);

struct thread;
struct hostcall_frame;
struct xsave_area;

/* The two words at the bottom of each kernel stack (arch_kstack_bind). */
struct kstack_head {
	struct thread *thread;
	struct vcpu_data *vcpu;
};

static inline struct kstack_head *arch_kstack_head(void)
{
	u64 sp;

	__asm__("mov %%rsp, %0" : "=r"(sp));
	return (struct kstack_head *)(sp & ~(KSTACK_SIZE - 1));
}

/* The thread that runs. */
static inline struct thread *current(void)
{
	return arch_kstack_head()->thread;
}

/* Of the vCPU that runs this. A test on the host has no such stacks and defines it itself. */
#if __STDC_HOSTED__
struct vcpu_data *arch_vcpu_data(void);
#else
static inline struct vcpu_data *arch_vcpu_data(void)
{
	return arch_kstack_head()->vcpu;
}
#endif

/* Guest-physical memory as the kernel sees it. RAM and windows; valid once arch_physmap did it. */
extern u64 physmap_base;

static inline void *phys_to_virt(u64 gpa)
{
	return (void *)(physmap_base + gpa);
}

/* For pointers into the physmap (heap, frames, stacks) and into the kernel image. */
u64 virt_to_phys(const void *p);

/* Makes [gpa, gpa + size), multiples of 2 MiB, part of the physmap. 0 or -ENOMEM. */
int arch_physmap(u64 gpa, u64 size);

/*
 * Page tables. Entries are the CPU's; these make and read them. prot is PROT_*; an entry without
 * PROT_READ|PROT_WRITE|PROT_EXEC is never made: an absent one stands for it.
 * Accessed and dirty are always set: nobody here reads them, and KVM's shadow paging prefetches
 * only neighbours whose accessed bit is set.
 */
u64 arch_pte(u64 gpa, int prot, bool huge);
u64 arch_pte_table(u64 gpa); /* entry that points to a lower table, for the lower half */

/* A fresh top-level table with the kernel's entries, 0 if no memory; and freeing the top page. */
u64 arch_pagetable_new(void);
/* First and last (exclusive) top-level slots that belong to programs and are not the kernel's. */
bool arch_user_slot(unsigned slot);
/* [start, end) is a range that programs may map: canonical, below USER_TOP, not the kernel's. */
bool arch_user_range(u64 start, u64 end);

/* Forget cached translations of this address space, on this vCPU. */
void arch_flush_page(u64 va);
void arch_flush_all(u64 pml4_gpa); /* of the running address space */
/* The vCPU goes on in another address space; the second has no program in it. */
void arch_switch(u64 pml4_gpa);
void arch_switch_kernel(void);

/*
 * Flushes on other vCPUs. Where arch_flush_is_shared() there is nothing to do: see ring.c. Else
 * each vCPU that may have translations cached is asked, then waited for; it flushes before its
 * program goes on. The kernel itself never touches program addresses, so a vCPU in the kernel is
 * not waited for.
 */
bool arch_flush_is_shared(void);
void arch_flush_request(u32 vcpu);
void arch_flush_wait(u32 vcpu);

/*
 * A vCPU comes into the kernel, whatever it does; waits until it is there. The caller sees to it
 * that it does not leave again too early.
 */
void arch_stop_request(u32 vcpu);
void arch_stop_wait(u32 vcpu);

/* This vCPU looks at the reasons of its upcalls now: clears the word, does the flush asked for. */
void arch_upcall_taken(void);

/*
 * FPU, SSE, AVX... state of the running thread: xstate.h has the layout, kernel/mm/fpu_area.h the
 * memory. arch_fpu_features() is the mask of what is saved, arch_fpu_size() its bytes.
 */
u32 arch_fpu_size(void);
u64 arch_fpu_features(void);
void arch_fpu_save(struct xsave_area *area);
/* 0, or -EINVAL where the state would fault (bytes from a program): nothing is loaded then. */
int arch_fpu_restore(const struct xsave_area *area);
/* The checks of the same: a state that XRSTOR takes, a value of MXCSR. */
bool arch_fpu_valid(const struct xsave_area *area);
bool arch_fpu_mxcsr_valid(u32 mxcsr);
void arch_fpu_load(const struct xsave_area *area); /* what arch_fpu_save left there */
void arch_fpu_reset(void);			   /* as after execve */

/* The program's FS and GS bases. */
u64 arch_get_fsbase(void);
u64 arch_get_gsbase(void);
int arch_set_fsbase(u64 base); /* -EPERM when not canonical or above USER_TOP, as Linux */
int arch_set_gsbase(u64 base);
bool arch_gs_is_kernels(void); /* ring.c: not set by the program, call sites are patched */

/*
 * Copies bytes where one side may be a window whose file is truncated meanwhile.
 * 0, or -EFAULT when a page was not there.
 */
int arch_copy(void *dst, const void *src, u64 n);

/* Boot only, in this order. First: which ring mode, and where physical memory is. */
void arch_init(u64 boot_info_gpa);
/* Fills this vCPU's entry data and tables; from then on exceptions reach the kernel. */
void arch_vcpu_init(void);
/* Works out what programs' FPU state is, and panics on a CPU that does not keep to it. */
void arch_fpu_init(void);
/* A line of the log on what this CPU does differently from what was asked for. */
void arch_describe_cpu(void);
/* The hostcall that makes upcalls possible. */
void arch_announce(void);

/*
 * Ties a thread to its kernel stack (KSTACK_SIZE bytes, aligned to them) and the stack to the vCPU
 * it will run on: current() works on it from then on.
 */
void arch_kstack_bind(void *kstack, struct thread *t, u32 vcpu);
/* This vCPU enters the kernel on that stack from now on. */
void arch_kstack_use(void *kstack);
/* Goes on in fn(arg) on a bound stack, below the trap frame; fn does not return. */
__attribute__((noreturn)) void arch_enter_stack(void *sp, void (*fn)(void *), void *arg);
/*
 * Starts a further vCPU (id 1.., once each) in the kernel's address space: fn(arg) on that bound
 * stack, below the trap frame; fn does not return. 0, -ENOMEM, or what the host says.
 */
int arch_vcpu_start(u32 id, void *kstack, void (*fn)(void *), void *arg);
/* Makes a vCPU come to exit_work, wherever it is. */
void arch_vcpu_kick(u32 id);
/* Sets its upcall word. True: it may not see that soon, so that hostcall vcpu_kick is needed. */
bool arch_vcpu_notify(u32 id);

/*
 * What the CPU has of a thread, or of a vCPU without one, while that does not run. The program's
 * registers are the trap frame at the top of the kernel stack, the kernel's own lie at .sp.
 */
struct arch_context {
	void *kstack;		/* KSTACK_SIZE bytes; bound (arch_kstack_bind) */
	void *sp;		/* valid while it does not run */
	u64 fsbase, gsbase;	/* valid while it does not run */
	struct xsave_area *fpu; /* the same; NULL: no program belongs to it */
};
/* Makes a context begin in fn, which does not return, when it is first switched to. */
void arch_context_init(struct arch_context *c, void (*fn)(void));
/*
 * This vCPU, which runs from, goes on in to. Returns when somebody switches to from again, maybe on
 * another vCPU: what was read through arch_vcpu_data() before is stale then. The page tables stay.
 */
void arch_context_switch(struct arch_context *from, struct arch_context *to);

/* Leaves the kernel with the thread's trap frame. */
__attribute__((noreturn)) void arch_exit_to_program(struct trapframe *frame);
/* A trap frame for the first instruction of a program: everything else 0. */
void arch_frame_init(struct trapframe *frame, u64 rip, u64 rsp);

/* Makes the hostcall whose frame is filled in. */
void arch_doorbell(void);
/* Where exitless calls are submitted; NULL where an exit costs less than another thread's help. */
struct vcpu_data *arch_exitless_data(void);
struct hostcall_frame *arch_hostcall_frame(void); /* of this vCPU */
struct vcpu_data *arch_vcpu_data_of(u32 id);	  /* of one that was made */

/*
 * Traps, for kernel/entry.c. arch_trap_vector: what the trap is, a VEC_* that can differ from the
 * frame's where the CPU names another (operand.h), VEC_UPCALL, ARCH_TRAP_SYSCALL, or
 * ARCH_TRAP_DONE: the program goes on. Called once, first of all. A trap from inside the kernel is
 * a panic, and arch_trap_panic is the same one for a trap that no program can cause.
 */
#define ARCH_TRAP_DONE (~0UL)
#define ARCH_TRAP_SYSCALL                                                                          \
	(~1UL) /* a SYSCALL with TF set, or whose site is patched: the frame is that               \
		   of the call now */
u64 arch_trap_vector(struct trapframe *f);
__attribute__((noreturn)) void arch_trap_panic(const struct trapframe *f);
/*
 * Ring-3 mode, with call sites patched: f is the frame of a SYSCALL, which a stub may have executed
 * because GS is the program's. The frame is then as if the program's own text had.
 */
void arch_syscall_from_stub(struct trapframe *f);
/* The address that the last page fault of this vCPU was about. */
u64 arch_fault_address(void);
/*
 * The exceptions that are set and not masked, after VEC_XM in MXCSR, else in the x87 status word:
 * bits 0 to 5 of both (Intel SDM 1, 8.1.3 and 10.2.3).
 */
u32 arch_fpu_exceptions(u64 vector);

/*
 * Whether the instruction that the frame is at, of the running program, may store into
 * [start, start + len). True where that is not known.
 */
bool arch_may_store(const struct trapframe *f, u64 start, u64 len);

u64 arch_rdtsc(void);
static inline void arch_pause(void)
{
	__builtin_ia32_pause();
}

#endif
