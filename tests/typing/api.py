"""How the library is used, for type checkers: each correct use, and each misuse under an ignore that must stay needed.

Checked by mypy and pyright in strict mode, never run.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, assert_type

from coveo_enrich import (
    CoveoSource,
    EnrichedProduct,
    Enricher,
    Evidence,
    FieldMapping,
    FieldRule,
    PartialUpdate,
    ProductImage,
    RetryPolicy,
    StreamClient,
    Vocabulary,
)
from coveo_enrich.catalog import (
    PathMapping,
    count_products,
    merge_changes,
    read_products,
    write_changes,
    write_documents,
)
from coveo_enrich.classifiers import Attribute, Classification, Classifier, Color, ColorClassifier, Failure, Label
from coveo_enrich.enrichment import (
    ClaimingStore,
    ClassificationCache,
    ClassificationStore,
    Conflict,
    EnrichmentPlan,
    EnrichmentReport,
    FieldChange,
    When,
    without_enrichment,
    write_review,
)
from coveo_enrich.index import (
    AppliedFields,
    BatchOutcome,
    CatalogNote,
    CoveoSearch,
    FailedItem,
    FieldClient,
    FieldConflict,
    FieldNeed,
    FieldPlan,
    FoundItem,
    FoundItems,
    IndexingLog,
    IndexingReport,
    ItemQuery,
    Verification,
)
from coveo_enrich.index import Finding as SearchFinding
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream import ChunkReceipt, Finding, Receipt, UnconfirmedChunk


class WithAttribute:
    """A classifier whose name is a class attribute, the smallest there is."""

    name = "smallest"

    def classify(self, image: ProductImage, /) -> Classification:
        """Answers with everything that an answer can hold."""
        return Classification(
            self.name,
            labels=[Label("kayak", 0.9, raw_score=90, scale=100, parents=["boat"]), Label(image.url)],
            attributes=(Attribute("material", "leather"),),
            colors=[Color("yellow", 0.5, rgb=(255, 200, 0), shade="sunflower")],
        )


class WithProperty:
    """A classifier whose name is a property."""

    @property
    def name(self) -> str:
        """Its name."""
        return "property"

    def classify(self, picture: ProductImage, /) -> Classification:
        """Names its argument as it likes."""
        return Classification(self.name, labels=[Label(str(len(picture.read())))])


class NoClassifier:
    """Has a name and nothing else."""

    name = "none"


def sources() -> Iterator[CoveoSource]:
    """Every way to name a source."""
    yield CoveoSource(organization_id="o", source_id="s", api_key="k", region="eu")
    yield CoveoSource(organization_id="o", source_id="s", api_key=lambda: "k", api_url="http://127.0.0.1:8011")
    yield CoveoSource.from_stream_url("https://api.cloud.coveo.com/push/v1/organizations/o/sources/s", api_key="k")
    yield CoveoSource.from_env()
    yield CoveoSource("o", "s", "k")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def classifiers() -> Iterator[Classifier]:
    """Anything with the two members is a classifier."""
    yield ColorClassifier()
    yield WithAttribute()
    yield WithProperty()
    yield NoClassifier()  # type: ignore[misc]  # pyright: ignore[reportReturnType]


def seats(classification: Classification) -> Iterable[tuple[str, float | None]]:
    """A function that a rule reads."""
    return [("1", label.confidence) for label in classification.labels]


def rules() -> Iterator[FieldRule]:
    """Every way to write a rule."""
    yield FieldRule("ec_color", reads="color", vocabulary=Vocabulary.colors(), min_confidence=0.3)
    yield FieldRule("kayak_type", reads="label", vocabulary=Vocabulary({"single seat": ["one person kayak"]}))
    yield FieldRule("material", reads=[Evidence("attribute:material", of="acme"), "label", seats])
    yield FieldRule("accessories", reads="attribute:accessories", values="many", existing="add")
    yield FieldRule("seats", reads=seats, unscored="reject")
    yield FieldRule("seats", reads=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    yield FieldRule("seats", reads=seats, values="all")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def enrich(catalog: Path) -> EnrichmentReport:
    """The whole of enrichment."""
    enricher = Enricher(
        [ColorClassifier(), WithAttribute()],
        FieldMapping(list(rules())),
        images="ec_images",
        image_root=catalog.parent,
        trusted_hosts=["images.internal"],
        concurrency=8,
        max_images=4,
    )
    run = enricher.enrich(read_products(catalog))
    for enriched in run:
        assert_type(enriched, EnrichedProduct)
        assert_type(enriched.document, Mapping[str, Any])
        assert_type(enriched.changes, tuple[FieldChange, ...])
        assert_type(enriched.failures, tuple[Failure, ...])
    write_review("review.html", enricher.enrich([{"documentId": "product://1"}]))
    return run.report


def pay_once(catalog: Path) -> EnrichmentPlan:
    """A cache, a plan and a budget."""
    store: ClassificationStore = ClassificationCache(catalog.with_suffix(".sqlite"), url_ttl=3_600)
    claims: ClaimingStore = ClassificationCache(catalog.with_suffix(".sqlite"))
    assert_type(claims.claim("digest", "acme/1"), bool)
    mapping = FieldMapping(
        [FieldRule("ec_color", reads="color", when=When({"ec_category": ["Shoes"]}))], provenance="by"
    )
    assert_type(mapping.needs(), tuple[FieldNeed, ...])
    mapping.to_file("mapping.json")
    enricher = Enricher(
        ColorClassifier(),
        FieldMapping.from_file("mapping.json"),
        cache=store,
        budget=100,
        prices={"color-classifier": 0.0},
        object_types=["Product"],
        user_agent="acme-pim/7",
        proxy="http://proxy.example:3128",
    )
    Enricher(ColorClassifier(), mapping, cache=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    for enriched in enricher.enrich(read_products(catalog, on_error="skip"), progress=True):
        assert_type(enriched.conflicts, tuple[Conflict, ...])
        assert_type(enriched.partial_update(), tuple[PartialUpdate, ...])
        assert_type(enriched.as_row(), dict[str, Any])
        without_enrichment(enriched.document, mapping)
    return enricher.plan(read_products(catalog))


def write_back(catalog: Path) -> int:
    """The way from a PIM's export and back into it."""
    mapping = PathMapping({"documentId": "product://{identifier}"})
    enricher = Enricher(ColorClassifier(), FieldMapping(list(rules())))
    written = write_changes("changes.csv", enricher.enrich(mapping.apply_all(read_products(catalog))))
    return written + merge_changes(catalog, "changes.csv", "merged.jsonl", mapping=mapping).written


