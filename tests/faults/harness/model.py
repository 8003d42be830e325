"""What the ledger has to hold: the independent model of the booking rules, and all that was promised to clients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.faults.harness.books import Digests
from tests.unit.domain.ledger.event_model import Done, Event, Part, happen, swap, take_out
from tests.unit.domain.ledger.ledger_model import Books as Rules
from tests.unit.domain.ledger.ledger_model import Holding, Refused, Wish

KEPT = {"AmountMismatch": (400, "amount-mismatch"), "InsufficientCash": (409, "insufficient-cash")}
KEPT |= {"InsufficientQuantity": (409, "insufficient-quantity"), "NotReversible": (409, "not-reversible")}


@dataclass(slots=True)
class Promise:
    """What a client was told about its key, or would be told: the wish, and what became of it."""

    wish: Wish
    body: bytes
    trade_id: int | None
    refused: str | None = None
    answer: dict[str, Any] | None = None
    """The first answer seen; every replay has to repeat it."""


@dataclass(slots=True)
class Happened:
    """An event that was booked, with the places of its trades in the rules' list: those of a swap."""

    id: int
    done: Done
    trades: tuple[int, ...] = ()
    reversed_by: int = 0


@dataclass(slots=True)
class Model:
    """The books as they have to be. ``foreign_*`` is what another engine wrote into the shared rows."""

    rules: Rules = field(default_factory=Rules)
    promises: dict[str, Promise] = field(default_factory=dict)
    trade_ids: list[int] = field(default_factory=list)
    """By the place of a trade in the rules' list, its id."""
    reversals: dict[int, int] = field(default_factory=dict)
    """By the id of a trade, that of the one which reversed it."""
    events: list[Happened] = field(default_factory=list)
    transaction_keys: dict[str, int] = field(default_factory=dict)
    refused_transactions: set[str] = field(default_factory=set)
    """The keys of events and cash transactions that were refused."""
    prices: dict[str, int] = field(default_factory=dict)
    """What the market says of each symbol, now and always."""
    transactions: int = 0
    unkeyed_refusals: int = 0
    told: Digests = field(default_factory=Digests)
    """What was told so far: each trade, outcome and transaction with its key."""
    foreign_cash: int = 0
    foreign_quantity: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    foreign_basis: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    touched: set[str] = field(default_factory=set)
    """The symbols whose row another engine wrote since the service last did."""

    def open(self, cash: int) -> None:
        """Open the books: a baseline of nothing, and the first deposit."""
        self.transactions += 1
        self.move(cash)

    def move(self, amount: int, key: str = "", cash_transaction_id: int = 0) -> None:
        """Take in a deposit, or a withdrawal below zero."""
        self.transactions += 1
        if key:
            self.transaction_keys[key] = cash_transaction_id
            self.told.transactions.add(cash_transaction_id, key)
        self.rules.cash += amount
        self.rules.booked_cash += amount
        self.rules.deposits += amount

    def refuse_transaction(self, key: str) -> None:
        """Take in that an event or a cash transaction was refused."""
        if key not in self.refused_transactions:
            self.refused_transactions.add(key)
            self.told.refusals.add(key)

    def expect_event(self, event: Event) -> str | None:
        """Return why an event has to be refused; None where it has to be booked."""
        try:
            _happen(self.rules.copy(), event)
        except Refused as refusal:
            return str(refusal)
        return None

    def happen(self, event: Event, key: str, event_id: int, trade_ids: Sequence[int] = ()) -> Done:
        """Take in an event, and return what it moved."""
        self.transactions += 1
        self.transaction_keys[key] = event_id
        self.told.transactions.add(event_id, key)
        first = len(self.trade_ids)
        done = _happen(self.rules, event)
        self.trade_ids += trade_ids
        for trade_id in trade_ids:
            self.told.trades.add(trade_id, "")
        self.touched -= {part.symbol for part in done.parts}
        self.events.append(Happened(event_id, done, tuple(range(first, len(self.trade_ids)))))
        return done

    def expect_taking_out(self, index: int) -> str | None:
        """Return why an event cannot be taken out; None where it can."""
        try:
            _take_out(self.rules.copy(), self.events[index])
        except Refused as refusal:
            return str(refusal)
        return None

    def take_out(self, index: int, event_id: int, trade_ids: Sequence[int]) -> None:
        """Take an event out; the trades that take out those of a swap come in the opposite order."""
        event = self.events[index]
        _take_out(self.rules, event)
        self.transactions += 1
        event.reversed_by = event_id
        for place, trade_id in zip(reversed(event.trades), trade_ids, strict=True):
            self.reversals[self.trade_ids[place]] = trade_id
            self.told.trades.add(trade_id, "")
        self.touched -= {part.symbol for part in event.done.parts}

    def expect(self, wish: Wish) -> str | None:
        """Return why the wish has to be refused; None where it has to be booked."""
        try:
            self.rules.refuse(wish, override=False)
        except Refused as refusal:
            return str(refusal)
        return None

    def book(self, wish: Wish, trade_id: int, key: str = "") -> int:
        """Take in a booking and return its realized result."""
        realized = self.rules.book(wish)
        self.trade_ids.append(trade_id)
        self.told.trades.add(trade_id, key)
        self.touched.discard(wish.symbol)
        return realized

    def keep(self, key: str, promise: Promise) -> None:
        """Take in what a key stands for from now on, without booking it."""
        assert key not in self.promises, f"{key} is decided twice"
        self.promises[key] = promise
        self.told.outcomes.add(key, "booked" if promise.trade_id else "refused", promise.trade_id or 0)

    def refuse_unkeyed(self) -> None:
        """Take in a refusal of a booking without a key."""
        self.unkeyed_refusals += 1
        self.told.outcomes.add("", "refused", 0)

    def expect_reversal(self, index: int) -> str | None:
        """Return why the reversal has to be refused; None where it has to be booked."""
        rules = self.rules.copy()
        try:
            rules.reverse(index)
        except Refused as refusal:
            return str(refusal)
        return None

    def reverse(self, index: int, trade_id: int) -> None:
        """Take in a reversal. It is a trade of its own in the tables."""
        self.rules.reverse(index)
        self.reversals[self.trade_ids[index]] = trade_id
        self.told.trades.add(trade_id, "")
        self.touched.discard(self.rules.trades[index].symbol)

    def move_foreign(self, symbol: str | None, *, cash: int, quantity: int = 0, basis: int = 0) -> None:
        """Take in what another engine wrote: cash, and one position at its average price as it was."""
        self.rules.cash += cash
        self.rules.unreconciled += cash + basis
        self.foreign_cash += cash
        if symbol is None:
            return
        holding = self.rules.holding(symbol)
        holding.quantity += quantity
        holding.basis += basis
        # The stored sum no longer fits quantity x average, which is what the row says.
        holding.asset = round(Fraction(holding.quantity * (holding.average or 0), 10**18))
        self.foreign_quantity[symbol] += quantity
        self.foreign_basis[symbol] += basis
        self.touched.add(symbol)

    def reconcile(self) -> None:
        """Take in that what the rows say is accepted: a result where a position moved, else a contribution."""
        rules = self.rules
        if any(h.quantity != h.booked for h in rules.holdings.values()):
            rules.realized += rules.unreconciled
        else:
            rules.deposits += rules.unreconciled
        rules.unreconciled, rules.booked_cash = 0, rules.cash
        for holding in rules.holdings.values():
            holding.booked = holding.quantity
        self.transactions += 1
        self.foreign_cash = 0
        self.foreign_quantity.clear()

    @property
    def has_unreconciled(self) -> bool:
        """Return whether another engine's writes are not yet taken into the books."""
        rules = self.rules
        return bool(self.foreign_cash or rules.unreconciled or any(self.foreign_quantity.values()))

    @property
    def held(self) -> list[str]:
        """Return the symbols of which something is held, in order."""
        return sorted(symbol for symbol, h in self.rules.holdings.items() if h.quantity > 0)

    def holding(self, symbol: str) -> Holding:
        """Return a position, an empty one where there never was any."""
        return self.rules.holdings.get(symbol, Holding())

    @property
    def all_trade_ids(self) -> list[int]:
        """Return the ids of all trades, reversals included."""
        return [*self.trade_ids, *self.reversals.values()]

    @property
    def revision(self) -> int:
        """Return the number of entries, which is the ledger's revision."""
        return self.transactions + len(self.trade_ids) + len(self.reversals)


def _happen(rules: Rules, event: Event) -> Done:
    """Do it; a swap is two trades for the same money."""
    if event.kind != "swap":
        return happen(rules, event)
    first, before = len(rules.trades), rules.realized
    swap(rules, event)
    parts = [Part(one.symbol, one.signed, one.basis, one.asset) for one in rules.trades[first:]]
    return Done(event.kind, parts, realized=rules.realized - before)


def _take_out(rules: Rules, event: Happened) -> None:
    if not event.trades:
        take_out(rules, event.done)
        return
    if rules.reversed.intersection(event.trades):
        raise Refused("NotReversible")
    for place in reversed(event.trades):
        rules.reverse(place)
