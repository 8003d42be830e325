"""Amounts whose sign, currency or price contradicts the rest of their row are reported, in every format."""

import json
from typing import Any

import pytest

from portfolio.application.imports.recognition import FORMAT_NAMES
from portfolio.domain.imports.numbers import is_money_of
from tests.support.imports import answer, legs, reported
from tests.unit.domain.imports.test_binance_history import history
from tests.unit.domain.imports.test_coinbase import newest
from tests.unit.domain.imports.test_coinbase_pro import FILLS, fill
from tests.unit.domain.imports.test_kraken import TRADES
from tests.unit.domain.imports.test_programs import (
    KOINLY,
    KOINLY_TRADES,
    WEALTHFOLIO,
    activity,
    export,
    order,
    trades,
    unified,
)


def coinbase(
    kind: str, quantity: str, subtotal: str = "$100.00", total: str = "$102.00", fee: str = "$2.00", price: str = "$50"
) -> str:
    """A row of Coinbase in dollars."""
    return newest(f"{kind},BTC,{quantity},USD,{price},{subtotal},{total},{fee},")


def pro(side: str, size: str, total: str) -> str:
    """A fill of Coinbase Pro of 100 euros and a fee of 1."""
    return FILLS + f"default,1,BTC-EUR,{side},2019-06-26T09:43:18.503Z,{size},BTC,50,1,{total},EUR\n"


def kraken(side: str, volume: str, cost: str, price: str = "50") -> str:
    """A trade of Kraken for 100 euros."""
    return TRADES + f'"T","O","XXBTZEUR","2021-02-01 10:30:12.3","{side}","limit",{price},{cost},1,{volume},0,"",""\n'


def koinly(side: str, amount: str, total: str) -> str:
    """A trade of Koinly."""
    return KOINLY_TRADES + f"2018-01-01 14:25:01 UTC,BTC-USD,{side},{amount},{total},1,USD,o,t1\n"


def sides(sent: str, came: str) -> str:
    """A row of Koinly's universal file."""
    return KOINLY + f"2018-01-01 14:25:01 UTC,{sent},USD,{came},BTC,,,,,,,\n"


def spot(side: str, executed: str, amount: str, price: str = "50") -> str:
    """A trade of Binance."""
    header = "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"
    return header + f"2023-09-29 09:56:26,BTCUSDT,{side},{price},{executed}BTC,{amount}USDT,0BNB\n"


def wealthfolio(kind: str, quantity: str, price: str = "50", fee: str = "1", amount: str = "100") -> str:
    """An activity of wealthfolio."""
    symbol = "BTC-USD" if kind in {"BUY", "SELL", "AIRDROP", "TRANSFER_IN"} else ""
    return WEALTHFOLIO + f"2024-01-15,{kind},{symbol},CRYPTO,{quantity},{price},USD,{fee},{amount},,,\n"


def ghostfolio(**changes: Any) -> str:
    """An activity of ghostfolio: two coins at 50 dollars."""
    return export(activity(**{"quantity": 2, "unitPrice": 50, **changes}))


def ccxt(**changes: Any) -> str:
    """A trade of ccxt: two coins at 50 dollars."""
    return json.dumps([unified(**{"amount": 2.0, "price": 50.0, "cost": 100.0, "info": {}, **changes})])


def advanced(**changes: Any) -> str:
    """A fill of Coinbase Advanced."""
    return json.dumps({"fills": [fill(**changes)]})


