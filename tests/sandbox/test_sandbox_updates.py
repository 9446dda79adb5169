"""Updates, merges and deletions: the calls, what they do to the source, and in which order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from sandbox_caller import Caller, batch

Call = Literal["update", "merge"]


@pytest.fixture
def coveo() -> Iterator[Caller]:
    """A running sandbox."""
    with Caller.running() as caller:
        yield caller


def _reasons(coveo: Caller) -> list[tuple[str | None, str | None, str]]:
    return [(entry.document_id, entry.key, entry.reason) for entry in coveo.sandbox.dropped()]


def test_the_calls_answer_as_documented(coveo: Caller) -> None:
    """Status codes and JSON keys are those of Coveo's specification."""
    container = coveo.post(coveo.files_path)
    assert container.status_code == 201
    assert set(container.json()) == {"uploadUri", "fileId", "requiredHeaders"}
    coveo.upload(container.json(), b'{"addOrUpdate":[]}')
    updated = coveo.send("update", container.json()["fileId"])
    merge = coveo.container()
    coveo.upload(merge, b'{"addOrMerge":[]}')
    merged = coveo.send("merge", merge["fileId"])
    deleted = coveo.delete_older_than(updated.json()["orderingId"])
    assert [answer.status_code for answer in (updated, merged, deleted)] == [202, 202, 201]
    for answer in (updated, merged, deleted):
        assert set(answer.json()) == {"orderingId", "requestId"}
        assert re.fullmatch(r"\d{13}", answer.json()["orderingId"])
    assert coveo.sandbox.dropped() == []


@pytest.mark.parametrize("status_type", ["REBUILD", "REFRESH", "INCREMENTAL", "IDLE"])
def test_the_status_of_a_source_is_taken(coveo: Caller, status_type: str) -> None:
    """201 with an empty body."""
    answer = coveo.post(f"{coveo.source_path}/status", params={"statusType": status_type})
    assert (answer.status_code, answer.content) == (201, b"")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "MISSING_PARAMETER"),
        ({"statusType": "RESCAN"}, "INVALID_PARAMETER"),
        ({"statusType": "idle"}, "INVALID_PARAMETER"),
    ],
)
def test_another_status_is_refused(coveo: Caller, query: dict[str, str], code: str) -> None:
    """412, also for the one that an article names and the specification does not."""
    answer = coveo.post(f"{coveo.source_path}/status", params=query)
    assert (answer.status_code, answer.json()["errorCode"]) == (412, code)


@pytest.mark.parametrize(("value", "status"), [("true", 201), ("False", 201), ("yes", 412), ("", 412)])
def test_the_style_of_an_upload_url_may_be_asked_for(coveo: Caller, value: str, status: int) -> None:
    """Either style is accepted, and the URL that comes works."""
    answer = coveo.post(coveo.files_path, params={"useVirtualHostedStyleUrl": value})
    assert answer.status_code == status
    if status == 201:
        assert coveo.upload(answer.json(), b"{}").status_code == 200


@pytest.mark.parametrize("call", ["update", "merge"])
def test_a_file_that_is_not_there_is_refused(coveo: Caller, call: Call) -> None:
    """412: no fileId, an unknown one, nothing uploaded, a stream's own, one that is expired."""
    path = f"{coveo.stream_path}/{call}"
    for query in ("", "?fileId="):
        answer = coveo.http.put(path + query, headers=coveo.headers)
        assert (answer.status_code, answer.json()["errorCode"]) == (412, "MISSING_PARAMETER")
    empty, expired, chunk = coveo.container(), coveo.container(), coveo.open()
    for container in (expired, chunk):
        coveo.upload(container, batch({"documentId": "product://1"}))
    for file_id in ("nobody", "../index.sqlite", empty["fileId"], chunk["fileId"]):
        answer = coveo.send(call, file_id)
        assert (answer.status_code, answer.json()["errorCode"]) == (412, "INVALID_PARAMETER")
    coveo.sandbox.advance(minutes=60)
    answer = coveo.send(call, expired["fileId"])
    assert (answer.status_code, answer.json()["errorCode"]) == (412, "INVALID_PARAMETER")
    assert coveo.document_ids() == []


