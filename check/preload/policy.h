/* SPDX-License-Identifier: MIT */
/* Chooses how each object is guarded, by the level that the user asked for (enum chk_level). */
#ifndef CHECK_PRELOAD_POLICY_H
#define CHECK_PRELOAD_POLICY_H

#include "check/preload/base.h"

/* How a new object is made: by the kernel, at page level, or in a base slot. */
struct policy {
	bool page;
	u32 guard;	   /* of an object at page level: CHK_GUARD_*, 0: the configuration's */
	enum base_how how; /* of one in a base slot */
};

/* Chooses. A size for which there are no base slots gets page level. */
struct policy policy_choose(u64 size, const struct chk_frame *from);

/*
 * Returns the id of the call stack for an object at CHK_LEVEL_NONE. A stack is taken once for each
 * allocation site and then used again, because taking a stack costs more than the object does.
 * Returns 0 at the level `sampled`, where objects have to be cheap.
 */
u32 policy_stack(const struct chk_frame *from);

/* Called once, when the library has started. */
void policy_begin(const struct chk_spent *tree);

/* Page level has used its budget of RAM: objects are packed from now on. */
void policy_over_budget(void);

/*
 * Notes that a call of the kernel guarded count objects, at least one, from the TSC reading `since`
 * until now.
 */
void policy_spent(enum chk_cost kind, u64 since, u32 count);

#endif
