"""Products in, enriched products out, in the same order and the same number.

Asks the classifiers, in threads, and hands what they said to `coveo_enrich.enrichment.decisions`. Whatever fails for a
product becomes a value in its ``failures``; only a mistake in the configuration ends a run.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any, Final

from coveo_enrich._progress import require_progress, with_progress
from coveo_enrich._threads import Task, Threads
from coveo_enrich.classifiers.asking import Asker
from coveo_enrich.classifiers.declared import Declared
from coveo_enrich.classifiers.protocols import Classifier
from coveo_enrich.classifiers.shared_limits import SharedLimits
from coveo_enrich.enrichment.cache.careful_store import CarefulStore
from coveo_enrich.enrichment.cache.store import ClassificationStore
from coveo_enrich.enrichment.image_query import ImageQuery, image_query
from coveo_enrich.enrichment.looking.looking import LookSettings, Part, ProductLook
from coveo_enrich.enrichment.looking.lookout import Lookout, Scene
from coveo_enrich.enrichment.looking.pictures import Pictures
from coveo_enrich.enrichment.looking.window import Window
from coveo_enrich.enrichment.plan import EnrichmentPlan, plan_of
from coveo_enrich.enrichment.product import EnrichedProduct
from coveo_enrich.enrichment.report import EnrichmentReport, ReportBuilder
from coveo_enrich.enrichment.rules.mapping import FieldMapping
from coveo_enrich.enrichment.spending import prices_of
from coveo_enrich.errors import ConfigurationError
from coveo_enrich.images.image import FileBytes, ProductImage
from coveo_enrich.images.reader import MAX_IMAGE_BYTES, ImageReader
from coveo_enrich.retry import require_count

__all__ = ["Enricher", "EnrichmentRun"]

_PRODUCTS_AHEAD_PER_THREAD: Final = 2
_MOST_PRODUCTS_AT_ONCE: Final = 256
_STORE: Final = ("url_ttl", "known_image", "remember_image", "answer", "keep")


class Enricher:
    """Fills fields of products from what classifiers see in their pictures.

    Args:
        classifiers: One classifier or several, by different names.
        mapping: The rules.
        images: The field that names a product's pictures: a list, or one text with ``;`` between them.
        image_root: What relative image paths are relative to: a folder, or an http or https URL. Without it they are
            refused.
        trusted_hosts: Hosts that pictures may be fetched from although their address is not public, as ``host`` or
            ``host:port``.
        user_agent: What image hosts are told in place of ``coveo-enrich/`` and the version: printable ASCII.
        proxy: The URL of an egress proxy that every fetch of a picture goes through. Addresses are checked there then,
            and not here: see `coveo_enrich.images.ImageReader`.
        concurrency: The most calls to each classifier, and the most pictures being fetched, that are under way at once;
            1 or more, default 8.
        max_images: Pictures of a product that are looked at, the first ones, 1 or more, default 4.
        cache: Keeps what classifiers said, so that a picture is paid for once: a file, made when there is none, or a
            store of your own, such as a `ClassificationCache` with other settings. `None` (default) keeps nothing, and
            what runs, or queries, ask for twice at the same moment is still asked once.
        budget: The most pictures that classifiers are asked about in a run, all of them together, those that are asked
            about again included; products beyond it pass with what is known of them. `None` (default): as many as
            there are.
        prices: What one picture costs, by classifier, in any currency, for `plan` and for the report.
        object_types: The values of ``objecttype`` of the items that are enriched; default ``Product`` and ``Variant``.
            Other items, such as ``Availability``, pass as they are; items that do not say are enriched. Capitals do
            not matter.
        people_labels: Whether labels about the sex, age or origin of people in a picture take part in decisions. By
            default they are kept out, and counted.

    Raises:
        ConfigurationError: Two classifiers have the same name, a rule asks for a classifier that is not there, or a
            value is out of its range.
    """

    def __init__(
        self,
        classifiers: Classifier | Iterable[Classifier],
        mapping: FieldMapping,
        *,
        images: str = "ec_images",
        image_root: str | Path | None = None,
        trusted_hosts: Iterable[str] = (),
        user_agent: str | None = None,
        proxy: str | None = None,
        concurrency: int = 8,
        max_images: int = 4,
        cache: str | Path | ClassificationStore | None = None,
        budget: int | None = None,
        prices: Mapping[str, float] | None = None,
        object_types: Iterable[str] = ("Product", "Variant"),
        people_labels: bool = False,
    ) -> None:
        if not isinstance(mapping, FieldMapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # rules in a list are
            raise ConfigurationError(f"mapping must be a FieldMapping of rules; got {type(mapping).__name__}")
        several = tuple(classifiers) if isinstance(classifiers, Iterable) else (classifiers,)
        _check_names(several, mapping)
        if not isinstance(images, str) or not images.strip():  # pyright: ignore[reportUnnecessaryIsInstance]  # whatever a caller passes
            raise ConfigurationError(f"images must be the name of one field; got {images!r}")
        require_count("concurrency", concurrency, 1)
        require_count("max_images", max_images, 1)
        reader = ImageReader(image_root=image_root, trusted_hosts=trusted_hosts, user_agent=user_agent, proxy=proxy)
        if budget is not None:
            require_count("budget", budget, 0)
        self._scene = Scene(
            classifiers=several,
            settings=LookSettings(mapping, images, max_images, _types(object_types), people_labels),
            reader=reader,
            store=_store_of(cache, people_labels=people_labels),
            concurrency=concurrency,
            budget=budget,
            prices=prices_of(prices or {}, [Declared.of(one).name for one in several]),
            limits={one.name: SharedLimits(concurrency, one.images_per_second) for one in map(Declared.of, several)},
        )

    def plan(self, products: Iterable[Mapping[str, Any]]) -> EnrichmentPlan:
        """What enriching these products would ask for, and cost; nothing is asked or fetched for it.

        Pictures are told apart by what is known of them, else by their URL: two URLs of one picture that was never
        seen count twice. A budget is not applied.

        Args:
            products: As for `enrich`; all of them are read.

        Raises:
            ConfigurationError: It is one product, the name of a file, or a data frame.
        """
        _require_several(products)
        scene = self._scene
        return plan_of(
            products,
            scene.settings,
            [Declared.of(one) for one in scene.classifiers],
            Pictures(scene.reader, scene.store, fetched_at_once=scene.concurrency),
            scene.prices,
        )

    def enrich(self, products: Iterable[Mapping[str, Any]], *, progress: bool = False) -> EnrichmentRun:
        """Look at products as they are asked for: iterate over the run, once.

        Products come out in the order in which they went in, every one of them, and only a few are read ahead. Leaving
        the loop early stops the run.

        Args:
            products: Plain mappings. They are not changed.
            progress: Whether a bar shows how many products came out (extra ``progress``); also in notebooks.

        Raises:
            ConfigurationError: It is one product, the name of a file, or a data frame; as a `MissingExtraError`: tqdm
                is not installed.
        """
        _require_several(products)
        if progress:
            require_progress()
        return EnrichmentRun(products, self._scene, progress=progress)

    def query(self, image: ProductImage | bytes | str | Path) -> ImageQuery:
        """Look at a shopper's picture, and make of it what finds the products that look the same.

        The picture is looked at by the same classifiers as the catalog, all at the same time, under the same rules and
        vocabularies, whatever their ``when``; a picture that was looked at before costs no call. ``concurrency`` and
        the pace of a classifier hold for all queries and runs of this enricher together, the budget for runs alone. A
        shopper waits: what fails is tried once more, after half a second or the pause that the service asks for, up to
        two seconds. Safe for threads.

        Args:
            image: The picture, at most 16,000,000 bytes: its bytes, a `Path`, a `ProductImage`, or a reference as in a
                catalog, which is a URL at a public address or a trusted host, or a path below ``image_root``. Give what
                a shopper uploads as bytes: who may choose a reference may choose any of these.

        Returns:
            What to search for. What failed is in it as values, also a classifier that worked before and cannot any
            more.

        Raises:
            ConfigurationError: It is no picture, or a classifier that never worked cannot work.
        """
        given = _given(image)
        lookout = Lookout.of_query(self._scene)
        threads = Threads(len(lookout.askers), "coveo-enrich-query")
        with ExitStack() as leaving:  # each step of which is taken although Ctrl-C comes in the one before it
            leaving.callback(lookout.close)
            leaving.callback(threads.stop)
            leaving.callback(lookout.stop)
            seen = lookout.look.at_picture(given, threads)
        return image_query(self._scene.settings.mapping, seen)


class EnrichmentRun:
    """Products being enriched, made by `Enricher.enrich`. Iterate over it once."""

    def __init__(self, products: Iterable[Mapping[str, Any]], scene: Scene, *, progress: bool = False) -> None:
        self._products = products
        self._scene = scene
        self._lookout = Lookout.of_run(scene)
        self._counted = ReportBuilder(scene.settings.mapping)
        self._progress = progress
        self._started = False

    @property
    def report(self) -> EnrichmentReport:
        """What the products that came out so far amount to."""
        spending, circuits = self._lookout.spending, self._lookout.circuits
        return self._counted.report(
            calls=spending.calls, hits=spending.hits, stopped=circuits.given_up, prices=self._scene.prices
        )

    def __iter__(self) -> Iterator[EnrichedProduct]:
        """Yield every product, in order.

        Raises:
            ConfigurationError: A classifier that never worked cannot work, or the run was iterated over before.
        """
        if self._started:
            raise ConfigurationError("a run is iterated over once; call enrich() again for another")
        self._started = True
        return self._shown() if self._progress else self._run()

    def _shown(self) -> Iterator[EnrichedProduct]:
        total = len(self._products) if isinstance(self._products, Sized) else None
        with closing(self._run()) as products:
            yield from with_progress(products, "enrich", unit="products", total=total)

    def _run(self) -> Generator[EnrichedProduct]:
        look = self._lookout.look
        looking = _products_at_once(self._scene.concurrency, self._lookout.askers.values())
        threads = Threads(looking, "coveo-enrich-look")
        source = _Source(self._products)
        window = Window(looking * _PRODUCTS_AHEAD_PER_THREAD)
        if self._scene.store is not None:
            self._scene.store.known_image("")  # a cache that cannot be opened ends the run here, ahead of the catalog
        try:
            for product in source:
                known = look.at_once(product)
                if isinstance(known, EnrichedProduct) and not window:
                    self._counted.count(known)
                    yield known
                    continue
                window.add(_begun(threads, look, known))
                while window.is_ready:
                    yield self._come_out(threads, window.first())
            while window:
                yield self._come_out(threads, window.first())
            if source.error is not None:
                raise source.error
        finally:
            self._lookout.stop()
            threads.stop()
            self._lookout.close()

    def _come_out(self, threads: Threads, task: Task[EnrichedProduct]) -> EnrichedProduct:
        if not task.ended:
            threads.wait_for_one([task])
        enriched = task.result()
        self._counted.count(enriched)
        return enriched


def _given(image: ProductImage | bytes | str | Path) -> ProductImage | str:
    if isinstance(image, ProductImage | str):
        return image
    if isinstance(image, bytes):
        return ProductImage.from_bytes(image)
    if isinstance(image, Path):  # pyright: ignore[reportUnnecessaryIsInstance]  # whatever a caller passes
        # So far, as that is enough to see that it is too large.
        return ProductImage(str(image), load=FileBytes(image, MAX_IMAGE_BYTES + 1))
    raise ConfigurationError(f"a picture is wanted: bytes, a Path, a ProductImage or a URL; got {type(image).__name__}")


def _in_file(path: str | Path) -> ClassificationStore:
    from coveo_enrich.enrichment.cache.sqlite_cache import ClassificationCache  # noqa: PLC0415 - SQLite is loaded where used

    return ClassificationCache(path)


def _require_several(products: object) -> None:
    if isinstance(products, Mapping):
        raise ConfigurationError("several products are wanted: for a single one, give [product]")
    if isinstance(products, str | Path):
        raise ConfigurationError("products are wanted, not a file: read it with coveo_enrich.catalog.read_products")
    if hasattr(products, "columns"):
        raise ConfigurationError(
            'products are wanted, not a data frame: give its rows, as to_dict("records") of pandas or '
            "iter_rows(named=True) of Polars has them"
        )
    if not isinstance(products, Iterable):
        raise ConfigurationError(f"products are wanted, one after the other; got {type(products).__name__}")


def _store_of(cache: str | Path | ClassificationStore | None, *, people_labels: bool) -> ClassificationStore | None:
    if cache is None:
        return None
    store = _in_file(cache) if isinstance(cache, str | Path) else cache
    missing = [name for name in _STORE if not hasattr(store, name)]
    if missing or isinstance(store, type):
        raise ConfigurationError(f"cache is a file, or a store with {', '.join(_STORE)}; got {cache!r}")
    if people_labels and not getattr(store, "store_people_labels", True):
        raise ConfigurationError(
            "people_labels needs a cache with store_people_labels, as it asks for what is not kept"
        )
    return CarefulStore(store)


def _types(object_types: Iterable[str]) -> frozenset[str]:
    types: tuple[Any, ...] = () if isinstance(object_types, str) else tuple(object_types)
    if not types or not all(isinstance(one, str) for one in types):
        raise ConfigurationError(f"object_types are one or several texts, in a list; got {object_types!r}")
    return frozenset(one.strip().lower() for one in types)


def _begun(threads: Threads, look: ProductLook, known: EnrichedProduct | Part) -> Task[EnrichedProduct]:
    if isinstance(known, EnrichedProduct):
        return Task[EnrichedProduct].done(known)
    task = Task(partial(look.at, known))
    threads.begin(task)
    return task


def _products_at_once(concurrency: int, askers: Iterable[Asker]) -> int:
    """How many products are looked at at once: enough to fill every call, while as many pictures are being fetched."""
    batch = max(asker.declared.max_batch for asker in askers)
    return min(2 * concurrency * batch, max(_MOST_PRODUCTS_AT_ONCE, 2 * concurrency))


class _Source:
    """The products until they end or fail; an error is kept until those read before it have come out."""

    def __init__(self, products: Iterable[Mapping[str, Any]]) -> None:
        self._products = products
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        try:
            yield from self._products
        except Exception as error:  # noqa: BLE001 - raised again, a little later
            self.error = error


def _check_names(classifiers: Sequence[Classifier], mapping: FieldMapping) -> None:
    names = [Declared.of(classifier).name for classifier in classifiers]
    if not names:
        raise ConfigurationError("an Enricher needs at least one classifier")
    if len(set(names)) < len(names):
        raise ConfigurationError(f"classifiers need different names; got {', '.join(names)}")
    prints = [Declared.of(classifier).fingerprint for classifier in classifiers]
    if len(set(prints)) < len(prints):
        raise ConfigurationError(
            f"classifiers need different fingerprints, or they are given each other's answers; got {', '.join(prints)}"
        )
    absent = sorted(mapping.believed.difference(names))
    if absent:
        raise ConfigurationError(
            f"rules believe classifiers that are not given: {', '.join(absent)}; given: {', '.join(names)}"
        )
