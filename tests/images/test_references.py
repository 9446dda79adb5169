from __future__ import annotations

import posixpath
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coveo_enrich.errors import ConfigurationError, ImageRejected
from coveo_enrich.images.references import (
    check_image_url,
    is_trusted,
    is_url,
    references_in,
    relative_path,
    require_host,
    url_under,
)


@pytest.mark.parametrize(
    ("value", "references"),
    [
        (None, ()),
        ("", ()),
        ("  ", ()),
        (";;", ()),
        ([], ()),
        (["", "  "], ()),
        ("a.jpg", ("a.jpg",)),
        ("a.jpg;b.jpg", ("a.jpg", "b.jpg")),
        (" a.jpg ; b.jpg ;", ("a.jpg", "b.jpg")),
        ("a.jpg;a.jpg;b.jpg", ("a.jpg", "b.jpg")),
        ("my photo.jpg", ("my photo.jpg",)),
        ("a,b.jpg", ("a,b.jpg",)),
        (["b.jpg", "a.jpg", "b.jpg"], ("b.jpg", "a.jpg")),
        (("a.jpg", " b.jpg "), ("a.jpg", "b.jpg")),
        (["a;b.jpg"], ("a;b.jpg",)),
        ("https://a.example/1.jpg;https://a.example/2.jpg", ("https://a.example/1.jpg", "https://a.example/2.jpg")),
        ("https://a.example/1.jpg; http://a.example/2.jpg", ("https://a.example/1.jpg", "http://a.example/2.jpg")),
        ("https://a.example/1.jpg;v=2", ("https://a.example/1.jpg;v=2",)),
        ("https://a.example/1;v=2;https://a.example/2", ("https://a.example/1;v=2", "https://a.example/2")),
    ],
)
def test_references_come_out_of_a_field_in_order_and_once(value: object, references: tuple[str, ...]) -> None:
    """A list, or one text with ``;`` between references, gives each reference once, trimmed, blank ones left out."""
    assert references_in(value).texts == references


@pytest.mark.parametrize(
    ("text", "references"),
    [
        ("b.jpg;https://a.example/1.jpg", ("b.jpg", "https://a.example/1.jpg")),
        ("a.jpg;b.jpg;https://a.example/1.jpg", ("a.jpg", "b.jpg", "https://a.example/1.jpg")),
        ("HTTPS://a.example/1.jpg;HTTPS://a.example/2.jpg", ("HTTPS://a.example/1.jpg", "HTTPS://a.example/2.jpg")),
    ],
)
def test_paths_and_urls_of_any_spelling_are_told_apart(text: str, references: tuple[str, ...]) -> None:
    """A ``;`` may be a part of a URL only after a URL began, and a URL begins with its scheme in any case."""
    assert references_in(text).texts == references


@pytest.mark.parametrize("value", [7, 1.5, True, b"a.jpg", {"url": "a.jpg"}, {"a.jpg"}, object(), bytearray(b"a")])
def test_an_image_field_of_another_type_is_named(value: object) -> None:
    """An image field that is neither text nor a list holds no reference, and its type is named."""
    assert references_in(value).texts == ()
    assert references_in(value).odd == (f"the image field holds {type(value).__name__} where a text should be",)


@pytest.mark.parametrize("odd", [7, ["a.jpg"], {"url": "a.jpg"}, b"a.jpg"])
def test_an_odd_entry_of_a_list_does_not_hide_the_others(odd: object) -> None:
    """Law 9: each entry that is no text is named, and the texts beside it are references all the same."""
    value = ["a.jpg", odd, None, "b.jpg", odd]
    assert references_in(value).texts == ("a.jpg", "b.jpg")
    assert references_in(value).odd == (f"the image field holds {type(odd).__name__} where a text should be",) * 2


@pytest.mark.parametrize("value", [None, "", [], [None], ["", " "], "a.jpg", ["a.jpg", None, float("nan")]])
def test_nulls_and_blanks_are_not_odd(value: object) -> None:
    """What an export writes for nothing is nothing, not a mistake."""
    assert references_in(value).odd == ()


@pytest.mark.parametrize(
    "reference", ["http://a.example/x", "https://a.example/x", "HTTP://A.EXAMPLE/X", "HttpS://a.example"]
)
def test_http_and_https_are_urls_in_any_case(reference: str) -> None:
    """Schemes are compared without case."""
    assert is_url(reference)


@pytest.mark.parametrize("reference", ["a.jpg", "httpx://a", "http:/a", "//a.example/x", "ftp://a.example", "http"])
def test_nothing_else_is_a_url(reference: str) -> None:
    """Only ``http://`` and ``https://`` make a URL."""
    assert not is_url(reference)


