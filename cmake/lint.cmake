# SPDX-License-Identifier: MIT
# make format: the formatter changes our sources. make lint is scripts/lint.
buffervm_sources(style_files
	bootstrap/*.h check/*.[ch] common/*.h gdb/*.[ch] kernel/*.[ch] libc/*.[ch] vm/*.[ch]
	example-program/*.[ch] tests/*.[ch] bench/*.[ch])

add_custom_target(format
	COMMAND clang-format -i ${style_files}
	WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} VERBATIM)
