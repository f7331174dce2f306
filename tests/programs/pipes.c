// SPDX-License-Identifier: MIT
/*
 * Pipes of both kinds: the guest kernel's own, and those that have moved to the host. Most cases
 * run for each kind, and moving() moves a pipe while another thread or process uses it. A pipe
 * moves when the host has to know it, and any flock(2) is such a reason; natively flock(2) changes
 * nothing.
 */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define PAGE 4096

static int p[2];
static bool hosts; /* The pipe moves to the host at once. */
static char big[1 << 20], other[1 << 20];

static void move(int fd)
{
	NEED(flock(fd, LOCK_UN) == 0);
}

static void open_pipe(int flags)
{
	NEED(pipe2(p, flags) == 0);
	if (hosts)
		move(p[0]);
}

static void close_pipe(void)
{
	close(p[0]);
	close(p[1]);
}

static int wait_child(pid_t pid)
{
	int status = 0;

	NEED(waitpid(pid, &status, 0) == pid);
	if (WIFSIGNALED(status))
		printf("killed by %d\n", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		printf("exit status %d\n", WEXITSTATUS(status));
	return 0;
}

/* Runs a case's body for both kinds of pipes. */
#define BOTH_KINDS for (int kind_ = 0; kind_ < 2 && (hosts = kind_, true); kind_++)

static void pattern(char *at, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		at[i] = (char)((i + seed) * 2654435761U >> 13);
}

/* Returns as letters what is readable and writable now. */
static const char *ready(int fd)
{
	static char text[8];
	struct pollfd f = {fd, POLLIN | POLLOUT, 0};
	char *at = text;

	NEED(poll(&f, 1, 0) >= 0);
	if (f.revents & POLLIN)
		*at++ = 'i';
	if (f.revents & POLLOUT)
		*at++ = 'o';
	if (f.revents & POLLHUP)
		*at++ = 'h';
	if (f.revents & POLLERR)
		*at++ = 'e';
	*at = 0;
	return text;
}

static int unread(int fd)
{
	int n = -1;

	NEED(ioctl(fd, FIONREAD, &n) == 0);
	return n;
}

/* Returns how many bytes a non-blocking pipe takes. */
static long fill(size_t chunk)
{
	long sum = 0, n;

	while ((n = write(p[1], big, chunk)) > 0)
		sum += n;
	return sum;
}

CASE(capacity)
{
	static const size_t sizes[] = {1,    3,	   100,	 1000, 2048,  3000,
				       4095, 4096, 4097, 5000, 65536, 100000};

	BOTH_KINDS
	{
		/* Fewer rounds, because small writes to the host are slow. */
		for (size_t i = hosts ? 3 : 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			open_pipe(O_NONBLOCK);
			printf("%zu: %ld", sizes[i], fill(sizes[i]));
			printf(" %d %s", unread(p[0]), ready(p[1]));
			NEED(read(p[0], other, 1) == 1);
			printf(" after 1: %s %ld", ready(p[1]), fill(100));
			NEED(read(p[0], other, PAGE - 1) == PAGE - 1);
			printf(" after a page: %s %ld", ready(p[1]), fill(10));
			NEED(read(p[0], other, 3 * PAGE + 5) == 3 * PAGE + 5);
			printf(" after more: %s %ld\n", ready(p[1]), fill(5000));
			close_pipe();
		}
	}
}

CASE(content)
{
	BOTH_KINDS
	{
		pattern(big, sizeof(big), 0);
		open_pipe(0);
		pid_t pid = start_child();
		if (pid == 0) {
			close(p[0]);
			for (size_t done = 0, n; done < sizeof(big); done += n) {
				n = (done * 7 % 30011) + 1;
				if (n > sizeof(big) - done)
					n = sizeof(big) - done;
				NEED(write(p[1], big + done, n) == (ssize_t)n);
			}
			_exit(0);
		}
		close(p[1]);
		size_t done = 0;
		for (ssize_t n; (n = read(p[0], other + done, done * 5 % 9001 + 1)) > 0;)
			done += (size_t)n;
		SHOW(done);
		CHECK(memcmp(big, other, sizeof(big)) == 0);
		close(p[0]);
		wait_child(pid);
	}
}

CASE(packets)
{
	BOTH_KINDS
	{
		char text[PAGE * 3] = "";

		open_pipe(O_DIRECT | O_NONBLOCK);
		SHOW(fcntl(p[0], F_GETFL) & O_DIRECT);
		SHOW(fcntl(p[1], F_GETFL) & O_DIRECT);
		SHOW(write(p[1], "one", 3));
		SHOW(write(p[1], "three", 5));
		SHOW(write(p[1], "", 0));
		SHOW(unread(p[0]));
		SHOW(read(p[0], text, 2)); /* the rest is lost */
		SHOW(unread(p[0]));
		SHOW(read(p[0], text, 100));
		SHOW(write(p[1], big, PAGE + 10)); /* two packets */
		SHOW(read(p[0], text, sizeof(text)));
		SHOW(read(p[0], text, sizeof(text)));
		SHOW(read(p[0], text, sizeof(text)));
		SHOW(fill(1));
		SHOW(read(p[0], text, sizeof(text)));
		SHOW(fill(1));
		/* Packet mode ends, but data that is already in the pipe stays packets. */
		SHOW(fcntl(p[1], F_SETFL, O_NONBLOCK));
		SHOW(read(p[0], text, 10));
		SHOW(read(p[0], text, 10));
		SHOW(write(p[1], "abc", 3));
		SHOW(write(p[1], "def", 3));
		for (int i = 0; i < 14; i++)
			NEED(read(p[0], text, 10) == 1);
		SHOW(read(p[0], text, 10));
		close_pipe();
	}
}

CASE(sizes)
{
	BOTH_KINDS
	{
		open_pipe(O_NONBLOCK);
		SHOW(fcntl(p[0], F_GETPIPE_SZ));
		SHOW(fcntl(p[0], F_SETPIPE_SZ, 5000));
		SHOW(fcntl(p[1], F_GETPIPE_SZ));
		SHOW(fill(PAGE));
		SHOW(fcntl(p[1], F_SETPIPE_SZ, 0));
		SHOW(fcntl(p[1], F_SETPIPE_SZ, 65537));
		SHOW(*ready(p[1]));
		SHOW(fill(PAGE));
		SHOW(fcntl(p[1], F_SETPIPE_SZ, 65536));
		SHOW(read(p[0], other, 1 << 17));
		SHOW(fcntl(p[1], F_SETPIPE_SZ, 1));
		SHOW(fill(1));
		SHOW(fcntl(p[1], F_SETPIPE_SZ, 1 << 20));
		SHOW(fill(sizeof(big)));
		SHOW(fcntl(p[1], F_SETPIPE_SZ, 0x80000001));
		SHOW(fcntl(p[1], F_SETPIPE_SZ, -1));
		close_pipe();
	}
}

CASE(bad_buffers)
{
	char *two =
		mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(two != MAP_FAILED);
	NEED(mprotect(two + 2 * PAGE, PAGE, PROT_NONE) == 0);
	memset(two, 'x', PAGE * 2);
	BOTH_KINDS
	{
		static const int before[] = {0, 1, 100, PAGE, PAGE + 1, 2 * PAGE};

		for (int i = 0; i < 6; i++) {
			char *at = two + 2 * PAGE - before[i];
			/*
			 * This checks the guest kernel's pipes. Pipes of the host behave as the
			 * host does.
			 */
			if (!hosts) {
				open_pipe(O_NONBLOCK);
				printf("%d good:\n", before[i]);
				SHOW(write(p[1], at, 100));
				SHOW(write(p[1], at, PAGE));
				SHOW(write(p[1], at, 3 * PAGE));
				SHOW(unread(p[0]));
				close_pipe();
			}
			/* A read that fails loses no data. */
			open_pipe(O_NONBLOCK);
			NEED(write(p[1], big, 300) == 300);
			NEED(write(p[1], big, 2 * PAGE) == 2 * PAGE);
			if (!before[i])
				SHOW(read(p[0], at, 100));
			SHOW(read(p[0], other, sizeof(other)));
			close_pipe();
		}
		if (hosts)
			break;
		open_pipe(O_NONBLOCK);
		SHOW(write(p[1], NULL, 0));
		SHOW(write(p[1], NULL, 1));
		SHOW(read(p[0], NULL, 1));
		SHOW(read(p[0], NULL, 0));
		fill(PAGE);
		SHOW(write(p[1], NULL, 1));
		close(p[0]);
		signal(SIGPIPE, SIG_IGN);
		SHOW(write(p[1], NULL, 1));
		SHOW(write(p[1], "", 0));
		close(p[1]);
	}
	munmap(two, 4 * PAGE);
}

CASE(vectors)
{
	static struct iovec one[1024];

	BOTH_KINDS
	{
		pattern(big, 8192, 3);
		memset(other, 0, 8192);
		open_pipe(O_NONBLOCK);
		for (int i = 0; i < 1024; i++)
			one[i] = (struct iovec){big + i * 3, i % 4 ? 3 : 0};
		SHOW(writev(p[1], one, 1024));
		SHOW(unread(p[0]));
		SHOW(writev(p[1], one, 1025));
		SHOW(writev(p[1], one, 0));
		for (int i = 0; i < 1024; i++)
			one[i] = (struct iovec){other + i * 2, 2};
		SHOW(readv(p[0], one, 1024));
		SHOW(readv(p[0], one, 1024));
		SHOW(readv(p[0], one, 1024));
		one[0] = (struct iovec){big, 10};
		one[1] = (struct iovec){NULL, 10};
		if (!hosts)
			SHOW(writev(p[1], one, 2));
		SHOW(preadv(p[0], one, 1, 0));
		SHOW(pwritev(p[1], one, 1, 0));
		SHOW(preadv2(p[0], one, 1, -1, 0));
		SHOW(pwritev2(p[1], one, 1, -1, 0));
		SHOW(pwritev2(p[1], one, 1, -1, 0x4000));
		SHOW(preadv2(p[0], one, 1, -1, RWF_NOWAIT));
		SHOW(preadv2(p[0], one, 1, -1, RWF_NOWAIT));
		close_pipe();
	}
}

static volatile int signals;

static void count_signal(int sig)
{
	(void)sig;
	signals++;
}

CASE(broken)
{
	BOTH_KINDS
	{
		signals = 0;
		signal(SIGPIPE, count_signal);
		open_pipe(0);
		close(p[0]);
		SHOW(write(p[1], "x", 1));
		SHOW(write(p[1], "x", 0));
		SHOW(*ready(p[1]));
		SHOW(signals);
		close(p[1]);
		/* A writer that waits is told, and its result is how much it has written. */
		open_pipe(0);
		pid_t pid = start_child();
		if (pid == 0) {
			close(p[1]);
			settle(100000);
			_exit(0);
		}
		close(p[0]);
		signals = 0;
		SHOW(write(p[1], big, 100000));
		SHOW(signals);
		SHOW(write(p[1], big, 1));
		SHOW(signals);
		close(p[1]);
		wait_child(pid);
		/* The reader sees the end, also when the writer is killed. */
		open_pipe(0);
		pid = start_child();
		if (pid == 0) {
			write(p[1], "last", 4);
			settle(100000);
			raise(SIGKILL);
		}
		close(p[1]);
		SHOW(read(p[0], other, 10));
		SHOW(read(p[0], other, 10));
		SHOW(*ready(p[0]));
		close(p[0]);
		wait_child(pid);
	}
	signal(SIGPIPE, SIG_DFL);
}

/* Records of several writers arrive whole, whichever process reads them. */
CASE(records)
{
	struct record {
		int writer, number;
		char rest[504];
	} r;

	BOTH_KINDS
	{
		int next[4] = {0}, bad = 0;
		pid_t pid[4];

		open_pipe(0);
		for (int w = 0; w < 4; w++) {
			pid[w] = start_child();
			if (pid[w])
				continue;
			memset(&r, 'a' + w, sizeof(r));
			r.writer = w;
			for (r.number = 0; r.number < 500; r.number++)
				NEED(write(p[1], &r, sizeof(r)) == sizeof(r));
			_exit(0);
		}
		close(p[1]);
		for (ssize_t n; (n = read(p[0], &r, sizeof(r))) != 0;) {
			NEED(n == sizeof(r));
			bad += r.writer < 0 || r.writer > 3 || r.number != next[r.writer]++;
			for (size_t i = 0; i < sizeof(r.rest) && !bad; i++)
				bad += r.rest[i] != 'a' + r.writer;
		}
		CHECK(!bad);
		for (int w = 0; w < 4; w++) {
			SHOW(next[w]);
			wait_child(pid[w]);
		}
		close(p[0]);
	}
}

/* As in make -j: many processes wait for one byte; each takes it and puts it back. */
CASE(tokens)
{
	BOTH_KINDS
	{
		pid_t pid[6];
		int done[2];
		char c, sum = 0;

		open_pipe(0);
		NEED(pipe(done) == 0);
		for (int i = 0; i < 6; i++) {
			pid[i] = start_child();
			if (pid[i])
				continue;
			for (int k = 0; k < 50; k++) {
				NEED(read(p[0], &c, 1) == 1);
				NEED(write(p[1], &c, 1) == 1);
			}
			write(done[1], "d", 1);
			_exit(0);
		}
		write(p[1], "12", 2);
		for (int i = 0; i < 6; i++) {
			NEED(read(done[0], &c, 1) == 1);
			wait_child(pid[i]);
		}
		SHOW(unread(p[0]));
		NEED(read(p[0], other, 2) == 2);
		sum = (char)(other[0] + other[1]);
		SHOW(sum);
		close_pipe();
		close(done[0]);
		close(done[1]);
	}
}

CASE(names)
{
	BOTH_KINDS
	{
		char a[64] = "", b[64] = "", c[64], path[64];
		struct stat st, st2;
		struct statx x;
		long n;

		open_pipe(0);
		NEED(fstat(p[0], &st) == 0 && fstat(p[1], &st2) == 0);
		CHECK(st.st_ino == st2.st_ino && st.st_dev == st2.st_dev);
		SHOW(st.st_mode);
		SHOW(st.st_nlink);
		SHOW(st.st_size);
		SHOW(st.st_blksize);
		CHECK(st.st_uid == geteuid() && st.st_gid == getegid());
		sprintf(path, "/proc/self/fd/%d", p[0]);
		n = readlink(path, a, sizeof(a));
		CHECK(n > 8);
		SHOW(stat(path, &st2));
		CHECK(st.st_ino == st2.st_ino);
		sprintf(path, "/proc/self/fd/%d", p[1]);
		CHECK(readlink(path, b, sizeof(b)) == n && strcmp(a, b) == 0);
		sprintf(c, "pipe:[%lu]", (unsigned long)st.st_ino);
		CHECK(strcmp(a, c) == 0);
		SHOW(statx(p[1], "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x));
		CHECK(x.stx_ino == st.st_ino && x.stx_mode == st.st_mode);
		CHECK(x.stx_dev_minor == (st.st_dev & 0xff) && x.stx_dev_major == 0);
		sprintf(path, "/proc/self/fdinfo/%d", p[1]);
		FILE *f = fopen(path, "r");
		NEED(f);
		NEED(fgets(c, sizeof(c), f));
		printf("%s", c);
		NEED(fgets(c, sizeof(c), f));
		printf("%s", c);
		fclose(f);
		/*
		 * The inode number stays the same whatever happens to the pipe, and no other pipe
		 * has it.
		 */
		move(p[0]);
		NEED(fstat(p[1], &st2) == 0);
		CHECK(st.st_ino == st2.st_ino && st.st_dev == st2.st_dev);
		int q[2];
		NEED(pipe(q) == 0 && fstat(q[0], &st2) == 0);
		CHECK(st.st_ino != st2.st_ino && st.st_dev == st2.st_dev);
		close(q[0]);
		close(q[1]);
		close_pipe();
	}
}

CASE(reopened)
{
	BOTH_KINDS
	{
		char r[64], w[64];
		int fd;

		open_pipe(0);
		sprintf(r, "/proc/self/fd/%d", p[0]);
		sprintf(w, "/proc/self/fd/%d", p[1]);
		NEED(write(p[1], "abc", 3) == 3);
		SHOW_OK(fd = open(w, O_RDONLY | O_NONBLOCK));
		SHOW(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_APPEND));
		SHOW(fcntl(fd, F_GETFL) & 0100000); /* O_LARGEFILE */
		SHOW(fcntl(p[0], F_GETFL));
		SHOW(read(fd, other, 2));
		SHOW(read(fd, other, 2));
		SHOW(read(fd, other, 2));
		close(p[0]);
		SHOW(write(p[1], "x", 1)); /* fd still reads */
		close(p[1]);
		SHOW(read(fd, other, 2));
		SHOW(read(fd, other, 2));
		sprintf(r, "/proc/self/fd/%d", fd);
		SHOW_OK(p[1] = open(r, O_WRONLY));
		SHOW(read(fd, other, 2));
		SHOW(write(p[1], "yz", 2));
		SHOW(read(fd, other, 2));
		close(p[1]);
		SHOW_OK(p[1] = open(r, O_RDWR | O_TRUNC));
		SHOW(write(p[1], "1", 1));
		SHOW(*ready(p[1]));
		SHOW(read(p[1], other, 5));
		SHOW(open(r, O_RDONLY | O_DIRECTORY));
		SHOW(open(r, O_RDONLY | O_DIRECT));
		SHOW(open(r, O_RDWR | O_CREAT | O_EXCL, 0600));
		SHOW_OK(p[0] = open(r, O_PATH));
		SHOW(read(p[0], other, 1));
		close(p[0]);
		close(p[1]);
		close(fd);
	}
}

CASE(other_calls)
{
	BOTH_KINDS
	{
		socklen_t len = sizeof(int);
		struct sockaddr a;
		int n;

		open_pipe(O_NONBLOCK);
		SHOW(lseek(p[0], 0, SEEK_SET));
		SHOW(pread(p[0], other, 1, 0));
		SHOW(pwrite(p[1], other, 1, 0));
		SHOW(read(p[1], other, 1));
		SHOW(write(p[0], other, 1));
		SHOW(read(p[0], other, 1));
		SHOW(posix_fadvise(p[0], 0, 0, POSIX_FADV_SEQUENTIAL));
		SHOW(copy_file_range(p[0], NULL, p[1], NULL, 1, 0));
		SHOW(getsockopt(p[0], SOL_SOCKET, SO_TYPE, &n, &len));
		len = sizeof(a);
		SHOW(getpeername(p[0], &a, &len));
		SHOW(send(p[1], "x", 1, 0));
		SHOW(recv(p[0], other, 1, 0));
		SHOW(isatty(p[0]));
		SHOW((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, p[0], 0) == -1);
		SHOW(errno);
		SHOW((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, p[1], 0) == -1);
		SHOW(errno);
		n = 0;
		SHOW(ioctl(p[0], FIONBIO, &n));
		SHOW(fcntl(p[0], F_GETFL));
		SHOW(fcntl(p[1], F_SETFL, O_APPEND | O_NONBLOCK | O_CREAT));
		SHOW(fcntl(p[1], F_GETFL));
		SHOW(ioctl(p[0], 0x12345678, &n));
		close_pipe();
		open_pipe(0);
		SHOW(ftruncate(p[1], 0));
		SHOW(fallocate(p[1], 0, 0, 1));
		SHOW(fsync(p[1]));
		SHOW(fchmod(p[1], 0640));
		struct stat st;
		NEED(fstat(p[0], &st) == 0);
		SHOW(st.st_mode);
		SHOW(fchdir(p[0]));
		SHOW(openat(p[0], "x", O_RDONLY));
		close_pipe();
		SHOW(pipe2(p, O_APPEND));
		SHOW(pipe2(NULL, 0));
		SHOW(pipe2(NULL, 1 << 30));
	}
}

CASE(interrupted)
{
	struct sigaction sa = {.sa_handler = count_signal};

	BOTH_KINDS
	{
		for (int restart = 0; restart < 2; restart++) {
			sa.sa_flags = restart ? SA_RESTART : 0;
			sigaction(SIGUSR1, &sa, NULL);
			open_pipe(0);
			signals = 0;
			pid_t pid = start_child();
			if (pid == 0) {
				settle(100000);
				kill(getppid(), SIGUSR1);
				settle(200000);
				write(p[1], "late", 4);
				settle(200000);
				kill(getppid(), SIGUSR1);
				settle(200000);
				while (read(p[0], other, sizeof(other)) < 70000 && unread(p[0]))
					;
				_exit(0);
			}
			SHOW(read(p[0], other, 10));
			if (!restart)
				SHOW(read(p[0], other, 10));
			/* Data that is already written counts. */
			ssize_t n = write(p[1], big, 70000);
			CHECK(n == 65536 || n == 70000);
			SHOW(signals);
			close_pipe();
			kill(pid, SIGKILL);
			NEED(waitpid(pid, NULL, 0) == pid);
		}
	}
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Files of both kinds in one call, whichever becomes ready first. */
CASE(waiting_for_many)
{
	int s[2], e = eventfd(0, 0), q[2];
	uint64_t one = 1;

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	BOTH_KINDS
	{
		open_pipe(0);
		NEED(pipe(q) == 0);
		for (int turn = 0; turn < 6; turn++) {
			struct pollfd f[] = {{p[0], POLLIN, 0},
					     {s[0], POLLIN, 0},
					     {e, POLLIN, 0},
					     {-1, POLLIN, 0},
					     {q[0], POLLIN, 0}};
			pid_t pid = start_child();

			if (pid == 0) {
				settle(50000);
				write(turn % 3 == 0 ? p[1] : turn % 3 == 1 ? s[1] : q[1], "w", 1);
				_exit(0);
			}
			if (turn < 3) {
				SHOW(poll(f, 5, -1));
				for (int i = 0; i < 5; i++)
					printf("%x ", f[i].revents);
				printf("\n");
			} else {
				fd_set in;

				FD_ZERO(&in);
				FD_SET(p[0], &in);
				FD_SET(s[0], &in);
				FD_SET(q[0], &in);
				SHOW(select(q[1] + 1, &in, NULL, NULL, NULL));
				printf("%d %d %d\n", !!FD_ISSET(p[0], &in), !!FD_ISSET(s[0], &in),
				       !!FD_ISSET(q[0], &in));
			}
			NEED(read(turn % 3 == 0	  ? p[0]
				  : turn % 3 == 1 ? s[0]
						  : q[0],
				  other, 9) == 1);
			wait_child(pid);
		}
		/* Both become ready at once; then the timeouts. */
		struct pollfd f[] = {
			{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}, {e, POLLIN, 0}, {999, 0, 0}};
		SHOW(poll(f, 3, 0));
		NEED(write(e, &one, 8) == 8);
		NEED(write(p[1], "x", 1) == 1);
		SHOW(poll(f, 3, -1));
		SHOW(poll(f, 4, -1));
		SHOW(f[3].revents);
		NEED(read(e, &one, 8) == 8);
		NEED(read(p[0], other, 1) == 1);
		f[1].events = 0;
		long start = now_ms();
		SHOW(poll(f, 3, 50));
		CHECK(now_ms() - start >= 50);
		start = now_ms();
		SHOW(poll(f, 2, 50));
		CHECK(now_ms() - start >= 50);
		/* The hang-up of the other end is reported without being asked for. */
		f[0].events = 0;
		pid_t pid = start_child();
		if (pid == 0) {
			settle(50000);
			_exit(0);
		}
		close(p[1]);
		SHOW(poll(f, 1, -1));
		SHOW(f[0].revents);
		close(p[0]);
		wait_child(pid);
		close(q[0]);
		close(q[1]);
	}
	close(e);
	close(s[0]);
	close(s[1]);
}

CASE(signal_ends_poll)
{
	struct sigaction sa = {.sa_handler = count_signal, .sa_flags = SA_RESTART};

	sigaction(SIGUSR1, &sa, NULL);
	BOTH_KINDS
	{
		int e = eventfd(0, 0);

		for (int with = 0; with < 2; with++) {
			struct pollfd f[] = {{0}, {e, POLLIN, 0}};

			open_pipe(0);
			f[0] = (struct pollfd){p[0], POLLIN, 0};
			pid_t pid = start_child();
			if (pid == 0) {
				settle(50000);
				kill(getppid(), SIGUSR1);
				_exit(0);
			}
			SHOW(poll(f, 1 + (nfds_t)with, -1));
			wait_child(pid);
			close_pipe();
		}
		close(e);
	}
}

CASE(epolls)
{
	BOTH_KINDS
	{
		struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 5};
		int ep = epoll_create1(0);

		open_pipe(0);
		NEED(write(p[1], "before", 6) == 6);
		SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev));
		SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev));
		SHOW(epoll_wait(ep, &ev, 1, 0));
		SHOW(ev.events);
		SHOW(ev.data.u64);
		SHOW(read(p[0], other, 100));
		SHOW(epoll_wait(ep, &ev, 1, 0));
		ev = (struct epoll_event){.events = EPOLLIN | EPOLLET};
		SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev));
		NEED(write(p[1], "1", 1) == 1);
		SHOW(epoll_wait(ep, &ev, 1, 0));
		SHOW(epoll_wait(ep, &ev, 1, 0));
		NEED(write(p[1], "1", 1) == 1);
		SHOW(epoll_wait(ep, &ev, 1, 0));
		close(p[1]);
		SHOW(epoll_wait(ep, &ev, 1, 0));
		SHOW(ev.events);
		SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
		SHOW(epoll_wait(ep, &ev, 1, 0));
		close(p[0]);
		close(ep);
	}
}

