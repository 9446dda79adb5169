"""A Coveo on localhost: what a catalog pipeline sends is received, checked and indexed as Coveo does it.

For the quickstart, for this package's tests and for your own. It needs the extra ``sandbox`` when it is started, and
imports nothing of the rest of this package, so that it cannot share a misunderstanding with the client it tests.
"""

from __future__ import annotations

from coveo_enrich.sandbox.backend import SandboxContainer, SandboxStream
from coveo_enrich.sandbox.http.journal import SandboxRequest
from coveo_enrich.sandbox.sandbox import CoveoSandbox
from coveo_enrich.sandbox.values import Dropped

__all__ = ["CoveoSandbox", "Dropped", "SandboxContainer", "SandboxRequest", "SandboxStream"]
