// SPDX-License-Identifier: MIT
/* See memory_files.h. */
#include "vm/memory_files.h"

#include <bsd/sys/queue.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/statfs.h>
#include <unistd.h>
#include "vm/hostcall.h"

#ifndef HUGETLBFS_MAGIC
#define HUGETLBFS_MAGIC 0x958458f6
#endif

#define BUCKETS 256

struct memory_file {
	LIST_ENTRY(memory_file) link;
	dev_t dev;
	ino_t ino;
	u64 base;  /* its size when the sandbox first saw it */
	u64 size;  /* its size now, as far as it is known */
	u32 users; /* number of handles and windows */
};

/* lock protects all fields. The host calls that are made with it held do not sleep. */
static struct {
	pthread_mutex_t lock;
	struct sandbox *s; /* NULL: nothing is counted */
	LIST_HEAD(memory_bucket, memory_file) bucket[BUCKETS];
} files = {.lock = PTHREAD_MUTEX_INITIALIZER};

void memory_files_init(struct sandbox *s)
{
	files.s = s;
}

bool memory_files_count(void)
{
	return files.s != NULL;
}

static bool is_memory(int fd)
{
	struct statfs fs;

	if (HOST_CALL(fstatfs, (u64)fd, (u64)&fs) < 0)
		return false;
	return fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC || fs.f_type == HUGETLBFS_MAGIC;
}

static u64 counted(const struct memory_file *f)
{
	return f->size > f->base ? f->size - f->base : 0;
}

/*
 * Returns how much memory the file has or may get without a hostcall. That can be more than its
 * size: fallocate(2) allocates blocks beyond it.
 */
static u64 bytes_of(const struct stat *st)
{
	return MAX((u64)MAX(st->st_size, 0), (u64)MAX(st->st_blocks, 0) * 512);
}

static struct memory_bucket *bucket_of(dev_t dev, ino_t ino)
{
	return &files.bucket[(dev ^ ino) % BUCKETS];
}

static struct memory_file *find(dev_t dev, ino_t ino)
{
	struct memory_file *f;

	LIST_FOREACH (f, bucket_of(dev, ino), link)
		if (f->dev == dev && f->ino == ino)
			return f;
	return NULL;
}

/*
 * Changes the counted size. Returns false and changes nothing if it does not fit and force is
 * false. files.lock is held.
 */
static bool resize(struct memory_file *f, u64 size, bool force)
{
	struct memory_file to = {.base = f->base, .size = size};

	if (!memory_count_files(files.s, counted(f), counted(&to), force))
		return false;
	f->size = size;
	return true;
}

/*
 * Forgets the file if it has no handle and no window, unless it has a name and bytes that count.
 * files.lock is held.
 */
static void drop_unused(struct memory_file *f, bool has_name)
{
	if (f->users > 0 || (has_name && counted(f) > 0))
		return;
	resize(f, 0, true);
	LIST_REMOVE(f, link);
	free(f);
}

void memory_files_opened(int fd)
{
	struct memory_file *f;
	struct stat st;

	if (!files.s || !is_memory(fd) || HOST_CALL(fstat, (u64)fd, (u64)&st) < 0 ||
	    !S_ISREG(st.st_mode))
		return;
	pthread_mutex_lock(&files.lock);
	f = find(st.st_dev, st.st_ino);
	if (!f) {
		f = calloc(1, sizeof(*f));
		if (f) {
			f->dev = st.st_dev;
			f->ino = st.st_ino;
			f->base = f->size = bytes_of(&st);
			LIST_INSERT_HEAD(bucket_of(f->dev, f->ino), f, link);
		}
	}
	if (f) {
		f->users++;
		resize(f, bytes_of(&st), true); /* O_TRUNC */
	}
	pthread_mutex_unlock(&files.lock);
}

void memory_files_closing(int fd)
{
	struct memory_file *f;
	struct stat st;

	if (!files.s || HOST_CALL(fstat, (u64)fd, (u64)&st) < 0)
		return;
	pthread_mutex_lock(&files.lock);
	f = find(st.st_dev, st.st_ino);
	if (f && f->users > 0) {
		f->users--;
		drop_unused(f, st.st_nlink > 0);
	}
	pthread_mutex_unlock(&files.lock);
}

void memory_files_mapped(dev_t dev, ino_t ino)
{
	struct memory_file *f;

	if (!files.s)
		return;
	pthread_mutex_lock(&files.lock);
	f = find(dev, ino);
	if (f)
		f->users++;
	pthread_mutex_unlock(&files.lock);
}

void memory_files_unmapped(dev_t dev, ino_t ino, int fd)
{
	struct memory_file *f;
	struct stat st;
	bool has_name;

	if (!files.s)
		return;
	has_name = fd < 0 || HOST_CALL(fstat, (u64)fd, (u64)&st) < 0 || st.st_nlink > 0;
	pthread_mutex_lock(&files.lock);
	f = find(dev, ino);
	if (f && f->users > 0) {
		f->users--;
		drop_unused(f, has_name);
	}
	pthread_mutex_unlock(&files.lock);
}

/*
 * Counts the size that the file has now, then reserves memory up to end. Returns 0 or -ENOSPC.
 * files.lock is held.
 */
static s64 grow(struct memory_file *f, const struct stat *st, u64 end)
{
	/* The size that the file has by now counts in any case. */
	resize(f, bytes_of(st), true);
	return end <= f->size || resize(f, end, false) ? 0 : -ENOSPC;
}

s64 memory_files_reserve(int fd, u64 end)
{
	struct memory_file *f;
	struct stat st;
	s64 ret = 0;

	if (!files.s || HOST_CALL(fstat, (u64)fd, (u64)&st) < 0)
		return 0;
	pthread_mutex_lock(&files.lock);
	f = find(st.st_dev, st.st_ino);
	if (f)
		ret = grow(f, &st, end);
	pthread_mutex_unlock(&files.lock);
	return ret;
}

s64 memory_files_reserve_write(int fd, u64 offset, u64 len, bool append)
{
	struct stat st;
	u64 end;
	s64 at;

	if (!files.s || HOST_CALL(fstat, (u64)fd, (u64)&st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (offset == ~0UL) {
		at = HOST_CALL(lseek, (u64)fd, 0, SEEK_CUR);
		offset = (u64)MAX(at, 0L);
	}
	if (append || (HOST_CALL(fcntl, (u64)fd, F_GETFL) & O_APPEND)) {
		offset = (u64)MAX(st.st_size, 0);
	}
	return memory_files_reserve(fd,
				    __builtin_add_overflow(offset, len, &end) ? UINT64_MAX : end);
}

void memory_files_unlinked(const struct stat *st)
{
	struct memory_file *f;

	if (!files.s || st->st_nlink > 0)
		return;
	pthread_mutex_lock(&files.lock);
	f = find(st->st_dev, st->st_ino);
	if (f)
		drop_unused(f, false);
	pthread_mutex_unlock(&files.lock);
}
