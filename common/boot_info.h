/* SPDX-License-Identifier: MIT */
/*
 * Boot info: the page at GPA_BOOT_INFO in which the monitor tells the kernel what it needs before
 * its first instruction. vm/boot.c and vm/host_signals.c write it before vCPU 0 runs; kernel/main.c
 * reads it first. The bootstrap writes .ring_mode and the results of its trial (OUT). Addresses are
 * guest-physical unless the name or the comment says otherwise.
 */
#ifndef COMMON_BOOT_INFO_H
#define COMMON_BOOT_INFO_H

#include "layout.h"

/*
 * The ELF note by which the loader knows a BufferVM kernel: this owner, this type, and a u32 with
 * the version. ABI_VERSION goes up with each change of the interface that this folder describes.
 */
#define ABI_NOTE_OWNER	"BufferVM"
#define ABI_NOTE_TYPE	1
#define ABI_VERSION	14

#define BOOT_INFO_MAGIC 0x4d56667542UL /* "BufVM" */

#define RING_MODE_0	0
#define RING_MODE_3	3
#define RING_MODE_AUTO	255

#ifndef __ASSEMBLER__
#include "types.h"
#include "check_config.h"

enum {
	BOOT_TRACE = 1 << 0,	     /* send a line per system call (hostcall trace) */
	BOOT_NO_ASLR = 1 << 1,	     /* fixed addresses for programs */
	BOOT_VERBOSE = 1 << 2,	     /* kernel log reaches the user */
	BOOT_STATS = 1 << 3,	     /* counters at exit */
	BOOT_NO_NEW_PRIVS = 1 << 4,  /* no_new_privs (prctl(2)) is set at start */
	BOOT_NO_PATCH = 1 << 5,	     /* do not patch system-call sites */
	BOOT_CORE_USES_PID = 1 << 6, /* kernel.core_uses_pid of the host: core(5) */
	BOOT_END_INFO = 1 << 7,	     /* an account at the end (hostcall end_info) */
	BOOT_FILES = 1 << 8,	     /* tell which programs are executed (hostcall executed) */
	BOOT_GDB_AT_BUG = 1 << 9,    /* .gdb_socket: the program runs until check reports a bug */
};

#define BOOT_RLIMITS	      16
#define BOOT_CORE_PATTERN_MAX 128 /* Linux has no longer one */

/* --trace and its options: kernel/syscall/trace.c. */
enum {
	BOOT_TRACE_FILE = 1 << 0,    /* to a file: many lines in one hostcall, and a pid in each */
	BOOT_TRACE_EACH = 1 << 1,    /* to a file of each process: whole lines without pids */
	BOOT_TRACE_PATHS = 1 << 2,   /* descriptors with their paths */
	BOOT_TRACE_TIME = 1 << 3,    /* when each call began, and how long it took */
	BOOT_TRACE_SUMMARY = 1 << 4, /* a table at the end in place of lines */
};
#define BOOT_TRACE_CALLS      512
#define BOOT_TRACE_LENGTH_MAX 8192
struct boot_trace {
	u32 flags;
	u32 length;			  /* the most bytes of a string that are shown */
	u64 calls[BOOT_TRACE_CALLS / 64]; /* bit n: system call n is traced */
};

/* One answer of CPUID for programs. */
struct boot_cpuid {
	u32 leaf, subleaf;
	u32 has_subleaves; /* 0: the instruction ignores the subleaf */
	u32 reg[4];	   /* EAX, EBX, ECX, EDX; without the APIC id of leaves 1, 0xb, 0x1f */
};

struct boot_info {
	u64 magic;
	u32 abi_version;
	u32 ring_mode; /* RING_MODE_*: the monitor's wish, then the bootstrap's choice */

	/* What the bootstrap needs to enter the kernel. */
	u64 entry;     /* guest-virtual address of kernel_entry */
	u64 cr3_ring0; /* boot page tables of each ring mode */
	u64 cr3_ring3;

	/* The bootstrap's trial executes SYSCALL in ring 3, trial_rounds times, at least once. */
	u32 trial_rounds;
	u32 syscall_raises; /* OUT; 1: SYSCALL leads to ring 0, 0: it stays in ring 3 */
	u64 syscall_cycles; /* OUT; least number of TSC cycles from SYSCALL to LSTAR */
	u64 ring0_cycles;   /* OUT; TSC cycles of an instruction in ring 0; 0: not measured */

