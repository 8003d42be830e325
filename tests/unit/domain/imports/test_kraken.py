"""Kraken's ledgers and trades, of each header they have had."""

import pytest

from portfolio.domain.imports.symbols import kraken_pair, kraken_symbol
from tests.support.imports import answer, legs, previews, reported

OLD = '"txid","refid","time","type","subtype","aclass","asset","amount","fee","balance"\n'
SINCE_2024 = '"txid","refid","time","type","subtype","aclass","asset","wallet","amount","fee","balance"\n'
SINCE_2026 = (
    '"txid","refid","time","type","subtype","aclass","subclass","asset","wallet","amount","fee","balance","amountusd",'
    '"feeusd","balanceusd","feecurrency"\n'
)
TRADES = '"txid","ordertxid","pair","time","type","ordertype","price","cost","fee","vol","margin","misc","ledgers"\n'
TRADES_NOW = (
    '"txid","ordertxid","pair","aclass","subclass","time","type","ordertype","price","cost","fee","vol","margin","misc",'
    '"ledgers","posttxid","posstatuscode","cprice","ccost","cfee","cvol","cmargin","net","costusd","trades"\n'
)


def ledgers(*rows: str) -> str:
    """A file with the first header; a row is txid, refid, type, subtype, asset, amount, fee."""
    text = OLD
    for row in rows:
        txid, refid, kind, subtype, asset, amount, fee = row.split(",")
        text += f'"{txid}","{refid}","2021-02-01 10:30:12","{kind}","{subtype}","currency","{asset}",{amount},{fee},1\n'
    return text


def test_the_rows_of_one_refid_are_one_trade() -> None:
    text = ledgers(
        "L1,T1,trade,,ZEUR,-100.0000,0.2600",
        "L2,T2,spend,,ZUSD,-50,0.5",
        "L3,T1,trade,,XXBT,0.0050000000,0",
        "L4,T2,receive,,XXDG,200,0",
        "L5,T3,trade,,XETH,-1,0",
        "L6,T3,trade,,XXBT,0.03,0.00005",
        "L7,T4,trade,,USDT,-10,0.01",
        "L8,T4,trade,,ZEUR,9,0.02",
    )
    found = answer(text)
    # The balance moves by amount less fee. A second fee, in another coin, is an event of its own.
    assert [(event["kind"], event["row"], event["legs"]) for event in found["events"]] == [
        ("trade", [2, 4], {"BTC": "0.005", "EUR": "-100.26"}),
        ("trade", [3, 5], {"DOGE": "200", "USD": "-50.5"}),
        ("conversion", [6, 7], {"ETH": "-1", "BTC": "0.02995"}),
        ("trade", [8, 9], {"USDT": "-10", "EUR": "8.98"}),
        ("fee", [8, 9], {"USDT": "-0.01"}),
    ]
    assert found["events"][0]["external_id"] == "T1"
    assert found["events"][4]["external_id"] == "T4:fee:USDT"
    assert found["quantities"] == {"BTC": "0.03495", "DOGE": "200", "ETH": "-1"}


@pytest.mark.parametrize("kinds", [("spend,dustsweeping", "receive,dustsweeping"), ("dustsweeping,", "dustsweeping,")])
def test_dust_goes_into_one_coin(kinds: tuple[str, str]) -> None:
    went, came = kinds
    text = ledgers(f"L1,D1,{went},ADA,-1,0", f"L2,D1,{went},XXRP,-2,0", f"L3,D1,{came},ZUSD,0.50,0.01")
    [(kind, changes)] = legs(text)
    assert (kind, changes) == ("conversion", {"USD": "0.49", "ADA": "-1", "XRP": "-2"})


