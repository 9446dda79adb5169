"""The fixture `coveo_sandbox`, which pytest finds by itself wherever this package is installed.

pytest imports this module at every start, so it imports nothing but pytest: it costs those nothing who do not use it,
and breaks nobody who lacks the extra ``sandbox``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from coveo_enrich.sandbox import CoveoSandbox

__all__ = ["coveo_sandbox"]


@pytest.fixture
def coveo_sandbox() -> Iterator[CoveoSandbox]:
    """A running Coveo on localhost, empty at the start of each test. It needs the extra ``coveo-enrich[sandbox]``."""
    from coveo_enrich.sandbox import CoveoSandbox  # noqa: PLC0415 - see above

    with CoveoSandbox() as sandbox:
        yield sandbox
