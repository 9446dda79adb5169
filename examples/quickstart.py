"""The whole way of a catalog, on this machine alone: see, decide, send, read back.

    python examples/quickstart.py [CATALOG.jsonl] [--output ENRICHED.jsonl] [--review REVIEW.html]

Serves the catalog's pictures on loopback, sees their colours, decides `ec_color`, loads every product into a Coveo
sandbox, reads the items back, and writes a page to review. With a source of your own, `CoveoSource.from_env()` takes
the sandbox's place and everything else stays.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from picture_host import pictures_of

from coveo_enrich import CoveoSource, EnrichedProduct, Enricher, FieldMapping, FieldRule, StreamClient, Vocabulary
from coveo_enrich.catalog import count_products, read_products, write_documents
from coveo_enrich.classifiers import ColorClassifier
from coveo_enrich.enrichment import EnrichmentRun, write_review
from coveo_enrich.errors import CoveoEnrichError
from coveo_enrich.sandbox import CoveoSandbox

EXAMPLE_CATALOG: Final = Path(__file__).parent / "catalog" / "products.jsonl"
MOST_SHOWN: Final = 200
MAPPING: Final = FieldMapping(
    [FieldRule("ec_color", reads="color", vocabulary=Vocabulary.colors(), min_confidence=0.3)]
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the quickstart; returns the exit status."""
    options = _parser().parse_args(arguments)
    with contextlib.suppress(AttributeError, io.UnsupportedOperation):
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal may not know every letter
    try:
        _run(options.catalog, options.output, options.review)
    except (CoveoEnrichError, OSError) as error:
        print(f"error: {error}", *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Enrich a catalog and load it into a Coveo sandbox on this machine.")
    parser.add_argument("catalog", nargs="?", type=Path, default=EXAMPLE_CATALOG, help="JSON Lines, one product a line")
    parser.add_argument("--output", type=Path, help="also write the enriched documents here, one a line")
    parser.add_argument("--review", type=Path, default=Path("coveo-enrich-review.html"), help="the page to review")
    return parser


def _run(catalog: Path, output: Path | None, review: Path) -> None:
    in_catalog = count_products(catalog)  # a broken line shows here, before anything is opened
    shown: list[EnrichedProduct] = []
    with pictures_of(catalog.parent) as host, CoveoSandbox() as sandbox:
        pictures: dict[str, Any] = {"image_root": f"http://{host}/", "trusted_hosts": [host]}
        run = Enricher(ColorClassifier(), MAPPING, **pictures).enrich(read_products(catalog))
        with StreamClient(CoveoSource(**sandbox.connection)) as client:
            if output:
                write_documents(output, _documents(run, shown))
                receipt = client.load(read_products(output))
            else:
                receipt = client.load(_documents(run, shown))
        _print_table(shown)
        if len(shown) < in_catalog:
            print(f"(the first {len(shown)} of {in_catalog} products; so are the new values read back, and the page)")
        _print_summary(run, in_catalog, shown)
        print(f"\nSent: {receipt}")
        _print_read_back(sandbox, in_catalog, shown)
        write_review(review, shown, title=f"Enrichment of {catalog.name}", **pictures)
    if output:
        print(f"Enriched documents: {output.resolve()}")
    print(f"Review page: {review.resolve()}")


def _documents(run: EnrichmentRun, shown: list[EnrichedProduct]) -> Iterator[Mapping[str, Any]]:
    for enriched in run:
        if len(shown) < MOST_SHOWN:
            shown.append(enriched)
        yield enriched.document


def _print_table(shown: Iterable[EnrichedProduct]) -> None:
    rows = [("product", "before", "after", "evidence", "confidence"), *(_row(enriched) for enriched in shown)]
    widths = [min(46, max(len(row[column]) for row in rows)) for column in range(5)]
    for number, row in enumerate(rows):
        print("  ".join(_fit(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def _row(enriched: EnrichedProduct) -> tuple[str, str, str, str, str]:
    name = str(enriched.product.get("ec_name") or enriched.document_id)
    before = enriched.product.get("ec_color")
    if not enriched.changes:
        return name, str(before or "-"), str(before or "-"), _why_unchanged(enriched), ""
    change = enriched.changes[0]
    best = change.evidence[0]
    share = "not scored" if change.confidence is None else f"{change.confidence:.0%}"
    return name, str(before or "-"), str(change.after), f"{best.seen} in {best.image}", share


def _why_unchanged(enriched: EnrichedProduct) -> str:
    if enriched.kept:
        return "kept"
    if enriched.failures:
        return enriched.failures[0].reason
    return "nothing seen surely enough" if enriched.images else "no picture"


def _fit(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"


def _print_summary(run: EnrichmentRun, in_catalog: int, shown: Iterable[EnrichedProduct]) -> None:
    print(f"\nCatalog: {in_catalog} products\n{run.report}")
    without = [str(enriched.document_id) for enriched in shown if not enriched.images and not enriched.failures]
    if without:
        print(f"without a picture: {', '.join(without)}")


def _print_read_back(sandbox: CoveoSandbox, in_catalog: int, shown: Iterable[EnrichedProduct]) -> None:
    items = {item["documentId"]: item for item in sandbox.items()}
    changes = [(enriched.document_id, change) for enriched in shown for change in enriched.changes]
    found = sum(_holds(items.get(document_id, {}).get(change.field), change.after) for document_id, change in changes)
    print(f"Read back: {len(items)} of {in_catalog} items, {found} of {len(changes)} new values")
    for (key, reason), count in Counter((dropped.key, dropped.reason) for dropped in sandbox.dropped()).most_common():
        print(f"    not indexed: {key or 'item'}, {count} times: {reason}")


def _holds(indexed: object, value: object) -> bool:
    return indexed == value or (isinstance(indexed, list) and value in indexed)


if __name__ == "__main__":
    sys.exit(main())
