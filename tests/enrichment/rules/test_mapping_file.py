from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from coveo_enrich import Evidence, FieldMapping, FieldRule, Vocabulary
from coveo_enrich.classifiers import Classification
from coveo_enrich.errors import CatalogFileError, ConfigurationError

WHOLE = FieldMapping(
    [
        FieldRule("ec_color", reads="color", vocabulary=Vocabulary.colors(), min_confidence=0.3, combine="vote"),
        FieldRule(
            "kind",
            reads=[Evidence("attribute:kind", of="acme", min_confidence=0.5), "label:any"],
            vocabulary=Vocabulary({"Zélandais|Kayak": ["kayaks de mer"], "Canoe": []}),
            when={"ec_category": ["Boats", "Water|Sport"], "in_stock": True},
            unscored="reject",
        ),
        FieldRule("parts", reads="text", values="many", existing="add", combine="best"),
        FieldRule("seats", reads="attribute:seats", type="number", existing="replace"),
    ],
    provenance="enrichment_provenance",
)


def read(path: Path, data: object) -> FieldMapping:
    """Read what somebody wrote."""
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return FieldMapping.from_file(path)


def rule(**keys: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever stands in a file
    """Return a file with three rules, the last of which has these keys."""
    return {"rules": [{"field": "a", "reads": "color"}, {"field": "b", "reads": "color"}, keys]}


def test_a_mapping_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """Every option of a rule, of its evidence, vocabulary and condition, is the same after a way through a file."""
    path = tmp_path / "mapping.json"
    WHOLE.to_file(path)
    assert FieldMapping.from_file(str(path)) == WHOLE


def test_what_is_written_is_what_a_person_would_write(tmp_path: Path) -> None:
    """A file names what differs from the defaults, in the order of the options, with letters as they are."""
    path = tmp_path / "mapping.json"
    WHOLE.to_file(path)
    text = path.read_text("utf-8")
    assert "Zélandais" in text
    assert json.loads(text) == {
        "rules": [
            {
                "field": "ec_color",
                "reads": "color",
                "vocabulary": "colors",
                "min_confidence": 0.3,
                "combine": "vote",
            },
            {
                "field": "kind",
                "reads": [{"reads": "attribute:kind", "of": "acme", "min_confidence": 0.5}, "label:any"],
                "vocabulary": {"Zélandais|Kayak": ["kayaks de mer"], "Canoe": []},
                "when": {"ec_category": ["Boats", "Water|Sport"], "in_stock": ["true"]},
                "unscored": "reject",
            },
            {"field": "parts", "reads": "text", "values": "many", "existing": "add", "combine": "best"},
            {"field": "seats", "reads": "attribute:seats", "existing": "replace", "type": "number"},
        ],
        "provenance": "enrichment_provenance",
    }


def test_a_short_file_is_enough(tmp_path: Path) -> None:
    """A field and what it reads is a rule; null is as good as leaving out."""
    path = tmp_path / "mapping.json"
    short = {"rules": [{"field": "a", "reads": "color", "when": None, "vocabulary": None}], "provenance": None}
    assert read(path, short) == FieldMapping([FieldRule("a", reads="color")])
    assert read(path, "\ufeff" + json.dumps(short)) == FieldMapping([FieldRule("a", reads="color")])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"min_confidence": 30}, ".min_confidence: min_confidence must be from 0 to 1; got 30"),
        ({"min_confidence": "0.3"}, ".min_confidence: "),
        ({"min_confidence": None}, ".min_confidence: "),
        ({"min_confidence": True}, ".min_confidence: "),
        ({"min_confidense": 1}, ".min_confidense is unknown: did you mean 'min_confidence'?"),
        ({"xyz": 1}, ".xyz is unknown; known are field, reads"),
        ({"field": "C"}, ".field: 'C' is no Coveo field name"),
        ({"field": 5}, ".field: 5 is no Coveo field name"),
        ({"reads": "colour"}, ".reads: reads must be"),
        ({"reads": []}, ".reads must be a list that holds something; got []"),
        ({"reads": None}, ".reads: reads must be 'color', "),
        ({"reads": 5}, ".reads: reads must be 'color', "),
        ({"reads": ["color", 5]}, ".reads[1]: reads must be 'color', "),
        ({"reads": [{"reads": "color", "off": "acme"}]}, ".reads[0].off is unknown: did you mean 'of'?"),
        ({"reads": {"reads": "color", "of": 5}}, ".reads.of: of must be the name"),
        ({"reads": {"of": "acme"}}, ".reads.reads is missing"),
        ({"reads": {"reads": ["color"]}}, ".reads.reads: reads must be 'color', "),
        ({"values": "several"}, ".values: values must be one of 'one', 'many'; got 'several'"),
        ({"values": ["one"]}, ".values: "),
        ({"existing": "add"}, ": the rule for c: existing='add' needs values='many'"),
        ({"vocabulary": "colours"}, ".vocabulary must be 'colors'"),
        ({"vocabulary": {"Red": "crimson"}}, ".vocabulary.Red must be a list of texts; got 'crimson'"),
        ({"vocabulary": {"Red": [5]}}, ".vocabulary.Red must be a list of texts"),
        ({"vocabulary": {"A": ["x"], "B": ["x"]}}, ".vocabulary: the word 'x' stands"),
        ({"when": {"ec_a": "x", "EC": "x"}}, ".when.EC: 'EC' is no Coveo field name"),
        ({"when": {"ec_a": [None]}}, ".when.ec_a: when: ec_a needs values, as texts, numbers or flags; got [None]"),
        ({"when": "Shoes"}, ".when: when must name fields"),
        ({"when": {}}, ".when: when must name fields"),
    ],
)
def test_a_mistake_is_named_by_its_key(tmp_path: Path, keys: dict[str, Any], message: str) -> None:
    """The message begins with the file and the key, and for an unknown key names the nearest known one."""
    path = tmp_path / "mapping.json"
    with pytest.raises(ConfigurationError) as raised:
        read(path, rule(**({"field": "c", "reads": "color"} | keys)))
    assert str(raised.value).startswith(f"{path}: rules[2]{message}")


