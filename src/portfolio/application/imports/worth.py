"""What assets were worth in dollars: as the event's own file says, else by the day's close, else by a file of rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import msgspec

from portfolio.application.imports.ports import ImportFiles
from portfolio.application.imports.records import ImportFile, Line, Table
from portfolio.domain.days import day_of
from portfolio.domain.imports.numbers import number_in
from portfolio.domain.imports.records import FileEvent, RowRefused
from portfolio.domain.imports.symbols import symbol_in
from portfolio.domain.money import EXACT, Money

CASH: Final = frozenset({"USD", "USDT", "USDC"})
"""What is kept as cash, one for one."""

Rates = Mapping[tuple[date, str], Decimal]
"""Dollars for one of an asset, by UTC day and code."""

_COLUMNS: Final = ("date", "currency", "dollars")


WorthOf = Callable[[str, Decimal, datetime], Money]
"""Dollars for so much of an asset at a moment; raises WorthUnknown where nobody knows."""


class RatesRefused(Exception):
    """A file of rates cannot be read; ``str()`` says its line and why."""


class WorthUnknown(Exception):
    """Nobody says what an asset was worth; ``str()`` says what to do."""


class Worth(msgspec.Struct, frozen=True):
    """The dollars that assets were worth. ``failed`` is why there are no closes of an asset, where they were asked for.

    The close goes before the rate: restated days value what is held by it, and a flow at another price would be a
    result that never was.
    """

    rates: Rates = msgspec.field(default_factory=dict)
    closes: Rates = msgspec.field(default_factory=dict)
    failed: Mapping[str, str] = msgspec.field(default_factory=dict)

    def __call__(self, symbol: str, quantity: Decimal, at: datetime) -> Money:
        """Return what a quantity was worth on the UTC day of a moment, at 18 decimals.

        Raises:
            WorthUnknown: neither the closes nor the rates have that day.
        """
        key = day_of(at), symbol
        rate = self.closes.get(key)
        if rate is None:
            rate = self.rates.get(key)
        if rate is None:
            asked = f" ({self.failed[symbol]})" if symbol in self.failed else ""
            raise WorthUnknown(
                f"it is not known what {symbol} was worth on {key[0]}{asked}: state it with --rates FILE, in a line"
                f" {key[0]},{symbol},DOLLARS"
            )
        return Money.rounded(EXACT.multiply(quantity, rate))


def value_of(event: FileEvent, symbol: str, quantity: Decimal, worth: WorthOf) -> Money:
    """Return what so much of an asset of an event was worth: as its file says, else by its day.

    Raises:
        WorthUnknown: nobody knows.
    """
    stated = stated_value(event, symbol, quantity, worth)
    return worth(symbol, quantity, event.at) if stated is None else stated


def stated_value(event: FileEvent, symbol: str, quantity: Decimal, worth: WorthOf) -> Money | None:
    """Return what an event's own file says that so much of an asset was worth; None where it does not.

    A part of what the file values has its share of the value. A value in another currency is worth dollars by that
    currency's own day only.
    """
    if not event.worths:
        return None
    said = [one for one in event.worths if one.symbol == symbol]
    if len(said) > 1:
        said.sort(key=lambda one: one.quantity != quantity)
    for one in said:
        value = one.value
        if one.quantity != quantity:
            value = EXACT.divide(EXACT.multiply(value, quantity), one.quantity)
        if one.currency in CASH:
            return Money.rounded(value)
        with suppress(WorthUnknown):
            return worth(one.currency, value, event.at)
    return None


def read_rates(files: ImportFiles, path: str) -> Rates:
    """Return the rates of a table with the columns date, currency and dollars.

    Raises:
        OSError: there is no such file.
        RatesRefused: it is no such table, or two of its lines say different rates of one day.
    """
    return rates_in(files.read(path))


def rates_in(file: ImportFile) -> Rates:
    """Return the rates of a file; raises RatesRefused where it is no table of rates."""
    lines = list(file.content.lines) if isinstance(file.content, Table) else []
    names = [cell.strip().lower() for cell in lines[0].cells] if lines else []
    if not set(_COLUMNS) <= set(names):
        raise RatesRefused(f"{file.name} is no table with the columns {', '.join(_COLUMNS)}")
    places = [names.index(name) for name in _COLUMNS]
    rates: dict[tuple[date, str], Decimal] = {}
    for line in lines[1:]:
        try:
            key, rate = _rate(line, places)
        except RowRefused as refused:
            raise RatesRefused(f"{file.name}, line {line.number}: {refused.reason}") from refused
        if rates.setdefault(key, rate) != rate:
            raise RatesRefused(f"{file.name}, line {line.number}: another line says {rates[key]} of that day")
    return rates


def _rate(line: Line, places: Sequence[int]) -> tuple[tuple[date, str], Decimal]:
    if line.fault or len(line.cells) <= max(places):
        raise RowRefused(line.fault or "the line is cut")
    day, currency, dollars = (line.cells[place].strip() for place in places)
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise RowRefused(f"{day[:40]!r} is no date such as 2024-01-31") from None
    rate = number_in(dollars, ".")
    if rate <= 0:
        raise RowRefused(f"{dollars[:40]!r} is not above zero")
    return (on, symbol_in(currency)), rate
