// SPDX-License-Identifier: MIT
/*
 * Windows (window.h): which file range is where, and the guest-physical addresses that windows use.
 *
 * Addresses come from arenas: slots of reserved memory that is not accessible. A window is mapped
 * over its addresses, and the reservation is put back when the window goes. The addresses are never
 * unmapped in between, because another thread's mmap could land there, and the guest would reach
 * it. So a file is first mapped elsewhere, where failure is harmless, and then moved into place.
 *
 * Pages are not populated in advance: the host's fault-around is as fast (measured with dynamic
 * programs), and pages that are not mapped do not count as the monitor's memory.
 *
 * Freed addresses are used again only when no arena has unused ones, oldest first. So a guest that
 * wrongly keeps an address most likely faults instead of seeing another file.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/sys/queue.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include "vm/handle.h"
#include "vm/hostcall.h"
#include "vm/memory_files.h"
#include "vm/window.h"

/*
 * A file up to this size is mapped as a whole, because a program that maps one part maps others
 * next.
 */
#define WHOLE_MAX   (128UL << 20)

/* More than the steps in which file systems count time, which are up to two seconds (FAT). */
#define SETTLED_S   3

#define WINDOWS_MAX 16384 /* stays below the host's vm.max_map_count */
#define REFS_MAX    0x40000000u
#define BUCKETS	    256

struct window {
	LIST_ENTRY(window) link; /* in its bucket */
	u32 id;
	u32 refs; /* references of the guest; at 0 the window loses its id and ... */
	u32 busy; /* ... is closed when no hostcall uses it any more */
	u64 gpa, size, offset;
	u8 *host;
	dev_t dev;
	ino_t ino;
	struct timespec changed; /* st_ctim when it was mapped */
	bool writable;
	u64 device_size; /* of a block device or ring, whose size is fixed; 0: ask fd */
	/*
	 * A descriptor of the file, only to ask for its size; -1 if there is none. It is O_PATH,
	 * because closing any other descriptor of a file releases the process's record locks on it
	 * (fcntl_locking(2)).
	 */
	int fd;
};

struct arena {
	u64 gpa, size, used;
};

struct extent {
	TAILQ_ENTRY(extent) link;
	u64 gpa, size;
};

/*
 * lock protects all fields. The only host calls under it that may sleep map, open or close
 * files.
 */
static struct {
	pthread_mutex_t lock;
	LIST_HEAD(bucket, window) bucket[BUCKETS]; /* by device and inode */
	struct window *by_id[WINDOWS_MAX];
	u32 next_id; /* ids are used in turn, so that a stale id stays unused for long */
	u32 count;
	u64 made;
	struct arena arena[SLOTS_MAX];
	u32 arenas;
	TAILQ_HEAD(extents, extent) freed; /* oldest first; each in one arena, none adjacent */
} windows = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.freed = TAILQ_HEAD_INITIALIZER(windows.freed),
};

/* ---- addresses ------------------------------------------------------------------------------ */

static const struct arena *arena_of(u64 gpa)
{
	const struct arena *a = windows.arena;

	while (gpa - a->gpa >= a->size)
		a++;
	return a;
}

/*
 * Frees addresses and joins them with adjacent freed ones of the same arena. Addresses of the next
 * arena may follow in the guest, but not in the host.
 */
static void address_free(u64 gpa, u64 size)
{
	struct extent *p, *next, *joined = NULL;
	const struct arena *arena;

	if (size == 0)
		return;
	arena = arena_of(gpa);
	for (p = TAILQ_FIRST(&windows.freed); p; p = next) {
		next = TAILQ_NEXT(p, link);
		if ((p->gpa + p->size != gpa && gpa + size != p->gpa) || arena_of(p->gpa) != arena)
			continue;
		gpa = MIN(gpa, p->gpa);
		size += p->size;
		TAILQ_REMOVE(&windows.freed, p, link);
		free(joined);
		joined = p;
	}
	if (!joined)
		joined = malloc(sizeof(*joined));
	if (!joined)
		return; /* the addresses are lost, but stay reserved */
	joined->gpa = gpa;
	joined->size = size;
	TAILQ_INSERT_TAIL(&windows.freed, joined, link);
}

