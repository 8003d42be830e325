"""Files of programs: ghostfolio, freqtrade, ccxt, Koinly, wealthfolio."""

import json
from datetime import UTC
from typing import Any

import pytest

from tests.support.imports import answer, legs, previews, reported

KOINLY = (
    "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,Net Worth Amount,"
    "Net Worth Currency,Label,Description,TxHash\n"
)
KOINLY_TRADES = "Koinly Date,Pair,Side,Amount,Total,Fee Amount,Fee Currency,Order ID,Trade ID\n"
WEALTHFOLIO = "date,type,symbol,instrumentType,quantity,unit_price,currency,fee,amount,comment,fxRate,subtype\n"


def activity(**changes: Any) -> dict[str, Any]:
    """An activity of ghostfolio."""
    return {
        "accountId": "a",
        "comment": None,
        "fee": 1.5,
        "id": "x",
        "quantity": 0.1,
        "type": "BUY",
        "unitPrice": 20000.1,
        "currency": "USD",
        "dataSource": "YAHOO",
        "date": "2022-03-01T00:00:00.000Z",
        "symbol": "BTCUSD",
        "tags": [],
        **changes,
    }


def export(*activities: dict[str, Any]) -> str:
    """An export of ghostfolio; balances of accounts are no flows."""
    balances = [{"date": "2022-03-01T00:00:00.000Z", "value": 5000}]
    return json.dumps({"meta": {}, "accounts": [{"balances": balances}], "activities": list(activities)})


def test_activities_of_ghostfolio() -> None:
    text = export(
        activity(),
        activity(id="y", type="SELL", dataSource="COINGECKO", symbol="ethereum", currency="EUR", unitPrice=1e-08),
        activity(id="z", type="INTEREST", quantity=1, unitPrice=2.5, fee=0),
        activity(id="f", type="FEE", quantity=0, unitPrice=0, fee=3),
        activity(id="g", type="FEE", quantity=1, unitPrice=4, fee=0),
        activity(id="s", symbol="SOL-USD", fee=0),
    )
    found = answer(text)
    assert (found["format"], found["rows"]) == ("ghostfolio", 6)
    assert [(event["kind"], event["legs"]) for event in found["events"]] == [
        ("trade", {"BTC": "0.1", "USD": "-2001.51"}),  # 0.1 x 20000.1 + 1.5
        ("trade", {"ETH": "-0.1", "EUR": "-1.499999999"}),  # 0.1 x 0.00000001 - 1.5
        ("reward", {"USD": "2.5"}),
        ("fee", {"USD": "-3"}),
        ("fee", {"USD": "-4"}),
        ("trade", {"SOL": "0.1", "USD": "-2000.01"}),
    ]
    assert [event["external_id"] for event in found["events"]] == ["x", "y", "z", "f", "g", "s"]


def test_drafts_and_liabilities_of_ghostfolio_are_ignored() -> None:
    text = export(
        activity(date="2027-01-01T00:00:00.000Z"), activity(id="y", isDraft=True), activity(id="z", type="LIABILITY")
    )
    assert [one["reason"] for one in answer(text)["ignored"]] == [
        "a draft: it lies in the future",
        "a draft: it lies in the future",
        "a liability: nothing moved",
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"symbol": "AAPL"}, "no coin that is known"),
        ({"dataSource": "COINGECKO", "symbol": "moon"}, "no coin that is known"),
        ({"dataSource": "MANUAL"}, "no coin that is known"),
        ({"type": "ITEM"}, "has no event"),
        ({"type": "DIVIDEND", "quantity": 0}, "has no event"),
        ({"date": "yesterday"}, "is not a time"),
    ],
)
def test_other_activities_are_reported(changes: dict[str, Any], why: str) -> None:
    assert why in reported(export(activity(**changes)))[0][1]


def test_old_exports_of_ghostfolio_lack_ids_and_several_trades_of_a_day_are_kept() -> None:
    rows = [activity(id=None), activity(id=None), activity(id=None, date="2022-03-01T02:00:00.000+02:00")]
    text = export(*rows)
    first, again = previews({"a": text, "b": text})
    assert (len(first.events), len(again.known)) == (3, 3)
    with_ids = export(*(activity(id=f"i{number}") for number in range(3)))
    assert [len(one.events) for one in previews({"a": with_ids, "b": text})] == [3, 0]


