"""What the entries of the ledger moved, asset by asset: a trade and its reversal are one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from portfolio.application.ledger.cash_records import CashEntry, PositionAdjustment
from portfolio.application.ledger.lots.journal import Entries
from portfolio.application.ledger.lots.movement import Movement
from portfolio.domain.ledger.cash_transaction import CashTransactionKind, EventTerms
from portfolio.domain.ledger.leg import Leg
from portfolio.domain.ledger.lots.records import POSTINGS, Posting, Way
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Money, Quantity
from portfolio.domain.packed import Packed
from portfolio.domain.symbol import Symbol

_NOTHING = Money.zero()
_NO_QUANTITY = Quantity.zero()
# By the kind of an event, and whether a leg adds to what is held.
_WAYS: Mapping[tuple[CashTransactionKind, bool], Way] = {
    (CashTransactionKind.TRANSFER_OUT, False): Way.SHARE,
    (CashTransactionKind.EXCHANGE, False): Way.SHARE,
    (CashTransactionKind.EXCHANGE, True): Way.RECEIVES,
    (CashTransactionKind.SPLIT, False): Way.SCALED,
    (CashTransactionKind.SPLIT, True): Way.SCALED,
}
_EARLIEST = datetime.min.replace(tzinfo=UTC)


def postings_of(
    entries: Iterable[Movement | CashEntry], portfolio: Portfolio, later: Iterable[Movement | CashEntry] = ()
) -> Packed[Posting]:
    """Return what entries, in the order they were booked, moved from the newest baseline on.

    A reversal takes out the trade that it reverses, at that trade's own time. What a baseline states was there before
    anything else. One of before 0024 does not say what its positions had cost: it is what is lacking for the cost of
    the ``portfolio``, which has all the entries and those that were booked ``later``, and is marked as assumed.
    """
    making = _Making()
    for entry in entries:
        if isinstance(entry, Movement):
            making.trade(entry)
        else:
            making.transaction(entry)
    since = basis_by_symbol(later) if making.assumed else {}
    for symbol in list(making.assumed):
        making.settle_assumed(symbol, portfolio.position(symbol).cost_basis - since.get(symbol, _NOTHING))
    return making.postings


def known_postings(entries: Entries, known: Entries, portfolio: Portfolio) -> Packed[Posting]:
    """Return what the ``known`` ones of all entries moved; it is kept with them."""
    later = entries.moved[len(known.moved) :]
    return known.derived.once("postings", partial(postings_of, known.moved, portfolio, later))


def basis_by_symbol(entries: Iterable[Movement | CashEntry]) -> Mapping[Symbol, Money]:
    """Return by how much entries moved what each position had cost, as far as they say it."""
    basis: defaultdict[Symbol, Money] = defaultdict(Money.zero)
    for entry in entries:
        for moved in entry.moves:
            basis[moved.symbol] = basis[moved.symbol] + moved.basis_delta
    return basis


class _Making:
    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.postings = Packed[Posting](POSTINGS)
        self.assumed: dict[Symbol, int] = {}
        self._places: dict[int, int] = {}
        self._events: dict[int, range] = {}
        self._held: defaultdict[Symbol, Quantity] = defaultdict(Quantity.zero)
        self._basis: defaultdict[Symbol, Money] = defaultdict(Money.zero)

    def trade(self, trade: Movement) -> None:
        """Take in a trade, or take back the trade that a reversal is of."""
        closed, proceeds = self._closed(trade.symbol, trade.quantity_delta, trade.cash_delta)
        if trade.closes and not closed:  # what another program had written into the row
            closed, proceeds = trade.quantity, trade.cash_delta
        posting = self._entered(
            Posting(
                symbol=trade.symbol,
                at=trade.executed_at,
                revision=trade.revision,
                executed_at=trade.executed_at,
                trade_id=trade.id,
                quantity=trade.quantity_delta,
                cash=trade.cash_delta,
                basis=trade.basis_delta,
                realized=trade.realized_pnl,
                closed=closed,
                proceeds=proceeds,
            )
        )
        place = None if trade.reverses is None else self._places.get(trade.reverses)
        if place is None:
            self._places[trade.id] = len(self.postings)
            self.postings.append(posting)
        else:
            self.postings[place] = _both(self.postings[place], posting)

    def transaction(self, entry: CashEntry) -> None:
        """Take in the positions of a baseline, which begins anew, or of an adjustment or an event."""
        transaction = entry.transaction
        if transaction.event is not None:
            self._event(entry, transaction.event)
            return
        is_baseline = transaction.kind is CashTransactionKind.BASELINE
        if is_baseline:
            self._begin()
        for moved in entry.positions:
            # What was realized before the books were opened is no result of theirs.
            realized = _NOTHING if is_baseline else moved.realized_delta or _NOTHING
            if transaction.kind is CashTransactionKind.RESTATEMENT:
                self._restate(transaction.at, entry.revision, moved, realized)
                continue
            self._adjust(_EARLIEST if is_baseline else transaction.at, entry.revision, moved, realized)

    def _adjust(self, at: datetime, revision: int, moved: PositionAdjustment, realized: Money) -> None:
        symbol, basis = moved.symbol, moved.cost_basis_delta or _NOTHING
        closed, proceeds = self._closed(symbol, moved.quantity_delta, realized - basis)
        result = _NOTHING if closed else realized
        if moved.cost_basis_delta is None:
            self.assumed.setdefault(symbol, len(self.postings))
        self.postings.append(
            self._entered(
                Posting(
                    symbol=symbol,
                    at=at,
                    revision=revision,
                    quantity=moved.quantity_delta,
                    cash=realized - basis - result,
                    basis=basis,
                    realized=realized,
                    result=result,
                    closed=closed,
                    proceeds=proceeds if closed else realized,
                    is_assumed=moved.cost_basis_delta is None,
                )
            )
        )

    def _restate(self, at: datetime, revision: int, moved: PositionAdjustment, realized: Money) -> None:
        """Take in what the ledger's own cost and result changed by: to lots, which have their order, it is nothing."""
        posting = Posting(
            symbol=moved.symbol,
            at=at,
            revision=revision,
            quantity=Quantity.zero(),
            cash=_NOTHING,
            basis=moved.leg.basis_delta,
            realized=realized,
            proceeds=realized,
            way=Way.RESTATED,
        )
        self.postings.append(self._entered(posting))

    def _event(self, entry: CashEntry, terms: EventTerms) -> None:
        """Take in an event, or take out the one that a reversal is of: leg by leg, as both have the same ones."""
        taken = self._events.get(terms.reverses_revision or 0)
        if taken is None:
            self._events[entry.revision] = range(len(self.postings), len(self.postings) + len(entry.positions))
        for number, moved in enumerate(entry.positions):
            posting = self._entered(self._leg(entry, terms, moved.leg))
            if taken is None:
                self.postings.append(posting)
            else:
                place = taken[number]
                # Leg by leg the two realize by how much they move the cost, which is the average's alone.
                both = _both(self.postings[place], posting)
                self.postings[place] = replace(both, cash=_NOTHING, result=_NOTHING, way=Way.TRADED)

    def _leg(self, entry: CashEntry, terms: EventTerms, leg: Leg) -> Posting:
        way = _WAYS.get((entry.transaction.kind, leg.quantity_delta.value > 0), Way.TRADED)
        closed, proceeds = _NO_QUANTITY, leg.realized_delta
        if way is Way.TRADED:
            closed, share = self._closed(leg.symbol, leg.quantity_delta, leg.realized_delta - leg.basis_delta)
            proceeds = share if closed else leg.realized_delta
        return _of_leg(entry, terms, leg, way, closed, proceeds)

    def settle_assumed(self, symbol: Symbol, basis: Money) -> None:
        """Have the positions that no entry says the cost of cost what is lacking for a ``basis`` by now."""
        lacking, place = basis - self._basis[symbol], self.assumed.pop(symbol)
        posting = self.postings[place]
        self.postings[place] = replace(posting, basis=posting.basis + lacking, cash=posting.cash - lacking)
        self._basis[symbol] = basis

    def _closed(self, symbol: Symbol, quantity: Quantity, cash: Money) -> tuple[Quantity, Money]:
        """Return how much of what is held a quantity closes, and the part of its cash that is of this."""
        held = self._held[symbol]
        if not (held and quantity) or (held.value > 0) == (quantity.value > 0):
            return Quantity.zero(), _NOTHING
        part = quantity if abs(quantity) <= abs(held) else -held
        return abs(part), cash.portion(part, quantity)

    def _entered(self, posting: Posting) -> Posting:
        """Return the posting; where nothing is held after it, it takes all that is left of the basis."""
        symbol = posting.symbol
        self._held[symbol] = self._held[symbol] + posting.quantity
        self._basis[symbol] = self._basis[symbol] + posting.basis
        left = self._basis[symbol]
        if self._held[symbol] or not left:
            return posting
        if symbol in self.assumed:
            self.settle_assumed(symbol, _NOTHING)
            return posting
        self._basis[symbol] = _NOTHING  # what others wrote into a row: what is not held cost nothing
        return replace(posting, basis=posting.basis - left)


def _of_leg(  # shape: what is known of a leg
    entry: CashEntry, terms: EventTerms, leg: Leg, way: Way, closed: Quantity, proceeds: Money
) -> Posting:
    result = _NOTHING if closed else leg.realized_delta
    return Posting(
        symbol=leg.symbol,
        at=terms.effective_at,
        revision=entry.revision,
        executed_at=terms.effective_at,
        quantity=leg.quantity_delta,
        cash=leg.realized_delta - leg.basis_delta - result,
        basis=leg.basis_delta,
        realized=leg.realized_delta,
        result=result,
        closed=closed,
        proceeds=proceeds,
        is_assumed=terms.is_basis_assumed,
        way=way,
    )


def _both(trade: Posting, reversal: Posting) -> Posting:
    """Return a trade with its reversal: at times a rounding of what was held, and what averages moved in between."""
    realized = trade.realized + reversal.realized
    return replace(
        trade,
        quantity=trade.quantity + reversal.quantity,
        cash=trade.cash + reversal.cash,
        basis=trade.basis + reversal.basis,
        realized=realized,
        closed=Quantity.zero(),
        proceeds=realized,
    )
