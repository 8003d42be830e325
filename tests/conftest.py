"""What all tests share: the databases, the coverage gates, the order for workers, and how Hypothesis behaves."""

import os

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.support")

pytest_plugins = [
    "tests.support.coverage_gates",
    "tests.support.database.database_fixtures",
    "tests.support.database.galera_fixtures",
]

# The settings of whoever runs the tests must not reach them: least of all the address of a real ledger.
for name in [name for name in os.environ if name.startswith("PORTFOLIO_") and not name.startswith("PORTFOLIO_TEST_")]:
    del os.environ[name]

# Machines differ in speed, and coverage slows all of them: time is no property of the code.
settings.register_profile("portfolio", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("portfolio")

# Of the tests' folders, those whose files take long.
SLOW = ("faults", "e2e", "integration")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have workers begin with what takes long: when one has nothing left to do, the others have little left."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _place(item.path.relative_to(config.rootpath).parts))


def _place(parts: tuple[str, ...]) -> int:
    return SLOW.index(parts[1]) if parts[1] in SLOW else len(SLOW)
