"""The sums of the ledger's entries, made of their rows alone, and the chain of their digests."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Protocol

import msgspec

from portfolio.application.ledger.audit import (
    CASH_ENTRY,
    NOTHING,
    OUTCOME,
    SEPARATOR,
    TRADE,
    Chain,
    EntryLine,
    KeptRow,
)
from portfolio.application.ledger.cash_records import INITIAL_CASH
from portfolio.domain.arithmetic import ZERO, exact
from portfolio.domain.errors import DomainError, OutOfRange
from portfolio.domain.ledger.cash_transaction import EVENT_KINDS, CashTransactionKind
from portfolio.domain.ledger.trade import Side
from portfolio.domain.ledger.units import Units
from portfolio.domain.money import Money, round_to_step
from portfolio.domain.symbol import Symbol

PAGE_SIZE = 5_000
MOST_LINES = 100


def note(lines: list[str], line: str) -> None:
    """Add a line to a list that stays short, however much is wrong."""
    if len(lines) < MOST_LINES:
        lines.append(line)
    elif len(lines) == MOST_LINES:
        lines.append("and more of this kind")


class PositionSums(msgspec.Struct):
    """The sums of one symbol. ``is_costed`` is False where entries from before 0024 do not say what it cost."""

    quantity: Decimal = ZERO
    asset_cost: Decimal = ZERO
    cost_basis: Decimal = ZERO
    realized: Decimal = ZERO
    average: Decimal | None = None
    is_costed: bool = True

    def add(self, quantity: Decimal, notional: Decimal, basis: Decimal, realized: Decimal, *, closes: bool) -> None:
        """Take in a trade; what is not held cost nothing, and a part that is sold leaves the average alone."""
        before = self.quantity
        self.quantity += quantity
        self.asset_cost += notional
        self.cost_basis += basis
        self.realized += realized
        if not self.quantity:
            self.asset_cost = self.cost_basis = ZERO
        same_side = (self.quantity > 0) == (before > 0)
        if not (closes and same_side and self.quantity and self.average is not None):
            has_average = self.quantity and (self.asset_cost < 0) == (self.quantity < 0)
            self.average = None
            if has_average:
                with suppress(OutOfRange):  # of 1e20 and more there is none, nor of what rounds to zero
                    self.average = round_to_step(self.asset_cost / self.quantity) or None

    def move(self, quantity: Decimal, stated: Sequence[str]) -> None:
        """Take in a leg of an event; what is not held cost nothing."""
        asset_cost, cost_basis, realized = _numbers(*stated[:3])
        self.quantity += quantity
        self.asset_cost += asset_cost
        self.cost_basis += cost_basis
        self.realized += realized
        if not self.quantity:
            self.asset_cost = self.cost_basis = ZERO
        self.average = None if stated[3] == NOTHING else Decimal(stated[3])

    def adjust(self, quantity: Decimal, stated: Sequence[str]) -> None:
        """Take in a baseline or an adjustment; what it states of the cost is also of all that was not stated before."""
        self.quantity += quantity
        self.is_costed = stated[0] != NOTHING
        if self.is_costed:
            asset_cost, cost_basis, realized = _numbers(*stated[:3])
            self.asset_cost += asset_cost
            self.cost_basis += cost_basis
            self.realized += realized
            self.average = None if stated[3] == NOTHING else Decimal(stated[3])


class Fold(msgspec.Struct):
    """The sums of the ledger's entries from the newest baseline on: a baseline states everything that there is.

    ``units`` is None where a baseline from before 0024 does not say what its positions were worth. ``lost`` are the
    entries whose outcome is gone.
    """

    revision: int = 0
    trades: int = 0
    transactions: int = 0
    is_new: bool = True
    cash: Decimal = ZERO
    net_deposits: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    fees_paid: Decimal = ZERO
    counted: int = 0
    wins: int = 0
    losses: int = 0
    gross_profit: Decimal = ZERO
    gross_loss: Decimal = ZERO
    units: Units | None = msgspec.field(default_factory=Units)
    positions: defaultdict[str, PositionSums] = msgspec.field(default_factory=lambda: defaultdict(PositionSums))
    chain: Chain = msgspec.field(default_factory=Chain)
    broken: list[str] = msgspec.field(default_factory=list)
    lost: list[str] = msgspec.field(default_factory=list)
    _last_trade: int = 0

    @exact
    def add(self, lines: Iterable[EntryLine]) -> None:
        """Take in the next entries; what does not fit or does not balance is noted, with the row's place."""
        for line in lines:
            self._add(line)

    def _add(self, line: EntryLine) -> None:
        row = line.row
        columns = CASH_ENTRY if row.table != "mock_trades" else TRADE
        fields = row.content.split(SEPARATOR, len(columns) - 1)
        revision = int(fields[0])
        follows = revision == self.revision + 1
        if not follows:
            note(self.broken, f"{row.place}: ledger revision {revision} follows {self.revision}")
        self.revision = revision
        if not self.chain.fits(line) and follows:
            note(self.broken, f"{row.place}, ledger revision {revision}: it is not what was booked")
        try:
            if columns is TRADE:
                self._add_trade(line, fields)
            else:
                self._add_cash_entry(line, fields)
        except (ArithmeticError, ValueError, DomainError):
            note(self.broken, f"{row.place}, ledger revision {revision}: it cannot be read")

    def _add_trade(self, line: EntryLine, fields: list[str]) -> None:
        _, symbol, side, quantity, _, *amounts = fields[:12]
        signed, notional, fee, net, cash, notional_delta, sold, realized = _numbers(quantity, *amounts)
        for_asset = notional
        if Side(side) is Side.SELL:
            signed = -signed
        else:
            for_asset = -notional
        closes, reverses = fields[12] == "1", fields[13] != NOTHING
        fees, basis = -fee if reverses else fee, realized - cash
        without_cause = bool(realized) and not (closes or reverses)
        self._position(symbol).add(signed, notional_delta, basis, realized, closes=closes)
        self.trades += 1
        self.is_new = False
        self.cash += cash
        self.realized_pnl += realized
        self.fees_paid += fees
        if cash != for_asset - fees or net != abs(cash) or sold != (-basis if closes else 0) or without_cause:
            note(self.broken, f"{line.row.place}, ledger revision {self.revision}: it does not balance")
        if line.row.id <= self._last_trade:
            note(self.broken, f"{line.row.place}, ledger revision {self.revision}: its number is not in order")
        self._last_trade = line.row.id
        if not reverses:
            self._count(closes, realized, 1)
        elif (taken := line.reversed) is not None and (taken.symbol, Side(taken.side).opposite) == (symbol, side):
            self._count(taken.closes, Decimal(taken.realized), -1)
        else:
            note(self.broken, f"{line.row.place}, ledger revision {self.revision}: it reverses no trade of the ledger")
        if fields[22] != NOTHING:
            self._check_outcome(line, fields)

    def _count(self, closes: bool, realized: Decimal, by: int) -> None:
        self.counted += by
        if closes and realized > 0:
            self.wins += by
            self.gross_profit += by * realized
        elif closes and realized < 0:
            self.losses += by
            self.gross_loss -= by * realized

    def _check_outcome(self, line: EntryLine, fields: list[str]) -> None:
        kept = line.outcome
        if kept is None:
            key, owner = fields[22], fields[21]
            note(self.lost, f"{line.row.place}: the outcome of its key {key!r}, of {owner!r}, is gone")
        elif not kept.is_intact or not _agree(line, fields, kept):
            note(self.broken, f"{kept.place}: it is not what became of {line.row.place}")

    def _add_cash_entry(self, line: EntryLine, fields: list[str]) -> None:
        kind = CashTransactionKind(fields[1])
        cash, deposits, realized, value_before, _, deposits_after = _numbers(*fields[2:8])
        moved = [adjustment.split(SEPARATOR) for adjustment in line.adjustments]
        flow = _flow_of(line) if kind in EVENT_KINDS else deposits
        if kind is CashTransactionKind.RESTATEMENT:
            flow = ZERO
        self.transactions += 1
        if kind is not CashTransactionKind.BASELINE and fields[-1] != INITIAL_CASH:
            self.is_new = False
        if kind is CashTransactionKind.BASELINE:
            is_stated = not (moved or realized) or any(each[2] != NOTHING for each in moved)
            self._begin(value_before if moved else deposits + realized, is_stated=is_stated)
        elif self.units is not None:
            self.units = self.units.after_flow(Money(value_before), Money(flow))
        self.cash += cash
        self.net_deposits += deposits
        self.realized_pnl += realized
        if self.net_deposits != deposits_after:
            note(self.broken, f"{line.row.place}, ledger revision {self.revision}: net deposits are not those after it")
        for symbol, quantity, *stated in moved:
            if kind in EVENT_KINDS:
                self._position(symbol).move(Decimal(quantity), stated)
            else:
                self._position(symbol).adjust(Decimal(quantity), stated)
        obeys = (*EVENT_KINDS, CashTransactionKind.RESTATEMENT)
        if kind in obeys and cash + sum(Decimal(each[3]) for each in moved) != deposits + realized:
            note(self.broken, f"{line.row.place}, ledger revision {self.revision}: it does not balance")

    def _position(self, symbol: str) -> PositionSums:
        """Return the sums of a symbol; raises InvalidSymbol where no asset goes by it."""
        return self.positions[symbol] if symbol in self.positions else self.positions[Symbol(symbol).code]

    def _begin(self, worth: Decimal, *, is_stated: bool) -> None:
        """Begin anew with a baseline."""
        self.cash = self.net_deposits = self.realized_pnl = self.fees_paid = ZERO
        self.counted = self.wins = self.losses = 0
        self.gross_profit = self.gross_loss = ZERO
        self.units = Units().after_flow(Money.zero(), Money(worth)) if is_stated else None
        self.positions = defaultdict(lambda: PositionSums(is_costed=is_stated))


