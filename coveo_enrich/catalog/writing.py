"""Files of products and of changes to write. What stands in them is their writers' matter."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

from coveo_enrich._files import replacing
from coveo_enrich.errors import ConfigurationError

__all__ = ["written"]


@contextlib.contextmanager
def written(path: str | Path) -> Generator[BinaryIO]:
    """A file to write; what it held is replaced once everything is written, and stays when the block raises.

    Raises:
        ConfigurationError: It cannot be written there.
    """
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(replacing(Path(path)))
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be written: {_reason(error)}") from error
        yield file


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "its folder does not exist; make it first"
    if isinstance(error, IsADirectoryError):
        return "it is a folder; name a file in it"
    return error.strerror or str(error)
