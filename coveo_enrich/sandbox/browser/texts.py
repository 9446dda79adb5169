"""Texts as a page can hold them. Pure."""

from __future__ import annotations

import json

__all__ = ["python_text", "shortened"]


def shortened(text: str, most: int) -> str:
    """The text, or its beginning when it has more characters than this."""
    return text if len(text) <= most else f"{text[:most]}…"


def python_text(text: str) -> str:
    """The text as it stands in a Python program, whatever it holds."""
    return json.dumps(text, ensure_ascii=False) if text.isprintable() else ascii(text)
