"""The decisions of one booking transaction, taken in memory before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from portfolio.application.errors import KeyReused
from portfolio.application.ledger.records import (
    Acceptance,
    BookingKey,
    BookingReply,
    BookTrade,
    RecordedOutcome,
    Refusal,
    TradeEntry,
)
from portfolio.domain.errors import AmountMismatch, DomainError, InsufficientCash, InsufficientQuantity
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.position import Position
from portfolio.domain.money import Money, percent_of

# Refusals of these kinds are kept: what was refused may have been executed all the same.
KEPT_REFUSALS = (AmountMismatch, InsufficientCash, InsufficientQuantity)
POSITION_LIMIT_PERCENT = Decimal(25)

BookingResult = BookingReply | DomainError | KeyReused


@dataclass(slots=True, eq=False)
class Booked:
    """A booking accepted in this batch; its trade id is known once the entries are written.

    ``replaces`` is the kept refusal that an override makes good, and ``fingerprint`` what its key first stood for.
    """

    command: BookTrade
    fingerprint: str
    entry: TradeEntry
    position: Position
    cash: Money
    total_value: Money
    replaces: int | None
    twin: Booked | int | None = None
    trade_id: int = 0


@dataclass(slots=True, eq=False)
class Refused:
    """A booking refused in this batch."""

    command: BookTrade
    fingerprint: str
    refusal: Refusal


class Batch:
    """One run of a booking transaction: takes commands one by one, each on top of those before it."""

    def __init__(
        self,
        *,
        portfolio: Portfolio,
        now: datetime,
        known: Mapping[BookingKey, RecordedOutcome],
        twins: Mapping[str, int],
    ) -> None:
        self.portfolio = portfolio
        self.booked: list[Booked] = []
        self.refused: list[Refused] = []
        self.now = now
        self._known = known
        self._twins: dict[str, Booked | int] = dict(twins)
        self._decided: dict[BookingKey, Booked | Refused] = {}
        self._decisions: list[Booked | Refused | BookingResult] = []

    def decide(self, command: BookTrade, rules: BookingRules) -> None:
        """Decide on one command: booked, refused, a copy, or an error."""
        key = command.key
        if key is None:
            self._decisions.append(self._book(command, rules))
        elif key in self._decided:
            self._decisions.append(self._decide_again(command, key, self._decided[key], rules))
        else:
            self._decisions.append(self._decide_keyed(command, key, self._known.get(key), rules))

    def _decide_keyed(
        self, command: BookTrade, key: BookingKey, known: RecordedOutcome | None, rules: BookingRules
    ) -> Booked | Refused | BookingResult:
        if known is not None and not _overrides(command, known.fingerprint, known.result):
            same = _is_copy(command, known.fingerprint)
            return BookingReply(known, replayed=True) if same else KeyReused(key.client_trade_id)
        decision = self._book(command, rules, first=known)
        if isinstance(decision, Booked | Refused):
            self._decided[key] = decision
        return decision

    def _decide_again(
        self, command: BookTrade, key: BookingKey, earlier: Booked | Refused, rules: BookingRules
    ) -> Booked | Refused | BookingResult:
        """Decide on a key that came before in this batch."""
        if isinstance(earlier, Refused) and _overrides(command, earlier.fingerprint, earlier.refusal):
            decision = self._book(command, rules, first=self._outcome(earlier))
            if isinstance(decision, Booked):
                self.refused.remove(earlier)
                self._decided[key] = decision
            return decision
        return earlier if _is_copy(command, earlier.fingerprint) else KeyReused(key.client_trade_id)

    def number(self, trade_ids: Sequence[int]) -> None:
        """Give the booked trades the ids of their rows, in order."""
        for booked, trade_id in zip(self.booked, trade_ids, strict=True):
            booked.trade_id = trade_id

    def entries(self) -> list[TradeEntry]:
        """Return the entries for the ledger, in order."""
        return [booked.entry for booked in self.booked]

    def acceptances(self) -> dict[int, RecordedOutcome]:
        """Return the outcomes to store for accepted bookings with a key, by ledger revision."""
        return {
            booked.entry.revision: self._outcome(booked) for booked in self.booked if booked.command.key is not None
        }

    def refusals(self) -> list[RecordedOutcome]:
        """Return the outcomes to store for refused bookings, with a key or without."""
        return [self._outcome(refused) for refused in self.refused]

    def results(self) -> list[BookingResult]:
        """Return one result a command, in order."""
        answered: set[int] = set()
        results: list[BookingResult] = []
        for decision in self._decisions:
            if isinstance(decision, Booked | Refused):
                results.append(BookingReply(self._outcome(decision), replayed=id(decision) in answered))
                answered.add(id(decision))
            else:
                results.append(decision)
        return results

    def _book(
        self, command: BookTrade, rules: BookingRules, *, first: RecordedOutcome | None = None
    ) -> Booked | Refused | DomainError:
        symbol, before = command.execution.symbol, self.portfolio
        try:
            after, trade = before.book(command.execution, rules, override=command.override)
            total_value = after.total_value
        except KEPT_REFUSALS as error:
            refusal = Refusal(error=type(error).__name__, detail=str(error))
            refused = Refused(command, command.fingerprint, refusal)
            self.refused.append(refused)
            return refused
        except DomainError as error:
            return error
        self.portfolio = after
        booked = Booked(
            command=command,
            fingerprint=first.fingerprint if first else command.fingerprint,
            entry=TradeEntry(
                trade=trade,
                request=command,
                portfolio_id=after.id,
                revision=after.revision,
                fingerprint=command.fingerprint,
                booked_at=self.now,
            ),
            position=after.position(symbol),
            cash=after.cash,
            total_value=total_value,
            replaces=first.id if first else None,
            twin=self._twins.get(command.fingerprint) if command.key is None else None,
        )
        self._twins[command.fingerprint] = booked
        self.booked.append(booked)
        return booked

    def _outcome(self, decision: Booked | Refused) -> RecordedOutcome:
        return RecordedOutcome(
            id=decision.replaces if isinstance(decision, Booked) else None,
            request=decision.command,
            terms=decision.command.execution,
            fingerprint=decision.fingerprint,
            result=_acceptance(decision) if isinstance(decision, Booked) else decision.refusal,
            decided_at=self.now,
        )


def _acceptance(booked: Booked) -> Acceptance:
    allocation = percent_of(booked.position.market_value, booked.total_value)
    return Acceptance(
        trade_id=booked.trade_id,
        position=booked.position,
        cash=booked.cash,
        realized_pnl=booked.entry.trade.realized_pnl,
        allocation_percent=allocation,
        over_concentrated=allocation is not None and allocation > POSITION_LIMIT_PERCENT,
        possible_duplicate_of=booked.twin.trade_id if isinstance(booked.twin, Booked) else booked.twin,
    )


def _overrides(command: BookTrade, asked: str, result: Acceptance | Refusal) -> bool:
    """Return whether the command is an override of a booking that was refused under the same key."""
    return command.override and isinstance(result, Refusal) and command.is_same_execution(asked)


def _is_copy(command: BookTrade, asked: str) -> bool:
    """Return whether the command is a copy of the booking of its key; an override may leave out remarks."""
    return command.is_same_execution(asked) if command.override else command.is_same(asked)
