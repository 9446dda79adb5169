"""What has to be done about fields, from what is needed and what is there; and what documents need."""

from __future__ import annotations

import json
import pickle
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest

from coveo_enrich.errors import ConfigurationError
from coveo_enrich.index import FieldNeed
from coveo_enrich.index.fields.inference import infer
from coveo_enrich.index.fields.mapping_rules import MappingRule, rules_in
from coveo_enrich.index.fields.plan import FieldPlan, plan_of
from coveo_enrich.index.fields.settings import FieldSettings, field_model, shortcomings

COLOR = FieldNeed("color", facet=True, free_text=True)
RIGHT = FieldSettings(name="color", facet=True, free_text=True)


class Amount(Enum):
    """Members are sent as their values."""

    ONE = 1
    HALF = 0.5


class OfNumPy:
    """A value of NumPy, as far as it matters."""

    def __init__(self, value: object) -> None:
        self.value = value

    @property
    def dtype(self) -> OfNumPy:
        """A type that is no moment."""
        return self

    kind = "f"

    def tolist(self) -> object:
        """The value as Python has it."""
        return self.value


OfNumPy.__module__ = "numpy"


def plan(*needs: FieldNeed, fields: tuple[FieldSettings, ...] = (), **known: Any) -> FieldPlan:  # noqa: ANN401 - as plan_of takes it
    """Compare."""
    by_name = {field.name: field for field in fields}
    return plan_of(needs, by_name, known.get("rules", ()), known.get("unmapped", ()), known.get("spellings", ()))


def test_a_field_that_is_not_there_is_to_be_created() -> None:
    """A missing field is to be created with the settings it needs: texts with Free text search, for keywords."""
    made = plan(COLOR)
    assert (made.to_create, made.right, made.conflicts, made.is_ready) == ((COLOR,), (), (), False)
    model = field_model(COLOR)
    assert (model["type"], model["facet"], model["mergeWithLexicon"]) == ("STRING", True, True)
    assert (model["includeInQuery"], model["includeInResults"]) == (True, True)


def test_a_number_has_no_settings_of_a_text() -> None:
    """A number is created without Free text search and lists, which Coveo refuses, and with its facet on."""
    assert field_model(FieldNeed("weight", type="DOUBLE")) == {
        "name": "weight",
        "type": "DOUBLE",
        "includeInQuery": True,
        "includeInResults": True,
        "facet": True,
    }


def test_a_field_that_does_more_than_is_needed_is_right() -> None:
    """A field that can do more than is needed is right, and nothing is to be done."""
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
    """A setting that is lacking is a conflict, which names it in Coveo's words, and what would break."""
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
    """Another type is a conflict, which says what goes wrong; a text loses neither numbers nor dates."""
    made = plan(FieldNeed("n", type=needs), fields=(FieldSettings(name="n", type=has),))
    (conflict,) = made.conflicts
    assert (conflict.setting, conflict.loses_values, made.loses_values) == ("type", is_lost, is_lost)
    assert breaks in conflict.breaks


def test_a_number_in_a_text_is_asked_for_its_other_settings_too() -> None:
    """A number in a text field needs its facet all the same; a dictionary of texts takes no number."""
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
    """A whole number is right in a field of larger or decimal numbers."""
    assert not list(shortcomings(FieldNeed("n", type=needs), FieldSettings(name="n", type=has)))


def test_what_one_of_coveos_own_lacks_is_a_conflict() -> None:
    """What a field of Coveo's own lacks is a conflict that loses no values and advises another field."""
    need = FieldNeed("color", facet=True, free_text=True, multi_value=True)
    made = plan(need, fields=(FieldSettings(name="color", in_results=False, system=True),))
    lacking = ["facet", "multiValueFacet", "mergeWithLexicon", "includeInResults"]
    assert [conflict.setting for conflict in made.conflicts] == lacking
    assert (made.right, made.is_ready, made.loses_values) == ((), False, False)
    assert all("Coveo's own, whose settings nobody can change: use another" in str(one) for one in made.conflicts)
    assert plan(COLOR, fields=(FieldSettings(name="color", type="LONG", system=True),)).loses_values


def test_what_is_guessed_is_not_held_against_coveos_own() -> None:
    """That a text of a sample is to be a facet and found by keyword is a guess; that it is a list is none."""
    own = {"a": FieldSettings(name="a", system=True)}
    for value, lacking in (("text", []), (["text"], ["multiValueFacet"])):
        made = plan_of(infer([{"a": value}]).needs_in(own), own, (), ())
        assert [conflict.setting for conflict in made.conflicts] == lacking
    assert infer([{"a": "text"}]).needs_in({"a": FieldSettings(name="a")})[0].facet


