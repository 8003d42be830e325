"""Uploads made at random of files that are right: no failure, no row lost, and the books move by what was answered.

``make fuzz`` runs it for a part of its time; FUZZ_SEED repeats a run.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx

from portfolio.application.ledger.verification import VerifyBooks
from portfolio.domain.money import EXACT
from portfolio.entrypoints.logs import EVENTS
from tests.fuzz.import_changes import Damage
from tests.fuzz.mutation import NUMBERS, TEXTS, Mutation, until
from tests.support.import_files.sample import Sample
from tests.support.import_files.samples import SAMPLES
from tests.support.services.http_service import Service, running_on_sqlite
from tests.support.services.http_sockets import served

FAILED: Final = "request.failed"
LONGEST_SECONDS: Final = 60.0
"""What takes longer hangs."""
DOLLARS: Final = {"USD", "USDT", "USDC"}
CODES: Final = (
    "ADA", "ARB", "ATOM", "BCH", "BNB", "BTC", "BUSD", "CAD", "COMP", "DOT", "ETH", "EUR", "FLR", "GBP", "GRT", "LDSOL",
    "LINK", "LTC", "LUNA", "LUNC", "POL", "SHIB", "SOL", "UNI", "XRP", "1INCH", "DOGE", "ETH2", "MATIC",
)  # fmt: skip
DAYS: Final = sorted({"2022-03-01"} | {f"{year}-{month:02}-{day:02}"
                      for year in (2018, 2019, 2021, 2023, 2024, 2025, 2026) for month in (1, 2, 3, 9, 10)
                      for day in range(1, 29)})  # fmt: skip
RATES: Final = "date,currency,dollars\n" + "".join(
    f"{day},{code},{2 + place}\n" for day in DAYS for place, code in enumerate(CODES)
)
CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "format": ("coinbase", "binance-trades", "kraken-ledgers", "koinly"),
    "zone": ("+02:00", "Europe/Vienna", "-11:59"),
    "decimal": (",", "."),
    "date_order": ("dmy", "mdy", "ymd"),
    "funding": ("implied",),
    "opening": ("true", "on"),
    "partial": ("true", "true", "false"),
    "like_booked": ("book", "leave-out"),
}
WRONG: Final = ("nothing", "Mars/Olympus", ";", "ydm", "maybe", *TEXTS, *NUMBERS)
Form = list[tuple[str, tuple[str | None, bytes]]]


@dataclass
class Run:
    """One run: the service, and what it has seen."""

    service: Service
    http: httpx.AsyncClient
    dice: random.Random
    seen: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    async def step(self, number: int) -> None:
        """Upload some files, perhaps book them, and look at what the books became."""
        form = self.form(f"a{number}")
        damaged = self.dice.random() < 0.1
        request = self.http.build_request("POST", "/imports", files=form)
        body = await request.aread()
        if damaged:
            body = Mutation(self.dice).raw(body)
        request = self.http.build_request(
            "POST", "/imports", content=body, headers={"content-type": request.headers["content-type"]}
        )
        answer = await self.sent(request, form)
        self.seen[f"preview {answer.status_code}"] += 1
        if answer.status_code != 200:
            assert answer.headers["content-type"] == "application/problem+json"
            return
        made = answer.json()
        for file in made["files"]:
            in_one_place(file)
            self.seen[f"format {file['format']}"] += 1
            for place in ("events", "ignored", "reported", "known"):
                self.seen[place] += len(file[place])
        if damaged or self.dice.random() < 0.3:
            return
        await self.book(form, made)

    async def book(self, form: Form, made: Mapping[str, Any]) -> None:
        """Book what was looked at: it is what was answered, and the same files again change nothing."""
        before = await self.portfolio()
        booked = await self.asked(f"/imports/{made['preview_id']}/commit", form)
        assert booked.status_code == 200, booked.text[:500]
        assert booked.json()["files"] == made["files"]
        after = await self.portfolio()
        assert moved(before, after) == said(made["files"])
        again = await self.sent(self.http.build_request("POST", "/imports", files=form), form)
        assert again.status_code == 200, again.text[:500]
        for first, second in zip(made["files"], again.json()["files"], strict=True):
            if not first["is_given_up"]:
                assert not rows_of(first["events"]) & rows_of(second["events"]), self.told(form)
        number = booked.json()["import_id"]
        self.seen["booked"] += number is not None
        if number is not None and self.dice.random() < 0.9:
            taken = await self.asked(f"/imports/{number}/reverse", form)
            assert taken.status_code == 200, taken.text[:500]
            assert not moved(before, await self.portfolio())

    def form(self, account: str) -> Form:
        """A form of one to three files, some of them damaged, with options some of which are wrong."""
        dice = self.dice
        damage = Damage(dice)
        chosen: list[Sample] = dice.sample(SAMPLES, dice.choice((1, 1, 1, 2, 3)))
        chosen += [dice.choice(chosen)] if dice.random() < 0.1 else []
        files: Form = [("file", (sample.name, damage.file(sample))) for sample in chosen]
        texts: Form = [("account", (None, account.encode()))]
        for name, words in CHOICES.items():
            is_usual = name in {"funding", "opening", "partial"}
            if dice.random() < (0.8 if is_usual else 0.08):
                word = dice.choice(words if dice.random() < 0.98 else WRONG)
                texts.append((name, (None, word.encode(errors="replace"))))
        rates = RATES.encode() if dice.random() < 0.95 else Mutation(dice).raw(RATES[:5_000].encode())
        texts += [("rates", ("rates.csv", rates))] if dice.random() < 0.9 else []
        return [*files, *texts]

    async def asked(self, path: str, form: Form) -> httpx.Response:
        """What is answered to a request without a body."""
        return await self.sent(self.http.build_request("POST", path), form)

    async def sent(self, request: httpx.Request, form: Form) -> httpx.Response:
        """What is answered: no failure, in time, and nothing of it is in the log."""
        failures, begun = EVENTS[FAILED], time.monotonic()
        answer = await self.http.send(request)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        assert answer.status_code in {200, 400, 404, 409, 413, 422}, f"{self.told(form)} {answer.text[:1000]}"
        assert EVENTS[FAILED] == failures, f"a traceback is in the log: {self.told(form)}"
        return answer

    async def portfolio(self) -> dict[str, Decimal]:
        """The cash, and how much of each asset is held."""
        answer = await self.service.ledger.load(1)
        held = {p.symbol.code: p.quantity.value for p in answer.open_positions}
        return {"cash": answer.cash.value, **held}

    def told(self, form: Form) -> str:
        """What was sent, to repeat it."""
        return "\n".join(f"{name} {given[0]} {given[1][:3000]!r}" for name, given in form)


def in_one_place(file: Mapping[str, Any]) -> None:
    """Each row is in exactly one place."""
    others = [one["row"] for name in ("ignored", "reported", "known") for one in file[name]]
    assert len(others) == len(set(others)), file
    events = rows_of(file["events"])
    assert not events & set(others), file
    assert len(events) + len(others) == file["rows"], file


def rows_of(events: Sequence[Mapping[str, Any]]) -> set[int | str]:
    """The rows that these events are of."""
    return {row for one in events for row in (one["row"] if isinstance(one["row"], list) else [one["row"]])}


def said(files: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    """By how much the files that are booked move cash and assets, and what is implied with them."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for file in files:
        if file["is_given_up"]:
            continue
        changes = [leg for event in file["events"] for leg in event["legs"].items()]
        changes += [(one["symbol"], one["quantity"]) for one in file["implied"]]
        for symbol, change in changes:
            name = "cash" if symbol in DOLLARS else symbol
            sums[name] = EXACT.add(sums[name], Decimal(change))
    return {symbol: change for symbol, change in sums.items() if change}


