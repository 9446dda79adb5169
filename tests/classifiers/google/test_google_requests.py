"""What is sent to Google Vision: exact requests."""

from __future__ import annotations

import json
import os
import pickle
import sys
from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx
import pytest
from PIL import Image
from pytest_httpx import HTTPXMock
from vision import ANNOTATE, KEY, asked, classifier, picture, png

from coveo_enrich.classifiers import Classification, Failure
from coveo_enrich.classifiers.declared import Declared
from coveo_enrich.classifiers.google import GoogleVisionClassifier
from coveo_enrich.classifiers.google.requests import FEATURES, LIMITS, MAX_BATCH, MAX_REQUEST_BYTES, Question, by_bytes
from coveo_enrich.errors import (
    ConfigurationError,
    ImageRejected,
    ImageUnavailable,
    MissingExtraError,
    ServiceUnavailable,
)
from coveo_enrich.images import ProductImage

KAYAK = "https://images.example.com/kayak.webp"
NOTHING: dict[str, Any] = {"responses": [{}]}

WRONG: dict[str, dict[str, Any]] = {
    "no feature": {"features": ()},
    "a feature that is not offered": {"features": ["web"]},
    "a text for the features": {"features": "labels"},
    "no label": {"max_labels": 0},
    "half a label": {"max_labels": 1.5},
    "a region that has no host": {"region": "asia"},
    "another way to send": {"sends": "path"},
    "an address with a path": {"api_url": "https://vision.googleapis.com/v1"},
    "the key in clear": {"api_url": "http://vision.googleapis.com"},
    "the key in clear to the same host by its other name": {"api_url": "http://vision.googleapis.com."},
    "an address with a password": {"api_url": "https://me:pw@vision.example.com"},
    "an address that is none": {"api_url": "https://["},
    "a port that is none": {"api_url": "https://vision.example.com:99999"},
    "a key that no header can hold": {"api_key": "two words"},
    "a project beside a key": {"project": "shop"},
}

ADDRESSES: dict[str, tuple[dict[str, Any], str]] = {
    "anywhere": ({}, ANNOTATE),
    "eu": ({"region": "eu"}, "https://eu-vision.googleapis.com/v1/images:annotate"),
    "us with a project": (
        {"region": "us", "project": "shop"},
        "https://us-vision.googleapis.com/v1/projects/shop/locations/us/images:annotate",
    ),
    "another host": ({"api_url": "http://127.0.0.1:9/"}, "http://127.0.0.1:9/v1/images:annotate"),
}


def _key() -> str:
    return KEY


def _unreadable(error: Exception) -> Callable[[], bytes]:
    def load() -> bytes:
        raise error

    return load


def test_one_picture_is_one_exact_request(httpx_mock: HTTPXMock) -> None:
    """A picture that fits goes out untouched, with the features of the settings, and the key in a header alone."""
    httpx_mock.add_response(method="POST", url=ANNOTATE, json=NOTHING)
    classifier(model="builtin/latest").classify(picture())
    (request,) = httpx_mock.get_requests()
    assert request.headers["x-goog-api-key"] == KEY
    assert request.headers["content-type"] == "application/json"
    assert KEY not in str(request.url)
    assert KEY.encode() not in request.content
    (one,) = asked(request)
    assert b64decode(one["image"]["content"]) == png()
    assert one["features"] == [
        {"type": "LABEL_DETECTION", "maxResults": 15, "model": "builtin/latest"},
        {"type": "OBJECT_LOCALIZATION"},
        {"type": "IMAGE_PROPERTIES"},
    ]


def test_every_feature_has_googles_name(httpx_mock: HTTPXMock) -> None:
    """Features are asked for in one order, whatever the order of the settings; no model is named unless one is set."""
    httpx_mock.add_response(json=NOTHING)
    classifier(features=["logos", "text", "labels"], max_labels=3).classify(picture())
    (request,) = httpx_mock.get_requests()
    assert asked(request)[0]["features"] == [
        {"type": "LABEL_DETECTION", "maxResults": 3},
        {"type": "TEXT_DETECTION"},
        {"type": "LOGO_DETECTION"},
    ]


@pytest.mark.parametrize(("settings", "url"), ADDRESSES.values(), ids=ADDRESSES)
def test_pictures_go_to_the_address_of_the_settings(httpx_mock: HTTPXMock, settings: dict[str, Any], url: str) -> None:
    """Regions have hosts of their own, and with a project a path of their own."""
    httpx_mock.add_response(method="POST", url=url, json=NOTHING)
    assert classifier(**settings).classify(picture()) == Classification("google-vision")


