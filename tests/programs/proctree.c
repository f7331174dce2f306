// SPDX-License-Identifier: MIT
/*
 * /proc of other processes and of threads: what exists for a child that runs, sleeps, is stopped,
 * has ended or is gone, and which files can be written.
 */
#include "check.h"
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char text[1 << 16], path[200];

static const char *of(pid_t pid, const char *name)
{
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return path;
}

/* Reads the file's content as a string. Returns its length or -1. */
static ssize_t read_file(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t n, total = 0;

	text[0] = 0;
	if (fd < 0)
		return -1;
	while ((n = read(fd, text + total, sizeof(text) - 1 - (size_t)total)) > 0)
		total += n;
	close(fd);
	text[total] = 0;
	return n < 0 ? -1 : total;
}

static pid_t child(void (*run)(void))
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		run();
		_exit(0);
	}
	NEED(pid > 0);
	settle(50000);
	return pid;
}

static void sleeps(void)
{
	for (;;)
		pause();
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	NEED(waitpid(pid, NULL, 0) == pid);
}

/* Returns field n of /proc/pid/stat, counted as proc(5) does. n is greater than 2. */
static long stat_field(pid_t pid, int n)
{
	char *at;

	NEED(read_file(of(pid, "stat")) > 0);
	at = strrchr(text, ')');
	NEED(at);
	at += 2;
	for (int i = 3; i < n; i++)
		at = strchr(at, ' ') + 1;
	return n == 3 ? *at : strtol(at, NULL, 10);
}

static void show_status_line(pid_t pid, const char *name)
{
	char *at;

	NEED(read_file(of(pid, "status")) > 0);
	at = strstr(text, name);
	if (at)
		printf("  %.*s\n", (int)strcspn(at, "\n"), at);
	else
		printf("  no %s\n", name);
}

CASE(states)
{
	pid_t pid = child(sleeps);

	printf("  sleeping: %c\n", (char)stat_field(pid, 3));
	show_status_line(pid, "State:");
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	printf("  stopped: %c\n", (char)stat_field(pid, 3));
	show_status_line(pid, "State:");
	kill(pid, SIGCONT);
	settle(50000);
	printf("  again: %c\n", (char)stat_field(pid, 3));
	kill(pid, SIGTERM);
	settle(50000);
	printf("  dead: %c\n", (char)stat_field(pid, 3));
	show_status_line(pid, "State:");
	waitpid(pid, NULL, 0);
	SHOW(read_file(of(pid, "stat")));
	printf("  running: %c\n", (char)stat_field(getpid(), 3));
}

CASE(family)
{
	pid_t pid = child(sleeps);

	SHOW(stat_field(pid, 4) == getpid());
	SHOW(stat_field(pid, 5) == getpgrp());
	SHOW(stat_field(pid, 6) == getsid(0));
	setpgid(pid, pid);
	SHOW(stat_field(pid, 5) == pid);
	SHOW(stat_field(pid, 20));
	SHOW(stat_field(pid, 19));
	setpriority(PRIO_PROCESS, (id_t)pid, 7);
	SHOW(stat_field(pid, 19));
	SHOW(stat_field(pid, 18));
	SHOW(stat_field(pid, 22) >= stat_field(getpid(), 22));
	SHOW(stat_field(pid, 23) > 0);
	SHOW(stat_field(pid, 24) > 0);
	SHOW(stat_field(pid, 38));
	end(pid);
	/* proc(5): 52 fields. */
	NEED(read_file("/proc/self/stat") > 0);
	int fields = 1;
	for (char *at = text; *at; at++)
		fields += *at == ' ';
	SHOW(fields);
}

/* Prints all that is left of a child that ended. */
CASE(a_zombie)
{
	static const char *const names[] = {"cmdline", "maps", "statm", "comm",	 "limits",
					    "status",  "stat", "wchan", "cgroup"};
	static const char *const links[] = {"exe", "cwd", "root", "fd/0"};
	pid_t pid = child(sleeps);

	kill(pid, SIGUSR1);
	settle(50000);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ssize_t n = read_file(of(pid, names[i]));

		printf("  %s: %s\n", names[i], n < 0 ? check_errno(errno) : n ? "some" : "empty");
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		SHOW(readlink(of(pid, links[i]), text, sizeof(text)));
	SHOW(stat_field(pid, 52) & 0x7f);
	SHOW(stat_field(pid, 23));
	DIR *d = opendir(of(pid, "fd"));
	printf("  fd: %s\n", d ? "opens" : check_errno(errno));
	if (d) {
		int n = 0;
		errno = 0;
		while (readdir(d))
			n++;
		SHOW(n);
		closedir(d);
	}
	waitpid(pid, NULL, 0);
	SHOW(access(of(pid, ""), F_OK));
}

