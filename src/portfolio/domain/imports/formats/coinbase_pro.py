"""Coinbase Pro: fills, and the account statement, in which a trade is two matches and a fee."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from portfolio.domain.imports.events import Origin, Part, exchange, market_trade, moved, net, received, sides
from portfolio.domain.imports.reading import Reading
from portfolio.domain.imports.records import (
    BY_HAND,
    ROW_MISSING,
    Ignored,
    Kind,
    Outcome,
    Row,
    RowRefused,
    each,
    once,
    together,
)
from portfolio.domain.imports.symbols import pair_in, symbol_in
from portfolio.domain.money import EXACT


def own_id(base: str, quote: str, trade_id: str) -> str | None:
    """Return what a trade goes by in all files: its number is unique in its market only."""
    return f"{'-'.join(sorted((base, quote)))}:{trade_id}" if trade_id else None


def read_fills(rows: Sequence[Row], how: Reading) -> Iterator[Outcome]:
    """Yield the fills: what moved is the total, fee included."""

    def rule(row: Row) -> Iterator[Outcome]:
        side = row.side("side")
        base, quote = pair_in(row.text("product"))
        size, fee, total = how.unsigned(row, "size"), how.amount(row, "fee"), how.amount(row, "total")
        if total * side > 0:
            raise RowRefused("the sign of total contradicts the side: a purchase takes it, a sale brings it")
        total = total.copy_abs()
        amount = EXACT.subtract(total, fee) if side > 0 else EXACT.add(total, fee)
        yield from market_trade(
            Origin((row.place,), _time(row, "created at", how), own_id(base, quote, row.text("trade id"))),
            *sides(side, Part(base, size), Part(quote, amount)),
            [Part(quote, fee)],
            how.price(row, "price"),
        )

    return each(rows, rule)


def read_account(rows: Sequence[Row], how: Reading) -> Iterator[Outcome]:
    """Yield the events of the statement; rows of one trade id, or of one conversion, are one event."""
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)

    def rule(row: Row) -> Iterator[Outcome]:
        kind, trade = row.text("type").lower(), row.text("trade id")
        if kind in {"match", "fee", "rebate"} and trade:
            groups[row.text("portfolio"), trade, row.text("order id")].append(row)
        elif kind == "conversion":
            groups[row.text("portfolio"), "", row.text("transfer id") or row.text("time")].append(row)
        else:
            yield from _movement(row, kind, how)

    yield from each(rows, rule)
    for (_, trade, _), group in groups.items():
        yield from together(group, partial(_group, group, trade, how))


def _movement(row: Row, kind: str, how: Reading) -> Iterator[Outcome]:
    part = _part(row, how)
    origin = Origin((row.place,), _time(row, "time", how), row.text("transfer id") or None)
    if not part.amount:
        yield Ignored(row.place, "nothing moved: the amount is 0")
    elif kind in {"deposit", "withdrawal"}:
        yield from moved(origin, part)
    elif kind == "rebate":
        yield from received(origin, Kind.REWARD, part)
    else:
        raise RowRefused(f"type {kind[:40]!r} is unknown", BY_HAND)


def _group(rows: Sequence[Row], trade: str, how: Reading) -> Iterator[Outcome]:
    group, again = once(rows, *rows[0].values, "balance")  # after two movements no balance is the same
    fees = [_part(row, how) for row in group if row.text("type").lower() in {"fee", "rebate"}]
    sides = net(_part(row, how) for row in group if row.text("type").lower() not in {"fee", "rebate"})
    if len(sides) != 2:
        raise RowRefused(*ROW_MISSING)
    one, other = (Part(symbol, change) for symbol, change in sides.items())
    charged = [Part(fee.symbol, EXACT.minus(fee.amount)) for fee in fees]
    own = own_id(one.symbol, other.symbol, trade)
    first = min(group, key=lambda row: row.text("time"))  # whichever stands first
    origin = Origin(tuple(row.place for row in group), _time(first, "time", how), own)
    yield from exchange(origin, one, other, charged)
    yield from again


def _part(row: Row, how: Reading) -> Part:
    return Part(symbol_in(row.text("amount/balance unit")), how.amount(row, "amount"))


def _time(row: Row, name: str, how: Reading) -> datetime:
    return how.exact_time(row.text(name), how.zone)
