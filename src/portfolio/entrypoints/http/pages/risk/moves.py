"""What moves the portfolio, and what moves together, as the page of risk shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.application.risk.correlation import (
    LargestCorrelations,
    average_covered_percent,
    average_of,
    largest_correlations_of,
)
from portfolio.application.risk.measured import Excluded
from portfolio.application.risk.state import MarketState
from portfolio.application.risk.terms import a_day, correlation_terms_of, heat_parts_of, own_volatility
from portfolio.application.risk.volatility import AssetVolatility, RiskShares, risk_shares_of, volatility_of
from portfolio.domain.decimal_text import counted
from portfolio.entrypoints.charts import PERCENT, Bar, Frame, HeatCell, bar_chart, heat_cell
from portfolio.entrypoints.http.pages.frame.figures import About, Cell, Chart, Figure, FigureOf, Term, last_days
from portfolio.entrypoints.http.pages.frame.filters import exact_text
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.risk.answers import VolatilityView
from portfolio.entrypoints.http.risk.views import volatility_view
from portfolio.entrypoints.http.shell.numbers import percent, percent_or_null, ratio

ASSETS_SHOWN: Final = 12
LARGEST: Final = 30
PARTS_SHOWN: Final = 5


FIGURES: Final[Mapping[str, About]] = {
    "average_correlation": (
        "Average correlation", Kind.RATIO,
        "The mean of the coefficients between positions of 1 % of the total value or more, stablecoins apart."),
    "correlation_covered_percent": (
        "Covered by the average", Kind.PERCENT,
        "The share of the value of the positions that the average counts which have a coefficient."),
    "common_days": ("Days in common", Kind.COUNT, "Days on which all these assets have a return."),
    "volatility_covered_percent": (
        "Covered by these figures", Kind.PERCENT,
        "The weight of the assets in them, in percent of the total value; cash adds no risk."),
    "portfolio_volatility": (
        "Volatility a year", Kind.FRACTION,
        "The standard deviation of the daily returns of today's weights, times the square root of 365."),
    "diversification_ratio": (
        "Diversification ratio", Kind.RATIO,
        "The weighted sum of the assets' own volatilities, over the portfolio's: 1 where all moves as one."),
    "portfolio_heat": (
        "Portfolio heat", Kind.FRACTION,
        "The sum of allocation x daily volatility: what a day would move if all assets moved together."),
}  # fmt: skip


def moves_content(state: MarketState) -> dict[str, Any]:
    """Return what moves the portfolio, as ``GET /risk/volatility-analysis`` has it: the volatility, its parts, and the
    assets that it is made without, with the reason's code.
    """
    shares, report = risk_shares_of(state, ASSETS_SHOWN), volatility_of(state)
    view = volatility_view(state, shares.largest)
    return {
        "view": view,
        "figures": _figures(state, view),
        "chart": _contributions_chart(shares),
        "left_out": left_out(state, report.excluded),
    }


def left_out(state: MarketState, excluded: Sequence[Excluded]) -> Mapping[str, str]:
    """Return the reason's code of each asset that figures are made without, the largest position first."""
    held = state.view.holdings
    by_size = sorted(excluded, key=lambda one: -abs(held[one.symbol].value))
    return {one.symbol: one.reason for one in by_size}


def together_content(state: MarketState) -> dict[str, Any]:
    """Return how the largest positions correlate, as ``GET /risk/correlation-matrix`` has it.

    ``left_out`` are the codes of why assets and pairs have no coefficient, ``smaller`` is how many positions are not in
    the map.
    """
    largest, figure = largest_correlations_of(state, LARGEST), FigureOf(FIGURES, state.convention, state.as_of)
    average, covered = average_of(state), average_covered_percent(state)
    summed, count = correlation_terms_of(state)
    why = {**largest.excluded, **{f"{one} and {other}": code for (one, other), code in largest.undefined.items()}}
    return {
        "average": figure(
            "average_correlation",
            ratio(average.value),
            terms=[Term("Sum of the coefficients", ratio(summed), Kind.RATIO), Term("Pairs", count, Kind.COUNT, "/")],
            reason=average.reason,
            period=last_days(state.lookback_days),
        ),
        "covered": figure("correlation_covered_percent", percent_or_null(covered), reason="too_few_positions"),
        "symbols": largest.symbols,
        "rows": state.figures.once(_heat_rows, lambda: _heat_rows(largest)),
        "left_out": why,
        "smaller": largest.left_out,
    }


