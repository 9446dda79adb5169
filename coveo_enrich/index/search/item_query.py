"""What items are searched for, as a value: an expression, keywords, or both.

Sending it is the matter of `coveo_enrich.index.search.client`; a search page of your own may send it as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

__all__ = ["ItemQuery"]


@attrs.frozen(kw_only=True)
class ItemQuery:
    """What items are searched for (docs.coveo.com/en/1814). Empty, it is for all.

    Attributes:
        expression: An expression about fields, such as ``@ec_color=="Yellow"``.
        keywords: Words as a shopper types them: no sign in them is a part of the syntax.
        partial_match: Whether items that have half of the keywords are found too; default no.
    """

    expression: str = ""
    keywords: str = ""
    partial_match: bool = False

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The same as keys of the body of a call to Coveo's Search API, ``aq`` and ``q`` among them."""
        parameters: dict[str, Any] = {}
        if self.expression:
            parameters["aq"] = self.expression
        if self.keywords:
            parameters |= {"q": self.keywords, "enableQuerySyntax": False}
        if self.keywords and self.partial_match:
            parameters |= {"partialMatch": True, "partialMatchKeywords": 2, "partialMatchThreshold": "50%"}
        return parameters
