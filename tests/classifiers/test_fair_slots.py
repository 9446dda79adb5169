"""Slots that are given in the order of asking."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from coveo_enrich.classifiers import fair_slots
from coveo_enrich.classifiers.fair_slots import FairSlots

FAR_BEYOND = 30


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let who waits for a slot look again at once whether it gives up."""
    monkeypatch.setattr(fair_slots, "_LOOK_AGAIN_SECONDS", 0.01)


@pytest.mark.parametrize(
    ("asking", "given"),
    [
        (["run", "run again", "query"], ["run", "run again", "query"]),
        (["run", "query!", "run again", "query again!"], ["query!", "query again!", "run", "run again"]),
    ],
)
def test_slots_are_given_in_the_order_of_asking(asking: Sequence[str], given: Sequence[str]) -> None:
    """Who asks again does not pass who waits; those who go first (`!`) pass the others, and not each other."""
    slots, order = FairSlots(1), list[str]()

    def ask(name: str, waits: threading.Event) -> None:
        def is_waiting() -> bool:
            waits.set()
            return False

        with slots.one(is_waiting, goes_first=name.endswith("!")):
            order.append(name)

    threads: list[threading.Thread] = []
    with slots.one(lambda: False):
        for name in asking:
            waits = threading.Event()
            threads.append(threading.Thread(target=ask, args=(name, waits)))
            threads[-1].start()
            assert waits.wait(FAR_BEYOND)
    for thread in threads:
        thread.join(FAR_BEYOND)
    assert order == given


def test_who_gives_up_gets_none_and_takes_none() -> None:
    """Who does not wait any more is told so, and the slot goes to the next one."""
    slots = FairSlots(1)
    with slots.one(lambda: True) as first, slots.one(lambda: True) as second:
        assert (first, second) == (True, False)
    with slots.one(lambda: True) as third:
        assert third


def test_a_slot_comes_back_when_its_holder_fails() -> None:
    """An exception in a call costs no slot."""
    slots = FairSlots(1)
    with pytest.raises(ZeroDivisionError), slots.one(lambda: False):
        raise ZeroDivisionError
    with slots.one(lambda: True) as again:
        assert again
