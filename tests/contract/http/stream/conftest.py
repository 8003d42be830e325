"""A service on an embedded database behind a socket, for those who listen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from portfolio.application.stream.records import DEFAULT_PACE, Pace
from tests.support.services.http_service import BUY, Service, running_on_sqlite
from tests.support.services.http_sockets import served


@dataclass(slots=True)
class Served:
    """A service, and where it answers."""

    service: Service
    address: tuple[str, int]

    async def book(self, **changed: Any) -> int:
        """Book a trade, and return its number."""
        answer = await self.service.http.post("/holdings/update", json={**BUY, **changed})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["trade_id"])

    async def get(self, path: str, **query: str) -> Any:
        """What a route answers."""
        answer = await self.service.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def pace() -> Pace:
    """How often things happen; a module may have another."""
    return DEFAULT_PACE


@pytest.fixture
async def here(tmp_path: Path, pace: Pace) -> AsyncIterator[Served]:
    async with running_on_sqlite(tmp_path, pace=pace) as service, served(service) as address:
        yield Served(service, address)