@pytest.mark.parametrize("call", ["update", "merge"])
def test_a_container_is_gone_once_it_was_handed_over(coveo: Caller, call: Call) -> None:
    """The same fileId again is refused, even after another upload; the storage takes that one, and it is lost."""
    container = coveo.container()
    coveo.upload(container, b'{"addOrUpdate":[{"documentId":"product://1"}],"addOrMerge":[]}')
    assert coveo.send(call, container["fileId"]).status_code == 202
    assert coveo.upload(container, batch({"documentId": "product://2"})).status_code == 200
    answer = coveo.send(call, container["fileId"])
    assert (answer.status_code, answer.json()["errorCode"]) == (412, "INVALID_PARAMETER")
    assert "product://2" not in coveo.document_ids()


def test_a_second_upload_before_that_replaces_the_first(coveo: Caller) -> None:
    """The trap of one container for two batches: the first is lost."""
    container = coveo.container()
    coveo.upload(container, batch({"documentId": "product://1"}))
    coveo.upload(container, batch({"documentId": "product://2"}))
    coveo.send("update", container["fileId"])
    assert coveo.document_ids() == ["product://2"]


@pytest.mark.parametrize(("shard", "status"), [("abc123", 412), ("", 412), ("a-b", 412), ("a" * 11, 412)])
def test_a_shard_is_a_short_word(coveo: Caller, shard: str, status: int) -> None:
    """1 to 10 letters and digits; it makes no difference here, so that a good one is answered for the file."""
    answer = coveo.http.put(
        f"{coveo.stream_path}/update", headers=coveo.headers, params={"fileId": "nobody", "shard": shard}
    )
    assert answer.status_code == status
    assert ("shard" in answer.json()["message"]) == (shard != "abc123")


def test_an_update_replaces_whole_items_and_leaves_others_alone(coveo: Caller) -> None:
    """Fields that are left out leave the index."""
    coveo.load(batch({"documentId": "product://1", "ec_name": "Kayak", "ec_brand": "B"}, {"documentId": "product://2"}))
    coveo.update(addOrUpdate=[{"documentId": "product://1", "ec_name": "Canoe"}, {"documentId": "product://3"}])
    assert coveo.sandbox.items() == [
        {"documentId": "product://1", "ec_name": "Canoe"},
        {"documentId": "product://2"},
        {"documentId": "product://3"},
    ]
    assert coveo.number_of_documents() == 3


@pytest.mark.parametrize(
    ("operator", "field", "value", "after"),
    [
        ("arrayAppend", "ec_color", ["Red"], ["Blue", "Green", "Red"]),
        ("arrayAppend", "ec_color", ["Blue"], ["Blue", "Green", "Blue"]),
        ("arrayAppend", "ec_images", ["a;b"], ["a", "b"]),
        ("arrayRemove", "ec_color", ["Blue", "Red"], ["Green"]),
        ("arrayRemove", "ec_color", ["Blue", "Green"], None),
        ("arrayRemove", "ec_images", ["a"], None),
        ("fieldValueReplace", "ec_name", "Canoe", "Canoe"),
        ("fieldValueReplace", "EC_Name", "Canoe", "Canoe"),
        ("fieldValueReplace", "ec_color", ["Red"], ["Red"]),
        ("fieldValueReplace", "ec_name", None, None),
        ("FIELDVALUEREPLACE", "ec_name", "Canoe", "Canoe"),
        ("dictionaryPut", "stock", {"a": 5, "c": 3}, {"a": 5.0, "b": 2.0, "c": 3.0}),
        ("dictionaryPut", "other_stock", {"": 1}, {"": 1.0}),
        ("dictionaryRemove", "stock", "a", {"b": 2.0}),
        ("dictionaryRemove", "stock", ["b", "nobody"], {"a": 1.0}),
        ("dictionaryRemove", "stock", ["a", "b"], None),
        ("dictionaryRemove", "other_stock", "a", None),
    ],
)
def test_a_partial_update_changes_one_field(coveo: Caller, operator: str, field: str, value: Any, after: Any) -> None:  # noqa: ANN401 - any JSON
    """Each operator does its work on its field; all that the item is beside stays."""
    before = {
        "documentId": "product://1",
        "ec_name": "Kayak",
        "ec_color": ["Blue", "Green"],
        "stock": {"a": 1.0, "b": 2.0},
    }
    for name in ("stock", "other_stock"):
        coveo.sandbox.create_field(name, type="DOUBLE", key_value=True)
    coveo.load(batch(before))
    coveo.update(partialUpdate=[{"documentId": "product://1", "operator": operator, "field": field, "value": value}])
    name = field.lower()
    expected = {**before, name: after} if after is not None else {key: before[key] for key in before if key != name}
    assert coveo.sandbox.items() == [expected]
    assert coveo.sandbox.dropped() == []


