"""What answers of the Stream API hold: containers, and the headers that an upload to them needs."""

from __future__ import annotations

from typing import Any

import pytest

from coveo_enrich.errors import CoveoRefused
from coveo_enrich.stream.endpoints import parse_container, parse_file_container

URI = "https://bucket.s3.amazonaws.com/key?X-Amz-Signature=5e11"


def headers_of(required: object) -> dict[str, str]:
    """What an upload carries when a container requires this."""
    return dict(parse_container({"uploadUri": URI, "requiredHeaders": required}).required_headers)


@pytest.mark.parametrize(
    "required",
    [
        {"x-amz-server-side-encryption": "AES256", "Content-Type": "application/octet-stream"},
        {"X_odd!#$%&'*+.^`|~9": 'a, b; c="d"'},
        {"X-Empty": ""},
        {},
    ],
)
def test_required_headers_are_kept_as_they_are(required: dict[str, str]) -> None:
    """Law 6: names and values to the letter."""
    assert headers_of(required) == required


def test_an_answer_may_require_none() -> None:
    """Law 6: nothing, or null, requires nothing."""
    assert headers_of(None) == {}
    assert parse_container({"uploadUri": URI}).required_headers == {}


@pytest.mark.parametrize("name", ["", " ", "X Y", " X", "X ", "X:", "X\r\nY", "X\n", "é", "X(y)", "X\x00", "X\t"])
def test_a_name_that_cannot_stand_in_a_request_is_refused(name: str) -> None:
    """Law 6: that is an answer without usable headers, told before anything is uploaded."""
    with pytest.raises(CoveoRefused, match=r"ask for a chunk container.*no usable requiredHeaders"):
        headers_of({"X-Good": "1", name: "value"})


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\n", "\n", "é", "a\x00", "a\x7f", "a\tb", " a", "a ", " "])
def test_a_value_that_cannot_stand_in_a_request_is_refused(value: str) -> None:
    """Law 6: a line end would make two headers of one; blanks at an end do not arrive."""
    with pytest.raises(CoveoRefused, match="no usable requiredHeaders"):
        headers_of({"X-Good": "1", "X": value})


@pytest.mark.parametrize(
    "name", ["Authorization", "Proxy-Authorization", "Transfer-Encoding", "Content-Encoding", "Host"]
)
@pytest.mark.parametrize("spelt", [str.lower, str.upper, str])
def test_what_no_upload_carries_is_refused(name: str, spelt: Any) -> None:  # noqa: ANN401 - one of three functions
    """Law 6: no key, no encoding and no other host, however the name is spelt."""
    with pytest.raises(CoveoRefused, match="no usable requiredHeaders"):
        headers_of({spelt(name): "value"})


@pytest.mark.parametrize("name", ["Content-Length", "content-length", "CONTENT-LENGTH"])
def test_an_upload_states_its_own_length(name: str) -> None:
    """Law 6: one that an answer names is left out; two would contradict each other."""
    assert headers_of({"X": "y", name: "5"}) == {"X": "y"}


@pytest.mark.parametrize("required", [["X"], "X: y", 7])
def test_headers_that_are_no_object_are_refused(required: object) -> None:
    """Law 6: they name nothing."""
    with pytest.raises(CoveoRefused, match="no usable requiredHeaders"):
        headers_of(required)


@pytest.mark.parametrize("uri", ["https://user:word@host/key", "https://user@host/key", "ftp://host/key", "/key", ""])
def test_a_place_that_cannot_be_uploaded_to_is_refused(uri: str) -> None:
    """Law 6: a user before the host would go out as an Authorization header."""
    with pytest.raises(CoveoRefused, match=r"ask for a file container.*no usable uploadUri"):
        parse_file_container({"uploadUri": uri, "fileId": "f-1"})
