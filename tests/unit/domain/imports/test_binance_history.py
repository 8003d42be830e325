"""Binance's transaction history: trades of a second, conversions of two, and what every wallet got."""

import pytest

from tests.support.imports import answer, legs, previews, reported

OLD = "User_ID,UTC_Time,Account,Operation,Coin,Change,Remark\n"
NEW = "User ID,Time,Account,Operation,Coin,Change,Remark\n"


def history(*rows: str) -> str:
    """A file with the first header; a row begins with the second of its minute."""
    return OLD + "".join(f"7,2023-09-29 09:56:{row},\n" for row in rows)


def test_a_trade_is_the_rows_of_one_second() -> None:
    text = history(
        "26,Spot,Transaction Buy,BTC,0.02",
        "26,Spot,Transaction Spend,USDT,-500",
        "26,Spot,Transaction Fee,BNB,-0.001",
        "26,Spot,Transaction Buy,BTC,0.01",
        "26,Spot,Transaction Spend,USDT,-250",
        "26,Spot,Transaction Spend,USDT,-50",
        "27,Spot,Transaction Sold,ETH,-1",
        "27,Spot,Transaction Revenue,BTC,0.06",
        "27,Spot,Transaction Fee,BTC,-6e-05",
    )
    # Two buys and three spends (rotki#10997); the second trade pays its fee in what came.
    assert legs(text) == [
        ("trade", {"BTC": "0.03", "USDT": "-800", "BNB": "-0.001"}),
        ("conversion", {"ETH": "-1", "BTC": "0.05994"}),
    ]
    assert answer(text)["events"][0]["row"] == [2, 3, 5, 6, 7, 4]


@pytest.mark.parametrize("operation", ["Buy", "Sell", "Transaction Related", "Large OTC trading"])
def test_both_legs_of_old_trades_have_one_name(operation: str) -> None:
    text = history(f"26,Spot,{operation},BTC,0.02", f"26,Spot,{operation},USDT,-500", "26,Spot,Fee,BTC,-3.605E-05")
    assert legs(text) == [("trade", {"BTC": "0.01996395", "USDT": "-500"})]


@pytest.mark.parametrize(("operation", "sign"), [("Buy", ""), ("Sell", "-")])
def test_the_quote_of_old_trades_may_only_be_related_to_them(operation: str, sign: str) -> None:
    """As of January 2021: fills of one second, base and quote in any order, and the fee in the quote."""
    opposite = "" if sign else "-"
    text = history(
        f"26,Spot,Transaction Related,EUR,{opposite}40.02168",
        f"26,Spot,{operation},ADA,{sign}16.14",
        f"26,Spot,{operation},ADA,{sign}32.38",
        f"26,Spot,Transaction Related,EUR,{opposite}19.94904",
        "26,Spot,Fee,EUR,-0.06",
    )
    quote = "59.91072" if sign else "-60.03072"  # 59.97072 less, or with, the fee
    assert legs(text) == [("trade", {"ADA": f"{sign}48.52", "EUR": quote})]
    assert answer(text)["events"][0]["row"] == [2, 3, 4, 5, 6]


def test_of_a_purchase_and_a_sale_of_one_second_nobody_knows_which_one_is_related() -> None:
    rows = ("Buy,BTC,0.02", "Transaction Related,USDT,-500", "Sell,ETH,-1", "Transaction Related,USDT,1500")
    text = history(*(f"26,Spot,{row}" for row in rows))
    assert [row for row, _ in reported(text)] == [2, 3, 4, 5]
    whole = history(*(f"26,Spot,{row}" for row in (rows[0], rows[1], "Sell,ETH,-1", "Sell,USDT,1500")))
    assert legs(whole) == [("trade", {"BTC": "0.02", "USDT": "-500"}), ("trade", {"ETH": "-1", "USDT": "1500"})]


def test_what_came_may_be_a_purchase_and_what_went_for_it_a_sale() -> None:
    """As of December 2017 and January 2024 (rotki#10979): each side of the fills of one second has its own name."""
    rows = ("Sell,ETH,-0.0313506", "Sell,ETH,-3.49528377", "Buy,ZRX,510", "Buy,ZRX,4000", "Fee,ZRX,-4.51")
    assert legs(history(*(f"26,Spot,{row}" for row in rows))) == [
        ("conversion", {"ETH": "-3.52663437", "ZRX": "4505.49"})
    ]
    for others in ("Buy,ADA,1", "Sell,ADA,-1", "Sell,ETH,0.1", "Buy,ZRX,-1", "Transaction Related,ADA,1"):
        found = answer(history(*(f"26,Spot,{row}" for row in (*rows, others))))
        assert (found["events"], len(found["reported"])) == ([], 6), others
    for half in ("Buy,BTC,1", "Sell,BTC,-1"):
        assert len(reported(history("26,Spot,Buy,BTC,2", f"26,Spot,{half}"))) == 2


