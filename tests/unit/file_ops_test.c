// SPDX-License-Identifier: MIT
/*
 * Does an open file's kind get what the system calls ask of it, and what does a file answer whose
 * kind has no such operation? The kinds here are made up: one counts, the other lacks everything.
 * The files under test are compiled into this one, so that current() can be a thread of the test.
 * sources: kernel/fs/fdtable.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* With glibc's headers, <linux/stat.h> leaves S_IF* to a <sys/stat.h> that is not the kernel's. */
#pragma push_macro("__GLIBC__")
#undef __GLIBC__
#include <linux/stat.h>
#pragma pop_macro("__GLIBC__")

#include "kernel/arch/x86_64/arch.h"

static struct thread *test_thread(void);
#define current test_thread

#include "kernel/fs/file_ops.c"
#include "kernel/fs/ofile.c"
#include "kernel/fs/fd.c"
#include "kernel/fs/dir.c"
#include "kernel/fs/poll.c"
#include "kernel/fs/rw.c"
#include "kernel/fs/waitq.c"

#define HANDLE	    40 /* of the counting kind's files */
#define POLL_HANDLE 41 /* what the host is to poll for them */

/* -- The made-up kinds ------------------------------------------------------------------------- */

static struct {
	u32 read, write, seek, getdents, stat, poll_handle, ioctl, get_flags, set_flags;
	u32 truncate, allocate, sync, mmap, closed, release;
} calls;
static struct io_request seen; /* the last one, as the kind got it */

struct counting {
	struct ofile file;
	u64 pos;
	char *owned;
};

static s64 count_read(struct ofile *f, struct io_request *rq)
{
	calls.read++;
	seen = *rq;
	((struct counting *)f)->pos += rq->left;
	return (s64)rq->left;
}

static s64 count_write(struct ofile *f, struct io_request *rq)
{
	(void)f;
	calls.write++;
	seen = *rq;
	return (s64)rq->left - 1;
}

static s64 count_seek(struct ofile *f, s64 offset, u32 whence)
{
	calls.seek++;
	return (s64)((struct counting *)f)->pos + offset + whence;
}

static s64 count_getdents(struct ofile *f, char *buf, u64 size)
{
	(void)f;
	calls.getdents++;
	memset(buf, 'd', MIN(size, 24UL));
	return (s64)MIN(size, 24UL);
}

static s64 count_stat(struct ofile *f, struct stat *st)
{
	(void)f;
	calls.stat++;
	*st = (struct stat){.st_mode = S_IFIFO | 0600};
	return 0;
}

static s64 count_poll_handle(struct ofile *f)
{
	(void)f;
	calls.poll_handle++;
	return POLL_HANDLE;
}

static s64 count_ioctl(struct ofile *f, u32 nr, u64 arg)
{
	(void)f;
	calls.ioctl++;
	return (s64)(nr + arg);
}

static s64 count_get_flags(struct ofile *f)
{
	(void)f;
	calls.get_flags++;
	return O_RDWR | O_APPEND;
}

static s64 count_set_flags(struct ofile *f, s32 fd, u64 flags)
{
	(void)f;
	calls.set_flags++;
	assert_int_equal(flags, O_NONBLOCK);
	return fd;
}

static s64 count_truncate(struct ofile *f, s64 length)
{
	(void)f;
	calls.truncate++;
	return length;
}

static s64 count_allocate(struct ofile *f, u32 mode, s64 offset, s64 len)
{
	(void)f;
	calls.allocate++;
	return mode + offset + len;
}

static s64 count_sync(struct ofile *f, bool data_only)
{
	(void)f;
	calls.sync++;
	return data_only ? 2 : 1;
}

static int count_mmap(struct ofile *f, u64 offset, u64 len, u32 prot, bool shared,
		      struct vm_opened *out)
{
	(void)f, (void)out;
	calls.mmap++;
	return (int)(offset + len + prot + shared);
}

static void count_closed(struct ofile *f)
{
	assert_true(f->refs > 0);
	calls.closed++;
}

