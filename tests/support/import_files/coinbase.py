"""Files of Coinbase, of all years, and of Coinbase Pro."""

from __future__ import annotations

from typing import Final

from tests.support.import_files.sample import Sample

_PREAMBLE: Final = "\nTransactions\nUser,Ann Example,0b5f7b0e-0000-4000-8000-000000000000\n"
_TAX: Final = (
    "\nYou can use this transaction report to inform your likely tax obligations.\n\nTransactions\n"
    "User,Ann Example,0b5f7b0e-0000-4000-8000-000000000000\n\n"
)
_NEWEST: Final = (
    "ID,Timestamp,Transaction Type,Asset,Quantity Transacted,Price Currency,Price at Transaction,Subtotal,"
    "Total (inclusive of fees and/or spread),Fees and/or Spread,Notes,Sender Address,Recipient Address\n"
)
_OF_2024: Final = _NEWEST.replace(",Sender Address,Recipient Address", "")
_WITHOUT_ID: Final = _OF_2024.removeprefix("ID,")
_SPOT: Final = _WITHOUT_ID.replace(
    "Price Currency,Price at Transaction", "Spot Price Currency,Spot Price at Transaction"
)
_BEFORE_2022: Final = _SPOT.replace(" and/or spread", "").replace("Fees and/or Spread", "Fees")
_TO_MID_2021: Final = (
    "Timestamp,Transaction Type,Asset,Quantity Transacted,EUR Spot Price at Transaction,EUR Subtotal,"
    "EUR Total (inclusive of fees),EUR Fees,Notes\n"
)

