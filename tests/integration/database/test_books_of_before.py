"""Books that the last schema's service wrote answer the same after the migration, and their keys still replay.

``books_of_0018/books.sql`` is the embedded database that the service of schema revision 0018 left after 30 bookings, a
deposit and a reversal; ``answers.json`` beside it is what that service answered. Fields that have other names since are
under those.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from portfolio.adapters.database.database import open_database
from portfolio.adapters.database.schema.migration import migrate
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.verification import VerifyBooks
from tests.support.fakes.clock import FakeClock
from tests.support.ledger_examples import money
from tests.support.services.http_service import Service, running_on_sqlite

BOOKS = Path(__file__).parent / "books_of_0018"
BEFORE: dict[str, Any] = json.loads((BOOKS / "answers.json").read_text())


@pytest.fixture
async def migrated(tmp_path: Path) -> AsyncIterator[Service]:
    """A service on these books, migrated."""
    path = tmp_path / "before.db"
    with sqlite3.connect(path) as database:
        database.executescript((BOOKS / "books.sql").read_text())
    database.close()
    await asyncio.to_thread(migrate, f"sqlite+aiosqlite:///{path}", None)
    async with running_on_sqlite(tmp_path, database=path) as service:
        yield service


def is_within(expected: Any, found: Any) -> bool:
    """Whether all that is expected is found, digit by digit; fields may have come since, categories are settings."""
    if isinstance(expected, dict):
        parts = {name: value for name, value in expected.items() if name != "category"}
        return isinstance(found, dict) and all(is_within(value, found.get(name)) for name, value in parts.items())
    if isinstance(expected, list):
        return len(expected) == len(found) and all(map(is_within, expected, found))
    return bool(expected == found)


def exact(text: str) -> Any:
    """An answer, its numbers as they are written."""
    return json.loads(text, parse_float=str, parse_int=str)


@pytest.mark.parametrize("path", BEFORE["answers"])
async def test_the_answers_are_the_same_digit_by_digit(migrated: Service, path: str) -> None:
    found = exact((await migrated.http.get(path)).text)
    assert is_within(BEFORE["answers"][path], found), found


async def test_every_key_replays_the_answer_that_it_got(migrated: Service) -> None:
    for booking in BEFORE["bookings"]:
        again = await migrated.http.post("/holdings/update", json=booking["body"])
        expected = {name: part for name, part in booking["answer"].items() if name not in {"replayed", "position"}}
        assert again.status_code == booking["status"]
        found = exact(again.text)
        assert found["replayed"] is True
        assert is_within(expected, found), found
        if "position" in booking["answer"]:
            position = {k: v for k, v in booking["answer"]["position"].items() if k != "price_status"}
            assert is_within(position, found["position"]), found
        changed = {**booking["body"], "fees": "0.07"}
        assert (await migrated.http.post("/holdings/update", json=changed)).status_code in {400, 422}  # never a replay


async def test_its_entries_prove_all_that_the_books_say(tmp_path: Path) -> None:
    """Costs, averages, units and counts of bookings made before entries had digests, and the same head each time."""
    path = tmp_path / "before.db"
    with sqlite3.connect(path) as database:
        database.executescript((BOOKS / "books.sql").read_text())
    database.close()
    heads = set()
    for target in ("head", "0023", "head"):
        await asyncio.to_thread(migrate, f"sqlite+aiosqlite:///{path}", None, target=target)
        if target == "head":
            opened = open_database(f"sqlite+aiosqlite:///{path}")
            await OpenBooks(opened.ledger, FakeClock(), money(0))(1)
            found = await VerifyBooks(opened.ledger)(1)
            await opened.close()
            assert (found.differences, found.unreconciled, found.lost, found.trades) == ([], [], [], 25)
            heads.add(found.head)
    assert len(heads) == 1
    assert None not in heads
