"""Fields before the push: what is needed is compared with what is there, and made.

A metadata for which there is no field vanishes without an error, and a field without Free text search is never found by
a keyword (docs.coveo.com/en/1833). What is there is never changed or deleted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import attrs

from coveo_enrich._calls import CoveoCall
from coveo_enrich.errors import ConfigurationError, CoveoEnrichError, CoveoRefused, FieldsInConflict
from coveo_enrich.index.applied_fields import AppliedFields
from coveo_enrich.index.catalog import notes_of, read_catalog
from coveo_enrich.index.field_calls import (
    FIELDS_A_CALL,
    add_rule_call,
    create_fields_call,
    fields_in,
    mappings_call,
    metadata_call,
    pages_in,
    search_fields_call,
    ways_in,
)
from coveo_enrich.index.field_plan import FieldPlan, plan_of, rule_conflicts
from coveo_enrich.index.field_settings import FieldSettings, shortcomings
from coveo_enrich.index.inference import Inferred, infer
from coveo_enrich.index.mapping_rules import rules_in
from coveo_enrich.index.needs import FieldNeed
from coveo_enrich.index.place import CoveoPlace
from coveo_enrich.index.platform_calls import CALLS_PER_FIVE_MINUTES
from coveo_enrich.index.platform_client import PlatformClient
from coveo_enrich.retry import RetryPolicy

__all__ = ["FieldClient"]

_Item = TypeVar("_Item")

_EXISTS: Final = "FIELD_ALREADY_EXISTS"


class FieldClient(PlatformClient):
    """Makes sure that what is pushed is indexed: plans the fields that are needed, and makes those that are not there.

    Args:
        place: The source, as `coveo_enrich.CoveoSource` names it. Its ``platform_key`` is used where there is one, so
            that the key that pushes need not be allowed to make fields.
        retry: How patiently calls are repeated.
        calls_per_five_minutes: How many calls this client makes in any five minutes, 1 or more, default 250.
        ca_bundle: A file or folder of certificates to trust instead of the usual ones.
        user_agent_suffix: What your program is called, added to the User-Agent header.

    Raises:
        ConfigurationError: A value is out of its range.
    """

    def __init__(
        self,
        place: CoveoPlace,
        *,
        retry: RetryPolicy | None = None,
        calls_per_five_minutes: int = CALLS_PER_FIVE_MINUTES,
        ca_bundle: str | Path | None = None,
        user_agent_suffix: str | None = None,
    ) -> None:
        super().__init__(place, retry, calls_per_five_minutes, ca_bundle=ca_bundle, user_agent_suffix=user_agent_suffix)

    def plan(self, needs: Iterable[FieldNeed] | Iterable[Mapping[str, Any]]) -> FieldPlan:
        """Compare what is needed with what the organization and the source have; nothing is changed.

        Args:
            needs: The fields that are needed, as ``FieldMapping.needs()`` says them; or a sample of documents, whose
                values tell. Types that go into no one field stand among the conflicts of the plan, and what the catalog
                of the source keeps from being found in its ``catalog``, as far as the key may read that.

        Raises:
            ConfigurationError: It is neither.
            AccessRefused: The key lacks a privilege; the message says which.
            CoveoRefused: Coveo answered with another error.
            NoReply: Nothing was answered, several times over.
        """
        wanted, documents = _sorted(needs)
        inferred = Inferred(tuple(wanted), ()) if wanted else infer(documents)
        send = self._calls.send
        fields = _fields_named([need.name for need in inferred.needs], self._place, send)
        rules = tuple(rules_in(send(mappings_call(self._place))))
        plan = plan_of(inferred.needs, fields, rules, _unmapped(self._place, send) if fields else ())
        notes = notes_of(documents, read_catalog(self._place, send)) if documents else ()
        return attrs.evolve(plan, conflicts=(*inferred.mixed, *plan.conflicts), catalog=tuple(notes))

    def apply(self, plan: FieldPlan) -> AppliedFields:
        """Create and map what a plan says, and nothing else. A field that is there already is left as it is.

        A plan may be applied again, also after an error: what was done is not done twice. An error has what was done
        until then as its ``receipt``, an `AppliedFields`.

        Args:
            plan: What `plan` gave.

        Raises:
            ConfigurationError: It is no plan.
            FieldsInConflict: Somebody else created a field or a rule meanwhile that does not do what is needed.
            AccessRefused: The key lacks a privilege; the message says which.
            CoveoRefused: Coveo answered with another error.
            NoReply: Nothing was answered, several times over.
        """
        if not isinstance(plan, FieldPlan):  # pyright: ignore[reportUnnecessaryIsInstance]  # whatever a caller passes
            raise ConfigurationError(f"what FieldClient.plan gave is wanted; got {plan!r:.200}")
        done = AppliedFields()
        try:
            for step in _steps(plan, self._place, self._calls.send):
                done += step
        except CoveoEnrichError as error:
            error.receipt = done
            error.add_note(f"Until then: {done}. apply(plan) may be called again.")
            raise
        return done


_Send = Callable[[CoveoCall], Mapping[str, Any]]


def _steps(plan: FieldPlan, place: CoveoPlace, send: _Send) -> Iterator[AppliedFields]:
    """Carry out a plan; each step that was done."""
    for needs in _batches(plan.to_create):
        made = _created(needs, place, send)
        found = tuple(need.name for need in needs if need.name not in made)
        yield AppliedFields(created=tuple(made), found=found)
    yield from _mapped(plan.to_map, place, send)


def _sorted(
    needs: Iterable[FieldNeed] | Iterable[Mapping[str, Any]],
) -> tuple[list[FieldNeed], list[Mapping[str, Any]]]:
    if isinstance(needs, str | Mapping) or not isinstance(needs, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]  # whatever a caller passes
        raise ConfigurationError("needs are what FieldMapping.needs() says, or several documents")
    given = list[object](needs)
    wanted = [one for one in given if isinstance(one, FieldNeed)]
    documents = [cast("Mapping[str, Any]", one) for one in given if isinstance(one, Mapping)]
    if len(wanted) + len(documents) < len(given) or (wanted and documents):
        raise ConfigurationError("needs are FieldNeed values, or documents, and not both")
    return wanted, documents


def _batches(several: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(several), FIELDS_A_CALL):
        yield several[start : start + FIELDS_A_CALL]


def _fields_named(names: Sequence[str], place: CoveoPlace, send: _Send) -> dict[str, FieldSettings]:
    """The fields of these names that there are."""
    found: dict[str, FieldSettings] = {}
    for some in _batches(names):
        for answer in _pages(lambda page, some=some: send(search_fields_call(place, some, page))):  # type: ignore[misc]
            found |= {field.name: field for field in fields_in(answer) if field.name in some}
    return found


def _unmapped(place: CoveoPlace, send: _Send) -> set[str]:
    """Metadata that the source is known not to index by its name.

    A report that says of one that it is indexed nowhere may be older than its field, and nothing tells when a field was
    made. But a report that shows any metadata indexed by its name shows a source that does so for all.
    """
    try:
        ways = [way for answer in _pages(lambda page: send(metadata_call(place, page))) for way in ways_in(answer)]
    except CoveoRefused:  # there is no report, or the key may not read it
        return set()
    return set() if any(way == "FIELD" for _, way in ways) else {name for name, way in ways if way == "NONE"}


def _pages(read: Callable[[int], Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The pages of a list until they end, whatever number of them is claimed."""
    page, pages = 0, 1
    while page < pages:
        answer = read(page)
        yield answer
        page, pages = page + 1, pages_in(answer) if answer.get("items") else 0


