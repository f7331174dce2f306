/* SPDX-License-Identifier: MIT */
/*
 * Entry code: every entry into the kernel, and the way out.
 *
 * Section .text.entry is one page that is mapped at the head of every vCPU's area. So VD(field),
 * which is RIP-relative, is a field of this vCPU's struct vcpu_data (the page after it), without a
 * register, a stack or a segment base. Code in the section reaches the rest of the kernel only
 * through pointers in vcpu_data, because RIP-relative jumps would go to the wrong address.
 *
 * All entries build a struct trapframe (arch.h) at the top of the thread's kernel stack:
 *
 *   system call, both ring modes    CPU -> entry_syscall -> syscall_entry, or in the ring-3 mode
 *                              syscall_entry_ring3
 *     ring-3 mode, where the call's site is patched:
 *                              program -> its stub -> stub_shared_start -> stub_entry
 *     ring-3 mode, where SYSCALL raises the privilege:
 *                              CPU -> entry_syscall_lower (ring 0) -> IRETQ -> entry_syscall_on_stack
 *   exception, ring-0 mode     CPU -> isr_N -> trap_entry
 *   exception, ring-3 mode     CPU -> stub_N (ring 0) -> IRETQ -> entry_trap_N (ring 3) -> trap_entry
 *   upcall, both ring modes         monitor -> upcall_entry
 *
 * and all leave through exit_to_program, except that a system call in the ring-3 mode may leave
 * through exit_fast.
 */
#include "common/layout.h"
#include "common/vcpu_area.h"
#include "common/x86.h"
#include "kernel/arch/x86_64/asm.h"

#define VD(field) (entry_page_start + PAGE_SIZE + VD_##field)(%rip)

/* Ring-3 mode: what the CPU pushed on the stack of ring 0. */
#define R0_SS	  (entry_page_start + PAGE_SIZE + VD_RING0_TOP - 8)(%rip)
#define R0_RSP	  (entry_page_start + PAGE_SIZE + VD_RING0_TOP - 16)(%rip)
#define R0_RFLAGS (entry_page_start + PAGE_SIZE + VD_RING0_TOP - 24)(%rip)
#define R0_CS	  (entry_page_start + PAGE_SIZE + VD_RING0_TOP - 32)(%rip)
#define R0_RIP	  (entry_page_start + PAGE_SIZE + VD_RING0_TOP - 40)(%rip)
#define R0_ERROR  (entry_page_start + PAGE_SIZE + VD_RING0_TOP - 48)(%rip)

	.section .text.entry, "ax", @progbits
	.balign PAGE_SIZE
	.globl entry_page_start
entry_page_start:

/*
 * LSTAR, at offset 0 of the area. RCX: return address, R11: flags, RSP: the program's. In the
 * ring-0 mode interrupts are off and flags are masked; in the ring-3 mode the CPU has only jumped.
 */
	.globl entry_syscall
entry_syscall:
	mov %rsp, VD(USER_RSP)
	mov VD(KSTACK_TOP), %rsp
	.globl entry_syscall_on_stack
entry_syscall_on_stack:
	movl $0, VD(IN_PROGRAM)
	push $SEL_USER_DS
	push VD(USER_RSP)
	push %r11
	push $SEL_USER_CS
	push %rcx
	jmp *VD(SYSCALL_ENTRY)

/*
 * Ring-3 mode, in ring 0: the host may emulate each instruction, so a stub is as short as possible.
 * IRETQ takes a frame that fill_data has prepared: entry_trap_N, on the kernel stack.
 */
.macro STUB_LEAVE nr
	lea (entry_page_start + PAGE_SIZE + VD_STUB_EXIT + \nr * IRET_FRAME_SIZE)(%rip), %rsp
	iretq
.endm

/*
 * LSTAR in the ring-3 mode on a host whose SYSCALL raises the privilege (the bootstrap's trial).
 * Returns to ring 3, to the second half of entry_syscall.
 */
	.org entry_page_start + ENTRY_SYSCALL_LOWER
entry_syscall_lower:
	mov %rsp, VD(USER_RSP)
	STUB_LEAVE STUB_SYSCALL

.macro STUB nr
	.balign 8
stub_\nr:
.if \nr == VEC_PF
	mov %rax, VD(SCRATCH_RAX)
	mov %cr2, %rax
