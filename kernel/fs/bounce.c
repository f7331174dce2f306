// SPDX-License-Identifier: MIT
/*
 * A request with more segments than a hostcall carries is copied through the kernel's memory, which
 * takes few segments: a datagram, or a write to a pipe, must not be cut in two. A request that is
 * larger than BOUNCE_MAX is not a datagram.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/bounce.h"

/* Allocates memory for len bytes and describes it in b->segs. Returns 0 or -ENOMEM. */
static int allocate(struct bounce *b, u64 len)
{
	for (u64 at = 0; at < len; at += BOUNCE_CHUNK) {
		u64 n = MIN(len - at, BOUNCE_CHUNK);
		char *chunk = b->chunk[at / BOUNCE_CHUNK] = kmalloc(n);
		struct segs part;

		if (!chunk || kernel_segs(b->seg + b->segs.count, 2, chunk, n, &part) < 0)
			return -ENOMEM;
		b->segs.count += part.count;
	}
	b->segs.seg = b->seg;
	b->len = len;
	return 0;
}

/* Copies n bytes between the program's memory at user and the buffer at offset at. */
static int move(struct bounce *b, u64 at, u64 user, u64 n, bool fill)
{
	int err = 0;

	while (n && !err) {
		char *p = b->chunk[at / BOUNCE_CHUNK] + at % BOUNCE_CHUNK;
		u64 now = MIN(n, BOUNCE_CHUNK - at % BOUNCE_CHUNK);

		err = fill ? copy_from_user(p, user, now) : copy_to_user(user, p, now);
		at += now;
		user += now;
		n -= now;
	}
	return err;
}

/* Copies the first bytes of the program's buffers into b (fill), or out of it. */
static int move_all(struct bounce *b, u64 bytes, bool fill)
{
	u64 at = 0;
	int err = 0;

	for (u32 i = 0; !err && i < b->count && at < bytes; i++) {
		u64 n = MIN(b->iov[i].iov_len, bytes - at);

		err = move(b, at, (u64)b->iov[i].iov_base, n, fill);
		at += n;
	}
	return err;
}

int bounce_get(struct bounce *b, const struct iovec *iov, u32 count, u64 len, bool fill)
{
	int err;

	*b = (struct bounce){.iov = iov, .count = count};
	err = allocate(b, len);
	if (!err && fill)
		err = move_all(b, len, true);
	if (err < 0)
		bounce_put(b);
	return err;
}

s64 bounce_scatter(struct bounce *b, s64 bytes)
{
	return move_all(b, (u64)bytes, false) < 0 ? -EFAULT : bytes;
}

void bounce_put(struct bounce *b)
{
	for (u32 i = 0; i < BOUNCE_CHUNKS; i++) {
		kfree(b->chunk[i]);
		b->chunk[i] = NULL;
	}
	b->len = 0;
}