def test_a_rule_that_reads_something_else_is_a_conflict() -> None:
    """A rule with other metadata is a conflict: it beats the name, so the metadata would vanish despite its field."""
    rules = (MappingRule("color", ("%[farbe]", "none")),)
    (conflict,) = plan(COLOR, fields=(RIGHT,), rules=rules).conflicts
    assert (conflict.setting, conflict.loses_values) == ("mapping rule", True)
    fine = (MappingRule("color", ("%[color]", "%[farbe]")),)
    assert plan(COLOR, fields=(RIGHT,), rules=fine).is_ready


def test_a_rule_that_reads_the_metadata_second_stops_nothing() -> None:
    """A rule that reads the metadata second is a conflict, and loses values only behind a fixed text."""
    behind = plan(COLOR, fields=(RIGHT,), rules=(MappingRule("color", ("%[farbe]", "%[color]")),))
    assert (behind.right, behind.is_ready, behind.loses_values) == ((), False, False)
    after_a_text = plan(COLOR, fields=(RIGHT,), rules=(MappingRule("color", ("none", "%[color]")),))
    assert after_a_text.loses_values


def test_a_rule_for_one_type_of_item_stops_nothing() -> None:
    """A rule for one type of item is a conflict that loses no value: it says nothing of items of other types."""
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
    """A rule with other case, another origin or joined metadata may give nothing: a conflict."""
    made = plan(COLOR, fields=(RIGHT,), rules=(MappingRule("color", (content,)),))
    assert (made.right, made.loses_values) == ((), is_lost)
    assert made.conflicts[0].has == (content,)


def test_a_rule_for_what_was_sent_stops_nothing() -> None:
    """A rule for the origin crawler is a conflict that loses no value: an extension's metadata would not be heard."""
    made = plan(COLOR, fields=(RIGHT,), rules=(MappingRule("color", ("%[color:crawler]",)),))
    assert (made.right, made.is_ready, made.loses_values) == ((), False, False)


@pytest.mark.parametrize(
    ("content", "is_lost"),
    [
        (["%[Color]"], False),
        (["%[color]", "%[Color]"], False),
        (["%[color]"], True),
        (["%[color]", "%[farbe]", "%[Color]"], None),
    ],
)
def test_a_rule_is_compared_with_the_keys_of_the_documents(content: list[str], *, is_lost: bool | None) -> None:
    """Capitals count in rules: the key as documents spell it has to be read, before any other metadata."""
    rules = (MappingRule("color", tuple(content)),)
    made = plan(COLOR, fields=(RIGHT,), rules=rules, spellings=("Color",))
    assert (made.is_ready, made.loses_values) == (is_lost is False, is_lost is True)
    assert [conflict.needs for conflict in made.conflicts] == ([] if is_lost is False else [("%[Color]",)])


@pytest.mark.parametrize("content", ["%[Color]", "%[COLOR:crawler]"])
def test_a_rule_with_other_capitals_stops_no_push_for_needs(content: str) -> None:
    """Needs do not tell how documents spell their keys: a rule that may be right for them is only told of."""
    made = plan(COLOR, fields=(RIGHT,), rules=(MappingRule("color", (content,)),), spellings=None)
    assert (len(made.conflicts), made.loses_values) == (1, False)
    other = plan(COLOR, fields=(RIGHT,), rules=(MappingRule("color", ("%[farbe]",)),), spellings=None)
    assert other.loses_values


def test_a_rule_for_one_type_hides_no_metadata_that_is_known_to_vanish() -> None:
    """What a rule fills for variants is still mapped for the items of other types."""
    rules = (MappingRule("color", ("%[color]",), "Variant"),)
    assert plan(COLOR, fields=(RIGHT,), rules=rules, unmapped=("color",)).to_map == ("color",)
    common = (MappingRule("color", ("%[color]",)),)
    assert plan(COLOR, fields=(RIGHT,), rules=common, unmapped=("color",)).to_map == ()


def test_a_field_of_another_type_that_fits_will_do() -> None:
    """A field that is there with one of `also_fits` is right, is asked for nothing of texts, and another is not."""
    need = FieldNeed("n", type="DOUBLE", facet=True, also_fits=("LONG",))
    assert plan(need, fields=(FieldSettings(name="n", type="LONG", facet=True),)).is_ready
    assert plan(need, fields=(FieldSettings(name="n", type="LONG_64", facet=True),)).loses_values
    text = FieldNeed("n", facet=True, multi_value=True, free_text=True, also_fits=("VECTOR",))
    assert plan(text, fields=(FieldSettings(name="n", type="VECTOR"),)).is_ready


