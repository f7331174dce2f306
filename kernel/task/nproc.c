// SPDX-License-Identifier: MIT
/* See nproc.h. */
#include "common/boot_info.h"
#include "kernel/kernel.h"
#include "kernel/task/creds.h"
#include "kernel/task/nproc.h"
#include "kernel/task/process.h"

#include <linux/resource.h>

static u32 tasks;

struct nproc_totals nproc_totals;

void nproc_begins(bool of_process)
{
	__atomic_store_n(&tasks, tasks + 1, __ATOMIC_RELAXED);
	nproc_totals.processes += of_process;
	nproc_totals.threads++;
	nproc_totals.peak = MAX(nproc_totals.peak, (u64)tasks);
}

u32 nproc_count(void)
{
	return __atomic_load_n(&tasks, __ATOMIC_RELAXED);
}

void nproc_ends(void)
{
	KASSERT(tasks > 0);
	__atomic_store_n(&tasks, tasks - 1, __ATOMIC_RELAXED);
}

/* Returns how many tasks have this real user ID. */
static u64 count_of(u32 uid)
{
	struct process *p;
	u64 n = 0;

	LIST_FOREACH (p, &all_processes, all)
		if (p->creds.ruid == uid)
			n += p->nthreads + p->zombie;
	return n;
}

bool nproc_full(void)
{
	struct process *self = current_process();

	ASSERT_HELD(&task_lock);
	if (boot->pids_max && tasks >= boot->pids_max) {
		nproc_totals.refused++;
		return true;
	}
	if (current_creds()->ruid != 0 && !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN) &&
	    count_of(current_creds()->ruid) >= self->rlimit[RLIMIT_NPROC].cur)
		return true;
	self->nproc_exceeded = false;
	return false;
}

void nproc_user_changes(const struct creds *new)
{
	struct process *self = current_process();

	if (new->ruid != current_creds()->ruid)
		self->nproc_exceeded =
			new->ruid != 0 && count_of(new->ruid) > self->rlimit[RLIMIT_NPROC].cur;
}

bool nproc_forbids_exec(void)
{
	struct process *self = current_process();

	self->nproc_exceeded = self->nproc_exceeded &&
			       count_of(current_creds()->ruid) > self->rlimit[RLIMIT_NPROC].cur;
	return self->nproc_exceeded;
}
