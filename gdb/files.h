/* SPDX-License-Identifier: MIT */
/* The vFile packets: the debugger opens and reads files as programs in the sandbox see them. */
#ifndef GDB_FILES_H
#define GDB_FILES_H

#include "gdb/protocol.h"

/* text: the packet behind "vFile:", of size bytes. An unknown operation gets an empty reply. */
void files_packet(struct reply *r, const char *text, u32 size);
/* Closes what the debugger has left open. */
void files_close(void);

#endif
