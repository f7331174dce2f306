// SPDX-License-Identifier: MIT
/*
 * Writes what guest memory has before the first instruction: bootstrap, kernel image, page tables
 * of both ring modes, vCPU 0's GDT, boot info and the program's arguments. Afterwards the monitor
 * does not touch the page tables any more (common/layout.h has the map).
 */
#include <cpuid.h>
#include <errno.h>
#include <linux/capability.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/ioprio.h>
#include <linux/kvm.h>
#include <sched.h>
#include <unistd.h>
#include "vm/jail/policy.h"
#include "vm/observe/observe.h"
#include "vm/vm.h"

extern const u8 bootstrap_start[], bootstrap_end[];

_Static_assert(offsetof(struct boot_info, ring_mode) == BOOT_INFO_RING_MODE, "bootstrap.S");
_Static_assert(offsetof(struct boot_info, entry) == BOOT_INFO_ENTRY, "bootstrap.S");
_Static_assert(offsetof(struct boot_info, cr3_ring0) == BOOT_INFO_CR3_RING0, "bootstrap.S");
_Static_assert(offsetof(struct boot_info, cr3_ring3) == BOOT_INFO_CR3_RING3, "bootstrap.S");
_Static_assert(offsetof(struct boot_info, trial_rounds) == BOOT_INFO_ROUNDS, "bootstrap.S");
_Static_assert(offsetof(struct boot_info, syscall_raises) == BOOT_INFO_RAISES, "bootstrap.S");
_Static_assert(offsetof(struct boot_info, syscall_cycles) == BOOT_INFO_SYSCALL, "bootstrap.S");
_Static_assert(offsetof(struct boot_info, ring0_cycles) == BOOT_INFO_RING0, "bootstrap.S");

/*
 * Number of SYSCALLs of the bootstrap's trial: one shows where SYSCALL leads, several show its
 * cost.
 */
#define TRIAL_ROUNDS	     1
#define TRIAL_ROUNDS_VERBOSE 8

/* The monitor populates the frame array for this many frames (16 MiB), which every program uses. */
#define FRAMES_FIRST	     4096

/* The monitor populates the space for so many page tables of programs: about those of one. */
#define TABLES_FIRST	     16u

/* The page tables of one ring mode while they are built in [GPA_BOOT_PT, GPA_BOOT_PT_END). */
struct tables {
	struct sandbox *s;
	u64 next; /* the next free page */
	u64 pml4;
	u64 user; /* PTE_U in ring-3 mode, where the kernel runs in ring 3, too */
};

static u64 *table_at(struct tables *t, u64 gpa)
{
	return memory_at(t->s, (gpa_t){gpa}, PAGE_SIZE);
}

static u64 table_new(struct tables *t)
{
	u64 gpa = t->next;

	/* The space is enough for the fixed layout: boot_tables has the sum. */
	if (gpa == GPA_BOOT_PT_END)
		abort();
	t->next += PAGE_SIZE;
	/*
	 * Touches the page, because the guest reads a table that stays empty: see memory_populate.
	 */
	WRITE_ONCE(*table_at(t, gpa), 0);
	return gpa;
}

/* Returns the entry for va at a level (0: 4 KiB, 1: 2 MiB, 2: 1 GiB); makes the tables above it. */
static u64 *entry_at(struct tables *t, u64 va, int level)
{
	u64 *table = table_at(t, t->pml4);

	for (int l = 3; l > level; l--) {
		u64 *e = &table[va >> (PAGE_SHIFT + 9 * l) & 511];

		if (!*e)
			*e = table_new(t) | PTE_P | PTE_W | PTE_A | t->user;
		table = table_at(t, *e & PTE_ADDR);
	}
	return &table[va >> (PAGE_SHIFT + 9 * level) & 511];
}

static void map(struct tables *t, u64 va, u64 gpa, u64 size, u64 bits)
{
	for (u64 at = 0; at < size; at += PAGE_SIZE)
		*entry_at(t, va + at, 0) = (gpa + at) | PTE_P | PTE_A | PTE_D | t->user | bits;
}

static void map_huge(struct tables *t, u64 va, u64 gpa, u64 size, u64 bits)
{
	for (u64 at = 0; at < size; at += HUGE_SIZE)
		*entry_at(t, va + at, 1) =
			(gpa + at) | PTE_P | PTE_PS | PTE_A | PTE_D | t->user | bits;
}