def test_the_first_histories_named_no_user() -> None:
    text = history("26,Spot,Buy,BTC,0.02", "26,Spot,Transaction Related,USDT,-500", "26,Spot,Fee,BNB,-0.001")
    without = text.replace("User_ID,", "").replace("\n7,", "\n")
    assert without.startswith("UTC_Time,")
    first, again = previews({"a.csv": without, "b.csv": text})
    assert ([one.event.kind for one in first.events], len(again.known)) == (["trade"], 3)


def test_equal_seconds_of_two_wallets_are_two_trades() -> None:
    rows = ["26,{},Buy,BTC,0.02", "26,{},Buy,USDT,-500"]
    text = history(*(row.format(wallet) for wallet in ("Spot", "Funding") for row in rows))
    assert [leg for _, leg in legs(text)] == [{"BTC": "0.02", "USDT": "-500"}] * 2


def test_a_purchase_and_a_sale_of_one_second_are_told_apart() -> None:
    text = history(
        "26,Spot,Transaction Buy,BTC,0.02",
        "26,Spot,Transaction Spend,USDT,-500",
        "26,Spot,Transaction Sold,BTC,-0.01",
        "26,Spot,Transaction Revenue,USDT,255",
        "26,Spot,Transaction Fee,BTC,-0.00002",
        "26,Spot,Transaction Fee,USDT,-0.255",
        "26,Spot,Transaction Fee,BNB,-0.001",
    )
    assert legs(text) == [
        ("trade", {"BTC": "0.01998", "USDT": "-500"}),
        ("trade", {"BTC": "-0.01", "USDT": "254.745"}),
        ("fee", {"BNB": "-0.001"}),
    ]


@pytest.mark.parametrize(
    "rows",
    [
        ["26,Spot,Transaction Buy,BTC,0.02", "26,Spot,Transaction Buy,ETH,1", "26,Spot,Transaction Spend,USDT,-500"],
        ["26,Spot,Transaction Buy,BTC,0.02"],
        ["26,Spot,Buy,BTC,0.02", "26,Spot,Buy,USDT,500"],
    ],
)
def test_trades_that_cannot_be_told_apart_are_reported_row_by_row(rows: list[str]) -> None:
    found = reported(history(*rows))
    assert [row for row, _ in found] == list(range(2, 2 + len(rows)))
    assert "import the file of spot trades" in found[0][1]


def test_conversions_may_take_two_seconds() -> None:
    text = history(
        "26,Spot,Binance Convert,USDT,-100",
        "27,Spot,Binance Convert,BTC,0.004",
        "28,Spot,Binance Convert,ETH,-1",
        "28,Spot,Binance Convert,BTC,0.06",
        "40,Spot,Small Assets Exchange BNB,ADA,-1",
        "40,Spot,Small Assets Exchange BNB,XRP,-2",
        "40,Spot,Small Assets Exchange BNB,BNB,0.001",
        "41,Spot,Small Assets Exchange BNB,BNB,0.002",
        "50,Spot,Token Swap - Redenomination/Rebranding,MATIC,-5",
        "50,Spot,Token Swap - Distribution,POL,5",
        "51,Spot,Small Assets Exchange BNB,DOT,-3",
        "51,Spot,Small Assets Exchange BNB,BNB,0.003",
    )
    assert legs(text) == [
        ("conversion", {"USDT": "-100", "BTC": "0.004"}),
        ("conversion", {"ETH": "-1", "BTC": "0.06"}),
        ("conversion", {"BNB": "0.003", "ADA": "-1", "XRP": "-2"}),
        ("conversion", {"MATIC": "-5", "POL": "5"}),
        ("conversion", {"DOT": "-3", "BNB": "0.003"}),
    ]


