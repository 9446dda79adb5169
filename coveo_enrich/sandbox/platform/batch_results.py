"""What Coveo's platform answers to a batch that is to tell how each of it went."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable

from coveo_enrich.sandbox.refusals import Refused
from coveo_enrich.sandbox.strict_json import Json

__all__ = ["batch_results"]


def batch_results(models: Iterable[Json], do: Callable[[Json], object]) -> dict[str, Json]:
    """Do it with each on its own, and say how that went.

    Args:
        models: What was sent.
        do: Raises `Refused` for one that cannot be.
    """
    results: list[Json] = [_result(model, do) for model in models]
    return {"batchOperationId": str(uuid.uuid4()), "status": "COMPLETED", "batchOperationResourcesStatus": results}


def _result(model: Json, do: Callable[[Json], object]) -> dict[str, Json]:
    try:
        do(model)
    except Refused as refused:
        error: Json = {"errorCode": refused.code, "message": refused.message}
        return {"resourceModel": model, "operationResult": "ERROR", "errorDetails": error, "successful": False}
    return {"resourceModel": model, "operationResult": "SUCCESS", "errorDetails": None, "successful": True}
