// SPDX-License-Identifier: MIT
/*
 * execve: opens the program (through #! lines), checks it and its interpreter, and builds an
 * address space with segments, vDSO and stack. Only then does it give up the old program. A failure
 * that Linux meets only after that is marked (exec_error.late), so that execve(2) can end the
 * process as Linux does.
 *
 * Set-user-ID and set-group-ID bits have an effect if the monitor may change its identity, as
 * root's monitor may. File capabilities have none. An executable file must be readable.
 */
#include <asm/hwcap2.h>
#include <asm/resource.h>
#include <asm/statfs.h>
#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/mman.h>
#include <linux/personality.h>
#include <linux/securebits.h>
#include <linux/xattr.h>
#include "common/boot_info.h"
#include "common/debugger.h"
#include "common/exit_status.h"
#include "kernel/exec/binary.h"
#include "kernel/exec/exec.h"
#include "kernel/exec/script.h"
#include "kernel/exec/stack.h"
#include "kernel/exec/vdso.h"
#include "kernel/fs/file.h"
#include "kernel/fs/path_prefetch.h"
#include "kernel/check_hooks.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/lock.h"
#include "kernel/arch/x86_64/stubs.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/patch.h"
#include "kernel/task/cred_rules.h"
#include "kernel/task/host_ids.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/task/exit.h"
#include "kernel/task/futex.h"
#include "kernel/task/nproc.h"
#include "kernel/task/oom.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace.h"
#include "kernel/task/timer.h"
#include "kernel/task/vcpu.h"

#ifndef ST_NOSUID
#define ST_NOSUID 2 /* f_flags: statfs(2) */
#endif

/* The layout of the address space: Linux's values for 48-bit addresses. */
#define PIE_BASE	   ALIGN_DOWN(USER_TOP / 3 * 2, PAGE_SIZE) /* programs with PT_INTERP */
#define MAP_RANDOM_PAGES   (1UL << 28)
#define STACK_RANDOM_PAGES (1UL << 22)
#define BRK_RANDOM	   (1UL << 30)
#define STACK_SPACE_MIN	   (128UL << 20) /* between stack_top and mmap_top, at least */
#define STACK_SPACE_MAX	   (USER_TOP / 6 * 5)
#define STACK_MAPPED	   (128UL << 10) /* mapped below the initial sp, without growth */

#define SCRIPT_DEPTH	   5 /* most #! lines from one script to the next, as on Linux */

/* AT_MINSIGSTKSZ: frame, siginfo, ucontext and red zone of a signal, beside the FPU state. */
#define SIGNAL_FRAME_FIXED 1024

/* The random numbers for one program. */
struct entropy {
	u64 map, pie, stack, brk, gap;
	u8 at_random[16];
};

#define ENTROPY_STORE 8
static struct mutex entropy_lock = MUTEX_INIT(LOCK_ENTROPY);

struct exec {
	const struct exec_args *args;
	char *filename; /* AT_EXECFN */
	struct binary program, interp;
	/* The strings of #! lines, which come before the arguments in place of argv[0]. */
	char *prefix[2 * SCRIPT_DEPTH + 1];
	u32 prefixes;
	struct script_line line;
	char interp_name[PATH_MAX];
	struct entropy random;
	struct exec_stack stack;
	struct exec_chunk chunk[EXEC_CHUNKS + 2 * SCRIPT_DEPTH + 1];
	struct mm *mm;
	struct files *files; /* a copy of the descriptors, if the process shares them; else NULL */
	struct creds creds;  /* of the new program */
	bool secure;	     /* AT_SECURE */
};

/* Makes the opened script an argument of its interpreter, and opens the interpreter. */
static int script_enter(struct exec *x, const char *script)
{
	char *front[3];
	u32 n = 0, old = x->prefixes ? 1 : 0;

	binary_close(&x->program);
	front[n++] = kstrdup(x->line.interp);
	if (x->line.has_arg)
		front[n++] = kstrdup(x->line.arg);
	front[n++] = kstrdup(script);
	/* The name of the previous interpreter, which is this script, is replaced. */
	if (old)
		kfree(x->prefix[0]);
	memmove(x->prefix + n, x->prefix + old, (x->prefixes - old) * sizeof(x->prefix[0]));
	memcpy(x->prefix, front, n * sizeof(front[0]));
	x->prefixes += n - old;
	for (u32 i = 0; i < n; i++)
		if (!front[i])
			return binary_fail_errno(&x->program, ENOMEM);

	x->program.name = x->prefix[0];
	return binary_open(&x->program, AT_FDCWD, x->prefix[0], 0);
}