def _heat_rows(largest: LargestCorrelations) -> Sequence[tuple[str, Sequence[tuple[HeatCell, str]]]]:
    """Return the rows of the heat map by symbol: each cell with its digits, empty where it has no value."""
    table = [(one, [largest.between(one, other) for other in largest.symbols]) for one in largest.symbols]
    return [(symbol, [(heat_cell(value, 1), _exact(value)) for value in row]) for symbol, row in table]


def _exact(value: Decimal | None) -> str:
    digits = ratio(value)
    return "" if digits is None else exact_text(digits)


def _figures(state: MarketState, view: VolatilityView) -> Sequence[Figure]:
    figure, report = FigureOf(FIGURES, state.convention, state.as_of), volatility_of(state)
    own = own_volatility(report.diversification_ratio, report.portfolio_volatility)
    of_volatility = [
        Term("Volatility of a day", ratio(a_day(report.portfolio_volatility)), Kind.FRACTION),
        Term("Days a year", DAYS_PER_YEAR, Kind.COUNT, "x √"),
    ]
    of_ratio = [
        Term("Weighted own volatilities", ratio(own), Kind.FRACTION),
        Term("Volatility a year", view.portfolio_volatility, Kind.FRACTION, "/"),
    ]
    period = last_days(view.lookback_days)
    return [
        figure.of(view, "portfolio_volatility", terms=of_volatility, period=period),
        figure.of(view, "diversification_ratio", terms=of_ratio, period=period),
        figure.of(view, "portfolio_heat", terms=_heat_terms(state), period=period),
        figure.of(view, "common_days"),
        figure("volatility_covered_percent", view.covered_percent, reason=view.reasons.get("covered_percent")),
    ]


def _heat_terms(state: MarketState) -> Sequence[Term]:
    heat = volatility_of(state).portfolio_heat.value
    if heat is None:
        return ()
    parts = heat_parts_of(state, heat, PARTS_SHOWN)
    terms = [Term(symbol, ratio(part), Kind.FRACTION, "+") for symbol, part in parts.largest]
    if parts.others:
        terms.append(Term(counted(parts.others, "other"), ratio(parts.rest), Kind.FRACTION, "+"))
    return terms


def _contributions_chart(shares: RiskShares) -> Chart:
    bars = [Bar(one.symbol, (one.allocation_percent, one.risk_contribution_percent)) for one in shares.largest]
    rows: list[Sequence[str | Cell]] = [_asset_row(one) for one in shares.largest]
    if shares.others_allocation_percent is not None and shares.others_risk_percent is not None:
        label = counted(shares.others, "other")
        bars.append(Bar(label, (shares.others_allocation_percent, shares.others_risk_percent)))
        rows.append(
            [
                label,
                Cell(percent(shares.others_allocation_percent), Kind.PERCENT),
                Cell(percent(shares.others_risk_percent), Kind.PERCENT),
                "",
                "",
            ]
        )
    names = ("Share of the total value", "Share of the risk")
    frame = Frame("contributions-chart", "Weight beside risk contribution", unit=PERCENT)
    return Chart.of(
        frame,
        bar_chart(frame, names, bars),
        ("Asset", *names, "Volatility a year", "Level"),
        rows,
        "The shares of the risk sum to 100 %: each is weight x covariance with the portfolio, over its variance.",
    )


def _asset_row(asset: AssetVolatility) -> Sequence[str | Cell]:
    weight, part = asset.allocation_percent, asset.risk_contribution_percent
    assert weight is not None
    assert part is not None
    return [
        asset.symbol,
        Cell(percent(weight), Kind.PERCENT),
        Cell(percent(part), Kind.PERCENT),
        Cell(ratio(asset.annualized_volatility), Kind.FRACTION, asset.reasons.get("annualized_volatility")),
        asset.level.value if asset.level else "",
    ]
