"""RekognitionClassifier over real sockets: a scripted service that has limits and throttles, and moto's server."""

from __future__ import annotations

import base64
import pickle
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from io import BytesIO
from threading import Barrier, Semaphore
from typing import Any

import pytest
from PIL import Image
from rekognition_samples import ARN, CUSTOM, KAYAK, TEXT, image, picture
from rekognition_server import MOST_BYTES, RekognitionServer, Reply, answered, refused

from coveo_enrich import RetryPolicy
from coveo_enrich.classifiers import Classification, Label, asking
from coveo_enrich.classifiers.rekognition import RekognitionClassifier
from coveo_enrich.errors import ConfigurationError, ImageRejected, ServiceUnavailable, Throttled
from coveo_enrich.images import ProductImage

pytest_plugins = ["rekognition_fixtures"]
pytestmark = pytest.mark.usefixtures("aws")


def classifier_of(server: RekognitionServer, **settings: Any) -> RekognitionClassifier:  # noqa: ANN401 - any of them
    """A classifier with a client of its own that asks the scripted service."""
    return RekognitionClassifier(region="eu-west-1", endpoint_url=server.url, **settings)


def test_colors_come_through_with_the_keys_of_the_real_service(server: RekognitionServer) -> None:
    """CSSColor and PixelPercent, which boto3 drops under the names of AWS's guide, arrive through boto3."""
    server.script("DetectLabels", answered(KAYAK))
    (yellow, _) = classifier_of(server).classify(image()).colors
    assert (yellow.name, yellow.shade, yellow.confidence, yellow.rgb) == ("yellow", "gold", 0.405, (250, 210, 20))


def test_an_image_that_fits_is_sent_untouched(server: RekognitionServer) -> None:
    """The bytes on the wire are the file's own, encoded once."""
    server.script("DetectLabels", answered(KAYAK))
    classifier_of(server).classify(image(file_format="PNG"))
    (asked,) = server.asked
    assert base64.b64decode(asked.body["Image"]["Bytes"]) == picture(file_format="PNG")


def test_a_url_goes_out_as_its_bytes(server: RekognitionServer) -> None:
    """The service takes no URL, so what it gets of a picture on the web is what its host sent."""
    server.script("DetectLabels", answered(KAYAK))
    classifier_of(server).classify(ProductImage("https://images.example.com/kayak.webp", load=picture))
    (asked,) = server.asked
    assert asked.body["Image"] == {"Bytes": base64.b64encode(picture()).decode()}


def test_a_webp_is_converted(server: RekognitionServer) -> None:
    """The service refuses WebP, so it gets a JPEG or PNG."""
    server.script("DetectLabels", answered(KAYAK))
    assert classifier_of(server).classify(image(file_format="WEBP")).labels[1].name == "Kayak"


def test_a_picture_beyond_the_limit_is_made_smaller(server: RekognitionServer) -> None:
    """A picture of more than 5 MB, which botocore would send, arrives below the service's limit."""
    server.script("DetectLabels", answered(KAYAK))
    heavy = picture(file_format="PNG") + b"\0" * MOST_BYTES
    assert classifier_of(server).classify(ProductImage.from_bytes(heavy)).labels[1].name == "Kayak"


def test_a_custom_model_gets_less(server: RekognitionServer) -> None:
    """A custom model takes 4 MB: what Rekognition's own model would get untouched arrives smaller."""
    server.script("DetectLabels", answered(KAYAK))
    server.script("DetectCustomLabels", answered(CUSTOM))
    heavy = ProductImage.from_bytes(picture(file_format="PNG") + b"\0" * 4_500_000)
    classifier_of(server).classify(heavy)
    classifier_of(server, custom_model=ARN).classify(heavy)
    usual, custom = (len(base64.b64decode(asked.body["Image"]["Bytes"])) for asked in server.asked)
    assert usual == len(heavy.read())
    assert custom <= 4_194_304


def test_a_picture_that_is_too_wide_is_made_smaller(server: RekognitionServer) -> None:
    """More than 10,000 pixels a side are scaled down; what would then be under 80 is rejected without a call."""
    server.script("DetectLabels", answered(KAYAK))
    classifier_of(server).classify(image((10_100, 120), "PNG"))
    (asked,) = server.asked
    with Image.open(BytesIO(base64.b64decode(asked.body["Image"]["Bytes"]))) as sent:
        assert (max(sent.size) <= 10_000, min(sent.size) >= 80) == (True, True)
    with pytest.raises(ImageRejected, match="80"):
        classifier_of(server).classify(image((12_600, 81), "PNG"))
    assert len(server.asked) == 1


