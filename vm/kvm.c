// SPDX-License-Identifier: MIT
/*
 * Opens /dev/kvm, checks that it has what BufferVM needs, makes the VM, and prepares vCPUs' CPUID.
 */
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "vm/cpuid_caches.h"
#include "vm/vm.h"

/* The capabilities that BufferVM needs, and why. */
static const struct {
	int cap;
	int least;
	const char *name, *why;
} needed[] = {
	{KVM_CAP_USER_MEMORY, 1, "KVM_CAP_USER_MEMORY", "guest memory is ours"},
	{KVM_CAP_SYNC_MMU, 1, "KVM_CAP_SYNC_MMU", "file windows change while the guest runs"},
	{KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1, "KVM_CAP_DESTROY_MEMORY_REGION_WORKS",
	 "slots come and go"},
	{KVM_CAP_NR_MEMSLOTS, 32, "KVM_CAP_NR_MEMSLOTS", "memory grows slot by slot"},
	{KVM_CAP_EXT_CPUID, 1, "KVM_CAP_EXT_CPUID", "the guest sees a filtered CPUID"},
	{KVM_CAP_XCRS, 1, "KVM_CAP_XCRS", "programs use AVX"},
	{KVM_CAP_IMMEDIATE_EXIT, 1, "KVM_CAP_IMMEDIATE_EXIT", "signals interrupt a vCPU"},
};

/*
 * Address of the three pages that KVM needs for real mode on old Intel CPUs. They have to be below
 * 4 GiB and outside of all slots.
 */
#define TSS_ADDR  0xfffbd000UL

/*
 * By default KVM's shadow paging uses at most 2 % as many page tables as the slots have pages,
 * which is too few for a process tree in small slots. MMU_PAGES is a limit and not an allocation.
 */
#define MMU_PAGES (1UL << 18)

static int check_device(struct sandbox *s)
{
	int version = ioctl(s->kvm, KVM_GET_API_VERSION, 0);

	if (version < 0) {
		message("/dev/kvm is not KVM's device: %s", host_error(errno));
		return EXIT_NO_KVM;
	}
	if (version != KVM_API_VERSION) {
		message("/dev/kvm has API version %d, BufferVM needs %d", version, KVM_API_VERSION);
		return EXIT_KVM_LACKS;
	}
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (ioctl(s->kvm, KVM_CHECK_EXTENSION, needed[i].cap) < needed[i].least) {
			message("this KVM lacks %s (%s)", needed[i].name, needed[i].why);
			return EXIT_KVM_LACKS;
		}
	}
	return 0;
}

/* Bits of CPUID that the guest does not get: leaf, subleaf, register (0 EAX .. 3 EDX), bits. */
static const struct {
	u32 leaf, subleaf, reg, bits;
} hidden[] = {
	{1, 0, 2, 1u << 3 | 1u << 5 | 1u << 6},	   /* MONITOR, VMX, SMX */
	{1, 0, 2, 1u << 21 | 1u << 24},		   /* x2APIC, TSC deadline: no APIC here */
	{1, 0, 3, 1u << 9},			   /* APIC */
	{7, 0, 1, 1u << 2},			   /* SGX */
	{7, 0, 3, 1u << 22 | 1u << 24 | 1u << 25}, /* AMX: needs a permission per process */
	{0x80000001, 0, 2, 1u << 2 | 1u << 10},	   /* SVM, IBS */
};

#define CPUID1_ECX_VMX	(1u << 5)
#define CPUID81_ECX_SVM (1u << 2)

#define CPUID_XSTATE	0xd
#define XCR0_AMX	(3UL << 17)

/* The CPUID of vCPUs, which differs only in the APIC id. read_cpuid allocates it once. */
static struct kvm_cpuid2 *cpuid;
static u64 guest_xcr0;
static u64 inherited; /* inherited_xcr0() */

u64 kvm_guest_xcr0(void)
{
	return guest_xcr0;
}

/*
 * Returns the host's XCR0 if the guest's ring 3 runs with it, whatever KVM is asked for, and 0 if
 * KVM switches XCR0. Without VT-x and AMD-V nothing can switch it at a guest entry. The result only
 * decides what the monitor asks KVM for; the guest kernel checks what the hardware has.
 */
static u64 inherited_xcr0(void)
{
	u32 eax, ebx, ecx, edx, lo, hi;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || ecx & CPUID1_ECX_VMX || !(ecx & bit_OSXSAVE))
		return 0;
	if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && ecx & CPUID81_ECX_SVM)
		return 0;
	__asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (u64)hi << 32 | lo;
}

static u32 *cpuid_reg(struct kvm_cpuid_entry2 *e, u32 reg)
{
	return reg == 0 ? &e->eax : reg == 1 ? &e->ebx : reg == 2 ? &e->ecx : &e->edx;
}

