"""When two words are the same word: what of a word counts, how English spells it, and how it forms a plural.

Which words a field knows is `coveo_enrich.enrichment.vocabulary`; nothing here knows one.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from coveo_enrich.enrichment.vocabulary.hierarchy import LEVELS

__all__ = ["AMERICAN", "Forms", "fold", "forms_of", "spelled"]

AMERICAN: Final[Mapping[str, str]] = {
    "aluminium": "aluminum",
    "analogue": "analog",
    "armour": "armor",
    "catalogue": "catalog",
    "centre": "center",
    "chequered": "checkered",
    "colour": "color",
    "cosy": "cozy",
    "doughnut": "donut",
    "fibre": "fiber",
    "flavour": "flavor",
    "grey": "gray",
    "jewellery": "jewelry",
    "litre": "liter",
    "metre": "meter",
    "mould": "mold",
    "moustache": "mustache",
    "odour": "odor",
    "panelled": "paneled",
    "plough": "plow",
    "pyjama": "pajama",
    "tyre": "tire",
    "woollen": "woolen",
}
"""British spellings, and the American ones that mean the same; also inside a word, as in ``multicolour``."""

_LAST_GREEK: Final = "\u03ff"  # what is Latin and comes later consists, decomposed, of letters before it and marks
_FIRST_HEBREW: Final = "\u0590"
_IE: Final = "\N{CYRILLIC SMALL LETTER IE}"  # whose two dots most texts leave out
_LAST_ARABIC: Final = "\u06ff"
# Of the Turkish colour yellow, whose capitals are those of an i in other languages.
_DOTTED: Final = {"\N{LATIN SMALL LETTER DOTLESS I}": "i"}
_BRITISH: Final = re.compile("|".join(AMERICAN))
_LONGEST_REMEMBERED: Final = 100  # characters; a text read off a picture may be long
_REMEMBERED: Final = 16_384  # words, some 10 MB


@attrs.frozen
class Forms:
    """A word in the forms by which it may be known, the surest first.

    Attributes:
        folded: Without what does not tell words apart: see `fold`.
        spelled: The same in American spelling.
        numbers: The singulars and plurals that it may have by the rules of English.
    """

    folded: str
    spelled: str
    numbers: tuple[str, ...]


def forms_of(word: str) -> Forms:
    """The forms of a word. Short words are remembered, as a catalog shows the same few again and again."""
    return _remembered(word) if len(word) <= _LONGEST_REMEMBERED else _forms_of(word)


def _forms_of(word: str) -> Forms:
    folded = fold(word)
    american = spelled(folded)
    return Forms(folded, american, tuple(_numbers(american)))


_remembered = functools.lru_cache(_REMEMBERED)(_forms_of)


def fold(word: str) -> str:
    """A word without what does not tell words apart: case, accents, hyphens, underscores and spare blanks.

    A mark tells words apart where it is no accent: in Japanese, Thai or Cyrillic, not on letters of the Latin, Greek,
    Hebrew and Arabic alphabets.
    """
    words = _without_accents(word.casefold()).replace("-", " ").replace("_", " ")
    return LEVELS.join(" ".join(level.split()) for level in words.split(LEVELS))


def _without_accents(word: str) -> str:
    if word.isascii():
        return word
    kept: list[str] = []
    is_accented = False
    for letter in unicodedata.normalize("NFKD", word):
        is_mark = unicodedata.combining(letter) > 0
        if not is_mark:
            is_accented = letter <= _LAST_GREEK or _FIRST_HEBREW <= letter <= _LAST_ARABIC
        if not (is_mark and (is_accented or (kept and kept[-1] == _IE))):
            kept.append(_DOTTED.get(letter, letter))
    return "".join(kept)


def spelled(folded: str) -> str:
    """A folded word in American spelling."""
    return _BRITISH.sub(lambda british: AMERICAN[british[0]], folded)


# Endings of a singular and of its plural. Where they lead to what is no word, no vocabulary has it.
_ENDINGS: Final = (
    ("", "s"),
    ("y", "ies"),
    ("ie", "ies"),
    ("f", "ves"),
    ("fe", "ves"),
    *((ending, f"{ending}es") for ending in ("s", "x", "z", "ch", "sh", "o")),
)
_SHORTEST_NOUN: Final = 3  # letters: the size XS is not many X


def _numbers(word: str) -> Iterator[str]:
    """A word with its last noun in the other number: in English that is the one that changes."""
    start = max(word.rfind(" "), word.rfind(LEVELS)) + 1
    noun = word[start:]
    for singular, plural in _pairs(noun):
        # No plural ends in ss: "brass" is not many "bras".
        if len(singular) >= _SHORTEST_NOUN and singular.isalpha() and not plural.endswith("ss"):
            yield word[:start] + (singular if noun == plural else plural)


def _pairs(noun: str) -> Iterator[tuple[str, str]]:
    for one, many in _ENDINGS:
        if noun.endswith(many):
            yield noun.removesuffix(many) + one, noun
        if noun.endswith(one):
            yield noun, noun.removesuffix(one) + many
