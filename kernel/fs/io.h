/* SPDX-License-Identifier: MIT */
/* Reads and writes under way: what read(2), write(2) and their kin hand to an open file. */
#ifndef KERNEL_FS_IO_H
#define KERNEL_FS_IO_H

#include <linux/uio.h>
#include "common/types.h"

struct ofile;
struct user_segs;

/* SPLICE_F_MOVE, _NONBLOCK, _MORE, _GIFT: splice(2). Linux has them in no header for programs. */
#define SPLICE_F_NONBLOCK 2
#define SPLICE_F_ALL	  15

#define IO_AT_POS	  (-1L) /* offset: the file's own position */

enum io_direction { IO_READ, IO_WRITE };

/* A request: buffers of the program, and how far the transfer has come. */
struct io_request {
	enum io_direction dir;
	const struct iovec *iov;
	u32 count;
	u64 left;   /* bytes not asked for yet */
	u64 done;   /* bytes of iov[0] that were */
	s64 offset; /* or IO_AT_POS */
	u32 flags;  /* RWF_* */
};

/*
 * Moves the bytes between the program's memory and the host's file behind f, in rq's direction:
 * the file operation of whoever's content is the host's. Bytes or -errno; SIGPIPE was sent.
 */
s64 io_transfer(struct ofile *f, struct io_request *rq);

/*
 * For kinds that move the bytes themselves. io_pin adds the buffers of the next max bytes to segs,
 * which is empty, or fewer if there are no more or segs is full; rq stays. Bytes, or -EFAULT where
 * not one can be had. io_advance goes n bytes further.
 */
s64 io_pin(const struct io_request *rq, u64 max, struct user_segs *segs);
void io_advance(struct io_request *rq, u64 n);

/*
 * The next n bytes of the request, of which there are so many, to or from the kernel's memory; rq
 * goes behind them. before: bytes of the system call that lie before these. 0 or -EFAULT.
 */
int io_copy_in(struct io_request *rq, void *to, u64 n, u64 before);
int io_copy_out(struct io_request *rq, const void *from, u64 n);

/* Flags of preadv2(2) and pwritev2(2) that change nothing for kinds without a disk, and RWF_NOWAIT.
 */
#define IO_FLAGS_KNOWN (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND | RWF_NOWAIT)

/* No byte is waited for: O_NONBLOCK, or RWF_NOWAIT for this call. */
bool io_nonblocking(const struct ofile *f, const struct io_request *rq);

#endif
