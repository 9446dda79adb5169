"""What has to be done about fields, from what is needed and what is there; and what documents need."""

from __future__ import annotations

import json
import pickle
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from coveo_enrich.index import FieldNeed
from coveo_enrich.index.fields.inference import infer
from coveo_enrich.index.fields.mapping_rules import MappingRule, rules_in
from coveo_enrich.index.fields.plan import FieldPlan, plan_of
from coveo_enrich.index.fields.settings import FieldSettings, field_model, shortcomings

COLOR = FieldNeed("color", facet=True, free_text=True)
RIGHT = FieldSettings(name="color", facet=True, free_text=True)


def plan(*needs: FieldNeed, fields: tuple[FieldSettings, ...] = (), **known: Any) -> FieldPlan:  # noqa: ANN401 - as plan_of takes it
    """Compare."""
    by_name = {field.name: field for field in fields}
    return plan_of(needs, by_name, known.get("rules", ()), known.get("unmapped", ()))


def test_a_field_that_is_not_there_is_to_be_created() -> None:
    """It is created with the settings that it needs: the texts with Free text search, so that keywords find them."""
    made = plan(COLOR)
    assert (made.to_create, made.right, made.conflicts, made.is_ready) == ((COLOR,), (), (), False)
    model = field_model(COLOR)
    assert (model["type"], model["facet"], model["mergeWithLexicon"]) == ("STRING", True, True)
    assert (model["includeInQuery"], model["includeInResults"]) == (True, True)


def test_a_number_has_no_settings_of_a_text() -> None:
    """Coveo refuses Free text search and lists for other types, whose facet is always on."""
    assert field_model(FieldNeed("weight", type="DOUBLE")) == {
        "name": "weight",
        "type": "DOUBLE",
        "includeInQuery": True,
        "includeInResults": True,
        "facet": True,
    }


def test_a_field_that_does_more_than_is_needed_is_right() -> None:
    """What it can do besides is no conflict, and nothing is to be done."""
    made = plan(FieldNeed("color"), fields=(RIGHT,))
    assert (made.right, made.is_ready) == (("color",), True)


@pytest.mark.parametrize(
    ("need", "field", "setting"),
    [
        (COLOR, {"free_text": False}, "mergeWithLexicon"),
        (COLOR, {"facet": False}, "facet"),
        (COLOR, {"in_query": False}, "includeInQuery"),
        (COLOR, {"in_results": False}, "includeInResults"),
        (COLOR, {"type": "LONG"}, "type"),
        (FieldNeed("color", multi_value=True), {}, "multiValueFacet"),
        (FieldNeed("color", multi_value=True, hierarchical=True), {"multi_value": True}, "hierarchicalFacet"),
        (FieldNeed("color", type="DOUBLE"), {"type": "LONG"}, "type"),
        (FieldNeed("color", type="LONG_64"), {"type": "LONG"}, "type"),
    ],
)
def test_each_setting_that_is_lacking_is_a_conflict(need: FieldNeed, field: dict[str, Any], setting: str) -> None:
    """What is there is not changed; the conflict names the setting in Coveo's words, and what would break."""
    settings = FieldSettings(**dict[str, Any](name="color", facet=True, free_text=True) | field)
    (conflict,) = plan(need, fields=(settings,)).conflicts
    assert (conflict.field, conflict.setting) == ("color", setting)
    assert conflict.breaks
    assert f"color: {setting} is" in str(conflict)


