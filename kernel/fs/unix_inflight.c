// SPDX-License-Identifier: MIT
/*
 * Open files in messages of unix sockets: how many there are, and when they are put.
 *
 * A socket that is sent through itself, or two that are sent through each other, stay alive by the
 * messages in their own queues although no process can receive these. The collector finds them as
 * Linux's does (net/unix/garbage.c): a socket all of whose references are in messages is a
 * candidate. It is alive if one of these messages is in the queue of a socket that is no candidate,
 * or of a candidate that is alive. What is left is freed by taking the messages out of its queue.
 */
#include <linux/poll.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/unix.h"

#define COLLECT_AFTER 256 /* so many sockets more in flight, and the collector runs on a send */

struct mutex unix_inflight_lock = MUTEX_INIT(LOCK_UNIX_INFLIGHT); /* guards all below */
static LIST_HEAD(, unix_file) sockets GUARDED_BY(unix_inflight_lock) =
	LIST_HEAD_INITIALIZER(sockets); /* those with inflight > 0 */
static u32 socket_count, file_count;	/* written with the lock */
static u32 collect_at = COLLECT_AFTER;	/* written with the lock */

bool unix_inflight_any(void)
{
	return READ_ONCE(file_count) != 0;
}

/* -- Counting -----------------------------------------------------------------------------------
 */

static void add_socket(struct unix_file *f)
{
	ASSERT_HELD(&unix_inflight_lock);
	if (!f->inflight++)
		LIST_INSERT_HEAD(&sockets, f, of_inflight);
	WRITE_ONCE(socket_count, socket_count + 1);
}

static void remove_socket(struct unix_file *f)
{
	ASSERT_HELD(&unix_inflight_lock);
	if (!--f->inflight)
		LIST_REMOVE(f, of_inflight);
	WRITE_ONCE(socket_count, socket_count - 1);
}

/* Linux counts the files of each user; all guest processes count together. */
static bool too_many(void)
{
	ASSERT_HELD(&unix_inflight_lock);
	return file_count > current_process()->rlimit[RLIMIT_NOFILE].cur &&
	       !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN);
}

int unix_inflight_add(struct unix_files *files)
{
	ASSERT_HELD(&unix_inflight_lock);
	if (too_many())
		return -ETOOMANYREFS;
	WRITE_ONCE(file_count, file_count + files->count);
	files->counted = true;
	for (u32 i = 0; files->sockets && i < files->count; i++)
		if (unix_file_of(files->file[i]))
			add_socket(unix_file_of(files->file[i]));
	return 0;
}

void unix_inflight_remove(struct unix_files *files)
{
	ASSERT_HELD(&unix_inflight_lock);
	WRITE_ONCE(file_count, file_count - files->count);
	files->counted = false;
	for (u32 i = 0; files->sockets && i < files->count; i++)
		if (unix_file_of(files->file[i]))
			remove_socket(unix_file_of(files->file[i]));
}

/* -- Putting ------------------------------------------------------------------------------------
 */

/*
 * A thread that puts files. The last reference to a socket frees the messages in its queue, and
 * these have files of their own, perhaps sockets. So the outermost unix_files_put puts what the
 * inner ones only add to its list: the kernel's stack would not hold a long chain.
 */
struct putter {
	LIST_ENTRY(putter) link;
	const struct thread *thread;
	TAILQ_HEAD(, unix_files) waiting;
};

static LIST_HEAD(, putter) putters GUARDED_BY(unix_inflight_lock) = LIST_HEAD_INITIALIZER(putters);

static struct putter *running_putter(void)
{
	struct putter *p;

	ASSERT_HELD(&unix_inflight_lock);
	LIST_FOREACH (p, &putters, link)
		if (p->thread == current())
			break;
	return p;
}

static void put_all(struct unix_files *files)
{
	for (u32 i = 0; i < files->count; i++)
		ofile_put(files->file[i]);
	kfree(files);
}

