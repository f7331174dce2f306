// SPDX-License-Identifier: MIT
/* Accesses that may fault; see probe.h. */
#define _GNU_SOURCE
#include "probe.h"
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>

static sigjmp_buf back;
static siginfo_t fault;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	fault = *info;
	siglongjmp(back, signal);
}

const char *probe_signal_name(int signal, int code)
{
	static const struct {
		int signal, code;
		const char *name;
	} names[] = {
		{SIGSEGV, SEGV_MAPERR, "SIGSEGV SEGV_MAPERR"},
		{SIGSEGV, SEGV_ACCERR, "SIGSEGV SEGV_ACCERR"},
		{SIGSEGV, SI_KERNEL, "SIGSEGV SI_KERNEL"},
		{SIGBUS, BUS_ADRERR, "SIGBUS BUS_ADRERR"},
		{SIGBUS, BUS_ADRALN, "SIGBUS BUS_ADRALN"},
		{SIGBUS, BUS_OBJERR, "SIGBUS BUS_OBJERR"},
		{SIGBUS, SI_KERNEL, "SIGBUS SI_KERNEL"},
		{SIGILL, ILL_ILLOPN, "SIGILL ILL_ILLOPN"},
		{SIGILL, ILL_ILLOPC, "SIGILL ILL_ILLOPC"},
		{SIGFPE, FPE_INTDIV, "SIGFPE FPE_INTDIV"},
		{SIGFPE, FPE_FLTDIV, "SIGFPE FPE_FLTDIV"},
		{SIGFPE, FPE_FLTINV, "SIGFPE FPE_FLTINV"},
		{SIGTRAP, SI_KERNEL, "SIGTRAP SI_KERNEL"},
		{SIGTRAP, TRAP_BRKPT, "SIGTRAP TRAP_BRKPT"},
		{SIGTRAP, TRAP_TRACE, "SIGTRAP TRAP_TRACE"},
	};
	static char other[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].signal == signal && names[i].code == code)
			return names[i].name;
	snprintf(other, sizeof(other), "signal %d, code %d", signal, code);
	return other;
}

const char *probe(const volatile void *addr, enum probe_kind kind)
{
	static char text[128];
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	struct sigaction old[2];
	int signal;

	sigaction(SIGSEGV, &action, &old[0]);
	sigaction(SIGBUS, &action, &old[1]);
	signal = sigsetjmp(back, 1);
	if (signal == 0) {
		if (kind == PROBE_READ)
			(void)*(const volatile char *)addr;
		else if (kind == PROBE_WRITE)
			*(volatile char *)addr = 0;
		else
			((void (*)(void))(size_t)addr)();
	}
	sigaction(SIGSEGV, &old[0], NULL);
	sigaction(SIGBUS, &old[1], NULL);
	if (signal == 0)
		return "ok";
	snprintf(text, sizeof(text), "%s%s", probe_signal_name(signal, fault.si_code),
		 fault.si_code == SI_KERNEL ? ""
		 : fault.si_addr == addr    ? " at this address"
					    : " ELSEWHERE");
	return text;
}
