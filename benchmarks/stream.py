"""The stream: what a message and a subscriber cost, how soon an entry is told, and what bookings notice of it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from statistics import median, quantiles

import psutil

from benchmarks.bookings import BODY
from benchmarks.harness.audience import Audience, Heard, Seats
from benchmarks.harness.load import Burst
from benchmarks.harness.rows import Row, by_turns, ratio_row
from benchmarks.harness.stage import HEADERS, Service, Stage
from benchmarks.harness.worker import processor_seconds
from benchmarks.reads import hold
from tests.support.database.databases import DatabaseUnderTest
from tests.support.services.service import free_port

ROUNDS = 5
SUBSCRIBERS = 500
NEAR = 100
ALLOWED_KB = 32.0
ALLOWED_MS, ALLOWED_ELSEWHERE_MS = 50.0, 300.0
PACE_SECONDS = 0.15
ENTRIES = "/stream?topics=entries"
SETTINGS = {"PORTFOLIO_STREAMS_PER_KEY": "1000", "PORTFOLIO_STREAMS": "1000"}
POSITIONS = [f"R{number:03}" for number in range(8)]


def stream(stage: Stage) -> Sequence[Row]:
    """Return the rows of the stream, on two instances that share a database."""
    database = stage.database("stream")
    near = stage.running("stream", database, **SETTINGS)
    hold(near, POSITIONS)
    far = _second(stage, database)
    with Audience() as audience:
        message = _message(stage, near, far, audience)
        return [
            message,
            _memory(stage, near, audience),
            *_lags(stage, near, far, audience),
            *_bookings(stage, near, audience),
        ]


def _second(stage: Stage, database: DatabaseUnderTest) -> Service:
    """Return another instance on the same books."""
    return stage.running("stream-2", replace(database), **SETTINGS)


def _seats(stage: Stage, service: Service, count: int, path: str = ENTRIES, **options: bool) -> Seats:
    return Seats(port=service.port, path=path, headers=HEADERS, count=20 if stage.is_quick else count, **options)


class _Booker:
    """Books one trade after the other, each another one."""

    def __init__(self, stage: Stage, service: Service) -> None:
        self._stage = stage
        self._service = service
        self._prefix = f"{service.port}-{time.time_ns()}"
        self._first = 0

    def book(self, seconds: float, connections: int) -> float:
        """Book as fast as it goes, and return the rate."""
        burst = self._burst(connections)
        burst.seconds = seconds
        result = self._stage.load.run(burst)
        self._first += result.answered + connections
        return result.rate

    def book_slowly(self, count: int) -> None:
        """Book so many with a pause between them."""
        for _ in range(count):
            burst = self._burst(1)
            burst.requests = 1
            self._stage.load.run(burst).check()
            self._first += 1
            time.sleep(PACE_SECONDS)

    def _burst(self, connections: int) -> Burst:
        body = BODY.replace("bench-{n}", f"s{self._prefix}-{{n}}")
        return self._service.burst(
            "/holdings/update", method="POST", body=body, connections=connections, first=self._first
        )


def _message(stage: Stage, near: Service, far: Service, audience: Audience) -> Row:
    """Return the row of the processor time a message, while another instance books, and how many bytes it has."""
    booker, seconds = _Booker(stage, far), stage.seconds(4.0)
    audience.sit(_seats(stage, near, SUBSCRIBERS, keeps=True))
    heard: list[Heard] = []

    def told() -> float:
        audience.forget()
        used = processor_seconds(near.process.pid, lambda: booker.book(seconds, 1))
        heard.append(audience.heard())
        return 1e6 * used / max(heard[-1].messages, 1)

    figures = [told() for _ in range(stage.rounds(ROUNDS))]
    audience.leave()
    kept = [message for one in heard for message in one.kept]
    with _fan_out(stage, kept) as process:
        audience.sit(Seats(port=process.port, path="/", count=20 if stage.is_quick else SUBSCRIBERS))

        def fanned() -> float:
            audience.forget()
            used = processor_seconds(process.pid, lambda: time.sleep(seconds))
            return 1e6 * used / max(audience.heard().messages, 1)

        floors = [fanned() for _ in range(stage.rounds(ROUNDS))]
        audience.leave()
    return ratio_row(
        work=f"stream: processor time a message, {SUBSCRIBERS} subscribers",
        floor="uvicorn that sends the same messages to as many sockets, ten times a second",
        unit="us",
        floors=floors,
        figures=figures,
        limit=1.3,
        at_most=True,
        notes=[f"{sum(map(len, kept)) // len(kept):,} bytes a message; another instance books"],
        broken="".join(one.error for one in heard),
    )


class _FanOut:
    """The floor's process."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.pid = process.pid
        self.port = port


