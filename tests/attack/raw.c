// SPDX-License-Identifier: MIT
/*
 * Attempts by a program that owns its guest kernel: in the ring-3 mode a program can write the
 * hostcall area of its vCPU and ring the doorbell, without any system call of the kernel's. What
 * stops it is the monitor alone.
 *
 * A program finds its vCPU by a system call: the entry code notes the stack pointer in the data
 * page. The runner starts these attempts with --no-patch, so that a system call is one, and with
 * one CPU.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <time.h>
#include <unistd.h>
#include "attack.h"
#include "common/hostcall.h"
#include "common/layout.h"

#define AREAS 64

static unsigned me;	/* the vCPU that runs this program */
static unsigned filled; /* bytes of the area that are in use */

static unsigned long area(unsigned id)
{
	return VCPU_AREA_BASE + id * VCPU_AREA_STRIDE;
}

static volatile struct vcpu_data *data_page(unsigned id)
{
	return (volatile struct vcpu_data *)(area(id) + PAGE_SIZE);
}

static volatile struct hostcall_frame *frame(void)
{
	return (volatile struct hostcall_frame *)(area(me) + 2 * PAGE_SIZE);
}

void raw_begin(void)
{
	unsigned long sp;

	__asm__ volatile("mov %%rsp, %0; syscall" : "=&r"(sp) : "a"(39) : "rcx", "r11", "memory");
	for (me = 0; me < AREAS; me++)
		if (data_page(me)->user_rsp == sp)
			break;
	filled = 256;
}

static unsigned put(const void *bytes, unsigned len)
{
	unsigned at = filled;

	memset((char *)frame() + at, 0, len);
	if (bytes)
		memcpy((char *)frame() + at, bytes, len);
	filled += (len + 15) & ~15U;
	return at;
}

unsigned long raw_buffer(const void *bytes, unsigned len)
{
	return (unsigned long)put(bytes, len) << 32 | len;
}

unsigned long raw_path(const char *path)
{
	return raw_buffer(path, (unsigned)strlen(path) + 1);
}

void *raw_at(unsigned long buffer)
{
	return (char *)frame() + (buffer >> 32);
}

/* The last page of vCPU 0's area, whose guest-physical address is known. */
void *raw_shared(void)
{
	return (void *)(area(0) + 5 * PAGE_SIZE);
}

unsigned long raw_segs(unsigned len)
{
	struct hostcall_seg seg = {GPA_VCPU0 + 4 * PAGE_SIZE, len};

	return raw_buffer(&seg, sizeof(seg));
}

long raw(unsigned nr, ...)
{
	volatile struct hostcall_frame *f = frame();
	va_list ap;

	va_start(ap, nr);
	f->nr = nr;
	for (unsigned i = 0; i < HOSTCALL_ARGS; i++)
		f->arg[i] = 0;
	for (unsigned i = 0; i < HOSTCALL_ARGS; i++) {
		unsigned long arg = va_arg(ap, unsigned long);

		if (arg == RAW_END)
			break;
		f->arg[i] = arg;
	}
	va_end(ap);
	f->wakes = 0;
	f->state = HOSTCALL_IDLE;
	data_page(me)->in_program = 0;
	*(volatile unsigned *)DOORBELL_VA = 1;
	data_page(me)->in_program = 1;
	return f->ret;
}

/* The result of a hostcall, as REACHED wants it. */
static bool ok(long ret)
{
	errno = ret < 0 ? (int)-ret : 0;
	return ret >= 0;
}

#define NONE	      ((unsigned long)-1)
#define RAW_CALL(...) ok(raw(__VA_ARGS__, RAW_END))

/* Reads the bait through a handle. */
static bool handle_is_bait(long handle)
{
	if (!ok(handle))
		return false;
	memset(raw_shared(), 0, 16);
	return RAW_CALL(HC_preadv2, (unsigned long)handle, raw_segs(4), 0UL, 0UL) &&
	       !memcmp(raw_shared(), BAIT_TEXT, 4);
}

static long raw_open(const char *path, unsigned long flags)
{
	return raw(HC_openat, NONE, raw_path(path), flags, 0600UL, RAW_END);
}

#define RAW_ATTEMPT(name) ATTEMPT("raw", name, RAW, "")

