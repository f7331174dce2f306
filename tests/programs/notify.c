// SPDX-License-Identifier: MIT
/*
 * mq_notify(3) by a thread: the C library's way to it, and the netlink socket beneath.
 * libraries: pthread
 */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* netlink(7)'s constants, because musl-gcc has no headers of Linux's. */
struct request {
	uint32_t len;
	uint16_t type, flags;
	uint32_t number, sender;
};
#define NLMSG_NOOP	1
#define NLMSG_ERROR	2
#define REQUEST_AND_ACK 5

#define COOKIE		32
#define SIZE		50
#define TIMES		8
#define MANY		100

static int wait_child(pid_t pid)
{
	int status;

	NEED(waitpid(pid, &status, 0) == pid);
	if (status)
		printf("  child: status %x\n", status);
	fflush(stdout);
	return 0;
}

static char name[64];

static mqd_t queue_new(void)
{
	struct mq_attr attr = {.mq_maxmsg = 5, .mq_msgsize = SIZE};
	mqd_t q;

	snprintf(name, sizeof(name), "/check-notify-%d", getpid());
	q = mq_open(name, O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK, 0600, &attr);
	NEED(q >= 0);
	NEED(mq_unlink(name) == 0);
	return q;
}

static void send_text(mqd_t q, const char *text)
{
	NEED(mq_send(q, text, strlen(text), 0) == 0);
}

static void receive(mqd_t q)
{
	char text[SIZE];
	long n = mq_receive(q, text, SIZE, NULL);

	printf("  %.*s\n", n < 0 ? 7 : (int)n, n < 0 ? "nothing" : text);
}

/* ---- by the C library -------------------------------------------------------------------------
 */

static sem_t called;
static int value_seen;
static pthread_t caller;

static void on_message(union sigval value)
{
	value_seen = value.sival_int;
	caller = pthread_self();
	sem_post(&called);
}

static struct sigevent by_thread(int value)
{
	return (struct sigevent){
		.sigev_notify = SIGEV_THREAD,
		.sigev_notify_function = on_message,
		.sigev_value = {.sival_int = value},
	};
}

static void wait_for_call(void)
{
	while (sem_wait(&called))
		NEED(errno == EINTR);
	printf("  called with %d, by %s thread\n", value_seen,
	       pthread_equal(caller, pthread_self()) ? "this" : "another");
}

static bool is_called(void)
{
	settle(50000);
	return sem_trywait(&called) == 0;
}

CASE(a_thread_for_each_message)
{
	mqd_t q = queue_new();
	struct sigevent ev;

	for (int i = 0; i < TIMES; i++) {
		ev = by_thread(i + 100);
		NEED(mq_notify(q, &ev) == 0);
		SHOW(mq_notify(q, &ev));
		send_text(q, "here");
		wait_for_call();
		receive(q);
	}
	/* One notification for each registration, and only for an empty queue. */
	send_text(q, "not announced");
	CHECK(!is_called());
	ev = by_thread(1);
	SHOW(mq_notify(q, &ev));
	send_text(q, "nor this");
	CHECK(!is_called());
	receive(q);
	receive(q);
	send_text(q, "but this");
	wait_for_call();
	SHOW(mq_close(q));
}

CASE(a_message_from_another_process)
{
	mqd_t q = queue_new();
	struct sigevent ev = by_thread(7), none = {.sigev_notify = SIGEV_NONE};

	SHOW(mq_notify(q, &ev));
	IN_CHILD
	{
		SHOW(mq_notify(q, &none));
		SHOW(mq_notify(q, NULL));
		send_text(q, "from a child");
	}
	wait_for_call();
	receive(q);
	SHOW(mq_close(q));
}

CASE(a_registration_that_ends)
{
	mqd_t q = queue_new(), copy;
	struct sigevent ev = by_thread(8);

	SHOW(mq_notify(q, &ev));
	SHOW(mq_notify(q, NULL));
	send_text(q, "unheard");
	CHECK(!is_called());
	receive(q);
	SHOW(mq_notify(q, &ev));
	copy = dup(q);
	SHOW(close(copy));
	SHOW(mq_notify(q, &ev));
	send_text(q, "heard");
	wait_for_call();
	receive(q);
	SHOW(mq_notify(q, &ev));
	SHOW(mq_close(q));
	CHECK(!is_called());
}

/*
 * Runs alone: a child of a process whose C library has such a thread would inherit its socket, and
 * messages could go to the wrong process.
 */
