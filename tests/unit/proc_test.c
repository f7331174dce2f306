// SPDX-License-Identifier: MIT
/*
 * Do the texts of /proc have the form that programs parse? The process here is made up, so that
 * every line is known; what a parser would trip over (odd names, long texts, errors) is in it.
 * sources: kernel/proc/proc_text.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <asm/resource.h>
#include <linux/resource.h>
#include <linux/mman.h>
#include <linux/signal.h>
#include "kernel/fs/file.h"
#include "kernel/fs/file_ops.h"
#include "kernel/fs/tty.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/mm/window.h"
#include "kernel/proc/proc_text.h"
#include "kernel/signal/signal.h"
#include "kernel/task/oom.h"
#include "kernel/task/pidfd.h"
#include "kernel/task/task.h"
#include "kernel/task/user_counts.h"
#include "libc/stdlib.h"

/* <stdlib.h> conflicts with the kernel's headers. */
void *malloc(size_t size);
void free(void *p);

/* -- The made-up process ---------------------------------------------------------------------- */

#define ARGS_SIZE 20000

static const struct boot_info boot_data = {.clock_ticks = 100, .ncpus = 2};
const struct boot_info *boot = &boot_data;

static const struct vm_backing_ops file_ops;
static struct window libc_window = {
	.backing = {&file_ops, &libc_window}, .dev = 0xfe00, .ino = 332835};
static struct vma vmas[] = {
	{.start = 0x400000,
	 .end = 0x401000,
	 .prot = PROT_READ | PROT_EXEC,
	 .backing = &libc_window.backing,
	 .offset = 0x26000},
	{.start = 0x401000,
	 .end = 0x403000,
	 .prot = PROT_READ,
	 .backing = &libc_window.backing,
	 .flags = VMA_SHARED},
	{.start = 0x7f0000000000, .end = 0x7f0000001000, .prot = 0},
	{.start = 0x7ffffffde000,
	 .end = 0x7ffffffff000,
	 .prot = PROT_READ | PROT_WRITE,
	 .flags = VMA_GROWSDOWN},
};
static unsigned names_asked;

static struct mm mm = {.arg_start = 0x1000, .arg_end = 0x1000 + ARGS_SIZE};
static struct sighand sighand;
static struct fs_info fs = {.umask = 022};
static struct process process = {
	.pid = 42,
	.pgid = 40,
	.sid = 30,
	.ppid_outside = 7,
	.nthreads = 1,
	.mm = &mm,
	.sighand = &sighand,
	.fs = &fs,
	.comm = "a) (b c",
};
static struct thread thread = {.tid = 42, .proc = &process};
static struct proc_ctx ctx = {
	.p = &process, .t = &thread, .tid = 42, .whole = true, .running = true};

/* -- What proc_text.c needs of the kernel -------------------------------------------------------
 */

static u32 locks;

void mutex_lock(struct mutex *m)
{
	(void)m;
	locks++;
}

void mutex_unlock(struct mutex *m)
{
	(void)m;
	locks--;
}

void *kmalloc(u64 size)
{
	return malloc(size);
}

void kfree(void *p)
{
	free(p);
}

/* The host does not tell: no terminal, no times. */
s64 hostcall_make(enum hostcall_nr nr, const struct hostcall_param *params, unsigned count)
{
	(void)nr, (void)params, (void)count;
	return -ENOSYS;
}

s64 affinity_of(const struct thread *t, u64 *mask, u32 size)
{
	(void)t, (void)mask, (void)size;
	return -ENOSYS;
}

int mm_copy_from_nowait(struct mm *m, void *dst, u64 src, u64 len)
{
	(void)m;
	for (u64 i = 0; i < len; i++)
		((char *)dst)[i] = (char)('a' + (src + i) % 23);
	return 0;
}

struct vma *vma_first(struct mm *m)
{
	(void)m;
	return vmas;
}

struct vma *vma_next(struct vma *v)
{
	return v + 1 < vmas + ARRAY_SIZE(vmas) ? v + 1 : NULL;
}

void mm_vma_name(struct mm *m, struct vma *v, char *buf, u32 size)
{
	(void)m;
	names_asked++;
	snprintf(buf, size, "%s", v->backing ? "/lib/lib c.so" : v == &vmas[3] ? "[stack]" : "");
}

void mm_vma_resident(struct mm *m, struct vma *v, struct mm_resident *r)
{
	(void)m, (void)v;
	*r = (struct mm_resident){.rss = 12288, .private = 8192, .shared = 4096, .anon = 4096};
}

void mm_usage(struct mm *m, struct mm_usage *u)
{
	(void)m;
	*u = (struct mm_usage){.vsz = 10 << 20,
			       .rss = 3 << 20,
			       .rss_file = 1 << 20,
			       .text = 8192,
			       .data = 4096,
			       .stack = 4096};
}

