"""A service for each test, on books in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.services.http_service import Service, running


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with running() as service:
        yield service
