"""The books as files: every row, with every digit, in each format."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from portfolio.analytics.conventions import CONVENTION
from portfolio.application.exports import reading
from portfolio.application.prices.records import Close
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.exports import files
from tests.contract.http.ledger.test_lots import ask, book, exact
from tests.contract.http.performance.test_attribution import day_ends
from tests.support.services.http_service import Service, fields, is_problem, running_on_sqlite

WHATS = ["trades", "events", "positions", "gains", "performance", "closes"]


@pytest.fixture
async def booked(service: Service) -> Service:
    """Five trades, two days and three closes."""
    await book(service)
    said = {"engine": "=cmd()", "notes": 'a "b",\nc', "confidence": 0.75, "client_trade_id": "k-1"}
    tiny = {"symbol": "ETH", "side": "BUY", "quantity": "0.000000000000000001", "price": 3000, "net_amount": 3e-15}
    answer = await service.http.post("/holdings/update", json={**tiny, **said, "executed_at": "2025-06-15T11:00:00Z"})
    assert answer.status_code == 200, answer.text
    await day_ends(service, BTC="1100", ETH="3000")
    await day_ends(service, BTC="1200", ETH="3100")
    days = ((BTC, "2025-06-15", "1100.5"), (BTC, "2025-06-14", "1000"), (Symbol("ETH"), "2025-06-16", "3100"))
    await service.prices.add_closes(
        [
            Close(symbol=symbol, day=date.fromisoformat(day), price=Price(Decimal(price)), source="coinbase")
            for symbol, day, price in days
        ]
    )
    return service


BTC = Symbol("BTC")


async def file(service: Service, what: str, **params: Any) -> bytes:
    answer = await service.http.get(f"/exports/{what}", params=params)
    assert answer.status_code == 200, answer.text
    kind = params.get("format", "csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="portfolio-{what}.{kind}"'
    return answer.content


def told(content: bytes) -> Any:
    """A file of JSON, with its numbers as they were written."""
    return exact(content.decode())


def rows_of(content: bytes) -> tuple[str, list[dict[str, str]]]:
    """The first line of a CSV file, and its rows."""
    first, _, rest = content.decode().partition("\r\n")
    return first, list(csv.DictReader(io.StringIO(rest, newline="")))


async def test_the_first_line_says_what_the_file_is(booked: Service) -> None:
    first, rows = rows_of(await file(booked, "trades"))
    as_of = (await ask(booked, "/portfolio"))["portfolio"]["as_of"]
    assert first == f"# portfolio export: what=trades, convention={CONVENTION}, as_of={as_of}, revision=8"
    assert len(rows) == 6


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("csv", "text/csv; charset=utf-8"),
        ("json", "application/json"),
        ("parquet", "application/vnd.apache.parquet"),
    ],
)
async def test_a_file_says_of_what_kind_it_is(booked: Service, kind: str, expected: str) -> None:
    answer = await booked.http.get("/exports/trades", params={"format": kind})
    assert answer.headers.get_list("content-type") == [expected]
    assert answer.headers["content-disposition"].endswith(f'.{kind}"')


async def test_trades_are_those_of_the_list_in_the_order_they_were_booked(booked: Service) -> None:
    await booked.http.post("/trades/1/reverse", json={})
    found = told(await file(booked, "trades", format="json"))
    listed = (await ask(booked, "/trades", limit=1000))["trades"][::-1]
    assert found["rows"] == listed
    assert [row["id"] for row in found["rows"]] == [1, 2, 3, 4, 5, 6, *[row["id"] for row in listed[6:]]]
    assert (found["what"], found["convention"]) == ("trades", CONVENTION)
    _, rows = rows_of(await file(booked, "trades"))
    [tiny] = [row for row in rows if row["symbol"] == "ETH"]
    assert (tiny["quantity"], tiny["confidence"]) == ("0.000000000000000001", "0.75")
    assert (tiny["engine"], tiny["notes"]) == ("'=cmd()", 'a "b",\nc')


async def test_each_table_has_the_figures_of_its_route(booked: Service) -> None:
    tables = {what: told(await file(booked, what, format="json"))["rows"] for what in WHATS}
    held = {row["symbol"]: row for row in (await ask(booked, "/positions"))["positions"]}
    assert len(tables["positions"]) == 2
    for row in tables["positions"]:
        assert row == {name: held[row["symbol"]][name] for name in row}
    gains = (await ask(booked, "/gains"))["gains"]
    assert [{name: row[name] for name in gains[0]} for row in tables["gains"]] == gains
    days = [day for day in (await ask(booked, "/performance/history"))["history"]["days"] if day["value"] is not None]
    assert [(row["day"], row["total_value"], row["unit_value"], row["estimated"]) for row in tables["performance"]] == [
        (day["day"], day["value"], day["unit_value"], day["estimated"]) for day in days
    ]
    assert "no_close" in {day["estimated"] for day in days}
    assert tables["closes"] == [
        {"symbol": "BTC", "day": "2025-06-14", "close": 1000, "source": "coinbase"},
        {"symbol": "BTC", "day": "2025-06-15", "close": Decimal("1100.5"), "source": "coinbase"},
        {"symbol": "ETH", "day": "2025-06-16", "close": 3100, "source": "coinbase"},
    ]


@pytest.mark.parametrize("what", WHATS)
async def test_the_three_formats_have_the_same_cells(booked: Service, what: str) -> None:
    whole = json.loads(await file(booked, what, format="json"), parse_float=Decimal)
    content = await file(booked, what, format="parquet")
    frame, metadata = pl.read_parquet(io.BytesIO(content)), pl.read_parquet_metadata(io.BytesIO(content))
    first, lines = rows_of(await file(booked, what))
    assert {
        name.removeprefix("portfolio."): text for name, text in metadata.items() if name.startswith("portfolio.")
    } == {name: text for name, text in whole.items() if name != "rows"}
    assert first == f"# portfolio export: {', '.join(f'{n}={t}' for n, t in whole.items() if n != 'rows')}"
    kinds = dict(zip(frame.columns, frame.dtypes, strict=True))
    assert len(frame) == len(lines) == len(whole["rows"]) > 0
    for cells, line, row in zip(frame.iter_rows(named=True), lines, whole["rows"], strict=True):
        assert [*cells] == [*line] == [*row]
        for name, cell in cells.items():
            if isinstance(kinds[name], pl.Decimal):
                assert kinds[name] == pl.Decimal(38, 18)
                assert cell == (None if row[name] is None else Decimal(row[name]))
                assert line[name] == ("" if cell is None else f"{cell.normalize():f}")
            elif isinstance(cell, datetime):
                assert kinds[name] == pl.Datetime("us", "UTC")
                assert cell == datetime.fromisoformat(row[name]) == datetime.fromisoformat(line[name])
            elif isinstance(cell, date):
                assert cell.isoformat() == row[name] == line[name]
            else:
                assert cell == row[name]


async def test_since_leaves_out_what_is_older(booked: Service) -> None:
    for what, since, name, kept in (
        ("trades", "2024-03-01T12:00:00Z", "id", ["4", "5", "6"]),
        ("gains", "2024-03-01T12:00:01Z", "disposed_by", ["4"]),
        ("performance", "2025-06-16T20:00:00Z", "day", ["2025-06-16"]),
        ("closes", "2025-06-15T01:00:00+02:00", "day", ["2025-06-14", "2025-06-15", "2025-06-16"]),
        ("closes", "2025-06-16T00:00:00Z", "day", ["2025-06-16"]),
    ):
        first, rows = rows_of(await file(booked, what, since=since))
        assert [row[name] for row in rows] == kept, what
        assert f"since={datetime.fromisoformat(since).astimezone(UTC).isoformat().replace('+00:00', 'Z')}" in first


async def test_gains_are_by_any_method(booked: Service) -> None:
    found = told(await file(booked, "gains", format="json", method="lifo"))
    assert (found["method"], found["complete"]) == ("lifo", "true")
    assert sum(row["gain"] for row in found["rows"]) == (await ask(booked, "/gains", method="lifo"))["gain"]


async def test_long_tables_are_read_and_written_page_by_page(booked: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {(what, kind): await file(booked, what, format=kind) for what in WHATS for kind in ("csv", "json")}
    monkeypatch.setattr(reading, "ROWS_A_PAGE", 2)
    monkeypatch.setattr(files, "BYTES_AT_ONCE", 100)
    for (what, kind), content in whole.items():
        assert await file(booked, what, format=kind) == content
    assert len(pl.read_parquet(io.BytesIO(await file(booked, "trades", format="parquet")))) == 6


async def test_empty_books_make_files_without_rows(service: Service) -> None:
    for what in set(WHATS) - {"performance", "events"}:  # the opening is a day, and an entry
        first, rows = rows_of(await file(service, what))
        assert (first[:19], rows) == ("# portfolio export:", [])
        assert json.loads(await file(service, what, format="json"))["rows"] == []
        assert len(pl.read_parquet(io.BytesIO(await file(service, what, format="parquet")))) == 0


async def test_what_cannot_be_exported_is_refused_by_its_name(service: Service) -> None:
    for query, field in (
        ("trades?format=xls", "format"),
        ("trades?since=yesterday", "since"),
        ("positions?since=2025-01-01T00:00:00Z", "since"),
        ("gains?method=best", "method"),
        ("positions?method=hifo", "method"),
        ("trades?method=fifo", "method"),
        ("everything", "what"),
    ):
        answer = await service.http.get(f"/exports/{query}")
        assert is_problem(answer, 400, "malformed-request"), answer.text
        assert fields(answer) == {field}


async def test_parquet_is_an_extra(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "find_spec", lambda _: None)
    answer = await service.http.get("/exports/trades?format=parquet")
    assert (answer.status_code, "portfolio[parquet]" in answer.json()["detail"]) == (501, True)


async def test_the_headers_alone_have_no_body(booked: Service) -> None:
    answer = await booked.http.head("/exports/trades")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["x-accel-buffering"] == "no"


async def test_rows_that_cannot_be_read_are_there_with_their_revision(
    booked: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups: Any = booked.cases.lookups
    log = lookups.log

    async def with_one_unreadable(*args: Any, **given: Any) -> Any:
        return [replace(one, entry=None) if one.revision == 4 else one for one in await log(*args, **given)]

    monkeypatch.setattr(lookups, "log", with_one_unreadable)
    rows = told(await file(booked, "trades", format="json", since="2030-01-01T00:00:00Z"))["rows"]
    assert [{name: cell for name, cell in row.items() if cell is not None} for row in rows] == [{"revision": 4}]


async def test_the_books_of_a_database_are_exported(tmp_path: Path) -> None:
    async with running_on_sqlite(tmp_path) as service:
        await book(service)
        found = told(await file(service, "trades", format="json"))["rows"]
        assert found == (await ask(service, "/trades"))["trades"][::-1]
        assert len(found) == 5


@pytest.mark.parametrize("known", ["5", "2025-06-17T00:00:00Z", None])
async def test_positions_gains_and_days_are_as_of_a_moment_as_in_their_routes(
    booked: Service, known: str | None
) -> None:
    past = {"as_of": "2024-02-15T00:00:00Z"} | ({"known_at": known} if known else {})
    tables = {
        what: told(await file(booked, what, format="json", **past)) for what in ("positions", "gains", "performance")
    }
    for table in tables.values():
        assert (table["as_of"], table.get("known_at")) == (past["as_of"], known)
    held = {row["symbol"]: row for row in (await ask(booked, "/positions", **past))["positions"]}
    rows = tables["positions"]["rows"]
    assert [row["symbol"] for row in rows] == sorted(held)
    assert rows != told(await file(booked, "positions", format="json"))["rows"]
    for row in rows:
        assert {name: row[name] for name in ("quantity", "cost_basis", "realized_pnl")} == {
            name: held[row["symbol"]][name] for name in ("quantity", "cost_basis", "realized_pnl")
        }
    gains = await ask(booked, "/gains", **past)
    assert [
        {name: row[name] for name in one} for row, one in zip(tables["gains"]["rows"], gains["gains"], strict=True)
    ] == gains["gains"]
    assert tables["gains"]["revision"] == str(gains["revision"])
    days = (await ask(booked, "/performance/history", **past))["history"]["days"]
    assert tables["performance"]["basis"] == "restated"
    assert [(row["day"], row["total_value"]) for row in tables["performance"]["rows"]] == [
        (day["day"], day["value"]) for day in days if day["value"] is not None
    ]


@pytest.mark.parametrize("basis", ["restated", "recorded"])
async def test_days_are_of_the_basis_that_is_asked_for(booked: Service, basis: str) -> None:
    table = told(await file(booked, "performance", format="json", basis=basis))
    days = (await ask(booked, "/performance/history", basis=basis))["history"]["days"]
    assert table["basis"] == basis
    assert [(row["day"], row["total_value"]) for row in table["rows"]] == [
        (day["day"], day["value"]) for day in days if day["value"] is not None
    ]


@pytest.mark.parametrize(
    ("what", "given", "field"),
    [
        ("trades", {"as_of": "2024-02-15T00:00:00Z"}, "as_of"),
        ("events", {"known_at": "3"}, "known_at"),
        ("closes", {"as_of": "2024-02-15T00:00:00Z"}, "as_of"),
        ("gains", {"basis": "restated"}, "basis"),
        ("performance", {"basis": "recorded", "known_at": "3"}, "basis"),
        ("positions", {"as_of": "yesterday"}, "as_of"),
    ],
)
async def test_what_a_table_has_no_past_of_is_refused_by_its_name(
    booked: Service, what: str, given: dict[str, str], field: str
) -> None:
    answer = await booked.http.get(f"/exports/{what}", params=given)
    assert is_problem(answer, 400, "malformed-request")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
