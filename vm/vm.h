/* SPDX-License-Identifier: MIT */
/*
 * The monitor's objects: one sandbox, its memory, its vCPUs. One process has one sandbox.
 *
 * Threads: each vCPU is a host thread. Locks: memory.lock (slots, windows), handles.lock; neither
 * is held over a host call that may sleep. Order: handles.lock > memory.lock.
 */
#ifndef VM_H
#define VM_H

#include <pthread.h>
#include <sched.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/types.h>
#include "common/types.h"
#include "common/boot_info.h"
#include "common/hostcall.h"
#include "common/exit_status.h"

/* A guest-physical address: not a pointer, so that nobody dereferences one unchecked. */
typedef struct {
	u64 raw;
} gpa_t;

/* "64M": bytes, or 0 when it is no size. */
u64 parse_size(const char *text);

struct report_options;

struct options {
	const char *kernel; /* NULL: the embedded one */
	u64 mem;	    /* bytes of RAM at most */
	bool mem_given;	    /* by the user: files in memory count, too */
	u32 pids;	    /* threads and processes at most; 0: no limit of the user's */
	u32 files;	    /* handles at most */
	u32 cpus;	    /* vCPUs that run at a time; 0: as many as CPUs are there */
	u32 ring_mode;	    /* RING_MODE_* */
	bool trace, verbose, no_aslr, no_patch, stats, exitless;
	bool kvm_stats;			     /* only the counters of KVM: stats has these as well */
	struct check_config check;	     /* buffervm check; all zero without */
	const struct report_options *report; /* what its reporter is asked; NULL without */
	const char *core_pattern;	     /* with CHECK_CORE */
	char **argv;			     /* program and its arguments */
	int argc;
};

/* Guest-physical memory that is there: a slot of KVM and the host memory behind it. */
struct slot {
	u64 gpa, size;
	u8 *host;
};
#define SLOTS_MAX 512

struct memory {
	pthread_mutex_t lock;
	struct slot slot[SLOTS_MAX]; /* sorted by nothing; never removed while the sandbox runs */
	_Atomic u32 slots;	     /* published after the slot is complete */
	u64 ram_size, ram_max;	     /* grown so far, limit */
	u64 files;		     /* bytes of files in memory: memory_files.h; under lock */
	u8 *ram_host;		     /* ram_max bytes reserved; slots are pieces of it */
	u64 window_next, window_base, window_end;
};

struct vcpu {
	u32 id;
	int fd;
	int stats_fd; /* KVM's counters of it (kvm_stats.h), or -1 */
	struct kvm_run *run;
	pthread_t thread;
	pid_t tid;
	struct sandbox *sandbox;
	struct vcpu_data *data;	      /* its pages in guest memory: written by the guest too */
	struct hostcall_frame *frame; /* hostcall area: read each field once */
	_Atomic bool in_use;
	u64 exits, hostcalls;
	pthread_mutex_t call_lock; /* held by whoever works on its frame */
	bool own_ids;		   /* its thread opens files as somebody else: hostcall ids */
	struct hostcall_scratch *scratch; /* hostcall.c's copies; NULL before the first call */
	u64 kicks, upcalls;
	bool in_kvm;	     /* its thread is in KVM_RUN, or about to be */
	u64 watched;	     /* exits at the watch's last look */
	u32 switches, slice; /* the tick's: data->switches at its last look, looks since */
	u64 left;	     /* TSC when its last hostcall was done (exitless.c), or 0 */
};

struct sandbox {
	struct options opt;
	int kvm, vm;
	struct memory mem;
	u32 gpa_bits;
	struct boot_info *boot; /* in guest memory; write before the first run only */
	u32 ring_mode;		/* RING_MODE_0 or RING_MODE_3; from HC_ready on */
	bool syscall_raises;	/* SYSCALL in ring 3 leads to ring 0; from HC_ready on */
	struct hostcall_kernel_info kernel; /* from HC_ready: trusted for nothing but the guest */
	_Atomic bool ready;
	struct kvm_sregs template_sregs; /* vCPU 0's at HC_ready, for further vCPUs */
	struct vcpu *vcpu[VCPU_MAX];
	u32 vcpus;	  /* that were started beside vCPU 0: vcpu_start */
	u32 stdio_closed; /* bit n: descriptor n was closed at start */
	int stderr_fd;	  /* own duplicate: messages reach the user whatever the guest closes */
	u32 umask;	  /* of the start; the monitor's own is 0 (hostcall_init) */
	cpu_set_t cpus;	  /* of the start: vCPUs' threads may be bound to some; none if unknown */
	u32 tsc_khz;	  /* 0: unknown */
	_Atomic int end_status; /* -1 while it runs; see sandbox_end */
	u32 ended;		/* 1 from then on: what vcpu_syscall_steady looks at */
};

