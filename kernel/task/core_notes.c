// SPDX-License-Identifier: MIT
/* See core_notes.h. The running thread comes first, because debuggers show that one. */
#include <linux/elf.h>
#include "common/user_regs.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/arch/x86_64/xstate.h"
#include "kernel/fs/mapping.h"
#include "kernel/kernel.h"
#include "kernel/mm/fpu_area.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/core_notes.h"
#include "kernel/task/freeze.h"
#include "kernel/task/process.h"

#define NOTES_MAX  (4UL << 20) /* limit of kmalloc */
#define PATH_SPACE 4096

struct core_prstatus {
	s32 signo, code, error;
	u16 cursig;
	u64 sigpend, sighold;
	s32 pid, ppid, pgrp, sid;
	struct {
		u64 sec, usec;
	} utime, stime, cutime, cstime;
	u64 reg[USER_REGS];
	s32 fpvalid;
};
_Static_assert(sizeof(struct core_prstatus) == 336, "struct elf_prstatus");

struct core_prpsinfo {
	char state, sname, zomb, nice;
	u64 flag;
	u32 uid, gid;
	s32 pid, ppid, pgrp, sid;
	char fname[16], psargs[80];
};
_Static_assert(sizeof(struct core_prpsinfo) == 136, "struct elf_prpsinfo");

/* Returns space for len more bytes, set to 0, or NULL if memory is short. */
static u8 *grow(struct core_notes *n, u64 len)
{
	u64 space = MAX(n->space, PAGE_SIZE);
	u8 *at;

	while (space < n->len + len)
		space *= 2;
	if (space > NOTES_MAX)
		return NULL;
	if (space > n->space) {
		u8 *data = krealloc(n->data, space);

		if (!data)
			return NULL;
		n->data = data;
		n->space = space;
	}
	at = n->data + n->len;
	memset(at, 0, len);
	n->len += len;
	return at;
}

/* Adds a note and returns the place of its content, or NULL if memory is short. */
static void *note(struct core_notes *n, const char *name, u32 type, u64 len)
{
	u64 name_size = strlen(name) + 1, name_space = ALIGN_UP(name_size, 4UL);
	Elf64_Nhdr h = {.n_namesz = (u32)name_size, .n_descsz = (u32)len, .n_type = type};
	u8 *at = grow(n, sizeof(h) + name_space + ALIGN_UP(len, 4UL));

	if (!at)
		return NULL;
	memcpy(at, &h, sizeof(h));
	memcpy(at + sizeof(h), name, name_size);
	return at + sizeof(h) + name_space;
}

static int add_note(struct core_notes *n, u32 type, const void *content, u64 len)
{
	void *to = note(n, "CORE", type, len);

	if (!to)
		return -ENOMEM;
	memcpy(to, content, len);
	return 0;
}

static s32 parent_of(const struct process *p)
{
	return p->parent ? p->parent->pid : p->ppid_outside;
}

static int add_prstatus(struct core_notes *n, struct thread *t, const siginfo_t *info,
			const struct frozen *state)
{
	const struct trapframe *f = thread_frame(t);
	const struct process *p = t->proc;
	struct core_prstatus s = {
		.signo = info->si_signo,
		.code = info->si_code,
		.cursig = (u16)info->si_signo,
		.sigpend = t->pending.set,
		.sighold = t->blocked,
		.pid = t->tid,
		.ppid = parent_of(p),
		.pgrp = p->pgid,
		.sid = p->sid,
		.fpvalid = state && state->fpu,
	};

	arch_user_regs(f, state ? state->fsbase : 0, state ? state->gsbase : 0, s.reg);
	return add_note(n, NT_PRSTATUS, &s, sizeof(s));
}

static int add_fpu(struct core_notes *n, const struct xsave_area *fpu)
{
	u64 features = arch_fpu_features();
	struct xsave_area *x;

	if (!fpu)
		return 0;
	if (add_note(n, NT_PRFPREG, fpu, XSAVE_LEGACY_SIZE) < 0)
		return -ENOMEM;
	x = note(n, "LINUX", NT_X86_XSTATE, arch_fpu_size());
	if (!x)
		return -ENOMEM;
	memcpy(x, fpu, arch_fpu_size());
	/* Debuggers read XCR0 from the first of these bytes. */
	memcpy(x->software, &features, sizeof(features));
	return 0;
}

