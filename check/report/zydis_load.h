/* SPDX-License-Identifier: MIT */
#ifndef REPORT_ZYDIS_LOAD_H
#define REPORT_ZYDIS_LOAD_H

#include <stdbool.h>

/*
 * Maps the embedded Zydis; called once, before report_decode. If it returns false, instructions are
 * not decoded.
 */
bool report_zydis_load(void);

#endif