@pytest.mark.parametrize(
    "reference",
    [
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "file:passwd",
        "data:image/png;base64,AAAA",
        "ftp://a.example/x.jpg",
        "javascript:alert(1)",
        "jar:file:///x",
        "gopher://a.example",
        "http:/a.example/x.jpg",
        "http:a.jpg",
        "s3://bucket/x.jpg",
        "view-source:http://a.example",
    ],
)
def test_another_scheme_is_refused(reference: str) -> None:
    """Law 15: a reference with a scheme besides http and https is refused by name."""
    with pytest.raises(ImageRejected, match="scheme"):
        relative_path(reference)


@pytest.mark.parametrize(
    "reference",
    [
        "..",
        "../x.jpg",
        "a/../../x.jpg",
        "a/b/../../../x.jpg",
        "./../x.jpg",
        "..\\x.jpg",
        "a\\..\\..\\x.jpg",
        "a/..\\../x.jpg",
        "a\\../..\\x.jpg",
        "/etc/passwd",
        "//host/share/x.jpg",
        "///x.jpg",
        "\\x.jpg",
        "\\\\server\\share\\x.jpg",
        "\\\\?\\C:\\x.jpg",
        "C:\\x.jpg",
        "C:/x.jpg",
        "c:x.jpg",
        ".",
        "./",
        "a/..",
        "",
        "../" * 40 + "etc/passwd",
    ],
)
def test_a_path_out_of_the_root_is_refused(reference: str) -> None:
    """Law 15: no spelling climbs out of the root, starts at another one, or names the root itself.

    The same on every operating system: a drive is a drive also where the library runs on Linux.
    """
    with pytest.raises(ImageRejected, match="leaves the image root"):
        relative_path(reference)


@pytest.mark.parametrize("reference", ["a\0.jpg", "\0", "a/\0/x.jpg", "..\0/x.jpg"])
def test_a_nul_character_is_refused(reference: str) -> None:
    """Law 15: a NUL, which ends a path for the operating system, is refused."""
    with pytest.raises(ImageRejected):
        relative_path(reference)


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("a.jpg", "a.jpg"),
        ("./a.jpg", "a.jpg"),
        ("images/a.jpg", "images/a.jpg"),
        ("images\\a.jpg", "images/a.jpg"),
        ("images//a.jpg", "images/a.jpg"),
        ("images/./a.jpg", "images/a.jpg"),
        ("images/../a.jpg", "a.jpg"),
        ("..a.jpg", "..a.jpg"),
        ("a..jpg", "a..jpg"),
        ("...", "..."),
        ("my photo #1?.jpg", "my photo #1?.jpg"),
        ("100%.jpg", "100%.jpg"),
        ("%2e%2e/a.jpg", "%2e%2e/a.jpg"),
        ("images/a:b.jpg", "images/a:b.jpg"),
        ("~/a.jpg", "~/a.jpg"),
        ("$HOME/a.jpg", "$HOME/a.jpg"),
        ("café.jpg", "café.jpg"),
    ],
)
def test_a_path_in_the_root_is_taken_literally(reference: str, path: str) -> None:
    """Nothing in a path is decoded or expanded: blanks, ``#``, ``?``, ``%``, ``~`` and ``$`` are parts of names."""
    assert relative_path(reference) == path


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "..", ".", "", "/", "\\", "%2e%2e", "%2f", "C:", "\0", " "]), max_size=8))
def test_no_path_that_passes_leaves_the_root(parts: list[str]) -> None:
    """Law 15: whatever passes stays below the root when it is joined to it."""
    reference = "/".join(parts)
    try:
        path = relative_path(reference)
    except ImageRejected:
        return
    joined = posixpath.normpath(posixpath.join("/the/top", path.replace("\\", "/")))
    assert joined.startswith("/the/top/")


