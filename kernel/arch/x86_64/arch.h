/* SPDX-License-Identifier: MIT */
/*
 * The interface of the architecture's folder. Code outside kernel/arch/x86_64/ does not depend on
 * the ring mode (ring 0 or ring 3).
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
 * Registers of a program while its thread is in the kernel. The frame ends at the top of the
 * thread's kernel stack; entry.S pushes its members from the last to the first.
 */
struct trapframe {
	u64 r15, r14, r13, r12, rbp, rbx; /* callee-saved */
	u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 orig_rax; /* system call number, or -1 after a trap */
	u64 vector;   /* VEC_*, or TRAP_SYSCALL */
	u64 error;    /* the CPU's error code, or 0 */
	u64 rip, cs, rflags, rsp, ss;
};

/* Stores the registers in the order of Linux's struct user_regs_struct in reg; DS to GS are 0. */
void arch_user_regs(const struct trapframe *f, u64 fsbase, u64 gsbase, u64 reg[USER_REGS]);
/* Reads AVX-512's mask registers of the running thread. Returns false if the CPU has none. */
bool arch_opmasks(u64 mask[8]);

/*
 * Returns the frame's word with this register (USER_*), or NULL if the frame lacks it (FS_BASE,
 * DS...).
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

/* Data of the running vCPU. A test on the host has no kernel stacks and defines it itself. */
#if __STDC_HOSTED__
struct vcpu_data *arch_vcpu_data(void);
#else
static inline struct vcpu_data *arch_vcpu_data(void)
{
	return arch_kstack_head()->vcpu;
}
#endif

/*
 * The physmap: the boot slot and the first RAM from the start, more RAM and windows after
 * arch_physmap.
 */
extern u64 physmap_base;

static inline void *phys_to_virt(u64 gpa)
{
	return (void *)(physmap_base + gpa);
}

/* For pointers into the physmap (heap, frames, stacks) and into the kernel image. */
u64 virt_to_phys(const void *p);

/* Makes [gpa, gpa + size), multiples of 2 MiB, part of the physmap. Returns 0 or -ENOMEM. */
int arch_physmap(u64 gpa, u64 size);

/*
 * Page-table entries in the CPU's format, for programs' pages. prot is PROT_* and not PROT_NONE,
 * which an absent entry stands for. The accessed and dirty bits are always set: the kernel never
 * reads them, and KVM's shadow paging prefetches only neighbours whose accessed bit is set.
 */
u64 arch_pte(u64 gpa, int prot, bool huge);
u64 arch_pte_table(u64 gpa); /* an entry that points to a lower table */

/* Returns a fresh top-level table with the kernel's entries, or 0 if there is no memory. */
u64 arch_pagetable_new(void);
/* Entry number slot of a top-level table belongs to programs, not to the kernel. */
bool arch_user_slot(unsigned slot);
/* Programs may map [start, end): it is canonical, below USER_TOP, and not the kernel's. */
bool arch_user_range(u64 start, u64 end);

/*
 * Flush cached translations of the running address space on this vCPU. arch_flush_pages: of 1 to
 * ARCH_FLUSH_PAGES pages from va on, which cost in ring-3 mode what one costs.
 */
#define ARCH_FLUSH_PAGES 4
void arch_flush_pages(u64 va, u64 count);
void arch_flush_all(u64 pml4_gpa); /* pml4_gpa: the running address space's */
/* Loads other page tables on this vCPU; arch_switch_kernel: those that have no program. */
void arch_switch(u64 pml4_gpa);
void arch_switch_kernel(void);

/*
 * Flushes on other vCPUs. If arch_flush_is_shared(), a flush on this vCPU is enough (ring.c). Else
 * the caller asks each vCPU that may have translations cached, then waits for each. Such a vCPU
 * flushes before its program goes on. The kernel never uses programs' addresses, so
 * arch_flush_wait does not wait for a vCPU that is in the kernel.
 */
