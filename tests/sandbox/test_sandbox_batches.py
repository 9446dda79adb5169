"""Reading a batch file piece by piece."""

from __future__ import annotations

import io
import json
import tracemalloc
from pathlib import Path
from typing import Any, TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_caller import untimed

from coveo_enrich.sandbox.indexing.batches import BatchRejectedError, Call, Entry, read_batch

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=5), values, max_size=4),
    max_leaves=10,
)


class Drip(io.StringIO):
    """A file that gives three characters at a time, so that every value is cut somewhere."""

    def read(self, size: int | None = -1) -> str:
        """At most three characters."""
        return super().read(3 if size is None or size < 0 else min(size, 3))


@untimed
@given(
    st.lists(json_values, max_size=5),
    st.sampled_from(["addOrUpdate", "AddOrUpdate", "ADDORUPDATE"]),
    st.dictionaries(st.sampled_from(["y", "x", ""]), json_values),
    st.sampled_from([None, 0, 2]),
    st.booleans(),
)
def test_whatever_is_written_is_read(
    items: list[Any],
    key: str,
    others: dict[str, Any],
    indent: int | None,
    ascii_only: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    """Any JSON comes back as it was, however it is laid out and wherever it is cut; other keys are passed over."""
    text = json.dumps({**others, key: items}, indent=indent, ensure_ascii=ascii_only)
    assert _read(Drip(text)) == items
    assert _read(io.StringIO(text)) == items


@untimed
@given(json_values, st.booleans())
def test_sizes_are_those_of_the_file(value: Any, ascii_only: bool) -> None:  # noqa: ANN401, FBT001 - any JSON
    """The size of an item is what it took as UTF-8, blanks within it included and around it not."""
    text = json.dumps(value, ensure_ascii=ascii_only)
    (read,) = read_batch(Drip('{"addOrUpdate": [ ' + text + " ] }"), "load")
    assert isinstance(read, Entry)
    assert read.size == len(text.encode("utf-8", "surrogatepass"))


def _read(file: TextIO) -> list[Any] | None:
    """The items; `None` when the file is rejected, which is the only error there may be."""
    try:
        return [read.value for read in read_batch(file, "load") if isinstance(read, Entry)]
    except BatchRejectedError:
        return None


@untimed
@given(st.text(max_size=60) | st.text(alphabet='{}[]":,addOrUpdate 01.e-\\n', max_size=60))
def test_any_text_is_a_batch_or_rejected(text: str) -> None:
    """A text is read as a batch if the standard library reads an object with one list of that name, else rejected."""
    items = _read(Drip(text))
    if items is not None:
        assert [value for key, value in json.loads(text).items() if key.lower() == "addorupdate"] == [items]


@untimed
@given(st.binary(max_size=60), st.integers(min_value=0, max_value=25))
def test_any_bytes_are_a_batch_or_rejected(junk: bytes, at: int) -> None:
    """A good batch with junk in it is rejected when the standard library rejects it, and read as the same otherwise."""
    good = b'{"addOrUpdate":[{"a":1}]}'
    file = good[:at] + junk + good[at:]
    items = _read(io.TextIOWrapper(io.BytesIO(file), encoding="utf-8", newline=""))
    if items is not None:
        assert [value for key, value in json.loads(file.decode()).items() if key.lower() == "addorupdate"] == [items]


@untimed
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["addOrUpdate", "PARTIALUPDATE", "Delete", "addOrMerge", "x"]), st.lists(json_values)
        ),
        unique_by=lambda pair: pair[0],
    ),
    st.sampled_from(("load", "update", "merge")),
)
def test_every_entry_is_read_or_passed_over(arrays: list[tuple[str, list[Any]]], call: Call) -> None:
    """A call gets the entries of its own arrays, in the order of the file, and one word about each array else."""
    taken = {"load": ["addorupdate"], "update": ["addorupdate", "partialupdate", "delete"], "merge": ["addormerge"]}
    expected = [(key.lower(), value) for key, values in arrays if key.lower() in taken[call] for value in values]
    others = [key for key, values in arrays if key == "x" or (values and key.lower() not in taken[call])]
    text = json.dumps(dict(arrays))
    if not any(key.lower() in taken[call] for key, _ in arrays):
        with pytest.raises(BatchRejectedError, match="the batch has no"):
            list(read_batch(Drip(text), call))
        return
    read = list(read_batch(Drip(text), call))
    assert [(one.key.lower(), one.value) for one in read if isinstance(one, Entry)] == expected
    assert len([one for one in read if not isinstance(one, Entry)]) == len(others)


@pytest.mark.parametrize("key", ["addOrUpdate", "partialUpdate", "delete"])
def test_an_array_that_comes_twice_is_rejected(key: str) -> None:
    """A file with the same array twice is rejected, whatever its case and whatever stands between."""
    with pytest.raises(BatchRejectedError, match=f"{key} comes twice"):
        list(read_batch(io.StringIO(f'{{"{key}":[],"x":1,"{key.upper()}":[]}}'), "update"))


@pytest.mark.parametrize(
    "text",
    [
        '{"addOrUpdate":[' + "[" * 100_000,
        '{"addOrUpdate":[' + '{"a":' * 100_000,
        '{"x":' + "[" * 100_000,
        '{"addOrUpdate":[' + "1" * 100_000 + "]}",
        '{"addOrUpdate":["' + "x" * 40_000_000 + '"]}',
        '{"addOrUpdate":["' + "x" * 40_000_000,
        '{"addOrUpdate":[],"delete":["' + "x" * 40_000_000,
        '{"addOrUpdate":[],"delete":{}}',
        '{"addOrUpdate":[-Infinity]}',
        '{"addOrUpdate":[1 2]}',
        '{"addOrUpdate":[1,]}',
        '{"addOrUpdate":[],}',
        "{addOrUpdate:[]}",
        "{1:[]}",
        "\ufeff" + '{"addOrUpdate":[]}',
    ],
    ids=lambda text: text[:20] if len(text) < 100 else f"{text[:20]}... {len(text)}",
)
def test_hostile_text_is_rejected(text: str) -> None:
    """Deep nesting, endless numbers and texts, and JSON that is only nearly JSON end in a rejection, not in a crash."""
    with pytest.raises(BatchRejectedError):
        list(read_batch(io.StringIO(text), "load"))


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """A file of 20 MB is read within 8 MB."""
    item = json.dumps({"documentId": "product://1", "ec_description": "x" * 2_000})
    path = tmp_path / "batch.json"
    path.write_text('{"addOrUpdate":[' + ",".join([item] * 10_000) + "]}")
    assert path.stat().st_size > 20_000_000
    tracemalloc.start()
    try:
        with path.open(encoding="utf-8", newline="") as file:
            assert sum(1 for _ in read_batch(file, "load")) == 10_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000
