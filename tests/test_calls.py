"""One call to Coveo: what its answers hold, what a message shows of them, and how long the next try waits."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import attrs
import pytest
from wires import Host, Request, answering, forget_environment

from coveo_enrich import RetryPolicy
from coveo_enrich._calls import CoveoCall, CoveoCaller, Patience, error_code_of, error_of
from coveo_enrich._http import HttpSender, Reply
from coveo_enrich.errors import AccessRefused, CoveoRefused, NoReply
from coveo_enrich.retry import Pace

KEY = "xx-0000-secret"


def ask(api_key: str, status: int, body: str, headers: str = "") -> tuple[CoveoCall, Reply]:
    """Make a call that is answered like this."""
    answer = f"HTTP/1.1 {status} Said\r\n{headers}Content-Length: {len(body)}\r\n\r\n{body}"
    patience = Patience(RetryPolicy(), Pace(250))
    with Host(answering([], answer.encode())) as host, contextlib.closing(HttpSender()) as sender:
        caller = CoveoCaller(sender, lambda: api_key, patience)
        call = CoveoCall("ask", "GET", host.url)
        outcome = caller.try_once(caller.authorised(call))
    assert isinstance(outcome, Reply)
    return call, outcome


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that names no proxy."""
    forget_environment(monkeypatch)


# Secrets


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("api_key", ["s3", "Id", "o", "{"])
def test_a_short_key_damages_no_answer(api_key: str, status: int) -> None:
    """Bodies are parsed as they came: a key that happens to be part of a name or a URL takes nothing out of them."""
    body = json.dumps({"streamId": "s-1", "uploadUri": "https://bucket.s3.amazonaws.com/", "errorCode": "TOO_ODD"})
    _, reply = ask(api_key, status, body)
    assert reply.body == body.encode()
    assert error_code_of(reply) == "TOO_ODD"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (json.dumps({"errorCode": f"NOT_{KEY}"}), ""),
        (json.dumps({"message": f"The token {KEY} is not valid."}), ""),
        (json.dumps({"message": f"The token {KEY} is not valid."}).replace("x", "\\u0078"), ""),
        (json.dumps({"requestId": KEY}), ""),
        ("{}", f"X-Request-ID: r-{KEY}\r\n"),
        ("<html>", f"X-Request-ID: r-{KEY}\r\n"),
        (f"<pre>Authorization: Bearer {KEY}</pre>", ""),
        (" " * 1_190 + KEY, ""),
        ("-" * 295 + KEY, ""),
    ],
    ids=[
        "code",
        "message",
        "escaped",
        "request id",
        "header",
        "header of a page",
        "page",
        "after blanks",
        "at the cut",
    ],
)
def test_no_part_of_a_refusal_shows_the_key(body: str, headers: str) -> None:
    """Law 13: whatever an answer repeats of the key, the error has "(the key)" in its place, or cuts it off whole."""
    error = error_of(*ask(KEY, 400, body, headers))
    assert isinstance(error, CoveoRefused)
    said = f"{error} {error.error_code} {error.detail} {error.request_id}"
    assert KEY[:4] not in said
    assert "(the" in said


@pytest.mark.parametrize("status", [401, 403])
def test_a_privilege_that_may_be_missing_is_named(status: int) -> None:
    """Coveo answers a missing privilege with 401 too: the advice names the one that the call needs."""
    call, reply = ask(KEY, status, '{"errorCode": "UNAUTHORIZED"}')
    error = error_of(attrs.evolve(call, privilege="Search, Fields: View"), reply)
    assert isinstance(error, AccessRefused)
    assert "Search, Fields: View" in error.advice
    assert "Search, Fields: View" not in str(error_of(call, reply))


def test_a_reply_does_not_show_the_key() -> None:
    """Law 13: it knows the key, and its repr does not."""
    _, reply = ask(KEY, 200, "{}")
    assert KEY not in repr(reply)


def test_a_long_answer_is_cut() -> None:
    """What a message shows of an answer has 300 characters at most."""
    error = error_of(*ask(KEY, 400, json.dumps({"message": "m" * 999, "requestId": "r" * 999})))
    assert isinstance(error, CoveoRefused)
    assert (len(error.detail), len(error.request_id or "")) == (300, 300)


def test_an_answer_that_is_too_long_is_not_asked_for_again() -> None:
    """Law 7: a body over the cap comes again with every try, so that one try is all."""
    body = b" " * 1_000_001
    requests: list[Request] = []
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    patience = Patience(RetryPolicy(), Pace(250))
    with Host(answering(requests, answer)) as host, contextlib.closing(HttpSender()) as sender:
        caller = CoveoCaller(sender, lambda: KEY, patience)
        with pytest.raises(NoReply, match="the answer is longer than 1,000,000 bytes"):
            caller.reply_to(CoveoCall("ask", "GET", host.url), pause=lambda _seconds: None)
    assert len(requests) == 1


# Waiting


def waited(headers: dict[str, str]) -> float | None:
    """What is waited after one failure that was answered like this."""
    return Patience(RetryPolicy(), Pace(250)).wait_after("ask", Reply(503, headers, b""), 1)


@pytest.mark.parametrize("clock_is_off", [timedelta(days=-400), timedelta(days=400), timedelta()])
def test_a_date_to_wait_for_is_read_by_the_clock_of_who_wrote_it(clock_is_off: timedelta) -> None:
    """Law 7: two clocks that differ change nothing about a pause of a minute."""
    there = datetime.now(UTC) + clock_is_off
    later = format_datetime(there + timedelta(minutes=1), usegmt=True)
    assert waited({"date": format_datetime(there, usegmt=True), "retry-after": later}) == 60


@pytest.mark.parametrize("date", [{}, {"date": "today"}])
def test_without_a_date_the_own_clock_counts(date: dict[str, str]) -> None:
    """Law 7: a date to wait for is then read by it; seconds need no clock."""
    in_time = format_datetime(datetime.now(UTC) + timedelta(minutes=4), usegmt=True)
    too_late = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 100 < (waited({"retry-after": in_time} | date) or 0) <= 240
    assert waited({"retry-after": too_late} | date) is None
    assert waited({"retry-after": "7"} | date) == 7


@pytest.mark.parametrize("header", ["0", "Sun, 01 Mar 2020 12:00:00 GMT"])
def test_no_pause_asked_for_is_the_own_pause(header: str) -> None:
    """Law 7: nought, or a date gone by, does not make the tries follow one another at once."""
    assert 0.5 <= (waited({"retry-after": header}) or 0) <= 1


def test_a_pause_over_the_longest_wait_ends_the_tries() -> None:
    """Law 7: a service that asks for more is not asked again."""
    assert waited({"retry-after": "301"}) is None