def test_a_picture_that_is_too_small_is_rejected_unasked(server: RekognitionServer) -> None:
    """Less than 80 pixels a side costs no call."""
    with pytest.raises(ImageRejected, match="80"):
        classifier_of(server).classify(image((79, 200)))
    assert server.asked == []


@pytest.mark.parametrize(
    ("reply", "pause"),
    [
        (refused("ThrottlingException"), None),
        (refused("ThrottlingException", 500), None),
        (refused("ProvisionedThroughputExceededException", Retry_After="7"), 7.0),
        (refused("ThrottlingException", x_amz_retry_after="1500"), 1.5),
    ],
)
def test_throttling_is_asked_once_and_told(server: RekognitionServer, reply: Reply, pause: float | None) -> None:
    """A throttled call is not repeated by botocore, under 400 or 500; the pause that was asked for is kept."""
    server.script("DetectLabels", reply, answered(KAYAK))
    classifier = classifier_of(server)
    with pytest.raises(Throttled) as caught:
        classifier.classify(image())
    assert caught.value.retry_after == pause
    assert len(server.asked) == 1
    assert classifier.classify(image()).labels[1].name == "Kayak"


def test_the_library_asks_again_after_a_throttled_call(
    server: RekognitionServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Throttling with a 400 is retried by the library, once for each refusal, and only what was refused."""
    monkeypatch.setattr(asking, "PATIENCE", RetryPolicy(attempts=3, first_wait_seconds=0, longest_wait_seconds=0))
    server.script("DetectLabels", refused("ProvisionedThroughputExceededException"), answered(KAYAK))
    server.script("DetectText", refused("ThrottlingException"), answered(TEXT))
    classifier, calls = classifier_of(server, detects=["labels", "text"]), list[int]()

    def take(pictures: int) -> int:
        calls.append(pictures)
        return pictures

    asker = asking.Asker(classifier, calls_at_once=1, reading=Semaphore(), take=take)
    answer = asker.ask(image())
    asker.stop()
    assert isinstance(answer, Classification)
    assert [attribute.value for attribute in answer.attributes] == ["SEA TOURER"]
    assert [asked.operation for asked in server.asked] == ["DetectLabels", "DetectLabels", "DetectText", "DetectText"]
    assert calls == [1, 1, 1]


def test_a_failing_service_is_asked_once(server: RekognitionServer) -> None:
    """Botocore's own retries are off: one call, one request."""
    server.script("DetectLabels", refused("InternalServerError", 500))
    with pytest.raises(ServiceUnavailable, match="InternalServerError: no"):
        classifier_of(server).classify(image())
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<html>a proxy</html>",
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"Labels": 7}',
        b'{"Labels": [7]}',
        b'{"Labels": [null]}',
        b'{"Labels": [{"Confidence": 90}]}',
        b'{"Labels": [{"Name": 7}]}',
        b'{"Labels": [{"Name": "Kayak", "Confidence": "high"}]}',
        b'{"Labels": [{"Name": "Kayak", "Confidence": 101}]}',
        b'{"Labels": [{"Name": "Kayak", "Confidence": NaN}]}',
        b'{"Labels": [{"Name": "Kayak", "Parents": [{}]}]}',
        b'{"Labels": [{"Name": "Kayak", "Instances": {"BoundingBox": {}}}]}',
        b'{"Labels": [{"Name": "Kayak", "Instances": [{"BoundingBox": {"Left": "0"}}]}]}',
        b'{"Labels": [], "ImageProperties": {"Foreground": {"DominantColors": [{"SimplifiedColor": 7}]}}}',
        b'{"Labels": [], "ImageProperties": {"DominantColors": [{"SimplifiedColor": "red", "Red": 256}]}}',
    ],
)
def test_an_answer_of_another_shape_is_said_to_be_none(server: RekognitionServer, body: bytes) -> None:
    """What is no answer of Rekognition is a service that did not answer usefully, whatever it is."""
    server.script("DetectLabels", Reply(200, body))
    with pytest.raises(ServiceUnavailable, match="Rekognition"):
        classifier_of(server).classify(image())


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_error_without_a_name_goes_by_its_status(server: RekognitionServer, status: int) -> None:
    """A load balancer's HTML is a service that did not answer."""
    server.script("DetectLabels", Reply(status, b"<html>bad gateway</html>"))
    with pytest.raises(ServiceUnavailable, match="Rekognition"):
        classifier_of(server).classify(image())


