"""One day of a backtest: write-downs, fills, the decision, and the row of values at its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final, Self

import msgspec

from portfolio.application.backtest.decision import Decide, Known
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.records import EquityRow
from portfolio.application.backtest.request import EVERY_DAYS_OF_TARGETS, FillAt
from portfolio.application.backtest.state import BacktestState, Branch
from portfolio.application.backtest.worth import Worth
from portfolio.domain.arithmetic import ZERO
from portfolio.domain.backtest.attribution import WriteDown
from portfolio.domain.backtest.equal_weight import equal_weight_orders
from portfolio.domain.backtest.fills import MONEY_STEP, recovery_of
from portfolio.domain.errors import OutOfRange
from portfolio.domain.money import EXACT, LIMIT

RECOVERIES: Final = (Decimal(0), Decimal(50), Decimal(100))
BTC: Final = "BTC"
_LOWEST: Final = LIMIT.copy_negate()


class DaysOf:
    """Passes the days of one state, which it changes."""

    def __init__(self, state: BacktestState, panel: Panel, decide: Decide) -> None:
        self._state = state
        self._panel = panel
        self._decide = decide
        self._request = state.request
        self._costs = state.request.costs
        self._first = panel.place(state.request.first)
        waits = self._request.fill is FillAt.NEXT_CLOSE
        self._last_decision = panel.place(self._request.last) - waits
        stable = state.request.policy.stable_categories
        kinds = dict(zip(panel.symbols, panel.categories, strict=True))
        self._risky = frozenset(symbol for symbol in state.universe if kinds[symbol] not in stable)
        self._until_traded = self._sums()

    def pass_day(self, place: int) -> None:
        """Pass one day: its row of values is at the end of it."""
        day = self._panel.day(place)
        changed = self._write_down(place, day)
        changed |= self._fill(place, day)
        changed |= self._pay(day)
        if changed:
            self._until_traded = self._sums()
        if self._is_decision_day(place, self._request.rhythm):
            self._order(place, day)
        if self._is_decision_day(place, EVERY_DAYS_OF_TARGETS):
            self._order_equal_weights(place, day)
        if self._request.fill is FillAt.SAME_CLOSE and self._fill(place, day):
            self._until_traded = self._sums()
        self._state.equity.append(self._row(place, day))

    @property
    def _branches(self) -> Sequence[Branch]:
        return (self._state.main, *self._state.aside)

    def _sums(self) -> Sequence[UntilTraded]:
        return [UntilTraded.of(branch, self._panel, self._decide.symbols) for branch in self._branches]

    def _is_decision_day(self, place: int, rhythm: int) -> bool:
        """Return whether a decision of this day is made, and can be filled."""
        return place <= self._last_decision and (place - self._first) % rhythm == 0

    def _write_down(self, place: int, day: date) -> bool:
        """Write down what has had no close for seven days by today; at the first time the recoveries part."""
        gone = [symbol for symbol in self._panel.gone_on(place) if self._is_held(symbol)]
        state = self._state
        if gone and not state.write_downs:
            own = state.main.recovery_percent
            state.aside = [state.main.fork(percent) for percent in RECOVERIES if percent != own]
        for symbol in gone:
            mark = self._panel.marks_on(place)[symbol]
            for branch in self._branches:
                recovery = recovery_of(branch.recovery_percent)
                for wallet in (branch.idle, branch.equal):
                    wallet.write_down(symbol, mark, recovery, day)
                fill = branch.own.write_down(symbol, mark, recovery, day)
                if fill is not None and branch is state.main:
                    state.fills.append(fill)
            price = EXACT.multiply(mark, recovery_of(state.main.recovery_percent))
            state.write_downs.append(WriteDown(day=day, symbol=symbol, price=price))
        return bool(gone)

    def _is_held(self, symbol: str) -> bool:
        return any(
            symbol in wallet.quantities
            for branch in self._branches
            for wallet in (branch.own, branch.idle, branch.equal)
        )

    def _fill(self, place: int, day: date) -> bool:
        """Fill what waits, and return whether anything was."""
        filled = False
        for branch in self._branches:
            for wallet, orders in ((branch.own, branch.orders), (branch.equal, branch.equal_orders)):
                if orders:
                    closes = self._panel.closes_on(place, [order.symbol for order in orders])
                    fills = wallet.fill(orders, closes, day, self._costs)
                    filled |= bool(fills)
                    if wallet is self._state.main.own:
                        self._state.fills += fills
            branch.orders, branch.equal_orders = [], []
        return filled

    def _pay(self, day: date) -> bool:
        """Take in or pay out what moves at the close of the day, and return whether anything does."""
        flow = self._state.flows.get(day, ZERO)
        if flow:
            for branch in self._branches:
                branch.pay(flow)
        return bool(flow)

    def _order(self, place: int, day: date) -> None:
        for branch, sums in zip(self._branches, self._until_traded, strict=True):
            decision = self._decide(self._known(branch, sums, place, day))
            branch.orders = list(decision.orders)
            if branch is self._state.main:
                self._state.decisions += 1
                self._state.decisions_skipped += decision.skipped

    def _known(self, branch: Branch, sums: UntilTraded, place: int, day: date) -> Known:
        panel = self._panel
        worth = sums.own.near(panel.newest[place])
        return Known(
            day=day,
            history=panel.until(place, self._decide.days, sums.symbols),
            cash=branch.own.cash,
            quantities=branch.own.quantities,
            worth=worth if sums.columns is None else worth[sums.columns],
            marks=panel.marks_on(place),
            tradable=panel.tradable_on(place),
            categories=sums.categories,
        )

    def _order_equal_weights(self, place: int, day: date) -> None:
        assets = self._risky & self._panel.tradable_on(place)
        for branch in self._branches:
            branch.equal_orders = equal_weight_orders(branch.equal, self._panel.marks_on(place), assets, day)

    def _row(self, place: int, day: date) -> EquityRow:
        [sums, *_], marks, held = self._until_traded, self._panel.marks_on(place), self._state.btc_units
        return EquityRow(
            day=day,
            value=_in_range(sums.own.at(marks.units)),
            cash=_in_range(self._state.main.own.cash),
            do_nothing=_in_range(sums.idle.at(marks.units)),
            equal_weight=_in_range(sums.equal.at(marks.units)),
            btc=None if held is None else _in_range(EXACT.multiply(held, marks[BTC])),
        )


class UntilTraded(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same from day to day while nothing is traded: the portfolios of a branch as sums, and what a decision
    looks at. ``columns`` None are all those of the panel.
    """

    own: Worth
    idle: Worth
    equal: Worth
    symbols: tuple[str, ...]
    columns: list[int] | None
    categories: tuple[str, ...]

    @classmethod
    def of(cls, branch: Branch, panel: Panel, may_be_bought: Sequence[str]) -> Self:
        """Return it for what the branch holds now."""
        symbols = sorted({*branch.own.quantities, *may_be_bought})
        columns = [panel.columns[symbol] for symbol in symbols]
        return cls(
            own=Worth(branch.own, panel),
            idle=Worth(branch.idle, panel),
            equal=Worth(branch.equal, panel),
            symbols=tuple(symbols),
            columns=None if len(columns) == len(panel.symbols) else columns,
            categories=tuple(panel.categories[column] for column in columns),
        )


def _in_range(value: Decimal) -> Decimal:
    """Return the value of a day as it is shown."""
    if not _LOWEST < value < LIMIT:
        raise OutOfRange(value)
    return shown(value)


def shown(value: Decimal) -> Decimal:
    """Return money at 6 decimals, half even, as a backtest shows it; never -0."""
    return EXACT.plus(value.quantize(MONEY_STEP, context=EXACT))
