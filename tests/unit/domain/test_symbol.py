"""What names an asset, and what only looks like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.domain.categories import OTHER, STABLECOIN, Categories
from portfolio.domain.errors import InvalidSymbol
from portfolio.domain.symbol import Symbol, is_symbol


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("BTC", "BTC"),
        ("btc", "BTC"),
        ("BTC-USD", "BTC"),
        ("btc/usdt", "BTC"),
        ("Btc_usdc", "BTC"),
        ("1INCH", "1INCH"),
        ("A" * 20, "A" * 20),
        ("A" * 20 + "-USD", "A" * 20),
        ("USDT", "USDT"),
        ("USDC", "USDC"),
        ("USDT-USD", "USDT"),
        ("USDE", "USDE"),
    ],
)
def test_a_dollar_suffix_is_dropped_and_case_does_not_matter(text: str, code: str) -> None:
    assert Symbol.parse(text).code == code
    assert str(Symbol.parse(text)) == code


@pytest.mark.parametrize("text", ["BTC-EUR", "BTC/BTC", "ETH_BTC", "BTC-DAI", "btc-usdd"])
def test_another_quote_currency_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidSymbol, match=r"quoted in [A-Z]+, but this ledger counts in USD"):
        Symbol.parse(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("BTCUSDT", "send BTC or BTC-USDT"),
        ("btcusd", "send BTC or BTC-USD"),
        ("XUSD", "send X or X-USD"),
        ("ETHBTC", "quoted in BTC"),
        ("ADAEUR", "quoted in EUR"),
    ],
)
def test_an_unseparated_pair_is_refused_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(InvalidSymbol, match=hint) as refusal:
        Symbol.parse(text)
    assert hint in refusal.value.hint


@pytest.mark.parametrize(
    "text", ["BTC-PERP", "btcusdt_240628", "PI_XBTUSD", "BTC-27DEC24", "BTC/USDT:USDT", "BTC-USD-SWAP"]
)
def test_a_contract_is_refused_and_never_taken_for_its_asset(text: str) -> None:
    with pytest.raises(InvalidSymbol, match=r"is a contract .* in money as an event, interest or charge$"):
        Symbol.parse(text)


@pytest.mark.parametrize("ticker", ["BTCPERP", "XBTH24", "ETHUSDTM", "PERP", "USDM"])
def test_a_code_of_one_word_is_taken_as_the_engine_sends_it(ticker: str) -> None:
    assert Symbol.parse(ticker).code == ticker


@pytest.mark.parametrize("ticker", ["BTCUSDT", "XUSD", "ETHBTC", "NEWUSD"])
def test_the_hint_names_both_readings_and_the_second_one_is_taken(ticker: str) -> None:
    with pytest.raises(InvalidSymbol, match=f"looks like a pair: .*send .*; .* ticker: send {ticker}-USD"):
        Symbol.parse(ticker)
    assert Symbol.parse(f"{ticker}-USD").code == ticker


@pytest.mark.parametrize(
    ("text", "meant"),
    [("XBT", "BTC"), ("xbt-usd", "BTC"), ("XBTUSD", "BTC"), ("XBT/EUR", "BTC"), ("XXDG", "DOGE"), ("BCHSV", "BSV")],
)
def test_a_code_of_another_source_is_refused_with_the_ticker_that_is_meant(text: str, meant: str) -> None:
    with pytest.raises(InvalidSymbol, match=f"send {meant}"):
        Symbol.parse(text)


@pytest.mark.parametrize("code", ["TUSD", "PYUSD", "WBTC", "STETH", "WSTETH", "RETH", "CBBTC"])
def test_a_ticker_that_ends_like_a_pair_but_is_an_asset_is_taken(code: str) -> None:
    assert Symbol.parse(code).code == code


@pytest.mark.parametrize("text", ["USD", "usd", "USD-USDT", "USD-USD"])
def test_the_dollar_is_cash_and_not_a_position(text: str) -> None:
    with pytest.raises(InvalidSymbol, match="the dollar is cash"):
        Symbol.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " BTC",
        "BTC\n",
        "BTC-",
        "-USD",
        "BTC-USD-USD",
        "B T C",
        "BTC.D",
        "A" * 21,
        "A" * 21 + "USD",
        "B\x00TC",
        "ßTC",
        "ıOTA",
        "BTC-ᵁSD",
        "१",
    ],
)
def test_anything_else_is_no_symbol(text: str) -> None:
    with pytest.raises(InvalidSymbol):
        Symbol.parse(text)


@given(st.text(max_size=30))
def test_a_symbol_means_itself_and_is_of_the_allowed_letters(text: str) -> None:
    try:
        symbol = Symbol.parse(text)
    except InvalidSymbol:
        return
    assert 1 <= len(symbol.code) <= 20
    assert symbol.code.isascii()
    assert symbol.code.isalnum()
    assert symbol.code == symbol.code.upper()
    assert Symbol(symbol.code) == symbol


def test_an_asset_without_a_category_is_other() -> None:
    categories = Categories({"USDT": STABLECOIN})
    assert categories.of(Symbol("USDT")) == "stablecoin"
    assert categories.of(Symbol("XYZ")) == OTHER == Categories().of(Symbol("USDT"))


@pytest.mark.parametrize(
    ("code", "may_be"), [("BTC", True), ("1INCH", True), ("USD", False), ("btc", False), ("", False)]
)
def test_what_may_be_the_code_of_an_asset_is_told_without_an_error(code: str, may_be: bool) -> None:
    assert is_symbol(code) is may_be
