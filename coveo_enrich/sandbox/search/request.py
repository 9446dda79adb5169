"""What a caller of the Search API asks for: from a body to a query. What a query finds is decided in `search`.

Keys that Coveo knows and that make no difference here (``pipeline``, ``searchHub``, ``maximumAge``…) are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import attrs

from coveo_enrich.sandbox.refusals import Refused
from coveo_enrich.sandbox.search.expressions import EVERYTHING, And, Expression, Or, QueryError, partial
from coveo_enrich.sandbox.search.facets import FacetOrder, FacetRequest
from coveo_enrich.sandbox.search.query_language import ParsedExpression, parse_expression, parse_text
from coveo_enrich.sandbox.search.search import Query, SortKey
from coveo_enrich.sandbox.strict_json import Json, parse

__all__ = ["ResultShape", "body_of_parameters", "query_of", "shape_of", "values_query"]

_MOST_RESULTS = 2_000
_FURTHEST = 1_000_000
_FACET_ID = re.compile(r"[A-Za-z0-9\-_]{1,60}")
_SORT = re.compile(r"@?([A-Za-z][A-Za-z0-9_]*)\s+(ascending|descending)")
_THRESHOLD = re.compile(r"([0-9]{1,3})(%?)")
_UNSORTED = ("relevancy", "qre", "nosort")
_EXPRESSIONS = frozenset({"q", "aq", "cq", "lq", "dq", "queryOverride", "constantQueryOverride"})
_TEXTS = _EXPRESSIONS | {"field", "sortCriteria", "partialMatchThreshold"}
_MATHEMATICAL = ("queryFunctions", "rankingFunctions")
_LISTS = frozenset({"fieldsToInclude", "fieldsToExclude"})
_ORDERS: dict[str, FacetOrder] = {
    "score": "occurrences",
    "occurrences": "occurrences",
    "automatic": "occurrences",
    "alphanumeric": "alphanumeric",
    "alphaascending": "alphanumeric",
    "alphanumericdescending": "alphanumericDescending",
    "alphadescending": "alphanumericDescending",
}


@attrs.frozen
class ResultShape:
    """Which fields a result shows.

    Attributes:
        include: These, as far as there are values; `None` means all.
        exclude: Not these, when all are shown.
    """

    include: tuple[str, ...] | None
    exclude: frozenset[str]


def body_of_parameters(parameters: Mapping[str, str]) -> dict[str, Json]:
    """The body that says the same as the parameters of a GET.

    Raises:
        Refused: 400.
    """
    return {key: _parameter(key, text) for key, text in parameters.items()}


def query_of(body: Mapping[str, Json]) -> Query:
    """The query in the body of a search.

    Raises:
        QueryError: An expression cannot be read.
        Refused: 400.
    """
    _check_ranking(body)
    parts = {"q": _basic(body), **{key: parse_expression(_text(body, key)) for key in ("aq", "dq", "cq")}}
    return Query(
        expression=_joined(body, {key: part.condition for key, part in parts.items()}),
        boosts=tuple(boost for part in parts.values() for boost in part.boosts),
        scores_words="qre" not in map(str.strip, _text(body, "sortCriteria").split(",")),
        first=_number(body, "firstResult", 0, range(_FURTHEST + 1)),
        count=_number(body, "numberOfResults", 10, range(_MOST_RESULTS + 1)),
        sort=tuple(_sort_keys(_text(body, "sortCriteria") or "relevancy")),
        facets=(*map(_facet, _objects(body, "facets")), *map(_group, _objects(body, "groupBy"))),
        contexts=_contexts(body.get("dictionaryFieldContext")),
    )


def values_query(body: Mapping[str, Json]) -> Query:
    """The query in the body of a request for the values of a field.

    Raises:
        QueryError: An expression cannot be read.
        Refused: 400.
    """
    parts = [parse_expression(_text(body, key)).condition for key in ("queryOverride", "constantQueryOverride")]
    return Query(expression=And(tuple(parts)), count=0, facets=(_group(body),))


def shape_of(body: Mapping[str, Json]) -> ResultShape:
    """The fields that the body asks for.

    Raises:
        Refused: 400.
    """
    include, exclude = _names(body, "fieldsToInclude"), _names(body, "fieldsToExclude")
    return ResultShape(include, frozenset(exclude or ()))


def _check_ranking(body: Mapping[str, Json]) -> None:
    for key in _MATHEMATICAL:
        if _objects(body, key):
            raise QueryError(f"the sandbox does not know {key}")


def _joined(body: Mapping[str, Json], conditions: Mapping[str, Expression]) -> Expression:
    """Coveo's ``((q AND lq AND aq) OR dq) AND cq``."""
    large = _partial(parse_text(_text(body, "lq")), body)
    expression: Expression = And((_loosened(body, conditions["q"]), large, conditions["aq"]))
    if conditions["dq"] != EVERYTHING:
        expression = Or((expression, conditions["dq"]))
    return And((expression, conditions["cq"]))


def _basic(body: Mapping[str, Json]) -> ParsedExpression:
    text = _text(body, "q")
    if _flag(body, "enableQuerySyntax", default=True):
        return parse_expression(text)
    return ParsedExpression(parse_text(text))


