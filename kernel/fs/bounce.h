/* SPDX-License-Identifier: MIT */
/* Requests with more segments than a hostcall carries: bounce.c. */
#ifndef KERNEL_FS_BOUNCE_H
#define KERNEL_FS_BOUNCE_H

#include <linux/uio.h>
#include "kernel/hostcall.h"

#define BOUNCE_CHUNK  (1UL << 20)
#define BOUNCE_CHUNKS 16
#define BOUNCE_MAX    (BOUNCE_CHUNKS * BOUNCE_CHUNK) /* a larger request is cut, or fails */

struct bounce {
	const struct iovec *iov;
	u32 count;
	u64 len; /* 0: not in use */
	char *chunk[BOUNCE_CHUNKS];
	struct segs segs; /* for the hostcall */
	struct hostcall_seg seg[2 * BOUNCE_CHUNKS];
};

/* A buffer for the first len (> 0, at most BOUNCE_MAX) bytes of iov, filled from it if asked. */
int bounce_get(struct bounce *b, const struct iovec *iov, u32 count, u64 len, bool fill);
/* The result of a receiving hostcall goes to the program: bytes or -EFAULT. */
s64 bounce_scatter(struct bounce *b, s64 bytes);
void bounce_put(struct bounce *b);

#endif
