"""Proves the books: replays every entry, and books drift once somebody accepts it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from portfolio.application.opening import OWNER
from portfolio.application.ports import Clock, Ledger, LedgerUnit
from portfolio.application.records import NewMovement, NewTrade, PositionAdjustment
from portfolio.domain.money import Money, Quantity
from portfolio.domain.portfolio import Movement, Portfolio
from portfolio.domain.symbol import Symbol
from portfolio.domain.trade import Side, Trade

PAGE = 5_000


@dataclass(slots=True)
class Fold:
    """What the ledger's entries add up to."""

    revision: int = 0
    trades: int = 0
    movements: int = 0
    cash: Money = Money.zero()
    net_deposits: Money = Money.zero()
    realized_pnl: Money = Money.zero()
    fees_paid: Money = Money.zero()
    quantities: defaultdict[Symbol, Quantity] = field(default_factory=lambda: defaultdict(Quantity.zero))
    broken: list[str] = field(default_factory=list)

    def add(self, entry: NewTrade | NewMovement) -> None:
        """Take in the next entry; a gap in the revisions or an entry that does not balance is noted."""
        if entry.revision != self.revision + 1:
            self.broken.append(f"ledger revision {entry.revision} follows {self.revision}")
        self.revision = entry.revision
        if isinstance(entry, NewTrade):
            self._add_trade(entry)
        else:
            self._add_movement(entry)

    def _add_trade(self, entry: NewTrade) -> None:
        trade = entry.trade
        self.trades += 1
        self.cash = self.cash + trade.cash_delta
        self.realized_pnl = self.realized_pnl + trade.realized_pnl
        self.fees_paid = self.fees_paid + trade.fees_delta
        self.quantities[trade.symbol] = self.quantities[trade.symbol] + trade.quantity_delta
        if not _balances(trade):
            self.broken.append(f"the entry of revision {entry.revision} does not balance")

    def _add_movement(self, entry: NewMovement) -> None:
        movement = entry.movement
        self.movements += 1
        self.cash = self.cash + movement.cash_delta
        self.net_deposits = self.net_deposits + movement.net_deposits_delta
        self.realized_pnl = self.realized_pnl + movement.realized_delta
        for adjustment in entry.positions:
            self.quantities[adjustment.symbol] = self.quantities[adjustment.symbol] + adjustment.quantity_delta


def _balances(trade: Trade) -> bool:
    """Return whether cash moved by what the execution says, and no value came from nowhere."""
    paid = trade.asset_money + trade.fees if trade.side is Side.BUY else -(trade.asset_money - trade.fees)
    if trade.reverses is not None:
        paid = trade.asset_money - trade.fees if trade.side is Side.BUY else -(trade.asset_money + trade.fees)
    return trade.cash_delta == -paid and trade.cash_delta + trade.basis_delta == trade.realized_pnl


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of a verification. ``differences`` are faults of these books; ``drift`` is other programs' doing."""

    trades: int
    movements: int
    revision: int
    differences: Sequence[str]
    drift: Sequence[str]
    drift_value: Money

    @property
    def holds(self) -> bool:
        """Return whether the entries add up to the books."""
        return not self.differences


class VerifyBooks:
    """Replays the ledger's entries and compares what they add up to with positions, cash and the identity."""

    def __init__(self, ledger: Ledger, *, portfolio_id: int = 1) -> None:
        self._ledger = ledger
        self._portfolio_id = portfolio_id

    async def __call__(self) -> Verdict:
        """Return the verdict; bookings may go on meanwhile.

        Raises:
            LedgerUnavailable: the database is away.
            PortfolioMissing: there is nothing to verify.
        """
        portfolio = await self._ledger.load(self._portfolio_id)
        return _verdict(portfolio, await self._fold(portfolio.revision))

    async def _fold(self, until: int) -> Fold:
        fold = Fold()
        while fold.revision < until:
            entries = await self._ledger.entries(self._portfolio_id, after=fold.revision, limit=PAGE)
            if not entries:
                break
            for entry in entries:
                if entry.revision > until:
                    return fold
                fold.add(entry)
        return fold


