/* SPDX-License-Identifier: MIT */
/* Memory for XSAVE areas of the running machine's size (arch_fpu_size), aligned as the CPU wants.
 */
#ifndef KERNEL_MM_FPU_AREA_H
#define KERNEL_MM_FPU_AREA_H

struct xsave_area;

/* All zero. The caller frees it with fpu_area_free. NULL: no memory. */
struct xsave_area *fpu_area_new(void);
/* The same with the running thread's state in it. */
struct xsave_area *fpu_area_saved(void);
void fpu_area_free(struct xsave_area *area); /* area may be NULL */

#endif
