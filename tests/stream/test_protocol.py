"""When a load may be closed: the table, the guards and the verdicts, without any I/O."""

from __future__ import annotations

import itertools

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich.errors import CoveoEnrichError, EmptyLoad, ShrinkingLoad, StreamStateError
from coveo_enrich.stream.protocol import (
    LEGAL_MOVES,
    CloseAnswer,
    CloseVerdict,
    ExpectedItems,
    LoadProtocol,
    StreamEvent,
    StreamState,
    UploadVerdict,
    after_close,
    after_upload,
    next_state,
)

E = StreamEvent
S = StreamState

# Written out a second time on purpose: the table in the library is what is tested.
ALLOWED = {
    (S.NEW, E.OPENED): S.OPEN,
    (S.NEW, E.FAILED): S.STOPPED,
    (S.NEW, E.ABANDONED): S.STOPPED,
    (S.OPEN, E.UPLOAD_STARTED): S.OPEN,
    (S.OPEN, E.UPLOAD_DONE): S.OPEN,
    (S.OPEN, E.FAILED): S.STOPPED,
    (S.OPEN, E.ABANDONED): S.STOPPED,
    (S.OPEN, E.CLOSE_SENT): S.CLOSING,
    (S.CLOSING, E.CLOSE_CONFIRMED): S.CLOSED,
    (S.CLOSING, E.CLOSE_REFUSED): S.STOPPED,
    (S.CLOSING, E.CLOSE_LOST): S.UNKNOWN,
    (S.STOPPED, E.UPLOAD_DONE): S.STOPPED,
    (S.STOPPED, E.FAILED): S.STOPPED,
    (S.STOPPED, E.ABANDONED): S.STOPPED,
}
ALL_PAIRS = list(itertools.product(StreamState, StreamEvent))


def _load(
    state: StreamState = S.OPEN, *, items: int = 10, expected: int | None = None, uploads: int = 0
) -> LoadProtocol:
    return LoadProtocol("src", ExpectedItems(expected, "the test"), state, items, uploads)


def _reachable(start: StreamState) -> set[StreamState]:
    reached, ahead = {start}, [start]
    while ahead:
        here = ahead.pop()
        new = {there for (state, _), there in LEGAL_MOVES.items() if state is here} - reached
        reached |= new
        ahead += new
    return reached


@pytest.mark.parametrize(("state", "event"), ALL_PAIRS)
def test_a_move_leads_where_the_table_says_or_nowhere(state: StreamState, event: StreamEvent) -> None:
    """Every pair of state and event: a legal one leads on, any other raises and leaves the load exactly as it was."""
    uploads = 1 if event is E.UPLOAD_DONE else 0
    load = _load(state, uploads=uploads)
    if (state, event) in ALLOWED:
        load.happen(event)
        assert load.state is ALLOWED[state, event] is next_state(state, event)
        return
    before = attrs.evolve(load)
    with pytest.raises(StreamStateError, match=f"'{event.value}' cannot happen to a load that is {state.value}"):
        load.happen(event)
    assert load == before


def test_no_way_leads_from_stopped_to_closed() -> None:
    """Law 2: a load that was stopped stays stopped, whatever happens to it; nothing is behind CLOSED and UNKNOWN."""
    assert _reachable(S.STOPPED) == {S.STOPPED}
    assert _reachable(S.CLOSED) == {S.CLOSED}
    assert _reachable(S.UNKNOWN) == {S.UNKNOWN}


def test_the_only_way_to_closed_is_a_close_that_was_sent_and_confirmed() -> None:
    """Law 2: one move enters CLOSED, one enters CLOSING, and that one starts where no failure has been."""
    assert [move for move, there in LEGAL_MOVES.items() if there is S.CLOSED] == [(S.CLOSING, E.CLOSE_CONFIRMED)]
    assert [move for move, there in LEGAL_MOVES.items() if there is S.CLOSING] == [(S.OPEN, E.CLOSE_SENT)]


@given(st.lists(st.sampled_from(StreamEvent), max_size=30))
def test_no_history_with_a_failure_ends_closed(events: list[StreamEvent]) -> None:
    """Law 2: whatever happens in whatever order, a load that met a failure or was given up is never closed after it."""
    load = _load(S.NEW)
    stopped = False
    for event in events:
        try:
            load.happen(event)
        except StreamStateError:
            continue
        stopped = stopped or event in {E.FAILED, E.ABANDONED}
        assert not (stopped and load.state in {S.CLOSING, S.CLOSED})


@given(st.lists(st.sampled_from([E.UPLOAD_STARTED, E.UPLOAD_DONE, E.CLOSE_SENT]), max_size=12))
def test_a_close_is_only_sent_when_every_upload_that_began_is_done(events: list[StreamEvent]) -> None:
    """Law 2: in no order of events is a close sent while an upload is under way: there would be a hole in the load."""
    load = _load()
    begun = done = 0
    for event in events:
        try:
            load.happen(event)
        except StreamStateError:
            continue
        begun += event is E.UPLOAD_STARTED
        done += event is E.UPLOAD_DONE
        assert done <= begun
        if load.state is S.CLOSING:
            assert begun == done
            break


