"""Random operations among random faults, on each kind of database: row 33 of the fault matrix."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.conftest import EnterWorld
from tests.faults.random_run import Course, Figures, RandomRun


def run(new_world: EnterWorld, course: Course) -> Figures:
    with new_world() as world:
        figures = asyncio.run(RandomRun(world, course)())
    print(f"\n{figures}")
    return figures


def test_every_invariant_holds_after_each_of_many_operations(new_world: EnterWorld, seed: int) -> None:
    figures = run(new_world, Course(seed=seed, operations=175, fault_every=5, verify_every=175))
    assert sum(figures.operations.values()) == 175
    assert sum(figures.faults.values()) == 35


@pytest.mark.faults_long
def test_every_invariant_holds_after_each_of_10_000_operations(
    new_world: EnterWorld, seed: int, operations: int
) -> None:
    figures = run(new_world, Course(seed=seed, operations=operations, fault_every=33, verify_every=500))
    assert sum(figures.operations.values()) == operations