/* Files that were opened while the process lived. */
CASE(gone_behind_an_open_file)
{
	pid_t pid = child(sleeps);
	int status = open(of(pid, "status"), O_RDONLY), dir = open(of(pid, ""), O_RDONLY);
	int maps = open(of(pid, "maps"), O_RDONLY);

	end(pid);
	SHOW(read(status, text, 100));
	SHOW(read(maps, text, 100));
	SHOW(openat(dir, "status", O_RDONLY));
	SHOW(syscall(SYS_getdents64, dir, text, sizeof(text)));
	SHOW(faccessat(dir, "comm", F_OK, 0));
	close(status);
	close(maps);
	close(dir);
}

CASE(words_of_another)
{
	pid_t pid;
	ssize_t n;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		clearenv();
		setenv("ONE", "1", 1);
		setenv("TWO", "two words", 1);
		execl("/bin/sleep", "a name", "20", NULL);
		_exit(99);
	}
	/*
	 * Waits until the child is past exec (until then it has the parent's libc) and its loader.
	 */
	for (int i = 0; i < 1000; i++) {
		if (read_file(of(pid, "maps")) > 0 && strstr(text, "/sleep") &&
		    strstr(text, "libc"))
			break;
		settle(10000);
	}
	n = read_file(of(pid, "cmdline"));
	for (ssize_t i = 0; i < n; i++)
		putchar(text[i] ? text[i] : '|');
	putchar('\n');
	n = read_file(of(pid, "environ"));
	for (ssize_t i = 0; i < n; i++)
		putchar(text[i] ? text[i] : '|');
	putchar('\n');
	NEED(read_file(of(pid, "comm")) > 0);
	printf("  %s", text);
	show_status_line(pid, "Name:");
	SHOW(readlink(of(pid, "exe"), text, sizeof(text)) > 0 && strstr(text, "sleep"));
	struct stat a, b;
	NEED(stat(of(pid, "exe"), &a) == 0 && stat("/bin/sleep", &b) == 0);
	SHOW(a.st_ino == b.st_ino);
	NEED(stat(of(pid, "cwd"), &a) == 0 && stat(".", &b) == 0);
	SHOW(a.st_ino == b.st_ino);
	NEED(read_file(of(pid, "maps")) > 0);
	SHOW(strstr(text, "[stack]") && strstr(text, "libc"));
	NEED(read_file(of(pid, "statm")) > 0);
	SHOW(strtol(text, NULL, 10) > 100);
	end(pid);
}

CASE(descriptors_of_another)
{
	int fd = open("of-the-child", O_RDWR | O_CREAT, 0600), mine;
	pid_t pid;
	struct stat a, b;

	NEED(write(fd, "0123456789", 10) == 10);
	dup2(fd, 30);
	pid = child(sleeps);
	close(30);
	SHOW(readlink(of(pid, "fd/30"), text, sizeof(text)) > 0 && strstr(text, "of-the-child"));
	/* Opening it opens the file again. */
	mine = open(of(pid, "fd/30"), O_RDONLY);
	SHOW(lseek(mine, 0, SEEK_CUR));
	NEED(fstat(mine, &a) == 0 && stat(of(pid, "fd/30"), &b) == 0);
	SHOW(a.st_ino == b.st_ino);
	NEED(lstat(of(pid, "fd/30"), &b) == 0);
	SHOW(b.st_mode);
	NEED(read_file(of(pid, "fdinfo/30")) > 0);
	printf("  %.*s\n", (int)strcspn(text, "\n"), text);
	SHOW(readlink(of(pid, "fd/31"), text, sizeof(text)));
	SHOW(open(of(pid, "fd/31"), O_RDONLY));
	SHOW(unlink("of-the-child"));
	SHOW(readlink(of(pid, "fd/30"), text, sizeof(text)) > 0 && strstr(text, " (deleted)"));
	end(pid);
	close(mine);
	close(fd);
}

