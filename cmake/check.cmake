# SPDX-License-Identifier: MIT
# The parts of `buffervm check` that are programs of their own, not built with BUFFERVM_CHECK=OFF:
#
#   check/preload/ -> heap.so
#   check/report/ -> report.elf
#
# What is in the kernel and in the monitor is chosen in CMakeLists.txt.

# ---- the heap library of `buffervm check` -----------------------------------------------------
# It goes into foreign programs: needs nothing of theirs, no libc, no thread-local storage.
buffervm_sources(heap_sources check/preload/*.c check/preload/*.S)
add_library(heap_objects OBJECT EXCLUDE_FROM_ALL ${heap_sources} ${CMAKE_SOURCE_DIR}/libc/string.c
	${CMAKE_SOURCE_DIR}/libc/stdio.c)
target_compile_options(heap_objects PRIVATE ${freestanding_options} -fPIC -fvisibility=hidden
	-fno-builtin -ffunction-sections -fasynchronous-unwind-tables)
add_custom_command(OUTPUT heap.so
	COMMAND ${CMAKE_C_COMPILER} -shared -nostdlib -o heap.so
		-Wl,-soname=heap.so,--hash-style=both,-Bsymbolic,-z,initfirst,-z,defs,-z,text
		-Wl,-z,noexecstack,-z,norelro,-z,max-page-size=4096,--build-id=none
		-Wl,--eh-frame-hdr,--gc-sections,--fatal-warnings
		$<TARGET_OBJECTS:heap_objects>
	COMMAND ${CMAKE_STRIP} --strip-debug heap.so
	COMMAND sh ${CMAKE_SOURCE_DIR}/cmake/heap-check heap.so
	DEPENDS heap_objects $<TARGET_OBJECTS:heap_objects> cmake/heap-check
	COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(heap DEPENDS heap.so)

# ---- the reporter: a program of its own, which the monitor carries -----------------------------
buffervm_sources(report_sources check/report/*.c)
buffervm_static_library(DW_LIBRARY dw libdw-dev)
buffervm_static_library(LZMA_LIBRARY lzma liblzma-dev)
buffervm_static_library(BZ2_LIBRARY bz2 libbz2-dev)
buffervm_static_library(IBERTY_LIBRARY iberty libiberty-dev)
# Debian has no static Zydis: see check/report/zydis_load.c.
find_library(ZYDIS_LIBRARY libZydis.so)
if(NOT ZYDIS_LIBRARY)
	message(FATAL_ERROR "libZydis.so is missing: apt-get install libzydis-dev, "
		"or run scripts/deps build")
endif()
add_custom_command(OUTPUT zydis.so
	COMMAND ${CMAKE_OBJCOPY} --strip-all ${ZYDIS_LIBRARY} zydis.so
	DEPENDS ${ZYDIS_LIBRARY} VERBATIM)
buffervm_blob(zydis_blob zydis_so zydis.so)
add_executable(report ${report_sources} ${eu_search} ${zydis_blob})
set_target_properties(report PROPERTIES OUTPUT_NAME report.elf)
target_compile_definitions(report PRIVATE _GNU_SOURCE=)
target_compile_options(report PRIVATE ${hardening})
target_link_options(report PRIVATE -static-pie
	LINKER:-z,relro,-z,now,-z,noexecstack,--fatal-warnings,--wrap=open)
target_link_libraries(report PRIVATE host_options ${DW_LIBRARY} ${ELF_LIBRARY} ${LZMA_LIBRARY}
	${BZ2_LIBRARY} ${Z_LIBRARY} ${ZSTD_LIBRARY} ${JSON_LIBRARY} ${SECCOMP_LIBRARY}
	${IBERTY_LIBRARY} pthread m)
find_path(ZSTD_INCLUDE zstd.h)
if(ZSTD_LIBRARY AND ZSTD_INCLUDE)
	target_compile_definitions(report PRIVATE REPORT_ZSTD=)
else()
	message(STATUS "no libzstd-dev: elfutils before 0.189 reads no lines from -gz=zstd")
endif()
add_custom_command(OUTPUT report.stripped
	COMMAND ${CMAKE_OBJCOPY} --strip-all report.elf report.stripped
	DEPENDS report VERBATIM)
