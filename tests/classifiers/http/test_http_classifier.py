"""What `HttpClassifier` sends, to the byte, and what it makes of every kind of answer."""

from __future__ import annotations

import base64
import builtins
import functools
import html
import json
import pickle
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, quote

import attrs
import httpx
import pytest
from PIL import Image
from pytest_httpx import HTTPXMock
from wires import everything_said

from coveo_enrich.classifiers import check_classifier
from coveo_enrich.classifiers.declared import Declared
from coveo_enrich.classifiers.http import (
    AnswerPaths,
    Auth,
    BasicAuth,
    Batch,
    BodyAuth,
    HeaderAuth,
    HttpClassifier,
    HttpService,
    QueryAuth,
    StatusInside,
)
from coveo_enrich.classifiers.values import Attribute, Classification, Failure, Label
from coveo_enrich.errors import ConfigurationError, ImageRejected, MissingExtraError, ServiceUnavailable, Throttled
from coveo_enrich.images import ProductImage

URL = "https://tagger.example.com/v1"
KEY = 'sk/"secret"-1234'


def labels(answer: Any) -> list[Label]:  # noqa: ANN401 - JSON
    """What a user writes: labels of an answer."""
    return [Label(tag["name"], tag["score"]) for tag in answer["tags"]]


def jpeg() -> bytes:
    """A small picture."""
    out = BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, "JPEG")
    return out.getvalue()


PICTURE = ProductImage.from_bytes(jpeg(), url="https://shop.example.com/a b?x=1&y=\"'{image_base64}")
BY_URL = HttpService(URL, json={"image": "{image_url}"}, parse=labels)
GOOD = {"tags": [{"name": "boat", "score": 0.2}, {"name": "kayak", "score": 0.9}]}


def sent(httpx_mock: HTTPXMock) -> Any:  # noqa: ANN401 - a request of httpx
    """The one request that was sent."""
    return httpx_mock.get_requests()[-1]


def failing(classifier: HttpClassifier, image: ProductImage = PICTURE) -> Exception:
    """The error that a picture ends in."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - looked at by the test
        classifier.classify(image)
    return caught.value


def test_the_simple_case_asks_with_the_url_and_reads_by_a_function(httpx_mock: HTTPXMock) -> None:
    """A template with {image_url} and a function are enough, the surest label comes first, and no bytes are fetched."""
    httpx_mock.add_response(json=GOOD)
    image = ProductImage("https://shop.example.com/1.webp", load=lambda: pytest.fail("no bytes are needed"))
    answer = HttpClassifier("acme", BY_URL).classify(image)
    assert answer == Classification("acme", labels=[Label("kayak", 0.9), Label("boat", 0.2)])
    assert json.loads(sent(httpx_mock).content) == {"image": "https://shop.example.com/1.webp"}
    assert sent(httpx_mock).method == "POST"
    assert sent(httpx_mock).headers["content-type"] == "application/json"


def test_what_a_url_holds_cannot_get_out_of_its_place(httpx_mock: HTTPXMock) -> None:
    """Quotes, blanks, ampersands and placeholders in a picture's URL stay data in body, path and query."""
    httpx_mock.add_response(json=GOOD)
    service = HttpService(
        f"{URL}/of/{{image_url}}", query={"u": "{image_url}"}, json={"a": ["x {image_url}", 1]}, parse=labels
    )
    HttpClassifier("acme", service).classify(PICTURE)
    request = sent(httpx_mock)
    assert json.loads(request.content) == {"a": [f"x {PICTURE.url}", 1]}
    assert dict(request.url.params) == {"u": PICTURE.url}
    assert request.url.raw_path.startswith(b"/v1/of/https%3A%2F%2Fshop.example.com%2Fa%20b%3Fx%3D1%26y")


def test_bytes_are_sent_in_each_form_that_services_take(httpx_mock: HTTPXMock) -> None:
    """Base64, data URL and MIME type in JSON; raw, as text, and as a file of a form: all hold the picture's bytes."""
    httpx_mock.add_response(json=GOOD, is_reusable=True)
    encoded = base64.b64encode(jpeg()).decode()
    body = {"b": "{image_base64}", "d": "{image_data_url}", "m": "{image_mime}"}
    HttpClassifier("acme", HttpService(URL, json=body, parse=labels)).classify(PICTURE)
    expected = {"b": encoded, "d": f"data:image/jpeg;base64,{encoded}", "m": "image/jpeg"}
    assert json.loads(sent(httpx_mock).content) == expected
    HttpClassifier("acme", HttpService(URL, content="{image_bytes}", parse=labels)).classify(PICTURE)
    assert (sent(httpx_mock).content, sent(httpx_mock).headers["content-type"]) == (jpeg(), "image/jpeg")
    HttpClassifier("acme", HttpService(URL, content="{image_base64}", parse=labels)).classify(PICTURE)
    assert sent(httpx_mock).content == encoded.encode()
    HttpClassifier("acme", HttpService(URL, form={"file": "{image_bytes}", "n": "5"}, parse=labels)).classify(PICTURE)
    assert sent(httpx_mock).headers["content-type"].startswith("multipart/form-data; boundary=")
    assert (
        b'name="file"; filename="image.jpeg"\r\nContent-Type: image/jpeg\r\n\r\n' + jpeg() in sent(httpx_mock).content
    )


