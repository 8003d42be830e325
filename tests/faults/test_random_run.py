"""Random operations among random faults, on each kind of database: row 33 of the fault matrix."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.conftest import EnterWorld
from tests.faults.harness.random_run import Course, Figures, RandomRun, kinds_of


def run(new_world: EnterWorld, seed: int, operations: int | None, *, fault_every: int, verify_every: int) -> Figures:
    """Return the figures of a run; without a number of operations it is as long as each kind of fault takes to come."""
    with new_world() as world:
        operations = operations or fault_every * len(kinds_of(world))
        course = Course(seed=seed, operations=operations, fault_every=fault_every, verify_every=verify_every)
        figures = asyncio.run(RandomRun(world, course)())
    print(f"\n{figures}")
    return figures


def test_every_invariant_holds_after_each_operation_while_each_fault_comes_once(
    new_world: EnterWorld, seed: int
) -> None:
    figures = run(new_world, seed, None, fault_every=5, verify_every=100)
    assert set(figures.faults.values()) == {1}
    assert len(figures.faults) > 15


@pytest.mark.faults_long
def test_every_invariant_holds_after_each_of_10_000_operations(
    new_world: EnterWorld, seed: int, operations: int
) -> None:
    figures = run(new_world, seed, operations, fault_every=33, verify_every=500)
    assert sum(figures.operations.values()) == operations
