"""The examples of the OpenAPI document were recorded from a running service, and look as its answers look now.

With ``EXAMPLES_WRITE=1`` they are recorded anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import httpx

from tests.support.database.databases import DatabaseUnderTest
from tests.support.exchanges.exchange import StandInExchange
from tests.support.services.recording import Asked, Recorder, fields_of, requests_on
from tests.support.services.service import ServiceProcess

ROOT = Path(__file__).parents[2]
PAGES = ("docs/tour.md", "docs/rebalancing.md")
FILE = ROOT / "src" / "portfolio" / "entrypoints" / "http" / "operations" / "examples.json"

BATCH = {
    "bookings": [
        {"symbol": "SOL", "side": "BUY", "quantity": 10, "price": 140, "net_amount": 1400, "client_trade_id": "day-1"},
        {"symbol": "SOL", "side": "SELL", "quantity": 99, "price": 140, "net_amount": 13860},
    ]
}


def test_the_examples_of_the_document_look_as_the_answers_look_now(
    sqlite_database: DatabaseUnderTest, tmp_path: Path
) -> None:
    with StandInExchange({"BTC": "45000", "ETH": "3000", "SOL": "142.37", "USDT": "1"}) as exchange:
        urls = dict.fromkeys(("COINBASE_URL", "BINANCE_URL", "CANDLES_URL"), exchange.url)
        settings = {"PORTFOLIO_PRICE_FEED": "exchanges", **{f"PORTFOLIO_{name}": url for name, url in urls.items()}}
        with ServiceProcess(sqlite_database, tmp_path, settings=settings) as service:
            recorder = Recorder(service.url, httpx.get(f"{service.url}/openapi.json").json())
            for page in PAGES:
                recorder.ask_all(requests_on((ROOT / page).read_text()))
            _ask_what_no_page_asks(recorder, service)
    assert not recorder.left
    if os.environ.get("EXAMPLES_WRITE"):
        FILE.write_text(json.dumps(recorder.examples, indent=1, sort_keys=True) + "\n")
    written = json.loads(FILE.read_text())
    assert {name: fields_of(example) for name, example in written.items()} == {
        name: fields_of(example) for name, example in recorder.examples.items()
    }


def _ask_what_no_page_asks(recorder: Recorder, service: ServiceProcess) -> None:
    recorder.ask(Asked("POST", "/holdings/update/batch", BATCH))
    assert service.command("backfill", "--days", "60").returncode == 0
    recorder.ask(Asked("POST", "/portfolio/refresh"))
    # what is in the books and in history by now
    for path, methods in recorder.document["paths"].items():
        if "get" in methods and path != "/metrics" and "{" not in path:
            recorder.ask(Asked("GET", f"{path}?status=refused" if path == "/bookings" else path))
    recorder.ask(Asked("GET", "/bookings/engine-1-0001"))
    signals = recorder.ask(Asked("POST", "/rebalance/generate-signals"))["signals"]
    recorder.ask(Asked("POST", f"/rebalance/signals/{signals[0]['id']}/acknowledge"))
    recorder.ask(Asked("POST", f"/rebalance/signals/{signals[0]['id']}/acknowledge"))
    recorder.ask(Asked("GET", "/rebalance/signals"))
    trade = recorder.ask(Asked("GET", "/trades"))["trades"][0]
    recorder.ask(Asked("GET", f"/trades/{trade['id']}"))
    recorder.ask(Asked("POST", f"/trades/{trade['id']}/reverse", {"notes": "booked by mistake"}))
