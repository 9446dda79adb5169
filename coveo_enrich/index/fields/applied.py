"""What was done of a plan about fields, as a value. Doing it is `coveo_enrich.index.fields.client`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import attrs

from coveo_enrich.index.tables import table_of

__all__ = ["AppliedFields"]


@attrs.frozen(kw_only=True)
class AppliedFields:
    """What `FieldClient.apply` did. Prints as text, and as a table in a notebook.

    Attributes:
        created: Fields that were created, including those somebody else created at the same moment.
        mapped: Fields for which the source got a mapping rule, likewise.
        found: Fields that were there already, or had their rule, and do what is needed: they were made after the plan,
            by somebody else or as it was applied before. Nothing was done about them.
        in_conflict: Fields of the plan's conflicts. Nothing was done about those either.
    """

    created: tuple[str, ...] = ()
    mapped: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    in_conflict: tuple[str, ...] = ()

    @property
    def must_push_again(self) -> bool:
        """Whether items that were pushed before have to be pushed again to fill them: Coveo looks back at none."""
        return bool(self.created or self.mapped or self.found)

    def __add__(self, other: AppliedFields) -> AppliedFields:
        return AppliedFields(
            created=self.created + other.created,
            mapped=self.mapped + other.mapped,
            found=self.found + other.found,
            in_conflict=tuple(dict.fromkeys(self.in_conflict + other.in_conflict)),
        )

    def to_json(self) -> str:
        """The same as a JSON object, with ``must_push_again``."""
        return json.dumps({**attrs.asdict(self), "must_push_again": self.must_push_again})

    def __str__(self) -> str:
        return "\n".join(f"{what}: {names}" if what else names for what, names in self._rows())

    def _repr_html_(self) -> str:
        return table_of(self._rows())

    def _rows(self) -> Iterator[tuple[str, str]]:
        told = {
            "created": self.created,
            "mapped": self.mapped,
            "found as they are needed": self.found,
            "left in conflict": self.in_conflict,
        }
        yield from ((what, ", ".join(names)) for what, names in told.items() if names)
        if self.must_push_again:
            yield "", "items that were pushed before them have to be pushed again: Coveo does not look back at them"
        elif self.in_conflict:
            yield "", "nothing was changed"
        else:
            yield "", "nothing had to be done"
