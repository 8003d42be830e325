"""The decisions of one booking transaction, taken in memory before anything is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from portfolio.application.errors import KeyReused
from portfolio.application.ledger.happenings.fees import pay_fee
from portfolio.application.ledger.records import (
    Acceptance,
    BookedTrade,
    BookingKey,
    BookingReply,
    BookTrade,
    RecordedOutcome,
    Refusal,
    TradeEntry,
    TradeRequest,
)
from portfolio.domain.categories import PositionLimit
from portfolio.domain.errors import DomainError
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.trade import Execution, Terms, Trade
from portfolio.domain.money import percent_of

BookingResult = BookingReply | DomainError | KeyReused


class Decision(msgspec.Struct, eq=False):
    """What was decided on a command of this batch, and the entry where it was booked; before it the sale of its fee.

    The outcome of a booking gets its trade id once the entries are written; so does that of its ``twin``.
    """

    command: BookTrade
    outcome: RecordedOutcome
    entry: TradeEntry | None = None
    fee_entry: TradeEntry | None = None
    twin: Decision | int | None = None

    def number(self, trade_id: int) -> None:
        """Give a booked trade the id of its row."""
        result = self.outcome.result
        assert isinstance(result, Acceptance)
        same = self.twin.trade_id if isinstance(self.twin, Decision) else self.twin
        numbered = replace(result, trade_id=trade_id, possible_duplicate_of=same)
        self.outcome = replace(self.outcome, result=numbered)

    @property
    def trade_id(self) -> int | None:
        """Return the id of the booked trade; None where none was booked."""
        result = self.outcome.result
        return result.trade_id if isinstance(result, Acceptance) else None


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
        self.booked: list[Decision] = []
        self.refused: list[Decision] = []
        self.now = now
        self._known = known
        self._twins: dict[str, Decision | int] = dict(twins)
        self._decided: dict[BookingKey, Decision] = {}
        self._same_name: defaultdict[str, list[Decision | RecordedOutcome]] = defaultdict(list)
        for key, outcome in known.items():
            self._same_name[key.client_trade_id].append(outcome)
        self._decisions: list[Decision | BookingResult] = []

    def decide(self, command: BookTrade, rules: BookingRules) -> None:
        """Decide on one command: booked, refused, a copy, or an error."""
        self._decisions.append(self._decide(command, rules))

    def _decide(self, command: BookTrade, rules: BookingRules) -> Decision | BookingResult:
        key = command.key
        if key is None:
            return self._book(command, rules)
        earlier, known = self._before(command)
        if known is None or _overrides(command, known):
            decision = self._book(command, rules, first=known)
            if isinstance(decision, Decision):
                if earlier is not None:
                    self.refused.remove(earlier)
                self._decided[key] = decision
                self._same_name[key.client_trade_id].append(decision)
            return decision
        if not _is_copy(command, known):
            return KeyReused(key.client_trade_id)
        return BookingReply(known, replayed=True) if earlier is None else earlier

    def _before(self, command: BookTrade) -> tuple[Decision | None, RecordedOutcome | None]:
        """Return what was decided here, and what is known, of a command's key or of that of a time without API keys."""
        for key in (command.key, command.adopted_key):
            if key is not None and (earlier := self._decided.get(key)) is not None:
                return earlier, earlier.outcome
            if key is not None and (known := self._known.get(key)) is not None:
                return None, known
        return None, None

    def number(self, trade_ids: Sequence[int]) -> None:
        """Give the booked trades the ids of their rows, in order."""
        of_entry = dict(zip((entry.revision for entry in self.entries()), trade_ids, strict=True))
        for booked in self.booked:
            assert booked.entry is not None
            booked.number(of_entry[booked.entry.revision])

    def entries(self) -> list[TradeEntry]:
        """Return the entries for the ledger, in order."""
        pairs = ((booked.fee_entry, booked.entry) for booked in self.booked)
        return [entry for pair in pairs for entry in pair if entry is not None]

    def acceptances(self) -> list[RecordedOutcome]:
        """Return the outcomes to store once the trades are numbered: those of bookings with a key."""
        return [booked.outcome for booked in self.booked if booked.command.client_trade_id is not None]

    def refusals(self) -> list[RecordedOutcome]:
        """Return the outcomes to store for refused bookings, with a key or without."""
        return [refused.outcome for refused in self.refused]

    def results(self) -> list[BookingResult]:
        """Return one result a command, in order."""
        answered: set[int] = set()
        results: list[BookingResult] = []
        for decision in self._decisions:
            if isinstance(decision, Decision):
                results.append(BookingReply(decision.outcome, replayed=id(decision) in answered))
                answered.add(id(decision))
            else:
                results.append(decision)
        return results

    def _book(
        self, command: BookTrade, rules: BookingRules, *, first: RecordedOutcome | None = None
    ) -> Decision | DomainError:
        """Book a command on top of those before, or refuse it and keep that: it may have been executed all the same.

        An override is not kept again where it makes good a kept refusal, and is refused too.
        """
        try:
            before, execution, fee = pay_fee(self.portfolio, command, rules, self.now)
            after, trade = before.book(execution, rules, override=command.override, now=self.now)
            twin = self._twin(command)
            of_before = None if isinstance(twin, Decision) else twin
            acceptance = _acceptance(trade, after, rules.position_limit, command.remarks_changed, of_before)
        except DomainError as error:
            if first is not None:
                return error
            refused = Decision(command, self._outcome(command, Refusal.of(error)))
            self.refused.append(refused)
            return refused
        group = command.group or (None if fee is None else f"trade-{after.revision}")
        self.portfolio = after
        request = command if command.noted is None else replace(command, notes=command.noted)
        entry = TradeEntry.of(trade, after, request, self.now, group=group, fingerprint=command.fingerprint)
        outcome = self._outcome(command, acceptance, first, terms=execution)
        payer = TradeRequest(owner=command.owner, engine=command.engine)
        fee_entry = None if fee is None else TradeEntry.of(fee, before, payer, self.now, group=group)
        booked = Decision(command, outcome, entry, fee_entry, twin)
        self._twins[command.fingerprint] = booked
        self.booked.append(booked)
        return booked

    def _twin(self, command: BookTrade) -> Decision | int | None:
        """Return the trade that the booking may be a copy of; its key, if it has one, does not tell.

        Without a key it is the newest with the same content, with one the newest of another owner's that has the same
        key and the same execution.
        """
        key = command.key
        if key is None:
            return next((self._twins[each] for each in command.fingerprints if each in self._twins), None)
        for one in reversed(self._same_name[key.client_trade_id]):
            outcome = one.outcome if isinstance(one, Decision) else one
            is_others = outcome.request.owner != key.owner and command.is_same_execution(outcome.fingerprint)
            if is_others and isinstance(outcome.result, Acceptance):
                return one if isinstance(one, Decision) else outcome.result.trade_id
        return None

    def _outcome(
        self,
        command: BookTrade,
        result: Acceptance | Refusal,
        first: RecordedOutcome | None = None,
        *,
        terms: Execution | None = None,
    ) -> RecordedOutcome:
        """Return the outcome to keep; ``first`` is the kept refusal that it makes good."""
        return RecordedOutcome(
            id=first.id if first else None,
            request=command,
            terms=terms or command.execution,
            fingerprint=first.fingerprint if first else command.fingerprint,
            result=result,
            decided_at=self.now,
        )