void frame_stats(struct frame_stats *s)
{
	*s = (struct frame_stats){.total = 1 << 20, .free = 1 << 19};
}

void timers_each(const struct process *p,
		 void (*fn)(void *arg, s32 id, s32 signo, u64 value, s32 notify, s32 tid,
			    s32 clock),
		 void *arg)
{
	(void)p;
	fn(arg, 3, SIGALRM, 0xabcd, SIGEV_SIGNAL, 42, 1);
}

struct ofile *fdtable_get(struct files *f, s32 fd)
{
	(void)f, (void)fd;
	return NULL;
}

int fdtable_get_cloexec(struct files *f, s32 fd)
{
	(void)f, (void)fd;
	return 0;
}

u32 fdtable_size(struct files *f)
{
	(void)f;
	return 512;
}

void ofile_info(struct ofile *f, struct file_info *info)
{
	(void)f, (void)info;
}

void ofile_put(struct ofile *f)
{
	(void)f;
}

void tty_describe(const struct process *p, u32 *device, s32 *foreground)
{
	(void)p;
	*device = 0;
	*foreground = -1;
}

void usage_process(struct process *p, struct usage *u)
{
	(void)p;
	*u = (struct usage){.user_us = 1500000, .system_us = 20000, .minor_faults = 9};
}

bool child_is_of(const struct process *child, const struct thread *parent)
{
	return child->parent == parent->proc;
}

u64 user_count(u32 uid, enum user_count what)
{
	return what == USER_SIGNALS ? 3 + uid : 0;
}

s64 oom_score(const struct process *p)
{
	(void)p;
	return 667;
}

u64 usage_cpu_ns(struct process *p, struct thread *t)
{
	(void)p, (void)t;
	return 70000000;
}

struct rusage usage_to_rusage(const struct usage *u)
{
	return (struct rusage){
		.ru_utime = {(s64)u->user_us / 1000000, (s64)u->user_us % 1000000},
		.ru_stime = {(s64)u->system_us / 1000000, (s64)u->system_us % 1000000},
		.ru_minflt = (s64)u->minor_faults,
	};
}

/* -- The reader ---------------------------------------------------------------------------------
 */

static char whole[64 << 10];
static u64 whole_len;
static int flush_error;

void text_flush(struct text *t)
{
	assert_true(t->len <= sizeof(t->buf));
	assert_true(whole_len + t->len < sizeof(whole));
	memcpy(whole + whole_len, t->buf, t->len);
	whole_len += t->len;
	t->written += t->len;
	t->len = 0;
	t->error = flush_error;
}

static struct text *read_text(void (*fn)(struct text *, const struct proc_ctx *))
{
	static struct text t;

	memset(&t, 0, sizeof(t));
	whole_len = 0;
	fn(&t, &ctx);
	text_flush(&t);
	whole[whole_len] = 0;
	assert_int_equal(locks, 0);
	return &t;
}

/* -- Tests --------------------------------------------------------------------------------------
 */

static void maps_lines_are_linuxs(void **state)
{
	(void)state;
	names_asked = 0;
	read_text(proc_text_maps);
	assert_string_equal(
		whole, "00400000-00401000 r-xp 00026000 fe:00 332835                             "
		       "/lib/lib c.so\n"
		       "00401000-00403000 r--s 00000000 fe:00 332835                             "
		       "/lib/lib c.so\n"
		       "7f0000000000-7f0000001000 ---p 00000000 00:00 0 \n"
		       "7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0                          "
		       "[stack]\n");
	assert_int_equal(names_asked, 3); /* one line for the two of one file */
}

/* Returns the sum of "Name: N kB" in a text of such lines. */
static unsigned long sum_of(const char *name)
{
	unsigned long sum = 0;

	for (const char *p = whole; (p = strstr(p, name)); p++)
		if (p == whole || p[-1] == '\n')
			sum += strtoul(p + strlen(name), NULL, 10);
	return sum;
}

static void smaps_and_its_rollup_agree(void **state)
{
	static const char *const rows[] = {"Rss:", "Shared_Clean:", "Private_Dirty:", "Anonymous:"};
	unsigned long each[ARRAY_SIZE(rows)];

	(void)state;
	read_text(proc_text_smaps);
	assert_non_null(strstr(whole, "\nRss:                  12 kB\n"));
	assert_non_null(strstr(whole, "\nVmFlags: rd wr mr mw me gd\n"));
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		each[i] = sum_of(rows[i]);
	read_text(proc_text_smaps_rollup);
	assert_memory_equal(whole, "00400000-7ffffffff000 ---p 00000000 00:00 0 ", 44);
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(sum_of(rows[i]), each[i]);
}

