from __future__ import annotations

import pickle
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich import CoveoSource, Enricher, FieldMapping, FieldRule, ProductImage, StreamClient, Vocabulary
from coveo_enrich.catalog import read_products
from coveo_enrich.classifiers import Attribute, Classification, ColorClassifier, Label
from coveo_enrich.classifiers.declared import Declared
from coveo_enrich.enrichment import ClassificationCache, ImageQuery
from coveo_enrich.enrichment.cache.store import digest_of
from coveo_enrich.enrichment.looking import lookout
from coveo_enrich.errors import ConfigurationError, ImageRejected, ServiceUnavailable, Throttled
from coveo_enrich.images.image import LoadedImage
from coveo_enrich.index import CoveoSearch, FieldClient, FoundItems, ItemQuery
from coveo_enrich.sandbox import CoveoSandbox

CATALOG = Path(__file__).parents[2] / "examples" / "catalog"
TYPES = Vocabulary({"single seat": ["one person kayak"], "tandem": ["two person kayak"]})
REAL = Path(__file__).parents[3] / "shared" / "catalog"
PICTURE = CATALOG / "images" / "kayak-yellow.webp"
EXTRAS = Vocabulary({"rack": [], "hatch": []})
MAPPING = FieldMapping(
    [
        FieldRule(
            "accessories",
            reads="attribute:accessories",
            values="many",
            vocabulary=EXTRAS,
        ),
        FieldRule("kayak_type", reads="label", vocabulary=TYPES, min_confidence=0.5),
        FieldRule("ec_color", reads="attribute:color", vocabulary=Vocabulary.colors()),
    ]
)
SEEN = Classification(
    "acme",
    labels=(Label("one person kayak", 0.8),),
    attributes=(
        Attribute("color", "yellow", 0.9),
        Attribute("accessories", "rack", 0.4),
        Attribute("accessories", "hatch", 0.6),
    ),
)


@attrs.define
class Says:
    """A classifier that says the same of every picture, and counts how often it was asked."""

    said: Classification | Exception
    name: str = "acme"
    asked: int = 0

    def classify(self, image: ProductImage, /) -> Classification:
        """Say it."""
        image.read()
        self.asked += 1
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


def query_of(said: Classification | Exception, mapping: FieldMapping = MAPPING) -> ImageQuery:
    """What is searched for when a classifier says so."""
    return Enricher(Says(said), mapping).query(b"a picture")


def test_the_strict_expression_needs_every_value_the_surest_first() -> None:
    """Values come in the order of their confidence, each as the vocabulary spells it."""
    query = query_of(SEEN)
    assert query.strict == (
        '@ec_color=="Yellow" AND @kayak_type=="single seat" AND @accessories=="hatch" AND @accessories=="rack"'
    )
    assert [value.confidence for value in query.values] == [0.9, 0.8, 0.6, 0.4]


def test_the_ranked_expression_needs_the_surest_value_and_raises_items_with_the_others() -> None:
    """Only one value is needed; each other one is worth the same, by Coveo's own ranking extension."""
    assert query_of(SEEN).ranked == (
        '@ec_color=="Yellow"'
        ' $qre(expression: @kayak_type=="single seat", modifier: 100)'
        ' $qre(expression: @accessories=="hatch", modifier: 100)'
        ' $qre(expression: @accessories=="rack", modifier: 100)'
    )


def test_the_lenient_query_is_made_of_keywords() -> None:
    """Values become words without syntax, levels one after the other, each once."""
    vocabulary = Vocabulary(dict.fromkeys(["Footwear|Shoes", "Footwear|Boots"], ()))
    mapping = FieldMapping([FieldRule("ec_category", reads="label", values="many", vocabulary=vocabulary)])
    query = query_of(Classification("acme", labels=(Label("Shoes", 0.9), Label("Boots", 0.8))), mapping)
    assert query.lenient == "Footwear Shoes Boots"


