"""Pictures and answers that the tests of Rekognition share; the answers by botocore's own key names."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from PIL import Image

from coveo_enrich.images import ProductImage

ARN = "arn:aws:rekognition:eu-west-1:123456789012:project/shoes/version/shoes.2026-01-01/1700000000000"


def picture(size: tuple[int, int] = (120, 100), file_format: str = "JPEG") -> bytes:
    """A plain picture as a file."""
    out = BytesIO()
    Image.new("RGB", size, (250, 210, 20)).save(out, file_format)
    return out.getvalue()


def image(size: tuple[int, int] = (120, 100), file_format: str = "JPEG") -> ProductImage:
    """The same as a classifier gets it."""
    return ProductImage.from_bytes(picture(size, file_format), url="kayak.jpg")


def color(name: str, percent: float, rgb: tuple[int, int, int] = (250, 210, 20), css: str = "gold") -> dict[str, Any]:
    """One dominant colour."""
    red, green, blue = rgb
    return {
        "Red": red,
        "Green": green,
        "Blue": blue,
        "HexCode": "#fad214",
        "CSSColor": css,
        "SimplifiedColor": name,
        "PixelPercent": percent,
    }


def label(name: str, confidence: float, *parents: str, **more: object) -> dict[str, Any]:
    """One label."""
    return {"Name": name, "Confidence": confidence, "Parents": [{"Name": parent} for parent in parents], **more}


def instance(confidence: float, *colors: Mapping[str, Any], left: float = 0.25) -> dict[str, Any]:
    """One thing that was found."""
    box = {"Left": left, "Top": 0.125, "Width": 0.5, "Height": 0.75}
    return {"BoundingBox": box, "Confidence": confidence, "DominantColors": list(colors)}


def properties(
    *, foreground: list[dict[str, Any]], background: list[dict[str, Any]], whole: list[dict[str, Any]]
) -> dict[str, Any]:
    """The properties of a picture."""
    return {
        "DominantColors": whole,
        "Foreground": {"DominantColors": foreground},
        "Background": {"DominantColors": background},
    }


KAYAK = {
    "Labels": [
        label("Vehicle", 99.5),
        label("Boat", 99.25, "Transportation", "Vehicle"),
        label(
            "Kayak",
            98.5,
            "Vehicle",
            "Boat",
            "Transportation",
            Aliases=[{"Name": "Canoe"}],
            Instances=[
                instance(60.0, color("Red", 90.0), left=0.75),
                instance(97.0, color("Yellow", 40.5), color("Black", 30.0, (10, 10, 10), "black")),
            ],
        ),
        label("Paddle", 99.0, Instances=[]),
        label("Transportation", 99.5, "Vehicle"),
    ],
    "ImageProperties": properties(
        foreground=[color("Orange", 50.0)], background=[color("White", 80.0)], whole=[color("White", 60.0)]
    ),
    "LabelModelVersion": "3.0",
}
TEXT = {
    "TextDetections": [
        {
            "DetectedText": "SEA TOURER",
            "Type": "LINE",
            "Id": 0,
            "Confidence": 97.5,
            "Geometry": {"BoundingBox": {"Left": 0.5, "Top": 0.25, "Width": 0.25, "Height": 0.125}},
        },
        {"DetectedText": "SEA", "Type": "WORD", "Id": 1, "ParentId": 0, "Confidence": 98.0},
    ],
    "TextModelVersion": "3.1",
}
CUSTOM = {
    "CustomLabels": [
        {"Name": "sandal", "Confidence": 61.0},
        {
            "Name": "sneaker",
            "Confidence": 92.0,
            "Geometry": {"BoundingBox": {"Left": 0.5, "Top": 0.25, "Width": 0.25, "Height": 0.125}},
        },
    ]
}
