"""Fields before the push: what is needed is compared with what is there, and made.

A metadata for which there is no field vanishes without an error, and a field without Free text search is never found by
a keyword (docs.coveo.com/en/1833). What is there is never changed or deleted here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, cast

from coveo_enrich._calls import CALLS_PER_FIVE_MINUTES
from coveo_enrich.errors import ConfigurationError, CoveoEnrichError, CoveoRefused, FieldsInConflict, NoReply
from coveo_enrich.index.fields.applied import AppliedFields
from coveo_enrich.index.fields.calls import FIELDS_A_CALL, add_rule_call, create_fields_call
from coveo_enrich.index.fields.needs import FieldNeed
from coveo_enrich.index.fields.plan import FieldPlan, metadata_of, rule_conflicts
from coveo_enrich.index.fields.reading import Send, fields_named, plan_for_documents, plan_for_needs, read_rules
from coveo_enrich.index.fields.settings import shortcomings
from coveo_enrich.index.place import CoveoPlace
from coveo_enrich.index.platform_client import PlatformClient
from coveo_enrich.retry import RetryPolicy

__all__ = ["FieldClient"]

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
                values tell. A key whose values go into no one field stands among the conflicts of the plan, and nothing
                is done for it; what the catalog of the source keeps from being found stands in the plan's ``catalog``,
                as far as the key may read that.

        Raises:
            ConfigurationError: It is neither, or two needs of one field have different types.
            AccessRefused: The key lacks a privilege; the message says which.
            CoveoRefused: Coveo answered with another error.
            NoReply: Nothing was answered, several times over.
        """
        wanted, documents = _needs_or_documents(needs)
        send = self._calls.send
        return plan_for_needs(wanted, self._place, send) if wanted else plan_for_documents(documents, self._place, send)

    def apply(self, plan: FieldPlan) -> AppliedFields:
        """Create and map what a plan says, and nothing else. A field that is there already is left as it is.

        A plan may be applied again, also after an error: what was done is not done twice. On an error, its ``receipt``,
        an `AppliedFields`, holds what was done; add it to the result of the next ``apply(plan)`` for the total.

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
        done = AppliedFields(in_conflict=tuple(dict.fromkeys(conflict.field for conflict in plan.conflicts)))
        try:
            for step in _steps(plan, self._place, self._calls.send):
                done += step
        except CoveoEnrichError as error:
            error.receipt = done
            until_then = done if done.created or done.mapped or done.found else "nothing was done"
            error.add_note(f"Until then: {until_then}. apply(plan) may be called again.")
            if isinstance(error, NoReply):
                error.add_note("The last call may have been carried out: push again the items that were pushed before.")
            raise
        return done


def _steps(plan: FieldPlan, place: CoveoPlace, send: Send) -> Iterator[AppliedFields]:
    """Carry out a plan; each step that was done."""
    missing = _still_missing(plan.to_create, place, send)
    yield AppliedFields(found=tuple(need.name for need in plan.to_create if need not in missing))
    for start in range(0, len(missing), FIELDS_A_CALL):
        some = missing[start : start + FIELDS_A_CALL]
        _create(some, place, send)
        yield AppliedFields(created=tuple(need.name for need in some))
    yield from _add_missing_rules(metadata_of(plan.to_map, plan.spellings), place, send)


def _needs_or_documents(
    needs: Iterable[FieldNeed] | Iterable[Mapping[str, Any]],
) -> tuple[list[FieldNeed], list[Mapping[str, Any]]]:
    if isinstance(needs, str | Mapping) or not isinstance(needs, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]  # whatever a caller passes
        raise ConfigurationError(f"needs are what FieldMapping.needs() says, or several documents; got {needs!r:.200}")
    given = list[object](needs)
    wanted = [one for one in given if isinstance(one, FieldNeed)]
    documents = [cast("Mapping[str, Any]", one) for one in given if isinstance(one, Mapping)]
    if len(wanted) + len(documents) < len(given) or (wanted and documents):
        raise ConfigurationError(f"needs are FieldNeed values, or documents, and not both; got {given!r:.200}")
    return wanted, documents


def _create(needs: Sequence[FieldNeed], place: CoveoPlace, send: Send) -> None:
    """Create fields that were not there."""
    missing = needs
    while missing:
        try:
            send(create_fields_call(place, missing))
        except CoveoRefused as refused:
            # Somebody else made some meanwhile, or the reply to the first try was lost.
            left = _still_missing(missing, place, send) if refused.error_code == _EXISTS else missing
            if len(left) == len(missing):
                raise
            missing = left
        else:
            return


def _still_missing(needs: Sequence[FieldNeed], place: CoveoPlace, send: Send) -> list[FieldNeed]:
    """Those that nobody has created.

    Raises:
        FieldsInConflict: One was created that does not do what is needed.
    """
    fields = fields_named([need.name for need in needs], place, send)
    conflicts = [str(one) for need in needs if need.name in fields for one in shortcomings(need, fields[need.name])]
    if conflicts:
        raise FieldsInConflict(tuple(conflicts))
    return [need for need in needs if need.name not in fields]


def _add_missing_rules(wanted: Mapping[str, Sequence[str]], place: CoveoPlace, send: Send) -> Iterator[AppliedFields]:
    """Add the rules that are not there, each for a field and the metadata that fills it.

    Raises:
        FieldsInConflict: Somebody else made one that fills a field with something else.
    """
    there = _names_with_rule(wanted, place, send) if wanted else set[str]()
    for name, metadata in wanted.items():
        if name in there:
            yield AppliedFields(found=(name,))
            continue
        try:
            send(add_rule_call(place, name, metadata))
        except CoveoRefused as refused:
            # Somebody else made it meanwhile, or the reply to the first try was lost.
            is_there = refused.status == HTTPStatus.PRECONDITION_FAILED
            if not is_there or name not in _names_with_rule({name: metadata}, place, send):
                raise
        yield AppliedFields(mapped=(name,))


def _names_with_rule(wanted: Mapping[str, Sequence[str]], place: CoveoPlace, send: Send) -> set[str]:
    """Those of some fields for which there is a rule for items of all types."""
    rules = [rule for rule in read_rules(place, send) if rule.field in wanted]
    conflicts = [
        str(conflict) for name, metadata in wanted.items() for conflict in rule_conflicts(name, metadata, rules)
    ]
    if conflicts:
        raise FieldsInConflict(tuple(conflicts))
    return {rule.field for rule in rules if not rule.type}
