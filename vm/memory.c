// SPDX-License-Identifier: MIT
/*
 * Guest-physical memory: which ranges exist, and the host memory behind each.
 *
 * RAM is one host reservation, advised to be huge pages. The monitor gives slots of it to KVM as
 * the guest needs more, because shadow paging allocates its bookkeeping for a whole slot at once: a
 * large slot that is not needed costs milliseconds. Slots are never removed, so a pointer into one
 * stays valid as long as the sandbox lives.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "vm/host_kernel.h"
#include "vm/vm.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define RAM_FIRST    (64UL << 20)
/* Up to this size, the boot slot and the frame array are one slot: each slot more waits for KVM. */
#define LOW_MAX	     (1UL << 30)
/*
 * The first arena of windows is small, because KVM's bookkeeping for a slot of 256 MiB takes a
 * third of a millisecond, which most programs would notice and few need.
 */
#define WINDOW_FIRST (32UL << 20)
#define WINDOW_SLOT  (256UL << 20)
/*
 * RAM at most doubles at a step, and grows by at most this if the guest does not ask for more.
 * Adding a slot of 1 GiB takes half a millisecond, so larger steps gain nothing.
 */
#define RAM_STEP_MAX (1UL << 30)

static int add_slot(struct sandbox *s, u64 gpa, u64 size, u8 *host)
{
	struct memory *m = &s->mem;
	u32 index = atomic_load(&m->slots);
	struct kvm_userspace_memory_region region = {
		.slot = index,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (u64)host,
	};

	if (index == SLOTS_MAX)
		return -ENOMEM;
	if (ioctl(s->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return -errno;
	m->slot[index] = (struct slot){.gpa = gpa, .size = size, .host = host};
	atomic_store(&m->slots, index + 1);
	return (int)index;
}

/*
 * Reserves host memory, aligned to 2 MiB, that costs nothing until it is touched. Returns NULL on
 * failure.
 */
static u8 *reserve(u64 size, int prot)
{
	u8 *p = mmap(NULL, size + HUGE_SIZE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		     0);

	if (p == MAP_FAILED)
		return NULL;
	u8 *aligned = (u8 *)ALIGN_UP((u64)p, HUGE_SIZE);

	if (aligned > p)
		munmap(p, (size_t)(aligned - p));
	munmap(aligned + size, (size_t)(p + HUGE_SIZE - aligned));
	return aligned;
}

int memory_init(struct sandbox *s, u64 boot_size)
{
	struct memory *m = &s->mem;
	u64 frames_size = ALIGN_UP(m->ram_max / PAGE_SIZE * FRAME_STRUCT_SIZE, HUGE_SIZE);
	bool together = boot_size + frames_size <= LOW_MAX;
	u8 *boot = reserve(boot_size + (together ? frames_size : 0), PROT_READ | PROT_WRITE);
	u8 *frames = together ? boot : reserve(frames_size, PROT_READ | PROT_WRITE);
	struct hostcall_ram added;
	int ret;

	m->ram_host = reserve(m->ram_max, PROT_READ | PROT_WRITE);
	if (!boot || !frames || !m->ram_host)
		return -ENOMEM;
	/*
	 * Ignores failure: the host may have no huge pages. The kernel image is one of them, too.
	 */
	madvise(boot + GPA_KERNEL, HUGE_SIZE, MADV_HUGEPAGE);
	madvise(m->ram_host, m->ram_max, MADV_HUGEPAGE);
	madvise(m->ram_host, m->ram_max, MADV_DONTDUMP);
	m->boot_size = boot_size;
	m->frames_gpa = together ? boot_size : 1UL << (s->gpa_bits - 2);
	ret = add_slot(s, 0, boot_size + (together ? frames_size : 0), boot);
	if (ret >= 0 && !together)
		ret = add_slot(s, m->frames_gpa, frames_size, frames);
	if (ret < 0)
		return ret;
	return memory_grow(s, MIN(RAM_FIRST, m->ram_max), &added);
}

void memory_populate(struct sandbox *s, gpa_t gpa, u64 len)
{
	u64 start = ALIGN_DOWN(gpa.raw, PAGE_SIZE),
	    size = ALIGN_UP(gpa.raw + len, PAGE_SIZE) - start;
	void *host = memory_at(s, (gpa_t){start}, size);

	if (host)
		madvise(host, size, MADV_POPULATE_WRITE);
}

int memory_grow(struct sandbox *s, u64 bytes, struct hostcall_ram *added)
{
	struct memory *m = &s->mem;
	u64 left, size;
	int ret;

	pthread_mutex_lock(&m->lock);
	left = m->ram_max - m->ram_size;
	left -= MIN(m->files, left);
	/* At most a quarter of the rest at once: RAM stays counted, and files may need some. */
	size = MAX(bytes, MIN(MIN(m->ram_size, RAM_STEP_MAX), left / 4));
	size = MIN(ALIGN_UP(MIN(size, left), HUGE_SIZE), left);
	ret = size ? add_slot(s, RAM_BASE + m->ram_size, size, m->ram_host + m->ram_size) : -ENOMEM;
	if (ret >= 0) {
		added->gpa = RAM_BASE + m->ram_size;
		added->size = size;
		__atomic_store_n(&m->ram_size, m->ram_size + size, __ATOMIC_RELEASE);
		host_kernel_grown(s);
		ret = 0;
	}
	pthread_mutex_unlock(&m->lock);
	return ret;
}

bool memory_count_files(struct sandbox *s, u64 before, u64 after, bool force)
{
	struct memory *m = &s->mem;
	u64 limit;
	bool fits;

	pthread_mutex_lock(&m->lock);
	limit = m->ram_max + MEMORY_FILES_SPARE;
	fits = after <= before || (m->ram_size + (m->files - before) <= limit &&
				   after <= limit - m->ram_size - (m->files - before));
	if (fits || force)
		m->files = m->files - before + after;
	pthread_mutex_unlock(&m->lock);
	return fits || force;
}

int memory_window_arena(struct sandbox *s, u64 size)
{
	struct memory *m = &s->mem;
	u8 *host;
	int ret;

	pthread_mutex_lock(&m->lock);
	size = ALIGN_UP(MAX(size, m->window_next == m->window_base ? WINDOW_FIRST : WINDOW_SLOT),
			HUGE_SIZE);
	ret = -ENOMEM;
	if (size <= m->window_end - m->window_next) {
		host = reserve(size, PROT_NONE);
		if (host)
			ret = add_slot(s, m->window_next, size, host);
		if (ret >= 0)
			m->window_next += size;
		else if (host)
			munmap(host, size);
	}
	pthread_mutex_unlock(&m->lock);
	return ret;
}

void *memory_at(struct sandbox *s, gpa_t gpa, u64 len)
{
	struct memory *m = &s->mem;
	u64 at = gpa.raw - RAM_BASE;
	u64 ram = __atomic_load_n(&m->ram_size, __ATOMIC_ACQUIRE);

	/* RAM is contiguous in the host: a range may span several slots. */
	if (at < ram)
		return len <= ram - at ? m->ram_host + at : NULL;
	for (u32 i = 0, n = atomic_load(&m->slots); i < n; i++) {
		at = gpa.raw - m->slot[i].gpa;
		if (at < m->slot[i].size)
			return len <= m->slot[i].size - at ? m->slot[i].host + at : NULL;
	}
	return NULL;
}
