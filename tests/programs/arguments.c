// SPDX-License-Identifier: MIT
/*
 * Calls with several wrong arguments, or with files of kinds that they are not for: which of the
 * errors does the kernel find first? And process 1, which is there but not in the sandbox.
 */
#include "check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/membarrier.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NOWHERE		((void *)1)
#define CLOSED		999
#define FLOCK_MANDATORY 32 /* LOCK_MAND of asm/fcntl.h, which glibc hides */

static int make(void)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);

	NEED(fd >= 0 && write(fd, "hello", 5) == 5);
	return fd;
}

CASE(vectors_of_bad_files)
{
	char b[8];
	struct iovec iov = {b, 4}, bad = {NOWHERE, 4}, negative = {b, (size_t)-1};
	int file = make(), reads = open("file", O_RDONLY), writes = open("file", O_WRONLY);
	int dir = open(".", O_RDONLY), event = eventfd(1, EFD_NONBLOCK);

	SHOW(readv(CLOSED, NOWHERE, 1));
	SHOW(readv(CLOSED, &iov, -1));
	if (check_kernel(6, 8)) { /* before, the vector was read first */
		SHOW(readv(writes, NOWHERE, 1));
		SHOW(readv(writes, &negative, 1));
		SHOW(writev(reads, &iov, 1025));
	}
	SHOW(writev(reads, &bad, 1));
	SHOW(read(writes, NOWHERE, 4));
	SHOW(write(reads, NOWHERE, 4));
	SHOW(read(dir, NOWHERE, 4));
	SHOW(read(file, NOWHERE, 0));
	/* Without a byte to move the file is not asked. */
	SHOW(readv(dir, &iov, 0));
	SHOW(readv(event, &iov, 0));
	SHOW(writev(event, &iov, 0));
	SHOW(writev(reads, &iov, 0));
	SHOW(vmsplice(file, &iov, 1, 0));
	SHOW(vmsplice(file, &iov, 1, 0x100));
}

CASE(positions)
{
	int p[2], file = make();

	NEED(pipe(p) == 0);
	SHOW(lseek(p[0], 0, 5));
	SHOW(lseek(p[0], 0, -1));
	SHOW(lseek(p[0], 0, SEEK_SET));
	SHOW(lseek(file, 0, 5));
	SHOW(ftruncate(CLOSED, -1));
	SHOW(truncate("", -1));
	SHOW(truncate(NOWHERE, -1));
	SHOW(fallocate(CLOSED, 0, 0, 0));
	SHOW(fallocate(p[1], 0, 0, 0));
	SHOW(fallocate(p[1], 0, 0, 1));
	SHOW(fallocate(p[1], FALLOC_FL_PUNCH_HOLE, 0, 1));
	SHOW(fallocate(file, FALLOC_FL_PUNCH_HOLE, 0, 1));
}

CASE(locks_and_times)
{
	struct timespec neither[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
	struct itimerspec late = {.it_value = {.tv_nsec = 1000000000}};
	int file = make();

	SHOW(flock(CLOSED, 0));
	SHOW(flock(CLOSED, LOCK_SH | LOCK_EX));
	SHOW(flock(CLOSED, LOCK_NB));
	SHOW(flock(CLOSED, FLOCK_MANDATORY));
	SHOW(flock(file, LOCK_EX | LOCK_NB));
	SHOW(utimensat(AT_FDCWD, "missing", neither, 0));
	SHOW(syscall(SYS_utimensat, CLOSED, NULL, neither, 0));
	SHOW(timerfd_settime(CLOSED, 8, &(struct itimerspec){0}, NULL));
	SHOW(timerfd_settime(CLOSED, 0, &late, NULL));
	SHOW(timerfd_settime(file, 0, &late, NULL));
	SHOW(inotify_add_watch(CLOSED, ".", 0));
	SHOW(inotify_add_watch(CLOSED, ".", IN_CREATE));
}

/* Prints the errors of socket calls on a descriptor that is no socket. */
static void no_socket(int fd)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	struct msghdr m = {0};
	socklen_t len = sizeof(a);
	int one = 1;

	SHOW(bind(fd, NOWHERE, 16));
	SHOW(bind(fd, (struct sockaddr *)&a, (socklen_t)-1));
	SHOW(bind(fd, (struct sockaddr *)&a, 200));
	SHOW(connect(fd, NOWHERE, 16));
	SHOW(accept4(fd, NULL, NULL, 0x77));
	SHOW(send(fd, NOWHERE, 1, 0));
	SHOW(recv(fd, NOWHERE, 1, 0));
	SHOW(sendmsg(fd, NOWHERE, 0));
	SHOW(recvmsg(fd, NOWHERE, 0));
	SHOW(sendmsg(fd, &m, 0));
	SHOW(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, NOWHERE, 4));
	SHOW(setsockopt(fd, 999, 1, &one, sizeof(one)));
	SHOW(getsockopt(fd, 999, 1, &one, &len));
}

