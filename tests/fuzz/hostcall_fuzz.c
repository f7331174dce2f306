// SPDX-License-Identifier: MIT
/*
 * Can a hostile guest kernel harm the monitor by what it sends? An input is a sequence of
 * hostcalls: frames that follow the table, with arguments from the input, and frames that follow
 * nothing. They go through the monitor's own dispatch, over a sandbox without KVM.
 *
 * The host calls behind it are real where they touch only what the fuzzer itself made (memory
 * files, pipes, sockets among themselves), and refused otherwise: see policies[]. At the moment of
 * a host call the area is overwritten, as a second vCPU could do: whoever looks there again
 * after its checks finds garbage.
 *
 * sources: vm/word.c vm/embedded.c vm/gdb.c
 * sources: tests/fake/monitor.c vm/check_library.c vm/hostcall.c vm/hostcall_nonblocking.c
 * sources: vm/hostcall_check.c vm/hostcall_file.c vm/hostcall_lookup.c vm/hostcall_poll.c
 * sources: vm/hostcall_sandbox.c vm/hostcall_socket.c vm/handle.c vm/ioctl.c vm/own_proc.c
 * sources: vm/jail/limits.c vm/jail/net.c
 * sources: vm/hostcall_mount.c vm/host_thread.c vm/memory_files.c vm/sockopt.c vm/tick.c vm/timer.c
 * sources: vm/window.c vm/observe/files.c vm/observe/stats.c vm/observe/trace_out.c
 * sources: vm/observe/write.c
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "common/foreach.h"
#include "tests/fake/monitor.h"
#include "vm/handle.h"
#include "vm/hostcall.h"
#include "vm/timer.h"
#include "vm/window.h"

#define FILE_MAX	(4UL << 20) /* bytes of a file, of all that the fuzzer writes */
#define FDS		4096
#define SENDMSG_CONTROL 4 /* its argument that has the control messages */

/* ---- the host ------------------------------------------------------------------------------- */

enum policy {
	UNKNOWN, /* not made: -ENOSYS */
	REAL,
	MAY_BLOCK,  /* real, but interrupted after a moment */
	ANSWER,	    /* not made; its result is the second column */
	OPEN,	    /* links of /proc only; else a new memory file */
	NO_WAIT,    /* real, with a time limit of zero as its nth argument */
	UNIX_ONLY,  /* real on sockets that reach nobody outside */
	NONBLOCK,   /* makes files; they do not block */
	SOCKET,	    /* unix and TCP sockets */
	OWN_OPTION, /* socket options of the levels that touch only the socket */
};

