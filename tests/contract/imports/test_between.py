"""What went between Coinbase and Coinbase Pro counts once, whichever of their files come in which run."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from portfolio.application.imports.already import between
from portfolio.application.imports.identities import content_of
from portfolio.application.imports.preview import PreviewImport
from portfolio.application.imports.records import Options
from portfolio.application.ledger.happenings.reversal import ReverseEvent
from portfolio.domain.imports.records import FileEvent
from portfolio.domain.ledger.portfolio import BookingRules
from tests.contract.imports.test_import_booking import imported, kept
from tests.contract.imports.test_kept_imports import holds, newest, reverse
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.imports import FilesInMemory, StoppedClock
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
    return [tuple(map(len, (one.events, one.ignored, one.known, one.reported))) for one in previews]  # type: ignore[misc]  # four of them


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


@pytest.mark.parametrize("transfers", [("x1", "x2"), ("", ""), ("\N{DEGREE SIGN}1", "2" * 200)])
async def test_what_a_statement_had_booked_before_is_reported_of_the_report(
    ports: Ports, transfers: tuple[str, str]
) -> None:
    statement = STATEMENT.replace("x1", transfers[0]).replace("x2", transfers[1])
    await open_books(ports.ledger)
    await imported(ports, {"statement": statement})
    assert await figures(ports) == ("0.5", "101000")
    [report] = await imported(ports, {"report": REPORT})
    assert (report.is_given_up, [one.row for one in report.reported]) == (True, [4, 6])
    assert "it would count twice: take that import back, and import both files in one run" in report.reported[0].reason
    await reverse(ports, (await newest(ports)).id)
    await imported(ports, {"statement": statement, "report": REPORT})
    assert await figures(ports) == AFTER
    await holds(ports)


async def test_a_report_of_which_a_row_is_reported_keeps_nothing(ports: Ports) -> None:
    await open_books(ports.ledger)
    files = {"report": REPORT + "2022-03-10 10:00:00 UTC,Moon Landing,BTC,1,USD,1,1,0,\n", "statement": STATEMENT}
    report, statement = await imported(ports, files)
    assert (report.is_given_up, len(statement.events)) == (True, 3)


REPORT_OF, STATEMENT_OF = (text.splitlines(keepends=True)[0] for text in (REPORT, STATEMENT))
BOUGHT = "2022-03-01 10:00:00 UTC,Buy,BTC,1,USD,40000,40100,100,\n"


def to_pro(clock: str, amount: str = "0.25") -> str:
    return f"2022-03-02 {clock} UTC,Pro Deposit,BTC,{amount},USD,10000,10000,0,\n"


def stated(clock: str, transfer: str, amount: str = "0.25") -> str:
    return f"default,deposit,2022-03-02T{clock}Z,{amount},1,BTC,{transfer},,\n"


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_nearest_is_the_same_whatever_the_order_of_rows_and_files(ports: Ports, order: tuple[int]) -> None:
    await open_books(ports.ledger)
    rows = [stated("09:58:30.000", "x1"), stated("10:09:10.000", "x2"), stated("10:29:00.000", "x3")]
    files = {f"statement {n}": STATEMENT_OF + rows[n] for n in order}
    await imported(ports, {"report": REPORT_OF + BOUGHT + to_pro("10:00:00") + to_pro("10:09:00")} | files)
    assert await figures(ports) == ("1.25", "59900")  # what came at 10:29 is from elsewhere
    others = {f"statement {n}": STATEMENT_OF + "".join(rows[m] for m in order) for n in order}
    assert [one.events for one in await imported(ports, others)] == [[], [], []]


async def test_what_was_told_once_stands_for_nothing_in_later_runs(ports: Ports) -> None:
    await open_books(ports.ledger)
    await imported(ports, {"report": REPORT_OF + BOUGHT + to_pro("10:00:00")})
    await imported(ports, {"statement": STATEMENT_OF + stated("10:00:03.000", "x1")})
    assert await figures(ports) == ("1", "59900")
    await imported(ports, {"statement": STATEMENT_OF + stated("10:05:00.000", "x4")})
    assert await figures(ports) == ("1.25", "59900")
    # Without the report it came from elsewhere; the report that comes again finds it so.
    [first] = [one for one in (await ports.imports.page(1, before=None, limit=3)).items if '"report"' in one.files]
    await reverse(ports, first.id)
    await imported(ports, {"statement": STATEMENT_OF + stated("10:00:03.000", "x1")})
    assert await figures(ports) == ("0.5", "100000")


async def test_a_statement_without_ids_is_known_again(ports: Ports) -> None:
    await open_books(ports.ledger)
    await imported(ports, {"report": REPORT_OF + BOUGHT + to_pro("10:00:00") * 2})
    rows = stated("10:00:03.000", "") * 3
    for _ in range(2):
        await imported(ports, {"statement": STATEMENT_OF + rows})
        assert await figures(ports) == ("1.25", "59900")  # two of three went in between


async def test_of_books_that_have_both_already_it_is_said_once_that_it_counts_twice(ports: Ports) -> None:
    """A report of before such rows were kept, a statement, and then a longer report."""
    await open_books(ports.ledger)
    after = "2022-03-04 10:00:00 UTC,Buy,BTC,0.1,USD,4000,4000,0,\n"
    last = "2022-03-05 10:00:00 UTC,Buy,BTC,0.1,USD,4000,4000,0,\n"
    await imported(ports, {"report": REPORT_OF + BOUGHT + after})
    await imported(ports, {"statement": STATEMENT_OF + stated("10:00:03.000", "x1")})
    longer = REPORT_OF + BOUGHT + to_pro("10:00:00") + after + last
    [report] = await imported(ports, {"report": longer})
    assert (report.is_given_up, len(report.events)) == (False, 1)
    [remark] = report.remarks
    assert remark == (
        "what row 3 says: the statement of Coinbase Pro has it as a deposit or withdrawal, and both were imported"
        " before: it counts twice: take the import of the statement back, and import the statement again"
    )
    assert await figures(ports) == ("1.45", "51900")
    [again] = await imported(ports, {"report": longer})
    assert (again.remarks, again.reported) == ([], [])
    [statement] = [
        one for one in (await ports.imports.page(1, before=None, limit=3)).items if '"statement"' in one.files
    ]
    await reverse(ports, statement.id)
    await imported(ports, {"statement": STATEMENT_OF + stated("10:00:03.000", "x1")})
    assert await figures(ports) == ("1.2", "51900")


async def test_a_deposit_that_was_taken_out_by_hand_does_not_count(ports: Ports) -> None:
    await open_books(ports.ledger)
    await imported(ports, {"statement": STATEMENT_OF + stated("10:00:03.000", "x1")})
    [event] = (await ports.lookups.events(1, before=None, limit=10)).items
    assert event.id is not None
    await ReverseEvent(ports.ledger, StoppedClock(), BookingRules())(1, event.id, owner="desk")
    [report] = await imported(ports, {"report": REPORT_OF + BOUGHT + to_pro("10:00:00")})
    assert (report.reported, report.remarks) == ([], [])
    assert await figures(ports) == ("1", "59900")


MOMENTS = [f"10:{number // 10:02}:{number % 10 * 6:02}" for number in range(60)]


@pytest.mark.parametrize("clock", ["10:00:30.500", "10:09:00.500"])
async def test_a_statement_that_is_too_dense_to_be_told_apart_is_reported(ports: Ports, clock: str) -> None:
    await open_books(ports.ledger)
    report = REPORT_OF + BOUGHT + "".join(to_pro(one, "0.001") for one in MOMENTS)
    rows = stated(clock, "x1", "0.2") + stated("10:00:12.001", "x2", "0.001")
    [first, second] = await imported(ports, {"report": report, "statement": STATEMENT_OF + rows}, partial=True)
    assert (len(first.events), [one.row for one in second.reported], len(second.known)) == (1, [2], 1)
    assert "so much went between Coinbase and Coinbase Pro within minutes" in second.reported[0].reason


async def test_a_report_that_is_too_dense_to_be_told_apart_is_reported(ports: Ports) -> None:
    await open_books(ports.ledger)
    rows = [stated(one, f"x{number}", "0.002") for number, one in enumerate(MOMENTS)]
    await imported(ports, {"statement": STATEMENT_OF + "".join(rows)})
    [report] = await imported(ports, {"report": REPORT_OF + BOUGHT + to_pro("10:03:00", "0.3")})
    assert ([one.row for one in report.reported], report.ignored) == ([3], [])
    assert "so much went between Coinbase and Coinbase Pro within minutes" in report.reported[0].reason


def test_where_all_is_of_one_minute_each_row_is_held_to_the_nearest_moments_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of 2,000 rows was held to all 2,000, by a digest: 16 s of the processor."""
    digests = 0

    def counted(event: FileEvent) -> str:
        nonlocal digests
        digests += 1
        return content_of(event)

    monkeypatch.setattr(between, "content_of", counted)
    rows = range(2_000)
    amounts = [f"0.{number + 1:06}" for number in rows]
    report = REPORT_OF + "".join(to_pro(f"10:00:{number % 60:02}", amounts[number]) for number in rows)
    statement = "".join(stated(f"10:00:{number % 60:02}.{number:04}", f"x{number}", amounts[number]) for number in rows)
    files = {"report": report, "statement": STATEMENT_OF + statement}
    [_, found] = PreviewImport(FilesInMemory(files), StoppedClock())(["report", "statement"], Options())
    assert len(found.known) == 2_000
    assert digests <= 2_000 * 50
