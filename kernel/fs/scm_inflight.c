// SPDX-License-Identifier: MIT
/*
 * Descriptors in messages (SCM_RIGHTS) of files that are more to the kernel than the host's handle:
 * signalfd, pidfd, message queues, our /proc. What arrives is a new handle of the host's; by it the
 * receiver has to find the file that was sent.
 *
 * A file travels from before its message is sent until it was received: one entry for each
 * descriptor under way, which holds a reference, for the sender may close his. A message that
 * nobody receives, or that leaves the sandbox, would keep its file for ever: of more than
 * TRAVELLERS entries the oldest is given up, and its file then arrives as the host's alone.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"

#define TRAVELLERS 64

struct traveller {
	TAILQ_ENTRY(traveller) link;
	struct ofile *file;
};

static struct mutex travel_lock =
	MUTEX_INIT(LOCK_TRAVEL); /* guards both; the hostcalls inside do not sleep */
static TAILQ_HEAD(travellers, traveller) under_way = TAILQ_HEAD_INITIALIZER(under_way);
static u32 count;

/* Off the list; its file is the caller's to put. */
static struct ofile *leave(struct traveller *t)
{
	struct ofile *f = t->file;

	ASSERT_HELD(&travel_lock);
	TAILQ_REMOVE(&under_way, t, link);
	count--;
	kfree(t);
	return f;
}

int travel_begin(struct ofile *f)
{
	struct ofile *given_up = NULL;
	struct traveller *t;

	epoll_leaves(f);
	if (f->ops->all_on_host)
		return 0;
	t = kmalloc(sizeof(*t));
	if (!t)
		return -ENOBUFS;
	t->file = ofile_get(f);
	mutex_lock(&travel_lock);
	if (count == TRAVELLERS)
		given_up = leave(TAILQ_FIRST(&under_way));
	TAILQ_INSERT_TAIL(&under_way, t, link);
	count++;
	mutex_unlock(&travel_lock);
	ofile_put(given_up);
	return 0;
}

void travel_cancel(struct ofile *f)
{
	struct ofile *found = NULL;
	struct traveller *t;

	if (f->ops->all_on_host)
		return;
	mutex_lock(&travel_lock);
	TAILQ_FOREACH_REVERSE(t, &under_way, travellers, link)
	{
		if (t->file == f) {
			found = leave(t);
			break;
		}
	}
	mutex_unlock(&travel_lock);
	ofile_put(found);
}

struct ofile *travel_end(s32 handle, bool stays)
{
	struct ofile *found = NULL;
	struct traveller *t;

	if (!READ_ONCE(count))
		return NULL;
	mutex_lock(&travel_lock);
	TAILQ_FOREACH (t, &under_way, link) {
		if (hc_same_file(handle, t->file->handle) == 1) {
			found = stays ? ofile_get(t->file) : leave(t);
			break;
		}
	}
	mutex_unlock(&travel_lock);
	return found;
}
