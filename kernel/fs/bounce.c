// SPDX-License-Identifier: MIT
/*
 * A request of more pieces than a hostcall carries, in one piece through the kernel's memory. A
 * datagram, or a write to a pipe, must not be cut in two; larger ones than this are no datagrams.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/bounce.h"

int bounce_get(struct bounce *b, const struct iovec *iov, u32 count, u64 len, bool fill)
{
	u64 at = 0;
	int err = 0;

	*b = (struct bounce){.iov = iov, .count = count, .buf = kmalloc(len)};
	if (!b->buf)
		return -ENOMEM;
	for (u32 i = 0; fill && !err && i < count && at < len; i++) {
		u64 n = MIN(iov[i].iov_len, len - at);

		err = copy_from_user(b->buf + at, (u64)iov[i].iov_base, n);
		at += n;
	}
	if (!err)
		err = kernel_segs(b->seg, ARRAY_SIZE(b->seg), b->buf, len, &b->segs);
	if (err < 0)
		bounce_put(b);
	return err < 0 ? err : 0;
}

s64 bounce_scatter(struct bounce *b, s64 bytes)
{
	s64 at = 0;

	for (u32 i = 0; i < b->count && at < bytes; i++) {
		s64 n = MIN((s64)b->iov[i].iov_len, bytes - at);

		if (copy_to_user((u64)b->iov[i].iov_base, b->buf + at, n) < 0)
			return -EFAULT;
		at += n;
	}
	return bytes;
}

void bounce_put(struct bounce *b)
{
	kfree(b->buf);
}
