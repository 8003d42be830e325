"""What came from files: kept with the import by which it came, and read under the lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update

from portfolio.adapters.database.connection.bulk import RowWriter
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared, Statement
from portfolio.adapters.database.schema.fields import Fields, reading
from portfolio.adapters.database.schema.tables import import_rows, imports
from portfolio.application.ledger.happenings.imported import ImportedRow, KeptImport

_DIGITS: Final = 32

_IMPORT = Fields(KeptImport)
_ROW = Fields(ImportedRow)
_WRITER = RowWriter(import_rows)
_NAME = Prepared(update(import_rows).where(import_rows.c.id == bindparam("row_id")))


async def read_imported(session: Session, account: str) -> list[ImportedRow]:
    """Return what came from files of an account, in the order it was kept.

    Raises:
        UnreadableRow: nothing can be made of one: whether it came before is then not known.
    """
    wanted = select(import_rows).where(import_rows.c.account == account).order_by(import_rows.c.id)
    return list(map(_read, await session.run(wanted)))


async def add_import(session: Session, kept: KeptImport, rows: Sequence[ImportedRow]) -> None:
    """Keep an import with what came by it."""
    result = await session.run(insert(imports), _IMPORT.values(kept))
    key: Any = result.inserted_primary_key
    written = [{**_ROW.values(row), "import_id": int(key[0])} for row in rows]
    for row in written:
        del row["id"]
    session.later(*_WRITER.on(session.dialect, written))


def naming(session: Session, names: Mapping[int, str]) -> Iterator[Statement]:
    """Yield the statements that give rows their ids."""
    return (_NAME.on(session.dialect, row_id=row, external_id=name) for row, name in names.items())


def _read(row: Any) -> ImportedRow:
    with reading(f"the row {row.id} of {import_rows.name} cannot be read"):
        if len(row.content) != _DIGITS or not isinstance(row.effective_at, datetime):
            raise ValueError("its content or its moment is none")
        return _ROW.record(row)
