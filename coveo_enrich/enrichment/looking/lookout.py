"""What one run or query has of its own to look with: connections, threads, counts, and which classifiers still work.

What products are looked at, and in which order, is the matter of `coveo_enrich.enrichment.enricher`.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from functools import partial
from typing import Final

import attrs

from coveo_enrich.classifiers.asking import Asker
from coveo_enrich.classifiers.declared import Declared
from coveo_enrich.classifiers.protocols import Classifier
from coveo_enrich.classifiers.shared_limits import SharedLimits
from coveo_enrich.enrichment.cache.store import CLAIM_SECONDS, ClassificationStore
from coveo_enrich.enrichment.looking.answers import Answers, Outcome
from coveo_enrich.enrichment.looking.circuits import Circuits
from coveo_enrich.enrichment.looking.flights import Flights
from coveo_enrich.enrichment.looking.looking import LookSettings, ProductLook
from coveo_enrich.enrichment.looking.pictures import Pictures
from coveo_enrich.enrichment.spending import Spending
from coveo_enrich.images.reader import ImageReader
from coveo_enrich.retry import RetryPolicy

__all__ = ["Lookout", "Scene"]

_SHOPPER_WAITS: Final = 2.0
_OF_A_SHOPPER: Final = RetryPolicy(attempts=2, first_wait_seconds=0.5, longest_wait_seconds=_SHOPPER_WAITS)


@attrs.frozen(kw_only=True)
class Scene:
    """What the runs and queries of an `Enricher` have in common."""

    classifiers: tuple[Classifier, ...]
    settings: LookSettings
    reader: ImageReader
    store: ClassificationStore | None
    concurrency: int
    budget: int | None
    prices: Mapping[str, float]
    limits: Mapping[str, SharedLimits]
    asking: Flights[Outcome] = attrs.field(factory=Flights[Outcome], init=False)
    asking_for_queries: Flights[Outcome] = attrs.field(factory=Flights[Outcome], init=False)


class Lookout:
    """Looks at products, or at a single picture; threads and connections are made when they are first needed.

    Args:
        scene: What it has in common with others.
        budget: The most pictures that classifiers are asked about; `None`: as many as there are.
        calls_at_once: The most calls to each classifier.
        patience: How patiently it asks again; `None`: as a run over a catalog does.
        asking: Calls under way, so that one picture is not asked about twice at the same moment.
        claim_seconds: How long it waits for somebody else who asks about a picture already.
        worked_before: The classifiers that have answered somebody already.
        goes_first: Whether its calls go before those of others that do not.

    Attributes:
        spending: What was asked.
        circuits: Which classifiers still work.
        askers: What asks them, by their names.
        look: Looks at products.
    """

    def __init__(
        self,
        scene: Scene,
        *,
        budget: int | None,
        calls_at_once: int,
        patience: RetryPolicy | None,
        asking: Flights[Outcome],
        claim_seconds: float = CLAIM_SECONDS,
        worked_before: Collection[str] = (),
        goes_first: bool = False,
    ) -> None:
        # Its own reader, so that its end leaves the connections of others alone.
        self._reader = scene.reader.for_run()
        self.circuits = Circuits()
        self.spending = Spending(budget)
        reading = threading.BoundedSemaphore(scene.concurrency)
        self.askers = {
            (name := Declared.of(one).name): Asker(
                one,
                calls_at_once=calls_at_once,
                reading=reading,
                take=partial(self.spending.take, name),
                settle=partial(self.spending.settle, name),
                limits=scene.limits[name],
                patience=patience,
                has_answered=name in worked_before,
                goes_first=goes_first,
            )
            for one in scene.classifiers
        }
        self.look = ProductLook(
            scene.settings,
            self.askers,
            self.circuits,
            Pictures(self._reader, scene.store, fetched_at_once=scene.concurrency),
            Answers(scene.store, asking, self.spending, self._is_left, claim_seconds),
        )

    @classmethod
    def of_run(cls, scene: Scene) -> Lookout:
        """Look at a catalog."""
        return cls(scene, budget=scene.budget, calls_at_once=scene.concurrency, patience=None, asking=scene.asking)

    @classmethod
    def of_query(cls, scene: Scene) -> Lookout:
        """Look at a picture whose shopper waits: of a classifier that worked before, failures are only reported."""
        return cls(
            scene,
            budget=None,
            calls_at_once=1,
            patience=_OF_A_SHOPPER,
            asking=scene.asking_for_queries,
            claim_seconds=_SHOPPER_WAITS,
            worked_before=[name for name, limits in scene.limits.items() if limits.has_answered],
            goes_first=True,
        )

    def stop(self) -> None:
        """Ask nothing more; pictures and calls under way are broken off."""
        self.circuits.stop()
        self._reader.stop()
        for asker in self.askers.values():
            asker.begin_stop()
        for asker in self.askers.values():
            asker.stop()

    def close(self) -> None:
        """Release connections."""
        self._reader.close()

    def _is_left(self) -> bool:
        return self.circuits.stopped
