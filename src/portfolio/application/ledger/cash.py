"""Books deposits and withdrawals, so that they are not taken for profit or loss."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from portfolio.application.announcer import NO_LISTENERS, Announcer
from portfolio.application.clock import Clock
from portfolio.application.errors import KeyReused
from portfolio.application.ledger.cash_records import CashEntry, RecordedCashEntry, RefusedCashEntry
from portfolio.application.ledger.events import CashMoved
from portfolio.application.ledger.lost_commit import Made, commit_once, has_entry
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.records import DIGEST_VERSION, Refusal, digest_version
from portfolio.domain.errors import DomainError, InsufficientCash, OutOfRange
from portfolio.domain.ledger.cash_transaction import CashTransaction, CashTransactionKind, EventTerms
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.money import Money

UNITS_BEGIN_ANEW: Final = "the units of the portfolio begin anew"
"""Said in the note of a deposit after a loss of nearly everything: returns are not linked over it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCash:
    """A request to deposit or to withdraw; with ``adopts_open`` its key is also that of a service without API keys.

    ``effective_at`` is when it took effect, None where that is when it is booked.
    """

    kind: CashTransactionKind
    amount: Money
    owner: str
    client_transaction_id: str | None = None
    note: str | None = None
    adopts_open: bool = False
    effective_at: datetime | None = None

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


@dataclass(slots=True)
class MoveCashInOrOut:
    """Books one deposit or withdrawal; with a key exactly once."""

    ledger: Ledger
    clock: Clock
    rules: BookingRules
    announce: Announcer = NO_LISTENERS

    async def __call__(self, portfolio_id: int, wish: MoveCash) -> CashReply:
        """Return the transaction as recorded, once it is committed; with a key, a refusal as well.

        Raises:
            InvalidAmount: not above zero.
            InsufficientCash: more is taken out than there is, and there is no key to keep that under.
            OutOfRange: a sum would reach 1e20, and there is no key to keep that under.
            KeyReused: the key belongs to another transaction.
            LedgerUnavailable: nothing was applied.
            OutcomeUnknown: the commit was lost and could not be looked up; the same key again tells.
        """
        return await commit_once(self.ledger, portfolio_id, lambda unit: self._move(unit, wish), announce=self.announce)

    async def _move(self, unit: LedgerUnit, wish: MoveCash) -> Made[CashReply]:
        key = wish.client_transaction_id
        if key is not None:
            known = await unit.transaction(wish.owner, key)
            if known is None and wish.adopts_open:
                known = await unit.transaction("", key)
            if known is not None:
                stored = known.fingerprint if isinstance(known, RefusedCashEntry) else known.entry.fingerprint
                if not wish.is_same(stored or ""):
                    raise KeyReused(key)
                return Made(CashReply(known, replayed=True))
        try:
            after, transaction = self._moved(unit.portfolio, wish)
        except (InsufficientCash, OutOfRange) as error:
            if key is None:
                raise
            return await self._refuse(unit, wish, key, error)
        if wish.effective_at is not None:
            terms = EventTerms(flow_value=transaction.net_deposits_delta, effective_at=wish.effective_at)
            transaction = replace(transaction, event=terms)
        note = wish.note
        if after.units.begin_anew(unit.portfolio.units, transaction.value_before):
            note = UNITS_BEGIN_ANEW if note is None else f"{note}; {UNITS_BEGIN_ANEW}"
        entry = replace(
            CashEntry.of(transaction, after, owner=wish.owner, note=note),
            client_transaction_id=key,
            fingerprint=wish.digest(),
        )
        cash_transaction_id = await unit.add_cash_entry(entry)
        await unit.save(after)
        reply = CashReply(RecordedCashEntry(id=cash_transaction_id, entry=entry), replayed=False)
        return Made(reply, has_entry(entry), [CashMoved(cash_transaction_id, entry)])

    def _moved(self, portfolio: Portfolio, wish: MoveCash) -> tuple[Portfolio, CashTransaction]:
        if wish.kind is CashTransactionKind.DEPOSIT:
            return portfolio.deposit(wish.amount, self.clock.now())
        assert wish.kind is CashTransactionKind.WITHDRAWAL
        allowed = self.rules.allow_negative_cash
        return portfolio.withdraw(wish.amount, self.clock.now(), allow_negative_cash=allowed)

    async def _refuse(self, unit: LedgerUnit, wish: MoveCash, key: str, error: DomainError) -> Made[CashReply]:
        refused = RefusedCashEntry(
            portfolio_id=unit.portfolio.id,
            owner=wish.owner,
            client_transaction_id=key,
            fingerprint=wish.digest(),
            refusal=Refusal.of(error),
            decided_at=self.clock.now(),
        )
        await unit.add_cash_refusal(refused)

        async def is_kept(unit: LedgerUnit) -> bool:
            return await unit.transaction(wish.owner, key) == refused

        return Made(CashReply(refused, replayed=False), is_kept)
