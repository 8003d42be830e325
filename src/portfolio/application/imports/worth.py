"""What assets were worth in dollars on a day: as a file of rates says, else by the stored close."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from portfolio.application.imports.ports import ImportFiles
from portfolio.application.imports.records import ImportFile, Line, Table
from portfolio.application.prices.ports import PriceStore
from portfolio.domain.errors import InvalidSymbol
from portfolio.domain.imports.numbers import number_in
from portfolio.domain.imports.records import RowRefused
from portfolio.domain.imports.symbols import symbol_in
from portfolio.domain.money import EXACT, Money
from portfolio.domain.symbol import Symbol

CASH: Final = frozenset({"USD", "USDT", "USDC"})
"""What is kept as cash, one for one."""

Rates = Mapping[tuple[date, str], Decimal]
"""Dollars for one of an asset, by UTC day and code."""

_COLUMNS: Final = ("date", "currency", "dollars")


class RatesRefused(Exception):
    """A file of rates cannot be read; ``str()`` says its line and why."""


class WorthUnknown(Exception):
    """Nobody says what an asset was worth; ``str()`` says what to do."""


@dataclass(frozen=True, slots=True)
class Worth:
    """The dollars that assets were worth."""

    rates: Rates = field(default_factory=dict)
    closes: Rates = field(default_factory=dict)

    def __call__(self, symbol: str, quantity: Decimal, at: datetime) -> Money:
        """Return what a quantity was worth on the UTC day of a moment, at 18 decimals.

        Raises:
            WorthUnknown: neither the rates nor the closes have that day.
            OutOfRange: it would be 1e20 or more.
        """
        key = at.astimezone(UTC).date(), symbol
        rate = self.rates[key] if key in self.rates else self.closes.get(key)
        if rate is None:
            raise WorthUnknown(
                f"nobody knows what {symbol} was worth on {key[0]}: portfolio backfill fetches closes of what was held,"
                f" or --rates FILE says it, with a line {key[0]},{symbol},DOLLARS"
            )
        return Money.rounded(EXACT.multiply(quantity, rate))


async def closes_of(prices: PriceStore, wanted: Iterable[tuple[date, str]]) -> Rates:
    """Return the stored closes from the first to the last of these days, of all of these assets."""
    days, symbols = set[date](), set[Symbol]()
    for day, code in wanted:
        days.add(day)
        with suppress(InvalidSymbol):
            symbols.add(Symbol(code))
    if not symbols:
        return {}
    found = await prices.closes(symbols, since=min(days), until=max(days))
    return {(close.day, close.symbol.code): close.price.value for close in found}


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
            raise RatesRefused(f"{file.name}, line {line.number}: {refused}") from refused
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
