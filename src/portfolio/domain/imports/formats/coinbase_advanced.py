"""Coinbase Advanced: fills as its API answers them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portfolio.domain.imports.events import Origin, Part, market_trade, sides
from portfolio.domain.imports.formats.coinbase_pro import own_id
from portfolio.domain.imports.reading import Reading
from portfolio.domain.imports.records import BY_HAND, Outcome, Row, RowRefused, each
from portfolio.domain.imports.symbols import pair_in
from portfolio.domain.money import EXACT, round_to_step


def read(rows: Sequence[Row], how: Reading) -> Iterator[Outcome]:
    """Yield the fills; a size in the quote is the money, and the quantity is what it bought at the price."""

    def rule(row: Row) -> Iterator[Outcome]:
        side = row.side("side")
        if row.text("trade_type").upper() not in {"", "FILL"}:
            raise RowRefused(f"trade_type {row.text('trade_type')[:40]!r} corrects another fill", BY_HAND)
        base, quote = pair_in(row.text("product_id"))
        size, price, fee = how.amount(row, "size"), how.price(row, "price"), how.amount_or_zero(row, "commission")
        if not price or price < 0 or size < 0:
            raise RowRefused("size and price have to be above 0")
        in_quote = row.values.get("size_in_quote") is True or row.text("size_in_quote").lower() == "true"
        amount = size if in_quote else round_to_step(EXACT.multiply(size, price))
        quantity = round_to_step(EXACT.divide(size, price)) if in_quote else size
        own = own_id(base, quote, row.text("trade_id"))
        yield from market_trade(
            Origin((row.place,), how.exact_time(row.text("trade_time"), how.zone), own),
            *sides(side, Part(base, quantity), Part(quote, amount)),
            [Part(quote, fee)],
            price,
        )

    return each(rows, rule)
