"""What the library asks of a classifier: two members, no base class, no registration.

Adapters for services are ordinary classes beside this module. Anything with these members is a classifier.
"""

from __future__ import annotations

from typing import Protocol

from coveo_enrich.classifiers.values import Classification
from coveo_enrich.images.image import ProductImage

__all__ = ["Classifier"]


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
