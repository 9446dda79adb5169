"""Calls to the platform host, with the key, the pace and the patience of one client.

What is asked, and in which order, is decided by the clients of this folder.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coveo_enrich._calls import Connections, CoveoCall, CoveoCaller, Patience, Pause, json_object
from coveo_enrich.errors import CoveoRefused
from coveo_enrich.index.answer import Answer, require_success
from coveo_enrich.index.place import CoveoPlace
from coveo_enrich.retry import RetryPolicy

__all__ = ["PlatformCalls"]


class PlatformCalls:
    """Sends calls. Pickles without its connections.

    Args:
        place: Whose key is sent.
        retry: How patiently calls are repeated.
        calls_per_five_minutes: How many calls are made in any five minutes, 1 or more.
        ca_bundle: A file or folder of certificates to trust instead of the usual ones.
        user_agent_suffix: What the user's program is called.

    Raises:
        ConfigurationError: A value is out of its range.
    """

    def __init__(
        self,
        place: CoveoPlace,
        retry: RetryPolicy | None,
        calls_per_five_minutes: int,
        *,
        ca_bundle: str | Path | None = None,
        user_agent_suffix: str | None = None,
    ) -> None:
        self._connections = Connections(
            calls_per_five_minutes, ca_bundle=ca_bundle, user_agent_suffix=user_agent_suffix
        )
        self._place = place
        self._retry = retry or RetryPolicy()

    def send(self, call: CoveoCall) -> Mapping[str, Any]:
        """The JSON object of `ask`, unless it says that the call failed.

        Raises:
            CoveoRefused: Coveo answered with an error, perhaps inside a success, or with no JSON object.
            NoReply: Nothing was answered, several times over.
        """
        answer = self.ask(call)
        require_success(call, answer)
        return answer.body

    def ask(self, call: CoveoCall, *, pause: Pause | None = None) -> Answer:
        """Send a call that may safely be repeated.

        Args:
            call: What to send.
            pause: Waits between tries and for the call's turn; `None` for as long as it takes.

        Raises:
            CoveoRefused: Coveo answered with an error that repeating does not cure, or with no JSON object.
            NoReply: Nothing was answered, several times over.
        """
        patience = Patience(self._retry, self._connections.pace)
        caller = CoveoCaller(self._connections.sender, self._place.read_platform_key, patience)
        reply = caller.reply_to(call, pause=pause or time.sleep)
        body = json_object(reply.body)
        if body is None and reply.body.strip():  # such as a proxy's log-in page
            raise CoveoRefused(call.operation, reply.status, None, "the body is not a JSON object")
        return Answer(body or {}, reply.secret)

    def close(self) -> None:
        """Release connections; the next call makes new ones."""
        self._connections.close()
