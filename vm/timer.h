/* SPDX-License-Identifier: MIT */
/*
 * Host timers of the sandbox: hostcalls timer_*. When a timer expires, the monitor sets its bit in
 * timers_expired of vCPU 0 and makes an upcall.
 */
#ifndef VM_TIMER_H
#define VM_TIMER_H

#include "vm/vm.h"

/*
 * Marks timer n as expired for vCPU 0. Called by the kick signal's handler in vCPU 0's thread if
 * si_code is SI_TIMER; the handler then treats the signal as a kick. Async-signal-safe. Ignores an
 * n that is no timer.
 */
void timer_expired(struct sandbox *s, int n);

/*
 * Makes a host call that is not expected to sleep, although a kick is pending. If it sleeps after
 * all, a host timer interrupts it after some milliseconds and it returns -EINTR. Returns -EINTR as
 * well if there is no host timer left.
 */
struct call;
s64 host_call_bounded(struct call *c, long nr, const u64 arg[6]);

#endif
