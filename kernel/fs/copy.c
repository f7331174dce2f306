// SPDX-License-Identifier: MIT
/* System calls that move bytes between two files without passing through the program. */
#include "kernel/fs/fs.h"

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

DEFINE_SYSCALL4(sendfile, s32, out, s32, in, uva, user_offset, u64, len)
{
	struct user_offset off;
	s64 r;

	if (offset_get(&off, user_offset) < 0)
		return -EFAULT;
	r = WITH_FD(to, out,
		    WITH_FD(from, in, hc_sendfile(to, from, &off.value, offset_len(&off), len)));
	return broken_pipe(offset_put(&off, r));
}

/* copy_file_range and splice have the same arguments. */
#define COPY(call, in, user_in_off, out, user_out_off, len, flags)                                 \
	({                                                                                         \
		struct user_offset from_, to_;                                                     \
		s64 r_ = -EFAULT;                                                                  \
		if (offset_get(&from_, user_in_off) == 0 && offset_get(&to_, user_out_off) == 0) { \
			r_ = WITH_FD(i_, in,                                                       \
				     WITH_FD(o_, out,                                              \
					     call(i_, &from_.value, offset_len(&from_), o_,        \
						  &to_.value, offset_len(&to_), len, flags)));     \
			r_ = offset_put(&to_, offset_put(&from_, r_));                             \
		}                                                                                  \
		broken_pipe(r_);                                                                   \
	})

/* The host does not know the file of this descriptor: so it is no regular file. */
static bool is_guests(s32 fd)
{
	struct ofile *f = fd_get(fd);
	bool guests = f && f->handle < 0;

	ofile_put(f);
	return guests;
}

DEFINE_SYSCALL6(copy_file_range, s32, in, uva, in_off, s32, out, uva, out_off, u64, len, u32, flags)
{
	if (is_guests(in) || is_guests(out))
		return -EINVAL;
	return COPY(hc_copy_file_range, in, in_off, out, out_off, len, flags);
}

DEFINE_SYSCALL6(splice, s32, in, uva, in_off, s32, out, uva, out_off, u64, len, u32, flags)
{
	return COPY(hc_splice, in, in_off, out, out_off, len, flags);
}

DEFINE_SYSCALL4(tee, s32, in, s32, out, u64, len, u32, flags)
{
	return broken_pipe(WITH_FD(from, in, WITH_FD(to, out, hc_tee(from, to, len, flags))));
}
