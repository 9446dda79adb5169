"""What somebody else does with a sandbox's source by Coveo's platform API, while a test looks on."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import httpx

from coveo_enrich.sandbox import CoveoSandbox

__all__ = ["add_rule", "fields_with_rules", "make_report"]


def add_rule(sandbox: CoveoSandbox, field: str, content: str) -> None:
    """Add a mapping rule for items of all types."""
    with _source(sandbox) as api:
        body = {"field": field, "content": [content]}
        api.post("/mappings/common/rules?rebuild=false", json=body).raise_for_status()


def fields_with_rules(sandbox: CoveoSandbox) -> list[str]:
    """The fields that the source has a rule for."""
    with _source(sandbox) as api:
        return [rule["field"] for rule in api.get("/mappings").json()["common"]["rules"]]


def make_report(sandbox: CoveoSandbox) -> None:
    """Have the metadata report of the source made, and wait until it is there."""
    with _source(sandbox) as api:
        api.post("/metadata").raise_for_status()
        while api.get("/metadata/status").json()["reportGenerationInProgress"]:
            pass


@contextmanager
def _source(sandbox: CoveoSandbox) -> Generator[httpx.Client]:
    there = sandbox.connection
    source = f"{sandbox.url}/rest/organizations/{there['organization_id']}/sources/{there['source_id']}"
    headers = {"Authorization": f"Bearer {there['api_key']}"}
    with httpx.Client(base_url=source, headers=headers, trust_env=False) as api:
        yield api
