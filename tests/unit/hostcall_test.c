// SPDX-License-Identifier: MIT
/*
 * Do hostcalls do what their table says, and do they refuse what a hostile kernel could send? The
 * kernel's stubs and its marshalling call the monitor's dispatch directly; where a kernel of ours
 * would not send something, the test writes the frame itself.
 *
 * sources: vm/word.c vm/embedded.c vm/gdb.c
 * sources: tests/fake/monitor.c kernel/hostcall.c vm/hostcall.c vm/hostcall_nonblocking.c
 * sources: vm/hostcall_file.c vm/hostcall_host.c vm/hostcall_lookup.c vm/hostcall_poll.c
 * sources: vm/hostcall_sandbox.c vm/hostcall_socket.c vm/check_library.c vm/hostcall_check.c
 * sources: vm/handle.c vm/own_proc.c vm/sockopt.c vm/memory_files.c
 * sources: vm/jail/limits.c vm/jail/net.c
 * sources: vm/observe/files.c vm/observe/stats.c vm/observe/trace_out.c vm/observe/write.c
 * sources: vm/hostcall_mount.c vm/host_thread.c vm/ioctl.c vm/tick.c vm/timer.c vm/window.c
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/inotify.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "kernel/arch/x86_64/arch.h"
#include "kernel/hostcall.h"
#include "kernel/trace.h"
#include "kernel/park.h"
#include "kernel/stats.h"
#include "tests/fake/monitor.h"
#include "vm/handle.h"
#include "vm/timer.h"

/* Stands in for what kernel/hostcall.c needs of the machine. */
static __thread struct kernel_stats stats; /* A vCPU is a thread here. */

struct kernel_stats *stats_mine(void)
{
	return &stats;
}

int host_ids_settle(void)
{
	return 0;
}

/*
 * Time passes slowly, so that exitless calls are waited for at least a second, however busy the
 * host is.
 */
u64 arch_rdtsc(void)
{
	return __builtin_ia32_rdtsc() >> 8;
}

static const struct boot_info slow = {.tsc_khz = 4000000000u};
const struct boot_info *boot = &slow;

void trace_flush(void) {}

struct hostcall_frame *arch_hostcall_frame(void);
struct vcpu_data *arch_vcpu_data(void);
struct vcpu_data *arch_exitless_data(void);
void arch_doorbell(void);

static struct sandbox *s;
static struct vcpu *v;

struct hostcall_frame *arch_hostcall_frame(void)
{
	return v->frame;
}

void arch_doorbell(void)
{
	hostcall_dispatch(v);
}

__attribute__((noreturn)) void panic(const char *fmt, ...);
__attribute__((noreturn)) void panic(const char *fmt, ...)
{
	(void)fmt;
	abort();
}

/* All tests run twice: by the doorbell, and exitless for the calls that may be. */
static bool use_worker;

/* No Linux module here: the flag that it serves a vCPU is never set. */
void arch_module_doorbell(void)
{
	fail();
}

/* kernel/task/vcpu.c */
void host_sleep_prepare(void) {}

u64 host_sleep_begin(void)
{
	return 0;
}

void host_sleep_end(void) {}

struct vcpu_data *arch_vcpu_data(void)
{
	return v->data;
}

struct vcpu_data *arch_exitless_data(void)
{
	/* The worker polls, or will when it gets the CPU again. */
	while (use_worker && !__atomic_load_n(&v->data->worker_on, __ATOMIC_RELAXED))
		sched_yield();
	return use_worker ? v->data : NULL;
}

static void *serve(void *arg)
{
	struct vcpu_data *shared = v->data;

	(void)arg;
	while (__atomic_load_n(&use_worker, __ATOMIC_RELAXED)) {
		__atomic_store_n(&shared->worker_on, 1, __ATOMIC_RELAXED);
		if (__atomic_exchange_n(&shared->submitted, 0, __ATOMIC_SEQ_CST))
			hostcall_serve(v);
		else
			sched_yield();
	}
	return NULL;
}

/* Guest memory at an offset of the RAM, and the segment that describes it. */
static u8 *ram(u64 offset)
{
	return memory_at(s, (gpa_t){RAM_BASE + offset}, 0);
}

static struct segs one_seg(u64 offset, u64 len)
{
	static struct hostcall_seg seg;

	seg = (struct hostcall_seg){RAM_BASE + offset, len};
	return (struct segs){1, &seg};
}

/* A frame as the guest wrote it. */
static s64 raw(u32 nr, u64 a0, u64 a1, u64 a2, u64 a3)
{
	*v->frame = (struct hostcall_frame){.nr = nr, .arg = {a0, a1, a2, a3}};
	hostcall_dispatch(v);
	return v->frame->ret;
}

static u64 data_at(u32 offset, u32 len)
{
	return (u64)offset << 32 | len;
}

static s32 new_file(const char *name)
{
	s64 h = hc_memfd_create(name, 0);

	assert_true(h >= 0);
	return (s32)h;
}

static int set_up(void **state)
{
	(void)state;
	s = fake_sandbox();
	v = s->vcpu[0];
	return hostcall_init(s);
}

/* ---- frames --------------------------------------------------------------------------------- */

static void unknown_numbers_are_enosys(void **state)
{
	(void)state;
	assert_int_equal(raw(0, 0, 0, 0, 0), -ENOSYS);
	assert_int_equal(raw(38, 0, 0, 0, 0), -ENOSYS);
	assert_int_equal(raw(HC_MAX, 0, 0, 0, 0), -ENOSYS);
	assert_int_equal(raw(UINT32_MAX, 0, 0, 0, 0), -ENOSYS);
}

static void buffers_outside_the_area_are_refused(void **state)
{
	static const u64 bad[] = {
		(u64)HOSTCALL_AREA_SIZE << 32 | 1,
		(u64)(HOSTCALL_AREA_SIZE + 1) << 32,
		(u64)0 << 32 | 16,
		(u64)HOSTCALL_DATA_OFFSET << 32 | UINT32_MAX,
		(u64)UINT32_MAX << 32 | 16,
		(u64)(HOSTCALL_AREA_SIZE - 8) << 32 | 16,
	};
	s32 h = new_file("x");

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(raw(HC_fstat, (u64)h, bad[i], 0, 0), -EINVAL);
		assert_int_equal(raw(HC_readv, (u64)h, bad[i], 0, 0), -EINVAL);
		assert_int_equal(raw(HC_memfd_create, bad[i], 0, 0, 0), -EINVAL);
	}
	hc_close(h);
}

static void paths_need_their_nul(void **state)
{
	u8 *area = (u8 *)v->frame;

	(void)state;
	memset(area, 'x', HOSTCALL_AREA_SIZE);
	assert_int_equal(raw(HC_memfd_create, data_at(128, 8), 0, 0, 0), -EINVAL);
	assert_int_equal(raw(HC_memfd_create, data_at(128, 0), 0, 0, 0), -EINVAL);
	area[128 + HOSTCALL_PATH_MAX] = '\0';
	assert_int_equal(raw(HC_memfd_create, data_at(128, HOSTCALL_PATH_MAX + 1), 0, 0, 0),
			 -ENAMETOOLONG);
}

static void segments_outside_memory_are_refused(void **state)
{
	s32 h = new_file("x");
	struct hostcall_seg seg[] = {
		{RAM_BASE, 16},
		{RAM_BASE + FAKE_RAM, 1},
		{RAM_BASE + FAKE_RAM - 8, 16},
		{0, 1},
		{UINT64_MAX, 1},
		{RAM_BASE, UINT64_MAX},
		{RAM_BASE - 1, 16},
		{UINT64_MAX - 7, RAM_BASE},
	};

	(void)state;
	for (u32 i = 1; i < ARRAY_SIZE(seg); i++) {
		struct hostcall_seg two[] = {seg[0], seg[i]};
		struct segs segs = {2, two};

		assert_int_equal(hc_readv(h, &segs), -EFAULT);
		assert_int_equal(hc_writev(h, &segs), -EFAULT);
	}
	/* An array whose size is no multiple of a segment, and one that is too long. */
	assert_int_equal(raw(HC_readv, (u64)h, data_at(128, 24), 0, 0), -EINVAL);
	assert_int_equal(raw(HC_readv, (u64)h, data_at(128, (HOSTCALL_SEGS_MAX + 1) * 16), 0, 0),
			 -EINVAL);
	hc_close(h);
}

