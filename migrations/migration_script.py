"""The script that a database administrator reviews and runs, for MySQL and MariaDB.

It may be run again after an interruption: steps up to the revision that the database is at are left out, and what is
missing of the step that was under way is done. MariaDB is asked for that by ``IF NOT EXISTS``; MySQL does not know it
for columns and keys, so there the server looks first. What is written for MySQL runs on MariaDB too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from alembic import op

from portfolio import __version__
from portfolio.adapters.database.schema.migration import VERSION_TABLE, session_sql

_EXISTS = (
    "EXISTS (SELECT 1 FROM information_schema.{what} WHERE table_schema = DATABASE() AND table_name = {table}{more})"
)
_NOTHING = "'DO 0'"


@dataclass(frozen=True, slots=True)
class Part:
    """One action of an ALTER TABLE: what is done, to which column or key, and the rest of it."""

    verb: str
    name: str
    rest: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.name} {self.rest}".rstrip()

    @property
    def is_addition(self) -> bool:
        """Return whether the action fails where it was done before."""
        return self.verb.startswith("ADD ")


class Script:
    """A file that Alembic writes a script to. What it writes of its own accord is made to run again, and to be read.

    Args:
        out: where the script goes.
        abouts: by revision what it is about.
        start: the revision that the database has to be at, or beyond; empty for a database without any.
    """

    def __init__(self, out: TextIO, abouts: dict[str, str], *, start: str, end: str, dialect: str) -> None:
        self._out = out
        self._abouts = abouts
        self._is_mariadb = dialect == "mariadb"
        self._revision = ""
        self._write_head(start, end)

    def write(self, text: str) -> None:
        """Take what Alembic writes."""
        if text.startswith("-- Running upgrade"):
            self._revision = text.rsplit(maxsplit=1)[-1]
            about = "\n".join(f"-- {line}".rstrip() for line in self._abouts[self._revision].splitlines())
            self._out.write(f"-- Revision {self._revision}\n{about}\n\n")
        elif text.startswith(f"CREATE TABLE {VERSION_TABLE}"):
            return  # the head has made it
        elif text.startswith(f"INSERT INTO {VERSION_TABLE}"):
            first = f"SELECT '{self._revision}' FROM DUAL WHERE @at < '{self._revision}'"
            self._out.write(f"INSERT INTO {VERSION_TABLE} (version_num) {first};\n\n")
        else:
            self._out.write(text)

    def flush(self) -> None:
        """Do nothing: the file is flushed by whoever made it."""

    def step(self, statement: str, condition: str = "") -> None:
        """Write a statement, given as an SQL expression, that is run where the database is behind the revision."""
        needed = " AND ".join(filter(None, (f"@at < '{self._revision}'", condition)))
        if self._is_mariadb and not condition:
            self._out.write(f"EXECUTE IMMEDIATE IF({needed}, {statement}, {_NOTHING});\n\n")
            return
        self._out.write(
            f"SET @step = IF({needed}, {statement}, {_NOTHING});\n"
            "PREPARE step FROM @step;\nEXECUTE step;\nDEALLOCATE PREPARE step;\n\n"
        )

    def alter(self, table: str, parts: Sequence[Part]) -> None:
        """Write one ALTER TABLE of which what was done before is left out."""
        if self._is_mariadb or not any(part.is_addition for part in parts):
            actions = ",\n    ".join(map(self._plain, parts))
            self.step(quoted(f"ALTER TABLE {table}\n    {actions}"))
            return
        actions = ",\n    ".join(self._if_missing(table, part) for part in parts)
        self.step(f"CONCAT('ALTER TABLE {table} ', CONCAT_WS(', ',\n    {actions}))")

    def rename_column(self, table: str, old: str, new: str) -> None:
        """Write the renaming of a column that still has its old name."""
        if self._is_mariadb:
            self.step(quoted(f"ALTER TABLE IF EXISTS {table} RENAME COLUMN IF EXISTS {old} TO {new}"))
        else:
            is_old = _exists("columns", table, f" AND column_name = '{old}'")
            self.step(quoted(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}"), is_old)

    def rename_table(self, old: str, new: str) -> None:
        """Write the renaming of a table that still has its old name."""
        if self._is_mariadb:
            self.step(quoted(f"RENAME TABLE IF EXISTS {old} TO {new}"))
        else:
            self.step(quoted(f"RENAME TABLE {old} TO {new}"), _exists("tables", old))

    def _write_head(self, start: str, end: str) -> None:
        server = "MariaDB 10.11 or later" if self._is_mariadb else "MySQL 8.4 or later, or MariaDB 10.11 or later"
        session = ";\n".join(session_sql())
        begins = f"revision {start}" if start else "nothing, or the four mock_ tables as engines made them"
        self._out.write(
            f"""-- The tables of the portfolio service {__version__}, up to revision {end}.
-- It begins with {begins}.
-- For {server}.
-- Run it in the database of the ledger, with the rights for migrations of docs/grants.sql.
--
-- It creates tables, widens and adds columns, adds keys and comments, and renames. It drops nothing and changes no row.
-- Stop the service before it, and start the matching version after it. docs/database.md has the locks and seconds.
-- After an interruption run it again: what was done is left out.

-- What this session needs, whatever the server has by default. Each server reads what is in its own comment.
{session};

-- Which revision the database is at.
CREATE TABLE IF NOT EXISTS {VERSION_TABLE} (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;

SET @at = COALESCE((SELECT MAX(version_num) FROM {VERSION_TABLE}), '');

"""
        )
        if start:
            self._revision = start
            self._out.write("-- A database that is not there yet is refused: what follows is no SQL then.\n")
            self.step(quoted(f"The database is not at revision {start}, where this script begins"), "TRUE")

    def _plain(self, part: Part) -> str:
        return f"{part.verb} IF NOT EXISTS {part.name} {part.rest}" if part.is_addition else str(part)

    def _if_missing(self, table: str, part: Part) -> str:
        if not part.is_addition:
            return quoted(str(part))
        if part.verb == "ADD COLUMN":
            is_there = _exists("columns", table, f" AND column_name = '{part.name}'")
        else:
            is_there = _exists("statistics", table, f" AND index_name = '{part.name}'")
        return f"IF({is_there}, NULL,\n        {quoted(str(part))})"


def script_of_upgrade() -> Script | None:
    """Return the script that an upgrade is written to.

    None where it is carried out, on SQLite, and on the way down.
    """
    context = op.get_context()
    buffer: Any = context.impl.output_buffer if context.as_sql else None
    return buffer if isinstance(buffer, Script) else None


def quoted(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def _exists(what: str, table: str, more: str = "") -> str:
    return _EXISTS.format(what=what, table=quoted(table), more=more)
