"""Products in, enriched products out, in the same order and the same number.

Asks the classifiers, in threads, and hands what they said to `coveo_enrich.enrichment.decide`. Whatever fails for a
product becomes a value in its ``failures``; only a mistake in the configuration ends a run.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs

from coveo_enrich._threads import Task, Threads
from coveo_enrich.classifiers.asking import Asker
from coveo_enrich.classifiers.declared import Declared
from coveo_enrich.classifiers.protocols import Classifier
from coveo_enrich.enrichment.circuits import Circuits
from coveo_enrich.enrichment.looking import ProductLook
from coveo_enrich.enrichment.product import EnrichedProduct
from coveo_enrich.enrichment.report import EnrichmentReport, ReportBuilder
from coveo_enrich.enrichment.rules import FieldMapping
from coveo_enrich.errors import ConfigurationError
from coveo_enrich.images.reader import ImageReader
from coveo_enrich.retry import require_count

__all__ = ["Enricher", "EnrichmentRun"]

_PRODUCTS_AHEAD_PER_THREAD: Final = 2
_MOST_PRODUCTS_AT_ONCE: Final = 256


class Enricher:
    """Fills fields of products from what classifiers see in their pictures.

    Args:
        classifiers: One classifier or several, by different names.
        mapping: The rules.
        images: The field that names a product's pictures: a list, or one text with ``;`` between them.
        image_root: What relative image paths are relative to: a folder, or an http or https URL. Without it they are
            refused.
        trusted_hosts: Hosts that pictures may be fetched from although their address is not public, as ``host`` or
            ``host:port``.
        user_agent: What image hosts are told in place of ``coveo-enrich/`` and the version: printable ASCII.
        proxy: The URL of an egress proxy that every fetch of a picture goes through. Addresses are checked there then,
            and not here: see `coveo_enrich.images.ImageReader`.
        concurrency: The most calls to each classifier, and the most pictures being fetched, that are under way at once;
            1 or more, default 8.
        max_images: Pictures of a product that are looked at, the first ones, 1 or more, default 4.
        people_labels: Whether labels about the sex, age or origin of people in a picture take part in decisions. By
            default they are kept out, and counted.

    Raises:
        ConfigurationError: Two classifiers have the same name, a rule asks for a classifier that is not there, or a
            value is out of its range.
    """

    def __init__(
        self,
        classifiers: Classifier | Iterable[Classifier],
        mapping: FieldMapping,
        *,
        images: str = "ec_images",
        image_root: str | Path | None = None,
        trusted_hosts: Iterable[str] = (),
        user_agent: str | None = None,
        proxy: str | None = None,
        concurrency: int = 8,
        max_images: int = 4,
        people_labels: bool = False,
    ) -> None:
        several = tuple(classifiers) if isinstance(classifiers, Iterable) else (classifiers,)
        _check_names(several, mapping)
        require_count("concurrency", concurrency, 1)
        require_count("max_images", max_images, 1)
        reader = ImageReader(image_root=image_root, trusted_hosts=trusted_hosts, user_agent=user_agent, proxy=proxy)
        self._look = ProductLook(several, mapping, images, max_images, reader, people_labels)
        self._concurrency = concurrency

    def enrich(self, products: Iterable[Mapping[str, Any]]) -> EnrichmentRun:
        """Look at products as they are asked for: iterate over the run, once.

        Products come out in the order in which they went in, every one of them, and only a few are read ahead. Leaving
        the loop early stops the run.

        Args:
            products: Plain mappings. They are not changed.

        Raises:
            ConfigurationError: It is one product, not several.
        """
        if isinstance(products, Mapping | str):
            raise ConfigurationError("enrich() takes several products: for a single one, enrich([product])")
        return EnrichmentRun(products, self._look, self._concurrency)


class EnrichmentRun:
    """Products being enriched, made by `Enricher.enrich`. Iterate over it once."""

    def __init__(self, products: Iterable[Mapping[str, Any]], look: ProductLook, concurrency: int) -> None:
        self._products = products
        # Its own reader, so that the end of this run leaves the connections of others alone.
        self._look = attrs.evolve(look, reader=look.reader.for_run())
        self._concurrency = concurrency
        self._circuits = Circuits()
        self._counted = ReportBuilder(look.mapping)
        self._started = False

    @property
    def report(self) -> EnrichmentReport:
        """What the products that came out so far amount to."""
        return self._counted.report(calls=self._circuits.calls, stopped=self._circuits.given_up)

    def __iter__(self) -> Iterator[EnrichedProduct]:
        """Yield every product, in order.

        Raises:
            ConfigurationError: A classifier that never worked cannot work, or the run was iterated over before.
        """
        if self._started:
            raise ConfigurationError("a run is iterated over once; call enrich() again for another")
        self._started = True
        return self._run()

    def _run(self) -> Iterator[EnrichedProduct]:
        askers = self._askers()
        looking = _products_at_once(self._concurrency, askers.values())
        threads = Threads(looking, "coveo-enrich-look")
        source = _Source(self._products)
        ahead = deque[Task[EnrichedProduct]]()
        try:
            for product in source:
                ahead.append(Task(partial(self._look.at, product, askers, self._circuits)))
                threads.begin(ahead[-1])
                if len(ahead) >= looking * _PRODUCTS_AHEAD_PER_THREAD:
                    yield self._come_out(threads, ahead.popleft())
            while ahead:
                yield self._come_out(threads, ahead.popleft())
            if source.error is not None:
                raise source.error
        finally:
            self._circuits.stop()
            self._look.reader.stop()
            for asker in askers.values():
                asker.stop()
            threads.stop()
            self._look.reader.close()

    def _askers(self) -> dict[str, Asker]:
        reading = threading.BoundedSemaphore(self._concurrency)
        return {
            classifier.name: Asker(
                classifier,
                calls_at_once=self._concurrency,
                reading=reading,
                on_call=partial(self._circuits.called, classifier.name),
            )
            for classifier in self._look.classifiers
        }

    def _come_out(self, threads: Threads, task: Task[EnrichedProduct]) -> EnrichedProduct:
        threads.wait_for_one([task])
        enriched = task.result()
        self._counted.count(enriched)
        return enriched


def _products_at_once(concurrency: int, askers: Iterable[Asker]) -> int:
    """How many products are looked at at once: enough to fill every call, while as many pictures are being fetched."""
    batch = max(asker.declared.max_batch for asker in askers)
    return min(2 * concurrency * batch, max(_MOST_PRODUCTS_AT_ONCE, 2 * concurrency))


class _Source:
    """The products until they end or fail; an error is kept until those read before it have come out."""

    def __init__(self, products: Iterable[Mapping[str, Any]]) -> None:
        self._products = products
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        try:
            yield from self._products
        except Exception as error:  # noqa: BLE001 - raised again, a little later
            self.error = error


def _check_names(classifiers: Sequence[Classifier], mapping: FieldMapping) -> None:
    names = [Declared.of(classifier).name for classifier in classifiers]
    if not names:
        raise ConfigurationError("an Enricher needs at least one classifier")
    if len(set(names)) < len(names):
        raise ConfigurationError(f"classifiers need different names; got {', '.join(names)}")
    absent = sorted(mapping.believed.difference(names))
    if absent:
        raise ConfigurationError(
            f"rules believe classifiers that are not given: {', '.join(absent)}; given: {', '.join(names)}"
        )
