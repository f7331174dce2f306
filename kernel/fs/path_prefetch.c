// SPDX-License-Identifier: MIT
/*
 * Path prefetch. Programs look paths up in runs: glibc's realpath reads "/usr" as a link, then
 * "/usr/lib", then "/usr/lib/gcc"; a compiler does so for each directory where a header may be, and
 * tries to open it there. A hostcall costs twenty times what the host needs for such a lookup. So
 * when a lookup has to go to the host, the lookups that probably follow (predict.h) go with it, and
 * the kernel keeps their answers for the thread's next system calls.
 *
 * This is not a cache: a program sees what the host would have answered a moment earlier, and
 * cannot know that the moment has passed. An answer is used only
 *
 *   - by the very next system call of the thread, or by a later one if only such answers lie
 *     between. Any other system call drops the answers: it may have changed a link, or learned that
 *     another process did;
 *   - if no signal came. signal_deliver calls path_prefetch_drop, also when the thread was stopped
 *     or kicked for another reason;
 *   - by the only thread of a process that does not share its memory (a vfork child and its parent
 *     do), and that never had a shared mapping through which it could learn of a change without a
 *     system call (mm.has_shared_mapping). A mapping of a file that is open only for reading, is no
 *     memory file, and has not changed for seconds does not count: glibc's iconv has one in every
 *     program with a locale;
 *   - within AHEAD_US of the hostcall, or within AHEAD_CALLS times the cost of a hostcall on this
 *     host, whichever is longer. The limit exists because a program can read the clock without a
 *     system call: two programs that act at agreed moments, less than that apart, could tell.
 *
 * Fork and exec are system calls, and answers belong to one thread. Only system calls of the
 * process itself change what else a lookup depends on (identity, root directory).
 *
 * Only absolute paths are prefetched, and only those that go to the host unchanged: no component
 * may be a name that leads to our /proc (path_is_plain). A failing open is prefetched by stat(2),
 * which follows the same links and gives the same ENOENT or ENOTDIR. After any other answer the
 * kernel makes the open.
 *
 * Programs outside of the sandbox can tell: a link that was prefetched but not read by the program
 * may get a new access time (with relatime, once a day), and a network file system sees the
 * requests.
 *
 * By the same rules the answer of a lookup is used again if the next lookup is the same one: Python
 * asks for the attributes of a directory three times in a row.
 *
 * By the same rules, an open also brings the attributes of the opened file, for an fstat(2) that is
 * among the thread's next system calls, and these begin at a known position. A read that is shorter
 * than was asked for, and ends where the file did at its open, has seen the end: the read after it,
 * by which programs find the end, gets 0.
 *
 * If a run is predicted to start right after a close(2), its first lookups go with the hostcall
 * that closes the handle, and the host makes them after the close.
 *
 * The sandbox has one predictor: the second compiler profits from the first one. A process whose
 * answers are dropped rather than used stops to prefetch, by its threads' credit.
 */
#include <asm/unistd.h>
#include <linux/fs.h>
#include "common/boot_info.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/path_prefetch.h"
#include "kernel/fs/predict.h"
#include "kernel/hostcall.h"
#include "kernel/mm/mm.h"
#include "kernel/stats.h"

#define AHEAD_US     500
#define AHEAD_CALLS  16 /* hostcalls' time: on a slow host, answers must last for a batch, too */
#define AHEAD_MAX    24 /* lookups in a batch: the directories in which a compiler searches */
#define AHEAD_VAGUE  4	/* the same, if the longest context is not known */
#define LOOKUPS_SIZE 3072
#define ANSWERS_SIZE 4096
#define REPEAT_PATH  256 /* longer paths are asked for again */

/*
 * Credit: how many answers may still be dropped. A used answer adds several, because it saves as
 * much as several cost. With a credit of 0 no answers are fetched.
 */
#define CREDIT_START 64
#define CREDIT_USED  8
#define CREDIT_MAX   256

