# SPDX-License-Identifier: MIT
"""Run programs in sandboxes of BufferVM, in the style of subprocess.

    import buffervm

    done = buffervm.run(["python3", "submission.py"], input=b"1 2\\n", capture_output=True,
                        read=["/usr"], write=["/tmp/work"], timeout=5, memory="256M")
    if done.status.fault == "limit":
        ...

Each sandbox is the command `buffervm` as a process of its own. It is $BUFFERVM, or else the first
"buffervm" along PATH. With read, write, net or policy the program runs under `buffervm run`, which
denies what these do not allow; without them it reaches what its user reaches.
"""
from ._run import (CalledProcessError, CompletedProcess, DEVNULL, NotInstalled, PIPE, Popen, STDOUT,
                   TimeoutExpired, command, run)
from ._status import Fault, Status
from . import aio

__version__ = "0.1.0"
__all__ = ["CalledProcessError", "CompletedProcess", "DEVNULL", "Fault", "NotInstalled", "PIPE",
           "Popen", "STDOUT", "Status", "TimeoutExpired", "aio", "command", "run"]
