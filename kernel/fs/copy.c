// SPDX-License-Identifier: MIT
/*
 * System calls that move bytes between two files without passing through the program. The host
 * moves them, and checks most of what Linux checks. The guest kernel checks what the host cannot
 * know: how a file of the kernel's own is open, and RLIMIT_FSIZE.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/io.h"

/* An offset in the program's memory that a call uses and updates; a null pointer means none. */
struct user_offset {
	uva at;
	s64 value;
};

static int offset_get(struct user_offset *o, uva at)
{
	*o = (struct user_offset){.at = at};
	return at ? get_user(&o->value, at) : 0;
}

static u32 offset_len(const struct user_offset *o)
{
	return o->at ? sizeof(o->value) : 0;
}

static s64 offset_put(const struct user_offset *o, s64 r)
{
	return r > 0 && o->at && put_user(o->value, o->at) < 0 ? -EFAULT : r;
}

static s64 broken_pipe(s64 r)
{
	if (r == -EPIPE)
		fs_signal(SIGPIPE);
	return fs_restart(r);
}

/* The arguments of a call: two files, an offset in each, and how much to copy. */
struct copy {
	struct ofile *in, *out;
	struct user_offset in_off, out_off;
	u64 len;
	u32 flags;
};

typedef s64 copy_fn(struct copy *c);
static copy_fn by_copy_file_range;

/* copy_file_range(2) takes only regular files. */
static s64 check_types(struct copy *c)
{
	u32 in = ofile_type(c->in), out = ofile_type(c->out);

	if (in == S_IFDIR || out == S_IFDIR)
		return -EISDIR;
	return in == S_IFREG && out == S_IFREG ? 0 : -EINVAL;
}

/* Applies RLIMIT_FSIZE, by which c->len may become less. Returns 0 or -errno. */
static s64 limit(struct copy *c)
{
	s64 room = host_file_room(c->out, c->out_off.at ? c->out_off.value : IO_AT_POS, 0, c->len);

	if (room >= 0)
		c->len = (u64)room;
	return MIN(room, 0L);
}

/* Gives both files a handle, because the host moves the bytes. Returns 0 or -errno. */
static s64 to_host(struct copy *c)
{
	s64 r = ofile_handle(c->in);

	if (r >= 0)
		r = ofile_handle(c->out);
	return MIN(r, 0L);
}

/* Opens both ends of c, moves the bytes by fn, and tells the program the new offsets. */
static s64 copy(struct copy *c, s32 in, s32 out, uva in_off, uva out_off, copy_fn *fn)
{
	s64 r = -EBADF;

	if (offset_get(&c->in_off, in_off) < 0 || offset_get(&c->out_off, out_off) < 0)
		return -EFAULT;
	c->in = fd_get(in);
	c->out = fd_get(out);
	if (c->in && c->out)
		r = fn == by_copy_file_range ? check_types(c) : 0;
	if (!r)
		r = ofile_may_move_from(c->in);
	if (!r)
		r = ofile_may_move_to(c->out);
	if (!r)
		r = limit(c);
	if (!r)
		r = to_host(c);
	if (!r)
		r = fn(c);
	ofile_put(c->in);
	ofile_put(c->out);
	return broken_pipe(offset_put(&c->out_off, offset_put(&c->in_off, r)));
}

static s64 by_sendfile(struct copy *c)
{
	return hc_sendfile(c->out->handle, c->in->handle, &c->in_off.value, offset_len(&c->in_off),
			   c->len);
}

static s64 by_copy_file_range(struct copy *c)
{
	return hc_copy_file_range(c->in->handle, &c->in_off.value, offset_len(&c->in_off),
				  c->out->handle, &c->out_off.value, offset_len(&c->out_off),
				  c->len, c->flags);
}

static s64 by_splice(struct copy *c)
{
	return hc_splice(c->in->handle, &c->in_off.value, offset_len(&c->in_off), c->out->handle,
			 &c->out_off.value, offset_len(&c->out_off), c->len, c->flags);
}

static s64 by_tee(struct copy *c)
{
	return hc_tee(c->in->handle, c->out->handle, c->len, c->flags);
}

DEFINE_SYSCALL4(sendfile, s32, out, s32, in, uva, user_offset, u64, len)
{
	struct copy c = {.len = len};

	return copy(&c, in, out, user_offset, 0, by_sendfile);
}

DEFINE_SYSCALL6(copy_file_range, s32, in, uva, in_off, s32, out, uva, out_off, u64, len, u32, flags)
{
	struct copy c = {.len = len, .flags = flags};

	return flags ? -EINVAL : copy(&c, in, out, in_off, out_off, by_copy_file_range);
}

DEFINE_SYSCALL6(splice, s32, in, uva, in_off, s32, out, uva, out_off, u64, len, u32, flags)
{
	struct copy c = {.len = len, .flags = flags};

	if (!len)
		return 0;
	if (flags & ~(u32)SPLICE_F_ALL)
		return -EINVAL;
	return copy(&c, in, out, in_off, out_off, by_splice);
}

DEFINE_SYSCALL4(tee, s32, in, s32, out, u64, len, u32, flags)
{
	struct copy c = {.len = len, .flags = flags};

	if (flags & ~(u32)SPLICE_F_ALL)
		return -EINVAL;
	return len ? copy(&c, in, out, 0, 0, by_tee) : 0;
}
