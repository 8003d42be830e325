"""Numbers, times and codes of files: exact, or refused."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portfolio.domain.imports.moments import millisecond_in, moment_in, offset_in, zone_in_name
from portfolio.domain.imports.numbers import amount_in, is_money_of, money_in, number_in
from portfolio.domain.imports.records import RowRefused
from portfolio.domain.imports.symbols import pair_in, symbol_in

VIENNA = ZoneInfo("Europe/Vienna")


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1e-08", None, "0.00000001"),
        ("-3.605E-05", None, "-0.00003605"),
        ("95,000.00", None, "95000"),
        ("1,000,000", None, "1000000"),
        ("1,204", ".", "1204"),
        ("1,204", ",", "1.204"),
        ("1.204", ",", "1204"),
        ("1.204,5", ",", "1204.5"),
        ("0.123456789012345678", None, "0.123456789012345678"),
        (".5", None, "0.5"),
        ("5.", None, "5"),
        ("0.5000000000000000000000", None, "0.5"),
        ("(1,234.50)", None, "-1234.50"),
        ("(0,5)", ",", "-0.5"),
        ("1 234 567.5", None, "1234567.5"),
        ("-1\u202f234,5", ",", "-1234.5"),
        ("1\u00a0234", None, "1234"),
        ("12'345.67", None, "12345.67"),
        ("12\u2019345.67", None, "12345.67"),
    ],
)
def test_a_number_is_what_stands_there(text: str, decimal: str | None, value: str) -> None:
    assert amount_in(text, decimal) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "decimal", "why"),
    [
        ("0,15", None, "give --decimal=,"),
        ("1,204", None, "give --decimal"),
        ("1.204", ".", ""),
        ("0.15", ",", "not a number"),
        ("0.001", ",", "not a number"),
        ("-0,001", ".", "not a number"),
        ("0,001", None, "give --decimal=,"),
        ("0.001.000", ",", "not a number"),
        ("0 123", None, "not a number"),
        ("1,20,4", ".", "not a number"),
        ("NaN", None, "not a number"),
        ("", None, "not a number"),
        ("١٢", None, "not a number"),
        ("1e99", None, "out of range"),
        ("100000000000000000000", None, "out of range"),
        ("1e-19", None, "finer than 18 decimals"),
        ("1_000", None, "not a number"),
        ("(-5)", None, r"'\(-5\)' is not a number"),
        ("()", None, "not a number"),
        ("1234 567", None, "not a number"),
        ("1 23", None, "not a number"),
        ("1 234'567", None, "not a number"),
        ("1 234,567", None, "give --decimal=,"),
    ],
)
def test_a_number_that_is_not_certain_is_refused(text: str, decimal: str | None, why: str) -> None:
    if not why:
        assert number_in(text, decimal) == Decimal(text)
        return
    with pytest.raises(RowRefused, match=why):
        amount_in(text, decimal)


def test_a_price_may_be_finer_than_an_amount() -> None:
    assert number_in("0.0000000000000000000012") == Decimal("1.2e-21")


def test_a_currencys_sign_may_stand_before_money() -> None:
    assert [money_in(text) for text in ("€3343.11", "-€597.49", "CA$10", "$95,000.00", "£ 1", "-5", "($1,234.50)")] == [
        Decimal(value) for value in ("3343.11", "-597.49", "10", "95000", "1", "-5", "-1234.50")
    ]
    assert [is_money_of(text, "EUR") for text in ("(€5)", "($5)", "-$5", "(5)")] == [True, False, False, True]
    for text in ("", "a b c", "€", "€-"):
        with pytest.raises(RowRefused):
            money_in(text)


@given(st.text(), st.sampled_from([None, ",", "."]))
@example("-€597.49", None)
@example("\N{NO-BREAK SPACE}123" * 100_000 + " x", None)  # else it would go on for minutes
def test_whatever_stands_there_is_a_number_or_refused(text: str, decimal: str | None) -> None:
    for read in (number_in, amount_in, money_in):
        try:
            assert read(text, decimal).is_finite()
        except RowRefused:
            continue


@given(st.decimals(allow_nan=False, allow_infinity=False, places=18, min_value=-(10**19), max_value=10**19))
def test_an_amount_comes_back_to_the_last_digit(value: Decimal) -> None:
    assert amount_in(str(value)) == value
    assert amount_in(f"{value:,f}", ".") == value


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("2025-01-17 16:57:02 UTC", None, datetime(2025, 1, 17, 16, 57, 2, tzinfo=UTC)),
        ("2021-04-29T14:57:14Z", VIENNA, datetime(2021, 4, 29, 14, 57, 14, tzinfo=UTC)),
        ("2021-04-29T14:57:14+02:00", None, datetime(2021, 4, 29, 12, 57, 14, tzinfo=UTC)),
        ("2021-10-31 02:30:00+02:00", VIENNA, datetime(2021, 10, 31, 0, 30, tzinfo=UTC)),
        ("2021-10-31 02:30:00 +01:00", VIENNA, datetime(2021, 10, 31, 1, 30, tzinfo=UTC)),
        ("2021-02-01 10:30:12.3456", UTC, datetime(2021, 2, 1, 10, 30, 12, 345600, tzinfo=UTC)),
        ("2021-02-01", None, datetime(2021, 2, 1, tzinfo=UTC)),
        ("2021-02-01", VIENNA, datetime(2021, 1, 31, 23, tzinfo=UTC)),
        ("2021-07-01 12:00", VIENNA, datetime(2021, 7, 1, 10, tzinfo=UTC)),
        ("2021-12-31 24:00:00 UTC", None, datetime(2022, 1, 1, tzinfo=UTC)),
        ("2021-07-01T24:00:00.000", VIENNA, datetime(2021, 7, 1, 22, tzinfo=UTC)),
        ("2021-07-01 12:00:01 AM", UTC, datetime(2021, 7, 1, 0, 0, 1, tzinfo=UTC)),
        ("2021-07-01 12:30 pm", UTC, datetime(2021, 7, 1, 12, 30, tzinfo=UTC)),
        ("2021-07-01 11:59:59.5 p.m. +02:00", None, datetime(2021, 7, 1, 21, 59, 59, 500000, tzinfo=UTC)),
        ("2021-07-01, 1:05:09\u202fAM", UTC, datetime(2021, 7, 1, 1, 5, 9, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_in_its_own_zone_or_the_one_that_is_given(
    text: str, zone: tzinfo | None, moment: datetime
) -> None:
    assert moment_in(text, zone) == moment


@pytest.mark.parametrize(
    ("text", "zone", "order", "why"),
    [
        ("2021-07-01 12:00:00", None, None, "give --zone"),
        ("01.07.2021 12:00:00", UTC, None, "give --date-order"),
        ("01.17.2021 12:00:00", UTC, "dmy", "is not a time in the order dmy"),
        ("2021-13-01", UTC, None, "is not a time"),
        ("2021-13-01 10:00:00", UTC, None, "is not a time"),
        ("1970-01-01 10:00:00Z", None, None, "the year is 1970"),
        ("2021-03-28 02:30:00", VIENNA, None, "write the offset of this row behind its time, such as .01:00"),
        ("2021-10-31 02:30:00", VIENNA, None, "behind the time, .02:00 or .01:00"),
        ("1970-01-01", UTC, None, "the year is 1970"),
        ("2009-01-01T00:00:00+14:00", None, None, "the year is 2008"),
        ("9999-12-31 23:59:59-05:00", UTC, None, "the year is 9999"),
        ("2021-01-01 00:00:00+99:00", None, None, "not an offset"),
        ("tomorrow", UTC, None, "is not a time"),
        ("2021-07-01 24:00:01", UTC, None, "is not a time"),
        ("9999-12-31 24:00:00", UTC, None, "the year is 9999"),
        ("2021-07-01 13:00:00 PM", UTC, None, "is not a time"),
        ("2021-07-01 0:00:00 AM", UTC, None, "is not a time"),
        ("2021-07-01 24:00:00 AM", UTC, None, "is not a time"),
        ("2021-07-01 PM", UTC, None, "is not a time"),
        ("7/1/2021 1:00:00 PM", UTC, None, "give --date-order"),
    ],
)
def test_a_time_that_is_not_certain_is_refused(text: str, zone: tzinfo | None, order: str | None, why: str) -> None:
    with pytest.raises(RowRefused, match=why):
        moment_in(text, zone, order=order)


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        ("23-09-29 09:56:26", None, datetime(2023, 9, 29, 9, 56, 26, tzinfo=UTC)),
        ("23-09-29 09:56:26", "ymd", datetime(2023, 9, 29, 9, 56, 26, tzinfo=UTC)),
        ("21/02/23 10:00:00", "dmy", datetime(2023, 2, 21, 10, tzinfo=UTC)),
        ("10.11.12 10:00:00", "dmy", datetime(2012, 11, 10, 10, tzinfo=UTC)),
        ("10/11/12 10:00:00", "mdy", datetime(2012, 10, 11, 10, tzinfo=UTC)),
        ("10/11/12 10:00:00", "ymd", datetime(2010, 11, 12, 10, tzinfo=UTC)),
        ("01/02/2022 10:00:00", "dmy", datetime(2022, 2, 1, 10, tzinfo=UTC)),
        ("01-02-2022 10:00:00", "mdy", datetime(2022, 1, 2, 10, tzinfo=UTC)),
        ("2022-02-01 10:00:00", "dmy", datetime(2022, 2, 1, 10, tzinfo=UTC)),
        ("23-09-29 09:56:26", "dmy", "the exchange writes the year first here, and dmy was said"),
        ("10/11/12 10:00:00", None, "give --date-order"),
        ("01-02-2022 10:00:00", None, "give --date-order"),
    ],
)
def test_a_short_year_stands_first_where_the_exchange_has_it_so_and_nowhere_against_what_is_said(
    text: str, order: str | None, day: datetime | str
) -> None:
    if isinstance(day, datetime):
        assert moment_in(text, UTC, order=order, short_year=True) == day
        return
    with pytest.raises(RowRefused) as caught:
        moment_in(text, UTC, order=order, short_year=True)
    assert day in str(caught.value)


@given(st.text(alphabet="0123456789-/.: TZUC+APM", max_size=40), st.sampled_from(["dmy", "mdy", "ymd", None]))
@example("00-01-01", "ymd")
def test_whatever_stands_there_is_a_time_or_refused(text: str, order: str | None) -> None:
    try:
        assert moment_in(text, UTC, order=order).tzinfo is UTC
    except RowRefused:
        return


def test_zones_of_offsets_and_of_names() -> None:
    assert offset_in("-6") == timezone(timedelta(hours=-6))
    assert offset_in("+05:30") == timezone(timedelta(hours=5, minutes=30))
    assert offset_in("") is UTC
    assert zone_in_name("x (UTC--6).csv") == timezone(timedelta(hours=-6))
    assert zone_in_name("x (UTC+2).csv") == timezone(timedelta(hours=2))
    assert zone_in_name("x.csv") is None
    assert zone_in_name("x (UTC+77).csv") is None


@pytest.mark.parametrize(
    "text",
    [
        *("BTC-PERP", "btcusd_perp", "BTCUSD_241227", "ETH/SWAP", "BTC-20241227", "BTC-PERPETUAL", "BTC-PERP-INTX"),
        *("BIT-26SEP25-CDE", "BTC-USDT-SWAP", "PF_XBTUSD", "PV_XRPXBT", "FI_XBTUSD_260327", "BTCUSDT_240628"),
        *("BTCPERP", "1000PEPEPERP", "XBTH24", "ETHUSDM24", "XBTUSDTM", "BTC/USDT:USDT", "BTC-27DEC24-100000-C"),
    ],
)
def test_a_contract_is_no_pair_and_no_asset(text: str) -> None:
    for read in (pair_in, symbol_in):
        with pytest.raises(RowRefused, match="is a contract") as refused:
            read(text)
        assert refused.value.remedy == "book what came of them by hand"
    assert (pair_in("PERP/USDT"), symbol_in("perp")) == (("PERP", "USDT"), "PERP")  # the coin of that name
    assert [symbol_in(code) for code in ("USDM", "BTC24", "METHM24")] == ["USDM", "BTC24", "METHM24"]
    assert pair_in("1000-USDT") == ("1000", "USDT")


@pytest.mark.parametrize("quote", ["USDT", "USD", "USDC", "BTC", "PYUSD", "KRW"])
@pytest.mark.parametrize("coin", ["PI", "FF", "FI", "PERP", "SWAP", "FUT", "1INCH", "1000PEPE"])
def test_coins_that_are_named_as_contracts_begin_are_coins(coin: str, quote: str) -> None:
    assert pair_in(f"{coin}_{quote}") == (coin, quote)


@pytest.mark.parametrize("text", ["1609459200", "0", "-1", "1230767999999", "7000000000001"])
def test_seconds_are_not_taken_for_milliseconds(text: str) -> None:
    with pytest.raises(RowRefused, match="is not a time in milliseconds"):
        millisecond_in(text)
    assert millisecond_in("1609459200000") == datetime(2021, 1, 1, tzinfo=UTC)


def test_codes_and_pairs() -> None:
    assert symbol_in("btc") == "BTC"
    assert pair_in("btc/usd") == ("BTC", "USD")
    assert pair_in("XYZUSDT") == ("XYZ", "USDT")
    for text in ("", "ß", "A B", "A" * 21):
        with pytest.raises(RowRefused):
            symbol_in(text)


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("$1 234.50", None, "1234.50"),
        ("-€1\u00a0234,50", ",", "-1234.50"),
        ("CA$1'234'567.8", None, "1234567.8"),
        ("($1 234.50)", None, "-1234.50"),
    ],
)
def test_thousands_are_parted_behind_the_sign_of_a_currency_too(text: str, decimal: str | None, value: str) -> None:
    assert money_in(text, decimal) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "1 234,567", "(1,204)", "(--5)", "$1,204", "$1 234,567", "$100000000000000000000", "$1e-19", "$5 EUR",
        "$12 34.50", "$0,123.45",
    ],
)  # fmt: skip
def test_an_amount_of_money_is_refused_as_the_file_has_it(text: str) -> None:
    with pytest.raises(RowRefused, match=f"^{re.escape(repr(text))} "):
        money_in(text)


def test_the_sign_before_parted_thousands_is_of_a_currency() -> None:
    assert (is_money_of("$1 234.50", "EUR"), is_money_of("€1 234,50", "EUR")) == (False, True)
