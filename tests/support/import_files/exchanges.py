"""Files of Binance and Kraken, of all years."""

from __future__ import annotations

from typing import Final

from tests.support.import_files.sample import Sample

_LEDGERS: Final = '"txid","refid","time","type","subtype","aclass","asset","amount","fee","balance"\n'
_LEDGERS_2024: Final = (
    '"txid","refid","time","type","subtype","aclass","subclass","asset","wallet","amount","fee","balance"\n'
)
_LEDGERS_2026: Final = (
    '"txid","refid","time","type","subtype","aclass","subclass","asset","wallet","amount","fee","balance",'
    '"amountusd","feeusd","balanceusd","feecurrency"\n'
)
_TRADES: Final = (
    '"txid","ordertxid","pair","time","type","ordertype","price","cost","fee","vol","margin","misc","ledgers"\n'
)
_TRADES_NOW: Final = (
    '"txid","ordertxid","pair","aclass","subclass","time","type","ordertype","price","cost","fee","vol","margin",'
    '"misc","ledgers","posttxid","posstatuscode","cprice","ccost","cfee","cvol","cmargin","net","costusd","trades"\n'
)

BINANCE: Final = (
    Sample(
        name="binance-2019.csv",
        text=(
            "Date(UTC),Market,Type,Price,Amount,Total,Fee,Fee Coin\n"
            "2019-03-01 10:00:00,BNBBUSD,BUY,10,2,20,0.002,BNB\n"
            "2019-03-01 10:00:00,BNBBUSD,BUY,10,2,20,0.002,BNB\n"
            "2019-03-01 10:00:01,ETHBTC,SELL,0.03,1,0.03,0.00003,BTC\n"
            "2019-03-01 10:00:02,BTCUSDT,BUY,4000,0.1,400,0.01,BNB\n"
        ),
        events=(
            ("conversion", "BNB 1.998, BUSD -20"),
            ("conversion", "BNB 1.998, BUSD -20"),
            ("conversion", "ETH -1, BTC 0.02997"),
            ("trade", "BTC 0.1, USDT -400, BNB -0.01"),
        ),
    ),
    Sample(
        name="binance-2022.csv",
        text=(
            "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"
            "2022-03-01 10:00:00,BTCUSDT,BUY,40000,0.0500000000BTC,2000.0000000000USDT,0.0000500000BTC\n"
            '2022-03-01 10:00:01,SHIBUSDT,BUY,0.00002,"1,000,000.00SHIB",20.00000000USDT,0.02USDT\n'
            "2022-03-01 10:00:02,1INCHUSDT,SELL,1.5,120.00000000001INCH,180.00000000USDT,0.0004BNB\n"
        ),
        events=(
            ("trade", "BTC 0.04995, USDT -2000"),
            ("trade", "SHIB 1000000, USDT -20.02"),
            ("trade", "1INCH -120, USDT 180, BNB -0.0004"),
        ),
    ),
    Sample(
        name="Binance-Spot-Trade-History(UTC+2).csv",
        text=(
            "Time,Pair,Side,Price,Executed,Amount,Fee,,,\n"
            "25-03-01 00:30:00,BTCUSDC,SELL,80000,0.01BTC,800USDC,0.8USDC,,,\n"
            "25-03-01 00:30:00,BTCUSDC,SELL,80000,0.01BTC,800USDC,0.8USDC,,,\n"
        ),
        events=(("trade", "BTC -0.01, USDC 799.2"), ("trade", "BTC -0.01, USDC 799.2")),
    ),
    Sample(
        name="Binance-Spot-Trade-History (UTC--6).csv",
        text=("Time,Pair,Side,Price,Executed,Amount,Fee\n2025-03-01 22:30:00,ETHUSDT,BUY,2000,1ETH,2000USDT,0ETH,,,\n"),
        events=(("trade", "ETH 1, USDT -2000"),),
    ),
    Sample(
        name="report-centre.csv",
        text=(
            "Date(UTC),Pair,Base Asset,Quote Asset,Type,Price,Amount,Total,Fee,Fee Coin\n"
            "2025-03-02 10:00:00,BNBBUSD,BNB,BUSD,SELL,600,0.5,300,0.3,BUSD\n"
        ),
        events=(("conversion", "BNB -0.5, BUSD 299.7"),),
    ),
    Sample(
        name="history.csv",
        text=(
            '"User_ID","UTC_Time","Account","Operation","Coin","Change","Remark"\n'
            "7,2023-09-29 09:56:26,Spot,Deposit,USDT,1000,\n"
            "7,2023-09-29 09:57:26,Spot,Transaction Buy,BTC,0.01,\n"
            "7,2023-09-29 09:57:26,Spot,Transaction Spend,USDT,-270,\n"
            "7,2023-09-29 09:57:26,Spot,Transaction Fee,BTC,-1E-05,\n"
            "7,2023-09-29 09:58:26,Spot,Transaction Sold,BTC,-0.005,\n"
            "7,2023-09-29 09:58:26,Spot,Transaction Revenue,USDT,135,\n"
            "7,2023-09-29 09:58:26,Spot,Transaction Fee,BNB,-3.605E-05,\n"
            "7,2023-09-30 09:00:00,Spot,Buy,ETH,0.1,\n"
            "7,2023-09-30 09:00:00,Spot,Buy,BTC,-0.006,\n"
            "7,2023-09-30 09:00:00,Spot,Fee,ETH,-0.0001,\n"
            "7,2023-10-01 09:00:00,Spot,Binance Convert,ETH,-0.05,\n"
            "7,2023-10-01 09:00:01,Spot,Binance Convert,SOL,4,\n"
            "7,2023-10-02 09:00:00,Spot,Small Assets Exchange BNB,SOL,-0.01,\n"
            "7,2023-10-02 09:00:00,Spot,Small Assets Exchange BNB,ETH,-0.0001,\n"
            "7,2023-10-02 09:00:01,Spot,Small Assets Exchange BNB,BNB,0.002,\n"
            "7,2023-10-03 09:00:00,Spot,Simple Earn Flexible Subscription,SOL,-1,\n"
            "7,2023-10-03 09:00:00,Earn,Simple Earn Flexible Subscription,LDSOL,1,\n"
            "7,2023-10-04 09:00:00,Spot,Transfer Between Main and Funding Wallet,USDT,-10,\n"
            "7,2023-10-05 09:00:00,Earn,Simple Earn Flexible - Rewards Income,SOL,0.001,\n"
            "7,2023-10-05 09:00:10,Spot,Simple Earn Flexible Interest,SOL,0.001,\n"
            "7,2023-10-06 09:00:00,Spot,Airdrop Assets,ARB,10,\n"
            "7,2023-10-07 09:00:00,Spot,Withdraw,SOL,-0.5,Withdraw fee is included\n"
            "7,2023-10-08 09:00:00,USDT-Futures,Funding Fee,USDT,-1,\n"
            "7,2023-10-09 09:00:00,Spot,Gift Card Redemption,USDT,5,\n"
            "7,2023-10-10 09:00:00,Spot,Token Swap - Redenomination/Rebranding,LUNA,-2,\n"
            "7,2023-10-10 09:00:00,Spot,Token Swap - Redenomination/Rebranding,LUNC,2,\n"
        ),
        events=(
            ("deposit", "USDT 1000"),
            ("trade", "BTC 0.00999, USDT -270"),
            ("trade", "BTC -0.005, USDT 135, BNB -0.00003605"),
            ("conversion", "ETH 0.0999, BTC -0.006"),
            ("conversion", "ETH -0.05, SOL 4"),
            ("conversion", "SOL -0.01, ETH -0.0001, BNB 0.002"),
            ("reward", "SOL 0.001"),
            ("airdrop", "ARB 10"),
            ("transfer_out", "SOL -0.5"),
            ("conversion", "LUNA -2, LUNC 2"),
        ),
        ignored=(17, 18, 19, 20),
        reported=(24, 25),
    ),
    Sample(
        name="history (UTC+2).csv",
        text=(
            "User ID,Time,Account,Operation,Coin,Change,Remark\n"
            "7,23-09-29 09:56:26,Spot,Deposit,USDT,1000,\n"
            "7,23-09-29 09:57:26,Spot,Large OTC trading,USDT,-500,\n"
            "7,23-09-29 09:57:26,Spot,Large OTC trading,BTC,0.02,\n"
        ),
        events=(("deposit", "USDT 1000"), ("trade", "BTC 0.02, USDT -500")),
    ),
)
KRAKEN: Final = (
    Sample(
        name="ledgers-2021.csv",
        text=_LEDGERS
        + (
            '"","QD1","2021-02-01 10:00:00","deposit","","currency","ZEUR",1000.0000,0.0000,""\n'
            '"L1","QD1","2021-02-01 10:30:12","deposit","","currency","ZEUR",1000.0000,0.5000,999.5000\n'
            '"L2","T1","2021-02-01 11:30:12","trade","","currency","ZEUR",-500.0000,0.8000,498.7000\n'
            '"L3","T1","2021-02-01 11:30:12","trade","","currency","XXBT",0.0150000000,0.0000000000,0.0150000000\n'
            '"L4","T2","2021-02-01 12:30:12","trade","","currency","ZEUR",100.0000,0.0000,598.7000\n'
            '"L5","T2","2021-02-01 12:30:12","trade","","currency","XXBT",-0.0030000000,0.0000048000,0.0119952000\n'
            '"L6","T2","2021-02-01 12:30:12","trade","","currency","KFEE",0.00,16.00,0.00\n'
            '"L7","B1","2021-02-02 12:30:12","transfer","spottostaking","currency","DOT",-5.0,0,0\n'
            '"L8","B1","2021-02-02 12:30:13","transfer","stakingfromspot","currency","DOT.S",5.0,0,5.0\n'
            '"L9","S1","2021-02-03 12:30:12","staking","","currency","DOT28.S",0.0100000000,0.0010000000,5.009\n'
            '"L10","QW1","2021-02-04 12:30:12","withdrawal","","currency","XXDG",-10.0,2.0,0.0\n'
            '"L11","QW1","2021-02-04 13:30:12","withdrawal","","currency","XXDG",10.0,-2.0,12.0\n'
            '"L12","A1","2021-02-05 12:30:12","transfer","","currency","FLR",25.0,0,25.0\n'
            '"L13","M1","2021-02-06 12:30:12","margin","","currency","ZUSD",-1.0,0.1,0\n'
        ),
        events=(
            ("deposit", "EUR 999.5"),
            ("trade", "BTC 0.015, EUR -500.8"),
            ("trade", "BTC -0.0030048, EUR 100"),
            ("reward", "DOT 0.009"),
            ("airdrop", "FLR 25"),
        ),
        ignored=(2, 8, 9, 10, 12, 13),
        reported=(15,),
    ),
    Sample(
        name="ledgers-2024.csv",
        text=_LEDGERS_2024
        + (
            '"L1","S1","2024-02-01 10:30:12","spend","","currency","fiat","EUR","spot / main",-100.0,1.0,0\n'
            '"L2","S1","2024-02-01 10:30:12","receive","","currency","crypto","SOL","spot / main",1.0,0,1.0\n'
            '"L3","E1","2024-02-02 10:30:12","earn","reward","currency","crypto","SOL","earn",0.002,0.0004,1.0016\n'
            '"L4","E2","2024-02-02 11:30:12","earn","allocation","currency","crypto","SOL","spot / main",-1,0,0\n'
            '"L5","E2","2024-02-02 11:30:12","earn","allocation","currency","crypto","SOL","earn / bonded",1,0,1\n'
            '"L6","DS","2024-02-03 10:30:12","spend","dustsweeping","currency","crypto","ADA","spot / main",-0.5,0,0\n'
            '"L7","DS","2024-02-03 10:30:12","spend","dustsweeping","currency","crypto","XRP","spot / main",-0.7,0,0\n'
            '"L8","DS","2024-02-03 10:30:12","receive","dustsweeping","currency","crypto","BTC","spot",0.00001,0,1\n'
        ),
        events=(
            ("trade", "SOL 1, EUR -101"),
            ("reward", "SOL 0.0016"),
            ("conversion", "ADA -0.5, XRP -0.7, BTC 0.00001"),
        ),
        ignored=(5, 6),
    ),
    Sample(
        name="ledgers-2026.csv",
        text=_LEDGERS_2026
        + (
            '"L1","T1","2026-02-01 10:30:12","trade","tradespot","currency","crypto","ETH","spot / main",-1.0,0,0,'
            '"3000","0","0","USD"\n'
            '"L2","T1","2026-02-01 10:30:12","trade","tradespot","currency","fiat","USD","spot / main",3000,7.8,2992.2,'
            '"3000","7.8","2992.2","USD"\n'
        ),
        events=(("trade", "ETH -1, USD 2992.2"),),
    ),
    Sample(
        name="trades-2021.csv",
        text=_TRADES
        + (
            '"TX1","O1","XXBTZEUR","2021-02-01 11:30:12.3456","buy","limit",33333.3,500.0000,0.8000,0.01500000,0,"",'
            '"L2,L3"\n'
            '"TX2","O2","XETHXXBT","2021-02-01 12:30:12.3456","sell","limit",0.0400,0.0400,0.000064,1.0,0,"","L4,L5"\n'
            '"TX3","O3","XDGUSD","2021-02-01 13:30:12.3456","buy","market",0.05,5.0,0,100,5.0,"","L6"\n'
        ),
        events=(("trade", "BTC 0.015, EUR -500.8"), ("conversion", "ETH -1, BTC 0.039936")),
        reported=(4,),
    ),
    Sample(
        name="trades-2026.csv",
        text=_TRADES_NOW
        + (
            '"TX1","O1","BTC/USD","forex","crypto","2026-02-01 11:30:12.3456","buy","limit",80000,800,2.08,0.01,0,"",'
            '"L2,L3","","","","","","","","","800",""\n'
        ),
        events=(("trade", "BTC 0.01, USD -802.08"),),
    ),
)
