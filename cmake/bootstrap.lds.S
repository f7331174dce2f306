/* SPDX-License-Identifier: MIT */
/* bootstrap.bin is flat and runs where the monitor copies it to: GPA_BOOTSTRAP. */
#include "common/layout.h"

SECTIONS
{
	. = GPA_BOOTSTRAP;
	.text : {
		bootstrap_base = .;
		*(.text.start) *(.text*) *(.rodata*) *(.data*) *(.bss*)
	}
	ASSERT(SIZEOF(.text) <= GPA_BOOT_INFO - GPA_BOOTSTRAP, "the bootstrap outgrew its room")
	/DISCARD/ : { *(.note*) *(.comment) *(.eh_frame) }
}
