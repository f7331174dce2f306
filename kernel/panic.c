// SPDX-License-Identifier: MIT
/* Messages to the user: log lines and panics. */
#include "kernel/kernel.h"
#include "kernel/hostcall.h"
#include "kernel/trace.h"

void klog(int level, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	hc_log((u64)level, text, strlen(text));
}

void panic(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	trace_panics();
	for (;;)
		hc_panic(text, strlen(text));
}
