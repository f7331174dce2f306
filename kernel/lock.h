/* SPDX-License-Identifier: MIT */
/*
 * Sleeping mutex, and the one order of all the kernel's locks (docs/locking.md).
 *
 * The word of a mutex is a futex: 0 free, 1 held, 2 held and a vCPU may wait. A vCPU that has to
 * wait spins briefly and then sleeps in the host (hostcall wait), so waiters use no CPU time if the
 * host thread of the lock's holder is preempted.
 *
 * In a debug build (BUFFERVM_DEBUG) the kernel panics when a lock is taken against the order, taken
 * twice, released by a vCPU that does not hold it, or still held on the way back to the program;
 * and when an ASSERT_HELD fails. clang checks part of this at compile time: `scripts/lint build
 * thread-safety`.
 */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include "common/types.h"

/*
 * The order: a thread that holds a lock may take those below its line, never one above. Two locks
 * of one line are taken by ascending address. The last column says why the line stands where it
 * does, or what is taken inside.
 *
 * A hostcall under a lock must not wait for another thread of the sandbox, because that thread may
 * need the lock. It may wait for a disk. That happens under mm.lock when a page fault reads a
 * regular file (read_pages in mm/fault.c, fill in mm/text_cache.c). The read ends by itself; if the
 * lock were released, each read would have to be followed by a second search for the VMA and the
 * page-table entry. The price: a thread that reads /proc about that process also waits for the
 * disk, with task_lock held.
 */
/* clang-format off */
/*        class        lock                            and the reason */
#define LOCK_ORDER(X) \
	X(CHECK_CALLERS, "known.lock, kernel/check/callers.c")   /* reads a stack under it: mm.lock */ \
	X(CHECK_THREADS, "threads_lock, kernel/check/heap.c")    /* writes a program's words under it */ \
	X(CHECK_LIBRARY, "library.lock, kernel/check/inject.c")  /* creates an open file under it */ \
	X(TASK,        "task_lock")           /* the tree of processes; /proc reads them under it */ \
	X(SIGHAND,     "sighand.lock")        /* signal handlers; task_lock keeps the process alive */ \
	X(FILES,       "files.lock")          /* descriptors; likewise */ \
	X(FS,          "fs_info.lock")        /* directories and umask; likewise */ \
	X(FUTEX,       "bucket.lock, task/futex.c")  /* reads a word of the program under it: mm.lock */ \
	X(ENTROPY,     "entropy_lock, exec/exec.c") /* gets random bytes from the host under it */ \
	X(SEM,         "sets.lock, ipc/sem.c") /* semaphores and their undo lists */ \
	X(MSG,         "queues.lock, ipc/msg.c") \
	X(MQ,          "mq_lock, ipc/mqueue.c") \
	X(COOKIE,      "cookie_lock, ipc/mq_notify.c") \
	X(MM,          "mm.lock")             /* VMAs and page tables; unmapping may close a file, */ \
					      /* and closing it takes locks of the following lines */ \
	X(SHM,         "segments.lock, ipc/shm.c")   /* mapping and unmapping take it */ \
	X(ASYNC,       "async_lock, fs/fasync.c") \
	X(AIO,         "context.lock, fs/aio.c")     /* asks open files what to poll */ \
	X(EPOLL,       "epoll_lock, fs/epoll.c") \
	X(RECORDS,     "locks_lock, ipc/locks.c") \
	X(SIGNALFD,    "signalfd_lock, fs/signalfd.c") /* taken when a signal is sent, under task_lock */ \
	X(PIDFD,       "pidfd_lock, task/pidfd.c")     /* taken when a process ends, under task_lock */ \
	X(PIPES,       "pipes_lock, fs/pipe.c") /* close; epoll and O_ASYNC, to get a handle */ \
	X(PIPE,        "pipe.lock, fs/pipe.c") /* allocates and frees frames; notifies epolls */ \
	X(EVENTFD,     "eventfd.lock, fs/eventfd.c") /* notifies epolls */ \
	X(TIMERFD,     "timerfd_lock, fs/timerfd.c") /* notifies epolls; sets the alarm */ \
	X(SECCOMP,     "seccomp_notify.lock, task/seccomp_notify.c") /* notifies epolls */ \
	X(UNIX_INFLIGHT, "unix_inflight_lock, fs/unix_inflight.c") /* messages with files */ \
	X(UNIX_LISTEN, "unix_listen_lock, fs/unix_connect.c") /* who listens, who is to be accepted */ \
	X(UNIX_NAMES,  "names_lock, fs/unix_dgram.c") /* reads who sent last: unix_pair.lock */ \
	X(UNIX_MOVED,  "unix_moved_lock, fs/unix_move.c")         /* as PIPES */ \
	X(UNIX,        "unix_pair.lock, fs/unix.h") /* notifies epolls */ \
	X(TRAVEL,      "travel_lock, fs/scm_inflight.c") /* taken when a pair of sockets moves */ \
	X(READY,       "epoll.lock, fs/epoll.c") /* takes nothing */ \
	X(CHECK_DEPOT, "depot.lock, kernel/check/depot.c") \
	X(CHECK_SAID,  "lock, kernel/check/static.c") \
	X(MAPPING,     "mapping_lock, fs/mapping.c")   /* makes a window */ \
	X(WINDOW,      "window_lock, mm/window.c")     /* extends the physmap */ \
	X(PATCH,       "patch_lock, mm/patch_text.c") /* looks into text copies, makes stubs */ \
	X(TEXT,        "text_lock, mm/text_cache.c")         /* takes and drops references to frames */ \
	X(STUBS,       "stub_lock, arch/x86_64/stubs.c")     /* maps pages */ \
	X(USERS,       "users_lock, task/user_counts.c")     /* allocates an entry */ \
	X(KMALLOC,     "kmalloc_lock")        /* allocates a frame under it */ \
	X(GROW,        "grow_lock, mm/frame.c")        /* new RAM becomes part of the physmap */ \
	X(PHYSMAP,     "physmap_lock")        /* allocates a frame of the reserve under it */ \
	X(TABLE_PAGE,  "table_lock, mm/table_page.c") \
	X(FRAME,       "frame_lock") \
	X(TRACE,       "out.lock, syscall/trace.c")    /* takes nothing */ \
	X(SPARE,       "spare_lock, mm/spare.c")       /* takes nothing */ \
	X(CLOCK,       "clock_lock")          /* takes nothing */ \
	X(BELLS,       "bells_lock, fs/waitq.c")       /* takes nothing */ \
	X(WRITERS,     "writers_lock, fs/busy.c")      /* takes nothing */ \
	X(SCHED,       "sched_lock")          /* innermost: a thread may be woken under any lock */