static bool arena_take(struct arena *a, u64 size, u64 align, u64 *gpa)
{
	u64 at = ALIGN_UP(a->gpa + a->used, align) - a->gpa;

	if (at > a->size || size > a->size - at)
		return false;
	address_free(a->gpa + a->used, at - a->used);
	a->used = at + size;
	*gpa = a->gpa + at;
	return true;
}

static bool freed_take(u64 size, u64 align, u64 *gpa)
{
	struct extent *p, whole;

	TAILQ_FOREACH (p, &windows.freed, link) {
		*gpa = ALIGN_UP(p->gpa, align);
		if (*gpa - p->gpa > p->size || size > p->size - (*gpa - p->gpa))
			continue;
		whole = *p;
		TAILQ_REMOVE(&windows.freed, p, link);
		free(p);
		address_free(whole.gpa, *gpa - whole.gpa);
		address_free(*gpa + size, whole.gpa + whole.size - (*gpa + size));
		return true;
	}
	return false;
}

/* Takes addresses for a window. Returns 0 or -errno. */
static s64 address_take(struct sandbox *s, u64 size, u64 *gpa)
{
	u64 align = size >= HUGE_SIZE ? HUGE_SIZE : PAGE_SIZE;
	int slot;

	for (u32 i = windows.arenas; i-- > 0;)
		if (arena_take(&windows.arena[i], size, align, gpa))
			return 0;
	if (freed_take(size, align, gpa))
		return 0;
	if (windows.arenas == SLOTS_MAX)
		return -ENOMEM;
	slot = memory_window_arena(s, size);
	if (slot < 0)
		return slot;
	windows.arena[windows.arenas] = (struct arena){
		.gpa = s->mem.slot[slot].gpa,
		.size = s->mem.slot[slot].size,
	};
	return arena_take(&windows.arena[windows.arenas++], size, align, gpa) ? 0 : -ENOMEM;
}

/* ---- mappings ------------------------------------------------------------------------------- */

static bool is_error(s64 ret)
{
	return ret < 0 && ret >= -4095;
}

static s64 reserve_again(u8 *host, u64 size)
{
	s64 ret = HOST_CALL(mmap, (u64)host, size, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, (u64)-1, 0);

	return is_error(ret) ? ret : 0;
}

/*
 * A window that is not writable shows a memory file through a descriptor for reading. The host
 * counts every shared mapping of a writable descriptor as a writer, and F_SEAL_WRITE would be EBUSY
 * (fcntl(2)) while a program has only a private mapping. Returns fd itself if this is not needed or
 * not possible; else a new descriptor, which the caller closes. Only memory files have seals.
 */
static int reading_fd(int fd, bool writable)
{
	s64 flags = writable ? -1 : HOST_CALL(fcntl, (u64)fd, F_GETFL, 0);
	char path[32];
	s64 only;

	if (flags < 0 || (flags & O_ACCMODE) != O_RDWR ||
	    HOST_CALL(fcntl, (u64)fd, F_GET_SEALS, 0) < 0)
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	only = HOST_CALL(openat, (u64)AT_FDCWD, (u64)path, O_RDONLY | O_CLOEXEC, 0);
	return is_error(only) ? fd : (int)only;
}

/*
 * Maps the file's range over [host, host + size). If the file cannot be mapped, the old mapping
 * stays. Returns 0 or -errno.
 */
static s64 map_over(u8 *host, u64 size, int fd, u64 offset, bool writable)
{
	u64 prot = PROT_READ | (writable ? PROT_WRITE : 0);
	int shown = reading_fd(fd, writable);
	s64 at = HOST_CALL(mmap, 0, size, prot, MAP_SHARED, (u64)shown, offset);
	s64 ret;

	if (shown != fd)
		HOST_CALL(close, (u64)shown);
	if (is_error(at))
		return at;
	ret = HOST_CALL(mremap, (u64)at, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, (u64)host);
	if (is_error(ret)) { /* out of memory: mremap may have unmapped the target already */
		reserve_again(host, size);
		HOST_CALL(munmap, (u64)at, size);
		return ret;
	}
	return 0;
}

