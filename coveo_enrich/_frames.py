"""Values as the data frames of pandas, Polars and NumPy hold them, as Python has them.

The frames themselves are not known here, and none of those libraries is imported.
"""

from __future__ import annotations

from typing import Any

__all__ = ["is_null", "plain"]


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever a product holds
    """A value with a frame's nulls as `None`, and an array of NumPy as a list."""
    if type(value).__module__ == "numpy" and value.ndim:
        return value.tolist()
    return None if is_null(value) else value


def is_null(value: object) -> bool:
    """Whether a value is `None`, or a null of frames: NaN or NA."""
    try:
        return value is None or bool(value != value)  # noqa: PLR0124 - only NaN differs from itself
    except (TypeError, ValueError):  # NA does not even know that, and an array knows several answers
        return not hasattr(value, "__len__")