/* Opens the program: follows #! lines to the first file that has none. */
static int open_program(struct exec *x, s32 dirfd, const char *path, int flags)
{
	const char *script = x->filename;
	int ret;

	if (x->args->program)
		ret = binary_adopt(&x->program, ofile_get(x->args->program));
	else if (path[0] == '\0') /* execveat(fd, "", AT_EMPTY_PATH): opens the file of fd again */
		ret = binary_open(&x->program, AT_FDCWD, x->filename, 0);
	else
		ret = binary_open(&x->program, dirfd, path, flags);
	for (u32 depth = 0; ret == 0; depth++) {
		const struct binary *b = &x->program;

		ret = script_parse(&x->line, b->head, b->head_len);
		if (ret == 0)
			return 0;
		if (ret < 0)
			return binary_fail(b, -ret, EXIT_NOT_EXECUTABLE,
					   "its #! line names no interpreter");
		if (depth == SCRIPT_DEPTH)
			return binary_fail(b, ELOOP, EXIT_NO_INTERPRETER,
					   "scripts interpret each other too deeply");
		/* The interpreter could not open /dev/fd/N, because N is closed on exec. */
		if (depth == 0 && dirfd != AT_FDCWD && path[0] != '/' &&
		    fdtable_get_cloexec(current_process()->files, dirfd) == 1)
			return binary_fail(b, ENOENT, EXIT_NOT_FOUND, "the script closes on exec");
		ret = script_enter(x, script);
		script = x->prefix[0];
	}
	return ret;
}

/* Opens and checks the file that PT_INTERP names. */
static int open_interp(struct exec *x)
{
	const struct elf_image *image = &x->program.image;
	int ret;

	ret = binary_read(&x->program, x->interp_name, image->interp_len, image->interp_offset);
	if (ret < 0)
		return binary_fail(&x->program, -ret, EXIT_BAD_ELF,
				   "the interpreter's name cannot be read");
	if (x->interp_name[image->interp_len - 1] != '\0')
		return binary_fail(&x->program, ENOEXEC, EXIT_BAD_ELF,
				   "the interpreter's name is invalid");
	x->interp.name = x->interp_name;
	ret = binary_open(&x->interp, AT_FDCWD, x->interp_name, 0);
	return ret < 0 ? ret : binary_check(&x->interp);
}

/*
 * Takes the numbers of one program from a store, which one hostcall fills for several. They are
 * erased there. The first program uses the bytes of boot info, without a hostcall.
 */
static int take_random(struct entropy *e)
{
	static struct entropy store[ENTROPY_STORE];
	static u32 left;
	static bool used;
	struct hostcall_seg seg[2];
	struct segs segs;
	s64 ret = sizeof(store);

	_Static_assert(sizeof(*e) <= sizeof(boot->random), "the monitor gives enough");
	mutex_lock(&entropy_lock);
	if (!used) {
		used = true;
		memcpy(&store[0], boot->random, sizeof(store[0]));
		left = 1;
	} else if (!left) {
		ret = kernel_segs(seg, ARRAY_SIZE(seg), store, sizeof(store), &segs);
		if (ret == 0)
			ret = hc_getrandom(&segs, 0);
		left = ret == (s64)sizeof(store) ? ENTROPY_STORE : 0;
	}
	if (left) {
		*e = store[--left];
		memset(&store[left], 0, sizeof(store[left]));
	}
	mutex_unlock(&entropy_lock);
	return ret == (s64)sizeof(store) ? 0 : ret < 0 ? (int)ret : -EIO;
}

static int draw_entropy(struct entropy *e)
{
	int err = take_random(e);

	if (err)
		return err;
	if ((boot->flags & BOOT_NO_ASLR) || (current_process()->personality & ADDR_NO_RANDOMIZE))
		e->map = e->pie = e->stack = e->brk = e->gap = 0;
	e->map = e->map % MAP_RANDOM_PAGES * PAGE_SIZE;
	e->pie = e->pie % MAP_RANDOM_PAGES * PAGE_SIZE;
	e->stack = e->stack % STACK_RANDOM_PAGES * PAGE_SIZE;
	e->brk = e->brk % BRK_RANDOM & ~PAGE_MASK;
	e->gap %= STACK_RANDOM_GAP;
	return 0;
}