bool arch_flush_is_shared(void);
void arch_flush_request(u32 vcpu);
void arch_flush_wait(u32 vcpu);

/*
 * arch_stop_request makes a vCPU enter the kernel; arch_stop_wait waits until it is there. The
 * caller has to keep it from leaving again.
 */
void arch_stop_request(u32 vcpu);
void arch_stop_wait(u32 vcpu);

/*
 * Clears this vCPU's upcall word and makes the flush that was requested, if any. The caller handles
 * the other reasons of an upcall afterwards.
 */
void arch_upcall_taken(void);

/*
 * FPU, SSE, AVX... state of the running thread: xstate.h has the layout, kernel/mm/fpu_area.h the
 * memory. arch_fpu_features() is the mask of what is saved, arch_fpu_size() its bytes.
 */
u32 arch_fpu_size(void);
u64 arch_fpu_features(void);
void arch_fpu_save(struct xsave_area *area);
/* Loads a state that a program may have written. Returns 0, or -EINVAL if XRSTOR would fault. */
int arch_fpu_restore(const struct xsave_area *area);
/* The checks of arch_fpu_restore: XRSTOR accepts the area; the CPU accepts the value of MXCSR. */
bool arch_fpu_valid(const struct xsave_area *area);
bool arch_fpu_mxcsr_valid(u32 mxcsr);
void arch_fpu_load(const struct xsave_area *area); /* loads without checks: see arch_fpu_save */
void arch_fpu_reset(void);			   /* the initial state, as after execve(2) */

/* The program's FS and GS bases. */
u64 arch_get_fsbase(void);
u64 arch_get_gsbase(void);
int arch_set_fsbase(u64 base); /* 0, or as on Linux -EPERM from USER_TOP on */
int arch_set_gsbase(u64 base);
bool arch_gs_is_kernels(void); /* GS.base is the vCPU's data, for patched call sites: ring.c */

/*
 * Copies bytes if one side may be a window whose file is truncated meanwhile. Returns 0, or -EFAULT
 * if a page was missing.
 */
int arch_copy(void *dst, const void *src, u64 n);

/* For boot only, called in this order. arch_init finds out the ring mode and the physmap's base. */
void arch_init(u64 boot_info_gpa);
/* Fills this vCPU's entry data and tables; from then on exceptions reach the kernel. */
void arch_vcpu_init(void);
/* Determines programs' FPU state; panics if the CPU saves more than it reports (xstate.h). */
void arch_fpu_init(void);
/* Logs what this CPU does differently from what was asked for. */
void arch_describe_cpu(void);
/* Makes the hostcall after which the monitor can make upcalls. */
void arch_announce(void);

/*
 * Ties a thread to its kernel stack (KSTACK_SIZE bytes, aligned to their size) and the stack to the
 * vCPU that it will run on. After that current() works on the stack.
 */
void arch_kstack_bind(void *kstack, struct thread *t, u32 vcpu);
/* Makes the vCPU that the stack is bound to enter the kernel on this stack. */
void arch_kstack_use(void *kstack);
/* Continues in fn(arg) on a bound stack, below the trap frame. fn does not return. */
__attribute__((noreturn)) void arch_enter_stack(void *sp, void (*fn)(void *), void *arg);
/*
 * Starts a further vCPU in the kernel's address space. It runs fn(arg) on the bound stack kstack,
 * below the trap frame; fn does not return. Each id from 1 on is started once. Returns 0, -ENOMEM,
 * or the host's -errno.
 */
int arch_vcpu_start(u32 id, void *kstack, void (*fn)(void *), void *arg);
/* Sets a vCPU's upcall word and kicks it: it runs exit_work before its program goes on. */
void arch_vcpu_kick(u32 id);
/*
 * Sets a vCPU's upcall word. Returns true if the vCPU may be in a program or in a hostcall, so that
 * only hostcall vcpu_kick makes it read the word soon.
 */
bool arch_vcpu_notify(u32 id);

