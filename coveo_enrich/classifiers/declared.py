"""What a classifier declares besides its name: read once, checked, and the same for every adapter.

Everything here is optional for an adapter. What is done with it is decided in `coveo_enrich.classifiers.asking`.
"""

from __future__ import annotations

import inspect
import math
from typing import Any

import attrs

from coveo_enrich.classifiers.outcomes import in_words
from coveo_enrich.classifiers.protocols import Classifier
from coveo_enrich.errors import ConfigurationError
from coveo_enrich.images.limits import ImageLimits
from coveo_enrich.retry import require_count

__all__ = ["Declared"]


@attrs.frozen(kw_only=True)
class Declared:
    """What a classifier declares.

    Attributes:
        name: Who says so.
        fingerprint: Changes when the same picture may get another answer; default the name.
        max_batch: The most pictures in one call; default 1.
        accepts: What pictures it takes; `None`: it gets them as their host sent them, or reads none.
        images_per_second: The most pictures that it is asked about in a second, over all threads; `None`: as many as
            there are.
    """

    name: str
    fingerprint: str
    max_batch: int = 1
    accepts: ImageLimits | None = None
    images_per_second: float | None = None

    @classmethod
    def of(cls, classifier: Classifier) -> Declared:
        """Read what a classifier declares.

        Raises:
            ConfigurationError: It is a class and no instance, has no ``name`` or no ``classify``, has an ``async`` one,
                or declares something that cannot be.
        """
        if isinstance(classifier, type):
            raise ConfigurationError(f"give classifiers, not their classes: {classifier.__name__}()")
        name = _read(classifier, "name", None)
        if not isinstance(name, str) or not name.strip():
            raise ConfigurationError(f"a classifier has a name, which is a text; {_kind(classifier)} has {name!r}")
        _require_method(classifier, "classify", f"{name}: a classifier has a method classify(image)")
        return cls(
            name=name,
            fingerprint=_fingerprint(name, _read(classifier, "fingerprint", name)),
            max_batch=_max_batch(name, classifier),
            accepts=_accepts(name, _read(classifier, "accepts", None)),
            images_per_second=_images_per_second(name, _read(classifier, "images_per_second", None)),
        )


def _read(classifier: Any, attribute: str, default: object) -> object:  # noqa: ANN401 - looked at
    """What an attribute says; the default only where there is none, not where its code fails."""
    try:
        return getattr(classifier, attribute)
    except ConfigurationError:
        raise
    except Exception as error:
        if isinstance(error, AttributeError) and inspect.getattr_static(classifier, attribute, None) is None:
            return default
        raise ConfigurationError(f"{_kind(classifier)}: its {attribute} cannot be read ({in_words(error)})") from error


def _require_method(classifier: Any, method: str, missing: str) -> None:  # noqa: ANN401 - looked at
    found = _read(classifier, method, None)
    if not callable(found):
        raise ConfigurationError(missing)
    if inspect.iscoroutinefunction(found):
        raise ConfigurationError(
            f"{_kind(classifier)}: its {method} is async, and nobody awaits it: write it without async; inside, "
            "asyncio.run may run what is"
        )


def _kind(classifier: object) -> str:
    return type(classifier).__name__


def _fingerprint(name: str, value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise ConfigurationError(f"{name}: its fingerprint is a text; got {value!r}")


def _max_batch(name: str, classifier: Any) -> int:  # noqa: ANN401 - looked at
    value: Any = _read(classifier, "max_batch", 1)
    require_count(f"{name}: max_batch", value, 1)
    if value > 1:
        missing = f"{name}: a classifier with a max_batch has a method classify_many(images)"
        _require_method(classifier, "classify_many", missing)
    return int(value)


def _accepts(name: str, value: object) -> ImageLimits | None:
    if value is None or isinstance(value, ImageLimits):
        return value
    raise ConfigurationError(f"{name}: what it accepts is an ImageLimits; got {value!r}")


def _images_per_second(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf:
        return value
    raise ConfigurationError(f"{name}: images_per_second is a number, more than 0; got {value!r}")
