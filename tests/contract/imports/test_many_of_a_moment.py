"""Rows of one moment that cannot stand are tried again, but not without end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.imports import simulation
from portfolio.application.imports.entering import Entering
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol
from tests.contract.imports.test_import_booking import GLUED, imported, reasons
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.ledger_examples import open_books

__all__ = ["ports"]

COUNT = 40
SELLS = GLUED + "".join(
    f"2022-03-01 10:00:00,BTCUSDT,SELL,40000,0.{n:03}BTC,{40 * n}USDT,0USDT\n" for n in range(1, COUNT + 1)
)


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Each time that something is entered."""
    found, enter = [0], Entering.enter

    def counted(books: Entering, *given: Any) -> object:
        found[0] += 1
        return enter(books, *given)

    monkeypatch.setattr(Entering, "enter", counted)
    return found


async def test_what_cannot_stand_is_tried_twice(ports: Ports, tries: list[int]) -> None:
    await open_books(ports.ledger)
    found = await imported(ports, {"file": SELLS}, partial=True)
    assert len(reasons(found)) == COUNT
    assert tries == [2 * COUNT]


@pytest.mark.parametrize("most", [0, 1, COUNT, 3 * COUNT, 100 * COUNT])
async def test_with_openings_all_are_booked_however_often_they_are_tried(
    ports: Ports, tries: list[int], monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(simulation, "MOST_RETRIES", most)
    before = await open_books(ports.ledger)
    found = await imported(ports, {"file": SELLS}, opening=True)
    assert reasons(found) == []
    assert [len(found[0].events), len(found[0].implied)] == [COUNT, COUNT]
    assert tries[0] <= most + 3 * COUNT
    after = await ports.ledger.load(1)
    assert after.cash - before.cash == Money(Decimal(40 * COUNT * (COUNT + 1) // 2))
    assert after.positions[Symbol("BTC")].quantity.value == 0
