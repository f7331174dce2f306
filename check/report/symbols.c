// SPDX-License-Identifier: MIT
/*
 * See symbols.h. elfutils finds separate debug files by build-id below /usr/lib/debug and by
 * .gnu_debuglink. It does not ask servers (leave_out.c).
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "check/report/elf_open.h"
#include "check/report/scopes.h"
#include "check/report/symbols.h"
#include "check/report/units.h"
#include "check/report/zstd.h"

/* From libiberty/demangle.h, whose ansidecl.h conflicts with the headers here. */
#define DMGL_PARAMS (1 << 0)
#define DMGL_ANSI   (1 << 1)
char *cplus_demangle_v3(const char *mangled, int options);
char *rust_demangle(const char *mangled, int options);

struct report_symbols {
	Dwfl *dwfl;
	struct units units;
	const struct report_maps *maps;
};

/*
 * Opens a file that the guest had mapped. The path may lead to any kind of file by now; only a
 * regular file is used, and O_NONBLOCK keeps open from waiting for a FIFO's other end.
 */
static int find_elf(Dwfl_Module *mod, void **data, const char *name, Dwarf_Addr base,
		    char **file_name, Elf **elf)
{
	struct stat st;
	int fd;

	(void)mod;
	(void)data;
	(void)base;
	(void)elf;
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -1;
	}
	*file_name = strdup(name);
	return fd;
}

/* The checksum of .gnu_debuglink is that of the file before it is expanded. */
static int find_debuginfo(Dwfl_Module *mod, void **data, const char *name, Dwarf_Addr base,
			  const char *file_name, const char *link, GElf_Word crc, char **found)
{
	int fd;

	elf_open_plainly = true;
	fd = dwfl_standard_find_debuginfo(mod, data, name, base, file_name, link, crc, found);
	elf_open_plainly = false;
	return zstd_expanded(fd);
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = find_debuginfo,
};

/* Makes a stream of the lines of mapped files, for elfutils's parser. */
static FILE *module_lines(const struct report_maps *maps, char **text, size_t *len)
{
	FILE *f = open_memstream(text, len);

	if (!f)
		return NULL;
	for (u32 i = 0; i < maps->count; i++)
		if (maps->map[i].file && !report_maps_is_heap_library(maps->map[i].path))
			fprintf(f, "%s\n", maps->map[i].line);
	if (fclose(f) || !*len) {
		free(*text);
		*text = NULL;
		return NULL;
	}
	f = fmemopen(*text, *len, "r");
	if (!f)
		free(*text);
	return f;
}

struct report_symbols *report_symbols_begin(const struct report_maps *maps)
{
	struct report_symbols *s = calloc(1, sizeof(*s));
	char *text = NULL;
	size_t len;
	FILE *lines;

	if (!s)
		return NULL;
	s->maps = maps;
	s->dwfl = dwfl_begin(&callbacks);
	if (!s->dwfl) {
		free(s);
		return NULL;
	}
	dwfl_report_begin(s->dwfl);
	lines = module_lines(maps, &text, &len);
	if (lines) {
		dwfl_linux_proc_maps_report(s->dwfl, lines);
		fclose(lines);
		free(text);
	}
	dwfl_report_end(s->dwfl, NULL, NULL);
	return s;
}

void report_symbols_end(struct report_symbols *s)
{
	if (!s)
		return;
	units_free(&s->units);
	dwfl_end(s->dwfl);
	free(s);
}

Dwfl *report_symbols_dwfl(struct report_symbols *s)
{
	return s->dwfl;
}

static bool is_mangled(const char *name)
{
	return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R');
}

/*
 * Cuts what compilers append to the names of their copies and parts of functions: .isra.0, .cold.
 */
static void cut_clone(char *name)
{
	static const char *const clones[] = {".isra",	  ".constprop", ".part",      ".cold",
					     ".lto_priv", ".llvm",	".localalias"};

	for (char *dot; (dot = strrchr(name, '.')) && dot != name;) {
		bool is_clone = false,
		     is_number = dot[1] && !dot[1 + strspn(dot + 1, "0123456789")];

		if (is_number) {
			*dot = '\0';
			char *word = strrchr(name, '.');

			for (size_t i = 0; word && i < ARRAY_SIZE(clones); i++)
				is_clone |= strcmp(word, clones[i]) == 0;
			if (!is_clone) {
				*dot = '.';
				return;
			}
			*word = '\0';
			continue;
		}
		for (size_t i = 0; i < ARRAY_SIZE(clones); i++)
			is_clone |= strcmp(dot, clones[i]) == 0;
		if (!is_clone)
			return;
		*dot = '\0';
	}
}

/* Returns the name as users write it, which the caller frees; NULL without memory. */
static char *readable(const char *name)
{
	char *plain = strdup(name), *text = NULL;

	if (!plain)
		return NULL;
	cut_clone(plain);
	if (!is_mangled(plain))
		return plain;
	text = rust_demangle(plain, DMGL_PARAMS);
	if (!text)
		text = cplus_demangle_v3(plain, DMGL_PARAMS | DMGL_ANSI);
	if (!text)
		return plain;
	free(plain);
	return text;
}

/*
 * Returns the name of a function. A mangled linkage name says more than the plain name; other
 * linkage names are aliases in the C library.
 */
static const char *scope_name(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	const char *name = NULL;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attr) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attr))
		name = dwarf_formstring(&attr);
	if (!(name && is_mangled(name)) && dwarf_attr_integrate(die, DW_AT_name, &attr))
		name = dwarf_formstring(&attr);
	return name;
}

struct position {
	const char *file, *directory;
	int line, column;
};

