"""What classifiers say about pictures: what they said before, or else asked, once for all who want to know.

How an answer becomes a field is decided elsewhere, so that a changed rule asks nothing anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Final

import attrs

from coveo_enrich.classifiers.asking import Asker
from coveo_enrich.classifiers.declared import Declared
from coveo_enrich.classifiers.values import Classification, Failure
from coveo_enrich.enrichment.cache.store import CLAIM_SECONDS, ClaimingStore, ClassificationStore
from coveo_enrich.enrichment.looking.flights import Flights
from coveo_enrich.enrichment.looking.pictures import AnyPicture
from coveo_enrich.enrichment.spending import Spending
from coveo_enrich.errors import ImageUnavailable

__all__ = ["Answers", "Outcome", "kept_answer"]

Outcome = Classification | Failure | None
"""What became of a picture; `None`: it was not asked about, as the budget is spent."""

_LOOK_AGAIN_SECONDS: Final = 0.05
"""How soon it is seen that another process has its answer: little beside the call that it waited for."""
_LEFT: Final = "the run was left while another one asked"


def kept_answer(
    store: ClassificationStore | None, identity: str, declared: Declared
) -> Classification | Failure | None:
    """What a store has of a classifier about a picture, under the name that the classifier has here."""
    outcome = None if store is None else store.answer(identity, declared.fingerprint)
    if outcome is None or outcome.classifier == declared.name:
        return outcome
    return attrs.evolve(outcome, classifier=declared.name)


@attrs.frozen
class Answers:
    """What classifiers say about the pictures of a run.

    Attributes:
        store: What they said in earlier runs; `None`: nothing is kept.
        asking: What is being asked at the moment.
        spending: Counts, and keeps to the budget.
        left: Whether nobody waits for answers any more.
        claim_seconds: How long another process or enricher, which asks about a picture already, is waited for.
    """

    store: ClassificationStore | None
    asking: Flights[Outcome]
    spending: Spending
    left: Callable[[], bool]
    claim_seconds: float = CLAIM_SECONDS

    def kept(self, identity: str, declared: Declared) -> Classification | Failure | None:
        """What was kept of a classifier about a picture."""
        return kept_answer(self.store, identity, declared)

    def of(self, picture: AnyPicture, asker: Asker) -> Outcome:
        """What a classifier says about a picture.

        Raises:
            ConfigurationError: No picture will work until something is mended.
            ImageRejected: The picture cannot be had, now or later.
            ImageUnavailable: Its host did not answer usefully.
        """
        while True:
            outcome = self._kept_or_asked(picture, asker)
            # Another run may have asked for this one too, and have spent its own budget.
            if outcome is not None or self.spending.is_spent:
                return outcome

    def _kept_or_asked(self, picture: AnyPicture, asker: Asker) -> Outcome:
        if self.store is None:
            return self._asked_once(picture.place, partial(self._ask, picture, asker, _nothing_kept), asker.declared)
        try:
            identity = picture.identity(self._may_ask_hosts)
        except ImageUnavailable:
            if asker.declared.accepts is not None:
                raise
            # It may work by URL alone, and be let through where this machine is not; nothing is kept then.
            return self._asked_once(picture.place, partial(self._ask, picture, asker, _nothing_kept), asker.declared)
        if identity is None:
            return None
        kept = self._found(identity, asker.declared)
        work = partial(self._ask_and_keep, identity, picture, asker)
        return kept or self._asked_once(identity, work, asker.declared)

    def _may_ask_hosts(self) -> bool:
        return not self.spending.is_spent

    def _found(self, identity: str, declared: Declared) -> Classification | Failure | None:
        kept = self.kept(identity, declared)
        if kept is not None:
            self.spending.found(declared.name)
        return kept

    def _asked_once(self, identity: str, work: Callable[[], Outcome], declared: Declared) -> Outcome:
        begun: list[bool] = []

        def begin() -> Outcome:
            begun.append(True)
            return work()

        outcome = self.asking.do((identity, declared.name, declared.fingerprint), begin, left=self.left)
        if not begun and outcome is not None:
            self.spending.found(declared.name)
        return outcome

    def _ask_and_keep(self, identity: str, picture: AnyPicture, asker: Asker) -> Outcome:
        declared = asker.declared
        if self.spending.is_spent:
            return self._found(identity, declared)
        if not self._claimed(identity, declared):
            return Failure("transient", _LEFT, image=picture.image.url, classifier=declared.name)
        try:
            return self._found(identity, declared) or self._asked_and_kept(identity, picture, asker)
        finally:
            self._release(identity, declared)

    def _claimed(self, identity: str, declared: Declared) -> bool:
        """Wait until no other process or enricher asks about the picture; `False` when the run is left meanwhile."""
        until = time.monotonic() + self.claim_seconds  # a store of somebody's own may never let go of a claim
        while isinstance(self.store, ClaimingStore) and not self.store.claim(identity, declared.fingerprint):
            if self.left():
                return False
            if time.monotonic() > until:
                break
            time.sleep(_LOOK_AGAIN_SECONDS)
        return True

    def _release(self, identity: str, declared: Declared) -> None:
        if isinstance(self.store, ClaimingStore):
            self.store.release(identity, declared.fingerprint)

    def _asked_and_kept(self, identity: str, picture: AnyPicture, asker: Asker) -> Outcome:
        keep = partial(self._keep, identity, picture, asker.declared)
        outcome = self._ask(picture, asker, keep)
        if isinstance(outcome, Failure) and outcome.classifier is None:  # it never reached the classifier
            keep(outcome)
        return outcome

    def _keep(self, identity: str, picture: AnyPicture, declared: Declared, outcome: Classification | Failure) -> None:
        if self.store is not None and self._is_to_be_kept(outcome, picture):
            # Under what the classifier saw, should the bytes have changed since they were looked at.
            self.store.keep(picture.digest or identity, declared.fingerprint, outcome)

    def _is_to_be_kept(self, outcome: Classification | Failure, picture: AnyPicture) -> bool:
        if not picture.is_sound:
            return False
        return isinstance(outcome, Classification) or (outcome.kind == "permanent" and not self.left())

    def _ask(self, picture: AnyPicture, asker: Asker, keep: Callable[[Classification | Failure], None]) -> Outcome:
        if self.spending.is_spent:
            return None
        return asker.ask(picture.image, keep)


def _nothing_kept(_outcome: Classification | Failure) -> None:
    pass
