// SPDX-License-Identifier: MIT
/* Record locks between processes: fcntl(2), "Advisory record locking", and flock(2). */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static struct flock range(short type, long start, long len)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
}

static int lock(int fd, int cmd, short type, long start, long len)
{
	struct flock l = range(type, start, len);

	return fcntl(fd, cmd, &l);
}

static const char *type_name(short type)
{
	return type == F_RDLCK ? "read" : type == F_WRLCK ? "write" : "none";
}

static pid_t parent;

static void show_holder(int fd, int cmd, short type, long start, long len)
{
	struct flock l = range(type, start, len);

	if (SHOW(fcntl(fd, cmd, &l)) == 0)
		printf("    %s at %ld: %s, %d, %ld +%ld, pid %s\n", type_name(type), start,
		       type_name(l.l_type), l.l_whence, (long)l.l_start, (long)l.l_len,
		       l.l_pid == 0	     ? "0"
		       : l.l_pid == parent   ? "the parent's"
		       : l.l_pid == getpid() ? "ours"
		       : l.l_pid == -1	     ? "-1"
					     : "another's");
}

/* Runs the block in a child. The parent waits for the child. */
#define IN_LOCKER for (pid_t child_ = start_locker(); child_ == 0 || wait_child(child_); _exit(0))

static pid_t start_locker(void)
{
	parent = getpid();
	return start_child();
}

static int wait_child(pid_t pid)
{
	int status;

	NEED(waitpid(pid, &status, 0) == pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		printf("  child: status %x\n", status);
	return 0;
}

static int open_file(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT, 0600);

	NEED(fd >= 0);
	return fd;
}

