# SPDX-License-Identifier: MIT
set debuginfod enabled off
set confirm off
break main
run
watch total
continue
continue
info watchpoints
delete
hbreak add
continue
bt 1
delete
continue
