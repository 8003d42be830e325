"""Reads and pages of the portfolio, beside the same bytes from a handler that does nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from itertools import repeat
from statistics import median

import httpx

from benchmarks.books.closes import keep_walks
from benchmarks.harness.load import Burst
from benchmarks.harness.rows import Row, by_turns, ratio_row
from benchmarks.harness.stage import HEADERS, Bare, Naked, Service, Stage
from benchmarks.harness.worker import processor_seconds
from tests.support.database.databases import DatabaseUnderTest

CONNECTIONS = 16
ROUNDS = 7
SECONDS = 2.0
BATCH = 1_000
LEAST = 0.85
LEAST_OF_NAKED = 0.5
READS = ("/portfolio", "/positions")
BROWSER = {"Accept": "text/html"}
PAGES_ASKED = 50
# What a page may take of the processor, by its path and the positions.
MOST_MS = {("/", 14): 25.0, ("/pages/positions?dust=all", 1_000): 50.0}


def few(stage: Stage) -> Sequence[Row]:
    """Return the rows of a portfolio of 8 positions."""
    return _rows(stage, 8)


def many(stage: Stage) -> Sequence[Row]:
    """Return the rows of a portfolio of 1,000 positions."""
    return _rows(stage, 1_000)


def hold(service: Service, symbols: Sequence[str], quantities: Sequence[float] = ()) -> None:
    """Book a position in each of the symbols."""
    pairs = list(zip(symbols, quantities or repeat(1.25), strict=False))
    with service.http() as client:
        for start in range(0, len(pairs), BATCH):
            bookings = [booking(symbol, quantity) for symbol, quantity in pairs[start : start + BATCH]]
            client.post("/holdings/update/batch", json={"bookings": bookings}).raise_for_status()


def booking(symbol: str, quantity: float) -> dict[str, object]:
    """Return a booking that everything can be told of: whatever is bought costs about 100 dollars."""
    price = 100.125
    return {
        "symbol": symbol,
        "side": "BUY",
        "quantity": quantity,
        "price": price,
        "net_amount": round(quantity * price, 8),
    }


def _rows(stage: Stage, positions: int) -> list[Row]:
    database = stage.database(f"reads_{positions}")
    service = stage.running(f"reads-{positions}", database)
    symbols = [f"R{number:03}" for number in range(positions)]
    keep_walks(database, symbols)
    hold(service, symbols)
    return [row for path in READS for row in _pair(stage, service, database, path, positions)]


def _pair(stage: Stage, service: Service, database: DatabaseUnderTest, path: str, positions: int) -> tuple[Row, Row]:
    """Return the rows of a read, beside the handler behind the same layers and beside the naked one."""
    name = f"{path.strip('/')}-{positions}.json"
    with service.http() as client:
        body = client.get(path).raise_for_status().content
    stage.offer(name, body)
    wanted = _burst(stage, service, path)
    layered, naked = (_burst(stage, stage.floor(kind), f"/bare/bytes/{name}") for kind in (Bare, Naked))
    busy: list[float] = []

    def rate() -> float:
        result = stage.load.run(wanted)
        busy.append(result.processor_seconds / result.seconds)
        return result.rate

    floors, figures, nakeds = by_turns(
        stage.rounds(ROUNDS), lambda: stage.rate(layered), rate, lambda: stage.rate(naked)
    )
    notes = [
        f"{len(body):,} bytes an answer",
        f"the generator took {median(busy) * 100:.0f} % of a core",
    ]
    seen, unseen, rate_meanwhile = _while_written(stage, service, database, wanted)
    notes.append(
        f"{seen} bookings by another instance meanwhile, each seen by the read after it; {rate_meanwhile:.0f}/s then"
    )
    same_layers = ratio_row(
        work=f"GET {path}, {CONNECTIONS} connections, {positions:,} positions",
        floor="the same bytes, bare handler, same layers",
        unit="1/s",
        floors=floors,
        figures=figures,
        limit=LEAST,
        at_most=False,
        notes=notes,
        broken="" if not unseen else f"{unseen} acknowledged bookings were not seen",
    )
    return same_layers, _beside_naked(path, positions, nakeds, figures)


def _beside_naked(path: str, positions: int, nakeds: Sequence[float], figures: Sequence[float]) -> Row:
    return ratio_row(
        work=f"... beside the naked handler, {positions:,} positions ({path})",
        floor="the same bytes, bare handler, Litestar alone: no key, no request id, no metrics, no log",
        unit="1/s",
        floors=nakeds,
        figures=figures,
        limit=LEAST_OF_NAKED,
        at_most=False,
    )


def _burst(stage: Stage, service: Service, path: str) -> Burst:
    return service.burst(path, connections=CONNECTIONS, seconds=stage.seconds(SECONDS))


def _while_written(
    stage: Stage, service: Service, database: DatabaseUnderTest, wanted: Burst
) -> tuple[int, int, float]:
    """Return how many bookings of another instance were acknowledged while the reads went on, how many of them a read
    that began afterwards did not see, and the reads a second.
    """
    other = stage.running(f"writer-{wanted.path.strip('/')}-{service.folder.name}", database)
    seen = unseen = 0
    stage.load.start(wanted)
    ends_at = time.monotonic() + stage.seconds(SECONDS) * 0.9
    with other.http() as writer, httpx.Client(base_url=service.url, headers=HEADERS, timeout=60) as reader:
        while time.monotonic() < ends_at:
            booked = writer.post("/holdings/update", json=booking("R000", 0.001)).raise_for_status().json()
            read = reader.get("/portfolio").raise_for_status().json()["portfolio"]
            if read["cash_balance"] == booked["cash_balance"]:
                seen += 1
            else:
                unseen += 1
            time.sleep(0.05)
    rate = stage.load.finish().rate
    other.stop()
    return seen, unseen, rate


def pages(stage: Stage) -> Sequence[Row]:
    """Return the rows of Overview, and of a thousand positions; where it has to be quick, the first alone."""
    wanted = list(MOST_MS)[:1] if stage.is_quick else MOST_MS
    return [_page(stage, path, size) for path, size in wanted]


def _page(stage: Stage, path: str, size: int) -> Row:
    service = stage.running(f"pages-{size}", stage.database(f"pages_{size}"))
    hold(service, [f"R{number:03}" for number in range(size)])
    name = f"page-{size}.html"
    with service.http() as client:
        stage.offer(name, client.get(path, headers=BROWSER).raise_for_status().content)
    floors, figures = by_turns(
        stage.rounds(ROUNDS),
        partial(_processor_ms, stage, stage.floor(Naked), f"/bare/bytes/{name}"),
        partial(_processor_ms, stage, service, path),
    )
    most = MOST_MS[path, size]
    return ratio_row(
        work=f"page {path}, {size:,} positions, of the processor",
        floor="the same bytes from the naked handler",
        unit="ms",
        floors=floors,
        figures=figures,
        limit=None,
        at_most=True,
        broken=f"over {most:g} ms" if median(figures) > most else "",
    )


def _processor_ms(stage: Stage, process: Service, path: str) -> float:
    """Return the processor time of an answer, of ``PAGES_ASKED`` one after another."""
    burst = process.burst(path, headers=HEADERS | BROWSER, requests=PAGES_ASKED)
    return processor_seconds(process.process.pid, lambda: stage.load.run(burst)) / PAGES_ASKED * 1_000
