"""GoogleVisionClassifier over real sockets, asked by the library's own pipeline: a service that has Google's limits."""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO
from threading import Semaphore

import pytest
from PIL import Image
from vision import KEY, classifier, picture
from vision_server import VisionServer, label_of, vision_server

from coveo_enrich import RetryPolicy
from coveo_enrich.classifiers import Classification, Failure, asking
from coveo_enrich.classifiers.asking import Asker, fitted
from coveo_enrich.classifiers.google.requests import LIMITS
from coveo_enrich.images import ProductImage


@pytest.fixture
def server() -> Iterator[VisionServer]:
    """A Vision over real sockets."""
    with vision_server() as running:
        yield running


@pytest.fixture(autouse=True)
def unwaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three tries, one right after the other."""
    monkeypatch.setattr(asking, "PATIENCE", RetryPolicy(attempts=3, first_wait_seconds=0, longest_wait_seconds=0))


def noise(seed: int, side: int) -> ProductImage:
    """A picture that no format makes small."""
    file = BytesIO()
    Image.frombytes("RGB", (side, side), random.Random(seed).randbytes(side * side * 3)).save(file, "PNG")  # noqa: S311 - no secret
    return picture(f"{seed}.png", file.getvalue())


def outcomes_of(server: VisionServer, *images: ProductImage) -> list[Classification | Failure]:
    """What becomes of pictures that are asked about at once."""
    with closing(classifier(api_url=server.url, images_per_second=None)) as asked:
        asker = Asker(asked, calls_at_once=2, reading=Semaphore(2), take=int)
        with ThreadPoolExecutor(len(images)) as threads:
            outcomes = list(threads.map(asker.ask, images))
        asker.stop()
    return [one for one in outcomes if one is not None]


def sole_label(outcome: Classification | Failure) -> str:
    """The label of the one thing that was seen."""
    assert isinstance(outcome, Classification), outcome
    (label,) = outcome.labels
    return label.name


def test_large_pictures_go_out_together_within_googles_limits(server: VisionServer) -> None:
    """Sixteen pictures of 1 MB fit into one call of 10 MB, and each gets the answer to what was sent of it."""
    images = [noise(seed, 600) for seed in range(16)]
    with closing(classifier(api_url=server.url)) as asked:
        outcomes = asked.classify_many(images)
    assert [sole_label(one) for one in outcomes] == [label_of(fitted(image, LIMITS).read()) for image in images]
    assert (server.batches, server.refused) == ([16], [])


def test_only_the_pictures_that_failed_are_asked_about_again(server: VisionServer) -> None:
    """Law 8: errors inside a success that may pass cost a second question about these pictures, no second answer."""
    images = [noise(seed, 40) for seed in range(12)]
    failing = zip(images[::3], (4, 8, 13, 14), strict=True)
    server.errors = {label_of(image.read()): {"code": code, "message": "later"} for image, code in failing}
    outcomes = outcomes_of(server, *images)
    assert [sole_label(one) for one in outcomes] == [label_of(image.read()) for image in images]
    assert set(Counter(server.answered).values()) == {1}
    assert sum(server.batches) == 12 + 4


def test_no_log_has_the_key(server: VisionServer, caplog: pytest.LogCaptureFixture) -> None:
    """Law 13: at the lowest level of every logger, nothing that is logged holds the key."""
    with caplog.at_level(logging.NOTSET):
        outcomes_of(server, noise(1, 40))
    assert caplog.records
    assert KEY not in caplog.text
