"""Which format a file has, by its header or its fields and never by its name; and its rows, by column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import tzinfo
from itertools import pairwise
from typing import Final, TypeAlias

import msgspec

from portfolio.application.imports.records import Document, ImportFile, Line, Table, Unreadable
from portfolio.domain.imports.formats import (
    binance_history,
    binance_trades,
    ccxt,
    coinbase,
    coinbase_advanced,
    coinbase_pro,
    freqtrade,
    ghostfolio,
    koinly,
    kraken_ledgers,
    kraken_trades,
    wealthfolio,
)
from portfolio.domain.imports.moments import offset_in
from portfolio.domain.imports.reading import Reading
from portfolio.domain.imports.records import Ignored, Outcome, Place, Reported, Row, RowRefused

Objects: TypeAlias = list[tuple[Place, object]]
Read: TypeAlias = Callable[[Sequence[Row], Reading], Iterator[Outcome]]

_HEADER_WITHIN = 30
_AS_IT_WAS: Final = "import the file as it was downloaded"
_UNIVERSAL: Final = "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,Label"
_LOCAL_HEADER = re.compile(r"(?P<name>Date|Time|UTC_Time) ?\(UTC(?P<offset>[+-][\d:]+)?\)", re.ASCII)


class Format(msgspec.Struct, frozen=True):
    """A kind of file; files of one ``family`` have their ids in common, and of those the first kind is read first.

    A table has all columns of one of ``headers``. ``objects`` finds the rows of a document, None where it has none.
    """

    name: str
    family: str
    read: Read
    headers: tuple[frozenset[str], ...] = ()
    objects: Callable[[object], Objects | None] | None = None


class Page(msgspec.Struct, frozen=True):
    """Which part of a longer list a document holds: from ``first``, before ``end``, of ``total``."""

    first: int
    end: int
    total: int


class Part(msgspec.Struct, frozen=True):
    """The rows below a header, and the zone that it states; None where it states none."""

    rows: Sequence[Row]
    zone: tzinfo | None = None


class Recognised(msgspec.Struct, frozen=True):
    """The rows of a file, and those that could not be taken apart; a file put together of several has as many parts."""

    format: Format
    parts: Sequence[Part]
    faults: Sequence[Reported | Ignored] = ()
    page: Page | None = None


def recognise(file: ImportFile, wanted: str | None = None) -> Recognised | Reported:
    """Return the rows of a file and the format they have; else why there are none."""
    formats = [one for one in FORMATS if wanted in {None, one.name}]
    if isinstance(file.content, Unreadable):
        return Reported(1, file.content.reason)
    if isinstance(file.content, Document):
        found = next(_documents(file.content.value, formats), None)
    else:
        found = next(_tables(file.content.lines, formats), None)
    if found is not None:
        return found
    names = f"that of {wanted}" if wanted else f"known; formats are {', '.join(one.name for one in FORMATS)}"
    what = "header" if isinstance(file.content, Table) else "structure"
    otherwise = "" if wanted else f", or put what another place tells under the columns of koinly: {_UNIVERSAL}"
    return Reported(1, f"the {what} is not {names}: {_AS_IT_WAS}{otherwise}")


def _tables(lines: Sequence[Line], formats: Sequence[Format]) -> Iterator[Recognised]:
    for index, line in enumerate(lines[:_HEADER_WITHIN]):
        names = {*_header(line.cells)[0]}
        yield from (_table_of(one, lines[index:]) for one in formats if _has_columns(names, one))


def _has_columns(names: set[str], of: Format) -> bool:
    return any(header <= names for header in of.headers)


def _table_of(one: Format, lines: Sequence[Line]) -> Recognised:
    """Return the rows below a header, and below each that stands further down: of other files put behind it."""
    columns = frozenset[str]().union(*one.headers)
    again = [
        index
        for index, line in enumerate(lines)
        if index
        and (line.cells == lines[0].cells or not columns.isdisjoint(line.cells[:2]))
        and _has_columns({*_header(line.cells)[0]}, one)
    ]
    faults: list[Reported | Ignored] = [Ignored(lines[index].number, "the header once more") for index in again]
    parts = []
    for begin, end in pairwise([0, *again, len(lines)]):
        names, zone = _header(lines[begin].cells)
        parts.append(Part([*_rows(names, lines[begin + 1 : end], faults)], zone))
    return Recognised(one, parts, faults)


def _header(cells: Sequence[str]) -> tuple[list[str], tzinfo | None]:
    """Return the names of the columns, and the zone that one of them states: Date(UTC+1) is Date(UTC)."""
    names, zone = [], None
    for cell in cells:
        name, found = cell.strip(), _LOCAL_HEADER.fullmatch(cell.strip())
        if found is not None:
            try:
                zone = offset_in(found["offset"] or "")
            except RowRefused:
                return [], None
            name = "Date(UTC)" if found["name"] == "Date" else found["name"]
        elif name == "UTC_Time":
            zone = offset_in("")
        names.append(name)
    return names, zone


def _rows(names: Sequence[str], lines: Sequence[Line], faults: list[Reported | Ignored]) -> Iterator[Row]:
    """Yield the rows of columns; those that are empty, or have other columns, go to ``faults``."""
    width, first_at = len(names), dict[str, int]()
    # Two columns of one name say the same, or nobody knows which counts.
    twice = [(first, at) for at, name in enumerate(names) if name and (first := first_at.setdefault(name, at)) != at]
    for line in lines:
        cells = line.cells
        if line.fault:
            faults.append(Reported(line.number, line.fault))
        elif not cells[0].strip() and not any(cell.strip() for cell in cells):
            faults.append(Ignored(line.number, "an empty row"))
        elif len(cells) < width:
            faults.append(Reported(line.number, f"the row is cut: {len(cells)} of {width} columns: {_AS_IT_WAS}"))
        elif len(cells) > width and any(cell.strip() for cell in cells[width:]):
            faults.append(Reported(line.number, f"the row has more columns than the header's {width}: {_AS_IT_WAS}"))
        elif twice and (others := [names[at] for first, at in twice if cells[first].strip() != cells[at].strip()]):
            why = f"two columns are called {others[0][:40]!r}, and say different things: which counts is not known"
            faults.append(Reported(line.number, f"{why}: {_AS_IT_WAS}"))
        else:
            yield Row(line.number, dict(zip(names, cells, strict=False)))


def _documents(value: object, formats: Sequence[Format]) -> Iterator[Recognised]:
    for one in formats:
        objects = one.objects(value) if one.objects is not None else None
        if objects is not None:
            rows = [Row(place, found) for place, found in objects if isinstance(found, Mapping)]
            faults = [
                Reported(place, f"is no object: {_AS_IT_WAS}")
                for place, found in objects
                if not isinstance(found, Mapping)
            ]
            yield Recognised(one, [Part(rows)], faults, page=_page(value))


def _page(value: object) -> Page | None:
    """Return which part of freqtrade's trades an answer holds; None where it does not say of how many."""
    trades = value.get("trades") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(trades, list):
        return None
    total, first = _count(value.get("total_trades")), _count(value.get("offset")) or 0
    return None if total is None else Page(first, first + len(trades), total)


