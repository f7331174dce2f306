# SPDX-License-Identifier: MIT
# make lint, make format: the formatter's and the analyser's view of our sources. The tables
# (*.def) are laid out by hand.
buffervm_sources(style_files
	bootstrap/*.h common/*.h kernel/*.[ch] libc/*.[ch] vm/*.[ch] report/*.[ch] example-program/*.[ch]
	tests/*.[ch] bench/*.[ch])
set(tidy_files ${kernel_sources} ${libc_sources} ${vm_sources} ${report_sources})
list(FILTER tidy_files INCLUDE REGEX "\\.c$")

add_custom_target(format
	COMMAND clang-format -i ${style_files}
	WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} VERBATIM)
add_custom_target(lint
	COMMAND scripts/spdx
	COMMAND clang-format --dry-run -Werror ${style_files}
	COMMAND sh -c "scripts/hostcall-doc common/hostcall.def | cmp - docs/hostcalls.md"
	COMMAND ${CMAKE_SOURCE_DIR}/scripts/tidy ${CMAKE_BINARY_DIR} ${tidy_files}
	COMMAND ${CMAKE_COMMAND} -E echo "lint: nothing to complain about"
	WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} VERBATIM)