def test_each_attempt_needs_one_value_less_and_the_last_is_of_keywords() -> None:
    """The order is from strict over ranked to lenient; what is not needed any more still raises."""
    query = query_of(SEEN)
    *expressions, lenient = query.attempts
    assert [one.expression.count("$qre") for one in expressions] == [0, 1, 2, 3]
    assert (expressions[0].expression, expressions[-1].expression) == (query.strict, query.ranked)
    assert lenient.parameters == {
        "q": "Yellow single seat hatch rack",
        "enableQuerySyntax": False,
        "partialMatch": True,
        "partialMatchKeywords": 2,
        "partialMatchThreshold": "50%",
    }


def test_what_was_not_scored_comes_last() -> None:
    """A value without a confidence is the first that an attempt does without."""
    said = Classification("acme", attributes=(Attribute("color", "red"), Attribute("accessories", "rack", 0.1)))
    assert query_of(said).strict == '@accessories=="rack" AND @ec_color=="Red"'


def test_numbers_and_flags_are_searched_for_as_such() -> None:
    """A number stands bare, a flag as the text that Coveo makes of it; keywords are made of neither."""
    mapping = FieldMapping(
        [
            FieldRule("seats", reads="attribute:seats", type="number"),
            FieldRule("waterproof", reads="attribute:waterproof", type="flag"),
        ]
    )
    said = Classification("acme", attributes=(Attribute("seats", "2", 0.9), Attribute("waterproof", "yes", 0.8)))
    query = query_of(said, mapping)
    assert (query.strict, query.lenient) == ('@seats==2 AND @waterproof=="true"', "")
    assert len(query.attempts) == 2


def test_rules_take_part_whatever_their_when() -> None:
    """Nothing is known of what a shopper looks for, so a rule for some products counts too."""
    mapping = FieldMapping([FieldRule("kayak_type", reads="label", vocabulary=TYPES, when={"ec_category": "Kayaks"})])
    assert query_of(SEEN, mapping).strict == '@kayak_type=="single seat"'


def test_a_rule_without_a_vocabulary_is_left_out_and_said() -> None:
    """A classifier's own words stand in no query, and the query says which value that is about."""
    query = query_of(SEEN, FieldMapping([FieldRule("material", reads="label")]))
    assert (query.strict, query.attempts) == ("", ())
    why = "its rule has no vocabulary, and a classifier's own words are not put into queries"
    assert query.left_out == (f"material: one person kayak (80%): {why}",)


def test_a_value_that_cannot_be_quoted_is_left_out_and_said() -> None:
    """Coveo's expressions have no form for a control character, so a value that holds one is not asked for."""
    mapping = FieldMapping([FieldRule("size", reads="label", vocabulary=Vocabulary({"long\nboard": ["board"]}))])
    query = query_of(Classification("acme", labels=(Label("board", 0.9),)), mapping)
    assert (query.strict, query.lenient) == ("", "")
    assert query.left_out == ("size: long\nboard (90%): no expression can hold a double quote or a control character",)


def test_what_is_in_no_vocabulary_is_reported() -> None:
    """A word that no value has is no part of the query, and stands beside it."""
    query = query_of(Classification("acme", labels=(Label("raft", 0.9),)))
    assert [(one.field, one.observation.seen) for one in query.unmapped] == [("kayak_type", "raft")]
    assert "not in the vocabulary of kayak_type: raft" in str(query)


def test_a_query_of_very_many_values_keeps_the_surest() -> None:
    """An expression stays within what gateways take; what does not fit is said."""
    words = [f"accessory number {number}" for number in range(300)]
    mapping = FieldMapping(
        [FieldRule("accessories", reads="label", values="many", vocabulary=Vocabulary(dict.fromkeys(words, ())))]
    )
    labels = tuple(Label(word, 1 - number / 1000) for number, word in enumerate(words))
    query = query_of(Classification("acme", labels=labels), mapping)
    assert [value.value for value in query.values] == words[: len(query.values)]
    assert max(len(one.expression) for one in query.attempts) <= 4_000
    assert len(query.left_out) == 300 - len(query.values)


def test_a_value_that_is_too_long_leaves_room_for_the_others() -> None:
    """Only what does not fit is left out."""
    mapping = FieldMapping(
        [FieldRule("words", reads="label", values="many", vocabulary=Vocabulary({"x" * 4_000: ["long"], "short": []}))]
    )
    query = query_of(Classification("acme", labels=(Label("long", 0.9), Label("short", 0.8))), mapping)
    assert query.strict == '@words=="short"'
    assert ["too long" in reason for reason in query.left_out] == [True]


