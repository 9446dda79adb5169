"""One product looked at: its pictures, each by every classifier, and what is decided from that.

Whatever fails becomes a value beside the product. The order of products, and how many are looked at together, is the
matter of `coveo_enrich.enrichment.enricher`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from coveo_enrich.classifiers.asking import Asker
from coveo_enrich.classifiers.outcomes import in_words
from coveo_enrich.classifiers.protocols import Classifier
from coveo_enrich.classifiers.values import Failure
from coveo_enrich.enrichment.circuits import Circuits
from coveo_enrich.enrichment.decide import Seen, classifiers_needed, decide
from coveo_enrich.enrichment.people import without_people_labels
from coveo_enrich.enrichment.product import EnrichedProduct
from coveo_enrich.enrichment.rules import FieldMapping
from coveo_enrich.errors import ConfigurationError, ImageRejected
from coveo_enrich.images.image import ProductImage, read_once
from coveo_enrich.images.reader import ImageReader
from coveo_enrich.images.references import odd_entries, split_references

__all__ = ["ProductLook"]


@attrs.frozen
class ProductLook:
    """How a product is looked at: the settings of an `Enricher`."""

    classifiers: tuple[Classifier, ...]
    mapping: FieldMapping
    images_field: str
    max_images: int
    reader: ImageReader
    people_labels: bool

    def at(self, product: Mapping[str, Any], askers: Mapping[str, Asker], circuits: Circuits) -> EnrichedProduct:
        """Look at one product.

        Args:
            product: The product.
            askers: What asks the classifiers, by their names.
            circuits: Which of them still work.

        Raises:
            ConfigurationError: A classifier that never worked cannot work.
        """
        if not isinstance(product, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # a catalog may hold anything
            reason = f"the product is not a mapping but {type(product).__name__}"
            return EnrichedProduct(product, failures=(Failure("permanent", reason),))
        field = product.get(self.images_field)
        references = split_references(field)
        needed = classifiers_needed(product, self.mapping, askers)
        asked = [asker for name, asker in askers.items() if name in needed]
        looked_at = references[: self.max_images] if asked else ()
        outcomes = [one for reference in looked_at for one in self._at_picture(reference, asked, circuits)]
        seen = [outcome for outcome in outcomes if isinstance(outcome, Seen)]
        odd = [Failure("permanent", reason) for reason in odd_entries(field)]
        failures = (*odd, *(outcome for outcome in outcomes if isinstance(outcome, Failure)))
        whole = EnrichedProduct(product, failures=failures, images=references, looked_at=len(looked_at))
        return self._decided(whole, seen)

    def _decided(self, whole: EnrichedProduct, seen: list[Seen]) -> EnrichedProduct:
        counted, left_out = (seen, 0) if self.people_labels else _without_people(seen)
        try:
            decision = decide(whole.product, self.mapping, counted)
        except Exception as error:  # noqa: BLE001 - a rule may hold a function of the user's; no product is lost by it
            failure = Failure("permanent", f"a rule failed: {in_words(error)}")
            return attrs.evolve(whole, failures=(*whole.failures, failure))
        return attrs.evolve(
            whole,
            changes=decision.changes,
            unmapped=decision.unmapped,
            kept=decision.kept,
            people_labels=left_out,
        )

    def _at_picture(self, reference: str, askers: Iterable[Asker], circuits: Circuits) -> Iterator[Seen | Failure]:
        if circuits.stopped:
            return
        try:
            image = read_once(self.reader.image(reference))
        except ImageRejected as error:
            yield Failure("permanent", str(error), image=reference)
            return
        for asker in askers:
            yield _ask(asker, image, reference, circuits)


def _without_people(seen: list[Seen]) -> tuple[list[Seen], int]:
    filtered = [(one.image, *without_people_labels(one.classification)) for one in seen]
    left_out = sum(count for _, _, count in filtered)
    return [Seen(image, classification) for image, classification, _ in filtered], left_out


def _ask(asker: Asker, image: ProductImage, reference: str, circuits: Circuits) -> Seen | Failure:
    name = asker.declared.name
    given_up = circuits.why_given_up(name)
    if given_up is not None:
        return Failure("configuration", f"the classifier was given up: {given_up}", image=reference, classifier=name)
    try:
        outcome = asker.ask(image)
    except ConfigurationError as error:
        circuits.misconfigured(name, error, worked=asker.has_answered)
        return Failure("configuration", str(error), image=reference, classifier=name)
    if isinstance(outcome, Failure):
        return attrs.evolve(outcome, image=reference)
    return Seen(reference, outcome)
