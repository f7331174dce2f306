// SPDX-License-Identifier: MIT
/*
 * epoll. The host waits, on handles. Linux knows an entry of an interest list by (open file,
 * descriptor); the host sees one handle per open file, whatever descriptors name it. So each entry
 * is kept here with the handle that stands for it on the host: the file's own for the first
 * descriptor, a duplicate for each further one. A duplicate would keep the file open on the host,
 * so all go when the last descriptor does.
 */
#include <linux/eventpoll.h>
#include <linux/time_types.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"

struct epoll_item {
	LIST_ENTRY(epoll_item) of_file;	 /* file->watched */
	LIST_ENTRY(epoll_item) of_epoll; /* epoll->watches */
	struct ofile *file, *epoll;	 /* no references: both ends forget the item when they go */
	s32 fd;
	s32 handle; /* the file's, to be polled, or a duplicate, which is the item's */
	bool duplicate;
};

static struct mutex epoll_lock =
	MUTEX_INIT(LOCK_EPOLL); /* guards all items; nothing is taken inside it */

static void item_free(struct epoll_item *item)
{
	LIST_REMOVE(item, of_file);
	LIST_REMOVE(item, of_epoll);
	if (item->duplicate)
		hc_close(item->handle);
	kfree(item);
}

void epoll_forget(struct ofile *f)
{
	struct host_file *host = host_file_of(f);

	/* Nobody adds to the lists any more; the other end of an item may be going at this moment.
	 */
	mutex_lock(&epoll_lock);
	while (!LIST_EMPTY(&f->watched))
		item_free(LIST_FIRST(&f->watched));
	while (host && !LIST_EMPTY(&host->watches))
		item_free(LIST_FIRST(&host->watches));
	mutex_unlock(&epoll_lock);
}

static struct epoll_item *item_find(struct ofile *epoll, struct ofile *file, s32 fd, bool *others)
{
	struct epoll_item *item;

	*others = false;
	LIST_FOREACH (item, &file->watched, of_file) {
		if (item->epoll != epoll)
			continue;
		if (item->fd == fd)
			return item;
		*others = true;
	}
	return NULL;
}

/* handle: what the host polls for file. */
static s64 item_add(struct ofile *epoll, struct ofile *file, s32 fd, s32 handle, bool others,
		    const struct epoll_event *ev)
{
	struct epoll_item *item = kzalloc(sizeof(*item));
	s64 r;

	if (!item)
		return -ENOMEM;
	*item = (struct epoll_item){.file = file, .epoll = epoll, .fd = fd, .duplicate = others};
	r = others ? hc_dup(handle) : handle;
	item->handle = r;
	if (r >= 0) {
		r = hc_epoll_ctl(epoll->handle, EPOLL_CTL_ADD, item->handle, ev, sizeof(*ev));
		if (r < 0 && others)
			hc_close(item->handle);
	}
	if (r < 0) {
		kfree(item);
		return r;
	}
	LIST_INSERT_HEAD(&file->watched, item, of_file);
	/* Only the host's epolls take anything. */
	LIST_INSERT_HEAD(&host_file_of(epoll)->watches, item, of_epoll);
	return 0;
}

static s64 control(struct ofile *epoll, u32 op, struct ofile *file, s32 fd,
		   const struct epoll_event *ev)
{
	struct epoll_item *item;
	s64 handle = ofile_poll_handle(file), r;
	bool others;

	if (handle < 0)
		return handle;
	mutex_lock(&epoll_lock);
	item = item_find(epoll, file, fd, &others);
	if (op == EPOLL_CTL_ADD && !item) {
		r = item_add(epoll, file, fd, (s32)handle, others, ev);
	} else {
		/* Errors (EEXIST, ENOENT, not an epoll) are the host's to find. */
		r = item || !others
			    ? hc_epoll_ctl(epoll->handle, op, item ? item->handle : (s32)handle, ev,
					   sizeof(*ev))
			    : -ENOENT;
		if (r >= 0 && op == EPOLL_CTL_DEL && item)
			item_free(item);
	}
	mutex_unlock(&epoll_lock);
	return fs_nointr(r);
}

DEFINE_SYSCALL4(epoll_ctl, s32, epfd, u32, op, s32, fd, uva, user_event)
{
	struct epoll_event ev = {0};
	struct ofile *epoll, *file;
	s64 r = -EBADF;

	if (op != EPOLL_CTL_DEL && get_user(&ev, user_event) < 0)
		return -EFAULT;
	epoll = fd_get(epfd);
	file = fd_get(fd);
	if (epoll && file)
		r = epoll == file ? -EINVAL : control(epoll, op, file, fd, &ev);
	ofile_put(epoll);
	ofile_put(file);
	return r;
}

DEFINE_SYSCALL1(epoll_create1, u32, flags)
{
	return fd_new(fs_nointr(hc_epoll_create1(flags)), O_RDWR, flags & EPOLL_CLOEXEC);
}

DEFINE_SYSCALL1(epoll_create, s32, size)
{
	return size <= 0 ? -EINVAL : do_epoll_create1(0);
}

/* -- Waiting --------------------------------------------------------------------------------- */

#define EVENTS_MAX (16200 / sizeof(struct epoll_event)) /* per hostcall; more stay for the next */

/* The mask is in force. epoll_wait is never restarted after a handler: signal(7). */
static s64 wait_events(s32 epfd, uva events, s32 max, u64 deadline)
{
	struct ofile *epoll;
	void *buf;
	u32 size;
	s64 r = -ENOMEM;

	if (max <= 0 || max > (s32)(0x7fffffff / sizeof(struct epoll_event)))
		return -EINVAL;
	epoll = fd_get(epfd);
	if (!epoll)
		return -EBADF;
	size = MIN((u64)max, EVENTS_MAX) * sizeof(struct epoll_event);
	buf = kmalloc(size);
	if (buf)
		r = FS_WAIT(timeout, deadline, hc_epoll_wait(epoll->handle, buf, size, timeout));
	ofile_put(epoll);
	if (r > 0 && copy_to_user(events, buf, r * sizeof(struct epoll_event)) < 0)
		r = -EFAULT;
	kfree(buf);
	return r;
}

static s64 wait_masked(s32 epfd, uva events, s32 max, u64 deadline, uva mask, u64 mask_size)
{
	int err = signal_block_meanwhile(mask, mask_size);

	return err ? err : fs_unblock(wait_events(epfd, events, max, deadline));
}

static u64 deadline_ms(s32 timeout)
{
	return timeout < 0 ? FS_FOREVER : fs_deadline(timeout * 1000000UL);
}

DEFINE_SYSCALL4(epoll_wait, s32, epfd, uva, events, s32, max, s32, timeout)
{
	return wait_events(epfd, events, max, deadline_ms(timeout));
}

DEFINE_SYSCALL6(epoll_pwait, s32, epfd, uva, events, s32, max, s32, timeout, uva, mask, u64, size)
{
	return wait_masked(epfd, events, max, deadline_ms(timeout), mask, size);
}

DEFINE_SYSCALL6(epoll_pwait2, s32, epfd, uva, events, s32, max, uva, timeout, uva, mask, u64, size)
{
	u64 deadline;
	int err = fs_deadline_of_user(timeout, 1, &deadline);

	return err ? err : wait_masked(epfd, events, max, deadline, mask, size);
}
