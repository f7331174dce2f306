// SPDX-License-Identifier: MIT
/* What a process knows about itself and its machine: ids, limits, names, clocks, CPUs, vectors. */
#include "check.h"
#include "child.h"
#include <asm/prctl.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

CASE(ids)
{
	uid_t r, e, s;
	gid_t groups[128];

	CHECK(getpid() > 0 && getpid() == gettid());
	CHECK(getppid() > 0);
	CHECK(getpgrp() == getpgid(0) && getsid(0) > 0);
	SHOW(getuid());
	SHOW(geteuid());
	SHOW(getgid());
	SHOW(getegid());
	SHOW(getresuid(&r, &e, &s));
	printf("  %u %u %u\n", r, e, s);
	SHOW(getresgid(&r, &e, &s));
	printf("  %u %u %u\n", r, e, s);
	int n = SHOW(getgroups(128, groups));
	for (int i = 0; i < n; i++)
		printf("  group %u\n", groups[i]);
	SHOW(getgroups(-1, groups));
	SHOW(setuid(getuid()));
	SHOW(setresuid(-1, -1, -1));
	SHOW(setfsuid(-1) == (int)geteuid());
	SHOW(getpgid(0x7ffffff0));
	SHOW(getsid(0x7ffffff0));
	SHOW(waitpid(-1, NULL, 0));
	SHOW(waitpid(-1, NULL, WNOHANG));
}

CASE(limits)
{
	static const struct {
		int which;
		const char *name;
	} limits[] = {
		{RLIMIT_CORE, "CORE"},	 {RLIMIT_STACK, "STACK"}, {RLIMIT_NOFILE, "NOFILE"},
		{RLIMIT_DATA, "DATA"},	 {RLIMIT_AS, "AS"},	  {RLIMIT_FSIZE, "FSIZE"},
		{RLIMIT_NPROC, "NPROC"}, {RLIMIT_CPU, "CPU"},	  {RLIMIT_MEMLOCK, "MEMLOCK"},
	};
	struct rlimit l, old;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		NEED(getrlimit(limits[i].which, &l) == 0);
		printf("  %s %ld %ld\n", limits[i].name, (long)l.rlim_cur, (long)l.rlim_max);
	}
	SHOW(getrlimit(99, &l));
	NEED(getrlimit(RLIMIT_CORE, &old) == 0);
	l = (struct rlimit){0, old.rlim_max};
	SHOW(setrlimit(RLIMIT_CORE, &l));
	SHOW(getrlimit(RLIMIT_CORE, &l));
	SHOW(l.rlim_cur);
	l = (struct rlimit){10, 5};
	SHOW(setrlimit(RLIMIT_CORE, &l));
	SHOW(prlimit(0, RLIMIT_NOFILE, NULL, &l));
	SHOW(prlimit(getpid(), RLIMIT_NOFILE, NULL, &old));
	CHECK(l.rlim_cur == old.rlim_cur);
	SHOW(getpriority(PRIO_PROCESS, 0));
	SHOW(sysconf(_SC_OPEN_MAX) == (long)l.rlim_cur);
	SHOW(sysconf(_SC_PAGESIZE));
	SHOW(sysconf(_SC_NPROCESSORS_ONLN));
	SHOW(sysconf(_SC_CLK_TCK));
	SHOW(sysconf(_SC_ARG_MAX));
}

CASE(file_size_limit)
{
	struct rlimit old, l;
	int fd = open("limited", O_RDWR | O_CREAT, 0600);

	signal(SIGXFSZ, SIG_IGN);
	NEED(getrlimit(RLIMIT_FSIZE, &old) == 0);
	l = (struct rlimit){10, old.rlim_max};
	/* Standard output may be a file too, so nothing is printed meanwhile. */
	NEED(setrlimit(RLIMIT_FSIZE, &l) == 0);
	ssize_t first = write(fd, "0123456789abc", 13), second = write(fd, "x", 1);
	int error = errno;
	NEED(setrlimit(RLIMIT_FSIZE, &old) == 0);
	CHECK(first == 10 && second == -1 && error == EFBIG);
	SHOW(write(fd, "x", 1));
	close(fd);
}

