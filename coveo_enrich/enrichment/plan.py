"""What a run would ask for and cost, counted before anything is spent.

Reads products and what is kept, and asks and fetches nothing. Keeping a run within a number of calls is the matter of
`coveo_enrich.enrichment.spending`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from html import escape
from typing import Any

import attrs

from coveo_enrich.classifiers.declared import Declared
from coveo_enrich.classifiers.values import Failure
from coveo_enrich.enrichment.cache.store import KnownImage
from coveo_enrich.enrichment.decisions.targets import targets_of
from coveo_enrich.enrichment.looking.answers import kept_answer
from coveo_enrich.enrichment.looking.looking import LookSettings
from coveo_enrich.enrichment.looking.pictures import Pictures
from coveo_enrich.enrichment.spending import cost_in_words, cost_of
from coveo_enrich.errors import ImageRejected
from coveo_enrich.images.references import references_in

__all__ = ["EnrichmentPlan", "plan_of"]


@attrs.frozen(kw_only=True)
class EnrichmentPlan:
    """What enriching some products would ask for. Prints as text, and as a table in a notebook.

    Attributes:
        products: Products that were given.
        to_look_at: Those that lack something that a classifier may tell, and name a picture.
        images: Pictures of these that would be looked at, each as often as a product names it.
        distinct_images: The same, each once.
        refused: References that are not allowed, as in ``images``.
        to_check: Of the different ones those that are known too long, so that their hosts are asked first; each that
            changed costs its calls beyond those counted here.
        known: Answers that are kept already, by classifier.
        calls: Pictures that a classifier would be asked about, by classifier, at most: without a cache each time that
            a product names them. A failure that passes costs another.
        cost: What these calls cost, by classifier, where its price is given.
    """

    products: int
    to_look_at: int
    images: int
    distinct_images: int
    refused: int
    to_check: int
    known: Mapping[str, int]
    calls: Mapping[str, int]
    cost: Mapping[str, float]

    def to_json(self) -> str:
        """The same as a JSON object."""
        return json.dumps(attrs.asdict(self))

    def __str__(self) -> str:
        lines = [
            f"{self.products:,} products, {self.to_look_at:,} to look at",
            f"{self.images:,} pictures, {self.distinct_images:,} different ones, {self.refused:,} refused",
        ]
        if self.to_check:
            lines.append(f"{self.to_check:,} known too long: their hosts are asked whether they changed")
        return "\n".join([*lines, *(self._line(name) for name in self.calls)])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="text-align: left">{escape(name)}</td><td>{self.known[name]:,}</td><td>{calls:,}</td>'
            f"<td>{self._price(name)}</td></tr>"
            for name, calls in self.calls.items()
        )
        head = '<tr><th style="text-align: left">classifier</th><th>known</th><th>calls</th><th>cost</th></tr>'
        words = str(self).splitlines()[: -len(self.calls)]
        return f"<p>{'<br>'.join(words)}</p><table>{head}{rows}</table>"

    def _line(self, name: str) -> str:
        price = self._price(name)
        return f"{name}: {self.calls[name]:,} calls, {self.known[name]:,} known" + (price and f", cost {price}")

    def _price(self, name: str) -> str:
        return cost_in_words(self.cost[name]) if name in self.cost else ""


def plan_of(
    products: Iterable[Mapping[str, Any]],
    settings: LookSettings,
    classifiers: Sequence[Declared],
    pictures: Pictures,
    prices: Mapping[str, float],
) -> EnrichmentPlan:
    """Count what enriching these products would ask for."""
    with closing(_Counting(settings, classifiers, pictures)) as counting:
        for product in products:
            counting.count(product)
        return counting.plan(prices)


class _Counting:
    def __init__(self, settings: LookSettings, classifiers: Sequence[Declared], pictures: Pictures) -> None:
        self._settings = settings
        self._classifiers = {one.name: one for one in classifiers}
        self._pictures = pictures
        self._totals = Counter[str]()
        self._known = Counter[str]()
        self._calls = Counter[str]()
        self._seen = _Distinct()

    def count(self, product: Mapping[str, Any]) -> None:
        self._totals["products"] += 1
        if not isinstance(product, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # a catalog may hold anything
            return
        try:
            needed, references = self._needed(product)
        except Exception:  # noqa: BLE001 - a product may be of the user's own class; a run passes it by as well
            return
        if needed and references:
            self._totals["to_look_at"] += 1
            self._totals["images"] += len(references)
            for reference in references:
                self._count_picture(reference, needed)

    def _needed(self, product: Mapping[str, Any]) -> tuple[Collection[str], Sequence[str]]:
        """The classifiers that may tell something that a product lacks, and its pictures that they would look at."""
        if not self._settings.takes(product):
            return (), ()
        needed = targets_of(product, self._settings.mapping).classifiers_needed(self._classifiers)
        return needed, references_in(self._settings.images_of(product)).texts[: self._settings.max_images]

    def _count_picture(self, reference: str, needed: Collection[str]) -> None:
        try:
            known = self._pictures.known(reference)
        except ImageRejected:
            self._totals["refused"] += 1
            return
        identity = known.digest if isinstance(known, KnownImage) else self._pictures.reader.place_of(reference)
        if self._seen.add("picture", identity):
            self._totals["distinct"] += 1
            self._totals["to_check"] += isinstance(known, KnownImage) and not self._pictures.believes(known)
        for name in sorted(needed):
            is_new = self._seen.add(name, identity)
            if is_new or self._pictures.store is None:
                is_known = isinstance(known, Failure) or self._is_kept(identity, name)
                (self._known if is_known else self._calls)[name] += 1

    def _is_kept(self, identity: str, name: str) -> bool:
        return kept_answer(self._pictures.store, identity, self._classifiers[name]) is not None

    def plan(self, prices: Mapping[str, float]) -> EnrichmentPlan:
        calls = {name: self._calls[name] for name in self._classifiers}
        return EnrichmentPlan(
            products=self._totals["products"],
            to_look_at=self._totals["to_look_at"],
            images=self._totals["images"],
            distinct_images=self._totals["distinct"],
            refused=self._totals["refused"],
            to_check=self._totals["to_check"],
            known={name: self._known[name] for name in self._classifiers},
            calls=calls,
            cost=cost_of(calls, prices),
        )

    def close(self) -> None:
        self._seen.close()


class _Distinct:
    """Tells what is new, however much there is: in a temporary file, not in memory (law 11)."""

    def __init__(self) -> None:
        import sqlite3  # noqa: PLC0415 - loaded where it is used

        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("CREATE TABLE seen (key BLOB PRIMARY KEY) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def add(self, *parts: str) -> bool:
        key = hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        return self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount > 0

    def close(self) -> None:
        self._database.close()
