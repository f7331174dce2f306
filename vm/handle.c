// SPDX-License-Identifier: MIT
/*
 * The table of handles (handle.h): a word per descriptor, in chunks that are allocated when a
 * descriptor of theirs first becomes a handle and stay. No locks: a word goes through
 *
 *   0 -> OPEN -> OPEN + references -> references -> 0
 *
 * and whoever brings it from anything else to 0 closes the descriptor. The host cannot give the
 * number to another file before that close, so a word is 0 when its descriptor is new.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include "vm/handle.h"
#include "vm/hostcall.h"
#include "vm/memory_files.h"

#define OPEN	   0x80000000u
#define REFS_MAX   0x40000000u
#define CHUNK_SIZE 1024

struct chunk {
	_Atomic u32 state[CHUNK_SIZE];
};

static struct chunk *_Atomic chunks[HANDLE_MAX / CHUNK_SIZE];
static _Atomic u64 open_handles;
static u64 most = HANDLE_MAX;

/* The word of a descriptor; NULL when there can be no handle of that number. */
static _Atomic u32 *word_of(u64 number)
{
	struct chunk *chunk;

	if (number >= HANDLE_MAX)
		return NULL;
	chunk = atomic_load_explicit(&chunks[number / CHUNK_SIZE], memory_order_acquire);
	return chunk ? &chunk->state[number % CHUNK_SIZE] : NULL;
}

void handle_limit(u64 max)
{
	most = max;
}

s64 handle_add(int fd)
{
	struct chunk *chunk, *expected = NULL;
	_Atomic u32 *word = word_of((u64)fd);

	if (!word && fd < HANDLE_MAX) {
		chunk = calloc(1, sizeof(*chunk));
		if (chunk &&
		    !atomic_compare_exchange_strong(&chunks[fd / CHUNK_SIZE], &expected, chunk))
			free(chunk);
		word = word_of((u64)fd);
	}
	if (!word) {
		HOST_CALL(close, (u64)fd);
		return -EMFILE;
	}
	if (atomic_fetch_add(&open_handles, 1) >= most) {
		atomic_fetch_sub(&open_handles, 1);
		HOST_CALL(close, (u64)fd);
		return -ENFILE;
	}
	memory_files_opened(fd);
	atomic_store(word, OPEN);
	return fd;
}

int handle_get(u64 number)
{
	_Atomic u32 *word = word_of(number);
	u32 state;

	if (!word)
		return -EBADF;
	state = atomic_load(word);
	do {
		if (!(state & OPEN) || (state & ~OPEN) >= REFS_MAX)
			return -EBADF;
	} while (!atomic_compare_exchange_weak(word, &state, state + 1));
	return (int)number;
}

/* Drops a reference; result of close(2) when it was the last of a closed handle. */
static s64 put(int fd)
{
	_Atomic u32 *word = word_of((u64)fd);

	if (atomic_fetch_sub(word, 1) != 1)
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
	/* The descriptor is gone even then (close(2), "Dealing with error returns"). */
	return ret == -EINTR ? 0 : ret;
}

u64 handle_count(void)
{
	return atomic_load(&open_handles);
}
