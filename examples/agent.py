#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A tool for a language model's agent: runs the code that the model wrote, and answers with JSON.

  agent.py <call.json

The call is an object such as {"language": "python", "code": "print(1 + 1)", "stdin": ""}. The answer
tells what the model has to know to go on: the output, whether it was cut, and why the program ended.
The code runs under `buffervm run` with 5 seconds, 256 MiB and 32 processes: it reads the system's files
without their secrets, writes only to an empty /tmp of its own, and has no network.
"""
import json
import os
import sys

import buffervm

LANGUAGES = {"python": ["/usr/bin/python3", "-I", "-c"], "shell": ["/bin/sh", "-c"]}
OUTPUT_MAX = 10000
SECONDS = float(os.environ.get("AGENT_SECONDS", "5"))


def shown(data):
    """What of an output goes to the model."""
    text = (data or b"").decode(errors="replace")
    if len(text) <= OUTPUT_MAX:
        return text
    return text[:OUTPUT_MAX] + f"\n[{len(text) - OUTPUT_MAX} characters left out]"


def reason(done):
    """Why it ended, in words for a reader that sees only the answer."""
    status = done.status
    if status.fault == "limit":
        return "it was killed: too much memory"
    if status.fault in ("host", "monitor", "caller"):
        return "the sandbox failed, not the code: " + shown(done.stderr)
    if status.signal:
        return f"a signal ended it: {status.details['signal_name']}"
    if "pids" in status.limits_hit:
        return f"exit status {status.exit_status}; it could not start more processes"
    return f"exit status {status.exit_status}"


def call(request):
    """Runs one tool call."""
    command = LANGUAGES.get(request.get("language"))
    if command is None or not isinstance(request.get("code"), str):
        return {"error": f"language is one of {', '.join(LANGUAGES)}, and code is a text"}
    try:
        done = buffervm.run(command + [request["code"]], input=request.get("stdin", "").encode(),
                            capture_output=True, timeout=SECONDS, memory="256M", processes=32,
                            net=False, cwd="/usr")
    except buffervm.TimeoutExpired as late:
        return {"stdout": shown(late.stdout), "stderr": shown(late.stderr),
                "ended": f"it was killed after {SECONDS:g} seconds"}
    return {"stdout": shown(done.stdout), "stderr": shown(done.stderr), "ended": reason(done),
            "seconds": round(done.status.wall_seconds, 3)}


if __name__ == "__main__":
    json.dump(call(json.load(sys.stdin)), sys.stdout)
    print()
