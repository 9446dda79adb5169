from __future__ import annotations

from typing import Any

import pytest

from coveo_enrich import FieldMapping, FieldRule, Vocabulary
from coveo_enrich.classifiers import Attribute, Classification
from coveo_enrich.enrichment.decisions.decide import Decision, Seen, decide
from coveo_enrich.enrichment.decisions.targets import targets_of
from coveo_enrich.errors import ConfigurationError


def decided(word: str, **options: Any) -> Decision:  # noqa: ANN401 - options of a rule
    """Decide about an empty product of which one word was seen."""
    seen = Seen("1.jpg", Classification("acme", attributes=[Attribute("x", word, 0.9)]))
    return decide(targets_of({}, FieldMapping([FieldRule("a", reads="attribute:x", **options)])), [seen])


@pytest.mark.parametrize(
    ("kind", "word", "value"),
    [
        ("number", "12", 12),
        ("number", " -3 ", -3),
        ("number", "+0.50", 0.5),
        ("number", "007", 7),
        ("flag", "true", True),
        ("flag", "YES", True),
        ("flag", " no", False),
        ("text", " 12 ", " 12 "),
    ],
)
def test_a_word_becomes_a_value_of_the_fields_type(kind: str, word: str, value: object) -> None:
    """Plain numbers and plain words for yes and no; a text stays as it was seen."""
    (change,) = decided(word, type=kind).changes
    assert change.after == value
    assert type(change.after) is type(value)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("number", "12 cm"),
        ("number", "1,5"),
        ("number", "1e5"),
        ("number", "nan"),
        ("number", "inf"),
        ("number", "٣"),
        ("number", "1_000"),
        ("number", "1" * 16),
        ("number", "."),
        ("number", "twelve"),
        ("flag", "1"),
        ("flag", "maybe"),
    ],
)
def test_a_word_that_is_no_such_value_is_reported_and_not_written(kind: str, word: str) -> None:
    """Law 9: units are not guessed away and words are not guessed at; they are among the unmapped."""
    decision = decided(word, type=kind)
    assert decision.changes == ()
    assert [one.observation.seen for one in decision.unmapped] == [word]


def test_a_vocabulary_leads_to_numbers_and_flags() -> None:
    """The vocabulary says which number a word stands for."""
    vocabulary = Vocabulary({"1": ["single seat"], "2": ["tandem"]})
    assert [change.after for change in decided("Tandem", vocabulary=vocabulary, type="number").changes] == [2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"type": "number", "vocabulary": Vocabulary({"two": []})}, "the vocabulary's 'two' is no number"),
        ({"type": "flag", "vocabulary": Vocabulary({"no": [], "never": []})}, "the vocabulary's 'never' is no flag"),
        ({"type": "number", "values": "many"}, "type='number' needs values='one'"),
        ({"type": "list"}, "type must be one of 'text', 'number', 'flag'; got 'list'"),
        ({"combine": "union"}, "combine='union' needs values='many'"),
        ({"combine": "all"}, "combine must be one of 'best', 'vote', 'union'"),
    ],
)
def test_a_type_that_does_not_go_with_the_rule_is_refused(options: dict[str, Any], message: str) -> None:
    """Coveo's numbers are single, a vocabulary's values are of the type, and a list is many values."""
    with pytest.raises(ConfigurationError, match=message):
        FieldRule("a", reads="color", **options)
