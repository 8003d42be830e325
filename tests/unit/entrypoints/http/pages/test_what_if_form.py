"""What is typed into the form of the what-if: what it means, and what is said of what means nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.application.rebalancing.planning import ImaginedTrade
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money, Price, Quantity
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.http.pages.rebalancing.form import WhatIfForm, line_of


def trade(side: Side, quantity: str, symbol: str, price: str | None = None, fees: str | None = None) -> ImaginedTrade:
    return ImaginedTrade(
        symbol=Symbol(symbol),
        side=side,
        quantity=Quantity(Decimal(quantity)),
        price=Price(Decimal(price)) if price else None,
        fees=Money(Decimal(fees)) if fees else None,
    )


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("SELL 0.2 BTC", trade(Side.SELL, "0.2", "BTC")),
        ("  sell   btc-usd 2e-1 ", trade(Side.SELL, "0.2", "BTC")),
        ("BUY 1.5 ETH at 3000 fees 3", trade(Side.BUY, "1.5", "ETH", "3000", "3")),
        ("buy 1.5 eth FEES 3 AT 3000", trade(Side.BUY, "1.5", "ETH", "3000", "3")),
        ("BUY 1.5 ETH@3000", trade(Side.BUY, "1.5", "ETH", "3000")),
        ("BUY 1 42", trade(Side.BUY, "1", "42")),
        ("BUY 0.123456789012345678 BTC", trade(Side.BUY, "0.123456789012345678", "BTC")),
    ],
)
def test_a_line_is_a_trade(line: str, meant: ImaginedTrade) -> None:
    assert WhatIfForm(trades=line).read() == ((meant,), {}, [])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("HOLD 1 BTC", "begins with BUY or SELL"),
        ("SELL", "needs a quantity and a symbol"),
        ("SELL BTC", "needs a quantity and a symbol"),
        ("SELL much BTC", "has to be a decimal number"),
        ("SELL 1,000 BTC", "has to be a decimal number"),
        ("SELL -1 BTC", "has to be above zero"),
        ("SELL 1e-30 BTC", "above zero at 18 decimals"),
        ("SELL 1e99 BTC", "below 1e20"),
        ("SELL 1 <b>", "A-Z"),
        ("SELL 1 BTC at", "may end with at and a price"),
        ("SELL 1 BTC for 3", "may end with at and a price"),
        ("SELL 1 BTC at 3 at 4", "may end with at and a price"),
        ("SELL 1 BTC at x", "price has to be a decimal number"),
        ("SELL 1 BTC fees -1", "at least zero"),
    ],
)
def test_a_line_that_is_no_trade_is_named_by_its_number_and_nothing_is_imagined(line: str, said: str) -> None:
    trades, _, [mistake] = WhatIfForm(trades=f"BUY 1 BTC\n\n{line}").read()
    assert (list(trades), mistake.field) == ([], "trades")
    assert mistake.message.startswith("line 3: ")
    assert said in mistake.message


def test_too_many_lines_and_too_long_a_text_are_refused() -> None:
    for text, said in (("BUY 1 BTC\n" * 101, "at most 100 trades"), ("B" * 4_001, "at most 4000 characters")):
        trades, _, [mistake] = WhatIfForm(trades=text).read()
        assert list(trades) == []
        assert said in mistake.message


def test_a_line_is_a_setting_of_the_policy() -> None:
    typed = "position_limit = 0.35\n fee_bps=0\nuncapped_categories = [\"other\", 'defi']\nstable_categories = usd"
    _, changes, mistakes = WhatIfForm(policy=typed).read()
    assert mistakes == []
    assert changes == {
        "position_limit": Decimal("0.35"),
        "fee_bps": Decimal(0),
        "uncapped_categories": ["other", "defi"],
        "stable_categories": ["usd"],
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("limit = 3", "'limit' is no setting to change here; settings are position_limit, "),
        ("priorities = x", "is no setting"),
        ("position_limit", "needs a value, such as position_limit = 0.35"),
        ("position_limit =", "needs a value"),
        ("fee_bps = 1\nfee_bps = 2", "fee_bps is given twice"),
        ("fee_bps = many", "fee_bps has to be a decimal number"),
    ],
)
def test_a_line_that_is_no_setting_says_why(line: str, said: str) -> None:
    _, changes, [mistake] = WhatIfForm(policy=line).read()
    assert mistake.field == "policy"
    assert said in mistake.message
    assert changes in ({}, {"fee_bps": Decimal(1)})


@given(st.text(max_size=200), st.text(max_size=200))
def test_whatever_is_typed_is_read_or_refused(trades: str, policy: str) -> None:
    imagined, changes, mistakes = WhatIfForm(trades=trades, policy=policy).read()
    assert mistakes or (len(imagined) <= 100 and all(isinstance(name, str) for name in changes))


def test_trades_are_found_again_by_their_lines() -> None:
    form = WhatIfForm(trades="\nBUY 1 BTC\n\nSELL 1 ETH", policy="fee_bps = 1")
    assert [line_of(form, place) for place in (0, 1)] == [2, 4]
    assert form.without_trades == "?policy=fee_bps+%3D+1"
    assert WhatIfForm(trades="x").without_trades == ""
    assert (form.is_asked, WhatIfForm().is_asked) == (True, False)