def _acceptance(
    trade: Trade, after: Portfolio, limit: PositionLimit, remarks_changed: str | None = None, twin: int | None = None
) -> Acceptance:
    """Return what is answered about a booked trade; its number is not known yet."""
    position = after.position(trade.symbol)
    allocation = percent_of(position.market_value, after.total_value)
    return Acceptance(
        trade_id=0,
        booked_quantity=None if trade.reported_quantity is None else trade.quantity,
        position=position,
        cash=after.cash,
        realized_pnl=trade.realized_pnl,
        allocation_percent=allocation,
        over_concentrated=limit.is_broken(trade.symbol, position.market_value, after.total_value),
        possible_duplicate_of=twin,
        remarks_changed=remarks_changed,
    )


def outcome_again(booked: BookedTrade, now: Portfolio, limit: PositionLimit) -> RecordedOutcome:
    """Return the outcome of a booked trade whose own is gone, with the state as it is now."""
    entry = booked.entry
    assert entry is not None
    trade = entry.trade
    return RecordedOutcome(
        request=entry.request,
        terms=Terms(
            symbol=trade.symbol,
            side=trade.side,
            quantity=trade.quantity if trade.reported_quantity is None else trade.reported_quantity,
            price=trade.price,
            net_amount=trade.notional,
            fees=trade.fees,
        ),
        fingerprint=entry.fingerprint or "",
        result=replace(_acceptance(trade, now, limit), trade_id=booked.id),
        decided_at=entry.booked_at,
    )


def _overrides(command: BookTrade, known: RecordedOutcome) -> bool:
    """Return whether the command is an override of a booking that was refused under the same key."""
    return command.override and isinstance(known.result, Refusal) and command.is_same_execution(known.fingerprint)


def _is_copy(command: BookTrade, known: RecordedOutcome) -> bool:
    """Return whether the command is a copy of the booking of its key; an override may leave out remarks."""
    return command.is_same_execution(known.fingerprint) if command.override else command.is_same(known.fingerprint)
