"""Whole numbers and lists of a body are read up to both ends of what is documented, and not beyond."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from tests.support.services.http_service import BUY, Service, fields, is_problem

Body = dict[str, Any]

SPAN: Final = {"from": "2025-01-01", "to": "2025-06-14"}
HRP: Final = {"objective": "hrp"}
GRID: Final = {"position_limit": [0.1, 0.2]}
IMAGINED: Final = {"symbol": "A", "side": "BUY", "quantity": 1, "price": 1}
PICK: Final = {"entry": 1, "quantity": 1}
YEARS: Final = 3650


def backtest(**given: Any) -> Body:
    return SPAN | given


def swept(**given: Any) -> Body:
    return backtest(sweep={"grid": GRID} | given)


def forward(**given: Any) -> Body:
    return backtest(sweep={"grid": GRID}, walk_forward=given)


def stable(categories: list[str]) -> Body:
    return {"policy": {"stable_categories": categories}}


def names(count: int) -> list[str]:
    """So many, the last of which names no asset: where that is read, what is asked for is refused and not computed."""
    return [f"A{place}" for place in range(count - 1)] + ["A/EUR"] * (count > 0)


# Where it is sent and how, the field that is named beyond the ends, and these: a list without a least has none.
BOUNDS: Mapping[str, tuple[str, Callable[[int], Body], str, int | None, int]] = {
    "days between decisions": ("/backtests", lambda n: backtest(every_days=n), "every_days", 1, 365),
    "seed": ("/backtests", lambda n: backtest(seed=n), "seed", 0, 2**31 - 1),
    "weights": ("/backtests", lambda n: backtest(start="weights", weights=dict.fromkeys(names(n), 0.001)),
                "weights", 1, 200),
    "samples": ("/backtests", lambda n: swept(samples=n), "sweep.samples", 1, 1_000),
    "seed of samples": ("/backtests", lambda n: swept(seed=n), "sweep.seed", 0, 2**31 - 1),
    "values of a setting": ("/backtests", lambda n: swept(grid={"fee_bps": [*range(n)]}), "sweep.grid[...]", 1, 1_000),
    "days to choose on": ("/backtests", lambda n: forward(train_days=n), "walk_forward.train_days", 1, YEARS),
    "days to look at": ("/backtests", lambda n: forward(test_days=n), "walk_forward.test_days", 1, YEARS),
    "days of statistics": ("/optimise", lambda n: HRP | {"days": n}, "days", 1, YEARS),
    "assets": ("/optimise", lambda n: HRP | {"symbols": names(n)}, "symbols", 1, 500),
    "imagined trades": ("/rebalance/what-if", lambda n: {"trades": [IMAGINED] * n}, "trades", None, 100),
    "names": ("/rebalance/what-if", lambda n: stable(names(n)), "policy.stable_categories", None, 200),
    "letters of a name": ("/rebalance/what-if", lambda n: stable(["a" * n]), "policy.stable_categories[0]", 1, 100),
    "bookings": ("/holdings/update/batch", lambda n: {"bookings": [{}] * n}, "bookings", 1, 1_000),
    "events": ("/events/batch", lambda n: {"events": [{}] * n}, "events", 1, 1_000),
    "picked lots": ("/trades/1/lots", lambda n: {"lots": [PICK] * n}, "lots", None, 1_000),
    "entry of a lot": ("/trades/1/lots", lambda n: {"lots": [PICK | {"entry": n}]}, "lots[0].entry", 1, 2**63 - 1),
}  # fmt: skip


@pytest.mark.parametrize("what", BOUNDS)
async def test_what_is_within_its_bounds_is_read_and_nothing_beyond_is(service: Service, what: str) -> None:
    path, body, field, least, most = BOUNDS[what]
    assert (await service.http.post("/holdings/update", json=BUY)).status_code == 200
    for within in (most,) if least is None else (least, most):
        answer = await service.http.post(path, json=body(within))
        assert answer.status_code != 400 or field not in fields(answer), answer.text
    for beyond in (most + 1,) if least is None else (least - 1, most + 1):
        answer = await service.http.post(path, json=body(beyond))
        assert is_problem(answer, 400, "malformed-request"), (beyond, answer.text)
        assert fields(answer) == {field}, answer.text
