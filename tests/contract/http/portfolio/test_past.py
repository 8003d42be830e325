"""The portfolio as of a moment, and as far as was known then, over HTTP."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.prices.records import Close
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.contract.http.ledger.test_lots import ask, book, exact
from tests.support.services.http_service import Service


async def closes(service: Service, **prices: str) -> None:
    """Each is the close of 2023-06-01."""
    made = [
        Close(symbol=Symbol(name), day=date(2023, 6, 1), price=Price(Decimal(text)), source="coinbase")
        for name, text in prices.items()
    ]
    await service.prices.add_closes(made)


@pytest.fixture
async def booked(service: Service) -> Service:
    await book(service)
    return service


async def test_the_portfolio_as_of_a_moment_is_at_the_closes_of_its_day(booked: Service) -> None:
    await closes(booked, BTC="250")
    found = (await ask(booked, "/portfolio", as_of="2023-06-01T12:00:00Z"))["portfolio"]
    assert found == {
        "total_value": 100,  # of two that had cost 400; the deposit came years later
        "cash_balance": -400,
        "invested_amount": 500,
        "cost_basis": 400,
        "unrealized_pnl": 100,
        "realized_pnl": 0,
        "total_pnl": 100,
        "fees_paid": 0,
        "net_deposits": 0,
        "num_positions": 1,
        "positions": [
            {
                "symbol": "BTC",
                "quantity": 2,
                "current_price": 250,
                "market_value": 500,
                "cost_basis": 400,
                "unrealized_pnl": 100,
                "realized_pnl": 0,
            }
        ],
        "as_of": "2023-06-01T12:00:00Z",
        "priced_on": "2023-06-01",
        "revision": 7,
        "complete": True,
        "reasons": {},
    }
    held = await ask(booked, "/positions", as_of="2023-06-01T12:00:00Z")
    assert (held["positions"], held["count"], held["priced_on"]) == (found["positions"], 1, "2023-06-01")


async def test_what_nobody_knows_is_null_and_never_guessed(booked: Service) -> None:
    await closes(booked, BTC="250")
    for moment in ("2023-06-02T12:00:00Z", "2025-06-15T12:00:00Z"):  # no close; not over
        found = (await ask(booked, "/portfolio", as_of=moment))["portfolio"]
        assert [found["positions"][0][name] for name in ("current_price", "market_value", "unrealized_pnl")] == [
            None
        ] * 3
        lacking = ["total_value", "invested_amount", "unrealized_pnl", "total_pnl"]
        assert [found[name] for name in lacking] == [None] * 4
        assert found["reasons"] == dict.fromkeys(lacking, "no_close")
    empty = (await ask(booked, "/portfolio", as_of="2020-01-01T00:00:00Z"))["portfolio"]
    assert (empty["total_value"], empty["positions"], empty["reasons"]) == (0, [], {})


async def test_as_of_now_the_sums_are_those_of_the_portfolio(booked: Service) -> None:
    now, past = [
        (await ask(booked, "/portfolio", **given))["portfolio"] for given in ({}, {"as_of": "2025-06-15T12:00:00Z"})
    ]
    for name in (
        "cash_balance",
        "cost_basis",
        "realized_pnl",
        "fees_paid",
        "net_deposits",
        "num_positions",
        "revision",
    ):
        assert past[name] == now[name], name
    [held], [was] = now["positions"], past["positions"]
    assert [was[name] for name in ("quantity", "cost_basis", "realized_pnl")] == [
        held[name] for name in ("quantity", "cost_basis", "realized_pnl")
    ]


async def test_as_far_as_was_known_at_a_revision_or_a_moment(booked: Service) -> None:
    early = (await ask(booked, "/portfolio", known_at="4"))["portfolio"]
    assert (early["revision"], early["positions"][0]["quantity"], early["cash_balance"]) == (4, 2, 99_600)
    booked.clock.advance(60)
    await book(booked)
    assert (await ask(booked, "/portfolio", known_at="2025-06-15T12:00:59Z"))["portfolio"]["revision"] == 7
    assert (await ask(booked, "/lots", known_at="2025-06-15T12:00:59Z"))["basis"] == 200
    assert (await ask(booked, "/lots", known_at="3", method="hifo"))["basis"] == 100
    assert (await ask(booked, "/gains", known_at="6", year=2025))["gain"] == Decimal(200)  # 250 less half of the first
    assert (await ask(booked, "/gains", as_of="2024-12-31T23:59:59Z"))["gain"] == (300 + 50) * 2


async def test_decimals_of_the_past_are_strings_where_a_client_asks_for_them(booked: Service) -> None:
    asked = {"Accept": "application/json;IEEE754Compatible=true"}
    answer = await booked.http.get("/portfolio", params={"as_of": "2024-06-01T00:00:00Z"}, headers=asked)
    found: Any = json.loads(answer.text)["portfolio"]
    assert (found["cash_balance"], found["total_value"], found["positions"][0]["quantity"]) == ("0", None, "1.5")
    assert exact(answer.text)["portfolio"]["num_positions"] == 1


@pytest.mark.parametrize("query", ["?", "?as_of=", "?as_of=null&known_at=%20"], ids=["empty", "blank", "null"])
@pytest.mark.parametrize("path", ["/portfolio", "/positions"])
async def test_a_query_that_asks_for_nothing_is_answered_as_none_is(booked: Service, path: str, query: str) -> None:
    now = await booked.http.get(path)
    assert b'"stale":' in now.content  # which answers of the past do not say
    asked = await booked.http.get(path + query)
    assert (asked.status_code, asked.content, asked.headers.get("etag")) == (200, now.content, now.headers.get("etag"))
