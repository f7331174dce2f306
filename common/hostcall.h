/* SPDX-License-Identifier: MIT */
/*
 * The boundary between the guest kernel and the monitor. hostcall.def names every call; this
 * header has what the two sides need to speak: the frame in shared memory, the kinds of
 * arguments, and the structures that are BufferVM's own (all others are Linux's).
 *
 * A call: the kernel fills the hostcall area of its vCPU (struct hostcall_frame, then data),
 * rings the doorbell, and finds the result in .ret when it runs again. A vCPU has one call under
 * way at most. Results are Linux's: >= 0 or -errno.
 *
 * Kinds of argument, as they lie in .arg[]:
 *
 *   int      the value
 *   handle   index of an open host file, from a call that returns one (or boot_info)
 *   path     offset << 32 | length of a NUL-terminated string in the area (length with NUL)
 *   in       offset << 32 | length of bytes that the monitor reads
 *   out      offset << 32 | length of bytes that the monitor writes
 *   inout    both
 *   len      not transmitted: the length of the buffer argument before it, for the host call
 *   segs_in  offset << 32 | length of an array of struct hostcall_seg: guest memory that the
 *            monitor reads (write(2)'s direction); becomes an iovec and its count
 *   segs_out the same; the monitor writes that guest memory (read(2)'s direction)
 */
#ifndef COMMON_HOSTCALL_H
#define COMMON_HOSTCALL_H

#include "types.h"
#include "vcpu_area.h"

#define HOSTCALL_ARGS		7

/*
 * Exitless calls, which are made without ringing: while vcpu_data.worker_on of vCPU 0 is set, the
 * monitor's worker looks at its word .submitted. The kernel fills the frame, sets .state to
 * HOSTCALL_SUBMITTED and its bit there (vCPUs below HOSTCALL_EXITLESS_VCPUS only), and waits for
 * HOSTCALL_DONE. HOSTCALL_LATER: the call may sleep, so the doorbell must be rung after all. A call
 * that was not taken yet is taken back by setting HOSTCALL_IDLE, atomically. The doorbell may be
 * rung while a call is taken, too: it then waits for the result.
 *
 * The second column says how such a call is kept from sleeping: vm/hostcall_nonblocking.c.
 */
#define HOSTCALL_EXITLESS_VCPUS 64
enum hostcall_state {
	HOSTCALL_IDLE,
	HOSTCALL_SUBMITTED,
	HOSTCALL_TAKEN,
	HOSTCALL_DONE,
	HOSTCALL_LATER,
};
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

/* Calls that may sleep in the host for long: the kernel gives the CPU to another vCPU meanwhile. */
/* clang-format off */
#define HOSTCALL_SLEEPING(X) \
	X(wait) X(clock_nanosleep) X(openat) X(openat2) X(open_stat) X(reopen) X(close) X(readv) \
	X(writev) X(preadv2) X(pwritev2) X(fsync) X(fdatasync) X(syncfs) X(sync) \
	X(sync_file_range) X(flock) X(fcntl_lock) X(copy_file_range) X(sendfile) X(splice) X(tee) \
	X(ioctl) X(poll) X(epoll_wait) X(poll_many) X(connect) X(accept4) X(sendmsg) X(recvmsg) \
	X(getrandom) X(kill_outside)
/* clang-format on */

/*
 * -HOSTCALL_AGAIN: a kick came before the call began, so nothing happened. The program shall make
 * it again after its handler, as if the signal had come first. The kernel's ERESTARTNOINTR.
 */
#define HOSTCALL_AGAIN 513

struct hostcall_frame {
	u32 nr;
	u32 state; /* enum hostcall_state */
	u64 arg[HOSTCALL_ARGS];
	s64 ret;
	u64 wakes; /* guest-physical address of a word: its sleeper (HC_wait) is woken before the
		      call is made; 0: none */
};
#define HOSTCALL_DATA_OFFSET 128
#define HOSTCALL_DATA_SIZE   (HOSTCALL_AREA_SIZE - HOSTCALL_DATA_OFFSET)
_Static_assert(sizeof(struct hostcall_frame) <= HOSTCALL_DATA_OFFSET,
	       "the frame fits the space before the data");

/* A segment of guest-physical memory: RAM or window, never across the end of a memory slot. */
struct hostcall_seg {
	u64 gpa;
	u64 len;
};
#define HOSTCALL_SEGS_MAX 512

#define HOSTCALL_PATH_MAX 4096 /* with its NUL */

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

enum hostcall_nr {
#define HOSTCALL(nr, name, impl, desc, ...) HC_##name = nr,
#include "hostcall.def"
	HC_MAX = 255, /* numbers are below this */
};

