"""The tables as the service sees them. The migrations make them; nothing here does."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, String, Table, Text

from portfolio.adapters.database.schema.types import Blob, Day, Exact, KeyText, UtcMoment

SCHEMA_REVISION = "0031"
"""The revision of the migrations that this code is written for."""

RUNS_ON = frozenset({SCHEMA_REVISION})
"""The revisions that this code runs on: it writes columns that 0025, 0027 and 0030 add, and tables that 0026, 0029,
0030 and 0031 do, and finds backtests by an index of 0028."""

FITS = "_fits_"


def runs_on(revision: str | None) -> bool:
    """Return whether this code runs on a database at that revision: one of its own, or a newer one that fits it.

    A migration that only adds says by its name which programs go on booking on it: ``0031_fits_0027``, all that are
    written for 0027 or later.
    """
    number, _, oldest = (revision or "").partition(FITS)
    own = number_of(SCHEMA_REVISION)
    return revision in RUNS_ON or (oldest != "" and oldest <= own < number)


def number_of(revision: str) -> str:
    """Return the number that a revision's name begins with."""
    return revision.partition(FITS)[0]


metadata = MetaData()

prices_metadata = MetaData()
"""The tables of the prices database, whose schema each installation names itself."""

mock_portfolio = Table(
    "mock_portfolio",
    metadata,
    Column("id", Integer, primary_key=True),
    *(Column(name, Exact) for name in ("total_value", "cash_balance", "invested_amount", "total_pnl")),
    Column("total_pnl_percent", Exact),
    *(Column(name, Integer) for name in ("total_trades", "winning_trades", "losing_trades")),
    Column("win_rate", Exact),
    Column("updated_at", UtcMoment),
    Column("revision", Integer),
    Column("price_revision", Integer),
    *(Column(name, Exact) for name in ("net_deposits", "realized_pnl", "fees_paid", "ledger_cash")),
    *(Column(name, Exact) for name in ("unit_count", "unit_value", "gross_profit", "gross_loss")),
    *(Column(name, Integer) for name in ("booked_trades", "booked_wins", "booked_losses")),
    Column("ledger_head", String(64)),
)

mock_holdings = Table(
    "mock_holdings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("symbol", String(20)),
    *(Column(name, Exact) for name in ("quantity", "avg_entry_price", "total_invested")),
    *(Column(name, Exact) for name in ("realized_pnl", "unrealized_pnl", "total_pnl")),
    *(Column(name, Exact) for name in ("last_price", "position_value")),
    Column("updated_at", UtcMoment),
    *(Column(name, Exact) for name in ("asset_cost", "ledger_quantity")),
    Column("price_source", String(40)),
    Column("price_at", UtcMoment),
)

mock_trades = Table(
    "mock_trades",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("recommendation_id", Integer),
    Column("symbol", String(20)),
    Column("side", String(4)),
    *(Column(name, Exact) for name in ("quantity", "price", "amount", "fee", "net_amount")),
    Column("execution_time", UtcMoment),
    Column("notes", Text),
    Column("confidence", Exact),
    Column("client_trade_id", KeyText),
    Column("booked_by", KeyText),
    Column("fingerprint", String(64)),
    *(Column(name, Exact) for name in ("cash_delta", "notional_delta", "cost_basis_sold", "realized_pnl")),
    Column("closes", Integer),
    Column("ledger_revision", Integer),
    Column("portfolio_id", Integer),
    Column("engine", String(100)),
    Column("signal_id", String(128)),
    Column("recommendation_ref", String(128)),
    Column("reported_quantity", Exact),
    Column("reverses_trade_id", Integer),
    Column("booked_at", UtcMoment),
    Column("digest", String(64)),
    Column("group_id", KeyText),
)

mock_performance_history = Table(
    "mock_performance_history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("date", Day),
    *(Column(name, Exact) for name in ("portfolio_value", "cash_balance", "invested_amount")),
    *(Column(name, Exact) for name in ("daily_pnl", "daily_return", "cumulative_return")),
    Column("num_positions", Integer),
    *(Column(name, Exact) for name in ("unit_value", "net_deposits", "realized_pnl")),
    *(Column(name, Integer) for name in ("trades", "wins", "losses")),
    *(Column(name, Exact) for name in ("gross_profit", "gross_loss")),
)

booking_outcomes = Table(
    "portfolio_booking_outcomes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", KeyText),
    Column("client_trade_id", KeyText),
    Column("fingerprint", String(64)),
    Column("status", String(10)),
    Column("trade_id", Integer),
    Column("symbol", String(20)),
    Column("side", String(4)),
    *(Column(name, Exact) for name in ("quantity", "price", "net_amount", "fees")),
    Column("engine", String(100)),
    Column("outcome", Text),
    Column("decided_at", UtcMoment),
    Column("digest", String(64)),
)

