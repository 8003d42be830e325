"""An estimate: a number, or the reason why it is undefined (``null`` in answers); and the types of arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

Number = TypeVar("Number", bound=np.generic)


class Undefined(StrEnum):
    """Why an estimate is undefined; answers carry these codes."""

    NO_POSITIONS = "no_positions"
    TOO_FEW_POSITIONS = "too_few_positions"
    TOO_FEW_OBSERVATIONS = "too_few_observations"
    TOO_SHORT_FOR_ITS_WEIGHT = "too_short_for_its_weight"
    NO_COMMON_DAYS = "no_common_days"
    TOO_FEW_COMMON_DAYS = "too_few_common_days"
    CONSTANT_SERIES = "constant_series"
    MISSING_CLOSE = "missing_close"
    VALUE_NOT_POSITIVE = "value_not_positive"
    EXPANSION_NOT_MONOTONE = "expansion_not_monotone"


@dataclass(frozen=True, slots=True)
class Estimate:
    """One statistic: a finite value, or None and the reason for it."""

    value: float | None = None
    reason: Undefined | None = None

    def __post_init__(self) -> None:
        assert (self.value is None) != (self.reason is None), "a value, or the reason why there is none"
        assert self.value is None or math.isfinite(self.value)


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """One statistic of each asset: ``values`` ``(n_assets,)``, NaN exactly where ``reasons`` has a reason."""

    values: Vector
    reasons: tuple[Undefined | None, ...]

    def __post_init__(self) -> None:
        undefined = [reason is not None for reason in self.reasons]
        assert np.array_equal(~np.isfinite(self.values), undefined), "a reason for each NaN, and for no other"

    @classmethod
    def of(cls, values: Vector, reasons: Sequence[Undefined | None]) -> Self:
        """Return the estimates: ``values`` where there is no reason against it, NaN elsewhere."""
        undefined = np.array([reason is not None for reason in reasons], dtype=np.bool_)
        return cls(frozen(np.where(undefined, np.nan, values)), tuple(reasons))

    @classmethod
    def none(cls, n_assets: int, reason: Undefined) -> Self:
        """Return estimates of which none is defined."""
        return cls(frozen(np.full(n_assets, np.nan)), (reason,) * n_assets)


def vector(values: Sequence[float]) -> Vector:
    """Return numbers as a vector ``(n,)``, read-only."""
    return frozen(np.array(values, dtype=np.float64))


def frozen(array: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Return ``array`` itself, read-only from now on: results are shared between requests."""
    array.flags.writeable = False
    return array