/*
 * Builds one ring mode's tables and returns the address of the top one. Their number: 1 at the top,
 * 2 + n for the physmap (n GiB are mapped), 2 for the identity map of the bootstrap, and for the
 * top 512 GiB 1 + 2 + 2 + 2.
 *
 * In ring-3 mode, where page tables protect nothing of the kernel from its programs, the image has
 * two entries of 2 MiB: both show all of it, the first for execution, the second for writing.
 */
static u64 boot_tables(struct sandbox *s, const struct kernel_image *image, u64 *next,
		       u32 ring_mode)
{
	struct boot_info *b = s->boot;
	u64 physmap = ring_mode == RING_MODE_3 ? PHYSMAP_RING3 : PHYSMAP_RING0;
	struct tables t = {.s = s, .next = *next, .user = ring_mode == RING_MODE_3 ? PTE_U : 0};

	t.pml4 = table_new(&t);
	map_huge(&t, 0, 0, HUGE_SIZE, PTE_W);

	map_huge(&t, physmap, 0, b->boot_slot_size, PTE_W | PTE_NX);
	map_huge(&t, physmap + RAM_BASE, RAM_BASE, b->ram_size, PTE_W | PTE_NX);
	map_huge(&t, physmap + b->frames_gpa, b->frames_gpa,
		 ALIGN_UP(b->ram_max / PAGE_SIZE * FRAME_STRUCT_SIZE, HUGE_SIZE), PTE_W | PTE_NX);
	/*
	 * All address spaces share the tables below the physmap's PML4 entries, so these tables
	 * must exist.
	 */
	for (u64 at = 0; at < PHYSMAP_SIZE; at += 1UL << 39)
		entry_at(&t, physmap + at, 2);

	if (ring_mode == RING_MODE_3) {
		map_huge(&t, b->kernel_va, b->kernel_gpa, HUGE_SIZE, 0);
		map_huge(&t, b->kernel_va + KERNEL_DATA_SHIFT, b->kernel_gpa, HUGE_SIZE,
			 PTE_W | PTE_NX);
	}
	for (u32 i = 0; i < image->segments && ring_mode == RING_MODE_0; i++) {
		const struct kernel_segment *g = &image->segment[i];
		u64 start = ALIGN_DOWN(g->vaddr, PAGE_SIZE);

		map(&t, b->kernel_va + start, b->kernel_gpa + loader_place(start),
		    ALIGN_UP(g->vaddr + g->memory_size, PAGE_SIZE) - start,
		    (g->write ? PTE_W : 0) | (g->exec ? 0 : PTE_NX));
	}
	map(&t, VCPU_AREA_BASE, b->kernel_gpa + image->entry_page, PAGE_SIZE, 0);
	map(&t, VCPU_AREA_BASE + PAGE_SIZE, GPA_VCPU0, VCPU_AREA_PAGES * PAGE_SIZE, PTE_W | PTE_NX);
	map(&t, DOORBELL_VA, GPA_DOORBELL, PAGE_SIZE, PTE_W | PTE_NX | PTE_PCD);
	*next = t.next;
	return t.pml4;
}

static void gdt_set_tss(u64 *gdt, u64 base, u32 limit)
{
	gdt[0] = limit | (base & 0xffffff) << 16 | 0x8bUL << 40 | (base >> 24 & 0xff) << 56;
	gdt[1] = base >> 32;
}

void boot_vcpu_area(struct vcpu *v)
{
	struct vcpu_data *d = v->data;
	u64 va = VCPU_AREA_BASE + v->id * VCPU_AREA_STRIDE + PAGE_SIZE;

	d->id = v->id;
	d->gdt[SEL_KERNEL_CS / 8] = 0x00af9b000000ffff;
	d->gdt[SEL_KERNEL_DS / 8] = 0x00cf93000000ffff;
	d->gdt[SEL_USER_CS32 / 8] = 0x00cffb000000ffff;
	d->gdt[SEL_USER_DS / 8] = 0x00cff3000000ffff;
	d->gdt[SEL_USER_CS / 8] = 0x00affb000000ffff;
	gdt_set_tss(&d->gdt[SEL_TSS / 8], va + offsetof(struct vcpu_data, tss),
		    sizeof(struct tss64) - 1);
}

