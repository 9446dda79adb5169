from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coveo_enrich import Vocabulary
from coveo_enrich.errors import ConfigurationError

COLORS = {
    "Black": ["black", "jet black", "onyx"],
    "White": ["white", "off-white", "Off White", "snow"],
    "Gray": ["gray", "grey", "GREY", "charcoal", "slate", "light-gray", "dark grey"],
    "Silver": ["silver"],
    "Beige": ["beige", "tan", "cream", "khaki", "sand", "écru"],
    "Brown": ["brown", "chocolate", "camel"],
    "Red": ["red", "maroon", "burgundy", "dark red"],
    "Orange": ["orange", "peach", "coral"],
    "Yellow": ["yellow", "mustard", "lemon"],
    "Gold": ["gold"],
    "Green": ["green", "olive", "lime", "mint", "forest_green"],
    "Blue": ["blue", "teal", "turquoise", "sky blue", "cyan"],
    "Navy": ["navy", "navy blue", "Dark-Blue"],
    "Purple": ["purple", "violet", "lavender"],
    "Pink": ["pink", "fuchsia", "hot  pink"],
}


@pytest.mark.parametrize(
    "word",
    [
        "crème brûlée",
        "CRÈME BRÛLÉE",
        "creme brulee",
        "Creme-Brulee",
        "creme_brulee",
        "  crème   brûlée ",
        "cre\u0300me bru\u0302le\u0301e",
        "crème\tbrûlée\n",
        "ｃｒｅｍｅ brulee",  # noqa: RUF001 - wide letters are letters
    ],
)
def test_words_match_without_case_accents_and_hyphens(word: str) -> None:
    """What does not tell words apart is not looked at, on either side."""
    assert Vocabulary({"Crème Brûlée": []}).match(word) == "Crème Brûlée"
    assert Vocabulary({"Vanilla": [word]}).match("Crème Brûlée") == "Vanilla"


@pytest.mark.parametrize("word", ["creme", "cremebrulee", "creme brulees tart", ""])
def test_other_words_do_not_match(word: str) -> None:
    """A part of a word, or a longer one, is another word."""
    assert Vocabulary({"Crème Brûlée": []}).match(word) is None


@pytest.mark.parametrize(("value", "words"), COLORS.items())
def test_the_colors_know_every_documented_word(value: str, words: list[str]) -> None:
    """The fifteen retail colours take the shades that the documentation names, in usual spellings."""
    assert {Vocabulary.colors().match(word) for word in words} == {value}


def test_the_colors_are_the_documented_fifteen() -> None:
    """There are fifteen colours, each of which stands for itself."""
    colors = Vocabulary.colors()
    assert set(colors.values) == set(COLORS)
    assert [colors.match(value) for value in colors.values] == list(colors.values)


@pytest.mark.parametrize("word", ["plaid", "transparent", "multicolor", "", "-", "colour"])
def test_an_unknown_word_stands_for_nothing(word: str) -> None:
    """No value is made up for a word that is not in the vocabulary."""
    assert Vocabulary.colors().match(word) is None


@pytest.mark.parametrize(
    "entries",
    [
        {"Red": ["crimson"], "Purple": ["crimson"]},
        {"Red": ["blue"], "Blue": []},
        {"Red": [], "red": []},
        {"Café": [], "cafe": []},
        {"Off-White": [], "Off White": []},
        {"Red": ["Bordó"], "Wine": ["BORDO"]},
    ],
)
def test_a_word_for_two_values_is_refused(entries: dict[str, list[str]]) -> None:
    """A vocabulary in which a word stands for two values is a mistake, found at once."""
    with pytest.raises(ConfigurationError, match="both"):
        Vocabulary(entries)


@pytest.mark.parametrize("value", ["", " ", "\t", "Red;Blue", ";", 'The "Red"', '"'])
def test_a_value_that_coveo_would_split_or_cannot_quote_is_refused(value: str) -> None:
    """Blank values, and values with ``;`` or a double quote, are refused."""
    with pytest.raises(ConfigurationError, match="must not be blank"):
        Vocabulary({value: []})


@pytest.mark.parametrize("synonym", ["", " ", "-", "__"])
def test_a_synonym_of_nothing_is_refused(synonym: str) -> None:
    """A synonym that is blank once it is folded would stand for every mark without letters."""
    with pytest.raises(ConfigurationError):
        Vocabulary({"Red": [synonym]})


@pytest.mark.parametrize("entries", [None, ["Red"], {"Red": None}, {"Red": [5]}, {5: ["x"]}, {"Red": b"x"}])
def test_what_is_no_vocabulary_is_refused(entries: Any) -> None:  # noqa: ANN401 - whatever a caller gives
    """Values with lists of words are wanted, and the message says so, from the start and when one is extended."""
    with pytest.raises(ConfigurationError, match=r"a vocabulary|list of words"):
        Vocabulary(entries)
    with pytest.raises(ConfigurationError, match=r"a vocabulary|list of words"):
        Vocabulary.colors().extended(entries)


@pytest.mark.parametrize("unmapped", [None, ["red"], {"ec_color": {"red": 1}}])
def test_what_are_no_counts_of_words_is_refused(unmapped: Any) -> None:  # noqa: ANN401 - whatever a caller gives
    """The unmapped words of one field are wanted, not those of all."""
    with pytest.raises(ConfigurationError, match="unmapped must be words with their counts"):
        Vocabulary.colors().suggest(unmapped)


def test_synonyms_given_as_one_text_are_refused() -> None:
    """A text in place of a list would make a synonym of each letter."""
    with pytest.raises(ConfigurationError, match="list of words"):
        Vocabulary({"Red": "crimson"})


def test_a_value_may_repeat_itself_among_its_synonyms() -> None:
    """A word given twice for the same value is no conflict."""
    assert Vocabulary({"Red": ["red", "RED", "crimson", "Crimson"]}).match("crimson") == "Red"


WORDS = st.text(st.characters(categories=["Lu", "Ll", "Nd"], max_codepoint=0x17F), min_size=1, max_size=8)


@settings(deadline=None)
@given(st.dictionaries(WORDS, st.lists(WORDS, max_size=3), max_size=5))
def test_a_vocabulary_pickles_and_knows_all_its_words(entries: dict[str, list[str]]) -> None:
    """Law 14: a vocabulary crosses to another process; every word in it stands for its value there as here."""
    try:
        vocabulary = Vocabulary(entries)
    except ConfigurationError:
        return
    copy: Vocabulary = pickle.loads(pickle.dumps(vocabulary))  # noqa: S301 - pickled here
    assert copy == vocabulary
    for value, synonyms in entries.items():
        assert {copy.match(word) for word in (value, *synonyms)} == {value}


def test_a_vocabulary_compares_by_its_words_and_hashes() -> None:
    """Equal vocabularies are one key."""
    assert len({Vocabulary({"Red": ["crimson"]}), Vocabulary({"Red": ("crimson",)})}) == 1
    assert Vocabulary({"Red": []}) != Vocabulary({"Red": ["crimson"]})


def test_a_vocabulary_does_not_follow_its_source() -> None:
    """Changing the dict afterwards changes nothing."""
    source = {"Red": ["crimson"]}
    vocabulary = Vocabulary(source)
    source["Red"].append("blue")
    assert vocabulary.match("blue") is None
