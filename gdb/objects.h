/* SPDX-License-Identifier: MIT */
/* The objects of qXfer packets: what the debugger reads as a whole, page by page. */
#ifndef GDB_OBJECTS_H
#define GDB_OBJECTS_H

#include "gdb/protocol.h"
#include "gdb/tracee.h"

/*
 * Serves the packet for the debugger's present thread, which may be NULL. An object that is not
 * known gets an empty reply.
 */
void objects_packet(struct reply *r, struct thread *t, const char *packet, u32 size);
/* Appends ";qXfer:NAME:read+" for each object. */
void objects_supported(struct reply *r);
/* Puts the thread's name into a buffer; an empty one if it has none. */
void thread_name(const struct thread *t, char *name, size_t size);
/* Appends the path of a process's program in hexadecimal digits. */
void program_path(struct reply *r, const struct process *p);

#endif
