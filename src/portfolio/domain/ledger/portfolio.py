"""The aggregate: cash, positions and the sums that tie them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from portfolio.domain.arithmetic import exact
from portfolio.domain.categories import A_QUARTER, PositionLimit
from portfolio.domain.errors import InsufficientCash, InsufficientQuantity, InvalidAmount, NotReversible, OutOfRange
from portfolio.domain.ledger.cash_transaction import CashTransaction, CashTransactionKind
from portfolio.domain.ledger.position import Position
from portfolio.domain.ledger.positions import Positions
from portfolio.domain.ledger.trade import MAX_FEE_SHARE, Execution, Side, Trade
from portfolio.domain.ledger.trade_counts import TradeCounts
from portfolio.domain.ledger.units import Units
from portfolio.domain.mark import MAX_PRICE_AGE, Mark
from portfolio.domain.money import LIMIT, Money
from portfolio.domain.symbol import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingRules:
    """What a booking is held to, or told by, and how long a feed's price counts before the booking's own."""

    amount_tolerance_percent: Decimal = Decimal(5)
    allow_negative_cash: bool = False
    max_price_age: timedelta = MAX_PRICE_AGE
    max_fee_share: Decimal = MAX_FEE_SHARE
    position_limit: PositionLimit = A_QUARTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:  # shape: the aggregate, with all that can happen to it
    """A portfolio at one revision; every change returns the next one.

    To the last digit: ``total_value == net_deposits + realized_pnl + unrealized_pnl + unreconciled``, the last being
    what other programs wrote into the shared rows, and zero when none did. Rows that count for nothing:
    ``unreadable_rows`` are the symbols of those that name no asset, ``foreign_rows`` a line for each to be seen.
    """

    id: int
    revision: int = 0
    price_revision: int = 0
    cash: Money = Money.zero()
    ledger_cash: Money = Money.zero()
    net_deposits: Money = Money.zero()
    realized_pnl: Money = Money.zero()
    fees_paid: Money = Money.zero()
    units: Units = field(default_factory=Units)
    trade_counts: TradeCounts = field(default_factory=TradeCounts)
    positions: Mapping[Symbol, Position] = Positions()
    unreadable_rows: tuple[str, ...] = ()
    foreign_rows: tuple[str, ...] = ()
    updated_at: datetime | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.positions, Positions):
            object.__setattr__(self, "positions", Positions(self.positions))

    # --- what it is worth -------------------------------------------------------------------------------------------

    @property
    def open_positions(self) -> list[Position]:
        """Return what is held, by symbol."""
        return list(self._held.open)

    @property
    def invested(self) -> Money:
        """Return the market value of the positions."""
        return self._held.market_value

    @property
    def cost_basis(self) -> Money:
        """Return what the positions cost, fees included."""
        return self._held.cost_basis

    @property
    def total_value(self) -> Money:
        """Return cash plus market value."""
        return self.cash + self.invested

    @property
    def unrealized_pnl(self) -> Money:
        """Return market value less cost basis."""
        return self.invested - self.cost_basis

    @property
    @exact
    def unreconciled(self) -> Money:
        """Return the value that this ledger's entries do not explain."""
        # In one step: deposits of less than nothing and a result of as much are each in range, and not one alone.
        return Money(self.cash.value + self.cost_basis.value - self.net_deposits.value - self.realized_pnl.value)

    @property
    def cash_unreconciled(self) -> Money:
        """Return how much more cash the row holds than this ledger's entries explain."""
        return self.cash - self.ledger_cash

    @property
    def has_unreconciled(self) -> bool:
        """Return whether another program moved a row in a way that can be booked."""
        return bool(self.cash_unreconciled or self.unreconciled or self.unreconciled_positions)

    @property
    def unreconciled_positions(self) -> list[Position]:
        """Return the positions whose row another program moved, by symbol."""
        return sorted((p for p in self.positions.values() if p.unreconciled), key=lambda p: p.symbol)

    def position(self, symbol: Symbol) -> Position:
        """Return the position in ``symbol``, an empty one where there never was any."""
        return self.positions.get(symbol) or Position(symbol=symbol)

    @property
    def reach(self) -> Decimal:
        """Return how large any sum of its parts can be; OutOfRange where one position alone is worth 1e20 or more."""
        return self._held.reach(self.cash, self.realized_pnl)

    def in_range(self) -> Portfolio:
        """Return the portfolio itself; OutOfRange where a sum could be 1e20 or more, so that it could not be read."""
        if (reach := self.reach) >= LIMIT:
            raise OutOfRange(reach)
        return self

    # --- what happens to it -----------------------------------------------------------------------------------------

    def book(
        self, execution: Execution, rules: BookingRules, *, override: bool = False, now: datetime | None = None
    ) -> tuple[Portfolio, Trade]:
        """Return the portfolio after ``execution`` and the entry booked; with ``override`` no other rule is asked.

        ``now`` is when it is booked, by default when it took place: it decides whose price counts from then on.

        Raises:
            InvalidAmount: an amount is not above zero, or the fees are below it.
            FeesTooHigh: the fees do not fit quantity x price.
            AmountMismatch: the money does not fit quantity x price.
            InsufficientQuantity: more sold than held.
            InsufficientCash: more spent than there is.
        """
        execution.check_signs()
        if override:
            return self._settle(execution, rules, now)
        execution.check_amounts(rules.amount_tolerance_percent, rules.max_fee_share)
        position = self.position(execution.symbol)
        held = position.quantity
        if execution.side is Side.SELL and position.closed_whole(execution) > held:
            raise InsufficientQuantity(execution.symbol.code, held.value, execution.quantity.value)
        after, trade = self._settle(execution, rules, now)
        if execution.side is Side.BUY:
            self._require_cash(-trade.cash_delta, unless=rules.allow_negative_cash)
        return after, trade

    def reverse(
        self, trade: Trade, trade_id: int, at: datetime, *, allow_negative_cash: bool = False
    ) -> tuple[Portfolio, Trade]:
        """Return the portfolio without ``trade``, and the opposite entry that takes it out.

        Raises:
            NotReversible: the trade is itself a reversal.
            InsufficientQuantity: what it bought is no longer held.
            InsufficientCash: what it brought is no longer there.
        """
        if trade.reverses is not None:
            raise NotReversible(trade_id, "it is itself a reversal")
        position = self.position(trade.symbol)
        if trade.side is Side.BUY and position.returned(trade) > position.quantity:
            raise InsufficientQuantity(trade.symbol.code, position.quantity.value, trade.quantity.value)
        moved, entry = position.undo(trade, trade_id, at)
        after = self._entered(moved, entry, self.trade_counts.without(trade))
        if entry.cash_delta.value < 0:
            self._require_cash(-entry.cash_delta, unless=allow_negative_cash)
        return after, entry

    def deposit(self, amount: Money, at: datetime) -> tuple[Portfolio, CashTransaction]:
        """Return the portfolio with ``amount`` more cash, contributed from outside.

        Raises:
            InvalidAmount: not above zero.
        """
        if amount.value <= 0:
            raise InvalidAmount(str(amount), "has to be above zero", field="amount")
        return self._moved(CashTransactionKind.DEPOSIT, amount, at)

    def withdraw(
        self, amount: Money, at: datetime, *, allow_negative_cash: bool = False
    ) -> tuple[Portfolio, CashTransaction]:
        """Return the portfolio with ``amount`` less cash, taken out.

        Raises:
            InvalidAmount: not above zero.
            InsufficientCash: more than there is.
        """
        if amount.value <= 0:
            raise InvalidAmount(str(amount), "has to be above zero", field="amount")
        self._require_cash(amount, unless=allow_negative_cash)
        return self._moved(CashTransactionKind.WITHDRAWAL, -amount, at)

    def adopt(self, at: datetime) -> tuple[Portfolio, CashTransaction]:
        """Return the portfolio with what its rows hold taken as the baseline: from here on the identity holds.

        Realized results of before stay; net deposits are what explains the rest.
        """
        realized = self._held.realized_pnl
        value, deposits = self.total_value, self.cash + self.cost_basis - realized
        nothing = Money.zero()
        blank = replace(self, ledger_cash=nothing, net_deposits=nothing, realized_pnl=nothing, units=Units())
        after, transaction = recorded(
            replace(blank, positions=self._held.reconciled()),
            CashTransaction(
                kind=CashTransactionKind.BASELINE,
                cash_delta=self.cash,
                net_deposits_delta=deposits,
                realized_delta=realized,
                value_before=value,
                at=at,
            ),
        )
        return replace(after, units=Units().after_flow(nothing, value)), transaction

    def reconcile(self, at: datetime, *, as_realized: bool) -> tuple[Portfolio, CashTransaction]:
        """Return the portfolio with the difference booked: as a realized result, or as a contribution from outside."""
        unreconciled = self.unreconciled
        deposits, realized = (Money.zero(), unreconciled) if as_realized else (unreconciled, Money.zero())
        after, transaction = recorded(
            replace(self, positions=self._held.reconciled()),
            CashTransaction(
                kind=CashTransactionKind.ADJUSTMENT,
                cash_delta=self.cash_unreconciled,
                net_deposits_delta=deposits,
                realized_delta=realized,
                value_before=self.total_value - deposits,
                at=at,
            ),
        )
        return after.in_range(), transaction

    def rebuilt(self, at: datetime) -> tuple[Portfolio, CashTransaction]:
        """Return the portfolio with the entry which says that its rows were made anew of the entries."""
        nothing = Money.zero()
        return recorded(
            self,
            CashTransaction(
                kind=CashTransactionKind.REBUILD,
                cash_delta=nothing,
                net_deposits_delta=nothing,
                value_before=self.total_value,
                at=at,
            ),
        )

    def marked(self, marks: Mapping[Symbol, Mark]) -> Portfolio:
        """Return the portfolio valued at ``marks``, the other positions as they were."""
        marked = (self.positions[symbol].marked(mark) for symbol, mark in marks.items() if symbol in self.positions)
        return replace(self, positions=self._held.replacing(marked))

    @property
    def _held(self) -> Positions:
        assert isinstance(self.positions, Positions)
        return self.positions

    def _require_cash(self, amount: Money, *, unless: bool) -> None:
        if amount > self.cash and not unless:
            raise InsufficientCash(self.cash.value, amount.value)

    def _settle(self, execution: Execution, rules: BookingRules, now: datetime | None) -> tuple[Portfolio, Trade]:
        position, trade = self.position(execution.symbol).settle(execution, rules.max_price_age, now=now)
        return self._entered(position, trade, self.trade_counts.with_trade(trade)), trade

    def _entered(self, position: Position, trade: Trade, trade_counts: TradeCounts) -> Portfolio:
        return replace(
            self,
            revision=self.revision + 1,
            cash=self.cash + trade.cash_delta,
            ledger_cash=self.ledger_cash + trade.cash_delta,
            realized_pnl=self.realized_pnl + trade.realized_pnl,
            fees_paid=self.fees_paid + trade.fees_delta,
            trade_counts=trade_counts,
            positions=self._held.replacing([position]),
        ).in_range()

    def _moved(self, kind: CashTransactionKind, delta: Money, at: datetime) -> tuple[Portfolio, CashTransaction]:
        value = self.total_value
        transaction = CashTransaction(kind=kind, cash_delta=delta, net_deposits_delta=delta, value_before=value, at=at)
        return recorded(replace(self, cash=self.cash + delta), transaction)[0].in_range(), transaction


def recorded(before: Portfolio, transaction: CashTransaction) -> tuple[Portfolio, CashTransaction]:
    """Return the portfolio with the entry's changes of what the ledger explains; the rows are as they are."""
    after = replace(
        before,
        revision=before.revision + 1,
        ledger_cash=before.ledger_cash + transaction.cash_delta,
        net_deposits=before.net_deposits + transaction.net_deposits_delta,
        realized_pnl=before.realized_pnl + transaction.realized_delta,
        units=before.units.after_flow(transaction.value_before, transaction.flow),
    )
    return after, transaction