CASE(names)
{
	struct utsname u;
	char name[17] = "";

	SHOW(uname(&u));
	CHECK(strcmp(u.sysname, "Linux") == 0 && strcmp(u.machine, "x86_64") == 0);
	CHECK(u.release[0] >= '4' && u.nodename[0]);
	SHOW(prctl(PR_GET_NAME, name));
	printf("  \"%s\"\n", name);
	SHOW(prctl(PR_SET_NAME, "a name that is too long"));
	SHOW(prctl(PR_GET_NAME, name));
	printf("  \"%s\"\n", name);
	char comm[32] = "";
	int fd = open("/proc/self/comm", O_RDONLY);
	SHOW(read(fd, comm, sizeof(comm)));
	printf("  %s", comm);
	close(fd);
}

CASE(process_controls)
{
	int v = -1;

	SHOW(prctl(PR_GET_DUMPABLE));
	SHOW(prctl(PR_SET_DUMPABLE, 0));
	SHOW(prctl(PR_GET_DUMPABLE));
	SHOW(prctl(PR_SET_DUMPABLE, 1));
	SHOW(prctl(PR_SET_DUMPABLE, 7));
	SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SHOW(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	SHOW(prctl(PR_GET_PDEATHSIG, &v));
	SHOW(v);
	SHOW(prctl(PR_SET_PDEATHSIG, 0));
	SHOW(prctl(PR_GET_KEEPCAPS));
	SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
	SHOW(prctl(PR_GET_CHILD_SUBREAPER, &v));
	SHOW(v);
	SHOW(prctl(PR_GET_TIMERSLACK) > 0);
	SHOW(prctl(PR_SET_TIMERSLACK, 100000));
	SHOW(prctl(PR_GET_TIMERSLACK));
	SHOW(prctl(99999));
	SHOW(personality(0xffffffff));
	SHOW(syscall(SYS_membarrier, 0, 0, 0) > 0);
	SHOW(syscall(4000));
	SHOW(syscall(-1));
}

/* Reads the TSC, and says by the exit status that it was read. */
static void read_tsc(void)
{
	unsigned low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	_exit(3);
}

static int end_of_read_tsc(void)
{
	pid_t pid = start_child();
	int status;

	if (pid == 0)
		read_tsc();
	NEED(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* The answers to PR_TSC_SIGSEGV are left out of the comparison, the rest follows from them. */
static void without_tsc(void)
{
	bool off = SHOW(prctl(PR_SET_TSC, PR_TSC_SIGSEGV)) == 0;
	int mode = 0;

	CHECK(prctl(PR_GET_TSC, &mode) == 0 && mode == (off ? PR_TSC_SIGSEGV : PR_TSC_ENABLE));
	/* A child inherits it. */
	CHECK(end_of_read_tsc() == (off ? -SIGSEGV : 3));
	/* Also after others have run here. */
	sched_yield();
	CHECK(end_of_read_tsc() == (off ? -SIGSEGV : 3));
	CHECK(prctl(PR_SET_TSC, PR_TSC_ENABLE) == 0);
	CHECK(end_of_read_tsc() == 3);
}

CASE(time_stamp_counter)
{
	pid_t pid;
	int mode = 0, status;

	SHOW(prctl(PR_GET_TSC, &mode));
	CHECK(mode == PR_TSC_ENABLE);
	SHOW(prctl(PR_GET_TSC, 8));
	SHOW(prctl(PR_SET_TSC, 0));
	SHOW(prctl(PR_SET_TSC, 3));
	pid = start_child();
	if (pid == 0) {
		without_tsc();
		fflush(stdout);
		_exit(0);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	SHOW(status);
	CHECK(end_of_read_tsc() == 3);
	/* A thread that ends with it leaves nothing to the next one. */
	for (int i = 0; i < 8; i++) {
		pid = start_child();
		if (pid == 0) {
			prctl(PR_SET_TSC, PR_TSC_SIGSEGV);
			_exit(0);
		}
		NEED(waitpid(pid, &status, 0) == pid);
		if (end_of_read_tsc() != 3)
			printf("  lost\n");
	}
}

CASE(thread_registers)
{
	unsigned long fs, gs;

	SHOW(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs));
	CHECK(fs == (unsigned long)__builtin_thread_pointer());
	SHOW(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x123456));
	SHOW(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs));
	SHOW(gs);
	getppid();
	usleep(1000);
	SHOW(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs));
	SHOW(gs);
	SHOW(syscall(SYS_arch_prctl, ARCH_SET_FS, 0x8000000000000000));
	SHOW(syscall(SYS_arch_prctl, 0x9999, 0));
	SHOW(syscall(SYS_arch_prctl, ARCH_SET_GS, 0));
	CHECK(syscall(SYS_set_tid_address, &fs) == gettid());
	SHOW(syscall(SYS_get_robust_list, 0, &fs, &gs));
	SHOW(syscall(SYS_rseq, 8, 32, 0, 0));
}

