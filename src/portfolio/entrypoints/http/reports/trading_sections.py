"""The sections about trading: what it cost and brought, and the newest trades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from portfolio.application.ledger.records import BookedTrade
from portfolio.application.performance.series.daily import DailySeries
from portfolio.entrypoints.http.pages.frame.figures import Cell
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.reports.content import Entry, Line, Section, Table, left_out, moment_text
from portfolio.entrypoints.http.reports.performance_sections import trading_lines

MOST_ASSETS: Final = 50


def costs(series: DailySeries) -> Section:
    """Return what trading cost, and what the trades brought."""
    found = series.costs
    lines = [
        Line("fees", "Fees of the period", found.fees, Kind.MONEY),
        Line("fees_percent", "Fees, of the notional", found.fees_percent, Kind.PERCENT, "no_trades"),
        Line("notional", "Notional of the trades", found.notional, Kind.MONEY),
        *trading_lines(series),
    ]
    rows: list[list[Entry]] = [
        [
            one.symbol.code,
            f"{one.trades:,}",
            Cell(one.fees_percent, Kind.PERCENT, "no_trades"),
            Cell(one.notional, Kind.MONEY),
            Cell(one.fees, Kind.MONEY),
        ]
        for one in found.assets[:MOST_ASSETS]
    ]
    columns = ["Asset", "Trades", "Fees, of the notional", "Notional", "Fees"]
    table = Table("Costs by asset", columns, rows, left_out(len(found.assets), MOST_ASSETS, "asset"))
    return Section("costs", "Costs and trading", lines=lines, tables=[table] if rows else ())


def trades(found: Sequence[BookedTrade], *, are_all: bool) -> Section:
    """Return the newest trades of the period."""
    rows: list[list[Entry]] = [
        [
            moment_text(trade.executed_at),
            trade.side.value,
            trade.symbol.code,
            "reversal" if trade.reverses is not None else "reversed" if one.reversed_by is not None else "",
            Cell(trade.price.value, Kind.PAID),
            Cell(trade.quantity, Kind.QUANTITY),
            Cell(trade.notional, Kind.MONEY),
            Cell(trade.fees, Kind.MONEY),
            Cell(trade.realized_pnl, Kind.RESULT),
        ]
        for one in found
        if one.entry is not None
        for trade in (one.entry.trade,)
    ]
    columns = ["Executed", "Side", "Asset", "", "Price", "Quantity", "Notional", "Fees", "Realized"]
    more = "" if are_all else f"These are the newest {len(found)}; there are more."
    tables = [Table("Trades of the period", columns, rows, more)] if rows else ()
    return Section("trades", "Trades", [] if rows else ["No trade in the period."], tables=tables)
