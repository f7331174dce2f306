// SPDX-License-Identifier: MIT
/*
 * Reads the guest kernel's ELF file, a static PIE with an ABI note. libelf reads the headers. The
 * file may be the user's (`buffervm kernel.elf program`), so every range is checked.
 */
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include "vm/vm.h"

static bool note_abi(Elf *elf, const GElf_Phdr *ph, u32 *version)
{
	Elf_Data *data = elf_getdata_rawchunk(elf, (s64)ph->p_offset, ph->p_filesz, ELF_T_NHDR);
	size_t at = 0, name, desc;
	GElf_Nhdr note;

	while (data && (at = gelf_getnote(data, at, &note, &name, &desc)) > 0) {
		if (note.n_type == ABI_NOTE_TYPE && note.n_descsz == sizeof(*version) &&
		    note.n_namesz == sizeof(ABI_NOTE_OWNER) &&
		    !memcmp((u8 *)data->d_buf + name, ABI_NOTE_OWNER, sizeof(ABI_NOTE_OWNER))) {
			memcpy(version, (u8 *)data->d_buf + desc, sizeof(*version));
			return true;
		}
	}
	return false;
}

/* A segment lies wholly in the addresses of text or in those of data (common/layout.h). */
static bool segment_ok(const GElf_Phdr *ph, size_t file_size)
{
	return ph->p_filesz <= ph->p_memsz && ph->p_offset <= file_size &&
	       ph->p_filesz <= file_size - ph->p_offset && ph->p_vaddr < KERNEL_ADDRESSES &&
	       ph->p_memsz <= KERNEL_DATA_SHIFT - loader_place(ph->p_vaddr);
}

/*
 * Returns where image-relative [vaddr, vaddr + len) is in the file, or -1 if it is not wholly in
 * the file's part of one segment.
 */
static s64 file_offset(const struct kernel_image *image, u64 vaddr, u64 len)
{
	for (u32 i = 0; i < image->segments; i++) {
		const struct kernel_segment *g = &image->segment[i];

		if (vaddr >= g->vaddr && vaddr - g->vaddr <= g->file_size &&
		    len <= g->file_size - (vaddr - g->vaddr))
			return (s64)(g->offset + (vaddr - g->vaddr));
	}
	return -1;
}

/*
 * Reads DT_RELA and DT_RELASZ. Returns false if there is a dynamic tag that the loader does not
 * support. Copies each entry, because its offset in the file may be unaligned.
 */
static bool read_dynamic(struct kernel_image *image, const GElf_Phdr *ph)
{
	for (u64 i = 0; i + sizeof(Elf64_Dyn) <= ph->p_filesz; i += sizeof(Elf64_Dyn)) {
		Elf64_Dyn dyn;

		memcpy(&dyn, image->file + ph->p_offset + i, sizeof(dyn));
		switch (dyn.d_tag) {
		case DT_NULL:
			return true;
		case DT_RELA:
			image->rela = dyn.d_un.d_ptr;
			break;
		case DT_RELASZ:
			image->rela_count = dyn.d_un.d_val / sizeof(Elf64_Rela);
			break;
		case DT_NEEDED:
		case DT_REL:
		case DT_RELR:
		case DT_JMPREL:
			return false;
		default:
			break;
		}
	}
	return true;
}