.endif
	STUB_LEAVE \nr
.endm

/* Ring-3 mode, in ring 3, on the kernel stack: copies what the CPU pushed into a trap frame. */
.macro ENTRY_TRAP nr, has_error
	.balign 16
entry_trap_\nr:
.if \nr == VEC_PF
	mov %rax, VD(CR2)
	mov VD(SCRATCH_RAX), %rax
.endif
	push R0_SS
	push R0_RSP
	push R0_RFLAGS
	push R0_CS
	push R0_RIP
.if \has_error
	push R0_ERROR
.else
	push $0
.endif
	push $\nr
	jmp *VD(TRAP_ENTRY)
.endm

#define VECTOR(nr, has_error) STUB nr
#include "kernel/arch/x86_64/vectors.h"

/*
 * Ring-3 mode, in ring 0: what the kernel asks ring 0 for (ring.c). The kernel lets INT3 lead here
 * for the time of one INT3 of its own. The stub returns by the frame that the CPU pushed.
 */
	.globl stub_flush_4, stub_flush_3, stub_flush_2, stub_flush_1, stub_switch
stub_flush_4:
	invlpg (%rcx)
stub_flush_3:
	invlpg (%rdx)
stub_flush_2:
	invlpg (%rsi)
stub_flush_1:
	invlpg (%rdi)
	iretq
stub_switch:
	mov %rdi, %cr3
	iretq
#define VECTOR(nr, has_error) ENTRY_TRAP nr, has_error
#include "kernel/arch/x86_64/vectors.h"

	.org entry_page_start + PAGE_SIZE, 0xcc /* fails if the entry code does not fit its page */

	/* For fill_data: offsets from entry_page_start; those of isr_offset from isr_start. */
	.section .rodata
	.balign 8
	.globl entry_stub_offset, entry_trap_offset, isr_offset
#define VECTOR(nr, has_error) .quad stub_##nr - entry_page_start;
entry_stub_offset:
#include "kernel/arch/x86_64/vectors.h"
#define VECTOR(nr, has_error) .quad entry_trap_##nr - entry_page_start;
entry_trap_offset:
#include "kernel/arch/x86_64/vectors.h"
#define VECTOR(nr, has_error) .quad isr_##nr - isr_start;
isr_offset:
#include "kernel/arch/x86_64/vectors.h"

	.text

/* Ring-0 mode: the CPU enters here, on the thread's kernel stack (TSS.RSP0). */
	.globl isr_start
isr_start:
.macro ISR nr, has_error
	.balign 16
isr_\nr:
.if \nr == VEC_DF
	jmp double_fault
.else
.if !\has_error
	push $0
.endif
	push $\nr
	jmp trap_entry
.endif
.endm
#define VECTOR(nr, has_error) ISR nr, has_error
#include "kernel/arch/x86_64/vectors.h"

/*
 * Runs on the short stack in this vCPU's data (TSS.IST1), because RSP may be the cause. Pushes the
 * frame on the kernel stack, whose bottom names the vCPU. That overwrites what was there, which
 * does no harm: a panic follows.
 */
double_fault:
	mov %rsp, %rdi
	mov VD_KSTACK_TOP - (VD_RING0_TOP - IRET_FRAME_SIZE - 8)(%rdi), %rsp
	push 40(%rdi)
	push 32(%rdi)
	push 24(%rdi)
	push 16(%rdi)
	push 8(%rdi)
	push 0(%rdi)
	push $VEC_DF
	jmp trap_entry

.macro POP_REGS
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rax
	pop %rcx
	pop %rdx
	pop %rsi
	pop %rdi
.endm

.macro PUSH_REGS rax
	push %rdi
	push %rsi
	push %rdx
	push %rcx
	push \rax
	push %r8
	push %r9
	push %r10
	push %r11
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	cld
	mov %rsp, %rdi
.endm

/* The monitor has pushed RIP..SS and an error code. A program was running. */
	.globl upcall_entry
upcall_entry:
	push $VEC_UPCALL
	/* fall through */

/* On the stack: vector, error, RIP..SS. void trap_handle(struct trapframe *) */
	.globl trap_entry