static void short_results_stay_in_their_buffer(void **state)
{
	s32 h = new_file("x");
	u8 *area = (u8 *)v->frame;

	(void)state;
	memset(area, 0x5a, HOSTCALL_AREA_SIZE);
	assert_int_equal(raw(HC_fstat, (u64)h, data_at(256, 8), 0, 0), 0);
	for (u32 i = 264; i < HOSTCALL_AREA_SIZE; i++)
		assert_int_equal(area[i], 0x5a);
	assert_int_equal(raw(HC_fstat, (u64)h, data_at(256, 0), 0, 0), -EFAULT);
	hc_close(h);
}

/* ---- handles -------------------------------------------------------------------------------- */

static void descriptors_of_the_monitor_are_no_handles(void **state)
{
	static const s32 special[] = {-2, -100, INT32_MIN, INT32_MAX, HANDLE_MAX, HANDLE_MAX - 1};
	int own = dup(2);
	struct stat st;

	(void)state;
	assert_true(own > 2);
	assert_int_equal(hc_fstat(own, &st, sizeof(st)), -EBADF);
	assert_int_equal(hc_close(own), -EBADF);
	assert_int_equal(hc_fcntl(own, F_GETFL, 0), -EBADF);
	for (u32 i = 0; i < ARRAY_SIZE(special); i++)
		assert_int_equal(hc_fstat(special[i], &st, sizeof(st)), -EBADF);
	assert_int_equal(hc_fstat(-1, &st, sizeof(st)), -EBADF);
	assert_int_equal(hc_close(-1), -EBADF);
	/* No number stands for the monitor's own directory. */
	assert_int_equal(hc_openat(AT_FDCWD, ".", O_RDONLY, 0), -EBADF);
	assert_int_equal(hc_openat(-1, ".", O_RDONLY, 0), -EBADF);
	assert_int_equal(fcntl(own, F_GETFD), 0);
	close(own);
}

static void a_handle_lives_until_its_last_user(void **state)
{
	s32 h = new_file("x");
	struct stat st;

	(void)state;
	assert_int_equal(handle_get((u64)h), h);
	assert_int_equal(hc_close(h), 0);
	assert_int_equal(hc_close(h), -EBADF);
	assert_int_equal(hc_fstat(h, &st, sizeof(st)), -EBADF);
	assert_int_equal(fcntl(h, F_GETFD), FD_CLOEXEC);
	handle_put(h);
	assert_int_equal(fcntl(h, F_GETFD), -1);
}

/* What one call closes: handles and windows, made-up numbers and doublets do no harm. */
static void several_are_closed_at_once(void **state)
{
	s32 h = new_file("x"), other = new_file("y"), stays = new_file("z");
	struct hostcall_window w;
	struct release r;
	int own;

	(void)state;
	assert_int_equal(hc_ftruncate(h, PAGE_SIZE), 0);
	assert_int_equal(hc_window_map(h, 0, PAGE_SIZE, 0, &w, sizeof(w)), 0);
	const struct hostcall_release what[] = {
		{0, (u32)h},	 {1, w.id},	  {0, (u32)h},
		{1, 0xffffffff}, {0, 0xffffffff}, {0, (u32)other},
	};
	assert_int_equal(hc_release(what, sizeof(what)), 6);
	assert_int_equal(fcntl(h, F_GETFD), -1);
	assert_int_equal(fcntl(other, F_GETFD), -1);
	assert_int_equal(hc_window_unmap(w.id), -EINVAL);
	assert_int_equal(fcntl(stays, F_GETFD), FD_CLOEXEC);
	/* The monitor's own descriptors are no handles. */
	own = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(hc_release(&(struct hostcall_release){0, (u32)own}, 8), 1);
	assert_int_equal(fcntl(own, F_GETFD), FD_CLOEXEC);
	close(own);

	/* The kernel's side: more than fit into one call, and nothing outside of a section. */
	assert_false(release_later(false, (u32)stays));
	release_begin(&r);
	for (int i = 0; i < HOSTCALL_RELEASE_MAX + 1; i++) {
		h = new_file("x");
		assert_true(release_later(false, (u32)h));
	}
	assert_int_equal(fcntl(h, F_GETFD), FD_CLOEXEC);
	release_end(&r);
	assert_int_equal(fcntl(h, F_GETFD), -1);
	assert_int_equal(hc_close(stays), 0);
}

static void a_program_is_inspected(void **state)
{
	struct hostcall_inspect i = {.name_len = 9};
	struct segs segs = one_seg(0, 64);
	s32 h = new_file("x");
	char name[256];
	int fd[2];

	(void)state;
	memcpy(ram(0), "#!/bin/sh\n", 10);
	assert_int_equal(
		hc_pwritev2(h, &(struct segs){1, &(struct hostcall_seg){RAM_BASE, 10}}, 0, 0), 10);
	memset(ram(0), 0, 10);
	assert_int_equal(fchmod(h, 0700), 0);
	assert_int_equal(hc_inspect(h, &i, sizeof(i), name, sizeof(name), &segs), 10);
	assert_memory_equal(ram(0), "#!/bin/sh\n", 10);
	assert_int_equal(((struct stat *)i.stat)->st_size, 10);
	assert_int_equal(i.access, 0);
	assert_int_equal(i.name_len, strlen("/memfd:x (deleted)"));
	assert_memory_equal(name, "/memfd:x (deleted)", i.name_len);
	assert_int_equal(fchmod(h, 0600), 0);
	assert_int_equal(hc_inspect(h, &i, sizeof(i), name, sizeof(name), &segs), 0);
	assert_int_equal(i.access, -EACCES);
	assert_int_equal(hc_inspect(h, &i, sizeof(i) - 1, name, sizeof(name), &segs), -EINVAL);
	assert_int_equal(hc_inspect(-1, &i, sizeof(i), name, sizeof(name), &segs), -EBADF);
	hc_close(h);
	/* An empty pipe would be waited for. */
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	h = (s32)handle_add(fd[0]);
	assert_int_equal(hc_inspect(h, &i, sizeof(i), name, sizeof(name), &segs), 0);
	assert_true(S_ISFIFO(((struct stat *)i.stat)->st_mode));
	hc_close(h);
	close(fd[1]);
}

static void files_read_back_what_was_written(void **state)
{
	s32 h = new_file("x");
	struct hostcall_seg seg[2] = {{RAM_BASE, 5}, {RAM_BASE + 4096, 6}};
	struct segs two = {2, seg};

	(void)state;
	memcpy(ram(0), "hello", 5);
	memcpy(ram(4096), " there", 6);
	assert_int_equal(hc_writev(h, &two), 11);
	assert_int_equal(hc_lseek(h, 0, SEEK_SET), 0);
	memset(ram(8192), 0, 16);
	struct segs into = one_seg(8192, 16);
	assert_int_equal(hc_preadv2(h, &into, 6, 0), 5);
	assert_memory_equal(ram(8192), "there", 5);
	assert_int_equal(hc_readv(h, &into), 11);
	assert_memory_equal(ram(8192), "hello there", 11);
	hc_close(h);
}

static void a_kick_interrupts_pipes_but_not_files(void **state)
{
	s32 h = new_file("x"), pipe[2];
	struct segs segs = one_seg(0, 8);

	(void)state;
	assert_int_equal(hc_pipe2(0, pipe, sizeof(pipe)), 0);
	fake.kicked = true;
	assert_int_equal(hc_writev(h, &segs), 8);
	assert_int_equal(hc_readv(pipe[0], &segs), -EINTR);
	assert_true(hc_openat(s->boot->root, "/dev", O_RDONLY, 0) >= 0);
	fake.kicked = false;
	hc_close(h);
	hc_close(pipe[0]);
	hc_close(pipe[1]);
}

static void the_monitors_proc_is_closed(void **state)
{
	static const char *const path[] = {"/proc/self/mem", "/proc/thread-self/mem",
					   "/proc/self/maps"};
	char by_pid[64], link[64];
	s64 dir;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(path); i++)
		assert_int_equal(hc_openat(s->boot->root, path[i], O_RDONLY, 0), -EACCES);
	snprintf(by_pid, sizeof(by_pid), "/proc/%d", getpid());
	assert_int_equal(hc_openat(s->boot->root, by_pid, O_PATH, 0), -EACCES);
	dir = hc_openat(s->boot->root, "/proc", O_RDONLY | O_DIRECTORY, 0);
	assert_true(dir >= 0);
	assert_int_equal(hc_openat((s32)dir, by_pid + 6, O_PATH, 0), -EACCES);
	hc_close((s32)dir);
	/* Also through a file that is no link in procfs. */
	snprintf(link, sizeof(link), "/tmp/hostcall_test.%d", getpid());
	assert_int_equal(symlink("/proc/self/mem", link), 0);
	assert_int_equal(hc_openat(s->boot->root, link, O_RDONLY, 0), -EACCES);
	unlink(link);
	assert_true(hc_openat(s->boot->root, "/proc/self/mountinfo", O_RDONLY, 0) >= 0);
}

