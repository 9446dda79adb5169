"""SEND: the whole catalog to a Coveo source, completely or not at all."""

from coveo_enrich.stream.client import StreamClient
from coveo_enrich.stream.load import LoadStream
from coveo_enrich.stream.protocol import StreamState
from coveo_enrich.stream.receipts import ChunkReceipt, LoadReceipt
from coveo_enrich.stream.source import CoveoSource

__all__ = [
    "ChunkReceipt",
    "CoveoSource",
    "LoadReceipt",
    "LoadStream",
    "StreamClient",
    "StreamState",
]