def _verdict(portfolio: Portfolio, fold: Fold) -> Verdict:
    differences = list(fold.broken)
    for name, ours, entries in (
        ("ledger revision", portfolio.revision, fold.revision),
        ("cash", portfolio.ledger_cash, fold.cash),
        ("net deposits", portfolio.net_deposits, fold.net_deposits),
        ("realized profit and loss", portfolio.realized_pnl, fold.realized_pnl),
        ("fees paid", portfolio.fees_paid, fold.fees_paid),
    ):
        if ours != entries:
            differences.append(f"{name}: the books say {ours}, their entries add up to {entries}")
    for symbol in sorted(set(portfolio.positions) | set(fold.quantities)):
        held, added_up = portfolio.position(symbol).ledger_quantity, fold.quantities[symbol]
        if held != added_up:
            differences.append(f"{symbol}: the books say {held}, their entries add up to {added_up}")
    # With the books' own sums it would always hold: their drift is what is left over. The entries' sums prove it.
    identity = fold.net_deposits + fold.realized_pnl + portfolio.unrealized_pnl + portfolio.drift
    if portfolio.total_value != identity:
        differences.append(
            f"identity: total value {portfolio.total_value} is not the entries' net deposits and realized result "
            f"with unrealized result and drift, {identity}"
        )
    return Verdict(
        trades=fold.trades,
        movements=fold.movements,
        revision=portfolio.revision,
        differences=differences,
        drift=describe_drift(portfolio),
        drift_value=portfolio.drift,
    )


def describe_drift(portfolio: Portfolio) -> list[str]:
    """Return a line for each row that another program moved, or that cannot be read."""
    lines = []
    if portfolio.cash_drift:
        lines.append(f"cash: the row says {portfolio.cash}, the ledger {portfolio.ledger_cash}")
    lines.extend(
        f"{position.symbol}: the row says {position.quantity}, the ledger {position.ledger_quantity}"
        for position in portfolio.drifted_positions
    )
    if portfolio.drift and not lines:
        lines.append(f"cost basis: the rows say {portfolio.drift} more than the ledger")
    lines.extend(
        f"{name!r}: the row's symbol names no asset, it counts for nothing" for name in portfolio.unreadable_rows
    )
    return lines


class ReconcileBooks:
    """Books the drift as an adjustment: from then on the rows, as they are, are the books."""

    def __init__(self, ledger: Ledger, clock: Clock, *, portfolio_id: int = 1) -> None:
        self._ledger = ledger
        self._clock = clock
        self._portfolio_id = portfolio_id

    async def __call__(self, *, as_realized: bool | None = None) -> NewMovement | None:
        """Return the adjustment booked; None where there is no drift.

        ``as_realized`` says whether its value is a realized result or a contribution. Left open, it is a result where a
        position moved (an engine traded on its own), else a contribution (somebody moved cash).

        Raises:
            LedgerUnavailable: nothing was applied.
        """
        return await self._ledger.transact(self._portfolio_id, lambda unit: self._reconcile(unit, as_realized))

    async def _reconcile(self, unit: LedgerUnit, as_realized: bool | None) -> NewMovement | None:
        before = unit.portfolio
        if not before.has_drift:
            return None
        moved = tuple(PositionAdjustment(symbol=p.symbol, quantity_delta=p.drift) for p in before.drifted_positions)
        realized = bool(moved) if as_realized is None else as_realized
        after, movement = before.reconcile(self._clock.now(), as_realized=realized)
        entry = _adjustment(before, after, movement, moved)
        await unit.add_movement(entry)
        await unit.save(after)
        return entry


def _adjustment(
    before: Portfolio, after: Portfolio, movement: Movement, moved: Sequence[PositionAdjustment]
) -> NewMovement:
    return NewMovement(
        movement=movement,
        portfolio_id=before.id,
        revision=after.revision,
        owner=OWNER,
        positions=tuple(moved),
        cash_after=after.cash,
        net_deposits_after=after.net_deposits,
    )
