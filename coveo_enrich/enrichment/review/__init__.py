"""A page on which a merchandiser sees what was decided, beside the pictures, before it goes live.

Nothing is decided here: what is shown comes as `coveo_enrich.enrichment.product` holds it.
"""

from coveo_enrich.enrichment.review.page import write_review

__all__ = ["write_review"]
