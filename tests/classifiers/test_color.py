"""What the colour classifier sees in pictures drawn here: products, backgrounds, shadows, formats."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFilter

from coveo_enrich.classifiers import Classification, Classifier, ColorClassifier
from coveo_enrich.classifiers.color.shades import shades
from coveo_enrich.errors import ImageRejected
from coveo_enrich.images import ProductImage

CATALOG = Path(__file__).parents[2].parent / "shared" / "catalog"
BODY, LEFT, RIGHT = (120, 90, 280, 310), (120, 90, 200, 310), (201, 90, 280, 310)
COLORS = {
    "yellow": (250, 215, 30),
    "red": (205, 25, 40),
    "blue": (25, 90, 215),
    "green": (35, 130, 60),
    "black": (18, 18, 20),
    "navy": (22, 32, 72),
    "brown": (105, 68, 40),
    "pink": (245, 150, 185),
    "gray": (128, 130, 132),
    "purple": (115, 45, 150),
}
CLEAR = (0, 0, 0, 0)


def studio(color: tuple[int, ...], *, ground: str | tuple[int, ...] = "white", mode: str = "RGB") -> Image.Image:
    """A product of one colour in the middle of a plain background."""
    image = Image.new(mode, (400, 400), ground)
    ImageDraw.Draw(image).rounded_rectangle(BODY, 30, fill=color)
    return image


def shadowed(color: tuple[int, int, int], ground: tuple[int, int, int] = (255, 255, 255)) -> Image.Image:
    """The same with a soft shadow below and beside it."""
    image = Image.new("RGB", (400, 400), ground)
    draw = ImageDraw.Draw(image)
    draw.ellipse((90, 280, 330, 345), fill=tuple(channel // 2 for channel in ground))
    image = image.filter(ImageFilter.GaussianBlur(14))
    ImageDraw.Draw(image).rounded_rectangle(BODY, 30, fill=color)
    return image


def faded() -> Image.Image:
    """A white backdrop that grows softly gray towards its lower side."""
    lights = Image.linear_gradient("L").point([255 - value // 3 for value in range(256)])
    return Image.merge("RGB", [lights] * 3).resize((400, 400))


def seen(image: Image.Image, file_format: str = "PNG") -> Classification:
    """What the classifier says about it, as a file of that format."""
    out = BytesIO()
    image.save(out, file_format)
    return ColorClassifier().classify(ProductImage.from_bytes(out.getvalue()))


def shares(answer: Classification) -> dict[str, float]:
    """Confidence by colour word."""
    return {color.name: color.confidence or 0.0 for color in answer.colors}


@pytest.mark.parametrize("word", COLORS)
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_a_product_on_white_has_its_color_and_nothing_else(word: str, file_format: str) -> None:
    """A studio picture gives the product's colour alone, with almost all of it as its share."""
    answer = seen(studio(COLORS[word]), file_format)
    assert [color.name for color in answer.colors] == [word]
    assert shares(answer)[word] > 0.75


@pytest.mark.parametrize("ground", [(228, 226, 222), (40, 42, 46), (190, 215, 235), (245, 200, 205)])
def test_a_plain_background_may_have_any_color(ground: tuple[int, int, int]) -> None:
    """The background is what the border shows, white or not."""
    assert list(shares(seen(studio(COLORS["red"], ground=ground), "JPEG"))) == ["red"]


@pytest.mark.parametrize("word", ["yellow", "blue", "black", "brown"])
@pytest.mark.parametrize("ground", [(255, 255, 255), (225, 225, 228)])
def test_a_shadow_is_no_gray_product(word: str, ground: tuple[int, int, int]) -> None:
    """A soft shadow on the background is background."""
    assert list(shares(seen(shadowed(COLORS[word], ground), "JPEG"))) == [word]


