/* SPDX-License-Identifier: MIT */
/*
 * The ioctls of /dev/buffervm, between the monitor (vm/host_kernel.c) and the Linux module in
 * host_kernel/, which serves some hostcalls inside the host's kernel (docs/host_kernel.md). An open
 * file of the device is one VM. Closing it, by whatever way the process ends, ends the service.
 *
 * Every address here is one of the process that opens the device; another process, a child of fork
 * too, gets EPERM. The module reads and writes only through these addresses, with the rights of the
 * process, so a process gains nothing that its own system calls would not give it.
 */
#ifndef COMMON_HOST_KERNEL_H
#define COMMON_HOST_KERNEL_H

#include <linux/ioctl.h>
#include "common/types.h"

#define HOST_KERNEL_DEVICE  "/dev/buffervm"
#define HOST_KERNEL_VERSION 2

/* Most vCPUs of a VM that the module serves, and most segments of one call. */
#define HOST_KERNEL_VCPUS   64
#define HOST_KERNEL_SEGS    64

/*
 * The table of handles (vm/handle.c): an array of pointers to chunks, a null pointer for a chunk
 * without handles. Each chunk is an array of words, one for each descriptor. A descriptor is a
 * handle while its word has HANDLE_OPEN. The upper half of the word changes each time that the
 * descriptor becomes a handle, so that two equal words, read before and after a file was taken from
 * the descriptor table, prove that the file is the handle's.
 */
#define HANDLE_CHUNK	    1024			   /* words of a chunk */
#define HANDLE_CHUNKS	    1024			   /* pointers of the table */
#define HANDLE_MAX	    (HANDLE_CHUNK * HANDLE_CHUNKS) /* no handle has this number or a larger one */
#define HANDLE_OPEN	    0x80000000u

enum {
	HOST_KERNEL_WRITES = 1 << 0, /* the module may serve writes to files */
};

struct host_kernel_vm {
	u32 version; /* HOST_KERNEL_VERSION. EPROTO: the module has another one */
	u32 flags;
	u64 handles; /* the table of pointers to chunks */
};

/* The VM's RAM. It may grow: a later call has the same gpa and host address, and a larger size. */
struct host_kernel_ram {
	u64 gpa, size;
	u64 host; /* address of its first byte */
};

/*
 * Makes the calling thread the one of a vCPU. The doorbell is an eventfd; KVM signals it when the
 * vCPU makes a call for the module (HOSTCALL_SERVED_PORT). frame is the address of the vCPU's
 * hostcall area.
 */
struct host_kernel_vcpu {
	s32 doorbell;
	u32 reserved; /* 0 */
	u64 frame;
};

/* What the module has done for the VM. */
struct host_kernel_counts {
	u64 served; /* calls that it served */
	u64 passed; /* calls that it left to the monitor */
};

/*
 * Sleeps while the u32 at word is value. A negative timeout is none. WAKE wakes at most .value
 * threads that sleep at the word and returns their number; so does the hostcall wake, when the
 * module serves it. Words are told apart by their addresses. A process that uses WAIT for a word
 * uses it for all sleepers of the word: neither call reaches those of futex(2).
 */
struct host_kernel_wait {
	u64 word; /* address, aligned */
	u32 value;
	u32 reserved;	/* 0 */
	s64 timeout_ns; /* of WAIT */
};

/*
 * Errors of all: EPERM (another process), EFAULT. VM: EPROTO, EINVAL, EBUSY (it was made
 * before). The others: ENODEV (no VM yet). RAM: EINVAL. VCPU: EBADF, EINVAL (no eventfd, reserved,
 * frame), EEXIST (the thread is a vCPU's), ENOSPC, ENOMEM. WAIT, WAKE: EINVAL. WAIT: EAGAIN (the
 * word is not value), ETIMEDOUT, EINTR, ENOSPC (too many sleep); 0: the thread was woken.
 */
#define HOST_KERNEL_VM	   _IOW(0xb7, 1, struct host_kernel_vm)
#define HOST_KERNEL_RAM	   _IOW(0xb7, 2, struct host_kernel_ram)
#define HOST_KERNEL_VCPU   _IOW(0xb7, 3, struct host_kernel_vcpu)
#define HOST_KERNEL_COUNTS _IOR(0xb7, 4, struct host_kernel_counts)
#define HOST_KERNEL_WAIT   _IOW(0xb7, 5, struct host_kernel_wait)
#define HOST_KERNEL_WAKE   _IOW(0xb7, 6, struct host_kernel_wait)

#endif
