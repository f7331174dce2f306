/*
 * Hostcalls without an exit: a thread that looks at the calls which vCPUs post (common/hostcall.h)
 * and serves them. Where there is no hardware virtualization an exit costs twenty times what the
 * host call itself does, and a CPU that looks costs nothing while nobody else wants it.
 *
 * The thread is made when hostcalls first come in numbers, and sleeps when no call was posted for a
 * while. While it looks it gives its CPU away every few microseconds: alone it gets it back at
 * once; where others want the CPU, it is away for milliseconds, says so before (server_on), and the
 * vCPUs leave KVM_RUN as ever.
 *
 * Only with --post: it is young. Programs whose children signal them died with it now and then; so
 * they did without it, of a page that was not flushed (arch_fault_forgets).
 */
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>
#include "vm/hostcall.h"

/* Microseconds. */
#define LOOK	     4	  /* without a call, before others may have the CPU */
#define ALONE	     3	  /* a longer absence: others had it */
#define SLEEP	     1000 /* without a call: nobody needs us */

/* So many exits for brief hostcalls within so many microseconds wake the thread. */
#define NOTICE_CALLS 32
#define NOTICE_US    2000

static struct {
	_Atomic u32 awake; /* the word that the thread sleeps on; 0: it does */
	_Atomic bool made;
	_Atomic u64 period; /* TSC at which the present one began ... */
	_Atomic u32 calls;  /* ... and exits in it; may lose some */
} server;

static u64 ticks(const struct sandbox *s, u64 us)
{
	return us * (s->boot->tsc_khz / 1000);
}

/* Serves what is posted. False: nothing was. */
static bool serve(struct sandbox *s, struct vcpu_data *shared)
{
	u64 posted = 0;

	if (READ_ONCE(shared->posted))
		posted = __atomic_exchange_n(&shared->posted, 0, __ATOMIC_SEQ_CST);
	if (!posted)
		return false;
	for (; posted; posted &= posted - 1) {
		struct vcpu *v =
			__atomic_load_n(&s->vcpu[__builtin_ctzl(posted)], __ATOMIC_ACQUIRE);

		if (v)
			hostcall_serve(v);
	}
	return true;
}

/* Until no call has come for a while. */
static void look(struct sandbox *s, struct vcpu_data *shared)
{
	u64 now = __builtin_ia32_rdtsc(), last = now, given = now;
	bool alone = true;

	while (now - last < ticks(s, SLEEP)) {
		if (!READ_ONCE(shared->server_on))
			WRITE_ONCE(shared->server_on, 1);
		if (serve(s, shared)) {
			now = last = given = __builtin_ia32_rdtsc();
			continue;
		}
		__builtin_ia32_pause();
		now = __builtin_ia32_rdtsc();
		if (now - given < ticks(s, LOOK))
			continue;
		if (!alone)
			WRITE_ONCE(shared->server_on, 0);
		sched_yield();
		given = __builtin_ia32_rdtsc();
		alone = given - now < ticks(s, ALONE);
		now = given;
	}
	WRITE_ONCE(shared->server_on, 0);
}

static void *server_thread(void *arg)
{
	struct sandbox *s = arg;
	struct vcpu_data *shared = s->vcpu[0]->data;

	for (;;) {
		while (!atomic_load(&server.awake))
			HOST_CALL(futex, (u64)&server.awake, FUTEX_WAIT_PRIVATE, 0, 0);
		look(s, shared);
		atomic_store(&server.awake, 0);
	}
	return NULL;
}

/* By a vCPU's thread that opens files as the monitor does: so will the new one. */
static void make_thread(struct sandbox *s)
{
	pthread_t thread;
	sigset_t all, old;

	if (atomic_exchange(&server.made, true))
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	/* Without it everything works as well, by exits. */
	if (pthread_create(&thread, NULL, server_thread, s) == 0)
		pthread_detach(thread);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void server_notice(struct vcpu *v, u32 nr)
{
	struct sandbox *s = v->sandbox;
	u64 now;

	if (!s->opt.post || s->boot->home != HOME_RING3 || s->boot->ncpus < 2 || v->own_ids ||
	    !hostcall_is_brief(nr) || atomic_load(&server.awake))
		return;
	now = __builtin_ia32_rdtsc();
	if (now - atomic_load(&server.period) > ticks(s, NOTICE_US)) {
		atomic_store(&server.period, now);
		atomic_store(&server.calls, 0);
	}
	if (atomic_fetch_add(&server.calls, 1) < NOTICE_CALLS)
		return;
	atomic_store(&server.awake, 1);
	make_thread(s);
	HOST_CALL(futex, (u64)&server.awake, FUTEX_WAKE_PRIVATE, 1);
}
