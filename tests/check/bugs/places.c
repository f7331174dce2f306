// SPDX-License-Identifier: MIT
/*
 * The same few bugs in places where a checker can lose track: threads, signal handlers, children,
 * other images, loaded libraries, before main and after it, deep stacks.
 */
#define _GNU_SOURCE
#include "bug.h"

#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static void read_released(void)
{
	int *p = calloc(8, 4);
	if (bad)
		free(p);
	sink = *(volatile int *)hide(p);
	if (!bad)
		free(p);
}

static void write_past(void)
{
	char *p = malloc(48);
	((volatile char *)hide(p))[bad ? 48 : 47] = 1;
	free(p);
}

static void in_thread(void (*call)(void))
{
	pthread_t thread;
	pthread_create(&thread, NULL, (void *(*)(void *))(uintptr_t)call, NULL);
	pthread_join(thread, NULL);
}

BUG(thread, "heap-use-after-free read 4 at 0 of 32; in=read_released,..; alloc=read_released,..; "
	    "free=read_released,..")
{
	in_thread(read_released);
}

BUG(thread_overflow, "heap-overflow write 1 at 48 of 48; in=write_past,..; alloc=write_past,..")
{
	in_thread(write_past);
}

static void *made_elsewhere, *(*make_elsewhere)(size_t) = malloc;

static void make(void)
{
	made_elsewhere = make_elsewhere(80);
}

static void drop(void)
{
	free(made_elsewhere);
}

BUG(three_threads, "heap-use-after-free write 1 at 10 of 80; alloc=make,..; free=drop,..")
{
	in_thread(make);
	if (bad)
		in_thread(drop);
	((volatile char *)made_elsewhere)[10] = 1;
	if (!bad)
		in_thread(drop);
}

enum { CROWD = 16 };
static pthread_barrier_t barrier;

static void *work(void *number)
{
	void *mine[64];
	pthread_barrier_wait(&barrier);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 64; i++)
			mine[i] = malloc(16 + i);
		for (int i = 0; i < 64; i++)
			free(mine[i]);
	}
	if ((intptr_t)number == CROWD / 2)
		write_past();
	return NULL;
}

BUG(one_of_sixteen_threads, "heap-overflow write 1 at 48 of 48; in=write_past,work,..; "
			    "alloc=write_past,work,..")
{
	pthread_t thread[CROWD];
	pthread_barrier_init(&barrier, NULL, CROWD);
	for (intptr_t i = 0; i < CROWD; i++)
		pthread_create(&thread[i], NULL, work, (void *)i);
	for (int i = 0; i < CROWD; i++)
		pthread_join(thread[i], NULL);
}

static void on_signal(int number)
{
	(void)number;
	write_past();
}

BUG(signal_handler, "heap-overflow write 1 at 48 of 48; in=write_past,on_signal,..; "
		    "alloc=write_past,on_signal,..")
{
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
}

BUG(signal_on_own_stack, "heap-overflow write 1 at 48 of 48; in=write_past,on_signal,..; "
			 "alloc=write_past,on_signal,..")
{
	static char space[65536];
	stack_t stack = {.ss_sp = space, .ss_size = sizeof(space)};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
}

static sigjmp_buf back;

static void jump_back(int number)
{
	siglongjmp(back, number);
}

/* The program handles SIGSEGV itself. The bug is reported nevertheless. */
BUG(handles_faults, "heap-use-after-free read 4 at 0 of 32; in=read_released,handles_faults; "
		    "alloc=read_released,handles_faults; free=read_released,handles_faults")
{
	signal(SIGSEGV, jump_back);
	if (sigsetjmp(back, 1) == 0)
		read_released();
}

static void wait_for(pid_t child)
{
	int status;
	if (child < 0)
		abort();
	waitpid(child, &status, 0);
}

BUG(forked_child, "heap-use-after-free read 4 at 0 of 32; in=read_released,forked_child; "
		  "alloc=read_released,forked_child; free=read_released,forked_child")
{
	pid_t child = fork();
	if (child == 0) {
		read_released();
		_exit(0);
	}
	wait_for(child);
}

BUG(object_from_before_fork,
    "heap-use-after-free read 4 at 4 of 32; alloc=object_from_before_fork; "
    "free=object_from_before_fork")
{
	int *p = calloc(8, 4);
	pid_t child = fork();
	if (child == 0) {
		if (bad)
			free(p);
		sink = ((volatile int *)hide(p))[1];
		_exit(0);
	}
	wait_for(child);
	sink = p[1]; /* still the parent's */
	free(p);
}

BUG(grandchild, "heap-overflow write 1 at 48 of 48; in=write_past,grandchild; "
		"alloc=write_past,grandchild")
{
	pid_t child = fork();
	if (child == 0) {
		child = fork();
		if (child == 0) {
			write_past();
			_exit(0);
		}
		wait_for(child);
		_exit(0);
	}
	wait_for(child);
}

BUG(vfork_child_execs, "heap-use-after-free read 4 at 0 of 32; in=read_released,handles_faults; "
		       "alloc=read_released,handles_faults; free=read_released,handles_faults")
{
	pid_t child = vfork();
	if (child == 0) {
		if (bad)
			execl(bug_program, bug_program, "handles_faults", NULL);
		else
			execl(bug_program, bug_program, "-c", "handles_faults", NULL);
		_exit(127);
	}
	wait_for(child);
}

