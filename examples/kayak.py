"""Coveo's article on image classification from one end to the other, docs.coveo.com/en/o43a2025.

    python examples/kayak.py [--browse]

Plans and makes the fields, sees what is in the pictures, fills the fields, sends the catalog, waits until it is
indexed, reads it back, and finds the yellow kayak by keyword, by facet and by a shopper's picture. All that in a Coveo
sandbox on this machine, or, where the environment names a source (COVEO_ORGANIZATION_ID, COVEO_SOURCE_ID,
COVEO_API_KEY), in that one, whose other items stay as they are.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from known_pictures import KnownPictures
from picture_host import pictures_of
from PIL import Image, ImageEnhance

from coveo_enrich import CoveoSource, Enricher, Evidence, FieldMapping, FieldRule, StreamClient, Vocabulary
from coveo_enrich.catalog import read_products
from coveo_enrich.classifiers import ColorClassifier
from coveo_enrich.errors import CoveoEnrichError
from coveo_enrich.index import CoveoSearch, FieldClient, FoundItems, IndexingLog, ItemQuery
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream import Receipt

CATALOG: Final = Path(__file__).parent / "catalog"
PICTURES: Final = CATALOG / "images"
KAYAK: Final = {"kayak_type": ["one person kayak"], "accessories": ["front storage", "back storage"]}

MAPPING: Final = FieldMapping(
    [
        FieldRule(
            "kayak_type",
            reads=Evidence("attribute:kayak_type", of="known-pictures", min_confidence=0.7),
            vocabulary=Vocabulary({"single seat": ["one person kayak"], "tandem": ["two person kayak"]}),
        ),
        FieldRule(
            "accessories",
            reads=Evidence("attribute:accessories", of="known-pictures", min_confidence=0.7),
            vocabulary=Vocabulary({"Waterproof front storage": ["front storage"], "Back storage": []}),
            values="many",
        ),
        FieldRule("color", reads="color", vocabulary=Vocabulary.colors(), min_confidence=0.3),
    ],
    provenance="enriched_by",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the example; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        with contextlib.ExitStack() as stack:
            host = stack.enter_context(pictures_of(CATALOG))
            if "COVEO_ORGANIZATION_ID" in os.environ:
                return _run(CoveoSource.from_env(), host, poll_seconds=options.poll_seconds, keeps_others=True)
            sandbox = stack.enter_context(CoveoSandbox())
            status = _run(CoveoSource(**sandbox.connection), host, poll_seconds=0, keeps_others=False)
            if options.browse:
                with contextlib.suppress(EOFError):  # there is nobody to press anything
                    input(f"\nThe sandbox shows its content at {sandbox.url} until you press Enter.")
            return status
    except (CoveoEnrichError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Coveo's article on image classification, from one end to the other.")
    parser.add_argument("--browse", action="store_true", help="leave the sandbox open for a look at its content")
    parser.add_argument("--poll-seconds", type=float, default=30, help="between two looks at Coveo, default 30")
    return parser


def _run(source: CoveoSource, host: str, *, poll_seconds: float, keeps_others: bool) -> int:
    known = KnownPictures({PICTURES / "kayak-yellow.webp": KAYAK, PICTURES / "kayak-yellow-top.jpg": KAYAK})
    enricher = Enricher([known, ColorClassifier()], MAPPING, trusted_hosts=[host])
    _make_fields(source)
    documents = _enriched(enricher, host)
    receipt = _sent(source, documents, keeps_others=keeps_others)

    _headline("Wait until it is indexed, and read it back")
    with IndexingLog(source, poll_seconds=poll_seconds) as log:
        print(log.wait(receipt))
    with CoveoSearch(source, poll_seconds=poll_seconds) as search:
        proof = search.verify({document["documentId"]: document for document in documents}, pushed=receipt)
        print(proof)
        is_found = _finds_the_kayak(search, enricher)
    return 0 if proof.is_complete and is_found else 1


def _make_fields(source: CoveoSource) -> None:
    _headline("Fields: what is missing, and make it")
    with FieldClient(source) as fields:
        plan = fields.plan(MAPPING.needs())
        print(plan)
        print(fields.apply(plan))


def _enriched(enricher: Enricher, host: str) -> list[Mapping[str, Any]]:
    _headline("See and decide")
    run = enricher.enrich(_products(f"http://{host}"))
    documents = [enriched.document for enriched in run]
    print(run.report)
    return documents


def _sent(source: CoveoSource, documents: Sequence[Mapping[str, Any]], *, keeps_others: bool) -> Receipt:
    _headline("Send")
    with StreamClient(source, needs=MAPPING.needs()) as client:  # opens nothing as long as a field is missing
        receipt = client.update(documents) if keeps_others else client.load(documents)
    print(receipt)
    return receipt


def _finds_the_kayak(search: CoveoSearch, enricher: Enricher) -> bool:
    _headline("Find it")
    query = enricher.query(_shoppers_picture())
    print(query)
    queries: dict[str, ItemQuery | Sequence[ItemQuery]] = {
        "by keyword": ItemQuery(keywords="single seat"),
        "by facet": ItemQuery(expression='@color=="Yellow"'),
        "by picture": query.attempts,
    }
    found = {way: _names(search.find(wanted, fields=["ec_name"])) for way, wanted in queries.items()}
    for way, names in found.items():
        print(f"{way}: {', '.join(names) or 'nothing'}")
    print(f"colours: {search.facet('color')}")
    return all("Heron 300 Kayak" in names for names in found.values())


def _products(host: str) -> Iterator[Mapping[str, Any]]:
    """The catalog, with the URLs of its pictures as a shop has them."""
    for product in read_products(CATALOG / "products.jsonl"):
        yield {**product, "ec_images": [f"{host}/{path}" for path in product.get("ec_images", [])]}


def _shoppers_picture() -> bytes:
    """The yellow kayak again, smaller, darker and in another format."""
    with Image.open(PICTURES / "kayak-yellow.webp") as opened:
        picture = ImageEnhance.Brightness(opened.convert("RGB").resize((400, 400))).enhance(0.95)
    photograph = io.BytesIO()
    picture.save(photograph, "JPEG", quality=70)
    return photograph.getvalue()


def _names(found: FoundItems) -> list[str]:
    return [str(item.fields.get("ec_name")) for item in found.items]


def _headline(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


if __name__ == "__main__":
    sys.exit(main())
