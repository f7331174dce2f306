/* SPDX-License-Identifier: MIT */
/*
 * Limits that the monitor itself enforces on a sandbox, since the guest kernel may be hostile. The
 * others are elsewhere: RAM and files in memory (memory_files.h), vCPUs (vcpu.c), handles
 * (handle.h).
 *
 * The calls on written bytes cost nothing where there is no such limit.
 */
#ifndef VM_JAIL_LIMITS_H
#define VM_JAIL_LIMITS_H

#include "common/types.h"

/* 0: no limit. */
struct limits {
	u64 disk;    /* bytes that are written to files which are not memory, or reserved in them */
	u64 fsize;   /* most bytes of a file that is written or made longer */
	u64 time_ns; /* from limits_start on */
	u64 cpu_ns;  /* of all threads of the monitor */
	u32 cpu_share; /* their CPU time in a second, in thousandths of one; 0: no limit */
};

/*
 * Puts the limits in force; they are kept. Called while the process has one thread. Returns 0 or
 * -errno.
 */
struct sandbox;
int limits_start(struct sandbox *s, const struct limits *limits);

/*
 * Called by a vCPU's thread before it enters the guest, after it has said so in v->in_kvm. Returns
 * true if it has waited because cpu_share is used up; it then has to look again. Costs a load of
 * memory where nothing is to wait for.
 */
struct vcpu;
bool limits_wait(struct vcpu *v);

/*
 * Called before len bytes are written to a file at offset; ~0: at its position. append: at its end
 * instead. Returns 0, -EFBIG or -EDQUOT; the bytes count even if the write fails.
 */
s64 limits_write(int fd, u64 offset, u64 len, bool append);
/* Called before a file gets this size, or space up to it. Returns the same. */
s64 limits_resize(int fd, u64 size);

/* Returns true if writes are counted or sizes limited. */
bool limits_on_writes(void);

/* Sets how many calls the limits on writes have refused. */
void limits_refused(u64 *disk, u64 *fsize);

/* Prints a line for each limit that refused something. */
void limits_report(void);

#endif
