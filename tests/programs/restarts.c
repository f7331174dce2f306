// SPDX-License-Identifier: MIT
/*
 * signal(7), "Interruption of system calls": each call that waits, hit by a handler without and
 * with SA_RESTART. A call that is restarted finds what it waited for afterwards: the handler's
 * third signal provides it. A case is a call.
 */
#include "check.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EVERY_US 20000

static volatile sig_atomic_t hits;
static void (*provide)(void);

static void on_alarm(int signal)
{
	int saved = errno;

	(void)signal;
	if (++hits == 3 && provide)
		provide();
	errno = saved;
}

/* A signal every 20 ms. The third one ends a call that is restarted. */
static void begin(int flags, void (*provider)(void))
{
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = flags};
	struct itimerval timer = {{0, EVERY_US}, {0, EVERY_US}};

	provide = provider;
	hits = 0;
	NEED(sigaction(SIGALRM, &action, NULL) == 0);
	NEED(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

/*
 * Stops the signals and returns how many came. Called before anything is printed, because printing
 * may take long.
 */
static int end(void)
{
	struct itimerval none = {0};

	NEED(setitimer(ITIMER_REAL, &none, NULL) == 0);
	return hits;
}

static void show_hits(int seen)
{
	printf("    after %s\n", seen < 1   ? "no signal"
				 : seen < 3 ? "a signal"
					    : "three signals or more");
}

/*
 * Prints the call's result and how many signals it saw: one if the first ended it, more if it was
 * restarted.
 */
#define INTERRUPT_AS(text, flags, provider, call)                                                  \
	do {                                                                                       \
		long result_;                                                                      \
		int seen_;                                                                         \
                                                                                                   \
		begin(flags, provider);                                                            \
		errno = 0;                                                                         \
		result_ = (long)(call);                                                            \
		seen_ = end();                                                                     \
		check_show(text, result_);                                                         \
		show_hits(seen_);                                                                  \
	} while (0)
#define INTERRUPT(flags, provider, call) INTERRUPT_AS(#call, flags, provider, call)
#define WITHOUT_AND_WITH_RESTART(provider, call)                                                   \
	do {                                                                                       \
		INTERRUPT_AS(#call, 0, provider, call);                                            \
		INTERRUPT_AS(#call, SA_RESTART, provider, call);                                   \
	} while (0)

static int fds[2], other_fd;
static char buffer[1 << 17];

static void write_one(void)
{
	NEED(write(fds[1], "x", 1) == 1);
}

static void empty_the_pipe(void)
{
	NEED(read(fds[0], buffer, sizeof(buffer)) > 0);
}

static void close_both(void)
{
	close(fds[0]);
	close(fds[1]);
}

CASE(read_of_a_pipe)
{
	NEED(pipe(fds) == 0);
	WITHOUT_AND_WITH_RESTART(write_one, read(fds[0], buffer, 10));
	close_both();
}

CASE(readv_of_a_pipe)
{
	struct iovec parts[2] = {{buffer, 1}, {buffer + 1, 9}};

	NEED(pipe(fds) == 0);
	WITHOUT_AND_WITH_RESTART(write_one, readv(fds[0], parts, 2));
	close_both();
}

CASE(write_to_a_full_pipe)
{
	NEED(pipe(fds) == 0);
	NEED(write(fds[1], buffer, 65536) == 65536);
	INTERRUPT(0, empty_the_pipe, write(fds[1], buffer, 10));
	INTERRUPT(SA_RESTART, empty_the_pipe, write(fds[1], buffer, 10));
	close_both();
}

/* Bytes written before the signal count: no error, no restart. */
CASE(write_that_was_half_done)
{
	NEED(pipe(fds) == 0);
	INTERRUPT(0, NULL, write(fds[1], buffer, sizeof(buffer)));
	empty_the_pipe();
	INTERRUPT(SA_RESTART, NULL, write(fds[1], buffer, sizeof(buffer)));
	close_both();
}

static void add_one(void)
{
	uint64_t one = 1;

	NEED(write(fds[1], &one, 8) == 8);
}

CASE(read_of_an_event_counter)
{
	fds[0] = fds[1] = eventfd(0, 0);
	NEED(fds[0] >= 0);
	WITHOUT_AND_WITH_RESTART(add_one, read(fds[0], buffer, 8));
	close(fds[0]);
}

static void arm_the_timer(void)
{
	struct itimerspec soon = {.it_value.tv_nsec = 1};

	NEED(timerfd_settime(fds[0], 0, &soon, NULL) == 0);
}

CASE(read_of_a_timer_file)
{
	fds[0] = timerfd_create(CLOCK_MONOTONIC, 0);
	NEED(fds[0] >= 0);
	WITHOUT_AND_WITH_RESTART(arm_the_timer, read(fds[0], buffer, 8));
	close(fds[0]);
}

static void make_a_file(void)
{
	int fd = open("made", O_CREAT | O_WRONLY, 0600);

	NEED(fd >= 0 && close(fd) == 0 && unlink("made") == 0);
}

/* signal(7) lists it among the calls that are not restarted, but Linux restarts it. */
CASE(read_of_inotify)
{
	fds[0] = inotify_init();
	NEED(fds[0] >= 0 && inotify_add_watch(fds[0], ".", IN_CREATE) > 0);
	WITHOUT_AND_WITH_RESTART(make_a_file, read(fds[0], buffer, 100) > 0 ? 1 : -1);
	close(fds[0]);
}

static void send_the_blocked_one(void)
{
	NEED(raise(SIGUSR1) == 0);
}

CASE(read_of_a_signal_file)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	fds[0] = signalfd(-1, &set, 0);
	NEED(fds[0] >= 0);
	WITHOUT_AND_WITH_RESTART(send_the_blocked_one, read(fds[0], buffer, 128));
	close(fds[0]);
	NEED(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
}

CASE(recv_of_a_socket)
{
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	WITHOUT_AND_WITH_RESTART(write_one, recv(fds[0], buffer, 10, 0));
	close_both();
}

CASE(recvmsg_of_a_socket)
{
	struct iovec part = {buffer, 10};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};

	NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0);
	WITHOUT_AND_WITH_RESTART(write_one, recvmsg(fds[0], &m, 0));
	close_both();
}

/* socket(7): a call on a socket with a timeout is never restarted. */
CASE(recv_with_a_time_limit)
{
	struct timeval limit = {1, 0};

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	NEED(setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
	WITHOUT_AND_WITH_RESTART(write_one, recv(fds[0], buffer, 10, 0));
	close_both();
}

CASE(send_to_a_full_socket)
{
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	NEED(fcntl(fds[1], F_SETFL, O_NONBLOCK) == 0);
	while (write(fds[1], buffer, sizeof(buffer)) > 0)
		;
	NEED(fcntl(fds[1], F_SETFL, 0) == 0);
	INTERRUPT(0, NULL, send(fds[1], buffer, 10, 0));
	close_both();
}

static struct sockaddr_un listener_name = {AF_UNIX, "listener"};

static void connect_to_it(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	NEED(connect(fd, (struct sockaddr *)&listener_name, sizeof(listener_name)) == 0);
	other_fd = fd;
}

CASE(accept_of_a_socket)
{
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), got = -1;

	NEED(bind(listener, (struct sockaddr *)&listener_name, sizeof(listener_name)) == 0);
	NEED(listen(listener, 1) == 0);
	WITHOUT_AND_WITH_RESTART(connect_to_it, (got = accept(listener, NULL, NULL)) < 0 ? -1 : 0);
	close(got);
	close(other_fd);
	close(listener);
	unlink(listener_name.sun_path);
}

static void open_the_other_end(void)
{
	other_fd = open("fifo", O_RDWR | O_NONBLOCK);
	NEED(other_fd >= 0);
}

CASE(open_of_a_fifo)
{
	int fd = -1;

	NEED(mkfifo("fifo", 0600) == 0);
	WITHOUT_AND_WITH_RESTART(open_the_other_end, (fd = open("fifo", O_RDONLY)) < 0 ? -1 : 0);
	close(fd);
	close(other_fd);
	unlink("fifo");
}

static pid_t child;

static void let_the_child_go(void)
{
	NEED(kill(child, SIGKILL) == 0);
}

static void make_child(void)
{
	child = fork();
	if (child == 0)
		for (;;)
			pause();
	NEED(child > 0);
}

CASE(wait_for_a_child)
{
	make_child();
	WITHOUT_AND_WITH_RESTART(let_the_child_go, waitpid(child, NULL, 0) == -1 ? -1 : 0);
}

CASE(waitid_for_a_child)
{
	siginfo_t info;

	make_child();
	WITHOUT_AND_WITH_RESTART(let_the_child_go, waitid(P_PID, child, &info, WEXITED));
}

static void unlock_the_file(void)
{
	NEED(write(fds[1], "x", 1) == 1);
}

/* A child holds a lock until it reads a byte, and ends when the other pipe is closed. */
static void lock_in_a_child(int (*lock)(int fd))
{
	int ready[2];
	char c;

	NEED(pipe(fds) == 0 && pipe(ready) == 0);
	child = fork();
	if (child == 0) {
		int fd = open("locked", O_RDWR | O_CREAT, 0600);

		close(fds[1]);
		if (lock(fd) || write(ready[1], "x", 1) != 1 || read(fds[0], &c, 1) < 0)
			_exit(1);
		_exit(0);
	}
	NEED(child > 0 && read(ready[0], &c, 1) == 1);
	close(ready[0]);
	close(ready[1]);
}

static int lock_whole(int fd)
{
	return flock(fd, LOCK_EX);
}

static int lock_record(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_len = 1};

	return fcntl(fd, F_SETLKW, &lock);
}

