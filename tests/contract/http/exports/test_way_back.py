"""What is exported as events, booked again into empty books, makes the same books, to the last digit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from portfolio.application.ledger.opening import OpenBooks
from portfolio.domain.money import Money
from tests.contract.http.exports.test_exports import file, told
from tests.contract.http.ledger.test_lots import ask, book
from tests.support.services.http_service import Service, running, running_on_sqlite

STATED = ("symbol", "quantity", "value", "basis", "to_symbol", "to_quantity", "ratio", "amount", "label", "group")
TAKES = {
    "transfer_in": {"symbol", "quantity", "value", "basis"},
    "transfer_out": {"symbol", "quantity", "value"},
    "income": {"symbol", "quantity", "value", "label"},
    "swap": {"symbol", "quantity", "to_symbol", "to_quantity", "value"},
    "exchange": {"symbol", "quantity", "to_symbol", "to_quantity", "label"},
    "split": {"symbol", "ratio"},
    "loss": {"symbol", "quantity"},
    "interest": {"amount"},
    "charge": {"amount"},
}
EVENTS: list[dict[str, Any]] = [
    {"kind": "transfer_in", "symbol": "SOL", "quantity": "10", "value": "1500.25", "basis": "900.1"},
    {"kind": "transfer_in", "symbol": "ADA", "quantity": "3", "value": "10"},
    {"kind": "income", "symbol": "SOL", "quantity": "0.333333333333333333", "value": "50", "label": "staking"},
    {"kind": "swap", "symbol": "SOL", "quantity": "3", "to_symbol": "ETH", "to_quantity": "0.7", "value": "444.44"},
    {"kind": "transfer_out", "symbol": "SOL", "quantity": "1.7", "value": "250"},
    {"kind": "exchange", "symbol": "ADA", "quantity": "2", "to_symbol": "NIGHT", "to_quantity": "200", "label": "wrap"},
    {"kind": "split", "symbol": "NIGHT", "ratio": "0.001"},
    {"kind": "loss", "symbol": "ADA", "quantity": "0.4"},
    {"kind": "interest", "amount": "12.5"},
    {"kind": "charge", "amount": "5"},
]


async def post(service: Service, path: str, body: Any = None) -> Any:
    answer = await service.http.post(path, json=body or {})
    assert answer.status_code == 200, (path, body, answer.text)
    return answer.json()


async def live(service: Service) -> None:
    """Something of every kind, some of it taken back, and average cost restated."""
    await book(service)
    ids = []
    for number, event in enumerate(EVENTS):
        said = await post(service, "/events", {**event, "effective_at": f"2024-0{number % 9 + 1}-03T00:00:00Z"})
        ids.append(said["event_id"])
    late = {"symbol": "BTC", "side": "BUY", "quantity": "0.3", "price": 900, "net_amount": 270, "fees": "0.01"}
    await post(service, "/holdings/update", {**late, "executed_at": "2023-02-01T00:00:00Z", "notes": "late"})
    await post(service, "/cash/transactions", {"kind": "withdrawal", "amount": "77.7", "note": "rent"})
    await post(service, "/trades/3/reverse")
    swapped = await post(service, "/events", {**EVENTS[3], "quantity": "1"})
    exchanged = await post(service, "/events", {**EVENTS[5], "quantity": "0.1", "to_quantity": "7"})
    for event_id in (swapped["event_id"], exchanged["event_id"], *ids[8:]):
        await post(service, f"/events/{event_id}/reverse")


async def again(service: Service, rows: list[dict[str, Any]]) -> None:
    """Book what a file says into other books."""
    trades, events = dict[int, int](), dict[int, int]()
    for row in rows:
        revision, kind, reverses = row["revision"], row["kind"], row["reverses"]
        text = {name: str(row[name]) for name in STATED if row[name] is not None}
        at = {"effective_at": row["effective_at"]}
        if kind == "baseline":
            assert (row["cash_delta"], row["net_deposits_delta"]) == (0, 0)
        elif kind == "trade" and reverses is not None:
            await post(service, f"/trades/{trades[reverses]}/reverse")
        elif kind == "trade":
            body = {**text, "side": row["side"], "price": str(row["price"]), "net_amount": text["amount"]}
            body |= {"fees": str(row["fees"]), "executed_at": row["effective_at"]}
            body = {name: said for name, said in body.items() if name not in {"amount", "group", "basis", "value"}}
            trades[revision] = (await post(service, "/holdings/update", body))["trade_id"]
        elif kind in {"deposit", "withdrawal"}:
            await post(service, "/cash/transactions", {"kind": kind, "amount": text["amount"]})
        elif kind == "restatement":
            await post(service, "/ledger/restate", {"dry_run": False})
        elif reverses is not None:
            await post(service, f"/events/{events[reverses]}/reverse")
        else:
            body = {name: said for name, said in text.items() if name in TAKES[kind] | {"group"}}
            if row["basis_assumed"]:
                del body["basis"]
            events[revision] = (await post(service, "/events", {"kind": kind, **body, **at}))["event_id"]


async def sums(service: Service) -> Any:
    portfolio = (await ask(service, "/portfolio"))["portfolio"]
    names = ("cash_balance", "net_deposits", "realized_pnl", "cost_basis", "fees_paid", "revision", "unreconciled")
    held = ("symbol", "quantity", "cost_basis", "realized_pnl", "avg_entry_price")
    return [portfolio[name] for name in names], [[one[name] for name in held] for one in portfolio["positions"]]


@pytest.mark.parametrize("is_restated", [False, True])
async def test_the_exported_events_make_the_same_books(is_restated: bool) -> None:
    async with (
        running(opened=False, allow_negative_cash=True) as service,
        running(opened=False, allow_negative_cash=True) as other,
    ):
        for one in (service, other):
            await OpenBooks(one.ledger, one.clock, Money.zero())(1)
        await post(service, "/cash/transactions", {"kind": "deposit", "amount": "100000.123"})
        await live(service)
        if is_restated:
            await post(service, "/ledger/restate", {"dry_run": False})
        rows = told(await file(service, "events", format="json"))["rows"]
        assert [row["revision"] for row in rows] == sorted(row["revision"] for row in rows)
        await again(other, rows)
        assert await sums(other) == await sums(service)
        rows_again = told(await file(other, "events", format="json"))["rows"]
        for one, two in zip(rows, rows_again, strict=True):
            assert {**two, "note": one["note"]} == one


async def test_the_rows_of_a_database_are_those_of_the_books_in_memory(tmp_path: Path) -> None:
    async with (
        running(allow_negative_cash=True) as service,
        running_on_sqlite(tmp_path, allow_negative_cash=True) as stored,
    ):
        files = []
        for one in (service, stored):
            await live(one)
            files.append(told(await file(one, "events", format="json"))["rows"])
    for in_memory, in_database in zip(*files, strict=True):
        # The clock of one stands still.
        assert {**in_database, **{name: in_memory[name] for name in ("booked_at", "effective_at")}} == in_memory


async def test_a_row_that_cannot_be_read_is_there_with_its_revision(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await book(service)
    lookups: Any = service.cases.lookups
    log = lookups.log

    async def with_unreadable_rows(*args: Any, **given: Any) -> Any:
        found = list(await log(*args, **given))
        found[3] = replace(found[3], entry=None)
        cash = msgspec.structs.replace(found[4].entry, entry=None)  # of another program: no entry
        found[4] = replace(found[4], entry=cash)
        return found

    monkeypatch.setattr(lookups, "log", with_unreadable_rows)
    rows = told(await file(service, "events", format="json"))["rows"]
    assert [row["revision"] for row in rows] == [1, 2, 3, 4, 6, 7]
    assert {name: cell for name, cell in rows[3].items() if cell is not None} == {"revision": 4}
    later = told(await file(service, "events", format="json", since="2024-03-01T12:00:00Z"))["rows"]
    assert [row["revision"] for row in later] == [1, 2, 4, 6, 7]
