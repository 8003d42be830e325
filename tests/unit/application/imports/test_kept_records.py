"""What is kept of imports, read again: as it was written, or refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from portfolio.application.imports.kept.records import Asked, GivenFile, GivenImport, given_again, request_of
from portfolio.application.imports.kept.reversal import ReverseImport
from portfolio.application.ledger.cash_records import LoggedEntry
from portfolio.application.ledger.happenings.imported import FileCounts, KeptImport
from portfolio.domain.errors import NotReversible
from portfolio.domain.ledger.portfolio import BookingRules
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_unit import FakeImportBook
from tests.support.imports import NOW, StoppedClock
from tests.support.ledger_examples import open_books

GIVEN = GivenImport(
    files=[GivenFile("a", b"1"), GivenFile("b", b"2")],
    asked=Asked(format="kraken-ledgers", zone="+02:00", decimal=",", date_order="dmy", funding="implied", opening=True),
    rates=GivenFile("r", b"3"),
)
COUNTS: dict[str, Any] = {"name": "a", "format": None, "rows": 3, "events": 1, "ignored": 1, "known": 0, "reported": 1}


def test_what_was_asked_is_read_again_as_it_was() -> None:
    assert given_again(request_of(GIVEN), [b"1", b"2"], b"3") == GIVEN
    without = replace(GIVEN, rates=None)
    assert given_again(request_of(without), [b"1", b"2"], None) == without


def changed(**asked: Any) -> str:
    kept = json.loads(request_of(GIVEN))
    return json.dumps({**kept, "asked": {**kept["asked"], **asked}})


@pytest.mark.parametrize(
    "request_text",
    ["", "{", "null", "[1, null, {}]", "{}", '{"asked": {}, "files": ["a"]}', changed(zone="Mars"), changed(price=1)],
)
def test_what_cannot_be_read_again_is_refused(request_text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whatever is wrong with it
        given_again(request_text, [b"1", b"2"], b"3")


def kept(files: str) -> KeptImport:
    return KeptImport(portfolio_id=1, imported_at=NOW, account="", files=files)


def test_the_files_of_an_import_are_counted() -> None:
    assert kept(json.dumps([COUNTS])).counts == [FileCounts(**COUNTS)]
    assert kept("[]").counts == []


@pytest.mark.parametrize(
    "files",
    ["", "null", "{}", "[1]", "[{}]", json.dumps([{**COUNTS, "rows": "3"}]), json.dumps([{**COUNTS, "name": None}])],
)
def test_files_that_cannot_be_counted_are_refused(files: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whatever is wrong with it
        _ = kept(files).counts


async def test_an_import_with_an_entry_that_cannot_be_read_is_not_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = FakeLedger()
    books = await open_books(ledger)
    record = replace(kept("[]"), id=1, first_revision=books.revision + 1, last_revision=books.revision + 1)
    ledger.books.imports[1] = record

    async def logged(_self: FakeImportBook, first: int, last: int) -> Sequence[LoggedEntry]:
        return [LoggedEntry(revision=first, digest="", entry=None) for _ in range(first, last + 1)]

    monkeypatch.setattr(FakeImportBook, "logged", logged)
    with pytest.raises(NotReversible, match=f"the entry of revision {books.revision + 1} cannot be read"):
        await ReverseImport(ledger, StoppedClock(), BookingRules())(1, 1, owner="desk")
