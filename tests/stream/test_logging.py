"""What operations log: under one name, for programs too, waits as warnings, and nothing that is no log's business."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator

import pytest
from loading import products
from typing_extensions import override
from updating import Clock, appends, patient, replaces, unwaited

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich.errors import CoveoEnrichError
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.sandbox.http.faults import Operation
from coveo_enrich.stream.receipts import Receipt

KEY = "xx0a1b2c-unmistakable-push-key"
BROAD_KEY = "xx0a1b2c-unmistakable-platform-key"
CONTENT = "UnmistakableTitle"
OURS = ("coveo_enrich", "httpx", "httpcore")

Records = list[logging.LogRecord]


@pytest.fixture
def sandbox() -> Iterator[CoveoSandbox]:
    """A sandbox that takes any key."""
    with CoveoSandbox(restricted=False) as running:
        yield running


@pytest.fixture
def source(sandbox: CoveoSandbox) -> CoveoSource:
    """A source with keys that stand out."""
    return CoveoSource(**{**sandbox.connection, "api_key": KEY, "platform_key": BROAD_KEY})


class _Keeping(logging.Handler):
    """Keeps every record."""

    def __init__(self) -> None:
        super().__init__()
        self.records: Records = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Iterator[Records]:
    """Everything that is logged from now on, as somebody who looks for a fault would have it."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore"):
        caplog.set_level(logging.INFO, name)
    keeping = _Keeping()
    logging.getLogger().addHandler(keeping)
    yield keeping.records
    logging.getLogger().removeHandler(keeping)


def _own(records: Records) -> Records:
    return [record for record in records if record.name.split(".")[0] == "coveo_enrich"]


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name.startswith("coveo_")}


def _said(records: Records) -> str:
    formatter = logging.Formatter()
    return "\n".join(
        f"{formatter.format(record)} {vars(record)!r}" for record in records if record.name.startswith(OURS)
    )


def _items(count: int) -> list[dict[str, str]]:
    return [{**product, "title": CONTENT} for product in products(count)]


OPERATIONS: dict[str, Callable[[StreamClient], Receipt]] = {
    "load": lambda client: client.load(_items(30), allow_shrink=True),
    "replace": lambda client: client.replace(_items(30)),
    "update": lambda client: client.update(_items(30), delete=["product://9999"]),
    "partial update": lambda client: client.update_partially([replaces(20, CONTENT), appends(20, CONTENT)]),
    "merge": lambda client: client.merge(_items(30)),
    "delete older than": lambda client: client.delete_older_than(client.update(_items(30))),
}
EVERY = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
Order = Callable[[CoveoSandbox, Operation], None]
TROUBLES: dict[str, tuple[Order, list[Operation]]] = {
    "none": (lambda box, one: box.fail(one), []),
    "pauses": (lambda box, one: box.fail(one, 503), ["source", "open", "files", "upload", "update", "merge"]),
    "replies lost": (lambda box, one: box.lose_reply(one), ["source", "files", "upload", "update", "merge"]),
    "key refused": (
        lambda box, one: box.fail(one, 401, body=f'{{"message": "{KEY}"}}', times=None),
        ["open", "files"],
    ),
    "storage refuses": (lambda box, one: box.fail(one, 400, times=None), ["upload"]),
    "storage down": (lambda box, one: box.break_connection(one, times=None), ["upload"]),
    "calls refused": (
        lambda box, one: box.fail(one, 400, times=None),
        ["close", "update", "merge", "delete_older_than"],
    ),
    "nobody answers": (lambda box, one: box.break_connection(one, times=None), ["open", "update", "merge"]),
}


@EVERY
@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
def test_no_record_holds_a_secret_or_an_item(
    sandbox: CoveoSandbox,
    source: CoveoSource,
    records: Records,
    operation: Callable[[StreamClient], Receipt],
    trouble: tuple[Order, list[Operation]],
) -> None:
    """Law 13: whatever succeeds or fails, at DEBUG: no key, no signature, no title, in text, arguments or extras."""
    order, struck = trouble
    for one in struck:
        order(sandbox, one)
    with patient(source, attempts=3) as client:
        try:
            operation(client)
        except CoveoEnrichError as error:
            assert CONTENT not in str(error) + "".join(error.__notes__)  # noqa: PT017 - some operations succeed
    said = _said(records)
    assert said
    for secret in (KEY, BROAD_KEY, "X-Amz-Signature", "X-Amz-Credential", "SANDBOX/", CONTENT):
        assert secret not in said


def test_a_finding_is_logged_without_the_items_value(client: StreamClient, records: Records) -> None:
    """A value that is worth a warning is an item's content all the same: the log has the field and the number."""
    client.update([{**products(1)[0], "ec_category": [f"{CONTENT}|x"], "ec_color": [f"{CONTENT};x"]}])
    warnings = [record for record in _own(records) if record.levelno == logging.WARNING]
    assert len(warnings) == 2
    assert CONTENT not in _said(records)


