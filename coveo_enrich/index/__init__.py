"""CHECK: what Coveo makes of a source's items. Knows nothing of how they were sent."""

from coveo_enrich.index.needs import FieldNeed

__all__ = ["FieldNeed"]
