"""One product looked at: its pictures, each by every classifier, and what is decided from that.

Whatever fails becomes a value beside the product. The order of products, and how many are looked at together, is the
matter of `coveo_enrich.enrichment.enricher`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from coveo_enrich._frames import plain
from coveo_enrich._threads import Task, Threads
from coveo_enrich.classifiers.asking import Asker
from coveo_enrich.classifiers.outcomes import failure_of, in_words
from coveo_enrich.classifiers.values import Classification, Failure
from coveo_enrich.enrichment.decisions.decide import Seen, decide
from coveo_enrich.enrichment.decisions.targets import Targets, targets_of
from coveo_enrich.enrichment.looking.answers import Answers, Outcome
from coveo_enrich.enrichment.looking.circuits import Circuits
from coveo_enrich.enrichment.looking.people import without_people_labels
from coveo_enrich.enrichment.looking.pictures import AnyPicture, GivenPicture, Pictures
from coveo_enrich.enrichment.product import EnrichedProduct
from coveo_enrich.enrichment.rules.fields import key_of
from coveo_enrich.enrichment.rules.mapping import FieldMapping
from coveo_enrich.errors import ConfigurationError, ImageRejected, ImageUnavailable
from coveo_enrich.images.image import ProductImage
from coveo_enrich.images.references import References, references_in

__all__ = ["LookSettings", "Part", "PictureSeen", "ProductLook"]


@attrs.frozen
class LookSettings:
    """How products are looked at.

    Attributes:
        mapping: The rules.
        images_field: The field that names a product's pictures.
        max_images: How many of them are looked at, the first ones.
        object_types: The types of item that are enriched, in small letters.
        people_labels: Whether labels about people take part in decisions.
    """

    mapping: FieldMapping
    images_field: str
    max_images: int
    object_types: frozenset[str]
    people_labels: bool

    def takes(self, product: Mapping[str, Any]) -> bool:
        """Whether a product is of a type that is enriched; one that does not say is."""
        kind = product.get(key_of(product, "objecttype"))
        return not isinstance(kind, str) or kind.strip().lower() in self.object_types

    def images_of(self, product: Mapping[str, Any]) -> object:
        """What the field that names a product's pictures holds, however the product spells the field."""
        return plain(product.get(key_of(product, self.images_field)))


_Outcome = Seen | Failure | None
"""What became of one picture and one classifier; `None`: it was not asked, as the budget is spent."""


@attrs.frozen
class Part:
    """The part of a product that is looked at.

    Attributes:
        targets: What the rules have to do for the product.
        images: The references of all its pictures.
        looked_at: Those that are looked at.
        asked: What asks the classifiers whose answers can change anything.
    """

    targets: Targets
    images: References
    looked_at: tuple[str, ...]
    asked: tuple[Asker, ...]


@attrs.frozen
class PictureSeen:
    """What came of looking at a picture by itself.

    Attributes:
        said: What each classifier said.
        failures: What went wrong.
        people_labels: Labels about people that were kept out.
    """

    said: tuple[Seen, ...] = ()
    failures: tuple[Failure, ...] = ()
    people_labels: int = 0


