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
#undef OUT_SIZE
#include "kernel/syscall/trace_line.c"
#include "kernel/syscall/trace_names.c"
#include "kernel/syscall/trace_structs.c"
#include "kernel/syscall/trace_args.c"
#define msghdr	trace_msghdr
#define cmsghdr trace_cmsghdr
#include "kernel/syscall/trace_socket.c"

/* The program's memory: [USER_BASE, +USER_SIZE), nothing else is mapped. */
#define USER_BASE 0x10000UL
#define USER_SIZE 0x10000UL
#define UNMAPPED  0xdead0000UL
#define OUT_MAX	  4096

static u8 user[USER_SIZE];
static struct thread threads[2];
static struct process process;
static unsigned running; /* index of the current thread */
static struct boot_info info;
const struct boot_info *boot = &info;
static char last[OUT_MAX + 1]; /* the last text sent, without its newline */
static char all[OUT_MAX * 4];  /* all text sent since the test began */
static unsigned lines;
static s64 kmallocs;

static struct thread *test_thread(void)
{
	return &threads[running];
}

void mutex_lock(struct mutex *m)
{
	assert_int_equal(m->word, 0);
	m->word = 1;
}

void mutex_unlock(struct mutex *m)
{
	m->word = 0;
}

u32 nproc_count(void)
{
	return ARRAY_SIZE(threads);
}

u64 clock_monotonic_ns(void)
{
	static u64 now;

	return now += 1000000;
}

u64 clock_realtime_ns(void)
{
	return 1700000000UL * NSEC_PER_SEC + 42000;
}

/* Descriptor 7 is the only open one. */
struct ofile *fd_get(s32 fd)
{
	return fd == 7 ? (struct ofile *)user : NULL;
}

s64 ofile_name(struct ofile *f, char *buf, u64 size)
{
	assert_ptr_equal(f, user);
	return __builtin_snprintf(buf, size, "/etc/passwd");
}

void ofile_put(struct ofile *f)
{
	assert_ptr_equal(f, user);
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
	assert_int_equal(count, 2);
	assert_in_range(params[1].len, 1, OUT_MAX);
	memcpy(last, (const void *)params[1].value, params[1].len);
	last[params[1].len] = '\0';
	if (strlen(all) + params[1].len < sizeof(all))
		memcpy(all + strlen(all), last, params[1].len + 1);
	for (const char *ch = last; *ch; ch++)
		lines += *ch == '\n';
	if (last[params[1].len - 1] == '\n')
		last[params[1].len - 1] = '\0';
	return 0;
}

static int setup(void **state)
{
	(void)state;
	memset(user, 0, sizeof(user));
	memset(threads, 0, sizeof(threads));
	for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
		threads[i].tid = 100 + (s32)i;
		threads[i].proc = &process;
	}
	process.pid = 100;
	running = 0;
	memset(&info, 0, sizeof(info));
	info.flags = BOOT_TRACE;
	info.trace.length = 32;
	/* Without pids, which the tests of threads ask for. */
	info.trace.flags = BOOT_TRACE_EACH;
	memset(info.trace.calls, 0xff, sizeof(info.trace.calls));
	out.len = 0;
	out.open = NULL;
	all[0] = '\0';
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
	expect("futex(0x1000, FUTEX_WAKE_PRIVATE, 1)", "= 0");
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
	trace_enter(__NR_execve, &args, 0);
	assert_int_equal(lines, 0);
	memset(user, 0xff, sizeof(user)); /* the new program */
	trace_syscall(__NR_execve, &args, 0);
	assert_int_equal(lines, 1);
	expect("execve(\"/bin/ls\", [\"ls\", \"-l\"], 0x10080 /* 0 vars */)", "= 0");
	args.a[0] = 3;
	trace_enter(__NR_exit_group, &args, 0);
	expect("exit_group(3)", "= ?");
	trace_exit(0x300);
	assert_string_equal(last, "+++ exited with 3 +++");
	trace_exit(SIGKILL);
	assert_string_equal(last, "+++ killed by SIGKILL +++");
}

/* The text of two threads, each with pids as in a file. */
static void calls_of_two_threads_interrupt_each_other(void **state)
{
	struct syscall_args reads = {.a = {0, put_text(USER_BASE, "hi"), 2}};
	struct syscall_args none = {.a = {0}};

	(void)state;
	info.trace.flags = BOOT_TRACE_FILE;
	trace_enter(__NR_read, &reads, 0);
	running = 1;
	trace_enter(__NR_getpid, &none, 0);
	trace_syscall(__NR_getpid, &none, 100);
	running = 0;
	trace_syscall(__NR_read, &reads, 2);
	assert_int_equal(lines, 0); /* nothing is sent before it has to be */
	trace_flush();
	assert_string_equal(all, "100   read(0,  <unfinished ...>\n"
				 "101   getpid()                          = 100\n"
				 "100   <... read resumed>\"hi\", 2)        = 2\n");
}