def test_what_fits_two_needs_of_a_field_is_what_fits_both() -> None:
    """A vocabulary of whole numbers beside a need for decimals needs decimals."""
    whole = FieldNeed("n", type="DOUBLE", also_fits=("LONG", "LONG_64"))
    long = (FieldSettings(name="n", type="LONG", facet=True),)
    assert plan(whole, whole, fields=long).is_ready
    assert plan(whole, FieldNeed("n", type="DOUBLE"), fields=long).loses_values
    with pytest.raises(ConfigurationError, match="also_fits"):
        FieldNeed("n", also_fits=("TEXT",))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_a_plan_can_be_hashed() -> None:
    """Its conflicts of rules too, so that plans and conflicts may be kept in sets."""
    rules = (MappingRule("color", ("%[farbe]", "none")),)
    made = plan(COLOR, fields=(RIGHT,), rules=rules)
    assert len({made, plan(COLOR, fields=(RIGHT,), rules=rules)}) == 1
    assert "mapping rule is '%[farbe]', 'none' and has to be '%[color]'" in str(made)


def test_a_key_with_control_characters_is_shown_without_them() -> None:
    """A plan prints as text in a terminal, whatever the keys of documents hold."""
    (conflict,) = infer([{"a\x1b[31mb": 1}]).mixed
    assert "\x1b" not in str(conflict)


def test_all_spellings_of_a_key_have_to_be_read() -> None:
    """Of documents that spell a key in several ways, a rule that reads one of them loses the values of the others."""
    for content, is_right in ((("%[color]",), False), (("%[Color]", "%[color]"), True)):
        rules = (MappingRule("color", content),)
        made = plan(COLOR, fields=(RIGHT,), rules=rules, spellings=("Color", "color"))
        assert (made.is_ready, made.loses_values) == (is_right, not is_right)


def test_what_vanishes_is_mapped_as_the_documents_spell_it() -> None:
    """The report tells of a key as it is spelled; the rule that is to be made names all spellings of the documents."""
    for spellings, to_map in ((("Color",), ("color",)), (("color", "Color"), ("color",)), ((), ())):
        assert plan(COLOR, fields=(RIGHT,), unmapped=["Color"], spellings=spellings).to_map == to_map
    made = plan(COLOR, fields=(RIGHT,), unmapped=["Color"], spellings=("color", "Color"))
    assert str(made) == "to map: color, from the metadata color, Color"
    assert (made.is_ready, made.loses_values) == (False, True)


def test_what_is_known_to_vanish_is_mapped() -> None:
    """Metadata that the source received and indexed nowhere gets a rule, once its field is there and right."""
    assert plan(COLOR, fields=(RIGHT,), unmapped=["color"]).to_map == ("color",)
    assert plan(COLOR, unmapped=["color"]).to_map == ()
    ruled = (MappingRule("color", ("%[color]",)),)
    assert plan(COLOR, fields=(RIGHT,), rules=ruled, unmapped=["color"]).to_map == ()


def test_what_is_made_is_mapped_with_it_where_the_source_passes_over_fields() -> None:
    """A field to create is mapped with it if one that is there shows that the source passes over fields."""
    size = FieldNeed("size")
    made = plan(COLOR, size, FieldNeed("other"), fields=(RIGHT,), unmapped=["color", "size"])
    assert ([need.name for need in made.to_create], made.to_map) == (["size", "other"], ("color", "size"))
    assert plan(COLOR, size, fields=(RIGHT,), unmapped=["size"]).to_map == ()


@pytest.mark.parametrize(
    "field", [FieldSettings(name="ec_hull"), FieldSettings(name="hull", system=True)], ids=["ec_", "system"]
)
def test_what_coveo_maps_itself_is_never_mapped(field: FieldSettings) -> None:
    """Fields of the catalog configuration and of Coveo are never mapped; indexed nowhere, they are a conflict."""
    made = plan(FieldNeed(field.name), fields=(field,), unmapped=[field.name])
    assert (made.to_map, made.right, made.is_ready, made.loses_values) == ((), (), False, False)
    assert [conflict.setting for conflict in made.conflicts] == ["indexedBy"]
    new = plan(FieldNeed("ec_new"), COLOR, fields=(RIGHT,), unmapped=["color", "ec_new"])
    assert new.to_map == ("color",)


