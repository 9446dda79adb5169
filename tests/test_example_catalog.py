"""The example catalog: what it promises to show, and that its pictures are the ones its script draws."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from PIL import ExifTags, Image, ImageChops, ImageStat

if TYPE_CHECKING:
    from collections.abc import Iterator

CATALOG = Path(__file__).parent.parent / "examples" / "catalog"
PRODUCTS: list[dict[str, Any]] = [
    json.loads(line) for line in (CATALOG / "products.jsonl").read_text(encoding="utf-8").splitlines()
]
PICTURES = sorted(path.name for path in (CATALOG / "images").iterdir())
BROKEN = "lantern-green.jpg"
WHOLE = [name for name in PICTURES if name != BROKEN]
LOSSLESS = [name for name in WHOLE if name.endswith(".png")]
LOSSY = [name for name in WHOLE if not name.endswith(".png")]


def product(key: str) -> dict[str, Any]:
    """Return the product with this ``ec_product_id``."""
    return next(product for product in PRODUCTS if product["ec_product_id"] == key)


def named_pictures() -> Iterator[str]:
    """Yield every path in ``ec_images``, in the order of the catalog."""
    for each in PRODUCTS:
        yield from each.get("ec_images", ())


def picture(name: str) -> Path:
    """Return the committed picture with this file name."""
    return CATALOG / "images" / name


def pixels(path: Path) -> Image.Image:
    """Decode a picture to RGBA, every transparent pixel the same."""
    with Image.open(path) as image:
        clear = Image.new("RGBA", image.size)
        return Image.alpha_composite(clear, image.convert("RGBA"))


@pytest.fixture(scope="module")
def redrawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which the script has drawn every picture anew."""
    folder = tmp_path_factory.mktemp("catalog") / "images"
    runpy.run_path(str(CATALOG / "draw.py"))["draw_all"](folder)
    return folder


def test_there_are_at_least_twelve_products() -> None:
    """The catalog is large enough to show something."""
    assert len(PRODUCTS) >= 12


def test_document_ids_are_unique_uris_without_fragment() -> None:
    """Each ``documentId`` is a URI of its own with scheme, host and path, and no ``#``."""
    ids: list[str] = [each["documentId"] for each in PRODUCTS]
    assert len(set(ids)) == len(ids)
    for document_id in ids:
        parts = urlsplit(document_id)
        assert parts.scheme
        assert parts.netloc
        assert parts.path.strip("/")
        assert "#" not in document_id


@pytest.mark.parametrize("field", ["permanentid", "ec_product_id", "ec_item_group_id", "clickableuri"])
def test_other_identifiers_are_unique_too(field: str) -> None:
    """No two products share what tells them apart in Coveo."""
    values = [each[field] for each in PRODUCTS]
    assert len(set(values)) == len(values)


def test_ec_category_lists_every_ancestor_before_its_child() -> None:
    """``ec_category`` holds the whole way down, such as ``A``, ``A|B``, ``A|B|C``."""
    for each in PRODUCTS:
        levels = each["ec_category"][-1].split("|")
        assert each["ec_category"] == ["|".join(levels[:depth]) for depth in range(1, len(levels) + 1)]


def test_the_pictures_named_are_the_pictures_there() -> None:
    """Every path in ``ec_images`` names a file of the folder, and every file is named exactly once."""
    assert sorted(named_pictures()) == [f"images/{name}" for name in PICTURES]


def test_the_script_draws_the_pictures_there_and_no_others(redrawn: Path) -> None:
    """No picture in the folder came from elsewhere, and none is missing."""
    assert sorted(path.name for path in redrawn.iterdir()) == PICTURES


@pytest.mark.parametrize("name", LOSSLESS)
def test_redrawing_gives_the_same_pixels(redrawn: Path, name: str) -> None:
    """A lossless picture that is drawn again equals the committed one in every pixel."""
    before, after = pixels(picture(name)), pixels(redrawn / name)
    assert after.size == before.size
    assert after.tobytes() == before.tobytes()