@pytest.mark.parametrize(
    ("needs", "has", "is_lost", "breaks"),
    [
        ("LONG", "STRING", False, "no range of it can be asked for, and it is sorted letter by letter"),
        ("LONG_64", "STRING", False, "no range of it can be asked for, and it is sorted letter by letter"),
        ("DOUBLE", "STRING", False, "no range of it can be asked for, and it is sorted letter by letter"),
        ("DATE", "STRING", False, "no range of it can be asked for, and it is sorted letter by letter"),
        ("LONG_64", "DOUBLE", False, "rounded"),
        ("LONG", "DATE", False, "taken for times"),
        ("LONG_64", "LONG", True, "2,147,483,648"),
        ("DOUBLE", "LONG", True, "not whole"),
        ("DOUBLE", "LONG_64", True, "not whole"),
        ("DOUBLE", "DATE", True, "not whole"),
        ("DATE", "LONG", True, "another type"),
        ("STRING", "DOUBLE", True, "another type"),
        ("STRING", "DATE", True, "another type"),
        ("STRING", "VECTOR", True, "another type"),
    ],
)
def test_only_what_a_field_does_not_hold_is_lost(needs: Any, has: str, breaks: str, *, is_lost: bool) -> None:  # noqa: ANN401 - a type of field
    """Another type is a conflict, which says what goes wrong; a text holds numbers and dates all the same."""
    made = plan(FieldNeed("n", type=needs), fields=(FieldSettings(name="n", type=has),))
    (conflict,) = made.conflicts
    assert (conflict.setting, conflict.loses_values, made.loses_values) == ("type", is_lost, is_lost)
    assert breaks in conflict.breaks


def test_a_number_in_a_text_is_asked_for_its_other_settings_too() -> None:
    """What is indexed in another form has to be a facet as well, and a dictionary of texts takes no number."""
    need = FieldNeed("n", type="LONG", facet=True)
    settings = [conflict.setting for conflict in shortcomings(need, FieldSettings(name="n"))]
    assert settings == ["type", "facet"]
    in_dictionary = plan(need, fields=(FieldSettings(name="n", facet=True, key_value=True),))
    assert ([conflict.setting for conflict in in_dictionary.conflicts], in_dictionary.loses_values) == (
        ["type", "keyValue"],
        True,
    )


@pytest.mark.parametrize(("needs", "has"), [("LONG", "LONG_64"), ("LONG", "DOUBLE"), ("DATE", "DATE")])
def test_a_wider_type_will_do(needs: Any, has: str) -> None:  # noqa: ANN401 - a type of field
    """A whole number is indexed in a field of larger or decimal numbers."""
    assert not list(shortcomings(FieldNeed("n", type=needs), FieldSettings(name="n", type=has)))


def test_one_of_coveos_own_is_asked_for_its_type_only() -> None:
    """Its settings cannot be changed, and are made for what it is for; a wrong type loses values all the same."""
    assert plan(COLOR, fields=(FieldSettings(name="color", system=True),)).is_ready
    assert plan(COLOR, fields=(FieldSettings(name="color", type="LONG", system=True),)).conflicts


def test_a_rule_that_reads_something_else_is_a_conflict() -> None:
    """A mapping rule beats the same name: the metadata would vanish although its field exists."""
    rules = (MappingRule("color", ("%[farbe]", "none")),)
    (conflict,) = plan(COLOR, fields=(RIGHT,), rules=rules).conflicts
    assert (conflict.setting, conflict.loses_values) == ("mapping rule", True)
    fine = (MappingRule("color", ("%[color]", "%[farbe]")),)
    assert plan(COLOR, fields=(RIGHT,), rules=fine).is_ready


def test_a_rule_that_reads_the_metadata_second_stops_nothing() -> None:
    """What is sent is indexed where the first yields nothing; that the first may win is told."""
    behind = plan(COLOR, fields=(RIGHT,), rules=(MappingRule("color", ("%[farbe]", "%[color]")),))
    assert (behind.right, behind.is_ready, behind.loses_values) == ((), False, False)
    after_a_text = plan(COLOR, fields=(RIGHT,), rules=(MappingRule("color", ("none", "%[color]")),))
    assert after_a_text.loses_values


def test_a_rule_for_one_type_of_item_stops_nothing() -> None:
    """It says nothing of items of other types; those of its own are told of."""
    of_videos = plan(COLOR, fields=(RIGHT,), rules=(MappingRule("color", ("%[farbe]",), "Video"),))
    assert (of_videos.is_ready, of_videos.loses_values) == (False, False)
    assert of_videos.conflicts[0].setting == "mapping rule for Video"


