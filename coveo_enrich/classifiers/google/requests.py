"""What Google Vision is asked: the address, and the JSON of one call. Sends nothing, and knows no key."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import attrs

from coveo_enrich.images.limits import ImageLimits

__all__ = [
    "FEATURES",
    "LIMITS",
    "MAX_BATCH",
    "MAX_REQUEST_BYTES",
    "Feature",
    "Question",
    "Region",
    "address",
    "by_bytes",
    "by_url",
    "goes_by_bytes",
    "goes_by_url",
]

Feature = Literal["labels", "objects", "colors", "text", "logos"]
Region = Literal["eu", "us"]

FEATURES: Final[Mapping[Feature, str]] = {
    "labels": "LABEL_DETECTION",
    "objects": "OBJECT_LOCALIZATION",
    "colors": "IMAGE_PROPERTIES",
    "text": "TEXT_DETECTION",
    "logos": "LOGO_DETECTION",
}
"""What can be asked for, and what Google calls it."""

MAX_BATCH: Final = 16
"""The most pictures that Google takes in one call."""
MAX_REQUEST_BYTES: Final = 10_000_000
"""The longest JSON that it takes, whatever the number of pictures."""
_BESIDE_A_PICTURE: Final = 1_000
"""More bytes than the JSON around a picture ever has."""
_MAX_IMAGE_BYTES: Final = (MAX_REQUEST_BYTES // MAX_BATCH - _BESIDE_A_PICTURE) // 4 * 3  # base64 makes 4 of 3

LIMITS: Final = ImageLimits(
    formats=frozenset({"JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"}),
    max_bytes=_MAX_IMAGE_BYTES,
    min_side=16,
    max_side=1024,
)
"""The pictures that are sent. Sixteen of the largest fit into one call. Google says that more pixels gain little; a
picture of less than 16, such as a tracking pixel, would be paid for without showing anything."""


@attrs.frozen
class Question:
    """What is asked about each picture.

    Attributes:
        features: What to look for.
        max_labels: The most labels.
        model: The model that finds labels; `None` leaves it to Google.
    """

    features: tuple[Feature, ...]
    max_labels: int
    model: str | None

    def body(self, images: Sequence[Mapping[str, Any]]) -> bytes:
        """The JSON of one call about pictures in the form that `by_bytes` or `by_url` gave them."""
        features = [self._feature(name) for name in self.features]
        requests = [{"image": image, "features": features} for image in images]
        return json.dumps({"requests": requests}, separators=(",", ":")).encode()

    def _feature(self, name: Feature) -> dict[str, Any]:
        feature: dict[str, Any] = {"type": FEATURES[name]}
        if name == "labels":
            feature["maxResults"] = self.max_labels
            if self.model is not None:
                feature["model"] = self.model
        return feature


def by_bytes(data: bytes) -> dict[str, Any]:
    """A picture that travels with the request."""
    return {"content": b64encode(data).decode("ascii")}


def by_url(url: str) -> dict[str, Any]:
    """A picture that Google fetches itself."""
    return {"source": {"imageUri": url}}


def goes_by_url(url: str) -> bool:
    """Whether Google can fetch it itself: from the web, or from its own storage."""
    return url.lower().startswith(("http://", "https://", "gs://"))


def goes_by_bytes(url: str) -> bool:
    """Whether its bytes can be had without Google: an object in Google's storage is read by Google alone."""
    return not url.lower().startswith("gs://")


def address(api_url: str | None, region: Region | None, project: str | None) -> str:
    """Where pictures are sent.

    Args:
        api_url: Another host than Google's own.
        region: Where Google may process them; `None`: anywhere.
        project: Part of the address of a region, where it is known.
    """
    host = api_url or f"https://{f'{region}-' if region else ''}vision.googleapis.com"
    place = f"/projects/{project}/locations/{region}" if region and project else ""
    return f"{host}/v1{place}/images:annotate"