/*
 * Host address of [gpa, gpa + len), or NULL where that is not wholly inside one slot. The only way
 * from a guest address to a pointer. The memory is shared with the guest: read once, then use.
 */
void *memory_at(struct sandbox *s, gpa_t gpa, u64 len);

/* Boot slot, frame array and first RAM; ram_max is set. 0 or -errno. */
int memory_init(struct sandbox *s, u64 boot_size);
u64 memory_frames_gpa(const struct sandbox *s);
/*
 * Has the host give the pages of a range at once. For ranges that the guest will touch page by
 * page: under shadow paging each first touch is an exit, unless the page is there already and KVM
 * maps it together with a neighbour; a page that is read before it is written costs three. Where
 * the host refuses (Linux before 5.14), they come as they are touched.
 */
void memory_populate(struct sandbox *s, gpa_t gpa, u64 len);
/* Adds RAM (at least bytes, at most ram_max in total). 0 or -errno. */
int memory_grow(struct sandbox *s, u64 bytes, struct hostcall_ram *added);
/*
 * Files in memory count after bytes in place of before. False, and nothing has changed: with the
 * RAM they would be more than --mem and MEMORY_FILES_SPARE, and force is false. The spare bytes are
 * for the small files that the guest kernel makes itself (/proc): it has to have them when the
 * guest has all its RAM, too.
 */
#define MEMORY_FILES_SPARE (1UL << 20)
bool memory_count_files(struct sandbox *s, u64 before, u64 after, bool force);
/* Adds a slot of reserved (PROT_NONE) host memory for windows and returns its index or -errno. */
int memory_window_arena(struct sandbox *s, u64 size);

/* The sandbox ends: a wait(2) status (program's end), or SANDBOX_END_ERROR | exit_status. The first
 * call wins; vCPUs stop at their next exit. */
#define SANDBOX_END_ERROR 0x10000
void sandbox_end(struct sandbox *s, int how);

/* kvm.c: opens and checks /dev/kvm, makes the VM. 0, or an exit_status after a message. */
int kvm_open(struct sandbox *s);
/* CPUID and XCR0 for a vCPU: what KVM supports less what the guest cannot have. 0 or -errno.
 * Not for two vCPUs at once. */
int kvm_setup_cpuid(int vcpu_fd, u32 id);
/* The XCR0 that vCPUs are given: after kvm_open. */
u64 kvm_guest_xcr0(void);
/*
 * Does the guest's ring 3 run with another XCR0 than KVM was given, so that KVM's answers to CPUID
 * do not fit? Then CPUID has to fault there, and the guest kernel answers. After kvm_open.
 */
#define CPUID_MAX 256
bool kvm_cpuid_differs(void);
/* CPUID cannot be made to fault: from now on kvm_cpuid_differs is false. */
void kvm_cpuid_keep(void);
/*
 * The answers for a program on a vCPU that has its CPUID: what KVM would say, but leaf 0xd as the
 * hardware is. Returns how many were written to table[CPUID_MAX], 0 on failure.
 */
u32 kvm_cpuid_table(int vcpu_fd, struct boot_cpuid *table);

/* loader.c: a kernel image, as it lies in a file. */
struct kernel_image {
	const u8 *file;
	size_t size;
	u64 entry, memory_size; /* image-relative */
	struct kernel_segment {
		u64 offset, file_size, vaddr, memory_size;
		bool write, exec;
	} segment[8];
	u32 segments;
	u64 entry_page; /* image-relative address of the entry page */
	u64 rela, rela_count;
};
/*
 * Reads the headers of a kernel (file bytes stay the caller's). 0, or -ENOEXEC: not a BufferVM
 * kernel; -EPROTO: one of another ABI, or corrupt; *why is a text.
 */
int loader_parse(const u8 *file, size_t size, struct kernel_image *image, const char **why);
/* Copies the image to host and relocates it to run at va. 0 or -EPROTO. */
int loader_load(const struct kernel_image *image, u8 *host, u64 va);

/* boot.c: everything in guest memory before the first instruction. 0 or an exit_status. */
int boot_prepare(struct sandbox *s, const struct kernel_image *image, const char *program);
/*
 * At HC_ready: s->ring_mode and s->syscall_raises become what the bootstrap found out. False, with
 * a message, when this host does not have the ring mode that was asked for.
 */
