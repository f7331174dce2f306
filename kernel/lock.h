/* SPDX-License-Identifier: MIT */
/*
 * Sleeping mutex, and the one order of all the kernel's locks (docs/locking.md).
 *
 * The word of a mutex is a futex: 0 free, 1 held, 2 held and a vCPU waits. A vCPU that has to wait
 * sleeps in the host (hostcall wait), so a vCPU whose host thread was preempted costs its waiters
 * nothing.
 *
 * In a debug build (BUFFERVM_DEBUG) the kernel panics when a lock is taken against the order, taken
 * twice, released by a vCPU that does not hold it, or kept on the way back to the program; and when
 * an ASSERT_HELD does not hold. clang checks a part of the same at compile time: `scripts/lint
 * build thread-safety`.
 */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include "common/types.h"

/*
 * The order: a thread that holds a lock may take those below its line, never one above. Two locks
 * of one line are taken by ascending address. The last column says why the line stands where it
 * does, or what is taken inside.
 *
 * A hostcall under a lock must not wait for another thread of the sandbox: that thread may need the
 * lock. It may wait for a disk. That happens under mm.lock (a page fault reads a regular file:
 * read_pages in mm/fault.c, fill in mm/text_cache.c): the read ends by itself, and to release the
 * lock would mean to look up the VMA and the page-table entry a second time after each read. The
 * price: whoever asks /proc about that process waits for the disk, too, with task_lock held.
 */
/* clang-format off */
/*        class        lock                            and the reason */
#define LOCK_ORDER(X) \
	X(CHECK_CALLERS, "known.lock, check/preload/callers.c")   /* a stack is walked with it: mm.lock */ \
	X(CHECK_LIBRARY, "library.lock, check/preload/inject.c")  /* makes an open file */ \
	X(TASK,        "task_lock")           /* the tree of processes; /proc looks into all of them */ \
	X(SIGHAND,     "sighand.lock")        /* handlers of a process that task_lock keeps */ \
	X(FILES,       "files.lock")          /* descriptors, the same */ \
	X(FS,          "fs_info.lock")        /* directories and umask, the same */ \
	X(FUTEX,       "bucket.lock, task/futex.c")  /* compares a word of the program: mm.lock */ \
	X(SEM,         "sets.lock, ipc/sem.c") /* semaphores and their undo lists */ \
	X(MSG,         "queues.lock, ipc/msg.c") \
	X(MQ,          "mq_lock, ipc/mqueue.c") \
	X(COOKIE,      "cookie_lock, ipc/mq_notify.c") \
	X(MM,          "mm.lock")             /* VMAs and page tables; the end of a mapping may be */ \
					      /* that of its file, hence the next lines are inside */ \
	X(SHM,         "segments.lock, ipc/shm.c")   /* a mapping comes or goes */ \
	X(ASYNC,       "async_lock, fs/fasync.c") \
	X(AIO,         "context.lock, fs/aio.c")     /* looks into files for what they are polled by */ \
	X(EPOLL,       "epoll_lock, fs/epoll.c") \
	X(RECORDS,     "locks_lock, ipc/locks.c") \
	X(TRAVEL,      "travel_lock, fs/scm_inflight.c") \
	X(SIGNALFD,    "signalfd_lock, fs/signalfd.c") /* a signal comes: task_lock is outside */ \
	X(PIDFD,       "pidfd_lock, task/pidfd.c")     /* a process ends: task_lock is outside */ \
	X(PIPES,       "pipes_lock, fs/pipe.c") /* a file ends; epoll and O_ASYNC ask for its handle */ \
	X(PIPE,        "pipe.lock, fs/pipe.c") /* gets and drops frames; tells epolls */ \
	X(EVENTFD,     "eventfd.lock, fs/eventfd.c") /* tells epolls */ \
	X(READY,       "ready_list.lock, fs/epoll.c") /* takes nothing */ \
	X(CHECK_DEPOT, "depot.lock, check/preload/depot.c") \
	X(CHECK_SAID,  "lock, check/preload/static.c") \
	X(MAPPING,     "mapping_lock, fs/mapping.c")   /* makes a window */ \
	X(WINDOW,      "window_lock, mm/window.c")     /* extends the physmap */ \
	X(TEXT,        "text_lock, mm/text_cache.c")         /* gets and drops frames */ \
	X(STUBS,       "stub_lock, arch/x86_64/stubs.c")     /* maps pages */ \
	X(KMALLOC,     "kmalloc_lock")        /* gets a frame */ \
	X(GROW,        "grow_lock, mm/frame.c")        /* new RAM becomes part of the physmap */ \
	X(PHYSMAP,     "physmap_lock")        /* gets a frame of the reserve */ \
	X(FRAME,       "frame_lock") \
	X(SPARE,       "spare_lock, mm/spare.c")       /* takes nothing */ \
	X(CLOCK,       "clock_lock")          /* takes nothing */ \
	X(BELLS,       "bells_lock, fs/waitq.c")       /* takes nothing */ \
	X(SCHED,       "sched_lock")          /* whoever holds any lock may wake a thread */
