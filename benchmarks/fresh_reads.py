"""A read just after a booking, for which nothing can be kept: beside one valuation, and the same bytes sent."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median

from benchmarks.books.closes import keep_walks
from benchmarks.growth import read_ms
from benchmarks.harness.rows import Row, by_turns, ratio_row
from benchmarks.harness.stage import Naked, Stage
from benchmarks.reads import hold
from portfolio.application.prices.valuation import value_portfolio
from portfolio.domain.categories import Categories
from portfolio.domain.ledger.portfolio import BookingRules, Portfolio
from portfolio.domain.ledger.trade import Execution, Side
from portfolio.domain.mark import Mark
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol

PATH = "/portfolio"
ROUNDS = 9
# By positions: half of the 30 and 11 times its floor that the service took when this row was made.
LIMITS: Mapping[int, float] = {10: 15.0, 1_000: 5.5}


def fresh_reads(stage: Stage) -> Sequence[Row]:
    """Return the rows of a portfolio of 10 positions and of 1,000; where it has to be quick, the first alone."""
    sizes = list(LIMITS)[:1] if stage.is_quick else LIMITS
    return [_row(stage, size, LIMITS[size]) for size in sizes]


def _row(stage: Stage, size: int, limit: float) -> Row:
    database, portfolio = stage.database(f"fresh_{size}"), _portfolio(size)
    service = stage.running(f"fresh-{size}", database)
    symbols = [symbol.code for symbol in portfolio.positions]
    keep_walks(database, symbols)
    hold(service, symbols)
    with service.http() as client:
        stage.offer(f"fresh-{size}.json", client.get(PATH).raise_for_status().content)
    bytes_alone = stage.floor(Naked).burst(f"/bare/bytes/fresh-{size}.json", requests=5)
    valuations, floors, figures = by_turns(
        stage.rounds(ROUNDS),
        lambda: _valuation_ms(portfolio),
        lambda: stage.latency_ms(bytes_alone),
        lambda: read_ms(stage, PATH, service),
    )
    return ratio_row(
        work=f"GET {PATH} just after a booking, {size:,} positions",
        floor="the rules' valuation of the same portfolio, once, and the same bytes from the naked handler",
        unit="ms",
        floors=[valuation + sent for valuation, sent in zip(valuations, floors, strict=True)],
        figures=figures,
        limit=limit,
        at_most=True,
        notes=[f"the valuation {median(valuations):.2f} ms, the bytes {median(floors):.2f} ms"],
    )


def _portfolio(size: int) -> Portfolio:
    """Return the portfolio that the service holds, made by the rules alone."""
    portfolio, now = Portfolio(id=1, cash=Money(Decimal(10**12))), datetime.now(UTC)
    price, quantity = Price(Decimal("100.125")), Quantity(Decimal("1.25"))
    for number in range(size):
        execution = Execution(
            symbol=Symbol(f"R{number:03}"),
            side=Side.BUY,
            quantity=quantity,
            price=price,
            net_amount=quantity.at(price),
            fees=Money.zero(),
            executed_at=now,
        )
        portfolio, _ = portfolio.book(execution, BookingRules())
    mark = Mark(price, "coinbase", now)
    return replace(portfolio, positions={s: position.marked(mark) for s, position in portfolio.positions.items()})


def _valuation_ms(portfolio: Portfolio) -> float:
    """Return what one valuation takes."""
    now, taken = datetime.now(UTC), []
    for _ in range(5):
        started = time.perf_counter()
        value_portfolio(portfolio, now=now, max_age=timedelta(days=1), categories=Categories({}))
        taken.append(time.perf_counter() - started)
    return median(taken) * 1e3