@pytest.mark.parametrize(
    ("auth", "headers", "query", "body"),
    [
        (HeaderAuth(KEY), {"authorization": f"Bearer {KEY}"}, {}, {}),
        (HeaderAuth(KEY, header="X-Key", prefix=""), {"x-key": KEY}, {}, {}),
        (QueryAuth(KEY), {}, {"api_key": KEY}, {}),
        (
            BasicAuth("user", KEY),
            {"authorization": f"Basic {base64.b64encode(f'user:{KEY}'.encode()).decode()}"},
            {},
            {},
        ),
        (BodyAuth(KEY, field="token"), {}, {}, {"token": KEY}),
    ],
)
def test_each_way_to_show_a_key(
    httpx_mock: HTTPXMock, auth: Auth, headers: dict[str, str], query: dict[str, str], body: dict[str, str]
) -> None:
    """The key stands where the service wants it; not in a repr, fingerprint, error or pickle (law 13)."""
    httpx_mock.add_response(json=GOOD)
    classifier = HttpClassifier("acme", BY_URL, auth=auth)
    classifier.classify(PICTURE)
    request = sent(httpx_mock)
    assert {name: request.headers[name] for name in headers} == headers
    assert dict(request.url.params) == query
    assert json.loads(request.content) == {"image": PICTURE.url, **body}
    httpx_mock.add_response(status_code=500, text=f"bad {KEY} and {json.dumps(KEY)} at {request.url}")
    error = failing(classifier)
    everything = f"{classifier!r} {classifier.fingerprint} {error!r} {error.__cause__!r} {error.__context__!r}"
    assert "secret" not in everything
    with pytest.raises(ConfigurationError, match="travel with the pickle"):
        pickle.dumps(classifier)


ODD_KEY = "sk/\"o&d\\d'-+1234="
SPELLINGS = {
    "plain": ODD_KEY,
    "in a URL": quote(ODD_KEY, safe=""),
    "in a URL, in small letters": quote(ODD_KEY, safe="").lower(),
    "in a URL in a URL": quote(quote(ODD_KEY, safe=""), safe=""),
    "in JSON": json.dumps(ODD_KEY),
    "in JSON in JSON": json.dumps(json.dumps(ODD_KEY)),
    "in JSON with all of it escaped": "".join(one if one.isalnum() else f"\\u{ord(one):04x}" for one in ODD_KEY),
    "in HTML": html.escape(ODD_KEY),
    "as Python": repr(ODD_KEY),
    "beyond what is shown": "x" * 190 + ODD_KEY,
}


@pytest.mark.parametrize("spelt", SPELLINGS.values(), ids=SPELLINGS.keys())
@pytest.mark.parametrize("status", [200, 400, 429, 503])
@pytest.mark.parametrize("shape", ["{}", '{{"code": 3, "text": "{}"}}', "text"])
def test_a_key_that_comes_back_in_any_spelling_goes_no_further(
    httpx_mock: HTTPXMock, spelt: str, status: int, shape: str
) -> None:
    """Law 13: in no error or what stands behind it, whether the service repeats it in text, in JSON or as JSON."""
    service = HttpService(URL, json="{image_url}", parse=labels, errors=StatusInside(code="code", message="text"))
    text = json.dumps({"code": 3, "text": f"bad key {spelt}"}) if shape == "text" else shape.format(spelt)
    httpx_mock.add_response(status_code=status, text=text)
    error = failing(HttpClassifier("acme", service, auth=QueryAuth(ODD_KEY)))
    everything = everything_said(error).replace("ODD_KEY", "")
    assert "1234" not in everything
    assert "sk/" not in everything
    assert "sk%2" not in everything


def test_a_key_in_a_good_answer_goes_no_further(httpx_mock: HTTPXMock) -> None:
    """Law 13: what a service repeats as a label, an attribute or its version is not kept."""
    service = HttpService(URL, json="{image_url}", parse=labels, model_version="model")
    httpx_mock.add_response(json={"tags": [{"name": f"for {ODD_KEY}", "score": 1}], "model": ODD_KEY})
    answer = HttpClassifier("acme", service, auth=HeaderAuth(ODD_KEY)).classify(PICTURE)
    assert answer == Classification("acme", labels=[Label("for …", 1)], model_version="…")


def test_short_and_wordlike_keys_are_hidden_where_they_stand_alone(httpx_mock: HTTPXMock) -> None:
    """A password of three letters stays out of messages, and words that hold it stay readable; labels stay words."""
    classifier = HttpClassifier("acme", BY_URL, auth=BasicAuth("kayakshop", "abc"))
    encoded = base64.b64encode(b"kayakshop:abc").decode()
    httpx_mock.add_response(status_code=400, text=f"user kayakshop, password=abc, {encoded}, see abcd.example.com")
    assert "(user …, password=…, …==, see abcd.example.com)" in str(failing(classifier))
    told = attrs.evolve(BY_URL, errors=StatusInside(code="code", message="text"))
    httpx_mock.add_response(json={"code": 3, "text": "no password abc for kayakshop"})
    assert str(failing(attrs.evolve(classifier, service=told))) == "acme: 3: no password … for …"
    httpx_mock.add_response(json={"tags": [{"name": "abc", "score": 0.5}, {"name": "kayakshop", "score": 0.4}]})
    assert [label.name for label in classifier.classify(PICTURE).labels] == ["abc", "kayakshop"]


