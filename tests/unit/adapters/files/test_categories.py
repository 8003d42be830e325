"""Categories come from the package and from the operator's file."""

from pathlib import Path

import pytest

from portfolio.adapters.files.configuration import read_categories
from portfolio.application.errors import ConfigurationInvalid
from portfolio.domain.categories import STABLECOIN
from portfolio.domain.symbol import Symbol


def test_the_packaged_file_knows_the_assets_of_the_conventions() -> None:
    categories = read_categories()
    assert categories.of(Symbol("BTC")) == "store_of_value"
    assert categories.of(Symbol("POL")) == categories.of(Symbol("MATIC")) == "layer2_scaling"
    assert categories.of(Symbol("USDC")) == "stablecoin"


def test_an_asset_that_no_file_names_is_other() -> None:
    assert read_categories().of(Symbol("NOSUCHCOIN")) == "other"


def test_the_operators_file_overrides_single_assets_and_keeps_the_rest(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('digital_gold = ["btc-usd"]\n')
    categories = read_categories(str(own))
    assert categories.of(Symbol("BTC")) == "digital_gold"
    assert categories.of(Symbol("ETH")) == "smart_contracts"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('gold = "BTC"', "a list of symbols is wanted"),
        ("gold = [1]", "a list of symbols is wanted"),
        ('gold = ["B T C"]', "not a symbol"),
        ('gold = ["BTC"]\nsilver = ["btc"]', "BTC is in gold and in silver"),
        ("gold = [", "own.toml"),
    ],
)
def test_a_file_of_another_shape_is_refused_with_the_reason(tmp_path: Path, text: str, said: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text)
    with pytest.raises(ConfigurationInvalid, match=said):
        read_categories(str(own))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        read_categories(missing := str(tmp_path / "missing.toml"))
    assert str(refused.value) == f"PORTFOLIO_CATEGORIES_FILE: {missing}: cannot be read: No such file or directory"


def test_the_hundred_largest_assets_have_a_category_and_the_contracts_start_map_stands() -> None:
    categories = read_categories()
    assert len(categories.by_symbol) >= 100
    # conventions.md, "Start"
    start = {
        "store_of_value": "BTC", "smart_contracts": "ETH", "proof_of_stake": "ADA", "high_throughput": "SOL",
        "oracle": "LINK", "interoperability": "DOT", "layer2_scaling": "MATIC POL", "defi_platform": "AVAX",
        "cosmos_ecosystem": "ATOM", "dex_governance": "UNI", "stablecoin": "USDT USDC DAI",
    }  # fmt: skip
    for category, symbols in start.items():
        for symbol in symbols.split():
            assert categories.of(Symbol(symbol)) == category


@pytest.mark.parametrize("symbol", ["USDE", "USDS", "FDUSD", "PYUSD", "TUSD", "USD1", "RLUSD", "USDP", "GUSD", "FRAX"])
def test_every_large_dollar_stablecoin_is_one(symbol: str) -> None:
    assert read_categories().of(Symbol(symbol)) == STABLECOIN