CASE(socket_calls_on_a_file)
{
	no_socket(make());
}

CASE(socket_calls_on_nothing)
{
	no_socket(CLOSED);
}

CASE(mappings)
{
	int p[2], writes, reads, fd = make();
	char *at;

	NEED(pipe(p) == 0);
	writes = open("file", O_WRONLY);
	reads = open("file", O_RDONLY);
#define MAP(len, prot, flags, fd) (mmap(NULL, len, prot, flags, fd, 0) == MAP_FAILED ? -1 : 0)
	SHOW(MAP(4096, PROT_READ, MAP_PRIVATE, writes));
	SHOW(MAP(4096, PROT_READ | PROT_WRITE, MAP_SHARED, reads));
	SHOW(MAP(4096, PROT_READ | PROT_WRITE, MAP_SHARED, p[0]));
	SHOW(MAP(4096, PROT_READ, MAP_SHARED, p[0]));
	SHOW(MAP(4096, PROT_READ, MAP_PRIVATE | MAP_HUGETLB, fd));
	SHOW(MAP(4096, PROT_READ, MAP_SHARED_VALIDATE | 1 << 27, fd));
	SHOW(MAP(4096, PROT_READ, MAP_SHARED_VALIDATE | 1 << 25, fd));
	SHOW(MAP(4096, PROT_READ, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1));
	SHOW(mmap(NOWHERE, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
			     MAP_FAILED
		     ? -1
		     : 0);
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(at != MAP_FAILED);
	at[0] = 1;
	SHOW(mlock(at, 4096));
	SHOW(madvise(at, 4096, MADV_DONTNEED));
	SHOW(at[0]);
	SHOW(madvise(at, 4096, 24)); /* MADV_DONTNEED_LOCKED */
	SHOW(at[0]);
	SHOW(syscall(SYS_get_mempolicy, NULL, NULL, 0, at, 2));
	SHOW(syscall(SYS_get_mempolicy, NULL, NULL, 0, NOWHERE, 2));
}

CASE(flags_that_are_kept)
{
	int file = make(), text = open("/proc/self/status", O_RDONLY), on = 1, off = 0;
	int watch = inotify_init1(IN_NONBLOCK), event = eventfd(0, 0);

	/* All bits: those that F_SETFL knows are set, and the file stays what it is. */
	SHOW(fcntl(file, F_SETFL, ~O_DIRECT));
	SHOW(fcntl(file, F_GETFL));
	SHOW_OK(ioctl(file, FIONREAD, &on));
	SHOW(fcntl(text, F_SETFL, O_NONBLOCK | O_APPEND));
	SHOW(fcntl(text, F_GETFL));
	SHOW(fcntl(text, F_SETFL, O_DIRECT));
	SHOW(fcntl(text, F_GET_SEALS));
	SHOW(lseek(text, 0, SEEK_END));
	SHOW(ioctl(event, FIOASYNC, NOWHERE));
	SHOW(ioctl(event, FIOASYNC, &off));
	on = 1;
	SHOW(ioctl(event, FIOASYNC, &on));
	SHOW(ioctl(watch, FIOASYNC, &on));
	SHOW(fcntl(watch, F_GETFL) & O_ASYNC);
}

static short events_of(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

	NEED(poll(&p, 1, 0) >= 0);
	return p.revents;
}

/* Nothing can be written to these files, and they are never ready for it. */
CASE(files_that_are_only_read)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT};
	int epoll = epoll_create1(0), fd;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK);
	SHOW(events_of(fd));
	SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev));
	SHOW(epoll_wait(epoll, &ev, 1, 0));
	ev.events = EPOLLIN | EPOLLOUT;
	SHOW(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &ev));
	SHOW(epoll_wait(epoll, &ev, 1, 0));
	raise(SIGUSR1);
	SHOW(events_of(fd));
	SHOW(epoll_wait(epoll, &ev, 1, 0));
	SHOW(ev.events);
	fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	SHOW(events_of(fd));
	SHOW(lseek(fd, 0, SEEK_CUR));
	fd = open("/proc/self/mem", O_RDWR);
	SHOW(events_of(fd));
	fd = make();
	SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, fd, &ev));
	SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, epoll, &ev));
}

