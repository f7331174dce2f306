// SPDX-License-Identifier: MIT
/*
 * Debian has Zydis only as a shared library, which a static program cannot be linked with. So the
 * library's file is embedded in the reporter, and this file maps its segments and applies its
 * relocations. It also defines the functions of Zydis that the reporter calls; each calls the
 * library's function of the same name.
 *
 * The file is part of the build, not input, so it is not checked. If it has kinds of relocations
 * other than those below, report_zydis_load fails when the reporter starts, and reports lack the
 * decoded instruction.
 */
#include <assert.h>
#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <Zydis/Zydis.h>
#include "common/types.h"
#include "check/report/zydis_load.h"

extern const u8 zydis_so_start[], zydis_so_end[];

void __stack_chk_fail(void);

/* The functions that the library imports from the C library. */
static const struct {
	const char *name;
	void *address;
} imports[] = {
	{"memcpy", memcpy},
	{"memset", memset},
	{"strlen", strlen},
	{"__assert_fail", __assert_fail},
	{"__stack_chk_fail", __stack_chk_fail},
};

/* The library's functions that the reporter calls: X(name, parameters, arguments). */
/* clang-format off */
#define FUNCTIONS(X) \
	X(ZydisDecoderInit, \
	  (ZydisDecoder *decoder, ZydisMachineMode machine_mode, ZydisStackWidth stack_width), \
	  (decoder, machine_mode, stack_width)) \
	X(ZydisDecoderDecodeFull, \
	  (const ZydisDecoder *decoder, const void *buffer, ZyanUSize length, \
	   ZydisDecodedInstruction *instruction, \
	   ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT]), \
	  (decoder, buffer, length, instruction, operands)) \
	X(ZydisFormatterInit, \
	  (ZydisFormatter *formatter, ZydisFormatterStyle style), (formatter, style)) \
	X(ZydisFormatterFormatInstruction, \
	  (const ZydisFormatter *formatter, const ZydisDecodedInstruction *instruction, \
	   const ZydisDecodedOperand *operands, ZyanU8 operand_count, char *buffer, \
	   ZyanUSize length, ZyanU64 runtime_address, void *user_data), \
	  (formatter, instruction, operands, operand_count, buffer, length, runtime_address, \
	   user_data))
#define REGISTER_FUNCTIONS(X) \
	X(ZydisRegisterClass, ZydisRegisterGetClass) \
	X(ZyanI8, ZydisRegisterGetId) \
	X(const char *, ZydisRegisterGetString)
/* clang-format on */

static struct {
#define POINTER(name, parameters, arguments) ZyanStatus(*name) parameters;
	FUNCTIONS(POINTER)
#define REGISTER_POINTER(type, name) type (*name)(ZydisRegister);
	REGISTER_FUNCTIONS(REGISTER_POINTER)
} zydis;

static const struct {
	const char *name;
	void **pointer;
} exports[] = {
#define EXPORT(name, ...) {#name, (void **)&zydis.name},
	FUNCTIONS(EXPORT)
#define REGISTER_EXPORT(type, name) {#name, (void **)&zydis.name},
		REGISTER_FUNCTIONS(REGISTER_EXPORT)};

#define FORWARD(name, parameters, arguments)                                                       \
	ZyanStatus name parameters                                                                 \
	{                                                                                          \
		return zydis.name ? zydis.name arguments : ZYAN_STATUS_FAILED;                     \
	}
FUNCTIONS(FORWARD)

/* Called only for registers of a decoded instruction, so the library is loaded. */
#define REGISTER_FORWARD(type, name)                                                               \
	type name(ZydisRegister reg)                                                               \
	{                                                                                          \
		return zydis.name(reg);                                                            \
	}
REGISTER_FUNCTIONS(REGISTER_FORWARD)

struct image {
	u8 *base;
	const Elf64_Sym *symbol;
	const char *string;
};

static u64 symbol_value(const struct image *i, const Elf64_Sym *sym)
{
	const char *name = i->string + sym->st_name;

	if (sym->st_shndx != SHN_UNDEF)
		return (u64)i->base + sym->st_value;
	for (size_t k = 0; k < ARRAY_SIZE(imports); k++)
		if (strcmp(imports[k].name, name) == 0)
			return (u64)imports[k].address;
	return 0;
}

