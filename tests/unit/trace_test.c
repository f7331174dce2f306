// SPDX-License-Identifier: MIT
/*
 * Does --trace print what strace(1) would? And does it survive every call with arguments that
 * point nowhere? The expected lines were compared with strace 6.1's for the same calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/arch/x86_64/arch.h"

/* linux/stat.h leaves these to glibc, whose header conflicts with the kernel's. */
#define S_IFMT	 00170000
#define S_IFSOCK 0140000
#define S_IFLNK	 0120000
#define S_IFREG	 0100000
#define S_IFBLK	 0060000
#define S_IFDIR	 0040000
#define S_IFCHR	 0020000
#define S_IFIFO	 0010000

static struct thread *test_thread(void);
#define current test_thread

#include "kernel/syscall/trace.c"
#include "kernel/syscall/trace_names.c"

/* The program's memory: [USER_BASE, +USER_SIZE), nothing else is mapped. */
#define USER_BASE 0x10000UL
#define USER_SIZE 0x10000UL
#define UNMAPPED  0xdead0000UL

static u8 user[USER_SIZE];
static struct thread thread;
static char last[LINE_MAX + 1]; /* the last line sent */
static unsigned lines;
static s64 kmallocs;

static struct thread *test_thread(void)
{
	return &thread;
}

void *kmalloc(u64 size)
{
	kmallocs++;
	return __builtin_malloc(size);
}

void kfree(void *p)
{
	kmallocs -= p != NULL;
	__builtin_free(p);
}

int copy_from_user(void *dst, u64 src, u64 len)
{
	if (src < USER_BASE || src > USER_BASE + USER_SIZE || len > USER_BASE + USER_SIZE - src)
		return -EFAULT;
	memcpy(dst, user + (src - USER_BASE), len);
	return 0;
}

s64 strncpy_from_user(char *dst, u64 src, u64 max)
{
	for (u64 i = 0; i < max; i++) {
		if (copy_from_user(dst + i, src + i, 1))
			return -EFAULT;
		if (!dst[i])
			return (s64)i;
	}
	return -ENAMETOOLONG;
}

s64 hostcall_make(enum hostcall_nr nr, const struct hostcall_param *params, unsigned count)
{
	assert_int_equal(nr, HC_trace);
	assert_int_equal(count, 1);
	assert_in_range(params[0].len, 1, LINE_MAX);
	memcpy(last, (const void *)params[0].value, params[0].len);
	last[params[0].len] = '\0';
	lines++;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	memset(user, 0, sizeof(user));
	memset(&thread, 0, sizeof(thread));
	lines = 0;
	kmallocs = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(kmallocs, 0);
	return 0;
}

/* Puts bytes into the program's memory and returns their address. */
static u64 put(u64 at, const void *p, u64 len)
{
	memcpy(user + (at - USER_BASE), p, len);
	return at;
}

static u64 put_text(u64 at, const char *text)
{
	return put(at, text, strlen(text) + 1);
}

#define TRACE(nr, result, ...)                                                                     \
	trace_syscall(nr, &(const struct syscall_args){.a = {__VA_ARGS__}}, result)

/* Ignores the padding before "= result". */
static void expect(const char *args, const char *result)
{
	size_t n = strlen(args);

	assert_memory_equal(last, args, n);
	assert_string_equal(last + n + strspn(last + n, " "), result);
}

