"""Books deposits and withdrawals, so that they are not taken for profit or loss."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import Final

import msgspec

from portfolio.application.announcer import NO_LISTENERS, Announcer
from portfolio.application.clock import Clock
from portfolio.application.errors import KeyReused
from portfolio.application.ledger.announcements import CashMoved
from portfolio.application.ledger.cash_records import CashEntry, RecordedCashEntry, RefusedCashEntry
from portfolio.application.ledger.happenings.overrides import in_their_names
from portfolio.application.ledger.happenings.records import BookEvent
from portfolio.application.ledger.lost_commit import IsKept, Made, commit_once, has_entry
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.records import DIGEST_VERSION, Refusal, digest_version
from portfolio.domain.errors import DomainError
from portfolio.domain.ledger.cash_transaction import CashTransaction, CashTransactionKind, EventTerms
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.money import Money

UNITS_BEGIN_ANEW: Final = "the units of the portfolio begin anew"
"""Said in the note of a deposit after a loss of nearly everything: returns are not linked over it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCash:
    """A request to deposit or to withdraw; with ``adopts_open`` its key is also that of a service without API keys.

    ``effective_at`` is when it took effect, None where that is when it is booked. An ``override`` is for whoever has
    something under its key, unless ``owner_given``.
    """

    kind: CashTransactionKind
    amount: Money
    owner: str
    client_transaction_id: str | None = None
    note: str | None = None
    adopts_open: bool = False
    effective_at: datetime | None = None
    override: bool = False
    owner_given: bool = False

    @property
    def stated(self) -> Mapping[str, str]:
        """Return what was asked for, by name, as texts."""
        said = {"kind": self.kind, "amount": self.amount, "note": self.note}
        return {name: str(each) for name, each in said.items() if each is not None}

    def digest(self, version: str = DIGEST_VERSION) -> str:
        """Return a digest of the normalised fields: 64 characters."""
        at = () if self.effective_at is None else (self.effective_at.isoformat(),)
        made = hashlib.sha256(repr((self.kind.value, str(self.amount), self.note, *at)).encode()).hexdigest()
        return (version + made)[:64]

    def is_same(self, fingerprint: str) -> bool:
        """Return whether a stored digest is of this very request."""
        return self.digest(digest_version(fingerprint)) == fingerprint


@dataclass(frozen=True, slots=True)
class CashReply:
    """What became of the request, recorded or refused, and whether an earlier request had decided that."""

    transaction: RecordedCashEntry | RefusedCashEntry
    replayed: bool


class MoveCashInOrOut(msgspec.Struct):
    """Books one deposit or withdrawal; with a key exactly once."""

    ledger: Ledger
    clock: Clock
    rules: BookingRules
    announce: Announcer = NO_LISTENERS

    async def __call__(self, portfolio_id: int, wish: MoveCash) -> CashReply:
        """Return what became of it, recorded or refused and kept, once it is committed.

        With an override more may be taken out than there is: cash is below zero then.

        Raises:
            DomainError: an override of a kept refusal cannot be booked either.
            KeyReused: the key belongs to another transaction, or to transactions of several owners.
        """
        [wanted] = await in_their_names(self.ledger, portfolio_id, [wish], attrgetter("client_transaction_id"))
        if not isinstance(wanted, MoveCash):
            raise wanted
        return await commit_once(
            self.ledger, portfolio_id, lambda unit: self._move(unit, wanted), announce=self.announce
        )

    async def _move(self, unit: LedgerUnit, wish: MoveCash) -> Made[CashReply]:
        key, first = wish.client_transaction_id, None
        if key is not None:
            known = await known_under(unit, wish, key)
            if known is not None:
                if not wish.is_same(known.fingerprint or ""):
                    raise KeyReused(key)
                if not (wish.override and isinstance(known, RefusedCashEntry)):
                    return Made(CashReply(known, replayed=True))
                first = known
        try:
            after, transaction = self._moved(unit.portfolio, wish)
        except DomainError as error:
            if first is not None:
                raise
            refused, is_kept = await refuse(unit, wish, key, error, self.clock.now())
            return Made(CashReply(refused, replayed=False), is_kept)
        if wish.effective_at is not None:
            terms = EventTerms(flow_value=transaction.net_deposits_delta, effective_at=wish.effective_at)
            transaction = replace(transaction, event=terms)
        note = noted(wish.note, unit.portfolio, after, transaction)
        entry = replace(
            CashEntry.of(transaction, after, owner=wish.owner if first is None else first.owner, note=note),
            client_transaction_id=key,
            fingerprint=wish.digest(),
        )
        cash_transaction_id = await unit.add_cash_entry(entry)
        await unit.save(after)
        reply = CashReply(RecordedCashEntry(id=cash_transaction_id, entry=entry), replayed=False)
        return Made(reply, has_entry(entry), [CashMoved(entry)])

    def _moved(self, portfolio: Portfolio, wish: MoveCash) -> tuple[Portfolio, CashTransaction]:
        if wish.kind is CashTransactionKind.DEPOSIT:
            return portfolio.deposit(wish.amount, self.clock.now())
        assert wish.kind is CashTransactionKind.WITHDRAWAL
        allowed = wish.override or self.rules.allow_negative_cash
        return portfolio.withdraw(wish.amount, self.clock.now(), allow_negative_cash=allowed)


def noted(note: str | None, before: Portfolio, after: Portfolio, moved: CashTransaction) -> str | None:
    """Return the note of a transaction, which says where units begin anew with it."""
    begins_anew = after.units.begin_anew(before.units, moved.value_before)
    return "; ".join(filter(None, (note, UNITS_BEGIN_ANEW if begins_anew else None))) or None


async def known_under(
    unit: LedgerUnit, wish: MoveCash | BookEvent, key: str
) -> RecordedCashEntry | RefusedCashEntry | None:
    """Return what is kept under a key, with ``adopts_open`` also of a service without API keys; None for nothing."""
    known = await unit.transaction(wish.owner, key)
    return await unit.transaction("", key) if known is None and wish.adopts_open else known


def refusal_of(
    unit: LedgerUnit, wish: MoveCash | BookEvent, key: str | None, error: DomainError, now: datetime
) -> RefusedCashEntry:
    """Return a refusal as it is kept; what has no key gets one, under which an override may book it."""
    return RefusedCashEntry(
        portfolio_id=unit.portfolio.id,
        owner=wish.owner,
        client_transaction_id=key or f"refused-{uuid.uuid4().hex}",
        fingerprint=wish.digest(),
        refusal=Refusal.of(error),
        decided_at=now,
        stated=wish.stated,
    )


async def refuse(
    unit: LedgerUnit, wish: MoveCash | BookEvent, key: str | None, error: DomainError, now: datetime
) -> tuple[RefusedCashEntry, IsKept]:
    """Keep a refusal, and return it."""
    refused = refusal_of(unit, wish, key, error, now)
    await unit.add_cash_refusal(refused)

    async def is_kept(unit: LedgerUnit) -> bool:
        return await unit.transaction(refused.owner, refused.client_transaction_id) == refused

    return refused, is_kept
