/* A fake unwind_module (heap/unwind_kernel.h). */
#ifndef TESTS_FAKE_MODULES_H
#define TESTS_FAKE_MODULES_H

/* Its calls so far. */
extern unsigned fake_modules_asked;

#endif
