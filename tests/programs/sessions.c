// SPDX-License-Identifier: MIT
/*
 * Sessions, process groups and a terminal that the program makes: which process may join which
 * group, which ones get the terminal's signals, which may read and write, and what the end of a
 * session does.
 */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int master, slave;

static void nap(void)
{
	settle(30000);
}

/* The children's reports, in the order of their numbers. */
static char (*lines)[200];

static void report(int n, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(lines[n], sizeof(lines[n]), format, args);
	va_end(args);
}

static void show_reports(void)
{
	for (int i = 0; i < 20; i++)
		if (lines[i][0])
			printf("  %s\n", lines[i]);
	memset(lines, 0, 4096);
}

static void make_terminal(void)
{
	struct termios t;

	if (!lines)
		lines = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(lines != MAP_FAILED);
	NEED(openpty(&master, &slave, NULL, NULL, NULL) == 0);
	NEED(tcgetattr(slave, &t) == 0);
	t.c_lflag &= ~(tcflag_t)ECHO;
	NEED(tcsetattr(slave, TCSANOW, &t) == 0);
}

static void end_terminal(void)
{
	close(master);
	close(slave);
}

/* Makes a child that leads a session with that terminal. */
static pid_t leader(void (*run)(void))
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(master);
		NEED(setsid() == getpid());
		NEED(ioctl(slave, TIOCSCTTY, 0) == 0);
		run();
		_exit(0);
	}
	NEED(pid > 0);
	return pid;
}

static pid_t member(pid_t group, void (*run)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, group);
		run();
		_exit(0);
	}
	NEED(pid > 0);
	setpgid(pid, group ? group : pid);
	return pid;
}

static void foreground(pid_t group)
{
	signal(SIGTTOU, SIG_IGN);
	NEED(tcsetpgrp(slave, group) == 0);
	signal(SIGTTOU, SIG_DFL);
}

static void type(const char *text)
{
	NEED(write(master, text, strlen(text)) == (ssize_t)strlen(text));
}

static int end_of(pid_t pid)
{
	int status = -1;

	NEED(waitpid(pid, &status, WUNTRACED) == pid);
	return status;
}

static void sleeps(void)
{
	for (;;)
		pause();
}

/* -- Groups ------------------------------------------------------------------------------------ */

CASE(who_may_join_which_group)
{
	pid_t a, b, other;
	int ready[2];
	char c;

	fflush(stdout);
	NEED(pipe(ready) == 0);
	a = fork();
	if (a == 0)
		sleeps();
	b = fork();
	if (b == 0)
		sleeps();
	SHOW(setpgid(a, a));
	SHOW(setpgid(b, a));
	SHOW(getpgid(b) == a);
	SHOW(setpgid(b, 0));
	SHOW(getpgid(b) == b);
	SHOW(setpgid(b, getpgrp()));
	SHOW(setpgid(b, -1));
	SHOW(setpgid(-1, 0));
	SHOW(setpgid(b, 0x7ffffff0));
	SHOW(setpgid(0x7ffffff0, 0));
	SHOW(setpgid(getppid(), 0));
	/* A group of another session. */
	other = fork();
	if (other == 0) {
		setsid();
		NEED(write(ready[1], "x", 1) == 1);
		sleeps();
	}
	NEED(read(ready[0], &c, 1) == 1);
	SHOW(setpgid(other, getpgrp()));
	SHOW(setpgid(a, other));
	SHOW(getsid(other) == other);
	kill(other, SIGKILL);
	end_of(other);
	/* A child that has executed another program: its end of the pipe is closed then. */
	close(ready[0]);
	close(ready[1]);
	NEED(pipe2(ready, O_CLOEXEC) == 0);
	other = fork();
	if (other == 0) {
		execl("/bin/sleep", "sleep", "20", NULL);
		_exit(99);
	}
	close(ready[1]);
	NEED(read(ready[0], &c, 1) == 0);
	SHOW(setpgid(other, other));
	kill(a, SIGKILL);
	kill(b, SIGKILL);
	kill(other, SIGKILL);
	end_of(a);
	end_of(b);
	end_of(other);
	close(ready[0]);
}

CASE(who_may_lead_a_session)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		NEED(setpgid(0, 0) == 0);
		SHOW(setsid());
		pid_t child = fork();
		if (child == 0) {
			SHOW(setsid() == getpid());
			SHOW(getpgrp() == getpid() && getsid(0) == getpid());
			SHOW(setpgid(0, 0));
			SHOW(setsid());
			fflush(stdout);
			_exit(0);
		}
		end_of(child);
		SHOW(getsid(child));
		fflush(stdout);
		_exit(0);
	}
	SHOW(end_of(pid));
}