@pytest.mark.parametrize("word", ["red", "blue", "yellow", "black"])
def test_a_drop_shadow_is_no_gray_product(word: str) -> None:
    """A shadow of the product's own shape, as image editors make them, is background."""
    image = Image.new("RGB", (800, 800), "white")
    ImageDraw.Draw(image).rounded_rectangle((270, 210, 580, 640), 60, fill=(140, 140, 140))
    image = image.filter(ImageFilter.GaussianBlur(12))
    ImageDraw.Draw(image).rounded_rectangle((240, 180, 560, 620), 60, fill=COLORS[word])
    assert list(shares(seen(image, "JPEG"))) == [word]


@pytest.mark.parametrize("ground", [(195, 195, 195), (200, 200, 200)])
def test_a_white_product_on_gray_is_white_without_its_shadow(ground: tuple[int, int, int]) -> None:
    """What is lighter than its background is neither lamplight nor a reason to count the shadow."""
    assert list(shares(seen(shadowed((236, 236, 236), ground), "JPEG"))) == ["white"]


def test_a_gray_product_is_not_taken_for_a_shadow() -> None:
    """A product as gray as its shadow is gray: what takes most of the picture that is no background is no shadow."""
    found = shares(seen(shadowed((150, 150, 152)), "JPEG"))
    assert next(iter(found)) == "gray"
    assert found["gray"] > 0.75


def test_transparency_decides_what_the_product_is() -> None:
    """In a cut-out picture the opaque pixels are the product, whatever colour hides under the transparent ones."""
    image = studio((*COLORS["green"], 255), ground=(255, 0, 0, 0), mode="RGBA")
    assert list(shares(seen(image))) == ["green"]


def test_a_transparent_shadow_and_soft_edges_do_not_count() -> None:
    """Half-transparent pixels are shadow or edge, not product."""
    image = Image.new("RGBA", (400, 400), CLEAR)
    ImageDraw.Draw(image).ellipse((80, 280, 340, 390), fill=(0, 0, 0, 120))
    image = image.filter(ImageFilter.GaussianBlur(8))
    image.alpha_composite(studio((*COLORS["yellow"], 255), ground=CLEAR, mode="RGBA"))
    assert list(shares(seen(image))) == ["yellow"]


def test_rounded_corners_do_not_make_a_cut_out() -> None:
    """A photograph on white whose corners are transparent is looked at as a photograph on white."""
    image = studio((*COLORS["red"], 255), ground=(255, 255, 255, 255), mode="RGBA")
    alpha = Image.new("L", image.size, 0)
    ImageDraw.Draw(alpha).rounded_rectangle((0, 0, 399, 399), 24, fill=255)
    image.putalpha(alpha)
    assert list(shares(seen(image))) == ["red"]


def test_a_transparent_picture_has_no_color() -> None:
    """Where nothing is to be seen the answer is empty, which is an answer and no failure."""
    assert seen(Image.new("RGBA", (50, 50), CLEAR)).colors == ()


