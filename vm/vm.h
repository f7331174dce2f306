/*
 * The monitor's objects: one sandbox, its memory, its vCPUs. One process has one sandbox.
 *
 * Threads: each vCPU is a host thread. Locks: memory.lock (slots, windows), handles.lock; neither
 * is held over a host call that may sleep. Order: handles.lock > memory.lock.
 */
#ifndef VM_H
#define VM_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/types.h>
#include "common/types.h"
#include "common/boot_info.h"
#include "common/hostcall.h"
#include "common/exit_status.h"

struct kvm_run;

/* A guest-physical address: not a pointer, so that nobody dereferences one unchecked. */
typedef struct {
	u64 raw;
} gpa_t;

struct options {
	const char *kernel;	/* NULL: the embedded one */
	u64 mem;		/* bytes of RAM at most */
	u32 home;		/* HOME_* */
	bool trace, verbose, no_aslr, stats;
	char **argv;		/* program and its arguments */
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
	u8 *ram_host;		     /* ram_max bytes reserved; slots are pieces of it */
	u64 window_next, window_base, window_end;
};

struct vcpu {
	u32 id;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	pid_t tid;
	struct sandbox *sandbox;
	struct vcpu_data *data;	      /* its pages in guest memory: written by the guest too */
	struct hostcall_frame *frame; /* hostcall area: read each field once */
	_Atomic bool in_use;
	u64 exits, hostcalls;
};

struct sandbox {
	struct options opt;
	int kvm, vm;
	struct memory mem;
	u32 gpa_bits;
	struct boot_info *boot; /* in guest memory; write before the first run only */
	struct hostcall_kernel_info kernel; /* from HC_ready: trusted for nothing but the guest */
	_Atomic bool ready;
	struct vcpu *vcpu[VCPU_MAX];
	int stderr_fd;	     /* own duplicate: messages reach the user whatever the guest closes */
	_Atomic int end_status; /* -1 while it runs; see sandbox_end */
};

/*
 * Host address of [gpa, gpa + len), or NULL where that is not wholly inside one slot. The only way
 * from a guest address to a pointer. The memory is shared with the guest: read once, then use.
 */
void *memory_at(struct sandbox *s, gpa_t gpa, u64 len);

/* Adds RAM (at least bytes, at most ram_max in total). 0 or -errno. */
int memory_grow(struct sandbox *s, u64 bytes, struct hostcall_ram *added);
/* Adds a slot of reserved (PROT_NONE) host memory for windows and returns its index or -errno. */
int memory_window_arena(struct sandbox *s, u64 size);

/* The sandbox ends: a wait(2) status (program's end), or SANDBOX_END_ERROR | exit_status. The first
 * call wins; vCPUs stop at their next exit. */
#define SANDBOX_END_ERROR 0x10000
void sandbox_end(struct sandbox *s, int how);

/* vcpu.c */
int vcpu_start(struct sandbox *s, u32 id, gpa_t area, u64 rip, u64 rsp, u64 cr3);
/* Makes the vCPU leave KVM_RUN or its host call and look at its upcall word. */
void vcpu_kick(struct vcpu *v);
/*
 * Host system call that a kick interrupts without a lost wake-up: -EINTR when this vCPU was kicked
 * before or while it slept. Result as the kernel gives it (-errno).
 */
s64 vcpu_syscall(struct vcpu *v, long nr, const u64 arg[6]);

/* hostcall.c: the call in v's frame. Never fails: the result is in the frame. */
void hostcall_dispatch(struct vcpu *v);
/* Before the first hostcall: handles for stdio, cwd and root, into s->boot. 0 or -errno. */
int hostcall_init(struct sandbox *s);

/* message.c: "buffervm: ..." on the user's stderr, one write. */
void message(const char *fmt, ...) __printf(1, 2);
void verbose(struct sandbox *s, const char *fmt, ...) __printf(2, 3);

#endif
