"""What `HttpClassifier` sends, to the byte, and what it makes of every kind of answer."""

from __future__ import annotations

import base64
import json
import pickle
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from pytest_httpx import HTTPXMock

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
from coveo_enrich.errors import ConfigurationError, ImageRejected, ServiceUnavailable, Throttled
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


def key_of_a_function() -> str:
    """A key that pickles, by its name."""
    return KEY


def test_a_classifier_with_a_callable_key_works_after_pickling(httpx_mock: HTTPXMock) -> None:
    """Everything but connections travels to another process (law 14), and nothing else is needed there."""
    httpx_mock.add_response(json=GOOD, is_reusable=True)
    one = HttpClassifier("acme", BY_URL, auth=HeaderAuth(key_of_a_function))
    one.classify(PICTURE)
    again: HttpClassifier = pickle.loads(pickle.dumps(one))  # noqa: S301 - made a line above
    assert again.classify(PICTURE).labels[0].name == "kayak"
    assert again.fingerprint == one.fingerprint


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
        (302, {"location": "https://other.example.com"}, ImageRejected, None),
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
    ]
    assert len({HttpClassifier("acme", one).fingerprint for one in services}) == len(services)
    keyed = HttpClassifier("acme", BY_URL, auth=HeaderAuth(KEY))
    assert keyed.fingerprint == HttpClassifier("acme", BY_URL).fingerprint


def test_it_declares_what_the_pipeline_reads() -> None:
    """A batch and limits are declared only where they apply."""
    assert Declared.of(HttpClassifier("acme", BATCHED)).max_batch == 3
    assert Declared.of(HttpClassifier("acme", BY_URL)).accepts is None
    assert Declared.of(HttpClassifier("acme", HttpService(URL, content="{image_bytes}", parse=labels))).accepts
