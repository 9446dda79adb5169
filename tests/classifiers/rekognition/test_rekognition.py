"""The requests that RekognitionClassifier makes and the answers that it gives, by botocore's own model."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import weakref
from importlib import import_module
from traceback import format_exception
from typing import Any, get_args

import pytest
from rekognition_samples import ARN, CUSTOM, KAYAK, TEXT, image, picture

from coveo_enrich.classifiers import Attribute, Box, Classification, Color, Label
from coveo_enrich.classifiers.declared import Declared
from coveo_enrich.classifiers.rekognition import RekognitionClassifier
from coveo_enrich.classifiers.rekognition.classifier import Detects
from coveo_enrich.classifiers.rekognition.halves import HalfDone
from coveo_enrich.errors import (
    ConfigurationError,
    CoveoEnrichError,
    ImageRejected,
    MissingExtraError,
    ServiceUnavailable,
    Throttled,
)
from coveo_enrich.images import ProductImage

pytest_plugins = ["rekognition_fixtures"]
pytestmark = pytest.mark.usefixtures("aws")

BYTES = {"Bytes": picture()}
KAYAK_LABEL = Label(
    "Kayak",
    0.985,
    raw_score=98.5,
    scale=100,
    parents=("Boat", "Transportation", "Vehicle"),
    box=Box(0.25, 0.125, 0.5, 0.75),
)
YELLOW = Color("yellow", 0.405, rgb=(250, 210, 20), shade="gold", raw_score=40.5, scale=100)
BLACK = Color("black", 0.3, rgb=(10, 10, 10), shade="black", raw_score=30.0, scale=100)
SEA_TOURER = Attribute("text", "SEA TOURER", 0.975, raw_score=97.5, scale=100, box=Box(0.5, 0.25, 0.25, 0.125))


def test_labels_and_colors_are_asked_for_in_one_call(stubber: Any, boto_client: Any) -> None:  # noqa: ANN401 - untyped
    """By default one DetectLabels asks for both; leaves have their parents, and the instance its colours."""
    stubber.add_response("detect_labels", KAYAK, {"Image": BYTES, "Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"]})
    answer = RekognitionClassifier(client=boto_client).classify(image())
    assert answer == Classification(
        "rekognition",
        labels=[Label("Paddle", 0.99, raw_score=99.0, scale=100), KAYAK_LABEL],
        colors=[YELLOW, BLACK],
        model_version="3.0",
    )


def test_settings_are_sent_on_the_scale_of_the_service(stubber: Any, boto_client: Any) -> None:  # noqa: ANN401 - untyped
    """A least confidence of 0.5 is sent as 50 percent, and no property of the picture is asked for needlessly."""
    expected = {"Image": BYTES, "Features": ["GENERAL_LABELS"], "MaxLabels": 7, "MinConfidence": 50.0}
    stubber.add_response("detect_labels", {"Labels": []}, expected)
    classifier = RekognitionClassifier(client=boto_client, detects=["labels"], max_labels=7, min_confidence=0.5)
    assert classifier.classify(image()) == Classification("rekognition")


def test_colors_alone_are_those_of_the_foreground(stubber: Any, boto_client: Any) -> None:  # noqa: ANN401 - untyped
    """Without labels there is no instance, so the foreground has the colours; settings of labels are not sent."""
    stubber.add_response(
        "detect_labels",
        {"ImageProperties": KAYAK["ImageProperties"]},
        {"Image": BYTES, "Features": ["IMAGE_PROPERTIES"]},
    )
    classifier = RekognitionClassifier(client=boto_client, detects=["colors"], min_confidence=0.5)
    assert [color.name for color in classifier.classify(image()).colors] == ["orange"]


def test_text_is_asked_for_in_a_call_of_its_own(stubber: Any, boto_client: Any) -> None:  # noqa: ANN401 - untyped
    """Each line is an attribute; words are left out, as the lines hold them."""
    stubber.add_response("detect_text", TEXT, {"Image": BYTES})
    answer = RekognitionClassifier(client=boto_client, detects=["text"]).classify(image())
    assert answer == Classification("rekognition", attributes=[SEA_TOURER], model_version="3.1")


def test_everything_at_once_is_two_calls(stubber: Any, boto_client: Any) -> None:  # noqa: ANN401 - untyped
    """Labels, colours and text come together in one answer, with the version of the label model."""
    stubber.add_response("detect_labels", KAYAK, {"Image": BYTES, "Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"]})
    stubber.add_response("detect_text", TEXT, {"Image": BYTES})
    answer = RekognitionClassifier(client=boto_client, detects=get_args(Detects)).classify(image())
    assert (answer.labels[1], answer.colors[0], answer.attributes) == (KAYAK_LABEL, YELLOW, (SEA_TOURER,))
    assert answer.model_version == "3.0"


def test_text_that_fails_is_asked_for_again_alone(stubber: Any, boto_client: Any) -> None:  # noqa: ANN401 - untyped
    """Law 8: labels that were paid for are not asked for again when the call for the text has to be repeated."""
    stubber.add_response("detect_labels", KAYAK, {"Image": BYTES, "Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"]})
    stubber.add_client_error("detect_text", "ThrottlingException", http_status_code=400)
    stubber.add_client_error("detect_text", "InternalServerError", http_status_code=500)
    stubber.add_response("detect_text", TEXT, {"Image": BYTES})
    classifier, kayak = RekognitionClassifier(client=boto_client, detects=get_args(Detects)), image()
    with pytest.raises(Throttled):
        classifier.classify(kayak)
    with pytest.raises(ServiceUnavailable):
        classifier.classify(kayak)
    answer = classifier.classify(kayak)
    assert (answer.labels[1], answer.colors[0], answer.attributes) == (KAYAK_LABEL, YELLOW, (SEA_TOURER,))


def test_half_an_answer_is_for_its_own_picture_and_once(stubber: Any, boto_client: Any) -> None:  # noqa: ANN401 - untyped
    """Another picture, of the same URL too, is asked about from the start, and so is the same one after its answer."""
    classifier, kayak = RekognitionClassifier(client=boto_client, detects=["labels", "text"]), image()
    stubber.add_response("detect_labels", KAYAK)
    stubber.add_client_error("detect_text", "ThrottlingException", http_status_code=400)
    with pytest.raises(Throttled):
        classifier.classify(kayak)
    stubber.add_response("detect_labels", {"Labels": []})
    stubber.add_response("detect_text", TEXT)
    assert classifier.classify(image()).labels == ()
    stubber.add_response("detect_text", TEXT)
    assert classifier.classify(kayak).labels[1] == KAYAK_LABEL
    stubber.add_response("detect_labels", {"Labels": []})
    stubber.add_response("detect_text", TEXT)
    assert classifier.classify(kayak).labels == ()


def test_half_an_answer_is_forgotten_with_its_picture() -> None:
    """Law 11: what is kept for a picture that is given up does not outlive it."""
    half_done, kayak = HalfDone(), image()
    answer = Classification("rekognition", labels=[KAYAK_LABEL])
    kept = weakref.ref(answer)
    half_done.keep(kayak, answer)
    del answer
    assert kept() is not None
    del kayak
    gc.collect()
    assert kept() is None


def test_a_custom_model_answers_with_its_labels(stubber: Any, boto_client: Any) -> None:  # noqa: ANN401 - untyped
    """DetectCustomLabels is asked with the model's ARN; its version is the model's version."""
    expected = {"ProjectVersionArn": ARN, "Image": BYTES, "MaxResults": 5, "MinConfidence": 25.0}
    stubber.add_response("detect_custom_labels", CUSTOM, expected)
    classifier = RekognitionClassifier(client=boto_client, custom_model=ARN, max_labels=5, min_confidence=0.25)
    assert classifier.classify(image()) == Classification(
        "rekognition:shoes",
        labels=[
            Label("sneaker", 0.92, raw_score=92.0, scale=100, box=Box(0.5, 0.25, 0.25, 0.125)),
            Label("sandal", 0.61, raw_score=61.0, scale=100),
        ],
        model_version="shoes.2026-01-01",
    )


@pytest.mark.parametrize(
    ("reference", "sent"),
    [
        ("S3://shop-pictures/kayak.jpg", {"Bucket": "shop-pictures", "Name": "kayak.jpg"}),
        ("s3://shop-pictures/a b/kayak%20.webp", {"Bucket": "shop-pictures", "Name": "a b/kayak%20.webp"}),
        (
            "s3://shop-pictures/kayak?versionId=v1",
            {"Bucket": "shop-pictures", "Name": "kayak", "Version": "v1"},
        ),
    ],
)
def test_an_s3_object_is_left_to_the_service(stubber: Any, boto_client: Any, reference: str, sent: object) -> None:  # noqa: ANN401 - untyped
    """An object in a bucket that is allowed goes by its name, whatever its format, and its bytes are not read."""
    stubber.add_response("detect_text", TEXT, {"Image": {"S3Object": sent}})
    classifier = RekognitionClassifier(client=boto_client, detects=["text"], s3_buckets=["shop-pictures"])
    assert classifier.classify(ProductImage(reference, load=_never)).attributes == (SEA_TOURER,)


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("s3://payroll/ceo.jpg", "the bucket payroll is not among s3_buckets"),
        ("s3://Shop-Pictures/kayak.jpg", "not among s3_buckets"),
        ("s3://shop-pictures.evil/kayak.jpg", "not among s3_buckets"),
        ("s3://shop-pictures/", "names no S3 object"),
        ("s3://shop-pictures", "names no S3 object"),
        ("s3:///kayak.jpg", "names no S3 object"),
        ("s3://shop-pictures@evil/kayak.jpg", "names no S3 object"),
        ("s3://shop-pictures/kayak.jpg?versionId=", "names no S3 object"),
        ("s3://shop-pictures/?versionId=v1", "names no S3 object"),
        ("s3://shop-pictures/" + "k" * 1025, "names no S3 object"),
    ],
)
@pytest.mark.usefixtures("stubber")
def test_no_other_s3_object_is_reached(boto_client: Any, reference: str, reason: str) -> None:  # noqa: ANN401 - untyped
    """What is in no allowed bucket, or names no object, is rejected without any call."""
    classifier = RekognitionClassifier(client=boto_client, s3_buckets=["shop-pictures"])
    with pytest.raises(ImageRejected, match=reason):
        classifier.classify(ProductImage(reference, load=_never))


ERRORS: list[tuple[str, int, type[CoveoEnrichError], str]] = [
    ("ThrottlingException", 400, Throttled, "Rekognition answered ThrottlingException: it said so"),
    ("ThrottlingException", 500, Throttled, "it said so"),
    ("ProvisionedThroughputExceededException", 400, Throttled, "it said so"),
    ("RequestLimitExceeded", 503, Throttled, "it said so"),
    ("Unheard", 429, Throttled, "it said so"),
    ("InternalServerError", 500, ServiceUnavailable, "it said so"),
    ("ServiceUnavailableException", 503, ServiceUnavailable, "it said so"),
    ("RequestTimeout", 400, ServiceUnavailable, "it said so"),
    ("Unheard", 408, ServiceUnavailable, "it said so"),
    ("502", 502, ServiceUnavailable, "it said so"),
    ("ResourceNotReadyException", 400, ConfigurationError, "start the custom model's version first"),
    ("ResourceNotFoundException", 400, ConfigurationError, "check the custom model's ARN"),
    ("LimitExceededException", 400, ConfigurationError, "a limit of the AWS account is reached"),
    ("AccessDeniedException", 400, ConfigurationError, "allow rekognition:DetectLabels"),
    ("UnrecognizedClientException", 400, ConfigurationError, "check the AWS credentials"),
    ("InvalidSignatureException", 400, ConfigurationError, "check the AWS credentials"),
    ("ExpiredTokenException", 400, ConfigurationError, "have not expired"),
    ("Unheard", 403, ConfigurationError, "check the endpoint"),
    ("404", 404, ConfigurationError, "check the endpoint"),
    ("ImageTooLargeException", 400, ImageRejected, "it said so"),
    ("InvalidImageFormatException", 400, ImageRejected, "it said so"),
    ("InvalidParameterException", 400, ImageRejected, "it said so"),
    ("InvalidS3ObjectException", 400, ImageRejected, "it said so"),
    ("Unheard", 400, ImageRejected, "it said so"),
]


@pytest.mark.parametrize(("code", "status", "kind", "said"), ERRORS)
def test_an_error_means_what_its_name_says(
    stubber: Any,  # noqa: ANN401 - untyped
    code: str,
    status: int,
    kind: type[CoveoEnrichError],
    said: str,
) -> None:
    """Each error of AWS becomes one of the library's by its name, by its status only where the name is unknown."""
    stubber.add_client_error("detect_labels", code, "it said so.\n\nAnd repeated the token", status)
    with pytest.raises(kind, match=said) as caught:
        RekognitionClassifier(client=stubber.client).classify(image())
    assert type(caught.value) is kind
    assert "token" not in str(caught.value)
    assert "token" not in "".join(format_exception(caught.value))
    assert caught.value.__context__ is None
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args  # noqa: S301 - made here


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        ("NoCredentialsError", ConfigurationError, "the environment, a profile or a role"),
        ("PartialCredentialsError", ConfigurationError, "Partial credentials"),
        ("ProfileNotFound", ConfigurationError, "could not be found"),
        ("ParamValidationError", ConfigurationError, "Parameter validation failed"),
        ("EndpointConnectionError", ServiceUnavailable, "Could not connect to the endpoint URL"),
        ("ConnectTimeoutError", ServiceUnavailable, "did not answer"),
        ("ReadTimeoutError", ServiceUnavailable, "did not answer"),
        ("ConnectionClosedError", ServiceUnavailable, "did not answer"),
        ("SSLError", ServiceUnavailable, "did not answer"),
    ],
)
def test_what_fails_before_an_answer_is_told_apart(error: str, kind: type[CoveoEnrichError], said: str) -> None:
    """Credentials and requests are configuration; a connection that failed may work later."""
    values: dict[str, str] = dict.fromkeys(("endpoint_url", "error", "provider", "cred_var", "profile", "report"), "x")
    raised = getattr(import_module("botocore.exceptions"), error)(**values)
    with pytest.raises(kind, match=said):
        RekognitionClassifier(client=_Raises(raised)).classify(image())


