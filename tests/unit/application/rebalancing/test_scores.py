"""The scores of signals equal a computation by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from portfolio.analytics.closes import Join, history_of
from portfolio.analytics.returns import PriceHistory
from portfolio.application.rebalancing.records import Advice
from portfolio.application.rebalancing.scores import (
    HorizonScore,
    ScoringData,
    outcomes_of,
    score_of,
    scores_by_reason,
)
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.rebalancing.reason import Reason
from portfolio.domain.rebalancing.scoring.outcome import Deal
from portfolio.domain.symbol import Symbol
from tests.support.ledger_examples import BTC, ETH

FIRST = date(2026, 3, 4)
ADVICE = {
    "symbol": BTC,
    "action": Side.BUY,
    "reason": Reason.CASH_DEPLOYMENT,
    "confidence": Decimal("0.55"),
    "begins": True,
}


def advice(number: int, quantity: str, value: str, fee: str, *, day: int = 0, **fields: Any) -> Advice:
    """A signal made at 23:59 of a day."""
    return Advice(
        id=f"sig-{number}",
        quantity=Quantity(Decimal(quantity)),
        trade_value=Money(Decimal(value)),
        estimated_fee=Money(Decimal(fee)),
        created_at=datetime(2026, 3, 4, 23, 59, tzinfo=UTC) + timedelta(days=day),
        **{**ADVICE, **fields},
    )


def no_history(last_day: date) -> PriceHistory:
    """No closes to make base rates of."""
    return history_of(np.empty((2, 0)), (), last_day)


def evidence_of(
    advices: Sequence[Advice],
    closes: Mapping[tuple[Symbol, int], str],
    *,
    fills: Mapping[str, Sequence[Deal]] | None = None,
    days: int = 9,
) -> ScoringData:
    """Closes by the day of the history, of which so many are over after the first."""
    return ScoringData(
        advices=advices,
        fills=fills or {},
        closes={(s.code, FIRST + timedelta(days=day)): Price(Decimal(text)) for (s, day), text in closes.items()},
        history=no_history(FIRST + timedelta(days=days)),
    )


# The second purchase says the same as the first a day later, and is carried out at 102; of the sale nobody heard.
SAID = [
    advice(1, "2", "200", "0.2"),
    advice(2, "1", "101", "0.1", day=1, executed_trade_id=7, begins=False),
    advice(3, "10", "500", "0.5", day=2, symbol=ETH, action=Side.SELL, reason=Reason.CONCENTRATION_RISK),
]
CLOSES = {(BTC, 1): "110", (BTC, 2): "105", (ETH, 3): "52", (BTC, 7): "90", (BTC, 8): "95", (ETH, 9): "40"}
FILLS = {
    "sig-2": [Deal(side=Side.BUY, quantity=Quantity(Decimal(1)), value=Money(Decimal(102)), fee=Money(Decimal("0.15")))]
}


def test_the_scores_equal_a_computation_by_hand() -> None:
    score = score_of(outcomes_of(evidence_of(SAID, CLOSES, fills=FILLS)))
    assert (score.reason, score.episodes, score.executed) == (None, 2, 1)
    assert list(score.horizons) == [
        HorizonScore(
            horizon_days=1,
            scored=2,
            pending=0,
            missing_closes=0,
            advice=Decimal("-0.7"),  # 2 x 110 - 200 - 0.2, and 500 - 10 x 52 - 0.5
            filled=1,
            fill=Decimal("2.85"),  # 105 - 102 - 0.15
            shortfall=Decimal("1.05"),  # 105 - 101 - 0.1 as advised: a dollar of price, and five cents of fee
        ),
        HorizonScore(
            horizon_days=7,
            scored=2,
            pending=0,
            missing_closes=0,
            advice=Decimal("79.3"),  # 2 x 90 - 200 - 0.2, and 500 - 10 x 40 - 0.5
            filled=1,
            fill=Decimal("-7.15"),  # 95 - 102 - 0.15
            shortfall=Decimal("1.05"),
        ),
        HorizonScore(
            horizon_days=30,
            scored=0,
            pending=2,
            missing_closes=0,
            advice=None,
            filled=0,
            fill=None,
            shortfall=None,
        ),
    ]
    # Seven days later the sale had paid, and the purchase had not: two forecasts, of too few to say a rate.
    assert (score.calibration.forecasts, score.calibration.hit_rate) == (2, None)


def test_each_reason_has_a_score_of_its_own_in_the_order_of_the_rules() -> None:
    scores = scores_by_reason(outcomes_of(evidence_of(SAID, CLOSES, fills=FILLS)))
    assert [(one.reason, one.episodes, one.executed) for one in scores] == [
        (Reason.CONCENTRATION_RISK, 1, 0),
        (Reason.CASH_DEPLOYMENT, 1, 1),
    ]
    assert [one.horizons[1].advice for one in scores] == [Decimal("99.5"), Decimal("-20.2")]
    assert not scores_by_reason(outcomes_of(evidence_of([], {})))


def test_a_unit_that_became_more_than_1e20_dollars_is_judged_all_the_same() -> None:
    said = [advice(1, "1", "100", "0")]
    evidence = replace(
        evidence_of(said, {(BTC, 1): "10000000000"}),
        joins=[Join("BTC", "BTC", Decimal("1e11"), FIRST + timedelta(days=1))],
    )
    assert outcomes_of(evidence)[0].advised[1] == Decimal("1e21") - 100


def test_what_is_not_known_is_pending_and_a_close_that_is_lacking_is_counted() -> None:
    lacking = {key: text for key, text in CLOSES.items() if key != (ETH, 9)}
    week = score_of(outcomes_of(evidence_of(SAID, lacking))).horizons[1]
    assert (week.scored, week.pending, week.missing_closes, week.advice) == (1, 1, 1, Decimal("-20.2"))
    # A day before, the week of the sale is not over.
    week = score_of(outcomes_of(evidence_of(SAID, lacking, days=8))).horizons[1]
    assert (week.scored, week.pending, week.missing_closes) == (1, 1, 0)


def history(closes: Sequence[float], last_day: date) -> PriceHistory:
    """The closes of one asset until a day."""
    return history_of(np.array(closes)[:, None], ("BTC",), last_day)


def test_a_base_rate_is_of_what_was_known_before_the_signal() -> None:
    made = advice(1, "1", "100", "0.1", day=3)
    # 40 closes until the day before the signal, of which 7 of 33 changes over a week are a rise; then it all goes up.
    before, after = [100.0] * 20 + [110.0] * 20, [10_000.0] * 5
    closes = history([*before, *after], made.day + timedelta(days=4))
    evidence = ScoringData(advices=[made], fills={}, closes={}, history=closes)
    assert evidence.base_rate(made) == evidence.base_rate(made) == Decimal("0.212121212121")
    sale = advice(2, "1", "100", "0.1", day=3, action=Side.SELL)
    assert evidence.base_rate(sale) == 0


def test_a_base_rate_is_of_a_year() -> None:
    made = advice(1, "1", "100", "0")
    # The rise is 366 days before the day before the signal: of the 366 closes until then none is from before it.
    rise = [100.0] * 30 + [200.0] * 366
    assert (
        ScoringData(advices=[made], fills={}, closes={}, history=history(rise, made.day - timedelta(days=1))).base_rate(
            made
        )
        == 0
    )


def test_without_closes_or_a_value_there_is_no_base_rate() -> None:
    made, worthless = advice(1, "1", "100", "0", symbol=ETH), advice(2, "1", "0", "0")
    evidence = ScoringData(
        advices=[made], fills={}, closes={}, history=history([1.0] * 50, made.day - timedelta(days=1))
    )
    assert evidence.base_rate(made) is None
    assert evidence.base_rate(worthless) is None
    # A history that begins after the signal.
    assert evidence.base_rate(advice(3, "1", "100", "0", day=-60)) is None


def test_thirty_claims_are_calibrated_beside_their_base_rate() -> None:
    # Every day a purchase at 100 for 10 cents; a week later the asset is at 101 or, of every third, at 99.
    made = [advice(day + 1, "1", "100", "0.1", day=day) for day in range(36)]
    closes = {(BTC, day + 7): "99" if day % 3 == 0 else "101" for day in range(30)}
    flat = history([100.0] * 400, FIRST + timedelta(days=36))
    known = evidence_of(made, closes, days=36)
    score = score_of(outcomes_of(ScoringData(advices=made, fills={}, closes=known.closes, history=flat)))
    found = score.calibration
    assert (score.episodes, found.forecasts, found.based) == (36, 30, 30)
    assert (round(found.hit_rate or Decimal(0), 12), found.base_rate) == (Decimal("0.666666666667"), Decimal(0))
    # Claimed is 0.55: twenty came true, (0.45^2 x 20 + 0.55^2 x 10) / 30. Who says 0 each time misses twenty.
    assert round(found.brier_score or 0, 12) == round(Decimal("7.075") / 30, 12)
    assert round(found.base_brier_score or 0, 12) == Decimal("0.666666666667")
