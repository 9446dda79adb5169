"""What one run has of its own to look with: connections, threads, counts, and which classifiers still work.

What products are looked at, and in which order, is the matter of `coveo_enrich.enrichment.enricher`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial

import attrs

from coveo_enrich.classifiers.asking import Asker
from coveo_enrich.classifiers.declared import Declared
from coveo_enrich.classifiers.protocols import Classifier
from coveo_enrich.enrichment.cache.store import ClassificationStore
from coveo_enrich.enrichment.looking.answers import Answers, Outcome
from coveo_enrich.enrichment.looking.circuits import Circuits
from coveo_enrich.enrichment.looking.flights import Flights
from coveo_enrich.enrichment.looking.looking import LookSettings, ProductLook
from coveo_enrich.enrichment.looking.pictures import Pictures
from coveo_enrich.enrichment.spending import Spending
from coveo_enrich.images.reader import ImageReader

__all__ = ["Lookout", "Scene"]


@attrs.frozen(kw_only=True)
class Scene:
    """What the runs of an `Enricher` have in common."""

    classifiers: tuple[Classifier, ...]
    settings: LookSettings
    reader: ImageReader
    store: ClassificationStore | None
    concurrency: int
    budget: int | None
    prices: Mapping[str, float]
    asking: Flights[Outcome] = attrs.field(factory=Flights[Outcome], init=False)


class Lookout:
    """Looks at products, or at a single picture; threads and connections are made when they are first needed.

    Args:
        scene: What it has in common with others.
        budget: The most pictures that classifiers are asked about; `None`: as many as there are.

    Attributes:
        spending: What was asked.
        circuits: Which classifiers still work.
        askers: What asks them, by their names.
        look: Looks at products.
    """

    def __init__(self, scene: Scene, budget: int | None) -> None:
        # Its own reader, so that its end leaves the connections of others alone.
        self._reader = scene.reader.for_run()
        self.circuits = Circuits()
        self.spending = Spending(budget)
        reading = threading.BoundedSemaphore(scene.concurrency)
        askers = (self._asker(one, scene.concurrency, reading) for one in scene.classifiers)
        self.askers = {asker.declared.name: asker for asker in askers}
        self.look = ProductLook(
            scene.settings,
            self.askers,
            self.circuits,
            Pictures(self._reader, scene.store, fetched_at_once=scene.concurrency),
            Answers(scene.store, scene.asking, self.spending, self._is_left),
        )

    def stop(self) -> None:
        """Ask nothing more; pictures and calls under way are broken off."""
        self.circuits.stop()
        self._reader.stop()
        for asker in self.askers.values():
            asker.stop()

    def close(self) -> None:
        """Release connections."""
        self._reader.close()

    def _is_left(self) -> bool:
        return self.circuits.stopped

    def _asker(self, classifier: Classifier, calls_at_once: int, reading: threading.Semaphore) -> Asker:
        name = Declared.of(classifier).name
        return Asker(
            classifier,
            calls_at_once=calls_at_once,
            reading=reading,
            take=partial(self.spending.take, name),
            settle=partial(self.spending.settle, name),
        )
