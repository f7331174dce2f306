/* SPDX-License-Identifier: MIT */
/*
 * The bootstrap: takes vCPU 0 from 32-bit protected mode without paging to the kernel's 64-bit
 * entry.
 *
 * The monitor puts this flat binary at GPA_BOOTSTRAP and starts vCPU 0 at its first byte, with flat
 * segments and with CR4 set. Boot info is at GPA_BOOT_INFO; the page tables of both ring modes and
 * the vCPU's area with its GDT are ready. The bootstrap turns on paging and long mode, finds by a
 * trial which ring modes the host has, chooses one, and enters the kernel:
 *
 *   void kernel_entry(gpa of boot info)      in ring 0, or, in ring-3 mode, in ring 3
 *
 * The trial is a SYSCALL in ring 3. If it leads to ring 0, ring 0 runs in hardware: the kernel runs
 * in ring 0, or in ring 3 if the monitor asks for that. If SYSCALL stays in ring 3, ring 0 is
 * emulated and ring 3 is the only mode. The trial uses the vCPU's own entry page: entry_syscall
 * (kernel/arch/x86_64/entry.S) jumps to trial_landing, on the boot stack.
 *
 * On a host that emulates ring 0 each instruction there takes about a microsecond, so the code is
 * short.
 */
#include "common/boot_info.h"
#include "common/layout.h"
#include "common/vcpu_area.h"
#include "common/x86.h"

/*
 * If the trial has more than one round, the bootstrap also times a loop in ring 0 of LOOP_TURNS
 * turns of two instructions. The least of LOOP_ROUNDS times counts, because the first round warms
 * the caches and an interrupt can lengthen any of them.
 */
#define LOOP_TURNS	4
#define LOOP_SHIFT	3 /* log2 of the loop's 2 * LOOP_TURNS instructions */
#define LOOP_ROUNDS	4

#define AT(label) (GPA_BOOTSTRAP + (label) - start)

	.text
	.code32
	.globl start
start:
	mov $GPA_BOOT_INFO, %edi
	mov BOOT_INFO_CR3_RING3(%edi), %eax
	mov %eax, %cr3
	mov $(X86_EFER_SCE | X86_EFER_LME | X86_EFER_NXE), %eax
	xor %edx, %edx
	mov $MSR_EFER, %ecx
	wrmsr
	mov $(X86_CR0_PE | X86_CR0_MP | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | \
	      X86_CR0_PG), %eax
	mov %eax, %cr0
	lgdt AT(boot_gdtr)
	ljmp $SEL_KERNEL_CS, $AT(long_mode)

/* Executes IRETQ to the address in RAX, in ring 3, on the boot stack. */
.macro GO_TO_RING3
	mov $GPA_BOOT_STACK, %esp
	push $SEL_USER_DS
	push %rsp
	push $(RFLAGS_FIXED | RFLAGS_IF)
	push $SEL_USER_CS
	push %rax
	iretq
.endm

	.code64
long_mode:
	mov $SEL_KERNEL_DS, %eax
	mov %eax, %ss
	lgdt AT(vcpu_gdtr)
	movq $GPA_BOOT_STACK, GPA_VCPU0 + VD_KSTACK_TOP
	movq $AT(trial_landing), GPA_VCPU0 + VD_SYSCALL_ENTRY
	mov BOOT_INFO_ROUNDS(%rdi), %ebp
	mov $-1, %esi		/* the least time so far */
	cmp $1, %ebp
	jbe trial_enter
	mov $LOOP_ROUNDS, %r8d
1:	rdtsc
	mov %eax, %ebx
	mov $LOOP_TURNS, %ecx
2:	dec %ecx
	jnz 2b
	rdtsc
	sub %ebx, %eax
	cmp %esi, %eax
	cmova %esi, %eax
	mov %eax, %esi
	dec %r8d
	jnz 1b
	shr $LOOP_SHIFT, %esi
	mov %rsi, BOOT_INFO_RING0(%rdi)
	mov $-1, %esi

/* EBP: number of rounds left; ESI: least number of cycles so far. */
trial_enter:
	mov $AT(trial), %eax
	GO_TO_RING3
trial:
	rdtsc
	mov %eax, %ebx
	syscall			/* jumps to trial_landing; clobbers RCX and R11 */
trial_landing:
	rdtsc
	sub %ebx, %eax
	cmp %esi, %eax
	cmova %esi, %eax
	mov %eax, %esi
	mov %cs, %ecx
	and $3, %ecx
	dec %ebp
	jle 1f
	test %ecx, %ecx
	jnz trial
	jmp trial_enter
1:	mov %rsi, BOOT_INFO_SYSCALL(%rdi)
	mov BOOT_INFO_ENTRY(%rdi), %rax
	test %ecx, %ecx
	jz raised
	movl $RING_MODE_3, BOOT_INFO_RING_MODE(%rdi)
	jmp *%rax

raised:
	movl $1, BOOT_INFO_RAISES(%rdi)
	cmpl $RING_MODE_3, BOOT_INFO_RING_MODE(%rdi)
	je 1f
	movl $RING_MODE_0, BOOT_INFO_RING_MODE(%rdi)
	mov BOOT_INFO_CR3_RING0(%rdi), %rcx
	mov %rcx, %cr3
	jmp *%rax

	/*
	 * The monitor asked for ring-3 mode: LSTAR becomes the stub that takes SYSCALL back to ring
	 * 3 (entry_syscall_lower).
	 */
1:	mov %rax, %rbx
	mov $MSR_LSTAR, %ecx
	rdmsr
	add $ENTRY_SYSCALL_LOWER, %eax
	wrmsr
	mov %rbx, %rax
	GO_TO_RING3

	.balign 8
boot_gdt:
	.quad 0, 0
	.quad 0x00af9b000000ffff /* SEL_KERNEL_CS: 64-bit code */
	.quad 0x00cf93000000ffff /* SEL_KERNEL_DS */
boot_gdt_end:
boot_gdtr:
	.word boot_gdt_end - boot_gdt - 1
	.quad AT(boot_gdt)
vcpu_gdtr:
	.word GDT_ENTRIES * 8 - 1
	.quad VCPU_AREA_BASE + PAGE_SIZE + VD_GDT
