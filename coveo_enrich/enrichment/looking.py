"""One product looked at: its pictures, each by every classifier, and what is decided from that.

Whatever fails becomes a value beside the product. The order of products, and how many are looked at together, is the
matter of `coveo_enrich.enrichment.enricher`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from coveo_enrich.classifiers.protocols import Classifier
from coveo_enrich.classifiers.values import Classification, Failure
from coveo_enrich.enrichment.circuits import Circuits
from coveo_enrich.enrichment.decide import Seen, classifiers_needed, decide
from coveo_enrich.enrichment.product import EnrichedProduct
from coveo_enrich.enrichment.rules import FieldMapping
from coveo_enrich.errors import ConfigurationError, ImageRejected, ServiceUnavailable, Throttled
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

    def at(self, product: Mapping[str, Any], circuits: Circuits) -> EnrichedProduct:
        """Look at one product.

        Raises:
            ConfigurationError: A classifier that never worked cannot work.
        """
        if not isinstance(product, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # a catalog may hold anything
            reason = f"the product is not a mapping but {type(product).__name__}"
            return EnrichedProduct(product, failures=(Failure("permanent", reason),))
        field = product.get(self.images_field)
        references = split_references(field)
        needed = classifiers_needed(product, self.mapping, (classifier.name for classifier in self.classifiers))
        asked = [classifier for classifier in self.classifiers if classifier.name in needed]
        looked_at = references[: self.max_images] if asked else ()
        outcomes = [one for reference in looked_at for one in self._at_picture(reference, asked, circuits)]
        seen = [outcome for outcome in outcomes if isinstance(outcome, Seen)]
        odd = [Failure("permanent", reason) for reason in odd_entries(field)]
        failures = (*odd, *(outcome for outcome in outcomes if isinstance(outcome, Failure)))
        whole = EnrichedProduct(product, failures=failures, images=references, looked_at=len(looked_at))
        return self._decided(whole, seen)

    def _decided(self, whole: EnrichedProduct, seen: list[Seen]) -> EnrichedProduct:
        try:
            decision = decide(whole.product, self.mapping, seen)
        except Exception as error:  # noqa: BLE001 - a rule may hold a function of the user's; no product is lost by it
            failure = Failure("permanent", f"a rule failed: {_in_words(error)}")
            return attrs.evolve(whole, failures=(*whole.failures, failure))
        return attrs.evolve(whole, changes=decision.changes, unmapped=decision.unmapped, kept=decision.kept)

    def _at_picture(
        self, reference: str, classifiers: Sequence[Classifier], circuits: Circuits
    ) -> Iterator[Seen | Failure]:
        if circuits.stopped:
            return
        try:
            image = read_once(self.reader.image(reference))
        except ImageRejected as error:
            yield Failure("permanent", str(error), image=reference)
            return
        for classifier in classifiers:
            yield _ask(classifier, image, reference, circuits)


def _ask(classifier: Classifier, image: ProductImage, reference: str, circuits: Circuits) -> Seen | Failure:
    name = classifier.name
    given_up = circuits.why_given_up(name)
    if given_up is not None:
        return Failure("configuration", f"the classifier was given up: {given_up}", image=reference, classifier=name)
    circuits.called(name)
    try:
        classification = classifier.classify(image)
    except Exception as error:  # noqa: BLE001 - whatever an adapter raises, the product goes on
        if isinstance(error, ConfigurationError):
            circuits.misconfigured(name, error)
        return _failure_of(error, reference, name)
    if not isinstance(classification, Classification):  # pyright: ignore[reportUnnecessaryIsInstance]  # an adapter may answer anything
        answer = f"it answered with {type(classification).__name__}, not with a Classification"
        return Failure("permanent", answer, image=reference, classifier=name)
    circuits.answered(name)
    # Rules believe a classifier by the name that it has, whatever name it signs with.
    return Seen(reference, attrs.evolve(classification, classifier=name))


def _failure_of(error: Exception, image: str, classifier: str) -> Failure:
    match error:
        case ImageRejected():
            return Failure("permanent", str(error), image=image, classifier=classifier)
        case Throttled():
            return Failure("throttled", str(error), image=image, classifier=classifier, retry_after=error.retry_after)
        case ServiceUnavailable():
            return Failure("transient", str(error), image=image, classifier=classifier)
        case ConfigurationError():
            return Failure("configuration", str(error), image=image, classifier=classifier)
        case _:
            return Failure("permanent", _in_words(error), image=image, classifier=classifier)


def _in_words(error: Exception) -> str:
    kind = type(error).__name__ or "an error without a name"
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - an error that cannot even be told
        return kind
    return f"{kind}: {text}" if text else kind