/* Makes an empty address space, and chooses the addresses of stack and mappings. */
static int new_mm(struct exec *x)
{
	u64 space = current_process()->rlimit[RLIMIT_STACK].cur;
	u64 pad = MM_STACK_GAP;
	int ret = draw_entropy(&x->random);

	if (ret < 0)
		return binary_fail_errno(&x->program, -ret);
	x->mm = mm_new();
	if (!x->mm)
		return binary_fail_errno(&x->program, ENOMEM);
	x->mm->unborn = true;
	mm_inherit(x->mm, current_mm());
	if (x->random.stack)
		pad += STACK_RANDOM_PAGES * PAGE_SIZE;
	space = space < STACK_SPACE_MAX ? space + pad : STACK_SPACE_MAX;
	space = MIN(MAX(space, STACK_SPACE_MIN), STACK_SPACE_MAX);
	x->mm->stack_top = USER_TOP - x->random.stack;
	x->mm->mmap_top = ALIGN_UP(USER_TOP - space - x->random.map, PAGE_SIZE);
	return 0;
}

/* musl's dynamic linker is the C library as well, so that its calls may be the program's. */
static bool is_glibc_linker(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strncmp(slash ? slash + 1 : path, "ld-linux-", sizeof("ld-linux-") - 1) == 0;
}

/* Maps the program, the interpreter and the vDSO, and chooses where the heap begins. */
static int map_program(struct exec *x)
{
	const struct binary *b = &x->program;
	const struct elf_image *image = &b->image;
	struct mm *mm = x->mm;
	int ret;

	ret = binary_map(&x->program, mm, image->interp ? PIE_BASE + x->random.pie : 0);
	if (ret == 0 && image->interp)
		ret = binary_map(&x->interp, mm, 0);
	if (ret < 0)
		return ret;
	if (stubs_on) {
		mutex_lock(&mm->lock);
		patch_exec(mm);
		mutex_unlock(&mm->lock);
	}
	if (vdso_map(mm) < 0)
		return binary_fail_errno(&x->program, ENOMEM);

	if (image->interp && is_glibc_linker(x->interp_name)) {
		mm->interp_start = x->interp.bias + x->interp.image.code_start;
		mm->interp_end = x->interp.bias + x->interp.image.code_end;
	}
	mm->code_start = b->bias + image->code_start;
	mm->code_end = b->bias + image->code_end;
	mm->data_start = b->bias + image->data_start;
	mm->data_end = b->bias + image->data_end;
	/* A static PIE lies among the mappings, where a heap could not grow. */
	mm->brk_start = image->fixed || image->interp ? b->bias + image->end : PIE_BASE;
	mm->brk_start += x->random.brk;
	mm->brk = mm->brk_start;
	return 0;
}

static void aux(struct exec_stack *s, u64 type, u64 value)
{
	KASSERT(s->aux_count < STACK_AUX_MAX);
	s->aux[s->aux_count++] = (struct exec_aux){type, value};
}

/*
 * Reads the capabilities of the program's file. They have an effect if the monitor has them, so
 * that it can act with them. A program of root's does not need them.
 */
static void read_file_caps(const struct exec *x, struct file_caps *f)
{
	const struct creds *c = &x->creds;
	bool is_root = c->ruid == 0 && c->euid == 0 && x->program.set_uid == NO_ID &&
		       !(c->securebits & SECBIT_NOROOT) && !c->cap_ambient &&
		       c->cap_bounding == CAPABILITIES_ALL;
	u8 attribute[XATTR_CAPS_SZ];
	struct hostcall_seg seg[2];
	struct segs segs;
	s64 len;

	*f = (struct file_caps){0};
	if (is_root || kernel_segs(seg, ARRAY_SIZE(seg), attribute, sizeof(attribute), &segs) < 0)
		return;
	len = hc_fgetxattr(x->program.file->handle, XATTR_NAME_CAPS, &segs);
	if (len > 0 && cred_file_caps(attribute, (u64)len, f) &&
	    (f->permitted & c->cap_bounding & ~boot->cap_permitted))
		*f = (struct file_caps){0};
}

/*
 * Decides the identity of the program. Set-ID bits and capabilities of its file have an effect if
 * host threads can change their identity and the file system is not mounted with nosuid.
 */
