"""The demonstration needs nothing, touches nothing, and has something to show on every page."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from portfolio.adapters.feeds.simulated import SimulatedFeed
from portfolio.domain.ledger.cash_transaction import EVENT_KINDS
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock
from tests.support.services.service import PORTFOLIO, READY_SECONDS, ServiceProcess

DAYS = 730
LAST_YEAR = (datetime.now(UTC) - timedelta(days=365)).strftime("%Y-%m-%d")


def test_the_books_of_the_demonstration_are_proved(service: ServiceProcess) -> None:
    verified = service.command("verify")
    assert verified.returncode == 0, verified.stdout
    assert "the books hold" in verified.stdout


def test_what_the_pages_warn_of_is_there(service: ServiceProcess) -> None:
    analysis = service.get("/rebalance/analysis")["analysis"]["concentration_analysis"]
    assert [one["symbol"] for one in analysis["over_concentrated_positions"]] == ["BTC"]
    assert [one["category"] for one in analysis["over_concentrated_categories"]] == ["smart_contracts"]
    assert service.get("/rebalance/signals?status=open")["signals"]
    assert service.get("/rebalance/signals?status=executed")["signals"]
    assert any(position["market_value"] < 10 for position in service.get("/positions")["positions"])  # dust
    refused = {one["problem"]["type"].rpartition("/")[2] for one in service.get("/bookings?status=refused")["bookings"]}
    assert refused == {"insufficient-cash", "insufficient-quantity", "amount-mismatch", "fees-too-high"}
    trades = service.get("/trades?limit=1000")["trades"]
    assert [trade for trade in trades if trade["reverses"] is not None]
    assert {trade["engine"] for trade in trades} >= {"accumulator", "momentum", "rebalancer"}
    kinds = {one["kind"] for one in service.get("/cash/transactions?limit=1000")["transactions"]}
    assert kinds == {"baseline", "deposit", "withdrawal", "restatement", *(kind.value for kind in EVENT_KINDS)}


def test_everything_that_may_happen_is_there(service: ServiceProcess) -> None:
    events = service.get("/events?limit=1000")["events"]
    assert {one["kind"] for one in events} == {kind.value for kind in EVENT_KINDS}
    assert {one["label"] for one in events if one["kind"] == "income"} == {"staking", "airdrop"}
    [taken_out] = [one for one in events if one["reversed_by"] is not None]
    assert [one["reverses"] for one in events if one["id"] == taken_out["reversed_by"]] == [taken_out["id"]]
    assert [one["basis_assumed"] for one in events if one["kind"] == "transfer_in"] == [True, False]
    [renamed] = [one for one in events if one["kind"] == "exchange"]
    assert [(leg["symbol"], leg["quantity_delta"]) for leg in renamed["legs"]] == [("MATIC", -3000), ("POL", 3000)]
    trades = service.get("/trades?limit=1000")["trades"]
    paid = Counter(one["group"] for one in trades if one["group"])
    assert len(paid) > 2
    assert set(paid.values()) == {2}  # the trades of a swap, and what was sold for a fee with the trade that it is of
    assert {one["owner"] for one in trades} >= {"import"}
    assert [one for one in trades if one["booked_at"][:10] > one["executed_at"][:10] and one["owner"] != "import"]
    bought = next(one for one in service.get("/lots")["lots"] if one["symbol"] == "POL")
    assert (
        bought["acquired_at"][:10]
        == next(one for one in events[::-1] if one["kind"] == "transfer_in")["effective_at"][:10]
    )


def test_restated_days_are_the_usual_ones_and_differ_from_the_recorded(service: ServiceProcess) -> None:
    found = {basis: service.get(f"/performance?days=365&basis={basis}") for basis in ("restated", "recorded")}
    assert service.get("/performance?days=365")["basis"] == "restated"
    returns = [one["performance"]["total_return_percent"] for one in found.values()]
    assert 0 < abs(returns[0] - returns[1]) < 5
    whole = [service.get(f"/performance?days={DAYS}&basis={basis}")["performance"]["total_return"] for basis in found]
    assert whole[0] == whole[1]


def test_what_was_renamed_or_split_is_worth_the_same_before_and_after(service: ServiceProcess) -> None:
    for days in service.get(f"/performance/history?days={DAYS}")["history"]["days"]:
        assert days["value"] is not None
    events = service.get("/events?limit=1000")["events"]
    split = next(one for one in events if one["kind"] == "split")
    day = datetime.fromisoformat(split["effective_at"]).date()
    feed = SimulatedFeed(FakeClock(datetime.now(UTC)))
    before, after = asyncio.run(feed.daily_closes(Symbol("DEMO"), day - timedelta(days=1), day))
    assert Decimal("0.8") < 2 * after.price.value / before.price.value < Decimal("1.2")
    for symbol in ("MATIC", "POL"):
        [close] = asyncio.run(feed.daily_closes(Symbol(symbol), day, day))
        assert close.price == asyncio.run(feed.daily_closes(Symbol("MATIC"), day, day))[0].price


def test_every_day_until_yesterday_is_final(service: ServiceProcess) -> None:
    period = service.get(f"/performance?days={DAYS}")["performance"]
    assert period["days_covered"] == DAYS
    assert period["observations"] == DAYS
    assert period["benchmark_covered_percent"] == 100


def test_the_running_service_goes_on_with_the_prices_of_the_history(service: ServiceProcess) -> None:
    health = service.get("/health")
    assert health["price_feed"] == "simulated"
    assert health["prices"]["quarantined"] == 0
    now = datetime.now(UTC)
    feed = SimulatedFeed(FakeClock(now))
    for position in service.get("/positions")["positions"]:
        expected = feed._price(Symbol(position["symbol"]), now).value
        # 3 % a day is the walk's volatility; the price is at most some minutes old.
        assert abs(Decimal(str(position["current_price"])) / expected - 1) < Decimal("0.03"), position["symbol"]


def test_the_signals_of_the_last_months_are_scored(service: ServiceProcess) -> None:
    found = service.get("/signals/scorecard")["scorecard"]
    week = found["overall"]["horizons"][1]
    kept = [one for one in service.get("/rebalance/signals?limit=1000")["signals"] if one["created_at"] > LAST_YEAR]
    results = [result for advice in _first_of_episodes(kept) if (result := _after_a_week(advice)) is not None]
    assert week["scored"] == len(results) > 30
    # What the list shows is rounded to cents.
    assert abs(Decimal(str(week["advice"])) - sum(results)) < Decimal("0.02") * len(results)
    assert found["overall"]["executed"] == sum(one["signal_status"] == "executed" for one in kept) > 0
    assert week["fill"] is not None
    calibration = found["overall"]["calibration"]
    hits = sum(result > 0 for result in results)
    assert calibration["hit_rate"] == pytest.approx(hits / len(results))
    assert calibration["hit_rate_low"] < calibration["hit_rate"] < calibration["hit_rate_high"]
    assert 0.3 < calibration["base_rate"] < 0.7  # the prices are a walk


def test_the_shadows_stand_beside_the_portfolio(service: ServiceProcess) -> None:
    found = service.get("/shadows?days=60")["shadows"]
    performance = service.get("/performance?days=60")["performance"]
    assert found["actual"]["total_return_percent"] == performance["total_return_percent"]
    assert found["actual"]["max_drawdown"] == performance["max_drawdown"]
    assert [len(found["shadows"]), len(found["days"]), found["left_out"]] == [8, 61, []]
    assert all(value == 1 for name, value in found["days"][0].items() if name != "day")
    trades = {one["name"]: one["trades"] for one in found["shadows"]}
    # BTC and smart contracts are over their limits two months before the end as well.
    assert trades["policy"] >= 1
    assert trades["do_nothing"] == 0


def _first_of_episodes(signals: Sequence[Any]) -> Sequence[Any]:
    """Those that took no other's place for the same reason."""
    replaced = {(one["superseded_by"], one["reason"]) for one in signals}
    return [one for one in signals if (one["id"], one["reason"]) not in replaced]