def test_an_upload_under_way_stands_against_the_close() -> None:
    """Law 2: the close is refused, and the load stays open and closable, until the last upload is done."""
    load = _load()
    load.happen(E.UPLOAD_STARTED)
    load.happen(E.UPLOAD_STARTED)
    load.happen(E.UPLOAD_DONE)
    with pytest.raises(StreamStateError, match="1 uploads are still under way"):
        load.happen(E.CLOSE_SENT)
    assert load.state is S.OPEN
    load.happen(E.UPLOAD_DONE)
    load.happen(E.CLOSE_SENT)
    assert load.state is next_state(S.OPEN, E.CLOSE_SENT)


def test_a_load_without_items_cannot_be_closed() -> None:
    """Law 2: an empty load would delete everything; the refusal names the source."""
    load = _load(items=0)
    with pytest.raises(EmptyLoad, match="no item for source src") as caught:
        load.happen(E.CLOSE_SENT)
    assert (load.state, caught.value.source_id) == (S.OPEN, "src")


def test_an_empty_load_is_refused_even_where_shrinking_is_allowed() -> None:
    """Law 2: allow_shrink does not stretch to nothing at all."""
    with pytest.raises(EmptyLoad):
        _load(items=0, expected=None).require_closable()


@pytest.mark.parametrize(
    ("items", "expected", "stopped"),
    [(1, 3, True), (2, 4, False), (2, 5, True), (499_999, 1_000_000, True), (500_000, 1_000_000, False), (1, 0, False)],
)
def test_less_than_half_is_a_shrinking_catalog(items: int, expected: int, *, stopped: bool) -> None:
    """Law 3: exactly half passes, one item less does not."""
    assert ExpectedItems(expected, "the test").shrinks_to(items) is stopped


def test_a_shrinking_load_cannot_be_closed() -> None:
    """Law 3: the refusal carries the numbers and where they come from, and leaves the load as it was."""
    load = _load(items=4, expected=9)
    with pytest.raises(ShrinkingLoad, match="allow_shrink=True") as caught:
        load.happen(E.CLOSE_SENT)
    assert (caught.value.items, caught.value.expected, caught.value.expected_from) == (4, 9, "the test")
    assert load.state is S.OPEN


def test_a_load_may_shrink_when_that_was_allowed() -> None:
    """Law 3: without a number to measure against, one item is enough."""
    load = _load(items=1, expected=None)
    load.happen(E.CLOSE_SENT)
    assert load.state is S.CLOSING


@pytest.mark.parametrize("state", StreamState)
def test_items_are_added_before_the_end_only(state: StreamState) -> None:
    """A load takes items while it is new or open; afterwards the error names the state."""
    if state in (S.NEW, S.OPEN):
        _load(state).require_adding()
        return
    with pytest.raises(StreamStateError, match=f"a load that is {state.value}"):
        _load(state).require_adding()


def test_every_refusal_is_of_this_library() -> None:
    """A caller catches what the protocol raises by one root, and a wrong use as RuntimeError too."""
    assert issubclass(StreamStateError, CoveoEnrichError)
    assert issubclass(StreamStateError, RuntimeError)


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (200, None, UploadVerdict.DONE),
        (204, None, UploadVerdict.DONE),
        (None, None, UploadVerdict.AGAIN),
        (408, None, UploadVerdict.AGAIN),
        (429, None, UploadVerdict.AGAIN),
        (500, "InternalError", UploadVerdict.AGAIN),
        (502, None, UploadVerdict.AGAIN),
        (503, "SlowDown", UploadVerdict.AGAIN),
        (504, None, UploadVerdict.AGAIN),
        (400, "RequestTimeout", UploadVerdict.AGAIN),
        (403, "AccessDenied", UploadVerdict.NEW_CONTAINER),
        (403, None, UploadVerdict.NEW_CONTAINER),
        (404, "NoSuchKey", UploadVerdict.NEW_CONTAINER),
        (410, None, UploadVerdict.NEW_CONTAINER),
        (400, "ExpiredToken", UploadVerdict.NEW_CONTAINER),
        (400, "EntityTooLarge", UploadVerdict.GIVE_UP),
        (411, "MissingContentLength", UploadVerdict.GIVE_UP),
        (413, None, UploadVerdict.GIVE_UP),
        (501, "NotImplemented", UploadVerdict.GIVE_UP),
        (307, "TemporaryRedirect", UploadVerdict.GIVE_UP),
        (304, None, UploadVerdict.GIVE_UP),
    ],
)
def test_what_follows_an_upload(status: int | None, code: str | None, verdict: UploadVerdict) -> None:
    """Law 6: what broke on the way is repeated, a container that is gone is replaced, the rest is given up."""
    assert after_upload(status, code) is verdict


@given(st.one_of(st.none(), st.integers(100, 599)), st.one_of(st.none(), st.text(max_size=8)))
def test_only_2xx_is_an_upload(status: int | None, code: str | None) -> None:
    """Law 2: nothing but a 2xx counts as an uploaded chunk, whatever the storage says beside it."""
    done = after_upload(status, code) is UploadVerdict.DONE
    assert done is (status is not None and 200 <= status < 300)


