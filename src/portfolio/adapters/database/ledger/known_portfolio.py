"""The portfolio as its rows were read last: of thousands of rows only those that were written since are read again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from itertools import takewhile
from typing import Any

from sqlalchemy import bindparam, or_, select
from sqlalchemy.engine import Dialect

from portfolio.adapters.database.connection.statements import ROWS_A_STATEMENT, Prepared, Statement
from portfolio.adapters.database.ledger.mapping import ReadPortfolio, portfolio_of, read_portfolio
from portfolio.adapters.database.ledger.mapping_positions import position_from_row
from portfolio.adapters.database.schema.fields import NOT_READABLE, reading
from portfolio.adapters.database.schema.tables import mock_holdings
from portfolio.application.errors import BooksContradicted
from portfolio.domain.errors import DomainError
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.positions import Positions
from portfolio.domain.ledger.sums import moved_without_entry
from portfolio.domain.money import LIMIT
from portfolio.domain.symbol import Symbol

# What follows from the other columns is not read: each column of a result takes as long as a value in it.
HOLDINGS = select(*(c for c in mock_holdings.c if c.name not in {"position_value", "unrealized_pnl", "total_pnl"}))
_OF_IDS = mock_holdings.c.id.in_(bindparam("ids", expanding=True))
_CODES: Any = bindparam("codes", expanding=True)
_ALL = Prepared(HOLDINGS)
# By their symbols too, in any case: others may have made the rows anew.
SOME_HOLDINGS = HOLDINGS.where(or_(_OF_IDS, mock_holdings.c.symbol.in_(_CODES)))
SOME_HOLDINGS_ON_SQLITE = HOLDINGS.where(or_(_OF_IDS, mock_holdings.c.symbol.collate("NOCASE").in_(_CODES)))
_SOME, _SOME_ON_SQLITE = Prepared(SOME_HOLDINGS), Prepared(SOME_HOLDINGS_ON_SQLITE)


class KnownPortfolio:
    """Brings what was read before up to date by reading the rows that this process has written since, and no others.

    It is up to date in this ledger's own entries and prices. What other programs wrote into rows that are not read
    again is seen when all of them are read, which the readers of the portfolio see to every few seconds.
    """

    def __init__(self) -> None:
        self._read: ReadPortfolio | None = None
        self._since = _Since()
        self._revision = 0
        self.position = _MadePositions()
        self._last: Portfolio | None = None
        self._is_contradicted = False

    def forget_rows(self) -> None:
        """Have all rows read again; what their sums were at this ledger revision stays known."""
        self._read, self._is_contradicted = None, False
        self.position.clear()

    def forget(self) -> None:
        """Know nothing, as after a start."""
        self.forget_rows()
        self._last = None

    def hold_to(self, entered: Portfolio) -> None:
        """Have all rows read again, and believed only where the ledger's own sums are these at their revision."""
        self.forget_rows()
        self._last = entered

    def wrote(self, symbols: Collection[Symbol], *, before: int, after: Portfolio) -> None:
        """Take notice of entries of this process, which led from a ledger revision to ``after``, and are committed."""
        if self._read is None or after.revision <= self._revision:
            return
        if before != self._revision:
            self._read = None  # others wrote in between
            return
        self._since.moved(symbols, after.revision)
        self._revision, self._last = after.revision, after

    def priced(self, price_revision: int) -> None:
        """Take notice that this process counted a price revision for what stands in no row of the holdings."""
        self._since.price_revisions.add(price_revision)

    def wanted(self, symbols: Collection[Symbol]) -> frozenset[Symbol] | None:
        """Return the rows to read so that these symbols and what was written are current; None where it is all rows."""
        if self._read is None or self._is_contradicted:
            return None
        wanted = self._since.written(self._read.portfolio.revision).union(symbols)
        return None if len(wanted) > ROWS_A_STATEMENT else wanted

    def statement(self, dialect: Dialect, wanted: Collection[Symbol] | None) -> Statement:
        """Return the statement that reads the rows wanted."""
        if wanted is None:
            return _ALL.on(dialect)
        return (_SOME_ON_SQLITE if dialect.name == "sqlite" else _SOME).on(dialect, **self.names(wanted))

    def names(self, wanted: Collection[Symbol]) -> dict[str, Any]:
        """Return by what the rows wanted are found, where some are: their ids and their symbols."""
        rows = {} if self._read is None else self._read.rows
        ids, codes = [rows[s].id for s in wanted if s in rows], sorted(s.code for s in wanted)
        return {"ids": ids or [0], "codes": codes or [""]}

    def whole(self, row: Any, holdings: Iterable[Any]) -> ReadPortfolio:
        """Return the portfolio of its row and of all rows of the holdings; ``complete`` is to follow.

        Raises:
            UnreadableRow: a sum of the portfolio's own row is no number, or 1e20 or more.
        """
        return read_portfolio(row, holdings, self.position)

    def may_lack(self, read: ReadPortfolio) -> bool:
        """Return whether a position that the ledger has may have no row of ours, by what is known of all of them."""
        portfolio, known = read.portfolio, self._read
        if known is None or known.rows.keys() - read.rows.keys():
            return True
        if any(row.asset_cost is None for row in read.rows.values()):
            return True
        return portfolio.unreconciled != portfolio.cash_unreconciled

    def complete(self, read: ReadPortfolio, lost: Iterable[Position], foreign: Iterable[str]) -> ReadPortfolio:
        """Return what was read, with the positions that have no row of ours and with more foreign rows, and keep it.

        Raises:
            BooksContradicted: what only entries move is not what it was at this ledger revision.
        """
        portfolio = read.portfolio
        positions = Positions(portfolio.positions).replacing(lost)
        portfolio = replace(portfolio, positions=positions, foreign_rows=(*portfolio.foreign_rows, *foreign))
        moved = self._moved_without_entry(portfolio, portfolio.positions)
        self._is_contradicted = bool(moved)
        if moved:
            raise BooksContradicted("; ".join(moved), is_lossy=True)
        return self._keep_whole(ReadPortfolio(portfolio, read.rows))

    def updated(self, row: Any, holdings: Iterable[Any], wanted: frozenset[Symbol]) -> ReadPortfolio | None:
        """Return the portfolio of its row, of the rows that were wanted, and of the others as they were read before.

        None where that cannot be told: others booked or priced in between, more was written while the rows were read,
        or a row cannot be read, is gone, or says of the ledger what it did not say.
        """
        known = self._read
        if known is None or row.revision != self._revision:
            return None
        written = self._since.written(known.portfolio.revision)
        if not written <= wanted or not self._since.has_prices(known.portfolio.price_revision, row.price_revision):
            return None
        if {name.upper() for name in known.portfolio.unreadable_rows}.intersection(s.code for s in wanted):
            return None
        try:
            found = [(self.position(each), each) for each in holdings]
        except NOT_READABLE:
            return None
        rows = {position.symbol: each for position, each in found}
        gone = (known.rows.keys() & wanted | written) - rows.keys()
        if gone or len(rows) != len(found) or not rows.keys() <= wanted:
            return None
        assert isinstance(known.portfolio.positions, Positions)
        positions = known.portfolio.positions.replacing(position for position, _ in found)
        with reading(f"the row {row.id} of mock_portfolio cannot be read"):
            portfolio = portfolio_of(row, positions, known.portfolio.unreadable_rows, known.portfolio.foreign_rows)
        if _may_be_too_large(portfolio) or self._moved_without_entry(portfolio, rows):
            return None
        return self._keep(ReadPortfolio(portfolio, {**known.rows, **rows} if rows else known.rows))

    def _moved_without_entry(self, after: Portfolio, symbols: Iterable[Symbol]) -> list[str]:
        """Return a line for each sum that only entries move, and that is not what it was at this ledger revision."""
        before = self._last
        if before is None or before.revision != after.revision:
            return []
        return moved_without_entry(before, after, symbols)

    def _keep_whole(self, read: ReadPortfolio) -> ReadPortfolio:
        """Keep all rows. What this process booked while they were read is read again, and no more than that."""
        at = read.portfolio.revision
        if self._read is None:
            self._since, self._revision = _Since(), at
        elif at < self._since.revision:  # others read all rows later, and ended earlier
            return read
        self._since.all_were_read(at, read.portfolio.price_revision)
        return self._keep(read)

    def _keep(self, read: ReadPortfolio) -> ReadPortfolio:
        at = read.portfolio.revision
        self._read, self._revision = read, max(self._revision, at)
        if self._last is None or self._last.revision <= at:  # who began to read earlier may end later
            self._last = read.portfolio
        return read


