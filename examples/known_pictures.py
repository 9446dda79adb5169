"""A classifier of one's own: it knows a few pictures, and says of another one what it knows of the most alike.

Stands where a shop has the service of a specialist, such as that of Coveo's article, which knows kayaks.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from PIL import Image, ImageChops, ImageStat

from coveo_enrich import ProductImage
from coveo_enrich.classifiers import Attribute, Classification
from coveo_enrich.errors import ImageRejected

__all__ = ["KnownPictures"]

_SIDE: Final = 32
_LEAST_ALIKE: Final = 0.9


class KnownPictures:
    """Compares pictures with those that it knows.

    Args:
        known: The attributes of pictures, by their files.
    """

    name = "known-pictures"

    def __init__(self, known: Mapping[Path, Mapping[str, Sequence[str]]]) -> None:
        self._known = [(_small(path.read_bytes()), attributes) for path, attributes in known.items()]
        # Changes when the answers may: with the pictures, and with what is known of them.
        knowledge = hashlib.sha256(repr([(one.tobytes(), attributes) for one, attributes in self._known]).encode())
        self.fingerprint = f"{self.name}/1 {knowledge.hexdigest()[:16]}"

    def classify(self, image: ProductImage, /) -> Classification:
        """Say what is known of the picture that looks most like it, and how much it does; else nothing."""
        try:
            picture = _small(image.read())
        except OSError as error:
            raise ImageRejected(f"it cannot be read: {error}") from None
        alike, attributes = max(
            ((_likeness(picture, known), attributes) for known, attributes in self._known), key=lambda one: one[0]
        )
        if alike < _LEAST_ALIKE:
            return Classification(self.name)
        return Classification(
            self.name,
            attributes=tuple(
                Attribute(name, value, round(alike, 3)) for name, values in attributes.items() for value in values
            ),
        )


def _small(data: bytes) -> Image.Image:
    """A picture as a few hundred points on white."""
    with Image.open(io.BytesIO(data)) as opened:
        picture = opened.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)


def _likeness(one: Image.Image, other: Image.Image) -> float:
    """How much two pictures are alike, point by point: 1 when they are the same."""
    difference = ImageStat.Stat(ImageChops.difference(one, other)).mean
    return 1 - sum(difference) / len(difference) / 255
