"""The files that settings name: the rebalancing policy and the categories, as TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from portfolio.application.errors import ConfigurationInvalid
from portfolio.domain.categories import Categories
from portfolio.domain.errors import InvalidPolicy, InvalidSymbol
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.symbol import Symbol
from portfolio.settings import PREFIX


def read_policy(path: str = "", *, named_by: str = f"{PREFIX}POLICY_FILE") -> RebalancePolicy:
    """Return the policy of the file at ``path``, the defaults where it says nothing or none is named.

    Raises:
        ConfigurationInvalid: the file cannot be read, is no TOML, or has a value that is not allowed; the text says
            what names the file, and the field.
    """
    if not path:
        return RebalancePolicy()
    name = f"{named_by}: {path}"
    try:
        return RebalancePolicy.from_mapping(_read_toml(path, name))
    except InvalidPolicy as error:
        raise ConfigurationInvalid(name, str(error)) from error


def read_categories(path: str = "") -> Categories:
    """Return the packaged categories, overridden by those of the file at ``path`` where one is named.

    Raises:
        ConfigurationInvalid: the file cannot be read, is no TOML, or is not of the shape ``category = [symbols]``.
    """
    packaged, own = "categories.toml", f"{PREFIX}CATEGORIES_FILE: {path}"
    by_symbol = _by_symbol(_read_toml(str(files("portfolio").joinpath(packaged)), packaged), packaged)
    if path:
        by_symbol.update(_by_symbol(_read_toml(path, own), own))
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


def _read_toml(path: str, name: str) -> dict[str, Any]:
    """Return what the file says, its numbers as written: a limit of 0.7 is not the binary number next to it.

    Raises:
        ConfigurationInvalid: the file cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", "not UTF-8") or type(error).__name__
        raise ConfigurationInvalid(name, f"cannot be read: {said}") from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ConfigurationInvalid(name, f"is no TOML: {error}") from error