static int parse(Elf *elf, struct kernel_image *image, const char **why)
{
	GElf_Ehdr eh;
	size_t count;
	u32 version;
	bool ours = false;

	*why = "not an x86-64 ELF file";
	if (elf_kind(elf) != ELF_K_ELF || gelf_getclass(elf) != ELFCLASS64 ||
	    !gelf_getehdr(elf, &eh) || eh.e_machine != EM_X86_64 ||
	    eh.e_ident[EI_DATA] != ELFDATA2LSB || elf_getphdrnum(elf, &count))
		return -ENOEXEC;

	*why = "not a BufferVM kernel";
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr ph;

		if (gelf_getphdr(elf, (int)i, &ph) && ph.p_type == PT_NOTE &&
		    note_abi(elf, &ph, &version))
			ours = true;
	}
	if (!ours)
		return -ENOEXEC;
	*why = "a BufferVM kernel of another ABI version";
	if (version != ABI_VERSION)
		return -EPROTO;

	*why = "a corrupt BufferVM kernel";
	if (eh.e_type != ET_DYN)
		return -EPROTO;
	for (size_t i = 0; i < count; i++) {
		struct kernel_segment *g = &image->segment[image->segments];
		GElf_Phdr ph;

		if (!gelf_getphdr(elf, (int)i, &ph))
			return -EPROTO;
		if (ph.p_type != PT_LOAD)
			continue;
		if (image->segments == ARRAY_SIZE(image->segment) || !segment_ok(&ph, image->size))
			return -EPROTO;
		*g = (struct kernel_segment){
			.offset = ph.p_offset,
			.file_size = ph.p_filesz,
			.vaddr = ph.p_vaddr,
			.memory_size = ph.p_memsz,
			.write = ph.p_flags & PF_W,
			.exec = ph.p_flags & PF_X,
		};
		/* The entry page is the first page of the code: kernel.lds. */
		if (g->exec && !image->entry_page)
			image->entry_page = g->vaddr;
		image->segments++;
		image->memory_size =
			MAX(image->memory_size,
			    ALIGN_UP(loader_place(ph.p_vaddr) + ph.p_memsz, PAGE_SIZE));
	}
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(elf, (int)i, &ph))
			return -EPROTO;
		if (ph.p_type == PT_DYNAMIC &&
		    (!segment_ok(&ph, image->size) || !read_dynamic(image, &ph)))
			return -EPROTO;
	}
	image->entry = eh.e_entry;
	if (!image->entry_page || !IS_ALIGNED(image->entry_page, PAGE_SIZE) ||
	    image->entry >= image->memory_size)
		return -EPROTO;
	if (image->rela_count &&
	    (image->rela_count > image->size / sizeof(Elf64_Rela) ||
	     file_offset(image, image->rela, image->rela_count * sizeof(Elf64_Rela)) < 0))
		return -EPROTO;
	return 0;
}

int loader_parse(const u8 *file, size_t size, struct kernel_image *image, const char **why)
{
	Elf *elf;
	int ret;

	memset(image, 0, sizeof(*image));
	image->file = file;
	image->size = size;
	elf_version(EV_CURRENT);
	/* libelf only reads, but its interface lacks const. */
	elf = elf_memory((char *)(uintptr_t)file, size);
	if (!elf) {
		*why = "not an ELF file";
		return -ENOEXEC;
	}
	ret = parse(elf, image, why);
	elf_end(elf);
	return ret;
}

int loader_load(const struct kernel_image *image, u8 *host, u64 va)
{
	for (u32 i = 0; i < image->segments; i++) {
		const struct kernel_segment *g = &image->segment[i];

		memcpy(host + loader_place(g->vaddr), image->file + g->offset, g->file_size);
	}
	if (!image->rela_count)
		return 0;

	const u8 *rela = image->file +
			 file_offset(image, image->rela, image->rela_count * sizeof(Elf64_Rela));

	for (u64 i = 0; i < image->rela_count; i++) {
		Elf64_Rela r;
		u64 value;

		memcpy(&r, rela + i * sizeof(r), sizeof(r));
		if (ELF64_R_TYPE(r.r_info) != R_X86_64_RELATIVE || r.r_offset >= KERNEL_ADDRESSES ||
		    loader_place(r.r_offset) > image->memory_size - sizeof(value))
			return -EPROTO;
		value = va + (u64)r.r_addend;
		memcpy(host + loader_place(r.r_offset), &value, sizeof(value));
	}
	return 0;
}
