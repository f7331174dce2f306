// SPDX-License-Identifier: MIT
/*
 * execve(2): what it refuses, and what survives of the old program. A case that replaces the
 * program has a second half, a case of its own, which the first half passes as argument.
 */
#include "check.h"
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Both macros are for an execve that fails. If it succeeds, nothing after it runs. */
static long try(const char *path, char **argv, char **envp)
{
	return execve(path, argv, envp);
}

static void make_file(const char *name, const char *content, size_t size, int mode)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	NEED(fd >= 0 && write(fd, content, size) == (ssize_t)size);
	NEED(fchmod(fd, mode) == 0 && close(fd) == 0);
}

static void make_script(const char *name, const char *content)
{
	make_file(name, content, strlen(content), 0755);
}

CASE(files_that_cannot_be_executed)
{
	char *argv[] = {"x", NULL};
	char path[PATH_MAX + 10];

	SHOW(try("missing", argv, environ));
	SHOW(try("", argv, environ));
	SHOW(try(".", argv, environ));
	SHOW(try("/etc/passwd/x", argv, environ));
	SHOW(try("/dev/null", argv, environ));
	make_file("plain", "echo hello\n", 11, 0755);
	SHOW(try("plain", argv, environ));
	make_file("empty", "", 0, 0755);
	SHOW(try("empty", argv, environ));
	make_file("mode", "#!/bin/true\n", 12, 0644);
	SHOW(try("mode", argv, environ));
	NEED(symlink("loop", "loop") == 0);
	SHOW(try("loop", argv, environ));
	NEED(mkfifo("fifo", 0755) == 0);
	SHOW(try("fifo", argv, environ));
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	SHOW(try(path, argv, environ));
	make_file("elf", "\177ELF\2\1\1", 7, 0755);
	SHOW(try("elf", argv, environ));
}

CASE(scripts_that_cannot_be_executed)
{
	char *argv[] = {"x", NULL};
	char line[300];

	make_script("nothing", "#!\n");
	SHOW(try("nothing", argv, environ));
	make_script("blanks", "#! \t \n/bin/true");
	SHOW(try("blanks", argv, environ));
	make_script("missing", "#!/no/such/interpreter\n");
	SHOW(try("missing", argv, environ));
	make_script("directory", "#!/etc\n");
	SHOW(try("directory", argv, environ));
	memset(line, 'x', sizeof(line));
	memcpy(line, "#!/", 3);
	line[sizeof(line) - 1] = '\0';
	make_script("long", line);
	SHOW(try("long", argv, environ));
	make_script("self", "#!self\n");
	SHOW(try("self", argv, environ));
}

CASE(memory_that_is_not_there)
{
	char *argv[] = {"x", NULL}, *wild[] = {"x", (char *)8, NULL};
	char **edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(edge != MAP_FAILED && munmap((char *)edge + 4096, 4096) == 0);
	SHOW(try((char *)8, argv, environ));
	SHOW(try("/bin/true", (char **)8, environ));
	SHOW(try("/bin/true", wild, environ));
	SHOW(try("/bin/true", argv, wild));
	/* An array without its NULL ends at an unmapped page. */
	edge[511] = "x";
	SHOW(try("/bin/true", edge + 511, environ));
	memset((char *)edge + 4000, 'x', 96);
	wild[1] = (char *)edge + 4000;
	SHOW(try("/bin/true", wild, environ));
}

CASE(too_many_arguments)
{
	enum { LONGEST = 32 * 4096 }; /* as long as MAX_ARG_STRLEN */
	char *longer = malloc(LONGEST + 1), **many = calloc(300001, sizeof(*many));
	char *argv[] = {"x", longer, NULL};

	NEED(longer && many);
	memset(longer, 'x', LONGEST);
	longer[LONGEST] = '\0';
	SHOW(try("/bin/true", argv, environ));
	SHOW(try("missing", argv, environ));
	argv[1] = NULL;
	SHOW(try("/bin/true", argv, (char *[]){longer, NULL}));
	/* 2 MiB of pointers are a quarter of the stack's limit. */
	for (int i = 0; i < 300000; i++)
		many[i] = "";
	SHOW(try("/bin/true", many, environ));
	/* 40 strings, each of which fits by itself. */
	longer[LONGEST - 1] = '\0';
	for (int i = 0; i < 40; i++)
		many[i] = longer;
	many[40] = NULL;
	SHOW(try("/bin/true", many, environ));
	free(many);
	free(longer);
}

