"""What takes long is computed beside the event loop, which serves others meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.records import Close
from portfolio.domain.money import Price
from portfolio.domain.symbol import Symbol
from tests.support.http_service import Service

SYMBOLS = [f"S{number:02}" for number in range(40)]
DAYS = 365


class HeldExecutor(ThreadPoolExecutor):
    """Where the loop sends what takes long: it is begun, and goes on when the test says so."""

    def __init__(self) -> None:
        super().__init__(max_workers=1)
        self.begun = asyncio.Event()
        self.goes_on = threading.Event()

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.begun.set()

        def held() -> Any:
            assert self.goes_on.wait(30)
            return work(*args, **kwargs)

        return super().submit(held)


@pytest.mark.parametrize("path", ["/rebalance/analysis", f"/risk/correlation-matrix?days={DAYS}", "/portfolio"])
async def test_others_are_served_while_an_analysis_is_at_work(service: Service, path: str) -> None:
    bookings = [{"symbol": s, "side": "BUY", "quantity": 1, "price": 100, "net_amount": 100} for s in SYMBOLS]
    (await service.http.post("/holdings/update/batch", json={"bookings": bookings})).raise_for_status()
    await service.prices.add_closes([close for number in range(len(SYMBOLS)) for close in closes(service, number)])
    executor = HeldExecutor()
    asyncio.get_running_loop().set_default_executor(executor)
    analysis = asyncio.create_task(service.http.get(path))
    begun = asyncio.create_task(executor.begun.wait())
    await asyncio.wait({analysis, begun}, return_when=asyncio.FIRST_COMPLETED)
    assert begun.done(), "it was computed on the event loop"
    (await service.http.get("/health/live")).raise_for_status()
    assert not analysis.done()
    executor.goes_on.set()
    assert (await analysis).status_code == 200


def closes(service: Service, number: int) -> list[Close]:
    """A year of one asset."""
    today = service.clock.now().date()
    return [
        Close(
            symbol=Symbol(SYMBOLS[number]),
            day=today - timedelta(days=days_ago),
            price=Price(Decimal(100 + (number + days_ago * days_ago) % 7)),
            source="coinbase",
        )
        for days_ago in range(1, DAYS + 1)
    ]
