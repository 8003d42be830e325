"""Binance's spot trades, of each header they have had."""

from datetime import timedelta, timezone

import pytest

from tests.support.imports import answer, legs, previews, reported

OLDEST = "Date(UTC),Market,Type,Price,Amount,Total,Fee,Fee Coin\n"
GLUED = "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"
PAGE = "Time,Pair,Side,Price,Executed,Amount,Fee\n"
CENTRE = "Date(UTC),Pair,Base Asset,Quote Asset,Type,Price,Amount,Total,Fee,Fee Coin\n"


def test_the_oldest_header_has_a_pair_without_a_separator() -> None:
    text = OLDEST + (
        "2018-03-01 10:00:00,BNBBUSD,BUY,300,2,600,0.002,BNB\n"
        "2018-03-01 10:00:01,ETHBTC,SELL,0.05,1,0.05,0.00005,BTC\n"
        "2018-03-01 10:00:02,BTCUSDT,BUY,9000,0.1,900,0.003,BNB\n"
        "2018-03-01 10:00:03,USDTUSD,BUY,1,10,10,0,\n"
    )
    # Fees: in the base, in the quote, in a third coin, none.
    assert legs(text) == [
        ("conversion", {"BNB": "1.998", "BUSD": "-600"}),
        ("conversion", {"ETH": "-1", "BTC": "0.04995"}),
        ("trade", {"BTC": "0.1", "USDT": "-900", "BNB": "-0.003"}),
        ("trade", {"USDT": "10", "USD": "-10"}),
    ]


def test_units_are_glued_on_and_may_begin_with_a_digit() -> None:
    text = GLUED + (
        '2022-03-01 10:00:00,BTCUSDT,BUY,40000,0.0500000000BTC,"2,000.00000000USDT",0.0000500000BTC\n'
        '2022-03-01 10:00:01,SHIBUSDT,SELL,0.00002,"1,000,000.00SHIB",20.00000000USDT,0.02000000USDT\n'
        "2022-03-01 10:00:02,1INCHUSDT,BUY,1.5,120.00000000001INCH,180.00000000USDT,0.12000000001INCH\n"
        "2022-03-01 10:00:03,1INCHBTC,BUY,0.0001,120.00000000001INCH,0.0120BTC,0.0001000BNB\n"
    )
    assert legs(text) == [
        ("trade", {"BTC": "0.04995", "USDT": "-2000"}),
        ("trade", {"SHIB": "-1000000", "USDT": "19.98"}),
        ("trade", {"1INCH": "119.88", "USDT": "-180"}),
        ("conversion", {"1INCH": "120", "BTC": "-0.012", "BNB": "-0.0001"}),
    ]


def test_the_files_money_counts_and_not_price_times_quantity() -> None:
    [event] = answer(OLDEST + "2018-03-01 10:00:00,BTCUSDT,BUY,9000.01,0.1,900.00099,0,\n")["events"]
    assert (event["price"], event["amount"], event["legs"]["USDT"]) == ("9000.01", "900.00099", "-900.00099")


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("trades (UTC+2).csv", "2025-02-01T08:30:05Z"),
        ("trades(UTC--6).csv", "2025-02-01T16:30:05Z"),
        ("trades (UTC).csv", "2025-02-01T10:30:05Z"),
        ("trades (UTC+5:30).csv", "2025-02-01T05:00:05Z"),
    ],
)
def test_the_page_export_has_its_zone_in_the_files_name_alone(name: str, at: str) -> None:
    for stamp in ("25-02-01 10:30:05", "2025-02-01 10:30:05"):
        text = f"{PAGE}{stamp},BTCUSDT,BUY,90000,0.1BTC,9000USDT,0BNB,,,\r\n"
        [event] = answer(text, name)["events"]
        assert event["at"] == at
        assert event["legs"] == {"BTC": "0.1", "USDT": "-9000"}


def test_without_a_zone_a_local_time_is_reported_and_given_one_it_is_read() -> None:
    text = PAGE + "25-02-01 10:30:05,BTCUSDT,BUY,90000,0.1BTC,9000USDT,\n"
    assert "give --zone" in reported(text)[0][1]
    assert "give --zone" in reported(text, "trades (UTC+99).csv")[0][1]
    [event] = answer(text, zone=timezone(timedelta(hours=1)))["events"]
    assert event["at"] == "2025-02-01T09:30:05Z"


