"""The one call by which official clients ask what their key may do, before they make fields."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coveo_enrich.sandbox.access import Account, check_organization, read_privileges
from coveo_enrich.sandbox.http.exchange import json_answer, read_object
from coveo_enrich.sandbox.refusals import Refused

__all__ = ["PrivilegeApi"]


class PrivilegeApi:
    """The calls about privileges."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[Route]:
        """The routes, which are under no organization."""
        return [Route("/rest/privilege/evaluate", self._evaluate, methods=["POST"])]

    async def _evaluate(self, request: Request) -> Response:
        privileges = read_privileges(self._account, request.headers.get("authorization"))
        model = await read_object(request)
        organization_id, wanted = model.get("organizationId"), model.get("requestedPrivilege")
        if not isinstance(organization_id, str) or not isinstance(wanted, dict):
            raise Refused(400, "INVALID_PARAMETER", "The body names an organizationId and a requestedPrivilege.")
        check_organization(self._account, organization_id)
        approved = f"{wanted.get('targetDomain')}_{wanted.get('type')}" in privileges
        report = "OPERATION_GRANTED" if approved else "OPERATION_NOT_ALLOWED"
        return json_answer({**model, "approved": approved, "evaluationReport": report})