@pytest.mark.parametrize(("values", "attempts"), [(1, 1), (2, 2), (8, 8), (9, 5), (16, 6), (60, 8)])
def test_however_many_values_a_few_attempts_are_made(values: int, attempts: int) -> None:
    """Each costs a search while a shopper waits; the first is strict, the last before the lenient one ranked."""
    words = [f"w{number}" for number in range(values)]
    mapping = FieldMapping(
        [FieldRule("w", reads="label", values="many", vocabulary=Vocabulary(dict.fromkeys(words, ())))]
    )
    query = query_of(Classification("acme", labels=tuple(Label(word, 0.9) for word in words)), mapping)
    *expressions, _lenient = query.attempts
    assert (expressions[0].expression, expressions[-1].expression) == (query.strict, query.ranked)
    assert len(expressions) == attempts


def test_a_small_number_has_no_exponent() -> None:
    """Coveo's expressions know no exponents."""
    mapping = FieldMapping([FieldRule("n", reads="label", type="number")])
    assert query_of(Classification("acme", labels=(Label("0.0000001", 0.9),)), mapping).strict == "@n==0.0000001"


TEXTS = st.text(min_size=1) | st.text(alphabet="\"$(){}@=\\'; ANDOR", min_size=1)
KNOWN = st.sampled_from(["one person kayak", "two person kayak", "yellow", "Red"])
SAID = st.lists(TEXTS | KNOWN | st.tuples(KNOWN, TEXTS).map("".join), max_size=5)
QUOTED = re.compile(r'"[^"]*"')


@given(
    known=st.lists(KNOWN, max_size=2),
    labels=SAID,
    colors=SAID,
    scores=st.floats(0.5, 1),
)
def test_nothing_that_a_classifier_says_gets_into_a_query(
    known: Sequence[str], labels: Sequence[str], colors: Sequence[str], scores: float
) -> None:
    """Whatever words come back, every attempt is made of the vocabulary's values and Coveo's syntax alone."""
    said = Classification(
        "acme",
        labels=tuple(Label(text, scores) for text in (*known, *labels)),
        attributes=tuple(Attribute("color", text, scores) for text in (*known, *colors)),
    )
    mapping = FieldMapping(
        [
            FieldRule("kayak_type", reads="label", vocabulary=TYPES),
            FieldRule("ec_color", reads="attribute:color", vocabulary=Vocabulary.colors()),
            FieldRule("words", reads="label"),
        ]
    )
    query = query_of(said, mapping)
    values = {*TYPES.values, *Vocabulary.colors().values}
    for attempt in query.attempts:
        assert {text.strip('"') for text in QUOTED.findall(attempt.expression)} <= values
        assert re.fullmatch(SYNTAX, QUOTED.sub("", attempt.expression))
        assert {*attempt.keywords.split()} <= {word for value in values for word in value.split()}
    assert len(query.attempts) > 1 or not known


SYNTAX = r"(@(ec_color|kayak_type)==| AND | ?\$qre\(expression: |, modifier: 100\))*"


def test_a_classifier_that_fails_leaves_the_others_answers() -> None:
    """What failed is a value beside the query."""
    enricher = Enricher([Says(SEEN), Says(ImageRejected("too dark"), name="other")], MAPPING)
    query = enricher.query(b"a picture")
    assert query.strict.startswith('@ec_color=="Yellow"')
    assert [(one.classifier, one.reason) for one in query.failures] == [("other", "too dark")]


def test_a_rule_that_fails_leaves_the_others() -> None:
    """A function of the user's that raises costs its own field only."""

    def broken(_seen: Classification) -> list[tuple[str, float | None]]:
        raise RuntimeError("oops")

    mapping = FieldMapping([FieldRule("odd", reads=broken), *MAPPING.rules])
    query = query_of(SEEN, mapping)
    assert query.strict.startswith('@ec_color=="Yellow"')
    assert ["odd" in one.reason and "oops" in one.reason for one in query.failures] == [True]


