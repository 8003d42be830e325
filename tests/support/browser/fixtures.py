"""The browser that the tests of a process share. Nothing is skipped: without Chromium a test is an error."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.browser.browser import BrowserThread


@pytest.fixture(scope="session")
def browser() -> Iterator[BrowserThread]:
    """Chromium, started when first asked for."""
    with BrowserThread() as running:
        yield running
