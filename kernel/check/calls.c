// SPDX-License-Identifier: MIT
/*
 * The heap library's system calls (check/abi/call.h). Their arguments are checked as those of any
 * system call, so a library that the program has overwritten harms only the program.
 */
#include <linux/auxvec.h>
#include "check/abi/call.h"
#include "kernel/check/heap.h"
#include "kernel/check/inject.h"
#include "kernel/check/internal.h"
#include "kernel/check/leak.h"
#include "kernel/check/module.h"
#include "kernel/check/threads.h"
#include "kernel/hostcall.h"
#include "kernel/mm/uaccess.h"
#include "kernel/stats.h"
#include "kernel/syscall/syscall.h"
#include "kernel/task/task.h"

static u64 auxv_value(const struct mm *mm, u64 type)
{
	for (u32 i = 0; i + 1 < mm->auxv_len; i += 2)
		if (mm->auxv[i] == type)
			return mm->auxv[i + 1];
	return 0;
}

/* What all processes spent on guards. Atomic; a number that is lost once does no harm. */
static struct chk_spent tree;

static void tree_read(struct chk_spent *to)
{
	to->begun = __atomic_load_n(&tree.begun, __ATOMIC_RELAXED);
	to->spent = __atomic_load_n(&tree.spent, __ATOMIC_RELAXED);
	for (u32 i = 0; i < CHK_COSTS; i++)
		to->least[i] = __atomic_load_n(&tree.least[i], __ATOMIC_RELAXED);
}

static s64 call_spent(const struct syscall_args *args)
{
	struct chk_spent s;

	if (get_user(&s, args->a[0]) < 0)
		return -EFAULT;
	__atomic_fetch_add(&tree.spent, s.spent, __ATOMIC_RELAXED);
	for (u32 i = 0; i < CHK_COSTS; i++) {
		u64 least = __atomic_load_n(&tree.least[i], __ATOMIC_RELAXED);

		if (s.least[i] && (!least || s.least[i] < least))
			__atomic_store_n(&tree.least[i], s.least[i], __ATOMIC_RELAXED);
	}
	tree_read(&s);
	return copy_to_user(args->a[0], &s, sizeof(s));
}

static s64 call_start(const struct syscall_args *args)
{
	struct mm *mm = current_mm();
	struct chk_start in;
	struct chk_start start = {
		.config = boot->check,
		.musl = mm->check->musl,
		.errno_location = mm->check->errno_location,
		.phdr = auxv_value(mm, AT_PHDR),
		.phnum = auxv_value(mm, AT_PHNUM),
	};
	int err;

	if (get_user(&in, args->a[0]) < 0)
		return -EFAULT;
	start.changes = in.changes;
	if (!__atomic_load_n(&tree.begun, __ATOMIC_RELAXED))
		__atomic_store_n(&tree.begun, arch_rdtsc(), __ATOMIC_RELAXED);
	tree_read(&start.tree);
	chk_inject_undo();
	mutex_lock(&mm->lock);
	err = chk_begin(mm);
	if (!err)
		mm->check->heap->changes = in.changes;
	mutex_unlock(&mm->lock);
	return err < 0 ? err : copy_to_user(args->a[0], &start, sizeof(start));
}

static s64 call_stack(const struct syscall_args *args)
{
	u64 pc[CHECK_DEPTH_MAX], count = args->a[1];
	struct chk_heap *h = current_mm()->check->heap;

	STATS_INC(chk_stacks);
	if (!h || count > CHECK_DEPTH_MAX ||
	    copy_from_user(pc, args->a[0], count * sizeof(*pc)) < 0)
		return -EINVAL;
	return depot_add(h->depot, pc, (u32)count);
}

static struct chk_caller caller(u64 fn, u64 stack)
{
	u32 function = fn & CHK_FN_MASK;

	return (struct chk_caller){
		.fn = function < CHK_FUNCTIONS ? function : CHK_FN_NONE,
		.align_code = fn / (CHK_FN_MASK + 1) % CHK_ALIGN_CODES,
		.stack = (u32)stack,
		.tid = current()->tid,
	};
}

/* Begins the report of a bug in a call on the heap, at addr. The caller fills in the object. */
static void bug_begin(struct chk_bug_report *b, enum check_kind kind, u64 addr,
		      const struct chk_caller *by)
{
	memset(b, 0, sizeof(*b));
	b->head.kind = kind;
	b->head.addr = addr;
	b->head.fn = by->fn;
	b->parts.access.count =
		depot_stack(current_mm()->check->heap->depot, by->stack, &b->parts.access.pc);
}

