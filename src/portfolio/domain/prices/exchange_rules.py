"""What an exchange takes of a trade: steps of quantity and price, and a least quantity and value."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from portfolio.domain.arithmetic import exact
from portfolio.domain.decimal_text import plain
from portfolio.domain.errors import InvalidAmount
from portfolio.domain.money import DECIMALS, EXACT, LIMIT, STEP

MOST_DOLLARS = Decimal(1_000)
"""No exchange has a step, a least quantity or a least order worth more: what says so is not believed."""

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRules:
    """The rules of one pair at one exchange, the ``venue``.

    A quantity is a multiple of ``step`` and at least ``min_quantity``; what it is worth is at least ``min_notional``
    dollars. A price is a multiple of ``tick``, in the currency ``quote`` that the exchange quotes in.

    Raises:
        InvalidAmount: a rule that cannot be; ``field`` is its name.
    """

    venue: str
    quote: str
    step: Decimal
    tick: Decimal
    min_quantity: Decimal
    min_notional: Decimal

    def __post_init__(self) -> None:
        _check("step", self.step)
        _check("tick", self.tick)
        _check("min_quantity", self.min_quantity, may_be_zero=True)
        _check("min_notional", self.min_notional)
        if self.min_notional > MOST_DOLLARS:
            raise InvalidAmount(plain(self.min_notional), "no exchange asks for that much", field="min_notional")


@dataclass(frozen=True, slots=True)
class UnknownRules:
    """That nobody knows the rules of a pair, and why."""

    reason: str


Rules = ExchangeRules | UnknownRules

NEVER_FETCHED = UnknownRules("no rules of an exchange were ever fetched")


@dataclass(frozen=True, slots=True)
class Executable:
    """How much of a trade an exchange takes.

    ``quantity`` is 0 where it takes nothing of so small a trade, which is dust, and None where its rules are unknown;
    then ``reason`` says why. ``venue`` is the exchange whose rules these are.
    """

    quantity: Decimal | None
    venue: str | None = None
    reason: str | None = None


@exact
def executable_of(rules: Rules, quantity: Decimal, price: Decimal) -> Executable:
    """Return how much of ``quantity``, zero or more, can be traded at ``price`` dollars, rounded down to the step.

    >>> btc = ExchangeRules(
    ...     venue="coinbase", quote="USD", step=Decimal("0.001"), tick=Decimal("0.01"), min_quantity=Decimal(0),
    ...     min_notional=Decimal(1),
    ... )
    >>> executable_of(btc, Decimal("0.1239"), Decimal(50_000)).quantity
    Decimal('0.123')
    >>> executable_of(btc, Decimal("0.0009"), Decimal(50_000)).reason
    'dust: 0.0009 is under the least quantity of coinbase, 0.001'
    """
    if isinstance(rules, UnknownRules):
        return Executable(None, reason=rules.reason)
    for name in ("step", "min_quantity"):
        dollars = getattr(rules, name) * price
        if dollars > MOST_DOLLARS:
            reason = f"{rules.venue}: a {name} of {plain(getattr(rules, name))} is worth {_in_cents(dollars)} dollars"
            return Executable(None, reason=f"{reason}, which is not believed")
    units = quantity // rules.step * rules.step
    least = max(rules.step, rules.min_quantity)
    if units < least:
        dust = f"dust: {plain(quantity)} is under the least quantity of {rules.venue}, {plain(least)}"
        return Executable(Decimal(0), rules.venue, dust)
    if units * price < rules.min_notional:
        worth, at_least = _in_cents(units * price), plain(rules.min_notional)
        dust = f"dust: {worth} dollars are under the least order of {rules.venue}, {at_least} dollars"
        return Executable(Decimal(0), rules.venue, dust)
    return Executable(units, rules.venue)


def _check(field: str, value: Decimal, *, may_be_zero: bool = False) -> None:
    if not value.is_finite():
        raise InvalidAmount(str(value), "not a finite number", field=field)
    if value < 0 or (value == 0 and not may_be_zero):
        raise InvalidAmount(plain(value), "has to be above zero", field=field)
    if value >= LIMIT:
        raise InvalidAmount(str(value), "no exchange asks for that much", field=field)
    if value != value.quantize(STEP, rounding=ROUND_DOWN, context=EXACT):
        raise InvalidAmount(str(value), f"finer than {DECIMALS} decimals", field=field)


def _in_cents(dollars: Decimal) -> str:
    return plain(dollars.quantize(_CENT, rounding=ROUND_DOWN))
