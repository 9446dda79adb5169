"""Each preset, against answers of the shape that its service documents."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image
from pytest_httpx import HTTPXMock

from coveo_enrich.classifiers import check_classifier
from coveo_enrich.classifiers.declared import Declared
from coveo_enrich.classifiers.http import (
    BasicAuth,
    HeaderAuth,
    HttpClassifier,
    HttpService,
    chat,
    clarifai,
    hugging_face,
    imagga_colors,
    imagga_tags,
    ximilar,
)
from coveo_enrich.classifiers.values import Attribute, Classification, Color, Failure, Label
from coveo_enrich.errors import ConfigurationError, ServiceUnavailable, Throttled
from coveo_enrich.images import ProductImage

IMAGE = ProductImage.from_bytes(b"\xff\xd8\xff", url="https://shop.example.com/1.jpg")


def explained(service: HttpService, sample: object) -> list[Classification | Failure]:
    """What each picture of a sample gets."""
    return list(HttpClassifier("acme", service).explain(sample).outcomes)


def classification(service: HttpService, sample: object) -> Classification:
    """What the one picture of a sample gets."""
    (outcome,) = explained(service, sample)
    assert isinstance(outcome, Classification), outcome
    return outcome


def reason(service: HttpService, sample: object) -> str:
    """Why the one picture of a sample gets nothing."""
    (outcome,) = explained(service, sample)
    assert isinstance(outcome, Failure), outcome
    return outcome.reason


XIMILAR_OBJECT = {
    "name": "Dress",
    "Top Category": [{"id": "y", "name": "Clothing", "prob": 0.99}],
    "prob": 0.95,
    "bound_box": [1, 2, 30, 40],
    "_tags": {"Color": [{"name": "red", "prob": 0.8, "id": "x"}], "Fit": [{"name": "slim", "prob": 0.6}]},
}


def test_ximilar_objects_and_records_are_read_and_one_failed_record_stays_alone() -> None:
    """Tags come as attributes named by their category, colours as colours too; a record's own status counts."""
    sample: dict[str, object] = {
        "records": [
            {"_status": {"code": 200, "text": "OK"}, "_objects": [XIMILAR_OBJECT]},
            {"_status": {"code": 200}, "_tags": {"Style": [{"name": "casual", "prob": 0.7}]}},
            {"_status": {"code": 400, "text": "cannot download"}},
            {"_status": {"code": 200}, "_objects": []},
        ],
        "status": {"code": 200, "text": "OK"},
    }
    first, second, third, fourth = explained(ximilar(), sample)
    assert first == Classification(
        "acme",
        labels=[Label("Dress", 0.95)],
        attributes=[
            Attribute("Top Category", "Clothing", 0.99),
            Attribute("Color", "red", 0.8),
            Attribute("Fit", "slim", 0.6),
        ],
        colors=[Color("red", 0.8)],
    )
    assert second == Classification("acme", attributes=[Attribute("Style", "casual", 0.7)])
    assert third == Failure("permanent", "acme: 400: cannot download", classifier="acme")
    assert fourth == Classification("acme")


def test_ximilar_tags_in_a_list_are_labels() -> None:
    """What is documented as an object by category may be a plain list for generic tags: both are read."""
    tags = {"records": [{"_status": {"code": 200}, "_tags": [{"name": "boat", "prob": 0.7}]}], "status": {"code": 200}}
    assert classification(ximilar("photo/tags/v2/tags"), tags) == Classification("acme", labels=[Label("boat", 0.7)])


@pytest.mark.parametrize(
    ("code", "kind"),
    [(400, "permanent"), (403, "permanent"), (404, "permanent"), (429, "throttled"), (500, "transient")],
)
def test_what_one_record_says_is_about_one_picture(code: int, kind: str) -> None:
    """A picture that its own host forbids or lacks gives up no classifier."""
    sample = {"records": [{"_status": {"code": code, "text": "no"}}], "status": {"code": 200}}
    (outcome,) = explained(ximilar(), sample)
    assert isinstance(outcome, Failure)
    assert outcome.kind == kind


