"""The Logs API of a running sandbox: what is logged of what was sent, who may read it, and when it is there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_caller import Caller, batch, untimed

from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.sandbox.access import Privilege

KAYAK = {"documentId": "product://1", "ec_name": "Kayak"}
BATCHES = {"tasks": ["STREAMING_EXTENSION"], "operations": ["BATCH_FILE"]}
WARNINGS = {"tasks": ["STREAMING_EXTENSION"], "operations": ["UPDATE"], "results": ["WARNING"]}
INDEXED = {"tasks": ["INDEXING"]}


@pytest.fixture
def coveo() -> Iterator[Caller]:
    """A running sandbox."""
    with Caller.running() as caller:
        yield caller


def ask(
    coveo: Caller, body: object = None, rest: str = "", *, ahead: timedelta = timedelta(), **query: str
) -> httpx.Response:
    """Ask for the entries of the last days, until some minutes from now, so that no clock is too slow."""
    now = datetime.now(UTC) + ahead
    times = {"from": (now - timedelta(days=6)).isoformat(), "to": (now + timedelta(minutes=10)).isoformat()}
    path = f"/logs/v1/organizations/{coveo.sandbox.connection['organization_id']}{rest}"
    return coveo.post(path, params={**times, **query}, json={} if body is None else body)


def entries(coveo: Caller, body: object = None, **options: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - ask's own
    """The entries that a request finds, the newest first."""
    found: list[dict[str, Any]] = ask(coveo, body, **options).raise_for_status().json()["documentLogEntries"]
    return found


def results(coveo: Caller, body: object) -> list[tuple[str, str, str | None]]:
    """Id, result and error of each entry, the oldest first."""
    return [(one["id"], one["result"], one["meta"].get("error")) for one in reversed(entries(coveo, body))]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """The status and code of an error."""
    return answer.status_code, answer.json()["errorCode"]


def test_a_good_update_is_completed(coveo: Caller) -> None:
    """An entry for the file with the orderingId of the call, and one for each item that is indexed or deleted."""
    first = coveo.update(addOrUpdate=[KAYAK, {"documentId": "product://2"}])
    second = coveo.update(delete=[{"documentId": "product://2"}])
    assert [(one["result"], one["meta"]) for one in entries(coveo, BATCHES)] == [
        ("COMPLETED", {"orderingid": str(second)}),
        ("COMPLETED", {"orderingid": str(first)}),
    ]
    assert [(one["id"], one["operation"], one["meta"]["orderingid"]) for one in entries(coveo, INDEXED)] == [
        ("product://2", "DELETE", str(second)),
        ("product://2", "UPDATE", str(first)),
        ("product://1", "UPDATE", str(first)),
    ]
    assert entries(coveo, {"results": ["WARNING", "ERROR", "REJECTED", "SKIPPED"]}) == []


def test_a_merge_and_a_partial_update_are_logged_too(coveo: Caller) -> None:
    """Each is a file, and its items."""
    coveo.update("merge", addOrMerge=[KAYAK])
    change = {"documentId": "product://1", "operator": "fieldValueReplace", "field": "ec_name", "value": "Boat"}
    coveo.update(partialUpdate=[change])
    assert [result for _, result, _ in results(coveo, BATCHES)] == ["COMPLETED", "COMPLETED"]
    assert [name for name, _, _ in results(coveo, INDEXED)] == ["product://1", "product://1"]


def test_an_entry_has_the_names_of_where_it_belongs(coveo: Caller) -> None:
    """Organization and source; the id of the request is that of the request for logs, and of no push."""
    coveo.update(addOrUpdate=[KAYAK])
    told = [entries(coveo, BATCHES)[0] for _ in range(2)]
    assert {(one["organizationId"], one["sourceId"]) for one in told} == {("sandbox", "sandbox-catalog")}
    assert len({one["requestId"] for one in told}) == 2
    assert len({one["guid"] for one in told}) == 1


def test_a_file_that_is_no_batch_is_a_warning(coveo: Caller) -> None:
    """The reason is in meta.error, and nothing of the file is in the logs but this."""
    container = coveo.container()
    coveo.upload(container, b'{"addOrUpdate": [{"documentId": "product://1"}, ').raise_for_status()
    coveo.send("update", container["fileId"]).raise_for_status()
    (entry,) = entries(coveo)
    assert (entry["id"], entry["operation"], entry["result"]) == (container["fileId"], "BATCH_FILE", "WARNING")
    assert entry["meta"]["error"].startswith("INVALID_JSON")


def test_an_array_that_the_call_does_not_take_is_a_warning(coveo: Caller) -> None:
    """The file is not quite what it should be; its other arrays are carried out all the same."""
    coveo.update(addOrMerge=[KAYAK], addOrUpdate=[KAYAK], whatever=[])
    ((_, result, error),) = results(coveo, BATCHES)
    assert result == "WARNING"
    assert error is not None
    assert "addOrMerge" in error
    assert "whatever" in error
    assert [name for name, _, _ in results(coveo, INDEXED)] == ["product://1"]


def test_an_item_that_is_rejected_is_a_warning_of_its_own(coveo: Caller) -> None:
    """The file is accepted; the item's entry has orderingid 0 and the reason, and no id when it has none."""
    change = {"documentId": "product://9", "operator": "arrayAppend", "field": "ec_color", "value": ["Red"]}
    coveo.update(addOrUpdate=[KAYAK, {"documentId": "no uri"}, {"ec_name": "Paddle"}], partialUpdate=[change])
    assert [result for _, result, _ in results(coveo, BATCHES)] == ["COMPLETED"]
    warned = results(coveo, WARNINGS)
    assert [name for name, _, _ in warned] == ["no uri", "", "product://9"]
    assert warned[2][2] == "there is no such item to update"
    assert {one["meta"]["orderingid"] for one in entries(coveo, WARNINGS)} == {"0"}
    assert [name for name, _, _ in results(coveo, INDEXED)] == ["product://1"]


