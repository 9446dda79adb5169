"""Law 8 with kill -9: see `killed` for how it is done, and for a whole catalog."""

from __future__ import annotations

import sys

import pytest
from killed import CONCURRENCY, killed_half_way


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
@pytest.mark.parametrize(("products", "max_batch"), [(1_500, 1), (3_000, 8)])
def test_a_run_that_was_killed_repeats_at_most_the_calls_in_flight(products: int, max_batch: int) -> None:
    """Law 8: of two runs over one catalog, the first killed, no picture is asked about twice but what was in flight."""
    killed = killed_half_way(products, max_batch)
    assert products / 2 <= killed.before < products
    assert (killed.pictures, killed.written, killed.more) == (products, products, 0)
    assert killed.twice <= CONCURRENCY * max_batch
