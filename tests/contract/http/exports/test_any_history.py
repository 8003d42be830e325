"""Whatever happened, in whatever order it was booked: the exported events make the same books, lots and days."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from portfolio.application.exports.again.booking import BookAgain
from portfolio.application.ledger.opening import OpenBooks
from portfolio.application.ledger.verification import VerifyBooks
from portfolio.domain.ledger.cash_transaction import CashTransactionKind
from portfolio.domain.ledger.happening import FIELDS, LABELS
from portfolio.domain.ledger.lots.records import LotMethod
from portfolio.domain.money import EXACT, Money
from portfolio.entrypoints.exports.read_back import read_back
from tests.contract.http.exports.test_again import figures, held, kept
from tests.support.services.http_service import Service, running

STEP: Final = Decimal("1e-18")
SYMBOLS: Final = ("AA", "BB", "CC")
NOTES: Final = (
    "by wire",
    'a "b",\r\nc',
    "=1+1",
    "'=1",
    "rent; ",
    "\ttab",
    "\u2028",
    "# portfolio export: what=events",
    "",
)
RATIOS: Final = ("2", "0.1", "0.333333333333333333", "7.25", "1000")
READ: Final = [
    "/positions",
    "/attribution?by=symbol",
    "/performance/history?basis=restated",
    *[f"/{what}?method={method}" for what in ("lots", "gains") for method in LotMethod],
]
UNLIKE: Final = {"timestamp", "price_age_seconds", "prices", "as_of"}


class Life:
    """What happens to books at random; the same dice make the same history."""

    def __init__(self, service: Service, dice: random.Random) -> None:
        self._service, self._dice = service, dice
        self._trades: list[int] = []
        self._events: list[int] = []

    async def step(self) -> None:
        """Let some time pass, and something happen, which may be refused."""
        dice, clock = self._dice, self._service.clock
        clock.advance(float(dice.choice((1e-6, 1, 3600, 3 * 86_400))))
        what = dice.choice(("trade",) * 4 + ("event",) * 5 + ("money", "undo trade", "undo event", "restate"))
        if what == "trade":
            path, body = "/holdings/update", self._trade()
        elif what == "event":
            path, body = "/events", self._event()
        elif what == "money":
            kind = dice.choice(("deposit", "withdrawal"))
            path, body = "/cash/transactions", {"kind": kind, "amount": self._amount(), "note": dice.choice(NOTES)}
        elif what == "restate":
            path, body = "/ledger/restate", {"dry_run": False}
        else:
            ids, where = (self._trades, "trades") if what == "undo trade" else (self._events, "events")
            path, body = f"/{where}/{dice.choice(ids or [1])}/reverse", {}
        answer = await self._service.http.post(path, json=body)
        assert answer.status_code < 500, answer.text
        told = answer.json() if answer.status_code == 200 else {}
        self._trades += [told["trade_id"]] if told.get("trade_id") else []
        self._events += [told["event_id"]] if told.get("event_id") else []

    def _amount(self) -> str:
        dice = self._dice
        whole = dice.randint(1, 10 ** dice.choice((1, 4, 18)))
        return format(Decimal(whole).scaleb(-dice.choice((0, 3, 18))), "f")

    def _at(self, name: str) -> dict[str, str]:
        """When it is said to have happened: late in most cases, and at times at the same moment as others."""
        late = timedelta(days=self._dice.choice((0, 0.25, 3, 3, 40, 900)))
        return {name: (self._service.clock.now() - late).isoformat()} if self._dice.random() < 0.7 else {}

    def _trade(self) -> dict[str, Any]:
        dice, quantity, price = self._dice, self._amount(), self._amount()
        money = EXACT.quantize(EXACT.multiply(Decimal(quantity), Decimal(price)), STEP)
        fees = EXACT.quantize(EXACT.multiply(money, Decimal(dice.choice(("0", "0.001", "0.5")))), STEP)
        fee = {"fee_asset": dice.choice(SYMBOLS), "fee_quantity": self._amount()} if dice.random() < 0.2 else {}
        return {
            "symbol": dice.choice(SYMBOLS),
            "side": dice.choice(("BUY", "BUY", "SELL")),
            "quantity": quantity,
            "price": price,
            "net_amount": format(money, "f"),
            "fees": format(fees, "f"),
            "notes": dice.choice(NOTES),
            "override": dice.random() < 0.4,
            **fee,
            **self._at("executed_at"),
        }

    def _event(self) -> dict[str, Any]:
        kind = self._dice.choice([*FIELDS])
        of_kind = FIELDS[kind]
        symbol, other = self._dice.sample(SYMBOLS, 2)
        said = {name: self._amount() for name in ("quantity", "value", "basis", "to_quantity", "amount")}
        said |= {"symbol": symbol, "to_symbol": other, "ratio": self._dice.choice(RATIOS)}
        said |= {"label": self._dice.choice(LABELS.get(kind, ("",)))}
        takes = sorted(of_kind.needs) + [name for name in sorted(of_kind.takes) if self._dice.random() < 0.8]
        if kind is CashTransactionKind.EXCHANGE:
            takes = ["symbol", "quantity", "to_symbol", self._dice.choice(("to_quantity", "ratio"))]
        stated = {name: said[name] for name in takes}
        return {"kind": kind.value, **stated, "override": self._dice.random() < 0.4, **self._at("effective_at")}


def alike(answer: Any) -> Any:
    """What an answer says, but for when it was asked."""
    return {name: one for name, one in answer.json().items() if name not in UNLIKE}


@pytest.mark.unmeasured
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["csv", "json"])
async def test_any_history_comes_back(tmp_path: Path, seed: int, kind: str) -> None:
    async with (
        running(opened=False, allow_negative_cash=True) as service,
        running(opened=False, allow_negative_cash=True) as other,
    ):
        await OpenBooks(service.ledger, service.clock, Money.zero())(1)
        life = Life(service, random.Random(seed))
        for _ in range(40):
            await life.step()
        other.clock.advance((service.clock.now() - other.clock.now()).total_seconds())
        again = await BookAgain(other.ledger, other.cases.lookups)(1, read_back(await kept(service, tmp_path, kind)))
        assert again.reported == []
        rows = await held(service.ledger, service.cases.lookups)
        assert len(rows) > 15
        for one, two in zip(rows, await held(other.ledger, other.cases.lookups), strict=True):
            assert {**two, "key": one["key"], "note": one["note"]} == one
            assert two["note"] == one["note"] or "lies before" in f"{one['note']}{two['note']}"
        assert figures(await other.ledger.load(1)) == figures(await service.ledger.load(1))
        assert (await VerifyBooks(other.ledger)(1)).holds
        for path in READ:
            assert alike(await other.http.get(path)) == alike(await service.http.get(path)), path
