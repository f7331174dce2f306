# SPDX-License-Identifier: MIT
set debuginfod enabled off
set confirm off
set follow-fork-mode child
break add if n == 100
run
bt
finish
continue