def test_metadata_that_is_dropped_is_not_logged(coveo: Caller) -> None:
    """Coveo says nothing of it: the item is indexed, and only the sandbox tells what it lacks."""
    coveo.update(addOrUpdate=[{**KAYAK, "kayak_type": "single seat"}])
    assert [piece.key for piece in coveo.sandbox.dropped()] == ["kayak_type"]
    assert {one["result"] for one in entries(coveo)} == {"COMPLETED"}


def test_entries_stay_when_what_they_are_about_is_mended(coveo: Caller) -> None:
    """The logs are a history: a later good version of an item does not take back the warning."""
    bad = {**KAYAK, "Ec_Name": "twice"}
    coveo.update(addOrUpdate=[bad])
    coveo.update(addOrUpdate=[KAYAK])
    assert coveo.sandbox.dropped() == []
    assert [name for name, _, _ in results(coveo, WARNINGS)] == ["product://1"]


def test_what_a_barred_source_does_not_take_is_a_warning(coveo: Caller) -> None:
    """After deleteolderthan with a time in the future, the file's entry says so."""
    future = int((datetime.now(UTC) + timedelta(days=1)).timestamp() * 1000)
    coveo.delete_older_than(future, queueDelay=0).raise_for_status()
    coveo.update(addOrUpdate=[KAYAK])
    ((_, result, error),) = results(coveo, {})
    assert result == "WARNING"
    assert error is not None
    assert "deleteolderthan" in error


def test_a_load_is_not_logged(coveo: Caller) -> None:
    """What Coveo logs of a load is not documented, so that nobody may rely on it."""
    coveo.load(batch(KAYAK))
    assert coveo.number_of_documents() == 1
    assert entries(coveo) == []


