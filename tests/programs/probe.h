/* SPDX-License-Identifier: MIT */
/*
 * Tries an access and describes the result: "ok", or the signal with its si_code, and whether
 * si_addr is the address that was accessed. Handles SIGSEGV and SIGBUS itself during the access.
 */
#ifndef TESTS_PROGRAMS_PROBE_H
#define TESTS_PROGRAMS_PROBE_H

enum probe_kind { PROBE_READ, PROBE_WRITE, PROBE_EXECUTE };

/* The returned text is valid until the next call. PROBE_WRITE stores a zero byte. */
const char *probe(const volatile void *addr, enum probe_kind kind);

#define SHOW_READ(addr)	   printf("  read %s: %s\n", #addr, probe(addr, PROBE_READ))
#define SHOW_WRITE(addr)   printf("  write %s: %s\n", #addr, probe(addr, PROBE_WRITE))
#define SHOW_EXECUTE(addr) printf("  execute %s: %s\n", #addr, probe(addr, PROBE_EXECUTE))

/* Returns "SIGSEGV SEGV_MAPERR" and the like. */
const char *probe_signal_name(int signal, int code);

#endif