/* The record of a thread, made at its first lookup. */
struct path_prefetch {
	struct predict_walk walk;
	s32 credit;
	u32 left;		      /* number of unused answers */
	u32 next_lookup, next_answer; /* offsets of the next unused one in the buffers */
	u64 until;		      /* TSC at which the answers expire */
	u32 count, lookups_len;	      /* number and bytes of the lookups in the buffer */
	struct buffers {
		u8 lookups[LOOKUPS_SIZE];
		u8 answers[ANSWERS_SIZE];
	} * buf; /* NULL: nothing was prefetched yet */

	/* The last lookup and its answer. */
	struct repeat {
		u64 until; /* TSC at which it expires; 0: none */
		s64 result;
		u32 len; /* of data */
		u8 kind;
		char path[REPEAT_PATH];
		u8 data[sizeof(struct stat)];
	} repeat;
	u64 asked; /* TSC at which the hostcall of the running system call's lookup begins */

	/* What is known of a file that was just opened. */
	u64 opened_call; /* number of the last of the system calls that keep it; 0: nothing known */
	u64 opened_until; /* TSC at which it expires */
	const struct ofile *opened;
	struct stat st;
	s64 position;
	bool st_valid, at_end;
};

static struct predictor predictor;

/*
 * Try-lock: a thread that finds it taken skips the prediction, because sleeping would cost a
 * hostcall.
 */
static bool predictor_taken;

static struct predictor *take_predictor(void)
{
	return __atomic_exchange_n(&predictor_taken, true, __ATOMIC_ACQUIRE) ? NULL : &predictor;
}

static void leave_predictor(struct predictor *p)
{
	if (p)
		__atomic_store_n(&predictor_taken, false, __ATOMIC_RELEASE);
}

/* ---- which threads prefetch, and which lookups ------------------------------------------- */

static bool hears_nothing(const struct process *p)
{
	return p->nthreads == 1 && __atomic_load_n(&p->mm->users, __ATOMIC_RELAXED) == 1 &&
	       !p->mm->has_shared_mapping;
}

static struct path_prefetch *record_of(struct thread *t)
{
	if (!t->prefetch) {
		t->prefetch = kzalloc(sizeof(*t->prefetch));
		if (t->prefetch)
			t->prefetch->credit = CREDIT_START;
	}
	return t->prefetch;
}

static u64 until_from(u64 start)
{
	return start + MAX((u64)AHEAD_US * (boot->tsc_khz / 1000), hostcall_cost() * AHEAD_CALLS);
}

/* Returns t's record if p can be prefetched; NULL: the call counts as any other system call. */
static struct path_prefetch *record_for(struct thread *t, const struct fs_path *p)
{
	if (p->kind != PATH_HOST || *p->path != '/' || !path_is_plain(p->path) ||
	    !hears_nothing(t->proc))
		return NULL;
	return record_of(t);
}

/* ---- lookups ----------------------------------------------------------------------------- */

/* Adds a lookup to the batch. Returns false if there is no space. */
static bool put_lookup(void *arg, u8 kind, const char *path)
{
	struct path_prefetch *pf = arg;
	u64 len = strlen(path) + 1;
	u64 size = ALIGN_UP(sizeof(struct hostcall_lookup) + len, HOSTCALL_LOOKUP_ALIGN);
	struct hostcall_lookup q = {.size = (u16)size, .kind = kind};
	u8 *at = pf->buf->lookups + pf->lookups_len;

	if (size > LOOKUPS_SIZE - pf->lookups_len)
		return false;
	memcpy(at, &q, sizeof(q));
	memcpy(at + sizeof(q), path, len);
	pf->lookups_len += (u32)size;
	pf->count++;
	return true;
}

/* Fills the batch with this lookup and those predicted to follow. Returns false if none are. */
static bool put_together(struct path_prefetch *pf, const struct predictor *p, u8 kind,
			 const char *path)
{
	u32 ahead = MIN((u32)MAX(pf->credit, 0), AHEAD_MAX);

	if (!p || !ahead)
		return false;
	if (!pf->buf)
		pf->buf = kmalloc(sizeof(*pf->buf));
	if (!pf->buf)
		return false;
	pf->lookups_len = pf->count = 0;
	if (put_lookup(pf, kind, path))
		predict_next(p, &pf->walk, ahead, MIN(ahead, AHEAD_VAGUE), put_lookup, pf);
	return pf->count > 1;
}

