"""The Stream API: open, chunk, close, and what they do to the source."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sandbox_caller import Caller, batch

from coveo_enrich.sandbox import CoveoSandbox


@pytest.fixture
def coveo() -> Iterator[Caller]:
    """A running sandbox."""
    with Caller.running() as caller:
        yield caller


def test_open_chunk_and_close_answer_as_documented(coveo: Caller) -> None:
    """Status codes and JSON keys are those of Coveo's specification; ids are texts."""
    opened = coveo.post(f"{coveo.stream_path}/open")
    assert opened.status_code == 201
    assert set(opened.json()) == {"streamId", "uploadUri", "fileId", "requiredHeaders"}
    assert opened.json()["requiredHeaders"] == {
        "x-amz-server-side-encryption": "AES256",
        "Content-Type": "application/octet-stream",
    }
    chunk = coveo.post(f"{coveo.stream_path}/{opened.json()['streamId']}/chunk")
    assert chunk.status_code == 200
    assert set(chunk.json()) == {"uploadUri", "fileId", "requiredHeaders"}
    assert chunk.json()["uploadUri"] != opened.json()["uploadUri"]
    closed = coveo.close(opened.json()["streamId"])
    assert closed.status_code == 200
    assert set(closed.json()) == {"orderingId", "requestId"}
    assert re.fullmatch(r"\d{13}", closed.json()["orderingId"])


@pytest.mark.parametrize("body", [b"", b"{}", b"{not json", b"[" * 5_000])
def test_a_body_of_open_is_passed_over(coveo: Caller, body: bytes) -> None:
    """Open takes no body; clients send nothing or ``{}``, and nothing that they send is read."""
    assert coveo.post(f"{coveo.stream_path}/open", content=body).status_code == 201


def test_the_source_becomes_the_union_of_the_uploaded_chunks(coveo: Caller) -> None:
    """A load replaces what was there before by what its chunks hold, and an unused container adds nothing."""
    coveo.load(batch({"documentId": "product://old"}))
    opened = coveo.open()
    coveo.upload(opened, batch({"documentId": "product://2"}))
    coveo.upload(coveo.chunk(opened["streamId"]), batch({"documentId": "product://1"}))
    coveo.chunk(opened["streamId"])
    assert coveo.document_ids() == ["product://old"]
    coveo.close(opened["streamId"])
    coveo.sandbox.advance(minutes=15)
    assert coveo.document_ids() == ["product://1", "product://2"]
    assert coveo.number_of_documents() == 2


def test_what_a_load_does_not_contain_leaves_a_quarter_of_an_hour_later(coveo: Caller) -> None:
    """What is new is there at once; what is old leaves after the delay, and not before."""
    coveo.load(batch({"documentId": "product://old"}))
    coveo.load(batch({"documentId": "product://new"}))
    coveo.sandbox.advance(minutes=14)
    assert coveo.document_ids() == ["product://new", "product://old"]
    coveo.sandbox.advance(minutes=1)
    assert coveo.number_of_documents() == 1
    assert coveo.document_ids() == ["product://new"]


def test_the_delay_can_be_chosen() -> None:
    """Without a delay the source is the union of the chunks as soon as the stream is closed."""
    with Caller.running(deletion_delay_minutes=0) as coveo:
        coveo.load(batch({"documentId": "product://old"}))
        coveo.load(batch({"documentId": "product://new"}))
        assert coveo.document_ids() == ["product://new"]


def test_an_item_that_is_touched_meanwhile_stays(coveo: Caller) -> None:
    """Only what nothing was done to since the close leaves: an update, a merge or a partial update keeps an item."""
    names = [f"product://{number}" for number in range(5)]
    coveo.load(batch(*({"documentId": name} for name in names)))
    coveo.load(batch({"documentId": "product://0"}))
    coveo.update(addOrUpdate=[{"documentId": "product://1"}])
    coveo.update("merge", addOrMerge=[{"documentId": "product://2"}])
    change = {"operator": "fieldValueReplace", "field": "ec_name", "value": "Kayak"}
    coveo.update(partialUpdate=[{"documentId": "product://3", **change}, {"documentId": "product://9", **change}])
    coveo.sandbox.advance(minutes=15)
    assert coveo.document_ids() == names[:4]


def test_a_load_within_the_delay_of_another(coveo: Caller) -> None:
    """Each load has its own delay: what the first left out goes when the first is due, whatever was loaded since."""
    coveo.load(batch({"documentId": "product://1"}, {"documentId": "product://2"}))
    coveo.load(batch({"documentId": "product://2"}))
    coveo.sandbox.advance(minutes=10)
    coveo.load(batch({"documentId": "product://3"}))
    coveo.sandbox.advance(minutes=5)
    assert coveo.document_ids() == ["product://2", "product://3"]
    coveo.sandbox.advance(minutes=10)
    assert coveo.document_ids() == ["product://3"]


