"""See, decide, send: product images become commerce fields, and the whole catalog reaches Coveo.

This module holds the names that most programs need, and nothing else. Classifiers are in `coveo_enrich.classifiers`,
catalog files in `coveo_enrich.catalog`, errors in `coveo_enrich.errors`, the sandbox in `coveo_enrich.sandbox`.
"""

from coveo_enrich.enrichment import EnrichedProduct, Enricher, Evidence, FieldMapping, FieldRule, Vocabulary
from coveo_enrich.images import ProductImage
from coveo_enrich.retry import RetryPolicy
from coveo_enrich.stream import CoveoSource, StreamClient

__all__ = [
    "CoveoSource",
    "EnrichedProduct",
    "Enricher",
    "Evidence",
    "FieldMapping",
    "FieldRule",
    "ProductImage",
    "RetryPolicy",
    "StreamClient",
    "Vocabulary",
]

__version__ = "0.1.0"
