"""What moves the portfolio, and what moves together, as the page of risk shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final

from portfolio.analytics.conventions import DAYS_PER_YEAR
from portfolio.application.risk.correlation import (
    LargestCorrelations,
    average_covered_percent,
    average_of,
    largest_correlations_of,
)
from portfolio.application.risk.state import MarketState
from portfolio.application.risk.terms import a_day, correlation_terms_of, heat_parts_of, own_volatility
from portfolio.application.risk.volatility import AssetVolatility, RiskShares, risk_shares_of, volatility_of
from portfolio.domain.decimal_text import counted
from portfolio.entrypoints.charts import PERCENT, Bar, Frame, HeatCell, bar_chart, heat_map
from portfolio.entrypoints.http.pages.frame.figures import Cell, Chart, Figure, FigureOf, Term
from portfolio.entrypoints.http.pages.frame.filters import exact_text
from portfolio.entrypoints.http.pages.frame.formats import Kind
from portfolio.entrypoints.http.risk.answers import VolatilityView
from portfolio.entrypoints.http.risk.views import volatility_view
from portfolio.entrypoints.http.shell.numbers import percent, ratio

ASSETS_SHOWN: Final = 12
LARGEST: Final = 30
PARTS_SHOWN: Final = 5
REASONS_SHOWN: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class MovesContent:
    """The volatility, its parts, and the assets that it is made without, with the reason's code."""

    view: VolatilityView
    figures: Sequence[Figure]
    chart: Chart
    left_out: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatRow:
    """A row of the heat map; ``exact`` are the digits of each cell, empty where it has no value."""

    symbol: str
    cells: Sequence[HeatCell]
    exact: Sequence[str]

    @property
    def pairs(self) -> Sequence[tuple[HeatCell, str]]:
        """Return each cell with its digits."""
        return list(zip(self.cells, self.exact, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class TogetherContent:
    """How the largest positions move together; ``left_out`` are the codes of why assets and pairs have no coefficient.

    ``smaller`` is how many positions are not in the map.
    """

    average: Figure
    covered: Figure
    symbols: Sequence[str]
    rows: Sequence[HeatRow]
    left_out: Mapping[str, str]
    more_left_out: int
    smaller: int


def moves_content(state: MarketState) -> MovesContent:
    """Return what moves the portfolio, as ``GET /risk/volatility-analysis`` has it."""
    shares, report = risk_shares_of(state, ASSETS_SHOWN), volatility_of(state)
    view = volatility_view(state, shares.largest)
    return MovesContent(
        view=view,
        figures=[*_volatility_figures(state, view), *_coverage_figures(state, view)],
        chart=_contributions_chart(shares),
        left_out={one.symbol: one.reason for one in report.excluded},
    )


def together_content(state: MarketState) -> TogetherContent:
    """Return how the largest positions correlate, as ``GET /risk/correlation-matrix`` has it."""
    largest, figure = largest_correlations_of(state, LARGEST), FigureOf(state.convention, state.as_of)
    average, covered = average_of(state), average_covered_percent(state)
    summed, count = correlation_terms_of(state)
    why = {**largest.excluded, **{f"{one} and {other}": code for (one, other), code in largest.undefined.items()}}
    return TogetherContent(
        average=figure(
            "average_correlation",
            "Average correlation",
            ratio(average.value),
            Kind.RATIO,
            "The mean of the coefficients between positions of 1 % of the total value or more, stablecoins apart.",
            terms=[
                Term(label="Sum of the coefficients", value=ratio(summed), kind=Kind.RATIO),
                Term(sign="/", label="Pairs", value=count, kind=Kind.COUNT),
            ],
            reason=average.reason,
            days=state.lookback_days,
        ),
        covered=figure(
            "correlation_covered_percent",
            "Covered by the average",
            None if covered is None else percent(covered),
            Kind.PERCENT,
            "The share of the value of the positions that the average counts which have a coefficient.",
            reason="too_few_positions",
        ),
        symbols=largest.symbols,
        rows=state.figures.once(HeatRow, lambda: _heat_rows(largest)),
        left_out=dict(list(why.items())[:REASONS_SHOWN]),
        more_left_out=max(0, len(why) - REASONS_SHOWN),
        smaller=largest.left_out,
    )


def _heat_rows(largest: LargestCorrelations) -> Sequence[HeatRow]:
    table = [[largest.between(one, other) for other in largest.symbols] for one in largest.symbols]
    rows = zip(largest.symbols, heat_map(table, most=1), table, strict=True)
    return [HeatRow(symbol=symbol, cells=cells, exact=list(map(_exact, row))) for symbol, cells, row in rows]


def _exact(value: Decimal | None) -> str:
    digits = ratio(value)
    return "" if digits is None else exact_text(digits)


def _coverage_figures(state: MarketState, view: VolatilityView) -> Sequence[Figure]:
    figure = FigureOf(state.convention, state.as_of)
    return [
        figure(
            "common_days",
            "Days in common",
            view.common_days,
            Kind.COUNT,
            "Days on which all these assets have a return.",
        ),
        figure(
            "volatility_covered_percent",
            "Covered by these figures",
            view.covered_percent,
            Kind.PERCENT,
            "The weight of the assets in them, in percent of the total value; cash adds no risk.",
            reason=view.reasons.get("covered_percent"),
        ),
    ]


def _volatility_figures(state: MarketState, view: VolatilityView) -> Sequence[Figure]:
    report, figure = volatility_of(state), partial(FigureOf(state.convention, state.as_of), days=view.lookback_days)
    annualized, diversification = report.portfolio_volatility, report.diversification_ratio
    own = own_volatility(diversification, annualized)
    return [
        figure(
            "portfolio_volatility",
            "Volatility a year",
            view.portfolio_volatility,
            Kind.FRACTION,
            "The standard deviation of the daily returns of today's weights, times the square root of 365.",
            terms=[
                Term(label="Volatility of a day", value=ratio(a_day(annualized)), kind=Kind.FRACTION),
                Term(sign="x √", label="Days a year", value=DAYS_PER_YEAR, kind=Kind.COUNT),
            ],
            reason=annualized.reason,
        ),
        figure(
            "diversification_ratio",
            "Diversification ratio",
            view.diversification_ratio,
            Kind.RATIO,
            "The weighted sum of the assets' own volatilities, over the portfolio's: 1 where all moves as one.",
            terms=[
                Term(label="Weighted own volatilities", value=ratio(own), kind=Kind.FRACTION),
                Term(sign="/", label="Volatility a year", value=view.portfolio_volatility, kind=Kind.FRACTION),
            ],
            reason=diversification.reason,
        ),
        figure(
            "portfolio_heat",
            "Portfolio heat",
            view.portfolio_heat,
            Kind.FRACTION,
            "The sum of allocation x daily volatility: what a day would move if all assets moved together.",
            terms=_heat_terms(state),
            reason=report.portfolio_heat.reason,
        ),
    ]


def _heat_terms(state: MarketState) -> Sequence[Term]:
    heat = volatility_of(state).portfolio_heat.value
    if heat is None:
        return ()
    parts = heat_parts_of(state, heat, PARTS_SHOWN)
    terms = [Term(sign="+", label=symbol, value=ratio(part), kind=Kind.FRACTION) for symbol, part in parts.largest]
    if parts.others:
        terms.append(Term(sign="+", label=counted(parts.others, "other"), value=ratio(parts.rest), kind=Kind.FRACTION))
    return terms


def _contributions_chart(shares: RiskShares) -> Chart:
    title = "Weight beside risk contribution"
    bars = [Bar(one.symbol, (one.allocation_percent, one.risk_contribution_percent)) for one in shares.largest]
    rows: list[Sequence[str | Cell]] = [_asset_row(one) for one in shares.largest]
    if shares.others_allocation_percent is not None and shares.others_risk_percent is not None:
        label = counted(shares.others, "other")
        bars.append(Bar(label, (shares.others_allocation_percent, shares.others_risk_percent)))
        rows.append(
            [
                label,
                Cell(value=percent(shares.others_allocation_percent), kind=Kind.PERCENT),
                Cell(value=percent(shares.others_risk_percent), kind=Kind.PERCENT),
                "",
                "",
            ]
        )
    names = ("Share of the total value", "Share of the risk")
    return Chart(
        name="contributions",
        title=title,
        svg=bar_chart(Frame(id="contributions-chart", title=title, unit=PERCENT), names, bars),
        columns=("Asset", *names, "Volatility a year", "Level"),
        rows=rows,
        note="The shares of the risk sum to 100 %: each is weight x covariance with the portfolio, over its variance.",
    )


def _asset_row(asset: AssetVolatility) -> Sequence[str | Cell]:
    weight, part = asset.allocation_percent, asset.risk_contribution_percent
    assert weight is not None
    assert part is not None
    return [
        asset.symbol,
        Cell(value=percent(weight), kind=Kind.PERCENT),
        Cell(value=percent(part), kind=Kind.PERCENT),
        Cell(
            value=ratio(asset.annualized_volatility),
            kind=Kind.FRACTION,
            reason=asset.reasons.get("annualized_volatility"),
        ),
        asset.level.value if asset.level else "",
    ]