def _after_a_week(advice: Any) -> Decimal | None:
    """What a signal had brought at the simulation's close of the seventh day; None where that is not over."""
    day = datetime.fromisoformat(advice["created_at"]).date() + timedelta(days=7)
    if day >= datetime.now(UTC).date():
        return None
    feed = SimulatedFeed(FakeClock(datetime.now(UTC)))
    [close] = asyncio.run(feed.daily_closes(Symbol(advice["symbol"]), day, day))
    quantity, value, fee = (Decimal(str(advice[n])) for n in ("trade_quantity", "trade_value", "estimated_fee"))
    gain = quantity * close.price.value - value
    return (gain if advice["action"] == "BUY" else -gain) - fee


@pytest.mark.faults_long
def test_the_demonstration_touches_nothing_and_the_same_seed_makes_the_same_books(
    service: ServiceProcess, tmp_path: Path
) -> None:
    users = tmp_path / "portfolio.db"
    users.write_bytes(b"the books of somebody")
    (tmp_path / ".env").write_text(f"PORTFOLIO_DATABASE_URL=sqlite+aiosqlite:///{users}\nPORTFOLIO_HOST=0.0.0.0\n")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    books = _books(service)
    with Demonstration(tmp_path) as demonstration:
        assert _books(demonstration) == books
        assert demonstration.get("/health")["price_feed"] == "simulated"
        demonstration.process.send_signal(signal.SIGTERM)
        assert demonstration.process.wait(timeout=30) == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir() if path.name != "said"} == before
    assert not list(demonstration.temporary.iterdir())


