"""Tells processes apart, and knows which have ended: what one that was killed had claimed is free at once.

Of a process on another machine nothing can be known here, so what it claimed is free only when its time is over.
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
from typing import Final

__all__ = ["has_ended", "this_process"]


class _Process:
    """This process. Its number does not tell it alone: in a container that is started again it is the same again."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.host = socket.gethostname()
        self.name = f"{self.host} {os.getpid()} {secrets.token_hex(8)}"


_this: Final = _Process()
if sys.platform != "win32":
    os.register_at_fork(after_in_child=_this.begin)


def this_process() -> str:
    """What tells this process from all others, on whatever machine."""
    return _this.name


def has_ended(owner: str) -> bool:
    """Whether a process is certainly gone.

    Args:
        owner: What `this_process` was there; whatever else it is, belongs to no process.
    """
    if owner == _this.name:
        return False
    try:
        host, number, _ = owner.rsplit(" ", 2)
        pid = int(number)
    except ValueError:
        return True
    return host == _this.host and (pid == os.getpid() or not _may_exist(pid))


def _may_exist(pid: int) -> bool:
    if sys.platform == "win32":  # where this signal is Ctrl-C
        return True
    try:
        os.kill(pid, 0)
    except PermissionError:  # it is another user's
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True
