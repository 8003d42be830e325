"""Pages as a test reads them: figures by their names, and every number that is in them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from decimal import Decimal

from tests.support.html_pages import HTML
from tests.support.services.http_service import Service

# Of four digits or more: shorter ones are anywhere.
_AMOUNT = re.compile(r"-?(?=(?:\.?[0-9]){4})[0-9.]*[1-9][0-9.]*")


async def page(service: Service, path: str, headers: dict[str, str] = HTML) -> str:
    """The text of a page, which has to be 200."""
    answer = await service.http.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def figure(text: str, name: str) -> str | None:
    """The exact digits of a figure; None where the page says why there are none."""
    found = re.search(rf'data-figure="{name}".*?</summary>', text, re.DOTALL)
    assert found is not None, f"there is no figure {name}"
    digits = re.search(r'data-exact="([^"]*)"', found[0])
    return digits[1] if digits else None


def words(text: str) -> str:
    """What a person reads: without tags, blanks put together."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def spelt_in(text: str, amounts: Iterable[str]) -> list[str]:
    """The amounts that stand in a text in any spelling, as a number of its own."""
    numbers = set(re.findall(r"[0-9][0-9,]*(?:\.[0-9]+)?", text))
    return sorted(amount for amount in amounts if not numbers.isdisjoint(spellings(amount)))


def spellings(amount: str) -> set[str]:
    """How an amount may be spelt: exactly, and a large one to the cent or in whole dollars."""
    value = Decimal(amount).copy_abs()
    cents, whole = value.quantize(Decimal("0.01")), value.quantize(Decimal(1))
    found = {f"{value:f}"}
    if whole >= 100:
        found |= {f"{cents:f}", f"{cents:,f}"}
    return found | {f"{whole:f}", f"{whole:,f}"} if whole >= 1000 else found