/*
 * The CPU state of a thread, or of an idle vCPU, while it does not run. A program's registers are
 * the trap frame at the top of the kernel stack; the kernel's own are saved at .sp.
 */
struct arch_context {
	void *kstack;		/* KSTACK_SIZE bytes; bound (arch_kstack_bind) */
	void *sp;		/* valid while the context does not run */
	u64 fsbase, gsbase;	/* likewise */
	bool no_tsc;		/* RDTSC and RDTSCP fault in the program; ring-0 mode only */
	struct xsave_area *fpu; /* likewise; NULL: an idle vCPU's context, which has no program */
};
/* Makes a context begin in fn, which does not return, when it is first switched to. */
void arch_context_init(struct arch_context *c, void (*fn)(void));
/*
 * Switches this vCPU from the context from, which runs, to the context to. Returns when a vCPU
 * switches to from again. That may be another vCPU: the caller must call arch_vcpu_data() again.
 * The page tables are not switched.
 */
void arch_context_switch(struct arch_context *from, struct arch_context *to);

/*
 * Makes RDTSC and RDTSCP fault in the program of the context that runs, or work again. Returns 0,
 * or -EINVAL in ring-3 mode: there the kernel reads the TSC in the program's ring.
 */
int arch_forbid_tsc(struct arch_context *c, bool forbid);

/* Leaves the kernel with the thread's trap frame. */
__attribute__((noreturn)) void arch_exit_to_program(struct trapframe *frame);
/* Makes a trap frame for the first instruction of a program; general registers are 0. */
void arch_frame_init(struct trapframe *frame, u64 rip, u64 rsp);

/* Rings the doorbell: makes the hostcall whose frame is filled in. */
void arch_doorbell(void);
/*
 * Asks the Linux module to serve the call in the frame (common/hostcall.h, HOSTCALL_SERVED). The
 * vCPU's data page has .module_serves set, so the mode is ring 0.
 */
void arch_module_doorbell(void);
/* Where exitless calls are submitted; NULL in ring-0 mode, where an exit is cheaper. */
struct vcpu_data *arch_exitless_data(void);
struct hostcall_frame *arch_hostcall_frame(void); /* this vCPU's */
struct vcpu_data *arch_vcpu_data_of(u32 id);	  /* of a vCPU that was started */

/*
 * Traps, for kernel/entry.c, which calls arch_trap_vector once for each trap and before anything
 * else. It returns the VEC_* of the exception, which can differ from the frame's (operand.h);
 * VEC_UPCALL; ARCH_TRAP_SYSCALL; or ARCH_TRAP_DONE if the program can go on. It panics if the trap
 * came from inside the kernel. arch_trap_panic makes the same panic for a trap that no program can
 * cause.
 */
#define ARCH_TRAP_DONE (~0UL)
#define ARCH_TRAP_SYSCALL                                                                          \
	(~1UL) /* a SYSCALL with TF set, or at a patched call site: the frame is now that of       \
		   the system call */
u64 arch_trap_vector(struct trapframe *f);
__attribute__((noreturn)) void arch_trap_panic(const struct trapframe *f);
/*
 * Ring-3 mode, with call sites patched: f is the frame of a SYSCALL. If a stub executed it, because
 * GS is the program's, the frame becomes as if the program's own text had executed it.
 */
void arch_syscall_from_stub(struct trapframe *f);
/* The address (CR2) of this vCPU's last page fault. */
u64 arch_fault_address(void);
/*
 * Returns the floating-point exceptions that are raised and not masked: for VEC_XM from MXCSR, else
 * from the x87 status word. Bits 0 to 5 of both (Intel SDM 1, 8.1.3 and 10.2.3).
 */
u32 arch_fpu_exceptions(u64 vector);

/*
 * Returns whether the running program's instruction at the frame's RIP may store into
 * [start, start + len). True also if that is not known.
 */
bool arch_may_store(const struct trapframe *f, u64 start, u64 len);

u64 arch_rdtsc(void);
static inline void arch_pause(void)
{
	__builtin_ia32_pause();
}

#endif