def test_a_key_that_cannot_be_had_is_a_matter_of_configuration(httpx_mock: HTTPXMock) -> None:
    """Law 12: a callable that raises stops early, saying nothing of what it was about to return; nothing is sent."""

    def raises() -> str:
        raise RuntimeError(KEY)

    def passes() -> str:
        raise ServiceUnavailable("the token service is away")

    for auth in (HeaderAuth(raises), QueryAuth(raises), BodyAuth(raises), BasicAuth("a", raises)):
        error = failing(HttpClassifier("acme", BY_URL, auth=auth))
        assert type(error) is ConfigurationError
        assert "its callable raised RuntimeError" in str(error)
        assert "secret" not in repr(error.__context__)
    assert type(failing(HttpClassifier("acme", BY_URL, auth=HeaderAuth(passes)))) is ServiceUnavailable
    assert type(failing(HttpClassifier("acme", BY_URL, auth=HeaderAuth(lambda: "two words")))) is ConfigurationError
    assert httpx_mock.get_requests() == []


def test_a_key_for_a_body_needs_a_body_that_has_fields() -> None:
    """Law 12: a request that has no place for its key is not sent without it."""
    bodies: list[dict[str, Any]] = [
        {"json": ["{image_url}"]},
        {"content": "{image_url}"},
        {"query": {"u": "{image_url}"}},
    ]
    for body in bodies:
        service = HttpService(URL, parse=labels, **body)
        error = failing(HttpClassifier("acme", service, auth=BodyAuth("sk-12345678")))
        assert type(error) is ConfigurationError


def key_of_a_function() -> str:
    """A key that pickles, by its name."""
    return KEY


@pytest.mark.parametrize(
    "auth",
    [
        HeaderAuth(key_of_a_function),
        QueryAuth(key_of_a_function),
        BasicAuth(key_of_a_function, key_of_a_function),
        BodyAuth(key_of_a_function),
    ],
)
def test_a_classifier_with_a_callable_key_works_after_pickling(httpx_mock: HTTPXMock, auth: Auth) -> None:
    """Everything but connections travels to another process (law 14), and nothing else is needed there."""
    httpx_mock.add_response(json=GOOD, is_reusable=True)
    one = HttpClassifier("acme", BY_URL, auth=auth)
    one.classify(PICTURE)
    first = sent(httpx_mock)
    again: HttpClassifier = pickle.loads(pickle.dumps(one))  # noqa: S301 - made a line above
    assert again.classify(PICTURE).labels[0].name == "kayak"
    assert again.fingerprint == one.fingerprint
    second = sent(httpx_mock)
    assert (second.url, second.content, second.headers) == (first.url, first.content, first.headers)


def test_half_a_literal_key_refuses_to_travel() -> None:
    """Law 13: a password as text stays here, also beside a user name that could travel."""
    with pytest.raises(ConfigurationError, match="travel with the pickle"):
        pickle.dumps(BasicAuth(key_of_a_function, KEY))


def test_a_form_without_a_picture_is_what_a_browser_sends(httpx_mock: HTTPXMock) -> None:
    """Fields and key are URL-encoded, so that nothing in a URL ends its field."""
    httpx_mock.add_response(json=GOOD)
    service = HttpService(URL, form={"url": "{image_url}", "top": "5"}, parse=labels)
    HttpClassifier("acme", service, auth=BodyAuth(KEY)).classify(PICTURE)
    assert sent(httpx_mock).headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(sent(httpx_mock).content.decode()) == {"url": [PICTURE.url], "top": ["5"], "api_key": [KEY]}


BATCHED = HttpService(
    URL,
    json={"in": {"records": [{"u": "{image_url}"}]}, "top": 5},
    batch=Batch(items="in.records", answers="out", size=3, errors=StatusInside(code="s.code", ok=range(200, 300))),
    errors=StatusInside(
        code="code",
        ok={0},
        kinds={7: "throttled", 8: "configuration", 9: "transient"},
        message="text",
        retry_after="wait",
    ),
    parse=labels,
)


def images(count: int) -> list[ProductImage]:
    """Pictures by URL."""
    return [ProductImage.from_bytes(b"", url=f"https://shop.example.com/{n}") for n in range(count)]


