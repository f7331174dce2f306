// SPDX-License-Identifier: MIT
/*
 * Looking ahead. Programs ask about names in runs: glibc's realpath reads "/usr" as a link, then
 * "/usr/lib", then "/usr/lib/gcc"; a compiler does so for each place where a header may be, and
 * tries to open it there. A hostcall costs twenty times what the host needs for such a question. So
 * when one has to go to the host, those that may come next (predict.h) go with it, and their
 * answers are kept for the thread's next system calls.
 *
 * This is no cache: what a program sees is what the host would have said a moment earlier, and it
 * has no way to know that it is a moment later now. An answer is used only
 *
 *   - by the very next system call of the thread, or by one after it if all between were such
 *     answers too. Any other call drops them: it might have changed a link, or have heard that
 *     another process did;
 *   - if no signal came (look_ahead_drop in signal_deliver: also when the thread was stopped or
 *     kicked for another reason);
 *   - by the only thread of a process that shares its memory with none (a vfork child does, and so
 *     does its parent) and never had a shared mapping in which it could be told of a change without
 *     a system call (mm.has_shared_mapping). Not every such mapping counts: that of a file which
 *     is open for reading only, is no memory file, and was not changed for seconds, is the one
 *     that glibc's iconv has in every program with a locale;
 *   - within AHEAD_US of the hostcall, or within AHEAD_CALLS times what a hostcall costs on
 *     this host, because a program can read the clock without a system call. Two programs that
 *     agree to act at a moment of the clock, with less than that between them, could tell.
 *
 * Fork and exec are system calls, and answers belong to the thread. What changes how a name is
 * resolved (identity, root directory) changes only by system calls of the process itself.
 *
 * Only absolute paths that go to the host as they are: none with a part that could be a name of our
 * /proc or /dev (path_is_plain). That an open fails is asked by stat(2), which follows the same
 * links and fails alike where the name leads nowhere; only ENOENT and ENOTDIR are believed, for
 * anything else the open is made.
 *
 * Outside, one can tell: a link that was read ahead but not by the program has a new access time
 * (as by relatime, once a day), and a network file system sees the requests.
 *
 * In the same way, and by the same rules, an open brings the attributes of what it opened, for an
 * fstat(2) that is the thread's very next system call.
 *
 * Where a run is known to start right behind a close(2), its first questions go with the hostcall
 * for that, to be asked when the file is closed.
 *
 * What is learned is the whole sandbox's: the second compiler knows what the first one asked. A
 * process whose answers are dropped rather than used stops asking ahead: credit.
 */
#include <asm/unistd.h>
#include "common/boot_info.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/path_prefetch.h"
#include "kernel/fs/predict.h"
#include "kernel/hostcall.h"
#include "kernel/mm/mm.h"
#include "kernel/stats.h"

#define AHEAD_US     500
#define AHEAD_CALLS  16 /* the questions of one hostcall come within it where all is slow, too */
#define AHEAD_MAX    24 /* questions in a hostcall: a header's places in a compiler's path */
#define AHEAD_VAGUE  4	/* where it is less clear what comes */
#define ASKED_SIZE   3072
#define SEEN_SIZE    4096

/* Answers that may be dropped: a used one saves as much as several cost. At 0 none are fetched. */
#define CREDIT_START 64
#define CREDIT_USED  8
#define CREDIT_MAX   256

/* A thread's, from its first question on. */
struct look_ahead {
	struct predict_walk walk;
	s32 credit;
	u32 left;		   /* answers that were not used yet ... */
	u32 next_asked, next_seen; /* ... and where in the buffers the next is */
	u64 until;		   /* they are good, TSC */
	u32 count, asked_len;	   /* questions of the hostcall that is put together */
	struct buffers {
		u8 asked[ASKED_SIZE];
		u8 seen[SEEN_SIZE];
	} * buf; /* NULL: nothing was asked ahead yet */

	/* What an open told of its file. */
	u64 opened_call, opened_until; /* by which system call (0: none), good until then (TSC) */
	const struct ofile *opened;
	struct stat st;
};

static struct predictor predictor;

static bool predictor_taken; /* who finds it so does without: waiting could be a hostcall */

static struct predictor *take_predictor(void)
{
	return __atomic_exchange_n(&predictor_taken, true, __ATOMIC_ACQUIRE) ? NULL : &predictor;
}

static void leave_predictor(struct predictor *p)
{
	if (p)
		__atomic_store_n(&predictor_taken, false, __ATOMIC_RELEASE);
}

/* ---- who may, and what ------------------------------------------------------------------------
 */

static bool hears_nothing(const struct process *p)
{
	return p->nthreads == 1 && __atomic_load_n(&p->mm->users, __ATOMIC_RELAXED) == 1 &&
	       !p->mm->has_shared_mapping;
}

