"""SEE: what classifiers are asked, what they answer, and the adapters that ask them.

Adapters are loaded when they are first named, so that a program pays for those that it uses.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from coveo_enrich.classifiers.check import ClassifierCheck, check_classifier
from coveo_enrich.classifiers.protocols import BatchClassifier, Classifier
from coveo_enrich.classifiers.values import Attribute, Box, Classification, Color, Failure, FailureKind, Label

if TYPE_CHECKING:
    from coveo_enrich.classifiers.color import ColorClassifier
    from coveo_enrich.classifiers.google import GoogleVisionClassifier
    from coveo_enrich.classifiers.http import HttpClassifier
    from coveo_enrich.classifiers.rekognition import RekognitionClassifier

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
    "GoogleVisionClassifier",
    "HttpClassifier",
    "Label",
    "RekognitionClassifier",
    "check_classifier",
]


_LOADED_WHEN_NAMED: Final = {
    "ColorClassifier": "color",
    "GoogleVisionClassifier": "google",
    "HttpClassifier": "http",
    "RekognitionClassifier": "rekognition",
}


def __getattr__(name: str) -> object:
    if name in _LOADED_WHEN_NAMED:
        return getattr(import_module(f"{__name__}.{_LOADED_WHEN_NAMED[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
