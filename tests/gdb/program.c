// SPDX-License-Identifier: MIT
/* What tests/gdb/run debugs: one function for each of its cases, named by the first argument. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 7

struct pair {
	int a;
	double b;
	const char *name;
};

static volatile int counter, limit = 3;
static struct pair pair = {1, 2.5, "a pair"};
static pthread_barrier_t barrier;

__attribute__((noinline)) static int inner(int x)
{
	counter += x;
	return x * 2;
}

__attribute__((noinline)) static int outer(int x)
{
	int y = inner(x);

	y += inner(x + 1);
	return y;
}

static int calls(void)
{
	int sum = 0;

	for (int i = 0; i < limit; i++)
		sum += outer(i);
	printf("sum %d\n", sum);
	return pair.a ? sum & 63 : 0;
}

static void *worker(void *arg)
{
	pthread_barrier_wait(&barrier); /* all have begun */
	pthread_barrier_wait(&barrier);
	return arg;
}

static int threads(void)
{
	pthread_t thread[THREADS];

	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, worker, NULL);
	pthread_barrier_wait(&barrier);
	inner(100);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	inner(200);
	return 8;
}

static int forks(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		inner(1000);
		_exit(7);
	}
	waitpid(pid, &status, 0);
	inner(2000);
	return WEXITSTATUS(status);
}

static int vforks(void)
{
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	inner(2000);
	return status ? 1 : 9;
}

static int executes(void)
{
	execl("/proc/self/exe", "program", "calls", (char *)NULL);
	return 1;
}

/* Runs until its standard input ends. */
static int waits(void)
{
	char c;

	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 5;
}

static int spins(void)
{
	while (limit)
		counter++;
	return 0;
}

static void on_usr1(int sig)
{
	counter = sig;
}

static int signals(void)
{
	signal(SIGUSR1, on_usr1);
	raise(SIGUSR1);
	return counter == SIGUSR1 ? 4 : 1;
}

static int crashes(void)
{
	*(volatile int *)(long)(limit - 3) = 1;
	return 0;
}

/* Known values in registers of each kind. `stop_here` is where they are looked at. */
static int registers(void)
{
	static float floats[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

	__asm__ volatile("movabsq $0x1122334455667788, %%r12\n"
			 "movq $-2, %%r13\n"
			 "fldpi\n"
			 "fld1\n"
			 "movups (%0), %%xmm1\n"
			 "movups 16(%0), %%xmm15\n"
			 :
			 : "r"(floats)
			 : "r12", "r13", "xmm1", "xmm15", "memory");
	if (__builtin_cpu_supports("avx"))
		__asm__ volatile("vmovups (%0), %%ymm2\n" : : "r"(floats) : "xmm2");
	if (__builtin_cpu_supports("avx512f"))
		__asm__ volatile("vmovups (%0), %%zmm3\n"
				 "vmovups (%0), %%zmm20\n"
				 "movl $0xa5, %%eax\n"
				 "kmovw %%eax, %%k3\n"
				 :
				 : "r"(floats)
				 : "xmm3", "eax");
	__asm__ volatile(".globl stop_here\nstop_here: nop\nfninit\n" : : : "memory");
	return 0;
}

static int uses_after_free(void)
{
	int *volatile p = malloc(40); /* volatile: the compiler sees this bug, too */

	*p = counter;
	free(p);
	counter = *p;
	puts("went on");
	return 6;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} table[] = {
		{"calls", calls},	  {"threads", threads},	    {"forks", forks},
		{"vforks", vforks},	  {"executes", executes},   {"waits", waits},
		{"spins", spins},	  {"signals", signals},	    {"crashes", crashes},
		{"registers", registers}, {"bug", uses_after_free},
	};

	for (unsigned i = 0; argc > 1 && i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(argv[1], table[i].name) == 0)
			return table[i].run();
	return 2;
}