CASE(execveat_flags)
{
	char *argv[] = {"x", NULL};
	int dir = open("/etc", O_RDONLY | O_DIRECTORY), script;

	NEED(dir >= 0);
	SHOW(syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, environ, 0x8000));
	SHOW(syscall(SYS_execveat, AT_FDCWD, "", argv, environ, 0));
	SHOW(syscall(SYS_execveat, AT_FDCWD, "", argv, environ, AT_EMPTY_PATH));
	SHOW(syscall(SYS_execveat, dir, "", argv, environ, AT_EMPTY_PATH));
	SHOW(syscall(SYS_execveat, 99, "x", argv, environ, 0));
	SHOW(syscall(SYS_execveat, 99, "", argv, environ, AT_EMPTY_PATH));
	SHOW(syscall(SYS_execveat, dir, "missing", argv, environ, 0));
	NEED(symlink("/bin/true", "link") == 0);
	SHOW(syscall(SYS_execveat, AT_FDCWD, "link", argv, environ, AT_SYMLINK_NOFOLLOW));
	/* The script is already closed when its interpreter would open it. */
	make_script("script", "#!/bin/true\n");
	script = open("script", O_RDONLY | O_CLOEXEC);
	NEED(script >= 0);
	SHOW(syscall(SYS_execveat, script, "", argv, environ, AT_EMPTY_PATH));
	close(script);
	close(dir);
}

/*
 * -- Second halves: this program executes itself with one of these cases as argument ------------
 */

static void again(const char *next)
{
	fflush(stdout);
	execl("/proc/self/exe", "exec", next, NULL);
	check_need("execl", __LINE__);
}

static void handler(int signal)
{
	(void)signal;
}

LONE_CASE(what_exec_keeps)
{
	sigset_t set;
	int fd;

	signal(SIGUSR1, handler);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGTERM);
	NEED(sigaltstack(&(stack_t){.ss_sp = malloc(65536), .ss_size = 65536}, NULL) == 0);
	fd = open("/dev/null", O_RDONLY);
	NEED(dup2(fd, 50) == 50 && dup3(fd, 51, O_CLOEXEC) == 51);
	umask(027);
	NEED(chdir("/etc") == 0);
	prctl(PR_SET_NAME, "other");
	prctl(PR_SET_DUMPABLE, 0);
	again("after_what_exec_keeps");
}

LONE_CASE(after_what_exec_keeps)
{
	struct sigaction action;
	char name[16], cwd[64];
	stack_t stack;
	sigset_t set;

	sigaction(SIGUSR1, NULL, &action);
	CHECK(action.sa_handler == SIG_DFL);
	sigaction(SIGUSR2, NULL, &action);
	SHOW(action.sa_handler == SIG_IGN);
	sigprocmask(SIG_BLOCK, NULL, &set);
	SHOW(sigismember(&set, SIGTERM));
	sigpending(&set);
	SHOW(sigismember(&set, SIGTERM));
	sigaltstack(NULL, &stack);
	CHECK(stack.ss_flags == SS_DISABLE);
	SHOW(fcntl(50, F_GETFD));
	SHOW(fcntl(51, F_GETFD));
	SHOW(umask(0));
	printf("  cwd %s\n", getcwd(cwd, sizeof(cwd)) ? "known" : "unknown");
	prctl(PR_GET_NAME, name);
	printf("  name %s\n", name);
	SHOW(prctl(PR_GET_DUMPABLE));
}

LONE_CASE(registers_and_memory_are_fresh)
{
	unsigned int control = 0x3f80; /* a rounding mode other than the default */
	void *low = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	NEED(low == (void *)0x10000000);
	__asm__ volatile("ldmxcsr %0" ::"m"(control));
	again("after_registers_and_memory_are_fresh");
}

LONE_CASE(after_registers_and_memory_are_fresh)
{
	unsigned int control;
	unsigned short x87;

	__asm__ volatile("stmxcsr %0" : "=m"(control));
	CHECK(control == 0x1f80);
	__asm__ volatile("fnstcw %0" : "=m"(x87));
	CHECK(x87 == 0x37f);
	SHOW(msync((void *)0x10000000, 4096, MS_ASYNC));
}