/* HC_ready: addresses inside the kernel that the monitor steers a vCPU to (guest-virtual). */
struct hostcall_kernel_info {
	u64 text_start, text_end; /* all kernel code, the entry page not included */
	u64 upcall_entry;	  /* see vm/upcall.c */
	u64 exit_start, exit_end; /* last instructions before a program runs on */
	u64 exit_restart;	  /* where they begin anew */
	u64 copy_start, copy_end; /* copies through windows ... */
	u64 copy_fixup;		  /* ... and where they fail to */
	u64 entry_head;		  /* bytes of the system-call entry before the kernel's stack */
};

/* HC_boot_failed: why the first program cannot run. */
struct hostcall_boot_failure {
	u32 status;	 /* enum exit_status */
	s32 error;	 /* errno or 0 */
	char text[1024]; /* what, without the program's name */
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
	u64 version; /* of the content: changes with it. 0: it changed lately, or may at any time */
	u32 id;
	u32 quiet; /* nobody can be about to write what a reader of a shared mapping waits for */
};

/*
 * HC_wait, timeout_ns: no limit, and an upcall does not end the sleep. For the kernel's locks:
 * their holder will wake the sleeper soon, who would only come back.
 */
#define HOSTCALL_WAIT_LOCK (-2UL)

enum { HC_WINDOW_WRITE = 1 << 0 /* pages may be written: the handle must be open for it */ };

/*
 * HC_lookup. lookups: for each one this struct, then a path with its NUL, then anything up to a
 * multiple of HOSTCALL_LOOKUP_ALIGN bytes. answers: for each answer, in the same order, a struct
 * hostcall_lookup_answer, the data, and again up to such a multiple. The first answer that does not
 * fit, or that a kick spoiled, and all behind it are not given.
 */
struct hostcall_lookup {
	u16 size; /* of all, a multiple of HOSTCALL_LOOKUP_ALIGN */
	u8 kind;  /* enum hostcall_lookup_kind */
	u8 reserved[5];
};
struct hostcall_lookup_answer {
	s32 result; /* that of the host's call: >= 0 or -errno */
	u32 len;    /* bytes of data */
};
enum hostcall_lookup_kind {
	HOSTCALL_LOOKUP_LINK,	/* readlink(2); data: the target */
	HOSTCALL_LOOKUP_STAT,	/* stat(2); data: struct stat */
	HOSTCALL_LOOKUP_LSTAT,	/* lstat(2); the same */
	HOSTCALL_LOOKUP_EXISTS, /* stat(2) without data: does the name lead to anything? */
	HOSTCALL_LOOKUP_ACCESS	/* access(2), with AT_EACCESS, for F_OK; and the mode, up to 7 */
};
#define HOSTCALL_LOOKUP_KINDS (HOSTCALL_LOOKUP_ACCESS + 8)
#define HOSTCALL_LOOKUP_ALIGN 8

/*
 * Argument of ids: user and group IDs of a vCPU's thread, and its effective capabilities (bit n:
 * capability n), of which it gets those that the monitor may have. Its saved IDs and permitted
 * capabilities stay the monitor's, so that it can become somebody else again.
 */
struct hostcall_ids {
	u32 ruid, euid, fsuid;
	u32 rgid, egid, fsgid;
	u64 caps;
};

/* HC_recvmsg: precedes the control data in .head. */
struct hostcall_recv {
	u32 addr_len;
	u32 control_len; /* bytes of control data that follow this struct */
	u32 flags;	 /* MSG_* */
	u32 reserved;
	u8 addr[128];
};
#define HOSTCALL_CONTROL_MAX 4096

/*
 * HC_file_events: a file that has O_ASYNC, a lease or F_NOTIFY told something, as siginfo_t has it:
 * sigaction(2), SIGIO.
 */
struct hostcall_file_event {
	s32 handle;
	s32 code; /* POLL_IN, ... */
	u64 band; /* POLLIN, ... */
};

/* HC_stats: the monitor's counters, in this order. */
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
 * HC_tick: where the monitor says how it looks after ready threads and deadlines. While .on is set
 * it looks each millisecond; it clears it when there was nothing to do for a while, and looks once
 * more at .alarm_ns (CLOCK_MONOTONIC; ~0: never).
 */
struct hostcall_tick {
	u32 on;
	u32 reserved;
	u64 alarm_ns;
};

/* HC_clock_read: one reading of all clocks, taken together. */
struct hostcall_clock {
	u64 tsc;
	u64 realtime_ns, monotonic_ns, boottime_ns;
	u32 tsc_khz;
	u32 reserved;
};

#endif