@pytest.mark.parametrize(
    ("content", "is_lost"),
    [
        ("%[color:converter]", True),
        ("%[Color]", True),
        ("%[color], %[finish]", True),
        ("%[color:Crawler]", True),
        ("color", True),
        ("%[color] ", False),
    ],
)
def test_a_rule_that_may_read_nothing_is_a_conflict(content: str, *, is_lost: bool) -> None:
    """Case counts in a rule, another origin is not what was sent, and what is joined may be missing."""
    made = plan(COLOR, fields=(RIGHT,), rules=(MappingRule("color", (content,)),))
    assert (made.right, made.loses_values) == ((), is_lost)
    assert made.conflicts[0].has == [content]


def test_a_rule_for_what_was_sent_stops_nothing() -> None:
    """It is told all the same: an extension that makes this metadata would not be heard."""
    made = plan(COLOR, fields=(RIGHT,), rules=(MappingRule("color", ("%[color:crawler]",)),))
    assert (made.right, made.is_ready, made.loses_values) == ((), False, False)


def test_what_is_known_to_vanish_is_mapped() -> None:
    """Metadata that the source received and indexed nowhere gets a rule, once its field is there and right."""
    assert plan(COLOR, fields=(RIGHT,), unmapped=["color"]).to_map == ("color",)
    assert plan(COLOR, unmapped=["color"]).to_map == ()
    ruled = (MappingRule("color", ("%[color]",)),)
    assert plan(COLOR, fields=(RIGHT,), rules=ruled, unmapped=["color"]).to_map == ()


def test_what_is_made_is_mapped_with_it_where_the_source_passes_over_fields() -> None:
    """One plan is enough: a field that is there and passed over shows that new ones will be too."""
    size = FieldNeed("size")
    made = plan(COLOR, size, FieldNeed("other"), fields=(RIGHT,), unmapped=["color", "size"])
    assert ([need.name for need in made.to_create], made.to_map) == (["size", "other"], ("color", "size"))
    assert plan(COLOR, size, fields=(RIGHT,), unmapped=["size"]).to_map == ()


@pytest.mark.parametrize(
    "field", [FieldSettings(name="ec_hull"), FieldSettings(name="hull", system=True)], ids=["ec_", "system"]
)
def test_what_coveo_maps_itself_is_never_mapped(field: FieldSettings) -> None:
    """The catalog configuration is in charge of it; that a report shows it nowhere is told as a conflict."""
    made = plan(FieldNeed(field.name), fields=(field,), unmapped=[field.name])
    assert (made.to_map, made.right, made.is_ready, made.loses_values) == ((), (), False, False)
    assert [conflict.setting for conflict in made.conflicts] == ["indexedBy"]
    new = plan(FieldNeed("ec_new"), COLOR, fields=(RIGHT,), unmapped=["color", "ec_new"])
    assert new.to_map == ("color",)


@pytest.mark.parametrize("name", ["documentid", "permissions", "data"])
def test_keys_of_an_item_are_no_fields(name: str) -> None:
    """Whoever needs a field of such a name loses what it holds: nothing is made, and that is said."""
    made = plan(FieldNeed(name), COLOR)
    assert (made.to_create, made.loses_values, made.is_ready) == ((COLOR,), True, False)
    (conflict,) = made.conflicts
    assert (conflict.field, conflict.setting, conflict.loses_values) == (name, "name", True)


def test_keys_of_documents_that_are_no_fields_are_named() -> None:
    """They say what an item is, and there is nothing to do about them, whatever they hold."""
    inferred = infer([{"documentId": "product://1", "permissions": [{"allowAnonymous": True}], "a": "b"}])
    assert (inferred.reserved, inferred.mixed) == (("documentid", "permissions"), ())
    assert [need.name for need in inferred.needs] == ["a"]


