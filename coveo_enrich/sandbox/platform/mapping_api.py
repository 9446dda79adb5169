"""The mapping API of a source: from HTTP to its rules and back. What a rule does is decided in `mappings`.

Common rules and those of one type are read and changed alike: where a path names no type, the common ones are meant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coveo_enrich.sandbox.access import Privilege
from coveo_enrich.sandbox.http.exchange import json_answer, read_list, read_object
from coveo_enrich.sandbox.platform.batch_results import batch_results
from coveo_enrich.sandbox.platform.mapping_models import (
    mappings_from_model,
    mappings_model,
    rule_from_model,
    rule_model,
    rule_models,
    rules_from_model,
    type_from_model,
    type_model,
)
from coveo_enrich.sandbox.platform.mappings import Mappings, Rule, TypeMappings
from coveo_enrich.sandbox.platform.organizations import SourceMappings
from coveo_enrich.sandbox.refusals import Refused

__all__ = ["AdmitToMappings", "MappingApi"]

AdmitToMappings: TypeAlias = Callable[[Request, Privilege], SourceMappings]
"""Lets a request pass whose key has this privilege, and gives the rules of the source that it names."""


class MappingApi:
    """The calls of the mapping API."""

    def __init__(self, admit: AdmitToMappings) -> None:
        self._admit = admit

    def routes(self, source: str) -> list[Route]:
        """The routes under the path of a source."""
        mappings = f"{source}/mappings"
        one_type = f"{mappings}/types/{{type}}"
        return [
            Route(mappings, self._read, methods=["GET"]),
            Route(mappings, self._replace, methods=["PUT"]),
            Route(f"{mappings}/common", self._read_common, methods=["GET"]),
            Route(f"{mappings}/common", self._replace_common, methods=["PUT"]),
            *self._rule_routes(f"{mappings}/common/rules"),
            Route(f"{mappings}/types", self._list_types, methods=["GET"]),
            Route(f"{mappings}/types", self._create_type, methods=["POST"]),
            Route(one_type, self._read_type, methods=["GET"]),
            Route(one_type, self._replace_type, methods=["PUT"]),
            Route(one_type, self._delete_type, methods=["DELETE"]),
            *self._rule_routes(f"{one_type}/rules"),
            Route(f"{mappings}/batch/create", self._create_types, methods=["POST"]),
            Route(f"{mappings}/batch/update", self._replace_types, methods=["POST"]),
            Route(f"{mappings}/batch/delete", self._delete_types, methods=["POST"]),
        ]

    def _rule_routes(self, rules: str) -> list[Route]:
        return [
            Route(rules, self._list_rules, methods=["GET"]),
            Route(rules, self._create_rule, methods=["POST"]),
            Route(f"{rules}/{{rule}}", self._read_rule, methods=["GET"]),
            Route(f"{rules}/{{rule}}", self._replace_rule, methods=["PUT"]),
            Route(f"{rules}/{{rule}}", self._delete_rule, methods=["DELETE"]),
        ]

    async def _read(self, request: Request) -> Response:
        return json_answer(mappings_model(self._to_read(request)))

    async def _replace(self, request: Request) -> Response:
        mappings = self._to_change(request)
        new = mappings_from_model(await read_object(request))
        mappings.change(lambda _: new)
        return json_answer(mappings_model(new))

    async def _read_common(self, request: Request) -> Response:
        return json_answer({"rules": rule_models(self._to_read(request).common)})

    async def _replace_common(self, request: Request) -> Response:
        mappings = self._to_change(request)
        rules = rules_from_model(await read_object(request))
        mappings.change(lambda now: now.with_rules(None, rules))
        return json_answer({"rules": rule_models(rules)})

    async def _list_types(self, request: Request) -> Response:
        return json_answer([type_model(each) for each in self._to_read(request).types])

    async def _create_type(self, request: Request) -> Response:
        mappings = self._to_change(request)
        new = type_from_model(await read_object(request))
        _create_type(mappings, new)
        return json_answer(type_model(new), 201)

    async def _read_type(self, request: Request) -> Response:
        type_ = request.path_params["type"]
        return json_answer(type_model(TypeMappings(type_, _rules(self._to_read(request), type_))))

    async def _replace_type(self, request: Request) -> Response:
        mappings = self._to_change(request)
        new = type_from_model({**await read_object(request), "type": request.path_params["type"]})
        _replace_type(mappings, new)
        return json_answer(type_model(new))

    async def _delete_type(self, request: Request) -> Response:
        _delete_type(self._to_change(request), request.path_params["type"])
        return Response(status_code=204)

    async def _list_rules(self, request: Request) -> Response:
        return json_answer(rule_models(_rules(self._to_read(request), _type(request))))

    async def _create_rule(self, request: Request) -> Response:
        mappings, type_ = self._to_change(request), _type(request)
        new = rule_from_model({**await read_object(request), "id": None})
        mappings.change(lambda now: now.with_rules(type_, [*_rules(now, type_), new]))
        return json_answer(rule_model(new), 201)

    async def _read_rule(self, request: Request) -> Response:
        return json_answer(rule_model(_rule(_rules(self._to_read(request), _type(request)), request)))

    async def _replace_rule(self, request: Request) -> Response:
        mappings, type_ = self._to_change(request), _type(request)
        new = rule_from_model({**await read_object(request), "id": request.path_params["rule"]})

        def change(now: Mappings) -> Mappings:
            rules = _rules(now, type_)
            old = _rule(rules, request)
            return now.with_rules(type_, [new if rule == old else rule for rule in rules])

        mappings.change(change)
        return json_answer(rule_model(new))

    async def _delete_rule(self, request: Request) -> Response:
        mappings, type_ = self._to_change(request), _type(request)

        def change(now: Mappings) -> Mappings:
            rules = _rules(now, type_)
            old = _rule(rules, request)
            return now.with_rules(type_, [rule for rule in rules if rule != old])

        mappings.change(change)
        return Response(status_code=204)

    async def _create_types(self, request: Request) -> Response:
        return await self._do_with_types(request, _create_type)

    async def _replace_types(self, request: Request) -> Response:
        return await self._do_with_types(request, _replace_type)

    async def _delete_types(self, request: Request) -> Response:
        return await self._do_with_types(request, lambda mappings, old: _delete_type(mappings, old.type))

    async def _do_with_types(self, request: Request, do: Callable[[SourceMappings, TypeMappings], None]) -> Response:
        mappings = self._to_change(request)
        models = await read_list(request)
        return json_answer(batch_results(models, lambda model: do(mappings, type_from_model(model))), 201)

    def _to_read(self, request: Request) -> Mappings:
        return self._admit(request, "SOURCE_VIEW").now

    def _to_change(self, request: Request) -> SourceMappings:
        mappings = self._admit(request, "SOURCE_EDIT")
        # A Catalog source cannot be rebuilt: it is sent its data again.
        if request.query_params.get("rebuild", "false").lower() not in ("true", "false"):
            raise Refused(400, "INVALID_PARAMETER", "rebuild is true or false.")
        return mappings


def _create_type(mappings: SourceMappings, new: TypeMappings) -> None:
    def change(now: Mappings) -> Mappings:
        if any(each.type == new.type for each in now.types):
            raise Refused(412, "MAPPING_ALREADY_EXISTS", "There are already rules for that type.")
        return now.with_rules(new.type, new.rules)

    mappings.change(change)


def _replace_type(mappings: SourceMappings, new: TypeMappings) -> None:
    def change(now: Mappings) -> Mappings:
        _rules(now, new.type)
        return now.with_rules(new.type, new.rules)

    mappings.change(change)


def _delete_type(mappings: SourceMappings, type_: str) -> None:
    def change(now: Mappings) -> Mappings:
        _rules(now, type_)
        return now.without_type(type_)

    mappings.change(change)


def _type(request: Request) -> str | None:
    type_: str | None = request.path_params.get("type")
    return type_


def _rules(mappings: Mappings, type_: str | None) -> tuple[Rule, ...]:
    try:
        return mappings.rules_of(type_)
    except KeyError:
        raise Refused(404, "MAPPING_NOT_FOUND", "There are no rules for that type.") from None


def _rule(rules: Sequence[Rule], request: Request) -> Rule:
    for rule in rules:
        if rule.id == request.path_params["rule"]:
            return rule
    raise Refused(404, "MAPPING_NOT_FOUND", "There is no such rule.")