static void paths_and_flags(void **state)
{
	u64 path = put_text(USER_BASE, "/etc/passwd");

	(void)state;
	TRACE(__NR_openat, 3, (u32)AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0777);
	expect("openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY|O_CLOEXEC)", "= 3");
	TRACE(__NR_openat, -ENOENT, 5, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	expect("openat(5, \"/etc/passwd\", O_WRONLY|O_CREAT|O_TRUNC, 0644)",
	       "= -1 ENOENT (No such file or directory)");
	TRACE(__NR_access, 0, path, 0);
	expect("access(\"/etc/passwd\", F_OK)", "= 0");
	TRACE(__NR_umask, 022, 077);
	expect("umask(077)", "= 022");
}

static void results_are_in_a_column(void **state)
{
	(void)state;
	TRACE(__NR_getpid, 77);
	assert_string_equal(last, "getpid()                                = 77");
}

static void mappings(void **state)
{
	(void)state;
	TRACE(__NR_mmap, 0x7f0000000000, 0, 8192, PROT_READ | PROT_WRITE,
	      MAP_PRIVATE | MAP_ANONYMOUS, (u64)-1, 0);
	expect("mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)",
	       "= 0x7f0000000000");
	TRACE(__NR_mprotect, 0, 0x1000, 4096, 0);
	expect("mprotect(0x1000, 4096, PROT_NONE)", "= 0");
	TRACE(__NR_brk, 0x5000, 0);
	expect("brk(NULL)", "= 0x5000");
	TRACE(__NR_madvise, 0, 0x1000, 4096, MADV_DONTNEED);
	expect("madvise(0x1000, 4096, MADV_DONTNEED)", "= 0");
}

static void buffers_are_quoted_and_cut(void **state)
{
	u64 buf = put(USER_BASE, "a\"\\\n\t\0001\1x", 9);

	(void)state;
	TRACE(__NR_write, 9, 1, buf, 9);
	expect("write(1, \"a\\\"\\\\\\n\\t\\0001\\1x\", 9)", "= 9");
	memset(user, 'x', 100);
	TRACE(__NR_read, 40, 0, buf, 100);
	expect("read(0, \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"..., 100)", "= 40");
	TRACE(__NR_read, -EAGAIN, 0, buf, 100);
	expect("read(0, 0x10000, 100)", "= -1 EAGAIN (Resource temporarily unavailable)");
	TRACE(__NR_read, 0, 0, buf, 100);
	expect("read(0, \"\", 100)", "= 0");
}

static void iovecs(void **state)
{
	struct iovec iov[2] = {
		{(void *)put_text(USER_BASE + 100, "hello"), 5},
		{(void *)put_text(USER_BASE + 200, "world!"), 6},
	};
	u64 at = put(USER_BASE, iov, sizeof(iov));

	(void)state;
	TRACE(__NR_writev, 11, 1, at, 2);
	expect("writev(1, [{iov_base=\"hello\", iov_len=5}, {iov_base=\"world!\", iov_len=6}], 2)",
	       "= 11");
	/* Only bytes that were read are shown. */
	TRACE(__NR_readv, 7, 0, at, 2);
	expect("readv(0, [{iov_base=\"hello\", iov_len=5}, {iov_base=\"wo\", iov_len=6}], 2)",
	       "= 7");
}

static void structures(void **state)
{
	struct __kernel_timespec ts = {1, 500};
	struct rlimit_pair limit = {8192 * 1024, UINT64_MAX};
	struct stat st = {.st_mode = S_IFREG | 0644, .st_size = 77};
	s32 pair[2] = {3, 4};
	u64 a = put(USER_BASE, &ts, sizeof(ts));
	u64 b = put(USER_BASE + 0x100, &limit, sizeof(limit));
	u64 c = put(USER_BASE + 0x200, &st, sizeof(st));
	u64 d = put(USER_BASE + 0x300, pair, sizeof(pair));
	u64 e = put_text(USER_BASE + 0x400, "");

	(void)state;
	TRACE(__NR_nanosleep, 0, a, 0);
	expect("nanosleep({tv_sec=1, tv_nsec=500}, NULL)", "= 0");
	TRACE(__NR_prlimit64, 0, 0, RLIMIT_STACK, 0, b);
	expect("prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY})",
	       "= 0");
	TRACE(__NR_newfstatat, 0, 3, e, c, AT_EMPTY_PATH);
	expect("newfstatat(3, \"\", {st_mode=S_IFREG|0644, st_size=77, ...}, AT_EMPTY_PATH)",
	       "= 0");
	TRACE(__NR_pipe2, 0, d, O_CLOEXEC);
	expect("pipe2([3, 4], O_CLOEXEC)", "= 0");
	TRACE(__NR_pipe2, -EMFILE, d, 0);
	expect("pipe2(0x10300, 0)", "= -1 EMFILE (Too many open files)");
}

static void signals(void **state)
{
	sigset few = SIGBIT(SIGINT) | SIGBIT(SIGCHLD), most = ~few;
	u64 a = put(USER_BASE, &few, sizeof(few));
	u64 b = put(USER_BASE + 8, &most, sizeof(most));
	u64 action[4] = {0x401000, SA_RESTORER | SA_RESTART, 0x402000, 0};
	u64 c = put(USER_BASE + 16, action, sizeof(action));

	(void)state;
	TRACE(__NR_rt_sigprocmask, 0, SIG_BLOCK, a, 0, 8);
	expect("rt_sigprocmask(SIG_BLOCK, [INT CHLD], NULL, 8)", "= 0");
	TRACE(__NR_rt_sigprocmask, 0, SIG_SETMASK, b, 0, 8);
	expect("rt_sigprocmask(SIG_SETMASK, ~[INT CHLD], NULL, 8)", "= 0");
	TRACE(__NR_rt_sigaction, 0, SIGTERM, c, 0, 8);
	expect("rt_sigaction(SIGTERM, {sa_handler=0x401000, sa_mask=[], "
	       "sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x402000}, NULL, 8)",
	       "= 0");
	TRACE(__NR_kill, 0, 1, 40);
	expect("kill(1, SIGRT_8)", "= 0");
}

static void arguments_that_depend_on_others(void **state)
{
	(void)state;
	TRACE(__NR_fcntl, 0, 3, F_GETFD, 99);
	expect("fcntl(3, F_GETFD)", "= 0");
	TRACE(__NR_fcntl, 0, 3, F_SETFD, FD_CLOEXEC);
	expect("fcntl(3, F_SETFD, FD_CLOEXEC)", "= 0");
	TRACE(__NR_fcntl, 0, 3, F_SETFL, O_NONBLOCK | O_RDWR);
	expect("fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK)", "= 0");
	TRACE(__NR_futex, 0, 0x1000, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, 0, 0);
	expect("futex(0x1000, FUTEX_WAKE|FUTEX_PRIVATE_FLAG, 1, 0, NULL, 0)", "= 0");
}

static void interrupted_calls(void **state)
{
	(void)state;
	TRACE(__NR_pause, -ERESTARTNOHAND);
	expect("pause()", "= ? ERESTARTNOHAND (To be restarted if no handler)");
}

static void unknown_numbers(void **state)
{
	(void)state;
	TRACE(400, -ENOSYS, 1, 2, 3, 4, 5, 6);
	expect("syscall_0x190(0x1, 0x2, 0x3, 0x4, 0x5, 0x6)",
	       "= -1 ENOSYS (Function not implemented)");
	TRACE(UINT64_MAX, -ENOSYS, 1, 2, 3, 4, 5, 6);
	TRACE(0, 99999999, 1, 0, 0); /* a result that is larger than the buffer */
}

static void programs_that_are_replaced_or_end(void **state)
{
	u64 argv[3] = {put_text(USER_BASE, "ls"), put_text(USER_BASE + 8, "-l"), 0};
	u64 envp[1] = {0};
	struct syscall_args args = {.a = {
					    put_text(USER_BASE + 16, "/bin/ls"),
					    put(USER_BASE + 64, argv, sizeof(argv)),
					    put(USER_BASE + 128, envp, sizeof(envp)),
				    }};

	(void)state;
	trace_enter(__NR_execve, &args);
	assert_int_equal(lines, 0);
	memset(user, 0xff, sizeof(user)); /* the new program */
	trace_syscall(__NR_execve, &args, 0);
	assert_int_equal(lines, 1);
	expect("execve(\"/bin/ls\", [\"ls\", \"-l\"], 0x10080 /* 0 vars */)", "= 0");
	args.a[0] = 3;
	trace_enter(__NR_exit_group, &args);
	expect("exit_group(3)", "= ?");
	trace_exit(0x300);
	assert_string_equal(last, "+++ exited with 3 +++");
	trace_exit(SIGKILL);
	assert_string_equal(last, "+++ killed by SIGKILL +++");
}

static void a_long_path_leaves_room_for_the_result(void **state)
{
	(void)state;
	memset(user, '\1', USER_SIZE);
	TRACE(__NR_chdir, -ENAMETOOLONG, USER_BASE);
	assert_non_null(strstr(last, "ENAMETOOLONG (File name too long)"));
}

static void every_call_survives_bad_pointers(void **state)
{
	static const u64 bad[] = {0, 1, UNMAPPED, USER_BASE + USER_SIZE - 1, UINT64_MAX};
	static const s64 results[] = {0, 1, INT64_MAX, -EFAULT, -ERESTARTSYS, INT64_MIN};

	(void)state;
	for (u64 nr = 0; nr < 512; nr++)
		for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
			for (unsigned k = 0; k < ARRAY_SIZE(results); k++)
				TRACE(nr, results[k], bad[i], bad[i], bad[i], bad[i], bad[i],
				      bad[i]);
	assert_int_equal(lines, 512 * ARRAY_SIZE(bad) * ARRAY_SIZE(results));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(paths_and_flags),
		TEST(results_are_in_a_column),
		TEST(mappings),
		TEST(buffers_are_quoted_and_cut),
		TEST(iovecs),
		TEST(structures),
		TEST(signals),
		TEST(arguments_that_depend_on_others),
		TEST(interrupted_calls),
		TEST(unknown_numbers),
		TEST(programs_that_are_replaced_or_end),
		TEST(a_long_path_leaves_room_for_the_result),
		TEST(every_call_survives_bad_pointers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
