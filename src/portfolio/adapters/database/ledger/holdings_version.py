"""A word for what the holdings say, made by the server: a thousandth of what it costs to read them here."""

from __future__ import annotations

from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Statement
from portfolio.adapters.database.schema.tables import mock_holdings

# QUOTE tells a missing value from an empty one, and where one column ends and the next begins.
_CELLS = [f"QUOTE({column.name})" for column in mock_holdings.columns]
_SQLITE = Statement(f"SELECT group_concat({' || '.join(_CELLS)}) FROM mock_holdings")  # noqa: S608  our own columns
_ROW = f"CRC32(CONCAT({', '.join(_CELLS)}))"
# The sum and the parity of 32-bit checksums: a change that leaves both alone is one in billions.
_MYSQL = Statement(f"SELECT COUNT(*), SUM({_ROW}), BIT_XOR({_ROW}) FROM mock_holdings")  # noqa: S608  as above


async def holdings_version(session: Session) -> str:
    """Return a word that is another one when any column that is read of any holding is, whoever wrote it."""
    [result] = await session.execute(_SQLITE if session.is_sqlite else _MYSQL)
    [row] = result
    return str(hash(row[0])) if session.is_sqlite else repr(tuple(row))
