"""Whether older items may be deleted on the strength of a receipt (law 4). Pure.

Items whose last operation is strictly older than a stamp of Coveo's are deleted (docs.coveo.com/en/131). So the stamp
must come from a run that sent every item again, and be the smallest that it was given.
"""

from __future__ import annotations

from coveo_enrich.errors import DeletionRefused
from coveo_enrich.stream.receipts import Receipt
from coveo_enrich.stream.source import CoveoSource

__all__ = ["oldest_stamp"]


def oldest_stamp(receipt: Receipt, source: CoveoSource) -> int:
    """The stamp before which everything was left behind by a full update.

    Args:
        receipt: What the update gave.
        source: The source that items are to be deleted from.

    Raises:
        DeletionRefused: The receipt does not show that every item was sent again.
    """
    reason = _reason_against(receipt, source)
    if reason:
        raise DeletionRefused(reason)
    return min(chunk.ordering_id for chunk in receipt.chunks if chunk.ordering_id is not None)


def _reason_against(receipt: Receipt, source: CoveoSource) -> str | None:
    wanted = (source.organization_id, source.source_id)
    reasons = {
        f"the receipt is of a {receipt.operation}, and only an update of whole items shows what is left behind": (
            receipt.operation not in ("update", "replace")
        ),
        f"the receipt is of source {receipt.source_id} in organization {receipt.organization_id}": (
            (receipt.organization_id, receipt.source_id) != wanted
        ),
        "the receipt is of a dry run": receipt.dry_run,
        f"{receipt.skipped:,} items were skipped, and what the source has of them would be deleted": receipt.skipped
        > 0,
        "not every chunk was sent and confirmed": bool(receipt.unconfirmed) or not receipt.all_sent,
        "no item was sent": not receipt.items,
        "Coveo's answer to a chunk held no orderingId": any(chunk.ordering_id is None for chunk in receipt.chunks),
    }
    return next((reason for reason, stands_against in reasons.items() if stands_against), None)
