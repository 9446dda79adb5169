"""DECIDE: what was seen becomes commerce fields under a controlled vocabulary, and no product is lost by it."""

from importlib import import_module
from typing import TYPE_CHECKING

from coveo_enrich.enrichment.cache.store import CacheFigures, ClaimingStore, ClassificationStore, KnownImage
from coveo_enrich.enrichment.cache.stored import read_stored, stored_text
from coveo_enrich.enrichment.decisions.provenance import without_enrichment
from coveo_enrich.enrichment.enricher import Enricher, EnrichmentRun
from coveo_enrich.enrichment.image_query import ImageQuery, QueryValue
from coveo_enrich.enrichment.plan import EnrichmentPlan
from coveo_enrich.enrichment.product import (
    Conflict,
    EnrichedProduct,
    FieldChange,
    Observation,
    ProvenanceText,
    UnmappedValue,
)
from coveo_enrich.enrichment.report import EnrichmentReport, FailureCount, FieldCoverage
from coveo_enrich.enrichment.review import write_review
from coveo_enrich.enrichment.rules.mapping import Evidence, FieldMapping, FieldRule
from coveo_enrich.enrichment.rules.when import When
from coveo_enrich.enrichment.vocabulary.hierarchy import with_ancestors
from coveo_enrich.enrichment.vocabulary.suggestions import Suggestion, Suggestions
from coveo_enrich.enrichment.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    from coveo_enrich.enrichment.cache.sqlite_cache import ClassificationCache

__all__ = [
    "CacheFigures",
    "ClaimingStore",
    "ClassificationCache",
    "ClassificationStore",
    "Conflict",
    "EnrichedProduct",
    "Enricher",
    "EnrichmentPlan",
    "EnrichmentReport",
    "EnrichmentRun",
    "Evidence",
    "FailureCount",
    "FieldChange",
    "FieldCoverage",
    "FieldMapping",
    "FieldRule",
    "ImageQuery",
    "KnownImage",
    "Observation",
    "ProvenanceText",
    "QueryValue",
    "Suggestion",
    "Suggestions",
    "UnmappedValue",
    "Vocabulary",
    "When",
    "read_stored",
    "stored_text",
    "with_ancestors",
    "without_enrichment",
    "write_review",
]


def __getattr__(name: str) -> object:
    if name == "ClassificationCache":  # SQLite is loaded by programs that use it
        return getattr(import_module(f"{__name__}.cache.sqlite_cache"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