static const struct {
	u8 policy;
	s32 value;
	u32 flag; /* NONBLOCK: or'ed to argument value */
} policies[512] = {
	[SYS_close] = {REAL, 0, 0},
	[SYS_fstat] = {REAL, 0, 0},
	[SYS_fstatfs] = {REAL, 0, 0},
	[SYS_lseek] = {REAL, 0, 0},
	[SYS_ftruncate] = {REAL, 0, 0},
	[SYS_fallocate] = {REAL, 0, 0},
	[SYS_fadvise64] = {REAL, 0, 0},
	[SYS_readahead] = {REAL, 0, 0},
	[SYS_getdents64] = {REAL, 0, 0},
	[SYS_readlink] = {REAL, 0, 0},
	[SYS_faccessat] = {REAL, 0, 0},
	[SYS_fchmod] = {REAL, 0, 0},
	[SYS_fgetxattr] = {REAL, 0, 0},
	[SYS_flistxattr] = {REAL, 0, 0},
	[SYS_mmap] = {REAL, 0, 0},
	[SYS_mremap] = {REAL, 0, 0},
	[SYS_munmap] = {REAL, 0, 0},
	[SYS_madvise] = {REAL, 0, 0},
	[SYS_mincore] = {REAL, 0, 0},
	[SYS_msync] = {REAL, 0, 0},
	[SYS_process_vm_readv] = {REAL, 0, 0},
	[SYS_process_vm_writev] = {REAL, 0, 0},
	[SYS_memfd_create] = {REAL, 0, 0},
	[SYS_epoll_create1] = {REAL, 0, 0},
	[SYS_epoll_ctl] = {REAL, 0, 0},
	[SYS_timerfd_settime] = {REAL, 0, 0},
	[SYS_timerfd_gettime] = {REAL, 0, 0},
	[SYS_inotify_rm_watch] = {REAL, 0, 0},
	[SYS_timer_create] = {REAL, 0, 0},
	[SYS_timer_settime] = {REAL, 0, 0},
	[SYS_timer_gettime] = {REAL, 0, 0},
	[SYS_timer_delete] = {REAL, 0, 0},
	[SYS_listen] = {REAL, 0, 0},
	[SYS_shutdown] = {REAL, 0, 0},
	[SYS_getsockname] = {REAL, 0, 0},
	[SYS_getpeername] = {REAL, 0, 0},
	[SYS_getrusage] = {REAL, 0, 0},
	[SYS_sched_getaffinity] = {REAL, 0, 0},
	[SYS_sched_yield] = {REAL, 0, 0},
	[SYS_clock_gettime] = {REAL, 0, 0},
	[SYS_clock_getres] = {REAL, 0, 0},
	[SYS_uname] = {REAL, 0, 0},
	[SYS_sysinfo] = {REAL, 0, 0},
	[SYS_getgroups] = {REAL, 0, 0},

	[SYS_readv] = {MAY_BLOCK, 0, 0},
	[SYS_writev] = {MAY_BLOCK, 0, 0},
	[SYS_preadv2] = {MAY_BLOCK, 0, 0},
	[SYS_pwritev2] = {MAY_BLOCK, 0, 0},
	[SYS_splice] = {MAY_BLOCK, 0, 0},
	[SYS_tee] = {MAY_BLOCK, 0, 0},
	[SYS_sendfile] = {MAY_BLOCK, 0, 0},
	[SYS_copy_file_range] = {MAY_BLOCK, 0, 0},
	[SYS_flock] = {MAY_BLOCK, 0, 0},
	[SYS_fcntl] = {MAY_BLOCK, 0, 0},
	[SYS_ioctl] = {MAY_BLOCK, 0, 0},
	[SYS_getrandom] = {MAY_BLOCK, 0, 0},
	[SYS_accept4] = {MAY_BLOCK, 0, 0},
	[SYS_recvmsg] = {MAY_BLOCK, 0, 0},
	[SYS_sendmsg] = {UNIX_ONLY, 0, 0},
	[SYS_setsockopt] = {OWN_OPTION, 0, 0},
	[SYS_getsockopt] = {OWN_OPTION, 0, 0},

	[SYS_ppoll] = {NO_WAIT, 2, 0},
	[SYS_epoll_pwait2] = {NO_WAIT, 3, 0},
	[SYS_futex] = {NO_WAIT, 3, 0},

	[SYS_pipe2] = {NONBLOCK, 1, O_NONBLOCK},
	[SYS_eventfd2] = {NONBLOCK, 1, O_NONBLOCK},
	[SYS_timerfd_create] = {NONBLOCK, 1, O_NONBLOCK},
	[SYS_inotify_init1] = {NONBLOCK, 0, O_NONBLOCK},
	[SYS_socketpair] = {NONBLOCK, 1, SOCK_NONBLOCK},
	[SYS_socket] = {SOCKET, 0, 0},
	[SYS_openat] = {OPEN, 0, 0},
	[SYS_openat2] = {OPEN, 0, 0},

	[SYS_connect] = {ANSWER, -ECONNREFUSED, 0},
	[SYS_bind] = {ANSWER, -EADDRINUSE, 0},
	[SYS_newfstatat] = {ANSWER, -ENOENT, 0},
	[SYS_statx] = {ANSWER, 0, 0},
	[SYS_readlinkat] = {ANSWER, 7, 0},
	[SYS_faccessat2] = {ANSWER, 0, 0},
	[SYS_mkdirat] = {ANSWER, 0, 0},
	[SYS_mknodat] = {ANSWER, 0, 0},
	[SYS_unlinkat] = {ANSWER, 0, 0},
	[SYS_renameat2] = {ANSWER, 0, 0},
	[SYS_linkat] = {ANSWER, 0, 0},
	[SYS_symlinkat] = {ANSWER, 0, 0},
	[SYS_fchmodat] = {ANSWER, 0, 0},
	[SYS_fchownat] = {ANSWER, 0, 0},
	[SYS_fchown] = {ANSWER, 0, 0},
	[SYS_utimensat] = {ANSWER, 0, 0},
	[SYS_statfs] = {ANSWER, 0, 0},
	[SYS_truncate] = {ANSWER, 0, 0},
	[SYS_getxattr] = {ANSWER, 9, 0},
	[SYS_lgetxattr] = {ANSWER, -ENODATA, 0},
	[SYS_setxattr] = {ANSWER, 0, 0},
	[SYS_lsetxattr] = {ANSWER, 0, 0},
	[SYS_fsetxattr] = {ANSWER, 0, 0},
	[SYS_listxattr] = {ANSWER, 0, 0},
	[SYS_llistxattr] = {ANSWER, 100000, 0}, /* more than there is room for */
	[SYS_removexattr] = {ANSWER, 0, 0},
	[SYS_lremovexattr] = {ANSWER, 0, 0},
	[SYS_fremovexattr] = {ANSWER, 0, 0},
	[SYS_inotify_add_watch] = {ANSWER, 1, 0},
	[SYS_sync] = {ANSWER, 0, 0},
	[SYS_syncfs] = {ANSWER, 0, 0},
	[SYS_fsync] = {ANSWER, 0, 0},
	[SYS_fdatasync] = {ANSWER, 0, 0},
	[SYS_sync_file_range] = {ANSWER, 0, 0},
	[SYS_clock_nanosleep] = {ANSWER, -EINTR, 0},
	[SYS_write] = {ANSWER, 1, 0},
	[SYS_kill] = {ANSWER, 0, 0},
	[SYS_unshare] = {ANSWER, 0, 0},
	[SYS_fchdir] = {ANSWER, 0, 0},
	[SYS_umask] = {ANSWER, 0, 0},
	[SYS_setgroups] = {ANSWER, 0, 0},
	[SYS_setfsuid] = {ANSWER, 0, 0},
	[SYS_setfsgid] = {ANSWER, 0, 0},
	[SYS_sched_setaffinity] = {ANSWER, 0, 0},
};