CASE(auxiliary_vector)
{
	const unsigned char *random = (void *)getauxval(AT_RANDOM);
	const unsigned char *vdso = (void *)getauxval(AT_SYSINFO_EHDR);

	SHOW(getauxval(AT_PAGESZ));
	SHOW(getauxval(AT_CLKTCK));
	SHOW(getauxval(AT_UID) == getuid());
	SHOW(getauxval(AT_EGID) == getegid());
	SHOW(getauxval(AT_SECURE));
	CHECK(getauxval(AT_PHDR) != 0 && getauxval(AT_ENTRY) != 0);
	SHOW(getauxval(AT_PHENT));
	CHECK(random && (random[0] | random[1] | random[2] | random[3] | random[4]));
	printf("  platform %s\n", (const char *)getauxval(AT_PLATFORM));
	printf("  HWCAP %lx\n", getauxval(AT_HWCAP));
	printf("  HWCAP2 %lx\n", getauxval(AT_HWCAP2));
	const char *name = (const char *)getauxval(AT_EXECFN);
	CHECK(name && name[0]);
	CHECK(vdso && memcmp(vdso, "\177ELF", 4) == 0);
	CHECK(getauxval(AT_MINSIGSTKSZ) >= 2048);
}

CASE(clocks)
{
	static const clockid_t clocks[] = {
		CLOCK_REALTIME,		 CLOCK_MONOTONIC,     CLOCK_PROCESS_CPUTIME_ID,
		CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
		CLOCK_MONOTONIC_COARSE,	 CLOCK_BOOTTIME,      CLOCK_TAI,
	};
	struct timespec a, b, direct;
	struct timeval tv;
	bool backwards = false;

	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		printf("  clock %d: ", clocks[i]);
		SHOW(clock_gettime(clocks[i], &a));
		SHOW(clock_getres(clocks[i], &b));
		printf("  resolution %ld.%09ld\n", b.tv_sec, b.tv_nsec);
	}
	SHOW(clock_gettime(99, &a));
	SHOW(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, 8));
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < 200000; i++) {
		clock_gettime(CLOCK_MONOTONIC, &b);
		if (b.tv_sec < a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec < a.tv_nsec))
			backwards = true;
		a = b;
	}
	CHECK(!backwards);
	/* The vDSO and the system call show the same time. */
	for (int i = 0; i < 2; i++) {
		clock_gettime(i, &a);
		syscall(SYS_clock_gettime, i, &direct);
		clock_gettime(i, &b);
		long before = (direct.tv_sec - a.tv_sec) * 1000000000L + direct.tv_nsec - a.tv_nsec;
		long after = (b.tv_sec - direct.tv_sec) * 1000000000L + b.tv_nsec - direct.tv_nsec;
		CHECK(before > -100000 && after > -100000 && before + after < 50000000);
	}
	SHOW(gettimeofday(&tv, NULL));
	CHECK(labs(tv.tv_sec - time(NULL)) <= 1 && tv.tv_sec > 1700000000);
	unsigned int cpu, node;
	SHOW(getcpu(&cpu, &node));
	CHECK((long)cpu < sysconf(_SC_NPROCESSORS_CONF));
}

