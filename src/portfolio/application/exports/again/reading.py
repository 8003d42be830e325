"""Reads the rows of exported events, and looks at all of them before the first one is booked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from portfolio.application.exports.again.records import AgainRow, ExportedFile, ExportedRow, ReportedRow
from portfolio.application.exports.columns import HAPPENED
from portfolio.application.exports.happened import TRADE, HappenedRow
from portfolio.application.exports.tables import Kind, What, kinds_of
from portfolio.domain.errors import DomainError
from portfolio.domain.ledger.cash_transaction import EVENT_KINDS, TRADES_OF_A_SWAP, CashTransactionKind
from portfolio.domain.ledger.happening import FIELDS
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol

COLUMNS: Final = kinds_of(HAPPENED)

_K = CashTransactionKind
MONEY_KINDS: Final = frozenset({_K.DEPOSIT.value, _K.WITHDRAWAL.value})
_ALWAYS: Final = ("revision", "effective_at", "booked_at", "cash_delta", "net_deposits_delta", "realized_delta")
_NEEDS: Final[Mapping[str, Sequence[str]]] = {
    TRADE: ("side", "symbol", "quantity", "price", "amount", "fees"),
    **dict.fromkeys(MONEY_KINDS, ("amount",)),
    **{kind.value: sorted(FIELDS[kind].needs) for kind in EVENT_KINDS},
    _K.EXCHANGE.value: ("symbol", "quantity", "to_symbol", "to_quantity"),
    _K.BASELINE.value: (),
    _K.RESTATEMENT.value: (),
}
"""What a row of a kind has to state, beside what each has to; a reversal need not."""
_UNBOOKABLE: Final[Mapping[str, str]] = {
    _K.ADJUSTMENT.value: "the books took in what another program wrote",
    _K.REBUILD.value: "the rows of the books were mended here",
}
_OTHERS: Final = "move these books with the database itself, of which a dump has everything"


def read_rows(file: ExportedFile) -> tuple[list[AgainRow], list[ReportedRow]]:
    """Return the rows of a file in order, and what is wrong with it: where anything is, nothing is to be booked."""
    wrong = _head(file)
    if wrong is not None:
        return [], [ReportedRow(0, wrong)]
    rows, reported = list[AgainRow](), list(file.faults)
    for row in file.rows:
        try:
            rows.append(AgainRow(row.place, _entry(row)))
        except (ValueError, DomainError) as error:
            reported.append(ReportedRow(row.place, str(error)))
    if not reported:
        reported += _in_order(rows, file.about["revision"])
    return rows, reported


def entries_of(row: HappenedRow) -> int:
    """Return how many revisions of the ledger a row is: a swap has two trades."""
    return 1 + TRADES_OF_A_SWAP if row.kind == _K.SWAP.value else 1


def _head(file: ExportedFile) -> str | None:
    """Return why a file as a whole is not to be booked again; None where nothing speaks against it."""
    what = file.about.get("what")
    if what != What.EVENTS.value:
        return f"this is an export of {what}: only one of events can be booked again, portfolio export events"
    if "since" in file.about:
        return "the export begins in the middle: export the events without --since"
    if "revision" not in file.about:
        return "the file does not say of which ledger revision it is: import it as it was exported"
    if not (file.rows or file.faults):
        return "there is no row in the file: books that were ever opened have one"
    lacking = [name for name in COLUMNS if file.rows and name not in file.rows[0].cells]
    return f"there is no column {lacking[0]}: import the file as it was exported" if lacking else None


def _entry(row: ExportedRow) -> HappenedRow:
    """Return what a row says.

    Raises:
        ValueError: it cannot be read, or cannot be booked.
        DomainError: one of its amounts is none.
    """
    made: dict[str, Any] = {name: _cell(name, row.cells.get(name)) for name in COLUMNS}
    if made["kind"] is None:
        raise ValueError(f"the entry could not be read when it was exported; {_OTHERS}")
    made["owner"] = made["owner"] or ""
    entry = HappenedRow(**made)
    wrong = _unbookable(entry)
    if wrong is not None:
        raise ValueError(wrong)
    return entry


def _cell(name: str, text: str | None) -> object:
    if text is None:
        return None
    try:
        return _READ[name](text)
    except (ValueError, KeyError, InvalidOperation):
        raise ValueError(f"{name}: {text[:40]!r} cannot be read: import the file as it was exported") from None


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("no offset")
    return at


_OF_KIND: Final[Mapping[Kind, Callable[[str], object]]] = {
    Kind.WHOLE: int,
    Kind.TEXT: str,
    Kind.MOMENT: _moment,
    Kind.FLAG: {"true": True, "false": False}.__getitem__,
    Kind.DECIMAL: lambda text: Money(Decimal(text)),
}
_READ: Final[Mapping[str, Callable[[str], object]]] = {
    **{name: _OF_KIND[kind] for name, kind in COLUMNS.items()},
    **dict.fromkeys(("symbol", "to_symbol"), Symbol),
    **dict.fromkeys(("quantity", "to_quantity"), lambda text: Quantity(Decimal(text))),
    "price": lambda text: Price(Decimal(text)),
    "ratio": Decimal,
    "side": Side,
}


def _unbookable(entry: HappenedRow) -> str | None:
    """Return why an entry cannot be booked again, and what to do; None where it can."""
    kind, is_reversal = entry.kind or "", entry.reverses is not None
    if kind in _UNBOOKABLE:
        return f"{_UNBOOKABLE[kind]}; {_OTHERS}"
    if kind not in _NEEDS:
        return f"{kind[:40]!r} is no kind of entry: import the file as it was exported"
    lacking = [name for name in (*_ALWAYS, *(() if is_reversal else _NEEDS[kind])) if getattr(entry, name) is None]
    if lacking:
        return f"{lacking[0]} is not there: import the file as it was exported"
    moved = (entry.symbol, entry.cash_delta, entry.net_deposits_delta, entry.realized_delta)
    if kind == _K.BASELINE.value and any(moved):
        return f"the books were opened on rows that were there before; {_OTHERS}"
    return None


def _in_order(rows: Sequence[AgainRow], revision: str) -> Iterator[ReportedRow]:
    """Yield what is wrong with the order of rows: each entry of the books has to be there once."""
    following, known = 1, set[int]()
    for row in rows:
        entry = row.entry
        if (entry.revision == 1) != (entry.kind == _K.BASELINE.value):
            yield ReportedRow(row.place, "the first entry has to be the opening of the books, and no other one")
            return
        if entry.revision != following:
            yield ReportedRow(
                row.place, f"revision {following} is expected, and this is {entry.revision}: rows are gone"
            )
            return
        if entry.reverses is not None and entry.reverses not in known:
            yield ReportedRow(row.place, f"it takes out revision {entry.reverses}, which is not above it")
        known |= set(range(following, following + entries_of(entry)))
        following += entries_of(entry)
    if str(following - 1) != revision:
        yield ReportedRow(rows[-1].place, f"the file is of revision {revision}, and ends before it: it is cut")
