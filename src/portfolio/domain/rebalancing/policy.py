"""The rebalancing policy: every limit, threshold and priority, validated once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self

from portfolio.domain.arithmetic import exact
from portfolio.domain.categories import OTHER, STABLECOIN
from portfolio.domain.decimal_text import plain
from portfolio.domain.errors import InvalidPolicy
from portfolio.domain.money import EXACT
from portfolio.domain.rebalancing.reason import Priority, Reason

_PRIORITIES = MappingProxyType(
    {
        Reason.CONCENTRATION_RISK: Priority.HIGH,
        Reason.HIGH_VOLATILITY: Priority.MEDIUM,
        Reason.NEGATIVE_MOMENTUM: Priority.LOW,
        Reason.CATEGORY_CONCENTRATION: Priority.HIGH,
        Reason.HIGH_CORRELATION: Priority.MEDIUM,
        Reason.CASH_DEPLOYMENT: Priority.LOW,
    }
)
_CONFIDENCES = MappingProxyType(
    {
        Reason.CONCENTRATION_RISK: Decimal("0.85"),
        Reason.HIGH_VOLATILITY: Decimal("0.75"),
        Reason.NEGATIVE_MOMENTUM: Decimal("0.60"),
        Reason.CATEGORY_CONCENTRATION: Decimal("0.80"),
        Reason.HIGH_CORRELATION: Decimal("0.70"),
        Reason.CASH_DEPLOYMENT: Decimal("0.55"),
    }
)


@dataclass(frozen=True, slots=True)
class _Range:
    """The values a number may take; an end that is not ``_open`` belongs to it."""

    low: Decimal
    high: Decimal
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, value: Decimal) -> bool:
        above = value > self.low if self.low_open else value >= self.low
        below = value < self.high if self.high_open else value <= self.high
        return above and below

    def __str__(self) -> str:
        low = f"above {self.low}" if self.low_open else f"{self.low} or more"
        high = f"below {self.high}" if self.high_open else f"at most {self.high}"
        return f"{low} and {high}"


_LIMIT = _Range(Decimal(0), Decimal(1), low_open=True)
_SHARE = _Range(Decimal(0), Decimal(1))
_INSIDE = _Range(Decimal(0), Decimal(1), low_open=True, high_open=True)
_RANGES: Mapping[str, _Range] = MappingProxyType(
    {
        "position_limit": _LIMIT,
        "volatility_threshold": _Range(Decimal(0), Decimal(1000), low_open=True),
        "momentum_threshold": _Range(Decimal(-1), Decimal(1)),
        "momentum_limit": _LIMIT,
        "category_limit": _LIMIT,
        "pair_correlation": _Range(Decimal(0), Decimal(1)),
        "pair_limit": _LIMIT,
        "pair_floor": _Range(Decimal(0), Decimal(1), high_open=True),
        "cash_trigger": _SHARE,
        "cash_target": _SHARE,
        "sell_down_share": _INSIDE,
        "fee_bps": _Range(Decimal(0), Decimal(1000)),
        "dust_value": _Range(Decimal("0.01"), Decimal(1_000_000)),
    }
)
_CATEGORY_FIELDS = ("uncapped_categories", "stable_categories")


@dataclass(frozen=True, slots=True, kw_only=True)
class RebalancePolicy:
    """What a portfolio is held to. Shares are fractions of the total value, cash included: 25 % is ``0.25``.

    ``fee_bps`` is in basis points of a trade's value, ``dust_value`` in dollars, volatility annualised.
    ``uncapped_categories`` have no category limit; assets of ``stable_categories`` have no position limit, make no
    pair and are not bought.

    Raises:
        InvalidPolicy: a value out of its range or of another type; ``field`` names it.
    """

    position_limit: Decimal = Decimal("0.25")
    volatility_threshold: Decimal = Decimal("0.80")
    momentum_threshold: Decimal = Decimal("-0.5")
    momentum_limit: Decimal = Decimal("0.08")
    category_limit: Decimal = Decimal("0.40")
    pair_correlation: Decimal = Decimal("0.7")
    pair_limit: Decimal = Decimal("0.30")
    pair_floor: Decimal = Decimal("0.05")
    cash_trigger: Decimal = Decimal("0.30")
    cash_target: Decimal = Decimal("0.10")
    sell_down_share: Decimal = Decimal("0.92")
    fee_bps: Decimal = Decimal(10)
    dust_value: Decimal = Decimal(10)
    uncapped_categories: frozenset[str] = frozenset({OTHER, STABLECOIN})
    stable_categories: frozenset[str] = frozenset({STABLECOIN})
    priorities: Mapping[Reason, Priority] = field(default_factory=lambda: _PRIORITIES)
    confidences: Mapping[Reason, Decimal] = field(default_factory=lambda: _CONFIDENCES)

    def __post_init__(self) -> None:
        for name in _RANGES:
            check_number(name, getattr(self, name))
        for reason in Reason:
            confidence = _number(f"confidences.{reason}", self.confidences.get(reason))
            if confidence not in _SHARE:
                raise InvalidPolicy(f"confidences.{reason}", f"has to be {_SHARE}")
            if reason not in self.priorities:
                raise InvalidPolicy(f"priorities.{reason}", "is missing")
        self._check_pairs_of_values()

    @classmethod
    def from_mapping(cls, values: Mapping[str, object], *, base: Self | None = None) -> Self:
        """Return the policy that ``values`` (a parsed TOML file, or an override) makes of ``base``, by default the
        defaults. A key that is not there keeps its value; numbers are int or Decimal, never float.

        Raises:
            InvalidPolicy: an unknown key, or a value that is not allowed.
        """
        base = base or cls()
        known: dict[str, Any] = {item.name: getattr(base, item.name) for item in fields(cls)}
        for name, value in values.items():
            if name not in known:
                raise InvalidPolicy(name, f"is not a setting of the policy; settings are {', '.join(known)}")
            if name in _CATEGORY_FIELDS:
                known[name] = _names(name, value)
            elif name == "priorities":
                known[name] = MappingProxyType({**base.priorities, **_by_reason(name, value, _priority)})
            elif name == "confidences":
                known[name] = MappingProxyType({**base.confidences, **_by_reason(name, value, _number)})
            else:
                known[name] = _number(name, value)
        return cls(**known)

    def to_mapping(self) -> dict[str, object]:
        """Return the values as ``from_mapping`` takes them, in a stable order."""
        values: dict[str, object] = {name: getattr(self, name) for name in _RANGES}
        for name in _CATEGORY_FIELDS:
            values[name] = sorted(getattr(self, name))
        values["priorities"] = {reason.value: self.priorities[reason].value for reason in Reason}
        values["confidences"] = {reason.value: self.confidences[reason] for reason in Reason}
        return values

    @property
    def id(self) -> str:
        """Return 16 hex digits that differ between policies, and are equal where every value is."""
        return hashlib.sha256(_canonical(self.to_mapping()).encode()).hexdigest()[:16]

    @property
    @exact
    def fee_rate(self) -> Decimal:
        """Return the fee as a fraction of a trade's value."""
        return self.fee_bps.scaleb(-4)

    def _check_pairs_of_values(self) -> None:
        for low, high in (("cash_target", "cash_trigger"), ("pair_floor", "pair_limit")):
            if getattr(self, low) >= getattr(self, high):
                raise InvalidPolicy(low, f"has to be below {high}")