static int lock_description(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_len = 1};

	return fcntl(fd, F_OFD_SETLKW, &lock);
}

static void lock_against_a_child(int (*lock)(int fd))
{
	int fd;

	lock_in_a_child(lock);
	fd = open("locked", O_RDWR);
	WITHOUT_AND_WITH_RESTART(unlock_the_file, lock(fd));
	NEED(waitpid(child, NULL, 0) == child);
	close(fd);
	close_both();
	unlink("locked");
}

CASE(flock_of_a_file)
{
	lock_against_a_child(lock_whole);
}

CASE(lock_of_a_record)
{
	lock_against_a_child(lock_record);
}

CASE(lock_of_an_open_file)
{
	lock_against_a_child(lock_description);
}

static uint32_t word;

static void wake_the_word(void)
{
	word = 1;
}

/*
 * The restarted call returns EAGAIN if the futex has changed. A wait with a timeout is not
 * restarted.
 */
CASE(futex_wait)
{
	struct timespec second = {1, 0};

	word = 0;
	INTERRUPT(0, wake_the_word, syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0));
	word = 0;
	INTERRUPT(SA_RESTART, wake_the_word,
		  syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0));
	word = 0;
	INTERRUPT(0, wake_the_word, syscall(SYS_futex, &word, FUTEX_WAIT, 0, &second, NULL, 0));
}