RAW_ATTEMPT(raw_open_file)
{
	raw_begin();
	REACHED(handle_is_bait(raw_open("/bait/secret", O_RDONLY)));
}

RAW_ATTEMPT(raw_open_denied)
{
	raw_begin();
	REACHED(handle_is_bait(raw_open("/play/denied/secret", O_RDONLY)));
}

RAW_ATTEMPT(raw_open_with_dots)
{
	raw_begin();
	REACHED(handle_is_bait(raw_open("/play/../bait/secret", O_RDONLY)));
}

RAW_ATTEMPT(raw_open_for_writing)
{
	raw_begin();
	REACHED(ok(raw_open("/ro/file", O_WRONLY)));
}

RAW_ATTEMPT(raw_open_truncates)
{
	raw_begin();
	REACHED(ok(raw_open("/ro/file", O_RDONLY | O_TRUNC)));
}

RAW_ATTEMPT(raw_create)
{
	raw_begin();
	REACHED(ok(raw_open("/bait/dir/new", O_WRONLY | O_CREAT)));
}

RAW_ATTEMPT(raw_open_from_root_handle)
{
	raw_begin();
	for (unsigned long root = 0; root < 64; root++)
		if (handle_is_bait(
			    raw(HC_openat, root, raw_path("bait/secret"), 0UL, 0UL, RAW_END)))
			return 0;
	errno = EACCES;
	REACHED(false);
}

RAW_ATTEMPT(raw_open_upwards_from_any_handle)
{
	for (unsigned long dir = 0; dir < 64; dir++) {
		raw_begin();
		if (handle_is_bait(raw(HC_openat, dir, raw_path("../../../../bait/secret"), 0UL,
				       0UL, RAW_END)))
			return 0;
	}
	errno = EACCES;
	REACHED(false);
}

RAW_ATTEMPT(raw_openat2)
{
	struct open_how how = {.flags = O_RDONLY};

	raw_begin();
	REACHED(handle_is_bait(raw(HC_openat2, NONE, raw_path("/bait/secret"),
				   raw_buffer(&how, sizeof(how)), RAW_END)));
}

RAW_ATTEMPT(raw_openat2_from_handles)
{
	struct open_how how = {.flags = O_RDONLY};

	for (unsigned long dir = 0; dir < 64; dir++) {
		raw_begin();
		if (handle_is_bait(raw(HC_openat2, dir, raw_path("/bait/secret"),
				       raw_buffer(&how, sizeof(how)), RAW_END)))
			return 0;
	}
	errno = EACCES;
	REACHED(false);
}

RAW_ATTEMPT(raw_open_stat)
{
	raw_begin();
	REACHED(handle_is_bait(raw(HC_open_stat, NONE, raw_path("/bait/secret"), 0UL, 0UL,
				   raw_buffer(NULL, sizeof(struct stat)), RAW_END)));
}

RAW_ATTEMPT(raw_symlink_and_open)
{
	raw_begin();
	raw(HC_symlinkat, raw_path("/bait/secret"), NONE, raw_path("/play/own"), RAW_END);
	REACHED(handle_is_bait(raw_open("/play/own", O_RDONLY)));
}

RAW_ATTEMPT(raw_open_by_own_procfs)
{
	raw_begin();
	REACHED(handle_is_bait(raw_open("/proc/self/root/bait/secret", O_RDONLY)));
}

RAW_ATTEMPT(raw_mounts_of_the_monitor)
{
	char text[4097] = "";
	long fd;

	raw_begin();
	fd = raw_open("/proc/self/mountinfo", O_RDONLY);
	if (!ok(fd) || !RAW_CALL(HC_preadv2, (unsigned long)fd, raw_segs(4096), 0UL, 0UL))
		return errno;
	memcpy(text, raw_shared(), 4096);
	errno = ENOENT;
	REACHED(strstr(text, " /usr "));
}

RAW_ATTEMPT(raw_stat)
{
	raw_begin();
	REACHED(RAW_CALL(HC_newfstatat, NONE, raw_path("/bait/secret"),
			 raw_buffer(NULL, sizeof(struct stat)), 0UL));
}

