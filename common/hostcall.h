/* SPDX-License-Identifier: MIT */
/*
 * The boundary between the guest kernel and the monitor. hostcall.def has a row for every hostcall.
 * This header has what both sides need: the frame in shared memory, the kinds of arguments, and the
 * structures of BufferVM's own; all other structures are Linux's.
 *
 * To make a call, the kernel fills the hostcall area of its vCPU (struct hostcall_frame, then data)
 * and rings the doorbell. When the vCPU runs again, .ret has the result, >= 0 or -errno as Linux's
 * system calls have it. A vCPU has at most one call under way.
 *
 * Kinds of arguments, and what .arg[] has for each:
 *
 *   int      the value
 *   handle   a number from a call that returns a handle, or from boot info; -1 for none
 *   path     offset << 32 | length of a string in the area; the length includes its NUL
 *   in       offset << 32 | length of bytes in the area that the monitor reads
 *   out      offset << 32 | length of bytes in the area that the monitor writes
 *   inout    offset << 32 | length of bytes that the monitor reads, then writes
 *   len      not in .arg[]: the host call gets the length of the argument before it
 *   segs_in  offset << 32 | length of an array of struct hostcall_seg in the area: guest memory
 *            that the monitor reads, as for write(2); it becomes an iovec and its count
 *   segs_out the same for guest memory that the monitor writes, as for read(2)
 */
#ifndef COMMON_HOSTCALL_H
#define COMMON_HOSTCALL_H

#include "hostcall_frame.h"
#include "types.h"
#include "vcpu_area.h"

/*
 * Exitless calls: the kernel makes them without the doorbell, and a thread of the monitor, the
 * worker, serves them. While .worker_on of vCPU 0's data page is set, the worker polls the word
 * .submitted there. The kernel fills the frame, sets .state to HOSTCALL_SUBMITTED, sets the bit of
 * its vCPU in .submitted, and waits until .state is HOSTCALL_DONE. Only vCPUs below
 * HOSTCALL_EXITLESS_VCPUS have a bit.
 *
 * HOSTCALL_LATER says that the call may sleep; the kernel then rings the doorbell. To take back a
 * call that the worker has not taken yet, the kernel changes .state atomically from
 * HOSTCALL_SUBMITTED to HOSTCALL_IDLE. The kernel may also ring the doorbell while the worker has
 * the call: the doorbell then returns with the worker's result.
 *
 * The second column tells how vm/hostcall_nonblocking.c keeps the call from sleeping.
 */
#define HOSTCALL_EXITLESS_VCPUS 64
/* clang-format off */
#define HOSTCALL_NONBLOCKING(X) \
	X(close, CLOSES) \
	X(dup, NEVER_SLEEPS) \
	X(handle_path, NEVER_SLEEPS) \
	X(fstat, NEVER_SLEEPS) \
	X(newfstatat, NEVER_SLEEPS) \
	X(statx, NEVER_SLEEPS) \
	X(readlinkat, NEVER_SLEEPS) \
	X(lookup, CLOSES) \
	X(faccessat2, NEVER_SLEEPS) \
	X(lseek, NEVER_SLEEPS) \
	X(getdents64, NEVER_SLEEPS) \
	X(epoll_ctl, NEVER_SLEEPS) \
	X(readv, READS) \
	X(preadv2, READS) \
	X(writev, WRITES) \
	X(pwritev2, WRITES) \
	X(poll, WAITS) \
	X(epoll_wait, WAITS)
/* clang-format on */

/*
 * Calls that may sleep in the host for long. Meanwhile the kernel lets another vCPU have the CPU.
 */
/* clang-format off */
#define HOSTCALL_SLEEPING(X) \
	X(wait) X(clock_nanosleep) X(openat) X(openat2) X(open_stat) X(reopen) X(close) X(release) \
	X(inspect) X(readv) X(writev) X(preadv2) X(pwritev2) X(fsync) X(fdatasync) X(syncfs) X(sync) \
	X(sync_file_range) X(flock) X(fcntl_lock) X(copy_file_range) X(sendfile) X(splice) X(tee) \
	X(ioctl) X(poll) X(epoll_wait) X(poll_many) X(connect) X(accept4) X(sendmsg) X(recvmsg) \
	X(getrandom) X(kill_outside)
/* clang-format on */

