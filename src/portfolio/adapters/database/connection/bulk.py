"""Many rows in few round trips, and the databases' ways to write a row that may be there already.

SQLAlchemy says how one row is written; what it does for each of a thousand costs a tenth of a second of the event loop.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, literal_column
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import Dialect

from portfolio.adapters.database.connection.statements import Compiled, Statement, chunks

NOW: Any = literal_column("CURRENT_TIMESTAMP")


class RowWriter:
    """Writes rows of a table that all have the same columns.

    A row whose ``key`` is there already gets the new values of ``update``, of all its columns where none is named;
    ``touch`` is a column that is set to the database's present moment then. An auto-increment key has to be among the
    columns where the table's is narrow: MySQL uses up a number for each row that comes without one, inserted or not.
    """

    def __init__(
        self,
        table: Table,
        *,
        key: Sequence[str] = (),
        update: Collection[str] = (),
        touch: str = "",
    ) -> None:
        self._table = table
        self._key = key
        self._update = update
        self._touch = touch
        self._compiled = lru_cache(maxsize=8)(self._compile)

    def on(self, dialect: Dialect, rows: Sequence[Mapping[str, Any]]) -> list[Statement]:
        """Return the statements that write the rows."""
        if not rows:
            return []
        compiled, start, one, end = self._compiled(dialect, tuple(rows[0]))
        if dialect.name == "sqlite":
            values = [compiled.values(row) for row in rows]
            many = len(values) > 1
            return [Statement(start + one + end, values if many else values[0], many=many)]
        return [
            Statement(
                start + ", ".join([one] * len(chunk)) + end, [value for row in chunk for value in compiled.values(row)]
            )
            for chunk in chunks(rows)
        ]

    def _compile(self, dialect: Dialect, columns: Sequence[str]) -> tuple[Compiled, str, str, str]:
        """Return how a row is written, and the text up to the values, of one row's values, and after them."""
        is_sqlite = dialect.name == "sqlite"
        plain: Any = (sqlite if is_sqlite else mysql).insert(self._table).inline()
        compiled = Compiled(plain, columns, dialect)
        start, values, one = compiled.sql.partition(" VALUES ")
        if not self._key:
            return compiled, start + values, one, ""
        new = plain.excluded if is_sqlite else plain.inserted
        update = {name: new[name] for name in self._update or set(columns).difference(self._key)}
        if self._touch:
            update[self._touch] = NOW
        if is_sqlite:
            whole = plain.on_conflict_do_update(self._key, set_=update)
        else:
            whole = plain.on_duplicate_key_update(update)
        return compiled, start + values, one, Compiled(whole, columns, dialect).sql.removeprefix(compiled.sql)