def test_a_partial_update_without_a_value_removes_the_field(coveo: Caller) -> None:
    """The safer form of it: no key ``value`` at all."""
    coveo.load(batch({"documentId": "product://1", "ec_name": "Kayak"}))
    coveo.update(partialUpdate=[{"documentId": "product://1", "operator": "fieldValueReplace", "field": "ec_name"}])
    assert coveo.sandbox.items() == [{"documentId": "product://1"}]


@pytest.mark.parametrize(
    ("change", "key", "reason"),
    [
        ({"documentId": "product://9", "operator": "arrayRemove", "field": "ec_color"}, "ec_color", "no such item"),
        ({"operator": "arraySort", "field": "ec_color"}, "ec_color", "operator"),
        ({"operator": 7, "field": "ec_color"}, "ec_color", "operator"),
        ({"field": "ec_color"}, "ec_color", "operator"),
        ({"operator": "arrayAppend", "value": ["x"]}, None, "no field"),
        ({"operator": "fieldValueReplace", "field": "Nobody", "value": 1}, "Nobody", "no field of that name"),
        ({"operator": "arrayAppend", "field": "ec_name", "value": ["x"]}, "ec_name", "multi-value"),
        ({"operator": "arrayAppend", "field": "ec_color", "value": "x"}, "ec_color", "an array"),
        ({"operator": "arrayAppend", "field": "ec_color"}, "ec_color", "an array"),
        ({"operator": "arrayAppend", "field": "ec_color", "value": [["x"]]}, "ec_color", "STRING"),
        ({"operator": "arrayRemove", "field": "ec_color", "value": []}, "ec_color", "empty"),
        ({"operator": "dictionaryPut", "field": "ec_name", "value": {"a": 1}}, "ec_name", "dictionary"),
        ({"operator": "dictionaryPut", "field": "stock", "value": {"a": "1"}}, "stock", "number"),
        ({"operator": "dictionaryPut", "field": "stock", "value": ["a"]}, "stock", "object"),
        ({"operator": "dictionaryRemove", "field": "stock", "value": [1]}, "stock", "key"),
        ({"operator": "dictionaryRemove", "field": "stock"}, "stock", "key"),
        ({"operator": "arrayAppend", "Operator": "arrayRemove", "field": "ec_color"}, None, "INVALID_JSON"),
        ({"operator": "fieldValueReplace", "field": "ec_name", "value": "x" * 3_000_000}, None, "3,000,000"),
    ],
)  # fmt: skip
def test_a_partial_update_that_cannot_be_done_changes_nothing(
    coveo: Caller, change: dict[str, object], key: str | None, reason: str
) -> None:
    """It is reported, and the item is as old as it was: deleteolderthan takes it."""
    coveo.sandbox.create_field("stock", type="DOUBLE", key_value=True)
    before = {"documentId": "product://1", "ec_name": "Kayak", "ec_color": ["Blue"], "stock": {"a": 1.0}}
    coveo.load(batch(before))
    ordering_id = coveo.update(partialUpdate=[{"documentId": "product://1", **change}])
    assert coveo.sandbox.items() == [before]
    (entry,) = coveo.sandbox.dropped()
    assert entry.key == key
    assert reason in entry.reason
    coveo.delete_older_than(ordering_id, queueDelay=0)
    assert coveo.document_ids() == []


