"""What it costs to prove the books: every entry, its digest, and the outcome of its key."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence

from benchmarks.growth import FILLER, traded
from benchmarks.harness.rows import Row, by_turns, ratio_row
from benchmarks.harness.stage import Service, Stage
from portfolio.adapters.database.ledger.audit import content_sql
from portfolio.adapters.database.schema.migration import migration_engine
from portfolio.adapters.database.schema.tables import booking_outcomes
from portfolio.application.ledger.audit import OUTCOME

TRADES = 1_000_000
MOST_SECONDS = 60
MOST_MB = 500
# Beside what the rows cost to read alone: the fold and two digests a trade.
WITHIN = 1.5
# As long as the service's own.
ANSWER = (
    '{"booked_quantity":null,"position":{"symbol":"R900","quantity":"2","ledger_quantity":"2","asset_cost":"200",'
    '"cost_basis":"200","realized_pnl":"0","avg_entry_price":"100","mark":["100","trade",'
    '"2025-01-01T00:00:00+00:00"],"updated_at":"2025-01-01T00:00:00+00:00"},"cash":"999999999999.5","realized_pnl":"0",'
    '"allocation_percent":"0.000001","over_concentrated":false,"possible_duplicate_of":null}'
)


def verification(stage: Stage) -> Sequence[Row]:
    """Return the row of ``portfolio verify`` on a million trades with keys."""
    size = 1_000 if stage.is_quick else TRADES
    service = traded(stage, "verified", size, before_sealing=_give_keys)
    service.stop()
    peaks: list[float] = []

    def verify() -> float:
        seconds, megabytes = _verify(service)
        peaks.append(megabytes)
        return seconds

    floors, figures = by_turns(stage.rounds(3), lambda: _read_raw(service), verify)
    slow = max(figures) > MOST_SECONDS
    large = max(peaks) > MOST_MB
    return [
        ratio_row(
            work=f"portfolio verify, {size:,} trades with keys",
            floor="reading every column of the same rows with a plain driver",
            unit="s",
            floors=floors,
            figures=figures,
            limit=WITHIN,
            at_most=True,
            notes=[f"{max(peaks):.0f} MB at most, {size / max(figures):,.0f} trades a second"],
            broken=f"over {MOST_SECONDS} s" if slow else f"over {MOST_MB} MB" if large else "",
        )
    ]


def _give_keys(stage: Stage, ledger: str) -> None:
    """Give the filling trades keys, and each the outcome that a booking would have written."""
    outcomes, trades = f"`{ledger}`.portfolio_booking_outcomes", f"`{ledger}`.mock_trades"
    columns = "owner, client_trade_id, fingerprint, trade_id, symbol, side, quantity, price, net_amount, fees, engine"
    values = "booked_by, client_trade_id, fingerprint, id, symbol, side, quantity, price, amount, fee, engine"
    text = content_sql(booking_outcomes, OUTCOME, is_sqlite=False)
    stage.server.execute(
        f"UPDATE {trades} SET client_trade_id = CONCAT('filler-', ledger_revision) WHERE symbol = '{FILLER}'",
        f"INSERT INTO {outcomes} ({columns}, status, outcome, decided_at)"
        f" SELECT {values}, 'booked', '{ANSWER}', booked_at FROM {trades} WHERE symbol = '{FILLER}'",
        f"UPDATE {outcomes} AS portfolio_booking_outcomes SET digest = SHA2(CONCAT(CHAR(10), {text}), 256)",
    )


def _read_raw(service: Service) -> float:
    """Return how long it takes to read every row of both tables."""
    engine = migration_engine(service.environment["PORTFOLIO_DATABASE_URL"])
    started = time.perf_counter()
    with engine.connect() as connection:
        for table in ("mock_trades", "portfolio_booking_outcomes"):
            rows = connection.execution_options(stream_results=True).exec_driver_sql(f"SELECT * FROM {table}")
            while rows.fetchmany(5_000):
                pass
    engine.dispose()
    return time.perf_counter() - started


def _verify(service: Service) -> tuple[float, float]:
    """Return how long a run takes, in seconds, and its peak of memory in MB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [service.program, "verify"], env=service.environment, cwd=service.folder, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"the books do not verify: {said}")
    return time.perf_counter() - started, used.ru_maxrss / 1024
