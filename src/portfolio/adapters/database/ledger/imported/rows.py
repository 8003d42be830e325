"""What came from files: kept with the import by which it came, and read under the lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update

from portfolio.adapters.database.connection.bulk import RowWriter
from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.connection.statements import Prepared, Statement
from portfolio.adapters.database.schema.fields import Fields, UnreadableRow, Values, reading
from portfolio.adapters.database.schema.tables import cash_transactions, import_rows, imports
from portfolio.application.ledger.happenings.imported import BOOKED, REVERSED, ImportedRow, KeptImport

_DIGITS: Final = 32

# So that the event loop is not held for long.
_AT_ONCE: Final = 250

_IMPORT = Fields(KeptImport, apart=["id"])
_ROW = Fields(ImportedRow)
_WRITER = RowWriter(import_rows)
_NAME = Prepared(update(import_rows).where(import_rows.c.id == bindparam("row_id")))


async def read_imported(session: Session, account: str) -> list[ImportedRow]:
    """Return what came from files of an account, in the order it was kept.

    Raises:
        UnreadableRow: nothing can be made of one: whether it came before is then not known.
    """
    gone = select(imports.c.id).where(imports.c.state == REVERSED)
    c, rows = import_rows.c, list[ImportedRow]()
    wanted = select(*(c[name] for name in _ROW.columns)).where(c.account == account, c.import_id.not_in(gone))
    await session.read_through(wanted.order_by(c.id), lambda some: rows.extend(map(_read, some)))
    taking = cash_transactions.c.reverses_revision
    one_by_one = wanted.with_only_columns(taking).join(cash_transactions, taking == c.ledger_revision)
    taken = {revision for (revision,) in await session.run(one_by_one)}
    return [replace(row, ledger_revision=None) if row.ledger_revision in taken else row for row in rows]


async def add_import(session: Session, kept: KeptImport, rows: Sequence[ImportedRow]) -> int:
    """Keep an import with what came by it, and return its id."""
    result = await session.run(insert(imports), _IMPORT.values(kept))
    key: Any = result.inserted_primary_key
    import_id = int(key[0])
    for first in range(0, len(rows), _AT_ONCE):
        written = [{**_ROW.values(row), "import_id": import_id} for row in rows[first : first + _AT_ONCE]]
        for row in written:
            del row["id"]
        await session.execute(*_WRITER.on(session.dialect, written))
    return import_id


def import_of(row: Any) -> KeptImport:
    """Return the import of a row."""
    with reading(f"the row {row.id} of {imports.name} cannot be read"):
        kept = _IMPORT.record(row, id=row.id)
        if kept.state not in {BOOKED, REVERSED}:
            raise ValueError("its state is none")
        _ = kept.counts
        return kept


def import_values(kept: KeptImport) -> Values:
    """Return the columns of an import."""
    return _IMPORT.values(kept)


def naming(session: Session, names: Mapping[int, str]) -> Iterator[Statement]:
    """Yield the statements that give rows their ids."""
    return (_NAME.on(session.dialect, row_id=row, external_id=name) for row, name in names.items())


def _read(row: Any) -> ImportedRow:
    try:
        kept = _ROW.in_order(row)
    except UnreadableRow as error:
        raise _unreadable(row, error) from error
    if len(kept.content) != _DIGITS:
        raise _unreadable(row, "its content is no digest")
    return kept


def _unreadable(row: Any, why: object) -> UnreadableRow:
    return UnreadableRow(f"the row {row.id} of {import_rows.name} cannot be read: {why}")
