// SPDX-License-Identifier: MIT
/*
 * The table of handles (handle.h): a word for each descriptor, in chunks. A chunk is allocated when
 * one of its descriptors first becomes a handle, and is never freed. There are no locks: the lower
 * half of a word goes through
 *
 *   0 -> OPEN -> OPEN + references -> references -> 0
 *
 * and the thread that changes it from another value to 0 closes the descriptor. The upper half
 * counts how often the descriptor has become a handle: common/host_kernel.h. The host cannot
 * give the number to another file before that close, so the word of a new descriptor is 0.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include "vm/handle.h"
#include "vm/hostcall.h"
#include "vm/memory_files.h"

#define OPEN	 ((u64)HANDLE_OPEN)
#define REFS_MAX 0x40000000u
#define LIFE	 ((u64)1 << 32) /* added when the descriptor becomes a handle */
#define WORD(w)	 ((u32)(w))

struct chunk {
	_Atomic u64 state[HANDLE_CHUNK];
	_Atomic u32 tag[HANDLE_CHUNK];
};

static struct chunk *_Atomic chunks[HANDLE_CHUNKS];
static _Atomic u64 open_handles;
static u64 most = HANDLE_MAX;
static _Atomic u64 refused; /* handles above that */

/* Returns the word of a descriptor, or NULL if no handle has had a number in its chunk. */
static _Atomic u64 *word_of(u64 number)
{
	struct chunk *chunk;

	if (number >= HANDLE_MAX)
		return NULL;
	chunk = atomic_load_explicit(&chunks[number / HANDLE_CHUNK], memory_order_acquire);
	return chunk ? &chunk->state[number % HANDLE_CHUNK] : NULL;
}

void handle_limit(u64 max)
{
	most = max;
}

u64 handle_refused(void)
{
	return atomic_load(&refused);
}

s64 handle_add_tagged(int fd, u32 tag)
{
	struct chunk *chunk, *expected = NULL;
	_Atomic u64 *word = word_of((u64)fd);

	if (!word && fd < HANDLE_MAX) {
		chunk = calloc(1, sizeof(*chunk));
		if (chunk &&
		    !atomic_compare_exchange_strong(&chunks[fd / HANDLE_CHUNK], &expected, chunk))
			free(chunk);
		word = word_of((u64)fd);
	}
	if (!word) {
		HOST_CALL(close, (u64)fd);
		return -EMFILE;
	}
	if (atomic_fetch_add(&open_handles, 1) >= most) {
		atomic_fetch_sub(&open_handles, 1);
		atomic_fetch_add(&refused, 1);
		HOST_CALL(close, (u64)fd);
		return -ENFILE;
	}
	memory_files_opened(fd);
	atomic_store(&atomic_load(&chunks[fd / HANDLE_CHUNK])->tag[fd % HANDLE_CHUNK], tag);
	atomic_store(word, (atomic_load(word) + LIFE) | OPEN);
	return fd;
}

s64 handle_add(int fd)
{
	return handle_add_tagged(fd, 0);
}

u32 handle_tag(int fd)
{
	return atomic_load(&atomic_load(&chunks[fd / HANDLE_CHUNK])->tag[fd % HANDLE_CHUNK]);
}

int handle_get(u64 number)
{
	_Atomic u64 *word = word_of(number);
	u64 state;

	if (!word)
		return -EBADF;
	state = atomic_load(word);
	do {
		if (!(state & OPEN) || (WORD(state) & ~HANDLE_OPEN) >= REFS_MAX)
			return -EBADF;
	} while (!atomic_compare_exchange_weak(word, &state, state + 1));
	return (int)number;
}

/*
 * Drops a reference. Returns the result of close(2) if it was the last of a closed handle, else 0.
 */
static s64 put(int fd)
{
	_Atomic u64 *word = word_of((u64)fd);

	if (WORD(atomic_fetch_sub(word, 1)) != 1)
		return 0;
	memory_files_closing(fd);
	return HOST_CALL(close, (u64)fd);
}

void handle_put(int fd)
{
	put(fd);
}

s64 handle_close(int fd)
{
	s64 ret;

	if (!(atomic_fetch_and(word_of((u64)fd), ~OPEN) & OPEN)) {
		put(fd);
		return -EBADF;
	}
	atomic_fetch_sub(&open_handles, 1);
	ret = put(fd);
	/* The descriptor is closed even on EINTR (close(2), "Dealing with error returns"). */
	return ret == -EINTR ? 0 : ret;
}

u64 handle_count(void)
{
	return atomic_load(&open_handles);
}

u64 handle_table(void)
{
	return (u64)chunks;
}
