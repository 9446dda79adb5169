"""What Google Vision's answers mean."""

from __future__ import annotations

import copy
import json
from threading import Semaphore
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpx import HTTPXMock
from vision import ANSWER, KEY, classifier, picture

from coveo_enrich.classifiers import Attribute, Box, Classification, Failure, FailureKind, Label
from coveo_enrich.classifiers.asking import Asker
from coveo_enrich.classifiers.google.answers import is_out_of_reach, read_picture
from coveo_enrich.errors import ConfigurationError, CoveoEnrichError, ImageRejected, ServiceUnavailable, Throttled

KINDS: dict[int, FailureKind] = {
    3: "permanent",
    4: "transient",
    5: "permanent",
    7: "permanent",
    8: "throttled",
    13: "transient",
    14: "transient",
    16: "configuration",
    99: "permanent",
}

INVALID_KEY = {
    "error": {
        "code": 400,
        "message": "API key not valid. Please pass a valid API key.",
        "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
    }
}
REFUSALS: dict[str, tuple[int, object, type[CoveoEnrichError]]] = {
    "a wrong key": (400, INVALID_KEY, ConfigurationError),
    "a wrong key by its words": (400, {"error": {"message": "API key not valid."}}, ConfigurationError),
    "no sign-in": (401, {"error": {"status": "UNAUTHENTICATED"}}, ConfigurationError),
    "the API is off": (403, {"error": {"details": [{"reason": "SERVICE_DISABLED"}]}}, ConfigurationError),
    "no billing": (403, {"error": {"message": "This API method requires billing"}}, ConfigurationError),
    "a wrong address": (404, "<html>", ConfigurationError),
    "a request that is wrong": (400, {"error": {"status": "INVALID_ARGUMENT", "message": "bad"}}, ImageRejected),
    "a refusal of another shape": (400, {"error": ["bad"]}, ImageRejected),
    "too large": (413, "", ImageRejected),
    "a quota": (429, {"error": {"status": "RESOURCE_EXHAUSTED"}}, Throttled),
    "a quota by its words": (403, {"error": {"status": "RESOURCE_EXHAUSTED"}}, Throttled),
    "no reason": (429, "", Throttled),
    "internal": (500, {"error": {"status": "INTERNAL"}}, ServiceUnavailable),
    "a gateway": (502, "<html>", ServiceUnavailable),
    "away": (503, {"error": {"status": "UNAVAILABLE"}}, ServiceUnavailable),
    "late": (504, "", ServiceUnavailable),
}

LIES: dict[str, object] = {
    "no JSON": "<html>",
    "a list": [],
    "nothing": {},
    "an error in a success": {"error": {"code": 400}},
    "responses that are no list": {"responses": {}},
    "too few": {"responses": []},
    "too many": {"responses": [{}, {}]},
}

ODD: list[object] = [
    None,
    "text",
    {"error": "broken"},
    {"error": {"code": "14"}},
    {"error": {"code": [14]}},
    {"labelAnnotations": {}},
    {"labelAnnotations": [None]},
    {"labelAnnotations": [{"description": 3}]},
    {"labelAnnotations": [{"description": "Boat", "score": "high"}]},
    {"labelAnnotations": [{"description": "Boat", "score": float("nan")}]},
    {"labelAnnotations": [{"description": "Boat", "score": 10**400}]},
    {"localizedObjectAnnotations": [{"name": "Boat", "boundingPoly": []}]},
    {"imagePropertiesAnnotation": {"dominantColors": {"colors": [{"color": {"red": "full"}}]}}},
]


def _read(answer: object) -> Classification | Failure:
    return read_picture(answer, image="kayak.jpg", model=None)


def _seen(answer: object) -> Classification:
    outcome = _read(answer)
    assert isinstance(outcome, Classification)
    return outcome


def test_labels_and_objects_come_surest_first() -> None:
    """Labels and found objects are one list by their score; an object has its box, a corner at 0 is left out of it."""
    assert _seen(ANSWER).labels == (
        Label("Kayak", 0.97, raw_score=0.97, scale=1),
        Label("Canoe", 0.83, raw_score=0.83, scale=1, box=Box(0.0, 0.25, 0.5, 0.75)),
        Label("Boat", 0.8, raw_score=0.8, scale=1),
    )


