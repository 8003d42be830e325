"""Which days are valued by less than their own closes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from portfolio.application.performance.days.entries import DayEntries
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import subtracted
from portfolio.domain.symbol import Symbol


def held_since(portfolio: Portfolio, entries: DayEntries, since: date) -> list[Symbol]:
    """Return what was held, by the ledger's entries, at some time from the end of ``since`` on, in order."""
    moved = {symbol for day, entry in entries.days.items() if day > since for symbol in entry.changes}
    return sorted(moved | {symbol for symbol, position in portfolio.positions.items() if position.ledger_quantity})


def held_without_close(
    portfolio: Portfolio, entries: DayEntries, lacking: Mapping[Symbol, Sequence[date]]
) -> Mapping[date, Sequence[Symbol]]:
    """Return, of the days on which a symbol is ``lacking`` a close, those at whose end it was held, with the symbols.

    Such a day was valued by the price of its row, or by the close of a day before.
    """
    moves: defaultdict[Symbol, list[date]] = defaultdict(list)
    for day, entry in entries.days.items():
        for symbol in entry.changes.keys() & lacking.keys():
            moves[symbol].append(day)
    found: defaultdict[date, list[Symbol]] = defaultdict(list)
    for symbol in sorted(lacking):
        for day in _held_on(portfolio, entries, symbol, lacking[symbol], moves[symbol]):
            found[day].append(symbol)
    return found


def _held_on(
    portfolio: Portfolio, entries: DayEntries, symbol: Symbol, days: Sequence[date], moved: Iterable[date]
) -> Iterable[date]:
    """Yield those of the days at whose end a symbol was held: what is held now, less what later days moved."""
    quantity = portfolio.position(symbol).ledger_quantity
    later = sorted(moved)
    for day in sorted(days, reverse=True):
        while later and later[-1] > day:
            quantity = subtracted(quantity, entries.days[later.pop()].changes[symbol].quantity)
        if quantity and (entries.opened is None or day >= entries.opened):
            yield day
