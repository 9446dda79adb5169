"""An update: whole items take the place of those with their id, ids are deleted, the rest stays as it is."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loading import broken_off, fill, operations, products
from updating import batches_in, patient, sandbox_values

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich.errors import ConfigurationError, InvalidItem
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream.chunks import Chunk, ChunkWriter, Entry


def test_whole_items_are_replaced_and_the_rest_is_left_alone(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """A field that an item does not bring leaves it; an id that is new comes in; no other item changes."""
    client.load([{**product, "ec_brand": "Acme"} for product in products(15)])
    receipt = client.update([{"documentId": "product://0003", "title": "new"}, *products(1, first=16)])
    assert sandbox_values(sandbox, "title") == {
        **{product["documentId"]: product["title"] for product in products(16)},
        "product://0003": "new",
    }
    brands = sandbox_values(sandbox, "ec_brand")
    assert [document_id for document_id, brand in brands.items() if brand is None] == [
        "product://0003",
        "product://0016",
    ]
    assert (receipt.operation, receipt.items, receipt.deletes, receipt.complete) == ("update", 2, 0, True)


def test_ids_are_deleted(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Exactly these items leave the source, and none whose id begins with one of theirs."""
    client.load([*products(3), {"documentId": "product://0001/red"}])
    receipt = client.update([], delete=["product://0001", "product://0003"])
    assert list(sandbox_values(sandbox, "title")) == ["product://0001/red", "product://0002"]
    assert (receipt.items, receipt.deletes, receipt.complete) == (0, 2, True)