def test_what_is_replaced_by_a_value_that_does_not_fit_is_gone(coveo: Caller) -> None:
    """As in an item that is sent whole: the value is dropped, and there is nothing in its place."""
    coveo.load(batch({"documentId": "product://1", "ec_price": 1, "ec_name": "Kayak"}))
    change = {"documentId": "product://1", "operator": "fieldValueReplace", "field": "EC_price", "value": "2"}
    coveo.update(partialUpdate=[change])
    assert coveo.sandbox.items() == [{"documentId": "product://1", "ec_name": "Kayak"}]
    assert [(entry.document_id, entry.key) for entry in coveo.sandbox.dropped()] == [("product://1", "EC_price")]
    coveo.update(partialUpdate=[{**change, "value": 2}])
    assert coveo.sandbox.items() == [{"documentId": "product://1", "ec_name": "Kayak", "ec_price": 2}]
    assert coveo.sandbox.dropped() == []


def test_a_merge_replaces_what_is_given_and_makes_what_is_missing(coveo: Caller) -> None:
    """Items and fields are made; a dictionary is replaced whole; a value that does not fit leaves nothing behind."""
    coveo.sandbox.create_field("stock", type="DOUBLE", key_value=True)
    coveo.load(
        batch(
            {"documentId": "product://1", "ec_name": "Kayak", "ec_price": 1, "ec_brand": "B", "stock": {"a": 1}},
            {"documentId": "product://2", "ec_name": "Canoe"},
        )
    )
    one = {"documentId": "product://1", "EC_NAME": "Boat", "ec_price": "x", "stock": {"b": 2}, "ec_color": "Red"}
    coveo.update("merge", addOrMerge=[one, {"documentId": "product://3", "ec_name": "Raft"}])
    assert coveo.sandbox.items() == [
        {"documentId": "product://1", "ec_name": "Boat", "ec_brand": "B", "stock": {"b": 2.0}, "ec_color": ["Red"]},
        {"documentId": "product://2", "ec_name": "Canoe"},
        {"documentId": "product://3", "ec_name": "Raft"},
    ]
    assert [(entry.document_id, entry.key) for entry in coveo.sandbox.dropped()] == [("product://1", "ec_price")]


def test_nothing_is_processed_twice(coveo: Caller) -> None:
    """Metadata that was dropped before its field was made stays dropped, whatever else of the item is changed."""
    coveo.update(addOrUpdate=[{"documentId": "product://1", "kayak_type": "single seat"}])
    coveo.sandbox.create_field("kayak_type")
    change = {"documentId": "product://1", "operator": "fieldValueReplace", "field": "ec_name", "value": "Kayak"}
    coveo.update(partialUpdate=[change])
    coveo.update("merge", addOrMerge=[{"documentId": "product://1", "ec_brand": "B"}])
    assert coveo.sandbox.items() == [{"documentId": "product://1", "ec_name": "Kayak", "ec_brand": "B"}]
    assert [entry.key for entry in coveo.sandbox.dropped()] == ["kayak_type"]
    coveo.update("merge", addOrMerge=[{"documentId": "product://1", "kayak_type": "single seat"}])
    assert coveo.sandbox.items()[0]["kayak_type"] == "single seat"
    assert coveo.sandbox.dropped() == []


def test_a_deletion_takes_one_item_or_its_children_too(coveo: Caller) -> None:
    """Children are those whose id starts with the given one, which is more than it looks; others stay."""
    names = ["product://1", "product://1/a", "product://10", "product://2", "product://2/a"]
    coveo.load(batch(*({"documentId": name, "nobody": 1} for name in names)))
    coveo.update(delete=[{"documentId": "product://1", "deleteChildren": True}, {"documentId": "product://2"}])
    assert coveo.document_ids() == ["product://2/a"]
    assert [entry.document_id for entry in coveo.sandbox.dropped()] == ["product://2/a"]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"documentId": "product://1", "deleteChildren": "true"}, "deleteChildren"),
        ({"documentId": "1"}, "URI"),
        ({}, "documentId"),
        ("product://1", "object"),
    ],
)
def test_a_deletion_that_cannot_be_understood_deletes_nothing(coveo: Caller, entry: object, reason: str) -> None:
    """It is reported."""
    coveo.load(batch({"documentId": "product://1"}))
    coveo.update(delete=[entry])
    assert coveo.document_ids() == ["product://1"]
    ((_, _, said),) = _reasons(coveo)
    assert reason in said