u64 boot_blob_size(struct sandbox *s, const char *program)
{
	u64 size = strlen(program) + 1;

	for (char **a = s->opt.argv; *a; a++)
		size += strlen(*a) + 1;
	for (char **e = environ; *e; e++)
		size += strlen(*e) + 1;
	return size;
}

static void write_blob(struct sandbox *s, const char *program, u8 *to)
{
	struct boot_info *b = s->boot;

	to = (u8 *)stpcpy((char *)to, program) + 1;
	for (char **a = s->opt.argv; *a; a++, b->argc++)
		to = (u8 *)stpcpy((char *)to, *a) + 1;
	for (char **e = environ; *e; e++, b->envc++)
		to = (u8 *)stpcpy((char *)to, *e) + 1;
}

/*
 * Fills in the monitor's own capability sets. execve(2) made them for the monitor as it would have
 * made them for the program. The monitor keeps them (hostcall ids).
 */
static void fill_capabilities(struct boot_info *b)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct set[_LINUX_CAPABILITY_U32S_3] = {0};
	int bits = prctl(PR_GET_SECUREBITS);

	if (syscall(SYS_capget, &head, set) == 0) {
		b->cap_effective = set[0].effective | (u64)set[1].effective << 32;
		b->cap_permitted = set[0].permitted | (u64)set[1].permitted << 32;
		b->cap_inheritable = set[0].inheritable | (u64)set[1].inheritable << 32;
	}
	/* An ambient capability is always inheritable, too. */
	for (int cap = 0; cap < 64 && b->cap_inheritable >> cap; cap++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			b->cap_ambient |= 1UL << cap;
	b->securebits = (u32)MAX(bits, 0);
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		b->flags |= BOOT_NO_NEW_PRIVS;
}

/*
 * Fills in the identity of the first process, which is that of the monitor's process: to processes
 * outside, the program replaces it.
 */
static void fill_identity(struct sandbox *s)
{
	struct boot_info *b = s->boot;
	gid_t groups[ARRAY_SIZE(b->groups)];
	int n = getgroups(ARRAY_SIZE(groups), groups);
	long ioprio = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	getresuid(&ruid, &euid, &suid);
	getresgid(&rgid, &egid, &sgid);
	b->ruid = ruid;
	b->euid = euid;
	b->suid = suid;
	b->rgid = rgid;
	b->egid = egid;
	b->sgid = sgid;
	b->pid = getpid();
	b->ppid = getppid();
	b->pgid = getpgrp();
	b->sid = getsid(0);
	b->ngroups = (u32)MAX(n, 0);
	for (u32 i = 0; i < b->ngroups; i++)
		b->groups[i] = groups[i];
	/* Ends at the first capability that this Linux does not know. */
	for (int cap = 0, has; cap < 64 && (has = prctl(PR_CAPBSET_READ, cap)) >= 0; cap++)
		b->cap_bounding |= (u64)has << cap;
	fill_capabilities(b);
	b->nice = getpriority(PRIO_PROCESS, 0);
	b->ioprio = ioprio < 0 ? 0 : (u32)ioprio;
	b->umask = umask(0); /* the guest kernel applies the umask from now on */
	for (int i = 0; i < BOOT_RLIMITS; i++) {
		struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};

		getrlimit((__rlimit_resource_t)i, &r);
		b->rlimit[i].cur = r.rlim_cur;
		b->rlimit[i].max = r.rlim_max;
		if (i == RLIMIT_FSIZE && s->opt.policy && s->opt.policy->limits.fsize) {
			b->rlimit[i].cur = MIN(b->rlimit[i].cur, s->opt.policy->limits.fsize);
			b->rlimit[i].max = MIN(b->rlimit[i].max, s->opt.policy->limits.fsize);
		}
		if (i == RLIMIT_NPROC && s->opt.pids) {
			b->rlimit[i].cur = MIN(b->rlimit[i].cur, s->opt.pids);
			b->rlimit[i].max = MIN(b->rlimit[i].max, s->opt.pids);
		}
	}
}

/*
 * Returns what Linux gives a program as AT_HWCAP: CPUID.1:EDX. getauxval of the C library does not
 * return that, because the library replaces the value with one of its own.
 */
