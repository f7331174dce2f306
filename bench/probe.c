// SPDX-License-Identifier: MIT
/*
 * What the benchmark runs natively and in the sandbox: one figure per run, on stdout, as the time
 * of one operation in nanoseconds (loops, calls) or as bytes per second (read-big), and how many
 * operations there were.
 *
 *   probe integer | avx | chase | mutex | call | read-one | read-big FILE | touch | fork | vfork |
 *         thread | pipe | thread-pipe | thread-socket | futex | epoll
 *   probe open FILE           open, fstat, close
 *   probe idle | family N     waits for the end of its input; with N children that do the same
 *   probe sleepers N          the same with N threads that sleep in a futex
 *
 * The clock is read in the program itself, so that start-up does not count.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <immintrin.h>
#include <linux/futex.h>
#include <pthread.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB (1UL << 20)

static double scale = 1; /* scales the number of turns: PROBE_SCALE, for slow machines */
static long done = 1;	 /* operations of the figure */

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static long turns(long n)
{
	n = (long)((double)n * scale);
	return done = n > 0 ? n : 1;
}

static double integer(void)
{
	long n = turns(100000000);
	uint64_t x = 88172645463325252UL;
	double start = now_ns();

	for (long i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	__asm__ volatile("" : : "r"(x));
	return (now_ns() - start) / (double)n;
}

__attribute__((target("avx2,fma"))) static double avx(void)
{
	long n = turns(50000000);
	__m256 a = _mm256_set1_ps(1.0f), b = _mm256_set1_ps(0.999f), c = _mm256_set1_ps(0.001f);
	__m256 d = a;
	double start = now_ns();

	for (long i = 0; i < n; i++) {
		a = _mm256_fmadd_ps(a, b, c);
		d = _mm256_fmadd_ps(d, b, c);
	}
	a = _mm256_add_ps(a, d);
	__asm__ volatile("" : : "x"(a));
	return (now_ns() - start) / (double)n;
}

/* One cycle through 64 MiB in an order that no prefetcher follows. */
static double chase(void)
{
	long cells = 64 * MIB / 64, n = turns(2000000), at = 0;
	long(*cell)[8] =
		mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long *order = malloc((size_t)cells * sizeof(*order));
	uint64_t r = 1;
	double start;

	madvise(cell, 64 * MIB, MADV_HUGEPAGE);
	for (long i = 0; i < cells; i++)
		order[i] = i;
	for (long i = cells - 1; i > 0; i--) {
		long j, t;

		r = r * 6364136223846793005UL + 1442695040888963407UL;
		j = (long)((r >> 33) % (uint64_t)(i + 1));
		t = order[i];
		order[i] = order[j];
		order[j] = t;
	}
	for (long i = 0; i < cells; i++)
		cell[order[i]][0] = order[(i + 1) % cells];
	start = now_ns();
	for (long i = 0; i < n; i++)
		at = cell[at][0];
	__asm__ volatile("" : : "r"(at));
	return (now_ns() - start) / (double)n;
}

static double call(void)
{
	long n = turns(20000);
	double start = now_ns();

	for (long i = 0; i < n; i++)
		syscall(SYS_getppid);
	return (now_ns() - start) / (double)n;
}

static double read_one(void)
{
	long n = turns(5000);
	int fd = open("/dev/zero", O_RDONLY);
	char byte;
	double start = now_ns();

	for (long i = 0; i < n; i++)
		if (read(fd, &byte, 1) != 1)
			exit(1);
	return (now_ns() - start) / (double)n;
}

static double read_big(const char *path)
{
	char *buf = malloc(MIB);
	double total = 0, start;
	int fd = open(path, O_RDONLY);
	ssize_t got;
	long n;

	memset(buf, 1, MIB);
	n = turns(256);
	start = now_ns();
	for (long i = 0; i < n; i++) {
		got = read(fd, buf, MIB);
		if (got <= 0 && (lseek(fd, 0, SEEK_SET) < 0 || (got = read(fd, buf, MIB)) <= 0))
			exit(1);
		total += (double)got;
	}
	return total / ((now_ns() - start) / 1e9);
}

static double open_stat_close(const char *path)
{
	struct stat st;
	double start;
	long n = turns(20000);

	start = now_ns();
	for (long i = 0; i < n; i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || fstat(fd, &st) || close(fd))
			exit(1);
	}
	return (now_ns() - start) / (double)n;
}

/* First touches of 16 MiB at most, page after page. */
static double touch(void)
{
	size_t size = (size_t)turns(16 * MIB / 4096) * 4096;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	double start = now_ns();

	for (size_t i = 0; i < size; i += 4096)
		p[i] = 1;
	return (now_ns() - start) / (double)done;
}