def test_entries_are_carried_out_in_the_order_of_the_file(coveo: Caller) -> None:
    """Across the arrays too, which Coveo does not document: the array that comes first is done first."""
    change = {"documentId": "product://1", "operator": "arrayAppend", "field": "ec_color", "value": ["Red"]}
    item = {"documentId": "product://1", "ec_color": "Blue"}
    coveo.update(addOrUpdate=[item], partialUpdate=[change, change])
    assert coveo.sandbox.items() == [{"documentId": "product://1", "ec_color": ["Blue", "Red", "Red"]}]
    coveo.update(partialUpdate=[change], addOrUpdate=[item])
    assert coveo.sandbox.items() == [{"documentId": "product://1", "ec_color": ["Blue"]}]
    coveo.update(delete=[{"documentId": "product://1"}], addOrUpdate=[{"documentId": "product://1"}])
    assert coveo.sandbox.items() == [{"documentId": "product://1"}]
    coveo.update(addOrUpdate=[item], delete=[{"documentId": "product://1"}])
    assert coveo.sandbox.items() == []


@pytest.mark.parametrize(
    ("call", "arrays", "wrong"),
    [
        ("update", {"addOrUpdate": [], "addOrMerge": [{"documentId": "product://1"}]}, "addOrMerge"),
        ("merge", {"addOrMerge": [], "addOrUpdate": [{"documentId": "product://1"}]}, "addOrUpdate"),
        ("update", {"delete": [], "mergeOrUpdate": []}, "mergeOrUpdate"),
        ("update", {"addOrMerge": [{"documentId": "product://1"}]}, "addOrMerge"),
        ("merge", {"addOrUpdate": [{"documentId": "product://1"}]}, "addOrUpdate"),
    ],
)
def test_what_the_call_does_not_take_is_reported(coveo: Caller, call: Call, arrays: dict[str, Any], wrong: str) -> None:
    """The wrong array for the call does nothing, which Coveo would not tell."""
    coveo.update(call, **arrays)
    assert coveo.document_ids() == []
    ((document_id, key, reason),) = _reasons(coveo)
    assert (document_id, key) == (None, None)
    assert wrong in reason


@pytest.mark.parametrize("call", ["update", "merge"])
def test_a_file_that_is_no_batch_does_nothing(coveo: Caller, call: Call) -> None:
    """Nothing of it is carried out, and why is reported."""
    coveo.load(batch({"documentId": "product://1", "ec_name": "Kayak"}))
    container = coveo.container()
    start = b'{"addOrMerge":[{"documentId":"product://1","ec_name":"x"}],"addOrUpdate":[{"documentId":"product://2"}],'
    coveo.upload(container, start + b'"delete":[{"documentId":"product://1"}')
    coveo.send(call, container["fileId"])
    assert coveo.sandbox.items() == [{"documentId": "product://1", "ec_name": "Kayak"}]
    ((_, _, reason),) = _reasons(coveo)
    assert "INVALID_JSON" in reason


def test_a_report_goes_when_the_item_is_sent_anew(coveo: Caller) -> None:
    """What was dropped is that of each item's last version; a rejected version is reported beside the one kept."""
    coveo.update(addOrUpdate=[{"documentId": "product://1", "nobody": 1}, {"documentId": "product://2", "nobody": 1}])
    coveo.update(addOrUpdate=[{"documentId": "product://1"}, {"documentId": "product://1", "a": 1, "A": 2}])
    assert [(entry.document_id, entry.key) for entry in coveo.sandbox.dropped()] == [
        ("product://2", "nobody"),
        ("product://1", None),
    ]
    coveo.update(addOrUpdate=[{"documentId": "product://1"}], delete=[{"documentId": "product://2"}])
    assert coveo.sandbox.dropped() == []


def test_items_that_are_strictly_older_leave_after_the_delay(coveo: Caller) -> None:
    """The whole catalog by updates: what none of them touched goes a quarter of an hour after deleteolderthan."""
    coveo.update(addOrUpdate=[{"documentId": f"product://{number}"} for number in range(4)])
    first = coveo.update(addOrUpdate=[{"documentId": "product://0"}])
    coveo.update("merge", addOrMerge=[{"documentId": "product://1"}])
    assert coveo.delete_older_than(first).status_code == 201
    coveo.sandbox.advance(minutes=14)
    coveo.update(addOrUpdate=[{"documentId": "product://2"}])
    assert coveo.number_of_documents() == 4
    coveo.sandbox.advance(minutes=1)
    assert coveo.document_ids() == ["product://0", "product://1", "product://2"]


