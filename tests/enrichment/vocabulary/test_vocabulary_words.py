"""Words that are one word: plurals, spellings, levels; and what is never taken for one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich import Vocabulary
from coveo_enrich.enrichment.vocabulary import words
from coveo_enrich.enrichment.vocabulary.hierarchy import with_ancestors
from coveo_enrich.errors import ConfigurationError

DOCS = Path(__file__).parents[3] / "docs"

PAIRS = [
    ("kayak", "kayaks"),
    ("shoe", "shoes"),
    ("dress", "dresses"),
    ("glass", "glasses"),
    ("berry", "berries"),
    ("hoodie", "hoodies"),
    ("toy", "toys"),
    ("box", "boxes"),
    ("watch", "watches"),
    ("brush", "brushes"),
    ("vase", "vases"),
    ("lens", "lenses"),
    ("canvas", "canvases"),
    ("bus", "buses"),
    ("scarf", "scarves"),
    ("knife", "knives"),
    ("glove", "gloves"),
    ("photo", "photos"),
    ("hero", "heroes"),
    ("cache", "caches"),
    ("bikini", "bikinis"),
    ("bra", "bras"),
    ("running shoe", "Running-Shoes"),
    ("Multicolour Dress", "multicolor dresses"),
]


@pytest.mark.parametrize(
    ("one", "other"),
    [("カラス", "ガラス"), ("タイヤ", "ダイヤ"), ("ハット", "バット"), ("เสือ", "เสื้อ"), ("ขาว", "ข้าว"), ("кий", "кии")],
)
def test_a_mark_that_is_no_accent_makes_another_word(one: str, other: str) -> None:
    """Glass is no crow, and rice is not white: a mark in Japanese, Thai or Cyrillic makes another word."""
    both = Vocabulary({one: [], other: []})
    assert (both.match(one), both.match(other)) == (one, other)
    assert Vocabulary({one: []}).match(other) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Café", "cafe"),
        ("Café", "CAFE\u0301"),
        ("Größe", "GROSSE"),
        ("Ελιά", "ελια"),
        ("SARI", "sar\N{LATIN SMALL LETTER DOTLESS I}"),
        ("İNCİ", "inci"),
        ("שָׁלוֹם", "שלום"),
        ("أَحْمَر", "أحمر"),
        ("ガラス", "カ\u3099ラス"),
        ("Чёрный", "черный"),
    ],
)
def test_an_accent_makes_no_other_word(one: str, other: str) -> None:
    """Accents and capitals, also the Turkish ones, vowel points, and how a letter is composed tell no words apart."""
    assert Vocabulary({one: []}).match(other) == one
    assert Vocabulary({other: []}).match(one) == other


@pytest.mark.parametrize(("one", "many"), PAIRS)
def test_singular_and_plural_are_one_word(one: str, many: str) -> None:
    """English plurals match their singular, whichever of the two the vocabulary has."""
    assert Vocabulary({one: []}).match(many) == one
    assert Vocabulary({many: []}).match(one) == many


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("glass", "glas"),
        ("brass", "bras"),
        ("bass", "bas"),
        ("dress", "dres"),
        ("X", "XS"),
        ("M", "MS"),
        ("90", "90s"),
        ("sport shoe", "sports shoe"),
        ("shoes rack", "shoe rack"),
        ("woman", "women"),
        ("child", "children"),
    ],
)
def test_other_words_are_not_taken_for_plurals(one: str, other: str) -> None:
    """Neither what only looks like a plural, nor a noun within the name, nor a plural without a rule."""
    assert Vocabulary({one: []}).match(other) is None
    assert Vocabulary({other: []}).match(one) is None


@pytest.mark.parametrize(("british", "american"), words.AMERICAN.items())
@pytest.mark.parametrize("form", ["{}", "Dark-{}", "{} blue", "{}s"])
def test_british_and_american_spellings_are_one_word(british: str, american: str, form: str) -> None:
    """Every spelling of the list, alone, beside other words and with an ending."""
    one, other = form.format(british), form.format(american)
    assert Vocabulary({one: []}).match(other) == one
    assert Vocabulary({other: []}).match(one) == other


def test_the_documented_spellings_are_those_of_the_code() -> None:
    """The list on the page of vocabularies is complete."""
    page = (DOCS / "vocabularies.md").read_text("utf-8")
    assert dict(re.findall(r"^\| ([a-z]+) \| ([a-z]+) \|$", page, re.MULTILINE)) == words.AMERICAN


@pytest.mark.parametrize("pair", [("Short", "Shorts"), ("Glass", "Glasses"), ("Gray", "Grey"), ("Color", "Colours")])
def test_words_that_were_given_win(pair: tuple[str, str]) -> None:
    """Two values that differ only in number or spelling are two values, each of which stands for itself."""
    vocabulary = Vocabulary({value: [] for value in pair})
    assert tuple(map(vocabulary.match, pair)) == pair


@pytest.mark.parametrize(
    ("entries", "word"),
    [
        ({"Brown": ["lense"], "Silver": ["lens"]}, "lenses"),
        ({"Gray Shirt": [], "Grey Shirts": []}, "gray shirtes"),
        ({"Catalogue Grey": [], "Catalog Grey": []}, "catalog gray"),
        ({"Men|Shoes": [], "Women|Shoes": []}, "shoes"),
        ({"Men|Shoes": [], "Women|Shoe": []}, "shoees"),
    ],
)
def test_a_word_that_leads_to_several_values_stands_for_none(entries: dict[str, list[str]], word: str) -> None:
    """Which of them was meant is not guessed; the word stays unmapped, and so is reported."""
    assert Vocabulary(entries).match(word) is None


def test_a_value_is_known_by_its_last_level() -> None:
    """Whole value, last level, its plural and its synonyms lead to the value; other levels do not."""
    vocabulary = Vocabulary({"Footwear|Shoes": ["sneaker"], "Footwear|Boots": []})
    known = ["shoes", "Shoe", "footwear|shoes", "Footwear | Shoes", "FOOTWEAR|SHOE", "sneakers"]
    assert {vocabulary.match(word) for word in known} == {"Footwear|Shoes"}
    assert vocabulary.match("boot") == "Footwear|Boots"
    assert vocabulary.match("footwear") is None


def test_a_value_of_its_own_wins_over_a_last_level() -> None:
    """A last level is a word only where nothing else has it."""
    assert Vocabulary({"Footwear|Shoes": [], "Shoes": []}).match("shoes") == "Shoes"
    assert Vocabulary({"Men|Shoes": [], "Women|Shoes": ["shoes"]}).match("shoe") == "Women|Shoes"


@pytest.mark.parametrize(
    "value", ["|Shoes", "Footwear|", "Footwear||Shoes", "|", "Footwear | Shoes", " Shoes", "Shoes\n"]
)
def test_a_value_with_a_blank_level_is_refused(value: str) -> None:
    """Blanks around a level would be a level of another name to Coveo."""
    with pytest.raises(ConfigurationError, match="blank"):
        Vocabulary({value: []})


def test_ancestors_come_before_their_descendants() -> None:
    """Coveo finds a product under a level only if the level is a value of its own."""
    assert with_ancestors(["A|B|C", "A|D", "E", "A"]) == ("A", "A|B", "A|B|C", "A|D", "E")


PATHS = st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("|".join), max_size=5)


@given(PATHS)
def test_ancestors_are_complete(values: list[str]) -> None:
    """Every value and every parent of one is there once, and a second time adds nothing."""
    listed = with_ancestors(values)
    assert {*values, *(parent for value in listed if (parent := value.rpartition("|")[0]))} <= set(listed)
    assert len(listed) == len(set(listed))
    assert with_ancestors(listed) == listed


TEXTS = st.text(max_size=12) | st.text("aeiosxyzf |", max_size=8)


@given(st.dictionaries(TEXTS, st.lists(TEXTS, max_size=2), max_size=6), TEXTS)
def test_any_word_may_be_asked_for(entries: dict[str, list[str]], word: str) -> None:
    """Given words stand for their value, whatever plurals others have; any other word for a value or nothing."""
    try:
        vocabulary = Vocabulary(entries)
    except ConfigurationError:
        return
    for value, synonyms in entries.items():
        assert {vocabulary.match(one) for one in (value, *synonyms)} == {value}
    assert vocabulary.match(word) in {*entries, None}


def test_remembered_words_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 11: however many words a catalog shows, a bounded number is remembered, and none that is long."""
    folded: list[str] = []
    fold = words.fold
    monkeypatch.setattr(words, "fold", lambda word: folded.append(word) or fold(word))  # type: ignore[func-returns-value]
    vocabulary = Vocabulary.colors()
    for word in ("some word", "some word", "x" * 101, "x" * 101):
        vocabulary.match(word)
    assert folded == ["some word", "x" * 101, "x" * 101]
    for number in range(20_000):
        vocabulary.match(f"some other word {number}")
    vocabulary.match("some word")
    assert folded.count("some word") == 2
