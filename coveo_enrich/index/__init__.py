"""CHECK: what Coveo makes of a source's items. Knows nothing of how they were sent."""

from coveo_enrich.index.field_plan import FieldPlan
from coveo_enrich.index.field_settings import FieldConflict
from coveo_enrich.index.fields import AppliedFields, FieldClient
from coveo_enrich.index.log_report import BatchOutcome, FailedItem, IndexingReport
from coveo_enrich.index.logs import IndexingLog
from coveo_enrich.index.needs import FieldNeed
from coveo_enrich.index.search import CoveoSearch
from coveo_enrich.index.verification import Finding, Verification

__all__ = [
    "AppliedFields",
    "BatchOutcome",
    "CoveoSearch",
    "FailedItem",
    "FieldClient",
    "FieldConflict",
    "FieldNeed",
    "FieldPlan",
    "Finding",
    "IndexingLog",
    "IndexingReport",
    "Verification",
]