def test_of_two_items_with_one_id_the_later_one_stays(coveo: Caller) -> None:
    """Later means later in the file, and then in the container that was given out later, whoever was uploaded first."""
    opened = coveo.open()
    second = coveo.chunk(opened["streamId"])
    coveo.upload(second, batch({"documentId": "product://1", "ec_name": "third", "nobody": 1}))
    coveo.upload(
        opened,
        batch(
            {"documentId": "product://1", "ec_name": "first", "nothing": 1},
            {"documentId": "product://1", "ec_name": "second", "ec_brand": "gone with its version"},
        ),
    )
    coveo.close(opened["streamId"])
    assert coveo.sandbox.items() == [{"documentId": "product://1", "ec_name": "third"}]
    assert [entry.key for entry in coveo.sandbox.dropped()] == ["nobody"]


def test_closing_an_empty_stream_empties_the_source(coveo: Caller) -> None:
    """The documented trap: without a catalog configuration nothing protects the source."""
    coveo.load(batch({"documentId": "product://1"}))
    coveo.close(coveo.open()["streamId"])
    coveo.sandbox.advance(minutes=15)
    assert coveo.document_ids() == []
    assert coveo.number_of_documents() == 0


@pytest.mark.parametrize("files", [[], [b'{"addOrUpdate":[]}'], [b"no batch", batch({"documentId": "no uri"})]])
def test_a_source_in_a_catalog_configuration_is_not_emptied(files: list[bytes]) -> None:
    """With that protection a stream without items deletes nothing; one with an item deletes the rest as ever."""
    with Caller.running(protect_empty=True) as coveo:
        coveo.load(batch({"documentId": "product://1"}, {"documentId": "product://2"}))
        if files:
            coveo.load(*files)
        else:
            coveo.close(coveo.open()["streamId"])
        coveo.sandbox.advance(minutes=60)
        assert coveo.document_ids() == ["product://1", "product://2"]
        coveo.load(batch({"documentId": "product://2"}))
        coveo.sandbox.advance(minutes=15)
        assert coveo.document_ids() == ["product://2"]


def test_a_stream_that_is_not_closed_changes_nothing(coveo: Caller) -> None:
    """There is no abort: leaving the stream open is how a load is given up."""
    coveo.load(batch({"documentId": "product://1"}))
    coveo.upload(coveo.open(), batch({"documentId": "product://2"}))
    assert coveo.document_ids() == ["product://1"]


def test_a_second_upload_into_a_container_replaces_the_first(coveo: Caller) -> None:
    """One container holds one batch: the one that came last."""
    opened = coveo.open()
    coveo.upload(opened, batch({"documentId": "product://1"}))
    coveo.upload(opened, batch({"documentId": "product://2"}))
    coveo.close(opened["streamId"])
    assert coveo.document_ids() == ["product://2"]


def test_an_upload_after_the_close_is_lost(coveo: Caller) -> None:
    """The storage knows nothing of streams and takes it; the source stays as the close made it."""
    opened = coveo.open()
    coveo.upload(opened, batch({"documentId": "product://1"}))
    coveo.close(opened["streamId"])
    assert coveo.upload(opened, batch({"documentId": "product://2"})).status_code == 200
    assert coveo.document_ids() == ["product://1"]


def test_an_upload_that_breaks_off_leaves_the_container_as_it_was(coveo: Caller) -> None:
    """Only a whole body fills a container."""
    opened = coveo.open()
    coveo.upload(opened, batch({"documentId": "product://1"}))
    head = [
        f"PUT {httpx.URL(opened['uploadUri']).raw_path.decode()} HTTP/1.1",
        f"Host: {coveo.host}",
        *(f"{name}: {value}" for name, value in opened["requiredHeaders"].items()),
        "Content-Length: 1000",
    ]
    with socket.create_connection(coveo.address) as connection:
        connection.sendall("\r\n".join([*head, "", '{"addOrUpdate":[']).encode())
    coveo.close(opened["streamId"])
    assert coveo.document_ids() == ["product://1"]


@pytest.mark.parametrize("action", ["chunk", "close"])
def test_an_unknown_or_closed_stream_is_refused(coveo: Caller, action: str) -> None:
    """412 for a stream that is not there, and for one that was closed; nothing changes."""
    opened = coveo.open()
    coveo.upload(opened, batch({"documentId": "product://1"}))
    coveo.close(opened["streamId"])
    for stream_id in ("nobody", opened["streamId"]):
        answer = coveo.post(f"{coveo.stream_path}/{stream_id}/{action}")
        assert answer.status_code == 412
        assert answer.json()["errorCode"] == "INVALID_PARAMETER"
    assert coveo.document_ids() == ["product://1"]


@pytest.mark.parametrize("status", [200, 404, 412])
def test_what_a_second_close_answers_can_be_chosen(status: Any) -> None:  # noqa: ANN401 - one of three
    """It is not documented, so a client must live with each; nothing happens a second time."""
    with Caller.running(repeated_close=status) as coveo:
        opened = coveo.open()
        coveo.upload(opened, batch({"documentId": "product://1"}))
        first = coveo.close(opened["streamId"])
        coveo.update(delete=[{"documentId": "product://1"}])
        second = coveo.close(opened["streamId"])
        assert second.status_code == status
        assert (second.json() == first.json()) == (status == 200)
        assert coveo.document_ids() == []