static volatile int stop;
static pid_t tids[3];

static void *a_thread(void *arg)
{
	prctl(PR_SET_NAME, arg ? "second" : "first");
	tids[arg ? 1 : 0] = gettid();
	while (!stop)
		settle(10000);
	return NULL;
}

CASE(threads_of_a_process)
{
	pthread_t t[2];
	int found = 0;
	struct dirent *e;
	DIR *d;

	for (long i = 0; i < 2; i++)
		NEED(pthread_create(&t[i], NULL, a_thread, (void *)i) == 0);
	while (!tids[0] || !tids[1])
		settle(10000);
	settle(20000);
	d = opendir("/proc/self/task");
	while ((e = readdir(d)))
		found += atoi(e->d_name) == tids[0] || atoi(e->d_name) == tids[1] ||
			 atoi(e->d_name) == getpid();
	closedir(d);
	SHOW(found);
	SHOW(stat_field(getpid(), 20));
	show_status_line(getpid(), "Threads:");
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tids[i]);
		NEED(read_file(path) > 0);
		printf("  %s", text);
	}
	/* The name can be changed from here. */
	int fd = open(path, O_WRONLY);
	SHOW(write(fd, "renamed-and-too-long", 20));
	close(fd);
	NEED(read_file(path) > 0);
	printf("  %s", text);
	char name[16];
	NEED(pthread_getname_np(t[1], name, sizeof(name)) == 0);
	printf("  %s\n", name);
	/* A thread has a directory of its own, although no listing has it. */
	snprintf(path, sizeof(path), "/proc/%d/status", tids[0]);
	NEED(read_file(path) > 0);
	SHOW(strstr(text, "first") != NULL);
	SHOW(strtol(strstr(text, "Tgid:") + 5, NULL, 10) == getpid());
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tids[0]);
	SHOW(read_file(path) > 0);
	snprintf(path, sizeof(path), "%d/task/%d", getpid(), gettid());
	SHOW(readlink("/proc/thread-self", text, sizeof(text)) == (ssize_t)strlen(path) &&
	     !memcmp(text, path, strlen(path)));
	stop = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	/* The join may return before the thread has left the list. */
	snprintf(path, sizeof(path), "/proc/self/task/%d", tids[0]);
	for (int i = 0; i < 5000 && access(path, F_OK) == 0; i++)
		settle(1000);
	SHOW(access(path, F_OK));
	snprintf(path, sizeof(path), "/proc/%d/status", tids[0]);
	SHOW(access(path, F_OK));
}

/* All processes of the program are listed, and each once. */
CASE(the_list)
{
	pid_t pids[10];
	int found = 0;
	struct dirent *e;
	DIR *d;

	for (int i = 0; i < 10; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			sleeps();
	}
	d = opendir("/proc");
	while ((e = readdir(d)))
		for (int i = 0; i < 10; i++)
			found += atoi(e->d_name) == pids[i];
	closedir(d);
	SHOW(found);
	for (int i = 0; i < 10; i++)
		end(pids[i]);
	SHOW(readlink("/proc/self", text, sizeof(text)) > 0 && strtol(text, NULL, 10) == getpid());
	SHOW(access("/proc/0", F_OK));
	SHOW(access("/proc/9999999", F_OK));
	SHOW(access("/proc/-1", F_OK));
	SHOW(access("/proc/01", F_OK));
}

static void blocks_and_ignores(void)
{
	sigset_t set;

	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, (void (*)(int))(uintptr_t)sleeps);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sleeps();
}

static void show_mask(pid_t pid, const char *name, unsigned long relevant)
{
	char *at;

	NEED(read_file(of(pid, "status")) > 0);
	at = strstr(text, name);
	NEED(at);
	printf("  %s %lx\n", name, strtoul(at + strlen(name), NULL, 16) & relevant);
}

