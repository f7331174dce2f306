// SPDX-License-Identifier: MIT
/*
 * Takes a hostcall from its frame in guest memory to a host call, and the results back. The guest
 * is hostile and may change its area while a call is under way. So this file copies the frame and
 * every buffer once, before the first check, and uses only the copies.
 *
 * The host's side stays in bounds because each buffer in the monitor has space for the most bytes
 * that its row allows, whatever length the guest claims. Small buffers, which are structs of a
 * fixed size for the host, are zero after the guest's bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/memfd.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include "vm/gdb.h"
#include "vm/handle.h"
#include "vm/hostcall.h"
#include "vm/jail/jail.h"
#include "vm/jail/policy.h"
#include "vm/memory_files.h"
#include "vm/observe/observe.h"
#include "vm/own_proc.h"
#include "vm/timer.h"

/* Buffers of at most this size are structs whose size the host call knows. */
#define FIXED_MAX     256
/* Space for all buffers of any row, each aligned; an assertion below checks it. */
#define SCRATCH_SIZE  0x5000
#define SCRATCH_ALIGN 16

/* A vCPU's copies of frame data. Allocated at its first call and used for all calls. */
struct hostcall_scratch {
	u8 bytes[SCRATCH_SIZE] __attribute__((aligned(SCRATCH_ALIGN)));
	struct iovec iov[HOSTCALL_SEGS_MAX];
};

struct row {
	s64 (*run)(struct call *c);
	u8 kind[HOSTCALL_ARGS];
	u16 max[HOSTCALL_ARGS];
};

