// SPDX-License-Identifier: MIT
/*
 * See host_ids.h. hostcall_make calls host_ids_settle before each hostcall that depends on the
 * identity.
 */
#include "kernel/task/host_ids.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/task/creds.h"
#include "kernel/task/thread.h"
#include "kernel/task/vcpu.h"

/* Marks the stamp of a view, which is that of the creds that the view was made from. */
#define STAMP_VIEW (1UL << 63)

static u64 last_stamp = CREDS_BOOT;
static bool any_changed;       /* a host thread has, or had, another identity than at the start */
static u64 applied[VCPUS_MAX]; /* stamp of each vCPU's host thread; 0: unknown. Used by that vCPU */

u64 host_ids_stamp(void)
{
	return __atomic_add_fetch(&last_stamp, 1, __ATOMIC_RELAXED);
}

int host_ids_apply(const struct creds *c)
{
	u64 *mine = &applied[arch_vcpu_data()->id];
	struct hostcall_ids ids = {
		.ruid = c->ruid,
		.euid = c->euid,
		.fsuid = c->fsuid,
		.rgid = c->rgid,
		.egid = c->egid,
		.fsgid = c->fsgid,
		.caps = c->cap_effective,
	};
	int err;

	if (*mine == c->stamp || (c->stamp == CREDS_BOOT && !READ_ONCE(any_changed)))
		return 0;
	WRITE_ONCE(any_changed, true);
	err = (int)hc_ids(&ids, sizeof(ids), c->groups, c->ngroups * (u32)sizeof(c->groups[0]));
	*mine = err ? 0 : c->stamp;
	return err;
}

void host_ids_view_begin(struct creds *view)
{
	view->stamp |= STAMP_VIEW;
	current()->acting = view;
}

struct creds *host_ids_view_end(void)
{
	struct thread *t = current();
	struct creds *view = t->acting;

	t->acting = NULL;
	return view;
}

int host_ids_settle(void)
{
	struct thread *t = current();

	if (!t)
		return 0;
	return host_ids_apply(t->acting ? t->acting : &t->creds);
}