CASE(futex_wait_with_a_limit_and_restart)
{
	struct timespec second = {1, 0};

	word = 0;
	INTERRUPT(SA_RESTART, wake_the_word,
		  syscall(SYS_futex, &word, FUTEX_WAIT, 0, &second, NULL, 0));
}

static int queue_id;

static void send_a_message(void)
{
	struct {
		long type;
		char text[1];
	} m = {1, "x"};

	NEED(msgsnd(queue_id, &m, 1, 0) == 0);
}

static void add_to_the_semaphore(void)
{
	struct sembuf add = {0, 1, 0};

	NEED(semop(queue_id, &add, 1) == 0);
}

/* signal(7): System V's calls are never restarted. */
CASE(msgrcv_of_a_queue)
{
	queue_id = msgget(IPC_PRIVATE, 0600);
	NEED(queue_id >= 0);
	WITHOUT_AND_WITH_RESTART(send_a_message, msgrcv(queue_id, buffer, 1, 0, 0));
	msgctl(queue_id, IPC_RMID, NULL);
}

CASE(semop_of_a_semaphore)
{
	struct sembuf take = {0, -1, 0};

	queue_id = semget(IPC_PRIVATE, 1, 0600);
	NEED(queue_id >= 0);
	WITHOUT_AND_WITH_RESTART(add_to_the_semaphore, semop(queue_id, &take, 1));
	semctl(queue_id, 0, IPC_RMID);
}

static mqd_t posix_queue;