def test_a_batch_is_answered_by_position_each_with_its_own_failure(httpx_mock: HTTPXMock) -> None:
    """One picture's failure stays its own; a picture that cannot be sent is left out and keeps its place."""
    httpx_mock.add_response(json={"code": 0, "out": [GOOD, {"s": {"code": "404"}}]})
    local = ProductImage.from_bytes(b"", url="file.jpg")
    first, second, third = HttpClassifier("acme", BATCHED).classify_many([local, *images(2)])
    assert json.loads(sent(httpx_mock).content)["in"]["records"] == [{"u": one.url} for one in images(2)]
    assert isinstance(first, Failure)
    assert "no web address" in first.reason
    assert isinstance(second, Classification)
    assert third == Failure("permanent", "acme: 404", image=images(2)[1].url, classifier="acme")


def test_a_batch_may_be_all_there_is(httpx_mock: HTTPXMock) -> None:
    """A body that is a list, and an answer that is one, need no path."""
    httpx_mock.add_response(json=[GOOD, {"tags": []}])
    batch = Batch(items="", answers="", size=2)
    service = HttpService(URL, json=[{"u": "{image_url}"}], batch=batch, parse=labels)
    first, second = HttpClassifier("acme", service).classify_many(images(2))
    assert json.loads(sent(httpx_mock).content) == [{"u": one.url} for one in images(2)]
    assert first == Classification("acme", labels=labels(GOOD)[::-1])
    assert second == Classification("acme")


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ({"code": 7, "text": "slow down", "wait": 4}, Throttled, "slow down"),
        ({"code": "8"}, ConfigurationError, "8"),
        ({"code": 9}, ServiceUnavailable, "9"),
        ({"code": 1}, ImageRejected, "1"),
        ({"code": [1]}, ImageRejected, "1"),
        ({"code": 0, "out": [GOOD, GOOD]}, ServiceUnavailable, "2 pictures when asked about 1"),
        ({"code": 0}, ServiceUnavailable, "without a list at out"),
        ([], ServiceUnavailable, "without a list at out"),
        ({"out": [{"tags": [{"nom": 1}]}]}, ImageRejected, "KeyError"),
        ({"out": [{"tags": [{"name": 1, "score": 2}]}]}, ImageRejected, "TypeError"),
        ({"out": [{"tags": [{"name": "x", "score": 2}]}]}, ImageRejected, "Label.confidence"),
        ({"out": [None]}, ImageRejected, "TypeError"),
    ],
)
def test_what_goes_wrong_inside_200_has_its_error(
    httpx_mock: HTTPXMock, answer: object, kind: type[Exception], words: str
) -> None:
    """A failure in the body of a 200, or a body of another shape, is the error that says so."""
    httpx_mock.add_response(json=answer)
    error = failing(HttpClassifier("acme", BATCHED), images(1)[0])
    assert type(error) is kind
    assert words in str(error)
    assert getattr(error, "retry_after", None) == (4 if kind is Throttled else None)


@pytest.mark.parametrize(
    ("status", "headers", "kind", "seconds"),
    [
        (401, {}, ConfigurationError, None),
        (404, {}, ConfigurationError, None),
        (415, {}, ImageRejected, None),
        (429, {"retry-after": "3"}, Throttled, 3),
        (429, {"retry-after-ms": "250"}, Throttled, 0.25),
        (503, {}, ServiceUnavailable, None),
        (302, {"location": "https://other.example.com"}, ConfigurationError, None),
    ],
)
def test_each_status_has_its_error(
    httpx_mock: HTTPXMock, status: int, headers: dict[str, str], kind: type[Exception], seconds: float | None
) -> None:
    """A status that is not 2xx is the error that tells what to do, with the wait that was asked for."""
    httpx_mock.add_response(status_code=status, headers=headers, text="no")
    error = failing(HttpClassifier("acme", BY_URL))
    assert type(error) is kind
    assert getattr(error, "retry_after", None) == seconds


PATHS = AnswerPaths(
    labels="tags[].{name: n, score: s}",
    attributes="items(parse_json(text))[].{name: key, value: value}",
    colors="colors[].{name: name, score: share, hex: hex, rgb: rgb}",
    scale=100,
)
CONFIGURED = HttpClassifier("acme", HttpService(URL, json="{image_url}", parse=PATHS))


