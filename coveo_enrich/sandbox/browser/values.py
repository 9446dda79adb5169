"""A field of an item as a page shows it: its values as texts, and which of them a machine wrote. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias, cast

import attrs

from coveo_enrich.sandbox.browser.addresses import web_address
from coveo_enrich.sandbox.browser.provenance import Mark, Provenance
from coveo_enrich.sandbox.browser.texts import shortened
from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.search.item import view
from coveo_enrich.sandbox.values import StoredItem

__all__ = ["Origin", "ShownField", "ShownValue", "moment", "shown_field", "title_of"]

Origin: TypeAlias = Literal["enriched", "different", ""]

_MOST_VALUES: Final = 100
_MOST_CHARACTERS: Final = 5_000
# A text of more characters is folded, so that of it only so many are seen.
_UNFOLDED: Final = 1_000
_FOLDED: Final = 200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.frozen
class ShownValue:
    """A single value.

    Attributes:
        text: What is written.
        link: Where it leads, when it is an address of the web.
        is_enriched: Whether a machine wrote it, and nobody changed it since.
        key: Of a dictionary field, the key that it stands under.
    """

    text: str
    link: str | None = None
    is_enriched: bool = False
    key: str | None = None

    @property
    def beginning(self) -> str | None:
        """What of a long text is shown first; `None` of a text that is shown whole."""
        return shortened(self.text, _FOLDED) if len(self.text) > _UNFOLDED else None


@attrs.frozen
class ShownField:
    """A field of an item.

    Attributes:
        name: Its name.
        type: Its type; empty when there is no such field any more.
        values: Its values, the first hundred of them.
        left_out: How many values are not among them.
        mark: What is said of its enrichment.
    """

    name: str
    type: str
    values: tuple[ShownValue, ...]
    left_out: int = 0
    mark: Mark | None = None

    @property
    def origin(self) -> Origin:
        """``enriched`` when a machine wrote a value that is there, ``different`` when none of what it wrote is."""
        if self.mark is None:
            return ""
        return "enriched" if any(value.is_enriched for value in self.values) else "different"

    @property
    def is_mixed(self) -> bool:
        """Whether a machine wrote some of the values and not all."""
        return len({value.is_enriched for value in self.values}) > 1


def shown_field(name: str, value: object, field: Field | None, provenance: Provenance) -> ShownField:
    """A field of an item as it is shown."""
    mark = provenance.marks.get(name)
    single = _singles(value)
    shown = tuple(_shown(key, one, field, mark) for key, one in single[:_MOST_VALUES])
    return ShownField(name, field.type if field else "", shown, len(single) - len(shown), mark)


def title_of(item: StoredItem) -> str:
    """What an item is called; its id when it has no name."""
    seen = view(item, {})
    return item.document_id if seen.title == seen.uri else seen.title


def moment(milliseconds: int) -> str:
    """A time, for people; the number itself when no calendar has it."""
    try:
        return f"{_EPOCH + timedelta(milliseconds=milliseconds):%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:
        return str(milliseconds)


def _singles(value: object) -> list[tuple[str | None, object]]:
    if isinstance(value, dict):
        return list(cast("Mapping[str | None, object]", value).items())
    return [(None, one) for one in (cast("Iterable[object]", value) if isinstance(value, list) else [value])]


def _shown(key: str | None, value: object, field: Field | None, mark: Mark | None) -> ShownValue:
    if isinstance(value, int) and field is not None and field.type == "DATE":
        return ShownValue(moment(value), None, mark is not None and mark.wrote_date(value), key)
    text = shortened(_text(value), _MOST_CHARACTERS)
    return ShownValue(text, web_address(text), mark is not None and mark.wrote(value), key)


def _text(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)