def order(**changes: Any) -> dict[str, Any]:
    """A filled order of freqtrade."""
    return {
        "order_id": "o1",
        "ft_order_side": "buy",
        "status": "closed",
        "filled": 0.5,
        "average": 100.0,
        "order_filled_timestamp": 1646128800123,
        "ft_fee_base": None,
        **changes,
    }


def trades(*orders: Any, **changes: Any) -> str:
    """An answer of GET /trades with one trade."""
    trade = {
        "trade_id": 7,
        "pair": "BTC/USDT",
        "fee_open": 0.001,
        "fee_close": 0.002,
        "fee_open_cost": 5,
        "fee_open_currency": "BTC",
        "leverage": 1.0,
        "trading_mode": "spot",
        "orders": list(orders),
        **changes,
    }
    return json.dumps({"trades": [trade], "trades_count": 1, "offset": 0, "total_trades": 1})


def test_orders_of_freqtrade_are_executions_and_fees_are_rates() -> None:
    text = trades(
        order(),
        order(order_id="o2", ft_order_side="sell"),
        order(order_id="o3", ft_order_side="stoploss", status="canceled", filled=0.25),
        order(order_id="o4", ft_fee_base=0.0005),
    )
    found = answer(text)
    assert (found["format"], found["rows"]) == ("freqtrade", 4)
    # 0.5 x 100 = 50 and 0.1 % of it; 0.2 % of 50 and of 25 when sold; a fee in the coin is deducted (freqtrade#1185).
    assert [event["legs"] for event in found["events"]] == [
        {"BTC": "0.5", "USDT": "-50.05"},
        {"BTC": "-0.5", "USDT": "49.9"},
        {"BTC": "-0.25", "USDT": "24.95"},
        {"BTC": "0.4995", "USDT": "-50"},
    ]
    assert [event["row"] for event in found["events"]] == ["7/o1", "7/o2", "7/o3", "7/o4"]
    assert found["events"][0]["at"] == "2022-03-01T10:00:00.123Z"
    assert found["events"][0]["external_id"] == "BTC/USDT:o1"


def test_orders_that_moved_nothing_are_ignored() -> None:
    text = trades(
        order(order_id="dry_run_buy_1"), order(order_id="o2", filled=0.0), order(order_id="o3", status="open")
    )
    found = answer(text)
    assert found["events"] == found["reported"] == []
    assert len(found["ignored"]) == 3


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (trades(order(), pair="BTC/USDT:USDT"), "margin and futures"),
        (trades(order(), leverage=3.0), "margin and futures"),
        (trades(order(), trading_mode="futures"), "margin and futures"),
        (trades(order(ft_order_side="short")), "is unknown"),
        (trades(order(average=None)), "average is missing"),
        (trades(order(order_filled_timestamp="soon")), "milliseconds"),
        (trades(), "without orders"),
        (trades(orders=None), "without orders"),
    ],
)
def test_other_orders_are_reported(text: str, why: str) -> None:
    assert why in reported(text)[0][1]


def test_one_order_on_two_pages_is_known() -> None:
    assert [len(one.events) for one in previews({"a": trades(order()), "b": trades(order())})] == [1, 0]


def page(first: Any, count: int, total: Any) -> str:
    """An answer of GET /trades with some of more trades; from None where it does not say from where."""
    listed = [
        json.loads(trades(order(order_id=f"o{number}"), trade_id=number))["trades"][0]
        for number in range(first or 0, (first or 0) + count)
    ]
    said = {"trades": listed, "trades_count": count, "total_trades": total}
    return json.dumps(said if first is None else {**said, "offset": first})


