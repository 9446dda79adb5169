"""See, decide, send: product images become commerce fields, and the whole catalog reaches Coveo.

This module holds the names that most programs need, and nothing else; each is loaded when it is first used. Classifiers
are in `coveo_enrich.classifiers`, catalog files in `coveo_enrich.catalog`, errors in `coveo_enrich.errors`, the sandbox
in `coveo_enrich.sandbox`.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coveo_enrich.enrichment import EnrichedProduct, Enricher, Evidence, FieldMapping, FieldRule, Vocabulary
    from coveo_enrich.images import ProductImage
    from coveo_enrich.retry import RetryPolicy
    from coveo_enrich.stream import CoveoSource, PartialUpdate, StreamClient

__all__ = [
    "CoveoSource",
    "EnrichedProduct",
    "Enricher",
    "Evidence",
    "FieldMapping",
    "FieldRule",
    "PartialUpdate",
    "ProductImage",
    "RetryPolicy",
    "StreamClient",
    "Vocabulary",
]

__version__ = "0.1.0"

_ROOMS = {
    "CoveoSource": "stream",
    "EnrichedProduct": "enrichment",
    "Enricher": "enrichment",
    "Evidence": "enrichment",
    "FieldMapping": "enrichment",
    "FieldRule": "enrichment",
    "PartialUpdate": "stream",
    "ProductImage": "images",
    "RetryPolicy": "retry",
    "StreamClient": "stream",
    "Vocabulary": "enrichment",
}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
