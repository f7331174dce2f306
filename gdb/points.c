// SPDX-License-Identifier: MIT
/*
 * Memory of tracees, and breakpoints in it: INT3 over the first byte of an instruction, or the
 * debug registers (Intel SDM, volume 3, "Debug Registers"). tracee.h has the interface.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <unistd.h>
#include "gdb/tracee.h"

#define INT3	       0xcc
#define DR(n)	       (offsetof(struct user, u_debugreg) + 8 * (n))
#define DR7_ENABLE(n)  (1UL << 2 * (n))
#define DR7_KIND(n, k) ((u64)(k) << (16 + 4 * (n)))

/* Types of Z packets. */
enum { POINT_SOFTWARE, POINT_HARDWARE, POINT_WRITE, POINT_READ, POINT_ACCESS };

/* -- Memory ------------------------------------------------------------------------------------ */

struct space *space_new(s32 pid)
{
	struct space *s = calloc(1, sizeof(*s));
	char path[40];

	if (!s)
		return NULL;
	s->users = 1;
	LIST_INIT(&s->breakpoints);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	s->mem = open(path, O_RDWR | O_CLOEXEC);
	return s;
}

struct space *space_copy(const struct space *from, s32 pid)
{
	struct space *s = space_new(pid);
	const struct breakpoint *b;

	if (!s)
		return NULL;
	LIST_FOREACH (b, &from->breakpoints, link) {
		struct breakpoint *copy = malloc(sizeof(*copy));

		if (!copy)
			break;
		*copy = *b;
		LIST_INSERT_HEAD(&s->breakpoints, copy, link);
	}
	return s;
}

static void free_breakpoint(struct breakpoint *b)
{
	LIST_REMOVE(b, link);
	free(b);
}

void space_put(struct space *s)
{
	struct breakpoint *b;

	if (!s || --s->users)
		return;
	while ((b = LIST_FIRST(&s->breakpoints)))
		free_breakpoint(b);
	if (s->mem >= 0)
		close(s->mem);
	free(s);
}

struct breakpoint *breakpoint_at(const struct space *s, u64 addr)
{
	struct breakpoint *b;

	LIST_FOREACH (b, &s->breakpoints, link)
		if (b->addr == addr)
			return b;
	return NULL;
}

static u64 raw_read(const struct space *s, u64 addr, void *to, u64 len)
{
	u64 done = 0;

	while (done < len) {
		ssize_t n = pread(s->mem, (char *)to + done, len - done, (off_t)(addr + done));

		if (n <= 0)
			break;
		done += (u64)n;
	}
	return done;
}

static u64 raw_write(const struct space *s, u64 addr, const void *from, u64 len)
{
	u64 done = 0;

	while (done < len) {
		ssize_t n =
			pwrite(s->mem, (const char *)from + done, len - done, (off_t)(addr + done));

		if (n <= 0)
			break;
		done += (u64)n;
	}
	return done;
}

u64 tracee_read(struct process *p, u64 addr, void *to, u64 len)
{
	u64 done = p->space ? raw_read(p->space, addr, to, len) : 0;
	const struct breakpoint *b;

	if (done)
		LIST_FOREACH (b, &p->space->breakpoints, link)
			if (b->addr - addr < done)
				((u8 *)to)[b->addr - addr] = b->covered;
	return done;
}

u64 tracee_write(struct process *p, u64 addr, const void *from, u64 len)
{
	u64 done = p->space ? raw_write(p->space, addr, from, len) : 0;
	struct breakpoint *b;

	if (done)
		LIST_FOREACH (b, &p->space->breakpoints, link)
			if (b->addr - addr < done) {
				b->covered = ((const u8 *)from)[b->addr - addr];
				raw_write(p->space, b->addr, &(u8){INT3}, 1);
			}
	return done;
}

/* -- Software breakpoints ---------------------------------------------------------------------- */

static int insert(struct space *s, u64 addr)
{
	struct breakpoint *b;

	if (breakpoint_at(s, addr))
		return 0;
	b = malloc(sizeof(*b));
	if (!b)
		return ENOMEM;
	b->addr = addr;
	if (raw_read(s, addr, &b->covered, 1) != 1 || raw_write(s, addr, &(u8){INT3}, 1) != 1) {
		free(b);
		return EIO;
	}
	LIST_INSERT_HEAD(&s->breakpoints, b, link);
	return 0;
}