def test_a_load_is_logged_when_that_is_asked_for() -> None:
    """Each of its files as one of an update, with the orderingId of the close."""
    with Caller.running(log_loads=True) as coveo:
        opened = coveo.open()
        coveo.upload(opened, batch(KAYAK)).raise_for_status()
        coveo.upload(coveo.chunk(opened["streamId"]), b"[]").raise_for_status()
        ordering_id = coveo.close(opened["streamId"]).raise_for_status().json()["orderingId"]
        assert [result for _, result, _ in results(coveo, BATCHES)] == ["COMPLETED", "WARNING"]
        assert {one["meta"]["orderingid"] for one in entries(coveo)} == {ordering_id}
        assert [name for name, _, _ in results(coveo, INDEXED)] == ["product://1"]


def test_entries_come_in_pages(coveo: Caller) -> None:
    """Fifty on a page unless asked otherwise; hasNextPage until the last."""
    coveo.update(addOrUpdate=[{"documentId": f"product://{number}"} for number in range(120)])
    pages = [ask(coveo, INDEXED, page=str(page)).json() for page in range(4)]
    assert [len(page["documentLogEntries"]) for page in pages] == [50, 50, 20, 0]
    assert [page["hasNextPage"] for page in pages] == [True, True, False, False]
    assert len({one["guid"] for page in pages for one in page["documentLogEntries"]}) == 120
    assert len(entries(coveo, INDEXED, perPage="1000")) == 120


def test_the_key_of_the_sources_is_spelt_so() -> None:
    """The trap: sourceIds filters nothing and is no error; sourcesIds filters; another organization is never seen."""
    with Caller.running(restricted=False) as coveo:
        coveo.update(addOrUpdate=[KAYAK])
        other = coveo.stream_path.replace("sandbox-catalog", "another")
        container = coveo.container()
        coveo.upload(container, batch({"documentId": "product://2"})).raise_for_status()
        query = {"fileId": container["fileId"]}
        coveo.http.put(f"{other}/update", headers=coveo.headers, params=query).raise_for_status()
        wrong = entries(coveo, {**BATCHES, "sourceIds": ["another"]})
        assert [one["sourceId"] for one in wrong] == ["another", "sandbox-catalog"]
        right = entries(coveo, {**BATCHES, "sourcesIds": ["another"]})
        assert [one["sourceId"] for one in right] == ["another"]
        now = datetime.now(UTC)
        times = {"from": (now - timedelta(days=1)).isoformat(), "to": (now + timedelta(days=1)).isoformat()}
        elsewhere = coveo.post("/logs/v1/organizations/elsewhere", params=times, json={})
        assert elsewhere.json() == {"documentLogEntries": [], "hasNextPage": False}


def test_entries_are_found_by_item_and_time(coveo: Caller) -> None:
    """The query string narrows down, by the sandbox's clock."""
    coveo.update(addOrUpdate=[KAYAK])
    coveo.sandbox.advance(minutes=60)
    coveo.update(addOrUpdate=[{"documentId": "product://10"}])
    hour = timedelta(hours=1)
    assert [one["id"] for one in entries(coveo, INDEXED, documentId="product://1")] == ["product://1"]
    late = {"ahead": hour, "documentId": "product://1", "documentIdMatching": "PARTIAL"}
    assert [one["id"] for one in entries(coveo, INDEXED, **late)] == ["product://10", "product://1"]
    assert [one["id"] for one in entries(coveo, INDEXED)] == ["product://1"]


def test_an_entry_has_the_time_of_the_call(coveo: Caller) -> None:
    """By the sandbox's clock, wherever it was moved."""
    coveo.sandbox.advance(minutes=600)
    before = datetime.now(UTC) + timedelta(minutes=600)
    coveo.update(addOrUpdate=[KAYAK])
    after = datetime.now(UTC) + timedelta(minutes=600)
    (entry,) = entries(coveo, BATCHES, ahead=timedelta(minutes=600))
    assert before - timedelta(milliseconds=1) <= datetime.fromisoformat(entry["datetime"]) <= after