RAW_ATTEMPT(raw_statx)
{
	raw_begin();
	REACHED(RAW_CALL(HC_statx, NONE, raw_path("/bait/secret"), 0UL, 0xfffUL,
			 raw_buffer(NULL, 256)));
}

RAW_ATTEMPT(raw_access)
{
	raw_begin();
	REACHED(RAW_CALL(HC_faccessat2, NONE, raw_path("/bait/secret"), (unsigned long)R_OK, 0UL));
}

RAW_ATTEMPT(raw_readlink)
{
	raw_begin();
	REACHED(RAW_CALL(HC_readlinkat, NONE, raw_path("/bait/link"), raw_buffer(NULL, 64)));
}

RAW_ATTEMPT(raw_statfs)
{
	raw_begin();
	REACHED(RAW_CALL(HC_statfs, NONE, raw_path("/bait/secret"), raw_buffer(NULL, 120)));
}

RAW_ATTEMPT(raw_make_directory)
{
	raw_begin();
	REACHED(RAW_CALL(HC_mkdirat, NONE, raw_path("/bait/dir/new"), 0700UL));
}

RAW_ATTEMPT(raw_make_node)
{
	raw_begin();
	REACHED(RAW_CALL(HC_mknodat, NONE, raw_path("/bait/dir/new"),
			 (unsigned long)(S_IFIFO | 0600), 0UL));
}

RAW_ATTEMPT(raw_unlink)
{
	raw_begin();
	REACHED(RAW_CALL(HC_unlinkat, NONE, raw_path("/bait/target"), 0UL));
}

RAW_ATTEMPT(raw_rename)
{
	raw_begin();
	REACHED(RAW_CALL(HC_renameat2, NONE, raw_path("/bait/target"), NONE, raw_path("/play/mine"),
			 0UL));
}

RAW_ATTEMPT(raw_rename_denied)
{
	raw_begin();
	REACHED(RAW_CALL(HC_renameat2, NONE, raw_path("/play/denied"), NONE, raw_path("/play/free"),
			 0UL));
}

RAW_ATTEMPT(raw_link)
{
	raw_begin();
	REACHED(RAW_CALL(HC_linkat, NONE, raw_path("/bait/target"), NONE, raw_path("/play/mine"),
			 0UL));
}

RAW_ATTEMPT(raw_symlink_in_bait)
{
	raw_begin();
	REACHED(RAW_CALL(HC_symlinkat, raw_path("x"), NONE, raw_path("/bait/dir/new")));
}

RAW_ATTEMPT(raw_chmod)
{
	raw_begin();
	REACHED(RAW_CALL(HC_fchmodat, NONE, raw_path("/bait/own"), 0640UL));
}

RAW_ATTEMPT(raw_chmod_2)
{
	raw_begin();
	REACHED(RAW_CALL(HC_fchmodat2, NONE, raw_path("/bait/own"), 0640UL, 0UL));
}

RAW_ATTEMPT(raw_chown)
{
	raw_begin();
	REACHED(RAW_CALL(HC_fchownat, NONE, raw_path("/bait/own"), NONE, (unsigned long)getgid(),
			 0UL));
}

RAW_ATTEMPT(raw_utimens)
{
	raw_begin();
	REACHED(RAW_CALL(HC_utimensat, NONE, raw_path("/bait/own"), raw_buffer(NULL, 0), 0UL));
}

RAW_ATTEMPT(raw_truncate)
{
	raw_begin();
	REACHED(RAW_CALL(HC_truncate, NONE, raw_path("/bait/target"), 0UL));
}

RAW_ATTEMPT(raw_list_xattrs)
{
	raw_begin();
	REACHED(RAW_CALL(HC_xattr_list, NONE, raw_path("/bait/secret"), 0UL, raw_segs(64)));
}

RAW_ATTEMPT(raw_watch)
{
	long fd;

	raw_begin();
	fd = raw(HC_inotify_init1, 0UL, RAW_END);
	REACHED(ok(fd) && RAW_CALL(HC_inotify_add_watch, (unsigned long)fd, NONE,
				   raw_path("/bait/secret"), (unsigned long)IN_ALL_EVENTS));
}

RAW_ATTEMPT(raw_name_to_handle)
{
	raw_begin();
	REACHED(RAW_CALL(HC_name_to_handle, NONE, raw_path("/bait/secret"), raw_buffer(NULL, 136),
			 raw_buffer(NULL, 8), 0UL));
}