	/* Memory. */
	u64 kernel_gpa, kernel_va; /* of the image: KERNEL_DATA_SHIFT in common/layout.h */
	u64 kernel_size;	   /* how many addresses from kernel_va on are the kernel's */
	u64 boot_slot_size;
	u64 tables_gpa; /* pages of the boot slot for page tables (kernel/mm/table_page.h) */
	u32 tables;	/* how many: at most TABLE_PAGES_MAX */
	u32 pad;
	u64 ram_size; /* RAM that is present at start, from RAM_BASE on */
	u64 ram_max;  /* most RAM that there can be, including ram_size */
	u64 frames_gpa;
	u64 window_base, window_end; /* guest-physical range of all file windows */

	/*
	 * The program, as NUL-terminated strings one after another: its path (found along PATH by
	 * the monitor, but not opened), then argc arguments, then envc environment strings.
	 */
	u64 blob_gpa, blob_size;
	u32 argc, envc;

	/* Handles (vm/handle.h) that exist at start; -1: there is none. */
	s32 stdio[3];
	s32 cwd;
	s32 root;
	s32 gdb_socket; /* --gdb: where gdb connects to the stub (common/debugger.h) */
	/* fcntl(2), F_GETFL of each stdio handle. */
	u32 stdio_flags[3];

	/* Identity of the monitor's process, which the first program takes over. */
	s32 pid, ppid, pgid, sid;
	u32 ruid, euid, suid, rgid, egid, sgid;
	u32 ngroups;
	u32 groups[64];
	u32 umask;
	s32 nice;	  /* as getpriority(2) returns it */
	u32 ioprio;	  /* as ioprio_get(2) returns it; 0: unset */
	u64 cap_bounding; /* capabilities(7): the bounding set and the others */
	u64 cap_effective, cap_permitted, cap_inheritable, cap_ambient;
	u32 securebits;
	u64 signals_ignored; /* bit n: signal n+1 was ignored (SIG_IGN) at start */
	u64 signals_blocked;
	struct {
		u64 cur, max;
	} rlimit[BOOT_RLIMITS];

	u64 hwcap, hwcap2; /* CPUID.1:EDX (AT_HWCAP) and the host's AT_HWCAP2 */
	u64 xcr0;	   /* that KVM was asked for; the hardware's may differ */
	/*
	 * All answers of CPUID for programs, as struct boot_cpuid[cpuid_count]. The count is 0
	 * unless CPUID faults in ring 3, as it does if KVM's answers do not fit the hardware's XCR0
	 * (kvm_cpuid_differs).
	 */
	u64 cpuid_gpa;
	u32 cpuid_count;
	u32 tsc_khz;
	u32 pids_max; /* --pids: most threads and processes at a time; 0: no limit */
	u32 ncpus;    /* CPUs in the monitor's affinity mask, at least 1 */
	u32 cpus;     /* --cpus: most vCPUs that run at a time */
	u32 flags;    /* BOOT_* */
	u32 clock_ticks;
	u8 random[64];
	char hostname[65];
	char platform[16]; /* AT_PLATFORM */

	struct boot_trace trace;
	struct check_config check; /* all zero without `buffervm check` */
	char check_core_pattern[CHECK_CORE_PATTERN_MAX];
	/* /proc/sys/kernel/core_pattern of the host; empty: it could not be read. core(5) */
	char core_pattern[BOOT_CORE_PATTERN_MAX];
};
_Static_assert(sizeof(struct boot_info) <= PAGE_SIZE, "boot info is one page");
#endif

/* Offsets for bootstrap.S. vm/boot.c checks them against the struct. */
#define BOOT_INFO_RING_MODE 12
#define BOOT_INFO_ENTRY	    16
#define BOOT_INFO_CR3_RING0 24
#define BOOT_INFO_CR3_RING3 32
#define BOOT_INFO_ROUNDS    40
#define BOOT_INFO_RAISES    44
#define BOOT_INFO_SYSCALL   48
#define BOOT_INFO_RING0	    56

#endif