def test_a_log_may_lag() -> None:
    """With log_delay_seconds nothing is there before, and then all of it, with its own time."""
    with Caller.running(log_delay_seconds=120) as coveo:
        coveo.update(addOrUpdate=[KAYAK])
        assert entries(coveo) == []
        coveo.sandbox.advance(minutes=1)
        assert entries(coveo) == []
        coveo.sandbox.advance(minutes=1)
        assert len(entries(coveo)) == 2


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_a_lag_that_cannot_be_is_refused(seconds: float) -> None:
    """When the sandbox is made, not when it runs."""
    with pytest.raises(ValueError, match="log_delay_seconds"):
        CoveoSandbox(log_delay_seconds=seconds)


def test_entries_are_kept_for_fourteen_days(coveo: Caller) -> None:
    """After that they are gone."""
    coveo.update(addOrUpdate=[KAYAK])
    days = timedelta(days=5)
    coveo.sandbox.advance(minutes=14 * 24 * 60 - 1)
    assert len(entries(coveo, ahead=days)) == 2
    coveo.sandbox.advance(minutes=2)
    assert entries(coveo, ahead=days) == []


def test_logs_outlive_the_sandbox(tmp_path: Path) -> None:
    """A data file keeps them, and goes on with them."""
    data = tmp_path / "sandbox.sqlite"
    with Caller.running(data=data) as coveo:
        coveo.update(addOrUpdate=[KAYAK])
        first = [one["guid"] for one in entries(coveo)]
    with Caller.running(data=data) as coveo:
        assert [one["guid"] for one in entries(coveo)] == first
        coveo.update(addOrUpdate=[KAYAK])
        assert [one["guid"] for one in entries(coveo)][2:] == first


def test_a_data_file_from_before_the_logs_takes_them_up(tmp_path: Path) -> None:
    """What it held is still there, and what comes is logged."""
    data = tmp_path / "sandbox.sqlite"
    with Caller.running(data=data) as coveo:
        coveo.update(addOrUpdate=[KAYAK])
    database = sqlite3.connect(data)
    database.execute("DROP TABLE logs")
    database.close()
    with Caller.running(data=data) as coveo:
        assert coveo.document_ids() == ["product://1"]
        coveo.update(addOrUpdate=[KAYAK])
        assert len(entries(coveo)) == 2


def test_facets_tell_the_values(coveo: Caller) -> None:
    """Of all entries that are asked for, without pages."""
    coveo.update(addOrUpdate=[KAYAK, {"documentId": "no uri"}])
    answer = ask(coveo, {"tasks": ["STREAMING_EXTENSION"]}, "/facets", perPage="1").json()
    assert answer == {
        "tasks": ["STREAMING_EXTENSION"],
        "operations": ["BATCH_FILE", "UPDATE"],
        "sourceIds": ["sandbox-catalog"],
        "resourceIds": [],
        "results": ["COMPLETED", "WARNING"],
    }


def test_facets_with_counts_tell_how_often(coveo: Caller) -> None:
    """The cheap way to see whether something went wrong."""
    coveo.update(addOrUpdate=[KAYAK, {"documentId": "product://2"}, {"documentId": "no uri"}])
    answer = ask(coveo, rest="/facetsStats").json()
    assert answer["results"] == {"COMPLETED": 3, "WARNING": 1}
    assert answer["tasks"] == {"INDEXING": 2, "STREAMING_EXTENSION": 2}
    assert answer["sourceIds"] == {"sandbox-catalog": 4}


ALL_CALLS = pytest.mark.parametrize("rest", ["", "/facets", "/facetsStats"])


