// SPDX-License-Identifier: MIT
/* See kvm_stats.h. */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "vm/kvm_stats.h"
#include "vm/observe/observe.h"
#include "vm/vm.h"

/*
 * The counters that are printed, by their names in KVM (arch/x86/kvm/x86.c). Which event each of
 * them counts was found by experiment, with known numbers of events. io_exits, for example, is 0 on
 * a software KVM, and on others counts OUTs that never reach the monitor.
 */
static const struct {
	const char *name, *text;
} shown[] = {
	{"exits", "guest entries"},
	{"fpu_reload", "  returns to the monitor"},
	{"signal_exits", "    for a signal"},
	{"pf_taken", "faults of shadow or nested paging"},
	{"pf_fixed", "  that made an entry"},
	{"pf_fast", "  that changed one without a lock"},
	{"pf_guest", "  that became the guest's"},
	{"pf_spurious", "  with nothing to do"},
	{"insn_emulation", "instructions emulated"},
	{"invlpg", "  single pages flushed"},
	{"tlb_flush", "address spaces flushed by KVM"},
	{"mmu_shadow_zapped", "shadow page tables thrown away"},
	{"mmu_pte_write", "writes to page tables that KVM had to see"},
	{"mmu_cache_miss", "shadow page tables made"},
	{"pages_4k", "pages in shadow or nested page tables at the end"},
	{"pages_2m", "  of 2 MiB"},
};

/* The counters' descriptors of one file: header.num_desc of them, desc_size bytes each. */
struct stats_file {
	struct kvm_stats_header header;
	size_t desc_size;
	u8 *desc;
};

/*
 * Reads the descriptors. Returns false if the file cannot be read or its sizes are implausible. The
 * caller frees f->desc in either case.
 */
static bool read_descriptors(int fd, struct stats_file *f)
{
	size_t size;

	f->desc = NULL;
	if (pread(fd, &f->header, sizeof(f->header), 0) != sizeof(f->header) ||
	    !f->header.name_size || f->header.name_size > PAGE_SIZE ||
	    f->header.num_desc > PAGE_SIZE)
		return false;
	f->desc_size = sizeof(struct kvm_stats_desc) + f->header.name_size;
	size = f->desc_size * f->header.num_desc;
	f->desc = malloc(size);
	return f->desc && pread(fd, f->desc, size, f->header.desc_offset) == (ssize_t)size;
}

/*
 * Adds the file's counters to the sums of the rows of shown[] that have their names. Sets seen[i]
 * if the file has row i.
 */
static void add_file(int fd, u64 *sum, bool *seen)
{
	struct stats_file f;

	if (fd < 0)
		return;
	if (!read_descriptors(fd, &f))
		goto out;
	for (u32 d = 0; d < f.header.num_desc; d++) {
		const struct kvm_stats_desc *desc = (const void *)(f.desc + d * f.desc_size);
		u64 value;

		if (desc->size != 1)
			continue; /* a histogram */
		for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
			if (strncmp(desc->name, shown[i].name, f.header.name_size))
				continue;
			if (pread(fd, &value, sizeof(value),
				  (off_t)f.header.data_offset + desc->offset) == sizeof(value)) {
				sum[i] += value;
				seen[i] = true;
			}
		}
	}
out:
	free(f.desc);
}

static bool wanted(const struct sandbox *s)
{
	return s->opt.stats == STATS_ALL || s->opt.stats == STATS_KVM || s->opt.verbose;
}

void kvm_stats_open(struct vcpu *v)
{
	v->stats_fd = -1;
	if (wanted(v->sandbox))
		v->stats_fd = ioctl(v->fd, KVM_GET_STATS_FD, NULL);
}

void kvm_stats_report(const struct sandbox *s)
{
	u64 sum[ARRAY_SIZE(shown)] = {0};
	bool seen[ARRAY_SIZE(shown)] = {false};
	int vm;

	if (!wanted(s))
		return;
	for (u32 id = 0; id < VCPU_MAX; id++) {
		const struct vcpu *v = __atomic_load_n(&s->vcpu[id], __ATOMIC_ACQUIRE);

		if (v)
			add_file(v->stats_fd, sum, seen);
	}
	vm = ioctl(s->vm, KVM_GET_STATS_FD, NULL);
	add_file(vm, sum, seen);
	if (vm >= 0)
		close(vm);
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
		if (seen[i])
			message("%12lu  %s", sum[i], shown[i].text);
}
