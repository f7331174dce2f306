# SPDX-License-Identifier: MIT
"""How a sandbox ended: the object that --status-fd writes (docs/status.md)."""
from __future__ import annotations

import dataclasses
import json
from typing import Any, Literal, Mapping

Fault = Literal["program", "limit", "caller", "host", "monitor"]


@dataclasses.dataclass(frozen=True)
class Status:
    """The end of a run. `details` has every member of the object."""

    ran: bool  #: whether the program ran, so that exit_status and signal are its own
    exit_status: int | None  #: None if a signal ended it
    signal: int | None
    fault: Fault  #: who made the run end like this
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory: int = 0  #: bytes of the host
    limits_hit: tuple[str, ...] = ()
    refused_calls: tuple[Mapping[str, Any], ...] = ()
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)


def parse(text: bytes, returncode: int, killed: bool) -> Status:
    """The status from the objects, or from the process's own status if there is no object."""
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue  # the sandbox was killed in the middle of the line
        if isinstance(found, dict) and found.get("event") == "end":
            return Status(
                ran=found["ran"], exit_status=found.get("exit_status"),
                signal=found.get("signal"), fault=found["fault"],
                wall_seconds=found["wall_seconds"],
                cpu_seconds=found["user_seconds"] + found["system_seconds"],
                peak_memory=found["peak_memory_bytes"],
                limits_hit=tuple(found["limits_hit"]),
                refused_calls=tuple(found["refused_calls"]), details=found)
    caller = killed or returncode == 64  # 64: the command line was wrong
    return Status(ran=False, exit_status=returncode if returncode >= 0 else None,
                  signal=-returncode if returncode < 0 else None,
                  fault="caller" if caller else "monitor")