def check_number(name: str, value: object) -> None:
    """See that some policy may have a number as its setting ``name``, whatever its other settings are.

    Raises:
        InvalidPolicy: it is none that is allowed.
    """
    allowed, number = _RANGES[name], _number(name, value)
    if number not in allowed:
        hint = "; a share is a fraction: 25 % is 0.25" if allowed.high == 1 < number else ""
        raise InvalidPolicy(name, f"has to be {allowed}{hint}")


def _number(name: str, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise InvalidPolicy(name, "has to be an exact number")
    number = Decimal(value)
    # Zeros at the end are none of its digits; how large it may be, its range says.
    if not number.is_finite() or len(EXACT.normalize(number).as_tuple().digits) > 30 or number.adjusted() < -30:
        raise InvalidPolicy(name, "has to be a finite number of at most 30 digits and 30 decimals")
    return number


def _priority(name: str, value: object) -> Priority:
    if not isinstance(value, str) or value not in list(Priority):
        raise InvalidPolicy(name, f"has to be one of {', '.join(Priority)}")
    return Priority(value)


def _names(name: str, value: object) -> frozenset[str]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidPolicy(name, "has to be a list of categories")
    names: list[object] = list(value)
    if not all(isinstance(item, str) and item for item in names):
        raise InvalidPolicy(name, "has to be a list of categories")
    return frozenset(str(item) for item in names)


def _by_reason(name: str, value: object, convert: Any) -> MappingProxyType[Reason, Any]:
    if not isinstance(value, Mapping):
        raise InvalidPolicy(name, "has to be a table by reason")
    for key in value:
        if key not in list(Reason):
            raise InvalidPolicy(f"{name}.{key}", f"is not a reason; reasons are {', '.join(Reason)}")
    return MappingProxyType({Reason(key): convert(f"{name}.{key}", item) for key, item in value.items()})


def _canonical(value: object) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}={_canonical(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_canonical(item) for item in value) + "]"
    return repr(str(value) if isinstance(value, StrEnum) else value)
