// SPDX-License-Identifier: MIT
/*
 * See policy.h. The level auto guards the objects of rare allocations, and samples those of
 * frequent ones. A page-level object costs some 40 us on hosts that emulate page-table changes, a
 * malloc 0.05 us. The library measures what such objects cost on this host (credit.h).
 *
 * A site is a return address at a stack depth, which tells call paths apart through wrappers such
 * as xmalloc. The first SITE_FIRST objects of a site are at page level; after that its n-th object
 * is if n has at most two bits set. Others get an alias, at the edge of a page if they are small,
 * which becomes rarer after SITE_ALIAS objects. All that holds while there is credit: a share of
 * the time since the start, and an initial sum, for all processes of the sandbox together. So a
 * program that allocates little is guarded completely, and a program that allocates all the time is
 * not slowed much.
 *
 * A bug behind thousands of objects of its own site is to be found, too. So when the initial sum is
 * spent, most small objects still get the edge of a page, chosen at random, until a multiple of the
 * sum is spent. Nobody can say which ones, and the next run chooses others.
 *
 * The guard is behind the object. For one object in four, but not the first of a site, it is before
 * the object, so that reads before an object are found, too.
 */
#include "check/preload/base.h"
#include "check/preload/credit.h"
#include "check/preload/policy.h"
#include "check/preload/syscall.h"

#define SITES	   4096
#define SITE_FIRST 8 /* the first objects of a site are at page level as long as credit lasts */
#define SITE_ALIAS 256
#define EDGES_MAX  2048 /* edge objects that live at a time: each has a frame of its own */

static u32 site_count[SITES];
static u64 site_stack[SITES]; /* upper half: the site; lower half: the id of its stack */
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

/* Returns a random number below n. Threads may get the same one. */
static u32 random_below(u32 n)
{
	static u64 state;
	u64 x = __atomic_load_n(&state, __ATOMIC_RELAXED);

	/* The clock and the place of the stack differ from run to run. */
	if (!x)
		x = (__builtin_ia32_rdtsc() ^ (u64)&x) * 0x9e3779b97f4a7c15UL | 1;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	__atomic_store_n(&state, x, __ATOMIC_RELAXED);
	return (u32)((x >> 32) * n >> 32);
}

/* Returns whether at most the given number of bits of n is set, which is rare for large n. */
static bool few_bits(u32 n, u32 bits)
{
	while (n && bits--)
		n &= n - 1;
	return !n;
}

/* Chooses the side of the guard of the n-th object of a site. */
static u32 side(u32 n)
{
	u32 asked = chk_started()->config.guard;

	if (asked)
		return asked;
	return n && random_below(4) == 0 ? CHK_GUARD_BEFORE : CHK_GUARD_AFTER;
}

static struct policy at_page(u32 n)
{
	return (struct policy){.page = true, .guard = side(n)};
}

static struct policy at_edge(u64 size, u32 n)
{
	enum base_how how = side(n) & CHK_GUARD_AFTER ? BASE_AFTER : BASE_BEFORE;

	if (!chk_fits_edge(size) || base_edges() >= EDGES_MAX)
		how = BASE_ALIAS;
	return (struct policy){.how = how};
}

static struct policy automatic(u64 size, const struct chk_frame *from, bool packable)
{
	u32 n = __atomic_fetch_add(&site_count[site_of(from) % SITES], 1, __ATOMIC_RELAXED);
	enum chk_credit_left left = credit_left(&credit, __builtin_ia32_rdtsc());

	/* There are at most SITES first objects, so these need no credit. */
	if (!n || (n < SITE_FIRST ? left >= CREDIT_FIRST : left == CREDIT_ENOUGH && few_bits(n, 2)))
		return at_page(n);
	if (n == SITE_FIRST)
		__atomic_fetch_add(&chk_changes.stepped_down, 1, __ATOMIC_RELAXED);
	if (!packable)
		return (struct policy){.how = BASE_PLAIN};
	if (left == CREDIT_ENOUGH && (n < SITE_ALIAS || few_bits(n, 4)))
		return at_edge(size, n);
	if (left >= CREDIT_RANDOM && random_below(8))
		return at_edge(size, n);
	return (struct policy){.how = BASE_PLAIN};
}

/* Takes over what the kernel said. */
static void learn(const struct chk_spent *tree)
{
	__atomic_store_n(&credit.tree.begun, tree->begun, __ATOMIC_RELAXED);
	__atomic_store_n(&credit.tree.spent, tree->spent, __ATOMIC_RELAXED);
	for (u32 i = 0; i < CHK_COSTS; i++)
		__atomic_store_n(&credit.tree.least[i], tree->least[i], __ATOMIC_RELAXED);
}

void policy_begin(const struct chk_spent *tree)
{
	learn(tree);
}

void policy_spent(enum chk_cost kind, u64 since, u32 count)
{
	static u32 forks; /* chk_changes.forks when the kernel was told last */
	u32 now = READ_ONCE(chk_changes.forks);
	struct chk_spent s;

	if (chk_started()->config.level != CHK_LEVEL_AUTO)
		return;
	/* What a child copied from its parent as untold, the parent tells. */
	if (READ_ONCE(forks) != now) {
		WRITE_ONCE(forks, now);
		__atomic_store_n(&credit.untold, 0, __ATOMIC_RELAXED);
	}
	credit_spend(&credit, kind, __builtin_ia32_rdtsc() - since, count);
	if (!credit_is_to_be_told(&credit))
		return;
	s = credit.tree;
	s.spent = __atomic_exchange_n(&credit.untold, 0, __ATOMIC_RELAXED);
	if (chk_syscall1(CHK_CALL_SPENT, (u64)&s) == 0)
		learn(&s);
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

struct policy policy_choose(u64 size, const struct chk_frame *from)
{
	const struct check_config *c = &chk_started()->config;
	bool packable = size <= CHK_PACKED_MAX - CHK_CANARY_LEAST;
	struct policy p = {.page = true};

	if (size > CHK_SLOT_MAX - CHK_CANARY_LEAST)
		return p;
	switch (c->level) {
	case CHK_LEVEL_ALIAS:
		p = (struct policy){.page = !packable, .how = BASE_ALIAS};
		break;
	case CHK_LEVEL_SAMPLED:
		if (!sample(c->sample))
			p = (struct policy){.how = BASE_PLAIN};
		break;
	case CHK_LEVEL_AUTO:
		p = automatic(size, from, packable);
		break;
	}
	if (p.page && packable && __atomic_load_n(&over_budget, __ATOMIC_RELAXED))
		p = (struct policy){.how = BASE_ALIAS};
	/* Both sides of an object that does not fill its pages: one of them, by a coin. */
	if (p.page && c->guard == (CHK_GUARD_BEFORE | CHK_GUARD_AFTER))
		p.guard = random_below(2) ? CHK_GUARD_BEFORE : CHK_GUARD_AFTER;
	return p;
}