CASE(signals_in_status)
{
	const unsigned long of_interest = 1UL << (SIGUSR1 - 1) | 1UL << (SIGUSR2 - 1) |
					  1UL << (SIGTERM - 1) | 1UL << (SIGRTMIN - 1);
	pid_t pid = child(blocks_and_ignores);

	kill(pid, SIGTERM);
	show_mask(pid, "ShdPnd:", of_interest);
	show_mask(pid, "SigPnd:", of_interest);
	show_mask(pid, "SigBlk:", of_interest);
	show_mask(pid, "SigIgn:", of_interest);
	show_mask(pid, "SigCgt:", of_interest);
	end(pid);
}

CASE(limits_of_another)
{
	struct rlimit limit = {123, 456}, old;
	pid_t pid = child(sleeps);
	char *at;

	SHOW(prlimit(pid, RLIMIT_CORE, &(struct rlimit){0, 0}, &old));
	SHOW(prlimit(pid, RLIMIT_NOFILE, &limit, &old));
	SHOW(prlimit(pid, RLIMIT_NOFILE, NULL, &limit));
	SHOW(limit.rlim_cur);
	NEED(read_file(of(pid, "limits")) > 0);
	at = strstr(text, "Max open files");
	NEED(at);
	printf("  %.*s\n", (int)strcspn(at, "\n"), at);
	at = strstr(text, "Max core file size");
	NEED(at);
	printf("  %.*s\n", (int)strcspn(at, "\n"), at);
	end(pid);
	SHOW(prlimit(pid, RLIMIT_NOFILE, NULL, &limit));
}

CASE(what_may_be_written)
{
	int fd = open("/proc/self/comm", O_WRONLY);

	SHOW(write(fd, "new name\n", 9));
	close(fd);
	NEED(read_file("/proc/self/comm") > 0);
	printf("  %s", text);
	fd = open("/proc/self/oom_score_adj", O_RDWR);
	SHOW(write(fd, "500", 3));
	SHOW(write(fd, "5000", 4));
	SHOW(write(fd, "x", 1));
	close(fd);
	NEED(read_file("/proc/self/oom_score_adj") > 0);
	printf("  %s", text);
	SHOW(open("/proc/self/stat", O_WRONLY) < 0 && errno != 0);
	SHOW(mkdir("/proc/self/new", 0700));
	SHOW(unlink("/proc/self/comm"));
	SHOW(open("/proc/self/new", O_CREAT | O_WRONLY, 0600));
}

/* Numbers that programs compute with, in files about the whole machine. */
CASE(of_the_machine)
{
	long total, available;
	char *at;

	NEED(read_file("/proc/meminfo") > 0);
	total = strtol(strstr(text, "MemTotal:") + 9, NULL, 10);
	available = strtol(strstr(text, "MemAvailable:") + 13, NULL, 10);
	SHOW(total > 0 && available > 0 && available <= total);
	SHOW(strstr(text, "SwapTotal:") && strstr(text, "Buffers:") && strstr(text, "Cached:"));
	NEED(read_file("/proc/stat") > 0);
	SHOW(!strncmp(text, "cpu  ", 5) && strstr(text, "\ncpu0 ") && strstr(text, "\nbtime "));
	at = strstr(text, "\nprocesses ");
	SHOW(at && strtol(at + 11, NULL, 10) > 0);
	NEED(read_file("/proc/uptime") > 0);
	SHOW(strtod(text, &at) > 0 && *at == ' ' && strtod(at, NULL) >= 0);
	NEED(read_file("/proc/loadavg") > 0);
	strtod(text, &at);
	strtod(at, &at);
	strtod(at, &at);
	SHOW(isspace(*at) && strchr(at, '/'));
	NEED(read_file("/proc/sys/kernel/pid_max") > 0);
	SHOW(strtol(text, NULL, 10) > 1000);
	NEED(read_file("/proc/sys/kernel/ostype") > 0);
	printf("  %s", text);
	NEED(read_file("/proc/version") > 0);
	SHOW(!strncmp(text, "Linux version ", 14));
	NEED(read_file("/proc/cpuinfo") > 0);
	int cpus = 0;
	for (at = text; (at = strstr(at, "processor\t")); at++)
		cpus++;
	SHOW(cpus == sysconf(_SC_NPROCESSORS_ONLN));
	NEED(read_file("/proc/filesystems") > 0);
	SHOW(strstr(text, "proc") != NULL);
	SHOW(read_file("/proc/self/mounts") > 0);
}
