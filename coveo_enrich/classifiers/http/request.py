"""One request to a service, filled in for the pictures that it is about. Pure: nothing is sent from here."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import cast
from urllib.parse import urlencode, urlsplit, urlunsplit

import attrs

from coveo_enrich.classifiers.http.auth import Credentials
from coveo_enrich.classifiers.http.service import HttpService
from coveo_enrich.classifiers.http.templates import BYTES, Json, Picture, fill, fill_url
from coveo_enrich.errors import ConfigurationError

__all__ = ["Request", "request_for"]


@attrs.frozen
class Request:
    """A request as it goes out.

    Attributes:
        url: With its query.
        headers: All of them.
        content: The body.
    """

    url: str = attrs.field(repr=False)
    headers: dict[str, str] = attrs.field(repr=False)
    content: bytes | None = attrs.field(repr=False)


def request_for(service: HttpService, pictures: Sequence[Picture], credentials: Credentials) -> Request:
    """The request about some pictures: one, unless the service takes batches.

    Raises:
        ConfigurationError: The key belongs into a body that the request does not have.
    """
    url = _with_query(fill_url(service.url, pictures[0]), _filled(service.query, pictures[0]) | credentials.query)
    kind, content = _body(service, pictures, credentials.body)
    headers = {"Accept": "application/json"} | ({"Content-Type": kind} if kind else {})
    given = {name.lower() for name in service.headers}
    kept = {name: value for name, value in headers.items() if name.lower() not in given}
    return Request(url, kept | dict(service.headers) | credentials.headers, content)


def _with_query(url: str, query: Mapping[str, str]) -> str:
    if not query:
        return url
    parts = urlsplit(url)
    joined = "&".join(filter(None, [parts.query, urlencode(query)]))
    return urlunsplit(parts._replace(query=joined))


def _filled(texts: Mapping[str, str], picture: Picture) -> dict[str, str]:
    return {name: str(fill(text, picture)) for name, text in texts.items()}


def _body(service: HttpService, pictures: Sequence[Picture], keys: Mapping[str, str]) -> tuple[str, bytes | None]:
    """The body, and what it is."""
    if service.json is not None:
        return "application/json", _json_body(service, pictures, keys)
    if service.form is not None:
        return _form_body({**service.form, **keys}, pictures[0])
    if keys:
        raise ConfigurationError("a key in the body needs a body: give the service a json or a form")
    if service.content == BYTES:
        return pictures[0].mime, pictures[0].data
    if service.content is not None:
        return "text/plain; charset=utf-8", str(fill(service.content, pictures[0])).encode()
    return "", None


def _json_body(service: HttpService, pictures: Sequence[Picture], keys: Mapping[str, str]) -> bytes:
    body = (
        fill(service.json, pictures[0])
        if service.batch is None
        else _batched(service.json, service.batch.items, pictures)
    )
    if keys:
        if not isinstance(body, dict):
            raise ConfigurationError("a key in the body needs a body that is a JSON object")
        body = {**body, **keys}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _batched(body: Json, path: str, pictures: Sequence[Picture]) -> Json:
    if not path:
        return [fill(cast("Sequence[Json]", body)[0], picture) for picture in pictures]
    key, _, rest = path.partition(".")
    fields = cast("Mapping[str, Json]", body)
    return {**fields, key: _batched(fields[key], rest, pictures)}


def _form_body(fields: Mapping[str, str], picture: Picture) -> tuple[str, bytes]:
    if BYTES not in fields.values():
        return "application/x-www-form-urlencoded", urlencode(_filled(fields, picture)).encode("ascii")
    boundary = secrets.token_hex(16)
    parts = [_part(name, text, picture, boundary) for name, text in fields.items()]
    return f"multipart/form-data; boundary={boundary}", b"".join([*parts, f"--{boundary}--\r\n".encode("ascii")])


def _part(name: str, text: str, picture: Picture, boundary: str) -> bytes:
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"'
    if text == BYTES:
        extension = picture.mime.partition("/")[2]
        head += f'; filename="image.{extension}"\r\nContent-Type: {picture.mime}'
    value = picture.data if text == BYTES else str(fill(text, picture)).encode()
    return f"{head}\r\n\r\n".encode() + value + b"\r\n"


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
