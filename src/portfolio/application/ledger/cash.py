"""Books deposits and withdrawals, so that they are not taken for profit or loss."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from portfolio.application.announcer import NO_LISTENERS, Announcer
from portfolio.application.clock import Clock
from portfolio.application.errors import KeyReused
from portfolio.application.ledger.events import CashMoved
from portfolio.application.ledger.lost_commit import Made, commit_once, has_entry
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.records import DIGEST_VERSION, CashEntry, RecordedCashEntry, digest_version
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.portfolio import BookingRules
from portfolio.domain.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCash:
    """A request to deposit or to withdraw."""

    kind: CashTransactionKind
    amount: Money
    owner: str
    client_transaction_id: str | None = None
    note: str | None = None

    def digest(self, version: str = DIGEST_VERSION) -> str:
        """Return a digest of the normalised fields: 64 characters."""
        made = hashlib.sha256(repr((self.kind.value, str(self.amount), self.note)).encode()).hexdigest()
        return (version + made)[:64]

    def is_same(self, fingerprint: str) -> bool:
        """Return whether a stored digest is of this very request."""
        return self.digest(digest_version(fingerprint)) == fingerprint


@dataclass(frozen=True, slots=True)
class CashReply:
    """The cash transaction as recorded, and whether it was recorded by an earlier request."""

    transaction: RecordedCashEntry
    replayed: bool


@dataclass(slots=True)
class MoveCashInOrOut:
    """Books one deposit or withdrawal; with a key exactly once."""

    ledger: Ledger
    clock: Clock
    rules: BookingRules
    announce: Announcer = NO_LISTENERS

    async def __call__(self, portfolio_id: int, wish: MoveCash) -> CashReply:
        """Return the transaction as recorded, once it is committed.

        Raises:
            InvalidAmount: not above zero.
            InsufficientCash: more is taken out than there is.
            KeyReused: the key belongs to another transaction.
            LedgerUnavailable: nothing was applied.
            OutcomeUnknown: the commit was lost and could not be looked up; the same key again tells.
        """
        return await commit_once(self.ledger, portfolio_id, lambda unit: self._move(unit, wish), announce=self.announce)

    async def _move(self, unit: LedgerUnit, wish: MoveCash) -> Made[CashReply]:
        if wish.client_transaction_id is not None:
            known = await unit.transaction(wish.owner, wish.client_transaction_id)
            if known is not None:
                if not wish.is_same(known.entry.fingerprint or ""):
                    raise KeyReused(wish.client_transaction_id)
                return Made(CashReply(known, replayed=True))
        assert wish.kind in {CashTransactionKind.DEPOSIT, CashTransactionKind.WITHDRAWAL}
        now, portfolio = self.clock.now(), unit.portfolio
        if wish.kind is CashTransactionKind.DEPOSIT:
            after, transaction = portfolio.deposit(wish.amount, now)
        else:
            allowed = self.rules.allow_negative_cash
            after, transaction = portfolio.withdraw(wish.amount, now, allow_negative_cash=allowed)
        entry = replace(
            CashEntry.of(transaction, after, owner=wish.owner, note=wish.note),
            client_transaction_id=wish.client_transaction_id,
            fingerprint=wish.digest(),
        )
        cash_transaction_id = await unit.add_cash_entry(entry)
        await unit.save(after)
        reply = CashReply(RecordedCashEntry(id=cash_transaction_id, entry=entry), replayed=False)
        return Made(reply, has_entry(entry), [CashMoved(cash_transaction_id, entry)])
