"""What Coveo answered with a success: it may still say that the call failed, and may repeat the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import attrs

from coveo_enrich._calls import CoveoCall
from coveo_enrich.errors import CoveoRefused, shown
from coveo_enrich.index.json_parts import object_of

__all__ = ["Answer", "lacks", "require_list", "require_success", "warnings_in"]

_OK: Final = 200


@attrs.frozen
class Answer:
    """A JSON object that Coveo answered, empty when the answer was.

    Attributes:
        body: The object.
        secret: The key that it was asked with, which may stand in no message.
    """

    body: Mapping[str, Any]
    secret: str = attrs.field(default="", repr=False)

    def without_key(self, text: str) -> str:
        """A text of it, fit to be told."""
        return text.replace(self.secret, "(the key)") if self.secret else text


def require_list(call: CoveoCall, answer: Answer, name: str) -> None:
    """Raise unless an answer holds what was asked for: a search says with a 200 what went wrong.

    Args:
        call: What was asked.
        answer: What was answered.
        name: The key of the list that was asked for.

    Raises:
        CoveoRefused: The call failed, although its status says otherwise.
    """
    require_success(call, answer)
    if not isinstance(answer.body.get(name), list):
        raise lacks(call, name)


def require_success(call: CoveoCall, answer: Answer) -> None:
    """Raise when an answer says that the call failed.

    Args:
        call: What was asked.
        answer: What was answered.

    Raises:
        CoveoRefused: The call failed, although its status says otherwise.
    """
    trouble = _trouble_in(answer.body)
    if trouble is not None:
        code, said = (shown(answer.without_key(text)) for text in trouble)
        raise CoveoRefused(call.operation, _OK, code or None, said)


def lacks(call: CoveoCall, name: str) -> CoveoRefused:
    """The error of an answer without what was asked for."""
    return CoveoRefused(call.operation, _OK, None, f"the body has no {name}")


def warnings_in(answer: Answer) -> list[str]:
    """What an answer warns of, fit to be told; what was asked for is there all the same."""
    told = answer.body.get("warnings")
    several = cast("list[object]", told) if isinstance(told, list) else []
    return [shown(answer.without_key(_said(one))) for one in several]


def _trouble_in(body: Mapping[str, Any]) -> tuple[str, str] | None:
    """The code and the text of an error in a body."""
    for name in ("exception", "errors"):
        if body.get(name):
            return _code(body[name]), _said(body[name])
    if body.get("errorCode") or body.get("statusCode") not in (None, _OK):
        return _code(body), _said(body)
    return None


def _code(told: object) -> str:
    error = object_of(told)
    return str(error.get("code") or error.get("errorCode") or error.get("type") or "")


def _said(told: object) -> str:
    if isinstance(told, list):
        return "; ".join(map(_said, cast("list[object]", told)))
    return str(object_of(told).get("message") or told)