class EntryLines(Protocol):
    """The next page of the entries' rows."""

    async def __call__(self, *, after: int, limit: int) -> Sequence[EntryLine]:
        """Return rows of later ledger revisions, in order; none where there are no more."""


async def add_entries(fold: Fold, until: int, next_page: EntryLines, *, limit: int = PAGE_SIZE) -> None:
    """Take in the entries up to a ledger revision, page by page: the next is on its way while one is added up."""
    lines = await next_page(after=fold.revision, limit=limit) if fold.revision < until else ()
    while lines:
        wanted = [line for line in lines if line.revision <= until]
        if len(wanted) < len(lines) or wanted[-1].revision == until:
            fold.add(wanted)
            return
        coming = next_page(after=wanted[-1].revision, limit=limit)
        lines, _ = await asyncio.gather(coming, asyncio.to_thread(fold.add, wanted))


def _numbers(*texts: str) -> list[Decimal]:
    """Return the numbers of texts; raises ArithmeticError where one is no number."""
    numbers = [Decimal(text) for text in texts]
    if not sum(numbers, ZERO).is_finite():
        raise ArithmeticError(texts)
    return numbers


def _flow_of(line: EntryLine) -> Decimal:
    """Return the value that an event brought from outside; raises ValueError where its columns are empty."""
    for more in line.more:
        return Decimal(more.partition(SEPARATOR)[0])
    raise ValueError(line.row.place)


def _agree(line: EntryLine, trade: list[str], kept: KeptRow) -> bool:
    """Return whether an outcome is of this trade: of its number and asset; without a digest, of price, fees, engine."""
    if not kept.content.startswith(SEPARATOR.join(("booked", str(line.row.id), trade[1], trade[2], ""))):
        return False
    if kept.digest is not None:
        return True
    outcome = kept.content.split(SEPARATOR, len(OUTCOME) - 1)
    return (outcome[5], outcome[7], outcome[12]) == (trade[4], trade[6], trade[23])