@pytest.mark.parametrize("service", [ximilar(send="bytes"), clarifai(send="bytes")], ids=["ximilar", "clarifai"])
def test_a_batch_of_bytes_fits_into_memory(service: HttpService) -> None:
    """Law 11: however large the pictures are, a request holds less than 50 MB."""
    declared = Declared.of(HttpClassifier("acme", service))
    assert declared.accepts is not None
    assert declared.max_batch * declared.accepts.max_bytes * 4 / 3 < 50_000_000


@pytest.mark.parametrize(("code", "kind"), [(401, "configuration"), (429, "throttled"), (500, "transient")])
def test_ximilar_tells_of_failures_inside_200(code: int, kind: str) -> None:
    """The status of the whole answer decides for every picture."""
    (outcome,) = explained(ximilar(), {"status": {"code": code, "text": "no"}})
    assert isinstance(outcome, Failure)
    assert outcome.kind == kind


def test_clarifai_concepts_and_colours_are_read(httpx_mock: HTTPXMock) -> None:
    """Concepts are labels, colours have their CSS name, and the model's version is kept; the key has its prefix."""
    output = {
        "status": {"code": 10000},
        "model": {"id": "general", "model_version": {"id": "aa7f"}},
        "data": {
            "concepts": [{"id": "c", "name": "kayak", "value": 0.98}],
            "colors": [{"raw_hex": "#fad71e", "w3c": {"hex": "#ffd700", "name": "Gold"}, "value": 0.4}],
        },
    }
    httpx_mock.add_response(json={"status": {"code": 10000}, "outputs": [output]})
    answer = HttpClassifier("acme", clarifai(), auth=HeaderAuth("pat", prefix="Key")).classify(IMAGE)
    assert answer.labels == (Label("kayak", 0.98),)
    assert answer.colors == (Color("Gold", 0.4, rgb=(250, 215, 30)),)
    assert answer.model_version == "aa7f"
    (request,) = httpx_mock.get_requests()
    assert request.headers["authorization"] == "Key pat"
    assert json.loads(request.content) == {
        "user_app_id": {"user_id": "clarifai", "app_id": "main"},
        "inputs": [{"data": {"image": {"url": IMAGE.url}}}],
    }


def test_clarifai_leaves_out_what_is_empty() -> None:
    """Data that holds nothing is an answer in which nothing was seen; data of another shape is not."""
    ok = {"code": 10000}
    nothing = {"status": ok, "outputs": [{"status": ok, "data": {}}]}
    assert classification(clarifai(), nothing) == Classification("acme")
    other: object = {"status": ok, "outputs": [{"status": ok, "data": {"text": {"raw": "kayak"}}}]}
    assert "unmatched response" in reason(clarifai(), other)
    assert "unmatched response" in reason(clarifai(), {"status": ok, "outputs": [{"status": ok}]})


def test_clarifai_asks_for_a_pause_by_a_code_of_its_own(httpx_mock: HTTPXMock) -> None:
    """Code 11005 means throttled, whatever the HTTP status; it is asked again after 15 seconds."""
    for status in (200, 400):
        httpx_mock.add_response(status_code=status, json={"status": {"code": 11005, "description": "throttled"}})
        with pytest.raises(Throttled, match="throttled") as caught:
            HttpClassifier("acme", clarifai()).classify(IMAGE)
        assert caught.value.retry_after == 15


def test_clarifai_mixed_success_is_read_input_by_input() -> None:
    """With code 10010 some outputs are good and some tell of their own failure."""
    good = {"status": {"code": 10000}, "data": {"concepts": [{"name": "kayak", "value": 0.9}]}}
    bad = {"status": {"code": 30002, "description": "Download failed"}}
    first, second = explained(clarifai(), {"status": {"code": 10010}, "outputs": [good, bad]})
    assert isinstance(first, Classification)
    assert second == Failure("permanent", "acme: 30002: Download failed", classifier="acme")


def test_imagga_is_asked_by_a_query_and_scores_of_100(httpx_mock: HTTPXMock) -> None:
    """Tags have English names and scores out of 100, asked for by GET and HTTP Basic."""
    sample = {"result": {"tags": [{"confidence": 61.4, "tag": {"en": "kayak"}}]}, "status": {"type": "success"}}
    httpx_mock.add_response(json=sample)
    answer = HttpClassifier("acme", imagga_tags(), auth=BasicAuth("key", "secret")).classify(IMAGE)
    assert answer.labels == (Label("kayak", 0.614, raw_score=61.4, scale=100),)
    (request,) = httpx_mock.get_requests()
    assert (request.method, dict(request.url.params)) == ("GET", {"image_url": IMAGE.url})
    assert request.content == b""


