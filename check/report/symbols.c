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
#include "check/report/symbols.h"

/* From libiberty/demangle.h, whose ansidecl.h conflicts with the headers here. */
#define DMGL_PARAMS (1 << 0)
#define DMGL_ANSI   (1 << 1)
char *cplus_demangle_v3(const char *mangled, int options);
char *rust_demangle(const char *mangled, int options);

#define INLINE_MAX 64 /* inlined frames of one address */

struct report_symbols {
	Dwfl *dwfl;
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

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
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

/* Returns the demangled name, which the caller frees, or NULL if the name is not mangled. */
static char *demangle(const char *name)
{
	char *text = NULL;

	if (is_mangled(name)) {
		text = rust_demangle(name, DMGL_PARAMS);
		if (!text)
			text = cplus_demangle_v3(name, DMGL_PARAMS | DMGL_ANSI);
	}
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
	char *demangled = name ? demangle(name) : NULL;
	struct report_frame frame = {
		.pc = pc,
		.offset = offset,
		.function = demangled ? demangled
			    : name    ? name
				      : "",
		.file = at->file && at->line > 0 ? at->file : "",
		.directory = at->directory ? at->directory : "",
		.line = at->file && at->line > 0 ? (u32)at->line : 0,
		.column = at->file && at->line > 0 && at->column > 0 ? (u32)at->column : 0,
		.module = module,
		.source = "",
		.flags = flags,
	};

	fn(&frame, arg);
	free(demangled);
}

/* Finds the position at which an inlined function was called. */
static void call_site(Dwarf_Die *cu, Dwarf_Die *inlined, struct position *at)
{
	Dwarf_Attribute attr;
	Dwarf_Files *files;
	Dwarf_Word value;
	size_t count;

	*at = (struct position){.directory = at->directory};
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attr), &value) == 0 &&
	    dwarf_getsrcfiles(cu, &files, &count) == 0 && value < count)
		at->file = dwarf_filesrc(files, value, NULL, NULL);
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attr), &value) == 0 &&
	    value < INT32_MAX)
		at->line = (int)value;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_column, &attr), &value) == 0 &&
	    value < INT32_MAX)
		at->column = (int)value;
}

/*
 * Emits the inlined functions around pc, each with its own position. Then *name and *at are those
 * of the function that contains them.
 */
static void lookup_inlined(Dwfl_Module *mod, u64 look, u64 pc, const char *module, u64 offset,
			   struct position *at, const char **name, report_frame_fn *fn, void *arg)
{
	Dwarf_Addr bias;
	Dwarf_Die *cu = dwfl_module_addrdie(mod, look, &bias), *innermost = NULL, *scopes = NULL;
	int count = 0, inlined = 0;

	if (!cu)
		return;
	/*
	 * Around an inlined function, dwarf_getscopes returns the scopes of its definition;
	 * dwarf_getscopes_die returns those that it was inlined into.
	 */
	if (dwarf_getscopes(cu, look - bias, &innermost) > 0)
		count = dwarf_getscopes_die(&innermost[0], &scopes);
	for (int i = 0; i < count; i++) {
		int tag = dwarf_tag(&scopes[i]);
		const char *scope = scope_name(&scopes[i]);

		if (tag == DW_TAG_subprogram) {
			/* Only the symbol has the mangled name of a static C++ function. */
			if (scope && (is_mangled(scope) || !*name || !is_mangled(*name)))
				*name = scope;
			break;
		}
		if (tag != DW_TAG_inlined_subroutine || inlined++ >= INLINE_MAX)
			continue;
		emit(scope, at, pc, FRAME_INLINED, module, offset, fn, arg);
		call_site(cu, &scopes[i], at);
	}
	free(scopes);
	free(innermost);
}

void report_symbols_lookup(struct report_symbols *s, u64 pc, bool exact, report_frame_fn *fn,
			   void *arg)
{
	const struct report_map *map;
	u64 look = exact || !pc ? pc : pc - 1, offset = pc;
	const char *module = "", *name = NULL;
	struct position at = {0};
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
		Dwfl_Line *line;
		Dwarf_Addr bias;

		name = dwfl_module_addrinfo(mod, look, &symbol_offset, &sym, NULL, NULL, NULL);
		/* A symbol that ends before the address is not that of its function. */
		if (name && sym.st_size && symbol_offset >= sym.st_size)
			name = NULL;
		line = dwfl_module_getsrc(mod, look);
		if (line) {
			at.file = dwfl_lineinfo(line, NULL, &at.line, &at.column, NULL, NULL);
			at.directory = dwfl_line_comp_dir(line);
		}
		/* The address in the file and not in memory, as addr2line takes it. */
		if (dwfl_module_getelf(mod, &bias))
			offset = pc - bias;
		lookup_inlined(mod, look, pc, module, offset, &at, &name, fn, arg);
	}
	emit(name, &at, pc, 0, module, offset, fn, arg);
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