static u32 bucket_of(const struct stat *st)
{
	return (u32)(((u64)st->st_ino * 0x9e3779b97f4a7c15UL ^ (u64)st->st_dev) >> 32) % BUCKETS;
}

/*
 * A file of overlayfs keeps its inode number when it is copied up for writing, but older
 * descriptors keep the old data. The change of st_ctim distinguishes the two.
 */
static bool same_file(const struct window *w, const struct stat *st, bool overlay)
{
	return w->dev == st->st_dev && w->ino == st->st_ino &&
	       (!overlay || (w->changed.tv_sec == st->st_ctim.tv_sec &&
			     w->changed.tv_nsec == st->st_ctim.tv_nsec));
}

static struct window *find_covering(const struct stat *st, bool overlay, u64 offset, u64 len)
{
	struct window *w;

	LIST_FOREACH (w, &windows.bucket[bucket_of(st)], link) {
		if (same_file(w, st, overlay) && w->offset <= offset &&
		    offset - w->offset <= w->size && len <= w->size - (offset - w->offset) &&
		    w->refs < REFS_MAX)
			return w;
	}
	return NULL;
}

static s64 take_id(struct window *w)
{
	for (u32 i = 0; i < WINDOWS_MAX; i++) {
		u32 id = windows.next_id++ % WINDOWS_MAX;

		if (!windows.by_id[id]) {
			windows.by_id[id] = w;
			w->id = id;
			return 0;
		}
	}
	return -ENOMEM;
}

/* Returns a descriptor of the same file that serves only to ask for its size, or -1. */
static int size_descriptor(int fd)
{
	char path[32];
	s64 ret;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = HOST_CALL(openat, (u64)AT_FDCWD, (u64)path, O_PATH | O_CLOEXEC);
	return ret < 0 ? -1 : (int)ret;
}

/*
 * Returns a number that changes with the file's content: the time of the last change, if that is
 * long enough ago that a change now would have another time. Returns 0 otherwise, and for a
 * writable window, because stores through a mapping do not set a time at once.
 */
static u64 version_of(const struct stat *st, bool writable)
{
	struct timespec now;

	if (writable || HOST_CALL(clock_gettime, CLOCK_REALTIME, (u64)&now) < 0 ||
	    st->st_ctim.tv_sec <= 0 || st->st_ctim.tv_sec >= now.tv_sec - SETTLED_S)
		return 0;
	return (u64)st->st_ctim.tv_sec * 1000000000UL + (u64)st->st_ctim.tv_nsec;
}

/*
 * Returns true if no program can be waiting in a shared mapping of this file for a word to change:
 * the file was not written lately, and it is not memory, where changes through mappings leave no
 * trace.
 */
static bool is_quiet(const struct statfs *fs, u64 version)
{
	return version != 0 && fs->f_type != TMPFS_MAGIC && fs->f_type != RAMFS_MAGIC &&
	       fs->f_type != HUGETLBFS_MAGIC;
}

/* Makes a window with one reference. windows.lock is held. Returns 0 or -errno. */
static s64 make(struct sandbox *s, int file, const struct stat *st, u64 offset, u64 size,
		bool writable, struct window **out)
{
	struct window *w = calloc(1, sizeof(*w));
	s64 ret = -ENOMEM;

	if (!w)
		return ret;
	w->refs = 1;
	w->offset = offset;
	w->size = size;
	w->writable = writable;
	w->dev = st->st_dev;
	w->ino = st->st_ino;
	w->changed = st->st_ctim;
	w->device_size = S_ISREG(st->st_mode) ? 0 : (u64)st->st_size;
	ret = take_id(w);
	if (ret < 0)
		goto free_window;
	ret = address_take(s, size, &w->gpa);
	if (ret < 0)
		goto free_id;
	w->host = memory_at(s, (gpa_t){w->gpa}, size);
	ret = w->host ? map_over(w->host, size, file, offset, writable) : -ENOMEM;
	if (ret < 0)
		goto free_address;
	w->fd = size_descriptor(file);
	memory_files_mapped(w->dev, w->ino);
	LIST_INSERT_HEAD(&windows.bucket[bucket_of(st)], w, link);
	windows.count++;
	windows.made++;
	*out = w;
	return 0;

free_address:
	address_free(w->gpa, size);
free_id:
	windows.by_id[w->id] = NULL;
free_window:
	free(w);
	return ret;
}

