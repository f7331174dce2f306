/* SPDX-License-Identifier: MIT */
/*
 * The monitor's objects: a sandbox, its memory, its vCPUs. A process has one sandbox.
 *
 * Each vCPU is a host thread. Order of the locks, outermost first: vcpu.call_lock, windows.lock
 * (window.c), files.lock (memory_files.c), memory.lock. call_lock is held over host calls that
 * sleep; the others are not, though windows.lock is held while a file is mapped.
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

/* A guest-physical address. It is not a pointer, so that the compiler refuses to dereference it. */
typedef struct {
	u64 raw;
} gpa_t;

/* Returns the number of bytes that a text like "64M" says, or 0 if it is not a size. */
u64 parse_size(const char *text);

struct report_options;
struct jail_policy;

struct options {
	const char *kernel; /* NULL: the embedded one */
	u64 mem;	    /* bytes of RAM at most */
	bool mem_given;	    /* --mem was given: files in memory count, too */
	u32 pids;	    /* --pids: most threads and processes; 0: no limit */
	u32 files;	    /* --files: most handles */
	u32 cpus;	    /* --cpus: most vCPUs that run at a time; 0: as many as CPUs */
	u32 ring_mode;	    /* RING_MODE_* */
	bool trace, verbose, no_aslr, no_patch, no_module, exitless;
	/* What the run tells about itself: vm/observe/. */
	struct boot_trace trace_info;
	bool trace_filtered, trace_length_given;
	const char *trace_file; /* NULL: standard error */
	bool files_report;
	const char *files_file; /* NULL: standard error */
	u32 stats;		/* enum stats_form */
	int status_fd;
	bool status_fd_given;
	const char *status_file;
	const char *gdb; /* --gdb: a port or a path; NULL: none */
	u16 gdb_port;	 /* 0: it is a path */
	bool gdb_at_bug;
	struct check_config check;	     /* buffervm check; all zero without */
	const struct report_options *report; /* for the reporter; NULL without check */
	const char *core_pattern;	     /* for CHECK_CORE */
	struct jail_policy *policy;	     /* of `run` (jail/policy.h); NULL: no jail */
	char **argv;			     /* program and its arguments */
	int argc;
};

/* A slot of KVM: guest-physical memory and the host memory behind it. */
struct slot {
	u64 gpa, size;
	u8 *host;
};
#define SLOTS_MAX 512

struct memory {
	pthread_mutex_t lock;
	struct slot slot[SLOTS_MAX]; /* in order of creation; never removed */
	_Atomic u32 slots;	     /* published after the slot is complete */
	u64 boot_size;		     /* bytes from GPA 0 on; the first slot may be larger */
	u64 frames_gpa;		     /* the frame array */
	u64 ram_size, ram_max;	     /* bytes present, and their limit */
	u64 files;		     /* bytes of files in memory (memory_files.h); under lock */
	u8 *ram_host;		     /* ram_max reserved bytes; the slots of RAM divide them */
	u64 window_next, window_base, window_end;
};

struct vcpu {
	u32 id;
	int fd;
	int stats_fd; /* KVM's counters (kvm_stats.h), or -1 */
	struct kvm_run *run;
	pid_t tid;
	struct sandbox *sandbox;
	struct vcpu_data *data;	      /* its data page: the guest writes it, too */
	struct hostcall_frame *frame; /* its hostcall area: read each field once */
	u64 exits, hostcalls;
	pthread_mutex_t call_lock;	  /* held by the thread that makes the call in .frame */
	bool own_ids;			  /* its thread may have IDs of its own: hostcall ids */
	struct hostcall_scratch *scratch; /* copies of hostcall.c; NULL before the first call */
	u64 kicks, upcalls;
	bool in_kvm;	     /* its thread is in KVM_RUN or about to enter it */
	u64 watched;	     /* .exits when the watchdog last looked */
	u32 switches, slice; /* tick: data->switches at its last look; looks since */
	u64 left;	     /* TSC at the end of its last hostcall (exitless.c), or 0 */
};

