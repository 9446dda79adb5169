"""What is known does not take the place of what is asked about, and what comes out comes in order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tellers import KIND, WAIT, Teller, item, kinds

from coveo_enrich import EnrichedProduct, Enricher
from coveo_enrich._threads import Task
from coveo_enrich.enrichment.looking.window import Window


def done(number: int) -> Task[EnrichedProduct]:
    """A product that is done."""
    return Task[EnrichedProduct].done(EnrichedProduct(item(number)))


def begun(number: int) -> Task[EnrichedProduct]:
    """A product that is not."""
    return Task(lambda: EnrichedProduct(item(number)))


def test_what_is_done_comes_out_at_once() -> None:
    """A product that is first and done is ready, however empty the window is."""
    window = Window(4)
    assert not window.is_ready
    window.add(done(1))
    assert window.is_ready
    window.first()
    assert (len(window), window.is_ready) == (0, False)


def test_so_many_may_be_waited_for_and_no_more() -> None:
    """The window is full when as many products as said are not done; those that were done as they came do not count."""
    window = Window(3)
    for number in range(2):
        window.add(begun(number))
    for number in range(100):
        window.add(done(number))
    assert not window.is_ready
    window.add(begun(3))
    assert window.is_ready


def test_a_window_has_an_end() -> None:
    """Law 11: behind a product that takes long, no more than two thousand that are done wait for their turn."""
    window = Window(3)
    window.add(begun(0))
    taken = 0
    while not window.is_ready:
        window.add(done(1))
        taken += 1
    assert taken < 2_000


def test_few_new_pictures_among_many_known_ones_are_asked_about_together(tmp_path: Path) -> None:
    """Eight calls are under way at once although there are a hundred known products between any two new ones."""
    for number in range(9):
        (tmp_path / f"{number}.jpg").write_bytes(b"kayak %d" % number)
    list(Enricher(Teller(), KIND, image_root=tmp_path, cache=tmp_path / "c").enrich([item(0, "0.jpg")]))
    together = threading.Barrier(8)

    def products() -> Iterator[dict[str, Any]]:
        for new in range(1, 9):
            yield item(new, f"{new}.jpg")
            yield from (item(100, "0.jpg") for _ in range(100))

    teller = Teller(first=lambda _: together.wait(WAIT))  # breaks, and fails the picture, unless eight meet here
    run = Enricher(teller, KIND, image_root=tmp_path, cache=tmp_path / "c", concurrency=8).enrich(products())
    out = list(run)
    assert [one.failures for one in out if one.failures] == []
    assert [kind for kind in kinds(out) if kind != "kayak 0"] == [f"kayak {new}" for new in range(1, 9)]
    assert len(teller.asked) == 8
