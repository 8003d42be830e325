"""One page as a browser shows it, and all that it said, asked for and received meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request, Response, WebSocket

# A report of the policy: the browser's own message says the same in words that change with its version.
_TELL_OF_REPORTS = """
document.addEventListener("securitypolicyviolation", report =>
    console.error(`policy: ${report.effectiveDirective} ${report.blockedURI}`));
"""


@dataclass
class Visit:
    """A page that is open, with what was heard of it since.

    ``said`` are errors and warnings of the console, script errors and reports of the policy; ``foreign`` are requests
    that went elsewhere than to the origin; ``frames`` is what came over sockets.
    """

    page: Page
    origin: str
    said: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)

    @property
    def complaints(self) -> list[str]:
        """What it said, and what it asked for elsewhere."""
        return [*self.said, *(f"foreign request: {url}" for url in self.foreign)]

    async def received(self) -> str:
        """Return every byte that came, as text."""
        bodies = [await response.body() for response in self.responses if response.status not in range(300, 400)]
        return "\n".join([*(body.decode(errors="replace") for body in bodies), *self.frames])

    def listen(self) -> None:
        """Take notice from now on."""
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.said.append(f"script error: {error}"))
        self.page.on("request", self._request)
        self.page.on("response", lambda response: self.responses.append(response))  # noqa: PLW0108 (it marks what it is given)
        self.page.on("websocket", self._socket)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.said.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).scheme != "data" and not request.url.startswith(self.origin + "/"):
            self.foreign.append(request.url)

    def _socket(self, socket: WebSocket) -> None:
        if urlsplit(socket.url).netloc != urlsplit(self.origin).netloc:
            self.foreign.append(socket.url)
        socket.on("framereceived", lambda data: self.frames.append(str(data)))


@asynccontextmanager
async def visiting(context: BrowserContext, origin: str, path: str = "/") -> AsyncIterator[Visit]:
    """Open a page of ``origin`` in the context, and close it after."""
    page = await context.new_page()
    try:
        visit = Visit(page, origin)
        visit.listen()
        await page.add_init_script(_TELL_OF_REPORTS)
        await page.goto(origin + path)
        yield visit
    finally:
        await page.close()
