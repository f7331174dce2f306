// SPDX-License-Identifier: MIT
/* See ram.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "common/boot_info.h"
#include "kernel/hostcall.h"
#include "kernel/lock.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/mm/frame.h"
#include "tests/fake/ram.h"

#define ARENA	   (16UL << 30)
#define FRAMES_GPA (RAM_BASE + (4UL << 30))
#define TABLES_GPA (RAM_BASE + (6UL << 30))
#define ANON_BASE  (FAKE_WINDOW_BASE + FAKE_FILES * FAKE_FILE_MAX)
#define MEMFD	   100 /* handles from here on */

struct fake_ram fake_ram;
static struct boot_info info;
const struct boot_info *boot = &info;
u64 physmap_base;
static u64 ram_size;
static u64 memfd_size, anon_next;

/* kernel.h's macro; that header conflicts with the C library's headers. */
void panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void klog(int level, const char *fmt, ...);

void panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

void klog(int level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

void mutex_lock(struct mutex *m)
{
	if (m->word)
		panic("a lock is taken twice");
	m->word = 1;
}

void mutex_unlock(struct mutex *m)
{
	if (!m->word)
		panic("a lock is not held");
	m->word = 0;
}

void fake_ram_init(u64 size, u64 max)
{
	static void *arena;

	if (arena)
		munmap(arena, ARENA);
	arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (arena == MAP_FAILED)
		panic("no address space for the arena");
	physmap_base = (u64)arena - RAM_BASE;
	ram_size = size;
	info = (struct boot_info){
		.ram_size = size,
		.ram_max = max,
		.frames_gpa = FRAMES_GPA,
		.tables_gpa = TABLES_GPA,
		.tables = FAKE_TABLES,
		.window_base = FAKE_WINDOW_BASE,
		.window_end = RAM_BASE + ARENA,
	};
	fake_ram = (struct fake_ram){0};
	anon_next = ANON_BASE;
	frame_init();
}

void *fake_phys(u64 gpa)
{
	return phys_to_virt(gpa);
}

void *fake_file(s32 handle)
{
	return phys_to_virt(FAKE_WINDOW_BASE + (u64)(handle - 1) * FAKE_FILE_MAX);
}

u64 virt_to_phys(const void *p)
{
	return (u64)p - physmap_base;
}

int arch_physmap(u64 gpa, u64 size)
{
	u64 table = gpa < FAKE_WINDOW_BASE ? frame_alloc(0, FRAME_ZERO | FRAME_RESERVE) : 1;

	if ((gpa | size) & HUGE_MASK)
		panic("physmap range %#lx, %#lx is not aligned", gpa, size);
	return table ? 0 : -ENOMEM;
}

u64 arch_pte(u64 gpa, int prot, bool huge)
{
	return gpa | PTE_P | PTE_U | PTE_A | PTE_D | (prot & PROT_WRITE ? PTE_W : 0) |
	       (prot & PROT_EXEC ? 0 : PTE_NX) | (huge ? PTE_PS : 0);
}

u64 arch_pte_table(u64 gpa)
{
	return gpa | PTE_P | PTE_W | PTE_U | PTE_A;
}

u64 arch_pagetable_new(void)
{
	return frame_alloc(0, FRAME_ZERO);
}

/* As in ring-3 mode, the physmap takes a part of the lower half. */
bool arch_user_slot(unsigned slot)
{
	return slot < 256 &&
	       (slot < PHYSMAP_RING3 >> 39 || slot >= (PHYSMAP_RING3 + PHYSMAP_SIZE) >> 39);
}

bool arch_user_range(u64 start, u64 end)
{
	return start <= end && end <= USER_TOP &&
	       (end <= PHYSMAP_RING3 || start >= PHYSMAP_RING3 + PHYSMAP_SIZE);
}

int arch_copy(void *dst, const void *src, u64 n)
{
	memcpy(dst, src, n);
	return 0;
}

static s64 ram_grow(u64 bytes, struct hostcall_ram *ram)
{
	if (ram_size + bytes > info.ram_max)
		return -ENOMEM;
	*ram = (struct hostcall_ram){RAM_BASE + ram_size, bytes};
	ram_size += bytes;
	fake_ram.grown++;
	return 0;
}

static s64 window_map(s32 handle, u64 offset, u64 len, struct hostcall_window *w)
{
	bool anon = handle >= MEMFD;
	u64 space = anon ? memfd_size : FAKE_FILE_MAX;

	if (offset + len > space)
		return -ENOMEM;
	*w = (struct hostcall_window){
		.gpa = anon ? anon_next : virt_to_phys(fake_file(handle)),
		.size = space,
		.file_size = anon ? memfd_size : fake_ram.file_size[handle - 1],
		.dev = 1,
		.ino = handle,
		.version = anon ? 0 : fake_ram.version[handle - 1],
		.id = handle,
	};
	if (anon) {
		w->id = MEMFD + fake_ram.anon_windows++;
		anon_next += ALIGN_UP(space, HUGE_SIZE);
	}
	fake_ram.windows++;
	return 0;
}

static s64 file_read(s32 handle, const struct segs *segs, u64 offset)
{
	u64 size = fake_ram.file_size[handle - 1], start = offset;

	for (u32 i = 0; i < segs->count && offset < size; i++) {
		u64 n = MIN(segs->seg[i].len, size - offset);

		memcpy(phys_to_virt(segs->seg[i].gpa), (char *)fake_file(handle) + offset, n);
		offset += n;
	}
	return (s64)(offset - start);
}

static bool releasing;

void release_begin(struct release *r)
{
	(void)r;
	if (releasing)
		abort();
	releasing = true;
}

void release_end(struct release *r)
{
	(void)r;
	if (!releasing)
		abort();
	releasing = false;
}

bool release_later(bool window, u32 number)
{
	(void)number;
	if (releasing && window)
		fake_ram.windows--;
	return releasing;
}

s64 hostcall_make(enum hostcall_nr nr, const struct hostcall_param *p, unsigned count)
{
	(void)count;
	switch (nr) {
	case HC_ram_grow:
		return ram_grow(p[0].value, (void *)p[1].value);
	case HC_ram_discard:
		memset(phys_to_virt(p[0].value), 0, p[1].value);
		fake_ram.discarded += p[1].value;
		return 0;
	case HC_memfd_create:
		return MEMFD;
	case HC_ftruncate:
		memfd_size = p[1].value;
		return 0;
	case HC_close:
		return 0;
	case HC_window_map:
		return window_map((s32)p[0].value, p[1].value, p[2].value, (void *)p[4].value);
	case HC_window_unmap:
		fake_ram.windows--;
		return 0;
	case HC_window_file_size:
		return p[0].value >= MEMFD ? -EINVAL : (s64)fake_ram.file_size[p[0].value - 1];
	case HC_preadv2:
		return file_read((s32)p[0].value, (const void *)p[1].value, p[2].value);
	case HC_window_advise:
		return 0;
	case HC_fcntl: /* F_GET_SEALS: not a file that has any */
		return -EINVAL;
	default:
		panic("hostcall %d is not expected", nr);
	}
}
