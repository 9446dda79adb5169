"""What a run could not map, as a file in which a person decides. Nothing here decides.

A suggestion says what a word resembles in letters; whether it means the same, letters do not tell.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path
from typing import Final

import attrs

from coveo_enrich.enrichment.vocabulary.files import file_format, write_csv, write_json
from coveo_enrich.enrichment.vocabulary.hierarchy import LEVELS
from coveo_enrich.enrichment.vocabulary.words import fold

__all__ = ["OTHERS", "Suggestion", "Suggestions", "suggest"]

OTHERS: Final = "(others)"
"""Stands in the counts of a report for all that is beyond their limit; it is no word."""

_MOST_NEAREST: Final = 3
_MOST_RANKED: Final = 20  # of those that share a token
_LEAST_LIKE: Final = 0.7  # of 1, by difflib's ratio: a letter or two differ
_SHORTEST_TOKEN: Final = 3  # letters: "of" and "in" say nothing


@attrs.frozen
class Suggestion:
    """A word that a vocabulary lacks.

    Attributes:
        word: The word, as it was first seen.
        count: How often it was seen, in whatever case.
        nearest: The values that it resembles, the most alike first, at most three; none when it resembles none.
    """

    word: str
    count: int
    nearest: tuple[str, ...] = ()


@attrs.frozen
class Suggestions:
    """What a vocabulary lacks, the most frequent first.

    Attributes:
        words: The words.
    """

    words: tuple[Suggestion, ...]

    def to_file(self, path: str | Path) -> None:
        """Write a ``.csv`` or ``.json`` file in which each word waits for the value that it stands for.

        Fill in ``value`` where a word is to be known from now on and leave it blank elsewhere; then
        ``vocabulary.extended(Vocabulary.from_file(path))`` knows what was filled in.

        Raises:
            ConfigurationError: The file's name ends neither in ``.csv`` nor in ``.json``.
        """
        if file_format(Path(path)) == "json":
            rows = ({"value": "", "synonym": s.word, "count": s.count, "nearest": list(s.nearest)} for s in self.words)
            write_json(Path(path), list(rows))
        else:
            cells = (("", s.word, str(s.count), "; ".join(s.nearest)) for s in self.words)
            write_csv(Path(path), ("value", "synonym", "count", "nearest"), cells)


def suggest(unmapped: Mapping[str, int], known: Mapping[str, str]) -> Suggestions:
    """Put words beside the values that they resemble.

    Args:
        unmapped: Words with how often each was seen.
        known: The value of each folded word that a vocabulary has.
    """
    by_form: dict[str, Suggestion] = {}
    for word, count in unmapped.items():
        earlier = by_form.get(fold(word), Suggestion(word, 0))
        by_form[fold(word)] = attrs.evolve(earlier, count=earlier.count + count)
    by_start = _by_start(known)
    found = (attrs.evolve(one, nearest=_nearest(form, known, by_start)) for form, one in by_form.items())
    return Suggestions(tuple(sorted(found, key=lambda one: (-one.count, one.word))))


def _nearest(form: str, known: Mapping[str, str], by_start: Mapping[str, set[str]]) -> tuple[str, ...]:
    there = {word for start in _starts(form) for word in by_start.get(start, ())}
    like = get_close_matches(form, there, n=_MOST_NEAREST, cutoff=_LEAST_LIKE)
    sharing = sorted((word for word in there if _shared(form, word)), key=lambda word: (-_shared(form, word), word))
    words = sorted({*like, *sharing[:_MOST_RANKED]}, key=lambda word: (-_likeness(form, word), word))
    return tuple(dict.fromkeys(known[word] for word in words))[:_MOST_NEAREST]


def _likeness(one: str, other: str) -> float:
    return _shared(one, other) + SequenceMatcher(None, one, other).ratio()


def _shared(one: str, other: str) -> float:
    """The share of the shorter one's tokens that the other has too."""
    mine, theirs = _tokens(one), _tokens(other)
    return len(mine & theirs) / (min(len(mine), len(theirs)) or 1)


def _by_start(words: Iterable[str]) -> Mapping[str, set[str]]:
    by_start: dict[str, set[str]] = {}
    for word in words:
        for start in _starts(word):
            by_start.setdefault(start, set()).add(word)
    return by_start


def _starts(form: str) -> set[str]:
    # Who mistypes a word begins it well, and comparing each with each would take minutes.
    return {token[:2] for token in form.replace(LEVELS, " ").split()}


@functools.lru_cache(4_096)
def _tokens(form: str) -> frozenset[str]:
    return frozenset(token for token in form.replace(LEVELS, " ").split() if len(token) >= _SHORTEST_TOKEN)
