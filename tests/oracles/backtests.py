"""What vectorbt, bt, quantstats, empyrical and skfolio answer to questions.json; for the environment of the oracles."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final

import bt
import empyrical
import pandas as pd
import quantstats.stats as qs
import skfolio.measures as sk
import vectorbt as vbt

QUESTIONS: Final = Path(__file__).with_name("questions.json")
A_YEAR: Final = 365
CONFIDENCE: Final = 0.95


def backtests() -> list[dict[str, Any]]:
    """The values of each day and the statistics of them, to each question."""
    return [_answer(question) for question in json.loads(QUESTIONS.read_text())]


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    closes, known = closes_of(question)
    values = run_by_vectorbt(question, known)
    return {
        "name": question["name"],
        "vectorbt": values.tolist(),
        "bt": replayed_by_bt(question, known),
        "bt_decides": _decided_by_bt(question, known) if question["strategy"] else None,
        "statistics": _statistics(values, closes[question["symbols"][0]]),
    }


def closes_of(question: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The closes as they are, and with the last one of an asset for each day without."""
    days = pd.DatetimeIndex(question["days"])
    closes = pd.DataFrame(question["closes"], index=days, columns=question["symbols"], dtype=float)
    return closes, closes.ffill()


def run_by_vectorbt(question: dict[str, Any], closes: pd.DataFrame) -> pd.Series:
    """The trades at their closes: slippage and fees are vectorbt's own."""
    size, price = closes * math.nan, closes.copy()
    fees, slippage = closes * 0.0, closes * 0.0
    for row, column, change, close, costs in question["trades"]:
        assert math.isnan(size.iat[row, column]), "one trade of an asset a day"
        size.iat[row, column], price.iat[row, column] = float(change), float(close)
        if costs:
            fees.iat[row, column], slippage.iat[row, column] = float(question["fee"]), float(question["slippage"])
    run = vbt.Portfolio.from_orders(
        closes,
        size=size,
        price=price,
        fees=fees,
        slippage=slippage,
        init_cash=float(question["cash"]),
        cash_sharing=True,
        group_by=True,
        call_seq="auto",  # sales first
        freq="1D",
    )
    assert int(run.orders.count()) == len(question["trades"]), "none is refused"
    values: pd.Series = run.value()
    return values


def replayed_by_bt(question: dict[str, Any], closes: pd.DataFrame) -> list[float]:
    """The trades at the prices that slippage leaves. It knows of no fees in a replay: those are taken out after it."""
    rows, fees = [], pd.Series(0.0, index=closes.index)
    for row, column, change, close, costs in question["trades"]:
        day, quantity = closes.index[row], float(change)
        price = float(close) * (1 + math.copysign(float(question["slippage"]) if costs else 0.0, quantity))
        rows.append((day, closes.columns[column], quantity, price))
        fees[day] += abs(quantity) * price * float(question["fee"]) if costs else 0.0
    table = pd.DataFrame(rows, columns=["Date", "Security", "quantity", "price"]).set_index(["Date", "Security"])
    strategy = bt.Strategy("trades", [bt.algos.ReplayTransactions("trades")], children=list(closes.columns))
    return list(_values_of(strategy, question, closes, trades=table, bidoffer=closes * 0.0) - fees.cumsum())


def _decided_by_bt(question: dict[str, Any], closes: pd.DataFrame) -> list[float]:
    """As much of each asset, every so many days, at the close of the decision and free of cost: bt decides itself."""
    algos = [bt.algos.RunEveryNPeriods(question["every_days"]), bt.algos.SelectAll(), bt.algos.WeighEqually()]
    strategy = bt.Strategy("equal weights", [*algos, bt.algos.Rebalance()])
    return list(_values_of(strategy, question, closes))


def _values_of(strategy: Any, question: dict[str, Any], closes: pd.DataFrame, **tables: pd.DataFrame) -> pd.Series:
    test = bt.Backtest(
        strategy,
        closes,
        initial_capital=float(question["cash"]),
        integer_positions=False,
        additional_data=tables,
        progress_bar=False,
    )
    bt.run(test)
    values: pd.Series = test.strategy.values.iloc[1:]  # bt puts a day before the first one
    return values


def _statistics(values: pd.Series, benchmark: pd.Series) -> dict[str, dict[str, float]]:
    """The figures of a series by library; the benchmark is the first asset."""
    returns, moves = values.pct_change().dropna(), benchmark.pct_change().dropna()
    daily = returns.to_numpy()
    quantstats = {
        "sharpe_ratio": qs.sharpe(returns, periods=A_YEAR),
        "sortino_ratio": qs.sortino(returns, periods=A_YEAR),
        "annualized_return": qs.cagr(returns, periods=A_YEAR),
        "annualized_volatility": qs.volatility(returns, periods=A_YEAR),
        "max_drawdown": qs.max_drawdown(returns),
        "calmar_ratio": qs.calmar(returns, periods=A_YEAR),
        "beta": qs.greeks(returns, moves, periods=A_YEAR)["beta"],
    }
    pyfolio = {
        "sharpe_ratio": empyrical.sharpe_ratio(returns, annualization=A_YEAR),
        "sortino_ratio": empyrical.sortino_ratio(returns, annualization=A_YEAR),
        "annualized_return": empyrical.cagr(returns, annualization=A_YEAR),
        "annualized_volatility": empyrical.annual_volatility(returns, annualization=A_YEAR),
        "max_drawdown": empyrical.max_drawdown(returns),
        "calmar_ratio": empyrical.calmar_ratio(returns, annualization=A_YEAR),
        "beta": empyrical.beta(returns, moves),
    }
    skfolio = {
        "max_drawdown": -sk.max_drawdown(sk.get_drawdowns(daily, compounded=True)),
        "value_at_risk": sk.value_at_risk(daily, beta=CONFIDENCE),
        "conditional_value_at_risk": sk.cvar(daily, beta=CONFIDENCE),
    }
    by_library = {"quantstats": quantstats, "empyrical": pyfolio, "skfolio": skfolio}
    return {name: {one: float(value) for one, value in found.items()} for name, found in by_library.items()}