static int read_cpuid(struct sandbox *s)
{
	u32 kept = 0;

	inherited = inherited_xcr0();
	cpuid = calloc(1, sizeof(*cpuid) + CPUID_MAX * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = CPUID_MAX;
	if (ioctl(s->kvm, KVM_GET_SUPPORTED_CPUID, cpuid) < 0)
		return -errno;
	s->gpa_bits = 36; /* every 64-bit CPU has this many */
	for (u32 i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		/* Hides paravirtual features, nested virtualization and AMX's tiles. */
		if (e->function >> 28 == 4 || e->function == 0x8000000a || e->function == 0x1d ||
		    e->function == 0x1e)
			continue;
		for (size_t h = 0; h < ARRAY_SIZE(hidden); h++)
			if (hidden[h].leaf == e->function && hidden[h].subleaf == e->index)
				*cpuid_reg(e, hidden[h].reg) &= ~hidden[h].bits;
		if (e->function == CPUID_XSTATE && e->index == 0)
			guest_xcr0 = (e->eax | (u64)e->edx << 32) & ~XCR0_AMX;
		if (e->function == 0x80000008)
			s->gpa_bits = MIN(MAX(e->eax & 0xff, 36u), 40u);
		cpuid->entries[kept++] = *e;
	}
	/* By this leaf the kernel finds whether KVM or the CPU answers programs' CPUID. */
	if (kept < CPUID_MAX)
		cpuid->entries[kept++] = (struct kvm_cpuid_entry2){
			.function = CPUID_HYPERVISOR,
			.eax = CPUID_HYPERVISOR,
			.ebx = CPUID_NAME_EBX,
			.ecx = CPUID_NAME_ECX,
		};
	cpuid->nent = kept;
	cpuid_describe_caches(cpuid);
	cpuid_add_amd_caches(cpuid, CPUID_MAX);
	return guest_xcr0 ? 0 : -ENODEV;
}

int kvm_setup_cpuid(int vcpu_fd, u32 id)
{
	struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs = {{.value = guest_xcr0}}};

	for (u32 i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 1)
			cpuid->entries[i].ebx = (cpuid->entries[i].ebx & 0xffffff) | id << 24;
	if (ioctl(vcpu_fd, KVM_SET_CPUID2, cpuid) < 0)
		return -errno;
	return ioctl(vcpu_fd, KVM_SET_XCRS, &xcrs) < 0 ? -errno : 0;
}

bool kvm_cpuid_differs(void)
{
	return inherited && inherited != guest_xcr0;
}

void kvm_cpuid_keep(void)
{
	inherited = 0;
}

static void set_answer(struct boot_cpuid *to, const struct kvm_cpuid_entry2 *e)
{
	*to = (struct boot_cpuid){
		.leaf = e->function,
		.subleaf = e->index,
		.has_subleaves = e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX ? 1 : 0,
		.reg = {e->eax, e->ebx, e->ecx, e->edx},
	};
	/* KVM sets this bit by CR4 when CPUID is executed. */
	if (e->function == 1)
		to->reg[2] |= bit_OSXSAVE;
}

/*
 * Fills in a subleaf of leaf 0xd as the host CPU has it: the sizes and offsets by which XSAVE
 * writes.
 */
static void set_xstate_answer(struct boot_cpuid *to, u32 subleaf)
{
	u32 eax, ebx, ecx, edx;

	__cpuid_count(CPUID_XSTATE, subleaf, eax, ebx, ecx, edx);
	/* EAX of subleaf 1 tells which XSAVE instructions exist; KVM's answer stays. */
	if (subleaf == 1)
		to->reg[1] = ebx;
	else
		*to = (struct boot_cpuid){CPUID_XSTATE, subleaf, 1, {eax, ebx, ecx, edx}};
}

u32 kvm_cpuid_table(int vcpu_fd, struct boot_cpuid *table)
{
	struct kvm_cpuid2 *all = calloc(1, sizeof(*all) + CPUID_MAX * sizeof(all->entries[0]));
	u32 n = 0;

	if (!all)
		return 0;
	all->nent = CPUID_MAX;
	/*
	 * Reads the CPUID back, because a KVM that runs ring 3 on the host CPU may have changed it.
	 */
	if (ioctl(vcpu_fd, KVM_GET_CPUID2, all) < 0)
		all->nent = 0;
	for (u32 i = 0; i < all->nent; i++)
		if (all->entries[i].function != CPUID_XSTATE || all->entries[i].index == 1)
			set_answer(&table[n++], &all->entries[i]);
	for (u32 i = 0; i < n; i++)
		if (table[i].leaf == CPUID_XSTATE)
			set_xstate_answer(&table[i], 1);
	for (u32 sub = 0; n && sub < 63 && n < CPUID_MAX; sub++)
		if (sub == 0 || (sub > 1 && inherited >> sub & 1))
			set_xstate_answer(&table[n++], sub);
	free(all);
	return n;
}

int kvm_open(struct sandbox *s)
{
	int ret;

	s->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (s->kvm < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
		message("cannot open /dev/kvm: %s", host_error(errno));
		return EXIT_HOST;
	}
	if (s->kvm < 0) {
		if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
			message("there is no /dev/kvm (%s): no KVM on this host, or its module is "
				"not loaded",
				host_error(errno));
		else
			message("cannot open /dev/kvm: %s%s", host_error(errno),
				errno == EACCES ? " (is the user in group kvm?)" : "");
		return EXIT_NO_KVM;
	}
	ret = check_device(s);
	if (ret)
		return ret;
	s->vm = ioctl(s->kvm, KVM_CREATE_VM, 0);
	if (s->vm < 0) {
		message("cannot create a VM: %s", host_error(errno));
		return EXIT_HOST;
	}
	ret = read_cpuid(s);
	if (ret) {
		message("this KVM has no CPUID or XCR0 for guests: %s", host_error(-ret));
		return EXIT_KVM_LACKS;
	}
	/* Some KVMs lack these calls, and then do not need them. */
	ioctl(s->vm, KVM_SET_TSS_ADDR, TSS_ADDR);
	ioctl(s->vm, KVM_SET_NR_MMU_PAGES, MMU_PAGES);
	return 0;
}
