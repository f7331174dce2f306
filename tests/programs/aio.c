// SPDX-License-Identifier: MIT
/*
 * Linux's asynchronous I/O, io_setup(2) to io_getevents(2). The cases compare what requests return
 * at once and as events, in which order, which thread is told, and what is left of a context that
 * was moved, unmapped or inherited by fork.
 */
#include "check.h"
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long setup(unsigned n, aio_context_t *c)
{
	return syscall(SYS_io_setup, n, c);
}

static long destroy(aio_context_t c)
{
	return syscall(SYS_io_destroy, c);
}

static long submit(aio_context_t c, long n, struct iocb **cb)
{
	return syscall(SYS_io_submit, c, n, cb);
}

static long one(aio_context_t c, struct iocb *cb)
{
	return submit(c, 1, &cb);
}

static long events(aio_context_t c, long min, long max, struct io_event *e, struct timespec *t)
{
	return syscall(SYS_io_getevents, c, min, max, e, t);
}

static struct iocb request(int fd, int op, void *buf, size_t n, long long at)
{
	return (struct iocb){.aio_fildes = (uint32_t)fd,
			     .aio_lio_opcode = (uint16_t)op,
			     .aio_buf = (uintptr_t)buf,
			     .aio_nbytes = n,
			     .aio_offset = at,
			     .aio_data = 42};
}

static long one_event(aio_context_t c, const struct iocb *cb)
{
	struct io_event e = {0};

	NEED(events(c, 1, 1, &e, NULL) == 1);
	CHECK(e.obj == (uintptr_t)cb && e.data == 42 && e.res2 == 0);
	return (long)e.res;
}

CASE(contexts)
{
	aio_context_t c = 0, d = 0;

	SHOW(setup(0, &c));
	SHOW(setup(10, NULL));
	SHOW(setup(0x20000000, &c));
	SHOW(setup(10, &c));
	CHECK(c != 0);
	SHOW(setup(10, &c));
	SHOW(setup(1, &d));
	CHECK(c != d);
	SHOW(destroy(d));
	SHOW(destroy(d));
	SHOW(destroy(0));
	SHOW(submit(d, 0, NULL));
	SHOW(submit(c, 0, NULL));
	SHOW(submit(c, -1, NULL));
	SHOW(submit(c, 1, NULL));
	SHOW(events(d, 0, 1, NULL, NULL));
	SHOW(destroy(c));
}

CASE(reads_and_writes)
{
	char a[16] = "abcdefgh", b[16] = "", d[16] = "";
	struct iovec v[2] = {{b, 3}, {d, 16}};
	struct iocb w, r;
	aio_context_t c = 0;
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600), p[2];

	NEED(fd >= 0 && setup(8, &c) == 0 && pipe(p) == 0);
	w = request(fd, IOCB_CMD_PWRITE, a, 8, 4);
	SHOW(one(c, &w));
	SHOW(one_event(c, &w));
	CHECK(lseek(fd, 0, SEEK_CUR) == 0 && lseek(fd, 0, SEEK_END) == 12);
	r = request(fd, IOCB_CMD_PREAD, b, 16, 6);
	SHOW(one(c, &r));
	SHOW(one_event(c, &r));
	CHECK(!memcmp(b, "cdefgh", 6));
	r = request(fd, IOCB_CMD_PREADV, v, 2, 4);
	SHOW(one(c, &r));
	SHOW(one_event(c, &r));
	CHECK(!memcmp(b, "abc", 3) && !memcmp(d, "defgh", 5));
	w = request(fd, IOCB_CMD_PWRITEV, v, 2, 0);
	SHOW(one(c, &w));
	SHOW(one_event(c, &w));
	w = request(p[1], IOCB_CMD_PWRITE, a, 8, 999);
	SHOW(one(c, &w));
	SHOW(one_event(c, &w));
	r = request(p[0], IOCB_CMD_PREAD, b, 16, 999);
	SHOW(one(c, &r));
	SHOW(one_event(c, &r));
	r = request(fd, IOCB_CMD_FSYNC, NULL, 0, 0);
	SHOW(one(c, &r));
	SHOW(one_event(c, &r));
	r.aio_lio_opcode = IOCB_CMD_FDSYNC;
	SHOW(one(c, &r));
	SHOW(one_event(c, &r));
	r.aio_offset = 1;
	SHOW(one(c, &r));
	/* A bad buffer fails its own request. A bad array of requests fails the call. */
	r = request(fd, IOCB_CMD_PREAD, (void *)8, 4, 0);
	SHOW(one(c, &r));
	SHOW(one_event(c, &r));
	r = request(fd, IOCB_CMD_PREADV, (void *)8, 4, 0);
	SHOW(one(c, &r));
	SHOW(destroy(c));
}

