// SPDX-License-Identifier: MIT
/*
 * Signals from outside. For processes outside, the monitor is the first program, so each signal
 * that it gets goes to the sandbox's first process: as a bit in vCPU 0's data page and an upcall.
 * There are three exceptions: faults of the monitor itself, SIGPIPE of the monitor's own writes,
 * and SIGKILL and SIGSTOP, which nothing can catch.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "vm/hostcall.h"
#include "vm/vm.h"

/*
 * The signals that a terminal sends to its foreground process group and its session's leader, and
 * SIGIO of a file.
 */
#define TERMINAL_SIGNALS                                                                           \
	(1UL << SIGHUP | 1UL << SIGINT | 1UL << SIGQUIT | 1UL << SIGTSTP | 1UL << SIGTTIN |        \
	 1UL << SIGTTOU | 1UL << SIGWINCH | 1UL << SIGCONT | 1UL << SIGIO)

/* Signals whose default action does not end a process: signal(7). */
#define HARMLESS_SIGNALS                                                                           \
	(1UL << SIGCHLD | 1UL << SIGCONT | 1UL << SIGURG | 1UL << SIGWINCH | 1UL << SIGSTOP |      \
	 1UL << SIGTSTP | 1UL << SIGTTIN | 1UL << SIGTTOU)

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static struct sandbox *sandbox; /* a signal handler gets no argument */

/*
 * A sound guest kernel takes SIGTERM from its word within moments, whatever the program does with
 * the signal. If a kernel does not, it is broken or hostile, and the user would need SIGKILL to end
 * the sandbox. So the monitor counts ticks until the kernel takes the signal, and ends the sandbox
 * after too many. It counts ticks and not time, because time goes on while the whole process is
 * stopped. Only the main thread uses this.
 */
#define TICK_NS	       500000000
#define TICKS_MAX      10  /* five seconds */
#define TICKS_HOST_MAX 120 /* while one host call keeps vCPU 0 from the word: fsync(2) */
static struct {
	timer_t timer; /* kicks the main thread with OUTSIDE_TICK */
	bool there;
	u32 ticks, host_ticks;
	u64 hostcalls; /* vCPU 0's number of hostcalls at the last tick */
} term;

/*
 * Returns true for a fault of the monitor itself, of which it dies as it would without a handler.
 */
static bool own_fault(int sig, const siginfo_t *si)
{
	switch (sig) {
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGTRAP:
	case SIGSYS:
		return si->si_code > 0;
	default:
		return false;
	}
}

static void set_ticks(bool on)
{
	const struct itimerspec value = {{0, on ? TICK_NS : 0}, {0, on ? TICK_NS : 0}};

	if (term.there)
		timer_settime(term.timer, 0, &value, NULL);
}

static void give_up(void)
{
	if (atomic_load(&sandbox->end_status) == -1)
		message("the guest kernel does not take SIGTERM: the sandbox ends");
	sandbox_end(sandbox, SIGTERM);
}

void outside_tick(void)
{
	struct vcpu *v = sandbox->vcpu[0];
	bool waits =
		__atomic_load_n(&v->data->signals_arrived, __ATOMIC_SEQ_CST) >> (SIGTERM - 1) & 1;
	bool in_host = !READ_ONCE(v->in_kvm) && READ_ONCE(v->hostcalls) == term.hostcalls;

	if (atomic_load(&sandbox->end_status) != -1)
		outside_die(SIGTERM); /* the main thread is stuck and does not end the process */
	if (!waits) {
		set_ticks(false);
		return;
	}
	term.hostcalls = READ_ONCE(v->hostcalls);
	if (in_host)
		term.host_ticks++;
	else
		term.ticks++;
	if (term.ticks >= TICKS_MAX || term.host_ticks >= TICKS_HOST_MAX)
		give_up();
}

/* Called when SIGTERM was set in the guest's word. before: the bit was already set. */
static void note_term(bool before)
{
	if (!before) {
		term.ticks = term.host_ticks = 0;
		term.hostcalls = READ_ONCE(sandbox->vcpu[0]->hostcalls);
		set_ticks(true);
	} else if (term.ticks > 0) {
		/*
		 * Not before the first tick: timeout(1) and others send each signal to a process
		 * and to its group, so two come at once.
		 */
		give_up();
	}
}

/*
 * The signals of files. The handler writes the ring; it runs on the main thread with all signals
 * blocked. Hostcalls read the ring, one at a time (lock). If the ring is full, events are lost, and
 * .lost records that.
 */
#define FILE_EVENTS 256
static struct {
	pthread_mutex_t lock; /* held by readers */
	u32 written, read;    /* atomic; free-running */
	u32 lost;	      /* atomic */
	struct hostcall_file_event event[FILE_EVENTS];
} files = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Records a file's signal. Returns false for every other signal. */
static bool file_signal(int sig, const siginfo_t *si)
{
	u32 at = files.written;

	if (sig != FILE_SIGNAL || si->si_code <= 0 || si->si_code == SI_KERNEL)
		return false;
	if (at - __atomic_load_n(&files.read, __ATOMIC_ACQUIRE) == FILE_EVENTS) {
		__atomic_store_n(&files.lost, 1, __ATOMIC_RELEASE);
		return true;
	}
	files.event[at % FILE_EVENTS] = (struct hostcall_file_event){
		.handle = si->si_fd, .code = si->si_code, .band = (u64)si->si_band};
	__atomic_store_n(&files.written, at + 1, __ATOMIC_RELEASE);
	return true;
}

