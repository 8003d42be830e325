"""Kraken's trades: the cost is without the fee, and the fee is said in the quote, whatever it was charged in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC

from portfolio.domain.imports.events import Origin, Part, market_trade, sides, valued
from portfolio.domain.imports.reading import Reading
from portfolio.domain.imports.records import Outcome, Row, RowRefused, each
from portfolio.domain.imports.symbols import kraken_pair, refuse_shares


def read(rows: Sequence[Row], how: Reading) -> Iterator[Outcome]:
    """Yield the trades; those on margin are reported."""

    def rule(row: Row) -> Iterator[Outcome]:
        refuse_shares(row)
        side = row.side("type")
        if how.amount_or_zero(row, "margin"):
            raise RowRefused("a trade on margin: margin positions are not imported", "book what came of them by hand")
        base, quote = kraken_pair(row.text("pair"))
        volume, cost, fee = how.unsigned(row, "vol"), how.unsigned(row, "cost"), how.amount_or_zero(row, "fee")
        origin = Origin((row.place,), how.exact_time(row.text("time"), UTC), row.text("txid") or None)
        pair = sides(side, Part(base, volume), Part(quote, cost))
        events = market_trade(origin, *pair, [Part(quote, fee)], how.price(row, "price"))
        dollars = how.price(row, "costusd")
        yield from valued(events, [(side, dollars, "USD") for side in pair])

    return each(rows, rule)