CASE(wrong_requests)
{
	char b[8];
	struct iocb cb, *list[3];
	aio_context_t c = 0;
	int fd = open("file", O_RDONLY | O_CREAT, 0600), dir = open(".", O_RDONLY);

	NEED(fd >= 0 && dir >= 0 && setup(2, &c) == 0);
	cb = request(-1, IOCB_CMD_PREAD, b, 8, 0);
	SHOW(one(c, &cb));
	cb = request(fd, IOCB_CMD_PWRITE, b, 8, 0);
	SHOW(one(c, &cb));
	cb = request(dir, IOCB_CMD_PREAD, b, 8, 0);
	SHOW(one(c, &cb));
	cb = request(fd, IOCB_CMD_PREAD, b, 8, -1);
	SHOW(one(c, &cb));
	cb = request(fd, 99, b, 8, 0);
	SHOW(one(c, &cb));
	cb = request(fd, IOCB_CMD_PREAD, b, (size_t)-1, 0);
	SHOW(one(c, &cb));
	cb = request(fd, IOCB_CMD_PREAD, b, 8, 0);
	cb.aio_reserved2 = 1;
	SHOW(one(c, &cb));
	cb = request(fd, IOCB_CMD_PREAD, b, 8, 0);
	cb.aio_flags = IOCB_FLAG_RESFD;
	cb.aio_resfd = (uint32_t)-1;
	SHOW(one(c, &cb));
	cb.aio_resfd = (uint32_t)fd;
	SHOW(one(c, &cb));
	SHOW(one(c, NULL));
	/* The call ends at the first wrong request. */
	cb.aio_flags = 0;
	struct iocb bad = request(-1, IOCB_CMD_PREAD, b, 8, 0);
	list[0] = &cb;
	list[1] = &bad;
	list[2] = &cb;
	SHOW(submit(c, 3, list));
	SHOW(one_event(c, &cb));
	SHOW(destroy(c));
}

CASE(waiting_for_events)
{
	struct timespec brief = {0, 20000000}, none = {0, 0};
	struct io_event e[4];
	struct iocb cb[3];
	char b[4] = "abc";
	aio_context_t c = 0;
	int fd = open("file", O_RDWR | O_CREAT, 0600);

	NEED(fd >= 0 && setup(4, &c) == 0);
	SHOW(events(c, 0, 4, e, &none));
	SHOW(events(c, 1, 4, e, &brief));
	SHOW(events(c, 2, 1, e, NULL));
	SHOW(events(c, -1, 1, e, NULL));
	SHOW(events(c, 0, 0, e, NULL));
	for (int i = 0; i < 3; i++) {
		cb[i] = request(fd, IOCB_CMD_PWRITE, b, 1 + (unsigned)i, 0);
		NEED(one(c, &cb[i]) == 1);
	}
	SHOW(events(c, 1, 2, e, NULL));
	SHOW((long)e[0].res);
	SHOW((long)e[1].res);
	SHOW(events(c, 1, 1, (void *)8, NULL));
	SHOW(events(c, 2, 2, e, &brief));
	SHOW((long)e[0].res);
	SHOW(destroy(c));
}

static aio_context_t shared;
static struct io_event fetched[2];

static void *fetches(void *unused)
{
	events(shared, 2, 2, fetched, NULL);
	return unused;
}

