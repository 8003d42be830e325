"""Coinbase's report, of each header it has had."""

from itertools import permutations

import pytest

from tests.support.imports import answer, legs, previews, reported

PREAMBLE = "\nTransactions\nUser,A Name,0b6d8f\n"
NEWEST = (
    "ID,Timestamp,Transaction Type,Asset,Quantity Transacted,Price Currency,Price at Transaction,Subtotal,"
    "Total (inclusive of fees and/or spread),Fees and/or Spread,Notes,Sender Address,Recipient Address\n"
)
WITH_ID = NEWEST.replace(",Sender Address,Recipient Address", "")
WITHOUT_ID = WITH_ID.removeprefix("ID,")
SPOT = WITHOUT_ID.replace("Price Currency,Price at", "Spot Price Currency,Spot Price at")
BEFORE_2022 = SPOT.replace(" and/or spread", "").replace("Fees and/or Spread", "Fees")
BEFORE_MID_2021 = (
    "Timestamp,Transaction Type,Asset,Quantity Transacted,EUR Spot Price at Transaction,EUR Subtotal,"
    "EUR Total (inclusive of fees),EUR Fees,Notes\n"
)
AT = "2025-01-17 16:57:02 UTC"


def newest(*rows: str) -> str:
    """A file with the newest header, each row beginning with a number as its id."""
    return PREAMBLE + NEWEST + "".join(f"id{number},{AT},{row},,\n" for number, row in enumerate(rows))


def test_the_fee_of_a_sale_may_be_below_zero_where_less_came_than_was_sold_for() -> None:
    """As of 2025: the total is what a withdrawal took afterwards, and more than the fee is missing to the subtotal."""
    sale = "Sell,BTC,-0.02437589,USD,$82050.00,$2000.00,{},{},Sold 0.02437589 BTC for 1962.5 USD"
    [event] = answer(newest(sale.format("$1962.50", "-18.75")))["events"]
    assert (event["legs"], event["fee"]) == ({"BTC": "-0.02437589", "USD": "1962.5"}, "18.75")
    for total, fee in (("$2018.75", "-18.75"), ("$2000.00", "-18.75"), ("", "-18.75")):
        assert "the fee is below 0" in reported(newest(sale.format(total, fee)))[0][1]
    others = (
        "Buy,BTC,1,USD,$100,$100,$99,-$1,",
        "Withdrawal,USD,-100,USD,$1,-$100,-$98,-$2,",
        "Send,BTC,-1,USD,$99,$99,$98,-$1,",
    )
    for other in others:
        assert "the fee is below 0" in reported(newest(other))[0][1]


def test_a_buy_moves_its_total_and_a_sale_what_was_left_of_it() -> None:
    text = newest(
        'Buy,BTC,0.05,EUR,"€95,000.00","€4,750.00","€4,820.78",€70.78,Bought 0.05 BTC for 4820.78 EUR',
        "Sell,ETH,-0.2,EUR,€3343.11,-€668.62,-€597.49,€71.13,Sold 0.2 ETH",
    )
    # 4750.00 + 70.78 = 4820.78 paid; of 668.62 less 71.13 the total of 597.49 came.
    assert legs(text) == [
        ("trade", {"BTC": "0.05", "EUR": "-4820.78"}),
        ("trade", {"ETH": "-0.2", "EUR": "597.49"}),
    ]
    found = answer(text)
    assert found["events"][0] == {
        "row": 5,
        "at": "2025-01-17T16:57:02Z",
        "kind": "trade",
        "symbol": "BTC",
        "quantity": "0.05",
        "price": "95000",
        "amount": "4750",
        "quote": "EUR",
        "fee": "70.78",
        "fee_symbol": "EUR",
        "external_id": "id0",
        "legs": {"BTC": "0.05", "EUR": "-4820.78"},
    }
    assert found["events"][1]["amount"] == "668.62"
    assert (found["format"], found["rows"]) == ("coinbase", 2)
    assert found["quantities"] == {"BTC": "0.05", "ETH": "-0.2"}
    assert found["cash_change"] == {"EUR": "-4223.29"}  # -4820.78 + 597.49


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (WITH_ID, "x1,2024-03-01 10:00:00 UTC,Buy,BTC,0.1,CAD,CA$90000,CA$9000,CA$9100,CA$100,"),
        (WITHOUT_ID, "2024-03-01 10:00:00 UTC,Buy,BTC,0.1,CAD,CA$90000,CA$9000,CA$9100,CA$100,"),
        (SPOT, "2024-03-01T10:00:00Z,Buy,BTC,0.1,CAD,90000,9000,9100,100,"),
        (BEFORE_2022, "2024-03-01T10:00:00Z,Buy,BTC,1.0e-01,CAD,90000,9000,9100,100,"),
        (BEFORE_MID_2021.replace("EUR", "CAD"), "2024-03-01T10:00:00Z,Buy,BTC,0.1,90000,9000,9100,100,"),
    ],
)
def test_every_header_since_the_first_says_the_same(header: str, row: str) -> None:
    notice = '"You can use this report, with care, to inform your tax obligations, for sells, converts and rewards"\n'
    found = answer(f"﻿{notice}\n{PREAMBLE}{header}{row}\r\n")
    assert [event["legs"] for event in found["events"]] == [{"BTC": "0.1", "CAD": "-9100"}]
    assert found["events"][0]["at"] == "2024-03-01T10:00:00Z"