def test_a_deposit_comes_twice_and_its_pending_row_is_ignored_however_they_are_interleaved() -> None:
    text = ledgers(
        ",Q1,deposit,,ZEUR,100,0",
        ",Q2,deposit,,ZEUR,100,0",
        "L1,Q1,deposit,,ZEUR,100,0",
        "L2,Q2,deposit,,ZEUR,100,0",
        ",Q3,withdrawal,,XXBT,-0.5,0.0001",
        "L3,Q3,withdrawal,,XXBT,-0.5,0.0001",
    )
    found = answer(text)
    assert [(event["kind"], event["legs"]) for event in found["events"]] == [
        ("deposit", {"EUR": "100"}),
        ("deposit", {"EUR": "100"}),
        ("transfer_out", {"BTC": "-0.5001"}),
    ]
    assert [one["row"] for one in found["ignored"]] == [2, 3, 6]


def test_a_failed_withdrawal_comes_back_and_moves_nothing() -> None:
    text = ledgers("L1,Q1,withdrawal,,ZEUR,-50,1", "L2,Q1,withdrawal,,ZEUR,50,-1", "L3,Q2,withdrawal,,ZEUR,-50,1")
    found = answer(text)
    assert [event["legs"] for event in found["events"]] == [{"EUR": "-51"}]
    assert [one["row"] for one in found["ignored"]] == [2, 3]


def test_rewards_pay_their_fee_in_the_coin_and_a_bare_transfer_is_an_airdrop_as_one_that_says_so() -> None:
    text = ledgers(
        "L1,R1,staking,,DOT.S,0.1,0.02",
        "L2,R2,earn,reward,SOL03.S,0.2,0.05",
        "L3,R3,transfer,,XXLM,10,0",
        "L4,R4,transfer,airdrop,BCH,4,0",
        "L5,R5,earn,airdrop,STRK,5,1",
    )
    assert legs(text) == [
        ("reward", {"DOT": "0.08"}),
        ("reward", {"SOL": "0.15"}),
        ("airdrop", {"XLM": "10"}),
        ("airdrop", {"BCH": "4"}),
        ("airdrop", {"STRK": "4"}),
    ]


def test_what_is_internal_is_ignored() -> None:
    text = ledgers(
        "L1,I1,transfer,spottostaking,DOT,-1,0",
        "L2,I2,transfer,stakingfromspot,DOT.S,1,0",
        "L3,I3,earn,allocation,SOL,-1,0",
        "L4,I3,earn,allocation,SOL.F,1,0",
        "L5,I4,earn,deallocation,SOL,1,0",
        "L6,I5,earn,autoallocation,SOL,1,0",
        "L7,I6,trade,,KFEE,-10,0",
    )
    found = answer(text + ",,,,,,,,,\n")
    assert found["events"] == found["reported"] == []
    assert [one["row"] for one in found["ignored"]] == [2, 3, 4, 5, 6, 7, 8, 9]


def test_the_refid_unknown_stands_for_no_event() -> None:
    """As of 2024 (AlexanderLill/PP-Crypto-Parser#4): what left staking, and each reward of then, has this refid."""
    header, *rows = ledgers(
        "L1,Unknown,earn,,BTC.M,-0.01,0",
        "L2,Unknown,earn,,BTC,0.01,0",
        "L3,Unknown,earn,,BTC,0.00001,0",
        "L4,Unknown,earn,,BTC,0.00002,0",
        "L5,Unknown,earn,,SOL,0.5,0",
    ).splitlines(keepends=True)
    rows[2], rows[3] = rows[2].replace("02-01", "02-08"), rows[3].replace("02-01", "02-15")
    found = answer(header + "".join(rows))
    assert [(one["at"][:10], one["kind"], one["legs"], one["external_id"]) for one in found["events"]] == [
        ("2021-02-08", "reward", {"BTC": "0.00001"}, "Unknown+L3"),
        ("2021-02-15", "reward", {"BTC": "0.00002"}, "Unknown+L4"),
        ("2021-02-01", "reward", {"SOL": "0.5"}, "Unknown+L5"),
    ]
    assert ([one["row"] for one in found["ignored"]], found["reported"]) == ([2, 3], [])
    of_a_time, whole = previews({"a": header + "".join(rows[:3]), "b": header + "".join(rows)})
    assert (len(of_a_time.events), len(whole.events), len(whole.known)) == (1, 2, 1)


