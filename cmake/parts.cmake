# SPDX-License-Identifier: MIT
# Helpers of CMakeLists.txt.

# Files matching the patterns, in all subdirectories, looked for again at every build.
function(buffervm_sources variable)
	set(patterns ${ARGN})
	list(TRANSFORM patterns PREPEND ${CMAKE_SOURCE_DIR}/)
	file(GLOB_RECURSE found CONFIGURE_DEPENDS ${patterns})
	set(${variable} ${found} PARENT_SCOPE)
endfunction()

# A source file that carries FILE (in the build directory) as NAME_start .. NAME_end.
function(buffervm_blob variable name file)
	set(BLOB_NAME ${name})
	set(BLOB_FILE ${CMAKE_BINARY_DIR}/${file})
	set(source ${CMAKE_BINARY_DIR}/blob/${name}.S)
	configure_file(${CMAKE_SOURCE_DIR}/cmake/blob.S.in ${source} @ONLY)
	set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${BLOB_FILE})
	set(${variable} ${source} PARENT_SCOPE)
endfunction()

function(buffervm_static_library variable name package)
	find_library(${variable} lib${name}.a)
	if(NOT ${variable})
		message(FATAL_ERROR "lib${name}.a is missing: apt-get install ${package}, "
			"or run scripts/deps build")
	endif()
endfunction()