def test_a_report_of_before_2020_has_days_alone_and_a_total_with_its_fee() -> None:
    text = PREAMBLE + (
        "Timestamp,Transaction Type,Asset,Quantity Transacted,USD Spot Price at Transaction,"
        "USD Amount Transacted (Inclusive of Coinbase Fees),Address,Notes\n"
        "12/20/2017,Buy,BTC,0.05,16000.00,812.00,,Bought 0.05 BTC for $812.00 USD\n"
        "01/05/2018,Sell,BTC,0.01,15000.00,147.80,,\n"
        "02/15/2018,Send,BTC,0.02,10000.00,,1Abc,\n"
    )
    assert legs(text, date_order="mdy") == [
        ("trade", {"BTC": "0.05", "USD": "-812"}),
        ("trade", {"BTC": "-0.01", "USD": "147.8"}),
        ("transfer_out", {"BTC": "-0.02"}),
    ]
    assert answer(text, date_order="mdy")["events"][1]["at"] == "2018-01-05T00:00:00Z"
    assert "--date-order" in reported(text)[1][1]  # which is the day is not guessed
    # 1.60 and the flat fee of 0.99; a total of a hundred times as much is no fee
    small = text + "03/01/2018,Buy,BTC,0.0001,16000.00,2.59,,\n"
    assert legs(small, date_order="mdy")[3] == ("trade", {"BTC": "0.0001", "USD": "-2.59"})
    wrong = text + "03/01/2018,Buy,BTC,0.0001,16000.00,160.00,,\n"
    assert "which is wrong is not known" in answer(wrong, date_order="mdy")["reported"][0]["reason"]
    newer = text.replace("Amount Transacted (Inclusive of Coinbase Fees)", "Total (inclusive of fees)")
    assert "has lost its seconds" in reported(newer, date_order="mdy")[0][1]


def test_money_without_a_total_is_subtotal_and_fee() -> None:
    assert legs(newest("Buy,BTC,0.1,USD,1000,100,,2,", "Sell,BTC,0.1,USD,1000,100,,2,")) == [
        ("trade", {"BTC": "0.1", "USD": "-102"}),
        ("trade", {"BTC": "-0.1", "USD": "98"}),
    ]
    [(_, reason)] = reported(newest("Buy,BTC,0.1,USD,1000,,,2,"))
    assert "neither a total nor a subtotal" in reason


def test_an_advanced_trade_is_in_the_quote_of_its_notes_and_the_columns_only_value_it() -> None:
    text = newest(
        "Advanced Trade Buy,SOL,2,GBP,£116,£232,£233.39,£1.39,Bought 2 SOL for 291.74 USDC on SOL-USDC at 145 USDC/SOL",
        "Advance Trade Sell,SOL,-2,GBP,£116,£232,£230.6,£1.39,Sold 2 SOL for 288.26 USDC on SOL-USDC",
        "Advanced Trade Buy,ETH,1,USD,$3000,$3000,$3018,$18,Bought 1 ETH for 0.0503 BTC on ETH-BTC at 0.05 BTC/ETH",
        "Advanced Trade Buy,ETH,1,USD,$3000,$3000,$3018,$18,Bought 1 ETH for 3018 USD on ETH-USD at 3000 USD/ETH",
    )
    assert legs(text) == [
        ("trade", {"SOL": "2", "USDC": "-291.74"}),
        ("trade", {"SOL": "-2", "USDC": "288.26"}),
        ("conversion", {"ETH": "1", "BTC": "-0.0503"}),
        ("trade", {"ETH": "1", "USD": "-3018"}),
    ]
    events = answer(text)["events"]
    assert [(event["price"], event["fee"]) for event in events] == [
        ("145", None),
        (None, None),
        ("0.05", None),
        ("3000", "18"),
    ]


