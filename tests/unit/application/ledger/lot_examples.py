"""Short ways to say what lots are made of."""

from __future__ import annotations

from datetime import datetime, timedelta

from portfolio.application.ledger.cash_records import CashEntry, PositionAdjustment
from portfolio.application.ledger.happenings.records import entries_of
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.ledger.lots.postings import postings_of
from portfolio.application.ledger.records import TradeEntry, TradeRequest
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.event_moves import reverse_event
from portfolio.domain.ledger.event_rules import happen
from portfolio.domain.ledger.happening import Happening
from portfolio.domain.ledger.lots.methods import NO_PICKS, lots_of
from portfolio.domain.ledger.lots.records import LotBook, LotMethod
from portfolio.domain.ledger.picks import Picks
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.trade import Side, Trade
from tests.unit.examples import NOON, RULES, execution


def day(number: int) -> datetime:
    """Noon of a day, counted from the first one."""
    return NOON + timedelta(days=number)


class Booked:
    """Books that trades are booked in one after the other, with the entries that they make."""

    def __init__(self, portfolio: Portfolio | None = None) -> None:
        self.portfolio = portfolio or Portfolio(id=1)
        self.entries: list[Movement | CashEntry] = []
        self._trades: dict[int, Trade] = {}

    def trade(  # shape: an execution
        self, side: Side, quantity: str, amount: str, at: datetime, *, fees: str = "0", symbol: str = "BTC"
    ) -> Movement:
        """Book a trade, whatever is held or there is of cash."""
        wish = execution(side, symbol, quantity, 1, net=amount, fees=fees, executed_at=at)
        self.portfolio, trade = self.portfolio.book(wish, RULES, override=True)
        return self._entered(trade)

    def buy(self, quantity: str, amount: str, at: datetime, *, fees: str = "0", symbol: str = "BTC") -> Movement:
        """Book a purchase."""
        return self.trade(Side.BUY, quantity, amount, at, fees=fees, symbol=symbol)

    def sell(self, quantity: str, amount: str, at: datetime, *, fees: str = "0", symbol: str = "BTC") -> Movement:
        """Book a sale."""
        return self.trade(Side.SELL, quantity, amount, at, fees=fees, symbol=symbol)

    def reverse(self, trade: Movement, at: datetime) -> Movement:
        """Take a trade back."""
        taken = self._trades[trade.id]
        self.portfolio, entry = self.portfolio.reverse(taken, trade.id, at, allow_negative_cash=True)
        return self._entered(entry)

    def happen(self, kind: CashTransactionKind, at: datetime, **stated: object) -> CashEntry:
        """Book an event; a swap with its trades."""
        return self._happen(kind, at, stated)

    def override(self, kind: CashTransactionKind, at: datetime, **stated: object) -> CashEntry:
        """Book an event, whatever is held or there is of cash."""
        return self._happen(kind, at, stated, override=True)

    def _happen(
        self, kind: CashTransactionKind, at: datetime, stated: dict[str, object], *, override: bool = False
    ) -> CashEntry:
        what = Happening(kind=kind, effective_at=at, **stated)  # type: ignore[arg-type]  # as it is given
        happened = happen(self.portfolio, what, RULES, at, override=override)
        entry, trades = entries_of(happened, owner="ann")
        self.portfolio = happened.after
        self.entries.append(entry)
        for trade in trades:
            self._entered(trade.trade, trade.revision)
        return entry

    def take_out(self, entry: CashEntry, at: datetime) -> None:
        """Take an event out."""
        legs = [moved.leg for moved in entry.positions]
        happened = reverse_event(self.portfolio, entry.transaction, legs, entry.revision, at, allow_negative_cash=True)
        self.portfolio = happened.after
        self.entries.append(entries_of(happened, owner="ann")[0])

    def adjust(self, moved: PositionAdjustment, at: datetime) -> None:
        """Book what another program wrote: the entry alone, the rows are as they are."""
        _, transaction = self.portfolio.reconcile(at, as_realized=True)
        self.entries.append(CashEntry.of(transaction, self.portfolio, positions=[moved]))

    def adopt(self, at: datetime, *positions: PositionAdjustment) -> None:
        """Open the books on what the rows hold."""
        self.portfolio, transaction = self.portfolio.adopt(at)
        moved = positions or [PositionAdjustment.of(one) for one in self.portfolio.positions.values()]
        self.entries.append(CashEntry.of(transaction, self.portfolio, positions=moved))

    def lots(self, method: LotMethod, until: datetime | None = None, picks: Picks = NO_PICKS) -> LotBook:
        """Return the lots, also as of a moment."""
        postings = postings_of(self.entries, self.portfolio)
        return lots_of([one for one in postings if until is None or one.at <= until], method, picks)

    def _entered(self, trade: Trade, revision: int | None = None) -> Movement:
        revision = revision or self.portfolio.revision
        entry = TradeEntry(
            trade=trade,
            request=TradeRequest(owner="engine"),
            portfolio_id=1,
            revision=revision,
            booked_at=NOON + timedelta(days=100),
        )
        moved = Movement.of(revision, entry)
        self._trades[moved.id] = trade
        self.entries.append(moved)
        return moved
