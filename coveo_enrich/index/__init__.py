"""CHECK: what Coveo makes of a source's items. Knows nothing of how they were sent."""

from coveo_enrich.index.applied_fields import AppliedFields
from coveo_enrich.index.catalog import CatalogNote
from coveo_enrich.index.field_plan import FieldPlan
from coveo_enrich.index.field_settings import FieldConflict
from coveo_enrich.index.fields import FieldClient
from coveo_enrich.index.item_query import ItemQuery
from coveo_enrich.index.log_report import BatchOutcome, FailedItem, IndexingReport
from coveo_enrich.index.logs import IndexingLog
from coveo_enrich.index.needs import FieldNeed
from coveo_enrich.index.search import CoveoSearch
from coveo_enrich.index.search_calls import FoundItem, FoundItems
from coveo_enrich.index.verification import Finding, Verification

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
