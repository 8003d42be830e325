"""What the ledger and the event loop notice of a sweep of 200 policies that runs meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from benchmarks.analyses import prepared
from benchmarks.books.closes import DAYS
from benchmarks.harness.rows import Row, by_turns, ratio_row
from benchmarks.harness.stage import Bare, Service, Stage
from benchmarks.lag import ALLOWED_MS, watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

ROUNDS = 5
TRIALS = 200
ASSETS = 14
CLIENTS = 64
KEPT = 0.9
PATIENCE_SECONDS = 60.0
# Next to nothing: the cash has to last.
BODY = (
    '{"symbol":"R001","side":"BUY","quantity":0.0005,"price":100.125,"net_amount":0.0500625,'
    '"client_trade_id":"sweep-NUMBER-{n}","engine":"bench"}'
)


def sweeps(stage: Stage) -> Sequence[Row]:
    """Return the rows of the rate of bookings, and of the loop's lag, while a sweep runs."""
    _, service, _ = prepared(stage, "sweep", ASSETS)
    seconds, numbers = stage.seconds(4.0), count(1)
    with service.http() as client:

        def booked() -> float:
            body = BODY.replace("NUMBER", str(next(numbers)))
            burst = service.burst("/holdings/update", method="POST", body=body, connections=CLIENTS, seconds=seconds)
            return stage.rate(burst)

        def booked_meanwhile() -> float:
            with _sweep(client, next(numbers)):
                return booked()

        floors, figures = by_turns(stage.rounds(ROUNDS), booked, booked_meanwhile)
        return [
            ratio_row(
                work=f"bookings, {CLIENTS} clients, while a sweep of {TRIALS} policies runs",
                floor="the same without the sweep",
                unit="1/s",
                floors=floors,
                figures=figures,
                limit=KEPT,
                at_most=False,
            ),
            _lag(stage, service, client, numbers),
        ]


def _lag(stage: Stage, service: Service, client: httpx.Client, numbers: Iterator[int]) -> Row:
    rounds = []
    for _ in range(stage.rounds(ROUNDS)):
        with _sweep(client, next(numbers)), watched(service, stage.floor(Bare)) as watch:
            time.sleep(stage.seconds(4.0))
            watch.mark("a sweep runs")
        rounds.append(watch)
    floors, figures = [watch.longest(1) for watch in rounds], [watch.longest(0) for watch in rounds]
    beyond = [max(0.0, figure - floor) for floor, figure in zip(floors, figures, strict=True)]
    return Row(
        work=f"lag of the event loop while a sweep of {TRIALS} policies runs",
        floor=f"that of an idle process meanwhile; the ratio is what is beyond it, of the {ALLOWED_MS:g} ms allowed",
        unit="ms",
        floors=floors,
        figures=figures,
        ratios=[more / ALLOWED_MS for more in beyond],
        limit=1.0,
        at_most=True,
    )


@contextmanager
def _sweep(client: httpx.Client, number: int) -> Iterator[None]:
    """Have a sweep run meanwhile: each another one, as the same would be answered from what is kept."""
    job = client.post("/backtests", json=_request(number)).raise_for_status().json()["backtest"]["id"]
    path = f"/backtests/{job}"
    _until(client, path, lambda one: one["state"] == "running")
    try:
        yield
        if (state := client.get(path).raise_for_status().json()["backtest"]["state"]) != "running":
            raise RuntimeError(f"the sweep is {state} before its time")
    finally:
        client.delete(path).raise_for_status()
        _until(client, path, lambda one: one["state"] == "cancelled")


def _request(number: int) -> dict[str, Any]:
    last = datetime.now(UTC).date() - timedelta(days=1)
    return {
        "kind": "policy",
        "from": str(date.fromordinal(last.toordinal() - DAYS + 40)),
        "to": str(last),
        "start": "holdings",
        "fee_bps": number,
        "sweep": {"grid": {"position_limit": [round(0.1 + place / 1_000, 3) for place in range(TRIALS)]}},
    }


def _until(client: httpx.Client, path: str, is_so: Callable[[Mapping[str, Any]], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so(found := client.get(path).raise_for_status().json()["backtest"]):
        if time.monotonic() > give_up_at:
            raise RuntimeError(f"the sweep is {found['state']} still")
        time.sleep(0.02)