/*
 * Calls that the Linux module may serve inside the host's kernel (docs/host_kernel.md). The guest
 * kernel sets .state to HOSTCALL_SUBMITTED and executes OUT to HOSTCALL_SERVED_PORT plus the vCPU's
 * id. If .state is not HOSTCALL_DONE afterwards, the kernel rings the doorbell.
 */
/* clang-format off */
#define HOSTCALL_SERVED(X) \
	X(readv) X(writev) X(preadv2) X(pwritev2) X(lseek) X(fstat) X(clock_gettime) X(getrandom) \
	X(sched_yield) X(wake)
/* clang-format on */

/*
 * Result -HOSTCALL_AGAIN: a kick came before the host call began, and nothing has happened. The
 * kernel treats it as Linux treats ERESTARTNOINTR: the program repeats the system call after the
 * signal's handler, as if the signal had come before the call.
 */
#define HOSTCALL_AGAIN		513

#define HOSTCALL_PATH_MAX	4096 /* including the NUL */

enum hostcall_kind {
	HC_KIND_none,
	HC_KIND_int,
	HC_KIND_handle,
	HC_KIND_path,
	HC_KIND_in,
	HC_KIND_out,
	HC_KIND_inout,
	HC_KIND_len,
	HC_KIND_segs_in,
	HC_KIND_segs_out,
};

/*
 * HC_ready: guest-virtual addresses in the kernel to which the monitor can set a vCPU's RIP, and
 * the ranges in which it does so (vm/upcall.c).
 */
struct hostcall_kernel_info {
	u64 text_start, text_end; /* all kernel code but the entry page */
	u64 upcall_entry;	  /* where an upcall enters the kernel */
	u64 exit_start, exit_end; /* the last instructions of the way out ... */
	u64 exit_restart;	  /* ... and where a vCPU in them starts over */
	u64 copy_start, copy_end; /* the instructions that copy through windows ... */
	u64 copy_fixup;		  /* ... and where they go if the page is gone */
	u64 entry_head;		  /* bytes of the entry page up to the switch to the kernel stack */
};

/*
 * HC_end_info: what the kernel counted, for --stats and the status object. The monitor believes
 * none of it where a wrong number could harm anybody but the reader.
 */
/* clang-format off */
#define HOSTCALL_END_VALUES(X) \
	X(syscalls) X(page_faults) X(processes) X(threads) X(tasks_peak) X(bytes_read) \
	X(bytes_written) X(oom_kills) X(tasks_refused)
/* clang-format on */
#define HOSTCALL_END_CALLS 256
struct hostcall_end_info {
#define X(name) u64 name;
	HOSTCALL_END_VALUES(X)
#undef X
	u32 first_killed; /* 1: the kernel killed the first process because RAM was used up */
	u32 calls;	  /* how many of .call are used */
	/* System calls that BufferVM refused, or does not implement (missing is 1). */
	struct {
		u16 nr;
		u8 error, missing;
		u32 count;
	} call[HOSTCALL_END_CALLS];
};

/* HC_boot_failed: why the first program cannot run. */
struct hostcall_boot_failure {
	u32 status;	 /* enum exit_status */
	s32 error;	 /* errno or 0 */
	char text[1024]; /* the message, without the program's name */
};

struct hostcall_ram {
	u64 gpa, size; /* the RAM that was added */
};

struct hostcall_window {
	u64 gpa;       /* first byte of the window ... */
	u64 offset;    /* ... is this byte of the file (page-aligned) */
	u64 size;      /* bytes of the window, a multiple of the page size */
	u64 file_size; /* size of the file when the call was made */
	u64 dev, ino;
	u64 version; /* changes with the content; 0: the content changed lately, or may change at
			any time */
	u32 id;
	u32 quiet; /* 1: no reader of a shared mapping can be waiting for a change of this file */
};

/*
 * HC_wait, timeout_ns: no limit, and an upcall that is pending when the call begins does not
 * prevent the sleep. For the kernel's locks: the holder wakes the sleeper soon, and a sleeper that
 * left for the upcall would have to wait again. A kick during the sleep still ends it with -EINTR.
 */
#define HOSTCALL_WAIT_LOCK (-2UL)

/* HC_release: an element of the array. */
struct hostcall_release {
	u32 window; /* 1: number is a window's id; 0: a handle */
	u32 number;
};
#define HOSTCALL_RELEASE_MAX 64

