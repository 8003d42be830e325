"""The floor of the stream: uvicorn that sends ready frames to all sockets, ten times a second, and nothing else.

``python -m benchmarks.harness.fan_out PORT FILE``: the file has a frame in each line.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import uvicorn

SECONDS = 0.105


class FanOut:
    """Each socket waits for the next frame, which is the same object for all."""

    def __init__(self, frames: list[str]) -> None:
        self._frames = cycle(frames)
        self._frame = ""
        self._next = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await receive()
            ticking = asyncio.create_task(self._tick())
            await send({"type": "lifespan.startup.complete"})
            await receive()
            ticking.cancel()
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await receive()
        await send({"type": "websocket.accept"})
        with suppress(OSError):
            while True:
                await self._next.wait()
                await send({"type": "websocket.send", "text": self._frame})

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            self._frame = next(self._frames)
            told, self._next = self._next, asyncio.Event()
            told.set()


def main() -> None:
    """Serve until told to stop."""
    port, file = sys.argv[1:]
    app = FanOut(Path(file).read_text().splitlines())
    uvicorn.run(
        app,
        port=int(port),
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        access_log=False,
        log_level="error",
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