def moved(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """By how much books have moved."""
    nothing = Decimal(0)
    names = before.keys() | after.keys()
    found = {name: EXACT.subtract(after.get(name, nothing), before.get(name, nothing)) for name in names}
    return {name: change for name, change in found.items() if change}


def seed_of_run() -> int:
    """What FUZZ_SEED says; for the short run always the same."""
    given = os.environ.get("FUZZ_SEED")
    return int(given) if given else secrets.randbelow(10**9) if os.environ.get("FUZZ_SECONDS") else 15


async def test_whatever_is_uploaded_no_row_is_lost_and_the_books_move_by_what_was_said(tmp_path: Path) -> None:
    seed, goes_on, step = seed_of_run(), until(25), 0
    print(f"\nFUZZ_SEED={seed}")
    async with (
        running_on_sqlite(tmp_path, rate_limit_per_minute=10**9, rate_limit_bookings_per_minute=10**9) as service,
        served(service) as (host, port),
    ):
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=LONGEST_SECONDS) as http:
            run = Run(service, http, random.Random(seed))  # it is to be repeatable
            while goes_on(step):
                await run.step(step)
                step += 1
                if step % 250 == 0:
                    print(step, f"{run.slowest:.1f} s", json.dumps(run.seen), flush=True)
        verdict = await VerifyBooks(service.ledger)(1)
        assert (verdict.differences, verdict.unreconciled) == ([], [])
    assert run.seen["booked"]
    print(f"{step} uploads, the slowest {run.slowest:.1f} s, {dict(run.seen)}")