UNCHECKED_LOCKING void unix_files_put(struct unix_files *files)
{
	struct putter own, *p;

	if (!files)
		return;
	mutex_lock(&unix_inflight_lock);
	if (files->counted)
		unix_inflight_remove(files);
	p = running_putter();
	if (p) {
		TAILQ_INSERT_TAIL(&p->waiting, files, link);
		mutex_unlock(&unix_inflight_lock);
		return;
	}
	own.thread = current();
	TAILQ_INIT(&own.waiting);
	TAILQ_INSERT_TAIL(&own.waiting, files, link);
	LIST_INSERT_HEAD(&putters, &own, link);
	while ((files = TAILQ_FIRST(&own.waiting))) {
		TAILQ_REMOVE(&own.waiting, files, link);
		mutex_unlock(&unix_inflight_lock);
		put_all(files);
		mutex_lock(&unix_inflight_lock);
	}
	LIST_REMOVE(&own, link);
	mutex_unlock(&unix_inflight_lock);
}

void unix_queue_put(struct unix_queue *q)
{
	struct unix_message *m;

	while ((m = TAILQ_FIRST(q))) {
		TAILQ_REMOVE(q, m, link);
		unix_files_put(m->files);
		m->files = NULL;
		unix_message_put(m);
	}
}

/* -- Collecting ---------------------------------------------------------------------------------
 */

static bool is_candidate(const struct unix_file *f)
{
	return f->inflight && READ_ONCE(f->file.refs) == f->inflight;
}

SLIST_HEAD(visits, unix_file);

/* Calls visit for each unix socket in the messages of f's queue. */
static void for_each_inside(struct unix_file *f, void (*visit)(struct unix_file *, struct visits *),
			    struct visits *visits)
{
	struct unix_pair *p = f->end->pair;
	struct unix_message *m;

	mutex_lock(&p->lock);
	TAILQ_FOREACH (m, &f->end->queue, link) {
		for (u32 i = 0; m->files && m->files->sockets && i < m->files->count; i++) {
			struct unix_file *inside = unix_file_of(m->files->file[i]);

			if (inside)
				visit(inside, visits);
		}
	}
	mutex_unlock(&p->lock);
}

static void count_internal(struct unix_file *f, struct visits *visits)
{
	(void)visits;
	f->internal++;
}

static void reach(struct unix_file *f, struct visits *visits)
{
	if (f->reached)
		return;
	f->reached = true;
	SLIST_INSERT_HEAD(visits, f, to_visit);
}

/* Sets .reached of all sockets in flight that some process can receive or has. */
static void find_reached(void)
{
	struct visits visits = SLIST_HEAD_INITIALIZER(visits);
	struct unix_file *f;

	ASSERT_HELD(&unix_inflight_lock);
	LIST_FOREACH (f, &sockets, of_inflight) {
		f->internal = 0;
		f->reached = false;
	}
	LIST_FOREACH (f, &sockets, of_inflight)
		if (is_candidate(f))
			for_each_inside(f, count_internal, NULL);
		else
			reach(f, &visits);
	LIST_FOREACH (f, &sockets, of_inflight)
		if (f->inflight > f->internal)
			reach(f, &visits);
	while ((f = SLIST_FIRST(&visits))) {
		SLIST_REMOVE_HEAD(&visits, to_visit);
		for_each_inside(f, reach, &visits);
	}
}

void unix_collect(void)
{
	struct unix_queue dead = TAILQ_HEAD_INITIALIZER(dead);
	struct unix_file *f;

	if (!READ_ONCE(socket_count))
		return;
	mutex_lock(&unix_inflight_lock);
	find_reached();
	LIST_FOREACH (f, &sockets, of_inflight) {
		if (f->reached)
			continue;
		mutex_lock(&f->end->pair->lock);
		TAILQ_CONCAT(&dead, &f->end->queue, link);
		f->end->unread = 0;
		mutex_unlock(&f->end->pair->lock);
	}
	WRITE_ONCE(collect_at, socket_count + COLLECT_AFTER);
	mutex_unlock(&unix_inflight_lock);
	unix_queue_put(&dead);
}

void unix_collect_if_many(void)
{
	if (READ_ONCE(socket_count) >= READ_ONCE(collect_at))
		unix_collect();
}