@pytest.mark.parametrize(
    ("notes", "why"),
    [
        ("", "Notes do not say in which currency"),
        ("Bought 2 ADA for 2 USDC", "Notes do not say in which currency"),
        ("Bought 2 SOL for 291.74 USDC on SOL-USDT", "Notes name the pair SOL-USDT and USDC"),
        ("Bought 3 SOL for 291.74 USDC on SOL-USDC", "they are not those of the row: book it by hand"),
        ('"Bought 2.0 SOL for 291,74 USDC on SOL-USDC"', "a decimal point, and another with a decimal comma"),
        ('"Bought 2 SOL for 1.2.3 USDC on SOL-USDC"', "(2 and 1.2.3) cannot be used, as one of them is no number"),
    ],
)
def test_an_advanced_trade_whose_notes_do_not_tell_is_reported(notes: str, why: str) -> None:
    [(row, reason)] = reported(newest(f"Advanced Trade Buy,SOL,2,GBP,£116,£232,£233.39,£1.39,{notes}"))
    assert row == 5
    assert why in reason


def test_a_conversion_of_one_row_has_what_came_in_its_notes_in_either_decimal_sign() -> None:
    text = newest(
        'Convert,ETH,0.5,EUR,€1,€1,€1,€0,"Converted 0.5 ETH to 1,204.5 XLM"',
        'Convert,ETH,0.5,EUR,€1,€1,€1,€0,"Converted 0,5 ETH to 0,15 BCH"',
        'Convert,ETH,0.5,EUR,€1,€1,€1,€0,"Converted 0,5 ETH to 1.204 XLM"',
    )
    # Of two conversions of one second none is the half of the other: each has its own notes.
    assert legs(text) == [
        ("conversion", {"ETH": "-0.5", "XLM": "1204.5"}),
        ("conversion", {"ETH": "-0.5", "BCH": "0.15"}),
        ("conversion", {"ETH": "-0.5", "XLM": "1204"}),
    ]


def test_notes_whose_decimal_sign_nothing_shows_are_reported_until_it_is_given() -> None:
    text = newest('Convert,ETH,5,EUR,€1,€1,€1,€0,"Converted 5 ETH to 1,204 XLM"')
    [(_, reason)] = reported(text)
    assert "give --decimal" in reason
    assert legs(text, decimal=".") == [("conversion", {"ETH": "-5", "XLM": "1204"})]


def test_a_conversion_of_two_rows_of_one_second_is_one_event() -> None:
    notes = "Converted 0.5 ETH to 1204.5 XLM"
    text = newest(
        f"Convert,XLM,1204.5,EUR,€1,€1,€1,€0,{notes}",
        f"Convert,ETH,-0.5,EUR,€1,€1,€1,€0,{notes}",
        "Convert,XLM,7,EUR,€1,€1,€1,€0,Converted 1 ADA to 7 XLM",
        "Convert,ADA,-1,EUR,€1,€1,€1,€0,Converted 1 ADA to 7 XLM",
    )
    found = answer(text)
    assert [(event["row"], event["legs"], event["external_id"]) for event in found["events"]] == [
        ([6, 5], {"ETH": "-0.5", "XLM": "1204.5"}, "id0+id1"),
        ([8, 7], {"ADA": "-1", "XLM": "7"}, "id2+id3"),
    ]
    without_notes = newest("Convert,XLM,7,EUR,€1,€1,€1,€0,", "Convert,ADA,-1,EUR,€1,€1,€1,€0,")
    assert legs(without_notes) == [("conversion", {"ADA": "-1", "XLM": "7"})]


