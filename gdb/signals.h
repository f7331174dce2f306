/* SPDX-License-Identifier: MIT */
/* gdb's numbers of signals, which are the same on every system (gdb's include/gdb/signals.def). */
#ifndef GDB_SIGNALS_H
#define GDB_SIGNALS_H

/* Return the other side's number; 0 if there is none. */
int signal_to_gdb(int sig);
int signal_from_gdb(int number);

#endif
