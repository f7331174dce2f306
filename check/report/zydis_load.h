/* SPDX-License-Identifier: MIT */
#ifndef REPORT_ZYDIS_LOAD_H
#define REPORT_ZYDIS_LOAD_H

#include <stdbool.h>

/* Maps the embedded Zydis, once, before report_decode. false: instructions stay undecoded. */
bool report_zydis_load(void);

#endif