/* ---- windows -------------------------------------------------------------------------------- */

static struct hostcall_window window_of(s32 h, u64 offset, u64 len, u64 flags, s64 expect)
{
	struct hostcall_window w = {0};

	assert_int_equal(hc_window_map(h, offset, len, flags, &w, sizeof(w)), expect);
	return w;
}

static void a_window_shows_the_file(void **state)
{
	s32 h = new_file("x");
	struct segs segs = one_seg(0, 5);
	struct hostcall_window w;
	u8 vec[4];

	(void)state;
	memcpy(ram(0), "first", 5);
	assert_int_equal(hc_ftruncate(h, 3 * PAGE_SIZE), 0);
	assert_int_equal(hc_pwritev2(h, &segs, PAGE_SIZE, 0), 5);
	w = window_of(h, PAGE_SIZE, PAGE_SIZE, 0, 0);
	assert_true(w.offset <= PAGE_SIZE && w.offset + w.size >= 2 * PAGE_SIZE);
	assert_int_equal(w.file_size, 3 * PAGE_SIZE);
	assert_memory_equal(memory_at(s, (gpa_t){w.gpa + PAGE_SIZE - w.offset}, 5), "first", 5);
	assert_int_equal(hc_window_resident(w.id, 0, 2 * PAGE_SIZE, vec, sizeof(vec)), 0);
	assert_int_equal(vec[0] & 1, 0);
	assert_int_equal(vec[1] & 1, 1);
	assert_int_equal(hc_ftruncate(h, PAGE_SIZE), 0);
	assert_int_equal(hc_window_file_size(w.id), PAGE_SIZE);
	assert_int_equal(hc_window_sync(w.id, 0, PAGE_SIZE, MS_SYNC), 0);
	assert_int_equal(hc_window_sync(w.id, 0, w.size + 1, MS_SYNC), -EINVAL);
	assert_int_equal(hc_window_advise(w.id, 0, PAGE_SIZE, MADV_WILLNEED), 0);
	assert_int_equal(hc_window_advise(w.id, 0, PAGE_SIZE, MADV_DONTFORK), -EINVAL);
	assert_int_equal(hc_window_resident(w.id, 0, w.size, vec, 1), -EINVAL);
	assert_int_equal(hc_window_unmap(w.id), 0);
	assert_int_equal(hc_window_unmap(w.id), -EINVAL);
	hc_close(h);
}

static void one_file_has_one_window(void **state)
{
	s32 h = new_file("x"), other;
	struct hostcall_window a, b, c;

	(void)state;
	assert_int_equal(hc_ftruncate(h, 4 * PAGE_SIZE), 0);
	other = (s32)hc_dup(h);
	a = window_of(h, 0, PAGE_SIZE, 0, 0);
	b = window_of(other, 2 * PAGE_SIZE, 2 * PAGE_SIZE, 0, 0);
	c = window_of(other, 0, PAGE_SIZE, HC_WINDOW_WRITE, 0);
	assert_int_equal(a.id, b.id);
	assert_int_equal(a.id, c.id);
	assert_int_equal(a.gpa, c.gpa);
	strcpy(memory_at(s, (gpa_t){c.gpa}, 8), "changed");
	struct segs segs = one_seg(0, 7);
	assert_int_equal(hc_preadv2(h, &segs, 0, 0), 7);
	assert_memory_equal(ram(0), "changed", 7);
	/* The device is counted, and goes with the third. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(hc_window_unmap(a.id), 0);
	assert_int_equal(hc_window_unmap(a.id), -EINVAL);
	hc_close(h);
	hc_close(other);
}

static void windows_obey_the_handles_access(void **state)
{
	s32 h = new_file("x"), ro, wo, pipe[2];
	struct hostcall_window w;
	char path[32];

	(void)state;
	assert_int_equal(hc_ftruncate(h, PAGE_SIZE), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", h);
	/* As the guest kernel would see them: the path itself is the monitor's. */
	ro = (s32)handle_add(open(path, O_RDONLY | O_CLOEXEC));
	wo = (s32)handle_add(open(path, O_WRONLY | O_CLOEXEC));
	w = window_of(h, 0, PAGE_SIZE, HC_WINDOW_WRITE, 0);
	window_of(ro, 0, PAGE_SIZE, HC_WINDOW_WRITE, -EACCES);
	window_of(wo, 0, PAGE_SIZE, 0, -EACCES);
	assert_int_equal(hc_window_unmap(w.id), 0);
	assert_int_equal(hc_pipe2(0, pipe, sizeof(pipe)), 0);
	window_of(pipe[0], 0, PAGE_SIZE, 0, -ENODEV);
	window_of(s->boot->root, 0, PAGE_SIZE, 0, -ENODEV);
	window_of(h, 0, 0, 0, -EINVAL);
	window_of(h, 1, PAGE_SIZE, 0, -EINVAL);
	window_of(h, 0, PAGE_SIZE, 2, -EINVAL);
	window_of(h, (u64)INT64_MAX & ~PAGE_MASK, PAGE_SIZE, 0, -EOVERFLOW);
	window_of(h, 0, UINT64_MAX, 0, -EOVERFLOW);
	window_of(h, 0, 1UL << 40, 0, -ENOMEM);
	hc_close(h);
	hc_close(ro);
	hc_close(wo);
	hc_close(pipe[0]);
	hc_close(pipe[1]);
}

static void a_closed_window_is_not_accessible(void **state)
{
	s32 h = new_file("x");
	struct hostcall_window w;
	struct segs segs;
	struct hostcall_seg seg;

	(void)state;
	assert_int_equal(hc_ftruncate(h, PAGE_SIZE), 0);
	w = window_of(h, 0, PAGE_SIZE, HC_WINDOW_WRITE, 0);
	seg = (struct hostcall_seg){w.gpa, 8};
	segs = (struct segs){1, &seg};
	assert_int_equal(hc_preadv2(h, &segs, 0, 0), 8);
	assert_int_equal(hc_window_unmap(w.id), 0);
	assert_int_equal(hc_preadv2(h, &segs, 0, 0), -EFAULT);
	hc_close(h);
}

static void freed_addresses_rest_before_reuse(void **state)
{
	s32 a = new_file("a"), b = new_file("b");
	struct hostcall_window first, second;

	(void)state;
	first = window_of(a, 0, PAGE_SIZE, 0, 0);
	assert_int_equal(hc_window_unmap(first.id), 0);
	second = window_of(b, 0, PAGE_SIZE, 0, 0);
	assert_int_not_equal(first.gpa, second.gpa);
	assert_int_not_equal(first.id, second.id);
	assert_int_equal(hc_window_unmap(second.id), 0);
	hc_close(a);
	hc_close(b);
}

static void addresses_do_not_run_out(void **state)
{
	s32 h[8];
	u64 next = s->mem.window_next;

	(void)state;
	for (u32 i = 0; i < 8; i++)
		h[i] = new_file("x");
	for (u32 round = 0; round < 300; round++) {
		struct hostcall_window w[8];

		for (u32 i = 0; i < 8; i++)
			w[i] = window_of(h[i], 0, (1 + (round * 7 + i * 5) % 300) * PAGE_SIZE, 0,
					 0);
		for (u32 i = 0; i < 8; i++)
			assert_int_equal(hc_window_unmap(w[(i * 3) % 8].id), 0);
	}
	/* 8 windows of at most 300 pages each need only a few arenas. */
	assert_true(s->mem.window_next - next <= 8 * FAKE_ARENA);
	for (u32 i = 0; i < 8; i++)
		hc_close(h[i]);
}

/* Two arenas may be adjacent in the guest while their memory in the host is not. */
static void no_window_lies_across_two_arenas(void **state)
{
	s32 h[2] = {new_file("a"), new_file("b")};
	struct hostcall_window w[2], both;
	u64 size = FAKE_ARENA / 2 + HUGE_SIZE;

	(void)state;
	for (u32 i = 0; i < 2; i++)
		w[i] = window_of(h[i], 0, size, 0, 0);
	for (u32 i = 0; i < 2; i++)
		assert_int_equal(hc_window_unmap(w[i].id), 0);
	both = window_of(h[0], 0, 2 * size, 0, 0);
	assert_non_null(memory_at(s, (gpa_t){both.gpa}, both.size));
	assert_int_equal(hc_window_unmap(both.id), 0);
	hc_close(h[0]);
	hc_close(h[1]);
}