def test_conversions_of_one_second_that_nothing_tells_apart_are_reported() -> None:
    rows = ("Convert,BTC,-1,EUR,€1,€1,€1,€0,", "Convert,ETH,-2,EUR,€1,€1,€1,€0,", "Convert,XLM,7,EUR,€1,€1,€1,€0,")
    ada = "Convert,ADA,9,EUR,€1,€1,€1,€0,"
    found = reported(newest(*rows, ada))
    assert [(row, "cannot be told apart" in why) for row, why in found] == [(row, True) for row in (5, 6, 7, 8)]
    told = newest(rows[0], f"{rows[1]}Converted 2 ETH to 7 XLM", rows[2], ada)  # the notes of one tell the other
    assert legs(told) == [("conversion", {"BTC": "-1", "ADA": "9"}), ("conversion", {"ETH": "-2", "XLM": "7"})]
    equal = newest(rows[0], rows[0], ada, ada)
    assert legs(equal) == [("conversion", {"BTC": "-1", "ADA": "9"})] * 2
    for halves in ((rows[0], rows[1], ada), (rows[0], ada, ada.replace(",9,", ",8,"))):
        for some in permutations(halves):  # which of two the third belongs to is no question of the order
            assert [row for row, why in reported(newest(*some)) if "cannot be told apart" in why] == [5, 6, 7]


def test_conversions_of_one_second_and_two_assets_are_paired_by_their_sizes_in_any_order_of_the_file() -> None:
    """A second has one price: 2 BTC became 19 ADA, and 1 BTC the 9."""
    header, *rows = newest(
        *(f"Convert,BTC,-{n},EUR,€1,€1,€1,€0," for n in (1, 2)),
        *(f"Convert,ADA,{n},EUR,€1,€1,€1,€0,Converted 1.0000 BTC to {n} ADA" for n in (9, 19)),
    ).splitlines(keepends=True)[3:]
    found = set()
    for some in permutations(rows):
        text = PREAMBLE + header + "".join(some)
        assert sorted((change["BTC"], change["ADA"]) for _, change in legs(text)) == [("-1", "9"), ("-2", "19")]
        found.add(frozenset(one["external_id"] for one in answer(text)["events"]))
    assert found == {frozenset({"id0+id2", "id1+id3"})}


def test_migrations_of_one_minute_are_told_apart_by_their_quantities_or_not_at_all() -> None:
    rows = "Asset Migration,MATIC,-{},EUR,€1,€1,€1,€0,", "Asset Migration,RNDR,-{},EUR,€1,€1,€1,€0,"
    came = "Asset Migration,POL,9,EUR,€1,€1,€1,€0,", "Asset Migration,RENDER,7,EUR,€1,€1,€1,€0,"
    apart = [("conversion", {"MATIC": "-9", "POL": "9"}), ("conversion", {"RNDR": "-7", "RENDER": "7"})]
    assert legs(newest(rows[1].format(7), rows[0].format(9), *came)) == [apart[1], apart[0]]
    found = reported(newest(rows[0].format(1), rows[1].format(2), *came))
    assert [(row, "cannot be told apart" in why) for row, why in found] == [(row, True) for row in (5, 6, 7, 8)]
    for some in permutations((rows[0].format(3), rows[1].format(4), came[0])):
        assert len(reported(newest(*some))) == 3
    by_size = [("conversion", {"MATIC": "-18", "POL": "9"}), ("conversion", {"MATIC": "-17", "POL": "8"})]
    assert legs(newest(*map(rows[0].format, (18, 17)), came[0].replace(",9,", ",8,"), came[0])) == by_size


def test_half_a_conversion_is_reported() -> None:
    assert "do not say what" in reported(newest("Convert,XLM,7,EUR,€1,€1,€1,€0,"))[0][1]
    assert "do not say what" in reported(newest("Convert,XLM,7,EUR,€1,€1,€1,€0,Converted 1 ADA to 1 ADA"))[0][1]
    half = newest("Convert,XLM,7,EUR,€1,€1,€1,€0,Converted 1 ADA to 7 XLM")
    assert "other half is missing" in reported(half)[0][1]
    assert "not a number" in reported(newest("Convert,XLM,seven,EUR,€1,€1,€1,€0,"))[0][1]