CASE(signals_to_a_group)
{
	pid_t group[3];

	fflush(stdout);
	for (int i = 0; i < 3; i++)
		group[i] = member(i ? group[0] : 0, sleeps);
	SHOW(kill(-group[0], 0));
	SHOW(kill(-group[0], SIGTERM));
	for (int i = 0; i < 3; i++)
		SHOW(end_of(group[i]));
	SHOW(kill(-group[0], 0));
	SHOW(killpg(group[0], SIGTERM));
}

/* -- The terminal ------------------------------------------------------------------------------ */

static void tells_about_its_terminal(void)
{
	int fd;

	report(0, "terminal's session: %d", tcgetsid(slave) == getpid());
	report(1, "terminal's group: %d", tcgetpgrp(slave) == getpid());
	fd = open("/dev/tty", O_RDWR);
	report(2, "/dev/tty: %d, %d", fd >= 0, fd >= 0 && isatty(fd));
	report(3, "tcsetpgrp to none: %d", tcsetpgrp(slave, 0x7ffffff0) == -1 ? errno : 0);
	report(4, "tcsetpgrp -1: %d", tcsetpgrp(slave, -1) == -1 ? errno : 0);
	signal(SIGHUP, SIG_IGN);
	report(5, "give up: %d", ioctl(slave, TIOCNOTTY));
	report(6, "then /dev/tty: %d", open("/dev/tty", O_RDWR) == -1 ? errno : 0);
	report(7, "then tcgetpgrp: %d", tcgetpgrp(slave) == -1 ? errno : 0);
	report(8, "take again: %d", ioctl(slave, TIOCSCTTY, 0));
	report(9, "twice: %d", ioctl(slave, TIOCSCTTY, 0));
}

CASE(having_a_terminal)
{
	make_terminal();
	SHOW(end_of(leader(tells_about_its_terminal)));
	show_reports();
	SHOW(tcgetsid(slave));
	SHOW(tcgetpgrp(slave));
	SHOW(ioctl(-1, TIOCSCTTY, 0));
	end_terminal();
}

static void is_not_a_leader(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		report(0, "a member takes it: %d", ioctl(slave, TIOCSCTTY, 0) == -1 ? errno : 0);
		_exit(0);
	}
	end_of(pid);
	pid = fork();
	if (pid == 0) {
		setsid();
		report(1, "another session: %d", ioctl(slave, TIOCSCTTY, 0) == -1 ? errno : 0);
		report(2, "sets its group: %d", tcsetpgrp(slave, getpid()) == -1 ? errno : 0);
		_exit(0);
	}
	end_of(pid);
}

CASE(who_may_take_a_terminal)
{
	make_terminal();
	SHOW(end_of(leader(is_not_a_leader)));
	show_reports();
	end_terminal();
}

static void waits_for_typed_signals(void)
{
	pid_t job = member(0, sleeps);

	foreground(job);
	nap();
	report(0, "ready");
	report(1, "interrupted: 0x%x", end_of(job));
	job = member(0, sleeps);
	foreground(job);
	report(2, "ready");
	report(3, "stopped: 0x%x", end_of(job));
	kill(job, SIGKILL);
	end_of(job);
	job = member(0, sleeps);
	foreground(job);
	report(4, "ready");
	report(5, "quit: 0x%x", end_of(job) & 0x7f);
	foreground(getpid());
}

static void wait_for_report(int n)
{
	for (int i = 0; i < 200 && !lines[n][0]; i++)
		nap();
	nap();
}

static void gives_it_up(void)
{
	int fd = -1;

	report(2, "gives it up: %s", ioctl(slave, TIOCNOTTY) ? check_errno(errno) : "0");
	report(3, "/dev/tty: %s",
	       (fd = open("/dev/tty", O_RDWR)) < 0 ? check_errno(errno) : "opens");
	report(4, "its foreground: %s", tcgetpgrp(slave) < 0 ? check_errno(errno) : "known");
	report(5, "again: %s", ioctl(slave, TIOCNOTTY) ? check_errno(errno) : "0");
	if (fork() == 0) {
		report(6, "its child: %s",
		       open("/dev/tty", O_RDWR) < 0 ? check_errno(errno) : "opens");
		_exit(0);
	}
	wait(NULL);
}

