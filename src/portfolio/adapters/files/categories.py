"""Categories from TOML files: the packaged one, overridden by the operator's."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from portfolio.adapters.files.toml import read_toml
from portfolio.application.errors import ConfigurationInvalid
from portfolio.domain.categories import Categories
from portfolio.domain.errors import InvalidSymbol
from portfolio.domain.symbol import Symbol


def read_categories(path: str = "") -> Categories:
    """Return the packaged categories, overridden by those of the file at ``path`` where one is named.

    Raises:
        ConfigurationInvalid: the file cannot be read, is no TOML, or is not of the shape ``category = [symbols]``.
    """
    by_symbol = _by_symbol(read_toml(str(files("portfolio").joinpath("categories.toml"))), "categories.toml")
    if path:
        by_symbol.update(_by_symbol(read_toml(path), path))
    return Categories(MappingProxyType(by_symbol))


def _by_symbol(found: Mapping[str, Any], name: str) -> dict[str, str]:
    by_symbol: dict[str, str] = {}
    for category, symbols in found.items():
        if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
            raise ConfigurationInvalid(name, f"{category}: a list of symbols is wanted")
        for text_symbol in symbols:
            try:
                symbol = Symbol.parse(text_symbol).code
            except InvalidSymbol as error:
                raise ConfigurationInvalid(name, f"{category}: {error}") from error
            if symbol in by_symbol:
                raise ConfigurationInvalid(name, f"{symbol} is in {by_symbol[symbol]} and in {category}")
            by_symbol[symbol] = category
    return by_symbol