@pytest.mark.parametrize("path", ["my photo.jpg", "a#b.jpg", "a?b.jpg", "100%.jpg", "%2e%2e/x", "a&b=c;d.jpg", "é.jpg"])
@pytest.mark.parametrize("root", ["http://127.0.0.1:8000", "http://127.0.0.1:8000/", "http://127.0.0.1:8000/deep/"])
def test_a_path_below_a_root_url_reaches_the_host_as_it_was(root: str, path: str) -> None:
    """Characters that mean something in a URL are encoded, so the host decodes the very name in the catalog."""
    url = urlsplit(url_under(root, path))
    assert unquote(url.path) == f"{urlsplit(root).path.rstrip('/')}/{path}"
    assert (url.query, url.fragment) == ("", "")


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/x.jpg",
        "https://a.example/x.jpg?w=1#top",
        "http://a.example:80/x.jpg",
        "https://a.example:443/x.jpg",
        "HTTPS://A.EXAMPLE/x.jpg",
        "https://[2606:4700::1]/x.jpg",
        "https://bücher.example/x.jpg",
    ],
)
def test_an_ordinary_url_passes(url: str) -> None:
    """Http and https at their ports pass; the address is looked at when the connection is made."""
    check_image_url(url, ())


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://a.example/x.jpg", "not an http"),
        ("http://", "with a host"),
        ("http:///x.jpg", "with a host"),
        ("https://:443/x.jpg", "with a host"),
        ("http://user@a.example/x.jpg", "credentials"),
        ("http://user:secret@a.example/x.jpg", "credentials"),
        ("http://:secret@a.example/x.jpg", "credentials"),
        ("http://@a.example/x.jpg", "credentials"),
        ("http://a.example:22/x.jpg", "port 22"),
        ("http://a.example:8080/x.jpg", "port 8080"),
        ("http://a.example:0/x.jpg", "port 0"),
        ("http://a.example:99999/x.jpg", "cannot be understood"),
        ("http://a.example:-1/x.jpg", "cannot be understood"),
        ("http://a.example:http/x.jpg", "cannot be understood"),
        ("http://[::1/x.jpg", "cannot be understood"),
        ("http://[nonsense]/x.jpg", "cannot be understood"),
    ],
)
def test_a_url_is_refused_by_what_it_says(url: str, reason: str) -> None:
    """Law 15: no credentials, no other ports, no other schemes, nothing that cannot be understood."""
    with pytest.raises(ImageRejected, match=reason):
        check_image_url(url, ())


def test_a_refusal_does_not_repeat_credentials() -> None:
    """Law 13: the credentials in a URL are not in the reason that goes into reports."""
    with pytest.raises(ImageRejected) as caught:
        check_image_url("http://user:hunter2@a.example/x.jpg", ())
    assert "hunter2" not in str(caught.value)


def test_a_trusted_host_may_have_any_port() -> None:
    """A host named as trusted is reached at any port, a host with a port only there."""
    check_image_url("http://a.example:8080/x.jpg", ("a.example",))
    check_image_url("http://a.example:8080/x.jpg", ("a.example:8080",))
    with pytest.raises(ImageRejected, match="port 8081"):
        check_image_url("http://a.example:8081/x.jpg", ("a.example:8080",))


@pytest.mark.parametrize(
    ("host", "port", "trusted", "is_so"),
    [
        ("a.example", 80, ("a.example",), True),
        ("a.example", 80, ("A.Example",), True),
        ("a.example", 80, ("a.example:80",), True),
        ("a.example", 81, ("a.example:80",), False),
        ("b.a.example", 80, ("a.example",), False),
        ("a.example.evil.example", 80, ("a.example",), False),
        ("xa.example", 80, ("a.example",), False),
        ("::1", 80, ("[::1]",), True),
        ("::1", 8080, ("[::1]:8080",), True),
        ("127.0.0.1", 80, ("localhost",), False),
        ("a.example", 80, (), False),
        ("bücher.example", 80, ("Bücher.example",), True),
        ("xn--bcher-kva.example", 80, ("bücher.example:80",), True),
        ("bücher.example", 80, ("xn--bcher-kva.example",), True),
        ("strasse.example", 80, ("straße.example",), False),
        ("a.example.", 80, ("a.example",), False),
    ],
)
def test_trust_is_for_a_whole_host_name(host: str, port: int, trusted: tuple[str, ...], *, is_so: bool) -> None:
    """Law 15: trust goes to exactly the hosts that were named, not to names that contain them."""
    assert is_trusted(host, port, trusted) is is_so


@pytest.mark.parametrize(
    "entry", ["a.example", "A.example:8080", "127.0.0.1", "localhost:1", "[::1]", "[::1]:8080", "bücher.example", "a_b"]
)
def test_a_host_may_be_trusted(entry: str) -> None:
    """A name or an address, with or without a port."""
    assert require_host(entry) == entry


@pytest.mark.parametrize(
    "entry",
    [
        "",
        " ",
        " a.example",
        "a.example ",
        "a b",
        "*",
        "*.a.example",
        "http://a.example",
        "a.example/",
        "a.example/x",
        "a.example?x",
        "a.example#x",
        "user@a.example",
        "a.example:port",
        "a.example:0",
        "a.example:70000",
        ":80",
        "::1",
        "[::1",
        None,
        5,
        b"a.example",
        ["a.example"],
    ],
)
def test_what_names_no_host_cannot_be_trusted(entry: object) -> None:
    """What would be the name of no host ever asked for is a mistake, told with how to write it."""
    with pytest.raises(ConfigurationError, match=r"name, name:port or \[IPv6 address\]:port"):
        require_host(entry)
