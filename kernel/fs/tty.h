/* SPDX-License-Identifier: MIT */
/* Controlling terminals: the terminal of each session, and its foreground process group. */
#ifndef KERNEL_FS_TTY_H
#define KERNEL_FS_TTY_H

#include "common/types.h"

struct ofile;
struct process;

enum tty_access {
	TTY_READ,
	TTY_WRITE,  /* allowed in the background unless TOSTOP is set */
	TTY_CHANGE, /* of settings */
};

/*
 * Checks whether job control allows the running process this access to f now. Returns 0, also if f
 * is not the terminal of its session. -ERESTARTSYS: the process is in the background, and SIGTTIN
 * or SIGTTOU was sent to its group. -EIO: it is in the background, and the signal could not stop
 * it. Takes task_lock.
 */
s64 tty_check(struct ofile *f, enum tty_access access);

/*
 * Handles an ioctl(2) on f if the kernel has its answer: puts that into *result and returns true.
 * Returns false if the host has to handle the ioctl.
 */
bool tty_ioctl(struct ofile *f, u32 nr, u64 arg, s64 *result);

/*
 * Called after the program has written len bytes at addr to f: if f is the master of a
 * pseudo-terminal, sends the signals of the keys among them.
 */
void tty_master_written(struct ofile *f, u64 addr, u64 len);

/* Called after an open of f: a session leader without a terminal gets f, unless O_NOCTTY. */
void tty_opened(struct ofile *f, u32 flags);
/* Writes the host's path of the running process's /dev/tty. Returns 0, or -ENXIO: it has none. */
s64 tty_own_path(char *path, u64 size);
/* Called when the last reference to a master goes: hangs up its session. Takes task_lock. */
void tty_master_closed(struct ofile *f);

/*
 * Called for a signal from the terminal that the sandbox was started on: sends it to the foreground
 * group. Takes task_lock.
 */
void tty_signal(int sig);

/* Called when p ends: if it leads a session, hangs up the session's terminal. task_lock is held. */
void tty_session_ends(struct process *p);
/*
 * Fills in the terminal of p's session as /proc/PID/stat shows it: 0 and -1 without a terminal.
 * task_lock is held.
 */
void tty_describe(const struct process *p, u32 *device, s32 *foreground);

#endif
