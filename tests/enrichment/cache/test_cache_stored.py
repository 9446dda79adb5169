"""What a cache keeps, as text and back."""

from __future__ import annotations

import math
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich.classifiers import Attribute, Classification, Color, Failure, Label
from coveo_enrich.classifiers.values import Box
from coveo_enrich.enrichment.cache.store import KnownImage
from coveo_enrich.enrichment.cache.stored import read_stored, stored_text

TEXTS = st.text(st.characters(), max_size=8)  # lone surrogates and NUL included
NUMBERS = st.floats(allow_nan=False) | st.integers()
SCORED: dict[str, Any] = {
    "confidence": st.none() | st.floats(0, 1),
    "raw_score": st.none() | NUMBERS,
    "scale": st.none() | NUMBERS,
}
BOXES = st.none() | st.builds(Box, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
CHANNELS = st.integers(0, 255)
CLASSIFICATIONS = st.builds(
    Classification,
    TEXTS,
    labels=st.lists(st.builds(Label, TEXTS, parents=st.lists(TEXTS, max_size=3), box=BOXES, **SCORED), max_size=3),
    attributes=st.lists(st.builds(Attribute, TEXTS, TEXTS, box=BOXES, **SCORED), max_size=3),
    colors=st.lists(
        st.builds(
            Color,
            TEXTS,
            rgb=st.none() | st.tuples(CHANNELS, CHANNELS, CHANNELS),
            shade=st.none() | TEXTS,
            **SCORED,
        ),
        max_size=3,
    ),
    model_version=st.none() | TEXTS,
)
KNOWN_IMAGES = st.builds(
    KnownImage,
    TEXTS,
    etag=st.none() | TEXTS,
    last_modified=st.none() | TEXTS,
    checked_at=st.floats(0, 1e10),
)


@given(CLASSIFICATIONS | KNOWN_IMAGES)
def test_nothing_of_an_answer_is_lost(value: Classification | KnownImage) -> None:
    """Laws 8 and 10: whatever was seen comes back as it was, and what was not scored is still not scored."""
    text = stored_text(value)
    assert text.isascii()
    assert "\0" not in text
    back = read_stored(text)
    assert back == value
    assert repr(back) == repr(value)


def test_every_field_of_every_observation_was_tried() -> None:
    """The fields that the test above fills are all that there are."""
    filled = {
        Classification: {"classifier", "labels", "attributes", "colors", "model_version"},
        Label: {"name", "parents", "box", *SCORED},
        Attribute: {"name", "value", "box", *SCORED},
        Color: {"name", "rgb", "shade", *SCORED},
        KnownImage: {"digest", "etag", "last_modified", "checked_at"},
    }
    assert {kind: {field.name for field in attrs.fields(kind)} for kind in filled} == filled


def test_scores_of_other_kinds_become_plain_numbers() -> None:
    """Numbers of NumPy come back as the same numbers, whole ones whole; NaN too."""
    seen = Classification(
        "acme",
        labels=[Label("boat", raw_score=np.float32(0.9)), Label("sea", raw_score=math.nan)],  # type: ignore[arg-type]
        colors=[Color("red", rgb=(np.uint8(200), 1, 2))],  # type: ignore[arg-type]
    )
    back = read_stored(stored_text(seen))
    assert isinstance(back, Classification)
    assert back.labels[0] == seen.labels[0]
    assert math.isnan(back.labels[1].raw_score or 0)
    assert repr(back.colors[0].rgb) == "(200, 1, 2)"


def test_what_is_no_observation_is_refused() -> None:
    """An adapter that put something odd into an answer is told so, before anything is written."""
    with pytest.raises(TypeError):
        stored_text(Classification("acme", labels=[Label("boat", raw_score=object())]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "{}", "7", "[[],{}]", "[" * 100_000),
        *('["Classification",{}]', '["Enricher",{}]', '["Classification",7]', '["KnownImage",{"digest":"x"}]'),
        '["Classification",{"classifier":"c","labels":[{"name":7}]}]',
        '["Classification",{"classifier":"c","colors":[{"name":"red","confidence":87}]}]',
    ],
)
def test_another_text_is_refused(text: str) -> None:
    """A text that no value was written to raises `ValueError`, whatever it is."""
    with pytest.raises(ValueError, match="something else"):
        read_stored(text)


def test_a_failure_keeps_why_and_no_secret() -> None:
    """Law 13: a failure comes back without its picture, and URLs in its reason without what may be secret in them."""
    url = "https://joe:pass@img.example:8443/kayak.jpg?X-Amz-Signature=abc#token=1"
    failure = Failure("permanent", f"the service could not fetch {url} at all: 404", image=url, classifier="acme")
    text = stored_text(failure)
    assert not any(secret in text for secret in ("joe", "pass", "abc", "token"))
    assert read_stored(text) == Failure(
        "permanent",
        "the service could not fetch https://img.example:8443/kayak.jpg at all: 404",
        classifier="acme",
    )
