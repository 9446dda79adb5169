"""Classifiers that say what the bytes of a picture say, remember what they were asked, and do what a test wants."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from picture_server import PictureServer

from coveo_enrich import EnrichedProduct, Enricher, FieldMapping, FieldRule, ProductImage
from coveo_enrich.classifiers import Classification, Label

__all__ = ["KIND", "WAIT", "BatchTeller", "Teller", "enricher_at", "item", "kinds"]

KIND = FieldMapping([FieldRule("kind", reads="label")])
WAIT = 30.0
"""Seconds after which something that should have happened did not; no test waits for it to pass."""


class Teller:
    """Reads a picture and says what its bytes say.

    Args:
        name: Its name.
        fingerprint: What is declared; the name when not given.
        first: What is done before a picture is answered; it may raise.
    """

    def __init__(
        self, name: str = "acme", *, fingerprint: str = "", first: Callable[[ProductImage], object] | None = None
    ) -> None:
        self.name = name
        self.fingerprint = fingerprint or name
        self.asked: list[str] = []
        self.first = first
        self._lock = threading.Lock()

    def classify(self, image: ProductImage, /) -> Classification:
        """Remember the picture, and read it."""
        with self._lock:
            self.asked.append(image.url)
        if self.first is not None:
            self.first(image)
        return Classification(self.name, labels=[Label(image.read().decode(), 0.9)])


class BatchTeller(Teller):
    """The same, several at a time."""

    max_batch = 4

    def classify_many(self, images: Sequence[ProductImage], /) -> list[Classification]:
        """Each by itself."""
        return [self.classify(image) for image in images]


def enricher_at(
    server: PictureServer,
    classifiers: Any,  # noqa: ANN401 - as Enricher takes it
    **options: Any,  # noqa: ANN401 - as Enricher takes it
) -> Enricher:
    """An enricher that fetches pictures from a server."""
    root = f"http://{server.host}/"
    return Enricher(classifiers, options.pop("mapping", KIND), image_root=root, trusted_hosts=[server.host], **options)


def item(number: int, *images: str, **fields: object) -> dict[str, Any]:
    """A product with pictures."""
    return {"documentId": f"product://{number}", "ec_images": list(images), **fields}


def kinds(enriched: Iterable[EnrichedProduct]) -> list[object]:
    """What was written into each product."""
    documents: list[Mapping[str, Any]] = [one.document for one in enriched]
    return [document.get("kind") for document in documents]
