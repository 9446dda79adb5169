"""The mapping rules of a source: which metadata fills which field of an item. Pure values, no JSON, no store.

Coveo says that of several ``content`` entries the first that yields a value wins, and that a text always does. It does
not say what an entry of several parts yields when one of them is missing: here nothing, so that the next is tried.
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import attrs

from coveo_enrich.sandbox.strict_json import Json

__all__ = ["NO_RULES", "Mappings", "Rule", "RulesByField", "TypeMappings", "Yielded", "first_yielded"]

Metadata: TypeAlias = Mapping[str, Json]
RulesByField: TypeAlias = "Mapping[str, tuple[Rule, ...]]"

# What was sent has this origin; the others are those of steps that there are none of here.
_SENT = "crawler"
_REFERENCE = re.compile(r"%\[([^\[\]:]+)(?::([^\[\]:]*))?\]")
_ID_LETTERS = string.ascii_lowercase + string.digits
_ID_LENGTH = 26
_JOIN = ";"


def _new_id() -> str:
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))


@attrs.frozen
class _Reference:
    """``%[metadata]`` or ``%[metadata:origin]``."""

    key: str
    origin: str | None

    @property
    def is_sent(self) -> bool:
        """Whether it stands for something that is sent with an item."""
        return self.origin in (None, _SENT)

    def value_in(self, metadata: Metadata) -> Json:
        """What it stands for; `None` when there is nothing."""
        value = metadata.get(self.key) if self.is_sent else None
        return None if value in ("", []) else value


_Parts: TypeAlias = tuple[str | _Reference, ...]


@attrs.frozen
class Yielded:
    """What a rule gives.

    Attributes:
        value: What the field is to hold; `None` when there is nothing.
        keys: The metadata that it is made of.
    """

    value: Json
    keys: tuple[str, ...]


_NOTHING = Yielded(None, ())
NO_RULES: RulesByField = {}


def _parsed(rule: Rule) -> tuple[_Parts, ...]:
    return tuple(_parts(entry) for entry in rule.content)


@attrs.frozen
class Rule:
    """A mapping rule.

    Attributes:
        field: The field that it fills.
        content: Texts with references to metadata in them, in the order in which they are tried.
        id: Its name among the rules.
    """

    field: str
    content: tuple[str, ...]
    id: str = attrs.field(factory=_new_id)
    _entries: tuple[_Parts, ...] = attrs.field(init=False, default=attrs.Factory(_parsed, takes_self=True), repr=False)

    @property
    def reads(self) -> frozenset[str]:
        """The metadata that it refers to."""
        return frozenset(reference.key for entry in self._entries for reference in _references(entry))

    @property
    def copies(self) -> frozenset[str]:
        """The metadata that it may take over as it is, so that it can be changed in the index too."""
        whole = [entry for entry in self._entries if len(entry) == 1]
        return frozenset(reference.key for entry in whole for reference in _references(entry))

    def yielded(self, metadata: Metadata) -> Yielded:
        """What it gives for an item that says this."""
        return _first(_filled(entry, metadata) for entry in self._entries)


@attrs.frozen
class TypeMappings:
    """The rules for items of one ``objecttype``, which is its id too."""

    type: str
    rules: tuple[Rule, ...] = ()


def _by_type(mappings: Mappings) -> dict[str, RulesByField]:
    return {each.type: _by_field(mappings.common, each.rules) for each in mappings.types}


def _by_no_type(mappings: Mappings) -> RulesByField:
    return _by_field(mappings.common, ())


@attrs.frozen
class Mappings:
    """All the rules of a source.

    Attributes:
        common: Those for items of every type.
        types: Those for items of one type, which come after the common ones and take the place of what they gave.
    """

    common: tuple[Rule, ...] = ()
    types: tuple[TypeMappings, ...] = ()
    _typed: dict[str, RulesByField] = attrs.field(
        init=False, default=attrs.Factory(_by_type, takes_self=True), repr=False, eq=False
    )
    _untyped: RulesByField = attrs.field(
        init=False, default=attrs.Factory(_by_no_type, takes_self=True), repr=False, eq=False
    )

    def rules_for(self, object_type: object) -> RulesByField:
        """For each field the rules that may fill it in an item of this type; the first that gives a value does."""
        return self._typed.get(object_type, self._untyped) if isinstance(object_type, str) else self._untyped

    def rules_of(self, type_: str | None) -> tuple[Rule, ...]:
        """The rules of one type, or the common ones.

        Raises:
            KeyError: There are none for this type.
        """
        if type_ is None:
            return self.common
        return {each.type: each.rules for each in self.types}[type_]

    def with_rules(self, type_: str | None, rules: Iterable[Rule]) -> Mappings:
        """The same with these rules of one type, or these common ones; a new type comes last."""
        if type_ is None:
            return Mappings(tuple(rules), self.types)
        by_type = {each.type: each for each in self.types} | {type_: TypeMappings(type_, tuple(rules))}
        return Mappings(self.common, tuple(by_type.values()))

    def without_type(self, type_: str) -> Mappings:
        """The same without the rules of one type."""
        return Mappings(self.common, tuple(each for each in self.types if each.type != type_))


def first_yielded(rules: Iterable[Rule], metadata: Metadata) -> Yielded:
    """What the first of these rules gives that gives something."""
    return _first(rule.yielded(metadata) for rule in rules)


def _first(found: Iterable[Yielded]) -> Yielded:
    return next((one for one in found if one.value is not None), _NOTHING)


def _by_field(common: Iterable[Rule], typed: Iterable[Rule]) -> RulesByField:
    """The rules of each field; what comes later in time takes the place, so it is what is asked first."""
    rules: dict[str, tuple[Rule, ...]] = {}
    for rule in (*common, *typed):
        rules[rule.field] = (rule, *rules.get(rule.field, ()))
    return rules


def _references(entry: _Parts) -> list[_Reference]:
    return [part for part in entry if isinstance(part, _Reference) and part.is_sent]


def _parts(entry: str) -> _Parts:
    parts: list[str | _Reference] = []
    at = 0
    for found in _REFERENCE.finditer(entry):
        parts += [entry[at : found.start()], _Reference(found[1], found[2])]
        at = found.end()
    return tuple(part for part in [*parts, entry[at:]] if part != "")


def _filled(entry: _Parts, metadata: Metadata) -> Yielded:
    keys = tuple(part.key for part in entry if isinstance(part, _Reference))
    values = [part if isinstance(part, str) else part.value_in(metadata) for part in entry]
    if len(values) == 1:
        return Yielded(values[0], keys)
    if any(value is None or isinstance(value, dict) for value in values):
        return _NOTHING
    return Yielded("".join(_text(value) for value in values), keys)


def _text(value: Json) -> str:
    return _JOIN.join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