def test_a_port_where_nobody_listens_may_work_later() -> None:
    """A connection that is refused is transient, and names the endpoint."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(ServiceUnavailable, match=url):
            RekognitionClassifier(region="eu-west-1", endpoint_url=url).classify(image())


def test_a_model_that_does_not_run_is_configuration(server: RekognitionServer) -> None:
    """ResourceNotReady is for a person to mend, and the custom model's region is where it is asked for."""
    server.script("DetectCustomLabels", refused("ResourceNotReadyException"))
    classifier = RekognitionClassifier(endpoint_url=server.url, custom_model=ARN)
    with pytest.raises(ConfigurationError, match="start the custom model's version first"):
        classifier.classify(image())
    assert "/eu-west-1/rekognition/" in server.asked[0].headers["Authorization"]


def test_both_models_can_be_asked_about_a_picture(server: RekognitionServer) -> None:
    """Rekognition's own model and a custom one, by different names, over the same service."""
    server.script("DetectLabels", answered(KAYAK))
    server.script("DetectText", answered(TEXT))
    server.script("DetectCustomLabels", answered(CUSTOM))
    both = (
        classifier_of(server, detects=["labels", "colors", "text"]),
        classifier_of(server, custom_model=ARN),
    )
    answers = [one.classify(image()) for one in both]
    assert [answer.classifier for answer in answers] == ["rekognition", "rekognition:shoes"]
    assert [asked.operation for asked in server.asked] == ["DetectLabels", "DetectText", "DetectCustomLabels"]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The name of the service for each client that boto3 makes."""
    session: Any = import_module("boto3").Session
    client_of, names = session.client, list[object]()

    def noted(self: object, name: str, **more: Any) -> Any:  # noqa: ANN401 - boto3 has no types
        names.append(name)
        return client_of(self, name, **more)

    monkeypatch.setattr(session, "client", noted)
    return names


def test_threads_share_one_client(server: RekognitionServer, made: list[object]) -> None:
    """Threads that come at once make one client between them, and all get their answers."""
    server.script("DetectLabels", answered(KAYAK))
    classifier, together = classifier_of(server), Barrier(8)

    def ask(_: int) -> str:
        together.wait(timeout=60)
        return classifier.classify(image()).labels[1].name

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == ["Kayak"] * 8
    assert made == ["rekognition"]


def test_a_forked_process_makes_a_client_of_its_own(
    server: RekognitionServer, made: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that came along with a fork is not used, as it shares its connections with the parent's."""
    server.script("DetectLabels", answered(KAYAK))
    classifier = classifier_of(server)
    classifier.classify(image())
    monkeypatch.setattr("os.getpid", lambda: 1)
    classifier.classify(image())
    classifier.classify(image())
    assert len(made) == 2


def test_a_used_classifier_pickles_without_its_client(server: RekognitionServer) -> None:
    """A classifier that has a connection travels without it and makes its own there."""
    server.script("DetectLabels", answered(KAYAK))
    classifier = classifier_of(server)
    classifier.classify(image())
    frozen = pickle.dumps(classifier)
    assert b"AKIDEXAMPLE" not in frozen
    assert pickle.loads(frozen).classify(image()).labels[1].name == "Kayak"  # noqa: S301 - made here


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The URL of moto's server, which answers every picture alike."""
    module: Any = import_module("moto.server")
    running = module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


def test_moto_answers_with_its_label(moto: str) -> None:
    """Signing, encoding and reading labels work against a server that is not ours."""
    answer = RekognitionClassifier(region="us-east-1", endpoint_url=moto).classify(image())
    assert [(label.name, label.parents) for label in answer.labels] == [("Mobile Phone", ("Phone",))]
    (phone,) = answer.labels
    assert phone.confidence == pytest.approx(0.999364, abs=1e-5)
    assert phone.box is not None
    # The shares and shades of moto's colours stand under keys that boto3 does not know.
    assert [(color.name, color.confidence, color.shade) for color in answer.colors] == [("red", None, None)]


def test_moto_answers_for_text_and_custom_models(moto: str) -> None:
    """The other two operations work against it too."""
    text = RekognitionClassifier(region="us-east-1", endpoint_url=moto, detects=["text"]).classify(image())
    assert text.attributes
    assert {one.name for one in text.attributes} == {"text"}
    custom = RekognitionClassifier(endpoint_url=moto, custom_model=ARN).classify(image())
    assert custom.labels
    assert all(isinstance(one, Label) for one in custom.labels)