CASE(one_process)
{
	int fd = open_file("f"), fd2 = open_file("f");

	SHOW(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	SHOW(lock(fd, F_SETLK, F_RDLCK, 5, 10));
	SHOW(lock(fd2, F_SETLK, F_WRLCK, 0, 0));
	show_holder(fd, F_GETLK, F_WRLCK, 0, 0);
	SHOW(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	SHOW(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	SHOW(lock(fd, F_SETLKW, F_WRLCK, 7, 1));
	close(fd2);
	close(fd);
}

CASE(between_processes)
{
	int fd = open_file("f");

	SHOW(lock(fd, F_SETLK, F_WRLCK, 100, 50));
	SHOW(lock(fd, F_SETLK, F_RDLCK, 200, 50));
	IN_LOCKER
	{
		show_holder(fd, F_GETLK, F_WRLCK, 0, 0);
		show_holder(fd, F_GETLK, F_RDLCK, 0, 0);
		show_holder(fd, F_GETLK, F_RDLCK, 150, 0);
		show_holder(fd, F_GETLK, F_WRLCK, 150, 0);
		show_holder(fd, F_GETLK, F_WRLCK, 0, 100);
		show_holder(fd, F_GETLK, F_WRLCK, 0, 101);
		show_holder(fd, F_GETLK, F_RDLCK, 149, 1);
		SHOW(lock(fd, F_SETLK, F_WRLCK, 0, 100));
		SHOW(lock(fd, F_SETLK, F_WRLCK, 0, 101));
		SHOW(lock(fd, F_SETLK, F_RDLCK, 149, 1));
		SHOW(lock(fd, F_SETLK, F_RDLCK, 150, 1000));
		SHOW(lock(fd, F_SETLK, F_WRLCK, 200, 1));
		SHOW(lock(fd, F_SETLK, F_WRLCK, 250, 1));
		SHOW(lock(fd, F_SETLK, F_UNLCK, 0, 0));
		show_holder(fd, F_GETLK, F_WRLCK, 160, 0);
	}
	show_holder(fd, F_GETLK, F_WRLCK, 0, 0);
	close(fd);
}

CASE(splitting_and_joining)
{
	int fd = open_file("f");

	lock(fd, F_SETLK, F_WRLCK, 0, 100);
	lock(fd, F_SETLK, F_UNLCK, 20, 10);
	lock(fd, F_SETLK, F_RDLCK, 50, 10);
	IN_LOCKER
	{
		for (long at = 0; at < 110; at += 5)
			show_holder(fd, F_GETLK, F_WRLCK, at, 5);
		show_holder(fd, F_GETLK, F_RDLCK, 50, 0);
	}
	lock(fd, F_SETLK, F_WRLCK, 20, 10);
	lock(fd, F_SETLK, F_WRLCK, 45, 20);
	IN_LOCKER
	show_holder(fd, F_GETLK, F_RDLCK, 30, 0);
	lock(fd, F_SETLK, F_WRLCK, 100, 0);
	IN_LOCKER
	show_holder(fd, F_GETLK, F_RDLCK, 30, 0);
	lock(fd, F_SETLK, F_UNLCK, 50, 0);
	IN_LOCKER
	show_holder(fd, F_GETLK, F_RDLCK, 30, 0);
	close(fd);
}

CASE(whence)
{
	int fd = open_file("w");
	struct flock l;

	NEED(ftruncate(fd, 1000) == 0);
	lseek(fd, 300, SEEK_SET);
	l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = 10, .l_len = 5};
	SHOW(fcntl(fd, F_SETLK, &l));
	l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -10, .l_len = 5};
	SHOW(fcntl(fd, F_SETLK, &l));
	l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 500, .l_len = -20};
	SHOW(fcntl(fd, F_SETLK, &l));
	IN_LOCKER
	{
		show_holder(fd, F_GETLK, F_RDLCK, 0, 400);
		show_holder(fd, F_GETLK, F_RDLCK, 400, 200);
		show_holder(fd, F_GETLK, F_RDLCK, 600, 0);
	}
	SHOW(lock(fd, F_SETLK, F_WRLCK, -1, 5));
	SHOW(lock(fd, F_SETLK, F_WRLCK, 3, -5));
	SHOW(lock(fd, F_SETLK, F_WRLCK, 0x7fffffffffffffff, 1));
	SHOW(lock(fd, F_SETLK, F_WRLCK, 0x7fffffffffffffff, 2));
	SHOW(lock(fd, F_SETLK, F_WRLCK, 0x7ffffffffffffffe, 5));
	l = (struct flock){
		.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = 0x7fffffffffffffff, .l_len = 1};
	SHOW(fcntl(fd, F_SETLK, &l));
	l.l_whence = 7;
	SHOW(fcntl(fd, F_SETLK, &l));
	l = range(9, 0, 1);
	SHOW(fcntl(fd, F_SETLK, &l));
	l = range(F_UNLCK, 0, 1);
	SHOW(fcntl(fd, F_GETLK, &l));
	SHOW(fcntl(fd, F_SETLK, NULL));
	SHOW(fcntl(99, F_SETLK, &l));
	close(fd);
}

CASE(access_modes)
{
	int fd = open_file("f"), r = open("f", O_RDONLY), w = open("f", O_WRONLY);
	int path = open("f", O_PATH), p[2];

	SHOW(lock(r, F_SETLK, F_WRLCK, 0, 1));
	SHOW(lock(w, F_SETLK, F_RDLCK, 0, 1));
	SHOW(lock(r, F_SETLK, F_RDLCK, 0, 1));
	SHOW(lock(w, F_SETLK, F_WRLCK, 10, 1));
	SHOW(lock(w, F_SETLK, F_WRLCK, 0, 1));
	SHOW(lock(r, F_SETLK, F_RDLCK, 10, 5));
	show_holder(r, F_GETLK, F_WRLCK, 0, 0);
	SHOW(lock(path, F_SETLK, F_RDLCK, 0, 1));
	IN_LOCKER
	{
		show_holder(r, F_GETLK, F_WRLCK, 0, 0);
		show_holder(r, F_GETLK, F_WRLCK, 1, 0);
		SHOW(lock(r, F_SETLK, F_RDLCK, 10, 5));
	}
	NEED(pipe(p) == 0);
	SHOW(lock(p[0], F_SETLK, F_RDLCK, 0, 1));
	SHOW(lock(p[0], F_SETLK, F_WRLCK, 0, 1));
	IN_LOCKER
	{
		SHOW(lock(p[1], F_SETLK, F_WRLCK, 0, 1));
		SHOW(lock(p[1], F_SETLK, F_WRLCK, 1, 1));
	}
	close(p[0]);
	close(p[1]);
	close(path);
	close(w);
	close(r);
	close(fd);
}

