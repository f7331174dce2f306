/* SPDX-License-Identifier: MIT */
/* Stubs of patched call sites that have no code: only slots and their references. */
#ifndef TESTS_FAKE_STUBS_H
#define TESTS_FAKE_STUBS_H

#include "kernel/arch/x86_64/stubs.h"

#define FAKE_SLOTS 4096

/* The references to each slot. Slots are given out from 1 on and never again. */
extern unsigned fake_stub_refs[FAKE_SLOTS];
unsigned fake_stubs_left(void); /* slots with references */

#endif