def test_what_went_by_a_migration_has_to_come_though_each_side_has_a_refid_of_its_own() -> None:
    went, came = "L1,M1,earn,migration,ETH2.S,-2,0", "L2,M2,earn,migration,{},2,0"
    assert [one["row"] for one in answer(ledgers(went, came.format("ETH.B")))["ignored"]] == [2, 3]
    told = reported(ledgers(went, came.format("POL")))
    assert [(row, "is not what came" in why) for row, why in told] == [(2, True), (3, True)]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (["L1,M1,margin,,ZEUR,1,0"], "margin and futures"),
        (["L1,M1,rollover,,ZEUR,-1,0"], "margin and futures"),
        (["L1,M1,settled,,ZEUR,1,0"], "margin and futures"),
        (["L1,M1,moon,landing,ZEUR,1,0"], "type 'moon', subtype 'landing' is unknown"),
        (["L1,M1,trade,,ZEUR,1,0"], "a row is missing"),
        (["L1,M1,trade,,ZEUR,1,0", "L2,M1,trade,,XXBT,0,0"], "a row is missing"),
        (["L1,M1,deposit,,ZEUR,1,0", "L2,M1,trade,,XXBT,1,0"], "rows of one refid are deposit and trade"),
        (["L1,M1,deposit,,ZEUR,1,0", "L2,M1,deposit,,XXBT,1,0"], "move several assets"),
        (["L1,M1,staking,,DOT,-1,0"], "taken back"),
        (["L1,M1,deposit,,Z EUR,1,0"], "not the code of an asset"),
        (["L1,M1,dustsweeping,,ADA,-1,0"], "a row is missing"),
        (["L1,M1,earn,allocation,SOL,-1,0", "L2,M1,earn,allocation,SOL.F,0.9,0"], "is not what came"),
        (["L1,M1,earn,migration,MATIC,-1,0", "L2,M1,earn,migration,POL,1,0"], "is not what came"),
        (["L1,M1,transfer,spottostaking,DOT,-1,0.1"], "was charged a fee"),
        (["L1,M1,trade,migration,MATIC,-1,0"], "a row is missing"),
    ],
)
def test_other_rows_are_reported(rows: list[str], why: str) -> None:
    found = reported(ledgers(*rows))
    assert [row for row, _ in found] == list(range(2, 2 + len(rows)))
    assert why in found[0][1]


def test_later_headers_have_more_columns() -> None:
    since_2024 = SINCE_2024 + '"L1","Q1","2024-02-01 10:30:12","deposit","","currency","BTC","spot / main",1,0.1,0.9\n'
    since_2026 = SINCE_2026 + (
        '"L1","Q1","2026-02-01 10:30:12","withdrawal","","currency","crypto","BTC","spot / main",-1,0.5,0.9,1,1,1,'
        '"USD"\n'
    )
    assert legs(since_2024) == [("transfer_in", {"BTC": "0.9"})]
    assert legs(since_2026) == [("transfer_out", {"BTC": "-1", "USD": "-0.5"})]
    assert "margin and futures" in reported(since_2024.replace("spot / main", "futures"))[0][1]


def test_of_a_trade_of_one_asset_under_two_names_no_row_is_missing() -> None:
    """Kraken quoted staked ether in ether: as many for as many move nothing, others are no trade of ours."""
    found = answer(ledgers("L1,T1,trade,,ETH2.S,-1,0", "L2,T1,trade,,XETH,1,0", "L3,T2,trade,,XETH,0,0"))
    assert [(one["row"], one["reason"]) for one in found["ignored"]] == [
        (row, "failed and came back, or nothing moved") for row in (2, 3, 4)
    ]
    told = reported(ledgers("L1,T1,trade,,ETH2.S,-1,0", "L2,T1,trade,,XETH,0.99,0"))
    assert told == [(row, "what went and what came are both ETH: book it by hand") for row in (2, 3)]


