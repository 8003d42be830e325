"""The steps that migrations are made of: one table each, for MySQL, MariaDB and SQLite, online and as a script.

Online a step looks at what is there and does what is missing, so that a migration killed midway finishes when it is run
again. In a script the server does the same, see migration_script.

Column types are written as ``{amount}`` and the like; ``migration_types`` says what they are on each database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic import op
from migration_script import Part, quoted, script_of_upgrade
from migration_types import OWN_TABLE, SHARED_TABLE, TYPES
from sqlalchemy import Text, inspect
from sqlalchemy.engine import Inspector


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An index on a table."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTable:
    """A table to create. ``shared`` ones belong to other programs too: they may be there, and are never dropped.
    ``primary`` is the primary key where no column is one by itself.

    One that ``holds_entries`` is dropped only while it is empty: entries of the ledger are found nowhere else.
    """

    name: str
    columns: Mapping[str, str]
    primary: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    shared: bool = False
    in_prices: bool = False
    holds_entries: bool = False

    def create(self) -> None:
        """Create the table where it is missing."""
        if _is_mysql():
            parts = self._columns
            parts += [f"{'UNIQUE ' if k.unique else ''}KEY {k.name} ({', '.join(k.columns)})" for k in self.keys]
            options = SHARED_TABLE if self.shared else OWN_TABLE
            statement = f"CREATE TABLE IF NOT EXISTS {self._qualified} (\n    {_lines(parts)}\n) {options}"
            if (script := script_of_upgrade()) is not None:
                script.step(quoted(statement))
            else:
                op.execute(statement)
            return
        op.execute(f"CREATE TABLE IF NOT EXISTS {self.name} (\n    {_lines(self._columns)}\n)")
        for key in self.keys:
            op.execute(_create_index(self.name, key))

    def drop(self) -> None:
        """Drop the table, unless other programs use it too or it holds entries; a later upgrade finds those."""
        if self.holds_entries and _holds(self.name):
            _say(f"{self.name} is kept: it may hold entries of the ledger")
        elif not self.shared:
            op.execute(f"DROP TABLE IF EXISTS {self._qualified}")

    @property
    def _columns(self) -> list[str]:
        columns = [f"{name} {_typed(kind)}" for name, kind in self.columns.items()]
        return columns + ([f"PRIMARY KEY ({', '.join(self.primary)})"] if self.primary else [])

    @property
    def _qualified(self) -> str:
        return _qualified(self.name, self.in_prices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """Columns to widen and to add, in one statement where the database can: each is atomic.

    What was added is taken away again only while the column ``kept_by`` holds nothing: once the ledger has written
    there, its entries and sums are found nowhere else.
    """

    table: str
    widen: Mapping[str, str] = field(default_factory=dict)
    add: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[Key, ...] = ()
    kept_by: str = ""

    def apply(self) -> None:
        """Widen and add what is not there yet."""
        have = _inspected(self.table)
        if _is_mysql():
            parts = [Part("MODIFY COLUMN", name, _typed(kind)) for name, kind in self.widen.items()]
            parts += [Part("ADD COLUMN", n, _typed(kind)) for n, kind in self.add.items() if n not in have.columns]
            parts += [
                Part("ADD UNIQUE KEY" if k.unique else "ADD KEY", k.name, f"({', '.join(k.columns)})")
                for k in self.keys
                if k.name not in have.keys
            ]
            if (script := script_of_upgrade()) is not None:
                script.alter(self.table, parts)
            elif parts:
                op.execute(f"ALTER TABLE {self.table}\n    {_lines(str(part) for part in parts)}")
            return
        self._make_exact(have)
        for name, kind in self.add.items():
            if name not in have.columns:
                op.execute(f"ALTER TABLE {self.table} ADD COLUMN {name} {_typed(kind)}")
        for key in self.keys:
            op.execute(_create_index(self.table, key))

    def revert(self) -> None:
        """Take away what was added, if it is unused; what was widened stays wide, and every row stays."""
        have = _inspected(self.table)
        if self.kept_by and (have.unknown or (self.kept_by in have.columns and _holds(self.table, self.kept_by))):
            _say(f"the columns added to {self.table} are kept: they may hold entries or sums of the ledger")
            return
        keys = [key for key in self.keys if key.name in have.keys or have.unknown]
        columns = [name for name in self.add if name in have.columns or have.unknown]
        if _is_mysql():
            parts = [f"DROP KEY {key.name}" for key in keys] + [f"DROP COLUMN {name}" for name in columns]
            if parts:
                op.execute(f"ALTER TABLE {self.table}\n    {_lines(parts)}")
            return
        for key in keys:
            op.execute(f"DROP INDEX IF EXISTS {key.name}")
        for name in columns:
            op.execute(f"ALTER TABLE {self.table} DROP COLUMN {name}")

    def _make_exact(self, have: Inspected) -> None:
        """Make numeric columns of an SQLite table that others created into text: as numbers they are binary floats."""
        exact = [name for name, kind in self.widen.items() if kind.startswith(("{amount}", "{percent}"))]
        floats = [name for name in exact if have.columns.get(name, "TEXT") != "TEXT"]
        if floats:
            with op.batch_alter_table(self.table, recreate="always") as batch:
                for name in floats:
                    batch.alter_column(name, type_=Text())


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """Columns of a table that get other names, and then perhaps the table itself; every row and every key stays.

    Each is one statement. Online one that is done already is left out, whichever way it goes.
    """

    table: str
    columns: Mapping[str, str] = field(default_factory=dict)
    to: str = ""

    def apply(self) -> None:
        """Give the new names."""
        for old, new in self.columns.items():
            _rename_column(self.table, old, new)
        if self.to:
            _rename_table(self.table, self.to)

    def revert(self) -> None:
        """Give the old names back."""
        if self.to:
            _rename_table(self.to, self.table)
        for old, new in self.columns.items():
            _rename_column(self.table, new, old)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comments:
    """What a table of this service, or its columns in a shared one, are for; on SQLite there is no place for that.

    ``columns`` has by name the whole definition, as it was made, and the comment. Nothing but the comments changes.
    """

    table: str
    columns: Mapping[str, tuple[str, str]]
    about: str = ""
    in_prices: bool = False

    def apply(self) -> None:
        """Write the comments."""
        self._write(lambda text: text)

    def revert(self) -> None:
        """Take the comments away."""
        self._write(lambda text: "")

    def _write(self, said: Callable[[str], str]) -> None:
        if not _is_mysql():
            return
        parts = [
            Part("MODIFY COLUMN", name, f"{_typed(kind)} COMMENT {quoted(said(text))}")
            for name, (kind, text) in self.columns.items()
        ]
        if self.about:
            parts.append(Part("COMMENT =", quoted(said(self.about))))
        table = _qualified(self.table, self.in_prices)
        if (script := script_of_upgrade()) is not None:
            script.alter(table, parts)
        else:
            op.execute(f"ALTER TABLE {table}\n    {_lines(str(part) for part in parts)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """What a table has: types by column, and the names of its indexes; nothing is known of it offline."""

    columns: Mapping[str, str]
    keys: frozenset[str]
    unknown: bool = False


def create_prices_schema() -> None:
    """Create the prices database on a MySQL server where it is missing."""
    if _is_mysql() and prices_schema():
        statement = f"CREATE DATABASE IF NOT EXISTS `{prices_schema()}` DEFAULT CHARACTER SET utf8mb4"
        if (script := script_of_upgrade()) is not None:
            script.step(quoted(statement))
        else:
            op.execute(statement)


def prices_schema() -> str | None:
    """Return the name of the prices database on a MySQL server."""
    config: Any = op.get_context().config
    found: str | None = config.attributes.get("prices_schema")
    return found


def _qualified(table: str, in_prices: bool) -> str:
    schema = prices_schema() if in_prices and _is_mysql() else None
    return f"`{schema}`.{table}" if schema else table


def _inspected(table: str) -> Inspected:
    if op.get_context().as_sql:
        return Inspected(columns={}, keys=frozenset(), unknown=True)
    inspector: Inspector = inspect(op.get_bind())
    columns = {column["name"]: str(column["type"]).upper() for column in inspector.get_columns(table)}
    return Inspected(columns=columns, keys=frozenset(str(key["name"]) for key in inspector.get_indexes(table)))


def _rename_column(table: str, old: str, new: str) -> None:
    if (script := script_of_upgrade()) is not None:
        script.rename_column(table, old, new)
    elif _is_table(table) and new not in _inspected(table).columns:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")


def _rename_table(old: str, new: str) -> None:
    if (script := script_of_upgrade()) is not None:
        script.rename_table(old, new)
    elif op.get_context().as_sql or not _is_table(new):
        op.execute(f"ALTER TABLE {old} RENAME TO {new}")


def _is_table(name: str) -> bool:
    """Return whether there is such a table; offline there is what the migrations before have made."""
    return op.get_context().as_sql or inspect(op.get_bind()).has_table(name)


def _holds(table: str, column: str = "") -> bool:
    """Return whether the table has a row, with a value in the column if one is named; offline it may have."""
    if op.get_context().as_sql:
        return True
    if not inspect(op.get_bind()).has_table(table):
        return False
    where = f" WHERE {column} IS NOT NULL" if column else ""
    found = op.get_bind().exec_driver_sql(f"SELECT 1 FROM {table}{where} LIMIT 1")  # our own names
    return found.first() is not None


def _say(comment: str) -> None:
    """Write a comment into a script; to a database there is nothing to say."""
    context = op.get_context()
    if context.as_sql:
        context.impl.static_output(f"-- {comment}\n")


def _is_mysql() -> bool:
    return op.get_context().dialect.name in {"mysql", "mariadb"}


def _typed(kind: str) -> str:
    column = 0 if _is_mysql() else 1
    return kind.format_map({name: types[column] for name, types in TYPES.items()})


def _create_index(table: str, key: Key) -> str:
    kind = "UNIQUE INDEX" if key.unique else "INDEX"
    return f"CREATE {kind} IF NOT EXISTS {key.name} ON {table} ({', '.join(key.columns)})"


def _lines(parts: Iterable[str]) -> str:
    return ",\n    ".join(parts)
