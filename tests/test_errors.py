"""The error tree: what a caller can catch, what it reads, and that an error travels to another process whole."""

from __future__ import annotations

import copy
import inspect
import pickle

import attrs
import pytest

from coveo_enrich import errors
from coveo_enrich.errors import (
    AccessRefused,
    CatalogFileError,
    ChunksExpired,
    ClassifierError,
    CloseOutcomeUnknown,
    ConfigurationError,
    CoveoEnrichError,
    CoveoRefused,
    DeletionRefused,
    EmptyLoad,
    FieldsInConflict,
    FieldsNotReady,
    ImageRejected,
    ImageUnavailable,
    InvalidItem,
    MissingExtraError,
    NoReply,
    ServiceUnavailable,
    ShrinkingLoad,
    SourceSizeUnknown,
    StreamError,
    StreamStateError,
    Throttled,
    TooManyItems,
    UploadRefused,
)

EXAMPLES: list[CoveoEnrichError] = [
    CoveoEnrichError("root"),
    ConfigurationError("mend it"),
    MissingExtraError.of("ColorClassifier", "images"),
    CatalogFileError("products.jsonl", 3, "not JSON"),
    CatalogFileError("products.jsonl", None, "there is no such file"),
    InvalidItem("product://1", 7, "too large"),
    InvalidItem(None, 1, "it has no documentId"),
    ClassifierError("root of adapters"),
    ImageRejected("HTML"),
    Throttled("slow down", 2.5),
    Throttled("slow down"),
    ServiceUnavailable("later"),
    ServiceUnavailable("warming up", 20.0),
    ImageUnavailable("its host answered 503"),
    NoReply("open a stream", "api.cloud.coveo.com", "ConnectError", sent=False),
    CoveoRefused("open a stream", 412, "SOURCE_DOES_NOT_EXIST", "no such source", "Check the source id."),
    AccessRefused("open a stream", 401, None, "", ""),
    FieldsInConflict(("color: type is 'LONG' and has to be 'STRING'",)),
    FieldsNotReady("to create: color, STRING"),
    UploadRefused(400, "EntityTooLarge", 1_234_567),
    StreamError("root of streams"),
    StreamStateError("not now"),
    EmptyLoad("src"),
    ShrinkingLoad(1, 10_000, "items in the source now"),
    SourceSizeUnknown("src", "403"),
    TooManyItems(1_000_000),
    ChunksExpired(61.5),
    DeletionRefused("no item was sent"),
    CloseOutcomeUnknown("stream-1", 20_000, "connection reset"),
]


def _fields(error: CoveoEnrichError) -> object:
    return attrs.asdict(error) if attrs.has(type(error)) else error.args  # type: ignore[arg-type] # it was just asked


def _named(error: CoveoEnrichError) -> str:
    return type(error).__name__


def test_every_public_error_has_an_example() -> None:
    """Law 14: no error of the tree escapes the tests below, and all are public names of the module."""
    public = {value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)}
    assert {type(error) for error in EXAMPLES} == public
    assert {kind.__name__ for kind in public} == set(errors.__all__)
    assert all(issubclass(kind, CoveoEnrichError) for kind in public)


@pytest.mark.parametrize("error", EXAMPLES, ids=_named)
def test_an_error_travels(error: CoveoEnrichError) -> None:
    """Law 14: an error pickles with its type, fields, text and notes."""
    error = copy.copy(error)
    error.add_note("The source is as it was.")
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        arrived = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301 - our own bytes
        assert type(arrived) is type(error)
        assert _fields(arrived) == _fields(error)
        assert str(arrived) == str(error)
        assert arrived.__notes__ == ["The source is as it was."]


@pytest.mark.parametrize("error", EXAMPLES, ids=_named)
def test_an_error_can_be_raised_chained_and_annotated(error: CoveoEnrichError) -> None:
    """Python sets a traceback, a cause and notes on an error: none of them is refused, and its text stands."""
    raised = copy.copy(error)
    raised.add_note("note")
    with pytest.raises(type(error)) as caught:
        raise raised from KeyError("behind it")
    assert str(caught.value) == str(error)
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("error", EXAMPLES, ids=_named)
def test_an_error_says_something(error: CoveoEnrichError) -> None:
    """No error is a bare class name, and none shows a place that was not filled in."""
    assert str(error).strip()
    assert "None" not in str(error)
    assert "{" not in str(error)


@pytest.mark.parametrize(
    ("kind", "also"),
    [
        (ConfigurationError, ValueError),
        (MissingExtraError, ImportError),
        (MissingExtraError, ConfigurationError),
        (StreamStateError, RuntimeError),
        (StreamStateError, StreamError),
        (AccessRefused, CoveoRefused),
        (ImageRejected, ClassifierError),
        (Throttled, ClassifierError),
        (ServiceUnavailable, ClassifierError),
        (ImageUnavailable, ServiceUnavailable),
        (EmptyLoad, StreamError),
        (ShrinkingLoad, StreamError),
        (SourceSizeUnknown, StreamError),
        (TooManyItems, StreamError),
        (CloseOutcomeUnknown, StreamError),
    ],
)
def test_an_error_is_caught_as_what_it_also_is(kind: type[Exception], also: type[Exception]) -> None:
    """The tree is as the module draws it, and usual programs catch usual kinds."""
    assert issubclass(kind, also)


def test_the_drawing_shows_every_error() -> None:
    """The tree at the top of the module is the tree of the classes: same names, each below its parent."""
    lines = [line for line in str(errors.__doc__).splitlines() if "──" in line]
    parents = [CoveoEnrichError.__name__]
    drawn: dict[str, str] = {}
    for line in lines:
        depth = line.index("─") // 4
        name = line.partition("── ")[2].split()[0]
        parents[depth:] = [name]
        drawn[name] = parents[depth - 1]
    real = {_named(error): type(error).__mro__[1].__name__ for error in EXAMPLES[1:]}
    assert drawn == real


def test_what_is_not_known_is_left_out() -> None:
    """Codes, details and advice that are not there leave no trace in the text."""
    assert str(CoveoRefused("open a stream", 500, None, "")) == "open a stream: Coveo answered 500"
    assert str(UploadRefused(503, None, 1000)) == "upload of a chunk of 1,000 bytes: the storage answered 503"
    assert str(InvalidItem(None, 3, "it has no documentId")) == "item 3 (no documentId): it has no documentId"
    assert str(CatalogFileError("a.jsonl", None, "gone")) == "a.jsonl: gone"


def test_a_missing_extra_names_the_command() -> None:
    """The message can be copied into a shell."""
    assert "pip install 'coveo-enrich[images]'" in str(MissingExtraError.of("ColorClassifier", "images"))


def test_a_reply_that_was_lost_reads_unlike_a_connection_never_made() -> None:
    """Whether a request may have arrived is in the text, as it decides what a reader does next."""
    lost = NoReply("close the stream", "host", "ReadError", sent=True)
    never = NoReply("close the stream", "host", "ConnectError", sent=False)
    assert "the reply was lost" in str(lost)
    assert "no connection was made" in str(never)
