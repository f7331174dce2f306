// SPDX-License-Identifier: MIT
/*
 * Limits that Linux counts for each user, over all the user's processes, and not for a process:
 * RLIMIT_SIGPENDING and RLIMIT_MSGQUEUE. Children become users that nobody else is, which only root
 * can ask for.
 */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define USER	 61234 /* and the next one */
#define LIMIT	 5
#define SIGNAL	 (SIGRTMIN + 3)
#define MQ_LIMIT 20000

static int both[2], go_on[2];

static void become(uid_t user, int resource, rlim_t limit)
{
	struct rlimit r = {limit, limit};

	NEED(setrlimit(resource, &r) == 0);
	NEED(setresuid(user, user, user) == 0);
}

/* How many signals the process can queue for itself. */
static int queue_signals(void)
{
	sigset_t set;
	int n = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGNAL);
	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	while (n < 100 && sigqueue(getpid(), SIGNAL, (union sigval){.sival_int = n}) == 0)
		n++;
	return n;
}

static int make_timers(void)
{
	struct sigevent none = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGNAL};
	timer_t timer;
	int n = 0;

	while (n < 100 && timer_create(CLOCK_MONOTONIC, &none, &timer) == 0)
		n++;
	return n;
}

static int make_queues(void)
{
	struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 1000};
	char name[64];
	int n = 0;

	for (mqd_t q = 0; n < 100 && q >= 0; n += q >= 0) {
		snprintf(name, sizeof(name), "/users-%d-%d", (int)getpid(), n);
		q = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
		if (q >= 0)
			mq_unlink(name);
	}
	return n;
}

/*
 * What the first user's process gets, then another process of this user while the first still has
 * it, then one of another user, and one of the first user when the first process is gone.
 */
static void ask(int resource, rlim_t limit, int (*get)(void))
{
	static const int user[] = {0, 0, 1, 0};
	pid_t first = 0;
	char byte;

	if (geteuid() != 0) {
		printf("  only for root\n");
		return;
	}
	NEED(pipe(both) == 0 && pipe(go_on) == 0);
	for (int i = 0; i < 4; i++) {
		pid_t pid;

		if (i == 3) {
			NEED(write(go_on[1], "", 1) == 1 && waitpid(first, NULL, 0) == first);
			first = 0;
		}
		pid = start_child();
		if (pid == 0) {
			become(USER + (uid_t)user[i], resource, limit);
			printf("  process %d of user %d: %d\n", i, user[i], get());
			fflush(stdout);
			if (i == 0) {
				NEED(write(both[1], "", 1) == 1);
				NEED(read(go_on[0], &byte, 1) == 1);
			}
			_exit(0);
		}
		if (i == 0) {
			first = pid;
			NEED(read(both[0], &byte, 1) == 1);
		} else {
			NEED(waitpid(pid, NULL, 0) == pid);
		}
	}
	close(both[0]);
	close(both[1]);
	close(go_on[0]);
	close(go_on[1]);
}

CASE(queued_signals)
{
	ask(RLIMIT_SIGPENDING, LIMIT, queue_signals);
}

CASE(timers)
{
	ask(RLIMIT_SIGPENDING, LIMIT, make_timers);
}

static int signals_and_timers(void)
{
	int timers = make_timers();

	return 10 * timers + queue_signals();
}

CASE(timers_count_as_signals)
{
	ask(RLIMIT_SIGPENDING, LIMIT, signals_and_timers);
}

CASE(message_queues)
{
	ask(RLIMIT_MSGQUEUE, MQ_LIMIT, make_queues);
}