def test_imagga_colours_have_name_and_shade_and_an_error_is_told_inside_200() -> None:
    """The parent is the name and the closest colour the shade; numbers may be texts; without a front, the image."""
    color = {
        "closest_palette_color": "mustard",
        "closest_palette_color_parent": "yellow",
        "percent": "40",
        "r": "250",
        "g": "215",
        "b": 30,
        "html_code": "#fad71e",
    }
    colors = {"foreground_colors": [], "image_colors": [color]}
    sample = {"result": {"colors": colors}, "status": {"text": "", "type": "success"}}
    expected = Color("yellow", 0.4, rgb=(250, 215, 30), shade="mustard", raw_score=40, scale=100)
    assert classification(imagga_colors(), sample).colors == (expected,)
    failed = {"status": {"text": "Unreachable image", "type": "error"}}
    assert reason(imagga_tags(), failed) == "acme: error: Unreachable image"


def test_hugging_face_answers_a_list_and_says_how_long_a_model_loads(httpx_mock: HTTPXMock) -> None:
    """The list at the top is read; a cold start is transient with the wait that the answer names."""
    sample = [{"label": "canoe", "score": 0.2}, {"label": "paddle", "score": 0.7}]
    assert classification(hugging_face("a/b"), sample).labels == (Label("paddle", 0.7), Label("canoe", 0.2))
    httpx_mock.add_response(status_code=503, json={"error": "Model a/b is loading", "estimated_time": 20.5})
    service = hugging_face("a/b")
    by_text = HttpService(service.url, content="{image_url}", parse=service.parse, errors=service.errors)
    with pytest.raises(ServiceUnavailable, match="loading") as caught:
        HttpClassifier("acme", by_text).classify(IMAGE)
    assert caught.value.retry_after == 20.5


CHAT = chat("https://llm.example.com/v1/", "eye-1", {"color": ["red", "blue"], "material": None}, send="url")


def said(content: Any, *, finish: str = "stop", **message: object) -> dict[str, object]:  # noqa: ANN401 - JSON
    """An answer of a chat."""
    choice = {"message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
    return {"model": "eye-1-2026", "choices": [choice]}


@pytest.mark.parametrize(
    "content",
    [
        '{"color": ["red"], "material": []}',
        '```json\n{"color": ["red"], "material": [""]}\n```',
        'Here it is:\n```\n{"color": "red", "material": null}\n```\nDone.',
        [{"type": "text", "text": '{"color": ["red"], "material": []}'}],
        '```json\n{"color": ["red"]}',
    ],
)
def test_a_chat_is_read_however_it_wraps_its_json_and_never_scored(content: object) -> None:
    """Plain, fenced and in parts: the same attributes with confidence None (law 10), what was not seen left out."""
    answer = classification(CHAT, said(content))
    assert answer.attributes == (Attribute("color", "red", None),)
    assert answer.model_version == "eye-1-2026"


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (said(None, refusal="I cannot help with that"), "the model refused: I cannot help"),
        (said('{"color": ["r', finish="length"), "cut off"),
        (said(None, finish="content_filter"), "content filter"),
        (said('{"color": ["r'), "did not answer with JSON"),
        (said("A red kayak."), "did not answer with JSON"),
        (said("[1]"), "JSON object"),
        (said(""), "no text"),
        (said('{"size": ["L"]}'), "unmatched response"),
        (said('{"color": [{"name": "red"}]}'), "no words for color"),
        (said('{"color": NaN}'), "did not answer with JSON"),
        (said("[" * 100_000), "did not answer with JSON"),
        (said(5), "no text"),
        ({"choices": [{"message": {"content": "{}"}, "finish_reason": ["stop"]}]}, "unmatched response"),
        ({"error": {"message": "overloaded"}}, "overloaded"),
        ({"choices": []}, "unmatched response"),
        ({"choices": [{"message": None}]}, "unmatched response"),
        ({"error": {"code": "other", "message": "broken"}}, "other: broken"),
    ],
)
def test_a_chat_that_gives_no_data_is_a_failure_with_its_reason(sample: object, words: str) -> None:
    """Refused, truncated, prose or another shape: a reason, and no made-up values."""
    assert words in reason(CHAT, sample)