s64 hc_do_file_events(struct call *c, void *events, u32 events_len)
{
	struct hostcall_file_event *to = events;
	u32 most = events_len / sizeof(*to), n = 0, at;

	(void)c;
	pthread_mutex_lock(&files.lock);
	at = files.read;
	while (n < most && at != __atomic_load_n(&files.written, __ATOMIC_ACQUIRE)) {
		to[n++] = files.event[at++ % FILE_EVENTS];
		__atomic_store_n(&files.read, at, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&files.lock);
	if (n == 0 && __atomic_exchange_n(&files.lost, 0, __ATOMIC_ACQ_REL))
		return -EOVERFLOW;
	return n;
}

static void on_signal(int sig, siginfo_t *si, void *context)
{
	int saved = errno;
	struct vcpu *v = sandbox->vcpu[0];
	u64 *word, before;

	(void)context;
	if (own_fault(sig, si)) {
		signal(sig, SIG_DFL);
		return; /* the instruction faults again */
	}
	/*
	 * Sent by the monitor itself: SIGPIPE for a write (the guest makes its own from EPIPE), or
	 * a signal that the guest sent to its group and has delivered already (hostcall
	 * kill_outside).
	 */
	if (si->si_code == SI_USER && si->si_pid == getpid())
		return;
	if (file_signal(sig, si)) {
		sig = SIGIO; /* the guest fetches the event by hostcall file_events */
		si->si_code = SI_KERNEL;
	} else if (sig == SIGIO && si->si_code == SI_KERNEL) {
		/* The host could not queue a file's signal and sent a plain SIGIO instead. */
		__atomic_store_n(&files.lost, 1, __ATOMIC_RELEASE);
	}
	/* The terminal's keys, hang-ups and size changes are for the foreground group. */
	word = si->si_code == SI_KERNEL && (TERMINAL_SIGNALS >> sig & 1)
		       ? &v->data->signals_terminal
		       : &v->data->signals_arrived;
	before = __atomic_fetch_or(word, 1UL << (sig - 1), __ATOMIC_SEQ_CST);
	if (sig == SIGTERM)
		note_term(before >> (sig - 1) & 1);
	vcpu_notify(v);
	errno = saved;
}

/* Asks the kernel, because glibc hides the two signals that it uses itself. */
static bool is_ignored(int sig)
{
	struct {
		void (*handler)(int);
		unsigned long flags;
		void (*restorer)(void);
		u64 mask;
	} old;

	return !syscall(SYS_rt_sigaction, sig, NULL, &old, sizeof(old.mask)) &&
	       old.handler == SIG_IGN;
}

void outside_init(struct sandbox *s)
{
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	struct sigevent tick = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = VCPU_KICK_SIGNAL};
	sigset_t blocked, none;

	sandbox = s;
	tick.sigev_notify_thread_id = gettid();
	tick.sigev_value.sival_int = OUTSIDE_TICK;
	term.there = timer_create(CLOCK_MONOTONIC, &tick, &term.timer) == 0;
	sigfillset(&sa.sa_mask);
	for (int sig = 1; sig < NSIG; sig++) {
		if (sig == SIGKILL || sig == SIGSTOP || sig == VCPU_KICK_SIGNAL)
			continue;
		if (is_ignored(sig))
			s->boot->signals_ignored |= 1UL << (sig - 1);
		/* The guest makes SIGCHLD itself. The monitor's only child is the reporter. */
		if (sig == SIGCHLD)
			continue;
		/* glibc refuses this for its own two signals, whose actions stay unchanged. */
		sigaction(sig, &sa, NULL);
	}
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(&blocked, sig) == 1)
			s->boot->signals_blocked |= 1UL << (sig - 1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int outside_stop(int sig)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL}, old;
	sigset_t this, mask;

	if (sig != SIGSTOP && sig != SIGTSTP && sig != SIGTTIN && sig != SIGTTOU)
		return -EPERM;
	sigemptyset(&this);
	sigaddset(&this, sig);
	/*
	 * sigaction(2) fails for SIGSTOP, whose action is fixed. The host ignores the other signals
	 * in an orphaned process group.
	 */
	sigaction(sig, &dfl, &old);
	pthread_sigmask(SIG_UNBLOCK, &this, &mask);
	syscall(SYS_tgkill, getpid(), gettid(), sig);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	if (sig != SIGSTOP)
		sigaction(sig, &old, NULL);
	return 0;
}

bool outside_deadly(int sig)
{
	return sig > 0 && sig < NSIG && !(HARMLESS_SIGNALS >> sig & 1);
}

void outside_die(int sig)
{
	struct sigaction sa = {.sa_handler = SIG_DFL};
	sigset_t all;

	sigaction(sig, &sa, NULL);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	kill(getpid(), sig);
	/* Reached only for glibc's own signals, because glibc's sigaction refuses them. */
	_exit(128 + sig);
}
