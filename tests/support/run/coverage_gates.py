"""Fails a run (`--coverage-gates`) that covers less than pyproject.toml asks for, by groups of files.

Tests that are marked `unmeasured` count for nothing of it, nor does what fixtures do for tests of routes.
"""

import importlib
import io
import pkgutil
import sys
import tomllib
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import TypedDict

import pytest
from coverage import Coverage
from coverage.exceptions import CoverageException

import portfolio
from tests.support.run.untraced import untraced


class Gate(TypedDict):
    """A group of files, and the least percentage of its lines and branches together."""

    include: list[str]
    omit: list[str]
    least: float


REPORT = pytest.StashKey[list[str]]()
OF_ROUTES = Path(__file__).parents[2] / "contract" / "http"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch; it wants `--cov` beside it."""
    parser.addoption("--coverage-gates", action="store_true", help="fail under the percentages of pyproject.toml")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Measure what modules do when they are imported, and not the imports of the tests, which take longer by far."""
    if sys.gettrace() is not None:
        for module in pkgutil.walk_packages(portfolio.__path__, "portfolio."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    with untraced():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Take the tracer away from this thread while a test runs that is marked `unmeasured`."""
    if item.get_closest_marker("unmeasured") is None:
        return (yield)
    with untraced():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(request: pytest.FixtureRequest) -> Generator[None, object, object]:
    """Do the same while the books are made that a test of routes looks at: what makes them has tests of its own."""
    if not _is_of_routes(request._pyfuncitem.path):
        return (yield)
    with untraced():
        return (yield)


@cache
def _is_of_routes(file: Path) -> bool:
    return file.is_relative_to(OF_ROUTES)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Measure against the gates: the figures of all workers and subprocesses have been combined by now."""
    config = session.config
    if not config.getoption("--coverage-gates") or hasattr(config, "workerinput"):
        return
    project = tomllib.loads((config.rootpath / "pyproject.toml").read_text())
    gates: dict[str, Gate] = project["tool"]["portfolio"]["coverage-gates"]
    lines: list[str] = []
    passed = [_passes(name, gate, lines) for name, gate in gates.items()]
    config.stash[REPORT] = lines
    if not all(passed) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show each gate, and the gaps of those that did not hold."""
    if REPORT in config.stash:
        terminalreporter.section("coverage of lines and branches")
        for line in config.stash[REPORT]:
            terminalreporter.line(line)


def _passes(name: str, gate: Gate, lines: list[str]) -> bool:
    table = io.StringIO()
    measured = Coverage()
    try:
        measured.load()
        percent = measured.report(file=table, include=gate["include"], omit=gate.get("omit"))
    except CoverageException as error:
        lines.append(f"{name}: nothing measured ({error})")
        return False
    holds = percent >= gate["least"]
    if not holds:
        lines.extend(table.getvalue().splitlines())
    verdict = "" if holds else ": TOO LITTLE"
    lines.append(f"{name}: {percent:.2f} %, at least {gate['least']} % wanted{verdict}")
    return holds