static int decide_creds(struct exec *x)
{
	const u64 needed = 1UL << CAP_SETUID | 1UL << CAP_SETGID;
	const struct binary *b = &x->program;
	u32 uid = NO_ID, gid = NO_ID;
	struct file_caps caps = {0};
	struct statfs fs;
	bool traced;
	int ret;

	/* A tracer would gain the privileges, too: execve(2), ptrace(2). */
	mutex_lock(&task_lock);
	traced = ptrace_by_unprivileged(current());
	mutex_unlock(&task_lock);
	x->creds = *current_creds();
	if (!traced && (boot->cap_permitted & needed) == needed)
		read_file_caps(x, &caps);
	if ((b->set_uid != NO_ID || b->set_gid != NO_ID || caps.present) && !traced &&
	    (boot->cap_permitted & needed) == needed &&
	    (hc_fstatfs(b->file->handle, &fs, sizeof(fs)) != 0 || (fs.f_flags & ST_NOSUID)))
		caps = (struct file_caps){0};
	else if (!traced && !x->creds.no_new_privs && (boot->cap_permitted & needed) == needed) {
		uid = b->set_uid;
		gid = b->set_gid;
	}
	ret = cred_exec(&x->creds, uid, gid, &caps);
	if (ret < 0)
		return binary_fail_errno(&x->program, -ret);
	x->secure = ret;
	return 0;
}

static void fill_aux(struct exec *x)
{
	const struct creds *c = &x->creds;
	const struct binary *b = &x->program;
	struct exec_stack *s = &x->stack;

	aux(s, AT_SYSINFO_EHDR, x->mm->vdso);
	aux(s, AT_MINSIGSTKSZ, ALIGN_UP(arch_fpu_size() + SIGNAL_FRAME_FIXED, 64u));
	aux(s, AT_HWCAP, boot->hwcap);
	aux(s, AT_PAGESZ, PAGE_SIZE);
	aux(s, AT_CLKTCK, boot->clock_ticks);
	aux(s, AT_PHDR, b->bias + b->image.phdr);
	aux(s, AT_PHENT, sizeof(Elf64_Phdr));
	aux(s, AT_PHNUM, b->image.headers);
	aux(s, AT_BASE, x->interp.bias);
	aux(s, AT_FLAGS, 0);
	aux(s, AT_ENTRY, b->bias + b->image.entry);
	aux(s, AT_UID, c->ruid);
	aux(s, AT_EUID, c->euid);
	aux(s, AT_GID, c->rgid);
	aux(s, AT_EGID, c->egid);
	aux(s, AT_SECURE, x->secure);
	/* The program must not write GS while stubs find the vCPU by it. */
	aux(s, AT_HWCAP2, stubs_on ? boot->hwcap2 & ~(u64)HWCAP2_FSGSBASE : boot->hwcap2);
}

/* Puts the strings into their final order and checks their size. */
static int gather_strings(struct exec *x)
{
	const struct exec_args *args = x->args;
	struct exec_stack *s = &x->stack;
	u64 skip = 0;
	u32 n = 0;

	s->argc = args->argc + x->prefixes;
	s->envc = args->envc;
	for (u32 i = 0; i < x->prefixes; i++)
		x->chunk[n++] = (struct exec_chunk){x->prefix[i], strlen(x->prefix[i]) + 1};
	if (x->prefixes && args->argc) { /* the #! line's strings replace argv[0] */
		skip = strlen(args->chunk[0].data) + 1;
		s->argc--;
	}
	if (s->argc == 0) { /* as Linux since 5.18: programs expect an argv[0] */
		x->chunk[n++] = (struct exec_chunk){"", 1};
		s->argc = 1;
	}
	for (u32 i = 0; i < args->chunks; i++) {
		x->chunk[n++] =
			(struct exec_chunk){args->chunk[i].data + skip, args->chunk[i].size - skip};
		skip = 0;
	}
	s->chunk = x->chunk;
	s->chunks = n;
	s->execfn = x->filename;
	s->platform = boot->platform;
	if (exec_stack_check(s, current_process()->rlimit[RLIMIT_STACK].cur) < 0)
		return binary_fail(&x->program, E2BIG, EXIT_TOO_BIG,
				   "the arguments and environment are too large");
	return 0;
}

/* `buffervm check`: adds the heap library to the program. */
static int inject(struct exec *x)
{
	const char *loader = x->program.image.interp ? x->interp_name : NULL;

	if (current_process()->pid == DEBUGGER_PID)
		return 0;
	return check_exec(x->mm, &x->program, loader, x->filename, &x->stack);
}

