"""The ids of a run: remembered exactly, in little memory."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich.stream import known_ids
from coveo_enrich.stream.known_ids import KnownIds


def _always_0(_text: str) -> int:
    return 0


def _always_minus_1(_text: str) -> int:
    return -1


def _far_apart(text: str) -> int:
    return -len(text) << 8


ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=12)
FEW_IDS = st.sampled_from([f"product://{number}" for number in range(20)])
PRE_AND_SUFFIXES = st.text(alphabet=["a", "\n", "\xff", "é"], max_size=6)


@contextmanager
def _with(**names: object) -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in names.items():
            patch.setattr(known_ids, name, value, raising=False)
        yield


def _agree_with_a_set(ids: list[str]) -> None:
    expected: set[str] = set()
    with closing(KnownIds(tempfile.TemporaryFile)) as known:
        for document_id in ids:
            assert (document_id in known) is (document_id in expected)
            assert known.add(document_id) is (document_id not in expected)
            expected.add(document_id)
            assert document_id in known
        assert len(known) == len(expected)
        assert all(document_id in known for document_id in expected)


@given(st.lists(ANY_TEXT | FEW_IDS | PRE_AND_SUFFIXES, max_size=120), st.sampled_from([0, 30, 16_384]))
def test_it_answers_as_a_set_does(ids: list[str], buffer: int) -> None:
    """Any texts in any order: what was added is known and nothing else, whether in the buffer or in the file."""
    with _with(_BUFFER_BYTES=buffer, _ENTRIES_PER_BUCKET=2):
        _agree_with_a_set(ids)


@given(
    st.lists(ANY_TEXT | PRE_AND_SUFFIXES, max_size=60),
    st.sampled_from([len, _always_0, _always_minus_1, _far_apart]),
    st.sampled_from([0, 30, 16_384]),
)
def test_equal_hashes_prove_nothing(ids: list[str], collides: Callable[[str], int], buffer: int) -> None:
    """Different ids with the same hash are told apart: a hit is confirmed by the text of the id."""
    with _with(_BUFFER_BYTES=buffer, _ENTRIES_PER_BUCKET=2, hash=collides):
        _agree_with_a_set(ids)


def test_bytes_of_a_hash_elsewhere_than_at_an_entry_are_no_entry() -> None:
    """A place may hold the bytes of a hash by chance; the entry behind it is found all the same."""
    hashes = {"first": 1, "second": 0, "third": 0}  # the place of the first id, 0, reads like the hash of the others
    with _with(hash=hashes.__getitem__), closing(KnownIds(tempfile.TemporaryFile)) as known:
        assert known.add("first")
        assert "second" not in known
        assert known.add("second")
        assert not known.add("second")
        assert known.add("third")
        assert not known.add("third")


def test_growth_loses_no_id() -> None:
    """After many splits every id is known and no other is; a second run over the same ids adds none."""
    ids = [f"product://shop.example/{number}" for number in range(30_000)]
    with closing(KnownIds(tempfile.TemporaryFile)) as known:
        assert all(known.add(document_id) for document_id in ids)
        assert not any(known.add(document_id) for document_id in ids)
        assert not any(f"{document_id}x" in known or document_id[:-1] + "x" in known for document_id in ids)
        assert len(known) == len(ids)


def test_growth_keeps_the_buckets_short() -> None:
    """With ever more ids there are ever more buckets, none much fuller than the others: adding stays as fast."""
    with closing(KnownIds(tempfile.TemporaryFile)) as known:
        for number in range(20_000):
            known.add(f"product://{number}")
        sizes = [len(bucket) / 9 for bucket in _buckets(known)]
    assert len(sizes) == 1 + 20_000 / 16
    assert max(sizes) < 6 * 16
    assert sum(sizes) == 20_000


@pytest.mark.parametrize("before", [0, 1_000])
def test_ids_that_differ_late_are_different(before: int) -> None:
    """Long ids with the same first hundred thousand characters, also once they are in the file."""
    start = "product://" + "x" * 100_000
    with closing(KnownIds(tempfile.TemporaryFile)) as known:
        for number in range(before):
            known.add(f"product://{number}")
        assert known.add(start + "a")
        assert known.add(start + "b")
        assert known.add(start)
        assert not known.add(start + "a")
        assert start + "c" not in known


def test_an_id_takes_at_most_16_bytes() -> None:
    """Law 11: from ten thousand ids on, at every moment: buffers and what growth takes for a while are counted."""
    with closing(KnownIds(tempfile.TemporaryFile)) as known:
        most = _most_bytes_an_id(known, ids=100_000)
    assert most <= 16


def test_a_run_of_a_few_items_makes_no_file() -> None:
    """The ids of a small catalog stay in the buffer, and take the place of some thousand characters at most."""

    def no_file() -> IO[bytes]:
        raise AssertionError("a file was made")

    with closing(KnownIds(no_file)) as known:
        assert all(known.add(f"product://{number}") for number in range(500))
        assert not known.add("product://17")


def test_a_file_that_cannot_be_written_is_no_silent_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk adding raises; the id at which it did counts as not added."""
    tries = 0

    def new_file() -> IO[bytes]:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise OSError(28, "No space left on device")
        return tempfile.TemporaryFile()

    monkeypatch.setattr(known_ids, "_BUFFER_BYTES", 20)
    with closing(KnownIds(new_file)) as known:
        assert known.add("product://1")
        with pytest.raises(OSError, match="No space left"):
            known.add("product://2")
        assert (len(known), "product://2" in known) == (1, False)
        assert known.add("product://2")
        assert not known.add("product://2")
        assert not known.add("product://1")


def test_closing_deletes_the_file() -> None:
    """After closing, once or twice, the file is gone."""
    files: list[IO[bytes]] = []

    def new_file() -> IO[bytes]:
        files.append(tempfile.TemporaryFile())  # noqa: SIM115 - closed with the ids
        return files[-1]

    known = KnownIds(new_file)
    for number in range(5_000):
        known.add(f"product://{number}")
    assert [file.closed for file in files] == [False]
    known.close()
    known.close()
    assert [file.closed for file in files] == [True]


def test_closing_without_a_file_is_fine() -> None:
    """What made no file closes as well, once or twice."""
    known = KnownIds(tempfile.TemporaryFile)
    known.add("product://1")
    known.close()
    known.close()


def _buckets(known: KnownIds) -> list[bytes]:
    return known._buckets  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - what memory goes into


def _most_bytes_an_id(known: KnownIds, *, ids: int) -> float:
    """The most memory that an id took in any thousand of ids after the first ten thousand."""
    most = 0.0
    tracemalloc.start()
    try:
        for number in range(ids):
            known.add(f"product://shop.example/{number:09}")
            if number % 1_000 == 999:
                _, peak = tracemalloc.get_traced_memory()
                tracemalloc.reset_peak()
                if number >= 10_000:
                    most = max(most, peak / (number - 999))
    finally:
        tracemalloc.stop()
    return most
