/* SPDX-License-Identifier: MIT */
/*
 * Host timers of the sandbox: hostcalls timer_*. A timer's expiry reaches the guest as its bit in
 * vCPU 0's timers_expired and an upcall.
 */
#ifndef VM_TIMER_H
#define VM_TIMER_H

#include "vm/vm.h"

/*
 * Timer n expired: marks it for vCPU 0. The kick signal's handler, which runs in vCPU 0's thread,
 * calls it when si_code is SI_TIMER, and then treats the signal as a kick. Async-signal-safe.
 */
void timer_expired(struct sandbox *s, int n);

/*
 * A host call that is not expected to sleep, though a kick is there already. Should it sleep after
 * all, it ends with -EINTR some milliseconds later.
 */
struct call;
s64 host_call_bounded(struct call *c, long nr, const u64 arg[6]);

#endif