def test_a_header_may_state_an_offset_and_may_not_contradict_the_name() -> None:
    text = GLUED.replace("UTC", "UTC+1") + "2022-03-01 10:00:00,BTCUSDT,BUY,40000,1BTC,40000USDT,0BTC\n"
    assert answer(text)["events"][0]["at"] == "2022-03-01T09:00:00Z"
    assert answer(text, "a (UTC+1).csv")["events"][0]["at"] == "2022-03-01T09:00:00Z"
    assert "the header says UTC+01:00" in reported(text, "a (UTC+2).csv")[0][1]
    assert answer(text.replace("UTC+1", "UTC+99"))["format"] is None


def test_the_report_centre_names_base_and_quote() -> None:
    text = CENTRE + "2025-03-01 10:00:00,1INCHUSD,1INCH,USD,SELL,0.5,10,5,0.01,USD\n"
    assert legs(text) == [("trade", {"1INCH": "-10", "USD": "4.99"})]


def test_equal_fills_of_one_second_are_all_kept_and_the_same_file_again_changes_nothing() -> None:
    row = "2022-03-01 10:00:00,BTCUSDT,BUY,40000,0.01BTC,400USDT,0.00001BTC\n"
    first, again = previews({"a": GLUED + row * 3, "b": GLUED + row * 3})
    assert len({one.external_id for one in first.events}) == len(first.events) == 3
    assert (len(again.events), len(again.known)) == (0, 3)
    longer = previews({"a": GLUED + row * 3, "b": GLUED + row * 4})[1]
    assert (len(longer.events), len(longer.known)) == (1, 3)


def test_of_a_file_put_together_of_overlapping_ones_each_is_read_as_a_file_of_its_own() -> None:
    row = "2022-03-01 10:00:0{},BTCUSDT,BUY,40000,0.01BTC,400USDT,0.00001BTC\n"
    first, second = [row.format(n) for n in (1, 2, 2)], [row.format(n) for n in (2, 2, 2, 3)]
    mark = "\ufeff"  # each of the two began with one
    [preview] = previews({"both": mark + GLUED + "".join(first) + mark + GLUED + "".join(second)})
    assert [one.event.rows for one in preview.events] == [(2,), (3,), (4,), (8,), (9,)]
    known = [(one.row, one.reason) for one in preview.known]
    assert known == [(6, "came before, in row 3 of this file"), (7, "came before, in row 4 of this file")]
    assert [(one.row, one.reason) for one in preview.ignored] == [(5, "the header once more")]
    assert not preview.reported


def test_of_a_file_put_together_each_header_counts_below_it() -> None:
    with_base = "Date(UTC),Pair,Base Asset,Quote Asset,Type,Price,Amount,Total,Fee,Fee Coin\n"
    text = (
        GLUED + "2022-03-01 10:00:00,BTCUSDT,BUY,40000,0.01BTC,400USDT,0BNB\n"
        "Date(UTC+2),Pair,Side,Price,Executed,Amount,Fee\n2022-03-01 12:00:01,BTCUSDT,BUY,40000,0.02BTC,800USDT,0BNB\n"
        + with_base
        + "2022-03-01 10:00:02,BTCUSDT,BTC,USDT,SELL,40000,0.03,1200,0,\n"
    )
    found = answer(text)
    assert [(event["row"], event["at"][11:], event["legs"]["BTC"]) for event in found["events"]] == [
        (2, "10:00:00Z", "0.01"),
        (4, "10:00:01Z", "0.02"),
        (6, "10:00:02Z", "-0.03"),
    ]
    assert [one["row"] for one in found["ignored"]] == [3, 5]
    assert (found["reported"], found["rows"]) == ([], 5)


def test_where_one_row_has_a_decimal_comma_none_is_read_with_a_point() -> None:
    text = GLUED.replace(",", ";") + (
        "2022-03-01 10:00:00;BTCUSDT;BUY;40.000,00;0,01BTC;400,00USDT;0,01BNB\n"
        "2022-03-01 10:00:01;BTCUSDT;BUY;40.000;0.050BTC;2.000USDT;0.001BNB\n"
        "2022-03-01 10:00:02;BTCUSDT;BUY;40.000;0BTC;0USDT;0BNB\n"
    )
    why = (
        "row 2 may have a decimal comma, and the point of this one stand for thousands: give --decimal=, or --decimal=."
    )
    assert reported(text)[1] == (3, why)
    found = answer(text, decimal=",")
    assert [event["legs"] for event in found["events"]] == [{"BTC": "0.01", "USDT": "-400", "BNB": "-0.01"}]
    assert [one["row"] for one in found["reported"]] == [3]
    found = answer(text, decimal=".")
    assert [one["row"] for one in found["events"]] == [3]