bool boot_settle_ring_mode(struct sandbox *s);
/* With -v, a line on the ring mode and on what the bootstrap measured. After boot_settle_ring_mode.
 */
void boot_describe_ring_mode(struct sandbox *s);
u64 boot_blob_size(struct sandbox *s, const char *program);
/* GDT of a vCPU's area. */
void boot_vcpu_area(struct vcpu *v);

/* upcall.c: the vCPU, which just left KVM_RUN for a kick, enters the kernel if it was outside. */
void upcall_deliver(struct vcpu *v);
/*
 * The exit that the vCPU just made is none of the kernel's. True: a program made it that touched
 * what is the kernel's (ring-3 mode); it gets SIGSEGV at the next KVM_RUN.
 */
bool upcall_stray_exit(struct vcpu *v);
/* KVM_RUN said EFAULT: a page of a window is gone. 0, or -EFAULT: nothing of the kind. */
int upcall_window_fault(struct vcpu *v);

/*
 * watch.c: from now on a program that jumped into the kernel (ring-3 mode), and spins there, is
 * found and gets SIGSEGV. A thread that looks twice a second. 0 or -errno.
 */
int watch_start(struct sandbox *s);

/* outside.c: signals for the sandbox's first process from outside. */
void outside_init(struct sandbox *s);
/* The process stops by that signal until somebody continues it. 0, or -EPERM: it is no stop signal.
 */
int outside_stop(int sig);
/* The default action of sig ends a process. */
bool outside_deadly(int sig);
__attribute__((noreturn)) void outside_die(int sig); /* the process dies by that signal */
/* A kick of the main thread with this value is the clock of a SIGTERM that waits to be taken. */
#define OUTSIDE_TICK (-2)
void outside_tick(void); /* in the signal handler */

/* vcpu.c */
#define VCPU_KICK_SIGNAL (SIGRTMIN + 1)
/* What files with O_ASYNC, a lease or F_NOTIFY send; from a process it is a signal as any other. */
#define FILE_SIGNAL	 (SIGRTMIN + 2)
/* Once, after the limit on open files is set: keeps descriptors for further vCPUs. */
void vcpu_reserve(struct sandbox *s);
int vcpu_create(struct sandbox *s, u32 id, gpa_t area, struct vcpu **out);
int vcpu_signals_init(void);
/* Keeps vCPU 0's registers as the model of further ones; on its own thread. 0 or -errno. */
int vcpu_remember(struct vcpu *v);
/* Runs until the sandbox ends. */
void vcpu_run(struct vcpu *v);
int vcpu_start(struct sandbox *s, u32 id, gpa_t area, u64 rip, u64 rsp, u64 cr3);
/* Makes the vCPU leave KVM_RUN or its host call and look at its upcall word. */
void vcpu_kick(struct vcpu *v);
/*
 * Host system call that a kick interrupts without a lost wake-up: -EINTR when this vCPU was kicked
 * before or while it slept. Result as the kernel gives it (-errno).
 */
s64 vcpu_syscall(struct vcpu *v, long nr, const u64 arg[6]);
/* The same, but -HOSTCALL_AGAIN when the kick came before the call began. */
s64 vcpu_syscall_again(struct vcpu *v, long nr, const u64 arg[6]);
/* The same, but an upcall that was there before does not interrupt it: only the sandbox's end. */
s64 vcpu_syscall_steady(struct vcpu *v, long nr, const u64 arg[6]);

/* hostcall.c: the call in v's frame. Never fails: the result is in the frame. */
void hostcall_dispatch(struct vcpu *v);
/* The same for a call that v submitted, if it did, by the worker: what may sleep is refused. */
void hostcall_serve(struct vcpu *v);
/* Returns true if number nr may be an exitless call. */
bool hostcall_is_nonblocking(u32 nr);

/*
 * exitless.c: before and after each hostcall for which v left KVM_RUN, by v's thread. Many of them
 * in a short time wake the worker; how short is worked out from what leaving costs.
 */
void exitless_arrive(struct vcpu *v);
void exitless_notice(struct vcpu *v, u32 nr);
/* Before the first hostcall: handles for stdio, cwd and root, into s->boot. 0 or -errno. */
int hostcall_init(struct sandbox *s);

/* message.c: "buffervm: ..." on the user's stderr, one write. */
void message(const char *fmt, ...) __printf(1, 2);
void message_to(int fd); /* descriptor that messages go to */
/*
 * strerror(3), with the limit of this process that is the likely cause. The result is good until
 * the next call; before the second thread.
 */
const char *host_error(int error);
void verbose(struct sandbox *s, const char *fmt, ...) __printf(2, 3);

#endif
