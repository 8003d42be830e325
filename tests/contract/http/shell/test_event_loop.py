"""What takes long is computed beside the event loop, which serves others meanwhile."""

from __future__ import annotations

import asyncio
import sys
import threading
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from portfolio.application.in_thread import in_fold_thread, in_thread
from portfolio.application.prices.records import Close
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.services.http_service import Service

pytestmark = pytest.mark.unmeasured

SYMBOLS = [f"S{number:02}" for number in range(40)]
DAYS = 365
TURNS = 2_000  # of the event loop; without anything to compute an answer takes a hundredth of them
FEW_DAYS = 40
PACKAGES = {("portfolio", package) for package in ("analytics", "application", "domain")}
# The modules whose functions take the longer the more is held, by far more than reading it takes.
COMPUTATIONS = {
    "correlation",
    "volatility",
    "tail_risk",
    "statistics",
    "plan",
    "limits",
    "health",
    "projection",
    "risk",
}


async def hold_some_of_each(service: Service, days: int) -> None:
    """Book a position in each symbol, whose closes of so many days are known."""
    bookings = [{"symbol": s, "side": "BUY", "quantity": 1, "price": 100, "net_amount": 100} for s in SYMBOLS]
    (await service.http.post("/holdings/update/batch", json={"bookings": bookings})).raise_for_status()
    await service.prices.add_closes(
        [close for number in range(len(SYMBOLS)) for close in closes(service, number, days)]
    )


@pytest.mark.parametrize("path", ["/rebalance/analysis", f"/risk/correlation-matrix?days={DAYS}", "/portfolio"])
async def test_others_are_served_while_an_analysis_is_at_work(service: Service, path: str) -> None:
    await hold_some_of_each(service, DAYS)
    goes_on = threading.Event()
    held = asyncio.create_task(in_thread(goes_on.wait, 30))
    analysis = asyncio.create_task(service.http.get(path))
    for _ in range(TURNS):
        await asyncio.sleep(0)
    assert not analysis.done(), "it was computed on the event loop"
    (await service.http.get("/health/live")).raise_for_status()
    goes_on.set()
    assert await held
    assert (await analysis).status_code == 200


@pytest.mark.parametrize("path", ["/lots", "/gains?year=2025", "/performance?basis=restated"])
async def test_analyses_are_served_while_all_entries_are_gone_through(service: Service, path: str) -> None:
    await hold_some_of_each(service, DAYS)
    goes_on = threading.Event()
    held = asyncio.create_task(in_fold_thread(goes_on.wait, 30))
    fold = asyncio.create_task(service.http.get(path))
    assert (await service.http.get("/rebalance/analysis")).status_code == 200
    assert not fold.done(), "it did not wait for the thread of the folds"
    goes_on.set()
    assert await held
    assert (await fold).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/rebalance/analysis", None),
        ("/rebalance/what-if", {"trades": [{"symbol": "S01", "side": "SELL", "quantity": 0.5}]}),
        ("/rebalance/what-if", {"policy": {"position_limit": 0.02}}),
        ("/pretrade/check", {"symbol": "S01", "side": "BUY", "quantity": 1, "price": 100, "net_amount": 100}),
        ("/risk/concentration", None),
        ("/risk/correlation-matrix", None),
        ("/risk/volatility-analysis", None),
        ("/risk/value-at-risk", None),
        ("/risk/sector-allocation", None),
        ("/risk/portfolio-health", None),
    ],
)
async def test_nothing_of_an_analysis_is_computed_on_the_event_loop(service: Service, path: str, body: Any) -> None:
    await hold_some_of_each(service, FEW_DAYS)
    found: set[str] = set()

    def see(frame: FrameType, event: str, _: object) -> None:
        # It is called in the thread that sets it alone.
        place = Path(frame.f_code.co_filename)
        if event == "call" and place.parts[-3:-1] in PACKAGES and place.stem in COMPUTATIONS:
            found.add(f"{place.stem}.{frame.f_code.co_name}")

    sys.setprofile(see)
    try:
        answer = await (service.http.get(path) if body is None else service.http.post(path, json=body))
    finally:
        sys.setprofile(None)
    assert answer.status_code == 200, answer.text
    assert not found


def closes(service: Service, number: int, days: int) -> list[Close]:
    """The last days of one asset."""
    today = service.clock.now().date()
    return [
        Close(
            symbol=Symbol(SYMBOLS[number]),
            day=today - timedelta(days=days_ago),
            price=Price(Decimal(100 + (number + days_ago * days_ago) % 7)),
            source="coinbase",
        )
        for days_ago in range(1, days + 1)
    ]