def test_nothing_that_a_chat_writes_disappears() -> None:
    """Law 9: an attribute that nobody asked for, a number and a truth are kept as they were written."""
    content = '{"color": ["```red```", 5], "waterproof": true, "size": {"length": 3}}'
    assert classification(CHAT, said(content)).attributes == (
        Attribute("color", "```red```"),
        Attribute("color", "5"),
        Attribute("waterproof", "true"),
        Attribute("size", '{"length": 3}'),
    )


def test_a_chat_that_saw_nothing_is_an_answer() -> None:
    """Empty lists for all that it was asked for: nothing is made up, and nothing failed."""
    assert classification(CHAT, said('{"color": [], "material": []}')).attributes == ()


def test_a_status_inside_the_error_of_a_chat_decides() -> None:
    """Servers that pass requests on answer 200 with the status in the error."""
    (outcome,) = explained(CHAT, {"error": {"code": 429, "message": "slow down"}})
    assert outcome == Failure("throttled", "acme: 429: slow down", classifier="acme")


@pytest.mark.parametrize("attributes", [{}, {"color": "red"}, {"color": []}, {"color": ()}])
def test_a_chat_is_asked_for_lists_of_values(attributes: dict[str, Any]) -> None:
    """A text would be taken for a list of letters, and no value leaves nothing to answer: refused when written."""
    with pytest.raises(ConfigurationError):
        chat("https://llm.example.com/v1", "eye-1", attributes)


@pytest.mark.parametrize(
    ("service", "answer"),
    [
        (ximilar(send="bytes"), {"records": [{"_objects": [XIMILAR_OBJECT]}] * 2}),
        (clarifai(send="bytes"), {"outputs": [{"data": {"concepts": [{"name": "kayak", "value": 0.9}]}}] * 2}),
        (hugging_face("a/b"), [{"label": "canoe", "score": 0.2}]),
        (chat("https://llm.example.com/v1", "eye-1", {"color": None}), said('{"color": ["red"]}')),
        (imagga_tags(), {"result": {"tags": [{"confidence": 60, "tag": {"en": "kayak"}}]}}),
    ],
    ids=["ximilar", "clarifai", "hugging face", "chat", "imagga"],
)
def test_a_checker_finds_nothing_wrong(httpx_mock: HTTPXMock, service: HttpService, answer: Any) -> None:  # noqa: ANN401
    """Each preset keeps to the protocol, and travels to other processes with a key that is had there."""

    def answered(request: Any) -> httpx.Response:  # noqa: ANN401 - a request of httpx
        if service.batch is None:
            return httpx.Response(200, json=answer)
        pictures = json.loads(request.content)[service.batch.items]
        return httpx.Response(200, json={service.batch.answers: answer[service.batch.answers][: len(pictures)]})

    httpx_mock.add_callback(answered, is_reusable=True)
    out = BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, "JPEG")
    picture = ProductImage.from_bytes(out.getvalue(), url="https://shop.example.com/1.jpg")
    found = check_classifier(HttpClassifier("acme", service, auth=HeaderAuth(token)), picture)
    assert found.ok, found


def token() -> str:
    """A key that pickles, by its name."""
    return "sk-12345678"


def test_a_chat_is_asked_by_a_strict_schema(httpx_mock: HTTPXMock) -> None:
    """Every attribute is asked for with its values; a quota that is used up is a matter of configuration."""
    httpx_mock.add_response(status_code=429, json={"error": {"code": "insufficient_quota", "message": "pay"}})
    with pytest.raises(ConfigurationError, match="pay"):
        HttpClassifier("acme", CHAT, auth=HeaderAuth("sk-1234")).classify(IMAGE)
    (request,) = httpx_mock.get_requests()
    assert str(request.url) == "https://llm.example.com/v1/chat/completions"
    body = json.loads(request.content)
    assert body["messages"][1]["content"] == [{"type": "image_url", "image_url": {"url": IMAGE.url}}]
    schema = body["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert schema["schema"] == {
        "type": "object",
        "properties": {
            "color": {"type": "array", "items": {"type": "string", "enum": ["red", "blue"]}},
            "material": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["color", "material"],
        "additionalProperties": False,
    }
