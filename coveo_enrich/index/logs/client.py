"""A look after the push: whether Coveo accepted what it received, and which items failed.

A 202 only says that something was received. Coveo's logs say more, a little later; that an item is found, only
`coveo_enrich.index.CoveoSearch` shows.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from coveo_enrich._calls import CALLS_PER_FIVE_MINUTES
from coveo_enrich.errors import ConfigurationError
from coveo_enrich.index.logs.following import Following
from coveo_enrich.index.logs.report import IndexingReport
from coveo_enrich.index.place import CoveoPlace
from coveo_enrich.index.platform_client import PlatformClient, require_seconds
from coveo_enrich.index.polling import OutOfTimeError, looks
from coveo_enrich.index.receipts import SentBatches
from coveo_enrich.retry import RetryPolicy

if TYPE_CHECKING:
    from coveo_enrich._calls import Pause

__all__ = ["IndexingLog"]

_TIMEOUT_SECONDS: Final = 900.0
_POLL_SECONDS: Final = 30.0  # a call may take Coveo a minute (docs.coveo.com/en/59)


class IndexingLog(PlatformClient):
    """Follows what was sent through Coveo's logs.

    Args:
        place: The source, as `coveo_enrich.CoveoSource` names it. Its ``platform_key`` is used where there is one; it
            needs the privileges to view the organization and sources.
        retry: How patiently calls are repeated; by default six tries, the second after half a minute, as a call that
            Coveo could not answer in time is not asked for again at once.
        calls_per_five_minutes: How many calls this client makes in any five minutes, 1 or more, default 250.
        poll_seconds: How long `wait` waits between two looks, 0 or more, default 30, less than which Coveo's logs are
            not made for; 0 for a sandbox: then at first 0.05 seconds, which grow to a second.
        ca_bundle: A file or folder of certificates to trust instead of the usual ones.
        user_agent_suffix: What your program is called, added to the User-Agent header.

    Raises:
        ConfigurationError: A value is out of its range.
    """

    def __init__(
        self,
        place: CoveoPlace,
        *,
        retry: RetryPolicy | None = None,
        calls_per_five_minutes: int = CALLS_PER_FIVE_MINUTES,
        poll_seconds: float = _POLL_SECONDS,
        ca_bundle: str | Path | None = None,
        user_agent_suffix: str | None = None,
    ) -> None:
        require_seconds("poll_seconds", poll_seconds)
        patience = retry or RetryPolicy(attempts=6, first_wait_seconds=_POLL_SECONDS)
        super().__init__(
            place, patience, calls_per_five_minutes, ca_bundle=ca_bundle, user_agent_suffix=user_agent_suffix
        )
        self._poll_seconds = poll_seconds

    def wait(self, receipt: SentBatches, *, timeout: float = _TIMEOUT_SECONDS) -> IndexingReport:
        """Read the logs until they have said of every batch whether it was accepted or refused, or the time is over.

        When they have, they are read once more, as what they say of items may come a little later. Of a load they say
        nothing: no call is made, and the report says that it has to be read back.

        Args:
            receipt: What was sent, at most 14 days ago, for which Coveo keeps its logs; what is older is ``unknown``.
            timeout: How long Coveo is given, in seconds, default 900; 0 for one look. The first look is always
                finished, and a call under way is not broken off; nothing else takes longer.

        Raises:
            ConfigurationError: It is no receipt, or one of another source or of a dry run; or the timeout is no number
                of 0 or more.
            AccessRefused: The key lacks a privilege; the message says which.
            CoveoRefused: Coveo answered with another error.
            NoReply: Nothing was answered, several times over.
        """
        self._require_own(receipt)
        require_seconds("timeout", timeout)
        if receipt.operation == "load":
            return IndexingReport(operation="load", source_id=receipt.source_id, must_be_read_back=True)
        following = Following(self._place, self._calls, receipt, now=time.time())
        had_told_all = not following.can_be_asked
        pause: Pause = time.sleep
        with suppress(OutOfTimeError):
            for pause in looks(timeout, self._poll_seconds):
                has_told_all = following.look(pause)
                if has_told_all and had_told_all:
                    break
                had_told_all = has_told_all
        return following.report(following.failures(pause))

    def _require_own(self, receipt: SentBatches) -> None:
        if not hasattr(receipt, "chunks"):
            raise ConfigurationError(f"a receipt is wanted, such as StreamClient.update gives; got {receipt!r:.200}")
        if getattr(receipt, "dry_run", False):  # a receipt that was kept in another form may not say it
            raise ConfigurationError("the receipt is of a dry run: nothing was sent, and no log tells of it")
        own = (self._place.organization_id, self._place.source_id)
        if (receipt.organization_id, receipt.source_id) != own:
            raise ConfigurationError(
                f"the receipt is of source {receipt.source_id} of {receipt.organization_id}, and this log follows "
                f"source {own[1]} of {own[0]}"
            )
