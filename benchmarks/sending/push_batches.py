"""Pushes a JSON Lines file with Coveo's Python client, 2,500 items a batch, and says what it sent.

    python push_batches.py FILE

The client knows one address, that of Coveo; its requests are sent to ``COVEO_API_URL`` instead. It needs neither this
library nor what this library needs: it runs in a virtual environment that holds the client alone.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from itertools import islice
from pathlib import Path
from typing import Any

COVEO = "https://api.cloud.coveo.com"
ITEMS_PER_BATCH = 2_500


def redirect(session: Any, sink: str) -> None:  # noqa: ANN401 - a session of requests, which is not installed here
    """Let a session send to the sink what is meant for Coveo."""
    send = session.request

    def request(method: str, url: str, **options: Any) -> Any:  # noqa: ANN401 - as requests has it
        return send(method, url.replace(COVEO, sink), **options)

    session.request = request
    session.trust_env = False  # no proxy stands before the sink


def main() -> None:
    """Push a file."""
    client = importlib.import_module("push_api_clientpy")
    source = client.Source(os.environ["COVEO_API_KEY"], os.environ["COVEO_ORGANIZATION_ID"])
    redirect(source.client.session, os.environ["COVEO_API_URL"])
    items = chunks = 0
    with Path(sys.argv[1]).open("rb") as lines:
        while batch := [json.loads(line) for line in islice(lines, ITEMS_PER_BATCH)]:
            builders = [
                client.DocumentBuilder(product.pop("documentId"), product.pop("title")).withMetadata(product)
                for product in batch
            ]
            answer = source.batchUpdateDocuments(
                os.environ["COVEO_SOURCE_ID"], client.BatchUpdate(addOrUpdate=builders, delete=[])
            )
            answer.raise_for_status()
            items += len(batch)
            chunks += 1
    print(json.dumps({"items": items, "chunks": chunks}))


if __name__ == "__main__":
    main()