def test_a_mistake_of_a_client_is_not_hidden() -> None:
    """What a client raises that is no error of AWS comes out as it is."""
    with pytest.raises(ZeroDivisionError):
        RekognitionClassifier(client=_Raises(ZeroDivisionError())).classify(image())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"detects": []}, "some of labels, colors, text"),
        ({"detects": "labels"}, "some of labels, colors, text"),
        ({"detects": ["faces"]}, "some of labels, colors, text"),
        ({"custom_model": "shoes"}, "must be the ARN of a model version"),
        ({"custom_model": ARN, "detects": ["colors"]}, "knows labels only"),
        ({"custom_model": ARN, "region": "us-east-1"}, "is in eu-west-1, not in us-east-1"),
        ({"max_labels": 0}, "max_labels must be a whole number, from 1 to 1,000"),
        ({"max_labels": 1001}, "max_labels must be a whole number, from 1 to 1,000"),
        ({"min_confidence": 55}, "share from 0 to 1"),
        ({"min_confidence": "0.5"}, "share from 0 to 1"),
        ({"min_confidence": float("nan")}, "share from 0 to 1"),
        ({"endpoint_url": "https://me:pw@rekognition.example.com"}, "holds no credentials"),
        ({"s3_buckets": "shop-pictures"}, "must be a list of buckets"),
        ({"s3_buckets": ["s3://shop-pictures"]}, "must be names of buckets"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(settings: dict[str, Any], said: str) -> None:
    """A wrong setting is told when the classifier is made, not with the first picture."""
    with pytest.raises(ConfigurationError, match=said):
        RekognitionClassifier(**settings)


def test_a_client_has_its_own_region(boto_client: Any) -> None:  # noqa: ANN401 - untyped
    """Where both a client and a region are given, it is not guessed which of them is meant."""
    with pytest.raises(ConfigurationError, match="its own region"):
        RekognitionClassifier(client=boto_client, region="us-east-1")


def test_what_it_declares_can_be_read() -> None:
    """The pipeline finds formats, sizes and pace; a custom model takes less and has another name."""
    usual, custom = Declared.of(RekognitionClassifier()), Declared.of(RekognitionClassifier(custom_model=ARN))
    assert (usual.name, custom.name) == ("rekognition", "rekognition:shoes")
    assert usual.accepts is not None
    assert custom.accepts is not None
    assert usual.accepts.formats == {"JPEG", "PNG"}
    assert (usual.accepts.max_bytes, usual.accepts.min_side, usual.accepts.max_side) == (5_242_880, 80, 10_000)
    assert custom.accepts.max_bytes == 4_194_304
    assert (usual.max_batch, usual.images_per_second) == (1, 5)


def test_the_fingerprint_holds_what_changes_answers() -> None:
    """Whatever changes an answer changes the fingerprint; where requests go, and how fast, does not."""
    several = [
        RekognitionClassifier(),
        RekognitionClassifier(detects=["labels"]),
        RekognitionClassifier(max_labels=5),
        RekognitionClassifier(min_confidence=0.5),
        RekognitionClassifier(custom_model=ARN),
        RekognitionClassifier(custom_model=ARN.replace("01-01", "02-02")),
    ]
    assert len({one.fingerprint for one in several}) == len(several)
    alike = RekognitionClassifier(
        detects=["colors", "labels"], region="us-east-1", images_per_second=50, s3_buckets=["shop-pictures"]
    )
    assert alike.fingerprint == RekognitionClassifier().fingerprint


def test_it_pickles_with_its_settings() -> None:
    """Another process gets the same classifier, which makes its own client."""
    classifier = RekognitionClassifier(custom_model=ARN, max_labels=5, s3_buckets=["shop-pictures"], region="eu-west-1")
    there = pickle.loads(pickle.dumps(classifier))  # noqa: S301 - made here
    assert there == classifier
    assert there.fingerprint == classifier.fingerprint


def test_a_client_that_was_given_does_not_travel(boto_client: Any) -> None:  # noqa: ANN401 - untyped
    """A classifier with a client refuses to be pickled, and says what to do; it can be copied."""
    classifier = RekognitionClassifier(client=boto_client)
    with pytest.raises(ConfigurationError, match="give region= instead"):
        pickle.dumps(classifier)
    assert copy.deepcopy(classifier) is classifier
    assert copy.copy(classifier) is classifier


def test_a_region_that_nothing_names_is_configuration() -> None:
    """Without a region, a profile or a variable the message says where to give one."""
    with pytest.raises(ConfigurationError, match="pass region="):
        RekognitionClassifier().classify(image())


def test_an_endpoint_that_is_none_is_configuration() -> None:
    """What botocore says about an endpoint comes out as a configuration error."""
    with pytest.raises(ConfigurationError, match="Invalid endpoint"):
        RekognitionClassifier(region="eu-west-1", endpoint_url="nowhere").classify(image())


def test_without_boto3_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing boto3 says which extra brings it."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(MissingExtraError, match=r"coveo-enrich\[rekognition\]"):
        RekognitionClassifier(region="eu-west-1").classify(image())


def test_naming_it_loads_neither_boto3_nor_pillow() -> None:
    """A program pays for boto3 and Pillow with the first picture, not with an import."""
    script = (
        "from coveo_enrich.classifiers.rekognition import RekognitionClassifier; RekognitionClassifier(); import sys; "
        "print([name for name in ('boto3', 'botocore', 'PIL', 'httpx') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    assert found.stdout.strip() == "[]"


class _Raises:
    """A client of another make that only fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def detect_labels(self, **request: Any) -> dict[str, Any]:  # noqa: ANN401, ARG002 - as the protocol has it
        raise self._error

    detect_text = detect_custom_labels = detect_labels


def _never() -> bytes:
    raise AssertionError("its bytes were asked for")
