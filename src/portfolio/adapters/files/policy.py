"""The rebalancing policy from the operator's TOML file."""

from __future__ import annotations

from portfolio.adapters.files.toml import read_toml
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
        return RebalancePolicy.from_mapping(read_toml(path))
    except InvalidPolicy as error:
        raise ConfigurationInvalid(path, str(error)) from error
