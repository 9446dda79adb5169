"""A page of the content browser as its readers have it: texts, links and pictures, without a browser."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

import httpx

__all__ = ["Page", "parameters_of"]

_VOID = frozenset({"br", "img", "input", "link", "meta"})


class Page(HTMLParser):
    """What stands in a page, by element."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.status = answer.status_code
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._texts: list[str] = []
        self._open: list[int] = []
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._texts.append("")
        if tag not in _VOID:
            self._open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        """End an element."""
        number = self._open.pop()
        assert self.elements[number][0] == tag, f"{tag} ends where {self.elements[number][0]} is open"

    def handle_data(self, data: str) -> None:
        """Add to every element that is open."""
        for number in self._open:
            self._texts[number] += data

    @property
    def tags(self) -> set[str]:
        """The elements that there are."""
        return {tag for tag, _ in self.elements}

    @property
    def text(self) -> str:
        """All of the text, with single blanks."""
        return " ".join(self._texts[0].split()) if self._texts else ""

    def texts(self, tag: str, **attributes: str) -> list[str]:
        """The texts of all such elements, with single blanks."""
        return [
            " ".join(text.split())
            for (name, given), text in zip(self.elements, self._texts, strict=True)
            if name == tag and attributes.items() <= given.items()
        ]

    def raw_texts(self, tag: str) -> list[str]:
        """The texts of all such elements, with their blanks."""
        return [text for (name, _), text in zip(self.elements, self._texts, strict=True) if name == tag]

    def attributes(self, tag: str) -> list[dict[str, str]]:
        """The attributes of all such elements."""
        return [given for name, given in self.elements if name == tag]

    def links(self) -> dict[str, str]:
        """The address behind each link, by its text."""
        return {text: given["href"] for given, text in zip(self.attributes("a"), self.texts("a"), strict=True)}

    @property
    def titles(self) -> list[str]:
        """The items in the list."""
        return [text for text in self.texts("h3") if text not in self.facets]

    @property
    def facets(self) -> list[str]:
        """The facets, by field."""
        names = [given.get("id", "") for given in self.attributes("details") if given.get("class") == "facet"]
        return [name.removeprefix("facet-") for name in names]

    def link_to(self, beginning: str) -> str:
        """The address of the first link whose text begins so."""
        return next(address for text, address in self.links().items() if text.startswith(beginning))


def parameters_of(address: str) -> Mapping[str, str]:
    """The parameters of an address."""
    return dict(parse_qsl(urlsplit(address).query))
