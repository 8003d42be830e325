"""Coinbase's transaction report, from all years: a row is one movement, its total is the money that moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TypeAlias

from portfolio.domain.imports.events import Origin, Part, conversion, market_trade, moved, received, renamed, valued
from portfolio.domain.imports.formats.coinbase_columns import (
    OF_MONEY,
    currency_named,
    has_days_alone,
    money_columns,
    price_of,
)
from portfolio.domain.imports.formats.coinbase_notes import CONVERTED, numbers_of, paid_of
from portfolio.domain.imports.formats.coinbase_pairs import Line, pairs
from portfolio.domain.imports.numbers import is_money_of, readings
from portfolio.domain.imports.reading import ZERO, Reading
from portfolio.domain.imports.records import (
    BY_HAND,
    FileEvent,
    Ignored,
    Kind,
    Outcome,
    Reported,
    Row,
    RowRefused,
    each,
    together,
)
from portfolio.domain.imports.symbols import symbol_in
from portfolio.domain.money import EXACT

_TO_PRO, _FROM_PRO = {"pro deposit", "exchange deposit"}, {"pro withdrawal", "exchange withdrawal"}
_INTERNAL = {"retail staking transfer", "retail unstaking transfer"} | _TO_PRO | _FROM_PRO
_REWARDS = {
    "staking income", "reward income", "rewards income", "inflation reward", "learning reward", "coinbase earn",
}  # fmt: skip
_IN, _OUT = {"deposit", "receive"}, {"withdrawal", "send"}
_TRADES = {"buy": 1, "sell": -1, "advanced trade buy": 1, "advance trade buy": 1, "advanced trade sell": -1,
           "advance trade sell": -1}  # fmt: skip
_COMES = _IN | _REWARDS | {kind for kind, side in _TRADES.items() if side > 0}
_GOES = _OUT | {kind for kind, side in _TRADES.items() if side < 0}
_MIGRATIONS = {"asset migration", "retail eth2 deprecation"}
_OLD_NAMES = {"MATIC", "ETH2"}
_HALF_A_MIGRATION = "a migration of which the other half is missing"
_SEVERAL_MIGRATIONS = "several migrations of one minute cannot be told apart"
_TOO_MANY = "so many of them cannot be told apart"
_SAME_EVENT = timedelta(seconds=60)
_MOST_AT_ONCE = 500  # conversions of a second, or migrations: each is looked for among all others


_GroupRule: TypeAlias = Callable[[Sequence[Line], Reading], Iterator[Outcome]]


def read(rows: Sequence[Row], how: Reading) -> Iterator[Outcome]:
    """Yield what each row becomes."""
    currency = currency_named(rows[0].values) if rows else ""
    converts: list[Row] = []
    migrations: list[Row] = []

    def rule(row: Row) -> Iterator[Outcome]:
        kind = _kind(row)
        if kind in _INTERNAL:
            yield _inside(row, kind, how)
        elif kind == "convert":
            converts.append(row)
        elif kind in _MIGRATIONS:
            migrations.append(row)
        else:
            yield from _single(row, kind, how, currency)

    yield from each(rows, rule)
    yield from _grouped(converts, how, _converted)
    yield from _grouped(migrations, how, _migrated)


def _inside(row: Row, kind: str, how: Reading) -> Ignored:
    """Return a row that moves nothing; of what went to Pro or came from it, as the statement of Pro tells it."""
    inside = None
    if kind in _TO_PRO | _FROM_PRO and row.text("Quantity Transacted"):
        line = _line(row, how)
        size = line.part.amount.copy_abs()
        there = Part(line.part.symbol, EXACT.minus(size) if kind in _FROM_PRO else size)
        inside = next(moved(Origin((row.place,), line.at), there)) if size else None
    return Ignored(row.place, f"{row.text('Transaction Type')}: between places of the same owner", inside)


def _single(row: Row, kind: str, how: Reading, currency: str) -> Iterator[Outcome]:
    line = _line(row, how)
    _check_signs(line, kind, how, currency)
    size = Part(line.part.symbol, line.part.amount.copy_abs())
    spent = Part(size.symbol, EXACT.minus(size.amount))
    if not size.amount and not how.money(row, *money_columns(currency).total):
        yield Ignored(row.place, "nothing moved: quantity and total are 0")
    elif kind in _TRADES:
        yield from _trade(line, _TRADES[kind], how, currency)
    elif kind in _IN or kind in _OUT:
        yield from _valued(moved(line.origin, size if kind in _IN else spent), how, currency, line)
    elif kind in _REWARDS:
        yield from _valued(received(line.origin, Kind.REWARD, line.part), how, currency, line)
    else:
        raise RowRefused(f"Transaction Type {row.text('Transaction Type')[:40]!r} is unknown", BY_HAND)


def _check_signs(line: Line, kind: str, how: Reading, currency: str) -> None:
    """Raise RowRefused where signs contradict the type: only what leaves may be below 0, and then all of it is.

    So may be the fee of a sale, as of 2025: of a rebate more would have come than the subtotal.
    """
    comes = kind in _COMES
    if not comes and kind not in _GOES:
        return
    names = money_columns(currency)
    total = how.money(line.row, *names.total) or ZERO
    subtotal = how.money(line.row, *names.subtotal) or ZERO
    fee = how.money(line.row, *names.fees) or ZERO
    below = [amount < 0 for amount in (total, subtotal) if amount]
    if fee < 0 and (comes or kind in _OUT or not total or total.copy_abs() >= subtotal.copy_abs()):
        raise RowRefused("the fee is below 0: what the row means is not known")
    if comes and (line.part.amount < 0 or any(below)):
        raise RowRefused("an amount is below 0, though the type says that it came: was it taken back", BY_HAND)
    if any(below) and (not all(below) or line.part.amount > 0):
        raise RowRefused("some amounts are below 0 and some above: what the row means is not known")


def _trade(line: Line, side: int, how: Reading, currency: str) -> Iterator[FileEvent]:
    row, names = line.row, money_columns(currency)
    base = Part(line.part.symbol, line.part.amount.copy_abs() if side > 0 else EXACT.minus(line.part.amount.copy_abs()))
    money = symbol_in(row.text("Price Currency", "Spot Price Currency") or currency)
    if _kind(row).startswith("adv"):
        paid, quote, price = paid_of(row, base, how)
        if quote != money:
            events = market_trade(line.origin, base, _against(base, quote, paid), (), price)
            yield from _valued(events, how, currency, line)
            return
    total, subtotal = how.money(row, *names.total), how.money(row, *names.subtotal)
    fee = (how.money(row, *names.fees) or ZERO).copy_abs()  # below 0 only of a sale that it made less of
    with_fee = fee if side > 0 else EXACT.minus(fee)
    if total is None and subtotal is None:
        raise RowRefused("neither a total nor a subtotal says what was paid")
    amount = EXACT.subtract(total.copy_abs(), with_fee) if total is not None else (subtotal or ZERO).copy_abs()
    price = price_of(row, how, currency, base.amount.copy_abs(), amount)
    yield from market_trade(line.origin, base, _against(base, money, amount), [Part(money, fee)], price)


def _valued(events: Iterator[FileEvent], how: Reading, currency: str, *lines: Line) -> Iterator[FileEvent]:
    """Yield events with what rows say that their assets were worth, without any fee."""
    worths = []
    for line in lines:
        value = how.money(line.row, *money_columns(currency).subtotal)
        money = line.row.text("Price Currency", "Spot Price Currency") or currency
        worths += [(line.part, value, symbol_in(money))] if value and money else []
    return valued(events, worths)


def _against(base: Part, quote: str, amount: Decimal) -> Part:
    return Part(quote, EXACT.minus(amount) if base.amount > 0 else amount)


def _grouped(rows: Sequence[Row], how: Reading, rule: _GroupRule) -> Iterator[Outcome]:
    lines: list[Line] = []
    for row in rows:
        try:
            lines.append(_line(row, how))
        except RowRefused as refused:
            yield Reported(row.place, str(refused))
    yield from rule(sorted(lines, key=lambda line: line.at), how)


def _converted(lines: Sequence[Line], how: Reading) -> Iterator[Outcome]:
    """Yield conversions: of one row each, what came standing in the notes, or of two rows of one second."""
    seconds: dict[datetime, list[Line]] = defaultdict(list)
    for line in lines:
        seconds[line.at].append(line)
    for group in seconds.values():
        has_given = any(line.part.amount < 0 for line in group)
        came = [line for line in group if _is_received(line, has_given=has_given)]
        if len(came) > _MOST_AT_ONCE:
            yield from _reported(group, _TOO_MANY)
            continue
        given = [line for line in group if not _is_received(line, has_given=has_given)]
        yield from _told_apart(given, came, how)


def _told_apart(given: Sequence[Line], came: list[Line], how: Reading) -> Iterator[Outcome]:
    """Yield the conversions of a second: those whose notes name what came in its quantity, in another, the others."""
    named: dict[str, list[Line]] = defaultdict(list)
    came.sort(key=lambda one: one.row.text("ID"))
    for line in sorted(given, key=lambda one: one.row.text("ID")):
        target = CONVERTED.fullmatch(line.row.text("Notes"))
        wanted = (target["received"].upper(), readings(target[3]).values()) if target else ("", ())
        exact = next((one for one in came if one.part.symbol == wanted[0] and one.part.amount in wanted[1]), None)
        if exact is None:
            named[wanted[0]].append(line)
        else:
            came.remove(exact)
            yield from _conversion(line, exact, how)
    for symbol in sorted(named, reverse=True):
        lines, fitting = named[symbol], [one for one in came if symbol in {"", one.part.symbol}]
        came = [one for one in came if one not in fitting]
        if not fitting:
            found: list[tuple[Line, Line | None]] = [(line, None) for line in lines]
        elif not (found := [*pairs(lines, fitting)]):
            yield from _reported([*lines, *fitting], "several conversions of one second cannot be told apart")
        for line, other in found:
            yield from _conversion(line, other, how)
    yield from _reported(came, "a conversion of which the other half is missing")


def _reported(lines: Sequence[Line], why: str) -> Iterator[Outcome]:
    for line in lines:
        yield Reported(line.row.place, f"{why}: {BY_HAND}")


def _is_received(line: Line, *, has_given: bool) -> bool:
    target = CONVERTED.fullmatch(line.row.text("Notes"))
    if line.part.amount < 0:
        return False
    if target is not None and target["given"].upper() != target["received"].upper():
        return target["received"].upper() == line.part.symbol
    return has_given


def _conversion(line: Line, other: Line | None, how: Reading) -> Iterator[Outcome]:
    given = Part(line.part.symbol, EXACT.minus(line.part.amount.copy_abs()))

    def of_one() -> Iterator[Outcome]:
        found = CONVERTED.fullmatch(line.row.text("Notes"))
        if found is None or found["given"].upper() != given.symbol:
            raise RowRefused("Notes do not say what this was converted to", BY_HAND)
        [came] = numbers_of([found[1], found[3]], given.amount.copy_abs(), how)
        events = conversion(line.origin, given, Part(symbol_in(found["received"]), came))
        yield from _valued(events, how, currency_named(line.row.values), line)

    def of_two() -> Iterator[Outcome]:
        assert other is not None
        return _valued(_conversion_of(line, other), how, currency_named(line.row.values), line, other)

    return together([line.row], of_one) if other is None else together([line.row, other.row], of_two)


def _migrated(lines: Sequence[Line], _how: Reading) -> Iterator[Outcome]:
    """Yield migrations: what went and what came are two rows, a minute apart at most."""
    came = [line for line in lines if line.part.amount > 0 and line.part.symbol not in _OLD_NAMES]
    if len(lines) > 2 * _MOST_AT_ONCE:
        yield from _reported(lines, _TOO_MANY)
        return
    given = [line for line in lines if line.part.amount <= 0 or line.part.symbol in _OLD_NAMES]
    for fit in (_are_equal, _are_near):  # what is of equal quantities is no other's half
        for line in list(given):
            fitting = [one for one in came if fit(line, one)]
            rivals = [one for one in given if fitting and fit(one, fitting[0])]
            other = dict(pairs(rivals, fitting)).get(line)
            if other is not None:
                given.remove(line)
                came.remove(other)
                yield from together([line.row, other.row], partial(_migration, line, other))
    doubtful = {one for line in given for other in came if _are_near(line, other) for one in (line, other)}
    for line in (*given, *came):
        yield from _reported([line], _SEVERAL_MIGRATIONS if line in doubtful else _HALF_A_MIGRATION)


def _are_near(line: Line, other: Line) -> bool:
    is_near = abs(other.at - line.at) <= _SAME_EVENT and other.part.symbol != line.part.symbol
    return is_near and _kind(other.row) == _kind(line.row)


def _are_equal(line: Line, other: Line) -> bool:
    return other.part.amount == line.part.amount.copy_abs() and _are_near(line, other)


def _migration(line: Line, other: Line) -> Iterator[FileEvent]:
    return renamed(_conversion_of(line, other))


def _conversion_of(line: Line, other: Line) -> Iterator[FileEvent]:
    ids = [text for text in (line.row.text("ID"), other.row.text("ID")) if text]
    origin = Origin((line.row.place, other.row.place), line.at, "+".join(sorted(ids)) or None)
    given = Part(line.part.symbol, EXACT.minus(line.part.amount.copy_abs()))
    return conversion(origin, given, Part(other.part.symbol, other.part.amount.copy_abs()))


def _line(row: Row, how: Reading) -> Line:
    time_in = how.time if has_days_alone(row.values) else how.exact_time
    at = time_in(row.text("Timestamp"), how.zone)
    currency = (row.text("Price Currency", "Spot Price Currency") or currency_named(row.values)).upper()
    for name in OF_MONEY if currency else ():
        if name in row.values and not is_money_of(row.text(name), currency):
            raise RowRefused(f"{name}: {row.text(name)[:40]!r} is not in {currency}, which the row says", BY_HAND)
    return Line(row, at, Part(symbol_in(row.text("Asset")), how.amount(row, "Quantity Transacted")))


def _kind(row: Row) -> str:
    return row.text("Transaction Type").lower()