LONE_CASE(children_with_threads_of_their_own)
{
	mqd_t q = queue_new();
	struct sigevent ev = by_thread(9);

	for (int i = 0; i < 2; i++) {
		IN_CHILD
		{
			SHOW(mq_notify(q, &ev));
			send_text(q, "in a child");
			wait_for_call();
			receive(q);
			/* The socket's end removes the registration. */
			SHOW(mq_notify(q, &ev));
		}
	}
	CHECK(!is_called());
	SHOW(mq_notify(q, &ev));
	send_text(q, "in the parent");
	wait_for_call();
	receive(q);
	SHOW(mq_close(q));
}

/* ---- beneath it -------------------------------------------------------------------------------
 */

static int socket_new(int flags)
{
	int s = socket(AF_NETLINK, SOCK_RAW | flags, 0);

	NEED(s >= 0);
	return s;
}

/* A cookie that begins with this text. */
static int ask(mqd_t q, int how, int fd, const char *text)
{
	char bytes[COOKIE] = "";
	struct sigevent ev = {.sigev_notify = how, .sigev_signo = fd};

	snprintf(bytes, sizeof(bytes), "%s", text);
	ev.sigev_value.sival_ptr = bytes;
	return (int)syscall(SYS_mq_notify, q, &ev);
}

static void show_cookie(long n, const char *bytes)
{
	if (n < 0)
		printf("  %s\n", check_errno(errno));
	else
		printf("  %ld '%.*s' %d\n", n, COOKIE - 1, bytes,
		       n < COOKIE ? -1 : bytes[COOKIE - 1]);
}

static void show_next(int s, int flags)
{
	char bytes[COOKIE] = "";
	long n = recv(s, bytes, COOKIE, flags);

	show_cookie(n, bytes);
}

static int readable(int s)
{
	struct pollfd p = {.fd = s, .events = POLLIN};

	return poll(&p, 1, 0);
}

CASE(what_the_thread_receives)
{
	mqd_t q = queue_new();
	int s = socket_new(0);

	SHOW(ask(q, SIGEV_THREAD, s, "first"));
	SHOW(ask(q, SIGEV_THREAD, s, "too early"));
	SHOW(ask(q, SIGEV_SIGNAL, SIGUSR1, ""));
	SHOW(readable(s));
	show_next(s, MSG_DONTWAIT);
	send_text(q, "x");
	SHOW(readable(s));
	show_next(s, MSG_PEEK);
	show_next(s, MSG_NOSIGNAL | MSG_WAITALL);
	SHOW(readable(s));
	receive(q);
	SHOW(ask(q, SIGEV_THREAD, s, "second"));
	SHOW(mq_notify(q, NULL));
	show_next(s, 0);
	SHOW(mq_notify(q, NULL));
	/* Notifications that nobody has received yet stay queued. */
	for (int i = 0; i < 3; i++) {
		NEED(ask(q, SIGEV_THREAD, s, (const char *[]){"a", "b", "c"}[i]) == 0);
		if (i == 1)
			NEED(mq_notify(q, NULL) == 0);
		else
			send_text(q, "y");
		if (i != 1)
			receive(q);
	}
	for (int i = 0; i < 3; i++)
		show_next(s, MSG_DONTWAIT);
	show_next(s, MSG_DONTWAIT);
	SHOW(ask(q, SIGEV_THREAD, s, "of the end"));
	SHOW(mq_close(q));
	show_next(s, MSG_DONTWAIT);
	SHOW(close(s));
}

CASE(other_ways_to_receive)
{
	mqd_t q = queue_new();
	int s = socket_new(SOCK_NONBLOCK);
	char a[5] = "", b[COOKIE + 20] = "", bytes[COOKIE];
	struct {
		uint16_t family, pad;
		uint32_t sender, groups;
	} from = {.sender = 1};
	struct iovec iov[2] = {{a, 4}, {b, sizeof(b)}};
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = iov, .msg_iovlen = 2};

	NEED(ask(q, SIGEV_THREAD, s, "in two pieces") == 0);
	send_text(q, "x");
	SHOW(recvmsg(s, &msg, 0));
	printf("  '%s' '%s' %d, flags %x, from %d\n", a, b, b[COOKIE - 5], msg.msg_flags,
	       (int)from.sender);
	receive(q);
	NEED(ask(q, SIGEV_THREAD, s, "read") == 0);
	send_text(q, "x");
	show_cookie(read(s, bytes, sizeof(bytes)), bytes);
	receive(q);
	iov[0] = (struct iovec){bytes, COOKIE};
	msg.msg_iovlen = 1;
	NEED(ask(q, SIGEV_THREAD, s, "whole") == 0);
	send_text(q, "x");
	show_cookie(recvmsg(s, &msg, MSG_TRUNC), bytes);
	SHOW(msg.msg_flags);
	receive(q);
	/* The message is cut, as any datagram is. */
	NEED(ask(q, SIGEV_THREAD, s, "a short one") == 0);
	send_text(q, "x");
	memset(bytes, 0, sizeof(bytes));
	show_cookie(recv(s, bytes, 20, MSG_TRUNC), bytes);
	SHOW(readable(s));
	SHOW(mq_close(q));
	SHOW(close(s));
}

