// SPDX-License-Identifier: MIT
/* See binary.h. */
#include <asm/errno.h>
#include <asm/stat.h>
#include <linux/elf.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/stat.h>
#include "common/boot_info.h"
#include "common/exit_status.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/exec/binary.h"
#include "kernel/fs/busy.h"
#include "kernel/fs/file.h"
#include "kernel/fs/file_ops.h"
#include "kernel/fs/mapping.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"

#define MAP_LOW 0x10000UL /* vm.mmap_min_addr */

int binary_fail(const struct binary *b, int error, u32 status, const char *text)
{
	struct exec_error *why = b->why;

	why->status = status;
	if (b->name)
		snprintf(why->text, sizeof(why->text), "interpreter %.300s: %s", b->name, text);
	else
		strlcpy(why->text, text, sizeof(why->text));
	return -error;
}

/* binary_fail for a file that cannot be executed; status is for a program, not an interpreter. */
static int refuse(const struct binary *b, int error, u32 status, const char *text)
{
	return binary_fail(b, error, b->name ? EXIT_NO_INTERPRETER : status, text);
}

int binary_fail_errno(const struct binary *b, int error)
{
	static const struct {
		int error;
		u32 status;
		const char *text;
	} table[] = {
		{ENOENT, EXIT_NOT_FOUND, "no such file"},
		{ENOTDIR, EXIT_NOT_FOUND, "a part of its path is not a directory"},
		{EACCES, EXIT_NOT_EXECUTABLE, "permission denied"},
		{EPERM, EXIT_NOT_EXECUTABLE, "not permitted"},
		{ELOOP, EXIT_NOT_EXECUTABLE, "too many symbolic links"},
		{ENAMETOOLONG, EXIT_NOT_EXECUTABLE, "its path is too long"},
		{EBADF, EXIT_NOT_EXECUTABLE, "no such descriptor"},
	};
	char text[64];

	/* A kick interrupted a hostcall. execve(2) never fails with EINTR, so it restarts. */
	if (error == EINTR || error == ERESTARTSYS)
		error = ERESTARTNOINTR;
	if (error == ENXIO) /* open(2) of a socket, which execve(2) never opens */
		return refuse(b, EACCES, EXIT_NOT_EXECUTABLE, "not a regular file");
	for (u32 i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].error == error)
			return refuse(b, error, table[i].status, table[i].text);
	switch (error) {
	case ENOMEM:
		return binary_fail(b, error, EXIT_NO_MEMORY, "not enough guest memory to load it");
	case EIO:
		return binary_fail(b, error, EXIT_HOST, "cannot be read: input/output error");
	case EMFILE:
	case ENFILE:
		return binary_fail(b, error, EXIT_HOST, "too many open files");
	}
	snprintf(text, sizeof(text), "cannot be loaded (error %d)", error);
	return binary_fail(b, error, EXIT_HOST, text);
}

/* Gets attributes, path and first bytes of b->file. */
static s64 inspect(struct binary *b, struct hostcall_inspect *i)
{
	struct hostcall_seg seg[2];
	struct segs segs;
	char *name;
	s64 ret;

	b->head = kmalloc(PAGE_SIZE);
	name = kmalloc(HOSTCALL_PATH_MAX);
	ret = b->head && name ? kernel_segs(seg, ARRAY_SIZE(seg), b->head, PAGE_SIZE, &segs)
			      : -ENOMEM;
	if (ret == 0)
		ret = hc_inspect(b->file->handle, i, sizeof(*i), name, HOSTCALL_PATH_MAX, &segs);
	if (ret >= 0 && i->name_len >= 0 && i->name_len < HOSTCALL_PATH_MAX) {
		name[i->name_len] = '\0';
		b->path = kstrdup(name);
	}
	kfree(name);
	return ret;
}

static int read_head(struct binary *b, u64 file_size)
{
	s64 ret;

	b->file_size = file_size;
	b->head = kmalloc(PAGE_SIZE);
	if (!b->head)
		return binary_fail_errno(b, ENOMEM);
	ret = file_pread(b->file, b->head, MIN(b->file_size, PAGE_SIZE), 0);
	if (ret < 0)
		return binary_fail_errno(b, (int)-ret);
	b->head_len = (u64)ret;
	return 0;
}

