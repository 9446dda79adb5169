"""The content browser at ``/``: pages on which people see what is in the index, and what is not, and why.

It looks and never changes anything. What a page shows is decided by pure functions, each beside the value that it
makes; `routes` asks for what they need, and the templates write it down, every text escaped.
"""

from __future__ import annotations

from coveo_enrich.sandbox.browser.addresses import is_page
from coveo_enrich.sandbox.browser.routes import ContentBrowser

__all__ = ["ContentBrowser", "is_page"]