/*
 * Returns whether the object has to be packed, because page level uses all the RAM that it may. The
 * first time, a message tells the user.
 */
static bool over_budget(struct chk_heap *h, u64 size, u64 align)
{
	/*
	 * The slot may be twice as large as the object. A slot aligned to more than a page cannot
	 * have an alias.
	 */
	if (h->pages < h->budget || size > CHK_PACKED_MAX / 2 || align > PAGE_SIZE)
		return false;
	if (!h->sum.budget_hit) {
		h->sum.budget_hit = h->seq;
		klog(0,
		     "check: process %d (%s) has %lu MiB in objects with pages of their own: "
		     "more are packed (--heap-mem)",
		     current_process()->pid, current_process()->comm,
		     h->pages >> (20 - PAGE_SHIFT));
	}
	return true;
}

static s64 call_alloc(const struct syscall_args *args)
{
	struct chk_caller by = caller(args->a[2], args->a[3]);
	u64 size = args->a[0], align = args->a[1];
	struct mm *mm = current_mm();
	struct chk_bug_report b;
	s64 ret;

	by.guard = (u32)args->a[4];
	STATS_INC(chk_allocs);
	if (!mm->check->heap || !align || (align & (align - 1)))
		return -EINVAL;
	if ((s64)size < 0) {
		bug_begin(&b, CHECK_BAD_SIZE, 0, &by);
		b.head.size = size;
		chk_report(&b.head, &b.parts);
		return -ENOMEM;
	}
	mutex_lock(&mm->lock);
	mm->check->heap->sum.calls++;
	if (over_budget(mm->check->heap, size, align))
		ret = -EDQUOT;
	else
		ret = chk_make(mm, size, MAX(align, mm->check->heap->config.align), &by);
	mutex_unlock(&mm->lock);
	return ret;
}

/* Fills in *b for the release of addr, where no live object begins. mm.lock is held. */
static void bad_release(struct mm *mm, u64 addr, const struct chk_caller *by,
			struct chk_bug_report *b)
{
	struct chk_object obj;
	bool found = chk_range(addr) && chk_object_of(mm, addr, &obj);

	ASSERT_HELD(&mm->lock);
	bug_begin(b, CHECK_INVALID_FREE, addr, by);
	if (!found) {
		b->head.where = chk_where(mm, addr);
		return;
	}
	chk_bug_object(mm, &obj, b);
	if (obj.o.state != CHK_STATE_LIVE)
		b->head.kind = CHECK_DOUBLE_FREE;
	if (obj.o.start != addr)
		b->head.where = CHECK_WHERE_INTERIOR;
}

/*
 * Returns whether the release of the live object shows a bug, and fills in *b then. size is what
 * the caller says that the object has, or CHK_SIZE_UNKNOWN. mm.lock is held.
 */
static bool suspicious(struct mm *mm, const struct chk_object *obj, const struct chk_caller *by,
		       u64 size, struct chk_bug_report *b)
{
	u64 damage = chk_damage(mm, obj);
	bool pair = chk_releases(CHK_FN(by->fn, by->align_code),
				 CHK_FN(obj->o.alloc_fn, obj->o.align_code));

	ASSERT_HELD(&mm->lock);
	if (damage) {
		bug_begin(b, CHECK_SLACK_OVERWRITTEN, damage, by);
		b->head.size = 1;
	} else if (!pair || (size != CHK_SIZE_UNKNOWN && size != obj->o.size)) {
		bug_begin(b, CHECK_MISMATCHED_FREE, obj->o.start, by);
		b->head.align_code = by->align_code;
		if (pair) {
			b->head.size = size;
			b->head.flags = CHECK_REPORT_SIZED;
		}
	} else {
		return false;
	}
	chk_bug_object(mm, obj, b);
	return true;
}

/*
 * Finds the live object at addr for its release, and reports bugs of the release. size is what the
 * caller says that the object has, or CHK_SIZE_UNKNOWN. Returns true with
 * mm.lock held, or false without the lock if there is no live object.
 */
UNCHECKED_LOCKING static bool take(struct mm *mm, u64 addr, const struct chk_caller *by, u64 size,
				   struct chk_object *obj)
{
	struct chk_bug_report b;