trap_entry:
	push $-1
	PUSH_REGS %rax
	call trap_handle
	jmp exit_to_program

/* On the stack: RIP..SS. void syscall_dispatch(struct trapframe *) */
	.globl syscall_entry
syscall_entry:
	push $0
	push $TRAP_SYSCALL
	push %rax
	PUSH_REGS $-ENOSYS
	call syscall_dispatch
	/* fall through */

/*
 * The way out. RSP: the trap frame. The exit_work function does pending work first (signals,
 * upcalls). From exit_start on, the code reads the upcall word a last time and restores the
 * registers. A kick between that read and IRETQ would be lost. So the monitor, if it finds RIP in
 * [exit_start, exit_end), sets RIP to exit_restart and RSP to the trap frame, which is intact until
 * IRETQ.
 *
 * arch_flush_request writes the upcall word and then reads in_program; the way out writes
 * in_program and then reads the upcall word. XCHG orders write and read, so that at least one side
 * sees the other's write.
 */
	.globl exit_to_program, exit_restart, exit_start, exit_end
exit_to_program:
exit_restart:
	mov %rsp, %rbx
	and $-KSTACK_SIZE, %rbx		/* struct kstack_head; .vcpu is its second word */
	mov 8(%rbx), %rax
	movl $0, VD_IN_PROGRAM(%rax)
	mov %rsp, %rdi
	call *VD_EXIT_WORK(%rax)
	mov 8(%rbx), %rbx		/* again: exit_work may have changed the vCPU */
exit_start:
	mov $1, %eax
	xchg %eax, VD_IN_PROGRAM(%rbx)
	cmpl $0, VD_UPCALL(%rbx)
	jne exit_restart
	POP_REGS
	add $24, %rsp			/* orig_rax, vector, error */
	iretq

/*
 * As exit_start, without IRETQ, which takes many times as long. GS is the vCPU's, and POPF may load
 * the program's flags here (exit_work_fast). RSP: the trap frame; RBX: struct vcpu_data.
 */
exit_fast:
	mov $1, %eax
	xchg %eax, VD_IN_PROGRAM(%rbx)
	cmpl $0, VD_UPCALL(%rbx)
	jne exit_restart
	POP_REGS
	lea 40(%rsp), %rsp		/* orig_rax, vector, error, RIP, CS */
	popf
	pop %rsp
	jmp *%gs:VD_RESUME
exit_end:

/*
 * Ring-3 mode, from the stubs of patched call sites. On the stack: RIP..SS, the slot, the vector,
 * RAX; call_by_stub sets RIP. void call_by_stub(struct trapframe *),
 * bool exit_work_fast(struct trapframe *)
 */
	.globl stub_entry
stub_entry:
	PUSH_REGS $-ENOSYS
	call call_by_stub
exit_perhaps_fast:
	mov %rsp, %rdi
	call exit_work_fast
	test %al, %al
	je exit_to_program
	mov %rsp, %rbx
	and $-KSTACK_SIZE, %rbx
	mov 8(%rbx), %rbx
	jmp exit_fast

/* Ring-3 mode, from SYSCALL. On the stack: RIP..SS. void syscall_by_instruction(struct trapframe *) */
	.globl syscall_entry_ring3
syscall_entry_ring3:
	push $0
	push $TRAP_SYSCALL
	push %rax
	PUSH_REGS $-ENOSYS
	call syscall_by_instruction
	jmp exit_perhaps_fast

/*
 * Code that all stubs share; stubs_init copies it to PATCH_IN_BASE. All registers are the program's
 * except R11, the slot. RCX may be changed, because SYSCALL overwrites it; flags may be changed
 * only after they were pushed. If the highest byte of GS.base is ff, GS.base is the vCPU's data.
 * Else GS is the program's, and the stub uses its own SYSCALL.
 */
	.globl stub_shared_start, stub_shared_end
stub_shared_start:
	rdgsbase %rcx
	bswap %rcx
	movzbl %cl, %ecx
	lea -0xff(%rcx), %ecx
	jrcxz 1f
	lea (, %r11, 8), %r11
	lea PATCH_IN_BASE + PATCH_IN_OWN(, %r11, PATCH_IN_SIZE / 8), %r11
	jmp *%r11
