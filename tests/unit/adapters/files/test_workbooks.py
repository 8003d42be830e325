"""Workbooks are read as tables: numbers exactly, days as days; what is hostile or damaged is said, within bounds."""

from __future__ import annotations

import random
import tracemalloc
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.adapters.files import workbooks
from portfolio.adapters.files.imports import LocalImportFiles, content_of
from portfolio.adapters.files.workbooks import workbook_in
from portfolio.application.imports.records import Line, Table, Unreadable
from portfolio.domain.imports.numbers import number_in
from tests.support.imports import answer, previews
from tests.unit.adapters.files.workbook_examples import number, row, sheet, text, workbook

HEADER = row("Date(UTC)", "Pair", "Base Asset", "Quote Asset", "Type", "Price", "Amount", "Total", "Fee", "Fee Coin")


def lines(raw: bytes) -> list[Line]:
    """The rows of a workbook."""
    content = content_of(raw)
    assert isinstance(content, Table), content
    return list(content.lines)


def cells(*found: str, properties: str = "", strings: tuple[str, ...] = ()) -> list[str]:
    """The texts of a row of cells."""
    [line] = lines(workbook(sheet(row("x", *found)), properties=properties, strings=strings))
    assert line.fault == ""
    return [*line.cells[1:]]


def refusal(raw: bytes) -> str:
    """Why a workbook is not read."""
    content = content_of(raw)
    assert isinstance(content, Unreadable), content
    return content.reason


def test_a_workbook_is_booked_as_the_same_table_is() -> None:
    # 44,621.5 days after the 30th of December 1899 is noon of the 1st of March 2022.
    words = [text(word) for word in ("BTCUSDT", "BTC", "USDT", "BUY")]
    numbers = [number(digits) for digits in ("40000.10", "0.1", "4000.01", "1E-3")]
    raw = workbook(sheet(HEADER, row(number("44621.5", 2), *words, *numbers, "BNB")))
    table = (
        "Date(UTC),Pair,Base Asset,Quote Asset,Type,Price,Amount,Total,Fee,Fee Coin\n"
        "2022-03-01 12:00:00,BTCUSDT,BTC,USDT,BUY,40000.1,0.1,4000.01,0.001,BNB\n"
    )
    assert answer(raw) == answer(table)
    first, again = previews({"a": table, "b.xlsx": raw})
    assert (len(first.events), len(again.known)) == (1, 1)


def test_the_row_is_the_one_that_a_spreadsheet_shows_and_empty_ones_are_none() -> None:
    raw = workbook(
        sheet(
            '<row r="3"><c r="B3" t="str"><v>b</v></c><c r="D3"><v>4</v></c></row>',
            "<row/>",
            '<row r="7"><c r="A7" t="inlineStr"><is><t> </t></is></c></row>',
            '<row r="9"><c r="AA9" t="b"><v>1</v></c></row>',
        )
    )
    first, last = lines(raw)
    assert (first.number, list(first.cells)) == (3, ["", "b", "", "4"] + [""] * 23)
    assert (last.number, list(last.cells)) == (9, [""] * 26 + ["true"])


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (number("0.10000000000000001"), "1e-1"),  # as Excel writes a tenth
        (number("20000"), "20000"),
        (number("2E4"), "20000"),
        (number("-1.204"), "-1204e-3"),
        (number("1E-08"), "1e-8"),
        (number("123456789012345"), "123456789012345"),
        (number("0"), "0"),
        (number("3.5", 3), "35e-1"),
        (number("3.5", 99), "35e-1"),
        (number("44621", 1), "2022-03-01"),
        (number("44621", 2), "2022-03-01 00:00:00"),
        (number("44621.25", 1), "2022-03-01 06:00:00"),
        (number("44621.500011574074", 2), "2022-03-01 12:00:01"),
        (number("44621.500001423615", 4), "2022-03-01 12:00:00.123"),
        ('<c t="d"><v>2022-03-01T12:00:00</v></c>', "2022-03-01T12:00:00"),
        ('<c t="b"><v>0</v></c>', "false"),
        ('<c t="str"><f>A1</f><v>said</v></c>', "said"),
        ('<c t="s"><v>1</v></c>', "two"),
        ('<c t="s"><v>2</v></c>', "rich text"),
        ('<c t="inlineStr"><is><r><t>a</t></r><rPh><t>no</t></rPh><r><t>b</t></r></is></c>', "ab"),
        ("<c/>", ""),
    ],
)
def test_a_cell_is_the_text_that_was_typed(cell: str, said: str) -> None:
    strings = ("one", "two", "<r><t>rich</t></r><rPh><t>no</t></rPh><r><t> text</t></r>")
    assert cells(cell, "end", strings=strings) == [said, "end"]