static timer_t moment;

static s64 make(long nr, const u64 a[6])
{
	long ret = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);

	return ret == -1 ? -errno : ret;
}

static s64 make_for_a_moment(long nr, const u64 a[6])
{
	static const struct itimerspec short_time = {{0, 1000000}, {0, 1000000}}, off;
	s64 ret;

	timer_settime(moment, 0, &short_time, NULL);
	ret = make(nr, a);
	timer_settime(moment, 0, &off, NULL);
	return ret;
}

static bool is_unix_socket(int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

/* True in the thread that makes the hostcalls: it owns the frame. The tick has a thread of its own.
 */
static __thread bool is_vcpu;

s64 host_syscall(long nr, const u64 arg[6])
{
	static const struct timespec now;
	struct vcpu *v = fake_sandbox()->vcpu[0];
	u64 a[6];
	u32 n = (u32)nr;

	memcpy(a, arg, sizeof(a));
	if (!is_vcpu)
		return make(nr, a);
	memset(v->frame, 0xd7, HOSTCALL_AREA_SIZE);
	switch (n < ARRAY_SIZE(policies) ? policies[n].policy : UNKNOWN) {
	case REAL:
		return make(nr, a);
	case MAY_BLOCK:
		return make_for_a_moment(nr, a);
	case ANSWER:
		return policies[n].value;
	case OPEN:
		if (strncmp((const char *)a[1], "/proc/self/fd/", 14) == 0)
			return make(nr, a);
		return memfd_create("file", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	case NO_WAIT:
		a[policies[n].value] = (u64)&now;
		return make_for_a_moment(nr, a);
	case UNIX_ONLY:
		return is_unix_socket((int)a[0]) ? make_for_a_moment(nr, a) : -ENETUNREACH;
	case OWN_OPTION:
		if (a[1] != SOL_SOCKET && a[1] != IPPROTO_TCP)
			return -ENOPROTOOPT;
		return make(nr, a);
	case SOCKET:
		if (a[0] != AF_UNIX && (a[0] != AF_INET || (a[1] & 0xff) != SOCK_STREAM))
			return -EAFNOSUPPORT;
		a[1] |= SOCK_NONBLOCK;
		return make(nr, a);
	case NONBLOCK:
		a[policies[n].value] |= policies[n].flag;
		return make(nr, a);
	default:
		return -ENOSYS;
	}
}

/* ---- the guest ------------------------------------------------------------------------------ */

static const struct {
	u32 nr;
	u8 kind[HOSTCALL_ARGS];
} rows[] = {
#define HC_KIND(t)			    HC_KIND_AS t
#define HC_KIND_AS(kind, ...)		    HC_KIND_##kind
#define HOSTCALL(nr, name, impl, desc, ...) {nr, {FOR_EACH_COMMA(HC_KIND, __VA_ARGS__)}},
#include "common/hostcall.def"
};

struct input {
	const u8 *at, *end;
};

static u64 take(struct input *in, size_t bytes)
{
	u64 value = 0;
	size_t n = MIN(bytes, (size_t)(in->end - in->at));

	memcpy(&value, in->at, n);
	in->at += n;
	return value;
}

/* Requests, commands and levels that random numbers would not hit. */
static const u32 known[] = {
	TCGETS,	      TCSETS,	    TIOCGWINSZ,	 TCXONC,       TIOCGPTPEER,  FIONREAD,
	FIONBIO,      TIOCSTI,	    FICLONE,	 FICLONERANGE, SIOCGIFCONF,  SIOCGIFINDEX,
	SIOCGIFFLAGS, BLKGETSIZE64, F_GETFL,	 F_SETFL,      F_ADD_SEALS,  F_GET_SEALS,
	F_SETPIPE_SZ, F_OFD_SETLK,  F_OFD_GETLK, F_SETLK,      F_OFD_SETLKW, AF_UNIX,
	AF_INET,      SOCK_STREAM,  SOCK_DGRAM,	 SOL_SOCKET,   IPPROTO_TCP,  SO_PASSCRED,
	SO_RCVBUF,    SO_PEERCRED,  SO_PASSCRED, MSG_DONTWAIT, MSG_PEEK,
};

/* Numbers that calls accept rather than refuse: mostly small ones. */
static u64 take_int(struct input *in)
{
	u8 how = (u8)take(in, 1);

	switch (how & 7) {
	case 0:
		return how >> 3;
	case 1:
		return known[(how >> 3 | (take(in, 1) & 1) << 5) % ARRAY_SIZE(known)];
	case 2:
		return take(in, 2);
	case 3:
		return take(in, 8);
	case 4:
		return (u64)(how >> 3) << PAGE_SHIFT;
	case 5:
		return (u64) - (s64)(how >> 3);
	case 6:
		return 1UL << (how >> 3) << (how & 8 ? 32 : 0);
	default:
		return RAM_BASE + take(in, 2) * 64;
	}
}

/* The lowest numbers are the likely ones. */
static u64 take_handle(struct input *in)
{
	u64 byte = take(in, 1);

	return byte & 0x80 ? byte - 0x81 : byte & 31;
}

static u64 take_gpa(struct input *in, u64 len)
{
	struct sandbox *s = fake_sandbox();
	u64 where = take(in, 2);

	if (where & 1)
		return s->mem.window_base + (where >> 1) * 512;
	return RAM_BASE + (where >> 1) * 32 % (FAKE_RAM - len + 64);
}

/* Puts len bytes of data into the area, from the input as far as it reaches. */
static u64 put_data(struct input *in, u8 *area, u32 *at, u32 len, bool fill)
{
	u32 offset = *at;

	len = MIN(len, HOSTCALL_AREA_SIZE - offset);
	if (fill) {
		u32 n = (u32)MIN((size_t)len, (size_t)(in->end - in->at));

		memcpy(area + offset, in->at, n);
		in->at += n;
	}
	*at = MIN(ALIGN_UP(offset + len, 8u), HOSTCALL_AREA_SIZE);
	return (u64)offset << 32 | len;
}

static u64 put_segs(struct input *in, u8 *area, u32 *at)
{
	u32 count = take(in, 1) & 15;
	u32 offset = *at;

	if (count == 15)
		count = HOSTCALL_SEGS_MAX + 1;
	for (u32 i = 0; i < count && *at + sizeof(struct hostcall_seg) <= HOSTCALL_AREA_SIZE; i++) {
		struct hostcall_seg seg = {.len = take(in, 2)};

		seg.gpa = take_gpa(in, seg.len);
		memcpy(area + *at, &seg, sizeof(seg));
		*at += sizeof(seg);
	}
	return (u64)offset << 32 | count * sizeof(struct hostcall_seg);
}

/* Writes one control message with descriptors or credentials. */
static u64 put_control(struct input *in, u8 *area, u32 *at)
{
	u32 offset = *at, how = (u32)take(in, 1);
	u32 count = how & 7;
	struct cmsghdr cmsg = {
		.cmsg_len = CMSG_LEN(count * sizeof(s32)) + (how & 0x80 ? take(in, 1) : 0),
		.cmsg_level = how & 0x40 ? (int)take(in, 2) : SOL_SOCKET,
		.cmsg_type = how & 8 ? SCM_CREDENTIALS : SCM_RIGHTS,
	};

	if (offset + CMSG_SPACE(7 * sizeof(s32)) > HOSTCALL_AREA_SIZE)
		return 0;
	memcpy(area + offset, &cmsg, sizeof(cmsg));
	for (u32 i = 0; i < count; i++) {
		s32 fd = (s32)take_handle(in);

		memcpy(area + offset + CMSG_LEN(i * sizeof(s32)), &fd, sizeof(fd));
	}
	*at += CMSG_SPACE(count * sizeof(s32));
	return (u64)offset << 32 | CMSG_SPACE(count * sizeof(s32));
}

/* Path lookups, one of which may give a wrong size. */
static u64 put_lookup(struct input *in, u8 *area, u32 *at)
{
	u32 offset = *at, count = take(in, 1) & 31;

	for (u32 i = 0; i < count; i++) {
		u32 len = take(in, 1) & 63, space = ALIGN_UP(len + 1, 8u);
		struct hostcall_lookup q = {
			.size = (u16)(sizeof(q) + space),
			.kind = take(in, 1) % (HOSTCALL_LOOKUP_KINDS + 1),
		};

		if (*at + q.size > HOSTCALL_AREA_SIZE)
			break;
		memset(area + *at + sizeof(q), i == 7 ? 'x' : '\0', space);
		put_data(in, area, &(u32){*at + (u32)sizeof(q)}, len, true);
		if (len == 63)
			q.size = (u16)take(in, 2);
		memcpy(area + *at, &q, sizeof(q));
		*at += (u32)sizeof(q) + space;
	}
	return (u64)offset << 32 | (*at - offset);
}

/* Rows are found by number, so that an old input means the same after rows were added. */
static u32 row_of(u8 op)
{
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].nr == op)
			return i;
	return op % ARRAY_SIZE(rows);
}