/* Writes back what belongs there. What the program wrote over the breakpoint stays. */
static void remove_from_memory(struct space *s, struct breakpoint *b)
{
	u8 now;

	if (raw_read(s, b->addr, &now, 1) == 1 && now == INT3)
		raw_write(s, b->addr, &b->covered, 1);
	free_breakpoint(b);
}

void space_clear(struct space *s)
{
	struct breakpoint *b;

	while ((b = LIST_FIRST(&s->breakpoints)))
		remove_from_memory(s, b);
}

/* -- Debug registers --------------------------------------------------------------------------- */

static bool poke(s32 tid, u32 n, u64 value)
{
	return ptrace(PTRACE_POKEUSER, tid, DR(n), value) == 0;
}

void debug_load(const struct thread *t)
{
	const struct debug_slot *slots = t->proc->slots;
	u64 control = 0;

	if (ptrace(PTRACE_PEEKUSER, t->tid, DR(7), 0) != 0)
		poke(t->tid, 7, 0);
	for (u32 n = 0; n < DEBUG_SLOTS; n++) {
		if (!slots[n].users)
			continue;
		poke(t->tid, n, slots[n].addr);
		control |= DR7_ENABLE(n) | DR7_KIND(n, slots[n].kind);
	}
	if (control)
		poke(t->tid, 7, control);
}

bool debug_hit(const struct thread *t, u8 *slot)
{
	u64 hit;

	errno = 0;
	hit = (u64)ptrace(PTRACE_PEEKUSER, t->tid, DR(6), 0);
	if (errno)
		return false;
	for (u8 n = 0; n < DEBUG_SLOTS; n++)
		if (hit >> n & 1 && t->proc->slots[n].users) {
			*slot = n;
			poke(t->tid, 6, 0);
			return true;
		}
	return false;
}

static struct debug_slot *slot_of(struct process *p, u64 addr, u8 kind)
{
	for (u32 n = 0; n < DEBUG_SLOTS; n++)
		if (p->slots[n].users && p->slots[n].addr == addr && p->slots[n].kind == kind)
			return &p->slots[n];
	return NULL;
}

static struct debug_slot *free_slot(struct process *p)
{
	for (u32 n = 0; n < DEBUG_SLOTS; n++)
		if (!p->slots[n].users)
			return &p->slots[n];
	return NULL;
}

static void load_all(struct process *p)
{
	const struct thread *t;

	TAILQ_FOREACH (t, &p->threads, link)
		if (t->stopped)
			debug_load(t);
}

/* The length of the piece of [addr, addr + left) that one debug register can watch. */
static u64 piece(u64 addr, u64 left)
{
	u64 len = 8;

	while (len > left || addr % len)
		len /= 2;
	return len;
}

/* R/W and LEN of DR7 for a piece. There is no kind for reads alone: reads and writes. */
static u8 kind_of(u32 type, u64 len)
{
	static const u8 lengths[] = {[1] = 0, [2] = 1, [4] = 3, [8] = 2};
	u8 access = type == POINT_HARDWARE ? DEBUG_KIND_EXEC : type == POINT_WRITE ? 1 : 3;

	return (u8)(access | (type == POINT_HARDWARE ? 0 : lengths[len]) << 2);
}

static int watch(struct process *p, const struct point *z, bool set)
{
	u64 len = z->type == POINT_HARDWARE ? 1 : z->kind, at = z->addr;
	struct debug_slot old[DEBUG_SLOTS];
	struct debug_slot *s;

	if (!len || len > 8 * DEBUG_SLOTS)
		return EINVAL;
	memcpy(old, p->slots, sizeof(old));
	for (u64 left = len, n; left; left -= n, at += n) {
		u8 kind;

		n = piece(at, left);
		kind = kind_of(z->type, n);
		s = slot_of(p, at, kind);
		if (!s && set)
			s = free_slot(p);
		if (!s) {
			memcpy(p->slots, old, sizeof(old));
			return set ? ENOSPC : ENOENT;
		}
		s->addr = at;
		s->kind = kind;
		s->users += set ? 1 : -1u;
	}
	load_all(p);
	return 0;
}

int point_set(struct process *p, const struct point *z)
{
	if (!p->space)
		return ESRCH;
	return z->type == POINT_SOFTWARE ? insert(p->space, z->addr) : watch(p, z, true);
}

int point_remove(struct process *p, const struct point *z)
{
	struct breakpoint *b;

	if (!p->space)
		return ESRCH;
	if (z->type != POINT_SOFTWARE)
		return watch(p, z, false);
	b = breakpoint_at(p->space, z->addr);
	if (b)
		remove_from_memory(p->space, b);
	return 0;
}
