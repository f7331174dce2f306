/* SPDX-License-Identifier: MIT */
/*
 * What the monitor tells the kernel before its first instruction, at GPA_BOOT_INFO. One page.
 * Addresses are guest-physical unless they say otherwise. Written by vm/boot.c, read by
 * kernel/main.c. The bootstrap writes .ring_mode and what its trial found (OUT).
 */
#ifndef COMMON_BOOT_INFO_H
#define COMMON_BOOT_INFO_H

#include "layout.h"

/* The ELF note that marks a kernel as ours: owner "BufferVM", this type, a u32 version. */
#define ABI_NOTE_OWNER	"BufferVM"
#define ABI_NOTE_TYPE	1
#define ABI_VERSION	8

#define BOOT_INFO_MAGIC 0x4d56667542UL /* "BufVM" */

#define RING_MODE_0	0
#define RING_MODE_3	3
#define RING_MODE_AUTO	255

#ifndef __ASSEMBLER__
#include "types.h"
#include "check_config.h"

enum {
	BOOT_TRACE = 1 << 0,	    /* send a line per system call (hostcall trace) */
	BOOT_NO_ASLR = 1 << 1,	    /* fixed addresses for programs */
	BOOT_VERBOSE = 1 << 2,	    /* kernel log reaches the user */
	BOOT_STATS = 1 << 3,	    /* counters at exit */
	BOOT_NO_NEW_PRIVS = 1 << 4, /* prctl(2), of the process that the first program replaces */
	BOOT_NO_PATCH = 1 << 5,	    /* programs' system-call sites stay as they are */
};

#define BOOT_RLIMITS 16

/* One answer of CPUID. */
struct boot_cpuid {
	u32 leaf, subleaf;
	u32 has_subleaves; /* 0: the answer is the same for each subleaf */
	u32 reg[4];	   /* EAX to EDX; the APIC id of leaves 1, 0xb and 0x1f is not in it */
};

struct boot_info {
	u64 magic;
	u32 abi_version;
	u32 ring_mode; /* RING_MODE_*: asked for by the monitor, decided by the bootstrap */

	/* Bootstrap: where to go. */
	u64 entry;     /* guest-virtual address of kernel_entry */
	u64 cr3_ring0; /* boot page tables of each ring mode */
	u64 cr3_ring3;

	/* The bootstrap's trial executes SYSCALL in ring 3, trial_rounds times, at least once. */
	u32 trial_rounds;
	u32 syscall_raises; /* OUT: 1: SYSCALL goes to ring 0; 0: it stays in ring 3 */
	u64 syscall_cycles; /* OUT: TSC cycles from SYSCALL to LSTAR, the least of all rounds */
	u64 ring0_cycles;   /* OUT: cycles of an instruction in ring 0; 0: not measured */

	/* Memory. */
	u64 kernel_gpa, kernel_va, kernel_size;
	u64 boot_slot_size;
	u64 ram_size; /* RAM present now, from RAM_BASE */
	u64 ram_max;  /* most that ram_grow will give in total */
	u64 frames_gpa;
	u64 window_base, window_end; /* range that file windows will come from */

	/*
	 * The program: NUL-terminated strings one after another in the blob: the path of the
	 * program (resolved by the monitor's PATH search, not yet opened), then argc arguments,
	 * then envc environment strings.
	 */
	u64 blob_gpa, blob_size;
	u32 argc, envc;

	/* Handles (see hostcall.h) that exist from the start; -1: closed. */
	s32 stdio[3];
	s32 cwd;
	s32 root;
	/* O_* status and access flags of each stdio handle. */
	u32 stdio_flags[3];

	/* Identity of the process that the first program replaces. */
	s32 pid, ppid, pgid, sid;
	u32 ruid, euid, suid, rgid, egid, sgid;
	u32 ngroups;
	u32 groups[64];
	u32 umask;
	s32 nice;	  /* getpriority(2)'s */
	u32 ioprio;	  /* ioprio_get(2)'s, 0: none was set */
	u64 cap_bounding; /* capabilities(7): what root can be given, and the process's others */
	u64 cap_effective, cap_permitted, cap_inheritable, cap_ambient;
	u32 securebits;
	u64 signals_ignored; /* bit n: signal n+1 was SIG_IGN at start, and stays so */
	u64 signals_blocked;
	struct {
		u64 cur, max;
	} rlimit[BOOT_RLIMITS];

	u64 hwcap, hwcap2; /* the host's AT_HWCAP, AT_HWCAP2 */
	u64 xcr0;	   /* what the monitor asked KVM for; the hardware may have another */
	/*
	 * Where CPUID faults in ring 3 because KVM's answers do not fit the hardware's XCR0: all
	 * answers for programs, struct boot_cpuid[cpuid_count]. Elsewhere the count is 0.
	 */
	u64 cpuid_gpa;
	u32 cpuid_count;
	u32 tsc_khz;
	u32 pids_max; /* threads and processes that there may be; 0: no such limit */
	u32 ncpus;    /* CPUs the host lets us use */
	u32 cpus;     /* vCPUs that shall run at a time: --cpus */
	u32 flags;    /* BOOT_* */
	u32 clock_ticks;
	u8 random[64];
	char hostname[65];
	char platform[16]; /* AT_PLATFORM */

	struct check_config check; /* all zero: not `buffervm check` */
	char core_pattern[CHECK_CORE_PATTERN_MAX];
};
_Static_assert(sizeof(struct boot_info) <= PAGE_SIZE, "boot info is one page");
#endif

/* For bootstrap.S; checked against the struct in vm/boot.c. */
#define BOOT_INFO_RING_MODE 12
#define BOOT_INFO_ENTRY	    16
#define BOOT_INFO_CR3_RING0 24
#define BOOT_INFO_CR3_RING3 32
#define BOOT_INFO_ROUNDS    40
#define BOOT_INFO_RAISES    44
#define BOOT_INFO_SYSCALL   48
#define BOOT_INFO_RING0	    56

#endif
