"""What is printed beside lots and gains: what nobody picked, and that entries are gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from portfolio.application.ledger.lots.reading import Gains, Lots
from portfolio.domain.ledger.lots.records import Disposal, Lot, LotMethod
from portfolio.domain.money import Money
from portfolio.domain.packed import Packed, Packing
from portfolio.entrypoints.cli.lots import gains, lots
from tests.support.fakes.clock import FakeClock

NOON, NOTHING = FakeClock().now(), Money.zero()


class Composition:
    """Answers with nothing left and nothing sold, but for how much of that nobody picked."""

    def __init__(self, unpicked: int | None, *, is_complete: bool = True) -> None:
        self.said: dict[str, Any] = {"as_of": NOON, "gain": NOTHING, "unpicked": unpicked, "revision": 3}
        self.said["is_complete"] = is_complete

    @asynccontextmanager
    async def use_cases(self, _: Any) -> AsyncIterator[Any]:
        yield SimpleNamespace(ledger=SimpleNamespace(read_lots=self), clock=FakeClock())

    async def __call__(self, method: LotMethod, *_: Any) -> Lots:
        return Lots(method=method, lots=Packed(Packing(Lot)), cost_basis=NOTHING, **self.said)

    async def gains(self, method: LotMethod, *_: Any) -> Gains:
        sums: dict[str, Any] = dict.fromkeys(("proceeds", "basis", "short_term", "long_term", "undated"), NOTHING)
        sold = Packed[Disposal](Packing(Disposal))
        return Gains(method=method, year=None, long_term_days=365, disposals=sold, **sums, **self.said)


@pytest.mark.parametrize("command", [lots, gains])
@pytest.mark.parametrize(
    ("composition", "warned"),
    [
        (Composition(None), ""),
        (Composition(0), ""),
        (Composition(2), "portfolio: 2 rows of gains have no picked lot: the oldest was taken\n"),
        (
            Composition(None, is_complete=False),
            "portfolio: entries are missing or cannot be read: `portfolio verify` names them\n",
        ),
    ],
)
def test_what_is_not_as_it_was_asked_for_is_said_beside(command: Any, composition: Composition, warned: str) -> None:
    done = CliRunner().invoke(command, ["--method", "picked"], obj=composition)
    assert (done.exit_code, done.stderr) == (0, warned), done.output
    assert done.stdout.startswith(f"{command.name} by picked: 0; ")
