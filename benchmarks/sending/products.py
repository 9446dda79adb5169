"""Products to measure with: the same ones each time, of one size, with values of every kind that a catalog holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

__all__ = ["LINE_BYTES", "product_lines", "write_json_arrays", "write_json_lines"]

LINE_BYTES: Final = 2_001
"""Bytes of a product, and of the comma or the line end after it."""

_BRANDS: Final = ("Northwater", "Aqua Bound", "Río Claro", "Fjällpaddel", "Blue Heron", "Kōyō")
_COLORS: Final = ("Sunset Orange", "Deep Sea Blue", "Moss", "Ivory White", "Graphite", "Signal Red", "Café")
_MATERIALS: Final = ("polyethylene", "fibreglass", "carbon", "aramid", "ash wood")
_KINDS: Final = ("Touring", "River", "Sea", "Fishing", "Racing")
_JAPANESE: Final = "軽くて丈夫なカヤック。初心者から上級者まで、湖でも海でも安心して楽しめます。"
_UKRAINIAN: Final = "Легкий байдарковий корпус для спокійної води, з місцем для спорядження на вихідні. "
_PROSE: Final = (
    "A quiet boat for long days on the water. The hull tracks straight in wind and turns easily when leaned. "
    "Two sealed hatches keep a weekend of gear dry, and deck lines hold a map, a pump and a spare paddle. "
    "The seat moves in four steps and folds away for sleeping aboard. Handles at both ends make it easy to carry. "
    "Made in small numbers, checked by hand, and repaired for as long as there are rivers. "
)
_PLACEHOLDER: Final = b'"ec_description":""'


def product_lines(number: int) -> Iterator[bytes]:
    """Products as compact UTF-8 JSON of 2,000 bytes each, without line ends.

    A product has 24 keys: texts of which some are not Latin, whole and other numbers, truth values, and lists of texts.
    It depends on its place only, so a longer catalog begins with a shorter one.
    """
    prose = _PROSE * 6
    for index in range(number):
        line = json.dumps(_product(index), ensure_ascii=False, separators=(",", ":")).encode()
        start = index % len(_PROSE)
        description = prose[start : start + LINE_BYTES - 1 - len(line)].encode()
        yield line.replace(_PLACEHOLDER, _PLACEHOLDER[:-1] + description + b'"', 1)


def write_json_lines(path: Path, number: int) -> None:
    """Write a catalog with one product a line."""
    with path.open("wb") as lines:
        lines.writelines(line + b"\n" for line in product_lines(number))


def write_json_arrays(folder: Path, number: int, per_file: int = 50_000) -> list[Path]:
    """Write the same catalog as files that hold a JSON array each, and return them in order."""
    paths: list[Path] = []
    lines = product_lines(number)
    while line := next(lines, None):
        paths.append(folder / f"products-{len(paths):03}.json")
        with paths[-1].open("wb") as array:
            array.write(b"[" + line)
            array.writelines(b"," + line for line in islice(lines, per_file - 1))
            array.write(b"]")
    return paths


def _product(index: int) -> dict[str, Any]:
    kind, brand = _KINDS[index % 5], _BRANDS[index % 6]
    color, material = _COLORS[index % 7], _MATERIALS[index // 7 % 5]
    price = 200 + index % 1_900 + 0.95
    images = [f"https://shop.example/images/{index:08}/{view}.jpg" for view in ("front", "side", "deck")]
    return {
        "documentId": f"https://shop.example/products/{index:08}",
        "objecttype": "Product",
        "title": f"{brand} {kind} Kayak {index}",
        "ec_name": f"{kind} Kayak {index}",
        "ec_product_id": f"kayak-{index:08}",
        "ec_item_group_id": f"kayak-{index // 4}",
        "ec_brand": brand,
        "ec_shortdesc": f"{kind} kayak of {material} in {color}, für Anfänger und Könner.",
        "ec_description": "",
        "ec_category": ["Boats", "Boats|Kayaks", f"Boats|Kayaks|{kind} kayaks"],
        "ec_price": price,
        "ec_promo_price": round(price * 0.85, 2),
        "ec_in_stock": index % 9 > 0,
        "ec_rating": index % 41 / 10 + 1,
        "ec_images": images,
        "ec_thumbnails": [images[0].replace("images", "thumbnails")],
        "name_ja": f"{_JAPANESE}{index}",
        "description_uk": _UKRAINIAN * 3,
        "colors": [color, _COLORS[(index + 3) % 7]],
        "materials": [material],
        "length_cm": 250 + index % 300,
        "weight_kg": index % 240 / 8 + 12,
        "reviews": index % 713,
        "is_new": index % 5 == 0,
    }
