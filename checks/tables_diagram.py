"""Draws the tables: columns from the code that uses them, keys from a database that the migrations have made.

`python -m checks.tables_diagram` says whether docs/tables.md is up to date. With `--write` it writes the page.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Column, Inspector, Table, create_engine, inspect
from sqlalchemy.types import Boolean, Date, Integer, String

from portfolio.adapters.database.schema.migration import migrate
from portfolio.adapters.database.schema.revision import SCHEMA_REVISION
from portfolio.adapters.database.schema.tables import metadata, prices_metadata
from portfolio.adapters.database.schema.types import Blob, Exact, KeyText, UtcMoment

PAGE = Path(__file__).parents[1] / "docs" / "tables.md"
TABLES = {**metadata.tables, **prices_metadata.tables}
KINDS = (
    (Exact, "decimal"),
    (KeyText, "key"),
    (UtcMoment, "moment"),
    (Boolean, "bool"),
    (Date, "date"),
    (Blob, "blob"),
)

# A column, and the column whose values it repeats. The database declares no foreign keys: engines write the old tables
# too, in an order of their own.
REFERENCES = (
    ("mock_trades.portfolio_id", "mock_portfolio.id"),
    ("mock_trades.symbol", "mock_holdings.symbol"),
    ("mock_trades.reverses_trade_id", "mock_trades.id"),
    ("mock_trades.signal_id", "portfolio_rebalance_signals.signal_id"),
    ("portfolio_booking_outcomes.trade_id", "mock_trades.id"),
    ("portfolio_cash_transactions.portfolio_id", "mock_portfolio.id"),
    ("portfolio_position_adjustments.cash_transaction_id", "portfolio_cash_transactions.id"),
    ("portfolio_position_adjustments.symbol", "mock_holdings.symbol"),
    ("portfolio_imports.portfolio_id", "mock_portfolio.id"),
    ("portfolio_import_rows.import_id", "portfolio_imports.id"),
    ("portfolio_import_previews.import_id", "portfolio_imports.id"),
    ("portfolio_import_parts.preview_id", "portfolio_import_previews.preview_id"),
    ("portfolio_lot_picks.portfolio_id", "mock_portfolio.id"),
    ("portfolio_lot_picks.trade_id", "mock_trades.id"),
    ("portfolio_rebalance_signals.portfolio_id", "mock_portfolio.id"),
    ("portfolio_rebalance_signals.executed_trade_id", "mock_trades.id"),
    ("portfolio_rebalance_signals.superseded_by", "portfolio_rebalance_signals.signal_id"),
    ("portfolio_daily_positions.day", "mock_performance_history.date"),
    ("portfolio_close_marks.symbol", "portfolio_price_history.symbol"),
)

HEAD = f"""# The tables

This page is made by `make diagrams` from `src/portfolio/adapters/database/schema/tables.py` and from a database that
the migrations have made (schema revision {SCHEMA_REVISION}). Do not edit it. [database.md](database.md) says what each
table is for.

PK is the primary key. UK is a column that is unique by itself. FK is a column that repeats a value of another table;
the database declares no foreign keys, because other programs write the four `mock_` tables too. A `decimal` is
`DECIMAL(38,18)` on MySQL and MariaDB, and text on SQLite. A `key` is compared byte for byte (`VARBINARY`). A `moment`
is a UTC time with microseconds.
"""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a table as the migrations made them, and the columns that the code does not use."""

    unique: list[tuple[str, ...]]
    others: list[tuple[str, ...]]
    unused: list[str]


def page() -> str:
    """Return the page: the picture, then every key."""
    with tempfile.TemporaryDirectory() as folder:
        migrate(f"sqlite+aiosqlite:///{folder}/tables.db", None)
        engine = create_engine(f"sqlite:///{folder}/tables.db")
        try:
            found = {name: _keys_of(inspect(engine), table) for name, table in TABLES.items()}
        finally:
            engine.dispose()
    picture = ["```mermaid", "erDiagram", *_relations(), *_boxes(found), "```"]
    return "\n".join([HEAD, *picture, "", "## Keys", "", *_key_rows(found), ""])


def _keys_of(inspector: Inspector, table: Table) -> Keys:
    by_columns = [
        (bool(key["unique"]), tuple(map(str, key["column_names"]))) for key in inspector.get_indexes(table.name)
    ]
    columns = {column["name"] for column in inspector.get_columns(table.name)}
    if missing := {column.name for column in table.columns} - columns:
        raise LookupError(f"{table.name}: no migration makes {sorted(missing)}")
    return Keys(
        unique=sorted(key for is_unique, key in by_columns if is_unique),
        others=sorted(key for is_unique, key in by_columns if not is_unique),
        unused=sorted(columns - {column.name for column in table.columns}),
    )


def _relations() -> Iterator[str]:
    for column, target in REFERENCES:
        (table, name), (other, key) = column.split("."), target.split(".")
        if name not in TABLES[table].columns or key not in TABLES[other].columns:
            raise LookupError(f"{column} or {target} is no column any more")
        yield f'    {other} |o--o{{ {table} : "{name}"'


def _boxes(found: dict[str, Keys]) -> Iterator[str]:
    for name, table in TABLES.items():
        yield f"    {name} {{"
        for column in table.columns:
            yield f"        {_kind(column)} {column.name}{_marks(name, column, found[name])}"
        yield "    }"


def _kind(column: Column[object]) -> str:
    for kind, word in KINDS:
        if isinstance(column.type, kind):
            return word
    if isinstance(column.type, Integer):
        return "int"
    return f"varchar({column.type.length})" if isinstance(column.type, String) and column.type.length else "text"


def _marks(table: str, column: Column[object], keys: Keys) -> str:
    marks = [
        mark
        for mark, holds in (
            ("PK", column.primary_key),
            ("FK", any(source == f"{table}.{column.name}" for source, _ in REFERENCES)),
            ("UK", (column.name,) in keys.unique),
        )
        if holds
    ]
    return f" {', '.join(marks)}" if marks else ""


def _key_rows(found: dict[str, Keys]) -> Iterator[str]:
    yield "| table | unique keys | other indexes | columns that the service leaves to other programs |"
    yield "|---|---|---|---|"
    for name, keys in found.items():
        yield f"| `{name}` | {_listed(keys.unique)} | {_listed(keys.others)} | {', '.join(keys.unused)} |"


def _listed(keys: list[tuple[str, ...]]) -> str:
    return "; ".join(", ".join(columns) for columns in keys)


if __name__ == "__main__":
    made = page()
    if "--write" in sys.argv:
        PAGE.write_text(made, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != made:
        sys.exit("docs/tables.md is not what the schema says: run `make diagrams`")
    else:
        print("docs/tables.md is up to date")
