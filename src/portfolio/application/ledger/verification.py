"""Proves that the books add up, and books what other programs wrote when somebody accepts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import msgspec

from portfolio.application.announcer import NO_LISTENERS, Announcer
from portfolio.application.clock import Clock
from portfolio.application.errors import BooksContradicted
from portfolio.application.ledger.announcements import CashMoved
from portfolio.application.ledger.audit import Chain, StatedBooks
from portfolio.application.ledger.cash_records import CashEntry, PositionAdjustment
from portfolio.application.ledger.fold import PAGE_SIZE, Fold, PositionSums, add_entries, note
from portfolio.application.ledger.lost_commit import Made, commit_once, has_entry
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.domain.arithmetic import exact
from portfolio.domain.decimal_text import plain
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result: ``differences`` are faults of these books, ``unreconciled`` is what other programs wrote.

    ``foreign`` are rows of theirs that cannot be booked: somebody has to mend or to delete them.
    ``lost`` are the trades whose outcomes are gone. ``head`` is the digest of all entries, None where they have none
    yet. ``is_new`` says that nothing was booked since the books were opened.
    """

    trades: int
    transactions: int
    revision: int
    differences: Sequence[str]
    unreconciled: Sequence[str]
    unreconciled_value: Money
    foreign: Sequence[str] = ()
    lost: Sequence[str] = ()
    head: str | None = None
    is_new: bool = False

    @property
    def is_proved(self) -> bool:
        """Return whether it could be found out: entries without digests may be anything."""
        return self.head is not None or not self.revision

    @property
    def holds(self) -> bool:
        """Return whether the entries add up to the books."""
        return not self.differences


class VerifyBooks(msgspec.Struct):
    """Replays the ledger's entries, and compares what they add up to with everything that the books say."""

    ledger: Ledger
    page_size: int = PAGE_SIZE

    async def __call__(self, portfolio_id: int, head: str | None = None) -> Verification:
        """Return what was found; bookings may go on meanwhile. ``head`` is one that was noted before."""
        stated = await self.ledger.stated(portfolio_id)
        fold = Fold(chain=Chain(wanted=head))
        await add_entries(fold, stated.portfolio.revision, self.ledger.entry_lines, limit=self.page_size)
        await self._look_at_refusals(fold)
        return _verification(stated, fold)

    async def _look_at_refusals(self, fold: Fold) -> None:
        """Look at what was decided and is no entry: the refusals."""
        for of_cash in (False, True):
            after = 0
            while rows := await self.ledger.refused_rows(of_cash=of_cash, after=after, limit=self.page_size):
                after = rows[-1].id
                for row in rows:
                    if not row.is_intact:
                        note(fold.broken, f"{row.place}: it is not what was decided")


def compare(portfolio: Portfolio, fold: Fold) -> Verification:
    """Return how the books compare with what their entries add up to, whatever head is written."""
    return _verification(StatedBooks(portfolio=portfolio, head=fold.chain.heads[0], asset_costs={}), fold)


@exact
def _verification(stated: StatedBooks, fold: Fold) -> Verification:
    portfolio, differences = stated.portfolio, _differences(stated, fold)
    others = []
    for symbol, position in sorted(portfolio.positions.items()):
        sums = fold.positions[symbol.code]
        held, added_up = position.ledger_quantity.value, sums.quantity
        if held != added_up:
            differences.append(f"{symbol}: the books say {plain(held)}, their entries add up to {plain(added_up)}")
        elif not position.unreconciled:
            others += _moved_by_others(position, sums, stated.asset_costs.get(symbol))
    gone = [
        f"{code}: it has no row, the ledger says {plain(fold.positions[code].quantity)}"
        for code in _without_row(portfolio, fold)
    ]
    # With the books' own sums it would always hold: what is unreconciled is what is left. The entries' sums prove it.
    identity = fold.net_deposits + fold.realized_pnl + (portfolio.unrealized_pnl + portfolio.unreconciled).value
    if portfolio.total_value.value != identity:
        differences.append(
            f"identity: total value {portfolio.total_value} is not the entries' net deposits and realized result "
            f"with unrealized result and what is unreconciled, {plain(identity)}"
        )
    return Verification(
        trades=fold.trades,
        transactions=fold.transactions,
        revision=portfolio.revision,
        differences=differences,
        unreconciled=[*describe_unreconciled(portfolio, others), *gone],
        unreconciled_value=portfolio.unreconciled,
        foreign=portfolio.foreign_rows,
        lost=fold.lost,
        head=stated.head,
        is_new=fold.is_new,
    )