/* Closes the window if it has no references and no hostcall uses it. windows.lock is held. */
static void close_unused(struct window *w)
{
	if (w->refs > 0 || w->busy > 0)
		return;
	windows.count--;
	/*
	 * If the reservation cannot be put back, the mapping stays and its addresses are not used
	 * again.
	 */
	if (reserve_again(w->host, w->size) == 0)
		address_free(w->gpa, w->size);
	memory_files_unmapped(w->dev, w->ino, w->fd);
	if (w->fd >= 0)
		HOST_CALL(close, (u64)w->fd);
	free(w);
}

/* Returns true for a socket that may have rings, which are mapped as a whole: packet(7). */
static bool is_packet_socket(int file, const struct stat *st)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return S_ISSOCK(st->st_mode) &&
	       HOST_CALL(getsockopt, (u64)file, SOL_SOCKET, SO_DOMAIN, (u64)&domain, (u64)&len) ==
		       0 &&
	       domain == AF_PACKET;
}

/*
 * Checks that the file may be mapped, for writing if write is set. Returns 0, or the error of
 * mmap(2). *st has the size of a block device, too.
 */
static s64 check_file(int file, bool write, struct stat *st)
{
	s64 ret = HOST_CALL(fstat, (u64)file, (u64)st);
	s64 flags, seals;

	if (ret < 0)
		return ret;
	if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode) && !is_packet_socket(file, st))
		return -ENODEV;
	flags = HOST_CALL(fcntl, (u64)file, F_GETFL);
	if (flags < 0 || (flags & O_PATH))
		return -EBADF;
	if ((flags & O_ACCMODE) == O_WRONLY || (write && (flags & O_ACCMODE) != O_RDWR))
		return -EACCES;
	if (S_ISBLK(st->st_mode)) {
		ret = HOST_CALL(ioctl, (u64)file, BLKGETSIZE64, (u64)&st->st_size);
		if (ret < 0)
			return ret;
	}
	if (write) { /* no mmap checks this if there is a window already */
		seals = HOST_CALL(fcntl, (u64)file, F_GET_SEALS);
		if (seals > 0 && (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
			return -EPERM;
	}
	return 0;
}

s64 hc_do_window_map(struct call *c, int file, u64 offset, u64 len, u64 flags, void *window,
		     u32 window_len)
{
	bool write = flags & HC_WINDOW_WRITE;
	struct hostcall_window reply = {0};
	struct window *w;
	struct statfs fs;
	struct stat st;
	u64 start, end, file_end;
	bool known;
	s64 ret;

	if (window_len < sizeof(reply) || (flags & ~(u64)HC_WINDOW_WRITE) || len == 0 ||
	    !IS_ALIGNED(offset, PAGE_SIZE))
		return -EINVAL;
	if (len > INT64_MAX - PAGE_SIZE || offset > INT64_MAX - PAGE_SIZE - len)
		return -EOVERFLOW;
	len = ALIGN_UP(len, PAGE_SIZE);
	ret = check_file(file, write, &st);
	if (ret < 0)
		return ret;
	/* The host maps a socket's rings only as a whole: it checks the length. */
	if (S_ISSOCK(st.st_mode)) {
		if (offset)
			return -EINVAL;
		st.st_size = (off_t)len;
	}
	known = HOST_CALL(fstatfs, (u64)file, (u64)&fs) == 0;

	start = offset;
	end = offset + len;
	file_end = ALIGN_UP((u64)MAX(st.st_size, 0), PAGE_SIZE);
	if (file_end <= WHOLE_MAX && end <= WHOLE_MAX) {
		start = 0;
		end = MAX(end, file_end);
	}

	pthread_mutex_lock(&windows.lock);
	w = find_covering(&st, known && fs.f_type == OVERLAYFS_SUPER_MAGIC, offset, len);
	if (w && write && !w->writable) {
		ret = map_over(w->host, w->size, file, w->offset, true);
		if (ret == 0)
			w->writable = true;
	}
	if (!w)
		ret = make(c->s, file, &st, start, end - start, write, &w);
	else if (ret == 0)
		w->refs++;
	if (ret == 0) {
		u64 version = version_of(&st, w->writable);

		reply = (struct hostcall_window){
			.gpa = w->gpa,
			.offset = w->offset,
			.size = w->size,
			.file_size = (u64)st.st_size,
			.dev = st.st_dev,
			.ino = st.st_ino,
			.version = version,
			.id = w->id,
			.quiet = known && is_quiet(&fs, version),
		};
	}
	pthread_mutex_unlock(&windows.lock);
	if (ret < 0)
		return ret;

	memcpy(window, &reply, sizeof(reply));
	return 0;
}

/*
 * Takes a reference to window id and sets *host to the host address of a range of it. Returns NULL
 * if there is no such window or range. The caller drops the reference with put_range.
 */
static struct window *get_range(u64 id, u64 offset, u64 len, u8 **host)
{
	struct window *w = NULL;

	pthread_mutex_lock(&windows.lock);
	if (id < WINDOWS_MAX)
		w = windows.by_id[id];
	if (w && (offset > w->size || len > w->size - offset))
		w = NULL;
	if (w) {
		w->busy++; /* cannot overflow: at most one per vCPU */
		*host = w->host + offset;
	}
	pthread_mutex_unlock(&windows.lock);
	return w;
}

static void put_range(struct window *w)
{
	pthread_mutex_lock(&windows.lock);
	w->busy--;
	close_unused(w);
	pthread_mutex_unlock(&windows.lock);
}

s64 window_close(u64 id)
{
	struct window *w = NULL;

	pthread_mutex_lock(&windows.lock);
	if (id < WINDOWS_MAX)
		w = windows.by_id[id];
	if (w && --w->refs == 0) {
		windows.by_id[id] = NULL;
		LIST_REMOVE(w, link);
		close_unused(w);
	}
	pthread_mutex_unlock(&windows.lock);
	return w ? 0 : -EINVAL;
}

s64 hc_do_window_unmap(struct call *c, u64 id)
{
	(void)c;
	return window_close(id);
}

s64 hc_do_window_file_size(struct call *c, u64 id)
{
	u8 *host;
	struct window *w = get_range(id, 0, 0, &host);
	struct stat st;
	s64 ret = -EBADF;

	(void)c;
	if (!w)
		return -EINVAL;
	st.st_size = (off_t)w->device_size;
	if (st.st_size > 0)
		ret = 0;
	else if (w->fd >= 0)
		ret = HOST_CALL(fstat, (u64)w->fd, (u64)&st);
	put_range(w);
	return ret < 0 ? ret : st.st_size;
}

s64 hc_do_window_sync(struct call *c, u64 id, u64 offset, u64 len, u64 flags)
{
	u8 *host;
	struct window *w = get_range(id, offset, len, &host);
	s64 ret;

	(void)c;
	if (!w)
		return -EINVAL;
	ret = HOST_CALL(msync, (u64)host, len, flags);
	put_range(w);
	return ret;
}

s64 hc_do_window_advise(struct call *c, u64 id, u64 offset, u64 len, u64 advice)
{
	struct window *w;
	u8 *host;
	s64 ret;

	(void)c;
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_REMOVE: /* the host refuses this on a read-only mapping */
		break;
	default:
		return -EINVAL;
	}
	w = get_range(id, offset, len, &host);
	if (!w)
		return -EINVAL;
	ret = HOST_CALL(madvise, (u64)host, len, advice);
	put_range(w);
	return ret;
}

s64 hc_do_window_resident(struct call *c, u64 id, u64 offset, u64 len, void *vec, u32 vec_len)
{
	u8 *host;
	struct window *w;
	s64 ret;

	(void)c;
	if (len > (u64)vec_len * PAGE_SIZE)
		return -EINVAL;
	w = get_range(id, offset, len, &host);
	if (!w)
		return -EINVAL;
	ret = HOST_CALL(mincore, (u64)host, len, (u64)vec);
	put_range(w);
	return ret;
}

void window_count(u64 *now, u64 *made)
{
	pthread_mutex_lock(&windows.lock);
	*now = windows.count;
	*made = windows.made;
	pthread_mutex_unlock(&windows.lock);
}
