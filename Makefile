# SPDX-License-Identifier: MIT
# The front of the build: make's habits here, the rules in CMakeLists.txt.
#
#   make            build everything into build/
#   make demo       install what is missing, build, show it working
#   make test       install what is missing, build, run every test lane
#   make conformance  real programs beside native; makes docs/compatibility.md
#   make attack     every attempt to leave a sandbox, beside its twin, and for each wall alone
#   make seccomp-list  the system calls that the monitor of a sandbox may make
#   make host-kernel  the Linux module that serves hostcalls (KDIR=kernel's build directory), in
#                   host_kernel/buffervm.ko; docs/host_kernel.md
#   make lint       formatter, licences and static analysis, no changes
#   make format     let the formatter change the sources
#   make docs       make docs/hostcalls.md from the table of hostcalls
#   make check-real  real programs under buffervm check: same output, no report
#   make bench      figures beside native (QUICK=1; AGAINST=another buffervm; FIGURES="name...")
#   make bench-check  figures of buffervm check beside Valgrind and AddressSanitizer (QUICK=1;
#                   AGAINST=another buffervm)
#   make install    buffervm, its man page and documents, under DESTDIR and PREFIX
#   make dist       the source as git has it, as BUILD/buffervm-VERSION.tar.xz
#   make python     the Python module as a wheel, in BUILD/python
#   make deb        a Debian package, BUILD/buffervm_VERSION-1_amd64.deb
#   make clean
#
# Single parts: make kernel, vm, bootstrap, vdso, heap, examples, unit-build, tests-build.
# Variables: V=1 shows all; CC=clang-14; WERROR=OFF; CHECK=OFF builds without `buffervm check`;
# DEBUG=1: the kernel checks its locks (make test, conformance and check-real imply it);
# BUILD=directory; PREFIX; DESTDIR;
# JOBS=n; TESTS="lane..." for make test; CASES="case..." for make conformance
# and check-real; SECTIONS="price detection time memory pair stats" for make bench-check;
# CFLAGS, CPPFLAGS, LDFLAGS for the programs of the host.

BUILD  ?= build
PREFIX ?= /usr/local
WERROR ?= ON
CHECK  ?= ON
JOBS   ?= $(shell nproc)
V      ?=

SHELL := /bin/bash
.DEFAULT_GOAL := all
export V

# What is tested checks itself; what is measured or leaves this tree does not.
ifneq ($(filter test unit-build tests-build conformance check-real,$(MAKECMDGOALS)),)
DEBUG ?= 1
endif
export DEBUG

# CMakePresets.json has the presets. Each variable is given each time, so that none stays from the
# last time. With another compiler CMake would begin anew, and without the variables: --fresh.
configure = cc=$$(command -v $(CC)); cmake --preset $(if $(DEBUG),debug,release) -B $(BUILD) \
	$$(grep -q "^CMAKE_C_COMPILER:[A-Z]*=$$cc\$$" $(BUILD)/CMakeCache.txt 2>&- || echo --fresh) \
	-DCMAKE_C_COMPILER="$$cc" -DBUFFERVM_WERROR=$(WERROR) -DBUFFERVM_CHECK=$(CHECK) \
	-DCMAKE_C_FLAGS='$(CFLAGS)' -DBUFFERVM_CPPFLAGS='$(CPPFLAGS)' \
	-DCMAKE_EXE_LINKER_FLAGS='$(LDFLAGS)' $(if $(V),,>/dev/null)
quiet = $(if $(V),VERBOSE=1,-s)
jobs  = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))
build = $(configure) && $(MAKE) -C $(BUILD) --no-print-directory $(quiet) $(jobs)

all:
	+@$(build) all
	@echo "built $$(cd $(BUILD) && ls -d buffervm kernel.elf example-program 2>&- | \
		sed 's,^,$(BUILD)/,' | paste -sd' ')"

KDIR ?= /lib/modules/$(shell uname -r)/build

host-kernel:
	@[ -e $(KDIR)/Makefile ] || { \
		echo "host-kernel: no kernel to build for in $(KDIR): install its headers," \
			"or say KDIR=" >&2; exit 1; }
	@$(MAKE) --no-print-directory -C $(KDIR) M=$(CURDIR)/host_kernel $(if $(V),V=1,-s) modules
	@echo "built host_kernel/buffervm.ko for $$(cat $(KDIR)/include/config/kernel.release)"

kernel vm bootstrap vdso heap examples unit-build tests-build format:
	+@$(build) $@

lint:
	@scripts/deps build lint
	+@$(configure)
	@scripts/lint $(BUILD)

docs:
	@scripts/hostcall-doc common/hostcall.def >docs/hostcalls.md
	@echo "made docs/hostcalls.md"

demo:
	@scripts/deps build demo
	+@$(MAKE) --no-print-directory all
	@scripts/demo $(BUILD)

test:
	@scripts/deps build unit test lint svm
	+@$(MAKE) --no-print-directory -k all tests-build || broken=-x; \
		tests/run -b $(BUILD) $$broken $(TESTS)

conformance:
	@scripts/deps build conformance
	+@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) tests/conformance/run -o docs/compatibility.md $(CASES)

attack:
	@scripts/deps build unit test
	+@$(MAKE) --no-print-directory DEBUG=1 all tests-build
	@tests/attack/all -b $(BUILD)

seccomp-list:
	+@$(build) seccomp-filter
	@scripts/seccomp-list $(BUILD)

bench:
	@scripts/deps build bench
	+@$(MAKE) --no-print-directory all
	@bench/run -b $(BUILD) $(if $(QUICK),--quick) $(if $(AGAINST),--against $(AGAINST)) $(FIGURES)

check-real:
	@scripts/deps build unit test conformance
	+@$(MAKE) --no-print-directory all tests-build
	@BUILD=$(BUILD) tests/check/real $(CASES)

bench-check:
	@scripts/deps build unit test bench-check
	+@$(MAKE) --no-print-directory all
	+@$(build) bench-check-build
	@bench/check -b $(BUILD) $(if $(QUICK),--quick) $(if $(AGAINST),--against $(AGAINST)) $(SECTIONS)

install: all
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD) --prefix $(PREFIX) $(if $(V),,>/dev/null)
	@echo "installed into $(DESTDIR)$(PREFIX)"

dist:
	@mkdir -p $(BUILD)
	@scripts/dist $(BUILD)

python:
	@python/make-wheel $(BUILD)/python

deb: all
	@scripts/deb $(BUILD)

clean:
	@rm -rf $(BUILD)
	@echo "removed $(BUILD)"

# Parts of one build directory are made one after another.
.NOTPARALLEL:
.PHONY: all host-kernel kernel vm bootstrap vdso heap examples unit-build tests-build lint format \
	docs demo test attack seccomp-list conformance check-real bench bench-check install dist python \
	deb clean
