/* heap/peek.h and heap/unwind_kernel.h on the host: memory by process_vm_readv(2), modules by
 * dl_iterate_phdr(3). */
#ifndef TESTS_FAKE_PEEK_H
#define TESTS_FAKE_PEEK_H

/* Calls of unwind_module so far. */
extern unsigned fake_modules_asked;

#endif
