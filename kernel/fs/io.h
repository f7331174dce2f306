/* SPDX-License-Identifier: MIT */
/* Requests: what read(2), write(2) and similar calls hand to an open file. */
#ifndef KERNEL_FS_IO_H
#define KERNEL_FS_IO_H

#include <linux/uio.h>
#include "common/types.h"

struct ofile;
struct user_segs;

/* SPLICE_F_*: splice(2). Linux has them in no header for programs. */
#define SPLICE_F_NONBLOCK 2
#define SPLICE_F_ALL	  15 /* MOVE, NONBLOCK, MORE, GIFT */

#define IO_AT_POS	  (-1L) /* as an offset: the file's own position */

enum io_direction { IO_READ, IO_WRITE };

/* Buffers of the program, and the progress of the transfer. */
struct io_request {
	enum io_direction dir;
	const struct iovec *iov;
	u32 count;
	u64 left;   /* bytes still to be transferred; may be less than the buffers have */
	u64 done;   /* bytes of iov[0] that were transferred */
	s64 offset; /* in the file, or IO_AT_POS */
	u32 flags;  /* RWF_* */
};

/*
 * The operation .read or .write of files whose content is the host's. Moves bytes between the
 * program's memory and f's handle, in rq's direction. Returns bytes or -errno. Sends SIGPIPE if the
 * host's write fails with EPIPE.
 */
s64 io_transfer(struct ofile *f, struct io_request *rq);

/*
 * For kinds that move the bytes themselves. io_pin adds the buffers of at most the next max bytes
 * to segs, which is empty, until segs is full or the request ends. It does not change rq. Returns
 * bytes, or -EFAULT if the first byte is not there. io_advance moves rq forward by n bytes.
 */
s64 io_pin(const struct io_request *rq, u64 max, struct user_segs *segs);
void io_advance(struct io_request *rq, u64 n);

/*
 * Copies the next n bytes of the request, which has that many, to or from the kernel's memory, and
 * advances rq. before: how many bytes of the system call lie before these. Returns 0 or -EFAULT.
 */
int io_copy_in(struct io_request *rq, void *to, u64 n, u64 before);
int io_copy_out(struct io_request *rq, const void *from, u64 n);

/* RWF_NOWAIT, and the flags of preadv2(2) and pwritev2(2) that have no effect without a disk. */
#define IO_FLAGS_KNOWN (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND | RWF_NOWAIT)

/* Returns true if the call must not wait: O_NONBLOCK, or RWF_NOWAIT for this call. */
bool io_nonblocking(const struct ofile *f, const struct io_request *rq);

#endif
