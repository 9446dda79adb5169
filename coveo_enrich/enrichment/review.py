"""A page on which a merchandiser sees what was decided, beside the pictures, before it goes live.

One file without outside requests: the pictures are inside it, reduced. Everything that a catalog or a classifier wrote
is escaped. Nothing is decided here.
"""

from __future__ import annotations

import base64
import importlib.resources
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final, cast

from coveo_enrich._files import replacing
from coveo_enrich.classifiers.values import Failure
from coveo_enrich.enrichment.product import EnrichedProduct, FieldChange, Observation, UnmappedValue
from coveo_enrich.errors import ClassifierError
from coveo_enrich.images.decode import thumbnail
from coveo_enrich.images.reader import ImageReader

__all__ = ["write_review"]

_THUMBNAIL_SIDE: Final = 360
_MOST_PICTURES: Final = 4
_POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_review(
    path: str | Path,
    products: Iterable[EnrichedProduct],
    *,
    title: str = "Catalog enrichment",
    image_root: str | Path | None = None,
    trusted_hosts: Iterable[str] = (),
    user_agent: str | None = None,
    proxy: str | None = None,
) -> Path:
    """Write the review page of some products; needs the extra ``images``.

    The pictures are read once more, and the page holds each of them at 360 pixels, about 15 kB: choose a sample of a
    large catalog.

    Args:
        path: The HTML file; what it held is replaced once the page is whole.
        products: What came out of a run, written one at a time.
        title: The heading of the page.
        image_root: As given to the `Enricher`.
        trusted_hosts: As given to the `Enricher`.
        user_agent: As given to the `Enricher`.
        proxy: As given to the `Enricher`.

    Returns:
        The path.

    Raises:
        MissingExtraError: Pillow is not installed.
    """
    target = Path(path)
    reader = ImageReader(image_root=image_root, trusted_hosts=trusted_hosts, user_agent=user_agent, proxy=proxy)
    try:
        with replacing(target) as page:
            # Half of a surrogate pair, as cut exports hold, has no UTF-8.
            page.writelines(part.encode("utf-8", "replace") for part in _page(title, products, reader))
    finally:
        reader.close()
    return target


def _page(title: str, products: Iterable[EnrichedProduct], reader: ImageReader) -> Iterator[str]:
    style = importlib.resources.files("coveo_enrich.enrichment").joinpath("review.css").read_text("utf-8")
    yield (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n<style>\n{style}</style>\n</head>\n'
        f"<body>\n<header><h1>{escape(title)}</h1>\n<p>New values stand on green, with what was seen and where; "
        "confidence is what the rule measured.</p></header>\n<main>\n"
    )
    for product in products:
        yield _card(product, reader)
    yield "</main>\n</body>\n</html>\n"


def _card(enriched: EnrichedProduct, reader: ImageReader) -> str:
    pictures = "".join(_picture(reference, reader) for reference in enriched.images[:_MOST_PICTURES])
    parts = [
        f"<figure>{pictures or '<span>no picture</span>'}</figure>",
        f"<div><h2>{escape(_name(enriched))}</h2>",
        f'<p class="id">{escape(enriched.document_id or "no documentId")}</p>',
        *(_change(change) for change in enriched.changes),
        *(_kept(field, enriched.product[field]) for field in enriched.kept),
        "" if enriched.changes or enriched.kept else '<p class="same">Unchanged</p>',
        *(_unmapped(unmapped) for unmapped in enriched.unmapped),
        *(_failure(failure) for failure in enriched.failures),
        "</div>",
    ]
    return "<article>" + "\n".join(part for part in parts if part) + "</article>\n"


def _name(enriched: EnrichedProduct) -> str:
    if not isinstance(enriched.product, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # as in looking
        return "not a product"
    name: object = enriched.product.get("ec_name") or enriched.product.get("title")
    return str(name or enriched.document_id or "no name")


def _picture(reference: str, reader: ImageReader) -> str:
    try:
        picture = thumbnail(reader.image(reference).read(), _THUMBNAIL_SIDE)
    except ClassifierError as error:
        return f"<span>{escape(reference)}: {escape(str(error))}</span>"
    data = base64.b64encode(picture).decode("ascii")
    return f'<img src="data:image/jpeg;base64,{data}" alt="{escape(reference)}" title="{escape(reference)}">'


def _change(change: FieldChange) -> str:
    before = f"<s>{escape(_in_words(change.before))}</s> " if change.before not in (None, "", []) else ""
    evidence = "".join(_observation(one) for one in change.evidence)
    return (
        f'<div class="change">{escape(change.field)}: {before}<b>{escape(_in_words(change.after))}</b> '
        f"{_confidence(change.confidence)}<ul>{evidence}</ul></div>"
    )


def _confidence(confidence: float | None) -> str:
    if confidence is None:
        return "not scored"
    return f'<meter min="0" max="1" value="{confidence:.3f}" title="{confidence:.0%}"></meter> {confidence:.0%}'


def _kept(field: str, value: object) -> str:
    return f'<p class="same">{escape(field)}: {escape(_in_words(value))}, kept</p>'


def _observation(seen: Observation) -> str:
    share = "not scored" if seen.confidence is None else f"{seen.confidence:.0%}"
    return f"<li>{escape(seen.seen)} {share}, {escape(seen.classifier)}, {escape(seen.image)}</li>"


def _unmapped(unmapped: UnmappedValue) -> str:
    seen = unmapped.observation.seen
    return f'<p class="unmapped">{escape(unmapped.field)}: “{escape(seen)}” is not in the vocabulary</p>'


def _failure(failure: Failure) -> str:
    where = f"{failure.image}: " if failure.image else ""
    return f'<p class="failure">{escape(where + failure.reason)} ({failure.kind})</p>'


def _in_words(value: Any) -> str:  # noqa: ANN401 - whatever a product holds
    parts = cast("Sequence[object]", value) if isinstance(value, list | tuple) else (value,)
    return ", ".join(map(str, parts))
