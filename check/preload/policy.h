/* SPDX-License-Identifier: MIT */
/* How each object is guarded: the dial (enum chk_level) and, for auto, what to do with it. */
#ifndef CHECK_PRELOAD_POLICY_H
#define CHECK_PRELOAD_POLICY_H

#include "check/preload/library.h"

/*
 * For a new object of the caller's: CHK_LEVEL_PAGE, _ALIAS or _NONE. What cannot be had (a size
 * for which there are no base slots) becomes page level.
 */
enum chk_level policy_choose(u64 size, const struct chk_frame *from);

/*
 * The id of the call stack for an object at CHK_LEVEL_NONE: the one that its site had when it was
 * last taken, for taking one costs more than the object. 0: the user wants it cheap (sampled).
 */
u32 policy_stack(const struct chk_frame *from);

/* Page mode has used the RAM that it may have: objects are packed from now on. */
void policy_over_budget(void);

/* From this reading of the time-stamp counter to now a call of the kernel guarded objects. */
void policy_spent(u64 since);
/* The same of a call that made one object at page level, or tried to. */
void policy_spent_on_object(u64 since);

#endif