def test_a_classifier_that_no_rule_believes_is_not_asked() -> None:
    """What could change nothing costs nothing."""
    other = Says(SEEN, name="other")
    mapping = FieldMapping([attrs.evolve(rule, reads=_of_acme(rule)) for rule in MAPPING.rules])
    Enricher([Says(SEEN), other], mapping).query(b"a picture")
    assert other.asked == 0


def _of_acme(rule: FieldRule) -> tuple[Any, ...]:
    return tuple(attrs.evolve(evidence, of="acme") for evidence in rule.reads)


def test_a_wrong_key_raises() -> None:
    """A classifier that cannot work at all is a mistake to mend, not a query without values."""
    with pytest.raises(ConfigurationError, match="no such key"):
        query_of(ConfigurationError("no such key"))


def test_a_classifier_that_worked_before_is_done_without_when_its_key_is_revoked() -> None:
    """Law 12: a shop's search by picture does not end with one key; once the key is mended, so is the classifier."""
    revoked, works = ConfigurationError("revoked"), Says(SEEN)
    enricher = Enricher([works, ColorClassifier()], MAPPING)
    enricher.query(PICTURE)
    works.said = revoked
    query = enricher.query(PICTURE)
    assert [(one.kind, one.classifier, one.reason) for one in query.failures] == [("configuration", "acme", "revoked")]
    works.said = SEEN
    assert enricher.query(PICTURE).strict == query_of(SEEN).strict


def test_a_classifier_that_worked_in_a_run_has_worked_for_queries() -> None:
    """A key that is revoked after a run is a failure of the next query, and does not raise."""
    works = Says(SEEN)
    enricher = Enricher(works, MAPPING, image_root=CATALOG)
    list(enricher.enrich([{"documentId": "p://1", "ec_images": "images/tent-red.webp"}]))
    works.said = ConfigurationError("revoked")
    assert [one.kind for one in enricher.query(PICTURE).failures] == ["configuration"]


@attrs.define
class Crowd:
    """A classifier that notes how many calls are under way at once, and ends one when another has come or none can."""

    most: int = 0
    now: int = 0
    name: str = "acme"
    lock: threading.Lock = attrs.field(factory=threading.Lock)
    full: threading.Event = attrs.field(factory=threading.Event)

    def classify(self, image: ProductImage, /) -> Classification:
        """Wait until there are two at once."""
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            if self.now == 2:
                self.full.set()
        self.full.wait(5)
        with self.lock:
            self.now -= 1
        return Classification(self.name, labels=(Label(str(len(image.read())), 0.9),))


def test_queries_and_runs_of_an_enricher_keep_to_its_concurrency_together() -> None:
    """Sixteen shoppers at once, beside a run, make no more calls at once than the enricher was given."""
    crowd = Crowd()
    enricher = Enricher(crowd, MAPPING, concurrency=2, image_root=CATALOG)
    paths = list((CATALOG / "images").iterdir())
    products = [{"documentId": f"p://{n}", "ec_images": f"images/{path.name}"} for n, path in enumerate(paths)]
    with ThreadPoolExecutor(17) as threads:
        run = threads.submit(lambda: list(enricher.enrich(products)))
        queries = [threads.submit(enricher.query, bytes(number + 1)) for number in range(16)]
        assert len(run.result()) == len(products)
        assert all(query.result().failures == () for query in queries)
    assert crowd.most == 2


def test_a_query_asks_all_classifiers_at_the_same_time() -> None:
    """A shopper waits for the slowest of them, and not for their sum: here each waits for the call of the other."""
    meeting = threading.Barrier(2)

    @attrs.define
    class Meets(Says):
        def classify(self, image: ProductImage, /) -> Classification:
            image.read()
            meeting.wait(30)
            return attrs.evolve(SEEN, classifier=self.name)

    query = Enricher([Meets(SEEN), Meets(SEEN, name="other")], MAPPING).query(b"a picture")
    assert (query.failures, len(query.values)) == ((), 4)


def test_a_shopper_does_not_wait_as_a_night_does() -> None:
    """A service that asks for a long pause is not waited for, and the next query does not even ask it."""
    throttled = Says(Throttled("slow down", 3_000))
    enricher = Enricher(throttled, MAPPING)
    first, second = enricher.query(b"one"), enricher.query(b"two")
    assert [one.kind for one in (*first.failures, *second.failures)] == ["throttled", "throttled"]
    assert throttled.asked == 1


