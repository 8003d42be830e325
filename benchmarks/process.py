"""The process itself: how soon it answers, beside the import of the libraries it uses, and what it holds when idle."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median

import psutil

from benchmarks.harness.rows import Row, by_turns, ratio_row
from benchmarks.harness.stage import KEY, Service, Stage
from benchmarks.reads import hold

ROUNDS = 12
IDLE_SECONDS = 3.0
MEBIBYTE = 1024 * 1024
# Modules that the service has imported by the time it answers, without its own.
LOADED = """
import asyncio, json, sys
from portfolio.main import CompositionRoot
from portfolio.settings import read_settings
import portfolio.entrypoints.server
CompositionRoot().application(read_settings())
json.dump([name for name in sys.modules if name.partition(".")[0] not in ("portfolio", "__main__")], sys.stdout)
"""
# Some have a module in place that ends in an ImportError: what it wants is not installed.
IMPORTS = """
import importlib
for name in {names}:
    try:
        importlib.import_module(name)
    except ImportError:
        pass
"""


def process(stage: Stage) -> Sequence[Row]:
    """Return the rows of the start and of the memory."""
    service = stage.running("process", stage.database("process"))
    hold(service, [f"R{number:03}" for number in range(8)])
    memory = _memory(stage, service)
    service.stop()
    imports = _Imports(service)
    floors, ready, useful = by_turns(
        stage.rounds(ROUNDS),
        imports.seconds,
        lambda: _seconds_to_answer(service, "/health/live"),
        lambda: _seconds_to_answer(service, "/portfolio"),
    )
    start = ratio_row(
        work="start to first answer (GET /health/live), installed and warm",
        floor=f"a Python that imports the same {imports.count} modules of others, and ends",
        unit="s",
        floors=floors,
        figures=ready,
        limit=1.5,
        at_most=True,
        notes=[f"GET /portfolio, with its own 200, was first answered after {median(useful):.3f} s"],
    )
    return [start, memory]


def _memory(stage: Stage, service: Service) -> Row:
    """Return the row of what the process holds after it has answered every kind of question."""
    with service.http() as client:
        for path in ("/portfolio", "/positions", "/health", "/risk/correlation-matrix", "/rebalance/analysis"):
            client.get(path).raise_for_status()
    found = psutil.Process(service.process.pid)
    sizes = []
    for _ in range(stage.rounds(5)):
        time.sleep(0.2 if stage.is_quick else IDLE_SECONDS / 3)
        sizes.append(found.memory_info().rss / MEBIBYTE)
    return Row(
        work="idle memory, after every kind of answer (resident)",
        floor="-",
        unit="MB",
        floors=[150.0] * len(sizes),
        figures=sizes,
        ratios=[size / 150 for size in sizes],
        limit=1.0,
        at_most=True,
        notes=["the floor shown is the target of 150 MB"],
    )


class _Imports:
    """A Python process that imports what the service imports of others, and nothing else."""

    def __init__(self, service: Service) -> None:
        self._environment = service.environment
        names = self._run(LOADED)
        self._modules = [name for name in json.loads(names) if name not in sys.builtin_module_names]
        self._file = service.folder / "imports.py"
        self._file.write_text(IMPORTS.format(names=self._modules))

    @property
    def count(self) -> int:
        """Return how many modules are imported."""
        return len(self._modules)

    def seconds(self) -> float:
        """Return how long the process took."""
        started = time.perf_counter()
        subprocess.run([sys.executable, str(self._file)], env=self._environment, check=True)
        return time.perf_counter() - started

    def _run(self, program: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program], env=self._environment, check=True, capture_output=True, text=True
        )
        return done.stdout


def _seconds_to_answer(service: Service, path: str) -> float:
    """Start the service, stop it once ``path`` is answered with 200, and return how long that took."""
    started = time.perf_counter()
    with (service.folder / "out.log").open("ab") as printed:
        child = subprocess.Popen(
            service.serve_command,
            env=service.environment,
            cwd=service.folder,
            stdout=printed,
            stderr=subprocess.STDOUT,  # its log, which is not to stand in the table
        )
    try:
        while not _is_answered(service.port, path):
            if child.poll() is not None:
                raise RuntimeError(f"it ended with {child.returncode}: {service.output()[-500:]}")
            time.sleep(0.002)
        return time.perf_counter() - started
    finally:
        child.terminate()
        child.wait(timeout=30)


def _is_answered(port: int, path: str) -> bool:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-TRADING-API-KEY: {KEY}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(request.encode())
            return connection.recv(12) == b"HTTP/1.1 200"
    except ConnectionError:
        return False
