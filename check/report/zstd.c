// SPDX-License-Identifier: MIT
/* See zstd.h. The file may be forged: numbers in it are compared with its size. */
#include "check/report/zstd.h"

#ifndef REPORT_ZSTD
int zstd_expanded(int fd)
{
	return fd;
}
#else
#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#include "common/types.h"

#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2
#endif
#define EXPANDED_MAX (2UL << 30) /* bytes of a section */
#define PAGE	     4096UL

struct file {
	const u8 *bytes;
	u64 size;
};

static bool is_inside(const struct file *f, u64 offset, u64 size)
{
	return offset <= f->size && size <= f->size - offset;
}

static bool read_header(const struct file *f, Elf64_Ehdr *e)
{
	if (!is_inside(f, 0, sizeof(*e)))
		return false;
	memcpy(e, f->bytes, sizeof(*e));
	return memcmp(e->e_ident, ELFMAG, SELFMAG) == 0 && e->e_ident[EI_CLASS] == ELFCLASS64 &&
	       e->e_shentsize == sizeof(Elf64_Shdr) &&
	       is_inside(f, e->e_shoff, (u64)e->e_shnum * sizeof(Elf64_Shdr));
}

/* Reads the headers of section i. Returns whether the section is compressed with zstd. */
static bool is_zstd(const struct file *f, const Elf64_Ehdr *e, u32 i, Elf64_Shdr *s, Elf64_Chdr *c)
{
	memcpy(s, f->bytes + e->e_shoff + i * sizeof(*s), sizeof(*s));
	if (!(s->sh_flags & SHF_COMPRESSED) || s->sh_size < sizeof(*c) ||
	    !is_inside(f, s->sh_offset, s->sh_size))
		return false;
	memcpy(c, f->bytes + s->sh_offset, sizeof(*c));
	return c->ch_type == ELFCOMPRESS_ZSTD && c->ch_size <= EXPANDED_MAX;
}

/* Appends the section's content to the copy, whose size is *end, and makes its header say so. */
static bool expand(const struct file *f, int copy, u64 header_at, Elf64_Shdr *s,
		   const Elf64_Chdr *c, u64 *end)
{
	u64 at = ALIGN_UP(*end, PAGE);
	bool done;
	void *to;

	if (ftruncate(copy, (off_t)(at + c->ch_size)))
		return false;
	to = mmap(NULL, MAX(c->ch_size, 1UL), PROT_READ | PROT_WRITE, MAP_SHARED, copy, (off_t)at);
	if (to == MAP_FAILED)
		return false;
	done = ZSTD_decompress(to, c->ch_size, f->bytes + s->sh_offset + sizeof(*c),
			       s->sh_size - sizeof(*c)) == c->ch_size;
	munmap(to, MAX(c->ch_size, 1UL));
	s->sh_flags &= ~(u64)SHF_COMPRESSED;
	s->sh_offset = at;
	s->sh_size = c->ch_size;
	s->sh_addralign = c->ch_addralign;
	*end = at + c->ch_size;
	return done && pwrite(copy, s, sizeof(*s), (off_t)header_at) == sizeof(*s);
}

static bool write_all(int fd, const u8 *bytes, u64 size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);

		if (n <= 0)
			return false;
		bytes += n;
		size -= (u64)n;
	}
	return true;
}

/* Returns the descriptor of a copy, or -1 if none is necessary or it cannot be made. */
static int copy_of(const struct file *f, const Elf64_Ehdr *e)
{
	u64 end = f->size;
	Elf64_Shdr s;
	Elf64_Chdr c;
	int copy = -1;

	for (u32 i = 0; i < e->e_shnum; i++) {
		if (!is_zstd(f, e, i, &s, &c))
			continue;
		if (copy < 0) {
			copy = memfd_create("expanded", MFD_CLOEXEC);
			if (copy < 0)
				return -1;
			if (!write_all(copy, f->bytes, f->size))
				goto fail;
		}
		if (!expand(f, copy, e->e_shoff + i * sizeof(s), &s, &c, &end))
			goto fail;
	}
	if (copy >= 0)
		lseek(copy, 0, SEEK_SET);
	return copy;
fail:
	close(copy);
	return -1;
}

int zstd_expanded(int fd)
{
	struct file f;
	struct stat st;
	Elf64_Ehdr e;
	int copy = -1;
	void *bytes;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(e))
		return fd;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return fd;
	f = (struct file){bytes, (u64)st.st_size};
	if (read_header(&f, &e))
		copy = copy_of(&f, &e);
	munmap(bytes, (size_t)st.st_size);
	if (copy < 0)
		return fd;
	close(fd);
	return copy;
}
#endif