@pytest.mark.parametrize("flag", ["1", "true"])
def test_days_that_begin_in_1904_are_told(flag: str) -> None:
    # 1,462 days lie between the two beginnings
    assert cells(number("43159", 1), properties=f'<workbookPr date1904="{flag}"/>') == ["2022-03-01"]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**6), max_value=10**6))
def test_a_number_of_15_digits_is_exact_whichever_the_decimal_sign_is(value: object) -> None:
    [said] = cells(number(str(value)))
    assert number_in(said, ",") == number_in(said, ".") == number_in(str(value), ".")


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        (number("0.30000000000000004"), "more than 15 digits"),
        (number("1234567890123456789"), "more than 15 digits"),
        (number("nan"), "is not a number"),
        (number("1" * 31), "is not a number"),
        (number("abc"), "could not convert"),
        (number("-1", 1), "is no day"),
        (number("2958466", 1), "is no day"),
        ('<c t="e"><v>#DIV/0!</v></c>', "has an error"),
        ("<c><f>A1</f></c>", "a formula without its value"),
        ('<c t="s"><v>9</v></c>', "missing in the workbook"),
        ('<c t="s"><v>-1</v></c>', "missing in the workbook"),
        (text("x" * 32_768), "more than 32,767 signs"),
    ],
)
def test_a_cell_that_is_not_certain_is_a_fault_of_its_row(cell: str, why: str) -> None:
    first, second = lines(workbook(sheet(row("a", cell, cell), row("b"))))
    assert why in first.fault
    assert first.fault.startswith("column 2: ")
    assert second.cells[0] == "b"


def test_one_sheet_has_rows_or_it_is_said_which_to_save() -> None:
    empty, full = sheet(row("")), sheet(row("a"))
    assert len(lines(workbook(empty, full, empty))) == 1
    assert lines(workbook(empty)) == []
    assert "2 sheets of the workbook have rows" in refusal(workbook(full, empty, full))
    assert "more than 50 sheets" in refusal(workbook(*[empty] * 51))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (workbook(parts={"xl/workbook.xml": None, "xl/workbook.bin": b"x"}), "a workbook other than .xlsx"),
        (workbook(sheet(), parts={"xl/worksheets/s0.xml": None}), "damaged or locked"),
        (workbook(sheet(), parts={"xl/_rels/workbook.xml.rels": "<Relationships/>"}), "damaged or locked"),
        (workbook(sheet(), parts={"xl/worksheets/s0.xml": "<worksheet><row>"}), "a part of the workbook is damaged"),
        (workbook(sheet('<row r="2"/>', '<row r="1"/>')), "row 1 of the sheet stands after row 2"),
        (workbook(sheet('<row r="1048577"/>')), "stands after row 0"),
        (workbook(sheet('<row r="x"/>')), "damaged or locked"),
        (workbook(sheet('<row><c r="B1"/><c r="A1"/></row>')), "in no order"),
        (workbook(sheet('<row><c r="XFD1"/></row>')), "more than 200"),
        (workbook(sheet(row("a")))[:-100], "damaged or locked"),
        (b"PK\x03\x04" + b"noise" * 100, "damaged or locked"),
        (b"\xd0\xcf\x11\xe0" + b"noise" * 100, "of before 2007, or a locked one"),
        (
            workbook(sheet(), parts={"xl/styles.xml": '<!DOCTYPE a [<!ENTITY b "bb">]><styleSheet>&b;</styleSheet>'}),
            "declares a document type",
        ),
        (workbook(parts={f"junk{n}": b"" for n in range(1_001)}), "more than 1000 files"),
    ],
)
def test_what_is_no_workbook_is_said(raw: bytes, why: str) -> None:
    assert why in refusal(raw)