GOOD = {
    "coinbase": [
        coinbase("Buy", "2"), coinbase("Sell", "2", "$100.00", "$98.00"), coinbase("Sell", "-2", "-$100.00", "-$98.00"),
        coinbase("Sell", "-2", "$100.00", "$98.00"), coinbase("Deposit", "2"), coinbase("Receive", "2"),
        coinbase("Send", "-2", "-$100.00", "-$102.00"), coinbase("Withdrawal", "2"), coinbase("Staking Income", "2"),
    ],
    "coinbase-pro-fills": [pro("BUY", "2", "-101"), pro("SELL", "2", "99")],
    "coinbase-advanced": [advanced(), advanced(side="SELL")],
    "binance-trades": [spot("BUY", "2", "100"), spot("SELL", "2", "100")],
    "kraken-trades": [kraken("buy", "2", "100"), kraken("sell", "2", "100")],
    "koinly": [sides("100", "2")],
    "koinly-trades": [koinly("buy", "2", "100"), koinly("sell", "2", "100")],
    "wealthfolio": [
        wealthfolio("BUY", "2"), wealthfolio("SELL", "2"), wealthfolio("DEPOSIT", "0"), wealthfolio("WITHDRAWAL", "0"),
        wealthfolio("INTEREST", "0"), wealthfolio("FEE", "0", fee="0"), wealthfolio("AIRDROP", "2"),
        wealthfolio("BUY", "2", amount=""),
    ],
    "ghostfolio": [
        ghostfolio(), ghostfolio(type="SELL"), ghostfolio(type="INTEREST"),
        ghostfolio(type="FEE", quantity=0, unitPrice=0, fee=2),
    ],
    "freqtrade": [trades(order()), trades(order(ft_order_side="sell"))],
    "ccxt": [ccxt(), ccxt(side="sell")],
}  # fmt: skip
CONTRADICTING = {
    "coinbase": [
        coinbase("Deposit", "-2", "-$100.00", "-$100.00", "$0.00"), coinbase("Buy", "-2", "-$100.00", "-$102.00"),
        coinbase("Buy", "2", "-$100.00", "-$102.00"), coinbase("Buy", "2", "$100.00", "-$102.00"),
        coinbase("Receive", "-2", "-$100.00", "-$100.00"), coinbase("Staking Income", "-2"),
        coinbase("Learning Reward", "2", "-$100.00", "-$100.00"), coinbase("Advanced Trade Buy", "-2"),
        coinbase("Sell", "2", "-$100.00", "-$98.00"), coinbase("Sell", "-2", "-$100.00", "$98.00"),
        coinbase("Send", "2", "-$100.00", "-$98.00"), coinbase("Buy", "2", fee="-$2.00"),
        coinbase("Sell", "-2", "-$100.00", "-$102.00", "-$2.00"),
        # The currency of the row is the dollar.
        coinbase("Buy", "2", total="€102.00"), coinbase("Buy", "2", subtotal="EUR 100.00"),
        coinbase("Buy", "2", fee="CA$2.00"), coinbase("Buy", "2", price="£50"), coinbase("Deposit", "2", "kr 100"),
        coinbase("Convert", "2", "€100.00"),
        # 2 at 50 are 100.
        coinbase("Buy", "2", total="$12.00"), coinbase("Sell", "2", total="$980.00"),
    ],
    "coinbase-pro-fills": [
        pro("BUY", "-2", "-101"), pro("BUY", "2", "101"), pro("SELL", "2", "-99"), pro("SELL", "-2", "99"),
        pro("BUY", "2", "-1001"),
    ],
    "coinbase-advanced": [advanced(size="-1"), advanced(price="-40000"), advanced(side="SELL", size="-1")],
    "binance-trades": [
        spot("BUY", "-2", "100"), spot("BUY", "2", "-100"), spot("SELL", "-2", "100"), spot("BUY", "-2", "-100"),
        spot("BUY", "2", "1000"), spot("BUY", "2", "100", "-50"),
    ],
    "kraken-trades": [
        kraken("buy", "-2", "-100"), kraken("buy", "-2", "100"), kraken("sell", "2", "-100"), kraken("buy", "2", "10"),
    ],
    "koinly": [sides("-100", "2"), sides("100", "-2"), sides("-100", "-2")],
    "koinly-trades": [koinly("buy", "-2", "100"), koinly("sell", "2", "-100"), koinly("buy", "-2", "-100")],
    "wealthfolio": [
        wealthfolio("BUY", "-2"), wealthfolio("BUY", "2", amount="-100"), wealthfolio("SELL", "-2", amount="-100"),
        wealthfolio("DEPOSIT", "0", amount="-100"), wealthfolio("WITHDRAWAL", "0", amount="-100"),
        wealthfolio("INTEREST", "0", amount="-5"), wealthfolio("FEE", "0", fee="0", amount="-5"),
        wealthfolio("FEE", "0", fee="-5", amount=""), wealthfolio("BUY", "2", fee="-1"), wealthfolio("AIRDROP", "-2"),
        wealthfolio("TRANSFER_IN", "-2"), wealthfolio("BUY", "2", price="-50", amount=""),
        wealthfolio("BUY", "-2", price="-50", amount=""), wealthfolio("BUY", "2", amount="10"),
    ],
    "ghostfolio": [
        ghostfolio(quantity=-2), ghostfolio(quantity=-2, unitPrice=-50), ghostfolio(type="SELL", quantity=-2),
        ghostfolio(type="INTEREST", quantity=-2, unitPrice=-50), ghostfolio(fee=-1),
        ghostfolio(type="FEE", quantity=0, unitPrice=0, fee=-2), ghostfolio(type="FEE", quantity=-1, fee=0),
    ],
    "freqtrade": [
        trades(order(filled=-0.5)), trades(order(filled=-0.5, ft_order_side="sell")), trades(order(average=-100.0)),
        trades(order(ft_fee_base=-0.1)), trades(order(filled=None)),
    ],
    "ccxt": [
        ccxt(amount=-2.0), ccxt(cost=-100.0), ccxt(amount=-2.0, cost=-100.0), ccxt(amount=-2.0, side="sell"),
        ccxt(amount=-2.0, cost=None), ccxt(price=-50.0), ccxt(cost=1000.0), ccxt(cost=10.0),
    ],
}  # fmt: skip
# Their rows are changes of balances: the sign is what the row says, and no word of it says another.
_BALANCES = {"coinbase-pro-account", "binance-history", "kraken-ledgers"}