@ALL_CALLS
def test_reading_logs_needs_two_privileges(coveo: Caller, rest: str) -> None:
    """Viewing the organization and viewing sources; neither alone is enough."""
    needed: tuple[Privilege, Privilege] = ("ORGANIZATION_VIEW", "SOURCE_VIEW")
    path = f"/logs/v1/organizations/sandbox{rest}"
    now = datetime.now(UTC).isoformat()

    def status(key: str) -> int:
        headers = {**coveo.headers, "Authorization": f"Bearer {key}"}
        return coveo.http.post(path, headers=headers, params={"from": now, "to": now}, json={}).status_code

    assert status(coveo.sandbox.create_api_key(*needed)) == 200
    assert [status(coveo.sandbox.create_api_key(one)) for one in needed] == [403, 403]
    assert status("xx-nobody") == 401


@ALL_CALLS
def test_a_request_that_cannot_be_is_refused(coveo: Caller, rest: str) -> None:
    """No body, no JSON type, no time, more than seven days, an unknown value, another organization."""
    path = f"/logs/v1/organizations/sandbox{rest}"
    assert refusal(coveo.post(path, json={})) == (400, "INVALID_PARAMETER")
    assert refusal(ask(coveo, {}, rest, to="2100-01-01")) == (400, "INVALID_PARAMETER")
    assert refusal(ask(coveo, {"tasks": ["INDEX"]}, rest)) == (400, "INVALID_PARAMETER")
    assert refusal(ask(coveo, [], rest)) == (400, "INVALID_JSON")
    assert refusal(coveo.post(path, content=b"")) == (400, "INVALID_JSON")
    plain = coveo.http.post(path, headers={**coveo.headers, "Content-Type": "text/plain"}, content=b"{}")
    assert refusal(plain) == (415, "UNSUPPORTED_MEDIA_TYPE")
    other = coveo.post(f"/logs/v1/organizations/another{rest}", json={})
    assert refusal(other) == (404, "ORGANIZATION_NOT_FOUND")


@ALL_CALLS
def test_faults_and_budgets_meet_calls_to_the_logs(coveo: Caller, rest: str) -> None:
    """A fault ordered for logs strikes each of them, and they count as calls."""
    coveo.sandbox.fail("logs", 504)
    assert ask(coveo, rest=rest).status_code == 504
    coveo.sandbox.limit_calls(per_5_minutes=1)
    assert [ask(coveo, rest=rest).status_code for _ in range(2)] == [200, 429]


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3),
    max_leaves=5,
)
KEYS = ["tasks", "operations", "sourcesIds", "resourceIds", "results", "excludeTasks", "excludeSourceIds", "sourceIds"]
VALUES = ["INDEXING", "UPDATE", "COMPLETED", "sandbox-catalog"]
bodies = st.dictionaries(st.sampled_from(KEYS), st.lists(st.sampled_from(VALUES), max_size=2) | any_json)
queries = st.dictionaries(st.sampled_from(["documentId", "documentIdMatching", "page", "perPage"]), st.text(max_size=5))


@pytest.fixture(scope="module")
def lasting_coveo() -> Iterator[Caller]:
    """A running sandbox with something in its logs, for many requests."""
    with Caller.running() as caller:
        caller.update(addOrUpdate=[KAYAK, {"documentId": "no uri"}])
        yield caller


@untimed
@given(body=any_json | bodies, query=queries, rest=st.sampled_from(["", "/facets", "/facetsStats"]))
def test_any_question_may_be_asked(lasting_coveo: Caller, body: object, query: dict[str, Any], rest: str) -> None:
    """It is answered or refused; it is never a server error."""
    assert ask(lasting_coveo, body, rest, **query).status_code in (200, 400)


def test_odd_ids_and_reasons_are_logged(coveo: Caller) -> None:
    """Half of a surrogate pair in an id, or in a key that comes twice, breaks no log."""
    container = coveo.container()
    coveo.upload(container, b'{"addOrUpdate": [{"documentId": "\\ud800"}]}').raise_for_status()
    coveo.send("update", container["fileId"]).raise_for_status()
    assert [name for name, _, _ in results(coveo, WARNINGS)] == ["\\ud800"]