def test_the_demonstration_stopped_while_it_is_made_leaves_nothing_behind(tmp_path: Path) -> None:
    # Also where Ctrl-C is ignored, as in a shell's background (and in the workers of this run).
    with Demonstration(tmp_path, until="making") as demonstration:
        demonstration.process.send_signal(signal.SIGTERM)
        assert demonstration.process.wait(timeout=30) == 130
    assert not list(demonstration.temporary.iterdir())


def test_the_demonstration_says_at_once_that_its_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [PORTFOLIO, "demo", "--port", port], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )
    assert (done.returncode, done.stdout) == (3, ""), "the books are made for nothing"
    assert f"cannot listen on port {port}: another program does" in done.stderr


def _books(service: ServiceProcess | Demonstration) -> Sequence[Any]:
    """Return all entries; the ids of signals are made at random."""
    trades = [{**trade, "signal_id": None} for trade in service.get("/trades?limit=1000")["trades"]]
    return [*trades, *service.get("/cash/transactions?limit=1000")["transactions"]]


class Demonstration:
    """``portfolio demo`` in a folder, with the environment of somebody who has books."""

    def __init__(self, folder: Path, *, until: str = "open ") -> None:
        self.temporary = folder.with_name(folder.name + "-temporary")
        self.temporary.mkdir()
        self._folder, self._until = folder, until

    def __enter__(self) -> Self:
        environment = {**os.environ, "TMPDIR": str(self.temporary), "PORTFOLIO_DATABASE_URL": "mysql+aiomysql://no/no"}
        self._said = self._folder / "said"
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                [PORTFOLIO, "demo"], cwd=self._folder, env=environment, stdout=said, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + READY_SECONDS
        while not (lines := [line for line in self._said.read_text().splitlines() if line.startswith(self._until)]):
            assert self.process.poll() is None, self._said.read_text()
            assert time.monotonic() < deadline, self._said.read_text()
            time.sleep(0.02)
        self._url = lines[0].split()[1].rstrip("/")
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def get(self, path: str) -> Any:
        """Return the JSON of an answer, once the service answers."""
        transport = httpx.HTTPTransport(retries=10)
        with httpx.Client(transport=transport, timeout=30) as client:
            answer = client.get(self._url + path)
        assert answer.status_code == 200, answer.text
        return answer.json()