def _created(needs: Sequence[FieldNeed], place: CoveoPlace, send: _Send) -> list[str]:
    """Create fields that are not there; the names of those that were created."""
    missing = list(needs)
    while missing:
        try:
            send(create_fields_call(place, missing))
        except CoveoRefused as refused:
            left = _still_missing(missing, place, send) if refused.error_code == _EXISTS else missing
            if len(left) == len(missing):
                raise
            missing = left
        else:
            return [need.name for need in missing]
    return []


def _still_missing(needs: Sequence[FieldNeed], place: CoveoPlace, send: _Send) -> list[FieldNeed]:
    """Those that nobody else has created.

    Raises:
        FieldsInConflict: One was created that does not do what is needed.
    """
    fields = _fields_named([need.name for need in needs], place, send)
    conflicts = [str(one) for need in needs if need.name in fields for one in shortcomings(need, fields[need.name])]
    if conflicts:
        raise FieldsInConflict(tuple(conflicts))
    return [need for need in needs if need.name not in fields]


def _mapped(names: Sequence[str], place: CoveoPlace, send: _Send) -> Iterator[AppliedFields]:
    """Add the rules that are not there.

    Raises:
        FieldsInConflict: Somebody else made one that fills a field with something else.
    """
    there = _ruled(names, place, send) if names else set[str]()
    for name in names:
        if name in there:
            yield AppliedFields(found=(name,))
            continue
        try:
            send(add_rule_call(place, name))
        except CoveoRefused as refused:
            # Somebody else made it meanwhile, or the reply to the first try was lost.
            if refused.status != HTTPStatus.PRECONDITION_FAILED or name not in _ruled([name], place, send):
                raise
        yield AppliedFields(mapped=(name,))


def _ruled(names: Sequence[str], place: CoveoPlace, send: _Send) -> set[str]:
    """Those of some fields for which there is a rule."""
    rules = [rule for rule in rules_in(send(mappings_call(place))) if rule.field in names]
    conflicts = [str(conflict) for name in names for conflict in rule_conflicts(name, rules)]
    if conflicts:
        raise FieldsInConflict(tuple(conflicts))
    return {rule.field for rule in rules}