static u64 hwcap(void)
{
	unsigned a, b, c, d = 0;

	return __get_cpuid(1, &a, &b, &c, &d) ? d : getauxval(AT_HWCAP);
}

/* Reads the first line of a small file, without its end. Returns false if it cannot be read. */
static bool read_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, size - 1);

	if (fd >= 0)
		close(fd);
	line[MAX(n, 0)] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return n >= 0;
}

/* How the host names cores: core(5). */
static void fill_core(struct boot_info *b)
{
	char flag[8];

	read_line("/proc/sys/kernel/core_pattern", b->core_pattern, sizeof(b->core_pattern));
	if (read_line("/proc/sys/kernel/core_uses_pid", flag, sizeof(flag)) && flag[0] == '1')
		b->flags |= BOOT_CORE_USES_PID;
}

static void fill_host(struct sandbox *s)
{
	struct boot_info *b = s->boot;
	const char *platform = (const char *)getauxval(AT_PLATFORM);
	int khz = ioctl(s->vcpu[0]->fd, KVM_GET_TSC_KHZ, 0);

	b->hwcap = hwcap();
	b->hwcap2 = getauxval(AT_HWCAP2);
	b->tsc_khz = s->tsc_khz = khz > 0 ? (u32)khz : 0;
	if (sched_getaffinity(0, sizeof(s->cpus), &s->cpus))
		CPU_ZERO(&s->cpus);
	b->ncpus = MAX((u32)CPU_COUNT(&s->cpus), 1);
	if (!s->opt.cpus)
		s->opt.cpus = b->ncpus;
	b->cpus = s->opt.cpus;
	b->clock_ticks = (u32)sysconf(_SC_CLK_TCK);
	gethostname(b->hostname, sizeof(b->hostname) - 1);
	snprintf(b->platform, sizeof(b->platform), "%s", platform ? platform : "x86_64");
	fill_core(b);
}

/*
 * Returns by how many bytes the kernel image is moved up. The value is not taken from
 * boot_info.random, because the guest can read that.
 */
static u64 random_slide(struct sandbox *s)
{
	u64 r = 0;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		verbose(s, "no random bytes: the kernel lies at its fixed address");
	return r % (KERNEL_SLIDE_MAX / HUGE_SIZE) * HUGE_SIZE;
}