static struct look_ahead *record_of(struct thread *t)
{
	if (!t->look_ahead) {
		t->look_ahead = kzalloc(sizeof(*t->look_ahead));
		if (t->look_ahead)
			t->look_ahead->credit = CREDIT_START;
	}
	return t->look_ahead;
}

static u64 until_from(u64 start)
{
	return start + MAX((u64)AHEAD_US * (boot->tsc_khz / 1000), hostcall_cost() * AHEAD_CALLS);
}

/* The thread's record if this may be a question of it; NULL: it is like any other system call. */
static struct look_ahead *record_for(struct thread *t, const struct fs_path *p)
{
	if (p->kind != PATH_HOST || *p->path != '/' || !path_is_plain(p->path) ||
	    !hears_nothing(t->proc))
		return NULL;
	return record_of(t);
}

/* ---- asking -----------------------------------------------------------------------------------
 */

/* One more question for the hostcall. False: there is no room. */
static bool put_question(void *arg, u8 kind, const char *path)
{
	struct look_ahead *la = arg;
	u64 len = strlen(path) + 1;
	u64 size = ALIGN_UP(sizeof(struct hostcall_look) + len, HOSTCALL_LOOK_ALIGN);
	struct hostcall_look q = {.size = (u16)size, .kind = kind};
	u8 *at = la->buf->asked + la->asked_len;

	if (size > ASKED_SIZE - la->asked_len)
		return false;
	memcpy(at, &q, sizeof(q));
	memcpy(at + sizeof(q), path, len);
	la->asked_len += (u32)size;
	la->count++;
	return true;
}

/* The hostcall for this question and those that may follow it. False: none may. */
static bool put_together(struct look_ahead *la, const struct predictor *p, u8 kind,
			 const char *path)
{
	u32 ahead = MIN((u32)MAX(la->credit, 0), AHEAD_MAX);

	if (!p || !ahead)
		return false;
	if (!la->buf)
		la->buf = kmalloc(sizeof(*la->buf));
	if (!la->buf)
		return false;
	la->asked_len = la->count = 0;
	if (put_question(la, kind, path))
		predict_next(p, &la->walk, ahead, MIN(ahead, AHEAD_VAGUE), put_question, la);
	return la->count > 1;
}

/* Makes it, and closes a handle (-1: none) before. What is left then are the answers. */
static void fetch(struct look_ahead *la, s32 dir, s32 closes)
{
	u64 start = arch_rdtsc();
	s64 n = hc_look(dir, closes, la->buf->asked, la->asked_len, la->buf->seen, SEEN_SIZE);

	la->left = n > 0 ? (u32)n : 0;
	la->next_asked = la->next_seen = 0;
	la->until = until_from(start);
}

/* The next answer, if it is to this question. */
static bool take_answer(struct look_ahead *la, u8 kind, const char *path, void *data, u64 size,
			s64 *result)
{
	const char *asked;
	struct hostcall_look q;
	struct hostcall_seen a;

	if (!la->left)
		return false;
	memcpy(&q, la->buf->asked + la->next_asked, sizeof(q));
	memcpy(&a, la->buf->seen + la->next_seen, sizeof(a));
	asked = (const char *)la->buf->asked + la->next_asked + sizeof(q);
	if (q.kind != kind || strcmp(asked, path) != 0 || a.len > size)
		return false;
	memcpy(data, la->buf->seen + la->next_seen + sizeof(a), a.len);
	*result = a.result;
	la->next_asked += q.size;
	la->next_seen += ALIGN_UP((u32)sizeof(a) + a.len, HOSTCALL_LOOK_ALIGN);
	la->left--;
	return true;
}

/* The same for one that was asked ahead. */
static bool take_ahead(struct look_ahead *la, u8 kind, const char *path, void *data, u64 size,
		       s64 *result)
{
	if (arch_rdtsc() > la->until || !take_answer(la, kind, path, data, size, result))
		return false;
	la->credit = MIN(la->credit + CREDIT_USED, CREDIT_MAX);
	STATS_ADD(looks_ahead, 1);
	return true;
}

static void learn(struct look_ahead *la, u8 kind, const char *path)
{
	struct predictor *p = take_predictor();

	predict_ask(p, &la->walk, kind, path);
	leave_predictor(p);
}

static void drop_answers(struct look_ahead *la)
{
	if (!la->left)
		return;
	la->credit = MAX(la->credit - (s32)la->left, 0);
	STATS_ADD(looks_dropped, la->left);
	la->left = 0;
}

