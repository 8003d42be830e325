"""TOML files that settings name."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from portfolio.application.errors import ConfigurationInvalid


def read_toml(path: str) -> dict[str, Any]:
    """Return what the file says, its numbers as written: a limit of 0.7 is not the binary number next to it.

    Raises:
        ConfigurationInvalid: the file cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationInvalid(path, "cannot be read") from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ConfigurationInvalid(path, f"is no TOML: {error}") from error