def test_a_plan_shows_itself() -> None:
    """As text, as JSON, as an escaped table in a notebook, and it pickles."""
    whole = plan(
        COLOR,
        FieldNeed("size"),
        FieldNeed("kind", facet=True),
        FieldNeed("old", facet=True),
        fields=(
            FieldSettings(name="size"),
            FieldSettings(name="kind", facet=True),
            FieldSettings(name="old", type="<b>"),
        ),
        unmapped=["kind"],
    )
    assert str(whole).splitlines() == [
        "to create: color, STRING, facet, free text search",
        "to map: kind, from the metadata kind",
        "in conflict: old: type is '<b>' and has to be 'STRING', else values of another type are not indexed",
        "right: size",
    ]
    assert str(FieldPlan(reserved=("data",))) == "reserved: data, a key of an item"
    assert json.loads(whole.to_json())["to_create"][0]["name"] == "color"
    html = whole._repr_html_()  # pyright: ignore[reportPrivateUsage] - what notebooks call
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert pickle.loads(pickle.dumps(whole)) == whole  # noqa: S301 - pickled here
    assert str(plan()) == "no fields are needed"


def test_rules_are_read_whatever_else_stands_there() -> None:
    """The common rules and those of types, with what their answer may hold besides."""
    answer = {
        "common": {"rules": [{"id": "1", "field": "Color", "content": ["%[a]", "%[b:x]"]}, None]},
        "types": [{"type": "Product", "rules": [{"field": "size", "content": "odd"}]}, 5],
    }
    first, second = rules_in(answer)
    assert first == MappingRule("color", ("%[a]", "%[b:x]"))
    assert (first.copies("a"), first.copies("b"), second.copies("size")) == (True, False, False)
    assert second == MappingRule("size", (), "Product")
    assert list(rules_in({"common": 5, "types": None})) == []


@pytest.mark.parametrize(
    ("values", "need"),
    [
        (["red", None], {"facet": True, "free_text": True}),
        ([True, False], {"facet": True, "free_text": True}),
        ([1, 2], {"type": "LONG", "facet": True}),
        ([1, 2**40], {"type": "LONG_64", "facet": True}),
        ([1, 2.5], {"type": "DOUBLE", "facet": True}),
        ([Decimal("2.5")], {"type": "DOUBLE", "facet": True}),
        ([date(2026, 1, 2)], {"type": "DATE", "facet": True}),
        ([["a", "b"], "c"], {"facet": True, "free_text": True, "multi_value": True}),
        ([["a", "a|b"]], {"facet": True, "free_text": True, "multi_value": True, "hierarchical": True}),
    ],
)
def test_values_tell_what_a_field_has_to_be(values: list[Any], need: dict[str, Any]) -> None:
    """All values count, and nulls tell nothing."""
    inferred = infer({"A": value, "n": None} for value in values)
    assert inferred.needs == (FieldNeed("a", **need),)
    assert inferred.mixed == ()


def test_types_that_go_into_no_one_field_are_named() -> None:
    """Law 9: only a text could hold them all, and the plan says which types there are, and how often."""
    inferred = infer([{"size": 5}, {"size": "XL"}, {"size": "L"}])
    assert inferred.needs == (FieldNeed("size", facet=True, free_text=True),)
    (conflict,) = inferred.mixed
    assert (conflict.field, conflict.has) == ("size", "STRING in 2, LONG in 1")


def test_what_no_field_can_hold_is_named_and_not_made() -> None:
    """Law 9: a key that is no field's name, and objects, stop no plan; their values would vanish, and that is said."""
    odd: dict[Any, Any] = {"my key": 1, "prices": {"a": 1}, 5: 1, "empty": [], "null": [None]}
    inferred = infer([odd])
    assert inferred.needs == ()
    assert {(conflict.field, conflict.loses_values) for conflict in inferred.mixed} == {
        ("my key", True),
        ("prices", True),
        ("5", True),
    }


def test_a_dictionary_field_takes_no_text() -> None:
    """Its name is there, and what is no object vanishes in it."""
    made = plan(FieldNeed("color"), fields=(FieldSettings(name="color", key_value=True),))
    assert ([conflict.setting for conflict in made.conflicts], made.loses_values) == (["keyValue"], True)


def test_two_needs_of_one_name_are_needed_together() -> None:
    """No setting is lost."""
    made = plan(FieldNeed("a", facet=True), FieldNeed("a", free_text=True))
    assert made.to_create == (FieldNeed("a", facet=True, free_text=True),)
