"""Portfolios booked over HTTP, in percent of 100,000 dollars, and closes of known shape behind them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx

from portfolio.application.prices.records import Close
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.services.http_service import Service

DAYS = 30
PRICE = 1000
Shape = Callable[[int], Decimal]


def wobble(size: str) -> Shape:
    """Up and down by turns: after 14 days where it was, so that its momentum is 0."""
    return lambda day: 1 + Decimal(size) * (-1) ** day


def steady(rate: str) -> Shape:
    """So much a day, without a swerve: its volatility is 0."""
    return lambda day: (1 + Decimal(rate)) ** day


CALM, WILD, FALLING = wobble("0.005"), wobble("0.03"), steady("-0.025")
"""Returns of 1 % by turns (volatility 19 %), of 6 % (115 %), and of -2.5 % (momentum (0.975^14 - 1) / 0.5 = -0.6)."""


def rising(day: int) -> Decimal:
    """1 % a day with a swerve: momentum (1.01^14 - 1) / 0.5 = 0.3."""
    return CALM(day) * Decimal("1.01") ** day


async def hold(service: Service, percents: Mapping[str, str], *, fees: str = "0") -> None:
    """Book so many percent of 100,000 dollars of each asset, at 1,000 dollars a unit."""
    for symbol, percent in percents.items():
        answer = await service.http.post("/holdings/update", json=booking(symbol, Decimal(percent), fees=fees))
        assert answer.status_code == 200, answer.text


def booking(symbol: str, quantity: Decimal, *, side: str = "BUY", fees: str = "0") -> dict[str, Any]:
    """So many units at 1,000 dollars."""
    money = quantity * PRICE
    return {
        "symbol": symbol,
        "side": side,
        "quantity": str(quantity),
        "price": PRICE,
        "net_amount": str(money),
        "fees": str(money * Decimal(fees)),
    }


async def remember(service: Service, shapes: Mapping[str, Shape]) -> None:
    """Load 30 days of closes of these shapes, up to yesterday."""
    last = service.clock.now().date() - timedelta(days=1)
    closes = [
        Close(
            symbol=Symbol(symbol),
            day=last - timedelta(days=DAYS - day),
            price=Price.rounded(PRICE * shape(day)),
            source="coinbase",
        )
        for symbol, shape in shapes.items()
        for day in range(DAYS + 1)
    ]
    await service.prices.add_closes(closes)


def exact(answer: httpx.Response) -> Any:
    """The body of a success, its numbers as decimals; a NaN or an infinity in it is an error."""
    assert answer.status_code in {200, 202}, answer.text
    return json.loads(answer.text, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse)


def _refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")