static void count_release(struct ofile *f)
{
	assert_int_equal(f->refs, 0);
	calls.release++;
	kfree(((struct counting *)f)->owned);
}

static const struct file_ops counting_ops = {
	.size = sizeof(struct counting),
	.read = count_read,
	.write = count_write,
	.seek = count_seek,
	.getdents = count_getdents,
	.stat = count_stat,
	.poll_handle = count_poll_handle,
	.ioctl = count_ioctl,
	.get_flags = count_get_flags,
	.set_flags = count_set_flags,
	.truncate = count_truncate,
	.allocate = count_allocate,
	.sync = count_sync,
	.mmap = count_mmap,
	.closed = count_closed,
	.release = count_release,
};

static const struct file_ops lacking_ops = {.size = sizeof(struct ofile)};

/* -- What the files under test need of the kernel ---------------------------------------------- */

static struct boot_info info;
const struct boot_info *boot = &info;
struct mutex task_lock;
static struct process process = {.rlimit[RLIMIT_NOFILE] = {64, 64}};
static struct thread thread = {.proc = &process};
static u32 allocated;
static u32 hostcalls; /* but for close */
static u32 handles_closed;
static u32 locks_dropped; /* descriptors whose record locks were searched */

static struct thread *test_thread(void)
{
	return &thread;
}

void mutex_lock(struct mutex *m)
{
	assert_int_equal(m->word++, 0);
}

void mutex_unlock(struct mutex *m)
{
	assert_int_equal(--m->word, 0);
}

u64 virt_to_phys(const void *p)
{
	return (u64)p;
}

void *kmalloc(u64 size)
{
	allocated++;
	return __builtin_malloc(size);
}

void *kzalloc(u64 size)
{
	allocated++;
	return __builtin_calloc(1, size);
}

void *krealloc(void *p, u64 size)
{
	allocated += !p;
	return __builtin_realloc(p, size);
}

void kfree(void *p)
{
	allocated -= !!p;
	__builtin_free(p);
}

/* The program's memory is the test's own. */
int copy_from_user(void *dst, u64 src, u64 len)
{
	memcpy(dst, (void *)src, len);
	return 0;
}

int copy_from_buffer(void *dst, u64 src, u64 len, u64 before)
{
	(void)before;
	return copy_from_user(dst, src, len);
}

int copy_to_user(u64 dst, const void *src, u64 len)
{
	memcpy((void *)dst, src, len);
	return 0;
}

void host_info(s32 handle, struct file_info *i)
{
	i->ino = (u64)handle;
}

bool user_writable(u64 dst, u64 len)
{
	return dst + len > dst;
}

/* The host: it has the counting kind's two handles, and one of them has input. */
/* Nothing sleeps in this test. */
void unpark(const u32 *word, u32 count)
{
	(void)word, (void)count;
}

s64 park(const u32 *word, u32 value, u64 timeout_ns)
{
	(void)word, (void)value, (void)timeout_ns;
	return -EAGAIN;
}

s64 hostcall_make(enum hostcall_nr nr, const struct hostcall_param *params, unsigned count)
{
	(void)count;
	if (nr == HC_close) {
		assert_int_equal(params[0].value, HANDLE);
		handles_closed++;
		return 0;
	}
	hostcalls++;
	if (nr == HC_poll) {
		struct pollfd *p = (void *)params[0].value;
		s64 ready = 0;

		for (u64 i = 0; i < params[0].len / sizeof(*p); i++) {
			assert_true(p[i].fd == POLL_HANDLE || p[i].fd == -1);
			p[i].revents = p[i].fd == POLL_HANDLE ? p[i].events & POLLIN : 0;
			ready += p[i].revents != 0;
		}
		return ready;
	}
	assert_int_equal((s32)params[0].value, -1);
	return -EBADF;
}

bool release_later(bool window, u32 number)
{
	(void)window, (void)number;
	return false;
}

bool path_prefetch_close(s32 handle)
{
	(void)handle;
	return false;
}

