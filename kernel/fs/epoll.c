// SPDX-License-Identifier: MIT
/*
 * epoll. An epoll is a host file with two parts: the host's interest list has the handles of files
 * whose readiness only the host knows, and the kernel's part (struct epoll) has the other files.
 *
 * Linux identifies an entry of an interest list by (open file, descriptor), but the host sees one
 * handle per open file, whatever descriptors name it. So the kernel keeps each entry as an item,
 * with the handle that stands for it on the host: the file's own handle for the first descriptor, a
 * duplicate for each further one. A duplicate would keep the file open on the host, so all are
 * closed when the last reference to the open file goes.
 */
#include <linux/eventpoll.h>
#include <linux/time_types.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/waitq.h"
#include "libc/stdlib.h"

/*
 * The kernel's part of an epoll: items of files whose readiness the kernel knows (ofile_poll). Such
 * an item has an entry in its file's queue of sleepers, which puts the item on the list ready when
 * the file may be ready. If an epoll has only such items, a thread waits for that list without the
 * host. A thread that waits in the host is woken by the epoll's bell, an eventfd in the host's
 * interest list.
 */
struct epoll {
	struct mutex lock; /* guards all below; taken inside the lock of a file */
	TAILQ_HEAD(ready_items, epoll_item) ready; /* items that may be ready */
	struct waitq waiters;			   /* threads that wait for the list */
	s32 bell;				   /* handle; -1: none yet */
	bool rung;				   /* the bell is readable */
	bool polled;	 /* others may poll the epoll on the host: ring always */
	u32 in_host;	 /* number of threads that wait in the host */
	u32 host_items;	 /* number of items of the host; epoll_lock, too */
	u32 guest_items; /* number of items of the kernel; epoll_lock, too */
	bool left;	 /* went into a message: further items are the host's */
	u32 turn;	 /* alternates which part gets the odd event: wait_once */
};

struct epoll_item {
	LIST_ENTRY(epoll_item) of_file;	 /* file->watched */
	LIST_ENTRY(epoll_item) of_epoll; /* epoll->watches */
	struct ofile *file, *epoll;	 /* no references: epoll_forget of either frees the item */
	s32 fd;
	s32 handle;	/* in the host's interest list; -1: an item of the kernel */
	bool duplicate; /* handle is a duplicate, which the item owns, and not the file's */

	/* If handle is -1. */
	struct epoll_event event; /* as asked; EPOLLONESHOT clears the events after the first */
	struct wait_entry entry;
	TAILQ_ENTRY(epoll_item) of_ready; /* epoll.ready, if listed; epoll.lock */
	bool listed;
};

#define EVENTS_ALWAYS (EPOLLERR | EPOLLHUP)
#define EVENTS_FLAGS  (EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE)

static struct mutex epoll_lock =
	MUTEX_INIT(LOCK_EPOLL); /* guards all items; files' locks and epoll.lock are inside */

/* Returns the kernel's part of f. NULL: f is no epoll, or one from a message, which has none. */
static struct epoll *epoll_of(struct ofile *f)
{
	struct host_file *host = host_file_of(f);

	return host ? host->epoll : NULL;
}

/*
 * Returns the data of the bell's events in the host's epoll: an address of the kernel, which a
 * program is not expected to use as its data.
 */
static u64 bell_mark(const struct epoll *ep)
{
	return (u64)ep;
}

/* -- The list of items that may be ready ------------------------------------------------------ */

/*
 * Returns whether a thread may wait in the host. While epoll_lock is held, a thread that does not
 * wait there cannot begin to.
 */
static bool may_be_heard(struct epoll *ep)
{
	return READ_ONCE(ep->in_host) || READ_ONCE(ep->polled);
}

/* Rings the bell if the list is not empty and a thread may wait in the host. ep->lock is held. */
static void ring_if_heard(struct epoll *ep)
{
	ASSERT_HELD(&ep->lock);
	if (ep->bell < 0 || ep->rung || !may_be_heard(ep) || TAILQ_EMPTY(&ep->ready))
		return;
	bell_ring(ep->bell);
	ep->rung = true;
}

