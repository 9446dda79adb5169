"""Data that outlives the sandbox: fields, items, their order, and what is still to leave."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sandbox_caller import Caller, batch

from coveo_enrich.sandbox import CoveoSandbox


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "sandbox.sqlite"


def test_fields_items_and_reports_are_there_again(data: Path) -> None:
    """Another sandbox on the same file goes on where the first one stopped."""
    with Caller.running(data=data) as coveo:
        coveo.sandbox.create_field("seats", type="LONG")
        coveo.load(batch({"documentId": "product://1", "seats": 2, "nobody": 1}))
    with Caller.running(data=str(data)) as coveo:
        assert coveo.sandbox.items() == [{"documentId": "product://1", "seats": 2}]
        assert [entry.key for entry in coveo.sandbox.dropped()] == ["nobody"]
        with pytest.raises(ValueError, match="already"):
            coveo.sandbox.create_field("seats")
        coveo.update(addOrUpdate=[{"documentId": "product://2", "seats": "two"}])
        assert coveo.sandbox.items()[1] == {"documentId": "product://2"}


def test_what_was_accepted_is_finished_before_the_end(data: Path) -> None:
    """Stopping right after the close loses nothing."""
    items = [{"documentId": f"product://{number}"} for number in range(5_000)]
    with Caller.running(data=data) as coveo:
        coveo.load(batch(*items))
    with Caller.running(data=data) as coveo:
        assert coveo.number_of_documents() == 5_000


def test_what_is_to_leave_leaves_when_it_is_due(data: Path) -> None:
    """The removal is not forgotten, and is carried out by the clock, which does not go back either."""
    with Caller.running(data=data) as coveo:
        coveo.load(batch({"documentId": "product://1"}, {"documentId": "product://2"}))
        coveo.load(batch({"documentId": "product://2"}))
        coveo.sandbox.advance(minutes=10)
    with Caller.running(data=data) as coveo:
        assert coveo.number_of_documents() == 2
        coveo.sandbox.advance(minutes=4)
        assert coveo.number_of_documents() == 2
        coveo.sandbox.advance(minutes=1)
        assert coveo.document_ids() == ["product://2"]


def test_ordering_ids_go_on_growing(data: Path) -> None:
    """Also when the clock was moved before the restart."""
    with Caller.running(data=data) as coveo:
        coveo.sandbox.advance(minutes=600)
        before = coveo.update(addOrUpdate=[{"documentId": "product://1"}])
    with Caller.running(data=data) as coveo:
        after = coveo.update(addOrUpdate=[{"documentId": "product://2"}])
        assert after > before
        coveo.delete_older_than(after, queueDelay=0)
        assert coveo.document_ids() == ["product://2"]


def test_a_file_is_for_one_sandbox_at_a_time(data: Path) -> None:
    """A second one says so, and harms nothing."""
    with Caller.running(data=data) as coveo:
        with pytest.raises(OSError, match=r"sandbox\.sqlite.*locked"):
            CoveoSandbox(data=data).start()
        coveo.load(batch({"documentId": "product://1"}))
        assert coveo.document_ids() == ["product://1"]


def test_a_file_of_someone_else_is_left_alone(data: Path, tmp_path: Path) -> None:
    """Neither another program's database nor a text is taken over; a folder that is not there is named."""
    database = sqlite3.connect(data)
    database.execute("CREATE TABLE precious (thing)")
    database.close()
    before = data.read_bytes()
    text = tmp_path / "precious.txt"
    text.write_text("precious" * 1_000)
    for path in (data, text, tmp_path / "nowhere" / "file"):
        with pytest.raises(OSError, match=path.name):
            CoveoSandbox(data=path).start()
    assert data.read_bytes() == before
    assert text.read_text() == "precious" * 1_000


def test_without_a_file_nothing_is_kept() -> None:
    """The same sandbox starts empty."""
    sandbox = CoveoSandbox()
    with sandbox:
        sandbox.create_field("seats")
        sandbox.advance(minutes=60)
    with sandbox:
        sandbox.create_field("seats")
        assert sandbox.items() == []
