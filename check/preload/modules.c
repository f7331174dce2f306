// SPDX-License-Identifier: MIT
/*
 * See modules.h. A sequence counter protects the modules; it is odd while a thread writes. A reader
 * that finds it odd, or changed after reading, asks the kernel instead. A writer that finds another
 * one at work skips its change.
 */
#include "check/preload/modules.h"
#include "check/preload/unwind_kernel.h"

#define MODULES 512

static struct {
	u32 version;
	u32 count;
	struct chk_module module[MODULES];
} known;

bool modules_is_own(const struct chk_module *m)
{
	return (u64)modules_is_own - m->start < m->end - m->start;
}

static bool begin(u32 *version)
{
	*version = __atomic_load_n(&known.version, __ATOMIC_ACQUIRE);
	return !(*version & 1) &&
	       __atomic_compare_exchange_n(&known.version, version, *version + 1, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void end(u32 version)
{
	__atomic_store_n(&known.version, version + 2, __ATOMIC_RELEASE);
}

bool modules_known(u64 pc, struct chk_module *out)
{
	u32 version = __atomic_load_n(&known.version, __ATOMIC_ACQUIRE);
	u32 count = MIN(READ_ONCE(known.count), MODULES);

	if (version & 1)
		return false;
	for (u32 i = 0; i < count; i++) {
		const struct chk_module *m = &known.module[i];

		if (pc - READ_ONCE(m->start) >= READ_ONCE(m->end) - READ_ONCE(m->start))
			continue;
		*out = *m;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		return READ_ONCE(known.version) == version;
	}
	return false;
}

static void remember(const struct chk_module *m)
{
	u32 version;

	if (!begin(&version))
		return;
	if (known.count < MODULES)
		known.module[known.count++] = *m;
	end(version);
}

s64 modules_find(u64 pc, struct chk_module *m)
{
	s64 err;

	if (modules_known(pc, m))
		return 0;
	err = unwind_module(pc, m);
	if (err == 0)
		remember(m);
	return err;
}

void modules_forget(void)
{
	u32 version;

	if (!begin(&version))
		return;
	known.count = 0;
	end(version);
}