/* Requests that wait for files, and threads that wait for the requests. */
CASE(polling)
{
	struct timespec brief = {0, 20000000};
	struct io_event e;
	struct iocb in, out;
	pthread_t thread;
	int p[2], tell = eventfd(0, EFD_NONBLOCK);
	uint64_t count = 0;

	shared = 0;
	NEED(setup(4, &shared) == 0 && pipe(p) == 0 && tell >= 0);
	in = request(p[0], IOCB_CMD_POLL, (void *)POLLIN, 0, 0);
	out = request(p[1], IOCB_CMD_POLL, (void *)POLLOUT, 0, 0);
	out.aio_flags = IOCB_FLAG_RESFD;
	out.aio_resfd = (uint32_t)tell;
	SHOW(one(shared, &in));
	SHOW(events(shared, 1, 1, &e, &brief));
	NEED(pthread_create(&thread, NULL, fetches, NULL) == 0);
	settle(20000);
	SHOW(one(shared, &out));
	settle(20000);
	NEED(write(p[1], "x", 1) == 1);
	pthread_join(thread, NULL);
	SHOW(fetched[0].obj == (uintptr_t)&out && fetched[1].obj == (uintptr_t)&in);
	SHOW((long)fetched[0].res & POLLOUT);
	SHOW((long)fetched[1].res & POLLIN);
	NEED(read(tell, &count, sizeof(count)) == sizeof(count));
	SHOW((long)count);
	in.aio_offset = 1;
	SHOW(one(shared, &in));
	in = request(p[0], IOCB_CMD_POLL, (void *)POLLPRI, 0, 0);
	SHOW(one(shared, &in));
	SHOW(syscall(SYS_io_cancel, shared, &out, &e));
	SHOW(syscall(SYS_io_cancel, shared, &in, &e));
	SHOW(syscall(SYS_io_cancel, shared, &in, &e));
	SHOW(events(shared, 1, 1, &e, NULL));
	CHECK(e.obj == (uintptr_t)&in);
	SHOW(destroy(shared));
}

static void nothing(int sig)
{
	(void)sig;
}

CASE(signals)
{
	struct sigaction sa = {.sa_handler = nothing};
	struct io_event e;
	aio_context_t c = 0;
	sigset_t none, block;
	struct {
		const sigset_t *mask;
		size_t size;
	} arg = {&none, 8};

	NEED(setup(4, &c) == 0);
	sigaction(SIGALRM, &sa, NULL);
	ualarm(20000, 0);
	SHOW(events(c, 1, 1, &e, NULL));
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	sigprocmask(SIG_BLOCK, &block, NULL);
	kill(getpid(), SIGALRM);
	SHOW(syscall(SYS_io_pgetevents, c, 1L, 1L, &e, NULL, &arg));
	arg.size = 4;
	SHOW(syscall(SYS_io_pgetevents, c, 1L, 1L, &e, NULL, &arg));
	SHOW(syscall(SYS_io_pgetevents, c, 1L, 1L, &e, NULL, (void *)8));
	sigprocmask(SIG_UNBLOCK, &block, NULL);
	SHOW(destroy(c));
}

CASE(a_context_is_a_mapping)
{
	char b[4] = "abc";
	aio_context_t c = 0, moved;
	struct iocb cb;
	int fd = open("file", O_RDWR | O_CREAT, 0600), status;
	void *place = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *at;

	NEED(fd >= 0 && setup(1, &c) == 0 && place != MAP_FAILED);
	cb = request(fd, IOCB_CMD_PWRITE, b, 3, 0);
	fflush(stdout);
	if (fork() == 0) {
		SHOW(one(c, &cb));
		SHOW(destroy(c));
		_exit(0);
	}
	wait(&status);
	SHOW(status);
	SHOW_OK((long)mremap((void *)c, 4096, 1 << 20, MREMAP_MAYMOVE));
	at = mremap((void *)c, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, place);
	if (at == place) {
		moved = (uintptr_t)place;
		SHOW(one(moved, &cb));
		SHOW(one_event(moved, &cb));
		SHOW(destroy(c));
		SHOW(destroy(moved));
	}
	c = 0;
	NEED(setup(1, &c) == 0);
	NEED(munmap((void *)c, 4096) == 0);
	SHOW(one(c, &cb));
}
