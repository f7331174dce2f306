// SPDX-License-Identifier: MIT
/* Messages of unix sockets: their bytes, and what they count. See unix.h. */
#include <linux/poll.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/unix.h"

/* Sizes of Linux on x86-64 by which a message counts: include/linux/skbuff.h, net/unix/af_unix.c.
 */
#define SKB_STRUCT	256U /* struct sk_buff, aligned */
#define SKB_SHARED	320U /* struct skb_shared_info, aligned, in the same memory as the bytes */
#define SKB_ALIGN	64U
#define SKB_SMALLEST	512U
#define HEAD_STREAM_MAX 3776U  /* further bytes lie in pages */
#define HEAD_MAX	16064U /* the same for messages */

u32 unix_charge(u64 len, bool stream)
{
	const u64 head_max = stream ? HEAD_STREAM_MAX : HEAD_MAX;
	u64 paged = len > head_max ? MIN(ALIGN_UP(len - head_max, PAGE_SIZE), len) : 0;
	u64 head = ALIGN_UP(len - paged, SKB_ALIGN) + SKB_SHARED, memory = SKB_SMALLEST;

	while (memory < head)
		memory *= 2;
	return (u32)(memory + SKB_STRUCT + paged);
}

/* Allocates the memory for len bytes; a message of one chunk has them behind its struct. */
static struct unix_message *allocate(u32 len)
{
	const u32 chunks = len ? (len + UNIX_CHUNK - 1) / UNIX_CHUNK : 0;
	const u64 head = sizeof(struct unix_message) + chunks * sizeof(char *);
	struct unix_message *m = kmalloc(head + (chunks == 1 ? len : 0));

	if (!m)
		return NULL;
	memset(m, 0, head);
	m->refs = 1;
	m->len = len;
	if (chunks == 1)
		m->chunk[0] = (char *)m + head;
	m->chunks = chunks;
	for (u32 i = 0; chunks > 1 && i < chunks; i++) {
		m->chunk[i] = kmalloc(MIN(len - i * UNIX_CHUNK, UNIX_CHUNK));
		if (!m->chunk[i]) {
			unix_message_put(m);
			return NULL;
		}
	}
	return m;
}

void unix_message_put(struct unix_message *m)
{
	if (__atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL))
		return;
	for (u32 i = 0; m->chunks > 1 && i < m->chunks; i++)
		kfree(m->chunk[i]);
	kfree(m);
}

struct unix_message *unix_message_new(struct io_request *rq, u64 len, u64 before, int *err)
{
	struct unix_message *m = len <= UINT32_MAX ? allocate((u32)len) : NULL;

	*err = m ? 0 : -ENOMEM;
	for (u32 i = 0; !*err && i < m->chunks; i++) {
		const u32 at = i * UNIX_CHUNK;

		*err = io_copy_in(rq, m->chunk[i], MIN((u32)len - at, UNIX_CHUNK), before + at);
	}
	if (m && *err) {
		unix_message_put(m);
		m = NULL;
	}
	return m;
}

const char *unix_message_bytes(const struct unix_message *m, u32 at, u64 max, u64 *n)
{
	*n = MIN(max, MIN((u64)(m->len - at), (u64)(UNIX_CHUNK - at % UNIX_CHUNK)));
	return m->chunk[at / UNIX_CHUNK] + at % UNIX_CHUNK;
}

int unix_message_copy_out(const struct unix_message *m, struct io_request *rq, u64 n)
{
	u64 part;
	int err = 0;

	for (u32 at = 0; !err && at < n; at += (u32)part) {
		const char *from = unix_message_bytes(m, at, n - at, &part);

		err = io_copy_out(rq, from, part);
	}
	return err;
}
