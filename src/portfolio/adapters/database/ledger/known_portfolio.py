"""The portfolio as its rows were read last: of thousands of rows only those that were written since are read again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portfolio.adapters.database.connection.errors import rows_read
from portfolio.adapters.database.ledger.mapping import portfolio_of, read_portfolio
from portfolio.adapters.database.ledger.mapping_positions import position_from_row
from portfolio.domain.errors import DomainError
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.positions import Positions
from portfolio.domain.money import LIMIT
from portfolio.domain.symbol import Symbol


@dataclass(frozen=True, slots=True)
class ReadPortfolio:
    """A portfolio and the rows of the holdings that its positions were read from."""

    portfolio: Portfolio
    rows: Mapping[Symbol, Any]


@dataclass(frozen=True, slots=True)
class WantedRows:
    """The rows to read so that some symbols, and all that this process wrote until now, are current."""

    symbols: frozenset[Symbol]
    ids: Sequence[int]
    codes: Sequence[str]


class KnownPortfolio:
    """Brings what was read before up to date by reading the rows that this process has written since, and no others.

    It is up to date in this ledger's own entries and prices. What other programs wrote into rows that are not read
    again is seen when all of them are read, which the readers of the portfolio see to every few seconds.
    """

    def __init__(self) -> None:
        self._read: ReadPortfolio | None = None
        self._written: set[Symbol] = set()
        self._revision = 0
        self._positions: dict[int, tuple[Any, Position]] = {}

    def position(self, row: Any) -> Position:
        """Return the position that a row of the holdings describes; one that has not changed is not made again.

        Raises:
            InvalidSymbol: no asset goes by the row's symbol.
        """
        known = self._positions.get(row.id)
        if known is not None and known[0] == row:
            return known[1]
        position = position_from_row(row)
        self._positions[row.id] = (row, position)
        return position

    def wrote(self, symbols: Collection[Symbol], *, before: int, after: int) -> None:
        """Take notice of entries of this process, which led from one ledger revision to another, and are committed."""
        if self._read is None or after <= self._revision:
            return
        if before != self._revision:
            self._read = None  # others wrote in between
            return
        self._written |= set(symbols)
        self._revision = after

    def wanted(self, symbols: Collection[Symbol]) -> WantedRows | None:
        """Return the rows to read so that these symbols and what was written are current; None where it is all rows."""
        if self._read is None:
            return None
        wanted = frozenset(self._written.union(symbols))
        rows = self._read.rows
        return WantedRows(wanted, [rows[s].id for s in wanted if s in rows], sorted(s.code for s in wanted))

    def whole(self, row: Any, holdings: Iterable[Any]) -> ReadPortfolio:
        """Return the portfolio of its row and of all rows of the holdings.

        Raises:
            LedgerUnavailable: a sum of the portfolio's own row is no number, or 1e20 or more.
        """
        portfolio, held = read_portfolio(row, holdings, self.position)
        return self._keep(ReadPortfolio(portfolio, held.rows))

    def updated(self, row: Any, holdings: Iterable[Any], wanted: WantedRows) -> ReadPortfolio | None:
        """Return the portfolio of its row, of the rows that were wanted, and of the others as they were read before.

        None where that cannot be told: others booked or priced in between, more was written while the rows were read,
        or a row cannot be read.
        """
        known = self._read
        if known is None or (row.revision, row.price_revision) != (self._revision, known.portfolio.price_revision):
            return None
        if not self._written <= wanted.symbols:
            return None
        if {name.upper() for name in known.portfolio.unreadable_rows}.intersection(wanted.codes):
            return None
        try:
            found = [(self.position(each), each) for each in holdings]
        except DomainError:
            return None
        rows = {position.symbol: each for position, each in found}
        if len(rows) != len(found) or not rows.keys() <= wanted.symbols:
            return None
        gone = wanted.symbols & known.rows.keys() - rows.keys()
        assert isinstance(known.portfolio.positions, Positions)
        positions = known.portfolio.positions.replacing((position for position, _ in found), without=gone)
        with rows_read():
            portfolio = portfolio_of(row, positions, known.portfolio.unreadable_rows)
        if _may_be_too_large(portfolio):
            return None
        if not (rows or gone):
            return self._keep(ReadPortfolio(portfolio, known.rows))
        others = {symbol: each for symbol, each in known.rows.items() if symbol not in gone} if gone else known.rows
        return self._keep(ReadPortfolio(portfolio, {**others, **rows}))

    def _keep(self, read: ReadPortfolio) -> ReadPortfolio:
        self._read, self._revision = read, read.portfolio.revision
        self._written = set()
        return read


def _may_be_too_large(portfolio: Portfolio) -> bool:
    """Return whether sums come near what an amount can be: then the largest rows may have to be left out."""
    try:
        sums = (portfolio.cash, portfolio.invested, portfolio.cost_basis)
    except DomainError:
        return True
    return sum(abs(amount).value for amount in sums) * 10 >= LIMIT