static int build_stack(struct exec *x)
{
	u32 prot = PROT_READ | PROT_WRITE | (x->program.image.exec_stack ? PROT_EXEC : 0);
	struct exec_stack *s = &x->stack;
	struct mm *mm = x->mm;
	u64 size = ALIGN_UP(exec_stack_size(s), PAGE_SIZE) + STACK_MAPPED;
	s64 ret;

	ret = mm_map(mm, mm->stack_top - size, size, prot,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_GROWSDOWN | MAP_STACK,
		     NULL, 0);
	if (ret == -EEXIST)
		return binary_fail(&x->program, ENOMEM, EXIT_BAD_ELF,
				   "its addresses leave no room for the stack");
	if (ret < 0)
		return binary_fail_errno(&x->program, ENOMEM);
	mutex_lock(&mm->lock);
	vma_find(mm, mm->stack_top - size)->flags |= VMA_STACK;
	mutex_unlock(&mm->lock);

	memcpy(s->random, x->random.at_random, sizeof(s->random));
	s->gap = x->random.gap;
	s->top = mm->stack_top;
	ret = decide_creds(x);
	if (ret < 0)
		return ret;
	fill_aux(x);
	if (exec_stack_write(s, mm) < 0)
		return binary_fail_errno(&x->program, ENOMEM);
	mm->arg_start = s->arg_start;
	mm->arg_end = mm->env_start = s->arg_end;
	mm->env_end = s->env_end;
	_Static_assert(sizeof(s->aux) + 16 <= sizeof(mm->auxv), "the vector and its AT_NULL fit");
	memcpy(mm->auxv, s->aux, s->aux_count * sizeof(s->aux[0]));
	mm->auxv_len = 2 * (s->aux_count + 1);
	return 0;
}

/* Finds the name for /proc/PID/exe. */
static int name_program(struct exec *x)
{
	struct mm *mm = x->mm;
	s32 handle = x->program.file->handle;
	char *path;
	s64 ret;

	mm->exe_dev = x->program.dev;
	mm->exe_ino = x->program.ino;
	if (x->program.path) {
		mm->exe_path = x->program.path;
		x->program.path = NULL;
		return 0;
	}
	path = kmalloc(HOSTCALL_PATH_MAX);
	if (!path)
		return binary_fail_errno(&x->program, ENOMEM);
	ret = hc_handle_path(handle, path, HOSTCALL_PATH_MAX - 1);
	if (ret >= 0) {
		path[MIN((u64)ret, HOSTCALL_PATH_MAX - 1UL)] = '\0';
		mm->exe_path = kstrdup(path);
		ret = mm->exe_path ? 0 : -ENOMEM;
	}
	kfree(path);
	if (ret < 0)
		return binary_fail_errno(&x->program, (int)-ret);
	return 0;
}

/* The steps that can fail. The last ones end the other threads of the process. */
static int prepare(struct exec *x, s32 dirfd, const char *path, int flags)
{
	struct files *files = current_process()->files;
	int ret = open_program(x, dirfd, path, flags);

	if (ret == 0)
		ret = gather_strings(x);
	if (ret == 0)
		ret = binary_check(&x->program);
	if (ret == 0 && x->program.image.interp)
		ret = open_interp(x);
	if (ret == 0)
		ret = new_mm(x);
	if (ret == 0)
		ret = map_program(x);
	if (ret == 0)
		ret = inject(x);
	if (ret == 0)
		ret = build_stack(x);
	if (ret == 0)
		ret = name_program(x);
	if (ret == 0)
		ret = process_single();
	/* A thread that has ended meanwhile may have forbidden new privileges. */
	if (ret == 0 && current_creds()->no_new_privs != x->creds.no_new_privs)
		ret = -EAGAIN;
	if (ret == 0)
		ret = signal_exec_prepare();
	if (ret == 0 && __atomic_load_n(&files->users, __ATOMIC_RELAXED) > 1) {
		x->files = files_dup(files);
		if (!x->files)
			ret = binary_fail_errno(&x->program, ENOMEM);
	}
	return ret;
}

/* Makes mm the address space of the running process, and drops the old one. */
static void enter_mm(struct mm *mm)
{
	struct process *p = current_process();
	struct mm *old = p->mm;

	vcpu_enter_mm(mm);
	/* Threads that look at another process's memory hold task_lock. */
	mutex_lock(&task_lock);
	mm->unborn = false;
	p->mm = mm;
	oom_memory_goes();
	mutex_unlock(&task_lock);
	mutex_lock(&task_lock);
	vfork_release(current());
	mutex_unlock(&task_lock);
	if (old)
		mm_put(old);
	oom_memory_gone();
}

