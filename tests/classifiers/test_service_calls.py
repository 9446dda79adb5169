"""What the status of a service means for a picture."""

from __future__ import annotations

import pytest

from coveo_enrich._http import Reply
from coveo_enrich.classifiers.service_calls import read_json, require_success
from coveo_enrich.errors import ConfigurationError, ImageRejected, ServiceUnavailable, Throttled


def reply(status: int, body: bytes = b"", secret: str = "", retry_after: str = "") -> Reply:
    """What a service answered."""
    return Reply(status, {"retry-after": retry_after}, body, secret)


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        *((status, ConfigurationError) for status in (301, 302, 307, 308, 401, 402, 403, 404, 405, 407, 410)),
        *((status, ServiceUnavailable) for status in (408, 425, 500, 502, 503, 504, 529)),
        *((status, ImageRejected) for status in (400, 413, 415, 422)),
        (429, Throttled),
    ],
)
def test_a_status_means_the_picture_the_service_or_the_setting(status: int, meaning: type[Exception]) -> None:
    """Laws 7 and 12: a moved service or a wrong key is no fault of a picture, and is not said once for each of them."""
    with pytest.raises(meaning, match=f"acme answered {status}"):
        require_success("acme", reply(status))


@pytest.mark.parametrize("status", [200, 201, 204])
def test_success_raises_nothing(status: int) -> None:
    """Every 2xx is one."""
    require_success("acme", reply(status))


def test_a_pause_is_handed_on() -> None:
    """Law 7: Retry-After of a 429 and of a 503 are seconds to wait; one that cannot be read is none."""
    with pytest.raises(Throttled) as slow:
        require_success("acme", reply(429, retry_after="7"))
    with pytest.raises(ServiceUnavailable) as down:
        require_success("acme", reply(503, retry_after="soon"))
    assert (slow.value.retry_after, down.value.retry_after) == (7, None)


def test_a_secret_that_a_service_repeats_is_not_told() -> None:
    """Law 13: a service that quotes the key in its refusal does not bring it into a log."""
    with pytest.raises(ConfigurationError) as caught:
        require_success("acme", reply(403, b"the key hunter2 is not valid", "hunter2"))
    assert "hunter2" not in str(caught.value)
    assert "is not valid" in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff", b"[" * 100_000, b"1" * 5_000])
def test_an_answer_that_is_no_json_may_be_another_one_later(body: bytes) -> None:
    """A page of a proxy, half an answer, or one made to trip the reader."""
    with pytest.raises(ServiceUnavailable, match="no JSON"):
        read_json("acme", reply(200, body))