def test_a_choice_that_there_is_not_is_an_error() -> None:
    """Before anything starts."""
    wrong: list[dict[str, Any]] = [
        {"repeated_close": 500},
        {"deletion_delay_minutes": -1},
        {"deletion_delay_minutes": float("nan")},
        {"deletion_delay_minutes": float("inf")},
    ]
    for options in wrong:
        with pytest.raises(ValueError, match=r"repeated_close|deletion_delay_minutes"):
            CoveoSandbox(**options)


def test_ordering_ids_grow(coveo: Caller) -> None:
    """Of two operations the later one has the larger orderingId, however close they are."""
    answers = [coveo.close(coveo.open()["streamId"]).json() for _ in range(20)]
    ordering_ids = [int(answer["orderingId"]) for answer in answers]
    assert ordering_ids == sorted(set(ordering_ids))
    assert len({answer["requestId"] for answer in answers}) == len(answers)


def test_streams_shows_containers_and_items(coveo: Caller) -> None:
    """An inspection tells what is open, what was uploaded, and what was taken up."""
    opened = coveo.open()
    coveo.upload(opened, batch({"documentId": "product://1"}, {"documentId": "not a uri"}))
    second = coveo.chunk(opened["streamId"])
    (stream,) = coveo.sandbox.streams()
    assert (stream.stream_id, stream.is_open, stream.items) == (opened["streamId"], True, 0)
    assert [container.file_id for container in stream.containers] == [opened["fileId"], second["fileId"]]
    assert [container.is_filled for container in stream.containers] == [True, False]
    coveo.close(opened["streamId"])
    (stream,) = coveo.sandbox.streams()
    assert not stream.is_open
    assert stream.items == 1
    assert [container.items for container in stream.containers] == [1, None]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "object"),
        (b"[]", "a batch is an object"),
        (b'{"delete":[]}', "no addOrUpdate"),
        (b'{"addOrUpdate":{}}', "addOrUpdate is an array"),
        (b'{"addOrUpdate":[],"AddOrUpdate":[]}', "twice"),
        (b'{"addOrUpdate":[{"documentId":"product://lost"}', "INVALID_JSON"),
        (b'{"addOrUpdate":[{"documentId":"product://lost"}]}]', "after the batch"),
        (b'{"addOrUpdate":[{"documentId":"product://lost"},{"documentId":"product://2","x":NaN}]}', "INVALID_JSON"),
        (b'{"addOrUpdate":[{"documentId":"product://lost"}' + b"," + b"[" * 100_000, "nested too deeply"),
        (b'\xff{"addOrUpdate":[]}', "UTF-8"),
    ],
)
def test_a_file_that_is_no_batch_is_rejected_whole_after_the_close(coveo: Caller, body: bytes, reason: str) -> None:
    """Close answers 200; the file's items are missing and the reason is shown, while other files are indexed."""
    coveo.load(body, batch({"documentId": "product://1"}))
    assert coveo.document_ids() == ["product://1"]
    (entry,) = coveo.sandbox.dropped()
    assert (entry.document_id, entry.key) == (None, None)
    assert reason in entry.reason
    assert coveo.sandbox.streams()[0].containers[0].items == 0


@pytest.mark.parametrize(
    ("item", "document_id", "reason"),
    [
        (7, None, "object"),
        ({"ec_name": "no id"}, None, "documentId"),
        ({"documentId": 7}, None, "documentId"),
        ({"documentId": "1"}, "1", "URI"),
        ({"documentId": "product://a\ud800"}, "product://a\\ud800", "URI"),
        ({"documentId": "product://2", "Color": 1, "color": 2}, "product://2", "INVALID_JSON"),
        ({"documentId": "product://2", "DocumentId": "product://3"}, "product://2", "INVALID_JSON"),
        ({"documentId": "product://2", "ec_name": "x" * 3_000_000}, "product://2", "3,000,000"),
    ],
)
def test_an_item_that_coveo_does_not_take_is_rejected_alone(
    coveo: Caller, item: object, document_id: str | None, reason: str
) -> None:
    """Its neighbours are indexed, and the reason is shown with its id."""
    coveo.load(batch({"documentId": "product://1"}, item, {"documentId": "product://9"}))
    assert coveo.document_ids() == ["product://1", "product://9"]
    (entry,) = coveo.sandbox.dropped()
    assert (entry.document_id, entry.key) == (document_id, None)
    assert reason in entry.reason


def test_what_was_dropped_is_that_of_the_last_load(coveo: Caller) -> None:
    """Adding the field and loading again clears the entry, as the value is then indexed."""
    item = {"documentId": "product://1", "kayak_type": "single seat"}
    coveo.load(batch(item))
    (entry,) = coveo.sandbox.dropped()
    assert (entry.document_id, entry.key) == ("product://1", "kayak_type")
    coveo.sandbox.create_field("kayak_type")
    assert coveo.sandbox.items() == [{"documentId": "product://1"}]
    coveo.load(batch(item))
    assert coveo.sandbox.dropped() == []
    assert coveo.sandbox.items() == [item]