def test_corners_at_the_edge_of_the_picture_come_without_their_zeros() -> None:
    """A coordinate that is 0 is left out, of a corner in the upper left both; a corner outside is at the edge."""
    corners: list[dict[str, float]] = [{}, {"x": 1.25}, {"x": 1.25, "y": 0.5}, {"y": 0.5}]
    found = {"localizedObjectAnnotations": [{"name": "Boat", "boundingPoly": {"normalizedVertices": corners}}]}
    assert _seen(found).labels == (Label("Boat", box=Box(0.0, 0.0, 1.0, 0.5)),)


def test_logos_and_the_whole_text_are_attributes() -> None:
    """The text is the first entry, not scored; the words after it are left out; a box in pixels is none."""
    logo = Attribute("logo", "Acme", 0.75, raw_score=0.75, scale=1)
    assert _seen(ANSWER).attributes == (logo, Attribute("text", "whole text"))


def test_colors_are_named_and_their_confidence_is_their_share() -> None:
    """Channels are 0 to 255, a missing one is 0; the most present comes first, and Google's score is kept as raw."""
    colors = _seen(ANSWER).colors
    assert [(one.name, one.confidence, one.rgb, one.raw_score, one.scale) for one in colors] == [
        ("yellow", 0.5, (250, 210, 0), 0.25, 1.0),
        ("brown", 0.125, (69, 42, 27), 0.5, 1.0),
    ]
    assert all(one.shade for one in colors)


def test_black_is_the_color_without_channels() -> None:
    """A colour whose channels are all 0 comes without any."""
    found: dict[str, Any] = {
        "imagePropertiesAnnotation": {"dominantColors": {"colors": [{"color": {}, "pixelFraction": 0.5}, {}]}}
    }
    assert [(one.name, one.rgb) for one in _seen(found).colors] == [("black", (0, 0, 0))]


def test_nothing_seen_is_an_answer() -> None:
    """An empty response is an empty classification."""
    assert _read({}) == Classification("google-vision")


def test_what_is_not_scored_has_no_confidence() -> None:
    """Law 10: without a score, or with one that is no share, the confidence is None; the score itself is kept."""
    found = {"labelAnnotations": [{"description": "Boat"}, {"description": "Kayak", "score": 1.5}, {"score": 0.5}]}
    assert _seen(found).labels == (Label("Boat"), Label("Kayak", raw_score=1.5, scale=1))


def test_web_detection_is_never_read() -> None:
    """Scores of web entities are not comparable, so what comes of them unasked is left out."""
    assert _read({"webDetection": {"webEntities": [{"description": "Kayak", "score": 12.0}]}}) == _read({})


@pytest.mark.parametrize(("code", "kind"), KINDS.items())
def test_an_error_inside_a_success_is_the_pictures_own(code: int, kind: FailureKind) -> None:
    """A per-image error inside HTTP 200 is a failure of that picture, its kind by its code."""
    reason = f"Google Vision: no luck (code {code})"
    expected = Failure(kind, reason, image="kayak.jpg", classifier="google-vision")
    assert _read({"error": {"code": code, "message": "no luck"}}) == expected


def test_annotations_beside_a_permanent_error_are_kept() -> None:
    """They are right, and there will never be more."""
    assert _read(ANSWER | {"error": {"code": 3, "message": "Bad image data."}}) == _read(ANSWER)


def test_annotations_beside_a_passing_error_are_asked_for_again() -> None:
    """A half answer does not become the stored one when a whole one can be had."""
    outcome = _read(ANSWER | {"error": {"code": 13, "message": "internal"}})
    assert isinstance(outcome, Failure)
    assert outcome.kind == "transient"


@pytest.mark.parametrize("answer", [{"error": {}}, {"error": {"code": 0}}])
def test_an_error_that_says_ok_is_none(answer: object) -> None:
    """Code 0 is OK, and proto3 leaves it out."""
    assert _read(answer) == Classification("google-vision")


@pytest.mark.parametrize("answer", ODD, ids=repr)
def test_a_response_of_another_shape_is_a_failure(answer: object) -> None:
    """What Google does not document is a transient failure that says so, never a crash."""
    outcome = _read(answer)
    assert isinstance(outcome, Failure)
    assert outcome.kind == "transient"
    assert "does not document" in outcome.reason
    assert not is_out_of_reach(answer)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from([*ANSWER, "error", "code", "colors", "color", "dominantColors", "red", "score"]), inner
            )
        ),
        max_leaves=8,
    )
)
def test_no_json_makes_it_crash(answer: object) -> None:
    """Whatever JSON comes, it is a classification or a failure."""
    assert isinstance(_read(answer), Classification | Failure)
    assert is_out_of_reach(answer) in (True, False)