static void one_call(struct input *in, struct vcpu *v)
{
	struct hostcall_frame *frame = v->frame;
	u8 *area = (u8 *)frame;
	u8 op = (u8)take(in, 1);
	u32 at = HOSTCALL_DATA_OFFSET, n = 0;

	if (op >= 0xfe) { /* a frame as it comes, by the doorbell or exitless */
		for (size_t i = 0; i < sizeof(*frame); i++)
			area[i] = (u8)take(in, 1);
		put_data(in, area, &at, (u32)take(in, 2), true);
		frame->state = op == 0xfe ? HOSTCALL_SUBMITTED : HOSTCALL_IDLE;
		op == 0xfe ? hostcall_serve(v) : hostcall_dispatch(v);
		return;
	}
	memset(frame, 0, sizeof(*frame));
	u32 row = row_of(op);

	frame->nr = rows[row].nr;
	for (u32 i = 0; i < HOSTCALL_ARGS; i++) {
		u32 offset;

		switch ((enum hostcall_kind)rows[row].kind[i]) {
		case HC_KIND_none:
		case HC_KIND_len:
			break;
		case HC_KIND_int:
			frame->arg[n++] = take_int(in);
			break;
		case HC_KIND_handle:
			frame->arg[n++] = take_handle(in);
			break;
		case HC_KIND_path:
			offset = (u32)take(in, 1) & 63;
			frame->arg[n] = put_data(in, area, &at, offset, true);
			if (offset > 0)
				area[(frame->arg[n] >> 32) + (u32)frame->arg[n] - 1] = '\0';
			n++;
			break;
		case HC_KIND_in:
		case HC_KIND_inout:
			if (frame->nr == HC_sendmsg && i == SENDMSG_CONTROL) {
				frame->arg[n++] = put_control(in, area, &at);
				break;
			}
			if (frame->nr == HC_lookup) {
				frame->arg[n++] = put_lookup(in, area, &at);
				break;
			}
			frame->arg[n++] = put_data(in, area, &at, (u32)take(in, 1), true);
			break;
		case HC_KIND_out:
			frame->arg[n++] = put_data(in, area, &at, (u32)take(in, 2) & 0x3fff, false);
			break;
		case HC_KIND_segs_in:
		case HC_KIND_segs_out:
			frame->arg[n++] = put_segs(in, area, &at);
			break;
		}
	}
	hostcall_dispatch(v);
}

