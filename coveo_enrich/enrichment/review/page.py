"""The page as a file: its head, what there is to filter by, and one product after the other.

One file without outside requests: pictures, style and script are inside it. It is a plain list where no script runs.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.resources
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from coveo_enrich._files import replacing
from coveo_enrich._threads import Task, Threads
from coveo_enrich.enrichment.product import EnrichedProduct
from coveo_enrich.enrichment.review.card import card
from coveo_enrich.enrichment.review.kinds import KIND_NAMES, Kind, kinds_of
from coveo_enrich.enrichment.review.pictures import Pictured, pictures_of
from coveo_enrich.enrichment.review.sample import Sample, Sampled, choose
from coveo_enrich.enrichment.review.text import attribute, text
from coveo_enrich.errors import ConfigurationError
from coveo_enrich.images.reader import ImageReader
from coveo_enrich.retry import require_count

__all__ = ["write_review"]

_PICTURES_AT_ONCE: Final = 8
_MOST_FIELDS: Final = 200


def write_review(
    path: str | Path,
    products: Iterable[EnrichedProduct],
    *,
    title: str = "Catalog enrichment",
    most: int = 200,
    image_root: str | Path | None = None,
    trusted_hosts: Iterable[str] = (),
    user_agent: str | None = None,
    proxy: str | None = None,
) -> Path:
    """Write the review page of some products; needs the extra ``images``.

    Of a larger catalog, three quarters of the places go to the most doubtful products: those with a value that
    something speaks against, then by their least confidence, where a failure, a word outside the vocabulary and a
    change that was not scored count as one half. The last quarter are others by chance, the same ones every time. The
    page says how many there were of each kind; items of types that are not enriched are counted there and not shown.
    The pictures of the products on it are read once more.

    Args:
        path: The HTML file; what it held is replaced once the page is whole.
        products: What came out of a run, gone through once.
        title: The heading of the page.
        most: The most products on the page, 1 or more, default 200. Each takes about 25 kB in the file and the time to
            read four pictures; while the catalog is gone through, at most twice as many are kept.
        image_root: As given to the `Enricher`.
        trusted_hosts: As given to the `Enricher`.
        user_agent: As given to the `Enricher`.
        proxy: As given to the `Enricher`.

    Returns:
        The path.

    Raises:
        ConfigurationError: A value is out of its range, the file cannot be written, or a product did not come out of a
            run.
        MissingExtraError: Pillow is not installed.
    """
    require_count("most", most, 1)
    if not isinstance(products, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]  # whatever a caller passes
        raise ConfigurationError(f"products must be what came out of a run; got {type(products).__name__}")
    target = Path(path)
    reader = ImageReader(image_root=image_root, trusted_hosts=trusted_hosts, user_agent=user_agent, proxy=proxy)
    with _opened(target) as page, contextlib.closing(_page(title, choose(products, most), reader)) as parts:
        # Half of a surrogate pair, as cut exports hold, has no UTF-8.
        page.writelines(part.encode("utf-8", "replace") for part in parts)
    return target


@contextlib.contextmanager
def _opened(target: Path) -> Generator[BinaryIO]:
    """The file to write, opened before a run is gone through, which may cost money."""
    with contextlib.ExitStack() as stack:
        try:
            page = stack.enter_context(replacing(target))
        except OSError as error:
            raise ConfigurationError(f"{target} cannot be written: {error.strerror or error}") from error
        yield page


def _page(title: str, sample: Sample, reader: ImageReader) -> Generator[str]:
    style, script = _asset("review.css"), _asset("review.js")
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    )
    yield (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<title>{attribute(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{style}</style>\n</head>\n<body>\n"
    )
    yield from (_header(title, sample), _filters(sample), "<main>\n")
    for sampled, pictures in _with_pictures(sample.products, reader):
        yield card(sampled, pictures)
    yield f"</main>\n{_PAGER}<script>{script}</script>\n</body>\n</html>\n"


def _asset(name: str) -> str:
    return importlib.resources.files("coveo_enrich.enrichment.review").joinpath(name).read_text("utf-8")


def _digest(inline: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(inline.encode("utf-8")).digest()).decode("ascii")


def _with_pictures(products: Iterable[Sampled], reader: ImageReader) -> Iterator[tuple[Sampled, Sequence[Pictured]]]:
    """Every product with its pictures, in order, while those of the next ones are being read."""
    threads = Threads(_PICTURES_AT_ONCE, "coveo-enrich-review")
    ahead = deque[tuple[Sampled, Task[tuple[Pictured, ...]]]]()
    try:
        for sampled in products:
            task = Task(partial(pictures_of, sampled.enriched, reader))
            threads.begin(task)
            ahead.append((sampled, task))
            if len(ahead) >= 2 * _PICTURES_AT_ONCE:
                yield _ended(threads, *ahead.popleft())
        while ahead:
            yield _ended(threads, *ahead.popleft())
    finally:
        reader.stop()
        threads.stop()
        reader.close()


def _ended(threads: Threads, sampled: Sampled, task: Task[tuple[Pictured, ...]]) -> tuple[Sampled, Sequence[Pictured]]:
    threads.wait_for_one([task])
    return sampled, task.result()


def _header(title: str, sample: Sample) -> str:
    order = " The most doubtful come first: values that something speaks against, then the least sure."
    return (
        f"<header>\n<h1>{text(title)}</h1>\n"
        f"<p>{_how_many(sample)}{_of_other_types(sample)}{order if sample.products else ''}</p>\n"
        f"{_left_out(sample)}</header>\n"
    )


def _how_many(sample: Sample) -> str:
    here = len(sample.products)
    if not here:
        return "This run gave no product."
    if here == sample.given:
        return "The one product of this run is here." if here == 1 else f"All {here:,} products of this run are here."
    return f"Here are {here:,} of the {sample.given:,} products of this run; {sample.given - here:,} were left out."


def _of_other_types(sample: Sample) -> str:
    count = sample.of_other_types
    if not count:
        return ""
    return " 1 item of another type is not shown." if count == 1 else f" {count:,} items of other types are not shown."


def _left_out(sample: Sample) -> str:
    if len(sample.products) == sample.given:
        return ""
    here = _kinds_here(sample)
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td>{sample.kinds[kind]:,}</td><td>{here[kind]:,}</td>'
        f"<td>{sample.kinds[kind] - here[kind]:,}</td></tr>\n"
        for kind, name in KIND_NAMES.items()
        if sample.kinds.get(kind)
    )
    return (
        "<details>\n<summary>What was left out</summary>\n<p>Three quarters of the places went to the most doubtful "
        "products, the others to some by chance, the same ones every time.</p>\n"
        '<table>\n<thead><tr><th scope="col">Products</th><th scope="col">in the run</th>'
        f'<th scope="col">here</th><th scope="col">left out</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n'
        "</details>\n"
    )


def _kinds_here(sample: Sample) -> Mapping[Kind, int]:
    return Counter(kind for sampled in sample.products for kind in kinds_of(sampled.enriched))


def _filters(sample: Sample) -> str:
    here = _kinds_here(sample)
    chips = "".join(_chip(kind, name, here[kind]) for kind, name in KIND_NAMES.items() if here[kind])
    options = "".join(f'<option value="{attribute(field)}">{attribute(field)}</option>' for field in _fields(sample))
    return _FORM.format(all=f"{len(sample.products):,}", chips=chips, options=options)


def _chip(kind: Kind, name: str, count: int) -> str:
    button = f'<input type="radio" name="kind" value="{kind}">'
    return f'<label class="chip">{button}<span>{name} <i>{count:,}</i></span></label>\n'


def _fields(sample: Sample) -> Sequence[str]:
    fields = set[str]()
    for sampled in sample.products:
        one = sampled.enriched
        fields.update(change.field for change in one.changes)
        fields.update(conflict.field for conflict in one.conflicts)
        fields.update(unmapped.field for unmapped in one.unmapped)
        fields.update(one.kept)
    return sorted({field.lower() for field in fields})[:_MOST_FIELDS]


# Shown by the script that it is for.
_FORM: Final = """\
<form hidden role="search" aria-label="Products on this page">
<fieldset class="chips">
<legend>Show</legend>
<label class="chip"><input type="radio" name="kind" value="" checked><span>All <i>{all}</i></span></label>
{chips}</fieldset>
<div class="controls">
<label class="search">Search<input type="search" name="words" autocomplete="off" spellcheck="false"></label>
<label>Field<select name="field"><option value="">any</option>{options}</select></label>
<div><label for="most">Confidence ≤</label> <output name="percent" for="most">100%</output>\
<input type="range" id="most" name="most" min="0" max="100" step="5" value="100"></div>
<label>Order<select name="order"><option value="doubt">doubtful first</option>\
<option value="catalog">as in the catalog</option></select></label>
<button type="reset">Clear</button>
</div>
</form>
<p class="status" role="status" tabindex="-1" hidden></p>
"""

_PAGER: Final = """\
<nav class="pager" aria-label="Pages" hidden>
<button type="button" data-step="-1">Previous</button>
<span class="page"></span>
<button type="button" data-step="1">Next</button>
</nav>
"""