def test_every_format_is_asked() -> None:
    assert GOOD.keys() == CONTRADICTING.keys() == set(FORMAT_NAMES) - _BALANCES


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in GOOD.items() for text in texts])
def test_rows_that_do_not_contradict_themselves_are_read(name: str, text: str) -> None:
    found = answer(text)
    assert (found["format"], found["reported"]) == (name, [])
    assert found["events"]


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in CONTRADICTING.items() for text in texts])
def test_a_sign_a_currency_or_a_price_that_contradicts_its_row_is_reported(name: str, text: str) -> None:
    assert answer(text)["format"] == name
    assert len(reported(text)) == 1


def test_a_price_that_is_rounded_or_of_another_moment_contradicts_nothing() -> None:
    # 30000000 at 0.00001 are 300; the price that was rounded may have been 0.0000123, which makes 369.
    assert legs(spot("BUY", "30000000", "369", "0.00001")) == [("trade", {"BTC": "30000000", "USDT": "-369"})]
    assert "which is wrong is not known" in reported(spot("BUY", "30000000", "669", "0.00001"))[0][1]
    # A cent is the last digit: 0.0001 at 50 are 0.005. A price of 0 says nothing.
    assert legs(kraken("buy", "0.0001", "0.01")) == [("trade", {"BTC": "0.0001", "EUR": "-1.01"})]
    assert legs(kraken("buy", "2", "100", "0")) == [("trade", {"BTC": "2", "EUR": "-101"})]


@pytest.mark.parametrize(
    ("text", "currency", "fits"),
    [
        ("$5", "USD", True), ("-$5", "CAD", True), ("CA$5", "CAD", True), ("CA$5", "USD", False), ("$5", "EUR", False),
        ("-€5", "EUR", True), ("€5", "USD", False), ("EUR 5", "EUR", True), ("CHF 5", "EUR", False), ("5", "USD", True),
        ("CHF5", "SEK", False), ("kr5", "SEK", True), ("kr5", "USD", False), ("", "USD", True), ("¥5", "JPY", True),
    ],
)  # fmt: skip
def test_signs_of_currencies(text: str, currency: str, fits: bool) -> None:
    assert is_money_of(text, currency) is fits


def test_what_the_balance_says_counts_with_its_sign() -> None:
    # A deposit that is taken back leaves the balance that it had before.
    found = answer(history("26,Spot,Deposit,USDT,100", "27,Spot,Deposit,USDT,-100"))
    assert [event["kind"] for event in found["events"]] == ["deposit", "withdrawal"]
    assert (found["reported"], found["cash_change"]) == ([], {})


def test_a_minus_that_is_no_hyphen_is_one() -> None:
    row = "Sell,ETH,\u22120.2,EUR,€3343.11,\u2212€668.62,\u2212€597.49,€71.13,"
    assert legs(newest(row)) == [("trade", {"ETH": "-0.2", "EUR": "597.49"})]


@pytest.mark.parametrize("amount", ["\u201310.00", "(10.00)", "\u2212"])
def test_a_dash_or_a_bracket_is_no_sign_of_a_currency(amount: str) -> None:
    # Of francs nobody knows the sign, so any could be theirs: a purchase of -10 was one of 10.
    assert reported(newest(f"Receive,BTC,0.5,CHF,20,{amount},{amount},0,"))
    assert not is_money_of("\u201310.00", "USD") or reported(newest(f"Receive,BTC,0.5,USD,20,{amount},{amount},0,"))
