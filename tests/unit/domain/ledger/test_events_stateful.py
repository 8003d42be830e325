"""Any sequence of events of all kinds, trades and deposits leaves the books equal to an independent model.

And the law holds to the last digit in each of them: ``cash + sum of basis = net_deposits + realized``.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import event as count
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from portfolio.domain.errors import DomainError, OutOfRange
from portfolio.domain.ledger.cash_transaction import EVENT_KINDS, CashTransactionKind
from portfolio.domain.ledger.event_moves import reverse_event
from portfolio.domain.ledger.event_rules import happen
from portfolio.domain.ledger.happening import Happened, Happening
from portfolio.domain.money import Money, Quantity
from portfolio.domain.symbol import Symbol
from tests.unit.domain.ledger import event_model as model
from tests.unit.domain.ledger.event_model import Done, Event
from tests.unit.domain.ledger.ledger_model import ONE, TOO_LARGE, Books, Holding, Refused, exact
from tests.unit.domain.ledger.test_ledger_stateful import CASH, QUANTITIES, RULES, SYMBOLS, LedgerMachine
from tests.unit.examples import NOON

RATIOS = st.one_of(
    st.sampled_from([ONE, 2 * ONE, 1_000 * ONE, ONE // 1_000, ONE // 3, 1]), st.integers(1, 10_000 * ONE)
)
VALUES = st.one_of(st.none(), st.integers(0, 1_000), st.integers(1, 10**6 * ONE))


class EventMachine(LedgerMachine):
    """Does what a ledger machine does, and events of all kinds, to the aggregate and to the model."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[tuple[Happened, Done]] = []

    @rule(
        kind=st.sampled_from(["transfer_in", "income"]), symbol=SYMBOLS, quantity=QUANTITIES, value=VALUES, basis=VALUES
    )
    def something_comes(self, kind: str, symbol: str, quantity: int, value: int | None, basis: int | None) -> None:
        self._happen(Event(kind, symbol, quantity, value=value, basis=basis if kind == "transfer_in" else None))

    @rule(
        kind=st.sampled_from(["transfer_out", "loss"]),
        symbol=SYMBOLS,
        percent=st.sampled_from([1, 33, 50, 99, 100, 101]),
        off=st.sampled_from([0, 1, -1, 11, -11]),  # tenths of 1e-12 of what is held
        value=VALUES,
    )
    def something_leaves(self, kind: str, symbol: str, percent: int, off: int, value: int | None) -> None:
        quantity = self._part(symbol, percent, off)
        self._happen(Event(kind, symbol, quantity, value=value if kind == "transfer_out" else None))

    @rule(symbol=SYMBOLS, to=SYMBOLS, percent=st.sampled_from([1, 50, 100, 101]), quantity=QUANTITIES, value=VALUES)
    def swap(self, symbol: str, to: str, percent: int, quantity: int, value: int | None) -> None:
        if symbol != to:
            given = self._part(symbol, percent, 0)
            self._happen(Event("swap", symbol, given, value=value, to_symbol=to, to_quantity=quantity))

    @rule(
        symbol=SYMBOLS,
        to=SYMBOLS,
        percent=st.sampled_from([1, 50, 100, 101]),
        quantity=QUANTITIES,
        ratio=RATIOS,
        by_ratio=st.booleans(),
    )
    def exchange(self, symbol: str, to: str, percent: int, quantity: int, ratio: int, by_ratio: bool) -> None:
        if symbol != to:
            given, got = self._part(symbol, percent, 0), (None, ratio) if by_ratio else (quantity, None)
            self._happen(Event("exchange", symbol, given, to_symbol=to, to_quantity=got[0], ratio=got[1]))

    @rule(symbol=SYMBOLS, ratio=RATIOS)
    def split(self, symbol: str, ratio: int) -> None:
        self._happen(Event("split", symbol, ratio=ratio))

    @rule(kind=st.sampled_from(["interest", "charge"]), amount=CASH)
    def money_comes_or_goes(self, kind: str, amount: int) -> None:
        self._happen(Event(kind, amount=amount))

    @precondition(lambda self: bool(self.done))
    @rule(data=st.data())
    def take_an_event_out(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.done) - 1))
        happened, done = self.done[index]
        taken = self._both(
            lambda books: model.take_out(books, done),
            lambda: reverse_event(self.portfolio, happened.transaction, happened.own_legs, index + 1, NOON),
        )
        if taken is not None:
            del self.done[index]
            assert taken.transaction.event is not None
            assert taken.transaction.event.reverses_revision == index + 1
            assert taken.transaction.flow == -happened.transaction.flow
            count(f"taken out: {done.kind}")

    def _part(self, symbol: str, percent: int, off: int) -> int:
        held = self.books.holdings.get(symbol, Holding()).quantity
        return max(1, held * percent // 100 + held * off // 10**13)

    def _happen(self, wanted: Event) -> None:
        moved: list[Done] = []

        def expect(books: Books) -> None:
            if wanted.kind == "swap":
                model.swap(books, wanted)
            else:
                moved.append(model.happen(books, wanted))

        happened = self._both(expect, lambda: happen(self.portfolio, _stated(wanted), RULES, NOON))
        if happened is None:
            return
        if moved:
            assert happened.transaction.flow.value == exact(moved[0].flow)
            self.done.append((happened, moved[0]))
        self.trades += happened.trades
        count(f"done: {wanted.kind}")

    def _both(self, wanted: Callable[[Books], None], real: Callable[[], Happened]) -> Happened | None:
        """Do it in a copy of the model and for real; take both on, or neither, and return what happened."""
        books, refused, before = self.books.copy(), "", self.portfolio
        try:
            wanted(books)
        except Refused as refusal:
            refused = str(refusal)
        done: Happened | DomainError
        try:
            done = real()
        except DomainError as error:
            done = error
        if isinstance(done, DomainError):
            too_large = isinstance(done, OutOfRange) and (refused or self._is_beyond(books))
            assert too_large or type(done).__name__ == refused, f"{done!r}, but the model: {refused or 'fine'}"
            assert self.portfolio is before
            return None
        assert not refused, f"done, but the model: {refused}"
        if books.largest >= TOO_LARGE:  # an average or the market value, which are the caller's to check
            return None
        _assert_law(done)
        assert done.after.revision == before.revision + 1 + len(done.trades)
        self.portfolio, self.books = done.after, books
        return done

    def _is_beyond(self, books: Books) -> bool:
        """Return whether a figure leaves the range of the ledger: a sum, the count of units, or a price."""
        averages = [Fraction(abs(h.asset) * ONE, abs(h.quantity)) for h in books.holdings.values() if h.quantity]
        return self._is_too_large(books) or max(averages, default=0) >= TOO_LARGE


def _assert_law(happened: Happened) -> None:
    moved = happened.transaction
    basis = sum((leg.basis_delta for leg in happened.own_legs), Money.zero())
    assert moved.cash_delta + basis == moved.net_deposits_delta + moved.realized_delta
    if happened.own_legs:
        assert sum((leg.realized_delta for leg in happened.own_legs), Money.zero()) == moved.realized_delta
    for trade in happened.trades:
        assert trade.cash_delta + trade.basis_delta == trade.realized_pnl


def _stated(wanted: Event) -> Happening:
    fields: dict[str, Any] = {}
    for name, made in (("quantity", Quantity), ("value", Money), ("basis", Money), ("to_quantity", Quantity)):
        if getattr(wanted, name):
            fields[name] = made(exact(getattr(wanted, name)))
        elif getattr(wanted, name) == 0 and name in {"value", "basis"}:
            fields[name] = Money.zero()
    for name in ("symbol", "to_symbol"):
        if getattr(wanted, name):
            fields[name] = Symbol(getattr(wanted, name))
    if wanted.ratio is not None:
        fields["ratio"] = exact(wanted.ratio)
    if wanted.amount:
        fields["amount"] = Money(exact(wanted.amount))
    return Happening(kind=CashTransactionKind(wanted.kind), effective_at=NOON, **fields)


def test_every_kind_of_event_is_in_the_model() -> None:
    assert {kind.value for kind in EVENT_KINDS} == {*model._KINDS, "swap"}


TestEvents = pytest.mark.unmeasured(EventMachine.TestCase)
TestEvents.settings = settings(max_examples=100, stateful_step_count=50)
