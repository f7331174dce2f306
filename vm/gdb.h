/* SPDX-License-Identifier: MIT */
/*
 * --gdb: the socket at which gdb finds the sandbox. The monitor makes it and gives it to the guest
 * as a handle; the stub in the guest accepts and speaks (common/debugger.h). So what gdb sends
 * reaches no code of the monitor's.
 */
#ifndef VM_GDB_H
#define VM_GDB_H

#include "vm/vm.h"

/* Takes the value of --gdb: a port, or the path of a unix socket. Returns 0, or EXIT_USAGE. */
int gdb_option(struct options *o, const char *value);
/* Returns 0, or EXIT_USAGE if --gdb-at-bug stands alone or without check. */
int gdb_options_done(const struct options *o);
/*
 * Makes the socket: a port only at 127.0.0.1, a path for this user alone. Called before the monitor
 * changes its view of the files and while it has one thread. Returns 0, or EXIT_HOST after a
 * message. Does nothing without --gdb.
 */
int gdb_open(struct sandbox *s);
/* Returns the handle of the socket, or -1. The monitor's own descriptor is the handle's then. */
s32 gdb_handle(struct sandbox *s);
/* Removes the path that gdb_open has made. */
void gdb_close(struct sandbox *s);

#endif