/* A process that is no leader gives up the terminal only for itself. */
CASE(giving_up_a_terminal)
{
	pid_t pid;

	make_terminal();
	fflush(stdout);
	pid = fork();
	NEED(pid >= 0);
	if (pid == 0) {
		setsid();
		report(0, "takes it: %s", ioctl(slave, TIOCSCTTY, 0) ? check_errno(errno) : "0");
		if (fork() == 0) {
			gives_it_up();
			_exit(0);
		}
		wait(NULL);
		report(7, "the leader: %s",
		       open("/dev/tty", O_RDWR) < 0 ? check_errno(errno) : "opens");
		_exit(0);
	}
	NEED(waitpid(pid, NULL, 0) == pid);
	show_reports();
	end_terminal();
}

static volatile int key_signal;

static void note_key(int sig)
{
	key_signal = sig;
}

/* TIOCSIG: the signal of a key, without the key. */
CASE(signals_of_keys)
{
	static const int keys[] = {SIGINT, SIGQUIT, SIGTSTP};
	int ready[2];
	pid_t pid;
	char byte;

	make_terminal();
	NEED(pipe(ready) == 0);
	fflush(stdout);
	pid = fork();
	NEED(pid >= 0);
	if (pid == 0) {
		sigset_t all, none;

		sigfillset(&all);
		sigemptyset(&none);
		sigprocmask(SIG_BLOCK, &all, NULL);
		for (int i = 0; i < 3; i++)
			signal(keys[i], note_key);
		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		for (int i = 0; i < 3; i++) {
			NEED(write(ready[1], "", 1) == 1);
			sigsuspend(&none);
			report(i, "got %d", key_signal);
		}
		_exit(0);
	}
	for (int i = 0; i < 3; i++) {
		NEED(read(ready[0], &byte, 1) == 1);
		SHOW(ioctl(master, TIOCSIG, keys[i]));
	}
	NEED(waitpid(pid, NULL, 0) == pid);
	show_reports();
	SHOW(ioctl(master, TIOCSIG, SIGKILL));
	SHOW(ioctl(master, TIOCSIG, 0));
	SHOW(ioctl(slave, TIOCSIG, SIGINT));
	close(ready[0]);
	close(ready[1]);
	end_terminal();
}

CASE(typed_signals)
{
	pid_t pid;

	make_terminal();
	pid = leader(waits_for_typed_signals);
	wait_for_report(0);
	type("\003");
	wait_for_report(2);
	type("\032");
	wait_for_report(4);
	type("\034");
	SHOW(end_of(pid));
	show_reports();
	end_terminal();
}

static void reads_a_line(void)
{
	char line[20] = "";
	ssize_t n = read(slave, line, sizeof(line));

	report(10, "read: %zd, errno %d", n, n < 0 ? errno : 0);
	_exit(n > 0 ? line[0] : 1);
}

static void has_a_reader_in_the_background(void)
{
	pid_t job = member(0, reads_a_line);

	report(0, "a reader: 0x%x", end_of(job));
	foreground(job);
	kill(-job, SIGCONT);
	report(1, "goes on: 0x%x", end_of(job));
	foreground(getpid());
	/* A process that ignores or blocks the signal gets an error. */
	signal(SIGTTIN, SIG_IGN);
	job = member(0, reads_a_line);
	report(2, "ignoring: 0x%x", end_of(job));
	signal(SIGTTIN, SIG_DFL);
}

CASE(reading_in_the_background)
{
	pid_t pid;

	make_terminal();
	pid = leader(has_a_reader_in_the_background);
	nap();
	type("Line\n");
	SHOW(end_of(pid));
	show_reports();
	end_terminal();
}

static void writes(void)
{
	_exit(write(slave, "w", 1) == 1 ? 0 : errno);
}

static void sets_modes(void)
{
	struct termios t;

	tcgetattr(slave, &t);
	_exit(tcsetattr(slave, TCSANOW, &t) == 0 ? 0 : errno);
}

static void has_writers_in_the_background(void)
{
	struct termios t;
	pid_t job = member(0, writes);

	report(0, "writes: 0x%x", end_of(job));
	tcgetattr(slave, &t);
	t.c_lflag |= TOSTOP;
	tcsetattr(slave, TCSANOW, &t);
	job = member(0, writes);
	report(1, "writes with tostop: 0x%x", end_of(job));
	kill(job, SIGKILL);
	end_of(job);
	job = member(0, sets_modes);
	report(2, "sets modes: 0x%x", end_of(job));
	kill(job, SIGKILL);
	end_of(job);
	signal(SIGTTOU, SIG_IGN);
	job = member(0, writes);
	report(3, "ignoring: 0x%x", end_of(job));
	signal(SIGTTOU, SIG_DFL);
}

CASE(writing_in_the_background)
{
	make_terminal();
	SHOW(end_of(leader(has_writers_in_the_background)));
	show_reports();
	end_terminal();
}

