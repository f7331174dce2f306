// SPDX-License-Identifier: MIT
/*
 * Which process dies when the sandbox's RAM is used up, and which go on. It runs with 64 MiB
 * (buffervm --mem=64M) from tests/bad-input/run, because natively there is nothing to compare with.
 * In each case a hog of 36 MiB does something; then another process wants 28 MiB. The hog has to
 * die, whatever it does, and the other process gets its memory.
 */
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB   (1UL << 20)
#define HOG   (36 * MIB)
#define WANTS (28 * MIB)

static void touch(volatile char *p, size_t size)
{
	for (size_t i = 0; i < size; i += 4096)
		p[i] = 1;
}

static char *map(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(p != MAP_FAILED);
	return p;
}

static void grow(size_t size)
{
	touch(map(size), size);
}

static int end_of(pid_t pid)
{
	int status;

	NEED(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* Makes a child that reports when it is ready (.said) and then runs this. */
struct child {
	pid_t pid;
	int said;
};

static struct child start(void (*prepare)(void), void (*run)(void))
{
	struct child c;
	int p[2];

	fflush(stdout);
	NEED(pipe(p) == 0);
	c.pid = fork();
	NEED(c.pid >= 0);
	if (c.pid == 0) {
		prepare();
		if (write(p[1], "r", 1) != 1)
			_exit(1);
		close(p[1]);
		run();
		_exit(7);
	}
	close(p[1]);
	c.said = p[0];
	return c;
}

static void wait_ready(struct child *c)
{
	char ready;

	CHECK(read(c->said, &ready, 1) == 1);
	close(c->said);
}

static void be_hog(void)
{
	grow(HOG);
}

static void nothing(void) {}

static void want(void)
{
	grow(WANTS);
}

/* The hog runs this. The process that wants memory gets it. */
static void hog_goes(void (*run)(void))
{
	struct child hog = start(be_hog, run), other;

	wait_ready(&hog);
	other = start(nothing, want);
	wait_ready(&other);
	SHOW(end_of(other.pid));
	SHOW(end_of(hog.pid));
}

static void sleep_in_read(void)
{
	int p[2];
	char c;

	if (pipe(p) || read(p[0], &c, 1))
		_exit(1);
}

CASE(hog_sleeps_in_a_call)
{
	hog_goes(sleep_in_read);
}

static void spin(void)
{
	for (;;)
		__asm__ volatile("" ::: "memory");
}

CASE(hog_computes)
{
	hog_goes(spin);
}

static void *spin_thread(void *arg)
{
	(void)arg;
	spin();
	return NULL;
}

static void *sleep_thread(void *arg)
{
	(void)arg;
	sleep_in_read();
	return NULL;
}

static void *map_thread(void *arg)
{
	while (!arg) {
		char *p = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);

		if (p == MAP_FAILED)
			continue;
		p[0] = 1;
		mprotect(p, 1 << 16, PROT_READ);
		munmap(p, 1 << 16);
	}
	return NULL;
}

static void many_threads(void)
{
	void *(*const run[])(void *) = {spin_thread, sleep_thread, map_thread, map_thread};
	pthread_t t;

	for (unsigned i = 0; i < sizeof(run) / sizeof(run[0]); i++)
		if (pthread_create(&t, NULL, run[i], NULL))
			_exit(1);
	pause();
}

CASE(hog_has_threads)
{
	hog_goes(many_threads);
}

static void stop_itself(void)
{
	raise(SIGSTOP);
}

CASE(hog_is_stopped)
{
	hog_goes(stop_itself);
}

static void ignore_all(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (;;)
		pause();
}

CASE(hog_blocks_signals)
{
	hog_goes(ignore_all);
}

static int pause_for_ever(void *arg)
{
	while (!arg)
		pause();
	return 0;
}

/* It waits for a child of vfork(2), which shares its memory and dies with it. */
static void wait_for_vfork(void)
{
	static char stack[16384] __attribute__((aligned(16)));

	clone(pause_for_ever, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
}

CASE(hog_waits_for_vfork)
{
	hog_goes(wait_for_vfork);
}

static void grow_for_ever(void)
{
	for (;;)
		grow(MIB);
}

CASE(bomb_kills_itself)
{
	struct child bomb = start(nothing, grow_for_ever);

	wait_ready(&bomb);
	SHOW(end_of(bomb.pid));
}

static void *grow_thread(void *arg)
{
	(void)arg;
	grow_for_ever();
	return NULL;
}

static void grow_in_threads(void)
{
	pthread_t t;

	for (int i = 0; i < 4; i++)
		if (pthread_create(&t, NULL, grow_thread, NULL))
			_exit(1);
	grow_for_ever();
}

CASE(bomb_has_threads)
{
	struct child bomb = start(nothing, grow_in_threads);

	wait_ready(&bomb);
	SHOW(end_of(bomb.pid));
}

/* The kernel touches the pages, in a system call of the program. */
static void grow_in_reads(void)
{
	int zero = open("/dev/zero", O_RDONLY);

	for (;;)
		if (read(zero, map(MIB), MIB) != (ssize_t)MIB)
			_exit(1);
}

CASE(bomb_reads)
{
	struct child bomb = start(nothing, grow_in_reads);

	wait_ready(&bomb);
	SHOW(end_of(bomb.pid));
}

/* A write copies what fork(2) left shared. */
static void copy_on_write(void)
{
	char *p = map(HOG);
	pid_t pid;

	touch(p, HOG);
	pid = fork();
	if (pid == 0) {
		touch(p, HOG);
		_exit(3);
	}
	if (pid < 0)
		_exit(1);
	end_of(pid);
	_exit(4);
}

/* Both have the same size: one of them dies. */
CASE(copies_do_not_fit)
{
	struct child c = start(nothing, copy_on_write);
	int end;

	wait_ready(&c);
	end = end_of(c.pid);
	CHECK(end == -SIGKILL || end == 4);
}

/*
 * Six processes of 16 MiB, each growing at its own pace, then waiting. Some have to die, and some
 * get their memory.
 */
static int growing[2], gate[2];

static void grow_slowly(void)
{
	char byte;

	close(growing[0]);
	close(gate[1]);
	for (int i = 0; i < 16; i++) {
		grow(MIB);
		settle(1000);
	}
	close(growing[1]);
	if (read(gate[0], &byte, 1) != 0)
		_exit(1);
}

CASE(several_at_once)
{
	struct child c[6];
	int killed = 0, done = 0;
	char byte;

	NEED(pipe(growing) == 0 && pipe(gate) == 0);
	for (int i = 0; i < 6; i++)
		c[i] = start(nothing, grow_slowly);
	close(growing[1]);
	CHECK(read(growing[0], &byte, 1) == 0); /* all have grown, or were killed */
	close(gate[1]);
	for (int i = 0; i < 6; i++) {
		int end;

		wait_ready(&c[i]);
		end = end_of(c[i].pid);
		killed += end == -SIGKILL;
		done += end == 7;
	}
	CHECK(killed + done == 6 && killed >= 1 && done >= 1);
	close(growing[0]);
	close(gate[0]);
}

static void adjust(const char *value)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		_exit(1);
	close(fd);
}

static long score(void)
{
	char text[32] = "";
	int fd = open("/proc/self/oom_score", O_RDONLY);

	NEED(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return atol(text);
}

static void volunteer(void)
{
	adjust("1000");
	grow(MIB);
}

/* The process that asked for it by oom_score_adj dies first, although it is small. */
CASE(score_adj_chooses)
{
	struct child small = start(volunteer, ignore_all);
	struct child bomb;
	long plain = score();

	CHECK(plain > 0 && plain < 1000);
	wait_ready(&small);
	bomb = start(nothing, grow_for_ever);
	wait_ready(&bomb);
	SHOW(end_of(small.pid));
	SHOW(end_of(bomb.pid));
}

/* fork(2) when nothing is left returns an error or a child, and does no other harm. */
CASE(forks_meanwhile)
{
	struct child bomb = start(nothing, grow_for_ever);
	int failed = 0, status;

	wait_ready(&bomb);
	while (waitpid(bomb.pid, &status, WNOHANG) == 0) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid < 0)
			failed += errno != EAGAIN && errno != ENOMEM;
		else
			NEED(waitpid(pid, NULL, 0) == pid);
	}
	CHECK(failed == 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