bool look_ahead(const struct fs_path *p, u8 kind, void *data, u64 size, s64 *result)
{
	struct thread *t = current();
	struct look_ahead *la = record_for(t, p);
	struct predictor *table;
	bool more;

	if (!la)
		return false;
	t->looked = true;
	STATS_ADD(looks, 1);
	if (take_ahead(la, kind, p->path, data, size, result)) {
		learn(la, kind, p->path);
		return true;
	}
	drop_answers(la);
	table = take_predictor();
	predict_ask(table, &la->walk, kind, p->path);
	more = put_together(la, table, kind, p->path);
	leave_predictor(table);
	if (!more)
		return false;
	fetch(la, p->dir, -1);
	if (!take_answer(la, kind, p->path, data, size, result))
		return false;
	STATS_ADD(looks_fetched, la->left);
	return true;
}

static bool is_missing(s64 result)
{
	return result == -ENOENT || result == -ENOTDIR;
}

bool look_ahead_missing(const struct fs_path *p, s64 *result)
{
	struct thread *t = current();
	struct look_ahead *la = t->look_ahead ? record_for(t, p) : NULL;

	if (!la || !take_ahead(la, HOSTCALL_LOOK_THERE, p->path, NULL, 0, result) ||
	    !is_missing(*result))
		return false;
	STATS_ADD(looks, 1);
	t->looked = true;
	learn(la, HOSTCALL_LOOK_THERE, p->path);
	return true;
}

void look_ahead_opened(const struct fs_path *p, s64 result)
{
	struct thread *t = current();
	struct look_ahead *la = is_missing(result) ? record_for(t, p) : NULL;

	if (!la)
		return;
	t->looked = true;
	STATS_ADD(looks, 1);
	drop_answers(la);
	learn(la, HOSTCALL_LOOK_THERE, p->path);
}

/* ---- close, and what comes then ---------------------------------------------------------------
 */

/* What a run starts with, if one does now. */
static bool put_start(struct look_ahead *la, const struct predict_walk *walk)
{
	struct predictor *p = take_predictor();
	u32 ahead = MIN((u32)la->credit, AHEAD_MAX);

	la->asked_len = la->count = 0;
	if (p)
		predict_next(p, walk, ahead, MIN(ahead, AHEAD_VAGUE), put_question, la);
	leave_predictor(p);
	return la->count > 0;
}

bool look_ahead_close(s32 handle)
{
	struct thread *t = current();
	struct look_ahead *la = t->look_ahead;
	struct predict_walk then;

	if (!la || !la->buf || t->syscall_nr != __NR_close || t->looked || !hears_nothing(t->proc))
		return false;
	drop_answers(la);
	then = la->walk;
	predict_end(NULL, &then);
	if (!put_start(la, &then))
		return false;
	look_ahead_break(t);
	t->looked = true;
	fetch(la, t->proc->fs->root, handle);
	STATS_ADD(looks_fetched, la->left);
	return true;
}

/* ---- fstat of what was just opened ------------------------------------------------------------
 */

void look_ahead_stat(struct ofile *f, const struct stat *st, u64 start)
{
	struct thread *t = current();
	struct look_ahead *la;

	if (!st->st_mode)
		return;
	f->mode = st->st_mode & S_IFMT;
	/* Who shares descriptors could put another file behind this one's. */
	if (!hears_nothing(t->proc) ||
	    __atomic_load_n(&t->proc->files->users, __ATOMIC_RELAXED) != 1)
		return;
	la = record_of(t);
	if (!la)
		return;
	la->opened = f;
	la->opened_call = t->calls;
	la->opened_until = until_from(start);
	la->st = *st;
}

bool look_ahead_fstat(const struct ofile *f, struct stat *st)
{
	const struct thread *t = current();
	const struct look_ahead *la = t->look_ahead;

	if (!la || !la->opened_call || la->opened_call + 1 != t->calls || la->opened != f ||
	    arch_rdtsc() > la->opened_until)
		return false;
	*st = la->st;
	STATS_ADD(stats_ahead, 1);
	return true;
}

/* ---- ends -------------------------------------------------------------------------------------
 */

void look_ahead_drop(struct thread *t)
{
	struct look_ahead *la = t->look_ahead;

	if (la) {
		drop_answers(la);
		la->opened_call = 0;
	}
}

void look_ahead_break(struct thread *t)
{
	struct look_ahead *la = t->look_ahead;
	struct predictor *p;

	drop_answers(la);
	p = la->walk.in_run ? take_predictor() : NULL;
	predict_end(p, &la->walk);
	leave_predictor(p);
}

void look_ahead_free(struct thread *t)
{
	if (t->look_ahead)
		kfree(t->look_ahead->buf);
	kfree(t->look_ahead);
	t->look_ahead = NULL;
}
