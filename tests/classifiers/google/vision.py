"""What the tests of Google Vision share: pictures, a classifier, and Google's documented answer."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import httpx
from PIL import Image

from coveo_enrich.classifiers.google import GoogleVisionClassifier
from coveo_enrich.images import ProductImage

__all__ = ["ANNOTATE", "ANSWER", "KEY", "asked", "classifier", "picture", "png"]

KEY = "AIza-not-a-real-key"
ANNOTATE = "https://vision.googleapis.com/v1/images:annotate"

ANSWER: dict[str, Any] = {
    "labelAnnotations": [
        {"mid": "/m/01", "description": "Boat", "score": 0.8, "topicality": 0.8},
        {"mid": "/m/02", "description": "Kayak", "score": 0.97, "topicality": 0.97},
    ],
    "localizedObjectAnnotations": [
        {
            "mid": "/m/03",
            "name": "Canoe",
            "score": 0.83,
            "boundingPoly": {"normalizedVertices": [{"y": 0.25}, {"x": 0.5, "y": 0.25}, {"x": 0.5, "y": 1}, {"y": 1}]},
        }
    ],
    "imagePropertiesAnnotation": {
        "dominantColors": {
            "colors": [
                {"color": {"red": 69, "green": 42, "blue": 27}, "score": 0.5, "pixelFraction": 0.125},
                {"color": {"red": 250, "green": 210}, "score": 0.25, "pixelFraction": 0.5},
            ]
        }
    },
    "textAnnotations": [{"locale": "en", "description": "whole text"}, {"description": "whole"}],
    "logoAnnotations": [{"mid": "/m/04", "description": "Acme", "score": 0.75, "boundingPoly": {"vertices": [{}]}}],
}


def classifier(**settings: Any) -> GoogleVisionClassifier:  # noqa: ANN401 - settings of any kind
    """A classifier with a key."""
    with_key: dict[str, Any] = {"api_key": KEY} | settings
    return GoogleVisionClassifier(**with_key)


def png(side: int = 40) -> bytes:
    """A small picture."""
    file = BytesIO()
    Image.new("RGB", (side, side), "gold").save(file, "PNG")
    return file.getvalue()


def picture(url: str = "kayak.png", data: bytes | None = None) -> ProductImage:
    """A picture of a product."""
    return ProductImage.from_bytes(png() if data is None else data, url=url)


def asked(request: httpx.Request) -> list[dict[str, Any]]:
    """The requests in the JSON of one call."""
    requests: list[dict[str, Any]] = json.loads(request.content)["requests"]
    return requests