cash_transactions = Table(
    "portfolio_cash_transactions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("portfolio_id", Integer),
    Column("kind", String(20)),
    *(Column(name, Exact) for name in ("cash_delta", "net_deposits_delta", "realized_delta", "value_before")),
    Column("moved_at", UtcMoment),
    Column("ledger_revision", Integer),
    Column("owner", KeyText),
    Column("client_transaction_id", KeyText),
    Column("fingerprint", String(64)),
    Column("note", Text),
    *(Column(name, Exact) for name in ("cash_after", "net_deposits_after")),
    Column("digest", String(64)),
    Column("flow_value", Exact),
    Column("effective_at", UtcMoment),
    Column("is_basis_assumed", Integer),
    Column("ratio", Exact),
    Column("label", String(20)),
    Column("group_id", KeyText),
    Column("reverses_revision", Integer),
)

cash_refusals = Table(
    "portfolio_cash_refusals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("portfolio_id", Integer),
    Column("owner", KeyText),
    Column("client_transaction_id", KeyText),
    Column("fingerprint", String(64)),
    Column("error", String(128)),
    Column("detail", Text),
    Column("decided_at", UtcMoment),
    Column("digest", String(64)),
)

position_adjustments = Table(
    "portfolio_position_adjustments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("cash_transaction_id", Integer),
    Column("symbol", String(20)),
    Column("quantity_delta", Exact),
    *(Column(name, Exact) for name in ("asset_cost_delta", "cost_basis_delta", "realized_delta", "avg_entry_price")),
)

rebalance_signals = Table(
    "portfolio_rebalance_signals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("signal_id", KeyText),
    Column("portfolio_id", Integer),
    Column("symbol", String(20)),
    Column("action", String(4)),
    Column("reason", String(40)),
    Column("also", String(255)),
    *(Column(name, Exact) for name in ("quantity", "trade_value", "estimated_fee")),
    *(Column(name, Exact) for name in ("current_allocation", "target_allocation")),
    Column("priority", String(10)),
    Column("confidence", Exact),
    Column("evidence", Text),
    *(Column(name, Integer) for name in ("ledger_revision", "price_revision")),
    Column("policy_id", String(64)),
    Column("statistics_day", Day),
    Column("state", String(64)),
    *(Column(name, UtcMoment) for name in ("created_at", "expires_at")),
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
    *(Column(name, Exact) for name in ("step", "tick", "min_quantity", "min_notional")),
    Column("reason", Text),
    Column("fetched_at", UtcMoment),
)

daily_positions = Table(
    "portfolio_daily_positions",
    metadata,
    Column("day", Day, primary_key=True),
    Column("positions", Text),
)

backtests = Table(
    "portfolio_backtests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("backtest_id", KeyText),
    Column("portfolio_id", Integer),
    *(Column(name, String(64)) for name in ("fingerprint", "closes")),
    Column("request", Text),
    Column("state", String(12)),
    Column("progress", Exact),
    *(Column(name, UtcMoment) for name in ("created_at", "finished_at")),
    Column("error", Text),
    *(Column(name, Blob) for name in ("input", "checkpoint", "result", "equity", "trades")),
    Column("holder", KeyText),
    Column("token", Integer),
    Column("expires_at", UtcMoment),
    Column("attempts", Integer),
)

imports = Table(
    "portfolio_imports",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("portfolio_id", Integer),
    Column("imported_at", UtcMoment),
    Column("account", KeyText),
    Column("files", Text),
    Column("state", String(20)),
    Column("preview_id", KeyText),
    *(Column(name, Integer) for name in ("first_revision", "last_revision")),
    Column("reversed_at", UtcMoment),
    *(Column(name, Integer) for name in ("reversed_first", "reversed_last")),
)

import_rows = Table(
    "portfolio_import_rows",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("import_id", Integer),
    Column("account", KeyText),
    *(Column(name, String(20)) for name in ("family", "format")),
    Column("external_id", KeyText),
    Column("content", String(32)),
    Column("effective_at", UtcMoment),
    Column("ledger_revision", Integer),
    Column("former_id", KeyText),
)

import_previews = Table(
    "portfolio_import_previews",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("preview_id", KeyText),
    Column("portfolio_id", Integer),
    Column("owner", KeyText),
    *(Column(name, UtcMoment) for name in ("created_at", "expires_at")),
    Column("request", Text),
    Column("state", String(20)),
    Column("import_id", Integer),
)

import_parts = Table(
    "portfolio_import_parts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("preview_id", KeyText),
    Column("kind", String(20)),
    Column("place", Integer),
    Column("content", Blob),
)

lot_picks = Table(
    "portfolio_lot_picks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("portfolio_id", Integer),
    Column("trade_id", Integer),
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