def test_a_configuration_reads_scores_texts_and_nested_json() -> None:
    """Numbers in text count, the service's own number is kept, a text of JSON is read, what is not scored is None."""
    sample = {
        "tags": [{"n": "kayak", "s": "87.5"}, {"n": "boat"}],
        "text": json.dumps({"seats": 1, "material": ["wood", {"value": "steel", "score": 50}], "open": True}),
        "colors": [{"name": "red", "share": 40, "hex": "#ff0000"}, {"name": "blue", "rgb": ["0", 0, 255]}],
    }
    explained = CONFIGURED.explain(sample)
    (outcome,) = explained.outcomes
    assert isinstance(outcome, Classification)
    assert outcome.labels == (Label("kayak", 0.875, raw_score=87.5, scale=100), Label("boat"))
    assert outcome.attributes == (
        Attribute("seats", "1"),
        Attribute("material", "wood"),
        Attribute("material", "steel", 0.5, raw_score=50, scale=100),
        Attribute("open", "true"),
    )
    assert [color.rgb for color in outcome.colors] == [(255, 0, 0), (0, 0, 255)]
    assert "label kayak  0.875\nlabel boat  not scored\nattribute seats = 1  not scored" in str(explained)


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        ({"labels": [{"name": "kayak"}]}, "unmatched response: no expression"),
        ({"tags": [{"word": "kayak"}]}, "unmatched response: no expression"),
        ({"tags": ["kayak"]}, "unmatched response: no expression"),
        ({"tags": [{"n": {"en": "kayak"}}]}, "unmatched response: a word is wanted"),
        ({"text": "no json"}, "unmatched response"),
        ({"text": 5}, "unmatched response"),
        ({"tags": [{"n": "kayak", "s": 101}]}, "no number from 0 to 100"),
        ({"tags": [{"n": "kayak", "s": True}]}, "no number from 0 to 100"),
        ({"tags": [{"n": "kayak", "s": "nan"}]}, "no number from 0 to 100"),
    ],
)
def test_an_answer_that_is_not_understood_is_a_failure_and_never_empty(sample: object, words: str) -> None:
    """A non-empty answer from which nothing, or nonsense, is read says so (law 9), and explain shows the same."""
    (outcome,) = CONFIGURED.explain(sample).outcomes
    assert isinstance(outcome, Failure)
    assert outcome.kind == "permanent"
    assert words in outcome.reason


def test_a_service_that_saw_nothing_is_an_answer() -> None:
    """An empty list where labels stand is an empty classification, not a failure."""
    explained = CONFIGURED.explain({"tags": []})
    assert explained.outcomes == (Classification("acme"),)
    assert len(explained.unmatched) == 3
    assert "nothing was seen" in str(explained)


def test_a_rounding_error_above_the_scale_is_the_whole_scale() -> None:
    """What 32-bit arithmetic adds to certainty is no failure; the raw score is kept."""
    (outcome,) = CONFIGURED.explain({"tags": [{"n": "kayak", "s": 100.00001}]}).outcomes
    assert isinstance(outcome, Classification)
    assert outcome.labels == (Label("kayak", 1.0, raw_score=100.00001, scale=100),)


REACHED: list[tuple[str, object]] = [
    ("out[].data.tags[].{name: n}", {"out": []}),
    ("out[].data.tags[].{name: n}", {"out": [{"data": {"tags": []}}]}),
    ("out[].data.tags[].{name: n}", {"out": [{"data": {}}, {"data": {"tags": []}}]}),
    ("items(tags)[].{name: key}", {"tags": {}}),
    ("*.tags[].{name: n}", {"a": {"tags": []}}),
    ("tags[?s > `0.5`].{name: n}", {"tags": [{"n": "kayak", "s": 0.2}]}),
    ("(front || all)[].{name: n}", {"front": [], "all": []}),
    ("tags[].{name: n}", {}),
    ("tags[].{name: n}", []),
]
MISSED: list[tuple[str, object]] = [
    ("out[].data.tags[].{name: n}", {"out": [{"data": {"concepts": [{"n": "kayak"}]}}]}),
    ("out[].data.tags[].{name: n}", {"results": []}),
    ("items(tags)[].{name: key}", {"tags": ["kayak"]}),
    ("*.tags[].{name: n}", {"a": {"concepts": ["kayak"]}}),
    ("tags[?s > `0.5`].tag.{name: n}", {"tags": [{"n": "kayak", "s": 0.9}]}),
    ("[front, all][].{name: n}", {"colors": ["red"]}),
    ("tags[].{name: n}", None),
    ("tags[].{name: n}", "kayak"),
]


@pytest.mark.parametrize(("expression", "sample"), REACHED)
def test_a_list_that_the_service_left_empty_is_nothing_seen(expression: str, sample: object) -> None:
    """However deep it stands: the picture was looked at, and there was nothing to say."""
    assert reading(expression, sample) == Classification("acme")


@pytest.mark.parametrize(("expression", "sample"), MISSED)
def test_a_path_that_leads_nowhere_inside_lists_is_not_nothing_seen(expression: str, sample: object) -> None:
    """Law 9: JMESPath drops what does not match, also to an empty list; an answer of another shape is still noticed."""
    outcome = reading(expression, sample)
    assert isinstance(outcome, Failure)
    assert "unmatched response" in outcome.reason


def reading(expression: str, sample: object, **more: Any) -> Classification | Failure:  # noqa: ANN401 - of AnswerPaths
    """What an expression for labels reads from a sample that is given as text."""
    service = HttpService(URL, json="{image_url}", parse=AnswerPaths(labels=expression, **more))
    (outcome,) = HttpClassifier("acme", service).explain(json.dumps(sample)).outcomes
    return outcome


