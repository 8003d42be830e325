"""The application behind a real socket, in a thread of its own, which is not measured."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

import uvicorn

from tests.support.run.untraced import untraced
from tests.support.services.http_service import Service
from tests.support.services.waiting import until


@contextmanager
def serving(service: Callable[[], AbstractAsyncContextManager[Service]]) -> Iterator[str]:
    """The base URL of a service that answers until the block ends."""
    started, stop = threading.Event(), threading.Event()
    found: list[str] = []
    failures: list[BaseException] = []

    async def serve() -> None:
        async with service() as running:
            listener = socket.create_server(("127.0.0.1", 0))
            config = uvicorn.Config(running.app, log_config=None, access_log=False, lifespan="on", loop="asyncio")
            server = uvicorn.Server(config)
            task = asyncio.create_task(server.serve(sockets=[listener]))
            await until(lambda: server.started)
            found.append(f"http://127.0.0.1:{listener.getsockname()[1]}")
            started.set()
            while not stop.is_set():  # noqa: ASYNC110 (the event is another thread's)
                await asyncio.sleep(0.02)
            server.should_exit = True
            await task

    def run() -> None:
        try:
            with untraced():
                asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 (raised again where the test can see it)
            failures.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=run, name="http-server")
    thread.start()
    try:
        assert started.wait(30), "the server did not start"
        if failures:
            raise failures[0]
        yield found[0]
    finally:
        stop.set()
        thread.join(30)
    if failures:
        raise failures[0]
