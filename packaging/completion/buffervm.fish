# SPDX-License-Identifier: MIT
# Completion of buffervm for fish. The options are those that the command's own --help lists.

# Prints the command (run, check or "none"), or fails once the program was named.
function __buffervm_command
    set -l words (commandline -opc)
    set -l found none
    for word in $words[2..-1]
        switch $word
            case '-*'
            case run check
                set found $word
            case '*'
                return 1
        end
    end
    echo $found
end

function __buffervm_is
    set -l command (__buffervm_command); and test "$command" = $argv[1]
end

for command in none run check
    set -l help
    if test $command = none
        set help (buffervm --help 2>/dev/null)
    else
        set help (buffervm $command --help 2>/dev/null)
    end
    for option in (printf '%s\n' $help | string match -r -- '^ +(?:-[a-z], )*--[a-z][a-z-]*=?' | string replace -r -- '^.*--' '' | sort -u)
        set -l value
        if string match -q -- '*=' $option
            set value -r
        end
        complete -c buffervm -n "__buffervm_is $command" -l (string trim -r -c = -- $option) $value
    end
end
complete -c buffervm -n '__buffervm_is none' -a 'run check'
complete -c buffervm -n '__buffervm_command >/dev/null' -a '(__fish_complete_command)'
complete -c buffervm -n 'not __buffervm_command >/dev/null' -a '(__fish_complete_subcommand)'