def bomb(filling: bytes) -> bytes:
    """A small file that unpacks to 160 MiB."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        with zipfile.ZipFile(BytesIO(workbook(sheet(row("a"))))) as small:
            for name in small.namelist():
                if "worksheets" not in name:
                    archive.writestr(name, small.read(name))
        with archive.open("xl/worksheets/s0.xml", "w") as part:
            part.write(b"<worksheet><sheetData>")
            for _ in range(160):
                part.write(filling * ((1 << 20) // len(filling)))
    return file.getvalue()


@pytest.mark.unmeasured
@pytest.mark.parametrize("filling", [b"<a b='" + b"." * 1015 + b"'/>", b"." * 1024])
def test_what_unpacks_to_too_much_is_refused_in_bounded_memory(filling: bytes) -> None:
    raw = bomb(filling)
    assert len(raw) < 1 << 20
    tracemalloc.start()
    assert "larger than 128 MiB" in refusal(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300 << 20


def test_an_instruction_without_an_end_is_given_up() -> None:
    # The parser would look at all of it again with each piece: a quarter of an hour for 128 MiB.
    assert "it is one word" in refusal(bomb(b"<?a" + b" " * 1021))


@pytest.mark.parametrize(
    ("rows", "fits"), [((3, 1, 1), True), ((3, 3, 3), True), ((3, 3, 3, 1), False), ((10,), False)]
)
def test_more_cells_than_memory_is_for_are_refused(rows: tuple[int, ...], fits: bool) -> None:
    raw = workbook(sheet(*[row(*["x"] * width) for width in rows]))
    content = workbook_in(raw, most_cells=9)
    why = content.reason if isinstance(content, Unreadable) else ""
    assert ("more than 9 cells" in why) is not fits


@pytest.mark.parametrize(
    ("filling", "why"),
    [
        ("<row/>" * 60, "more than 100 rows"),
        # Cells and other elements that hold nothing cost as much as those that do.
        (f"<row>{'<c/>' * 60}</row>", "more than 100 cells"),
        ("<x/>" * 600, "too many elements"),
    ],
    ids=["rows", "cells", "elements"],
)
def test_what_holds_nothing_is_counted_over_all_sheets(filling: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "_MOST_ROWS", 100)
    monkeypatch.setattr(workbooks, "_MOST_ELEMENTS", 1_000)
    assert isinstance(workbook_in(workbook(sheet(filling)), most_cells=100), Table)
    content = workbook_in(workbook(sheet(filling), sheet(filling)), most_cells=100)
    assert isinstance(content, Unreadable)
    assert why in content.reason


@pytest.mark.unmeasured
def test_more_texts_than_a_table_has_are_refused() -> None:
    raw = workbook(sheet(), parts={"xl/sharedStrings.xml": f"<sst>{'<si/>' * 1_000_001}</sst>"})
    assert "more than 1,000,000 texts" in refusal(raw)


@given(st.integers(0, 10**6), st.integers(1, 40))
@settings(max_examples=60)
def test_damage_is_said_and_never_a_fault_of_the_program(seed: int, damages: int) -> None:
    chance, raw = random.Random(seed), bytearray(workbook(sheet(HEADER, row("a", number("1.5"))), strings=["x"]))
    for _ in range(damages):
        raw[chance.randrange(4, len(raw))] = chance.randrange(256)
    assert isinstance(content_of(bytes(raw)), Table | Unreadable)


def test_a_workbook_on_a_disk_is_read(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    path.write_bytes(workbook(sheet(row("a", "b"))))
    content = LocalImportFiles().read(str(path)).content
    assert isinstance(content, Table)
    assert list(content.lines[0].cells) == ["a", "b"]
