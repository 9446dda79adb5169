"""Rules as a file of JSON that a person edits: each mistake in it is named by the key where it stands.

What a rule means is known by the values in `coveo_enrich.enrichment.rules.field_rule`, which check themselves.
"""

from __future__ import annotations

import contextlib
import difflib
import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import attrs

from coveo_enrich._files import replacing
from coveo_enrich.enrichment.rules.evidence import Evidence
from coveo_enrich.enrichment.rules.field_rule import FieldRule
from coveo_enrich.enrichment.rules.fields import check_field_name
from coveo_enrich.enrichment.rules.when import When
from coveo_enrich.enrichment.vocabulary.vocabulary import Vocabulary
from coveo_enrich.errors import CatalogFileError, ConfigurationError

__all__ = ["read_mapping", "write_mapping"]

_Table = Mapping[str, Any]

_MAPPING_KEYS: Final = ("rules", "provenance")
_RULE_KEYS: Final = tuple(attribute.name for attribute in attrs.fields(FieldRule))
_EVIDENCE_KEYS: Final = tuple(attribute.name for attribute in attrs.fields(Evidence))
_COLORS: Final = "colors"


def read_mapping(path: Path) -> tuple[tuple[FieldRule, ...], str | None]:
    """The rules in a file, and the provenance field.

    Raises:
        CatalogFileError: The file cannot be opened, or is not JSON.
        ConfigurationError: Something in it cannot work.
    """
    try:
        table = _table(_json_of(path), "", _MAPPING_KEYS, needed=("rules",))
        rules = tuple(_rule(one, f"rules[{index}]") for index, one in enumerate(_list(table["rules"], "rules")))
        provenance = table.get("provenance")
        if provenance is not None:
            with _named("provenance"):
                check_field_name(None, None, provenance)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    return rules, provenance


def write_mapping(path: Path, rules: Sequence[FieldRule], provenance: str | None) -> None:
    """Write rules so that `read_mapping` finds the same; what is at its default is left out.

    Raises:
        ConfigurationError: A rule holds a function.
        OSError: The file cannot be written.
    """
    data: dict[str, Any] = {"rules": [_rule_as_json(rule, f"rules[{index}]") for index, rule in enumerate(rules)]}
    if provenance is not None:
        data["provenance"] = provenance
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    with replacing(path) as file:
        file.write(text.encode("utf-8"))


# In


