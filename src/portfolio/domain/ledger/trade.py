"""Executions as engines report them, and trades as the ledger books them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from portfolio.domain.arithmetic import HUNDRED, exact
from portfolio.domain.decimal_text import plain
from portfolio.domain.errors import AmountMismatch, FeesTooHigh, InvalidAmount
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol

MAX_FEE_SHARE = Decimal("0.1")
FURTHEST_AHEAD = timedelta(seconds=60)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class Side(StrEnum):
    """Which way an execution went."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> Side:
        """Return the other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was traded for how much, as it was reported; nothing of it is checked."""

    symbol: Symbol
    side: Side
    quantity: Quantity
    price: Price
    net_amount: Money
    fees: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution(Terms):
    """What an engine did at an exchange.

    ``net_amount`` is the money for the asset and ``fees`` come on top; with ``fees_included`` it is the money by which
    cash moved. Money is what was reported, never computed from the quantity: what was paid is a fact.
    """

    executed_at: datetime
    fees_included: bool = False

    @property
    def notional(self) -> Money:
        """Return the money that changed hands for the asset alone, fees apart."""
        if not self.fees_included:
            return self.net_amount
        return self.net_amount - self.fees if self.side is Side.BUY else self.net_amount + self.fees

    @property
    def cash_delta(self) -> Money:
        """Return by how much cash moves: below zero on a BUY."""
        if self.side is Side.BUY:
            return -(self.notional + self.fees)
        return self.notional - self.fees

    def check_signs(self) -> None:
        """Refuse what no trade has, an override included: what was reported may have been rounded to zero.

        Raises:
            InvalidAmount: quantity, price or net amount not above zero, or fees below zero.
        """
        for field in ("quantity", "price", "net_amount"):
            if getattr(self, field).value <= 0:
                raise InvalidAmount("", f"{field} has to be above zero at 18 decimals", field=field)
        if self.fees.value < 0:
            raise InvalidAmount("", "fees have to be at least zero", field="fees")

    @exact
    def check_amounts(self, tolerance_percent: Decimal, max_fee_share: Decimal = MAX_FEE_SHARE) -> None:
        """Refuse amounts of which one is probably wrong: a misplaced decimal point, or fees in another currency.

        Raises:
            FeesTooHigh: over ``max_fee_share`` of quantity x price, or more than there is to take them from.
            AmountMismatch: the notional is further than ``tolerance_percent`` from quantity x price; exactly at it is
                accepted.
        """
        notional, expected = self.notional.value, self.quantity.value * self.price.value
        if self.fees.value > expected * max_fee_share:
            reason = f"are more than {plain(max_fee_share * HUNDRED)} % of quantity x price, {plain(expected)}"
            raise FeesTooHigh(self.fees.value, reason)
        if notional <= 0:
            raise FeesTooHigh(self.fees.value, f"leave nothing for the asset of {self.net_amount}")
        if self.side is Side.SELL and self.cash_delta.value < 0:
            raise FeesTooHigh(self.fees.value, f"are more than the sale brought, {plain(notional)}")
        if abs(notional - expected) * HUNDRED > expected * tolerance_percent:
            raise AmountMismatch(notional, expected, tolerance_percent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One entry of the ledger: by how much a booking moved each sum.

    The books are the sum of their entries: ``cash_delta + basis_delta == realized_pnl`` for each of them, which is why
    the accounting identity holds to the last digit.

    ``quantity`` is what moved the position. ``reported_quantity`` is what the engine said where that differs: see
    :meth:`~portfolio.domain.ledger.position.Position.closed_whole`. Money is as reported in either case.
    """

    symbol: Symbol
    side: Side
    quantity: Quantity
    price: Price
    notional: Money
    fees: Money
    cash_delta: Money
    notional_delta: Money
    basis_delta: Money
    realized_pnl: Money
    closes: bool
    executed_at: datetime
    reported_quantity: Quantity | None = None
    reverses: int | None = None

    @property
    def quantity_delta(self) -> Quantity:
        """Return the quantity with its sign: above zero on a BUY."""
        return self.quantity if self.side is Side.BUY else -self.quantity

    @property
    def fees_delta(self) -> Money:
        """Return by how much fees paid grow; a reversal takes them back."""
        return -self.fees if self.reverses is not None else self.fees

    @property
    def cost_basis_sold(self) -> Money:
        """Return the cost basis that left with a closing trade; zero when nothing was closed."""
        return -self.basis_delta if self.closes else Money.zero()


def why_not_then(stated: datetime, now: datetime) -> str | None:
    """Return why nothing can have happened at the stated time; None where it can. Clocks differ by a minute at most."""
    if stated > now + FURTHEST_AHEAD:
        return f"is more than {FURTHEST_AHEAD // timedelta(seconds=1)} seconds ahead"
    return "is before 1970-01-01" if stated < EARLIEST else None
