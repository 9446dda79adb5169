"""The order of operations: what was ordered earlier and arrives later changes nothing that came before it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_caller import untimed

from coveo_enrich.sandbox.indexing.batches import Call
from coveo_enrich.sandbox.indexing.index import Index
from coveo_enrich.sandbox.indexing.processing import Intake, UploadedFile
from coveo_enrich.sandbox.platform.fields import standard_fields
from coveo_enrich.sandbox.values import Source

SOURCE = Source("organization", "source")
FIELDS = {field.name: field for field in standard_fields()}


class Sender:
    """An index, and files for it."""

    def __init__(self, folder: Path) -> None:
        self.index = Index(folder / "index.sqlite")
        self._folder = folder
        self._numbers = itertools.count()

    def send(self, ordering_id: int, call: Call = "update", **arrays: object) -> None:
        """Hand over a file with these arrays."""
        path = self._folder / f"file-{next(self._numbers)}"
        path.write_text(json.dumps(arrays))
        intake = Intake(call, ordering_id, (UploadedFile(path.name, path),), FIELDS)
        if call == "load":
            self.index.load(SOURCE, intake, 0, removal_at=0, protects=False)
        else:
            self.index.update(SOURCE, intake, 0)

    def items(self) -> dict[str, Any]:
        """The names in the index, by id."""
        return {item["documentId"]: item.get("ec_name") for item in self.index.items(SOURCE, 0).result()}


@pytest.fixture
def sender(tmp_path: Path) -> Iterator[Sender]:
    """An empty index."""
    sender = Sender(tmp_path)
    yield sender
    sender.index.stop()


def test_an_older_update_does_not_replace_a_newer_one(sender: Sender) -> None:
    """An older update that arrives late changes no newer item; other items of its file are carried out."""
    sender.send(5, addOrUpdate=[{"documentId": "p://1", "ec_name": "new", "nobody": 1}])
    older = {"documentId": "p://1", "ec_name": "old"}
    sender.send(4, addOrUpdate=[older, {"documentId": "p://2", "ec_name": "other"}])
    sender.send(4, "merge", addOrMerge=[older])
    sender.send(4, partialUpdate=[{**older, "operator": "fieldValueReplace", "field": "ec_name", "value": "old"}])
    sender.send(4, delete=[{"documentId": "p://", "deleteChildren": True}, {"documentId": "p://1"}])
    sender.send(4, delete=[{"documentId": "p://1", "deleteChildren": True}])
    assert sender.items() == {"p://1": "new", "p://2": "other"}
    assert [entry.key for entry in sender.index.dropped(SOURCE, 0).result() if entry.document_id == "p://1"] == [
        "nobody"
    ]


def test_an_older_update_does_not_bring_back_what_was_deleted(sender: Sender) -> None:
    """An older update brings back nothing that was deleted, by name, as a child, by age or by a load."""
    for number in range(1, 5):
        sender.send(1, addOrUpdate=[{"documentId": f"p://{number}"}])
    sender.send(5, delete=[{"documentId": "p://1"}, {"documentId": "p://2", "deleteChildren": True}])
    sender.send(4, addOrUpdate=[{"documentId": f"p://{number}", "ec_name": "late"} for number in range(1, 5)])
    assert sender.items() == {"p://3": "late", "p://4": "late"}
    sender.index.remove_older(SOURCE, 7, 0, due=0)
    sender.send(6, addOrUpdate=[{"documentId": "p://3"}])
    assert sender.items() == {}
    sender.send(9, "load", addOrUpdate=[{"documentId": "p://5"}])
    assert sender.items() == {"p://5": None}
    sender.send(8, addOrUpdate=[{"documentId": "p://6"}])
    assert sender.items() == {"p://5": None}


@settings(untimed, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.permutations(range(1, 6)),
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["put", "delete"])), min_size=5, max_size=5),
)
def test_the_order_of_arrival_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, arrival: list[int], operations: list[tuple[str, str]]
) -> None:
    """Whole items and deletions leave the same behind, in whatever order they arrive."""
    sender = Sender(tmp_path_factory.mktemp("index"))
    expected: dict[str, str] = {}
    for number, (name, what) in enumerate(operations, start=1):
        expected.pop(f"p://{name}", None)
        if what == "put":
            expected[f"p://{name}"] = str(number)
    for number in arrival:
        name, what = operations[number - 1]
        if what == "put":
            sender.send(number, addOrUpdate=[{"documentId": f"p://{name}", "ec_name": str(number)}])
        else:
            sender.send(number, delete=[{"documentId": f"p://{name}"}])
    assert sender.items() == expected
    sender.index.stop()


def test_what_goes_wrong_in_the_index_is_heard_of(sender: Sender, tmp_path: Path) -> None:
    """An error while indexing reaches whoever looks next, though its call was answered before."""
    intake = Intake("update", 1, (UploadedFile("gone", tmp_path / "gone"),), FIELDS)
    sender.index.update(SOURCE, intake, 0)
    with pytest.raises(FileNotFoundError):
        sender.items()
