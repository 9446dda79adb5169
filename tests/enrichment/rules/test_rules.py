from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from coveo_enrich import Evidence, FieldMapping, FieldRule, Vocabulary
from coveo_enrich.classifiers import Classification
from coveo_enrich.errors import ConfigurationError
from coveo_enrich.index import FieldNeed


def first_label(classification: Classification) -> Iterable[tuple[str, float | None]]:
    """Read the first label."""
    return [(label.name, label.confidence) for label in classification.labels[:1]]


@pytest.mark.parametrize("field", ["ec_color", "a", "a1", "kayak_type", "a" * 255])
def test_a_field_name_of_coveo_is_taken(field: str) -> None:
    """A lower-case letter, then letters, digits and underscores, 255 characters at most."""
    assert FieldRule(field, reads="color").field == field


@pytest.mark.parametrize(
    "field",
    ["", " ", "EC_Color", "1a", "_a", "a-b", "a b", "a.b", "a" * 256, "é", "aé", "a\n", "ec_color ", "a;b", "Data"],
)
def test_another_field_name_is_refused(field: str) -> None:
    """What Coveo would not take as a field's name is refused when the rule is made."""
    with pytest.raises(ConfigurationError, match="field name"):
        FieldRule(field, reads="color")


@pytest.mark.parametrize(
    "key",
    [
        "compressedBinaryData",
        "compressedBinaryDataFileId",
        "compressionType",
        "data",
        "documentId",
        "fileExtension",
        "orderingId",
        "parentId",
        "permissions",
    ],
)
@pytest.mark.parametrize("spell", [str, str.lower, str.upper])
def test_a_reserved_key_is_refused(key: str, spell: Any) -> None:  # noqa: ANN401 - a method of str
    """A key of an item that is no field is refused, however it is spelt."""
    with pytest.raises(ConfigurationError):
        FieldRule(spell(key), reads="color")


@pytest.mark.parametrize(
    "reads",
    ["colour", "Color", "labels", "", "attribute", "attribute:", "attribute: ", "attributes:x", "label:", "Text"],
)
def test_unknown_reads_are_refused(reads: str) -> None:
    """Evidence that nobody gives is a mistake in the rule."""
    with pytest.raises(ConfigurationError, match="reads must be"):
        FieldRule("a", reads=reads)
    with pytest.raises(ConfigurationError, match="reads must be"):
        Evidence(reads)


def test_a_rule_that_reads_nothing_is_refused() -> None:
    """A rule without evidence fills nothing."""
    with pytest.raises(ConfigurationError, match="reads nothing"):
        FieldRule("a", reads=[])


@pytest.mark.parametrize("share", [-0.1, 1.1, 30, math.nan, math.inf])
def test_a_confidence_out_of_its_range_is_refused(share: float) -> None:
    """A threshold in percent, or no number, is a mistake in the rule."""
    with pytest.raises(ConfigurationError, match="min_confidence"):
        FieldRule("a", reads="color", min_confidence=share)
    with pytest.raises(ConfigurationError, match="min_confidence"):
        Evidence("color", min_confidence=share)


@pytest.mark.parametrize(
    "options",
    [{"values": "several"}, {"existing": "merge"}, {"unscored": "review"}, {"values": None}, {"existing": ""}],
)
def test_an_unknown_option_is_refused(options: dict[str, Any]) -> None:
    """A word that an option does not know is refused, with the words it knows."""
    with pytest.raises(ConfigurationError, match="must be one of"):
        FieldRule("a", reads="color", **options)


def test_adding_needs_many_values() -> None:
    """A field of one value has no room for another."""
    with pytest.raises(ConfigurationError, match="needs values='many'"):
        FieldRule("a", reads="color", existing="add")


def test_two_rules_for_one_field_are_refused() -> None:
    """One field is filled by one rule; the message names the field."""
    with pytest.raises(ConfigurationError, match=r"same field: a$"):
        FieldMapping([FieldRule("a", reads="color"), FieldRule("b", reads="color"), FieldRule("a", reads="label")])


def test_a_mapping_without_rules_is_refused() -> None:
    """A mapping that fills nothing is a mistake."""
    with pytest.raises(ConfigurationError, match="at least one rule"):
        FieldMapping([])


def test_one_evidence_needs_no_list() -> None:
    """A single thing to read may stand alone."""
    rule = FieldRule("a", reads="color")
    assert rule.reads == (Evidence("color"),)
    assert FieldRule("a", reads=Evidence("color")) == rule
    assert FieldRule("a", reads=["color"]) == rule