static void send_to_the_queue(void)
{
	NEED(mq_send(posix_queue, "x", 1, 0) == 0);
}

CASE(mq_receive_of_a_queue)
{
	struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 16};

	posix_queue = mq_open("/check-restarts", O_RDWR | O_CREAT, 0600, &attr);
	NEED(posix_queue >= 0);
	WITHOUT_AND_WITH_RESTART(send_to_the_queue, mq_receive(posix_queue, buffer, 16, NULL));
	mq_close(posix_queue);
	mq_unlink("/check-restarts");
}

/* None of these calls is ever restarted. */
CASE(poll_and_kin)
{
	struct pollfd fd;
	struct timeval second = {1, 0};
	struct timespec ts = {1, 0};
	fd_set set;

	NEED(pipe(fds) == 0);
	fd = (struct pollfd){fds[0], POLLIN, 0};
	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	WITHOUT_AND_WITH_RESTART(write_one, poll(&fd, 1, -1));
	WITHOUT_AND_WITH_RESTART(write_one, ppoll(&fd, 1, &ts, NULL));
	WITHOUT_AND_WITH_RESTART(write_one, select(fds[0] + 1, &set, NULL, NULL, &second));
	WITHOUT_AND_WITH_RESTART(write_one, pselect(fds[0] + 1, &set, NULL, NULL, NULL, NULL));
	close_both();
}

CASE(epoll_wait_and_kin)
{
	struct epoll_event event = {.events = EPOLLIN}, out;
	int e = epoll_create1(0);

	NEED(pipe(fds) == 0);
	NEED(epoll_ctl(e, EPOLL_CTL_ADD, fds[0], &event) == 0);
	WITHOUT_AND_WITH_RESTART(write_one, epoll_wait(e, &out, 1, -1));
	WITHOUT_AND_WITH_RESTART(write_one, epoll_pwait(e, &out, 1, 1000, NULL));
	close(e);
	close_both();
}

CASE(sleeps)
{
	struct timespec second = {1, 0}, left = {0, 0}, until;

	WITHOUT_AND_WITH_RESTART(NULL, nanosleep(&second, &left));
	CHECK(left.tv_sec == 0 && left.tv_nsec > 0);
	WITHOUT_AND_WITH_RESTART(NULL,
				 syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &second, &left));
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 2;
	left.tv_nsec = 7;
	WITHOUT_AND_WITH_RESTART(
		NULL, syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &until, &left));
	/* An absolute sleep does not store the time left. */
	SHOW(left.tv_nsec);
}

CASE(waits_for_signals)
{
	sigset_t set;
	siginfo_t info;
	struct timespec second = {1, 0};

	sigemptyset(&set);
	WITHOUT_AND_WITH_RESTART(NULL, pause());
	WITHOUT_AND_WITH_RESTART(NULL, sigsuspend(&set));
	sigaddset(&set, SIGUSR1);
	WITHOUT_AND_WITH_RESTART(NULL, syscall(SYS_rt_sigtimedwait, &set, &info, &second, 8));
}

/* A stop and a continue without a handler: signal(7), "Interruption ... by stop signals". */
static void stop_and_go_on(pid_t pid)
{
	int status;

	settle(30000);
	NEED(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid);
	NEED(WIFSTOPPED(status) && kill(pid, SIGCONT) == 0);
	settle(30000);
}

static void in_a_stopped_child(void (*wait)(void))
{
	int status;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		wait();
		fflush(stdout);
		_exit(0);
	}
	NEED(child > 0);
	stop_and_go_on(child);
	/* Wakes a call that the stop did not end. */
	NEED(write(fds[1], "x", 1) == 1);
	NEED(waitpid(child, &status, 0) == child && status == 0);
}

static void waits_in_read(void)
{
	SHOW(read(fds[0], buffer, 1));
}

static void waits_in_poll(void)
{
	struct pollfd fd = {fds[0], POLLIN, 0};

	SHOW(poll(&fd, 1, 2000));
	SHOW(read(fds[0], buffer, 1));
}