CASE(sleeping)
{
	struct timespec ts = {0, 20000000}, a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	SHOW(nanosleep(&ts, NULL));
	clock_gettime(CLOCK_MONOTONIC, &b);
	CHECK((b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec >= 20000000);
	b.tv_nsec += 10000000;
	if (b.tv_nsec >= 1000000000) {
		b.tv_nsec -= 1000000000;
		b.tv_sec++;
	}
	SHOW(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &b, NULL));
	clock_gettime(CLOCK_MONOTONIC, &a);
	CHECK(a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec >= b.tv_nsec));
	ts.tv_nsec = -1;
	SHOW(nanosleep(&ts, NULL));
	SHOW(syscall(SYS_nanosleep, 8, NULL));
	SHOW(clock_nanosleep(99, 0, &b, NULL));
	SHOW(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &(struct timespec){1, 0}, NULL));
	SHOW(sched_yield());
}

static void use_time(void)
{
	struct rusage u;
	struct tms t;
	struct timespec cpu;
	volatile unsigned long work = 0;
	char *pages = malloc(1 << 20);

	/* Linux 6.1 counts a process's pages in batches of 64. */
	NEED(pages);
	for (int i = 0; i < 1 << 20; i += 4096)
		((volatile char *)pages)[i] = 1;
	do {
		work++;
		if (work % 1000 == 0)
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	} while (work < 2000 || (cpu.tv_sec == 0 && cpu.tv_nsec < 30000000));
	SHOW(getrusage(RUSAGE_SELF, &u));
	CHECK(u.ru_utime.tv_sec * 1000000 + u.ru_utime.tv_usec + u.ru_stime.tv_usec > 10000);
	CHECK(u.ru_maxrss > 100);
	SHOW(getrusage(RUSAGE_CHILDREN, &u));
	CHECK(u.ru_utime.tv_sec == 0); /* the children before did little */
	SHOW(getrusage(RUSAGE_THREAD, &u));
	SHOW(getrusage(99, &u));
	CHECK(times(&t) != -1 && t.tms_cutime == 0);
	CHECK(clock() > 10000);
	free(pages);
	fflush(stdout);
	_exit(check_failures != 0);
}

/* In a process that has had no children: those of other cases may have used a tick. */
CASE(used_time)
{
	CHECK(status_of_child(use_time) == 0);
}

CASE(scheduling)
{
	cpu_set_t set, one;
	struct sched_param param;
	struct timespec ts;

	SHOW(sched_getaffinity(0, sizeof(set), &set));
	CHECK(CPU_COUNT(&set) >= 1);
	int cpu = 0;
	while (!CPU_ISSET(cpu, &set))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	SHOW(sched_setaffinity(0, sizeof(one), &one));
	CHECK(sched_getcpu() == cpu);
	SHOW(sched_getaffinity(0, sizeof(one), &one));
	SHOW(CPU_COUNT(&one));
	SHOW(sched_setaffinity(0, sizeof(set), &set));
	CPU_ZERO(&one);
	SHOW(sched_setaffinity(0, sizeof(one), &one));
	SHOW(sched_getaffinity(0, 1, &set));
	SHOW(sched_getscheduler(0));
	SHOW(sched_getparam(0, &param));
	SHOW(param.sched_priority);
	SHOW(sched_get_priority_max(SCHED_FIFO));
	SHOW(sched_get_priority_min(SCHED_OTHER));
	SHOW(sched_rr_get_interval(0, &ts));
	SHOW(get_nprocs() == sysconf(_SC_NPROCESSORS_ONLN));
}

/* Returns field 19 of /proc/PID/stat, or 99 if it cannot be read. */
static long nice_in_stat(void)
{
	char text[1024] = "", *at;
	long value = 99;
	FILE *f = fopen("/proc/self/stat", "r");

	if (!f || !fgets(text, sizeof(text), f))
		return 99;
	fclose(f);
	at = strrchr(text, ')');
	for (int field = 3; at && field <= 19; field++)
		at = strchr(at + 1, ' ');
	if (at)
		value = strtol(at, NULL, 10);
	return value;
}

