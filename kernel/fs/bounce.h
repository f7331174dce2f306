/* SPDX-License-Identifier: MIT */
/* Buffers in kernel memory for requests that have more segments than a hostcall carries. */
#ifndef KERNEL_FS_BOUNCE_H
#define KERNEL_FS_BOUNCE_H

#include <linux/uio.h>
#include "kernel/hostcall.h"

#define BOUNCE_CHUNK  (1UL << 20)
#define BOUNCE_CHUNKS 16
#define BOUNCE_MAX    (BOUNCE_CHUNKS * BOUNCE_CHUNK) /* callers cut or refuse larger requests */

struct bounce {
	const struct iovec *iov;
	u32 count;
	u64 len; /* 0: not in use */
	char *chunk[BOUNCE_CHUNKS];
	struct segs segs; /* for the hostcall */
	struct hostcall_seg seg[2 * BOUNCE_CHUNKS];
};

/*
 * Makes a buffer for the first len (> 0, at most BOUNCE_MAX) bytes of iov, which has to stay until
 * bounce_put. fill: copies those bytes into the buffer. Returns 0, -ENOMEM or -EFAULT; after an
 * error there is nothing to put.
 */
int bounce_get(struct bounce *b, const struct iovec *iov, u32 count, u64 len, bool fill);
/* Copies the first bytes (>= 0) of the buffer into the program's iov. Returns bytes or -EFAULT. */
s64 bounce_scatter(struct bounce *b, s64 bytes);
/* Frees the buffer. Allowed for a struct of zeros, and more than once. */
void bounce_put(struct bounce *b);

#endif