CASE(a_socket_that_is_used_for_more)
{
	mqd_t q = queue_new();
	int s = socket_new(SOCK_NONBLOCK);
	struct request noop = {sizeof(noop), NLMSG_NOOP, REQUEST_AND_ACK, 77, 0}, got[4];

	NEED(ask(q, SIGEV_THREAD, s, "between") == 0);
	SHOW(send(s, &noop, sizeof(noop), 0));
	send_text(q, "x");
	noop.number = 78;
	SHOW(send(s, &noop, sizeof(noop), 0));
	SHOW(recv(s, got, sizeof(got), 0));
	printf("  %d %u\n", got[0].type == NLMSG_ERROR, got[0].number);
	show_next(s, 0);
	SHOW(recv(s, got, sizeof(got), 0));
	printf("  %d %u\n", got[0].type == NLMSG_ERROR, got[0].number);
	SHOW(readable(s));
	SHOW(mq_close(q));
	SHOW(close(s));
}

CASE(sockets_that_will_not_do)
{
	mqd_t q = queue_new();
	int s = socket_new(0), pipes[2], other = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD, .sigev_signo = s};

	NEED(pipe(pipes) == 0);
	SHOW(ask(q, SIGEV_THREAD, -1, ""));
	SHOW(ask(q, SIGEV_THREAD, 999, ""));
	SHOW(ask(q, SIGEV_THREAD, pipes[0], ""));
	SHOW(ask(q, SIGEV_THREAD, q, ""));
	SHOW(ask(q, SIGEV_THREAD, other, ""));
	ev.sigev_value.sival_ptr = (void *)8;
	SHOW(syscall(SYS_mq_notify, q, &ev));
	SHOW(ask(s, SIGEV_THREAD, s, ""));
	SHOW(ask(-1, SIGEV_THREAD, s, ""));
	SHOW(ask(q, SIGEV_THREAD, s, "right"));
	SHOW(mq_notify(q, NULL));
	show_next(s, 0);
	SHOW(mq_close(q));
	close(s);
	close(other);
	close(pipes[0]);
	close(pipes[1]);
}

CASE(a_socket_that_is_closed)
{
	mqd_t q = queue_new();
	int s = socket_new(0), copy;

	SHOW(ask(q, SIGEV_THREAD, s, "unread"));
	SHOW(close(s));
	SHOW(ask(q, SIGEV_THREAD, s, ""));
	send_text(q, "x");
	receive(q);
	s = socket_new(0);
	SHOW(ask(q, SIGEV_THREAD, s, "by a copy"));
	copy = dup(s);
	SHOW(close(s));
	send_text(q, "x");
	receive(q);
	show_next(copy, 0);
	SHOW(ask(q, SIGEV_THREAD, copy, "by a child"));
	send_text(q, "x");
	IN_CHILD
	show_next(copy, 0);
	SHOW(readable(copy));
	SHOW(close(copy));
	SHOW(mq_close(q));
}

CASE(many_unread)
{
	mqd_t q = queue_new();
	int s = socket_new(SOCK_NONBLOCK), right = 0;
	char bytes[COOKIE], text[8];

	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "%d", i);
		NEED(ask(q, SIGEV_THREAD, s, text) == 0);
		NEED(mq_notify(q, NULL) == 0);
	}
	for (int i = 0; i < MANY; i++)
		right += recv(s, bytes, COOKIE, 0) == COOKIE && atoi(bytes) == i;
	SHOW(right);
	for (int i = 0; i < MANY / 2; i++) {
		NEED(ask(q, SIGEV_THREAD, s, "left") == 0);
		NEED(mq_notify(q, NULL) == 0);
	}
	SHOW(mq_close(q));
	SHOW(close(s));
}
