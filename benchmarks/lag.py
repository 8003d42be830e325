"""How late the event loop comes to what is due while analytics run, beside an idle process on the same busy machine.

Two things tell it, and the longer one counts: the service's own metric, and how long ``/health/live`` takes, asked all
the time by a process of its own. The idle process has the same metric and is asked as often: what it is late is the
machine's doing. Each round is a new process of the service, so that it begins with the first reading of all closes.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from statistics import median
from typing import Any

import httpx

from benchmarks.analyses import Change, prepared
from benchmarks.harness.probe import Probe
from benchmarks.harness.rows import Row
from benchmarks.harness.stage import Bare, Service, Stage

ROUNDS = 5
TURNS = 3
ALLOWED_MS = 50.0
CHEAP = "/health/live"
FIRST = "first reading of all closes"
TOGETHER = "all at once"
LAG = re.compile(rb"^portfolio_event_loop_lag_max_seconds (\S+)$", re.MULTILINE)
TRADE = {"symbol": "R001", "side": "BUY", "quantity": 3.5, "price": 100.125, "net_amount": 350.4375}


@dataclass(frozen=True, slots=True)
class Question:
    """A question to the analytics; ``days`` differ from one time to the next where it takes any."""

    path: str
    takes_days: bool = False
    body: Any = None

    def ask(self, client: httpx.Client, days: int) -> None:
        """Ask it, and see that it is answered."""
        path = f"{self.path}?days={days}" if self.takes_days else self.path
        answer = client.get(path) if self.body is None else client.post(path, json=self.body)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} was answered {answer.status_code}: {answer.text}")


ANALYSIS = Question("/rebalance/analysis")
QUESTIONS = (
    ANALYSIS,
    Question("/rebalance/recommendations"),
    Question("/rebalance/what-if", body={"trades": [{"symbol": "R001", "side": "BUY", "quantity": 3.5}]}),
    Question("/rebalance/what-if", body={"policy": {"position_limit": 0.02, "pair_correlation": 0.4}}),
    Question("/pretrade/check", body=TRADE),
    Question("/risk/concentration"),
    Question("/risk/correlation-matrix", takes_days=True),
    Question("/risk/volatility-analysis", takes_days=True),
    Question("/risk/value-at-risk", takes_days=True),
    Question("/risk/sector-allocation"),
    Question("/risk/portfolio-health"),
    Question("/portfolio"),
    Question("/positions"),
)


def lag(stage: Stage) -> Sequence[Row]:
    """Return the row of the longest lag while every analysis is asked for, of 200 positions and a year of closes."""
    assets = 30 if stage.is_quick else 200
    database, service, _ = prepared(stage, "lag", assets)
    bare = stage.floor(Bare)
    service.stop()
    change, rounds = Change(service, database), []
    for _ in range(stage.rounds(ROUNDS)):
        service.start()
        with watched(service, bare) as watch:
            _round(watch, change, turns=1 if stage.is_quick else TURNS)
        rounds.append(watch)
        service.stop()
    floors, figures = [watch.longest(1) for watch in rounds], [watch.longest(0) for watch in rounds]
    beyond = [max(0.0, figure - floor) for floor, figure in zip(floors, figures, strict=True)]
    worst = max(beyond)
    row = Row(
        work=f"lag of the event loop while analytics run, {assets} x 365, not cached",
        floor=f"that of an idle process meanwhile; the ratio is what is beyond it, of the {ALLOWED_MS:g} ms allowed",
        unit="ms",
        floors=floors,
        figures=figures,
        ratios=[more / ALLOWED_MS for more in beyond],
        limit=1.0,
        at_most=True,
        notes=[*_notes(rounds), f"the longest of each round; beyond the machine's own, at worst {worst:.1f} ms"],
        broken="" if worst <= ALLOWED_MS else f"in one round it was {worst:.0f} ms",
    )
    return [row]


class _Watch:
    """What was the longest while each question was asked: of the service and of the idle process, each in both ways."""

    def __init__(self, probe: Probe, clients: Sequence[httpx.Client]) -> None:
        self._probe = probe
        self._clients = clients
        self.client = clients[0]
        self.seen: defaultdict[str, list[tuple[Sequence[float], Sequence[float]]]] = defaultdict(list)
        self._look()

    def mark(self, name: str) -> None:
        """Take what was seen since the last mark for ``name``'s."""
        self.seen[name].append(self._look())

    def longest(self, process: int) -> float:
        """Return the longest of everything, of the service (0) or of the idle process (1)."""
        return max(value[process] for looks in self.seen.values() for look in looks for value in look)

    def _look(self) -> tuple[Sequence[float], Sequence[float]]:
        asked = self._probe.longest_ms()
        return [_lag_ms(client) for client in self._clients], asked


@contextmanager
def watched(service: Service, bare: Service) -> Iterator[_Watch]:
    """Yield what tells how long small requests waited, to the service and to the bare one beside it."""
    with (
        service.http() as client,
        bare.http() as idle,
        Probe(CHEAP, [service.port, bare.port]) as probe,
    ):
        yield _Watch(probe, [client, idle])


def _round(watch: _Watch, change: Change, *, turns: int) -> None:
    """Ask everything one by one, and then all at once, with another trade and another close each time."""
    days = count(365, -1)
    ANALYSIS.ask(watch.client, next(days))
    watch.mark(FIRST)
    for _ in range(turns):
        for question in QUESTIONS:
            change()
            watch.mark("bookings between")
            question.ask(watch.client, next(days))
            watch.mark(question.path)
    with ThreadPoolExecutor(len(QUESTIONS)) as crowd:
        for _ in range(turns):
            change()
            watch.mark("bookings between")
            asked = [crowd.submit(question.ask, watch.client, next(days)) for question in QUESTIONS]
            for one in asked:
                one.result()
            watch.mark(TOGETHER)
    # The metric looks at intervals: what has just ended is in its next look.
    time.sleep(0.1)
    watch.mark(TOGETHER)


def _notes(rounds: Sequence[_Watch]) -> list[str]:
    """Return what was the longest of each question, by the metric and by the probe, in the median of the rounds."""
    lines = []
    for name in rounds[0].seen:
        worst = [
            tuple(max(look[kind][process] for look in watch.seen[name]) for process in (0, 1) for kind in (0, 1))
            for watch in rounds
        ]
        ours, asked, idle, idle_asked = (median(values) for values in zip(*worst, strict=True))
        lines.append(
            f"{name}: the metric {ours:.1f} ms, {CHEAP} {asked:.1f} ms; idle {idle:.1f} ms and {idle_asked:.1f} ms"
        )
    return lines


def _lag_ms(client: httpx.Client) -> float:
    found = LAG.search(client.get("/metrics").raise_for_status().content)
    assert found is not None
    return float(found[1]) * 1e3
