"""How values with a few lines show themselves in a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

__all__ = ["table_of"]

_LEFT: Final = 'style="text-align: left"'


def table_of(rows: Iterable[tuple[str, str]]) -> str:
    """A table of two columns; nothing in it is taken for HTML."""
    cells = "".join(f"<tr><td {_LEFT}>{escape(name)}</td><td {_LEFT}>{escape(what)}</td></tr>" for name, what in rows)
    return f"<table><tbody>{cells}</tbody></table>"
