"""The positions at the end of each day, and the part of each position in a period's result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from portfolio.application.performance.records import DayPositions, PositionOnDay
from portfolio.domain.arithmetic import exact, total
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.money import Money, Quantity, percent_of, subtracted, sum_of
from portfolio.domain.symbol import Symbol

NOTHING = PositionOnDay(
    quantity=Quantity.zero(),
    market_value=Money.zero(),
    cost_basis=Money.zero(),
    realized_pnl=Money.zero(),
    is_priced=True,
)


class Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """What one position added to a period's result, in money and in percent of the value at the period's start.

    Both are None, with the ``reason``, where the position had no price at one of the period's ends.
    """

    symbol: Symbol
    money: Money | None
    percent: Decimal | None
    reasons: Mapping[str, str]


class Attribution(msgspec.Struct, frozen=True):
    """The contributions by symbol, and ``other``: the rest of the result.

    Their money and ``other`` add up to the result to the last digit. ``other`` is what no position explains: what
    others wrote and its adjustments, and the results of positions without a price.
    """

    contributions: Sequence[Contribution]
    other: Money


def positions_of(portfolio: Portfolio) -> DayPositions:
    """Return the positions as a day keeps them, closed ones too: their realized results count."""
    return {
        symbol: PositionOnDay(
            quantity=position.quantity,
            market_value=position.market_value,
            cost_basis=position.cost_basis,
            realized_pnl=position.realized_pnl,
            is_priced=position.mark is not None or not position.is_open,
        )
        for symbol, position in portfolio.positions.items()
    }


def attribute(total: Money, start: DayPositions, end: DayPositions, start_value: Money) -> Attribution:
    """Return what each position added to ``total``: by how much its realized and unrealized result grew.

    Both are net of fees, as the cost basis is. A position that was not there yet begins with nothing; those that were
    held at neither end and brought nothing are left out.
    """
    contributions = []
    other = total
    for symbol in sorted({*start, *end}):
        before, after = start.get(symbol, NOTHING), end.get(symbol)
        if after is None:
            contributions.append(_unknown(symbol, "not_recorded_at_end"))
            continue
        if not (before.is_priced and after.is_priced):
            contributions.append(_unknown(symbol, "no_start_price" if not before.is_priced else "no_end_price"))
            continue
        money = subtracted(after.result, before.result)
        if not (money or before.quantity or after.quantity):
            continue
        percent = percent_of(money, start_value)
        reasons = {} if percent is not None else {"percent": "value_not_positive"}
        contributions.append(Contribution(symbol=symbol, money=money, percent=percent, reasons=reasons))
        other = subtracted(other, money)
    return Attribution(contributions, other)


def _unknown(symbol: Symbol, reason: str) -> Contribution:
    return Contribution(symbol=symbol, money=None, percent=None, reasons=dict.fromkeys(("money", "percent"), reason))


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """The largest contributions either way, the greatest gain first, and what ``count`` others brought together.

    With ``other``, which no position explains, their money adds up to the period's result to the last digit. A sum of
    percentages is None where one of them is.
    """

    largest: Sequence[Contribution]
    count: int
    rest: Money
    rest_percent: Decimal | None
    other: Money


@exact
def ranked(attribution: Attribution, most: int) -> Ranked:
    """Return the ``most`` contributions that are largest in size; those without an amount are among the others."""
    by_size = sorted(attribution.contributions, key=lambda one: abs(_money(one).value), reverse=True)
    largest, others = by_size[:most], by_size[most:]
    known = [one.percent for one in others if one.percent is not None]
    return Ranked(
        largest=sorted(largest, key=_money, reverse=True),
        count=len(others),
        rest=sum_of(map(_money, others)),
        rest_percent=total(known) if len(known) == len(others) else None,
        other=attribution.other,
    )


def _money(contribution: Contribution) -> Money:
    return contribution.money or Money.zero()