def _loosened(body: Mapping[str, Json], expression: Expression) -> Expression:
    return _partial(expression, body) if _flag(body, "partialMatch", default=False) else expression


def _partial(expression: Expression, body: Mapping[str, Json]) -> Expression:
    threshold = _THRESHOLD.fullmatch(_text(body, "partialMatchThreshold") or "50%")
    if threshold is None:
        raise _invalid("partialMatchThreshold is a number or a percentage, such as 2 or 50%.")
    keywords = _number(body, "partialMatchKeywords", 5, range(1, 1_001))
    return partial(expression, keywords=keywords, needed=int(threshold[1]), is_percentage=threshold[2] == "%")


def _sort_keys(criteria: str) -> Iterator[SortKey]:
    for criterion in map(str.strip, criteria.split(",")):
        key = _SORT.fullmatch(criterion)
        if key is not None and (criterion.startswith("@") or key[1] == "date"):
            yield SortKey(key[1].lower(), key[2] == "descending")
        elif criterion in _UNSORTED:
            yield SortKey(None)
        else:
            raise _invalid("sortCriteria is relevancy, date descending, or @field ascending, or some with commas.")


def _facet(model: Mapping[str, Json]) -> FacetRequest:
    field = _field_name(model)
    facet_id, kind = _text(model, "facetId") or field, _text(model, "type") or "specific"
    if not _FACET_ID.fullmatch(facet_id):
        raise _invalid("facetId has 1 to 60 letters, digits, - and _.")
    if kind not in ("specific", "hierarchical"):
        raise _invalid("The sandbox has facets of the types specific and hierarchical.")
    delimiter = (_text(model, "delimitingCharacter") or "|") if kind == "hierarchical" else None
    return FacetRequest(
        facet_id=facet_id,
        field=field,
        count=_number(model, "numberOfValues", 8, range(1, 1_001)),
        order=_order(model),
        delimiter=delimiter,
        selected=frozenset(_selected(_objects(model, "currentValues"), ())),
    )


def _group(model: Mapping[str, Json]) -> FacetRequest:
    field = _field_name(model)
    count = _number(model, "maximumNumberOfValues", 10, range(1, 10_001))
    return FacetRequest(facet_id="", field=field, count=count, order=_order(model))


def _selected(values: list[Mapping[str, Json]], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for value in values:
        path = (*above, _text(value, "value"))
        if value.get("state") == "selected":
            yield path
        yield from _selected(_objects(value, "children"), path)


def _order(model: Mapping[str, Json]) -> FacetOrder:
    order = _ORDERS.get((_text(model, "sortCriteria") or "automatic").lower())
    if order is None:
        raise _invalid("Values are sorted by score, occurrences, alphanumeric or alphanumericDescending.")
    return order


def _field_name(model: Mapping[str, Json]) -> str:
    name = _text(model, "field").removeprefix("@").lower()
    if not name:
        raise _invalid("A field is missing.")
    return name


def _contexts(context: Json) -> dict[str, str]:
    if context is None:
        return {}
    if not isinstance(context, dict):
        raise _invalid("dictionaryFieldContext is an object.")
    return {name.removeprefix("@").lower(): _text(context, name) for name in context}


def _names(body: Mapping[str, Json], key: str) -> tuple[str, ...] | None:
    names = body.get(key)
    if names is None:
        return None
    if not isinstance(names, list):
        raise _invalid(f"{key} is an array of texts.")
    texts = [name for name in names if isinstance(name, str)]
    if len(texts) < len(names):
        raise _invalid(f"{key} is an array of texts.")
    return tuple(name.removeprefix("@").lower() for name in texts)


def _objects(body: Mapping[str, Json], key: str) -> list[Mapping[str, Json]]:
    listed = body.get(key)
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise _invalid(f"{key} is an array of objects.")
    objects: list[Mapping[str, Json]] = [one for one in listed if isinstance(one, dict)]
    if len(objects) < len(listed):
        raise _invalid(f"{key} is an array of objects.")
    return objects


def _text(body: Mapping[str, Json], key: str) -> str:
    text = body.get(key)
    if text is not None and not isinstance(text, str):
        raise _invalid(f"{key} is a text.")
    return text or ""


def _flag(body: Mapping[str, Json], key: str, *, default: bool) -> bool:
    flag = body.get(key)
    if flag is not None and not isinstance(flag, bool):
        raise _invalid(f"{key} is true or false.")
    return default if flag is None else flag


def _number(body: Mapping[str, Json], key: str, default: int, allowed: range) -> int:
    number = body.get(key)
    if number is None:
        return default
    if isinstance(number, bool) or not isinstance(number, int) or number not in allowed:
        raise _invalid(f"{key} is from {allowed[0]} to {allowed[-1]}.")
    return number


def _parameter(key: str, text: str) -> Json:
    if key in _TEXTS:
        return text
    if key in _LISTS and not text.startswith("["):
        return [name.strip() for name in text.split(",")]
    try:
        return parse(text.encode())
    except ValueError:
        return text


def _invalid(message: str) -> Refused:
    return Refused(400, "INVALID_PARAMETER", message)