def _count(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def _listed(value: object, name: str, *fields: str) -> Objects | None:
    """Return the objects of a list, or of the list of that name; None where the first has not all of these fields."""
    found = value.get(name) if isinstance(value, Mapping) else value
    if not isinstance(found, list):
        return None
    first = next((one for one in found if isinstance(one, Mapping)), None)
    is_named = isinstance(value, Mapping) and (first is None or not fields)
    has_fields = first is not None and first.keys() >= set(fields)
    return list(enumerate(found)) if is_named or has_fields else None


def _unified(value: object) -> Objects | None:
    found = value if isinstance(value, list) else None
    return _listed(found, "", "symbol", "side", "amount", "price", "timestamp")


def _orders(value: object) -> Objects | None:
    """Return the orders of freqtrade's trades, each with what is read of its trade; one without any stands alone."""
    trades = _listed(value, "trades", "pair", "orders")
    if trades is None:
        return None
    found: Objects = []
    for position, trade in trades:
        if not isinstance(trade, Mapping):
            found.append((position, trade))
            continue
        number = trade.get("trade_id", trade.get("id", position))
        # Not all of them: a file may have many orders in a trade of many fields.
        fields = {f"trade.{name}": trade[name] for name in freqtrade.OF_A_TRADE if name in trade}
        listed = trade.get("orders")
        orders = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        found += [(f"{number}/{order.get('order_id')}", {**order, **fields}) for order in orders]
        found += [] if orders else [(f"{number}", fields)]
    return found


def _table(name: str, family: str, read: Read, *headers: str) -> Format:
    return Format(name, family, read, tuple(frozenset(header.split(",")) for header in headers))


FORMATS = (
    _table("coinbase", "coinbase", coinbase.read, "Timestamp,Transaction Type,Asset,Quantity Transacted,Notes"),
    _table(
        "coinbase-pro-fills",
        "coinbase-pro",
        coinbase_pro.read_fills,
        "trade id,product,side,created at,size,price,fee,total",
    ),
    _table(
        "coinbase-pro-account",
        "coinbase-pro",
        coinbase_pro.read_account,
        "type,time,amount,amount/balance unit,transfer id,trade id,order id",
    ),
    Format(
        "coinbase-advanced",
        "coinbase-advanced",
        coinbase_advanced.read,
        objects=lambda value: _listed(value, "fills", "trade_id", "product_id", "side", "size", "price"),
    ),
    _table(
        "binance-history",
        "binance-history",
        binance_history.read,
        "UTC_Time,Account,Operation,Coin,Change",  # and User_ID, since 2021
        "User ID,Time,Account,Operation,Coin,Change",
    ),
    _table(
        "binance-trades",
        "binance-trades",
        binance_trades.read,
        "Date(UTC),Market,Type,Price,Amount,Total,Fee,Fee Coin",
        "Date(UTC),Pair,Side,Price,Executed,Amount,Fee",
        "Time,Pair,Side,Price,Executed,Amount,Fee",
        "Date(UTC),Pair,Base Asset,Quote Asset,Type,Price,Amount,Total,Fee,Fee Coin",
    ),
    _table("kraken-ledgers", "kraken", kraken_ledgers.read, "txid,refid,time,type,asset,amount,fee"),
    _table("kraken-trades", "kraken", kraken_trades.read, "txid,pair,time,type,price,cost,fee,vol,margin"),
    Format(
        "ghostfolio",
        "ghostfolio",
        ghostfolio.read,
        objects=lambda value: _listed(value, "activities") if isinstance(value, Mapping) else None,
    ),
    Format("freqtrade", "freqtrade", freqtrade.read, objects=_orders),
    Format("ccxt", "ccxt", ccxt.read, objects=_unified),
    _table(
        "koinly",
        "koinly",
        koinly.read,
        _UNIVERSAL,
        f"Koinly {_UNIVERSAL}",
    ),
    _table(
        "koinly-trades",
        "koinly",
        koinly.read_trades,
        "Koinly Date,Pair,Side,Amount,Total,Fee Amount,Fee Currency",
    ),
    _table("wealthfolio", "wealthfolio", wealthfolio.read, "date,type,symbol,quantity,unit_price,currency,fee,amount"),
)
FORMAT_NAMES = tuple(one.name for one in FORMATS)
