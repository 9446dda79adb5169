"""Which hosts are left alone, by the clock that the test holds."""

from __future__ import annotations

from coveo_enrich.images.hosts import SilentHosts


def silent(times: int, now: float = 0.0) -> SilentHosts:
    """Hosts of which ``a`` did not answer so often."""
    hosts = SilentHosts()
    for _ in range(times):
        hosts.did_not_answer("a", now)
    return hosts


def test_a_host_is_left_alone_after_the_third_failure() -> None:
    """Twice is chance; after the third time the host is left alone for 60 seconds, and no other is."""
    assert silent(2).seconds_left("a", 0.0) == 0
    hosts = silent(3, now=100.0)
    assert [hosts.seconds_left("a", now) for now in (100.0, 130.0, 159.0, 160.0, 1_000.0)] == [60, 30, 1, 0, 0]
    assert hosts.seconds_left("b", 100.0) == 0


def test_after_the_pause_one_more_failure_is_enough() -> None:
    """A host that is asked again and is still silent is left alone again at once."""
    hosts = silent(3)
    hosts.did_not_answer("a", 61.0)
    assert hosts.seconds_left("a", 61.0) == 60


def test_an_answer_makes_it_three_in_a_row_again() -> None:
    """Failures count in a row: an answer in between forgets them."""
    hosts = silent(2)
    hosts.answered("a")
    hosts.did_not_answer("a", 0.0)
    assert hosts.seconds_left("a", 0.0) == 0
    hosts.answered("b")


def test_memory_does_not_grow_with_dead_hosts() -> None:
    """Law 11: of ever more dead hosts the latest 1,000 are remembered, the one that failed again among them."""
    hosts = silent(3)
    for number in range(999):
        hosts.did_not_answer(str(number), 0.0)
    hosts.did_not_answer("a", 0.0)
    hosts.did_not_answer("one more", 0.0)
    assert hosts.seconds_left("a", 0.0) == 60
    for number in range(1_000):
        hosts.did_not_answer(f"later {number}", 0.0)
    assert hosts.seconds_left("a", 0.0) == 0