/* HC_inspect. The members are as the host's system calls give them. */
struct hostcall_inspect {
	u64 stat[18]; /* struct stat */
	s32 access;   /* 0 if the caller may execute the file, else -errno */
	s32 name_len; /* bytes of its path, or -errno */
};

enum { HC_WINDOW_WRITE = 1 << 0 /* pages can be written; the handle must be open for it */ };

/*
 * HC_lookup. The buffer `lookups` has, for each lookup, this struct, the path with its NUL, and
 * padding up to a multiple of HOSTCALL_LOOKUP_ALIGN bytes. The buffer `answers` gets, for each
 * answer in the same order, a struct hostcall_lookup_answer, its data, and padding up to such a
 * multiple. The answers end before the first one that does not fit or that a kick interrupted.
 */
struct hostcall_lookup {
	u16 size; /* bytes of struct, path and padding */
	u8 kind;  /* enum hostcall_lookup_kind */
	u8 reserved[5];
};
struct hostcall_lookup_answer {
	s32 result; /* of the host's system call: >= 0 or -errno */
	u32 len;    /* bytes of data */
};
enum hostcall_lookup_kind {
	HOSTCALL_LOOKUP_LINK,	/* readlink(2); data: the target */
	HOSTCALL_LOOKUP_STAT,	/* stat(2); data: struct stat */
	HOSTCALL_LOOKUP_LSTAT,	/* lstat(2); data: struct stat */
	HOSTCALL_LOOKUP_EXISTS, /* stat(2) without data: tells whether the file exists */
	HOSTCALL_LOOKUP_ACCESS	/* faccessat2(2) with AT_EACCESS; the mode, 0 to 7, is added to the
				   kind */
};
#define HOSTCALL_LOOKUP_KINDS (HOSTCALL_LOOKUP_ACCESS + 8)
#define HOSTCALL_LOOKUP_ALIGN 8

/*
 * Argument of hostcall ids: user and group IDs for the host thread of a vCPU, and its effective
 * capabilities (bit n: capability n). The thread gets those of caps that the monitor has permitted.
 * Its saved user ID and its permitted capabilities stay the monitor's, so that it can change its
 * IDs again.
 */
struct hostcall_ids {
	u32 ruid, euid, fsuid;
	u32 rgid, egid, fsgid;
	u64 caps;
};

/* HC_recvmsg: the start of the buffer `head`; the control data follows. */
struct hostcall_recv {
	u32 addr_len;
	u32 control_len; /* bytes of control data that follow this struct */
	u32 flags;	 /* MSG_* */
	u32 reserved;
	u8 addr[128];
};
#define HOSTCALL_CONTROL_MAX 4096

/*
 * HC_file_events: one signal of a file with O_ASYNC, a lease or F_NOTIFY, with the fields that
 * siginfo_t has for it (sigaction(2), SIGIO).
 */
struct hostcall_file_event {
	s32 handle;
	s32 code; /* POLL_IN, ... */
	u64 band; /* POLLIN, ... */
};

/* HC_stats: the order of the monitor's counters. */
enum hostcall_stat {
	HOSTCALL_STAT_exits, /* returns from KVM_RUN, of all vCPUs */
	HOSTCALL_STAT_hostcalls,
	HOSTCALL_STAT_handles,	    /* open now */
	HOSTCALL_STAT_windows,	    /* mapped now */
	HOSTCALL_STAT_windows_made, /* since the start */
	HOSTCALL_STAT_ram,	    /* bytes of RAM given */
	HOSTCALL_STATS,
};

/*
 * HC_tick: the state of the monitor's tick (vm/tick.c), which the monitor writes. While .on is 1,
 * the tick looks each millisecond after ready threads and deadlines. After a while without any it
 * clears .on, and looks once more at .alarm_ns (CLOCK_MONOTONIC; ~0: never).
 */
struct hostcall_tick {
	u32 on;
	u32 reserved;
	u64 alarm_ns;
};

/* HC_clock_read: all clocks at the moment at which the TSC was .tsc. */
struct hostcall_clock {
	u64 tsc;
	u64 realtime_ns, monotonic_ns, boottime_ns;
	u32 tsc_khz;
	u32 reserved;
};

#endif