/* Silences the bell if the list is empty. If that is interrupted, the next call tries again. */
static void hush(struct epoll *ep)
{
	ASSERT_HELD(&ep->lock);
	if (!ep->rung || !TAILQ_EMPTY(&ep->ready))
		return;
	ep->rung = !bell_silence(ep->bell);
}

static void list_item(struct epoll *ep, struct epoll_item *item, struct wakeups *w)
{
	mutex_lock(&ep->lock);
	if (!item->listed)
		TAILQ_INSERT_TAIL(&ep->ready, item, of_ready);
	item->listed = true;
	waitq_wake(&ep->waiters, EPOLLIN, false, w);
	ring_if_heard(ep);
	mutex_unlock(&ep->lock);
}

static void unlist_item(struct epoll *ep, struct epoll_item *item)
{
	mutex_lock(&ep->lock);
	if (item->listed)
		TAILQ_REMOVE(&ep->ready, item, of_ready);
	item->listed = false;
	hush(ep);
	mutex_unlock(&ep->lock);
}

static void item_changed(struct wait_entry *e, u32 events, struct wakeups *w)
{
	struct epoll_item *item =
		(struct epoll_item *)((char *)e - offsetof(struct epoll_item, entry));

	(void)events;
	list_item(epoll_of(item->epoll), item, w);
}

/* Returns whether threads wait for the epoll in the host, or will. epoll_lock is held. */
static bool waits_in_host(struct epoll *ep)
{
	return ep->host_items || may_be_heard(ep);
}

/* Adds the bell to the host's interest list, if it is not there yet. Returns 0 or -errno. */
static s64 bell_needed(struct ofile *f)
{
	struct epoll *ep = epoll_of(f);
	struct epoll_event ev = {.events = EPOLLIN, .data = bell_mark(ep)};
	s32 bell;
	s64 r;

	ASSERT_HELD(&epoll_lock);
	if (ep->bell >= 0)
		return 0;
	bell = bell_get();
	if (bell < 0)
		return bell;
	r = hc_epoll_ctl(f->handle, EPOLL_CTL_ADD, bell, &ev, sizeof(ev));
	if (r < 0) {
		bell_put(bell);
		return r;
	}
	mutex_lock(&ep->lock);
	ep->bell = bell;
	ring_if_heard(ep);
	mutex_unlock(&ep->lock);
	return 0;
}

static void item_moves(struct epoll_item *item);

/* Moves the files that have to before a thread waits in the host. */
static void move_some(struct ofile *f)
{
	struct epoll_item *item;

	ASSERT_HELD(&epoll_lock);
	LIST_FOREACH (item, &host_file_of(f)->watches, of_epoll)
		if (item->handle < 0 && ofile_moves_to_wait(item->file))
			item_moves(item);
}

void epoll_is_polled(struct ofile *f)
{
	struct epoll *ep = epoll_of(f);

	if (!ep || READ_ONCE(ep->polled))
		return;
	mutex_lock(&epoll_lock);
	mutex_lock(&ep->lock);
	ep->polled = true;
	ring_if_heard(ep);
	mutex_unlock(&ep->lock);
	move_some(f);
	if (ep->guest_items)
		bell_needed(f);
	mutex_unlock(&epoll_lock);
}

/* -- Items ------------------------------------------------------------------------------------ */

/*
 * Changes the number of the host's items. After the first one is added, the threads that wait
 * without the host have to wait there, so they are woken. epoll_lock is held.
 */
static void count_host_item(struct epoll *ep, int change)
{
	struct wakeups w = {0};

	if (!ep)
		return;
	mutex_lock(&ep->lock);
	ep->host_items += (u32)change;
	if (change > 0)
		waitq_wake(&ep->waiters, EPOLLIN, true, &w);
	mutex_unlock(&ep->lock);
	wakeups_send(&w);
}

