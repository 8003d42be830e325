"""The tables as the service sees them. The migrations make them; nothing here does."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table, Text
from sqlalchemy.types import TypeEngine

from portfolio.adapters.database.schema.types import Blob, Day, Exact, KeyText, UtcMoment

metadata = MetaData()

prices_metadata = MetaData()
"""The tables of the prices database, whose schema each installation names itself."""


def _columns(kind: TypeEngine[Any] | type[TypeEngine[Any]], *names: str) -> list[Column[Any]]:
    """Return columns of the same type."""
    return [Column(name, kind) for name in names]


def _numbered(name: str, *columns: Column[Any]) -> Table:
    """Return a table whose rows have a number of their own, ``id``."""
    return Table(name, metadata, Column("id", Integer, primary_key=True), *columns)


mock_portfolio = _numbered(
    "mock_portfolio",
    *_columns(Exact, "total_value", "cash_balance", "invested_amount", "total_pnl", "total_pnl_percent"),
    *_columns(Integer, "total_trades", "winning_trades", "losing_trades"),
    Column("win_rate", Exact),
    Column("updated_at", UtcMoment),
    *_columns(Integer, "revision", "price_revision"),
    *_columns(Exact, "net_deposits", "realized_pnl", "fees_paid", "ledger_cash"),
    *_columns(Exact, "unit_count", "unit_value", "gross_profit", "gross_loss"),
    *_columns(Integer, "booked_trades", "booked_wins", "booked_losses"),
    Column("ledger_head", String(64)),
)

mock_holdings = _numbered(
    "mock_holdings",
    Column("symbol", String(20)),
    *_columns(Exact, "quantity", "avg_entry_price", "total_invested"),
    *_columns(Exact, "realized_pnl", "unrealized_pnl", "total_pnl"),
    *_columns(Exact, "last_price", "position_value"),
    Column("updated_at", UtcMoment),
    *_columns(Exact, "asset_cost", "ledger_quantity"),
    Column("price_source", String(40)),
    Column("price_at", UtcMoment),
)

mock_trades = _numbered(
    "mock_trades",
    Column("recommendation_id", Integer),
    Column("symbol", String(20)),
    Column("side", String(4)),
    *_columns(Exact, "quantity", "price", "amount", "fee", "net_amount"),
    Column("execution_time", UtcMoment),
    Column("notes", Text),
    Column("confidence", Exact),
    *_columns(KeyText, "client_trade_id", "booked_by"),
    Column("fingerprint", String(64)),
    *_columns(Exact, "cash_delta", "notional_delta", "cost_basis_sold", "realized_pnl"),
    *_columns(Integer, "closes", "ledger_revision", "portfolio_id"),
    Column("engine", String(100)),
    *_columns(String(128), "signal_id", "recommendation_ref"),
    Column("reported_quantity", Exact),
    Column("reverses_trade_id", Integer),
    Column("booked_at", UtcMoment),
    Column("digest", String(64)),
    Column("group_id", KeyText),
)

mock_performance_history = _numbered(
    "mock_performance_history",
    Column("date", Day),
    *_columns(
        Exact, "portfolio_value", "cash_balance", "invested_amount", "daily_pnl", "daily_return", "cumulative_return"
    ),
    Column("num_positions", Integer),
    *_columns(Exact, "unit_value", "net_deposits", "realized_pnl"),
    *_columns(Integer, "trades", "wins", "losses"),
    *_columns(Exact, "gross_profit", "gross_loss"),
)

booking_outcomes = _numbered(
    "portfolio_booking_outcomes",
    *_columns(KeyText, "owner", "client_trade_id"),
    Column("fingerprint", String(64)),
    Column("status", String(10)),
    Column("trade_id", Integer),
    Column("symbol", String(20)),
    Column("side", String(4)),
    *_columns(Exact, "quantity", "price", "net_amount", "fees"),
    Column("engine", String(100)),
    Column("outcome", Text),
    Column("decided_at", UtcMoment),
    Column("digest", String(64)),
)

cash_transactions = _numbered(
    "portfolio_cash_transactions",
    Column("portfolio_id", Integer),
    Column("kind", String(20)),
    *_columns(Exact, "cash_delta", "net_deposits_delta", "realized_delta", "value_before"),
    Column("moved_at", UtcMoment),
    Column("ledger_revision", Integer),
    *_columns(KeyText, "owner", "client_transaction_id"),
    Column("fingerprint", String(64)),
    Column("note", Text),
    *_columns(Exact, "cash_after", "net_deposits_after"),
    Column("digest", String(64)),
    Column("flow_value", Exact),
    Column("effective_at", UtcMoment),
    Column("is_basis_assumed", Integer),
    Column("ratio", Exact),
    Column("label", String(20)),
    Column("group_id", KeyText),
    Column("reverses_revision", Integer),
)

cash_refusals = _numbered(
    "portfolio_cash_refusals",
    Column("portfolio_id", Integer),
    *_columns(KeyText, "owner", "client_transaction_id"),
    Column("fingerprint", String(64)),
    Column("error", String(128)),
    Column("detail", Text),
    Column("decided_at", UtcMoment),
    Column("digest", String(64)),
)

position_adjustments = _numbered(
    "portfolio_position_adjustments",
    Column("cash_transaction_id", Integer),
    Column("symbol", String(20)),
    *_columns(Exact, "quantity_delta", "asset_cost_delta", "cost_basis_delta", "realized_delta", "avg_entry_price"),
)

rebalance_signals = _numbered(
    "portfolio_rebalance_signals",
    Column("signal_id", KeyText),
    Column("portfolio_id", Integer),
    Column("symbol", String(20)),
    Column("action", String(4)),
    Column("reason", String(40)),
    Column("also", String(255)),
    *_columns(Exact, "quantity", "trade_value", "estimated_fee", "current_allocation", "target_allocation"),
    Column("priority", String(10)),
    Column("confidence", Exact),
    Column("evidence", Text),
    *_columns(Integer, "ledger_revision", "price_revision"),
    Column("policy_id", String(64)),
    Column("statistics_day", Day),
    Column("state", String(64)),
    *_columns(UtcMoment, "created_at", "expires_at"),
    Column("status", String(12)),
    Column("acknowledged_by", KeyText),
    Column("acknowledged_at", UtcMoment),
    Column("executed_trade_id", Integer),
    Column("superseded_by", KeyText),
    Column("waits_for", Text),
    Column("executable_quantity", Exact),
    Column("venue", String(20)),
    Column("executable_reason", Text),
)

exchange_rules = Table(
    "portfolio_exchange_rules",
    metadata,
    *(Column(name, String(20), primary_key=True) for name in ("venue", "symbol")),
    Column("quote", String(20)),
    *_columns(Exact, "step", "tick", "min_quantity", "min_notional"),
    Column("reason", Text),
    Column("fetched_at", UtcMoment),
)

daily_positions = Table(
    "portfolio_daily_positions",
    metadata,
    Column("day", Day, primary_key=True),
    Column("positions", Text),
)

backtests = _numbered(
    "portfolio_backtests",
    Column("backtest_id", KeyText),
    Column("portfolio_id", Integer),
    *_columns(String(64), "fingerprint", "closes"),
    Column("request", Text),
    Column("state", String(12)),
    Column("progress", Exact),
    *_columns(UtcMoment, "created_at", "finished_at"),
    Column("error", Text),
    *_columns(Blob, "input", "checkpoint", "result", "equity", "trades"),
    Column("holder", KeyText),
    Column("token", Integer),
    Column("expires_at", UtcMoment),
    Column("attempts", Integer),
)

imports = _numbered(
    "portfolio_imports",
    Column("portfolio_id", Integer),
    Column("imported_at", UtcMoment),
    Column("account", KeyText),
    Column("files", Text),
    Column("state", String(20)),
    Column("preview_id", KeyText),
    *_columns(Integer, "first_revision", "last_revision"),
    Column("reversed_at", UtcMoment),
    *_columns(Integer, "reversed_first", "reversed_last"),
)

import_rows = _numbered(
    "portfolio_import_rows",
    Column("import_id", Integer),
    Column("account", KeyText),
    *_columns(String(20), "family", "format"),
    Column("external_id", KeyText),
    Column("content", String(32)),
    Column("effective_at", UtcMoment),
    Column("ledger_revision", Integer),
    Column("former_id", KeyText),
)

import_previews = _numbered(
    "portfolio_import_previews",
    Column("preview_id", KeyText),
    Column("portfolio_id", Integer),
    Column("owner", KeyText),
    *_columns(UtcMoment, "created_at", "expires_at"),
    Column("request", Text),
    Column("state", String(20)),
    Column("import_id", Integer),
)

import_parts = _numbered(
    "portfolio_import_parts",
    Column("preview_id", KeyText),
    Column("kind", String(20)),
    Column("place", Integer),
    Column("content", Blob),
)

lot_picks = _numbered(
    "portfolio_lot_picks",
    *_columns(Integer, "portfolio_id", "trade_id"),
    Column("lots", Text),
    Column("picked_by", KeyText),
    Column("picked_at", UtcMoment),
    Column("ledger_revision", Integer),
)

leases = Table(
    "portfolio_leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", KeyText),
    Column("token", Integer),
    Column("expires_at", UtcMoment),
)

price_history = Table(
    "portfolio_price_history",
    prices_metadata,
    Column("id", Integer, primary_key=True),
    Column("symbol", String(20)),
    Column("granularity", String(4)),
    Column("observed_at", UtcMoment),
    Column("price", Exact),
    Column("source", String(40)),
)

close_marks = Table(
    "portfolio_close_marks",
    prices_metadata,
    Column("symbol", String(20), primary_key=True),
    Column("price_revision", Integer),
)

schema_revision = Table("portfolio_schema_version", metadata, Column("version_num", String(32), primary_key=True))