RAW_ATTEMPT(raw_lookup)
{
	raw_begin();
	REACHED(RAW_CALL(HC_newfstatat, NONE, raw_path("/proc/self/root/bait/secret"),
			 raw_buffer(NULL, sizeof(struct stat)), 0UL));
}

RAW_ATTEMPT(raw_mounts)
{
	/* struct mnt_id_req: the root of the mount namespace (LSMT_ROOT) */
	unsigned long request[3] = {24, ~0UL, 0};

	raw_begin();
	REACHED(RAW_CALL(HC_listmount, raw_buffer(request, sizeof(request)), raw_buffer(NULL, 512),
			 0UL));
}

RAW_ATTEMPT(raw_reopen_for_writing)
{
	long fd;

	raw_begin();
	fd = raw_open("/ro/file", O_RDONLY);
	REACHED(ok(fd) && ok(raw(HC_reopen, (unsigned long)fd, (unsigned long)O_RDWR, RAW_END)));
}

ATTEMPT("raw", raw_reopen_input, RAW, "stdin=/bait/target")
{
	raw_begin();
	REACHED(ok(raw(HC_reopen, 0UL, (unsigned long)O_RDWR, RAW_END)));
}

RAW_ATTEMPT(raw_connect_by_path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/bait/sock"};
	long fd;

	raw_begin();
	fd = raw(HC_socket, (unsigned long)AF_UNIX, (unsigned long)SOCK_STREAM, 0UL, RAW_END);
	REACHED(ok(fd) &&
		RAW_CALL(HC_connect, (unsigned long)fd, NONE, raw_buffer(&un, sizeof(un))));
}

RAW_ATTEMPT(raw_bind_by_path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/bait/dir/new"};
	long fd;

	raw_begin();
	fd = raw(HC_socket, (unsigned long)AF_UNIX, (unsigned long)SOCK_STREAM, 0UL, RAW_END);
	REACHED(ok(fd) && RAW_CALL(HC_bind, (unsigned long)fd, NONE, raw_buffer(&un, sizeof(un))));
}

RAW_ATTEMPT(raw_abstract_name)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0bait"};
	long fd;

	raw_begin();
	fd = raw(HC_socket, (unsigned long)AF_UNIX, (unsigned long)SOCK_STREAM, 0UL, RAW_END);
	REACHED(ok(fd) && RAW_CALL(HC_connect, (unsigned long)fd, NONE,
				   raw_buffer(&un, offsetof(struct sockaddr_un, sun_path) + 5)));
}

RAW_ATTEMPT(raw_internet_socket)
{
	raw_begin();
	REACHED(RAW_CALL(HC_socket, (unsigned long)AF_INET, (unsigned long)SOCK_STREAM, 0UL));
}

RAW_ATTEMPT(raw_datagram_socket)
{
	raw_begin();
	REACHED(RAW_CALL(HC_socket, (unsigned long)AF_INET6, (unsigned long)SOCK_DGRAM, 0UL));
}

static bool raw_connects(unsigned short port, const char *host)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	long fd;

	inet_pton(AF_INET, host, &to.sin_addr);
	raw_begin();
	fd = raw(HC_socket, (unsigned long)AF_INET, (unsigned long)SOCK_STREAM, 0UL, RAW_END);
	return ok(fd) && RAW_CALL(HC_connect, (unsigned long)fd, NONE, raw_buffer(&to, sizeof(to)));
}

ATTEMPT("raw", raw_connect_elsewhere, RAW, "--allow-net=127.0.0.1:4712")
{
	REACHED(raw_connects(BAIT_PORT, "127.0.0.1"));
}

ATTEMPT("raw", raw_fast_open, RAW, "--allow-net=127.0.0.1:4712")
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(BAIT_PORT)};
	long fd;

	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	raw_begin();
	fd = raw(HC_socket, (unsigned long)AF_INET, (unsigned long)SOCK_STREAM, 0UL, RAW_END);
	REACHED(ok(fd) && RAW_CALL(HC_sendmsg, (unsigned long)fd, NONE, raw_buffer(&to, sizeof(to)),
				   raw_segs(4), raw_buffer(NULL, 0), (unsigned long)MSG_FASTOPEN));
}