def test_a_query_asks_once_more_at_most() -> None:
    """A service that is down costs a shopper two calls."""
    down = Says(ServiceUnavailable("down"))
    assert [one.reason for one in Enricher(down, MAPPING).query(b"a picture").failures] == ["down"]
    assert down.asked == 2


def test_a_picture_that_comes_slowly_holds_up_no_other_query() -> None:
    """What one shopper's phone takes to send its picture is no matter of the others."""
    enricher = Enricher(Says(SEEN), MAPPING)
    begun, answered = threading.Event(), threading.Event()

    def slow() -> LoadedImage:
        begun.set()
        answered.wait(60)
        return LoadedImage(b"slow")

    with ThreadPoolExecutor(2) as threads:
        waits = threads.submit(enricher.query, ProductImage("slow.png", load=slow))
        begun.wait(60)
        quick = threads.submit(enricher.query, b"quick")
        try:
            assert quick.result(30).values
        finally:
            answered.set()
        assert waits.result().values


def test_a_claim_of_another_process_is_not_waited_for_as_in_a_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A run waits until the other has paid; a shopper is answered, at the price of a second call."""
    says = Says(SEEN)
    monkeypatch.setattr(lookout, "_SHOPPER_WAITS", 0.1)
    enricher = Enricher(says, MAPPING, cache=tmp_path / "cache.sqlite")
    with ClassificationCache(tmp_path / "cache.sqlite") as other, ThreadPoolExecutor(1) as threads:
        assert other.claim(digest_of(b"a picture"), Declared.of(says).fingerprint)
        query = threads.submit(enricher.query, b"a picture").result(60)  # a run waits for two minutes
    assert (query.values[0].value, says.asked) == ("Yellow", 1)


def test_an_upload_that_is_too_large_is_not_paid_for() -> None:
    """What a catalog's picture may not weigh, a shopper's may not either."""
    says = Says(SEEN)
    query = Enricher(says, MAPPING).query(bytes(16_000_001))
    assert [one.reason for one in query.failures] == ["it is larger than 16,000,000 bytes"]
    assert says.asked == 0


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no file without an end here")
def test_a_file_is_read_no_further_than_a_picture_may_be_large() -> None:
    """A file without an end is refused as every other one that is too large."""
    query = Enricher(Says(SEEN), MAPPING).query(Path("/dev/zero"))
    assert [one.reason for one in query.failures] == ["it is larger than 16,000,000 bytes"]


@pytest.mark.parametrize(
    "reference", ["http://169.254.169.254/latest", "http://127.0.0.1:9/x.png", "s3://bucket/x.png", "gs://bucket/x.png"]
)
def test_a_reference_that_reaches_what_it_should_not_is_given_to_no_classifier(reference: str) -> None:
    """Law 15: a service that fetches by itself is no way around; what a shopper names is read here or not at all."""
    says = Says(SEEN)
    query = Enricher(says, MAPPING).query(reference)
    assert [one.image for one in query.failures] == [reference]
    assert says.asked == 0


def test_a_picture_that_was_looked_at_costs_nothing(tmp_path: Path) -> None:
    """The cache of the runs answers, and what a query pays for is kept for them."""
    says = Says(SEEN)
    (tmp_path / "kayak.png").write_bytes(b"a picture")
    enricher = Enricher(says, MAPPING, image_root=tmp_path, cache=tmp_path / "cache.sqlite")
    list(enricher.enrich([{"documentId": "p://1", "ec_images": "kayak.png"}]))
    forms: list[ProductImage | bytes | str | Path] = [
        b"a picture",
        "kayak.png",
        tmp_path / "kayak.png",
        ProductImage.from_bytes(b"a picture"),
    ]
    assert {enricher.query(form).strict for form in forms} == {query_of(SEEN).strict}
    assert says.asked == 1


def test_the_budget_of_runs_does_not_bind_a_query() -> None:
    """A shopper's picture is looked at although a run may ask nothing."""
    assert Enricher(Says(SEEN), MAPPING, budget=0).query(b"a picture").values


