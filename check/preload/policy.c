// SPDX-License-Identifier: MIT
/*
 * See policy.h. The level auto guards the objects of rare allocations, and samples those of
 * frequent ones. A page-level object costs some 40 us on hosts that emulate page-table changes, a
 * malloc 0.05 us. The library measures what such objects cost on this host (credit.h).
 *
 * A site is a return address at a stack depth, which tells call paths apart through wrappers such
 * as xmalloc. The first SITE_FIRST objects of a site are at page level; after that its n-th object
 * is if n has at most two bits set. Others are at alias level, which becomes rarer after SITE_ALIAS
 * objects. All that holds while there is credit: a share of the time since the start, and an
 * initial sum. So a program that allocates little is guarded completely, and a program that
 * allocates all the time is not slowed much.
 */
#include "check/preload/base.h"
#include "check/preload/credit.h"
#include "check/preload/policy.h"

#define SITES	   4096
#define SITE_FIRST 8 /* the first objects of a site are at page level as long as credit lasts */
#define SITE_ALIAS 256

static u32 site_count[SITES];
static u64 site_stack[SITES]; /* upper half: the site; lower half: the id of its stack */
static u64 begun;
static struct chk_credit credit;
static u32 over_budget;
static u32 unsampled; /* how many objects come before the next sampled one */

void policy_over_budget(void)
{
	__atomic_store_n(&over_budget, 1, __ATOMIC_RELAXED);
}

static u64 site_of(const struct chk_frame *from)
{
	return (from->rip ^ from->rsp << 20) * 0x9e3779b97f4a7c15UL >> 32;
}

u32 policy_stack(const struct chk_frame *from)
{
	u64 site = site_of(from),
	    seen = __atomic_load_n(&site_stack[site % SITES], __ATOMIC_RELAXED);

	if (chk_started()->config.level == CHK_LEVEL_SAMPLED)
		return 0;
	if (seen >> 32 != site) {
		seen = site << 32 | chk_stack_id(from);
		__atomic_store_n(&site_stack[site % SITES], seen, __ATOMIC_RELAXED);
	}
	return (u32)seen;
}

/* Returns whether at most the given number of bits of n is set, which is rare for large n. */
static bool few_bits(u32 n, u32 bits)
{
	while (n && bits--)
		n &= n - 1;
	return !n;
}

static enum chk_level automatic(const struct chk_frame *from, bool packable)
{
	u32 n = __atomic_fetch_add(&site_count[site_of(from) % SITES], 1, __ATOMIC_RELAXED);
	u64 now = __builtin_ia32_rdtsc();
	enum chk_level level = CHK_LEVEL_NONE;
	enum chk_credit_left left;

	if (!begun)
		begun = now;
	left = credit_left(&credit, now - begun, chk_started()->starts);
	if (n < SITE_FIRST ? left >= CREDIT_FIRST : left == CREDIT_ENOUGH && few_bits(n, 2))
		level = CHK_LEVEL_PAGE;
	else if (packable && left == CREDIT_ENOUGH && (n < SITE_ALIAS || few_bits(n, 4)))
		level = CHK_LEVEL_ALIAS;
	if (level != CHK_LEVEL_PAGE && n == SITE_FIRST)
		__atomic_fetch_add(&chk_changes.stepped_down, 1, __ATOMIC_RELAXED);
	return level;
}

void policy_spent(u64 since)
{
	credit_spend(&credit, __builtin_ia32_rdtsc() - since, false);
}

void policy_spent_on_object(u64 since)
{
	credit_spend(&credit, __builtin_ia32_rdtsc() - since, true);
}

/*
 * Returns true for every n-th call, beginning with the first. Without a lock, simultaneous calls of
 * two threads may both be sampled, or neither.
 */
static bool sample(u32 n)
{
	u32 left = READ_ONCE(unsampled);

	WRITE_ONCE(unsampled, left ? left - 1 : MAX(n, 1) - 1);
	return !left;
}

enum chk_level policy_choose(u64 size, const struct chk_frame *from)
{
	const struct check_config *c = &chk_started()->config;
	bool packable = size <= CHK_PACKED_MAX - CHK_CANARY_LEAST;
	enum chk_level level = CHK_LEVEL_PAGE;

	if (size > CHK_SLOT_MAX - CHK_CANARY_LEAST)
		return CHK_LEVEL_PAGE;
	switch (c->level) {
	case CHK_LEVEL_ALIAS:
		level = CHK_LEVEL_ALIAS;
		break;
	case CHK_LEVEL_SAMPLED:
		if (!sample(c->sample))
			level = CHK_LEVEL_NONE;
		break;
	case CHK_LEVEL_AUTO:
		level = automatic(from, packable);
		break;
	}
	if (level == CHK_LEVEL_PAGE && __atomic_load_n(&over_budget, __ATOMIC_RELAXED))
		level = CHK_LEVEL_ALIAS;
	return level == CHK_LEVEL_ALIAS && !packable ? CHK_LEVEL_PAGE : level;
}
