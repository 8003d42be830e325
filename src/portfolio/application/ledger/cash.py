"""Moves cash in and out, so that returns can be told from contributions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from portfolio.application.announcer import Announce, nobody_listens
from portfolio.application.clock import Clock
from portfolio.application.errors import KeyReused
from portfolio.application.ledger.events import CashMoved
from portfolio.application.ledger.lost_commit import Made, carry_out, has_entry
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.ledger.records import NewMovement, RecordedMovement
from portfolio.domain.ledger.cash_transaction import MovementKind
from portfolio.domain.ledger.portfolio import BookingRules
from portfolio.domain.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCash:
    """The wish to deposit or withdraw."""

    kind: MovementKind
    amount: Money
    owner: str
    client_movement_id: str | None = None
    note: str | None = None

    @property
    def fingerprint(self) -> str:
        """Return a digest of the normalised fields."""
        return hashlib.sha256(repr((self.kind.value, str(self.amount), self.note)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class MovementReply:
    """The answer to one movement: as recorded, and whether that was before."""

    movement: RecordedMovement
    replayed: bool


class MoveCashInOrOut:
    """Books one deposit or withdrawal; with a key exactly once."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        rules: BookingRules,
        *,
        portfolio_id: int = 1,
        announce: Announce = nobody_listens,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._rules = rules
        self._portfolio_id = portfolio_id
        self._announce = announce

    async def __call__(self, wish: MoveCash) -> MovementReply:
        """Return the movement as recorded, once it is committed.

        Raises:
            InvalidAmount: not above zero.
            InsufficientCash: more is taken out than there is.
            KeyReused: the key belongs to another movement.
            LedgerUnavailable: nothing was applied.
            OutcomeUnknown: the commit was lost and could not be looked up; the same key again tells.
        """
        return await carry_out(
            self._ledger, self._portfolio_id, lambda unit: self._move(unit, wish), announce=self._announce
        )

    async def _move(self, unit: LedgerUnit, wish: MoveCash) -> Made[MovementReply]:
        if wish.client_movement_id is not None:
            known = await unit.movement(wish.owner, wish.client_movement_id)
            if known is not None:
                if known.entry.fingerprint != wish.fingerprint:
                    raise KeyReused(wish.client_movement_id)
                return Made(MovementReply(known, replayed=True))
        assert wish.kind in {MovementKind.DEPOSIT, MovementKind.WITHDRAWAL}
        now, portfolio = self._clock.now(), unit.portfolio
        if wish.kind is MovementKind.DEPOSIT:
            after, movement = portfolio.deposit(wish.amount, now)
        else:
            after, movement = portfolio.withdraw(wish.amount, now, allow_negative_cash=self._rules.allow_negative_cash)
        entry = NewMovement(
            movement=movement,
            portfolio_id=portfolio.id,
            revision=after.revision,
            owner=wish.owner,
            client_movement_id=wish.client_movement_id,
            fingerprint=wish.fingerprint,
            note=wish.note,
            cash_after=after.cash,
            net_deposits_after=after.net_deposits,
        )
        movement_id = await unit.add_movement(entry)
        await unit.save(after)
        reply = MovementReply(RecordedMovement(id=movement_id, entry=entry), replayed=False)
        return Made(reply, has_entry(entry), [CashMoved(movement_id, entry)])
