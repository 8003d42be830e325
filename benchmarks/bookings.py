"""Bookings, beside the same statements on a bare driver connection."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, quantiles

from benchmarks.harness.load import Burst
from benchmarks.harness.replay import Replay
from benchmarks.harness.rows import Row, by_turns, ratio_row
from benchmarks.harness.stage import Bare, Naked, Service, Stage, fsync_ms, median_latency_ms
from benchmarks.reads import booking, hold
from tests.support.database.databases import DatabaseUnderTest

POSITIONS = [f"R{number:03}" for number in range(8)]
BATCH = 1_000
CLIENTS = 64


def alone(stage: Stage) -> Sequence[Row]:
    """Return the rows of one booking at a time: beside its statements one by one, and in its own few messages."""
    count = 15 if stage.is_quick else 80
    service, database = _service(stage, "booking")
    replay = _recorded(stage, service, database, count)
    burst = _Numbered(service, BODY)

    def latency_ms() -> float:
        return median_latency_ms(stage.load.run(burst(connections=1, requests=count)))

    floors, split, figures = by_turns(
        stage.rounds(9),
        lambda: median(replay.one_by_one(count)) * 1e3,
        lambda: median(replay.one_by_one(count, split=True)) * 1e3,
        latency_ms,
    )
    fsync = f"fsync {fsync_ms(stage.folder):.2f} ms"
    statements = ratio_row(
        work="one booking at a time, over HTTP",
        floor="the same statements, each sent by itself on a raw aiomysql connection",
        unit="ms",
        floors=split,
        figures=figures,
        limit=1.6,
        at_most=True,
        notes=[fsync],
    )
    messages = ratio_row(
        work="... beside the same messages",
        floor=f"the same statements in the same {len(replay.transactions[0])} messages on a raw aiomysql connection",
        unit="ms",
        floors=floors,
        figures=figures,
        limit=1.6,
        at_most=True,
        notes=["a harder floor than was asked for: the service needs fewer round trips than statements"],
    )
    return [statements, messages]


def at_once(stage: Stage) -> Sequence[Row]:
    """Return the row of 64 clients that book on one portfolio."""
    count = 128 if stage.is_quick else 384
    service, database = _service(stage, "clients")
    replay = _recorded(stage, service, database, count)
    crowd = _Crowd(stage, service)
    before = _trades(stage, database)
    raws, posts, nakeds, figures = by_turns(
        stage.rounds(7),
        lambda: count / replay.at_once(count, CLIENTS),
        lambda: crowd.post(Bare),
        lambda: crowd.post(Naked),
        crowd.book,
    )
    written = _trades(stage, database) - before
    times = median(figures) / median(raws)
    row = ratio_row(
        work=f"bookings, {CLIENTS} clients, one portfolio",
        floor="the smaller of 5 x the raw transaction's rate and 0.5 x a bare POST handler's",
        unit="1/s",
        floors=[min(5 * raw, post / 2) for raw, post in zip(raws, posts, strict=True)],
        figures=figures,
        limit=1.0,
        at_most=False,
        notes=[
            f"raw transaction from {CLIENTS} tasks {median(raws):.0f}/s: the service does {times:.1f} times that",
            f"bare POST behind the same layers {median(posts):.0f}/s, naked {median(nakeds):.0f}/s",
            f"fsync {fsync_ms(stage.folder):.2f} ms; {crowd.latency}",
            f"{crowd.acknowledged} acknowledged, {written} in the books",
        ],
        broken="" if written == crowd.acknowledged else f"{crowd.acknowledged} acknowledged, {written} in the books",
    )
    return [row]


def batch(stage: Stage) -> Sequence[Row]:
    """Return the row of batches of 1,000."""
    service, database = _service(stage, "batch")
    body = _batch_body()
    burst = _Numbered(service, body, path="/holdings/update/batch")
    replay = Replay.record(stage.server, database, lambda: stage.load.run(burst(connections=1, requests=2)).check())
    floors, figures = by_turns(
        stage.rounds(9),
        lambda: replay.inserts(0) * 1e3,
        lambda: median_latency_ms(stage.load.run(burst(connections=1, requests=1))),
    )
    texts = replay.insert_statements(0)
    row = ratio_row(
        work="booking batch of 1,000, over HTTP",
        floor=f"raw multi-row INSERTs of the same rows ({len(texts)} statements), and the commit",
        unit="ms",
        floors=floors,
        figures=figures,
        limit=5.0,
        at_most=True,
        notes=[f"{len(body):,} bytes a request, {sum(map(len, texts)):,} bytes of SQL"],
    )
    return [row]


BODY = (
    '{"symbol":"R001","side":"BUY","quantity":0.5,"price":100.125,"net_amount":50.0625,"fees":0.05,'
    '"client_trade_id":"bench-{n}","engine":"bench"}'
)


class _Numbered:
    """Bursts of bookings, each of which is another one."""

    def __init__(self, service: Service, body: str, *, path: str = "/holdings/update") -> None:
        self._service = service
        self._body = body
        self._path = path
        self._burst = 0

    def __call__(self, **options: object) -> Burst:
        self._burst += 1
        first = self._burst * 1_000_000
        return self._service.burst(self._path, method="POST", body=self._body, first=first, **options)


class _Crowd:
    """64 clients that post at once, and what was acknowledged to them."""

    def __init__(self, stage: Stage, service: Service) -> None:
        self.acknowledged = 0
        self._stage = stage
        self._latencies: list[float] = []
        self._burst = _Numbered(service, BODY)
        with service.http() as client:
            answer = client.post("/holdings/update", json=booking("R001", 0.5)).raise_for_status()
        stage.offer("booking.json", answer.content)

    @property
    def latency(self) -> str:
        """Return in words how long bookings took."""
        cuts = quantiles(self._latencies, n=100)
        return f"a booking was answered in {cuts[49]:.1f} ms, 99 % in {cuts[98]:.1f} ms"

    def book(self) -> float:
        """Return the bookings a second of the service."""
        result = self._stage.load.run(self._burst(connections=CLIENTS, seconds=self._stage.seconds(2.0)))
        self._latencies.extend(result.latencies_ms)
        self.acknowledged += result.answered
        return result.rate

    def post(self, kind: type[Service]) -> float:
        """Return the posts a second of a handler that only reads the body."""
        options = {"method": "POST", "body": BODY, "connections": CLIENTS, "seconds": self._stage.seconds(1.5)}
        return self._stage.rate(self._stage.floor(kind).burst("/bare/bytes/booking.json", **options))


def _service(stage: Stage, name: str) -> tuple[Service, DatabaseUnderTest]:
    database = stage.database(name)
    service = stage.running(name, database)
    hold(service, POSITIONS)
    return service, database


def _recorded(stage: Stage, service: Service, database: DatabaseUnderTest, count: int) -> Replay:
    burst = service.burst("/holdings/update", method="POST", body=BODY, connections=1, requests=count)
    replay = Replay.record(stage.server, database, lambda: stage.load.run(burst).check())
    if len(replay.transactions) != count:
        raise RuntimeError(f"{count} bookings, one after another, were {len(replay.transactions)} transactions")
    return replay


def _batch_body() -> str:
    entries = [
        f'{{"symbol":"{POSITIONS[number % len(POSITIONS)]}","side":"BUY","quantity":0.5,"price":100.125,'
        f'"net_amount":50.0625,"fees":0.05,"client_trade_id":"{{n}}-{number}","engine":"bench"}}'
        for number in range(BATCH)
    ]
    return f'{{"bookings":[{",".join(entries)}]}}'


def _trades(stage: Stage, database: DatabaseUnderTest) -> int:
    ledger = database.url.partition("?")[0].rpartition("/")[2]
    [[count]] = stage.server.execute(f"SELECT COUNT(*) FROM `{ledger}`.mock_trades")
    return int(str(count))
