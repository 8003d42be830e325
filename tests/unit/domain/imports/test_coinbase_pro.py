"""Coinbase Pro's fills and account, and the fills of Coinbase Advanced."""

import json
from typing import Any

import pytest

from tests.support.imports import answer, legs, previews, reported

FILLS = "portfolio,trade id,product,side,created at,size,size unit,price,fee,total,price/fee/total unit\n"
ACCOUNT = "portfolio,type,time,amount,balance,amount/balance unit,transfer id,trade id,order id\n"
BUY = "default,1,BTC-EUR,BUY,2019-06-26T09:43:18.503Z,0.01,BTC,10000,0.25,-100.25,EUR\n"
SELL = "default,1,ETH-BTC,SELL,2019-06-26T09:43:19.503Z,2,ETH,0.03,0.0001,0.0599,BTC\n"


@pytest.mark.parametrize("with_portfolio", [True, False])
def test_a_fill_moves_its_total(with_portfolio: bool) -> None:
    text = FILLS + BUY + SELL
    if not with_portfolio:
        text = "\n".join(line.partition(",")[2] for line in text.splitlines())
    found = answer(text)
    assert found["format"] == "coinbase-pro-fills"
    # -(0.01 x 10000 + 0.25) = -100.25; 2 x 0.03 - 0.0001 = 0.0599
    assert [(event["kind"], event["legs"]) for event in found["events"]] == [
        ("trade", {"BTC": "0.01", "EUR": "-100.25"}),
        ("conversion", {"ETH": "-2", "BTC": "0.0599"}),
    ]
    assert [(event["amount"], event["fee"], event["fee_symbol"]) for event in found["events"]] == [
        ("100", "0.25", "EUR"),
        ("0.06", "0.0001", "BTC"),
    ]
    # The number of a trade is unique in its market only.
    assert [event["external_id"] for event in found["events"]] == ["BTC-EUR:1", "BTC-ETH:1"]
    assert found["events"][0]["at"] == "2019-06-26T09:43:18.503Z"


def test_in_the_account_a_trade_is_two_matches_and_a_fee_and_is_known_from_the_fills() -> None:
    rows = (
        "default,match,2019-06-26T09:43:18.503Z,0.01,1,BTC,,1,o1\n"
        "default,match,2019-06-26T09:43:18.503Z,-100,900,EUR,,1,o1\n"
        "default,fee,2019-06-26T09:43:18.503Z,-0.25,899.75,EUR,,1,o1\n"
    )
    assert legs(ACCOUNT + rows) == [("trade", {"BTC": "0.01", "EUR": "-100.25"})]
    assert legs(ACCOUNT + rows + rows) == [("trade", {"BTC": "0.01", "EUR": "-100.25"})]  # two files put together
    assert [one["reason"] for one in answer(ACCOUNT + rows + rows)["ignored"]] == [
        f"row {place} once more" for place in (2, 3, 4)
    ]
    for files in ({"fills": FILLS + BUY, "account": ACCOUNT + rows}, {"account": ACCOUNT + rows, "fills": FILLS + BUY}):
        found = {one.name: one for one in previews(files)}
        assert len(found["fills"].events) == 1
        assert [one.row for one in found["account"].known] == [2, 3, 4]


def test_other_rows_of_the_account() -> None:
    rows = (
        "default,deposit,2019-06-26T09:00:00.000Z,100,100,EUR,t1,,\n"
        "default,withdrawal,2019-06-26T09:00:01.000Z,-0.5,0,BTC,t2,,\n"
        "default,conversion,2019-06-26T09:00:02.000Z,-5,0,USD,t3,,\n"
        "default,conversion,2019-06-26T09:00:02.000Z,5,0,USDC,t3,,\n"
        "default,rebate,2019-06-26T09:00:03.000Z,0.01,0,EUR,,,\n"
    )
    assert legs(ACCOUNT + rows) == [
        ("deposit", {"EUR": "100"}),
        ("transfer_out", {"BTC": "-0.5"}),
        ("trade", {"USDC": "5", "USD": "-5"}),
        ("reward", {"EUR": "0.01"}),
    ]
    found = answer(ACCOUNT + "default,deposit,2019-06-26T09:00:00.000Z,0,100,EUR,t1,,\n")
    assert found["ignored"] == [{"row": 2, "reason": "nothing moved: the amount is 0"}]


def test_the_same_statement_newest_first_is_known_though_its_rows_are_not_of_one_moment() -> None:
    rows = [
        "default,match,2019-06-26T09:43:18.503Z,0.01,1,BTC,,1,o1\n",
        "default,match,2019-06-26T09:43:18.504Z,-100,1,EUR,,1,o1\n",
    ]
    first, again = previews({"a": ACCOUNT + "".join(rows), "b": ACCOUNT + "".join(reversed(rows))})
    assert (len(first.events), again.reported, len(again.known)) == (1, [], 2)


def test_what_is_unknown_or_half_is_reported() -> None:
    assert "neither buy nor sell" in reported(FILLS + BUY.replace("BUY", "HOLD"))[0][1]
    assert "is unknown" in reported(ACCOUNT + "default,gift,2019-06-26T09:00:00.000Z,1,1,EUR,,,\n")[0][1]
    half = "default,match,2019-06-26T09:43:18.503Z,0.01,1,BTC,,1,o1\n"
    assert "a row is missing" in reported(ACCOUNT + half)[0][1]


def fill(**changes: Any) -> dict[str, Any]:
    """A fill as the interface answers it."""
    return {
        "trade_id": "t-1",
        "trade_time": "2024-01-02T03:04:05.123456789Z",
        "product_id": "BTC-USDC",
        "side": "BUY",
        "size": "0.5",
        "price": "40000",
        "commission": "12.5",
        "size_in_quote": False,
        **changes,
    }


def test_an_advanced_fill_is_size_at_price_and_a_commission() -> None:
    text = json.dumps({"fills": [fill(), fill(side="SELL", trade_id="t-2", commission="")]})
    found = answer(text)
    assert found["format"] == "coinbase-advanced"
    assert [event["legs"] for event in found["events"]] == [
        {"BTC": "0.5", "USDC": "-20012.5"},  # 0.5 x 40000 + 12.5
        {"BTC": "-0.5", "USDC": "20000"},
    ]
    assert [event["row"] for event in found["events"]] == [0, 1]


def test_a_size_in_the_quote_is_money() -> None:
    for said in (True, "true"):
        text = json.dumps([fill(size="100", price="40000", size_in_quote=said)])
        assert legs(text) == [("trade", {"BTC": "0.0025", "USDC": "-112.5"})]  # 100 / 40000; 100 + 12.5


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"side": "NONE"}, "neither buy nor sell"),
        ({"trade_type": "CORRECTION"}, "corrects another"),
        ({"price": "0"}, "above 0"),
        ({"size": None}, "not a number"),
    ],
)
def test_a_fill_that_is_none_is_reported(changes: dict[str, Any], why: str) -> None:
    [(row, reason)] = reported(json.dumps({"fills": [fill(**changes)]}))
    assert row == 0
    assert why in reason
