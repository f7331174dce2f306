// SPDX-License-Identifier: MIT
/* See threads.h. */
#include "kernel/check/heap.h"
#include "kernel/check/threads.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/task.h"

#define ENDED_MOST 4096 /* ended threads that are remembered; the newest ones */

static void describe(const struct thread *t, struct chk_thread *out)
{
	*out = (struct chk_thread){
		.tid = t->tid,
		.creator = t->check_origin.creator,
		.stack = t->check_origin.stack,
	};
	_Static_assert(sizeof(out->comm) == sizeof(t->comm), "a whole name");
	memcpy(out->comm, t->comm, sizeof(out->comm));
}

void chk_thread_created(struct thread *child)
{
	struct check_origin *own = &current()->check_origin;

	child->check_origin = (struct check_origin){own->next_stack, current()->tid, 0};
	own->next_stack = 0;
}

s64 chk_call_creates(const struct syscall_args *args)
{
	current()->check_origin.next_stack = (u32)args->a[0];
	return 0;
}

/* Drops the threads behind the first ENDED_MOST. mm.lock is held. */
static void limit(struct mm *mm)
{
	struct chk_thread *t = mm->check->threads, *next;
	u32 count = 1;

	ASSERT_HELD(&mm->lock);
	for (; t && count < ENDED_MOST; t = t->next)
		count++;
	if (!t)
		return;
	next = t->next;
	t->next = NULL;
	while ((t = next)) {
		next = t->next;
		kfree(t);
	}
}

void threads_ended(void)
{
	struct mm *mm = current_mm();
	struct chk_thread *t = mm && mm->check->heap ? kmalloc(sizeof(*t)) : NULL;

	if (!t)
		return;
	describe(current(), t);
	mutex_lock(&mm->lock);
	t->next = mm->check->threads;
	mm->check->threads = t;
	if (t->tid % 64 == 0)
		limit(mm);
	mutex_unlock(&mm->lock);
}

bool threads_find(s32 tid, struct chk_thread *out)
{
	const struct chk_thread *ended;
	struct mm *mm = current_mm();
	struct thread *t;
	bool found = false;

	mutex_lock(&task_lock);
	TAILQ_FOREACH (t, &current_process()->threads, link) {
		if (t->tid != tid)
			continue;
		describe(t, out);
		found = true;
		break;
	}
	mutex_unlock(&task_lock);
	mutex_lock(&mm->lock);
	for (ended = mm->check->threads; !found && ended; ended = ended->next) {
		if (ended->tid != tid)
			continue;
		*out = *ended;
		found = true;
	}
	mutex_unlock(&mm->lock);
	return found;
}

void threads_free(struct mm *mm)
{
	struct chk_thread *t;

	while ((t = mm->check->threads)) {
		mm->check->threads = t->next;
		kfree(t);
	}
}
