"""JSON in and JSON out, as all of Coveo's own calls have it. The storage behind the upload URLs speaks otherwise."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response

from coveo_enrich.sandbox.access import check_json
from coveo_enrich.sandbox.refusals import Refused
from coveo_enrich.sandbox.strict_json import Json, parse

__all__ = ["json_answer", "read_body", "read_list", "read_object"]

# Bodies of Coveo's own calls are small; large ones belong into a container.
_MAX_BODY_BYTES = 1_000_000


async def read_body(request: Request) -> bytes:
    """The body of a call.

    Raises:
        Refused: 413, when it is larger than a call's is.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MAX_BODY_BYTES:
            raise Refused(413, None, "Request Entity Too Large")
    return bytes(body)


async def read_object(request: Request) -> dict[str, Json]:
    """The JSON object that a call brings.

    Raises:
        Refused: 400 ``INVALID_JSON``, 413 or 415.
    """
    value = await _read_json(request)
    if not isinstance(value, dict):
        raise Refused(400, "INVALID_JSON", "The request body is not an object.")
    return value


async def read_list(request: Request) -> list[Json]:
    """The JSON array that a call brings.

    Raises:
        Refused: 400 ``INVALID_JSON``, 413 or 415.
    """
    value = await _read_json(request)
    if not isinstance(value, list):
        raise Refused(400, "INVALID_JSON", "The request body is not an array.")
    return value


def json_answer(content: object, status: int = 200) -> Response:
    """An answer in JSON."""
    # Starlette's own writes other characters than ASCII as they are, and fails on a lone surrogate in a description.
    return Response(json.dumps(content), status, media_type="application/json")


async def _read_json(request: Request) -> Json:
    check_json(request.headers.get("content-type"))
    try:
        return parse(await read_body(request))
    except ValueError as error:
        raise Refused(400, "INVALID_JSON", f"The request body is not valid JSON: {str(error)[:200]}") from None