ROBOFLOW = (
    "predictions[].{name: class, score: confidence}",
    "items(predictions)[].{name: key, score: value.confidence}",
)
WRITTEN = "items(parse_json({}))[].{{name: key, value: value}}"
SERVICES: dict[str, tuple[AnswerPaths, object, list[Label], list[Attribute]]] = {
    "Roboflow, one label": (
        AnswerPaths(labels=ROBOFLOW),
        {"predictions": [{"class": "red", "class_id": 0, "confidence": 0.9}], "top": "red", "confidence": 0.9},
        [Label("red", 0.9)],
        [],
    ),
    "Roboflow, several labels": (
        AnswerPaths(labels=ROBOFLOW),
        {"predictions": {"red": {"confidence": 0.9, "class_id": 0}}, "predicted_classes": ["red"]},
        [Label("red", 0.9)],
        [],
    ),
    "Nyckel": (
        AnswerPaths(labels="{name: labelName, score: confidence}"),
        {"labelName": "kayak", "labelId": "l1", "confidence": 0.9},
        [Label("kayak", 0.9)],
        [],
    ),
    "Azure Image Analysis": (
        AnswerPaths(labels=("tagsResult.values[].{name: name, score: confidence}",)),
        {"modelVersion": "2023-10-01", "tagsResult": {"values": [{"name": "boat", "confidence": 0.99}]}},
        [Label("boat", 0.99)],
        [],
    ),
    "Azure Custom Vision": (
        AnswerPaths(labels="predictions[?tagType != 'Negative'].{name: tagName, score: probability}"),
        {"predictions": [{"tagName": "kayak", "probability": 0.8}, {"tagName": "no", "tagType": "Negative"}]},
        [Label("kayak", 0.8)],
        [],
    ),
    "Gemini": (
        AnswerPaths(attributes=WRITTEN.format("candidates[0].content.parts[0].text")),
        {"candidates": [{"content": {"parts": [{"text": '{"color": ["red"]}'}]}, "finishReason": "STOP"}]},
        [],
        [Attribute("color", "red")],
    ),
    "Bedrock": (
        AnswerPaths(attributes=WRITTEN.format("output.message.content[0].text")),
        {"output": {"message": {"content": [{"text": '{"color": "red"}'}]}}, "stopReason": "end_turn"},
        [],
        [Attribute("color", "red")],
    ),
}


@pytest.mark.parametrize(("parse", "sample", "seen", "attributes"), SERVICES.values(), ids=SERVICES.keys())
def test_services_without_a_preset_are_read_by_expressions(
    parse: AnswerPaths, sample: object, seen: list[Label], attributes: list[Attribute]
) -> None:
    """Each documented shape: lists, objects by label, one record, JSON as text; what is not scored is None."""
    explained = HttpClassifier("acme", HttpService(URL, json="{image_url}", parse=parse)).explain(sample)
    assert explained.outcomes == (Classification("acme", labels=seen, attributes=attributes),)


def test_a_model_that_was_blocked_is_not_one_that_saw_nothing() -> None:
    """No candidates, and a text that was cut off: a failure with its reason."""
    for sample in ({"promptFeedback": {"blockReason": "SAFETY"}}, {"output": {"text": '{"color": ["r'}}):
        parse = AnswerPaths(attributes=(WRITTEN.format("candidates[0].text"), WRITTEN.format("output.text")))
        (outcome,) = HttpClassifier("acme", HttpService(URL, json="{image_url}", parse=parse)).explain(sample).outcomes
        assert isinstance(outcome, Failure)
        assert "unmatched response" in outcome.reason


@pytest.mark.parametrize("score", ["NaN", "Infinity", "1e999", "-0.1", "1.01", "true", '"0,5"', "[0.5]", "9" * 400])
def test_a_score_that_is_none_is_never_made_one(score: str) -> None:
    """Law 10: no number, or one beyond the scale, is a failure that quotes it, by expressions and by a function."""
    sample = f'{{"tags": [{{"name": "kayak", "score": {score}}}]}}'
    by_paths = HttpService(URL, json="{image_url}", parse=AnswerPaths(labels="tags[].{name: name, score: score}"))
    for service in (by_paths, BY_URL):
        (outcome,) = HttpClassifier("acme", service).explain(sample).outcomes
        assert isinstance(outcome, Failure), outcome


def test_a_word_that_is_none_is_never_made_one() -> None:
    """Law 10: NaN, which some services write, is no word, and neither is an object or a list."""
    for word in ("NaN", '{"en": "kayak"}', '["kayak"]'):
        (outcome,) = CONFIGURED.explain(f'{{"tags": [{{"n": {word}}}]}}').outcomes
        assert isinstance(outcome, Failure)
        assert "a word is wanted" in outcome.reason


def test_one_word_for_success_is_that_word() -> None:
    """A text as ``ok`` is a code, and not a container of letters."""
    status = StatusInside(code="s", ok="success")
    assert status.failure({"s": "success"}) is None
    assert status.failure({"s": "suc"}) == Failure("permanent", "suc")
    assert status.failure({"s": 5}) == Failure("permanent", "5")


def test_the_lowest_score_keeps_its_scale() -> None:
    """Law 10: zero of a hundred is kept as such."""
    sample = {"tags": [{"n": "kayak", "s": 0}]}
    outcome = reading("tags[].{name: n, score: s}", sample, scale=100)
    assert outcome == Classification("acme", labels=[Label("kayak", 0.0, raw_score=0, scale=100)])