1:	mov %rsp, %gs:VD_USER_RSP
	mov %gs:VD_KSTACK_TOP, %rsp
	movl $0, %gs:VD_IN_PROGRAM
	push $SEL_USER_DS
	push %gs:VD_USER_RSP
	pushf
	push $SEL_USER_CS
	push $0
	push %r11
	push $TRAP_SYSCALL
	push %rax
	mov 40(%rsp), %r11		/* the flags */
	jmp *%gs:VD_STUB_ENTRY

/*
 * The same for CPUID, which changes RAX to RDX and nothing else. EDX is the slot, EBX may be
 * changed, RCX is an argument.
 */
	.org stub_shared_start + PATCH_IN_CPUID, 0xcc
	rdgsbase %rbx
	bswap %rbx
	movzbl %bl, %ebx
	lea -0xff(%rbx), %ebx
	xchg %rcx, %rbx
	jrcxz 1f
	mov %rbx, %rcx
	lea (, %rdx, 8), %rdx
	lea PATCH_IN_BASE + PATCH_IN_OWN(, %rdx, PATCH_IN_SIZE / 8), %rdx
	jmp *%rdx
1:	mov %rbx, %rcx
	mov %rsp, %gs:VD_USER_RSP
	mov %gs:VD_KSTACK_TOP, %rsp
	movl $0, %gs:VD_IN_PROGRAM
	push $SEL_USER_DS
	push %gs:VD_USER_RSP
	pushf
	push $SEL_USER_CS
	push $0
	push %rdx
	push $TRAP_SYSCALL
	push %rax
	jmp *%gs:VD_STUB_ENTRY
stub_shared_end:

/*
 * void kernel_entry(u64 boot_info_gpa): the bootstrap jumps here, in the ring of the ring mode.
 * There is no stack yet.
 */
	.globl kernel_entry
kernel_entry:
	lea boot_stack_top(%rip), %rsp
	xor %ebp, %ebp
	call kernel_main
	ud2

/* A further vCPU starts here (arch_vcpu_start). Pops a function and its argument. */
	.globl vcpu_entry
vcpu_entry:
	pop %rax
	pop %rdi
	xor %ebp, %ebp
	call *%rax
	ud2

/*
 * void arch_enter_stack(void *sp, void (*fn)(void *), void *arg): calls fn on another stack and
 * does not return.
 */
	.globl arch_enter_stack
arch_enter_stack:
	mov %rdi, %rsp
	mov %rdx, %rdi
	xor %ebp, %ebp
	call *%rsi
	ud2

/*
 * void switch_stack(void **save_sp, void *sp): called by arch_context_switch. Pushes the
 * callee-saved registers on this stack, stores RSP in *save_sp, and continues on the other stack,
 * which switch_stack has left before or arch_context_init has made.
 */
	.globl switch_stack
switch_stack:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, (%rdi)
	mov %rsi, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret

/* void arch_exit_to_program(struct trapframe *): leaves with that frame; does not return. */
	.globl arch_exit_to_program
arch_exit_to_program:
	mov %rdi, %rsp
	jmp exit_to_program

/*
 * void ring3_ask(u64 a, u64 b, u64 c, u64 d), called by ring.c: stub_switch or one of the stub_flush
 * does the rest.
 */
	.globl ring3_ask
ring3_ask:
	int3
	ret

/*
 * int arch_copy(void *dst, const void *src, u64 n): if a page of a window is missing, the monitor
 * moves RIP from [copy_start, copy_end) to copy_fixup.
 */
	.globl arch_copy, copy_start, copy_end, copy_fixup
arch_copy:
	mov %rdx, %rcx
copy_start:
	rep movsb
copy_end:
	xor %eax, %eax
	ret
copy_fixup:
	mov $-EFAULT, %eax
	ret

	/* A kernel stack like any other: aligned to its size, with struct kstack_head at the bottom. */
	.bss
	.balign KSTACK_SIZE
	.skip KSTACK_SIZE
boot_stack_top:

	.section .note.buffervm, "a", @note
	.balign 4
	.long 2f - 1f, 4f - 3f, ABI_NOTE_TYPE
1:	.asciz ABI_NOTE_OWNER
2:	.balign 4
3:	.long ABI_VERSION
4:	.balign 4

	.section .note.GNU-stack, "", @progbits