	mutex_lock(&mm->lock);
	mm->check->heap->sum.calls++;
	if (!chk_object_at(mm, addr, obj) || obj->o.state != CHK_STATE_LIVE) {
		bad_release(mm, addr, by, &b);
	} else if (suspicious(mm, obj, by, size, &b)) {
		mutex_unlock(&mm->lock);
		chk_report(&b.head, &b.parts);
		/* If another thread released the object meanwhile, that is a bug, too. */
		mutex_lock(&mm->lock);
		if (chk_object_at(mm, addr, obj) && obj->o.state == CHK_STATE_LIVE)
			return true;
		bad_release(mm, addr, by, &b);
	} else {
		return true;
	}
	mutex_unlock(&mm->lock);
	chk_report(&b.head, &b.parts);
	return false;
}

UNCHECKED_LOCKING static s64 call_free(const struct syscall_args *args)
{
	const struct chk_caller by = caller(args->a[1], args->a[2]);
	struct mm *mm = current_mm();
	struct chk_object obj;
	bool packed;

	STATS_INC(chk_frees);
	if (!mm->check->heap)
		return -EINVAL;
	if (!take(mm, args->a[0], &by, args->a[4], &obj))
		return 0;
	packed = obj.slot == CHK_NO_SLOT && !obj.large;
	if (!packed)
		chk_unmake(mm, &obj, &by, args->a[3] ? CHK_STATE_REALLOCATED : CHK_STATE_FREED);
	mutex_unlock(&mm->lock);
	return packed; /* the library releases packed objects */
}

UNCHECKED_LOCKING static s64 call_realloc(const struct syscall_args *args)
{
	const struct chk_caller by = caller(CHK_FN_REALLOC, args->a[2]);
	u64 addr = args->a[0], size = args->a[1];
	struct mm *mm = current_mm();
	struct chk_bug_report b;
	struct chk_object obj;
	s64 ret;

	STATS_INC(chk_reallocs);
	if (!mm->check->heap)
		return -EINVAL;
	if ((s64)size < 0) {
		bug_begin(&b, CHECK_BAD_SIZE, addr, &by);
		b.head.size = size;
		chk_report(&b.head, &b.parts);
		return -ENOMEM;
	}
	if (!take(mm, addr, &by, CHK_SIZE_UNKNOWN, &obj))
		return -ENOMEM;
	if (obj.slot == CHK_NO_SLOT && !obj.large)
		ret = -EINVAL; /* packed: the library does that itself */
	else if (over_budget(mm->check->heap, size, 1))
		ret = -EDQUOT;
	else
		ret = chk_make(mm, size, mm->check->heap->config.align, &by);
	if (ret > 0) {
		chk_copy(mm, (u64)ret, addr, MIN(size, obj.o.size));
		chk_unmake(mm, &obj, &by, CHK_STATE_REALLOCATED);
	}
	mutex_unlock(&mm->lock);
	return ret;
}

static s64 call_size(const struct syscall_args *args)
{
	struct mm *mm = current_mm();
	struct chk_object obj;
	s64 ret = -EINVAL;

	STATS_INC(chk_sizes);
	mutex_lock(&mm->lock);
	if (mm->check->heap && chk_object_at(mm, args->a[0], &obj))
		ret = obj.o.state == CHK_STATE_LIVE ? (s64)obj.o.size : -ESTALE;
	mutex_unlock(&mm->lock);
	return ret;
}

static s64 call_base_grow(const struct syscall_args *args)
{
	struct mm *mm = current_mm();
	s64 ret;

	if (!mm->check->heap || args->a[0] > CHK_SPANS)
		return -EINVAL;
	mutex_lock(&mm->lock);
	mm->check->heap->sum.calls++;
	ret = base_grow(mm, args->a[0]);
	mutex_unlock(&mm->lock);
	return ret;
}

static s64 call_base_shrink(const struct syscall_args *args)
{
	struct mm *mm = current_mm();
	s64 ret = -EINVAL;

	mutex_lock(&mm->lock);
	if (mm->check->heap)
		ret = base_shrink(mm, args->a[0]);
	mutex_unlock(&mm->lock);
	return ret;
}

static s64 call_alias(const struct syscall_args *args)
{
	u64 slot[CHK_ALIAS_BATCH], count = args->a[1];
	struct mm *mm = current_mm();
	s64 ret;

	STATS_INC(chk_alias_calls);
	if (!mm->check->heap || !count || count > CHK_ALIAS_BATCH ||
	    copy_from_user(slot, args->a[0], count * sizeof(*slot)) < 0)
		return -EINVAL;
	mutex_lock(&mm->lock);
	mm->check->heap->sum.calls++;
	STATS_ADD(chk_aliases, count);
	ret = base_alias(mm, slot, (u32)count, args->a[2]);
	mutex_unlock(&mm->lock);
	return ret;
}

