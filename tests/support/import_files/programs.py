"""Files of programs."""

from __future__ import annotations

from typing import Final

from tests.support.import_files.sample import Sample

_KOINLY: Final = (
    "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,"
    "Net Worth Amount,Net Worth Currency,Label,Description,TxHash\n"
)

PROGRAMS: Final = (
    Sample(
        name="ghostfolio.json",
        text=(
            '{"meta": {"version": "2"}, "accounts": [{"balances": [{"date": "2024-01-01", "value": 500}]}],'
            ' "activities": ['
            '{"accountId": "a", "comment": null, "fee": 1.5, "id": "g1", "quantity": 0.1, "type": "BUY",'
            ' "unitPrice": 40000.05, "currency": "USD", "dataSource": "YAHOO", "date": "2024-01-02T00:00:00.000Z",'
            ' "symbol": "BTCUSD", "tags": []},'
            ' {"accountId": "a", "comment": null, "fee": 0, "id": "g2", "quantity": 1e-8, "type": "SELL",'
            ' "unitPrice": 40000, "currency": "USD", "dataSource": "COINGECKO", "date": "2024-01-03T00:00:00.000Z",'
            ' "symbol": "bitcoin", "tags": []},'
            ' {"accountId": "a", "fee": 0, "id": "g3", "quantity": 1, "type": "LIABILITY", "unitPrice": 5,'
            ' "currency": "USD", "dataSource": "MANUAL", "date": "2024-01-04T00:00:00.000Z", "symbol": "Loan"},'
            ' {"accountId": "a", "fee": 0, "id": "g4", "quantity": 1, "type": "BUY", "unitPrice": 5,'
            ' "currency": "USD", "dataSource": "YAHOO", "date": "2126-01-04T00:00:00.000Z", "symbol": "BTCUSD"}]}'
        ),
        events=(("trade", "BTC 0.1, USD -4001.505"), ("trade", "BTC -0.00000001, USD 0.0004")),
        ignored=(2, 3),
    ),
    Sample(
        name="freqtrade.json",
        text=(
            '{"trades": [{"trade_id": 3, "pair": "ETH/USDT", "is_open": false, "exchange": "binance",'
            ' "fee_open": 0.001, "fee_close": 0.001, "fee_open_cost": 0.2, "fee_open_currency": "ETH",'
            ' "is_short": false,'
            ' "leverage": 1.0, "trading_mode": "spot", "quote_currency": "USDT", "base_currency": "ETH", "orders": ['
            '{"pair": "ETH/USDT", "order_id": "o1", "status": "closed", "filled": 0.1, "average": 2000.0,'
            ' "order_filled_timestamp": 1700000000000, "ft_order_side": "buy", "ft_is_entry": true,'
            ' "ft_fee_base": null},'
            '{"pair": "ETH/USDT", "order_id": "o2", "status": "canceled", "filled": 0.04, "average": 2100.0,'
            ' "order_filled_timestamp": 1700003600000, "ft_order_side": "sell", "ft_is_entry": false,'
            ' "ft_fee_base": null},'
            '{"pair": "ETH/USDT", "order_id": "o3", "status": "canceled", "filled": 0.0, "average": null,'
            ' "order_filled_timestamp": null, "ft_order_side": "sell", "ft_is_entry": false, "ft_fee_base": null}'
            ']}], "trades_count": 1, "offset": 0, "total_trades": 1}'
        ),
        events=(("trade", "ETH 0.1, USDT -200.2"), ("trade", "ETH -0.04, USDT 83.916")),
        ignored=("3/o3",),
    ),
    Sample(
        name="ccxt.json",
        text=(
            '[{"id": "1", "order": "o", "timestamp": 1700000000000, "datetime": "2023-11-14T22:13:20.000Z",'
            ' "symbol": "BTC/USDT", "side": "buy", "price": 37000.0, "amount": 0.01, "cost": 370.0,'
            ' "fee": {"cost": 0.00001, "currency": "BTC", "rate": 0.001}, "fees": [], "takerOrMaker": "taker",'
            ' "info": {}},'
            ' {"id": "2", "order": "o", "timestamp": 1700000001000, "datetime": "2023-11-14T22:13:21.000Z",'
            ' "symbol": "BTC/USDT", "side": "sell", "price": 37000.0, "amount": 0.01, "cost": 370.0,'
            ' "fee": {"cost": -0.05, "currency": "USDT"}, "fees": [], "takerOrMaker": "maker", "info": {}},'
            ' {"id": "3", "order": "o", "timestamp": 1700000002000, "datetime": "2023-11-14T22:13:22.000Z",'
            ' "symbol": "ETH/USDT", "side": "buy", "price": 2000.0, "amount": 1.0, "cost": 2000.0,'
            ' "fee": {"cost": null}, "fees": [{"cost": 1.0, "currency": "USDT"}, {"cost": 0.001, "currency": "BNB"}],'
            ' "takerOrMaker": "taker", "info": {}},'
            ' {"id": "4", "order": "o", "timestamp": 1700000003000, "datetime": "2023-11-14T22:13:23.000Z",'
            ' "symbol": "BTC/USDT:USDT", "side": "buy", "price": 37000.0, "amount": 0.01, "cost": 370.0,'
            ' "fee": {"cost": 0.1, "currency": "USDT"}, "fees": [], "info": {}}]'
        ),
        events=(
            ("trade", "BTC 0.00999, USDT -370"),
            ("trade", "BTC -0.01, USDT 370.05"),
            ("trade", "ETH 1, USDT -2001"),
            ("fee", "BNB -0.001"),
        ),
        reported=(3,),
    ),
    Sample(
        name="koinly.csv",
        text=_KOINLY
        + (
            "2018-01-01 14:25 UTC,,,1000,EUR,,,,,,,\n"
            "2018-01-02 14:25 UTC,500,EUR,0.05,BTC,1,EUR,500,EUR,,,\n"
            "2018-01-03 14:25 UTC,0.01,BTC,0.0098,BTC,,,,,,,\n"
            "2018-01-04 14:25 UTC,0.01,BTC,0,,0.0001,BTC,,,,,tx\n"
            "2018-01-05 14:25 UTC,0,,0.5,DOT,,,2.5,EUR,staking,,\n"
            "2018-01-06 14:25 UTC,,,3,UNI,,,,,airdrop,,\n"
            "2018-01-07 14:25 UTC,0.001,BTC,,,,,,,cost,,\n"
            "2018-01-08 14:25 UTC,5,UNI,,,,,,,margin trade,,\n"
            "2018-01-09 14:25 UTC,0.02,BTC,0.02,BTC,,,,,,,\n"
        ),
        events=(
            ("deposit", "EUR 1000"),
            ("trade", "BTC 0.05, EUR -501"),
            ("fee", "BTC -0.0002"),
            ("transfer_out", "BTC -0.0101"),
            ("reward", "DOT 0.5"),
            ("airdrop", "UNI 3"),
            ("fee", "BTC -0.001"),
        ),
        ignored=(10,),
        reported=(9,),
    ),
    Sample(
        name="koinly-trades.csv",
        text=(
            "Koinly Date,Pair,Side,Amount,Total,Fee Amount,Fee Currency,Order ID,Trade ID\n"
            "2018-01-01 14:25 UTC,BTC-EUR,Buy,0.1,1000,1.5,EUR,o1,t1\n"
            "2018-01-01 14:26 UTC,ETH-BTC,Sell,1,0.07,0.5,BNB,o2,t2\n"
        ),
        events=(("trade", "BTC 0.1, EUR -1001.5"), ("conversion", "ETH -1, BTC 0.07, BNB -0.5")),
    ),
    Sample(
        name="wealthfolio.csv",
        text=(
            "date,type,symbol,instrumentType,quantity,unit_price,currency,fee,amount,comment,fxRate,subtype\n"
            "2024-01-01,DEPOSIT,$CASH-USD,,1,1000,USD,0,1000,,,\n"
            "2024-01-02T10:00:00Z,BUY,BTC,CRYPTO,0.0123456789,40000,USD,1.25,493.83,,,\n"
            "2024-01-03T10:00:00Z,SELL,BTC,CRYPTO,0.001,41000,USD,0,,,,\n"
            "2024-01-04,INTEREST,$CASH-USD,,,,USD,0,1.23,,,\n"
            "2024-01-05,TRANSFER_IN,ETH,CRYPTO,2,2000,USD,0,,,,\n"
            "2024-01-06,BUY,AAPL,EQUITY,1,180,USD,0,180,,,\n"
            "2024-01-07,SPLIT,BTC,CRYPTO,2,,USD,,,,,\n"
        ),
        events=(
            ("deposit", "USD 1000"),
            ("trade", "BTC 0.0123456789, USD -495.08"),
            ("trade", "BTC -0.001, USD 41"),
            ("reward", "USD 1.23"),
            ("transfer_in", "ETH 2"),
        ),
        reported=(7, 8),
    ),
)
