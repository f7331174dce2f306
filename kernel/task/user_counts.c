// SPDX-License-Identifier: MIT
/* See user_counts.h. A user has an entry in the list while one of the counts is not 0. */
#include "kernel/task/user_counts.h"
#include "kernel/kernel.h"
#include "kernel/lock.h"
#include "kernel/mm/kmalloc.h"

#include <bsd/sys/queue.h>

struct user {
	LIST_ENTRY(user) link;
	u32 uid;
	u64 count[USER_COUNTS];
};

static struct mutex users_lock = MUTEX_INIT(LOCK_USERS);
static LIST_HEAD(, user) users = LIST_HEAD_INITIALIZER(users);

static struct user *find(u32 uid)
{
	struct user *u;

	ASSERT_HELD(&users_lock);
	LIST_FOREACH (u, &users, link)
		if (u->uid == uid)
			return u;
	return NULL;
}

static struct user *find_or_make(u32 uid)
{
	struct user *u = find(uid);

	ASSERT_HELD(&users_lock);
	if (u)
		return u;
	u = kzalloc(sizeof(*u));
	if (u) {
		u->uid = uid;
		LIST_INSERT_HEAD(&users, u, link);
	}
	return u;
}

bool user_charge(u32 uid, enum user_count what, u64 n, u64 limit)
{
	struct user *u;
	bool fits;

	mutex_lock(&users_lock);
	u = n <= limit ? find_or_make(uid) : NULL;
	/* One that does not fit belongs to a user with a count, so no empty entry is left. */
	fits = u && u->count[what] <= limit - n;
	if (fits)
		u->count[what] += n;
	mutex_unlock(&users_lock);
	return fits;
}

void user_uncharge(u32 uid, enum user_count what, u64 n)
{
	struct user *u;

	mutex_lock(&users_lock);
	u = find(uid);
	KASSERT(u && u->count[what] >= n);
	u->count[what] -= n;
	for (u32 i = 0; i < USER_COUNTS; i++)
		if (u->count[i])
			goto out;
	LIST_REMOVE(u, link);
	kfree(u);
out:
	mutex_unlock(&users_lock);
}

u64 user_count(u32 uid, enum user_count what)
{
	struct user *u;
	u64 n;

	mutex_lock(&users_lock);
	u = find(uid);
	n = u ? u->count[what] : 0;
	mutex_unlock(&users_lock);
	return n;
}