RAW_ATTEMPT(raw_signal_parent)
{
	raw_begin();
	REACHED(RAW_CALL(HC_kill_outside, (unsigned long)(getppid() ? getppid() : 99999), 0UL));
}

ATTEMPT("raw", raw_signal_group, RAW, "log")
{
	raw_begin();
	REACHED(RAW_CALL(HC_kill_outside, 0UL, (unsigned long)SIGUSR1));
}

/* The monitor's own descriptors have numbers, too. */
RAW_ATTEMPT(raw_handles_that_are_open)
{
	/* Without the sandbox each number that the program was given works; here the root's must
	 * not. */
	for (unsigned long fd = 3; fd < 1024; fd++) {
		raw_begin();
		if (ok(raw(HC_newfstatat, fd, raw_path("bait"), raw_buffer(NULL, 144), 0UL,
			   RAW_END)))
			return 0;
	}
	errno = EBADF;
	REACHED(false);
}

ATTEMPT("raw", raw_identity, RAW | AS_ROOT, "--read=/bait/private")
{
	struct hostcall_ids ids = {0};

	memset(&ids, 0, sizeof(ids));
	raw_begin();
	/* Every capability; the bait is another user's file of mode 0600. */
	ids.caps = ~0UL;
	raw(HC_ids, raw_buffer(&ids, sizeof(ids)), raw_buffer(NULL, 0), RAW_END);
	REACHED(handle_is_bait(raw_open("/bait/private", O_RDONLY)));
}

/* ---- random calls --------------------------------------------------------------------------- */

static unsigned long seed = 88172645463325252UL;

static unsigned long pick(unsigned long below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

/*
 * Calls on names, with the letters of their arguments: h a handle, p a path, i a number, b a
 * buffer, s segments. None of them sleeps on what these paths name.
 */
static const struct {
	unsigned nr;
	const char *args;
} calls_on_names[] = {
	{HC_openat, "hpii"},
	{HC_openat2, "hpb"},
	{HC_open_stat, "hpiib"},
	{HC_newfstatat, "hpbi"},
	{HC_statx, "hpiib"},
	{HC_readlinkat, "hpb"},
	{HC_faccessat2, "hpii"},
	{HC_mkdirat, "hpi"},
	{HC_mknodat, "hpii"},
	{HC_unlinkat, "hpi"},
	{HC_renameat2, "hphpi"},
	{HC_linkat, "hphpi"},
	{HC_symlinkat, "php"},
	{HC_fchmodat, "hpi"},
	{HC_fchmodat2, "hpii"},
	{HC_fchownat, "hpiii"},
	{HC_utimensat, "hpbi"},
	{HC_statfs, "hpb"},
	{HC_truncate, "hpi"},
	{HC_xattr_list, "hpis"},
	{HC_xattr_remove, "hpip"},
	{HC_xattr_set, "hpipsi"},
	{HC_reopen, "hi"},
	{HC_inotify_add_watch, "hhpi"},
	{HC_name_to_handle, "hpbbi"},
	{HC_handle_path, "hb"},
	{HC_ftruncate, "hi"},
	{HC_fchmod, "hi"},
	{HC_fchown, "hii"},
	{HC_futimens, "hb"},
	{HC_fremovexattr, "hp"},
	{HC_pwritev2, "hsii"},
	{HC_getdents64, "hb"},
};

static unsigned long random_path(void)
{
	static const char *const paths[] = {
		"/bait/secret",
		"/bait/target",
		"/bait/dir",
		"/bait/dir/new",
		"/bait/own",
		"/bait",
		"../bait/target",
		"../../bait/own",
		"/ro/file",
		"/ro/out",
		"/play/denied",
		"/play/denied/secret",
		"/play/nest/denied",
		"/play/a",
		"/play/b",
		"/play/sub",
		"/play/sub/../../bait",
		"secret",
		"target",
		"..",
		".",
		"",
		"/proc/self/root",
		"/proc/self/fd/0",
		"/proc/self/cwd/bait",
		"/proc/1/root/bait",
		"bait/target",
		"denied/secret",
	};

	return raw_path(paths[pick(sizeof(paths) / sizeof(paths[0]))]);
}

static unsigned long random_number(void)
{
	static const unsigned long numbers[] = {
		0,     1,     2,      0100, 01000, 0200000, 0400000, 010000000, 0x100,	   0x200,
		0x400, 0x800, 0x1000, 0644, 0777,  04755,   ~0UL,    65534,	~0UL - 99, 0x14,
	};

	return pick(4) ? numbers[pick(sizeof(numbers) / sizeof(numbers[0]))] : pick(1UL << 22);
}

static void random_call(void)
{
	unsigned long arg[HOSTCALL_ARGS] = {0},
		      i = pick(sizeof(calls_on_names) / sizeof(calls_on_names[0]));
	const char *kinds = calls_on_names[i].args;

	raw_begin();
	for (unsigned n = 0; kinds[n]; n++) {
		switch (kinds[n]) {
		case 'h':
			arg[n] = pick(3) ? pick(40) : NONE;
			break;
		case 'p':
			arg[n] = random_path();
			break;
		case 'b':
			arg[n] = raw_buffer(NULL, pick(2) ? 24 : (unsigned)pick(300));
			break;
		case 's':
			arg[n] = raw_segs((unsigned)pick(64));
			break;
		default:
			arg[n] = random_number();
			break;
		}
	}
	raw(calls_on_names[i].nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5], arg[6], RAW_END);
}