static s64 call_unalias(const struct syscall_args *args)
{
	struct mm *mm = current_mm();
	u64 from = args->a[0], count = args->a[1], n;
	struct chk_gone gone = CHK_GONE_INIT;
	struct chk_dead dead[64];
	s64 ret = 0;

	STATS_INC(chk_unalias_calls);
	if (!mm->check->heap || count > CHK_DEAD_BATCH)
		return -EINVAL;
	STATS_ADD(chk_unaliases, count);
	for (; !ret && count; count -= n, from += n * sizeof(*dead)) {
		n = MIN(count, ARRAY_SIZE(dead));
		ret = copy_from_user(dead, from, n * sizeof(*dead)) < 0 ? -EINVAL : 0;
		mutex_lock(&mm->lock);
		if (!ret)
			base_unalias(mm, dead, (u32)n, &gone);
		if (ret || n == count) {
			mm->check->heap->sum.calls++;
			base_gone(mm, &gone);
		}
		mutex_unlock(&mm->lock);
	}
	return ret;
}

static s64 call_bug(const struct syscall_args *args)
{
	struct mm *mm = current_mm();
	struct chk_bug_report b;
	struct chk_object obj;
	struct chk_caller by;
	struct chk_bug bug;

	if (!mm->check->heap || get_user(&bug, args->a[0]) < 0 || bug.kind >= CHECK_KINDS)
		return -EINVAL;
	by = caller(bug.fn, bug.stack);
	mutex_lock(&mm->lock);
	bug_begin(&b, (enum check_kind)bug.kind, bug.addr, &by);
	b.head.size = bug.size;
	if (chk_range(bug.addr) && chk_object_of(mm, bug.addr, &obj))
		chk_bug_object(mm, &obj, &b);
	mutex_unlock(&mm->lock);
	chk_report(&b.head, &b.parts);
	return 0;
}

static s64 call_info(const struct syscall_args *args)
{
	struct mm *mm = current_mm();
	const struct chk_heap *h = mm->check->heap;
	struct chk_info info = {0};

	if (!h)
		return -EINVAL;
	mutex_lock(&mm->lock);
	large_sum(h, &info);
	info.objects = h->sum.live - info.large;
	info.bytes = h->sum.live_bytes - info.large_bytes;
	info.pages = h->pages;
	info.span_bytes = (h->spans - h->spans_back) << CHK_SPAN_SHIFT;
	mutex_unlock(&mm->lock);
	return copy_to_user(args->a[0], &info, sizeof(info));
}

static s64 call_own_malloc(const struct syscall_args *args)
{
	const struct process *p = current_process();
	struct mm *mm = current_mm();

	(void)args;
	if (!mm->check->heap)
		return -EINVAL;
	mutex_lock(&mm->lock);
	mm->check->heap->sum.flags |= CHECK_SUMMARY_OWN_MALLOC;
	mutex_unlock(&mm->lock);
	klog(1, "check: process %d (%s) defines malloc itself: what it gives out is not checked",
	     p->pid, p->comm);
	return 0;
}

static s64 (*const calls[CHK_CALLS])(const struct syscall_args *args) = {
	[CHK_CALL_START] = call_start,
	[CHK_CALL_UNWIND] = chk_call_unwind,
	[CHK_CALL_MODULE] = chk_call_module,
	[CHK_CALL_STACK] = call_stack,
	[CHK_CALL_ALLOC] = call_alloc,
	[CHK_CALL_FREE] = call_free,
	[CHK_CALL_REALLOC] = call_realloc,
	[CHK_CALL_SIZE] = call_size,
	[CHK_CALL_BUG] = call_bug,
	[CHK_CALL_BASE_GROW] = call_base_grow,
	[CHK_CALL_ALIAS] = call_alias,
	[CHK_CALL_UNALIAS] = call_unalias,
	[CHK_CALL_BASE_SHRINK] = call_base_shrink,
	[CHK_CALL_OWN_MALLOC] = call_own_malloc,
	[CHK_CALL_INFO] = call_info,
	[CHK_CALL_SPENT] = call_spent,
	[CHK_CALL_CREATES] = chk_call_creates,
};

s64 chk_syscall_number(u64 nr)
{
	return nr - CHK_CALL_BASE < CHK_CALLS ? (s64)(nr - CHK_CALL_BASE) : -1;
}

