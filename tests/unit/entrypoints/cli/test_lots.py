"""What is printed beside lots and gains: what nobody picked, and that entries are gone."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from portfolio.application.ledger.lots.reading import Gains, Lots
from portfolio.domain.ledger.lots import Disposal, Lot, LotMethod
from portfolio.domain.money import Money
from portfolio.domain.packed import Packed, Packing
from portfolio.entrypoints.cli.lots import gains, lots
from portfolio.entrypoints.http.ledger.lot_answers import gains_answer, lots_answer
from tests.support.fakes.clock import FakeClock

NOON, NOTHING = FakeClock().now(), Money.zero()


class Composition:
    """Answers with nothing left and nothing sold, but for how much of that nobody picked."""

    def __init__(self, unpicked: int | None, *, is_complete: bool = True) -> None:
        self.said: dict[str, Any] = {"as_of": NOON, "gain": NOTHING, "unpicked": unpicked, "revision": 3}
        self.said["is_complete"] = is_complete

    async def lots(self, _: Any, method: LotMethod, *__: Any) -> Any:
        left = Packed[Lot](Packing(Lot))
        return lots_answer(Lots(method=method, lots=left, cost_basis=NOTHING, **self.said), NOON, 365)

    async def gains(self, _: Any, method: LotMethod, *__: Any) -> Any:
        sums: dict[str, Any] = dict.fromkeys(("proceeds", "basis", "short_term", "long_term", "undated"), NOTHING)
        sold = Packed[Disposal](Packing(Disposal))
        found = Gains(method=method, year=None, long_term_days=365, disposals=sold, **sums, **self.said)
        return gains_answer(found, NOON)


@pytest.mark.parametrize("command", [lots, gains])
@pytest.mark.parametrize(
    ("composition", "warned"),
    [
        (Composition(None), ""),
        (Composition(0), ""),
        (Composition(2), "portfolio: of 2 rows of gains nobody picked the lot: the oldest was taken\n"),
        (
            Composition(None, is_complete=False),
            "portfolio: entries are gone or cannot be read: portfolio verify names them\n",
        ),
    ],
)
def test_what_is_not_as_it_was_asked_for_is_said_beside(command: Any, composition: Composition, warned: str) -> None:
    done = CliRunner().invoke(command, ["--method", "picked"], obj=composition)
    assert (done.exit_code, done.stderr) == (0, warned), done.output
    assert done.stdout.startswith("0 by picked: ")
