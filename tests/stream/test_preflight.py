"""Nothing is sent into fields that are not there, when a client knows what it needs."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from coveo_enrich import CoveoSource, PartialUpdate, StreamClient
from coveo_enrich.errors import ConfigurationError, FieldsNotReady
from coveo_enrich.index import FieldClient, FieldNeed
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


@pytest.fixture
def sandbox() -> Iterator[CoveoSandbox]:
    """An organization without the field."""
    with CoveoSandbox() as one:
        yield one


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
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)  # noqa: S301 - pickled here
    assert not [request for request in sandbox.requests() if "/push/" in request.path]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_once_the_fields_are_there_it_is_sent(
    sandbox: CoveoSandbox, operation: Callable[[StreamClient, Any], object]
) -> None:
    """What the plan says is all that was lacking."""
    with FieldClient(source_of(sandbox)) as fields:
        fields.apply(fields.plan([COLOR]))
    with StreamClient(source_of(sandbox), needs=[COLOR]) as client:
        operation(client, "check")
    assert [request for request in sandbox.requests() if "/push/" in request.path]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_it_is_sent_nevertheless_when_that_is_said(
    sandbox: CoveoSandbox, operation: Callable[[StreamClient, Any], object]
) -> None:
    """``ignore`` looks at nothing, and so does a client without needs."""
    with StreamClient(source_of(sandbox), needs=[COLOR]) as client:
        operation(client, "ignore")
    with StreamClient(source_of(sandbox)) as client:
        operation(client, None)
    assert not [request for request in sandbox.requests() if "/fields" in request.path]


def test_a_dry_run_looks_at_nothing(sandbox: CoveoSandbox) -> None:
    """It sends nothing that could vanish."""
    with StreamClient(source_of(sandbox), needs=[COLOR]) as client:
        client.update([ITEM], dry_run=True)
    assert not sandbox.requests()


def test_a_setting_that_loses_no_value_stops_nothing(sandbox: CoveoSandbox) -> None:
    """A field that keywords do not find holds its values all the same; the plan tells of it."""
    sandbox.create_field("color")
    with StreamClient(source_of(sandbox), needs=[COLOR]) as client:
        client.update([ITEM])


def test_what_cannot_be_checked_is_refused(sandbox: CoveoSandbox) -> None:
    """A check without needs, another word, and needs that are none."""
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