/* Sends the batch to the host, which first closes the handle closes (-1: none). */
static void fetch(struct path_prefetch *pf, s32 dir, s32 closes)
{
	u64 start = arch_rdtsc();
	s64 n = hc_lookup(dir, closes, pf->buf->lookups, pf->lookups_len, pf->buf->answers,
			  ANSWERS_SIZE);

	pf->left = n > 0 ? (u32)n : 0;
	pf->next_lookup = pf->next_answer = 0;
	pf->until = until_from(start);
}

static bool is_missing(s64 result)
{
	return result == -ENOENT || result == -ENOTDIR;
}

/* Keeps an answer for the case that the next system call is the same lookup. */
static void keep_repeat(struct path_prefetch *pf, u8 kind, const char *path, const void *data,
			u64 len, s64 result, u64 until)
{
	struct repeat *r = &pf->repeat;

	r->until = 0;
	if (len > sizeof(r->data) || strlen(path) >= sizeof(r->path) ||
	    (result < 0 && !is_missing(result)))
		return;
	strlcpy(r->path, path, sizeof(r->path));
	memcpy(r->data, data, len);
	r->len = (u32)len;
	r->kind = kind;
	r->result = result;
	r->until = until;
}

static bool take_repeat(const struct path_prefetch *pf, u8 kind, const char *path, void *data,
			u64 size, s64 *result)
{
	const struct repeat *r = &pf->repeat;

	if (!r->until || r->kind != kind || strcmp(r->path, path) != 0 || r->len > size ||
	    arch_rdtsc() > r->until)
		return false;
	memcpy(data, r->data, r->len);
	*result = r->result;
	STATS_ADD(lookups_repeated, 1);
	return true;
}

/* Takes the next unused answer. Returns false if it is not that of this lookup. */
static bool take_answer(struct path_prefetch *pf, u8 kind, const char *path, void *data, u64 size,
			s64 *result)
{
	const char *made;
	struct hostcall_lookup q;
	struct hostcall_lookup_answer a;

	if (!pf->left)
		return false;
	memcpy(&q, pf->buf->lookups + pf->next_lookup, sizeof(q));
	memcpy(&a, pf->buf->answers + pf->next_answer, sizeof(a));
	made = (const char *)pf->buf->lookups + pf->next_lookup + sizeof(q);
	if (q.kind != kind || strcmp(made, path) != 0 || a.len > size)
		return false;
	memcpy(data, pf->buf->answers + pf->next_answer + sizeof(a), a.len);
	*result = a.result;
	keep_repeat(pf, kind, path, data, a.len, a.result, pf->until);
	pf->next_lookup += q.size;
	pf->next_answer += ALIGN_UP((u32)sizeof(a) + a.len, HOSTCALL_LOOKUP_ALIGN);
	pf->left--;
	return true;
}

/* take_answer, for an answer that was prefetched and may have expired. */
static bool take_ahead(struct path_prefetch *pf, u8 kind, const char *path, void *data, u64 size,
		       s64 *result)
{
	if (arch_rdtsc() > pf->until || !take_answer(pf, kind, path, data, size, result))
		return false;
	pf->credit = MIN(pf->credit + CREDIT_USED, CREDIT_MAX);
	STATS_ADD(lookups_ahead, 1);
	return true;
}

static void learn(struct path_prefetch *pf, u8 kind, const char *path)
{
	struct predictor *p = take_predictor();

	predict_ask(p, &pf->walk, kind, path);
	leave_predictor(p);
}

static void drop_answers(struct path_prefetch *pf)
{
	if (!pf->left)
		return;
	pf->credit = MAX(pf->credit - (s32)pf->left, 0);
	STATS_ADD(lookups_dropped, pf->left);
	pf->left = 0;
}