UNREADABLE: Mapping[str, ProductImage | bytes | str | Path] = {
    "no picture": b"not a picture",
    "nothing": b"",
    "no file": Path("there is none.png"),
    "a path outside the root": "../secret.png",
    "a private address": "http://127.0.0.1:9/kayak.png",
}


@pytest.mark.parametrize("image", UNREADABLE.values(), ids=UNREADABLE)
def test_a_picture_that_cannot_be_had_is_a_failure(image: ProductImage | bytes | str | Path, tmp_path: Path) -> None:
    """The query is empty, says why, and has no attempt that would find everything."""
    query = Enricher(ColorClassifier(), MAPPING, image_root=tmp_path).query(image)
    assert (query.values, query.strict, query.ranked, query.lenient, query.attempts) == ((), "", "", "", ())
    assert len(query.failures) == 1
    assert str(query).startswith("nothing to search for\nfailed: ")


def test_what_is_no_picture_at_all_raises() -> None:
    """A product, for example, is a mistake of the caller's."""
    with pytest.raises(ConfigurationError, match="a picture is wanted"):
        Enricher(Says(SEEN), MAPPING).query({"ec_images": "x"})  # type: ignore[arg-type]


def test_a_query_is_shown_in_a_notebook_with_everything_escaped() -> None:
    """A word of a classifier's is text."""
    query = query_of(Classification("acme", labels=(Label("<b>raft</b>", 0.9),)))
    assert "&lt;b&gt;raft" in query._repr_html_()  # pyright: ignore[reportPrivateUsage] - what notebooks call


def test_a_query_pickles() -> None:
    """A query that was pickled and unpickled, as on the way to another process, equals itself."""
    query = query_of(SEEN)
    assert pickle.loads(pickle.dumps(query)) == query  # noqa: S301 - pickled here


def test_people_stay_out_of_queries() -> None:
    """What a picture says of a person's sex is no part of a query, unless the enricher was told otherwise."""
    mapping = FieldMapping([FieldRule("ec_gender", reads="label", vocabulary=Vocabulary({"Woman": [], "Man": []}))])
    said = Classification("acme", labels=(Label("woman", 0.9),))
    query = query_of(said, mapping)
    assert (query.values, query.people_labels) == ((), 1)
    assert "labels about people, left out: 1" in str(query)
    assert Enricher(Says(said), mapping, people_labels=True).query(b"x").strict == '@ec_gender=="Woman"'


# Against a sandbox


@pytest.fixture
def shop(sandbox: CoveoSandbox) -> Iterator[Callable[..., FoundItems]]:
    """Return a function that fills a source with items and searches it."""
    source = CoveoSource(**sandbox.connection)
    _make_fields(source, MAPPING)
    with StreamClient(source) as client, CoveoSearch(source) as search:

        def find(
            query: ItemQuery | Sequence[ItemQuery], *items: Mapping[str, Any], fields: Sequence[str]
        ) -> FoundItems:
            client.load(
                ({"documentId": f"p://{n}", "objecttype": "Product", **item} for n, item in enumerate(items)),
                allow_shrink=True,
            )
            sandbox.advance(minutes=16)  # what is not in a load leaves a quarter of an hour later
            return search.find(query, fields=fields)

        yield find


def _make_fields(source: CoveoSource, mapping: FieldMapping) -> None:
    with FieldClient(source) as fields:
        fields.apply(fields.plan(mapping.needs()))


YELLOW_SINGLE = {"ec_name": "both", "ec_color": "Yellow", "kayak_type": "single seat"}
YELLOW_TANDEM = {"ec_name": "color", "ec_color": "Yellow", "kayak_type": "tandem"}
RED_SINGLE = {"ec_name": "type", "ec_color": "Red", "kayak_type": "single seat"}
FULL = {**YELLOW_SINGLE, "ec_name": "all", "accessories": ["rack", "hatch"]}


def names(found: FoundItems) -> list[str]:
    """What the items that were found are called."""
    return [item.fields["ec_name"] for item in found.items]