def _differences(stated: StatedBooks, fold: Fold) -> list[str]:
    """Return what is wrong with the rows, with the sums over all of them, and with the chain."""
    chain, differences = fold.chain, [*fold.broken, *stated.stray]
    differences += [
        f"{name}: the books say {ours}, their entries add up to {entries}"
        for name, ours, entries in _sums(stated, fold)
        if ours != entries
    ]
    if stated.head not in chain.heads and (stated.head is not None or chain.has_begun):
        differences.append(f"the newest digest is {chain.heads[0]}, and the books say {stated.head}")
    if chain.wanted is not None and not chain.was_seen:
        differences.append(f"no entry has the digest {chain.wanted}: entries up to there are not what they were")
    return differences


def _sums(stated: StatedBooks, fold: Fold) -> Sequence[tuple[str, str, str]]:
    """Return what each sum is called, what the books say, and what the entries add up to."""
    portfolio, counts, units = stated.portfolio, stated.portfolio.trade_counts, stated.portfolio.units
    added_up = fold.units or units
    pairs: Sequence[tuple[str, Decimal | int, Decimal | int]] = (
        ("ledger revision", portfolio.revision, fold.revision),
        ("cash", portfolio.ledger_cash.value, fold.cash),
        ("net deposits", portfolio.net_deposits.value, fold.net_deposits),
        ("realized profit and loss", portfolio.realized_pnl.value, fold.realized_pnl),
        ("fees paid", portfolio.fees_paid.value, fold.fees_paid),
        ("trades", counts.trades, fold.counted),
        ("winning trades", counts.wins, fold.wins),
        ("losing trades", counts.losses, fold.losses),
        ("gross profit", counts.gross_profit.value, fold.gross_profit),
        ("gross loss", counts.gross_loss.value, fold.gross_loss),
        ("units", units.count, added_up.count),
        ("unit value", units.last_value, added_up.last_value),
    )
    return [(name, plain(Decimal(ours)), plain(Decimal(entries))) for name, ours, entries in pairs]


def _moved_by_others(position: Position, sums: PositionSums, asset_cost: Decimal | None) -> list[str]:
    """Return a line for what a row says of its cost and its result otherwise than the entries do."""
    average = position.avg_entry_price
    pairs = (
        ("cost basis", position.cost_basis.value, sums.cost_basis),
        ("realized result", position.realized_pnl.value, sums.realized),
        ("average price", None if average is None else average.value, sums.average),
        ("cost without fees", position.asset_cost.value, sums.asset_cost),
        ("cost without fees", asset_cost or position.asset_cost.value, position.asset_cost.value),
    )
    for name, ours, entries in pairs:
        if ours != entries:
            known = f"the ledger {'none' if entries is None else plain(entries)}"
            if not sums.is_costed:
                known = "entries of before 0024 do not say it"
            return [f"{position.symbol}: the row says {name} {'none' if ours is None else plain(ours)}, {known}"]
    return []


def _without_row(portfolio: Portfolio, fold: Fold) -> list[str]:
    """Return the symbols of positions whose rows another program deleted."""
    unreadable = {name.upper() for name in portfolio.unreadable_rows}
    there = {symbol.code for symbol in portfolio.positions} | unreadable
    return [code for code, sums in sorted(fold.positions.items()) if sums.quantity and code not in there]


