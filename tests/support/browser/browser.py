"""Chromium, driven by Playwright from a thread of its own: its event loop is none of the tests'."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from playwright.async_api import Browser, BrowserContext, Playwright, async_playwright

from tests.support.browser.chromium import find_or_install_chromium

T = TypeVar("T")

SECONDS = 180.0
# As root, as in most containers, Chromium does not start in its sandbox; /dev/shm is small there.
_OPTIONS = [*(["--no-sandbox"] if os.geteuid() == 0 else []), "--disable-dev-shm-usage"]


class BrowserThread:
    """One browser for all tests of a process, while it is entered; each test opens a context of its own."""

    def __init__(self) -> None:
        self._program = find_or_install_chromium()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="browser", daemon=True)
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what came of ``work``, done in the browser's event loop."""
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, SECONDS), self._loop).result()

    async def context(self, **options: Any) -> BrowserContext:
        """Return a new context: cookies and settings of its own. Nothing moves: no colour is between two."""
        assert self._browser is not None
        return await self._browser.new_context(reduced_motion="reduce", **options)

    def __enter__(self) -> Self:
        self._thread.start()
        self.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        self._playwright = await async_playwright().start()
        self._browser = await self._playwright.chromium.launch(executable_path=self._program, args=_OPTIONS)

    async def _stop(self) -> None:
        if self._browser is not None:
            await self._browser.close()
        if self._playwright is not None:
            await self._playwright.stop()