int boot_prepare(struct sandbox *s, const struct kernel_image *image, const char *program)
{
	struct boot_info *b = s->boot;
	u64 next = GPA_BOOT_PT;
	u8 *kernel, *blob;

	if (getrandom(b->random, sizeof(b->random), 0) != sizeof(b->random)) {
		message("no random bytes: %s", host_error(errno));
		return EXIT_HOST;
	}
	b->magic = BOOT_INFO_MAGIC;
	b->abi_version = ABI_VERSION;
	b->ring_mode = s->opt.ring_mode;
	b->trial_rounds = s->opt.verbose ? TRIAL_ROUNDS_VERBOSE : TRIAL_ROUNDS;
	b->xcr0 = kvm_guest_xcr0();
	b->kernel_gpa = GPA_KERNEL;
	b->kernel_size = KERNEL_ADDRESSES;
	b->kernel_va = KERNEL_BASE;
	if (!s->opt.no_aslr)
		b->kernel_va += random_slide(s);
	b->entry = b->kernel_va + image->entry;
	b->ram_size = s->mem.ram_size;
	b->ram_max = s->mem.ram_max;
	b->frames_gpa = s->mem.frames_gpa;
	b->window_base = s->mem.window_base;
	b->window_end = s->mem.window_end;
	b->boot_slot_size = s->mem.boot_size;
	b->flags |= (s->opt.trace ? BOOT_TRACE : 0) | (s->opt.no_aslr ? BOOT_NO_ASLR : 0) |
		    (s->opt.no_patch ? BOOT_NO_PATCH : 0) | (s->opt.verbose ? BOOT_VERBOSE : 0) |
		    (s->opt.stats == STATS_ALL ? BOOT_STATS : 0) |
		    (observe_wants_account(s) ? BOOT_END_INFO : 0) |
		    (s->opt.files_report ? BOOT_FILES : 0) |
		    (s->opt.gdb_at_bug ? BOOT_GDB_AT_BUG : 0);
	b->trace = s->opt.trace_info;
	b->check = s->opt.check;
	b->pids_max = s->opt.pids;
	if (s->opt.core_pattern)
		snprintf(b->check_core_pattern, sizeof(b->check_core_pattern), "%s",
			 s->opt.core_pattern);
	b->blob_gpa = ALIGN_UP(GPA_KERNEL + image->memory_size, PAGE_SIZE);
	b->blob_size = boot_blob_size(s, program);
	b->cpuid_gpa = ALIGN_UP(b->blob_gpa + b->blob_size, 8);
	if (kvm_cpuid_differs())
		b->cpuid_count = kvm_cpuid_table(
			s->vcpu[0]->fd,
			memory_at(s, (gpa_t){b->cpuid_gpa}, CPUID_MAX * sizeof(struct boot_cpuid)));
	if (kvm_cpuid_differs() && !b->cpuid_count) {
		message("cannot read the CPUID of a vCPU: %s", strerror(errno));
		return EXIT_HOST;
	}

	b->tables_gpa = ALIGN_UP(b->cpuid_gpa + CPUID_MAX * sizeof(struct boot_cpuid), HUGE_SIZE);
	b->tables =
		(u32)MIN((b->boot_slot_size - MIN(b->tables_gpa, b->boot_slot_size)) / PAGE_SIZE,
			 TABLE_PAGES_MAX);

	memory_populate(s, (gpa_t){GPA_BOOTSTRAP}, GPA_BOOT_STACK - GPA_BOOTSTRAP);
	memory_populate(s, (gpa_t){b->frames_gpa}, FRAMES_FIRST * FRAME_STRUCT_SIZE);
	memory_populate(s, (gpa_t){b->tables_gpa}, MIN(b->tables, TABLES_FIRST) * PAGE_SIZE);
	memory_populate(s, (gpa_t){GPA_VCPU0}, VCPU_AREA_PAGES * PAGE_SIZE);
	memory_populate(s, (gpa_t){GPA_KERNEL}, image->memory_size + b->blob_size);
	kernel = memory_at(s, (gpa_t){GPA_KERNEL}, image->memory_size);
	blob = memory_at(s, (gpa_t){b->blob_gpa}, b->blob_size);
	if (!kernel || !blob) {
		message("the boot slot is too small");
		return EXIT_INTERNAL;
	}
	if (loader_load(image, kernel, b->kernel_va)) {
		message("%s: corrupt relocations", s->opt.kernel ? s->opt.kernel : "kernel.elf");
		return EXIT_BAD_KERNEL;
	}
	write_blob(s, program, blob);
	memcpy(memory_at(s, (gpa_t){GPA_BOOTSTRAP}, PAGE_SIZE), bootstrap_start,
	       (size_t)(bootstrap_end - bootstrap_start));

	/*
	 * The bootstrap's trial runs on the tables of ring-3 mode, whichever mode the user asked
	 * for.
	 */
	b->cr3_ring0 = boot_tables(s, image, &next, RING_MODE_0);
	b->cr3_ring3 = boot_tables(s, image, &next, RING_MODE_3);
	fill_identity(s);
	fill_host(s);
	return 0;
}

bool boot_settle_ring_mode(struct sandbox *s)
{
	u32 ring_mode = READ_ONCE(s->boot->ring_mode);

	s->ring_mode = ring_mode == RING_MODE_3 ? RING_MODE_3 : RING_MODE_0;
	s->syscall_raises = READ_ONCE(s->boot->syscall_raises) != 0;
	if (s->opt.ring_mode == RING_MODE_0 && s->ring_mode != RING_MODE_0) {
		message("--ring=0: this KVM emulates ring 0: SYSCALL in ring 3 does not lead "
			"there");
		return false;
	}
	return true;
}

void boot_describe_ring_mode(struct sandbox *s)
{
	const struct boot_info *b = s->boot;
	u64 khz = MAX(s->tsc_khz, 1u);

	verbose(s,
		"ring mode %u; SYSCALL in ring 3 %s and takes %lu ns; an instruction in ring 0 "
		"takes "
		"%lu cycles",
		s->ring_mode, s->syscall_raises ? "goes to ring 0" : "stays in ring 3",
		READ_ONCE(b->syscall_cycles) * 1000000 / khz, READ_ONCE(b->ring0_cycles));
}