/* The first version of struct sched_attr: size, policy, flags, nice, priority, three times. */
static long nice_in_attr(void)
{
	int32_t attr[12] = {sizeof(attr)};

	return syscall(SYS_sched_getattr, 0, attr, sizeof(attr), 0) ? 99 : attr[4];
}

static void show_nice(void)
{
	SHOW(getpriority(PRIO_PROCESS, 0));
	SHOW(nice_in_stat());
	SHOW(nice_in_attr());
}

/*
 * The value that the process was started with, the value that it sets, and what a child inherits.
 */
CASE(nice_value)
{
	pid_t pid;

	show_nice();
	fflush(stdout);
	SHOW(setpriority(PRIO_PROCESS, 0, 15));
	show_nice();
	SHOW(setpriority(PRIO_PROCESS, getpid(), 40));
	show_nice();
	pid = fork();
	NEED(pid >= 0);
	if (!pid) {
		show_nice();
		_exit(0);
	}
	SHOW(waitpid(pid, NULL, 0) == pid);
	SHOW(setpriority(99, 0, 0));
	SHOW(setpriority(PRIO_PROCESS, INT32_MAX, 0));
	/* Only a privileged process may raise it again. */
	SHOW(setpriority(PRIO_PROCESS, 0, 3));
	show_nice();
}

static long io_priority(int which, int who)
{
	return syscall(SYS_ioprio_get, which, who);
}

static long set_io_priority(int which, int who, int class, int level)
{
	return syscall(SYS_ioprio_set, which, who, class << IOPRIO_CLASS_SHIFT | level);
}

CASE(io_priorities)
{
	pid_t pid;

	SHOW(io_priority(IOPRIO_WHO_PROCESS, 0));
	SHOW(set_io_priority(IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_NONE, 0));
	SHOW(io_priority(IOPRIO_WHO_PROCESS, getpid()));
	SHOW(setpgid(0, 0));
	/* A group's priority is the one in effect, which follows from the nice value. */
	SHOW(setpriority(PRIO_PROCESS, 0, 19));
	SHOW(io_priority(IOPRIO_WHO_PGRP, 0));
	SHOW(set_io_priority(IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_BE, 6));
	SHOW(io_priority(IOPRIO_WHO_PROCESS, 0));
	pid = fork();
	NEED(pid >= 0);
	if (!pid) {
		SHOW(io_priority(IOPRIO_WHO_PROCESS, 0));
		SHOW(set_io_priority(IOPRIO_WHO_PROCESS, getppid(), IOPRIO_CLASS_IDLE, 0));
		SHOW(io_priority(IOPRIO_WHO_PGRP, 0));
		_exit(0);
	}
	SHOW(waitpid(pid, NULL, 0) == pid);
	SHOW(io_priority(IOPRIO_WHO_PROCESS, 0));
	SHOW(set_io_priority(IOPRIO_WHO_PGRP, getpid(), IOPRIO_CLASS_BE, 1));
	SHOW(io_priority(IOPRIO_WHO_PGRP, getpid()));
	SHOW(io_priority(IOPRIO_WHO_PROCESS, INT32_MAX));
	SHOW(io_priority(IOPRIO_WHO_PGRP, INT32_MAX));
	SHOW(io_priority(IOPRIO_WHO_USER, INT32_MAX));
	SHOW(io_priority(0, 0));
	SHOW(io_priority(4, 0));
	SHOW(set_io_priority(4, 0, IOPRIO_CLASS_BE, 1));
	SHOW(set_io_priority(IOPRIO_WHO_PROCESS, INT32_MAX, IOPRIO_CLASS_BE, 1));
	SHOW(set_io_priority(IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_NONE, 1));
	SHOW(set_io_priority(IOPRIO_WHO_PROCESS, 0, 7, 0));
	SHOW(io_priority(IOPRIO_WHO_PROCESS, 0));
}

