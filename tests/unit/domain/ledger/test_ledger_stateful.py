"""Any sequence of operations leaves the books equal to an independent model, and the identity exact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from portfolio.domain.errors import DomainError, OutOfRange
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.trade import Execution, Side, Trade
from portfolio.domain.mark import Mark
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol
from tests.unit.domain.ledger.ledger_model import ONE, TOO_LARGE, Books, Holding, Refused, Wish, exact
from tests.unit.examples import NOON

Entry = TypeVar("Entry")
RULES = BookingRules()
SYMBOLS = st.sampled_from(["BTC", "ETH", "PEPE"])
# Counts of 1e-18: dust, everyday amounts of any length, and amounts at the upper end of the ledger.
QUANTITIES = st.one_of(
    st.integers(1, 50),
    st.integers(1, 10**6 * ONE),
    st.integers(1, 1_000).map(lambda n: n * ONE // 100),
    st.integers(10**12 * ONE, 10**13 * ONE),
)
PRICES = st.one_of(
    st.integers(1, 1_000),
    st.integers(1, 10**6 * ONE),
    st.integers(1, 100_000).map(lambda n: n * ONE),
)
CASH = st.one_of(st.integers(1, 1_000), st.integers(1, 10**6 * ONE), st.integers(10**18 * ONE, 2 * 10**19 * ONE))
# Beyond these the sums of three positions could leave the range of the ledger without any booking.
MOST_WORTH = 10**19 * ONE


@st.composite
def wishes(draw: st.DrawFn, quantity: int | None = None, *, buys: bool | None = None, symbol: str = "") -> Wish:
    """Draw an execution whose money fits within the tolerance, mostly."""
    quantity = draw(QUANTITIES) if quantity is None else quantity
    price = draw(PRICES)
    notional = quantity * price // ONE
    asset = max(1, notional + notional * draw(st.sampled_from([0, 0, 1, -1, 49, -49, 50, -50, 51, -60])) // 1_000)
    fees = notional * draw(st.sampled_from([0, 0, 1, 3, 17, 99, 101])) // 1_000
    buys = draw(st.booleans()) if buys is None else buys
    included = draw(st.booleans())
    net = max(1, asset + (fees if buys else -fees)) if included else asset
    return Wish(symbol or draw(SYMBOLS), buys, quantity, price, net, fees, included)


class LedgerMachine(RuleBasedStateMachine):
    """Does the same to the aggregate and to the model."""

    def __init__(self) -> None:
        super().__init__()
        self.books = Books()
        self.portfolio, _ = Portfolio(id=1).adopt(NOON)
        self.trades: list[Trade] = []

    @initialize(cash=CASH)
    def open(self, cash: int) -> None:
        self.deposit(cash)

    # --- trades -----------------------------------------------------------------------------------------------------

    @rule(wish=wishes())
    def trade(self, wish: Wish) -> None:
        self._book(wish, override=False)

    @rule(symbol=SYMBOLS, data=st.data())
    def buy_what_cash_allows(self, symbol: str, data: st.DataObject) -> None:
        wish = data.draw(wishes(buys=True, symbol=symbol))
        if 0 < -wish.cash <= self.books.cash:
            self._book(wish, override=False)

    @rule(
        symbol=SYMBOLS,
        percent=st.sampled_from([1, 33, 50, 99, 100, 101]),
        off=st.sampled_from([0, 1, -1, 10, -10, 11, -11]),  # tenths of 1e-12 of what is held
        data=st.data(),
    )
    def sell_a_part_all_or_more(self, symbol: str, percent: int, off: int, data: st.DataObject) -> None:
        held = self.books.holdings.get(symbol, Holding()).quantity
        if held > 0:
            quantity = max(1, held * percent // 100 + held * off // 10**13)
            self._book(data.draw(wishes(quantity, buys=False, symbol=symbol)), override=False)

    @rule(wish=wishes())
    def override(self, wish: Wish) -> None:
        self._book(wish, override=True)

    @precondition(lambda self: bool(self.books.standing))
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        index = data.draw(st.sampled_from(self.books.standing))
        trade, model = self.trades[index], self.books.copy()
        entry = self._try(
            model,
            lambda: model.reverse(index),
            lambda: self.portfolio.reverse(trade, index + 1, NOON + timedelta(hours=1)),
        )
        if entry:
            assert entry.cash_delta + entry.basis_delta == entry.realized_pnl

    # --- cash, prices, other programs -------------------------------------------------------------------------------

    @rule(amount=CASH)
    def deposit(self, amount: int) -> None:
        model = self.books.copy()

        def deposit() -> None:
            for name in ("cash", "booked_cash", "deposits"):
                setattr(model, name, getattr(model, name) + amount)

        self._try(model, deposit, lambda: self.portfolio.deposit(Money(exact(amount)), NOON))

    @rule(amount=CASH)
    def withdraw(self, amount: int) -> None:
        model = self.books.copy()

        def withdraw() -> None:
            if amount > model.cash:
                raise Refused("InsufficientCash")
            for name in ("cash", "booked_cash", "deposits"):
                setattr(model, name, getattr(model, name) - amount)

        self._try(model, withdraw, lambda: self.portfolio.withdraw(Money(exact(amount)), NOON))

    @rule(symbol=SYMBOLS, price=PRICES)
    def mark(self, symbol: str, price: int) -> None:
        holding = self.books.holdings.get(symbol)
        if holding is None or abs(holding.quantity) * price // ONE > MOST_WORTH:
            return
        holding.price, holding.has_feed = price, True
        # A mark from before any trade: a position opened later is worth its trade price.
        before = NOON - timedelta(minutes=1)
        self.portfolio = self.portfolio.marked({Symbol(symbol): Mark(Price(exact(price)), "coinbase", before)})

    @precondition(lambda self: any(h.quantity for h in self.books.holdings.values()))
    @rule(data=st.data(), change=st.integers(-(10**6) * ONE, 10**6 * ONE))
    def another_program_moves_a_position(self, data: st.DataObject, change: int) -> None:
        symbol = data.draw(st.sampled_from(sorted(self.books.holdings)))
        what = data.draw(st.sampled_from(["quantity", "basis"]))
        holding = self.books.holding(symbol)
        position = self.portfolio.position(Symbol(symbol))
        if what == "quantity":
            if abs(holding.quantity + change) * (holding.price or 0) // ONE > MOST_WORTH:
                return
            holding.quantity += change
            position = replace(position, quantity=Quantity(exact(holding.quantity)))
        else:
            holding.basis += change
            self.books.unreconciled += change
            position = replace(position, cost_basis=Money(exact(holding.basis)))
        if not holding.quantity:
            # What is not held cost nothing, whatever the row says: its money is gone, and so it is unreconciled.
            self.books.unreconciled -= holding.basis
            holding.asset = holding.basis = 0
        self.portfolio = replace(self.portfolio, positions={**self.portfolio.positions, position.symbol: position})

    @rule(change=st.integers(-(10**6) * ONE, 10**6 * ONE))
    def another_program_moves_cash(self, change: int) -> None:
        self.books.cash += change
        self.books.unreconciled += change
        self.portfolio = replace(self.portfolio, cash=Money(exact(self.books.cash)))

    @rule(as_realized=st.booleans())
    def reconcile(self, as_realized: bool) -> None:
        model = self.books.copy()

        def reconcile() -> None:
            if as_realized:
                model.realized += model.unreconciled
            else:
                model.deposits += model.unreconciled
            model.unreconciled, model.booked_cash = 0, model.cash
            for holding in model.holdings.values():
                holding.booked = holding.quantity

        self._try(model, reconcile, lambda: self.portfolio.reconcile(NOON, as_realized=as_realized))

    # --- what always holds ------------------------------------------------------------------------------------------

    @invariant()
    def the_sums_are_those_of_the_model(self) -> None:
        p, m = self.portfolio, self.books
        assert (p.cash.value, p.ledger_cash.value) == (exact(m.cash), exact(m.booked_cash))
        assert (p.net_deposits.value, p.realized_pnl.value) == (exact(m.deposits), exact(m.realized))
        assert (p.fees_paid.value, p.cost_basis.value) == (exact(m.fees), exact(m.basis))
        assert p.unreconciled.value == exact(m.unreconciled)
        assert p.total_value.value == exact(m.worth)

    @invariant()
    def the_identity_holds_to_the_last_digit(self) -> None:
        p = self.portfolio
        unrealized = self.books.worth - self.books.cash - self.books.basis
        assert p.unrealized_pnl.value == exact(unrealized)
        assert p.total_value == p.net_deposits + p.realized_pnl + p.unrealized_pnl + p.unreconciled

    @invariant()
    def the_positions_are_those_of_the_model(self) -> None:
        for symbol, h in self.books.holdings.items():
            p = self.portfolio.position(Symbol(symbol))
            assert (p.quantity.value, p.ledger_quantity.value) == (exact(h.quantity), exact(h.booked))
            assert (p.asset_cost.value, p.cost_basis.value) == (exact(h.asset), exact(h.basis))
            assert p.realized_pnl.value == exact(h.realized)
            assert p.market_value.value == exact(h.worth)
            assert (p.avg_entry_price.value if p.avg_entry_price else None) == (exact(h.average) if h.average else None)

    # --- doing it ---------------------------------------------------------------------------------------------------

    def _book(self, wish: Wish, *, override: bool) -> None:
        model = self.books.copy()
        held = self.portfolio.position(Symbol(wish.symbol))

        def book() -> None:
            model.refuse(wish, override=override)
            model.book(wish)

        def book_for_real() -> tuple[Portfolio, Trade]:
            return self.portfolio.book(_execution(wish), RULES, override=override)

        trade = self._try(model, book, book_for_real)
        if trade is None:
            return
        self.trades.append(trade)
        assert trade.cash_delta + trade.basis_delta == trade.realized_pnl
        assert (trade.reported_quantity or trade.quantity).value == exact(wish.quantity)
        now = self.portfolio.position(trade.symbol)
        if held.quantity.value > 0 and not wish.buys and now.quantity.value > 0:
            assert now.avg_entry_price == held.avg_entry_price or held.avg_entry_price is None
        if not now.quantity:
            assert now.avg_entry_price is None
            assert now.cost_basis == now.asset_cost == Money.zero()

    def _try(
        self, model: Books, wanted: Callable[[], None], real: Callable[[], tuple[Portfolio, Entry]]
    ) -> Entry | None:
        """Do it in a copy of the model and for real; take both on, or neither, and return the entry."""
        refused = ""
        try:
            wanted()
        except Refused as refusal:
            refused = str(refusal)
        before, positions = self.portfolio, dict(self.portfolio.positions)
        done: tuple[Portfolio, Entry] | DomainError
        try:
            done = real()
        except DomainError as error:
            done = error
        if isinstance(done, DomainError):
            too_large = isinstance(done, OutOfRange) and (refused or self._is_too_large(model))
            assert too_large or type(done).__name__ == refused, f"{done!r}, but the model: {refused or 'fine'}"
            assert self.portfolio is before
            assert dict(before.positions) == positions
            return None
        after, entry = done
        assert not refused, f"done, but the model: {refused}"
        if model.largest >= TOO_LARGE:  # the market value is the caller's to check
            return None
        assert after.revision == before.revision + 1
        self.portfolio, self.books = after, model
        return entry

    def _is_too_large(self, model: Books) -> bool:
        """Return whether a figure of the ledger leaves its range, or the count of units does."""
        unit_value = Fraction(self.portfolio.units.value(self.portfolio.total_value))
        return model.largest >= TOO_LARGE or abs(model.worth / unit_value) >= TOO_LARGE


def _execution(wish: Wish) -> Execution:
    return Execution(
        symbol=Symbol(wish.symbol),
        side=Side.BUY if wish.buys else Side.SELL,
        quantity=Quantity(exact(wish.quantity)),
        price=Price(exact(wish.price)),
        net_amount=Money(exact(wish.net)),
        fees=Money(exact(wish.fees)),
        fees_included=wish.included,
        executed_at=NOON,
    )


TestLedger = pytest.mark.unmeasured(LedgerMachine.TestCase)
TestLedger.settings = settings(max_examples=100, stateful_step_count=40)