def test_two_colors_are_both_there_the_most_present_first() -> None:
    """A product of two colours has both, with a share of about a half, and no third where they meet."""
    image = Image.new("RGB", (400, 400), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((120, 90, 225, 310), fill=COLORS["blue"])
    draw.rectangle((226, 90, 280, 310), fill=COLORS["yellow"])
    found = shares(seen(image, "JPEG"))
    assert list(found) == ["blue", "yellow"]
    assert found["blue"] == pytest.approx(0.65, abs=0.08)
    assert found["yellow"] == pytest.approx(0.35, abs=0.08)


def test_clusters_of_one_word_are_one_color() -> None:
    """Lighter and darker folds of one colour are one colour with their shares together."""
    image = Image.new("RGB", (400, 400), "white")
    draw = ImageDraw.Draw(image)
    for step in range(20):
        draw.rectangle((120, 90 + step * 11, 280, 100 + step * 11), fill=(10 + step, 70 + 3 * step, 180 + 3 * step))
    found = shares(seen(image, "JPEG"))
    assert list(found) == ["blue"]
    assert found["blue"] > 0.8


def test_white_on_white_falls_back_to_the_whole_picture_and_says_so() -> None:
    """A product as white as its background is white, with at most half of the confidence."""
    found = shares(seen(studio((252, 252, 252)), "JPEG"))
    assert list(found) == ["white"]
    assert 0.4 < found["white"] <= 0.5


@pytest.mark.parametrize("white", [(255, 255, 255), (252, 252, 252), (246, 246, 244)])
def test_a_white_product_is_not_as_gray_as_its_shadow(white: tuple[int, int, int]) -> None:
    """Where only the shadow of a white product on white stands out, the product is white, and not surely so."""
    found = shares(seen(shadowed(white), "JPEG"))
    assert next(iter(found)) == "white"
    assert found["white"] <= 0.5
    assert found.get("gray", 0.0) < 0.1


def test_black_on_black_is_black() -> None:
    """A product as black as its background is black, with at most half of the confidence."""
    found = shares(seen(studio((6, 6, 7), ground="black"), "JPEG"))
    assert list(found) == ["black"]
    assert 0.4 < found["black"] <= 0.5


@pytest.mark.parametrize("word", ["red", "black", "gray"])
def test_a_product_that_fills_the_picture_has_its_color(word: str) -> None:
    """Where the border shows the product itself, its colour is the answer, for half the confidence."""
    found = shares(seen(Image.new("RGB", (400, 400), COLORS[word]), "JPEG"))
    assert list(found) == [word]
    assert found[word] <= 0.5


@pytest.mark.parametrize("word", ["red", "black", "yellow", "gray"])
@pytest.mark.parametrize("turned", [0, 90, 180])
def test_a_backdrop_that_fades_is_background(word: str, turned: int) -> None:
    """A backdrop that grows softly darker from one side to the other does not count."""
    image = faded().rotate(turned)
    ImageDraw.Draw(image).rounded_rectangle(BODY, 30, fill=COLORS[word])
    found = shares(seen(image, "JPEG"))
    assert list(found) == [word]
    assert found[word] > 0.75


def test_a_product_at_the_edge_of_a_fading_backdrop_is_not_taken_for_it() -> None:
    """A product that the border cuts through ends the softness of the border: the whole picture counts."""
    image = faded()
    ImageDraw.Draw(image).rectangle((100, 100, 300, 400), fill=COLORS["red"])
    found = shares(seen(image, "JPEG"))
    assert found["red"] == pytest.approx(0.17, abs=0.04)


@pytest.mark.parametrize("width", [20, 30])
def test_what_a_ring_encloses_is_not_the_product(width: int) -> None:
    """The background seen through a ring, a handle or a pair of glasses is background."""
    image = Image.new("RGB", (400, 400), "white")
    ImageDraw.Draw(image).ellipse((80, 80, 320, 320), outline=COLORS["black"], width=width)
    assert list(shares(seen(image, "JPEG"))) == ["black"]


def test_a_white_label_inside_a_product_counts() -> None:
    """White that the product encloses is part of it, even as white as the background."""
    image = studio(COLORS["red"])
    ImageDraw.Draw(image).rectangle((160, 140, 240, 220), fill="white")
    assert list(shares(seen(image, "JPEG"))) == ["red", "white"]


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("hidden", [(0, 0, 0), (255, 255, 255)])
@pytest.mark.parametrize("word", ["yellow", "black"])
def test_the_edge_of_a_cut_out_takes_no_color_from_under_it(
    word: str, hidden: tuple[int, int, int], file_format: str
) -> None:
    """Smooth edges mixed with the colour of the transparent pixels become no gray and no black halo."""
    alpha = Image.new("L", (1600, 1600), 0)
    ImageDraw.Draw(alpha).ellipse((400, 400, 1200, 1200), fill=255)
    alpha = alpha.resize((400, 400), Image.Resampling.LANCZOS)
    image = Image.new("RGB", (400, 400), hidden)
    image.paste(COLORS[word], mask=alpha)
    image.putalpha(alpha)
    assert list(shares(seen(image, file_format))) == [word]


def test_a_thin_cut_out_has_its_color() -> None:
    """A chain too thin to be opaque in a small picture is still seen."""
    image = Image.new("RGBA", (1600, 1600), CLEAR)
    ImageDraw.Draw(image).ellipse((300, 300, 1300, 1300), outline=(*COLORS["red"], 255), width=6)
    assert list(shares(seen(image))) == ["red"]


def test_a_sheer_cut_out_has_its_color() -> None:
    """A product that is half transparent all over, such as glass, has a colour."""
    assert list(shares(seen(studio((*COLORS["blue"], 130), ground=CLEAR, mode="RGBA")))) == ["blue"]


def test_a_busy_background_halves_the_confidence() -> None:
    """Where the border is not plain, the whole picture counts, for half."""
    image = studio(COLORS["red"])
    draw = ImageDraw.Draw(image)
    for at in range(0, 400, 20):
        draw.rectangle((at, 0, at + 9, 90), fill=COLORS["green"])
        draw.rectangle((at, 310, at + 9, 399), fill=COLORS["brown"])
    found = shares(seen(image))
    assert "red" in found
    assert sum(found.values()) <= 0.5


def test_white_in_the_shade_is_white() -> None:
    """Light gray beside much white is the shade on a white product, not a second colour."""
    image = Image.new("RGBA", (400, 400), CLEAR)
    draw = ImageDraw.Draw(image)
    draw.rectangle(LEFT, fill=(243, 243, 242, 255))
    draw.rectangle(RIGHT, fill=(214, 214, 216, 255))
    assert list(shares(seen(image))) == ["white"]


def test_a_light_gray_product_with_a_white_print_is_gray() -> None:
    """A little white does not make a light gray product white."""
    image = studio((208, 208, 210, 255), ground=CLEAR, mode="RGBA")
    ImageDraw.Draw(image).rectangle((180, 150, 220, 200), fill=(250, 250, 250, 255))
    assert next(iter(shares(seen(image)))) == "gray"


def test_white_and_middle_gray_are_two_colors() -> None:
    """Gray that no shade makes of white stays a colour of its own."""
    image = Image.new("RGBA", (400, 400), CLEAR)
    draw = ImageDraw.Draw(image)
    draw.rectangle(LEFT, fill=(250, 250, 250, 255))
    draw.rectangle(RIGHT, fill=(150, 150, 150, 255))
    assert set(shares(seen(image))) == {"white", "gray"}


def test_a_color_carries_its_shade_and_its_rgb() -> None:
    """Beside the word stand the colour itself and the nearest named shade."""
    (color,) = seen(studio((135, 206, 235))).colors
    assert (color.name, color.shade) == ("blue", "sky blue")
    assert color.rgb is not None
    assert max(abs(one - other) for one, other in zip(color.rgb, (135, 206, 235), strict=True)) <= 2


def test_a_picture_of_one_pixel_is_answered() -> None:
    """The smallest picture there is has a colour."""
    assert list(shares(seen(Image.new("RGB", (1, 1), COLORS["blue"])))) == ["blue"]


@pytest.mark.parametrize("size", [(1, 300), (300, 1), (2, 2), (3, 1000)])
def test_thin_pictures_are_answered(size: tuple[int, int]) -> None:
    """Pictures that are almost all border are looked at as a whole."""
    assert list(shares(seen(Image.new("RGB", size, COLORS["blue"])))) == ["blue"]


def test_an_error_page_is_refused() -> None:
    """What is no picture is refused with the reason, as a classifier may."""
    with pytest.raises(ImageRejected, match="HTML page"):
        ColorClassifier().classify(ProductImage.from_bytes(b"<!doctype html><p>Not found</p>"))


def test_it_is_a_classifier_and_a_value() -> None:
    """It has the members that the library asks for, compares by value and pickles."""
    classifier: Classifier = ColorClassifier()
    assert classifier.name == seen(studio(COLORS["red"])).classifier
    assert pickle.loads(pickle.dumps(classifier)) == classifier == ColorClassifier()  # noqa: S301 - its own bytes
    assert ColorClassifier().fingerprint


def test_threads_get_the_same_answers() -> None:
    """Asked from several threads at once, it says what it says when asked alone."""
    images = [studio(color) for color in COLORS.values()] * 3
    alone = [seen(image) for image in images]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(seen, images)) == alone


