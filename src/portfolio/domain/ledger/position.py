"""One asset's position: how much is held, what it cost, what it is worth."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from portfolio.domain.errors import OutOfRange
from portfolio.domain.ledger.leg import Leg
from portfolio.domain.ledger.trade import Execution, Side, Trade
from portfolio.domain.mark import MAX_PRICE_AGE, TRADE_SOURCE, Mark
from portfolio.domain.money import EXACT, Money, Price, Quantity
from portfolio.domain.symbol import Symbol

NEGLIGIBLE_PART = Decimal(10**12)
"""Of a quantity, one part in so many: what is left of it or missing is a rounding, and not held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:  # shape: what a position is, and all that can happen to it
    """What is held of one asset.

    ``quantity`` is what the shared row says; ``ledger_quantity`` is what this ledger's own entries add up to. They
    differ when another program wrote the row: the difference is unreconciled. ``asset_cost`` is the money for the
    asset, ``cost_basis`` the same with fees. A quantity below zero is a short position, with money below zero; only an
    override or a foreign write makes one.
    """

    symbol: Symbol
    quantity: Quantity = Quantity.zero()
    ledger_quantity: Quantity = Quantity.zero()
    asset_cost: Money = Money.zero()
    cost_basis: Money = Money.zero()
    realized_pnl: Money = Money.zero()
    avg_entry_price: Price | None = None
    mark: Mark | None = None
    updated_at: datetime | None = None
    _market_value: Money | None = field(default=None, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # What is not held cost nothing: money that a foreign write left in a closed row is no value of ours.
        if not self.quantity and (self.asset_cost or self.cost_basis):
            object.__setattr__(self, "asset_cost", Money.zero())
            object.__setattr__(self, "cost_basis", Money.zero())

    @property
    def is_open(self) -> bool:
        """Return whether anything is held."""
        return bool(self.quantity)

    @property
    def market_value(self) -> Money:
        """Return what the position is worth; its cost where no price is known."""
        # Multiplied once: a thousand positions are added up several times for each booking, and few have changed.
        value = self._market_value
        if value is None:
            value = self.quantity.at(self.mark.price) if self.mark and self.is_open else self.cost_basis
            object.__setattr__(self, "_market_value", value)
        return value

    @property
    def unrealized_pnl(self) -> Money:
        """Return market value less cost basis."""
        return self.market_value - self.cost_basis

    @property
    def extent(self) -> Decimal:
        """Return the largest of its value, its cost and their difference, whatever their signs."""
        value, cost = self.market_value.value, self.cost_basis.value
        return max(value.copy_abs(), cost.copy_abs(), EXACT.subtract(value, cost).copy_abs())

    @property
    def break_even_price(self) -> Price | None:
        """Return the price at which a sale of everything, free of fees, returns the cost basis.

        None when closed, and where cost and quantity make no price, as after a foreign write of one of them.
        """
        return _average(self.cost_basis, self.quantity)

    @property
    def unreconciled(self) -> Quantity:
        """Return how much more the row holds than this ledger's entries explain."""
        return self.quantity - self.ledger_quantity

    def settle(
        self, execution: Execution, max_price_age: timedelta = MAX_PRICE_AGE, *, now: datetime | None = None
    ) -> tuple[Position, Trade]:
        """Return the position after ``execution`` and the entry that takes it there.

        Its price is the position's where it is newer than the one known, unless that is a feed's and fresh by ``now``,
        which is when it is booked, by default when it took place. Average cost: what is closed takes its share of the
        sums, half even at 18 decimals, all of them when all is closed. What is larger opens the rest the other way.
        """
        quantity = self.closed_whole(execution)
        signed = quantity if execution.side is Side.BUY else -quantity
        notional, cash_delta = execution.notional, execution.cash_delta
        asset = notional if execution.side is Side.BUY else -notional
        basis = -cash_delta
        closed = self._closed_by(signed)
        if not closed:
            realized, notional_delta, basis_delta = Money.zero(), asset, basis
        else:
            share_of_trade = basis.portion(closed, signed)
            basis_out = self.cost_basis.portion(-closed, self.quantity)
            realized = -(share_of_trade + basis_out)
            asset_out = self.asset_cost.portion(-closed, self.quantity)
            notional_delta = asset - asset.portion(closed, signed) - asset_out
            basis_delta = basis - share_of_trade - basis_out
        trade = Trade(
            symbol=self.symbol,
            side=execution.side,
            quantity=quantity,
            price=execution.price,
            notional=notional,
            fees=execution.fees,
            cash_delta=cash_delta,
            notional_delta=notional_delta,
            basis_delta=basis_delta,
            realized_pnl=realized,
            closes=bool(closed),
            executed_at=execution.executed_at,
            reported_quantity=None if quantity == execution.quantity else execution.quantity,
        )
        return self.entered(trade, self._mark_of(trade, now, max_price_age)), trade

    def closed_whole(self, execution: Execution) -> Quantity:
        """Return the quantity to book: all that is held where the execution closes it but for 1e-12 of it.

        A client whose numbers are doubles sells 0.7999999999999999 of 0.8, or 0.30000000000000004 of 0.3, and means all
        of it.
        """
        closes = self.is_open and (execution.side is Side.SELL) == (self.quantity.value > 0)
        held = abs(self.quantity)
        return held if closes and as_good_as(execution.quantity, held) else execution.quantity

    def undo(self, trade: Trade, trade_id: int, at: datetime) -> tuple[Position, Trade]:
        """Return the position without ``trade``, and the opposite entry that takes it out.

        Where nothing happened since, every sum is what it was before the trade. When nothing is held afterwards, or the
        cost would change its sign, what is left of the cost, from averages that moved in between, becomes realized. Of
        a purchase of which 1e-12 is missing, all that is held is taken back.
        """
        quantity = self.returned(trade)
        left = self.quantity - quantity if trade.side is Side.BUY else self.quantity + quantity
        notional_delta = undone(self.asset_cost, trade.notional_delta, left)
        basis_delta = undone(self.cost_basis, trade.basis_delta, left)
        entry = replace(
            trade,
            side=trade.side.opposite,
            quantity=quantity,
            reported_quantity=None if quantity == trade.quantity else trade.quantity,
            cash_delta=-trade.cash_delta,
            notional_delta=notional_delta,
            basis_delta=basis_delta,
            realized_pnl=basis_delta - trade.cash_delta,
            closes=False,
            executed_at=at,
            reverses=trade_id,
        )
        return self.entered(entry, self.mark), entry

    def returned(self, trade: Trade) -> Quantity:
        """Return the quantity that leaves or comes back when ``trade`` is taken back."""
        too_little = trade.side is Side.BUY and trade.quantity > self.quantity
        return self.quantity if too_little and as_good_as(trade.quantity, self.quantity) else trade.quantity

    def marked(self, mark: Mark) -> Position:
        """Return the position valued at ``mark``."""
        return replace(self, mark=mark)

    def _closed_by(self, signed: Quantity) -> Quantity:
        """Return the part of a signed quantity that closes what is held; zero when it adds to it."""
        if not self.quantity or (signed.value > 0) == (self.quantity.value > 0):
            return Quantity.zero()
        return signed if abs(signed) <= abs(self.quantity) else -self.quantity

    def _mark_of(self, trade: Trade, now: datetime | None, max_age: timedelta) -> Mark:
        executed = Mark(trade.price, TRADE_SOURCE, trade.executed_at)
        return self.mark_after(executed, trade.quantity_delta, now or trade.executed_at, max_age)

    def mark_after(self, executed: Mark, delta: Quantity, now: datetime, max_age: timedelta) -> Mark:
        """Return whose price counts after a change by ``delta`` at the price ``executed``."""
        held = self.quantity + delta
        opens = bool(held) and (not self.is_open or (held.value > 0) != (self.quantity.value > 0))
        if self.mark is None or (opens and self.mark.at <= executed.at):
            return executed
        return executed if self.mark.yields_to(executed, now, max_age) else self.mark

    def moved(self, leg: Leg, mark: Mark | None, *, keeps_average: bool = False) -> Position:
        """Return the position after a leg of an event, valued at ``mark``.

        What takes a part of it away at cost ``keeps_average``; what adds to it, or turns it round, makes another.
        """
        quantity, asset_cost = self.quantity + leg.quantity_delta, self.asset_cost + leg.asset_delta
        is_part = (quantity.value > 0) == (self.quantity.value > 0) and abs(quantity) <= abs(self.quantity)
        average = self.avg_entry_price if quantity and keeps_average and is_part else None
        if average is None:
            average = _average(asset_cost, quantity)
        return replace(
            self,
            quantity=quantity,
            ledger_quantity=self.ledger_quantity + leg.quantity_delta,
            asset_cost=asset_cost,
            cost_basis=self.cost_basis + leg.basis_delta,
            realized_pnl=self.realized_pnl + leg.realized_delta,
            avg_entry_price=average,
            mark=mark,
        )

    def entered(self, trade: Trade, mark: Mark | None) -> Position:
        """Return the position after an entry of the ledger, valued at ``mark``."""
        quantity = self.quantity + trade.quantity_delta
        asset_cost = self.asset_cost + trade.notional_delta
        same_side = bool(quantity) and (quantity.value > 0) == (self.quantity.value > 0)
        average = self.avg_entry_price if trade.closes and same_side else None
        if average is None:
            average = _average(asset_cost, quantity)
        return Position(  # not replace(): it takes twice as long, and a batch enters a thousand
            symbol=self.symbol,
            quantity=quantity,
            ledger_quantity=self.ledger_quantity + trade.quantity_delta,
            asset_cost=asset_cost,
            cost_basis=self.cost_basis + trade.basis_delta,
            realized_pnl=self.realized_pnl + trade.realized_pnl,
            avg_entry_price=average,
            mark=mark,
            updated_at=self.updated_at,
        )


def as_good_as(quantity: Quantity, held: Quantity) -> bool:
    """Return whether a quantity differs from what is held by a rounding of doubles: at most 1e-12 of it."""
    off = EXACT.multiply(abs(quantity - held).value, NEGLIGIBLE_PART)
    return off <= held.value


def _average(cost: Money, quantity: Quantity) -> Price | None:
    """Return what one unit cost; None where nothing is held, or the two make no price: zero, below it, or 1e20.

    Zero is none: in the column that other programs read it means that there is no average.
    """
    if not quantity or (cost.value < 0) != (quantity.value < 0):
        return None
    try:
        return cost.per(quantity) or None
    except OutOfRange:
        return None


def undone(sum_held: Money, delta: Money, left: Quantity) -> Money:
    """Return the change that takes ``delta`` out of ``sum_held``; all of it if the rest would have the wrong sign."""
    rest = sum_held - delta
    fits = rest.value >= 0 if left.value > 0 else rest.value <= 0
    return -delta if left and fits else -sum_held
