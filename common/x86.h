/* SPDX-License-Identifier: MIT */
/* x86-64 constants, from Intel SDM vol. 3 and AMD APM vol. 2. Assembly can include this header. */
#ifndef COMMON_X86_H
#define COMMON_X86_H

#define X86_CR0_PE	   (1 << 0)
#define X86_CR0_MP	   (1 << 1)
#define X86_CR0_ET	   (1 << 4)
#define X86_CR0_NE	   (1 << 5)
#define X86_CR0_WP	   (1 << 16)
#define X86_CR0_AM	   (1 << 18)
#define X86_CR0_PG	   (1 << 31)

#define X86_CR4_TSD	   (1 << 2)
#define X86_CR4_PAE	   (1 << 5)
#define X86_CR4_PGE	   (1 << 7)
#define X86_CR4_OSFXSR	   (1 << 9)
#define X86_CR4_OSXMMEXCPT (1 << 10)
#define X86_CR4_UMIP	   (1 << 11)
#define X86_CR4_FSGSBASE   (1 << 16)
#define X86_CR4_OSXSAVE	   (1 << 18)
#define X86_CR4_SMEP	   (1 << 20)
#define X86_CR4_SMAP	   (1 << 21)

#define X86_EFER_SCE	   (1 << 0)
#define X86_EFER_LME	   (1 << 8)
#define X86_EFER_LMA	   (1 << 10)
#define X86_EFER_NXE	   (1 << 11)

/* CPUID's hypervisor leaf. The monitor puts "Buff" into its EBX and "erVM" into its ECX. */
#define CPUID_HYPERVISOR   0x40000000
#define CPUID_NAME_EBX	   0x66667542
#define CPUID_NAME_ECX	   0x4d567265

#define MSR_TSC		   0x10
#define MSR_MISC_FEATURES  0x140
#define MISC_CPUID_FAULT   (1 << 0) /* CPUID faults above ring 0 */
#define MSR_EFER	   0xc0000080
#define MSR_STAR	   0xc0000081
#define MSR_LSTAR	   0xc0000082
#define MSR_SFMASK	   0xc0000084
#define MSR_FS_BASE	   0xc0000100
#define MSR_GS_BASE	   0xc0000101
#define MSR_TSC_AUX	   0xc0000103

#define RFLAGS_FIXED	   (1 << 1)
#define DR7_GUEST	   0xffff07ffUL /* what the guest may set in DR7: neither GD nor reserved bits */
#define RFLAGS_ARITH	   0x8d5	/* OF SF ZF AF PF CF */
#define RFLAGS_TF	   (1 << 8)
#define RFLAGS_IF	   (1 << 9)
#define RFLAGS_DF	   (1 << 10)
#define RFLAGS_IOPL	   (3 << 12)
#define RFLAGS_NT	   (1 << 14)
#define RFLAGS_RF	   (1 << 16)
#define RFLAGS_AC	   (1 << 18)

/*
 * Selectors. The numbers are Linux's, because on a KVM host without hardware virtualization ring 3
 * runs with the host's GDT, and IRETQ there faults on any other ring-3 selector.
 */
#define SEL_KERNEL_CS	   0x10
#define SEL_KERNEL_DS	   0x18
#define SEL_USER_CS32	   0x23
#define SEL_USER_DS	   0x2b
#define SEL_USER_CS	   0x33
#define SEL_TSS		   0x40
#define GDT_ENTRIES	   10

/* Page-table entry bits. */
#define PTE_P		   (1UL << 0)
#define PTE_W		   (1UL << 1)
#define PTE_U		   (1UL << 2)
#define PTE_PCD		   (1UL << 4)
#define PTE_A		   (1UL << 5)
#define PTE_D		   (1UL << 6)
#define PTE_PS		   (1UL << 7)
#define PTE_G		   (1UL << 8)
#define PTE_NX		   (1UL << 63)
#define PTE_ADDR	   0x000ffffffffff000UL

/* Page-fault error code. */
#define PF_PRESENT	   (1 << 0)
#define PF_WRITE	   (1 << 1)
#define PF_USER		   (1 << 2)
#define PF_RSVD		   (1 << 3)
#define PF_FETCH	   (1 << 4)

/* Exception vectors. */
#define VEC_DE		   0
#define VEC_DB		   1
#define VEC_NMI		   2
#define VEC_BP		   3
#define VEC_OF		   4
#define VEC_BR		   5
#define VEC_UD		   6
#define VEC_NM		   7
#define VEC_DF		   8
#define VEC_TS		   10
#define VEC_NP		   11
#define VEC_SS		   12
#define VEC_GP		   13
#define VEC_PF		   14
#define VEC_MF		   16
#define VEC_AC		   17
#define VEC_XM		   19
#define VEC_COUNT	   32
/* Not a hardware vector: the index of SYSCALL's stub, after those of the vectors (entry.S). */
#define STUB_SYSCALL	   32
/* Not a hardware vector: the trap number of an upcall (vm/upcall.c). */
#define VEC_UPCALL	   32

#endif