static int watch(int ep, int op, int fd, unsigned events, unsigned long mark)
{
	struct epoll_event ev = {.events = events, .data.u64 = mark};

	return epoll_ctl(ep, op, fd, &ev);
}

/* Waits, and prints the events by their mark. */
static void show_events(int ep, int max, int ms)
{
	struct epoll_event ev[8];
	int n = epoll_wait(ep, ev, max, ms);

	for (int i = 0; i < n; i++)
		for (int k = i + 1; k < n; k++)
			if (ev[k].data.u64 < ev[i].data.u64) {
				struct epoll_event swap = ev[i];

				ev[i] = ev[k];
				ev[k] = swap;
			}
	printf("  %d events:", n);
	for (int i = 0; i < n; i++)
		printf(" %lu=%x", (unsigned long)ev[i].data.u64, ev[i].events);
	printf("\n");
}

static void write_later(int fd)
{
	if (start_child() == 0) {
		settle(50000);
		NEED(write(fd, "later", 5) == 5);
		_exit(0);
	}
}

CASE(epoll_of_both_kinds)
{
	int s[2], q[2];

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	BOTH_KINDS
	{
		int ep = epoll_create1(0), outer = epoll_create1(0), copy;
		struct pollfd f = {ep, POLLIN, 0};

		open_pipe(0);
		NEED(pipe(q) == 0);
		SHOW(watch(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
		SHOW(watch(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT, 2));
		show_events(ep, 8, 0);
		SHOW(watch(ep, EPOLL_CTL_MOD, p[1], 0, 2));
		show_events(ep, 8, 0);
		write_later(p[1]);
		show_events(ep, 8, -1); /* an epoll of pipes alone */
		SHOW(read(p[0], other, 100));
		show_events(ep, 8, 20);
		SHOW(watch(ep, EPOLL_CTL_ADD, s[0], EPOLLIN, 3));
		write_later(p[1]);
		show_events(ep, 8, -1); /* an epoll with a file of the host */
		SHOW(read(p[0], other, 100));
		write_later(s[1]);
		show_events(ep, 8, -1);
		NEED(write(p[1], "x", 1) == 1);
		show_events(ep, 8, -1);
		/* A timeout that does not wait for ever. */
		int seen = 0;
		for (int i = 0; i < 4; i++) {
			struct epoll_event ev;

			NEED(epoll_wait(ep, &ev, 1, -1) == 1);
			seen |= 1 << ev.data.u64;
		}
		SHOW(seen);
		/* The epoll itself as a file. */
		SHOW(poll(&f, 1, 0));
		SHOW(watch(outer, EPOLL_CTL_ADD, ep, EPOLLIN, 9));
		show_events(outer, 8, 0);
		SHOW(read(s[0], other, 100));
		SHOW(read(p[0], other, 100));
		show_events(ep, 8, 0);
		SHOW(poll(&f, 1, 0));
		show_events(outer, 8, 0);
		write_later(p[1]);
		SHOW(poll(&f, 1, -1));
		show_events(outer, 8, -1);
		SHOW(read(p[0], other, 100));
		show_events(ep, 8, 0);
		write_later(p[1]);
		show_events(outer, 8, -1);
		SHOW(read(p[0], other, 100));
		SHOW(watch(ep, EPOLL_CTL_DEL, s[0], 0, 0));
		/* An item that is removed while it is ready reports nothing. */
		NEED(watch(ep, EPOLL_CTL_ADD, s[0], EPOLLIN, 3) == 0);
		NEED(write(p[1], "x", 1) == 1);
		SHOW(poll(&f, 1, 0));
		NEED(watch(ep, EPOLL_CTL_DEL, p[0], 0, 0) == 0);
		show_events(ep, 8, 0);
		show_events(ep, 1, 20);
		SHOW(poll(&f, 1, 0));
		NEED(watch(ep, EPOLL_CTL_DEL, s[0], 0, 0) == 0);
		NEED(watch(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1) == 0);
		SHOW(read(p[0], other, 100));
		/* One-shot and edge-triggered items. */
		SHOW(watch(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 4));
		NEED(write(p[1], "x", 1) == 1);
		show_events(ep, 8, 0);
		show_events(ep, 8, 0);
		NEED(write(p[1], "x", 1) == 1);
		show_events(ep, 8, 0);
		SHOW(watch(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 5));
		show_events(ep, 8, 0);
		show_events(ep, 8, 0);
		NEED(write(p[1], "x", 1) == 1);
		show_events(ep, 8, 0);
		SHOW(read(p[0], other, 1));
		show_events(ep, 8, 0);
		while (wait(NULL) > 0) /* The children have the descriptors, too. */
			;
		/* A second descriptor of the file, and what remains when one of them is closed. */
		SHOW_OK(copy = dup(p[0]));
		SHOW(watch(ep, EPOLL_CTL_ADD, copy, EPOLLIN, 6));
		show_events(ep, 8, 0);
		close(copy);
		show_events(ep, 8, 0);
		SHOW(watch(ep, EPOLL_CTL_DEL, p[0], 0, 0));
		show_events(ep, 8, 0);
		close(p[0]);
		show_events(ep, 8, 0);
		SHOW(watch(ep, EPOLL_CTL_DEL, p[1], 0, 0));
		/* Errors. */
		SHOW(watch(ep, EPOLL_CTL_ADD, q[0], EPOLLIN, 7));
		SHOW(watch(ep, EPOLL_CTL_ADD, q[0], EPOLLIN, 7));
		SHOW(watch(ep, EPOLL_CTL_MOD, q[1], EPOLLIN, 7));
		SHOW(watch(ep, EPOLL_CTL_DEL, q[1], EPOLLIN, 7));
		SHOW(watch(ep, 77, q[0], EPOLLIN, 7));
		SHOW(watch(ep, EPOLL_CTL_ADD, q[1], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 7));
		SHOW(watch(ep, EPOLL_CTL_ADD, q[1], EPOLLOUT | EPOLLEXCLUSIVE, 8));
		SHOW(watch(ep, EPOLL_CTL_MOD, q[1], EPOLLOUT, 8));
		SHOW(watch(q[0], EPOLL_CTL_ADD, q[1], EPOLLOUT, 8));
		SHOW(epoll_wait(q[0], NULL, 1, 0));
		SHOW(epoll_wait(ep, NULL, 1, 0));
		SHOW(epoll_wait(ep, NULL, 0, 0));
		show_events(ep, 8, 0);
		/* The pipe moves to the host while it is in the epoll and a thread waits. */
		NEED(watch(ep, EPOLL_CTL_DEL, q[1], 0, 0) == 0);
		if (start_child() == 0) {
			settle(50000);
			move(q[0]);
			settle(50000);
			NEED(write(q[1], "moved", 5) == 5);
			_exit(0);
		}
		show_events(ep, 8, -1);
		while (wait(NULL) > 0)
			;
		SHOW(watch(ep, EPOLL_CTL_MOD, q[0], EPOLLIN | EPOLLET, 10));
		show_events(ep, 8, 0);
		show_events(ep, 8, 0);
		close(q[1]);
		show_events(ep, 8, 0);
		close(q[0]);
		close(p[1]);
		close(outer);
		close(ep);
		while (wait(NULL) > 0)
			;
	}
	close(s[0]);
	close(s[1]);
}

static int shared_epoll;

static void *wait_for_one(void *arg)
{
	struct epoll_event ev;
	char c;

	do {
		NEED(epoll_wait(shared_epoll, &ev, 1, -1) == 1);
		if (read(ev.data.fd, &c, 1) != 1) /* Another thread was faster. */
			c = 0;
	} while (c != 'q');
	return arg;
}

/*
 * Several threads wait in one epoll. One of them reads each byte, and each of them gets its "quit".
 */
CASE(epoll_of_threads)
{
	BOTH_KINDS
	{
		pthread_t t[3];

		shared_epoll = epoll_create1(0);
		open_pipe(O_NONBLOCK);
		NEED(watch(shared_epoll, EPOLL_CTL_ADD, p[0], EPOLLIN, (unsigned long)p[0]) == 0);
		for (int i = 0; i < 3; i++)
			NEED(pthread_create(&t[i], NULL, wait_for_one, NULL) == 0);
		for (int i = 0; i < 100; i++) {
			NEED(write(p[1], "w", 1) == 1);
			if (i % 10 == 0)
				usleep(1000);
		}
		while (unread(p[0]))
			usleep(1000);
		NEED(write(p[1], "qqq", 3) == 3);
		for (int i = 0; i < 3; i++)
			pthread_join(t[i], NULL);
		SHOW(unread(p[0]));
		close_pipe();
		close(shared_epoll);
	}
}

static void *write_one(void *arg)
{
	uint64_t one = 1;

	settle(30000);
	NEED(write(*(int *)arg, &one, 8) == 8);
	return NULL;
}

/* eventfd counters, which live in the guest kernel as pipes do. */
CASE(counters)
{
	BOTH_KINDS
	{
		for (int semaphore = 0; semaphore < 2; semaphore++) {
			int e = eventfd(3, semaphore ? EFD_SEMAPHORE : 0), ep = epoll_create1(0);
			struct iovec halves[] = {{other, 3}, {other + 3, 0}, {other + 3, 5}};
			uint64_t v = 0;
			pthread_t t;

			NEED(e >= 0);
			if (hosts)
				move(e);
			SHOW(fcntl(e, F_GETFL));
			SHOW(*ready(e));
			SHOW(read(e, &v, 8));
			SHOW(v);
			v = ~0UL - 3;
			SHOW(write(e, &v, 8));
			SHOW(readv(e, halves, 3));
			memcpy(&v, other, 8);
			SHOW(v);
			SHOW(fcntl(e, F_SETFL, O_NONBLOCK));
			v = ~0UL - 1;
			SHOW(write(e, &v, 8));
			SHOW(write(e, &v, 8));
			printf("%s\n", ready(e));
			v = ~0UL;
			SHOW(write(e, &v, 8));
			SHOW(write(e, &v, 7));
			SHOW(write(e, NULL, 8));
			SHOW(read(e, &v, 7));
			SHOW(read(e, &v, 9));
			SHOW(watch(ep, EPOLL_CTL_ADD, e, EPOLLIN | EPOLLET, 1));
			show_events(ep, 8, 0);
			v = 1;
			if (!semaphore) {
				SHOW(write(e, &v, 8));
				show_events(ep, 8, 0);
				show_events(ep, 8, 0);
				SHOW(write(e, &v, 8));
				show_events(ep, 8, 0);
				SHOW(read(e, &v, 8));
				SHOW(v);
				SHOW(read(e, &v, 8));
				NEED(fcntl(e, F_SETFL, 0) == 0);
				NEED(pthread_create(&t, NULL, write_one, &e) == 0);
				SHOW(read(e, &v, 8));
				pthread_join(t, NULL);
				NEED(pthread_create(&t, NULL, write_one, &e) == 0);
				struct pollfd f = {e, POLLIN, 0};
				SHOW(poll(&f, 1, -1));
				pthread_join(t, NULL);
				NEED(read(e, &v, 8) == 8);
				show_events(ep, 8, 0);
				NEED(pthread_create(&t, NULL, write_one, &e) == 0);
				show_events(ep, 8, -1);
				pthread_join(t, NULL);
				move(e);
				SHOW(read(e, &v, 8));
				SHOW(v);
			}
			SHOW(ioctl(e, FIONREAD, &v));
			SHOW(isatty(e));
			SHOW(eventfd(0, 0x123));
			close(ep);
			close(e);
		}
	}
}

CASE(input_by_signal)
{
	struct sigaction sa = {.sa_handler = count_signal};

	sigaction(SIGIO, &sa, NULL);
	BOTH_KINDS
	{
		signals = 0;
		open_pipe(0);
		NEED(fcntl(p[0], F_SETOWN, getpid()) == 0);
		SHOW(fcntl(p[0], F_SETFL, O_ASYNC | O_NONBLOCK));
		SHOW(fcntl(p[0], F_GETFL) & (O_ASYNC | O_NONBLOCK));
		NEED(write(p[1], "x", 1) == 1);
		for (int i = 0; i < 1000 && !signals; i++)
			usleep(1000);
		CHECK(signals > 0);
		SHOW(fcntl(p[0], F_SETFL, 0));
		close_pipe();
	}
	signal(SIGIO, SIG_DFL);
}

static void send_fd(int to, int fd)
{
	char room[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {0};
	struct iovec part = {"m", 1};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = room,
			   .msg_controllen = sizeof(room)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	NEED(sendmsg(to, &m, 0) == 1);
}

static int receive_fd(int from)
{
	char room[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	char byte;
	struct iovec part = {&byte, 1};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = room,
			   .msg_controllen = sizeof(room)};
	int fd;

	NEED(recvmsg(from, &m, 0) == 1 && CMSG_FIRSTHDR(&m));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return fd;
}

/*
 * An end that is sent in a message takes its data along, keeps its inode number, and counts as open
 * while it is in flight.
 */
CASE(sent_away)
{
	int s[2];

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	BOTH_KINDS
	{
		for (int packets = 0; packets < 2; packets++) {
			struct stat a, b;
			int r, w;

			open_pipe(O_NONBLOCK | (packets ? O_DIRECT : 0));
			pattern(big, 50000, 9);
			NEED(write(p[1], big, 10) == 10);
			SHOW(write(p[1], big + 10, 49990));
			SHOW(read(p[0], other, 7));
			NEED(fstat(p[0], &a) == 0);
			send_fd(s[0], p[0]);
			close(p[0]);
			SHOW(write(p[1], big, 100));
			r = receive_fd(s[1]);
			NEED(fstat(r, &b) == 0);
			CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
			SHOW(unread(r));
			for (ssize_t n, done = packets ? 10 : 7; done < 50000; done += n) {
				n = read(r, other, 60000);
				NEED(n > 0);
				if (done + n <= 50000)
					CHECK(memcmp(big + done, other, (size_t)n) == 0);
				if (packets)
					printf("%zd\n", n);
			}
			send_fd(s[0], p[1]);
			close(p[1]);
			while (read(r, other, 60000) > 0)
				;
			SHOW(read(r, other, 1)); /* A process may still write. */
			w = receive_fd(s[1]);
			SHOW(write(w, "later", 5));
			close(w);
			SHOW(read(r, other, 10));
			SHOW(read(r, other, 10));
			close(r);
		}
	}
	close(s[0]);
	close(s[1]);
}

CASE(splicing)
{
	int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600), q[2];
	struct iovec v = {"vmsplice", 8};

	NEED(file >= 0);
	BOTH_KINDS
	{
		open_pipe(O_NONBLOCK);
		NEED(pipe2(q, O_NONBLOCK) == 0);
		NEED(ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0);
		SHOW(write(p[1], "0123456789", 10));
		SHOW(tee(p[0], q[1], 4, 0));
		SHOW(splice(p[0], NULL, q[1], NULL, 100, 0));
		SHOW(unread(p[0]));
		SHOW(unread(q[0]));
		SHOW(splice(q[0], NULL, file, NULL, 100, 0));
		SHOW(lseek(file, 0, SEEK_CUR));
		SHOW(pread(file, other, 100, 0));
		CHECK(memcmp(other, "01230123456789", 14) == 0);
		off_t at = 4;
		SHOW(sendfile(p[1], file, &at, 5));
		SHOW(read(p[0], other, 100));
		CHECK(memcmp(other, "01234", 5) == 0);
		SHOW(vmsplice(p[1], &v, 1, 0));
		SHOW(read(p[0], other, 100));
		SHOW(splice(p[0], NULL, q[1], NULL, 100, SPLICE_F_NONBLOCK));
		close_pipe();
		close(q[0]);
		close(q[1]);
	}
	close(file);
	unlink("file");
}

/* A writer waits with more than the pipe holds: what other processes see meanwhile. */
CASE(large_writes)
{
	struct sigaction sa = {.sa_handler = count_signal};

	sigaction(SIGUSR1, &sa, NULL);
	BOTH_KINDS
	{
		for (int how = 0; how < 5; how++) {
			size_t done = 0;

			printf("large write %d\n", how);
			pattern(big, 400000, 11);
			open_pipe(0);
			pid_t pid = start_child();
			if (pid == 0) {
				close(p[0]);
				signal(SIGPIPE, SIG_IGN);
				long n = write(p[1], big, 400000);

				printf("writer: %ld %s\n", n, n < 0 ? check_errno(errno) : "");
				_exit(0);
			}
			while (unread(p[0]) < 65536)
				usleep(1000);
			SHOW(*ready(p[1]));
			close(p[1]);
			NEED(read(p[0], other, 10000) == 10000);
			done = 10000;
			settle(50000);
			SHOW(unread(p[0]));
			if (how == 0) {
				for (ssize_t n;
				     (n = read(p[0], other + done, done % 7000 + 1)) > 0;)
					done += (size_t)n;
			} else if (how == 1) {
				kill(pid, SIGUSR1);
				wait_child(pid);
			} else if (how == 2) {
				kill(pid, SIGKILL);
				wait_child(pid);
			} else if (how == 3) {
				NEED(fcntl(p[0], F_SETPIPE_SZ, 1 << 19) == 1 << 19);
				wait_child(pid);
			} else {
				close(p[0]);
				wait_child(pid);
				continue;
			}
			for (ssize_t n; (n = read(p[0], other + done, 50000)) > 0;)
				done += (size_t)n;
			SHOW(done);
			CHECK(memcmp(big, other, done) == 0);
			close(p[0]);
			if (how == 0)
				wait_child(pid);
		}
		/* Two writers at once: each byte of each one arrives, in order. */
		pid_t pid[2];
		size_t count[2] = {0};
		open_pipe(0);
		for (int w = 0; w < 2; w++) {
			pid[w] = start_child();
			if (pid[w])
				continue;
			memset(big, 'a' + w, 300000);
			NEED(write(p[1], big, 300000) == 300000);
			_exit(0);
		}
		close(p[1]);
		for (ssize_t n; (n = read(p[0], other, 6000)) > 0;)
			for (ssize_t i = 0; i < n; i++)
				count[other[i] - 'a']++;
		SHOW(count[0]);
		SHOW(count[1]);
		wait_child(pid[0]);
		wait_child(pid[1]);
		close(p[0]);
	}
}

/* A thread waits in each of the ways while the pipe moves to the host. */
CASE(moving)
{
	pid_t pid;

	hosts = false;
	open_pipe(0);
	pid = start_child();
	if (pid == 0) {
		close(p[1]);
		SHOW(read(p[0], other, 10));
		_exit(0);
	}
	settle(100000);
	move(p[1]);
	settle(50000);
	NEED(write(p[1], "reader", 6) == 6);
	wait_child(pid);

	pid = start_child();
	if (pid == 0) {
		struct pollfd f = {p[0], POLLIN, 0};

		SHOW(poll(&f, 1, -1));
		_exit(0);
	}
	settle(100000);
	NEED(write(p[1], "poll", 4) == 4);
	wait_child(pid);
	close_pipe();

	/* A poll that began before the move, alone and with a file of the host. */
	for (int with = 0; with < 2; with++) {
		int e = eventfd(0, 0);

		open_pipe(0);
		pid = start_child();
		if (pid == 0) {
			struct pollfd f[] = {{p[0], POLLIN, 0}, {e, POLLIN, 0}};

			SHOW(poll(f, 1 + (nfds_t)with, -1));
			SHOW(f[0].revents);
			_exit(0);
		}
		settle(100000);
		move(p[0]);
		settle(50000);
		NEED(write(p[1], "x", 1) == 1);
		wait_child(pid);
		close_pipe();
		close(e);
	}

	/* A writer with more than the pipe takes. */
	open_pipe(0);
	pattern(big, 300000, 1);
	pid = start_child();
	if (pid == 0) {
		SHOW(write(p[1], big, 300000));
		_exit(0);
	}
	settle(100000);
	SHOW(read(p[0], other, 1000));
	move(p[0]);
	close(p[1]);
	size_t done = 1000;
	for (ssize_t n; (n = read(p[0], other + done, 5000)) > 0;)
		done += (size_t)n;
	SHOW(done);
	CHECK(memcmp(big, other, 300000) == 0);
	wait_child(pid);
	close(p[0]);

	/* A larger pipe, one end of which is closed. */
	open_pipe(O_NONBLOCK);
	SHOW(fcntl(p[1], F_SETPIPE_SZ, 1 << 20));
	SHOW(write(p[1], big, 300000));
	close(p[1]);
	move(p[0]);
	SHOW(fcntl(p[0], F_GETPIPE_SZ));
	SHOW(read(p[0], other, sizeof(other)));
	CHECK(memcmp(big, other, 300000) == 0);
	SHOW(read(p[0], other, 1));
	close(p[0]);
	open_pipe(O_NONBLOCK);
	close(p[0]);
	move(p[1]);
	signal(SIGPIPE, SIG_IGN);
	SHOW(write(p[1], "x", 1));
	close(p[1]);
}

static void *write_much(void *arg)
{
	for (size_t done = 0; done < sizeof(big); done += 8192)
		NEED(write(p[1], big + done, 8192) == 8192);
	close(p[1]);
	return arg;
}

/* Threads of one process use the pipe while it moves. */
CASE(threads)
{
	BOTH_KINDS
	{
		pthread_t t;
		size_t done = 0;

		pattern(big, sizeof(big), 5);
		open_pipe(0);
		NEED(pthread_create(&t, NULL, write_much, NULL) == 0);
		for (ssize_t n; (n = read(p[0], other + done, 3000)) > 0;) {
			done += (size_t)n;
			if (done > 500000 && done < 503000)
				move(p[0]);
		}
		pthread_join(t, NULL);
		SHOW(done);
		CHECK(memcmp(big, other, sizeof(big)) == 0);
		close(p[0]);
	}
}

static atomic_bool stop;

/* Sends signals to the thread as fast as it can. */
static void *disturb(void *arg)
{
	const pthread_t *to = arg;

	while (!stop)
		pthread_kill(*to, SIGUSR1);
	return NULL;
}

/*
 * However often signals disturb a writer, its pipe takes as much as it would have, from a buffer at
 * any place in its page. A write that waits ends by a signal with what it has written.
 */
CASE(disturbed)
{
	pthread_t self = pthread_self(), t;

	signal(SIGUSR1, count_signal);
	stop = false;
	NEED(pthread_create(&t, NULL, disturb, &self) == 0);
	for (int flags = 0; flags <= O_NONBLOCK; flags += O_NONBLOCK) {
		BOTH_KINDS
		{
			long wrong = 0;

			for (int i = 0; i < 100; i++) {
				open_pipe(flags);
				wrong += write(p[1], big + 41 * i, 100000) != 65536;
				close_pipe();
			}
			SHOW(wrong);
		}
	}
	stop = true;
	pthread_join(t, NULL);
	signal(SIGUSR1, SIG_DFL);
}