def _adjustment(position: Position, sums: PositionSums) -> PositionAdjustment:
    """Return what leads from the entries' sums to a position as its row is."""
    return PositionAdjustment(
        symbol=position.symbol,
        quantity_delta=position.quantity - Quantity(sums.quantity),
        asset_cost_delta=position.asset_cost - Money(sums.asset_cost),
        cost_basis_delta=position.cost_basis - Money(sums.cost_basis),
        realized_delta=position.realized_pnl - Money(sums.realized),
        avg_entry_price=position.avg_entry_price,
    )


def describe_unreconciled(portfolio: Portfolio, others: Sequence[str] = ()) -> list[str]:
    """Return a line for each row that another program moved, or that cannot be read; ``others`` are known already."""
    lines = []
    if portfolio.cash_unreconciled:
        lines.append(f"cash: the row says {portfolio.cash}, the ledger {portfolio.ledger_cash}")
    lines.extend(
        f"{position.symbol}: it has no row, the ledger says {position.ledger_quantity}"
        if not position.quantity and position.updated_at is None
        else f"{position.symbol}: the row says {position.quantity}, the ledger {position.ledger_quantity}"
        for position in portfolio.unreconciled_positions
    )
    lines += others
    if portfolio.unreconciled and not lines:
        lines.append(f"cost basis: the rows say {portfolio.unreconciled} more than the ledger")
    return lines


class ReconcileBooks(msgspec.Struct):
    """Books what is unreconciled as an adjustment: from then on the rows, as they are, are the books.

    Nothing is booked where the books themselves are not what their entries add up to.
    """

    ledger: Ledger
    clock: Clock
    page_size: int = PAGE_SIZE
    announce: Announcer = NO_LISTENERS

    async def __call__(self, portfolio_id: int, *, as_realized: bool | None = None) -> CashEntry | None:
        """Return the adjustment booked; None where nothing is unreconciled.

        ``as_realized`` says whether its value is a realized result or a contribution. Left open, it is a result where a
        position moved (an engine traded on its own), else a contribution (somebody moved cash).

        Raises:
            BooksContradicted: the ledger's own sums are not what its entries add up to; nothing was applied.
            OutcomeUnknown: the commit was lost and could not be looked up; asking again shows what is left.
        """
        # Long books are read before the lock is taken; what is booked meanwhile is read under it.
        fold, revision = Fold(), (await self.ledger.load(portfolio_id)).revision
        await add_entries(fold, revision, self.ledger.entry_lines, limit=self.page_size)
        work = partial(self._reconcile, fold=fold, as_realized=as_realized)
        return await commit_once(self.ledger, portfolio_id, work, announce=self.announce)

    async def _reconcile(self, unit: LedgerUnit, fold: Fold, as_realized: bool | None) -> Made[CashEntry | None]:
        before = unit.portfolio
        await add_entries(fold, before.revision, unit.entry_lines, limit=self.page_size)
        if differences := compare(before, fold).differences:
            raise BooksContradicted("; ".join(differences), is_lossy=True)
        gone = [_adjustment(Position(symbol=Symbol(code)), fold.positions[code]) for code in _without_row(before, fold)]
        moved = [*_moved(before, fold), *gone]
        if not before.has_unreconciled and not moved:
            return Made(None)
        realized = any(one.quantity_delta for one in moved) if as_realized is None else as_realized
        after, transaction = before.reconcile(self.clock.now(), as_realized=realized)
        entry = CashEntry.of(transaction, after, positions=moved)
        await unit.add_cash_entry(entry)
        await unit.save(after)
        return Made(entry, has_entry(entry), [CashMoved(entry)])


def _moved(portfolio: Portfolio, fold: Fold) -> list[PositionAdjustment]:
    """Return the adjustments that bring the ledger to the rows, also for rows that were deleted and made anew."""
    return [
        _adjustment(position, sums)
        for symbol, position in sorted(portfolio.positions.items())
        if (sums := fold.positions[symbol.code]).quantity != position.quantity.value
        or _moved_by_others(position, sums, None)
    ]