void record_locks_close(struct files *files, struct ofile *f)
{
	assert_ptr_equal(files, process.files);
	assert_true(f->refs > 0);
	locks_dropped++;
}

void record_locks_forget(struct ofile *f)
{
	assert_int_equal(f->refs, 0);
}

void epoll_forget(struct ofile *f)
{
	assert_true(LIST_EMPTY(&f->watched));
}

s64 async_lease(struct ofile *f, s32 fd, bool on)
{
	(void)f, (void)fd, (void)on;
	return -EINVAL;
}

void async_forget(struct ofile *f)
{
	assert_null(f->async);
}

bool signal_pending(void)
{
	return false;
}

u64 clock_monotonic_ns(void)
{
	return 1;
}

/* No call of this test gets here. */
#define NOT_CALLED(type, name, ...)                                                                \
	type name(__VA_ARGS__)                                                                     \
	{                                                                                          \
		fail_msg("%s was called", #name);                                                  \
		__builtin_unreachable();                                                           \
	}
const struct file_ops host_file_ops;
NOT_CALLED(struct ofile *, host_file_new, __attribute__((unused)) s32 handle,
	   __attribute__((unused)) u32 flags)
NOT_CALLED(s64, async_fcntl, __attribute__((unused)) struct ofile *f,
	   __attribute__((unused)) u32 cmd, __attribute__((unused)) u64 arg)
NOT_CALLED(s64, record_lock, __attribute__((unused)) struct ofile *f,
	   __attribute__((unused)) s32 fd, __attribute__((unused)) u32 cmd,
	   __attribute__((unused)) struct flock *lock)
NOT_CALLED(void, window_put, __attribute__((unused)) struct window *w)
NOT_CALLED(void, signal_upcall, void)
NOT_CALLED(int, signal_send, __attribute__((unused)) struct process *p,
	   __attribute__((unused)) struct thread *t, __attribute__((unused)) const siginfo_t *i)
NOT_CALLED(int, signal_block_meanwhile, __attribute__((unused)) u64 mask,
	   __attribute__((unused)) u64 size)
NOT_CALLED(void, signal_set_blocked, __attribute__((unused)) sigset blocked)
NOT_CALLED(s64, fs_restart_socket, __attribute__((unused)) s32 handle,
	   __attribute__((unused)) bool sends, __attribute__((unused)) s64 result)
NOT_CALLED(struct user_segs *, user_segs_new, void)
NOT_CALLED(int, user_segs_add, __attribute__((unused)) struct user_segs *s,
	   __attribute__((unused)) u64 at, __attribute__((unused)) u64 len,
	   __attribute__((unused)) bool write)
NOT_CALLED(void, user_segs_put, __attribute__((unused)) struct user_segs *s)
NOT_CALLED(void, user_segs_continue, __attribute__((unused)) u64 total)
NOT_CALLED(int, kernel_segs, __attribute__((unused)) struct hostcall_seg *array,
	   __attribute__((unused)) u32 max, __attribute__((unused)) const void *p,
	   __attribute__((unused)) u64 len, __attribute__((unused)) struct segs *out)
NOT_CALLED(int, bounce_get, __attribute__((unused)) struct bounce *b,
	   __attribute__((unused)) const struct iovec *iov, __attribute__((unused)) u32 count,
	   __attribute__((unused)) u64 len, __attribute__((unused)) bool fill)
NOT_CALLED(s64, bounce_scatter, __attribute__((unused)) struct bounce *b,
	   __attribute__((unused)) s64 bytes)
NOT_CALLED(void, bounce_put, __attribute__((unused)) struct bounce *b)

void panic(const char *fmt, ...)
{
	fail_msg("%s", fmt);
	__builtin_unreachable();
}

/* -- Tests ------------------------------------------------------------------------------------- */

/* Makes descriptor 0 a new file of this kind. */
static int begin(const struct file_ops *ops, s32 handle)
{
	struct ofile *f;

	memset(&calls, 0, sizeof(calls));
	hostcalls = handles_closed = locks_dropped = 0;
	process.files = files_new();
	f = ofile_new(ops, handle, O_RDWR | O_CLOEXEC);
	assert_non_null(f);
	assert_int_equal(f->flags, O_RDWR);
	assert_int_equal(fd_install(f, 0, false), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	files_put(process.files);
	assert_int_equal(allocated, 0);
	return 0;
}

static int begin_counting(void **state)
{
	(void)state;
	return begin(&counting_ops, HANDLE);
}

static int begin_lacking(void **state)
{
	(void)state;
	return begin(&lacking_ops, -1);
}

static void reads_and_writes_are_the_kinds(void **state)
{
	char buf[32];
	const struct iovec iov[2] = {{buf, 10}, {buf + 16, 5}};

	(void)state;
	assert_int_equal(do_read(0, (u64)buf, 7), 7);
	assert_int_equal(seen.dir, IO_READ);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.offset, IO_AT_POS);
	assert_int_equal(do_pread64(0, (u64)buf, 3, 1000), 3);
	assert_int_equal(seen.offset, 1000);
	assert_int_equal(do_readv(0, (u64)iov, 2), 15);
	assert_int_equal(seen.count, 2);
	assert_int_equal(do_preadv2(0, (u64)iov, 1, 5, 0, 8), 10);
	assert_int_equal(seen.flags, 8);
	assert_int_equal(calls.read, 4);
	assert_int_equal(do_write(0, (u64)buf, 9), 8);
	assert_int_equal(seen.dir, IO_WRITE);
	assert_int_equal(do_writev(0, (u64)iov, 2), 14);
	assert_int_equal(calls.write, 2);
	assert_int_equal(do_read(1, (u64)buf, 7), -EBADF);
	assert_int_equal(do_pread64(0, (u64)buf, 7, -1), -EINVAL);
	assert_int_equal(calls.read, 4);
	/* 35 bytes were read; whence 1. */
	assert_int_equal(do_lseek(0, 100, SEEK_CUR), 136);
	assert_int_equal(calls.seek, 1);
	assert_int_equal(hostcalls, 0);
}

static void other_operations_are_the_kinds(void **state)
{
	struct ofile *f = fd_get(0);
	char buf[32] = "";

	(void)state;
	assert_int_equal(do_getdents64(0, (u64)buf, sizeof(buf)), 24);
	assert_int_equal(buf[23], 'd');
	assert_int_equal(buf[24], 0);
	assert_int_equal(do_fcntl(0, F_GETFL, 0), O_RDWR | O_APPEND);
	assert_int_equal(do_dup(0), 1);
	assert_int_equal(do_fcntl(1, F_SETFL, O_NONBLOCK), 1);
	assert_int_equal(ofile_ioctl(f, 3, 4), 7);
	assert_int_equal(ofile_truncate(f, 11), 11);
	assert_int_equal(ofile_allocate(f, 1, 2, 3), 6);
	assert_int_equal(ofile_sync(f, true), 2);
	assert_int_equal(ofile_mmap(f, 1, 2, 3, true, NULL), 7);
	/* The type is asked for only once. */
	assert_int_equal(ofile_type(f), S_IFIFO);
	assert_int_equal(ofile_type(f), S_IFIFO);
	assert_int_equal(calls.getdents, 1);
	assert_int_equal(calls.get_flags, 1);
	assert_int_equal(calls.set_flags, 1);
	assert_int_equal(calls.ioctl, 1);
	assert_int_equal(calls.truncate, 1);
	assert_int_equal(calls.allocate, 1);
	assert_int_equal(calls.sync, 1);
	assert_int_equal(calls.mmap, 1);
	assert_int_equal(calls.stat, 1);
	assert_int_equal(hostcalls, 0);
	ofile_put(f);
}

static void each_close_is_told_and_the_release_once(void **state)
{
	struct ofile *f = fd_get(0);

	(void)state;
	((struct counting *)f)->owned = kmalloc(1);
	assert_int_equal(do_dup(0), 1);
	assert_int_equal(do_dup2(0, 5), 5);
	assert_int_equal(do_dup2(0, 5), 5); /* what 5 named is closed */
	assert_int_equal(calls.closed, 1);
	assert_int_equal(do_dup2(5, 5), 5);
	assert_int_equal(calls.closed, 1);
	assert_int_equal(do_close(0), 0);
	assert_int_equal(do_close(0), -EBADF);
	assert_int_equal(do_close_range(1, 4, 0), 0);
	assert_int_equal(calls.closed, 3);
	assert_int_equal(do_close(5), 0);
	assert_int_equal(calls.closed, 4);
	assert_int_equal(locks_dropped, 4);
	assert_int_equal(calls.release, 0);
	assert_int_equal(handles_closed, 0);
	ofile_put(f);
	assert_int_equal(calls.release, 1);
	assert_int_equal(handles_closed, 1);
	assert_int_equal(calls.closed, 4);
}

static void the_host_polls_the_handle_that_the_kind_names(void **state)
{
	static struct pollfd fds[] = {
		{.fd = 0, .events = POLLIN | POLLOUT, .revents = -1},
		{.fd = 9, .events = POLLIN},
		{.fd = -1, .events = POLLIN, .revents = -1},
	};

	(void)state;
	assert_int_equal(do_poll((u64)fds, 1, -1), 1);
	assert_int_equal(fds[0].revents, POLLIN);
	assert_int_equal(calls.poll_handle, 1);
	assert_int_equal(hostcalls, 1);
	assert_int_equal(do_poll((u64)fds, 3, -1), 2);
	assert_int_equal(fds[0].revents, POLLIN);
	assert_int_equal(fds[1].revents, POLLNVAL);
	assert_int_equal(fds[2].revents, 0);
	assert_int_equal(calls.poll_handle, 2);
}

/* The answers of operations that a kind lacks. */
static char buf[64];
static struct stat st;

static s64 lack_read(struct ofile *f)
{
	(void)f;
	return do_read(0, (u64)buf, 1);
}

static s64 lack_read_nothing(struct ofile *f)
{
	(void)f;
	return do_read(0, (u64)buf, 0);
}

static s64 lack_pread(struct ofile *f)
{
	(void)f;
	return do_pread64(0, (u64)buf, 1, 7);
}

static s64 lack_write(struct ofile *f)
{
	(void)f;
	return do_write(0, (u64)buf, 1);
}

static s64 lack_pwrite(struct ofile *f)
{
	(void)f;
	return do_pwrite64(0, (u64)buf, 1, 7);
}

static s64 lack_seek(struct ofile *f)
{
	(void)f;
	return do_lseek(0, 0, SEEK_SET);
}

static s64 lack_getdents(struct ofile *f)
{
	(void)f;
	return do_getdents64(0, (u64)buf, sizeof(buf));
}

static s64 lack_stat(struct ofile *f)
{
	return ofile_stat(f, &st);
}

static s64 lack_poll_handle(struct ofile *f)
{
	return ofile_poll_handle(f);
}

static s64 lack_poll(struct ofile *f)
{
	static struct pollfd fd = {.fd = 0, .events = POLLIN};

	(void)f;
	return do_poll((u64)&fd, 1, 0) == 1 ? fd.revents : -1;
}

static s64 lack_ioctl(struct ofile *f)
{
	return ofile_ioctl(f, 0x5401, 0);
}

static s64 lack_get_flags(struct ofile *f)
{
	(void)f;
	return do_fcntl(0, F_GETFL, 0);
}

static s64 lack_set_flags(struct ofile *f)
{
	(void)f;
	return do_fcntl(0, F_SETFL, O_NONBLOCK | O_APPEND);
}

static s64 lack_clear_flags(struct ofile *f)
{
	(void)f;
	return do_fcntl(0, F_SETFL, O_WRONLY);
}

static s64 lack_truncate(struct ofile *f)
{
	return ofile_truncate(f, 0);
}

static s64 lack_allocate(struct ofile *f)
{
	return ofile_allocate(f, 0, 0, 1);
}

static s64 lack_sync(struct ofile *f)
{
	return ofile_sync(f, false);
}

static s64 lack_mmap(struct ofile *f)
{
	return ofile_mmap(f, 0, 1, 0, false, NULL);
}

static s64 lack_reopen(struct ofile *f)
{
	int err;

	assert_null(ofile_reopen(f, O_RDONLY, &err));
	return err;
}

static s64 lack_name(struct ofile *f)
{
	return ofile_name(f, buf, sizeof(buf));
}

static s64 lack_info(struct ofile *f)
{
	static struct file_info i;

	ofile_info(f, &i);
	assert_int_equal(i.more[0], 0);
	return i.flags;
}

static s64 lack_node(struct ofile *f)
{
	return ofile_node(f) != NULL;
}

static s64 lack_process(struct ofile *f)
{
	struct process *p;

	return ofile_process(f, &p);
}

static s64 lack_flock(struct ofile *f)
{
	s64 r = do_flock(0, 1);

	assert_int_equal(f->refs, 2); /* the table's and the test's */
	return r;
}

/* The host's answer to a negative handle, for each operation that the host answers. */
struct ofile *host_file_of_result(s64 handle, u32 flags, int *err)
{
	(void)flags;
	*err = (int)handle;
	return NULL;
}

static const struct {
	const char *operation;
	s64 (*call)(struct ofile *f);
	s64 answer;
} lacking[] = {
	{"read", lack_read, -EINVAL},
	{"read of nothing", lack_read_nothing, -EINVAL},
	{"pread", lack_pread, -EINVAL},
	{"write", lack_write, -EINVAL},
	{"pwrite", lack_pwrite, -EINVAL},
	{"seek", lack_seek, -ESPIPE},
	{"getdents", lack_getdents, -ENOTDIR},
	{"stat", lack_stat, -EINVAL},
	{"poll_handle", lack_poll_handle, -EPERM},
	{"poll", lack_poll, POLLIN},
	{"ioctl", lack_ioctl, -ENOTTY},
	{"get_flags", lack_get_flags, O_RDWR},
	{"set_flags", lack_set_flags, 0},
	{"get_flags after that", lack_get_flags, O_RDWR | O_NONBLOCK},
	{"set_flags to none", lack_clear_flags, 0},
	{"get_flags once more", lack_get_flags, O_RDWR},
	{"truncate", lack_truncate, -EINVAL},
	{"allocate", lack_allocate, -ENODEV},
	{"sync", lack_sync, -EINVAL},
	{"mmap", lack_mmap, -ENODEV},
	{"reopen", lack_reopen, -EINVAL},
	{"name", lack_name, -EBADF},
	{"info", lack_info, O_RDWR},
	{"node", lack_node, false},
	{"process", lack_process, false},
	{"what is the host's alone", lack_flock, -EINVAL},
};

static void what_a_kind_lacks_has_one_answer(void **state)
{
	struct ofile *f = fd_get(0);

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(lacking); i++) {
		s64 answer = lacking[i].call(f);

		if (answer != lacking[i].answer)
			fail_msg("%s: %ld, not %ld", lacking[i].operation, answer,
				 lacking[i].answer);
	}
	ofile_put(f);
	assert_int_equal(do_close(0), 0);
	assert_int_equal(handles_closed, 0); /* there is none */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_and_writes_are_the_kinds, begin_counting,
						end),
		cmocka_unit_test_setup_teardown(other_operations_are_the_kinds, begin_counting,
						end),
		cmocka_unit_test_setup_teardown(each_close_is_told_and_the_release_once,
						begin_counting, end),
		cmocka_unit_test_setup_teardown(the_host_polls_the_handle_that_the_kind_names,
						begin_counting, end),
		cmocka_unit_test_setup_teardown(what_a_kind_lacks_has_one_answer, begin_lacking,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
