"""What the library asks of a classifier: two members, no base class, no registration.

Adapters for services are ordinary classes beside this module. Anything with these members is a classifier. What else
one may declare is read in `coveo_enrich.classifiers.declared`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from coveo_enrich.classifiers.values import Classification, Failure
from coveo_enrich.images.image import ProductImage

__all__ = ["BatchClassifier", "Classifier"]


@runtime_checkable
class Classifier(Protocol):
    """Looks at one picture and says what it sees.

    Implement it with any class; there is nothing to inherit. A classifier is called from several threads at once.
    """

    @property
    def name(self) -> str:
        """Who says so: stands in the evidence of every value."""
        ...

    def classify(self, image: ProductImage, /) -> Classification:
        """Say what is in the picture.

        Raises:
            ImageRejected: This picture will never work.
            Throttled: The service asks for a pause.
            ServiceUnavailable: It may work later.
            ConfigurationError: No picture will work until something is mended, such as a wrong key.
        """
        ...


@runtime_checkable
class BatchClassifier(Classifier, Protocol):
    """A classifier that looks at several pictures in one call, which its service then answers together.

    Its ``classify`` is used where there is only one.
    """

    @property
    def max_batch(self) -> int:
        """The most pictures in one call; 1 or more."""
        ...

    def classify_many(self, images: Sequence[ProductImage], /) -> Sequence[Classification | Failure]:
        """Say what is in each picture: as many outcomes as pictures, in their order.

        What is wrong with one picture is a `Failure` in its place; its ``kind`` decides whether it is asked again.

        Raises:
            Throttled: The service asks for a pause; none of them was looked at.
            ServiceUnavailable: It may work later; none of them was looked at.
            ConfigurationError: No picture will work until something is mended.
        """
        ...