/* struct hc_args_NAME: the arguments of a row by name, laid over call.arg. */
#define HC_FIELD(t)	       HC_FIELD_ t
#define HC_FIELD_(kind, ...)   HC_FIELD_##kind(__VA_ARGS__)
#define HC_FIELD_none()	       struct hc_arg none_;
#define HC_FIELD_int(n)	       struct hc_arg n;
#define HC_FIELD_handle(n)     struct hc_arg n;
#define HC_FIELD_path(n)       struct hc_arg n;
#define HC_FIELD_in(n, max)    struct hc_arg n;
#define HC_FIELD_out(n, max)   struct hc_arg n;
#define HC_FIELD_inout(n, max) struct hc_arg n;
#define HC_FIELD_len()	       struct hc_arg len_;
#define HC_FIELD_segs_in(n)    struct hc_arg n;
#define HC_FIELD_segs_out(n)   struct hc_arg n;
#define HOSTCALL(nr, name, impl, desc, ...)                                                        \
	struct hc_args_##name {                                                                    \
		FOR_EACH(HC_FIELD, __VA_ARGS__)                                                    \
	};                                                                                         \
	_Static_assert(sizeof(struct hc_args_##name) <= sizeof(((struct call *)0)->arg),           \
		       #name " has too many arguments for a frame");
#include "common/hostcall.def"

/* The arguments as parameters of hc_do_NAME ... */
#define HC_PASS(t)	      HC_PASS_ t
#define HC_PASS_(kind, ...)   HC_PASS_##kind(__VA_ARGS__)
#define HC_PASS_none()	      0
#define HC_PASS_int(n)	      a->n.value
#define HC_PASS_handle(n)     a->n.fd
#define HC_PASS_path(n)	      a->n.path
#define HC_PASS_in(n, max)    a->n.buf, a->n.len
#define HC_PASS_out(n, max)   a->n.buf, a->n.len
#define HC_PASS_inout(n, max) a->n.buf, a->n.len
#define HC_PASS_len()	      a->len_.value
#define HC_PASS_segs_in(n)    a->n.iov, a->n.len
#define HC_PASS_segs_out(n)   a->n.iov, a->n.len

/* ... and as arguments of a host call. */
#define HC_RAW(t)	      HC_RAW_ t
#define HC_RAW_(kind, ...)    HC_RAW_##kind(__VA_ARGS__)
#define HC_RAW_none()	      0
#define HC_RAW_int(n)	      a->n.value
#define HC_RAW_handle(n)      a->n.value
#define HC_RAW_path(n)	      a->n.value
#define HC_RAW_in(n, max)     a->n.value
#define HC_RAW_out(n, max)    a->n.value
#define HC_RAW_inout(n, max)  a->n.value
#define HC_RAW_len()	      a->len_.value
#define HC_RAW_segs_in(n)     a->n.value, a->n.len
#define HC_RAW_segs_out(n)    a->n.value, a->n.len

/* Which argument of each NEWFD call has the close-on-exec flag. */
static const struct {
	u8 arg;
	u32 flag;
} cloexec[HC_MAX] = {
	[HC_memfd_create] = {1, MFD_CLOEXEC},	 [HC_eventfd2] = {1, EFD_CLOEXEC},
	[HC_timerfd_create] = {1, TFD_CLOEXEC},	 [HC_inotify_init1] = {0, IN_CLOEXEC},
	[HC_epoll_create1] = {0, EPOLL_CLOEXEC},
};

static s64 new_handle(struct call *c, long nr, u64 raw[6])
{
	s64 fd;

	raw[cloexec[c->nr].arg] |= cloexec[c->nr].flag;
	fd = host_syscall(nr, raw);
	return fd < 0 ? fd : handle_add((int)fd);
}

/* s64 run_NAME(struct call *): the function of each row. */
#define HC_ARGS(name) const struct hc_args_##name *a = (const void *)c->arg
#define HC_RUN_SYS(sys, name, ...)                                                                 \
	static s64 run_##name(struct call *c)                                                      \
	{                                                                                          \
		HC_ARGS(name);                                                                     \
		const u64 raw[6] = {FOR_EACH_COMMA(HC_RAW, __VA_ARGS__)};                          \
		(void)a;                                                                           \
		return host_syscall(sys, raw);                                                     \
	}
#define HC_RUN_SLEEP(sys, name, ...)                                                               \
	static s64 run_##name(struct call *c)                                                      \
	{                                                                                          \
		HC_ARGS(name);                                                                     \
		const u64 raw[6] = {FOR_EACH_COMMA(HC_RAW, __VA_ARGS__)};                          \
		return vcpu_syscall_again(c->v, sys, raw);                                         \
	}
#define HC_RUN_NEWFD(sys, name, ...)                                                               \
	static s64 run_##name(struct call *c)                                                      \
	{                                                                                          \
		HC_ARGS(name);                                                                     \
		u64 raw[6] = {FOR_EACH_COMMA(HC_RAW, __VA_ARGS__)};                                \
		return new_handle(c, sys, raw);                                                    \
	}
#define HC_RUN_FN(sys, name, ...)                                                                  \
	static s64 run_##name(struct call *c)                                                      \
	{                                                                                          \
		HC_ARGS(name);                                                                     \
		(void)a;                                                                           \
		return hc_do_##name(c, FOR_EACH_COMMA(HC_PASS, __VA_ARGS__));                      \
	}
#define HOSTCALL(nr, name, impl, desc, ...) HC_ROW(HC_RUN_, HC_IMPL_##impl, name, __VA_ARGS__)
#include "common/hostcall.def"

#define HC_KIND(t)	      HC_KIND_AS t
#define HC_KIND_AS(kind, ...) HC_KIND_##kind
#define HC_SIZE(t)	      HC_SIZE_ t
#define HC_SIZE_(kind, ...)   HC_SIZE_##kind(__VA_ARGS__)
#define HC_SIZE_none()	      0
#define HC_SIZE_int(n)	      0
#define HC_SIZE_handle(n)     0
#define HC_SIZE_path(n)	      HOSTCALL_PATH_MAX
#define HC_SIZE_in(n, max)    max
#define HC_SIZE_out(n, max)   max
#define HC_SIZE_inout(n, max) max
#define HC_SIZE_len()	      0
#define HC_SIZE_segs_in(n)    0
#define HC_SIZE_segs_out(n)   0
static const struct row rows[HC_MAX] = {
#define HOSTCALL(nr, name, impl, desc, ...)                                                        \
	[nr] = {run_##name,                                                                        \
		{FOR_EACH_COMMA(HC_KIND, __VA_ARGS__)},                                            \
		{FOR_EACH_COMMA(HC_SIZE, __VA_ARGS__)}},
#include "common/hostcall.def"
};

#define HC_SPACE(t) +ALIGN_UP(HC_SIZE(t), SCRATCH_ALIGN)
#define HOSTCALL(nr, name, impl, desc, ...)                                                        \
	_Static_assert(0 FOR_EACH(HC_SPACE, __VA_ARGS__) <= SCRATCH_SIZE,                          \
		       "the buffers of " #name " fit a vCPU's scratch memory");
#include "common/hostcall.def"

s64 (*(*hostcall_jail)(u32 nr, s64 (*run)(struct call *c)))(struct call *c);
void (*hostcall_jailed)(const struct call *c, s64 ret);

/*
 * Copies bytes that the guest can change meanwhile, once. The barrier keeps the compiler from
 * reading them again.
 */
static void copy_in(void *to, const void *guest, size_t len)
{
	memcpy(to, guest, len);
	__asm__ volatile("" ::: "memory");
}

/*
 * Splits offset << 32 | length and checks that the range is in the area's data. Returns 0 or
 * -EINVAL.
 */
static s64 area_range(u64 arg, u32 *offset, u32 *len)
{
	*offset = (u32)(arg >> 32);
	*len = (u32)arg;
	if (*offset < HOSTCALL_DATA_OFFSET || *offset > HOSTCALL_AREA_SIZE ||
	    *len > HOSTCALL_AREA_SIZE - *offset)
		return -EINVAL;
	return 0;
}

static s64 marshal_handle(struct call *c, struct hc_arg *a, u64 number)
{
	int fd;

	if ((s32)number == -1) { /* none: the host call or the function decides */
		a->value = (u64)-1;
		return 0;
	}
	fd = handle_get(number);
	if (fd < 0)
		return fd;
	c->hold[c->held++] = fd;
	a->value = (u64)fd;
	return 0;
}

static s64 marshal_path(struct hc_arg *a, const u8 *area, char *to)
{
	if (a->len == 0)
		return -EINVAL;
	if (a->len > HOSTCALL_PATH_MAX)
		return -ENAMETOOLONG;
	copy_in(to, area + a->offset, a->len);
	if (to[a->len - 1] != '\0')
		return -EINVAL;
	a->path = to;
	return 0;
}

static s64 marshal_buffer(struct hc_arg *a, enum hostcall_kind kind, u32 max, const u8 *area,
			  u8 *to)
{
	if (a->len > max && kind != HC_KIND_out)
		return -EINVAL;
	a->len = MIN(a->len, max);
	if (a->len == 0) {
		a->value = 0;
		return 0;
	}
	if (kind == HC_KIND_out)
		memset(to, 0, a->len);
	else
		copy_in(to, area + a->offset, a->len);
	if (max <= FIXED_MAX)
		memset(to + a->len, 0, max - a->len);
	a->buf = to;
	return 0;
}

static s64 marshal_segs(struct call *c, struct hc_arg *a, const u8 *area, struct iovec *iov)
{
	u32 count = a->len / sizeof(struct hostcall_seg);
	struct hostcall_seg seg;

	if (count > HOSTCALL_SEGS_MAX || a->len % sizeof(seg) != 0)
		return -EINVAL;
	for (u32 i = 0; i < count; i++) {
		copy_in(&seg, area + a->offset + i * sizeof(seg), sizeof(seg));
		iov[i].iov_base = memory_at(c->s, (gpa_t){seg.gpa}, seg.len);
		iov[i].iov_len = seg.len;
		if (!iov[i].iov_base)
			return -EFAULT;
	}
	a->iov = iov;
	a->len = count;
	return 0;
}

/*
 * Fills c->arg from the copied frame. Returns 0 or -errno. The caller drops the references in
 * c->hold in either case.
 */
static s64 marshal(struct call *c, const struct row *row, const struct hostcall_frame *frame)
{
	struct hostcall_scratch *scratch = c->v->scratch;
	const u8 *area = (const u8 *)c->v->frame;
	u8 *to = scratch->bytes;
	const u64 *next = frame->arg;

	for (u32 i = 0; i < HOSTCALL_ARGS && row->kind[i] != HC_KIND_none; i++) {
		enum hostcall_kind kind = row->kind[i];
		struct hc_arg *a = &c->arg[i];
		u64 arg;
		s64 err = 0;

		if (kind == HC_KIND_len) {
			a->value = c->arg[i - 1].len;
			continue;
		}
		arg = *next++;
		if (kind != HC_KIND_int && kind != HC_KIND_handle)
			err = area_range(arg, &a->offset, &a->len);
		if (err < 0)
			return err;

		switch (kind) {
		case HC_KIND_int:
			a->value = arg;
			break;
		case HC_KIND_handle:
			err = marshal_handle(c, a, arg);
			break;
		case HC_KIND_path:
			err = marshal_path(a, area, (char *)to);
			break;
		case HC_KIND_in:
		case HC_KIND_out:
		case HC_KIND_inout:
			err = marshal_buffer(a, kind, row->max[i], area, to);
			break;
		case HC_KIND_segs_in:
		case HC_KIND_segs_out: /* no row has two such arguments */
			err = marshal_segs(c, a, area, scratch->iov);
			break;
		case HC_KIND_none:
		case HC_KIND_len:
			break;
		}
		if (err < 0)
			return err;
		to += ALIGN_UP(row->max[i], SCRATCH_ALIGN);
	}
	return 0;
}

/*
 * Copies results back to the guest's area. An interrupted sleep (-EINTR) has a result, too: the
 * time left.
 */
static void unmarshal(struct call *c, const struct row *row, s64 ret)
{
	u8 *area = (u8 *)c->v->frame;

	if (ret < 0 && ret != -EINTR)
		return;
	for (u32 i = 0; i < HOSTCALL_ARGS && row->kind[i] != HC_KIND_none; i++) {
		struct hc_arg *a = &c->arg[i];
		u32 len = MIN(a->len, c->out_bytes);

		if (row->kind[i] != HC_KIND_out && row->kind[i] != HC_KIND_inout)
			continue;
		if (i + 1 < HOSTCALL_ARGS && row->kind[i + 1] == HC_KIND_len)
			len = ret < 0 ? 0 : (u32)MIN((u64)len, (u64)ret);
		if (len != 0)
			memcpy(area + a->offset, a->buf, len);
	}
}

/* Makes the call, and notes which file or address it used (--files). */
static s64 run_noted(struct call *c, s64 (*run)(struct call *c))
{
	struct files_note note;
	s64 ret;

	files_before(c, &note);
	ret = run(c);
	files_after(c, &note, ret);
	return ret;
}

/*
 * Makes the call in v's frame. The calling thread holds v->call_lock. Returns the call's result;
 * -HOSTCALL_SLEEPS only if submitted.
 */
static s64 make_call(struct vcpu *v, bool submitted)
{
	struct call c = {.s = v->sandbox, .v = v, .out_bytes = UINT32_MAX};
	struct hostcall_frame frame;
	const struct row *row;
	s64 (*run)(struct call * c);
	s64 ret = -ENOSYS;

	copy_in(&frame, v->frame, sizeof(frame));
	v->hostcalls++;
	if (frame.nr >= HC_MAX || !rows[frame.nr].run)
		return ret;
	row = &rows[frame.nr];
	c.nr = frame.nr;
	run = hostcall_jail ? hostcall_jail(frame.nr, row->run) : row->run;
	if (!run)
		return ret;

	if (!v->scratch) {
		v->scratch = malloc(sizeof(*v->scratch));
		if (!v->scratch)
			return -ENOMEM;
	}
	ret = marshal(&c, row, &frame);
	if (ret == 0) {
		ret = submitted		      ? hostcall_nonblocking(&c, run)
		      : c.s->opt.files_report ? run_noted(&c, run)
					      : run(&c);
		if (hostcall_jailed)
			hostcall_jailed(&c, ret);
		if (ret != -HOSTCALL_SLEEPS || !submitted)
			unmarshal(&c, row, ret);
	}
	while (c.held > 0)
		handle_put(c.hold[--c.held]);
	return ret;
}

void hostcall_dispatch(struct vcpu *v)
{
	pthread_mutex_lock(&v->call_lock);
	/*
	 * HOSTCALL_DONE: the kernel stopped waiting for its submitted call and rang, but the worker
	 * has made the call meanwhile.
	 */
	if (__atomic_load_n(&v->frame->state, __ATOMIC_ACQUIRE) != HOSTCALL_DONE)
		WRITE_ONCE(v->frame->ret, make_call(v, false));
	pthread_mutex_unlock(&v->call_lock);
}

void hostcall_serve(struct vcpu *v)
{
	u32 submitted = HOSTCALL_SUBMITTED;
	s64 ret = -HOSTCALL_SLEEPS;

	if (pthread_mutex_trylock(&v->call_lock))
		return; /* v's thread has the lock: the kernel rang */
	if (__atomic_compare_exchange_n(&v->frame->state, &submitted, HOSTCALL_TAKEN, false,
					__ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
		if (!READ_ONCE(v->own_ids))
			ret = make_call(v, true);
		if (ret != -HOSTCALL_SLEEPS)
			WRITE_ONCE(v->frame->ret, ret);
		__atomic_store_n(&v->frame->state,
				 ret == -HOSTCALL_SLEEPS ? HOSTCALL_LATER : HOSTCALL_DONE,
				 __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&v->call_lock);
}

s64 host_would_wait(u64 file)
{
	s64 flags = HOST_CALL(fcntl, file, F_GETFL);

	return flags < 0 ? flags : flags & O_NONBLOCK ? -EAGAIN : -EINTR;
}

static bool is_ready(u64 file, short events)
{
	struct pollfd p = {.fd = (int)file, .events = events};

	return HOST_CALL(poll, (u64)&p, 1, 0) > 0;
}

/*
 * Writes size bytes, more than PIPE_BUF, as far as they fit without waiting. If poll(2) reports
 * space, PIPE_BUF bytes fit: pipe(7). Each write has so many, even if data is in smaller pieces: a
 * pipe keeps them in a page of its own, and how full its pages are decides how much it takes.
 * Changes data.
 */
static s64 write_pages(struct call *c, u64 file, struct iovec *data, u64 size)
{
	u64 done = 0;
	s64 ret;

	do {
		u64 left = MIN(size - done, (u64)PIPE_BUF), count = 0, rest;

		while (data[count].iov_len < left)
			left -= data[count++].iov_len;
		rest = data[count].iov_len - left;
		data[count].iov_len = left;
		ret = host_call_bounded(c, SYS_writev, (const u64[6]){file, (u64)data, count + 1});
		data[count].iov_base = (u8 *)data[count].iov_base + left;
		data[count].iov_len = rest;
		data += count;
		done += (u64)MAX(ret, 0L);
	} while (ret == PIPE_BUF && done < size && is_ready(file, POLLOUT));
	return done ? (s64)done : ret;
}

/*
 * Makes the transfer of host_transfer on a file that may wait, as far as it goes without waiting.
 * What poll(2) reported may be gone a moment later, because another reader was faster or the
 * terminal discarded its input.
 */
static s64 transfer_at_once(struct call *c, long nr, const u64 arg[6])
{
	bool writes = nr == SYS_writev || nr == SYS_pwritev2;
	bool at_position = nr == SYS_writev || (nr == SYS_pwritev2 && arg[3] == ~0UL);
	struct iovec *data = (struct iovec *)arg[1];
	s64 flags = HOST_CALL(fcntl, arg[0], F_GETFL);
	u64 size = 0;

	if (flags >= 0 && flags & O_NONBLOCK)
		return host_call_bounded(c, nr, arg);
	if (!is_ready(arg[0], writes ? POLLOUT : POLLIN))
		return host_would_wait(arg[0]);
	for (u64 i = 0; at_position && i < arg[2]; i++)
		size += data[i].iov_len;
	return size > PIPE_BUF ? write_pages(c, arg[0], data, size) : host_call_bounded(c, nr, arg);
}

/*
 * Turns a transfer of at most one buffer into read(2) or a sibling. These tell inotify(7) nothing
 * if they move no bytes, where readv(2) and its siblings tell of an access.
 */
static long one_buffer(long nr, u64 arg[6])
{
	const struct iovec *data = (const struct iovec *)arg[1];
	bool placed = nr == SYS_preadv2 || nr == SYS_pwritev2;
	bool writes = nr == SYS_writev || nr == SYS_pwritev2;

	if (arg[2] > 1 || (placed && arg[5]))
		return nr;
	placed = placed && arg[3] != ~0UL;
	arg[1] = arg[2] ? (u64)data->iov_base : (u64) "";
	arg[2] = arg[2] ? data->iov_len : 0;
	if (placed)
		return writes ? SYS_pwrite64 : SYS_pread64;
	return writes ? SYS_write : SYS_read;
}

s64 host_transfer(struct call *c, long nr, const u64 arg[6])
{
	u64 simple[6] = {arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]};
	long simple_nr = one_buffer(nr, simple);
	s64 ret = vcpu_syscall_again(c->v, simple_nr, simple);
	struct stat st;

	if ((ret != -EINTR && ret != -HOSTCALL_AGAIN) || HOST_CALL(fstat, arg[0], (u64)&st) < 0)
		return ret;
	/* Input that is typed after a key that stopped the reader is for the shell. */
	if (S_ISCHR(st.st_mode))
		return ret;
	if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
		return host_syscall(simple_nr, simple);
	if (S_ISSOCK(st.st_mode)) {
		struct msghdr msg = {.msg_iov = (struct iovec *)arg[1], .msg_iovlen = arg[2]};

		if (nr == SYS_readv || nr == SYS_preadv2)
			return host_message(c, SYS_recvmsg, arg[0], &msg, 0);
		return host_message(c, SYS_sendmsg, arg[0], &msg, MSG_NOSIGNAL);
	}
	return transfer_at_once(c, nr, arg);
}

s64 host_message(struct call *c, long nr, u64 file, struct msghdr *msg, u64 flags)
{
	s64 ret = vcpu_syscall(c->v, nr, (const u64[6]){file, (u64)msg, flags});

	if (ret != -EINTR)
		return ret;
	ret = host_syscall(nr, (const u64[6]){file, (u64)msg, flags | MSG_DONTWAIT});
	return ret == -EAGAIN && !(flags & MSG_DONTWAIT) ? host_would_wait(file) : ret;
}

s64 host_own_fs(void)
{
	static _Thread_local bool own;
	s64 ret = 0;

	if (!own) {
		ret = HOST_CALL(unshare, CLONE_FS);
		own = ret == 0;
	}
	return ret;
}

s64 host_enter_dir(int dir, const char *path)
{
	s64 err;

	if (path[0] == '/')
		return 0;
	err = host_own_fs();
	return err < 0 ? err : HOST_CALL(fchdir, (u64)dir);
}

u64 iov_bytes(const struct iovec *iov, u32 count)
{
	u64 sum = 0;

	for (u32 i = 0; i < count; i++)
		if (__builtin_add_overflow(sum, iov[i].iov_len, &sum))
			return UINT64_MAX;
	return sum;
}

/* Opens a directory for boot info. Returns a handle or -errno. */
static s64 start_dir(const char *path)
{
	s64 fd = HOST_CALL(openat, (u64)AT_FDCWD, (u64)path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? fd : handle_add((int)fd);
}

int hostcall_init(struct sandbox *s)
{
	struct boot_info *boot = s->boot;
	struct rlimit files;
	s64 cwd, root;

	/*
	 * The guest kernel enforces the program's limit, which boot info has already. The handles
	 * of all guest processes and the monitor's own descriptors together need as many as the
	 * host allows; a privileged user may have more.
	 */
	if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){HANDLE_MAX, HANDLE_MAX}) &&
	    getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = MIN(files.rlim_max, HANDLE_MAX);
		setrlimit(RLIMIT_NOFILE, &files);
	}
	vcpu_reserve(s);
	handle_limit(s->opt.files);
	own_proc_hide();
	if (s->opt.mem_given)
		memory_files_init(s);
	s->umask = boot->umask;
	for (int fd = 0; fd < 3; fd++) {
		bool closed = s->stdio_closed >> fd & 1;

		boot->stdio[fd] = closed ? -1 : (s32)handle_add(fd);
		boot->stdio_flags[fd] = closed ? 0 : (u32)HOST_CALL(fcntl, (u64)fd, F_GETFL);
	}
	boot->gdb_socket = gdb_handle(s);
	if (s->opt.policy && s->opt.policy->walls.up & WALL_BIT(WALL_policy))
		return jail_enter(s);
	cwd = start_dir(".");
	root = start_dir("/");
	boot->cwd = (s32)MAX(cwd, -1L); /* the user may not be allowed to search it */
	boot->root = (s32)root;
	return cwd == -EMFILE ? -EMFILE : (int)MIN(root, 0L);
}