@pytest.mark.parametrize(
    ("pages", "whole"),
    [
        ([(0, 2, 2)], True),
        ([(None, 2, 2)], True),
        ([(0, 2, None)], True),
        ([(0, 2, "many")], True),
        ([(2, 1, 3), (0, 2, 3)], True),
        ([(0, 2, 3), (1, 2, 3)], True),
        ([(0, 2, 3), (0, 1, 3), (2, 1, 3)], True),
        ([(0, 2, 500)], False),
        ([(None, 2, 500)], False),
        ([(2, 1, 3)], False),
        ([(0, 2, 5), (3, 2, 5)], False),
        ([(0, 0, 5)], False),
    ],
)
def test_a_page_of_freqtrade_without_the_others_is_reported(pages: list[tuple[Any, int, Any]], whole: bool) -> None:
    found = previews({f"{number}": page(*one) for number, one in enumerate(pages)})
    assert sum(len(one.events) for one in found) == len(
        {n for first, count, _ in pages for n in range(first or 0, (first or 0) + count)}
    )
    told = [one for preview in found for one in preview.reported]
    assert [one.row for one in told] == ([] if whole else ["page"] * len(pages))
    assert all(f"of {pages[0][2]}. Import all pages in one run" in one.reason for one in told)


def test_a_trade_of_freqtrade_that_is_no_object_is_reported() -> None:
    text = json.dumps({"trades": [json.loads(trades(order()))["trades"][0], 5]})
    found = answer(text)
    assert [event["row"] for event in found["events"]] == ["7/o1"]
    assert found["reported"] == [{"row": 1, "reason": "is no object: import the file as it was downloaded"}]


def unified(**changes: Any) -> dict[str, Any]:
    """A trade of ccxt."""
    return {
        "id": "9",
        "order": None,
        "timestamp": 1646128800000,
        "datetime": "2022-03-01T10:00:00.000Z",
        "symbol": "ETH/USDT",
        "side": "buy",
        "price": 3000.0,
        "amount": 0.123456789012345678,
        "cost": 370.370367037035,
        "fee": {"cost": 0.37, "currency": "USDT", "rate": 0.001},
        "fees": [],
        "takerOrMaker": "taker",
        "info": {"qty": "0.123456789012345678", "quoteQty": "370.370367037035", "x": None, "y": "text"},
        **changes,
    }


def test_trades_of_ccxt_have_their_exact_digits_in_info() -> None:
    [event] = answer(json.dumps([unified()]))["events"]
    assert event["quantity"] == "0.123456789012345678"
    assert event["legs"] == {"ETH": "0.123456789012345678", "USDT": "-370.740367037035"}
    assert event["external_id"] == "ETH/USDT:9"
    assert event["row"] == 0


def test_fees_of_ccxt_keep_their_sign_and_their_coins() -> None:
    several = [{"cost": 0.001, "currency": "ETH"}, {"cost": 0.01, "currency": "BNB"}]
    rows = [
        unified(id=None, side="sell", amount=1, cost=3000, fee={"cost": -0.3, "currency": "USDT"}, info=None),
        unified(amount=1, cost=None, fee={"cost": None, "currency": None}, info={}),
        unified(id="10", amount=1, cost=3000, fee=None, fees=several, info={}),
    ]
    assert legs(json.dumps(rows)) == [
        ("trade", {"ETH": "-1", "USDT": "3000.3"}),  # a rebate
        ("trade", {"ETH": "1", "USDT": "-3000"}),  # nothing known; 1 x 3000
        ("trade", {"ETH": "0.999", "USDT": "-3000"}),
        ("fee", {"BNB": "-0.01"}),
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"symbol": "BTC/USDT:USDT"}, "is a contract"),
        ({"side": None}, "neither buy nor sell"),
        ({"fee": {"cost": 1, "currency": None}}, "without its currency"),
        ({"timestamp": None, "datetime": None}, "is not a time"),
        ({"amount": "NaN"}, "not a number"),
    ],
)
def test_other_trades_of_ccxt_are_reported(changes: dict[str, Any], why: str) -> None:
    assert why in reported(json.dumps([unified(**changes)]))[0][1]


