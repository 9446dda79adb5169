"""A bar that shows how far a run is (extra ``progress``). Nothing depends on it."""

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


def with_progress(
    given: Iterable[_Given], operation: str, *, unit: str = "items", total: int | None = None
) -> Iterable[_Given]:
    """The same things, counted on a bar as they are taken.

    Args:
        given: The things.
        operation: What the bar is called.
        unit: What they are called.
        total: How many there are; `None`: as many as the length of ``given`` says, where it has one.
    """
    bar: Iterable[_Given] = _bar()(given, desc=operation, unit=f" {unit}", unit_scale=True, total=total)
    return bar


def _bar() -> Callable[..., Any]:
    try:
        bar: Callable[..., Any] = importlib.import_module("tqdm.auto").tqdm
    except ImportError as error:
        raise MissingExtraError.of("progress=True", "progress") from error
    return bar