WRONG: tuple[object, ...] = (True, 5, 1.5, "?", "", [], [None], [5], ["?"], {"?": None})


@pytest.mark.parametrize("wrong", WRONG, ids=json.dumps)
@pytest.mark.parametrize("key", [attribute.name for attribute in attrs.fields(FieldRule)])
def test_every_key_of_a_rule_names_itself(tmp_path: Path, key: str, wrong: object) -> None:
    """Whatever stands where it cannot, the message begins with the key under which it stands."""
    with pytest.raises(ConfigurationError, match=rf": rules\[2\]\.{key}[.:\[ ]"):
        read(tmp_path / "mapping.json", rule(**({"field": "c", "reads": "color"} | {key: wrong})))


@pytest.mark.parametrize("wrong", WRONG[:2] + WRONG[4:], ids=json.dumps)
@pytest.mark.parametrize("key", [attribute.name for attribute in attrs.fields(Evidence)])
def test_every_key_of_an_evidence_names_itself(tmp_path: Path, key: str, wrong: object) -> None:
    """So does it inside of what is read."""
    reads = [{"reads": "color"}, {"reads": "color"} | {key: wrong}]
    with pytest.raises(ConfigurationError, match=rf": rules\[2\]\.reads\[1\]\.{key}: "):
        read(tmp_path / "mapping.json", rule(field="c", reads=reads))


@pytest.mark.parametrize(("keys", "missing"), [({"reads": "color"}, "field"), ({"field": "c"}, "reads")])
def test_a_missing_key_is_named(tmp_path: Path, keys: dict[str, Any], missing: str) -> None:
    """A rule needs a field and something to read."""
    with pytest.raises(ConfigurationError, match=rf"rules\[2\].{missing} is missing$"):
        read(tmp_path / "mapping.json", rule(**keys))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "the file must be an object in braces"),
        ({}, "rules is missing"),
        ({"rules": {}}, "rules must be a list"),
        ({"rules": []}, "rules must be a list that holds something; got []"),
        (rule(field="a", reads="color"), "two rules fill the same field: a"),
        ({"rules": ["color"]}, "rules[0] must be an object"),
        ({"rule": []}, "rule is unknown: did you mean 'rules'?"),
        (rule(field="c", reads="color") | {"provenance": "Who"}, "provenance: 'Who' is no Coveo field name"),
        (rule(field="c", reads="color") | {"provenance": ["who"]}, "provenance: ['who'] is no Coveo field name"),
        (rule(field="c", reads="color") | {"provenance": "c"}, "the provenance field c is one that a rule fills"),
        ('{"rules": [{"field": "a", "field": "b", "reads": "color"}]}', "the key 'field' stands twice"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, data: object, message: str) -> None:
    """What is no mapping at all is said so; a key that comes twice would hide what stands first."""
    path = tmp_path / "mapping.json"
    with pytest.raises(ConfigurationError) as raised:
        read(path, data)
    assert str(raised.value).startswith(f"{path}: {message}")


def test_a_file_that_is_not_json_is_named_with_its_line(tmp_path: Path) -> None:
    """A comma too many is found by its line; a file that is not there is no crash either."""
    path = tmp_path / "mapping.json"
    with pytest.raises(CatalogFileError) as raised:
        read(path, '{"rules": [\n  {"field": "a",}\n]}')
    assert (raised.value.path, raised.value.line) == (str(path), 2)
    with pytest.raises(CatalogFileError) as raised:
        FieldMapping.from_file(tmp_path / "none.json")
    assert str(raised.value) == f"{tmp_path / 'none.json'}: it cannot be read: No such file or directory"
    path.write_bytes(b'{"rules": "\xff"}')
    with pytest.raises(CatalogFileError, match="it is not UTF-8: invalid start byte at byte 11"):
        FieldMapping.from_file(path)
    with pytest.raises(CatalogFileError):
        read(path, "[" * 100_000)


def seats(_: Classification) -> Sequence[tuple[str, float | None]]:
    """Read nothing."""
    return []


def is_sold(_: Mapping[str, Any]) -> bool:
    """Tell nothing."""
    return True


@pytest.mark.parametrize(
    ("function", "key"),
    [
        (FieldRule("b", reads=seats), "rules[1].reads"),
        (FieldRule("b", reads=["color", Evidence(seats)]), "rules[1].reads[1]"),
        (FieldRule("b", reads="color", when=is_sold), "rules[1].when"),
    ],
)
def test_a_function_cannot_be_written(tmp_path: Path, function: FieldRule, key: str) -> None:
    """A rule with a function is refused by its key, and what stands in the file stays."""
    path = tmp_path / "mapping.json"
    path.write_text("before", encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        FieldMapping([FieldRule("a", reads="color"), function]).to_file(path)
    assert str(raised.value) == f"{key} is a function, which a file cannot hold"
    assert path.read_text("utf-8") == "before"
