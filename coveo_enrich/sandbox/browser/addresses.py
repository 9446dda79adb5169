"""The addresses of the browser's own pages, and which addresses of a catalog may become links. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeAlias
from urllib.parse import urlencode, urlsplit

from coveo_enrich.sandbox.values import Source

__all__ = ["Pairs", "address", "is_page", "page_number", "unfit", "web_address"]

Pairs: TypeAlias = Iterable[tuple[str, str | None]]

_NUMBER: Final = re.compile(r"[0-9]+")
_FURTHEST: Final = 10_000_000
# Of a value in an address, which stands in every address of its page.
_LONGEST: Final = 2_000
_HALF: Final = re.compile(r"[\ud800-\udfff]")
_NO_BLANKS: Final = re.compile(r"[^\s\x00-\x1f\x7f]+")


def is_page(path: str) -> bool:
    """Whether a path is one of the browser's, and none of Coveo's."""
    return path in ("/", "/browse") or path.startswith("/browse/")


def address(path: str, source: Source | None = None, pairs: Pairs = ()) -> str:
    """The address of a page about a source, with parameters that can be read; those that are `None` are left out."""
    named = [] if source is None else [("organization", source.organization_id), ("source", source.source_id)]
    query = urlencode([*named, *((name, value) for name, value in pairs if value is not None)], errors="replace")
    return f"{path}?{query}" if query else path


def page_number(text: str | None) -> int:
    """The page that is asked for, from 1 on; the first when that is no number."""
    digits = text.lstrip("0") if text and _NUMBER.fullmatch(text) else ""
    return min(int(digits[:8]), _FURTHEST) if digits else 1


def unfit(value: str) -> str | None:
    """Why a value cannot stand in an address, for people; `None` when it can."""
    if len(value) > _LONGEST:
        return "too long to filter by"
    return "no filter: it has half a character" if _HALF.search(value) else None


def web_address(text: str) -> str | None:
    """The text, when it is an address of the web; `None` when it is any other, which never becomes a link."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    is_one = parts.scheme in ("http", "https") and parts.netloc and _NO_BLANKS.fullmatch(text)
    return text if is_one else None