@pytest.mark.parametrize("name", ["documentid", "permissions", "data"])
def test_keys_of_an_item_are_no_fields(name: str) -> None:
    """A need for a field named like a key of an item is a conflict that loses values, and nothing is made."""
    made = plan(FieldNeed(name), COLOR)
    assert (made.to_create, made.loses_values, made.is_ready) == ((COLOR,), True, False)
    (conflict,) = made.conflicts
    assert (conflict.field, conflict.setting, conflict.loses_values) == (name, "name", True)


def test_keys_of_documents_that_are_no_fields_are_named() -> None:
    """Keys of documents that say what an item is are `reserved`, and nothing is to be done, whatever they hold."""
    inferred = infer([{"documentId": "product://1", "permissions": [{"allowAnonymous": True}], "a": "b"}])
    assert (inferred.reserved, inferred.mixed) == (("documentid", "permissions"), ())
    assert [need.name for need in inferred.needs] == ["a"]


def test_a_plan_shows_itself() -> None:
    """A plan prints as text, as JSON and as an escaped table in a notebook, and pickles."""
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
    """The common rules and those of types are read, whatever their answer holds besides."""
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
        (["", 2.5, [], [None, ""], float("nan"), Decimal("NaN")], {"type": "DOUBLE", "facet": True}),
        ([Amount.ONE, OfNumPy(2)], {"type": "LONG", "facet": True}),
        ([Amount.HALF, OfNumPy(2.5)], {"type": "DOUBLE", "facet": True}),
        ([OfNumPy(value=True)], {"facet": True, "free_text": True}),
        ([OfNumPy(["a", "b"])], {"facet": True, "free_text": True, "multi_value": True}),
        ([date(2026, 1, 2), "2026-01-03"], {"type": "DATE", "facet": True}),
        ([2**70, 5], {"type": "LONG", "facet": True}),
        ([10.0, 2], {"type": "DOUBLE", "facet": True, "also_fits": ("LONG", "LONG_64")}),
        (["2026-01-03"], {"facet": True, "free_text": True, "also_fits": ("DATE",)}),
        ([[0.1, 2]], {"facet": True, "free_text": True, "multi_value": True, "also_fits": ("VECTOR",)}),
    ],
)
def test_values_tell_what_a_field_has_to_be(values: list[Any], need: dict[str, Any]) -> None:
    """All values of a key, as they are sent, tell the type and settings of its field; nothing tells nothing."""
    inferred = infer({"A": value, "n": None} for value in values)
    assert inferred.needs == (FieldNeed("a", **need),)
    assert inferred.mixed == ()


@pytest.mark.parametrize("value", ["", [], (), [""], [None], None, float("nan"), 2**70])
def test_of_nothing_no_field_is_made(value: object) -> None:
    """A key of which there is no value, or none that can be sent, needs no field, and stands in no conflict."""
    inferred = infer([{"weight": value}])
    assert (inferred.needs, inferred.mixed, inferred.spellings) == ((), (), ())


@pytest.mark.parametrize(
    ("values", "type_", "fits"),
    [
        (["2026-01-02", "2026-01-02T11:53:12Z"], "DATE", True),
        (["2026-01-02", "soon"], "DATE", False),
        ([["2026-01-02"]], "DATE", False),
        ([10.0, 11, Decimal(12)], "LONG", True),
        ([10.0, 2.0**31], "LONG", False),
        ([10.0, 2.0**31], "LONG_64", True),
        ([10.0, 2.0**63], "LONG_64", False),
        ([10.0, 10.5], "LONG", False),
        ([10.0], "DOUBLE", True),
        ([True], "LONG", False),
    ],
)
def test_a_field_that_holds_all_values_is_right(values: list[Any], type_: Any, *, fits: bool) -> None:  # noqa: ANN401 - a type of field
    """Texts that are dates are right in a field of dates, numbers that are whole in one of whole numbers."""
    inferred = infer({"n": value} for value in values)
    fields = {"n": FieldSettings(name="n", type=type_, facet=True)}
    made = plan_of(inferred.needs_in(fields), fields, (), ())
    assert (made.is_ready, made.loses_values) == (fits, not fits)
    (need,) = inferred.needs_in({})
    assert need == inferred.needs[0]
    assert need.type in ("STRING", "DOUBLE")


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
    """A need of a text is a conflict with a dictionary field, in which what is no object vanishes."""
    made = plan(FieldNeed("color"), fields=(FieldSettings(name="color", key_value=True),))
    assert ([conflict.setting for conflict in made.conflicts], made.loses_values) == (["keyValue"], True)


def test_two_needs_of_one_name_are_needed_together() -> None:
    """Two needs of one name become one with the settings of both."""
    made = plan(FieldNeed("a", facet=True), FieldNeed("a", free_text=True))
    assert made.to_create == (FieldNeed("a", facet=True, free_text=True),)
