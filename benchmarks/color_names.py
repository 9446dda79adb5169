"""How well colours get their names: on patches that people named, and on the photographs of a real catalog.

    python benchmarks/color_names.py
    python benchmarks/color_names.py --catalog FOLDER

The catalog is a folder with products.jsonl, colors.json and the pictures; without ``--catalog``, the one in
``shared/catalog`` beside this repository, where there is one.

A patch is a name of the XKCD colour survey that ends in a colour word, such as "dusty blue", and the colour that people
gave it. Each is taken out of the table, then named by what is left (leave-one-out). It is right when it gets the word
of its name; "navy blue", "teal green" and the like count as navy and teal. Names unfit for a shop are not in the table.

A product of the catalog is right when the surest colour over all its pictures is one that a shopper would accept for
it, as its ``colors.json`` lists.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from coveo_enrich.classifiers import ColorClassifier
from coveo_enrich.classifiers.color.shades import Shade, named_among, shades
from coveo_enrich.images import ProductImage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coveo_enrich.classifiers import Color

CATALOG = Path(__file__).parents[2] / "shared" / "catalog"
# A shop's usual values for the words that are finer than them.
CANONICAL = {"maroon": "Red", "teal": "Green", "turquoise": "Blue"}


def patches() -> list[Shade]:
    """The survey's names that end in a colour word."""
    words = {shade.base for shade in shades()}
    return [shade for shade in shades() if shade.source == "xkcd" and shade.name.split()[-1] in words]


def measure_patches() -> None:
    """Print the share of patches that get their word, and the commonest mistakes."""
    named = [
        (patch, named_among((other for other in shades() if other is not patch), patch.rgb)) for patch in patches()
    ]
    mistakes = Counter((patch.base, naming.base) for patch, naming in named if patch.base != naming.base)
    right = len(named) - mistakes.total()
    print(f"named colour patches: {right} of {len(named)} get their colour word: {right / len(named):.1%} (goal: 85 %)")
    literally = sum(patch.name.split()[-1] == naming.base for patch, naming in named)
    print(f"  {literally} get the last word of their name to the letter: {literally / len(named):.1%}")
    for (base, got), times in mistakes.most_common(8):
        print(f"  {times:3}  {base} called {got}")


def measure_catalog(folder: Path) -> None:
    """Print, for each product, its surest colour, and the share of products where that is accepted."""
    accepted: dict[str, list[str]] = json.loads((folder / "colors.json").read_text(encoding="utf-8"))
    lines = (folder / "products.jsonl").read_text(encoding="utf-8").splitlines()
    products: list[dict[str, Any]] = [json.loads(line) for line in lines]
    started, right = perf_counter(), 0
    for product in products:
        best = surest(folder / path for path in product["ec_images"])
        value = CANONICAL.get(best.name, best.name.title())
        fits = value in accepted[product["ec_product_id"]]
        right += fits
        print(f"  {'right' if fits else 'WRONG'}  {best.confidence:.2f}  {value:8}{product['ec_product_id']}")
    pictures = sum(len(product["ec_images"]) for product in products)
    each = (perf_counter() - started) / pictures * 1000
    share = right / len(products)
    print(f"products: {right} of {len(products)} right: {share:.1%} (goal: 95 %), {each:.0f} ms a picture")


def surest(paths: Iterable[Path]) -> Color:
    """The colour with the highest confidence over all pictures of a product."""
    answers = [ColorClassifier().classify(ProductImage.from_file(path)) for path in paths]
    return max((color for answer in answers for color in answer.colors), key=lambda color: color.confidence or 0.0)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description="How well colours get their names.")
    parser.add_argument("--catalog", type=Path, default=CATALOG, help="the folder of products and pictures")
    catalog: Path = parser.parse_args().catalog
    measure_patches()
    if catalog.is_dir():
        measure_catalog(catalog)
    else:
        print(f"no products measured: there is no folder {catalog.name}; name one with --catalog")


if __name__ == "__main__":
    main()