def test_the_first_ledgers_and_those_without_all_columns_have_no_subtype() -> None:
    """What came and what only changed places is told apart by it: of one side alone nobody knows."""
    header = '"txid","refid","time","type","aclass","asset","amount","fee","balance"\n'
    found = answer(
        header
        + '"L1","T1","2016-04-23 21:23:03","trade","currency","XETH",-2.0000000000,0.0000000000,8.0000000000\n'
        + '"L2","T1","2016-04-23 21:23:03","trade","currency","ZUSD",16.9710,0.0441,16.9269\n'
        + '"L3","T2","2022-03-04 10:00:00","transfer","currency","DOT",-10,0,0\n'
        + '"L4","T2","2022-03-04 10:00:00","transfer","currency","DOT.S",10,0,10\n'
        + '"L5","T3","2022-03-04 10:00:00","staking","currency","DOT.S",0.1,0,10\n'
        + '"L6","T4","2017-08-01 10:00:00","transfer","currency","BCH",1,0,1\n'
        + '"L7","T5","2024-08-01 10:00:00","earn","currency","SOL",1,0,1\n'
        + '"L8","T6","2024-08-01 10:00:00","deposit","currency","SOL",1,0,1\n'
    )
    assert [(one["kind"], one["legs"]) for one in found["events"]] == [
        ("trade", {"ETH": "-2", "USD": "16.9269"}),
        ("reward", {"DOT": "0.1"}),
        ("transfer_in", {"SOL": "1"}),
    ]
    assert [one["row"] for one in found["ignored"]] == [4, 5]
    told = "whether this came or only changed places is not known: export it with all columns"
    assert [(one["row"], one["reason"].partition(": ")[2]) for one in found["reported"]] == [(7, told), (8, told)]


def test_shares_are_no_coins_of_the_same_letters() -> None:
    """DASH is a coin, and DoorDash."""
    ledger = SINCE_2026 + "".join(
        f'"L{n}","{refid}","2026-02-01 10:30:12","{kind}","{subtype}","{aclass}","{subclass}","{asset}","spot",'
        f'{amount},0,1,,,,""\n'
        for n, (refid, kind, subtype, aclass, subclass, asset, amount) in enumerate([
            ("T1", "trade", "tradeequities", "equity", "equity", "DASH", 2),
            ("T1", "trade", "tradeequities", "currency", "fiat", "USD", -400),
            ("T2", "trade", "tradespot", "currency", "crypto", "DASH", 2),
            ("T2", "trade", "tradespot", "currency", "fiat", "USD", -50),
            ("T3", "deposit", "", "equity", "", "DASH", 1),
            ("T4", "dividend", "cashdividend", "currency", "fiat", "USD", 3),
        ])
    )  # fmt: skip
    found = answer(ledger)
    assert [one["legs"] for one in found["events"]] == [{"DASH": "2", "USD": "-50"}, {"USD": "3"}]
    told = [(one["row"], "these are shares: only coins are imported" in one["reason"]) for one in found["reported"]]
    assert told == [(2, True), (3, True), (6, True)]
    trades = TRADES_NOW + (
        '"T2","O2","DASH/USD","equity_pair","equity","2026-02-01 10:30:12.3456","buy","limit",200,400,0,2,0,"",'
        '"L5,L6","","","","","","","","",400,""\n'
    )
    assert "only coins are imported" in reported(trades)[0][1]


