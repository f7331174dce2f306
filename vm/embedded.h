/* SPDX-License-Identifier: MIT */
/* Files of the build that the monitor carries for the guest. */
#ifndef VM_EMBEDDED_H
#define VM_EMBEDDED_H

#include "common/types.h"

/* Makes a sealed file in memory of the bytes. Returns its handle, or -errno. */
s64 embedded_file(const char *name, const u8 *start, const u8 *end);

#endif