static void record_locks_survive_a_window(void **state)
{
	char name[] = "/tmp/hostcall-test-XXXXXX";
	int fd = mkstemp(name);
	s32 h = (s32)handle_add(fd);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	struct hostcall_window w;
	pid_t child;
	int status;

	(void)state;
	unlink(name);
	assert_int_equal(hc_ftruncate(h, PAGE_SIZE), 0);
	assert_int_equal(hc_fcntl_lock(h, F_SETLK, &lock, sizeof(lock)), 0);
	w = window_of(h, 0, PAGE_SIZE, 0, 0);
	assert_int_equal(hc_window_unmap(w.id), 0);
	child = fork();
	if (child == 0) {
		fcntl(fd, F_GETLK, &lock);
		_exit(lock.l_type == F_WRLCK ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	hc_close(h);
}

/* ---- sockets, ioctls ------------------------------------------------------------------------ */

static void descriptors_travel_as_handles(void **state)
{
	union {
		struct cmsghdr align;
		u8 bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct {
		struct hostcall_recv head;
		u8 control[256];
	} got;
	struct cmsghdr *cmsg = (void *)&control;
	struct segs byte = one_seg(0, 1);
	s32 pair[2], sent = new_file("x"), own = dup(2), fd;
	struct stat a, b;

	(void)state;
	assert_int_equal(hc_socketpair(AF_UNIX, SOCK_STREAM, 0, pair, sizeof(pair)), 0);
	memset(&control, 0, sizeof(control));
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(cmsg), &own, sizeof(own));
	assert_int_equal(hc_sendmsg(pair[0], -1, "", 0, &byte, &control, sizeof(control), 0),
			 -EBADF);
	memcpy(CMSG_DATA(cmsg), &sent, sizeof(sent));
	assert_int_equal(hc_sendmsg(pair[0], -1, "", 0, &byte, &control, sizeof(control), 0), 1);
	assert_int_equal(hc_recvmsg(pair[1], &byte, &got, sizeof(got), 0), 1);
	assert_true(got.head.control_len >= CMSG_LEN(sizeof(int)));
	memcpy(&fd, CMSG_DATA((struct cmsghdr *)got.control), sizeof(fd));
	assert_int_equal(hc_fstat(fd, &a, sizeof(a)), 0);
	assert_int_equal(hc_fstat(sent, &b, sizeof(b)), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	hc_close(fd);
	hc_close(sent);
	hc_close(pair[0]);
	hc_close(pair[1]);
	close(own);
}

static void control_messages_are_checked(void **state)
{
	u64 control[8] = {0};
	struct cmsghdr *cmsg = (void *)control;
	struct segs byte = one_seg(0, 1);
	s32 pair[2];

	(void)state;
	assert_int_equal(hc_socketpair(AF_UNIX, SOCK_DGRAM, 0, pair, sizeof(pair)), 0);
	for (u64 len = 0; len < 200; len += 3) {
		cmsg->cmsg_len = len;
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_CREDENTIALS;
		if (len == CMSG_LEN(sizeof(struct ucred)))
			continue;
		assert_int_equal(hc_sendmsg(pair[0], -1, "", 0, &byte, control, sizeof(control),
					    MSG_DONTWAIT),
				 -EINVAL);
	}
	cmsg->cmsg_len = CMSG_LEN(4);
	cmsg->cmsg_level = 276; /* RDS: addresses in the sender */
	assert_int_equal(
		hc_sendmsg(pair[0], -1, "", 0, &byte, control, sizeof(control), MSG_DONTWAIT),
		-EINVAL);
	hc_close(pair[0]);
	hc_close(pair[1]);
}

static void relative_socket_paths_are_below_dir(void **state)
{
	char dir[] = "/tmp/hostcall-test-XXXXXX", path[64];
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "sock"};
	u32 len = offsetof(struct sockaddr_un, sun_path) + 5;
	struct {
		u32 len;
		struct sockaddr_un un;
	} name;
	u8 addr[132];
	s32 d, h, peer;

	(void)state;
	assert_non_null(mkdtemp(dir));
	d = (s32)hc_openat(s->boot->root, dir, O_PATH | O_DIRECTORY, 0);
	h = (s32)hc_socket(AF_UNIX, SOCK_STREAM, 0);
	peer = (s32)hc_socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(hc_bind(h, -1, &un, len), -EBADF);
	assert_int_equal(hc_bind(h, d, &un, len), 0);
	snprintf(path, sizeof(path), "%s/sock", dir);
	assert_int_equal(access(path, F_OK), 0);
	/*
	 * The address is the one that the program gave, without the monitor's path to the
	 * directory.
	 */
	assert_int_equal(hc_getsockname(h, addr, sizeof(addr)), 0);
	memcpy(&name, addr, sizeof(name));
	assert_int_equal(name.len, len);
	assert_string_equal(name.un.sun_path, "sock");
	assert_int_equal(hc_listen(h, 1), 0);
	assert_int_equal(hc_connect(peer, d, &un, len), 0);
	hc_close(peer);
	peer = (s32)hc_accept4(h, SOCK_NONBLOCK, addr, sizeof(addr));
	assert_true(peer >= 0);
	hc_close(peer);
	hc_close(h);
	assert_int_equal(hc_unlinkat(d, "sock", 0), 0);
	hc_close(d);
	rmdir(dir);
}

static void options_with_pointers_are_refused(void **state)
{
	static const u32 bad[][2] = {
		{SOL_SOCKET, SO_ATTACH_BPF},
		{SOL_SOCKET, 77 /* SO_PEERPIDFD */},
		{SOL_SOCKET, 4000 /* of a later kernel */},
		{IPPROTO_IP, 16 /* IP_IPSEC_POLICY */},
		{263 /* SOL_PACKET */, 5 /* PACKET_RX_RING */},
		{IPPROTO_IP, 64 /* IPT_SO_SET_REPLACE */},
		{IPPROTO_TCP, 35 /* TCP_ZEROCOPY_RECEIVE */},
		{283 /* SOL_XDP */, 4},
	};
	s32 h = (s32)hc_socket(AF_INET, SOCK_STREAM, 0), on = 1;
	u64 value[16] = {0};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(hc_setsockopt(h, bad[i][0], bad[i][1], value, sizeof(value), 0),
				 -ENOPROTOOPT);
		assert_int_equal(hc_getsockopt(h, bad[i][0], bad[i][1], value, sizeof(value)),
				 -ENOPROTOOPT);
	}
	assert_int_equal(hc_setsockopt(h, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on), 0), 0);
	on = 0;
	assert_int_equal(hc_getsockopt(h, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), sizeof(on));
	assert_int_equal(on, 1);
	/* Options that can only be set, or only be read. */
	assert_int_equal(hc_getsockopt(h, SOL_SOCKET, SO_ATTACH_FILTER, value, sizeof(value)),
			 -ENOPROTOOPT);
	assert_int_equal(hc_getsockopt(h, IPPROTO_IP, 41 /* IP_MSFILTER */, value, sizeof(value)),
			 -ENOPROTOOPT);
	assert_int_equal(hc_setsockopt(h, SOL_SOCKET, SO_PEERCRED, value, 12, 0), -ENOPROTOOPT);
	/* At most the option's own size is copied, however large the buffer is. */
	assert_int_equal(hc_getsockopt(h, SOL_SOCKET, SO_PEERCRED, value, sizeof(value)), 12);
	hc_close(h);
}

/* A filter program is passed as its instructions. */
static void filters_are_attached(void **state)
{
	static const struct sock_filter none = {BPF_RET | BPF_K, 0, 0, 0};
	static const struct sock_filter all = {BPF_RET | BPF_K, 0, 0, ~0u};
	static const struct sock_filter bad = {0xffff, 0, 0, 0};
	s32 pair[2];
	char byte = 'x';

	(void)state;
	assert_int_equal(hc_socketpair(AF_UNIX, SOCK_DGRAM, 0, pair, sizeof(pair)), 0);
	assert_int_equal(hc_setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &none, 7, 0),
			 -EINVAL);
	assert_int_equal(hc_setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &bad, sizeof(bad), 0),
			 -EINVAL);
	assert_int_equal(
		hc_setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &none, sizeof(none), 0), 0);
	send(pair[0], &byte, 1, MSG_DONTWAIT);
	assert_int_equal(recv(pair[1], &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(hc_setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &all, sizeof(all), 0),
			 0);
	assert_int_equal(send(pair[0], &byte, 1, MSG_DONTWAIT), 1);
	assert_int_equal(recv(pair[1], &byte, 1, MSG_DONTWAIT), 1);
	hc_close(pair[0]);
	hc_close(pair[1]);
}

