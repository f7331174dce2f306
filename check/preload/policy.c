// SPDX-License-Identifier: MIT
/*
 * See policy.h. Auto guards what a program does seldom, and samples what it does all the time: a
 * page-level object costs some 40 us on hosts that emulate page-table changes, a malloc 0.05. What
 * it costs on this host is measured on the way.
 *
 * A site is a return address at a stack depth, which tells call paths apart through wrappers such
 * as xmalloc. The first objects of each site are at page level, then fewer: a site's n-th object
 * is when n has at most two bits set, and alias level while there is time for it. Time is what
 * the guard may cost: a part of the time since the start, and a sum to begin with. So a program
 * that allocates little is guarded all over, and one that allocates all the time is not slowed
 * much.
 */
#include "check/preload/base.h"
#include "check/preload/credit.h"
#include "check/preload/policy.h"

#define SITES	   4096
#define SITE_FIRST 8 /* objects of a site at page level in any case, as long as credit lasts */
#define SITE_ALIAS 256

static u32 site_count[SITES];
static u64 site_stack[SITES]; /* the site, upper half; its stack's id */
static u64 begun;
static struct chk_credit credit;
static u32 over_budget;
static u32 unsampled; /* objects until the next one that is */

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

/* At most so many bits of n are set: seldom true of large numbers, but never quite stops. */
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

/* Every n-th is, the first one included; of two threads at once maybe both, or none. */
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
