# SPDX-License-Identifier: MIT
# Completion of buffervm for bash. The options are those that the command's own --help lists.

_buffervm_options()
{
	"$1" ${2:+"$2"} --help 2>/dev/null | grep -oE -- '^ +(-[a-z], )*--[a-z][a-z-]*(\[?=)?' |
		grep -oE -- '--[a-z][a-z-]*(\[?=)?' | tr -d '[' | sort -u
}

_buffervm()
{
	local cur=${COMP_WORDS[COMP_CWORD]} command="" i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--) ((i++)); break ;;
		-* | =) ;;
		*)
			# The value of an option, which bash splits off at the "=".
			[ "${COMP_WORDS[i - 1]}" = = ] && continue
			case ${COMP_WORDS[i]} in
			run | check) command=${COMP_WORDS[i]} ;;
			*) break ;;
			esac
			;;
		esac
	done
	if [ "$i" -lt "$COMP_CWORD" ] && declare -F _command_offset >/dev/null; then
		_command_offset "$i" # the program has completions of its own
		return
	fi
	case $cur in
	-*)
		mapfile -t COMPREPLY < <(compgen -W "$(_buffervm_options "${COMP_WORDS[0]}" "$command")" -- "$cur")
		[ "${#COMPREPLY[@]}" = 1 ] && [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
		;;
	*)
		mapfile -t COMPREPLY < <(
			[ "$command" = check ] || compgen -W "run check" -- "$cur"
			compgen -c -- "$cur"
			compgen -f -- "$cur"
		)
		;;
	esac
}

complete -F _buffervm buffervm