bool path_prefetch(const struct fs_path *p, u8 kind, void *data, u64 size, s64 *result)
{
	struct thread *t = current();
	struct path_prefetch *pf = record_for(t, p);
	struct predictor *table;
	bool more;

	if (!pf)
		return false;
	t->is_lookup = true;
	STATS_ADD(lookups, 1);
	if (take_ahead(pf, kind, p->path, data, size, result) ||
	    take_repeat(pf, kind, p->path, data, size, result)) {
		learn(pf, kind, p->path);
		return true;
	}
	drop_answers(pf);
	pf->repeat.until = 0;
	pf->asked = arch_rdtsc();
	table = take_predictor();
	predict_ask(table, &pf->walk, kind, p->path);
	more = put_together(pf, table, kind, p->path);
	leave_predictor(table);
	if (!more)
		return false;
	fetch(pf, p->dir, -1);
	if (!take_answer(pf, kind, p->path, data, size, result))
		return false;
	STATS_ADD(lookups_fetched, pf->left);
	return true;
}

void path_prefetch_answered(const struct fs_path *p, u8 kind, const void *data, u64 size,
			    s64 result)
{
	struct thread *t = current();
	struct path_prefetch *pf = t->is_lookup ? t->prefetch : NULL;

	if (pf)
		keep_repeat(pf, kind, p->path, data, result < 0 ? 0 : size, result,
			    until_from(pf->asked));
}

bool path_prefetch_missing(const struct fs_path *p, s64 *result)
{
	struct thread *t = current();
	struct path_prefetch *pf = t->prefetch ? record_for(t, p) : NULL;

	if (!pf || !take_ahead(pf, HOSTCALL_LOOKUP_EXISTS, p->path, NULL, 0, result) ||
	    !is_missing(*result))
		return false;
	STATS_ADD(lookups, 1);
	t->is_lookup = true;
	learn(pf, HOSTCALL_LOOKUP_EXISTS, p->path);
	return true;
}

void path_prefetch_opened(const struct fs_path *p, s64 result)
{
	struct thread *t = current();
	struct path_prefetch *pf = is_missing(result) ? record_for(t, p) : NULL;

	if (!pf)
		return;
	t->is_lookup = true;
	STATS_ADD(lookups, 1);
	drop_answers(pf);
	learn(pf, HOSTCALL_LOOKUP_EXISTS, p->path);
}

/* ---- close with the lookups after it ----------------------------------------------------- */

/* Fills the batch with the lookups of a run that starts now. Returns false if none is predicted. */
static bool put_start(struct path_prefetch *pf, const struct predict_walk *walk)
{
	struct predictor *p = take_predictor();
	u32 ahead = MIN((u32)pf->credit, AHEAD_MAX);

	pf->lookups_len = pf->count = 0;
	if (p)
		predict_next(p, walk, ahead, MIN(ahead, AHEAD_VAGUE), put_lookup, pf);
	leave_predictor(p);
	return pf->count > 0;
}

bool path_prefetch_close(s32 handle)
{
	struct thread *t = current();
	struct path_prefetch *pf = t->prefetch;
	struct predict_walk then;

	if (!pf || !pf->buf || t->syscall_nr != __NR_close || t->is_lookup ||
	    !hears_nothing(t->proc))
		return false;
	drop_answers(pf);
	then = pf->walk;
	predict_end(NULL, &then);
	if (!put_start(pf, &then))
		return false;
	path_prefetch_break(t);
	t->is_lookup = true;
	fetch(pf, t->proc->fs->root, handle);
	STATS_ADD(lookups_fetched, pf->left);
	return true;
}

/* ---- fstat of what was just opened ------------------------------------------------------- */

u64 path_prefetch_open(void)
{
	const struct process *p = current()->proc;

	/* A process that shares the descriptors could change what the new one names. */
	if (!hears_nothing(p) || __atomic_load_n(&p->files->users, __ATOMIC_RELAXED) != 1)
		return 0;
	return arch_rdtsc();
}