@pytest.mark.parametrize(
    ("code", "symbol"),
    [
        ("C98.F", "C98"), ("C98.S", "C98"), ("SOL03.S", "SOL"), ("LUNA2.S", "LUNA"),
        ("LUNA.S", "LUNC"), ("UST", "USTC"),
        ("XXBT", "BTC"), ("XBT", "BTC"), ("ZUSD", "USD"), ("XXDG", "DOGE"), ("XBT.M", "BTC"), ("ADA.S", "ADA"),
        ("DOT.P", "DOT"), ("USDT.F", "USDT"), ("XBT.B", "BTC"), ("ZEUR.HOLD", "EUR"), ("EUR.HOLD", "EUR"),
        ("ATOM07.S", "ATOM"), ("BTC", "BTC"), ("XTZ", "XTZ"), ("ETH2.S", "ETH"), ("1INCH", "1INCH"),
    ],
)  # fmt: skip
def test_codes_of_kraken(code: str, symbol: str) -> None:
    assert kraken_symbol(code) == symbol


@pytest.mark.parametrize(
    ("pair", "sides"),
    [
        ("XETHXXBT", ("ETH", "BTC")), ("XXBTZUSD", ("BTC", "USD")), ("BTC/USD", ("BTC", "USD")),
        ("ADAEUR", ("ADA", "EUR")), ("XBTUSDT", ("BTC", "USDT")), ("XDGUSD", ("DOGE", "USD")),
        ("ADAXBT", ("ADA", "BTC")), ("BCHZEUR", ("BCH", "EUR")),
        # TUSD is quoted at Binance, and never was at Kraken
        ("XBTUSD", ("BTC", "USD")), ("OXTUSD", ("OXT", "USD")), ("TUSDUSD", ("TUSD", "USD")),
    ],
)  # fmt: skip
def test_pairs_of_kraken(pair: str, sides: tuple[str, str]) -> None:
    assert kraken_pair(pair) == sides


def test_a_trades_cost_is_without_its_fee() -> None:
    old = TRADES + (
        '"T1","O1","XXBTZEUR","2021-02-01 10:30:12.3456","buy","limit",20000.0,100.00000,0.26000,0.005,0,"","L1,L3"\n'
    )
    now = TRADES_NOW + (
        '"T2","O2","ETH/BTC","forex","crypto","2026-02-01 10:30:12.3456","sell","limit",0.03,0.03,0.00005,1,0,"",'
        '"L5,L6",'
        '"","","","","","","","",90,""\n'
    )
    [event] = answer(old)["events"]
    assert (event["legs"], event["amount"], event["fee"]) == ({"BTC": "0.005", "EUR": "-100.26"}, "100", "0.26")
    assert (event["at"], event["external_id"]) == ("2021-02-01T10:30:12.3456Z", "T1")
    assert legs(now) == [("conversion", {"ETH": "-1", "BTC": "0.02995"})]
    assert "on margin" in reported(old.replace("0.005,0", "0.005,40"))[0][1]
    assert "neither buy nor sell" in reported(old.replace("buy", "hold"))[0][1]


def test_what_the_ledgers_told_is_known_from_the_trades_whichever_file_comes_first() -> None:
    told = ledgers("L1,T1,trade,,ZEUR,-100,0", "L2,T1,trade,,XXBT,0.005,0.00001")
    # The trades say the fee in the quote, though it was charged in the coin (rotki#3500): the ledgers know better.
    trades = TRADES + '"T1","O1","XXBTZEUR","2021-02-01 10:30:12.3","buy","limit",20000,100,0.2,0.005,0,"","L1,L2"\n'
    for files in ({"trades": trades, "ledgers": told}, {"ledgers": told, "trades": trades}):
        found = {one.name: one for one in previews(files)}
        [one] = found["ledgers"].events
        assert {symbol: str(change) for symbol, change in one.event.legs.items()} == {"EUR": "-100", "BTC": "0.00499"}
        assert [known.row for known in found["trades"].known] == [2]


def test_an_id_that_stands_for_two_things_is_reported() -> None:
    one = TRADES + '"T1","O1","XXBTZEUR","2021-02-01 10:30:12.3","buy","limit",20000,100,0.2,0.005,0,"","L1,L2"\n'
    first, other = previews({"a": one, "b": one.replace("0.005", "0.0051")})
    assert (len(first.events), len(other.events)) == (1, 0)
    assert "stood for something else" in other.reported[0].reason