def test_texts_that_no_store_takes_are_mended() -> None:
    """Half a character becomes a replacement character, in JSON inside JSON too, so that an answer can be written."""
    plain = reading("tags[].{name: @}", {"tags": ["kayak \ud83d", "\ud83d\ude00"]})
    inside = reading("parse_json(text)[].{name: @}", {"text": '["kayak \\udc00"]'})
    assert plain == Classification("acme", labels=[Label("kayak \ufffd"), Label("😀")])
    assert inside == Classification("acme", labels=[Label("kayak \ufffd")])


BRACKETS = "[" * 200_000 + "]" * 200_000


@pytest.mark.parametrize(
    "sample",
    ["<html>", "", BRACKETS, b"\xff", '{"tags": [' + "9" * 5_000 + "]}"],
    ids=["a page", "nothing", "brackets", "no UTF-8", "digits"],
)
def test_a_sample_that_is_no_json_says_so(sample: str | bytes) -> None:
    """A page, nothing at all, brackets or digits without end: explain shows a failure, and raises nothing."""
    assert str(CONFIGURED.explain(sample)) == "failure (permanent): acme: the sample is no JSON"


def test_a_name_that_stands_twice_counts_as_it_stands_last() -> None:
    """JSON with the same name twice is read as everybody reads it."""
    assert "label boat" in str(CONFIGURED.explain('{"tags": [{"n": "kayak"}], "tags": [{"n": "boat"}]}'))


def test_a_function_may_give_a_whole_classification() -> None:
    """Boxes, parents and whatever a classification holds; it is signed with the classifier's name."""

    def whole(answer: Any) -> Classification:  # noqa: ANN401 - JSON
        return Classification("somebody", labels=labels(answer))

    service = HttpService(URL, json="{image_url}", parse=whole, model_version="v")
    (outcome,) = HttpClassifier("acme", service).explain({**GOOD, "v": 3}).outcomes
    assert outcome == Classification("acme", labels=labels(GOOD), model_version="3")


def test_expressions_need_the_extra_and_functions_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without JMESPath a configuration is refused when it is written, by the extra's name; a function works."""
    real = builtins.__import__

    def without(name: str, *args: Any) -> object:  # noqa: ANN401 - as __import__ takes them
        if name.partition(".")[0] == "jmespath":
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    service = HttpService(URL, json="{image_url}", parse=AnswerPaths(labels="never[].{name: compiled}"))
    with pytest.raises(MissingExtraError, match=r"pip install 'coveo-enrich\[http\]'"):
        HttpClassifier("acme", service)
    assert HttpClassifier("acme", BY_URL).explain(GOOD).outcomes == (Classification("acme", labels=labels(GOOD)[::-1]),)


def test_a_checker_finds_nothing_wrong(httpx_mock: HTTPXMock) -> None:
    """The adapter keeps to the protocol: by URL, by bytes, in batches, with a callable key."""
    picture = ProductImage.from_bytes(jpeg(), url="https://shop.example.com/1.jpg")

    def answered(request: Any) -> httpx.Response:  # noqa: ANN401 - a request of httpx
        pictures = request.content.count(picture.url.encode())
        return httpx.Response(200, json={"out": [GOOD] * pictures, **GOOD})

    httpx_mock.add_callback(answered, is_reusable=True)
    batch = Batch(items="in", answers="out", size=2)
    for service in (
        BY_URL,
        HttpService(URL, content="{image_bytes}", parse=labels),
        HttpService(URL, json={"in": ["{image_url}"]}, batch=batch, parse=labels),
    ):
        found = check_classifier(HttpClassifier("acme", service, auth=HeaderAuth(key_of_a_function)), picture)
        # The checker's own picture that is none has no web address, so a service that fetches is not asked about it.
        assert found.ok, found


def test_a_url_that_no_request_can_hold_is_that_pictures_failure(httpx_mock: HTTPXMock) -> None:
    """Half a character in a URL is refused before the call, and the others of its batch are asked about."""
    httpx_mock.add_response(json={"code": 0, "out": [GOOD]})
    odd = ProductImage.from_bytes(b"", url="https://shop.example.com/\ud800")
    first, second = HttpClassifier("acme", BATCHED).classify_many([odd, *images(1)])
    assert isinstance(first, Failure)
    assert "half of a character" in first.reason
    assert isinstance(second, Classification)


def test_a_name_of_a_field_cannot_break_out_of_a_form(httpx_mock: HTTPXMock) -> None:
    """Quotes and line ends in names of a multipart form are written as HTML forms write them."""
    httpx_mock.add_response(json=GOOD)
    form = {"file": "{image_bytes}", 'a"\r\nX: y': "{image_url}"}
    HttpClassifier("acme", HttpService(URL, form=form, parse=labels)).classify(PICTURE)
    assert b'name="a%22%0D%0AX: y"\r\n\r\n' + PICTURE.url.encode() + b"\r\n" in sent(httpx_mock).content