int binary_open(struct binary *b, s32 dirfd, const char *path, int flags)
{
	/* O_NONBLOCK: opening a FIFO must not wait for its other end. */
	u32 open_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	struct hostcall_inspect info = {0};
	struct stat st;
	bool ours; /* a file of our /proc: none of these is a program */
	int error = 0;
	s64 ret;

	if (flags & AT_SYMLINK_NOFOLLOW)
		open_flags |= O_NOFOLLOW;
	b->file = file_open(dirfd, path, open_flags, 0, &error);
	if (!b->file)
		return binary_fail_errno(b, -error);
	ours = ofile_node(b->file);
	ret = ours ? ofile_stat(b->file, &st) : inspect(b, &info);
	if (ret < 0)
		return binary_fail_errno(b, (int)-ret);
	_Static_assert(sizeof(st) == sizeof(info.stat), "a struct stat of the host");
	if (!ours)
		memcpy(&st, info.stat, sizeof(st));
	if (ours || !S_ISREG(st.st_mode))
		return refuse(b, EACCES, EXIT_NOT_EXECUTABLE,
			      S_ISDIR(st.st_mode) ? "it is a directory" : "not a regular file");
	if (info.access == -EACCES)
		return refuse(b, EACCES, EXIT_NOT_EXECUTABLE, "it is not executable");
	if (info.access < 0)
		return binary_fail_errno(b, -info.access);
	if (busy_is_written(st.st_dev, st.st_ino))
		return refuse(b, ETXTBSY, EXIT_NOT_EXECUTABLE, "it is open for writing");
	if (boot->flags & BOOT_FILES)
		hc_executed(b->file->handle);
	b->dev = st.st_dev;
	b->ino = st.st_ino;

	b->file_size = (u64)st.st_size;
	b->head_len = (u64)ret;
	b->set_uid = st.st_mode & S_ISUID ? st.st_uid : (u32)-1;
	/* Without the group's execute bit, set-group-ID has no effect here: execve(2). */
	b->set_gid =
		(st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) ? st.st_gid : (u32)-1;
	return 0;
}

int binary_adopt(struct binary *b, struct ofile *file)
{
	struct stat st;
	s64 ret;

	if (!file)
		return binary_fail_errno(b, ENOMEM);
	b->file = file;
	b->set_uid = b->set_gid = (u32)-1;
	ret = hc_fstat(file->handle, &st, sizeof(st));
	if (ret < 0)
		return binary_fail_errno(b, (int)-ret);
	b->dev = st.st_dev;
	b->ino = st.st_ino;
	return read_head(b, (u64)st.st_size);
}

int binary_read(const struct binary *b, void *to, u64 len, u64 offset)
{
	s64 n;

	if (offset <= b->head_len && len <= b->head_len - offset) {
		memcpy(to, b->head + offset, len);
		return 0;
	}
	if (offset > INT64_MAX)
		return -EINVAL;
	n = file_pread(b->file, to, len, offset);
	if (n < 0)
		return (int)n;
	return (u64)n == len ? 0 : -EIO;
}

static int refuse_elf(const struct binary *b, const struct elf_error *why)
{
	b->why->late = why->late;
	if (why->status == EXIT_NOT_EXECUTABLE)
		return refuse(b, b->bad_format, why->status, why->text);
	return binary_fail(b, b->bad_format, why->status, why->text);
}

