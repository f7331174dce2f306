/* SPDX-License-Identifier: MIT */
/*
 * Every fixed address of the guest, physical and virtual. Assembly can include this header.
 *
 * Guest-physical (GPA):
 *
 *   0x0000_0000  boot slot: bootstrap, boot info, boot page tables, vCPU 0's area,
 *                kernel image, argument blob. The monitor writes all of it before the first
 *                instruction, and does not touch the page tables afterwards. Behind, in 2 MiB of
 *                their own, pages for page tables (kernel/mm/table_page.h)
 *   0xd000_0000  doorbell: no memory behind it, a store here is a hostcall (ring-3 mode)
 *   0x1_0000_0000 RAM, grows upwards slot by slot (RAM_BASE)
 *   2^(p-2)      struct frame array, one entry per RAM frame (p: guest-physical bits); behind the
 *                boot slot if it is small enough (vm/memory.c)
 *   2^(p-1)      file windows, upwards
 *
 * Guest-virtual:
 *
 *   0x0000_0000_0000 .. 0x7fff_ffff_f000   programs
 *   0x2000_0000_0000 .. 0x3f00_0000_0000   the guarded heap of `buffervm check`
 *   0x4000_0000_0000 .. 0x4100_0000_0000   physmap in ring-3 mode, because such a host does not
 *                                          load the upper half natively but for its top 2 GiB.
 *                                          No sanitizer or language runtime wants memory here;
 *                                          some reserve the range without access, which works
 *   0xffff_8880_0000_0000 ..               physmap in ring-0 mode
 *   0xffff_ffff_8000_0000 + slide          kernel image: 2 MiB for text and constants, then 2 MiB
 * for data 0xffff_ffff_c000_0000 + id * 32 KiB    vCPU areas: entry page, data, hostcall area
 *   0xffff_ffff_d000_0000                  doorbell
 *   0xffff_ffff_e006_0000 ..               patched call sites: pointers, ring-3 mode
 *   0xffff_ffff_e820_0000 ..               ... stubs
 */
#ifndef COMMON_LAYOUT_H
#define COMMON_LAYOUT_H

#ifdef __ASSEMBLER__
#define UL(x) x
#else
#define UL(x) x##UL
#endif

#define PAGE_SHIFT	     12
#define PAGE_SIZE	     UL(0x1000)
#define PAGE_MASK	     (PAGE_SIZE - 1)
#define HUGE_SHIFT	     21
#define HUGE_SIZE	     UL(0x200000)
#define HUGE_MASK	     (HUGE_SIZE - 1)

/* The boot slot. */
#define GPA_BOOTSTRAP	     UL(0x1000)
#define GPA_BOOT_INFO	     UL(0x3000)
#define GPA_BOOT_STACK	     UL(0x6000) /* top of the bootstrap's stack */
#define GPA_BOOT_PT	     UL(0x10000)
#define GPA_BOOT_PT_END	     UL(0x80000)
#define GPA_VCPU0	     UL(0x80000)
#define GPA_KERNEL	     UL(0x200000)
#define TABLE_PAGES_MAX	     2048	   /* pages for page tables in the boot slot */
#define BOOT_SLOT_MIN	     UL(0x1000000) /* 16 MiB; the slot is larger if the argument blob needs it */

#define GPA_DOORBELL	     UL(0xd0000000)
#define RAM_BASE	     UL(0x100000000)

#define PHYSMAP_RING3	     UL(0x0000400000000000)
#define PHYSMAP_RING0	     UL(0xffff888000000000)
#define PHYSMAP_SIZE	     UL(0x10000000000) /* 1 TiB: two PML4 slots */

#define KERNEL_BASE	     UL(0xffffffff80000000)
#define KERNEL_SLIDE_MAX     UL(0x20000000)
/*
 * The image lies in one aligned 2 MiB of guest-physical memory, and has two aligned 2 MiB of
 * addresses there: text and constants in the first, data in the second. So in ring-3 mode two
 * entries map it, which cost two faults of shadow paging, where single pages cost forty at each
 * start.
 */
#define KERNEL_DATA_SHIFT    HUGE_SIZE
#define KERNEL_ADDRESSES     (KERNEL_DATA_SHIFT + HUGE_SIZE)
#define VCPU_AREA_BASE	     UL(0xffffffffc0000000)
#define VCPU_MAX	     4096
#define DOORBELL_VA	     UL(0xffffffffd0000000)

/*
 * Patched call sites (kernel/arch/x86_64/stubs.h), ring-3 mode. Each patched site has a slot: a
 * pointer that the site's jump goes through, and the two parts of its stub. The third byte of a
 * pointer's address is 06, for the reason that kernel/arch/x86_64/call_site.h gives, so the
 * pointers lie in banks of 64 KiB. The first PATCH_IN_SHARED slots hold code that all stubs share.
 */
#define PATCH_SLOTS	     32768
#define PATCH_BANK	     8192 /* slots */
#define PATCH_BANK_STRIDE    UL(0x1000000)
#define PATCH_JUMPS	     UL(0xffffffffe0060000)
#define PATCH_IN_BASE	     UL(0xffffffffe8200000)
#define PATCH_IN_SIZE	     32
#define PATCH_IN_OWN	     28	 /* offset of the stub's own SYSCALL or CPUID */
#define PATCH_IN_SHARED	     8	 /* slots of shared code */
#define PATCH_IN_CPUID	     128 /* offset in shared code of the part for CPUID */
#define PATCH_OUT_BASE	     UL(0xffffffffe8400000)
#define PATCH_OUT_SIZE	     64

/*
 * Upper bound of sizeof(struct frame), by which the monitor sizes the frame array
 * (kernel/mm/frame.h).
 */
#define FRAME_STRUCT_SIZE    16

#define USER_TOP	     UL(0x7ffffffff000) /* the first address above those of programs */

/*
 * The guarded range of `buffervm check`: program addresses of which each page belongs to one object
 * only, once. The range lies below the physmap of ring-3 mode and below the addresses where Linux
 * puts mappings. Its page tables are made as pages are used.
 */
#define CHK_GUARDED_BASE     UL(0x200000000000) /* 32 TiB */
#define CHK_GUARDED_END	     UL(0x3f0000000000)

/* The doorbell in ring-0 mode: an OUT to this port is a hostcall. */
#define HOSTCALL_PORT	     0x500
/*
 * Ring-0 mode, if the Linux module serves hostcalls (host_kernel.h): an OUT to this port plus the
 * vCPU's id asks the module first.
 */
#define HOSTCALL_SERVED_PORT 0x600

/*
 * Kernel stacks are aligned to their size. struct kstack_head (kernel/arch/x86_64/arch.h) is at the
 * lowest address of each.
 */
#define KSTACK_ORDER	     2
#define KSTACK_SIZE	     (PAGE_SIZE << KSTACK_ORDER)

#endif
