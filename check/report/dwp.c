// SPDX-License-Identifier: MIT
/* See dwp.h. Every number in a package may be forged: each is compared with its section's size. */
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "check/report/dwp.h"

/* Columns of the index: DWARF 5, table 7.1. Versions 2 and 5 give some numbers other meanings. */
#define COLUMN_MAX 8
static const char *const column_section[][COLUMN_MAX + 1] = {
	[0] = {NULL, ".debug_info.dwo", NULL, ".debug_abbrev.dwo", ".debug_line.dwo",
	       ".debug_loc.dwo", ".debug_str_offsets.dwo", ".debug_macinfo.dwo",
	       ".debug_macro.dwo"}, /* version 2 */
	[1] = {NULL, ".debug_info.dwo", NULL, ".debug_abbrev.dwo", ".debug_line.dwo",
	       ".debug_loclists.dwo", ".debug_str_offsets.dwo", ".debug_macro.dwo",
	       ".debug_rnglists.dwo"}, /* version 5 */
};
#define STRINGS	     ".debug_str.dwo" /* all units of a package share it */
#define SECTIONS_MAX (COLUMN_MAX + 4)

struct piece {
	const char *name;
	const u8 *bytes;
	u64 size;
};

struct index {
	const u8 *bytes;
	u64 size;
	u32 version, columns, units, slots;
};

static struct {
	Dwfl_Module *mod;
	u64 id;
} expected;

void dwp_expect(Dwfl_Module *mod, u64 id)
{
	expected.mod = mod;
	expected.id = id;
}

static u64 get(const struct index *x, u64 at, u32 size)
{
	u64 value = 0;

	if (at <= x->size && size <= x->size - at)
		memcpy(&value, x->bytes + at, size);
	return value;
}

/* Finds a section's bytes. Returns false if there is none. */
static bool find_section(Elf *elf, const char *name, struct piece *p)
{
	Elf_Scn *scn = NULL;
	size_t strings;

	if (elf_getshdrstrndx(elf, &strings))
		return false;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr h;
		const char *is;
		Elf_Data *d;

		if (!gelf_getshdr(scn, &h) || !(is = elf_strptr(elf, strings, h.sh_name)) ||
		    strcmp(is, name) != 0)
			continue;
		if (h.sh_flags & SHF_COMPRESSED)
			elf_compress(scn, 0, 0);
		d = elf_rawdata(scn, NULL);
		if (!d || !d->d_buf)
			return false;
		*p = (struct piece){name, d->d_buf, d->d_size};
		return true;
	}
	return false;
}

static bool read_index(Elf *elf, struct index *x)
{
	struct piece p;

	if (!find_section(elf, ".debug_cu_index", &p) || p.size < 16)
		return false;
	*x = (struct index){.bytes = p.bytes, .size = p.size};
	x->version = get(x, 0, 4) == 2 ? 2 : (u32)get(x, 0, 2);
	x->columns = (u32)get(x, 4, 4);
	x->units = (u32)get(x, 8, 4);
	x->slots = (u32)get(x, 12, 4);
	return (x->version == 2 || x->version == 5) && x->columns && x->columns <= COLUMN_MAX &&
	       x->slots && !(x->slots & (x->slots - 1)) && x->slots <= p.size / 12 &&
	       x->units <= p.size / 8;
}

/* Returns the row of a unit, from 1, or 0. The table of IDs is one of double hashing. */
static u32 find_row(const struct index *x, u64 id)
{
	u32 mask = x->slots - 1, at = (u32)id & mask, step = ((u32)(id >> 32) & mask) | 1;

	for (u32 i = 0; i < x->slots; i++, at = (at + step) & mask) {
		u32 row = (u32)get(x, 16 + 8UL * x->slots + 4UL * at, 4);

		if (!row)
			return 0;
		if (get(x, 16 + 8UL * at, 8) == id)
			return row <= x->units ? row : 0;
	}
	return 0;
}