def test_a_full_batch_of_the_largest_pictures_fits_into_one_request() -> None:
    """Sixteen pictures of as many bytes as are accepted stay within Google's 10 MB, base64 and JSON included."""
    body = Question(tuple(FEATURES), 1_000_000, "builtin/" + "x" * 100).body(
        [by_bytes(bytes(LIMITS.max_bytes))] * MAX_BATCH
    )
    assert 0.99 * MAX_REQUEST_BYTES < len(body) <= MAX_REQUEST_BYTES


def test_a_picture_that_google_does_not_read_is_converted(httpx_mock: HTTPXMock) -> None:
    """An AVIF, and more than 1,024 pixels, go out as a JPEG that fits."""
    file = BytesIO()
    Image.new("RGB", (1500, 900), "navy").save(file, "AVIF")
    httpx_mock.add_response(json=NOTHING)
    classifier().classify(picture(data=file.getvalue()))
    (request,) = httpx_mock.get_requests()
    sent = Image.open(BytesIO(b64decode(asked(request)[0]["image"]["content"])))
    assert (sent.format, max(sent.size)) == ("JPEG", 1024)


def test_a_batch_is_one_call_without_the_pictures_that_cannot_be_read(httpx_mock: HTTPXMock) -> None:
    """Pictures that cannot be had or read are failures in their place, and the others are asked about together."""
    httpx_mock.add_response(json={"responses": [{"labelAnnotations": [{"description": str(at)}]} for at in range(2)]})
    gone = ProductImage("gone.jpg", load=_unreadable(ImageRejected("a dead link")))
    late = ProductImage("late.jpg", load=_unreadable(ImageUnavailable("its host is slow", 5)))
    page = picture("page.jpg", b"<html>")
    outcomes = classifier().classify_many([picture("a.png"), gone, late, page, picture("b.png")])
    assert [len(asked(request)) for request in httpx_mock.get_requests()] == [2]
    assert outcomes[1] == Failure("permanent", "a dead link", image="gone.jpg")
    assert outcomes[2] == Failure("transient", "its host is slow", image="late.jpg", retry_after=5)
    assert isinstance(outcomes[3], Failure)
    assert outcomes[3].kind == "permanent"
    named = [outcome.labels[0].name for outcome in outcomes if isinstance(outcome, Classification)]
    assert named == ["0", "1"]


def test_nothing_to_send_is_no_call() -> None:
    """Without a picture that can be read, Google is not asked."""
    assert classifier().classify_many([]) == []
    with pytest.raises(ImageRejected):
        classifier().classify(picture(data=b""))


def test_the_picture_of_a_slow_host_may_be_had_later() -> None:
    """A picture that could not be fetched now is told apart from a service that does not answer."""
    late = ProductImage("late.jpg", load=_unreadable(ImageUnavailable("its host is slow", 5)))
    with pytest.raises(ImageUnavailable, match="its host is slow"):
        classifier().classify(late)


def test_more_pictures_than_one_call_takes_are_refused() -> None:
    """Seventeen pictures are one too many."""
    with pytest.raises(ConfigurationError, match="at most 16"):
        classifier().classify_many([picture()] * 17)


def test_by_url_google_fetches_the_picture(httpx_mock: HTTPXMock) -> None:
    """By URL no byte is read; what has no URL that Google can use is sent as bytes in the same call."""
    httpx_mock.add_response(json={"responses": [{}, {}, {}]})
    far = ProductImage(KAYAK, load=_unreadable(AssertionError("it was read")))
    stored = ProductImage("gs://shop/kayak.jpg", load=_unreadable(AssertionError("it was read")))
    classifier(sends="url").classify_many([far, picture("local.png"), stored])
    (request,) = httpx_mock.get_requests()
    first, second, third = (one["image"] for one in asked(request))
    assert first == {"source": {"imageUri": KAYAK}}
    assert set(second) == {"content"}
    assert third == {"source": {"imageUri": "gs://shop/kayak.jpg"}}