@pytest.mark.parametrize(("delay", "minutes"), [(0, 0), (1, 1), (60, 60)])
def test_the_delay_of_deleteolderthan_can_be_named(coveo: Caller, delay: int, minutes: int) -> None:
    """In minutes."""
    coveo.update(addOrUpdate=[{"documentId": "product://1"}])
    now = coveo.update(addOrUpdate=[{"documentId": "product://2"}])
    coveo.delete_older_than(now, queueDelay=delay)
    if minutes:
        coveo.sandbox.advance(minutes=minutes - 0.5)
        assert coveo.number_of_documents() == 2
        coveo.sandbox.advance(minutes=0.5)
    assert coveo.document_ids() == ["product://2"]


@pytest.mark.parametrize(
    ("epoch", "query"),
    [
        ("now", {}),
        ("-1", {}),
        ("1.5", {}),
        ("9" * 19, {}),
        ("9" * 5_000, {}),
        ("%D9%A1", {}),
        ("1", {"queueDelay": "-1"}),
        ("1", {"queueDelay": "1.5"}),
        ("1", {"queueDelay": ""}),
        ("1", {"queueDelay": "9" * 10}),
    ],
)
def test_a_deletion_by_nothing_that_counts_is_refused(coveo: Caller, epoch: str, query: dict[str, str]) -> None:
    """412, and nothing is deleted."""
    coveo.update(addOrUpdate=[{"documentId": "product://1"}])
    answer = coveo.delete_older_than(epoch, **query)
    assert (answer.status_code, answer.json()["errorCode"]) == (412, "INVALID_PARAMETER")
    coveo.sandbox.advance(minutes=60)
    assert coveo.document_ids() == ["product://1"]


def test_a_time_in_the_future_bars_the_source_until_then(coveo: Caller) -> None:
    """As documented: everything goes, and what is sent is lost until that moment has come. It is reported."""
    future = coveo.update(addOrUpdate=[{"documentId": "product://1"}]) + 3_600_000
    coveo.delete_older_than(future, queueDelay=0)
    coveo.update(addOrUpdate=[{"documentId": "product://2"}])
    coveo.load(batch({"documentId": "product://3"}))
    assert coveo.document_ids() == []
    assert {reason for _, _, reason in _reasons(coveo)} == {
        f"the source takes nothing in before {future}, as deleteolderthan was told"
    }
    coveo.sandbox.advance(minutes=61)
    coveo.update(addOrUpdate=[{"documentId": "product://4"}])
    assert coveo.document_ids() == ["product://4"]


def test_an_item_cannot_be_made_larger_than_an_item_may_be(coveo: Caller) -> None:
    """Many small changes add up to the same limit as one large item."""
    coveo.update(addOrUpdate=[{"documentId": "product://1", "ec_color": ["x" * 1_400_000]}])
    change = {"documentId": "product://1", "operator": "arrayAppend", "field": "ec_color", "value": ["y" * 1_000_000]}
    coveo.update(partialUpdate=[change, change])
    coveo.update("merge", addOrMerge=[{"documentId": "product://1", "ec_name": "z" * 1_000_000}])
    (item,) = coveo.sandbox.items()
    assert [len(color) for color in item["ec_color"]] == [1_400_000, 1_000_000]
    assert "ec_name" not in item
    assert [reason for _, _, reason in _reasons(coveo)] == ["the item would have more than 3,000,000 bytes"] * 2


def test_changes_that_do_not_make_an_item_larger_are_not_counted_together(coveo: Caller) -> None:
    """A field that is replaced again and again takes its room once."""
    coveo.update(addOrUpdate=[{"documentId": "product://1"}])
    change = {"documentId": "product://1", "operator": "fieldValueReplace", "field": "ec_name"}
    coveo.update(partialUpdate=[{**change, "value": letter * 900_000} for letter in "abcdefgh"])
    assert coveo.sandbox.dropped() == []
    assert coveo.sandbox.items()[0]["ec_name"] == "h" * 900_000