static void item_free(struct epoll_item *item)
{
	struct epoll *ep = epoll_of(item->epoll);

	ASSERT_HELD(&epoll_lock);
	LIST_REMOVE(item, of_file);
	LIST_REMOVE(item, of_epoll);
	if (item->handle < 0) {
		ofile_unpoll(item->file, &item->entry);
		unlist_item(ep, item);
		ep->guest_items--;
	} else {
		count_host_item(ep, -1);
	}
	if (item->duplicate)
		hc_close(item->handle);
	kfree(item);
}

void epoll_forget(struct ofile *f)
{
	struct host_file *host = host_file_of(f);
	struct epoll *ep = epoll_of(f);

	/* No item is added to f any more, but the other end of an item may be going now, too. */
	mutex_lock(&epoll_lock);
	while (!LIST_EMPTY(&f->watched))
		item_free(LIST_FIRST(&f->watched));
	while (host && !LIST_EMPTY(&host->watches))
		item_free(LIST_FIRST(&host->watches));
	mutex_unlock(&epoll_lock);
	if (ep && ep->bell >= 0)
		hc_close(ep->bell); /* no bell_put: others may still have the host's epoll */
	kfree(ep);
}

/*
 * Returns the item of (file, fd) in the epoll, or NULL. *others: another item of the file has a
 * handle. epoll_lock is held.
 */
static struct epoll_item *item_find(struct ofile *epoll, struct ofile *file, s32 fd, bool *others)
{
	struct epoll_item *item, *found = NULL;

	*others = false;
	LIST_FOREACH (item, &file->watched, of_file) {
		if (item->epoll != epoll)
			continue;
		if (item->fd == fd)
			found = item;
		else if (item->handle >= 0)
			*others = true;
	}
	return found;
}

/*
 * Adds the item to the host's interest list; others: by a duplicate, because another item has the
 * file's handle. Returns 0 or -errno.
 */
static s64 add_to_host(struct epoll_item *item, s32 handle, bool others,
		       const struct epoll_event *ev)
{
	struct epoll *ep = epoll_of(item->epoll);
	s64 r = others ? hc_dup(handle) : handle;
	s32 polled = (s32)r;

	ASSERT_HELD(&epoll_lock);
	if (r < 0)
		return r;
	r = hc_epoll_ctl(item->epoll->handle, EPOLL_CTL_ADD, polled, ev, sizeof(*ev));
	if (r < 0) {
		if (others)
			hc_close(polled);
		return r;
	}
	item->handle = polled;
	item->duplicate = others;
	count_host_item(ep, 1);
	if (ep && ep->host_items == 1)
		move_some(item->epoll);
	return 0;
}

/* Makes an item of the kernel one of the host, after its file has moved. */
static void item_moves(struct epoll_item *item)
{
	struct epoll *ep = epoll_of(item->epoll);
	s64 handle = ofile_poll_handle(item->file);
	bool others;

	ASSERT_HELD(&epoll_lock);
	item_find(item->epoll, item->file, item->fd, &others);
	ofile_unpoll(item->file, &item->entry);
	unlist_item(ep, item);
	if (handle >= 0 && add_to_host(item, (s32)handle, others, &item->event) == 0)
		ep->guest_items--;
}

void epoll_leaves(struct ofile *f)
{
	struct epoll *ep = epoll_of(f);
	struct epoll_item *item;

	if (!ep)
		return;
	mutex_lock(&epoll_lock);
	ep->left = true;
	LIST_FOREACH (item, &host_file_of(f)->watches, of_epoll)
		if (item->handle < 0)
			item_moves(item);
	if (ep->bell >= 0)
		hc_epoll_ctl(f->handle, EPOLL_CTL_DEL, ep->bell, NULL, 0);
	mutex_unlock(&epoll_lock);
}