UNNAMED: Callable[[Classification], Any] = lambda _: [("x", None)]  # noqa: E731


@pytest.mark.parametrize("reads", [first_label, UNNAMED, [first_label], [Evidence(first_label)]])
def test_a_function_may_read(reads: Any) -> None:  # noqa: ANN401 - several kinds on purpose
    """A function, named or not, takes the place of a word."""
    assert callable(FieldRule("a", reads=reads).reads[0].reads)


def test_a_mapping_says_which_fields_it_needs() -> None:
    """One field a rule, as its values need it, and a plain text for the provenance."""
    levels = Vocabulary({"Boats|Kayaks": [], "Boats|Canoes": []})
    mapping = FieldMapping(
        [
            FieldRule("ec_color", reads="color"),
            FieldRule("parts", reads="label", values="many"),
            FieldRule("kinds", reads="label", values="many", vocabulary=levels),
            FieldRule("kind", reads="label", vocabulary=levels),
            FieldRule("seats", reads="label", type="number"),
            FieldRule("sail", reads="label", type="flag"),
        ],
        provenance="wrote",
    )
    assert mapping.needs() == (
        FieldNeed("ec_color", facet=True, free_text=True),
        FieldNeed("parts", facet=True, free_text=True, multi_value=True),
        FieldNeed("kinds", facet=True, free_text=True, multi_value=True, hierarchical=True),
        FieldNeed("kind", facet=True, free_text=True),
        FieldNeed("seats", type="DOUBLE", facet=True),
        FieldNeed("sail", facet=True),
        FieldNeed("wrote"),
    )


@pytest.mark.parametrize(
    ("values", "also_fits"),
    [
        (["1", "2"], ("LONG", "LONG_64")),
        (["1", str(2**31)], ("LONG_64",)),
        ([str(-(2**31))], ("LONG", "LONG_64")),
        (["1", "2.5"], ()),
        ([], ()),
    ],
)
def test_a_field_of_whole_numbers_will_do_for_a_vocabulary_of_whole_numbers(
    values: list[str], also_fits: tuple[str, ...]
) -> None:
    """A field for decimals is made, as the catalog may have some; one of whole numbers that is there is fine."""
    vocabulary = Vocabulary({value: [] for value in values}) if values else None
    rule = FieldRule("seats", reads="label", type="number", vocabulary=vocabulary)
    (need,) = FieldMapping([rule]).needs()
    assert (need.type, need.also_fits) == ("DOUBLE", also_fits)


def test_what_is_no_rule_is_refused() -> None:
    """A mapping holds rules, and nothing that looks like one."""
    with pytest.raises(ConfigurationError, match="rules must be FieldRule values; got dict"):
        FieldMapping([{"field": "a"}])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("rules", [None, FieldRule("a", reads="color"), [None]])
def test_rules_come_in_a_list(rules: Any) -> None:  # noqa: ANN401 - whatever a caller gives
    """One rule alone, or none, is named as what it is."""
    with pytest.raises(ConfigurationError, match=r"rules must be FieldRule values.*; got (NoneType|FieldRule)"):
        FieldMapping(rules)


@pytest.mark.parametrize(("values", "combine"), [("one", "best"), ("many", "union")])
def test_pictures_combine_as_the_number_of_values_suggests(values: Any, combine: str) -> None:  # noqa: ANN401 - a literal
    """One value is that of the surest picture; many are those of all."""
    assert FieldRule("a", reads="color", values=values).combine == combine


def test_rules_pickle_and_compare() -> None:
    """Law 14: rules with functions of a module cross to another process and are the same there."""
    mapping = FieldMapping(
        [
            FieldRule("ec_color", reads="color", vocabulary=Vocabulary.colors(), min_confidence=0.3),
            FieldRule("kind", reads=[Evidence(first_label, of="acme", min_confidence=0.5), "attribute:kind"]),
            FieldRule("parts", reads="label", values="many", existing="add", unscored="reject"),
            FieldRule("seats", reads="text", type="number", combine="vote", when={"ec_category": ["Boats"]}),
        ],
        provenance="wrote",
    )
    copy: FieldMapping = pickle.loads(pickle.dumps(mapping))  # noqa: S301 - pickled here
    assert copy == mapping
    assert hash(copy) == hash(mapping)
    assert mapping.believed == {"acme"}
