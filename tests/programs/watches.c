// SPDX-License-Identifier: MIT
/*
 * Edge cases of files that watch others: epoll's edge-triggered, one-shot and exclusive items,
 * eventfds and timerfds under load, inotify's events in order; and each of them across fork.
 */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef EPOLLEXCLUSIVE
#define EPOLLEXCLUSIVE (1U << 28)
#endif

static int e, p[2];
static char buffer[1 << 16];

static void begin(void)
{
	e = epoll_create1(0);
	NEED(e >= 0 && pipe2(p, O_NONBLOCK) == 0);
}

static void end(void)
{
	close(e);
	close(p[0]);
	close(p[1]);
}

static int control(int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = {.events = events, .data.u64 = data};

	return epoll_ctl(e, op, fd, &event);
}

static void show_ready(int timeout)
{
	struct epoll_event out[8];
	int n = epoll_wait(e, out, 8, timeout);

	printf("  ready: %d", n);
	for (int i = 0; i < n; i++)
		printf(", %x of %d", out[i].events, (int)out[i].data.u64);
	printf("\n");
}

static void put(const char *text)
{
	NEED(write(p[1], text, strlen(text)) == (ssize_t)strlen(text));
}

static void take(size_t n)
{
	NEED(read(p[0], buffer, n) > 0);
}

/* EPOLLET: each write is an edge; a read that leaves data is none. */
CASE(edges_of_a_pipe)
{
	begin();
	SHOW(control(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET, 1));
	show_ready(0);
	put("ab");
	show_ready(100);
	show_ready(0);
	take(1);
	show_ready(0);
	put("c");
	show_ready(100);
	take(8);
	put("d");
	show_ready(100);
	/* Changing the registration checks the file again. */
	SHOW(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 2));
	show_ready(0);
	show_ready(0);
	SHOW(control(EPOLL_CTL_DEL, p[0], 0, 0));
	SHOW(control(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET, 3));
	show_ready(0);
	show_ready(0);
	end();
}

CASE(edges_of_room)
{
	begin();
	SHOW(control(EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLET, 1));
	show_ready(0);
	show_ready(0);
	while (write(p[1], buffer, sizeof(buffer)) > 0)
		;
	show_ready(0);
	take(sizeof(buffer));
	show_ready(100);
	show_ready(0);
	close(p[0]);
	show_ready(100);
	p[0] = -1;
	end();
}

CASE(edges_of_a_socket)
{
	int s[2];

	begin();
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	SHOW(control(EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 1));
	show_ready(0);
	show_ready(0);
	NEED(send(s[1], "abc", 3, 0) == 3);
	show_ready(100);
	show_ready(0);
	NEED(recv(s[0], buffer, 1, 0) == 1);
	show_ready(0);
	NEED(shutdown(s[1], SHUT_WR) == 0);
	show_ready(100);
	show_ready(0);
	close(s[1]);
	show_ready(100);
	close(s[0]);
	show_ready(0);
	end();
}

CASE(one_shot)
{
	begin();
	put("x");
	SHOW(control(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLONESHOT, 1));
	show_ready(0);
	show_ready(0);
	put("y");
	show_ready(0);
	SHOW(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 2));
	show_ready(0);
	close(p[1]);
	show_ready(0);
	SHOW(control(EPOLL_CTL_MOD, p[0], EPOLLONESHOT, 3));
	/* Hang-ups cannot be masked. */
	show_ready(0);
	p[1] = -1;
	end();
}