class _MadePositions:
    """Makes positions of rows of the holdings; one whose row has not changed is not made again."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Any, Position]] = {}

    def __call__(self, row: Any) -> Position:
        """Return the position that a row describes.

        Raises:
            NOT_READABLE: no asset goes by the row's symbol, or its numbers are none.
        """
        made = self._made.get(row.id)
        if made is not None and made[0] == row:
            return made[1]
        position = position_from_row(row)
        self._made[row.id] = (row, position)
        return position

    def clear(self) -> None:
        """Know no row."""
        self._made.clear()


class _Since:
    """What this process wrote since all rows were read, which was at a ledger revision."""

    def __init__(self) -> None:
        self.revision = 0
        self.price_revisions = set[int]()
        """Those of this process that moved no row of the holdings."""
        self._moved_at: dict[Symbol, int] = {}  # the newest last

    def all_were_read(self, revision: int, price_revision: int) -> None:
        """Forget what was written until then: it is in the rows."""
        self.revision = revision
        self._moved_at = {symbol: at for symbol, at in self._moved_at.items() if at > revision}
        self.price_revisions = {at for at in self.price_revisions if at > price_revision}

    def moved(self, symbols: Iterable[Symbol], revision: int) -> None:
        """Take notice of rows that were written at a ledger revision, the newest."""
        for symbol in symbols:
            self._moved_at.pop(symbol, None)
            self._moved_at[symbol] = revision

    def written(self, after: int) -> frozenset[Symbol]:
        """Return whose rows were written after a ledger revision."""
        newest_first = reversed(self._moved_at.items())
        return frozenset(symbol for symbol, _ in takewhile(lambda moved: moved[1] > after, newest_first))

    def has_prices(self, known: int, now: Any) -> bool:
        """Return whether the rows' prices, as known at a price revision, are what they are now."""
        if not isinstance(now, int) or now < known:
            self.price_revisions.clear()  # an older copy is in its place, whose numbers will be given again
            return False
        return all(at in self.price_revisions for at in range(known + 1, now + 1))


def _may_be_too_large(portfolio: Portfolio) -> bool:
    """Return whether sums come near what an amount can be: then the largest rows may have to be left out."""
    try:
        sums = (portfolio.cash, portfolio.invested, portfolio.cost_basis)
    except DomainError:
        return True
    return sum(abs(amount).value for amount in sums) * 10 >= LIMIT
