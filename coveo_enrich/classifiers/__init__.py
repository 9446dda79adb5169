"""SEE: what classifiers are asked, what they answer, and the adapters that ask them.

Adapters are loaded when they are first named, so that a program pays for those that it uses.
"""

from typing import TYPE_CHECKING

from coveo_enrich.classifiers.check import ClassifierCheck, check_classifier
from coveo_enrich.classifiers.protocols import BatchClassifier, Classifier
from coveo_enrich.classifiers.values import Attribute, Box, Classification, Color, Failure, FailureKind, Label

if TYPE_CHECKING:
    from coveo_enrich.classifiers.color import ColorClassifier

__all__ = [
    "Attribute",
    "BatchClassifier",
    "Box",
    "Classification",
    "Classifier",
    "ClassifierCheck",
    "Color",
    "ColorClassifier",
    "Failure",
    "FailureKind",
    "Label",
    "check_classifier",
]


def __getattr__(name: str) -> object:
    if name == "ColorClassifier":
        from coveo_enrich.classifiers.color import ColorClassifier  # noqa: PLC0415 - see above

        return ColorClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