static void waits_in_epoll(void)
{
	struct epoll_event event = {.events = EPOLLIN}, out;
	int e = epoll_create1(0);

	NEED(epoll_ctl(e, EPOLL_CTL_ADD, fds[0], &event) == 0);
	SHOW(epoll_wait(e, &out, 1, 2000));
	SHOW(read(fds[0], buffer, 1) >= 0);
}

static void waits_for_time(void)
{
	struct timespec some = {0, 100000000};

	SHOW(nanosleep(&some, NULL));
}

static void waits_for_a_semaphore(void)
{
	struct sembuf take = {0, -1, 0};
	struct timespec some = {0, 100000000};

	SHOW(semtimedop(queue_id, &take, 1, &some));
}

CASE(stopped_calls)
{
	NEED(pipe(fds) == 0);
	queue_id = semget(IPC_PRIVATE, 1, 0600);
	in_a_stopped_child(waits_in_read);
	in_a_stopped_child(waits_in_poll);
	in_a_stopped_child(waits_for_time);
	NEED(read(fds[0], buffer, 1) == 1);
	in_a_stopped_child(waits_for_a_semaphore);
	NEED(read(fds[0], buffer, 1) == 1);
	/* signal(7): epoll_wait is one of the few that a stop ends with EINTR. */
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	in_a_stopped_child(waits_in_epoll);
	semctl(queue_id, 0, IPC_RMID);
	close_both();
}

CASE(ignored_signals_do_not_interrupt)
{
	struct itimerval timer = {{0, 10000}, {0, 10000}}, none = {0};
	struct timespec some = {0, 100000000};

	NEED(pipe(fds) == 0);
	signal(SIGALRM, SIG_IGN);
	NEED(setitimer(ITIMER_REAL, &timer, NULL) == 0);
	SHOW(nanosleep(&some, NULL));
	SHOW(poll(&(struct pollfd){fds[0], POLLIN, 0}, 1, 100));
	signal(SIGALRM, SIG_DFL);
	NEED(setitimer(ITIMER_REAL, &none, NULL) == 0);
	close_both();
}

CASE(blocked_signals_do_not_interrupt)
{
	struct itimerval timer = {{0, 10000}, {0, 10000}}, none = {0};
	struct timespec some = {0, 100000000};
	sigset_t set, pending;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	begin(0, NULL);
	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	hits = 0;
	NEED(setitimer(ITIMER_REAL, &timer, NULL) == 0);
	SHOW(nanosleep(&some, NULL));
	SHOW(poll(NULL, 0, 100));
	NEED(setitimer(ITIMER_REAL, &none, NULL) == 0);
	SHOW(sigpending(&pending));
	SHOW(sigismember(&pending, SIGALRM));
	SHOW(hits);
	NEED(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	SHOW(hits);
}

/* Each signal's handler decides whether the call is restarted. */
CASE(two_handlers)
{
	struct sigaction restart = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	struct sigaction plain = {.sa_handler = on_alarm};
	int status;

	NEED(pipe(fds) == 0);
	NEED(sigaction(SIGUSR1, &restart, NULL) == 0 && sigaction(SIGUSR2, &plain, NULL) == 0);
	provide = NULL;
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		pid_t parent = getpid(), sender = fork();

		if (sender == 0) {
			settle(30000);
			kill(parent, i ? SIGUSR2 : SIGUSR1);
			settle(30000);
			NEED(write(fds[1], "x", 1) == 1);
			_exit(0);
		}
		hits = 0;
		SHOW(read(fds[0], buffer, 1));
		SHOW(hits);
		while (waitpid(sender, &status, 0) < 0)
			;
	}
	close_both();
}

/* execve(2) waits for nothing, so no signal ends it. Here a child ends at that moment. */
CASE(exec_while_a_child_ends)
{
	struct sigaction action = {.sa_handler = on_alarm};
	int interrupted = 0, status;

	provide = NULL;
	for (int i = 0; i < 150; i++) {
		pid_t pid = fork();

		NEED(pid >= 0);
		if (pid == 0) {
			NEED(sigaction(SIGCHLD, &action, NULL) == 0);
			if (fork() == 0)
				_exit(0);
			execl("/bin/true", "true", NULL);
			_exit(errno == EINTR ? 1 : 2);
		}
		NEED(waitpid(pid, &status, 0) == pid);
		interrupted += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	}
	SHOW(interrupted);
}
