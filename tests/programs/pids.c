// SPDX-License-Identifier: MIT
/*
 * What --pids=20 allows: 20 processes and threads, including this one and zombies.
 * tests/bad-input/run runs it, because natively there is nothing to compare with.
 */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIDS  20
#define STACK 65536

static void reap_all(void)
{
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* Forks until fork fails. The children end at once, or by the signal. */
static int fork_all(bool stay, pid_t *pid)
{
	int n = 0;

	fflush(stdout);
	for (;; n++) {
		pid[n] = fork();
		if (pid[n] < 0)
			break;
		if (pid[n] == 0) {
			if (stay)
				pause();
			_exit(0);
		}
		NEED(n < PIDS);
	}
	NEED(errno == EAGAIN);
	return n;
}

CASE(processes_are_counted)
{
	pid_t pid[PIDS + 1];

	SHOW(fork_all(true, pid));
	for (int i = 0; i < PIDS - 1; i++)
		kill(pid[i], SIGKILL);
	reap_all();
}

CASE(zombies_are_counted)
{
	pid_t pid[PIDS + 1];

	SHOW(fork_all(false, pid));
	settle(50000);
	SHOW(fork_all(false, pid + 1));
	NEED(waitpid(pid[3], NULL, 0) == pid[3]);
	SHOW(fork_all(false, pid + 1));
	reap_all();
	SHOW(fork_all(false, pid));
	reap_all();
}

static pthread_barrier_t over;

static void *stay(void *arg)
{
	pthread_barrier_wait(&over);
	return arg;
}

CASE(threads_are_counted)
{
	pthread_t t[PIDS];
	pthread_attr_t attr;
	int n = 0, err;

	NEED(pthread_barrier_init(&over, NULL, PIDS) == 0);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	while ((err = pthread_create(&t[n], &attr, stay, NULL)) == 0 && n < PIDS - 1)
		n++;
	CHECK(err == EAGAIN);
	SHOW(n);
	SHOW(fork() == -1 && errno == EAGAIN);
	pthread_barrier_wait(&over);
	for (int i = 0; i < n; i++)
		NEED(pthread_join(t[i], NULL) == 0);
}

/*
 * A fork bomb: every child forks on, in a process group of its own. The group can be killed, and
 * then fork works again.
 */
CASE(fork_bomb)
{
	pid_t pid[PIDS + 1], bomb;

	fflush(stdout);
	bomb = fork();
	NEED(bomb >= 0);
	if (bomb == 0) {
		setpgid(0, 0);
		for (;;)
			fork();
	}
	setpgid(bomb, bomb);
	settle(300000);
	/* One kill(2) may miss a child that is being made. */
	while (kill(-bomb, SIGKILL) == 0)
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	NEED(errno == ESRCH);
	SHOW(fork_all(false, pid));
	reap_all();
}

CASE(the_limit_shows)
{
	struct rlimit r;

	NEED(getrlimit(RLIMIT_NPROC, &r) == 0);
	CHECK(r.rlim_cur <= PIDS && r.rlim_max <= PIDS);
	CHECK(sysconf(_SC_CHILD_MAX) <= PIDS);
}