/* "All locks of the process on the file are released when any descriptor for it is closed." */
CASE(any_close_releases)
{
	int fd = open_file("f"), other;

	lock(fd, F_SETLK, F_WRLCK, 0, 0);
	IN_LOCKER
	show_holder(fd, F_GETLK, F_WRLCK, 0, 0);
	other = open("f", O_RDONLY);
	close(other);
	IN_LOCKER
	show_holder(fd, F_GETLK, F_WRLCK, 0, 0);
	lock(fd, F_SETLK, F_WRLCK, 0, 0);
	other = dup(fd);
	close(other);
	IN_LOCKER
	show_holder(fd, F_GETLK, F_WRLCK, 0, 0);
	lock(fd, F_SETLK, F_WRLCK, 0, 0);
	other = open("g", O_RDWR | O_CREAT, 0600);
	NEED(dup2(fd, other) == other);
	IN_LOCKER
	show_holder(fd, F_GETLK, F_WRLCK, 0, 0);
	NEED(dup2(0, other) == other);
	IN_LOCKER
	show_holder(fd, F_GETLK, F_WRLCK, 0, 0);
	close(other);
	lock(fd, F_SETLK, F_WRLCK, 0, 0);
	IN_LOCKER
	{
		/* A child has none of its parent's locks, so it cannot lose them. */
		other = open("f", O_RDONLY);
		close(other);
		close(fd);
		other = open_file("f");
		show_holder(other, F_GETLK, F_WRLCK, 0, 0);
	}
	other = open("f", O_RDWR);
	NEED(syscall(436 /* by close_range */, other, other, 0) == 0);
	IN_LOCKER
	show_holder(fd, F_GETLK, F_WRLCK, 0, 0);
	close(fd);
}