static void unknown_ioctls_are_enotty(void **state)
{
	s32 pipe[2], n = 0;
	char c = 'x';

	(void)state;
	assert_int_equal(hc_pipe2(0, pipe, sizeof(pipe)), 0);
	assert_int_equal(hc_ioctl(pipe[0], TIOCSTI, &c, 1, 0), -ENOTTY);
	assert_int_equal(hc_ioctl(pipe[0], 0xdeadbeef, &c, 1, 0), -ENOTTY);
	assert_int_equal(hc_ioctl(pipe[0], FIONREAD, &c, 1, 0), -EINVAL);
	assert_int_equal(write(pipe[1], "abc", 3), 3);
	assert_int_equal(hc_ioctl(pipe[0], FIONREAD, &n, sizeof(n), 0), 0);
	assert_int_equal(n, 3);
	hc_close(pipe[0]);
	hc_close(pipe[1]);
}

static void polls_see_handles_only(void **state)
{
	s32 pipe[2], epoll;
	int own = dup(2);
	struct pollfd p[3];
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x1234567890}, got[4];

	(void)state;
	assert_int_equal(hc_pipe2(0, pipe, sizeof(pipe)), 0);
	assert_int_equal(write(pipe[1], "x", 1), 1);
	p[0] = (struct pollfd){.fd = pipe[0], .events = POLLIN};
	p[1] = (struct pollfd){.fd = -1};
	p[2] = (struct pollfd){.fd = pipe[1], .events = POLLIN};
	assert_int_equal(hc_poll(p, sizeof(p), (u64)-1), 1);
	assert_int_equal(p[0].revents, POLLIN);
	p[2].fd = own;
	assert_int_equal(hc_poll(p, sizeof(p), 0), -EBADF);
	epoll = (s32)hc_epoll_create1(0);
	assert_int_equal(hc_epoll_ctl(epoll, EPOLL_CTL_ADD, own, &event, sizeof(event)), -EBADF);
	assert_int_equal(hc_epoll_ctl(epoll, EPOLL_CTL_ADD, pipe[0], &event, sizeof(event)), 0);
	assert_int_equal(hc_epoll_wait(epoll, got, sizeof(got), 1000), 1);
	assert_int_equal(got[0].data.u64, 0x1234567890);
	hc_close(epoll);
	hc_close(pipe[0]);
	hc_close(pipe[1]);
	close(own);
}

/* ---- paths that the host has no directory for ----------------------------------------------- */

static void path_calls_are_relative_to_dir(void **state)
{
	char dir[] = "/tmp/hostcall-test-XXXXXX";
	u8 st[120];
	struct segs name;
	s32 d, h, in;

	(void)state;
	assert_non_null(mkdtemp(dir));
	d = (s32)hc_openat(s->boot->root, dir, O_RDONLY | O_DIRECTORY, 0);
	h = (s32)hc_openat(d, "file", O_CREAT | O_RDWR | O_EXCL, 0600);
	assert_true(h >= 0);
	assert_int_equal(hc_truncate(d, "file", 77), 0);
	assert_int_equal(hc_lseek(h, 0, SEEK_END), 77);
	assert_int_equal(hc_truncate(-1, "file", 77), -EBADF);
	assert_int_equal(hc_statfs(d, ".", st, sizeof(st)), 0);
	in = (s32)hc_inotify_init1(IN_NONBLOCK);
	assert_true(hc_inotify_add_watch(in, d, "file", 2) > 0);

	memcpy(ram(0), "some value", 10);
	name = one_seg(0, 10);
	if (hc_xattr_set(d, "file", 0, "user.test", &name, 0) == 0) {
		/* In several segments, although the host wants one buffer. */
		struct hostcall_seg seg[2] = {{RAM_BASE + 100, 3}, {RAM_BASE + 200, 100}};
		struct segs two = {2, seg}, none = {0, seg};

		assert_int_equal(hc_fgetxattr(h, "user.test", &two), 10);
		assert_memory_equal(ram(100), "som", 3);
		assert_memory_equal(ram(200), "e value", 7);
		assert_int_equal(hc_xattr_get(d, "file", 0, "user.test", &none), 10);
		assert_int_equal(hc_xattr_list(d, "file", 0, &two), 10);
		assert_int_equal(hc_xattr_remove(d, "file", 0, "user.test"), 0);
	}
	assert_int_equal(hc_unlinkat(d, "file", 0), 0);
	hc_close(in);
	hc_close(h);
	hc_close(d);
	rmdir(dir);
}

/* ---- several lookups at once -------------------------------------------------------------- */

static struct {
	u8 lookups[3072], answers[4096];
	u32 lookups_len, answers_at;
} batch;

static void ask(u8 kind, const char *path)
{
	u32 space = ALIGN_UP((u32)strlen(path) + 1, 8u);
	struct hostcall_lookup q = {.size = (u16)(sizeof(q) + space), .kind = kind};

	memcpy(batch.lookups + batch.lookups_len, &q, sizeof(q));
	memset(batch.lookups + batch.lookups_len + sizeof(q), 'x', space);
	strcpy((char *)batch.lookups + batch.lookups_len + sizeof(q), path);
	batch.lookups_len += q.size;
}

static s64 answers(s32 dir, u32 space)
{
	memset(batch.answers, 0x5a, sizeof(batch.answers));
	batch.answers_at = 0;
	return hc_lookup(dir, -1, batch.lookups, batch.lookups_len, batch.answers, space);
}

/* Sets the next answer, with len bytes of data. */
static const void *seen(s32 result, u32 len)
{
	const struct hostcall_lookup_answer *a = (const void *)(batch.answers + batch.answers_at);

	assert_int_equal(a->result, result);
	assert_int_equal(a->len, len);
	batch.answers_at += ALIGN_UP((u32)sizeof(*a) + len, 8u);
	return a + 1;
}

static void lookups_are_answered_in_turn(void **state)
{
	char dir[] = "/tmp/hostcall-test-XXXXXX";
	const struct stat *st;
	struct stat own;
	s32 d, h;

	(void)state;
	assert_non_null(mkdtemp(dir));
	d = (s32)hc_openat(s->boot->root, dir, O_RDONLY | O_DIRECTORY, 0);
	assert_int_equal(hc_symlinkat("a target", d, "link"), 0);
	batch.lookups_len = 0;
	ask(HOSTCALL_LOOKUP_LINK, "link");
	ask(HOSTCALL_LOOKUP_LINK, dir);
	ask(HOSTCALL_LOOKUP_STAT, "link");
	ask(HOSTCALL_LOOKUP_LSTAT, "link");
	ask(HOSTCALL_LOOKUP_EXISTS, "link");
	ask(HOSTCALL_LOOKUP_EXISTS, dir);
	ask(HOSTCALL_LOOKUP_STAT, dir);
	ask(HOSTCALL_LOOKUP_ACCESS + R_OK + W_OK + X_OK, dir);
	ask(HOSTCALL_LOOKUP_ACCESS, "");
	assert_int_equal(answers(d, sizeof(batch.answers)), 9);
	assert_memory_equal(seen(8, 8), "a target", 8);
	seen(-EINVAL, 0);
	seen(-ENOENT, 0);
	st = seen(0, sizeof(*st));
	assert_true(S_ISLNK(st->st_mode) && st->st_size == 8);
	seen(-ENOENT, 0);
	seen(0, 0);
	st = seen(0, sizeof(*st));
	assert_true(S_ISDIR(st->st_mode));
	seen(0, 0);
	seen(-ENOENT, 0);
	assert_int_equal(batch.answers[batch.answers_at], 0x5a);
	/* The directory is invalid, which fails only relative names. */
	batch.lookups_len = 0;
	ask(HOSTCALL_LOOKUP_LINK, "link");
	ask(HOSTCALL_LOOKUP_LINK, "/");
	assert_int_equal(answers(-1, sizeof(batch.answers)), 2);
	seen(-EBADF, 0);
	seen(-EINVAL, 0);
	assert_int_equal(answers(12345, sizeof(batch.answers)), -EBADF);
	/*
	 * A handle is closed first, perhaps the directory's own; but only a handle of the guest's.
	 */
	assert_int_equal(
		hc_lookup(-1, 12345, batch.lookups, batch.lookups_len, batch.answers, 4096),
		-EBADF);
	h = (s32)hc_openat(d, "link", O_PATH | O_NOFOLLOW, 0);
	assert_int_equal(hc_lookup(d, h, batch.lookups, batch.lookups_len, batch.answers, 4096), 2);
	assert_int_equal(hc_fstat(h, &own, sizeof(own)), -EBADF);
	assert_int_equal(hc_fstat(d, &own, sizeof(own)), 0);
	h = (s32)hc_dup(d);
	assert_int_equal(hc_lookup(h, h, batch.lookups, batch.lookups_len, batch.answers, 4096), 2);
	assert_int_equal(hc_fstat(h, &own, sizeof(own)), -EBADF);
	h = (s32)hc_dup(d);
	assert_int_equal(hc_lookup(-1, h, batch.lookups, 9, batch.answers, 4096), -EINVAL);
	assert_int_equal(hc_fstat(h, &own, sizeof(own)), -EBADF);

	assert_int_equal(hc_unlinkat(d, "link", 0), 0);
	hc_close(d);
	rmdir(dir);
}

