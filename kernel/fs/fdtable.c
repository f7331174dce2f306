// SPDX-License-Identifier: MIT
/*
 * The descriptor table: pure logic, tested on the host (tests/unit/fdtable_test.c). It handles
 * numbers, references and the two bitmaps, and does not look into the open files.
 */
#include "kernel/fs/file.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"

#define WORD_BITS 64

static bool test_bit(const u64 *map, u32 n)
{
	return map[n / WORD_BITS] >> (n % WORD_BITS) & 1;
}

static void put_bit(u64 *map, u32 n, bool on)
{
	u64 bit = 1UL << (n % WORD_BITS);

	if (on)
		map[n / WORD_BITS] |= bit;
	else
		map[n / WORD_BITS] &= ~bit;
}

/* Returns the lowest bit in [from, size) that is set (or clear); size if there is none. */
static u32 find_bit(const u64 *map, u32 from, u32 size, bool set)
{
	u64 flip = set ? 0 : ~0UL;
	u32 base = from & ~(WORD_BITS - 1);
	u64 mask = ~0UL << (from % WORD_BITS);

	for (; base < size; base += WORD_BITS, mask = ~0UL) {
		u64 word = (map[base / WORD_BITS] ^ flip) & mask;

		if (word)
			return base + __builtin_ctzl(word);
	}
	return size;
}

static bool in_use(struct files *f, s32 fd)
{
	return fd >= 0 && (u32)fd < f->size && test_bit(f->open, fd);
}

static struct ofile **slot(struct files *f, u32 fd)
{
	return &f->chunk[fd / FD_CHUNK][fd % FD_CHUNK];
}

static u64 *grow_bitmap(u64 *map, u32 old_size, u32 new_size)
{
	u64 *grown = krealloc(map, new_size / 8);

	if (grown)
		memset(grown + old_size / WORD_BITS, 0, (new_size - old_size) / 8);
	return grown;
}

/* Makes space for fd, which is below FD_LIMIT. Returns 0 or -ENOMEM. */
static int make_space(struct files *f, u32 fd)
{
	if (fd >= f->size) {
		/* Doubling the size makes the copies linear in the number of descriptors. */
		u32 size = MAX(ALIGN_UP(fd + 1, FD_CHUNK), MIN(f->size * 2, (u32)FD_LIMIT));
		u64 *map = grow_bitmap(f->open, f->size, size);

		if (!map)
			return -ENOMEM;
		f->open = map;
		map = grow_bitmap(f->cloexec, f->size, size);
		if (!map)
			return -ENOMEM;
		f->cloexec = map;
		f->size = size;
	}
	if (!f->chunk[fd / FD_CHUNK]) {
		struct ofile **chunk = kzalloc(FD_CHUNK * sizeof(*chunk));

		if (!chunk)
			return -ENOMEM;
		f->chunk[fd / FD_CHUNK] = chunk;
	}
	return 0;
}

static void set(struct files *f, u32 fd, struct ofile *file, bool cloexec)
{
	*slot(f, fd) = file;
	put_bit(f->open, fd, file != NULL);
	put_bit(f->cloexec, fd, cloexec);
	if (!file && fd < f->next)
		f->next = fd;
}

struct files *files_new(void)
{
	struct files *f = kzalloc(sizeof(*f));

	if (f) {
		f->users = 1;
		mutex_init(&f->lock, LOCK_FILES);
	}
	return f;
}

struct files *files_dup(struct files *f)
{
	struct files *copy = files_new();
	u32 fd;

	if (!copy)
		return NULL;
	mutex_lock(&f->lock);
	for (fd = 0; (fd = find_bit(f->open, fd, f->size, true)) < f->size; fd++) {
		if (make_space(copy, fd) < 0)
			break;
		set(copy, fd, ofile_get(*slot(f, fd)), test_bit(f->cloexec, fd));
	}
	if (fd < f->size) {
		mutex_unlock(&f->lock);
		files_put(copy);
		return NULL;
	}
	copy->next = f->next;
	mutex_unlock(&f->lock);
	return copy;
}

