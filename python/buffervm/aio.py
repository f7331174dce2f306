# SPDX-License-Identifier: MIT
"""The same for asyncio."""
from __future__ import annotations

import asyncio
import signal
from typing import Any, Sequence

from ._run import OWN, PIPE, CompletedProcess, CalledProcessError, StatusPipe, TimeoutExpired, command
from ._status import Status, parse


class Process:
    """asyncio.subprocess.Process of a sandbox, with .status."""

    def __init__(self, process: asyncio.subprocess.Process, pipe: StatusPipe) -> None:
        self._process = process
        self._pipe = pipe
        self._status: Status | None = None
        self._killed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._process, name)

    def send_signal(self, sig: int) -> None:
        """As in asyncio. SIGKILL ends the sandbox with all its processes."""
        self._killed |= sig == signal.SIGKILL and self._process.returncode is None
        self._process.send_signal(sig)

    def kill(self) -> None:
        """Ends the sandbox with all its processes."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Asks the program to end."""
        self.send_signal(signal.SIGTERM)

    @property
    def status(self) -> Status | None:
        """How the sandbox ended; None while it runs."""
        if self._status is None and self._process.returncode is not None:
            self._status = parse(self._pipe.read(), self._process.returncode, self._killed)
        return self._status

    def __del__(self) -> None:
        self._pipe.close()


async def create_subprocess(*args: Any, **more: Any) -> Process:
    """asyncio.create_subprocess_exec in a sandbox, with command()'s arguments, too."""
    own = {name: more.pop(name) for name in OWN if name in more}
    if more.get("pass_fds"):
        raise ValueError("pass_fds has no meaning for a sandbox")
    pipe = StatusPipe()
    try:
        line = command(args, status_fd=pipe.writer, **own)
        process = await asyncio.create_subprocess_exec(*line, pass_fds=(pipe.writer,), **more)
    except BaseException:
        pipe.close()
        raise
    pipe.started()
    return Process(process, pipe)


async def run(args: Sequence[Any], *, input: bytes | None = None,  # pylint: disable=redefined-builtin
              capture_output: bool = False, timeout: float | None = None, check: bool = False,
              **more: Any) -> CompletedProcess:
    """buffervm.run, as a coroutine. A cancelled one kills its sandbox."""
    if input is not None:
        more["stdin"] = PIPE
    if capture_output:
        more["stdout"] = more["stderr"] = PIPE
    process = await create_subprocess(*args, **more)
    try:
        stdout, stderr = await asyncio.wait_for(process.communicate(input), timeout)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()
        raise TimeoutExpired(args, timeout or 0) from None
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    status = process.status
    assert status is not None
    if check and process.returncode:
        raise CalledProcessError(process.returncode, args, output=stdout, stderr=stderr)
    return CompletedProcess(args, process.returncode, stdout, stderr, status)