struct sandbox {
	struct options opt;
	int kvm, vm;
	struct memory mem;
	u32 gpa_bits;
	struct boot_info *boot; /* in guest memory; written only before the first KVM_RUN */
	u32 ring_mode;		/* RING_MODE_0 or RING_MODE_3; from HC_ready on */
	bool syscall_raises;	/* SYSCALL in ring 3 leads to ring 0; from HC_ready on */
	struct hostcall_kernel_info kernel; /* from HC_ready; wrong values harm only the guest */
	_Atomic bool ready;
	struct kvm_sregs template_sregs; /* vCPU 0's at HC_ready; the start of further vCPUs */
	struct vcpu *vcpu[VCPU_MAX];
	u32 vcpus;		/* started in addition to vCPU 0 (vcpu_start) */
	u32 stdio_closed;	/* bit n: descriptor n (0 to 2) was closed at start */
	int stderr_fd;		/* own duplicate for messages, which the guest cannot close */
	u32 umask;		/* at start; the monitor's own is 0 from then on (boot.c) */
	cpu_set_t cpus;		/* the monitor's affinity mask at start; empty if unknown */
	u32 tsc_khz;		/* 0: unknown */
	_Atomic int end_status; /* -1 while the sandbox runs; see sandbox_end */
	u32 ended;		/* 1 after sandbox_end, for vcpu_syscall_steady */
};

/*
 * Returns the host address of [gpa, gpa + len), or NULL if that is neither wholly in RAM nor wholly
 * in one other slot. This is the only way from a guest address to a pointer. The guest may change
 * the memory at any time: read a value once, then check and use the copy.
 */
void *memory_at(struct sandbox *s, gpa_t gpa, u64 len);

/*
 * Makes the boot slot, the frame array and the first RAM. The caller has set mem.ram_max and
 * gpa_bits. The frame array is behind the boot slot, or in a slot of its own if RAM may be large.
 * Returns 0 or -errno.
 */
int memory_init(struct sandbox *s, u64 boot_size);
/*
 * Makes the host allocate the pages of a range at once. For ranges that the guest will touch page
 * by page: under shadow paging each first touch is an exit, unless the page is there already and
 * KVM maps it together with a neighbour. A page that is read before it is written costs three
 * exits. If the host refuses (Linux before 5.14), it allocates the pages when the guest touches
 * them.
 */
void memory_populate(struct sandbox *s, gpa_t gpa, u64 len);
/*
 * Adds a slot of RAM: at least `bytes`, or all that ram_max and the files in memory leave if that
 * is less. *added tells which RAM was added. Returns 0 or -errno; -ENOMEM if nothing is left.
 */
int memory_grow(struct sandbox *s, u64 bytes, struct hostcall_ram *added);
/*
 * Counts `after` bytes of files in memory instead of `before`. Returns false and changes nothing if
 * RAM and files together would be more than --mem and MEMORY_FILES_SPARE; with force it never
 * fails. The spare bytes are for the small files that the guest kernel makes itself (/proc): it
 * needs them also when the guest has all its RAM.
 */
#define MEMORY_FILES_SPARE (1UL << 20)
bool memory_count_files(struct sandbox *s, u64 before, u64 after, bool force);
/*
 * Adds a slot of at least `size` bytes of inaccessible (PROT_NONE) host memory for windows. Returns
 * its index, or -errno.
 */
int memory_window_arena(struct sandbox *s, u64 size);

/*
 * Ends the sandbox. how is a wait(2) status of the program, or SANDBOX_END_ERROR | exit_status.
 * Only the first call counts. Each vCPU stops at its next exit. Async-signal-safe.
 */
#define SANDBOX_END_ERROR 0x10000
void sandbox_end(struct sandbox *s, int how);

/*
 * kvm.c: opens and checks /dev/kvm, makes the VM, reads the CPUID that vCPUs get. Returns 0, or an
 * exit_status after a message.
 */
int kvm_open(struct sandbox *s);
/*
 * Sets CPUID and XCR0 of a vCPU: what KVM supports without what the guest cannot have. Returns 0 or
 * -errno. At most one thread at a time may call it.
 */
int kvm_setup_cpuid(int vcpu_fd, u32 id);
/* Returns the XCR0 that kvm_setup_cpuid sets. Called after kvm_open. */
u64 kvm_guest_xcr0(void);
/*
 * Returns true if the guest's ring 3 runs with another XCR0 than KVM was given, so that KVM's
 * answers to CPUID do not fit the hardware. CPUID then has to fault in ring 3, and the guest kernel
 * answers. Called after kvm_open.
 */
