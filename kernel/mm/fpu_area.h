/* SPDX-License-Identifier: MIT */
/* Memory for XSAVE areas of arch_fpu_size() bytes, aligned as XSAVE requires. */
#ifndef KERNEL_MM_FPU_AREA_H
#define KERNEL_MM_FPU_AREA_H

struct xsave_area;

/* Returns an area of zeros, which the caller frees with fpu_area_free. NULL: no memory. */
struct xsave_area *fpu_area_new(void);
/* As fpu_area_new, with the running thread's state in the area. */
struct xsave_area *fpu_area_saved(void);
void fpu_area_free(struct xsave_area *area); /* area may be NULL */

#endif
