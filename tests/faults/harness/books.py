"""What the tables say, read straight from them in plain SQL: the service is not asked about itself.

Every amount is an integer count of 1e-18. The sums of the entries are those of the whole tables, made anew at each
reading: a replay of all trades and transactions, whatever the service believes to have booked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Context, Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from zlib import crc32

from tests.support.database.database_server import DatabaseServer
from tests.support.database.databases import DatabaseUnderTest

_EXACT = Context(prec=80)


@lru_cache(maxsize=2**17)
def units(value: Any) -> int:
    """Return a column's decimal as a count of 1e-18; the same rows are read after every operation."""
    return 0 if value is None else int(_EXACT.scaleb(Decimal(str(value)), 18))


@dataclass(slots=True)
class Digest:
    """A set of rows in three numbers, whatever their order: comparing thousands of rows each time would take long."""

    rows: int = 0
    total: int = 0
    mixed: int = 0

    def add(self, *parts: object) -> None:
        """Take in one row."""
        one = crc32(":".join(map(str, parts)).encode())
        self.rows, self.total, self.mixed = self.rows + 1, self.total + one, self.mixed ^ one


@dataclass(slots=True)
class Digests:
    """The digests of what is listed: trades, outcomes, transactions and refusals with their keys."""

    trades: Digest = field(default_factory=Digest)
    outcomes: Digest = field(default_factory=Digest)
    transactions: Digest = field(default_factory=Digest)
    refusals: Digest = field(default_factory=Digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingRow:
    """A row of the holdings."""

    quantity: int
    ledger_quantity: int
    average: int
    basis: int
    asset: int
    realized: int
    price: int


@dataclass(slots=True)
class Replayed:
    """What the entries add up to, all of them or those of one symbol."""

    trades: int = 0
    transactions: int = 0
    quantity: int = 0
    cash: int = 0
    deposits: int = 0
    realized: int = 0
    fees: int = 0
    basis: int = 0

    def add_trades(self, side: str, reverses: int, count: int, sums: Sequence[Any]) -> None:
        """Take in the sums of trades of one side: quantity, fee, cash, realized."""
        quantity, fees, cash, realized = (units(value) for value in sums)
        self.trades += count
        self.quantity += quantity if side == "BUY" else -quantity
        self.fees += -fees if reverses else fees
        self.cash += cash
        self.realized += realized
        self.basis += realized - cash


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """All that the checks look at, from one consistent reading."""

    cash: int
    ledger_cash: int
    deposits: int
    realized: int
    fees: int
    revision: int
    booked_trades: int
    holdings: dict[str, HoldingRow]
    replayed: Replayed
    by_symbol: dict[str, Replayed]
    entries: int
    revisions: int
    first_revision: int
    last_revision: int
    listed: bool
    """Whether the rows are listed: they need not be where their digests are those expected."""
    trades: list[tuple[int, str]] = field(repr=False)
    """The id and the key of each trade booked by the service; the key is empty where it has none."""
    outcomes: list[tuple[str, str, int]] = field(repr=False)
    """The key, the status and the trade id of each outcome kept; 0 where there is no trade."""
    transactions: list[tuple[int, str]] = field(repr=False)
    """The id and the key of each cash transaction that has one."""
    refusals: list[str] = field(repr=False)
    """The key of each event and cash transaction that was refused."""


class Cursor(Protocol):
    """What the cursors of both drivers can do."""

    def execute(self, query: str, /) -> Any:
        """Run a statement."""
        ...

    def fetchall(self) -> Any:
        """Return all its rows."""
        ...


class Tables:
    """The way into the tables that passes neither the service nor its proxy."""

    def __init__(self, database: DatabaseUnderTest, server: DatabaseServer | None) -> None:
        self._database = database
        self._server = server
        self.ledger = database.migration_url.rpartition("/")[2].partition("?")[0]
        self.path = Path(database.url.removeprefix("sqlite+aiosqlite:///"))

    @property
    def is_sqlite(self) -> bool:
        """Return whether this is the embedded database."""
        return self._server is None

    def connect(self) -> Any:
        """Return a plain connection of the driver's, which begins nothing by itself."""
        if self._server is not None:
            connection = self._server.connect(database=self.ledger)
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION group_concat_max_len = 1000000000, time_zone = '+00:00'")
            return connection
        embedded = sqlite3.connect(self.path, isolation_level=None, timeout=30, check_same_thread=False)
        # Its stubs know of integers only, and it takes texts.
        embedded.create_aggregate("exact_sum", 1, _ExactSum)  # type: ignore[arg-type]  # a class with the two methods
        embedded.create_aggregate("digest", -1, _Digested)  # type: ignore[arg-type]  # ... of as many columns as there are
        embedded.create_function("CONCAT_WS", -1, _concatenated, deterministic=True)
        return embedded

    @contextmanager
    def transaction(self, begin: str = "BEGIN") -> Iterator[Cursor]:
        """Yield a cursor in a transaction, which is committed unless something is raised."""
        connection = self.connect()
        try:
            cursor = connection.cursor()
            cursor.execute(begin)
            yield cursor
            cursor.execute("COMMIT")
        finally:
            connection.close()

    def read(self, expected: Digests | None = None) -> Books:
        """Return the books as committed now; rows whose digests are as expected are not listed."""
        with self.transaction("BEGIN" if self.is_sqlite else "START TRANSACTION WITH CONSISTENT SNAPSHOT") as cursor:
            return read_books(cursor, expected, sqlite=self.is_sqlite)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of one query."""
        with self.transaction() as cursor:
            return _rows(cursor, query)

    def has_key(self, key: str) -> bool:
        """Return whether anything is kept under a client's key."""
        return any(
            self.rows(f"SELECT id FROM {table} WHERE {column} = '{key}'")
            for table, column in (
                ("mock_trades", "client_trade_id"),
                ("portfolio_booking_outcomes", "client_trade_id"),
                ("portfolio_cash_transactions", "client_transaction_id"),
                ("portfolio_cash_refusals", "client_transaction_id"),
            )
        )


_TRADES = ("id, COALESCE(client_trade_id, '')", "mock_trades WHERE booked_by IS NOT NULL")
_OUTCOMES = ("COALESCE(client_trade_id, ''), status, COALESCE(trade_id, 0)", "portfolio_booking_outcomes")
_REFUSALS = ("client_transaction_id", "portfolio_cash_refusals")
_MOVEMENTS = ("id, client_transaction_id", "portfolio_cash_transactions WHERE client_transaction_id IS NOT NULL")


def read_books(cursor: Cursor, expected: Digests | None = None, *, sqlite: bool) -> Books:
    """Return what the tables say to this transaction."""
    add = "exact_sum" if sqlite else "SUM"
    [row] = _rows(
        cursor,
        "SELECT cash_balance, ledger_cash, net_deposits, realized_pnl, fees_paid, revision, booked_trades"
        " FROM mock_portfolio",
    )
    replayed, by_symbol = _replay(cursor, add)
    [(entries, revisions, first, last)] = _rows(
        cursor,
        "SELECT COUNT(*), COUNT(DISTINCT r), MIN(r), MAX(r) FROM ("
        "SELECT ledger_revision AS r FROM mock_trades WHERE booked_by IS NOT NULL"
        " UNION ALL SELECT ledger_revision FROM portfolio_cash_transactions) AS entries",
    )
    kept = (_TRADES, _OUTCOMES, _MOVEMENTS, _REFUSALS)
    found = Digests(*(_digest(cursor, *what, sqlite=sqlite) for what in kept)) if expected else None
    listed = expected is None or found != expected
    return Books(
        cash=units(row[0]),
        ledger_cash=units(row[1]),
        deposits=units(row[2]),
        realized=units(row[3]),
        fees=units(row[4]),
        revision=row[5],
        booked_trades=row[6],
        holdings=_holdings(cursor),
        replayed=replayed,
        by_symbol=by_symbol,
        entries=entries,
        revisions=revisions,
        first_revision=first,
        last_revision=last,
        listed=listed,
        trades=[(int(id_), key) for id_, key in _list(cursor, *_TRADES)] if listed else [],
        outcomes=[(key, status, int(id_)) for key, status, id_ in _list(cursor, *_OUTCOMES)] if listed else [],
        transactions=[(int(id_), key) for id_, key in _list(cursor, *_MOVEMENTS)] if listed else [],
        refusals=[key for [key] in _list(cursor, *_REFUSALS)] if listed else [],
    )


def _holdings(cursor: Cursor) -> dict[str, HoldingRow]:
    rows = _rows(
        cursor,
        "SELECT symbol, quantity, ledger_quantity, avg_entry_price, total_invested, asset_cost, realized_pnl,"
        " last_price FROM mock_holdings",
    )
    return {
        row[0]: HoldingRow(
            quantity=units(row[1]),
            ledger_quantity=units(row[2]),
            average=units(row[3]),
            basis=units(row[4]),
            asset=units(row[5]),
            realized=units(row[6]),
            price=units(row[7]),
        )
        for row in rows
    }


def _replay(cursor: Cursor, add: str) -> tuple[Replayed, dict[str, Replayed]]:
    """Return the sums of all entries, and those by symbol."""
    whole, by_symbol = Replayed(), dict[str, Replayed]()
    for symbol, side, reverses, count, *sums in _rows(
        cursor,
        "SELECT symbol, side, reverses_trade_id IS NOT NULL, COUNT(*),"
        f" {add}(quantity), {add}(fee), {add}(cash_delta), {add}(realized_pnl)"
        " FROM mock_trades WHERE booked_by IS NOT NULL GROUP BY 1, 2, 3",
    ):
        for total in (whole, by_symbol.setdefault(symbol, Replayed())):
            total.add_trades(side, reverses, count, sums)
    [(count, cash, deposits, realized)] = _rows(
        cursor,
        f"SELECT COUNT(*), {add}(cash_delta), {add}(net_deposits_delta), {add}(realized_delta)"
        " FROM portfolio_cash_transactions",
    )
    whole.transactions = count
    whole.cash += units(cash)
    whole.deposits += units(deposits)
    whole.realized += units(realized)
    moved = f"SELECT symbol, {add}(quantity_delta) FROM portfolio_position_adjustments GROUP BY symbol"
    for symbol, quantity in _rows(cursor, moved):
        by_symbol.setdefault(symbol, Replayed()).quantity += units(quantity)
    # Events say what they cost. What an adjustment says of that is of what another engine wrote.
    legs = (
        f"SELECT a.symbol, {add}(a.cost_basis_delta), {add}(a.realized_delta) FROM portfolio_position_adjustments a"
        " JOIN portfolio_cash_transactions t ON t.id = a.cash_transaction_id WHERE t.effective_at IS NOT NULL"
        " GROUP BY a.symbol"
    )
    for symbol, basis, realized in _rows(cursor, legs):
        by_symbol[symbol].basis += units(basis)
        by_symbol[symbol].realized += units(realized)
    return whole, by_symbol


def _rows(cursor: Cursor, query: str) -> list[tuple[Any, ...]]:
    cursor.execute(query)
    return list(cursor.fetchall())


def _digest(cursor: Cursor, columns: str, source: str, *, sqlite: bool) -> Digest:
    if sqlite:  # each call of a function in Python costs more than the row: one for all of it
        [(digested,)] = _rows(cursor, f"SELECT digest({columns}) FROM {source}")
        return Digest(*map(int, digested.split())) if digested else Digest()
    of_rows = f"SELECT CRC32(CONCAT_WS(':', {columns})) AS one FROM {source}"
    [(rows, total, mixed)] = _rows(cursor, f"SELECT COUNT(*), SUM(one), BIT_XOR(one) FROM ({of_rows}) AS digested")
    return Digest(rows, int(total or 0), int(mixed or 0))


def _list(cursor: Cursor, columns: str, source: str) -> list[list[str]]:
    """Return rows in one text: a driver in Python takes long for thousands of rows, and no time for a long text."""
    [(text,)] = _rows(cursor, f"SELECT GROUP_CONCAT(CONCAT_WS(':', {columns})) FROM {source}")
    if text is None:
        return []
    plain = text.decode() if isinstance(text, bytes) else text
    return [part.split(":") for part in sorted(plain.split(","))]


class _ExactSum:
    """SQLite's own SUM makes a binary float of a text: this one adds up exactly."""

    def __init__(self) -> None:
        self._total = 0

    def step(self, value: object, /) -> None:
        self._total += units(value)

    def finalize(self) -> str:
        return str(Decimal(self._total).scaleb(-18, _EXACT))


class _Digested:
    """The digest of all rows, as one aggregate."""

    def __init__(self) -> None:
        self._digest = Digest()

    def step(self, *parts: object) -> None:
        self._digest.add(*parts)

    def finalize(self) -> str:
        return f"{self._digest.rows} {self._digest.total} {self._digest.mixed}"


def _concatenated(separator: str, *parts: object) -> str:
    return separator.join(str(part) for part in parts)
