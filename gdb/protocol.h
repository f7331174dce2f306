/* SPDX-License-Identifier: MIT */
/*
 * The text of gdb's remote serial protocol ("GDB Remote Serial Protocol" in gdb's manual): packets
 * and what is in them. These functions make no system calls and keep nothing; what they read comes
 * from a debugger that nobody trusts. tests/unit/gdb_protocol_test.c and
 * tests/fuzz/gdb_protocol_fuzz.c run them on the host.
 */
#ifndef GDB_PROTOCOL_H
#define GDB_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include "common/types.h"

/* The most bytes between "$" and "#", as qSupported tells the debugger. */
#define PACKET_MAX 0x8000

/* -- Reading packets --------------------------------------------------------------------------- */

enum packet_event {
	PACKET_NOTHING,	  /* more bytes are needed */
	PACKET_READY,	  /* .data has a packet of .len bytes, and a NUL behind it */
	PACKET_BROKEN,	  /* its sum is wrong, or it is too long: a request to send it again */
	PACKET_INTERRUPT, /* 0x03 between packets */
	PACKET_RESEND,	  /* "-": our last packet did not arrive well */
};

/* All zero at the start of a connection. */
struct packet_reader {
	enum { READ_IDLE, READ_DATA, READ_SUM_1, READ_SUM_2 } state;
	u8 sum, sum_wanted;
	bool too_long;
	u32 len;
	char data[PACKET_MAX + 1];
};
enum packet_event packet_feed(struct packet_reader *r, u8 byte);

/* Replaces the escapes of binary data in place. Returns the new length. */
u32 packet_unescape(char *data, u32 len);

/* Returns the value of a hexadecimal digit, or -1. */
int hex_digit(char c);
/* Reads a hexadecimal number of 1 to 16 digits and moves *p behind it. Returns false otherwise. */
bool read_number(const char **p, u64 *value);
/*
 * Reads 2 * count digits, which have to be all of the text up to its NUL. Returns false otherwise;
 * then `to` may have been written in part.
 */
bool read_hex(const char *text, u8 *to, u32 count);
/* Reads "word" and moves *p behind it. Returns false, and moves nothing, if other text is there. */
bool read_word(const char **p, const char *word);

/* A thread as the protocol names it: process and thread; ID_ALL, ID_ANY. */
#define ID_ALL (-1)
#define ID_ANY 0
struct thread_id {
	s32 pid, tid;
};
/* Reads "pPID.TID", "pPID" or "TID"; without "p" the process is ID_ANY. */
bool read_thread_id(const char **p, struct thread_id *id);
static inline bool id_matches(const struct thread_id *id, s32 pid, s32 tid)
{
	return (id->pid <= 0 || id->pid == pid) && (id->tid <= 0 || id->tid == tid);
}

/* An action of vCont for a thread. */
struct action {
	char kind; /* 'c', 's', 'r' or 't'; 0: the thread stays stopped */
	int signal;
	u64 from, to; /* of 'r': steps while the instruction is in [from, to) */
};
/* Returns true if all of ";c:p1.2;s;..." can be read. */
bool vcont_is_valid(const char *actions);
/* Finds the action for a thread: the first that names it. The text is valid. */
struct action vcont_action(const char *actions, s32 pid, s32 tid);

/* qXfer:OBJECT:read:ANNEX:OFFSET,LENGTH, or :write:ANNEX:OFFSET:DATA. */
struct xfer {
	char object[32], annex[64];
	bool write;
	u64 offset, len; /* of a write, len is the length of data */
	u32 data;	 /* where the data of a write begin in the packet */
};
/* text: the packet, of `size` bytes. */
bool read_xfer(const char *text, u32 size, struct xfer *x);

/* Z and z: TYPE,ADDRESS,KIND; conditions and commands behind that are not for us. */
struct point {
	u32 type; /* 0 to 4 */
	u64 addr, kind;
};
bool read_point(const char *text, struct point *z);

/* "MARK address,length:" of m, M and X; *rest is what follows the ":", or the end. */
bool read_range(const char *text, u64 *addr, u64 *len, const char **rest);

/* -- Writing packets --------------------------------------------------------------------------- */

/* A reply. What does not fit is left out and .full set. */
struct reply {
	u32 len;
	bool full;
	char data[2 * PACKET_MAX];
};
void reply_clear(struct reply *r);
void reply_text(struct reply *r, const char *text);
void reply_format(struct reply *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void reply_hex(struct reply *r, const void *data, u32 len);
/* Appends with escapes as much of the data as PACKET_MAX has space for. Returns how much that was.
 */
u32 reply_binary(struct reply *r, const void *data, u32 len);
/* Appends the part of an object that x asks for: "m" or "l" and data. */
void reply_page(struct reply *r, const struct xfer *x, const void *object, u64 size);
/*
 * Makes the bytes for the wire in `to`, which has space for sizeof(reply.data) + 4. Returns how
 * many they are.
 */
u32 reply_frame(const struct reply *r, char *to);

#endif