def test_conversions_without_their_halves_are_reported() -> None:
    assert "halves are missing" in reported(history("26,Spot,Asset Recovery,LUNA,-1"))[0][1]
    several = ["26,Spot,Convert,ADA,-1", "26,Spot,Convert,XRP,-2", "26,Spot,Convert,BNB,0.001"]
    assert "cannot be told apart" in reported(history(*several))[2][1]


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("Savings Interest", "reward"),
        ("Staking Rewards", "reward"),
        ("Distribution", "reward"),
        ("Airdrop Assets", "airdrop"),
        ("Commission Rebate", "reward"),
        ("Referral Kickback", "reward"),
        ("Simple Earn Flexible - Rewards Income", "reward"),
    ],
)
def test_rewards(operation: str, kind: str) -> None:
    assert legs(history(f"26,Earn,{operation},SOL,0.01")) == [(kind, {"SOL": "0.01"})]
    assert "taken back" in reported(history(f"26,Earn,{operation},SOL,-0.01"))[0][1]


def test_a_reward_that_stands_in_two_wallets_counts_once() -> None:
    text = history(
        "26,Earn,Simple Earn Flexible - Rewards Income,SOL,0.01",
        "27,Spot,Simple Earn Flexible Interest,SOL,0.01",
        "28,Earn,Simple Earn Flexible - Rewards Income,SOL,0.02",
    )
    found = answer(text)
    assert [event["legs"] for event in found["events"]] == [{"SOL": "0.01"}, {"SOL": "0.02"}]
    assert found["ignored"] == [{"row": 2, "reason": "the same reward stands in row 3"}]


def test_money_and_coins_come_and_go() -> None:
    text = history(
        "26,Spot,Deposit,BTC,1",
        "27,Spot,Withdraw,BTC,-0.5",
        "28,Spot,Fiat Deposit,EUR,100",
        "29,Spot,Fiat Withdraw,EUR,-20",
        "30,Spot,Transaction Fee,BNB,-0.1",
    ).replace("-0.5,", "-0.5,Withdraw fee is included")
    assert legs(text) == [
        ("transfer_in", {"BTC": "1"}),
        ("transfer_out", {"BTC": "-0.5"}),
        ("deposit", {"EUR": "100"}),
        ("withdrawal", {"EUR": "-20"}),
        ("fee", {"BNB": "-0.1"}),
    ]


def test_what_is_internal_or_empty_is_ignored() -> None:
    operations = [
        "Transfer Between Spot and Funding", "Simple Earn Flexible Subscription", "Staking Purchase",
        "POS savings redemption",
    ]  # fmt: skip
    found = answer(history(*(f"26,Spot,{one},BTC,1" for one in operations), "26,Spot,Buy,BTC,0") + ",,,,,,\n")
    assert found["events"] == found["reported"] == []
    assert [one["row"] for one in found["ignored"]] == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    "operation",
    [
        "Leverage Token Purchase", "Leverage token redemption", "Gift Card Purchase", "NFT Purchase",
        "Launchpad Subscription", "Launchpad Token Distribution", "Transfer to another user",
        "Transfer Between Spot and Another User", "Dual Investment Subscription", "Token Purchase Commission",
        "Credit Card Purchase", "Moon Subscription Rewards",
    ],
)  # fmt: skip
@pytest.mark.parametrize("change", ["-100", "100"])
def test_what_sounds_internal_or_like_a_reward_is_reported_and_never_dropped(operation: str, change: str) -> None:
    [(row, reason)] = reported(history(f"26,Spot,{operation},USDT,{change}"))
    assert (row, "is unknown" in reason) == (2, True)


def test_a_leveraged_token_that_was_bought_is_reported_with_both_its_rows() -> None:
    rows = reported(history("26,Spot,Leverage Token Purchase,USDT,-100", "26,Spot,Leverage Token Purchase,BTCUP,2"))
    assert [row for row, _ in rows] == [2, 3]


@pytest.mark.parametrize(
    ("rows", "moved"),
    [
        (["26,Spot,{},DOT,-5", "26,Earn,{},DOT,5"], False),
        (["26,Spot,{},DOT,-5", "26,Spot,{},LDDOT,5"], False),
        (["26,Spot,{},LDO,-5", "26,Spot,{},LDLDO,5", "26,Spot,{},DOT,-1", "26,Earn,{},DOT,1"], False),
        (["26,Spot,{},DOT,-5", "26,Spot,{},ADA,-5"], False),
        (["26,Spot,{},DOT,-5", "27,Earn,{},DOT,4"], False),
        (["26,Spot,{},DOT,-5", "26,Earn,{},DOT,4"], True),
        (["26,Spot,{},SOL,-5", "26,Spot,{},BNSOL,4"], True),
    ],
)
@pytest.mark.parametrize("operation", ["Simple Earn Flexible Subscription", "Transfer Between Main and Funding Wallet"])
def test_what_went_inside_and_what_came_have_to_be_equal_where_both_are_told(
    operation: str, rows: list[str], moved: bool
) -> None:
    text = history(*(row.format(operation) for row in rows))
    found = answer(text)
    assert found["events"] == []
    assert len(found["reported" if moved else "ignored"]) == len(rows)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("26,USD-M Futures,Realized Profit and Loss,USDT,5", "margin and futures"),
        ("26,Cross Margin,Transaction Buy,BTC,5", "margin and futures"),
        ("26,Spot,Moon Landing,BTC,5", "'Moon Landing' is unknown"),
        ("26,Spot,Deposit,BTC,five", "Change: 'five' is not a number"),
    ],
)
def test_other_rows_are_reported(row: str, why: str) -> None:
    assert why in reported(history(row))[0][1]


