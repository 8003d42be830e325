"""freqtrade's trades: each filled order is an execution; fees are rates, but what was taken from the coin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC
from decimal import Decimal

from portfolio.domain.imports.events import Origin, Part, market_trade, sides
from portfolio.domain.imports.reading import ZERO, Reading
from portfolio.domain.imports.records import BY_HAND, Ignored, Outcome, Row, RowRefused, each
from portfolio.domain.imports.symbols import pair_in
from portfolio.domain.money import EXACT, round_to_step

OF_A_TRADE = ("pair", "leverage", "trading_mode", "fee_open", "fee_close")
"""The fields of its trade that are read of an order."""


def read(rows: Sequence[Row], how: Reading) -> Iterator[Outcome]:
    """Yield the executions. Rows are orders, with fields of their trade under ``trade.`` before the name."""
    return each(rows, lambda row: _order(row, how))


def _order(row: Row, how: Reading) -> Iterator[Outcome]:
    if not row.text("order_id"):
        raise RowRefused("a trade without orders", "fetch it anew, from a version of freqtrade that keeps them")
    filled = how.unsigned_or_zero(row, "filled")
    if row.text("order_id").startswith("dry_run_"):
        yield Ignored(row.place, "an order of a dry run: it was never sent")
    elif not row.text("filled") and row.text("status").lower() == "closed":
        raise RowRefused("filled is missing of an order that is closed: how much it was is not known")
    elif not filled:
        yield Ignored(row.place, "nothing was filled")
    elif row.text("status").lower() in {"open", "new", "partially_filled"}:
        yield Ignored(row.place, "the order is still open: import it when it is done")
    else:
        yield from _execution(row, filled, how)


def _execution(row: Row, filled: Decimal, how: Reading) -> Iterator[Outcome]:
    market = row.text("ft_pair") or row.text("pair") or row.text("trade.pair")
    leverage = how.amount_or_zero(row, "trade.leverage")
    mode = row.text("trade.trading_mode").lower()
    if ":" in market or mode not in {"", "spot"} or leverage not in {ZERO, Decimal(1)}:
        raise RowRefused(f"{market[:40]}: margin and futures are not imported", "book what came of them by hand")
    side = row.text("ft_order_side").lower()
    if side not in {"buy", "sell", "stoploss"}:
        raise RowRefused(f"ft_order_side {side[:40]!r} is unknown", BY_HAND)
    base, quote = pair_in(market)
    average = how.price(row, "average")
    if average is None or average <= 0:
        raise RowRefused("average is missing: at which price it was filled is not known")
    amount = round_to_step(EXACT.multiply(filled, average))
    yield from market_trade(
        Origin(
            (row.place,),
            how.stamped(row, "order_filled_timestamp", "order_filled_date", UTC),
            f"{market}:{row.text('order_id')}",
        ),
        *sides(1 if side == "buy" else -1, Part(base, filled), Part(quote, amount)),
        [_fee(row, Part(base, filled), Part(quote, amount), how)],
        average,
    )


def _fee(row: Row, base: Part, quote: Part, how: Reading) -> Part:
    """Return the fee: what was taken from the coin, else the trade's rate on the money."""
    taken = how.unsigned_or_zero(row, "ft_fee_base")
    if taken:
        return Part(base.symbol, taken)
    side = "open" if row.text("ft_order_side").lower() == "buy" else "close"
    rate = how.price(row, f"trade.fee_{side}") or ZERO
    return Part(quote.symbol, round_to_step(EXACT.multiply(quote.amount, rate)))