@pytest.mark.parametrize("name", LOSSY)
def test_redrawing_gives_the_same_picture_but_for_the_encoder(redrawn: Path, name: str) -> None:
    """A lossy picture that is drawn again differs by less than one of 255 levels a channel on average."""
    before, after = pixels(picture(name)), pixels(redrawn / name)
    assert after.size == before.size
    assert max(ImageStat.Stat(ImageChops.difference(before, after)).mean) < 1


@pytest.mark.parametrize(
    ("name", "kind", "mode"),
    [
        ("kayak-yellow.webp", "WEBP", "RGB"),
        ("fleece-gray.webp", "WEBP", "RGBA"),
        ("backpack-green.png", "PNG", "RGBA"),
        ("life-vest-orange.png", "PNG", "P"),
        ("jacket-navy.jpg", "JPEG", "RGB"),
    ],
)
def test_each_kind_of_picture_is_there(name: str, kind: str, mode: str) -> None:
    """The catalog has WebP and PNG with and without transparency or palette, and JPEG."""
    with Image.open(picture(name)) as image:
        assert (image.format, image.mode) == (kind, mode)


@pytest.mark.parametrize(
    "name", ["backpack-green.png", "life-vest-orange.png", "fleece-gray.webp", "sleeping-bag-purple.webp"]
)
def test_a_cut_out_picture_is_clear_in_the_corner_and_opaque_in_the_middle(name: str) -> None:
    """Transparency is used, not merely declared."""
    alpha = pixels(picture(name)).getchannel("A")
    assert alpha.getpixel((0, 0)) == 0
    assert alpha.getpixel((alpha.width // 2, alpha.height // 2)) == 255


def test_one_picture_lies_on_its_side_and_says_so() -> None:
    """The boots carry EXIF orientation 6, and no other picture carries an orientation."""
    turned: dict[str, int] = {}
    for name in WHOLE:
        with Image.open(picture(name)) as image:
            orientation = image.getexif().get(ExifTags.Base.Orientation)
        if orientation is not None:
            turned[name] = orientation
    assert turned == {"boots-black.jpg": 6}


def test_the_background_of_the_bottle_is_a_light_gray() -> None:
    """One picture stands before a studio screen rather than on white."""
    corner = pixels(picture("bottle-pink.jpg")).convert("L").getpixel((2, 2))
    assert isinstance(corner, int)
    assert 200 < corner < 250


@pytest.mark.parametrize("source", ["committed", "redrawn"])
def test_the_broken_picture_is_broken(redrawn: Path, source: str) -> None:
    """The lantern's picture opens as a JPEG, and its pixels cannot be read to the end."""
    path = picture(BROKEN) if source == "committed" else redrawn / BROKEN
    with Image.open(path) as image:
        assert image.format == "JPEG"
        with pytest.raises(OSError, match="truncated"):
            image.load()


def test_the_broken_picture_is_the_only_picture_of_its_product() -> None:
    """Nothing can be seen of the lantern, and its colour is missing."""
    assert product("lantern-green")["ec_images"] == [f"images/{BROKEN}"]
    assert "ec_color" not in product("lantern-green")


def test_exactly_one_product_has_no_pictures() -> None:
    """The gift card has no ``ec_images`` at all."""
    assert [each["ec_product_id"] for each in PRODUCTS if "ec_images" not in each] == ["gift-card"]


def test_some_products_have_several_pictures() -> None:
    """Four products have two pictures."""
    assert sum(len(each.get("ec_images", ())) == 2 for each in PRODUCTS) == 4


def test_colours_that_are_already_filled_in() -> None:
    """Three products have a colour to be kept, one has an empty one, all others have none."""
    colors = {each["ec_product_id"]: each["ec_color"] for each in PRODUCTS if "ec_color" in each}
    assert colors == {
        "life-vest-orange": "",
        "dry-bag-turquoise": "Turquoise",
        "belt-brown": "Brown",
        "tent-red": "Red",
    }


def test_the_folder_stays_small() -> None:
    """Script, products and pictures together take less than 400 kB."""
    assert sum(path.stat().st_size for path in CATALOG.rglob("*") if path.is_file()) < 400_000
