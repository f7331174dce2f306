// SPDX-License-Identifier: MIT
/*
 * The watch, ring-3 mode. A program can jump into the guest kernel's text there, and if it does not
 * fault it may go on for ever in code that looks at no signal. Twice a second the watch kicks each
 * vCPU that made no exit since its last look: upcall_deliver then sees where it is. A program that
 * computes pays some 30 us for that; a vCPU that sleeps in a host call is left alone.
 */
#include <pthread.h>
#include <signal.h>
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
		/* Ids are given one after another. */
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

int watch_start(struct sandbox *s)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, WATCH_STACK);
	/* Signals from outside are vCPU 0's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = -pthread_create(&thread, &attr, watch, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return ret;
}
