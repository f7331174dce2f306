// SPDX-License-Identifier: MIT
/* 64 GiB of address space, touched at a few places. Only those places cost memory. */
#include "check.h"
#include <sys/mman.h>
#include <sys/resource.h>

#define GIB (1UL << 30)

CASE(sparse)
{
	const size_t len = 64 * GIB, step = 61 * (1UL << 20) + 4096 * 7;
	volatile unsigned char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	unsigned long sum = 0, touched = 0;
	struct rusage u;

	NEED(p != MAP_FAILED);
	for (size_t i = 0; i < len; i += step) {
		p[i] = (unsigned char)(i / step + 1);
		touched++;
	}
	for (size_t i = 0; i < len; i += step)
		sum += p[i] + p[i + 4096];
	SHOW(touched);
	SHOW(sum);
	SHOW(p[len - 1]);
	NEED(getrusage(RUSAGE_SELF, &u) == 0);
	/* With transparent huge pages each touch would cost 2 MiB. */
	CHECK(u.ru_maxrss < 3L << 20);
	SHOW(munmap((void *)p, len));
}