static void a_reader_sees_the_call_that_a_thread_waits_in(void **state)
{
	struct syscall_args args = {.a = {5, 0}};

	(void)state;
	info.trace.flags = BOOT_TRACE_FILE;
	trace_enter(__NR_flock, &args, 0);
	trace_flush();
	assert_string_equal(last, "100   flock(5, 0");
	trace_syscall(__NR_flock, &args, 0);
	trace_flush();
	assert_string_equal(all, "100   flock(5, 0)                       = 0\n");
}

static void pids_only_while_there_are_two(void **state)
{
	(void)state;
	info.trace.flags = 0;
	TRACE(__NR_getpid, 77);
	assert_string_equal(last, "[pid   100] getpid()                    = 77");
}

static void a_filter_leaves_out_calls_and_keeps_signals(void **state)
{
	siginfo_t si = {.si_signo = SIGCHLD, .si_code = CLD_KILLED};

	(void)state;
	memset(info.trace.calls, 0, sizeof(info.trace.calls));
	info.trace.calls[__NR_close / 64] |= 1UL << __NR_close % 64;
	TRACE(__NR_getpid, 77);
	assert_int_equal(lines, 0);
	TRACE(__NR_close, 0, 3);
	expect("close(3)", "= 0");
	si.si_pid = 9;
	si.si_status = SIGTERM;
	trace_signal(&si);
	assert_string_equal(last, "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=9, "
				  "si_uid=0, si_status=SIGTERM, si_utime=0, si_stime=0} ---");
}

static void paths_times_and_lengths(void **state)
{
	u64 text = put_text(USER_BASE, "abcdefgh");

	(void)state;
	info.trace.flags |= BOOT_TRACE_PATHS;
	TRACE(__NR_openat, 7, 3, text, O_RDONLY, 0);
	expect("openat(3, \"abcdefgh\", O_RDONLY)", "= 7</etc/passwd>");
	info.trace.length = 3;
	TRACE(__NR_write, 8, 7, text, 8);
	expect("write(7</etc/passwd>, \"abc\"..., 8)", "= 8");
	info.trace.flags = BOOT_TRACE_EACH | BOOT_TRACE_TIME;
	trace_enter(__NR_getpid, &(const struct syscall_args){.a = {0}}, 0);
	trace_syscall(__NR_getpid, &(const struct syscall_args){.a = {0}}, 1);
	assert_string_equal(last, "1700000000.000042 getpid()              = 1 <0.001000>");
}

static void a_string_that_is_longer_than_a_chunk(void **state)
{
	char expected[400];

	(void)state;
	memset(user, 'x', 200);
	user[CHUNK - 1] = 1; /* what follows decides how it is written */
	user[CHUNK] = '7';
	info.trace.length = 300;
	TRACE(__NR_write, 150, 1, USER_BASE, 150);
	snprintf(expected, sizeof(expected), "write(1, \"%.63s\\0017%.85s\", 150)",
		 (const char *)user, (const char *)user + CHUNK + 1);
	expect(expected, "= 150");
}

static void a_summary_in_place_of_lines(void **state)
{
	struct syscall_args args = {.a = {0}};

	(void)state;
	info.trace.flags = BOOT_TRACE_SUMMARY;
	for (int i = 0; i < 3; i++) {
		trace_enter(__NR_close, &args, 0);
		trace_syscall(__NR_close, &args, i ? 0 : -EBADF);
	}
	assert_int_equal(lines, 0);
	trace_end();
	assert_non_null(strstr(all, "100.00     0.003000        1000         3         1 close\n"));
	assert_non_null(strstr(all, "         3         1 total\n"));
}