static void is_an_orphan(void)
{
	/* The parent ends, which makes the group an orphan. */
	while (getppid() != 1 && !lines[5][0])
		nap();
	nap();
	signal(SIGHUP, SIG_IGN);
	char c;
	ssize_t n = read(slave, &c, 1);
	report(1, "an orphan's read: %d", n < 0 ? errno : 0);
	raise(SIGTSTP);
	report(2, "is not stopped by SIGTSTP");
}

static void leaves_an_orphan(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pid_t job = member(0, is_an_orphan);

		(void)job;
		report(5, "the parent ends");
		_exit(0);
	}
	end_of(pid);
	for (int i = 0; i < 100 && !lines[2][0]; i++)
		nap();
}

CASE(orphans_and_the_terminal)
{
	make_terminal();
	SHOW(end_of(leader(leaves_an_orphan)));
	show_reports();
	end_terminal();
}

static void on_hangup(int signal)
{
	report(signal == SIGHUP ? 0 : 1, "the leader got signal %d", signal);
}

static void awaits_hangup(void)
{
	char c;

	signal(SIGHUP, on_hangup);
	report(4, "ready");
	pause();
	nap();
	report(2, "read after that: %zd", read(slave, &c, 1));
	report(3, "write after that: %d", write(slave, &c, 1) == -1 ? errno : 0);
}

/* The master is closed: SIGHUP to the leader, then end of file and EIO. */
CASE(hanging_up)
{
	pid_t pid;

	make_terminal();
	pid = leader(awaits_hangup);
	wait_for_report(4);
	close(master);
	master = -1;
	SHOW(end_of(pid));
	show_reports();
	end_terminal();
}

static void on_end_of_leader(int signal)
{
	report(1, "the member got signal %d", signal);
	_exit(0);
}

static void awaits_end_of_leader(void)
{
	signal(SIGHUP, on_end_of_leader);
	report(0, "ready");
	sleeps();
}

static void ends_before_its_member(void)
{
	pid_t job = member(0, awaits_end_of_leader);

	foreground(job);
	wait_for_report(0);
}

/* The leader ends: SIGHUP to the foreground group, and no session has the terminal. */
CASE(end_of_a_session)
{
	make_terminal();
	SHOW(end_of(leader(ends_before_its_member)));
	wait_for_report(1);
	show_reports();
	SHOW(end_of(leader(tells_about_its_terminal)));
	memset(lines, 0, 4096);
	end_terminal();
}

static void on_size(int signal)
{
	struct winsize size;

	(void)signal;
	ioctl(slave, TIOCGWINSZ, &size);
	report(1, "now %d x %d", size.ws_row, size.ws_col);
}

static void awaits_size(void)
{
	signal(SIGWINCH, on_size);
	report(0, "ready");
	while (!lines[1][0])
		nap();
}

CASE(size_of_the_window)
{
	struct winsize size = {33, 99, 0, 0};
	pid_t pid;

	make_terminal();
	pid = leader(awaits_size);
	wait_for_report(0);
	SHOW(ioctl(master, TIOCSWINSZ, &size));
	SHOW(end_of(pid));
	show_reports();
	end_terminal();
}

static char line[300];

static void show_read(int fd)
{
	ssize_t n = read(fd, line, sizeof(line) - 1);

	if (n < 0) {
		printf("  %s\n", check_errno(errno));
		return;
	}
	printf("  %zd bytes:", n);
	for (ssize_t i = 0; i < n; i++)
		printf(line[i] < ' ' ? "\\%o" : "%c", line[i]);
	printf("\n");
}

/*
 * Lines and single bytes, a typed end of file, erased characters, and the output as it was typed.
 */
CASE(lines_and_bytes)
{
	struct termios t;

	make_terminal();
	NEED(fcntl(slave, F_SETFL, O_NONBLOCK) == 0);
	type("a line\nand another\npart");
	show_read(slave);
	show_read(slave);
	show_read(slave);
	type("ial\177\177\n");
	show_read(slave);
	type("\004");
	show_read(slave);
	type("killed\025kept\n");
	show_read(slave);
	NEED(tcgetattr(slave, &t) == 0);
	t.c_lflag |= ECHO;
	NEED(tcsetattr(slave, TCSANOW, &t) == 0);
	type("x\n");
	show_read(master);
	show_read(slave);
	cfmakeraw(&t);
	t.c_cc[VMIN] = 3;
	NEED(tcsetattr(slave, TCSANOW, &t) == 0);
	type("ab\003\004");
	show_read(slave);
	NEED(write(slave, "out\n", 4) == 4);
	show_read(master);
	SHOW(ioctl(slave, FIONREAD, &(int){0}));
	SHOW(tcflush(slave, TCIOFLUSH));
	end_terminal();
}