static void answers_that_do_not_fit_are_not_given(void **state)
{
	static const struct {
		u32 space;
		s64 count;
	} row[] = {
		{0, 0},
		{7, 0},
		{15, 0}, /* not all of the target */
		{16, 0}, /* or who knows */
		{17, 1},
		{24, 1},
		{16 + 8 + sizeof(struct stat) - 1, 1},
		{16 + 8 + sizeof(struct stat), 2},
		{16 + 8 + sizeof(struct stat) + 7, 2},
		{16 + 8 + sizeof(struct stat) + 8, 3},
		{4096, 3},
	};
	char dir[] = "/tmp/hostcall-test-XXXXXX", link[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink("8 bytes.", link), 0);
	batch.lookups_len = 0;
	ask(HOSTCALL_LOOKUP_LINK, link);
	ask(HOSTCALL_LOOKUP_STAT, dir);
	ask(HOSTCALL_LOOKUP_EXISTS, link);
	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		assert_int_equal(answers(s->boot->root, row[i].space), row[i].count);
		if (row[i].count)
			assert_memory_equal(seen(8, 8), "8 bytes.", 8);
		for (u32 at = row[i].space; at < sizeof(batch.answers); at++)
			assert_int_equal(batch.answers[at], 0x5a);
	}
	unlink(link);
	rmdir(dir);
}

static void malformed_lookups_are_refused(void **state)
{
	struct hostcall_lookup q = {.size = 16, .kind = HOSTCALL_LOOKUP_LINK};
	const struct {
		struct hostcall_lookup q;
		u32 len; /* of all that is sent */
		char end;
	} row[] = {
		{q, 7, '\0'},			/* not even a head */
		{q, 8, '\0'},			/* no path */
		{{.size = 8}, 16, '\0'},	/* the same */
		{{.size = 0}, 16, '\0'},	/* would go on for ever */
		{{.size = 20}, 24, '\0'},	/* no multiple of 8 */
		{{.size = 24}, 16, '\0'},	/* more than there is */
		{{.size = 0xfff8}, 3072, '\0'}, /* more than there can be */
		{q, 16, 'x'},			/* no NUL */
		{{.size = 16, .kind = HOSTCALL_LOOKUP_KINDS}, 16, '\0'},
		{{.size = 16, .kind = 0xff}, 16, '\0'},
	};

	(void)state;
	assert_int_equal(hc_lookup(-1, -1, batch.lookups, 0, batch.answers, sizeof(batch.answers)),
			 0);
	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		memset(batch.lookups, 'x', sizeof(batch.lookups));
		memcpy(batch.lookups, &row[i].q, sizeof(q));
		batch.lookups[15] = (u8)row[i].end;
		batch.lookups_len = row[i].len;
		assert_int_equal(answers(s->boot->root, sizeof(batch.answers)), -EINVAL);
	}
}

static void an_open_tells_what_it_opened(void **state)
{
	struct stat st = {.st_size = 99};
	s32 h = (s32)hc_open_stat(s->boot->root, "/proc/version", O_RDONLY, 0, &st, sizeof(st));

	(void)state;
	assert_true(h >= 0);
	assert_true(S_ISREG(st.st_mode) && st.st_size == 0);
	assert_int_equal(hc_close(h), 0);
	assert_int_equal(hc_open_stat(s->boot->root, "/no such file", O_RDONLY, 0, &st, sizeof(st)),
			 -ENOENT);
	assert_int_equal(hc_open_stat(-1, "version", O_RDONLY, 0, &st, sizeof(st)), -EBADF);
	assert_int_equal(hc_open_stat(s->boot->root, "/", O_RDONLY, 0, &st, sizeof(st) - 1),
			 -EINVAL);
	/* A refused frame changes nothing. */
	assert_int_equal(
		hc_open_stat(s->boot->root, "/proc/self/maps", O_RDONLY, 0, &st, sizeof(st)),
		-EACCES);
}

/* ---- the sandbox ---------------------------------------------------------------------------- */

/* Links there show what the monitor is and what it has open. */
static void the_monitors_links_are_not_read(void **state)
{
	static const char *const path[] = {"/proc/self",     "/proc/thread-self", "/proc/self/exe",
					   "/proc/self/cwd", "/proc/self/fd/0",	  "/dev/fd/0"};
	char target[64], by_pid[64];

	(void)state;
	snprintf(by_pid, sizeof(by_pid), "/proc/%d/exe", getpid());
	assert_int_equal(hc_readlinkat(s->boot->root, by_pid, target, sizeof(target), HC_NONE),
			 -EACCES);
	for (u32 i = 0; i < ARRAY_SIZE(path); i++)
		assert_int_equal(
			hc_readlinkat(s->boot->root, path[i], target, sizeof(target), HC_NONE),
			-EACCES);
	/* Links to what programs share with the monitor, and other links, are readable. */
	assert_true(hc_readlinkat(s->boot->root, "/proc/self/ns/pid", target, sizeof(target),
				  HC_NONE) > 4);
	assert_memory_equal(target, "pid:", 4);
	assert_int_equal(
		hc_readlinkat(s->boot->root, "/proc/mounts", target, sizeof(target), HC_NONE), 11);
	assert_int_equal(hc_readlinkat(s->boot->root, "/etc", target, sizeof(target), HC_NONE),
			 -EINVAL);
	assert_int_equal(hc_readlinkat(s->boot->root, "/none", target, sizeof(target), HC_NONE),
			 -ENOENT);
}

static void a_status_that_is_no_end_is_refused(void **state)
{
	(void)state;
	for (u32 sig = 1; sig < 127; sig++) {
		bool ends = sig < NSIG && sig != SIGSTOP && sig != SIGCHLD;

		hc_exit(sig);
		assert_int_equal(fake.ended, ends ? (int)sig : SANDBOX_END_ERROR | EXIT_INTERNAL);
	}
}

static void the_guests_log_is_marked_and_limited(void **state)
{
	static bool before; /* The second run starts with what the first one left. */
	u32 said = 0;

	(void)state;
	hc_log(0, "not the monitor's", 17);
	if (!before)
		assert_string_equal(fake.said, "kernel: not the monitor's");
	for (u32 i = 0; i < 5000; i++) {
		fake.said[0] = '\0';
		hc_log(0, "again", 5);
		said += fake.said[0] != '\0';
	}
	/* A burst, then a few a second for as long as this took. */
	assert_in_range(said, before ? 0 : 900, 2000);
	before = true;
}