CASE(programs_that_are_sockets)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "socket"};
	char *args[] = {"socket", NULL};

	NEED(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof(a)) == 0);
	NEED(chmod("socket", 0777) == 0);
	SHOW(execv("socket", args));
}

CASE(clocks)
{
	struct timespec zero = {0};
	struct timeval late = {.tv_usec = 1000000};
	struct timex tx = {.modes = ADJ_OFFSET_SS_READ};

	SHOW(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &zero, NULL));
	SHOW(syscall(SYS_settimeofday, &late, NULL));
	SHOW_OK(adjtimex(&tx));
	tx.modes = 0x8000; /* adjtime(3), but not which kind of it */
	SHOW(adjtimex(&tx));
	SHOW(syscall(SYS_clock_adjtime, 13, &tx));
}

CASE(small_masks_of_cpus)
{
	unsigned long mask[16] = {0};

	SHOW(syscall(SYS_sched_getaffinity, 0, 4, mask));
	SHOW(syscall(SYS_sched_getaffinity, 0, sizeof(mask[0]), NOWHERE));
	SHOW(syscall(SYS_sched_getaffinity, 0, sizeof(mask[0]), mask));
	CHECK(mask[0] != 0);
	if (check_kernel(6, 3)) {
		SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
		SHOW(syscall(SYS_membarrier, 1 << 9 /* GET_REGISTRATIONS */, 0, 0));
	}
	if (check_kernel(6, 6))
		SHOW(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 8)); /* best effort, and a hint */
}

/* Init is there, and not the program's to change. */
CASE(process_one)
{
	struct sched_param param = {0};
	siginfo_t info = {.si_code = SI_QUEUE};
	struct rlimit limit;
	struct iovec iov = {&limit, sizeof(limit)};
	unsigned long mask = 1;
	void *head;
	size_t len;

	if (getuid() == 0)
		return; /* for root most of these succeed natively */
	SHOW(syscall(SYS_rt_sigqueueinfo, 1, 0, &info));
	SHOW(setpriority(PRIO_PROCESS, 1, 5));
	SHOW_OK(getpriority(PRIO_PROCESS, 1));
	SHOW_OK(getpgid(1));
	SHOW_OK(getsid(1));
	SHOW(sched_setaffinity(1, sizeof(mask), (cpu_set_t *)&mask));
	SHOW(sched_setscheduler(1, SCHED_OTHER, &param));
	SHOW(prlimit(1, RLIMIT_NOFILE, NULL, &limit));
	SHOW(syscall(SYS_get_robust_list, 1, &head, &len));
	SHOW(syscall(SYS_ptrace, 16 /* PTRACE_ATTACH */, 1, 0, 0));
	SHOW(process_vm_readv(1, &iov, 1, &iov, 1, 0));
	SHOW(syscall(SYS_kcmp, getpid(), 1, 1, 0, 0));
}
