"""What is known of pictures between the two calls that they cost, so that a failure of the second repeats no first.

Not a cache: it is forgotten with its picture, and answers once.
"""

from __future__ import annotations

import weakref

from coveo_enrich.classifiers.values import Classification
from coveo_enrich.images.image import ProductImage

__all__ = ["HalfDone"]


class HalfDone:
    """The first half of the answer about pictures whose second half failed, for as long as somebody holds the picture.

    A picture is this very object: another one of the same URL may have other bytes.
    """

    def __init__(self) -> None:
        self._seen: dict[int, Classification] = {}

    def keep(self, image: ProductImage, seen: Classification) -> None:
        """Remember what was seen in a picture."""
        forget = weakref.finalize(image, self._seen.pop, id(image), None)
        forget.atexit = False
        self._seen[id(image)] = seen

    def take(self, image: ProductImage) -> Classification | None:
        """What was seen in a picture, to be used once; `None` when nothing is remembered."""
        return self._seen.pop(id(image), None)