/* The memory that a guest can make the host keep is bounded, by each of the ways to grow it. */
static void files_in_memory_count(void **state)
{
	const u64 most = FAKE_FILES;
	struct hostcall_window w;
	char name[64], other[64];
	s32 a = new_file("a"), b = new_file("b"), f;
	u64 offset = most + 1;

	(void)state;
	assert_int_equal(s->mem.files, 0);
	assert_int_equal(hc_ftruncate(a, most + 1), -ENOSPC);
	assert_int_equal(hc_fallocate(a, 0, most, 1), -ENOSPC);
	assert_int_equal(hc_ftruncate(a, most / 2), 0);
	assert_int_equal(s->mem.files, most / 2);
	assert_int_equal(hc_ftruncate(b, most / 2 + 1), -ENOSPC);
	assert_int_equal(hc_ftruncate(b, most / 2), 0);
	assert_int_equal(hc_ftruncate(b, 10), 0);
	assert_int_equal(s->mem.files, most / 2 + 10);
	/* Writes: at the position, at an offset, at the end; copies. */
	memset(ram(0), 'x', 100);
	assert_int_equal(hc_lseek(b, (s64)most, SEEK_SET), (s64)most);
	assert_int_equal(hc_writev(b, &(struct segs){1, &(struct hostcall_seg){RAM_BASE, 1}}),
			 -ENOSPC);
	assert_int_equal(hc_lseek(b, 0, SEEK_SET), 0);
	assert_int_equal(hc_writev(b, &(struct segs){1, &(struct hostcall_seg){RAM_BASE, 5}}), 5);
	assert_int_equal(
		hc_pwritev2(b, &(struct segs){1, &(struct hostcall_seg){RAM_BASE, 1}}, most, 0),
		-ENOSPC);
	assert_int_equal(hc_pwritev2(b, &(struct segs){1, &(struct hostcall_seg){RAM_BASE, 100}}, 0,
				     RWF_APPEND),
			 100);
	assert_int_equal(hc_ftruncate(b, 110), 0);
	assert_int_equal(hc_copy_file_range(b, NULL, 0, a, &offset, sizeof(offset), 1, 0), -ENOSPC);
	/* A window keeps a file that no handle refers to any more. */
	assert_int_equal(hc_window_map(a, 0, PAGE_SIZE, HC_WINDOW_WRITE, &w, sizeof(w)), 0);
	hc_close(a);
	hc_close(b);
	assert_int_equal(s->mem.files, most / 2);
	assert_int_equal(hc_window_unmap(w.id), 0);
	assert_int_equal(s->mem.files, 0);
	/*
	 * A file with a name counts until the name is removed. What the file held before does not
	 * count.
	 */
	snprintf(name, sizeof(name), "/dev/shm/hostcall_test.%d", getpid());
	snprintf(other, sizeof(other), "/dev/shm/hostcall_test.%d.b", getpid());
	f = (s32)hc_openat(s->boot->root, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (f < 0)
		return; /* no such directory here */
	assert_int_equal(hc_ftruncate(f, 1 << 20), 0);
	hc_close(f);
	assert_int_equal(s->mem.files, 1 << 20);
	assert_int_equal(hc_truncate(s->boot->root, name, most + 1), -ENOSPC);
	f = (s32)hc_openat(s->boot->root, other, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(f >= 0);
	hc_close(f);
	assert_int_equal(hc_renameat2(s->boot->root, other, s->boot->root, name, 0), 0);
	assert_int_equal(s->mem.files, 0);
	assert_int_equal(truncate(name, 1 << 20), 0);
	f = (s32)hc_openat(s->boot->root, name, O_RDWR, 0);
	assert_int_equal(hc_ftruncate(f, 1 << 21), 0);
	assert_int_equal(s->mem.files, 1 << 20);
	assert_int_equal(hc_unlinkat(s->boot->root, name, 0), 0);
	assert_int_equal(s->mem.files, 1 << 20);
	hc_close(f);
	assert_int_equal(s->mem.files, 0);
}

static void ends_are_told(void **state)
{
	struct hostcall_boot_failure failure = {
		.status = EXIT_NOT_FOUND, .error = ENOENT, .text = "nowhere\033[2J"};
	char *argv[] = {"prog", NULL};

	(void)state;
	s->opt.argv = argv;
	s->opt.argc = 1;
	hc_exit(0x0500);
	assert_int_equal(fake.ended, 0x0500);
	hc_boot_failed(&failure, sizeof(failure));
	assert_int_equal(fake.ended, SANDBOX_END_ERROR | EXIT_NOT_FOUND);
	assert_string_equal(fake.said, "prog: nowhere?[2J: No such file or directory");
	hc_panic("broken", 6);
	assert_int_equal(fake.ended, SANDBOX_END_ERROR | EXIT_INTERNAL);
	assert_string_equal(fake.said, "kernel panic: broken");
}

static void processes_outside_are_out_of_reach(void **state)
{
	(void)state;
	assert_int_equal(hc_kill_outside(1, 0), getppid() == 1 ? 0 : -EPERM);
	assert_int_equal(hc_kill_outside((u64)(s64)-1, 0), getpgrp() == 1 ? 0 : -EPERM);
	assert_int_equal(hc_kill_outside((u64)(s64)-getpgrp(), 0), 0);
	assert_int_equal(hc_kill_outside((u64)getpid() + 1, 0), -EPERM);
	assert_int_equal(hc_kill_outside((u64)getppid(), 0), 0);
}

static void words_are_waited_for(void **state)
{
	u32 *word = (u32 *)ram(64);

	(void)state;
	*word = 7;
	assert_int_equal(hc_wait(RAM_BASE + 64, 8, (u64)-1), -EAGAIN);
	assert_int_equal(hc_wait(RAM_BASE + 64, 7, 1000), -ETIMEDOUT);
	assert_int_equal(hc_wait(RAM_BASE + 65, 7, 0), -EFAULT);
	assert_int_equal(hc_wait(0, 7, 0), -EFAULT);
	assert_int_equal(hc_wake(RAM_BASE + 64, UINT64_MAX), 0);
}

/*
 * The words that the kernel's scheduler shows to the monitor are only accepted where they stay
 * readable.
 */
static void ticks_look_at_words_in_ram(void **state)
{
	u32 *ready = (u32 *)ram(64);
	u64 *deadline = (u64 *)ram(72);
	struct hostcall_tick *tick = (struct hostcall_tick *)ram(128);
	const u64 at = RAM_BASE;

	(void)state;
	*ready = 0;
	*deadline = UINT64_MAX;
	memset(tick, 0, sizeof(*tick));
	assert_int_equal(hc_tick(at + 65, at + 72, at + 128), -EFAULT);
	assert_int_equal(hc_tick(at + 64, at + 76, at + 128), -EFAULT);
	assert_int_equal(hc_tick(0, at + 72, at + 128), -EFAULT);
	assert_int_equal(hc_tick(at + 64, at + 72, UINT64_MAX - 7), -EFAULT);
	assert_int_equal(hc_tick(at + 64, at + 72, s->mem.window_base), -EFAULT);
	assert_int_equal(tick->on, 0);
	assert_int_equal(hc_tick(at + 64, at + 72, at + 128), 0);
	/* They can be set once. */
	assert_int_equal(hc_tick(at + 68, at + 72, at + 128), -EINVAL);
	/* After a while without work the thread says that it sleeps, and can be started again. */
	while (__atomic_load_n(&tick->on, __ATOMIC_ACQUIRE))
		usleep(1000);
	assert_true(__atomic_load_n(&tick->alarm_ns, __ATOMIC_ACQUIRE) == UINT64_MAX);
	assert_int_equal(hc_tick(at + 64, at + 72, at + 128), 0);
	assert_int_equal(tick->on, 1);
	while (__atomic_load_n(&tick->on, __ATOMIC_ACQUIRE))
		usleep(1000);
}

static void kick_handler(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	if (info->si_code == SI_TIMER)
		timer_expired(s, info->si_value.sival_int);
}

static void timers_mark_their_bit(void **state)
{
	struct sigaction action = {.sa_sigaction = kick_handler, .sa_flags = SA_SIGINFO};
	struct itimerspec soon = {.it_value = {0, 1000}}, old;
	s64 t[64], n;

	(void)state;
	sigaction(VCPU_KICK_SIGNAL, &action, NULL);
	assert_int_equal(hc_timer_create(99), -EINVAL);
	for (n = 0; n < 64; n++) {
		t[n] = hc_timer_create(CLOCK_MONOTONIC);
		assert_true(t[n] >= 0 && t[n] < 64);
	}
	assert_int_equal(hc_timer_create(CLOCK_MONOTONIC), -EAGAIN);
	assert_int_equal(hc_timer_settime((u64)t[5], 0, &soon, sizeof(soon), &old, sizeof(old)), 0);
	for (int i = 0; i < 60000 && !v->data->timers_expired; i++)
		usleep(1000);
	assert_int_equal(v->data->timers_expired, 1UL << t[5]);
	assert_int_equal(v->data->upcall, 1);
	for (n = 0; n < 64; n++)
		assert_int_equal(hc_timer_delete((u64)t[n]), 0);
	assert_int_equal(hc_timer_delete(0), -EINVAL);
	assert_int_equal(hc_timer_gettime(64, &old, sizeof(old)), -EINVAL);
}

static void clocks_agree(void **state)
{
	struct hostcall_clock clock;
	struct timespec before, after;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(hc_clock_read(&clock, sizeof(clock)), 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(clock.monotonic_ns >= (u64)before.tv_sec * 1000000000 + (u64)before.tv_nsec);
	assert_true(clock.monotonic_ns <= (u64)after.tv_sec * 1000000000 + (u64)after.tv_nsec);
	assert_true(clock.tsc != 0);
}

static void the_heap_library_is_sealed_and_for_checks_only(void **state)
{
	char text[64];
	s64 h;

	(void)state;
	assert_int_equal(hc_check_library(HC_NONE), -ENOENT);
	s->opt.check.flags = CHECK_ON;
	h = hc_check_library(HC_NONE);
	s->opt.check.flags = 0;
	assert_true(h >= 0);
	assert_int_equal(pread((int)h, text, sizeof(text), 0), strlen("the heap library"));
	assert_memory_equal(text, "the heap library", strlen("the heap library"));
	assert_int_equal(pwrite((int)h, "x", 1, 0), -1);
	assert_int_equal(ftruncate((int)h, 1), -1);
	assert_int_equal(hc_close(h), 0);

	/* The same way leads the stub for gdb into the guest, which asked for it or not. */
	assert_int_equal(hc_gdb_stub(HC_NONE), -ENOENT);
	s->opt.gdb = "1234";
	h = hc_gdb_stub(HC_NONE);
	s->opt.gdb = NULL;
	assert_true(h >= 0);
	assert_int_equal(pread((int)h, text, sizeof(text), 0), strlen("the stub"));
	assert_int_equal(hc_close(h), 0);
}

/* ---- exitless calls ------------------------------------------------------------------------- */

static u64 served(void)
{
	return __atomic_load_n(&stats.exitless, __ATOMIC_RELAXED);
}

static void what_may_sleep_is_not_served(void **state)
{
	struct stat st;
	struct segs segs;
	struct epoll_event event = {.events = EPOLLIN};
	s32 pipe[2], file = new_file("file");
	s64 epoll = hc_epoll_create1(0);
	u64 before = served();

	(void)state;
	assert_int_equal(hc_pipe2(0, pipe, sizeof(pipe)), 0);
	memcpy(ram(0), "text", 4);
	segs = one_seg(0, 4);
	/* A file of size 0 may be one of /proc. */
	assert_int_equal(hc_writev(file, &segs), 4);
	assert_int_equal(served(), before);
	assert_int_equal(hc_fstat(file, &st, sizeof(st)), 0);
	assert_int_equal(hc_writev(pipe[1], &segs), 4);
	assert_int_equal(hc_readv(pipe[0], &segs), 4);
	assert_int_equal(hc_writev(file, &segs), 4);
	assert_int_equal(hc_epoll_ctl(epoll, EPOLL_CTL_ADD, pipe[0], &event, sizeof(event)), 0);
	assert_int_equal(hc_epoll_wait(epoll, &event, sizeof(event), 0), 0);
	assert_int_equal(served(), before + 6);

	/*
	 * Nothing to read, too much to write, nothing to wait for: the vCPU's own thread makes the
	 * call.
	 */
	assert_int_equal(hc_fcntl(pipe[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(hc_readv(pipe[0], &segs), -EAGAIN);
	segs = one_seg(0, 2 * PAGE_SIZE);
	assert_int_equal(hc_writev(pipe[1], &segs), 2 * PAGE_SIZE);
	assert_int_equal(hc_readv(pipe[0], &segs), 2 * PAGE_SIZE);
	assert_int_equal(hc_epoll_wait(epoll, &event, sizeof(event), 1000), 0);
	assert_int_equal(served(), before + 7);

	hc_close(pipe[0]);
	hc_close(pipe[1]);
	hc_close((s32)epoll);
	hc_close(file);
}

static void sockets_that_make_others_wait_are_not_served(void **state)
{
	const struct linger linger = {1, 10};
	const int least = 5;
	struct segs segs = one_seg(0, 4);
	s32 pair[2];
	u64 before;

	(void)state;
	assert_int_equal(hc_socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair, sizeof(pair)),
			 0);
	before = served();
	assert_int_equal(hc_writev(pair[0], &segs), 4);
	assert_int_equal(hc_readv(pair[1], &segs), 4);
	assert_int_equal(hc_close(pair[0]), 0);
	assert_int_equal(served(), before + 3);
	assert_int_equal(
		hc_setsockopt(pair[1], SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least), HC_NONE), 0);
	assert_int_equal(hc_readv(pair[1], &segs), 0);
	assert_int_equal(
		hc_setsockopt(pair[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger), HC_NONE), 0);
	assert_int_equal(hc_close(pair[1]), 0);
	assert_int_equal(served(), before + 3);
}

static void a_call_that_nobody_takes_is_rung(void **state)
{
	s32 file = new_file("file");
	u64 before = served();
	struct stat st;

	(void)state;
	/* A thread that opens files as another user makes its calls itself. */
	v->own_ids = true;
	assert_int_equal(hc_fstat(file, &st, sizeof(st)), 0);
	assert_int_equal(served(), before);
	v->own_ids = false;
	/* A call that holds the frame is not disturbed. */
	pthread_mutex_lock(&v->call_lock);
	v->frame->state = HOSTCALL_SUBMITTED;
	hostcall_serve(v);
	assert_int_equal(v->frame->state, HOSTCALL_SUBMITTED);
	v->frame->state = HOSTCALL_IDLE;
	pthread_mutex_unlock(&v->call_lock);
	hc_close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_numbers_are_enosys),
		cmocka_unit_test(buffers_outside_the_area_are_refused),
		cmocka_unit_test(paths_need_their_nul),
		cmocka_unit_test(segments_outside_memory_are_refused),
		cmocka_unit_test(short_results_stay_in_their_buffer),
		cmocka_unit_test(descriptors_of_the_monitor_are_no_handles),
		cmocka_unit_test(a_handle_lives_until_its_last_user),
		cmocka_unit_test(several_are_closed_at_once),
		cmocka_unit_test(a_program_is_inspected),
		cmocka_unit_test(files_read_back_what_was_written),
		cmocka_unit_test(a_kick_interrupts_pipes_but_not_files),
		cmocka_unit_test(the_monitors_proc_is_closed),
		cmocka_unit_test(a_window_shows_the_file),
		cmocka_unit_test(one_file_has_one_window),
		cmocka_unit_test(windows_obey_the_handles_access),
		cmocka_unit_test(a_closed_window_is_not_accessible),
		cmocka_unit_test(freed_addresses_rest_before_reuse),
		cmocka_unit_test(addresses_do_not_run_out),
		cmocka_unit_test(no_window_lies_across_two_arenas),
		cmocka_unit_test(record_locks_survive_a_window),
		cmocka_unit_test(descriptors_travel_as_handles),
		cmocka_unit_test(control_messages_are_checked),
		cmocka_unit_test(relative_socket_paths_are_below_dir),
		cmocka_unit_test(options_with_pointers_are_refused),
		cmocka_unit_test(filters_are_attached),
		cmocka_unit_test(unknown_ioctls_are_enotty),
		cmocka_unit_test(polls_see_handles_only),
		cmocka_unit_test(path_calls_are_relative_to_dir),
		cmocka_unit_test(lookups_are_answered_in_turn),
		cmocka_unit_test(answers_that_do_not_fit_are_not_given),
		cmocka_unit_test(malformed_lookups_are_refused),
		cmocka_unit_test(an_open_tells_what_it_opened),
		cmocka_unit_test(ends_are_told),
		cmocka_unit_test(processes_outside_are_out_of_reach),
		cmocka_unit_test(words_are_waited_for),
		cmocka_unit_test(ticks_look_at_words_in_ram),
		cmocka_unit_test(timers_mark_their_bit),
		cmocka_unit_test(clocks_agree),
		cmocka_unit_test(the_monitors_links_are_not_read),
		cmocka_unit_test(files_in_memory_count),
		cmocka_unit_test(a_status_that_is_no_end_is_refused),
		cmocka_unit_test(the_guests_log_is_marked_and_limited),
		cmocka_unit_test(the_heap_library_is_sealed_and_for_checks_only),
	};

	const struct CMUnitTest exitless[] = {
		cmocka_unit_test(what_may_sleep_is_not_served),
		cmocka_unit_test(sockets_that_make_others_wait_are_not_served),
		cmocka_unit_test(a_call_that_nobody_takes_is_rung),
	};
	pthread_t worker;
	int failed = cmocka_run_group_tests(tests, set_up, NULL);

	use_worker = true;
	if (pthread_create(&worker, NULL, serve, NULL))
		return 1;
	failed += cmocka_run_group_tests_name("exitless", tests, set_up, NULL);
	failed += cmocka_run_group_tests_name("only exitless", exitless, set_up, NULL);
	use_worker = false;
	pthread_join(worker, NULL);
	return failed;
}