void files_put(struct files *f)
{
	if (__atomic_sub_fetch(&f->users, 1, __ATOMIC_ACQ_REL))
		return;
	for (s32 fd = -1; (fd = fdtable_next(f, fd + 1)) >= 0;)
		file_close(f, fdtable_remove(f, fd));
	for (u32 i = 0; i < f->size / FD_CHUNK; i++)
		kfree(f->chunk[i]);
	kfree(f->open);
	kfree(f->cloexec);
	kfree(f);
}

void files_close_on_exec(struct files *f)
{
	for (s32 fd = -1; (fd = fdtable_next(f, fd + 1)) >= 0;)
		if (fdtable_get_cloexec(f, fd) == 1)
			file_close(f, fdtable_remove(f, fd));
}

struct ofile *fdtable_get(struct files *f, s32 fd)
{
	struct ofile *file = NULL;

	mutex_lock(&f->lock);
	if (in_use(f, fd))
		file = ofile_get(*slot(f, fd));
	mutex_unlock(&f->lock);
	return file;
}

s32 fdtable_install(struct files *f, struct ofile *file, s32 min, u64 limit, bool cloexec)
{
	s32 fd, err;

	limit = MIN(limit, (u64)FD_LIMIT);
	if (min < 0 || (u64)min >= limit)
		return min == 0 ? -EMFILE : -EINVAL;
	mutex_lock(&f->lock);
	fd = MAX((u32)min, f->next);
	if ((u32)fd < f->size)
		fd = find_bit(f->open, fd, f->size, false);
	if ((u64)fd >= limit)
		err = -EMFILE;
	else
		err = make_space(f, fd);
	if (!err) {
		set(f, fd, file, cloexec);
		if ((u32)min <= f->next)
			f->next = fd + 1;
	}
	mutex_unlock(&f->lock);
	return err ? err : fd;
}

int fdtable_replace(struct files *f, s32 fd, struct ofile *file, bool cloexec, struct ofile **old)
{
	int err;

	*old = NULL;
	if (fd < 0 || fd >= FD_LIMIT)
		return -EBADF;
	mutex_lock(&f->lock);
	err = make_space(f, fd);
	if (!err) {
		*old = *slot(f, fd);
		set(f, fd, file, cloexec);
	}
	mutex_unlock(&f->lock);
	return err;
}

struct ofile *fdtable_remove(struct files *f, s32 fd)
{
	struct ofile *file = NULL;

	mutex_lock(&f->lock);
	if (in_use(f, fd)) {
		file = *slot(f, fd);
		set(f, fd, NULL, false);
	}
	mutex_unlock(&f->lock);
	return file;
}

s32 fdtable_next(struct files *f, s32 fd)
{
	u32 found;

	mutex_lock(&f->lock);
	found = f->size;
	if (fd >= 0 && (u32)fd < f->size)
		found = find_bit(f->open, fd, f->size, true);
	fd = found < f->size ? (s32)found : -1;
	mutex_unlock(&f->lock);
	return fd;
}

int fdtable_get_cloexec(struct files *f, s32 fd)
{
	int on = -EBADF;

	mutex_lock(&f->lock);
	if (in_use(f, fd))
		on = test_bit(f->cloexec, fd);
	mutex_unlock(&f->lock);
	return on;
}

int fdtable_set_cloexec(struct files *f, s32 fd, bool on)
{
	int err = -EBADF;

	mutex_lock(&f->lock);
	if (in_use(f, fd)) {
		put_bit(f->cloexec, fd, on);
		err = 0;
	}
	mutex_unlock(&f->lock);
	return err;
}

u32 fdtable_size(struct files *f)
{
	u32 size;

	mutex_lock(&f->lock);
	size = f->size;
	mutex_unlock(&f->lock);
	return size;
}
