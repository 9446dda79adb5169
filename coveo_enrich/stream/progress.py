"""A bar that shows how many items a run has read (extra ``progress``). Nothing depends on it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from coveo_enrich.errors import MissingExtraError

__all__ = ["require_progress", "with_progress"]

_Given = TypeVar("_Given")


def require_progress() -> None:
    """Raise `MissingExtraError` when tqdm is not installed."""
    _bar()


def with_progress(given: Iterable[_Given], operation: str) -> Iterable[_Given]:
    """The same things, counted on a bar as they are read."""
    bar: Iterable[_Given] = _bar()(given, desc=operation, unit=" items", unit_scale=True)
    return bar


def _bar() -> Callable[..., Any]:
    try:
        bar: Callable[..., Any] = importlib.import_module("tqdm.auto").tqdm
    except ImportError as error:
        raise MissingExtraError.of("progress=True", "progress") from error
    return bar
