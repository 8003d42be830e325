"""What went between Coinbase and Coinbase Pro counts once, whichever of their files come in which run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.imports.test_import_booking import imported, kept
from tests.contract.imports.test_kept_imports import holds, newest, reverse
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.ledger_examples import BTC, open_books

__all__ = ["ports"]

REPORT = (
    "Timestamp,Transaction Type,Asset,Quantity Transacted,Price Currency,Subtotal,Total,Fees,Notes\n"
    "2022-03-01 10:00:00 UTC,Buy,BTC,1,USD,40000,40100,100,\n"
    "2022-03-02 09:55:00 UTC,Pro Deposit,BTC,0.3,USD,12000,12000,0,\n"  # which another statement has
    "2022-03-02 10:00:00 UTC,Pro Deposit,BTC,-1,USD,40000,40000,0,\n"
    "2022-03-02 10:00:20 UTC,Exchange Deposit,BTC,0,USD,0,0,0,\n"
    "2022-03-09 10:00:00 UTC,Exchange Withdrawal,USD,20000,USD,20000,20000,0,\n"
)
STATEMENT = (
    "portfolio,type,time,amount,balance,amount/balance unit,transfer id,trade id,order id\n"
    "default,deposit,2022-03-02T10:00:03.123Z,1,1,BTC,x1,,\n"
    "default,match,2022-03-03T10:00:00.000Z,-0.5,0.5,BTC,,t1,o1\n"
    "default,match,2022-03-03T10:00:00.000Z,21000,21000,USD,,t1,o1\n"
    "default,withdrawal,2022-03-09T09:59:58.000Z,-20000,1000,USD,x2,,\n"
)
ELSEWHERE = "default,deposit,2022-03-02T10:15:00.000Z,1,2,BTC,x3,,\n"


async def figures(ports: Ports) -> tuple[str, str]:
    """What is held of bitcoin, and the dollars."""
    books = await ports.ledger.load(1)
    return str(books.position(BTC).quantity), str(books.cash)


def told(previews: list[Any]) -> list[tuple[int, int, int, int]]:
    return [tuple(map(len, (one.events, one.ignored, one.known, one.reported))) for one in previews]  # type: ignore[misc]


AFTER = ("0.5", "80900")  # 1 - 0.5; 100,000 - 40,100 + 21,000


@pytest.mark.parametrize("names", [("report", "statement"), ("statement", "report")])
async def test_in_one_run_it_moves_nothing(ports: Ports, names: tuple[str, ...]) -> None:
    await open_books(ports.ledger)
    files = {name: {"report": REPORT, "statement": STATEMENT}[name] for name in names}
    found = dict(zip(names, await imported(ports, files), strict=True))
    assert told([found["report"], found["statement"]]) == [(1, 4, 0, 0), (1, 0, 2, 0)]
    assert [one.reason for one in found["statement"].known] == [
        "the report of Coinbase tells it as between places of the same owner"
    ] * 2
    assert await figures(ports) == AFTER
    again = await imported(ports, files)
    assert [one.events for one in again] == [[], []]
    assert await figures(ports) == AFTER
    assert len(await kept(ports)) == 5  # the two events, and what went to Pro and back
    await holds(ports)


async def test_a_statement_that_comes_later_is_held_to_the_report(ports: Ports) -> None:
    await open_books(ports.ledger)
    await imported(ports, {"report": REPORT})
    # What is of another time, or of another quantity, came from elsewhere.
    assert told(await imported(ports, {"statement": STATEMENT + ELSEWHERE})) == [(2, 0, 2, 0)]
    assert await figures(ports) == ("1.5", "80900")
    assert told(await imported(ports, {"statement": STATEMENT, "report": REPORT})) == [(0, 0, 4, 0), (0, 4, 1, 0)]


async def test_what_a_statement_had_booked_before_is_reported_of_the_report(ports: Ports) -> None:
    await open_books(ports.ledger)
    await imported(ports, {"statement": STATEMENT})
    assert await figures(ports) == ("0.5", "101000")
    [report] = await imported(ports, {"report": REPORT})
    assert (report.is_given_up, [one.row for one in report.reported]) == (True, [4, 6])
    assert "it would count twice: take that import back, and import both files in one run" in report.reported[0].reason
    await reverse(ports, (await newest(ports)).id)
    await imported(ports, {"statement": STATEMENT, "report": REPORT})
    assert await figures(ports) == AFTER
    await holds(ports)


async def test_a_report_of_which_a_row_is_reported_keeps_nothing(ports: Ports) -> None:
    await open_books(ports.ledger)
    files = {"report": REPORT + "2022-03-10 10:00:00 UTC,Moon Landing,BTC,1,USD,1,1,0,\n", "statement": STATEMENT}
    report, statement = await imported(ports, files)
    assert (report.is_given_up, len(statement.events)) == (True, 3)