CLOSE_TABLE: list[tuple[list[CloseAnswer], bool, CloseVerdict]] = [
    ([200], True, CloseVerdict.CONFIRMED),
    ([200], False, CloseVerdict.CONFIRMED),
    ([202], True, CloseVerdict.CONFIRMED),
    # The reply was lost: asked once more, whatever the policy says, and only a 2xx settles it.
    (["lost"], True, CloseVerdict.AGAIN),
    (["lost"], False, CloseVerdict.AGAIN),
    (["lost", 200], False, CloseVerdict.CONFIRMED),
    (["lost", "lost"], True, CloseVerdict.UNKNOWN),
    (["lost", 412], True, CloseVerdict.UNKNOWN),
    (["lost", 404], True, CloseVerdict.UNKNOWN),
    (["lost", 401], True, CloseVerdict.UNKNOWN),
    (["lost", 503], True, CloseVerdict.UNKNOWN),
    (["lost", 429], True, CloseVerdict.UNKNOWN),
    # It never left: nothing happened, so that alone is no doubt.
    (["not sent"], True, CloseVerdict.AGAIN),
    (["not sent"], False, CloseVerdict.REFUSED),
    (["not sent", "not sent"], False, CloseVerdict.REFUSED),
    (["not sent", "lost"], True, CloseVerdict.AGAIN),
    (["not sent", 412], True, CloseVerdict.REFUSED),
    (["lost", "not sent"], True, CloseVerdict.AGAIN),
    (["lost", "not sent"], False, CloseVerdict.UNKNOWN),
    (["lost", "not sent", "lost"], True, CloseVerdict.UNKNOWN),
    (["lost", "not sent", 200], True, CloseVerdict.CONFIRMED),
    # A gateway answered: the service behind it may have closed the stream.
    ([502], True, CloseVerdict.AGAIN),
    ([502], False, CloseVerdict.UNKNOWN),
    ([500], False, CloseVerdict.UNKNOWN),
    ([504], False, CloseVerdict.UNKNOWN),
    ([408], False, CloseVerdict.UNKNOWN),
    ([502, 200], True, CloseVerdict.CONFIRMED),
    ([502, 412], True, CloseVerdict.UNKNOWN),
    ([504, 404], True, CloseVerdict.UNKNOWN),
    ([500, "lost"], True, CloseVerdict.AGAIN),
    ([500, "lost", 412], True, CloseVerdict.UNKNOWN),
    ([500, "not sent"], False, CloseVerdict.UNKNOWN),
    # Turned away at the door: certainly not closed.
    ([429], True, CloseVerdict.AGAIN),
    ([429], False, CloseVerdict.REFUSED),
    ([503], True, CloseVerdict.AGAIN),
    ([503], False, CloseVerdict.REFUSED),
    ([429, 403], True, CloseVerdict.REFUSED),
    ([503, 429, 401], True, CloseVerdict.REFUSED),
    ([429, 502, 403], True, CloseVerdict.UNKNOWN),
    ([400], True, CloseVerdict.REFUSED),
    ([401], True, CloseVerdict.REFUSED),
    ([403], True, CloseVerdict.REFUSED),
    ([404], True, CloseVerdict.REFUSED),
    ([412], True, CloseVerdict.REFUSED),
    ([307], True, CloseVerdict.REFUSED),
]


@pytest.mark.parametrize(("answers", "may_repeat", "verdict"), CLOSE_TABLE)
def test_what_the_answers_to_close_mean(answers: list[CloseAnswer], verdict: CloseVerdict, *, may_repeat: bool) -> None:
    """Law 7: a lost reply is repeated once and settled by a 2xx alone; what leaves doubt is never called refused."""
    assert after_close(answers, may_repeat=may_repeat) is verdict


ANSWERS = st.one_of(
    st.sampled_from([200, 408, 412, 429, 500, 502, 503, 504, "lost", "not sent"]), st.integers(200, 599)
)


@given(st.lists(ANSWERS, min_size=1, max_size=6), st.booleans())
def test_a_close_is_confirmed_by_2xx_and_by_nothing_else(answers: list[CloseAnswer], may_repeat: bool) -> None:  # noqa: FBT001 - hypothesis fills by name
    """Laws 2 and 7: confirmed exactly when the last answer is 2xx; never refused after a reply was lost."""
    verdict = after_close(answers, may_repeat=may_repeat)
    last = answers[-1]
    assert (verdict is CloseVerdict.CONFIRMED) is (isinstance(last, int) and 200 <= last < 300)
    if "lost" in answers:
        assert verdict is not CloseVerdict.REFUSED


@given(st.lists(ANSWERS.filter(lambda answer: answer not in range(200, 300)), min_size=8, max_size=8))
def test_a_close_comes_to_an_end(answers: list[CloseAnswer]) -> None:
    """Law 7: when the policy allows no further try, at most one more is made, for a reply that was lost."""
    verdicts = [after_close(answers[:count], may_repeat=False) for count in range(1, 9)]
    assert verdicts.count(CloseVerdict.AGAIN) <= 1