/* Finds the pieces of a row. Returns their number, or 0 if the package is not as it has to be. */
static u32 find_pieces(Elf *elf, const struct index *x, u32 row, struct piece *piece)
{
	u64 table = 16 + 12UL * x->slots, sizes = table + 4UL * x->columns * (x->units + 1UL);
	u32 count = 0;

	for (u32 i = 0; i < x->columns; i++) {
		u32 column = (u32)get(x, table + 4UL * i, 4);
		const char *name =
			column <= COLUMN_MAX ? column_section[x->version == 5][column] : NULL;
		u64 offset = get(x, table + 4UL * x->columns * row + 4UL * i, 4);
		u64 size = get(x, sizes + 4UL * x->columns * (row - 1UL) + 4UL * i, 4);
		struct piece whole;

		if (!name || !size)
			continue;
		if (!find_section(elf, name, &whole) || offset > whole.size ||
		    size > whole.size - offset)
			return 0;
		piece[count++] = (struct piece){name, whole.bytes + offset, size};
	}
	if (count && find_section(elf, STRINGS, &piece[count]))
		count++;
	return count;
}

/* Writes an object file with these sections. Returns false if the file cannot be written. */
static bool write_object(FILE *out, const struct piece *piece, u32 count)
{
	Elf64_Shdr header[SECTIONS_MAX + 2] = {0};
	Elf64_Ehdr e = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_REL,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(e),
		.e_shentsize = sizeof(*header),
		.e_shnum = (u16)(count + 2),
		.e_shstrndx = (u16)(count + 1),
	};
	u64 at = sizeof(e), names = 1;

	for (u32 i = 0; i < count; i++) {
		header[i + 1] = (Elf64_Shdr){.sh_name = (u32)names,
					     .sh_type = SHT_PROGBITS,
					     .sh_offset = at,
					     .sh_size = piece[i].size,
					     .sh_addralign = 1};
		at += piece[i].size;
		names += strlen(piece[i].name) + 1;
	}
	header[count + 1] = (Elf64_Shdr){
		.sh_type = SHT_STRTAB, .sh_offset = at, .sh_size = names, .sh_addralign = 1};
	e.e_shoff = ALIGN_UP(at + names, 8);
	fwrite(&e, sizeof(e), 1, out);
	for (u32 i = 0; i < count; i++)
		fwrite(piece[i].bytes, 1, piece[i].size, out);
	fputc('\0', out);
	for (u32 i = 0; i < count; i++)
		fwrite(piece[i].name, 1, strlen(piece[i].name) + 1, out);
	for (u64 pad = at + names; pad < e.e_shoff; pad++)
		fputc('\0', out);
	fwrite(header, sizeof(*header), count + 2, out);
	return fflush(out) == 0 && !ferror(out);
}

/* Returns a descriptor of the unit of the package at path as an object file, or -1. */
static int extract(const char *path, u64 id)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), made = -1;
	struct piece piece[SECTIONS_MAX];
	struct index x;
	struct stat st;
	u32 row, count;
	FILE *out;
	Elf *elf;

	if (fd < 0)
		return -1;
	elf = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? elf_begin(fd, ELF_C_READ, NULL) : NULL;
	row = elf && read_index(elf, &x) ? find_row(&x, id) : 0;
	count = row ? find_pieces(elf, &x, row, piece) : 0;
	if (count)
		made = memfd_create("unit.dwo", MFD_CLOEXEC);
	out = made >= 0 ? fdopen(dup(made), "w") : NULL;
	if (made >= 0 && (!out || !write_object(out, piece, count))) {
		close(made);
		made = -1;
	}
	if (out)
		fclose(out);
	if (made >= 0)
		lseek(made, 0, SEEK_SET);
	elf_end(elf);
	close(fd);
	return made;
}

int dwp_open(void)
{
	const char *file[2] = {NULL, NULL};
	char *path = NULL;
	int fd = -1;

	if (!expected.mod)
		return -1;
	dwfl_module_info(expected.mod, NULL, NULL, NULL, NULL, NULL, &file[0], &file[1]);
	for (u32 i = 0; i < ARRAY_SIZE(file) && fd < 0; i++) {
		if (!file[i] || asprintf(&path, "%s.dwp", file[i]) < 0)
			continue;
		fd = extract(path, expected.id);
		free(path);
	}
	return fd;
}
