// SPDX-License-Identifier: MIT
/* Checks ELF headers and turns them into segments. See elf.h for the rules. */
#include <asm/errno.h>
#include <linux/elf.h>
#include <linux/limits.h>
#include <linux/mman.h>
#include "common/exit_status.h"
#include "common/layout.h"
#include "kernel/exec/elf.h"
#include "libc/string.h"

/* Linux's default vm.mmap_min_addr: nothing is mapped below. */
#define MAP_MIN 0x10000

static int refuse(struct elf_error *why, u32 status, const char *text)
{
	*why = (struct elf_error){.status = status, .text = text};
	return -ENOEXEC;
}

/* For what Linux finds only when the old program is gone. */
static int refuse_late(struct elf_error *why, const char *text)
{
	*why = (struct elf_error){.status = EXIT_BAD_ELF, .text = text, .late = true};
	return -ENOEXEC;
}

int elf_read_header(struct elf_image *image, const void *head, u64 len, u64 file_size,
		    struct elf_error *why)
{
	const u8 *ident = head;
	Elf64_Ehdr e;

	memset(image, 0, sizeof(*image));
	if (len == 0)
		return refuse(why, EXIT_NOT_EXECUTABLE, "the file is empty");
	if (len < SELFMAG || memcmp(ident, ELFMAG, SELFMAG) != 0)
		return refuse(why, EXIT_NOT_EXECUTABLE, "neither an ELF file nor a #! script");
	if (len < sizeof(e))
		return refuse(why, EXIT_BAD_ELF, "the ELF header is truncated");
	memcpy(&e, head, sizeof(e));

	/* Like Linux, this looks at the word size and byte order only to explain a refusal. */
	if (e.e_machine != EM_X86_64 ||
	    (ident[EI_CLASS] == ELFCLASS32 && e.e_phentsize != sizeof(Elf64_Phdr))) {
		if (ident[EI_CLASS] == ELFCLASS32)
			return refuse(why, EXIT_FOREIGN_ELF,
				      "a 32-bit program; only x86-64 runs here");
		if (ident[EI_DATA] == ELFDATA2MSB)
			return refuse(why, EXIT_FOREIGN_ELF,
				      "a big-endian program; only x86-64 runs here");
		return refuse(why, EXIT_FOREIGN_ELF,
			      "a program for another architecture; only x86-64 runs here");
	}
	if (e.e_type == ET_REL)
		return refuse(why, EXIT_NOT_EXECUTABLE, "an object file, not a program");
	if (e.e_type == ET_CORE)
		return refuse(why, EXIT_NOT_EXECUTABLE, "a core dump, not a program");
	if (e.e_type != ET_EXEC && e.e_type != ET_DYN)
		return refuse(why, EXIT_BAD_ELF, "the ELF header has no valid type");
	if (e.e_phnum == 0)
		return refuse(why, EXIT_BAD_ELF, "there are no program headers");
	if (e.e_phentsize != sizeof(Elf64_Phdr))
		return refuse(why, EXIT_BAD_ELF, "the program headers have the wrong size");
	if (e.e_phnum > ELF_TABLE_MAX / sizeof(Elf64_Phdr))
		return refuse(why, EXIT_BAD_ELF, "there are too many program headers");
	image->headers = e.e_phnum;
	image->table_size = (u32)(e.e_phnum * sizeof(Elf64_Phdr));
	if (e.e_phoff > file_size || image->table_size > file_size - e.e_phoff)
		return refuse(why, EXIT_BAD_ELF, "the program headers are truncated");
	if (e.e_entry >= USER_TOP)
		return refuse_late(why, "the entry point is outside user memory");

	image->fixed = e.e_type == ET_EXEC;
	image->entry = e.e_entry;
	image->table_offset = e.e_phoff;
	return 0;
}

static u32 segment_prot(u32 flags)
{
	return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) |
	       (flags & PF_X ? PROT_EXEC : 0);
}

/* Adds a PT_LOAD to the image's segments, and widens its spans. Returns 0 or -ENOEXEC. */
static int add_segment(struct elf_image *image, const Elf64_Phdr *p, struct elf_error *why)
{
	struct elf_segment *s = &image->segment[image->segments];
	u64 memory_end, file_end;

	if (p->p_filesz > p->p_memsz)
		return refuse_late(why, "a segment is larger in the file than in memory");
	if (p->p_memsz > USER_TOP || p->p_vaddr > USER_TOP - p->p_memsz)
		return refuse_late(why, "a segment wraps or lies outside user memory");
	if (p->p_memsz == 0)
		return 0;
	if (image->fixed && p->p_vaddr < MAP_MIN)
		return refuse_late(why, "a segment lies below the lowest user address");
	if (p->p_filesz) {
		if (((p->p_vaddr ^ p->p_offset) & PAGE_MASK) != 0)
			return refuse_late(why, "a segment is not aligned to its file offset");
		if (p->p_offset > INT64_MAX - p->p_filesz)
			return refuse_late(why, "a segment's file offset is out of range");
	}

	*s = (struct elf_segment){
		.vaddr = p->p_vaddr,
		.memsz = p->p_memsz,
		.offset = p->p_offset,
		.filesz = p->p_filesz,
		.prot = segment_prot(p->p_flags),
	};

	memory_end = s->vaddr + s->memsz;
	file_end = s->vaddr + s->filesz;
	image->start = image->segments ? MIN(image->start, s->vaddr) : s->vaddr;
	image->end = MAX(image->end, memory_end);
	image->data_start = MAX(image->data_start, s->vaddr);
	image->data_end = MAX(image->data_end, file_end);
	if (s->prot & PROT_EXEC) {
		image->code_start = image->code_end ? MIN(image->code_start, s->vaddr) : s->vaddr;
		image->code_end = MAX(image->code_end, file_end);
	}
	if ((p->p_align & (p->p_align - 1)) == 0 && p->p_align < USER_TOP)
		image->align = MAX(image->align, p->p_align);
	if (s->offset <= image->table_offset && image->table_offset - s->offset < s->filesz)
		image->phdr = s->vaddr + (image->table_offset - s->offset);
	image->segments++;
	return 0;
}

int elf_read_segments(struct elf_image *image, const void *table, struct elf_segment *segment,
		      struct elf_error *why)
{
	int ret;

	image->segment = segment;
	image->align = PAGE_SIZE;
	for (u32 i = 0; i < image->headers; i++) {
		Elf64_Phdr p;

		memcpy(&p, (const u8 *)table + i * sizeof(p), sizeof(p));
		switch (p.p_type) {
		case PT_LOAD:
			ret = add_segment(image, &p, why);
			if (ret < 0)
				return ret;
			break;
		case PT_INTERP:
			if (image->interp) /* as on Linux, the first one counts */
				break;
			if (p.p_filesz < 2 || p.p_filesz > PATH_MAX)
				return refuse(why, EXIT_BAD_ELF,
					      "the interpreter's name is invalid");
			image->interp = true;
			image->interp_offset = p.p_offset;
			image->interp_len = (u32)p.p_filesz;
			break;
		case PT_GNU_STACK:
			image->exec_stack = p.p_flags & PF_X;
			break;
		}
	}
	if (image->segments == 0)
		return refuse_late(why, "there is nothing to load");
	image->start = ALIGN_DOWN(image->start, PAGE_SIZE);
	image->end = ALIGN_UP(image->end, PAGE_SIZE);
	return 0;
}
