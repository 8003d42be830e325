"""Many rows in few round trips, and the two dialects' ways to write a row that may be there already.

The statements are put together by hand: SQLAlchemy spends a tenth of a second of the event loop on a thousand rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from types import MappingProxyType
from typing import Any

from sqlalchemy import Table
from sqlalchemy.engine import Dialect

from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Statement

ROWS_A_STATEMENT = 500

Rows = Sequence[Mapping[str, Any]]


async def insert_rows(session: Session, table: Table, rows: Rows) -> None:
    """Insert rows that have the same columns."""
    await session.execute(*inserted(session.dialect, table, rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class WhenThere:
    """What becomes of a row whose ``key`` is there already: its columns ``update`` are written.

    ``touch`` names a column that is set to the database's present moment on such a row.
    """

    key: Sequence[str]
    update: Sequence[str]
    touch: str | None = None


async def upsert_rows(session: Session, table: Table, rows: Rows, when_there: WhenThere) -> None:
    """Insert rows, or update those that are there.

    An auto-increment key has to be among the columns where the table's is narrow: MySQL uses up a number for each row
    that comes without one, inserted or not.
    """
    await session.execute(*upserted(session.dialect, table, rows, when_there))


def inserted(
    dialect: Dialect,
    table: Table,
    rows: Rows,
    *,
    looked_up: Mapping[str, str] = MappingProxyType({}),
) -> list[Statement]:
    """Return the statements that insert rows of the same columns.

    ``looked_up`` has by column the query whose one parameter, ``{}``, is what the row has there.
    """
    return _written(dialect, table, rows, "", looked_up)


def upserted(dialect: Dialect, table: Table, rows: Rows, when_there: WhenThere) -> list[Statement]:
    """Return the statements of :func:`upsert_rows`."""
    tail = _when_there(dialect, tuple(when_there.key), tuple(when_there.update), when_there.touch)
    return _written(dialect, table, rows, tail)


def _written(  # of this module alone
    dialect: Dialect,
    table: Table,
    rows: Rows,
    tail: str,
    looked_up: Mapping[str, str] = MappingProxyType({}),
) -> list[Statement]:
    if not rows:
        return []
    columns = tuple(rows[0])
    start, one = _insert(dialect, table, columns, tuple(looked_up.items()))
    converted = _converted(table, columns, rows, dialect)
    if dialect.name == "sqlite":
        sql, many = f"{start}{one}{tail}", list(converted)
        return [Statement(sql, many, many=True) if len(many) > 1 else Statement(sql, many[0])]
    statements = []
    while chunk := list(islice(converted, ROWS_A_STATEMENT)):
        values = ", ".join([one] * len(chunk))
        statements.append(Statement(f"{start}{values}{tail}", [value for row in chunk for value in row]))
    return statements


@lru_cache(maxsize=64)
def _insert(
    dialect: Dialect, table: Table, columns: tuple[str, ...], looked_up: tuple[tuple[str, str], ...]
) -> tuple[str, str]:
    """Return the text of an INSERT up to its values, and that of one row of them."""
    quoted = dialect.identifier_preparer.quote
    name = dialect.identifier_preparer.format_table(table)
    mark = "?" if dialect.name == "sqlite" else "%s"
    queries = dict(looked_up)
    one = ", ".join(f"({queries[name]})".format(mark) if name in queries else mark for name in columns)
    return f"INSERT INTO {name} ({', '.join(map(quoted, columns))}) VALUES ", f"({one})"  # noqa: S608  # our own names


@lru_cache(maxsize=64)
def _when_there(dialect: Dialect, key: tuple[str, ...], update: tuple[str, ...], touch: str | None) -> str:
    quoted = dialect.identifier_preparer.quote
    names = [quoted(name) for name in update]
    touched = f", {quoted(touch)} = CURRENT_TIMESTAMP" if touch else ""
    if dialect.name == "sqlite":
        sets = ", ".join(f"{name} = excluded.{name}" for name in names)
        return f" ON CONFLICT ({', '.join(map(quoted, key))}) DO UPDATE SET {sets}{touched}"
    # MySQL and MariaDB have no common form that neither of them deprecates.
    if getattr(dialect, "is_mariadb", False):
        return " ON DUPLICATE KEY UPDATE " + ", ".join(f"{name} = VALUES({name})" for name in names) + touched
    return " AS new ON DUPLICATE KEY UPDATE " + ", ".join(f"{name} = new.{name}" for name in names) + touched


def _converted(table: Table, columns: tuple[str, ...], rows: Rows, dialect: Dialect) -> Iterator[Sequence[Any]]:
    converters = _converters(table, columns, dialect)
    for row in rows:
        values = [row[name] for name in columns]
        for index, convert in converters:
            values[index] = convert(values[index])
        yield values


@lru_cache(maxsize=64)
def _converters(table: Table, columns: tuple[str, ...], dialect: Dialect) -> list[tuple[int, Callable[[Any], Any]]]:
    """Return how the values of these columns are sent, by place, where the driver does not take them as they are."""
    found = ((i, table.c[name].type.dialect_impl(dialect).bind_processor(dialect)) for i, name in enumerate(columns))
    return [(index, convert) for index, convert in found if convert is not None]