int binary_check(struct binary *b)
{
	struct elf_error why;

	/* As Linux, which reads the header of an interpreter, but has that of a program. */
	if (b->bad_format == ELIBBAD && b->head_len < sizeof(Elf64_Ehdr))
		return binary_fail(b, EIO, EXIT_BAD_ELF, "the ELF header is truncated");
	if (elf_read_header(&b->image, b->head, b->head_len, b->file_size, &why) < 0)
		return refuse_elf(b, &why);
	b->table = kmalloc(b->image.table_size);
	b->segment = kmalloc(b->image.headers * sizeof(b->segment[0]));
	if (!b->table || !b->segment)
		return binary_fail_errno(b, ENOMEM);
	if (binary_read(b, b->table, b->image.table_size, b->image.table_offset) < 0)
		return binary_fail(b, b->bad_format, EXIT_BAD_ELF,
				   "the program headers cannot be read");
	if (elf_read_segments(&b->image, b->table, b->segment, &why) < 0)
		return refuse_elf(b, &why);
	return 0;
}

/* Maps the part of a segment that the file has, and zeros behind it. Returns 0 or -errno. */
static int map_segment(struct mm *mm, const struct binary *b, const struct elf_segment *s)
{
	u64 start = b->bias + s->vaddr;
	u64 page = ALIGN_DOWN(start, PAGE_SIZE);
	u64 file_end = start + s->filesz;
	u64 zero = page, end = ALIGN_UP(start + s->memsz, PAGE_SIZE);
	s64 ret;

	if (s->filesz) {
		zero = ALIGN_UP(file_end, PAGE_SIZE);
		ret = file_map(mm, page, zero - page, s->prot,
			       MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE, b->file,
			       s->offset - (start - page));
		if (ret < 0)
			return (int)ret;
		if (s->memsz > s->filesz && file_end < zero) {
			ret = mm_clear(mm, file_end, zero - file_end);
			/* As on Linux, a segment that is not writable need not be cleared. */
			if (ret < 0 && (s->prot & PROT_WRITE))
				return (int)ret;
		}
	}
	if (zero < end) {
		/* As on Linux (vm_brk), bss is writable whatever the header says. */
		ret = mm_map(mm, zero, end - zero, PROT_READ | PROT_WRITE | (s->prot & PROT_EXEC),
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0);
		if (ret < 0)
			return (int)ret;
	}
	return 0;
}

static int map(struct binary *b, struct mm *mm, u64 at)
{
	const struct elf_image *image = &b->image;
	/* A large file is aligned so that 2 MiB of it can be one page: kernel/mm/text_cache.h. */
	u64 align = image->end - image->start >= HUGE_SIZE ? MAX(image->align, HUGE_SIZE)
							   : image->align;
	u64 first = ALIGN_DOWN(image->start, image->align);

	if (!image->fixed) {
		at = ALIGN_DOWN(at, align);
		if (at == 0) {
			mutex_lock(&mm->lock);
			at = vma_gap_down(mm, MAP_LOW, mm->mmap_top, image->end - first, align);
			mutex_unlock(&mm->lock);
		}
		if (at == 0)
			return binary_fail(b, ENOMEM, EXIT_BAD_ELF, "there is no room for it");
		b->bias = at - first;
	}
	if (!arch_user_range(b->bias + image->start, b->bias + image->end))
		return binary_fail(b, ENOMEM, EXIT_BAD_ELF, "its addresses are the kernel's");
	if (!mm_user_range(b->bias + image->start, b->bias + image->end))
		return binary_fail(b, ENOMEM, EXIT_BAD_ELF,
				   "its addresses are those of the checked heap");

	for (u32 i = 0; i < image->segments; i++) {
		int ret = map_segment(mm, b, &b->segment[i]);

		if (ret == -EFAULT)
			return binary_fail(b, EFAULT, EXIT_BAD_ELF, "a segment is truncated");
		if (ret == -ENODEV)
			return refuse(b, EACCES, EXIT_NOT_EXECUTABLE, "it cannot be mapped");
		if (ret < 0)
			return binary_fail_errno(b, -ret);
	}
	return 0;
}

int binary_map(struct binary *b, struct mm *mm, u64 at)
{
	int ret = map(b, mm, at);

	b->why->late = ret < 0;
	return ret;
}

void binary_close(struct binary *b)
{
	ofile_put(b->file);
	kfree(b->head);
	kfree(b->table);
	kfree(b->segment);
	kfree(b->path);
	*b = (struct binary){.why = b->why, .bad_format = b->bad_format};
}
