/* SPDX-License-Identifier: MIT */
/* A fake unwind_module (check/preload/unwind_kernel.h). */
#ifndef TESTS_FAKE_MODULES_H
#define TESTS_FAKE_MODULES_H

#include "common/types.h"

/* The number of its calls so far. */
extern unsigned fake_modules_asked;

/* Hides .eh_frame_hdr, so that only .eh_frame is known. */
extern bool fake_modules_without_header;

#endif