/*
 * Queues the item's entry for the events of ev, and lists the item if some are there already.
 * Returns 0, or -EREMOTE if only the host knows the file's readiness. anew: the entry is not queued
 * yet. As on Linux an item that is changed keeps its place in the file's queue. Wakers read its
 * events under the file's lock, which ofile_poll takes after they were written.
 */
static s64 item_arm(struct epoll_item *item, const struct epoll_event *ev, bool anew)
{
	const u32 events = ((u32)ev->events | EVENTS_ALWAYS) & ~(u32)EVENTS_FLAGS;
	struct wakeups w = {0};
	s64 r;

	ASSERT_HELD(&epoll_lock);
	item->event = *ev;
	item->event.events |= EVENTS_ALWAYS;
	if (anew)
		item->entry = (struct wait_entry){
			.changed = item_changed,
			.exclusive = (u32)ev->events & EPOLLEXCLUSIVE,
		};
	WRITE_ONCE(item->entry.events, events);
	r = ofile_poll(item->file, anew ? &item->entry : NULL);
	if (r > 0 && r & events)
		list_item(epoll_of(item->epoll), item, &w);
	wakeups_send(&w);
	return MIN(r, 0L);
}

/* Adds an item. handle: what the host polls for file; -1: the kernel polls the file. */
static s64 item_add(struct ofile *epoll, struct ofile *file, s32 fd, s32 handle, bool others,
		    const struct epoll_event *ev)
{
	struct epoll_item *item = kzalloc(sizeof(*item));
	s64 r;

	if (!item)
		return -ENOMEM;
	*item = (struct epoll_item){.file = file, .epoll = epoll, .fd = fd, .handle = -1};
	if (handle >= 0) {
		r = add_to_host(item, handle, others, ev);
	} else {
		r = may_be_heard(epoll_of(epoll)) ? bell_needed(epoll) : 0;
		if (r == 0)
			r = item_arm(item, ev, true);
	}
	if (r < 0) {
		kfree(item);
		return r;
	}
	if (handle < 0)
		epoll_of(epoll)->guest_items++;
	LIST_INSERT_HEAD(&file->watched, item, of_file);
	/* epoll is a host file: for any other, epoll_ctl has failed before. */
	LIST_INSERT_HEAD(&host_file_of(epoll)->watches, item, of_epoll);
	return 0;
}

/* Returns true if ev's use of EPOLLEXCLUSIVE is valid: epoll_ctl(2). */
static bool is_exclusive_right(u32 op, const struct epoll_event *ev)
{
	const u32 allowed =
		EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

	return !((u32)ev->events & EPOLLEXCLUSIVE) ||
	       (op == EPOLL_CTL_ADD && !((u32)ev->events & ~allowed));
}

/*
 * epoll_ctl(2) for a file whose readiness the kernel knows. item NULL: the file is not in the
 * epoll. -EREMOTE: the file has moved, or has to. epoll_lock is held.
 */
static s64 control_guest(struct ofile *epoll, u32 op, struct epoll_item *item, struct ofile *file,
			 s32 fd, const struct epoll_event *ev)
{
	if (op != EPOLL_CTL_DEL && !is_exclusive_right(op, ev))
		return -EINVAL;
	if (op != EPOLL_CTL_DEL && waits_in_host(epoll_of(epoll)) && ofile_moves_to_wait(file))
		return -EREMOTE;
	switch (op) {
	case EPOLL_CTL_ADD:
		return item ? -EEXIST : item_add(epoll, file, fd, -1, false, ev);
	case EPOLL_CTL_MOD:
		if (!item)
			return -ENOENT;
		if ((u32)item->event.events & EPOLLEXCLUSIVE)
			return -EINVAL;
		return item_arm(item, ev, false);
	case EPOLL_CTL_DEL:
		if (!item)
			return -ENOENT;
		item_free(item);
		return 0;
	default:
		return -EINVAL;
	}
}