static bool relocate(const struct image *i, const Elf64_Rela *rela, size_t count)
{
	for (const Elf64_Rela *r = rela; r < rela + count; r++) {
		const Elf64_Sym *sym = &i->symbol[ELF64_R_SYM(r->r_info)];
		u64 *at = (u64 *)(i->base + r->r_offset);

		switch (ELF64_R_TYPE(r->r_info)) {
		case R_X86_64_RELATIVE:
			*at = (u64)i->base + (u64)r->r_addend;
			break;
		case R_X86_64_64:
			*at = symbol_value(i, sym) + (u64)r->r_addend;
			break;
		case R_X86_64_GLOB_DAT:
		case R_X86_64_JUMP_SLOT:
			*at = symbol_value(i, sym);
			if (!*at && ELF64_ST_BIND(sym->st_info) != STB_WEAK)
				return false;
			break;
		default:
			return false;
		}
	}
	return true;
}

static bool load(struct image *i, const Elf64_Phdr *ph, u32 count, u64 *dynamic)
{
	u64 end = 0;

	for (u32 k = 0; k < count; k++)
		if (ph[k].p_type == PT_LOAD)
			end = MAX(end, ph[k].p_vaddr + ph[k].p_memsz);
		else if (ph[k].p_type == PT_DYNAMIC)
			*dynamic = ph[k].p_vaddr;
	i->base = mmap(NULL, end, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (i->base == MAP_FAILED)
		return false;
	for (u32 k = 0; k < count; k++)
		if (ph[k].p_type == PT_LOAD)
			memcpy(i->base + ph[k].p_vaddr, zydis_so_start + ph[k].p_offset,
			       ph[k].p_filesz);
	return *dynamic != 0;
}

/* Makes code executable, and segments that are not data read-only. */
static bool protect(const struct image *i, const Elf64_Phdr *ph, u32 count)
{
	for (u32 k = 0; k < count; k++) {
		u64 start = ALIGN_DOWN(ph[k].p_vaddr, 4096UL);
		int prot = PROT_READ | (ph[k].p_flags & PF_X ? PROT_EXEC : 0);

		if (ph[k].p_type != PT_LOAD || ph[k].p_flags & PF_W)
			continue;
		if (mprotect(i->base + start, ph[k].p_vaddr + ph[k].p_memsz - start, prot))
			return false;
	}
	return true;
}

bool report_zydis_load(void)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)zydis_so_start;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(zydis_so_start + eh->e_phoff);
	u64 tag[DT_JMPREL + 1] = {0}, dynamic = 0;
	struct image i = {0};
	u32 symbols;

	if (!load(&i, ph, eh->e_phnum, &dynamic))
		return false;
	for (const Elf64_Dyn *d = (const Elf64_Dyn *)(i.base + dynamic); d->d_tag != DT_NULL; d++)
		if ((u64)d->d_tag < ARRAY_SIZE(tag))
			tag[d->d_tag] = d->d_un.d_val;
	i.symbol = (const Elf64_Sym *)(i.base + tag[DT_SYMTAB]);
	i.string = (const char *)(i.base + tag[DT_STRTAB]);
	if (!relocate(&i, (const Elf64_Rela *)(i.base + tag[DT_RELA]),
		      tag[DT_RELASZ] / sizeof(Elf64_Rela)) ||
	    !relocate(&i, (const Elf64_Rela *)(i.base + tag[DT_JMPREL]),
		      tag[DT_PLTRELSZ] / sizeof(Elf64_Rela)) ||
	    !protect(&i, ph, eh->e_phnum))
		return false;

	/* The strings follow the symbols directly, which tells the number of symbols. */
	symbols = (u32)((tag[DT_STRTAB] - tag[DT_SYMTAB]) / sizeof(Elf64_Sym));
	for (size_t k = 0; k < ARRAY_SIZE(exports); k++) {
		for (u32 n = 0; n < symbols && !*exports[k].pointer; n++)
			if (i.symbol[n].st_shndx != SHN_UNDEF &&
			    strcmp(i.string + i.symbol[n].st_name, exports[k].name) == 0)
				*exports[k].pointer = i.base + i.symbol[n].st_value;
		if (!*exports[k].pointer) {
			memset(&zydis, 0, sizeof(zydis));
			return false;
		}
	}
	return true;
}
