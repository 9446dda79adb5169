"""CHECK: what Coveo makes of a source's items. Knows nothing of how they were sent."""

from coveo_enrich.index.catalog.notes import CatalogNote
from coveo_enrich.index.fields.applied import AppliedFields
from coveo_enrich.index.fields.client import FieldClient
from coveo_enrich.index.fields.needs import FieldNeed
from coveo_enrich.index.fields.plan import FieldPlan
from coveo_enrich.index.fields.settings import FieldConflict
from coveo_enrich.index.logs.client import IndexingLog
from coveo_enrich.index.logs.report import BatchOutcome, FailedItem, IndexingReport
from coveo_enrich.index.search.calls import FoundItem, FoundItems
from coveo_enrich.index.search.client import CoveoSearch
from coveo_enrich.index.search.item_query import ItemQuery
from coveo_enrich.index.search.verification import Finding, Verification

__all__ = [
    "AppliedFields",
    "BatchOutcome",
    "CatalogNote",
    "CoveoSearch",
    "FailedItem",
    "FieldClient",
    "FieldConflict",
    "FieldNeed",
    "FieldPlan",
    "Finding",
    "FoundItem",
    "FoundItems",
    "IndexingLog",
    "IndexingReport",
    "ItemQuery",
    "Verification",
]
