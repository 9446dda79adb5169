"""Ctrl-C at every step, for tests of what it must not leave behind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from dis import opmap
from types import FrameType
from typing import Any, Final

_NOP: Final = opmap["NOP"]
"""Python never looks for signals there, and no handler covers some of them."""


class CtrlC:
    """Raises `KeyboardInterrupt` at the so-manieth step of the code of some files in this thread."""

    def __init__(self, at: int, files: Collection[str]) -> None:
        self._left = at
        self._files = files

    @property
    def came(self) -> bool:
        """Whether there were so many steps."""
        return self._left < 0

    def __enter__(self) -> None:
        sys.settrace(self._trace)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:  # noqa: ANN401 - as sys.settrace wants it
        if frame.f_code.co_filename not in self._files:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and frame.f_code.co_code[frame.f_lasti] != _NOP:
            self._left -= 1
            if self._left == -1:
                raise KeyboardInterrupt
        return self._trace


def at_every_step(scenario: Callable[[CtrlC], None], files: Collection[str]) -> int:
    """Play a scenario with Ctrl-C at the first step of these files, at the second, and so on; how many there are."""
    step = 0
    while True:
        ctrl_c = CtrlC(step, files)
        scenario(ctrl_c)
        if not ctrl_c.came:
            return step
        step += 1
