/* SPDX-License-Identifier: MIT */
/*
 * Sleep until a word of the guest's memory changes: a futex of the host's, or, when the Linux
 * module serves the VM (vm/host_kernel.h), a sleep in the module, which can then wake the sleeper
 * without the monitor.
 */
#ifndef VM_WORD_H
#define VM_WORD_H

#include "vm/vm.h"

/* A word. Its sleepers and wakers have to agree about .shared. */
struct word {
	u32 *at;     /* aligned, in memory of the guest */
	bool shared; /* behind a window: other processes may sleep there, too */
};

/*
 * Sleeps while the word is value, at most timeout_ns (negative: no limit). A timeout of
 * HOSTCALL_WAIT_LOCK is no limit, and the sleep goes on after a kick (vcpu_syscall_steady). Returns
 * 0 when somebody woke the thread, -EAGAIN if the word is not value, -ETIMEDOUT, or -EINTR.
 */
s64 word_wait(struct vcpu *v, struct word w, u32 value, u64 timeout_ns);

/* Wakes at most count sleepers. Returns how many, or -errno. */
s64 word_wake(struct word w, u32 count);

#endif
