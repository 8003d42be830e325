"""Answers made of records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

import msgspec
import pytest

from portfolio.application.risk.measured import Measured
from portfolio.domain.lazy import lazy
from portfolio.domain.level import Level
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.http.shell.numbers import Cents, Number, Percent, Ratio
from portfolio.entrypoints.http.shell.responses import Labelled, Reasons, SymbolCode
from portfolio.entrypoints.http.views import view


class PartView(msgspec.Struct, kw_only=True):
    """A part of it."""

    symbol: SymbolCode
    value: Cents | None


class WholeView(Labelled, kw_only=True):
    """A view with a field of each kind."""

    value: Cents
    share_percent: Percent | None
    beta: Ratio | None
    quantity: Number
    level: str | None
    parts: list[PartView]
    figures: dict[str, Number]
    reasons: Reasons


@dataclass(frozen=True, slots=True)
class Part:
    """A record in another."""

    symbol: Symbol
    value: Decimal | None


@dataclass(frozen=True)
class Whole:
    """A record with a figure that is made when it is asked for."""

    value: Money
    share_percent: Measured
    quantity: Decimal
    parts: Sequence[Part]
    figures: Mapping[str, Decimal]
    level: Level | None = Level.HIGH
    reasons: Mapping[str, str] = field(default_factory=lambda: {"level": "unknown"})

    @lazy
    def beta(self) -> Decimal | None:
        """A third."""
        return Decimal(1) / 3


WHOLE = Whole(
    value=Money(Decimal("2.005")),
    share_percent=Measured(Decimal("12.34567850")),
    quantity=Decimal("1E-18"),
    parts=(Part(Symbol("BTC"), Decimal("1.10")), Part(Symbol("ETH"), None)),
    figures=MappingProxyType({"a": Decimal("1.0")}),
)


def test_a_field_is_written_as_its_type_says() -> None:
    assert msgspec.json.encode(view(WholeView, WHOLE)) == (
        b'{"value":2,"share_percent":12.345678,"beta":0.333333333333,"quantity":0.000000000000000001,"level":"high",'
        b'"parts":[{"symbol":"BTC","value":1.1},{"symbol":"ETH","value":null}],"figures":{"a":1},'
        b'"reasons":{"level":"unknown"}}'
    )


def test_what_is_given_counts_before_the_records_and_the_first_record_before_the_second() -> None:
    found = view(
        WholeView, Part(Symbol("BTC"), Decimal(5)), WHOLE, level=None, parts=[PartView(symbol="X", value=None)]
    )
    assert (bytes(found.value), found.level, found.parts[0].symbol) == (b"5", None, "X")


def test_why_a_figure_is_undefined_is_among_the_reasons_and_the_record_keeps_its_own() -> None:
    found = view(WholeView, WHOLE, share_percent=Measured(None, "no_total_value"))
    assert (found.share_percent, found.reasons) == (None, {"level": "unknown", "share_percent": "no_total_value"})
    assert WHOLE.reasons == {"level": "unknown"}


def test_a_view_without_reasons_of_its_records_has_none() -> None:
    part = Part(Symbol("BTC"), Decimal(1))
    given: dict[str, object] = {
        "share_percent": None,
        "beta": None,
        "quantity": Decimal(1),
        "level": None,
        "parts": (),
        "figures": {},
    }
    assert view(WholeView, part, **given).reasons == {}


def test_a_field_that_nothing_has_is_a_mistake() -> None:
    with pytest.raises(LookupError, match=r"symbol.* of PartView"):
        view(PartView, value=None)
