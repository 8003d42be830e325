"""The examples of the OpenAPI document were recorded from a running service, and look as its answers look now.

With ``EXAMPLES_WRITE=1`` they are recorded anew.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from portfolio.entrypoints.http.operations.openapi_operations import success_of
from tests.support.database.databases import DatabaseUnderTest
from tests.support.exchanges.exchange import StandInExchange
from tests.support.services.recording import Asked, Recorder, fields_of, requests_on
from tests.support.services.service import READY_SECONDS, ServiceProcess

ROOT = Path(__file__).parents[2]
PAGES = ("docs/tour.md", "docs/rebalancing.md")
FILE = ROOT / "src" / "portfolio" / "entrypoints" / "http" / "operations" / "examples.json"

BATCH = {
    "bookings": [
        {"symbol": "SOL", "side": "BUY", "quantity": 10, "price": 140, "net_amount": 1400, "client_trade_id": "day-1"},
        {"symbol": "SOL", "side": "SELL", "quantity": 99, "price": 140, "net_amount": 13860},
    ]
}
WISHES = (
    {"objective": "risk_parity", "days": 60, "symbols": ["BTC", "ETH", "SOL"], "limits": {"position_limit": 0.5}},
    {"objective": "max_sharpe", "days": 60, "max_turnover_percent": 5, "limits": "hard"},
    {"objective": "min_variance", "days": 60, "estimator": "ewma", "half_life_days": 30, "cash_percent": 5},
)


def test_the_examples_of_the_document_look_as_the_answers_look_now(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    with StandInExchange({"BTC": "45000", "ETH": "3000", "SOL": "142.37", "USDT": "1"}) as exchange:
        urls = dict.fromkeys(("COINBASE_URL", "BINANCE_URL", "CANDLES_URL"), exchange.url)
        settings = {"PORTFOLIO_PRICE_FEED": "exchanges", **{f"PORTFOLIO_{name}": url for name, url in urls.items()}}
        with ServiceProcess(sqlite_database, tmp_path, settings=settings) as service:
            _wait_for_rules(service)
            recorder = Recorder(service.url, httpx.get(f"{service.url}/openapi.json").json())
            for page in PAGES:
                recorder.ask_all(requests_on((ROOT / page).read_text()))
            _ask_what_no_page_asks(recorder, service)
    assert not recorder.left
    assert "its rules were never fetched" not in json.dumps(recorder.examples)
    if os.environ.get("EXAMPLES_WRITE"):
        FILE.write_text(json.dumps(recorder.examples, indent=1, sort_keys=True) + "\n")
    written = json.loads(FILE.read_text())
    assert {name: fields_of(example) for name, example in written.items()} == {
        name: fields_of(example) for name, example in recorder.examples.items()
    }


def _wait_for_rules(service: ServiceProcess) -> None:
    """Return once both exchanges have said their rules: nothing has asked for them yet, so all plans have them."""
    until = time.monotonic() + READY_SECONDS
    while service.log().count("exchange_rules.fetched") < 2:
        assert time.monotonic() < until, service.output()
        time.sleep(0.05)


def _ask_events(recorder: Recorder) -> None:
    income = {"kind": "income", "label": "staking", "symbol": "SOL", "quantity": "0.02", "client_event_id": "stake-1"}
    moved = {"kind": "transfer_in", "symbol": "ETH", "quantity": 1, "basis": 1800, "group": "from my wallet"}
    booked = recorder.ask(Asked("POST", "/events", income))
    batch = [moved, {"kind": "swap", "symbol": "ETH", "quantity": "0.5", "to_symbol": "SOL", "to_quantity": "10.5"}]
    recorder.ask(Asked("POST", "/events/batch", {"events": batch, "dry_run": True}))
    recorder.ask(Asked("POST", f"/events/{booked['event_id']}/reverse"))
    recorder.ask(Asked("GET", f"/events/{booked['event_id']}"))
    recorder.ask(Asked("GET", "/events"))


FILLS = """\
Date(UTC),Pair,Side,Price,Executed,Amount,Fee
2024-03-01 10:00:00,SOLUSDT,BUY,120,10SOL,1200USDT,1.2USDT
2024-03-02 10:00:00,SOLUSDT,SELL,130,999SOL,129870USDT,0USDT
2024-03-03 10:00:00,SOLUSDT,SELL,130,2SOL,260USDT
"""


def _ask_imports(recorder: Recorder) -> None:
    """Files with rows of each kind, one that is booked and taken back, and the lists of them."""
    good = FILLS.partition("2024-03-02")[0]
    looked = recorder.ask(Asked("POST", "/imports", files={"fills.csv": good, "more.csv": FILLS}))
    recorder.ask(Asked("POST", f"/imports/{looked['preview_id']}/commit"))
    booked = recorder.ask(Asked("POST", "/imports", files={"others.csv": good.replace("SOL", "BTC")}))
    made = recorder.ask(Asked("POST", f"/imports/{booked['preview_id']}/commit"))
    path = f"/imports/{made['import_id']}"
    recorder.ask(Asked("POST", f"{path}/reverse", {"dry_run": True}))
    recorder.ask(Asked("POST", f"{path}/reverse"))
    recorder.ask(Asked("POST", "/imports", files={"more.csv": FILLS}))
    recorder.ask(Asked("GET", path))
    recorder.ask(Asked("GET", "/imports"))


def _ask_what_no_page_asks(recorder: Recorder, service: ServiceProcess) -> None:
    recorder.ask(Asked("POST", "/holdings/update/batch", BATCH))
    assert service.command("backfill", "--days", "60").returncode == 0
    recorder.ask(Asked("POST", "/portfolio/refresh"))
    # what is in the books and in history by now
    for path, methods in recorder.document["paths"].items():
        if "get" in methods and "application/json" in _answers(methods["get"]) and "{" not in path:
            recorder.ask(Asked("GET", f"{path}?status=refused" if path == "/bookings" else path))
    recorder.ask(Asked("GET", "/exports/positions?format=json"))
    recorder.ask(Asked("POST", "/optimise", {"objective": "min_cvar", "days": 30}))  # too few for that
    for wish in WISHES:
        recorder.ask(Asked("POST", "/optimise", wish))
    _ask_backtests(recorder)
    recorder.ask(Asked("GET", "/bookings/engine-1-0001"))
    signals = recorder.ask(Asked("POST", "/rebalance/generate-signals"))["signals"]
    recorder.ask(Asked("POST", f"/rebalance/signals/{signals[0]['id']}/acknowledge"))
    recorder.ask(Asked("POST", f"/rebalance/signals/{signals[0]['id']}/acknowledge"))
    recorder.ask(Asked("GET", "/rebalance/signals"))
    _ask_events(recorder)
    late = {"symbol": "ETH", "side": "BUY", "quantity": 0.5, "price": 900, "net_amount": 450}
    recorder.ask(Asked("POST", "/holdings/update", {**late, "executed_at": "2024-01-01T00:00:00Z"}))
    sold = {"symbol": "ETH", "side": "SELL", "quantity": 0.25, "price": 3000, "net_amount": 750}
    recorder.ask(Asked("POST", "/holdings/update", {**sold, "executed_at": "2023-06-01T00:00:00Z", "override": True}))
    lot = recorder.ask(Asked("GET", "/lots"))["lots"][-1]
    picks = {"lots": [{"entry": lot["entry"], "quantity": lot["quantity"]}]}
    sale = {"symbol": lot["symbol"], "side": "SELL", "quantity": lot["quantity"], "price": 1}
    picked = recorder.ask(Asked("POST", "/holdings/update", {**sale, "net_amount": lot["quantity"]}))["trade_id"]
    recorder.ask(Asked("POST", f"/trades/{picked}/lots", picks))
    recorder.ask(Asked("GET", "/gains?method=picked"))
    recorder.ask(Asked("POST", "/ledger/restate", {"dry_run": True}))
    recorder.ask(Asked("POST", "/ledger/restate", {"dry_run": False}))
    trade = recorder.ask(Asked("GET", "/trades"))["trades"][0]
    recorder.ask(Asked("GET", f"/trades/{trade['id']}"))
    recorder.ask(Asked("POST", f"/trades/{trade['id']}/reverse", {"notes": "booked by mistake"}))
    _ask_imports(recorder)


def _ask_backtests(recorder: Recorder) -> None:
    """One that is computed to its end, and one that is cancelled."""
    day = datetime.now(UTC).date() - timedelta(days=1)
    span = {"from": str(day - timedelta(days=40)), "to": str(day)}
    policy = {"policy": {"position_limit": 0.2, "cash_trigger": 0.5}, "slippage_bps": 5}
    policy |= {"sweep": {"grid": {"position_limit": [0.15, 0.25]}}, "walk_forward": {"train_days": 25, "test_days": 10}}
    url = f"/backtests/{recorder.ask(Asked('POST', '/backtests', {**span, **policy}))['backtest']['id']}"
    recorder.ask(Asked("GET", f"{url}/equity"))
    while recorder.ask(Asked("GET", url))["backtest"]["state"] in {"queued", "running"}:
        time.sleep(0.05)
    for path in (url, f"{url}/equity", f"{url}/trades?limit=2", f"{url}/sweep?limit=2", "/backtests?limit=1"):
        recorder.ask(Asked("GET", path))
    targets = {"objective": "risk_parity", "days": 60, "symbols": ["BTC", "ETH"]}
    weights = {**span, "start": "weights", "weights": {"BTC": 0.5, "ETH": 0.3}, "initial_value": 50000}
    recorder.ask(
        Asked("POST", "/backtests", {**span, "kind": "targets", "start": "cash", "every_days": 10, "optimise": targets})
    )
    others = {"fill": "same_close", "recovery_percent": 50, "fee_bps": 20, "seed": 7}
    last = recorder.ask(Asked("POST", "/backtests", {**weights, **others}))["backtest"]["id"]
    recorder.ask(Asked("DELETE", f"/backtests/{last}"))


def _answers(operation: dict[str, Any]) -> Sequence[str]:
    """The media types of an operation's success: texts have no example."""
    return list(operation["responses"][success_of(operation)]["content"])
