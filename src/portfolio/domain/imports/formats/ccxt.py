"""Trades as ccxt unifies them: numbers are floats, and their exact digits stand in ``info``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Context, Decimal

from portfolio.domain.imports.events import Origin, Part, market_trade, sides
from portfolio.domain.imports.numbers import amount_in, number_in
from portfolio.domain.imports.reading import Reading, not_below_zero
from portfolio.domain.imports.records import Outcome, Row, RowRefused, each
from portfolio.domain.imports.symbols import pair_in, symbol_in
from portfolio.domain.money import EXACT, round_to_step

_FLOAT = Context(prec=15)  # the digits that a float keeps of any decimal


def read(rows: Sequence[Row], how: Reading) -> Iterator[Outcome]:
    """Yield the trades; contracts are reported."""
    return each(rows, lambda row: _trade(row, how))


def _trade(row: Row, how: Reading) -> Iterator[Outcome]:
    market = row.text("symbol")
    if ":" in market:
        raise RowRefused(
            f"{market[:40]} is a contract: margin and futures are not imported", "book what came of them by hand"
        )
    side = row.side("side")
    base, quote = pair_in(market)
    digits = _digits(row.values.get("info"))
    quantity, price = not_below_zero("amount", _exact(row.text("amount"), digits)), row.text("price")
    if row.text("cost"):
        amount = not_below_zero("cost", _exact(row.text("cost"), digits))
    else:
        amount = round_to_step(EXACT.multiply(quantity, number_in(price)))
    own_id = f"{market}:{row.text('id')}" if row.text("id") else None
    yield from market_trade(
        Origin((row.place,), how.stamped(row, "timestamp", "datetime", how.zone), own_id),
        *sides(side, Part(base, quantity), Part(quote, amount)),
        list(_fees(row, digits)),
        number_in(price) if price else None,
    )


def _fees(row: Row, digits: Sequence[Decimal]) -> Iterator[Part]:
    """Yield what was charged, below zero for a rebate. Several coins stand in ``fees`` only; no cost is none known."""
    several = row.values.get("fees")
    for fee in several if isinstance(several, list) and several else [row.values.get("fee")]:
        if isinstance(fee, Mapping) and isinstance(cost := fee.get("cost"), str):
            currency = fee.get("currency")
            if not isinstance(currency, str):
                raise RowRefused("a fee without its currency: which coin it was charged in is not known")
            yield Part(symbol_in(currency), _exact(cost, digits))


def _digits(info: object) -> list[Decimal]:
    """Return the numbers that the exchange itself answered."""
    found = []
    for value in info.values() if isinstance(info, Mapping) else ():
        try:
            found.append(amount_in(value if isinstance(value, str) else ""))
        except RowRefused:
            continue
    return found


def _exact(text: str, digits: Sequence[Decimal]) -> Decimal:
    """Return the number of ``digits`` that a float stands for, else the float's own digits; its sign is kept."""
    value = number_in(text)
    for exact in digits:
        if _FLOAT.plus(exact.copy_abs()) == _FLOAT.plus(value.copy_abs()):
            return exact.copy_sign(value)
    return amount_in(text)
