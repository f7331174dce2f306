/*
 * From 32-bit protected mode with paging off to the kernel's 64-bit entry.
 *
 * The monitor puts this flat blob at GPA_BOOTSTRAP and starts vCPU 0 on its first byte with flat
 * segments and CR4 set; boot info is at GPA_BOOT_INFO, page tables for both homes and the vCPU's
 * area with its GDT are ready. The blob chooses the home, turns on paging and long mode, and enters the kernel:
 *
 *   void kernel_entry(gpa of boot info)      in ring 0, or, in the ring-3 home, in ring 3
 *
 * On a host that emulates ring 0 each instruction here costs about a microsecond, so it is short.
 */
#include "common/boot_info.h"
#include "common/layout.h"
#include "common/vcpu_area.h"
#include "common/x86.h"

/*
 * The timed loop: TSC cycles per ring-0 instruction. Silicon takes about 1, QEMU's TCG tens;
 * a host that exits to an emulator for each one takes thousands. The least of a few rounds
 * counts: the first warms caches (and TCG's translation), any one may be preempted.
 */
#define LOOP_TURNS  4 /* of two instructions */
#define LOOP_ROUNDS 3

#define AT(label) (GPA_BOOTSTRAP + (label) - start)

	.text
	.code32
	.globl start
start:
	mov $GPA_BOOT_INFO, %edi
	mov $LOOP_ROUNDS, %ebp
	mov $-1, %esi		/* least so far */
1:	rdtsc
	mov %eax, %ebx
	mov $LOOP_TURNS, %ecx
2:	dec %ecx
	jnz 2b
	rdtsc
	sub %ebx, %eax
	cmp %esi, %eax
	jae 3f
	mov %eax, %esi
3:	dec %ebp
	jnz 1b

	shr $3, %esi		/* per instruction: 2 * LOOP_TURNS */
	mov %esi, BOOT_INFO_LOOP(%edi)
	cmpl $HOME_AUTO, BOOT_INFO_HOME(%edi)
	jne enter_long_mode
	xor %eax, %eax
	cmp $LOOP_THRESHOLD, %esi
	jb 4f
	mov $HOME_RING3, %eax
4:	mov %eax, BOOT_INFO_HOME(%edi)

enter_long_mode:
	mov BOOT_INFO_CR3_RING0(%edi), %eax
	cmpl $HOME_RING3, BOOT_INFO_HOME(%edi)
	jne 1f
	mov BOOT_INFO_CR3_RING3(%edi), %eax
1:	mov %eax, %cr3
	mov $(X86_EFER_SCE | X86_EFER_LME | X86_EFER_NXE), %eax
	xor %edx, %edx
	mov $MSR_EFER, %ecx
	wrmsr
	mov $(X86_CR0_PE | X86_CR0_MP | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | \
	      X86_CR0_PG), %eax
	mov %eax, %cr0
	lgdt AT(boot_gdtr)
	ljmp $SEL_KERNEL_CS, $AT(long_mode)

	.code64
long_mode:
	mov $SEL_KERNEL_DS, %eax
	mov %eax, %ss
	lgdt AT(vcpu_gdtr)
	mov BOOT_INFO_ENTRY(%rdi), %rax
	cmpl $HOME_RING3, BOOT_INFO_HOME(%rdi)
	je 1f
	jmp *%rax

1:	mov $GPA_BOOT_STACK, %esp
	push $SEL_USER_DS
	push %rsp
	push $(RFLAGS_FIXED | RFLAGS_IF)
	push $SEL_USER_CS
	push %rax
	iretq

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
