from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from PIL import Image

from coveo_enrich.catalog import read_products

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "examples" / "quickstart.py"
EXAMPLE = ROOT / "examples" / "catalog" / "products.jsonl"
REAL = ROOT.parent / "shared" / "catalog"


@attrs.frozen
class Ran:
    """What a run came to."""

    status: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _as_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands beside the script is importable, as where it is run."""
    monkeypatch.setattr(sys, "path", [str(SCRIPT.parent), *sys.path])


@pytest.fixture
def quickstart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Return the script's main function, with its review page in a folder of its own."""
    main: Callable[[list[str]], int] = runpy.run_path(str(SCRIPT))["main"]

    def run(*arguments: str | Path) -> Ran:
        status = main([*map(str, arguments), "--review", str(tmp_path / "review.html")])
        out, err = capsys.readouterr()
        return Ran(status, out, err)

    return run


@pytest.fixture
def catalog(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a catalog, beside which are two pictures."""
    folder = tmp_path / "shop"
    (folder / "images").mkdir(parents=True)
    Image.new("RGB", (200, 200), (250, 220, 20)).save(folder / "images" / "yellow.png")
    Image.new("RGB", (200, 200), (200, 10, 20)).save(folder / "images" / "red.jpg")

    def write(*lines: dict[str, Any] | str) -> Path:
        path = folder / "products.jsonl"
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        return path

    return write


def product(number: int, *images: str, **fields: object) -> dict[str, Any]:
    """Return a product."""
    return {"documentId": f"product://{number}", "objecttype": "Product", "ec_images": list(images), **fields}


def as_user(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script as a user does."""
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(  # noqa: S603 - nothing from outside
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_main_job_runs_as_a_user_runs_it(tmp_path: Path) -> None:
    """Without arguments the example catalog is enriched, loaded and read back, and the page is where it says."""
    ran = as_user(cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Read back: 16 of 16 items, 11 of 11 new values" in ran.stdout
    assert "Heron 300 Kayak         -          Yellow" in ran.stdout
    assert f"Review page: {tmp_path / 'coveo-enrich-review.html'}" in ran.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["coveo-enrich-review.html"]


def test_a_name_that_the_terminal_cannot_show_stops_nothing(tmp_path: Path, catalog: Callable[..., Path]) -> None:
    """A terminal or pipe without Unicode, as on many Windows machines, gets marks in place of letters."""
    path = catalog(product(1, "images/yellow.png", ec_name="カヤック " * 20))
    ran = as_user(path, cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Read back: 1 of 1 items, 1 of 1 new values" in ran.stdout


def test_the_output_has_every_product(quickstart: Callable[..., Ran], tmp_path: Path) -> None:
    """Law 1: the enriched file has one line a product, in order, equal to what came in but for the colour."""
    output = tmp_path / "enriched.jsonl"
    ran = quickstart("--output", output)
    assert ran.status == 0
    assert f"Enriched documents: {output}" in ran.out
    before, after = list(read_products(EXAMPLE)), list(read_products(output))
    assert len(before) == len(after) == 16
    for old, new in zip(before, after, strict=True):
        assert {**new, "ec_color": None} == {**old, "ec_color": None}
        assert old.get("ec_color") in (None, "", new.get("ec_color"))
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 11
    assert "Read back: 16 of 16 items, 11 of 11 new values" in ran.out


@pytest.mark.parametrize("broken", ["{oops}", '{"documentId": NaN}', "[]", '{"documentId": "a"'])
@pytest.mark.parametrize("with_output", [False, True])
def test_a_broken_line_stops_before_anything_is_opened(
    quickstart: Callable[..., Ran], catalog: Callable[..., Path], tmp_path: Path, broken: str, *, with_output: bool
) -> None:
    """A line that cannot be read is named with its file; nothing was opened, written or printed before."""
    path = catalog(product(1, "images/red.jpg"), product(2), broken, product(3))
    output = tmp_path / "enriched.jsonl"
    ran = quickstart(path, *(["--output", output] if with_output else []))
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith(f"error: {path}, line 3: it ")
    assert "stream" not in ran.err
    assert not output.exists()
    assert not (tmp_path / "review.html").exists()


@pytest.mark.parametrize("place", ["missing.jsonl", "."])
def test_a_catalog_that_is_not_there_is_named(quickstart: Callable[..., Ran], tmp_path: Path, place: str) -> None:
    """A wrong path is a message, not a traceback."""
    ran = quickstart(tmp_path / place)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith(f"error: {tmp_path / place}: it cannot be read")


def test_an_empty_catalog_is_not_loaded(quickstart: Callable[..., Ran], catalog: Callable[..., Path]) -> None:
    """Law 2: a load of nothing, which would empty the source, stops with a message."""
    ran = quickstart(catalog())
    assert ran.status == 1
    assert "no item" in ran.err
    assert "Traceback" not in ran.err


BAD_ITEMS = {
    "no documentId": ([product(1), {"ec_name": "x"}], "item 2 (no documentId)"),
    "two with the same": ([product(1), product(2), product(1)], "item 3 (product://1)"),
    "a documentId that is a number": ([{"documentId": 5}], "item 1"),
    "an empty documentId": ([product(1), product(2), {"documentId": ""}], "item 3"),
}


@pytest.mark.parametrize(("lines", "where"), BAD_ITEMS.values(), ids=BAD_ITEMS)
@pytest.mark.parametrize("with_output", [False, True])
def test_an_item_that_coveo_would_not_take_stops_before_the_close(
    quickstart: Callable[..., Ran],
    catalog: Callable[..., Path],
    tmp_path: Path,
    lines: list[dict[str, Any]],
    where: str,
    *,
    with_output: bool,
) -> None:
    """Law 2: the item is named with its position, and what became of the stream is said; no traceback."""
    ran = quickstart(catalog(*lines), *(["--output", tmp_path / "out.jsonl"] if with_output else []))
    assert ran.status == 1
    assert f"error: {where}" in ran.err
    assert "stream" in ran.err
    assert "Traceback" not in ran.err
    assert "Read back" not in ran.out


def test_bad_pictures_are_named_and_counted(
    quickstart: Callable[..., Ran], catalog: Callable[..., Path], tmp_path: Path
) -> None:
    """Laws 1, 9 and 15: each picture that cannot be had is named with its reason; every product is loaded."""
    (tmp_path / "secret.png").write_bytes((tmp_path / "shop" / "images" / "red.jpg").read_bytes())
    bad = {
        "images/page.jpg": "HTML page",
        "images/empty.jpg": "0 bytes",
        "images/missing.jpg": "404",
        "images": "404",
        "../secret.png": "leaves the image root",
        "images/link.png": "404",
        "file:///etc/passwd": "scheme",
        "http://127.0.0.1/x.png": "public",
        "a" * 300 + ".png": "404",
    }
    lines = [product(number, reference) for number, reference in enumerate(bad)]
    path = catalog(
        *lines, product(100, "images/yellow.png"), product(101), product(102, "images/red.jpg", ec_color="x")
    )
    (path.parent / "images" / "page.jpg").write_bytes(b"<!doctype html><title>not found</title>")
    (path.parent / "images" / "empty.jpg").touch()
    (path.parent / "images" / "link.png").symlink_to(tmp_path / "secret.png")
    ran = quickstart(path)
    assert (ran.status, ran.err) == (0, "")
    for number, (reference, reason) in enumerate(bad.items()):
        assert f"    product://{number} {reference}\n" in ran.out
        assert reason in ran.out
    assert f"{len(lines) + 3} products, 1 changed, 1 without a picture" in ran.out
    assert sum(int(line.split(", ")[1].split()[0]) for line in ran.out.splitlines() if " failure, " in line) == len(bad)
    assert f"Read back: {len(lines) + 3} of {len(lines) + 3} items, 1 of 1 new values" in ran.out
    assert "without a picture: product://101" in ran.out


@pytest.mark.parametrize("with_output", [False, True])
def test_half_a_character_in_a_name_is_no_traceback(
    catalog: Callable[..., Path], tmp_path: Path, *, with_output: bool
) -> None:
    r"""A name cut in the middle of an emoji (``"\ud83d"``) is loaded, or named with its position before the close."""
    path = catalog(product(1, "images/yellow.png"), product(2, ec_name="Kayak \ud83d"))
    options: list[str | Path] = ["--output", tmp_path / "out.jsonl"] if with_output else []
    ran = as_user(path, *options, cwd=tmp_path)
    if ran.returncode == 0:
        assert "Read back: 2 of 2 items, 1 of 1 new values" in ran.stdout
    else:
        assert ran.stderr.startswith("error: item 2 (product://2)")
        assert "Traceback" not in ran.stderr


def test_odd_names_of_files_are_found(quickstart: Callable[..., Ran], catalog: Callable[..., Path]) -> None:
    """Blanks, ``#``, ``?``, ``%`` and accents in a file's name are parts of it."""
    names = ["my photo.png", "a#b.png", "a?b.png", "100%.png", "%2e.png", "é.png", "a&b=c.png"]
    path = catalog(*(product(number, f"images/{name}") for number, name in enumerate(names)))
    for name in names:
        (path.parent / "images" / name).write_bytes((path.parent / "images" / "yellow.png").read_bytes())
    ran = quickstart(path)
    assert (ran.status, ran.err) == (0, "")
    assert f"Read back: {len(names)} of {len(names)} items, {len(names)} of {len(names)} new values" in ran.out


@pytest.mark.parametrize("option", ["--output", "--review"])
def test_a_place_that_cannot_be_written_is_a_message(
    quickstart: Callable[..., Ran], catalog: Callable[..., Path], tmp_path: Path, option: str
) -> None:
    """A folder that is not there is named, without a traceback."""
    main = runpy.run_path(str(SCRIPT))["main"]
    place = tmp_path / "missing" / "file"
    arguments = [str(catalog(product(1))), option, str(place)]
    if option == "--review":
        assert main(arguments) == 1
    else:
        ran = quickstart(*arguments)
        assert ran.status == 1
        assert str(place.parent) in ran.err


def test_the_summary_holds_for_more_products_than_are_shown(
    quickstart: Callable[..., Ran], catalog: Callable[..., Path]
) -> None:
    """Beyond the rows of the table every product is still enriched, loaded and counted."""
    ran = quickstart(catalog(*(product(number) for number in range(250)), product(250, "images/red.jpg")))
    assert ran.status == 0
    assert "251 products, 1 changed" in ran.out
    assert "Read back: 251 of 251 items" in ran.out


@pytest.mark.skipif(not REAL.is_dir(), reason="the real catalog stands beside a checkout of this project only")
def test_the_real_catalog_is_coloured_as_a_shopper_would(quickstart: Callable[..., Ran], tmp_path: Path) -> None:
    """Of 22 real products with 35 photographs at least four in five get a colour that was accepted by eye."""
    output = tmp_path / "enriched.jsonl"
    ran = quickstart(REAL / "products.jsonl", "--output", output)
    assert ran.status == 0
    assert "Read back: 22 of 22 items" in ran.out
    accepted: dict[str, list[str]] = json.loads((REAL / "colors.json").read_text(encoding="utf-8"))
    named = {one["ec_product_id"]: one.get("ec_color") for one in read_products(output)}
    right = [key for key, colors in accepted.items() if named[key] in colors]
    assert len(right) >= 0.8 * len(accepted), sorted(set(accepted) - set(right))
