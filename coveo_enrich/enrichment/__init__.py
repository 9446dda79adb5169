"""DECIDE: what was seen becomes commerce fields under a controlled vocabulary, and no product is lost by it."""

from coveo_enrich.enrichment.enricher import Enricher, EnrichmentRun
from coveo_enrich.enrichment.product import EnrichedProduct, FieldChange, Observation, UnmappedValue
from coveo_enrich.enrichment.report import EnrichmentReport, FailureCount, FieldCoverage
from coveo_enrich.enrichment.review import write_review
from coveo_enrich.enrichment.rules import Evidence, FieldMapping, FieldRule
from coveo_enrich.enrichment.vocabulary import Vocabulary

__all__ = [
    "EnrichedProduct",
    "Enricher",
    "EnrichmentReport",
    "EnrichmentRun",
    "Evidence",
    "FailureCount",
    "FieldChange",
    "FieldCoverage",
    "FieldMapping",
    "FieldRule",
    "Observation",
    "UnmappedValue",
    "Vocabulary",
    "write_review",
]