def test_what_comes_and_goes_is_a_deposit_of_money_and_a_transfer_of_coins() -> None:
    text = newest(
        "Deposit,EUR,100,EUR,€1,€100,€100,€0,",
        "Withdrawal,EUR,-40,EUR,€1,-€40,-€40,€0,",
        "Receive,BTC,0.1,EUR,€1,€1,€1,€0,",
        "Send,BTC,-0.05,EUR,€1,-€1,-€1,€0,",
        "Send,USDC,5,EUR,€1,€1,€1,€0,",
    )
    assert legs(text) == [
        ("deposit", {"EUR": "100"}),
        ("withdrawal", {"EUR": "-40"}),
        ("transfer_in", {"BTC": "0.1"}),
        ("transfer_out", {"BTC": "-0.05"}),
        ("withdrawal", {"USDC": "-5"}),
    ]


@pytest.mark.parametrize(
    "kind", ["Staking Income", "Reward Income", "Rewards Income", "Learning Reward", "Coinbase Earn"]
)
def test_rewards_are_rewards(kind: str) -> None:
    assert legs(newest(f"{kind},SOL,0.01,EUR,€1,€1,€1,€0,")) == [("reward", {"SOL": "0.01"})]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("Staking Income,SOL,0.01,EUR,€150,€1.50,€1.60,€0.10,", ("1.50", "EUR")),
        ("Send,BTC,-0.1,USD,$95000,-$9500,-$9510,$10,", ("9500", "USD")),
        ("Receive,BTC,0.1,USD,$95000,,,,", (None, None)),
    ],
)
def test_what_came_or_went_alone_has_the_value_that_the_row_says_without_any_fee(
    row: str, expected: tuple[str | None, str | None]
) -> None:
    [preview] = previews({"file.csv": newest(row)})
    [identified] = preview.events
    value, currency = expected
    worths = [(str(one.value), one.currency) for one in identified.event.worths]
    assert worths == ([] if value is None else [(value, currency)])


def test_a_reward_that_is_taken_back_is_reported() -> None:
    assert "taken back" in reported(newest("Staking Income,SOL,-0.01,EUR,€1,€1,€1,€0,"))[0][1]


def test_a_migration_is_a_conversion_of_two_rows_of_one_minute() -> None:
    text = (
        PREAMBLE
        + NEWEST
        + (
            "b,2025-01-17 16:57:05 UTC,Asset Migration,POL,100,EUR,€1,€1,€1,€0,,,\n"
            "a,2025-01-17 16:57:02 UTC,Asset Migration,MATIC,-100,EUR,€1,€1,€1,€0,,,\n"
            "d,2025-01-17 16:57:02 UTC,Retail Eth2 Deprecation,ETH,3,EUR,€1,€1,€1,€0,,,\n"
            "c,2025-01-17 16:57:02 UTC,Retail Eth2 Deprecation,ETH2,3,EUR,€1,€1,€1,€0,,,\n"
        )
    )
    assert legs(text) == [
        ("conversion", {"MATIC": "-100", "POL": "100"}),
        ("conversion", {"ETH2": "-3", "ETH": "3"}),
    ]


def test_half_a_migration_is_reported() -> None:
    rows = newest("Asset Migration,MATIC,-100,EUR,€1,€1,€1,€0,", "Asset Migration,MATIC,-50,EUR,€1,€1,€1,€0,")
    assert [row for row, _ in reported(rows)] == [5, 6]
    assert "other half" in reported(newest("Asset Migration,POL,100,EUR,€1,€1,€1,€0,"))[0][1]


def test_what_is_internal_or_empty_is_ignored_with_its_reason() -> None:
    kinds = [
        "Retail Staking Transfer", "Retail Unstaking Transfer", "Pro Deposit", "Pro Withdrawal", "Exchange Deposit",
        "Exchange Withdrawal",
    ]  # fmt: skip
    rows = [f"{kind},ETH,1,EUR,€1,€1,€1,€0," for kind in kinds]
    found = answer(newest(*rows, "Buy,ETH,0,EUR,€1,€0,€0,€0,") + ",,,,,,,,,,,,\n")
    assert found["events"] == found["reported"] == []
    assert [one["reason"] for one in found["ignored"]] == [
        *(f"{kind}: between places of the same owner" for kind in kinds),
        "nothing moved: quantity and total are 0",
        "an empty row",
    ]


@pytest.mark.parametrize("quantity", ["", "n/a", '"1,5"', "0.1234567890123456789"])
def test_what_moves_nothing_is_not_read_but_for_what_a_statement_of_pro_may_tell(quantity: str) -> None:
    kinds = ["Retail Staking Transfer", "Pro Deposit"]
    found = answer(newest(*(f"{kind},ETH,{quantity},EUR,€1,€1,€1,€0," for kind in kinds)))
    read = [5] if quantity else [5, 6]
    assert [one["row"] for one in found["ignored"]] == read
    assert [one["row"] for one in found["reported"]] == [6][: len(quantity)]


