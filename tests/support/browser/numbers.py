"""The numbers of a page beside those of the API."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import httpx
from playwright.async_api import Page

ROUTES: Final = (
    "/portfolio",
    "/positions",
    *(f"/performance?days={days}" for days in (7, 30, 90, 365, 730)),
    "/performance/timeframes",
    *(f"/performance/history?days={days}&benchmark=BTC" for days in (7, 30, 90, 365, 730)),
    "/risk/concentration",
    "/risk/correlation-matrix?days=30",
    "/risk/volatility-analysis?days=30",
    "/risk/value-at-risk?days=365",
    "/risk/sector-allocation",
    "/risk/portfolio-health",
    "/rebalance/analysis",
    "/rebalance/recommendations",
    "/rebalance/signals?status=open",
    "/trades?limit=1000",
    "/bookings?status=refused",
    "/cash/transactions?limit=1000",
    "/events?limit=1000",
    "/entries?after=start&limit=1000",
    *(f"/lots?method={method}" for method in ("fifo", "average")),
    f"/gains?method=fifo&year={datetime.now(UTC).year}",
    "/health",
    "/signals/scorecard?days=90",
    "/shadows?days=90",
)
OPTIMISED: Final = {"objective": "min_variance"}
"""What the page of the optimiser is asked for."""
# Amounts of the own books: what a private page never has.
OWN: Final = frozenset(
    {
        "total_value", "cash_balance", "invested_amount", "cost_basis", "unrealized_pnl", "realized_pnl", "total_pnl",
        "fees_paid", "net_deposits", "market_value", "quantity", "avg_entry_price", "break_even_price", "total_return",
        "notional", "cash_delta", "amount", "trade_value", "trade_quantity", "net_amount", "fees", "daily_return",
        "advice", "fill", "shortfall", "traded", "slippage", "fee", "price_effect", "difference", "start_value",
        "end_value", "basis", "proceeds", "gain", "basis_delta", "quantity_delta", "realized_delta", "flow_value",
    }
)  # fmt: skip

_SHOWN = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?")
_UNITS: Final = {"B": Decimal(10) ** 9, "T": Decimal(10) ** 12}
_COLLECT = """() => [...document.querySelectorAll("[data-exact]")].map(e => [
    e.closest("[data-figure]")?.dataset.figure || "", !!e.closest("[data-figure] summary"),
    e.closest("[data-chart]")?.dataset.chart || "", e.dataset.exact, e.textContent,
])"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A number of a page: the exact digits, the text, the figure whose value it is, if any, and the chart it is of."""

    figure: str
    is_value: bool
    chart: str
    exact: str
    text: str

    @property
    def is_true(self) -> bool:
        """Whether the text is the exact number, rounded to the digits shown: a fraction may be written in percent."""
        found = _SHOWN.search(self.text)
        if found is None:
            return False
        unit = next((size for name, size in _UNITS.items() if f" {name}" in self.text), Decimal(1))
        read = Decimal(found[0].replace(",", ""))
        half = Decimal("0.5").scaleb(int(read.as_tuple().exponent)) * unit
        read = -read * unit if "−" in self.text else read * unit
        exact = Decimal(self.exact)
        return any(abs(read - one) <= half for one in ([exact, exact * 100] if "%" in self.text else [exact]))


async def numbers_of(page: Page) -> Sequence[Shown]:
    """Return the numbers of a page, in the order of its text."""
    return [Shown(*one) for one in await page.evaluate(_COLLECT)]


class Answers:
    """All numbers that the API answers, by name."""

    def __init__(self, url: str) -> None:
        self.by_name: defaultdict[str, set[Decimal]] = defaultdict(set)
        with httpx.Client(base_url=url, timeout=30) as client:
            for route in ROUTES:
                answer = client.get(route)
                assert answer.status_code == 200, answer.text
                body = json.loads(answer.content, parse_float=Decimal, parse_int=Decimal)
                if route == "/portfolio":
                    self._portfolio = body["portfolio"]
                if route.startswith("/events"):
                    alone = [one["realized_delta"] for one in body["events"] if not one["legs"]]
                    self._of_no_asset: Decimal = sum(alone, Decimal())
                self._take(body)
            for job in client.get("/backtests").json()["backtests"]:
                for part in ("", "/equity", "/trades", "/sweep?limit=1000"):
                    answer = client.get(f"/backtests/{job['id']}{part}")
                    assert answer.status_code == 200, answer.text
                    self._take(json.loads(answer.content, parse_float=Decimal, parse_int=Decimal))
            optimised = client.post("/optimise", json=OPTIMISED)
            assert optimised.status_code == 200, optimised.text
            self._take(json.loads(optimised.content, parse_float=Decimal, parse_int=Decimal))

    def _take(self, body: Any) -> None:
        for name, value in _flat(body):
            self.by_name[name].add(value)

    @property
    def all(self) -> set[Decimal]:
        """Every number, whatever its name."""
        return {value for values in self.by_name.values() for value in values}

    @property
    def realized_beside_positions(self) -> set[Decimal]:
        """The realized result that no held position has: of those that were sold wholly, and of no asset at all."""
        held: Decimal = sum((one["realized_pnl"] for one in self._portfolio["positions"]), Decimal())
        realized: Decimal = self._portfolio["realized_pnl"]
        beside = realized - held
        return {beside - self._of_no_asset, self._of_no_asset}

    def amounts_in(self, text: str) -> list[str]:
        """Return the amounts of the own books that stand in a text, exactly or rounded to cents or dollars.

        Those of few digits tell nothing: any other number may be the same.
        """
        found = {number.replace(",", "") for number in _SHOWN.findall(text)}
        amounts = {abs(value) for name in OWN for value in self.by_name.get(name, ())}
        return [str(amount) for amount in amounts if not found.isdisjoint(_written(amount))]


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Decimal]]:
    if isinstance(value, Decimal):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _flat(item, name)


def _written(amount: Decimal) -> Iterator[str]:
    """Yield how an amount may stand in a text, without its commas."""
    if len(amount.normalize().as_tuple().digits) >= 7:
        yield f"{amount:f}"
    for digits, least in ((2, 1_000), (1, 10_000), (0, 100_000)):
        if amount >= least:
            yield f"{amount:.{digits}f}"