CASE(exclusive)
{
	begin();
	SHOW(control(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE, 1));
	put("x");
	show_ready(0);
	SHOW(control(EPOLL_CTL_MOD, p[0], EPOLLIN, 1));
	SHOW(control(EPOLL_CTL_DEL, p[0], 0, 0));
	SHOW(control(EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
	SHOW(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLEXCLUSIVE, 1));
	SHOW(control(EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLEXCLUSIVE | EPOLLONESHOT, 1));
	SHOW(control(EPOLL_CTL_ADD, p[1], EPOLLRDHUP | EPOLLEXCLUSIVE, 1));
	end();
}

CASE(the_same_file_twice)
{
	int other;

	begin();
	other = dup(p[0]);
	SHOW(control(EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
	SHOW(control(EPOLL_CTL_ADD, other, EPOLLIN, 2));
	put("x");
	show_ready(0);
	close(other);
	/* The file is still open through another descriptor, so its entry stays. */
	show_ready(0);
	SHOW(control(EPOLL_CTL_DEL, other, 0, 0));
	close(p[0]);
	show_ready(0);
	p[0] = -1;
	end();
}

CASE(number_used_again)
{
	int q[2];

	begin();
	SHOW(control(EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
	close(p[0]);
	NEED(pipe(q) == 0);
	SHOW(q[0] == p[0]);
	SHOW(control(EPOLL_CTL_MOD, q[0], EPOLLIN, 2));
	SHOW(control(EPOLL_CTL_ADD, q[0], EPOLLIN, 3));
	NEED(write(q[1], "x", 1) == 1);
	show_ready(0);
	close(q[1]);
	end();
}

/* Level-triggered items take turns: none starves when one event is asked for. */
CASE(turns)
{
	struct epoll_event out;
	int fd[3], seen = 0;

	begin();
	for (int i = 0; i < 3; i++) {
		fd[i] = eventfd(1, 0);
		NEED(control(EPOLL_CTL_ADD, fd[i], EPOLLIN, i) == 0);
	}
	for (int i = 0; i < 3; i++) {
		NEED(epoll_wait(e, &out, 1, 0) == 1);
		seen |= 1 << out.data.u64;
	}
	SHOW(seen);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	end();
}

static void *waits(void *arg)
{
	struct epoll_event out;

	return (void *)(long)epoll_wait(*(int *)arg, &out, 1, 5000);
}

/* An item that is added while a thread waits counts for that thread. */
CASE(added_meanwhile)
{
	pthread_t t;
	void *result;

	begin();
	put("x");
	NEED(pthread_create(&t, NULL, waits, &e) == 0);
	settle(30000);
	SHOW(control(EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
	NEED(pthread_join(t, &result) == 0);
	SHOW((long)result);
	end();
}

CASE(two_wait_one_shot)
{
	pthread_t t[2];
	void *result[2];

	begin();
	SHOW(control(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLONESHOT, 1));
	for (int i = 0; i < 2; i++)
		NEED(pthread_create(&t[i], NULL, waits, &e) == 0);
	settle(30000);
	put("x");
	settle(30000);
	SHOW(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 1));
	for (int i = 0; i < 2; i++)
		NEED(pthread_join(t[i], &result[i]) == 0);
	SHOW((long)result[0] + (long)result[1]);
	end();
}

CASE(finer_limits)
{
	struct epoll_event out;
	struct timespec none = {0, 0}, brief = {0, 30000000}, bad = {0, 2000000000}, before, after;
	sigset_t set;

	begin();
	sigemptyset(&set);
	SHOW(syscall(SYS_epoll_pwait2, e, &out, 1, &none, NULL, 0));
	clock_gettime(CLOCK_MONOTONIC, &before);
	SHOW(syscall(SYS_epoll_pwait2, e, &out, 1, &brief, &set, 8));
	clock_gettime(CLOCK_MONOTONIC, &after);
	CHECK((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec >=
	      29000000);
	SHOW(syscall(SYS_epoll_pwait2, e, &out, 1, &bad, NULL, 0));
	SHOW(syscall(SYS_epoll_pwait2, e, &out, 0, &none, NULL, 0));
	SHOW(syscall(SYS_epoll_pwait2, e, &out, 1, &none, &set, 4));
	SHOW(epoll_pwait(e, &out, -1, 0, NULL));
	SHOW(epoll_wait(p[0], &out, 1, 0));
	SHOW(epoll_wait(-1, &out, 1, 0));
	SHOW(epoll_wait(e, (void *)8, 1, 0));
	put("x");
	NEED(control(EPOLL_CTL_ADD, p[0], EPOLLIN, 1) == 0);
	SHOW(epoll_wait(e, (void *)8, 1, 0));
	SHOW(epoll_ctl(e, EPOLL_CTL_MOD, p[0], (void *)8));
	SHOW(epoll_ctl(e, 77, p[0], &out));
	end();
}

/* After a fork both processes have one epoll: the parent sees registrations of the child. */
CASE(epoll_over_fork)
{
	int status;

	begin();
	fflush(stdout);
	if (fork() == 0) {
		NEED(control(EPOLL_CTL_ADD, p[0], EPOLLIN, 7) == 0);
		put("x");
		_exit(0);
	}
	NEED(wait(&status) > 0);
	show_ready(100);
	SHOW(control(EPOLL_CTL_ADD, p[0], EPOLLIN, 8));
	end();
}

CASE(deep_nesting)
{
	int chain[8];

	for (int i = 0; i < 8; i++) {
		chain[i] = epoll_create1(0);
		if (i) {
			struct epoll_event event = {.events = EPOLLIN};

			SHOW(epoll_ctl(chain[i], EPOLL_CTL_ADD, chain[i - 1], &event));
		}
	}
	struct epoll_event event = {.events = EPOLLIN};
	SHOW(epoll_ctl(chain[0], EPOLL_CTL_ADD, chain[3], &event));
	for (int i = 0; i < 8; i++)
		close(chain[i]);
}

CASE(what_can_be_watched)
{
	static const char *const paths[] = {"/dev/null", "/dev/zero",	 "/proc/self/status",
					    ".",	 "/dev/urandom", "/proc/self/mounts"};

	begin();
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int fd = open(paths[i], O_RDONLY);

		NEED(fd >= 0);
		printf("  %s\n", paths[i]);
		SHOW(control(EPOLL_CTL_ADD, fd, EPOLLIN, 1));
		SHOW(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 0));
		close(fd);
	}
	int fd = open("/dev/null", O_PATH);
	SHOW(control(EPOLL_CTL_ADD, fd, EPOLLIN, 1));
	SHOW(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 0));
	close(fd);
	end();
}

/* -- eventfd ---------------------------------------------------------------------------------- */

static void *adds(void *arg)
{
	uint64_t one = 1;

	for (int i = 0; i < 500; i++)
		NEED(write(*(int *)arg, &one, 8) == 8);
	return NULL;
}

CASE(counted_by_many)
{
	int fd = eventfd(0, 0);
	uint64_t v, sum = 0;
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		NEED(pthread_create(&t[i], NULL, adds, &fd) == 0);
	while (sum < 2000) {
		NEED(read(fd, &v, 8) == 8);
		sum += v;
	}
	SHOW(sum);
	for (int i = 0; i < 4; i++)
		NEED(pthread_join(t[i], NULL) == 0);
	close(fd);
}

static void *adds_much(void *arg)
{
	uint64_t v = UINT64_MAX - 1;

	return (void *)(long)write(*(int *)arg, &v, 8);
}

CASE(a_full_counter)
{
	int fd = eventfd(1, 0);
	struct pollfd ready = {.fd = fd, .events = POLLIN | POLLOUT};
	uint64_t v;
	pthread_t t;
	void *result;

	NEED(pthread_create(&t, NULL, adds_much, &fd) == 0);
	settle(30000);
	SHOW(read(fd, &v, 8));
	SHOW(v);
	NEED(pthread_join(t, &result) == 0);
	SHOW((long)result);
	SHOW(poll(&ready, 1, 0));
	SHOW(ready.revents);
	SHOW(read(fd, &v, 8));
	CHECK(v == UINT64_MAX - 1);
	SHOW(poll(&ready, 1, 0));
	SHOW(ready.revents);
	SHOW(write(fd, &v, 4));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(pwrite(fd, &v, 8, 0));
	close(fd);
}

CASE(a_semaphore_for_children)
{
	int fd = eventfd(0, EFD_SEMAPHORE), status, ends = 0;
	uint64_t v = 3;

	fflush(stdout);
	for (int i = 0; i < 3; i++)
		if (fork() == 0)
			_exit(read(fd, &v, 8) == 8 && v == 1 ? 1 : 2);
	settle(30000);
	SHOW(write(fd, &v, 8));
	while (wait(&status) > 0)
		ends += WEXITSTATUS(status);
	SHOW(ends);
	SHOW(fcntl(fd, F_SETFL, O_NONBLOCK));
	SHOW(read(fd, &v, 8));
	close(fd);
}

/* -- timerfd ---------------------------------------------------------------------------------- */

CASE(a_timer_over_fork)
{
	struct itimerspec spec = {.it_value.tv_nsec = 40000000};
	int fd = timerfd_create(CLOCK_MONOTONIC, 0), status;
	uint64_t v;

	NEED(timerfd_settime(fd, 0, &spec, NULL) == 0);
	fflush(stdout);
	if (fork() == 0)
		_exit(read(fd, &v, 8) == 8 ? (int)v : 99);
	NEED(wait(&status) > 0);
	SHOW(WEXITSTATUS(status));
	/* It was read: nothing is left for the second reader. */
	SHOW(fcntl(fd, F_SETFL, O_NONBLOCK));
	SHOW(read(fd, &v, 8));
	close(fd);
}

CASE(a_timer_set_anew)
{
	struct itimerspec spec = {.it_value.tv_nsec = 1000000}, old;
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	uint64_t v;

	NEED(timerfd_settime(fd, 0, &spec, NULL) == 0);
	settle(20000);
	/* Expirations from before are discarded. */
	spec.it_value.tv_sec = 100;
	SHOW(timerfd_settime(fd, 0, &spec, &old));
	SHOW(old.it_value.tv_sec + old.it_value.tv_nsec);
	SHOW(read(fd, &v, 8));
	spec = (struct itimerspec){0};
	SHOW(timerfd_settime(fd, 0, &spec, &old));
	CHECK(old.it_value.tv_sec >= 98);
	SHOW(timerfd_gettime(fd, &old));
	SHOW(old.it_value.tv_sec);
	SHOW(timerfd_settime(fd, 0xff, &spec, &old));
	SHOW(timerfd_settime(e, 0, &spec, &old));
	SHOW(timerfd_settime(fd, 0, (void *)8, &old));
	SHOW(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
	SHOW(timerfd_create(CLOCK_MONOTONIC, 0x77));
	close(fd);
}

/* -- inotify ----------------------------------------------------------------------------------- */

static int watcher;

static void show_events(void)
{
	char data[4096] __attribute__((aligned(8)));
	ssize_t n = read(watcher, data, sizeof(data));
	uint32_t cookie = 0;

	printf("  %s\n", n < 0 ? check_errno(errno) : "events:");
	for (char *at = data; at < data + n;) {
		struct inotify_event *event = (void *)at;

		printf("    watch %d, mask %x, \"%s\"%s\n", event->wd, event->mask,
		       event->len ? event->name : "",
		       !event->cookie		 ? ""
		       : event->cookie == cookie ? ", the same cookie"
						 : ", a cookie");
		cookie = event->cookie;
		at += sizeof(*event) + event->len;
	}
}

static void touch(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT, 0600);

	NEED(fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
}

static void begin_watching(void)
{
	watcher = inotify_init1(IN_NONBLOCK);
	NEED(watcher >= 0);
	mkdir("w", 0700);
	mkdir("w2", 0700);
}

static void end_watching(void)
{
	close(watcher);
	NEED(system("rm -rf w w2") == 0);
}

CASE(a_file_moves)
{
	begin_watching();
	touch("w/a");
	SHOW(inotify_add_watch(watcher, "w", IN_MOVE));
	SHOW(inotify_add_watch(watcher, "w2", IN_MOVE));
	SHOW(inotify_add_watch(watcher, "w/a", IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB));
	NEED(rename("w/a", "w2/b") == 0);
	show_events();
	NEED(rename("w2/b", "c") == 0);
	show_events();
	NEED(link("c", "d") == 0 && unlink("c") == 0);
	show_events();
	NEED(unlink("d") == 0);
	show_events();
	end_watching();
}

CASE(all_that_happens_to_a_file)
{
	int fd;

	begin_watching();
	SHOW(inotify_add_watch(watcher, "w", IN_ALL_EVENTS));
	touch("w/f");
	show_events();
	fd = open("w/f", O_RDONLY);
	NEED(fd >= 0 && read(fd, buffer, 1) == 1);
	close(fd);
	show_events();
	NEED(chmod("w/f", 0644) == 0);
	NEED(truncate("w/f", 0) == 0);
	show_events();
	NEED(mkdir("w/d", 0700) == 0 && symlink("f", "w/l") == 0 && rmdir("w/d") == 0);
	show_events();
	NEED(unlink("w/f") == 0 && unlink("w/l") == 0);
	show_events();
	NEED(rmdir("w") == 0);
	show_events();
	end_watching();
}

CASE(masks_of_watches)
{
	begin_watching();
	touch("w/f");
	SHOW(inotify_add_watch(watcher, "w", IN_OPEN));
	SHOW(inotify_add_watch(watcher, "w", IN_CLOSE_WRITE)); /* A new file in its place. */
	touch("w/f");
	show_events();
	SHOW(inotify_add_watch(watcher, "w", IN_OPEN | IN_MASK_ADD));
	touch("w/f");
	show_events();
	SHOW(inotify_add_watch(watcher, "w", IN_OPEN | IN_MASK_CREATE));
	SHOW(inotify_add_watch(watcher, "w", IN_OPEN | IN_MASK_CREATE | IN_MASK_ADD));
	SHOW(inotify_add_watch(watcher, "w/f", IN_OPEN | IN_ONLYDIR));
	SHOW(inotify_add_watch(watcher, "w/f", IN_OPEN | IN_ONESHOT));
	touch("w/f");
	show_events();
	touch("w/f");
	show_events();
	SHOW(inotify_add_watch(-1, "w", IN_OPEN));
	SHOW(inotify_add_watch(e, "w", IN_OPEN));
	SHOW(inotify_add_watch(watcher, (void *)8, IN_OPEN));
	SHOW(inotify_rm_watch(watcher, 999));
	end_watching();
}

CASE(links_and_watches)
{
	begin_watching();
	touch("w/f");
	NEED(symlink("w/f", "link") == 0);
	SHOW(inotify_add_watch(watcher, "link", IN_CLOSE_WRITE));
	SHOW(inotify_add_watch(watcher, "link", IN_CLOSE_WRITE | IN_DONT_FOLLOW));
	touch("link");
	show_events();
	NEED(unlink("link") == 0);
	end_watching();
}

CASE(little_room_for_events)
{
	int n;

	begin_watching();
	SHOW(inotify_add_watch(watcher, "w", IN_CREATE));
	SHOW(read(watcher, buffer, 10));
	touch("w/a");
	touch("w/b");
	SHOW(read(watcher, buffer, 10));
	SHOW(ioctl(watcher, FIONREAD, &n));
	SHOW(n);
	SHOW(read(watcher, buffer, 40));
	SHOW(poll(&(struct pollfd){watcher, POLLIN, 0}, 1, 0));
	show_events();
	SHOW(poll(&(struct pollfd){watcher, POLLIN, 0}, 1, 0));
	/* Equal events in a row become one. */
	SHOW(inotify_add_watch(watcher, "w/a", IN_MODIFY));
	int fd = open("w/a", O_WRONLY);
	for (int i = 0; i < 5; i++)
		NEED(write(fd, "x", 1) == 1);
	close(fd);
	show_events();
	end_watching();
}

/* Two pages that are adjacent for the program need not be so for the kernel or the host. */
CASE(events_across_pages)
{
	long page = sysconf(_SC_PAGESIZE);
	char *two =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ssize_t all;

	NEED(two != MAP_FAILED);
	NEED(mmap(two + page, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
		  -1, 0) == two + page);
	begin_watching();
	SHOW(inotify_add_watch(watcher, "w", IN_ALL_EVENTS));
	for (long room = 1; room < 100; room++) {
		touch("w/f");
		all = read(watcher, two + page - room, page / 2);
		CHECK(all == (ssize_t)(room == 1 ? 4 : 3) * 32);
		CHECK(read(watcher, two, page) == -1 && errno == EAGAIN);
	}
	munmap(two, 2 * page);
	end_watching();
}

CASE(watched_by_another_process)
{
	int status;

	begin_watching();
	SHOW(inotify_add_watch(watcher, "w", IN_CREATE | IN_DELETE));
	fflush(stdout);
	if (fork() == 0) {
		touch("w/of-the-child");
		_exit(unlink("w/of-the-child"));
	}
	NEED(wait(&status) > 0);
	show_events();
	end_watching();
}

/* The masks of all events that wait. */
static void show_masks(int notify)
{
	char events[512];
	ssize_t n = read(notify, events, sizeof(events));

	printf("  events:");
	for (ssize_t at = 0; at < n;) {
		struct inotify_event event;

		memcpy(&event, events + at, sizeof(event));
		printf(" %#x", event.mask);
		at += (ssize_t)(sizeof(event) + event.len);
	}
	puts("");
}

CASE(what_moves_no_bytes_is_no_event)
{
	int notify = inotify_init1(IN_NONBLOCK);
	int fd = open("quiet", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char byte;

	NEED(notify >= 0 && fd >= 0 && write(fd, "abc", 3) == 3);
	NEED(inotify_add_watch(notify, "quiet", IN_ACCESS | IN_MODIFY) == 1);
	SHOW(read(fd, &byte, 1));
	show_masks(notify);
	SHOW(read(fd, &byte, 0));
	show_masks(notify);
	SHOW(pread(fd, &byte, 1, 100));
	show_masks(notify);
	SHOW(pread(fd, &byte, 0, 0));
	show_masks(notify);
	SHOW(write(fd, &byte, 0));
	show_masks(notify);
	SHOW(pwrite(fd, &byte, 0, 1));
	show_masks(notify);
	SHOW(pread(fd, &byte, 1, -5));
	SHOW(pread(fd, &byte, 1, 1));
	show_masks(notify);
	SHOW(pwrite(fd, "x", 1, 1));
	show_masks(notify);
	SHOW(write(fd, "xy", 2));
	show_masks(notify);
	SHOW(lseek(fd, 0, SEEK_CUR));
	close(fd);
	close(notify);
}
