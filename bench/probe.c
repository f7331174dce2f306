// SPDX-License-Identifier: MIT
/*
 * What the benchmark runs natively and in the sandbox: one figure per run, on stdout, as the time
 * of one operation in nanoseconds (loops, calls) or as bytes per second (read-big), and how many
 * operations there were.
 *
 *   probe integer | avx | chase | mutex | call | read-one | read-big FILE | touch | fork | vfork |
 *         thread | pipe
 *   probe idle | family N     waits for the end of its input; with N children that do the same
 *
 * The clock is read in the program itself, so that start-up does not count.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <immintrin.h>
#include <pthread.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB (1UL << 20)

static double scale = 1; /* of the number of turns: PROBE_SCALE, for slow machines */
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
	long n = turns(200000000);
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
	long n = turns(100000000);
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
	long cells = 64 * MIB / 64, n = turns(5000000), at = 0;
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
	long n = turns(50000);
	double start = now_ns();

	for (long i = 0; i < n; i++)
		syscall(SYS_getppid);
	return (now_ns() - start) / (double)n;
}

static double read_one(void)
{
	long n = turns(10000);
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

	memset(buf, 1, MIB);
	start = now_ns();
	for (int turn = 0; turn < 4; turn++) {
		lseek(fd, 0, SEEK_SET);
		while ((got = read(fd, buf, MIB)) > 0)
			total += (double)got;
	}
	done = (long)(total / (double)MIB);
	return total / ((now_ns() - start) / 1e9);
}

/* First touches of 16 MiB, page after page. */
static double touch(void)
{
	size_t size = 16 * MIB;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	double start = now_ns();

	for (size_t i = 0; i < size; i += 4096)
		p[i] = 1;
	done = (long)(size / 4096);
	return (now_ns() - start) / (double)(size / 4096);
}

/* Nobody else wants it: futex(2) is never called. */
static double mutex(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	long n = turns(50000000);
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
	long n = turns(100);
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

/* There and back between two processes. */
static double pipe_pong(void)
{
	long n = turns(5000);
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

/* Stays until stdin ends, with a mebibyte of its own: for looking at memory. */
static double idle(void)
{
	char *p = malloc(MIB), byte;

	memset(p, 1, MIB);
	__asm__ volatile("" : : "r"(p) : "memory"); /* it is used, whatever the compiler thinks */
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

/*
 * So many processes that run this program anew and wait. Prints what a child has for itself alone,
 * in KiB, where /proc says so.
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

static const struct {
	const char *name;
	double (*run)(void);
} figures[] = {
	{"integer", integer},	{"avx", avx},	     {"chase", chase},	  {"call", call},
	{"read-one", read_one}, {"touch", touch},    {"fork", fork_wait}, {"vfork", vfork_exec},
	{"thread", thread},	{"pipe", pipe_pong}, {"idle", idle},	  {"mutex", mutex},
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
	if (argc == 3 && !strcmp(argv[1], "family"))
		return (int)family(atoi(argv[2]));
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