static s64 control_host(struct ofile *epoll, u32 op, struct ofile *file, s32 fd,
			const struct epoll_event *ev)
{
	s64 handle = ofile_poll_handle(file), r;
	struct epoll_event host_event = *ev;
	struct epoll_item *item;
	bool others;

	if (handle < 0)
		return handle;
	host_event.events = ofile_poll_events(file, (u32)ev->events);
	mutex_lock(&epoll_lock);
	item = item_find(epoll, file, fd, &others);
	if (item && item->handle < 0)
		item_moves(item);
	if (op == EPOLL_CTL_ADD && !item) {
		r = item_add(epoll, file, fd, (s32)handle, others, &host_event);
	} else {
		/* The host finds the errors: EEXIST, ENOENT, not an epoll. */
		r = item || !others
			    ? hc_epoll_ctl(epoll->handle, op, item ? item->handle : (s32)handle,
					   &host_event, sizeof(host_event))
			    : -ENOENT;
		if (r >= 0 && op == EPOLL_CTL_DEL && item)
			item_free(item);
	}
	mutex_unlock(&epoll_lock);
	return fs_nointr(r);
}

static s64 control(struct ofile *epoll, u32 op, struct ofile *file, s32 fd,
		   const struct epoll_event *ev)
{
	s64 r = -EREMOTE;
	bool others;

	if (epoll_of(epoll) && !epoll_of(epoll)->left && ofile_poll(file, NULL) >= 0) {
		mutex_lock(&epoll_lock);
		r = control_guest(epoll, op, item_find(epoll, file, fd, &others), file, fd, ev);
		mutex_unlock(&epoll_lock);
	}
	return r == -EREMOTE ? control_host(epoll, op, file, fd, ev) : r;
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
		r = epoll == file && epoll_of(epoll) ? -EINVAL : control(epoll, op, file, fd, &ev);
	ofile_put(epoll);
	ofile_put(file);
	return r;
}

DEFINE_SYSCALL1(epoll_create1, u32, flags)
{
	struct epoll *ep = kzalloc(sizeof(*ep));
	struct ofile *f;
	s32 fd;
	int err;

	if (!ep)
		return -ENOMEM;
	f = host_file_of_result(fs_nointr(hc_epoll_create1(flags)), O_RDWR, &err);
	if (!f) {
		kfree(ep);
		return err;
	}
	mutex_init(&ep->lock, LOCK_READY);
	TAILQ_INIT(&ep->ready);
	waitq_init(&ep->waiters);
	ep->bell = -1;
	host_file_of(f)->epoll = ep;
	fd = fd_install(f, 0, flags & EPOLL_CLOEXEC);
	if (fd < 0)
		ofile_put(f);
	return fd;
}

DEFINE_SYSCALL1(epoll_create, s32, size)
{
	return size <= 0 ? -EINVAL : do_epoll_create1(0);
}

/* -- Waiting --------------------------------------------------------------------------------- */

#define EVENTS_MAX (16200U / sizeof(struct epoll_event)) /* most that a hostcall carries */

static s64 host_wait(struct ofile *f, struct epoll_event *buf, s32 max, s64 timeout)
{
	return hc_epoll_wait(f->handle, buf, MIN((u32)max, EVENTS_MAX) * sizeof(*buf), timeout);
}

/*
 * Collects events of the kernel's files, and returns how many. A level-triggered item goes back to
 * the list; the next call finds out whether it is still ready.
 */
