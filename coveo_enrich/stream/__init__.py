"""SEND: the whole catalog to a Coveo source, completely or not at all."""

from coveo_enrich.stream.client import StreamClient
from coveo_enrich.stream.endpoints import Acknowledgement
from coveo_enrich.stream.findings import Example, Finding
from coveo_enrich.stream.load import LoadStream
from coveo_enrich.stream.partial import PartialUpdate
from coveo_enrich.stream.protocol import StreamState
from coveo_enrich.stream.receipts import ChunkReceipt, Receipt, UnconfirmedChunk
from coveo_enrich.stream.source import CoveoSource

__all__ = [
    "Acknowledgement",
    "ChunkReceipt",
    "CoveoSource",
    "Example",
    "Finding",
    "LoadStream",
    "PartialUpdate",
    "Receipt",
    "StreamClient",
    "StreamState",
    "UnconfirmedChunk",
]
