// SPDX-License-Identifier: MIT
/*
 * SCM in flight: descriptors in messages (SCM_RIGHTS) of files that are more to the kernel than a
 * handle, such as signalfds, pidfds, message queues and files of our /proc. The receiver gets a new
 * handle from the host, and finds the file that was sent by this handle.
 *
 * The list has one entry for each descriptor in a message, from before the message is sent until it
 * is received. The entry has a reference to the file, because the sender may close its descriptor.
 * The kernel does not learn that a message is discarded or leaves the sandbox. So the list has at
 * most TRAVELLERS entries: a further one replaces the oldest, whose file then arrives as a plain
 * host file.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/unix.h"

#define TRAVELLERS 64

struct traveller {
	TAILQ_ENTRY(traveller) link;
	struct ofile *file;
};

static struct mutex travel_lock =
	MUTEX_INIT(LOCK_TRAVEL); /* guards under_way and count; no hostcall inside sleeps */
static TAILQ_HEAD(travellers, traveller) under_way = TAILQ_HEAD_INITIALIZER(under_way);
static u32 count;

/* Frees the entry t. Returns its file, whose reference is the caller's. */
static struct ofile *leave(struct traveller *t)
{
	struct ofile *f = t->file;

	ASSERT_HELD(&travel_lock);
	TAILQ_REMOVE(&under_way, t, link);
	count--;
	kfree(t);
	return f;
}

/*
 * Adds an entry for f. *given_up gets the file of the oldest entry if there are too many; NULL:
 * that is an error. Returns 0 or -ENOBUFS.
 */
static int add(struct ofile *f, struct ofile **given_up)
{
	struct traveller *t;
	bool full;

	if (f->ops->all_on_host)
		return 0;
	t = kmalloc(sizeof(*t));
	if (!t)
		return -ENOBUFS;
	t->file = ofile_get(f);
	mutex_lock(&travel_lock);
	full = count == TRAVELLERS;
	if (full && given_up)
		*given_up = leave(TAILQ_FIRST(&under_way));
	if (!full || given_up) {
		TAILQ_INSERT_TAIL(&under_way, t, link);
		count++;
	}
	mutex_unlock(&travel_lock);
	if (!full || given_up)
		return 0;
	__atomic_sub_fetch(&f->refs, 1, __ATOMIC_RELAXED); /* the caller has another reference */
	kfree(t);
	return -ENOBUFS;
}

int travel_begin(struct ofile *f)
{
	struct ofile *given_up = NULL;
	int err;

	epoll_leaves(f);
	if (unix_file_of(f))
		unix_leaves(f);
	err = add(f, &given_up);
	ofile_put(given_up);
	return err;
}

int travel_list(struct ofile *f)
{
	return add(f, NULL);
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
