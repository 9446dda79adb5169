"""The JSON names are those of Google's own client."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from vision import ANSWER, png

from coveo_enrich.classifiers.google.answers import read_picture
from coveo_enrich.classifiers.google.requests import FEATURES, Question, by_bytes, by_url

vision: Any = pytest.importorskip("google.cloud.vision_v1", reason="needs google-cloud-vision, Google's own client")

# Its protobuf gives a deprecation of its own when it is used.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_a_request_is_one_of_the_official_clients() -> None:
    """Every name of a request is known to Google's types, and means there what it is meant to mean."""
    body = Question(tuple(FEATURES), 7, "builtin/latest").body([by_bytes(png()), by_url("https://example.com/a.jpg")])
    parsed = vision.BatchAnnotateImagesRequest.from_json(body.decode(), ignore_unknown_fields=False)
    first, second = parsed.requests
    assert first.image.content == png()
    assert second.image.source.image_uri == "https://example.com/a.jpg"
    assert [feature.type_.name for feature in first.features] == list(FEATURES.values())
    assert (first.features[0].max_results, first.features[0].model) == (7, "builtin/latest")


def test_an_answer_of_the_official_client_is_read_as_the_documented_one() -> None:
    """The documented answer holds only names that Google's types know, and reads the same when they have written it."""
    parsed = vision.AnnotateImageResponse.from_json(json.dumps(ANSWER), ignore_unknown_fields=False)
    written = vision.AnnotateImageResponse.to_json(parsed, always_print_fields_with_no_presence=False)
    ours = read_picture(ANSWER, image="a", model=None)
    theirs = read_picture(_rounded(json.loads(written)), image="a", model=None)
    assert theirs == ours


def test_an_error_of_the_official_client_is_read() -> None:
    """An error that Google's types write is the failure that the documented one is."""
    error = {"error": {"code": 14, "message": "no access"}}
    parsed = vision.AnnotateImageResponse.from_json(json.dumps(error), ignore_unknown_fields=False)
    written = json.loads(vision.AnnotateImageResponse.to_json(parsed, always_print_fields_with_no_presence=False))
    assert read_picture(written, image="a", model=None) == read_picture(error, image="a", model=None)


def _rounded(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The same JSON with its 32-bit floats as they were written."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, list):
        return [_rounded(one) for one in cast("list[Any]", value)]  # type: ignore[redundant-cast]
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in cast("dict[str, Any]", value).items()}
    return value