@pytest.mark.parametrize(
    ("total", "fee"),
    [("1.234.567USDT", "0BNB"), ("1,5USDT", "0BNB"), ("40000USDT", "0,001BNB"), ("40000USDT", "1.2.3BNB")],
)
def test_what_can_only_have_a_decimal_comma_casts_doubt_on_the_points_of_others(total: str, fee: str) -> None:
    text = GLUED.replace(",", ";") + (
        f"2022-03-01 10:00:00;BTCUSDT;BUY;40000;1BTC;{total};{fee}\n"
        "2022-03-01 10:00:01;BTCUSDT;BUY;40.000;0.050BTC;2.000USDT;0.001BNB\n"
    )
    assert [row for row, why in reported(text) if "give --decimal=," in why] == [2, 3]
    assert not [one for one in answer(text, decimal=".")["reported"] if "give" in one["reason"]]


def test_rows_that_move_nothing_are_ignored() -> None:
    found = answer(GLUED + "2022-03-01 10:00:00,BTCUSDT,BUY,40000,0BTC,0USDT,0BTC\n,,,,,,\n" + GLUED)
    assert [one["reason"] for one in found["ignored"]] == [
        "nothing was executed: all amounts are 0",
        "an empty row",
        "the header once more",
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (GLUED + "2022-03-01 10:00:00,BTCUSDT,SWAP,1,1BTC,1USDT,0BTC\n", "neither buy nor sell"),
        (GLUED + "2022-03-01 10:00:00,BTCUSDT,BUY,1,1ETH,1USDT,0BTC\n", "are not amounts of the pair"),
        (GLUED + "2022-03-01 10:00:00,BTCUSDT,BUY,1,xBTC,1USDT,0BTC\n", "are not amounts of the pair"),
        (GLUED + '2022-03-01 10:00:00,BTCUSDT,BUY,1,"0,05BTC",1USDT,0BTC\n', "give --decimal=,"),
        (GLUED + "2022-03-01 10:00:00,BTCUSDT,BUY,1,-1BTC,1USDT,0BTC\n", "below 0"),
        (GLUED + "2022-03-01 10:00:00,BTCUSDT,BUY,1,1BTC,1USDT,none\n", "not an amount with its coin"),
        (GLUED + "2022-03-01 10:00,BTCUSDT,BUY,1,1BTC,1USDT,0BTC\n", "lost its seconds"),
        (GLUED + "2022-03-01 10:00:00,BTCUSDT,BUY,x,1BTC,1USDT,0BTC\n", "Price: 'x' is not a number"),
        (GLUED + "29-09-23 10:00:00,BTCUSDT,BUY,1,1BTC,1USDT,0BTC\n", "lies in the future"),
        (GLUED + "2022-03-01 10:00:00,BTCUSDT,BUY,1,1BTC\n", "the row is cut: 5 of 7 columns"),
        (GLUED + "2022-03-01 10:00:00,BTCUSDT,BUY,1,1BTC,1USDT,0BTC,more\n", "more columns than"),
        (OLDEST + "2018-03-01 10:00:00,BTCUSDT,BUY,1,1,1,0.5,\n", "Fee Coin is empty"),
        (OLDEST + "2018-03-01 10:00:00,ABCTUSD,BUY,1,1,1,0.5,BNB\n", "may be ABC-TUSD or ABCT-USD"),
        (OLDEST + "2018-03-01 10:00:00,ABCDEF,BUY,1,1,1,0.5,BNB\n", "is no pair that is known"),
    ],
)
def test_a_row_that_is_not_certain_is_reported(text: str, why: str) -> None:
    [(row, reason)] = reported(text)
    assert row == 2
    assert why in reason


def test_a_fee_coin_tells_where_a_pair_is_split() -> None:
    text = OLDEST + "2018-03-01 10:00:00,ABCTUSD,BUY,1,10,10,0.5,ABC\n"
    assert legs(text) == [("conversion", {"ABC": "9.5", "TUSD": "-10"})]


def test_a_fee_in_a_coin_whose_name_ends_like_the_quote() -> None:
    text = GLUED + "2022-03-01 10:00:00,BTCUSD,BUY,1,1BTC,2USD,0.5BUSD\n"
    assert legs(text) == [("trade", {"BTC": "1", "USD": "-2", "BUSD": "-0.5"})]


def test_a_decimal_comma_is_read_when_it_is_said() -> None:
    text = OLDEST.replace(",", ";") + "2018-03-01 10:00:00;BTCUSDT;BUY;9.000,5;0,1;900,05;0;\n"
    assert "if a comma is the decimal sign" in reported(text)[0][1]
    [event] = answer(text, decimal=",")["events"]
    assert (event["price"], event["legs"]) == ("9000.5", {"BTC": "0.1", "USDT": "-900.05"})