/* clang-format on */

enum lock_class {
	LOCK_NONE, /* a mutex that was not initialized: a debug build panics when it is taken */
#define X(class, name) LOCK_##class,
	LOCK_ORDER(X)
#undef X
		LOCK_CLASSES
};

/* Annotations for clang's -Wthread-safety. */
#if defined(__clang__)
#define LOCK_ATTRIBUTE(...) __attribute__((__VA_ARGS__))
#else
#define LOCK_ATTRIBUTE(...)
#endif
#define GUARDED_BY(m)		 LOCK_ATTRIBUTE(guarded_by(m))	  /* a variable */
#define PT_GUARDED_BY(m)	 LOCK_ATTRIBUTE(pt_guarded_by(m)) /* what a pointer points to */
#define ACQUIRES(...)		 LOCK_ATTRIBUTE(acquire_capability(__VA_ARGS__)) /* returns with it */
#define RELEASES(...)		 LOCK_ATTRIBUTE(release_capability(__VA_ARGS__)) /* returns without it */
#define REQUIRES(...)		 LOCK_ATTRIBUTE(requires_capability(__VA_ARGS__)) /* is called with it */
#define ACQUIRES_IF(result, ...) LOCK_ATTRIBUTE(try_acquire_capability(result, __VA_ARGS__))
/* The function takes or releases locks in a way that clang cannot follow; its comment says how. */
#define UNCHECKED_LOCKING	 LOCK_ATTRIBUTE(no_thread_safety_analysis)

struct LOCK_ATTRIBUTE(capability("mutex")) mutex {
	u32 word;
	u32 class;	   /* enum lock_class */
	const void *owner; /* the vCPU (arch_vcpu_data) that took the lock last; the holder if word
			      is not 0 */
};
#define MUTEX_INIT(lock_class)                                                                     \
	{                                                                                          \
		.class = (lock_class)                                                              \
	}

/* Initializes the mutex of an object that is not static, before other threads can reach it. */
static inline void mutex_init(struct mutex *m, enum lock_class class)
{
	*m = (struct mutex)MUTEX_INIT(class);
}

void mutex_lock(struct mutex *m) ACQUIRES(*m);
void mutex_unlock(struct mutex *m) RELEASES(*m);

/*
 * ASSERT_HELD(&lock): a debug build panics unless the running vCPU holds the lock; other builds do
 * nothing. It stands first in a function whose contract says that the lock is held.
 */
#ifdef BUFFERVM_DEBUG
void lock_assert_held(const struct mutex *m, const char *file, int line)
	LOCK_ATTRIBUTE(assert_capability(*m));
/* Panics if the running vCPU holds a lock inside of which none of this class may be taken. */
void lock_assert_may_take(enum lock_class class);
/*
 * Panics if the running vCPU, which is about to return to a program or to become idle, holds a
 * lock.
 */
void lock_assert_none(void);
#define ASSERT_HELD(m) lock_assert_held(m, __FILE__, __LINE__)
#define LOCK_DEBUG     true /* the functions above check something */
#else
static inline void lock_assert_held(const struct mutex *m) LOCK_ATTRIBUTE(assert_capability(*m));
static inline void lock_assert_held(const struct mutex *m)
{
	(void)m;
}
static inline void lock_assert_may_take(__attribute__((unused)) enum lock_class class) {}
static inline void lock_assert_none(void) {}
#define ASSERT_HELD(m) lock_assert_held(m)
#define LOCK_DEBUG     false
#endif

/* The debug build keeps account of the locks of at most this many vCPUs. */
#define LOCK_VCPUS 1024

#endif
