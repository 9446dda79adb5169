"""One word for one thing: the values that a field may hold, and the words that classifiers use for them.

Which classifier is asked, and how sure it must be, is decided by rules, in `coveo_enrich.enrichment.rules`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final, Self

import attrs

from coveo_enrich.errors import ConfigurationError

__all__ = ["Vocabulary", "fold"]

_Entries = tuple[tuple[str, tuple[str, ...]], ...]


def fold(word: str) -> str:
    """A word without what does not tell words apart: case, accents, hyphens, underscores and spare blanks."""
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(letters.replace("-", " ").replace("_", " ").split())


def _pairs(entries: Mapping[str, Iterable[str]]) -> _Entries:
    return tuple((value, _synonyms(value, synonyms)) for value, synonyms in entries.items())


def _synonyms(value: str, synonyms: Iterable[str]) -> tuple[str, ...]:
    if isinstance(synonyms, str):
        raise ConfigurationError(f"the synonyms of {value!r} must be a list of words; got the text {synonyms!r}")
    return tuple(synonyms)


def _values_by_word(vocabulary: Vocabulary) -> dict[str, str]:
    by_word: dict[str, str] = {}
    for value, synonyms in vocabulary.entries:
        _check_value(value)
        for word in (value, *synonyms):
            if not fold(word):
                raise ConfigurationError(f"{word!r}, a word for {value!r}, holds nothing to tell it by")
            earlier = by_word.setdefault(fold(word), value)
            if earlier != value:
                raise ConfigurationError(f"the word {word!r} stands for both {earlier!r} and {value!r}")
    return by_word


@attrs.frozen
class Vocabulary:
    """The values that a field may hold, each with the other words that mean it.

    Words match whatever their case, accents or hyphens. A word that is in no vocabulary is not written; it is reported.

    Attributes:
        entries: Each value with its synonyms; given as a dict such as ``{"single seat": ["one person kayak"]}``.

    Raises:
        ConfigurationError: A word stands for two values, a value is blank, or holds a character that Coveo reads as a
            separator (``;``) or cannot quote (``"``).
    """

    entries: _Entries = attrs.field(converter=_pairs)
    _values: dict[str, str] = attrs.field(
        default=attrs.Factory(_values_by_word, takes_self=True), init=False, repr=False, eq=False
    )

    @classmethod
    def colors(cls) -> Self:
        """Fifteen retail colours, from Black to Yellow, with the shades that shoppers know by name.

        Navy, Gold and Silver are colours of their own; teal and turquoise count as Blue, olive as Green, tan as Beige,
        maroon as Red.
        """
        return cls(_COLORS)

    @property
    def values(self) -> tuple[str, ...]:
        """The values, in the order in which they were given."""
        return tuple(value for value, _ in self.entries)

    def match(self, word: str) -> str | None:
        """The value that a word stands for; `None` when the vocabulary does not know it."""
        return self._values.get(fold(word))


def _check_value(value: str) -> None:
    if not value.strip() or ";" in value or '"' in value:
        raise ConfigurationError(f"a vocabulary value must not be blank or hold ';' or '\"'; got {value!r}")


_COLORS: Final[Mapping[str, tuple[str, ...]]] = {
    "Black": ("jet black", "onyx", "ebony"),
    "White": ("off white", "snow", "pearl white"),
    "Gray": ("grey", "charcoal", "slate", "anthracite", "light gray", "light grey", "dark gray", "dark grey"),
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
