"""Which weights are wanted, as it was typed into the form or stands in a link."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import Raw

from portfolio.analytics.conventions import MAX_DAYS
from portfolio.analytics.optimisation.problem import Estimator, Objective
from portfolio.application.optimisation.records import LimitMode, OptimisationRequest
from portfolio.entrypoints.http.errors import FieldError, RequestError
from portfolio.entrypoints.http.optimisation.requests import (
    HELD,
    MOST_SYMBOLS,
    LimitsBody,
    OptimiseBody,
    optimisation_request,
)
from portfolio.entrypoints.http.pages.frame.typed import Lines, messages
from portfolio.entrypoints.http.shell.bodies import FieldReader, Typed

OWN_LIMITS: Final = "own_limits"
NUMBERS: Final = ("half_life_days", "cash_percent", "max_turnover_percent", "confidence")


class OptimiserForm(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed, field by field; None where a field was left empty. Its names are those of the API."""

    objective: Typed = None
    estimator: Typed = None
    half_life_days: Typed = None
    days: Typed = None
    symbols: Typed = None
    cash_percent: Typed = None
    max_turnover_percent: Typed = None
    limits: Typed = None
    own_limits: Typed = None
    confidence: Typed = None

    def read(self) -> tuple[OptimisationRequest | None, Mapping[str, str]]:
        """Return what is wanted, None where nothing is, and what is wrong with what was typed, by field."""
        if not self.objective:
            return None, {}
        reading, own = FieldReader(), Lines(OWN_LIMITS, self.own_limits or "")
        settings = own.settings(LimitsBody.__struct_fields__)
        given: dict[str, Any] = {
            "objective": reading.given("objective", self.objective, _one_of(Objective)) or Objective.EQUAL_WEIGHT.value,
            "estimator": reading.given("estimator", self.estimator, _one_of(Estimator)),
            "days": reading.given("days", self.days, _days),
            "symbols": reading.given("symbols", self.symbols, _symbols),
            "limits": reading.given("limits", self.limits, _one_of(LimitMode)),
            **{name: Raw(text.strip().encode()) for name in NUMBERS if (text := getattr(self, name))},
        }
        if settings:
            given["limits"] = LimitsBody(**settings)
        mistakes, request = [*reading.errors, *own.mistakes], None
        try:
            request = optimisation_request(
                OptimiseBody(**{name: one for name, one in given.items() if one is not None})
            )
        except RequestError as error:
            mistakes += [_in_form(one) for one in error.errors]
        return (None if mistakes else request), messages(mistakes)


def _in_form(error: FieldError) -> FieldError:
    """Return an error of a body as one of the form: its parts are lines and words of one field."""
    if error.field.startswith("limits."):
        return FieldError(OWN_LIMITS, f"{error.field.removeprefix('limits.')} {error.message}")
    return FieldError(error.field.partition("[")[0], error.message)


def _one_of(choices: type[StrEnum]) -> Callable[[str], str]:
    """Return what reads one of these."""

    def read(text: str) -> str:
        values = [one.value for one in choices]
        if text not in values:
            raise ValueError(f"takes {', '.join(values)}")
        return text

    return read


def _days(text: str) -> int:
    if not re.fullmatch(r" *[0-9]{1,5} *", text) or not 1 <= int(text) <= MAX_DAYS:
        raise ValueError(f"takes a whole number, 1 to {MAX_DAYS}")
    return int(text)


def _symbols(text: str) -> str | list[str]:
    """Return symbols with blanks or commas between them; what is held, where that is what it says."""
    found = re.split(r"[\s,;]+", text.strip(" \t\r\n,;"))
    if found in ([""], [HELD]):
        return HELD
    if len(found) > MOST_SYMBOLS:
        raise ValueError(f"takes at most {MOST_SYMBOLS} symbols")
    return found