def test_a_ledger_again_is_known_with_all_its_fees() -> None:
    text = ledgers("L7,T4,trade,,USDT,-10,0.01", "L8,T4,trade,,ZEUR,9,0.02")
    first, again = previews({"a": text, "b": text})
    assert (len(first.events), len(again.events)) == (2, 0)
    assert [one.row for one in again.known] == [2, 3]


def test_a_row_that_stands_there_once_more_moves_nothing_again() -> None:
    trade = ("L1,T1,trade,,ZEUR,-100,0", "L2,T1,trade,,XXBT,0.005,0.00001")
    internal = ("L4,T3,transfer,spottostaking,XXBT,-1,0", "L5,T3,transfer,stakingfromspot,XXBT.S,1,0")
    rows = ledgers(*trade, "L3,T2,deposit,,XXBT,1,0", *internal)
    found = answer(rows + rows.partition("\n")[2])  # two files put together, with the header of the first
    assert [event["legs"] for event in found["events"]] == [{"EUR": "-100", "BTC": "0.00499"}, {"BTC": "1"}]
    again = [(one["row"], one["reason"]) for one in found["ignored"] if "once more" in one["reason"]]
    assert sorted(again) == [(n + 5, f"row {n} once more") for n in range(2, 7)]
    assert found["reported"] == []
    found = answer(rows + rows)  # with both
    assert [event["legs"] for event in found["events"]] == [{"EUR": "-100", "BTC": "0.00499"}, {"BTC": "1"}]
    assert [one["row"] for one in found["known"]] == [8, 9, 10]
    assert found["reported"] == []


def test_of_rows_of_one_id_on_either_side_of_a_header_nothing_is_booked() -> None:
    rows = ledgers("L1,R1,withdrawal,,XXBT,-1,0.001", "L2,R1,withdrawal,,XXBT,1,-0.001").splitlines(keepends=True)
    header, went, came_back = rows
    found = answer(header + went + header + came_back)
    assert found["events"] == []
    assert [(one["row"], one["reason"].partition(":")[0]) for one in found["reported"]] == [
        (2, "its id 'R1' stands for something else below another header"),
        (4, "its id 'R1' stood for something else before"),
    ]
    assert answer(header + went + came_back)["reported"] == []


def test_of_such_a_trade_no_further_fee_is_booked_either() -> None:
    rows = ledgers("L7,T4,trade,,USDT,-10,0.01", "L8,T4,trade,,ZEUR,9,0.02", "L9,T4,trade,,ZEUR,8,0.02")
    header, paid, got, other = rows.splitlines(keepends=True)
    assert len(answer(header + paid + got)["events"]) == 2
    found = answer(header + paid + got + header + paid + other)
    assert (found["events"], [one["row"] for one in found["reported"]]) == ([], [2, 3, 5, 6])


def test_two_rows_of_one_id_that_say_different_things_are_reported() -> None:
    found = reported(ledgers("L1,T1,deposit,,XXBT,1,0", "L1,T1,deposit,,XXBT,2,0"))
    reason = "two rows of txid L1 say different things: mend the row in the file, or book it by hand"
    assert found == [(2, reason), (3, reason)]


def test_the_same_rows_newest_first_are_known_though_theirs_is_not_one_second() -> None:
    header, *rows = ledgers("L1,T1,spend,,ZEUR,-100,0", "L2,T1,receive,,XXBT,0.005,0").splitlines(keepends=True)
    rows[1] = rows[1].replace("10:30:12", "10:30:13")
    first, again = previews({"a": header + "".join(rows), "b": header + "".join(reversed(rows))})
    assert ([one.event.at.second for one in first.events], again.reported, len(again.known)) == ([12], [], 2)


def test_rows_without_an_id_are_each_their_own() -> None:
    assert legs(ledgers(",T1,transfer,,XXBT,1,0", ",T1,transfer,,XXBT,1,0")) == [("airdrop", {"BTC": "2"})]
