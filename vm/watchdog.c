// SPDX-License-Identifier: MIT
/*
 * The watchdog of ring-3 mode. In this mode a program can jump into the guest kernel's text. If it
 * does not fault there, it may loop forever in code that checks for no signal. So twice a second
 * the watchdog kicks each vCPU that is in KVM_RUN and has made no exit since the last time;
 * upcall_deliver then sees where it is. A program that only computes pays about 30 us for that. A
 * vCPU that sleeps in a host call is not kicked.
 */
#include <time.h>
#include "vm/vm.h"

#define WATCH_INTERVAL_NS 500000000
#define WATCH_STACK	  (64UL << 10)

static void *watch(void *arg)
{
	const struct timespec interval = {0, WATCH_INTERVAL_NS};
	struct sandbox *s = arg;

	for (;;) {
		nanosleep(&interval, NULL);
		/* Numbers of vCPUs are consecutive. */
		for (u32 id = 0; id < VCPU_MAX; id++) {
			struct vcpu *v = READ_ONCE(s->vcpu[id]);
			u64 exits;

			if (!v)
				break;
			exits = READ_ONCE(v->exits);
			if (READ_ONCE(v->in_kvm) && exits == v->watched)
				vcpu_kick(v);
			v->watched = exits;
		}
	}
	return NULL;
}

int watchdog_start(struct sandbox *s)
{
	return host_thread_start(watch, s, WATCH_STACK, 0, NULL);
}