static void emit(const char *name, const struct position *at, u64 pc, u32 flags, const char *module,
		 u64 offset, report_frame_fn *fn, void *arg)
{
	char *readable_name = name ? readable(name) : NULL;
	struct report_frame frame = {
		.pc = pc,
		.offset = offset,
		.function = readable_name ? readable_name : "",
		.file = at->file && at->line > 0 ? at->file : "",
		.directory = at->directory ? at->directory : "",
		.line = at->file && at->line > 0 ? (u32)at->line : 0,
		.column = at->file && at->line > 0 && at->column > 0 ? (u32)at->column : 0,
		.module = module,
		.source = "",
		.flags = flags,
	};

	fn(&frame, arg);
	free(readable_name);
}

/* Finds the position at which an inlined function was called. */
static void call_site(Dwarf_Die *inlined, struct position *at)
{
	Dwarf_Attribute attr;
	Dwarf_Files *files;
	Dwarf_Word value;
	Dwarf_Die cu;
	size_t count;

	*at = (struct position){.directory = at->directory};
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attr), &value) == 0 &&
	    dwarf_diecu(inlined, &cu, NULL, NULL) && dwarf_getsrcfiles(&cu, &files, &count) == 0 &&
	    value < count)
		at->file = dwarf_filesrc(files, value, NULL, NULL);
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attr), &value) == 0 &&
	    value < INT32_MAX)
		at->line = (int)value;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_column, &attr), &value) == 0 &&
	    value < INT32_MAX)
		at->column = (int)value;
}

/* What the debug information says of an address. */
struct place {
	struct position at;
	bool has_scopes;      /* .scopes is filled in */
	struct scopes scopes; /* innermost first, up to and with the function */
};

/* Finds the line of an address and the functions around it. */
static void look_up(struct report_symbols *s, Dwfl_Module *mod, u64 look, struct place *p)
{
	struct unit u;
	Dwarf_Line *line;

	if (!units_find(&s->units, mod, look, &u))
		return;
	p->has_scopes = scopes_find(&u.die, u.pc, &p->scopes) ||
			(u.is_split && scopes_find(&u.skeleton, u.pc, &p->scopes));
	/*
	 * Without the unit's functions, the line may be that of an inlined function, and the
	 * symbol's name that of another one. A complete unit that has no function here (assembler,
	 * -g1) has none that was inlined either.
	 */
	if (!p->has_scopes && u.is_lost)
		return;
	line = dwarf_getsrc_die(&u.skeleton, u.pc);
	if (line) {
		p->at.file = dwarf_linesrc(line, NULL, NULL);
		dwarf_lineno(line, &p->at.line);
		dwarf_linecol(line, &p->at.column);
	}
	p->at.directory = unit_directory(&u.skeleton);
}

/*
 * Emits the inlined functions around pc, each with its own position. Then *name and *at are those
 * of the function that contains them.
 */
static void emit_inlined(struct scopes *scopes, u64 pc, const char *module, u64 offset,
			 struct position *at, const char **name, report_frame_fn *fn, void *arg)
{
	for (u32 i = 0; i < scopes->count; i++) {
		Dwarf_Die *die = &scopes->die[i];
		const char *scope = scope_name(die);

		if (dwarf_tag(die) == DW_TAG_subprogram) {
			/* Only the symbol has the mangled name of a static C++ function. */
			if (scope && (is_mangled(scope) || !*name || !is_mangled(*name)))
				*name = scope;
			return;
		}
		emit(scope, at, pc, FRAME_INLINED, module, offset, fn, arg);
		call_site(die, at);
	}
}

void report_symbols_lookup(struct report_symbols *s, u64 pc, bool exact, report_frame_fn *fn,
			   void *arg)
{
	const struct report_map *map;
	u64 look = exact || !pc ? pc : pc - 1, offset = pc;
	const char *module = "", *name = NULL;
	struct place place = {0};
	Dwfl_Module *mod;

	map = report_maps_find(s->maps, look);
	if (map) {
		module = map->path;
		offset = pc - report_maps_base(s->maps, map);
	}
	mod = map && map->exec ? dwfl_addrmodule(s->dwfl, look) : NULL;
	if (mod) {
		GElf_Off symbol_offset;
		GElf_Sym sym;
		Dwarf_Addr bias;

		name = dwfl_module_addrinfo(mod, look, &symbol_offset, &sym, NULL, NULL, NULL);
		/* A symbol that ends before the address is not that of its function. */
		if (name && sym.st_size && symbol_offset >= sym.st_size)
			name = NULL;
		/* The address in the file and not in memory, as addr2line takes it. */
		if (dwfl_module_getelf(mod, &bias))
			offset = pc - bias;
		look_up(s, mod, look, &place);
		emit_inlined(&place.scopes, pc, module, offset, &place.at, &name, fn, arg);
	}
	emit(name, &place.at, pc, 0, module, offset, fn, arg);
}

void report_symbols_build_id(struct report_symbols *s, u64 pc, char *build_id, size_t size)
{
	Dwfl_Module *mod = dwfl_addrmodule(s->dwfl, pc);
	const unsigned char *bits;
	GElf_Addr vaddr;
	Dwarf_Addr bias;
	int len;

	build_id[0] = '\0';
	/* dwfl_module_getelf opens the file, which has the build-id. */
	if (!mod || !dwfl_module_getelf(mod, &bias))
		return;
	len = dwfl_module_build_id(mod, &bits, &vaddr);
	for (int i = 0; i < len && 2 * (size_t)i + 3 <= size; i++)
		snprintf(build_id + 2 * i, 3, "%02x", bits[i]);
}
