"""How the costs grow: with the positions held, and with the trades booked before."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from benchmarks.bookings import BODY
from benchmarks.harness.rows import Row, by_turns, ratio_row
from benchmarks.harness.stage import Service, Stage
from benchmarks.reads import hold

POSITIONS = (10, 100, 1_000, 10_000)
TRADES = (1_000, 10_000, 100_000, 1_000_000)
# The books of more are built in the same way, and verified in a row of their own.
VERIFIED = 10_000
WITHIN = 1.2
# A booking reads and writes the rows that it touches, however many there are beside them.
BOOKING_WITHIN = 1.5
FILLER = "R900"
FILLER_BOOKED_AT = "2025-01-01 00:00:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A kind of work and what it costs in milliseconds, at each size in each round."""

    name: str
    by_size: Mapping[int, Sequence[float]]

    @property
    def series(self) -> dict[str, list[tuple[float, float]]]:
        """Return the medians by size, for the picture."""
        return {self.name: [(size, median(times)) for size, times in self.by_size.items()]}


def positions(stage: Stage) -> Sequence[Row]:
    """Return the rows of portfolios of 10 to 10,000 positions."""
    sizes = POSITIONS[:2] if stage.is_quick else POSITIONS
    services = {size: holding(stage, "positions", size) for size in sizes}
    *_, smaller, largest = sizes
    times = largest / smaller
    booking, *reads = _costs(stage, services, "positions")
    rows = [_flat(booking, sizes, "positions", BOOKING_WITHIN)]
    for cost in reads:
        row = ratio_row(
            work=f"{cost.name}, {largest:,} positions: linear",
            floor=f"{times:g} times that of {smaller:,} positions",
            unit="ms",
            floors=[times * cost_ms for cost_ms in cost.by_size[smaller]],
            figures=cost.by_size[largest],
            limit=WITHIN,
            at_most=True,
            notes=[_in_words(cost)],
            series=cost.series,
        )
        rows.append(row)
    return rows


def trades(stage: Stage) -> Sequence[Row]:
    """Return the rows of ledgers of 1,000 to 1,000,000 trades."""
    sizes = (100, 1_000) if stage.is_quick else TRADES
    services = {size: traded(stage, f"trades-{size}", size) for size in sizes}
    return [_flat(cost, sizes, "trades booked before", WITHIN) for cost in _costs(stage, services, "trades")]


def _flat(cost: Cost, sizes: Sequence[int], what: str, limit: float) -> Row:
    """Return the row of a cost that does not grow."""
    return ratio_row(
        work=f"{cost.name}, {sizes[-1]:,} {what}: flat",
        floor=f"that of {sizes[0]:,}",
        unit="ms",
        floors=cost.by_size[sizes[0]],
        figures=cost.by_size[sizes[-1]],
        limit=limit,
        at_most=True,
        notes=[_in_words(cost)],
        series=cost.series,
    )


def _costs(stage: Stage, services: Mapping[int, Service], name: str) -> list[Cost]:
    """Return what bookings and reads cost, all sizes measured by turns."""
    kinds: dict[str, Callable[[Service], float]] = {
        f"a booking ({name})": partial(_booking_ms, stage),
        f"GET /portfolio just after one ({name})": partial(read_ms, stage, "/portfolio"),
        f"GET /positions just after one ({name})": partial(read_ms, stage, "/positions"),
    }
    costs = []
    for kind, measure in kinds.items():
        found = by_turns(stage.rounds(7), *(partial(measure, service) for service in services.values()))
        costs.append(Cost(name=kind, by_size=dict(zip(services, found, strict=True))))
    return costs


def _in_words(cost: Cost) -> str:
    return ", ".join(f"{size:,}: {median(times):.1f} ms" for size, times in cost.by_size.items())


def _booking_ms(stage: Stage, service: Service) -> float:
    burst = service.burst(
        "/holdings/update",
        method="POST",
        body=BODY.replace("bench-", f"{time.monotonic_ns()}-"),
        requests=3 if stage.is_quick else 15,
    )
    return stage.latency_ms(burst)