#define CPUID_MAX 256
bool kvm_cpuid_differs(void);
/* Makes kvm_cpuid_differs return false from now on, because CPUID cannot be made to fault. */
void kvm_cpuid_keep(void);
/*
 * Writes the answers of CPUID for programs to table[CPUID_MAX]: what KVM would answer, but with the
 * sizes and offsets of the host CPU in leaf 0xd. kvm_setup_cpuid was called for the vCPU. Returns
 * how many it wrote, 0 on failure.
 */
u32 kvm_cpuid_table(int vcpu_fd, struct boot_cpuid *table);

/* loader.c: a kernel image in an ELF file. Addresses are relative to the start of the image. */
struct kernel_image {
	const u8 *file;
	size_t size;
	u64 entry;	 /* image-relative, as all addresses here */
	u64 memory_size; /* of the memory that the image lies in */
	struct kernel_segment {
		u64 offset, file_size, vaddr, memory_size;
		bool write, exec;
	} segment[8];
	u32 segments;
	u64 entry_page; /* address of the entry page (vcpu_area.h) */
	u64 rela, rela_count;
};
/* Returns where in the image's memory an image-relative address lies (KERNEL_DATA_SHIFT). */
static inline u64 loader_place(u64 vaddr)
{
	return vaddr % KERNEL_DATA_SHIFT;
}
/*
 * Reads the headers of a kernel into *image. The image points into file, which the caller keeps
 * while it uses the image. Returns 0; -ENOEXEC if the file is not a BufferVM kernel; -EPROTO if it
 * is one of another ABI version or a corrupt one. On failure *why is a text that tells the reason.
 */
int loader_parse(const u8 *file, size_t size, struct kernel_image *image, const char **why);
/*
 * Copies the image to host, each segment to its loader_place, and relocates it to run at va. host
 * has memory_size bytes that are zero.
 * Returns 0, or -EPROTO if a relocation is corrupt.
 */
int loader_load(const struct kernel_image *image, u8 *host, u64 va);

/*
 * boot.c: writes all that guest memory has before the first instruction, for a program of this
 * name. Called after memory_init and the creation of vCPU 0. Returns 0, or an exit_status after a
 * message.
 */
int boot_prepare(struct sandbox *s, const struct kernel_image *image, const char *program);
/*
 * Called at HC_ready: sets s->ring_mode and s->syscall_raises to what the bootstrap found. Returns
 * false, after a message, if this host does not have the ring mode that the user asked for.
 */
bool boot_settle_ring_mode(struct sandbox *s);
/*
 * With -v, prints a line on the ring mode and on what the bootstrap measured. Called after
 * boot_settle_ring_mode.
 */
void boot_describe_ring_mode(struct sandbox *s);
u64 boot_blob_size(struct sandbox *s, const char *program);
/* Fills the GDT and the id in a vCPU's data page. */
void boot_vcpu_area(struct vcpu *v);

/*
 * upcall.c: if v's upcall word is set, makes a program enter the kernel, or sends the last
 * instructions of the kernel's way out back to their start. Called by v's thread when v has left
 * KVM_RUN because of a kick.
 */
void upcall_deliver(struct vcpu *v);
/*
 * Called by v's thread at an exit that the kernel does not make. Returns true if a program made the
 * exit because it touched what is the kernel's (ring-3 mode); the program gets SIGSEGV at the next
 * KVM_RUN.
 */
bool upcall_stray_exit(struct vcpu *v);
/*
 * Called by v's thread when KVM_RUN failed with EFAULT: handles the loss of a page of a window.
 * Returns 0, or -EFAULT if the fault has another cause.
 */
int upcall_window_fault(struct vcpu *v);

/*
 * host_thread.c: starts a detached thread that runs run(arg), with all signals blocked but `taken`,
 * if that is not 0. stack: bytes, 0 for the C library's size. cpus: the CPUs that the thread may
 * use; NULL or an empty set for those of the calling thread, which a program may have bound to
 * some. Returns 0 or -errno.
 */
int host_thread_start(void *(*run)(void *), void *arg, size_t stack, int taken,
		      const cpu_set_t *cpus);

/*
 * watchdog.c: starts the thread that finds programs which jumped into the kernel's text (ring-3
 * mode) and loop there; such a program gets SIGSEGV. The thread looks twice a second. Returns 0 or
 * -errno.
 */
int watchdog_start(struct sandbox *s);

/*
 * host_signals.c: installs the handlers for signals that come from outside, for the sandbox's first
 * process. Called by the main thread once, after boot_prepare and before the first KVM_RUN.
 */