void path_prefetch_stat(struct ofile *f, const struct stat *st, u64 start)
{
	struct thread *t = current();
	struct path_prefetch *pf;

	if (!st->st_mode)
		return;
	f->mode = st->st_mode & S_IFMT;
	/*
	 * A process that is alone when it asks stays alone until the answer. That it is alone by
	 * now is not enough: another thread may have changed the file behind the host's answer,
	 * told of it, and ended.
	 */
	if (!start)
		return;
	pf = record_of(t);
	if (!pf)
		return;
	pf->opened = f;
	pf->opened_call = t->calls;
	pf->opened_until = until_from(start);
	pf->st = *st;
	pf->st_valid = true;
	pf->position = 0;
	pf->at_end = false;
}

/*
 * Returns the running thread's record if it knows something of f now, and lets the next system call
 * find it, too. NULL: the running system call gets no answer, and ends what is known.
 */
static struct path_prefetch *opened_still(const struct ofile *f)
{
	const struct thread *t = current();
	struct path_prefetch *pf = t->prefetch;

	if (!pf || !pf->opened_call || pf->opened != f || arch_rdtsc() > pf->opened_until ||
	    (pf->opened_call != t->calls && pf->opened_call + 1 != t->calls))
		return NULL;
	pf->opened_call = t->calls;
	return pf;
}

void path_prefetch_still(const struct ofile *f)
{
	opened_still(f);
}

bool path_prefetch_fstat(const struct ofile *f, struct stat *st)
{
	struct path_prefetch *pf = opened_still(f);

	if (!pf || !pf->st_valid)
		return false;
	*st = pf->st;
	STATS_ADD(fstats_ahead, 1);
	return true;
}

bool path_prefetch_seek(const struct ofile *f, s64 offset, u32 whence, s64 *result)
{
	struct path_prefetch *pf = f->mode == S_IFREG ? opened_still(f) : NULL;

	if (!pf)
		return false;
	if (!((whence == SEEK_CUR && !offset) || (whence == SEEK_SET && offset == pf->position))) {
		pf->opened_call = 0; /* the host knows the position from now on */
		return false;
	}
	*result = pf->position;
	STATS_ADD(files_ahead, 1);
	return true;
}

bool path_prefetch_read(const struct ofile *f)
{
	struct path_prefetch *pf = f->mode == S_IFREG ? opened_still(f) : NULL;

	if (!pf || !pf->at_end)
		return false;
	STATS_ADD(files_ahead, 1);
	return true;
}

u64 path_prefetch_reads(const struct ofile *f)
{
	return f->mode == S_IFREG && opened_still(f) ? arch_rdtsc() : 0;
}

void path_prefetch_has_read(u64 start, u64 wanted, s64 result)
{
	struct path_prefetch *pf = current()->prefetch;

	if (!start || !pf || !pf->opened_call)
		return;
	if (result < 0) {
		pf->opened_call = 0;
		return;
	}
	pf->st_valid = false; /* what was read may be newer */
	pf->position += result;
	pf->at_end = result > 0 && (u64)result < wanted && pf->position == pf->st.st_size;
	pf->opened_until = until_from(start);
}

/* ---- ends -------------------------------------------------------------------------------- */

void path_prefetch_drop(struct thread *t)
{
	struct path_prefetch *pf = t->prefetch;

	if (pf) {
		drop_answers(pf);
		pf->opened_call = pf->repeat.until = 0;
	}
}

void path_prefetch_break(struct thread *t)
{
	struct path_prefetch *pf = t->prefetch;
	struct predictor *p;

	drop_answers(pf);
	pf->repeat.until = 0;
	p = pf->walk.in_run ? take_predictor() : NULL;
	predict_end(p, &pf->walk);
	leave_predictor(p);
}

void path_prefetch_free(struct thread *t)
{
	if (t->prefetch)
		kfree(t->prefetch->buf);
	kfree(t->prefetch);
	t->prefetch = NULL;
}