@contextmanager
def _fan_out(stage: Stage, messages: list[str]) -> Iterator[_FanOut]:
    file, port = stage.folder / "messages.txt", free_port()
    file.write_text("\n".join(messages))
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.harness.fan_out", str(port), str(file)])
    try:
        time.sleep(2.0)
        yield _FanOut(process, port)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _memory(stage: Stage, near: Service, audience: Audience) -> Row:
    """Return the row of what a subscriber holds."""
    found = psutil.Process(near.process.pid)
    sizes = []
    for _ in range(stage.rounds(3)):
        before = found.memory_info().rss
        seats = _seats(stage, near, SUBSCRIBERS, "/stream")
        audience.sit(seats)
        time.sleep(0.5)
        sizes.append(max(found.memory_info().rss - before, 1) / seats.count / 1024)
        audience.leave()
        time.sleep(0.5)
    return Row(
        work=f"stream: memory a subscriber, {SUBSCRIBERS} of them (resident)",
        floor="-",
        unit="KB",
        floors=[ALLOWED_KB] * len(sizes),
        figures=sizes,
        ratios=[size / ALLOWED_KB for size in sizes],
        limit=1.0,
        at_most=True,
        notes=["the floor shown is the target of 32 KB; after the first round memory is used again"],
    )


def _lags(stage: Stage, near: Service, far: Service, audience: Audience) -> Sequence[Row]:
    """Return the rows of how soon an entry is told, on the instance that booked it and on another."""
    rows = []
    audience.sit(_seats(stage, near, NEAR))
    for booking, where, allowed in ((near, "the same", ALLOWED_MS), (far, "another", ALLOWED_ELSEWHERE_MS)):
        booker, worst, half = _Booker(stage, booking), [], []
        for _ in range(stage.rounds(3)):
            audience.forget()
            booker.book_slowly(5 if stage.is_quick else 60)
            time.sleep(0.5)
            heard = audience.heard()
            worst.append(quantiles(heard.lags_ms, n=100)[98])
            half.append(median(heard.lags_ms))
        rows.append(
            Row(
                work=f"stream: booked on {where} instance, until {NEAR} subscribers are told, p99",
                floor="-",
                unit="ms",
                floors=[allowed] * len(worst),
                figures=worst,
                ratios=[one / allowed for one in worst],
                limit=1.0,
                at_most=True,
                notes=[
                    f"the floor is the target; median {median(half):.1f} ms; from `booked_at` on, so with the commit"
                ],
            )
        )
    audience.leave()
    return rows


def _bookings(stage: Stage, near: Service, audience: Audience) -> Sequence[Row]:
    """Return the rows of the rate of bookings with and without those who listen."""
    booker, seconds, rows = _Booker(stage, near), stage.seconds(4.0), []
    for topics, what in (("signals", "told nothing"), ("entries,state,prices,signals,health", "told everything")):
        seats = _seats(stage, near, SUBSCRIBERS, f"/stream?topics={topics}")

        def alone() -> float:
            return booker.book(seconds, 64)

        def listened_to(seats: Seats = seats) -> float:
            audience.sit(seats)
            try:
                return booker.book(seconds, 64)
            finally:
                audience.leave()

        floors, figures = by_turns(stage.rounds(ROUNDS), alone, listened_to)
        is_idle = topics == "signals"
        rows.append(
            ratio_row(
                work=f"bookings, 64 clients, with {SUBSCRIBERS} subscribers that are {what}",
                floor="the same with nobody listening",
                unit="1/s",
                floors=floors,
                figures=figures,
                limit=0.95 if is_idle else None,
                at_most=False,
                notes=[] if is_idle else ["some 7,000 messages a second on the machine that also receives them"],
            )
        )
    return rows
