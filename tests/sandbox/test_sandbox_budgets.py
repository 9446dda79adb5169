"""Call budgets: how many calls an organization may make, and what it is told when it made them all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_caller import Caller, untimed

from coveo_enrich.sandbox.http.budgets import CallBudget, Limits, organization_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def coveo() -> Iterator[Caller]:
    """A running sandbox."""
    with Caller.running() as caller:
        yield caller


def _open(coveo: Caller) -> httpx.Response:
    return coveo.post(f"{coveo.stream_path}/open")


def _budget(**limits: int) -> CallBudget:
    budget = CallBudget()
    budget.limit(Limits(**limits))
    return budget


def test_a_call_over_the_budget_is_refused_until_a_place_is_free(coveo: Caller) -> None:
    """A call over the budget answers 429 with the seconds to wait, and passes after five sandbox minutes."""
    coveo.sandbox.limit_calls(per_5_minutes=2)
    assert [_open(coveo).status_code for _ in range(2)] == [201, 201]
    refused = _open(coveo)
    assert (refused.status_code, refused.json()["errorCode"]) == (429, "TOO_MANY_REQUESTS")
    assert 1 <= int(refused.headers["Retry-After"]) <= 300
    assert len(coveo.sandbox.streams()) == 2
    coveo.sandbox.advance(minutes=5)
    assert _open(coveo).status_code == 201


def test_the_day_ends_at_midnight(coveo: Caller) -> None:
    """A used-up day refuses calls until its end by the sandbox's clock, and the next one starts anew."""
    tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1, hours=1)
    coveo.sandbox.advance(minutes=(tomorrow - datetime.now(UTC)).total_seconds() / 60)
    coveo.sandbox.limit_calls(per_day=1)
    assert _open(coveo).status_code == 201
    coveo.sandbox.advance(minutes=6)
    refused = _open(coveo)
    assert refused.status_code == 429
    assert 300 < int(refused.headers["Retry-After"]) <= 82_440
    coveo.sandbox.advance(minutes=23 * 60)
    assert _open(coveo).status_code == 201


def test_calls_to_all_of_coveo_count_and_uploads_do_not(coveo: Caller) -> None:
    """Push, Platform and logs calls share a budget, whatever was answered; uploads do not count."""
    opened = coveo.open()
    coveo.sandbox.limit_calls(per_5_minutes=4)
    coveo.number_of_documents()
    organization_id = coveo.sandbox.connection["organization_id"]
    assert coveo.post(f"/logs/v1/organizations/{organization_id}").status_code != 429
    coveo.sandbox.fail("chunk", 500)
    assert coveo.post(f"{coveo.stream_path}/{opened['streamId']}/chunk").status_code == 500
    assert coveo.close(opened["streamId"]).status_code == 200
    assert _open(coveo).status_code == 429
    assert coveo.upload(opened, b"{}").status_code == 200
    assert coveo.http.get("/").status_code != 429


def test_a_refused_call_leaves_the_faults_alone(coveo: Caller) -> None:
    """A fault that was ordered strikes the next call that passes, not one that the budget refuses."""
    coveo.sandbox.limit_calls(per_5_minutes=1)
    coveo.number_of_documents()
    coveo.sandbox.fail("open", 500)
    assert _open(coveo).status_code == 429
    coveo.sandbox.limit_calls()
    assert [_open(coveo).status_code for _ in range(2)] == [500, 201]


def test_a_new_limit_counts_anew(coveo: Caller) -> None:
    """A new limit replaces the one before, with what that had counted."""
    coveo.sandbox.limit_calls(per_day=1)
    assert [_open(coveo).status_code for _ in range(2)] == [201, 429]
    coveo.sandbox.limit_calls(per_day=2)
    assert [_open(coveo).status_code for _ in range(3)] == [201, 201, 429]


@pytest.mark.parametrize("limits", [{"per_5_minutes": 0}, {"per_day": -1}])
def test_a_limit_below_one_is_an_error(coveo: Caller, limits: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """A limit below one raises: nothing would ever pass."""
    with pytest.raises(ValueError, match="per_"):
        coveo.sandbox.limit_calls(**limits)


def test_each_organization_has_its_own_budget() -> None:
    """An organization that made all its calls takes none from another."""
    budget = _budget(per_5_minutes=1)
    assert [budget.charge(organization, NOON) for organization in ("one", "one", "other")] == [None, 300, None]


def test_the_longer_wait_counts() -> None:
    """When both limits are reached, the answer names the time at which neither refuses."""
    budget = _budget(per_5_minutes=1, per_day=1)
    assert budget.charge("one", NOON) is None
    assert budget.charge("one", NOON) == 12 * 3_600
    eve = NOON.replace(hour=23, minute=59, second=59, microsecond=500_000)
    budget = _budget(per_5_minutes=1, per_day=1)
    assert budget.charge("one", eve) is None
    assert budget.charge("one", eve) == 300
    assert budget.charge("one", eve + timedelta(seconds=1)) == 299


@untimed
@given(
    st.integers(1, 4),
    st.lists(st.integers(0, 200_000_000).map(lambda microseconds: timedelta(microseconds=microseconds)), max_size=30),
)
def test_no_five_minutes_hold_more_calls_than_the_limit(limit: int, pauses: list[timedelta]) -> None:
    """No five minutes hold more calls than the limit, none is refused needlessly, and the wait is exact."""
    budget, now, passed = _budget(per_5_minutes=limit), NOON, list[datetime]()
    for pause in pauses:
        now += pause
        recent = [then for then in passed if now - then < timedelta(minutes=5)]
        wait = budget.charge("one", now)
        assert (wait is None) == (len(recent) < limit)
        if wait is None:
            passed.append(now)
            continue
        assert budget.charge("one", now + timedelta(seconds=wait - 1)) is not None
        now += timedelta(seconds=wait)
        assert budget.charge("one", now) is None
        passed.append(now)


@pytest.mark.parametrize(
    ("path", "organization"),
    [
        ("/push/v1/organizations/one/files", "one"),
        ("/rest/organizations/one", "one"),
        ("/logs/v1/organizations/one", "one"),
        ("/coveo-sandbox-customerdata/proda/blobstore/one/x", None),
        ("/push/v1/organizations", None),
        ("/", None),
    ],
)
def test_a_call_belongs_to_the_organization_in_its_path(path: str, organization: str | None) -> None:
    """A call counts for the organization in its path, and others count for none."""
    assert organization_of(path) == organization
