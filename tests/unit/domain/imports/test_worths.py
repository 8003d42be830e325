"""What rows say that their assets were worth goes with the event, where a format has it; and renames are told."""

from __future__ import annotations

import pytest

from portfolio.domain.decimal_text import plain
from portfolio.domain.imports.records import FileEvent
from tests.support.imports import previews

COINBASE = "ID,Timestamp,Transaction Type,Asset,Quantity Transacted,Price Currency,Subtotal,Total,Fees,Notes\n"
KOINLY = (
    "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,Net Worth Amount,"
    "Net Worth Currency,Label,Description,TxHash\n"
)
LEDGERS = (
    "txid,refid,time,type,subtype,aclass,subclass,asset,wallet,amount,fee,balance,amountusd,feeusd,balanceusd,"
    "feecurrency\n"
)
TRADES = "txid,ordertxid,pair,time,type,ordertype,price,cost,fee,vol,margin,misc,ledgers,costusd\n"
WEALTHFOLIO = "date,type,symbol,instrumentType,quantity,unit_price,currency,fee,amount,comment,fxRate,subtype\n"
HISTORY = "User_ID,UTC_Time,Account,Operation,Coin,Change,Remark\n"


def events(text: str) -> list[FileEvent]:
    """The events of a file of which no row may be reported."""
    [preview] = previews({"file": text})
    assert preview.reported == []
    return [one.event for one in preview.events]


@pytest.mark.parametrize(
    ("text", "worths"),
    [
        # Koinly: both sides of an exchange are worth the row's net worth, without the fee
        (
            KOINLY + "2022-03-01 10:00 UTC,1,BTC,20,ETH,0.1,BNB,40000,USD,,,\n",
            ["BTC 1 = 40000 USD", "ETH 20 = 40000 USD"],
        ),
        (KOINLY + "2022-03-01 10:00 UTC,,,2,SOL,,,180,EUR,staking,,\n", ["SOL 2 = 180 EUR"]),
        (KOINLY + "2022-03-01 10:00 UTC,,,2,SOL,,,-180,EUR,staking,,\n", ["SOL 2 = 180 EUR"]),
        (KOINLY + "2022-03-01 10:00 UTC,,,2,SOL,,,0,USD,staking,,\n", []),
        (KOINLY + "2022-03-01 10:00 UTC,,,2,SOL,,,180,,staking,,\n", []),
        (KOINLY + "2022-03-01 10:00 UTC,,,2,SOL,,,,,staking,,\n", []),
        (
            KOINLY.replace("Net Worth Amount,Net Worth Currency,", "") + "2022-03-01 10:00 UTC,,,2,SOL,,,staking,,\n",
            [],
        ),
        # Kraken: of each row, and of its fee in what it was charged in
        (
            LEDGERS
            + "A,R,2026-03-01 10:00:00,trade,,currency,fiat,EUR,spot,-500,1,0,-550,1.1,0,EUR\n"
            + "B,R,2026-03-01 10:00:00,trade,,currency,crypto,BTC,spot,0.0125,0,0,549.9,0,0,BTC\n",
            ["EUR 500 = 550 USD", "BTC 0.0125 = 549.9 USD", "EUR 1 = 1.1 USD"],
        ),
        (
            LEDGERS + "A,S,2026-03-01 10:00:00,earn,reward,currency,crypto,SOL,earn,2,0.1,0,180,,0,\n",
            ["SOL 2 = 180 USD"],
        ),
        (LEDGERS + "A,S,2026-03-01 10:00:00,deposit,,currency,crypto,SOL,spot,2,0,0,0.00,,0,\n", []),
        (
            TRADES + "T,O,BTC/EUR,2026-03-01 10:00:00.1234,buy,limit,40000,500,1,0.0125,0,,,551\n",
            ["BTC 0.0125 = 551 USD", "EUR 500 = 551 USD"],
        ),
        # wealthfolio: of income; the price of a transfer may be what was once paid
        (WEALTHFOLIO + "2022-03-01,STAKING,SOL,CRYPTO,2,90,USD,0,,,,\n", ["SOL 2 = 180 USD"]),
        (WEALTHFOLIO + "2022-03-01,TRANSFER_IN,SOL,CRYPTO,2,90,USD,0,,,,\n", []),
        # Coinbase: of what was converted, and of trades in another quote
        (
            COINBASE + "a,2022-03-01 10:00:00 UTC,Convert,BTC,-1,EUR,36000,36100,100,Converted 1 BTC to 20 ETH\n",
            ["BTC 1 = 36000 EUR"],
        ),
        (
            COINBASE
            + "a,2022-03-01 10:00:00 UTC,Convert,BTC,-1,USD,40000,40100,100,Converted 1 BTC to 20 ETH\n"
            + "b,2022-03-01 10:00:00 UTC,Convert,ETH,20,USD,39900,39900,0,Converted 1 BTC to 20 ETH\n",
            ["BTC 1 = 40000 USD", "ETH 20 = 39900 USD"],
        ),
        (
            COINBASE.removeprefix("ID,").replace("Price Currency,Subtotal,Total,Fees", "EUR Subtotal,EUR Fees")
            + "2021-03-01T10:00:00Z,Convert,BTC,1,36000,0,Converted 1 BTC to 20 ETH\n",
            ["BTC 1 = 36000 EUR"],
        ),
        (
            COINBASE
            + "a,2022-03-01 10:00:00 UTC,Advanced Trade Buy,SOL,2,USD,180,180,0,"
            + "Bought 2 SOL for 0.0045 BTC on SOL-BTC at 0.00225 BTC/SOL\n",
            ["SOL 2 = 180 USD"],
        ),
    ],
)
def test_what_rows_say_that_their_assets_were_worth(text: str, worths: list[str]) -> None:
    [event] = [one for one in events(text) if one.kind != "fee"]
    assert [f"{one.symbol} {one.quantity} = {plain(one.value)} {one.currency}" for one in event.worths] == worths


@pytest.mark.parametrize(
    ("text", "keeps"),
    [
        (
            COINBASE
            + "a,2022-03-01 10:00:00 UTC,Asset Migration,MATIC,-100,USD,1,1,0,\n"
            + "b,2022-03-01 10:00:00 UTC,Asset Migration,POL,100,USD,1,1,0,\n",
            True,
        ),
        (
            HISTORY
            + "7,2022-03-01 00:00:50,Spot,Token Swap - Redenomination/Rebranding,MATIC,-5,\n"
            + "7,2022-03-01 00:00:50,Spot,Token Swap - Distribution,POL,5,\n",
            True,
        ),
        (
            HISTORY
            + "7,2022-03-01 00:00:50,Spot,ETH 2.0 Staking,ETH,-5,\n"
            + "7,2022-03-01 00:00:50,Spot,ETH 2.0 Staking,BETH,5,\n",
            True,
        ),
        (
            HISTORY
            + "7,2022-03-01 00:00:50,Spot,Asset Recovery,LUNA,-5,\n7,2022-03-01 00:00:50,Spot,Asset Recovery,USTC,5,\n",
            False,
        ),
        (
            HISTORY + "7,2022-03-01 00:00:50,Spot,Convert,SOL,-5,\n7,2022-03-01 00:00:50,Spot,Convert,ETH,5,\n",
            False,
        ),
    ],
)
def test_a_migration_keeps_its_cost_and_a_conversion_is_a_sale(text: str, keeps: bool) -> None:
    [event] = events(text)
    assert (event.kind, event.keeps_cost) == ("conversion", keeps)