def test_the_first_attempt_that_finds_something_counts(shop: Callable[..., FoundItems]) -> None:
    """The strict one where an item has all; else the closest items, and which query found them is told."""
    query, fields = query_of(SEEN), ["ec_name"]
    found = shop(query.attempts, RED_SINGLE, YELLOW_TANDEM, YELLOW_SINGLE, FULL, fields=fields)
    assert (names(found), found.total, found.query) == (["all"], 1, query.attempts[0])
    found = shop(query.attempts, RED_SINGLE, YELLOW_TANDEM, YELLOW_SINGLE, fields=fields)
    assert (names(found), found.query) == (["both"], query.attempts[2])
    found = shop(query.attempts, RED_SINGLE, YELLOW_TANDEM, fields=fields)
    assert (names(found), found.query) == (["color"], query.attempts[3])
    with_rack = {**RED_SINGLE, "ec_name": "type and rack", "accessories": ["rack"]}
    found = shop(query.attempts, RED_SINGLE, with_rack, fields=fields)
    assert (names(found), found.query) == (["type and rack"], query.attempts[4])


def test_the_ranked_query_puts_items_with_more_values_first(shop: Callable[..., FoundItems]) -> None:
    """All yellow items are found, in the order of what else they have."""
    query = ItemQuery(expression=query_of(SEEN).ranked)
    found = shop(query, YELLOW_TANDEM, RED_SINGLE, FULL, YELLOW_SINGLE, fields=["ec_name"])
    assert names(found) == ["all", "both", "color"]


def test_nothing_is_found_when_nothing_was_seen(shop: Callable[..., FoundItems]) -> None:
    """An empty query does not find the whole shop."""
    found = shop(query_of(Classification("acme")).attempts, FULL, fields=["ec_name"])
    assert found == FoundItems()


def test_every_product_with_a_color_is_found_by_its_own_picture(sandbox: CoveoSandbox) -> None:
    """The yellow kayak by its yellow picture, and so with all products of the example catalog that got a colour."""
    mapping = FieldMapping(
        [FieldRule("ec_color", reads="color", vocabulary=Vocabulary.colors(), min_confidence=0.3, existing="replace")]
    )
    enricher = Enricher(ColorClassifier(), mapping, image_root=CATALOG)
    enriched = list(enricher.enrich(read_products(CATALOG / "products.jsonl")))
    source = CoveoSource(**sandbox.connection)
    _make_fields(source, mapping)
    with StreamClient(source) as client:
        client.load(one.document for one in enriched)
    with CoveoSearch(source) as search:
        found = {
            one.product["ec_product_id"]: search.find(
                enricher.query(one.changes[0].evidence[0].image).attempts, fields=["ec_product_id"]
            )
            for one in enriched
            if one.changes
        }
    assert len(found) == 12
    missed = [
        product
        for product, what in found.items()
        if product not in [item.fields["ec_product_id"] for item in what.items]
    ]
    assert missed == []
    assert [item.fields["ec_product_id"] for item in found["kayak-yellow"].items] == ["kayak-yellow"]


@pytest.mark.skipif(not REAL.is_dir(), reason="the catalog with real photographs is not there")
def test_every_real_product_is_found_by_each_of_its_photographs(sandbox: CoveoSandbox) -> None:
    """Real photographs find their product at the first attempt, among no more than half of the catalog.

    Their catalog lies beside the repository and is not a part of it.
    """
    mapping = FieldMapping(
        [
            FieldRule("color", reads="color", vocabulary=Vocabulary.colors(), min_confidence=0.3),
            FieldRule("colors", reads="color", vocabulary=Vocabulary.colors(), min_confidence=0.1, values="many"),
        ]
    )
    source = CoveoSource(**sandbox.connection)
    _make_fields(source, mapping)
    enricher = Enricher(ColorClassifier(), mapping, image_root=REAL)
    products = list(read_products(REAL / "products.jsonl"))
    with StreamClient(source) as client:
        client.load(one.document for one in enricher.enrich(products))
    missed: list[str] = []
    with CoveoSearch(source) as search:
        for product in products:
            for picture in product["ec_images"]:
                query = enricher.query(picture)
                found = search.find(query.attempts, fields=["ec_product_id"], most=len(products))
                ids = [item.fields["ec_product_id"] for item in found.items]
                if product["ec_product_id"] not in ids or found.query != query.attempts[0] or len(ids) > 11:
                    missed.append(picture)
    assert missed == []