@pytest.mark.parametrize("code", [3, 4, 7, 12, 14])
def test_what_google_cannot_fetch_it_gets_as_bytes_once(httpx_mock: HTTPXMock, code: int) -> None:
    """Only the pictures that failed by URL are asked about again, by bytes, and what then fails stays failed."""
    no_access = {"error": {"code": code, "message": "We can not access the URL currently."}}
    seen = {"labelAnnotations": [{"description": "Kayak", "score": 0.9}]}
    httpx_mock.add_response(json={"responses": [no_access, seen, no_access]})
    httpx_mock.add_response(json={"responses": [seen, {"error": {"code": 13, "message": "internal"}}]})
    pictures = [picture(f"https://images.example.com/{at}.png") for at in range(3)]
    outcomes = classifier(sends="url").classify_many(pictures)
    first, second = httpx_mock.get_requests()
    assert (len(asked(first)), [set(one["image"]) for one in asked(second)]) == (3, [{"content"}, {"content"}])
    assert [type(outcome) for outcome in outcomes] == [Classification, Classification, Failure]


def test_a_second_call_that_fails_does_not_spoil_the_first(httpx_mock: HTTPXMock) -> None:
    """What was answered by URL is kept when the call with the bytes of the others is throttled."""
    httpx_mock.add_response(json={"responses": [{}, {"error": {"code": 14, "message": "no access"}}]})
    httpx_mock.add_response(status_code=429, headers={"Retry-After": "7"}, json={})
    kept, failed = classifier(sends="url").classify_many([picture(KAYAK), picture(KAYAK)])
    assert kept == Classification("google-vision")
    assert isinstance(failed, Failure)
    assert (failed.kind, failed.retry_after) == ("throttled", 7)


@pytest.mark.parametrize(("code", "kind"), [(7, "permanent"), (14, "transient")])
def test_an_object_in_googles_storage_has_no_bytes_to_fall_back_to(httpx_mock: HTTPXMock, code: int, kind: str) -> None:
    """What Google says about an object of its own storage stands: here it cannot be read, now or later."""
    httpx_mock.add_response(json={"responses": [{"error": {"code": code, "message": "no luck"}}]})
    stored = ProductImage("gs://shop/kayak.jpg", load=_unreadable(AssertionError("it was read")))
    (outcome,) = classifier(sends="url").classify_many([stored])
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.reason) == (kind, f"Google Vision: no luck (code {code})")


def test_bytes_that_fail_are_not_sent_twice(httpx_mock: HTTPXMock) -> None:
    """A picture that was sent as bytes is asked about once in a call, whatever came back."""
    httpx_mock.add_response(json={"responses": [{"error": {"code": 14, "message": "busy"}}]})
    with pytest.raises(ServiceUnavailable, match="busy"):
        classifier().classify(picture(KAYAK))


def test_it_declares_what_drives_the_pipeline() -> None:
    """Batches of 16, 25 pictures a second, no AVIF; by URL it takes pictures as they are."""
    declared = Declared.of(classifier())
    assert (declared.name, declared.max_batch, declared.images_per_second) == ("google-vision", 16, 25)
    assert declared.accepts is not None
    assert "AVIF" not in declared.accepts.formats
    assert "WEBP" in declared.accepts.formats
    assert Declared.of(classifier(sends="url")).accepts is None


def test_its_pace_keeps_within_googles_quota_whatever_is_asked_twice() -> None:
    """1,800 pictures a minute: by URL each may be asked about a second time in its turn; a rate that is set stands."""
    by_bytes_alone, by_url_first = (Declared.of(classifier(sends=way)).images_per_second for way in ("bytes", "url"))
    assert by_bytes_alone is not None
    assert by_url_first is not None
    assert by_bytes_alone * 60 <= 1800
    assert by_url_first * 2 * 60 <= 1800
    assert Declared.of(classifier(sends="url", images_per_second=100)).images_per_second == 100


def test_the_fingerprint_follows_what_is_asked() -> None:
    """Settings that can change an answer are in the fingerprint; the order of features and the key are not."""
    changes: list[dict[str, Any]] = [
        {},
        {"features": ["labels"]},
        {"max_labels": 3},
        {"model": "builtin/latest"},
        {"sends": "url"},
        {"region": "eu"},
    ]
    assert len({classifier(**change).fingerprint for change in changes}) == len(changes)
    turned = classifier(features=["colors", "objects", "labels"], api_key="another")
    assert turned.fingerprint == classifier().fingerprint
    assert KEY not in classifier().fingerprint


@pytest.mark.parametrize("settings", WRONG.values(), ids=WRONG)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    """A wrong setting is a ConfigurationError when the classifier is made."""
    with pytest.raises(ConfigurationError):
        classifier(**settings)


def test_a_key_stays_secret() -> None:
    """Law 13: no key in a repr, and none as text in a pickle."""
    assert KEY not in repr(classifier())
    with pytest.raises(ConfigurationError, match="callable"):
        pickle.dumps(classifier())