CASE(exit_releases)
{
	int fd = open_file("f");

	IN_LOCKER
	SHOW(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	SHOW(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	close(fd);
}

CASE(waiting_for_a_lock)
{
	int fd = open_file("f"), p[2];
	char c;
	pid_t pid;

	NEED(pipe(p) == 0);
	for (int round = 0; round < 3; round++) {
		lock(fd, F_SETLK, F_WRLCK, 0, 10);
		pid = start_locker();
		if (pid == 0) {
			NEED(write(p[1], "x", 1) == 1);
			SHOW(lock(fd, F_SETLKW, round ? F_WRLCK : F_RDLCK, 5, 10));
			_exit(0);
		}
		NEED(read(p[0], &c, 1) == 1);
		settle(30000);
		printf("  released\n");
		if (round == 2) {
			int other = open_file("f");

			close(other);
		} else {
			lock(fd, F_SETLK, round ? F_UNLCK : F_RDLCK, 0, 10);
		}
		wait_child(pid);
	}
	close(p[0]);
	close(p[1]);
	close(fd);
}

static void on_signal(int sig)
{
	(void)sig;
}

CASE(a_signal_ends_the_wait)
{
	/* Repeats, because the first signal may come before the call. */
	const struct itimerval in = {{.tv_usec = 50000}, {.tv_usec = 50000}};
	struct sigaction sa = {.sa_handler = on_signal};
	int fd = open_file("f");

	lock(fd, F_SETLK, F_WRLCK, 0, 10);
	IN_LOCKER
	{
		sigaction(SIGALRM, &sa, NULL);
		setitimer(ITIMER_REAL, &in, NULL);
		SHOW(lock(fd, F_SETLKW, F_WRLCK, 0, 1));
		setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
		SHOW(lock(fd, F_SETLK, F_WRLCK, 0, 1));
	}
	lock(fd, F_SETLK, F_UNLCK, 0, 10);
	SHOW(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	close(fd);
}

CASE(deadlock)
{
	int fd = open_file("f"), p[2];
	char c;
	pid_t pid;

	NEED(pipe(p) == 0);
	lock(fd, F_SETLK, F_WRLCK, 0, 1);
	pid = start_locker();
	if (pid == 0) {
		NEED(lock(fd, F_SETLK, F_WRLCK, 1, 1) == 0);
		NEED(write(p[1], "x", 1) == 1);
		SHOW(lock(fd, F_SETLKW, F_WRLCK, 0, 1));
		_exit(0);
	}
	NEED(read(p[0], &c, 1) == 1);
	settle(300000); /* The thread has to be inside the call by then. */
	SHOW(lock(fd, F_SETLKW, F_WRLCK, 1, 1));
	SHOW(lock(fd, F_SETLK, F_WRLCK, 1, 1));
	lock(fd, F_SETLK, F_UNLCK, 0, 0);
	wait_child(pid);
	close(p[0]);
	close(p[1]);
	close(fd);
}

#define STEPS 200

CASE(a_counter_in_a_file)
{
	int fd = open_file("counter");
	pid_t pid[4];
	long n = 0;

	NEED(pwrite(fd, &n, sizeof(n), 0) == sizeof(n));
	for (int i = 0; i < 4; i++) {
		pid[i] = start_locker();
		if (pid[i])
			continue;
		fd = open_file("counter");
		for (int k = 0; k < STEPS; k++) {
			NEED(lock(fd, F_SETLKW, F_WRLCK, 0, 8) == 0);
			NEED(pread(fd, &n, sizeof(n), 0) == sizeof(n));
			n++;
			NEED(pwrite(fd, &n, sizeof(n), 0) == sizeof(n));
			NEED(lock(fd, F_SETLK, F_UNLCK, 0, 8) == 0);
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		wait_child(pid[i]);
	NEED(pread(fd, &n, sizeof(n), 0) == sizeof(n));
	CHECK(n == 4 * STEPS);
	close(fd);
}

static void *lock_in_thread(void *arg)
{
	int fd = *(int *)arg;

	SHOW(lock(fd, F_SETLK, F_WRLCK, 3, 3));
	return NULL;
}

/* The threads of a process are one owner. */
CASE(threads)
{
	int fd = open_file("f");
	pthread_t t;

	lock(fd, F_SETLK, F_WRLCK, 0, 10);
	NEED(pthread_create(&t, NULL, lock_in_thread, &fd) == 0);
	pthread_join(t, NULL);
	IN_LOCKER
	show_holder(fd, F_GETLK, F_RDLCK, 0, 0);
	close(fd);
}

/* execve(2) keeps the locks of descriptors that stay open. */
CASE(over_exec)
{
	int fd = open_file("f"), p[2], q[2];
	char c;
	pid_t pid;

	NEED(pipe(p) == 0 && pipe(q) == 0);
	pid = start_locker();
	if (pid == 0) {
		NEED(lock(fd, F_SETLK, F_WRLCK, 0, 4) == 0);
		dup2(p[1], 1);
		dup2(q[0], 0);
		execl("/bin/sh", "sh", "-c", "printf x; read line", NULL);
		_exit(1);
	}
	NEED(read(p[0], &c, 1) == 1);
	SHOW(lock(fd, F_SETLK, F_WRLCK, 0, 1));
	SHOW(lock(fd, F_SETLK, F_WRLCK, 4, 1));
	NEED(write(q[1], "\n", 1) == 1);
	wait_child(pid);
	SHOW(lock(fd, F_SETLK, F_WRLCK, 0, 1));
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	pid = start_locker();
	if (pid == 0) {
		lock(fd, F_SETLK, F_WRLCK, 8, 4);
		dup2(p[1], 1);
		dup2(q[0], 0);
		execl("/bin/sh", "sh", "-c", "printf x; read line", NULL);
		_exit(1);
	}
	NEED(read(p[0], &c, 1) == 1);
	SHOW(lock(fd, F_SETLK, F_WRLCK, 8, 1));
	NEED(write(q[1], "\n", 1) == 1);
	wait_child(pid);
	close(p[0]);
	close(p[1]);
	close(q[0]);
	close(q[1]);
	close(fd);
}

CASE(open_file_description_locks)
{
	int fd = open_file("f"), fd2 = open_file("f"), fd3;
	struct flock l = range(F_WRLCK, 0, 1);

	SHOW(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 10));
	SHOW(lock(fd2, F_OFD_SETLK, F_WRLCK, 5, 1));
	SHOW(lock(fd2, F_OFD_SETLK, F_RDLCK, 20, 10));
	show_holder(fd2, F_OFD_GETLK, F_WRLCK, 0, 0);
	show_holder(fd, F_OFD_GETLK, F_WRLCK, 0, 0);
	show_holder(fd, F_GETLK, F_WRLCK, 0, 0);
	/* Not even with a lock of the same process. */
	SHOW(lock(fd, F_SETLK, F_WRLCK, 5, 1));
	SHOW(lock(fd, F_SETLK, F_RDLCK, 25, 1));
	show_holder(fd2, F_OFD_GETLK, F_WRLCK, 25, 1);
	show_holder(fd2, F_OFD_GETLK, F_RDLCK, 25, 1);
	SHOW(lock(fd2, F_OFD_SETLK, F_WRLCK, 25, 1));
	IN_LOCKER
	{
		SHOW(lock(fd, F_OFD_SETLK, F_WRLCK, 3, 3));
		SHOW(lock(fd2, F_OFD_SETLK, F_WRLCK, 3, 3));
		SHOW(lock(fd, F_OFD_SETLK, F_UNLCK, 3, 1));
	}
	SHOW(lock(fd2, F_OFD_SETLK, F_WRLCK, 3, 1));
	/* Closing another file's descriptor changes nothing. */
	fd3 = open_file("f");
	close(fd3);
	SHOW(lock(fd2, F_OFD_SETLK, F_WRLCK, 4, 1));
	fd3 = dup(fd);
	close(fd);
	SHOW(lock(fd2, F_OFD_SETLK, F_WRLCK, 4, 1));
	close(fd3);
	SHOW(lock(fd2, F_OFD_SETLK, F_WRLCK, 4, 1));
	l.l_pid = 1;
	SHOW(fcntl(fd2, F_OFD_SETLK, &l));
	close(fd2);
}

CASE(whole_files)
{
	int fd = open_file("f"), fd2 = open_file("f"), fd3;

	SHOW(flock(fd, LOCK_EX));
	SHOW(flock(fd2, LOCK_SH | LOCK_NB));
	SHOW(flock(fd, LOCK_SH));
	SHOW(flock(fd2, LOCK_SH | LOCK_NB));
	SHOW(flock(fd, LOCK_EX | LOCK_NB));
	IN_LOCKER
	{
		SHOW(flock(fd2, LOCK_UN));
		fd3 = open_file("f");
		SHOW(flock(fd3, LOCK_EX | LOCK_NB));
	}
	SHOW(flock(fd, LOCK_EX | LOCK_NB));
	/* They are different locks. */
	SHOW(lock(fd2, F_SETLK, F_WRLCK, 0, 0));
	fd3 = dup(fd);
	close(fd);
	SHOW(flock(fd2, LOCK_EX | LOCK_NB));
	SHOW(flock(fd3, LOCK_UN));
	SHOW(flock(fd2, LOCK_EX | LOCK_NB));
	SHOW(flock(fd2, 77));
	close(fd3);
	close(fd2);
}
