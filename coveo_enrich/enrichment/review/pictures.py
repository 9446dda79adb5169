"""The pictures of a product as the page holds them: a few, reduced.

One that cannot be shown is replaced by the reason.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Final

import attrs

from coveo_enrich.enrichment.product import EnrichedProduct, Observation
from coveo_enrich.errors import ClassifierError
from coveo_enrich.images.decode import thumbnail
from coveo_enrich.images.reader import ImageReader

__all__ = ["Pictured", "pictures_of"]

_LARGE_SIDE: Final = 360
_SMALL_SIDE: Final = 160
_MOST_PICTURES: Final = 4
# More are fetched at once, but a decoded one takes 100 MB or so.
_decoding: Final = threading.BoundedSemaphore(2)


@attrs.frozen
class Pictured:
    """A picture of a product, or why there is none.

    Attributes:
        number: Which of the product's pictures it is, from 1.
        reference: As the product names it.
        is_main: Whether it is the one that is shown large.
        jpeg: The picture, reduced; empty when it cannot be shown.
        problem: Why it cannot be shown; empty when it can.
    """

    number: int
    reference: str
    is_main: bool
    jpeg: bytes = b""
    problem: str = ""


def pictures_of(enriched: EnrichedProduct, reader: ImageReader) -> tuple[Pictured, ...]:
    """The pictures that something was seen in, and the first others, in the order of the product: four at most.

    The first of them that speaks for a change is the main one, else the first.

    Raises:
        MissingExtraError: Pillow is not installed.
    """
    telling = [one.image for one in _observations(enriched) if one.image in enriched.images]
    chosen = list(dict.fromkeys((*telling, *enriched.images)))[:_MOST_PICTURES]
    main = chosen[0] if chosen else None
    return tuple(
        _pictured(number, reference, reader, is_main=reference == main)
        for number, reference in _numbered(enriched.images)
        if reference in chosen
    )


def _observations(enriched: EnrichedProduct) -> Iterable[Observation]:
    for change in enriched.changes:
        yield from change.evidence
    for conflict in enriched.conflicts:
        yield from conflict.against
    for unmapped in enriched.unmapped:
        yield unmapped.observation


def _numbered(references: Iterable[str]) -> Iterable[tuple[int, str]]:
    seen = dict[str, int]()
    for number, reference in enumerate(references, 1):
        seen.setdefault(reference, number)
    return ((number, reference) for reference, number in seen.items())


def _pictured(number: int, reference: str, reader: ImageReader, *, is_main: bool) -> Pictured:
    try:
        data = reader.image(reference).read()
        with _decoding:
            jpeg = thumbnail(data, _LARGE_SIDE if is_main else _SMALL_SIDE)
    except ClassifierError as error:
        return Pictured(number, reference, is_main, problem=str(error) or type(error).__name__)
    return Pictured(number, reference, is_main, jpeg)