def test_the_zone_of_the_second_header_stands_in_the_files_name() -> None:
    text = NEW + "7,23-09-29 09:56:26,Spot,Deposit,BTC,1,\n"
    assert answer(text, "history(UTC+2).csv")["events"][0]["at"] == "2023-09-29T07:56:26Z"
    assert "give --zone" in reported(text)[0][1]


def test_local_time_below_a_header_of_utc_is_reported_where_the_name_says_so() -> None:
    text = history("26,Spot,Deposit,BTC,1")
    assert answer(text)["events"][0]["at"] == "2023-09-29T09:56:26Z"
    assert "give --zone" in reported(text, "history(UTC+2).csv")[0][1]


def test_spot_trades_that_the_history_tells_are_known_in_any_order() -> None:
    trades = (
        "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"
        "2023-09-29 09:56:26,BTCUSDT,BUY,25000,0.02BTC,500USDT,0.001BNB\n"
        "2023-09-29 09:56:26,BTCUSDT,BUY,25000,0.01BTC,250USDT,0BNB\n"
        "2023-09-29 09:56:30,BTCUSDT,BUY,25000,0.01BTC,250USDT,0BNB\n"
        "2023-09-29 09:56:31,ETHUSDT,BUY,2500,0.01ETH,25USDT,0BNB\n"
    )
    told = history(
        "26,Spot,Transaction Buy,BTC,0.03",
        "26,Spot,Transaction Spend,USDT,-750",
        "26,Spot,Transaction Fee,BNB,-0.001",
        "31,Spot,Transaction Buy,ETH,0.01",
        "31,Spot,Transaction Spend,USDT,-26",
    )
    for files in ({"trades": trades, "history": told}, {"history": told, "trades": trades}):
        found = {one.name: one for one in previews(files)}
        assert len(found["history"].events) == 2
        assert [one.row for one in found["trades"].known] == [2, 3]
        assert [one.event.rows for one in found["trades"].events] == [(4,)]
        # The history says 26 and the trades 25: nobody knows which is right.
        assert [one.row for one in found["trades"].reported] == [5]


def test_of_equal_rewards_each_is_told_once_by_the_first_that_is_near() -> None:
    rows = (
        "7,2026-03-01 10:01:30,Spot,Simple Earn Flexible Interest,SOL,0.001,\n"
        "7,2026-03-01 10:00:00,Spot,Simple Earn Flexible Interest,SOL,0.001,\n"
        "7,2026-03-01 10:00:30,Earn,Simple Earn Flexible - Rewards Income,SOL,0.001,\n"
        "7,2026-03-01 10:01:00,Earn,Simple Earn Flexible - Rewards Income,SOL,0.001,\n"
        "7,2026-03-01 10:01:00,Earn,Simple Earn Flexible - Rewards Income,SOL,0.001,\n"
    )
    found = answer("User_ID,UTC_Time,Account,Operation,Coin,Change,Remark\n" + rows)
    assert [one["row"] for one in found["events"]] == [2, 3, 6]
    assert [(one["row"], one["reason"]) for one in found["ignored"]] == [
        (4, "the same reward stands in row 2"),
        (5, "the same reward stands in row 3"),
    ]


def test_overlapping_histories_put_together_tell_a_trade_once() -> None:
    rows = ("26,Spot,Transaction Buy,BTC,0.02", "26,Spot,Transaction Spend,USDT,-500")
    text = history(*rows) + history(*rows, "27,Spot,Deposit,BTC,1")
    assert legs(text) == [("trade", {"BTC": "0.02", "USDT": "-500"}), ("transfer_in", {"BTC": "1"})]
    assert [one["row"] for one in answer(text)["known"]] == [5, 6]
