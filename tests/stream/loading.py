"""What the tests of loads share: catalogs, and looks at what the sandbox was asked."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any

import attrs

from coveo_enrich import StreamClient
from coveo_enrich.sandbox import CoveoSandbox

__all__ = ["broken_off", "document_ids", "everything_said", "fill", "operations", "products"]


def products(count: int, *, first: int = 1) -> list[dict[str, Any]]:
    """So many small items."""
    return [{"documentId": f"product://{n:04}", "title": f"Kayak {n}"} for n in range(first, first + count)]


def broken_off(count: int, error: BaseException) -> Iterator[dict[str, Any]]:
    """So many small items, then an error."""
    yield from products(count)
    raise error


def document_ids(sandbox: CoveoSandbox) -> list[str]:
    """The ids in the source when everything has left it that a load did not contain."""
    sandbox.advance(minutes=15)
    return [item["documentId"] for item in sandbox.items()]


def operations(sandbox: CoveoSandbox) -> list[str | None]:
    """What was asked of the sandbox, in the order of the answers."""
    return [request.operation for request in sandbox.requests()]


def fill(client: StreamClient, count: int) -> list[str]:
    """Load so many items named ``old://``, and return their ids."""
    documents = [{"documentId": f"old://{n:04}", "title": "old"} for n in range(count)]
    client.load(documents, allow_shrink=True)
    return [str(document["documentId"]) for document in documents]


def everything_said(error: BaseException) -> str:
    """All that an error, its notes and the errors behind it show or hold."""
    said: list[str] = []
    behind: list[BaseException | None] = [error]
    while behind:
        one = behind.pop()
        if one is None:
            continue
        held = {name: repr(value) for name, value in vars(one).items()}
        said += [str(one), repr(one), repr(one.args), repr(held), *getattr(one, "__notes__", [])]
        if attrs.has(type(one)):
            said.append(repr(attrs.asdict(one)))  # type: ignore[arg-type] # the class was just asked
        behind += [one.__cause__, one.__context__]
    return "\n".join([*said, *traceback.format_exception(error)])