/* The runner sees whether the bait has changed; what they read the other attempts look at. */
RAW_ATTEMPT(raw_random_calls)
{
	/* Pipes and terminals have no names here, so nothing of this sleeps; an alarm ends it. */
	alarm(20);
	for (int i = 0; i < 20000; i++)
		random_call();
	errno = EACCES;
	REACHED(false);
}

/* ---- limits --------------------------------------------------------------------------------- */

#define MIB (1UL << 20)

ATTEMPT("limits", raw_memory_file, RAW | LIMIT, "--mem=64M")
{
	long fd;

	raw_begin();
	fd = raw(HC_memfd_create, raw_path("m"), 0UL, RAW_END);
	REACHED(ok(fd) && RAW_CALL(HC_fallocate, (unsigned long)fd, 0UL, 0UL, 512 * MIB));
}

ATTEMPT("limits", raw_memory_file_by_writes, RAW | LIMIT, "--mem=64M")
{
	long fd;

	raw_begin();
	fd = raw(HC_memfd_create, raw_path("m"), 0UL, RAW_END);
	/* Far behind its end, so the file gets large; its pages come one by one. */
	for (unsigned long at = 0; at < 256 * MIB; at += 4096)
		if (!RAW_CALL(HC_pwritev2, (unsigned long)fd, (raw_begin(), raw_segs(4096)), at,
			      0UL))
			REACHED(false);
	return 0;
}

ATTEMPT("limits", raw_large_pipe, RAW | LIMIT | AS_ROOT, "--mem=64M")
{
	unsigned long to;
	const int *ends;

	raw_begin();
	to = raw_buffer(NULL, 2 * sizeof(int));
	if (!RAW_CALL(HC_pipe2, 0UL, to))
		REACHED(false);
	ends = raw_at(to);
	REACHED(RAW_CALL(HC_fcntl, (unsigned long)ends[1], (unsigned long)F_SETPIPE_SZ, 256 * MIB));
}

ATTEMPT("limits", raw_ram, RAW | LIMIT, "--mem=64M")
{
	unsigned long got = 0;

	raw_begin();
	for (int i = 0; i < 64; i++) {
		struct hostcall_ram *ram;
		unsigned long to;

		raw_begin();
		to = raw_buffer(NULL, sizeof(*ram));
		if (!RAW_CALL(HC_ram_grow, 64 * MIB, to))
			break;
		ram = raw_at(to);
		got += ram->size;
	}
	errno = ENOMEM;
	REACHED(got > 64 * MIB);
}

ATTEMPT("limits", raw_cpus, RAW | LIMIT, "--cpus=1")
{
	unsigned long all[16], mask;

	memset(all, 0xff, sizeof(all));
	raw_begin();
	mask = raw_buffer(NULL, sizeof(all));
	errno = EINVAL;
	raw(HC_sched_setaffinity, 0UL, raw_buffer(all, sizeof(all)), RAW_END);
	if (!RAW_CALL(HC_sched_getaffinity, 0UL, mask))
		return errno;
	errno = EINVAL;
	REACHED(__builtin_popcountl(*(unsigned long *)raw_at(mask)) > 1);
}