def test_processes_give_the_same_answers() -> None:
    """What it says does not depend on the process, nor on how Python hashes texts there."""
    asked = f"""
import sys
from coveo_enrich.classifiers import ColorClassifier
from coveo_enrich.images import ProductImage
print(ColorClassifier().classify(ProductImage.from_bytes(bytes.fromhex({mottled().hex()!r}))))
"""

    def said(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.run(  # noqa: S603 - our own code
            [sys.executable, "-c", asked], env=environment, check=True, capture_output=True, text=True
        ).stdout

    alone = ColorClassifier().classify(ProductImage.from_bytes(mottled()))
    assert len(alone.colors) > 3
    assert {said("1"), said("2")} == {f"{alone}\n"}


def mottled() -> bytes:
    """A file with many colours, grays among them."""
    image = Image.merge("RGB", [Image.radial_gradient("L").rotate(angle) for angle in (0, 30, 60)]).resize((96, 96))
    image.paste(Image.linear_gradient("L").resize((40, 60)), (10, 20))
    image.paste(COLORS["red"], (60, 20, 90, 70))
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def test_the_fingerprint_changes_with_the_shades_and_the_rules() -> None:
    """Other shades or other answers need another fingerprint, or caches keep the old ones: change them together."""
    table = sha256(repr([(shade.name, shade.base, shade.rgb) for shade in shades()]).encode()).hexdigest()
    pictures = [shadowed((255, 255, 255)), faded(), studio(COLORS["red"]), Image.open(BytesIO(mottled()))]
    answers = [{word: round(share, 2) for word, share in shares(seen(image)).items()} for image in pictures]
    assert ColorClassifier.fingerprint == "color-classifier/2"
    assert table[:16] == "19a2e2823012a9c8"
    assert answers == [
        {"white": 0.48, "gray": 0.02},
        {"white": 0.33, "gray": 0.14},
        {"red": 0.85},
        {"gray": 0.21, "red": 0.11, "black": 0.06, "white": 0.03, "purple": 0.01, "yellow": 0.02},
    ]


def test_importing_it_does_not_import_pillow() -> None:
    """The package is usable without the extra until a picture is looked at."""
    code = "import sys, coveo_enrich.classifiers as c; c.ColorClassifier(); sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={**os.environ}, check=False).returncode == 0  # noqa: S603


@pytest.mark.skipif(not CATALOG.is_dir(), reason="the real catalog is not beside this repository")
def test_on_a_real_catalog_the_best_color_is_one_a_shopper_accepts() -> None:
    """Of the surest colours of 22 real products, one is accepted for at least 95 %."""
    accepted: dict[str, list[str]] = json.loads((CATALOG / "colors.json").read_text(encoding="utf-8"))
    products = [json.loads(line) for line in (CATALOG / "products.jsonl").read_text(encoding="utf-8").splitlines()]
    right = [best_color(product["ec_images"]) in accepted[product["ec_product_id"]] for product in products]
    assert len(right) == 22
    assert sum(right) >= 0.95 * len(right)


def best_color(paths: list[str]) -> str:
    """The surest colour over all pictures of a product, as a shop's usual value."""
    classifier = ColorClassifier()
    answers = [classifier.classify(ProductImage.from_file(CATALOG / path)) for path in paths]
    best = max((color for answer in answers for color in answer.colors), key=lambda color: color.confidence or 0.0)
    return {"maroon": "Red", "teal": "Green", "turquoise": "Blue"}.get(best.name, best.name.title())
