"""The page of rebalancing: plan, what-if and signals are the API's; bad input is answered in the page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from portfolio.domain.categories import Categories
from tests.contract.http.pages.test_risk_page import cells
from tests.contract.http.risk.test_risk import EIGHT, buy, load, walks
from tests.support.html_pages import HTML, PRIVATE, Element, amounts_of, of_api, sound_page
from tests.support.services.http_service import Service, running

PATH = "/pages/rebalancing"
MONEY = ("28123.45", "20456.78", "9234.56", "7345.67", "1456.78", "567.89", "345.67", "234.56")
STANDING = {
    "Health score": "portfolio_health_score",
    "Total value": "total_value",
    "Cash": "cash_balance",
    "Cash, share of the total value": "cash_allocation",
    "Positions": "total_positions",
    "Average correlation": "average_correlation",
}
CONCENTRATION = {
    "Herfindahl index (sum of squared shares)": "hhi",
    "The same with cash": "hhi_with_cash",
    "Effective positions": "effective_positions",
}
ADVICE = {
    "Share now": "current_allocation",
    "Share after": "target_allocation",
    "Value": "trade_value",
    "Quantity": "trade_quantity",
    "Estimated fee": "estimated_fee",
    "Confidence": "confidence",
}


@pytest.fixture
async def held() -> AsyncIterator[Service]:
    """Eight positions with a year of closes, some limits broken."""
    async with running(categories=Categories({"AAA": "defi", "BBB": "defi"})) as service:
        await load(service, walks(365))
        # Else a hundredth of a share, or a thousandth, would be an amount by chance.
        deposit = {"kind": "deposit", "amount": "7654.32"}
        assert (await service.http.post("/cash/transactions", json=deposit)).status_code == 200
        for symbol, money in zip(EIGHT, MONEY, strict=True):
            await buy(service, symbol, money)
        yield service


async def page_of(service: Service, path: str = PATH, **headers: str) -> Element:
    return await sound_page(service, path, headers)


def asking(trades: str = "", policy: str = "") -> str:
    return f"{PATH}?trades={quote(trades)}&policy={quote(policy)}"


def assert_advice(rows: list[dict[str, Element]], trades: list[Any]) -> None:
    """Rows of a page are these trades of the API."""
    assert len(rows) == len(trades)
    for row, trade in zip(rows, trades, strict=True):
        assert row["Trade"].text == f"{trade['action'].lower()} {trade['symbol']}"
        assert cells(row, *ADVICE) == [trade[name] for name in ADVICE.values()]
        assert row["Priority"].text == trade["priority"]


def assert_standing(rows: list[dict[str, Element]], before: Any, after: Any, column: str) -> None:
    """Rows of a page are these figures of the API, now and after."""
    found = {row["Figure"].text: cells(row, "Now", column) for row in rows}
    for label, name in STANDING.items():
        assert found[label] == [before[name], after[name]]
    for label, name in CONCENTRATION.items():
        assert found[label] == [one["concentration_analysis"][name] for one in (before, after)]
    assert found["Broken limits"] == [str(len(one["broken_limits"])) for one in (before, after)]


async def test_the_plan_is_that_of_the_api(held: Service) -> None:
    analysis = (await of_api(held, "/rebalance/analysis"))["analysis"]
    now = (await what_if(held, {}))["current"]
    page = await page_of(held)
    assert analysis["recommendations"]
    assert_advice(page.table("Trades that the plan asks for"), analysis["recommendations"])
    assert {name: page.value(name) for name in ("turnover_percent", "estimated_cost", "portfolio_health_score")} == {
        name: analysis[name] for name in ("turnover_percent", "estimated_cost", "portfolio_health_score")
    }
    assert page.value("projected_health_score") == analysis["projected"]["portfolio_health_score"]
    assert_standing(page.table("The portfolio before and after the plan"), now, analysis["projected"], "After the plan")
    broken = page.table("Limits that are broken now")
    assert [cells(row, "Share", "Limit of it") for row in broken] == [
        [one["allocation"], one["limit_allocation"]]
        for one in sorted(analysis["broken_limits"], key=lambda one: -Decimal(one["allocation"]))
    ]
    shares = page.table("Shares of what the plan trades")
    assert [cells(row, "Share now", "Share after") for row in shares] == [
        [one["current_allocation"], one["target_allocation"]] for one in analysis["recommendations"]
    ]


async def what_if(service: Service, body: Any) -> Any:
    headers = {"Accept": "application/json;IEEE754Compatible=true"}
    answer = await service.http.post("/rebalance/what-if", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_float=str, parse_int=str)["what_if"]


async def test_each_trade_has_its_evidence_figure_by_figure(held: Service) -> None:
    page = await page_of(held)
    trades = (await of_api(held, "/rebalance/analysis"))["analysis"]["recommendations"]
    seen = 0
    for trade in trades:
        for one in trade["evidence"]:
            name = f"{trade['action'].lower()} {trade['symbol']}: "
            tables = [t for t in page.all("table") if any(c.text.startswith(name) for c in t.all("caption"))]
            exact = [table.exact for table in tables]
            numbers = [one["change"], *(v for v in one["figures"].values() if v.replace(".", "").lstrip("-").isdigit())]
            assert numbers in exact
            seen += 1
    assert seen >= len(trades)


async def test_what_the_plan_leaves_has_its_reason(held: Service) -> None:
    held.clock.advance(301)
    unresolved = (await of_api(held, "/rebalance/analysis"))["analysis"]["unresolved"]
    rows = (await page_of(held)).table("What the plan leaves")
    assert len(rows) == len(unresolved) > 0
    assert [row["In words"].text for row in rows] == [one["detail"].replace("_", " ") for one in unresolved]
    assert "its price is not live" in rows[0]["Why"].text


async def test_what_if_is_that_of_the_api_and_keeps_what_was_typed(held: Service) -> None:
    typed = "SELL 5000.5 AAA\n\nbuy BBB 3 at 2 fees 0.5"
    page = await page_of(held, asking(typed, "position_limit = 0.35\nfee_bps = 25"))
    body = {
        "trades": [
            {"symbol": "AAA", "side": "SELL", "quantity": "5000.5"},
            {"symbol": "BBB", "side": "BUY", "quantity": 3, "price": 2, "fees": "0.5"},
        ],
        "policy": {"position_limit": "0.35", "fee_bps": 25},
    }
    found = await what_if(held, body)
    rows = page.table("Imagined trades")
    names = {"Price": "price", "Quantity": "quantity", "Value": "trade_value", "Estimated fee": "estimated_fee"}
    assert [cells(row, *names) for row in rows] == [[t[name] for name in names.values()] for t in found["trades"]]
    standing = page.table("The portfolio before and after what is imagined")
    assert_standing(standing, found["current"], found["projected"], "After")
    assert_advice(page.table("What the policy would ask for then"), found["remaining"])
    changed = {row["Setting"].text: cells(row, "Now", "Imagined") for row in page.table("Settings that are imagined")}
    assert changed == {"position_limit": ["0.25", "0.35"], "fee_bps": ["10", "25"]}
    assert page.one("textarea", id="trades").text == "SELL 5000.5 AAA buy BBB 3 at 2 fees 0.5"
    assert page.one("textarea", id="policy").text == "position_limit = 0.35 fee_bps = 25"


async def test_a_policy_alone_is_imagined_with_the_trades_that_it_would_ask_for(held: Service) -> None:
    page = await page_of(held, asking(policy="category_limit = 0.9\nuncapped_categories = other, defi"))
    found = await what_if(held, {"policy": {"category_limit": 0.9, "uncapped_categories": ["other", "defi"]}})
    assert "what the policy would ask for" in page.text
    assert [cells(r, "Quantity") for r in page.table("Imagined trades")] == [[t["quantity"]] for t in found["trades"]]
    [_, row] = page.table("Settings that are imagined")
    assert (row["Now"].text, row["Imagined"].text) == ("other, stablecoin", "defi, other")
    nothing = await page_of(held, asking(policy="position_limit = 0.9\nvolatility_threshold = 99\nmomentum_limit = 1\n"
                                         "category_limit = 1\npair_limit = 1\ncash_trigger = 1"))  # fmt: skip
    assert "The policy would ask for no trade" in nothing.text


async def test_what_would_newly_break_a_limit_is_said(held: Service) -> None:
    found = await what_if(held, {"trades": [{"symbol": "BBB", "side": "BUY", "quantity": 9000}]})
    page = await page_of(held, asking("BUY 9000 BBB"))
    rows = page.table("Newly broken limits")
    assert [cells(row, "Share", "Limit of it") for row in rows] == [
        [one["allocation"], one["limit_allocation"]] for one in found["newly_broken"]
    ]
    assert rows


@pytest.mark.parametrize(
    ("trades", "policy", "field", "said"),
    [
        ("SELL 1e9 AAA", "", "trades", "cannot be sold"),
        ("BUY 1e9 AAA", "", "trades", "is needed but cash is"),
        ("BUY 1 AAA\nBUY 1 ZZZ", "", "trades", "line 2: ZZZ has no price here"),
        ("<script>", "", "trades", "line 1: begins with BUY or SELL"),
        ("", "position_limit = 35", "policy", "25 % is 0.25"),
        ("", "cash_target = 0.5", "policy", "cash_target has to be below cash_trigger"),
        ("", "</textarea><b>", "policy", "is no setting"),
        ("x", "y", "policy", "is no setting"),
    ],
)
async def test_bad_input_is_said_in_the_page_beside_what_was_typed(
    held: Service, trades: str, policy: str, field: str, said: str
) -> None:
    page = await page_of(held, asking(trades, policy))
    assert said in page.one("span", id=f"{field}-mistake").text
    [alert] = [found for found in page.all("div") if found.attributes.get("role") == "alert"]
    assert said in alert.text
    assert page.one("textarea", id="trades").text == " ".join(trades.split())
    assert page.one("textarea", id="policy").text == policy
    assert page.one("textarea", id=field).attributes["aria-invalid"] == "true"
    assert "What would be" not in page.text


async def test_open_and_claimed_signals_are_those_of_the_api(held: Service) -> None:
    made = (await held.http.post("/rebalance/generate-signals")).json()["signals"]
    await held.http.post(f"/rebalance/signals/{made[0]['id']}/acknowledge")
    signals = {one["id"]: one for one in (await of_api(held, "/rebalance/signals"))["signals"]}
    rows = (await page_of(held)).table("Open signals")
    assert len(rows) == len(signals)
    assert [row["State"].text for row in rows].count("acknowledged") == 1
    for row in rows:
        one = signals[row["Signal"].text]
        assert cells(row, "Share then", "Target", "Value", "Quantity", "Estimated fee") == [
            one["current_allocation"], one["target_allocation"], one["trade_value"], one["trade_quantity"],
            one["estimated_fee"],
        ]  # fmt: skip


async def test_empty_books_ask_for_nothing(service: Service) -> None:
    page = await page_of(service)
    assert "The plan asks for no trade" in page.text
    assert "No signal is open" in page.text
    assert page.value("portfolio_health_score") == "100"


async def test_a_private_page_has_no_amount_and_imagines_no_trades(held: Service) -> None:
    await held.http.post("/rebalance/generate-signals")
    amounts: set[str] = set()
    for path in ("/portfolio", "/rebalance/analysis", "/rebalance/signals"):
        amounts |= amounts_of(await of_api(held, path))
    amounts |= amounts_of(await what_if(held, {"policy": {"position_limit": "0.35"}}))
    assert len(amounts) > 30
    for headers in (HTML, PRIVATE):
        body = (await held.http.get(asking(policy="position_limit = 0.35"), headers=headers)).text
        shown = {amount for amount in amounts if amount in body}
        assert bool(shown) is (headers is HTML), shown
    private = await page_of(held, asking(policy="position_limit = 0.35"), **PRIVATE)
    assert "trades are amounts" in private.text
    assert private.table("Imagined trades")
    assert [one.attributes["id"] for one in private.all("textarea")] == ["policy"]


async def test_trades_in_the_address_of_a_private_page_are_taken_out_of_it(held: Service) -> None:
    answer = await held.http.get(asking("SELL 1234.5678 AAA", "fee_bps = 1"), headers=PRIVATE)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}?policy=fee_bps+%3D+1")
    assert b"1234.5678" not in answer.content


async def test_with_the_database_away_plan_and_what_if_are_of_the_last_state(held: Service) -> None:
    before = await page_of(held)
    held.ledger.away = True
    page = await page_of(held, asking("SELL 1 AAA"))
    assert "Database away" in page.one("section", aria_label="State").text
    assert page.value("turnover_percent") == before.value("turnover_percent") is not None
    assert len(page.table("Imagined trades")) == 1
    assert "The signals cannot be read while the database is away" in page.text


async def test_a_plan_that_does_harm_says_what_it_was_made_without(service: Service) -> None:
    # Two correlated assets just under their limit: to deploy the cash would lower health.
    await load(service, walks(365))
    for symbol in EIGHT:
        await buy(service, symbol, "2000")
    analysis = (await of_api(service, "/rebalance/analysis"))["analysis"]
    page = await page_of(service)
    assert ("The plan was made without" in page.text) is bool(analysis["withheld_rules"])


async def test_of_a_plan_of_many_trades_the_first_are_shown() -> None:
    symbols = [f"C{n}" for n in range(120)]
    async with running(categories=Categories(dict.fromkeys(symbols, "defi"))) as service:
        bought = [
            {"symbol": symbol, "side": "BUY", "quantity": 10, "price": 80, "net_amount": 800} for symbol in symbols
        ]
        booked = await service.http.post("/holdings/update/batch", json={"bookings": bought})
        assert booked.json()["booked"] == len(symbols), booked.text
        assert len((await of_api(service, "/rebalance/analysis"))["analysis"]["recommendations"]) == 120
        page = await page_of(service)
        assert "These are the first 100 of 120;" in page.text
        assert len([one for one in page.all() if one.tag == "summary" and one.text.startswith("sell C")]) == 100
        assert (await service.http.post("/rebalance/generate-signals")).json()["signals_created"] == 120
        page = await page_of(service)
        assert len(page.table("Open signals")) == 100
        assert "These are the newest of each state; GET /rebalance/signals has all." in page.text