/* No other thread wants the mutex, so futex(2) is never called. */
static double mutex(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	long n = turns(25000000);
	double start = now_ns();

	for (long i = 0; i < n; i++) {
		pthread_mutex_lock(&lock);
		pthread_mutex_unlock(&lock);
	}
	return (now_ns() - start) / (double)n;
}

static double fork_wait(void)
{
	long n = turns(200);
	double start = now_ns();

	for (long i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			exit(1);
		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	return (now_ns() - start) / (double)n;
}

static double vfork_exec(void)
{
	long n = turns(50);
	char *argv[] = {"true", NULL}, *envp[] = {NULL};
	double start = now_ns();

	for (long i = 0; i < n; i++) {
		pid_t pid;

		if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, envp))
			exit(1);
		waitpid(pid, NULL, 0);
	}
	return (now_ns() - start) / (double)n;
}

static void *nothing(void *arg)
{
	return arg;
}

static double thread(void)
{
	long n = turns(1000);
	double start = now_ns();

	for (long i = 0; i < n; i++) {
		pthread_t t;

		if (pthread_create(&t, NULL, nothing, NULL))
			exit(1);
		pthread_join(t, NULL);
	}
	return (now_ns() - start) / (double)n;
}

/* There and back through pipes between two processes. */
static double pipe_pong(void)
{
	long n = turns(2000);
	int to[2], from[2];
	char byte = 0;
	double start;
	pid_t pid;

	if (pipe(to) || pipe(from) || (pid = fork()) < 0)
		exit(1);
	if (pid == 0) {
		close(to[1]);
		while (read(to[0], &byte, 1) == 1)
			if (write(from[1], &byte, 1) != 1)
				break;
		_exit(0);
	}
	start = now_ns();
	for (long i = 0; i < n; i++)
		if (write(to[1], &byte, 1) != 1 || read(from[0], &byte, 1) != 1)
			exit(1);
	start = (now_ns() - start) / (double)n;
	close(to[1]);
	waitpid(pid, NULL, 0);
	return start;
}

/* The data of the second thread of thread_pong and futex_pong. */
static int pong_to[2], pong_from[2];
static uint32_t turn; /* whose turn it is: 0 the first thread's, 1 the second's, 2 the end */

static void *pipe_echo(void *arg)
{
	char byte;

	while (read(pong_to[0], &byte, 1) == 1)
		if (write(pong_from[1], &byte, 1) != 1)
			exit(1);
	return arg;
}

/* There and back between two threads of a process, over pong_to and pong_from. */
static double echo_pong(void)
{
	long n = turns(2000);
	pthread_t t;
	char byte = 0;
	double start;

	if (pthread_create(&t, NULL, pipe_echo, NULL))
		exit(1);
	start = now_ns();
	for (long i = 0; i < n; i++)
		if (write(pong_to[1], &byte, 1) != 1 || read(pong_from[0], &byte, 1) != 1)
			exit(1);
	start = (now_ns() - start) / (double)n;
	close(pong_to[1]);
	pthread_join(t, NULL);
	return start;
}

static double thread_pong(void)
{
	if (pipe(pong_to) || pipe(pong_from))
		exit(1);
	return echo_pong();
}

/* The same over a pair of unix sockets. */
static double socket_pong(void)
{
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		exit(1);
	pong_to[0] = pong_from[1] = s[1];
	pong_to[1] = pong_from[0] = s[0];
	return echo_pong();
}

