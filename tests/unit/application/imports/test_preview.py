"""What is said of a file: recognised by its header, every row in one place, nothing twice, never an exception."""

import json
import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from portfolio.application.imports.recognition import FORMATS
from tests.support.imports import answer, legs, previews, reported

GLUED = "Date(UTC),Pair,Side,Price,Executed,Amount,Fee\n"
ROW = "2022-03-01 10:00:00,BTCUSDT,BUY,40000,0.01BTC,400USDT,0.00001BTC\n"
# One row that is read, of each kind of table; columns in the order of their header.
KRAKEN = "txid,refid,time,type,subtype,aclass,asset,amount,fee,balance\n"
SAMPLES = {
    "binance-trades": GLUED + ROW,
    "kraken-ledgers": KRAKEN + "L1,Q1,2021-02-01 10:30:12,deposit,,currency,ZEUR,100,0,100\n",
    "kraken-trades": "txid,pair,time,type,price,cost,fee,vol,margin\nT,BTC/USD,2021-02-01 10:30:12.3,buy,2,2,0,1,0\n",
    "koinly": "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,Label\n"
    "2018-01-01 14:25 UTC,100,EUR,0.01,BTC,0.5,EUR,\n",
    "binance-history": "User_ID,UTC_Time,Account,Operation,Coin,Change,Remark\n"
    "7,2023-09-29 09:56:26,Spot,Deposit,BTC,1,\n",
    "coinbase": "Timestamp,Transaction Type,Asset,Quantity Transacted,Spot Price Currency,Subtotal,Total,Fees,Notes\n"
    "2021-04-29T14:57:14Z,Buy,BTC,1,EUR,100,101,1,\n",
    "wealthfolio": "date,type,symbol,quantity,unit_price,currency,fee,amount\n2024-01-15,BUY,BTC,1,1,USD,0,1\n",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_is_recognised_by_its_header_whatever_its_name(name: str) -> None:
    for called in ("anything", "kraken.csv", "data.json"):
        found = answer(SAMPLES[name], called)
        assert found["format"] == name
        assert len(found["events"]) == 1


@pytest.mark.parametrize("name", SAMPLES)
def test_columns_are_read_by_name_wherever_they_stand(name: str) -> None:
    header, row = (line.split(",") for line in SAMPLES[name].splitlines())
    places = list(range(len(header)))
    random.Random(5).shuffle(places)
    moved = "\n".join(",".join([*(cells[place] for place in places), "new"]) for cells in (header, row))
    assert answer(moved)["events"] == answer(SAMPLES[name])["events"]


@pytest.mark.parametrize("name", SAMPLES)
def test_encodings_and_line_ends_change_nothing(name: str) -> None:
    text = SAMPLES[name]
    expected = answer(text)
    for raw in (
        b"\xef\xbb\xbf" + text.encode(),
        text.encode("utf-16"),
        b"\xfe\xff" + text.encode("utf-16-be"),
        text.encode("utf-16-le"),
        text.encode("utf-16-be"),
        text.encode("utf-32"),
        b"\x00\x00\xfe\xff" + text.encode("utf-32-be"),
        text.replace("\n", "\r\n").encode(),
        text.replace("\n", "\r").encode(),
        text.replace(",", ";").encode(),
        text.replace(",", "\t").encode(),
        text.rstrip("\n").encode(),
    ):
        assert answer(raw) == expected


def test_bytes_that_are_no_utf8_are_those_of_windows() -> None:
    header = "Timestamp,Transaction Type,Asset,Quantity Transacted,Price Currency,Subtotal,Total,Fees,Notes\n"
    text = header + "2021-04-29T14:57:14Z,Buy,BTC,1,EUR,€100,€101,€1,für später\n"
    assert answer(text.encode("cp1252")) == answer(text)
    assert len(answer(text)["events"]) == 1
    marked = answer(text.encode("utf-8-sig").replace("ä".encode(), b"\xe4"))  # what is put together of both kinds
    assert len(marked["events"]) == 1


def test_a_file_that_is_not_recognised_says_what_to_do() -> None:
    found = answer("a,b\n1,2\n")
    assert (found["format"], found["rows"]) == (None, 1)
    assert found["reported"][0]["row"] == 1
    assert "coinbase, coinbase-pro-fills" in found["reported"][0]["reason"]
    assert "the header is not that of koinly" in reported(SAMPLES["coinbase"], format="koinly")[0][1]
    assert "the structure is not known" in reported("{}")[0][1]
    assert answer(SAMPLES["coinbase"], format="coinbase")["format"] == "coinbase"


def test_what_another_place_tells_can_be_put_under_the_columns_that_are_named() -> None:
    [(_, reason)] = reported("Type,Datetime,Account,Amount,Value,Rate,Fee,Sub Type\n")
    header = reason.partition("under the columns of koinly: ")[2]
    text = f"{header}\n2021-03-01 10:00:00Z,500,EUR,0.01,BTC,1.25,EUR,\n"
    assert legs(text) == [("trade", {"EUR": "-501.25", "BTC": "0.01"})]


@pytest.mark.parametrize(
    "text",
    [
        "", "\n\n", "[]", "[1, 2]", '{"trades": 5}', '{"fills": [1]}', "{", "[" * 100_000, '{"a": NaN}',
        '{"activities": {}}', b"PK\x03\x04", b"\x00\x00\x00", b"\xff\xfe\x00", '"', '"\n"a,b',
    ],
)  # fmt: skip
def test_what_is_no_import_ends_in_a_report(text: str | bytes) -> None:
    found = answer(text)
    assert found["events"] == []
    assert len(found["reported"]) >= 1


def test_lists_without_a_row_are_recognised_by_their_name() -> None:
    assert answer('{"activities": []}')["format"] == "ghostfolio"
    assert answer('{"trades": [], "trades_count": 0}')["format"] == "freqtrade"
    assert reported('{"activities": [7]}') == [(0, "is no object: import the file as it was downloaded")]


def test_a_row_cut_within_quotation_marks_takes_no_other_row_along() -> None:
    cut = '2022-03-01 10:00:00,BTCUSDT,BUY,"40000,0.01BTC\n'
    found = answer(GLUED + cut + ROW * 25)
    assert len(found["events"]) == 25
    why = "a quotation mark is opened and not closed: the row is cut: import the file as it was downloaded"
    assert found["reported"] == [{"row": 2, "reason": why}]
    twice = answer(GLUED + cut + ROW + cut + ROW)
    assert len(twice["events"]) == 2
    assert [one["row"] for one in twice["reported"]] == [2, 4]


def test_a_record_of_several_lines_is_one_row_and_keeps_its_first_line() -> None:
    header = "Timestamp,Transaction Type,Asset,Quantity Transacted,Price Currency,Subtotal,Total,Fees,Notes\n"
    row = '2021-04-29T14:57:14Z,Buy,BTC,1,EUR,100,101,1,"a ""note""\nof two lines"\n'
    assert [event["row"] for event in answer(header + "\n" + row + row)["events"]] == [3, 5]


def test_a_column_that_stands_twice_says_the_same_or_the_row_is_reported() -> None:
    """Columns without a name are none: some files end each row with commas."""
    text = GLUED.replace("\n", ",Fee,,\n") + ROW.replace("\n", ",{},1,2\n")
    [event] = answer(text.format("0.00001BTC"))["events"]
    assert event["fee"] == "0.00001"
    for other in ("9BTC", ""):
        [(row, why)] = reported(text.format(other))
        assert (row, "two columns are called 'Fee', and say different things" in why) == (2, True)


def test_files_twice_and_overlapping_change_nothing_in_any_order() -> None:
    rows = [ROW.replace("10:00:00", f"10:00:0{second}") for second in (1, 1, 2, 3, 4, 4)]
    early, late = GLUED + "".join(rows[:4]), GLUED + "".join(rows[2:])
    for files in ({"a": early, "b": late, "c": early}, {"b": late, "c": early, "a": late}):
        found = previews(files)
        assert sum(len(one.events) for one in found) == len(rows)


def test_other_accounts_are_other_ids_only_by_what_is_given() -> None:
    # One run is of one account; what other runs have booked is compared by it.
    assert answer(SAMPLES["koinly"], account="x") == answer(SAMPLES["koinly"])


def test_each_format_has_a_name_of_its_own() -> None:
    assert len({one.name for one in FORMATS}) == len(FORMATS)


CELLS = st.sampled_from(
    ["", "0", "1", "-1", "1e-08", "1,5", "1,204", "x", "BTC", "EUR", "BUY", "buy", "trade", "deposit", "Convert", "Buy",
     "2022-03-01 10:00:00", "2022-03-01 10:00:00 UTC", "01/02/2022", "BTCUSDT", "1BTC", "5USDT", '"', "\x00", "ß",
     "Spot", "Transaction Buy", "Fee", "Converted 1 BTC to 2 ETH", "T1", "€5", "1e999999", "NaN"]
)  # fmt: skip


@given(st.sampled_from(sorted(SAMPLES)), st.lists(st.lists(CELLS, max_size=14), max_size=8), st.sampled_from("., "))
@example("coinbase", [["2022-03-01 10:00:00 UTC", "Convert", "BTC", "1", "EUR", "1", "1", "0", ""]], " ")
@settings(max_examples=60, deadline=None)
def test_whatever_stands_below_a_header_ends_in_exactly_one_place(
    name: str, rows: list[list[str]], decimal: str
) -> None:
    header = SAMPLES[name].splitlines()[0]
    text = "\n".join([header, *(",".join(row) for row in rows)])
    json.dumps(answer(text, decimal=decimal.strip() or None))


@given(st.sampled_from(sorted(SAMPLES)), st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_file_that_is_damaged_anywhere_ends_in_a_report(name: str, data: st.DataObject) -> None:
    raw = bytearray((SAMPLES[name] + SAMPLES[name].splitlines()[1] * 3).encode())
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    json.dumps(answer(bytes(raw[: data.draw(st.integers(0, len(raw)))])))


NAMES = st.sampled_from(["id", "side", "symbol", "fee", "cost", "orders", "type", "date"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | CELLS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["symbol", "side", "amount", "price", "timestamp", "fee", "fees"]), VALUES))
@settings(max_examples=50, deadline=None)
def test_whatever_stands_in_json_ends_in_exactly_one_place(values: dict[str, object]) -> None:
    blank = dict.fromkeys(("symbol", "side", "amount", "price", "timestamp"))
    for value in (
        [{**blank, **values}],
        {"activities": [values]},
        {"trades": [{"pair": "BTC/USD", **values, "orders": [values]}]},
        {"fills": [{**dict.fromkeys(("trade_id", "product_id", "side", "size", "price")), **values}]},
    ):
        json.dumps(answer(json.dumps(value)))


@pytest.mark.unmeasured
def test_ten_megabytes_of_noise_end_in_a_report() -> None:
    noise = GLUED.encode() + random.Random(7).randbytes(10_000_000)
    found = answer(noise)
    assert found["events"] == []
    assert len(found["reported"]) > 10_000


def test_noise_that_begins_like_nothing_or_like_json_ends_in_a_report() -> None:
    noise = random.Random(7).randbytes(100_000)
    for raw in (noise, b"{" + noise):
        assert len(reported(raw)) == 1