void outside_init(struct sandbox *s);
/*
 * Stops the process by sig until SIGCONT continues it. Returns 0, or -EPERM if sig is not a stop
 * signal.
 */
int outside_stop(int sig);
/* Returns whether the default action of sig ends a process. */
bool outside_deadly(int sig);
__attribute__((noreturn)) void outside_die(int sig); /* ends the process by that signal */
/*
 * The kick signal with this value in si_value is a tick of the timer that watches a pending SIGTERM
 * (host_signals.c).
 */
#define OUTSIDE_TICK (-2)
void outside_tick(void); /* called by the handler of the kick signal */

/* vcpu.c */
#define VCPU_KICK_SIGNAL (SIGRTMIN + 1)
/*
 * The signal of files with O_ASYNC, a lease or F_NOTIFY. If a process sends it, it is a signal like
 * any other.
 */
#define FILE_SIGNAL	 (SIGRTMIN + 2)
/* Keeps descriptors free for further vCPUs. Called once, after the limit on open files is set. */
void vcpu_reserve(struct sandbox *s);
int vcpu_create(struct sandbox *s, u32 id, gpa_t area, struct vcpu **out);
int vcpu_signals_init(void);
/*
 * Keeps vCPU 0's segment and control registers as the start state of further vCPUs. Called by vCPU
 * 0's thread. Returns 0 or -errno.
 */
int vcpu_remember(struct vcpu *v);
/* Runs the vCPU on the calling thread until the sandbox ends. */
void vcpu_run(struct vcpu *v);
int vcpu_start(struct sandbox *s, u32 id, gpa_t area, u64 rip, u64 rsp, u64 cr3);
/*
 * Makes the vCPU leave KVM_RUN or a host call that sleeps, so that the upcall word is read. The
 * caller has set the upcall word. Does nothing if the vCPU has no thread yet.
 */
void vcpu_kick(struct vcpu *v);
/* Sets the upcall word and kicks the vCPU. Async-signal-safe. */
void vcpu_notify(struct vcpu *v);
/*
 * Makes a host system call that a kick interrupts, without a lost wake-up. Returns the call's
 * result (-errno on failure), or -EINTR if this vCPU was kicked before or while the call slept.
 * Called by v's thread.
 */
s64 vcpu_syscall(struct vcpu *v, long nr, const u64 arg[6]);
/* The same, but returns -HOSTCALL_AGAIN if the kick came before the call began. */
s64 vcpu_syscall_again(struct vcpu *v, long nr, const u64 arg[6]);
/*
 * The same, but an upcall that is pending before does not prevent the call; only the sandbox's end
 * does. A kick that comes afterwards interrupts it.
 */
s64 vcpu_syscall_steady(struct vcpu *v, long nr, const u64 arg[6]);

/*
 * hostcall.c: makes the call in v's frame and writes the result there. Never fails. Called by v's
 * thread at a doorbell.
 */
void hostcall_dispatch(struct vcpu *v);
/*
 * The same for an exitless call that v has submitted, called by the worker. A call that may sleep
 * is not made, and its state becomes HOSTCALL_LATER. Does nothing if v has submitted none.
 */
void hostcall_serve(struct vcpu *v);
/* Returns true if number nr may be an exitless call. */
bool hostcall_is_nonblocking(u32 nr);

/*
 * exitless.c: called by v's thread before and after each hostcall for which v left KVM_RUN. Many
 * such calls in a short time wake the worker; how short depends on the cost of leaving KVM_RUN.
 */
void exitless_arrive(struct vcpu *v);
void exitless_notice(struct vcpu *v, u32 nr);
/*
 * Sets the limits on handles, and makes handles for stdio, cwd and root, whose numbers it writes to
 * s->boot. Called before the first hostcall. Returns 0 or -errno.
 */
int hostcall_init(struct sandbox *s);

/* message.c: prints "buffervm: ..." and a newline on the user's stderr with one write(2). */
void message(const char *fmt, ...) __printf(1, 2);
void message_to(int fd); /* sets the descriptor for messages */
/*
 * Returns strerror(3), with the limit of this process that is the likely cause. The text is valid
 * until the next call. Not thread-safe for EMFILE, ENOMEM and EAGAIN.
 */
const char *host_error(int error);
void verbose(struct sandbox *s, const char *fmt, ...) __printf(2, 3);

#endif