/* Gives the turn to the other thread. */
static void hand_over(uint32_t to)
{
	__atomic_store_n(&turn, to, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* Sleeps while it is that thread's turn. Returns whose turn it is then. */
static uint32_t await(uint32_t other)
{
	uint32_t now;

	while ((now = __atomic_load_n(&turn, __ATOMIC_SEQ_CST)) == other)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, other, NULL, NULL, 0);
	return now;
}

static void *futex_echo(void *arg)
{
	while (await(0) == 1)
		hand_over(0);
	return arg;
}

/* There and back between two threads by FUTEX_WAKE and FUTEX_WAIT, without any spinning. */
static double futex_pong(void)
{
	long n = turns(2000);
	pthread_t t;
	double start;

	if (pthread_create(&t, NULL, futex_echo, NULL))
		exit(1);
	start = now_ns();
	for (long i = 0; i < n; i++) {
		hand_over(1);
		await(1);
	}
	start = (now_ns() - start) / (double)n;
	hand_over(2);
	pthread_join(t, NULL);
	return start;
}

#define EPOLL_FILES 100

/* One of a hundred pipes is made ready, found by epoll_wait, and emptied. */
static double epoll_one(void)
{
	long n = turns(2000);
	int to[EPOLL_FILES][2], fd = epoll_create1(0);
	char byte = 0;
	double start;

	for (int i = 0; i < EPOLL_FILES; i++) {
		struct epoll_event e = {.events = EPOLLIN, .data.u32 = (uint32_t)i};

		if (pipe(to[i]) || epoll_ctl(fd, EPOLL_CTL_ADD, to[i][0], &e))
			exit(1);
	}
	start = now_ns();
	for (long i = 0; i < n; i++) {
		uint32_t which = (uint32_t)(i * 37 % EPOLL_FILES);
		struct epoll_event e;

		if (write(to[which][1], &byte, 1) != 1 || epoll_wait(fd, &e, 1, -1) != 1 ||
		    e.data.u32 != which || read(to[which][0], &byte, 1) != 1)
			exit(1);
	}
	return (now_ns() - start) / (double)n;
}

/* Stays until stdin ends, with a mebibyte of its own, so that its memory can be measured. */
static double idle(void)
{
	char *p = malloc(MIB), byte;

	memset(p, 1, MIB);
	__asm__ volatile("" : : "r"(p) : "memory"); /* It is used, whatever the optimizer does. */
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

/*
 * Makes this many processes that execute this program again and wait. Prints what a child has for
 * itself alone, in KiB, where /proc tells it.
 */
static double family(int children)
{
	char *argv[] = {"probe", "idle", NULL}, *envp[] = {NULL}, path[64], line[128], byte;
	pid_t *child = calloc((size_t)children, sizeof(*child));
	long own = 0, kib;
	FILE *rollup;
	int ready[2];

	if (!child || pipe(ready))
		exit(1);
	for (int i = 0; i < children; i++) {
		posix_spawn_file_actions_t actions;

		posix_spawn_file_actions_init(&actions);
		posix_spawn_file_actions_adddup2(&actions, ready[1], STDOUT_FILENO);
		if (posix_spawn(&child[i], "/proc/self/exe", &actions, NULL, argv, envp) ||
		    read(ready[0], line, sizeof(line)) <= 0)
			exit(1);
		posix_spawn_file_actions_destroy(&actions);
	}
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", children ? child[0] : getpid());
	rollup = fopen(path, "r");
	while (rollup && fgets(line, sizeof(line), rollup))
		if (sscanf(line, "Private_Clean: %ld", &kib) == 1 ||
		    sscanf(line, "Private_Dirty: %ld", &kib) == 1)
			own += kib;
	printf("ready %ld\n", own);
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	for (int i = 0; i < children; i++)
		waitpid(child[i], NULL, 0);
	return 0;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_opens = PTHREAD_COND_INITIALIZER, arrived = PTHREAD_COND_INITIALIZER;
static int asleep, is_open;

static void *sleep_at_gate(void *arg)
{
	pthread_mutex_lock(&gate);
	asleep++;
	pthread_cond_signal(&arrived);
	while (!is_open)
		pthread_cond_wait(&gate_opens, &gate);
	pthread_mutex_unlock(&gate);
	return arg;
}

static int sleepers(int count)
{
	pthread_t *thread = calloc((size_t)count, sizeof(*thread));
	pthread_attr_t small;
	char byte;

	if (!thread || pthread_attr_init(&small) ||
	    pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN))
		return 1;
	for (int i = 0; i < count; i++)
		if (pthread_create(&thread[i], &small, sleep_at_gate, NULL))
			return 1;
	pthread_mutex_lock(&gate);
	while (asleep < count)
		pthread_cond_wait(&arrived, &gate);
	pthread_mutex_unlock(&gate);
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	pthread_mutex_lock(&gate);
	is_open = 1;
	pthread_cond_broadcast(&gate_opens);
	pthread_mutex_unlock(&gate);
	for (int i = 0; i < count; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

static const struct {
	const char *name;
	double (*run)(void);
} figures[] = {
	{"integer", integer},  {"avx", avx},
	{"chase", chase},      {"mutex", mutex},
	{"call", call},	       {"read-one", read_one},
	{"touch", touch},      {"fork", fork_wait},
	{"vfork", vfork_exec}, {"thread", thread},
	{"pipe", pipe_pong},   {"thread-pipe", thread_pong},
	{"futex", futex_pong}, {"epoll", epoll_one},
	{"idle", idle},	       {"thread-socket", socket_pong},
};

int main(int argc, char **argv)
{
	const char *s = getenv("PROBE_SCALE");

	if (s)
		scale = atof(s);
	if (argc == 3 && !strcmp(argv[1], "read-big")) {
		double rate = read_big(argv[2]);

		printf("%.1f %ld\n", rate, done);
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "open")) {
		double value = open_stat_close(argv[2]);

		printf("%.3f %ld\n", value, done);
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "family"))
		return (int)family(atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "sleepers"))
		return sleepers(atoi(argv[2]));
	for (size_t i = 0; argc == 2 && i < sizeof(figures) / sizeof(figures[0]); i++) {
		if (!strcmp(argv[1], figures[i].name)) {
			double value = figures[i].run();

			printf("%.3f %ld\n", value, done);
			return 0;
		}
	}
	fprintf(stderr, "probe: no such figure\n");
	return 2;
}
