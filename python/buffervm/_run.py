# SPDX-License-Identifier: MIT
"""run and Popen, with the names and rules of subprocess."""
from __future__ import annotations

import os
import shutil
import subprocess
from subprocess import DEVNULL, PIPE, STDOUT, CalledProcessError, TimeoutExpired
from typing import Any, Iterable, Sequence

from ._status import Status, parse

Path = "str | os.PathLike[str]"


class NotInstalled(FileNotFoundError):
    """There is no command `buffervm`."""


class CompletedProcess(subprocess.CompletedProcess):  # type: ignore[type-arg]
    """subprocess.CompletedProcess with .status."""

    def __init__(self, args: Any, returncode: int, stdout: Any, stderr: Any,
                 status: Status) -> None:
        super().__init__(args, returncode, stdout, stderr)
        self.status = status

    def __repr__(self) -> str:
        return super().__repr__()[:-1] + f", status={self.status!r})"


def command(args: Sequence[Any], *, read: Iterable[Any] | None = None,
            write: Iterable[Any] | None = None, net: bool | None = None,
            policy: Iterable[str] = (), memory: int | str | None = None,
            processes: int | None = None, cpus: int | None = None,
            open_files: int | None = None, check_heap: bool = False,
            options: Iterable[str] = (), status_fd: int | None = None) -> list[str]:
    """The command line of a run; for those who start it in another way.

    read, write: paths that the program may read, or read and change, with all below them. net: whether
    it may use the host's network. policy: further options of `buffervm run`. Any of these makes the
    run a `buffervm run`. options: further options of the command. memory: bytes, or a text such as
    "256M".
    """
    if isinstance(args, (str, bytes)) or not args:
        raise TypeError("args is a list: the program and its arguments")
    for name, paths in (("read", read), ("write", write), ("options", options),
                        ("policy", policy)):
        if isinstance(paths, (str, bytes)):
            raise TypeError(f"{name} is a list of texts")
    binary = os.environ.get("BUFFERVM") or shutil.which("buffervm")
    if not binary:
        raise NotInstalled(2, "neither $BUFFERVM nor PATH leads to buffervm")
    line = [binary]
    if status_fd is not None:
        line.append(f"--status-fd={status_fd}")
    line += options
    jailed = list(policy)
    jailed += [f"--read={os.fspath(p)}" for p in read or ()]
    jailed += [f"--write={os.fspath(p)}" for p in write or ()]
    if net:
        jailed.append("--net=host")
    if jailed or read is not None or write is not None or net is not None:
        line.append("run")
    limits = {"mem": memory, "pids": processes, "cpus": cpus, "open-files": open_files}
    line += [f"--{name}={value}" for name, value in limits.items() if value is not None]
    line += jailed
    if check_heap:
        line.append("check")
    return line + ["--"] + [os.fspath(a) for a in args]


#: The keyword arguments that are command()'s; all others are subprocess's.
OWN = ("read", "write", "net", "policy", "memory", "processes", "cpus", "open_files", "check_heap",
       "options")


class StatusPipe:
    """The pipe of the status objects. A file would do as well, but would have to have a place."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()

    def started(self) -> None:
        """The sandbox has its end."""
        os.close(self.writer)
        self.writer = -1

    def read(self) -> bytes:
        """All objects; called when the sandbox has ended."""
        chunks = []
        while self.reader >= 0:
            chunk = os.read(self.reader, 65536)
            if not chunk:
                break
            chunks.append(chunk)
        self.close()
        return b"".join(chunks)

    def close(self) -> None:
        for fd in (self.reader, self.writer):
            if fd >= 0:
                os.close(fd)
        self.reader = self.writer = -1


class Popen(subprocess.Popen):  # type: ignore[type-arg]
    """subprocess.Popen in a sandbox. It takes command()'s arguments, too; .status is how it ended.

    Only the descriptors 0, 1 and 2 reach the program, so pass_fds is refused.
    """

    def __init__(self, args: Sequence[Any], **more: Any) -> None:
        self._status: Status | None = None
        self._killed = False
        for name in ("shell", "executable", "pass_fds", "preexec_fn"):
            if more.get(name):
                raise ValueError(f"{name} has no meaning for a sandbox")
        own = {name: more.pop(name) for name in OWN if name in more}
        more.pop("close_fds", None)
        self._pipe = StatusPipe()
        try:
            line = command(args, status_fd=self._pipe.writer, **own)
            super().__init__(line, pass_fds=(self._pipe.writer,), **more)
        except BaseException:
            self._pipe.close()
            raise
        self.args = args
        self._pipe.started()

    @property
    def status(self) -> Status | None:
        """How the sandbox ended; None while it runs."""
        if self._status is None and self.poll() is not None:
            self._status = parse(self._pipe.read(), self.returncode, self._killed)
        return self._status

    def send_signal(self, sig: int) -> None:
        """As in subprocess. SIGKILL ends the sandbox with all its processes."""
        self._killed |= sig == 9 and self.poll() is None
        super().send_signal(sig)

    def __del__(self, *more: Any) -> None:
        if hasattr(self, "_pipe"):
            self._pipe.close()
        super().__del__(*more)


def run(args: Sequence[Any], *, input: Any = None,  # pylint: disable=redefined-builtin
        capture_output: bool = False, timeout: float | None = None, check: bool = False,
        **more: Any) -> CompletedProcess:
    """subprocess.run in a sandbox. It takes command()'s arguments, too.

    After the timeout the whole sandbox is killed, and TimeoutExpired has what was captured.
    """
    if input is not None:
        if more.get("stdin") is not None:
            raise ValueError("stdin and input may not both be used")
        more["stdin"] = PIPE
    if capture_output:
        if more.get("stdout") is not None or more.get("stderr") is not None:
            raise ValueError("stdout and stderr may not be used with capture_output")
        more["stdout"] = more["stderr"] = PIPE
    with Popen(args, **more) as process:
        try:
            stdout, stderr = process.communicate(input, timeout=timeout)
        except TimeoutExpired as error:
            process.kill()
            process.wait()
            error.cmd = args
            raise
        except BaseException:
            process.kill()
            raise
        status = process.status
    assert status is not None
    if check and process.returncode:
        raise CalledProcessError(process.returncode, args, output=stdout, stderr=stderr)
    return CompletedProcess(args, process.returncode, stdout, stderr, status)
