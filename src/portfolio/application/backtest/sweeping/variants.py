"""Policies that differ from one in some settings."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import product
from math import prod
from typing import Final

import msgspec

from portfolio.application.backtest.request import Sweep
from portfolio.application.errors import NotBacktestable
from portfolio.domain.arithmetic import exact
from portfolio.domain.errors import InvalidPolicy
from portfolio.domain.rebalancing.policy import RebalancePolicy, check_number

MOST_VARIANTS: Final = 1_000
FACTORS: Final = tuple(map(Decimal, ("0.75", "0.9", "1.1", "1.25")))
JOINT_DRAWS: Final = 100

_MOST_TRIES: Final = 10 * JOINT_DRAWS
_LARGEST_GRID: Final = 2**63 - 1  # as long as a sequence may be
_FINEST: Final = 10_000  # a factor of a joint draw has four decimals


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """A policy, and the settings in which it is another one.

    ``setting`` is the one that was moved alone, and ``factor`` by how much; both are None where several were.
    """

    policy: RebalancePolicy
    settings: Mapping[str, Decimal]
    setting: str | None = None
    factor: Decimal | None = None


def swept(sweep: Sweep, policy: RebalancePolicy) -> list[Variant]:
    """Return the policies of a sweep, in the order of its grid: all, or so many samples, drawn by its seed.

    Values that do not go together, as a cash target over its trigger, are left out.

    Raises:
        NotBacktestable: more than 1,000, a setting that is none, a value of it that no policy may have or that is there
            twice, or no policy that can be.
    """
    names = sorted(sweep.grid)
    sizes = [len(sweep.grid[name]) for name in names]
    count = prod(sizes)
    if count > _LARGEST_GRID:
        raise NotBacktestable("the grid has more policies than can be drawn from: ask for fewer values")
    places: Sequence[int] = range(count)
    if sweep.samples is not None and sweep.samples < count:
        places = sorted(random.Random(sweep.seed).sample(places, sweep.samples))  # noqa: S311  no secret
    if len(places) > MOST_VARIANTS:
        raise NotBacktestable(f"{len(places)} policies are more than {MOST_VARIANTS}: ask for samples")
    _check_values(sweep.grid, policy)
    found: list[Variant] = []
    for place in places:
        values: dict[str, Decimal] = {}
        rest = place
        for name, size in zip(reversed(names), reversed(sizes), strict=True):
            rest, of_name = divmod(rest, size)
            values[name] = sweep.grid[name][of_name]
        found += _variant(policy, dict(sorted(values.items())))
    if not found:
        raise NotBacktestable("no policy of the grid can be")
    return found


@exact
def around(policy: RebalancePolicy, seed: int) -> list[Variant]:
    """Return the policies around one: each setting alone at 75, 90, 110 and 125 %, then 100 of which every setting is
    drawn between 75 and 125 %, by the seed. What no policy may have is left out, and drawn anew.
    """
    numbers = {name: value for name, value in policy.to_mapping().items() if isinstance(value, Decimal) and value}
    found: list[Variant] = []
    for (name, value), factor in product(numbers.items(), FACTORS):
        found += _variant(policy, {name: value * factor}, setting=name, factor=factor)
    generator = random.Random(seed)  # noqa: S311  no secret
    drawn: list[Variant] = []
    for _ in range(_MOST_TRIES):
        factors = (Decimal(generator.randint(7_500, 12_500)) / _FINEST for _ in numbers)
        drawn += _variant(policy, {name: value * next(factors) for name, value in numbers.items()})
        if len(drawn) == JOINT_DRAWS:
            break
    return found + drawn


def _check_values(grid: Mapping[str, Sequence[Decimal]], policy: RebalancePolicy) -> None:
    known = policy.to_mapping()
    for name, values in sorted(grid.items()):
        if not isinstance(known.get(name), Decimal):
            raise NotBacktestable(f"{name} is no number of a policy")
        if len(set(values)) < len(values):
            raise NotBacktestable(f"{name} has a value twice")
        for value in values:
            try:
                check_number(name, value)
            except InvalidPolicy as error:
                raise NotBacktestable(f"{name} {error.reason}: {value} is not") from error


def _variant(
    policy: RebalancePolicy,
    settings: Mapping[str, Decimal],
    *,
    setting: str | None = None,
    factor: Decimal | None = None,
) -> Iterator[Variant]:
    """Yield the policy with these settings, where there can be one."""
    try:
        other = RebalancePolicy.from_mapping(settings, base=policy)
    except InvalidPolicy:
        return
    yield Variant(policy=other, settings=settings, setting=setting, factor=factor)
