"""The policy: every default of the conventions, every setting validated, a name for what is in it."""

from decimal import Decimal

import pytest

from portfolio.domain.errors import InvalidPolicy
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.reason import Priority, Reason

DEFAULT = RebalancePolicy()


def test_the_defaults_are_those_of_the_conventions() -> None:
    assert DEFAULT.to_mapping() == {
        "position_limit": Decimal("0.25"),
        "volatility_threshold": Decimal("0.8"),
        "momentum_threshold": Decimal("-0.5"),
        "momentum_limit": Decimal("0.08"),
        "category_limit": Decimal("0.4"),
        "pair_correlation": Decimal("0.7"),
        "pair_limit": Decimal("0.3"),
        "pair_floor": Decimal("0.05"),
        "cash_trigger": Decimal("0.3"),
        "cash_target": Decimal("0.1"),
        "sell_down_share": Decimal("0.92"),
        "fee_bps": Decimal(10),
        "dust_value": Decimal(10),
        "uncapped_categories": ["other", "stablecoin"],
        "stable_categories": ["stablecoin"],
        "priorities": {
            "concentration_risk": "high",
            "high_volatility": "medium",
            "negative_momentum": "low",
            "category_concentration": "high",
            "high_correlation": "medium",
            "cash_deployment": "low",
        },
        "confidences": {
            "concentration_risk": Decimal("0.85"),
            "high_volatility": Decimal("0.75"),
            "negative_momentum": Decimal("0.6"),
            "category_concentration": Decimal("0.8"),
            "high_correlation": Decimal("0.7"),
            "cash_deployment": Decimal("0.55"),
        },
    }


def test_a_fee_in_basis_points_is_a_fraction() -> None:
    assert DEFAULT.fee_rate == Decimal("0.001")


def test_a_mapping_changes_what_it_names_and_nothing_else() -> None:
    policy = RebalancePolicy.from_mapping(
        {
            "position_limit": Decimal("0.2"),
            "fee_bps": 25,
            "uncapped_categories": ["other"],
            "priorities": {"cash_deployment": "medium"},
            "confidences": {"cash_deployment": Decimal("0.9")},
        }
    )
    assert policy.position_limit == Decimal("0.2")
    assert policy.fee_rate == Decimal("0.0025")
    assert policy.uncapped_categories == {"other"}
    assert policy.priorities[Reason.CASH_DEPLOYMENT] is Priority.MEDIUM
    assert policy.priorities[Reason.HIGH_CORRELATION] is Priority.MEDIUM
    assert policy.confidences[Reason.CASH_DEPLOYMENT] == Decimal("0.9")
    assert policy.category_limit == DEFAULT.category_limit


def test_a_mapping_can_change_another_policy_than_the_defaults() -> None:
    base = RebalancePolicy(position_limit=Decimal("0.2"))
    assert RebalancePolicy.from_mapping({"fee_bps": 0}, base=base) == RebalancePolicy(
        position_limit=Decimal("0.2"), fee_bps=Decimal(0)
    )


def test_what_a_policy_says_of_itself_makes_the_same_policy() -> None:
    policy = RebalancePolicy(position_limit=Decimal("0.2"), stable_categories=frozenset({"a", "b"}))
    assert RebalancePolicy.from_mapping(policy.to_mapping()) == policy


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"position_limt": Decimal("0.2")}, "position_limt"),
        ({"position_limit": 0}, "position_limit"),
        ({"position_limit": 25}, "position_limit"),
        ({"position_limit": "0.25"}, "position_limit"),
        ({"position_limit": float("0.25")}, "position_limit"),
        ({"position_limit": True}, "position_limit"),
        ({"position_limit": Decimal("NaN")}, "position_limit"),
        ({"position_limit": Decimal("1e-40")}, "position_limit"),
        ({"position_limit": Decimal("0." + "1" * 31)}, "position_limit"),
        ({"volatility_threshold": 0}, "volatility_threshold"),
        ({"momentum_threshold": Decimal("-1.1")}, "momentum_threshold"),
        ({"momentum_limit": Decimal("1.1")}, "momentum_limit"),
        ({"category_limit": 0}, "category_limit"),
        ({"pair_correlation": Decimal("-0.1")}, "pair_correlation"),
        ({"pair_limit": 2}, "pair_limit"),
        ({"pair_floor": 1}, "pair_floor"),
        ({"pair_floor": Decimal("0.3")}, "pair_floor"),
        ({"cash_trigger": 2}, "cash_trigger"),
        ({"cash_target": Decimal("0.3")}, "cash_target"),
        ({"sell_down_share": 1}, "sell_down_share"),
        ({"sell_down_share": 0}, "sell_down_share"),
        ({"fee_bps": -1}, "fee_bps"),
        ({"fee_bps": 1001}, "fee_bps"),
        ({"dust_value": 0}, "dust_value"),
        ({"uncapped_categories": "other"}, "uncapped_categories"),
        ({"uncapped_categories": 5}, "uncapped_categories"),
        ({"stable_categories": ["stablecoin", ""]}, "stable_categories"),
        ({"stable_categories": [1]}, "stable_categories"),
        ({"priorities": "high"}, "priorities"),
        ({"priorities": {"fear": "high"}}, "priorities.fear"),
        ({"priorities": {"high_volatility": "urgent"}}, "priorities.high_volatility"),
        ({"priorities": {"high_volatility": 1}}, "priorities.high_volatility"),
        ({"confidences": {"high_volatility": Decimal("1.1")}}, "confidences.high_volatility"),
        ({"confidences": {"high_volatility": "much"}}, "confidences.high_volatility"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(values: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidPolicy) as refused:
        RebalancePolicy.from_mapping(values)
    assert refused.value.field == field
    assert str(refused.value).startswith(field)


def test_a_percentage_where_a_fraction_belongs_is_explained() -> None:
    with pytest.raises(InvalidPolicy, match=r"25 % is 0\.25"):
        RebalancePolicy(position_limit=Decimal(25))


def test_a_policy_without_an_emphasis_for_each_reason_is_refused() -> None:
    with pytest.raises(InvalidPolicy, match=r"^priorities\.concentration_risk"):
        RebalancePolicy(priorities={})
    with pytest.raises(InvalidPolicy, match=r"^confidences\.concentration_risk"):
        RebalancePolicy(confidences={})


def test_the_id_is_the_same_for_equal_values_and_another_for_any_change() -> None:
    assert DEFAULT.id == RebalancePolicy(position_limit=Decimal("0.2500")).id
    assert len(DEFAULT.id) == 16
    changes: list[dict[str, object]] = [
        {name: value * Decimal("0.99")} for name, value in DEFAULT.to_mapping().items() if isinstance(value, Decimal)
    ]
    changes += [{"uncapped_categories": ["other"]}, {"stable_categories": []}]
    changes += [{"priorities": {"cash_deployment": "high"}}, {"confidences": {"cash_deployment": 1}}]
    ids = {RebalancePolicy.from_mapping(change).id for change in changes}
    assert len(ids | {DEFAULT.id}) == len(changes) + 1
