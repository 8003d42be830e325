"""Scores of advices: what they brought by later closes, and whether their confidence came true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from portfolio.analytics.closes import Join
from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.analytics.estimate import Vector
from portfolio.analytics.returns import PriceHistory
from portfolio.analytics.scoring.base_rate import changes_over, rate_of
from portfolio.application.prices.joined_closes import became
from portfolio.application.rebalancing.records import Advice
from portfolio.domain.arithmetic import exact, total
from portfolio.domain.lazy import lazy
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import EXACT, Price, of_any_size
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.scoring.forecasts import Calibration, Forecast, calibration_of
from portfolio.domain.rebalancing.scoring.outcome import FORECAST_HORIZON, HORIZONS, Deal

EVERY: Final = slice(None)


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoringData:
    """What advices are scored by: the trades that carried them out, and closes of final days.

    ``advices`` are the first signals of episodes and those that were executed, oldest first; ``fills`` are by the id of
    the signal, each what one trade did of it, ``closes`` by symbol and day. ``history`` are the closes that base rates
    are made of, until the last final day, and ``joins`` the splits and renames that they bear out. ``days_of_units``
    are by the id of the signal: at the end of that day the units of its asset were those of the signal, and of its
    fills as they are here.
    """

    advices: Sequence[Advice]
    fills: Mapping[str, Sequence[Deal]]
    closes: Mapping[tuple[str, date], Price]
    history: PriceHistory
    joins: Sequence[Join] = ()
    days_of_units: Mapping[str, date] = field(default_factory=dict)

    def close(self, advice: Advice, day: date) -> Price | None:
        """Return what one unit of the advice is worth by the close of a later day, also where it was split, or became
        another asset: by the close of that, else by its own.
        """
        since = self.days_of_units.get(advice.id, advice.day)
        for code, units in became(advice.symbol.code, since, day, self.joins):
            if (close := self.closes.get((code, day))) is not None:
                return close if units == 1 else of_any_size(Price, EXACT.multiply(close.value, units))
        return None

    def base_rate(self, advice: Advice) -> Decimal | None:
        """Return how often the same trade had paid in the 365 days before the advice, as was known then."""
        history, symbol = self.history, advice.symbol.code
        if symbol not in history.symbols or advice.trade_value.value <= 0:
            return None
        cost = round(float(advice.estimated_fee.value) / float(advice.trade_value.value), 9)
        day = advice.day
        key = symbol, day
        if key not in self._changes:
            end = len(history.closes) - 1 - (history.last_day - day).days  # before the day itself
            known = history.closes[max(end - DAYS_PER_YEAR - 1, 0) : max(end, 0), history.symbols.index(symbol)]
            self._changes[key] = changes_over(known, FORECAST_HORIZON)
        return rate_of(self._changes[key], is_buy=advice.action is Side.BUY, cost=cost)

    @lazy
    def _changes(self) -> dict[tuple[str, date], Vector]:
        """Return those found so far: signals of one day ask for the same."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one advice. Results are by horizon, None where the close is not known: ``is_over`` says whether
    its day is over all the same.
    """

    advice: Advice
    is_over: Mapping[int, bool]
    advised: Mapping[int, Decimal | None]
    filled: Mapping[int, Decimal | None] | None
    forecast: Forecast | None


class HorizonScore(msgspec.Struct, frozen=True, kw_only=True):
    """What advices had brought after so many days, beside nothing; money in dollars, None of none.

    ``pending`` are those episodes whose close is not known: of ``missing_closes`` of them the day is over.
    ``shortfall`` is by how much the ``filled`` signals, as they were advised, had brought more than their trades did.
    """

    horizon_days: int
    scored: int
    pending: int
    missing_closes: int
    advice: Decimal | None
    filled: int
    fill: Decimal | None
    shortfall: Decimal | None


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """How the advices of one reason did, or all of them: each episode by its first, each trade beside its signal."""

    reason: Reason | None
    episodes: int
    executed: int
    horizons: Sequence[HorizonScore]
    calibration: Calibration


class Scorecard(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of the signals made from ``first_day`` on, at closes until ``last_day``, the last final day.

    ``as_of`` is when the signals were read.
    """

    as_of: datetime
    first_day: date
    last_day: date
    overall: Score
    by_reason: Sequence[Score]
    simulated_history: bool = False
    mixed_history: Sequence[str] = msgspec.field(default_factory=list)
    joined_history: Sequence[Join] = ()
    unjoined_history: Sequence[Join] = ()


def outcomes_of(evidence: ScoringData, part: slice = EVERY) -> list[Outcome]:
    """Return what became of each advice, or of those of a part, in order."""
    return [_outcome(evidence, advice) for advice in evidence.advices[part]]


def score_of(outcomes: Sequence[Outcome], reason: Reason | None = None) -> Score:
    """Return how the advices did, those of one reason where it is given."""
    counted = [one for one in outcomes if reason is None or one.advice.reason is reason]
    episodes = [one for one in counted if one.advice.begins]
    return Score(
        reason=reason,
        episodes=len(episodes),
        executed=sum(one.filled is not None for one in counted),
        horizons=[_horizon(counted, episodes, days) for days in HORIZONS],
        calibration=calibration_of([one.forecast for one in episodes if one.forecast is not None]),
    )


def scores_by_reason(outcomes: Sequence[Outcome]) -> list[Score]:
    """Return how the advices of each reason did, in the order of the rules; those of no signal are not there."""
    there = {one.advice.reason for one in outcomes}
    return [score_of(outcomes, reason) for reason in Reason if reason in there]


def _outcome(evidence: ScoringData, advice: Advice) -> Outcome:
    day = advice.day
    days = {horizon: day + timedelta(days=horizon) for horizon in HORIZONS}
    closes = {horizon: evidence.close(advice, over) for horizon, over in days.items()}
    advised, fills = _results([advice.deal], closes), evidence.fills.get(advice.id)
    brought = advised[FORECAST_HORIZON]
    return Outcome(
        advice=advice,
        is_over={horizon: over <= evidence.history.last_day for horizon, over in days.items()},
        advised=advised,
        filled=None if fills is None else _results(fills, closes),
        forecast=None if brought is None else Forecast(advice.confidence, brought > 0, evidence.base_rate(advice)),
    )


@exact
def _results(deals: Sequence[Deal], closes: Mapping[int, Price | None]) -> dict[int, Decimal | None]:
    return {
        horizon: None if close is None else total(deal.result_at(close) for deal in deals)
        for horizon, close in closes.items()
    }


@exact
def _horizon(counted: Sequence[Outcome], episodes: Sequence[Outcome], horizon: int) -> HorizonScore:
    known = [result for one in episodes if (result := one.advised[horizon]) is not None]
    pending = [one for one in episodes if one.advised[horizon] is None]
    pairs = [(one.advised[horizon], one.filled[horizon]) for one in counted if one.filled is not None]
    both = [(advised, filled) for advised, filled in pairs if advised is not None and filled is not None]
    fill = total(filled for _, filled in both)
    return HorizonScore(
        horizon_days=horizon,
        scored=len(known),
        pending=len(pending),
        missing_closes=sum(one.is_over[horizon] for one in pending),
        advice=total(known) if known else None,
        filled=len(both),
        fill=fill if both else None,
        shortfall=total(advised for advised, _ in both) - fill if both else None,
    )
