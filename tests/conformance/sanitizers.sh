#!/bin/bash
# SPDX-License-Identifier: MIT
# Compiles sanitizers.c for each sanitizer, and runs it without and with the bug that it finds.
# Shows the status and the report's first line, which names the bug.
here=$(dirname "$0")
for build in "clang-14 thread" "clang-14 memory" "clang-14 address" "clang-14 undefined" \
	"gcc thread" "gcc address" "gcc undefined"; do
	read -r compiler kind <<<"$build"
	"$compiler" -g -O1 -pthread -fsanitize="$kind" -o sanitized "$here/sanitizers.c" || exit 1
	for bug in none "$kind"; do
		echo "$build, $bug:"
		$VM ./sanitized "$bug" 2>report
		echo "status $?"
		grep -m 1 -oE '(WARNING|ERROR): [A-Za-z]+Sanitizer: [a-z-]+|runtime error: [a-z ]+' report
	done
	rm -f sanitized report
done
