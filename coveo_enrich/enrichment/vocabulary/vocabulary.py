"""One word for one thing: the values that a field may hold, and the words that classifiers use for them.

Which classifier is asked, and how sure it must be, is decided by rules, in `coveo_enrich.enrichment.rules`; when two
words are one is in `coveo_enrich.enrichment.vocabulary.words`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any, Final, Self, cast

import attrs

from coveo_enrich.enrichment.vocabulary.files import Row, read_rows, write_entries
from coveo_enrich.enrichment.vocabulary.hierarchy import LEVELS, leaf
from coveo_enrich.enrichment.vocabulary.suggestions import OTHERS, Suggestions, suggest
from coveo_enrich.enrichment.vocabulary.words import fold, forms_of, spelled
from coveo_enrich.errors import CatalogFileError, ConfigurationError

__all__ = ["Vocabulary"]

_Entries = tuple[tuple[str, tuple[str, ...]], ...]
_Index = Mapping[str, str | None]
"""The value of each word; `None` for a word that means several."""


def _pairs(entries: Any) -> _Entries:  # noqa: ANN401 - whatever a caller passes
    if not isinstance(entries, Mapping):
        raise ConfigurationError(f"a vocabulary is made of values with lists of words; got {type(entries).__name__}")
    given = cast("Mapping[object, object]", entries)
    return tuple((_text(value), _synonyms(value, synonyms)) for value, synonyms in given.items())


def _synonyms(value: object, synonyms: object) -> tuple[str, ...]:
    if isinstance(synonyms, str) or not isinstance(synonyms, Iterable):
        raise ConfigurationError(f"the synonyms of {value!r} must be a list of words; got {synonyms!r}")
    return tuple(map(_text, cast("Iterable[object]", synonyms)))


def _text(word: object) -> str:
    if not isinstance(word, str):
        raise ConfigurationError(f"the values and words of a vocabulary are texts; got {word!r}")
    return word


def _given_words(entries: _Entries) -> dict[str, str]:
    by_word: dict[str, str] = {}
    for value, synonyms in entries:
        _check_value(value)
        for word in (value, *synonyms):
            if not fold(word):
                raise ConfigurationError(f"{word!r}, a word for {value!r}, holds nothing to tell it by")
            earlier = by_word.setdefault(fold(word), value)
            if earlier != value:
                raise ConfigurationError(f"the word {word!r} stands for both {earlier!r} and {value!r}")
    return by_word


def _exact(vocabulary: Vocabulary) -> _Index:
    """What was given as a word wins over what is only the last level of a value."""
    leaves = ((fold(leaf(value)), value) for value in vocabulary.values)
    return {**_unambiguous(leaves), **_given_words(vocabulary.entries)}


def _in_american(vocabulary: Vocabulary) -> _Index:
    return _unambiguous((spelled(word), value) for word, value in _exact(vocabulary).items())


def _unambiguous(words: Iterable[tuple[str, str | None]]) -> _Index:
    index: dict[str, str | None] = {}
    for word, value in words:
        index[word] = value if index.get(word, value) == value else None
    return index


@attrs.frozen
class Vocabulary:
    """The values that a field may hold, each with the other words that mean it.

    Words match whatever their case, accents or hyphens, in British and American spelling, in singular and plural
    (English, the last word). What was given wins over what only a spelling or a plural leads to, and a word that leads
    to several values that way stands for none of them. Of a value with levels, such as ``Footwear|Shoes``, the last
    level is a word for it, unless several values share it. A word that is in no vocabulary is not written; it is
    reported.

    Attributes:
        entries: Each value with its synonyms; given as a dict such as ``{"single seat": ["one person kayak"]}``.

    Raises:
        ConfigurationError: A word stands for two values; a value or one of its levels is blank or has blanks around it,
            or holds a character that Coveo reads as a separator (``;``) or cannot quote (``"``).
    """

    entries: _Entries = attrs.field(converter=_pairs)
    _exact: _Index = attrs.field(default=attrs.Factory(_exact, takes_self=True), init=False, repr=False, eq=False)
    _american: _Index = attrs.field(
        default=attrs.Factory(_in_american, takes_self=True), init=False, repr=False, eq=False
    )

    @classmethod
    def colors(cls) -> Self:
        """Fifteen retail colours, from Black to Yellow, with the shades that shoppers know by name.

        Navy, Gold and Silver are colours of their own; teal and turquoise count as Blue, olive as Green, tan as Beige,
        maroon as Red.
        """
        return cls(_COLORS)

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read a vocabulary from a ``.csv`` or ``.json`` file, UTF-8 with or without a byte order mark.

        CSV has the columns ``value`` and ``synonyms`` (words with ``;``, ``,`` or a new line between them) or
        ``synonym`` (one, as it stands); a value may come in several rows, and other columns are passed over. JSON is an
        object of values with lists of synonyms, or a list of such rows. Of a file of `suggest` that was edited, rows
        without a value are left out.

        Raises:
            CatalogFileError: It cannot be read, or is no vocabulary; it names the line where there is one.
            ConfigurationError: The file's name ends neither in ``.csv`` nor in ``.json``.
        """
        rows = read_rows(Path(path))
        try:
            return cls(_entries_of(rows))
        except ConfigurationError as error:
            line = cls._first_wrong(rows).line
            raise CatalogFileError(str(path), line, error.message) from error

    @classmethod
    def _first_wrong(cls, rows: list[Row]) -> Row:
        """The row with which those before it first make no vocabulary: no row after it mends that."""
        fine, wrong = 0, len(rows)
        while wrong - fine > 1:
            middle = (fine + wrong) // 2
            try:
                cls(_entries_of(rows[:middle]))
            except ConfigurationError:
                wrong = middle
            else:
                fine = middle
        return rows[wrong - 1]

    def to_file(self, path: str | Path) -> None:
        """Write it to a ``.csv`` (one synonym a row) or ``.json`` file that `from_file` reads.

        Raises:
            ConfigurationError: The file's name ends neither in ``.csv`` nor in ``.json``.
        """
        write_entries(Path(path), self.entries)

    @property
    def values(self) -> tuple[str, ...]:
        """The values, in the order in which they were given."""
        return tuple(value for value, _ in self.entries)

    def match(self, word: str) -> str | None:
        """The value that a word stands for; `None` when the vocabulary does not know it."""
        forms = forms_of(word)
        if forms.folded in self._exact:
            return self._exact[forms.folded]
        if forms.spelled in self._american:
            return self._american[forms.spelled]
        found = {self._american[form] for form in forms.numbers if form in self._american}
        return found.pop() if len(found) == 1 else None

    def extended(self, more: Vocabulary | Mapping[str, Iterable[str]]) -> Self:
        """A vocabulary with more values, and more synonyms for those that it has.

        Args:
            more: Values with their synonyms. A value that differs from one of this vocabulary in case, accents or
                hyphens only is that one.

        Raises:
            ConfigurationError: A word would stand for two values.
        """
        entries = {value: list(synonyms) for value, synonyms in self.entries}
        own = {fold(value): value for value in entries}
        for value, synonyms in more.entries if isinstance(more, Vocabulary) else _pairs(more):
            entries.setdefault(own.get(fold(value), value), []).extend(synonyms)
        return type(self)({value: dict.fromkeys(synonyms) for value, synonyms in entries.items()})

    def suggest(self, unmapped: Mapping[str, int]) -> Suggestions:
        """What a run could not map, with the values that each word resembles, for a person to decide.

        Args:
            unmapped: Words of one field with how often each was seen, as ``run.report.unmapped["ec_color"]`` has them.
                Those that the vocabulary knows by now are left out, and so is ``(others)``, by which the report counts
                those beyond a thousand.

        Raises:
            ConfigurationError: They are not words with numbers.
        """
        _check_counts(unmapped)
        unknown = {
            word: count
            for word, count in unmapped.items()
            if word != OTHERS and fold(word) and self.match(word) is None
        }
        return suggest(unknown, {word: value for word, value in self._exact.items() if value is not None})


def _check_counts(unmapped: object) -> None:
    counts = cast("Mapping[object, object]", unmapped).values() if isinstance(unmapped, Mapping) else (None,)
    if not all(isinstance(count, Integral) for count in counts):
        raise ConfigurationError(
            f"unmapped must be words with their counts, as run.report.unmapped of one field; got {unmapped!r:.200}"
        )


def _entries_of(rows: Iterable[Row]) -> dict[str, list[str]]:
    entries: dict[str, list[str]] = {}
    for row in rows:
        entries.setdefault(row.value, []).extend(row.synonyms)
    return entries


def _check_value(value: str) -> None:
    if any(not level or level != level.strip() for level in value.split(LEVELS)) or ";" in value or '"' in value:
        raise ConfigurationError(
            f"a vocabulary value must not be blank, have blanks around it or a level of it, or hold ';' or '\"'; "
            f"got {value!r}"
        )


_COLORS: Final[Mapping[str, tuple[str, ...]]] = {
    "Black": ("jet black", "onyx", "ebony"),
    "White": ("off white", "snow", "pearl white"),
    "Gray": ("charcoal", "slate", "anthracite", "light gray", "dark gray"),
    "Silver": (),
    "Beige": ("tan", "cream", "ivory", "ecru", "sand", "khaki", "nude", "champagne"),
    "Brown": ("chocolate", "coffee", "chestnut", "mocha", "bronze", "copper", "rust", "camel", "cognac"),
    "Red": ("maroon", "burgundy", "crimson", "scarlet", "wine", "bordeaux", "brick", "dark red"),
    "Orange": ("peach", "apricot", "tangerine", "coral", "terracotta"),
    "Yellow": ("mustard", "lemon", "ochre"),
    "Gold": (),
    "Green": ("olive", "lime", "mint", "emerald", "sage", "forest green", "dark green", "light green"),
    "Blue": ("teal", "turquoise", "aqua", "cyan", "sky blue", "royal blue", "light blue", "azure", "cobalt", "denim"),
    "Navy": ("navy blue", "dark blue", "midnight blue"),
    "Purple": ("violet", "lilac", "lavender", "plum", "mauve", "indigo", "aubergine"),
    "Pink": ("rose", "magenta", "fuchsia", "salmon", "blush", "hot pink"),
}
