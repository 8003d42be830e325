"""A refresh of 200 prices, beside one round trip to the exchange."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from benchmarks.books.closes import keep_walks
from benchmarks.harness.feed import COARSE, RATED, symbols
from benchmarks.harness.load import Burst
from benchmarks.harness.rows import Row, by_turns, ratio_row
from benchmarks.harness.stage import FEED_SECONDS, FEED_SYMBOLS, Stage
from benchmarks.reads import hold

LIMIT = 3.0


def refresh(stage: Stage) -> Sequence[Row]:
    """Return the row of prices that the exchange has in one table, and of those that it is asked for one by one."""
    # The hourly allowance of calls to the exchange lets no more than four rounds of 200 calls pass at once.
    return [
        _row(stage, RATED, "all in the exchange's table", stage.rounds(10)),
        _row(stage, COARSE, "each asked for by itself", stage.rounds(3)),
    ]


def _row(stage: Stage, kind: str, how: str, rounds: int) -> Row:
    database = stage.database(f"refresh_{kind.lower()}")
    service = stage.running(f"refresh-{kind.lower()}", database)
    held = symbols(kind, FEED_SYMBOLS)
    keep_walks(database, held)
    hold(service, held)
    port = urlsplit(stage.feed_url).port
    assert port is not None
    trip = Burst(port=port, path=f"/v2/prices/{RATED}000-USD/spot", requests=5)
    wanted = service.burst("/portfolio/refresh", method="POST", requests=1)
    floors, figures = by_turns(rounds, lambda: stage.latency_ms(trip), lambda: stage.latency_ms(wanted))
    with service.http() as client:
        positions = client.get("/positions").raise_for_status().json()["positions"]
    fresh = sum(position["price_source"] == "coinbase" for position in positions)
    return ratio_row(
        work=f"POST /portfolio/refresh, {FEED_SYMBOLS} symbols, {how}",
        floor=f"one round trip to the exchange, which takes {FEED_SECONDS * 1e3:.0f} ms to answer",
        unit="ms",
        floors=floors,
        figures=figures,
        limit=LIMIT,
        at_most=True,
        broken="" if fresh == FEED_SYMBOLS else f"{fresh} of {FEED_SYMBOLS} prices came",
    )
