/* SPDX-License-Identifier: MIT */
/*
 * Where everything lies: the one home of every fixed address. Usable from .S.
 *
 * Guest-physical (GPA):
 *
 *   0x0000_0000  boot slot: bootstrap, boot info, boot page tables, vCPU 0's area,
 *                kernel image, argument blob (all written by the monitor before the first
 *                instruction; the page tables only then)
 *   0xd000_0000  doorbell: no memory behind it, a store here is a hostcall (ring-3 mode)
 *   0x1_0000_0000 RAM, grows upwards slot by slot (RAM_BASE)
 *   2^(p-2)      struct frame array, one entry per RAM frame (p: guest-physical bits)
 *   2^(p-1)      file windows, upwards
 *
 * Guest-virtual:
 *
 *   0x0000_0000_0000 .. 0x7fff_ffff_f000   programs
 *   0x2000_0000_0000 .. 0x3f00_0000_0000   the guarded heap's, in a sandbox that checks
 *   0x4000_0000_0000 .. 0x4100_0000_0000   physmap in the ring-3 mode (the upper half but
 *                                          its top 2 GiB does not load natively there)
 *   0xffff_8880_0000_0000 ..               physmap in the ring-0 mode
 *   0xffff_ffff_8000_0000 + slide          kernel image
 *   0xffff_ffff_c000_0000 + id * 32 KiB    vCPU areas: entry page, data, hostcall area
 *   0xffff_ffff_d000_0000                  doorbell
 *   0xffff_ffff_e006_0000 ..               patched call sites: pointers, ring-3 mode
 *   0xffff_ffff_e800_0000 ..               ... return addresses and stubs
 */
#ifndef COMMON_LAYOUT_H
#define COMMON_LAYOUT_H

#ifdef __ASSEMBLER__
#define UL(x) x
#else
#define UL(x) x##UL
#endif

#define PAGE_SHIFT	  12
#define PAGE_SIZE	  UL(0x1000)
#define PAGE_MASK	  (PAGE_SIZE - 1)
#define HUGE_SHIFT	  21
#define HUGE_SIZE	  UL(0x200000)
#define HUGE_MASK	  (HUGE_SIZE - 1)

/* The boot slot. */
#define GPA_BOOTSTRAP	  UL(0x1000)
#define GPA_BOOT_INFO	  UL(0x3000)
#define GPA_BOOT_STACK	  UL(0x6000) /* grows down from here, bootstrap only */
#define GPA_BOOT_PT	  UL(0x10000)
#define GPA_BOOT_PT_END	  UL(0x80000)
#define GPA_VCPU0	  UL(0x80000)
#define GPA_KERNEL	  UL(0x200000)
#define BOOT_SLOT_MIN	  UL(0x1000000) /* 16 MiB, more when the argument blob is large */

#define GPA_DOORBELL	  UL(0xd0000000)
#define RAM_BASE	  UL(0x100000000)

#define PHYSMAP_RING3	  UL(0x0000400000000000)
#define PHYSMAP_RING0	  UL(0xffff888000000000)
#define PHYSMAP_SIZE	  UL(0x10000000000) /* 1 TiB: two PML4 slots */

#define KERNEL_BASE	  UL(0xffffffff80000000)
#define KERNEL_SLIDE_MAX  UL(0x20000000)
#define VCPU_AREA_BASE	  UL(0xffffffffc0000000)
#define VCPU_MAX	  4096
#define DOORBELL_VA	  UL(0xffffffffd0000000)

/*
 * Patched call sites (kernel/arch/x86_64/stubs.h), ring-3 mode. A site has a slot: a pointer that
 * its jump goes through, a return address, and the two parts of its stub. Pointers lie where the
 * third byte of their address is 06 (kernel/arch/x86_64/call_site.h), in banks of 64 KiB. The first
 * slots are taken by the code that all stubs share.
 */
#define PATCH_SLOTS	  32768
#define PATCH_BANK	  8192 /* slots */
#define PATCH_BANK_STRIDE UL(0x1000000)
#define PATCH_JUMPS	  UL(0xffffffffe0060000)
#define PATCH_RETURNS	  UL(0xffffffffe8000000)
#define PATCH_IN_BASE	  UL(0xffffffffe8200000)
#define PATCH_IN_SIZE	  32
#define PATCH_IN_SYSCALL  28 /* offset of the stub's own SYSCALL */
#define PATCH_IN_SHARED	  4  /* slots without a stub */
#define PATCH_OUT_BASE	  UL(0xffffffffe8400000)
#define PATCH_OUT_SIZE	  64

/* struct frame in the frame array is at most this large (kernel/mm/frame.h). */
#define FRAME_STRUCT_SIZE 16

#define USER_TOP	  UL(0x7ffffffff000) /* first address programs cannot have */

/*
 * The guarded range of `buffervm check`: program addresses of which each page is given to one
 * object, once. Below the physmap of the ring-3 mode and where Linux puts mappings; page tables
 * are made as needed.
 */
#define CHK_GUARDED_BASE  UL(0x200000000000) /* 32 TiB */
#define CHK_GUARDED_END	  UL(0x3f0000000000)

/* Output port of a hostcall in the ring-0 mode. */
#define HOSTCALL_PORT	  0x500

/* Kernel stacks: this size, aligned to it; the owner's pointer is the lowest word. */
#define KSTACK_ORDER	  2
#define KSTACK_SIZE	  (PAGE_SIZE << KSTACK_ORDER)

#endif
