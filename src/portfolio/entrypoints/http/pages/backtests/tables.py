"""The tables of the page of backtests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from portfolio.application.backtest.records import BacktestResult, TradeRow
from portfolio.domain.arithmetic import HUNDRED, exact
from portfolio.domain.backtest.fills import WRITE_DOWN
from portfolio.entrypoints.http.backtest.result_answers import BacktestResultView, CostFiguresView, SeriesFiguresView
from portfolio.entrypoints.http.pages.frame.figures import Cell, Row
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.pages.words import RULES
from portfolio.entrypoints.http.shell.numbers import number, percent

SERIES: Final = ("Backtest", "Doing nothing", "1/N", "BTC")

_OF_RULES: Final = {**RULES, "targets": "the weights that are to be reached", WRITE_DOWN: "write-down"}
_FIGURES: Final = (
    ("Return", "total_return_percent", Kind.CHANGE),
    ("Return a year", "annualized_return", Kind.FRACTION),
    ("Volatility a year", "annualized_volatility", Kind.FRACTION),
    ("Sharpe ratio", "sharpe_ratio", Kind.RATIO),
    ("Its standard error", "sharpe_standard_error", Kind.RATIO),
    ("Sortino ratio", "sortino_ratio", Kind.RATIO),
    ("Calmar ratio", "calmar_ratio", Kind.RATIO),
    ("Deepest fall", "max_drawdown", Kind.FRACTION),
    ("Daily returns", "observations", Kind.COUNT),
)
_COSTS: Final = (
    ("Trades", "trades", Kind.COUNT),
    ("Traded", "traded", Kind.MONEY),
    ("Fees", "fees", Kind.COST),
    ("Slippage", "slippage", Kind.COST),
    ("Turnover a year", "turnover", Kind.FRACTION),
    ("Cost drag a year", "cost_drag", Kind.FRACTION),
    ("Break-even cost, in basis points of a trade", "break_even_bps", Kind.NUMBER),
)


def rule_name(rule: str) -> str:
    """Return the name of what asked for a trade."""
    return _OF_RULES[rule]


def figure_rows(view: BacktestResultView, *, private: bool) -> Sequence[Row]:
    """Return the figures of the backtest beside those of doing nothing, equal weights and BTC."""
    return series_rows((view.figures, view.do_nothing, view.equal_weight, view.btc), private=private)


def series_rows(every: Sequence[SeriesFiguresView | None], *, private: bool) -> Sequence[Row]:
    """Return the figures of series of values beside each other; None is BTC without closes."""
    money = () if private else (("Result", "total_return", Kind.RESULT),)
    return [
        [
            label,
            *(
                Cell(None, kind, "no_benchmark_closes")
                if one is None
                else Cell(getattr(one, name), kind, one.reasons.get(name))
                for one in every
            ),
        ]
        for label, name, kind in (*money, *_FIGURES)
    ]


def cost_rows(view: CostFiguresView, *, private: bool) -> Sequence[Row]:
    """Return what trading cost."""
    return [
        [label, Cell(getattr(view, name), kind, "no_trades")]
        for label, name, kind in _COSTS
        if not (private and kind.is_own)
    ]


@exact
def recovery_rows(result: BacktestResult, *, private: bool) -> Sequence[Row]:
    """Return the values at the end by what write-downs bring; of a private page in percent of the start."""
    kind = Kind.PERCENT if private else Kind.MONEY
    return [
        [
            f"{one.recovery_percent} %",
            *(
                Cell(percent(value * HUNDRED / result.start_value) if private else number(value), kind)
                for value in (one.value, one.do_nothing, one.equal_weight)
            ),
        ]
        for one in result.recoveries
    ]


def trade_rows(trades: Sequence[TradeRow], *, private: bool) -> tuple[Sequence[str], Sequence[Row]]:
    """Return the columns and the rows of trades; of a private page without amounts."""
    own = (
        ()
        if private
        else (
            ("Quantity", "quantity", Kind.QUANTITY),
            ("Value", "value", Kind.MONEY),
            ("Fee", "fee", Kind.COST),
            ("Slippage", "slippage", Kind.COST),
        )
    )
    columns = ("Trade", "Decided (UTC)", "Filled (UTC)", "Why", "Price", *(label for label, _, _ in own))
    rows: list[Row] = [
        [
            f"{'write down' if one.rule == WRITE_DOWN else one.side.lower()} {one.symbol}",
            one.decided.isoformat(),
            one.filled.isoformat(),
            rule_name(one.rule),
            Cell(number(one.price), Kind.PRICE),
            *(Cell(number(getattr(one, name)), kind) for _, name, kind in own),
        ]
        for one in trades
    ]
    return columns, rows
