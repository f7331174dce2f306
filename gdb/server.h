/* SPDX-License-Identifier: MIT */
/* The debugger's connection: its packets, and what is told to it. */
#ifndef GDB_SERVER_H
#define GDB_SERVER_H

#include "common/types.h"

/*
 * Serves debuggers that connect to the listening socket, one after another, until no process is
 * left; the tracees are in tracee.h's list. first: the number of the first process, which a
 * debugger finds when it connects. halted: it waits for the first debugger; otherwise it runs until
 * a bug of it is found (DEBUGGER_EVENT_BUG).
 */
void server_run(int listener, s32 first, bool halted);

#endif
