"""Reads pages as a test compares them: tables by their captions, figures by their names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

from tests.support.services.http_service import Service

HTML = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
PRIVATE = {**HTML, "Cookie": "private=1"}

_VOID = {"meta", "link", "input", "br", "wbr", "hr", "img", "rect", "path", "line"}


@dataclass(slots=True)
class Element:
    """An element with what is in it."""

    tag: str
    attributes: Mapping[str, str]
    parts: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that is written in it, blanks folded."""
        words = " ".join(part if isinstance(part, str) else part.text for part in self.parts)
        return re.sub(r"\s+", " ", words).strip()

    @property
    def exact(self) -> list[str]:
        """The exact digits of the numbers in it."""
        return [found.attributes["data-exact"] for found in self.all() if "data-exact" in found.attributes]

    def all(self, tag: str | None = None) -> Iterable[Element]:
        """All elements in it, itself apart, in order."""
        for part in self.parts:
            if isinstance(part, Element):
                if tag is None or part.tag == tag:
                    yield part
                yield from part.all(tag)

    def one(self, tag: str, **attributes: str) -> Element:
        """The one element of a kind with these attributes."""
        wanted = {name.strip("_").replace("_", "-"): value for name, value in attributes.items()}
        [found] = [e for e in self.all(tag) if wanted.items() <= e.attributes.items()]
        return found

    def table(self, caption: str) -> list[dict[str, Element]]:
        """The rows of the table that begins with a caption, by column."""
        [found] = [
            table for table in self.all("table") if any(c.text.startswith(caption) for c in table.all("caption"))
        ]
        rows = [[c for c in row.all() if c.tag in {"td", "th"}] for row in found.all("tr")]
        names = [cell.text for cell in rows[0]]
        return [dict(zip(names, row, strict=True)) for row in rows[1:]]

    def figure(self, name: str) -> Element:
        """The figure of a name."""
        return self.one("details", data_figure=name)

    def value(self, name: str) -> str | None:
        """The exact value of a figure; None where it has none."""
        shown = self.figure(name).one("span", class_="value")
        return next(iter(shown.exact), None)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("root", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].parts.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self._open[-1].parts.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].parts.append(data)


def read_page(html: str) -> Element:
    """The page, every element of which is closed."""
    reader = _Reader()
    reader.feed(html)
    assert len(reader._open) == 1, [element.tag for element in reader._open]
    return reader.root


async def sound_page(service: Service, path: str, headers: Mapping[str, str] = HTML) -> Element:
    """A page as a browser gets it: it is there, and accessible."""
    answer = await service.http.get(path, headers={**HTML, **headers})
    assert answer.status_code == 200, answer.text
    page = read_page(answer.text)
    assert_accessible(page)
    return page


def assert_accessible(page: Element) -> None:
    """What can be told without a browser: landmarks, headings in order, names of tables, fields and ids."""
    assert [len(list(page.all(tag))) for tag in ("main", "header", "footer", "h1")] == [1, 1, 1, 1]
    levels = [int(e.tag[1]) for e in page.all() if re.fullmatch("h[1-6]", e.tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    ids = [e.attributes["id"] for e in page.all() if "id" in e.attributes]
    assert len(ids) == len(set(ids)), sorted(one for one in ids if ids.count(one) > 1)
    for element in page.all():
        for name in ("aria-labelledby", "aria-describedby", "for"):
            assert set(element.attributes.get(name, "").split()) <= set(ids), element.attributes
    labelled = {label.attributes["for"] for label in page.all("label")}
    for kind in ("input", "select", "textarea"):
        for one in page.all(kind):
            assert one.attributes.get("type") == "hidden" or one.attributes["id"] in labelled, one.attributes
    for table in page.all("table"):
        assert [c.text for c in table.all("caption")] != []
        for head in table.all("th"):
            assert head.attributes.get("scope") in {"row", "col", "rowgroup", "colgroup"}, head.text
    for region in page.all("section"):
        assert {"aria-label", "aria-labelledby"} & region.attributes.keys()


async def of_api(service: Service, path: str) -> Any:
    """An answer of the API whose numbers are texts, digit by digit."""
    answer = await service.http.get(path, headers={"Accept": "application/json;IEEE754Compatible=true"})
    return json.loads(answer.text, parse_float=str, parse_int=str)


_AMOUNTS = re.compile(
    r"value|(trade|total|market|excess)_value|.*_amount|.*quantity|quantity_.*|cash_balance|.*cost.*|.*_pnl|fees.*|"
    r".*_fee|net_deposits|notional|cash_delta|unreconciled|amount|change|(total|daily)_return|gain|loss|money|"
    r"other_effects|(avg_entry|break_even)_price|expectancy|(average|largest)_(win|loss)"
)


def amounts_of(answer: object, name: str = "") -> set[str]:
    """The amounts of the own books in an answer of the API: values, quantities, costs, results, by their names.

    Without those that stand in any page, as 0 and 100, or 2.5.
    """
    if isinstance(answer, Mapping):
        return set().union(*(amounts_of(one, str(of)) for of, one in answer.items()))
    if isinstance(answer, list):
        return set().union(*(amounts_of(one, name) for one in answer))
    text = str(answer).lstrip("-")
    is_amount = (
        _AMOUNTS.fullmatch(name) and re.fullmatch(r"[0-9.]+", text) and len(text.replace(".", "").strip("0")) > 3
    )
    return {text} if is_amount else set()
