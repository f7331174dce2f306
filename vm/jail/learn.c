// SPDX-License-Identifier: MIT
/*
 * See learn.h. Used paths are kept in a sorted list. A directory in which many were used stands for
 * them in the policy, unless it shows too much: a home, say.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "vm/jail/learn.h"
#include "vm/vm.h"

#define USED_MAX	 65536 /* different paths */
#define COLLAPSE_DEFAULT 8

struct used {
	char *path;
	bool write;
};

/* lock protects all of it. */
static struct {
	pthread_mutex_t lock;
	struct used *used; /* sorted */
	u32 count, space;
	u32 lost;
	FILE *file;
	struct jail_policy old; /* of --merge, */
	char *old_text;		/* and its text */
} learn = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Reads the policy to which the new one adds. Returns 0 or EXIT_USAGE after a message. */
static int read_old(const char *path)
{
	FILE *from = fopen(path, "re");
	size_t size = 0;

	if (!from || (getdelim(&learn.old_text, &size, '\0', from) < 0 && ferror(from))) {
		message("--merge: %s: %s", path, strerror(errno));
		if (from)
			fclose(from);
		return EXIT_USAGE;
	}
	fclose(from);
	return policy_read_file(&learn.old, path);
}

int learn_start(const struct jail_policy *p)
{
	if (!p->learn)
		return 0;
	if (p->merge && read_old(p->merge))
		return EXIT_USAGE;
	/* What is there stays until something takes its place. */
	learn.file = fopen(p->learn, "ae");
	if (!learn.file)
		message("--learn: %s: %s", p->learn, strerror(errno));
	return learn.file ? 0 : EXIT_USAGE;
}

bool learn_is_on(void)
{
	return learn.file != NULL;
}