@attrs.frozen
class ProductLook:
    """Looks at the products of one run, or at the picture of one query.

    Attributes:
        settings: How.
        askers: What asks the classifiers, by their names.
        circuits: Which of them still work.
        pictures: The pictures.
        answers: What classifiers say about them.
    """

    settings: LookSettings
    askers: Mapping[str, Asker]
    circuits: Circuits
    pictures: Pictures
    answers: Answers

    def at_once(self, product: Mapping[str, Any]) -> EnrichedProduct | Part:
        """What looking at a product comes to when all of it is known already; else the part that has to be looked at.

        Asks and fetches nothing, so that it may be done where nothing should wait.
        """
        part = self._part_of(product)
        if isinstance(part, EnrichedProduct):
            return part
        outcomes: list[_Outcome] = []
        for reference in part.looked_at:
            known = self._known_of(reference, part.asked)
            if known is None:
                return part
            outcomes += known
        self._count_found(outcomes)
        return self._decided(part, outcomes)

    def at(self, part: Part) -> EnrichedProduct:
        """Look at the part of a product that has to be.

        Raises:
            ConfigurationError: A classifier that never worked cannot work.
        """
        outcomes = [one for reference in part.looked_at for one in self._at_reference(reference, part.asked)]
        return self._decided(part, outcomes)

    def at_picture(self, image: ProductImage | str, threads: Threads) -> PictureSeen:
        """Look at a picture by itself.

        Args:
            image: The picture, or a reference as a catalog has it, which is read here: a shopper may have chosen it.
            threads: Those that ask the classifiers.

        Raises:
            ConfigurationError: A classifier that never worked cannot work.
        """
        names = frozenset[str | None](evidence.of for rule in self.settings.mapping.rules for evidence in rule.reads)
        asked = [asker for name, asker in self.askers.items() if names & {None, name}]
        try:
            given = GivenPicture(self.pictures.reader.image(image) if isinstance(image, str) else image)
            given.identity()
        except (ImageRejected, ImageUnavailable) as error:
            return PictureSeen(failures=(failure_of(error, _name_of(image), None),))
        outcomes = list(self._asked_together(_name_of(image), given, asked, threads))
        said, left_out = self._counted([outcome for outcome in outcomes if isinstance(outcome, Seen)])
        return PictureSeen(tuple(said), tuple(one for one in outcomes if isinstance(one, Failure)), left_out)

    def _part_of(self, product: Mapping[str, Any]) -> Part | EnrichedProduct:
        if not isinstance(product, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # a catalog may hold anything
            reason = f"the product is not a mapping but {type(product).__name__}"
            return EnrichedProduct(product, failures=(Failure("permanent", reason),))
        try:
            if not self.settings.takes(product):
                return EnrichedProduct(product, of_other_type=True)
            references = references_in(self.settings.images_of(product))
            targets = targets_of(product, self.settings.mapping)
        except Exception as error:  # noqa: BLE001 - a mapping of the user's own may raise anything
            reason = f"the product cannot be read: {in_words(error)}"
            return EnrichedProduct(product, failures=(Failure("permanent", reason),))
        asked = tuple(self.askers[name] for name in targets.classifiers_needed(self.askers))
        return Part(targets, references, references.texts[: self.settings.max_images] if asked else (), asked)

    def _decided(self, part: Part, outcomes: Sequence[_Outcome]) -> EnrichedProduct:
        seen = [outcome for outcome in outcomes if isinstance(outcome, Seen)]
        failures = [Failure("permanent", reason) for reason in part.images.odd]
        failures += [outcome for outcome in outcomes if isinstance(outcome, Failure)]
        counted, left_out = self._counted(seen)
        decision = decide(part.targets, counted)
        failures += [Failure("permanent", reason) for reason in decision.failed]
        return EnrichedProduct(
            part.targets.product,
            changes=decision.changes,
            failures=tuple(failures),
            unmapped=decision.unmapped,
            conflicts=decision.conflicts,
            provenance=decision.provenance,
            kept=decision.kept,
            images=part.images.texts,
            looked_at=len(part.looked_at),
            not_asked=outcomes.count(None),
            people_labels=left_out,
        )

    def _counted(self, seen: list[Seen]) -> tuple[list[Seen], int]:
        """What takes part in decisions, and how many labels about people do not."""
        return (seen, 0) if self.settings.people_labels else _without_people(seen)

    def _at_reference(self, reference: str, askers: Iterable[Asker]) -> Iterator[_Outcome]:
        if self.circuits.stopped:
            return
        try:
            picture = self.pictures.of(reference)
        except ImageRejected as error:
            yield Failure("permanent", str(error), image=reference)
            return
        for asker in askers:
            yield self._given_up(reference, asker) or self._asked(reference, picture, asker)

    def _known_of(self, reference: str, askers: Iterable[Asker]) -> list[_Outcome] | None:
        """What is known of a picture; `None` unless all is."""
        try:
            identity = self.pictures.believed(reference)
        except ImageRejected as error:
            return [Failure("permanent", str(error), image=reference)]
        if identity is None:
            return None
        outcomes = [self._known_answer(reference, identity, asker) for asker in askers]
        return None if None in outcomes else outcomes

    def _known_answer(self, reference: str, identity: str | Failure, asker: Asker) -> _Outcome:
        given_up = self._given_up(reference, asker)
        if given_up is not None:
            return given_up
        kept = identity if isinstance(identity, Failure) else self.answers.kept(identity, asker.declared)
        return _of_reference(kept, reference)

    def _count_found(self, outcomes: Iterable[_Outcome]) -> None:
        """Count answers that were kept: of failures those that are a classifier's own."""
        for outcome in outcomes:
            if isinstance(outcome, Seen):
                self.answers.spending.found(outcome.classification.classifier)
            elif outcome is not None and outcome.classifier and outcome.kind != "configuration":
                self.answers.spending.found(outcome.classifier)

    def _given_up(self, reference: str, asker: Asker) -> Failure | None:
        why = self.circuits.why_given_up(asker.declared.name)
        if why is None:
            return None
        reason = f"the classifier was given up: {why}"
        return Failure("configuration", reason, image=reference, classifier=asker.declared.name)

    def _asked(self, reference: str, picture: AnyPicture, asker: Asker) -> _Outcome:
        try:
            outcome = self.answers.of(picture, asker)
        except ConfigurationError as error:
            self.circuits.misconfigured(asker.declared.name, error, worked=self._has_worked(asker))
            return Failure("configuration", str(error), image=reference, classifier=asker.declared.name)
        except (ImageRejected, ImageUnavailable) as error:
            return failure_of(error, reference, None)
        return _of_reference(outcome, reference)

    def _asked_together(
        self, reference: str, picture: AnyPicture, askers: Iterable[Asker], threads: Threads
    ) -> Iterator[_Outcome]:
        """All at the same time, so that somebody who waits does so for the slowest alone."""
        tasks = [Task(partial(self._asked, reference, picture, asker)) for asker in askers]
        for task in tasks:
            threads.begin(task)
        for task in tasks:
            threads.wait_for_one([task])
            yield task.result()

    def _has_worked(self, asker: Asker) -> bool:
        """Whether products with a classifier's answers came out: it is too late then to stop ahead of the catalog."""
        return asker.has_answered or self.answers.spending.hits.get(asker.declared.name, 0) > 0


def _name_of(image: ProductImage | str) -> str:
    return image if isinstance(image, str) else image.url


def _of_reference(outcome: Outcome, reference: str) -> _Outcome:
    if isinstance(outcome, Classification):
        return Seen(reference, outcome)
    return outcome and attrs.evolve(outcome, image=reference)


def _without_people(seen: list[Seen]) -> tuple[list[Seen], int]:
    left_out = 0
    counted: list[Seen] = []
    for one in seen:
        classification, words = without_people_labels(one.classification)
        left_out += words
        counted.append(Seen(one.image, classification) if words else one)
    return counted, left_out
