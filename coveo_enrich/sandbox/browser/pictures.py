"""The pictures of an item: which of its addresses a browser may ask for. Pure; nothing is fetched here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from coveo_enrich.sandbox.browser.addresses import web_address
from coveo_enrich.sandbox.browser.texts import shortened

__all__ = ["Picture", "first_picture", "pictures_of"]

_MOST: Final = 24
# Of picture data, as a page may hold many.
_LONGEST: Final = 200_000
# What a caption has room for.
_LONGEST_SAID: Final = 200
_DATA: Final = "data:image/"


@attrs.frozen
class Picture:
    """A picture.

    Attributes:
        said: What the item says; of a picture that the item holds itself, only its beginning.
        address: Where a browser finds it; `None` when it is not for a browser: a path, say.
        problem: Why it is not shown; empty when it is.
    """

    said: str
    address: str | None
    problem: str = ""


def pictures_of(fields: Mapping[str, object]) -> tuple[Picture, ...]:
    """The pictures of an item, up to 24 of them, each once."""
    found = dict.fromkeys([*_texts(fields.get("ec_images")), *_texts(fields.get("ec_thumbnails"))])
    return tuple(map(_picture, list(found)[:_MOST]))


def first_picture(fields: Mapping[str, object]) -> Picture | None:
    """The picture that stands for the item: the first small one that a browser may ask for, else any."""
    found = [_picture(text) for name in ("ec_thumbnails", "ec_images") for text in _texts(fields.get(name))]
    return next((picture for picture in found if picture.address), found[0] if found else None)


def _picture(text: str) -> Picture:
    is_data = text[: len(_DATA)].lower() == _DATA and "," in text
    said = shortened(text, _LONGEST_SAID)
    if is_data and len(text) > _LONGEST:
        return Picture(said, None, "Too large to show")
    address = text if is_data else web_address(text)
    return Picture(said, address, "" if address else "Not a web address")


def _texts(value: object) -> Iterator[str]:
    """The addresses in a list, or in one text with ``;`` between them, at which the index cuts picture data, too."""
    values: list[object] = list(value) if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownArgumentType] # of a field
    open_data = ""
    for part in (part.strip() for one in values if isinstance(one, str) for part in one.split(";")):
        whole = f"{open_data};{part}" if open_data else part
        open_data = whole if whole.lower().startswith(_DATA) and "," not in whole else ""
        if whole and not open_data:
            yield whole
    if open_data:
        yield open_data