static int add_prpsinfo(struct core_notes *n, const struct process *p)
{
	struct mm *mm = p->mm;
	struct core_prpsinfo i = {
		.sname = 'R',
		.uid = p->creds.ruid,
		.gid = p->creds.rgid,
		.pid = p->pid,
		.ppid = parent_of(p),
		.pgrp = p->pgid,
		.sid = p->sid,
	};
	u64 len = MIN(mm->arg_end - mm->arg_start, sizeof(i.psargs) - 1);

	memcpy(i.fname, p->comm, sizeof(i.fname));
	if (mm_copy_from(mm, i.psargs, mm->arg_start, len) < 0)
		len = 0;
	for (u64 c = 0; c < len; c++)
		if (i.psargs[c] == '\0')
			i.psargs[c] = ' ';
	return add_note(n, NT_PRPSINFO, &i, sizeof(i));
}

/*
 * Mapped files: their count, the unit of offsets, {start, end, offset} for each, and then their
 * names.
 */
static int add_files(struct core_notes *n, struct mm *mm)
{
	struct core_notes names = {0};
	u64 head[2] = {0, PAGE_SIZE}, *range;
	char *path = kmalloc(PATH_SPACE);
	u8 *to, *name;
	int ret = -ENOMEM;

	mutex_lock(&mm->lock);
	for (struct vma *v = vma_first(mm); v && path; v = vma_next(v)) {
		if (!vma_file(v))
			continue;
		mm_vma_name(mm, v, path, PATH_SPACE);
		name = grow(&names, strlen(path) + 1);
		if (!name)
			goto out;
		memcpy(name, path, strlen(path) + 1);
		head[0]++;
	}
	to = note(n, "CORE", NT_FILE, sizeof(head) + head[0] * 3 * sizeof(u64) + names.len);
	if (!path || !to)
		goto out;
	memcpy(to, head, sizeof(head));
	range = (u64 *)(to + sizeof(head));
	for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
		if (!vma_file(v))
			continue;
		*range++ = v->start;
		*range++ = v->end;
		*range++ = v->offset / PAGE_SIZE;
	}
	if (names.len)
		memcpy(range, names.data, names.len);
	ret = 0;
out:
	mutex_unlock(&mm->lock);
	kfree(names.data);
	kfree(path);
	return ret;
}

static int add_others(struct core_notes *n, const siginfo_t *info)
{
	struct process *p = current_process();
	struct thread *t;
	int ret = 0;

	mutex_lock(&task_lock);
	TAILQ_FOREACH (t, &p->threads, link) {
		u64 len = n->len;

		if (t == current())
			continue;
		ret = add_prstatus(n, t, info, t->frozen);
		if (ret == 0 && t->frozen)
			ret = add_fpu(n, t->frozen->fpu);
		if (ret < 0) {
			n->len = len;
			break;
		}
	}
	mutex_unlock(&task_lock);
	return ret;
}

int core_notes_make(struct core_notes *n, const siginfo_t *info)
{
	struct xsave_area *fpu = fpu_area_saved();
	struct frozen state = {
		.fsbase = arch_get_fsbase(), .gsbase = arch_get_gsbase(), .fpu = fpu};
	struct thread *t = current();
	struct mm *mm = t->proc->mm;
	int ret;

	*n = (struct core_notes){0};
	ret = add_prstatus(n, t, info, &state);
	if (ret == 0)
		ret = add_prpsinfo(n, t->proc);
	if (ret == 0)
		ret = add_note(n, NT_SIGINFO, info, sizeof(*info));
	if (ret == 0)
		ret = add_note(n, NT_AUXV, mm->auxv, mm->auxv_len * sizeof(mm->auxv[0]));
	if (ret == 0)
		ret = add_files(n, mm);
	if (ret == 0)
		ret = add_fpu(n, state.fpu);
	fpu_area_free(fpu);
	if (ret == 0)
		add_others(n, info);
	return ret;
}