def test_a_key_that_cannot_be_had_is_a_configuration_error() -> None:
    """Law 12: a callable that fails does so for every picture, so it stops early; its own words may hold the key."""
    with pytest.raises(ConfigurationError, match="api_key could not be had: its callable raised KeyError") as caught:
        classifier(api_key=_unreadable(KeyError(KEY))).classify(picture())
    assert KEY not in f"{caught.value!r}{caught.value.__cause__!r}{caught.value.__context__!r}"


def test_a_key_that_cannot_be_had_now_may_be_had_later() -> None:
    """A callable may say by the library's own errors that its vault does not answer."""
    with pytest.raises(ServiceUnavailable, match="the vault is away"):
        classifier(api_key=_unreadable(ServiceUnavailable("the vault is away"))).classify(picture())


def test_a_classifier_travels(httpx_mock: HTTPXMock) -> None:
    """Law 14: with a callable key it pickles, also after a call, and works where it arrives."""
    httpx_mock.add_response(json=NOTHING, is_reusable=True)
    before = classifier(api_key=_key, features=["labels"], max_labels=3)
    before.classify(picture())
    after: GoogleVisionClassifier = pickle.loads(pickle.dumps(before))  # noqa: S301 - pickled here
    assert after == before
    assert after.classify(picture()) == Classification("google-vision")
    assert httpx_mock.get_requests()[1].headers["x-goog-api-key"] == KEY


def test_connections_can_be_released_and_made_anew(httpx_mock: HTTPXMock) -> None:
    """After close the next call works as the first."""
    httpx_mock.add_response(json=NOTHING, is_reusable=True)
    one = classifier()
    one.classify(picture())
    one.close()
    assert one.classify(picture()) == Classification("google-vision")


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Application Default Credentials of a user."""
    pytest.importorskip("google.auth", reason="needs the extra google")
    for variable in [name for name in os.environ if name.startswith(("GOOGLE_", "GCLOUD_"))]:
        monkeypatch.delenv(variable)
    account = {"type": "authorized_user", "client_id": "id", "client_secret": "cs-1", "refresh_token": "rt-1"}
    file = tmp_path / "adc.json"
    file.write_text(json.dumps(account | {"quota_project_id": "shop"}), "utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    return account


TOKEN = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address


@pytest.mark.usefixtures("user")
def test_without_a_key_the_credentials_of_the_environment_are_used(httpx_mock: HTTPXMock) -> None:
    """The token is had once over this library's HTTP and used for every call, with the project that pays."""
    httpx_mock.add_response(method="POST", url=TOKEN, json={"access_token": "ya29-1", "expires_in": 3600})
    httpx_mock.add_response(method="POST", url=ANNOTATE, json=NOTHING, is_reusable=True)
    one = GoogleVisionClassifier()
    one.classify(picture())
    one.classify(picture())
    calls = httpx_mock.get_requests(url=ANNOTATE)
    assert [call.headers["authorization"] for call in calls] == ["Bearer ya29-1"] * 2
    assert [call.headers["x-goog-user-project"] for call in calls] == ["shop"] * 2
    assert "x-goog-api-key" not in calls[0].headers


@pytest.mark.usefixtures("user")
def test_the_project_of_the_settings_pays(httpx_mock: HTTPXMock) -> None:
    """A project that is set comes before the one that the credentials name; the classifier still pickles."""
    httpx_mock.add_response(method="POST", url=TOKEN, json={"access_token": "ya29-1", "expires_in": 3600})
    httpx_mock.add_response(method="POST", url=ANNOTATE, json=NOTHING)
    one: GoogleVisionClassifier = pickle.loads(pickle.dumps(GoogleVisionClassifier(project="other")))  # noqa: S301 - pickled here
    one.classify(picture())
    (call,) = httpx_mock.get_requests(url=ANNOTATE)
    assert call.headers["x-goog-user-project"] == "other"


def test_credentials_that_google_refuses_are_a_configuration_error(httpx_mock: HTTPXMock, user: dict[str, str]) -> None:
    """A sign-in that was revoked stops the run, and no secret of it is in the message or behind it."""
    httpx_mock.add_response(method="POST", url=TOKEN, status_code=400, json={"error": "invalid_grant"} | user)
    with pytest.raises(ConfigurationError, match="invalid_grant") as caught:
        GoogleVisionClassifier().classify(picture())
    assert "rt-1" not in f"{caught.value!r}{caught.value.__cause__!r}{caught.value.__context__!r}"


