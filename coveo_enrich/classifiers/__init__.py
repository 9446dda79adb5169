"""SEE: what classifiers are asked, what they answer, and the adapters that ask them."""

from coveo_enrich.classifiers.color import ColorClassifier
from coveo_enrich.classifiers.protocols import Classifier
from coveo_enrich.classifiers.values import (
    Attribute,
    Classification,
    Color,
    Failure,
    FailureKind,
    Label,
)

__all__ = [
    "Attribute",
    "Classification",
    "Classifier",
    "Color",
    "ColorClassifier",
    "Failure",
    "FailureKind",
    "Label",
]