def test_what_went_to_pro_stands_for_nothing_where_its_numbers_are_in_doubt() -> None:
    rows = ["Pro Deposit,ETH,1.500,EUR,€1,€1,€1,€0,", 'Buy,ETH,"0,5",EUR,€1,€1,€1,€0,']
    [found] = previews({"report.csv": newest(*rows)}, decimal=None)
    assert ([one.row for one in found.ignored], found.inside) == ([5], [])
    assert [one.row for one in found.reported] == [6]


def test_nothing_moved_only_where_the_total_of_its_own_currency_is_0_too() -> None:
    row = "2021-04-29T14:57:14Z,Buy,BTC,0,40000,400,{},5,\n"
    assert "0 BTC at 40000 is not 400 EUR" in reported(BEFORE_MID_2021 + row.format("405"))[0][1]
    assert answer(BEFORE_MID_2021 + row.format("0"))["ignored"][0]["reason"] == (
        "nothing moved: quantity and total are 0"
    )


def test_a_type_that_is_new_is_reported_with_its_line_and_never_dropped() -> None:
    assert reported(newest("Moon Landing,ETH,1,EUR,€1,€1,€1,€0,")) == [
        (5, "Transaction Type 'Moon Landing' is unknown: book it by hand")
    ]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("a,17.01.2025 16:57:02,Buy,BTC,1,EUR,€1,€1,€1,€0,,,", "--date-order"),
        ("a,2025-01-17 16:57:02,Buy,BTC,1,EUR,€1,€1,€1,€0,,,", "no zone"),
        ("a,2025-01-17 16:57 UTC,Buy,BTC,1,EUR,€1,€1,€1,€0,,,", "lost its seconds"),
        ("a,2025-01-17 16:57:02 UTC,Buy,BTC,1,EUR,€1,€1,,€0,", "the row is cut: 11 of 13 columns"),
        ("a,2025-01-17 16:57:02 UTC,Buy,BTC,1,EUR,€1,€x,€1,€0,,,", "Subtotal: '€x' is not a number"),
        ('a,2025-01-17 16:57:02 UTC,Buy,BTC,1,EUR,€1,€1,"€1,50",€0,,,', "give --decimal=,"),
        ("a,2025-01-17 16:57:02 UTC,Buy,B TC,1,EUR,€1,€1,€1,€0,,,", "not the code of an asset"),
        ("a,2025-01-17 16:57:02 UTC,Buy,BTC,1,EUR,€1,€1,€0,€0,,,", "is no exchange"),
    ],
)
def test_a_row_that_is_not_certain_is_reported(row: str, why: str) -> None:
    [(line, reason)] = reported(PREAMBLE + NEWEST + row)
    assert line == 5
    assert why in reason


def test_an_older_export_without_ids_and_a_newer_one_tell_the_same_trades() -> None:
    old = SPOT + "2024-03-01T10:00:00Z,Buy,BTC,0.1,EUR,90000,9000,9100,100,\n" * 2
    new = WITH_ID + "".join(
        f"x{n},2024-03-01 10:00:00 UTC,Buy,BTC,0.1,EUR,€90000,€9000,€9100,€100,\n" for n in range(3)
    )
    for files in ({"old": old, "new": new}, {"new": new, "old": old}):
        found = previews(files)
        assert sum(len(one.events) for one in found) == 3
        assert sum(len(one.known) for one in found) == 2


@pytest.mark.parametrize("kind", ["Convert", "Asset Migration"])
def test_so_many_of_one_second_are_reported_and_not_compared_with_one_another(kind: str) -> None:
    def text(pairs: int) -> str:
        return WITHOUT_ID + "".join(
            f"2024-01-01 10:00:00 UTC,{kind},MATIC,-{n},USD,1,1,1,0,\n"
            f"2024-01-01 10:00:00 UTC,{kind},POL,{n},USD,1,1,1,0,\n"
            for n in range(1, pairs + 1)
        )

    assert len(legs(text(500))) == 500
    found = reported(text(501))
    assert len(found) == 1002
    assert {why for _, why in found} == {"so many of them cannot be told apart: book it by hand"}
