"""What the notes of rows of Coinbase's reports say, and no column."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from portfolio.domain.imports.events import Part
from portfolio.domain.imports.numbers import readings
from portfolio.domain.imports.reading import Reading
from portfolio.domain.imports.records import BY_HAND, Row, RowRefused
from portfolio.domain.imports.symbols import symbol_in

_NUMBER = r"[^\d\s]{0,3}([\d.,]*\d)"
_ADVANCED = re.compile(
    rf"(?:Bought|Sold) {_NUMBER} (?P<base>\w+) for {_NUMBER} (?P<quote>\w+)"
    rf"(?: (?:on )?(?P<pair>\w+-\w+))?(?: at {_NUMBER}.*)?"
)
CONVERTED = re.compile(rf"Converted {_NUMBER} (?P<given>\w+) to {_NUMBER} (?P<received>\w+)")
"""What a conversion of one row says of itself."""


def paid_of(row: Row, base: Part, how: Reading) -> tuple[Decimal, str, Decimal | None]:
    """Return what was paid, in which quote, at which price (None where the notes do not say)."""
    found = _ADVANCED.fullmatch(row.text("Notes"))
    if found is None or found["base"] != base.symbol:
        raise RowRefused("Notes do not say in which currency this advanced trade was paid", BY_HAND)
    quote = symbol_in(found["quote"])
    if found["pair"] and found["pair"].partition("-")[2] != quote:
        raise RowRefused(f"Notes name the pair {found['pair']} and {quote} paid", BY_HAND)
    amounts = [text for text in (found[1], found[3], found[6]) if text]
    paid, *price = numbers_of(amounts, base.amount.copy_abs(), how)
    return paid, quote, price[0] if price else None


def numbers_of(texts: Sequence[str], first: Decimal, how: Reading) -> list[Decimal]:
    """Return the numbers of a sentence after the first, which is known and shows which decimal sign it is written with.

    Raises:
        RowRefused: it shows nothing, and the others can be read in two ways.
    """
    ways = [readings(text) for text in texts]
    signs = [sign for sign in (".", ",") if all(sign in way for way in ways) and ways[0][sign] == first]
    found = {tuple(way[sign] for way in ways[1:]) for sign in signs if how.decimal in {None, sign} or len(signs) == 1}
    told = f"the numbers of Notes ({' and '.join(texts)}) cannot be used, as"
    if not found:
        raise RowRefused(f"{told} {_why_not(ways)}", BY_HAND)
    if len(found) > 1:
        raise RowRefused(f"{told} their decimal sign is not certain", "give --decimal")
    return list(found.pop())


def _why_not(ways: Sequence[Mapping[str, Decimal]]) -> str:
    if not all(ways):
        return "one of them is no number"
    if not any(all(sign in way for way in ways) for sign in (".", ",")):
        return "one is written with a decimal point, and another with a decimal comma"
    return "they are not those of the row"