CASE(randomness)
{
	unsigned char a[64] = {0}, b[64] = {0};

	SHOW(getrandom(a, sizeof(a), 0));
	SHOW(getrandom(b, sizeof(b), GRND_NONBLOCK));
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	SHOW(getrandom((void *)8, 16, 0));
	SHOW(getrandom(a, 16, 0x99));
	SHOW(getentropy(a, 64));
	SHOW(getentropy(a, 300));
}

CASE(machine)
{
	struct sysinfo s;

	SHOW(sysinfo(&s));
	CHECK(s.uptime > 0 && s.totalram * s.mem_unit > 1000000 && s.procs > 0);
	CHECK(sysconf(_SC_PHYS_PAGES) > 1000);
}

CASE(capabilities)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2];

	SHOW(syscall(SYS_capget, &h, d));
	printf("  effective %x %x\n", d[0].effective, d[1].effective);
	h.version = 1;
	SHOW(syscall(SYS_capget, &h, d));
	printf("  version %x\n", h.version);
}

/* These calls are refused on purpose, and never crash. */
CASE(refused)
{
	CHECK(syscall(SYS_io_uring_setup, 4, NULL) == -1);
	CHECK(syscall(SYS_ptrace, 9999, 0, 0, 0) == -1);
	CHECK(syscall(SYS_init_module, NULL, 0, "") == -1);
	CHECK(syscall(SYS_kexec_load, 0, 0, NULL, 99) == -1);
	CHECK(syscall(SYS_bpf, 9999, NULL, 0) == -1);
}

/*
 * Every operation of prctl(2) that Linux 6.1 has, with arguments that it takes and others, each in
 * a child. Left out: what depends on the CPU (26, 52, 53, 62), the calls' own rules (59), seccomp
 * (21, 22), and names (15, 16).
 */
CASE(every_process_control)
{
	static const unsigned long args[][4] = {{0}, {1}, {2}, {99}, {0, 1}, {0, 0, 0, 7}, {~0UL}};
	static const int left_out[] = {15, 16, 21, 22, 26, 52, 53, 59, 62};

	for (int op = 0; op <= 64; op++) {
		bool skip = false;

		for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
			skip |= op == left_out[i];
		if (skip)
			continue;
		fflush(stdout);
		if (fork() == 0) {
			printf("  %d:", op);
			for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
				const unsigned long *a = args[i];
				long r = prctl(op, a[0], a[1], a[2], a[3]);

				printf(" %ld %s", r, r < 0 ? check_errno(errno) : "");
			}
			puts("");
			fflush(stdout);
			_exit(0);
		}
		NEED(wait(NULL) > 0);
	}
	if (check_kernel(6, 4))
		SHOW(prctl(0x41555856, -1, 0, 0, 0)); /* PR_GET_AUXV */
}

static clockid_t clock_of(pid_t pid, int bits)
{
	return (clockid_t)((~(unsigned)pid << 3) | (unsigned)bits);
}

CASE(clocks_of_another_process)
{
	struct timespec ts, short_time = {0, 1000000};
	pid_t child = fork();

	NEED(child >= 0);
	if (child == 0) {
		for (;;)
			getppid();
	}
	SHOW(clock_getres(clock_of(child, 2), &ts));
	SHOW(clock_gettime(clock_of(child, 2), &ts));
	SHOW(clock_settime(clock_of(child, 2), &ts));
	SHOW(clock_getres(clock_of(child, 2 | 4), &ts));
	SHOW(clock_gettime(clock_of(child, 2 | 4), &ts));
	SHOW(clock_settime(clock_of(child, 2 | 4), &ts));
	SHOW(clock_getres(clock_of(99999999, 2), &ts));
	SHOW(clock_gettime(clock_of(99999999, 2), &ts));
	SHOW(clock_settime(clock_of(99999999, 2), &ts));
	SHOW(clock_nanosleep(clock_of(child, 2), 0, &short_time, NULL));
	SHOW(clock_nanosleep(clock_of(getpid(), 2 | 4), 0, &short_time, NULL));
	SHOW(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &short_time, NULL));
	NEED(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
	SHOW(clock_getres(clock_of(child, 2), &ts));
}
