"""The state of a backtest at the end of a day, without anything that is derived from closes."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from datetime import date
from decimal import Decimal
from typing import Final, Literal

import msgspec

from portfolio.application.backtest.records import EquityRow
from portfolio.application.backtest.request import BacktestRequest
from portfolio.domain.backtest.attribution import WriteDown
from portfolio.domain.backtest.fills import Fill, Order, Wallet
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import EXACT


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """What there is before the first decision: cash in dollars, and quantities by symbol."""

    cash: Decimal
    quantities: Mapping[str, Decimal]

    @classmethod
    def of(cls, portfolio: Portfolio) -> Holdings:
        """Return what a portfolio holds."""
        held = {position.symbol.code: position.quantity.value for position in portfolio.open_positions}
        return cls(cash=portfolio.cash.value, quantities=held)


class Branch(msgspec.Struct, kw_only=True):
    """The simulated portfolios, if write-downs bring ``recovery_percent``: one's own, that of doing nothing, and that
    of equal weights; ``orders`` and ``equal_orders`` wait for the next close.
    """

    recovery_percent: Decimal
    own: Wallet
    idle: Wallet
    equal: Wallet
    orders: list[Order] = []
    equal_orders: list[Order] = []

    def fork(self, recovery_percent: Decimal) -> Branch:
        """Return the same with another recovery."""
        return Branch(
            recovery_percent=recovery_percent,
            own=self.own.copy(),
            idle=self.idle.copy(),
            equal=self.equal.copy(),
            orders=list(self.orders),
            equal_orders=list(self.equal_orders),
        )

    def pay(self, flow: Decimal) -> None:
        """Pay money into the cash of each, or below zero take it out."""
        for wallet in (self.own, self.idle, self.equal):
            wallet.cash = EXACT.add(wallet.cash, flow)


class BacktestState(msgspec.Struct, kw_only=True):
    """A backtest by the end of ``next_day`` - 1; done where ``next_day`` is after the request's last day.

    ``main`` is the branch of the request's recovery, ``aside`` those of the other recoveries, which part from it at the
    first write-down. ``fills`` are those of ``main``, exact. ``flows`` are paid in, or below zero out, at the close of
    their days: none of a backtest's own. Equal states are equal bytes.
    """

    request: BacktestRequest
    panel: str
    next_day: date
    universe: tuple[str, ...]
    left_out: tuple[str, ...]
    main: Branch
    aside: list[Branch] = []
    flows: Mapping[date, Decimal] = {}
    equity: list[EquityRow] = []
    fills: list[Fill] = []
    write_downs: list[WriteDown] = []
    decisions: int = 0
    decisions_skipped: int = 0
    btc_units: Decimal | None = None

    @property
    def is_done(self) -> bool:
        """Return whether the last day is over."""
        return self.next_day > self.request.last

    @property
    def progress(self) -> float:
        """Return how much of the days is done, from 0 to 1."""
        days = (self.request.last - self.request.first).days + 1
        return min((self.next_day - self.request.first).days / days, 1.0)

    def series(self, name: Literal["value", "do_nothing", "equal_weight"]) -> list[Decimal]:
        """Return the values of the days that figures are of: the first is what there was before anything was traded, so
        that a fill at the close of that day costs them too.
        """
        return [self.equity[0].do_nothing, *(getattr(row, name) for row in self.equity[1:])]

    def copy(self) -> BacktestState:
        """Return another one, so that this stays as it is."""
        other = copy(self)
        other.main = self.main.fork(self.main.recovery_percent)
        other.aside = [branch.fork(branch.recovery_percent) for branch in self.aside]
        for name in ("equity", "fills", "write_downs"):
            setattr(other, name, list(getattr(self, name)))
        return other

    def encode(self) -> bytes:
        """Return the state as MessagePack, the same for equal states: a checkpoint."""
        return _ENCODER.encode(self)

    @classmethod
    def decode(cls, encoded: bytes) -> BacktestState:
        """Return the state of ``encode``; raises msgspec.ValidationError where it is none."""
        return _DECODER.decode(encoded)


_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic", enc_hook=dict)
_DECODER: Final = msgspec.msgpack.Decoder(BacktestState)