def test_sides_of_koinly() -> None:
    text = KOINLY + (
        "2018-01-01 14:25 UTC,100,EUR,0.01,BTC,0.5,EUR,,,,,\n"
        "2018-01-02 14:25 UTC,1,ETH,0.05,BTC,0.001,BNB,,,,,\n"
        "2018-01-03 14:25 UTC,,,1,BTC,,,,,,,h\n"
        "2018-01-04 14:25 UTC,0,,50,EUR,0,,,,,,\n"
        "2018-01-05 14:25 UTC,0.5,BTC,,,0.0001,BTC,,,,,\n"
        "2018-01-06 14:25 UTC,,,2,DOT,,,,,staking,,\n"
        "2018-01-07 14:25 UTC,,,2,BCH,,,,,fork,,\n"
        "2018-01-08 14:25 UTC,0.01,ETH,,,,,,,cost,,\n"
        "2018-01-09 14:25 UTC,1,BTC,0.9995,BTC,,,,,,,\n"
        "2018-01-10 14:25 UTC,,,,,0.01,ETH,,,,,\n"
        "2018-01-11 14:25 UTC,1,BTC,1,BTC,0.002,ETH,,,,,\n"
        "2018-01-12 14:25 UTC,0.2,BTC,,,,,,,Lost,,\n"
        "2018-01-13 14:25 UTC,0.1,BTC,2,ETH,,,,,Liquidity In,,\n"
    )
    assert legs(text) == [
        ("trade", {"BTC": "0.01", "EUR": "-100.5"}),
        ("conversion", {"ETH": "-1", "BTC": "0.05", "BNB": "-0.001"}),
        ("transfer_in", {"BTC": "1"}),
        ("deposit", {"EUR": "50"}),
        ("transfer_out", {"BTC": "-0.5001"}),
        ("reward", {"DOT": "2"}),
        ("airdrop", {"BCH": "2"}),
        ("fee", {"ETH": "-0.01"}),
        ("fee", {"BTC": "-0.0005"}),
        ("fee", {"ETH": "-0.01"}),
        ("fee", {"ETH": "-0.002"}),
        ("fee", {"BTC": "-0.2"}),  # which the books have as a loss
        ("conversion", {"BTC": "-0.1", "ETH": "2"}),
    ]
    assert answer(text)["events"][0]["at"] == "2018-01-01T14:25:00Z"


def test_rows_of_koinly_that_change_nothing_are_ignored() -> None:
    text = KOINLY + "2018-01-01 14:25 UTC,1,BTC,1,BTC,,,,,,,\n2018-01-01 14:25 UTC,,,,,,,,,,,\n"
    assert [one["row"] for one in answer(text)["ignored"]] == [2, 3]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("2018-01-01 14:25 UTC,1,BTC,2,BTC,,,,,,,", "more came than was sent"),
        (
            "2018-01-01 14:25 UTC,1,BTC,,,,,,,swapped,,",
            "Label 'swapped' has no event for what was sent: book it by hand",
        ),
        ("2018-01-01 14:25 UTC,,,1,BTC,,,,,lost,,", "Label 'lost' has no event for what was received: book it by hand"),
        ("2018-01-01 14:25 UTC,,,1,BTC,,,,,realized gain,,", "has no event for what was received"),
        ("2018-01-01 14:25 UTC,1,BTC,20,ETH,,,,,ignored,,", "Label 'ignored' has no event for what was exchanged"),
        ("2018-01-01 14:25 UTC,1,BTC,9,USD,,,,,Realized gain,,", "has no event for what was exchanged"),
        ("2018-01-01 14:25 UTC,-1,BTC,,,,,,,,,", "below 0"),
        ("2018-01-01 14:25,1,BTC,,,,,,,,,", "give --zone"),
        ("01/02/2018 14:25 UTC,1,BTC,,,,,,,,,", "--date-order"),
    ],
)
def test_other_rows_of_koinly_are_reported(row: str, why: str) -> None:
    assert why in reported(KOINLY + row)[0][1]


def test_the_order_of_day_and_month_is_read_when_it_is_said() -> None:
    text = KOINLY + "01/02/2018 14:25 UTC,1,BTC,,,,,,,,,\n"
    assert answer(text, date_order="dmy")["events"][0]["at"] == "2018-02-01T14:25:00Z"
    assert answer(text, date_order="mdy")["events"][0]["at"] == "2018-01-02T14:25:00Z"
    assert "in the order ymd" in reported(text, date_order="ymd")[0][1]


