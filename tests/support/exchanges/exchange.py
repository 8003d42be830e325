"""A stand-in for Coinbase and Binance: their exact shapes, over real HTTP, with faults on demand.

By hand, for working offline: ``python -m tests.support.exchanges.exchange --port 9026``, then point COINBASE_URL,
BINANCE_URL and CANDLES_URL (with the service's prefix) at it. In a test::

    with StandInExchange() as exchange:
        exchange.fail("binance", exchange_faults.RESTRICTED)
        ...
        assert exchange.count("binance") == 1
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from dataclasses import dataclass
from typing import Any, Self

import uvicorn

from portfolio.settings import Settings
from tests.support.exchanges.exchange_faults import Fault
from tests.support.exchanges.exchange_market import Market
from tests.support.exchanges.exchange_pairs import Answer

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# Kinds of call, and the exchange that each belongs to: a fault may be for either.
EXCHANGE_OF = {
    "spot": "coinbase", "rates": "coinbase", "ticker": "binance", "klines": "binance", "candles": "candles",
    "exchange_info": "binance", "products": "candles",
}  # fmt: skip
_QUIET_SECONDS = 0.3


@dataclass(frozen=True)
class Call:
    """A request that came in."""

    kind: str
    path: str
    query: str
    at: float

    @property
    def symbols(self) -> frozenset[str]:
        """The symbols that it is about."""
        return frozenset(re.findall(r"([A-Z0-9]+?)(?:-USD|USDT(?![A-Z0-9]))", f"{self.path} {self.query}"))

    def is_of(self, source: str) -> bool:
        """Whether it is of this kind, or went to this exchange."""
        return source in {self.kind, EXCHANGE_OF.get(self.kind)}


@dataclass
class _Script:
    source: str
    fault: Fault
    symbols: Collection[str] | None
    times: int | None

    def takes(self, call: Call) -> bool:
        if self.times == 0 or not call.is_of(self.source):
            return False
        if self.symbols is not None and not call.symbols & set(self.symbols):
            return False
        if self.times is not None:
            self.times -= 1
        return True


class StandInExchange:
    """Serves on a free port of this machine while it is entered.

    With ``lockstep`` answers are held back until no further call has come for a moment, and then sent all at
    once: ``rounds`` counts how often, which is the number of round trips whatever the machine's speed.
    """

    def __init__(self, prices: dict[str, str] | None = None, *, port: int = 0) -> None:
        self.market = Market(prices)
        self.latency_seconds = 0.0
        self.lockstep = False
        self.rounds = 0
        self.calls: list[Call] = []
        self.in_flight = 0
        self.peak_in_flight = 0
        self._port = port
        self._scripts: list[_Script] = []
        self._gather: dict[str, int] = {}
        self._gathered = asyncio.Event()
        self._held: list[asyncio.Future[None]] = []
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    # --- for the test ---------------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The settings of a service that asks this exchange for everything."""
        return Settings(coinbase_url=self.url, binance_url=self.url, candles_url=self.url)

    @property
    def url(self) -> str:
        """Where all of them are: their paths do not collide."""
        return f"http://127.0.0.1:{self._port}"

    def fail(
        self, source: str, fault: Fault, *, symbols: Collection[str] | None = None, times: int | None = None
    ) -> None:
        """Answer calls of this source (an exchange, or a kind of call) by the fault: always, or so many
        times.
        """
        self._scripts.append(_Script(source, fault, symbols, times))

    def gather(self, kind: str, number: int) -> None:
        """Answer calls of this kind only when so many are waiting: proof that they are made at once."""
        self._gather[kind] = number
        self._gathered.clear()

    def heal(self) -> None:
        """Forget all faults."""
        self._scripts.clear()

    def count(self, source: str | None = None) -> int:
        """The number of calls that came in, to one source or to all."""
        return len(self.calls) if source is None else sum(call.is_of(source) for call in self.calls)

    def forget(self) -> None:
        """Begin counting anew."""
        self.calls.clear()
        self.rounds = 0
        self.peak_in_flight = 0

    def __enter__(self) -> Self:
        listener = socket.create_server(("127.0.0.1", self._port), backlog=1024)
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            lifespan="off",
            ws="none",
            log_level="critical",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), daemon=True)
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the stand-in exchange did not start")
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(timeout=10)

    # --- the server -----------------------------------------------------------------------------------------

    async def _app(self, scope: MutableMapping[str, Any], receive: object, send: Send) -> None:
        path, query = scope["path"], scope["query_string"].decode("latin-1")
        kind, answer = self._answer(path, query)
        call = Call(kind, path, query, time.monotonic())
        self.calls.append(call)
        fault = next((script.fault for script in self._scripts if script.takes(call)), Fault())
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        try:
            await self._hold(call, fault)
            await self._reply(answer, fault, send)
        finally:
            self.in_flight -= 1

    def _answer(self, path: str, query: str) -> tuple[str, Answer]:
        if match := re.fullmatch(r"/v2/prices/([^/-]+)-([^/-]+)/spot", path):
            return "spot", self.market.coinbase_spot(match[1], match[2])
        if path == "/v2/exchange-rates":
            return "rates", self.market.coinbase_rates(query.removeprefix("currency="))
        if path == "/api/v3/ticker/price":
            return "ticker", self.market.binance_ticker(query)
        if path == "/api/v3/klines":
            return "klines", self.market.binance_klines(query)
        if path == "/api/v3/exchangeInfo":
            return "exchange_info", self.market.rules.binance(query)
        if path == "/products":
            return "products", self.market.rules.coinbase()
        if match := re.fullmatch(r"/products/([^/-]+)-USD/candles", path):
            return "candles", self.market.candles(match[1], query)
        return "unknown", (404, {"message": "NotFound"})

    async def _hold(self, call: Call, fault: Fault) -> None:
        if call.kind in self._gather:
            if self.count(call.kind) >= self._gather[call.kind]:
                self._gathered.set()
            await self._gathered.wait()
        if self.lockstep:
            turn = asyncio.get_running_loop().create_future()
            self._held.append(turn)
            if len(self._held) == 1:
                self._release = asyncio.create_task(self._release_when_quiet())
            await turn
        await asyncio.sleep(self.latency_seconds + fault.delay_seconds)

    async def _release_when_quiet(self) -> None:
        seen = 0
        while seen < len(self._held):
            seen = len(self._held)
            await asyncio.sleep(_QUIET_SECONDS)
        held, self._held = self._held, []
        self.rounds += 1
        for turn in held:
            if not turn.done():
                turn.set_result(None)

    async def _reply(self, answer: Answer, fault: Fault, send: Send) -> None:
        status, truth = answer
        body = json.dumps(truth, separators=(",", ":")).encode() if fault.body is None else fault.body
        if fault.status != 200 or fault.body is not None:
            status = fault.status
        body = body[: fault.truncate_to]
        headers = {"Content-Type": fault.content_type, "X-MBX-USED-WEIGHT-1M": "4", **fault.headers}
        if fault.hangs_up:
            headers["Content-Length"] = str(len(body) + 10)
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        pieces = [body[i : i + 1] for i in range(len(body))] if fault.byte_gap_seconds else [body] * fault.repeat
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(fault.byte_gap_seconds)
        await send({"type": "http.response.body", "body": b""})


def main() -> None:
    """Serve until interrupted, with prices that move."""
    options = argparse.ArgumentParser(prog="python -m tests.support.exchanges.exchange", description=__doc__)
    options.add_argument("--port", type=int, default=9026)
    options.add_argument("--latency", type=float, default=0.0, help="seconds an answer takes")
    options.add_argument("--step", type=float, default=0.0005, help="how much prices move a second; 0: not at all")
    options.add_argument("--seed", type=int, default=8026)
    chosen = options.parse_args()
    randomness = random.Random(chosen.seed)
    with StandInExchange(port=chosen.port) as exchange:
        exchange.latency_seconds = chosen.latency
        print(f"{exchange.url} answers for Coinbase, Coinbase Exchange and Binance; Ctrl-C ends it", flush=True)
        try:
            while True:
                time.sleep(1)
                exchange.market.walk(randomness, chosen.step)
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