/* Sets the new credentials. The host gets them with the next hostcall that depends on them. */
static void take_creds(struct exec *x)
{
	struct thread *t = current();
	struct process *p = t->proc;

	mutex_lock(&task_lock);
	p->dumpable = x->creds.euid == t->creds.euid && x->creds.egid == t->creds.egid &&
		      !(x->creds.cap_permitted & ~t->creds.cap_permitted);
	if (x->secure || !p->dumpable)
		p->pdeathsig = 0;
	/* A tracer that attached after decide_creds is detached. */
	if (!p->dumpable && ptrace_by_unprivileged(t))
		ptrace_detach(t);
	/* Another thread may have set it: task/seccomp.c. */
	x->creds.no_new_privs |= t->creds.no_new_privs;
	t->creds = x->creds;
	if (x->creds.stamp != CREDS_BOOT || !p->dumpable)
		t->creds.stamp = host_ids_stamp();
	p->creds = t->creds;
	mutex_unlock(&task_lock);
}

/* The point of no return: nothing here fails. */
static void commit(struct exec *x)
{
	const struct binary *start = x->interp.file ? &x->interp : &x->program;
	const char *slash = strrchr(x->filename, '/');
	struct process *p = current_process();
	struct thread *t = current();

	KASSERT(p->nthreads == 1);
	/* Before descriptors are closed: the parent may wait for the end of a pipe. */
	p->did_exec = true;
	if (x->files) {
		struct files *shared = p->files;

		/* Threads that look at another process hold task_lock. */
		mutex_lock(&task_lock);
		p->files = x->files;
		mutex_unlock(&task_lock);
		files_put(shared);
		x->files = NULL;
	}
	files_close_on_exec(p->files);
	signal_exec();
	timers_exec();
	futex_exit(t);
	t->owns_nothing = false;
	t->user_dispatch.on = false;
	path_prefetch_free(t);
	enter_mm(x->mm);
	x->mm = NULL;

	strlcpy(p->comm, slash ? slash + 1 : x->filename, sizeof(p->comm));
	memcpy(t->comm, p->comm, sizeof(t->comm));
	take_creds(x);
	p->membarrier = 0;
	p->personality &= ~(u32)READ_IMPLIES_EXEC;
	t->clear_child_tid = 0;
	t->restart.fn = NULL;

	arch_fpu_reset();
	arch_set_fsbase(0);
	arch_set_gsbase(0);
	arch_frame_init(thread_frame(t), start->bias + start->image.entry, x->stack.sp);
}

static char *exec_filename(s32 dirfd, const char *path)
{
	char *name;
	u64 size;

	if (dirfd == AT_FDCWD || path[0] == '/')
		return kstrdup(path);
	size = strlen(path) + sizeof("/dev/fd//-2147483648");
	name = kmalloc(size);
	if (name)
		snprintf(name, size, path[0] ? "/dev/fd/%d/%s" : "/dev/fd/%d", dirfd, path);
	return name;
}

int exec_program(s32 dirfd, const char *path, int flags, const struct exec_args *args,
		 struct exec_error *why)
{
	s32 old_tid = current()->tid;
	struct exec *x;
	bool forbidden;
	int ret;

	mutex_lock(&task_lock);
	forbidden = nproc_forbids_exec();
	mutex_unlock(&task_lock);
	if (forbidden)
		return -EAGAIN;
	x = kzalloc(sizeof(*x));
	*why = (struct exec_error){.status = EXIT_NO_MEMORY, .text = "not enough guest memory"};
	if (!x)
		return -ENOMEM;
	x->args = args;
	x->program.why = x->interp.why = why;
	x->program.bad_format = ENOEXEC;
	x->interp.bad_format = ELIBBAD;
	x->filename = exec_filename(dirfd, path);
	ret = x->filename ? prepare(x, dirfd, path, flags) : -ENOMEM;
	if (ret == 0)
		commit(x);

	if (x->mm)
		mm_put(x->mm);
	if (x->files)
		files_put(x->files);
	binary_close(&x->program);
	binary_close(&x->interp);
	for (u32 i = 0; i < x->prefixes; i++)
		kfree(x->prefix[i]);
	kfree(UNCONST(x->stack.preload));
	kfree(x->filename);
	kfree(x);
	if (ret == 0)
		ptrace_exec_event(old_tid);
	return ret;
}
