"""Files that are replaced once they are whole. What stands in them is their writers' matter."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

__all__ = ["replacing"]


@contextlib.contextmanager
def replacing(path: Path) -> Generator[BinaryIO]:
    """A file to write, which takes the place of ``path`` when the block ends; when it raises, what was there stays.

    A link is followed; what is no regular file, such as a pipe, is written to as it is.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    target = path.resolve()
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with _new(unfinished, path) as file:
            yield file
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _new(unfinished: Path, path: Path) -> BinaryIO:
    try:
        return unfinished.open("xb")
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from None