/* clang-format on */

enum lock_class {
	LOCK_NONE, /* forgotten: such a mutex cannot be taken in a debug build */
#define X(class, name) LOCK_##class,
	LOCK_ORDER(X)
#undef X
		LOCK_CLASSES
};

/* clang's names for what -Wthread-safety knows. */
#if defined(__clang__)
#define LOCK_ATTRIBUTE(...) __attribute__((__VA_ARGS__))
#else
#define LOCK_ATTRIBUTE(...)
#endif
#define GUARDED_BY(m)		 LOCK_ATTRIBUTE(guarded_by(m))	  /* of a variable */
#define PT_GUARDED_BY(m)	 LOCK_ATTRIBUTE(pt_guarded_by(m)) /* of what it points to */
#define ACQUIRES(...)		 LOCK_ATTRIBUTE(acquire_capability(__VA_ARGS__)) /* returns with it */
#define RELEASES(...)		 LOCK_ATTRIBUTE(release_capability(__VA_ARGS__)) /* returns without it */
#define REQUIRES(...)		 LOCK_ATTRIBUTE(requires_capability(__VA_ARGS__)) /* is called with it */
#define ACQUIRES_IF(result, ...) LOCK_ATTRIBUTE(try_acquire_capability(result, __VA_ARGS__))
/* Takes or releases in a way that clang cannot follow; the function's comment says what it does. */
#define UNCHECKED_LOCKING	 LOCK_ATTRIBUTE(no_thread_safety_analysis)

struct LOCK_ATTRIBUTE(capability("mutex")) mutex {
	u32 word;
	u32 class;	   /* enum lock_class */
	const void *owner; /* the vCPU (arch_vcpu_data) that took it last; it holds it if word is
			      not 0 */
};
#define MUTEX_INIT(lock_class)                                                                     \
	{                                                                                          \
		.class = (lock_class)                                                              \
	}

/* A mutex of an object that is not a static one, before anybody else knows the object. */
static inline void mutex_init(struct mutex *m, enum lock_class class)
{
	*m = (struct mutex)MUTEX_INIT(class);
}

void mutex_lock(struct mutex *m) ACQUIRES(*m);
void mutex_unlock(struct mutex *m) RELEASES(*m);

/*
 * ASSERT_HELD(&lock): the running vCPU holds the lock, or the debug build panics. It stands first
 * in a function whose contract says that the lock is held. Nothing in other builds.
 */
#ifdef BUFFERVM_DEBUG
void lock_assert_held(const struct mutex *m, const char *file, int line)
	LOCK_ATTRIBUTE(assert_capability(*m));
/* The running vCPU holds no lock: it is about to go on in a program, or without a thread. */
void lock_assert_none(void);
#define ASSERT_HELD(m) lock_assert_held(m, __FILE__, __LINE__)
#else
static inline void lock_assert_held(const struct mutex *m) LOCK_ATTRIBUTE(assert_capability(*m));
static inline void lock_assert_held(const struct mutex *m)
{
	(void)m;
}
static inline void lock_assert_none(void) {}
#define ASSERT_HELD(m) lock_assert_held(m)
#endif

/* Most vCPUs that the debug build can keep account of. */
#define LOCK_VCPUS 1024

#endif
