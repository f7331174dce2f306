# SPDX-License-Identifier: MIT
# Pipes, child processes, events and sockets as tcl has them.
set f [open "|sort -r" r+]
puts $f "a\nb\nc"
close $f w
puts [read $f]
close $f
puts [exec echo hi | tr h H]
catch {exec sh -c "exit 4"} text options
puts [lindex [dict get $options -errorcode] 2]
set p [open "|sh -c {for i in 1 2 3; do echo \$i; sleep 0.1; done}"]
fileevent $p readable {if {[gets $p line] < 0} {set done 1} else {puts "got $line"}}
vwait done
close $p
set s [socket -server {apply {{c a p} {puts $c hello; close $c}}} -myaddr 127.0.0.1 0]
set c [socket 127.0.0.1 [lindex [fconfigure $s -sockname] 2]]
fileevent $c readable {puts [gets $c]; close $c; set heard 1}
vwait heard
after 50 {set later 1}
vwait later
exec sleep 0.2 &
puts [catch {exec false}]
exit 6