@pytest.mark.usefixtures("user")
def test_a_sign_in_that_does_not_answer_may_do_so_later(httpx_mock: HTTPXMock) -> None:
    """When the token cannot be had because the network broke, the picture may be asked about again."""
    httpx_mock.add_exception(httpx.ReadError("broken"), url=TOKEN, is_reusable=True)
    with pytest.raises(ServiceUnavailable, match="sign-in"):
        GoogleVisionClassifier().classify(picture())


def test_credentials_that_are_not_there_are_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch, user: dict[str, str]
) -> None:
    """A file that is missing is named, and so is what to do."""
    assert user
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "missing.json")
    with pytest.raises(ConfigurationError, match=r"missing\.json.*api_key="):
        GoogleVisionClassifier().classify(picture())


@pytest.mark.usefixtures("user")
def test_threads_share_one_token(httpx_mock: HTTPXMock) -> None:
    """Threads that come at once sign in once between them."""
    httpx_mock.add_response(method="POST", url=TOKEN, json={"access_token": "ya29-1", "expires_in": 3600})
    httpx_mock.add_response(method="POST", url=ANNOTATE, json=NOTHING, is_reusable=True)
    one, together = GoogleVisionClassifier(), Barrier(4)

    def ask(_: int) -> Classification:
        together.wait(timeout=60)
        return one.classify(picture())

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, range(4))) == [Classification("google-vision")] * 4
    assert len(httpx_mock.get_requests(url=TOKEN)) == 1


@pytest.mark.usefixtures("user")
def test_a_token_that_is_refused_is_renewed_once(httpx_mock: HTTPXMock) -> None:
    """A token that ended before its time does not stop a run; one that is new and refused too does."""
    for token in ("ya29-1", "ya29-2", "ya29-3"):
        httpx_mock.add_response(method="POST", url=TOKEN, json={"access_token": token, "expires_in": 3600})
    for status in (401, 200, 401, 401):
        httpx_mock.add_response(method="POST", url=ANNOTATE, status_code=status, json=NOTHING)
    one = GoogleVisionClassifier()
    assert one.classify(picture()) == Classification("google-vision")
    with pytest.raises(ConfigurationError, match="401"):
        one.classify(picture())
    sent = [call.headers["authorization"] for call in httpx_mock.get_requests(url=ANNOTATE)]
    assert sent == [f"Bearer ya29-{number}" for number in (1, 2, 2, 3)]


@pytest.mark.usefixtures("user")
def test_a_token_is_not_told(httpx_mock: HTTPXMock) -> None:
    """Law 13: an answer that repeats the token is told without it."""
    httpx_mock.add_response(method="POST", url=TOKEN, json={"access_token": "ya29-1", "expires_in": 3600})
    httpx_mock.add_response(method="POST", url=ANNOTATE, json={"responses": [{"error": {"message": "ya29-1 is old"}}]})
    with pytest.raises(ImageRejected, match="… is old"):
        GoogleVisionClassifier().classify(picture())


@pytest.mark.parametrize(
    "content", ["", "[]", "3", "{}", '{"type": "service_account"}', '{"type": "impersonated_service_account"}']
)
@pytest.mark.usefixtures("user")
def test_a_file_that_holds_no_credentials_is_a_configuration_error(tmp_path: Path, content: str) -> None:
    """Whatever google-auth makes of a file that is none, it stops the run and is not told of each picture."""
    (tmp_path / "adc.json").write_text(content, "utf-8")
    with pytest.raises(ConfigurationError, match=r"no credentials that Google accepts .*api_key="):
        GoogleVisionClassifier().classify(picture())


@pytest.mark.usefixtures("user")
def test_a_machine_without_credentials_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file, a login and a machine's own account, the message names every way to give them."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(ConfigurationError, match=r"api_key=, set GOOGLE_APPLICATION_CREDENTIALS, or run: gcloud auth"):
        GoogleVisionClassifier().classify(picture())


def test_without_google_auth_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key and without google-auth the message says which extra brings it."""
    monkeypatch.setitem(sys.modules, "google.auth.exceptions", None)
    with pytest.raises(MissingExtraError, match=r"coveo-enrich\[google\]"):
        GoogleVisionClassifier().classify(picture())


def test_with_a_key_google_auth_is_not_needed(monkeypatch: pytest.MonkeyPatch, httpx_mock: HTTPXMock) -> None:
    """A key needs no library of Google's."""
    monkeypatch.setitem(sys.modules, "google.auth.exceptions", None)
    httpx_mock.add_response(json=NOTHING)
    assert classifier().classify(picture()) == Classification("google-vision")