def test_what_was_skipped_is_logged_without_the_items_value(client: StreamClient, records: Records) -> None:
    """The log of an item that was left out has no value of it."""
    client.update([{**products(1)[0], "parentId": CONTENT}, *products(1, first=2)], skip_invalid=True)
    assert [record.levelname for record in _own(records)].count("WARNING") == 1
    assert CONTENT not in _said(records)


@EVERY
def test_every_record_says_its_operation(
    client: StreamClient, records: Records, operation: Callable[[StreamClient], Receipt]
) -> None:
    """Under ``coveo_enrich``, and for programs: extras whose names cannot clash with anybody's."""
    operation(client)
    own = _own(records)
    assert own
    assert all(_extras(record)["coveo_operation"] for record in own)
    usual = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
    for record in own:
        assert set(vars(record)) - usual == set(_extras(record))


def test_each_chunk_and_the_end_are_logged(client: StreamClient, records: Records) -> None:
    """At INFO: number, items, bytes, tries and seconds of a chunk, as in the receipt; at last the sums."""
    receipt = client.update(_items(30))
    *chunks, end = _own(records)
    assert {record.levelno for record in (*chunks, end)} == {logging.INFO}
    told = sorted((_extras(record) for record in chunks), key=lambda extras: str(extras["coveo_chunk"]))
    assert told == [
        {
            "coveo_operation": "update",
            "coveo_chunk": chunk.number,
            "coveo_items": chunk.items,
            "coveo_bytes": chunk.size,
            "coveo_attempts": chunk.attempts,
            "coveo_seconds": chunk.seconds,
        }
        for chunk in receipt.chunks
    ]
    assert _extras(end) == {
        "coveo_operation": "update",
        "coveo_source_id": "sandbox-catalog",
        "coveo_items": 30,
        "coveo_seconds": receipt.seconds,
    }


def test_a_wait_between_tries_is_a_warning(
    sandbox: CoveoSandbox, source: CoveoSource, monkeypatch: pytest.MonkeyPatch, records: Records
) -> None:
    """Law 9: whoever waits sees why and how long."""
    unwaited(monkeypatch)
    sandbox.fail("update", 429, headers={"Retry-After": "12"})
    sandbox.break_connection("files")
    with StreamClient(source, concurrency=1) as client:
        client.update(_items(3))
    files, update = [record for record in _own(records) if record.levelno == logging.WARNING]
    assert _extras(update) == {
        "coveo_operation": "update the source",
        "coveo_status": 429,
        "coveo_failures": 1,
        "coveo_wait_seconds": 12.0,
    }
    assert update.getMessage() == "update the source: answered 429; trying again in 12.0 s"
    assert (_extras(files)["coveo_operation"], _extras(files)["coveo_status"]) == ("ask for a file container", None)
    assert "trying again in" in files.getMessage()


def test_a_wait_for_a_turn_is_a_warning(source: CoveoSource, monkeypatch: pytest.MonkeyPatch, records: Records) -> None:
    """Law 9: keeping to Coveo's pace is not silent."""
    clock = Clock(monkeypatch)
    with patient(source, calls_per_five_minutes=3) as client:
        client.update(_items(30))
    warnings = [record for record in _own(records) if record.levelno == logging.WARNING]
    assert [_extras(record)["coveo_wait_seconds"] for record in warnings] == clock.waits == [300.0] * 2
    assert "waiting 300 s, to stay within the calls that Coveo allows" in warnings[0].getMessage()


def test_a_chunk_in_doubt_is_a_warning(sandbox: CoveoSandbox, source: CoveoSource, records: Records) -> None:
    """Law 9: the run goes on, and nobody has to read the receipt to be told."""
    sandbox.lose_reply("update")
    with patient(source) as client:
        client.update_partially(appends(3))
    (warning,) = [record for record in _own(records) if record.levelno == logging.WARNING]
    assert "chunk 1 is not confirmed" in warning.getMessage()
    assert _extras(warning) == {"coveo_operation": "partial update", "coveo_chunk": 1, "coveo_items": 3}


def test_a_failure_is_logged_with_what_became_of_the_source(
    sandbox: CoveoSandbox, source: CoveoSource, records: Records
) -> None:
    """A failure logs the note of its error, once; the error itself is the caller's to log."""
    sandbox.fail("update", 400, after=1)
    with patient(source) as client, pytest.raises(CoveoEnrichError) as caught:
        client.update(_items(36))
    (note,) = caught.value.__notes__
    assert [record.getMessage() for record in _own(records)].count(f"update: {note}") == 1
    assert all(record.exc_info is None for record in _own(records))


def test_nothing_is_written_where_nobody_listens(
    client: StreamClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A program that set nothing up sees no line of an operation that goes well."""
    monkeypatch.setattr(logging, "lastResort", logging.StreamHandler(io.StringIO()))
    client.update(_items(30))
    client.load(_items(30))
    assert capsys.readouterr() == ("", "")