static void stat_survives_a_name_with_parentheses(void **state)
{
	int fields = 2;

	(void)state;
	read_text(proc_text_stat);
	assert_memory_equal(whole, "42 (a) (b c) R 7 40 30 0 -1 ", 28);
	assert_non_null(strstr(whole, " 9 0 0 0 150 2 0 0 20 0 1 0 "));
	for (const char *p = strrchr(whole, ')'); *p; p++)
		fields += *p == ' ';
	assert_int_equal(fields, 52);
}

static void statm_counts_pages(void **state)
{
	(void)state;
	read_text(proc_text_statm);
	assert_string_equal(whole, "2560 768 256 2 0 2 0\n");
}

static void status_has_a_value_in_every_line(void **state)
{
	char *end;

	(void)state;
	sighand.action[1].handler = (u64)SIG_IGN; /* SIGINT */
	sighand.action[13].handler = 0x1234;	  /* SIGALRM */
	read_text(proc_text_status);
	assert_non_null(strstr(whole, "Name:\ta) (b c\nUmask:\t0022\nState:\tR (running)\n"));
	assert_non_null(strstr(whole, "\nPid:\t42\nPPid:\t7\n"));
	assert_non_null(strstr(whole, "\nVmSize:\t   10240 kB\n"));
	assert_non_null(strstr(whole, "\nSigIgn:\t0000000000000002\nSigCgt:\t0000000000002000\n"));
	assert_non_null(strstr(whole, "\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\n"));
	for (char *line = whole; (end = strchr(line, '\n')); line = end + 1) {
		*end = 0;
		assert_non_null(strstr(line, ":\t"));
	}
}

static void limits_are_columns(void **state)
{
	(void)state;
	process.rlimit[RLIMIT_STACK] = (struct rlimit_pair){8 << 20, RLIM_INFINITY};
	read_text(proc_text_limits);
	assert_memory_equal(whole, "Limit                     Soft Limit           Hard Limit", 57);
	assert_non_null(strstr(whole, "\nMax stack size            8388608              unlimited"
				      "            bytes     \n"));
}

static void meminfo_is_of_the_guest(void **state)
{
	(void)state;
	read_text(proc_text_meminfo);
	assert_int_equal(sum_of("MemTotal:"), 4 << 20);
	assert_int_equal(sum_of("MemFree:"), 2 << 20);
}

static void a_text_longer_than_the_buffer_is_whole(void **state)
{
	(void)state;
	read_text(proc_text_cmdline);
	assert_int_equal(whole_len, ARGS_SIZE);
	for (u64 i = 0; i < ARGS_SIZE; i++)
		assert_int_equal(whole[i], 'a' + (0x1000 + i) % 23);
}

static void a_zombie_has_what_is_left_of_it(void **state)
{
	struct process alive = process;

	(void)state;
	ctx.t = NULL;
	process.mm = NULL;
	process.fs = NULL;
	process.sighand = NULL;
	process.nthreads = 0;
	process.zombie = true;
	process.wait_status = 0x300;
	read_text(proc_text_stat);
	assert_memory_equal(whole, "42 (a) (b c) Z 7 40 30 0 -1 ", 28);
	assert_string_equal(whole + strlen(whole) - 5, " 768\n");
	read_text(proc_text_status);
	assert_non_null(strstr(whole, "\nState:\tZ (zombie)\n"));
	assert_null(strstr(whole, "VmSize"));
	read_text(proc_text_cmdline);
	assert_int_equal(whole_len, 0);
	read_text(proc_text_maps);
	assert_int_equal(whole_len, 0);
	read_text(proc_text_smaps_rollup);
	assert_int_equal(whole_len, 0);
	read_text(proc_text_statm);
	assert_string_equal(whole, "0 0 0 0 0 0 0\n");
	assert_int_equal(read_text(proc_text_fdinfo)->written, 0);
	process = alive;
	ctx.t = &thread;
}

static void after_an_error_nothing_is_written(void **state)
{
	struct text *t;

	(void)state;
	flush_error = -ENOSPC;
	t = read_text(proc_text_cmdline);
	flush_error = 0;
	assert_int_equal(t->error, -ENOSPC);
	assert_int_equal(whole_len, sizeof(t->buf));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_lines_are_linuxs),
		cmocka_unit_test(smaps_and_its_rollup_agree),
		cmocka_unit_test(stat_survives_a_name_with_parentheses),
		cmocka_unit_test(statm_counts_pages),
		cmocka_unit_test(status_has_a_value_in_every_line),
		cmocka_unit_test(limits_are_columns),
		cmocka_unit_test(meminfo_is_of_the_guest),
		cmocka_unit_test(a_text_longer_than_the_buffer_is_whole),
		cmocka_unit_test(a_zombie_has_what_is_left_of_it),
		cmocka_unit_test(after_an_error_nothing_is_written),
	};

	TAILQ_INIT(&process.pending.queue);
	TAILQ_INIT(&thread.pending.queue);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