LONE_CASE(a_thousand_times)
{
	const char *text = getenv("COUNT");
	int count = text ? atoi(text) : 0;
	char next[16];

	if (count == 1000)
		return;
	snprintf(next, sizeof(next), "%d", count + 1);
	setenv("COUNT", next, 1);
	if (count == 0)
		NEED(dup2(open("/dev/null", O_WRONLY), 1) == 1);
	again("a_thousand_times");
}

LONE_CASE(the_vector)
{
	static const struct {
		unsigned long type;
		const char *name;
	} same[] = {
		{AT_PAGESZ, "AT_PAGESZ"}, {AT_CLKTCK, "AT_CLKTCK"}, {AT_PHENT, "AT_PHENT"},
		{AT_PHNUM, "AT_PHNUM"},	  {AT_FLAGS, "AT_FLAGS"},   {AT_UID, "AT_UID"},
		{AT_EUID, "AT_EUID"},	  {AT_GID, "AT_GID"},	    {AT_EGID, "AT_EGID"},
		{AT_SECURE, "AT_SECURE"}, {AT_HWCAP2, "AT_HWCAP2"},
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		printf("  %s %lu\n", same[i].name, getauxval(same[i].type));
	printf("  AT_PLATFORM %s\n", (char *)getauxval(AT_PLATFORM));
	CHECK(getauxval(AT_RANDOM) != 0);
	CHECK(getauxval(AT_BASE) % 4096 == 0);
	CHECK(getauxval(AT_SYSINFO_EHDR) % 4096 == 0);
	CHECK(memcmp((void *)getauxval(AT_SYSINFO_EHDR), "\177ELF", 4) == 0);
	CHECK(getauxval(AT_MINSIGSTKSZ) >= 2048);
	CHECK(access((char *)getauxval(AT_EXECFN), X_OK) == 0);
}

/* Makes a program that sleeps: this one, under another name. */
static void copy_self(const char *to)
{
	static char bytes[1 << 16];
	int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0755);
	ssize_t n;

	NEED(in >= 0 && out >= 0);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		NEED(write(out, bytes, (size_t)n) == n);
	close(in);
	close(out);
}

/* Executes path in a child, and returns the error, or the status of its end. */
static int executed(const char *path)
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		execl(path, path, "--list", NULL);
		_exit(errno);
	}
	NEED(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
	return WEXITSTATUS(status);
}

CASE(a_program_that_is_written)
{
	int fd, held[2];
	pid_t child;
	char byte;

	copy_self("copy");
	fd = open("copy", O_WRONLY);
	CHECK(executed("./copy") == ETXTBSY);
	fflush(stdout);
	NEED(pipe(held) == 0);
	child = fork();
	if (child == 0) { /* has the file open for longer */
		close(held[1]);
		_exit((int)read(held[0], &byte, 1));
	}
	close(held[0]);
	close(fd);
	CHECK(executed("./copy") == ETXTBSY);
	close(held[1]);
	NEED(waitpid(child, NULL, 0) == child);
	fd = open("copy", O_RDONLY);
	CHECK(executed("./copy") == 0);
	close(fd);
	fd = open("script", O_WRONLY | O_CREAT, 0755);
	NEED(write(fd, "#!/bin/true\n", 12) == 12);
	CHECK(executed("./script") == ETXTBSY);
	close(fd);
	CHECK(executed("./script") == 0);
}

CASE(a_program_that_runs)
{
	SHOW(open("/proc/self/exe", O_RDONLY) >= 0);
	copy_self("copy");
	NEED(rename("copy", "exec-copy") == 0);
	fflush(stdout);
	if (fork() == 0) {
		execl("./exec-copy", "exec-copy", "writes_to_itself", NULL);
		_exit(99);
	}
	NEED(wait(NULL) > 0);
}

LONE_CASE(writes_to_itself)
{
	SHOW(open("exec-copy", O_WRONLY));
	SHOW(open("./exec-copy", O_RDWR | O_CREAT, 0600));
	SHOW(open("exec-copy", O_RDONLY | O_TRUNC));
	SHOW(open("exec-copy", O_WRONLY | O_CREAT | O_EXCL, 0600));
	SHOW(truncate("exec-copy", 0));
	SHOW_OK(open("exec-copy", O_RDONLY));
	SHOW(unlink("exec-copy"));
	SHOW_OK(open("exec-copy", O_WRONLY | O_CREAT, 0600));
	SHOW(unlink("exec-copy"));
}