def test_an_id_that_is_not_there_may_be_deleted(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """What a program deletes twice, it deletes once."""
    client.update(products(1), delete=["product://9999"])
    assert list(sandbox_values(sandbox, "title")) == ["product://0001"]


@pytest.mark.parametrize("made", [list, iter], ids=["list", "generator"])
@pytest.mark.parametrize("deleted", [list, iter], ids=["list", "generator"])
@pytest.mark.parametrize("skip_invalid", [False, True])
def test_an_id_in_both_raises(
    sandbox: CoveoSandbox,
    client: StreamClient,
    made: Callable[[Iterable[Any]], Iterable[Any]],
    deleted: Callable[[Iterable[Any]], Iterable[Any]],
    skip_invalid: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Law 6: whichever is a generator, and never skipped; the error names the item's place. Nothing was sent."""
    with pytest.raises(InvalidItem, match="also among the ids to delete") as caught:
        client.update(made(products(5)), delete=deleted(["product://0004"]), skip_invalid=skip_invalid)
    assert (caught.value.document_id, caught.value.position) == ("product://0004", 4)
    assert operations(sandbox) == []


def test_the_ids_are_read_before_the_items(client: StreamClient) -> None:
    """Law 6: or an item could be on its way before its deletion is known."""
    order: list[str] = []

    def noted(name: str, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            order.append(name)
            yield value

    client.update(noted("item", products(2)), delete=noted("id", ["product://0008", "product://0009"]))
    assert order == ["id", "id", "item", "item"]


@pytest.mark.parametrize("count", [2, 40])
def test_a_repeated_document_id_raises(client: StreamClient, count: int) -> None:
    """Law 6: two items with one id, in one chunk or far apart, are a mistake; the error names the second place."""
    with pytest.raises(InvalidItem, match="an earlier item of this run has the same documentId") as caught:
        client.update([*products(count), *products(1)])
    assert (caught.value.document_id, caught.value.position) == ("product://0001", count + 1)
    assert caught.value.code == "repeated-id"


def test_the_same_id_may_come_again_in_the_next_update(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Ids are unique in one run; the next run is another one."""
    client.update(products(3))
    client.update([{"documentId": "product://0002", "title": "again"}])
    assert sandbox_values(sandbox, "title")["product://0002"] == "again"


def test_an_id_to_delete_is_sent_once(client: StreamClient, tmp_path: Path) -> None:
    """However often it is named; the receipt counts it once."""
    receipt = client.update([], delete=["product://0001", "product://0002", "product://0001"], dry_run=tmp_path)
    assert [entry["documentId"] for entry in batches_in(tmp_path)[0]["delete"]] == ["product://0001", "product://0002"]
    assert receipt.deletes == 2


@pytest.mark.parametrize("bad", [None, 7, "", "0001", "product://a b", {"documentId": "product://0001"}])
def test_what_is_no_id_cannot_be_deleted(sandbox: CoveoSandbox, client: StreamClient, bad: Any) -> None:  # noqa: ANN401
    """Law 9: an id that no item can have raises with its place, and nothing was sent."""
    with pytest.raises(InvalidItem, match="documentId must be a URI") as caught:
        client.update(products(1), delete=["product://0009", bad])
    assert caught.value.position == 2
    assert operations(sandbox) == []


@pytest.mark.parametrize("length", [600, 3_000_000])
def test_an_id_that_fits_no_chunk_cannot_be_deleted(sandbox: CoveoSandbox, client: StreamClient, length: int) -> None:
    """Laws 5 and 9: it raises as an item of that size does, and does not vanish."""
    with pytest.raises(InvalidItem):
        client.update([], delete=["product://0001", "product://" + "x" * length])
    assert "update" not in operations(sandbox)


BAD_ITEMS: dict[str, Any] = {
    "no-id": {"title": "no id"},
    "not-a-mapping": "product://0001",
    "id-is-no-uri": {"documentId": "0001"},
    "repeated-id": {"documentId": "product://0001"},
    "not-json": {"documentId": "product://0002", "ec_price": float("nan")},
    "too-large": {"documentId": "product://0003", "title": "x" * 600},
}


@pytest.mark.parametrize(("code", "bad"), BAD_ITEMS.items(), ids=BAD_ITEMS.keys())
def test_an_invalid_item_raises(sandbox: CoveoSandbox, client: StreamClient, code: str, bad: Any) -> None:  # noqa: ANN401
    """Law 5: with its place and the reason; nothing of its chunk was sent."""
    with pytest.raises(InvalidItem) as caught:
        client.update([*products(1), bad])
    assert (caught.value.code, caught.value.position) == (code, 2)
    assert operations(sandbox) == []


def test_invalid_items_are_skipped_when_that_is_wanted(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Laws 5 and 9: every one is counted and named with its reason, every other one is sent; it is not complete."""
    bad = list(BAD_ITEMS.values())
    receipt = client.update([*products(1), *bad, *bad, *products(20, first=11)], skip_invalid=True)
    assert len(sandbox.items()) == receipt.items == 21
    assert receipt.skipped == 12
    errors = [finding for finding in receipt.findings if finding.severity == "error"]
    assert [(one.code, one.count, one.examples[0].position) for one in errors] == [
        (code, 2, place) for place, code in enumerate(BAD_ITEMS, start=2)
    ]
    assert errors[-1].examples[0].document_id == "product://0003"
    assert not receipt.complete
    assert "skipped: 12 items" in str(receipt)


def test_an_invalid_items_id_is_still_free(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """An item that was skipped is not in the source's way: another one with its id is sent."""
    receipt = client.update([BAD_ITEMS["too-large"], {"documentId": "product://0003"}], skip_invalid=True)
    assert (receipt.items, receipt.skipped, len(sandbox.items())) == (1, 1, 1)


EMPTY: dict[str, Callable[[StreamClient], Any]] = {
    "update": lambda client: client.update([]),
    "update of a generator": lambda client: client.update(iter(())),
    "update and no deletes": lambda client: client.update((), delete=iter(())),
    "partial update": lambda client: client.update_partially([]),
    "partial update of empty groups": lambda client: client.update_partially([[], ()]),
    "merge": lambda client: client.merge([]),
    "all skipped": lambda client: client.update([{}], skip_invalid=True),
}


@pytest.mark.parametrize("empty", EMPTY.values(), ids=EMPTY.keys())
def test_nothing_to_send_asks_nothing(
    sandbox: CoveoSandbox, client: StreamClient, empty: Callable[[StreamClient], Any]
) -> None:
    """No call is spent on nothing, and an update by nothing changes nothing."""
    receipt = empty(client)
    assert operations(sandbox) == []
    assert (receipt.items, receipt.deletes, receipt.chunks, receipt.unconfirmed) == (0, 0, (), ())


class _Once:
    """Something that can be gone through once."""

    def __init__(self, things: list[Any]) -> None:
        self._things = iter(things)
        self.begun = 0

    def __iter__(self) -> Iterator[Any]:
        self.begun += 1
        return islice(self._things, None)


def test_everything_is_read_once(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """What can be gone through only once is sent whole."""
    items, ids = _Once(products(30)), _Once(["product://9998", "product://9999"])
    receipt = client.update(items, delete=ids)
    assert (items.begun, ids.begun) == (1, 1)
    assert (receipt.items, receipt.deletes, len(sandbox.items())) == (30, 2, 30)


ONE_THING: list[Any] = [{"documentId": "product://0001"}, "product://0001", b"product://0001", 7, None]
OPERATIONS: dict[str, Callable[[StreamClient, Any], object]] = {
    "load": lambda client, given: client.load(given),
    "replace": lambda client, given: client.replace(given),
    "update": lambda client, given: client.update(given),
    "update, delete": lambda client, given: client.update(products(1), delete=given),
    "update_partially": lambda client, given: client.update_partially(given),
    "merge": lambda client, given: client.merge(given),
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
@pytest.mark.parametrize("one", ONE_THING, ids=repr)
def test_one_thing_in_place_of_many_is_refused(
    sandbox: CoveoSandbox,
    client: StreamClient,
    operation: Callable[[StreamClient, Any], object],
    one: Any,  # noqa: ANN401 - whatever a caller has
) -> None:
    """What should have been put into a list raises before any call, also where it can be iterated."""
    with pytest.raises(ConfigurationError, match="must be an iterable, such as a list or a generator"):
        operation(client, one)
    assert operations(sandbox) == []


def test_deletes_and_items_share_a_chunk(sandbox: CoveoSandbox, client: StreamClient, tmp_path: Path) -> None:
    """Law 5: no chunk of its own for a few ids, and no chunk over the limit: here the middle one holds both."""
    ids = [f"product://{n}" for n in range(9000, 9015)]
    client.load([*products(5), *({"documentId": one} for one in ids)])
    receipt = client.update(products(20), delete=iter(ids), dry_run=tmp_path)
    batches = batches_in(tmp_path)
    assert [list(batch) for batch in batches][:2] == [["delete"], ["delete", "addOrUpdate"]]
    assert all(chunk.size <= 600 for chunk in receipt.chunks)
    assert [(chunk.items, chunk.deletes) for chunk in receipt.chunks] == [
        (len(batch.get("addOrUpdate", ())), len(batch.get("delete", ()))) for batch in batches
    ]
    assert client.update(products(20), delete=ids).deletes == receipt.deletes == 15
    assert list(sandbox_values(sandbox, "title")) == [product["documentId"] for product in products(20)]


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


@given(st.lists(TEXTS, max_size=25), st.lists(TEXTS, max_size=25), st.integers(200, 700))
def test_chunks_hold_what_was_given_whatever_it_is(titles: list[str], ends: list[str], limit: int) -> None:
    """Law 5: for any items, ids and limit: nothing lost, nothing twice, each file within the limit and as counted."""
    items = [{"documentId": f"product://{n}", "title": title} for n, title in enumerate(titles)]
    ids = [f"old://{n}" + "".join(end.split()) for n, end in enumerate(ends)]
    source = CoveoSource(organization_id="o", source_id="s", api_key="xx")
    with StreamClient(source, max_chunk_bytes=limit) as client, tempfile.TemporaryDirectory() as folder:
        receipt = client.update(items, delete=ids, dry_run=folder)
        files = [file.read_bytes() for file in sorted(Path(folder).iterdir())]
    assert [len(file) for file in files] == [chunk.size for chunk in receipt.chunks]
    assert all(len(file) <= limit for file in files)
    batches = [json.loads(file) for file in files]
    assert [item for batch in batches for item in batch.get("addOrUpdate", ())] == items
    assert [entry for batch in batches for entry in batch.get("delete", ())] == [
        {"documentId": one, "deleteChildren": False} for one in ids
    ]
    assert (receipt.items, receipt.deletes) == (len(items), len(ids))


ORDER = ["delete", "addOrUpdate", "addOrMerge", "partialUpdate"]
ARRAYS = st.lists(st.tuples(st.sampled_from(ORDER), TEXTS, st.booleans()), min_size=1, max_size=40)


def _entry(array: Any, text: str, number: int, *, repeatable: bool) -> Entry:  # noqa: ANN401 - the name of an array
    document_id = f"product://{number}"
    data = json.dumps({"documentId": document_id, "t": text}, ensure_ascii=False, separators=(",", ":")).encode()
    return array, data, document_id, repeatable


def _file() -> IO[bytes]:
    return tempfile.TemporaryFile(buffering=0)


def _written(entries: list[Entry], limit: int) -> list[tuple[Chunk, list[Entry]]]:
    chunks: list[tuple[Chunk, list[Entry]]] = []
    writer, held = ChunkWriter(1, limit, _file()), list[Entry]()
    for entry in entries:
        if not writer.write(entry):
            chunks.append((writer.finish(), held))
            writer, held = ChunkWriter(len(chunks) + 1, limit, _file()), []
            assert writer.write(entry)
        held.append(entry)
    return [*chunks, (writer.finish(), held)]


@given(ARRAYS, st.integers(250, 900))
def test_a_chunk_of_several_arrays_is_the_json_that_was_meant(given_: list[tuple[str, str, bool]], limit: int) -> None:
    """Law 5: each array once and with its entries in order, size exact and within the limit, counts and ids right."""
    ordered = sorted(given_, key=lambda one: ORDER.index(one[0]))
    entries = [_entry(array, text, n, repeatable=repeatable) for n, (array, text, repeatable) in enumerate(ordered)]
    for chunk, held in _written(entries, limit):
        data = b"".join(chunk.pieces())
        assert len(data) == chunk.size <= limit
        meant: dict[str, list[Any]] = {}
        for array, text, _, _ in held:
            meant.setdefault(array, []).append(json.loads(text))
        pairs = json.loads(data, object_pairs_hook=list)
        assert [name for name, _ in pairs] == list(meant)
        assert json.loads(data) == meant
        assert (chunk.deletes, chunk.items) == (len(meant.get("delete", ())), len(held) - len(meant.get("delete", ())))
        assert (chunk.first_id, chunk.last_id) == (held[0][2], held[-1][2])
        assert chunk.repeatable is all(entry[3] for entry in held)
        chunk.discard()


def test_a_catalog_that_breaks_off_leaves_what_was_confirmed(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """The promise of an update: chunks that were sent take effect, and the note says that the rest was not sent."""
    with patient(source) as client, pytest.raises(OSError, match="disk gone") as caught:
        client.update(broken_off(25, OSError("disk gone")))
    (note,) = caught.value.__notes__
    assert "the rest was not sent" in note
    assert set(sandbox_values(sandbox, "title")) <= {product["documentId"] for product in products(25)}


def test_an_id_that_is_skipped_is_not_deleted(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 6: an item that is invalid, and also to be deleted, raises where others are skipped: which is meant?"""
    fill(client, 3)
    invalid = {"documentId": "old://0001", "nested": {"a": 1}}
    with pytest.raises(InvalidItem, match="also among the ids to delete"):
        client.update([invalid, *products(2)], delete=["old://0001"], skip_invalid=True)
    assert "update" not in operations(sandbox)
