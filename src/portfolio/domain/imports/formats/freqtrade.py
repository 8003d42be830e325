"""freqtrade's trades: each filled order is an execution; fees are rates, but what was taken from the coin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from portfolio.domain.imports.events import Origin, Part, market_trade
from portfolio.domain.imports.reading import ZERO, Reading
from portfolio.domain.imports.records import BY_HAND, Ignored, Outcome, Row, RowRefused, each
from portfolio.domain.imports.symbols import pair_in
from portfolio.domain.money import EXACT, round_to_step

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MILLISECOND = 1_230_768_000_000  # in 2009, when there were no coins yet; seconds of now are far below
_LAST_MILLISECOND = 7_000_000_000_000  # in 2191


def read(rows: Sequence[Row], how: Reading) -> Iterator[Outcome]:
    """Yield the executions. Rows are orders, with the fields of their trade under ``trade.`` before the name."""
    return each(rows, lambda row: _order(row, how))


def millisecond_in(text: str) -> datetime:
    """Return the moment of milliseconds since 1970; raises RowRefused where there are none, as of seconds."""
    if not (text.isdecimal() and text.isascii() and _FIRST_MILLISECOND <= int(text[:20]) <= _LAST_MILLISECOND):
        raise RowRefused(f"{text[:40]!r} is not a time in milliseconds")
    return _EPOCH + timedelta(milliseconds=int(text))


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
    buys = side == "buy"
    base, quote = pair_in(market)
    average = how.price(row, "average")
    if average is None or average <= 0:
        raise RowRefused("average is missing: at which price it was filled is not known")
    amount = round_to_step(EXACT.multiply(filled, average))
    yield from market_trade(
        Origin((row.place,), _filled_at(row, how), f"{market}:{row.text('order_id')}"),
        Part(base, filled if buys else EXACT.minus(filled)),
        Part(quote, EXACT.minus(amount) if buys else amount),
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


def _filled_at(row: Row, how: Reading) -> datetime:
    stamp = row.text("order_filled_timestamp")
    return millisecond_in(stamp) if stamp else how.exact_time(row.text("order_filled_date"), UTC)
