// SPDX-License-Identifier: MIT
/*
 * Threads of the monitor. A signal from outside is for the main thread, which is vCPU 0's: every
 * other thread begins with all signals blocked, so that the host never chooses it.
 */
#include <pthread.h>
#include <signal.h>
#include "vm/vm.h"

int host_thread_start(void *(*run)(void *), void *arg, size_t stack, int taken,
		      const cpu_set_t *cpus)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t blocked, old;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (stack)
		pthread_attr_setstacksize(&attr, stack);
	if (cpus && CPU_COUNT(cpus))
		pthread_attr_setaffinity_np(&attr, sizeof(*cpus), cpus);
	sigfillset(&blocked);
	if (taken)
		sigdelset(&blocked, taken);
	pthread_sigmask(SIG_SETMASK, &blocked, &old);
	ret = -pthread_create(&thread, &attr, run, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return ret;
}