static s32 collect(struct ofile *epoll, struct epoll_event *events, s32 max)
{
	struct epoll *ep = epoll_of(epoll);
	struct epoll_item *item, *last;
	struct wakeups w = {0};
	s32 n = 0;
	bool end = false;

	mutex_lock(&epoll_lock);
	mutex_lock(&ep->lock);
	last = TAILQ_LAST(&ep->ready, ready_items);
	while (n < max && !end && (item = TAILQ_FIRST(&ep->ready))) {
		s64 ready;

		end = item == last;
		TAILQ_REMOVE(&ep->ready, item, of_ready);
		item->listed = false;
		mutex_unlock(&ep->lock);
		ready = ofile_poll(item->file, NULL);
		if (ready < 0)
			item_moves(item);
		else if (!((u32)item->event.events & ~(u32)EVENTS_FLAGS))
			ready = 0; /* EPOLLONESHOT, after the first event */
		else
			ready &= item->entry.events;
		if (ready > 0) {
			events[n++] = (struct epoll_event){.events = (u32)ready,
							   .data = item->event.data};
			if ((u32)item->event.events & EPOLLONESHOT)
				item->event.events = (u32)item->event.events & EVENTS_FLAGS;
			else if (!((u32)item->event.events & EPOLLET))
				list_item(ep, item, &w);
		}
		mutex_lock(&ep->lock);
	}
	hush(ep);
	mutex_unlock(&ep->lock);
	mutex_unlock(&epoll_lock);
	wakeups_send(&w);
	return n;
}

/* Removes the bell's event, which is not for the program. Returns how many events are left. */
static s64 without_bell(const struct epoll *ep, struct epoll_event *events, s64 n)
{
	s64 kept = 0;

	for (s64 i = 0; i < n; i++)
		if (!ep || events[i].data != bell_mark(ep))
			events[kept++] = events[i];
	return kept;
}

/* Called before a thread waits in the host. Returns false if an item may be ready already. */
static bool enter_host(struct ofile *f)
{
	struct epoll *ep = epoll_of(f);
	bool empty;

	mutex_lock(&epoll_lock);
	if (ep->guest_items)
		bell_needed(f);
	mutex_lock(&ep->lock);
	empty = TAILQ_EMPTY(&ep->ready);
	ep->in_host++;
	mutex_unlock(&ep->lock);
	mutex_unlock(&epoll_lock);
	return empty;
}

static void leave_host(struct epoll *ep)
{
	mutex_lock(&ep->lock);
	ep->in_host--;
	hush(ep);
	mutex_unlock(&ep->lock);
}

/*
 * Waits without the host until the list is not empty or the epoll gets items of the host. Returns
 * as sleeper_sleep.
 */
static s64 wait_for_list(struct epoll *ep, u64 deadline)
{
	struct sleeper s = SLEEPER_INIT;
	struct wait_entry e = {.sleeper = &s, .events = EPOLLIN, .exclusive = true};
	struct wakeups w = {0};
	s64 r = 0;

	mutex_lock(&ep->lock);
	if (TAILQ_EMPTY(&ep->ready) && !ep->host_items) {
		waitq_add(&ep->waiters, &e);
		mutex_unlock(&ep->lock);
		r = sleeper_sleep(&s, deadline);
		mutex_lock(&ep->lock);
		waitq_remove(&ep->waiters, &e);
		/* This thread was woken but returns an error: pass the wake-up on. */
		if (r < 0 && s.woken)
			waitq_wake(&ep->waiters, EPOLLIN, false, &w);
	}
	mutex_unlock(&ep->lock);
	wakeups_send(&w);
	return r;
}

/*
 * Polls both kinds of files once, and waits until the deadline if there is no event. Returns how
 * many events, -errno, or -EAGAIN if the caller has to call it again.
 */
static s64 wait_once(struct ofile *f, struct epoll_event *buf, s32 max, u64 deadline)
{
	struct epoll *ep = epoll_of(f);
	const bool both = ep->host_items && ep->guest_items;
	/* If there is space for one event only, the two kinds take turns. */
	const s32 most = both ? (max + (s32)(ep->turn++ & 1)) / 2 : max;
	s32 n = ep->guest_items ? collect(f, buf, most) : 0;
	s64 r;
	bool empty;

	if (!ep->host_items && ep->guest_items) {
		if (n || !deadline)
			return n;
		r = wait_for_list(ep, deadline);
		return r < 0 ? r : -EAGAIN;
	}
	empty = enter_host(f);
	if (n || !empty)
		deadline = 0;
	r = FS_WAIT(timeout, deadline, host_wait(f, buf + n, max - n, timeout));
	leave_host(ep);
	if (r < 0)
		return n ? n : r;
	n += (s32)without_bell(ep, buf + n, r);
	return n || (r == 0 && empty) ? n : -EAGAIN;
}

