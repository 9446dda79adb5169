"""Which picture a reference stands for, and when its host has to be asked."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich.classifiers import Failure
from coveo_enrich.enrichment.cache.sqlite_cache import ClassificationCache
from coveo_enrich.enrichment.cache.store import KnownImage, digest_of
from coveo_enrich.enrichment.looking.pictures import Pictures
from coveo_enrich.errors import ImageRejected
from coveo_enrich.images import ImageReader
from coveo_enrich.images.references import check_image_url

URL = "https://shop.example/1.jpg"
NOW = 1_000_000.0


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    """Pictures in a folder and in the web, at a certain time; what is known of a URL is believed for 60 seconds."""
    (tmp_path / "1.jpg").write_bytes(b"kayak")
    store = ClassificationCache(tmp_path / "cache.sqlite", url_ttl=60)
    return Pictures(ImageReader(image_root=tmp_path), store, fetched_at_once=1, now=lambda: NOW)


def always() -> bool:
    """Its host may be asked."""
    return True


def never() -> bool:
    """Its host may not be asked."""
    return False


def test_those_who_want_a_picture_at_the_same_time_share_it(pictures: Pictures) -> None:
    """Different spellings of a place are one picture, as long as somebody has it; then its bytes are let go."""
    one = pictures.of("1.jpg")
    assert pictures.of("./1.jpg") is one
    assert one.image.read() == b"kayak"
    gone = weakref.ref(one)
    del one
    gc.collect()
    assert gone() is None


def test_a_picture_is_told_by_its_bytes(pictures: Pictures) -> None:
    """The identity of what can be read is the digest of its bytes; what may not be asked for has none."""
    assert pictures.of("1.jpg").identity(never) is None
    assert pictures.of("1.jpg").identity(always) == digest_of(b"kayak")
    assert pictures.of("1.jpg").identity(never) == digest_of(b"kayak")


@pytest.mark.parametrize(("age", "is_believed"), [(0, True), (59, True), (60, False), (-59, True), (-60, False)])
def test_what_is_known_of_a_url_is_believed_for_a_while(pictures: Pictures, age: float, *, is_believed: bool) -> None:
    """Within url_ttl the identity of a URL is known without a request; a clock that was set back ends that too."""
    pictures.remember(URL, KnownImage("digest", etag='"1"', checked_at=NOW - age))
    assert pictures.believed(URL) == ("digest" if is_believed else None)


def test_what_may_not_be_asked_for_again_is_taken_as_it_was(pictures: Pictures) -> None:
    """Law 8: with the budget spent, an answer about the picture as it was last seen is better than none."""
    pictures.remember(URL, KnownImage("digest", etag='"1"', checked_at=NOW - 60))
    assert pictures.of(URL).identity(never) == "digest"


def test_a_dead_link_is_known_with_its_reason(pictures: Pictures) -> None:
    """It is refused without a request, in the words of the first time."""
    pictures.remember(URL, Failure("permanent", "the link is dead"))
    assert pictures.believed(URL) == Failure("permanent", "the link is dead")
    with pytest.raises(ImageRejected, match="the link is dead"):
        pictures.of(URL).identity(never)


def test_a_failed_picture_is_another_for_whoever_comes_next(pictures: Pictures, tmp_path: Path) -> None:
    """A failure is remembered for those who waited for it, and for nobody else."""
    one = pictures.of("2.jpg")
    with pytest.raises(ImageRejected):
        one.identity(always)
    assert not one.is_sound
    (tmp_path / "2.jpg").write_bytes(b"canoe")
    with pytest.raises(ImageRejected):
        one.image.read()
    assert pictures.of("2.jpg").identity(always) == digest_of(b"canoe")


@pytest.mark.parametrize("reference", ["missing.jpg", "../1.jpg", ".", "sub/1.jpg"])
def test_a_file_that_cannot_be_read_has_no_mark(pictures: Pictures, reference: str) -> None:
    """To look at a file raises nothing, and says of one that is there what `load` says."""
    assert pictures.reader.mark_of_file(reference) is None
    assert pictures.reader.mark_of_file("1.jpg") == pictures.reader.load("1.jpg").etag


@given(st.from_regex(r"(https?|HTTP|ftp)://[a-z0-9.@:\[\]-]{0,12}(:[0-9]{0,6})?[/?#]?[a-z/@:%?#\x00-\x20\ud800 ]{0,6}"))
def test_the_short_way_through_the_check_of_a_url_lets_nothing_through(url: str) -> None:
    """Law 15: whatever passes names a host, no credentials, and no port but 80 and 443."""
    try:
        check_image_url(url, ())
    except ImageRejected:
        return
    authority = url.split("://", 1)[1].split("/", maxsplit=1)[0].split("?", maxsplit=1)[0].split("#", maxsplit=1)[0]
    assert authority
    assert "@" not in authority
    port = authority.rpartition("]")[2].partition(":")[2]
    assert int(port or 80) in (80, 443)
    assert "\0" not in url
