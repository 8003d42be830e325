"""The entries of the ledger as what happened: a row each, with all that booking it again takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from portfolio.application.ledger.cash_records import LoggedEntry, RecordedCashEntry
from portfolio.application.ledger.records import TradeEntry
from portfolio.domain.ledger.cash_transaction import TRADES_OF_A_SWAP, CashTransactionKind
from portfolio.domain.ledger.leg import Leg
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol

TRADE: Final = "trade"

_K = CashTransactionKind
_VALUED: Final = frozenset({_K.TRANSFER_IN, _K.TRANSFER_OUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class HappenedRow:
    """What one entry says. ``amount`` is money: of a trade that for the asset, fees apart, else what cash moved.

    A swap is one row, with the two trades that it consists of in it. ``reverses`` is the revision of what it takes out.
    An entry that cannot be read has its revision alone.
    """

    revision: int
    kind: str | None = None
    effective_at: datetime | None = None
    booked_at: datetime | None = None
    side: Side | None = None
    symbol: Symbol | None = None
    quantity: Quantity | None = None
    price: Price | None = None
    amount: Money | None = None
    fees: Money | None = None
    to_symbol: Symbol | None = None
    to_quantity: Quantity | None = None
    ratio: Decimal | None = None
    value: Money | None = None
    basis: Money | None = None
    basis_assumed: bool | None = None
    label: str | None = None
    cash_delta: Money | None = None
    net_deposits_delta: Money | None = None
    realized_delta: Money | None = None
    group: str | None = None
    owner: str | None = None
    key: str | None = None
    note: str | None = None
    reverses: int | None = None


class HappenedRows:
    """Makes rows of entries, in the order they were booked."""

    def __init__(self) -> None:
        self._revisions: dict[int, int] = {}
        self._swap: HappenedRow | None = None
        self._open = 0

    def rows(self, logged: Iterable[LoggedEntry]) -> Iterator[HappenedRow]:
        """Yield the rows of further entries; a swap once its trades have come."""
        for one in logged:
            entry = one.entry
            if entry is None:
                yield HappenedRow(revision=one.revision)
            elif isinstance(entry, RecordedCashEntry):
                yield from self._transaction(entry)
            elif entry.entry is not None:
                self._revisions[entry.id] = one.revision
                yield from self._trade(entry.entry)

    def _transaction(self, recorded: RecordedCashEntry) -> Iterator[HappenedRow]:
        entry, moved = recorded.entry, recorded.entry.transaction
        terms, legs = moved.event, [one.leg for one in entry.positions]
        row = HappenedRow(
            revision=entry.revision,
            kind=moved.kind.value,
            effective_at=moved.effective_at,
            booked_at=moved.at,
            amount=abs(moved.cash_delta) or None,
            cash_delta=moved.cash_delta,
            net_deposits_delta=moved.net_deposits_delta,
            realized_delta=moved.realized_delta,
            owner=entry.owner,
            key=entry.client_transaction_id,
            note=entry.note,
        )
        if terms is not None:
            row = replace(
                row,
                ratio=terms.ratio,
                value=abs(terms.flow_value) if moved.kind in _VALUED else None,
                basis_assumed=terms.is_basis_assumed,
                label=terms.label,
                group=terms.group,
                reverses=terms.reverses_revision,
            )
        row = _with_legs(row, moved.kind, legs)
        if moved.kind is not _K.SWAP:
            yield row
            return
        self._swap, self._open = row, TRADES_OF_A_SWAP

    def _trade(self, entry: TradeEntry) -> Iterator[HappenedRow]:
        if self._swap is None or entry.group != self._swap.group:
            yield self._of_trade(entry)
            return
        trade, swap = entry.trade, self._swap
        swap = replace(swap, realized_delta=(swap.realized_delta or Money.zero()) + trade.realized_pnl)
        if trade.side is Side.SELL:
            swap = replace(swap, symbol=trade.symbol, quantity=trade.quantity, value=trade.notional)
        else:
            swap = replace(swap, to_symbol=trade.symbol, to_quantity=trade.quantity)
        self._swap = swap
        self._open -= 1
        if not self._open:
            row, self._swap = self._swap, None
            yield row

    def _of_trade(self, entry: TradeEntry) -> HappenedRow:
        trade, request = entry.trade, entry.request
        return HappenedRow(
            revision=entry.revision,
            kind=TRADE,
            effective_at=trade.executed_at,
            booked_at=entry.booked_at,
            side=trade.side,
            symbol=trade.symbol,
            quantity=trade.quantity,
            price=trade.price,
            amount=trade.notional,
            fees=trade.fees,
            cash_delta=trade.cash_delta,
            net_deposits_delta=Money.zero(),
            realized_delta=trade.realized_pnl,
            group=entry.group,
            owner=request.owner,
            key=request.client_trade_id,
            note=request.notes,
            reverses=self._revisions.get(trade.reverses) if trade.reverses is not None else None,
        )


def _with_legs(row: HappenedRow, kind: CashTransactionKind, legs: list[Leg]) -> HappenedRow:
    """Return the row with what it moved: of an exchange the old asset and the new one, else the only one.

    A baseline or an adjustment may move many positions, of which no row can tell.
    """
    if kind is _K.EXCHANGE:
        old, new = legs
        if row.reverses is not None:
            old, new = new, old
        return replace(
            row,
            symbol=old.symbol,
            quantity=abs(old.quantity_delta),
            to_symbol=new.symbol,
            to_quantity=abs(new.quantity_delta),
            basis=abs(new.basis_delta),
        )
    if len(legs) != 1:
        return row
    [leg] = legs
    value, basis = row.value, abs(leg.basis_delta)
    if kind is _K.INCOME:
        value = basis
    elif kind is _K.TRANSFER_IN and row.reverses is None and row.net_deposits_delta is not None:
        basis = row.net_deposits_delta  # as stated, whatever it covered of a short position
    return replace(row, symbol=leg.symbol, quantity=abs(leg.quantity_delta), basis=basis, value=value)