def test_an_address_of_the_picture_needs_no_web_where_the_bytes_are_sent_too(httpx_mock: HTTPXMock) -> None:
    """Beside the bytes a URL is but a name, so a picture from a file is asked about as well."""
    httpx_mock.add_response(json=GOOD)
    service = HttpService(URL, json={"id": "{image_url}", "data": "{image_base64}"}, parse=labels)
    HttpClassifier("acme", service).classify(ProductImage.from_bytes(jpeg(), url="images/1.jpg"))
    assert json.loads(sent(httpx_mock).content)["id"] == "images/1.jpg"


def test_more_pictures_than_a_call_takes_are_refused(httpx_mock: HTTPXMock) -> None:
    """A caller that gives too many is told, before any is paid for."""
    with pytest.raises(ConfigurationError, match="takes at most 3 pictures in one call; got 4"):
        HttpClassifier("acme", BATCHED).classify_many(images(4))
    assert httpx_mock.get_requests() == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: HttpService(URL, parse=labels),
        lambda: HttpService(URL, json="{image_ulr}", parse=labels),
        lambda: HttpService(URL, json="{image_bytes}", parse=labels),
        lambda: HttpService(URL, json="{image_url}", content="{image_url}", parse=labels),
        lambda: HttpService("ftp://x", json="{image_url}", parse=labels),
        lambda: HttpService("https://me:you@example.com", json="{image_url}", parse=labels),
        lambda: HttpService(URL, json="{image_url}", headers={"Authorization": "Bearer x"}, parse=labels),
        lambda: HttpService(
            URL,
            json={"r": ["{image_url}"], "u": "{image_url}"},
            batch=Batch(items="r", answers="a", size=2),
            parse=labels,
        ),
        lambda: HttpService(URL, json={"r": "{image_url}"}, batch=Batch(items="r", answers="a", size=2), parse=labels),
        lambda: Batch(items="r", answers="a", size=0),
        AnswerPaths,
        lambda: AnswerPaths(labels="a", scale=0),
        lambda: HttpClassifier("a", HttpService(URL, json="{image_url}", parse=AnswerPaths(labels="a[.b"))),
        lambda: HttpService(f"{URL}?api_key=sk-1234", json="{image_url}", parse=labels),
        lambda: HttpService(URL, json={"u": "{image_url}", "api_key": "sk-1234"}, parse=labels),
        lambda: HttpService(URL, json="{image_url}", query={"access_token": "sk-1234"}, parse=labels),
        lambda: HttpService(URL, json="{image_url}", headers={"Ocp-Apim-Subscription-Key": "1234"}, parse=labels),
        lambda: HttpService(URL, json="{image_url}", headers={"X-More": "a\r\nX-Other: b"}, parse=labels),
        lambda: HttpService(URL, json="{image_url}", headers={"X More": "a"}, parse=labels),
        lambda: HttpService(URL, json="{image_url}", headers={"X-More": "{image_url}"}, parse=labels),
        lambda: HttpService(URL, json="{image_url}", method="POST /", parse=labels),
        lambda: HttpService(URL, json="{image_url}", parse=functools.partial(labels)),
        lambda: HttpService("https://{image_url}", parse=labels),
        lambda: StatusInside(code="code", kinds={1: "throttle"}),  # type: ignore[dict-item] # pyright: ignore[reportArgumentType] - that is the point
        lambda: HeaderAuth("sk-1234", header="X Key"),
        lambda: HeaderAuth("sk-1234", prefix="Bearer\r\nX:"),
        lambda: HeaderAuth("two words"),
        lambda: BasicAuth("a:b", "c"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_written(make: Any) -> None:  # noqa: ANN401 - a lambda
    """A configuration that could never be sent or read is refused before a picture is touched."""
    with pytest.raises(ConfigurationError):
        make()


def test_the_fingerprint_follows_what_can_change_an_answer() -> None:
    """Other words, another template or another version of the function is another fingerprint; a key is not."""

    def newer(answer: Any) -> list[Label]:  # noqa: ANN401 - JSON
        return labels(answer)

    newer.__qualname__ = labels.__qualname__
    newer.version = "2"  # type: ignore[attr-defined] # pyright: ignore[reportFunctionMemberAccess] - functions take any
    services = [
        BY_URL,
        HttpService(URL, json={"image": "{image_url}"}, parse=newer),
        HttpService(URL, json={"picture": "{image_url}"}, parse=labels),
        HttpService(URL, json={"image": "{image_base64}"}, parse=labels),
        CONFIGURED.service,
        BATCHED,
        attrs.evolve(BATCHED, batch=Batch(items="in.records", answers="other", size=3)),
    ]
    assert len({HttpClassifier("acme", one).fingerprint for one in services}) == len(services)
    keyed = HttpClassifier("acme", BY_URL, auth=HeaderAuth(KEY))
    assert keyed.fingerprint == HttpClassifier("acme", BY_URL).fingerprint


def test_it_declares_what_the_pipeline_reads() -> None:
    """A batch and limits are declared only where they apply."""
    assert Declared.of(HttpClassifier("acme", BATCHED)).max_batch == 3
    assert Declared.of(HttpClassifier("acme", BY_URL)).accepts is None
    assert Declared.of(HttpClassifier("acme", HttpService(URL, content="{image_bytes}", parse=labels))).accepts
