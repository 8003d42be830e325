"""The rebalancing policy from the operator's TOML file."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

from portfolio.application.errors import ConfigurationInvalid
from portfolio.domain.errors import InvalidPolicy
from portfolio.domain.rebalancing.policy import RebalancePolicy


def read_policy(path: str = "") -> RebalancePolicy:
    """Return the policy of the file at ``path``, the defaults where it says nothing or none is named.

    Raises:
        ConfigurationInvalid: the file cannot be read, is no TOML, or has a value that is not allowed; the text names
            the field.
    """
    if not path:
        return RebalancePolicy()
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationInvalid(path, "cannot be read") from error
    try:
        # As written: a limit of 0.7 is not the binary number next to it.
        values = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ConfigurationInvalid(path, f"is no TOML: {error}") from error
    try:
        return RebalancePolicy.from_mapping(values)
    except InvalidPolicy as error:
        raise ConfigurationInvalid(path, str(error)) from error