def _json_of(path: Path) -> object:
    try:
        return json.loads(path.read_text("utf-8-sig"), object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        raise CatalogFileError(str(path), error.lineno, f"it is not JSON: {error.msg}") from None
    except OSError as error:
        raise CatalogFileError(str(path), None, f"it cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise CatalogFileError(str(path), None, f"it is not UTF-8: {error.reason} at byte {error.start}") from error
    except RecursionError as error:
        raise CatalogFileError(str(path), None, str(error)) from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ConfigurationError(f"the key {twice!r} stands twice in the same braces")
    return table


def _rule(data: object, at: str) -> FieldRule:
    given = dict(_table(data, at, _RULE_KEYS, needed=("field", "reads")))
    given["reads"] = _reads(given["reads"], f"{at}.reads")
    for key, into in (("vocabulary", _vocabulary), ("when", _when)):
        if given.get(key) is not None:
            given[key] = into(given[key], f"{at}.{key}")
    _check(FieldRule, given, at)
    with _named(at):
        return FieldRule(**given)


def _reads(data: object, at: str) -> tuple[Evidence, ...]:
    if isinstance(data, list):
        return tuple(_evidence(one, f"{at}[{index}]") for index, one in enumerate(_list(cast("object", data), at)))
    return (_evidence(data, at),)


def _evidence(data: object, at: str) -> Evidence:
    if not isinstance(data, dict):
        with _named(at):
            return Evidence(cast("str", data))
    given = _table(cast("object", data), at, _EVIDENCE_KEYS, needed=("reads",))
    _check(Evidence, given, at)
    return Evidence(**given)


def _vocabulary(data: object, at: str) -> Vocabulary:
    if data == _COLORS:
        return Vocabulary.colors()
    if not isinstance(data, dict):
        raise ConfigurationError(f"{at} must be {_COLORS!r}, or values with lists of synonyms; got {data!r}")
    entries = cast("dict[str, object]", data)
    for value, synonyms in entries.items():
        if not isinstance(synonyms, list) or not all(isinstance(word, str) for word in cast("list[object]", synonyms)):
            raise ConfigurationError(f"{at}.{value} must be a list of texts; got {synonyms!r}")
    with _named(at):
        return Vocabulary(cast("dict[str, list[str]]", entries))


def _when(data: object, at: str) -> When:
    if not isinstance(data, dict):
        with _named(at):
            return When(data)
    fields = cast("dict[str, object]", data)
    for field, values in fields.items():
        with _named(f"{at}.{field}"):
            When({field: values})
    with _named(at):
        return When(fields)


def _check(kind: type[attrs.AttrsInstance], given: _Table, at: str) -> None:
    """Check each value alone, so that its own key can be named."""
    attributes = attrs.fields_dict(kind)
    for key, value in given.items():
        validator = attributes[key].validator
        if validator is not None:
            with _named(f"{at}.{key}"):
                validator(None, attributes[key], value)


def _table(data: object, at: str, known: Sequence[str], *, needed: Iterable[str]) -> _Table:
    if not isinstance(data, dict):
        raise ConfigurationError(f"{at or 'the file'} must be an object in braces; got {data!r}")
    table = cast("dict[str, Any]", data)
    for key in table:
        if key not in known:
            raise ConfigurationError(f"{_below(at, key)} is unknown{_meant(key, known)}")
    for key in needed:
        if key not in table:
            raise ConfigurationError(f"{_below(at, key)} is missing")
    return table


def _list(data: object, at: str) -> list[object]:
    if not isinstance(data, list) or not data:
        raise ConfigurationError(f"{at} must be a list that holds something; got {data!r}")
    return cast("list[object]", data)


def _below(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key


def _meant(key: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(key.lower(), known, n=1)
    return f": did you mean {nearest[0]!r}?" if nearest else f"; known are {', '.join(known)}"


@contextlib.contextmanager
def _named(at: str) -> Generator[None]:
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"{at}: {error}") from None


# Out


def _rule_as_json(rule: FieldRule, at: str) -> dict[str, Any]:
    least = FieldRule(rule.field, rule.reads, values=rule.values)
    data: dict[str, Any] = {"field": rule.field, "reads": _reads_as_json(rule.reads, f"{at}.reads")}
    if rule.values == "many":
        data["values"] = rule.values
    data |= {key: value for key in _RULE_KEYS if (value := getattr(rule, key)) != getattr(least, key)}
    if rule.vocabulary is not None:
        data["vocabulary"] = _vocabulary_as_json(rule.vocabulary)
    if rule.when is not None:
        data["when"] = _when_as_json(rule.when, f"{at}.when")
    return data


def _reads_as_json(reads: Sequence[Evidence], at: str) -> object:
    if len(reads) == 1:
        return _evidence_as_json(reads[0], at)
    return [_evidence_as_json(one, f"{at}[{index}]") for index, one in enumerate(reads)]


def _evidence_as_json(evidence: Evidence, at: str) -> object:
    if not isinstance(evidence.reads, str):
        raise _function(at)
    if evidence.of is None and evidence.min_confidence is None:
        return evidence.reads
    return {key: value for key in _EVIDENCE_KEYS if (value := getattr(evidence, key)) is not None}


def _vocabulary_as_json(vocabulary: Vocabulary) -> object:
    if vocabulary == Vocabulary.colors():
        return _COLORS
    return {value: list(synonyms) for value, synonyms in vocabulary.entries}


def _when_as_json(when: object, at: str) -> dict[str, list[str]]:
    if not isinstance(when, When):
        raise _function(at)
    return {field: list(values) for field, values in when.fields}


def _function(at: str) -> ConfigurationError:
    return ConfigurationError(f"{at} is a function, which a file cannot hold")