s64 chk_syscall(u64 number, const struct syscall_args *args)
{
	return number < CHK_CALLS ? calls[number](args) : -ENOSYS;
}

/* -- The end of a process ---------------------------------------------------------------------- */

static void send_summary(struct mm *mm)
{
	struct chk_changes c = {0};
	struct check_summary sum;

	/* Processes other than the first have a summary only with -v or --stats. */
	if (current_process() != init_process && !(boot->flags & (BOOT_VERBOSE | BOOT_STATS)))
		return;
	if (mm->check->heap->changes)
		get_user(&c, mm->check->heap->changes);
	mutex_lock(&mm->lock);
	sum = mm->check->heap->sum;
	sum.sites = depot_count(mm->check->heap->depot);
	sum.sites_stepped_down = c.stepped_down;
	for (u32 i = 0; i < CHK_ARENAS; i++) {
		sum.objects[CHK_LEVEL_NONE] += c.made[i].none;
		sum.objects[CHK_LEVEL_ALIAS] += c.made[i].alias;
		sum.bytes += c.made[i].none_bytes + c.made[i].alias_bytes;
	}
	mutex_unlock(&mm->lock);
	sum.pid = current_process()->pid;
	memcpy(sum.comm, current_process()->comm, sizeof(sum.comm));
	hc_check_summary(&sum, sizeof(sum));
}

/*
 * Signals by which a program is told to end, or ends itself: its memory is in order, and what it
 * has lost is of interest. Not those of faults, nor SIGKILL, which has to end a process at once.
 */
#define SIGNALS_OF_ENDS                                                                            \
	(SIGBIT(SIGHUP) | SIGBIT(SIGINT) | SIGBIT(SIGQUIT) | SIGBIT(SIGABRT) | SIGBIT(SIGTERM) |   \
	 SIGBIT(SIGPIPE) | SIGBIT(SIGALRM) | SIGBIT(SIGUSR1) | SIGBIT(SIGUSR2) |                   \
	 SIGBIT(SIGVTALRM) | SIGBIT(SIGPROF) | SIGBIT(SIGXCPU))

static void process_ends(int wait_status)
{
	const struct chk_caller nobody = {.tid = current()->tid};
	struct mm *mm = current_mm();
	struct chk_bug_report b;
	struct chk_object obj;
	int signal = wait_status & 0x7f;
	u64 at = 0, damage;

	/*
	 * Nothing is checked if the process dies of a fault or is killed, or if another process
	 * shares the address space and goes on to use it.
	 */
	if (!mm || !mm->check->heap || (signal && !(SIGNALS_OF_ENDS & SIGBIT(signal))) ||
	    __atomic_load_n(&mm->users, __ATOMIC_RELAXED) != 1)
		return;
	mutex_lock(&mm->lock);
	if (mm->check->heap->exiting) {
		mutex_unlock(&mm->lock);
		return;
	}
	mm->check->heap->exiting = true;
	mm->check->heap->by_signal = signal != 0;
	while (chk_object_next(mm, at, true, &obj)) {
		damage = chk_damage(mm, &obj);
		at = obj.o.start + MAX(obj.o.size, 1);
		if (!damage || (mm->check->heap->torn && obj.slot == CHK_NO_SLOT && !obj.large))
			continue;
		bug_begin(&b, CHECK_SLACK_OVERWRITTEN, damage, &nobody);
		b.head.size = 1;
		chk_bug_object(mm, &obj, &b);
		mutex_unlock(&mm->lock);
		chk_report(&b.head, &b.parts);
		mutex_lock(&mm->lock);
	}
	at = CHK_BASE_AREA;
	while (!mm->check->heap->torn && base_next_overwritten(mm, &at, &obj, &damage)) {
		bug_begin(&b, CHECK_FREED_OVERWRITTEN, damage, &nobody);
		b.head.size = 1;
		chk_bug_object(mm, &obj, &b);
		mutex_unlock(&mm->lock);
		chk_report(&b.head, &b.parts);
		mutex_lock(&mm->lock);
	}
	mutex_unlock(&mm->lock);
	if (boot->check.flags & CHECK_LEAKS)
		leak_check();
	send_summary(mm);
}

void chk_thread_ends(int wait_status)
{
	const struct process *p = current_process();

	if (p->nthreads == 1)
		process_ends(wait_status);
	else if (p->exec_by)
		leak_thread_ends();
	if (p->nthreads > 1)
		threads_ended();
}