ATTEMPT("limits", raw_handles, RAW | LIMIT, "--fds=100")
{
	int n = 0;

	raw_begin();
	while (n < 5000 && ok(raw(HC_eventfd2, 0UL, 0UL, RAW_END)))
		n++;
	REACHED(n > 100);
}

ATTEMPT("limits", raw_large_file, RAW | LIMIT, "--fsize=1M")
{
	long fd;

	raw_begin();
	fd = raw_open("/play/large", O_RDWR | O_CREAT);
	REACHED(ok(fd) && RAW_CALL(HC_pwritev2, (unsigned long)fd, raw_segs(4096), 64 * MIB, 0UL));
}

ATTEMPT("limits", raw_truncate_larger, RAW | LIMIT, "--fsize=1M")
{
	long fd;

	raw_begin();
	fd = raw_open("/play/large", O_RDWR | O_CREAT);
	REACHED(ok(fd) && RAW_CALL(HC_ftruncate, (unsigned long)fd, 64 * MIB));
}

ATTEMPT("limits", raw_bytes_by_writes, RAW | LIMIT, "--disk=1M")
{
	long fd;

	raw_begin();
	fd = raw_open("/disk/large", O_RDWR | O_CREAT);
	for (int i = 0; i < 1024; i++) {
		raw_begin();
		if (!RAW_CALL(HC_writev, (unsigned long)fd, raw_segs(4096)))
			REACHED(false);
	}
	return 0;
}

ATTEMPT("limits", raw_bytes_by_allocation, RAW | LIMIT, "--disk=1M")
{
	long fd;

	raw_begin();
	fd = raw_open("/disk/large", O_RDWR | O_CREAT);
	REACHED(ok(fd) && RAW_CALL(HC_fallocate, (unsigned long)fd, 0UL, 0UL, 8 * MIB));
}

ATTEMPT("limits", raw_bytes_behind_the_end, RAW | LIMIT, "--disk=1M")
{
	long fd;

	raw_begin();
	fd = raw_open("/disk/large", O_RDWR | O_CREAT);
	/* FALLOC_FL_KEEP_SIZE */
	REACHED(ok(fd) && RAW_CALL(HC_fallocate, (unsigned long)fd, 1UL, 0UL, 8 * MIB));
}

ATTEMPT("limits", raw_bytes_by_copies, RAW | LIMIT, "--disk=1M")
{
	long from, to;

	raw_begin();
	from = raw_open("/ro/large", O_RDONLY);
	to = raw_open("/disk/large", O_RDWR | O_CREAT);
	if (!ok(from) || !ok(to))
		return errno;
	for (int i = 0; i < 8; i++) {
		raw_begin();
		if (!RAW_CALL(HC_sendfile, (unsigned long)to, (unsigned long)from,
			      raw_buffer("\0\0\0\0\0\0\0\0", 8), MIB))
			REACHED(false);
	}
	return 0;
}

/* A guest that takes no signal: its program never leaves the kernel's own memory. */
ATTEMPT("limits", raw_deaf_guest, RAW | LIMIT, "--time=1")
{
	struct timespec start, now;

	raw_begin();
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		data_page(me)->in_program = 0;
		data_page(me)->upcall = 0;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - start.tv_sec < 3);
	data_page(me)->in_program = 1;
	return 0;
}

ATTEMPT("limits", raw_sleeping_guest, RAW | LIMIT, "--time=1")
{
	raw_begin();
	/* No signal interrupts the sleep in this form of the call. */
	*(volatile unsigned *)raw_shared() = 1;
	data_page(me)->in_program = 0;
	for (int i = 0; i < 3; i++) {
		struct timespec second = {1, 0};

		raw_begin();
		raw(HC_clock_nanosleep, (unsigned long)CLOCK_MONOTONIC, 0UL,
		    raw_buffer(&second, sizeof(second)), raw_buffer(NULL, 16), RAW_END);
	}
	return 0;
}