def load(source: CoveoSource, documents: Iterable[dict[str, Any]]) -> Receipt:
    """The whole of loading."""
    with StreamClient(source, max_chunk_bytes=1_000_000, concurrency=2, retry=RetryPolicy(attempts=3)) as client:
        assert_type(client.load(documents, expected_items=10, allow_shrink=True), Receipt)
        with client.open_stream(expected_items=10) as stream:
            stream.add({"documentId": "product://1"})
            stream.abandon()
        client.load("product://1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        return stream.receipt


def operations() -> Iterator[PartialUpdate]:
    """Every operation on a field."""
    yield PartialUpdate.replace_value("product://1", "ec_color", ["yellow"])
    yield PartialUpdate.remove_field("product://1", "ec_color")
    yield PartialUpdate.append_values("product://1", "ec_tags", ["new"])
    yield PartialUpdate.remove_values("product://1", "ec_tags", ["old"])
    yield PartialUpdate.put_entries("product://1", "prices", {"gold": 9.5})
    yield PartialUpdate.remove_entries("product://1", "prices", ["gold"])
    yield PartialUpdate("product://1", "replace", "ec_color")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def update(source: CoveoSource, documents: Iterable[dict[str, Any]], folder: Path) -> Receipt:
    """Every other operation on a source."""
    chunks: list[ChunkReceipt] = []
    with StreamClient(
        source,
        checks="trusted",
        dictionary_fields=["prices"],
        on_chunk=chunks.append,
        progress=True,
        calls_per_five_minutes=150,
        ca_bundle=folder / "ca.pem",
        user_agent_suffix="acme/1.2",
    ) as client:
        assert_type(client.update(documents, delete=["product://2"], skip_invalid=True), Receipt)
        client.update_partially(operations())
        client.update_partially([list(operations()), *operations()])
        client.merge(documents, dry_run=True)
        receipt = client.replace(documents, dry_run=folder)
        assert_type(receipt.unconfirmed, tuple[UnconfirmedChunk, ...])
        assert_type(receipt.findings, tuple[Finding, ...])
        client.update("product://1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        client.delete_older_than("r-1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        return client.delete_older_than(receipt, allow_shrink=True)


def fields(source: CoveoSource, documents: Iterable[dict[str, Any]], mapping: FieldMapping) -> AppliedFields:
    """Fields before the push."""
    with FieldClient(source, ca_bundle="ca.pem", user_agent_suffix="acme/1.2") as client:
        assert_type(client, FieldClient)
        plan = client.plan(mapping.needs())
        assert_type(plan, FieldPlan)
        assert_type(plan.to_create, tuple[FieldNeed, ...])
        assert_type(plan.conflicts, tuple[FieldConflict, ...])
        assert_type(client.plan(documents).catalog, tuple[CatalogNote, ...])
        client.plan([FieldNeed("weight", type="DOUBLE")])
        client.plan(FieldNeed("weight"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        client.plan(["weight"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        client.apply(plan.to_create)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        return client.apply(plan)


def follow(source: CoveoSource, receipt: Receipt) -> IndexingReport:
    """The logs after the push."""
    with IndexingLog(source, poll_seconds=30, ca_bundle=Path("ca.pem"), user_agent_suffix="acme/1.2") as log:
        assert_type(log, IndexingLog)
        report = log.wait(receipt, timeout=60)
        assert_type(report.batches, tuple[BatchOutcome, ...])
        assert_type(report.failed_items, tuple[FailedItem, ...])
        log.wait(["product://1"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        return report


def verify(source: CoveoSource, receipt: Receipt, items: list[dict[str, Any]]) -> Verification:
    """What Coveo shows of it."""
    with CoveoSearch(source, poll_seconds=0) as search:
        assert_type(search, CoveoSearch)
        expected = {str(item["documentId"]): item for item in items}
        found = search.verify(expected, pushed=receipt, sample=100, timeout=0)
        assert_type(found.findings, tuple[SearchFinding, ...])
        assert_type(search.read_back(expected, ["ec_color"]), dict[str, Mapping[str, Any]])
        assert_type(search.facet("ec_color", expression="@ec_in_stock", most=5_000), dict[str, int])
        assert_type(search.find(ItemQuery(keywords="kayak"), fields=["ec_color"], most=5), FoundItems)
        assert_type(search.find([ItemQuery(expression="@ec_color")]).items, tuple[FoundItem, ...])
        search.verify(items)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        search.read_back(receipt, [])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        search.find("kayak")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        return found


def sandbox(catalog: Path) -> int:
    """The sandbox takes no type of the rest and gives plain values."""
    with CoveoSandbox() as running:
        load(CoveoSource(**running.connection), read_products(catalog))
        write_documents("items.jsonl", running.items())
    return count_products(catalog)
