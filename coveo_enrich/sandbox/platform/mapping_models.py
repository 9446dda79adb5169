"""Mapping rules as the mapping API writes and reads them. What a rule does is decided in `mappings`."""

from __future__ import annotations

from collections.abc import Iterable

from coveo_enrich.sandbox.platform.mappings import Mappings, Rule, TypeMappings
from coveo_enrich.sandbox.refusals import not_understood
from coveo_enrich.sandbox.strict_json import Json

__all__ = [
    "mappings_from_model",
    "mappings_model",
    "rule_from_model",
    "rule_model",
    "rule_models",
    "rules_from_model",
    "type_from_model",
    "type_model",
]


def mappings_model(mappings: Mappings) -> dict[str, Json]:
    """The rules as the mapping API writes them."""
    types: list[Json] = [type_model(each) for each in mappings.types]
    return {"common": {"rules": rule_models(mappings.common)}, "types": types}


def type_model(each: TypeMappings) -> dict[str, Json]:
    """The rules of one type as the mapping API writes them."""
    return {"id": each.type, "type": each.type, "rules": rule_models(each.rules)}


def rule_models(rules: Iterable[Rule]) -> list[Json]:
    """Rules as the mapping API writes them."""
    return [rule_model(rule) for rule in rules]


def rule_model(rule: Rule) -> dict[str, Json]:
    """A rule as the mapping API writes it."""
    return {"id": rule.id, "field": rule.field, "content": list(rule.content)}


def mappings_from_model(model: Json) -> Mappings:
    """All the rules that the mapping API is told.

    Raises:
        Refused: 400 ``INVALID_PARAMETER``, when they are not what the mapping API takes.
    """
    if not isinstance(model, dict):
        raise not_understood("mappings are an object with common and types")
    types = model.get("types") or []
    if not isinstance(types, list):
        raise not_understood("types is an array")
    read = tuple(type_from_model(each) for each in types)
    if len({each.type for each in read}) < len(read):
        raise not_understood("a type comes twice")
    return Mappings(rules_from_model(model.get("common") or {}), read)


def type_from_model(model: Json) -> TypeMappings:
    """The rules of one type.

    Raises:
        Refused: As in `mappings_from_model`.
    """
    name = model.get("type") if isinstance(model, dict) else None
    if not isinstance(name, str) or not name:
        raise not_understood("the rules of a type have the type, a text")
    return TypeMappings(name, rules_from_model(model))


def rules_from_model(model: Json) -> tuple[Rule, ...]:
    """The rules in an object that has some.

    Raises:
        Refused: As in `mappings_from_model`.
    """
    given = model.get("rules") if isinstance(model, dict) else None
    if not isinstance(given, list):
        raise not_understood("rules is an array")
    return tuple(rule_from_model(each) for each in given)


def rule_from_model(model: Json) -> Rule:
    """A rule; it keeps its id when it comes with one.

    Raises:
        Refused: As in `mappings_from_model`.
    """
    if not isinstance(model, dict):
        raise not_understood("a rule is an object")
    field, content, name = model.get("field"), model.get("content"), model.get("id")
    if not isinstance(field, str):
        raise not_understood("a rule names its field")
    texts = [entry for entry in content if isinstance(entry, str) and entry] if isinstance(content, list) else []
    if not isinstance(content, list) or not texts or len(texts) < len(content):
        raise not_understood("the content of a rule is an array of one or more texts")
    return Rule(field, tuple(texts), name) if isinstance(name, str) and name else Rule(field, tuple(texts))
