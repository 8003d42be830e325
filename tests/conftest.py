"""What all tests share: the databases, the coverage gates, the order for workers, and how Hypothesis behaves."""

import gc
import os
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.support")

pytest_plugins = [
    "tests.support.run.memory",
    "tests.support.run.coverage_gates",
    "tests.support.database.database_fixtures",
    "tests.support.database.galera_fixtures",
    "tests.support.demo",
    "tests.support.browser.fixtures",
]

# The settings of whoever runs the tests must not reach them: least of all the address of a real ledger.
for name in [name for name in os.environ if name.startswith("PORTFOLIO_")]:
    del os.environ[name]

# Machines differ in speed, and coverage slows all of them: time is no property of the code.
settings.register_profile("portfolio", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("portfolio")

# Of the tests' folders, those whose files take long. Those of faults wait most of the time, browsers compute.
SLOW = ("faults", "e2e", "integration")

# Each case of these starts processes.
FAULTS = Path(__file__).parent / "faults"

# These look at a service from outside. What their own thread does is not measured for coverage; what a service does
# that they start is, where they say so.
OUTSIDE = tuple(Path(__file__).parent / name for name in ("faults", "e2e", "fuzz"))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Have the garbage collector leave alone what the imports make: it would look at it again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the later cases of what is costly to the long runs; workers take by turns what waits and what computes.

    Of each rule one case stays; rules take turns which one it is. When one worker has nothing left to do, the others
    have little left; and while one waits, another computes.
    """
    rules: defaultdict[tuple[Path, str], list[pytest.Item]] = defaultdict(list)
    files = {item.path for item in items}
    outside = {file for file in files if any(file.is_relative_to(folder) for folder in OUTSIDE)}
    faults = {file for file in files if file.is_relative_to(FAULTS)}
    for item in items:
        if item.path in outside:
            item.add_marker(pytest.mark.unmeasured)
        if item.path in faults and item.get_closest_marker("faults_long") is None:
            rules[item.path, item.name.partition("[")[0]].append(item)
    for number, cases in enumerate(rules.values()):
        for item in cases:
            if item is not cases[number % len(cases)]:
                item.add_marker(pytest.mark.faults_long)
    if hasattr(config, "workerinput"):
        places = _places(list(dict.fromkeys(item.path for item in items)), config.rootpath)
        items.sort(key=lambda item: places[item.path])


def _places(files: Sequence[Path], root: Path) -> Mapping[Path, float]:
    """Where files come: each folder's spread over the run, those of the slow ones not over its last fifth. So whoever
    waits has others beside it that compute, from the first to the last.
    """
    folders: defaultdict[str, list[Path]] = defaultdict(list)
    for file in files:
        folder = file.relative_to(root).parts[1]
        folders[folder if folder in SLOW else "others"].append(file)
    return {
        file: (0.8 if folder in SLOW else 1.0) * (number + 0.5) / len(found)
        for folder, found in folders.items()
        for number, file in enumerate(found)
    }
