"""Enters events of files into books, one on top of the other: each whole, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from portfolio.application.imports.records import Implied
from portfolio.application.imports.steps import MoneyMove, Step, steps_of
from portfolio.application.imports.worth import WorthOf, WorthUnknown, value_of
from portfolio.application.ledger.cash import noted
from portfolio.application.ledger.cash_records import CashEntry, Entry
from portfolio.application.ledger.happenings.imported import IMPORT
from portfolio.application.ledger.happenings.records import entries_of
from portfolio.application.ledger.records import TradeEntry, TradeRequest
from portfolio.domain.errors import InsufficientCash, InsufficientQuantity
from portfolio.domain.imports.records import FileEvent
from portfolio.domain.ledger.cash_transaction import CashTransactionKind, EventTerms
from portfolio.domain.ledger.event_rules import happen
from portfolio.domain.ledger.happening import Happening
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.trade import Execution
from portfolio.domain.money import EXACT, Money, Quantity
from portfolio.domain.symbol import Symbol

_REQUEST: Final = TradeRequest(owner=IMPORT)

IMPLIED_FUNDING: Final = "no file has it: a deposit of what was missing"
IMPLIED_OPENING: Final = "no file has it: what was held before, its cost assumed"


class Allowed(msgspec.Struct, frozen=True):
    """What may be booked although no file has it: the dollars that are missing, the quantity that is."""

    funding: bool = False
    opening: bool = False


NOTHING_ALLOWED: Final = Allowed()


class Entering(msgspec.Struct):
    """Books that grow by events, with the entries that led to them.

    Entries are of the moment ``now``, and take effect when the events did. Where nothing is to be written they are not
    kept: they are most of the memory of an import.
    """

    portfolio: Portfolio
    rules: BookingRules
    worth: WorthOf
    now: datetime
    entries: list[Entry] = msgspec.field(default_factory=list)
    keeps_entries: bool = True

    def enter(self, events: Sequence[FileEvent], allowed: Allowed) -> tuple[list[int | None], list[Implied]]:
        """Enter events of the same rows together; return the revision at which each begins, and what was implied.

        An event that moves nothing in the books has no revision. Where one of them is refused, none is entered.

        Raises:
            DomainError: the books do not allow it: it sells what is not there, or spends it.
            NoEntry: it is nothing that is certain.
            WorthUnknown: a value is needed that nobody knows.
        """
        attempt = _Attempt(self.portfolio, self, allowed)
        revisions: list[int | None] = []
        for event in events:
            before = attempt.books.revision
            attempt.enter(event)
            revisions.append(before + 1 if attempt.books.revision > before else None)
        self.portfolio = attempt.books
        if self.keeps_entries:
            self.entries += attempt.entries
        return revisions, attempt.implied


class _Attempt(msgspec.Struct):
    """Events on their way into the books."""

    books: Portfolio
    to: Entering
    allowed: Allowed
    entries: list[Entry] = msgspec.field(default_factory=list)
    implied: list[Implied] = msgspec.field(default_factory=list)

    def enter(self, event: FileEvent) -> None:
        steps = steps_of(event, self.to.worth)
        trades = [step for step in steps if isinstance(step, Execution)]
        group = f"import-{self.books.revision + 1}" if len(trades) > 1 else None
        for step in steps:
            self._with_what_is_missing(event, step, group)

    def _with_what_is_missing(self, event: FileEvent, step: Step, group: str | None) -> None:
        """Carry out a step; where it may, first what is missing for it, exactly."""
        try:
            self._carry_out(step, group)
        except InsufficientCash as error:
            if not self.allowed.funding:
                raise
            missing = EXACT.subtract(error.required, error.available)
            self.implied.append(Implied(event.rows[0], event.at, "USD", missing))
            self._move_money(MoneyMove(amount=Money(missing), at=event.at), IMPLIED_FUNDING)
            self._with_what_is_missing(event, step, group)
        except InsufficientQuantity as error:
            if not self.allowed.opening or error.held < 0:
                raise
            missing = EXACT.subtract(error.requested, error.held)
            self.implied.append(Implied(event.rows[0], event.at, error.symbol, missing))
            self._open(event, Symbol(error.symbol), missing, step)
            self._with_what_is_missing(event, step, group)

    def _open(self, event: FileEvent, symbol: Symbol, missing: Decimal, step: Step) -> None:
        """Book what was held before: worth what its row or its day says, else what is paid for it now."""
        quantity = Quantity(missing)
        try:
            value = value_of(event, symbol.code, missing, self.to.worth)
        except WorthUnknown:
            if not isinstance(step, Execution) or step.symbol != symbol:
                raise
            value = quantity.at(step.price)
        what = Happening(
            kind=CashTransactionKind.TRANSFER_IN,
            effective_at=event.at,
            symbol=symbol,
            quantity=quantity,
            value=value,
        )
        self._happen(what, IMPLIED_OPENING)

    def _carry_out(self, step: Step, group: str | None) -> None:
        if isinstance(step, MoneyMove):
            self._move_money(step)
        elif isinstance(step, Happening):
            self._happen(step)
        else:
            self._trade(step, group)

    def _trade(self, execution: Execution, group: str | None) -> None:
        self.books, trade = self.books.book(execution, self.to.rules, now=self.to.now)
        self.entries.append(TradeEntry.of(trade, self.books, _REQUEST, self.to.now, group=group))

    def _happen(self, what: Happening, note: str | None = None) -> None:
        happened = happen(self.books, what, self.to.rules, self.to.now)
        note = noted(note, self.books, happened.after, happened.transaction)
        entry, trades = entries_of(happened, owner=IMPORT, note=note)
        self.books = happened.after
        self.entries += [entry, *trades]

    def _move_money(self, move: MoneyMove, note: str | None = None) -> None:
        before, now = self.books, self.to.now
        if move.amount.value > 0:
            after, moved = before.deposit(move.amount, now)
        else:
            allowed = self.to.rules.allow_negative_cash
            after, moved = before.withdraw(-move.amount, now, allow_negative_cash=allowed)
        terms = EventTerms(flow_value=moved.net_deposits_delta, effective_at=move.at)
        self.books = after
        note = noted(note, before, after, moved)
        self.entries.append(CashEntry.of(replace(moved, event=terms), after, owner=IMPORT, note=note))