def read_ms(stage: Stage, path: str, service: Service) -> float:
    """Return what a read costs that nothing can be kept for: the portfolio changed just before."""
    requests = 2 if stage.is_quick else 5
    return stage.latency_ms(service.burst(path, requests=requests, booking=BODY, first=time.monotonic_ns()))


def holding(stage: Stage, name: str, size: int) -> Service:
    """Return a service that holds so many positions."""
    # Time enough to book the last thousand of ten thousand, whatever else the machine does.
    patience = {"PORTFOLIO_REQUEST_DEADLINE_SECONDS": "60"}
    service = stage.running(f"{name}-{size}", stage.database(f"{name}_{size}"), **patience)
    hold(service, [f"R{number:03}" for number in range(size)])
    return service


def traded(
    stage: Stage, name: str, size: int, *, before_sealing: Callable[[Stage, str], None] = lambda _, __: None
) -> Service:
    """Return a service whose ledger has so many trades, most of them written straight into the tables.

    Their digests are those of entries from before there were any: the service makes the digest of them all.
    """
    database = stage.database(name.replace("-", "_"))
    service = stage.running(name, database)
    hold(service, [f"R{number:03}" for number in range(8)])
    ledger = database.url.partition("?")[0].rpartition("/")[2]
    before = _counts(stage, ledger)
    with service.http() as client:
        for side in ("BUY", "SELL"):
            body = {"symbol": FILLER, "side": side, "quantity": 2, "price": 100, "net_amount": 200}
            client.post("/holdings/update", json=body).raise_for_status()
    after = _counts(stage, ledger)
    service.stop()
    _repeat(stage, ledger, (size - after["booked_trades"]) // 2, {n: after[n] - before[n] for n in after})
    before_sealing(stage, ledger)
    service.migrate_by_command()
    if size <= VERIFIED:
        verdict = service.command("verify")
        if verdict.returncode != 0:
            raise RuntimeError(f"the books do not verify: {verdict.stdout}{verdict.stderr}")
    service.start()
    return service


def _counts(stage: Stage, ledger: str) -> dict[str, int]:
    """Return the sums of the portfolio's row that a pair of trades at one price may change."""
    names = ("revision", "total_trades", "winning_trades", "losing_trades", "booked_trades")
    [values] = stage.server.execute(f"SELECT {', '.join(names)} FROM `{ledger}`.mock_portfolio")
    return {name: int(str(value)) for name, value in zip(names, values, strict=True)}


def _repeat(stage: Stage, ledger: str, pairs: int, change: Mapping[str, int]) -> None:
    """Write the last two trades, which cancel each other, so many times more: each time as many as there are."""
    table, row = f"`{ledger}`.mock_trades", f"`{ledger}`.mock_portfolio"
    columns = [
        str(name)
        for (name,) in stage.server.execute(
            "SELECT column_name FROM information_schema.columns"
            f" WHERE table_schema = '{ledger}' AND table_name = 'mock_trades'"
            " AND column_name NOT IN ('id', 'ledger_revision')"
        )
    ]
    [[last]] = stage.server.execute(f"SELECT MAX(ledger_revision) FROM {table}")
    first, there, wanted = int(str(last)) - 2, 2, 2 * (pairs + 1)
    stage.server.execute(
        f"UPDATE {table} SET booked_at = '{FILLER_BOOKED_AT}', execution_time = '{FILLER_BOOKED_AT}'"
        f" WHERE ledger_revision > {first}"
    )
    names = ", ".join(columns)
    while there < wanted:
        more = min(there, wanted - there)
        stage.server.execute(
            f"INSERT INTO {table} ({names}, ledger_revision) SELECT {names}, ledger_revision + {there} FROM {table}"
            f" WHERE ledger_revision > {first} AND ledger_revision <= {first + more} ORDER BY ledger_revision"
        )
        there += more
    sums = ", ".join(f"{name} = {name} + {pairs * by}" for name, by in change.items())
    stage.server.execute(f"UPDATE {row} SET {sums}", f"ANALYZE TABLE {table}")
    if "digest" in columns:
        stage.server.execute(
            f"UPDATE {table} SET digest = NULL",
            f"UPDATE `{ledger}`.portfolio_cash_transactions SET digest = NULL",
            f"UPDATE {row} SET ledger_head = NULL",
        )
