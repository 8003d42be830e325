"""What is set wrong is named as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from portfolio.settings import SettingsError, read_settings


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORTFOLIO_PORT", "abc"), ("PORTFOLIO_REQUEST_DEADLINE_SECONDS", "-1"), ("PORTFOLIO_LOG_LEVEL", "LOUD")],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_told(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({name: value}, env_file=tmp_path / "none")
    assert str(refused.value).split()[0].rstrip(":") == name
    assert value not in str(refused.value)