def test_trades_of_koinly() -> None:
    text = KOINLY_TRADES + (
        "2018-01-01 14:25 UTC,BTC-USD,buy,0.1,1000,5,USD,o,t1\n2018-01-01 14:25 UTC,ETH/BTC,Sell,1,0.05,,,o,\n"
    )
    assert legs(text) == [("trade", {"BTC": "0.1", "USD": "-1005"}), ("conversion", {"ETH": "-1", "BTC": "0.05"})]
    assert answer(text)["events"][0]["external_id"] == "BTC-USD:t1"
    assert "neither buy nor sell" in reported(text.replace("buy", "hold").replace("Sell", "hold"))[0][1]


def test_activities_of_wealthfolio() -> None:
    text = WEALTHFOLIO + (
        "2024-01-15,BUY,BTC-USD,CRYPTO,0.123456789,40000,USD,1.5,4938.28,,,\n"
        "2024-01-15T10:00:00Z,SELL,ETH,CRYPTO,2,2000.5,EUR,0,,,,\n"
        "2024-01-16,DEPOSIT,$CASH-USD,,1,1,USD,0,500,,,\n"
        "2024-01-16,WITHDRAWAL,,,1,100,USD,2,,,,\n"
        "2024-01-17,TRANSFER_IN,BTC,CRYPTO,1,0,USD,0,0,,,\n"
        "2024-01-17,TRANSFER_OUT,BTC,CRYPTO,0.5,0,USD,0,0,,,\n"
        "2024-01-18,INTEREST,SOL,CRYPTO,0.1,0,USD,0,0,,,STAKING_REWARD\n"
        "2024-01-18,DIVIDEND,SOL,CRYPTO,0.1,0,USD,0,0,,,AIRDROP\n"
        "2024-01-18,INTEREST,BTC,CRYPTO,0,0,USD,0,3,,,\n"
        "2024-01-19,FEE,,,0,0,USD,4,0,,,\n"
    )
    # The amount of the file counts: 4938.28 and not 0.123456789 x 40000 = 4938.27156.
    assert legs(text) == [
        ("trade", {"BTC": "0.123456789", "USD": "-4939.78"}),
        ("trade", {"ETH": "-2", "EUR": "4001"}),
        ("deposit", {"USD": "500"}),
        ("withdrawal", {"USD": "-102"}),
        ("transfer_in", {"BTC": "1"}),
        ("transfer_out", {"BTC": "-0.5"}),
        ("reward", {"SOL": "0.1"}),
        ("airdrop", {"SOL": "0.1"}),
        ("reward", {"USD": "3"}),
        ("fee", {"USD": "-4"}),
    ]
    events = answer(text)["events"]
    assert [event["at"] for event in events[:2]] == ["2024-01-15T00:00:00Z", "2024-01-15T10:00:00Z"]
    assert [len(one.events) for one in previews({"a": text, "b": text})] == [10, 0]
    assert answer(text, zone=UTC)["events"] == events


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("2024-01-15,BUY,AAPL,EQUITY,1,1,USD,0,,,,", "only coins are imported"),
        ("2024-01-15,SPLIT,BTC,CRYPTO,1,1,USD,0,,,,", "has no event"),
        ("2024-01-15 10:00:00,BUY,BTC,CRYPTO,1,1,USD,0,,,,", "give --zone"),
        ("2024-01-15,DEPOSIT,,,0,0,USD,0,0,,,", "nothing moved"),
    ],
)
def test_other_activities_of_wealthfolio_are_reported(row: str, why: str) -> None:
    assert why in reported(WEALTHFOLIO + row)[0][1]


@pytest.mark.parametrize(
    "text",
    [
        WEALTHFOLIO + "2022-03-01,BUY,SOL,CRYPTO,99999999999999999999,90,USD,0,,,,\n",
        export(activity(quantity="99999999999999999999")),
        trades(order(filled="99999999999999999999")),
    ],
)
def test_what_comes_to_more_than_an_amount_is_reported(text: str) -> None:
    assert "out of range" in reported(text)[0][1]
