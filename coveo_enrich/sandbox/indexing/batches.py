"""The entries of an uploaded file, one after the other, without holding the file in memory.

What an entry must be is decided in `coveo_enrich.sandbox.indexing.indexing` and
`coveo_enrich.sandbox.indexing.changes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TextIO, TypeAlias, get_args

import attrs

from coveo_enrich.sandbox.strict_json import DECODER, Json

__all__ = ["BatchKey", "BatchRejectedError", "Call", "Entry", "PassedOver", "read_batch"]

BatchKey: TypeAlias = Literal["addOrUpdate", "addOrMerge", "partialUpdate", "delete"]
Call: TypeAlias = Literal["load", "update", "merge"]

_KEYS: dict[str, BatchKey] = {key.lower(): key for key in get_args(BatchKey)}
_TAKEN: dict[Call, tuple[BatchKey, ...]] = {
    "load": ("addOrUpdate",),
    "update": ("addOrUpdate", "partialUpdate", "delete"),
    "merge": ("addOrMerge",),
}
_PIECE = 1 << 20
# Some way above the largest item that Coveo takes, so that a file which is one endless value stays out of memory.
_MAX_VALUE_CHARACTERS = 16_000_000
# A number may go on behind the window: with the next characters out of sight, 1e+5 reads as 1 and something after it.
_LOOK_AHEAD = len("e+5")
_BLANKS = " \t\r\n"


class BatchRejectedError(Exception):
    """The file is not a batch, so that nothing of it is indexed; the text says why."""


@attrs.frozen
class Entry:
    """One entry of one of the batch's arrays.

    Attributes:
        key: The array, in Coveo's spelling.
        value: The entry, parsed; it may be anything that JSON can say.
        size: The UTF-8 bytes it took in the file.
    """

    key: BatchKey
    value: Json
    size: int


@attrs.frozen
class PassedOver:
    """A key of the batch that the call does not take, with all that is in it; the text says why."""

    reason: str


@attrs.frozen
class _Value:
    value: Json
    size: int


def read_batch(file: TextIO, call: Call) -> Iterator[Entry | PassedOver]:
    """The entries of the arrays that the call takes, in the order of the file, and what else there is.

    An error may come after entries were given: who carries them out must be ready to take them back.

    Args:
        file: Opened as UTF-8, and with ``newline=""`` so that sizes are those of the file.
        call: What the file was sent to.

    Raises:
        BatchRejectedError: The file is not one JSON object with one of these arrays, or has one twice.
    """
    window = _Window(file)
    found: set[BatchKey] = set()
    for sent_key in _keys(window):
        key = _KEYS.get(sent_key.lower())
        if key is None:
            window.value()
            yield PassedOver(f"the batch's key {sent_key[:100]!r} is not known")
            continue
        if key in found:
            raise BatchRejectedError(f"INVALID_JSON: {key} comes twice")
        found.add(key)
        if key in _TAKEN[call]:
            yield from (Entry(key, read.value, read.size) for read in _entries(window, key))
        elif count := sum(1 for _ in _entries(window, key)):
            yield PassedOver(f"{key} has no place in what is sent to {call}: {count:,} entries are passed over")
    if window.next_character():
        raise BatchRejectedError("INVALID_JSON: there is something after the batch")
    if found.isdisjoint(_TAKEN[call]):
        others = f", but {', '.join(sorted(found))}" if found else ""
        raise BatchRejectedError(f"the batch has no {' or '.join(_TAKEN[call])}{others}")


def _keys(window: _Window) -> Iterator[str]:
    """The keys of the object that starts here; who takes one must read its value before the next."""
    window.take("{", "a batch is an object")
    if window.skip("}"):
        return
    while True:
        key = window.value().value
        if not isinstance(key, str):
            raise BatchRejectedError("INVALID_JSON: a key is a text")
        window.take(":", 'there is no ":" after a key')
        yield key
        if window.skip("}"):
            return
        window.take(",", 'there is no "," between two keys')


def _entries(window: _Window, key: BatchKey) -> Iterator[_Value]:
    window.take("[", f"{key} is an array")
    if window.skip("]"):
        return
    while True:
        yield window.value()
        if window.skip("]"):
            return
        window.take(",", 'there is no "," between two entries')


class _Window:
    """The part of the file that is being looked at; it grows until it holds the next value whole."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False

    def next_character(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _BLANKS:
                    return self._text[self._at]
                self._at += 1
            if self._ended:
                return ""
            self._grow()

    def skip(self, character: str) -> bool:
        """Go past ``character`` if it is next."""
        if self.next_character() != character:
            return False
        self._at += 1
        return True

    def take(self, character: str, otherwise: str) -> None:
        """Go past ``character``, which must be next."""
        if not self.skip(character):
            raise BatchRejectedError(f"INVALID_JSON: {otherwise}")

    def value(self) -> _Value:
        """The next value."""
        self.next_character()
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                raise BatchRejectedError("INVALID_JSON: nested too deeply") from None
            except ValueError as error:
                if self._ended:
                    # The text of the error holds no more than a position; the error itself would hold the window.
                    raise BatchRejectedError(f"INVALID_JSON: {str(error)[:200]}") from None
            else:
                if end + _LOOK_AHEAD <= len(self._text) or self._ended:
                    size = len(self._text[self._at : end].encode("utf-8", "surrogatepass"))
                    self._at = end
                    return _Value(value, size)
            self._grow()

    def _grow(self) -> None:
        rest = self._text[self._at :]
        if len(rest) > _MAX_VALUE_CHARACTERS:
            raise BatchRejectedError(f"INVALID_JSON: a value of more than {_MAX_VALUE_CHARACTERS:,} characters")
        try:
            # Growing by what is already there keeps the repeated parsing of a large item in proportion to its size.
            more = self._file.read(max(_PIECE, len(rest)))
        except UnicodeDecodeError:
            raise BatchRejectedError("INVALID_JSON: the file is not UTF-8") from None
        self._ended = not more
        self._text, self._at = rest + more, 0
