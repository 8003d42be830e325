"""What ``portfolio watch`` shows in a terminal."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from portfolio.entrypoints.cli.watch.command import Message, Watched


def table_of(watched: Watched) -> Group:
    """Return what was told: the connection, the sums, the positions by value, the newest entries."""
    return Group(_head(watched), _sums(watched.totals), _positions(watched), _entries(watched.entries))


def _head(watched: Watched) -> Text:
    style = "bold green" if watched.link == "live" else "bold red"
    said = [f" after {watched.position}"]
    said += [f"service {watched.health}"] if watched.health else []
    said += ["prices are stale"] if watched.totals.get("stale") else []
    said += [f"{len(watched.open_signals)} open signals"] if watched.open_signals else []
    return Text.assemble((watched.link, style), " · ".join(said))


def _sums(totals: Message) -> Table:
    table = Table(box=None, pad_edge=False)
    names = ("total_value", "cash_balance", "invested_amount", "unrealized_pnl", "realized_pnl", "unreconciled")
    for name in names:
        table.add_column(name.replace("_", " "), justify="right")
    table.add_row(*(_money(totals.get(name)) for name in names))
    return table


def _positions(watched: Watched) -> Table:
    table = Table(title="positions", title_justify="left", expand=True)
    table.add_column("symbol")
    for name in ("quantity", "price", "value", "result", "share"):
        table.add_column(name, justify="right")
    table.add_column("price is")
    for position in sorted(watched.positions.values(), key=lambda found: -Decimal(found["market_value"])):
        table.add_row(
            position["symbol"],
            _exact(position["quantity"]),
            _exact(position["current_price"]),
            _money(position["market_value"]),
            _money(position["unrealized_pnl"]),
            _percent(position["allocation_percent"]),
            position["price_status"],
        )
    return table


def _entries(entries: list[Message]) -> Table:
    table = Table(title="newest entries", title_justify="left", expand=True)
    table.add_column("entry", justify="right")
    for name in ("at", "what", "of"):
        table.add_column(name)
    for name in ("quantity", "price", "cash"):
        table.add_column(name, justify="right")
    for entry in reversed(entries):
        table.add_row(
            str(entry["ledger"]),
            str(entry.get("booked_at") or entry.get("moved_at"))[:19].replace("T", " "),
            str(entry.get("side") or entry["kind"]),
            str(entry.get("symbol") or ""),
            _exact(entry.get("quantity")),
            _exact(entry.get("price")),
            _money(entry["cash_delta"]),
        )
    return table


def _money(value: Any) -> str:
    return "" if value is None else f"{value:,.2f}"


def _exact(value: Any) -> str:
    return "" if value is None else f"{value:,f}"


def _percent(value: Any) -> str:
    return "" if value is None else f"{value:.2f} %"
