# SPDX-License-Identifier: MIT
set debuginfod enabled off
set confirm off
break add
run
bt 2
info threads
continue
thread apply all bt 1
delete
print total
finish
stepi
next
info registers eflags
print $xmm0.uint128
continue
