"""Reads an HTML file as a browser would, as far as tests ask: elements, texts, and what it would fetch or run."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input", "line", "rect", "path"}
FETCHING = {
    "src",
    "srcset",
    "href",
    "xlink:href",
    "action",
    "formaction",
    "poster",
    "data",
    "background",
    "ping",
    "cite",
}


class HtmlFile(HTMLParser):
    """The elements of a file in order, each with its attributes, and the text within each."""

    def __init__(self, content: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, Mapping[str, str]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self._within: list[int] = []
        self.feed(content.decode())
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.texts.append("")
        if tag not in VOID:
            self._open.append(tag)
            self._within.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open
            assert self._open.pop() == tag, f"</{tag}> closes another element"
            self._within.pop()

    def handle_data(self, data: str) -> None:
        for place in self._within:
            self.texts[place] += data

    def of(self, tag: str) -> list[tuple[Mapping[str, str], str]]:
        """Return the elements of a kind, with the text within each."""
        return [(attrs, text) for (name, attrs), text in zip(self.elements, self.texts, strict=True) if name == tag]

    @property
    def figures(self) -> dict[str, str | None]:
        """The exact digits of each figure by its name, its text where it has none."""
        found: dict[str, str | None] = {}
        name, exact = None, None
        for tag, attrs in self.elements:
            if "data-figure" in attrs:
                name, exact = attrs["data-figure"], None
                found.setdefault(name, None)
            elif tag == "span" and name is not None and "data-exact" in attrs and exact is None:
                found[name] = exact = attrs["data-exact"]
        return found


def check_that_it_is_alone(content: bytes) -> HtmlFile:
    """Return the file, which runs nothing, fetches nothing, and says so to the browser."""
    file = HtmlFile(content)
    assert not {tag for tag, _ in file.elements} & {"script", "iframe", "object", "embed", "form", "img", "base", "a:"}
    for tag, attrs in file.elements:
        assert not [name for name in attrs if name.startswith("on") or name == "style"], (tag, attrs)
        for name in FETCHING & attrs.keys():
            assert attrs[name] == "data:," or attrs[name].startswith("#"), (tag, name, attrs[name])
        assert attrs.get("http-equiv", "").lower() in {"", "content-security-policy"}
    ids = [attrs["id"] for _, attrs in file.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {attrs["href"][1:] for attrs, _ in file.of("a")} <= set(ids)
    [(_, css)] = file.of("style")
    assert not re.search(r"url\(|@import|expression|image-set", css)
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    [policy] = [attrs["content"] for attrs, _ in file.of("meta") if "http-equiv" in attrs]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    return file