/* Waits for events and fills buf. Returns how many, or -errno. */
static s64 wait_for_events(struct ofile *f, struct epoll_event *buf, s32 max, u64 deadline)
{
	s64 r;

	if (!epoll_of(f))
		return FS_WAIT(timeout, deadline, host_wait(f, buf, max, timeout));
	do {
		r = wait_once(f, buf, max, deadline);
		if (r == -EAGAIN && fs_time_left(deadline) == 0)
			deadline = 0;
		if (r == -ETIMEDOUT || r == -EINTR) {
			s64 late = epoll_of(f)->guest_items ? collect(f, buf, max) : 0;

			r = late || r == -ETIMEDOUT ? late : r;
		}
	} while (r == -EAGAIN);
	return r;
}

/* Returns the host's line about a handle in its list, from " events:" on, or NULL. */
static const char *host_line(const char *text, s32 handle)
{
	static const char head[] = "tfd:";

	for (; text && *text; text = strchr(text, '\n'), text = text ? text + 1 : NULL) {
		char *rest;

		if (strncmp(text, head, sizeof(head) - 1))
			continue;
		text += sizeof(head) - 1;
		text += strspn(text, " ");
		if (strtol(text, &rest, 10) == handle)
			return rest;
	}
	return NULL;
}

void epoll_info(struct ofile *f, struct file_info *info)
{
	struct epoll_item *item;
	u64 used = 0;
	char *host;

	if (!epoll_of(f))
		return;
	host = kstrdup(info->more);
	info->more[0] = '\0';
	mutex_lock(&epoll_lock);
	LIST_FOREACH (item, &host_file_of(f)->watches, of_epoll) {
		const char *rest = item->handle < 0 ? NULL : host_line(host, item->handle);
		char line[160];
		struct stat st;
		u64 len;

		if (rest)
			len = (u64)snprintf(line, sizeof(line), "tfd: %8d%.*s\n", item->fd,
					    (int)strcspn(rest, "\n"), rest);
		else if (item->handle < 0 && ofile_stat(item->file, &st) >= 0)
			len = (u64)snprintf(line, sizeof(line),
					    "tfd: %8d events: %8x data: %16lx  pos:0 ino:%lx "
					    "sdev:%lx\n",
					    item->fd, item->event.events, (u64)item->event.data,
					    (u64)st.st_ino, (u64)st.st_dev);
		else
			continue;
		if (len >= sizeof(line) || len >= sizeof(info->more) - used)
			continue;
		memcpy(info->more + used, line, len + 1);
		used += len;
	}
	mutex_unlock(&epoll_lock);
	kfree(host);
}

/* epoll_wait is never restarted after a handler: signal(7). */
static s64 wait_events(s32 epfd, uva events, s32 max, u64 deadline)
{
	struct ofile *epoll;
	struct epoll_event *buf;
	u64 most = EVENTS_MAX;
	s64 r = -ENOMEM;

	if (max <= 0 || max > (s32)(0x7fffffff / sizeof(struct epoll_event)))
		return -EINVAL;
	epoll = fd_get(epfd);
	if (!epoll)
		return -EBADF;
	/* No more than there can be: one of each of the kernel's files, and those of a hostcall. */
	if (epoll_of(epoll))
		most += epoll_of(epoll)->guest_items;
	max = (s32)MIN((u64)max, most);
	buf = kmalloc((u64)max * sizeof(*buf));
	if (buf && epoll->handle < 0)
		r = -EINVAL;
	else if (buf)
		r = wait_for_events(epoll, buf, max, deadline);
	ofile_put(epoll);
	if (r > 0 && copy_to_user(events, buf, (u64)r * sizeof(*buf)) < 0)
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
