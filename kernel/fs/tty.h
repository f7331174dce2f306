/* SPDX-License-Identifier: MIT */
/* Controlling terminals: which session has which, and who is in its foreground. */
#ifndef KERNEL_FS_TTY_H
#define KERNEL_FS_TTY_H

#include "common/types.h"

struct ofile;
struct process;

enum tty_access {
	TTY_READ,
	TTY_WRITE,  /* refused where TOSTOP is set */
	TTY_CHANGE, /* its settings */
};

/*
 * May the running process do that with the file now? 0, also where it is no terminal of its
 * session; -ERESTARTSYS: its group was sent SIGTTIN or SIGTTOU; -EIO: that would be in vain.
 */
s64 tty_check(struct ofile *f, enum tty_access access);

/* An ioctl(2) whose answer is in here. False: it is the host's, *result is untouched. */
bool tty_ioctl(struct ofile *f, u32 nr, u64 arg, s64 *result);

/* Bytes that were written to a pseudo-terminal's master: its keys may be signals. */
void tty_master_written(struct ofile *f, u64 addr, u64 len);

/* f was opened with these flags: a session leader without a terminal may have one now. */
void tty_opened(struct ofile *f, u32 flags);
/* What /dev/tty is to the running process: a path for the host, or -ENXIO. */
s64 tty_own_path(char *path, u64 size);
/* The last descriptor of a master is closed: its session hangs up. */
void tty_master_closed(struct ofile *f);

/* A signal from the terminal that the sandbox was started on: to its foreground group. */
void tty_signal(int sig);

/* A session leader ends. task_lock held. */
void tty_session_ends(struct process *p);
/* The terminal of the process's session, as /proc/PID/stat has it: 0 and -1: none. task_lock held.
 */
void tty_describe(const struct process *p, u32 *device, s32 *foreground);

#endif