static void sockets(void **state)
{
	u8 in[16] = {AF_INET, 0, 0, 80, 127, 0, 0, 1};
	u8 local[] = {AF_UNIX, 0, 0, 'a', 'b', 1, 'x'};
	u8 in6[28] = {AF_INET6, 0, 1, 187, [8] = 0x20, 1, 0xd, 0xb8, [23] = 1};
	s32 len = 110, one = 1;
	u64 a = put(USER_BASE, in, sizeof(in)), b = put(USER_BASE + 64, local, sizeof(local));
	u64 c = put(USER_BASE + 128, in6, sizeof(in6)), n = put(USER_BASE + 256, &len, 4);
	u64 o = put(USER_BASE + 260, &one, 4);
	struct syscall_args args = {.a = {3, b, n}};

	(void)state;
	TRACE(__NR_connect, 0, 3, a, 16);
	expect("connect(3, {sa_family=AF_INET, sin_port=htons(80), "
	       "sin_addr=inet_addr(\"127.0.0.1\")}, 16)",
	       "= 0");
	TRACE(__NR_bind, 0, 3, b, 7);
	expect("bind(3, {sa_family=AF_UNIX, sun_path=@\"ab\\1x\"}, 7)", "= 0");
	TRACE(__NR_bind, 0, 3, b, 2);
	expect("bind(3, {sa_family=AF_UNIX}, 2)", "= 0");
	TRACE(__NR_connect, 0, 3, c, 28);
	expect("connect(3, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), "
	       "inet_pton(AF_INET6, \"2001:db8::1\", &sin6_addr), sin6_scope_id=0}, 28)",
	       "= 0");
	TRACE(__NR_setsockopt, 0, 3, SOL_SOCKET, SO_REUSEADDR, o, 4);
	expect("setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4)", "= 0");
	/* The length before the call, and after it. */
	trace_enter(__NR_getsockname, &args, 0);
	len = 2;
	put(USER_BASE + 256, &len, 4);
	trace_syscall(__NR_getsockname, &args, 0);
	expect("getsockname(3, {sa_family=AF_UNIX}, [110 => 2])", "= 0");
}

static void messages_with_ancillary_data(void **state)
{
	struct {
		u64 len;
		s32 level, type, fd[2];
	} control = {24, SOL_SOCKET, SCM_RIGHTS, {4, 7}};
	struct iovec iov = {(void *)put_text(USER_BASE, "x"), 1};
	u64 at = put(USER_BASE + 64, &iov, sizeof(iov));
	u64 cm = put(USER_BASE + 128, &control, sizeof(control));
	struct trace_msghdr m = {.iov = at, .iov_len = 1, .control = cm, .control_len = 24};
	u64 msg = put(USER_BASE + 256, &m, sizeof(m));

	(void)state;
	TRACE(__NR_sendmsg, 1, 3, msg, MSG_NOSIGNAL);
	expect("sendmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"x\", iov_len=1}], "
	       "msg_iovlen=1, msg_control=[{cmsg_len=24, cmsg_level=SOL_SOCKET, "
	       "cmsg_type=SCM_RIGHTS, cmsg_data=[4, 7]}], msg_controllen=24, msg_flags=0}, "
	       "MSG_NOSIGNAL)",
	       "= 1");
}

static void results_that_say_more(void **state)
{
	struct pollfd p[2] = {{3, POLLIN, 0}, {4, POLLOUT, POLLOUT}};
	u64 at = put(USER_BASE, p, sizeof(p));
	u64 set = 1 << 3;
	u64 in = put(USER_BASE + 128, &set, sizeof(set));

	(void)state;
	TRACE(__NR_poll, 1, at, 2, (u64)-1);
	expect("poll([{fd=3, events=POLLIN}, {fd=4, events=POLLOUT}], 2, -1)",
	       "= 1 ([{fd=4, revents=POLLOUT}])");
	TRACE(__NR_poll, 0, at, 1, 5);
	expect("poll([{fd=3, events=POLLIN}], 1, 5)", "= 0 (Timeout)");
	TRACE(__NR_select, 1, 4, in, 0, 0, 0);
	expect("select(4, [3], NULL, NULL, NULL)", "= 1 (in [3])");
	TRACE(__NR_fcntl, 0x8002, 3, F_GETFL);
	expect("fcntl(3, F_GETFL)", "= 0x8002 (flags O_RDWR|O_LARGEFILE)");
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
		TEST(calls_of_two_threads_interrupt_each_other),
		TEST(a_reader_sees_the_call_that_a_thread_waits_in),
		TEST(pids_only_while_there_are_two),
		TEST(a_filter_leaves_out_calls_and_keeps_signals),
		TEST(paths_times_and_lengths),
		TEST(a_string_that_is_longer_than_a_chunk),
		TEST(a_summary_in_place_of_lines),
		TEST(sockets),
		TEST(messages_with_ancillary_data),
		TEST(results_that_say_more),
		TEST(a_long_path_leaves_room_for_the_result),
		TEST(every_call_survives_bad_pointers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