static void call(struct vcpu *v, u32 nr, u64 arg)
{
	*v->frame = (struct hostcall_frame){.nr = nr, .arg = {arg}};
	hostcall_dispatch(v);
}

/* Leaves no file, window or timer, so that the next input starts from the same state. */
static void forget(struct vcpu *v)
{
	u64 now = 1, made;

	for (u64 fd = 3; fd < FDS && handle_count() > 0; fd++)
		call(v, HC_close, fd);
	if (handle_count() != 0)
		abort();
	for (u64 id = 0; id < 64; id++)
		call(v, HC_timer_delete, id);
	window_count(&now, &made);
	for (u64 id = 0; now > 0; id++) {
		s64 ret;

		if (id == 1 << 20)
			abort();
		do {
			call(v, HC_window_unmap, id);
			ret = v->frame->ret;
		} while (ret == 0);
		window_count(&now, &made);
	}
}

static void on_kick(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	if (info->si_code == SI_TIMER)
		timer_expired(fake_sandbox(), info->si_value.sival_int);
}

static void on_moment(int signal)
{
	(void)signal;
}

static void set_up(struct sandbox *s)
{
	struct sigaction kick = {.sa_sigaction = on_kick, .sa_flags = SA_SIGINFO};
	struct sigaction over = {.sa_handler = on_moment};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2};
	struct rlimit limit = {FILE_MAX, FILE_MAX};

	is_vcpu = true;
	sigaction(VCPU_KICK_SIGNAL, &kick, NULL);
	sigaction(SIGRTMIN + 2, &over, NULL);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	limit = (struct rlimit){FDS, FDS};
	setrlimit(RLIMIT_NOFILE, &limit);
	if (timer_create(CLOCK_MONOTONIC, &event, &moment) < 0)
		abort();
	s->stdio_closed = 7;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct sandbox *s = fake_sandbox();
	struct input in = {data, data + size};
	static bool ready;

	if (!ready)
		set_up(s);
	ready = true;
	atomic_store(&s->ready, false);
	for (int i = 0; i < 200 && in.at < in.end; i++)
		one_call(&in, s->vcpu[0]);
	forget(s->vcpu[0]);
	return 0;
}
