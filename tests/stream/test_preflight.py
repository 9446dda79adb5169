"""Nothing is sent into fields that are not there, when a client knows what it needs."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from source_api import make_report

from coveo_enrich import CoveoSource, PartialUpdate, StreamClient
from coveo_enrich._http import HttpSender
from coveo_enrich.errors import ConfigurationError, FieldsNotReady
from coveo_enrich.index import FieldClient, FieldNeed
from coveo_enrich.retry import Pace
from coveo_enrich.sandbox import CoveoSandbox

COLOR = FieldNeed("color", facet=True, free_text=True)
ITEM = {"documentId": "product://1", "color": "Yellow"}
OPERATIONS: dict[str, Callable[[StreamClient, Any], object]] = {
    "load": lambda client, fields: client.load([ITEM], allow_shrink=True, fields=fields),
    "replace": lambda client, fields: client.replace([ITEM], allow_shrink=True, fields=fields),
    "update": lambda client, fields: client.update([ITEM], fields=fields),
    "merge": lambda client, fields: client.merge([ITEM], fields=fields),
    "partial": lambda client, fields: client.update_partially(
        [PartialUpdate.replace_value("product://1", "color", "Yellow")], fields=fields
    ),
}


def source_of(sandbox: CoveoSandbox) -> CoveoSource:
    """The source of a sandbox."""
    return CoveoSource(**sandbox.connection)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_nothing_is_sent_when_values_would_vanish(
    sandbox: CoveoSandbox, operation: Callable[[StreamClient, Any], object]
) -> None:
    """Each operation looks before it opens anything; the error prints what has to be done, and pickles."""
    with StreamClient(source_of(sandbox), needs=[COLOR]) as client, pytest.raises(FieldsNotReady) as raised:
        operation(client, None)
    assert "to create: color, STRING, facet, free text search" in str(raised.value)
    assert "with FieldClient(source) as fields: fields.apply(fields.plan(needs))" in str(raised.value)
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)  # noqa: S301 - pickled here
    assert not [request for request in sandbox.requests() if "/push/" in request.path]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_once_the_fields_are_there_it_is_sent(
    sandbox: CoveoSandbox, operation: Callable[[StreamClient, Any], object]
) -> None:
    """After a plan was applied, the check finds nothing lacking, and each operation sends."""
    with FieldClient(source_of(sandbox)) as fields:
        fields.apply(fields.plan([COLOR]))
    with StreamClient(source_of(sandbox), needs=[COLOR]) as client:
        operation(client, "check")
    assert [request for request in sandbox.requests() if "/push/" in request.path]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_it_is_sent_nevertheless_when_that_is_said(
    sandbox: CoveoSandbox, operation: Callable[[StreamClient, Any], object]
) -> None:
    """With ``fields="ignore"``, and without needs, a client asks for no fields and sends."""
    with StreamClient(source_of(sandbox), needs=[COLOR]) as client:
        operation(client, "ignore")
    with StreamClient(source_of(sandbox)) as client:
        operation(client, None)
    assert not [request for request in sandbox.requests() if "/fields" in request.path]


def test_a_dry_run_looks_at_nothing(sandbox: CoveoSandbox) -> None:
    """A dry run asks for no fields: it sends nothing that could vanish."""
    with StreamClient(source_of(sandbox), needs=[COLOR]) as client:
        client.update([ITEM], dry_run=True)
    assert not sandbox.requests()


def test_a_setting_that_loses_no_value_stops_nothing(sandbox: CoveoSandbox, caplog: pytest.LogCaptureFixture) -> None:
    """A field that keywords do not find holds its values: it stops no push, and the log and the plan tell of it."""
    sandbox.create_field("color")
    with StreamClient(source_of(sandbox), needs=[COLOR]) as client:
        client.update([ITEM])
    assert sandbox.items() == [ITEM]
    warned = [record.getMessage() for record in caplog.records if record.name == "coveo_enrich.stream"]
    assert ["facet" in warned[0], "mergeWithLexicon" in warned[1], len(warned)] == [True, True, 2]
    with FieldClient(source_of(sandbox)) as fields:
        plan = fields.plan([COLOR])
    assert [conflict.setting for conflict in plan.conflicts] == ["facet", "mergeWithLexicon"]
    assert not plan.loses_values


@pytest.mark.parametrize(
    ("need", "type_", "value"),
    [("LONG", "STRING", 5), ("DATE", "STRING", "2026-01-02"), ("LONG_64", "DOUBLE", 3_000_000_000)],
)
def test_what_a_field_of_another_type_holds_is_sent(sandbox: CoveoSandbox, need: Any, type_: Any, value: Any) -> None:  # noqa: ANN401 - as parametrized
    """A value that a field of another type holds is indexed, if not as it should be, so that no push is stopped."""
    sandbox.create_field("size", type=type_)
    with StreamClient(source_of(sandbox), needs=[FieldNeed("size", type=need)]) as client:
        client.update([{"documentId": "product://1", "size": value}])
    (item,) = sandbox.items()
    assert item["size"]


def test_no_advice_is_given_that_does_nothing(sandbox: CoveoSandbox) -> None:
    """Where a field is there and does not fit, the error does not advise `apply`, which never changes a field."""
    sandbox.create_field("color", type="LONG")
    with StreamClient(source_of(sandbox), needs=[COLOR]) as client, pytest.raises(FieldsNotReady) as raised:
        client.update([ITEM])
    assert "FieldClient" not in str(raised.value)
    assert "Change the fields in Coveo" in str(raised.value)
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)  # noqa: S301 - pickled here


def test_what_is_known_not_to_be_indexed_is_not_sent(sandbox: CoveoSandbox) -> None:
    """Where the report shows that the source passes over a field, nothing is sent until the field is mapped."""
    with StreamClient(source_of(sandbox)) as client:
        client.update([ITEM])
    make_report(sandbox)
    sandbox.create_field("color", facet=True, merge_with_lexicon=True)
    with StreamClient(source_of(sandbox), needs=[COLOR]) as client, FieldClient(source_of(sandbox)) as fields:
        with pytest.raises(FieldsNotReady, match="to map: color, from the metadata color") as raised:
            client.update([ITEM])
        assert raised.value.can_be_applied
        fields.apply(fields.plan([COLOR]))
        client.update([ITEM])
    assert sandbox.items() == [ITEM]


def test_the_look_counts_among_the_calls_of_the_client(sandbox: CoveoSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The three calls of a look take their turn at the pace of the client, as those of the push do."""
    turns: list[Pace] = []

    def take(self: Pace, now: float, places: int = 1) -> float:
        turns.extend([self] * (places if now else 0))
        return 0.0

    monkeypatch.setattr(Pace, "take", take)
    sandbox.create_field("color", facet=True, merge_with_lexicon=True)
    with StreamClient(source_of(sandbox), needs=[COLOR]) as client:
        client.update([ITEM])
        client.update([{**ITEM, "documentId": "product://2"}])
    looks = [request for request in sandbox.requests() if "/push/" not in request.path and "/rest/" in request.path]
    pushes = [request for request in sandbox.requests() if "/push/" in request.path]
    assert (len(looks), len(turns)) == (6, 6 + len(pushes))
    assert len({id(pace) for pace in turns}) == 1