COINBASE: Final = (
    Sample(
        name="coinbase-2025.csv",
        text=_PREAMBLE
        + _NEWEST
        + (
            "c20,2025-01-20 10:00:00 UTC,Subscription Rebate,USDC,1,USD,$1.00,$1.00,$1.00,$0.00,,,\n"
            'c19,2025-01-19 10:00:01 UTC,Convert,ADA,100,EUR,€0.80,€80,€79,€1,Converted 100 ADA to 0.02 ETH,,\n'
            'c18,2025-01-19 09:00:01 UTC,Convert,ETH,-0.5,EUR,€3000,-€1500,-€1480,€20,'
            '"Converted 0.5 ETH to 1,204.5 ADA",,\n'
            'c17,2025-01-18 09:00:01 UTC,Convert,LTC,-1,EUR,€100,-€100,-€100,€0,"Converted 1,0 LTC to 0,15 BCH",,\n'
            "c16,2025-01-17 16:57:02 UTC,Convert,DOT,-10,USD,$5.00,-$50.00,-$49.00,$1.00,,,\n"
            "c15,2025-01-17 16:57:02 UTC,Convert,LINK,3,USD,$16.00,$48.00,$49.00,$1.00,,,\n"
            'c14,2025-01-16 16:57:02 UTC,Sell,BTC,-0.005,USD,"$95,000.00",-$475.00,-$470.00,$5.00,,,\n'
            "c13,2025-01-15 16:57:02 UTC,Advanced Trade Buy,SOL,2,USD,$146.00,$292.00,$293.76,$1.76,"
            "Bought 2 SOL for 291.74 USDC on SOL-USDC at 145 USDC/SOL,,\n"
            "c12,2025-01-15 16:58:02 UTC,Advance Trade Sell,SOL,-1,USD,$146.00,-$146.00,-$145.00,$1.00,"
            "Sold 1 SOL for 144.13 USDC on SOL-USDC,,\n"
            "c11,2025-01-14 16:57:02 UTC,Advanced Trade Sell,BTC,-0.01,EUR,€90000,-€900.00,-€896.40,€3.60,"
            "Sold 0.01 BTC for 896.40 EUR on BTC-EUR at 90000 EUR/BTC,,\n"
            "c10,2025-01-13 16:57:02 UTC,Send,ETH,-0.25,CAD,CA$4500.00,-CA$1125.00,-CA$1125.00,CA$0.00,,,0xabc\n"
            "c9,2025-01-12 16:57:02 UTC,Receive,ETH,0.3,GBP,£2500.00,£750.00,£750.00,£0.00,,0xdef,\n"
            "c8,2025-01-11 16:57:02 UTC,Withdrawal,EUR,-597.49,EUR,€1.00,-€597.49,-€597.49,€0.00,,,\n"
            "c7,2025-01-10 16:57:02 UTC,Deposit,EUR,3343.11,EUR,€1.00,€3343.11,€3343.11,€0.00,,,\n"
            "c6,2025-01-09 16:57:02 UTC,Staking Income,ATOM,1.0e-08,EUR,€6.00,€0.00,€0.00,€0.00,,,\n"
            "c5,2025-01-08 16:57:02 UTC,Retail Staking Transfer,ATOM,-1,EUR,€6.00,-€6.00,-€6.00,€0.00,,,\n"
            "c4,2025-01-07 16:57:02 UTC,Exchange Deposit,BTC,-0.1,EUR,€90000,-€9000,-€9000,€0.00,,,\n"
            "c3,2025-01-06 16:57:03 UTC,Asset Migration,POL,250,EUR,€0.40,€100.00,€100.00,€0.00,,,\n"
            "c2,2025-01-06 16:57:02 UTC,Asset Migration,MATIC,-250,EUR,€0.40,-€100.00,-€100.00,€0.00,,,\n"
            "c1,2025-01-05 16:57:02 UTC,Buy,BTC,0.01,EUR,€95000.00,€950,€965,€15,Bought 0.01 BTC for 965 EUR,,\n"
        ),
        events=(
            ("conversion", "ADA -100, ETH 0.02"),
            ("conversion", "ETH -0.5, ADA 1204.5"),
            ("conversion", "LTC -1, BCH 0.15"),
            ("conversion", "DOT -10, LINK 3"),
            ("trade", "BTC -0.005, USD 470"),
            ("trade", "SOL 2, USDC -291.74"),
            ("trade", "SOL -1, USDC 144.13"),
            ("trade", "BTC -0.01, EUR 896.40"),
            ("transfer_out", "ETH -0.25"),
            ("transfer_in", "ETH 0.3"),
            ("withdrawal", "EUR -597.49"),
            ("deposit", "EUR 3343.11"),
            ("reward", "ATOM 0.00000001"),
            ("conversion", "MATIC -250, POL 250"),
            ("trade", "BTC 0.01, EUR -965"),
        ),
        ignored=(20, 21),
        reported=(5,),
    ),
    Sample(
        name="coinbase-2024.csv",
        text=_PREAMBLE
        + _OF_2024
        + (
            "d2,2024-03-02 10:00:00 UTC,Reward Income,USDC,0.5,USD,$1.00,$0.50,$0.50,$0.00,\n"
            "d1,2024-03-01 10:00:00 UTC,Buy,ETH,1,USD,$3000,$3000,$3045,$45,Bought 1 ETH for 3045 USD\n"
        ),
        events=(("reward", "USDC 0.5"), ("trade", "ETH 1, USD -3045")),
    ),
    Sample(
        name="coinbase-2023.csv",
        text=_TAX
        + _WITHOUT_ID
        + (
            "2023-03-01T10:00:00Z,Learning Reward,GRT,5,USD,0.1,0.50,0.50,0.00,\n"
            "2023-03-02T10:00:00Z,Advance Trade Buy,LINK,10,USD,7.00,70.00,70.42,0.42,"
            "Bought 10 LINK for 70.40 USDT on LINK-USDT at 7 USDT/LINK\n"
            "2023-03-03T10:00:00Z,Retail Eth2 Deprecation,ETH2,1.5,USD,1600,2400,2400,0,\n"
            "2023-03-03T10:00:01Z,Retail Eth2 Deprecation,ETH,1.5,USD,1600,2400,2400,0,\n"
        ),
        events=(("reward", "GRT 5"), ("trade", "LINK 10, USDT -70.40"), ("conversion", "ETH2 -1.5, ETH 1.5")),
    ),
    Sample(
        name="coinbase-2022.csv",
        text=_TAX
        + _SPOT
        + (
            "2022-03-01T10:00:00Z,Buy,BTC,0.02,EUR,40000.00,800.00,812.00,12.00,Bought 0.02 BTC for €812.00 EUR\n"
            "2022-03-01T10:00:00Z,Buy,BTC,0.02,EUR,40000.00,800.00,812.00,12.00,Bought 0.02 BTC for €812.00 EUR\n"
            "2022-03-02T10:00:00Z,Pro Withdrawal,EUR,100,EUR,1,100,100,0,\n"
        ),
        events=(("trade", "BTC 0.02, EUR -812"), ("trade", "BTC 0.02, EUR -812")),
        ignored=(10,),
    ),
    Sample(
        name="coinbase-2021.csv",
        text=_TAX
        + _BEFORE_2022
        + (
            "2021-09-01T10:00:00Z,Sell,BTC,0.02,EUR,40000.00,800.00,788.00,12.00,Sold 0.02 BTC for €788.00 EUR\n"
            "2021-09-02T10:00:00Z,Send,BTC,1.0e-08,EUR,40000.00,,,,Sent 0.00000001 BTC to bc1q\n"
        ),
        events=(("trade", "BTC -0.02, EUR 788"), ("transfer_out", "BTC -0.00000001")),
    ),
    Sample(
        name="coinbase-2020.csv",
        text=_TAX
        + _TO_MID_2021
        + (
            "2021-04-29T14:57:14Z,Buy,BTC,0.01,45000,450.00,456.71,6.71,Bought 0.01 BTC for €456.71 EUR\n"
            "2021-04-29T14:58:14Z,Coinbase Earn,COMP,0.01,400,4,4,0,Received 0.01 COMP from Coinbase Earn\n"
            "2021-04-29T14:59:14Z,Convert,BTC,0.005,45000,225.00,228.00,3.00,Converted 0.005 BTC to 0.1 ETH\n"
        ),
        events=(("trade", "BTC 0.01, EUR -456.71"), ("reward", "COMP 0.01"), ("conversion", "BTC -0.005, ETH 0.1")),
    ),
    Sample(
        name="fills.csv",
        text=(
            "portfolio,trade id,product,side,created at,size,size unit,price,fee,total,price/fee/total unit\n"
            "default,7,BTC-USD,BUY,2019-06-26T09:43:18.503Z,0.01,BTC,12000,0.6,-120.6,USD\n"
            "default,7,ETH-USD,SELL,2019-06-26T09:43:18.503Z,1,ETH,300,1.5,298.5,USD\n"
            "default,8,ETH-BTC,BUY,2019-06-26T09:44:18.503Z,2,ETH,0.025,0.00015,-0.05015,BTC\n"
        ),
        events=(
            ("trade", "BTC 0.01, USD -120.6"),
            ("trade", "ETH -1, USD 298.5"),
            ("conversion", "ETH 2, BTC -0.05015"),
        ),
    ),
    Sample(
        name="fills-old.csv",
        text=(
            "trade id,product,side,created at,size,size unit,price,fee,total,price/fee/total unit\n"
            "9,BTC-EUR,BUY,2018-06-26T09:43:18.503Z,0.01,BTC,6000,0,-60,EUR\n"
        ),
        events=(("trade", "BTC 0.01, EUR -60"),),
    ),
    Sample(
        name="account.csv",
        text=(
            "portfolio,type,time,amount,balance,amount/balance unit,transfer id,trade id,order id\n"
            "default,deposit,2019-06-25T09:43:18.503Z,1000,1000,USD,t-1,,\n"
            "default,match,2019-06-26T09:43:18.503Z,-120,880,USD,,7,o-1\n"
            "default,match,2019-06-26T09:43:18.503Z,0.01,0.01,BTC,,7,o-1\n"
            "default,fee,2019-06-26T09:43:18.503Z,-0.6,879.4,USD,,7,o-1\n"
            "default,withdrawal,2019-06-27T09:43:18.503Z,-0.004,0.006,BTC,t-2,,\n"
        ),
        events=(("deposit", "USD 1000"), ("trade", "BTC 0.01, USD -120.6"), ("transfer_out", "BTC -0.004")),
    ),
    Sample(
        name="fills.json",
        text=(
            '{"fills": [{"trade_id": "a", "trade_time": "2024-06-26T09:43:18.503Z", "price": "60000", "size": "0.01",'
            ' "commission": "3.6", "product_id": "BTC-USD", "side": "BUY", "size_in_quote": false},'
            ' {"trade_id": "b", "trade_time": "2024-06-26T09:44:18.503Z", "price": "60000", "size": "600",'
            ' "commission": "3.6", "product_id": "BTC-USD", "side": "BUY", "size_in_quote": true}]}'
        ),
        events=(("trade", "BTC 0.01, USD -603.6"), ("trade", "BTC 0.01, USD -603.6")),
    ),
)  # fmt: skip