@pytest.mark.parametrize(("status", "body", "error"), REFUSALS.values(), ids=REFUSALS)
def test_a_refused_call_says_what_to_mend(
    httpx_mock: HTTPXMock, status: int, body: object, error: type[CoveoEnrichError]
) -> None:
    """Statuses and Google's own names for them become the errors of the library; each call is made once."""
    text = body if isinstance(body, str) else json.dumps(body)
    httpx_mock.add_response(status_code=status, text=text)
    with pytest.raises(error) as caught:
        classifier().classify_many([picture()])
    assert type(caught.value) is error
    assert len(httpx_mock.get_requests()) == 1


def test_a_pause_that_google_asks_for_is_told(httpx_mock: HTTPXMock) -> None:
    """Retry-After travels with the error."""
    httpx_mock.add_response(status_code=429, headers={"Retry-After": "30"}, json={"error": {"status": "x"}})
    with pytest.raises(Throttled) as caught:
        classifier().classify(picture())
    assert caught.value.retry_after == 30


def test_a_refusal_that_repeats_the_key_is_told_without_it(httpx_mock: HTTPXMock) -> None:
    """Law 13: no message has the key."""
    httpx_mock.add_response(status_code=400, json={"error": {"message": f"API key {KEY} not valid"}})
    with pytest.raises(ConfigurationError, match="API key … not valid") as caught:
        classifier().classify(picture())
    assert KEY not in repr(caught.value)


def test_a_success_that_repeats_the_key_is_told_without_it(httpx_mock: HTTPXMock) -> None:
    """Law 13: the reason of a picture's failure, which is reported, does not have the key."""
    denied = {"error": {"code": 7, "message": f"the key {KEY} may not"}}
    httpx_mock.add_response(json={"responses": [denied]})
    (failed,) = classifier().classify_many([picture()])
    assert isinstance(failed, Failure)
    assert failed.reason == "Google Vision: the key … may not (code 7)"


def test_what_is_denied_for_one_picture_leaves_the_others(httpx_mock: HTTPXMock) -> None:
    """Law 12: PERMISSION_DENIED inside a success is that picture's own, and the classifier goes on to be asked."""
    denied = {"error": {"code": 7, "message": "We're not allowed to access the URL on your behalf."}}
    httpx_mock.add_response(json={"responses": [denied]})
    httpx_mock.add_response(json={"responses": [{}]})
    asker = Asker(classifier(), calls_at_once=1, reading=Semaphore(), take=int)
    first, second = asker.ask(picture("1.png")), asker.ask(picture("2.png"))
    asker.stop()
    assert isinstance(first, Failure)
    assert first.kind == "permanent"
    assert second == Classification("google-vision")


@pytest.mark.parametrize("body", LIES.values(), ids=LIES)
def test_a_success_that_answers_nothing_may_do_so_later(httpx_mock: HTTPXMock, body: object) -> None:
    """A page of a proxy, and more or fewer responses than pictures, are no answer."""
    httpx_mock.add_response(text=body if isinstance(body, str) else json.dumps(body))
    with pytest.raises(ServiceUnavailable):
        classifier().classify_many([picture()])


def test_each_answer_goes_to_its_picture(httpx_mock: HTTPXMock) -> None:
    """Responses answer by position, and one picture's error leaves the others alone."""
    answers: list[dict[str, Any]] = [copy.deepcopy(ANSWER), {"error": {"code": 3, "message": "Bad image data."}}, {}]
    httpx_mock.add_response(json={"responses": answers})
    whole, failed, empty = classifier(model="builtin/latest").classify_many([picture(f"{at}.png") for at in range(3)])
    assert isinstance(whole, Classification)
    assert (whole.classifier, whole.model_version) == ("google-vision", "builtin/latest")
    assert isinstance(failed, Failure)
    assert (failed.image, failed.kind) == ("1.png", "permanent")
    assert isinstance(empty, Classification)


@pytest.mark.parametrize(
    ("code", "error"), [(3, ImageRejected), (8, Throttled), (14, ServiceUnavailable), (16, ConfigurationError)]
)
def test_classify_raises_what_became_of_its_picture(
    httpx_mock: HTTPXMock, code: int, error: type[CoveoEnrichError]
) -> None:
    """Asked about one picture, it raises what would be a failure in a batch."""
    httpx_mock.add_response(json={"responses": [{"error": {"code": code, "message": "no luck"}}]})
    with pytest.raises(error, match="no luck"):
        classifier().classify(picture())
