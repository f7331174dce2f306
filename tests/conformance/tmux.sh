# SPDX-License-Identifier: MIT
# A tmux server of its own, one shell in it.
tmux() { TMUX_TMPDIR=$PWD command tmux -L test -f /dev/null "$@"; }

# Waits until the pane shows a line.
shown()
{
	local i
	for ((i = 0; i < 400 * ${TESTS_SLOWER:-1}; i++)); do
		tmux capture-pane -p | grep -qx "$1" && return
		sleep 0.1
	done
	echo "not shown: $1"
	tmux capture-pane -p
}

tmux new-session -d -x 60 -y 20 'PS1="> " exec bash --norc --noprofile'
shown '>'
tmux send-keys 'stty size; echo $((40 + 2))' Enter
shown 42
tmux send-keys 'sleep 100' Enter
sleep "${TESTS_SLOWER:-1}"
tmux send-keys C-z
sleep "${TESTS_SLOWER:-1}"
tmux send-keys 'jobs; echo stopped' Enter
shown stopped
tmux send-keys 'fg' Enter
sleep "${TESTS_SLOWER:-1}"
tmux send-keys C-c
sleep "${TESTS_SLOWER:-1}"
tmux send-keys 'echo status $?' Enter
shown 'status 130'
tmux split-window -h 'stty size; sleep 100'
sleep "${TESTS_SLOWER:-1}"
tmux list-panes -F '#{pane_width}x#{pane_height}'
tmux capture-pane -p | grep -v '^$'
tmux select-pane -L
tmux capture-pane -p | grep -v '^$' | sed 's/  *Stopped/ Stopped/'
tmux kill-server
echo $?
rm -rf tmux-*