/* Returns the index of the first path that is not before `path`. */
static u32 place_of(const char *path)
{
	u32 low = 0, high = learn.count;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (strcmp(learn.used[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void insert(const char *path, bool write)
{
	u32 at = place_of(path);
	struct used *more;
	char *copy;

	if (at < learn.count && !strcmp(learn.used[at].path, path)) {
		learn.used[at].write |= write;
		return;
	}
	if (learn.count == learn.space && learn.count < USED_MAX) {
		u32 space = learn.space ? 2 * learn.space : 256;

		more = reallocarray(learn.used, space, sizeof(*more));
		if (more) {
			learn.used = more;
			learn.space = space;
		}
	}
	copy = learn.count < learn.space ? strdup(path) : NULL;
	if (!copy) {
		learn.lost++;
		return;
	}
	memmove(&learn.used[at + 1], &learn.used[at], (learn.count - at) * sizeof(*learn.used));
	learn.used[at] = (struct used){copy, write};
	learn.count++;
}

void learn_used(const char *path, bool write)
{
	if (!learn.file || path[0] != '/')
		return;
	pthread_mutex_lock(&learn.lock);
	insert(path, write);
	pthread_mutex_unlock(&learn.lock);
}

/* ---- the policy ----------------------------------------------------------------------------- */

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return len == 1 || (!strncmp(path, dir, len) && (path[len] == '/' || path[len] == '\0'));
}

/* Names that hold secrets of users, wherever they are. */
static const char *const secrets[] = {
	"/.ssh",
	"/.gnupg",
	"/.aws",
	"/.azure",
	"/.kube",
	"/.netrc",
	"/.pgpass",
	"/.docker",
	"/.config/gh",
	"/.config/gcloud",
	"/.npmrc",
	"/.pypirc",
	"/.git-credentials",
	"/.password-store",
	"/.mozilla",
	"/.config/chromium",
	"/.local/share/keyrings",
	"/.bash_history",
};

static bool is_secret(const char *path)
{
	for (u32 i = 0; i < ARRAY_SIZE(secrets); i++) {
		const char *found = strstr(path, secrets[i]);
		size_t len = strlen(secrets[i]);

		if (found && (found[len] == '/' || found[len] == '\0'))
			return true;
	}
	return false;
}

/*
 * Replaces the path of a directory that does not exist on the host, because the program made it in
 * a copy, by the nearest that does: a rule has to name something.
 */
static void existing(char *path)
{
	struct stat st;
	char *slash;

	while (lstat(path, &st) && (slash = strrchr(path, '/')) && slash != path)
		*slash = '\0';
}

/* Counts the used paths below a directory that need this right. */
static u32 count_below(const char *dir, bool write)
{
	u32 n = 0;

	for (u32 i = 0; i < learn.count; i++)
		n += (!write || learn.used[i].write) && is_below(learn.used[i].path, dir) &&
		     strcmp(learn.used[i].path, dir) != 0;
	return n;
}

/* Returns true if a directory has a secret in it. */
static bool has_secret(const char *dir)
{
	size_t len = strlen(dir);

	for (u32 i = 0; i < ARRAY_SIZE(secrets); i++) {
		/* ".config/gh" is one of a home, and "gh" one of its .config. */
		for (const char *rest = secrets[i]; rest; rest = strchr(rest + 1, '/')) {
			size_t before = (size_t)(rest - secrets[i]);
			char path[4096];
			struct stat st;

			if (before > len || memcmp(dir + len - before, secrets[i], before) != 0)
				continue;
			snprintf(path, sizeof(path), "%s%s", dir, rest);
			if (lstat(path, &st) == 0)
				return true;
		}
	}
	return false;
}

/*
 * Returns true if a secret is below a directory: one that was used, or beside anything that was. A
 * whole tree is not searched.
 */
static bool shows_secret(const char *dir)
{
	char last[4096] = "", path[4096];

	for (u32 i = 0; i < learn.count; i++) {
		char *slash;

		if (!is_below(learn.used[i].path, dir))
			continue;
		if (is_secret(learn.used[i].path))
			return true;
		snprintf(path, sizeof(path), "%s", learn.used[i].path);
		while ((slash = strrchr(path, '/')) && slash != path && is_below(path, dir)) {
			*slash = '\0';
			/* They are sorted: what is above the last one has been looked at. */
			if (!strcmp(path, last) || !is_below(path, dir))
				break;
			if (has_secret(path))
				return true;
		}
		snprintf(last, sizeof(last), "%s", learn.used[i].path);
		if ((slash = strrchr(last, '/')))
			*slash = '\0';
	}
	return has_secret(dir);
}

/* Makes path the widest directory above it that may stand for what is used in it. */
static void collapse(char *path, bool write, u32 most)
{
	char dir[4096];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	while ((slash = strrchr(dir, '/')) && slash != dir) {
		*slash = '\0';
		if (policy_too_wide(dir) || !strchr(dir + 1, '/'))
			return;
		if (count_below(dir, write) > most && !shows_secret(dir))
			strcpy(path, dir);
	}
}

/* Returns true for what is in the copied working directory, which is readable by default. */
static bool is_in_copy(const struct jail_policy *p, const char *path)
{
	for (u32 i = 0; i < p->paths.count; i++)
		if (p->paths.rule[i].kind == PATH_OVERLAY && is_below(path, p->paths.rule[i].path))
			return true;
	return false;
}

static void write_rule(const struct jail_policy *p, const struct used *u, char last[4096])
{
	const struct path_rule *old;
	char path[4096];
	const char *wide;

	snprintf(path, sizeof(path), "%s", u->path);
	existing(path);
	old = policy_decides(&learn.old, path);
	if (old &&
	    (old->kind == PATH_DENY || old->kind == PATH_HIDE || old->kind == PATH_PROTECT) &&
	    !path_kind_allows(old->kind, u->write)) {
		fprintf(learn.file, "# used, but refused by a rule above: %s\n", path);
		return;
	}
	if (old && path_kind_allows(old->kind, u->write))
		return;
	if ((*last && is_below(path, last)) || (!u->write && is_in_copy(p, path)))
		return;
	if (is_secret(path)) {
		fprintf(learn.file, "# used, but it is a secret: %s\n", path);
		return;
	}
	collapse(path, u->write, p->collapse ? p->collapse : COLLAPSE_DEFAULT);
	wide = shows_secret(path) ? "there are secrets in it" : policy_too_wide(path);
	if (wide) {
		fprintf(learn.file, "# used, but too wide for a rule (%s): %s\n", wide, path);
		return;
	}
	policy_write_rule(learn.file, u->write ? PATH_WRITE : PATH_READ, path);
	snprintf(last, 4096, "%s", path);
}

void learn_write(const struct jail_policy *p)
{
	char last[4096];

	if (!learn.file)
		return;
	pthread_mutex_lock(&learn.lock);
	if (ftruncate(fileno(learn.file), 0))
		message("--learn: %s: %s", p->learn, strerror(errno));
	if (learn.old_text) {
		size_t len = strlen(learn.old_text);

		fprintf(learn.file, "%s%s", learn.old_text,
			len && learn.old_text[len - 1] != '\n' ? "\n" : "");
	}
	fprintf(learn.file,
		"# What a run used beyond the defaults. Look at each line before you use it.\n");
	for (u32 pass = 0; pass < 2; pass++) {
		last[0] = '\0';
		for (u32 i = 0; i < learn.count; i++) {
			struct used *u = &learn.used[i];

			if (u->write == (pass == 0) && !policy_default_covers(u->path, u->write))
				write_rule(p, u, last);
		}
	}
	if (learn.lost)
		fprintf(learn.file, "# %u more paths were used: too many to keep\n", learn.lost);
	if (fclose(learn.file))
		message("--learn: %s: %s", p->learn, strerror(errno));
	else
		message("what the program used is in %s: run it with --policy %s", p->learn,
			p->learn);
	learn.file = NULL;
	pthread_mutex_unlock(&learn.lock);
}