BUG(after_exec, "heap-use-after-free read 4 at 0 of 32; in=read_released,after_exec; "
		"alloc=read_released,after_exec; free=read_released,after_exec")
{
	if (bug_args[0]) {
		read_released();
		return;
	}
	free(malloc(100));
	if (bad)
		execl(bug_program, bug_program, "after_exec", "again", NULL);
	else
		execl(bug_program, bug_program, "-c", "after_exec", "again", NULL);
	abort();
}

BUG(without_environment,
    "heap-use-after-free read 4 at 0 of 32; in=read_released,without_environment; "
    "alloc=read_released,without_environment; "
    "free=read_released,without_environment")
{
	static char *none[] = {NULL};
	char *again[] = {(char *)bug_program, "-c", "without_environment", "again", NULL};
	if (bug_args[0]) {
		read_released();
		return;
	}
	if (bad) {
		again[1] = again[2];
		again[2] = again[3];
		again[3] = NULL;
	}
	execve(bug_program, again, none);
	abort();
}

#ifndef BUG_STATIC
BUG(loaded_library, "heap-overflow read 1 at 16 of 16; in=plugin_read,loaded_library; "
		    "alloc=plugin_make,loaded_library")
{
	char path[4096];
	char *(*plugin_make)(size_t);
	int (*plugin_read)(char *, size_t);
	snprintf(path, sizeof(path), "%s.plugin.so", bug_program);
	void *handle = dlopen(path, RTLD_NOW);
	if (!handle) {
		fprintf(stderr, "%s\n", dlerror());
		exit(2);
	}
	plugin_make = (char *(*)(size_t))dlsym(handle, "plugin_make");
	plugin_read = (int (*)(char *, size_t))dlsym(handle, "plugin_read");
	char *p = plugin_make(16);
	sink = plugin_read(p, bad ? 16 : 15);
	free(p);
}
#endif

#ifdef __GLIBC__ /* glibc gives constructors the arguments. musl does not, and has no contexts. */
static bool asked_for(const char *name, char **argv)
{
	if (argv[1] && strcmp(argv[1], "-c") == 0)
		argv++;
	else
		bad = true;
	return argv[1] && strcmp(argv[1], name) == 0;
}

static char *before_main;

__attribute__((constructor)) static void construct(int argc, char **argv)
{
	(void)argc;
	if (asked_for("constructor", argv))
		read_released();
	if (asked_for("made_by_constructor", argv))
		before_main = malloc(32);
	bad = false;
}

BUG(constructor, "heap-use-after-free read 4 at 0 of 32; in=read_released,construct; "
		 "alloc=read_released,construct; free=read_released,construct")
{
}

BUG(made_by_constructor, "heap-overflow write 1 at 32 of 32; alloc=construct,..")
{
	((volatile char *)before_main)[bad ? 32 : 31] = 1;
	free(before_main);
}

static ucontext_t main_context, other_context;

static void on_other_stack(void)
{
	write_past();
}

BUG(switched_stack, "heap-overflow write 1 at 48 of 48; in=write_past,on_other_stack,..; "
		    "alloc=write_past,on_other_stack,..")
{
	char *stack = malloc(65536);
	getcontext(&other_context);
	other_context.uc_stack.ss_sp = stack;
	other_context.uc_stack.ss_size = 65536;
	other_context.uc_link = &main_context;
	makecontext(&other_context, on_other_stack, 0);
	swapcontext(&main_context, &other_context);
	free(stack);
}
#endif

BUG(at_exit, "heap-use-after-free read 4 at 0 of 32; in=read_released,..; alloc=read_released,..; "
	     "free=read_released,..")
{
	atexit(read_released);
}

static pthread_key_t key;

static void end_of_thread(void *p)
{
	free(p);
	if (bad)
		sink = *(volatile char *)hide(p);
}

static void use_key(void)
{
	pthread_setspecific(key, calloc(1, 24));
}

BUG(end_of_thread_data,
    "heap-use-after-free read 1 at 0 of 24; in=end_of_thread,..; alloc=use_key,..; "
    "free=end_of_thread,..")
{
	pthread_key_create(&key, end_of_thread);
	in_thread(use_key);
}

static void deep(int depth)
{
	volatile char frame[64];
	frame[0] = depth;
	if (depth == 0)
		read_released();
	else
		deep(depth - 1);
	sink = frame[0];
}

BUG(deep_recursion, "heap-use-after-free read 4 at 0 of 32; in=read_released,deep,deep; "
		    "alloc=read_released,deep,deep; free=read_released,deep,deep")
{
	deep(10000);
}

static atomic_bool detached_is_done;

static void *read_released_detached(void *arg)
{
	read_released();
	detached_is_done = true;
	return arg;
}

BUG(detached_thread, "heap-use-after-free read 4 at 0 of 32; in=read_released,..; "
		     "alloc=read_released,..; free=read_released,..")
{
	pthread_t thread;
	pthread_create(&thread, NULL, read_released_detached, NULL);
	pthread_detach(thread);
	while (!detached_is_done)
		usleep(1000);
}