def test_connections_are_those_of_the_client(sandbox: CoveoSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client makes one sender for all its looks and pushes."""
    made: list[Any] = []
    begin = HttpSender.__init__

    def watched(self: HttpSender, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as given
        made.append(self)
        begin(self, *args, **options)

    monkeypatch.setattr(HttpSender, "__init__", watched)
    sandbox.create_field("color")
    with StreamClient(source_of(sandbox), needs=[COLOR]) as client:
        client.update([ITEM])
        client.update([{**ITEM, "documentId": "product://2"}])
    assert len(made) == 1


def test_needs_of_different_types_are_refused_at_once(sandbox: CoveoSandbox) -> None:
    """A field has one type, so a client that needs two is not even made."""
    with pytest.raises(ConfigurationError, match="color is needed as STRING and as LONG"):
        StreamClient(source_of(sandbox), needs=[COLOR, FieldNeed("color", type="LONG")])


def test_what_cannot_be_checked_is_refused(sandbox: CoveoSandbox) -> None:
    """``fields="check"`` without needs, another word, and needs that are no `FieldNeed` raise ConfigurationError."""
    with StreamClient(source_of(sandbox)) as client:
        with pytest.raises(ConfigurationError, match="needs=mapping"):
            client.update([ITEM], fields="check")
        wrong: Any = "yes"
        with pytest.raises(ConfigurationError, match="'check' or 'ignore'"):
            client.update([ITEM], fields=wrong)
    for needs in ("color", 5, ["color"]):
        given: Any = needs
        with pytest.raises(ConfigurationError, match="FieldNeed values"):
            StreamClient(source_of(sandbox), needs=given)
