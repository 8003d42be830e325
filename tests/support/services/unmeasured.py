"""Processes in which coverage is not measured: it doubles what a start takes, and more what is computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def unmeasured() -> Iterator[None]:
    """Have the processes that are started meanwhile not measured."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield
