// SPDX-License-Identifier: MIT
/*
 * What mallinfo(3), malloc_stats(3) and malloc_info(3) tell of this heap. Numbers of the C
 * library's heap would mislead a program, since nothing is in that.
 */
#include <asm/errno.h>
#include "check/preload/library.h"
#include "check/preload/malloc.h"
#include "check/preload/syscall.h"
#include "common/layout.h"
#include "libc/stdio.h"

#define SYS_write 1

/* <malloc.h> */
struct mallinfo {
	int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
struct mallinfo2 {
	size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks,
		keepcost;
};

CHK_EXPORT struct mallinfo mallinfo(void);
CHK_EXPORT struct mallinfo2 mallinfo2(void);
CHK_EXPORT void malloc_stats(void);
CHK_EXPORT int malloc_info(int options, void *stream);

/* Sizes as of now. A call of another thread may be counted in one sum and not yet in another. */
struct sizes {
	u64 objects, used;	/* live objects without mappings of their own, and their bytes */
	u64 system;		/* bytes of memory for them */
	u64 large, large_bytes; /* live objects with mappings; bytes mapped */
};

static struct sizes sizes(void)
{
	struct chk_info info = {0};
	struct sizes s;

	chk_started();
	chk_syscall1(CHK_CALL_INFO, (u64)&info);
	s = (struct sizes){
		.objects = info.objects,
		.used = info.bytes,
		.system = info.pages * PAGE_SIZE + info.span_bytes,
		.large = info.large,
		.large_bytes = info.mapped,
	};
	for (u32 i = 0; i < CHK_ARENAS; i++) {
		const struct chk_made *m = &chk_changes.made[i];

		s.objects += m->none + m->alias - m->gone;
		s.used += m->none_bytes + m->alias_bytes - m->gone_bytes;
	}
	return s;
}

CHK_EXPORT struct mallinfo2 mallinfo2(void)
{
	const struct sizes s = sizes();

	return (struct mallinfo2){
		.arena = s.system,
		.ordblks = 1,
		.hblks = s.large,
		.hblkhd = s.large_bytes,
		.uordblks = s.used,
		.fordblks = s.system - MIN(s.used, s.system),
	};
}

/* The members of mallinfo wrap at 32 bits: mallinfo(3), BUGS. */
CHK_EXPORT struct mallinfo mallinfo(void)
{
	const struct mallinfo2 m = mallinfo2();

	return (struct mallinfo){
		.arena = (int)m.arena,
		.ordblks = (int)m.ordblks,
		.hblks = (int)m.hblks,
		.hblkhd = (int)m.hblkhd,
		.uordblks = (int)m.uordblks,
		.fordblks = (int)m.fordblks,
	};
}

CHK_EXPORT void malloc_stats(void)
{
	const struct sizes s = sizes();
	char text[512];
	int len = snprintf(text, sizeof(text),
			   "Arena 0:\nsystem bytes     = %10lu\nin use bytes     = %10lu\n"
			   "Total (incl. mmap):\nsystem bytes     = %10lu\n"
			   "in use bytes     = %10lu\nmax mmap regions = %10lu\n"
			   "max mmap bytes   = %10lu\n",
			   s.system, s.used, s.system + s.large_bytes, s.used + s.large_bytes,
			   s.large, s.large_bytes);

	chk_linux_call3(SYS_write, 2, (u64)text, (u64)len);
}

CHK_EXPORT int malloc_info(int options, void *stream)
{
	int (*put)(const char *, void *) = chk_symbol("fputs");
	const struct sizes s = sizes();
	char text[1024];

	if (options)
		return EINVAL;
	if (!put)
		return ENOMEM;
	snprintf(text, sizeof(text),
		 "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n</sizes>\n"
		 "<total type=\"fast\" count=\"0\" size=\"0\"/>\n"
		 "<total type=\"rest\" count=\"1\" size=\"%lu\"/>\n"
		 "<system type=\"current\" size=\"%lu\"/>\n"
		 "<system type=\"max\" size=\"%lu\"/>\n"
		 "<aspace type=\"total\" size=\"%lu\"/>\n"
		 "<aspace type=\"mprotect\" size=\"%lu\"/>\n</heap>\n"
		 "<total type=\"fast\" count=\"0\" size=\"0\"/>\n"
		 "<total type=\"rest\" count=\"1\" size=\"%lu\"/>\n"
		 "<total type=\"mmap\" count=\"%lu\" size=\"%lu\"/>\n"
		 "<system type=\"current\" size=\"%lu\"/>\n"
		 "<system type=\"max\" size=\"%lu\"/>\n"
		 "<aspace type=\"total\" size=\"%lu\"/>\n"
		 "<aspace type=\"mprotect\" size=\"%lu\"/>\n</malloc>\n",
		 s.system - MIN(s.used, s.system), s.system, s.system, s.system, s.system,
		 s.system - MIN(s.used, s.system), s.large, s.large_bytes, s.system, s.system,
		 s.system, s.system);
	return put(text, stream) < 0 ? EIO : 0;
}
