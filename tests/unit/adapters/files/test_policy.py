"""The rebalancing policy comes from the operator's file, on top of the defaults."""

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from portfolio.adapters.files.configuration import read_policy
from portfolio.application.errors import ConfigurationInvalid
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Priority, Reason

EXAMPLE = Path(__file__).parents[4] / "docs" / "policy.toml"


def test_without_a_file_the_defaults_hold() -> None:
    assert read_policy() == RebalancePolicy()


def test_the_example_says_every_setting_and_each_at_its_default() -> None:
    written = tomllib.loads(EXAMPLE.read_text(), parse_float=Decimal)
    assert written == RebalancePolicy().to_mapping()
    assert read_policy(str(EXAMPLE)).id == RebalancePolicy().id


def test_a_file_changes_what_it_names_and_keeps_the_rest(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('position_limit = 0.2\nfee_bps = 0\n[priorities]\ncash_deployment = "high"\n')
    policy = read_policy(str(own))
    assert (policy.position_limit, policy.category_limit) == (Decimal("0.2"), Decimal("0.4"))
    assert policy.fee_bps == 0
    assert policy.priorities[Reason.CASH_DEPLOYMENT] is Priority.HIGH
    assert policy.priorities[Reason.HIGH_CORRELATION] is Priority.MEDIUM


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("position_limit = 25", r"own\.toml: position_limit has to be above 0 and at most 1; .* 25 % is 0\.25"),
        ("position_limit = nan", "position_limit has to be a finite number"),
        ("fee_bps = inf", "fee_bps has to be a finite number"),
        ("positon_limit = 0.2", "positon_limit is not a setting of the policy"),
        ('position_limit = "0.2"', "position_limit has to be an exact number"),
        ("dust_value = true", "dust_value has to be an exact number"),
        ("cash_trigger = 0.05", "cash_target has to be below cash_trigger"),
        ('[priorities]\ncash_deployment = "soon"', r"priorities\.cash_deployment has to be one of high, medium, low"),
        ("[confidences]\nluck = 0.5", r"confidences\.luck is not a reason"),
        ("uncapped_categories = 3", "uncapped_categories has to be a list of categories"),
        ("position_limit = ", r"own\.toml: is no TOML"),
        (f"fee_bps = {'9' * 5000}", r"own\.toml: is no TOML"),
        ("fee_bps = 1e99999999999999999999", "own.toml"),
    ],
)
def test_a_wrong_file_is_refused_with_the_field(tmp_path: Path, text: str, said: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text)
    with pytest.raises(ConfigurationInvalid, match=said):
        read_policy(str(own))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        read_policy(missing := str(tmp_path / "missing.toml"))
    assert str(refused.value) == f"PORTFOLIO_POLICY_FILE: {missing}: cannot be read: No such file or directory"
